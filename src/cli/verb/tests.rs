//! Verbs against a pilot that records what it is told to do. Every way out but the last sends nothing.

use futures::{FutureExt, executor::block_on};
use serde_json::{Value, json};

use super::*;
use crate::{
    app::sample::{gated, ship},
    cli::{args::Command, parse, sample},
    domain::{form, observed::FaultKind, rollout::Phase},
    judge::gaps::{Arm, Gap, Missing, Signal},
    port::{
        fill::Given,
        record::{Entry, NewRecord, Stage},
    },
};

/// A pilot whose world answers with these stages, one at each look.
struct Scripted {
    model: Model,
    stages: Vec<Stage>,
    sent: Vec<NewRecord>,
    /// Why the journal takes nothing.
    full: Option<&'static str>,
}

impl Scripted {
    fn of(model: Model, stages: Vec<Stage>) -> Self {
        Self { model, stages, sent: Vec::new(), full: None }
    }

    fn record(&self, entries: usize) -> Record {
        let entry = |stage: &Stage| Entry { at: sample::at(1), stage: stage.clone() };
        Record {
            id: RecordId(12),
            intent: self.sent[0].clone(),
            entries: self.stages.iter().take(entries).map(entry).collect(),
        }
    }
}

impl Pilot for Scripted {
    fn model(&self) -> &Model {
        &self.model
    }

    fn drafts<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Vec<Result<Draft, Blocked>>> {
        async { ask.targets().map(|_| Ok(sample::draft(ask.verb))).collect() }.boxed()
    }

    fn execute(&mut self, confirmed: Confirmed) -> BoxFuture<'_, Result<Record, String>> {
        if let Some(why) = self.full {
            return async move { Err(why.to_owned()) }.boxed();
        }
        self.sent.push(confirmed.record().clone());
        async { Ok(self.record(1)) }.boxed()
    }

    fn follow(&mut self, _: RecordId, seen: usize, within: Option<Duration>) -> BoxFuture<'_, Result<Record, String>> {
        // With nothing more to come, the time that was given runs out.
        if let Some(within) = within.filter(|_| self.stages.len() <= seen) {
            self.model.now += within;
        }
        async move { Ok(self.record(seen + 1)) }.boxed()
    }

    fn pass(&mut self, span: Duration) -> BoxFuture<'_, ()> {
        self.model.now += span;
        async {}.boxed()
    }
}

struct Ended {
    exit: Result<Exit, CliError>,
    out: String,
    err: String,
    sent: Vec<NewRecord>,
}

fn done() -> Vec<Stage> {
    vec![
        Stage::Recorded,
        Stage::Sending { call: 0, revision: None },
        Stage::Done { said: "25 % → 0 %, verified".into() },
    ]
}

fn fly(model: Model, stages: Vec<Stage>, line: &str, answer: Option<&str>) -> Ended {
    fly_by(Scripted::of(model, stages), line, answer)
}

fn fly_by(mut pilot: Scripted, line: &str, answer: Option<&str>) -> Ended {
    let cli = parse(std::iter::once("holdshort").chain(line.split(' '))).unwrap();
    let command: Command = cli.command.unwrap();
    let (verb, args, to) = command.verb().unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut says = |_: &str| Ok(answer.unwrap_or_default().to_owned());
    let prompt: Option<Prompt<'_>> = if answer.is_some() { Some(&mut says) } else { None };
    let secrets = args.secret.iter().fold(Secrets::default(), |all, (name, _)| all.with(name.as_str(), "1234"));
    let mut console = Console { out: &mut out, err: &mut err, layout: Layout::Columns, prompt, secrets };
    let exit = block_on(run(&mut pilot, verb, args, to, &mut console));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { exit, out: text(out), err: text(err), sent: pilot.sent }
}

