//! What waits in Buildkite, from a script: the inbox as JSON, and approving with what the step asks for.

use serde_json::{Value, json};

use crate::program;

const DEMO: &str = "--demo=buildkite";

/// Its exit code, what it printed, and what it said beside that.
fn holdshort(line: &[&str]) -> (Option<i32>, String, String) {
    let output = program::holdshort().arg(DEMO).args(line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What waits, oldest first.
fn waiting() -> Vec<Value> {
    let (code, printed, said) = holdshort(&["inbox", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let inbox: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(inbox["complete"], json!(true), "{inbox:#}");
    inbox["items"].as_array().unwrap().clone()
}

#[test]
fn the_inbox_as_json_has_each_step_that_waits_and_does_not_say_that_i_may() {
    let items = waiting();
    let fields = ["kind", "service", "environment", "version", "commit", "eligible", "newer_behind"];
    let shown: Vec<Value> = items.iter().map(|item| json!(fields.map(|field| item[field].clone()))).collect();
    let row =
        |version: &str, commit: &str, behind: u64| json!(["gate", "ledger", "prod", version, commit, null, behind]);
    let expected = [
        row("4.2.0", "c0ffee1234567890abcdef1234567890abcdef12", 1),
        row("4.3.0", "d00dfeed1234567890abcdef1234567890abcdef", 0),
    ];
    assert_eq!(shown, expected, "{items:#?}");
}

#[test]
fn approving_from_a_script_takes_the_answers_that_the_step_asks_for() {
    let target = waiting()[0]["id"].as_str().unwrap().to_owned();
    let approve = ["approve", &target, "--expect", "c0ff", "--yes", "--reason", "it is tested", "--json"];
    let (code, printed, said) = holdshort(&approve);
    assert_eq!(code, Some(2), "{printed}{said}");
    assert!(said.contains("--set code-name=VALUE is missing: Code name"), "{said}");
    let wrong = [&approve[..], &["--set", "code-name=osprey", "--set", "stream=canary"]].concat();
    let (code, printed, said) = holdshort(&wrong);
    assert_eq!(code, Some(2), "{printed}{said}");
    let right = [&approve[..], &["--set", "code-name=osprey", "--set", "stream=all"]].concat();
    let (code, printed, said) = holdshort(&right);
    let action: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}{said}"));
    assert_eq!((code, &action["outcome"]), (Some(0), &json!("done")), "{action:#}");
}
