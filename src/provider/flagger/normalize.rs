//! From a Canary, its two Deployments and their ReplicaSets, its gates and its router to the domain.

use std::collections::BTreeMap;

use super::{
    DEPLOYMENTS, FAMILY, WORDS,
    api::{Canary, HISTORY, MARKS, Word},
    phase, refusal,
    sides::{Sides, Standing, add},
    strategy, weight,
};
use crate::{
    domain::{
        hand::{Did, Hand},
        object::ObjectId,
        rollout::{Analysis, Arm, Identity, Lag, Pods, Role, Rollout, Unknown},
        text::clean,
        time::Timestamp,
        version::Version,
    },
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::View,
        hands::{self, Stands},
        pods,
        template::Template,
        workload,
    },
};

/// A canary in the domain's words, offers included.
pub fn rollout(view: &View<'_, Canary>) -> Rollout {
    let (wire, scope) = (view.object, view.scope);
    let meta = &wire.metadata;
    let sides = Sides::of(view);
    let (phase, message) = phase::phase(view, &sides);
    let arms = arms(view, &sides);
    let version = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.clone());
    let (steps, step) = strategy::steps(wire);
    let pause = phase::pause(view).filter(|_| !matches!(sides.standing, Standing::Ends | Standing::Unknown));
    let step_times: BTreeMap<usize, Timestamp> = step.zip(pause.and_then(|pause| pause.since)).into_iter().collect();
    let mut troubles = phase::warnings(view, &sides);
    troubles.extend(pods::sentences(&arms, &view.sets, &view.extras.troubles));
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: WORDS.to_owned(),
        strategy: strategy::strategy(wire),
        stable: version(Role::Stable),
        canary: version(if arms.iter().any(|arm| arm.role == Role::Canary) { Role::Canary } else { Role::Stable }),
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps,
        step,
        weight: weight::weight(view, &sides),
        pause,
        held: wire.spec.suspend,
        aborted_in_spec: sides.standing == Standing::Back,
        replicas: replicas(&sides),
        started: started(&sides),
        step_times,
        settled: None,
        analyses: analyses(view, &sides),
        events: view.extras.events.clone(),
        troubles,
        unknown: unknown(view, &sides),
        lag: lag(view, &sides),
        written: sides.target.as_ref().and_then(|target| workload::written(target.meta)),
        hands: hands(wire, &sides),
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
    rollout.offers = refusal::offers(&rollout, view, &sides);
    rollout
}

/// Who did what to the canary, and who wrote the version that its target holds.
fn hands(wire: &Canary, sides: &Sides<'_>) -> Vec<Hand> {
    const CONTROLLERS: &[&str] = &["flagger", hands::CONTROLLER];
    let stands = Stands { held: wire.spec.suspend, ..Stands::default() };
    let of_target = sides.target.iter().flat_map(|target| hands::hands(target.meta, CONTROLLERS, Stands::default()));
    let puts = of_target.filter(|hand| hand.did == Did::Put);
    hands::hands(&wire.metadata, CONTROLLERS, stands).into_iter().chain(puts).collect()
}

/// Pods that serve, as they are asked for: the primary's, once there is one.
fn replicas(sides: &Sides<'_>) -> u32 {
    let first = sides.standing == Standing::First;
    let side = if first { sides.target.as_ref() } else { sides.primary.as_ref().or(sides.target.as_ref()) };
    side.map_or(0, super::sides::Side::replicas)
}

/// What its checks came to: Flagger keeps a count and no values.
fn analyses(view: &View<'_, Canary>, sides: &Sides<'_>) -> Vec<Analysis> {
    let wire = view.object;
    let running = sides.moves() && wire.word() != Some(Word::Waiting);
    if !running && sides.standing != Standing::Back {
        return Vec::new();
    }
    let newest = view.extras.events.iter().find(|event| event.warning && event.message.starts_with("Halt"));
    let message = match (phase::checks(wire), newest) {
        (Some(checks), Some(event)) => Some(format!("{checks}: {}", event.message)),
        (Some(checks), None) => Some(checks),
        (None, event) => event.map(|event| event.message.clone()).filter(|_| !running),
    };
    let word = if running { "Running" } else { "Failed" };
    vec![Analysis { name: "checks".to_owned(), phase: word.to_owned(), message, ..Analysis::default() }]
}

