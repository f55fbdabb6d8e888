//! What every process learns of an act: the command that began it, a cockpit beside it, and the next command after executors
//! and foregrounds were stopped, overtaken or killed. The served world is one process, each command another, each executor
//! another, and the journal is what they share.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/door.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod door;
#[path = "support/program.rs"]
mod program;
#[path = "support/pty.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod pty;
#[path = "support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
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
/// How many commands run at the same time.
const LANES: usize = 4;
/// Where an act of which nothing more is written ends.
const ENDS: [&str; 5] = ["done", "refused", "failed", "unknown", "preempted"];

/// Each verb of each engine and of GitHub, with what it can be asked of in the world `every-verb`. What an abort leaves to be
/// judged by is soon too old for a retry, so that comes first.
const VERBS: [[&str; 2]; 18] = [
    ["retry", "argo-retry"],
    ["promote", "argo-promote"],
    ["skip", "argo-skip"],
    ["promote-full", "argo-full"],
    ["pause", "argo-pause"],
    ["resume", "argo-resume"],
    ["abort", "argo-abort"],
    ["rollback", "argo-rollback"],
    ["restart", "argo-restart"],
    ["pause", "deploy-pause"],
    ["resume", "deploy-resume"],
    ["abort", "deploy-abort"],
    ["rollback", "deploy-rollback"],
    ["restart", "deploy-restart"],
    ["approve", "github/gate/acme/approve/7000/prod"],
    ["reject", "github/gate/acme/reject/7001/prod"],
    ["rerun", "github/run/acme/rerun/7002"],
    ["cancel", "github/run/acme/cancel/7003"],
];

/// One world at a time: with several of them a small machine is too slow for the time that a source has to answer.
static ONE: Mutex<()> = Mutex::new(());

fn world(scenario: &str) -> (Door, MutexGuard<'static, ()>) {
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = format!("{}/tests/fixtures/scenarios/{scenario}.toml", env!("CARGO_MANIFEST_DIR"));
    (Door::before(Served::start(&file, &["--at", "+1m"])), alone)
}

fn holdshort(door: &Door, args: &[&str]) -> Command {
    let mut command = program::holdshort();
    command.arg("--config").arg(door.config()).args(args);
    command
}

fn said(door: &Door, args: &[&str]) -> Output {
    holdshort(door, args).output().unwrap()
}

/// A verb as it is confirmed by a script. What acts on a known version in a place of high risk must name it.
fn confirmed<'a>(verb: &'a str, target: &'a str) -> Vec<&'a str> {
    let mut args = vec![verb, target, "--yes", "--reason", "weekly", "--json"];
    if ["approve", "rerun"].contains(&verb) {
        args.extend(["--expect", "c0ffee1"]);
    }
    if verb == "retry" {
        // Nothing is measured of what was taken back.
        args.push("--accept-wait");
    }
    args
}

fn json(output: &Output) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}\n{err}"))
}

fn records(door: &Door) -> Vec<Value> {
    let list: Value = serde_json::from_str(&text(&said(door, &["audit", "list", "--json"]))).unwrap();
    list["records"].as_array().unwrap().clone()
}

fn record(door: &Door, id: &Value) -> Value {
    json(&said(door, &["audit", "show", &id.to_string(), "--json"]))["records"][0].clone()
}

/// The record once it has ended.
fn ended(door: &Door, id: &Value) -> Value {
    let looks = (0..LOOKS).map(|_| record(door, id));
    looks.into_iter().find(|record| !ends(record).is_empty()).unwrap_or_else(|| panic!("record {id} has not ended"))
}

/// The object behind a service of the world, as the world has it.
fn object(service: &str) -> String {
    let kind = if service.starts_with("deploy-") { "apps/v1" } else { "argoproj.io/v1alpha1" };
    let plural = if service.starts_with("deploy-") { "deployments" } else { "rollouts" };
    format!("/kubernetes/eu/apis/{kind}/namespaces/shop/{plural}/{service}")
}

