//! A chart is installed or upgraded; what fails is taken back to the release before, once, and stays declared all the same.

use serde_json::{Value, json};

use super::super::super::json;
use super::super::super::spec::Chart;
use super::super::super::store::Key;
use super::super::{Note, Plane};
use super::{asked, begin, change, handled, is_observed, renew, set, status, unset};
use crate::domain::time::Timestamp;

/// A request that forces a release.
const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// A request that forgets failures.
const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// One look at a HelmRelease.
pub(super) fn release(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value) {
    if let Some(run) = plane.outside.runs.get(key).cloned() {
        if now < run.ends {
            // Whoever woke it earlier took the place of its end.
            return plane.wake_at(run.ends, key);
        }
        plane.outside.runs.remove(key);
        return end(plane, now, key, &run.of);
    }
    let wanted = json::text(object, "/spec/chart/spec/version").to_owned();
    let is_new = json::text(object, "/status/lastAttemptedRevision") != wanted;
    let asked = asked(object).map(str::to_owned);
    let also = |name: &str| asked.is_some() && json::annotation(object, name) == asked.as_deref();
    let again = also(FORCE_AT) || also(RESET_AT);
    if is_new || again {
        let action = if json::text(object, "/status/lastAttemptedRevision").is_empty() { "install" } else { "upgrade" };
        let message = format!("Running '{action}' action with timeout of 5m0s");
        change(plane, now, key, |object| {
            let status = status(object);
            status.insert("lastAttemptedRevision".to_owned(), wanted.clone().into());
            status.insert("lastAttemptedReleaseAction".to_owned(), action.into());
            status.insert("lastAttemptedConfigDigest".to_owned(), VALUES.into());
        });
        return begin(plane, now, key, (wanted, &message));
    }
    // Nothing to do: what was given up stays given up, and what is there is there.
    if asked.is_some() || !is_observed(object) {
        change(plane, now, key, |object| {
            renew(object);
            handled(object, true);
        });
    }
}

/// A checksum of the values, which nobody changes here.
const VALUES: &str = "sha256:e15c415d62760896bd8bec192a44c5716dc224db9e0fc609b9ac14718f8f9e56";

/// An action of Helm ends.
fn end(plane: &mut Plane, now: Timestamp, key: &Key, version: &str) {
    let charts = plane.outside.charts.get(key);
    let chart = charts.and_then(|all| all.iter().find(|chart| chart.version == version)).cloned();
    let Some(before) = plane.store.get(key).cloned() else { return };
    let history = before.pointer("/status/history").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(chart) = chart else {
        let message =
            format!("HelmChart '{}/{}' is not ready: no chart version {version} found", key.namespace, key.name);
        return change(plane, now, key, |object| {
            set(object, now, ("Ready", "False"), ("SourceNotReady", &message));
            handled(object, false);
        });
    };
    match &chart.fails {
        None => succeed(plane, now, key, (&chart, history)),
        Some(why) => fail(plane, now, key, (&chart, history), why),
    }
}

fn named(key: &Key, number: i64) -> String {
    format!("{}/{}.v{number}", key.namespace, key.name)
}

fn next(history: &[Value]) -> i64 {
    history.first().and_then(|one| json::number(one, "/version")).unwrap_or_default() + 1
}

fn snapshot(key: &Key, chart: &Chart, number: i64, state: &str, now: Timestamp) -> Value {
    json!({
        "name": key.name, "namespace": key.namespace, "version": number, "status": state, "chartName": key.name,
        "chartVersion": chart.version, "appVersion": chart.app, "configDigest": VALUES,
        "digest": format!("sha256:{:064x}", number), "firstDeployed": json::stamp(now), "lastDeployed": json::stamp(now),
    })
}

/// What was deployed is so no more.
fn supersede(history: &mut [Value]) {
    for one in history.iter_mut().filter(|one| json::text(one, "/status") == "deployed") {
        json::object(one).insert("status".to_owned(), "superseded".into());
    }
}

fn succeed(plane: &mut Plane, now: Timestamp, key: &Key, (chart, mut history): (&Chart, Vec<Value>)) {
    let number = next(&history);
    let action = if history.is_empty() { "install" } else { "upgrade" };
    supersede(&mut history);
    history.insert(0, snapshot(key, chart, number, "deployed", now));
    history.truncate(2);
    let release = named(key, number);
    let message = format!("Helm {action} succeeded for release {release} with chart {}@{}", key.name, chart.version);
    let reason = if action == "install" { "InstallSucceeded" } else { "UpgradeSucceeded" };
    change(plane, now, key, |object| {
        for kind in ["Remediated", "Stalled", "Reconciling"] {
            unset(object, kind);
        }
        set(object, now, ("Ready", "True"), (reason, &message));
        set(object, now, ("Released", "True"), (reason, &message));
        status(object).insert("history".to_owned(), history.into());
        handled(object, true);
    });
    say(plane, now, key, (false, reason, &message));
}

fn fail(plane: &mut Plane, now: Timestamp, key: &Key, (chart, mut history): (&Chart, Vec<Value>), why: &str) {
    let good = history.iter().find(|one| json::text(one, "/status") == "deployed").cloned();
    let number = next(&history);
    let failed = format!(
        "Helm upgrade failed for release {} with chart {}@{}: {why}",
        named(key, number),
        key.name,
        chart.version
    );
    history.insert(0, snapshot(key, chart, number, "failed", now));
    say(plane, now, key, (true, "UpgradeFailed", &failed));
    let back = good.map(|mut good| {
        let before = json::number(&good, "/version").unwrap_or_default();
        supersede(&mut history);
        let map = json::object(&mut good);
        map.insert("version".to_owned(), (number + 1).into());
        map.insert("lastDeployed".to_owned(), json::stamp(now).into());
        let chart = json::text(&good, "/chartVersion").to_owned();
        history.insert(0, good);
        format!("Helm rollback to previous release {} with chart {}@{chart} succeeded", named(key, before), key.name)
    });
    // As far back as the last release before that was good.
    let good = history.iter().skip(1).position(|one| json::text(one, "/status") == "superseded");
    history.truncate(good.map_or(5, |at| at + 2));
    change(plane, now, key, |object| {
        unset(object, "Reconciling");
        set(object, now, ("Released", "False"), ("UpgradeFailed", &failed));
        let (reason, message) = back.as_ref().map_or(("UpgradeFailed", &failed), |back| ("RollbackSucceeded", back));
        if back.is_some() {
            set(object, now, ("Remediated", "True"), (reason, message));
        }
        set(object, now, ("Ready", "False"), (reason, message));
        set(object, now, ("Stalled", "True"), ("RetriesExceeded", "Failed to upgrade after 1 attempt(s)"));
        let status = status(object);
        status.insert("history".to_owned(), history.into());
        status.insert("failures".to_owned(), 1.into());
        status.insert("upgradeFailures".to_owned(), 1.into());
        handled(object, true);
    });
    if let Some(back) = &back {
        say(plane, now, key, (false, "RollbackSucceeded", back));
    }
}

fn say(plane: &mut Plane, now: Timestamp, key: &Key, (warning, reason, message): (bool, &str, &str)) {
    if let Some(about) = plane.store.get(key).cloned() {
        plane.record(now, &Note { about: &about, component: "helm-controller", warning, reason, message });
    }
}
