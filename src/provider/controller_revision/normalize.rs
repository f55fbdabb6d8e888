//! From a workload, its `ControllerRevisions` and Events to the domain.

use std::collections::BTreeMap;

use super::{
    api::{Counts, Exchange, Workload},
    facts::is_held,
    phase, refusal,
    revision::{Revision, unread},
    sides::Sides,
};
use crate::{
    domain::{
        object::ObjectId,
        rollout::{Arm, Identity, Lag, Pause, PauseReason, Phase, Role, Rollout, Strategy, Unknown},
        text::{clean, shell_word},
    },
    provider::kubernetes::{
        api::Meta,
        facade::View,
        hands::{self, Stands},
        pods, workload,
    },
};

/// A workload in the domain's words, offers included.
pub fn rollout<W: Workload>(view: &View<'_, W>) -> Rollout {
    let (object, scope) = (view.object, view.scope);
    let meta = object.meta();
    let sides = Sides::of(view);
    let moving = sides.is_moving();
    let (phase, message) = phase::phase(object, moving);
    let arms = arms(view, &sides);
    let version = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.clone());
    let pause = pause(object, phase, moving);
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, W::FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: W::WORDS.to_owned(),
        strategy: Strategy::Rolling,
        stable: version(Role::Stable),
        canary: version(if arms.iter().any(|arm| arm.role == Role::Canary) { Role::Canary } else { Role::Stable }),
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps: Vec::new(),
        step: None,
        weight: sides.weight,
        pause,
        held: is_held(object, moving),
        aborted_in_spec: false,
        replicas: object.counts().wanted,
        started: started(&sides),
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: view.extras.events.clone(),
        troubles: stuck(object, &sides).into_iter().chain(pods::of_hashes(&arms, &view.extras.troubles)).collect(),
        unknown: unknown(view, &sides),
        lag: lag(object),
        written: workload::written(meta),
        hands: hands::hands(meta, &[hands::CONTROLLER], Stands::default()),
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

/// That a broken pod of another version than the spec holds keeps the controller from exchanging any, and the command that ends it: no verb
/// does.
fn stuck(object: &impl Workload, sides: &Sides<'_>) -> Option<String> {
    let waits = object.exchange() == Exchange::Rolling && object.is_ordered() && object.is_observed();
    let broken = sides.broken(&sides.canary_hash);
    if !waits || broken.is_empty() {
        return None;
    }
    let commands: Vec<_> = broken.iter().map(|name| shell_word(name)).collect();
    Some(format!(
        "{} is not ready and of another version, and no pod is exchanged before that ends (kubernetes#67250): kubectl -n {} delete pod {}",
        broken.join(", "),
        shell_word(&object.meta().namespace),
        commands.join(" ")
    ))
}

/// How far the controller is behind the spec, where it is.
fn lag(object: &impl Workload) -> Option<Lag> {
    let meta = object.meta();
    let since = if object.is_taken_up() { meta.last_written.spec } else { meta.creation_timestamp };
    (!object.is_observed()).then_some(Lag { since })
}

/// Who holds it: we, whoever set its partition, or whoever does not delete its pods. Nothing tells since when.
fn pause(object: &impl Workload, phase: Phase, moving: bool) -> Option<Pause> {
    if is_held(object, moving) {
        return Some(Pause { reason: PauseReason::Person, since: None, until: None });
    }
    (phase == Phase::Paused).then_some(Pause { reason: PauseReason::Other, since: None, until: None })
}

/// What of it is not known.
fn unknown<W: Workload>(view: &View<'_, W>, sides: &Sides<'_>) -> Vec<Unknown> {
    let told = |what: String, way: &str| vec![Unknown { what, way: way.to_owned() }];
    if let Some(why) = unread(view) {
        let what = format!("its ControllerRevisions could not be read, so its versions are not known: {why}");
        return told(what, "get the right to list controllerrevisions.apps");
    }
    let Counts { all, .. } = view.object.counts();
    if sides.revisions.is_empty() && all > 0 {
        let what = format!("what its {all} pods run is not known: none of its ControllerRevisions is seen");
        return told(what, "wait until they are listed again");
    }
    // Nobody names what served before, and there is more than one that it may have been.
    let named = view.object.current().is_some() && view.object.exchange() != Exchange::OnDelete;
    if sides.is_moving() && !named && sides.revisions.len() > 2 && view.extras.counted.is_empty() {
        let what = "which version served before is not known: its pods were not read".to_owned();
        return told(what, "get the right to list pods");
    }
    Vec::new()
}

fn arms<W: Workload>(view: &View<'_, W>, sides: &Sides<'_>) -> Vec<Arm> {
    let meta = view.object.meta();
    let service = view.scope.service(&meta.namespace, &meta.name);
    let wanted = view.object.template();
    let before = sides.stable.and_then(|at| sides.revisions.get(at)).map(|one| &one.template);
    let container = workload::container(&[service.as_str(), &meta.name], wanted, before);
    let arm = |(at, one): (usize, &Revision<'_>)| Arm {
        role: sides.role(at),
        version: workload::version(&one.template, one.meta, &container),
        hash: one.hash.clone(),
        name: clean(&one.meta.name),
        revision: one.number,
        earlier_revisions: one.earlier(&sides.revisions),
        pods: sides.pods(&one.hash),
        created: one.meta.creation_timestamp,
        scale_down_at: None,
    };
    let mut all: Vec<_> = sides.revisions.iter().enumerate().map(arm).collect();
    if sides.new.is_none() {
        // The controller has made nothing of it yet; or nobody may see what it made.
        let version = workload::version(wanted, &Meta::default(), &container);
        let unmade = Arm {
            role: Role::Canary,
            version,
            hash: sides.canary_hash.clone(),
            name: String::new(),
            revision: None,
            earlier_revisions: Vec::new(),
            pods: unread(view).is_none().then(|| sides.pods(&sides.canary_hash)).flatten(),
            created: None,
            scale_down_at: None,
        };
        all.insert(0, unmade);
    }
    workload::tell_apart(&mut all);
    all
}

/// When the version began to move: when it was kept for the first time. One that was taken up again is older than that.
fn started(sides: &Sides<'_>) -> Option<crate::domain::time::Timestamp> {
    let new = sides.new.and_then(|at| sides.revisions.get(at))?;
    new.meta.creation_timestamp.filter(|_| new.earlier(&sides.revisions).is_empty())
}
