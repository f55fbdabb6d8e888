//! Roll back: to the stable version at once, to another one as the controller goes there, which is through its steps, past
//! them, or by a preview. What is expected is that it got there; where a human must let it go on, that it waits there.

use std::time::Duration;

use super::{
    api::{MARKS, Rollout as Wire},
    draft::Stage,
    facts::{ACTIVE, OBSERVED, WAITS},
    request,
};
use crate::{
    domain::{
        rollout::{Arm, Rollout, Step, StepKind, Strategy},
        verb::Verb,
    },
    port::{
        plan::{Blocked, Draft, Expect, WireCall, fact},
        step,
    },
    provider::kubernetes::{
        api::ReplicaSet,
        facade::View,
        verbs::{at_most, canary, everywhere, must_come_up, serves, target},
    },
};

/// How long a step that measures may take, where it does not say.
const MEASURED: Duration = Duration::from_mins(10);

pub(super) fn rollback(stage: &Stage<'_>, to: Option<&str>) -> Result<Draft, Blocked> {
    to_arm(stage, target(stage.rollout, to)?)
}

/// What is left of a roll back whose first call was taken: the spec may hold the version by now.
pub(super) fn the_rest(stage: &Stage<'_>, to: Option<&str>) -> Result<Draft, Blocked> {
    let held = stage.rollout.arms.iter().find(|arm| to == Some(arm.hash.as_str()));
    match held {
        Some(arm) => to_arm(stage, arm),
        None => rollback(stage, to),
    }
}

fn to_arm(stage: &Stage<'_>, target: &Arm) -> Result<Draft, Blocked> {
    let set = MARKS
        .find(&stage.view.sets, &target.hash)
        .ok_or_else(|| Blocked(format!("the template of {} is gone", target.called())))?;
    let from = canary(stage.rollout);
    let mut draft = match (target.hash == stage.rollout.identity.stable_hash, stage.rollout.strategy) {
        (true, _) => to_stable(stage, target),
        (false, Strategy::BlueGreen) => by_preview(stage, target, set),
        (false, Strategy::Canary | Strategy::Rolling | Strategy::Declared) => by_steps(stage, target, set),
    };
    draft.steps = calls(stage.view, set).into_iter().map(|call| step::Step::new(&stage.rollout.id, call)).collect();
    (draft.from, draft.to) = (stage.rollout.canary.clone(), target.version.clone());
    let way = match stage.rollout.strategy {
        Strategy::BlueGreen => ", which comes up as a preview again",
        Strategy::Canary | Strategy::Rolling | Strategy::Declared if stage.rollout.steps.is_empty() => "",
        Strategy::Canary | Strategy::Rolling | Strategy::Declared => ", which goes through all its steps again",
    };
    draft.undo = format!("roll back to {from}{way}");
    draft.notes.extend(must_come_up(stage.rollout, target));
    if stage.view.object.spec.paused {
        draft.notes.push("the person's pause is ended in the same call: it would hold the way back up".to_owned());
    }
    stage.warn_of_automation(&mut draft);
    Ok(draft)
}

fn calls(view: &View<'_, Wire>, set: &ReplicaSet) -> Vec<WireCall> {
    let (meta, paused) = (&view.object.metadata, view.object.spec.paused);
    let Some(reference) = &view.object.spec.workload_ref else {
        return vec![request::rollback(meta, &view.object.spec.template, set, paused)];
    };
    let now = view.extras.workload.as_ref();
    let mut calls = vec![request::rollback_workload(&meta.namespace, &reference.name, now, set)];
    if paused {
        calls.push(request::hold_after(meta, false));
    }
    calls
}

/// What holds whichever way it goes: the spec asks for the version, and the controller knows.
fn taken_up(target: &Arm) -> Vec<Expect> {
    vec![Expect::is(fact::CANARY, &target.hash), Expect::is(OBSERVED, true)]
}

fn drafted(stage: &Stage<'_>, effect: String, all: Vec<Expect>, within: Duration) -> Draft {
    // Its calls are written by whoever asked.
    let call = request::abort(&stage.view.object.metadata);
    let mut draft = stage.bound(Verb::Rollback, call, effect, all, within);
    draft.steps.clear();
    draft
}

/// While a version is on its way: the controller goes back at once, without steps.
fn to_stable(stage: &Stage<'_>, target: &Arm) -> Draft {
    let effect = format!("{} on {}; {} everywhere", stage.moves(0), canary(stage.rollout), target.called());
    let mut all = taken_up(target);
    all.push(at_most(fact::WEIGHT, 0));
    if stage.rollout.strategy == Strategy::BlueGreen {
        // The pods of the preview go only after their delay, which may be hours.
        all.push(Expect::is(ACTIVE, &target.hash));
    } else {
        all.push(at_most(fact::OTHER_PODS, 0));
    }
    all.extend([serves(stage.rollout), Expect::is(fact::PHASE, "healthy")]);
    let mut draft = drafted(stage, effect, all, stage.deadline());
    draft.expect.words = Some(everywhere(stage.rollout, target));
    draft
}

