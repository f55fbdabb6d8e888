//! Command lines as they are written: what is understood, what is refused, and with which words. Nothing runs here.
#![expect(clippy::panic, reason = "what reads the fixtures is test code too")]

use std::{path::PathBuf, time::Duration};

use clap::CommandFactory;
use holdshort::{
    app::intent::Intent,
    cli::{
        Cli, Command,
        args::{AuditCommand, ColorChoice, ConfigCommand, DemoCommand, ThemesCommand},
        parse,
        value::{Moment, Size, Snapshotted, View, Wait},
    },
    domain::verb::Verb,
};
use strum::IntoEnumIterator;

fn words(line: &str) -> Vec<String> {
    std::iter::once("holdshort").chain(line.split_whitespace()).map(str::to_owned).collect()
}

fn read(line: &str) -> Cli {
    parse(words(line)).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn command(line: &str) -> Command {
    read(line).command.unwrap_or_else(|| panic!("{line}: no command"))
}

#[test]
fn what_clap_is_told_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_bare_name_opens_the_cockpit() {
    let cli = read("");
    assert_eq!((cli.command, cli.globals.demo, cli.globals.color), (None, None, ColorChoice::Auto));
}

#[test]
fn flags_of_every_command_stand_before_and_after_it() {
    for line in ["--demo=steady --at +20m --seed 7 status --json", "status --json --demo=steady --at=20m --seed=7"] {
        let cli = read(line);
        assert_eq!(cli.globals.demo.as_deref(), Some("steady"), "{line}");
        assert_eq!((cli.globals.at, cli.globals.seed), (Some(Duration::from_mins(20)), Some(7)), "{line}");
        assert_eq!(cli.command, Some(Command::Status { service: None, exit_code: false, json: true }), "{line}");
    }
    let cli = read("--config a.toml inbox --config b.toml --profile eu --read-only --ascii --slow -vv --color never");
    assert_eq!(cli.globals.profile.as_deref(), Some("eu"));
    assert_eq!(
        (cli.globals.read_only, cli.globals.ascii, cli.globals.slow, cli.globals.verbose),
        (true, true, true, 2)
    );
}

#[test]
fn demo_takes_its_value_only_after_an_equals_sign() {
    let cli = read("--demo status payments");
    assert_eq!(cli.globals.demo.as_deref(), Some("bad-canary"));
    assert_eq!(cli.command, Some(Command::Status { service: Some("payments".into()), exit_code: false, json: false }));
}

#[test]
fn the_demo_is_flown_listed_and_served() {
    let Command::Demo(demo) = command("demo --scenario low-traffic --seed 3 --speed 2.5 --record out.jsonl") else {
        panic!("not demo")
    };
    assert_eq!((demo.scenario.as_deref(), demo.speed), (Some("low-traffic"), Some(2.5)));
    assert_eq!(demo.record, Some(PathBuf::from("out.jsonl")));
    let Command::Demo(demo) = command("demo --list") else { panic!("not demo") };
    assert!(demo.list);
    for line in
        ["demo serve --listen 127.0.0.1:8080 --scenario steady", "demo --scenario steady serve --listen 127.0.0.1:8080"]
    {
        let Command::Demo(demo) = command(line) else { panic!("not demo") };
        let listen = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(
            (demo.scenario.as_deref(), demo.command),
            (Some("steady"), Some(DemoCommand::Serve { listen, now: false }))
        );
    }
}

#[test]
fn every_verb_with_a_key_is_a_command_of_its_own_and_every_verb_can_be_named() {
    let named = Verb::iter().flat_map(|verb| {
        let name = verb.to_string().replace('_', "-");
        let own = Intent::Do(verb).row().is_keyed().then(|| name.clone());
        own.into_iter().chain([format!("do {name}"), format!("do {verb}")]).map(move |name| (verb, name))
    });
    for (verb, name) in named {
        let line = format!("{name} payments@prod --expect 1.42.0 --reason x --accept-wait --yes --json --wait=90s");
        let command = command(&line);
        let (read, args, to) = command.verb().unwrap_or_else(|| panic!("{name} is no verb"));
        assert_eq!((read, &args.targets[..], to), (verb, &["payments@prod".to_owned()][..], None));
        assert_eq!((&args.expect[..], args.yes, args.json), (&["1.42.0".to_owned()][..], true, true));
        assert!(args.accept_wait, "{name}");
        assert_eq!(args.wait, Wait::AtMost(Duration::from_secs(90)));
    }
    let rollback = command("rollback payments --to 1.41.3 --wait");
    let (_, args, to) = rollback.verb().unwrap();
    assert_eq!((to, args.wait), (Some("1.41.3"), Wait::Verified));
}

#[test]
fn the_other_commands_are_understood() {
    let table = [
        ("inbox --json", Command::Inbox { json: true }),
        ("status --exit-code", Command::Status { service: None, exit_code: true, json: false }),
        ("audit list", Command::Audit(AuditCommand::List { json: false })),
        ("audit show 12 --json", Command::Audit(AuditCommand::Show { id: 12, json: true })),
        ("audit verify", Command::Audit(AuditCommand::Verify { heads: None, json: false })),
        ("keys", Command::Keys { json: false }),
        ("themes list", Command::Themes(ThemesCommand::List)),
        ("themes check a.toml", Command::Themes(ThemesCommand::Check { file: Some("a.toml".into()) })),
        ("config check", Command::Config(ConfigCommand::Check { files: Vec::new() })),
        ("config check a.toml", Command::Config(ConfigCommand::Check { files: vec!["a.toml".into()] })),
        ("config show", Command::Config(ConfigCommand::Show)),
        ("executor 3", Command::Executor { id: 3 }),
        (
            "replay a.jsonl --until +20m",
            Command::Replay { file: "a.jsonl".into(), until: Some(Moment::After(Duration::from_mins(20))), speed: 1.0 },
        ),
        (
            "replay a.jsonl --until 2026-03-10T02:07:00Z",
            Command::Replay {
                file: "a.jsonl".into(),
                until: Some(Moment::At("2026-03-10T02:07:00Z".parse().unwrap())),
                speed: 1.0,
            },
        ),
    ];
    for (line, expected) in table {
        assert_eq!(command(line), expected, "{line}");
    }
}

#[test]
fn a_snapshot_names_view_size_form_and_keys() {
    let Command::Snapshot(args) = command("snapshot") else { panic!("not snapshot") };
    assert_eq!((args.view, args.size), (View::Board, Size { columns: 120, rows: 36 }));
    assert_eq!((args.format, args.keys), (Snapshotted::Txt, None));
    let line = ["holdshort", "snapshot", "--view=release:payments", "--size=80x24", "--format=svg", "--keys=j Enter"];
    let Some(Command::Snapshot(args)) = parse(line).unwrap().command else { panic!("not snapshot") };
    assert_eq!((args.view, args.size), (View::Release("payments".into()), Size { columns: 80, rows: 24 }));
    let keys: Vec<String> = args.keys.unwrap().0.iter().map(ToString::to_string).collect();
    assert_eq!((args.format, keys), (Snapshotted::Svg, vec!["j".to_owned(), "Enter".to_owned()]));
}

#[test]
fn what_cannot_be_understood_ends_with_2_and_says_why() {
    let table = [
        ("explode", "unrecognized subcommand 'explode'"),
        ("stauts", "similar subcommands exist: 'pause', 'audit', 'restart', 'state', 'status'"),
        ("abort", "required arguments were not provided"),
        ("abort payments --to 1.0", "unexpected argument '--to'"),
        ("abort payments --wait=soon", "write e.g. 90s, 20m or 1h30m"),
        ("abort payments --wait 30s", "a time is no target: is --wait=30s meant?"),
        ("abort payments --print-commands --json", "cannot be used with"),
        ("status --at +20m", "--seed and --at belong to the built-in world: add --demo"),
        ("--demo status --at sometime", "write e.g. 90s, 20m or 1h30m"),
        ("demo --speed 0", "write a number above 0, at most 10000"),
        ("demo --speed NaN", "write a number above 0, at most 10000"),
        ("demo serve --listen nowhere", "invalid socket address syntax"),
        ("demo serve --now --speed 2", "--now and --speed exclude each other: now goes as fast as it goes"),
        ("--record a.jsonl status", "--record belongs to the cockpit and to `holdshort demo`"),
        ("--demo=steady demo --scenario hung-api", "--demo and --scenario both name a scenario: keep one"),
        ("snapshot --size 80", "write e.g. 120x36; at most 1000x1000"),
        ("snapshot --size 0x5", "write e.g. 120x36; at most 1000x1000"),
        (
            "snapshot --view release:",
            "write board, pipelines (or runs), inbox, signals, release:SERVICE, logs:SERVICE or run:SERVICE#NUMBER",
        ),
        ("snapshot --format gif", "possible values: txt, ansi, svg, json"),
        ("snapshot --keys=Hyper-x", "'Hyper-x' is not a key"),
        ("replay a.jsonl --until noon", "write +20m since the start, or 2026-03-10T02:07:00Z"),
        ("audit", "Usage: holdshort audit"),
        ("--color sometimes", "possible values: auto, always, never"),
    ];
    for (line, expected) in table {
        let error = parse(words(line)).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(expected), "{line}: {error}");
    }
}

#[test]
fn help_ends_well_and_lists_the_exit_codes() {
    for line in ["--help", "-h"] {
        let help = parse(words(line)).unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let text = help.to_string();
        assert!(text.contains("Exit codes:\n    0  done, or GO\n") && text.contains("\n  130  interrupted"), "{text}");
        assert!(!text.contains("executor"), "{text}");
    }
    let help = parse(words("status --help")).unwrap_err().to_string();
    for said in ["  holdshort status --exit-code && deploy\n", "0, whatever was seen: `holdshort status && deploy`"] {
        assert!(help.contains(said), "{help}");
    }
    assert_eq!(parse(words("--version")).unwrap_err().exit_code(), 0);
}
