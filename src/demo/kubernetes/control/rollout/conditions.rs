//! What a Rollout says of itself: conditions, phase, message and how long the update took (`rollout/sync.go`).

use chrono::TimeDelta;

use super::super::super::json;
use super::super::condition::{self, Condition};
use super::state::{Canary, Duration, Spec, Status};
use super::{INCONCLUSIVE, PAUSE_STEP, Sync};

const PROGRESSING: &str = "Progressing";
const ABORTED: &str = "RolloutAborted";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const PAUSED: &str = "Rollout is paused";

/// Phase and message as the controller computes them.
pub(super) fn phase(spec: &Spec, canary: &Canary, status: &Status) -> (String, String) {
    let progressing = |message: &str| ("Progressing".to_owned(), message.to_owned());
    for condition in &status.conditions {
        if condition.kind == "InvalidSpec" || matches!(condition.reason.as_str(), ABORTED | TIMED_OUT) {
            return ("Degraded".to_owned(), format!("{}: {}", condition.reason, condition.message));
        }
    }
    if spec.paused {
        return ("Paused".to_owned(), "manually paused".to_owned());
    }
    if let Some(pause) = status.pause_conditions.first() {
        return ("Paused".to_owned(), pause.reason.clone());
    }
    if spec.restart_at.is_some() && spec.restart_at != status.restarted_at {
        return progressing("rollout is restarting");
    }
    if status.updated_replicas < spec.replicas() {
        return progressing("more replicas need to be updated");
    }
    if status.available_replicas < status.updated_replicas {
        return progressing("updated replicas are still becoming available");
    }
    if !canary.is_routed() && status.replicas > status.updated_replicas {
        return progressing("old replicas are pending termination");
    }
    if !status.is_promoted() {
        return progressing("waiting for all steps to complete");
    }
    ("Healthy".to_owned(), String::new())
}

