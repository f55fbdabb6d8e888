//! Our client against written and recorded answers: what each of them means.

use holdshort::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        ids::Person,
        item::Item,
        offer::{Offer, Risk},
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, Status},
        time::Timestamp,
        verb::Verb,
    },
    port::facet::Connection,
};
use serde_json::{Value, json};

use crate::{
    inventory::Listing,
    lookup::Asking,
    scene::{Diary, HandClock, JSON, Said, connect, dana, fixture, job, saying},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn good(body: Value) -> Said {
    (200, vec![JSON], body)
}

/// Our client where these are all answers there are, beside who we are.
fn over(answers: Vec<(&'static str, Said)>) -> Connection {
    let answers = [dana()].into_iter().chain(answers).collect();
    connect(saying(&Diary::default(), answers), vec![job("shop/*")], &HandClock::new())
}

fn known() -> Connection {
    over(vec![("/job/shop/api/json", good(fixture("folder"))), ("/computer/api/json", good(json!({"computer": []})))])
}

#[tokio::test]
async fn a_build_is_a_run_of_its_job_or_branch_and_a_word_that_is_new_is_unknown_and_readable() {
    let runs = known().inventories[0].runs().await.unwrap();
    let told: Vec<_> = runs
        .iter()
        .map(|run| {
            (run.id.path.as_str(), run.pipeline.as_str(), run.status, run.title.as_str(), run.version.to_string())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("shop/gateway/813", "gateway", RunStatus::Waiting, "Ship 3.4.0", "3.4.0 (c0ffee1)".to_owned()),
            ("shop/cart/feature%2Flogin/3", "cart/feature/login", RunStatus::Unknown, "", "feature/login".to_owned()),
            ("shop/gateway/812", "gateway", RunStatus::Failed, "", "3.3.1".to_owned()),
        ]
    );
    let raw: Vec<_> = runs.iter().map(|run| run.raw.as_deref()).collect();
    assert_eq!(raw, [Some("building"), Some("A_NEW_WORD"), Some("UNSTABLE")]);
    assert_eq!((runs[1].service.as_str(), runs[1].branch.as_deref()), ("cart", Some("feature/login")));
    let last = &runs[2];
    assert_eq!((last.started, last.updated), (at("2026-03-09T22:00:00Z"), at("2026-03-09T22:01:00Z")));
    assert_eq!(runs[0].actor.as_ref().map(Person::as_str), Some("kim"));
}

#[tokio::test]
async fn an_input_that_waits_is_a_gate_bound_to_its_build_and_says_whom_it_is_for() {
    let gates = known().inventories[0].gates().await.unwrap();
    let [gate] = gates.as_slice() else { panic!("{gates:#?}") };
    let expected = Gate {
        id: "jenkins/gate/shop/gateway/813/Ship".parse().unwrap(),
        service: "gateway".into(),
        environment: "prod/eu".into(),
        system: "Jenkins input".into(),
        title: "gateway #813: Ship to prod?".into(),
        version: gate.version.clone(),
        since: at("2026-03-10T10:00:00Z"),
        eligible: Eligibility::Can,
        approvals: None,
        behind: Behind::Run("jenkins/run/shop/gateway/813".parse().unwrap()),
        newer_behind: 0,
        live: None,
        url: Some("https://ci.test/job/shop/job/gateway/813/input/".into()),
        identity: [
            ("build", "813"),
            ("build began", "1773136800000"),
            ("commit", "c0ffee11c0ffee11c0ffee11c0ffee11c0ffee11"),
            ("input is", "waiting"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        offers: vec![
            Offer::open(Verb::Approve, Risk::Medium).asking(gate.offers[0].form.clone()),
            Offer::open(Verb::Reject, Risk::Medium),
        ],
    };
    assert_eq!(*gate, expected);
    let form: Vec<_> =
        gate.offers[0].form.iter().map(|field| (field.name.as_str(), field.default.as_deref())).collect();
    assert_eq!(form, [("RING", Some("one"))]);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_beside_what_can() {
    let (items, unread) = known().inventories[0].look().await;
    let [builds, jobs] =
        ["Jenkins, shop/gateway: 1 of its newest builds cannot be read", "Jenkins, shop: 1 of its jobs cannot be read"]
            .map(str::to_owned);
    assert!(items.len() == 4 && unread.contains(&builds) && unread.contains(&jobs), "{unread:?}");
}

#[tokio::test]
async fn a_recorded_build_and_a_recorded_job_are_read() {
    let mut job = fixture("api_job_pipeline");
    job["name"] = "recorded".into();
    job["builds"] = json!([fixture("api_run_workflowrun")]);
    let folder = json!({"_class": "com.cloudbees.hudson.plugins.folder.Folder", "jobs": [job]});
    let connection = over(vec![("/job/shop/api/json", good(folder)), ("/computer/api/json", good(json!({})))]);
    let (items, unread) = connection.inventories[0].look().await;
    let [Item::Run(run)] = items.as_slice() else { panic!("{items:#?}") };
    assert_eq!(
        (run.number, run.status, run.title.as_str(), run.actor.as_ref().map(Person::as_str), unread),
        (52, RunStatus::Failed, "Started by user admin", Some("admin"), vec![])
    );
    assert_eq!(run.version.to_string(), "build 52", "it says neither version nor branch");
}

#[tokio::test]
async fn recorded_queue_items_say_whether_they_wait_and_what_became_of_them() {
    let build = json!({"number": 54, "building": false, "result": "SUCCESS", "timestamp": 1_559_112_240_000_i64});
    let connection = over(vec![
        ("/queue/item/669/api/json", good(fixture("api_queue_blockeditem"))),
        ("/queue/item/700/api/json", good(fixture("api_queue_waitingitem"))),
        ("/queue/item/599/api/json", good(fixture("api_queue_leftitem"))),
        ("/queue/item/1/api/json", good(json!({"id": 1, "cancelled": true}))),
        ("/job/folder/job/pipeline/54/api/json", good(build)),
    ]);
    let mut seen = Vec::new();
    for item in ["669", "700", "1", "599"] {
        let facts =
            connection.inventories[0].read(&format!("jenkins/queue/{item}").parse().unwrap()).await.unwrap().facts;
        seen.push((facts["queue item is"].clone(), facts.get("build").cloned(), facts.get("status").cloned()));
    }
    let waits = |state: &str| (state.to_owned(), None, None);
    let left = ("left".to_owned(), Some("54".to_owned()), Some("succeeded".to_owned()));
    assert_eq!(seen, [waits("waiting"), waits("waiting"), waits("cancelled"), left]);
}

#[tokio::test]
async fn recorded_stages_and_their_logs_are_a_tree_whose_words_stay_readable() {
    let mut stages = fixture("readme_wfapi_run_describe");
    stages["stages"][1]["status"] = "A_NEW_WORD".into();
    let connection = over(vec![
        ("/1/api/json", good(json!({"number": 1, "building": true, "timestamp": 1_413_461_275_770_i64}))),
        ("/1/wfapi/describe", good(stages)),
        ("/node/5/wfapi/describe", good(fixture("readme_wfapi_node_describe"))),
        ("/node/6/wfapi/log", good(fixture("readme_wfapi_node_log"))),
        ("/node/7/wfapi/log", good(json!({"nodeStatus": "SUCCESS", "hasMore": true, "text": "<b>a</b> &amp; b\n"}))),
    ]);
    let run = "jenkins/run/shop/gateway/1".parse().unwrap();
    let nodes = connection.lookups[0].jobs(&run).await.unwrap();
    let stage = |name: &str, state, raw: &str, id: &str| Node {
        log: Some(LogRef::new(format!("stage-{id}"))),
        ..Node::new(NodeKind::Stage, name, Status::said(state, raw))
    };
    let expected = [
        Node {
            started: Some(at("2014-10-16T12:07:55.770Z")),
            ended: Some(at("2014-10-16T12:08:00.998Z")),
            ..stage("Build", RunStatus::Succeeded, "SUCCESS", "5")
        },
        Node { started: Some(at("2014-10-16T12:08:00.998Z")), ..stage("Test", RunStatus::Unknown, "A_NEW_WORD", "8") },
        Node {
            started: Some(at("2014-10-16T12:08:05.992Z")),
            ..stage("Deploy", RunStatus::Waiting, "PAUSED_PENDING_INPUT", "10")
        },
    ];
    assert_eq!(nodes[1..], expected);
    let lines = connection.lookups[0].log(&run, &LogRef::new("stage-5"), 4).await.unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Fetching upstream changes from https://github.com/tfennelly/simple-maven-project-with-test.git",
            " > git --version",
            "Shell Script",
            "a & b"
        ]
    );
    let failed = fixture("wfapi_runs_failed")[0].clone();
    let connection = over(vec![
        (
            "/3/api/json",
            good(json!({"number": 3, "result": "FAILURE", "building": false, "timestamp": 1, "duration": 39_528})),
        ),
        ("/3/wfapi/describe", good(failed)),
    ]);
    let nodes = connection.lookups[0].jobs(&"jenkins/run/cd/3".parse().unwrap()).await.unwrap();
    let shown: Vec<_> = nodes
        .iter()
        .map(|node| (node.name.as_str(), node.status.state, node.status.flags.contains(&Flag::SoftFailed)))
        .collect();
    let succeeded = RunStatus::Succeeded;
    assert_eq!(
        shown,
        [
            ("console", RunStatus::Failed, false),
            ("Dev", succeeded, false),
            ("QA", succeeded, false),
            ("Staging", RunStatus::Failed, false)
        ]
    );
}

#[tokio::test]
async fn recorded_inputs_of_an_older_plugin_ask_for_what_they_ask() {
    let class = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction";
    let build =
        json!({"number": 24, "building": true, "timestamp": 1_773_136_800_000_i64, "actions": [{"_class": class}]});
    let folder = json!({"jobs": [{"name": "Workflow", "builds": [build]}]});
    let inputs = json!([fixture("wfapi_pending_input_params")]);
    let modern = fixture("wfapi_pending_input_modern");
    for (inputs, id, form) in [
        (
            inputs,
            "Run-test-suites",
            vec!["Run test suites?", "Good boy?", "Enter some text", "Enter a passord", "Take your pick"],
        ),
        (modern, "3eaa25d43fac6e39a12c3936942b72c8", vec![]),
    ] {
        let connection = over(vec![
            ("/job/shop/api/json", good(folder.clone())),
            ("/computer/api/json", good(json!({}))),
            ("/24/wfapi/pendingInputActions", good(inputs)),
        ]);
        let gates = connection.inventories[0].gates().await.unwrap();
        let [gate] = gates.as_slice() else { panic!("{gates:#?}") };
        assert!(gate.id.path.ends_with(id), "{}", gate.id);
        let asked: Vec<_> = gate.offers[0].form.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(asked, form);
        assert!(!format!("{gate:?}").contains("MyPasswd"), "the default of a secret goes nowhere");
    }
}

#[tokio::test]
async fn text_that_a_terminal_obeys_reaches_no_run_gate_stage_or_log() {
    const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}b";
    let mut folder = fixture("folder");
    folder["jobs"].as_array_mut().unwrap().truncate(1);
    let build = &mut folder["jobs"][0]["builds"][0];
    for key in ["displayName", "description", "url"] {
        build[key] = HOSTILE.into();
    }
    build["actions"][0]["causes"][0]["userId"] = HOSTILE.into();
    build["actions"][2]["lastBuiltRevision"]["branch"][0]["name"] = HOSTILE.into();
    for key in ["id", "message", "submitter"] {
        build["actions"][3]["executions"][0]["input"][key] = HOSTILE.into();
    }
    build["actions"][3]["executions"][0]["input"]["parameters"][0]["name"] = HOSTILE.into();
    let stages = json!({"stages": [{"id": HOSTILE, "name": HOSTILE, "status": HOSTILE}]});
    let connection = over(vec![
        ("/job/shop/api/json", good(folder.clone())),
        ("/computer/api/json", good(json!({}))),
        ("/813/api/json", good(folder["jobs"][0]["builds"][0].clone())),
        ("/813/wfapi/describe", good(stages)),
        ("/progressiveText", (200, vec![("x-text-size", "9")], HOSTILE.into())),
    ]);
    let (items, unread) = connection.inventories[0].look().await;
    let run = "jenkins/run/shop/gateway/813".parse().unwrap();
    let nodes = connection.lookups[0].jobs(&run).await.unwrap();
    let log = connection.lookups[0].log(&run, &LogRef::new("console"), 5).await.unwrap();
    assert_eq!(items.len(), 3);
    let shown = format!("{items:?}{unread:?}{nodes:?}{log:?}");
    assert!(!shown.contains("]0;") && !shown.contains("\\u{1b}") && !shown.contains("\\u{202e}"), "{shown}");
}
