//! How programs behave on a bastion: plain lines where no screen can be drawn, what was seen last at once, credentials that are renewed
//! under it, and a home that is missing, cannot be written, or is full.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/home.rs"]
mod home;
#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod pty;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use home::{Home, Told, said};
use pty::Pty;
use served::Served;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The settings of a connection.
fn connection<'a>(config: &'a mut toml::Table, name: &str) -> &'a mut toml::Table {
    config["connections"][name].as_table_mut().unwrap()
}

#[test]
fn without_a_terminal_the_cockpit_tells_in_lines_what_there_is_and_ends_with_its_input() {
    for (arguments, announced) in [(&["demo", "--linear"][..], false), (&["demo"], true)] {
        let aside = tempfile::NamedTempFile::new().unwrap();
        let mut command = program::holdshort();
        command.args(arguments).stderr(aside.reopen().unwrap());
        let mut told = Told::by(command);
        let (headline, release) = (std::cell::Cell::new(false), std::cell::Cell::new(false));
        told.until("the bad release in the headline and in its own line", |line| {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            let judged = "release payments in prod/eu-west-1: 1.41.3 to 1.42.0, ";
            release.set(release.get() || line.starts_with(judged) && line.contains(", NO-GO"));
            let leads = line.starts_with("headline: LIKELY THE RELEASE") && line.contains("payments");
            headline.set(headline.get() || leads);
            headline.get() && release.get()
        });
        told.leave();
        let said = fs::read_to_string(aside.path()).unwrap();
        assert_eq!(said.contains("the output is no terminal: each change is a line"), announced, "{said}");
    }
}

