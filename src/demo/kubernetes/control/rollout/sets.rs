//! What a Rollout does with its ReplicaSets: makes and numbers them, scales them, keeps old ones for a while and forgets the
//! oldest (`rollout/replicaset.go`, `rollout/sync.go`).

use chrono::TimeDelta;
use serde_json::Map;

use super::super::super::json;
use super::super::super::store::Key;
use super::super::condition::Condition;
use super::super::replica_set::{self, DEADLINE, ROLLOUT, Set};
use super::{INCONCLUSIVE, Sync, scale};

impl Sync<'_> {
    fn newest_old_revision(&self) -> i64 {
        let new = self.new_set.as_ref().map(|set| &set.key);
        self.all_sets().filter(|set| Some(&set.key) != new).map(|set| set.revision).max().unwrap_or_default()
    }

    /// The first look at a new template: a ReplicaSet without pods, the next revision, and a word about it.
    pub(super) fn create_set(&mut self) {
        let revision = self.newest_old_revision() + 1;
        let mut annotations = Map::new();
        annotations.insert(ROLLOUT.desired.to_owned(), self.spec.replicas().to_string().into());
        annotations.insert(ROLLOUT.revision.to_owned(), revision.to_string().into());
        let owner = self.object.clone();
        let key = replica_set::create(self.plane, self.now, &owner, ROLLOUT, 0, &annotations);
        self.set_revision(revision);
        self.say(false, "NewReplicaSetCreated", &format!("Created ReplicaSet {} (revision {revision})", key.name));
        let mut status = self.old.clone();
        let message = format!("Created new replica set \"{}\"", key.name);
        let condition = Condition::new(self.now, "Progressing", "True", "NewReplicaSetCreated", &message);
        super::super::condition::set(&mut status.conditions, condition);
        self.patch(&status);
    }

    fn set_revision(&mut self, revision: i64) {
        let text = revision.to_string();
        if json::annotation(&self.object, ROLLOUT.revision) == Some(&text) {
            return;
        }
        let mut object = (*self.object).clone();
        json::annotate(&mut object, ROLLOUT.revision, &text);
        self.write(object, None);
        self.say(false, "RolloutUpdated", &format!("Rollout updated to revision {text}"));
    }

    /// Gives the wanted ReplicaSet the highest revision, and its number to the Rollout. Whether something was written.
    pub(super) fn sync_revision(&mut self) -> bool {
        let Some(new) = &self.new_set else { return false };
        let (key, before, next) = (new.key.clone(), new.revision, self.newest_old_revision() + 1);
        if before < next {
            replica_set::change(self.plane, self.now, &key, |set| {
                let history = json::annotation(set, ROLLOUT.history).filter(|history| !history.is_empty());
                let history = history.map_or(before.to_string(), |history| format!("{history},{before}"));
                json::annotate(set, ROLLOUT.history, &history);
                json::annotate(set, ROLLOUT.revision, &next.to_string());
            });
        }
        let revision = before.max(next);
        let changed = json::annotation(&self.object, ROLLOUT.revision) != Some(&revision.to_string());
        self.set_revision(revision);
        changed
    }

    /// Scales stable, wanted and old ReplicaSets, in this order, one kind at a time. Whether anything was scaled.
    pub(super) fn scale_sets(&mut self) -> bool {
        if self.spec.paused || self.old.pause(INCONCLUSIVE).is_some() {
            return false;
        }
        self.drop_deadlines();
        self.scale_stable() || self.scale_new() || self.scale_others()
    }

    fn drop_deadlines(&mut self) {
        let keep_new = self.delays_abort();
        let new = self.new_set.as_mut().filter(|_| !keep_new);
        let stable = self.stable_set.as_mut();
        for set in new.into_iter().chain(stable).filter(|set| set.deadline.is_some()) {
            set.deadline = None;
            let key = set.key.clone();
            replica_set::change(self.plane, self.now, &key, |set| json::unannotate(set, DEADLINE));
        }
    }

    fn scale_stable(&mut self) -> bool {
        if !self.parts().has_other_stable() {
            return false;
        }
        let (_, stable) = scale::wanted(&self.spec, &self.canary, &self.old, &self.parts());
        let Some(set) = self.stable_set.clone() else { return false };
        let scaled = self.scale_to(&set, stable);
        if let Some(set) = &mut self.stable_set {
            set.wanted = stable;
        }
        scaled
    }

    fn scale_new(&mut self) -> bool {
        let (mut count, _) = scale::wanted(&self.spec, &self.canary, &self.old, &self.parts());
        let Some(set) = self.new_set.clone() else { return false };
        if self.delays_abort() {
            match set.deadline {
                Some(deadline) if deadline > self.now => return false,
                Some(_) => count = 0,
                None => {
                    let stable = self.stable_set.as_ref().map_or(0, |set| set.available);
                    if let (true, Some(delay)) = (stable >= self.spec.replicas(), self.canary.abort_delay()) {
                        let deadline = self.keep(&set.key, delay);
                        if let Some(set) = &mut self.new_set {
                            set.deadline = Some(deadline);
                        }
                    }
                    return false;
                }
            }
        }
        let scaled = self.scale_to(&set, count);
        if let Some(set) = &mut self.new_set {
            set.wanted = count;
        }
        scaled
    }

    /// An aborted canary behind a traffic router stays for a while: no traffic reaches it, and somebody may want to look.
    fn delays_abort(&self) -> bool {
        self.is_aborted() && self.stable_set.is_some() && self.canary.is_routed() && self.canary.abort_delay().is_some()
    }

    fn keep(&mut self, key: &Key, seconds: i64) -> crate::domain::time::Timestamp {
        let deadline = self.now + TimeDelta::seconds(seconds);
        let text = json::stamp(deadline);
        replica_set::change(self.plane, self.now, key, |set| json::annotate(set, DEADLINE, &text));
        json::moment(&text).unwrap_or(deadline)
    }

    fn scale_others(&mut self) -> bool {
        let mut scaled = false;
        for at in 0..self.others.len() {
            // Pods that are not available hold nothing up and go first.
            if let Some(set) = self.others.get(at).filter(|set| set.wanted > set.available).cloned() {
                scaled |= self.scale_other(at, &set, set.available);
            }
        }
        let (_, unavailable) = scale::limits(&self.spec, &self.canary);
        let available: i64 = self.all_sets().map(|set| set.available).sum();
        let mut spare = available - (self.spec.replicas() - unavailable);
        for at in (0..self.others.len()).rev() {
            let Some(set) = self.others.get(at).filter(|set| set.wanted > 0).cloned() else { continue };
            if spare <= 0 {
                break;
            }
            if self.canary.is_routed() && self.is_referenced(&set.hash) {
                continue;
            }
            let left = if self.canary.is_routed() { self.left_of(at, &set) } else { (set.wanted - spare).max(0) };
            spare -= set.wanted - left;
            scaled |= self.scale_other(at, &set, left);
        }
        scaled
    }

    /// How many pods of an old ReplicaSet stay when traffic is routed: none in the middle of an update, all for a while after.
    fn left_of(&mut self, at: usize, set: &Set) -> i64 {
        if let Some(deadline) = set.deadline {
            return if deadline > self.now { set.wanted } else { 0 };
        }
        if !self.old.is_promoted() {
            return 0;
        }
        let deadline = self.keep(&set.key, self.canary.scale_down_delay_seconds.unwrap_or(30));
        if let Some(set) = self.others.get_mut(at) {
            set.deadline = Some(deadline);
        }
        set.wanted
    }

    fn is_referenced(&self, hash: &str) -> bool {
        let weights = self.old.canary.weights.as_ref();
        let by_weight = weights.is_some_and(|weights| {
            [&weights.canary, &weights.stable].into_iter().any(|weight| weight.pod_template_hash == hash)
        });
        by_weight || self.old.stable_rs == hash || self.old.current_pod_hash == hash
    }

    fn scale_other(&mut self, at: usize, set: &Set, count: i64) -> bool {
        let scaled = self.scale_to(set, count);
        if let Some(set) = self.others.get_mut(at) {
            set.wanted = count;
        }
        scaled
    }

    fn scale_to(&mut self, set: &Set, count: i64) -> bool {
        let desired = (ROLLOUT.desired, self.spec.replicas());
        replica_set::scale(self.plane, self.now, &set.key, count, desired);
        if count == set.wanted {
            return false;
        }
        let way = if count > set.wanted { "up" } else { "down" };
        let message = format!(
            "Scaled {way} ReplicaSet {} (revision {}) from {} to {count}",
            set.key.name, set.revision, set.wanted
        );
        self.say(false, "ScalingReplicaSet", &message);
        true
    }

    /// Deletes the oldest empty ReplicaSets beyond the limit of history, and their AnalysisRuns.
    pub(super) fn trim_history(&mut self) {
        let limit = self.spec.revision_history_limit.unwrap_or(10);
        let surplus = self.others.len().saturating_sub(limit);
        let gone: Vec<Set> =
            self.others.iter().take(surplus).filter(|set| set.wanted == 0 && set.running == 0).cloned().collect();
        for set in gone {
            self.delete_runs_of(&set.hash);
            self.plane.remove(self.now, &set.key);
            self.others.retain(|other| other.key != set.key);
        }
    }
}
