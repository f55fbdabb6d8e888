//! F5 over a served world: a version that was rolled back from or aborted here, and that somebody else's hand brings again with the real
//! kubectl, is told with whoever wrote it.

#![expect(clippy::panic, reason = "a test may fail")]

#[path = "support/home.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod home;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
mod served;

use home::{Home, said};
use serde_json::Value;
use served::{Served, installed, text};

const HAND: &str = "argocd-application-controller";

/// A home over a world that goes fast, and the image that its canary runs.
fn burning() -> (Served, Home, String) {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s", "--speed", "20"]), Home::new());
    home.configure(&served, |_| {});
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    let image = text(&served.kubectl(&["-n", "shop", "get", "rollouts.argoproj.io", "payments", "-o", image]));
    (served, home, image)
}

/// Writes the image again, past us.
fn brings_again(served: &Served, image: &str) {
    let patch = format!(r#"[{{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"{image}"}}]"#);
    let manager = format!("--field-manager={HAND}");
    let patch = ["-n", "shop", "patch", "rollouts.argoproj.io", "payments", "--type=json", &manager, "-p", &patch];
    text(&served.kubectl(&patch));
}

fn status(home: &Home) -> Value {
    let output = home.run(&["status", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

/// Looks until it is so; each look is a process. Not a time.
fn looked_until(home: &Home, so: impl Fn(&Value) -> bool) -> Value {
    let mut looks = (0..40).map(|_| status(home));
    looks.find(|status| so(status)).unwrap_or_else(|| panic!("{:#}", status(home)))
}

#[test]
fn a_version_that_was_rolled_back_from_and_that_another_hand_puts_back_leads_the_headline_with_its_name() {
    if !installed("kubectl", "kubectl") {
        return;
    }
    let (served, home, image) = burning();
    let done = home.run(&["rollback", "payments", "--yes", "--reason", "errors"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(status(&home)["rollouts"][0]["returned"], Value::Null);
    brings_again(&served, &image);
    let status = looked_until(&home, |status| !status["rollouts"][0]["returned"].is_null());
    let returned = &status["rollouts"][0]["returned"];
    assert_eq!((&returned["version"], &returned["by"]), (&"1.42.0".into(), &HAND.into()), "{status:#}");
    assert_eq!(status["headline"]["cause"], "release");
    let headline = status["headline"]["text"].as_str().unwrap();
    let put = format!(", put there by {HAND}; ");
    assert!(headline.starts_with("BACK AFTER IT WAS LEFT payments 1.42.0") && headline.contains(&put), "{headline}");
    assert_eq!(home.run(&["status", "--exit-code"]).status.code(), Some(3));
}

#[test]
fn a_version_that_was_aborted_is_no_alarm_while_the_spec_holds_it_and_one_once_an_edit_lets_it_go_on() {
    if !installed("kubectl", "kubectl") {
        return;
    }
    let (served, home, _) = burning();
    let done = home.run(&["abort", "payments", "--yes", "--reason", "errors"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(status(&home)["rollouts"][0]["returned"], Value::Null);
    // As `kubectl argo rollouts retry` does it.
    let retry = ["--subresource=status", "--type=merge", "-p", r#"{"status":{"abort":false}}"#];
    let patch = [&["-n", "shop", "patch", "rollouts.argoproj.io", "payments"][..], &retry].concat();
    text(&served.kubectl(&patch));
    let status = looked_until(&home, |status| !status["rollouts"][0]["returned"].is_null());
    let returned = &status["rollouts"][0]["returned"];
    assert!(returned["said"].as_str().unwrap().starts_with("1.42.0 is back; "), "{status:#}");
    assert_eq!(returned["by"], Value::Null, "nobody wrote the template, and who let it go on is not noted");
}
