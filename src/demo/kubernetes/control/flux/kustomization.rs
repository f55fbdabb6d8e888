//! What a revision declares is applied, waited for, and put right at every turn where somebody changed it by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::fields::{self, Author};
use super::super::super::json;
use super::super::super::kind::Kind;
use super::super::super::spec::Commit;
use super::super::super::store::Key;
use super::super::{Note, Plane};
use super::{asked, begin, change, handled, is_said, set, status, turn, unset};
use crate::domain::time::Timestamp;

/// The controller's name, in fields and events.
const CONTROLLER: &str = "kustomize-controller";

/// One look at a Kustomization.
pub(super) fn apply(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value) {
    if let Some(run) = plane.outside.runs.get(key).cloned() {
        if now < run.ends {
            // Whoever woke it earlier took the place of its end.
            return plane.wake_at(run.ends, key);
        }
        plane.outside.runs.remove(key);
        return end(plane, now, key, &run.of);
    }
    let source = Key::new(Kind::GitRepository, &key.namespace, json::text(object, "/spec/sourceRef/name"));
    let revision = plane.store.get(&source).map(|held| json::text(held, "/status/artifact/revision").to_owned());
    let Some(revision) = revision.filter(|revision| !revision.is_empty()) else { return };
    let tried = json::text(object, "/status/lastAttemptedRevision");
    let due = tried != revision || asked(object).is_some() || !is_said(object);
    // A turn with nothing new puts right what was changed by hand, and says nothing.
    if !due {
        return drift(plane, now, key, &revision);
    }
    let timeout = json::text(object, "/spec/timeout");
    let message = format!("Building manifests for revision {revision} with a timeout of {timeout}");
    change(plane, now, key, |object| {
        status(object).insert("lastAttemptedRevision".to_owned(), revision.clone().into());
    });
    write(plane, now, key, &revision);
    begin(plane, now, key, (revision, &message));
}

fn commit<'a>(plane: &'a Plane, key: &Key, revision: &str) -> Option<&'a Commit> {
    let object = plane.store.get(key)?;
    let source = Key::new(Kind::GitRepository, &key.namespace, json::text(object, "/spec/sourceRef/name"));
    let sha = revision.rsplit(':').next()?;
    plane.outside.commits.get(&source)?.iter().find(|commit| commit.sha == sha)
}

/// Puts right what was changed by hand: at the turn, not before.
fn drift(plane: &mut Plane, now: Timestamp, key: &Key, revision: &str) {
    let changed = differing(plane, key, revision);
    if changed.is_empty() {
        return;
    }
    let next = turn(plane, now - chrono::TimeDelta::milliseconds(1), key);
    match next {
        Some(next) if next > now => plane.wake_at(next, key),
        _ => write(plane, now, key, revision),
    }
}

/// The Deployments that are not what a revision declares, each with the tag that it does.
fn differing(plane: &Plane, key: &Key, revision: &str) -> Vec<(Key, String)> {
    let (Some(commit), Some(managed)) = (commit(plane, key, revision), plane.outside.manages.get(key)) else {
        return Vec::new();
    };
    let differs = |at: &Key| {
        let tag = commit.tags.get(&at.name)?;
        let object = plane.store.get(at)?;
        let image = json::text(object, "/spec/template/spec/containers/0/image");
        let labelled = json::label(object, "kustomize.toolkit.fluxcd.io/name") == Some(&key.name);
        (!labelled || image.rsplit_once(':').map(|(_, tag)| tag) != Some(tag)).then(|| (at.clone(), tag.clone()))
    };
    managed.iter().filter_map(differs).collect()
}

/// Applies what a revision declares.
fn write(plane: &mut Plane, now: Timestamp, key: &Key, revision: &str) {
    for (at, tag) in differing(plane, key, revision) {
        let Some(before) = plane.store.get(&at).map(Arc::clone) else { continue };
        let mut after = (*before).clone();
        super::super::super::act::declare(&mut after, &tag);
        let labels = json::child(&mut after, "metadata").entry("labels").or_insert_with(|| json!({}));
        let labels = json::object(labels);
        labels.insert("kustomize.toolkit.fluxcd.io/name".to_owned(), key.name.clone().into());
        labels.insert("kustomize.toolkit.fluxcd.io/namespace".to_owned(), key.namespace.clone().into());
        json::count_change(&before, &mut after);
        fields::enter(&before, &mut after, Author { manager: CONTROLLER, subresource: None }, now);
        plane.put(now, &at, after);
    }
}

/// A reconciliation ends: what was applied is healthy, or given up.
fn end(plane: &mut Plane, now: Timestamp, key: &Key, revision: &str) {
    let fails = commit(plane, key, revision).and_then(|commit| commit.fails.clone());
    let inventory: Vec<Value> = plane.outside.manages.get(key).into_iter().flatten().map(entry).collect();
    let at = json::stamp(now);
    let reason = if fails.is_some() { "HealthCheckFailed" } else { "ReconciliationSucceeded" };
    let message = fails.clone().unwrap_or_else(|| format!("Applied revision: {revision}"));
    change(plane, now, key, |object| {
        remember(object, (revision, reason), &at);
        status(object).insert("inventory".to_owned(), json!({"entries": inventory}));
        if fails.is_some() {
            set(object, now, ("Ready", "False"), (reason, &message));
            let again = format!("Running health checks for revision {revision}");
            set(object, now, ("Reconciling", "True"), ("ProgressingWithRetry", &again));
        } else {
            status(object).insert("lastAppliedRevision".to_owned(), revision.into());
            set(object, now, ("Ready", "True"), (reason, &message));
            unset(object, "Reconciling");
        }
        handled(object, fails.is_none());
    });
    if let Some(about) = plane.store.get(key).cloned() {
        let note = Note { about: &about, component: CONTROLLER, warning: fails.is_some(), reason, message: &message };
        plane.record(now, &note);
    }
}

fn entry(at: &Key) -> Value {
    json!({"id": format!("{}_{}_apps_Deployment", at.namespace, at.name), "v": "v1"})
}

/// Notes a reconciliation, newest first, as many as five.
fn remember(object: &mut Value, (revision, reason): (&str, &str), at: &str) {
    let history = status(object).entry("history").or_insert_with(|| json!([]));
    let Some(all) = history.as_array_mut() else { return };
    let same = |one: &Value| {
        json::text(one, "/metadata/revision") == revision && json::text(one, "/lastReconciledStatus") == reason
    };
    let known = all.iter().position(same).map(|at| all.remove(at));
    let times = known.as_ref().and_then(|one| json::number(one, "/totalReconciliations")).unwrap_or_default() + 1;
    let first = known.as_ref().map_or(at, |one| json::text(one, "/firstReconciled")).to_owned();
    let entry = json!({
        "digest": format!("sha256:{revision}"), "firstReconciled": first, "lastReconciled": at,
        "lastReconciledDuration": "1.2s", "lastReconciledStatus": reason, "totalReconciliations": times,
        "metadata": {"revision": revision},
    });
    all.insert(0, entry);
    all.truncate(5);
}
