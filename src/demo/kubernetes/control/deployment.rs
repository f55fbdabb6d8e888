//! A small model of the Deployment controller: rolling update within surge and unavailability, pause, revisions, deadline.
//! Follows `pkg/controller/deployment` of Kubernetes.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::fields::{self, Author};
use super::super::json;
use super::super::store::Key;
use super::condition::{self, Condition};
use super::event::Note;
use super::replica_set::{self, DEPLOYMENT, Set};
use super::{Plane, fenceposts, template};
use crate::domain::time::Timestamp;

const PROGRESSING: &str = "Progressing";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of a Deployment that its ReplicaSets do not get.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(skip_serializing_if = "is_zero")]
    observed_generation: i64,
    #[serde(skip_serializing_if = "is_zero")]
    replicas: i64,
    #[serde(skip_serializing_if = "is_zero")]
    updated_replicas: i64,
    #[serde(skip_serializing_if = "is_zero")]
    ready_replicas: i64,
    #[serde(skip_serializing_if = "is_zero")]
    available_replicas: i64,
    #[serde(skip_serializing_if = "is_zero")]
    unavailable_replicas: i64,
    terminating_replicas: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Condition>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// One look at a Deployment.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    if let Some(mut sync) = Sync::load(plane, now, key) {
        sync.run();
    }
}

#[derive(Debug)]
struct Sync<'p> {
    plane: &'p mut Plane,
    now: Timestamp,
    key: Key,
    object: Arc<Value>,
    replicas: i64,
    surge: i64,
    unavailable: i64,
    deadline: i64,
    paused: bool,
    old: Status,
    new_set: Option<Set>,
    others: Vec<Set>,
}

impl<'p> Sync<'p> {
    fn load(plane: &'p mut Plane, now: Timestamp, key: &Key) -> Option<Self> {
        let object = Arc::clone(plane.store.get(key)?);
        let old = object.get("status").and_then(|status| Status::deserialize(status).ok()).unwrap_or_default();
        let uid = json::text(&object, "/metadata/uid");
        let sets = replica_set::owned(plane, key, uid, DEPLOYMENT);
        let pods = object.pointer("/spec/template").cloned().unwrap_or_default();
        let hash = template::hash(&pods, template::DEPLOYMENT_HASH);
        let (new, others): (Vec<Set>, Vec<Set>) = sets.into_iter().partition(|set| set.hash == hash);
        let replicas = json::number(&object, "/spec/replicas").unwrap_or(1).max(0);
        let update = |field: &str| object.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
        let quarter = Value::from("25%");
        let (surge, unavailable) =
            fenceposts(update("maxSurge").or(Some(&quarter)), update("maxUnavailable").or(Some(&quarter)), replicas);
        Some(Self {
            now,
            key: key.clone(),
            replicas,
            surge,
            unavailable: unavailable.min(replicas),
            deadline: json::number(&object, "/spec/progressDeadlineSeconds").unwrap_or(600),
            paused: object.pointer("/spec/paused") == Some(&Value::Bool(true)),
            old,
            new_set: new.into_iter().next(),
            others,
            object,
            plane,
        })
    }

    fn run(&mut self) {
        if self.check_paused() {
            return;
        }
        if self.paused {
            return self.sync_status();
        }
        if self.new_set.is_none() {
            return self.create_set();
        }
        if self.sync_revision() {
            return;
        }
        if !self.scale_up() {
            self.scale_down();
        }
        self.sync_status();
        self.trim_history();
    }

    fn all_sets(&self) -> impl Iterator<Item = &Set> {
        self.new_set.iter().chain(&self.others)
    }

    fn sum(&self, count: fn(&Set) -> i64) -> i64 {
        self.all_sets().map(count).sum()
    }

    /// A pause and its end are said in the conditions, so that a pause never counts against the deadline.
    fn check_paused(&mut self) -> bool {
        let reason = condition::find(&self.old.conditions, PROGRESSING).map(|c| c.reason.as_str());
        let said = reason == Some("DeploymentPaused");
        if reason == Some(TIMED_OUT) || self.paused == said {
            return false;
        }
        let (reason, message) = if self.paused {
            ("DeploymentPaused", "Deployment is paused")
        } else {
            ("DeploymentResumed", "Deployment is resumed")
        };
        let mut status = self.old.clone();
        condition::set(&mut status.conditions, Condition::new(self.now, PROGRESSING, "Unknown", reason, message));
        self.write(&status, None);
        true
    }

    fn newest_old_revision(&self) -> i64 {
        self.others.iter().map(|set| set.revision).max().unwrap_or_default()
    }

