//! Our client against answers of others (see `tests/fixtures/circleci/SOURCES.md` for whose): what each of them means.

use holdshort::{
    domain::{
        gate::{Approvals, Behind, Eligibility, Gate, Rule},
        log::Mark,
        offer::{Offer, Risk, offer_for},
        pipeline::{LogRef, NodeKind, RunStatus},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::facet::Connection,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, JSON, Said, connect, fixture, project, saying},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn good(body: Value) -> Said {
    (200, vec![JSON], body)
}

const PROJECT: &str = "a0000000-0000-4000-8000-000000000001";
const PIPELINE: &str = "5034460f-c7c4-4c43-9457-de07e2029e7b";
const WORKFLOW: &str = "26c36d9b-0cc3-4b3f-9d12-0f7ecf0ef6d2";
const HOLD: &str = "0d5b6f0f-9f0c-4d3e-8b9a-000000000002";

/// Our client, where these answers are there beside who we are, one project and a run of it.
fn over(mut answers: Vec<(&'static str, Said)>) -> Connection {
    let workflows = json!({"items": [fixture("v2_workflow_on_hold")], "next_page_token": null});
    let mut runs = json!({"data": [fixture("v3_run")["data"]], "page": {"next": null}});
    runs["data"][0]["attributes"]["phase"] = "started".into();
    answers.extend([
        ("/api/v3/users", good(json!({"data": [{"id": "c0"}]}))),
        ("/api/v2/project/gh/acme/checkout", good(json!({"id": PROJECT, "organization_id": "o0"}))),
        ("/api/v3/runs/search", good(runs)),
        ("/5034460f-c7c4-4c43-9457-de07e2029e7b/workflow", good(workflows)),
        ("/26c36d9b-0cc3-4b3f-9d12-0f7ecf0ef6d2/job", good(fixture("v2_workflow_jobs_on_hold"))),
        ("/26c36d9b-0cc3-4b3f-9d12-0f7ecf0ef6d2", good(fixture("v2_workflow_on_hold"))),
    ]);
    connect(saying(&Diary::default(), answers), vec![project("gh/acme/checkout")], &HandClock::new())
}

#[tokio::test]
async fn a_hold_is_a_gate_with_its_end_that_says_that_anybody_who_may_push_may_approve_it() {
    let (items, unread) = over(vec![]).inventories[0].look().await;
    assert_eq!(unread, [""; 0]);
    let [gate] = items.iter().filter_map(|item| item.gate()).collect::<Vec<_>>()[..] else { panic!("{items:#?}") };
    let why = "CircleCI does not say whether you may: it takes the right to push, and a restricted context behind it may not let you in";
    let eligible = Eligibility::Unknown { why: why.to_owned() };
    let rules = vec![Rule { who: "whoever may push".into(), needed: 1, given: vec![] }];
    let run = format!("circleci/run/gh/acme/checkout/{WORKFLOW}");
    let expected = Gate {
        id: format!("circleci/gate/gh/acme/checkout/{WORKFLOW}/{HOLD}").parse().unwrap(),
        service: "checkout".into(),
        environment: "hold".into(),
        system: "CircleCI hold".into(),
        title: "checkout #78: hold".into(),
        version: Some(Version::tagged("main").at_commit("abc1234def5678")),
        since: at("2026-11-20T18:03:06Z"),
        offers: vec![eligible.offer(Verb::Approve, Risk::High), Offer::open(Verb::Reject, Risk::High)],
        eligible,
        approvals: Some(Approvals { rules, expires: Some(at("2027-02-18T18:03:06Z")) }),
        behind: Behind::Run(run.parse().unwrap()),
        newer_behind: 0,
        live: None,
        url: Some(format!("https://app.circleci.com/workflow/{WORKFLOW}")),
        identity: [
            ("approval request", HOLD),
            ("commit", "abc1234def5678"),
            ("hold", HOLD),
            ("hold is", "on_hold"),
            ("pipeline", PIPELINE),
            ("workflow", WORKFLOW),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
    };
    assert_eq!(*gate, expected);
}

#[tokio::test]
async fn a_run_of_the_third_interface_and_its_workflow_of_the_second_are_one_row() {
    let runs = over(vec![]).inventories[0].runs().await.unwrap();
    let [run] = runs.as_slice() else { panic!("{runs:#?}") };
    let told = (run.pipeline.as_str(), run.number, run.attempt, run.status, run.raw.as_deref(), run.title.as_str());
    assert_eq!(told, ("build-test-deploy", 78, 1, RunStatus::Waiting, Some("on_hold"), "Fix the widget"));
    assert_eq!(
        (run.branch.as_deref(), run.started, run.updated),
        (Some("main"), at("2026-11-20T18:00:00Z"), run.started)
    );
    assert_eq!(run.actor, None, "who wrote the commit need not have begun it, and no list tells who did");
    let why = |verb| offer_for(&run.offers, verb).unwrap().blocked.clone();
    assert_eq!(why(Verb::Rerun).as_deref(), Some("the workflow has not ended; cancel it first"));
    assert_eq!((why(Verb::Cancel), why(Verb::Dispatch)), (None, None));
}

#[tokio::test]
async fn a_page_of_runs_is_read_to_its_last_field_and_what_belongs_to_another_project_is_none_of_ours() {
    let connection = over(vec![("/api/v3/runs/search", good(fixture("v3_runs_search")))]);
    let (items, unread) = connection.inventories[0].look().await;
    let ids: Vec<_> = items.iter().filter_map(|item| item.run()).map(|run| run.number).collect();
    // Of the second one nothing is there yet.
    assert_eq!((ids, unread), (vec![78], vec![]));
}

#[tokio::test]
async fn a_documented_pipeline_is_read_where_only_the_second_interface_is_there() {
    let mut page = fixture("doc_api_developers_guide_3");
    page["items"][0]["id"] = PIPELINE.into();
    let answers = vec![
        ("/api/v3/users", (404, vec![JSON], json!({"message": "Not found"}))),
        ("/api/v2/project/gh/acme/checkout/pipeline", good(page)),
    ];
    let runs = over(answers).inventories[0].runs().await.unwrap();
    let [run] = runs.as_slice() else { panic!("{runs:#?}") };
    let actor = run.actor.as_ref().map(ToString::to_string);
    assert_eq!(
        (run.number, run.version.to_string(), actor.as_deref()),
        (78, "master (ca67134)".into(), Some("teesloane"))
    );
}

#[tokio::test]
async fn the_jobs_of_a_workflow_are_a_tree_in_which_a_hold_is_a_stage_and_words_stay_readable() {
    let mut jobs = fixture("v2_workflow_jobs_on_hold");
    jobs["items"][2]["status"] = "unauthorized".into();
    let connection = over(vec![("/26c36d9b-0cc3-4b3f-9d12-0f7ecf0ef6d2/job", good(jobs))]);
    let run = format!("circleci/run/gh/acme/checkout/{WORKFLOW}").parse().unwrap();
    let tree = connection.lookups[0].jobs(&run).await.unwrap();
    let told: Vec<_> =
        tree.iter().map(|node| (node.kind, node.name.as_str(), node.status.words(), node.log.is_some())).collect();
    let not_let_in = "deploy (unauthorized: a context that it uses does not let in who approved or began it)";
    assert_eq!(
        told,
        [
            (NodeKind::Job, "build", "succeeded".to_owned(), true),
            (NodeKind::Stage, "hold", "waiting".to_owned(), false),
            (NodeKind::Job, not_let_in, "failed".to_owned(), false),
        ]
    );
}

/// What the command line prints of a job, as the wire has it.
fn detail() -> Value {
    let printed = fixture("v3_job_detail_cli_shape");
    let mut executions = printed["executions"].clone();
    for execution in executions.as_array_mut().unwrap() {
        execution.as_object_mut().unwrap().remove("index");
    }
    let attributes = json!({"name": printed["name"], "phase": printed["phase"], "parallel_executions": executions});
    json!({"data": {"id": printed["id"], "attributes": attributes}})
}

#[tokio::test]
async fn the_log_of_a_job_is_what_each_step_of_each_machine_wrote_with_why_one_failed() {
    let job = "8e50c384-0083-43d0-bc8f-93f0db589d6b";
    let connection = over(vec![
        ("/api/v3/jobs/8e50c384-0083-43d0-bc8f-93f0db589d6b", good(detail())),
        ("/stdout", (200, vec![("x-terminal", "true")], Value::from("\u{1b}[32mall good\u{1b}[0m\n"))),
        ("/stderr", (404, vec![JSON], json!({"message": "not found"}))),
    ]);
    let run = format!("circleci/run/gh/acme/checkout/{WORKFLOW}").parse().unwrap();
    let lines = connection.lookups[0].log(&run, &LogRef::new(job), 99).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.mark, line.grouped, line.text.as_str())).collect();
    let good = (Mark::Plain, true, "all good");
    let heading = |text| (Mark::Group, false, text);
    assert_eq!(
        told,
        [
            heading("Spin up environment (1 of 2)"),
            good,
            heading("Checkout code (1 of 2)"),
            good,
            heading("task lint-yaml (1 of 2)"),
            good,
            heading("Spin up environment (2 of 2)"),
            good,
            heading("Checkout code (2 of 2)"),
            good,
            heading("task lint-yaml (2 of 2)"),
            good,
            (Mark::Error, true, "failed, exit code 1"),
        ]
    );
}

#[tokio::test]
async fn what_is_live_is_read_of_deploy_markers_and_the_workflow_that_deployed_it_offers_the_way_back() {
    let environment = "a0000000-0000-4000-8000-000000e00001";
    let mut components = fixture("deploy_components_cli_shape");
    components.as_array_mut().unwrap().truncate(1);
    let connection = over(vec![
        ("/api/v2/deploy/components", good(json!({"items": components, "next_page_token": null}))),
        ("/api/v2/deploy/environments", good(json!({"items": [{"id": environment, "name": "production"}]}))),
        ("/versions", good(fixture("deploy_versions"))),
    ]);
    let runs = connection.inventories[0].runs().await.unwrap();
    let offer = offer_for(&runs[0].offers, Verb::Rollback).unwrap();
    assert_eq!((offer.blocked.as_deref(), offer.risk), (None, Risk::Medium));
    let ask = holdshort::port::plan::Ask::new(Verb::Rollback, runs[0].id.clone());
    let draft = connection.inventories[0].draft_for(&runs[0], &ask).unwrap();
    let body = r#"{"component_name":"web-frontend","current_version":"1.3.0","environment_name":"production","namespace":"default","target_version":"1.2.0"}"#;
    assert_eq!(draft.steps[0].call.line(), format!("POST /api/v2/projects/{PROJECT}/rollback {body}"));
    assert_eq!(draft.effect, "web-frontend in production goes back from 1.3.0 (abc1234) to 1.2.0");
}
