//! Which ReplicaSet is which: a Deployment names neither the version on its way nor the one that served before.

use super::{
    api::{Deployment, HASH_LABEL, MARKS},
    phase,
};
use crate::{
    domain::{
        rollout::{Role, Share, Weight},
        text::clean,
    },
    provider::kubernetes::{
        api::ReplicaSet,
        template::{RESTARTED_AT, Template},
        verbs::share_of,
    },
};

/// What "everything" is.
const PERCENT: u32 = 100;

/// The two sides of an exchange of pods.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    /// The set of the template that the spec holds; none until the controller has made it, and a paused controller does
    /// not.
    pub new: Option<&'a ReplicaSet>,
    /// What served before: the new set itself where nothing is on its way; none on a first deployment.
    pub stable: Option<&'a ReplicaSet>,
    /// Hash of the template that the spec holds.
    pub canary_hash: String,
    /// Hash of what served before; empty where there was nothing.
    pub stable_hash: String,
    /// How much of the ready pods is new.
    pub weight: Weight,
    wanted: Template,
}

impl<'a> Sides<'a> {
    pub(super) fn of(deployment: &Deployment, sets: &[&'a ReplicaSet]) -> Self {
        let wanted = plain(&deployment.spec.template);
        let new = sets.iter().copied().filter(|set| plain(&set.spec.template).is_same(&wanted));
        // The oldest of several, as the controller takes it.
        let new = new.min_by_key(|set| (set.metadata.creation_timestamp, &set.metadata.name));
        let before = || served_before(new, sets);
        let moving = new.is_none() || phase::is_unfinished(deployment);
        let stable = if moving { before().or(new) } else { new };
        let hash = |set: &ReplicaSet| clean(MARKS.hash_of(set));
        let canary_hash = new.map_or_else(|| wanted.fingerprint(), hash);
        let stable_hash = stable.map(hash).unwrap_or_default();
        let weight = weight(new, sets, canary_hash != stable_hash);
        Self { new, stable, canary_hash, stable_hash, weight, wanted }
    }

    /// Which side a set is on. One that differs from the stable set by a restart only is the same version: it is no way
    /// back, and would be the newest one in the history.
    pub(super) fn role(&self, set: &ReplicaSet) -> Role {
        let is = |side: Option<&ReplicaSet>| side.is_some_and(|side| side.metadata.name == set.metadata.name);
        let restarted = |side: &ReplicaSet| same_version(&set.spec.template, &side.spec.template);
        if is(self.stable) {
            Role::Stable
        } else if is(self.new) {
            Role::Canary
        } else if self.stable.is_some_and(restarted) {
            Role::Stable
        } else {
            Role::Old
        }
    }

    /// Does the spec hold the version of this set already, restarts aside?
    pub(super) fn is_held(&self, set: &ReplicaSet) -> bool {
        same_version(&self.wanted, &set.spec.template)
    }
}

/// The set that carries what there was before the new one. The one with most available pods, not the newest: after two bad
/// releases the newest is the first bad one. Where only the new one still serves, nothing is before it.
fn served_before<'a>(new: Option<&ReplicaSet>, sets: &[&'a ReplicaSet]) -> Option<&'a ReplicaSet> {
    let is_new = |set: &ReplicaSet| new.is_some_and(|new| new.metadata.name == set.metadata.name);
    let others = sets.iter().copied().filter(|set| !is_new(set) && (new.is_none() || set.status.replicas > 0));
    let before = others.max_by_key(|set| (set.status.available_replicas, MARKS.revision_of(set)))?;
    let serves = |set: &ReplicaSet| set.status.available_replicas > 0;
    (serves(before) || !new.is_some_and(serves)).then_some(before)
}

fn weight(new: Option<&ReplicaSet>, sets: &[&ReplicaSet], moving: bool) -> Weight {
    let ready = new.map_or(0, |set| set.status.ready_replicas);
    let all: u32 = sets.iter().map(|set| set.status.ready_replicas).sum();
    // What is settled has everything that there is, also while a pod of an earlier version still goes.
    let share = if !moving && ready > 0 { PERCENT } else { share_of(ready, all, PERCENT) };
    let actual = if sets.is_empty() { Share::Unknown } else { Share::ByPods(share) };
    Weight { declared: PERCENT, actual, max: PERCENT }
}

/// A template as the spec of a Deployment would hold it.
pub(super) fn plain(template: &Template) -> Template {
    template.without([HASH_LABEL], [])
}

fn same_version(one: &Template, other: &Template) -> bool {
    let bare = |template: &Template| template.without([HASH_LABEL], [RESTARTED_AT]);
    bare(one).is_same(&bare(other))
}
