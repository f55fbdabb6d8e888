//! What CircleCI says when it does not answer, in words; and what stays known meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use holdshort::{
    demo::system::{Reply, System},
    domain::{gate::Eligibility, object::Family, observed::FaultKind, pipeline::RunStatus, verb::Verb},
    port::{
        clock::Clock,
        error::ProviderError,
        facet::Connection,
        inventory::{Heard, Part},
        wire::WireError,
    },
};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{ALL, Diary, HandClock, JSON, SCENARIO, Said, Scene, ask, connect, fixture, project, saying, transport},
};

/// One look at the only project.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

/// Our client, where a project answers so.
fn answering(answer: Said) -> Connection {
    let answers =
        vec![("/api/v3/users", (200, vec![JSON], json!({"data": []}))), ("/api/v2/project/gh/acme/site", answer)];
    connect(saying(&Diary::default(), answers), vec![project("gh/acme/site")], &HandClock::new())
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let page = Value::from("<html><title>Sign in</title>");
    let message = |text: &str| json!({ "message": text });
    let table: Vec<(Said, FaultKind, &str)> = vec![
        (
            (401, vec![JSON], message("Unauthorized")),
            FaultKind::Unauthenticated,
            "CircleCI, gh/acme/site: the token is not accepted (Unauthorized); put a valid personal one into the configuration",
        ),
        (
            (401, vec![JSON], message("Token has expired")),
            FaultKind::Unauthenticated,
            "CircleCI, gh/acme/site: the token has expired (Token has expired); put a new one into the configuration",
        ),
        (
            (403, vec![JSON], message("Permission denied.")),
            FaultKind::Forbidden,
            "CircleCI, gh/acme/site: it does not let us (Permission denied.); it takes somebody who may push to the project",
        ),
        (
            (404, vec![JSON], message("Project not found")),
            FaultKind::Missing,
            "CircleCI, gh/acme/site: not found, or no permission to see it (Project not found); check the name and whose token it is",
        ),
        (
            (400, vec![JSON], fixture("v3_error")),
            FaultKind::Rejected,
            "CircleCI, gh/acme/site: it refuses: Invalid page size: page limit must be <= 20",
        ),
        ((409, vec![JSON], message("busy")), FaultKind::Conflict, "CircleCI, gh/acme/site: it refuses: busy"),
        ((422, vec![JSON], message("odd")), FaultKind::Rejected, "CircleCI, gh/acme/site: it refuses: odd"),
        (
            (502, vec![], page.clone()),
            FaultKind::Server,
            "CircleCI, gh/acme/site: it failed (502: a web page ('Sign in'))",
        ),
        (
            (200, vec![], page),
            FaultKind::Unreadable,
            "CircleCI, gh/acme/site: it answers with a web page ('Sign in'): is there a proxy or a login page before it? Check its address \
             and how we sign in",
        ),
        (
            (200, vec![JSON], Value::from("{\"id\": \"a")),
            FaultKind::Unreadable,
            "CircleCI, gh/acme/site: cannot read the answer",
        ),
        (
            (200, vec![JSON], json!({})),
            FaultKind::Unreadable,
            "CircleCI, gh/acme/site: it does not say by which id it goes",
        ),
    ];
    for (said, kind, text) in table {
        let error = look(&answering(said)).await.unwrap_err();
        assert!(error.kind == kind && error.text.starts_with(text), "{error:?}, not {text}");
    }
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_it_says_or_a_minute() {
    let body = json!({"message": "Rate limit exceeded."});
    for (headers, seconds) in [(vec![("retry-after", "30"), JSON], 30), (vec![JSON], 60)] {
        let error = look(&answering((429, headers, body.clone()))).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
        let begin = "CircleCI, gh/acme/site: its limit of requests is reached, free again at ";
        assert!(error.text.starts_with(begin) && error.text.ends_with("(Rate limit exceeded.)"), "{}", error.text);
    }
}

#[tokio::test]
async fn a_restricted_project_and_a_misspelt_one_answer_alike_and_hide_no_other() {
    let restricted = SCENARIO.replace("slug = \"gh/acme/billing\"", "slug = \"gh/acme/billing\"\nhidden = true");
    let scene = Scene::of(&restricted, ["gh/acme/site", "gh/acme/billing", "gh/acme/sight"].map(project).to_vec());
    let (items, unread) = scene.inventory().look().await;
    assert_eq!(items.iter().filter(|item| item.run().is_some()).count(), 4);
    let text = |slug: &str| {
        format!(
            "CircleCI, {slug}: not found, or no permission to see it (Project not found); check the name and whose token it is"
        )
    };
    assert_eq!(unread, ["gh/acme/billing", "gh/acme/sight"].map(text));
}

#[tokio::test]
async fn a_project_that_the_search_does_not_let_us_see_hides_no_other() {
    // Its id is told, and its runs are not.
    let scene = Scene::new();
    let (world, time) = (Arc::clone(&scene.system), scene.clock.clone());
    let over = transport(&scene.diary, move |request| {
        let Reply::Whole(response) = world.lock().unwrap().respond(time.now(), request) else { panic!("no streams") };
        if request.uri().path() == "/api/v2/project/gh/acme/billing" {
            let body = json!({"id": "00000000-0000-0000-0000-000000000000", "organization_id": "o"});
            return Ok(Response::new(Bytes::from(body.to_string())));
        }
        Ok(response)
    });
    let connection = connect(over, ALL.map(project).to_vec(), &scene.clock);
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!(items.iter().filter(|item| item.run().is_some()).count(), 9);
    let text =
        "CircleCI, runs of a project: it does not let us (Forbidden); it takes somebody who may push to the project";
    assert_eq!(unread, [text]);
}

/// Our client over the pretended CircleCI, in which what has this in its path breaks while it is to.
fn breakable(broken: &'static str) -> (Connection, Arc<AtomicBool>, Scene) {
    let scene = Scene::new();
    let breaks = Arc::new(AtomicBool::new(false));
    let (now, world, time) = (Arc::clone(&breaks), Arc::clone(&scene.system), scene.clock.clone());
    let over = transport(&scene.diary, move |request| {
        if now.load(Ordering::SeqCst) && request.uri().to_string().contains(broken) {
            return Err(WireError::Lost("reset".to_owned()));
        }
        let Reply::Whole(response) = world.lock().unwrap().respond(time.now(), request) else { panic!("no streams") };
        Ok(response)
    });
    (connect(over, vec![project("gh/acme/site")], &scene.clock), breaks, scene)
}

#[tokio::test]
async fn where_the_workflows_of_a_pipeline_cannot_be_read_its_gate_is_as_it_was_and_said_to_be() {
    let (connection, breaks, scene) = breakable("/workflow");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    scene.clock.pass(Duration::from_secs(40));
    let (items, unread) = connection.inventories[0].look().await;
    // Two pipelines hold, and both parts lack them.
    assert_eq!(unread.len(), 4, "{unread:?}");
    assert!(
        unread[0].starts_with("CircleCI, gh/acme/site pipeline ")
            && unread[0].ends_with("the connection to it broke: reset")
    );
    let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).collect();
    assert_eq!(gates.len(), 2);
    let Eligibility::Unknown { why } = &gates[0].eligible else { panic!("{gates:#?}") };
    assert!(why.starts_with("it is as it was: CircleCI, gh/acme/site pipeline "), "{why}");
}

