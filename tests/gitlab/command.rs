//! What waits in GitLab, from a script: the inbox as JSON, and the second of two approvals, which starts the job.

use serde_json::{Value, json};

use crate::program;

/// Its exit code, what it printed, and what it said beside that.
fn holdshort(line: &[&str]) -> (Option<i32>, String, String) {
    let output = program::holdshort().arg("--demo=gitlab").args(line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What waits.
fn waiting() -> Vec<Value> {
    let (code, printed, said) = holdshort(&["inbox", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let inbox: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(inbox["complete"], json!(true), "{inbox:#}");
    inbox["items"].as_array().unwrap().clone()
}

#[test]
fn the_inbox_says_who_may_how_many_have_and_what_is_frozen() {
    let items = waiting();
    let fields = ["kind", "service", "environment", "version", "eligible", "newer_behind"];
    let shown: Vec<Value> = items.iter().map(|item| json!(fields.map(|field| item[field].clone()))).collect();
    let expected = [
        json!(["gate", "site", "production", "2.8.0", true, 1]),
        json!(["gate", "billing", "to-production", "5.0.1", false, 0]),
        json!(["gate", "site", "production", "2.9.0", false, 0]),
    ];
    assert_eq!(shown, expected, "{items:#?}");
    let rules = json!([{"who": "release-managers", "needed": 2, "given": ["lee"]}]);
    assert_eq!(items[0]["approvals"]["rules"], rules, "{items:#?}");
}

#[test]
fn the_second_of_two_approvals_starts_the_deployment() {
    let target = waiting()[0]["id"].as_str().unwrap().to_owned();
    let (code, printed, said) =
        holdshort(&["approve", &target, "--expect", "2.8.0", "--yes", "--reason", "it is tested", "--json"]);
    let action: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}{said}"));
    assert_eq!((code, &action["outcome"]), (Some(0), &json!("done")), "{action:#}");
    let (code, _, said) = holdshort(&["approve", "billing", "--expect", "5.0.1", "--yes", "--reason", "now"]);
    assert!(code != Some(0) && said.contains("it opens at 2026-03-10 12:00 UTC"), "{code:?} {said}");
}

#[test]
fn what_depends_on_approvals_is_printed_as_a_comment_and_says_on_what() {
    let line = "approve site@production --expect 2.8.0 --print-commands";
    let output = program::holdshort().arg("--demo=gitlab").args(line.split(' ')).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    let approval = lines.iter().position(|line| line.starts_with("curl ") && line.contains("/approval"));
    assert_eq!(approval, Some(0), "{shown}");
    assert!(lines[1].starts_with("# only where approvals at least"), "{shown}");
    assert!(lines[2..].iter().all(|line| line.starts_with("# ")) && shown.contains("/play"), "{shown}");
}

#[test]
fn of_the_runs_of_a_place_the_one_that_is_live_is_what_a_roll_back_means() {
    let line = "rollback site@production --dry-run --to 2.7.0";
    let (code, printed, said) = holdshort(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.contains("2.7.1") && printed.contains("2.7.0"), "{printed}{said}");
}
