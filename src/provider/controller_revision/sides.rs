//! Which version is which, and how many pods each has: from what the controller names and counts, and from the pods where those
//! were looked at. What cannot be told from either is not known.

use super::{
    api::{Counts, Exchange, Workload},
    revision::{Revision, revisions},
};
use crate::{
    domain::{
        rollout::{Pods, Role, Share, Weight},
        text::clean,
    },
    provider::kubernetes::{facade::View, pods::Counted, verbs::share_of},
};

/// What "everything" is.
const PERCENT: u32 = 100;

/// The two sides of an exchange of pods.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    /// Every version that is kept, the newest number first.
    pub revisions: Vec<Revision<'a>>,
    /// The one of the template that the spec holds; none until the controller has made it.
    pub new: Option<usize>,
    /// What served before: the new one itself where nothing is on its way.
    pub stable: Option<usize>,
    /// Hash of the template that the spec holds.
    pub canary_hash: String,
    /// Hash of what served before; empty where there was nothing.
    pub stable_hash: String,
    /// How much of the ready pods is new.
    pub weight: Weight,
    counts: Counts,
    partition: u32,
    /// The partition that its spec has, where a pause of ours is not counted.
    spec_partition: u32,
    counted: Vec<Counted>,
}

impl<'a> Sides<'a> {
    pub(super) fn of<W: Workload>(view: &View<'a, W>) -> Self {
        let (object, revisions) = (view.object, revisions(view));
        let counts = object.counts();
        let counted = counted(&view.extras.counted, counts);
        let new = revisions.iter().position(|one| one.template.is_same(object.template()));
        let stable = if settled(object) { new } else { before(object, &revisions, new, &counted) };
        let hash = |side: Option<usize>| side.and_then(|at| revisions.get(at)).map(|one| one.hash.clone());
        let canary_hash = hash(new).unwrap_or_else(|| object.template().fingerprint());
        let stable_hash = hash(stable).unwrap_or_else(|| object.current().map(clean).unwrap_or_default());
        let mut sides = Self {
            revisions,
            new,
            stable,
            canary_hash,
            stable_hash,
            weight: Weight { declared: PERCENT, actual: Share::Unknown, max: PERCENT },
            counts,
            partition: object.partition(),
            spec_partition: object.before().unwrap_or_else(|| object.partition()),
            counted,
        };
        sides.weight.declared = sides.declared();
        sides.weight.actual = sides.share();
        sides
    }

    /// Is a version on its way?
    pub(super) fn is_moving(&self) -> bool {
        self.canary_hash != self.stable_hash
    }