#[test]
fn a_terminal_that_moves_no_cursor_gets_lines_and_never_an_escape_sequence() {
    let mut pty = Pty::start_in(&["demo"], &[("TERM", "dumb")], 120, 36);
    pty.until("the release", |screen| screen.contains("release payments in prod/eu-west-1"));
    let raw = pty.raw();
    let text = String::from_utf8_lossy(&raw);
    assert!(text.contains("TERM is 'dumb', a terminal that moves no cursor: each change is a line"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    pty.keys("\u{4}");
    assert!(pty.wait().success());
    for arguments in [&["--demo", "status"][..], &["--help"], &["--demo", "snapshot"], &["no-such-command"]] {
        let mut pty = Pty::start_in(arguments, &[("TERM", "dumb")], 120, 36);
        pty.wait();
        assert!(!pty.raw().contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn commands_name_each_value_where_lines_are_asked_for() {
    let output = program::holdshort().args(["--demo", "--linear", "--at", "+21m30s", "status"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text.lines().find(|line| line.starts_with("service: payments; ")).unwrap_or_else(|| panic!("{text}"));
    assert!(row.contains("environment: prod/eu-west-1; version: 1.41.3 -> 1.42.0; phase: paused; "), "{row}");
    assert!(row.contains("; verdict: NO-GO; reason: "), "{row}");
    assert!(text.lines().any(|line| line.starts_with("source: kubernetes-eu; state: live; ")), "{text}");
    let cases: [(&str, &[&str], &str); 9] = [
        ("waiting-approval", &["inbox"], "service: ledger; "),
        ("waiting-approval", &["runs"], "service: ledger; "),
        ("waiting-approval", &["run", "ledger#812"], "status: waiting; job: deploy-prod"),
        ("bad-canary", &["logs", "payments", "--patterns"], "finding: new; canary: "),
        ("bad-canary", &["doctor"], "kubernetes-eu (kubernetes): reached: good: it answers"),
        ("bad-canary", &["rollback", "payments", "--dry-run", "--reason", "errors"], "to: 1.41.3"),
        ("bad-canary", &["keys"], "key: r; intent: rollback; what it does: Put the last version known good back"),
        ("bad-canary", &["themes", "list"], "theme: dark; about: "),
        ("bad-canary", &["demo", "--list"], "scenario: bad-canary; about: "),
    ];
    for (scenario, command, expected) in cases {
        let demo = format!("--demo={scenario}");
        let output = program::holdshort().args([demo.as_str(), "--linear"]).args(command).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().any(|line| line.contains(expected)), "{command:?}: {text}");
        // Neither columns nor what stands further in: both are seen and not heard.
        assert!(!text.lines().any(|line| line.starts_with(' ') || line.contains("   ")), "{command:?}: {text}");
    }
}

#[test]
fn records_are_told_in_lines_each_of_which_says_what_it_is_of() {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    home.configure(&served, |_| {});
    let output = home.run(&["abort", "payments", "--yes", "--reason", "errors"]);
    assert!(output.status.success(), "{}", said(&output));
    let lines = |arguments: &[&str]| String::from_utf8(home.run(arguments).stdout).unwrap();
    let listed = lines(&["--linear", "audit", "list"]);
    assert!(listed.starts_with("id: 1; at: ") && listed.contains("; verb: abort; service: payments; "), "{listed}");
    let shown = lines(&["--linear", "audit", "show", "1"]);
    assert!(shown.lines().any(|line| line == "reason: errors"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("happened at ") && line.contains(": done, ")), "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with(' ') || line.contains("  ")), "{shown}");
}

#[test]
fn a_token_that_is_renewed_on_the_disk_is_taken_without_a_restart() {
    let (served, home) = (Served::start("bad-canary", &["--speed", "8", "--at", "+21m30s"]), Home::new());
    let token = home.path("token");
    fs::write(&token, "ended\n").unwrap();
    home.configure(&served, |config| {
        let from = toml::Table::from_iter([("file".to_owned(), token.display().to_string().into())]);
        connection(config, "kubernetes-eu").insert("token".to_owned(), from.into());
    });
    let mut told = Told::by(home.command(&["--linear"]));
    let line = told.until("the refusal", |line| {
        line.starts_with("source kubernetes-eu ") && line.contains("does not know who we are")
    });
    assert!(!line.contains("live"), "{line}");
    // As a good renewer does it: whole, or not at all.
    fs::write(home.path("new"), "demo\n").unwrap();
    fs::rename(home.path("new"), &token).unwrap();
    told.until("the cluster", |line| line == "source kubernetes-eu: live");
    told.until("its release", |line| line.starts_with("release payments in prod/eu-west-1: "));
    told.leave();
}

/// A home in which the world was seen, and then ended.
fn seen_last() -> Home {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    // By this machine's clock: whoever comes later cannot ask the world for its own.
    home.configure(&served, |config| drop(config.remove("world")));
    let mut told = Told::by(home.command(&["--linear"]));
    told.until("its release", |line| line.starts_with("release payments in prod/eu-west-1: "));
    told.leave();
    home
}

const FROM_CACHE: &str = "from cache, as it was at ";

#[test]
fn what_was_seen_last_is_told_while_nothing_can_be_read_and_nothing_acts_on_it() {
    let home = seen_last();
    let (folder, file) = (home.path(".cache/holdshort"), home.seen());
    assert_eq!([mode(&folder), mode(&file)], [0o700, 0o600]);
    let lines = |arguments: &[&str]| String::from_utf8(home.run(arguments).stdout).unwrap();
    let text = lines(&["--linear"]);
    let cached = text.lines().position(|line| line.starts_with(FROM_CACHE)).unwrap_or_else(|| panic!("{text}"));
    assert!(text.lines().nth(cached).unwrap().ends_with(" UTC, not read yet: payments in prod/eu-west-1"), "{text}");
    // Which of the two comes first is between the disk and the network.
    assert!(text.contains("Connection refused") && !text.lines().any(|line| line.starts_with("release ")), "{text}");
    assert!(!lines(&["--linear", "--no-cache"]).contains(FROM_CACHE));
    // Commands go by what they read, and by nothing else.
    for arguments in [&["status"][..], &["rollback", "payments", "--yes", "--reason", "errors"]] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(8), "{}", said(&output));
        assert!(!said(&output).contains("from cache"), "{}", said(&output));
    }

    let (config, at) = (home.path("config.toml"), home.path(""));
    let environment = [("HOME", at.to_str().unwrap())];
    let mut pty = Pty::start_in(&["--config", config.to_str().unwrap()], &environment, 120, 36);
    let screen = pty.until("what was seen last", |screen| screen.contains("FROM CACHE"));
    assert!(screen.lines().any(|line| line.contains("payments") && line.contains("25 %")), "{screen}");
    pty.press("r", "the refusal", |screen| screen.contains("it is known from cache only"));
    pty.keys("q");
    assert!(pty.wait().success());
    assert!(fs::read_to_string(&file).unwrap().contains("shop/payments"), "it is still there");
}

/// A home whose configuration names no place for anything, before a served world; nothing where this machine has a team's place.
fn with_places_of_its_own() -> Option<(Served, Home)> {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    home.configure(&served, |config| {
        config.remove("state");
        config.remove("world");
    });
    (!Path::new("/var/lib/holdshort").exists()).then_some((served, home))
}

#[test]
fn state_and_what_was_seen_last_are_where_the_variables_of_xdg_say_and_nowhere_else() {
    let Some((_served, home)) = with_places_of_its_own() else { return };
    let (state, cache) = (home.path("elsewhere/state"), home.path("elsewhere/cache"));
    let mut command = home.command(&["abort", "payments", "--yes", "--reason", "errors"]);
    let output = command.env("XDG_STATE_HOME", &state).env("XDG_CACHE_HOME", &cache).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let all = |folder: PathBuf| -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let kept = all(state.join("holdshort"));
    assert!(kept.iter().any(|name| name == "journal.sqlite"), "{kept:?}");
    assert_eq!(all(cache.join("holdshort")).len(), 1);
    let mut at_home = all(home.path(""));
    at_home.sort();
    assert_eq!(at_home, ["config.toml", "elsewhere"]);
}

#[test]
fn a_cache_that_is_broken_or_others_can_write_is_left_alone_with_a_word_in_doctor() {
    let home = seen_last();
    let file = home.seen();
    let doctor = |home: &Home| said(&home.run(&["doctor"]));
    assert!(doctor(&home).contains(" shown at the next start"), "{}", doctor(&home));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(doctor(&home).contains("what was seen last is left alone: "), "{}", doctor(&home));
    assert!(!said(&home.run(&["--linear"])).contains(FROM_CACHE));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "{").unwrap();
    let text = doctor(&home);
    assert!(text.contains("it is broken") && text.contains("remove the file"), "{text}");
    let output = home.run(&["--linear"]);
    assert!(output.status.success() && !said(&output).contains(FROM_CACHE), "{}", said(&output));
}

#[test]
fn without_a_home_and_with_one_that_cannot_be_written_reading_works_and_acting_says_why_not() {
    let Some((_served, home)) = with_places_of_its_own() else { return };
    // Nobody can make a folder in /proc.
    let nowhere = "the journal: has no place, for HOME is not set; set HOME, or state.path in the configuration";
    for (set, why) in [(None, nowhere), (Some("/proc"), "/proc/.local/state/holdshort")] {
        let run = |arguments: &[&str]| {
            let mut command = home.command(arguments);
            command.env_remove("HOME").envs(set.map(|home| ("HOME", home)));
            command.output().unwrap()
        };
        let output = run(&["status"]);
        assert!(said(&output).contains("payments") && output.status.success(), "{}", said(&output));
        let output = run(&["promote", "payments", "--yes", "--reason", "it is good", "--accept-wait"]);
        assert!(output.status.code() == Some(9) && said(&output).contains(why), "{}", said(&output));
        let output = run(&["--linear"]);
        assert!(said(&output).contains("release payments in "), "{}", said(&output));
        assert_eq!(fs::read_dir(home.path("")).unwrap().count(), 1, "only the configuration is here");
    }
}

/// Looks until it is so; each look is a call of the system. Not a time.
fn looked_until(what: &str, so: impl Fn() -> bool) {
    assert!((0..5_000_000).any(|_| so()), "waited for {what}");
}

#[test]
fn a_credential_plugin_that_asks_somebody_has_no_terminal_and_holds_up_neither_the_screen_nor_the_other_cluster() {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    let (asked, id) = (home.path("asked"), home.path("id"));
    let script = format!(
        "(: >/dev/tty) 2>/dev/null && echo a terminal >{0} || echo no terminal >{0}; echo $$ >{1}.new; mv {1}.new {1}; exec sleep 600",
        asked.display(),
        id.display()
    );
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: us\nclusters: [{{name: us, cluster: {{server: 'http://127.0.0.1:9'}}}}]\n\
         contexts: [{{name: us, context: {{cluster: us, user: plugin}}}}]\nusers:\n- name: plugin\n  user:\n    exec:\n      \
         apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: IfAvailable\n      command: sh\n      args: ['-c', '{script}']\n"
    );
    fs::write(home.path("kubeconfig"), kubeconfig).unwrap();
    fs::set_permissions(home.path("kubeconfig"), fs::Permissions::from_mode(0o600)).unwrap();
    home.configure(&served, |config| {
        let mut us = toml::Table::new();
        us.insert("kind".to_owned(), "kubernetes".into());
        us.insert("environment".to_owned(), "prod/us-east-1".into());
        us.insert("kubeconfig".to_owned(), home.path("kubeconfig").display().to_string().into());
        config["connections"].as_table_mut().unwrap().insert("kubernetes-us".to_owned(), us.into());
    });
    let (config, at) = (home.path("config.toml"), home.path(""));
    let environment = [("HOME", at.to_str().unwrap())];
    let mut pty = Pty::start_in(&["--config", config.to_str().unwrap()], &environment, 120, 36);
    pty.until("the other cluster", |screen| screen.contains("payments") && screen.contains("kubernetes-us"));
    looked_until("the plugin", || id.exists());
    assert_eq!(fs::read_to_string(&asked).unwrap(), "no terminal\n");
    let running = PathBuf::from("/proc").join(fs::read_to_string(&id).unwrap().trim());
    assert!(running.exists(), "it still runs");
    pty.keys("q");
    assert!(pty.wait().success());
    looked_until("its end", || !running.exists());
}

#[test]
fn on_a_full_disk_reading_and_going_back_work_and_going_forward_is_refused_by_name_of_the_place() {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    home.configure(&served, |config| drop(config.remove("world")));
    fs::create_dir(home.path("state")).unwrap();
    // A disk of its own, which is full: in a name space of ours nobody else sees it.
    let full = |arguments: &[&str]| {
        let command = home.command(arguments);
        let script = "mount -t tmpfs -o size=64k,mode=700 small \"$1\" && { head -c 1M /dev/zero >\"$1/fill\" 2>/dev/null; shift; exec \"$@\"; }";
        let mut within = Command::new("unshare");
        within.args(["-rm", "sh", "-c", script, "sh"]).arg(home.path("state")).arg(command.get_program());
        within.args(command.get_args()).current_dir(home.path("")).env("HOME", home.path(""));
        for name in program::settings() {
            within.env_remove(name);
        }
        within.output()
    };
    if !full(&["--version"]).is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no disk of its own can be made here (unshare, mount): what becomes of a full one");
        return;
    }
    let run = |arguments: &[&str]| full(arguments).unwrap();
    let output = run(&["status"]);
    assert!(output.status.success() && said(&output).contains("payments"), "{}", said(&output));
    let output = run(&["promote", "payments", "--yes", "--reason", "it is good", "--accept-wait"]);
    let why = "the disk is full; free some space, or name another place with state.path";
    assert!(output.status.code() == Some(9) && said(&output).contains(why), "{}", said(&output));
    let output = run(&["abort", "payments", "--yes", "--reason", "errors"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("the disk is full"), "{}", said(&output));
    let spool = fs::read_to_string(home.path(".local/state/holdshort/spool.jsonl")).unwrap();
    assert!(spool.contains("payments"), "{spool}");
}
