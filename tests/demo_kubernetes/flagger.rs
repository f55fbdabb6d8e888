//! The model of Flagger: from one look at a Canary to the next, as upstream's scheduler goes, and the load tester behind the API server.

use serde_json::{Value, json};

use crate::bench::Bench;

const CANARY: &str = "/apis/flagger.app/v1beta1/namespaces/shop/canaries/web";
const ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web";
const TESTER: &str = "/api/v1/namespaces/shop/services/lt:80/proxy";
const ABOUT: &str = r#"{"name":"web","namespace":"shop"}"#;

const CELL: &str = r#"
    crds = ["flagger", "gateway"]
    testers = [{ namespace = "shop", name = "lt" }]

    [[canaries]]
    namespace = "shop"
    name = "web"
    replicas = 2
    image = "registry.test/web"
    failing = { "1.6.0" = 20 }
    history = [{ tag = "1.3.0", commit = "a", ago = "2d" }, { tag = "1.4.0", commit = "b", ago = "1d" }]

    [canaries.analysis]
    interval = "30s"
    threshold = 2
    maxWeight = 40
    stepWeight = 20
    webhooks = [
        { name = "gate", type = "confirm-promotion", url = "http://lt.shop/gate/check" },
        { name = "back", type = "rollback", url = "http://lt.shop/rollback/check" },
    ]
"#;

fn release(bench: &mut Bench, tag: &str) {
    bench.act(&format!("set_image = {{ namespace = \"shop\", name = \"web\", tag = \"{tag}\", commit = \"c\" }}"));
}

/// The phases, each with the share that the status and the route have when it begins.
fn phases(bench: &mut Bench, seconds: usize) -> Vec<(String, i64, i64)> {
    let mut seen: Vec<(String, i64, i64)> = Vec::new();
    for _ in 0..seconds {
        let (canary, route) = (bench.get(CANARY), bench.get(ROUTE));
        let number = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
        let phase = canary["status"]["phase"].as_str().unwrap_or_default().to_owned();
        let told = number(&canary, "/status/canaryWeight");
        let next = (phase, told, number(&route, "/spec/rules/0/backendRefs/1/weight"));
        if seen.last() != Some(&next) {
            seen.push(next);
        }
        bench.run(1);
    }
    seen
}

fn of(all: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
    all.iter().map(|(phase, told, routed)| ((*phase).to_owned(), *told, *routed)).collect()
}

fn tags(bench: &mut Bench) -> [(String, i64); 2] {
    ["web", "web-primary"].map(|name| {
        let deployment = bench.get(&format!("/apis/apps/v1/namespaces/shop/deployments/{name}"));
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        (image.rsplit_once(':').unwrap().1.to_owned(), deployment["spec"]["replicas"].as_i64().unwrap())
    })
}

#[test]
fn at_rest_the_target_has_no_pods_and_the_primary_serves_what_was_promoted_last() {
    let mut bench = Bench::new(CELL);
    assert_eq!(phases(&mut bench, 90), of(&[("Succeeded", 0, 0)]));
    assert_eq!(tags(&mut bench), [("1.4.0".into(), 0), ("1.4.0".into(), 2)]);
}

#[test]
fn a_version_goes_through_its_weights_and_waits_with_a_status_of_zero_while_traffic_flows() {
    let mut bench = Bench::new(CELL);
    release(&mut bench, "1.5.0");
    let way = [
        ("Succeeded", 0, 0),
        ("Progressing", 0, 0),
        ("Progressing", 20, 20),
        ("Progressing", 40, 40),
        ("WaitingPromotion", 0, 40),
    ];
    assert_eq!(phases(&mut bench, 300), of(&way));
    assert_eq!(tags(&mut bench), [("1.5.0".into(), 2), ("1.4.0".into(), 2)]);
    assert_eq!(bench.ask("POST", &format!("{TESTER}/gate/open"), &[], ABOUT).code, 202);
    let way = [("WaitingPromotion", 0, 40), ("Promoting", 0, 40), ("Finalising", 0, 0), ("Succeeded", 0, 0)];
    assert_eq!(phases(&mut bench, 300), of(&way));
    assert_eq!(tags(&mut bench), [("1.5.0".into(), 0), ("1.5.0".into(), 2)]);
}

#[test]
fn failed_checks_take_a_version_back_and_the_target_still_holds_it() {
    let mut bench = Bench::new(CELL);
    release(&mut bench, "1.6.0");
    let way = [("Succeeded", 0, 0), ("Progressing", 0, 0), ("Progressing", 20, 20), ("Failed", 0, 0)];
    assert_eq!(phases(&mut bench, 300), of(&way));
    assert_eq!(tags(&mut bench), [("1.6.0".into(), 0), ("1.4.0".into(), 2)]);
    let events = bench.get("/api/v1/namespaces/shop/events");
    let said = |text: &str| {
        events["items"].as_array().unwrap().iter().any(|one| one["message"] == text && one["reason"] == "Synced")
    };
    assert!(said("Rolling back web.shop failed checks threshold reached 2"));
    // What was promoted last is no new version.
    release(&mut bench, "1.4.0");
    bench.patch(
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "merge",
        &json!({"spec": {"template": {"metadata": {"annotations": {"holdshort.dev/commit": "b"}}}}}),
    );
    assert_eq!(phases(&mut bench, 120), of(&[("Failed", 0, 0)]));
}

#[test]
fn an_open_rollback_gate_takes_a_version_back_and_a_suspended_canary_does_nothing() {
    let mut bench = Bench::new(CELL);
    release(&mut bench, "1.5.0");
    bench.run(80);
    assert_eq!(bench.patch(CANARY, "merge", &json!({"spec": {"suspend": true}})).code, 200);
    assert_eq!(bench.ask("POST", &format!("{TESTER}/rollback/open"), &[], ABOUT).code, 202);
    let held = phases(&mut bench, 120);
    assert_eq!((held.len(), held[0].0.as_str()), (1, "Progressing"));
    assert_eq!(bench.patch(CANARY, "merge", &json!({"spec": {"suspend": false}})).code, 200);
    assert_eq!(phases(&mut bench, 90).last().map(|(phase, ..)| phase.clone()).as_deref(), Some("Failed"));
}

#[test]
fn the_gate_is_one_for_a_canary_and_closed_until_it_is_opened() {
    let mut bench = Bench::new(CELL);
    let mut say = |path: &str, body: &str| {
        let answer = bench.ask("POST", &format!("{TESTER}{path}"), &[], body);
        (answer.code, answer.text)
    };
    assert_eq!(say("/gate/check", ABOUT), (403, "Forbidden".into()));
    assert_eq!(say("/gate/open", ABOUT), (202, String::new()));
    assert_eq!(say("/gate/check", ABOUT), (200, "Approved".into()));
    assert_eq!(say("/gate/check", r#"{"name":"other","namespace":"shop"}"#).0, 403);
    assert_eq!(say("/rollback/check", ABOUT).0, 403);
    assert_eq!(say("/gate/close", ABOUT).0, 202);
    assert_eq!(say("/gate/check", ABOUT).0, 403);
    let missing = bench.ask("POST", "/api/v1/namespaces/shop/services/other:80/proxy/gate/check", &[], ABOUT);
    assert_eq!((missing.code, &missing.json()["message"]), (404, &json!("services \"other\" not found")));
}
