//! What GitLab says when it does not answer, in words; and what stays known meanwhile.

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
    domain::{gate::Eligibility, observed::FaultKind, verb::Verb},
    port::{
        error::ProviderError,
        facet::Connection,
        fill::Supplies,
        inventory::{Heard, Part},
        shape::Checked,
        wire::WireError,
    },
};
use http::Response;
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    scene::{Diary, HandClock, JSON, SCENARIO, Said, Scene, ask, connect, fixture, project, saying, transport},
};

/// One look at the only project.
async fn look(connection: &Connection) -> Result<Vec<Part>, ProviderError> {
    let inventory = &connection.inventories[0];
    let scopes = inventory.discover().await.unwrap();
    let told: Vec<Heard> = inventory.list(scopes).collect().await;
    let [one] = <[_; 1]>::try_from(told).unwrap();
    one.parts
}

fn answering(graphql: Said) -> Connection {
    let answers = vec![
        ("/user", (200, vec![JSON], json!({"username": "dana"}))),
        ("/self", (200, vec![JSON], json!({"scopes": ["api"]}))),
        ("/graphql", graphql),
    ];
    connect(saying(&Diary::default(), answers), vec![project("acme/site")], &HandClock::new())
}

#[tokio::test]
async fn every_refusal_is_a_sentence_with_the_way_out() {
    let errors = fixture("errors");
    let error = |place: usize| errors[place]["body"].clone();
    let page = Value::from("<html><title>Sign in</title>");
    let expired = json!({"error": "invalid_token", "error_description": "Token is expired."});
    let questions = |message: &str| json!({"errors": [{"message": message}]});
    let table: Vec<(Said, FaultKind, &str)> = vec![
        (
            (401, vec![JSON], error(0)),
            FaultKind::Unauthenticated,
            "GitLab, acme/site: the token is not accepted (401 Unauthorized); put a valid one into the configuration",
        ),
        (
            (401, vec![JSON], expired),
            FaultKind::Unauthenticated,
            "GitLab, acme/site: the token has expired (Token is expired.); put a new one into the configuration",
        ),
        (
            (403, vec![JSON], error(1)),
            FaultKind::Forbidden,
            "GitLab, acme/site: it does not let us (403 Forbidden); it takes the scope read_api and the role for it",
        ),
        (
            (403, vec![JSON], error(2)),
            FaultKind::Forbidden,
            "GitLab, acme/site: the token may not (The request requires higher privileges than provided by the access token.); it \
             takes one with the scope read_api",
        ),
        (
            (404, vec![JSON], error(3)),
            FaultKind::Missing,
            "GitLab, acme/site: it has nothing there that the token may see (404 Project Not Found); check the name",
        ),
        (
            (422, vec![JSON], json!({"message": {"ref": ["is odd"]}})),
            FaultKind::Rejected,
            "GitLab, acme/site: it refuses: ref is odd",
        ),
        (
            (409, vec![JSON], json!({"message": "409 Conflict"})),
            FaultKind::Conflict,
            "GitLab, acme/site: it refuses: 409 Conflict",
        ),
        ((502, vec![], page.clone()), FaultKind::Server, "GitLab, acme/site: it failed (502: a web page ('Sign in'))"),
        (
            (200, vec![], page),
            FaultKind::Unreadable,
            "GitLab, acme/site: it answers with a web page ('Sign in'): is there a proxy or a login page before it? Check its address \
             and how we sign in",
        ),
        (
            (200, vec![JSON], Value::from("{\"data\": {\"projects\"")),
            FaultKind::Unreadable,
            "GitLab, acme/site: cannot read the answer",
        ),
        (
            (200, vec![JSON], questions("Field 'maxAccessLevel' doesn't exist on type 'Project'")),
            FaultKind::Rejected,
            "GitLab, acme/site: it refuses the question: Field 'maxAccessLevel' doesn't exist on type 'Project'",
        ),
        ((200, vec![JSON], json!({})), FaultKind::Rejected, "GitLab, acme/site: it answers without data"),
        (
            (200, vec![JSON], json!({"data": {"projects": {"nodes": []}}})),
            FaultKind::Missing,
            "GitLab, acme/site: it has no project there that the token may see; check the name",
        ),
    ];
    for (said, kind, text) in table {
        let error = look(&answering(said)).await.unwrap_err();
        assert!(error.kind == kind && error.text.starts_with(text), "{error:?}, not {text}");
    }
}

