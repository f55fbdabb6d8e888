//! Executors that outlive whoever started them: the served world in one process, the foreground in a second, the executor in
//! a third, and the journal between them.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

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
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use holdshort::{
    domain::{evidence::Evidence, offer::Risk, verb::Verb},
    journal::{Journal, signer::Signer, sqlite::SqliteJournal},
    port::{
        fill::{Answered, Fill, Give, Slot, Supply},
        plan::{Draft, Expectation, Facts, Friction, Plan, WireCall},
        record::NewRecord,
        secrets::Secrets,
        step::Step,
    },
    runtime::detach::Order,
};
use pty::Pty;
use serde_json::Value;
use served::{Served, text};

const PAYMENTS: &str = "apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/payments";

/// How many looks an executor may take. Not a time: each look is a process of its own.
const LOOKS: usize = 2_000;

fn holdshort(world: &Served, args: &[&str]) -> Command {
    let mut command = program::holdshort();
    command.arg("--config").arg(world.address("config")).args(args);
    command
}

fn said(world: &Served, args: &[&str]) -> Output {
    holdshort(world, args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

/// The rollout as the world has it.
fn rollout(world: &Served) -> Value {
    payments(world.address("kubernetes"))
}

/// The rollout in this cluster, read past holdshort.
fn payments(cluster: &str) -> Value {
    let address = cluster.strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path}/{PAYMENTS} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {answer}"))
}

/// The record once it has ended.
fn ended(world: &Served, id: &str) -> Value {
    for _ in 0..LOOKS {
        let shown = json(&said(world, &["audit", "show", id, "--json"]));
        let record = &shown["records"][0];
        if ["done", "failed", "refused", "unknown"].iter().any(|end| record["outcome"] == *end) {
            return record.clone();
        }
    }
    panic!("record {id} has not ended: {}", text(&said(world, &["audit", "show", id])));
}

/// Is everything back, by exactly one change of the spec?
fn assert_rolled_back_once(world: &Served, before: &Value) {
    let after = rollout(world);
    let generation = |rollout: &Value| rollout["metadata"]["generation"].as_i64().unwrap();
    assert_eq!(generation(&after), generation(before) + 1, "one change of the spec");
    assert_eq!(after["status"]["phase"], "Healthy");
    assert_eq!(after["status"]["currentPodHash"], before["status"]["stableRS"]);
    let image = &after["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "registry.shop.example/payments:1.41.3");
}

fn stages(record: &Value) -> Vec<&str> {
    record["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect()
}

const ROLLBACK: [&str; 5] = ["rollback", "payments", "--yes", "--reason", "errors"];

#[test]
fn a_detached_executor_rolls_back_once_and_the_record_is_read_by_the_next_process() {
    // In real time, because the verdict is looked at: in a faster world the time-outs of reads are shorter too.
    let world = Served::start("bad-canary", &["--at", "+21m30s"]);
    let before = rollout(&world);
    let action = json(&said(&world, &[&ROLLBACK[..], &["--json"]].concat()));
    assert_eq!((&action["outcome"], &action["exit"]), (&Value::from("done"), &Value::from(0)), "{action:#}");
    assert_rolled_back_once(&world, &before);

    let list = text(&said(&world, &["audit", "list"]));
    assert!(list.lines().any(|line| line.contains("roll back") && line.contains("done")), "{list}");
    let id = action["record"].to_string();
    let record = ended(&world, &id);
    assert_eq!((&record["who"], &record["reason"]), (&Value::from("you"), &Value::from("errors")));
    assert_eq!(record["evidence"]["verdict"], "no_go");
    assert_eq!(stages(&record).iter().filter(|stage| **stage == "sending").count(), 1, "{record:#}");
    let verified = text(&said(&world, &["audit", "verify"]));
    assert!(verified.contains("every byte as it was written"), "{verified}");
}

#[test]
fn an_executor_goes_on_when_its_foreground_is_killed() {
    let world = Served::start("bad-canary", &["--at", "+21m30s", "--speed", "2"]);
    let before = rollout(&world);
    let mut foreground = holdshort(&world, &ROLLBACK).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(foreground.stderr.take().unwrap()).lines().map(Result::unwrap);
    // From here on the executor is there; the foreground learns it from the journal only.
    assert!(lines.any(|line| line.contains("sending")));
    foreground.kill().unwrap();
    assert!(!foreground.wait().unwrap().success());

    let record = ended(&world, "1");
    assert_eq!(record["outcome"], "done", "{record:#}");
    assert_eq!(stages(&record).iter().filter(|stage| **stage == "sending").count(), 1, "{record:#}");
    assert_rolled_back_once(&world, &before);
}

#[test]
fn the_same_way_back_meanwhile_is_refused_with_the_name_of_the_first() {
    let world = Served::start("bad-canary", &["--at", "+21m30s", "--speed", "2"]);
    let mut first = holdshort(&world, &ROLLBACK).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("sending")));
    let second = said(&world, &ROLLBACK);
    let why = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && why.contains("already under way: roll back (you"), "{why}");
    lines.for_each(drop);
    assert!(first.wait().unwrap().success());
    let records = json(&said(&world, &["audit", "list", "--json"]));
    assert_eq!(records["records"].as_array().unwrap().len(), 1, "{records:#}");
}

