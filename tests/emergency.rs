//! `emergency` with each part broken by itself and with all of them: the configuration, the systems, the journal, what was seen last.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "support/home.rs"]
mod home;
#[path = "support/program.rs"]
mod program;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::fs;

use home::{Home, Told, said};
use served::{Served, text};

/// A home in which the world was seen, with one record, and the commands that would abort as they were printed then.
struct Night {
    home: Home,
    served: Option<Served>,
    /// What `--print-commands` said while the world was seen.
    abort: String,
    /// The same of the roll back.
    rollback: String,
}

impl Night {
    /// By this machine's clock, unless the world's is kept: who comes later cannot ask a world that is gone for its own.
    fn seen(change: impl FnOnce(&mut toml::Table)) -> Self {
        let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
        home.configure(&served, change);
        let printed = |verb: &str| text(&home.run(&[verb, "payments", "--print-commands"]));
        let (abort, rollback) = (printed("abort"), printed("rollback"));
        let mut told = Told::by(home.command(&["--linear"]));
        told.until("its release", |line| line.starts_with("release payments in prod/eu-west-1: "));
        told.leave();
        // What was seen is older than what was done.
        text(&home.run(&["abort", "payments", "--yes", "--reason", "it burns", "--no-cache"]));
        Self { home, served: Some(served), abort, rollback }
    }

    fn ours() -> Self {
        Self::seen(|config| drop(config.remove("world")))
    }