#[test]
fn an_abort_is_sent_once_and_followed_to_its_end() {
    let ended = fly(sample::model(), done(), "abort payments@prod/eu --yes --reason errors", None);
    assert_eq!(ended.exit, Ok(Exit::Done));
    // Nothing was read since: what was seen last counts.
    let cells = "payments 1.41.3 is in 0 of 2 cells: eu leaves it for 1.42.0, us leaves it for 1.42.0";
    let done = "abort payments 1.42.0 → 1.41.3: done, 25 % → 0 %, verified (record 12)";
    assert_eq!(ended.out, format!("{done}\n{cells}\n"));
    assert!(ended.err.ends_with("02:07:01  done  25 % → 0 %, verified\n"), "{}", ended.err);
    let [sent] = ended.sent.as_slice() else { panic!("{:?}", ended.sent) };
    assert_eq!((sent.who.as_str(), sent.reason.as_deref()), ("dana", Some("errors")));
    assert_eq!(sent.plan.target, sample::target());
}

/// dana's abort as it stands in the journal after these stages, and a session that has seen it.
fn left(stages: &[Stage], lost: bool) -> (Model, NewRecord) {
    let mut model = sample::model();
    let ask = Ask { reason: Some("errors".to_owned()), ..Ask::new(Verb::Abort, sample::target()) };
    let plan = guard::plan(&model, &ask, Ok(sample::draft(Verb::Abort))).unwrap();
    let intent = NewRecord::confirmed(sample::at(0), "dana".into(), ask.reason.clone(), plan);
    let entries = stages.iter().map(|stage| Entry { at: sample::at(0), stage: stage.clone() }).collect();
    model.actions.recorded(Record { id: RecordId(12), intent: intent.clone(), entries });
    if lost {
        model.actions.lost(RecordId(12), crate::app::action::Lost::Died(sample::at(1)));
    }
    model.session.who = "lee".into();
    (model, intent)
}

/// Where nobody sits at a terminal.
fn asks_nobody<'a>(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Console<'a> {
    Console { out, err, layout: Layout::Columns, prompt: None, secrets: Secrets::default() }
}

/// lee takes record 12 over, which goes on with these stages.
fn taken_over((model, intent): (Model, NewRecord), stages: Vec<Stage>, line: &str) -> Ended {
    let cli = parse(std::iter::once("holdshort").chain(line.split(' '))).unwrap();
    let Some(Command::Takeover(args)) = cli.command else { panic!("{line}") };
    let mut pilot = Scripted { sent: vec![intent], ..Scripted::of(model, stages) };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = asks_nobody(&mut out, &mut err);
    let exit = block_on(take_over(&mut pilot, &args, &mut console));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { exit, out: text(out), err: text(err), sent: pilot.sent }
}

#[test]
fn what_was_left_half_way_is_carried_on_in_the_name_of_whoever_confirms_it() {
    let ended = taken_over(left(&[Stage::Recorded], true), done(), "takeover 12 --yes --reason gone");
    assert_eq!(ended.exit, Ok(Exit::Done), "{}", ended.err);
    let sent = &ended.sent[1];
    let takes_over = sent.takes_over.as_ref().unwrap();
    assert_eq!((sent.who.as_str(), sent.reason.as_deref()), ("lee", Some("gone")));
    assert_eq!((takes_over.record, takes_over.who.as_str(), takes_over.sent), (RecordId(12), "dana", 0));
}

#[test]
fn what_cannot_be_carried_on_is_refused_with_why() {
    let table = [
        (left(&[Stage::Recorded], false), done(), "takeover 12 --yes --reason gone", "already under way: abort (dana"),
        (left(&[Stage::Recorded], true), done(), "takeover x --yes", "'x' is no number of a record"),
        (left(&done(), false), vec![done().remove(2)], "takeover 12 --yes", "cannot be taken over: it has ended"),
    ];
    for (left, stages, line, why) in table {
        let ended = taken_over(left, stages, line);
        let said = format!("{} {:?}", ended.err, ended.exit);
        assert!(ended.exit != Ok(Exit::Done) && said.contains(why), "{said}");
        assert_eq!(ended.sent.len(), 1, "nothing was sent");
    }
}