fn observed(door: &Door, service: &str) -> Value {
    let (status, body) = door.ask(&format!("GET {}", object(service)), &[], "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// What tells whether somebody changed it: how often the spec was changed, its image, and whether it is aborted.
fn shape(object: &Value) -> (i64, String, bool) {
    let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    (object["metadata"]["generation"].as_i64().unwrap(), image, object["status"]["abort"] == true)
}

/// The process that carries this record out, while it lives.
fn executor(door: &Door, id: &Value) -> Option<Pid> {
    let (config, id) = (door.config(), id.to_string());
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut numbers = numbers.filter(|number: &i32| {
        // One that is dead and not waited for has no command line any more.
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        let ours = words.contains(&config.to_str().unwrap().as_bytes());
        ours && words.windows(2).any(|pair| pair == [&b"executor"[..], id.as_bytes()])
    });
    numbers.next().and_then(Pid::from_raw)
}

/// Starts a verb and waits until its record is written; the command as it runs.
fn begun(door: &Door, verb: &str, target: &str) -> Child {
    let args = confirmed(verb, target);
    for _ in 0..ASKS {
        let mut child = holdshort(door, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        if said.any(|line| line.unwrap().contains("recorded")) {
            // Whoever writes to a pipe that nobody reads would end.
            std::thread::spawn(move || said.for_each(drop));
            return child;
        }
        let _ = child.wait();
    }
    panic!("{verb} {target} was not begun: {:#}", json(&said(door, &args)));
}

/// The stages that end a record: there must be one.
fn ends(record: &Value) -> Vec<&str> {
    let stages = record["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap());
    stages.filter(|stage| ENDS.contains(stage)).collect()
}

fn sendings(record: &Value) -> usize {
    stages(record, "sending")
}

/// How often a call of it was taken: what the object's own move refused (a conflict) took nothing.
fn taken(record: &Value) -> usize {
    stages(record, "accepted")
}

fn stages(record: &Value, name: &str) -> usize {
    record["stages"].as_array().unwrap().iter().filter(|stage| stage["stage"] == name).count()
}

/// A cockpit beside the commands, which writes down what it is told.
struct Beside {
    cockpit: Pty,
    recording: PathBuf,
    _folder: tempfile::TempDir,
}

impl Beside {
    fn start(door: &Door) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("recording.jsonl");
        let (config, file) = (door.config(), recording.clone());
        let args = ["--config", config.to_str().unwrap(), "--record", file.to_str().unwrap()];
        let cockpit = Pty::start(&args, 120, 36);
        cockpit.until("the board", |screen| !screen.trim().is_empty());
        Self { cockpit, recording, _folder: folder }
    }

    /// The ends that it was told of so far, by record. A line that is not whole yet is left for the next look.
    fn told(&self) -> BTreeMap<u64, Vec<String>> {
        let mut told: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let text = fs::read_to_string(&self.recording).unwrap_or_default();
        for line in text.lines().skip(1).filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let record = &line["msg"]["recorded"];
            for entry in record["entries"].as_array().into_iter().flatten() {
                let stage = entry["stage"].as_object().and_then(|stage| stage.keys().next().cloned());
                let ends = told.entry(record["id"].as_u64().unwrap()).or_default();
                ends.extend(stage.filter(|stage| ENDS.contains(&stage.as_str()) && !ends.contains(stage)));
            }
        }
        told
    }

    /// Waits until it was told how these records ended, and compares that with what is in the journal.
    fn assert_told(&self, records: &[Value]) {
        let expected: BTreeMap<u64, Vec<String>> = records
            .iter()
            .map(|record| (record["id"].as_u64().unwrap(), ends(record).into_iter().map(str::to_owned).collect()))
            .collect();
        self.cockpit.until(&format!("the ends {expected:?} in {}", self.recording.display()), |_| {
            let told = self.told();
            expected.iter().all(|(id, ends)| told.get(id) == Some(ends))
        });
    }
}

/// Carries out verbs, a few at a time; what each command said.
fn carry_out(door: &Door, verbs: &[[&str; 2]]) -> Vec<(String, Output)> {
    let (left, said_all) = (Mutex::new(verbs.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let Some([verb, target]) = left.lock().unwrap().next() else { return };
                    let asks = (0..ASKS).map(|_| said(door, &confirmed(verb, target)));
                    let output = asks.into_iter().find(|output| !json(output)["record"].is_null()).unwrap();
                    said_all.lock().unwrap().push((format!("{verb} {target}"), output));
                }
            });
        }
    });
    said_all.into_inner().unwrap()
}

