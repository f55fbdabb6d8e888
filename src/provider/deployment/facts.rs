//! What plans are bound to and expect, read from a Deployment and its ReplicaSets.

use super::{api::Deployment, phase, sides::Sides};
use crate::{
    domain::text::clean,
    port::plan::{Facts, fact},
    provider::kubernetes::{facade::View, template::RESTARTED_AT},
};

/// `true` when the controller has taken up the last change of the spec.
pub(super) const OBSERVED: &str = "spec taken up by the controller";
/// Pods of the version that the spec asks for that are not ready. Counted from what is asked for now: an autoscaler may
/// change that number while somebody waits.
pub(super) const MISSING: &str = "updated pods missing";
/// The restart that the template asks for, RFC 3339.
pub(super) const RESTARTED: &str = "restarted";

/// The facts of a Deployment.
pub(super) fn facts(view: &View<'_, Deployment>) -> Facts {
    let (deployment, sets) = (view.object, &view.sets);
    let sides = Sides::of(deployment, sets);
    let ready = sides.new.map_or(0, |set| set.status.ready_replicas);
    let all: u32 = sets.iter().map(|set| set.status.replicas).sum();
    let other = all - sides.new.map_or(0, |set| set.status.replicas);
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, clean(&deployment.metadata.uid));
    put(fact::GENERATION, deployment.metadata.generation.to_string());
    put(fact::PHASE, phase::seen(view).0.to_string());
    if let Some(share) = sides.weight.actual.known() {
        put(fact::WEIGHT, share.to_string());
    }
    put(fact::HELD, deployment.spec.paused.to_string());
    if view.unread.is_none() {
        put(fact::UPDATED_READY, ready.to_string());
        put(fact::OTHER_PODS, other.to_string());
        put(MISSING, deployment.replicas().saturating_sub(ready).to_string());
    }
    put(OBSERVED, deployment.is_observed().to_string());
    if let Some(at) = deployment.spec.template.annotation(RESTARTED_AT) {
        put(RESTARTED, at.to_owned());
    }
    put(fact::CANARY, sides.canary_hash);
    put(fact::STABLE, sides.stable_hash);
    facts
}
