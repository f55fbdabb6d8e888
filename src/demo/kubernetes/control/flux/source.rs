//! Sources are fetched: what was pushed is found at the next turn, or at once where somebody asks. What writes image tags only says
//! that it is there.

use serde_json::{Value, json};

use super::super::super::json;
use super::super::super::store::Key;
use super::super::Plane;
use super::{asked, change, handled, is_observed, set, status, turn};
use crate::domain::time::Timestamp;

/// Fetches a repository of git.
pub(super) fn fetch(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value) {
    let Some(head) = plane.outside.commits.get(key).and_then(|all| all.last()) else { return };
    let branch = json::text(object, "/spec/ref/branch");
    let revision = format!("{branch}@sha1:{}", head.sha);
    let stored = json::text(object, "/status/artifact/revision");
    let first = stored.is_empty();
    if stored == revision && asked(object).is_none() && is_observed(object) {
        return;
    }
    // What was pushed just now is found at the next turn.
    let at_once = first || asked(object).is_some() || !is_observed(object);
    if !at_once && !plane.outside.runs.contains_key(key) {
        let Some(next) = turn(plane, now, key) else { return };
        plane.outside.runs.insert(key.clone(), super::Run { ends: next, of: revision });
        return plane.wake_at(next, key);
    }
    if let Some(ends) = plane.outside.runs.get(key).map(|run| run.ends).filter(|ends| *ends > now && !at_once) {
        return plane.wake_at(ends, key);
    }
    plane.outside.runs.remove(key);
    let message = format!("stored artifact for revision '{revision}'");
    let at = json::stamp(now);
    change(plane, now, key, |object| {
        status(object).insert("artifact".to_owned(), json!({"revision": revision, "lastUpdateTime": at}));
        set(object, now, ("Ready", "True"), ("Succeeded", &message));
        set(object, now, ("ArtifactInStorage", "True"), ("Succeeded", &message));
        handled(object, true);
    });
}

/// Fetches the index of a repository of charts.
pub(super) fn index(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value) {
    if asked(object).is_none() && is_observed(object) {
        return;
    }
    change(plane, now, key, |object| {
        let revision = "sha256:5e1f6bd3b5d8bd0e3a3c2e1a7f1a3b9c0d4e5f60718293a4b5c6d7e8f9012345";
        status(object).insert("artifact".to_owned(), json!({"revision": revision, "lastUpdateTime": json::stamp(now)}));
        set(object, now, ("Ready", "True"), ("Succeeded", &format!("stored artifact: revision '{revision}'")));
        handled(object, true);
    });
}

/// Looks whether there are new tags to write; there are none.
pub(super) fn automate(plane: &mut Plane, now: Timestamp, key: &Key, object: &Value) {
    if asked(object).is_none() && is_observed(object) {
        return;
    }
    change(plane, now, key, |object| {
        let at = json::stamp(now);
        status(object).insert("lastAutomationRunTime".to_owned(), at.into());
        set(object, now, ("Ready", "True"), ("Succeeded", "repository up-to-date"));
        handled(object, true);
    });
}
