//! A small model of the `StatefulSet` controller: pods by number, one after the other, from the last one down, as far as the partition.
//! Follows `pkg/controller/statefulset` of Kubernetes, with what people trip over: in order, a pod that is not ready keeps every other
//! one from going, be its version on its way or on its way back.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json;
use super::super::store::Key;
use super::Plane;
use super::controller_revision::{self as history, POD_LABEL, Revision};
use super::event::Note;
use super::pod::{self, Made};
use crate::domain::time::Timestamp;

/// The label that the controller gives what it keeps.
const LABEL: &str = "controller.kubernetes.io/hash";

/// One look at a `StatefulSet`.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(object) = plane.store.get(key).cloned() else { return };
    let update = history::current(plane, now, &object, key, LABEL);
    let known = history::owned(plane, key, json::text(&object, "/metadata/uid"), LABEL);
    let named = json::text(&object, "/status/currentRevision").to_owned();
    let current = known.into_iter().find(|one| one.name == named).unwrap_or_else(|| update.clone());
    let mut sync = Sync { plane, now, key, object, update, current };
    sync.act();
    sync.count();
}

struct Sync<'p> {
    plane: &'p mut Plane,
    now: Timestamp,
    key: &'p Key,
    object: Arc<Value>,
    update: Revision,
    current: Revision,
}

impl Sync<'_> {
    fn replicas(&self) -> usize {
        usize::try_from(json::number(&self.object, "/spec/replicas").unwrap_or(1)).unwrap_or_default()
    }

    fn partition(&self) -> usize {
        let given = json::number(&self.object, "/spec/updateStrategy/rollingUpdate/partition");
        usize::try_from(given.unwrap_or_default()).unwrap_or_default()
    }

    fn is_rolling(&self) -> bool {
        json::text(&self.object, "/spec/updateStrategy/type") != "OnDelete"
    }

    /// The pods, with their numbers.
    fn pods(&self) -> Vec<(usize, Key, Arc<Value>)> {
        let number = |key: &Key| key.name.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        let pods = pod::of(self.plane, &self.object, self.key);
        let mut pods: Vec<_> =
            pods.into_iter().filter_map(|(key, pod)| number(&key).map(|number| (number, key, pod))).collect();
        pods.sort_by_key(|(number, ..)| *number);
        pods
    }

    fn act(&mut self) {
        let ordered = json::text(&self.object, "/spec/podManagementPolicy") != "Parallel";
        let (replicas, pods) = (self.replicas(), self.pods());
        for number in 0..replicas {
            match pods.iter().find(|(own, ..)| *own == number) {
                None => {
                    self.create(number);
                    if ordered {
                        return;
                    }
                }
                Some((_, _, pod)) if ordered && (pod::is_leaving(pod) || !pod::is_ready(pod)) => return,
                Some(_) => {}
            }
        }
        for (_, key, pod) in pods.iter().rev().filter(|(number, ..)| *number >= replicas) {
            if !pod::is_leaving(pod) {
                self.delete(key);
            }
            if ordered {
                return;
            }
        }
        if !self.is_rolling() {
            return;
        }
        let partition = self.partition();
        for (_, key, pod) in pods.iter().rev().filter(|(number, ..)| (partition..replicas).contains(number)) {
            if pod::is_leaving(pod) {
                return;
            }
            if json::label(pod, POD_LABEL) != Some(&self.update.name) {
                return self.delete(key);
            }
            if !pod::is_ready(pod) {
                return;
            }
        }
    }

    fn create(&mut self, number: usize) {
        let stays = self.is_rolling() && number < self.partition();
        let revision = if stays { self.current.clone() } else { self.update.clone() };
        let (name, index) = (format!("{}-{number}", self.key.name), number.to_string());
        let labels = [
            (POD_LABEL, revision.name.as_str()),
            ("statefulset.kubernetes.io/pod-name", name.as_str()),
            ("apps.kubernetes.io/pod-index", index.as_str()),
        ];
        let made = Made { name: &name, template: &revision.template, node: None, labels: &labels };
        pod::create_as(self.plane, self.now, &self.object, self.key, made);
        self.say("SuccessfulCreate", &format!("create Pod {name} in StatefulSet {} successful", self.key.name));
    }

    fn delete(&mut self, key: &Key) {
        pod::delete(self.plane, self.now, key);
        self.say("SuccessfulDelete", &format!("delete Pod {} in StatefulSet {} successful", key.name, self.key.name));
    }

    fn say(&mut self, reason: &str, message: &str) {
        let about = Arc::clone(&self.object);
        let note = Note { about: &about, component: "statefulset-controller", warning: false, reason, message };
        self.plane.record(self.now, &note);
    }

    fn count(&mut self) {
        let pods = self.pods();
        let replicas = self.replicas();
        let of = |name: &str| {
            let is = |pod: &Value| json::label(pod, POD_LABEL) == Some(name) && !pod::is_leaving(pod);
            pods.iter().filter(|(_, _, pod)| is(pod)).count()
        };
        let ready = pods.iter().filter(|(_, _, pod)| pod::is_ready(pod)).count();
        let updated = of(&self.update.name);
        let arrived = self.is_rolling() && [updated, ready, pods.len()] == [replicas; 3];
        let current = if arrived { &self.update } else { &self.current };
        let mut status = json!({
            "observedGeneration": json::number(&self.object, "/metadata/generation"),
            "replicas": pods.len(), "availableReplicas": ready, "collisionCount": 0,
            "currentRevision": current.name, "updateRevision": self.update.name,
        });
        for (name, number) in
            [("readyReplicas", ready), ("currentReplicas", of(&current.name)), ("updatedReplicas", updated)]
        {
            if number > 0 {
                json::object(&mut status).insert(name.to_owned(), number.into());
            }
        }
        history::write_status(self.plane, self.now, self.key, status);
    }
}
