//! What plans are bound to and expect, read from a Canary and what is around it. A fact that is not known is left out: no
//! expectation holds for it.

use super::{
    api::{Canary, RESTARTED_AT, Word},
    ask,
    gate::Gate,
    phase,
    request::{PRIMARY_REVISION, TARGET_REVISION},
    sides::{Side, Sides, Standing},
    strategy, weight,
};
use crate::{
    domain::text::clean,
    port::plan::{Facts, fact},
    provider::kubernetes::{api::ReplicaSet, facade::View},
};

/// Flagger's own word for the phase.
pub(super) const WORD: &str = "Flagger's phase";
/// `open` or `closed`.
pub(super) const GATE: &str = "gate";
/// The same of the gate that takes a version back.
pub(super) const ROLLBACK_GATE: &str = "rollback gate";
/// `true` while new versions are promoted unmeasured.
pub(super) const SKIPS: &str = "promoted unmeasured";
/// Failed checks of this run.
pub(super) const FAILED: &str = "failed checks";
/// `true` once a version on its way has begun.
pub(super) const STARTED: &str = "begun";
/// `true` once its promotion has begun.
pub(super) const CONFIRMED: &str = "promotion begun";
/// What it waits to be confirmed: `confirm-promotion`.
pub(super) const WAITS: &str = "waits at";
/// Pods that serve and are asked for and not ready.
pub(super) const MISSING: &str = "pods missing";
/// Pods of the target that are asked for and not ready, or are of another version.
pub(super) const TARGET_MISSING: &str = "pods of the target missing";
/// The restart that the primary's template asks for, RFC 3339.
pub(super) const RESTARTED: &str = "restarted";

/// The name of the fact of a gate.
pub(super) fn of_gate(gate: Gate) -> &'static str {
    match gate {
        Gate::Confirm => GATE,
        Gate::Rollback => ROLLBACK_GATE,
    }
}

/// The facts of a canary. [`fact::WEIGHT`] is the share that is not on what was promoted last.
pub(super) fn facts(view: &View<'_, Canary>) -> Facts {
    let canary = view.object;
    let sides = Sides::of(view);
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, clean(&canary.metadata.uid));
    put(fact::GENERATION, canary.metadata.generation.to_string());
    put(fact::CANARY, sides.canary_hash.clone());
    put(fact::STABLE, sides.stable_hash.clone());
    put(fact::PHASE, phase::phase(view, &sides).0.to_string());
    put(fact::HELD, canary.spec.suspend.to_string());
    put(fact::ABORTED, (sides.standing == Standing::Back).to_string());
    put(WORD, clean(&canary.status.phase));
    put(SKIPS, canary.skips().to_string());
    put(FAILED, canary.status.failed_checks.to_string());
    if let Some(word) = canary.word() {
        let begun = [Word::Progressing, Word::WaitingPromotion, Word::Promoting, Word::Finalising, Word::Succeeded];
        let promoted = [Word::Promoting, Word::Finalising, Word::Succeeded];
        put(STARTED, begun.contains(&word).to_string());
        put(CONFIRMED, promoted.contains(&word).to_string());
    }
    if let Some(confirms) = phase::waits_at(view) {
        put(WAITS, confirms.hook().to_owned());
    }
    put(fact::PAUSED, phase::waits_at(view).is_some().to_string());
    if let Some(share) = weight::off_stable(view, &sides) {
        put(fact::WEIGHT, share.to_string());
    }
    if let Some(step) = strategy::steps(canary).1 {
        put(fact::STEP, step.to_string());
    }
    for gate in [Gate::Confirm, Gate::Rollback] {
        if let Some(Ok(state)) = view.extras.told.get(ask::name(gate)) {
            put(of_gate(gate), state.clone());
        }
    }
    for (name, side) in [(TARGET_REVISION, &sides.target), (PRIMARY_REVISION, &sides.primary)] {
        if let Some(side) = side {
            put(name, side.meta.resource_version.clone());
        }
    }
    if view.unread.is_none() {
        count(&sides, &mut put);
    }
    if let Some(at) = sides.primary.as_ref().and_then(|primary| primary.template().annotation(RESTARTED_AT)) {
        put(RESTARTED, clean(at));
    }
    facts
}

/// Counted by the primary, for it serves: its pods of the version that the target holds, its others, and those that are missing.
fn count(sides: &Sides<'_>, put: &mut impl FnMut(&str, String) -> Option<String>) {
    let (Some(target), Some(primary)) = (&sides.target, &sides.primary) else { return };
    let updated = sides.primary_pods(target.template());
    let all: u32 = primary.sets.iter().map(|set| set.status.replicas).sum();
    put(fact::UPDATED_READY, updated.ready.to_string());
    put(fact::OTHER_PODS, all.saturating_sub(updated.current).to_string());
    put(MISSING, missing(primary).to_string());
    put(TARGET_MISSING, missing(target).to_string());
}

/// Pods that its template asks for and that are not ready, and those of others that have not gone.
fn missing(side: &Side<'_>) -> u32 {
    let ready = side.current.map_or(0, |set| set.status.ready_replicas);
    let is_own = |set: &ReplicaSet| side.current.is_some_and(|own| own.metadata.name == set.metadata.name);
    let others: u32 = side.sets.iter().filter(|set| !is_own(set)).map(|set| set.status.replicas).sum();
    side.replicas().saturating_sub(ready) + others
}
