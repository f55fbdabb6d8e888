//! What plans are bound to and expect, read from a workload and its `ControllerRevisions`. Counts are bounds on the safe side: of pods
//! that are not ready nobody says here which version they have.

use super::{api::Workload, phase, sides::Sides};
use crate::{
    domain::text::clean,
    port::plan::{Facts, fact},
    provider::kubernetes::{facade::View, template::RESTARTED_AT},
};

/// `true` when the controller has taken up the last change of the spec.
pub(super) const OBSERVED: &str = "spec taken up by the controller";
/// Pods of the version that the spec asks for that are not known to be ready.
pub(super) const MISSING: &str = "updated pods missing";
/// The restart that the template asks for, RFC 3339.
pub(super) const RESTARTED: &str = "restarted";
/// The partition.
pub(super) const PARTITION: &str = "partition";
/// A pod that is not ready and of another version than the spec holds, where every pod must be ready before the next one goes.
pub(super) const IN_THE_WAY: &str = "a pod that is not ready is in the way";

/// The facts of a workload.
pub(super) fn facts<W: Workload>(view: &View<'_, W>) -> Facts {
    let (object, sides) = (view.object, Sides::of(view));
    let counts = object.counts();
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    put(fact::UID, clean(&object.meta().uid));
    put(fact::GENERATION, object.meta().generation.to_string());
    put(fact::PHASE, phase::phase(object, sides.is_moving()).0.to_string());
    if let Some(share) = sides.weight.actual.known() {
        put(fact::WEIGHT, share.to_string());
    }
    if W::HOLDS {
        put(fact::HELD, is_held(object, sides.is_moving()).to_string());
        put(PARTITION, object.partition().to_string());
    }
    put(fact::UPDATED_READY, counts.updated_ready().to_string());
    put(fact::OTHER_PODS, counts.other().to_string());
    put(MISSING, counts.wanted.saturating_sub(counts.updated_ready()).to_string());
    put(OBSERVED, object.is_observed().to_string());
    put(IN_THE_WAY, (object.is_ordered() && !sides.broken(&sides.canary_hash).is_empty()).to_string());
    if let Some(at) = object.template().annotation(RESTARTED_AT) {
        put(RESTARTED, at.to_owned());
    }
    put(fact::CANARY, sides.canary_hash);
    put(fact::STABLE, sides.stable_hash);
    facts
}

/// Does somebody hold it: we by our mark, or whoever set a partition that it has reached?
pub(super) fn is_held(object: &impl Workload, moving: bool) -> bool {
    object.before().is_some() && phase::held(object, moving).is_some()
}
