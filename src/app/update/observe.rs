//! Taking observations: what they change besides the store (verdicts, step times, cards that no longer hold).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    app::{
        effect::Effect,
        logs,
        model::{Attempt, Folded, Model},
        past_us,
        update::act,
        watch,
    },
    domain::{
        evidence::Verdict,
        ids::{ServiceName, SourceName},
        item::Noun,
        object::ObjectId,
        observed::Fault,
        rollout::{Phase, Role, Rollout, StepKind},
        signal::VersionSignals,
        time::Timestamp,
    },
    judge::{
        doubt::Doubt,
        verdict::{Case, Judgement, Past, judge as judge_case},
    },
    port::inventory::{Extent, Part, Scope},
};

/// Takes what was told of a scope, when, and by when it is told again.
pub(super) fn heard(
    model: &mut Model,
    source: &SourceName,
    scope: &Scope,
    (at, due): (Timestamp, Timestamp),
    parts: Result<Vec<Part>, Fault>,
) -> Vec<Effect> {
    let told = parts.as_deref().unwrap_or_default();
    let moved: Vec<&Part> =
        told.iter().filter(|part| model.store.noun(source, &part.family) == Some(Noun::Rollout)).collect();
    let only = the_only_one(&moved);
    let any = !moved.is_empty();
    let flew = moved.iter().flat_map(|part| watch::flying(model, source, &part.family)).collect();
    let quiet = told.is_empty();
    let told_services: Vec<ServiceName> =
        told.iter().flat_map(|part| &part.items).map(|item| item.service().clone()).collect();
    let mut touched = model.store.services_of(source, scope, told);
    past_us::note(model, told, at);
    model.store.take(source, scope, (at, due), parts);
    if quiet {
        return Vec::new();
    }
    touched.extend(told_services);
    model.lineage.rebuild(&model.store, &touched);
    if any {
        past_us::tidy(model);
        watch::note(model, flew, at);
        note_attempts(model, at);
        note_steps(model, at);
        match only {
            Some(id) => judge_one(model, &id),
            None => judge_all(model),
        }
    }
    act::recheck(model)
}

/// The only object that these parts tell of.
fn the_only_one(parts: &[&Part]) -> Option<ObjectId> {
    let [part] = parts else { return None };
    match (part.extent, part.items.as_slice(), part.gone.as_slice()) {
        (Extent::Changed, [item], []) => Some(item.id().clone()),
        (Extent::Changed, [], [id]) => Some(id.clone()),
        _ => None,
    }
}

/// Judges one rollout; one that is gone or no longer in flight has no verdict. What takes long is owed.
fn judge_one(model: &mut Model, id: &ObjectId) {
    let folded = model.folded.get(id);
    if model.store.rollout(id).is_some_and(|rollout| rollout.is_judged() && takes_long(model, rollout, folded)) {
        model.unjudged.insert(id.clone());
        return;
    }
    judge_now(model, id);
}

/// Works out one of the verdicts that are owed.
pub(super) fn judge_owed(model: &mut Model) {
    if let Some(id) = model.unjudged.pop_first() {
        judge_now(model, &id);
    }
}

/// Must more than the newest hours be folded anew? Then nobody's key waits for it, nor for that of twenty others: the verdict is owed,
/// the one before it stands meanwhile, and nothing goes forward on it.
fn takes_long(model: &Model, rollout: &Rollout, folded: Option<&Folded>) -> bool {
    let Some((source, signals)) = model.store.signals(rollout) else { return false };
    let of = Some((source.clone(), model.store.rewrites(source, signals)));
    model.store.packed_until(source, signals).is_some() && folded.is_none_or(|folded| folded.of != of)
}

fn judge_now(model: &mut Model, id: &ObjectId) {
    model.unjudged.remove(id);
    let mut folded = model.folded.remove(id).unwrap_or_default();
    let rollout = model.store.rollout(id).filter(|rollout| rollout.is_judged());
    match rollout.and_then(|rollout| judge(model, rollout, &mut folded)) {
        Some(judgement) => {
            model.judgements.insert(id.clone(), judgement);
            model.folded.insert(id.clone(), folded);
        }
        None => drop(model.judgements.remove(id)),
    }
    note_judged(model);
}

