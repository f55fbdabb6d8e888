//! The canary's share of the traffic: what the router says, else what the pods say, else nothing. Never everything by default.

use super::{
    api::{MARKS, Rollout},
    asked,
};
use crate::{
    domain::rollout::{Share, StepKind, Weight},
    provider::{
        argo_rollouts::steps,
        kubernetes::{facade::View, verbs::share_of},
    },
};

/// What "everything" is where the strategy says nothing.
const PERCENT: u32 = 100;

/// The share that the steps ask for, and the share that was reached.
pub(super) fn weight(view: &View<'_, Rollout>) -> Weight {
    let rollout = view.object;
    let max = max(rollout);
    if !rollout.is_taken_up() {
        return Weight { declared: 0, actual: Share::Unknown, max };
    }
    if asked::is_another(view) {
        // Where the controller has made nothing of it, no pod exists that anything could be sent to.
        let hash = asked::hash(view);
        let made = MARKS.find(&view.sets, &hash).is_some();
        let actual = if made { of_pods(view, &hash, max) } else { Share::ByPods(0) };
        return Weight { declared: 0, actual, max };
    }
    if rollout.spec.strategy.blue_green.is_some() {
        let actual = switched(rollout, &rollout.status.current_pod_hash, max);
        return Weight { declared: actual.known().unwrap_or(0), actual, max };
    }
    Weight { declared: declared(rollout, max), actual: actual(view, max), max }
}

/// The share that is not on the stable version. Falls to nothing whether the way back was an abort or a roll back: after a
/// roll back the spec asks for the stable version, and the pods that are left over are the bad ones.
pub(super) fn off_stable(view: &View<'_, Rollout>) -> Option<u32> {
    let (rollout, max) = (view.object, max(view.object));
    let status = &rollout.status;
    if rollout.spec.strategy.blue_green.is_some() {
        return switched(rollout, &status.stable_rs, max).known().map(|share| max - share);
    }
    if rollout.is_moving() {
        return actual(view, max).known();
    }
    if let Some(weights) = status.canary.weights.as_ref().filter(|_| rollout.traffic_routing().is_some()) {
        return weights.of_canary(max);
    }
    if is_empty(view) {
        return Some(0);
    }
    let serves = status.available_replicas > 0 || view.sets.iter().any(|set| set.status.available_replicas > 0);
    // Where nothing serves, nothing is known of who would.
    of_pods(view, &status.stable_rs, max).known().filter(|_| serves).map(|share| max - share)
}

/// Are no pods asked for, and none there? Then nothing is anywhere.
fn is_empty(view: &View<'_, Rollout>) -> bool {
    view.object.replicas() == 0 && view.unread.is_none() && view.sets.iter().all(|set| set.status.replicas == 0)
}

fn max(rollout: &Rollout) -> u32 {
    rollout.traffic_routing().and_then(|routing| routing.max_traffic_weight).unwrap_or(PERCENT)
}

/// All of it, where the active service selects this version; none, where it selects another.
fn switched(rollout: &Rollout, hash: &str, max: u32) -> Share {
    match rollout.status.blue_green.active_selector.as_str() {
        "" => Share::Unknown,
        active if active == hash => Share::Told(max),
        _ => Share::Told(0),
    }
}

fn declared(rollout: &Rollout, max: u32) -> u32 {
    let steps = rollout.steps();
    match rollout.step_index().filter(|index| *index < steps.len()) {
        _ if rollout.status.abort && rollout.is_moving() => 0,
        // Its first version, of which the controller has made nothing.
        None if rollout.status.current_pod_hash.is_empty() => 0,
        None => max,
        Some(index) => {
            let weight = |step| match steps::step(step).kind {
                StepKind::SetWeight(weight) => Some(weight),
                _ => None,
            };
            steps.iter().take(index + 1).rev().find_map(weight).unwrap_or(0)
        }
    }
}

fn actual(view: &View<'_, Rollout>, max: u32) -> Share {
    let rollout = view.object;
    let status = &rollout.status;
    let by_pods = of_pods(view, &status.current_pod_hash, max);
    if rollout.traffic_routing().is_none() {
        return by_pods;
    }
    let told = status.canary.weights.as_ref().map(|weights| weights.of_canary(max));
    match (told, by_pods.known()) {
        (Some(Some(canary)), _) if rollout.is_moving() => Share::Told(canary),
        // A router cannot send anything to pods that do not exist.
        (_, Some(0)) => Share::ByPods(0),
        // Once it is settled, what the router calls the canary is what is left of another version.
        (Some(Some(canary)), _) => Share::Told(max.saturating_sub(canary)),
        (None, _) if !rollout.is_moving() => by_pods,
        (Some(None) | None, _) => Share::Unknown,
    }
}

/// The share of the available pods that are of a version: by its ReplicaSet, else by what the status counts.
fn of_pods(view: &View<'_, Rollout>, hash: &str, max: u32) -> Share {
    let status = &view.object.status;
    let own = MARKS.find(&view.sets, hash).map(|set| set.status.available_replicas);
    let others: u32 = {
        let others = view.sets.iter().filter(|set| MARKS.hash_of(set) != hash);
        others.map(|set| set.status.available_replicas).sum()
    };
    let updated = hash == status.current_pod_hash;
    let stable_seen = status.stable_rs.is_empty() || MARKS.find(&view.sets, &status.stable_rs).is_some();
    match own {
        // Beside pods that nobody sees, a share of those that are seen says nothing.
        Some(1..) if !stable_seen => Share::Unknown,
        Some(own) if own + others > 0 => Share::ByPods(share_of(own, status.available_replicas.max(own + others), max)),
        Some(_) => Share::ByPods(0),
        None if updated && status.updated_replicas == 0 => Share::ByPods(0),
        None if updated && status.updated_replicas == status.replicas && status.available_replicas > 0 => {
            Share::ByPods(max)
        }
        None => Share::Unknown,
    }
}
