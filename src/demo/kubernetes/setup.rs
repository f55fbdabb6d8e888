//! The cluster before the scenario starts: every release of the history is really rolled out by the controllers, in its time, so
//! that ReplicaSets, revisions and conditions are what such a history leaves behind.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::control::{Plane, complete_template};
use super::fields::{self, Author};
use super::json;
use super::kind::Kind;
use super::spec::{ClusterSpec, Crd, DeploymentSpec, HeldSpec, Release, RolloutSpec, Router};
use super::store::Key;
use crate::domain::time::Timestamp;

/// Something of the history.
#[derive(Debug)]
enum Past<'s> {
    Rollout(&'s RolloutSpec, usize),
    /// A Rollout that has reached its last release gets its steps.
    Steps(&'s RolloutSpec),
    Deployment(&'s DeploymentSpec, usize),
}

pub(super) fn populate(plane: &mut Plane, spec: &ClusterSpec, start: Timestamp) {
    let mut past: Vec<(Timestamp, Past<'_>)> = Vec::new();
    if spec.crds.contains(&Crd::Argo) {
        for rollout in &spec.rollouts {
            let times = times(&rollout.history, start);
            past.extend(times.last().map(|time| (steps_after(*time, start), Past::Steps(rollout))));
            past.extend(times.into_iter().enumerate().map(|(at, time)| (time, Past::Rollout(rollout, at))));
        }
    }
    for deployment in &spec.deployments {
        let times = times(&deployment.history, start).into_iter().enumerate();
        past.extend(times.map(|(at, time)| (time, Past::Deployment(deployment, at))));
    }
    past.sort_by_key(|(time, _)| *time);
    let first = past.first().map_or(start, |(time, _)| *time);
    for namespace in ["default", "kube-system"].into_iter().chain(spec.namespaces.iter().map(String::as_str)) {
        plane.ensure_namespace(first - TimeDelta::days(30), namespace);
    }
    for (kind, held) in
        spec.config_maps.iter().map(|it| (Kind::ConfigMap, it)).chain(spec.secrets.iter().map(|it| (Kind::Secret, it)))
    {
        plane.ensure_namespace(first, &held.namespace);
        hold(plane, (first, start), kind, held);
    }
    for (time, past) in past {
        plane.advance(time);
        match past {
            Past::Rollout(spec, at) => release_rollout(plane, time, spec, at),
            Past::Steps(spec) => add_steps(plane, time, spec),
            Past::Deployment(spec, at) => release_deployment(plane, time, spec, at),
        }
    }
    plane.advance(start);
}

/// Makes a ConfigMap or a Secret.
fn hold(plane: &mut Plane, (now, start): (Timestamp, Timestamp), kind: Kind, spec: &HeldSpec) {
    let key = Key::new(kind, &spec.namespace, &spec.name);
    let ago = spec.ago.and_then(|ago| TimeDelta::from_std(ago).ok()).unwrap_or_else(|| TimeDelta::days(7));
    let at = start.checked_sub_signed(ago).unwrap_or(start);
    let value = |text: &String| if kind == Kind::Secret { BASE64_STANDARD.encode(text) } else { text.clone() };
    let data: Map<String, Value> = spec.data.iter().map(|(key, text)| (key.clone(), value(text).into())).collect();
    let meta = kind.meta();
    let mut object = json!({
        "apiVersion": kind.api_version(), "kind": meta.kind,
        "metadata": {
            "name": key.name, "namespace": key.namespace, "creationTimestamp": json::stamp(at),
            "uid": plane.seed.uid(&[meta.plural, &key.namespace, &key.name]),
        },
        "data": data,
    });
    if kind == Kind::Secret {
        json::object(&mut object).insert("type".to_owned(), "Opaque".into());
    }
    fields::enter(&json!({}), &mut object, Author { manager: &spec.by, subresource: None }, at);
    plane.put(now, &key, object);
}

/// When each release was made: as it says, or a day apart, the last one a day before the start; never before the one before it.
fn times(history: &[Release], start: Timestamp) -> Vec<Timestamp> {
    let mut times = Vec::new();
    let mut latest = start;
    for (back, release) in history.iter().rev().enumerate() {
        let days = TimeDelta::days(i64::try_from(back + 1).unwrap_or(1));
        let ago = release.ago.and_then(|ago| TimeDelta::from_std(ago).ok()).unwrap_or(days);
        let time = start.checked_sub_signed(ago).unwrap_or(Timestamp::MIN_UTC).min(latest);
        latest = time - TimeDelta::hours(1);
        times.push(time);
    }
    times.reverse();
    times
}

fn release_rollout(plane: &mut Plane, now: Timestamp, spec: &RolloutSpec, at: usize) {
    let Some(release) = spec.history.get(at) else { return };
    plane.ensure_namespace(now, &spec.namespace);
    let key = Key::new(Kind::Rollout, &spec.namespace, &spec.name);
    let pods = pod_template((&spec.name, &spec.container, &spec.image), (&spec.env, &spec.env_from), release);
    let Some(known) = plane.store.get(&key).cloned() else {
        let mut object = workload(plane, now, &key);
        let mut canary = json!({});
        let map = json::object(&mut canary);
        if let Some(router) = spec.traffic_router {
            map.insert("canaryService".to_owned(), format!("{}-canary", spec.name).into());
            map.insert("stableService".to_owned(), format!("{}-stable", spec.name).into());
            map.insert("trafficRouting".to_owned(), routing(router, &spec.name));
        }
        for (name, value) in [("maxSurge", &spec.max_surge), ("maxUnavailable", &spec.max_unavailable)] {
            map.extend(value.clone().map(|value| (name.to_owned(), value)));
        }
        let specification = json::child(&mut object, "spec");
        specification.insert("strategy".to_owned(), json!({"canary": canary}));
        specification.insert("replicas".to_owned(), spec.replicas.into());
        specification.insert("template".to_owned(), pods);
        specification.extend(
            spec.progress_deadline_seconds.map(|seconds| ("progressDeadlineSeconds".to_owned(), seconds.into())),
        );
        plane.put(now, &key, object);
        return;
    };
    replace_template(plane, now, &key, &known, pods);
}

/// History is rolled out without steps: nobody was there to promote. What was released last gets them when it has settled.
fn steps_after(release: Timestamp, start: Timestamp) -> Timestamp {
    (release + TimeDelta::minutes(10)).min(start - TimeDelta::seconds(30)).max(release)
}

fn add_steps(plane: &mut Plane, now: Timestamp, spec: &RolloutSpec) {
    let key = Key::new(Kind::Rollout, &spec.namespace, &spec.name);
    let Some(known) = plane.store.get(&key).cloned() else { return };
    if spec.steps.is_empty() && spec.background_analysis.is_empty() {
        return;
    }
    let mut object = (*known).clone();
    if let Some(Value::Object(canary)) = object.pointer_mut("/spec/strategy/canary") {
        if !spec.steps.is_empty() {
            canary.insert("steps".to_owned(), spec.steps.clone().into());
        }
        if !spec.background_analysis.is_empty() {
            let templates: Vec<Value> =
                spec.background_analysis.iter().map(|name| json!({"templateName": name})).collect();
            canary.insert("analysis".to_owned(), json!({"templates": templates}));
        }
    }
    next_generation(&known, &mut object);
    plane.put(now, &key, object);
}

fn release_deployment(plane: &mut Plane, now: Timestamp, spec: &DeploymentSpec, at: usize) {
    let Some(release) = spec.history.get(at) else { return };
    plane.ensure_namespace(now, &spec.namespace);
    let key = Key::new(Kind::Deployment, &spec.namespace, &spec.name);
    let pods = complete_template(&pod_template(
        (&spec.name, &spec.container, &spec.image),
        (&spec.env, &spec.env_from),
        release,
    ));
    if let Some(known) = plane.store.get(&key).cloned() {
        return replace_template(plane, now, &key, &known, pods);
    }
    let mut object = workload(plane, now, &key);
    let specification = json::child(&mut object, "spec");
    for (name, value) in [
        ("replicas", spec.replicas.into()),
        ("template", pods),
        ("strategy", json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})),
        ("revisionHistoryLimit", 10.into()),
        ("progressDeadlineSeconds", spec.progress_deadline_seconds.unwrap_or(600).into()),
    ] {
        specification.insert(name.to_owned(), value);
    }
    plane.put(now, &key, object);
}

fn replace_template(plane: &mut Plane, now: Timestamp, key: &Key, known: &Value, pods: Value) {
    let mut object = known.clone();
    json::child(&mut object, "spec").insert("template".to_owned(), pods);
    next_generation(known, &mut object);
    plane.put(now, key, object);
}

fn next_generation(known: &Value, object: &mut Value) {
    let generation = json::number(known, "/metadata/generation").unwrap_or_default() + 1;
    json::child(object, "metadata").insert("generation".to_owned(), generation.into());
}

/// What all workloads have in common.
fn workload(plane: &Plane, now: Timestamp, key: &Key) -> Value {
    let meta = key.kind.meta();
    let labels = json!({"app": key.name, "app.kubernetes.io/name": key.name});
    json!({
        "apiVersion": key.kind.api_version(), "kind": meta.kind,
        "metadata": {
            "name": key.name, "namespace": key.namespace, "generation": 1, "creationTimestamp": json::stamp(now),
            "uid": plane.seed.uid(&[meta.plural, &key.namespace, &key.name]), "labels": labels,
        },
        "spec": {"selector": {"matchLabels": {"app": key.name}}},
    })
}

/// Pods of a release. Version and commit are on the pods, so that whoever sees a pod can tell what runs in it.
fn pod_template(
    (name, container, image): (&str, &str, &str),
    (env, env_from): (&[Value], &[Value]),
    release: &Release,
) -> Value {
    let mut template = json!({
        "metadata": {
            "labels": {"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/version": release.tag},
            "annotations": {"holdshort.dev/commit": release.commit},
        },
        "spec": {"containers": [{
            "name": container, "image": format!("{image}:{}", release.tag),
            "ports": [{"containerPort": 8080, "protocol": "TCP"}], "resources": {},
        }]},
    });
    if let Some(Value::Object(container)) = template.pointer_mut("/spec/containers/0") {
        for (name, given) in [("env", env), ("envFrom", env_from)] {
            if !given.is_empty() {
                container.insert(name.to_owned(), given.into());
            }
        }
    }
    template
}

fn routing(router: Router, name: &str) -> Value {
    let mut routing = Map::new();
    match router {
        Router::Nginx => routing.insert("nginx".to_owned(), json!({"stableIngress": name})),
        Router::Istio => routing.insert("istio".to_owned(), json!({"virtualService": {"name": name}})),
    };
    Value::Object(routing)
}