#[test]
fn an_act_of_which_everything_was_sent_is_watched_to_its_end_and_asks_nobody() {
    let accepted = Stage::Accepted { call: 0, said: "200 OK".to_owned(), given: Given::new() };
    let stages = [Stage::Recorded, Stage::Sending { call: 0, revision: None }, accepted];
    let all: Vec<Stage> = vec![stages[2].clone(), Stage::Done { said: "25 % → 0 %, verified".into() }];
    let ended = taken_over(left(&stages, true), all, "takeover 12");
    assert_eq!(ended.exit, Ok(Exit::Done), "{}", ended.err);
    assert!(ended.err.starts_with("record 12 (dana): everything of it was sent"), "{}", ended.err);
    assert_eq!(ended.sent.len(), 1, "nothing was sent");
}

#[test]
fn the_json_of_a_verb_is_what_scripts_rely_on() {
    let ended = fly(sample::model(), done(), "abort payments@prod/eu --yes --json --reason errors", None);
    let expected = json!({
        "schema": "holdshort/action/v1",
        "record": 12,
        "verb": "abort",
        "target": "eu/argo_rollouts/shop/payments",
        "outcome": "done",
        "said": "25 % → 0 %, verified",
        "ways": [],
        "exit": 0,
        "plan": {
            "service": "payments",
            "environment": "prod/eu",
            "risk": "medium",
            "version": "1.42.0",
            "from": "1.42.0",
            "to": "1.41.3",
            "effect": "25 % → 0 % of traffic",
            "calls": [{
                "words": "set abort",
                "method": "PATCH",
                "path": "rollouts/payments/status",
                "body": "{\"status\":{\"abort\":true}}",
                "command": "kubectl argo rollouts abort payments -n shop",
            }],
            "expects": ["aborted"],
            "within_seconds": 60,
            "undo": "retry",
            "notes": ["the spec still holds 1.42.0 afterwards"],
            "checks": [],
            "risks": [],
            "target": "eu/argo_rollouts/shop/payments",
        },
        "stages": [
            {"at": "2026-03-10T02:07:01Z", "stage": "recorded", "said": "the intent, before anything is sent"},
            {"at": "2026-03-10T02:07:01Z", "stage": "sending", "said": "call 1"},
            {"at": "2026-03-10T02:07:01Z", "stage": "done", "said": "25 % → 0 %, verified"},
        ],
        "cells": ["payments 1.41.3 is in 0 of 2 cells: eu leaves it for 1.42.0, us leaves it for 1.42.0"],
    });
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap(), expected);
}

#[test]
fn each_end_of_a_record_has_its_own_exit_code() {
    let table = [
        (Stage::Done { said: String::new() }, Exit::Done),
        (Stage::Failed { why: String::new(), fault: None }, Exit::Failed),
        (Stage::Failed { why: String::new(), fault: Some(FaultKind::Rejected) }, Exit::Failed),
        (Stage::Failed { why: String::new(), fault: Some(FaultKind::Forbidden) }, Exit::Unreachable),
        (Stage::Failed { why: String::new(), fault: Some(FaultKind::TimedOut) }, Exit::Unreachable),
        (Stage::Refused { why: String::new(), changed: false }, Exit::Refused),
        (Stage::Refused { why: String::new(), changed: true }, Exit::Changed),
        (Stage::Unknown { check: String::new() }, Exit::Unknown),
        (Stage::Rests { said: String::new() }, Exit::Wait),
        (Stage::Preempted { by: RecordId(2), said: String::new(), taken_over: false }, Exit::Changed),
    ];
    for (end, exit) in table {
        let stages = vec![Stage::Recorded, end.clone()];
        let ended = fly(sample::model(), stages, "abort payments@prod/eu --yes --reason errors", None);
        assert_eq!(ended.exit, Ok(exit), "{end:?}");
    }
}

#[test]
fn what_is_under_way_when_the_time_is_up_is_undecided_also_where_nobody_waits() {
    let under_way = vec![Stage::Recorded, Stage::Accepted { call: 0, said: "200 OK".into(), given: Given::new() }];
    let line = "abort payments@prod/eu --yes --reason errors --json --wait=30s";
    let ended = fly(sample::model(), under_way.clone(), line, None);
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.exit, &value["outcome"], &value["exit"]), (Ok(Exit::Wait), &"under_way".into(), &4.into()));
    let ended = fly(sample::model(), under_way, "abort payments@prod/eu --yes --reason errors --wait=0s", None);
    assert_eq!((ended.exit, ended.sent.len()), (Ok(Exit::Wait), 1));
    let said = "abort payments 1.42.0 → 1.41.3: under way, not verified yet, the intent, before anything is sent; `holdshort audit show \
                12` says how it ends (record 12)\n";
    assert_eq!(ended.out, said);
}

