//! From an object of Flux and its sources to the domain.

use std::collections::BTreeMap;

use super::{
    declared::{Declared, version},
    phase::{self, Outcome},
    refusal, source,
};
use crate::{
    domain::{
        object::ObjectId,
        rollout::{Identity, Lag, Pause, PauseReason, Phase, Role, Rollout, Share, Strategy, Weight},
        text::clean,
    },
    provider::kubernetes::{
        facade::View,
        hands::{self, Stands},
    },
};

/// What "everything" is.
const ALL: u32 = 100;

/// An object in the domain's words, offers included.
pub fn rollout<O: Declared>(view: &View<'_, O>) -> Rollout {
    let (object, scope) = (view.object, view.scope);
    let meta = object.meta();
    let sides = object.sides();
    let (phase, message) = seen(view);
    let stable = sides.version(Role::Stable).cloned();
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, O::FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: O::WORDS.to_owned(),
        strategy: Strategy::Declared,
        canary: sides.version(Role::Canary).cloned().or_else(|| stable.clone()),
        stable,
        phase,
        message: Some(message).filter(|message| !message.is_empty()),
        steps: Vec::new(),
        step: None,
        // What is declared is applied, all of it or not: no share of anything is told.
        weight: Weight { declared: ALL, actual: Share::Unknown, max: ALL },
        pause: pause(view),
        held: object.is_suspended(),
        aborted_in_spec: object.is_taken_back(),
        replicas: 0,
        started: sides.started,
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: view.extras.events.clone(),
        troubles: troubles(view),
        unknown: source::unknown(view),
        lag: lag(object),
        written: None,
        hands: hands::hands(meta, &[], Stands { held: object.is_suspended(), ..Stands::default() }),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: meta.generation,
            revision: clean(&meta.resource_version),
            canary_hash: sides.canary_hash,
            stable_hash: sides.stable_hash,
        },
        arms: sides.arms,
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

/// The phase and the message that goes with it. What is applied may be well, and yet not be what is declared since: then its source
/// says so.
pub(super) fn seen<O: Declared>(view: &View<'_, O>) -> (Phase, String) {
    let (phase, message) = phase::phase(view.object);
    let first = || source::troubles(view).into_iter().next().unwrap_or_default();
    match phase {
        Phase::Healthy if source::stuck(view) => (Phase::Degraded, first()),
        Phase::Healthy if source::is_held(view) => (Phase::Paused, first()),
        _ => (phase, message),
    }
}

fn pause<O: Declared>(view: &View<'_, O>) -> Option<Pause> {
    let since = view.object.meta().last_written.hold().map(|(at, _)| at);
    if view.object.is_suspended() {
        return Some(Pause { reason: PauseReason::Person, since, until: None });
    }
    source::is_held(view).then_some(Pause { reason: PauseReason::Other, since: None, until: None })
}

fn troubles<O: Declared>(view: &View<'_, O>) -> Vec<String> {
    let (object, told) = (view.object, seen(view).1);
    let waiting = source::held(view).filter(|held| object.is_suspended() && *held != object.sides().stable_hash);
    let waiting = waiting.map(|held| format!("its source holds {}, and resume applies it", called(&held)));
    let others = source::troubles(view).into_iter().filter(|one| *one != told);
    object.troubles().into_iter().chain(others).chain(waiting).collect()
}

/// What a revision is called in a sentence.
pub(super) fn called(revision: &str) -> String {
    version(revision).map_or_else(|| "nothing".to_owned(), |version| version.to_string())
}

/// How far the controller is behind the spec, where it is. It does not look at what is suspended.
fn lag<O: Declared>(object: &O) -> Option<Lag> {
    let (meta, progress) = (object.meta(), object.progress());
    let behind = !object.is_suspended()
        && phase::is_behind(meta, progress)
        && phase::outcome(meta, progress) == Outcome::Running;
    let taken_up = phase::is_taken_up(progress);
    let since = if taken_up { meta.last_written.spec } else { meta.creation_timestamp };
    behind.then_some(Lag { since })
}
