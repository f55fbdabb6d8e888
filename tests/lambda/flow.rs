//! Our client at work on the pretended Lambda: what it tells of each alias, and every verb to its end.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::{Args, Value},
        observed::FaultKind,
        offer::offer_for,
        preflight::{Grade, Heading},
        rollout::{Arm, Phase, Rollout, Share},
        verb::Verb,
    },
    port::{
        lookup::{Question, Told},
        plan::{Ask, Draft, fact},
    },
};
use serde_json::{Value as Json, json};

use crate::{
    inventory::Listing,
    scene::{Scene, ask, chosen},
};

const MINUTE: Duration = Duration::from_mins(1);

fn blocked(rollout: &Rollout, verb: Verb) -> Option<&str> {
    offer_for(&rollout.offers, verb).unwrap().blocked.as_deref()
}

async fn drafted(scene: &Scene, path: &str, verb: Verb) -> (Ask, Draft) {
    let rollout = scene.alias(path).await;
    let ask = ask(verb, &rollout.id);
    let draft = scene.inventory().draft(&rollout.into(), &ask).unwrap();
    (ask, draft)
}

/// Does what must be seen hold now?
async fn is_done(scene: &Scene, draft: &Draft) -> bool {
    let facts = scene.facts(&draft.steps[0].target).await;
    draft.expect.all.iter().all(|expect| expect.holds(&facts))
}

fn said(draft: &Draft) -> Json {
    serde_json::from_str(draft.steps[0].call.body.shown()).unwrap()
}

#[tokio::test]
async fn an_alias_at_rest_names_its_versions_who_moves_it_and_the_way_back() {
    let scene = Scene::new();
    let mail = scene.alias("mail/live").await;
    assert_eq!((mail.phase, mail.in_flight(), mail.service.as_str()), (Phase::Healthy, false, "mail"));
    assert_eq!(
        (mail.environment.as_str(), mail.stable.as_ref().map(|one| one.tag.as_str())),
        ("prod/eu", Some("0.9.1"))
    );
    assert_eq!(mail.way_back().map(Arm::called).as_deref(), Some("0.9.0"), "0.9.2 was published and never served");
    assert_eq!(mail.put_back(), None);
    let message = mail.message.as_deref().unwrap();
    assert_eq!(message, "all invocations on version 8; CodeDeploy mail/mail-live moves it");
    assert_eq!(mail.unknown, []);
}

#[tokio::test]
async fn a_shift_has_steps_a_pause_with_its_end_and_says_when_it_goes_back_by_itself() {
    let scene = Scene::new();
    let before = scene.alias("payments/live").await;
    assert!(!before.in_flight());
    assert!(before.message.unwrap().ends_with("CodeDeploy payments/payments-live moves it, begun by CloudFormation"));
    scene.clock.pass(5 * MINUTE + Duration::from_secs(10));
    let hooked = scene.alias("payments/live").await;
    assert_eq!((hooked.phase, hooked.step, hooked.weight.actual), (Phase::Progressing, Some(0), Share::Told(0)));
    assert!(hooked.message.as_ref().unwrap().contains("hook BeforeAllowTraffic runs"), "{hooked:?}");
    scene.clock.pass(MINUTE);
    let rollout = scene.alias("payments/live").await;
    assert_eq!((rollout.phase, rollout.step_words().as_deref()), (Phase::Paused, Some("1/3")));
    assert_eq!((rollout.weight.reached(), rollout.identity.canary_hash.as_str()), (Some(10), "13"));
    let canary = rollout.canary.as_ref().unwrap();
    assert_eq!(
        (canary.tag.as_str(), canary.short_commit().as_deref()),
        ("1.42.0", Some("a1b2c3d")),
        "its description says both"
    );
    let until = rollout.pause.and_then(|pause| pause.until).unwrap();
    assert_eq!(until.format("%H:%M:%S").to_string(), "02:15:20");
    let message = rollout.message.as_deref().unwrap();
    assert!(message.starts_with("10 % of invocations on version 13, 90 % on 12; CodeDeploy d-"), "{message}");
    assert!(message.ends_with("alarms payments-errors; it goes back by itself on failure and on alarm"), "{message}");
    let why = |verb| blocked(&rollout, verb).unwrap_or_default().to_owned();
    assert!(why(Verb::Promote).contains("ContinueDeployment is for EC2 and ECS"), "{}", why(Verb::Promote));
    assert!(why(Verb::Pause).contains("no pause for Lambda") && why(Verb::PromoteFull).contains("by itself"));
    scene.clock.pass(11 * MINUTE);
    let after = scene.alias("payments/live").await;
    assert_eq!((after.in_flight(), after.identity.stable_hash.as_str()), (false, "13"));
}

