//! An API server that holds a Canary and what is around it as they are, after upstream's documented YAML (`docs/gitbook`), and a load
//! tester behind it.

use std::sync::Arc;

use bytes::Bytes;
use holdshort::{
    domain::{offer::Risk, rollout::Rollout},
    port::{
        inventory::Inventory,
        wire::{Transport, whole},
    },
    provider::{
        flagger,
        kubernetes::{Cluster, Scope},
    },
    runtime::clock::VirtualClock,
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::inventory::Listing;

/// What is there, and what the server says instead of it.
#[derive(Clone, Debug)]
pub(crate) struct Bag {
    pub(crate) objects: Vec<Value>,
    /// Is the gate open?
    pub(crate) open: bool,
    /// Plurals (`services/proxy` too) that may not be read.
    pub(crate) forbidden: Vec<&'static str>,
    /// Plurals that the server does not know.
    pub(crate) unknown: Vec<&'static str>,
}

const CHECK: &str = "http://flagger-loadtester.shop/gate/check";

/// `podinfo` with two versions: 6.1.0 was promoted, the target holds another one. `status` is the Canary's.
pub(crate) fn podinfo(target: &str, primary: &str, status: &Value) -> Bag {
    let canary = json!({
        "apiVersion": "flagger.app/v1beta1", "kind": "Canary",
        "metadata": {"name": "podinfo", "namespace": "shop", "uid": "c1", "generation": 3, "resourceVersion": "9"},
        "spec": {
            "provider": "gatewayapi:v1", "progressDeadlineSeconds": 60,
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "podinfo"},
            "service": {"port": 9898},
            "analysis": {
                "interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10,
                "webhooks": [
                    {"name": "start", "type": "confirm-rollout", "url": CHECK},
                    {"name": "more", "type": "confirm-traffic-increase", "url": CHECK},
                    {"name": "promotion", "type": "confirm-promotion", "url": CHECK},
                ],
            },
        },
        "status": status,
    });
    let mut objects = vec![canary, route(30)];
    objects.extend(deployment("podinfo", target, &[("6.1.0", 0), (target, 2)]));
    objects.extend(deployment("podinfo-primary", primary, &[("6.1.0", 2), (primary, 2)]));
    Bag { objects, open: false, forbidden: Vec::new(), unknown: Vec::new() }
}

pub(crate) fn route(canary: u32) -> Value {
    let backend = |name: &str, weight: u32| json!({"name": name, "port": 9898, "weight": weight});
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "podinfo", "namespace": "shop"},
        "spec": {"rules": [{"backendRefs": [backend("podinfo-primary", 100 - canary), backend("podinfo-canary", canary)]}]},
    })
}

fn template(name: &str, tag: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "podinfod", "image": format!("ghcr.io/stefanprodan/podinfo:{tag}")}]},
    })
}

/// A Deployment and its ReplicaSets, oldest first, each with its pods; a tag that comes twice is one set.
fn deployment(name: &str, holds: &str, sets: &[(&str, u32)]) -> Vec<Value> {
    let replicas = sets.iter().filter(|(tag, _)| *tag == holds).map(|(_, pods)| pods).max().copied().unwrap_or(0);
    let mut all = vec![json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "5"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template(name, holds)},
        "status": {"availableReplicas": replicas},
    })];
    let mut seen: Vec<&str> = Vec::new();
    for (index, (tag, pods)) in sets.iter().enumerate() {
        if seen.contains(tag) {
            continue;
        }
        seen.push(tag);
        let hash = format!("{}{}", tag.replace('.', ""), name.len());
        let mut template = template(name, tag);
        template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let labels = template["metadata"]["labels"].clone();
        all.push(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{name}-{hash}"), "namespace": "shop", "uid": format!("uid-{name}-{hash}"), "labels": labels,
                "annotations": {"deployment.kubernetes.io/revision": (index + 1).to_string()},
                "creationTimestamp": format!("2026-03-10T09:0{index}:00Z"),
                "ownerReferences": [{"uid": format!("uid-{name}"), "controller": true}],
            },
            "spec": {"replicas": pods, "template": template},
            "status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods},
        }));
    }
    all
}

