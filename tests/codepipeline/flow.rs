//! Our client over the pretended CodePipeline: approvals, holds, verbs, logs.

use std::time::Duration;

use futures::StreamExt;
use holdshort::{
    domain::{
        form::{Kind, Value as Answer},
        gate::Eligibility,
        object::ObjectId,
        observed::FaultKind,
        offer::offer_for,
        pipeline::{RunStatus, rows},
        verb::Verb,
    },
    port::{
        fill::{Fill, Slot, Supply},
        lookup::{Question, Told},
        plan::{Ask, Draft, Expect, Expectation, WireCall},
        step::{Step, Watch},
    },
};
use serde_json::json;

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Scene, ask, pipeline},
};

fn saying(verb: Verb, target: &ObjectId, said: &[(&str, &str)]) -> Ask {
    let plain = ask(verb, target);
    let args = said.iter().fold(plain.args.clone(), |args, (name, text)| args.with(name, Answer::Text((*text).into())));
    Ask { args, reason: Some("p99: fine, see #812".into()), ..plain }
}

fn holds(draft: &Draft, facts: &holdshort::port::plan::Facts) -> bool {
    draft.expect.all.iter().all(|one| one.holds(facts))
}

#[tokio::test]
async fn the_draft_of_an_approval_is_whole_and_holds_no_token() {
    let scene = Scene::new();
    let gate = scene.gate("gateway").await;
    let asked = saying(Verb::Approve, &gate.id, &[]);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    let body = r#"{"actionName":"Approve","pipelineName":"gateway","result":{"status":"Approved","summary":"p99: fine, see #812"},"stageName":"Prod"}"#;
    let read = "$(aws --region eu-west-1 codepipeline get-pipeline-state --name gateway --output text --query \
                'stageStates[?stageName=='\\''Prod'\\'' && \
                latestExecution.pipelineExecutionId=='\\''868893ad-c4bd-b1e0-2e92-bba629f1f43f'\\''].actionStates[] | [?actionName=='\\''Approve'\\''].latestExecution.token | [0]')";
    let call = WireCall {
        words: format!("approve {}", gate.title),
        method: "POST".into(),
        path: "/codepipeline/PutApprovalResult".into(),
        content_type: "application/x-amz-json-1.1".into(),
        body: body.into(),
        fills: vec![Fill { from: Supply::Fact("approval token".into()), into: Slot::Json("/token".into()) }],
        command: format!(
            "aws --region eu-west-1 codepipeline put-approval-result --cli-input-json '{body}' --token \"{read}\""
        ),
        ..WireCall::default()
    };
    let expected = Draft {
        from: gate.live.clone(),
        to: gate.version.clone(),
        effect: format!("{} goes on: 3.3.1 (77aa012)", gate.title),
        steps: vec![Step::new(&gate.id, call)],
        obligations: vec![],
        moment: None,
        bound: gate.identity.clone(),
        expect: Expectation {
            all: vec![Expect::is("approval is", "approved")],
            fails_if: ["rejected", "expired", "superseded"].map(|state| Expect::is("approval is", state)).to_vec(),
            within: Duration::from_mins(1),
            ..Expectation::default()
        },
        undo: "an approval that was given cannot be taken back: stop the execution, or roll the stage back".into(),
        notes: vec!["your reason stands beside the answer in CodePipeline, up to 512 characters".into()],
    };
    assert_eq!(draft, expected);
}

#[tokio::test]
async fn an_approval_says_since_when_until_when_what_is_live_and_that_iam_tells_nobody_who_may() {
    let scene = Scene::new();
    let gate = scene.gate("gateway").await;
    let version = |version: &Option<holdshort::domain::version::Version>| version.as_ref().map(ToString::to_string);
    assert_eq!(
        (gate.environment.as_str(), version(&gate.version), version(&gate.live)),
        ("prod/eu", Some("3.3.1 (77aa012)".into()), Some("3.3.0 (66aa012)".into()))
    );
    assert_eq!(gate.since, "2026-03-10T09:34:14Z".parse::<holdshort::domain::time::Timestamp>().unwrap());
    let expires = gate.approvals.as_ref().unwrap().expires.unwrap();
    assert_eq!(expires - gate.since, chrono::TimeDelta::days(7));
    let why = "AWS does not say whether you may: it takes codepipeline:PutApprovalResult";
    assert_eq!(gate.eligible, Eligibility::Unknown { why: why.into() });
}

