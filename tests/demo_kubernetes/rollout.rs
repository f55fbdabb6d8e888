//! The Argo controller model against a recorded canary: the same requests in the same order must lead through the same states.

use serde_json::{Value, json};

use crate::bench::{Bench, fixture};

const CHECKOUT: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout";
const CELL: &str = r#"
    crashing = ["1.4.0-crash"]

    [[rollouts]]
    namespace = "shop"
    name = "checkout"
    replicas = 4
    image = "registry.test/checkout"
    max_surge = 1
    max_unavailable = 0
    steps = [
        { setWeight = 25 }, { pause = { duration = "4s" } }, { setWeight = 50 }, { pause = {} },
        { analysis = { templates = [{ templateName = "success-rate" }] } }, { setWeight = 75 }, { pause = { duration = "3s" } },
    ]
    history = [{ tag = "1.0.0", commit = "a" }]

    [[analysis]]
    template = "success-rate"
    interval = "3s"
    count = 3
    failure_limit = 1
    at_least = 0.95
    values = [0.995]

    [[analysis]]
    template = "error-rate-bad"
    metric = "success-rate"
    interval = "3s"
    count = 5
    failure_limit = 1
    at_least = 0.95
    values = [0.61]
"#;

/// A status without times, hashes and seconds: those are never the same. Hashes are told by what they are.
fn bare(rollout: &Value) -> Value {
    let mut status = rollout["status"].clone();
    let hash = status["currentPodHash"].as_str().unwrap_or("none").to_owned();
    status["stableRS"] = if status["stableRS"] == hash.as_str() { "current".into() } else { "another".into() };
    status["currentPodHash"] = "current".into();
    status["currentStepHash"] = Value::Null;
    let mut text = status.to_string().replace(&hash, "HASH");
    // Every moment is the same moment.
    while let Some(at) = text.find("2026-") {
        text.replace_range(at..at + 20, "TIME");
    }
    let mut status: Value = serde_json::from_str(&text).unwrap();
    if status["duration"]["totalManualPauseDurationSeconds"].is_number() {
        status["duration"]["totalManualPauseDurationSeconds"] = 0.into();
    }
    if let Some(run) = status.pointer_mut("/canary/currentStepAnalysisRunStatus/status") {
        *run = "Running".into();
    }
    status["observedGeneration"] = Value::Null;
    status
}

/// The Rollout comes into the recorded state within two minutes.
fn reaches(bench: &mut Bench, name: &str) {
    let recorded: Value = serde_json::from_str(&fixture(name)).unwrap();
    let wanted = bare(&recorded);
    let mut seen: Vec<Value> = Vec::new();
    let reached = bench.until(120, |bench| {
        let status = bare(&bench.get(CHECKOUT));
        if seen.last() != Some(&status) {
            seen.push(status.clone());
        }
        (status == wanted).then_some(())
    });
    let seen: Vec<String> = seen.iter().map(Value::to_string).collect();
    assert!(reached.is_some(), "{name} was never reached\n{wanted}\nseen:\n{}", seen.join("\n"));
}

fn set_image(bench: &mut Bench, tag: &str) {
    let image = format!("registry.test/checkout:{tag}");
    let patch = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]);
    assert_eq!(bench.patch(CHECKOUT, "json", &patch).code, 200);
}

fn set_status(bench: &mut Bench, status: &Value) {
    let answer = bench.patch(&format!("{CHECKOUT}/status"), "merge", &json!({"status": status}));
    assert_eq!(answer.code, 200, "{}", answer.text);
}

fn set_steps(bench: &mut Bench, fourth: &Value) {
    let steps = json!([
        {"setWeight": 25}, fourth["second"], {"setWeight": 50}, fourth["fourth"],
        {"analysis": {"templates": [{"templateName": "error-rate-bad"}]}}, {"setWeight": 75}, {"pause": {"duration": "3s"}},
    ]);
    let patch = json!({"spec": {"strategy": {"canary": {"steps": steps}}}});
    assert_eq!(bench.patch(CHECKOUT, "merge", &patch).code, 200);
}

#[test]
fn a_cluster_begins_with_its_history_rolled_out() {
    // The order of the conditions tells in which order they were set, and that was another one.
    let sorted = |rollout: &Value| {
        let mut status = bare(rollout);
        status["conditions"].as_array_mut().unwrap().sort_by_key(Value::to_string);
        status
    };
    let recorded: Value = serde_json::from_str(&fixture("rollout-canary-01-healthy-v1.json")).unwrap();
    let rollout = Bench::new(CELL).get(CHECKOUT);
    assert_eq!(sorted(&rollout), sorted(&recorded));
    assert_eq!(rollout["spec"]["template"]["metadata"]["annotations"], json!({"holdshort.dev/commit": "a"}));
}