#[tokio::test]
async fn abort_stops_the_deployment_with_its_rollback_and_is_done_when_the_alias_is_back() {
    for verb in [Verb::Abort, Verb::Rollback] {
        let scene = Scene::new();
        scene.clock.pass(7 * MINUTE);
        let (ask, draft) = drafted(&scene, "payments/live", verb).await;
        assert_eq!(draft.steps[0].call.path, "/codedeploy/StopDeployment");
        assert_eq!(said(&draft)["autoRollbackEnabled"], json!(true));
        assert_eq!(draft.effect, "1.42.0 (a1b2c3d) (version 13): 10 % → 0 % of invocations");
        scene.send(&ask, &draft).await.unwrap();
        assert!(!is_done(&scene, &draft).await, "CodeDeploy takes it back by a deployment of its own");
        let going = scene.alias("payments/live").await;
        let why = blocked(&going, Verb::Abort).unwrap_or_default();
        assert!(why.starts_with("CodeDeploy takes it back already, to version 12"), "{why}");
        scene.clock.pass(MINUTE);
        assert!(is_done(&scene, &draft).await);
        assert_eq!(scene.diary.writes().len(), 1);
        let after = scene.alias("payments/live").await;
        assert_eq!((after.in_flight(), after.identity.stable_hash.as_str()), (false, "12"));
        assert!(after.events[0].message.contains("undoes d-"), "{:?}", after.events);
    }
}

#[tokio::test]
async fn an_alarm_takes_it_back_without_us_and_the_next_draft_says_so() {
    let scene = Scene::new();
    scene.clock.pass(7 * MINUTE);
    let (_, draft) = drafted(&scene, "payments/live", Verb::Abort).await;
    scene.happens("alarm = { application = 'payments' }");
    let facts = scene.facts(&draft.steps[0].target).await;
    let name = holdshort::provider::lambda::fact::DEPLOYMENT;
    assert_ne!(facts.get(name), draft.bound.get(name), "what the card is bound to has moved, so nothing is sent");
    scene.clock.pass(MINUTE);
    let after = scene.alias("payments/live").await;
    assert!(after.events.iter().any(|event| event.warning && event.message.contains("alarms have been activated")));
}

#[tokio::test]
async fn what_codedeploy_owns_goes_back_by_a_deployment_at_once() {
    let scene = Scene::new();
    let (ask, draft) = drafted(&scene, "mail/live", Verb::Rollback).await;
    let body = said(&draft);
    assert_eq!(
        (draft.steps[0].call.path.as_str(), &body["deploymentGroupName"]),
        ("/codedeploy/CreateDeployment", &json!("mail-live"))
    );
    let content: Json = serde_json::from_str(body["revision"]["appSpecContent"]["content"].as_str().unwrap()).unwrap();
    let properties = json!({"Name": "mail", "Alias": "live", "CurrentVersion": "8", "TargetVersion": "7"});
    assert_eq!(content["Resources"][0]["mail"]["Properties"], properties);
    assert!(draft.notes.iter().any(|note| note.contains("kept warm belongs to the alias")), "{:?}", draft.notes);
    scene.send(&ask, &draft).await.unwrap();
    assert!(!is_done(&scene, &draft).await);
    scene.clock.pass(MINUTE);
    assert!(is_done(&scene, &draft).await);
    let after = scene.alias("mail/live").await;
    assert_eq!(after.put_back().map(|back| (back.to.hash.as_str(), back.left.hash.as_str())), Some(("7", "8")));
    assert_eq!(after.way_back(), None, "0.9.1 was left, and nothing else is older");
}

