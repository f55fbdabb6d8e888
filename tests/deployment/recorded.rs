//! Recorded replies, and an API server that gives them.

use holdshort::port::inventory::Inventory;
use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::DateTime;
use futures::future::BoxFuture;
use holdshort::{
    domain::{offer::Risk, rollout::Rollout, time::Timestamp},
    port::{
        clock::Clock,
        wire::{Transport, whole},
    },
    provider::{
        deployment::{self, api::Deployment, normalize},
        kubernetes::{Cluster, Scope, api::ReplicaSet, facade::View},
    },
};
use http::{Request, Response};
use serde_json::{Value, json};

pub(crate) fn recorded(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/kubernetes/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A recorded Deployment, and the recorded list with the ReplicaSets that it had then.
pub(crate) type State = (&'static str, &'static str);

/// 1.5.0 on its way over 1.4.0.
pub(crate) const MOVING: State = ("deployment-get-progressing", "replicasets-of-web-at-329");
/// 1.6.0-crash stuck over 1.5.0.
pub(crate) const STUCK: State = ("deployment-get-progress-deadline-exceeded", "replicasets-list-three-revisions");
/// The same, paused.
pub(crate) const PAUSED: State = ("deployment-get-paused", "replicasets-list-three-revisions");
/// 1.5.0 back, under a new number.
pub(crate) const BACK: State = ("rollback-4-after", "rollback-5-replicasets-after");

pub(crate) fn at(time: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

fn scope() -> Scope {
    Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, vec!["shop".into()])
}

/// A Deployment in the domain's words.
pub(crate) fn seen(deployment: Value, sets: &Value) -> Rollout {
    let object: Deployment = serde_json::from_value(deployment).unwrap();
    let sets: Option<Vec<ReplicaSet>> = serde_json::from_value(sets["items"].clone()).unwrap();
    let sets = sets.unwrap_or_default();
    let scope = scope();
    let sets = sets.iter().collect();
    let view = View { sets, denied: vec![None], ..View::of(&scope, &object) };
    normalize::rollout(&view)
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

fn answer(path: &str, deployment: &Value, sets: &Value) -> Value {
    match path.rsplit('/').next() {
        Some("deployments") => {
            json!({"kind": "DeploymentList", "metadata": {"resourceVersion": "1"}, "items": [deployment]})
        }
        Some("web") => deployment.clone(),
        Some("replicasets") => sets.clone(),
        Some("selfsubjectaccessreviews") => json!({"status": {"allowed": true}}),
        Some("pods") => json!({"kind": "PodList", "metadata": {}, "items": []}),
        _ => json!({"kind": "EventList", "metadata": {}, "items": []}),
    }
}

/// The engine over a server that holds this Deployment with these ReplicaSets.
pub(crate) fn facet(deployment: Value, sets: Value) -> Arc<dyn Inventory> {
    let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let body = answer(request.uri().path(), &deployment, &sets).to_string();
        async move { Ok(Response::new(whole(body))) }
    }));
    deployment::facet(Cluster::new(transport, scope(), Arc::new(Still)))
}