/// All pods, everywhere.
fn everywhere_expected(rollout: &Rollout, target: &Arm) -> Vec<Expect> {
    let mut all = taken_up(target);
    all.extend([
        Expect::is(fact::STABLE, &target.hash),
        at_most(fact::WEIGHT, 0),
        at_most(fact::OTHER_PODS, 0),
        serves(rollout),
        Expect::is(fact::PHASE, "healthy"),
    ]);
    all
}

/// Of a canary that was promoted: like a new version, unless the controller may leave the steps out.
fn by_steps(stage: &Stage<'_>, target: &Arm, set: &ReplicaSet) -> Draft {
    let (from, to) = (canary(stage.rollout), target.called());
    let steps = &stage.rollout.steps;
    let skips = steps.is_empty() || is_within_window(stage.view, set);
    let waits = |step: &&Step| step.kind == StepKind::Pause(None);
    let first = steps.iter().position(|step| waits(&step)).filter(|_| !skips);
    let way = if skips { "" } else { ", through all its steps" };
    let stop = first.map(|index| match steps.iter().filter(waits).count() {
        1 => format!("; it waits for a human at step {}", stage.step(index)),
        times => format!("; it waits for a human {times} times, first at step {}", stage.step(index)),
    });
    let stop = stop.unwrap_or_default();
    let within = stage.deadline() + if skips { Duration::ZERO } else { steps.iter().map(span).sum() };
    let mut draft =
        drafted(stage, format!("{from} → {to}{way}{stop}"), everywhere_expected(stage.rollout, target), within);
    draft.expect.words = Some(everywhere(stage.rollout, target));
    draft.expect.progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
    if let Some(index) = first {
        draft.expect.rests = taken_up(target);
        draft.expect.rests.push(Expect::is(WAITS, format!("step {index}/{}", steps.len())));
    }
    if skips && !steps.is_empty() {
        draft.notes.push("the controller leaves its steps out: it is within the rollbackWindow".to_owned());
    } else if !steps.is_empty() {
        draft.notes.push("it goes through its steps like a new version; promote full leaves them out".to_owned());
    }
    draft
}

/// How long a step takes by itself.
fn span(step: &Step) -> Duration {
    match step.kind {
        StepKind::Pause(length) => length.unwrap_or_default(),
        StepKind::Analysis | StepKind::Other => MEASURED,
        StepKind::SetWeight(_) => Duration::from_mins(1),
    }
}

/// Of a blue-green rollout that was promoted: a preview first, and then the switch, unless its pods still run.
fn by_preview(stage: &Stage<'_>, target: &Arm, set: &ReplicaSet) -> Draft {
    let (from, to) = (canary(stage.rollout), target.called());
    let settings = stage.view.object.spec.strategy.blue_green.clone().unwrap_or_default();
    let at_once = target.scale_down_at.is_some() || is_within_window(stage.view, set);
    let seconds = settings.auto_promotion_seconds.filter(|seconds| *seconds > 0);
    let by_itself = at_once || settings.auto_promotion_enabled != Some(false) || seconds.is_some();
    let preview = "comes up as a preview first";
    let effect = match (at_once, by_itself) {
        (true, _) => format!("traffic moves from {from} to {to}, whose pods still run"),
        (false, true) => format!("{to} {preview}; then traffic moves from {from} to it"),
        (false, false) => format!("{to} {preview} and waits for a promote; until then all traffic stays on {from}"),
    };
    let mut all = taken_up(target);
    all.extend([Expect::is(ACTIVE, &target.hash), serves(stage.rollout)]);
    let within = stage.deadline() + Duration::from_secs(seconds.filter(|_| !at_once).unwrap_or(0));
    let mut draft = drafted(stage, effect, all, within);
    draft.expect.words = Some(format!("all traffic on {to}"));
    draft.expect.progress = Some((fact::UPDATED_READY.to_owned(), "pods".to_owned()));
    if !by_itself {
        draft.expect.rests = taken_up(target);
        draft.expect.rests.push(Expect::is(WAITS, "its preview"));
    }
    draft
}

/// Does the controller put this version back without its steps? As upstream's `isRollbackWithinWindow`: it is older than the
/// stable one, and fewer versions than the window allows were made between the two.
fn is_within_window(view: &View<'_, Wire>, set: &ReplicaSet) -> bool {
    let window = view.object.spec.rollback_window.as_ref().map_or(0, |window| window.revisions);
    let made = |set: &ReplicaSet| set.metadata.creation_timestamp;
    let Some(stable) = MARKS.find(&view.sets, &view.object.status.stable_rs).and_then(made) else { return false };
    let Some(target) = made(set) else { return false };
    let between = view.sets.iter().filter_map(|set| made(set)).filter(|at| target < *at && *at < stable).count();
    target < stable && between < window
}
