//! The built-in world as seen by programs that are not ours: real `kubectl`, `promtool` and `curl`.

#[path = "support/served.rs"]
mod served;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use served::{Served, installed, text};

#[test]
fn kubectl_lists_and_describes_rollouts() {
    if !installed("kubectl", "kubernetes-client") {
        return;
    }
    let world = Served::start("bad-canary", &[]);
    let table = text(&world.kubectl(&["get", "rollouts", "-n", "shop"]));
    assert!(table.lines().any(|line| line.starts_with("payments")), "{table}");
    let named = text(&world.kubectl(&["get", "rollouts", "-A", "-o", "name"]));
    assert_eq!(named.trim(), "rollout.argoproj.io/payments");
    let step = text(&world.kubectl(&["get", "ro", "payments", "-n", "shop", "-o", "jsonpath={.status.stableRS}"]));
    assert!(!step.is_empty());
    let pods = text(&world.kubectl(&["get", "pods", "-n", "shop", "-o", "name"]));
    assert_eq!(pods.lines().count(), 12, "{pods}");
    text(&world.kubectl(&["describe", "rollout", "payments", "-n", "shop"]));
    text(&world.kubectl(&["get", "events", "-n", "shop"]));
}

#[test]
fn kubectl_watches_a_patch_of_its_own() {
    if !installed("kubectl", "kubernetes-client") {
        return;
    }
    let world = Served::start("bad-canary", &[]);
    let mut watch = Command::new("kubectl")
        .args(["--kubeconfig", world.address("kubeconfig"), "get", "rollout", "payments", "-n", "shop", "--watch"])
        .args(["-o", "jsonpath={.spec.paused}{\"\\n\"}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.next();
    let patch = ["patch", "rollout", "payments", "-n", "shop", "--type=merge", "-p", r#"{"spec":{"paused":true}}"#];
    text(&world.kubectl(&patch));
    assert!(lines.any(|line| line == "true"));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn kubectl_aborts_through_the_status_subresource_and_the_controller_moves_the_weight() {
    if !installed("kubectl", "kubernetes-client") {
        return;
    }
    let world = Served::start("bad-canary", &["--speed", "20"]);
    let patch = ["patch", "rollout", "payments", "-n", "shop", "--subresource=status", "--type=merge"];
    text(&world.kubectl(&[&patch[..], &["-p", r#"{"status":{"abort":true}}"#]].concat()));
    let wait = ["wait", "rollout/payments", "-n", "shop", "--for=jsonpath={.status.phase}=Degraded", "--timeout=60s"];
    text(&world.kubectl(&wait));
    let message = text(&world.kubectl(&["get", "ro", "payments", "-n", "shop", "-o", "jsonpath={.status.message}"]));
    assert!(message.contains("RolloutAborted"), "{message}");
}

#[test]
fn a_patch_with_an_old_resource_version_is_a_conflict_to_kubectl() {
    if !installed("kubectl", "kubernetes-client") {
        return;
    }
    let world = Served::start("bad-canary", &[]);
    let body = r#"{"metadata":{"resourceVersion":"1"},"spec":{"paused":true}}"#;
    let output = world.kubectl(&["patch", "rollout", "payments", "-n", "shop", "--type=merge", "-p", body]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("Conflict"), "{said}");
}

#[test]
fn promtool_and_curl_query_its_prometheus() {
    if !installed("promtool", "prometheus") || !installed("curl", "curl") {
        return;
    }
    let world = Served::start("bad-canary", &[]);
    let query = |expression: &str| {
        // Without a time promtool asks for ours, which is not the world's.
        let instant = ["query", "instant", "--time", "2026-03-10T01:46:00Z", world.address("prometheus"), expression];
        Command::new("promtool").args(instant).output().unwrap()
    };
    let requests = text(&query("sum by (service_name) (http_server_request_duration_seconds_count)"));
    assert!(requests.contains("service_name=\"payments\""), "{requests}");
    let broken = query("sum by (");
    assert!(String::from_utf8_lossy(&broken.stderr).contains("parse error"), "{broken:?}");
    let url = format!("{}/api/v1/query", world.address("prometheus"));
    let curl = Command::new("curl").args(["-s", "--data-urlencode", "query=up", &url]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&text(&curl)).unwrap();
    assert_eq!(answer["status"], "success", "{answer}");
}
