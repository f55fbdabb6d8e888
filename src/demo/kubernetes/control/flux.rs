//! Flux's controllers, as far as somebody who watches them sees: sources are fetched, what they hold is applied, charts are installed
//! and taken back. Each acts on a change, on a request, and at its interval where there is something to do then.
//!
//! What git and charts hold is no object of the cluster: it is kept here ([`Outside`]).

mod helm;
mod kustomization;
mod source;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::super::fields::{self, Author};
use super::super::json;
use super::super::kind::Kind;
use super::super::spec::{Chart, Commit};
use super::super::store::Key;
use super::Plane;
use crate::domain::time::Timestamp;

/// The annotation that asks for a reconciliation.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// The kinds that have a controller here.
pub(crate) const KINDS: [Kind; 5] =
    [Kind::GitRepository, Kind::HelmRepository, Kind::Kustomization, Kind::HelmRelease, Kind::ImageUpdateAutomation];

/// What is outside of the cluster, and what its controllers keep in their heads.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// What was pushed, by repository, oldest first.
    pub(crate) commits: BTreeMap<Key, Vec<Commit>>,
    /// What each Kustomization applies: Deployments.
    pub(crate) manages: BTreeMap<Key, Vec<Key>>,
    /// The charts that there are for a HelmRelease.
    pub(crate) charts: BTreeMap<Key, Vec<Chart>>,
    /// How long one reconciliation takes.
    pub(crate) takes: BTreeMap<Key, Duration>,
    /// What is being done now.
    runs: BTreeMap<Key, Run>,
}

/// A reconciliation that is under way.
#[derive(Clone, Debug)]
struct Run {
    ends: Timestamp,
    /// What is applied or installed.
    of: String,
}

/// One look at an object.
pub(super) fn reconcile(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(object) = plane.store.get(key).map(|object| (**object).clone()) else { return };
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        plane.outside.runs.remove(key);
        return;
    }
    match key.kind {
        Kind::GitRepository => source::fetch(plane, now, key, &object),
        Kind::HelmRepository => source::index(plane, now, key, &object),
        Kind::Kustomization => kustomization::apply(plane, now, key, &object),
        Kind::HelmRelease => helm::release(plane, now, key, &object),
        Kind::ImageUpdateAutomation => source::automate(plane, now, key, &object),
        _ => {}
    }
}

/// Those who take from what has changed, and who put it right where it is theirs.
pub(super) fn concerned(plane: &Plane, now: Timestamp, key: &Key) -> Vec<(Timestamp, Key)> {
    match key.kind {
        Kind::GitRepository => {
            let takes = |object: &Value| json::text(object, "/spec/sourceRef/name") == key.name;
            let all = plane.store.list(Kind::Kustomization, Some(&key.namespace));
            all.filter(|(_, object)| takes(object)).map(|(key, _)| (now, key.clone())).collect()
        }
        Kind::Deployment => {
            let theirs = plane.outside.manages.iter().filter(|(_, managed)| managed.contains(key));
            theirs.filter_map(|(owner, _)| Some((turn(plane, now, owner)?, owner.clone()))).collect()
        }
        _ => Vec::new(),
    }
}

/// When an object is next looked at though nothing is new.
fn turn(plane: &Plane, now: Timestamp, key: &Key) -> Option<Timestamp> {
    let object = plane.store.get(key)?;
    let interval =
        humantime::parse_duration(json::text(object, "/spec/interval")).ok().filter(|span| !span.is_zero())?;
    let interval = TimeDelta::from_std(interval).ok()?.num_milliseconds();
    let since = json::moment(json::text(object, "/metadata/creationTimestamp"))?;
    let turns = (now - since).num_milliseconds().max(0) / interval + 1;
    Some(since + TimeDelta::milliseconds(turns * interval))
}

/// The token of a request that was not handled yet.
fn asked(object: &Value) -> Option<&str> {
    let asked = json::annotation(object, REQUESTED_AT)?;
    (asked != json::text(object, "/status/lastHandledReconcileAt")).then_some(asked)
}

