//! What people do to a Rollout, and what must follow: the guarantees and the odd sides that the cockpit is built on.

use holdshort::demo::system::System;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bench::Bench;

const BASE: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
const PAY: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments";
const CELL: &str = r#"
    [[rollouts]]
    namespace = "shop"
    name = "payments"
    replicas = 12
    image = "registry.test/payments"
    steps = [{ setWeight = 5 }, { pause = {} }, { setWeight = 25 }, { pause = { duration = "30m" } }, { setWeight = 50 }]
    history = [{ tag = "1.41.2", commit = "aaaa" }, { tag = "1.41.3", commit = "bbbb" }]
"#;
const ROUTED: &str = r#"
    [[rollouts]]
    namespace = "shop"
    name = "payments"
    replicas = 4
    image = "registry.test/payments"
    traffic_router = "nginx"
    steps = [{ setWeight = 40 }, { pause = {} }]
    history = [{ tag = "1.41.3", commit = "bbbb" }]
"#;
const RELEASE: &str = "set_image = { namespace = \"shop\", name = \"payments\", tag = \"1.42.0\", commit = \"cccc\" }";
const TARGET: &str = "{ namespace = \"shop\", name = \"payments\" }";

fn act(bench: &mut Bench, verb: &str) {
    bench.act(&format!("{verb} = {TARGET}"));
}

/// Share of each version, in percent.
fn shares(bench: &Bench) -> Vec<(String, f64)> {
    let serving = bench.cluster.serving().into_iter().find(|serving| serving.service == "payments").unwrap();
    let mut shares: Vec<_> =
        serving.arms.iter().map(|arm| (arm.version.clone(), (arm.share * 1000.0).round() / 10.0)).collect();
    shares.sort_by(|a, b| a.0.cmp(&b.0));
    shares
}

fn share(version: &str, percent: f64) -> (String, f64) {
    (version.to_owned(), percent)
}

/// Released, promoted past the first pause, at 25 %.
fn at_a_quarter(cell: &str) -> Bench {
    let mut bench = Bench::new(cell);
    bench.act(RELEASE);
    bench.run(60);
    act(&mut bench, "promote");
    bench.run(60);
    bench
}

#[test]
fn a_scripted_release_stands_at_a_quarter_and_an_abort_takes_it_to_nothing_within_seconds() {
    let mut bench = at_a_quarter(CELL);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["currentStepIndex"]), (&json!("Paused"), &json!(3)));
    assert_eq!(shares(&bench), [share("1.41.3", 75.0), share("1.42.0", 25.0)]);
    act(&mut bench, "abort");
    bench.run(25);
    assert_eq!(shares(&bench), [share("1.41.3", 100.0)]);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["abort"]), (&json!("Degraded"), &json!(true)));
    assert_eq!(bench.get(PAY)["spec"]["template"]["metadata"]["annotations"]["holdshort.dev/commit"], "cccc");
}

#[test]
fn promote_full_on_an_aborted_rollout_ships_it() {
    let mut bench = at_a_quarter(CELL);
    act(&mut bench, "abort");
    bench.run(30);
    act(&mut bench, "promote_full");
    bench.run(120);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["abort"]), (&json!("Healthy"), &Value::Null));
    assert_eq!(shares(&bench), [share("1.42.0", 100.0)]);
}

#[test]
fn promote_does_nothing_to_an_aborted_rollout_and_retry_starts_it_again() {
    let mut bench = at_a_quarter(CELL);
    act(&mut bench, "abort");
    bench.run(30);
    act(&mut bench, "promote");
    bench.run(60);
    assert_eq!(bench.get(PAY)["status"]["phase"], "Degraded");
    act(&mut bench, "retry");
    bench.run(60);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["currentStepIndex"]), (&json!("Paused"), &json!(1)));
}

#[test]
fn a_timed_pause_ends_by_itself_also_while_no_one_asks() {
    let mut bench = at_a_quarter(CELL);
    bench.run(29 * 60);
    assert_eq!(bench.get(PAY)["status"]["currentStepIndex"], 3);
    bench.run(3 * 60);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["message"]), (&json!("Healthy"), &Value::Null));
}

#[test]
fn a_manual_pause_holds_everything_where_it_is() {
    let mut bench = at_a_quarter(CELL);
    bench.act("set_paused = { namespace = \"shop\", name = \"payments\", paused = true, by = \"dana\" }");
    bench.run(3600);
    let rollout = bench.get(PAY);
    assert_eq!(rollout["status"]["message"], "manually paused");
    assert_eq!(shares(&bench), [share("1.41.3", 75.0), share("1.42.0", 25.0)]);
    let hands = rollout["metadata"]["managedFields"].as_array().unwrap();
    let dana = hands.iter().find(|entry| entry["manager"] == "dana").unwrap();
    assert_eq!(dana["fieldsV1"], json!({"f:spec": {"f:paused": {}}}));
}