/// Each command ended with its record's one end, and a code that says the same; a cockpit was told of each.
fn assert_ended(door: &Door, beside: &Beside, ended: &[(String, Output)], outcome: &str, exit: i32) {
    let all = records(door);
    for (what, output) in ended {
        let action = json(output);
        assert_eq!((&action["outcome"], output.status.code()), (&outcome.into(), Some(exit)), "{what}: {action:#}");
        assert_eq!(action["exit"], exit, "{what}");
        let mine: Vec<&Value> = all.iter().filter(|record| record["id"] == action["record"]).collect();
        assert_eq!(mine.len(), 1, "{what}: {all:#?}");
        assert_eq!(ends(mine[0]), [outcome], "{what}: {:#}", mine[0]);
        assert_eq!(mine[0]["said"], action["said"], "{what}");
    }
    assert_eq!(all.len(), ended.len(), "one record for each act");
    beside.assert_told(&all);
    let verified = text(&said(door, &["audit", "verify"]));
    assert!(verified.contains("every byte as it was written"), "{verified}");
}

#[test]
fn every_verb_returns_with_its_end_and_a_cockpit_beside_it_is_told() {
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    let ended = carry_out(&door, &VERBS);
    assert_ended(&door, &beside, &ended, "done", 0);
}

#[test]
fn a_verb_that_the_system_refuses_returns_with_its_end_and_a_cockpit_beside_it_is_told() {
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    let mut ended = Vec::new();
    // Not permitted, and a token that has expired after the target was read with it.
    for status in [403, 401] {
        door.writes(Writes::Refused(status));
        ended.extend(carry_out(&door, &VERBS));
    }
    assert_ended(&door, &beside, &ended, "failed", 8);
}

#[test]
fn a_verb_that_is_pointed_elsewhere_fails_with_where_to_and_nothing_is_sent_there() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let at = elsewhere.local_addr().unwrap();
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    door.writes(Writes::Moved(307, at));
    let ended = carry_out(&door, &VERBS);
    assert_ended(&door, &beside, &ended, "failed", 1);
    for (what, output) in &ended {
        let said = json(output)["said"].to_string();
        let named = format!(
            "sends us to http://{at} (307), and nothing was sent there; if it has moved, put the whole address"
        );
        assert!(said.contains(&named), "{what}: {said}");
    }
    assert!(elsewhere.accept().is_err(), "somebody came");
}

#[test]
fn an_outcome_that_nobody_can_read_any_more_ends_with_a_code_of_its_own_and_says_what_to_check() {
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    door.writes(Writes::Lost);
    let ended = carry_out(&door, &[["pause", "argo-pause"]]);
    assert_ended(&door, &beside, &ended, "unknown", 7);
    let said = json(&ended[0].1)["said"].to_string();
    assert!(said.contains("kubectl") && said.contains("argo-pause"), "{said}");
}

#[test]
fn a_journal_that_is_taken_away_under_an_act_keeps_no_command_from_its_end() {
    let (door, _alone) = world("every-verb");
    door.writes(Writes::Held);
    let running = begun(&door, "rollback", "argo-promote");
    door.until_held(1);
    let executor = executor(&door, &Value::from(1)).unwrap();
    let config: toml::Table = fs::read_to_string(door.config()).unwrap().parse().unwrap();
    fs::remove_dir_all(config["state"]["path"].as_str().unwrap()).unwrap();
    kill_process(executor, Signal::KILL).unwrap();
    door.writes(Writes::Pass);
    door.release();
    let output = running.wait_with_output().unwrap();
    let action = json(&output);
    // The call lands after all, and what became of it is seen; only the journal does not have it.
    assert_eq!((&action["outcome"], output.status.code()), (&"done".into(), Some(0)), "{action:#}");
}

