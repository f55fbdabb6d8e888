//! From a Deployment, its ReplicaSets and Events to the domain.

use std::collections::BTreeMap;

use super::{
    FAMILY, WORDS,
    api::{Deployment, HISTORY, MARKS},
    phase, refusal,
    sides::Sides,
};
use crate::{
    domain::{
        object::ObjectId,
        rollout::{Arm, Event, Identity, Lag, Pause, PauseReason, Phase, Pods, Role, Rollout, Strategy, Unknown},
        text::clean,
        time::Timestamp,
        version::Version,
    },
    provider::kubernetes::{
        api::{self, Meta},
        facade::View,
        hands::{self, Stands},
        pods, workload,
    },
};

/// A Deployment in the domain's words, offers included.
pub fn rollout(view: &View<'_, Deployment>) -> Rollout {
    let (wire, scope) = (view.object, view.scope);
    let meta = &wire.metadata;
    let sides = Sides::of(wire, &view.sets);
    let (phase, message) = phase(view);
    let arms = arms(view, &sides);
    let version = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.clone());
    let events = &view.extras.events;
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: WORDS.to_owned(),
        strategy: Strategy::Rolling,
        stable: version(Role::Stable),
        canary: version(if arms.iter().any(|arm| arm.role == Role::Canary) { Role::Canary } else { Role::Stable }),
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps: Vec::new(),
        step: None,
        weight: sides.weight,
        pause: pause(wire),
        held: wire.spec.paused,
        aborted_in_spec: false,
        replicas: wire.replicas(),
        started: sides.new.and_then(|set| started(set, events)),
        step_times: BTreeMap::new(),
        settled: settled(wire),
        analyses: view.extras.analyses.clone(),
        events: events.clone(),
        troubles: pods::sentences(&arms, &view.sets, &view.extras.troubles),
        unknown: unknown(view),
        lag: lag(wire),
        written: workload::written(meta),
        hands: hands::hands(meta, &[hands::CONTROLLER], Stands { held: wire.spec.paused, ..Stands::default() }),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: meta.generation,
            revision: clean(&meta.resource_version),
            canary_hash: sides.canary_hash.clone(),
            stable_hash: sides.stable_hash.clone(),
        },
        arms,
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

fn phase(view: &View<'_, Deployment>) -> (Phase, String) {
    if !view.object.is_taken_up() {
        return (Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens".to_owned());
    }
    phase::seen(view)
}

/// How far the controller is behind the spec, where it is.
fn lag(wire: &Deployment) -> Option<Lag> {
    let meta = &wire.metadata;
    let since = if wire.is_taken_up() { meta.last_written.spec } else { meta.creation_timestamp };
    (!wire.is_observed()).then_some(Lag { since })
}

/// What of it is not known. A Deployment names no version, so only its sets tell what there is.
fn unknown(view: &View<'_, Deployment>) -> Vec<Unknown> {
    let read = view.unread.map(|why| Unknown {
        what: format!("its ReplicaSets could not be read, so its pods and versions are not known: {why}"),
        way: "get the right to list replicasets.apps".to_owned(),
    });
    let status = &view.object.status;
    let unseen = || {
        let lost = view.unread.is_none() && view.sets.is_empty() && status.replicas > 0;
        lost.then(|| Unknown {
            what: format!("what its {} pods run is not known: none of its ReplicaSets is seen", status.replicas),
            way: "wait until they are listed again".to_owned(),
        })
    };
    read.or_else(unseen).into_iter().collect()
}

/// A pause is a person's: nothing else pauses a Deployment. The controller says when, unless it had given up before.
fn pause(wire: &Deployment) -> Option<Pause> {
    let said = wire.condition("Progressing").filter(|told| told.reason == "DeploymentPaused");
    let since = said.and_then(|told| told.last_update_time);
    wire.spec.paused.then_some(Pause { reason: PauseReason::Person, since, until: None })
}

/// When the controller was done: it writes this condition once, and anew for the next template only (`syncRolloutStatus` of
/// kube-controller-manager).
fn settled(wire: &Deployment) -> Option<Timestamp> {
    let said = wire.condition("Progressing").filter(|told| told.reason == "NewReplicaSetAvailable")?;
    said.last_update_time
}

fn arms(view: &View<'_, Deployment>, sides: &Sides<'_>) -> Vec<Arm> {
    let meta = &view.object.metadata;
    let service = view.scope.service(&meta.namespace, &meta.name);
    let wanted = &view.object.spec.template;
    let before = sides.stable.map(|set| &set.spec.template);
    let container = workload::container(&[service.as_str(), &meta.name], wanted, before);
    let mut all: Vec<_> = view.sets.iter().map(|set| MARKS.arm(set, sides.role(set), &container)).collect();
    all.sort_by_key(|arm| std::cmp::Reverse(arm.revision));
    if sides.new.is_none() {
        // The controller has made nothing of it yet; or nobody may see what it made.
        all.insert(0, unmade(view, sides, workload::version(wanted, &Meta::default(), &container)));
    }
    workload::tell_apart(&mut all);
    all
}

fn unmade(view: &View<'_, Deployment>, sides: &Sides<'_>, version: Option<Version>) -> Arm {
    Arm {
        role: Role::Canary,
        version,
        hash: sides.canary_hash.clone(),
        name: String::new(),
        revision: None,
        earlier_revisions: Vec::new(),
        pods: view.unread.is_none().then(Pods::default),
        created: None,
        scale_down_at: None,
    }
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
