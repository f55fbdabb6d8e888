//! What plans are bound to and expect, read from a pair.

use super::{
    api::Service,
    normalize,
    pair::{Pair, Way},
};
use crate::{
    domain::text::clean,
    port::plan::{Facts, fact},
    provider::kubernetes::facade::View,
};

/// Pods of the side that does not serve alone, asked for.
pub(super) const OTHER_WANTED: &str = "pods asked for by the other side";
/// Pods of that side that exist.
pub(super) const OTHER_RUNS: &str = "pods of the other side";
/// `true` when both sides run the same programs.
pub(super) const SAME: &str = "both sides run the same";
/// Pods of the stable side that are missing, or of an earlier version of it.
pub(super) const UNSETTLED: &str = "stable pods missing or old";
/// The Deployment that the Service sends traffic to, of a switch.
pub(super) const SERVES: &str = "serving";

/// The facts of a pair; of one that cannot be told only which object it is.
pub(super) fn facts(view: &View<'_, Service>) -> Facts {
    let mut facts = Facts::from([(fact::UID.to_owned(), clean(&view.object.metadata.uid))]);
    let Ok(pair) = Pair::of(view) else { return facts };
    let mut put = |name: &str, value: String| facts.insert(name.to_owned(), value);
    let (stable, other) = (&pair.stable, &pair.other);
    let identity = normalize::identity(view, &pair);
    put(fact::GENERATION, identity.generation.to_string());
    put(fact::CANARY, identity.canary_hash);
    put(fact::STABLE, identity.stable_hash);
    put(fact::PHASE, normalize::phase(&pair).0.to_string());
    put(OTHER_WANTED, other.deployment.replicas().to_string());
    put(OTHER_RUNS, other.deployment.status.replicas.to_string());
    put(SAME, other.template().runs_the_same(stable.template()).to_string());
    if view.unread.is_none() {
        if let Some(share) = normalize::weight(&pair).actual.known() {
            put(fact::WEIGHT, share.to_string());
        }
        put(fact::UPDATED_READY, other.ready().to_string());
    }
    put(UNSETTLED, unsettled(&pair).to_string());
    if let Way::BySwitch(_) = pair.way {
        put(SERVES, clean(stable.name()));
    }
    facts
}

/// Pods of the stable side that are not yet what it asks for; one more while its controller has not taken the last change up.
fn unsettled(pair: &Pair<'_>) -> u32 {
    let deployment = &pair.stable.deployment;
    let (wanted, status) = (deployment.replicas(), &deployment.status);
    let new = status.updated_replicas.min(status.available_replicas);
    let behind = u32::from(!deployment.is_observed());
    wanted.saturating_sub(new) + status.replicas.saturating_sub(status.updated_replicas) + behind
}
