//! Keeps the arrows of `ARCHITECTURE.md`: nothing but this test stands between modules of one package.
//!
//! It fails on an unknown room, an arrow that is not allowed, an allowed arrow that nobody uses, and a circle.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may fail, and paths are ASCII")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

#[path = "architecture/examples.rs"]
mod examples;
#[path = "architecture/house.rs"]
mod house;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/tokens.rs"]
mod tokens;

use self::house::{Arrows, House};

/// From each room, the rooms it may see. `run` is the composition root and may see everything.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("judge", &["domain"]),
    ("theme", &[]),
    ("term", &["domain"]),
    ("port", &["domain"]),
    ("policy", &["domain"]),
    ("words", &["domain", "judge", "policy"]),
    ("ownership", &["domain"]),
    ("program", &["domain", "ownership"]),
    ("journal", &["domain", "ownership", "port"]),
    ("app", &["domain", "judge", "policy", "port", "words"]),
    ("keymap", &["app"]),
    ("view", &["app", "domain", "judge", "keymap", "port", "words"]),
    ("ui", &["theme", "view"]),
    ("provider", &["domain", "ownership", "port", "program"]),
    ("config", &["domain", "ownership", "program"]),
    ("cache", &["domain", "journal", "port"]),
    ("runtime", &["app", "cache", "domain", "journal", "judge", "keymap", "port", "term"]),
    ("demo", &["domain", "port"]),
    ("cli", &["app", "config", "domain", "judge", "keymap", "port", "words"]),
    ("run", &[]),
    ("main", &["run"]),
];

/// Arrows that are there only because a room hands on what another owns: to, and why.
const HANDED_ON: &[(&str, &[&str])] = &[
    // How much of a frame was shown: `app` is told it, `view` measures by it, `ui` counts it.
    ("ui", &["app"]),
];

/// Inside `provider`: each system's folder, and what else of `provider` it may see.
const PROVIDERS: &[(&str, &[&str])] = &[
    (".", &[]),
    ("http", &[]),
    ("kubernetes", &["http"]),
    ("argo_rollouts", &["kubernetes"]),
    ("deployment", &["kubernetes"]),
    ("deployment_pair", &["deployment", "kubernetes"]),
    ("controller_revision", &["kubernetes"]),
    ("flux", &["kubernetes"]),
    ("flagger", &["kubernetes"]),
    ("prometheus", &["http"]),
    ("loki", &["http"]),
    ("oci", &["http"]),
    ("github", &["http"]),
    ("buildkite", &["http"]),
    ("jenkins", &["http"]),
    ("flow", &["http"]),
    ("gitlab", &["http"]),
    ("circleci", &["http"]),
    ("aws", &["http"]),
    ("codepipeline", &["aws", "http"]),
    ("lambda", &["aws", "http"]),
    ("argocd", &["http"]),
];

/// Inside `demo`: each pretended system, what holds them together without knowing them, and `registry`, which lists them.
const DEMO: &[(&str, &[&str])] = &[
    (".", &[]),
    ("time", &[]),
    ("traffic", &["time"]),
    ("system", &["traffic"]),
    ("blueprint", &["system", "time", "traffic"]),
    ("kubernetes", &["blueprint", "system", "traffic"]),
    ("prometheus", &["blueprint", "system", "time", "traffic"]),
    ("rest", &[]),
    ("past", &["rest", "time"]),
    ("query", &[]),
    ("loki", &["blueprint", "rest", "system", "traffic"]),
    ("oci", &["blueprint", "rest", "system"]),
    ("github", &["blueprint", "past", "query", "rest", "system", "time"]),
    ("buildkite", &["blueprint", "past", "rest", "system", "time"]),
    ("flow", &["blueprint", "rest", "system", "time"]),
    ("gitlab", &["blueprint", "past", "query", "rest", "system", "time"]),
    ("jenkins", &["blueprint", "past", "rest", "system", "time"]),
    ("circleci", &["blueprint", "past", "rest", "system", "time"]),
    ("aws", &[]),
    ("codepipeline", &["aws", "blueprint", "past", "rest", "system", "time"]),
    ("lambda", &["aws", "blueprint", "rest", "system", "time"]),
    ("argocd", &["blueprint", "rest", "system", "time"]),
    (
        "registry",
        &[
            "argocd",
            "blueprint",
            "buildkite",
            "circleci",
            "codepipeline",
            "flow",
            "github",
            "gitlab",
            "jenkins",
            "kubernetes",
            "lambda",
            "loki",
            "oci",
            "prometheus",
        ],
    ),
    ("fault", &["time"]),
    ("scenario", &["blueprint", "fault", "registry", "time", "traffic"]),
    ("world", &["blueprint", "fault", "scenario", "system", "traffic"]),
    ("shared", &["system", "world"]),
    ("transport", &["shared", "world"]),
    ("visitor", &[]),
    ("serve", &["shared", "visitor", "world"]),
];

