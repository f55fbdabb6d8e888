//! Completions and pages as the shells and man themselves take them. What is not installed is said loudly; with `REQUIRE_SERVERS` it
//! is a failure.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod pty;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{fs, path::PathBuf, process::Command};

use pty::Pty;
use served::{installed, text};
use tempfile::TempDir;

/// What `holdshort completions` prints for a shell, as a file.
fn completions(shell: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("_holdshort");
    let said = text(&program::holdshort().args(["completions", shell]).output().unwrap());
    assert!(!said.contains("executor"), "what only the program starts is completed nowhere");
    fs::write(&path, said).unwrap();
    (folder, path)
}

/// Runs a line of a shell with the file as `$FILE`.
fn run(shell: &[&str], line: &str, file: &PathBuf) -> String {
    let (shell, arguments) = shell.split_first().unwrap();
    text(&Command::new(shell).args(arguments).arg(line).env("FILE", file).output().unwrap())
}

#[test]
fn bash_completes_commands_and_their_flags() {
    if !installed("bash", "bash") {
        return;
    }
    let (_folder, file) = completions("bash");
    let complete = |words: &str, last: usize| {
        let line = format!(
            "source \"$FILE\"; COMP_WORDS=({words}); COMP_CWORD={last}; \
             _holdshort holdshort \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        run(&["bash", "--norc", "-c"], &line, &file)
    };
    assert_eq!(complete("holdshort ga", 1).trim(), "gate");
    assert_eq!(complete("holdshort gate payments --exp", 3).trim(), "--expect");
    assert_eq!(complete("holdshort completions z", 2).trim(), "zsh");
}

#[test]
fn zsh_takes_the_function_for_its_completion() {
    if !installed("zsh", "zsh") {
        return;
    }
    let (_folder, file) = completions("zsh");
    let line = "fpath=(${FILE:h} $fpath); autoload -U compinit; compinit -D -u; print -- $_comps[holdshort]; \
                autoload +X -U _holdshort && print -- ${+functions[_holdshort]}";
    assert_eq!(run(&["zsh", "-f", "-c"], line, &file), "_holdshort\n1\n");
    assert_eq!(run(&["zsh", "-f", "-c"], "zsh -n $FILE && print sound", &file), "sound\n");
}

#[test]
fn zsh_completes_commands_and_their_flags_as_they_are_typed() {
    if !installed("zsh", "zsh") {
        return;
    }
    let (_folder, file) = completions("zsh");
    let mut zsh = Pty::start_program("zsh", &["-f", "-i"], &[("FILE", file.to_str().unwrap())], 120, 24);
    zsh.keys("PS1='ready''> '; fpath=(${FILE:h} $fpath); autoload -U compinit; compinit -D -u\n");
    zsh.until("its prompt", |screen| screen.contains("ready> "));
    zsh.keys("holdshort gat\t");
    zsh.until("the command", |screen| screen.contains("ready> holdshort gate"));
    zsh.keys("payments --exp\t");
    zsh.until("its flag", |screen| screen.contains("holdshort gate payments --expect"));
}

#[test]
fn fish_completes_commands_and_their_flags() {
    if !installed("fish", "fish") {
        return;
    }
    let (_folder, file) = completions("fish");
    let complete =
        |line: &str| run(&["fish", "--no-config", "-c"], &format!("source $FILE; complete -C '{line}'"), &file);
    assert!(complete("holdshort ga").starts_with("gate\t"), "{}", complete("holdshort ga"));
    assert!(complete("holdshort gate payments --exp").starts_with("--expect\t"));
}

#[test]
fn man_reads_the_page_of_all_and_of_one_command() {
    if !installed("man", "man-db") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    text(&program::holdshort().args(["man", "--out"]).arg(folder.path()).output().unwrap());
    let read = |page: &str| {
        let mut man = Command::new("man");
        man.args(["-l"])
            .arg(folder.path().join(page))
            .env("MANPAGER", "cat")
            .env("MANWIDTH", "120")
            .env("LC_ALL", "C.UTF-8");
        let output = man.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{page}");
        text(&output)
    };
    let all = read("holdshort.1");
    assert!(all.contains("holdshort-gate(1)") && all.contains("Exit codes:"), "{all}");
    assert!(!all.contains("executor"), "{all}");
    let gate = read("holdshort-gate.1");
    assert!(gate.contains("--expect") && gate.contains("SYNOPSIS"), "{gate}");
    let one = text(&program::holdshort().args(["man", "gate"]).output().unwrap());
    assert!(one.contains(".TH holdshort-gate 1"), "{one}");
    let said = program::holdshort().args(["man", "gaet"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
}