/// Judges again what is proven of whose lines by now; a card that is open must say so. Nothing where that is the same as before.
pub(super) fn written(model: &mut Model) -> Vec<Effect> {
    let is_new = |model: &Model, id: &ObjectId| {
        let rollout = model.store.rollout(id);
        let known = model.judgements.get(id);
        rollout.zip(known).is_some_and(|(rollout, known)| known.written != logs::proven(model, rollout))
    };
    let changed: Vec<ObjectId> = model.logs.keys().filter(|id| is_new(model, id)).cloned().collect();
    for id in &changed {
        judge_one(model, id);
    }
    // A verdict that takes long is owed, and the card is drawn up anew once it is there.
    if changed.iter().any(|id| !is_new(model, id)) { act::recheck(model) } else { Vec::new() }
}

/// Judges every rollout in flight; what is no longer in flight has no verdict. What takes long is owed.
pub(super) fn judge_all(model: &mut Model) {
    let (mut before, mut known) = (std::mem::take(&mut model.folded), std::mem::take(&mut model.judgements));
    let (mut judgements, mut all, mut owed) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for rollout in model.store.rollouts().filter(|rollout| rollout.is_judged()) {
        let folded = before.remove(&rollout.id);
        let id = || rollout.id.clone();
        if takes_long(model, rollout, folded.as_ref()) {
            owed.insert(id());
            judgements.extend(known.remove(&rollout.id).map(|judgement| (id(), judgement)));
            all.extend(folded.map(|folded| (id(), folded)));
            continue;
        }
        let mut folded = folded.unwrap_or_default();
        if let Some(judgement) = judge(model, rollout, &mut folded) {
            judgements.insert(id(), judgement);
            all.insert(id(), folded);
        }
    }
    (model.judgements, model.folded, model.unjudged) = (judgements, all, owed);
    note_judged(model);
}

/// Judges what runs of these services, as [`judge_all`] does everything.
pub(super) fn judge_services(model: &mut Model, services: &[ServiceName]) {
    let of = model.store.rollouts().filter(|rollout| services.contains(&rollout.service));
    let ids: Vec<ObjectId> = of.map(|rollout| rollout.id.clone()).collect();
    for id in ids {
        judge_one(model, &id);
    }
}

/// Keeps which version the newest verdict is about, as long as its rollout is there.
fn note_judged(model: &mut Model) {
    let store = &model.store;
    let canary = |id: &ObjectId| store.rollout(id)?.side(Role::Canary).map(|arm| (id.clone(), arm.clone()));
    let mut judged = std::mem::take(&mut model.judged);
    judged.extend(model.judgements.keys().filter_map(canary));
    judged.retain(|id, _| store.rollout(id).is_some());
    model.judged = judged;
}

/// The verdict on a rollout, going on from what was folded; `None` where there is no second version to compare.
fn judge(model: &Model, rollout: &Rollout, folded: &mut Folded) -> Option<Judgement> {
    let canary = rollout.side(Role::Canary)?;
    rollout.side(Role::Stable)?;
    let began = rollout.started.or(canary.created);
    let attempt = model.attempts.get(&rollout.id).and_then(|attempt| attempt.began);
    // What an earlier attempt did is history: a version that is tried again is judged by what it does now.
    let since = began.max(attempt).unwrap_or(model.now);
    let declared = declared(model, rollout, since);
    let created = canary.created;
    let (canary, stable) = (model.arm(rollout, Role::Canary), model.arm(rollout, Role::Stable));
    let standard = model.standards.get(&rollout.service);
    let known = Case::new(canary, stable, since, model.now);
    let signals = model.store.signals(rollout);
    let of = signals.map(|(source, signals)| (source.clone(), model.store.rewrites(source, signals)));
    let past = if folded.of == of { Past::Same } else { Past::Changed };
    folded.of = of;
    let unmeasured = model.unmeasured(rollout);
    let (analyses, unmeasured) = (rollout.analyses.as_slice(), unmeasured.as_ref());
    let whole = model.whole_arms(rollout);
    let known = match &whole {
        Some((canary, stable)) => Case { canary: canary.as_ref(), stable: stable.as_ref(), ..known },
        None => known,
    };
    let case = Case { declared: &declared, standard, analyses, unmeasured, ..known };
    let mut judgement = folded.running.judge(&case, past);
    let first = created.or(began).filter(|first| *first + BETWEEN < since);
    if let Some(first) = first {
        if past == Past::Changed || folded.earlier.as_ref().is_none_or(|(until, _)| *until != since) {
            folded.earlier = Some((since, earlier(known, first)));
        }
        let said = folded.earlier.as_ref().and_then(|(_, said)| said.clone());
        if let Some(then) = said {
            // Before those that say only how sure the verdict is.
            let strong = judgement.doubts.iter().take_while(|doubt| doubt.is_strong()).count();
            judgement.doubts.insert(strong, Doubt::Earlier(Box::new(then)));
        }
    }
    judgement.hears(logs::proven(model, rollout));
    Some(judgement)
}

