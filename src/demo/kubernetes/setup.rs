//! The cluster before the scenario starts: every release of the history is really rolled out by the controllers, in its time, so
//! that ReplicaSets, revisions and conditions are what such a history leaves behind.

pub(super) mod flux;

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::control::{Plane, complete_template};
use super::fields::{self, Author};
use super::json;
use super::kind::Kind;
use super::spec::{
    CanarySpec, ClusterSpec, Crd, DaemonSetSpec, DeploymentSpec, HeldSpec, Release, RolloutSpec, Router, ServiceSpec,
    StatefulSetSpec,
};
use super::store::Key;
use crate::domain::time::Timestamp;

/// Something of the history.
#[derive(Debug)]
enum Past<'s> {
    Rollout(&'s RolloutSpec, usize),
    /// A Rollout that has reached its last release gets its steps.
    Steps(&'s RolloutSpec),
    Deployment(&'s DeploymentSpec, usize),
    StatefulSet(&'s StatefulSetSpec, usize),
    DaemonSet(&'s DaemonSetSpec, usize),
    /// One that has reached its last release gets the strategy that it has from then on.
    Strategy(Key, Value),
    Flux(flux::Deed<'s>),
    Canary(&'s CanarySpec, usize),
    /// A Canary that has reached its last release is measured from now on.
    Measured(&'s CanarySpec),
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
    for set in &spec.stateful_sets {
        let times = times(&set.history, start);
        let key = Key::new(Kind::StatefulSet, &set.namespace, &set.name);
        past.extend(times.last().map(|time| (steps_after(*time, start), Past::Strategy(key, stateful_strategy(set)))));
        past.extend(times.into_iter().enumerate().map(|(at, time)| (time, Past::StatefulSet(set, at))));
    }
    for set in &spec.daemon_sets {
        let times = times(&set.history, start);
        let key = Key::new(Kind::DaemonSet, &set.namespace, &set.name);
        past.extend(times.last().map(|time| (steps_after(*time, start), Past::Strategy(key, daemon_strategy(set)))));
        past.extend(times.into_iter().enumerate().map(|(at, time)| (time, Past::DaemonSet(set, at))));
    }
    past.extend(flux::past(spec, start).into_iter().map(|(time, deed)| (time, Past::Flux(deed))));
    if spec.crds.contains(&Crd::Flagger) {
        for canary in &spec.canaries {
            let key = |tag: &String| (Key::new(Kind::Canary, &canary.namespace, &canary.name), tag.clone());
            plane.failing.extend(canary.failing.iter().map(|(tag, from)| (key(tag), *from)));
            let times = times(&canary.history, start);
            past.extend(times.last().map(|time| (steps_after(*time, start), Past::Measured(canary))));
            past.extend(times.into_iter().enumerate().map(|(at, time)| (time, Past::Canary(canary, at))));
        }
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
    for service in &spec.services {
        plane.ensure_namespace(first, &service.namespace);
        serve(plane, first, service);
    }
    for bound in &spec.bounds {
        bind(plane, first, bound);
    }
    for (time, past) in past {
        plane.advance(time);
        match past {
            Past::Rollout(spec, at) => release_rollout(plane, time, spec, at),
            Past::Steps(spec) => add_steps(plane, time, spec),
            Past::Deployment(spec, at) => release_deployment(plane, time, spec, at),
            Past::StatefulSet(spec, at) => release_stateful_set(plane, time, spec, at),
            Past::DaemonSet(spec, at) => release_daemon_set(plane, time, spec, at),
            Past::Strategy(key, strategy) => give_strategy(plane, time, &key, strategy),
            Past::Flux(deed) => flux::make(plane, time, &deed),
            Past::Canary(spec, at) => release_canary(plane, time, spec, at),
            Past::Measured(spec) => measure_canary(plane, time, spec),
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

/// Makes what bounds pods. What is of no such kind, or has no name, is refused where the scenario is read.
fn bind(plane: &mut Plane, now: Timestamp, bound: &Value) {
    let Some(kind) = bound_kind(bound) else { return };
    let (namespace, name) = (json::text(bound, "/metadata/namespace"), json::text(bound, "/metadata/name"));
    plane.ensure_namespace(now, namespace);
    let (key, mut object) = (Key::new(kind, namespace, name), bound.clone());
    kind.stamp(&mut object);
    let uid = plane.seed.uid(&[kind.meta().plural, namespace, name]);
    let metadata = json::child(&mut object, "metadata");
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("creationTimestamp".to_owned(), json::stamp(now).into());
    plane.put(now, &key, object);
}

/// Which kind of bound it is; nothing where it is none, or has no name.
pub(super) fn bound_kind(bound: &Value) -> Option<Kind> {
    let named = ["/metadata/namespace", "/metadata/name"].iter().all(|at| !json::text(bound, at).is_empty());
    let kinds = [Kind::ResourceQuota, Kind::Autoscaler, Kind::DisruptionBudget];
    kinds.into_iter().find(|kind| named && kind.meta().kind == json::text(bound, "/kind"))
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
        for (name, value) in &spec.annotations {
            json::annotate(&mut object, name, value);
        }
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
    let app = spec.app.as_deref().unwrap_or(&spec.name);
    let mut pods =
        complete_template(&pod_template((app, &spec.container, &spec.image), (&spec.env, &spec.env_from), release));
    let own = |labels: &mut Value| {
        json::object(labels).extend(spec.labels.iter().map(|(k, v)| (k.clone(), v.clone().into())));
    };
    pods.pointer_mut("/metadata/labels").map(own);
    if let Some(known) = plane.store.get(&key).cloned() {
        return replace_template(plane, now, &key, &known, pods);
    }
    let mut object = workload(plane, now, &key);
    for labels in ["/metadata/labels", "/spec/selector/matchLabels"] {
        if let Some(labels) = object.pointer_mut(labels) {
            json::object(labels).insert("app".to_owned(), app.into());
            own(labels);
        }
    }
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

fn stateful_strategy(spec: &StatefulSetSpec) -> Value {
    if spec.on_delete {
        json!({"type": "OnDelete"})
    } else {
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": spec.partition}})
    }
}

fn daemon_strategy(spec: &DaemonSetSpec) -> Value {
    if spec.on_delete {
        json!({"type": "OnDelete"})
    } else {
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}})
    }
}

/// History is rolled out everywhere, by itself: what holds the next release back comes after it.
fn give_strategy(plane: &mut Plane, now: Timestamp, key: &Key, strategy: Value) {
    let Some(known) = plane.store.get(key).cloned() else { return };
    if known.pointer("/spec/updateStrategy") == Some(&strategy) {
        return;
    }
    let mut object = (*known).clone();
    json::child(&mut object, "spec").insert("updateStrategy".to_owned(), strategy);
    next_generation(&known, &mut object);
    plane.put(now, key, object);
}

fn release_stateful_set(plane: &mut Plane, now: Timestamp, spec: &StatefulSetSpec, at: usize) {
    let policy = if spec.parallel { "Parallel" } else { "OrderedReady" };
    let names = (spec.name.as_str(), spec.container.as_str(), spec.image.as_str());
    let more = [
        ("replicas", spec.replicas.into()),
        ("serviceName", spec.name.clone().into()),
        ("podManagementPolicy", policy.into()),
        ("updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})),
    ];
    release_plain(plane, now, (Kind::StatefulSet, &spec.namespace), names, spec.history.get(at), more);
}

fn release_daemon_set(plane: &mut Plane, now: Timestamp, spec: &DaemonSetSpec, at: usize) {
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}});
    let names = (spec.name.as_str(), spec.container.as_str(), spec.image.as_str());
    let kind = (Kind::DaemonSet, spec.namespace.as_str());
    release_plain(plane, now, kind, names, spec.history.get(at), [("updateStrategy", rolling)]);
}

/// A release of what has nothing but a template, and these fields of its spec.
fn release_plain(
    plane: &mut Plane,
    now: Timestamp,
    (kind, namespace): (Kind, &str),
    names: (&str, &str, &str),
    release: Option<&Release>,
    more: impl IntoIterator<Item = (&'static str, Value)>,
) {
    let Some(release) = release else { return };
    plane.ensure_namespace(now, namespace);
    let key = Key::new(kind, namespace, names.0);
    let pods = complete_template(&pod_template(names, (&[], &[]), release));
    let known = plane.store.get(&key).cloned();
    let mut object = known.as_deref().cloned().unwrap_or_else(|| workload(plane, now, &key));
    let specification = json::child(&mut object, "spec");
    specification.entry("revisionHistoryLimit").or_insert_with(|| 10.into());
    specification.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    specification.insert("template".to_owned(), pods);
    if let Some(known) = known {
        next_generation(&known, &mut object);
    }
    plane.put(now, &key, object);
}

/// Makes a Service.
fn serve(plane: &mut Plane, now: Timestamp, spec: &ServiceSpec) {
    let key = Key::new(Kind::Service, &spec.namespace, &spec.name);
    let number = plane.seed.number(&["cluster ip", &spec.namespace, &spec.name]);
    let address = format!("10.96.{}.{}", number % 64, number / 64 % 250 + 2);
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": key.name, "namespace": key.namespace, "creationTimestamp": json::stamp(now),
            "uid": plane.seed.uid(&["services", &key.namespace, &key.name]), "labels": {"app": key.name},
        },
        "spec": {
            "type": "ClusterIP", "clusterIP": address, "selector": spec.selector, "sessionAffinity": "None",
            "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    });
    plane.put(now, &key, object);
}

/// History is promoted unmeasured: nobody was there to confirm anything.
fn release_canary(plane: &mut Plane, now: Timestamp, spec: &CanarySpec, at: usize) {
    let target = DeploymentSpec {
        namespace: spec.namespace.clone(),
        name: spec.name.clone(),
        replicas: spec.replicas,
        image: spec.image.clone(),
        container: spec.container.clone(),
        progress_deadline_seconds: spec.progress_deadline_seconds,
        app: None,
        labels: BTreeMap::new(),
        env: Vec::new(),
        env_from: Vec::new(),
        history: spec.history.clone(),
    };
    release_deployment(plane, now, &target, at);
    let key = Key::new(Kind::Canary, &spec.namespace, &spec.name);
    if plane.store.get(&key).is_some() {
        return;
    }
    let mut object = workload(plane, now, &key);
    let interval = spec.analysis.get("interval").cloned().unwrap_or_else(|| "1m".into());
    json::object(&mut object).insert(
        "spec".to_owned(),
        json!({
            "provider": spec.provider, "skipAnalysis": true,
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
            "progressDeadlineSeconds": spec.progress_deadline_seconds.unwrap_or(600),
            "service": {"port": 80, "targetPort": 8080},
            "analysis": {"interval": interval},
        }),
    );
    plane.put(now, &key, object);
}

fn measure_canary(plane: &mut Plane, now: Timestamp, spec: &CanarySpec) {
    let key = Key::new(Kind::Canary, &spec.namespace, &spec.name);
    let Some(known) = plane.store.get(&key).cloned() else { return };
    let mut object = (*known).clone();
    let specification = json::child(&mut object, "spec");
    specification.insert("analysis".to_owned(), spec.analysis.clone());
    specification.insert("skipAnalysis".to_owned(), false.into());
    next_generation(&known, &mut object);
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
