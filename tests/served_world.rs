//! The built-in world as seen by programs that are not ours: real `kubectl`, `promtool` and `curl`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
mod served;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Output, Stdio},
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
fn a_printed_roll_back_puts_the_very_template_back_when_a_shell_runs_it() {
    if !installed("kubectl", "kubernetes-client") {
        return;
    }
    let world = Served::start("bad-canary", &["--at", "+20m"]);
    let mut ours = program::holdshort();
    ours.args(["--config", world.address("config"), "rollback", "payments", "--print-commands"]);
    let printed = text(&ours.output().unwrap());
    assert!(printed.contains(" | kubectl "), "{printed}");
    let home = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &printed]).env("HOME", home.path()).env_remove("HTTPS_PROXY").env_remove("HTTP_PROXY");
    text(&shell.output().unwrap());
    let read = |path: &str| text(&world.kubectl(&["get", "rollout", "payments", "-n", "shop", "-o", path]));
    assert!(read("jsonpath={.spec.template.spec.containers[0].image}").ends_with(":1.41.3"));
    let labels = read("jsonpath={.spec.template.metadata.labels}");
    assert!(!labels.contains("rollouts-pod-template-hash"), "{labels}");
    // The controller's own hash of the template says that it is the stable one's again.
    let is_back = || read("jsonpath={.status.currentPodHash}") == read("jsonpath={.status.stableRS}");
    assert!((0..200).any(|_| is_back()));
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

/// `holdshort status` over a configuration that a person would write: a cluster by its kubeconfig, and nothing of the world.
fn status(kubeconfig: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("holdshort.toml");
    let text = format!(
        "state.path = '{}'\n[connections.eu]\nkind = \"kubernetes\"\nenvironment = \"prod\"\nkubeconfig = '{kubeconfig}'\n",
        folder.path().join("state").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = program::holdshort();
    command.env_remove("HTTP_PROXY").env_remove("http_proxy");
    command.arg("--config").arg(&config).arg("status").args(more).output().unwrap()
}

#[test]
fn status_finds_the_rollouts_of_a_cluster_that_a_kubeconfig_names() {
    let world = Served::start("bad-canary", &[]);
    let said = text(&status(world.address("kubeconfig"), &["--json"]));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let named = ["id", "service", "environment", "engine", "freshness"].map(|field| &said["rollouts"][0][field]);
    assert_eq!(named, ["eu/argo_rollouts/shop/payments", "payments", "prod", "argo_rollouts", "live"], "{said:#}");
    let sources = said["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 1, "{said:#}");
    assert_eq!((&sources[0]["name"], &sources[0]["error"]), (&"eu".into(), &serde_json::Value::Null));
}

#[test]
fn status_of_a_cluster_whose_server_is_closed_is_one_sentence_and_code_8() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let file = holdshort::demo::kubernetes::kubeconfig(&format!("http://{closed}"), ["eu"]);
    std::fs::write(&kubeconfig, file).unwrap();
    let output = status(&kubeconfig.display().to_string(), &["--json"]);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let why = format!("cannot connect to eu: Connection refused (os error 111) at http://{closed}");
    assert_eq!(said["sources"][0]["error"], why, "{said:#}");
    let table = String::from_utf8(status(&kubeconfig.display().to_string(), &[]).stdout).unwrap();
    let first = table.lines().next().unwrap();
    assert_eq!(first, format!("CANNOT TELL WHETHER IT IS THE RELEASE: eu FAILING: {why}."));
}

/// A command over a served scenario, and what it said of its way.
fn told(world: &Served, line: &str) -> String {
    let given = ["--yes", "--reason", "x", "--wait=3s"];
    let mut command = program::holdshort();
    let output =
        command.arg("--config").arg(world.address("config")).args(line.split(' ')).args(given).output().unwrap();
    [output.stderr, output.stdout].map(|said| String::from_utf8(said).unwrap()).concat()
}

/// What an executor may send it knows of what it read itself: it is a process that has seen no list.
#[test]
fn a_verb_of_each_ci_system_goes_out_of_an_executor_that_is_a_process_of_its_own() {
    let verbs: [(&str, &[&str]); 7] = [
        ("argocd", &["rollback payments", "abort ledger"]),
        ("circleci", &["rollback site", "rollback gateway", "cancel docs", "reject billing"]),
        ("codepipeline", &["approve gateway --expect 3.3.1", "resume search@prod --expect 2.4.0", "pause search"]),
        ("flow", &["do stop search#13", "rollback checkout#40", "approve order#72 --expect 3.9.0"]),
        ("gitlab", &["rollback site#805 --to 2.7.0", "approve site#812 --expect 2.8.0"]),
        ("jenkins", &["rollback gateway#812 --to 3.2.9"]),
        ("buildkite", &["approve ledger#812 --expect 4.2.0 --set code-name=otter", "cancel ledger#813"]),
    ];
    for (scenario, lines) in verbs {
        let world = Served::start(scenario, &[]);
        for line in lines {
            let said = told(&world, line);
            assert!(said.contains("  accepted  call 1: 20"), "{scenario}, {line}: {said}");
        }
    }
}