#[tokio::test]
async fn where_the_search_fails_that_is_all_that_is_told() {
    let (connection, breaks, scene) = breakable("/runs/search");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    scene.clock.pass(Duration::from_secs(40));
    let error = look(&connection).await.unwrap_err();
    assert_eq!(error.text, "CircleCI, runs of a project: the connection to it broke: reset");
}

#[tokio::test]
async fn where_what_is_live_cannot_be_read_no_way_back_is_offered_and_why_is_said() {
    let (connection, breaks, _scene) = breakable("/deploy/");
    breaks.store(true, Ordering::SeqCst);
    let parts = look(&connection).await.unwrap();
    let run = parts[1].items.iter().find_map(|item| item.run()).unwrap();
    let offer = run.offers.iter().find(|offer| offer.verb == Verb::Rollback).unwrap();
    let why = "what is live is not known: CircleCI, gh/acme/site, what is deployed: the connection to it broke: reset";
    assert_eq!(offer.blocked.as_deref(), Some(why));
}

#[tokio::test]
async fn a_workflow_or_job_that_cannot_be_read_is_counted_and_a_word_that_is_new_is_unknown_and_readable() {
    let pipeline = "5034460f-c7c4-4c43-9457-de07e2029e7b";
    let mut workflow = fixture("v2_workflow_on_hold");
    workflow["status"] = "hibernating".into();
    let mut run = fixture("v3_run")["data"].clone();
    run["attributes"]["phase"] = "started".into();
    let answers = vec![
        ("/api/v3/users", (200, vec![JSON], json!({"data": []}))),
        (
            "/project/gh/acme/site",
            (200, vec![JSON], json!({"id": "a0000000-0000-4000-8000-000000000001", "organization_id": "o"})),
        ),
        ("/runs/search", (200, vec![JSON], json!({"data": [run, 7], "page": {"next": null}}))),
        ("/workflow", (200, vec![JSON], json!({"items": [workflow, {"id": 5}]}))),
        ("/job", (200, vec![JSON], json!({"items": [{"id": 9}]}))),
    ];
    let connection = connect(saying(&Diary::default(), answers), vec![project("gh/acme/site")], &HandClock::new());
    let parts = look(&connection).await.unwrap();
    assert_eq!(parts[0].family, Family::gate());
    let short = pipeline.split('-').next().unwrap();
    let gaps = [
        format!("CircleCI, gh/acme/site pipeline {short}: 1 of its workflows cannot be read"),
        "CircleCI, gh/acme/site: 1 jobs of build-test-deploy #78 cannot be read".to_owned(),
        "CircleCI, runs of a project: 1 of them cannot be read".to_owned(),
    ];
    let mut unread = parts[0].unread.clone().unwrap();
    unread.sort();
    unread.dedup();
    assert_eq!(unread, gaps);
    let run = parts[1].items[0].run().unwrap();
    assert_eq!((run.status, run.raw.as_deref()), (RunStatus::Unknown, Some("hibernating")));
}

