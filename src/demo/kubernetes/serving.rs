//! Who serves a service: what the measurements of the world are made from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::control::{Plane, is_primary, is_ready, routed, tag_of};
use super::json;
use super::kind::Kind;
use super::store::Key;
use crate::demo::traffic::{Arm, Serving};

/// What makes pods that serve.
const WORKLOADS: [Kind; 4] = [Kind::Rollout, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
/// The labels by which pods of one version are known.
const HASHES: [&str; 3] = ["rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash"];

pub(super) fn serving(cell: &str, plane: &Plane) -> Vec<Serving> {
    // Workloads of one label serve one service together.
    let mut all: Vec<Serving> = Vec::new();
    let workloads = WORKLOADS.into_iter().flat_map(|kind| plane.store.list(kind, None));
    // What serves for another one is no service of its own.
    for (key, workload) in workloads.filter(|(_, workload)| !is_primary(workload)) {
        let service = json::label(workload, "app").unwrap_or(&key.name);
        let arms = split(plane, key, arms(plane, key, service, workload));
        let same = |one: &&mut Serving| one.namespace == key.namespace && one.service == service;
        match all.iter_mut().find(same) {
            Some(known) => known.arms.extend(arms),
            None => all.push(Serving {
                cell: cell.to_owned(),
                namespace: key.namespace.clone(),
                service: service.to_owned(),
                arms,
            }),
        }
    }
    for one in &mut all {
        share(&mut one.arms);
    }
    all
}

/// The pods of a canary get what its route says; the others are those of the Deployment that serves.
fn split(plane: &Plane, key: &Key, own: Vec<Arm>) -> Vec<Arm> {
    let Some(canary) = routed(plane, &key.namespace, &key.name) else { return own };
    let serves = Key::new(Kind::Deployment, &key.namespace, &format!("{}-primary", key.name));
    let primary = plane.store.get(&serves).map(|primary| arms(plane, &serves, &serves.name, primary));
    let Some(primary) = primary.filter(|arms| !arms.is_empty()) else { return own };
    let get = |mut arms: Vec<Arm>, part: i64| {
        share(&mut arms);
        for arm in &mut arms {
            arm.share *= part as f64;
        }
        arms
    };
    let mut all = get(own, canary);
    all.extend(get(primary, 100 - canary));
    all.retain(|arm| arm.share > 0.0);
    all
}

fn arms(plane: &Plane, key: &Key, service: &str, workload: &Value) -> Vec<Arm> {
    let mut by_hash: BTreeMap<String, Arm> = BTreeMap::new();
    let selector = selector(plane, &key.namespace, service);
    let uid = json::text(workload, "/metadata/uid");
    let pods = plane.store.starting(Kind::Pod, &key.namespace, &format!("{}-", key.name));
    for (pod_key, pod) in pods {
        let hash = HASHES.into_iter().find_map(|label| json::label(&pod, label));
        let ours = json::label(&pod, "app") == Some(service)
            && is_below(plane, key, &pod, uid)
            && selector.iter().all(|(label, value)| json::label(&pod, label) == Some(value));
        let (Some(hash), true, true) = (hash, ours, takes_traffic(&pod)) else { continue };
        let arm = by_hash.entry(hash.to_owned()).or_insert_with(|| Arm {
            version: tag_of(&pod).to_owned(),
            hash: hash.to_owned(),
            share: 0.0,
            pods: Vec::new(),
        });
        arm.pods.push(pod_key.name);
    }
    let mut arms: Vec<Arm> = by_hash.into_values().collect();
    let weights = workload.pointer("/status/canary/weights");
    for arm in &mut arms {
        arm.share = match weights {
            Some(weights) => routed_share(weights, &arm.hash),
            None => arm.pods.len() as f64,
        };
    }
    arms.retain(|arm| arm.share > 0.0);
    arms
}

/// Which pods a Service of this name sends traffic to; all of them where there is none.
fn selector(plane: &Plane, namespace: &str, service: &str) -> Vec<(String, String)> {
    let found = plane.store.get(&Key::new(Kind::Service, namespace, service));
    let labels = found.and_then(|found| found.pointer("/spec/selector")).and_then(Value::as_object);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    labels.into_iter().flatten().map(|(label, value)| (label.clone(), text(value))).collect()
}

/// Is the pod of this workload, or of a set that is? Names alone do not tell: one may begin as another.
fn is_below(plane: &Plane, key: &Key, pod: &Value, uid: &str) -> bool {
    let owner = json::text(pod, "/metadata/ownerReferences/0/uid");
    let name = json::text(pod, "/metadata/ownerReferences/0/name");
    let set = plane.store.get(&Key::new(Kind::ReplicaSet, &key.namespace, name));
    owner == uid || set.is_some_and(|set| json::text(set, "/metadata/ownerReferences/0/uid") == uid)
}

/// Makes shares of one: a router that points at a version without a ready pod sends its part nowhere; what is served is served by the
/// rest.
fn share(arms: &mut [Arm]) {
    let total: f64 = arms.iter().map(|arm| arm.share).sum();
    for arm in arms {
        arm.share /= total;
    }
}

/// Ready, and not on its way out: a pod leaves the endpoints as soon as it is told to end.
fn takes_traffic(pod: &Value) -> bool {
    is_ready(pod) && pod.pointer("/metadata/deletionTimestamp").is_none_or(Value::is_null)
}

fn routed_share(weights: &Value, hash: &str) -> f64 {
    let part = |name: &str| {
        let ours = json::text(weights, &format!("/{name}/podTemplateHash")) == hash;
        let weight = json::number(weights, &format!("/{name}/weight")).unwrap_or_default();
        if ours { weight } else { 0 }
    };
    (part("canary") + part("stable")) as f64
}
