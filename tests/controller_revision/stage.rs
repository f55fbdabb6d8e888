//! An API server that holds a workload with its `ControllerRevisions` and pods.
//!
//! The objects are after Kubernetes' documentation: `web` of "`StatefulSet` Basics", `fluentd-elasticsearch` of "Perform a Rollback on a
//! `DaemonSet`", with what `kubectl get -o json` shows of them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::DateTime;
use futures::future::BoxFuture;
use holdshort::{
    domain::{offer::Risk, rollout::Rollout, time::Timestamp},
    port::{
        clock::Clock,
        inventory::Inventory,
        wire::{Transport, whole},
    },
    provider::{
        controller_revision::{daemon_sets, stateful_sets},
        kubernetes::{Cluster, Scope},
    },
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::inventory::Listing;

pub(crate) const UID: &str = "5e3c8b9a-4a3b-4b8e-9a57-0f0d8ad0c0de";
pub(crate) const OLD: &str = "web-7b5d4f6c9d";
pub(crate) const NEW: &str = "web-65f5b9d7c4";

pub(crate) fn at(time: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

/// Time stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        at("2026-11-21T06:15:25Z")
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// What a cluster holds.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) stateful: Option<Value>,
    pub(crate) daemon: Option<Value>,
    pub(crate) revisions: Vec<Value>,
    pub(crate) pods: Vec<Value>,
}

fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": app, "image": image, "ports": [{"containerPort": 80, "name": "web"}]}]}})
}

/// A version as the controller keeps it.
fn revision(name: &str, number: u64, app: &str, image: &str, made: &str) -> Value {
    let mut kept = template(app, image);
    kept["$patch"] = "replace".into();
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "creationTimestamp": made,
            "labels": {"app": app, "controller.kubernetes.io/hash": name.rsplit('-').next(),
                "controller-revision-hash": name.rsplit('-').next()},
            "ownerReferences": [{"uid": UID, "controller": true, "kind": "StatefulSet", "name": app}]},
        "data": {"spec": {"template": kept}},
        "revision": number,
    })
}

pub(crate) fn pod(name: &str, hash: &str, ready: bool) -> Value {
    let ready = if ready { "True" } else { "False" };
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "labels": {"controller-revision-hash": hash},
            "ownerReferences": [{"uid": UID, "controller": true}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready,
            "lastTransitionTime": "2026-11-21T06:10:00Z", "reason": "ContainersNotReady",
            "message": "containers with unready status: [nginx]"}]},
    })
}

/// `web` with so many pods of the new version, of `ready` that are ready.
pub(crate) fn web(replicas: u32, updated: u32, ready: u32, partition: u32) -> Held {
    let moving = updated < replicas;
    let stateful = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": UID, "generation": 2, "resourceVersion": "812"},
        "spec": {
            "replicas": replicas, "serviceName": "nginx", "selector": {"matchLabels": {"app": "nginx"}},
            "template": template("nginx", "registry.k8s.io/nginx-slim:0.24"),
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}},
        },
        "status": {
            "observedGeneration": 2, "replicas": replicas, "readyReplicas": ready, "availableReplicas": ready,
            "currentReplicas": replicas - updated, "updatedReplicas": updated,
            "currentRevision": if moving { OLD } else { NEW }, "updateRevision": NEW,
        },
    });
    let revisions = vec![
        revision("web-5d8c79f58b", 1, "nginx", "registry.k8s.io/nginx-slim:0.18", "2026-11-01T06:00:00Z"),
        revision(OLD, 2, "nginx", "registry.k8s.io/nginx-slim:0.21", "2026-11-10T06:00:00Z"),
        revision(NEW, 3, "nginx", "registry.k8s.io/nginx-slim:0.24", "2026-11-21T06:08:00Z"),
    ];
    // Pods are exchanged from the last one down, and the last one that was is the first that may not be ready.
    let of = |number: u32| {
        let hash = if number + updated >= replicas { NEW } else { OLD };
        pod(&format!("web-{number}"), hash, ready == replicas || number + updated != replicas)
    };
    Held { stateful: Some(stateful), revisions, pods: (0..replicas).map(of).collect(), ..Held::default() }
}

/// `fluentd-elasticsearch` on so many nodes.
pub(crate) fn fluentd(nodes: u32, updated: u32, ready: u32) -> Held {
    let name = "fluentd-elasticsearch";
    let daemon = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "shop", "uid": UID, "generation": 2, "resourceVersion": "900"},
        "spec": {
            "selector": {"matchLabels": {"app": "fluentd"}}, "template": template("fluentd", "quay.io/fluentd:v5.0.1"),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        },
        "status": {
            "observedGeneration": 2, "currentNumberScheduled": nodes, "desiredNumberScheduled": nodes, "numberMisscheduled": 0,
            "numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": updated,
        },
    });
    let revisions = vec![
        revision("fluentd-elasticsearch-54c8f5b7f", 1, "fluentd", "quay.io/fluentd:v2.5.1", "2026-11-01T06:00:00Z"),
        revision("fluentd-elasticsearch-7d9c6cb68", 2, "fluentd", "quay.io/fluentd:v5.0.1", "2026-11-21T06:08:00Z"),
    ];
    let of = |number: u32| {
        let hash = if number < updated { "7d9c6cb68" } else { "54c8f5b7f" };
        pod(&format!("{name}-{number}"), hash, ready == nodes || number + 1 != updated)
    };
    Held { daemon: Some(daemon), revisions, pods: (0..nodes).map(of).collect(), ..Held::default() }
}

fn answer(path: &str, held: &Held) -> Value {
    let list = |kind: &str, items: &[Value]| json!({"kind": format!("{kind}List"), "metadata": {"resourceVersion": "1"}, "items": items});
    let of = |one: &Option<Value>| one.clone().into_iter().collect::<Vec<_>>();
    match path.rsplit('/').next() {
        Some("statefulsets") => list("StatefulSet", &of(&held.stateful)),
        Some("daemonsets") => list("DaemonSet", &of(&held.daemon)),
        Some("controllerrevisions") => list("ControllerRevision", &held.revisions),
        Some("web") => held.stateful.clone().unwrap(),
        Some("fluentd-elasticsearch") => held.daemon.clone().unwrap(),
        Some("pods") => list("Pod", &held.pods),
        Some("selfsubjectaccessreviews") => json!({"status": {"allowed": true}}),
        _ => list("Event", &[]),
    }
}

/// The engine over a server that holds this.
pub(crate) fn facet(held: &Held) -> Arc<dyn Inventory> {
    let (held, is_daemon) = (held.clone(), held.daemon.is_some());
    let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let body = answer(request.uri().path(), &held).to_string();
        async move { Ok(Response::new(whole(body))) }
    }));
    let scope = Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, vec!["shop".into()]);
    let cluster = Cluster::new(transport, scope, Arc::new(Still));
    if is_daemon { daemon_sets(cluster) } else { stateful_sets(cluster) }
}

/// What it is in our words.
pub(crate) async fn seen(held: &Held) -> Rollout {
    facet(held).rollouts().await.unwrap().remove(0)
}
