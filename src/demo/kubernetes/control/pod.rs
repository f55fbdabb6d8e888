//! Pods, and the part of the kubelet that matters here: they start some seconds after they were made, crash if their version
//! does, and leave some seconds after they were deleted.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::agenda::Task;
use super::{Plane, PodsOf, is_owned_by, owner_reference, tag_of};
use crate::domain::time::Timestamp;

/// The pods of a ReplicaSet, those that are leaving included.
pub(super) fn of(plane: &Plane, set: &Value, key: &Key) -> Vec<(Key, Arc<Value>)> {
    let uid = json::text(set, "/metadata/uid");
    let mut pods = plane.store.starting(Kind::Pod, &key.namespace, &format!("{}-", key.name));
    pods.retain(|(_, pod)| is_owned_by(pod, uid));
    pods
}

pub(super) fn is_leaving(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some()
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|c| json::text(c, "/type") == "Ready" && json::text(c, "/status") == "True")
    })
}

/// What of a pod does not follow from the template of its owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made<'a> {
    pub(super) name: &'a str,
    pub(super) template: &'a Value,
    /// Where it runs; anywhere if left out.
    pub(super) node: Option<&'a str>,
    /// The labels that its owner gives it beside those of the template.
    pub(super) labels: &'a [(&'a str, &'a str)],
}

/// Makes a pod of a ReplicaSet's template; it starts after two to eight seconds. Its name.
pub(super) fn create(plane: &mut Plane, now: Timestamp, set: &Value, of: &Key) -> String {
    let name = any_name(plane, of);
    let template = set.pointer("/spec/template").cloned().unwrap_or_default();
    let made = Made { name: &name, template: &template, node: None, labels: &[] };
    create_as(plane, now, set, of, made);
    name
}

/// A name that ends as nobody chose it.
pub(super) fn any_name(plane: &Plane, of: &Key) -> String {
    let version = plane.store.version().to_string();
    format!("{}-{}", of.name, plane.seed.suffix(&["pod", &of.namespace, &of.name, &version]))
}

/// Makes a pod of this template, for an owner.
pub(super) fn create_as(plane: &mut Plane, now: Timestamp, owner: &Value, of: &Key, made: Made<'_>) {
    let Made { name, template, .. } = made;
    let key = Key::new(Kind::Pod, &of.namespace, name);
    let mut spec = template.get("spec").cloned().unwrap_or_default();
    let node = plane.seed.number(&["node", name]) % 3 + 1;
    let node = made.node.map_or_else(|| format!("node-{node}"), str::to_owned);
    for (field, value) in [
        ("nodeName", json!(node)),
        ("serviceAccountName", json!("default")),
        ("serviceAccount", json!("default")),
        ("priority", json!(0)),
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
    ] {
        json::object(&mut spec).insert(field.to_owned(), value);
    }
    // One that bears a name of before is another pod all the same.
    let again = json::stamp(now);
    let uid = if made.labels.is_empty() {
        plane.seed.uid(&["pod", &of.namespace, name])
    } else {
        plane.seed.uid(&["pod", &of.namespace, name, &again])
    };
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "generateName": format!("{}-", of.name), "namespace": of.namespace,
            "uid": uid, "generation": 1, "creationTimestamp": json::stamp(now),
            "labels": template.pointer("/metadata/labels"), "ownerReferences": owner_reference(owner),
        },
        "spec": spec,
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    });
    for (label, value) in made.labels {
        let metadata = json::child(&mut pod, "metadata");
        json::object(metadata.entry("labels").or_insert_with(|| json!({})))
            .insert((*label).to_owned(), (*value).into());
    }
    if let Some(annotations) = template.pointer("/metadata/annotations") {
        json::child(&mut pod, "metadata").insert("annotations".to_owned(), annotations.clone());
    }
    plane.put(now, &key, pod);
    let delay = plane.seed.span(&["start", &of.namespace, name], 2000, 8000);
    plane.agenda.add(now + delay, Task::Start(key));
}