#[tokio::test]
async fn a_verb_that_is_refused_says_why_in_circlecis_words_and_what_may_have_arrived_is_said_to_be() {
    let scene = Scene::new();
    let gate = scene.gate("site #812: hold-production").await;
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    scene.happens("cancel = { project = 'gh/acme/site', pipeline = 812 }");
    scene.clock.pass(Duration::from_secs(5));
    let error = scene.send(&wanted, &draft).await.unwrap_err();
    let text =
        "CircleCI, approve site #812: hold-production: it refuses: Job is not in a state in which it can be changed.";
    assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::Rejected, text, false));
    let over = transport(&Diary::default(), |_| Err(WireError::Lost("reset".to_owned())));
    let connection = connect(over, vec![project("gh/acme/site")], &HandClock::new());
    let step = &draft.steps[0];
    let supplies = holdshort::port::fill::Supplies::default();
    let checked =
        holdshort::port::shape::Checked::of(step, wanted.verb, &*connection.inventories[0], &supplies).unwrap();
    assert!(connection.inventories[0].send(checked).await.unwrap_err().maybe_done);
}

#[tokio::test]
async fn of_ten_thousand_runs_that_hold_so_many_are_read_and_the_rest_is_said() {
    let id = |number: u64| format!("00000000-0000-0000-0000-{number:012}");
    let over = transport(&Diary::default(), move |request| {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        let body = match parts.as_slice() {
            ["", "api", "v3", "users"] => json!({"data": []}),
            ["", "api", "v2", "project", ..] => json!({"id": "p", "organization_id": "o"}),
            ["", "api", "v3", "runs", "search"] => {
                let asked: Value = serde_json::from_slice(request.body()).unwrap();
                let from: u64 = asked["page"]["cursor"].as_str().unwrap().parse().unwrap_or(0);
                let run = |number: u64| {
                    let attributes = json!({"phase": "started", "created_at": "2026-03-10T09:00:00Z"});
                    json!({"id": id(number), "attributes": attributes, "references": {"project": {"id": "p"}}})
                };
                let next = (from + 20 < 10_000).then(|| (from + 20).to_string());
                json!({"data": (from..from + 20).map(run).collect::<Vec<_>>(), "page": {"next": next}})
            }
            ["", "api", "v2", "pipeline", pipeline, "workflow"] => {
                json!({"items": [{"id": pipeline, "name": "w", "status": "on_hold", "pipeline_number": 7}]})
            }
            ["", "api", "v2", "workflow", workflow, "job"] => {
                json!({"items": [{"id": workflow, "name": "hold", "type": "approval", "status": "on_hold"}]})
            }
            _ => json!({"items": []}),
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    });
    let connection = connect(over, vec![project("gh/acme/site")], &HandClock::new());
    let (items, unread) = connection.inventories[0].look().await;
    assert_eq!(items.iter().filter(|item| item.gate().is_some()).count(), 200);
    let gaps: Vec<&str> = unread.iter().map(String::as_str).collect();
    assert!(gaps.contains(&"CircleCI, runs of a project: only 500 of those that are on_hold were read"), "{gaps:?}");
    assert!(gaps.contains(&"CircleCI, gh/acme/site: 300 of its pipelines are not read yet"), "{gaps:?}");
}
