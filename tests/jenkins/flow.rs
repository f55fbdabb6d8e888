//! Our client over the pretended Jenkins: inputs, verbs, logs.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::{Kind, Value},
        gate::Eligibility,
        log::Mark,
        object::ObjectId,
        observed::FaultKind,
        offer::offer_for,
        pipeline::{NodeKind, RunStatus},
        verb::Verb,
    },
    port::{
        fill::{Answered, Fill, Give, Slot, Supply},
        lookup::{Question, Told},
        plan::{Ask, Draft, Expect, Expectation, WireCall},
        secrets::Secrets,
        step::{Step, Watch},
    },
};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{SCENARIO, Scene, ask, job},
};

const GATE: &str = "gateway #812: Ship to prod?";

/// An ask with these said to it.
fn saying(verb: Verb, target: &ObjectId, said: &[(&str, &str)]) -> Ask {
    let plain = ask(verb, target);
    let args = said.iter().fold(plain.args.clone(), |args, (name, text)| args.with(name, Value::Text((*text).into())));
    Ask { args, ..plain }
}

/// An approval with what the input asks for.
fn approve(target: &ObjectId) -> Ask {
    let plain = saying(Verb::Approve, target, &[("WINDOW", "it's 22:00")]);
    Ask { args: plain.args.clone().with("PIN", Value::Secret), ..plain }
}

fn pin() -> Secrets {
    Secrets::default().with("PIN", "hunter&2")
}

