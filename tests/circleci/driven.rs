//! What waits in CircleCI, from a script, with the program's own guard and executor: the inbox as JSON, an approval, one that ends as
//! unauthorized, and a version put back.

use serde_json::{Value, json};

use crate::program;

/// Its exit code, what it printed, and what it said beside that.
fn holdshort(line: &[&str]) -> (Option<i32>, String, String) {
    let output = program::holdshort().arg("--demo=circleci").args(line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What became of an act.
fn acted(line: &[&str]) -> (Option<i32>, Value) {
    let (code, printed, said) = holdshort(line);
    (code, serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}{said}")))
}

#[test]
fn the_inbox_says_what_holds_and_that_who_may_is_not_known() {
    let (code, printed, said) = holdshort(&["inbox", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let inbox: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(inbox["complete"], json!(true), "{inbox:#}");
    let fields = ["kind", "service", "environment", "version", "newer_behind"];
    let items = inbox["items"].as_array().unwrap();
    let mut shown: Vec<String> =
        items.iter().map(|item| json!(fields.map(|field| item[field].clone())).to_string()).collect();
    shown.sort();
    let expected = [
        r#"["gate","billing","production","5.0.1",0]"#,
        r#"["gate","docs","preview","new-guide",0]"#,
        r#"["gate","site","production","2.8.0",1]"#,
        r#"["gate","site","production","2.9.0",0]"#,
    ];
    assert_eq!(shown, expected, "{items:#?}");
}

#[test]
fn an_approval_is_done_once_what_is_behind_it_goes_on() {
    let line = ["approve", "site@production", "--expect", "2.8.0", "--yes", "--reason", "it is tested", "--json"];
    let (code, action) = acted(&line);
    assert_eq!((code, &action["outcome"]), (Some(0), &json!("done")), "{action:#}");
}

#[test]
fn an_approval_that_a_context_does_not_let_through_fails_and_says_so() {
    let line = ["approve", "billing", "--expect", "5.0.1", "--yes", "--reason", "now", "--json"];
    let (code, action) = acted(&line);
    assert_eq!(action["outcome"], json!("failed"), "{code:?} {action:#}");
    assert!(action.to_string().contains("unauthorized"), "{action:#}");
}

#[test]
fn a_version_is_put_back_and_seen_to_be_live() {
    let (code, printed, said) = holdshort(&["runs", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let runs: Value = serde_json::from_str(&printed).unwrap();
    let live = runs["runs"].as_array().unwrap().iter().find(|run| run["number"] == 805).unwrap();
    let id = live["id"].as_str().unwrap();
    let (code, action) = acted(&["rollback", id, "--yes", "--reason", "it burns", "--json"]);
    assert_eq!((code, &action["outcome"]), (Some(0), &json!("done")), "{action:#}");
    assert!(action.to_string().contains("2.7.0"), "{action:#}");
}