/// The containers of a pod have started: it is ready, or crashes.
pub(super) fn start(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(pod) = plane.store.get(key).filter(|pod| !is_leaving(pod)).cloned() else { return };
    let crashes = plane.crashing.contains(tag_of(&pod));
    let waiting = crashes.then_some(("CrashLoopBackOff", "back-off 10s restarting failed container"));
    let pod = with_status(plane, now, &pod, waiting);
    plane.put(now, key, pod);
}

fn with_status(plane: &Plane, now: Timestamp, pod: &Value, waiting: Option<(&str, &str)>) -> Value {
    let at = json::stamp(now);
    let name = json::text(pod, "/metadata/name");
    let number = plane.seed.number(&["ip", name]);
    let ip = format!("10.244.{}.{}", number % 16, number / 16 % 250 + 2);
    let condition = |kind: &str, ready: bool| {
        let mut condition = json!({
            "type": kind, "status": if ready { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": at,
        });
        if !ready {
            json::object(&mut condition).insert("reason".to_owned(), "ContainersNotReady".into());
        }
        condition
    };
    let ready = waiting.is_none();
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let statuses: Vec<Value> = containers
        .into_iter()
        .flatten()
        .map(|container| {
            let state = match waiting {
                Some((reason, message)) => json!({"waiting": {"reason": reason, "message": message}}),
                None => json!({"running": {"startedAt": at}}),
            };
            json!({
                "name": container.get("name"), "state": state, "lastState": {}, "ready": ready, "restartCount": 0,
                "image": container.get("image"), "imageID": "", "started": ready,
            })
        })
        .collect();
    let mut pod = pod.clone();
    let status = json!({
        "phase": "Running",
        "conditions": [
            condition("PodScheduled", true), condition("Initialized", true),
            condition("ContainersReady", ready), condition("Ready", ready),
        ],
        "hostIP": "127.0.0.1", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": at,
        "containerStatuses": statuses, "qosClass": "BestEffort",
    });
    json::object(&mut pod).insert("status".to_owned(), status);
    pod
}

/// Deletes a pod: it is marked at once, and gone when it has stopped.
pub(super) fn delete(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(pod) = plane.store.get(key) else { return };
    let mut pod = (**pod).clone();
    let metadata = json::child(&mut pod, "metadata");
    metadata.insert("deletionTimestamp".to_owned(), json::stamp(now + chrono::TimeDelta::seconds(30)).into());
    metadata.insert("deletionGracePeriodSeconds".to_owned(), 30.into());
    metadata.insert("generation".to_owned(), 2.into());
    plane.put(now, key, pod);
    let delay = plane.seed.span(&["stop", &key.namespace, &key.name], 800, 2500);
    plane.agenda.add(now + delay, Task::Remove(key.clone()));
}

/// Takes readiness from pods of a workload, or gives it back. How many were changed.
pub(super) fn set_ready(plane: &mut Plane, now: Timestamp, which: &PodsOf<'_>, ready: bool) -> usize {
    let pods = plane.store.starting(Kind::Pod, which.namespace, &format!("{}-", which.workload));
    let ours = |pod: &Value| {
        let of_workload = json::label(pod, "app") == Some(which.workload);
        let of_version = which.tag.is_none_or(|tag| tag_of(pod) == tag);
        of_workload && of_version && !is_leaving(pod) && is_ready(pod) != ready
    };
    let started = |pod: &Value| json::text(pod, "/status/phase") == "Running";
    let chosen = pods.into_iter().filter(|(_, pod)| ours(pod) && started(pod));
    let chosen: Vec<_> = chosen.take(which.count.unwrap_or(usize::MAX)).collect();
    for (key, pod) in &chosen {
        let waiting = (!ready).then_some(("CrashLoopBackOff", "back-off 10s restarting failed container"));
        let pod = with_status(plane, now, pod, waiting);
        plane.put(now, key, pod);
    }
    chosen.len()
}