#[test]
fn nobody_reading_along_changes_neither_what_is_done_nor_how_it_ends() {
    let cli = parse("holdshort abort payments@prod/eu --yes --reason errors".split(' ')).unwrap();
    let (verb, args, to) = cli.command.as_ref().unwrap().verb().unwrap();
    let stages = vec![Stage::Recorded, Stage::Failed { why: "403".into(), fault: None }];
    let mut pilot = Scripted::of(sample::model(), stages);
    let (mut out, mut err) = (Vec::new(), sample::Closed);
    let mut console = asks_nobody(&mut out, &mut err);
    assert_eq!(block_on(run(&mut pilot, verb, args, to, &mut console)), Ok(Exit::Failed));
    let mut refused = sample::model();
    refused.session.read_only = true;
    let mut pilot = Scripted::of(refused, done());
    let mut console = asks_nobody(&mut out, &mut err);
    assert_eq!(block_on(run(&mut pilot, verb, args, to, &mut console)), Ok(Exit::Refused));
}

#[test]
fn what_a_verb_asks_for_is_answered_by_name_and_a_name_that_it_does_not_know_lists_those_that_it_does() {
    let refused = |line: &str| {
        let ended = fly(gated(ship()), done(), format!("approve shop --yes --reason x {line}").trim_end(), None);
        assert_eq!(ended.sent.len(), 0);
        let error = ended.exit.unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        error.text().to_owned()
    };
    let missing = "--set note=VALUE is missing: Release note; --secret pin=@FILE is missing: PIN; nothing was sent";
    assert_eq!(refused(""), format!("approve shipper/gate/shop/7: {missing}"));
    let said = refused("--set plaice=green --set note=x --set drain=perhaps --secret pin=env:PIN");
    let expected = "drain is true or false, not 'perhaps'; \
                    it takes no 'plaice': it takes note, place, drain, pin; nothing was sent";
    assert_eq!(said, format!("approve shipper/gate/shop/7: {expected}"));
    let spelled = refused("--set note=x --set pin=1234 --set place=red");
    assert!(spelled.contains("place is one of blue, green, not 'red'; pin is a secret"), "{spelled}");
    assert!(!spelled.contains("1234"), "{spelled}");
}

#[test]
fn what_was_said_to_a_verb_is_in_its_record_and_of_a_secret_only_that_it_was_given() {
    let line = "approve shop --yes --set place=green --set note=x --set drain=true --secret pin=env:PIN";
    let ended = fly(gated(ship()), done(), line, None);
    let [sent] = ended.sent.as_slice() else { panic!("{:?}", ended.exit) };
    let expected = Args::none()
        .with("note", form::Value::Text("x".to_owned()))
        .with("place", form::Value::OneOf("green".to_owned()))
        .with("drain", form::Value::Flag(true))
        .with("pin", form::Value::Secret);
    assert_eq!(sent.args, expected);
    assert!(!serde_json::to_string(sent).unwrap().contains("1234"));
}

#[test]
fn going_back_and_rejecting_want_a_reason_as_on_screen() {
    for line in ["abort payments@prod/eu --yes", "rollback payments@prod/eu --yes", "reject ledger --yes"] {
        for line in [line.to_owned(), format!("{line} --reason=")] {
            let ended = fly(sample::model(), done(), &line, None);
            let error = ended.exit.unwrap_err();
            assert_eq!(error.exit, Exit::Usage, "{line}");
            assert!(
                error.text().contains("needs --reason TEXT") && error.text().ends_with("nothing was sent"),
                "{error}"
            );
            assert_eq!(ended.sent, Vec::new(), "{line}");
        }
    }
    let ended = fly(sample::model(), done(), "abort payments@prod/eu", Some("y\n"));
    assert_eq!(ended.sent[0].reason.as_deref(), Some("y"), "whoever sits there is asked");
}