#[test]
fn a_second_person_with_another_journal_does_not_roll_back_further() {
    let world = Served::start("bad-canary", &["--at", "+21m30s"]);
    assert!(said(&world, &ROLLBACK).status.success());
    let before = rollout(&world);
    let (first, folder) = (Path::new(world.address("config")), tempfile::tempdir().unwrap());
    let (own, other) = (first.parent().unwrap().join("state"), folder.path().join("state"));
    let text = fs::read_to_string(first).unwrap();
    let changed = text.replace(&own.display().to_string(), &other.display().to_string());
    assert_ne!(changed, text);
    let config = folder.path().join("config.toml");
    fs::write(&config, changed).unwrap();
    let second = program::holdshort().arg("--config").arg(&config).args(ROLLBACK).output().unwrap();
    let why = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(9), "{why}");
    assert!(why.contains("1.41.3 (9f8e7d6) was put back on 2026-03-10 at 02:0"), "{why}");
    assert!(
        why.contains("with holdshort; 1.42.0 (a1b2c3d) is what was left: there is nothing to go back from"),
        "{why}"
    );
    assert_eq!(rollout(&world)["metadata"]["generation"], before["metadata"]["generation"]);
}

#[test]
fn an_executor_that_cannot_begin_ends_its_record_with_its_reason() {
    let world = Served::start("bad-canary", &["--at", "+21m30s"]);
    let before = rollout(&world);
    let config = world.address("config");
    let held = fs::read_to_string(config).unwrap();
    let line = ["--config", config, "rollback", "payments", "--reason", "errors"];
    let mut pty = Pty::start(&line, 200, 40);
    pty.until("the question", |screen| screen.contains("Send it? [y/N]"));
    // The executor reads it anew, and finds it changed.
    fs::write(config, format!("nonsense = 1\n{held}")).unwrap();
    pty.keys("y\r");
    pty.until("the reason", |screen| screen.contains("nonsense") && screen.contains("failed"));
    assert_eq!(pty.wait().exit_code(), 1);
    fs::write(config, held).unwrap();
    let record = ended(&world, "1");
    assert_eq!(
        (&record["outcome"], stages(&record)),
        (&Value::from("failed"), vec!["recorded", "failed"]),
        "{record:#}"
    );
    let said = record["stages"][1]["said"].as_str().unwrap();
    assert!(said.starts_with("its executor could not carry it out: error: unknown key `nonsense`"), "{said}");
    assert!(said.ends_with("; nothing was sent"), "{said}");
    assert_eq!(rollout(&world)["metadata"]["generation"], before["metadata"]["generation"]);
}

/// A step that restarts a rollout.
fn restarted(target: &str, body: &str) -> Step {
    let call = WireCall {
        words: format!("restart {target}"),
        method: "PATCH".to_owned(),
        path: format!("/{PAYMENTS}?fieldManager=holdshort"),
        content_type: "application/merge-patch+json".to_owned(),
        body: body.into(),
        fills: vec![Fill::revision("/metadata/resourceVersion")],
        ..WireCall::default()
    };
    Step::new(&target.parse().unwrap(), call)
}

#[test]
fn a_second_step_sends_to_another_cluster_what_the_first_one_was_answered() {
    let world = Served::start("steady", &[]);
    let at = "2026-03-10T02:00:00Z";
    let [eu, us] = ["eu", "us"].map(|cluster| format!("kubernetes-{cluster}/argo_rollouts/shop/payments"));
    let first = format!(r#"{{"spec":{{"restartAt":"{at}"}}}}"#);
    let (mut one, mut two) = (restarted(&eu, &first), restarted(&us, ""));
    one.call.gives = vec![Give { name: "moment".to_owned(), from: Answered::Json("/spec/restartAt".to_owned()) }];
    let from = Supply::Given { step: 0, name: "moment".to_owned() };
    two.call.fills.push(Fill { from, into: Slot::Json("/spec/restartAt".to_owned()) });
    let draft = Draft {
        steps: vec![one, two],
        ..Draft::of(&eu.parse().unwrap(), WireCall::default(), String::new(), Facts::new(), Expectation::default())
    };
    let now = at.parse().unwrap();
    let plan = Plan {
        verb: Verb::Restart,
        target: eu.parse().unwrap(),
        service: "payments".into(),
        environment: "prod/eu-west-1".into(),
        risk: Risk::High,
        friction: Friction::Enter,
        draft,
        goes_back: false,
        brings_again: false,
        checks: Vec::new(),
        risks: Vec::new(),
        evidence: Evidence { at: now, verdict: None, said: String::new(), sources: Vec::new() },
        then: Vec::new(),
    };
    let confirmed = NewRecord::confirmed(now, "dana".into(), None, plan);
    let state = Path::new(world.address("config")).parent().unwrap().join("state");
    // As whoever confirms writes it: with the key that the executor has too.
    let key = Arc::new(Signer::of(&state.join("key")).unwrap());
    let journal = SqliteJournal::open(&state.join("journal.sqlite")).unwrap().signed(key, &state);
    let (record, attendance) = journal.begin(&confirmed).unwrap();
    drop(attendance);
    let order = Order::new(record.id, confirmed, &Secrets::default(), [].into());
    let mut executor =
        holdshort(&world, &["executor", "1"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    executor.stdin.take().unwrap().write_all(&serde_json::to_vec(&order).unwrap()).unwrap();
    assert!(executor.wait().unwrap().success());

    let record = ended(&world, "1");
    assert_eq!(record["outcome"], "done", "{record:#}");
    let sent = ["recorded", "sending", "accepted", "sending", "accepted", "done"];
    assert_eq!(stages(&record), sent, "{record:#}");
    let last = world.address("kubernetes");
    let moments = ["eu", "us"].map(|cluster| {
        let (base, _) = last.rsplit_once('/').unwrap();
        payments(&format!("{base}/{cluster}"))["spec"]["restartAt"].clone()
    });
    assert_eq!(moments, [at, at]);
}