/// Every version with its pods, newest first: what the target holds, what was promoted last, and what was promoted before. What
/// never was is no way back, and is not here.
fn arms(view: &View<'_, Canary>, sides: &Sides<'_>) -> Vec<Arm> {
    let (Some(target), known) = (sides.target.as_ref(), view.unread.is_none()) else { return Vec::new() };
    let container = container(view, sides);
    let wanted = target.template();
    let is_one = sides.canary_hash == sides.stable_hash;
    let mut all = Vec::new();
    let pods_of = |set: Option<&ReplicaSet>, template: &Template| {
        known.then(|| add(set.map(workload::pods).unwrap_or_default(), sides.primary_pods(template)))
    };
    if !is_one || sides.stable.is_none() {
        let of = |set| MARKS.arm(set, Role::Canary, &container);
        let mut arm = target.current.map_or_else(|| unmade(Role::Canary, &sides.canary_hash, known), of);
        let holder = target.current.map_or(target.meta, |set| &set.metadata);
        arm.version = version(wanted, holder, &container).or(arm.version);
        let promoting = matches!(view.object.word(), Some(Word::Promoting | Word::Finalising));
        if promoting {
            arm.pods = pods_of(target.current, wanted);
        }
        all.push(arm);
    }
    if let Some(stable) = &sides.stable {
        let twin = if is_one { target.current } else { sides.stable_twin() };
        let of = |set| MARKS.arm(set, Role::Stable, &container);
        let mut arm = twin.map_or_else(|| unmade(Role::Stable, &sides.stable_hash, known), of);
        let holds = sides
            .primary
            .as_ref()
            .and_then(|primary| primary.sets.iter().find(|set| set.spec.template.runs_the_same(stable)));
        arm.version = version(stable, holds.map_or(&Meta::default(), |set| &set.metadata), &container).or(arm.version);
        // Who holds its pods is the primary; the target's set of it has none.
        arm.name = holds.map_or(arm.name, |set| clean(&set.metadata.name));
        arm.created = holds.and_then(|set| set.metadata.creation_timestamp).or(arm.created);
        arm.pods = if is_one { pods_of(target.current, stable) } else { pods_of(None, stable) };
        all.push(arm);
    }
    let is_side = |set: &ReplicaSet| {
        let same = |template: &Template| set.spec.template.runs_the_same(template);
        same(wanted) || sides.stable.as_ref().is_some_and(same)
    };
    for set in target.sets.iter().filter(|set| !is_side(set) && sides.was_promoted(set)) {
        let mut arm = MARKS.arm(set, Role::Old, &container);
        arm.pods = pods_of(Some(set), &set.spec.template);
        all.push(arm);
    }
    all.sort_by_key(|arm| std::cmp::Reverse(arm.revision));
    workload::tell_apart(&mut all);
    all
}

fn version(template: &Template, holder: &Meta, container: &str) -> Option<Version> {
    workload::version(template, holder, container)
}

fn unmade(role: Role, hash: &str, known: bool) -> Arm {
    Arm {
        role,
        version: None,
        hash: hash.to_owned(),
        name: String::new(),
        revision: None,
        earlier_revisions: Vec::new(),
        pods: known.then(Pods::default),
        created: None,
        scale_down_at: None,
    }
}

/// Which container stands for the whole.
fn container(view: &View<'_, Canary>, sides: &Sides<'_>) -> String {
    let meta = &view.object.metadata;
    let service = view.scope.service(&meta.namespace, &meta.name);
    let Some(target) = sides.target.as_ref() else { return String::new() };
    let names = [service.as_str(), meta.name.as_str(), target.meta.name.as_str()];
    workload::container(&names, target.template(), sides.stable.as_ref())
}

/// When what the target holds came in. A set that was taken up again is older than that, and then nothing tells.
fn started(sides: &Sides<'_>) -> Option<Timestamp> {
    let set = sides.target.as_ref()?.current?;
    let again = set.metadata.annotations.contains_key(HISTORY);
    set.metadata.creation_timestamp.filter(|_| !again)
}

/// The controller is behind where the target holds a version that it has not taken up.
fn lag(view: &View<'_, Canary>, sides: &Sides<'_>) -> Option<Lag> {
    let meta = &view.object.metadata;
    match sides.standing {
        Standing::Unknown if !view.object.is_taken_up() => Some(Lag { since: meta.creation_timestamp }),
        Standing::Asked => Some(Lag { since: started(sides) }),
        _ => None,
    }
}

/// What of it is not known. Each of these keeps everything from going forward.
fn unknown(view: &View<'_, Canary>, sides: &Sides<'_>) -> Vec<Unknown> {
    let wire = view.object;
    let said = |what: String, way: &str| Unknown { what, way: way.to_owned() };
    let mut all = Vec::new();
    let (kind, name) = (clean(&wire.spec.target_ref.kind), clean(&wire.spec.target_ref.name));
    if !wire.has_deployment() {
        let what = format!(
            "its pods and versions are not known: its target '{name}' is a {kind}, and only Deployments are read"
        );
        return vec![said(what, "look at it with kubectl")];
    }
    if let Some((_, why)) = view.unread_beside.iter().find(|(resource, _)| *resource == DEPLOYMENTS) {
        let what = format!("its Deployments could not be read, so its pods and versions are not known: {why}");
        return vec![said(what, "get the right to list deployments.apps")];
    }
    if sides.target.is_none() {
        all.push(said(format!("its target Deployment {name} is not seen"), "look whether it was deleted or renamed"));
    }
    let has_begun = !matches!(sides.standing, Standing::Unknown | Standing::First | Standing::Ends);
    if sides.primary.is_none() && has_begun {
        let primary = clean(&wire.primary());
        all.push(said(format!("what serves users is not known: {primary} is not seen"), "look whether it was deleted"));
    }
    if let Some(why) = view.unread {
        let what = format!("its ReplicaSets could not be read, so its pods and versions are not known: {why}");
        all.push(said(what, "get the right to list replicasets.apps"));
    }
    if let Some(why) = weight::unread(view).filter(|_| sides.moves()) {
        all.push(said(
            format!("how much of the traffic the canary gets is not known: {why}"),
            "get the right to read it",
        ));
    }
    all
}
