//! Acts whose executor was killed, carried on by somebody else: by a command, by a key, by two at once, after the object moved,
//! after the journal was forged. The served world is one process, each command another, each executor another.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/door.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod door;
#[path = "taken_over/held.rs"]
mod held;
#[path = "taken_over/ordered.rs"]
mod ordered;
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
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use door::{Door, Writes};
use pty::Pty;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use served::{Served, text};

/// How many looks something may take. Not a time: each look is a process of its own.
const LOOKS: usize = 2_000;
/// How often a verb is asked for again that was refused before anything was recorded: on a loaded machine a source is late.
const ASKS: usize = 30;

/// One world at a time: with several of them a small machine is too slow for the time that a source has to answer.
static ONE: Mutex<()> = Mutex::new(());

fn world() -> (Door, MutexGuard<'static, ()>) {
    world_of(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/scenarios/every-verb.toml"))
}

fn world_of(scenario: &str) -> (Door, MutexGuard<'static, ()>) {
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    (Door::before(Served::start(scenario, &["--at", "+1m"])), alone)
}

fn holdshort(door: &Door, args: &[&str]) -> Command {
    let mut command = program::holdshort();
    command.arg("--config").arg(door.config()).args(args);
    command
}

/// What lee is told.
fn lee(door: &Door, args: &[&str]) -> Output {
    holdshort(door, args).env("HOLDSHORT_OPERATOR", "lee").output().unwrap()
}

const CONFIRMED: [&str; 4] = ["--yes", "--reason", "dana is gone", "--json"];

fn takes_over(door: &Door, id: &str) -> Output {
    lee(door, &[&["takeover", id], &CONFIRMED[..]].concat())
}

fn json(output: &Output) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}\n{err}"))
}

fn records(door: &Door) -> Vec<Value> {
    let list = json(&lee(door, &["audit", "list", "--json"]));
    let mut all = list["records"].as_array().unwrap().clone();
    all.reverse();
    all
}

/// The object behind a service of the world, as the world has it.
fn path(service: &str) -> String {
    format!("/kubernetes/eu/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{service}")
}

