//! Bad input: a clear sentence each, and the rest of the screen still works.

use std::fs;

use holdshort::run::demo_cockpit;

use crate::{WIDE, mutations, open, pass, press, says, screen};

/// A cell with one rollout, and whatever a test takes away from it.
fn scenario(cluster: &str, faults: &str) -> String {
    format!(
        r#"
name = "bad-input"
about = "what is missing"
start = "2026-03-10T01:46:00Z"

[[systems]]
kind = "kubernetes"
name = "eu"
environment = "prod/eu-west-1"
risk = "high"
connection = "kubernetes-eu"

[systems.cluster]
{cluster}

[[systems.cluster.rollouts]]
namespace = "shop"
name = "payments"
replicas = 4
image = "registry.shop.example/payments"
steps = [{{ setWeight = 25 }}, {{ pause = {{}} }}]
history = [{{ tag = "1.41.3", commit = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", ago = "1d" }}]

[[systems.script]]
at = "-5m"
act = {{ set_image = {{ namespace = "shop", name = "payments", tag = "1.42.0", commit = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678" }} }}

[[systems]]
kind = "prometheus"

[[traffic]]
cell = "eu"
namespace = "shop"
service = "payments"
rps = 50

[[traffic.behaviour]]
error_ratio = 0.002
median = "90ms"
p99 = "260ms"
{faults}
"#
    )
}

async fn flown(cluster: &str, faults: &str) -> holdshort::run::Demo {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), scenario(cluster, faults)).unwrap();
    open(file.path().to_str().unwrap(), WIDE).await
}

#[tokio::test(start_paused = true)]
async fn an_unknown_scenario_lists_the_ones_there_are() {
    let error = demo_cockpit("no-such", WIDE.size).await.unwrap_err();
    assert!(error.text().contains("there is no scenario 'no-such'") && error.text().contains("bad-canary"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_patch_the_verb_says_who_may_not_do_what() {
    let rights = r#"rights = [{ verbs = ["get", "list", "watch"], groups = ["*"], resources = ["*"] }]"#;
    let mut demo = flown(rights, "").await;
    says(&demo, WIDE, &["payments"]);
    press(&mut demo, "h").await;
    says(&demo, WIDE, &["pause payments", "refused", "may not patch"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_an_engine_that_nobody_named_is_calm_about_it_and_says_where_nothing_is() {
    let demo = flown("crds = []", "").await;
    says(&demo, WIDE, &["nothing is in namespace shop", "not installed: Argo Rollouts"]);
}

#[tokio::test(start_paused = true)]
async fn with_prometheus_down_the_rollout_is_still_shown_and_nothing_goes_forward() {
    let down = "[[faults]]\non = \"/prometheus\"\nwhat = { server_error = 503 }\n";
    let mut demo = flown("", down).await;
    says(&demo, WIDE, &["payments", "prometheus FAILING", "no data"]);
    press(&mut demo, "p").await;
    says(&demo, WIDE, &["refused", "NO DATA"]);
}

#[tokio::test(start_paused = true)]
async fn with_prometheus_down_the_way_back_still_works() {
    let down = "[[faults]]\non = \"/prometheus\"\nwhat = { server_error = 503 }\n";
    let mut demo = flown("", down).await;
    press(&mut demo, "a 1 Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, WIDE, &["abort payments", "DONE"]);
    assert_eq!(mutations(&demo).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_the_source_says_so_and_the_others_are_still_read() {
    let demo = flown("rights = []", "").await;
    says(&demo, WIDE, &["kubernetes-eu", "may not list"]);
    assert!(!screen(&demo, WIDE).contains("prometheus FAILING"), "{}", screen(&demo, WIDE));
}
