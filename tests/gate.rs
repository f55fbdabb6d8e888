//! `gate` as pipelines start it: over the built-in world in its own process, over a served one between processes, and by the shell
//! lines of `examples/gate`, each taken from its file as its system would.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use served::Served;

/// The world of two canaries, one of them good.
const GATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios/gates.toml");

fn scenario(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

/// How it ended, and the lines that it said.
fn gate(before: &[&str], line: &str) -> (Option<i32>, Vec<Value>, String) {
    let output = program::holdshort().args(before).arg("gate").args(line.split(' ')).arg("--json").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code(), lines, String::from_utf8(output.stderr).unwrap())
}

fn story(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["standing"].as_str().unwrap()).collect()
}

#[test]
fn a_canary_that_burns_ends_the_wait_with_3_and_the_last_line_says_so() {
    // The version comes when the gate waits already.
    let (code, lines, said) = gate(&[&format!("--demo={GATES}"), "--at", "+10s"], "cart --timeout 30m");
    assert_eq!((code, story(&lines).first()), (Some(3), Some(&"no_data")), "{lines:#?} {said}");
    let last = lines.last().unwrap();
    let fields = ["schema", "service", "environment", "version", "standing", "exit"].map(|name| last[name].clone());
    let expected = json!(["holdshort/gate/v1", "cart", "prod/eu-west-1", "2.2.0", "no_go", 3]);
    assert_eq!(Value::from(fields.to_vec()), expected);
    assert!(lines.len() > 1 && lines[..lines.len() - 1].iter().all(|line| line["exit"].is_null()), "{lines:#?}");
    assert!(last["reason"].as_str().unwrap().contains("errors"), "{last:#}");
}

#[test]
fn a_canary_that_is_as_good_as_stable_ends_it_with_0_and_may_be_promoted() {
    let demo = format!("--demo={GATES}");
    let (code, lines, said) = gate(&[&demo], "web --expect 3.9.0 --for promote");
    assert_eq!(code, Some(0), "{lines:#?} {said}");
    assert_eq!(lines.last().unwrap()["verb"], "promote");
    assert_eq!(story(&lines).last(), Some(&"go"));
    // What was not taken back cannot be tried again: its system refuses that, whatever the verdict.
    let (code, lines, _) = gate(&[&demo], "web --for retry --timeout 20m");
    assert_eq!((code, story(&lines).last()), (Some(9), Some(&"refused")), "{lines:#?}");
}

#[test]
fn what_is_not_decided_in_time_ends_with_4_and_what_never_came_with_5() {
    let (code, lines, _) = gate(&["--demo=burst"], "feed --timeout 2m");
    assert_eq!((code, story(&lines)), (Some(4), vec!["wait", "wait"]), "{lines:#?}");
    let (code, lines, _) = gate(&["--demo=steady"], "payments@prod/eu-west-1 --timeout 1m");
    assert_eq!((code, story(&lines).last()), (Some(5), Some(&"no_data")), "{lines:#?}");
    let (code, lines, said) = gate(&["--demo"], "nobody");
    assert_eq!((code, lines.len()), (Some(2), 0));
    assert!(said.contains("there is no 'nobody' to judge; there is:"), "{said}");
}

#[test]
fn a_cluster_that_does_not_answer_is_waited_for_and_ends_with_8_when_it_stays_silent() {
    let burst = fs::read_to_string("examples/scenarios/burst.toml").unwrap();
    let file = scenario(&format!("{burst}\n[[faults]]\non = \"/kubernetes/eu\"\nfrom = \"31m\"\nwhat = \"hang\"\n"));
    let demo = format!("--demo={}", file.path().display());
    let (code, lines, _) = gate(&[&demo], "feed@prod --timeout 5m");
    let story = story(&lines);
    assert_eq!((code, story.first(), story.last()), (Some(8), Some(&"wait"), Some(&"unread")), "{lines:#?}");
}