#[test]
fn going_forward_on_wait_takes_a_flag_and_a_reason() {
    let wait = || {
        let mut model = sample::judged(Verdict::Wait);
        model.judgements.values_mut().for_each(|judgement| judgement.missing.clear());
        model
    };
    let line = "promote payments@prod/eu --yes --expect 1.42.0";
    for more in ["", " --reason precaution"] {
        let ended = fly(wait(), done(), &format!("{line}{more}"), None);
        assert_eq!((ended.exit, ended.sent), (Ok(Exit::Wait), Vec::new()), "{more}");
        for said in
            ["not known yet whether it does harm: 174 requests of about 4,066", "--accept-wait", "roll back or abort"]
        {
            assert!(ended.err.contains(said), "{}", ended.err);
        }
    }
    let ended = fly(wait(), done(), &format!("{line} --accept-wait"), None);
    assert_eq!((ended.exit.unwrap_err().exit, ended.sent), (Exit::Usage, Vec::new()));
    let ended = fly(wait(), done(), &format!("{line} --accept-wait --reason hotfix"), None);
    assert_eq!(ended.exit, Ok(Exit::Done));
    assert_eq!(ended.sent[0].reason.as_deref(), Some("hotfix"));
    assert_eq!(ended.sent[0].plan.risks.len(), 1, "the record says what was not known");
    let shown = fly(wait(), done(), &format!("{line} --dry-run"), None);
    assert!(shown.out.contains("  risk    verdict WAIT"), "{}", shown.out);
}

#[test]
fn what_the_journal_does_not_take_is_told_to_a_script_as_refused_and_nothing_is_sent() {
    let why = "already under way: abort (lee, 02:07:00); this one was not sent";
    let full = || Scripted { full: Some(why), ..Scripted::of(sample::model(), done()) };
    let line = "abort payments@prod/eu --yes --reason errors";
    let ended = fly_by(full(), &format!("{line} --json"), None);
    let action: Value = serde_json::from_str(&ended.out).unwrap();
    let told = ["record", "outcome", "said", "exit", "target"].map(|field| action[field].clone());
    let target = sample::target().to_string();
    assert_eq!(json!(told), json!([null, "refused", why, 9, target]));
    let refused = || Err(CliError::new(Exit::Refused, why));
    assert_eq!((ended.exit, ended.sent), (refused(), Vec::new()));
    let ended = fly_by(full(), line, None);
    assert_eq!((ended.exit, ended.out.as_str()), (refused(), ""));
    let mut broken = full();
    broken.model.journal_broken = Some("disk full".to_owned());
    assert_eq!(fly_by(broken, line, None).exit, Err(CliError::failed(why)));
}

#[test]
fn evidence_against_going_forward_ends_with_its_own_code_and_sends_nothing() {
    let line = "promote payments@prod/eu --yes --expect 1.42.0";
    let mut read_only = sample::judged(Verdict::NoGo);
    read_only.session.read_only = true;
    let missing = Missing { signal: Signal::LatencyP99, arm: Arm::Canary, gap: Gap::NoSeries };
    let mut starved = sample::judged(Verdict::Wait);
    starved.judgements.values_mut().for_each(|judgement| judgement.missing = vec![missing.clone()]);
    let table = [
        (sample::judged(Verdict::NoGo), Exit::NoGo),
        (sample::judged(Verdict::NoData), Exit::NoData),
        (starved, Exit::NoData),
        (read_only, Exit::Refused),
    ];
    for (model, exit) in table {
        let ended = fly(model, done(), line, None);
        assert_eq!((ended.exit, ended.sent), (Ok(exit), Vec::new()));
        assert!(ended.err.contains("nothing was sent"), "{}", ended.err);
    }
}

