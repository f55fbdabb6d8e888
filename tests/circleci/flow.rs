//! Our client over the pretended CircleCI: holds, verbs, ways back, logs.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::{TO, Value},
        gate::Gate,
        object::ObjectId,
        observed::FaultKind,
        offer::{Offer, offer_for},
        pipeline::{LogRef, Run, RunStatus},
        verb::Verb,
    },
    port::{
        lookup::{Question, Told},
        plan::{Ask, Draft, Expect},
        step::Watch,
    },
};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{ALL, SCENARIO, Scene, ask, project},
};

fn offer(offers: &[Offer], verb: Verb) -> &Offer {
    offer_for(offers, verb).unwrap()
}

fn with(ask: &Ask, said: &[(&str, Value)]) -> Ask {
    let args = said.iter().fold(ask.args.clone(), |args, (name, value)| args.with(name, value.clone()));
    Ask { args, ..ask.clone() }
}

/// Does what is expected show, and does nothing say that it failed?
async fn shows(scene: &Scene, target: &ObjectId, draft: &Draft) -> (bool, bool) {
    let facts = scene.facts(target).await;
    let expect = &draft.expect;
    (expect.all.iter().all(|one| one.holds(&facts)), expect.fails_if.iter().any(|one| one.holds(&facts)))
}

/// What a call made, in the place of its name.
fn made(draft: &Draft, id: &str) -> ObjectId {
    let Watch::Made(made) = &draft.steps[0].watch else { panic!("{draft:#?}") };
    ObjectId::new(&made.source, made.family.as_str(), made.path.replace("{made}", id))
}

#[tokio::test]
async fn an_approval_names_its_request_and_is_seen_once_what_is_behind_it_goes_on() {
    let scene = Scene::new();
    let gate = scene.gate("site #812: hold-production").await;
    let mut wanted = ask(Verb::Approve, &gate.id);
    wanted.reason = Some("it's tested".to_owned());
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    let (workflow, hold) = (&gate.identity["workflow"], &gate.identity["hold"]);
    assert_eq!(draft.steps[0].call.line(), format!("POST /api/v2/workflow/{workflow}/approve/{hold} "));
    assert_eq!(
        draft.steps[0].call.command,
        format!(
            "curl --fail-with-body -X POST -H \"Circle-Token: $CIRCLE_TOKEN\" 'https://circleci.com/api/v2/workflow/{workflow}/approve/{hold}'"
        )
    );
    assert_eq!(
        (&draft.bound, draft.effect.as_str()),
        (&gate.identity, "site #812: hold-production is let through: 2.8.0 (c0ffee1)")
    );
    assert_eq!(draft.notes[0], "it takes no comment: your reason is kept in the record here alone");
    assert_eq!(draft.notes[2], "1 newer workflow waits at the same hold");
    assert_eq!(gate.live.as_ref().map(ToString::to_string).as_deref(), Some("2.7.0 (bbbb222)"));
    let sent = scene.send(&wanted, &draft).await.unwrap();
    assert_eq!(sent.said, "202 Accepted");
    assert_eq!(shows(&scene, &gate.id, &draft).await, (false, false), "it says yes first, and does it later");
    scene.clock.pass(Duration::from_secs(4));
    assert_eq!(shows(&scene, &gate.id, &draft).await, (true, false));
    let gates = scene.inventory().gates().await.unwrap();
    assert!(gates.iter().all(|one| one.id != gate.id), "{gates:#?}");
}

#[tokio::test]
async fn who_is_not_let_into_a_context_behind_a_hold_sees_that_as_a_failure() {
    let scene = Scene::new();
    let gate = scene.gate("billing #31: hold").await;
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    scene.send(&wanted, &draft).await.unwrap();
    scene.clock.pass(Duration::from_secs(4));
    assert_eq!(shows(&scene, &gate.id, &draft).await, (false, true));
    let run = scene.run(31).await;
    assert_eq!((run.status, run.raw.as_deref()), (RunStatus::Failed, Some("unauthorized")));
}

