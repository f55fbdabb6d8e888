//! What waits in Jenkins, from a script: the commands that a person would give by hand.

use crate::program;

#[test]
fn a_command_whose_secret_is_not_printed_is_a_comment_that_says_so() {
    let line = "approve gateway --print-commands";
    let output = program::holdshort().arg("--demo=jenkins").args(line.split(' ')).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "# PIN is not printed, its place is empty: put it in, then take the sign away:", "{shown}");
    assert!(lines[1].starts_with("# curl ") && lines[1].contains("{\"name\":\"PIN\",\"value\":\"\"}"), "{shown}");
    assert_eq!(lines.len(), 2, "{shown}");
}

#[test]
fn a_job_whose_version_nobody_knows_is_started_by_whoever_takes_that_risk_by_name() {
    let dispatch = |more: &[&str]| {
        let line = ["do", "dispatch", "gateway#812", "--yes", "--reason", "weekly", "--json"];
        let output = program::holdshort().arg("--demo=jenkins").args(line).args(more).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, printed, said) = dispatch(&[]);
    assert_eq!(code, Some(4), "{printed}{said}");
    assert!(said.contains("its system does not say which version that is; it takes --accept-wait"), "{said}");
    assert!(!said.contains("roll back or abort") && !said.contains("VERSION"), "{said}");
    let (code, printed, said) = dispatch(&["--accept-wait"]);
    assert_eq!(code, Some(0), "{printed}{said}");
}

#[test]
fn a_dry_run_says_what_is_waited_for_as_the_card_says_it() {
    let line = ["--demo=jenkins", "do", "dispatch", "gateway#812", "--dry-run"];
    let shown = String::from_utf8(program::holdshort().args(line).output().unwrap().stdout).unwrap();
    assert!(shown.contains("\n  then    a new build is there, within 300 s\n"), "{shown}");
}
