//! From a Deployment, its ReplicaSets and Events to the domain.

use std::collections::BTreeMap;

use super::{
    api::{Deployment, HISTORY, MARKS},
    phase, refusal,
    sides::Sides,
};
use crate::{
    domain::{
        ids::RolloutId,
        rollout::{Engine, Event, Identity, Pause, PauseReason, ReplicaSet, Rollout, Strategy},
        text::clean,
        time::Timestamp,
        version::Version,
    },
    provider::kubernetes::{api, facade::View, workload},
};

/// A Deployment in the domain's words, offers included.
pub fn rollout(view: &View<'_, Deployment>) -> Rollout {
    let (wire, scope) = (view.object, view.scope);
    let meta = &wire.metadata;
    let sides = Sides::of(wire, &view.sets);
    let (phase, message) = phase::phase(wire);
    let canary = canary(wire, &sides);
    let mut rollout = Rollout {
        id: RolloutId::new(&scope.source, Engine::Deployment, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        strategy: Strategy::Rolling,
        stable: if sides.is_moving() { sides.stable.and_then(version_in) } else { canary.clone() },
        canary,
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps: Vec::new(),
        step: None,
        weight: sides.weight,
        pause: pause(wire),
        held: wire.spec.paused,
        aborted_in_spec: false,
        replica_sets: replica_sets(&sides, &view.sets),
        replicas: wire.replicas(),
        started: sides.new.and_then(|set| started(set, view.events)),
        step_times: BTreeMap::new(),
        analyses: view.analyses.to_vec(),
        events: view.events.to_vec(),
        unknown: Vec::new(),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: meta.generation,
            revision: clean(&meta.resource_version),
            canary_hash: sides.canary_hash.clone(),
            stable_hash: sides.stable_hash.clone(),
        },
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

/// What the spec asks for; its ReplicaSet may say what it was built from.
fn canary(wire: &Deployment, sides: &Sides<'_>) -> Option<Version> {
    let holder = sides.new.map(|set| set.metadata.clone()).unwrap_or_default();
    workload::version(&wire.spec.template, &holder)
}

fn version_in(set: &api::ReplicaSet) -> Option<Version> {
    workload::version(&set.spec.template, &set.metadata)
}

/// A pause is a person's: nothing else pauses a Deployment. The controller says when, unless it had given up before.
fn pause(wire: &Deployment) -> Option<Pause> {
    let said = wire.condition("Progressing").filter(|told| told.reason == "DeploymentPaused");
    let since = said.and_then(|told| told.last_update_time);
    wire.spec.paused.then_some(Pause { reason: PauseReason::Person, since, until: None })
}

fn replica_sets(sides: &Sides<'_>, sets: &[&api::ReplicaSet]) -> Vec<ReplicaSet> {
    let mut all: Vec<_> = sets.iter().map(|set| MARKS.replica_set(set, sides.role(set))).collect();
    all.sort_by_key(|set| std::cmp::Reverse(set.revision));
    all
}

/// When the version began to move. A set that was taken up again is older than that: then its newest growth from nothing
/// tells, as long as there is an event of it.
fn started(new: &api::ReplicaSet, events: &[Event]) -> Option<Timestamp> {
    if !new.metadata.annotations.contains_key(HISTORY) {
        return new.metadata.creation_timestamp;
    }
    let grown = format!("Scaled up replica set {} from 0 to ", new.metadata.name);
    let of_it = |event: &&Event| event.reason == "ScalingReplicaSet" && event.message.starts_with(&grown);
    events.iter().filter(of_it).map(|event| event.at).max()
}