#[test]
fn another_version_than_the_expected_one_is_not_promoted() {
    let model = sample::going_well();
    let ended = fly(model, done(), "promote payments@prod/eu --yes --json --expect 1.43.0", None);
    assert_eq!((ended.exit, ended.sent), (Ok(Exit::Changed), Vec::new()));
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["said"], "it would act on 1.42.0, not on 1.43.0");
    assert_eq!((&value["outcome"], &value["exit"], &value["record"]), (&"refused".into(), &6.into(), &Value::Null));
    // Whatever speaks against the version that is there: it is not the one that was meant.
    for verdict in [Verdict::NoGo, Verdict::NoData] {
        let ended = fly(sample::judged(verdict), done(), "promote payments@prod/eu --yes --expect 1.43.0", None);
        assert_eq!((ended.exit, ended.sent), (Ok(Exit::Changed), Vec::new()), "{verdict}");
    }
}

#[test]
fn an_empty_version_names_none() {
    for line in ["promote payments@prod/eu --yes --expect=", "rollback payments@prod/eu --to="] {
        let error = parse(std::iter::once("holdshort").chain(line.split(' '))).unwrap_err();
        assert!(error.to_string().contains("name the version"), "{error}");
    }
}

#[test]
fn the_plain_commands_are_of_the_expected_version_or_none() {
    let printed = |expect: &str| {
        let ended =
            fly(sample::model(), done(), &format!("abort payments@prod/eu --print-commands --expect {expect}"), None);
        (ended.exit.map_err(|error| (error.exit, error.to_string())), ended.out)
    };
    assert_eq!(printed("1.42.0"), (Ok(Exit::Done), "kubectl argo rollouts abort payments -n shop\n".to_owned()));
    let why = "abort eu/argo_rollouts/shop/payments: refused, it would act on 1.42.0, not on 1.43.0; nothing was sent";
    assert_eq!(printed("1.43.0"), (Err((Exit::Changed, why.to_owned())), String::new()));
}

#[test]
fn whoever_sits_there_reads_back_what_a_high_risk_acts_on() {
    let go = sample::going_well;
    let ended = fly(go(), done(), "promote payments@prod/eu", Some("y"));
    let said = "that is not 1.42.0; nothing was sent";
    assert_eq!((ended.exit, ended.sent), (Err(CliError::new(Exit::Interrupted, said)), Vec::new()));
    assert!(ended.err.contains("effect"), "what it acts on is shown before: {}", ended.err);
    let ended = fly(go(), done(), "promote payments@prod/eu", Some("1.42.0"));
    assert_eq!((ended.exit, ended.sent.len()), (Ok(Exit::Done), 1));
}

#[test]
fn several_are_one_act_and_each_may_have_its_own_expected_version() {
    let both = "abort payments@prod/eu us/argo_rollouts/shop/payments --yes --json --reason errors";
    let ended = fly(sample::model(), done(), both, None);
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    let targets: Vec<String> = ended.sent[0].plan.targets().map(ToString::to_string).collect();
    assert_eq!(targets, ["eu/argo_rollouts/shop/payments", "us/argo_rollouts/shop/payments"]);
    assert_eq!(value["plan"]["then"][0]["target"], "us/argo_rollouts/shop/payments");
    for (expect, exit, sent) in [
        ("--expect 1.42.0", Ok(Exit::Done), 1),
        ("--expect 1.42.0 --expect 1.42.0", Ok(Exit::Done), 1),
        ("--expect 1.42.0 --expect 1.43.0", Ok(Exit::Changed), 0),
        (
            "--expect 1.42.0 --expect 1.42.0 --expect 1.42.0",
            Err(CliError::usage("--expect is said 3 times for 2 targets: once, or once for each")),
            0,
        ),
    ] {
        let ended = fly(sample::model(), done(), &format!("{both} {expect}"), None);
        assert_eq!((ended.exit, ended.sent.len()), (exit, sent), "{expect}");
    }
}

#[test]
fn a_forward_verb_of_high_risk_needs_the_version_named() {
    let go = sample::going_well;
    let ended = fly(go(), done(), "promote payments@prod/eu --yes", None);
    let said =
        "promote payments in prod/eu: a high risk needs --expect VERSION; it would act on 1.42.0, nothing was sent";
    assert_eq!((ended.exit, ended.sent), (Err(CliError::usage(said)), Vec::new()));
    let ended = fly(go(), done(), "promote payments@prod/eu --yes --expect 1.42.0", None);
    assert_eq!((ended.exit, ended.sent.len()), (Ok(Exit::Done), 1));
}