impl Sync<'_> {
    fn condition(&self, kind: &str, status: &str, reason: &str, message: &str) -> Condition {
        Condition::new(self.now, kind, status, reason, message)
    }

    /// Says what cannot be done as it is written. Only the mistakes that a scenario or a patch can make are looked for.
    pub(super) fn validate(&self) -> Option<String> {
        for (at, step) in self.canary.steps.iter().enumerate() {
            if let Some(weight) = step.set_weight.filter(|weight| !(0..=self.canary.max_weight()).contains(weight)) {
                return Some(format!(
                    "spec.strategy.steps[{at}].setWeight: Invalid value: {weight}: SetWeight needs to be between 0 and {}",
                    self.canary.max_weight()
                ));
            }
            let templates = step.analysis.iter().flat_map(|analysis| &analysis.templates);
            if let Some(unknown) = templates.map(|t| &t.template_name).find(|name| !self.plane.has_template(name)) {
                return Some(format!(
                    "spec.strategy.canary.steps[{at}].analysis.templates: Invalid value: \"{unknown}\": AnalysisTemplate \
                     '{unknown}' not found"
                ));
            }
        }
        None
    }

    pub(super) fn say_invalid(&mut self, message: &str) {
        let message = format!("The Rollout \"{}\" is invalid: {message}", self.key.name);
        let known = condition::find(&self.old.conditions, "InvalidSpec");
        if self.old.observed_generation == self.generation() && known.is_some_and(|known| known.message == message) {
            return;
        }
        let mut new = self.old.clone();
        condition::remove(&mut new.conditions, "InvalidSpec");
        let condition = self.condition("InvalidSpec", "True", "InvalidSpec", &message);
        self.patch_conditions(new, [condition]);
    }

    fn patch_conditions(&mut self, mut new: Status, set: impl IntoIterator<Item = Condition>) {
        for condition in set {
            condition::set(&mut new.conditions, condition);
        }
        new.observed_generation = self.generation();
        (new.phase, new.message) = phase(&self.spec, &self.canary, &new);
        new.duration = self.duration(&new);
        self.patch(&new);
    }

    /// Brings the conditions in line with pause and abort before anything else is looked at. Whether that was needed.
    pub(super) fn check_paused(&mut self) -> bool {
        if self.old.observed_generation != self.generation() {
            return false;
        }
        let conditions = &self.old.conditions;
        let progressing = condition::find(conditions, PROGRESSING).map(|c| c.reason.as_str());
        let paused = !self.old.pause_conditions.is_empty() || self.spec.paused;
        let aborted = progressing == Some(ABORTED);
        let said_paused = progressing == Some("RolloutPaused");
        let is_true = condition::find(conditions, "Paused").is_some_and(|c| c.status == "True");
        let mut set = Vec::new();
        if paused != said_paused && !aborted && !self.old.is_promoted() {
            let (reason, message) =
                if paused { ("RolloutPaused", PAUSED) } else { ("RolloutResumed", "Rollout is resumed") };
            set.push(self.condition(PROGRESSING, "Unknown", reason, message));
        }
        if !self.old.abort && aborted {
            set.push(self.condition(PROGRESSING, "Unknown", "RolloutRetry", "Retrying Rollout after abort"));
        }
        if paused != is_true && !aborted {
            let status = if paused { "True" } else { "False" };
            set.push(self.condition("Paused", status, "RolloutPaused", PAUSED));
        }
        if set.is_empty() {
            return false;
        }
        self.patch_conditions(self.old.clone(), set);
        true
    }

    /// Pods, generation, steps and stable version are all as wanted.
    fn is_healthy(&self, new: &Status) -> bool {
        let replicas = self.spec.replicas();
        let count = self.canary.step_count();
        let steps_done = count == 0 || new.current_step_index.is_none_or(|index| index == count);
        new.updated_replicas == replicas
            && new.available_replicas == replicas
            && new.replicas == replicas
            && self.old.observed_generation == self.generation()
            && steps_done
            && new.is_promoted()
    }

    fn has_progressed(&self, new: &Status) -> bool {
        let old = &self.old;
        let step_moved = new.current_step_index.is_some()
            && old.current_step_index.is_some()
            && new.current_step_index != old.current_step_index;
        new.updated_replicas != old.updated_replicas
            || new.replicas - new.updated_replicas < old.replicas - old.updated_replicas
            || new.ready_replicas > old.ready_replicas
            || new.available_replicas > old.available_replicas
            || new.stable_rs != old.stable_rs
            || step_moved
            || new.current_step_hash != old.current_step_hash
    }

    fn has_timed_out(&self, conditions: &[Condition]) -> bool {
        let Some(progressing) = condition::find(conditions, PROGRESSING) else { return false };
        match progressing.reason.as_str() {
            ABORTED | "RolloutPaused" => false,
            TIMED_OUT => true,
            _ => json::moment(&progressing.last_update_time)
                .is_some_and(|from| from + TimeDelta::seconds(self.spec.deadline()) < self.now),
        }
    }

    /// Waiting is what the step is for, or an old ReplicaSet is kept on purpose: no lack of progress.
    fn may_take_long(&self) -> bool {
        let step = self.canary.step(self.old.current_step_index.unwrap_or_default());
        let waits = step.is_some_and(|s| s.pause.is_some() || s.analysis.is_some() || s.experiment.is_some());
        let paused = condition::find(&self.old.conditions, "Paused").is_some_and(|c| c.status == "True");
        waits || paused || self.others.iter().any(|set| set.deadline.is_some())
    }

    /// Aborts an update that has not moved for too long, where the Rollout asks for that.
    pub(super) fn abort_at_deadline(&mut self, new: &Status) {
        let due = self.spec.progress_deadline_abort
            && !self.is_aborted()
            && !new.is_promoted()
            && !self.has_progressed(new)
            && !self.may_take_long()
            && self.has_timed_out(&self.old.conditions);
        if due {
            let name = self.new_set.as_ref().map_or(&self.key.name, |set| &set.key.name);
            let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
            self.say(true, ABORTED, &message);
            self.pauses.abort = Some(message);
        }
    }

    pub(super) fn write_conditions(&mut self, new: &mut Status) {
        let paused = !new.pause_conditions.is_empty() || self.spec.paused;
        let healthy = self.is_healthy(new);
        let mut fell_ill = false;
        if !paused && healthy {
            let condition = self.condition("Healthy", "True", "RolloutHealthy", "Rollout is healthy");
            condition::set(&mut new.conditions, condition);
        } else if condition::find(&self.old.conditions, "Healthy").is_some() {
            let condition = self.condition("Healthy", "False", "RolloutHealthy", "Rollout is not healthy");
            fell_ill = condition::set(&mut new.conditions, condition);
        }
        if self.is_aborted() {
            let mut message = format!("Rollout aborted update to revision {}", self.revision());
            if let Some(reason) = &self.pauses.abort {
                message = format!("{message}: {reason}");
            }
            let condition = self.condition(PROGRESSING, "False", ABORTED, &message);
            if condition::set(&mut new.conditions, condition) {
                self.say(true, ABORTED, &message);
            }
        } else {
            self.write_progress(new, healthy, fell_ill);
        }
        let enough = self.all_sets().map(|set| set.available).sum::<i64>() >= self.spec.replicas();
        let (status, message) = if enough {
            ("True", "Rollout has minimum availability")
        } else {
            ("False", "Rollout does not have minimum availability")
        };
        let available = self.condition("Available", status, "AvailableReason", message);
        condition::set(&mut new.conditions, available);
        condition::remove(&mut new.conditions, "InvalidSpec");
        let status = if new.is_promoted() { "True" } else { "False" };
        let completed = self.condition("Completed", status, "RolloutCompleted", "RolloutCompleted");
        if condition::set(&mut new.conditions, completed) && !new.is_promoted() {
            let (revision, hash) = (self.revision(), &new.current_pod_hash);
            let message = format!("Rollout not completed, started update to revision {revision} ({hash})");
            self.say(false, "RolloutNotCompleted", &message);
        }
    }

    fn write_progress(&self, new: &mut Status, healthy: bool, fell_ill: bool) {
        let name = self.new_set.as_ref().map_or(&self.key.name, |set| &set.key.name);
        if healthy {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            let condition = self.condition(PROGRESSING, "True", "NewReplicaSetAvailable", &message);
            condition::set(&mut new.conditions, condition);
        } else if self.has_progressed(new) || fell_ill {
            let condition = if new.is_promoted() && fell_ill {
                let message = "Rollout does not have minimum availability";
                self.condition(PROGRESSING, "True", "ReplicaSetNotAvailable", message)
            } else {
                let message = format!("ReplicaSet \"{name}\" is progressing.");
                self.condition(PROGRESSING, "True", "ReplicaSetUpdated", &message)
            };
            condition::renew(&mut new.conditions, condition);
        } else if !self.may_take_long() && self.has_timed_out(&new.conditions) {
            let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
            let condition = self.condition(PROGRESSING, "False", TIMED_OUT, &message);
            condition::set(&mut new.conditions, condition);
        }
    }

    /// How long the update has taken, how long of that it waited for a human, and how it ended.
    pub(super) fn duration(&self, new: &Status) -> Option<Duration> {
        let mut duration = new.duration.clone();
        let changed = self.old.current_pod_hash.is_empty() || self.template_or_steps_changed();
        let promoted = new.stable_rs == new.current_pod_hash;
        let full = self.new_set.as_ref().is_some_and(|set| set.available >= self.spec.replicas());
        let completed = promoted && full;
        let reason = condition::find(&self.old.conditions, PROGRESSING).map(|c| c.reason.as_str());
        let retried = !self.is_aborted() && reason == Some(ABORTED);
        let before = self.old.duration.as_ref();
        let running = before.is_some_and(|d| d.rollout_started_at.is_some() && d.finished_at.is_none());
        if let Some(duration) = duration.as_mut().filter(|_| running) {
            if changed && self.is_rollback() {
                let status = if self.is_fast_rollback() { "FastRolledBack" } else { "RolledBack" };
                duration.completion_status = Some(status.to_owned());
            } else if changed {
                self.finish(duration, "Superseded");
            }
            if completed && duration.finished_at.is_none() {
                let status = duration.completion_status.clone().unwrap_or_else(|| "Promoted".to_owned());
                self.finish(duration, &status);
                return Some(duration.clone());
            }
            if self.is_aborted() && duration.finished_at.is_none() {
                let status = duration.completion_status.clone().unwrap_or_else(|| "Aborted".to_owned());
                self.finish(duration, &status);
            }
        }
        let mut was_paused = before.is_some_and(|d| d.manual_pause_started_at.is_some());
        if duration.as_ref().is_none_or(|d| d.finished_at.is_some() && !completed) {
            was_paused = false;
            if (changed && !completed) || retried {
                duration = Some(Duration { rollout_started_at: Some(json::stamp(self.now)), ..Duration::default() });
            }
        }
        let duration = duration.as_mut()?;
        if duration.finished_at.is_none() {
            let by_hand = self.spec.paused || new.pause_conditions.iter().any(|c| self.needs_a_human(&c.reason));
            if was_paused && !by_hand {
                self.end_pause(duration);
            } else if !was_paused && by_hand && duration.manual_pause_started_at.is_none() {
                duration.manual_pause_started_at = Some(json::stamp(self.now));
            }
        }
        Some(duration.clone())
    }

    fn needs_a_human(&self, reason: &str) -> bool {
        let step = self.canary.step(self.old.current_step_index.unwrap_or_default());
        let endless = step.is_some_and(|s| s.pause.as_ref().is_some_and(|pause| pause.duration.is_none()));
        reason == INCONCLUSIVE || (reason == PAUSE_STEP && endless)
    }

    fn finish(&self, duration: &mut Duration, status: &str) {
        self.end_pause(duration);
        duration.finished_at = Some(json::stamp(self.now));
        duration.completion_status = Some(status.to_owned());
    }

    fn end_pause(&self, duration: &mut Duration) {
        if let Some(since) = duration.manual_pause_started_at.take().as_deref().and_then(json::moment) {
            let total = duration.total_manual_pause_duration_seconds.unwrap_or_default();
            duration.total_manual_pause_duration_seconds = Some(total + (self.now - since).num_seconds());
        }
    }
}
