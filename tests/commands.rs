//! Commands as a script runs them over the built-in world: what they print, and with which code they end.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::{Value, json};

/// A scenario whose cluster answers a change of the status with 403: the right was there when it was looked at.
const TAKEN_AWAY: &str = r#"
[[faults]]
on = "/kubernetes/eu"
path = "/rollouts/payments/status"
what = { server_error = 403 }
"#;

fn holdshort(line: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdshort"));
    // They are about this test run; to the program every HOLDSHORT_… is a setting.
    command.env_remove("HOLDSHORT_REQUIRE_SERVERS").env_remove("HOLDSHORT_PROFILE");
    command.args(line).output().unwrap()
}

/// Its exit code, and what it said on stderr.
fn refused(line: &[&str]) -> (Option<i32>, String) {
    let output = holdshort(line);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{line:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn a_right_that_is_taken_away_in_the_middle_of_an_action_ends_with_8() {
    let scenario = fs::read_to_string("examples/scenarios/bad-canary.toml").unwrap();
    let scenario = file(&format!("{scenario}\n{TAKEN_AWAY}"));
    let demo = format!("--demo={}", scenario.path().display());
    let output = holdshort(&[&demo, "abort", "payments", "--yes", "--reason", "errors", "--json"]);
    let action: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages: Vec<&str> =
        action["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["recorded", "sending", "failed"], "{action:#}");
    assert_eq!((&action["outcome"], &action["exit"]), (&json!("failed"), &json!(8)));
    assert!(action["said"].as_str().unwrap().ends_with("nothing was changed"), "{action:#}");
    assert_eq!(output.status.code(), Some(8));
}

#[test]
fn a_snapshot_as_json_has_every_cell_that_has_a_role() {
    let line = ["--demo", "snapshot", "--format", "json", "--size", "80x24", "--keys", "Enter r"];
    let output = holdshort(&line);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let head = ["schema", "view", "overlay", "columns", "rows"].map(|name| shown[name].clone());
    assert_eq!(json!(head), json!(["holdshort/snapshot/v1", "release", "card", 80, 24]));
    assert_eq!(shown["rollout"], "kubernetes-eu/argo_rollouts/shop/payments");
    let lines = shown["lines"].as_array().unwrap();
    let text = holdshort(&["--demo", "snapshot", "--size", "80x24", "--keys", "Enter r"]);
    let drawn: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(String::from_utf8(text.stdout).unwrap().lines().collect::<Vec<_>>(), drawn);
    for line in lines {
        let runs = line["runs"].as_array().unwrap();
        let covered = |column: usize| {
            runs.iter().any(|run| {
                let first = usize::try_from(run["column"].as_u64().unwrap()).unwrap();
                (first..first + usize::try_from(run["cells"].as_u64().unwrap()).unwrap()).contains(&column)
            })
        };
        let bare = line["text"].as_str().unwrap().chars().enumerate().find(|(at, c)| *c != ' ' && !covered(*at));
        assert_eq!(bare, None, "{line:#}");
    }
}

#[test]
fn bad_input_is_one_clear_sentence_and_ends_with_2() {
    let broken = file("name = 'x'\nabout = \n");
    let nothing = file("name = 'x'\nabout = 'y'\nstart = '2026-03-10T01:46:00Z'\ncolour = 'red'\n");
    let (broken, nothing) =
        (format!("--demo={}", broken.path().display()), format!("--demo={}", nothing.path().display()));
    let table: [(&[&str], &[&str]); 9] = [
        (&["--demo=no-such", "status"], &["there is no scenario 'no-such': there are bad-canary, ", "or name a file"]),
        (&["demo", "--scenario", "no-such"], &["there is no scenario 'no-such'"]),
        (&["--demo=./no/such.toml", "status"], &["cannot read the scenario ./no/such.toml: No such file"]),
        (&[&broken, "status"], &["is wrong: ", "line 2, column 9"]),
        (&[&nothing, "status"], &["is wrong: ", "line 4, column 1", "unknown field `colour`"]),
        (&["--demo", "--seed", "lucky", "status"], &["'lucky' for '--seed <N>': write a whole number, 0 or more"]),
        (&["--demo", "--at", "+9000h", "status"], &["'+9000h' for '--at <+TIME>': write e.g. 90s, 20m or 1h30m"]),
        (
            &["--demo", "--at", "+8days", "status"],
            &["'+8days' for '--at <+TIME>': the world lives through all of it: at most 7days"],
        ),
        (&["--demo", "snapshot", "--format", "png"], &["a PNG takes fonts", "--format svg", "rsvg-convert"]),
    ];
    for (line, expected) in table {
        let (code, said) = refused(line);
        assert_eq!(code, Some(2), "{line:?}: {said}");
        for words in expected {
            assert!(said.contains(words), "{line:?}: '{words}' is not in: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}
