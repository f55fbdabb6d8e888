//! Keeps the arrows of `ARCHITECTURE.md`: nothing but this test stands between modules of one package.
//!
//! It fails on an unknown room, an arrow that is not allowed, an allowed arrow that nobody uses, and a circle.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may fail, and paths are ASCII")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// From each room, the rooms it may see. `run` is the composition root and may see everything.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("judge", &["domain"]),
    ("theme", &[]),
    ("term", &["domain"]),
    ("port", &["domain"]),
    ("policy", &["domain"]),
    ("ownership", &["domain"]),
    ("journal", &["domain", "ownership", "port"]),
    ("app", &["domain", "judge", "policy", "port"]),
    ("keymap", &["app"]),
    ("view", &["app", "domain", "judge", "keymap", "port"]),
    ("ui", &["theme", "view"]),
    ("provider", &["domain", "ownership", "port"]),
    ("config", &["domain", "ownership"]),
    ("runtime", &["app", "domain", "journal", "keymap", "port", "term"]),
    ("demo", &["domain", "port"]),
    ("cli", &["app", "config", "domain", "judge", "keymap", "port"]),
    ("run", &[]),
    ("main", &["run"]),
];

/// Inside `provider`: each system's folder, and what else of `provider` it may see. All may see `http`.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("http", &[]),
    ("kubernetes", &[]),
    ("argo_rollouts", &["kubernetes"]),
    ("deployment", &["kubernetes"]),
    ("prometheus", &[]),
    ("github", &[]),
];

#[test]
fn every_arrow_between_rooms_is_allowed_and_every_allowed_arrow_is_used() {
    let seen = arrows("src", "crate");
    let mut wrong = Vec::new();
    for (room, targets) in &seen {
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            wrong.push(format!("unknown room: src/{room}"));
            continue;
        };
        if room == "run" {
            continue;
        }
        for target in targets.iter().filter(|target| !allowed.contains(&target.as_str())) {
            wrong.push(format!("forbidden arrow: {room} -> {target}"));
        }
        for target in allowed.iter().filter(|target| !targets.contains(**target)) {
            wrong.push(format!("stale entry: {room} -> {target} is allowed and nobody uses it"));
        }
    }
    for (room, _) in ROOMS.iter().filter(|(room, _)| !seen.contains_key(*room)) {
        wrong.push(format!("stale entry: there is no room {room}"));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_provider_sees_another_but_for_what_it_is_built_on() {
    let seen = arrows("src/provider", "crate::provider");
    let mut wrong = Vec::new();
    for (room, targets) in &seen {
        let Some((_, allowed)) = PROVIDERS.iter().find(|(name, _)| name == room) else {
            wrong.push(format!("unknown provider: src/provider/{room}"));
            continue;
        };
        for target in targets.iter().filter(|target| *target != "http" && !allowed.contains(&target.as_str())) {
            wrong.push(format!("forbidden arrow: provider/{room} -> provider/{target}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_rooms_have_no_circle() {
    let seen = arrows("src", "crate");
    let mut left: Arrows = seen.into_iter().filter(|(room, _)| room != "run").collect();
    // Take away rooms that see nobody who is left; what cannot be taken away is a circle.
    let free = |left: &Arrows| {
        left.iter().find(|(_, to)| to.iter().all(|target| !left.contains_key(target))).map(|(room, _)| room.clone())
    };
    while let Some(room) = free(&left) {
        left.remove(&room);
    }
    assert_eq!(left, Arrows::new(), "these rooms stand in a circle or above one");
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
    // A token's command, as words of the configuration; with fixed words getent, for groups that no file lists, and OpenSSH,
    // where somebody vouches for a key; the detached executor, which is this program itself.
    let allowed = ["src/config/secret.rs", "src/ownership.rs", "src/run/vouch.rs", "src/runtime/detach.rs"];
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

#[test]
fn the_reader_of_imports_sees_nested_groups() {
    let code = "use crate::{\n    app::{self, model::Model},\n    domain::ids,\n};\nfn f() { crate::port::x() }";
    assert_eq!(names_after(code, "crate::"), ["app", "domain", "port"]);
}

/// Which child of `folder` names which other child, by paths that begin with `prefix::`.
fn arrows(folder: &str, prefix: &str) -> Arrows {
    let mut found = Arrows::new();
    for path in rust_files(Path::new(folder)) {
        let inside = path.strip_prefix(folder).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if ["lib", "mod"].contains(&room.as_str()) {
            continue;
        }
        // The binary names the library by its own name.
        let code = without_comments(&fs::read_to_string(&path).unwrap()).replace("holdshort::", "crate::");
        let targets = names_after(&code, &format!("{prefix}::")).into_iter().filter(|target| *target != room);
        found.entry(room.clone()).or_default().extend(targets);
    }
    found
}

/// The first path segment after each occurrence of `prefix`, looking into one level of braces.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            names.extend(identifier(rest));
            continue;
        };
        let (mut depth, mut at_start) = (0_i32, true);
        for (i, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                c if at_start && depth == 0 && !c.is_whitespace() => {
                    names.extend(identifier(&inside[i..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty() && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
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