#[test]
fn the_second_of_two_guarded_promotes_is_a_conflict() {
    let mut bench = Bench::new(CELL);
    bench.act(RELEASE);
    bench.run(60);
    let version = bench.get(PAY)["metadata"]["resourceVersion"].clone();
    let promote = json!({"metadata": {"resourceVersion": version}, "status": {"pauseConditions": null}});
    let path = format!("{PAY}/status");
    assert_eq!(bench.patch(&path, "merge", &promote).code, 200);
    assert_eq!(bench.patch(&path, "merge", &promote).code, 409);
}

#[test]
fn status_and_the_rest_are_written_apart() {
    let mut bench = at_a_quarter(CELL);
    let both = json!({"status": {"abort": true}, "spec": {"paused": true}, "metadata": {"labels": {"x": "y"}}});
    let (before, path) = (bench.get(PAY), format!("{PAY}/status"));
    let through_status = bench.patch(&format!("{path}?dryRun=All"), "merge", &both).json();
    assert_eq!((&through_status["status"]["abort"], &through_status["spec"]), (&json!(true), &before["spec"]));
    assert_eq!(through_status["metadata"]["labels"], before["metadata"]["labels"]);
    let through_main = bench.patch(&format!("{PAY}?dryRun=All"), "merge", &both).json();
    assert_eq!((&through_main["status"], &through_main["spec"]["paused"]), (&before["status"], &json!(true)));
    assert_eq!(through_main["metadata"]["generation"], before["metadata"]["generation"].as_i64().unwrap() + 1);
    assert_eq!(bench.get(PAY), before);
}

#[test]
fn behind_a_router_the_weights_serve_and_an_aborted_canary_stays_for_half_a_minute() {
    let mut bench = Bench::new(ROUTED);
    bench.act(RELEASE);
    bench.run(60);
    let weights = bench.get(PAY)["status"]["canary"]["weights"].clone();
    assert_eq!((&weights["canary"]["weight"], &weights["stable"]["weight"]), (&json!(40), &json!(60)));
    assert_eq!(shares(&bench), [share("1.41.3", 60.0), share("1.42.0", 40.0)]);
    let canaries = |bench: &mut Bench| {
        let pods = bench.get("/api/v1/namespaces/shop/pods?labelSelector=app.kubernetes.io%2Fversion%3D1.41.3");
        let all = bench.get("/api/v1/namespaces/shop/pods");
        all["items"].as_array().unwrap().len() - pods["items"].as_array().unwrap().len()
    };
    act(&mut bench, "abort");
    bench.run(10);
    assert_eq!((shares(&bench), canaries(&mut bench)), (vec![share("1.41.3", 100.0)], 2));
    bench.run(40);
    assert_eq!(canaries(&mut bench), 0);
}

#[test]
fn a_restart_takes_pods_by_their_names_and_no_more_at_once_than_may_be_missing() {
    let mut bench = at_a_quarter(CELL);
    let pods = |bench: &mut Bench| {
        let all = bench.get("/api/v1/namespaces/shop/pods");
        all["items"].as_array().unwrap().iter().map(|pod| pod["metadata"].clone()).collect::<Vec<_>>()
    };
    let named = |pod: &Value| pod["name"].as_str().unwrap().to_owned();
    let leaving = |pods: &[Value]| {
        pods.iter().filter(|pod| pod.get("deletionTimestamp").is_some()).map(named).collect::<Vec<_>>()
    };
    let mut before: Vec<String> = pods(&mut bench).iter().map(named).collect();
    before.sort();
    let at = bench.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(bench.patch(PAY, "merge", &json!({"spec": {"restartAt": at}})).code, 200);
    let first = bench.until(60, |bench| Some(leaving(&pods(bench))).filter(|names| !names.is_empty()));
    // A quarter of twelve, whichever version they are of.
    assert_eq!(first.unwrap(), before[..3]);
    let mut most = 0;
    let done = bench.until(600, |bench| {
        most = most.max(leaving(&pods(bench)).len());
        (bench.get(PAY)["status"]["restartedAt"] == at.as_str()).then_some(())
    });
    assert_eq!((done, most), (Some(()), 3));
    assert!(!pods(&mut bench).iter().any(|pod| before.contains(&named(pod))));
}

#[test]
fn an_abort_of_what_is_promoted_already_is_taken_back() {
    let mut bench = Bench::new(CELL);
    act(&mut bench, "abort");
    bench.run(10);
    let status = bench.get(PAY)["status"].clone();
    assert_eq!((&status["phase"], &status["abort"]), (&json!("Healthy"), &Value::Null));
}

#[test]
fn an_unknown_step_is_passed_and_an_unknown_strategy_is_left_alone() {
    let mut bench = Bench::new(CELL);
    let steps = json!({"spec": {"strategy": {"canary": {"steps": [{"somethingNew": {"x": 1}}, {"setWeight": 50}, {"pause": {}}]}}}});
    assert_eq!(bench.patch(PAY, "merge", &steps).code, 200);
    bench.run(5);
    bench.act(RELEASE);
    bench.run(60);
    assert_eq!(bench.get(PAY)["status"]["currentStepIndex"], 2);
    let blue_green = json!({"spec": {"strategy": {"canary": null, "blueGreen": {"activeService": "a"}}}});
    assert_eq!(bench.patch(PAY, "merge", &blue_green).code, 200);
    bench.run(60);
    assert_eq!(bench.get(PAY)["status"]["currentStepIndex"], 2);
}