    /// What it says, which must be something.
    fn told(&self) -> String {
        let output = self.home.run(&["emergency", "payments"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        text(&output)
    }

    fn breaks_configuration(&self) {
        fs::write(self.home.path("config.toml"), "connections = 7\n[what").unwrap();
    }

    fn breaks_journal(&self) {
        fs::write(self.home.path("state/journal.sqlite"), "no journal at all, and long enough to be looked at")
            .unwrap();
    }
}

/// The lines of a way back stand together as they were printed.
fn holds(text: &str, commands: &str) -> bool {
    let (all, wanted): (Vec<&str>, Vec<&str>) = (text.lines().collect(), commands.lines().collect());
    !wanted.is_empty() && all.windows(wanted.len()).any(|lines| lines == wanted)
}

const RECORD: &str = "it burns";
const CACHED: &str = "FROM CACHE, as it was at ";

#[test]
fn with_everything_in_order_it_tells_what_is_live_with_the_commands_that_the_verbs_would_print() {
    let run = |line: &str| program::holdshort().args(line.split(' ')).output().unwrap();
    let (world, scene) = ("--demo --at +21m30s", "emergency payments");
    let told = text(&run(&format!("{world} {scene}")));
    for verb in ["abort", "rollback"] {
        let printed = text(&run(&format!("{world} {verb} payments --print-commands")));
        assert!(holds(&told, &printed), "{verb}: {printed}\n{told}");
    }
    assert!(told.contains("1.41.3 (") && told.contains("1.42.0 ("), "{told}");
    assert!(
        told.contains("\n# ---- kubernetes-eu\n") && !told.contains("NOT READ") && !told.contains(CACHED),
        "{told}"
    );
}

#[test]
fn where_only_the_configuration_is_broken_the_systems_are_asked_with_what_it_was() {
    let night = Night::ours();
    night.breaks_configuration();
    let told = night.told();
    let said = "\n  configuration: below is told with what it was when it could be read last\n";
    assert!(told.contains(said) && told.contains("holdshort config check"), "{told}");
    // It was aborted since it was seen: what is live tells that, with the way back that is left.
    assert!(!told.contains(CACHED) && told.contains("was aborted and still stands in the spec"), "{told}");
    assert!(holds(&told, &night.rollback) && told.contains(RECORD), "{told}");
    let another = night.home.path("another.toml");
    fs::write(&another, "[what").unwrap();
    let told = text(&night.home.run(&["emergency", "payments", "--config", another.to_str().unwrap()]));
    assert!(
        !told.contains("told with what it was") && told.contains(CACHED),
        "of other files nothing is known: {told}"
    );
}

#[test]
fn a_configuration_that_cannot_be_read_leaves_what_was_seen_last_its_commands_and_the_record() {
    let mut night = Night::ours();
    night.served = None;
    night.breaks_configuration();
    let told = night.told();
    assert!(told.contains("\n  configuration: ") && told.contains("holdshort config check"), "{told}");
    assert!(told.contains(CACHED) && told.contains(RECORD), "{told}");
    assert!(holds(&told, &night.abort) && holds(&told, &night.rollback), "{told}");
    assert!(!told.contains("\n  journal: "), "the file says where records are: {told}");
}

#[test]
fn systems_that_are_gone_leave_what_was_seen_last_and_each_is_named() {
    let mut night = Night::ours();
    night.served = None;
    let told = night.told();
    assert!(told.contains("\n  connection: kubernetes-eu has not answered: "), "{told}");
    assert!(told.contains(CACHED) && told.contains(RECORD) && holds(&told, &night.abort), "{told}");
}

#[test]
fn a_world_that_is_gone_with_its_clock_is_told_by_the_time_of_this_machine() {
    let mut night = Night::seen(|_| {});
    night.served = None;
    let told = night.told();
    assert!(told.contains("\n  clock: the served world at "), "{told}");
    assert!(told.contains("FROM CACHE, as it was at 2026-03-10 ") && holds(&told, &night.abort), "{told}");
}

#[test]
fn a_journal_that_is_broken_or_locked_takes_only_the_records_away() {
    let night = Night::ours();
    let locked = rusqlite::Connection::open(night.home.path("state/journal.sqlite")).unwrap();
    locked.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let told = night.told();
    assert!(told.contains("\n  journal: ") && !told.contains(RECORD), "{told}");
    // What is live goes before what was seen: it was aborted since.
    assert!(!told.contains(CACHED) && told.contains("was aborted and still stands in the spec"), "{told}");
    assert!(holds(&told, &night.rollback), "{told}");
    drop(locked);
    assert!(night.told().contains(RECORD));
    night.breaks_journal();
    let told = night.told();
    assert!(told.contains("\n  journal: ") && told.contains("was aborted and still stands"), "{told}");
}

#[test]
fn what_was_seen_last_is_missed_only_where_nothing_else_tells() {
    let mut night = Night::ours();
    fs::write(night.home.seen(), "{").unwrap();
    let told = night.told();
    assert!(!told.contains("NOT READ") && told.contains("was aborted and still stands"), "{told}");
    night.served = None;
    fs::write(night.home.seen(), "{").unwrap();
    let output = night.home.run(&["emergency", "payments"]);
    assert_eq!(output.status.code(), Some(8), "a record tells nobody what runs: {}", said(&output));
    let told = said(&output);
    assert!(told.contains("\n  cache: ") && told.contains("is left alone: it is broken"), "{told}");
    assert!(
        told.contains("nothing is known of what runs") && told.contains(RECORD),
        "the record is still there: {told}"
    );
}

#[test]
fn with_everything_broken_it_says_what_each_part_lacks_and_that_nothing_could_be_told() {
    let mut night = Night::ours();
    night.served = None;
    night.breaks_configuration();
    night.breaks_journal();
    // As long as one part is whole there is something to tell.
    assert!(holds(&night.told(), &night.abort));
    fs::write(night.home.seen(), "{").unwrap();
    let output = night.home.run(&["emergency", "payments"]);
    assert_eq!(output.status.code(), Some(8), "{}", said(&output));
    for part in ["configuration", "cache", "journal"] {
        assert!(said(&output).contains(&format!("\n  {part}: ")), "{}", said(&output));
    }
    fs::remove_dir_all(night.home.path(".cache")).unwrap();
    let mut command = night.home.command(&["emergency", "payments", "--json"]);
    let output = command.env_remove("HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(8), "{}", said(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["schema"], "holdshort/emergency/v1");
    assert!(json["broken"].as_array().unwrap().iter().any(|one| one["part"] == "cache"), "{json:#}");
}

#[test]
fn whoever_misspells_a_service_is_told_which_there_are_and_that_it_may_be_elsewhere_where_something_is_broken() {
    let mut night = Night::ours();
    let output = night.home.run(&["emergency", "payment"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("there is no service 'payment'; there are: payments"), "{}", said(&output));
    night.served = None;
    let output = night.home.run(&["emergency", "payment"]);
    assert_eq!(output.status.code(), Some(8), "{}", said(&output));
    assert!(said(&output).contains("known are: payments"), "{}", said(&output));
}

#[test]
fn who_only_ever_used_commands_is_told_what_they_saw_with_the_way_back_as_it_stood_then() {
    let (served, home) = (Served::start("bad-canary", &["--at", "+21m30s"]), Home::new());
    home.configure(&served, |config| drop(config.remove("world")));
    drop(home.run(&["status"]));
    let abort = text(&home.run(&["abort", "payments", "--print-commands"]));
    drop(served);
    let output = home.run(&["emergency", "payments"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = text(&output);
    assert!(told.contains(CACHED) && holds(&told, &abort), "{told}");
    assert!(
        told.contains("\n# pre-flight: ") || told.contains("\n# AMBER: ") || told.contains("\n# not known: "),
        "{told}"
    );
    // What was done since is known as well.
    let served = Served::start("bad-canary", &["--at", "+21m30s"]);
    let home = Home::new();
    home.configure(&served, |config| drop(config.remove("world")));
    text(&home.run(&["abort", "payments", "--yes", "--reason", "it burns"]));
    drop(served);
    let told = text(&home.run(&["emergency", "payments"]));
    assert!(told.contains("was aborted and still stands in the spec"), "{told}");
}

#[test]
fn without_a_configuration_and_without_a_home_what_this_machine_tells_of_is_asked() {
    let world = Served::start("bad-canary", &["--at", "+21m30s", "--now"]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = program::holdshort();
    command.args(["emergency", "payments"]).current_dir(folder.path()).env_remove("HOME");
    let output = command.env("KUBECONFIG", world.address("kubeconfig")).output().unwrap();
    let told = text(&output);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for part in [
        "  configuration: no configuration: looked for ",
        "  configuration: below is told with what this machine tells of, as `holdshort init` would write it\n",
        "1.41.3 (9f8e7d6) serves, 1.42.0 (a1b2c3d) is on its way: paused, step 5/8, 25 %",
        " --context eu -n shop patch rollouts.argoproj.io payments ",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn what_another_configuration_saw_is_said_to_be_that_although_neither_has_a_name() {
    let mut night = Night::ours();
    night.served = None;
    let other = night.home.path("other.toml");
    let staging =
        "[connections.staging]\nkind = \"kubernetes\"\nserver = \"http://127.0.0.1:1\"\nenvironment = \"staging\"\n";
    fs::write(&other, staging).unwrap();
    let output = night.home.run(&["--config", other.to_str().unwrap(), "emergency", "payments"]);
    let told = text(&output);
    let seen = told.lines().find(|line| line.contains("FROM CACHE")).unwrap();
    assert!(seen.contains(", by another configuration"), "{told}");
    assert!(!told.contains("stands in the way"), "nothing was looked at now:\n{told}");
}
