//! Our client over the pretended Argo CD: what is seen, what verbs do, who would undo them.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        rollout::{Phase, Role},
        verb::Verb,
    },
    port::{
        plan::{Ask, Condition, Draft, Expect, Expectation, WireCall},
        record::Stage,
        step::{Due, Obligation, Step},
        takeover::Takeover,
    },
};

use crate::scene::{Scene, ask, blocked};

const PAYMENTS: &str = "/api/v1/applications/payments-prod";
const KEY: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";

/// A roll back to a version.
fn back_to(rollout: &holdshort::domain::rollout::Rollout, to: &str) -> Ask {
    let plain = ask(Verb::Rollback, rollout);
    Ask { args: plain.args.clone().with("to", holdshort::domain::form::Value::Text(to.into())), ..plain }
}

fn end(record: &holdshort::port::record::Record) -> &Stage {
    &record.end().unwrap().stage
}

#[tokio::test(start_paused = true)]
async fn an_application_is_told_with_what_git_wants_what_is_deployed_and_what_it_does_by_itself() {
    let scene = Scene::new("");
    let payments = scene.app("payments-prod").await;
    let said = (payments.service.as_str(), payments.environment.as_str(), payments.system.as_str(), payments.phase);
    assert_eq!(said, ("payments", "prod/eu-west-1", "Argo CD", Phase::Degraded));
    assert_eq!(payments.message.as_deref(), Some("Synced, Degraded, auto-sync on, self-heal on"));
    let version = |it: &Option<holdshort::domain::version::Version>| it.as_ref().unwrap().to_string();
    assert_eq!((version(&payments.stable), version(&payments.canary)), ("1.42.0".into(), "1.42.0".into()));
    let arms: Vec<_> = payments.arms.iter().map(|arm| (arm.role, arm.called(), arm.revision)).collect();
    let old = |called: &str, id| (Role::Old, called.to_owned(), Some(id));
    assert_eq!(arms, [(Role::Stable, "1.42.0".to_owned(), Some(2)), old("9f8e7d6", 1), old("3d2c1b0", 0)]);
    assert_eq!(payments.written.as_ref().unwrap().by, "auto-sync");
    assert_eq!(payments.events[1].message, "entry 1 of its history: 9f8e7d6, revision 9f8e7d6, by kim");
    let search = scene.app("search-prod").await;
    assert_eq!(
        (search.phase, version(&search.stable), version(&search.canary)),
        (Phase::Paused, "4.1.1".into(), "c0ffee1".into())
    );
    scene.pass(5).await;
    let ledger = scene.app("ledger-prod").await;
    assert_eq!(ledger.phase, Phase::Progressing);
    assert!(
        ledger.message.unwrap().starts_with("Running: waiting for completion of hook batch/Job/ledger-prod-migrate")
    );
}

#[tokio::test(start_paused = true)]
async fn every_verb_is_open_or_says_what_stands_against_it() {
    let scene = Scene::new("");
    scene.pass(5).await;
    let [payments, search, ledger, till] = [
        scene.app("payments-prod").await,
        scene.app("search-prod").await,
        scene.app("ledger-prod").await,
        scene.app("till-eu").await,
    ];
    let synced = "git and what runs are alike (Synced at a1b2c3d): there is nothing to sync";
    let idle = "no operation runs on it, so there is nothing to abort: roll back puts an earlier version back";
    assert_eq!(blocked(&payments, Verb::Sync).as_deref(), Some(synced));
    assert_eq!(blocked(&payments, Verb::Rollback), None);
    assert_eq!(blocked(&payments, Verb::Abort).as_deref(), Some(idle));
    assert_eq!(blocked(&search, Verb::Sync), None);
    let waits = "git wants c0ffee1, and that was not deployed: 4.1.1 still runs; \
                 `holdshort rollback cd/application/shop/search-prod --to VERSION` goes further back";
    assert_eq!(blocked(&search, Verb::Rollback).as_deref(), Some(waits));
    let runs = "an operation runs on it (kim since 02:07:01): abort ends it";
    assert_eq!(blocked(&ledger, Verb::Sync).as_deref(), Some(runs));
    assert_eq!((blocked(&ledger, Verb::Abort), blocked(&ledger, Verb::Rollback)), (None, None));
    let set = "auto-sync is on, and the ApplicationSet tills that made it switches it on again at once: switch it off there \
               (syncPolicy of its template), or revert in git, which lasts";
    assert_eq!(blocked(&till, Verb::Rollback).as_deref(), Some(set));
    let refused = scene.draft(&till, &back_to(&till, "0")).unwrap_err();
    assert_eq!(refused.0, set, "also where a version is named");
}

