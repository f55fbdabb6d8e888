//! Reading signals: which questions are open, what their answers change, and what of them outlives this process.
//!
//! Each source of signals is asked for itself: what one of them cannot tell holds none of the others back.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    lines,
    observe::{age_verdicts, judge_all},
};
use crate::{
    app::{
        effect::Effect,
        logs,
        model::{Measuring, Model},
        store::KEPT,
        watch,
    },
    domain::{
        changes::Changes,
        ids::{ServiceName, SourceName},
        observed::Fault,
        signal::ServiceSignals,
        time::Timestamp,
    },
    port::{
        facet::Window,
        kept::{KeptSignals, Outlived},
        lookup::{LogPiece, Question, Told},
    },
};

/// How much history a panel shows before the release began.
const BEFORE: Duration = Duration::from_mins(10);
/// How long after the end of an interval it is asked for: scrapes and ingestion take a while.
const LAG: Duration = Duration::from_secs(5);

/// Takes an answer, or why there is none.
pub(super) fn told(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    question: &Question,
    told: Result<Told, Fault>,
) -> Vec<Effect> {
    match (question, told) {
        (Question::Signals { services, window }, told) => {
            let signals = told.map(|told| match told {
                Told::Signals(signals) => signals,
                _ => Vec::new(),
            });
            answered(model, source, question, signals.is_ok().then_some((services, window.to)));
            signals_told(model, source, at, *window, signals)
        }
        (Question::Jobs { run }, told) => {
            let told = told.map(|told| match told {
                Told::Jobs(nodes) => nodes,
                _ => Vec::new(),
            });
            model.store.inside.take_tree(run, at, told);
            Vec::new()
        }
        (Question::Changes { base, head, .. }, told) => {
            let told = told.map(|told| match told {
                Told::Changes(changes) => changes,
                _ => Changes::default(),
            });
            model.store.inside.take_changes(base, head, told);
            Vec::new()
        }
        (Question::Log { run, log, .. }, told) => {
            let told = told.map(|told| match told {
                Told::Log(piece) => piece,
                _ => LogPiece::default(),
            });
            let left = model.store.inside.take_log(run, log, at, told);
            model.reading.pane.dropped(left);
            Vec::new()
        }
        (Question::Lines(asked), told) => {
            lines::told(model, source, at, asked, told);
            Vec::new()
        }
    }
}

/// Closes a question; one that failed is open again with the next tick, from where its source had told all.
fn answered(model: &mut Model, source: &SourceName, question: &Question, of: Option<(&Vec<ServiceName>, Timestamp)>) {
    let measuring = model.measuring.entry(source.clone()).or_default();
    measuring.open.remove(question);
    let Some((services, to)) = of else { return };
    measuring.proven = measuring.proven.max(Some(to));
    for service in services {
        let until = measuring.until.entry(service.clone()).or_insert(to);
        *until = (*until).max(to);
    }
}

fn signals_told(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    window: Window,
    signals: Result<Vec<ServiceSignals>, Fault>,
) -> Vec<Effect> {
    let kept = match signals {
        Ok(signals) => Some(take(model, source, at, window, signals)),
        Err(fault) => {
            model.store.take_signals(source, at, window, Err(fault));
            None
        }
    };
    logs::test(model);
    judge_all(model);
    kept.and_then(|kept| keep(model, kept, window)).into_iter().collect()
}

/// Takes what a source told, and says what of it is to be kept. Of what an earlier process read already, the first answer only
/// proves that the source is there: it may have lost what it knew then.
fn take(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    window: Window,
    signals: Vec<ServiceSignals>,
) -> Vec<KeptSignals> {
    let mut kept = Vec::new();
    for signals in signals {
        let until = model.kept_until.remove(&(source.clone(), signals.service.clone()));
        let (window, signals) = match until.filter(|until| window.from < *until) {
            Some(until) => (Window { from: until.min(window.to), ..window }, signals.after(until)),
            None => (window, signals),
        };
        if window.from < window.to {
            kept.push(KeptSignals { source: source.clone(), window, signals: signals.clone() });
        }
        model.store.take_signals(source, at, window, Ok(vec![signals]));
    }
    model.store.take_signals(source, at, window, Ok(Vec::new()));
    kept
}

