//! From a Service and its two Deployments to the domain.

use std::collections::BTreeMap;

use super::{
    FAMILY, WORDS,
    api::Service,
    pair::{Pair, Side, Way},
    refusal,
};
use crate::{
    domain::{
        object::ObjectId,
        rollout::{Arm, Identity, Lag, Pause, PauseReason, Phase, Role, Rollout, Share, Strategy, Unknown, Weight},
        text::clean,
    },
    provider::{
        deployment::{api::MARKS, phase as of_deployment},
        kubernetes::{
            facade::View,
            hands::{self, Stands},
            pods,
            verbs::share_of,
            workload,
        },
    },
};

/// What "everything" is.
const PERCENT: u32 = 100;

/// A pair in the domain's words, offers included.
pub fn rollout(view: &View<'_, Service>) -> Rollout {
    match Pair::of(view) {
        Ok(pair) => told(view, &pair),
        Err(why) => untold(view, &why),
    }
}

fn told(view: &View<'_, Service>, pair: &Pair<'_>) -> Rollout {
    let (phase, message) = phase(pair);
    let arms = arms(view, pair);
    let version = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.clone());
    let moving = pair.is_moving();
    let waits = Pause { reason: PauseReason::Other, since: None, until: None };
    let holder = if moving { &pair.other } else { &pair.stable };
    let mut rollout = Rollout {
        strategy: match pair.way {
            Way::ByPods => Strategy::Canary,
            Way::BySwitch(_) => Strategy::BlueGreen,
        },
        stable: version(Role::Stable),
        canary: version(if moving { Role::Canary } else { Role::Stable }),
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        weight: weight(pair),
        pause: (phase == Phase::Paused).then_some(waits),
        replicas: wanted(pair),
        started: if moving { pair.other.set().and_then(|set| set.metadata.creation_timestamp) } else { None },
        events: view.extras.events.clone(),
        troubles: pods::sentences(&arms, &view.sets, &view.extras.troubles),
        lag: lag(pair),
        written: workload::written(&holder.deployment.metadata),
        hands: hands::hands(&holder.deployment.metadata, &[hands::CONTROLLER], Stands::default()),
        identity: identity(view, pair),
        arms,
        ..untold(view, "")
    };
    rollout.unknown = view.unread.iter().map(|why| unread(why)).collect();
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

/// One of which it is not known what it has. It is told all the same: somebody declared it.
fn untold(view: &View<'_, Service>, why: &str) -> Rollout {
    let (meta, scope) = (&view.object.metadata, view.scope);
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: WORDS.to_owned(),
        strategy: Strategy::Canary,
        stable: None,
        canary: None,
        phase: Phase::Unknown,
        message: Some(clean(why)).filter(|why| !why.is_empty()),
        steps: Vec::new(),
        step: None,
        weight: Weight { declared: 0, actual: Share::Unknown, max: PERCENT },
        pause: None,
        held: false,
        aborted_in_spec: false,
        arms: Vec::new(),
        replicas: 0,
        started: None,
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: vec![Unknown {
            what: clean(why),
            way: "mend it, or take the pair out of the configuration".to_owned(),
        }],
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: 0,
            revision: clean(&meta.resource_version),
            canary_hash: String::new(),
            stable_hash: String::new(),
        },
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

fn unread(why: &str) -> Unknown {
    Unknown {
        what: format!("its ReplicaSets could not be read, so its pods and versions are not known: {why}"),
        way: "get the right to list replicasets.apps".to_owned(),
    }
}

pub(super) fn identity(view: &View<'_, Service>, pair: &Pair<'_>) -> Identity {
    let meta = &view.object.metadata;
    let stable_hash = pair.stable.hash();
    let canary_hash = if pair.is_moving() { pair.other.hash() } else { stable_hash.clone() };
    // Nobody counts what a Service asks for; what its Deployments do is counted.
    let generation = pair.stable.deployment.metadata.generation + pair.other.deployment.metadata.generation;
    let revision = clean(&meta.resource_version);
    Identity { uid: clean(&meta.uid), generation, revision, canary_hash, stable_hash }
}