#[tokio::test]
async fn a_no_is_the_cancel_of_the_job_that_holds_and_says_so() {
    let scene = Scene::new();
    let gate = scene.gate("site #813: hold-production").await;
    let wanted = ask(Verb::Reject, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    assert_eq!(draft.steps[0].call.line(), format!("POST /api/v2/jobs/{}/cancel ", gate.identity["hold"]));
    assert!(draft.notes[0].starts_with("CircleCI knows no 'no' to a hold: its job is cancelled"), "{:?}", draft.notes);
    scene.send(&wanted, &draft).await.unwrap();
    assert_eq!(shows(&scene, &gate.id, &draft).await, (true, false));
    assert_eq!(scene.run(813).await.status, RunStatus::Cancelled);
}

#[tokio::test]
async fn a_push_that_overtakes_a_hold_leaves_nothing_of_what_the_card_was_bound_to() {
    let scene = Scene::new();
    let gate: Gate = scene.gate("docs #40: hold-preview").await;
    let push = "push = { project = 'gh/acme/docs', branch = 'new-guide', commit = 'a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2', by = 'kim' }";
    scene.happens(push);
    scene.clock.pass(Duration::from_secs(35));
    let now = scene.facts(&gate.id).await;
    assert_eq!((gate.identity["hold is"].as_str(), now["hold is"].as_str()), ("on_hold", "canceled"));
    let newer = scene.gate("docs #41: hold-preview").await;
    assert_ne!(newer.identity["commit"], gate.identity["commit"]);
}

#[tokio::test]
async fn what_failed_runs_again_from_there_by_the_name_that_means_it_and_the_new_workflow_is_watched() {
    let scene = Scene::new();
    let run = scene.run(77).await;
    assert_eq!((run.status, run.attempt), (RunStatus::Failed, 1));
    let plain = ask(Verb::Rerun, &run.id);
    let wanted = Ask { args: plain.args.clone().over(&offer(&run.offers, Verb::Rerun).form), ..plain };
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    let workflow = run.id.path.rsplit('/').next().unwrap();
    let line = format!(r#"POST /api/v2/workflow/{workflow}/rerun {{"from_failed":true}}"#);
    assert_eq!((draft.steps[0].call.line(), draft.effect.as_str()), (line, "ship #77 runs again from what failed"));
    let sent = scene.send(&wanted, &draft).await.unwrap();
    let again = made(&draft, &sent.given["made"]);
    assert_eq!(shows(&scene, &again, &draft).await, (true, false));
    scene.clock.pass(Duration::from_secs(70));
    let runs = scene.inventory().runs().await.unwrap();
    let of: Vec<(u32, RunStatus)> =
        runs.iter().filter(|one| one.number == 77).map(|one| (one.attempt, one.status)).collect();
    assert_eq!(of, [(1, RunStatus::Failed), (2, RunStatus::Succeeded)]);
    let tree = scene.connection.lookups[0].jobs(&again).await.unwrap();
    assert!(tree[0].started < Some(run.updated), "what had passed is not run again");
}

#[tokio::test]
async fn one_job_or_all_of_it_runs_again_as_it_is_asked_for() {
    let scene = Scene::new();
    let run = scene.run(77).await;
    let plain = ask(Verb::Rerun, &run.id);
    let body = |said: &[(&str, Value)]| {
        scene.inventory().draft_for(&run, &with(&plain, said)).map(|draft| draft.steps[0].call.body.shown().to_owned())
    };
    let one = |job: &str| body(&[("jobs", Value::OneOf("one".into())), ("job", Value::Text(job.into()))]);
    assert_eq!(one("0d5b6f0f-9f0c").unwrap(), r#"{"jobs":["0d5b6f0f-9f0c"]}"#);
    assert_eq!(body(&[("jobs", Value::OneOf("all".into()))]).unwrap(), r#"{"from_failed":false}"#);
    assert_eq!(one("../5").unwrap_err().0, "'../5' is no id of a job");
    assert_eq!(one(" ").unwrap_err().0, "say which job: its id, or choose it in the workflow's tree");
}

#[tokio::test]
async fn a_workflow_that_runs_is_cancelled() {
    let scene = Scene::new();
    let run = scene.run(9).await;
    assert_eq!((run.service.as_str(), run.status), ("web", RunStatus::Running));
    let wanted = ask(Verb::Cancel, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    scene.send(&wanted, &draft).await.unwrap();
    scene.clock.pass(Duration::from_secs(4));
    assert_eq!(shows(&scene, &run.id, &draft).await, (true, false));
}

/// A draft of a new pipeline of the docs.
fn begun(scene: &Scene, run: &Run, said: &[(&str, Value)]) -> (Ask, Draft) {
    let plain = ask(Verb::Dispatch, &run.id);
    let args = plain.args.clone().over(&offer(&run.offers, Verb::Dispatch).form);
    let wanted = with(&Ask { args, ..plain }, said);
    let draft = scene.inventory().draft_for(run, &wanted).unwrap();
    (wanted, draft)
}

#[tokio::test]
async fn a_new_pipeline_begins_by_its_definition_or_as_it_always_did() {
    let scene = Scene::new();
    let run = scene.run(76).await;
    let said = [("parameters", Value::Text("dry_run=true".into()))];
    let (wanted, draft) = begun(&scene, &run, &said);
    let line = r#"POST /api/v2/project/gh/acme/gateway/pipeline {"branch":"main","parameters":{"dry_run":true}}"#;
    assert_eq!(draft.steps[0].call.line(), line);
    let sent = scene.send(&wanted, &draft).await.unwrap();
    assert_eq!(shows(&scene, &made(&draft, &sent.given["made"]), &draft).await, (true, false));
    let mut projects = ALL.map(project).to_vec();
    projects[1].definition = Some("2338d0ae-5541-4bbf-88a2-55e9f7281f80".into());
    let scene = Scene::of(SCENARIO, projects);
    let run = scene.run(76).await;
    let (_, draft) = begun(&scene, &run, &[]);
    let body = r#"{"checkout":{"branch":"main"},"config":{"branch":"main"},"definition_id":"2338d0ae-5541-4bbf-88a2-55e9f7281f80"}"#;
    assert_eq!(draft.steps[0].call.line(), format!("POST /api/v2/project/gh/acme/gateway/pipeline/run {body}"));
    let why = "say under `definitions` by which pipeline definition a new pipeline of it begins";
    assert_eq!(offer(&scene.run(9).await.offers, Verb::Dispatch).blocked.as_deref(), Some(why));
}

#[tokio::test]
async fn where_the_commit_asks_to_be_left_alone_nothing_was_begun_and_that_is_said() {
    let scene = Scene::new();
    let run = scene.run(40).await;
    let (wanted, draft) = begun(&scene, &run, &[]);
    let error = scene.send(&wanted, &draft).await.unwrap_err();
    let text = "CircleCI, begin a pipeline of gh/acme/docs at new-guide: nothing was begun: Pipeline was not created: the commit says [skip ci].";
    assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::Rejected, text, false));
}

#[tokio::test]
async fn the_version_before_comes_back_by_its_markers_as_long_as_what_is_live_was_seen() {
    let scene = Scene::new();
    let run = scene.run(805).await;
    let mut wanted = ask(Verb::Rollback, &run.id);
    wanted.reason = Some("it burns".into());
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    assert_eq!(draft.effect, "site in production goes back from 2.7.0 (bbbb222) to 2.6.0 (aaaa111)");
    let step = &draft.steps[0];
    let live = scene.facts(&step.target).await;
    assert_eq!((&step.bound["live version"], &live["live version"]), (&"2.7.0".to_owned(), &"2.7.0".to_owned()));
    let body = r#"{"component_name":"site","current_version":"2.7.0","environment_name":"production","namespace":"default","reason":"it burns","target_version":"2.6.0"}"#;
    assert_eq!(step.call.body.shown(), body);
    let sent = scene.send(&wanted, &draft).await.unwrap();
    let back = made(&draft, &sent.given["made"]);
    assert_eq!(shows(&scene, &back, &draft).await, (false, false));
    scene.clock.pass(Duration::from_secs(55));
    assert_eq!(shows(&scene, &back, &draft).await, (true, false));
    let to = |name: &str| with(&ask(Verb::Rollback, &run.id), &[(TO, Value::Text(name.into()))]);
    assert!(scene.inventory().draft_for(&run, &to("aaaa1111")).is_ok());
    let none = scene.inventory().draft_for(&run, &to("2.5.0")).unwrap_err();
    assert_eq!(none.0, "site in production had no 2.5.0: it had 2.6.0 (aaaa111)");
    let nowhere = "what it deployed is live nowhere, so there is nothing to take back";
    assert_eq!(offer(&scene.run(801).await.offers, Verb::Rollback).blocked.as_deref(), Some(nowhere));
}

#[tokio::test]
async fn circleci_refuses_a_roll_back_itself_where_another_version_is_live_by_then() {
    let scene = Scene::new();
    let run = scene.run(805).await;
    let wanted = ask(Verb::Rollback, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    scene.happens(
        "mark = { project = 'gh/acme/site', component = 'site', environment = 'production', version = '2.7.9' }",
    );
    assert_eq!(scene.facts(&draft.steps[0].target).await["live version"], "2.7.9", "ours is bound to it, too");
    let error = scene.send(&wanted, &draft).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Rejected, false));
    assert!(
        error.text.ends_with("it refuses: current_version: 2.7.0 is not the version that is deployed"),
        "{}",
        error.text
    );
}

#[tokio::test]
async fn without_markers_the_workflow_that_deployed_runs_again_and_what_that_means_is_said() {
    let why = async |scene: &Scene, number| offer(&scene.run(number).await.offers, Verb::Rollback).clone();
    let none = why(&Scene::new(), 76).await.blocked.unwrap();
    assert!(none.starts_with("CircleCI is told of no deployment of this project: it has no deploy markers"), "{none}");
    let mut projects = ALL.map(project).to_vec();
    projects[1].deploys = Some("ship".into());
    let scene = Scene::of(SCENARIO, projects);
    let open = why(&scene, 76).await;
    assert!(
        open.blocked.is_none() && open.unsure.unwrap().starts_with("without deploy markers nothing tells what is live")
    );
    let older = why(&scene, 75).await.blocked.unwrap();
    assert_eq!(older, "the newest 'ship' that succeeded is taken for what is live, and this is another one");
    let (run, first) = (scene.run(76).await, scene.run(75).await);
    let wanted = ask(Verb::Rollback, &run.id);
    let draft = scene.inventory().draft_for(&run, &wanted).unwrap();
    let workflow = first.id.path.rsplit('/').next().unwrap();
    let line = format!(r#"POST /api/v2/workflow/{workflow}/rerun {{"from_failed":false}}"#);
    assert_eq!((draft.steps[0].call.line(), &draft.steps[0].target), (line, &first.id));
    assert_eq!(draft.effect, "ship #75 runs again as a whole, and deploys main (55ee55e)");
    let sent = scene.send(&wanted, &draft).await.unwrap();
    let again = made(&draft, &sent.given["made"]);
    assert_eq!(shows(&scene, &again, &draft).await, (false, false));
    scene.clock.pass(Duration::from_mins(6));
    assert_eq!(shows(&scene, &again, &draft).await, (true, false));
    assert_eq!(draft.expect.rests, [Expect::is("status", "waiting")]);
}

#[tokio::test]
async fn a_log_grows_while_its_job_runs_and_ends_with_it() {
    let scene = Scene::new();
    let run = scene.run(9).await;
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let log = tree[0].log.clone().unwrap();
    let question = Question::Log { run: run.id.clone(), log, most: 99 };
    let mut told = Vec::new();
    let mut answers = scene.connection.lookups[0].ask(question);
    while let Some(answer) = answers.next().await {
        let Told::Log(piece) = answer.unwrap() else { panic!("{told:?}") };
        told.extend(piece.lines.into_iter().map(|line| line.text));
    }
    let begin = ["Spin up environment", "Build-agent version 1.0", "Starting container cimg/base", "Checkout code"];
    assert_eq!(told[..4], begin);
    assert_eq!(told[5..], ["soak", "compile", "run"]);
}

#[tokio::test]
async fn a_failed_job_shows_its_second_stream_and_a_log_that_is_nowhere_is_said() {
    let scene = Scene::new();
    let run = scene.run(77).await;
    let tree = scene.connection.lookups[0].jobs(&run.id).await.unwrap();
    let lines = scene.connection.lookups[0].log(&run.id, tree[1].log.as_ref().unwrap(), 99).await.unwrap();
    let last: Vec<_> = lines.iter().rev().take(3).map(|line| line.text.as_str()).collect();
    assert_eq!(last, ["failed, exit code 1", "make: *** [Makefile:7] Error 1", "refused"]);
    let error = scene.connection.lookups[0].log(&run.id, &LogRef::new("nowhere"), 9).await.unwrap_err();
    let text = "CircleCI, gh/acme/gateway, log of job nowhere: not found, or no permission to see it (Job not found); check the name and whose token it is";
    assert_eq!(error.text, text);
    let server = Scene::of(&format!("v3 = false\n{SCENARIO}"), ALL.map(project).to_vec());
    let error = server.connection.lookups[0].log(&run.id, &LogRef::new("nowhere"), 9).await.unwrap_err();
    assert_eq!(
        error.text,
        "CircleCI, gh/acme/gateway, log of job nowhere: this server has no /api/v3, and logs are nowhere else"
    );
}

#[tokio::test]
async fn a_server_without_the_third_interface_shows_the_same_and_takes_the_same_verbs() {
    let (cloud, server) = (Scene::new(), Scene::of(&format!("v3 = false\n{SCENARIO}"), ALL.map(project).to_vec()));
    let seen = async |scene: &Scene| {
        let (items, unread) = scene.inventory().look().await;
        let mut ids: Vec<String> = items.iter().map(|item| item.id().to_string()).collect();
        ids.sort();
        (ids, unread)
    };
    let (one, two) = (seen(&cloud).await, seen(&server).await);
    assert_eq!(one, two);
    let gate = server.gate("site #812: hold-production").await;
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = server.inventory().draft_for(&gate, &wanted).unwrap();
    server.send(&wanted, &draft).await.unwrap();
    server.clock.pass(Duration::from_secs(4));
    assert_eq!(shows(&server, &gate.id, &draft).await, (true, false));
}

#[tokio::test]
async fn what_is_not_looked_at_takes_no_call() {
    let scene = Scene::of(SCENARIO, vec![project("gh/acme/site")]);
    scene.inventory().look().await;
    for (target, verb) in [
        ("circleci/run/gh/acme/gateway/w", Verb::Cancel),
        ("circleci/run/gh/acme/site/w", Verb::Approve),
        ("circleci/gate/gh/acme/site/w/h", Verb::Cancel),
        ("circleci/gate/gh/acme/site/live/c/e/default/made", Verb::Rollback),
    ] {
        assert_eq!(scene.inventory().shapes(&target.parse().unwrap(), verb), [], "{target}");
    }
}
