//! A small model of the `DaemonSet` controller: one pod on each node, exchanged one node at a time. Follows `pkg/controller/daemon` of
//! Kubernetes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::json;
use super::super::store::Key;
use super::controller_revision::{self as history, POD_LABEL, Revision};
use super::event::Note;
use super::pod::{self, Made};
use super::{Plane, share_of};
use crate::domain::time::Timestamp;

/// The nodes of every cluster of the world.
const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

/// One look at a `DaemonSet`.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(object) = plane.store.get(key).cloned() else { return };
    let update = history::current(plane, now, &object, key, POD_LABEL);
    place(plane, now, key, &object, &update);
    if json::text(&object, "/spec/updateStrategy/type") != "OnDelete" {
        exchange(plane, now, key, &object, &update);
    }
    count(plane, now, key, &object, &update);
}

fn on(pods: &[(Key, Arc<Value>)], node: &str) -> Option<(Key, Arc<Value>)> {
    pods.iter().find(|(_, pod)| json::text(pod, "/spec/nodeName") == node).cloned()
}

/// Every node that has none gets a pod; one that goes is waited for.
fn place(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value, update: &Revision) {
    let pods = pod::of(plane, object, key);
    for node in NODES.into_iter().filter(|node| on(&pods, node).is_none()) {
        let name = format!("{}{}", pod::any_name(plane, key), node.trim_start_matches("node-"));
        let labels = [(POD_LABEL, update.hash.as_str()), ("pod-template-generation", "1")];
        let made = Made { name: &name, template: &update.template, node: Some(node), labels: &labels };
        pod::create_as(plane, now, object, key, made);
        say(plane, now, object, "SuccessfulCreate", &format!("Created pod: {name}"));
    }
}

/// Old pods that do not serve go at once, the others as long as not too many nodes are without one.
fn exchange(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value, update: &Revision) {
    let one = Value::from(1);
    let given = object.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable").unwrap_or(&one);
    let most = usize::try_from(share_of(Some(given), i64::try_from(NODES.len()).unwrap_or(i64::MAX), true))
        .unwrap_or(1)
        .max(1);
    let pods = pod::of(plane, object, key);
    let serves = |pod: &Value| pod::is_ready(pod) && !pod::is_leaving(pod);
    let serving = pods.iter().filter(|(_, pod)| serves(pod)).count();
    let mut may_go = (most + serving).saturating_sub(NODES.len());
    for (at, pod) in pods {
        if pod::is_leaving(&pod) || json::label(&pod, POD_LABEL) == Some(&update.hash) {
            continue;
        }
        let ill = !pod::is_ready(&pod);
        if ill || may_go > 0 {
            may_go -= usize::from(!ill);
            pod::delete(plane, now, &at);
            say(plane, now, object, "SuccessfulDelete", &format!("Deleted pod: {}", at.name));
        }
    }
}

fn count(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value, update: &Revision) {
    let mut pods = pod::of(plane, object, key);
    pods.retain(|(_, pod)| !pod::is_leaving(pod));
    let ready = pods.iter().filter(|(_, pod)| pod::is_ready(pod)).count();
    let updated = pods.iter().filter(|(_, pod)| json::label(pod, POD_LABEL) == Some(&update.hash)).count();
    let mut status = json!({
        "observedGeneration": json::number(object, "/metadata/generation"),
        "currentNumberScheduled": pods.len(), "desiredNumberScheduled": NODES.len(), "numberMisscheduled": 0,
        "numberReady": ready,
    });
    for (name, number) in
        [("updatedNumberScheduled", updated), ("numberAvailable", ready), ("numberUnavailable", NODES.len() - ready)]
    {
        if number > 0 {
            json::object(&mut status).insert(name.to_owned(), number.into());
        }
    }
    history::write_status(plane, now, key, status);
}

fn say(plane: &mut Plane, now: Timestamp, object: &Value, reason: &str, message: &str) {
    plane.record(now, &Note { about: object, component: "daemonset-controller", warning: false, reason, message });
}
