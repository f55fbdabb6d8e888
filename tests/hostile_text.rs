//! Text from outside as a terminal would obey it: in arguments, configurations, pod templates and a journal that somebody has
//! written into. Whatever a command prints must be printable, and no line of it forged.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/door.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod door;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{fs, process::Output};

use door::Door;
use serde_json::{Value, json};
use served::Served;

/// Clears the screen, writes to the clipboard, sets a title that never ends, turns the text around, deletes, and begins a line
/// as if we had said it.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{7f}\u{202e}\u{200b}\r\nFORGED\u{1b}]0;";
/// How often the controller is looked at. Not a time: each look is a request.
const LOOKS: usize = 20_000;

fn said(args: &[&str]) -> Output {
    program::holdshort().args(args).output().unwrap()
}

/// Fails where something of it would be obeyed, or stands at the beginning of a line.
fn assert_harmless(args: &[&str], output: &Output) -> String {
    let mut all = String::new();
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let obeyed =
            |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'));
        assert!(!text.contains(obeyed), "{args:?}: {text:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("FORGED")), "{args:?}: {text}");
        all.push_str(&text);
    }
    all
}

#[test]
fn arguments_and_configurations_are_quoted_without_being_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let escaped = json!(HOSTILE).to_string().replace("\\u007f", "\u{7f}");
    let connection = |more: &str| format!("[connections.m]\nkind = 'prometheus'\n{more}\n");
    let configs = [
        connection(&format!("url = 'http://127.0.0.1:9'\npreset = {escaped}")),
        connection("url = 'http://127.0.0.1:9'\npreset = 'istio'").replace(".m]", &format!(".{escaped}]")),
        format!("theme = {escaped}\n"),
        format!("{escaped} = 1\n"),
        format!("[keys]\n{escaped} = {escaped}\n"),
        "theme = '\u{9b}2J\u{202e}\u{7f}\n".to_owned(),
    ];
    let config = file.to_str().unwrap();
    for text in configs {
        fs::write(&file, &text).unwrap();
        for args in [&["--config", config, "config", "check"][..], &["--config", config, "status"]] {
            let output = said(args);
            assert!(!assert_harmless(args, &output).is_empty(), "{text}");
        }
    }
    let commands: [&[&str]; 9] = [
        &["--demo", "status", HOSTILE],
        &["--demo", "abort", HOSTILE],
        &["--demo", "rollback", "payments", "--to", HOSTILE, "--dry-run"],
        &["--demo", "rollback", "payments", "--expect", HOSTILE, "--dry-run", "--json"],
        &["--demo", "snapshot", "--view", HOSTILE],
        &["--config", HOSTILE, "status"],
        &["replay", HOSTILE],
        &["themes", "check", HOSTILE],
        &[HOSTILE],
    ];
    for args in commands {
        let said = assert_harmless(args, &said(args));
        assert!(said.contains("2J"), "{args:?} quotes nothing: {said}");
    }
}

#[test]
fn a_judged_case_is_answered_without_its_name_being_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases");
    let case = json!({"name": HOSTILE, "intervals": [
        {"canary": {"requests": 300, "errors": 9}, "baseline": {"requests": 2700, "errors": 6}},
    ]});
    fs::write(&file, format!("{case}\n{{\"name\":{}}}\n", json!(HOSTILE))).unwrap();
    let file = file.to_str().unwrap();
    for args in [&["judge", file][..], &["judge", "--json", file]] {
        let output = said(args);
        let said = assert_harmless(args, &output);
        assert!(said.contains("2J"), "{said}");
        if args.contains(&"--json") {
            let first = said.lines().next().unwrap();
            assert_eq!(serde_json::from_str::<Value>(first).unwrap().get("name").unwrap(), HOSTILE);
        }
    }
}

#[test]
fn templates_and_a_tampered_journal_are_shown_without_being_obeyed() {
    let scenario = format!("{}/tests/fixtures/scenarios/kill-points.toml", env!("CARGO_MANIFEST_DIR"));
    let door = Door::before(Served::start(&scenario, &["--at", "+1m"]));
    let object = "/kubernetes/eu/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/point-1";
    for tag in ["1.3.0", "1.4.0"] {
        let operations = json!([
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": format!("registry.shop.example/point-1:{tag}")},
            {"op": "add", "path": "/spec/template/metadata/labels/hostile", "value": HOSTILE},
            {"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [{"name": HOSTILE, "value": tag}]},
        ]);
        let form = "Content-Type: application/json-patch+json";
        let (status, body) = door.ask(&format!("PATCH {object}"), &[form], &operations.to_string());
        assert_eq!(status, 200, "{body}");
        // A version that another one follows before the controller has seen it never was.
        let is_seen = || {
            let now: Value = serde_json::from_str(&door.ask(&format!("GET {object}"), &[], "").1).unwrap();
            now["status"]["observedGeneration"].as_str() == Some(&now["metadata"]["generation"].to_string())
        };
        assert!((0..LOOKS).any(|_| is_seen()), "the controller has not seen {tag}");
    }
    let config = door.config();
    let command = |args: &[&str]| {
        let args: Vec<&str> = ["--config", config.to_str().unwrap()].into_iter().chain(args.iter().copied()).collect();
        let output = said(&args);
        assert_harmless(&args, &output)
    };
    let back = ["rollback", "point-1", "--to", "1.3.0"];
    let planned =
        (0..100).map(|_| command(&[&back[..], &["--dry-run"]].concat())).find(|said| said.contains("hostile"));
    assert!(planned.is_some(), "the version with the hostile template was never there");
    command(&[&back[..], &["--dry-run", "--json"]].concat());
    command(&[&back[..], &["--print-commands"]].concat());
    command(&[&back[..], &["--yes", "--reason", "weekly", "--wait=0s", "--json"]].concat());

    let served = fs::read_to_string(&config).unwrap();
    let state = served.split("path = \"").nth(1).unwrap().split('"').next().unwrap();
    let journal = rusqlite::Connection::open(format!("{state}/journal.sqlite")).unwrap();
    let hostile = json!(HOSTILE).to_string();
    let hostile = hostile.trim_matches('"');
    for (was, is) in [("\"weekly\"", format!("\"{hostile}\"")), ("\"who\":\"", format!("\"who\":\"{hostile}"))] {
        let sql = "UPDATE lines SET body = replace(body, ?1, ?2) WHERE kind = 'begin'";
        assert_eq!(journal.execute(sql, [was, is.as_str()]).unwrap(), 1);
    }
    drop(journal);
    for args in [&["audit", "list"][..], &["audit", "show", "1"], &["audit", "verify"], &["audit", "verify", "--json"]]
    {
        command(args);
    }
    // That which is under way is named with whoever began it.
    command(&["promote", "point-1", "--yes", "--reason", "weekly"]);
    let shown = command(&["audit", "show", "1", "--json"]);
    let at = shown.find('{').unwrap();
    let end = shown.rfind('}').unwrap();
    let shown: Value = serde_json::from_str(shown.get(at..=end).unwrap()).unwrap();
    assert_eq!(shown.pointer("/records/0/reason").unwrap(), HOSTILE);
}
