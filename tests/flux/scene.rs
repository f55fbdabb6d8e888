//! A cluster that holds these objects: an API server that answers discovery, lists, single objects and access reviews, and writes down
//! what it was asked.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::DateTime;
use futures::{FutureExt, future::BoxFuture};
use holdshort::{
    domain::{offer::Risk, rollout::Rollout, time::Timestamp, verb::Verb},
    port::{
        clock::Clock,
        inventory::Inventory,
        plan::{Ask, Blocked, Draft},
        wire::{Transport, whole},
    },
    provider::kubernetes::{Cluster, Scope},
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::inventory::Listing;

/// When all of it is looked at.
pub(crate) const NOW: &str = "2026-11-30T09:00:00Z";
/// A commit.
pub(crate) const GOOD: &str = "main@sha1:450796ddb2ab6724ee1cc32a4be56da032d1cca0";
/// A later one.
pub(crate) const BAD: &str = "main@sha1:67e2c98a60dc92283531412a9e604dd4bae005a9";

pub(crate) fn at(time: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

/// Time stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        at(NOW)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::pending().boxed()
    }
}

/// What a cluster holds, serves and refuses.
#[derive(Clone, Default)]
pub(crate) struct Holds {
    pub(crate) objects: Vec<Value>,
    /// `kustomize.toolkit.fluxcd.io/v1beta2`.
    pub(crate) versions: Vec<&'static str>,
    /// Plurals that may not be listed.
    pub(crate) hidden: Vec<&'static str>,
    /// May nothing be patched?
    pub(crate) read_only: bool,
    /// The namespaces that are looked at.
    pub(crate) namespaces: Vec<&'static str>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// The versions of a Flux of today.
pub(crate) const TODAY: &[&str] = &[
    "kustomize.toolkit.fluxcd.io/v1",
    "helm.toolkit.fluxcd.io/v2",
    "image.toolkit.fluxcd.io/v1",
    "source.toolkit.fluxcd.io/v1",
];

impl Holds {
    pub(crate) fn these(objects: Vec<Value>) -> Self {
        Self { objects, versions: TODAY.to_vec(), namespaces: vec!["flux-system"], ..Self::default() }
    }

    pub(crate) fn cluster(&self) -> Arc<Cluster> {
        let own = self.clone();
        let transport = Transport::new(tower::service_fn(move |request: Request<Bytes>| {
            own.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
            let (status, body) = own.answer(&request);
            async move { Ok(Response::builder().status(status).body(whole(body)).unwrap()) }
        }));
        let namespaces = self.namespaces.iter().map(|name| (*name).to_owned()).collect();
        Cluster::new(
            transport,
            Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, namespaces),
            Arc::new(Still),
        )
    }

    fn answer(&self, request: &Request<Bytes>) -> (u16, String) {
        let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["apis"] => (200, self.groups().to_string()),
            ["apis", group, version] => {
                let served = format!("{group}/{version}");
                if !self.versions.contains(&served.as_str()) {
                    return (404, "404 page not found\n".to_owned());
                }
                let of = self.objects.iter().filter(|one| one["apiVersion"] == served);
                let names: Vec<Value> = of.map(|one| json!({"name": plural(one)})).collect();
                (200, json!({"kind": "APIResourceList", "resources": names}).to_string())
            }
            [.., last] if last.ends_with("accessreviews") => {
                (201, json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": !self.read_only}}).to_string())
            }
            ["apis", group, version, "namespaces", namespace, kind, rest @ ..] => {
                self.objects_at((&format!("{group}/{version}"), namespace, kind), rest, request.uri().query())
            }
            ["api", "v1", ..] => (200, json!({"kind": "EventList", "metadata": {}, "items": []}).to_string()),
            _ => (404, "404 page not found\n".to_owned()),
        }
    }

    fn groups(&self) -> Value {
        let mut groups: Vec<Value> = Vec::new();
        for served in &self.versions {
            let (name, version) = served.split_once('/').unwrap();
            let version = json!({"groupVersion": served, "version": version});
            match groups.iter_mut().find(|group| group["name"] == name) {
                Some(group) => group["versions"].as_array_mut().unwrap().push(version),
                None => groups.push(json!({"name": name, "versions": [version]})),
            }
        }
        json!({"kind": "APIGroupList", "groups": groups})
    }