/// A warning of Flagger's about the canary.
pub(crate) fn event(message: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "podinfo.1", "namespace": "shop"}, "type": "Warning",
        "reason": "Synced", "message": message, "lastTimestamp": "2026-03-10T09:30:00Z", "involvedObject": {"uid": "c1"},
    })
}

impl Bag {
    /// Changes the Canary.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.objects[0]);
        self
    }

    /// The same with one object more, or in place of one of the same kind and name.
    pub(crate) fn and(mut self, object: Value) -> Self {
        let same =
            |one: &Value| (&one["kind"], &one["metadata"]["name"]) == (&object["kind"], &object["metadata"]["name"]);
        self.objects.retain(|one| !same(one));
        self.objects.push(object);
        // The Canary stays in front.
        self.objects.sort_by_key(|one| one["kind"] != "Canary");
        self
    }

    pub(crate) fn without(mut self, kind: &str, name: &str) -> Self {
        self.objects.retain(|one| !(one["kind"] == kind && one["metadata"]["name"] == name));
        self
    }

    pub(crate) fn inventory(&self) -> Arc<dyn Inventory> {
        let bag = self.clone();
        let wire = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
            let (status, body) = bag.answer(&request);
            async move { Ok(Response::builder().status(status).body(whole(body)).unwrap()) }
        }));
        let scope = Scope::new("eu".into(), "prod/eu".into(), Risk::High, vec!["shop".to_owned()]);
        let clock = VirtualClock::starting_at("2026-03-10T10:00:00Z".parse().unwrap());
        flagger::facet(Cluster::new(wire, scope, Arc::new(clock)))
    }

    /// The canary, as the engine tells of it.
    pub(crate) async fn rollout(&self) -> Rollout {
        self.inventory().rollouts().await.unwrap().remove(0)
    }

    fn answer(&self, request: &Request<Bytes>) -> (u16, String) {
        let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
        if path.last().is_some_and(|last| last.ends_with("accessreviews")) {
            return (201, json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": true}}).to_string());
        }
        let at = path.iter().position(|part| *part == "namespaces").unwrap();
        let (plural, name) = (path[at + 2], path.get(at + 3));
        let full = if path.contains(&"proxy") { "services/proxy" } else { plural };
        if self.unknown.contains(&plural) {
            return (404, "404 page not found\n".to_owned());
        }
        if self.forbidden.contains(&full) {
            let verb = if full == "services/proxy" {
                "create"
            } else if name.is_some() {
                "get"
            } else {
                "list"
            };
            let group = if path[0] == "api" { "" } else { path[1] };
            let message = format!(
                "x is forbidden: User \"dana\" cannot {verb} resource \"{full}\" in API group \"{group}\" in the namespace \"shop\""
            );
            return (403, json!({"kind": "Status", "code": 403, "message": message}).to_string());
        }
        if full == "services/proxy" {
            return if self.open { (200, "Approved".to_owned()) } else { (403, "Forbidden".to_owned()) };
        }
        let kind = match plural {
            "canaries" => "Canary",
            "deployments" => "Deployment",
            "replicasets" => "ReplicaSet",
            "httproutes" => "HTTPRoute",
            "events" => "Event",
            _ => "Pod",
        };
        let found: Vec<&Value> = self.objects.iter().filter(|one| one["kind"] == kind).collect();
        match name {
            None => (
                200,
                json!({"kind": format!("{kind}List"), "metadata": {"resourceVersion": "1"}, "items": found})
                    .to_string(),
            ),
            Some(name) => found.into_iter().find(|one| one["metadata"]["name"] == **name).map_or_else(
                || {
                    (
                        404,
                        json!({"kind": "Status", "code": 404, "message": format!("{plural} \"{name}\" not found")})
                            .to_string(),
                    )
                },
                |one| (200, one.to_string()),
            ),
        }
    }
}
