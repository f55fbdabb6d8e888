//! Gates before a pilot whose world moves on with each look. What it would end on is said by the model alone.

use std::collections::VecDeque;

use futures::{FutureExt, executor::block_on, future::BoxFuture};
use serde_json::Value;

use super::*;
use crate::{
    app::{guard::Confirmed, model::Model, sample::hears},
    cli::{args::Command, parse, sample},
    domain::{gate::Gate, object::Family, rollout::Phase, version::Version},
    port::{
        inventory::Part,
        plan::{Blocked, Draft},
        record::{Record, RecordId},
    },
};

/// What happens between two looks.
type Happens = fn(&mut Model);

/// A pilot whose world changes once with each span that passes.
struct Looking {
    model: Model,
    then: VecDeque<Happens>,
}

impl Pilot for Looking {
    fn model(&self) -> &Model {
        &self.model
    }

    fn drafts<'a>(&'a mut self, ask: &'a Ask) -> BoxFuture<'a, Vec<Result<Draft, Blocked>>> {
        async { ask.targets().map(|_| Ok(sample::draft(ask.verb))).collect() }.boxed()
    }

    fn execute(&mut self, _: Confirmed) -> BoxFuture<'_, Result<Record, String>> {
        async { panic!("a gate sends nothing") }.boxed()
    }

    fn follow(&mut self, _: RecordId, _: usize, _: Option<Duration>) -> BoxFuture<'_, Result<Record, String>> {
        async { panic!("a gate follows no record") }.boxed()
    }

    fn pass(&mut self, span: Duration) -> BoxFuture<'_, ()> {
        self.model.now += span;
        if let Some(happens) = self.then.pop_front() {
            happens(&mut self.model);
        }
        async {}.boxed()
    }
}

/// How it ended, and what it said: of each line how it stood, and its exit code.
type Ended = (Result<Exit, CliError>, Vec<(String, Option<u64>)>);

fn gate(model: Model, then: &[Happens], line: &str) -> Ended {
    let cli = parse(std::iter::once("holdshort").chain(line.split(' '))).unwrap();
    let Some(Command::Gate(mut args)) = cli.command else { panic!("{line}") };
    args.json = true;
    let (began, mut out) = (model.now, Vec::new());
    let mut pilot = Looking { model, then: then.iter().copied().collect() };
    let exit = block_on(run(&mut pilot, &args, began, &mut out));
    let lines = String::from_utf8(out).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said = lines.map(|line| (line["standing"].as_str().unwrap().to_owned(), line["exit"].as_u64()));
    (exit, said.collect())
}

fn judge(model: &mut Model, verdict: Verdict) {
    for judgement in model.judgements.values_mut() {
        judgement.verdict = verdict;
        judgement.tested.harm = verdict == Verdict::NoGo;
        // What is decided is decided by what was measured just now.
        judgement.at = Some(model.now);
        judgement.missing.clear();
        judgement.canary.requests = 4_000;
    }
}

fn nothing(_: &mut Model) {}

/// One step of a gate's story: how it stood, and no exit code.
fn stood(standing: &str) -> (String, Option<u64>) {
    (standing.to_owned(), None)
}

/// Its end.
fn ended(standing: &str, exit: u64) -> (String, Option<u64>) {
    (standing.to_owned(), Some(exit))
}

/// Not so long that what was seen at its begin is old at its end.
const EU: &str = "gate payments@prod/eu --interval 10s --timeout 25s";

#[test]
fn it_waits_for_go_and_says_each_change_once() {
    let then: [Happens; 3] = [nothing, nothing, |model| judge(model, Verdict::Go)];
    let (exit, said) = gate(sample::judged(Verdict::Wait), &then, EU);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![stood("wait"), ended("go", 0)]));
}

#[test]
fn evidence_of_harm_ends_it_at_once() {
    let then: [Happens; 1] = [|model| judge(model, Verdict::NoGo)];
    let (exit, said) = gate(sample::judged(Verdict::Wait), &then, EU);
    assert_eq!((exit, said), (Ok(Exit::NoGo), vec![stood("wait"), ended("no_go", 3)]));
}

#[test]
fn what_is_undecided_when_the_time_is_up_is_no_go_ahead() {
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[], EU);
    assert_eq!((exit, said), (Ok(Exit::Wait), vec![stood("wait"), ended("wait", 4)]));
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[], "gate payments@prod/eu --timeout 0s");
    assert_eq!((exit, said), (Ok(Exit::Wait), vec![ended("wait", 4)]), "it looks once");
}

#[test]
fn what_cannot_be_judged_or_read_may_come_back_and_counts_only_at_the_end() {
    let blind: Happens = |model| judge(model, Verdict::NoData);
    let (exit, said) = gate(sample::judged(Verdict::NoData), &[nothing, |model| judge(model, Verdict::Go)], EU);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![stood("no_data"), ended("go", 0)]));
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[blind], EU);
    assert_eq!((exit, said), (Ok(Exit::NoData), vec![stood("wait"), stood("no_data"), ended("no_data", 5)]));
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[|model| sample::fails(model, "eu")], EU);
    assert_eq!((exit, said), (Ok(Exit::Unreachable), vec![stood("wait"), stood("unread"), ended("unread", 8)]));
}

