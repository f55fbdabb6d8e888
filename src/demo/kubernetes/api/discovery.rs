//! What is served, said in the two forms of Kubernetes: the aggregated documents, and the older ones that name each group apart.
//!
//! Only what this cluster answers is named; a real server names far more.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderValue, Response};
use serde_json::{Map, Value, json};

use super::super::json;
use super::super::kind::{Kind, Meta};
use super::super::spec::Crd;
use super::route::Discovery;
use super::status;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A resource that can only be created: the reviews.
struct Review {
    group: &'static str,
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
}

const REVIEWS: [Review; 3] = [
    Review {
        group: "authentication.k8s.io",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        kind: "SelfSubjectReview",
    },
    Review {
        group: "authorization.k8s.io",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        kind: "SelfSubjectAccessReview",
    },
    Review {
        group: "authorization.k8s.io",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        kind: "SelfSubjectRulesReview",
    },
];

/// The groups besides the core, with their versions.
fn groups(crds: &[Crd]) -> Vec<(&'static str, &'static str)> {
    let mut groups = vec![("apps", "v1"), ("authentication.k8s.io", "v1"), ("authorization.k8s.io", "v1")];
    for meta in Kind::ALL.into_iter().filter(|kind| kind.is_served(crds)).map(Kind::meta) {
        if !meta.group.is_empty() && !groups.contains(&(meta.group, meta.version)) {
            groups.push((meta.group, meta.version));
        }
    }
    groups
}

/// The document; none if there is no such group here.
pub(super) fn answer(what: Discovery<'_>, accept: &str, crds: &[Crd]) -> Option<Response<Bytes>> {
    let aggregated = accept.split(',').any(|form| form.replace(' ', "") == AGGREGATED);
    match what {
        Discovery::Core if aggregated => Some(aggregate(&[("", "v1")])),
        Discovery::Groups if aggregated => Some(aggregate(&groups(crds))),
        Discovery::Core => Some(status::ok(&json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443"}],
        }))),
        Discovery::Groups => {
            let groups: Vec<Value> = groups(crds).into_iter().map(|(name, version)| group(name, version)).collect();
            Some(status::ok(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        Discovery::Group(name) => {
            let (name, version) = groups(crds).into_iter().find(|(known, _)| *known == name)?;
            let mut document = group(name, version);
            json::object(&mut document)
                .extend([("kind".to_owned(), json!("APIGroup")), ("apiVersion".to_owned(), json!("v1"))]);
            Some(status::ok(&document))
        }
        Discovery::Resources { group, version } => {
            let known = (group, version) == ("", "v1") || groups(crds).contains(&(group, version));
            known.then(|| status::ok(&resources(group, version)))
        }
    }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn group(name: &str, version: &str) -> Value {
    let version = json!({"groupVersion": group_version(name, version), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn kinds_of(group: &str) -> impl Iterator<Item = &'static Meta> {
    Kind::ALL.into_iter().map(Kind::meta).filter(move |meta| meta.group == group)
}

fn reviews_of(group: &str) -> impl Iterator<Item = &'static Review> {
    REVIEWS.iter().filter(move |review| review.group == group)
}

fn verbs(meta: &Meta) -> Vec<&'static str> {
    let mut verbs = vec!["get", "list", "watch"];
    if meta.writable {
        verbs.extend(["patch", "update"]);
    }
    verbs.sort_unstable();
    verbs
}

fn short_names(resource: &mut Value, meta: &Meta) {
    if !meta.short.is_empty() {
        json::object(resource).insert("shortNames".to_owned(), json!([meta.short]));
    }
}

fn resources(group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for meta in kinds_of(group) {
        let mut resource = json!({
            "name": meta.plural, "singularName": meta.singular, "namespaced": meta.namespaced, "kind": meta.kind,
            "verbs": verbs(meta), "storageVersionHash": meta.storage_hash,
        });
        short_names(&mut resource, meta);
        if meta.in_all {
            json::object(&mut resource).insert("categories".to_owned(), json!(["all"]));
        }
        resources.push(resource);
        if meta.status {
            resources.push(json!({
                "name": format!("{}/status", meta.plural), "singularName": "", "namespaced": meta.namespaced,
                "kind": meta.kind, "verbs": ["get", "patch", "update"],
            }));
        }
    }
    for review in reviews_of(group) {
        resources.push(json!({
            "name": review.plural, "singularName": review.singular, "namespaced": false, "kind": review.kind,
            "verbs": ["create"],
        }));
    }
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": resources,
    })
}

fn aggregate(groups: &[(&str, &str)]) -> Response<Bytes> {
    let items: Vec<Value> = groups.iter().map(|(group, version)| aggregated_group(group, version)).collect();
    let document = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    let mut response = status::ok(&document);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

fn aggregated_group(group: &str, version: &str) -> Value {
    let response_kind = |kind: &str| {
        // The server's own kinds leave out what is the group's; custom ones say it.
        let custom = Crd::ALL.into_iter().any(|set| set.groups().contains(&group));
        let (group, version) = if custom { (group, version) } else { ("", "") };
        json!({"group": group, "version": version, "kind": kind})
    };
    let mut resources = Vec::new();
    for meta in kinds_of(group) {
        let mut resource = json!({
            "resource": meta.plural, "responseKind": response_kind(meta.kind),
            "scope": if meta.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": meta.singular, "verbs": verbs(meta),
        });
        short_names(&mut resource, meta);
        let map = json::object(&mut resource);
        if meta.in_all {
            map.insert("categories".to_owned(), json!(["all"]));
        }
        if meta.status {
            let status = json!({
                "subresource": "status", "responseKind": response_kind(meta.kind), "verbs": ["get", "patch", "update"],
            });
            map.insert("subresources".to_owned(), json!([status]));
        }
        resources.push(resource);
    }
    for review in reviews_of(group) {
        resources.push(json!({
            "resource": review.plural, "responseKind": response_kind(review.kind), "scope": "Cluster",
            "singularResource": review.singular, "verbs": ["create"],
        }));
    }
    let mut metadata = Map::new();
    if !group.is_empty() {
        metadata.insert("name".to_owned(), group.into());
    }
    json!({
        "metadata": metadata,
        "versions": [{"version": version, "resources": resources, "freshness": "Current"}],
    })
}
