//! The canary's share of the traffic, as upstream's plugin works it out (`info.NewRolloutInfo`).

use super::api::{MARKS, Rollout};
use crate::{
    domain::rollout::{Share, StepKind, Weight},
    provider::{
        argo_rollouts::steps,
        kubernetes::{api::ReplicaSet, verbs::share_of},
    },
};

/// What "everything" is where the strategy says nothing.
const PERCENT: u32 = 100;

/// The share that the steps ask for, and the share that was reached. Where nothing is on its way, or the steps are over, it
/// is everything.
pub(super) fn weight(rollout: &Rollout, sets: &[&ReplicaSet]) -> Weight {
    let max = max(rollout);
    if rollout.spec.strategy.blue_green.is_some() {
        let switched = rollout.status.blue_green.active_selector == rollout.status.current_pod_hash;
        let share = if switched { max } else { 0 };
        return Weight { declared: share, actual: Share::Told(share), max };
    }
    let declared = declared(rollout, max);
    Weight { declared, actual: actual(rollout, sets, declared, max), max }
}

/// The share that is not on the stable version. Falls to nothing whether the way back was an abort or a roll back: after a
/// roll back the spec asks for the stable version, and the pods that are left over are the bad ones.
pub(super) fn off_stable(rollout: &Rollout, sets: &[&ReplicaSet]) -> u32 {
    let (status, max) = (&rollout.status, max(rollout));
    if rollout.spec.strategy.blue_green.is_some() {
        return if status.blue_green.active_selector == status.stable_rs { 0 } else { max };
    }
    if rollout.is_moving() {
        return weight(rollout, sets).actual.known().unwrap_or(max);
    }
    if rollout.traffic_routing().is_some() {
        return status.canary.weights.as_ref().map_or(0, |weights| weights.canary.weight);
    }
    let others = sets.iter().filter(|set| MARKS.hash_of(set) != status.stable_rs);
    share_of(others.map(|set| set.status.available_replicas).sum(), status.available_replicas, max)
}

fn max(rollout: &Rollout) -> u32 {
    rollout.traffic_routing().and_then(|routing| routing.max_traffic_weight).unwrap_or(PERCENT)
}

fn declared(rollout: &Rollout, max: u32) -> u32 {
    let steps = rollout.steps();
    match rollout.step_index().filter(|index| *index < steps.len()) {
        _ if rollout.status.abort => 0,
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

fn actual(rollout: &Rollout, sets: &[&ReplicaSet], declared: u32, max: u32) -> Share {
    let over = rollout.step_index().is_none_or(|index| index >= rollout.steps().len());
    // Without steps there is nothing to be over: the pods say how far it is.
    if over && (!rollout.steps().is_empty() || !rollout.is_moving()) {
        return Share::Told(max);
    }
    if rollout.traffic_routing().is_some() {
        return Share::Told(rollout.status.canary.weights.as_ref().map_or(declared, |weights| weights.canary.weight));
    }
    let canary = sets.iter().find(|set| MARKS.hash_of(set) == rollout.status.current_pod_hash);
    Share::ByPods(share_of(
        canary.map_or(0, |set| set.status.available_replicas),
        rollout.status.available_replicas,
        max,
    ))
}