    /// How many pods of the new template may stand now.
    fn next_new_count(&self) -> i64 {
        let standing = self.sum(|set| set.wanted);
        let have = self.new_set.as_ref().map_or(0, |set| set.wanted);
        let room = (self.replicas + self.surge - standing).max(0);
        have.max((have + room).min(self.replicas))
    }

    fn create_set(&mut self) {
        let revision = self.newest_old_revision() + 1;
        let count = self.next_new_count();
        let mut annotations = self.copied_annotations();
        for (name, number) in [
            (DEPLOYMENT.desired, self.replicas),
            (MAX_REPLICAS, self.replicas + self.surge),
            (DEPLOYMENT.revision, revision),
        ] {
            annotations.insert(name.to_owned(), number.to_string().into());
        }
        let owner = self.object.clone();
        let key = replica_set::create(self.plane, self.now, &owner, DEPLOYMENT, count, &annotations);
        let mut status = self.old.clone();
        let message = format!("Created new replica set \"{}\"", key.name);
        let created = Condition::new(self.now, PROGRESSING, "True", "NewReplicaSetCreated", &message);
        condition::set(&mut status.conditions, created);
        self.write(&status, Some(revision));
        self.say(&format!("Scaled up replica set {} from 0 to {count}", key.name));
    }

    fn copied_annotations(&self) -> Map<String, Value> {
        let all = self.object.pointer("/metadata/annotations").and_then(Value::as_object);
        let copied = all.into_iter().flatten().filter(|(name, _)| !NOT_COPIED.contains(&name.as_str()));
        copied.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Gives a ReplicaSet that is wanted again the highest revision. Whether something was written.
    fn sync_revision(&mut self) -> bool {
        let Some(new) = self.new_set.clone() else { return false };
        let next = self.newest_old_revision() + 1;
        let revision = new.revision.max(next);
        let copied = self.copied_annotations();
        if new.revision < next {
            replica_set::change(self.plane, self.now, &new.key, |set| {
                let history = json::annotation(set, DEPLOYMENT.history).filter(|history| !history.is_empty());
                let history = history.map_or(new.revision.to_string(), |h| format!("{h},{}", new.revision));
                json::annotate(set, DEPLOYMENT.history, &history);
                json::annotate(set, DEPLOYMENT.revision, &next.to_string());
            });
        }
        replica_set::change(self.plane, self.now, &new.key, |set| {
            for (name, value) in copied {
                json::annotate(set, &name, value.as_str().unwrap_or_default());
            }
        });
        if json::annotation(&self.object, DEPLOYMENT.revision) == Some(&revision.to_string()) {
            return false;
        }
        let mut status = self.old.clone();
        let message = format!("Found new replica set \"{}\"", new.key.name);
        let found = Condition::new(self.now, PROGRESSING, "True", "FoundNewReplicaSet", &message);
        condition::set(&mut status.conditions, found);
        self.write(&status, Some(revision));
        true
    }

    fn scale_up(&mut self) -> bool {
        let Some(new) = self.new_set.clone() else { return false };
        let count = if new.wanted > self.replicas { self.replicas } else { self.next_new_count() };
        let scaled = self.scale_to(&new, count);
        if let Some(set) = &mut self.new_set {
            set.wanted = count;
        }
        scaled
    }

    fn scale_down(&mut self) -> bool {
        let least = self.replicas - self.unavailable;
        let missing = self.new_set.as_ref().map_or(0, |set| (set.wanted - set.available).max(0));
        let mut may_go = self.sum(|set| set.wanted) - least - missing;
        let mut scaled = false;
        for at in 0..self.others.len() {
            // Pods that are not available hold nothing up and go first.
            let Some(set) = self.others.get(at).cloned() else { continue };
            let ill = (set.wanted - set.available).min(may_go);
            if ill > 0 {
                may_go -= ill;
                scaled |= self.scale_old(at, &set, set.wanted - ill);
            }
        }
        let mut spare = self.sum(|set| set.available.min(set.wanted)) - least;
        for at in 0..self.others.len() {
            let Some(set) = self.others.get(at).cloned() else { continue };
            let going = set.wanted.min(spare);
            if going > 0 {
                spare -= going;
                scaled |= self.scale_old(at, &set, set.wanted - going);
            }
        }
        scaled
    }

    fn scale_old(&mut self, at: usize, set: &Set, count: i64) -> bool {
        let scaled = self.scale_to(set, count);
        if let Some(set) = self.others.get_mut(at) {
            set.wanted = count;
        }
        scaled
    }

    fn scale_to(&mut self, set: &Set, count: i64) -> bool {
        let maximum = (self.replicas + self.surge).to_string();
        replica_set::change(self.plane, self.now, &set.key, |set| json::annotate(set, MAX_REPLICAS, &maximum));
        replica_set::scale(self.plane, self.now, &set.key, count, (DEPLOYMENT.desired, self.replicas));
        if count == set.wanted {
            return false;
        }
        let way = if count > set.wanted { "up" } else { "down" };
        self.say(&format!("Scaled {way} replica set {} from {} to {count}", set.key.name, set.wanted));
        true
    }

    fn say(&mut self, message: &str) {
        let about = self.object.clone();
        let component = "deployment-controller";
        let note = Note { about: &about, component, warning: false, reason: "ScalingReplicaSet", message };
        self.plane.record(self.now, &note);
    }

    fn sync_status(&mut self) {
        let available = self.sum(|set| set.available);
        let mut status = Status {
            observed_generation: json::number(&self.object, "/metadata/generation").unwrap_or_default(),
            replicas: self.sum(|set| set.running),
            updated_replicas: self.new_set.as_ref().map_or(0, |set| set.running),
            ready_replicas: self.sum(|set| set.ready),
            available_replicas: available,
            unavailable_replicas: (self.sum(|set| set.wanted) - available).max(0),
            terminating_replicas: self.terminating(),
            conditions: self.old.conditions.clone(),
        };
        let (state, reason, message) = if available >= self.replicas - self.unavailable {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        condition::set(&mut status.conditions, Condition::new(self.now, "Available", state, reason, message));
        if !self.paused {
            self.write_progress(&mut status);
        }
        self.write(&status, None);
        if let Some(progressing) = condition::find(&status.conditions, PROGRESSING)
            && let Some(since) = json::moment(&progressing.last_update_time)
            && progressing.reason != TIMED_OUT
            && !self.paused
        {
            let at = since + TimeDelta::seconds(self.deadline + 1);
            if at > self.now {
                self.plane.wake_at(at, &self.key);
            }
        }
    }

    fn terminating(&self) -> i64 {
        let sets = self.all_sets().filter_map(|set| self.plane.store.get(&set.key));
        sets.filter_map(|set| json::number(set, "/status/terminatingReplicas")).sum()
    }

    fn write_progress(&self, status: &mut Status) {
        let known = condition::find(&self.old.conditions, PROGRESSING);
        let reason = known.map(|c| c.reason.as_str());
        if status.replicas == status.updated_replicas && reason == Some("NewReplicaSetAvailable") {
            return;
        }
        let name = self.new_set.as_ref().map_or(&self.key.name, |set| &set.key.name);
        let complete = status.updated_replicas == self.replicas
            && status.replicas == self.replicas
            && status.available_replicas == self.replicas
            && status.observed_generation >= json::number(&self.object, "/metadata/generation").unwrap_or_default();
        let old = &self.old;
        let progressed = status.updated_replicas > old.updated_replicas
            || status.replicas - status.updated_replicas < old.replicas - old.updated_replicas
            || status.ready_replicas > old.ready_replicas
            || status.available_replicas > old.available_replicas;
        let since = known.and_then(|c| json::moment(&c.last_update_time));
        if complete {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            let done = Condition::new(self.now, PROGRESSING, "True", "NewReplicaSetAvailable", &message);
            condition::set(&mut status.conditions, done);
        } else if progressed {
            let message = format!("ReplicaSet \"{name}\" is progressing.");
            let updated = Condition::new(self.now, PROGRESSING, "True", "ReplicaSetUpdated", &message);
            condition::renew(&mut status.conditions, updated);
        } else if since.is_some_and(|since| since + TimeDelta::seconds(self.deadline) < self.now) {
            let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
            let late = Condition::new(self.now, PROGRESSING, "False", TIMED_OUT, &message);
            condition::set(&mut status.conditions, late);
        }
    }

    fn trim_history(&mut self) {
        let limit = json::number(&self.object, "/spec/revisionHistoryLimit").unwrap_or(10);
        let surplus = self.others.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        let mut oldest: Vec<Set> = self.others.iter().filter(|s| s.wanted == 0 && s.running == 0).cloned().collect();
        oldest.sort_by_key(|set| set.revision);
        for set in oldest.into_iter().take(surplus) {
            self.plane.remove(self.now, &set.key);
        }
    }

    /// Writes the status, and the revision if it is another now.
    fn write(&mut self, status: &Status, revision: Option<i64>) {
        let Ok(status) = serde_json::to_value(status) else { return };
        let mut object = (*self.object).clone();
        if let Some(revision) = revision {
            json::annotate(&mut object, DEPLOYMENT.revision, &revision.to_string());
        }
        json::object(&mut object).insert("status".to_owned(), status);
        let author = Author { manager: "kube-controller-manager", subresource: Some("status") };
        fields::enter(&self.object, &mut object, author, self.now);
        self.plane.put(self.now, &self.key, object);
        if let Some(object) = self.plane.store.get(&self.key) {
            self.object = Arc::clone(object);
        }
    }
}