#[test]
fn a_verb_whose_object_moves_under_its_call_returns_with_its_end_and_a_cockpit_beside_it_is_told() {
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    let mut ended = Vec::new();
    for [verb, target] in &VERBS[..14] {
        door.writes(Writes::Held);
        let running = begun(&door, verb, target);
        door.until_held(1);
        let image = format!("registry.shop.example/{target}:1.3.0");
        let place = "/spec/template/spec/containers/0/image";
        let replaced = serde_json::json!([{ "op": "replace", "path": place, "value": image }]).to_string();
        let form = "Content-Type: application/json-patch+json";
        let (status, body) = door.ask(&format!("PATCH {}", object(target)), &[form], &replaced);
        assert_eq!(status, 200, "{body}");
        // Argo writes it as a text.
        let number = |it: &Value| it.to_string().replace('"', "");
        let taken_up =
            |it: &Value| number(&it["status"]["observedGeneration"]) == number(&it["metadata"]["generation"]);
        assert!((0..LOOKS).any(|_| taken_up(&observed(&door, target))), "{target}: the new version is not taken up");
        door.writes(Writes::Pass);
        door.release();
        ended.push((format!("{verb} {target}"), running.wait_with_output().unwrap()));
    }
    assert_ended(&door, &beside, &ended, "refused", 6);
}

#[test]
fn a_verb_of_a_run_that_moves_under_its_call_returns_with_its_end_and_a_cockpit_beside_it_is_told() {
    let (door, _alone) = world("every-verb");
    let beside = Beside::start(&door);
    door.writes(Writes::Held);
    let run = |[verb, target]: &[&str; 2]| begun(&door, verb, target);
    let running: Vec<Child> = VERBS[14..].iter().map(run).collect();
    door.until_held(running.len());
    // Somebody else answers first, past holdshort.
    let run = |name: &str, id: u16| format!("/github/repos/acme/{name}/actions/runs/{id}");
    let by = "Authorization: Bearer lee-token";
    for (name, id) in [("approve", 7000), ("reject", 7001)] {
        let path = format!("{}/pending_deployments", run(name, id));
        let (_, waiting) = door.ask(&format!("GET {path}"), &[by], "");
        let environment = &serde_json::from_str::<Value>(&waiting).unwrap()[0]["environment"]["id"];
        let answer = serde_json::json!({ "environment_ids": [environment], "state": "approved", "comment": "" });
        assert_eq!(door.ask(&format!("POST {path}"), &[by], &answer.to_string()).0, 200);
    }
    let again = format!("POST {}/rerun-failed-jobs", run("rerun", 7002));
    assert_eq!(door.ask(&again, &[by], "").0, 201);
    assert_eq!(door.ask(&format!("POST {}/cancel", run("cancel", 7003)), &[by], "").0, 202);
    door.writes(Writes::Pass);
    door.release();
    let ended: Vec<Output> = running.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for ([verb, _], output) in VERBS[14..].iter().zip(&ended) {
        let action = json(output);
        // What somebody else cancelled is cancelled, and what somebody else approved is approved, where no answer to ours came in time.
        let ends = if matches!(*verb, "cancel" | "approve") { &["failed", "done"][..] } else { &["failed"][..] };
        assert!(ends.iter().any(|end| action["outcome"] == *end), "{verb}: {action:#}");
        assert_eq!(action["exit"].as_i64(), output.status.code().map(i64::from), "{verb}");
    }
    let all = records(&door);
    assert!(all.len() == 4 && all.iter().all(|record| ends(record).len() == 1), "{all:#?}");
    beside.assert_told(&all);
}