#[tokio::test]
async fn a_limit_is_kept_for_as_long_as_it_says_or_a_minute() {
    let text = Value::from("Retry later\n");
    for (headers, seconds) in [(vec![("retry-after", "30"), ("ratelimit-remaining", "0")], 30), (vec![], 60)] {
        let error = look(&answering((429, headers, text.clone()))).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
        let begin = "GitLab, acme/site: its limit of requests is reached, free again at ";
        assert!(error.text.starts_with(begin), "{}", error.text);
    }
}

#[tokio::test]
async fn what_a_project_does_not_show_is_not_taken_for_nothing() {
    let nothing = json!({"data": {"projects": {"nodes": [{"fullPath": "acme/site", "environments": null, "newest": null,
        "waiting": null, "running": null}]}}});
    let (items, unread) = answering((200, vec![JSON], nothing)).inventories[0].look().await;
    assert_eq!(items, []);
    let gaps = ["it does not show its environments to the token", "it does not show its pipelines to the token"];
    assert_eq!(unread, gaps.map(|gap| format!("GitLab, acme/site: {gap}")));
}

#[tokio::test]
async fn a_group_that_lists_nothing_or_is_not_there_is_said() {
    let of = async |body: Said| {
        let answers =
            vec![("/user", (200, vec![JSON], json!({}))), ("/self", (200, vec![JSON], json!({}))), ("/projects", body)];
        let connection = connect(saying(&Diary::default(), answers), vec![project("acmee/*")], &HandClock::new());
        connection.inventories[0].look().await.1
    };
    let none = "GitLab, acmee/*: it lists no project; check the name, and what the token may see";
    assert_eq!(of((200, vec![JSON], json!([]))).await, [none]);
    let missing = "GitLab, acmee/*: it has nothing there that the token may see (404 Group Not Found); check the name";
    assert_eq!(of((404, vec![JSON], json!({"message": "404 Group Not Found"}))).await, [missing]);
}

/// Our client over the pretended GitLab, in which what has this in its path and query breaks while it is to.
fn breakable(broken: &'static str) -> (Connection, Arc<AtomicBool>, Scene) {
    let scene = Scene::new();
    let breaks = Arc::new(AtomicBool::new(false));
    let (now, world, time) = (Arc::clone(&breaks), Arc::clone(&scene.system), scene.clock.clone());
    let over = transport(&scene.diary, move |request| {
        use holdshort::{
            demo::system::{Reply, System},
            port::clock::Clock,
        };
        let asked = request.uri().to_string();
        let hidden = asked.ends_with("/graphql") && broken.starts_with("/pipelines/");
        let Reply::Whole(response) = world.lock().unwrap().respond(time.now(), request) else { panic!("no streams") };
        if now.load(Ordering::SeqCst) && hidden {
            // It is in no list any more.
            let text = String::from_utf8(response.body().to_vec()).unwrap();
            let mut body: Value = serde_json::from_str(&text).unwrap();
            for project in body["data"]["projects"]["nodes"].as_array_mut().into_iter().flatten() {
                for list in ["newest", "waiting", "running"] {
                    project[list]["nodes"] = json!([]);
                }
            }
            return Ok(Response::new(Bytes::from(body.to_string())));
        }
        if now.load(Ordering::SeqCst) && asked.contains(broken) {
            return Err(WireError::Lost("reset".to_owned()));
        }
        Ok(response)
    });
    (connect(over, vec![project("acme/shop/site")], &scene.clock), breaks, scene)
}

#[tokio::test]
async fn where_the_deployments_cannot_be_read_the_runs_are_told_and_the_gates_stay() {
    let (connection, breaks, _scene) = breakable("/deployments?status=blocked");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let parts = look(&connection).await.unwrap();
    let lost = "GitLab, acme/shop/site deployments that wait: the connection to it broke: reset";
    assert_eq!(parts[0], Part::unread(holdshort::domain::object::Family::gate(), vec![lost.to_owned()]));
    assert_eq!(parts[1].items.len(), 4);
}

#[tokio::test]
async fn where_the_question_about_many_fails_that_is_all_that_is_told() {
    let (connection, breaks, _scene) = breakable("/graphql");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let error = look(&connection).await.unwrap_err();
    assert_eq!(error.text, "GitLab, acme/shop/site: the connection to it broke: reset");
}

