//! ReplicaSets: how controllers see and scale them, and the controller that keeps as many pods as they ask for.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::event::Note;
use super::{Plane, is_owned_by, owner_reference, pod, template};
use crate::domain::time::Timestamp;

/// What a workload's controller needs to know of one of its ReplicaSets.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) key: Key,
    pub(super) hash: String,
    pub(super) revision: i64,
    /// When it was made; equal moments are told apart by name.
    pub(super) created: String,
    /// `spec.replicas`.
    pub(super) wanted: i64,
    /// `status.replicas`.
    pub(super) running: i64,
    pub(super) ready: i64,
    pub(super) available: i64,
    /// The annotation of the moment from which it may be scaled to zero.
    pub(super) deadline: Option<Timestamp>,
}

/// How a controller marks its ReplicaSets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) hash: &'static str,
    pub(super) revision: &'static str,
    pub(super) history: &'static str,
    pub(super) desired: &'static str,
}

pub(super) const ROLLOUT: Marks = Marks {
    hash: template::ROLLOUT_HASH,
    revision: "rollout.argoproj.io/revision",
    history: "rollout.argoproj.io/revision-history",
    desired: "rollout.argoproj.io/desired-replicas",
};
pub(super) const DEPLOYMENT: Marks = Marks {
    hash: template::DEPLOYMENT_HASH,
    revision: "deployment.kubernetes.io/revision",
    history: "deployment.kubernetes.io/revision-history",
    desired: "deployment.kubernetes.io/desired-replicas",
};
/// Argo's mark for a ReplicaSet that is kept for a while, for a fast way back.
pub(super) const DEADLINE: &str = "scale-down-deadline";

/// The ReplicaSets of a workload, oldest first.
pub(super) fn owned(plane: &Plane, owner: &Key, uid: &str, marks: Marks) -> Vec<Set> {
    let candidates = plane.store.starting(Kind::ReplicaSet, &owner.namespace, &format!("{}-", owner.name));
    let mut sets: Vec<Set> = candidates
        .into_iter()
        .filter(|(_, object)| is_owned_by(object, uid))
        .map(|(key, object)| Set::read(key, &object, marks))
        .collect();
    sets.sort_by(|a, b| (&a.created, a.revision).cmp(&(&b.created, b.revision)));
    sets
}

impl Set {
    fn read(key: Key, object: &Value, marks: Marks) -> Self {
        let count = |pointer| json::number(object, pointer).unwrap_or_default();
        Self {
            key,
            hash: json::label(object, marks.hash).unwrap_or_default().to_owned(),
            revision: json::annotation(object, marks.revision).and_then(|r| r.parse().ok()).unwrap_or_default(),
            created: json::text(object, "/metadata/creationTimestamp").to_owned(),
            wanted: count("/spec/replicas"),
            running: count("/status/replicas"),
            ready: count("/status/readyReplicas"),
            available: count("/status/availableReplicas"),
            deadline: json::annotation(object, DEADLINE).and_then(json::moment),
        }
    }
}

/// Makes a ReplicaSet of a workload's template. Its name is the workload's and the hash.
pub(super) fn create(
    plane: &mut Plane,
    now: Timestamp,
    owner: &Value,
    marks: Marks,
    replicas: i64,
    annotations: &Map<String, Value>,
) -> Key {
    let namespace = json::text(owner, "/metadata/namespace");
    let given = owner.pointer("/spec/template").cloned().unwrap_or_default();
    let hash = template::hash(&given, marks.hash);
    let name = format!("{}-{hash}", json::text(owner, "/metadata/name"));
    let mut pods = template::complete(&given);
    let metadata = json::child(&mut pods, "metadata");
    let labels = json::object(metadata.entry("labels").or_insert_with(|| json!({})));
    labels.insert(marks.hash.to_owned(), hash.clone().into());
    let labels = labels.clone();
    let mut selector = owner.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({}));
    json::child(&mut selector, "matchLabels").insert(marks.hash.to_owned(), hash.into());
    let key = Key::new(Kind::ReplicaSet, namespace, &name);
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "namespace": namespace, "uid": plane.seed.uid(&["replicaset", namespace, &name]),
            "generation": 1, "creationTimestamp": json::stamp(now), "labels": labels, "annotations": annotations,
            "ownerReferences": owner_reference(owner),
        },
        "spec": {"replicas": replicas, "selector": selector, "template": pods},
        "status": {"replicas": 0},
    });
    plane.put(now, &key, object);
    key
}