/// The share of the other side: by ready pods where the Service selects both, else nothing or everything as the Service says.
pub(super) fn weight(pair: &Pair<'_>) -> Weight {
    let (stable, other) = (&pair.stable, &pair.other);
    match (&pair.way, pair.is_moving()) {
        (Way::BySwitch(_), true) => Weight { declared: 0, actual: Share::Told(0), max: PERCENT },
        (Way::BySwitch(_), false) => Weight { declared: PERCENT, actual: Share::Told(PERCENT), max: PERCENT },
        (Way::ByPods, false) => Weight { declared: PERCENT, actual: Share::ByPods(PERCENT), max: PERCENT },
        (Way::ByPods, true) => {
            let all = stable.ready() + other.ready();
            let actual = if all == 0 { Share::Unknown } else { Share::ByPods(share_of(other.ready(), all, PERCENT)) };
            let declared = share_of(other.deployment.replicas(), wanted(pair), PERCENT);
            Weight { declared, actual, max: PERCENT }
        }
    }
}

/// Pods that serve, as they are asked for: of both, where both do.
fn wanted(pair: &Pair<'_>) -> u32 {
    let stable = pair.stable.deployment.replicas();
    if pair.way == Way::ByPods { stable + pair.other.deployment.replicas() } else { stable }
}

/// The phase, and what is said of it: what is wrong with either side first.
pub(super) fn phase(pair: &Pair<'_>) -> (Phase, String) {
    let moving = pair.is_moving();
    let of = |side: &Side<'_>| {
        let (phase, said) = of_deployment::phase(&side.deployment);
        (phase, if said.is_empty() { said } else { format!("{}: {said}", side.name()) })
    };
    // What was left and still runs is no part of what happens; that it does not come up is no harm.
    let sides = if moving || pair.way == Way::ByPods {
        vec![of(&pair.stable), of(&pair.other)]
    } else {
        vec![of(&pair.stable)]
    };
    for wanted in [Phase::Degraded, Phase::Progressing, Phase::Paused] {
        if let Some(found) = sides.iter().find(|(phase, _)| *phase == wanted) {
            return found.clone();
        }
    }
    let other = pair.other.name();
    let (ready, whole) = (pair.other.ready(), pair.other.deployment.replicas());
    match (&pair.way, moving) {
        (Way::ByPods, true) => {
            (Phase::Paused, format!("{other} has {ready} of {} pods; nothing moves it by itself", wanted(pair)))
        }
        (Way::BySwitch(_), true) => (
            Phase::Paused,
            format!("{other} stands ready with {ready} of {whole} pods and takes no traffic until it is promoted"),
        ),
        (_, false) => (Phase::Healthy, String::new()),
    }
}

fn lag(pair: &Pair<'_>) -> Option<Lag> {
    let behind = [&pair.stable, &pair.other].into_iter().find(|side| !side.deployment.is_observed())?;
    Some(Lag { since: behind.deployment.metadata.last_written.spec })
}

fn arms(view: &View<'_, Service>, pair: &Pair<'_>) -> Vec<Arm> {
    let meta = &view.object.metadata;
    let service = view.scope.service(&meta.namespace, &meta.name);
    let (stable, other) = (&pair.stable, &pair.other);
    let container = workload::container(&[service.as_str(), &meta.name], other.template(), Some(stable.template()));
    let mut all = Vec::new();
    if pair.is_moving() {
        // Its Deployment counts its own revisions: they say nothing beside the other's.
        let canary = arm(other, Role::Canary, &container);
        all.push(Arm { revision: None, earlier_revisions: Vec::new(), ..canary });
    }
    all.push(arm(stable, Role::Stable, &container));
    match pair.way {
        // What was left by the switch is the way back; its pods may still run.
        Way::BySwitch(_) if !pair.is_moving() && !other.template().runs_the_same(stable.template()) => {
            all.push(Arm { revision: None, ..arm(other, Role::Old, &container) });
        }
        Way::BySwitch(_) => {}
        Way::ByPods => {
            let current = stable.set().map(|set| set.metadata.name.clone());
            let earlier = stable.sets.iter().filter(|set| Some(&set.metadata.name) != current.as_ref());
            let earlier = earlier.filter(|set| !set.spec.template.runs_the_same(stable.template()));
            all.extend(earlier.map(|set| MARKS.arm(set, Role::Old, &container)));
        }
    }
    workload::tell_apart(&mut all);
    all
}

fn arm(side: &Side<'_>, role: Role, container: &str) -> Arm {
    if let Some(set) = side.set() {
        return MARKS.arm(set, role, container);
    }
    Arm {
        role,
        version: workload::version(side.template(), &side.deployment.metadata, container),
        hash: side.hash(),
        name: String::new(),
        revision: None,
        earlier_revisions: Vec::new(),
        pods: None,
        created: None,
        scale_down_at: None,
    }
}