/// Inside `run`: what each file may see of its siblings.
const RUN: &[(&str, &[&str])] = &[
    (
        ".",
        &[
            "audit",
            "demo",
            "doctor",
            "emergency",
            "flags",
            "fly",
            "gate",
            "ground",
            "init",
            "linear",
            "log",
            "origin",
            "paint",
            "pilot",
            "registry",
            "replay",
            "serve",
            "state",
        ],
    ),
    ("audit", &["ground", "vouch"]),
    ("demo", &["ground"]),
    ("doctor", &["ground", "origin", "paint", "pilot"]),
    ("emergency", &["ground", "state"]),
    ("flags", &["paint"]),
    ("fly", &["paint"]),
    ("gate", &["ground", "pilot"]),
    ("ground", &["log", "origin", "pilot", "registry", "state", "world"]),
    ("init", &["ground", "registry", "world"]),
    ("linear", &[]),
    ("log", &[]),
    ("origin", &[]),
    ("paint", &[]),
    ("pilot", &[]),
    ("reach", &[]),
    ("registry", &["reach"]),
    ("replay", &["paint"]),
    ("serve", &["ground", "state", "world"]),
    ("state", &[]),
    ("vouch", &[]),
    ("world", &[]),
];

/// What each file of `run` may see of the other rooms: together they see every one, each of them what it is for.
const RUN_SEES: &[(&str, &[&str])] = &[
    (".", &["app", "cli", "demo", "domain", "keymap", "ownership", "port", "program", "runtime", "theme", "view"]),
    ("audit", &["cli", "journal", "port"]),
    ("demo", &["cli", "demo", "journal", "runtime"]),
    ("doctor", &["app", "cli", "domain", "port", "theme", "words"]),
    ("emergency", &["app", "cache", "cli", "config", "domain", "journal", "port", "runtime"]),
    ("flags", &["cli", "theme"]),
    ("fly", &["app", "cli", "port", "runtime", "term"]),
    ("gate", &["cli"]),
    (
        "ground",
        &[
            "app",
            "cache",
            "cli",
            "config",
            "demo",
            "domain",
            "journal",
            "keymap",
            "ownership",
            "port",
            "runtime",
            "theme",
        ],
    ),
    ("init", &["cli", "config", "journal", "port", "runtime"]),
    ("linear", &["cli", "runtime", "view"]),
    ("log", &["cli"]),
    ("origin", &["domain", "port"]),
    ("paint", &["app", "cli", "config", "keymap", "theme", "ui", "view"]),
    ("pilot", &["app", "cli", "domain", "journal", "port", "runtime"]),
    ("reach", &["config", "domain", "port", "provider"]),
    ("registry", &["config", "demo", "domain", "ownership", "port", "program", "provider"]),
    ("replay", &["cli", "domain", "keymap", "runtime", "term", "theme"]),
    ("serve", &["cli", "config", "demo", "domain", "journal", "port", "runtime"]),
    ("state", &["cli", "config", "domain", "journal", "ownership"]),
    ("vouch", &["domain"]),
    ("world", &["cli", "config", "demo", "domain", "port", "provider", "runtime"]),
];

/// Read once: every test looks at the same.
fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| House::read("src"));
    &HOUSE
}

/// What is wrong with these arrows, held against the table of those that may be. What is in the table is used, too.
fn wrong(room: &str, mut seen: Arrows, allowed: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    // A room's own file need not see anybody.
    seen.retain(|from, targets| from != "." || !targets.is_empty());
    for (from, targets) in &seen {
        let Some((_, allowed)) = allowed.iter().find(|(name, _)| name == from) else {
            wrong.push(format!("unknown: {room}/{from}, which sees {targets:?}"));
            continue;
        };
        for target in targets.iter().filter(|target| !allowed.contains(&target.as_str())) {
            wrong.push(format!("forbidden arrow: {room}/{from} -> {target}"));
        }
        for target in allowed.iter().filter(|target| !targets.contains(**target)) {
            wrong.push(format!("stale entry: {room}/{from} -> {target} is allowed and nobody uses it"));
        }
    }
    for (name, _) in allowed.iter().filter(|(name, _)| *name != "." && !seen.contains_key(*name)) {
        wrong.push(format!("stale entry: there is no {room}/{name}"));
    }
    wrong
}