#[test]
fn going_back_overtakes_what_is_under_way_and_an_executor_that_was_stopped_writes_nothing_more() {
    let (door, _alone) = world("every-verb");
    let overtaken = [
        ["promote", "argo-promote", "rollback"],
        ["pause", "argo-pause", "abort"],
        ["restart", "argo-skip", "rollback"],
        ["promote-full", "argo-full", "abort"],
        ["resume", "argo-resume", "rollback"],
        ["pause", "deploy-abort", "abort"],
        ["pause", "deploy-rollback", "rollback"],
    ];
    for (index, [verb, target, back]) in overtaken.into_iter().enumerate() {
        let (first, second) = (Value::from(2 * index + 1), Value::from(2 * index + 2));
        door.writes(Writes::Held);
        let foreground = begun(&door, verb, target);
        door.until_held(1);
        let stopped = executor(&door, &first).unwrap();
        kill_process(stopped, Signal::STOP).unwrap();
        door.writes(Writes::Pass);

        let went_back = json(&said(&door, &confirmed(back, target)));
        assert_eq!((&went_back["outcome"], &went_back["record"]), (&"done".into(), &second), "{went_back:#}");
        let output = foreground.wait_with_output().unwrap();
        assert_eq!((&json(&output)["outcome"], output.status.code()), (&"preempted".into(), Some(6)), "{verb}");
        let (one, other) = (record(&door, &first), record(&door, &second));
        assert_eq!((&one["preempted_by"], &other["preempts"]), (&second, &Value::from(vec![first.clone()])), "{one:#}");
        assert_eq!((ends(&one), ends(&other)), (vec!["preempted"], vec!["done"]));
        let shown = text(&said(&door, &["audit", "show", &first.to_string()]));
        assert!(shown.contains(&format!("ended by record {second}, which went back")), "{shown}");

        // Its call lands now, and it learns the answer.
        let back = shape(&observed(&door, target));
        door.release();
        kill_process(stopped, Signal::CONT).unwrap();
        let looks = (0..LOOKS).map(|_| said(&door, &["audit", "verify"]).status.success());
        assert!(looks.into_iter().any(|intact| intact && executor(&door, &first).is_none()), "it has not ended");
        assert_eq!(record(&door, &first), one, "{verb} {target}");
        assert_eq!(shape(&observed(&door, target)), back, "{verb} {target}");
    }
    assert_eq!(records(&door).len(), 2 * overtaken.len());
}

/// Whom a test kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Executor,
    Foreground,
    Both,
}

/// Kills at a request of the act, which lands all the same; nothing is killed where the act was over before.
fn kill_at(door: &Door, nth: usize, victim: Victim, id: &Value, foreground: &mut Child) {
    door.stop_at(nth);
    if door.until_stopped(|| foreground.try_wait().unwrap().is_some()) {
        if victim != Victim::Foreground {
            // Between the record and its executor lies a moment.
            let found = (0..LOOKS).find_map(|_| {
                let over = !ends(&record(door, id)).is_empty();
                executor(door, id).map(Some).or(over.then_some(None))
            });
            found.unwrap().into_iter().for_each(|executor| kill_process(executor, Signal::KILL).unwrap());
        }
        if victim != Victim::Executor {
            foreground.kill().unwrap();
        }
    }
    door.go_on();
}

/// Selects a service in a cockpit, asks for a verb by its key, sees its card and confirms it.
fn confirm_by_key(cockpit: &mut Pty, service: &str, key: &str, card: &str) {
    cockpit
        .until("the board", |screen| screen.contains("RELEASES") && screen.contains(" GO") && screen.contains(service));
    cockpit.keys("/");
    cockpit.until("the filter", |screen| screen.contains("filter: "));
    let mut typed = String::new();
    for letter in service.chars() {
        cockpit.keys(&letter.to_string());
        typed.push(letter);
        cockpit.until("what was typed", |screen| screen.contains(&format!("filter: {typed}")));
    }
    cockpit.keys("\r");
    cockpit.until("the one row", |screen| screen.contains(&format!("only '{service}'")));
    let (title, sends) = (format!("{card} {service}"), |screen: &str| screen.contains("Enter sends it"));
    // The last line of it, too: keys into a card that was not seen as it is send nothing.
    cockpit.press(key, "the card", move |screen| screen.contains(&title) && screen.contains("Esc leaves it"));
    if card == "roll back" {
        cockpit.press("1", "the reason", sends);
    }
    cockpit.until("what sends it", sends);
    cockpit.press("\r", "that it is sent", move |screen| !sends(screen));
}

