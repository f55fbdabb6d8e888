//! What plans are bound to and expect, read from a Rollout and its ReplicaSets.

use chrono::SecondsFormat;

use super::{
    api::{MARKS, Rollout},
    phase, weight,
};
use crate::{
    domain::rollout::Phase,
    port::plan::{Facts, fact},
    provider::kubernetes::api::ReplicaSet,
};

/// `true` when the controller has taken up the last change of the spec.
pub(super) const OBSERVED: &str = "spec taken up by the controller";
/// The last restart that was carried out, RFC 3339.
pub(super) const RESTARTED: &str = "restarted";

/// The facts of a rollout. [`fact::WEIGHT`] is the share that is not on the stable version: it falls to 0 both when a
/// canary is aborted and when the spec is rolled back.
pub(super) fn facts(rollout: &Rollout, sets: &[&ReplicaSet]) -> Facts {
    let (meta, status) = (&rollout.metadata, &rollout.status);
    let wanted = |set: &&&ReplicaSet| MARKS.hash_of(set) == status.current_pod_hash;
    let ready: u32 = sets.iter().filter(wanted).map(|set| set.status.ready_replicas).sum();
    let other: u32 = sets.iter().filter(|set| !wanted(set)).map(|set| set.status.replicas).sum();
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, meta.uid.clone());
    put(fact::GENERATION, meta.generation.to_string());
    put(fact::CANARY, status.current_pod_hash.clone());
    put(fact::STABLE, status.stable_rs.clone());
    put(fact::PHASE, our_phase(rollout).to_string());
    put(fact::WEIGHT, weight::off_stable(rollout, sets).to_string());
    put(fact::PAUSED, (!status.pause_conditions.is_empty()).to_string());
    put(fact::HELD, rollout.spec.paused.to_string());
    put(fact::ABORTED, rollout.is_aborted().to_string());
    put(fact::UPDATED_READY, ready.to_string());
    put(fact::OTHER_PODS, other.to_string());
    put(OBSERVED, phase::is_observed(rollout).to_string());
    if let Some(step) = rollout.step_index() {
        put(fact::STEP, step.to_string());
    }
    if let Some(at) = status.restarted_at {
        put(RESTARTED, at.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    facts
}

fn our_phase(rollout: &Rollout) -> Phase {
    super::normalize::in_our_words(rollout, phase::phase(rollout).0)
}