fn observed(door: &Door, service: &str) -> Value {
    let (status, body) = door.ask(&format!("GET {}", path(service)), &[], "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap()
}

/// The process that carries this record out, while it lives.
fn executor(door: &Door, id: &str) -> Option<Pid> {
    let config = door.config();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut numbers = numbers.filter(|number: &i32| {
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let ours = words.contains(&config.to_str().unwrap().as_bytes());
        ours && words.windows(2).any(|pair| pair == [&b"executor"[..], id.as_bytes()])
    });
    numbers.next().and_then(Pid::from_raw)
}

/// dana starts a verb; the command as it runs, once its record is written.
fn begun(door: &Door, args: &[&str]) -> Child {
    for _ in 0..ASKS {
        let mut command = holdshort(door, &[args, &["--yes", "--reason", "weekly"]].concat());
        command.env("HOLDSHORT_OPERATOR", "dana").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        if said.any(|line| line.unwrap().contains("recorded")) {
            std::thread::spawn(move || said.for_each(drop));
            return child;
        }
        let _ = child.wait();
    }
    panic!("{args:?} was not begun");
}

/// dana's verb stands at the call with this number, which is held on its way; then both of her processes are killed. Her call
/// stays on its way.
fn interrupted(door: &Door, args: &[&str], call: usize) {
    door.writes(Writes::Held);
    let mut foreground = begun(door, args);
    for before in 1..=call {
        door.until_held(1);
        if before < call {
            door.release();
        }
    }
    kill_process(executor(door, "1").unwrap(), Signal::KILL).unwrap();
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    door.writes(Writes::Pass);
}

fn stages(record: &Value, name: &str) -> Vec<String> {
    let all = record["stages"].as_array().unwrap().iter().filter(|stage| stage["stage"] == name);
    all.map(|stage| stage["said"].as_str().unwrap().to_owned()).collect()
}

fn assert_intact(door: &Door) {
    let verified = text(&lee(door, &["audit", "verify"]));
    assert!(verified.contains("every byte as it was written"), "{verified}");
}

#[test]
fn what_a_killed_executor_left_is_carried_on_once_and_both_records_say_by_whom() {
    let (door, _alone) = world();
    let before = observed(&door, "argo-rollback");
    interrupted(&door, &["rollback", "argo-rollback"], 1);
    let refused = lee(&door, &[&["--read-only", "takeover", "1"], &CONFIRMED[..]].concat());
    assert!(!refused.status.success() && json(&refused)["record"].is_null(), "{:#}", json(&refused));
    let shown = text(&lee(&door, &["takeover", "1", "--dry-run"]));
    assert!(shown.contains("takes over record 1 (dana, "), "{shown}");
    assert!(shown.contains("call 1 was sent and no answer is known"), "{shown}");

    let action = json(&takes_over(&door, "1"));
    assert_eq!((&action["outcome"], &action["record"]), (&"done".into(), &2.into()), "{action:#}");
    // dana's call lands now.
    door.release();
    let all = records(&door);
    let [first, second] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!((&first["who"], &second["who"]), (&"dana".into(), &"lee".into()));
    assert_eq!((&first["preempted_by"], &second["takes_over"]), (&2.into(), &1.into()), "{all:#?}");
    assert_eq!(stages(first, "preempted"), ["taken over (lee): goes on as record 2"]);
    assert_eq!(second["reason"], "dana is gone");
    let after = observed(&door, "argo-rollback");
    assert_eq!(generation(&after), generation(&before) + 1, "one change of the spec");
    let image = &after["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "registry.shop.example/argo-rollback:1.1.0");
    assert_intact(&door);

    let again = json(&takes_over(&door, "1"));
    let why = "record 1 (dana) cannot be taken over: record 2 took its place";
    assert_eq!((&again["outcome"], &again["said"]), (&"refused".into(), &why.into()));
    let shown = text(&lee(&door, &["audit", "show", "2"]));
    assert!(shown.contains("  takes over record 1 (dana, "), "{shown}");
}

#[test]
fn of_an_act_of_two_calls_only_what_is_left_is_sent() {
    let (door, _alone) = world();
    let before = observed(&door, "argo-resume");
    assert_eq!(before["spec"]["paused"], true);
    interrupted(&door, &["abort", "argo-resume"], 2);
    assert_eq!(observed(&door, "argo-resume")["status"]["abort"], true, "the first one landed");

    let action = json(&takes_over(&door, "1"));
    assert_eq!((&action["outcome"], &action["record"]), (&"done".into(), &2.into()), "{action:#}");
    let notes = action["plan"]["notes"].as_array().unwrap();
    assert_eq!(notes[1], "call 1 was taken and is not sent again: abort");
    let all = records(&door);
    assert_eq!(stages(&all[1], "sending"), ["call 2"], "{:#}", all[1]);
    door.release();
    let after = observed(&door, "argo-resume");
    assert_eq!((&after["status"]["abort"], after["spec"]["paused"] == true), (&true.into(), false));
    assert_eq!(generation(&after), generation(&before) + 1, "one change of the spec");
    assert_intact(&door);
}

#[test]
fn an_act_is_not_carried_on_once_its_object_moved_and_going_back_stays_open() {
    let (door, _alone) = world();
    interrupted(&door, &["rollback", "argo-rollback"], 1);
    let place = "/spec/template/spec/containers/0/image";
    let image = "registry.shop.example/argo-rollback:1.3.0";
    let replaced = serde_json::json!([{ "op": "replace", "path": place, "value": image }]).to_string();
    let form = "Content-Type: application/json-patch+json";
    assert_eq!(door.ask(&format!("PATCH {}", path("argo-rollback")), &[form], &replaced).0, 200);
    let refused = (0..ASKS).map(|_| takes_over(&door, "1")).find(|output| {
        // Until the new version is taken up, other things stand in the way first.
        json(output)["said"].as_str().unwrap().contains("the object moved since")
    });
    let refused = refused.unwrap();
    assert_eq!((refused.status.code(), &json(&refused)["outcome"]), (Some(6), &"refused".into()));
    assert!(json(&refused)["said"].as_str().unwrap().ends_with("begin a new act instead"), "{:#}", json(&refused));
    assert_eq!(records(&door).len(), 1);
    let back = json(&lee(&door, &[&["rollback", "argo-rollback"], &CONFIRMED[..]].concat()));
    assert_eq!(back["outcome"], "done", "{back:#}");
}

#[test]
fn a_record_that_was_forged_or_whose_executor_lives_is_not_carried_on() {
    let (door, _alone) = world();
    door.writes(Writes::Held);
    let mut foreground = begun(&door, &["rollback", "argo-rollback"]);
    door.until_held(1);
    let alive = takes_over(&door, "1");
    let said = json(&alive)["said"].as_str().unwrap().to_owned();
    assert!(!alive.status.success() && said.contains("already under way: roll back (dana"), "{said}");
    kill_process(executor(&door, "1").unwrap(), Signal::KILL).unwrap();
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    door.writes(Writes::Pass);

    let config = fs::read_to_string(door.config()).unwrap();
    let state = config.lines().find_map(|line| line.trim().strip_prefix("path = \"")?.strip_suffix('"')).unwrap();
    let files = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "sqlite")).unwrap();
    let before = observed(&door, "argo-rollback");
    let forge = |sql: &str| {
        assert!(rusqlite::Connection::open(&file).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
    };
    let refused = || {
        let output = takes_over(&door, "1");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains("a record that nobody has signed, or that was changed"),
            "{said}"
        );
    };
    forge("UPDATE lines SET body = replace(body, 'rollouts/argo-rollback', 'secrets/prod-db') WHERE n = 0");
    refused();
    forge("UPDATE lines SET body = replace(body, 'secrets/prod-db', 'rollouts/argo-rollback') WHERE n = 0");
    forge("UPDATE lines SET signature = replace(signature, substr(signature, 1, 4), '0000') WHERE n = 0");
    refused();
    assert_eq!(observed(&door, "argo-rollback")["spec"], before["spec"]);
}