#[tokio::test]
async fn the_draft_of_an_approval_is_whole_and_holds_no_secret() {
    let scene = Scene::new();
    let gate = scene.gate(GATE).await;
    let draft = scene.inventory().draft_for(&gate, &approve(&gate.id)).unwrap();
    let path = "/job/shop/job/gateway/812/input/Ship/proceed";
    let answers = r#"json={"parameter":[{"name":"WINDOW","value":"it'\''s 22:00"},{"name":"PIN","value":""}]}"#;
    let call = WireCall {
        words: format!("proceed with {GATE}"),
        method: "POST".into(),
        path: path.into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: r#"json={"parameter":[{"name":"WINDOW","value":"it's 22:00"},{"name":"PIN","value":""}]}"#.into(),
        fills: vec![Fill { from: Supply::Secret("PIN".into()), into: Slot::Json("/json/parameter/1/value".into()) }],
        command: format!(
            "curl --fail-with-body -X POST -u \"$JENKINS_USER:$JENKINS_API_TOKEN\" --data-urlencode '{answers}' https://ci.test{path}"
        ),
        ..WireCall::default()
    };
    let expected = Draft {
        from: None,
        to: gate.version.clone(),
        effect: format!("{GATE} goes on: 3.3.1 (77aa012)"),
        steps: vec![Step::new(&gate.id, call)],
        obligations: vec![],
        moment: None,
        bound: gate.identity.clone(),
        expect: Expectation {
            all: vec![Expect::is("input is", "answered")],
            fails_if: vec![Expect::is("status", "cancelled"), Expect::is("status", "failed")],
            within: Duration::from_mins(1),
            ..Expectation::default()
        },
        undo: "an input that was answered cannot be taken back: cancel the build, or release the earlier version"
            .into(),
        notes: vec![
            "WINDOW = it's 22:00".into(),
            "PIN = (set, not shown)".into(),
            "Jenkins takes no comment: your reason stays in the record".into(),
        ],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn an_approval_sends_every_answer_with_the_secret_in_its_place_and_a_crumb_of_its_session() {
    let scene = Scene::new();
    let gate = scene.gate(GATE).await;
    let asked = approve(&gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.send(&asked, &draft, &pin()).await.unwrap();
    let sent = scene.diary.writes().pop().unwrap();
    assert_eq!(sent.line, "POST /job/shop/job/gateway/812/input/Ship/proceed");
    assert_eq!(
        (&sent.headers["jenkins-crumb"], &sent.headers["cookie"]),
        (&"c0ffee".parse().unwrap(), &"JSESSIONID.demo=s1".parse().unwrap())
    );
    let answered = scene.system.lock().unwrap().answered("shop/gateway", 812).cloned().unwrap();
    let answered: Vec<_> = answered.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(answered, [("PIN", "hunter&2"), ("WINDOW", "it's 22:00")]);
    let facts = scene.facts(&gate.id).await;
    assert!(draft.expect.all.iter().all(|one| one.holds(&facts)), "{facts:?}");
    assert!(!scene.inventory().gates().await.unwrap().iter().any(|gate| gate.title == GATE));
}

#[tokio::test]
async fn an_input_says_since_when_it_waits_where_it_leads_and_whether_i_may() {
    let scene = Scene::new();
    let gate = scene.gate(GATE).await;
    let began = scene.run("gateway", 812).await.started;
    assert_eq!((gate.since - began).num_seconds(), 120, "since its stage began to wait, not since the build began");
    assert_eq!((gate.environment.as_str(), &gate.eligible), ("prod/eu", &Eligibility::Can));
    let form: Vec<_> =
        gate.offers[0].form.iter().map(|field| (field.name.as_str(), &field.kind, field.required)).collect();
    assert_eq!(form, [("WINDOW", &Kind::Text, false), ("PIN", &Kind::Secret, true)]);
    let other = scene.gate("cart/main #40: Go live?").await;
    let why = "you are none of its submitters".to_owned();
    assert_eq!(other.eligible, Eligibility::Cannot { why, ask: vec!["lee".into(), "kim".into()] });
    assert_eq!((other.service.as_str(), other.environment.as_str()), ("cart", "Go live?"));
    let refused = scene.inventory().draft_for(&other, &ask(Verb::Approve, &other.id)).unwrap_err();
    assert!(refused.0.ends_with("; ask lee, kim"), "{refused}");
}

#[tokio::test]
async fn an_input_that_somebody_else_answered_is_gone_and_one_that_is_for_others_says_so() {
    let scene = Scene::new();
    let gate = scene.gate(GATE).await;
    let asked = approve(&gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.happens("answer = { job = 'shop/gateway', build = 812, proceed = true }");
    let error = scene.send(&asked, &draft, &pin()).await.unwrap_err();
    let text = "Jenkins, proceed with gateway #812: Ship to prod?: it has nothing there, or does not show it to us: check the name, and who \
                we are to it";
    assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::Missing, text, false));
    // Whoever is taken off the list between the card and the call is told so by Jenkins itself.
    let scene = Scene::of(&SCENARIO.replace("\"release\"]", "\"other\"]"), vec![job("shop/*")]);
    let gate = scene.gate(GATE).await;
    assert!(matches!(gate.eligible, Eligibility::Cannot { .. }));
}

#[tokio::test]
async fn a_refused_input_ends_its_build_and_takes_no_comment() {
    let scene = Scene::new();
    let gate = scene.gate(GATE).await;
    let asked = ask(Verb::Reject, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.send(&asked, &draft, &Secrets::default()).await.unwrap();
    let facts = scene.facts(&gate.id).await;
    assert!(draft.expect.all.iter().all(|one| one.holds(&facts)), "{facts:?}");
    assert!(draft.notes.contains(&"Jenkins takes no comment: your reason stays in the record".to_owned()));
    assert_eq!(scene.run("gateway", 812).await.status, RunStatus::Cancelled);
}

#[tokio::test]
async fn a_build_is_stopped_softly_first_and_harder_only_by_its_number() {
    let scene = Scene::new();
    let run = scene.run("cart/main", 41).await;
    let refused = scene.inventory().draft_for(&run, &saying(Verb::Cancel, &run.id, &[("how", "kill")])).unwrap_err();
    assert_eq!(refused.0, "to kill it, give its number once more: number = 41");
    let hard = saying(Verb::Cancel, &run.id, &[("how", "kill"), ("number", "41")]);
    let draft = scene.inventory().draft_for(&run, &hard).unwrap();
    assert_eq!(draft.steps[0].call.path, "/job/shop/job/cart/job/main/41/kill");
    assert!(draft.notes[1].contains("locks"), "{:?}", draft.notes);
    let soft = ask(Verb::Cancel, &run.id);
    let draft = scene.inventory().draft_for(&run, &soft).unwrap();
    let sent = scene.send(&soft, &draft, &Secrets::default()).await.unwrap();
    assert_eq!(
        (sent.said.as_str(), scene.diary.writes()[0].line.as_str()),
        ("302 Found", "POST /job/shop/job/cart/job/main/41/stop")
    );
    assert!(!draft.expect.all[0].holds(&scene.facts(&run.id).await), "it cleans up first");
    scene.clock.pass(Duration::from_secs(4));
    assert!(draft.expect.all[0].holds(&scene.facts(&run.id).await));
    let over = scene.run("cart/main", 41).await;
    assert_eq!(offer_for(&over.offers, Verb::Cancel).unwrap().blocked.as_deref(), Some("the build has ended"));
}

#[tokio::test]
async fn a_build_that_failed_runs_again_and_the_one_that_says_so_is_what_was_made() {
    let scene = Scene::new();
    let run = scene.run("gateway", 811).await;
    let asked = ask(Verb::Rerun, &run.id);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert_eq!(draft.bound["built again as"], "nothing");
    scene.send(&asked, &draft, &Secrets::default()).await.unwrap();
    assert!(!draft.expect.all[0].holds(&scene.facts(&run.id).await), "it waits in the queue");
    scene.clock.pass(Duration::from_secs(6));
    assert!(draft.expect.all[0].holds(&scene.facts(&run.id).await));
    assert_eq!(scene.facts(&run.id).await["built again as"], "813");
    // The same card once more is bound to what was.
    let again = scene.run("gateway", 811).await;
    assert_eq!(scene.inventory().draft_for(&again, &asked).unwrap().bound["built again as"], "813");
}

#[tokio::test]
async fn a_build_runs_again_from_a_stage_and_a_refusal_that_calls_itself_a_success_is_one() {
    let scene = Scene::new();
    let run = scene.run("gateway", 811).await;
    let form = &offer_for(&run.offers, Verb::Rerun).unwrap().form;
    assert_eq!(form[0].kind, Kind::Choice(vec!["the begin".into(), "Build".into()]));
    let asked = saying(Verb::Rerun, &run.id, &[("from", "Build")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    scene.send(&asked, &draft, &Secrets::default()).await.unwrap();
    let sent = scene.diary.writes().pop().unwrap();
    assert_eq!(
        (sent.line.as_str(), sent.body.as_str()),
        ("POST /job/shop/job/gateway/811/restart/restartPipeline", "stageName=Build")
    );
    let gone = saying(Verb::Rerun, &run.id, &[("from", "Gone")]);
    let draft = scene.inventory().draft_for(&run, &gone).unwrap();
    let error = scene.send(&gone, &draft, &Secrets::default()).await.unwrap_err();
    let text = "Jenkins, run gateway #811 again from Gone: it refuses: Failure restarting from stage";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Rejected, text));
}

#[tokio::test]
async fn a_new_build_is_what_becomes_of_the_queue_item_that_the_answer_names() {
    let scene = Scene::new();
    let run = scene.run("gateway", 812).await;
    let asked = saying(Verb::Dispatch, &run.id, &[("RING", "all")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    let step = &draft.steps[0];
    assert_eq!(step.watch, Watch::Made(ObjectId::new(&"jenkins".into(), "queue", "{item}")));
    assert_eq!(step.call.gives, [Give { name: "item".into(), from: Answered::Location }]);
    let sent = scene.send(&asked, &draft, &Secrets::default()).await.unwrap();
    assert_eq!(sent.given.into_iter().collect::<Vec<_>>(), [("item".to_owned(), "600".to_owned())]);
    let item: ObjectId = "jenkins/queue/600".parse().unwrap();
    let waits = scene.facts(&item).await;
    assert_eq!((waits["queue item is"].as_str(), draft.expect.all[0].holds(&waits)), ("waiting", false));
    scene.clock.pass(Duration::from_secs(6));
    let made = scene.facts(&item).await;
    assert_eq!((made["build"].as_str(), made["queue item is"].as_str()), ("813", "left"));
    assert!(draft.expect.all[0].holds(&made));
}

#[tokio::test]
async fn rolling_back_builds_the_team_s_own_job_with_the_version_that_was_named_and_never_guesses_one() {
    let scene = Scene::new();
    let run = scene.run("gateway", 812).await;
    let form = &offer_for(&run.offers, Verb::Rollback).unwrap().form;
    assert_eq!((form[0].name.as_str(), form[0].required, &form[0].default), ("to", true, &None));
    let open = scene.inventory().draft_for(&run, &ask(Verb::Rollback, &run.id)).unwrap();
    assert_eq!((open.to, open.steps[0].call.fills.len()), (None, 0), "a card is opened to be filled in");
    let odd = scene.inventory().draft_for(&run, &saying(Verb::Rollback, &run.id, &[("to", "1.2/../x")])).unwrap_err();
    assert!(odd.0.starts_with("'1.2/../x' is no version that can be named to the job"), "{odd}");
    let asked = saying(Verb::Rollback, &run.id, &[("to", "3.2.9")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert_eq!(draft.effect, "shop/rollback runs with VERSION = 3.2.9: your own job, which says itself what that does");
    scene.send(&asked, &draft, &Secrets::default()).await.unwrap();
    let line = "POST /job/shop/job/rollback/buildWithParameters?VERSION=3.2.9";
    assert_eq!(scene.diary.writes().pop().unwrap().line, line);
    assert!(
        draft.steps[0].call.command.ends_with("/buildWithParameters?VERSION=3.2.9'")
            || draft.steps[0].call.command.ends_with("VERSION=3.2.9")
    );
    let item: ObjectId = "jenkins/queue/600".parse().unwrap();
    scene.clock.pass(Duration::from_secs(10));
    assert!(!draft.expect.all[0].holds(&scene.facts(&item).await), "it runs");
    scene.clock.pass(Duration::from_mins(1));
    assert!(draft.expect.all[0].holds(&scene.facts(&item).await));
    let made = scene.run("rollback", 1).await;
    assert_eq!((made.version.tag.as_str(), made.status), ("3.2.9", RunStatus::Succeeded));
}

#[tokio::test]
async fn where_no_job_rolls_back_nothing_does() {
    let mut plain = job("shop/*");
    plain.rollback = None;
    let scene = Scene::of(SCENARIO, vec![plain]);
    let run = scene.run("gateway", 812).await;
    let refused = scene.inventory().draft_for(&run, &ask(Verb::Rollback, &run.id)).unwrap_err();
    assert_eq!(refused.0, "a build of Jenkins knows no 'roll back': it knows cancel and rerun and dispatch");
    assert_eq!(scene.inventory().shapes(&run.id, Verb::Rollback), []);
}

#[tokio::test]
async fn a_build_is_a_tree_of_stages_and_the_log_of_each_is_read() {
    let scene = Scene::new();
    let run = scene.run("gateway", 812).await;
    let lookup = &scene.connection.lookups[0];
    let nodes = lookup.jobs(&run.id).await.unwrap();
    let shown: Vec<_> = nodes.iter().map(|node| (node.kind, node.name.as_str(), node.status.state)).collect();
    assert_eq!(
        shown,
        [
            (NodeKind::Job, "console", RunStatus::Waiting),
            (NodeKind::Stage, "Build", RunStatus::Succeeded),
            (NodeKind::Stage, "Ship", RunStatus::Waiting)
        ]
    );
    let build = lookup.log(&run.id, nodes[1].log.as_ref().unwrap(), 10).await.unwrap();
    let lines: Vec<_> = build.iter().map(|line| (line.mark, line.text.as_str())).collect();
    assert_eq!(lines, [(Mark::Group, "Shell Script"), (Mark::Command, "+ make"), (Mark::Plain, "pushed gateway")]);
    // The same without the plugin that tells stages so, and without any.
    for (plugins, prefix) in [("['graph_view', 'exported_inputs']", "graph-"), ("['exported_inputs']", "")] {
        let scene = Scene::of(&format!("plugins = {plugins}\n{SCENARIO}"), vec![job("shop/*")]);
        let run = scene.run("gateway", 812).await;
        let nodes = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
        let stage = nodes.get(1).and_then(|node| node.log.as_ref()).map(|log| log.as_str().starts_with(prefix));
        assert_eq!((nodes.len(), stage), if prefix.is_empty() { (1, None) } else { (3, Some(true)) }, "{plugins}");
    }
}

#[tokio::test]
async fn a_log_that_grows_is_followed_until_its_build_has_ended() {
    let scene = Scene::of(
        &SCENARIO.replace("input = { id = \"Live\"", "log = [\"live\"], fails = true, input = { id = \"Live\""),
        vec![job("shop/*")],
    );
    let run = scene.run("cart/main", 41).await;
    let lookup = &scene.connection.lookups[0];
    let nodes = lookup.jobs(&run.id).await.unwrap();
    let question = Question::Log { run: run.id.clone(), log: nodes[0].log.clone().unwrap(), most: 100 };
    let (mut told, mut stopped) = (lookup.ask(question), false);
    let (mut texts, mut over) = (Vec::new(), false);
    while let Some(piece) = told.next().await {
        let Told::Log(piece) = piece.unwrap() else { panic!("it is a log") };
        assert!(!over && (piece.goes_on || texts.is_empty()));
        texts.extend(piece.lines.into_iter().map(|line| line.text));
        over = piece.over;
        if !stopped && texts.iter().any(|text| text == "Input requested") {
            stopped = true;
            scene.happens("stop = { job = 'shop/cart/main', build = 41 }");
        }
    }
    let expected = [
        "Started by user dana",
        "[Pipeline] { (Test)",
        "+ make",
        "compile",
        "run",
        "[Pipeline] { (Live)",
        "Go live?",
        "Input requested",
    ];
    assert_eq!(texts[..8], expected);
    assert!(over && texts.last().unwrap() == "Finished: ABORTED", "{texts:?}");
}

#[tokio::test]
async fn inputs_that_an_older_plugin_hides_are_asked_for_and_then_nobody_says_whether_i_may() {
    let scene = Scene::of(&format!("plugins = ['wfapi']\n{SCENARIO}"), vec![job("shop/*")]);
    let gate = scene.gate(GATE).await;
    assert!(matches!(gate.eligible, Eligibility::Unknown { .. }), "{:?}", gate.eligible);
    let form: Vec<_> = gate.offers[0].form.iter().map(|field| (field.name.as_str(), &field.kind)).collect();
    assert_eq!(form, [("WINDOW", &Kind::Text), ("PIN", &Kind::Secret)]);
    let asked = approve(&gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.send(&asked, &draft, &pin()).await.unwrap();
    assert!(draft.expect.all[0].holds(&scene.facts(&gate.id).await));
    // Without any plugin that tells them, it is said that nobody does.
    let scene = Scene::of(&format!("plugins = []\n{SCENARIO}"), vec![job("shop/*")]);
    let (items, unread) = scene.inventory().look().await;
    assert!(items.iter().all(|item| item.gate().is_none()));
    let text = "Jenkins, shop/gateway build 812: it may wait for input, and this Jenkins does not tell for what: update its plugin \
                pipeline-input-step";
    assert!(unread.contains(&text.to_owned()), "{unread:?}");
}

#[tokio::test]
async fn what_is_not_looked_at_is_neither_told_nor_acted_on() {
    let scene = Scene::of(SCENARIO, vec![job("shop/gateway")]);
    let runs = scene.inventory().runs().await.unwrap();
    let named: Vec<_> = runs.iter().map(|run| run.id.path.as_str()).collect();
    assert_eq!(named, ["shop/gateway/812", "shop/gateway/811"]);
    for (target, verb) in [
        ("jenkins/run/shop/cart/main/41", Verb::Cancel),
        ("jenkins/run/other/gateway/812", Verb::Cancel),
        ("jenkins/run/shop/gateway/812", Verb::Approve),
        ("jenkins/gate/shop/gateway/812/..", Verb::Approve),
        ("jenkins/queue/600", Verb::Cancel),
    ] {
        assert_eq!(scene.inventory().shapes(&target.parse().unwrap(), verb), [], "{target}");
    }
}