#[tokio::test]
async fn what_nobody_owns_is_written_under_its_revision_by_each_verb() {
    let share = |text: &str| Args::none().with("share", Value::Text(text.to_owned()));
    let table = [
        (Verb::Set, share("50"), json!({"RoutingConfig": {"AdditionalVersionWeights": {"6": 0.5}}}), ("5", "6", "50")),
        (
            Verb::PromoteFull,
            Args::none(),
            json!({"FunctionVersion": "6", "RoutingConfig": {"AdditionalVersionWeights": {}}}),
            ("6", "6", "0"),
        ),
        (Verb::Abort, Args::none(), json!({"RoutingConfig": {"AdditionalVersionWeights": {}}}), ("5", "5", "0")),
        (
            Verb::Rollback,
            Args::back_to(Some("2.3.0")),
            json!({"FunctionVersion": "4", "RoutingConfig": {"AdditionalVersionWeights": {}}}),
            ("4", "4", "0"),
        ),
    ];
    for (verb, args, body, (stable, canary, weight)) in table {
        let scene = Scene::new();
        let rollout = scene.alias("search/live").await;
        assert_eq!((rollout.phase, rollout.weight.reached()), (Phase::Paused, Some(25)));
        let ask = Ask { args, ..ask(verb, &rollout.id) };
        let draft = scene.inventory().draft(&rollout.clone().into(), &ask).unwrap();
        assert_eq!((said(&draft), draft.steps[0].call.is_guarded()), (body, true), "{verb}");
        assert!(draft.steps[0].call.command.starts_with("aws --region eu-west-1 lambda update-alias "));
        scene.send(&ask, &draft).await.unwrap();
        assert!(is_done(&scene, &draft).await, "{verb}");
        let facts = scene.facts(&rollout.id).await;
        let is = [fact::STABLE, fact::CANARY, fact::WEIGHT].map(|name| facts[name].as_str());
        assert_eq!(is, [stable, canary, weight], "{verb}");
        // Drawn up before, and the alias was written since.
        let bound = draft.bound.iter().all(|(name, value)| facts.get(name) == Some(value));
        assert!(!bound, "{verb} would go out twice");
    }
}

#[tokio::test]
async fn an_alias_that_was_written_between_reading_and_sending_is_a_conflict() {
    let scene = Scene::new();
    let (ask, draft) = drafted(&scene, "search/live", Verb::PromoteFull).await;
    let reading = scene.inventory().read(&draft.steps[0].target).await.unwrap();
    scene.happens("shift = { function = 'search', alias = 'live', canary = 6, share = 0.3 }");
    let supplies = holdshort::port::fill::Supplies {
        facts: Some(&reading.facts),
        revision: reading.revision.as_deref(),
        ..holdshort::port::fill::Supplies::default()
    };
    let checked = holdshort::port::shape::Checked::of(&draft.steps[0], ask.verb, scene.inventory(), &supplies).unwrap();
    let error = scene.inventory().send(checked).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Conflict, false), "{error}");
}

#[tokio::test]
async fn a_share_that_is_none_is_refused_with_the_way() {
    let scene = Scene::new();
    let rollout = scene.alias("search/live").await;
    for text in ["0", "100", "x", "-3"] {
        let args = Args::none().with("share", Value::Text(text.to_owned()));
        let ask = Ask { args, ..ask(Verb::Set, &rollout.id) };
        let why = scene.inventory().draft(&rollout.clone().into(), &ask).unwrap_err().0;
        assert_eq!(why, format!("'{text}' is no share: above 0 and below 100; abort gives it none, promote full all"));
    }
}

#[tokio::test]
async fn what_was_left_is_no_way_back_by_itself_and_comes_again_only_by_its_name() {
    let scene = Scene::new();
    let cart = scene.alias("cart/live").await;
    assert_eq!(cart.way_back().map(|arm| arm.hash.as_str()), Some("30"), "32 was taken back by an alarm");
    let search = scene.alias("search/live").await;
    let ask = Ask { args: Args::back_to(Some("9")), ..ask(Verb::Rollback, &search.id) };
    assert!(scene.inventory().draft(&search.into(), &ask).unwrap_err().0.starts_with("no version '9' of search"));
    let mail = scene.alias("mail/live").await;
    let named = Ask { args: Args::back_to(Some("0.9.2")), ..crate::scene::ask(Verb::Rollback, &mail.id) };
    let draft = scene.inventory().draft(&mail.into(), &named).unwrap();
    assert!(draft.notes.iter().any(|note| note.contains("was ever behind live is not known")), "{:?}", draft.notes);
}