/// Keeps what was read. What is no longer in flight is forgotten, but only once every source of rollouts has told what is.
fn keep(model: &Model, kept: Vec<KeptSignals>, window: Window) -> Option<Effect> {
    let flies = |service: &&ServiceName| {
        model.store.rollouts().any(|rollout| watch::is_followed(model, rollout) && rollout.service == **service)
    };
    let mut services = BTreeSet::new();
    if model.store.knows_all_rollouts() {
        let read = model.measuring.values().flat_map(|measuring| measuring.until.keys());
        services = read.filter(|service| !flies(service)).cloned().collect();
    }
    let outlived = Outlived { before: window.to - KEPT, services: services.into_iter().collect() };
    (!kept.is_empty() || !outlived.services.is_empty()).then_some(Effect::KeepSignals { kept, outlived })
}

/// Takes what an earlier process kept. Reading goes on where each source of a service stopped.
pub(super) fn kept(model: &mut Model, kept: Vec<KeptSignals>) {
    let mut ends: BTreeMap<(SourceName, ServiceName), Timestamp> = BTreeMap::new();
    for KeptSignals { source, window, signals } in kept {
        if window.step != model.session.signal_step {
            continue;
        }
        let service = signals.service.clone();
        if model.store.restore_signals(&source, window, signals) {
            let end = ends.entry((source, service)).or_insert(window.to);
            *end = (*end).max(window.to);
        }
    }
    // What was kept is history and no answer: however new it is, its newest interval is asked for again at once.
    for ((source, service), end) in ends {
        let before = end - model.session.signal_step;
        let until = &mut model.measuring.entry(source.clone()).or_default().until;
        let until = until.entry(service.clone()).or_insert(before);
        *until = (*until).min(before);
        model.kept_until.insert((source, service), end);
    }
    judge_all(model);
}

/// Opens questions for the signals of every service in flight, once for each interval that ended; a service that is new in flight
/// is asked for from before its release began. Services with the same gap share a question.
pub(super) fn due(model: &mut Model) {
    let step = model.session.signal_step;
    let Some(end) = aligned(model.now - LAG, step) else { return };
    age_verdicts(model, end);
    let mut began: BTreeMap<ServiceName, Timestamp> = BTreeMap::new();
    for rollout in model.store.rollouts().filter(|rollout| watch::is_followed(model, rollout)) {
        let start = rollout.started.unwrap_or(model.now) - BEFORE;
        let began = began.entry(rollout.service.clone()).or_insert(start);
        *began = (*began).min(start);
    }
    let looked = model.store.has_looked_for_rollouts();
    let sources: Vec<SourceName> = model.store.signal_sources().map(|(source, _)| source.clone()).collect();
    for source in sources {
        model.measuring.entry(source).or_default().ask(&began, looked, end, step);
    }
}

impl Measuring {
    /// Opens what is not known of these services, which began to be of interest then.
    fn ask(&mut self, began: &BTreeMap<ServiceName, Timestamp>, looked: bool, end: Timestamp, step: Duration) {
        let asked = |question: &Question, service: &ServiceName| match question {
            Question::Signals { services, .. } => services.contains(service),
            _ => false,
        };
        let oldest = aligned(end - KEPT, step).unwrap_or(end);
        let mut gaps: BTreeMap<Timestamp, Vec<ServiceName>> = BTreeMap::new();
        for (service, began) in began {
            if self.open.iter().any(|question| asked(question, service)) {
                continue;
            }
            let known = self.until.get(service).copied().or_else(|| aligned(*began, step));
            let from = known.unwrap_or(end).max(oldest);
            if from < end {
                gaps.entry(from).or_default().push(service.clone());
            }
        }
        // Nothing is in flight, or an earlier process read all of it: the source must still prove that it would answer.
        if gaps.is_empty() && self.open.is_empty() && looked && self.proven.is_none_or(|proven| proven < end) {
            gaps.insert(end - step, Vec::new());
        }
        let question = |(from, services)| Question::Signals { services, window: Window { from, to: end, step } };
        self.open.extend(gaps.into_iter().map(question));
    }
}

/// The last multiple of the step at or before the moment.
pub(super) fn aligned(at: Timestamp, step: Duration) -> Option<Timestamp> {
    let step = i64::try_from(step.as_secs()).ok().filter(|step| *step > 0)?;
    Timestamp::from_timestamp(at.timestamp().div_euclid(step) * step, 0)
}
