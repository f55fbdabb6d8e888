//! From a Rollout, its ReplicaSets, AnalysisRuns and Events to the domain.

use std::collections::BTreeSet;

use super::{
    FAMILY, WORDS,
    api::{self, MARKS, RunStatus},
    asked,
    phase::{self, Word},
    refusal,
    run::{self, AnalysisRun},
    steps, weight,
};
use crate::{
    domain::{
        hand::{Did, Hand},
        object::ObjectId,
        rollout::{
            Analysis, Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, StepKind, Strategy, Written,
        },
        text::clean,
        time::{Timestamp, after},
        version::Version,
    },
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::View,
        hands::{self, Stands},
        pods, workload,
    },
};

/// A rollout in the domain's words, offers included.
pub fn rollout(view: &View<'_, api::Rollout>) -> Rollout {
    let (wire, scope) = (view.object, view.scope);
    let meta = &wire.metadata;
    let arms = arms(view);
    let version = |role: Role| arms.iter().find(|arm| arm.role == role).and_then(|arm| arm.version.clone());
    let (phase, message) = phase(view);
    let events = &view.extras.events;
    let step = if asked::is_another(view) { (!wire.steps().is_empty()).then_some(0) } else { wire.step_index() };
    let started = started(view);
    let mut rollout = Rollout {
        id: ObjectId::new(&scope.source, FAMILY, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        system: WORDS.to_owned(),
        strategy: if wire.spec.strategy.blue_green.is_some() { Strategy::BlueGreen } else { Strategy::Canary },
        stable: version(Role::Stable),
        canary: version(if arms.iter().any(|arm| arm.role == Role::Canary) { Role::Canary } else { Role::Stable }),
        phase,
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps: wire.steps().iter().map(steps::step).collect(),
        step,
        weight: weight::weight(view),
        pause: pause(wire),
        held: wire.spec.paused,
        aborted_in_spec: wire.is_aborted() && !asked::is_another(view),
        replicas: wire.replicas(),
        started,
        step_times: steps::times(events, started, step_pause(wire).zip(wire.step_index())),
        settled: settled(wire),
        analyses: with_current(wire, &view.extras.analyses),
        events: events.clone(),
        troubles: pods::sentences(&arms, &view.sets, &view.extras.troubles),
        unknown: asked::unknown(view),
        lag: asked::lag(view),
        written: written(wire),
        hands: hands(wire),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: meta.generation,
            revision: clean(&meta.resource_version),
            canary_hash: asked::hash(view),
            stable_hash: clean(&wire.status.stable_rs),
        },
        arms,
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
}

/// Who wrote last what is to run; of what another object defines, that one would have to tell.
fn written(wire: &api::Rollout) -> Option<Written> {
    if wire.spec.workload_ref.is_some() { None } else { workload::written(&wire.metadata) }
}

/// Its controllers: they write what they are told to. As the fixtures record the first; it is its binary's name in older ones.
const CONTROLLERS: &[&str] = &["rollouts-controller", "argo-rollouts", "kube-controller-manager"];

/// When a version last had all of it (`Completed` of the controller's `calculateRolloutConditions`); while another one comes in there is no
/// such time.
fn settled(wire: &api::Rollout) -> Option<Timestamp> {
    let completed = wire.status.conditions.iter().find(|told| told.kind == "Completed" && told.status == "True")?;
    completed.last_transition_time
}

/// Who did what to it, as its fields tell.
fn hands(wire: &api::Rollout) -> Vec<Hand> {
    let (held, aborted) = (wire.spec.paused, wire.status.abort);
    let stands = Stands { held, aborted, promotes_full: wire.status.promote_full };
    let mut hands = hands::hands(&wire.metadata, CONTROLLERS, stands);
    // What another object defines, that one would have to tell.
    hands.retain(|hand| hand.did != Did::Put || wire.spec.workload_ref.is_none());
    hands
}

/// Where it is, and the engine's own words about that, or ours where its word is of something else.
pub(super) fn phase(view: &View<'_, api::Rollout>) -> (Phase, String) {
    let wire = view.object;
    let (word, message) = phase::phase(wire);
    let phase = in_our_words(wire, word);
    if !wire.is_taken_up() {
        return (Phase::Unknown, "no controller has taken it up: nothing that is asked of it happens".to_owned());
    }
    if asked::is_another(view) {
        let container = container(view);
        let named = asked::current(view);
        let named = named.and_then(|set| workload::version(&set.spec.template, &set.metadata, &container));
        let runs = named.map_or_else(|| "another version".to_owned(), |version| version.to_string());
        let words = format!("the controller has not taken up what the spec asks for; it is still at {runs}");
        let phase = if phase == Phase::Healthy { Phase::Progressing } else { phase };
        return (phase, words);
    }
    let told = wire.status.available_replicas;
    let contradicted = workload::contradicted(&view.sets, wire.replicas(), told);
    if let Some(why) = contradicted.filter(|_| !matches!(phase, Phase::Degraded | Phase::Aborted)) {
        return (Phase::Degraded, why);
    }
    // What is promoted and has not one pod left is down, whatever is said of its progress.
    if !wire.is_moving() && !wire.status.stable_rs.is_empty() && wire.replicas() > 0 && available(view) == 0 {
        let wanted = wire.replicas();
        let why = phase::late(wire).or_else(|| Some(message).filter(|message| !message.is_empty()));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        return (Phase::Degraded, format!("0 of {wanted} pods are available{why}"));
    }
    (phase, message)
}

/// The pods that are available: as their ReplicaSets count them, or where none is seen as the status does.
fn available(view: &View<'_, api::Rollout>) -> u32 {
    if view.sets.is_empty() {
        return view.object.status.available_replicas;
    }
    view.sets.iter().map(|set| set.status.available_replicas).sum()
}

/// AnalysisRuns of a rollout's current version, newest first.
pub fn analyses(wire: &api::Rollout, mut runs: Vec<AnalysisRun>) -> Vec<Analysis> {
    runs.retain(|run| run.metadata.controller() == Some(wire.metadata.uid.as_str()));
    runs.sort_by_key(|run| std::cmp::Reverse(run.metadata.creation_timestamp));
    runs.iter().map(run::analysis).collect()
}

/// What the status itself says of the running analyses, which is newer, in front of what was listed. What they measured is only
/// in the list, and goes with the phase that it led to: of a run that went on since, only its phase is told.
fn with_current(wire: &api::Rollout, listed: &[Analysis]) -> Vec<Analysis> {
    let (canary, blue_green) = (&wire.status.canary, &wire.status.blue_green);
    let current = [
        &canary.current_step_analysis_run_status,
        &canary.current_background_analysis_run_status,
        &blue_green.post_promotion_analysis_run_status,
        &blue_green.pre_promotion_analysis_run_status,
    ];
    let short = |run: &RunStatus| {
        let message = Some(clean(&run.message)).filter(|message| !message.is_empty());
        let short = Analysis { name: clean(&run.name), phase: clean(&run.status), message, ..Analysis::default() };
        match listed.iter().find(|known| known.name == short.name && known.phase == short.phase) {
            Some(known) => Analysis { message: short.message, ..known.clone() },
            None => short,
        }
    };
    let mut all: Vec<_> = current.into_iter().flatten().map(short).collect();
    let known: BTreeSet<_> = all.iter().map(|analysis| analysis.name.clone()).collect();
    all.extend(listed.iter().filter(|analysis| !known.contains(&analysis.name)).cloned());
    all
}

pub(super) fn in_our_words(wire: &api::Rollout, word: Word) -> Phase {
    match word {
        Word::Degraded | Word::Progressing | Word::Paused if wire.is_aborted() => Phase::Aborted,
        Word::Healthy => Phase::Healthy,
        Word::Degraded => Phase::Degraded,
        Word::Progressing => Phase::Progressing,
        Word::Paused => Phase::Paused,
        Word::Unknown => Phase::Unknown,
    }
}

/// The pause in force. An inconclusive analysis outweighs a step: the step's time ends by itself, the doubt does not. Some
/// controllers go on all the same when the step's time is over: then it is a doubt with an end.
pub(super) fn pause(wire: &api::Rollout) -> Option<Pause> {
    let conditions = &wire.status.pause_conditions;
    let doubt = conditions.iter().find(|condition| condition.reason.starts_with("Inconclusive"));
    let Some(condition) = doubt.or_else(|| conditions.first()) else {
        return wire.spec.paused.then_some(Pause { reason: PauseReason::Person, since: None, until: None });
    };
    let (reason, length) = match condition.reason.as_str() {
        reason if reason.starts_with("Inconclusive") => (PauseReason::Inconclusive, None),
        "CanaryPauseStep" => {
            let step = wire.step_index().and_then(|index| wire.steps().get(index)).map(|step| steps::step(step).kind);
            let length = if let Some(StepKind::Pause(length)) = step { length } else { None };
            (if is_in_doubt(wire) { PauseReason::Inconclusive } else { PauseReason::Step }, length)
        }
        "BlueGreenPause" => {
            let seconds = wire.spec.strategy.blue_green.as_ref().and_then(|bg| bg.auto_promotion_seconds);
            (PauseReason::Step, seconds.filter(|seconds| *seconds > 0).map(std::time::Duration::from_secs))
        }
        _ => (PauseReason::Other, None),
    };
    let since = condition.start_time;
    Some(Pause { reason, since, until: since.zip(length).map(|(since, length)| after(since, length)) })
}

/// Since when it waits in a pause step.
fn step_pause(wire: &api::Rollout) -> Option<Timestamp> {
    let conditions = &wire.status.pause_conditions;
    conditions.iter().find(|condition| condition.reason == "CanaryPauseStep")?.start_time
}

/// Did an analysis that the status names come to no conclusion?
fn is_in_doubt(wire: &api::Rollout) -> bool {
    let canary = &wire.status.canary;
    let runs = [&canary.current_step_analysis_run_status, &canary.current_background_analysis_run_status];
    runs.into_iter().flatten().any(|run| run.status == "Inconclusive")
}

/// Every version with its pods, newest revision first. What the status names and nobody saw is there too, as unknown.
fn arms(view: &View<'_, api::Rollout>) -> Vec<Arm> {
    let (wire, status) = (view.object, &view.object.status);
    let asked = asked::hash(view);
    let role = |hash: &str| {
        if hash == status.stable_rs {
            Role::Stable
        } else if hash == asked {
            Role::Canary
        } else {
            Role::Old
        }
    };
    let container = container(view);
    let arm = |set: &&ReplicaSet| MARKS.arm(set, role(MARKS.hash_of(set)), &container);
    let mut all: Vec<Arm> = view.sets.iter().map(arm).collect();
    all.sort_by_key(|arm| std::cmp::Reverse(arm.revision));
    let known = |hash: &str| view.sets.iter().any(|set| MARKS.hash_of(set) == hash);
    let version =
        || asked::template(view).and_then(|template| workload::version(template, &Meta::default(), &container));
    if !status.stable_rs.is_empty() && !known(&status.stable_rs) {
        let version = if wire.is_moving() { None } else { version() };
        all.push(unseen(Role::Stable, &status.stable_rs, version, None));
    }
    if asked::is_another(view) && !known(&asked) {
        // The controller has made nothing of it: it has no pods.
        all.insert(0, unseen(Role::Canary, &asked, version(), Some(Pods::default())));
    } else if wire.is_moving() && !known(&asked) {
        all.insert(0, unseen(Role::Canary, &asked, version(), None));
    } else if status.stable_rs.is_empty() && all.is_empty() {
        // Its first version, of which nothing was made.
        let pods = view.unread.is_none().then(Pods::default);
        all.insert(0, unseen(Role::Canary, "", version(), pods));
    }
    if let Some(arm) = all.iter_mut().find(|arm| arm.role == Role::Canary) {
        named_by_spec(view, arm, &container);
    }
    workload::tell_apart(&mut all);
    all
}

/// The version on its way is the one of the spec: it is older than its ReplicaSet, and may say more. While the spec goes back
/// to the stable version, the pods that still serve are of another one than it asks for.
fn named_by_spec(view: &View<'_, api::Rollout>, arm: &mut Arm, container: &str) {
    if asked::is_behind(view) && !asked::is_another(view) {
        return;
    }
    let holder = asked::current(view).filter(|set| clean(&set.metadata.name) == arm.name).map(|set| &set.metadata);
    let none = Meta::default();
    let named = asked::template(view).and_then(|it| workload::version(it, holder.unwrap_or(&none), container));
    if named.is_some() {
        arm.version = named;
    }
}

fn unseen(role: Role, hash: &str, version: Option<Version>, pods: Option<Pods>) -> Arm {
    Arm {
        role,
        version,
        hash: clean(hash),
        name: String::new(),
        revision: None,
        earlier_revisions: Vec::new(),
        pods,
        created: None,
        scale_down_at: None,
    }
}

/// Which container stands for the whole.
fn container(view: &View<'_, api::Rollout>) -> String {
    let (meta, status) = (&view.object.metadata, &view.object.status);
    let service = view.scope.service(&meta.namespace, &meta.name);
    let current = asked::current(view).map(|set| &set.spec.template);
    let Some(new) = asked::template(view).or(current) else { return String::new() };
    let before = MARKS.find(&view.sets, &status.stable_rs).map(|set| &set.spec.template);
    workload::container(&[service.as_str(), &meta.name], new, before)
}

/// When this attempt of the version began: one that was taken back begins anew when it is tried again. The last that is
/// known to be before that is when it was taken back.
fn started(view: &View<'_, api::Rollout>) -> Option<Timestamp> {
    let wire = view.object;
    if asked::is_another(view) {
        return wire.metadata.last_written.spec;
    }
    let of_set = || asked::current(view).and_then(|set| set.metadata.creation_timestamp);
    let began = wire.status.duration.rollout_started_at.or_else(of_set);
    let aborts = view.extras.events.iter().filter(|event| event.reason == "RolloutAborted" && !wire.is_aborted());
    began.max(aborts.map(|event| event.at).filter(|at| began.is_none_or(|began| *at > began)).max())
}