#[test]
fn an_act_that_was_begun_by_key_in_a_cockpit_that_is_killed_leaves_the_way_back_open_by_key_in_another() {
    let (door, _alone) = world("kill-points");
    let before = shape(&observed(&door, "point-3"));
    let config = door.config();
    let start = || Pty::start(&["--config", config.to_str().unwrap()], 120, 36);
    let mut first = start();
    confirm_by_key(&mut first, "point-3", "p", "promote");
    let begun = (0..LOOKS).find_map(|_| records(&door).first().cloned()).unwrap();
    // Its executor may have ended already: then only the cockpit is killed.
    if let Some(executor) = executor(&door, &begun["id"]) {
        kill_process(executor, Signal::KILL).unwrap();
    }
    kill_process(Pid::from_raw(first.pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    let mut second = start();
    confirm_by_key(&mut second, "point-3", "r", "roll back");
    second.until("the verified end", |screen| screen.contains("DONE"));
    let all = records(&door);
    let ended: Vec<(&Value, usize)> = all.iter().map(|record| (&record["verb"], ends(record).len())).collect();
    assert_eq!(ended, [(&"rollback".into(), 1), (&"promote".into(), 1)], "{all:#?}");
    let (generation, image, _) = shape(&observed(&door, "point-3"));
    assert_eq!((generation, image), (before.0 + 1, before.1.replace(":1.2.0", ":1.1.0")));
}

#[test]
fn whoever_is_killed_at_whatever_moment_the_way_back_is_open_and_each_record_ends_once() {
    let (door, _alone) = world("kill-points");
    let mut seed = 20_260_310_u64;
    let mut random = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let victims = [Victim::Executor, Victim::Foreground, Victim::Both];
    for point in 1..=6 {
        let service = format!("point-{point}");
        let verb = if point % 2 == 0 { "rollback" } else { "promote" };
        let (victim, nth) = (victims[usize::try_from(random(3)).unwrap()], 1 + usize::try_from(random(12)).unwrap());
        let what = format!("{service}: {verb}, {victim:?} killed at request {nth}");
        let before = shape(&observed(&door, &service));
        let mut foreground = begun(&door, verb, &service);
        let id = records(&door)[0]["id"].clone();
        kill_at(&door, nth, victim, &id, &mut foreground);

        let output = said(&door, &[&confirmed("rollback", &service)[..], &["--to", "1.1.0"]].concat());
        let again = json(&output);
        let why = again["said"].as_str().unwrap();
        let image = shape(&observed(&door, &service)).1;
        let there = why.contains("the spec holds 1.1.0") && image.ends_with(":1.1.0");
        let under_way = why.contains("already under way: roll back (you") && victim == Victim::Foreground;
        let open = again["outcome"] == "done" || verb == "rollback" && (there || under_way);
        assert!(open, "{what}: {again:#}");
        foreground.wait().unwrap();
        // What nobody carries out any more is ended by whoever looks.
        let beside = Beside::start(&door);
        let all: Vec<Value> = records(&door).iter().map(|record| ended(&door, &record["id"])).collect();
        beside.assert_told(&all);
        let (generation, image, _) = shape(&observed(&door, &service));
        assert_eq!((generation, image), (before.0 + 1, before.1.replace(":1.2.0", ":1.1.0")), "{what}");
        let mine = all.iter().filter(|record| record["target"].as_str().unwrap().ends_with(&service));
        for record in mine {
            assert_eq!(ends(record).len(), 1, "{what}: {record:#}");
            assert!(taken(record) <= 1, "{what}: {record:#}");
            // Going back goes on after a conflict, three times at most; what goes forward was bound to what was on screen.
            let most = if record["verb"] == "rollback" { 3 } else { 1 };
            assert!(sendings(record) <= most, "{what}: {record:#}");
        }
    }
    let verified = text(&said(&door, &["audit", "verify"]));
    assert!(verified.contains("every byte as it was written"), "{verified}");
}
