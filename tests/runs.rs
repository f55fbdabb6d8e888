//! `runs` and `run` as a script runs them over worlds in wire formats: what they print, and with which code they end.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;

use std::fs;

use serde_json::{Value, json};

/// Its exit code, and what it said on stdout and on stderr.
fn holdshort(line: &[&str]) -> (Option<i32>, String, String) {
    let output = program::holdshort().args(line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn as_json(line: &[&str]) -> (Option<i32>, Value) {
    let (code, out, err) = holdshort(line);
    let read = serde_json::from_str(&out);
    assert!(read.is_ok(), "{line:?}: {out}{err}");
    (code, read.unwrap())
}

/// The scenario with these faults, in a file.
fn with_faults(scenario: &str, faults: &str) -> tempfile::NamedTempFile {
    let text = fs::read_to_string(format!("examples/scenarios/{scenario}.toml")).unwrap();
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), format!("{text}\n{faults}")).unwrap();
    file
}

#[test]
fn runs_lists_what_failed_and_waits_first_on_both_forges() {
    let (code, runs) = as_json(&["--demo=buildkite", "--at", "+10m", "runs", "--json"]);
    let shown: Vec<_> =
        runs["runs"].as_array().unwrap().iter().map(|run| (run["service"].clone(), run["status"].clone())).collect();
    assert_eq!(code, Some(0));
    assert_eq!((&runs["schema"], &runs["complete"]), (&json!("holdshort/runs/v1"), &json!(true)));
    assert_eq!(shown[0], (json!("gateway"), json!("failed")), "{shown:?}");
    assert!(shown.contains(&(json!("ledger"), json!("waiting"))), "{shown:?}");
    let (_, waiting) =
        as_json(&["--demo=waiting-approval", "runs", "--status", "waiting", "--service", "ledger", "--json"]);
    let waiting = waiting["runs"].as_array().unwrap().clone();
    assert!(
        !waiting.is_empty() && waiting.iter().all(|run| run["status"] == "waiting" && run["service"] == "ledger"),
        "{waiting:#?}"
    );
    let (code, _, said) = holdshort(&["--demo=buildkite", "runs", "--status", "broken"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("it is one of queued, running, waiting"), "{said}");
}

#[test]
fn a_run_is_a_tree_and_a_job_of_it_has_a_log_on_both_forges() {
    let (code, out, _) = holdshort(&["--demo=buildkite", "run", "gateway#77"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("gateway gateway #77  failed  main (77aa012)"), "{out}");
    assert!(out.contains("failed, soft  Lint"), "{out}");
    let (_, out, _) = holdshort(&["--demo=buildkite", "run", "gateway#77", "--log", "Test"]);
    assert!(out.contains("1 of 214 tests failed: it refuses an expired certificate"), "{out}");
    let (code, run) = as_json(&["--demo=waiting-approval", "run", "ledger#812", "--log", "build", "--json"]);
    assert_eq!(code, Some(0));
    let kinds: Vec<_> =
        run["nodes"].as_array().unwrap().iter().map(|node| (node["kind"].clone(), node["status"].clone())).collect();
    assert_eq!(kinds, [(json!("job"), json!("succeeded")), (json!("job"), json!("waiting"))]);
    assert_eq!(run["nodes"][0]["nodes"][2]["name"], "compile");
    let lines = run["log"]["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["text"] == "pushed registry.shop.example/ledger:4.2.0"), "{lines:?}");
    assert!(lines.iter().all(|line| line["at"].is_string()), "{lines:?}");
}

#[test]
fn a_log_is_followed_until_its_job_has_ended_and_where_there_is_none_yet_that_is_said() {
    let (code, out, err) = holdshort(&["--demo=buildkite", "run", "gateway#78", "--log", "Test", "--follow"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with("🚨 Error: The command exited with status 1\n"), "{out}");
    let (code, _, err) = holdshort(&["--demo=buildkite", "run", "gateway#78", "--log", "Test"]);
    assert_eq!(code, Some(0));
    assert_eq!(err, "holdshort: the job has not ended: --follow goes on\n");
    let (code, _, err) = holdshort(&["--demo=waiting-approval", "run", "ledger#812", "--log", "deploy-prod"]);
    assert_eq!((code, err.as_str()), (Some(1), "holdshort: job 'deploy-prod' has no log: it is waiting\n"));
}

#[test]
fn what_cannot_be_read_is_said_and_ends_with_8() {
    let refused = "[[faults]]\non = '/buildkite'\npath = '/builds/77'\nwhat = { server_error = 403 }\n";
    let file = with_faults("buildkite", refused);
    let demo = format!("--demo={}", file.path().display());
    let (code, out, err) = holdshort(&[&demo, "run", "gateway#77"]);
    assert_eq!(code, Some(8), "{out}{err}");
    assert!(err.contains("acme/gateway build 77"), "{err}");
    let (code, run) = as_json(&[&demo, "run", "gateway#77", "--json"]);
    assert_eq!((code, &run["complete"], run["nodes"].as_array().unwrap().len()), (Some(8), &json!(false), 0));
    let hung = with_faults("buildkite", "[[faults]]\non = '/buildkite'\nwhat = 'hang'\n");
    let demo = format!("--demo={}", hung.path().display());
    let (code, runs) = as_json(&[&demo, "runs", "--json"]);
    assert_eq!((code, &runs["complete"]), (Some(8), &json!(false)));
}

#[test]
fn a_run_that_nobody_knows_lists_those_that_are_known() {
    let (code, _, err) = holdshort(&["--demo=buildkite", "run", "ledger#1"]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("there is no run 'ledger#1'") && err.contains("ledger#812  buildkite/run/acme/ledger/812"),
        "{err}"
    );
    let (code, _, err) = holdshort(&["--demo=buildkite", "run", "nowhere/run/acme/ledger/812"]);
    assert_eq!((code, err.as_str()), (Some(2), "holdshort: no connection 'nowhere' tells of runs\n"));
}

/// A run that failed in one of three tests, and one of the same commit that passed, on each forge that tells of tests.
const FLAKY: &str = r#"
name = "flaky"
about = "a test that fails and passes on one commit"
start = "2026-03-10T10:12:00Z"
open_at = "30s"
seed = 3

[[systems]]
kind = "gitlab"
user = "dana"

[[systems.projects]]
path = "acme/gateway"
jobs = [{ name = "unit", stage = "test", takes = "1m", tests = ["shop.Basket.adds", "shop.Basket.pays", "shop.Basket.ships"] }]
pipelines = [
  { id = 7, ref = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", title = "basket", user = "lee", started = "-3h", trouble = { job = "unit", tests = ["shop.Basket.pays"] } },
  { id = 8, ref = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", title = "basket", user = "lee", started = "-2h" },
]

[[systems]]
kind = "jenkins"
user = "dana"

[[systems.jobs]]
name = "shop/cart"
stages = [{ name = "unit", takes = "1m", tests = ["shop.Basket.adds", "shop.Basket.pays", "shop.Basket.ships"] }]
builds = [
  { number = 7, branch = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", by = "lee", started = "-3h", failed = ["shop.Basket.pays"] },
  { number = 8, branch = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", by = "lee", started = "-2h" },
]

[[systems]]
kind = "circleci"
user = "dana"

[[systems.projects]]
slug = "gh/acme/returns"
jobs = [{ name = "unit", takes = "1m", tests = ["shop.Basket.adds", "shop.Basket.pays", "shop.Basket.ships"] }]
pipelines = [
  { number = 7, branch = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", subject = "basket", user = "lee", started = "-3h", trouble = { job = "unit", tests = ["shop.Basket.pays"] } },
  { number = 8, branch = "main", commit = "aa11bb22cc33dd44ee55ff6677889900aabbccdd", subject = "basket", user = "lee", started = "-2h" },
]
"#;

#[test]
fn a_test_that_failed_and_passed_on_one_commit_is_named_on_every_forge_that_tells_of_tests() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), FLAKY).unwrap();
    let demo = format!("--demo={}", file.path().display());
    for service in ["gateway", "cart", "returns"] {
        let (code, failed) = as_json(&[&demo, "run", &format!("{service}#7"), "--json"]);
        let tests = &failed["tests"];
        assert_eq!(
            (code, &failed["complete"], &tests["run"]),
            (Some(0), &json!(true), &failed["run"]["id"]),
            "{failed:#}"
        );
        assert_eq!((&tests["passed"], &tests["failed"]), (&json!(2), &json!(1)), "{service}: {tests:#}");
        let failure = json!({
            "suite": "unit",
            "class": "shop.Basket",
            "name": "pays",
            "said": "pays: expected true, got false",
            "passed_on_this_commit": true,
        });
        assert_eq!(tests["failures"], json!([failure]), "{service}");
        let (_, passed) = as_json(&[&demo, "run", &format!("{service}#8"), "--json"]);
        assert_eq!((&passed["tests"], &passed["run"]["status"]), (tests, &json!("succeeded")), "from either run");
        assert_eq!(tests["passed_run"], passed["run"]["id"]);
        let (_, text, _) = holdshort(&[&demo, "run", &format!("{service}#7")]);
        assert!(
            text.contains("1 of 3 tests failed in ") && text.contains("; 1 of them passed on this commit\n"),
            "{text}"
        );
    }
    let (code, runs) = as_json(&[&demo, "runs", "--jobs", "--json"]);
    let rate = json!({"suite": "unit", "class": "shop.Basket", "name": "pays", "failed": 1, "flaky": 1});
    let told: Vec<_> = runs["pipelines"].as_array().unwrap().iter().map(|one| &one["tests"]).collect();
    assert_eq!((code, told), (Some(0), vec![&json!([rate]); 3]), "{runs:#}");
}