#[test]
fn a_missing_analysis_template_makes_the_specification_invalid() {
    let mut bench = Bench::new(CELL);
    let steps =
        json!({"spec": {"strategy": {"canary": {"steps": [{"analysis": {"templates": [{"templateName": "none"}]}}]}}}});
    assert_eq!(bench.patch(PAY, "merge", &steps).code, 200);
    bench.run(10);
    let status = bench.get(PAY)["status"].clone();
    let message = "InvalidSpec: The Rollout \"payments\" is invalid: spec.strategy.canary.steps[0].analysis.templates: \
                   Invalid value: \"none\": AnalysisTemplate 'none' not found";
    assert_eq!((&status["phase"], &status["message"]), (&json!("Degraded"), &json!(message)));
}

#[test]
fn rights_can_be_taken_away_while_the_scenario_runs() {
    let mut bench = Bench::new(CELL);
    bench.act(
        "set_rights = { rights = [{ verbs = [\"get\", \"list\", \"watch\"], groups = [\"*\"], resources = [\"*\"] }] }",
    );
    assert_eq!(bench.patch(PAY, "merge", &json!({"spec": {"paused": true}})).code, 403);
    assert_eq!(bench.get(BASE)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_action_on_what_is_not_there_says_so() {
    let mut bench = Bench::new(CELL);
    let action = toml::from_str("abort = { namespace = \"shop\", name = \"none\" }").unwrap();
    let error = bench.cluster.act(bench.now, &action).unwrap_err();
    assert_eq!(error.to_string(), "no rollout \"none\" in namespace \"shop\"; name one that the cell declares");
}

#[test]
fn crashed_pods_serve_nothing_until_they_are_well() {
    let mut bench = Bench::new(CELL);
    let pods = |bench: &Bench| bench.cluster.serving()[0].arms.iter().map(|arm| arm.pods.len()).sum::<usize>();
    bench.act("pods_unready = { namespace = \"shop\", name = \"payments\", count = 5 }");
    bench.run(5);
    assert_eq!((pods(&bench), bench.get(PAY)["status"]["availableReplicas"].clone()), (7, json!(7)));
    act(&mut bench, "pods_ready");
    bench.run(5);
    assert_eq!((pods(&bench), bench.get(PAY)["status"]["phase"].clone()), (12, json!("Healthy")));
}

fn verb() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("promote = {TARGET}")),
        Just(format!("promote_full = {TARGET}")),
        Just(format!("abort = {TARGET}")),
        Just(format!("retry = {TARGET}")),
        (1..4_u32).prop_map(|version| {
            format!("set_image = {{ namespace = \"shop\", name = \"payments\", tag = \"2.{version}\", commit = \"c{version}\" }}")
        }),
        any::<bool>().prop_map(|paused| {
            format!("set_paused = {{ namespace = \"shop\", name = \"payments\", paused = {paused} }}")
        }),
        (0..6_i64).prop_map(|replicas| {
            format!("scale = {{ namespace = \"shop\", name = \"payments\", replicas = {replicas} }}")
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to it in whatever order: it comes to rest, tells the truth about its pods, and ends healthy when all that
    /// holds it is taken away.
    #[test]
    fn any_sequence_of_verbs_comes_to_rest_and_can_be_brought_home(
        routed in any::<bool>(),
        verbs in proptest::collection::vec((verb(), 0..90_i64), 1..9),
    ) {
        let mut bench = Bench::new(if routed { ROUTED } else { CELL });
        for (verb, seconds) in verbs {
            bench.act(&verb);
            bench.run(seconds);
        }
        bench.act("set_paused = { namespace = \"shop\", name = \"payments\", paused = false }");
        bench.act("scale = { namespace = \"shop\", name = \"payments\", replicas = 4 }");
        bench.run(60);
        act(&mut bench, "promote_full");
        bench.run(300);
        let status = bench.get(PAY)["status"].clone();
        prop_assert_eq!(&status["phase"], "Healthy", "{}", status);
        prop_assert_eq!(&status["stableRS"], &status["currentPodHash"]);
        prop_assert_eq!((&status["updatedReplicas"], &status["availableReplicas"]), (&json!(4), &json!(4)));
        let total: f64 = shares(&bench).iter().map(|(_, share)| share).sum();
        prop_assert!((total - 100.0).abs() < 0.2);
        let settled = bench.cluster.revision();
        bench.run(30);
        prop_assert_eq!(bench.cluster.revision(), settled, "it writes on and on");
    }
}

#[test]
fn equal_seeds_play_equal_stories() {
    let story = || {
        let mut bench = at_a_quarter(CELL);
        act(&mut bench, "abort");
        bench.run(60);
        [bench.get("/api/v1/pods"), bench.get(BASE), bench.get("/api/v1/events")]
    };
    assert_eq!(story(), story());
}
