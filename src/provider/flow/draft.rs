//! What a verb would do to a gate: the call, what it is bound to, what must be seen afterwards; and everything that can be sent at all.
//! Pure, from the last observed object.

use std::time::Duration;

use crate::{
    domain::{gate::Gate, object::ObjectId, offer::open_for, pipeline::RunStatus, verb::Verb},
    port::{
        plan::{Ask, Blocked, Condition, Draft, Expect, Expectation, WireCall, fact},
        shape::Shape,
    },
    provider::flow::{
        address::{Address, What},
        again::{THE_JOB, THE_MACHINE, THE_ORDER, THE_RUN},
        call, fact as own,
        gate::MANUAL,
        request::Door,
    },
};

/// How long an answer may take to show.
pub(super) const ANSWERED: Duration = Duration::from_mins(1);
/// How long what stops may take to end.
pub(super) const STOPPED: Duration = Duration::from_mins(5);
/// What is said where a reason is given: Flow has no place for it.
pub(super) const NO_COMMENT: &str = "Flow takes no comment: your reason stays in the record";

/// Everything that a verb can send for a target.
pub(super) fn shapes(door: &Door, target: &ObjectId, verb: Verb) -> Vec<Shape> {
    let Some(at) = Address::parse(target) else { return Vec::new() };
    let id = at.pipeline.to_string();
    let on_job = |act, run: &str, job: &str| door.shape(act, door.on_job(act, (&id, run), job));
    let on_order = |act, order: &str| door.shape(act, door.on_order(act, at.pipeline, order, None));
    let on_machine = |act, order: &str| door.shape(act, door.on_order(act, at.pipeline, order, Some(THE_MACHINE)));
    let has = |act| door.has(act);
    match (&at.what, verb) {
        (What::Job(run, job), Verb::Approve | Verb::Reject) => {
            let (run, job) = (run.to_string(), job.to_string());
            let acts: &[call::Act] = if verb == Verb::Approve { &[call::PASS, call::START] } else { &[call::REFUSE] };
            acts.iter().filter(|act| has(**act)).map(|act| on_job(*act, &run, &job)).collect()
        }
        (What::Order(_, order), Verb::Next) => vec![on_order(call::RESUME, &order.to_string())],
        // A verb of its run names the order; one of itself is of this one.
        (What::Order(_, order), Verb::Stop) => {
            [&order.to_string(), THE_ORDER].map(|order| on_order(call::STOP_ORDER, order)).into()
        }
        (What::Order(..), Verb::Rerun) => vec![on_machine(call::RETRY_MACHINE, THE_ORDER)],
        (What::Order(..), Verb::Skip) => vec![on_machine(call::SKIP_MACHINE, THE_ORDER)],
        (What::Run(_), Verb::Stop) => vec![on_order(call::STOP_ORDER, THE_ORDER)],
        (What::Run(run), Verb::Cancel) if door.is_older() => {
            vec![door.shape(call::STOP_RUN, door.on_run(call::STOP_RUN, at.pipeline, *run))]
        }
        (What::Run(run) | What::Job(run, _), Verb::Cancel) => {
            vec![on_job(call::STOP_JOB, &run.to_string(), THE_JOB)]
        }
        (What::Run(run) | What::Job(run, _), Verb::Rerun) => {
            let acts = [call::RETRY_JOB, call::RERUN_JOB].into_iter().filter(|act| has(*act));
            let jobs = acts.map(|act| on_job(act, &run.to_string(), THE_JOB));
            jobs.chain([on_machine(call::RETRY_MACHINE, THE_ORDER)]).collect()
        }
        (What::Run(run) | What::Job(run, _), Verb::Skip) => {
            vec![on_job(call::SKIP_JOB, &run.to_string(), THE_JOB), on_machine(call::SKIP_MACHINE, THE_ORDER)]
        }
        (What::Run(run) | What::Job(run, _), Verb::Play) if has(call::START) => {
            vec![on_job(call::START, &run.to_string(), THE_JOB)]
        }
        (What::Run(_), Verb::Dispatch) => vec![door.shape_of_begin(at.pipeline)],
        (What::Run(_) | What::Deploy(_), Verb::Rollback) if has(call::RERUN_JOB) => {
            vec![on_job(call::RERUN_JOB, THE_RUN, THE_JOB)]
        }
        _ => Vec::new(),
    }
}