    fn objects_at(
        &self,
        (served, namespace, kind): (&str, &str, &str),
        rest: &[&str],
        query: Option<&str>,
    ) -> (u16, String) {
        if !self.versions.contains(&served) {
            return (404, "404 page not found\n".to_owned());
        }
        if self.hidden.contains(&kind) {
            let group = served.split('/').next().unwrap();
            let message = format!(
                "{kind}.{group} is forbidden: User \"viewer\" cannot list resource \"{kind}\" in API group \"{group}\" in the \
                 namespace \"{namespace}\""
            );
            return (403, json!({"kind": "Status", "code": 403, "message": message}).to_string());
        }
        let named =
            query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D"));
        let found = self.objects.iter().filter(|one| {
            let of_kind = one["apiVersion"] == served && plural(one) == kind;
            of_kind
                && one["metadata"]["namespace"] == namespace
                && named.is_none_or(|name| one["metadata"]["name"] == name)
        });
        let found: Vec<&Value> = found.collect();
        match rest {
            [] => {
                let kind = found.first().map_or_else(
                    || format!("{}List", kind.trim_end_matches('s')),
                    |one| format!("{}List", one["kind"].as_str().unwrap()),
                );
                (200, json!({"kind": kind, "metadata": {"resourceVersion": "1"}, "items": found}).to_string())
            }
            [name, ..] => {
                let one = found.iter().find(|one| one["metadata"]["name"] == *name);
                one.map_or((404, json!({"kind": "Status", "code": 404}).to_string()), |one| (200, one.to_string()))
            }
        }
    }

    /// The only rollout that this engine tells of.
    pub(crate) async fn only(&self, of: fn(Arc<Cluster>) -> Arc<dyn Inventory>) -> (Arc<dyn Inventory>, Rollout) {
        let inventory = of(self.cluster());
        let mut all = inventory.rollouts().await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        (inventory, all.remove(0))
    }
}

fn plural(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    kind.strip_suffix('y').map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"))
}

/// What a verb would do.
pub(crate) fn drafted(inventory: &dyn Inventory, rollout: &Rollout, verb: Verb) -> Result<Draft, Blocked> {
    inventory.draft_for(rollout, &Ask::new(verb, rollout.id.clone()))
}

/// An object of Flux, with what its metadata needs.
pub(crate) fn object(version: &str, kind: &str, name: &str, spec: Value, status: Value) -> Value {
    let mut object = json!({
        "apiVersion": version, "kind": kind,
        "metadata": {
            "name": name, "namespace": "flux-system", "uid": format!("uid-{name}"), "generation": 3, "resourceVersion": "41",
            "creationTimestamp": "2026-11-01T09:00:00Z",
        },
    });
    (object["spec"], object["status"]) = (spec, status);
    object
}

pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 3,
        "lastTransitionTime": "2026-11-30T08:00:00Z",
    })
}

/// A repository of git that holds this.
pub(crate) fn git(revision: &str) -> Value {
    let ready = condition("Ready", "True", "Succeeded", &format!("stored artifact for revision '{revision}'"));
    object(
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "shop",
        json!({"interval": "1m0s", "url": "ssh://git@git.shop.example/shop"}),
        json!({"observedGeneration": 3, "conditions": [ready], "artifact": {"revision": revision}}),
    )
}

/// A Kustomization that says this.
pub(crate) fn kustomization(status: Value) -> Value {
    let spec = json!({
        "interval": "10m0s", "timeout": "2m0s", "path": "./prod/checkout", "prune": true,
        "sourceRef": {"kind": "GitRepository", "name": "shop"},
    });
    object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "checkout", spec, status)
}

/// One that is well.
pub(crate) fn settled() -> Value {
    let ready = condition("Ready", "True", "ReconciliationSucceeded", &format!("Applied revision: {GOOD}"));
    kustomization(json!({
        "observedGeneration": 3, "conditions": [ready], "lastAppliedRevision": GOOD, "lastAttemptedRevision": GOOD,
        "lastHandledReconcileAt": "2026-11-29T09:00:00Z",
        "inventory": {"entries": [
            {"id": "shop_checkout_apps_Deployment", "v": "v1"}, {"id": "shop_checkout__Service", "v": "v1"},
        ]},
    }))
}

/// The same, suspended by kim three days ago.
pub(crate) fn suspended() -> Value {
    let mut object = settled();
    object["spec"]["suspend"] = true.into();
    object["metadata"]["managedFields"] = json!([{
        "manager": "kim", "operation": "Update", "time": "2026-11-27T09:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:suspend": {}}},
    }]);
    object
}