/// Changes a ReplicaSet by a function; the generation grows when the specification changes.
pub(super) fn change(plane: &mut Plane, now: Timestamp, key: &Key, with: impl FnOnce(&mut Value)) {
    let Some(before) = plane.store.get(key).cloned() else { return };
    let mut after = (*before).clone();
    with(&mut after);
    json::count_change(&before, &mut after);
    plane.put(now, key, after);
}

/// Asks a ReplicaSet for so many pods.
pub(super) fn scale(plane: &mut Plane, now: Timestamp, key: &Key, replicas: i64, desired: (&str, i64)) {
    change(plane, now, key, |set| {
        json::annotate(set, desired.0, &desired.1.to_string());
        json::child(set, "spec").insert("replicas".to_owned(), replicas.into());
    });
}

/// Makes or deletes pods until there are as many as asked for, and counts them into the status.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(set) = plane.store.get(key).cloned() else { return };
    let pods = pod::of(plane, &set, key);
    let (leaving, active): (Vec<_>, Vec<_>) = pods.into_iter().partition(|(_, pod)| pod::is_leaving(pod));
    let wanted = json::number(&set, "/spec/replicas").unwrap_or(1);
    let have = i64::try_from(active.len()).unwrap_or(i64::MAX);
    for _ in have..wanted {
        let name = pod::create(plane, now, &set, key);
        say(plane, now, &set, "SuccessfulCreate", &format!("Created pod: {name}"));
    }
    let surplus = usize::try_from(have - wanted).unwrap_or_default();
    for (key, _) in most_expendable(&active).into_iter().take(surplus) {
        pod::delete(plane, now, &key);
        say(plane, now, &set, "SuccessfulDelete", &format!("Deleted pod: {}", key.name));
    }
    if surplus == 0 && have >= wanted {
        count(plane, now, key, &set, &active, leaving.len());
    }
    // Otherwise the pods' own changes wake this again, and then they are counted.
}

/// Who goes first: the not ready before the ready, then the youngest.
fn most_expendable(pods: &[(Key, Arc<Value>)]) -> Vec<(Key, Arc<Value>)> {
    let mut pods = pods.to_vec();
    let born = |pod: &Value| json::text(pod, "/metadata/creationTimestamp").to_owned();
    pods.sort_by(|(a_key, a), (b_key, b)| {
        (pod::is_ready(a), born(b), &a_key.name).cmp(&(pod::is_ready(b), born(a), &b_key.name))
    });
    pods
}

fn count(plane: &mut Plane, now: Timestamp, key: &Key, set: &Value, active: &[(Key, Arc<Value>)], leaving: usize) {
    let ready = active.iter().filter(|(_, pod)| pod::is_ready(pod)).count();
    let mut status = json!({"replicas": active.len(), "terminatingReplicas": leaving});
    for (name, number) in
        [("fullyLabeledReplicas", active.len()), ("readyReplicas", ready), ("availableReplicas", ready)]
    {
        if number > 0 {
            json::object(&mut status).insert(name.to_owned(), number.into());
        }
    }
    if let Some(generation) = set.pointer("/metadata/generation") {
        json::object(&mut status).insert("observedGeneration".to_owned(), generation.clone());
    }
    change(plane, now, key, |set| {
        json::object(set).insert("status".to_owned(), status);
    });
}

fn say(plane: &mut Plane, now: Timestamp, set: &Value, reason: &str, message: &str) {
    plane.record(now, &Note { about: set, component: "replicaset-controller", warning: false, reason, message });
}
