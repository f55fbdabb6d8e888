//! A small model of the Argo Rollouts controller for the canary strategy, ported function by function from its source, so that
//! its odd sides come along: promote on an aborted Rollout ships it, any change of the template takes back an abort.
//!
//! Not modelled: blue-green, experiments, plugins, dynamic stable scale, workloadRef. A Rollout that uses them is left alone, or
//! the step is passed at once.

mod analysis;
mod conditions;
mod scale;
mod sets;
mod state;
mod traffic;

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::super::fields::{self, Author};
use super::super::json;
use super::super::seed;
use super::super::store::Key;
use super::event::Note;
use super::replica_set::{self, Set};
use super::{Plane, pod};
use crate::domain::time::Timestamp;
use scale::Parts;
use state::{Canary, PauseCondition, RunStatus, Spec, Weights};

use state::Status;

const CONTROLLER: &str = "rollouts-controller";
const PAUSE_STEP: &str = "CanaryPauseStep";
const INCONCLUSIVE: &str = "InconclusiveAnalysisRun";

/// Can the controller read this specification? What it cannot read, the API server must not take.
pub(crate) fn spec_is_readable(object: &Value) -> Result<(), serde_json::Error> {
    read::<Spec>(object, "spec")?;
    read::<Status>(object, "status").map(drop)
}

fn read<T: serde::de::DeserializeOwned + Default>(object: &Value, part: &str) -> Result<T, serde_json::Error> {
    object.get(part).map_or_else(|| Ok(T::default()), T::deserialize)
}

/// One look at a Rollout: compares what is with what should be, does the next thing, and says so in the status.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    if let Some(mut sync) = Sync::load(plane, now, key) {
        sync.run();
        sync.set_timers();
    }
}

/// What one reconciliation knows and has decided so far.
#[derive(Debug)]
struct Sync<'p> {
    plane: &'p mut Plane,
    now: Timestamp,
    key: Key,
    object: Arc<Value>,
    spec: Spec,
    canary: Canary,
    /// The status as it was read.
    old: Status,
    /// Of the wanted template; none before it is made.
    new_set: Option<Set>,
    stable_set: Option<Set>,
    /// Neither the wanted nor the stable one.
    others: Vec<Set>,
    pauses: Pauses,
    step_run: Option<RunStatus>,
    background_run: Option<RunStatus>,
    weights: Option<Weights>,
    restarted_at: Option<String>,
}

/// What was decided about pause and abort.
#[derive(Debug, Default)]
struct Pauses {
    add: Vec<&'static str>,
    remove: Vec<&'static str>,
    clear: bool,
    /// Abort, with the reason.
    abort: Option<String>,
    unabort: bool,
}

impl<'p> Sync<'p> {
    fn load(plane: &'p mut Plane, now: Timestamp, key: &Key) -> Option<Self> {
        let object = Arc::clone(plane.store.get(key)?);
        let spec: Spec = read(&object, "spec").ok()?;
        let old: Status = read(&object, "status").ok()?;
        let canary = spec.strategy.canary.clone()?;
        let uid = json::text(&object, "/metadata/uid");
        let sets = replica_set::owned(plane, key, uid, replica_set::ROLLOUT);
        let template = object.pointer("/spec/template").cloned().unwrap_or_default();
        let hash = super::template::hash(&template, super::template::ROLLOUT_HASH);
        let new_set = sets.iter().find(|set| set.hash == hash).cloned();
        let stable_set = sets.iter().find(|set| !old.stable_rs.is_empty() && set.hash == old.stable_rs).cloned();
        let is = |set: &Set, other: &Option<Set>| other.as_ref().is_some_and(|other| other.key == set.key);
        let others = sets.iter().filter(|set| !is(set, &new_set) && !is(set, &stable_set)).cloned().collect();
        let mut sync = Self {
            plane,
            now,
            key: key.clone(),
            object,
            spec,
            canary,
            new_set,
            stable_set,
            others,
            pauses: Pauses::default(),
            step_run: None,
            background_run: None,
            weights: old.canary.weights.clone(),
            restarted_at: old.restarted_at.clone(),
            old,
        };
        // An abort of what is promoted already means nothing, and is taken away.
        sync.pauses.unabort = sync.old.is_promoted() && sync.old.abort;
        Some(sync)
    }

    fn run(&mut self) {
        if let Some(message) = self.validate() {
            return self.say_invalid(&message);
        }
        if self.new_set.is_none() {
            return self.create_set();
        }
        if self.check_paused() || self.sync_revision() {
            return;
        }
        if self.template_or_steps_changed() {
            return self.sync_status();
        }
        if self.restart_pods() {
            return;
        }
        self.trim_history();
        self.route_traffic();
        self.reconcile_analysis();
        if self.pauses.add.is_empty() && !self.scale_sets() {
            self.reconcile_pause();
        }
        self.sync_status();
    }