#[tokio::test]
async fn an_approval_sends_the_token_that_was_read_right_before_and_it_is_in_nothing_that_is_drafted() {
    let scene = Scene::new();
    let gate = scene.gate("gateway").await;
    let asked = saying(Verb::Approve, &gate.id, &[]);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    let token = scene.facts(&gate.id).await["approval token"].clone();
    assert!(!format!("{draft:?}{gate:?}").contains(&token));
    scene.send(&asked, &draft).await.unwrap();
    let [sent] = <[_; 1]>::try_from(scene.diary.writes()).unwrap();
    assert_eq!(
        (sent.path.as_str(), &sent.body["token"], &sent.body["result"]["summary"]),
        ("/codepipeline/PutApprovalResult", &json!(token), &json!("p99: fine, see #812"))
    );
    assert!(holds(&draft, &scene.facts(&gate.id).await));
    assert!(!scene.inventory().gates().await.unwrap().iter().any(|gate| gate.title.starts_with("gateway")));
    scene.clock.pass(Duration::from_mins(2));
    assert_eq!(scene.run("gateway").await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn an_approval_that_ran_out_or_was_answered_is_no_longer_what_the_card_is_bound_to() {
    let scene = Scene::new();
    let gate = scene.gate("mail").await;
    let asked = saying(Verb::Approve, &gate.id, &[]);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    scene.clock.pass(Duration::from_mins(10));
    let facts = scene.facts(&gate.id).await;
    assert_eq!((facts["approval is"].as_str(), facts.get("approval token")), ("expired", None));
    assert!(draft.bound.iter().any(|(name, was)| facts.get(name) != Some(was)));
    assert!(draft.expect.fails_if.iter().any(|one| one.holds(&facts)));
    // Its stage failed: tried again, it asks anew.
    let run = scene.run("mail").await;
    let again = ask(Verb::Rerun, &run.id);
    scene.send(&again, &scene.inventory().draft_for(&run, &again).unwrap()).await.unwrap();
    assert_eq!(scene.facts(&gate.id).await["approval is"], "waiting");
}

#[tokio::test]
async fn a_token_that_is_not_valid_any_more_is_refused_in_a_sentence_with_the_way_out() {
    let scene = Scene::new();
    let gate = scene.gate("gateway").await;
    let asked = saying(Verb::Reject, &gate.id, &[]);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    let before = scene.facts(&gate.id).await;
    scene.happens("answer = { pipeline = 'gateway', commit = '77aa', approve = true }");
    let supplies = holdshort::port::fill::Supplies { facts: Some(&before), ..Default::default() };
    let checked =
        holdshort::port::shape::Checked::of(&draft.steps[0], Verb::Reject, scene.inventory(), &supplies).unwrap();
    let error = scene.inventory().send(checked).await.unwrap_err();
    assert_eq!((error.kind, error.maybe_done), (FaultKind::Rejected, false));
    assert!(error.text.contains("its time ran out") && error.text.ends_with("which asks anew"), "{error}");
}

#[tokio::test]
async fn what_took_the_place_of_an_execution_is_what_an_approval_is_about_then() {
    let scene = Scene::new();
    let gate = scene.gate("gateway").await;
    scene.happens("answer = { pipeline = 'gateway', commit = '77aa', approve = false }");
    scene.happens("push = { pipeline = 'gateway', commit = 'a1b2012345678901234567890123456789012345', title = 'gateway 3.4.0', by = 'kim' }");
    scene.clock.pass(Duration::from_mins(3));
    let facts = scene.facts(&gate.id).await;
    // It was answered: that stays true of it, whatever waits there now.
    assert_eq!(facts["approval is"], "rejected");
    let newer = scene.gate("gateway").await;
    assert_ne!(newer.id, gate.id);
    let rejected = scene.facts(&gate.id).await;
    assert!(gate.identity.iter().any(|(name, was)| rejected.get(name) != Some(was)));
}

#[tokio::test]
async fn a_hold_is_a_gate_that_says_who_and_why_and_ends_with_resume() {
    let scene = Scene::new();
    let gate = scene.gate("search").await;
    let title = "search #260310094700 before Prod, held by lee: index rebuild until 11";
    assert_eq!((gate.title.as_str(), gate.system.as_str()), (title, "CodePipeline hold"));
    let asked = ask(Verb::Resume, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &asked).unwrap();
    assert_eq!(draft.bound["transition into Prod"], "disabled");
    scene.send(&asked, &draft).await.unwrap();
    assert!(holds(&draft, &scene.facts(&gate.id).await));
    scene.clock.pass(Duration::from_mins(2));
    assert_eq!(scene.run("search").await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_stage_is_held_with_a_reason_that_codepipeline_takes() {
    let scene = Scene::new();
    let run = scene.run("gateway").await;
    let field = &offer_for(&run.offers, Verb::Pause).unwrap().form[0];
    assert_eq!(field.kind, Kind::Choice(vec!["Build".into(), "Prod".into()]));
    let asked = saying(Verb::Pause, &run.id, &[("stage", "Prod")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    scene.send(&asked, &draft).await.unwrap();
    assert_eq!(scene.diary.writes()[0].body["reason"], "p99 fine see 812");
    assert!(holds(&draft, &scene.facts(&run.id).await));
}

#[tokio::test]
async fn a_failed_stage_is_tried_again_in_the_same_execution() {
    let scene = Scene::new();
    let run = scene.run("cart").await;
    assert_eq!(run.status, RunStatus::Failed);
    let asked = saying(Verb::Rerun, &run.id, &[("actions", "all")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    scene.send(&asked, &draft).await.unwrap();
    assert_eq!(scene.diary.writes()[0].body["retryMode"], "ALL_ACTIONS");
    assert!(holds(&draft, &scene.facts(&run.id).await));
    scene.clock.pass(Duration::from_mins(3));
    assert_eq!((scene.run("cart").await.id, scene.run("cart").await.status), (run.id, RunStatus::Succeeded));
}

#[tokio::test]
async fn a_stage_in_which_an_approval_waits_goes_back_once_that_is_rejected_and_says_so() {
    let scene = Scene::new();
    let run = scene.run("gateway").await;
    let why = offer_for(&run.offers, Verb::Rollback).unwrap().blocked.clone().unwrap();
    assert_eq!(
        why,
        "CodePipeline takes no stage back that runs, and the approval Approve waits in Prod: reject it first, then roll back"
    );
}

#[tokio::test]
async fn a_stage_goes_back_to_what_succeeded_there_before_and_what_was_put_back_has_no_default() {
    let scene = Scene::new();
    scene.happens("answer = { pipeline = 'gateway', commit = '77aa', approve = true }");
    scene.clock.pass(Duration::from_mins(2));
    let run = scene.run("gateway").await;
    let asked = ask(Verb::Rollback, &run.id);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    assert_eq!(draft.to.as_ref().map(ToString::to_string).as_deref(), Some("3.3.0 (66aa012)"));
    let [step] = draft.steps.as_slice() else { panic!("{draft:?}") };
    assert_eq!(step.bound[&"newest in Prod".to_owned()], run.id.path.rsplit('/').next().unwrap());
    let named = saying(Verb::Rollback, &run.id, &[("to", "3.2.0")]);
    let older = scene.inventory().draft_for(&run, &named).unwrap();
    assert_eq!(older.to.as_ref().map(|to| to.tag.as_str()), Some("3.2.0"));
    let nowhere = saying(Verb::Rollback, &run.id, &[("to", "9.9.9")]);
    let why = scene.inventory().draft_for(&run, &nowhere).unwrap_err().0;
    assert_eq!(
        why,
        "no '9.9.9' succeeded in Prod that can be gone back to: there are 3.3.0 (66aa012), 3.2.0 (44aa012)"
    );
    let sent = scene.send(&asked, &draft).await.unwrap();
    let Watch::Made(made) = &step.watch else { panic!("{step:?}") };
    let made = ObjectId { path: made.path.replace("{execution}", &sent.given["execution"]), ..made.clone() };
    // The stage has an approval of its own: it rests there.
    let facts = scene.facts(&made).await;
    assert!(!holds(&draft, &facts) && draft.expect.rests.iter().all(|one| one.holds(&facts)), "{facts:?}");
    let gate = scene.gate("gateway").await;
    assert!(gate.id.path.contains(&sent.given["execution"]), "{gate:?}");
    let back = scene.run("gateway").await;
    assert_eq!((back.id.clone(), back.title.as_str()), (made, "roll back: gateway 3.3.0: retries"));
    let approve = ask(Verb::Approve, &gate.id);
    scene.send(&approve, &scene.inventory().draft_for(&gate, &approve).unwrap()).await.unwrap();
    scene.clock.pass(Duration::from_mins(2));
    let back = scene.run("gateway").await;
    assert_eq!(back.status, RunStatus::Succeeded);
    let offer = offer_for(&back.offers, Verb::Rollback).unwrap();
    assert!(
        offer.blocked.is_none() && offer.form.iter().any(|field| field.name == "to" && field.required),
        "{offer:?}"
    );
}

#[tokio::test]
async fn an_execution_is_stopped_waiting_or_not_and_starting_asks_for_its_variables() {
    let scene = Scene::new();
    let run = scene.run("search").await;
    let asked = saying(Verb::Cancel, &run.id, &[("how", "abandon")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    scene.send(&asked, &draft).await.unwrap();
    let stopped = scene.diary.writes()[0].body.clone();
    assert_eq!((&stopped["abandon"], &stopped["reason"]), (&json!(true), &json!("p99: fine, see #812")));
    assert!(holds(&draft, &scene.facts(&run.id).await));
    let run = scene.run("gateway").await;
    let form = &offer_for(&run.offers, Verb::Dispatch).unwrap().form;
    let fields: Vec<_> =
        form.iter().map(|field| (field.label.as_str(), field.default.as_deref(), field.required)).collect();
    assert_eq!(fields, [("RING", Some("one"), false), ("TICKET", None, true)]);
    let asked = saying(Verb::Dispatch, &run.id, &[("var.RING", "all"), ("var.TICKET", "C-9")]);
    let draft = scene.inventory().draft_for(&run, &asked).unwrap();
    let sent = scene.send(&asked, &draft).await.unwrap();
    // The same act once more starts nothing.
    assert_eq!(scene.send(&asked, &draft).await.unwrap().given, sent.given);
    let body = scene.diary.writes().pop().unwrap().body;
    assert_eq!(body["variables"], json!([{"name": "RING", "value": "all"}, {"name": "TICKET", "value": "C-9"}]));
}

#[tokio::test]
async fn executions_that_run_side_by_side_each_have_their_approval() {
    let text = "pipelines = [{ name = 'web', mode = 'PARALLEL', stages = [\n\
                { name = 'Source', actions = [{ name = 'Code', kind = 'Source', takes = '4s' }] },\n\
                { name = 'Prod', actions = [{ name = 'Approve', kind = 'Approval' }] } ],\n\
                executions = [{ commit = 'aa01', title = 'web 1.0.0', started = '-2h' }, { commit = 'bb01', title = 'web 1.1.0', started = '-1h' }] }]";
    let scene = Scene::of(text, vec![pipeline("web")]);
    let gates = scene.inventory().gates().await.unwrap();
    let tags: Vec<_> =
        gates.iter().map(|gate| (gate.version.as_ref().unwrap().tag.as_str(), gate.newer_behind)).collect();
    assert_eq!(tags.len(), 2, "{gates:#?}");
    assert!(tags.contains(&("1.0.0", 1)) && tags.contains(&("1.1.0", 0)), "{tags:?}");
    for gate in &gates {
        let asked = ask(Verb::Approve, &gate.id);
        let draft = scene.inventory().draft_for(gate, &asked).unwrap();
        scene.send(&asked, &draft).await.unwrap();
        assert!(holds(&draft, &scene.facts(&gate.id).await), "{}", gate.title);
    }
    assert_eq!(scene.inventory().gates().await.unwrap(), []);
}

#[tokio::test]
async fn the_tree_has_every_stage_and_the_log_of_a_build_is_followed_to_its_end() {
    let scene = Scene::new();
    scene.happens("push = { pipeline = 'gateway', commit = 'a1b2012345678901234567890123456789012345', title = 'gateway 3.4.0', by = 'kim' }");
    scene.clock.pass(Duration::from_secs(20));
    let run = scene.run("gateway").await;
    let lookup = &scene.connection.lookups[0];
    let jobs = lookup.jobs(&run.id).await.unwrap();
    let told: Vec<_> =
        rows(&jobs).into_iter().map(|(depth, node)| (depth, node.name.clone(), node.status.state)).collect();
    assert_eq!(
        told,
        [
            (0, "Source".to_owned(), RunStatus::Succeeded),
            (1, "Code".to_owned(), RunStatus::Succeeded),
            (0, "Build".to_owned(), RunStatus::Running),
            (1, "Build".to_owned(), RunStatus::Running),
            (0, "Prod".to_owned(), RunStatus::Queued),
            (1, "Approve".to_owned(), RunStatus::Queued),
            (1, "Deploy".to_owned(), RunStatus::Queued),
        ]
    );
    let log = rows(&jobs).into_iter().find_map(|(_, node)| node.log.clone()).unwrap();
    let mut answers = lookup.ask(Question::Log { run: run.id.clone(), log, most: 100 });
    let mut lines: Vec<String> = Vec::new();
    let mut over = false;
    while let Some(told) = answers.next().await {
        let Told::Log(piece) = told.unwrap() else { panic!("no log") };
        lines.extend(piece.lines.into_iter().map(|line| line.text));
        over = piece.over;
    }
    assert!(over);
    assert_eq!(&lines[2..], ["compile", "test", "pushed registry.shop.example/gateway"]);
}