#[tokio::test]
async fn what_is_not_known_is_said_and_never_taken_for_nothing() {
    let scene = Scene::new();
    let thumbs = scene.alias("thumbs/live").await;
    assert_eq!(thumbs.troubles, ["its reserved concurrency is 0: every invocation is throttled"]);
    assert!(thumbs.unknown[0].what.starts_with("it points at $LATEST"), "{:?}", thumbs.unknown);
    let denied = Scene::of(
        "denied = ['codedeploy:ListApplications', 'lambda:ListProvisionedConcurrencyConfigs']",
        vec![chosen("*", None)],
    );
    let search = denied.alias("search/live").await;
    assert!(search.message.as_ref().unwrap().ends_with("whether CodeDeploy moves it is not known"), "{search:?}");
    assert!(search.unknown[0].what.contains("it takes codedeploy:ListApplications"), "{:?}", search.unknown);
    let (_, draft) = drafted(&denied, "search/live", Verb::Abort).await;
    assert!(draft.notes.iter().any(|note| note.contains("kept warm of it is not known")), "{:?}", draft.notes);
    assert!(draft.notes.iter().any(|note| note.contains("its deployment fails over this")), "{:?}", draft.notes);
}

#[tokio::test]
async fn the_preflight_knows_what_is_gone_what_starts_cold_and_what_is_throttled() {
    let scene = Scene::new();
    scene.happens("delete = { function = 'payments', number = 11 }");
    let lookup = &scene.connection.lookups[0];
    let of = async |path: &str, hash: &str| {
        let rollout = holdshort::domain::object::ObjectId::new(&"aws".into(), "alias", path);
        let question = Question::Preflight { rollout, hash: hash.to_owned(), heading: Heading::Back };
        let Some(Ok(Told::Preflight(told))) = lookup.ask(question).next().await else { panic!("no answer") };
        told.checks.into_iter().map(|check| (check.grade, check.words)).collect::<Vec<_>>()
    };
    let one = |grade, words: &str| (grade, words.to_owned());
    assert_eq!(of("payments/live", "11").await[0], one(Grade::Red, "version 11 is gone: somebody deleted it"));
    let warm = of("payments/live", "12").await;
    assert_eq!(warm, [one(Grade::Good, "version 12 is active, with 2 layers"), one(Grade::Good, "20 of 20 kept warm")]);
    let cold = of("payments/live", "13").await;
    assert_eq!(cold[1], one(Grade::Amber, "nothing of it is kept warm, as of other versions is: it starts cold"));
    let image = of("search/live", "5").await;
    assert_eq!(image[0], one(Grade::Good, "version 5 is active, a container image"));
    assert_eq!(
        of("thumbs/live", "1").await[2],
        one(Grade::Red, "its reserved concurrency is 0: every invocation is throttled")
    );
}

#[tokio::test]
async fn a_deployment_that_was_stopped_and_left_where_it_was_is_taken_back_by_the_alias() {
    let scene = Scene::new();
    scene.clock.pass(7 * MINUTE);
    scene.alias("payments/live").await;
    // Somebody stopped it in the console, without its rollback.
    scene.happens("stop = { application = 'payments' }");
    let rollout = scene.alias("payments/live").await;
    assert_eq!((rollout.phase, rollout.in_flight()), (Phase::Paused, true));
    let (ask, draft) = drafted(&scene, "payments/live", Verb::Abort).await;
    assert_eq!(draft.steps[0].call.method, "PUT");
    scene.send(&ask, &draft).await.unwrap();
    assert!(is_done(&scene, &draft).await);
}

#[tokio::test]
async fn what_is_named_and_not_there_is_said() {
    let scene = Scene::of("", vec![chosen("mail", Some("live")), chosen("mail", Some("beta"))]);
    let (items, unread) = scene.inventory().look().await;
    assert_eq!((items.len(), unread), (1, vec!["Lambda: mail has no alias beta; check its name".to_owned()]));
    let gone = Scene::of("", vec![chosen("nothing", None)]);
    let error = gone.inventory().rollouts().await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Missing, "{error}");
}
