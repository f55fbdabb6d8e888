//! The Deployment controller against recorded states, and what kubectl does to Deployments.

use holdshort::demo::system::System;
use serde_json::{Value, json};

use crate::bench::{Bench, fixture};

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const CELL: &str = r#"
    crashing = ["1.6.0-crash"]

    [[deployments]]
    namespace = "shop"
    name = "web"
    image = "registry.test/web"
    progress_deadline_seconds = 25
    history = [{ tag = "1.4.0", commit = "a" }]
"#;

/// A status without times and hashes: those are never the same.
fn bare(deployment: &Value) -> Value {
    let mut status = deployment["status"].clone();
    for condition in status["conditions"].as_array_mut().unwrap() {
        let message = condition["message"].as_str().unwrap();
        let message = message.split('"').enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, part)| part);
        condition["message"] = message.collect::<String>().into();
        for time in ["lastUpdateTime", "lastTransitionTime"] {
            assert!(condition[time].take().is_string());
        }
    }
    status
}

fn reaches(bench: &mut Bench, name: &str) {
    let recorded: Value = serde_json::from_str(&fixture(name)).unwrap();
    let wanted = bare(&recorded);
    let mut seen = Vec::new();
    let reached = bench.until(120, |bench| {
        let mut status = bare(&bench.get(WEB));
        status["observedGeneration"] = wanted["observedGeneration"].clone();
        if seen.last() != Some(&status) {
            seen.push(status.clone());
        }
        (status == wanted).then_some(())
    });
    let seen: Vec<String> = seen.iter().map(Value::to_string).collect();
    assert!(reached.is_some(), "{name} was never reached\n{wanted}\nseen:\n{}", seen.join("\n"));
}

#[test]
fn a_rolling_update_goes_through_the_recorded_states() {
    let mut bench = Bench::new(CELL);
    reaches(&mut bench, "deployment-get-ready.json");
    bench.act("set_image = { namespace = \"shop\", name = \"web\", tag = \"1.5.0\", commit = \"b\" }");
    reaches(&mut bench, "deployment-get-progressing.json");
    reaches(&mut bench, "deployment-get-ready.json");
    bench.act("set_image = { namespace = \"shop\", name = \"web\", tag = \"1.6.0-crash\", commit = \"c\" }");
    reaches(&mut bench, "deployment-get-progress-deadline-exceeded.json");
}

#[test]
fn a_paused_deployment_does_not_move_and_says_so() {
    let mut bench = Bench::new(CELL);
    assert_eq!(bench.patch(WEB, "strategic-merge", &json!({"spec": {"paused": true}})).code, 200);
    bench.act("set_image = { namespace = \"shop\", name = \"web\", tag = \"1.5.0\", commit = \"b\" }");
    bench.run(120);
    let web = bench.get(WEB);
    let progressing = &web["status"]["conditions"][1];
    assert_eq!((&progressing["reason"], &progressing["status"]), (&json!("DeploymentPaused"), &json!("Unknown")));
    assert_eq!(web["status"]["updatedReplicas"], Value::Null);
    assert_eq!(bench.patch(WEB, "strategic-merge", &json!({"spec": {"paused": null}})).code, 200);
    bench.run(120);
    let web = bench.get(WEB);
    assert_eq!((&web["status"]["updatedReplicas"], &web["spec"]["paused"]), (&json!(3), &Value::Null));
}

#[test]
fn the_template_of_an_old_replica_set_brings_its_version_back_under_a_new_number() {
    let mut bench = Bench::new(CELL);
    let sets = "/apis/apps/v1/namespaces/shop/replicasets";
    let old = bench.get(sets)["items"][0].clone();
    bench.act("set_image = { namespace = \"shop\", name = \"web\", tag = \"1.5.0\", commit = \"b\" }");
    bench.run(60);
    let mut template = old["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    let undo = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    assert_eq!(bench.patch(WEB, "json", &undo).code, 200);
    bench.run(60);
    let sets = bench.get(sets);
    let of = |set: &Value, name: &str| set["metadata"]["annotations"][name].clone();
    let mut told: Vec<Value> = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| {
            let revision = of(set, "deployment.kubernetes.io/revision");
            json!([revision, of(set, "deployment.kubernetes.io/revision-history"), set["spec"]["replicas"]])
        })
        .collect();
    told.sort_by_key(Value::to_string);
    assert_eq!(told, [json!(["2", null, 0]), json!(["3", "1", 3])]);
    assert_eq!(bench.get(WEB)["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
}

#[test]
fn versions_share_a_service_by_their_ready_pods() {
    let mut bench = Bench::new(CELL);
    bench.act("set_image = { namespace = \"shop\", name = \"web\", tag = \"1.5.0\", commit = \"b\" }");
    let mixed = bench.until(60, |bench| {
        let serving = bench.cluster.serving().remove(0);
        (serving.arms.len() == 2).then_some(serving)
    });
    let mixed = mixed.unwrap();
    let total: f64 = mixed.arms.iter().map(|arm| arm.share).sum();
    assert!((total - 1.0).abs() < 1e-9, "{mixed:?}");
    for arm in &mixed.arms {
        let pods: usize = mixed.arms.iter().map(|arm| arm.pods.len()).sum();
        assert!((arm.share - arm.pods.len() as f64 / pods as f64).abs() < 1e-9, "{mixed:?}");
    }
    bench.run(120);
    let after = bench.cluster.serving().remove(0);
    let versions: Vec<_> = after.arms.iter().map(|arm| (arm.version.as_str(), arm.pods.len())).collect();
    assert_eq!(versions, [("1.5.0", 3)]);
}
