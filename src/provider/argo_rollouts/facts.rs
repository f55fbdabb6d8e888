//! What plans are bound to and expect, read from a Rollout and its ReplicaSets. A fact that is not known is left out: no
//! expectation holds for it.

use chrono::SecondsFormat;

use super::{
    api::{MARKS, Rollout},
    asked, normalize, phase, weight,
};
use crate::{
    domain::rollout::{PauseReason, Phase},
    port::plan::{Facts, fact},
    provider::kubernetes::{api::ReplicaSet, facade::View},
};

/// `true` when the controller has taken up the last change of the spec.
pub(super) const OBSERVED: &str = "spec taken up by the controller";
/// The last restart that was carried out, RFC 3339.
pub(super) const RESTARTED: &str = "restarted";
/// Pods that are asked for and not ready, of all versions together.
pub(super) const MISSING: &str = "pods missing";
/// Hash of the version that the active service of a blue-green rollout selects.
pub(super) const ACTIVE: &str = "active hash";
/// Where it stands for ever until a human lets it go on: `step 2/7 (pause)`.
pub(super) const WAITS: &str = "waits for a human at";

/// The facts of a rollout. [`fact::WEIGHT`] is the share that is not on the stable version: it falls to 0 both when a
/// canary is aborted and when the spec is rolled back.
pub(super) fn facts(view: &View<'_, Rollout>) -> Facts {
    let rollout = view.object;
    let (meta, status) = (&rollout.metadata, &rollout.status);
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, meta.uid.clone());
    put(fact::GENERATION, meta.generation.to_string());
    put(fact::CANARY, asked::hash(view));
    put(fact::STABLE, status.stable_rs.clone());
    put(fact::PHASE, our_phase(view).to_string());
    put(fact::PAUSED, (!status.pause_conditions.is_empty()).to_string());
    put(fact::HELD, rollout.spec.paused.to_string());
    put(fact::ABORTED, rollout.is_aborted().to_string());
    put(OBSERVED, (phase::is_observed(rollout) && !asked::is_behind(view)).to_string());
    if view.unread.is_none() {
        count(view, &mut put);
    }
    if let Some(share) = weight::off_stable(view) {
        put(fact::WEIGHT, share.to_string());
    }
    if let Some(step) = rollout.step_index() {
        put(fact::STEP, step.to_string());
    }
    if !status.blue_green.active_selector.is_empty() {
        put(ACTIVE, status.blue_green.active_selector.clone());
    }
    if let Some(place) = waits(view) {
        put(WAITS, place);
    }
    if let Some(at) = status.restarted_at {
        put(RESTARTED, at.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    facts
}

fn count(view: &View<'_, Rollout>, put: &mut impl FnMut(&str, String) -> Option<String>) {
    let status = &view.object.status;
    let wanted = |set: &&&ReplicaSet| MARKS.hash_of(set) == status.current_pod_hash;
    let ready: u32 = view.sets.iter().filter(wanted).map(|set| set.status.ready_replicas).sum();
    let other: u32 = view.sets.iter().filter(|set| !wanted(set)).map(|set| set.status.replicas).sum();
    let missing = |set: &&ReplicaSet| {
        let asked = set.spec.replicas.unwrap_or(1).max(set.status.replicas);
        asked.saturating_sub(set.status.ready_replicas)
    };
    put(fact::UPDATED_READY, ready.to_string());
    put(fact::OTHER_PODS, other.to_string());
    put(MISSING, view.sets.iter().map(missing).sum::<u32>().to_string());
}

/// The place at which nothing but a human lets it go on, in kubectl-argo-rollouts' numbers.
fn waits(view: &View<'_, Rollout>) -> Option<String> {
    let rollout = view.object;
    let pause = normalize::pause(rollout).filter(|pause| pause.until.is_none())?;
    Some(match (pause.reason, rollout.step_index()) {
        (PauseReason::Person, _) => "a person's pause".to_owned(),
        (PauseReason::Inconclusive, _) => "an inconclusive analysis".to_owned(),
        (PauseReason::Step | PauseReason::Other, Some(index)) => format!("step {index}/{}", rollout.steps().len()),
        (PauseReason::Step | PauseReason::Other, None) => "its preview".to_owned(),
    })
}

fn our_phase(view: &View<'_, Rollout>) -> Phase {
    normalize::phase(view).0
}