#[test]
fn a_go_that_nobody_sees_any_more_is_none() {
    let (exit, said) = gate(sample::going_well(), &[], "gate payments@prod/eu --timeout 0s");
    assert_eq!((exit, said), (Ok(Exit::Done), vec![ended("go", 0)]));
    let mut model = sample::going_well();
    sample::fails(&mut model, "eu");
    let (exit, said) = gate(model, &[], "gate payments@prod/eu --timeout 0s");
    assert_eq!((exit, said), (Ok(Exit::Unreachable), vec![ended("unread", 8)]));
}

#[test]
fn a_name_that_may_be_elsewhere_waits_for_whoever_has_not_answered() {
    let comes: Happens = |model| *model = sample::judged(Verdict::NoGo);
    let (exit, said) = gate(sample::silent(), &[nothing, comes], EU);
    assert_eq!((exit, said), (Ok(Exit::NoGo), vec![stood("unread"), ended("no_go", 3)]));
}

#[test]
fn a_name_that_is_none_or_several_is_wrong_usage_at_once() {
    let (exit, said) = gate(sample::model(), &[], "gate nobody");
    let error = exit.unwrap_err();
    assert_eq!((error.exit, said), (Exit::Usage, vec![]));
    assert!(error.text().starts_with("there is no 'nobody' to judge; there is:\n"), "{error}");
    let error = gate(sample::model(), &[], "gate payments").0.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.text().starts_with("'payments' is more than one thing to judge; name one:\n"), "{error}");
}

/// Another version takes the canary's place.
fn moves_on(model: &mut Model) {
    let mut rollout = sample::rollout(&"eu".into(), Phase::Progressing);
    rollout.canary = Some(Version::tagged("1.43.0"));
    rollout.identity.canary_hash = "hash9".to_owned();
    sample::sees(model, "eu", rollout);
    judge(model, Verdict::Go);
}

#[test]
fn a_verdict_on_another_version_is_none_on_this() {
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[moves_on], EU);
    let error = exit.unwrap_err();
    assert_eq!((error.exit, said), (Exit::Changed, vec![stood("wait")]));
    assert_eq!(error.text(), "moved: 1.42.0 was waited for, and 1.43.0 is there now");
}

#[test]
fn a_version_that_is_expected_is_waited_for_until_it_comes() {
    let line = "gate payments@prod/eu --interval 10s --timeout 25s --expect 1.43.0";
    let before = || {
        let mut model = sample::going_well();
        settles(&mut model, "1.42.0", "hash8");
        model
    };
    let (exit, said) = gate(before(), &[nothing, moves_on], line);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![stood("no_data"), ended("go", 0)]));
    let (exit, said) = gate(before(), &[], line);
    assert_eq!((exit, said), (Ok(Exit::NoData), vec![stood("no_data"), ended("no_data", 5)]));
    // What was taken back is on its way no more, whatever the spec still holds.
    let aborted: Happens = |model| sample::sees(model, "eu", sample::rollout(&"eu".into(), Phase::Aborted));
    let mut model = sample::going_well();
    aborted(&mut model);
    assert_eq!(gate(model, &[nothing, moves_on], line).0, Ok(Exit::Done));
    let error = parse("holdshort gate payments --expect".split(' ').chain([""])).unwrap_err();
    assert!(error.to_string().contains("--expect"), "{error}");
}

#[test]
fn another_version_that_is_on_its_way_ends_it_at_once_and_a_commit_that_is_too_short_is_a_mistake() {
    let (exit, said) = gate(sample::going_well(), &[], "gate payments@prod/eu --expect 1.43.0");
    let error = exit.unwrap_err();
    assert_eq!((error.exit, said), (Exit::Changed, vec![]));
    assert_eq!(error.text(), "1.42.0 is on its way, not 1.43.0: another version is there");
    let commit: Happens = |model| {
        let mut rollout = sample::rollout(&"eu".into(), Phase::Progressing);
        rollout.canary = Some(Version::tagged("1.42.0").at_commit("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"));
        sample::sees(model, "eu", rollout);
    };
    let mut model = sample::going_well();
    commit(&mut model);
    let error = gate(model, &[], "gate payments@prod/eu --expect a1").0.unwrap_err();
    let said = "'a1' is too short to stand for 1.42.0 (a1b2c3d): at least 4 characters of its commit";
    assert_eq!((error.exit, error.text()), (Exit::Usage, said));
}

/// 1.42.0, or the one before it, serves alone.
fn settles(model: &mut Model, tag: &str, hash: &str) {
    let mut rollout = sample::rollout(&"eu".into(), Phase::Healthy);
    (rollout.stable, rollout.canary) = (Some(Version::tagged(tag)), Some(Version::tagged(tag)));
    rollout.identity.canary_hash = hash.to_owned();
    rollout.identity.stable_hash = hash.to_owned();
    sample::sees(model, "eu", rollout);
}