/// What stands in a circle or above one.
fn circle(mut left: Arrows) -> Arrows {
    // Take away who sees nobody that is left; what cannot be taken away is a circle.
    let free = |left: &Arrows| {
        left.iter().find(|(_, to)| to.iter().all(|target| !left.contains_key(target))).map(|(room, _)| room.clone())
    };
    while let Some(room) = free(&left) {
        left.remove(&room);
    }
    left
}

#[test]
fn every_arrow_between_rooms_is_allowed_and_every_allowed_arrow_is_used() {
    let (mut seen, handed_on) = (house().arrows(&[]), house().handed_on(&[]));
    // The composition root sees everything; what each of its files sees is below.
    seen.remove("run");
    for (from, targets) in &handed_on {
        seen.entry(from.clone()).and_modify(|seen| seen.retain(|target| !targets.contains(target)));
    }
    let rooms: Vec<_> = ROOMS.iter().copied().filter(|(name, _)| *name != "run").collect();
    assert_eq!(wrong("src", seen, &rooms), Vec::<String>::new());
    let handed_on = handed_on.into_iter().filter(|(from, _)| from != "run").collect();
    assert_eq!(wrong("src (handed on)", handed_on, HANDED_ON), Vec::<String>::new());
}

#[test]
fn no_provider_sees_another_but_for_what_it_is_built_on() {
    assert_eq!(wrong("provider", house().arrows(&["provider"]), PROVIDERS), Vec::<String>::new());
}

#[test]
fn no_pretended_system_sees_another_and_what_holds_them_together_sees_what_it_must() {
    assert_eq!(wrong("demo", house().arrows(&["demo"]), DEMO), Vec::<String>::new());
}

#[test]
fn each_file_of_the_composition_root_sees_what_it_puts_together_and_nothing_else() {
    assert_eq!(wrong("run", house().arrows(&["run"]), RUN), Vec::<String>::new());
    assert_eq!(wrong("run", house().outside("run"), RUN_SEES), Vec::<String>::new());
}

#[test]
fn the_rooms_have_no_circle() {
    for room in [[].as_slice(), &["provider"], &["demo"], &["run"]] {
        let mut seen = house().arrows(room);
        // A room's own file stands for the room.
        seen.remove(".");
        assert_eq!(circle(seen), Arrows::new(), "these of {room:?} stand in a circle or above one");
    }
}

#[test]
fn every_file_begins_by_saying_what_lives_in_it() {
    let silent: Vec<PathBuf> = ["src", "tests", "benches", "examples"]
        .iter()
        .flat_map(|root| rust_files(Path::new(root)))
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! "))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long: Vec<String> = rust_files(Path::new("src"))
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > 600).then(|| format!("{} ({lines})", path.display()))
        })
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

/// Where a terminal is written to. Everything else gets a writer that cleans what passes (`cli::door`).
const DOORS: [&str; 3] = ["src/cli/door.rs", "src/term/painter.rs", "src/term/session.rs"];

#[test]
fn nothing_but_a_door_writes_to_a_terminal() {
    let mut written = BTreeSet::new();
    for path in rust_files(Path::new("src")) {
        let code = without_comments(&fs::read_to_string(&path).unwrap()).replace(char::is_whitespace, "");
        // Whether it is a terminal may be asked anywhere.
        let asked = code.replace("io::stdout().is_terminal()", "").replace("io::stderr().is_terminal()", "");
        if ["io::stdout", "io::stderr", "/dev/tty"].iter().any(|way| asked.contains(way)) {
            written.insert(path.display().to_string());
        }
    }
    assert_eq!(written, DOORS.map(str::to_owned).into());
}

#[test]
fn no_shell_is_started_and_processes_only_where_it_is_their_purpose() {
    // What gives a credential, as words of the configuration or a kubeconfig; with fixed words getent, for groups that no file
    // lists, and OpenSSH, where somebody vouches for a key; the detached executor, which is this program itself.
    let allowed = ["src/ownership.rs", "src/program.rs", "src/run/vouch.rs", "src/runtime/detach.rs"];
    let mut starting = BTreeSet::new();
    for path in rust_files(Path::new("src")) {
        let code = without_comments(&fs::read_to_string(&path).unwrap());
        let code = code.split("#[cfg(test)]").next().unwrap();
        for shell in ["\"sh\"", "\"bash\"", "\"/bin/sh\"", "\"/bin/bash\"", "\"-c\"", "\"cmd\"", "\"env\""] {
            assert!(
                !code.contains(&format!("Command::new({shell}")) && !code.contains(&format!("arg({shell})")),
                "{path:?}"
            );
        }
        if code.contains("Command::new") || code.contains("process::Command") {
            starting.insert(path.display().to_string());
        }
    }
    assert_eq!(starting, BTreeSet::from(allowed.map(str::to_owned)));
}

fn without_comments(code: &str) -> String {
    let lines = code.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
