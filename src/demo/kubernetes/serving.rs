//! Who serves a service: what the measurements of the world are made from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::control::{Plane, is_ready, tag_of};
use super::json;
use super::kind::Kind;
use super::store::Key;
use crate::demo::traffic::{Arm, Serving};

pub(super) fn serving(cell: &str, plane: &Plane) -> Vec<Serving> {
    let workloads = [Kind::Rollout, Kind::Deployment].into_iter().flat_map(|kind| plane.store.list(kind, None));
    workloads
        .map(|(key, workload)| Serving {
            cell: cell.to_owned(),
            namespace: key.namespace.clone(),
            service: key.name.clone(),
            arms: arms(plane, key, workload),
        })
        .collect()
}

fn arms(plane: &Plane, key: &Key, workload: &Value) -> Vec<Arm> {
    let mut by_hash: BTreeMap<String, Arm> = BTreeMap::new();
    let pods = plane.store.starting(Kind::Pod, &key.namespace, &format!("{}-", key.name));
    for (pod_key, pod) in pods {
        let hash = ["rollouts-pod-template-hash", "pod-template-hash"].into_iter().find_map(|l| json::label(&pod, l));
        let ours = json::label(&pod, "app") == Some(&key.name);
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
    let ready: usize = arms.iter().map(|arm| arm.pods.len()).sum();
    for arm in &mut arms {
        arm.share = match weights {
            Some(weights) => routed_share(weights, &arm.hash),
            None => arm.pods.len() as f64 / ready.max(1) as f64,
        };
    }
    arms.retain(|arm| arm.share > 0.0);
    // A router that points at a version without a ready pod sends its part nowhere; what is served is served by the rest.
    let total: f64 = arms.iter().map(|arm| arm.share).sum();
    for arm in &mut arms {
        arm.share /= total;
    }
    arms
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
