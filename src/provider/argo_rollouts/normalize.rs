//! From a Rollout, its ReplicaSets, AnalysisRuns and Events to the domain.

use std::collections::BTreeSet;

use super::{
    api::{self, MARKS, RunStatus},
    phase::{self, Word},
    refusal,
    run::{self, AnalysisRun},
    steps, weight,
};
use crate::{
    domain::{
        ids::RolloutId,
        rollout::{Analysis, Engine, Identity, Pause, PauseReason, Phase, Role, Rollout, StepKind, Strategy},
        text::clean,
        time::after,
        version::Version,
    },
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::View,
        workload,
    },
};

/// A rollout in the domain's words, offers included.
pub fn rollout(view: &View<'_, api::Rollout>) -> Rollout {
    let (wire, scope) = (view.object, view.scope);
    let (meta, status) = (&wire.metadata, &wire.status);
    let (word, message) = phase::phase(wire);
    let started = started(wire, view);
    let mut rollout = Rollout {
        id: RolloutId::new(&scope.source, Engine::ArgoRollouts, meta.path()),
        service: scope.service(&meta.namespace, &meta.name),
        environment: scope.environment.clone(),
        strategy: if wire.spec.strategy.blue_green.is_some() { Strategy::BlueGreen } else { Strategy::Canary },
        stable: stable(wire, &view.sets),
        canary: canary(wire, &view.sets),
        phase: in_our_words(wire, word),
        message: Some(clean(&message)).filter(|message| !message.is_empty()),
        steps: wire.steps().iter().map(steps::step).collect(),
        step: wire.step_index(),
        weight: weight::weight(wire, &view.sets),
        pause: pause(wire),
        held: wire.spec.paused,
        aborted_in_spec: wire.is_aborted(),
        replica_sets: replica_sets(wire, &view.sets),
        replicas: wire.spec.replicas.unwrap_or(1),
        started,
        step_times: steps::times(view.events, started, pause(wire).zip(wire.step_index())),
        analyses: with_current(wire, view.analyses),
        events: view.events.to_vec(),
        identity: Identity {
            uid: clean(&meta.uid),
            generation: meta.generation,
            revision: clean(&meta.resource_version),
            canary_hash: clean(&status.current_pod_hash),
            stable_hash: clean(&status.stable_rs),
        },
        offers: Vec::new(),
    };
    rollout.offers = refusal::offers(&rollout, view);
    rollout
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

/// The pause in force. An inconclusive analysis outweighs a step: the step's time ends by itself, the doubt does not.
fn pause(wire: &api::Rollout) -> Option<Pause> {
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
            (PauseReason::Step, length)
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

fn version_in(set: &ReplicaSet) -> Option<Version> {
    workload::version(&set.spec.template, &set.metadata)
}

fn stable(wire: &api::Rollout, sets: &[&ReplicaSet]) -> Option<Version> {
    let hash = &wire.status.stable_rs;
    if hash.is_empty() {
        return None;
    }
    let of_set = MARKS.find(sets, hash).and_then(version_in);
    of_set.or_else(|| if wire.is_moving() { None } else { of_spec(wire, &Meta::default()) })
}

fn of_spec(wire: &api::Rollout, holder: &Meta) -> Option<Version> {
    workload::version(&wire.spec.template, holder)
}

/// What the spec asks for. With a `workloadRef` the spec has no template, and its ReplicaSet tells.
fn canary(wire: &api::Rollout, sets: &[&ReplicaSet]) -> Option<Version> {
    let set = MARKS.find(sets, &wire.status.current_pod_hash);
    if !wire.is_moving() && phase::is_observed(wire) && !wire.status.stable_rs.is_empty() {
        return stable(wire, sets);
    }
    // The ReplicaSet's own annotations count only while it is the one that the spec asks for.
    let holder = set.filter(|_| phase::is_observed(wire)).map(|set| set.metadata.clone()).unwrap_or_default();
    of_spec(wire, &holder).or_else(|| set.and_then(version_in))
}

fn replica_sets(wire: &api::Rollout, sets: &[&ReplicaSet]) -> Vec<crate::domain::rollout::ReplicaSet> {
    let role = |hash: &str| {
        if hash == wire.status.stable_rs {
            Role::Stable
        } else if hash == wire.status.current_pod_hash {
            Role::Canary
        } else {
            Role::Old
        }
    };
    let mut all: Vec<_> = sets.iter().map(|set| MARKS.replica_set(set, role(MARKS.hash_of(set)))).collect();
    all.sort_by_key(|set| std::cmp::Reverse(set.revision));
    all
}

/// When this attempt of the version began: one that was taken back begins anew when it is tried again. The last that is
/// known to be before that is when it was taken back.
fn started(wire: &api::Rollout, view: &View<'_, api::Rollout>) -> Option<crate::domain::time::Timestamp> {
    let set = MARKS.find(&view.sets, &wire.status.current_pod_hash);
    let began = wire.status.duration.rollout_started_at.or_else(|| set?.metadata.creation_timestamp);
    let aborts = view.events.iter().filter(|event| event.reason == "RolloutAborted" && !wire.is_aborted());
    began.max(aborts.map(|event| event.at).filter(|at| began.is_none_or(|began| *at > began)).max())
}
