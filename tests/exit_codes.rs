//! The exit codes that scripts rely on, as one table: a command, the situation it meets, its code. Everything runs over the built-in
//! world, but for what is about a configuration.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;

use std::{collections::BTreeSet, fs};

use clap::CommandFactory;
use holdshort::cli::{Cli, Exit};
use strum::IntoEnumIterator;

const GATES: &str = concat!("--demo=", env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios/gates.toml");

/// What is meant by the words, the line, and the code.
type Case = (&'static str, String, u8);

fn case(situation: &'static str, line: impl Into<String>, exit: Exit) -> Case {
    (situation, line.into(), exit.code())
}

/// Commands that look.
fn looking() -> Vec<Case> {
    let burning = "--demo=bad-canary --at +21m30s";
    vec![
        case("all is read", format!("{burning} status"), Exit::Done),
        case("a service of that name", format!("{burning} status payments"), Exit::Done),
        case("no service of that name", format!("{burning} status nosuch"), Exit::Usage),
        case("evidence of harm", format!("{burning} status --exit-code"), Exit::NoGo),
        case("undecided", "--demo=burst --at +31m status --exit-code", Exit::Wait),
        case("what would judge it is missing", "--demo=no-data --at +20m status --exit-code", Exit::NoData),
        case("a source does not answer", "--demo=hung-api --at +40m status", Exit::Unreachable),
        case("all is read", "--demo=waiting-approval inbox", Exit::Done),
        case("all is read", "--demo=waiting-approval runs", Exit::Done),
        case("a service without runs", "--demo=waiting-approval runs --service search", Exit::Done),
        case("no service of that name", "--demo=waiting-approval runs --service nosuch", Exit::Usage),
        case("no such state", "--demo=waiting-approval runs --status broken", Exit::Usage),
        case("a run", "--demo=waiting-approval run ledger#812", Exit::Done),
        case("no such run", "--demo=waiting-approval run ledger#1", Exit::Usage),
        case("a job without a log", "--demo=waiting-approval run ledger#812 --log deploy-prod", Exit::Failed),
        case("its lines", format!("{burning} logs payments"), Exit::Done),
        case("no service of that name", format!("{burning} logs nosuch"), Exit::Usage),
        case("no service of that name", format!("{burning} logs nosuch --follow"), Exit::Usage),
        case("no such place", format!("{burning} logs payments@nosuch"), Exit::Usage),
        case("no release of that name", format!("{burning} logs nosuch --patterns"), Exit::Usage),
        case("a screen", format!("{burning} snapshot"), Exit::Done),
        case("no such view", format!("{burning} snapshot --view nosuch"), Exit::Usage),
        case("nothing to mend", "--demo doctor", Exit::Done),
        case("no record yet", "--demo audit list", Exit::Done),
        case("no such record", "--demo audit show 1", Exit::Usage),
        case("nothing was changed", "--demo audit verify", Exit::Done),
        case("no such log", "--demo audit verify --heads /nosuch", Exit::Usage),
        case("the own key", "--demo audit key", Exit::Done),
        case("no key", "--demo audit trust nosuch --as lee", Exit::Usage),
        case("no such key", "--demo audit vouch --with /nosuch", Exit::Failed),
        case("the schema", "config schema", Exit::Done),
        case("an address that is none", "demo serve --listen nosuch", Exit::Usage),
        case("the keys", "keys", Exit::Done),
        case("the themes", "themes list", Exit::Done),
        case("no such file", "themes check /nosuch.toml", Exit::Usage),
        case("no such file", "replay /nosuch", Exit::Usage),
        case("no such file", "judge /nosuch", Exit::Usage),
        case("a shell", "completions bash", Exit::Done),
        case("no such shell", "completions nosuch", Exit::Usage),
        case("a page", "man", Exit::Done),
        case("the scenarios", "demo --list", Exit::Done),
        case("no such scenario", "--demo=nosuch status", Exit::Usage),
        // Told in lines then, until nobody reads on.
        case("settings differ", "--demo=drift drift payments", Exit::Done),
        case("settings differ", "--demo=drift drift payments --exit-code", Exit::Failed),
        case("nothing of that name", "--demo=drift drift nosuch", Exit::Usage),
        case("all is read", format!("{burning} emergency payments"), Exit::Done),
        case("no service of that name", format!("{burning} emergency nosuch"), Exit::Usage),
        case("neither a configuration nor anything that was seen", "emergency payments", Exit::Unreachable),
        case("no terminal", "demo", Exit::Done),
        case("no terminal", "--demo", Exit::Done),
        case("nothing to write it for", "--demo init", Exit::Usage),
        case("no such theme", "--demo --theme nosuch status", Exit::Usage),
        case("no profile there", "--demo --profile nosuch status", Exit::Usage),
        case("no such command", "nosuch", Exit::Usage),
        case("a time without a world", "--at +20m status", Exit::Usage),
        case("no configuration", "config check", Exit::Usage),
        case("no configuration", "config show", Exit::Usage),
        case("no such group", "state init --group nosuch", Exit::Usage),
        case("started by hand", "executor 1", Exit::Usage),
    ]
}

/// `gate`, which ends by the verdict.
fn gating() -> Vec<Case> {
    let burning = "--demo=bad-canary --at +21m30s gate";
    vec![
        case("as good as stable", format!("{GATES} gate web --expect 3.9.0 --for promote"), Exit::Done),
        case("evidence of harm", format!("{burning} payments"), Exit::NoGo),
        case("undecided when the time is up", "--demo=burst --at +31m gate feed --timeout 2m", Exit::Wait),
        case("nothing on its way", "--demo=steady gate payments@prod/eu-west-1 --timeout 1m", Exit::NoData),
        case("another version is on its way", format!("{burning} payments --expect 9.9.9"), Exit::Changed),
        case("another version takes its place", "--demo=moved-sha gate checkout --timeout 30m", Exit::Changed),
        case("too short a commit", format!("{burning} payments --expect a1"), Exit::Usage),
        case("nothing of that name", format!("{burning} nosuch"), Exit::Usage),
        case("the verb would be refused", format!("{GATES} gate web --for retry --timeout 20m"), Exit::Refused),
        case("it has no such verb", format!("{burning} payments --for sync"), Exit::Usage),
        case(
            "what it would be judged by is silent",
            "--demo=hung-api --at +40m gate payments --timeout 1m",
            Exit::Unreachable,
        ),
    ]
}

/// The verbs.
fn acting() -> Vec<Case> {
    let burning = "--demo=bad-canary --at +21m30s";
    let gates = "--demo=waiting-approval";
    let said = "--yes --reason x";
    vec![
        case("verified", format!("{burning} rollback payments {said}"), Exit::Done),
        case("verified", format!("{burning} abort payments {said}"), Exit::Done),
        case("only shown", format!("{burning} rollback payments --dry-run"), Exit::Done),
        case("only printed", format!("{burning} rollback payments --print-commands"), Exit::Done),
        case("not verified in time", format!("{burning} rollback payments {said} --wait=1s"), Exit::Wait),
        case("no version of that name", format!("{burning} rollback payments --to nosuch {said}"), Exit::Usage),
        case("the spec holds it", format!("{burning} rollback payments --to 1.42.0 {said}"), Exit::Refused),
        case("another version", format!("{burning} rollback payments --expect 9.9.9 {said}"), Exit::Changed),
        case("too short a commit", format!("{burning} rollback payments --expect a1 {said}"), Exit::Usage),
        case("nothing of that name", format!("{burning} rollback nosuch {said}"), Exit::Usage),
        case("nothing is named", format!("{burning} rollback"), Exit::Usage),
        case("named twice", format!("{burning} abort payments payments {said}"), Exit::Usage),
        case("no reason", format!("{burning} abort payments --yes"), Exit::Usage),
        case("nobody to ask", format!("{burning} abort payments --reason x"), Exit::Usage),
        case("evidence of harm", format!("{burning} promote payments --expect 1.42.0 {said}"), Exit::NoGo),
        case("nothing is paused by a person", format!("{burning} resume payments {said}"), Exit::NoGo),
        case("it was not aborted", format!("{burning} retry payments {said}"), Exit::NoGo),
        case("verified", format!("{burning} pause payments --yes --expect 1.42.0"), Exit::Done),
        case("evidence of harm", format!("{burning} skip payments --expect 1.42.0 {said}"), Exit::NoGo),
        case("evidence of harm", format!("{burning} promote-full payments --expect 1.42.0 {said}"), Exit::NoGo),
        case("replaced", "--demo=steady restart payments@prod/eu-west-1 --yes", Exit::Done),
        case("no gate here", format!("{burning} approve payments {said}"), Exit::Usage),
        case("no gate here", format!("{burning} reject payments {said}"), Exit::Usage),
        case(
            "no such object",
            format!("{burning} approve kubernetes-eu/argo_rollouts/shop/nosuch {said}"),
            Exit::Usage,
        ),
        case("it is there no more", format!("{gates} approve github/gate/acme/ledger/1/prod {said}"), Exit::Changed),
        case("you may not", format!("{gates} approve gateway --expect 3.3.1 {said}"), Exit::Refused),
        case("more than one gate", format!("{gates} approve ledger {said}"), Exit::Usage),
        case("let through", format!("{gates} approve ledger#812 --expect 4.2.0 {said}"), Exit::Done),
        case("a high risk without --expect", format!("{gates} approve ledger#812 {said}"), Exit::Usage),
        case("closed", format!("{gates} reject ledger#812 {said}"), Exit::Done),
        case("it has not ended", format!("{gates} rerun ledger#812 {said}"), Exit::Refused),
        case("stopped", format!("{gates} cancel ledger#812 {said}"), Exit::Done),
        case("it has no such verb", format!("{burning} do sync payments {said}"), Exit::Usage),
        case("there is no such verb", format!("{burning} do nosuch payments"), Exit::Usage),
        case("a session that looks", format!("{burning} --read-only abort payments {said}"), Exit::Refused),
        case("no such record", format!("{burning} takeover 1 {said}"), Exit::Usage),
    ]
}

fn code(line: &str) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let output = program::holdshort().env("HOME", home.path()).args(line.split(' ')).output().unwrap();
    let said = [output.stderr, output.stdout].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (output.status.code(), said)
}

fn assert_all(cases: &[Case]) {
    let wrong = |(situation, line, expected): &Case| {
        let (found, said) = code(line);
        (found != Some(i32::from(*expected)))
            .then(|| format!("{situation}: `{line}` ended with {found:?}, not {expected}: {said}"))
    };
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whoever_looks_is_told_by_the_code_what_was_seen() {
    assert_all(&looking());
}

#[test]
fn a_gate_ends_by_the_verdict_and_a_mistake_is_none() {
    assert_all(&gating());
}

#[test]
fn a_verb_ends_by_what_became_of_it_and_what_cannot_be_meant_is_wrong_usage() {
    assert_all(&acting());
}

#[test]
fn every_command_and_every_code_stands_in_the_table() {
    let cases: Vec<Case> = [looking(), gating(), acting()].concat();
    let command = Cli::command();
    let named = |command: &clap::Command| command.get_name().to_owned();
    let all = command.get_subcommands().flat_map(|one| {
        let own = vec![named(one)];
        own.into_iter().chain(one.get_subcommands().map(move |inner| format!("{} {}", named(one), named(inner))))
    });
    let is_there = |name: &String| {
        let words: Vec<&str> = name.split(' ').collect();
        cases.iter().any(|(_, line, _)| line.split(' ').collect::<Vec<_>>().windows(words.len()).any(|at| at == words))
    };
    let missing: Vec<String> = all.filter(|name| !is_there(name)).collect();
    assert_eq!(missing, Vec::<String>::new());
    let seen: BTreeSet<u8> = cases.iter().map(|(.., code)| *code).collect();
    // An outcome that nobody knows takes a system that falls silent, an interruption a signal: `record_between_processes` and `gate` have
    // them.
    let elsewhere = [Exit::Unknown, Exit::Interrupted].map(Exit::code);
    let all: BTreeSet<u8> = Exit::iter().map(Exit::code).collect();
    assert_eq!(all.difference(&seen).copied().collect::<Vec<_>>(), elsewhere);
}

#[test]
fn the_help_and_the_readme_show_every_code() {
    let (ended, help) = code("--help");
    let readme = fs::read_to_string("README.md").unwrap();
    assert_eq!(ended, Some(0));
    for exit in Exit::iter() {
        let (code, words) = (exit.code(), exit.words());
        assert!(
            help.contains(&format!("\n  {code:>3}  {words}\n")) || help.ends_with(&format!("{words}\n")),
            "{code}: {help}"
        );
        assert!(readme.contains(&format!("\n| {code} | {words} |")), "{code} in the README");
    }
}