#[test]
fn what_came_in_undecided_is_not_good_and_what_was_taken_out_is_gone() {
    let (exit, said) = gate(sample::judged(Verdict::Wait), &[|model| settles(model, "1.42.0", "hash8")], EU);
    assert_eq!(exit, Ok(Exit::NoData), "{said:?}");
    let (exit, _) = gate(sample::judged(Verdict::Wait), &[|model| settles(model, "1.41.3", "hash7")], EU);
    assert_eq!(exit.unwrap_err().exit, Exit::Changed);
    let mut steady = sample::model();
    settles(&mut steady, "1.41.3", "hash7");
    let (exit, said) = gate(steady, &[], EU);
    assert_eq!((exit, said), (Ok(Exit::NoData), vec![stood("no_data"), ended("no_data", 5)]), "nothing came");
}

#[test]
fn a_version_that_is_taken_back_is_waited_for_no_longer() {
    let aborts: Happens = |model| sample::sees(model, "eu", sample::rollout(&"eu".into(), Phase::Aborted));
    let error = gate(sample::judged(Verdict::Wait), &[aborts], EU).0.unwrap_err();
    assert_eq!((error.exit, error.text()), (Exit::Changed, "1.42.0 was taken back in prod/eu"));
}

#[test]
fn with_a_verb_the_guard_is_asked_too_and_what_it_refuses_may_pass() {
    let line = "gate payments@prod/eu --for promote --interval 10s --timeout 25s";
    let (exit, said) = gate(sample::going_well(), &[], line);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![ended("go", 0)]));
    let frozen = || {
        let mut model = sample::going_well();
        model.session.read_only = true;
        model
    };
    let (exit, said) = gate(frozen(), &[], line);
    assert_eq!((exit, said), (Ok(Exit::Refused), vec![stood("refused"), ended("refused", 9)]));
    let (exit, said) = gate(frozen(), &[nothing, |model| model.session.read_only = false], line);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![stood("refused"), ended("go", 0)]));
    let (exit, said) = gate(frozen(), &[], EU);
    assert_eq!((exit, said), (Ok(Exit::Done), vec![ended("go", 0)]), "a look needs no right");
}

#[test]
fn what_is_nowhere_yet_has_no_verdict_and_the_guard_says_whether_it_may_go_on() {
    let (exit, said) = gate(sample::model(), &[], "gate ledger --timeout 0s");
    assert_eq!((exit, said), (Ok(Exit::NoData), vec![ended("no_data", 5)]));
    let (exit, said) = gate(sample::model(), &[], "gate ledger --for approve --timeout 0s");
    assert_eq!((exit, said), (Ok(Exit::Done), vec![ended("go", 0)]));
    let closed: Happens = |model| {
        let at = model.now;
        hears(model, ("github", "run"), at, Ok(vec![Part::whole(Family::gate(), Vec::<Gate>::new())]));
    };
    let error = gate(sample::model(), &[closed], "gate github/gate/acme/ledger/812/prod").0.unwrap_err();
    assert_eq!(error.exit, Exit::Changed, "{error}");
}

#[test]
fn a_closed_pipe_is_no_verdict() {
    let cli = parse("holdshort gate payments@prod/eu --timeout 20s".split(' ')).unwrap();
    let Some(Command::Gate(args)) = cli.command else { panic!() };
    let model = sample::judged(Verdict::Wait);
    let (began, mut pilot) = (model.now, Looking { model, then: VecDeque::new() });
    assert_eq!(block_on(run(&mut pilot, &args, began, &mut sample::Closed)), Ok(Exit::Wait));
}

#[test]
fn a_line_says_what_it_is_about() {
    let cli = parse("holdshort gate payments@prod/eu --timeout 0s".split(' ')).unwrap();
    let Some(Command::Gate(args)) = cli.command else { panic!() };
    let model = sample::judged(Verdict::NoGo);
    let (began, mut pilot, mut out) = (model.now, Looking { model, then: VecDeque::new() }, Vec::new());
    assert_eq!(block_on(run(&mut pilot, &args, began, &mut out)), Ok(Exit::NoGo));
    let said = String::from_utf8(out).unwrap();
    assert!(
        said.starts_with("02:07:00  NO-GO     payments in prod/eu: 1.42.0, step 1/2, 25 %  errors 3.1 %"),
        "{said}"
    );
    assert!(said.ends_with("; exit 3\n"), "{said}");
}

#[test]
fn every_field_of_a_line_is_described() {
    let described = std::fs::read_to_string("docs/json.md").unwrap();
    let described =
        described.split("## `holdshort/gate/v1`").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let seen = Seen::unread(None, "");
    let mut out = Vec::new();
    wire::print(&seen, (sample::at(0), None, None, None), true, &mut out).unwrap();
    let line: Value = serde_json::from_slice(&out).unwrap();
    let missing: Vec<&String> = line.as_object().unwrap().keys().filter(|name| *name != "schema").collect();
    let missing: Vec<_> = missing.into_iter().filter(|name| !described.contains(&format!("`{name}"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
}
