//! An API server that holds a bag of objects as they are and grants everything: lists by kind and namespace, single ones by name.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::DateTime;
use futures::{FutureExt, future::BoxFuture};
use holdshort::{
    domain::{offer::Risk, time::Timestamp},
    port::{
        clock::Clock,
        inventory::Inventory,
        wire::{Transport, whole},
    },
    provider::kubernetes::{Cluster, Scope},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::{State, inventory::Listing as _};

/// A recorded reply.
pub(crate) fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/kubernetes/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The objects of a recorded list, each with the kind and version that a list leaves out.
pub(crate) fn items(name: &str) -> Vec<Value> {
    let list = recorded(name);
    let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
    let version = list["apiVersion"].clone();
    let mut all = list["items"].as_array().cloned().unwrap_or_default();
    for one in all.iter_mut().filter(|one| one.get("kind").is_none()) {
        (one["kind"], one["apiVersion"]) = (json!(kind), version.clone());
    }
    all
}

/// Time stands still.
#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::pending().boxed()
    }
}

/// Is this what a list of such objects is called in a path: `replicasets`, `canaries`?
fn is_plural(kind: &str, plural: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let ending = kind.strip_suffix('y').map(|stem| format!("{stem}ies"));
    [Some(format!("{kind}s")), Some(format!("{kind}es")), ending].iter().flatten().any(|one| one == plural)
}

/// The objects with this label selector, as far as this one reads it: `a=b`, `a`.
fn selected(one: &Value, selector: &str) -> bool {
    let label = |key: &str| one["metadata"]["labels"][key].as_str();
    selector.split(',').filter(|part| !part.is_empty()).all(|part| match part.split_once('=') {
        Some((key, value)) => label(key) == Some(value),
        None if part.contains(' ') => true,
        None => label(part).is_some(),
    })
}

fn answer(objects: &[Value], request: &Request<Bytes>) -> (u16, Value) {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    if path.last().is_some_and(|last| last.ends_with("accessreviews")) {
        return (201, json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": true}}));
    }
    let Some(at) = path.iter().position(|part| *part == "namespaces") else {
        return (404, json!({"kind": "Status", "code": 404}));
    };
    let (plural, name) = (path.get(at + 2).copied().unwrap_or_default(), path.get(at + 3));
    let query = request.uri().query().unwrap_or_default();
    let parameter = |key: &str| {
        let mut all = query.split('&').filter_map(|pair| pair.split_once('='));
        all.find(|(known, _)| *known == key)
            .map(|(_, value)| value.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/"))
    };
    let of_kind = |one: &&Value| is_plural(one["kind"].as_str().unwrap_or_default(), plural);
    if let Some(name) = name {
        let found = objects.iter().filter(of_kind).find(|one| one["metadata"]["name"] == **name);
        return found
            .map_or((404, json!({"kind": "Status", "code": 404, "message": "not found"})), |one| (200, one.clone()));
    }
    let selector = parameter("labelSelector").unwrap_or_default();
    let named = parameter("fieldSelector").and_then(|field| field.strip_prefix("metadata.name=").map(str::to_owned));
    let found: Vec<&Value> = objects
        .iter()
        .filter(of_kind)
        .filter(|one| selected(one, &selector))
        .filter(|one| named.as_ref().is_none_or(|name| one["metadata"]["name"] == **name))
        .collect();
    // What has none of a kind knows it by its plural only.
    let kind = format!("{}List", plural.trim_end_matches('s'));
    let list = json!({"kind": kind, "metadata": {"resourceVersion": "1"}, "items": found});
    (200, list)
}

/// A cluster that holds these, looked at at this moment.
pub(crate) fn holding(objects: Vec<Value>, now: &str) -> Arc<Cluster> {
    let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
        let (status, body) = answer(&objects, &request);
        async move { Ok(Response::builder().status(status).body(whole(body.to_string())).unwrap()) }
    }));
    let scope = Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, vec!["shop".into()]);
    Cluster::new(transport, scope, Arc::new(Still(DateTime::parse_from_rfc3339(now).unwrap().to_utc())))
}

/// The object of this name as its engine tells of it, among these.
pub(crate) async fn state(
    name: &'static str,
    facet: fn(Arc<Cluster>) -> Arc<dyn Inventory>,
    of: &str,
    objects: Vec<Value>,
) -> State {
    let inventory = facet(holding(objects, "2026-11-21T06:22:00Z"));
    let all = inventory.rollouts().await.unwrap_or_else(|error| panic!("{name}: {}", error.text));
    let path = format!("shop/{of}");
    let rollout = all.into_iter().find(|rollout| rollout.id.path == path);
    State { name, item: rollout.unwrap_or_else(|| panic!("{name}: no {path}")).into(), inventory }
}
