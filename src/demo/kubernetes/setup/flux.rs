//! Flux before the scenario starts: each commit was pushed and applied, each chart installed, each suspension written in its time.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::control::Plane;
use super::super::fields::{self, Author};
use super::super::json;
use super::super::kind::Kind;
use super::super::spec::{
    AutomationSpec, ClusterSpec, Commit, Crd, GitSpec, HelmReleaseSpec, KustomizationSpec, Suspended,
};
use super::super::store::Key;
use crate::domain::time::Timestamp;

/// Something of the history.
#[derive(Debug)]
pub(super) enum Deed<'s> {
    /// A repository is declared, with its first commit.
    Git(&'s GitSpec),
    Push(&'s GitSpec, &'s Commit),
    Kustomization(&'s KustomizationSpec),
    Chart(&'s HelmReleaseSpec, usize),
    Automation(&'s AutomationSpec),
    Suspend(Key, &'s Suspended),
}

/// How long before the first commit that is told a repository is declared.
const BEFORE: TimeDelta = TimeDelta::minutes(2);

/// All of it, with its times.
pub(super) fn past(spec: &ClusterSpec, start: Timestamp) -> Vec<(Timestamp, Deed<'_>)> {
    if !spec.crds.contains(&Crd::Flux) {
        return Vec::new();
    }
    let ago = |ago: Duration| start - TimeDelta::from_std(ago).unwrap_or_default();
    let mut past = Vec::new();
    let mut first = start;
    for git in &spec.git {
        let count = git.commits.len();
        for (index, commit) in git.commits.iter().enumerate() {
            let days = TimeDelta::days(i64::try_from(count - index).unwrap_or(1));
            let time = commit.ago.map_or_else(|| start - days, ago);
            first = first.min(time);
            past.push((time, if index == 0 { Deed::Git(git) } else { Deed::Push(git, commit) }));
        }
    }
    for kustomization in &spec.kustomizations {
        past.push((first - BEFORE, Deed::Kustomization(kustomization)));
        let key = Key::new(Kind::Kustomization, &kustomization.namespace, &kustomization.name);
        past.extend(kustomization.suspended.iter().map(|it| (ago(it.ago), Deed::Suspend(key.clone(), it))));
    }
    for release in &spec.helm_releases {
        let installed = release.charts.iter().enumerate().filter_map(|(index, chart)| Some((index, chart.ago?)));
        past.extend(installed.map(|(index, at)| (ago(at), Deed::Chart(release, index))));
        let key = Key::new(Kind::HelmRelease, &release.namespace, &release.name);
        past.extend(release.suspended.iter().map(|it| (ago(it.ago), Deed::Suspend(key.clone(), it))));
    }
    past.extend(spec.image_automations.iter().map(|automation| (first - BEFORE, Deed::Automation(automation))));
    past
}

/// Does one of it.
pub(super) fn make(plane: &mut Plane, now: Timestamp, deed: &Deed<'_>) {
    match deed {
        Deed::Git(git) => {
            let key = Key::new(Kind::GitRepository, &git.namespace, &git.name);
            plane.outside.commits.insert(key.clone(), git.commits.first().cloned().into_iter().collect());
            let url = format!("ssh://git@git.shop.example/{}", git.name);
            declare(plane, now, &key, json!({"url": url, "ref": {"branch": git.branch}, "interval": go(git.interval)}));
        }
        Deed::Push(git, commit) => push(plane, now, &git.namespace, &git.name, (*commit).clone()),
        Deed::Kustomization(it) => {
            let key = Key::new(Kind::Kustomization, &it.namespace, &it.name);
            let managed = it.manages.iter().filter_map(|path| path.split_once('/'));
            let managed = managed.map(|(namespace, name)| Key::new(Kind::Deployment, namespace, name)).collect();
            plane.outside.manages.insert(key.clone(), managed);
            plane.outside.takes.insert(key.clone(), it.takes);
            let source = json!({"kind": "GitRepository", "name": it.source});
            let spec = json!({
                "interval": go(it.interval), "timeout": "2m0s", "path": it.path, "prune": true, "wait": true,
                "sourceRef": source,
            });
            declare(plane, now, &key, spec);
        }
        Deed::Chart(it, index) => chart(plane, now, it, *index),
        Deed::Automation(it) => {
            let key = Key::new(Kind::ImageUpdateAutomation, &it.namespace, &it.name);
            let source = json!({"kind": "GitRepository", "name": it.source});
            declare(
                plane,
                now,
                &key,
                json!({"interval": go(it.interval), "sourceRef": source, "git": {"push": {"branch": "main"}}}),
            );
        }
        Deed::Suspend(key, it) => suspend(plane, now, key, &it.by, true),
    }
}

/// Something is pushed to a repository.
pub(in super::super) fn push(plane: &mut Plane, now: Timestamp, namespace: &str, name: &str, commit: Commit) {
    let key = Key::new(Kind::GitRepository, namespace, name);
    plane.outside.commits.entry(key.clone()).or_default().push(commit);
    plane.look(now, &key);
}

/// Suspends or resumes an object, as somebody who writes under this name.
pub(in super::super) fn suspend(plane: &mut Plane, now: Timestamp, key: &Key, by: &str, suspended: bool) {
    write(plane, now, key, by, |object| {
        let spec = json::child(object, "spec");
        if suspended {
            spec.insert("suspend".to_owned(), true.into());
        } else {
            spec.remove("suspend");
        }
    });
}

/// Declares another version of a chart.
pub(in super::super) fn set_chart(plane: &mut Plane, now: Timestamp, key: &Key, by: &str, version: &str) {
    write(plane, now, key, by, |object| {
        if let Some(Value::Object(chart)) = object.pointer_mut("/spec/chart/spec") {
            chart.insert("version".to_owned(), version.into());
        }
    });
}

fn write(plane: &mut Plane, now: Timestamp, key: &Key, by: &str, with: impl FnOnce(&mut Value)) {
    let Some(before) = plane.store.get(key).cloned() else { return };
    let mut after = (*before).clone();
    with(&mut after);
    json::count_change(&before, &mut after);
    fields::enter(&before, &mut after, Author { manager: by, subresource: None }, now);
    plane.put(now, key, after);
}

fn chart(plane: &mut Plane, now: Timestamp, it: &HelmReleaseSpec, index: usize) {
    let key = Key::new(Kind::HelmRelease, &it.namespace, &it.name);
    let Some(chart) = it.charts.get(index) else { return };
    if plane.store.get(&key).is_some() {
        return set_chart(plane, now, &key, "kustomize-controller", &chart.version);
    }
    plane.outside.charts.insert(key.clone(), it.charts.clone());
    plane.outside.takes.insert(key.clone(), it.takes);
    let repository = Key::new(Kind::HelmRepository, &it.namespace, &it.repository);
    if plane.store.get(&repository).is_none() {
        declare(plane, now, &repository, json!({"url": "https://charts.shop.example", "interval": "10m0s"}));
    }
    let source = json!({"kind": "HelmRepository", "name": it.repository});
    let mut spec = json!({
        "interval": go(it.interval), "timeout": "5m0s",
        "chart": {"spec": {"chart": it.name, "version": chart.version, "sourceRef": source}},
        "upgrade": {"remediation": {"remediateLastFailure": true}},
    });
    if !it.values.is_null() {
        json::object(&mut spec).insert("values".to_owned(), it.values.clone());
    }
    declare(plane, now, &key, spec);
}

fn declare(plane: &mut Plane, now: Timestamp, key: &Key, spec: Value) {
    plane.ensure_namespace(now, &key.namespace);
    let meta = key.kind.meta();
    let mut object = json!({
        "apiVersion": key.kind.api_version(), "kind": meta.kind,
        "metadata": {
            "name": key.name, "namespace": key.namespace, "generation": 1, "creationTimestamp": json::stamp(now),
            "uid": plane.seed.uid(&[meta.plural, &key.namespace, &key.name]),
        },
        "status": {"observedGeneration": -1},
    });
    json::object(&mut object).insert("spec".to_owned(), spec);
    fields::enter(&json!({}), &mut object, Author { manager: "flux", subresource: None }, now);
    plane.put(now, key, object);
}

/// A span as Go writes it: `10m0s`.
fn go(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}