    /// The version that pods with this hash have.
    pub(super) fn find(&self, hash: &str) -> Option<&Revision<'a>> {
        self.revisions.iter().find(|one| one.hash == hash)
    }

    /// Which side a version is on. One that differs from what served before by a restart only is the same: it is no way back.
    pub(super) fn role(&self, at: usize) -> Role {
        let stable = self.stable.and_then(|stable| self.revisions.get(stable));
        let restarted = |one: &Revision<'_>| {
            stable.is_some_and(|stable| one.hash != stable.hash && one.is_version_of(&stable.template))
        };
        if self.stable == Some(at) {
            Role::Stable
        } else if self.new == Some(at) {
            Role::Canary
        } else if self.revisions.get(at).is_some_and(restarted) {
            Role::Stable
        } else {
            Role::Old
        }
    }

    /// The pods of a version; `None` where the counts do not tell and the pods were not looked at.
    pub(super) fn pods(&self, hash: &str) -> Option<Pods> {
        let desired = self.desired(hash);
        if let Some(seen) = self.counted.iter().find(|seen| seen.hash == hash) {
            return Some(Pods { desired, current: seen.current, ready: seen.ready, available: seen.ready });
        }
        let Counts { all, updated, ready, available, .. } = self.counts;
        let none = Pods { desired, ..Pods::default() };
        let everything = Pods { desired, current: all, ready, available };
        match (hash == self.canary_hash, hash == self.stable_hash) {
            _ if !self.counted.is_empty() || all == 0 => Some(none),
            (true, _) if updated == all => Some(everything),
            (true, _) if updated == 0 => Some(none),
            (false, true) if updated == 0 => Some(everything),
            (false, _) if updated == all => Some(none),
            _ if !self.is_moving() || ready != all => None,
            (true, _) => Some(Pods { desired, current: updated, ready: updated, available: updated.min(available) }),
            // Of two versions at most one other serves; of more nobody said which.
            (false, true) if self.revisions.len() <= 2 => {
                let other = all - updated;
                Some(Pods { desired, current: other, ready: other, available: other.min(available) })
            }
            (false, _) => None,
        }
    }

    /// Pods that are not ready and are of another version than this one, by name, as far as the pods were looked at.
    pub(super) fn broken(&self, but: &str) -> Vec<&str> {
        let of = self.counted.iter().filter(|seen| seen.hash != but);
        of.flat_map(|seen| &seen.unready).map(String::as_str).collect()
    }

    fn desired(&self, hash: &str) -> u32 {
        let kept = if self.is_moving() { self.partition.min(self.counts.wanted) } else { 0 };
        match (hash == self.canary_hash, hash == self.stable_hash) {
            (true, _) => self.counts.wanted - kept,
            (false, true) => kept,
            (false, false) => 0,
        }
    }

    fn declared(&self) -> u32 {
        let kept = if self.is_moving() { self.spec_partition.min(self.counts.wanted) } else { 0 };
        if kept == 0 { PERCENT } else { share_of(self.counts.wanted - kept, self.counts.wanted, PERCENT) }
    }

    /// Of the pods that are ready those that are new. Once nothing else is wanted, of all that are wanted: one that is not ready yet, or
    /// still of another version, is missing.
    fn share(&self) -> Share {
        let Counts { wanted, all, ready, .. } = self.counts;
        if !self.is_moving() && ready > 0 && self.counts.other() == 0 {
            return Share::ByPods(PERCENT);
        }
        if all == 0 {
            return Share::Unknown;
        }
        let pods = self.pods(&self.canary_hash);
        let of = if self.is_moving() { ready } else { ready.max(wanted) };
        pods.map_or(Share::Unknown, |pods| Share::ByPods(share_of(pods.ready, of, PERCENT)))
    }
}

/// What was seen of the pods, as long as it still fits what the controller counts.
fn counted(seen: &[Counted], counts: Counts) -> Vec<Counted> {
    let ready: u32 = seen.iter().map(|one| one.ready).sum();
    if ready == counts.ready { seen.to_vec() } else { Vec::new() }
}

/// Is every pod of the template that the spec holds, and available?
pub(super) fn settled(object: &impl Workload) -> bool {
    let Counts { wanted, all, updated, available, .. } = object.counts();
    object.is_observed() && updated >= wanted && all <= updated && available >= wanted
}

/// The version that carries what there was before the new one.
fn before<W: Workload>(
    object: &W,
    revisions: &[Revision<'_>],
    new: Option<usize>,
    counted: &[Counted],
) -> Option<usize> {
    let position = |hash: &str| revisions.iter().position(|one| one.hash == hash);
    // Whoever exchanges pods one after the other says itself where it comes from. With OnDelete it is never brought up to date.
    if let Some(current) = object.current().filter(|_| object.exchange() != Exchange::OnDelete) {
        return position(&clean(current));
    }
    let ready = |at: usize| revisions.get(at).and_then(|one| counted.iter().find(|seen| seen.hash == one.hash));
    let others = (0..revisions.len()).filter(|at| Some(*at) != new);
    if counted.is_empty() {
        // Not looked at yet: the one before by number, as `kubectl rollout undo` takes it.
        let fallback = object.current().and_then(|current| position(&clean(current)));
        return fallback.or_else(|| others.into_iter().next()).or(new);
    }
    // The one with most pods that serve, not the newest: after two bad releases the newest is the first bad one.
    let serving = others.filter_map(|at| Some((at, ready(at)?)));
    let best =
        serving.max_by_key(|(at, seen)| (seen.ready, seen.current, revisions.get(*at).and_then(|one| one.number)));
    let new_serves = new.and_then(ready).is_some_and(|seen| seen.ready > 0);
    best.filter(|(_, seen)| seen.ready > 0 || !new_serves).map(|(at, _)| at).or(new)
}