#[test]
fn without_yes_it_asks_and_where_nobody_is_there_it_sends_nothing() {
    let line = "abort payments@prod/eu";
    assert_eq!(fly(sample::model(), done(), line, Some("y\n")).exit, Ok(Exit::Done));
    for answer in [Some("n\n"), Some(""), None] {
        let ended = fly(sample::model(), done(), line, answer);
        assert!(ended.exit.is_err(), "{answer:?}");
        assert_eq!(ended.sent, Vec::new(), "{answer:?}");
    }
}

#[test]
fn a_dry_run_prints_the_plan_and_sends_nothing() {
    let ended = fly(sample::model(), done(), "abort payments@prod/eu --dry-run", None);
    assert_eq!((ended.exit, ended.sent), (Ok(Exit::Done), Vec::new()));
    let expected = "\
abort payments in prod/eu (medium risk)
  from    1.42.0
  to      1.41.3
  effect  25 % → 0 % of traffic
  sends   set abort: PATCH rollouts/payments/status {\"status\":{\"abort\":true}}
  then    aborted, within 60 s
  undo    retry
  note    the spec still holds 1.42.0 afterwards
";
    assert_eq!(ended.out, expected);
}

#[test]
fn the_plain_commands_are_printed_even_where_holdshort_would_refuse() {
    let mut model = sample::model();
    model.session.read_only = true;
    let ended = fly(model, done(), "abort payments@prod/eu --print-commands", None);
    assert_eq!((ended.exit, ended.sent), (Ok(Exit::Done), Vec::new()));
    assert_eq!(ended.out, "kubectl argo rollouts abort payments -n shop\n");
    assert_eq!(ended.err, "holdshort would refuse: this session is read-only\n");
}

#[test]
fn what_is_set_twice_or_cannot_be_printed_is_refused_and_never_sent_as_something_else() {
    let set = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        super::said(&pairs)
            .map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>())
            .map_err(|error| error.to_string())
    };
    assert_eq!(set(&[("code", "Betty"), ("stream", " all ")]), Ok(vec!["Betty".to_owned(), " all".to_owned()]));
    assert_eq!(set(&[("code", "X"), ("code", "Y")]), Err("--set code is said twice".to_owned()));
    for odd in ["a\nb", "\u{1b}[31mred", "a\u{202e}b"] {
        let refused = "--set code: its value holds characters that cannot be printed";
        assert_eq!(set(&[("code", odd)]), Err(refused.to_owned()), "{odd:?}");
    }
}

#[test]
fn who_goes_back_without_those_that_are_refused_says_so_and_is_told_which() {
    let mut model = sample::model();
    let mut refused = sample::rollout(&"us".into(), Phase::Progressing);
    for offer in refused.offers.iter_mut().filter(|offer| offer.verb == Verb::Abort) {
        offer.blocked = Some("you may not patch rollouts in shop".to_owned());
    }
    sample::sees(&mut model, "us", refused);
    let both = "abort payments@prod/eu us/argo_rollouts/shop/payments --yes --json --reason errors --expect 1.42.0 --expect 1.42.0";
    let ended = fly(model.clone(), done(), both, None);
    assert_eq!((ended.exit, ended.sent), (Ok(Exit::Refused), Vec::new()));
    assert!(ended.err.contains("  go on with the others: --leave-refused\n"), "{}", ended.err);
    let ended = fly(model, done(), &format!("{both} --leave-refused"), None);
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    let targets: Vec<String> = ended.sent[0].plan.targets().map(ToString::to_string).collect();
    assert_eq!((ended.exit, targets), (Ok(Exit::Refused), vec!["eu/argo_rollouts/shop/payments".to_owned()]));
    assert_eq!(value["left"], json!(["payments in prod/us: you may not patch rollouts in shop"]));
    assert!(ended.err.contains("left out: payments in prod/us: "), "{}", ended.err);
}