#[test]
fn a_source_that_comes_back_is_heard_and_what_was_missing_is_no_end() {
    let gates = fs::read_to_string(GATES).unwrap();
    let deaf = "[[faults]]\non = \"/prometheus\"\nfrom = \"1m\"\nuntil = \"9m\"\nwhat = { server_error = 503 }\n";
    let file = scenario(&format!("{gates}\n{deaf}"));
    let demo = format!("--demo={}", file.path().display());
    let (code, lines, _) = gate(&[&demo], "cart");
    let story = story(&lines);
    assert_eq!((code, story.first(), story.last()), (Some(3), Some(&"unread"), Some(&"no_go")), "{lines:#?}");
}

#[test]
fn another_version_in_its_place_ends_it_with_6() {
    let (code, lines, said) = gate(&["--demo=moved-sha"], "checkout --timeout 30m");
    assert_eq!(code, Some(6), "{lines:#?}");
    assert!(said.contains("2.9.0") && said.contains("2.9.1"), "{said}");
}

#[test]
fn an_interrupt_ends_it_with_130() {
    let world = Served::start("burst", &["--at", "+30m"]);
    let mut gate = program::holdshort();
    gate.args(["--config", world.address("config"), "gate", "feed"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut gate = gate.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(gate.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("WAIT"), "{first}");
    kill_process(Pid::from_child(&gate), Signal::INT).unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(130));
}

/// The lines below the one that reads so, which is how each of these files holds a script: those that stand deeper than it.
fn below(file: &str, head: &str) -> String {
    let text = fs::read_to_string(Path::new("examples/gate").join(file)).unwrap();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| !line.trim_end().ends_with(head));
    let first = depth(lines.next().unwrap_or_else(|| panic!("{file} has no '{head}'")));
    let script: Vec<&str> = lines.take_while(|line| depth(line) > first).map(str::trim).collect();
    assert!(script.iter().any(|line| line.contains("holdshort gate ")), "{script:?}");
    script.join("\n")
}

/// Runs a script as its system does, where `holdshort` is on the path and its configuration is where it is looked for.
fn script(world: &Served, script: &str, service: &str, version: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("holdshort");
    fs::create_dir(&config).unwrap();
    fs::copy(world.address("config"), config.join("config.toml")).unwrap();
    let program = program::holdshort();
    let folder = Path::new(program.get_program()).parent().unwrap().display().to_string();
    let mut shell = Command::new("sh");
    for name in program::settings() {
        shell.env_remove(name);
    }
    let path = format!("{folder}:{}", std::env::vars().find(|(name, _)| name == "PATH").unwrap().1);
    shell.args(["-ec", script]).env("PATH", path).env("XDG_CONFIG_HOME", home.path()).env("HOME", home.path());
    shell.env("SERVICE", service).env("VERSION", version).current_dir(home.path()).output().unwrap()
}

/// What is on its way of a service, and where it is.
fn seen(world: &Served, service: &str) -> Value {
    let status = ["--config", world.address("config"), "status", service, "--json"];
    let said = program::holdshort().args(status).output().unwrap();
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    said.pointer("/rollouts/0").unwrap().clone()
}

#[test]
fn the_job_of_github_actions_promotes_what_is_good_and_aborts_what_is_not() {
    let world = Served::start(GATES, &["--at", "+20m"]);
    let job = below("github-actions.yml", "run: |");
    let ended = script(&world, &job, "web@prod", "3.9.0");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(seen(&world, "web")["step"], 2, "past its pause");
    let ended = script(&world, &job, "cart@prod", "2.2.0");
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let cart = seen(&world, "cart");
    assert_eq!((&cart["stable"], &cart["phase"]), (&json!("2.1.0"), &json!("aborted")), "{cart:#}");
}

#[test]
fn the_stage_of_jenkins_and_the_job_of_an_analysis_end_by_the_verdict() {
    let world = Served::start(GATES, &["--at", "+20m"]);
    let stage = below("Jenkinsfile", "script: '''");
    let job = below("analysis-template.yaml", "- |");
    for (service, version, code) in [("web@prod", "3.9.0", 0), ("cart@prod", "2.2.0", 3)] {
        assert_eq!(script(&world, &stage, service, version).status.code(), Some(code), "{service}");
        assert_eq!(script(&world, &job, service, version).status.code(), Some(code), "{service}");
    }
    // Nothing was sent by either: both only looked.
    assert_eq!(seen(&world, "web")["stable"], "3.8.0");
}
