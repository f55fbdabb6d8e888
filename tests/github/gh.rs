//! The pretended GitHub as `gh` itself sees it, and the commands that `--print-commands` prints for it, run by `gh`.

use std::process::Output;

use serde_json::Value;

use crate::{clients, program, served::Served};

/// What our own program says over the served world.
fn ours(world: &Served, line: &str) -> Output {
    let mut command = program::holdshort();
    command.arg("--config").arg(world.address("config")).args(line.split(' ')).output().unwrap()
}

/// The commands that a verb prints.
fn printed(world: &Served, line: &str) -> Vec<String> {
    let output = ours(world, &format!("{line} --reason looked --print-commands"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// How each run stands, the newest first of each repository.
fn stand(world: &Served) -> Vec<String> {
    let said: Value = serde_json::from_slice(&ours(world, "runs --json").stdout).unwrap();
    let of = |run: &Value| format!("{} #{} {}", run["service"], run["number"], run["status"]).replace('"', "");
    let mut all: Vec<String> = said["runs"].as_array().unwrap().iter().map(of).collect();
    all.sort();
    all
}

#[test]
fn gh_reads_the_pretended_one_as_github() {
    let world = Served::start("waiting-approval", &[]);
    clients::drive("gh", &[world.address("github")]);
}

#[test]
fn each_printed_command_does_in_the_hands_of_gh_what_its_verb_says() {
    let world = Served::start("waiting-approval", &[]);
    let after = |line: &str, runs: &[&str]| {
        let commands = printed(&world, line);
        let given = std::iter::once(world.address("github")).chain(commands.iter().map(String::as_str));
        if !clients::drive("gh", &given.collect::<Vec<_>>()) {
            return;
        }
        // What GitHub has taken it does a while later.
        let mut looks = (0..200).map(|_| stand(&world));
        let last = looks.by_ref().find(|stand| stand == runs).unwrap_or_else(|| stand(&world));
        assert_eq!(last, runs, "{line}");
    };
    after("reject ledger#811", &["gateway #77 waiting", "ledger #811 failed", "ledger #812 waiting"]);
    after("cancel gateway#77", &["gateway #77 cancelled", "ledger #811 failed", "ledger #812 waiting"]);
    let again = ["gateway #77 cancelled", "ledger #811 waiting", "ledger #812 waiting"];
    after("rerun ledger#811 --expect 4.1.9", &again);
    let another = ["gateway #77 cancelled", "gateway #78 running", "ledger #811 waiting", "ledger #812 waiting"];
    after("do dispatch gateway#77", &another);
    let passed = ["gateway #77 cancelled", "gateway #78 running", "ledger #811 waiting", "ledger #812 running"];
    after("approve ledger#812 --expect 4.2.0", &passed);
}
