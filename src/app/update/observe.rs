//! Taking observations: what they change besides the store (verdicts, step times, cards that no longer hold).

use std::{collections::BTreeMap, time::Duration};

use crate::{
    app::{
        effect::Effect,
        model::{Folded, Model},
        store::KEPT,
        update::act,
    },
    domain::{
        ids::{RolloutId, ServiceName, SourceName},
        observed::Fault,
        rollout::{Engine, Role, Rollout, StepKind},
        signal::ServiceSignals,
        time::Timestamp,
    },
    judge::verdict::{Case, Judgement, Past},
    port::{
        facet::{Change, Window},
        kept::{KeptSignals, Outlived},
    },
};

/// Takes what a source of rollouts told.
pub(super) fn rollouts(
    model: &mut Model,
    source: &SourceName,
    engine: Engine,
    at: Timestamp,
    change: Result<Change, Fault>,
) -> Vec<Effect> {
    let quiet = matches!(change, Ok(Change::Alive) | Err(_));
    let only = match &change {
        Ok(Change::One(one)) => Some(one.id.clone()),
        Ok(Change::Gone(id)) => Some(id.clone()),
        _ => None,
    };
    model.store.take_rollouts(source, engine, at, change);
    if quiet {
        return Vec::new();
    }
    note_steps(model, at);
    match only {
        Some(id) => judge_one(model, &id),
        None => judge_all(model),
    }
    act::recheck(model)
}

/// How much history a panel shows before the release began.
const BEFORE: Duration = Duration::from_mins(10);
/// How long after the end of an interval it is asked for: scrapes and ingestion take a while.
const LAG: Duration = Duration::from_secs(5);

/// Takes signals, or the failure to read them; a window that failed is asked for again with the next one.
pub(super) fn signals(
    model: &mut Model,
    source: &SourceName,
    at: Timestamp,
    window: Window,
    signals: Result<Vec<ServiceSignals>, Fault>,
) -> Vec<Effect> {
    let kept = if let Ok(signals) = &signals {
        let one = |signals: &ServiceSignals| KeptSignals { source: source.clone(), window, signals: signals.clone() };
        Some(signals.iter().map(one).collect())
    } else {
        for asked in model.signals_asked.values_mut() {
            *asked = (*asked).min(window.from);
        }
        None
    };
    model.store.take_signals(source, at, window, signals);
    judge_all(model);
    kept.and_then(|kept| keep(model, kept, window)).into_iter().collect()
}

/// Keeps what was read. What is no longer in flight is forgotten, but only once every source of rollouts has told what is.
fn keep(model: &Model, kept: Vec<KeptSignals>, window: Window) -> Option<Effect> {
    let flies = |service: &&ServiceName| {
        model.store.rollouts().any(|rollout| rollout.in_flight() && rollout.service == **service)
    };
    let mut services = Vec::new();
    if model.store.knows_all_rollouts() {
        services = model.signals_asked.keys().filter(|service| !flies(service)).cloned().collect();
    }
    let outlived = Outlived { before: window.to - KEPT, services };
    (!kept.is_empty() || !outlived.services.is_empty()).then_some(Effect::KeepSignals { kept, outlived })
}

/// Takes what an earlier process kept. Reading goes on where every source of a service stopped.
pub(super) fn kept(model: &mut Model, kept: Vec<KeptSignals>) {
    let mut ends: BTreeMap<(ServiceName, SourceName), Timestamp> = BTreeMap::new();
    for KeptSignals { source, window, signals } in kept {
        if window.step != model.session.signal_step {
            continue;
        }
        let service = signals.service.clone();
        if model.store.restore_signals(&source, window, signals) {
            let end = ends.entry((service, source)).or_insert(window.to);
            *end = (*end).max(window.to);
        }
    }
    for ((service, _), end) in ends {
        let asked = model.signals_asked.entry(service).or_insert(end);
        *asked = (*asked).min(end);
    }
    judge_all(model);
}

/// Asks for the signals of every service in flight, once for each interval that ended; a service that is new in flight is
/// asked for from before its release began. Services with the same gap share a request.
pub(super) fn due_signals(model: &mut Model) -> Vec<Effect> {
    let step = model.session.signal_step;
    let Some(end) = aligned(model.now - LAG, step) else { return Vec::new() };
    let mut gaps: BTreeMap<Timestamp, Vec<ServiceName>> = BTreeMap::new();
    for rollout in model.store.rollouts().filter(|rollout| rollout.in_flight()) {
        let began = rollout.started.unwrap_or(model.now) - BEFORE;
        let known = model.signals_asked.get(&rollout.service).copied();
        let from = known.or_else(|| aligned(began.max(end - KEPT), step)).unwrap_or(end);
        let services = gaps.entry(from).or_default();
        if from < end && !services.contains(&rollout.service) {
            services.push(rollout.service.clone());
        }
    }
    gaps.retain(|_, services| !services.is_empty());
    if gaps.is_empty() && model.store.has_looked_for_rollouts() {
        // Nothing is in flight, or an earlier process read all of it: the sources must still prove that they would answer.
        let due = model.signals_proven.is_none_or(|proven| proven < end);
        model.signals_proven = Some(end);
        let window = Window { from: end - step, to: end, step };
        return due.then_some(Effect::ReadSignals { services: Vec::new(), window }).into_iter().collect();
    }
    if !gaps.is_empty() {
        model.signals_proven = Some(end);
    }
    model.signals_asked.extend(gaps.values().flatten().map(|service| (service.clone(), end)));
    gaps.into_iter()
        .map(|(from, services)| Effect::ReadSignals { services, window: Window { from, to: end, step } })
        .collect()
}