#[tokio::test(start_paused = true)]
async fn the_draft_of_a_roll_back_is_whole() {
    let scene = Scene::new("");
    let payments = scene.app("payments-prod").await;
    let draft = scene.draft(&payments, &ask(Verb::Rollback, &payments)).unwrap();
    let [bad, good] = [&payments.identity.canary_hash, &payments.arms[1].hash];
    assert!(good.starts_with(KEY), "{good}");
    let call = |words: &str, method: &str, path: &str, body: &str| WireCall {
        words: words.into(),
        method: method.into(),
        path: path.into(),
        content_type: "application/json".into(),
        body: body.into(),
        command: format!(
            "curl --fail-with-body -X {method} -H \"Authorization: Bearer $ARGOCD_AUTH_TOKEN\" -H 'Content-Type: application/json' \
             -d '{body}' https://cd.example.com{path}"
        ),
        ..WireCall::default()
    };
    let switch = |on: bool| {
        let (words, to, from, set) = if on { ("on again", "on", "off", "null") } else { ("off", "off", "on", "false") };
        let patch = format!(r#"{{\"spec\":{{\"syncPolicy\":{{\"automated\":{{\"enabled\":{set}}}}}}}}}"#);
        let body = format!(r#"{{"project":"shop","name":"payments-prod","patchType":"merge","patch":"{patch}"}}"#);
        let body = sorted(&body);
        Step::new(&payments.id, call(&format!("switch auto-sync of payments-prod {words}"), "PATCH", PAYMENTS, &body))
            .when(vec![Expect::is("auto-sync", from)])
            .then(Expectation {
                all: vec![Expect::is("auto-sync", to)],
                words: Some(format!("auto-sync of payments-prod is {to}, read back")),
                within: Duration::from_secs(20),
                ..Expectation::default()
            })
    };
    let entry = format!("newest history id of {good}");
    let there = Expect { fact: entry.clone(), condition: Condition::AtLeast(3) };
    let settled = Expect::is("looked at since its operation ended", true);
    let expect = Expectation {
        all: vec![there.clone(), settled.clone(), Expect::is("health", "Healthy")],
        fails_if: vec![
            Expect::is_not("failed operation of", "2026-03-10T01:48:40Z"),
            Expect::is("the operation waits for a sync window to open", true),
        ],
        frees: None,
        rests: vec![there, settled, Expect::is("health", "Suspended")],
        words: Some("payments-prod runs 9f8e7d6 (entry 1 of its history)".into()),
        within: Duration::from_mins(15),
        progress: Some(("health".into(), String::new())),
    };
    let back = call(
        "put entry 1 of the history of payments-prod back: 9f8e7d6",
        "POST",
        &format!("{PAYMENTS}/rollback"),
        &sorted(r#"{"project":"shop","id":1,"prune":false}"#),
    );
    let when = vec![Expect { fact: entry, condition: Condition::AtMost(1) }, Expect::is("auto-sync", "off")];
    let mut steps = vec![switch(false), Step::new(&payments.id, back).when(when).then(expect.clone())];
    for step in &mut steps {
        step.bound = [("known to be closed by a sync window".to_owned(), "no".to_owned())].into();
    }
    let expected = Draft {
        from: payments.canary.clone(),
        to: payments.arms[1].version.clone(),
        effect: "payments-prod goes back from 1.42.0 to 9f8e7d6 (entry 1, revision 9f8e7d6)".into(),
        steps,
        obligations: vec![Obligation {
            after: 0,
            due: Due::OnRelease,
            owner: None,
            words: "auto-sync of payments-prod is off".into(),
            step: switch(true),
        }],
        moment: None,
        bound: [("uid".to_owned(), payments.identity.uid.clone()), ("canary hash".to_owned(), bad.clone())].into(),
        expect,
        undo: "sync: 1.42.0 comes again, as git says".into(),
        notes: vec![
            "auto-sync on, self-heal on: it would put 1.42.0 back within minutes, so it is off until somebody ends that".into(),
            "git still says 1.42.0: it is OutOfSync from then on, and lasting is only a revert there".into(),
            "hooks do not run in a roll back: what a migration changed stays changed".into(),
            "whether a sync window forbids it is asked right before, and where one does nothing is sent".into(),
            "what only the version that is left has stays: prune=true deletes it".into(),
        ],
    };
    assert_eq!(draft, expected);
}

/// JSON as it is sent: the order of its keys is that of whoever builds it.
fn sorted(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_switches_auto_sync_off_first_and_what_is_owed_stays_until_somebody_ends_it() {
    let scene = Scene::new("");
    let payments = scene.app("payments-prod").await;
    let record = scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
    let Stage::Done { said } = end(&record) else { panic!("{:?}", record.entries) };
    assert_eq!(
        said,
        "payments-prod runs 9f8e7d6 (entry 1 of its history), verified; still held: auto-sync of payments-prod is off"
    );
    assert_eq!(scene.writes(), [format!("PATCH /argocd{PAYMENTS}"), format!("POST /argocd{PAYMENTS}/rollback")]);
    let after = scene.app("payments-prod").await;
    assert_eq!((after.phase, after.aborted_in_spec), (Phase::Aborted, true));
    assert_eq!(after.stable.as_ref().unwrap().tag, "1.41.3", "what runs has a tag, now that it is seen to run");
    assert_eq!(after.message.as_deref(), Some("OutOfSync, Healthy, auto-sync off"));
    let why = blocked(&after, Verb::Rollback).unwrap();
    assert!(why.starts_with("1.41.3 was put back already: there is nothing to go back from; "), "{why}");
    assert_eq!(blocked(&after, Verb::Sync), None);
    // Further back is open to whoever says how far.
    let further = scene.draft(&after, &back_to(&after, "0")).unwrap();
    assert!(further.obligations.is_empty() && further.steps.len() == 1, "auto-sync is off already");
    for (name, why) in [
        ("1.41.3", "1.41.3 is deployed already"),
        ("1.42.0", "1.42.0 is what git wants: sync brings it, and that goes forward"),
    ] {
        assert_eq!(scene.draft(&after, &back_to(&after, name)).unwrap_err().0, why);
    }
    let unknown = scene.draft(&after, &back_to(&after, "7.7.7")).unwrap_err().0;
    assert!(unknown.starts_with("'7.7.7' is not in its history: "), "{unknown}");
}

/// The server on which what is held is whole, and the one that forgets the flag.
fn both_servers() -> [Scene; 2] {
    let older = crate::scene::SCENARIO.replace("user = \"dana\"", "user = \"dana\"\nversion = \"v3.0.12+8d1e5b9\"");
    [Scene::new(""), Scene::of(&older, vec![crate::scene::chosen("shop/payments-prod")])]
}

#[tokio::test(start_paused = true)]
async fn what_a_roll_back_holds_is_ended_as_it_was_whatever_stands_against_another_roll_back() {
    for scene in both_servers() {
        let payments = scene.app("payments-prod").await;
        let held = scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
        let after = scene.app("payments-prod").await;
        assert!(blocked(&after, Verb::Rollback).unwrap().contains("was put back already"));
        let takes_over = Some(Box::new(Takeover::of(&held).unwrap()));
        let ask = Ask { takes_over, ..ask(Verb::Rollback, &after) };
        let draft = scene.draft(&after, &ask).unwrap();
        assert_eq!((&draft.obligations, draft.steps.len()), (&held.intent.plan.draft.obligations, 0));
        assert_eq!(draft.effect, "auto-sync of payments-prod is on again: it brings 1.42.0, as git says");
        let lasting = "git still says 1.42.0: it comes within minutes of this, unless that is reverted there first";
        assert_eq!(draft.notes, [lasting]);
        let ended = scene.carry_out(&after, &ask, draft).await;
        assert_eq!(end(&ended), &Stage::Done { said: "switch auto-sync of payments-prod on again, released".into() });
        assert_eq!((scene.owed(&held), scene.owed(&ended)), (vec![], vec![]));
        let message = scene.app("payments-prod").await.message.unwrap();
        assert!(message.ends_with("auto-sync on, self-heal on"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_ended_by_nothing_that_this_argo_cd_could_not_have_been_asked_for() {
    let scene = Scene::new("");
    let payments = scene.app("payments-prod").await;
    let held = scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
    let mut takeover = Takeover::of(&held).unwrap();
    let body = takeover.holds[0].step.call.body.shown().replace("enabled", "prune");
    takeover.holds[0].step.call.body = body.into();
    let after = scene.app("payments-prod").await;
    let ask = Ask { takes_over: Some(Box::new(takeover)), ..ask(Verb::Rollback, &after) };
    let why = "what would end what record 1 holds (auto-sync of payments-prod is off) is none of its calls";
    assert_eq!(scene.draft(&after, &ask).unwrap_err().0, why);
}

#[tokio::test(start_paused = true)]
async fn once_auto_sync_is_on_again_it_puts_back_what_git_says() {
    let scene = Scene::new(
        "[[systems.script]]\nat = '10m'\nact = { set_auto_sync = { application = 'payments-prod', on = true } }\n",
    );
    let payments = scene.app("payments-prod").await;
    scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
    scene.pass(660).await;
    let again = scene.app("payments-prod").await;
    assert_eq!((again.stable.as_ref().unwrap().tag.as_str(), again.phase), ("1.42.0", Phase::Degraded));
}

#[tokio::test(start_paused = true)]
async fn where_the_server_is_older_than_the_flag_the_whole_block_is_taken_away_and_put_back() {
    let older = crate::scene::SCENARIO.replace("user = \"dana\"", "user = \"dana\"\nversion = \"v3.0.12+8d1e5b9\"");
    let scene = Scene::of(&older, vec![crate::scene::chosen("shop/payments-prod")]);
    let payments = scene.app("payments-prod").await;
    let draft = scene.draft(&payments, &ask(Verb::Rollback, &payments)).unwrap();
    let said = |step: &Step| step.call.body.shown().replace('\\', "");
    assert!(said(&draft.steps[0]).contains(r#"{"spec":{"syncPolicy":{"automated":null}}}"#));
    let back = r#"{"automated":{"prune":true,"selfHeal":true}}"#;
    assert!(said(&draft.obligations[0].step).contains(back), "{}", said(&draft.obligations[0].step));
    let record = scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
    assert!(matches!(end(&record), Stage::Done { .. }), "{:?}", record.entries);
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_a_server_forgets_is_seen_not_to_hold_and_nothing_goes_on() {
    let scene = Scene::new("");
    let payments = scene.app("payments-prod").await;
    let ask = ask(Verb::Rollback, &payments);
    let draft = scene.draft(&payments, &ask).unwrap();
    // The same card, on a server whose custom resource does not know it.
    let older = crate::scene::SCENARIO.replace("user = \"dana\"", "user = \"dana\"\nversion = \"v3.0.12+8d1e5b9\"");
    let scene = Scene::of(&older, vec![crate::scene::chosen("shop/payments-prod")]);
    let payments = scene.app("payments-prod").await;
    let record = scene.carry_out(&payments, &ask, draft).await;
    let Stage::Unknown { check } = end(&record) else { panic!("{:?}", record.entries) };
    assert!(check.starts_with("not observed within 20 s: auto-sync off (it is on)"), "{check}");
    assert_eq!(scene.writes(), [format!("PATCH /argocd{PAYMENTS}")]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_runs_is_ended_before_its_application_goes_back() {
    let scene = Scene::new("");
    scene.pass(5).await;
    let ledger = scene.app("ledger-prod").await;
    let record = scene.fly(&ledger, &ask(Verb::Rollback, &ledger)).await;
    assert!(matches!(end(&record), Stage::Done { .. }), "{:?}", record.entries);
    let writes = scene.writes();
    let path = "/argocd/api/v1/applications/ledger-prod";
    assert_eq!(writes, [format!("DELETE {path}/operation?project=shop"), format!("POST {path}/rollback")]);
    let after = scene.app("ledger-prod").await;
    let stable = after.side(Role::Stable).unwrap();
    assert_eq!((stable.tag().as_str(), stable.revision), ("2.0.2", Some(2)));
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_the_operation_and_puts_nothing_back() {
    let scene = Scene::new("");
    scene.pass(5).await;
    let ledger = scene.app("ledger-prod").await;
    let record = scene.fly(&ledger, &ask(Verb::Abort, &ledger)).await;
    assert_eq!(end(&record).said(), "the operation on ledger-prod is ended, verified");
    let after = scene.app("ledger-prod").await;
    assert_eq!((after.phase, after.stable.as_ref().unwrap().tag.as_str()), (Phase::Degraded, "2.0.2"));
    assert!(after.message.unwrap().starts_with("Failed: Operation terminated, OutOfSync"));
    assert_eq!(blocked(&scene.app("ledger-prod").await, Verb::Rollback), None, "half of it may be there");
}

#[tokio::test(start_paused = true)]
async fn a_sync_names_the_revision_that_was_seen_and_says_why() {
    let scene = Scene::new("");
    let search = scene.app("search-prod").await;
    let draft = scene.draft(&search, &ask(Verb::Sync, &search)).unwrap();
    let body: serde_json::Value = serde_json::from_str(draft.steps[0].call.body.shown()).unwrap();
    let expected = serde_json::json!({"project": "shop", "prune": false, "revision": "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11",
        "infos": [{"name": "Reason", "value": "errors"}]});
    assert_eq!(body, expected);
    let record = scene.fly(&search, &ask(Verb::Sync, &search)).await;
    assert_eq!(end(&record).said(), "search-prod is synced to c0ffee1, and healthy, verified");
    let after = scene.app("search-prod").await;
    assert_eq!((after.phase, after.stable.as_ref().unwrap().tag.as_str()), (Phase::Healthy, "4.2.0"));
}

#[tokio::test(start_paused = true)]
async fn a_closed_window_stops_a_sync_and_a_roll_back_before_anything_is_sent() {
    let closed = "[[systems.windows]]\nproject = 'shop'\nfrom = '1m'\nuntil = '2h'\n";
    for name in ["search-prod", "payments-prod"] {
        let scene = Scene::of(
            &crate::scene::SCENARIO.replace("[[systems.windows]]", &format!("{closed}\n[[systems.windows]]")),
            vec![crate::scene::chosen(&format!("shop/{name}"))],
        );
        let verb = if name == "search-prod" { Verb::Sync } else { Verb::Rollback };
        let app = scene.app(name).await;
        let ask = ask(verb, &app);
        let draft = scene.draft(&app, &ask).unwrap();
        scene.pass(90).await;
        let record = scene.carry_out(&app, &ask, draft).await;
        match (verb, end(&record)) {
            (Verb::Rollback, Stage::Refused { why, changed: true }) => {
                assert_eq!(why, "moved: known to be closed by a sync window no → yes; nothing was sent");
            }
            (_, Stage::Failed { why, .. }) => {
                assert!(why.contains("a sync window is closed: it opens by its schedule"), "{why}");
            }
            (_, other) => panic!("{name}: {other:?}"),
        }
        assert_eq!(scene.writes(), [""; 0], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_a_window_holds_is_said_to_wait_for_it() {
    let closed = "[[systems.windows]]\nproject = 'shop'\nfrom = '1m'\nuntil = '2h'\n";
    let text = crate::scene::SCENARIO.replace("[[systems.windows]]", &format!("{closed}\n[[systems.windows]]"));
    let text = format!(
        "{text}\n[[systems.script]]\nat = '2m'\nact = {{ sync = {{ application = 'search-prod', by = 'kim' }} }}\n"
    );
    let scene = Scene::of(&text, vec![crate::scene::chosen("shop/search-prod")]);
    scene.pass(150).await;
    let search = scene.app("search-prod").await;
    assert_eq!(search.phase, Phase::Paused);
    assert!(search.message.unwrap().starts_with("Running: Sync operation blocked by sync window"));
}

#[tokio::test(start_paused = true)]
async fn a_right_that_the_token_lacks_is_named_with_its_policy() {
    let text =
        crate::scene::SCENARIO.replace("user = \"dana\"", "user = \"dana\"\ndenied = [\"update, shop/payments-prod\"]");
    let scene = Scene::of(&text, vec![crate::scene::chosen("shop/*")]);
    let payments = scene.app("payments-prod").await;
    let why = "the token lacks the right `applications, update, shop/payments-prod`: ask whoever administers the project shop for it";
    assert_eq!(blocked(&payments, Verb::Rollback).as_deref(), Some(why));
    assert_eq!(blocked(&scene.app("search-prod").await, Verb::Sync), None, "that takes no update");
}

#[tokio::test(start_paused = true)]
async fn what_it_keeps_by_itself_is_told_beside_it_until_auto_sync_is_off() {
    let scene = Scene::new("");
    let kept = async || {
        let inventory = scene.inventory();
        let scopes = inventory.discover().await.unwrap();
        let told: Vec<_> = inventory.list(scopes).collect().await;
        let parts = told.into_iter().flat_map(|heard| heard.parts.unwrap());
        let all = parts.flat_map(|part| part.upkeep).map(|one| (one.by.path, one.keeps, one.undoes));
        all.collect::<Vec<_>>()
    };
    let heals = "within seconds: auto-sync is on, and self-heal with it";
    let one = |by: &str, keeps: &str| (by.to_owned(), vec![keeps.to_owned()], heals.to_owned());
    let till = one("shop/till-eu", "till/till");
    assert_eq!(kept().await, [one("shop/payments-prod", "shop/payments"), till.clone()]);
    let payments = scene.app("payments-prod").await;
    scene.fly(&payments, &ask(Verb::Rollback, &payments)).await;
    assert_eq!(kept().await, [till]);
}