/// Attempts that began closer together than this are one.
const BETWEEN: Duration = Duration::from_mins(1);

/// What an attempt of the same version that began then and is over showed, where that was harm.
fn earlier(known: Case<'_>, first: Timestamp) -> Option<Judgement> {
    let until = |signals: Option<&VersionSignals>| signals.map(|signals| signals.before(known.since));
    let (canary, stable) = (until(known.canary), until(known.stable));
    let then = judge_case(&Case::new(canary.as_ref(), stable.as_ref(), first, known.since));
    (then.verdict == Verdict::NoGo).then_some(then)
}

/// From when on which share of the traffic the steps of this attempt declared for the canary, as far as their times are known.
/// A share is declared from when its step is done: while it runs, traffic and pods are on their way, and none is (0).
fn declared(model: &Model, rollout: &Rollout, since: Timestamp) -> Vec<(Timestamp, f64)> {
    let mut all = Vec::new();
    let known = model.step_times.get(&rollout.id);
    let Some(known) = known.filter(|_| rollout.phase != Phase::Aborted) else { return all };
    // What an earlier attempt did at a step says nothing of when this one was there.
    let began = |step: usize| known.get(&step).copied().filter(|at| *at >= since);
    for (step, kind) in rollout.steps.iter().map(|step| step.kind).enumerate() {
        let StepKind::SetWeight(weight) = kind else { continue };
        let share = f64::from(weight) / f64::from(rollout.weight.max.max(1));
        all.extend(began(step).map(|at| (at, 0.0)));
        let done = began(step + 1).filter(|_| step + 1 < rollout.steps.len());
        all.extend(done.map(|at| (at, share)));
    }
    // After the last step everything is its.
    all.extend(began(rollout.steps.len()).map(|at| (at, 1.0)));
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Keeps when a version that was taken back is tried again, as far as we saw it.
fn note_attempts(model: &mut Model, at: Timestamp) {
    let mut noted = std::mem::take(&mut model.attempts);
    noted.retain(|id, _| model.store.rollout(id).is_some_and(Rollout::in_flight));
    for rollout in model.store.rollouts().filter(|rollout| rollout.in_flight()) {
        let version = &rollout.identity.canary_hash;
        let attempt = noted.entry(rollout.id.clone()).or_default();
        if attempt.version != *version {
            *attempt = Attempt { version: version.clone(), ..Attempt::default() };
        }
        let aborted = rollout.phase == Phase::Aborted;
        if attempt.aborted && !aborted {
            attempt.began = Some(at);
            // When the earlier attempt was at a step says nothing of when this one is.
            model.step_times.insert(rollout.id.clone(), BTreeMap::new());
        }
        attempt.aborted = aborted;
    }
    model.attempts = noted;
}

/// Looks again at verdicts that nothing new was told of, once an interval: what they rest on has become older.
pub(super) fn age_verdicts(model: &mut Model, end: Timestamp) {
    if model.verdicts_aged == Some(end) {
        return;
    }
    model.verdicts_aged = Some(end);
    let (now, step) = (model.now, model.session.signal_step);
    let old = model.judgements.iter().filter(|(_, judgement)| judgement.stale(now, step).is_some());
    let old: Vec<ObjectId> = old.map(|(id, _)| id.clone()).collect();
    for id in old {
        judge_one(model, &id);
    }
    watch::judge_watched(model, None);
}

/// Keeps when each step began: the engine's word where it has one, else the moment at which we saw it change.
fn note_steps(model: &mut Model, at: Timestamp) {
    let mut noted = std::mem::take(&mut model.step_times);
    let mut seen = std::mem::take(&mut model.steps_seen);
    noted.retain(|id, _| model.store.rollout(id).is_some_and(Rollout::in_flight));
    seen.retain(|id, _| noted.contains_key(id));
    for rollout in model.store.rollouts().filter(|rollout| rollout.in_flight()) {
        let times = noted.entry(rollout.id.clone()).or_default();
        times.extend(rollout.step_times.iter().map(|(step, began)| (*step, *began)));
        let Some(step) = rollout.step else { continue };
        // The step that it is in when we first look may have begun long ago; only a change that we watched has a time.
        if seen.insert(rollout.id.clone(), step).is_some_and(|before| before != step) {
            times.entry(step).or_insert(at);
        }
    }
    (model.step_times, model.steps_seen) = (noted, seen);
}

#[cfg(test)]
mod tests;