/// The last multiple of the step at or before the moment.
fn aligned(at: Timestamp, step: Duration) -> Option<Timestamp> {
    let step = i64::try_from(step.as_secs()).ok().filter(|step| *step > 0)?;
    Timestamp::from_timestamp(at.timestamp().div_euclid(step) * step, 0)
}

/// Judges one rollout; one that is gone or no longer in flight has no verdict.
fn judge_one(model: &mut Model, id: &RolloutId) {
    let mut folded = model.folded.remove(id).unwrap_or_default();
    let rollout = model.store.rollout(id).filter(|rollout| rollout.in_flight());
    match rollout.and_then(|rollout| judge(model, rollout, &mut folded)) {
        Some(judgement) => {
            model.judgements.insert(id.clone(), judgement);
            model.folded.insert(id.clone(), folded);
        }
        None => drop(model.judgements.remove(id)),
    }
    note_judged(model);
}

/// Judges every rollout in flight; what is no longer in flight has no verdict.
pub(super) fn judge_all(model: &mut Model) {
    let mut before = std::mem::take(&mut model.folded);
    let (mut judgements, mut all) = (BTreeMap::new(), BTreeMap::new());
    for rollout in model.store.rollouts().filter(|rollout| rollout.in_flight()) {
        let mut folded = before.remove(&rollout.id).unwrap_or_default();
        if let Some(judgement) = judge(model, rollout, &mut folded) {
            judgements.insert(rollout.id.clone(), judgement);
            all.insert(rollout.id.clone(), folded);
        }
    }
    (model.judgements, model.folded) = (judgements, all);
    note_judged(model);
}

/// Keeps which version the newest verdict is about, as long as its rollout is there.
fn note_judged(model: &mut Model) {
    let store = &model.store;
    let canary = |id: &RolloutId| store.rollout(id)?.side(Role::Canary).map(|set| (id.clone(), set.clone()));
    let mut judged = std::mem::take(&mut model.judged);
    judged.extend(model.judgements.keys().filter_map(canary));
    judged.retain(|id, _| store.rollout(id).is_some());
    model.judged = judged;
}

/// The verdict on a rollout, going on from what was folded; `None` where there is no second version to compare.
fn judge(model: &Model, rollout: &Rollout, folded: &mut Folded) -> Option<Judgement> {
    let canary = rollout.side(Role::Canary)?;
    rollout.side(Role::Stable)?;
    let since = rollout.started.or(canary.created).unwrap_or(model.now);
    let declared = declared(model, rollout);
    let (canary, stable) = (model.arm(rollout, Role::Canary), model.arm(rollout, Role::Stable));
    let standard = model.standards.get(&rollout.service);
    let known = Case::new(canary, stable, since, model.now);
    let signals = model.store.signals(&rollout.service);
    let of = signals.map(|(source, _)| (source.clone(), model.store.rewrites(source, &rollout.service)));
    let past = if folded.of == of { Past::Same } else { Past::Changed };
    folded.of = of;
    let case = Case { declared: &declared, standard, analyses: &rollout.analyses, ..known };
    Some(folded.running.judge(&case, past))
}

/// From when on which share of the traffic the steps declared for the canary, as far as their times are known.
fn declared(model: &Model, rollout: &Rollout) -> Vec<(Timestamp, f64)> {
    let times = model.step_times.get(&rollout.id);
    let begun = times.into_iter().flatten().filter_map(|(step, at)| match rollout.steps.get(*step)?.kind {
        StepKind::SetWeight(weight) => Some((*at, f64::from(weight) / f64::from(rollout.weight.max.max(1)))),
        _ => None,
    });
    let mut all: Vec<_> = begun.collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Keeps when each step began: the engine's word where it has one, else the moment at which we saw it change.
fn note_steps(model: &mut Model, at: Timestamp) {
    let mut noted = std::mem::take(&mut model.step_times);
    noted.retain(|id, _| model.store.rollout(id).is_some_and(Rollout::in_flight));
    for rollout in model.store.rollouts().filter(|rollout| rollout.in_flight()) {
        let seen_before = noted.contains_key(&rollout.id);
        let times = noted.entry(rollout.id.clone()).or_default();
        times.extend(rollout.step_times.iter().map(|(step, began)| (*step, *began)));
        if let Some(step) = rollout.step
            && seen_before
        {
            // The first time we look, the step may have begun long ago; only a change that we watched has a time.
            times.entry(step).or_insert(at);
        }
    }
    model.step_times = noted;
}

#[cfg(test)]
mod tests;