#[tokio::test]
async fn a_pipeline_that_left_the_lists_and_cannot_be_asked_for_is_as_it_was_and_said_to_be() {
    let (connection, breaks, _scene) = breakable("/pipelines/8");
    look(&connection).await.unwrap();
    breaks.store(true, Ordering::SeqCst);
    let (items, unread) = connection.inventories[0].look().await;
    let lost = |number: u32| format!("GitLab, acme/shop/site pipeline {number}: the connection to it broke: reset");
    assert!([812, 813].map(lost).iter().all(|text| unread.contains(text)), "{unread:?}");
    let gates: Vec<_> = items.iter().filter_map(|item| item.gate()).collect();
    assert_eq!(gates.len(), 2);
    let why = format!("it is as it was: {}", lost(813));
    assert_eq!(gates[0].eligible, Eligibility::Unknown { why });
}

#[tokio::test]
async fn one_project_that_is_misspelt_keeps_no_other_from_being_seen() {
    let scene = Scene::of(SCENARIO, ["acme/gateway", "acme/gatway"].map(project).to_vec());
    let (items, unread) = scene.inventory().look().await;
    assert_eq!(items.iter().filter(|item| item.run().is_some()).count(), 4);
    assert_eq!(unread, ["GitLab, acme/gatway: it has no project there that the token may see; check the name"]);
}

#[tokio::test]
async fn a_question_that_asks_for_too_much_is_asked_in_halves() {
    let all = ["acme/shop/site", "acme/gateway", "acme/fleet"].map(project).to_vec();
    let complexity = |most: usize| {
        let scene = Scene::of(&format!("complexity = {most}\n{SCENARIO}"), all.clone());
        async move {
            let (items, unread) = scene.inventory().look().await;
            let asked = scene.diary.all().iter().filter(|seen| seen.body.contains("query Look")).count();
            (items.iter().filter(|item| item.run().is_some()).count(), unread.len(), asked)
        }
    };
    let whole = complexity(250).await;
    assert_eq!((whole.1, whole.2), (0, 1));
    // One more of them costs a hundredth more: what is left for one is not enough for two.
    let mut halves = None;
    for most in 60..250 {
        let told = complexity(most).await;
        if told.1 == 0 && told.2 > 1 {
            halves = Some(told);
            break;
        }
    }
    assert_eq!(halves.map(|told| told.0), Some(whole.0), "the same is seen");
}

#[tokio::test]
async fn a_verb_that_is_refused_says_why_in_gitlabs_words_and_what_may_have_arrived_is_said_to_be() {
    let scene = Scene::new();
    let gate = scene.gate("site #812 to production").await;
    let wanted = ask(Verb::Approve, &gate.id);
    let draft = scene.inventory().draft_for(&gate, &wanted).unwrap();
    scene.happens("approve = { project = 'acme/shop/site', pipeline = 812, by = 'dana', approve = false }");
    let checked = Checked::of(&draft.steps[0], wanted.verb, scene.inventory(), &Supplies::default()).unwrap();
    let error = scene.inventory().send(checked).await.unwrap_err();
    let text = "GitLab, approve site #812 to production: it refuses: This deployment is not waiting for approvals.";
    assert_eq!((error.kind, error.text.as_str(), error.maybe_done), (FaultKind::Rejected, text, false));
}

#[tokio::test]
async fn of_ten_thousand_pipelines_that_wait_so_many_are_read_and_the_rest_is_said() {
    let many = (1..=1_200).map(|id| {
        format!(
            "{{ id = {id}, ref = 'main', commit = 'c0ffee{id:034}', title = 'x', user = 'lee', started = '-{}m' }},\n",
            3_000 - id
        )
    });
    let jobs = "jobs = [{ name = 'go-live', stage = 'live', manual = true, takes = '1m' }]";
    let text = format!(
        "user = 'dana'\n[[projects]]\npath = 'acme/busy'\n{jobs}\npipelines = [\n{}]\n",
        many.collect::<String>()
    );
    let scene = Scene::of(&text, vec![project("acme/busy")]);
    let (items, unread) = scene.inventory().look().await;
    let gates = items.iter().filter(|item| item.gate().is_some()).count();
    let gap = "GitLab, acme/busy: only about 1000 of its pipelines that are manual were read".to_owned();
    assert_eq!((gates, unread), (1_020, vec![gap.clone(), gap]), "of the gates and of the runs");
    let questions = scene.diary.all().iter().filter(|seen| seen.line == "POST /api/graphql").count();
    assert_eq!(questions, 11, "one about all, and ten pages");
}