/// Type, reason and message, with hashes told by their revision.
fn said(event: &Value, hashes: &[(&str, &str)]) -> [String; 3] {
    ["type", "reason", "message"].map(|field| {
        let text = event[field].as_str().unwrap().to_owned();
        hashes.iter().fold(text, |text, (hash, name)| text.replace(hash, name))
    })
}

#[test]
fn what_is_said_of_a_canary_is_what_argo_says() {
    let recorded = fixture("watch-events-of-rollouts.head.ndjson");
    let recorded = recorded.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let added = recorded.filter(|event| event["type"] == "ADDED").map(|event| event["object"].clone());
    let hashes = [("b558f4fc7", "first"), ("5d5c777b9d", "second")];
    let recorded: Vec<_> = added.map(|event| said(&event, &hashes)).collect();
    // What was said of the first revision is forgotten when the cluster begins.
    let from = recorded.iter().position(|[_, reason, message]| reason == "RolloutUpdated" && message.ends_with('2'));
    let recorded = &recorded[from.unwrap()..];

    let mut bench = Bench::new(CELL);
    let first = bench.get(CHECKOUT)["status"]["stableRS"].as_str().unwrap().to_owned();
    let events = bench.watch("/api/v1/events?watch=1&fieldSelector=involvedObject.kind%3DRollout");
    set_image(&mut bench, "1.1.0");
    bench.run(40);
    set_status(&mut bench, &json!({"pauseConditions": null}));
    bench.run(40);
    let second = bench.get(CHECKOUT)["status"]["currentPodHash"].as_str().unwrap().to_owned();
    let hashes = [(first.as_str(), "first"), (second.as_str(), "second")];
    let (events, _) = bench.due(events);
    let ours: Vec<_> =
        events.iter().filter(|(kind, _)| kind == "ADDED").map(|(_, event)| said(event, &hashes)).collect();
    let ours = &ours[..recorded.len()];
    let sorted = |events: &[[String; 3]]| {
        // Events of one second were recorded in the order in which they reached the server.
        let mut events = events.to_vec();
        events.sort();
        events
    };
    assert_eq!(sorted(ours), sorted(recorded));
}

#[test]
fn a_canary_goes_through_the_recorded_states() {
    let mut bench = Bench::new(CELL);
    set_image(&mut bench, "1.1.0");
    reaches(&mut bench, "rollout-canary-03-progressing.json");
    reaches(&mut bench, "rollout-canary-04-timed-pause.json");
    reaches(&mut bench, "rollout-canary-05-paused-indefinite.json");
    set_status(&mut bench, &json!({"pauseConditions": null}));
    reaches(&mut bench, "rollout-canary-08-analysis-running.json");
    reaches(&mut bench, "rollout-canary-09-healthy-v1.1.json");

    set_steps(&mut bench, &json!({"second": {"pause": {"duration": "4s"}}, "fourth": {"pause": {"duration": "1s"}}}));
    bench.run(10);
    set_image(&mut bench, "1.2.0");
    reaches(&mut bench, "rollout-canary-12-aborted-by-analysis.json");
    set_status(&mut bench, &json!({"abort": false}));
    reaches(&mut bench, "rollout-canary-14-retrying.json");
    set_status(&mut bench, &json!({"abort": true}));
    reaches(&mut bench, "rollout-canary-16-aborted-manually.json");
    set_status(&mut bench, &json!({"promoteFull": true}));
    reaches(&mut bench, "rollout-canary-18-after-promote-full.json");
    set_image(&mut bench, "1.1.0");
    reaches(&mut bench, "rollout-canary-20-healthy-after-rollback.json");

    set_steps(&mut bench, &json!({"second": {"pause": {}}, "fourth": {"pause": {}}}));
    bench.run(10);
    set_image(&mut bench, "1.3.0");
    bench.until(60, |bench| (bench.get(CHECKOUT)["status"]["phase"] == "Paused").then_some(()));
    bench.run(2);
    assert_eq!(bench.patch(CHECKOUT, "merge", &json!({"spec": {"paused": true}})).code, 200);
    reaches(&mut bench, "rollout-canary-22-user-paused-on-top.json");
    assert_eq!(bench.patch(CHECKOUT, "merge", &json!({"spec": {"paused": false}})).code, 200);
    bench.run(2);
    set_status(&mut bench, &json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2}));
    reaches(&mut bench, "rollout-canary-25-after-skip.json");
    bench.until(60, |bench| (bench.get(CHECKOUT)["status"]["phase"] == "Paused").then_some(()));
    bench.run(2);
    set_status(&mut bench, &json!({"promoteFull": true}));
    reaches(&mut bench, "rollout-canary-27-healthy-after-promote-full.json");
}
