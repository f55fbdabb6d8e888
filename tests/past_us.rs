//! F23 over a served world: somebody acts past us with the real kubectl, and it is seen from the managed fields and from what changed, with
//! the client that the cluster names, and never with a person that it does not.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/home.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod home;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
mod served;

use home::{Home, Told, said};
use serde_json::{Value, json};
use served::{Served, installed, text};

/// A home over a world in which payments is at a quarter, paused for half an hour.
fn quarter() -> (Served, Home) {
    let (served, home) = (Served::start("bad-canary", &["--at", "+18m"]), Home::new());
    home.configure(&served, |_| {});
    (served, home)
}

fn kubectl(served: &Served, more: &[&str]) {
    text(
        &served.kubectl(&[&["-n", "shop", "patch", "rollouts.argoproj.io", "payments", "--type=merge"], more].concat()),
    );
}

fn past_us(home: &Home) -> Vec<Value> {
    let output = home.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let acts = status.pointer("/rollouts/0/past_us").and_then(Value::as_array).unwrap().clone();
    // Who put the version there is its beginning.
    acts.into_iter().filter(|act| act["did"] != "put").collect()
}

fn brief(acts: &[Value]) -> Vec<Value> {
    acts.iter().map(|act| json!([act["did"], act["client"], act["person"]])).collect()
}

#[test]
fn what_was_done_with_kubectl_before_anybody_here_looked_is_told_with_its_client_and_time_and_no_person() {
    if !installed("kubectl", "kubectl") {
        return;
    }
    let (served, home) = quarter();
    assert_eq!(past_us(&home), [json!(null); 0]);
    kubectl(&served, &["-p", r#"{"spec":{"paused":true}}"#]);
    let acts = past_us(&home);
    assert_eq!(brief(&acts), [json!(["paused", "kubectl-patch", null])]);
    assert!(acts[0]["at"].is_string() && acts[0]["seen_at"].is_null(), "{acts:#?}");
    let words = acts[0]["said"].as_str().unwrap();
    assert!(words.starts_with("paused with kubectl-patch at "), "{words}");
    let line = format!("past us, payments in prod/eu-west-1: {words}");
    let printed = said(&home.run(&["status"]));
    assert!(printed.lines().any(|printed| printed == line), "{printed}");
    kubectl(&served, &["--field-manager=kubectl-edit", "-p", r#"{"spec":{"paused":false}}"#]);
    assert_eq!(brief(&past_us(&home)), [json!(["resumed", "kubectl-edit", null])]);
    let abort = ["--subresource=status", "--field-manager=argo-server", "-p", r#"{"status":{"abort":true}}"#];
    kubectl(&served, &abort);
    let acts = past_us(&home);
    assert!(brief(&acts).contains(&json!(["aborted", "argo-server", null])), "{acts:#?}");
}

#[test]
fn what_we_do_ourselves_is_not_past_us() {
    if !installed("kubectl", "kubectl") {
        return;
    }
    let (_served, home) = quarter();
    let done = home.run(&["pause", "payments", "--yes", "--reason", "look"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(past_us(&home), [json!(null); 0]);
}

#[test]
fn who_looks_while_somebody_acts_past_us_is_told_at_once_also_of_what_leaves_no_name() {
    if !installed("kubectl", "kubectl") {
        return;
    }
    let (served, home) = quarter();
    let mut told = Told::by(home.command(&["--linear"]));
    told.until("the release", |line| line.starts_with("release payments in "));
    kubectl(&served, &["-p", r#"{"spec":{"paused":true}}"#]);
    let line = told.until("the pause", |line| line.starts_with("past us, payments in "));
    assert!(line.contains(": paused with kubectl-patch at ") && line.ends_with(", not with holdshort"), "{line}");
    kubectl(&served, &["-p", r#"{"spec":{"paused":null}}"#]);
    let line = told.until("the end of it", |line| line.starts_with("past us, ") && line.contains(": resumed"));
    assert!(line.ends_with(", not with holdshort, its system does not note by whom"), "{line}");
    told.leave();
}