    fn parts(&self) -> Parts<'_> {
        Parts { new: self.new_set.as_ref(), stable: self.stable_set.as_ref(), others: &self.others }
    }

    /// Every ReplicaSet once.
    fn all_sets(&self) -> impl Iterator<Item = &Set> {
        let stable = self.stable_set.as_ref().filter(|_| self.parts().has_other_stable());
        self.new_set.iter().chain(stable).chain(&self.others)
    }

    fn generation(&self) -> String {
        json::number(&self.object, "/metadata/generation").unwrap_or_default().to_string()
    }

    fn revision(&self) -> i64 {
        let revision = json::annotation(&self.object, replica_set::ROLLOUT.revision);
        revision.and_then(|revision| revision.parse().ok()).unwrap_or_default()
    }

    fn is_aborted(&self) -> bool {
        !self.pauses.unabort && (self.pauses.abort.is_some() || self.old.abort)
    }

    fn step_hash(&self) -> String {
        let steps = self.object.pointer("/spec/strategy/canary/steps").map_or("null".to_owned(), Value::to_string);
        seed::safe_hash(steps.as_bytes())
    }

    fn template_or_steps_changed(&self) -> bool {
        let new = self.new_set.as_ref().map_or("", |set| &set.hash);
        self.old.current_step_hash != self.step_hash()
            || (!self.old.current_pod_hash.is_empty() && self.old.current_pod_hash != new)
    }

    /// The wanted template is the stable one again, or one that is older.
    fn is_rollback(&self) -> bool {
        let (Some(new), Some(stable)) = (&self.new_set, &self.stable_set) else { return false };
        self.is_fast_rollback() || new.created < stable.created
    }

    /// The wanted template is the stable one: steps are skipped.
    fn is_fast_rollback(&self) -> bool {
        let (Some(new), Some(_)) = (&self.new_set, &self.stable_set) else { return false };
        new.hash == self.old.stable_rs
    }

    fn reconcile_pause(&mut self) {
        if self.spec.paused || self.old.promote_full {
            return;
        }
        let step = self.canary.step(self.old.current_step_index.unwrap_or_default());
        let at_pause = step.is_some_and(|step| step.pause.is_some());
        if at_pause && self.old.pause(PAUSE_STEP).is_none() && !self.old.controller_pause {
            self.pauses.add.push(PAUSE_STEP);
        }
    }

    fn completed_step(&self) -> bool {
        if self.spec.paused {
            return false;
        }
        let Some(step) = self.canary.step(self.old.current_step_index.unwrap_or_default()) else { return false };
        if let Some(pause) = &step.pause {
            return match (self.old.pause(PAUSE_STEP), pause.seconds()) {
                (None, _) => self.old.controller_pause,
                (Some(condition), Some(seconds)) => json::moment(&condition.start_time)
                    .is_some_and(|start| self.now >= start + TimeDelta::seconds(seconds)),
                (Some(_), None) => false,
            };
        }
        if step.set_weight.is_some() || step.set_canary_scale.is_some() {
            return scale::is_reached(&self.spec, &self.canary, &self.old, &self.parts());
        }
        if step.analysis.is_some() {
            return self.step_run.as_ref().is_some_and(|run| run.status == "Successful");
        }
        true
    }

    fn sync_status(&mut self) {
        let mut new = self.base_status();
        let count = self.canary.step_count();
        if self.template_or_steps_changed() {
            self.reset(&mut new);
            if count > 0 && self.is_fast_rollback() {
                self.say(false, "SkipSteps", "Rollback to stable ReplicaSets");
                new.current_step_index = Some(count);
            }
            return self.persist(new);
        }
        let mut index = self.old.current_step_index;
        if self.old.promote_full {
            self.pauses.clear = true;
            self.pauses.unabort = true;
            if count > 0 {
                index = Some(count);
            }
        }
        if let Some(reason) = self.promotion_reason() {
            self.promote(&mut new, &reason);
            return self.persist(new);
        }
        if self.is_aborted() {
            if count > 0 {
                new.current_step_index = Some(if new.is_promoted() { count } else { 0 });
            }
            return self.persist(new);
        }
        if self.completed_step() {
            let at = self.old.current_step_index.unwrap_or_default();
            let words = self.canary.step(at).map(state::Step::words).unwrap_or_default();
            index = Some(at + 1);
            new.canary.current_step_analysis_run_status = None;
            self.say(false, "RolloutStepCompleted", &format!("Rollout step {}/{count} completed ({words})", at + 1));
            self.pauses.remove.push(PAUSE_STEP);
        }
        new.current_step_index = index;
        self.persist(new);
    }

    fn base_status(&self) -> Status {
        let sum = |count: fn(&Set) -> i64| self.all_sets().map(count).sum::<i64>();
        let hash = self.new_set.as_ref().map_or("", |set| &set.hash).to_owned();
        let mut new = Status {
            hpa_replicas: sum(|set| set.running),
            available_replicas: sum(|set| set.available),
            conditions: self.old.conditions.clone(),
            current_step_hash: self.step_hash(),
            duration: self.old.duration.clone(),
            promote_full: hash != self.old.stable_rs && self.old.promote_full,
            current_pod_hash: hash,
            ready_replicas: sum(|set| set.ready),
            replicas: sum(|set| set.running),
            restarted_at: self.restarted_at.clone(),
            selector: json::match_labels(&self.spec.selector),
            stable_rs: self.old.stable_rs.clone(),
            updated_replicas: self.new_set.as_ref().map_or(0, |set| set.running),
            ..Status::default()
        };
        new.canary.weights.clone_from(&self.weights);
        new.canary.current_step_analysis_run_status.clone_from(&self.step_run);
        new.canary.current_background_analysis_run_status.clone_from(&self.background_run);
        new
    }

    /// As at the beginning of an update: whatever was paused, aborted or being promoted is not any more.
    fn reset(&mut self, new: &mut Status) {
        self.pauses.clear = true;
        self.pauses.unabort = true;
        new.restarted_at.clone_from(&self.spec.restart_at);
        new.promote_full = false;
        new.canary.current_step_analysis_run_status = None;
        new.canary.current_background_analysis_run_status = None;
        new.current_step_index = (self.canary.step_count() > 0).then_some(0);
    }

    /// Why the wanted version may be called stable now; none while it may not.
    fn promotion_reason(&self) -> Option<String> {
        if self.stable_set.is_none() {
            return Some("Initial deploy".to_owned());
        }
        let available = self.new_set.as_ref().map_or(0, |set| set.available);
        if self.is_aborted() || available < self.spec.replicas() {
            return None;
        }
        if self.old.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if self.is_fast_rollback() {
            return Some("Fast rollback".to_owned());
        }
        let count = self.canary.step_count();
        let done = count == 0 || self.old.current_step_index == Some(count);
        done.then(|| format!("Completed all {count} canary steps"))
    }

    fn promote(&mut self, new: &mut Status, reason: &str) {
        self.pauses.clear = true;
        self.pauses.unabort = true;
        new.promote_full = false;
        let count = self.canary.step_count();
        new.current_step_index = (count > 0).then_some(count);
        if new.stable_rs != new.current_pod_hash {
            if let Some(duration) = &mut new.duration
                && duration.completion_status.is_none()
            {
                let status = if self.old.promote_full { "FastPromoted" } else { "Promoted" };
                duration.completion_status = Some(status.to_owned());
            }
            new.stable_rs.clone_from(&new.current_pod_hash);
            let message =
                format!("Rollout completed update to revision {} ({}): {reason}", self.revision(), new.stable_rs);
            self.say(false, "RolloutCompleted", &message);
        }
    }

    /// Computes pause, conditions, phase and duration, and writes the status if anything differs.
    fn persist(&mut self, mut new: Status) {
        new.observed_generation = self.generation();
        self.abort_at_deadline(&new);
        self.write_pauses(&mut new);
        self.write_conditions(&mut new);
        (new.phase, new.message) = conditions::phase(&self.spec, &self.canary, &new);
        new.duration = self.duration(&new);
        let (was, is) = (!self.old.pause_conditions.is_empty(), !new.pause_conditions.is_empty());
        let (aborted, reason) = (new.aborted_at.is_some(), new.pause_conditions.first().map(|c| c.reason.clone()));
        self.patch(&new);
        if let (false, true, Some(reason)) = (was, is, reason) {
            self.say(false, "RolloutPaused", &format!("Rollout is paused ({reason})"));
        } else if was && !is && !aborted {
            self.say(false, "RolloutResumed", "Rollout is resumed");
        }
    }

    fn write_pauses(&self, new: &mut Status) {
        if self.is_aborted() {
            new.abort = true;
            new.aborted_at = self.old.aborted_at.clone().or_else(|| Some(json::stamp(self.now)));
            return;
        }
        if self.pauses.clear {
            return;
        }
        let kept = self.old.pause_conditions.iter().filter(|c| !self.pauses.remove.contains(&c.reason.as_str()));
        let mut kept: Vec<PauseCondition> = kept.cloned().collect();
        let mut by_controller = self.old.controller_pause;
        for reason in &self.pauses.add {
            if self.old.pause(reason).is_none() {
                let start_time = json::stamp(self.now);
                kept.push(PauseCondition { reason: (*reason).to_owned(), start_time });
                by_controller = true;
            }
        }
        if !kept.is_empty() {
            new.controller_pause = by_controller;
            new.pause_conditions = kept;
        }
    }

    /// Writes what differs between two states of the status, and nothing else: what others put there stays.
    fn patch(&mut self, new: &Status) {
        let (Ok(old), Ok(new)) = (serde_json::to_value(&self.old), serde_json::to_value(new)) else { return };
        let mut object = (*self.object).clone();
        let status = json::child(&mut object, "status");
        merge_difference(&old, &new, status);
        self.write(object, Some("status"));
    }

    fn write(&mut self, mut object: Value, subresource: Option<&str>) {
        let author = Author { manager: CONTROLLER, subresource };
        fields::enter(&self.object, &mut object, author, self.now);
        self.plane.put(self.now, &self.key, object);
        if let Some(object) = self.plane.store.get(&self.key) {
            self.object = Arc::clone(object);
        }
    }

    fn say(&mut self, warning: bool, reason: &str, message: &str) {
        let about = Arc::clone(&self.object);
        self.plane.record(self.now, &Note { about: &about, component: CONTROLLER, warning, reason, message });
    }

    /// Deletes pods that are older than `restartAt`, as many as may be missing. Whether any was deleted.
    fn restart_pods(&mut self) -> bool {
        let Some(restart_at) = self.spec.restart_at.as_deref().and_then(json::moment) else { return false };
        if self.restarted_at == self.spec.restart_at || restart_at > self.now {
            return false;
        }
        let sets: Vec<Key> = self.all_sets().map(|set| set.key.clone()).collect();
        let sets = sets.iter().filter_map(|key| Some((key, self.plane.store.get(key)?)));
        let mut pods: Vec<_> = sets.flat_map(|(key, set)| pod::of(self.plane, set, key)).collect();
        // As the API lists them: the controller sorts ReplicaSets, and then takes pods by their names.
        pods.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let wanted: i64 = self.all_sets().map(|set| set.wanted).sum();
        let standing = pods.iter().filter(|(_, pod)| pod::is_ready(pod) && !pod::is_leaving(pod)).count();
        let (_, unavailable) = scale::limits(&self.spec, &self.canary);
        let least = wanted.max(self.spec.replicas()) - unavailable.max(1);
        let may_go = usize::try_from(i64::try_from(standing).unwrap_or_default() - least).unwrap_or_default();
        let born = |pod: &Value| json::moment(json::text(pod, "/metadata/creationTimestamp"));
        let old: Vec<_> = pods.into_iter().filter(|(_, pod)| born(pod).is_some_and(|at| at < restart_at)).collect();
        if old.is_empty() {
            self.restarted_at.clone_from(&self.spec.restart_at);
            return false;
        }
        let going: Vec<Key> = old.into_iter().filter(|(_, p)| !pod::is_leaving(p)).map(|(k, _)| k).collect();
        for key in going.iter().take(may_go) {
            pod::delete(self.plane, self.now, key);
        }
        self.plane.wake_at(self.now + TimeDelta::seconds(30), &self.key);
        may_go > 0 && !going.is_empty()
    }

    /// Has itself woken when something becomes due that no change will tell.
    fn set_timers(&mut self) {
        let Ok(status) = read::<Status>(&self.object, "status") else { return };
        let mut times = Vec::new();
        let step = self.canary.step(status.current_step_index.unwrap_or_default());
        let pause = step.and_then(|step| step.pause.as_ref()?.seconds());
        if let (Some(seconds), Some(condition)) = (pause, status.pause(PAUSE_STEP)) {
            times.extend(json::moment(&condition.start_time).map(|start| start + TimeDelta::seconds(seconds)));
        }
        if let Some(progressing) = super::condition::find(&status.conditions, "Progressing") {
            let since = json::moment(&progressing.last_update_time);
            times.extend(since.map(|since| since + TimeDelta::seconds(self.spec.deadline() + 1)));
        }
        times.extend(self.all_sets().filter_map(|set| set.deadline));
        times.extend(self.spec.restart_at.as_deref().and_then(json::moment));
        for at in times.into_iter().filter(|at| *at > self.now) {
            self.plane.wake_at(at, &self.key);
        }
    }
}

/// Applies the difference of two states to a third.
fn merge_difference(old: &Value, new: &Value, to: &mut serde_json::Map<String, Value>) {
    let empty = serde_json::Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        to.remove(name);
    }
    for (name, value) in new {
        let was = old.get(name);
        if was == Some(value) && to.contains_key(name) {
            continue;
        }
        match (was, value) {
            (Some(was @ Value::Object(_)), Value::Object(_)) => {
                let slot = to.entry(name.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
                merge_difference(was, value, json::object(slot));
            }
            _ => {
                to.insert(name.clone(), value.clone());
            }
        }
    }
}
