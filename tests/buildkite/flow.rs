//! Our client over the pretended Buildkite: gates, verbs, logs.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::Value,
        log::Mark,
        object::ObjectId,
        observed::FaultKind,
        pipeline::{LogRef, Node, NodeKind, RunStatus},
        verb::Verb,
    },
    port::{
        fill::{Answered, Give},
        lookup::{Question, Told},
        plan::{Ask, Condition, Draft, Expect, Expectation, WireCall},
        step::{Step, Watch},
    },
};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{SCENARIO, Scene, ask, pipeline},
};

const BUILDS: &str = "/v2/organizations/acme/pipelines/ledger/builds";

/// An approval with what the step asks for.
fn approve(target: &ObjectId) -> Ask {
    let plain = ask(Verb::Approve, target);
    let args = plain.args.clone().with("code-name", Value::Text("it's time".into()));
    Ask { args: args.with("stream", Value::OneOf("stable".into())), ..plain }
}

#[tokio::test]
async fn the_draft_of_an_approval_is_whole() {
    let scene = Scene::new();
    let gate = scene.gate("ledger #812: Release").await;
    let draft = scene.inventory().draft_for(&gate, &approve(&gate.id)).unwrap();
    let job = gate.identity["block step"].clone();
    let body = r#"{"fields":{"code-name":"it's time","stream":"stable"}}"#;
    let call = WireCall {
        words: "unblock ledger #812: Release".into(),
        method: "PUT".into(),
        path: format!("{BUILDS}/812/jobs/{job}/unblock"),
        content_type: "application/json".into(),
        body: body.into(),
        command: format!(
            "curl --fail-with-body -X PUT -H \"Authorization: Bearer $BUILDKITE_API_TOKEN\" \
             -H 'Content-Type: application/json' -d '{{\"fields\":{{\"code-name\":\"it'\\''s time\",\"stream\":\"stable\"}}}}' \
             https://api.buildkite.com{BUILDS}/812/jobs/{job}/unblock"
        ),
        ..WireCall::default()
    };
    let ended = ["canceled", "blocked_failed", "broken", "skipped"].map(|state| Expect::is("block step is", state));
    let expected = Draft {
        from: None,
        to: gate.version.clone(),
        effect: "ledger #812: Release goes on: 4.2.0 (c0ffee1)".into(),
        steps: vec![Step::new(&gate.id, call)],
        obligations: vec![],
        moment: None,
        bound: gate.identity.clone(),
        expect: Expectation {
            all: vec![Expect::is("block step is", "unblocked")],
            fails_if: ended.into_iter().chain([Expect::is("status", "cancelled")]).collect(),
            within: Duration::from_mins(1),
            ..Expectation::default()
        },
        undo: "a step that was unblocked cannot be blocked again: cancel the build, or release the earlier version"
            .into(),
        notes: vec!["1 newer build waits for the same step".into()],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn what_a_step_must_be_told_is_missing_until_it_is_and_what_nobody_configured_is_said() {
    let scene = Scene::new();
    let gate = scene.gate("ledger #812: Release").await;
    let plain = ask(Verb::Approve, &gate.id);
    let offer = &gate.offers[0];
    let first = Ask { args: plain.args.over(&offer.form), ..plain };
    assert_eq!(first.args.missing(&offer.form).map(|field| field.label.as_str()), Some("Code Name"));
    let draft = scene.inventory().draft_for(&gate, &first).unwrap();
    assert_eq!(draft.steps[0].call.body.shown(), r#"{"fields":{"stream":"beta"}}"#, "a card is opened to be filled in");
    let mut plain = pipeline("acme/*");
    plain.inputs.clear();
    let scene = Scene::of(SCENARIO, vec![plain]);
    let gate = scene.gate("ledger #813: Release").await;
    let draft = scene.inventory().draft_for(&gate, &ask(Verb::Approve, &gate.id)).unwrap();
    assert_eq!(draft.steps[0].call.body.shown(), r#"{"fields":{}}"#);
    let told = "Buildkite does not tell what this step asks for: say it under `blocks` if it asks for anything";
    assert_eq!(draft.notes, [told]);
}

#[tokio::test]
async fn a_step_that_is_configured_under_a_name_that_no_build_has_closes_those_of_which_nothing_is_said() {
    let mut misspelt = pipeline("acme/ledger");
    let inputs = misspelt.inputs.remove("release").unwrap();
    misspelt.inputs.insert("relase".to_owned(), inputs);
    misspelt.own_steps.insert("relase".to_owned());
    let scene = Scene::of(SCENARIO, vec![misspelt]);
    let gate = scene.gate("ledger #813: Release").await;
    let why = "`blocks` says what a step 'relase' asks for, and no build has it; of 'Release' it says nothing: mend the name, or \
               take it out";
    assert_eq!(gate.offers[0].blocked.as_deref(), Some(why));
    let refused = scene.inventory().draft_for(&gate, &ask(Verb::Approve, &gate.id)).unwrap_err();
    assert_eq!(refused.to_string(), why);
    // Of all that an organisation has, one pipeline may lack it.
    let mut whole = pipeline("acme/ledger");
    let inputs = whole.inputs.remove("release").unwrap();
    whole.inputs.insert("relase".to_owned(), inputs);
    let scene = Scene::of(SCENARIO, vec![whole]);
    assert_eq!(scene.gate("ledger #813: Release").await.offers[0].blocked, None);
}

#[tokio::test]
async fn a_step_that_somebody_else_unblocked_is_refused_in_a_sentence() {
    let scene = Scene::new();
    let gate = scene.gate("ledger #812: Release").await;
    let ask = approve(&gate.id);
    let draft = scene.inventory().draft_for(&gate, &ask).unwrap();
    scene.happens("unblock = { pipeline = 'acme/ledger', build = 812, by = 'Kim Lo' }");
    let error = scene.send(&ask, &draft).await.unwrap_err();
    assert_eq!(
        (error.kind, error.text.as_str(), error.maybe_done),
        (
            FaultKind::Rejected,
            "Buildkite, unblock ledger #812: Release: it refuses: This job cannot be unblocked now",
            false
        )
    );
}

#[tokio::test]
async fn what_a_block_step_has_no_word_for_is_refused_and_there_is_no_way_back_by_it() {
    let scene = Scene::new();
    let gate = scene.gate("ledger #812: Release").await;
    let refused = |verb| scene.inventory().draft_for(&gate, &ask(verb, &gate.id)).unwrap_err().to_string();
    assert_eq!(refused(Verb::Reject), "Buildkite knows no 'no' to a block step: leave it, or cancel its build");
    assert_eq!(refused(Verb::Rollback), "a block step of Buildkite knows no 'roll back': it knows approve and reject");
    let run = scene.run("web", 7).await;
    let refused = scene.inventory().draft_for(&run, &ask(Verb::Rollback, &run.id)).unwrap_err().to_string();
    assert_eq!(refused, "a build of Buildkite knows no 'roll back': it knows cancel and rerun and dispatch");
    assert_eq!(scene.diary.writes(), []);
}

#[tokio::test]
async fn a_build_that_failed_is_built_again_as_another_one_and_that_one_is_watched() {
    let scene = Scene::new();
    let run = scene.run("web", 7).await;
    assert_eq!(run.status, RunStatus::Failed);
    let ask = ask(Verb::Rerun, &run.id);
    let draft = scene.inventory().draft_for(&run, &ask).unwrap();
    let step = &draft.steps[0];
    assert_eq!(step.watch, Watch::Made(ObjectId::new(&"buildkite".into(), "run", "acme/web/{build}")));
    assert_eq!(step.call.gives, [Give { name: "build".into(), from: Answered::Json("/number".into()) }]);
    let another = Expect { fact: "build".into(), condition: Condition::IsNot("7".into()) };
    assert_eq!(draft.expect.all, [another, Expect::is("commit", "aaaa1111aaaa1111aaaa1111aaaa1111aaaa1111")]);
    let sent = scene.send(&ask, &draft).await.unwrap();
    assert_eq!(sent.given.into_iter().collect::<Vec<_>>(), [("build".to_owned(), "9".to_owned())]);
    let blocked = scene.inventory().draft_for(&scene.run("web", 9).await, &ask).unwrap_err();
    assert_eq!(blocked.to_string(), "the build has not ended; cancel it first");
}

#[tokio::test]
async fn one_job_that_failed_is_tried_again_and_the_build_goes_on() {
    let scene = Scene::new();
    let run = scene.run("web", 7).await;
    let lookup = &scene.connection.lookups[0];
    let jobs = lookup.jobs(&run.id).await.unwrap();
    let failed = jobs.iter().find(|job| job.name == "Test").unwrap().log.clone().unwrap();
    let asked = |job: &str| {
        let plain = ask(Verb::Rerun, &run.id);
        let args = plain.args.clone().with("jobs", Value::OneOf("one".into())).with("job", Value::Text(job.into()));
        Ask { args, ..plain }
    };
    for (job, why) in
        [("", "say which job: its id, or choose it in the build's tree"), ("a/b", "'a/b' is no id of a job")]
    {
        assert_eq!(scene.inventory().draft_for(&run, &asked(job)).unwrap_err().to_string(), why);
    }
    let draft = scene.inventory().draft_for(&run, &asked(failed.as_str())).unwrap();
    scene.send(&asked(failed.as_str()), &draft).await.unwrap();
    let sent = scene.diary.all().pop().unwrap();
    assert_eq!(sent.line, format!("PUT /v2/organizations/acme/pipelines/web/builds/7/jobs/{}/retry", failed.as_str()));
    let facts = scene.inventory().read(&run.id).await.unwrap().facts;
    assert!(draft.expect.all.iter().all(|one| one.holds(&facts)), "{facts:?}");
    let again = lookup.jobs(&run.id).await.unwrap();
    let test = again.iter().find(|job| job.name == "Test").unwrap();
    assert_eq!((test.status.state, test.log == Some(failed)), (RunStatus::Running, false));
    assert_eq!(again.len(), jobs.len(), "what was tried again is not shown twice");
}

#[tokio::test]
async fn a_new_build_begins_at_a_branch_and_is_the_one_that_is_watched() {
    let scene = Scene::new();
    let run = scene.run("web", 7).await;
    let plain = ask(Verb::Dispatch, &run.id);
    let args = plain.args.clone().with("branch", Value::Text("main".into())).with("commit", Value::Text("HEAD".into()));
    let ask = Ask { args: args.with("message", Value::Text("once more".into())), ..plain };
    let draft = scene.inventory().draft_for(&run, &ask).unwrap();
    let sent = scene.send(&ask, &draft).await.unwrap();
    assert_eq!(sent.given.get("build").map(String::as_str), Some("9"));
    let asked = scene.diary.all().pop().unwrap();
    assert_eq!(asked.line, "POST /v2/organizations/acme/pipelines/web/builds");
    assert_eq!(asked.body, r#"{"branch":"main","commit":"HEAD","message":"once more"}"#);
    let made = scene.run("web", 9).await;
    assert_eq!(
        (made.title.as_str(), made.version.commit.as_deref()),
        ("once more", Some("bbbb2222bbbb2222bbbb2222bbbb2222bbbb2222"))
    );
}

#[tokio::test]
async fn the_end_of_a_log_is_fetched_and_cleaned_and_one_that_is_empty_is_empty() {
    let scene = Scene::new();
    let run = scene.run("ledger", 812).await;
    let lookup = &scene.connection.lookups[0];
    let jobs = lookup.jobs(&run.id).await.unwrap();
    let shown: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.status.state)).collect();
    let expected = [("Build", RunStatus::Succeeded), ("Release", RunStatus::Waiting), ("Deploy", RunStatus::Queued)];
    assert_eq!(shown, expected);
    let log = |job: &Node| job.log.clone().unwrap();
    let lines = lookup.log(&run.id, &log(&jobs[0]), 2).await.unwrap();
    let seen: Vec<_> = lines.iter().map(|line| (line.mark, line.text.as_str(), line.at.is_some())).collect();
    assert_eq!(seen, [(Mark::Command, "$ make", true), (Mark::Plain, "pushed ledger", true)]);
    assert_eq!((jobs[1].kind, &jobs[1].log), (NodeKind::Stage, &None));
    assert_eq!(lookup.log(&run.id, &log(&jobs[2]), 2).await.unwrap(), []);
    let error = lookup.log(&run.id, &LogRef::new("nobody"), 2).await.unwrap_err();
    assert_eq!(
        error.text,
        "Buildkite, acme/ledger build 812, log of job nobody: it has nothing there that the token may see (No job found); \
         check the name"
    );
}

#[tokio::test]
async fn a_log_that_grows_is_followed_until_its_job_has_ended() {
    let scenario = SCENARIO.replace(
        r#"label = "Test", takes = "5m", fails = true"#,
        r#"label = "Test", takes = "5m", fails = true, log = ["compile", "run", "1 of 214 tests failed"]"#,
    );
    let scene = Scene::of(&scenario, vec![pipeline("acme/*")]);
    let run = scene.run("web", 8).await;
    let lookup = &scene.connection.lookups[0];
    let jobs = lookup.jobs(&run.id).await.unwrap();
    assert_eq!((jobs[1].name.as_str(), jobs[1].status.state), ("Test", RunStatus::Running));
    let question = Question::Log { run: run.id.clone(), log: jobs[1].log.clone().unwrap(), most: 100 };
    let told: Vec<_> = lookup.ask(question).map(Result::unwrap).collect().await;
    let pieces: Vec<_> = told
        .iter()
        .map(|told| {
            let Told::Log(piece) = told else { panic!("{told:?}") };
            let texts: Vec<_> = piece.lines.iter().map(|line| line.text.as_str()).collect();
            (piece.goes_on, piece.over, texts)
        })
        .collect();
    let expected = [
        (false, false, vec!["Running commands", "$ make"]),
        (true, false, vec!["compile"]),
        (true, false, vec!["run"]),
        (true, false, vec!["1 of 214 tests failed"]),
        (true, true, vec!["🚨 Error: The command exited with status 1"]),
    ];
    // The last line may come together with the one before it.
    let texts = |pieces: &[(bool, bool, Vec<&str>)]| {
        pieces.iter().flat_map(|(_, _, texts)| texts.clone()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(texts(&pieces), texts(&expected));
    assert_eq!(pieces[..3], expected[..3]);
    assert!(pieces.last().unwrap().1 && pieces.iter().filter(|piece| piece.1).count() == 1, "{pieces:?}");
}

#[tokio::test]
async fn what_is_not_looked_at_is_neither_told_nor_acted_on() {
    let scene = Scene::of(SCENARIO, vec![pipeline("acme/ledger")]);
    let runs = scene.inventory().runs().await.unwrap();
    let named: Vec<_> = runs.iter().map(|run| run.id.path.as_str()).collect();
    assert_eq!(named, ["acme/ledger/813", "acme/ledger/812"]);
    for (target, verb) in [
        ("buildkite/run/acme/web/8", Verb::Cancel),
        ("buildkite/run/other/ledger/8", Verb::Cancel),
        ("buildkite/run/acme/ledger/812", Verb::Approve),
        ("buildkite/gate/acme/ledger/812/..", Verb::Approve),
    ] {
        assert_eq!(scene.inventory().shapes(&target.parse().unwrap(), verb), [], "{target}");
    }
}