/// The token that is there, handled or not.
fn token(object: &Value) -> &str {
    json::annotation(object, REQUESTED_AT).unwrap_or_default()
}

fn generation(object: &Value) -> i64 {
    json::number(object, "/metadata/generation").unwrap_or_default()
}

fn is_observed(object: &Value) -> bool {
    json::number(object, "/status/observedGeneration") == Some(generation(object))
}

/// Is what it says of being ready about the spec as it is now?
fn is_said(object: &Value) -> bool {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let ready = all.and_then(|all| all.iter().find(|one| json::text(one, "/type") == "Ready"));
    ready.and_then(|ready| json::number(ready, "/observedGeneration")) == Some(generation(object))
}

/// What is said holds for the spec as it is now, too.
fn renew(object: &mut Value) {
    let generation = generation(object);
    if let Some(Value::Array(all)) = object.pointer_mut("/status/conditions") {
        for one in all {
            json::object(one).insert("observedGeneration".to_owned(), generation.into());
        }
    }
}

/// Begins a reconciliation of `of`, and says so.
fn begin(plane: &mut Plane, now: Timestamp, key: &Key, (of, message): (String, &str)) {
    let takes = plane.outside.takes.get(key).copied().unwrap_or(Duration::from_secs(5));
    let ends = now + TimeDelta::from_std(takes).unwrap_or_default();
    plane.outside.runs.insert(key.clone(), Run { ends, of });
    change(plane, now, key, |object| {
        set(object, now, ("Reconciling", "True"), ("Progressing", message));
        set(object, now, ("Ready", "Unknown"), ("Progressing", "Reconciliation in progress"));
    });
    plane.wake_at(ends, key);
}

/// Writes the status of an object as its controller does.
fn change(plane: &mut Plane, now: Timestamp, key: &Key, with: impl FnOnce(&mut Value)) {
    let Some(before) = plane.store.get(key).cloned() else { return };
    let mut after = (*before).clone();
    with(&mut after);
    let manager = match key.kind {
        Kind::Kustomization => "kustomize-controller",
        Kind::HelmRelease => "helm-controller",
        Kind::ImageUpdateAutomation => "image-automation-controller",
        _ => "source-controller",
    };
    fields::enter(&before, &mut after, Author { manager, subresource: Some("status") }, now);
    plane.put(now, key, after);
}

/// The status of an object, to be written.
fn status(object: &mut Value) -> &mut Map<String, Value> {
    json::child(object, "status")
}

/// A reconciliation came to its end: the request and, where it ended well or for good, the generation were handled.
fn handled(object: &mut Value, observed: bool) {
    let (token, generation) = (token(object).to_owned(), generation(object));
    let status = status(object);
    if !token.is_empty() {
        status.insert("lastHandledReconcileAt".to_owned(), token.into());
    }
    if observed {
        status.insert("observedGeneration".to_owned(), generation.into());
    }
}

/// Sets a condition; its time moves only with its status.
fn set(object: &mut Value, now: Timestamp, (kind, is): (&str, &str), (reason, message): (&str, &str)) {
    let generation = generation(object);
    let conditions = status(object).entry("conditions").or_insert_with(|| json!([]));
    let Some(all) = conditions.as_array_mut() else { return };
    let known = all.iter().position(|one| json::text(one, "/type") == kind);
    let since = known.and_then(|at| all.get(at)).filter(|one| json::text(one, "/status") == is);
    let since = since.map_or_else(|| json::stamp(now), |one| json::text(one, "/lastTransitionTime").to_owned());
    let condition = json!({
        "type": kind, "status": is, "reason": reason, "message": message, "observedGeneration": generation,
        "lastTransitionTime": since,
    });
    match known.and_then(|at| all.get_mut(at)) {
        Some(one) => *one = condition,
        None => all.push(condition),
    }
}

/// Takes a condition away.
fn unset(object: &mut Value, kind: &str) {
    if let Some(Value::Array(all)) = object.pointer_mut("/status/conditions") {
        all.retain(|one| json::text(one, "/type") != kind);
    }
}
