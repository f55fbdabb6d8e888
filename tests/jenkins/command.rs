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