#[test]
fn of_two_who_take_over_at_once_one_gets_it() {
    let (door, _alone) = world();
    let before = observed(&door, "argo-rollback");
    interrupted(&door, &["rollback", "argo-rollback"], 1);
    let outputs = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| takes_over(&door, "1")));
        both.map(|one| one.join().unwrap())
    });
    let mut outcomes = outputs.each_ref().map(|output| json(output)["outcome"].as_str().unwrap_or("none").to_owned());
    outcomes.sort();
    assert_eq!(
        outcomes[0],
        "done",
        "{:?}",
        outputs.each_ref().map(|one| String::from_utf8_lossy(&one.stderr).into_owned())
    );
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1);
    let all = records(&door);
    assert_eq!(all.len(), 2, "{all:#?}");
    door.release();
    assert_eq!(generation(&observed(&door, "argo-rollback")), generation(&before) + 1);
}

#[test]
fn a_key_takes_over_and_its_card_says_whose_act_it_is_and_what_is_sent() {
    let (door, _alone) = world();
    interrupted(&door, &["rollback", "argo-rollback"], 1);
    let config = door.config();
    let args = ["--config", config.to_str().unwrap()];
    let mut cockpit = Pty::start_in(&args, &[("HOLDSHORT_OPERATOR", "lee")], 120, 36);
    cockpit.until("the act that was left", |screen| screen.contains("executor is gone"));
    cockpit.keys("/argo-rollback\r");
    cockpit.until("the filter and the key", |screen| {
        screen.contains("only 'argo-rollback'") && screen.contains("t take over")
    });
    // Its last line, too: a terminal shows a frame as its bytes come.
    let whole = |screen: &str| screen.contains("take over: roll back") && screen.contains("Esc leaves it");
    let card = cockpit.press("t", "the card", whole);
    for said in ["takes over record 1 (dana, ", "call 1 was sent and no answer is known", "Reason"] {
        assert!(card.contains(said), "{said}:\n{card}");
    }
    cockpit.press("4", "the reason", |screen| screen.contains("sends it"));
    cockpit.press("\r", "the end", |screen| screen.contains("DONE") && screen.contains("record 2"));
    let all = records(&door);
    assert_eq!(
        (&all[1]["who"], &all[1]["takes_over"], &all[1]["reason"]),
        (&"lee".into(), &1.into(), &"precaution".into())
    );
    assert!((0..LOOKS).any(|_| records(&door)[1]["outcome"] == "done"));
    door.release();
}