/// The draft for a gate.
pub(super) fn gate(gate: &Gate, ask: &Ask, door: &Door, base: &str) -> Result<Draft, Blocked> {
    let at = Address::of(&gate.id).map_err(|error| Blocked(error.text))?;
    let what = match at.what {
        What::Order(..) => "a deployment of Flow that waits between batches",
        _ => "a gate of Flow",
    };
    open_for(&gate.offers, ask.verb, what).map_err(Blocked)?;
    match (&at.what, ask.verb) {
        (What::Job(run, job), Verb::Approve | Verb::Reject) => {
            let manual = gate.system == MANUAL;
            let act = match (ask.verb, manual) {
                (Verb::Reject, _) => call::REFUSE,
                (_, true) => call::START,
                _ => call::PASS,
            };
            let path = door.on_job(act, (&at.pipeline.to_string(), &run.to_string()), &job.to_string());
            let does = if manual { "start" } else { ask.verb.words() };
            Ok(answered(gate, ask, manual, door.call(act, format!("{does} {}", gate.title), path, base)))
        }
        (What::Order(_, order), Verb::Next) => {
            let path = door.on_order(call::RESUME, at.pipeline, &order.to_string(), None);
            Ok(next(gate, door.call(call::RESUME, format!("next batch of {}", gate.title), path, base)))
        }
        (What::Order(_, order), Verb::Stop) => {
            let path = door.on_order(call::STOP_ORDER, at.pipeline, &order.to_string(), None);
            let call = door.call(call::STOP_ORDER, format!("stop {}", gate.title), path, base);
            let draft = Draft::of(&gate.id, call, stopped(&gate.title), gate.identity.clone(), order_stops());
            Ok(Draft { from: gate.version.clone(), undo: UNDO_STOP.to_owned(), notes: after_a_stop(), ..draft })
        }
        _ => Err(Blocked(format!("'{}' is no gate of Flow", gate.id))),
    }
}

/// What an order that is stopped means, and the way from there.
pub(super) const UNDO_STOP: &str = "a deployment that was stopped goes on no more: run its job again, or roll back";

pub(super) fn stopped(title: &str) -> String {
    format!("{title}: no more machines are deployed to; those that are done keep the new version")
}

pub(super) fn after_a_stop() -> Vec<String> {
    vec![
        "some machines stay on the new version, the others on the one before: `roll back` of the run brings all to one"
            .to_owned(),
    ]
}

/// What must be seen of an order that was stopped.
pub(super) fn order_stops() -> Expectation {
    Expectation {
        all: vec![Expect::is(own::ORDER_IS, RunStatus::Cancelled)],
        fails_if: vec![Expect::is(own::ORDER_IS, RunStatus::Succeeded)],
        within: STOPPED,
        ..Expectation::default()
    }
}

/// A validation that is passed or refused, or a job that is started.
fn answered(gate: &Gate, ask: &Ask, manual: bool, call: WireCall) -> Draft {
    let rejects = ask.verb == Verb::Reject;
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let (wanted, other) = if rejects { ("refused", "passed") } else { ("passed", "refused") };
    let mut expect = Expectation {
        all: vec![Expect::is(own::VALIDATION, wanted)],
        fails_if: vec![Expect::is(own::VALIDATION, other)],
        within: ANSWERED,
        ..Expectation::default()
    };
    if manual {
        let lost = [RunStatus::Cancelled, RunStatus::Skipped];
        expect.all = vec![Expect::is(own::BEGUN, true)];
        expect.fails_if = lost.map(|state| Expect::is(own::JOB_IS, state)).to_vec();
    }
    let mut notes = vec![NO_COMMENT.to_owned()];
    if rejects {
        notes.push("refusing a validation ends its run as failed or cancelled".to_owned());
    }
    if gate.newer_behind > 0 && !rejects {
        let (runs, wait) = if gate.newer_behind == 1 { ("run", "waits") } else { ("runs", "wait") };
        notes.push(format!("{} newer {runs} {wait} for the same", gate.newer_behind));
    }
    let (effect, undo) = match (rejects, manual) {
        (true, _) => (format!("{} is refused, and its run ends", gate.title), "begin a new run"),
        (false, true) => (format!("{} starts{to}", gate.title), "cancel the run; what it has deployed stays"),
        (false, false) => (
            format!("{} is passed and the run goes on{to}", gate.title),
            "cancel the run, or put the earlier version back",
        ),
    };
    let plain = Draft::of(&gate.id, call, effect, gate.identity.clone(), expect);
    let (from, to) = if rejects { (gate.version.clone(), None) } else { (gate.live.clone(), gate.version.clone()) };
    Draft { from, to, undo: undo.to_owned(), notes, ..plain }
}

/// The next batch goes, and no further.
fn next(gate: &Gate, call: WireCall) -> Draft {
    let at = gate.identity.get(own::BATCH).and_then(|batch| batch.parse::<i64>().ok());
    let all = match at {
        Some(at) => vec![Expect { fact: own::BATCH.to_owned(), condition: Condition::AtLeast(at + 1) }],
        None => vec![Expect::is_not(own::ORDER_IS, "paused")],
    };
    let expect = Expectation {
        all,
        fails_if: [RunStatus::Cancelled, RunStatus::Failed].map(|state| Expect::is(own::ORDER_IS, state)).to_vec(),
        words: Some("the next batch is under way".to_owned()),
        within: ANSWERED,
        progress: Some((own::MACHINES.to_owned(), "machines".to_owned())),
        ..Expectation::default()
    };
    let batch = at.map_or_else(|| "the next batch".to_owned(), |at| format!("batch {}", at + 1));
    let to = gate.version.as_ref().map_or_else(String::new, |version| format!(": {version}"));
    let effect = format!("{batch} of the deployment goes{to}");
    let mut bound = gate.identity.clone();
    bound.remove(fact::STATUS);
    Draft {
        to: gate.version.clone(),
        undo: "stop it before the batch after, and roll back".to_owned(),
        notes: vec!["where Flow is set to pause after each batch, it waits again after this one".to_owned()],
        ..Draft::of(&gate.id, call, effect, bound, expect)
    }
}
