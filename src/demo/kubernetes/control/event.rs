//! Events, as controllers record them: one object for what is said of an object, counted when it is said again.

use serde_json::{Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::agenda::Task;
use super::{EVENT_LIFE, Plane};
use crate::domain::time::Timestamp;

/// What is said of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note<'a> {
    /// The object, as it was when it was said.
    pub(crate) about: &'a Value,
    /// Who says it.
    pub(crate) component: &'a str,
    pub(crate) warning: bool,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

pub(super) fn record(plane: &mut Plane, now: Timestamp, note: &Note<'_>) {
    let namespace = json::text(note.about, "/metadata/namespace").to_owned();
    let name = json::text(note.about, "/metadata/name");
    let (key, event) = match said_before(plane, &namespace, name, note) {
        Some((key, mut event)) => {
            let count = json::number(&event, "/count").unwrap_or(1) + 1;
            let map = json::object(&mut event);
            map.insert("count".to_owned(), count.into());
            map.insert("lastTimestamp".to_owned(), json::stamp(now).into());
            (key, event)
        }
        None => first(plane, now, &namespace, name, note),
    };
    plane.put(now, &key, event);
    plane.agenda.postpone(now + EVENT_LIFE, Task::Remove(key));
}

fn said_before(plane: &Plane, namespace: &str, name: &str, note: &Note<'_>) -> Option<(Key, Value)> {
    let uid = json::text(note.about, "/metadata/uid");
    let same = |event: &Value| {
        json::text(event, "/involvedObject/uid") == uid
            && json::text(event, "/reason") == note.reason
            && json::text(event, "/message") == note.message
    };
    let known = plane.store.starting(Kind::Event, namespace, &format!("{name}."));
    known.into_iter().find(|(_, event)| same(event)).map(|(key, event)| (key, (*event).clone()))
}

fn first(plane: &Plane, now: Timestamp, namespace: &str, name: &str, note: &Note<'_>) -> (Key, Value) {
    // The name is the object's and the moment in nanoseconds; two within one need the store's version to differ.
    let nanos = now.timestamp_nanos_opt().unwrap_or_default().unsigned_abs() + plane.store.version();
    let key = Key::new(Kind::Event, namespace, &format!("{name}.{nanos:x}"));
    let at = json::stamp(now);
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {
            "name": key.name, "namespace": namespace, "uid": plane.seed.uid(&["event", namespace, &key.name]),
            "creationTimestamp": at,
        },
        "involvedObject": {
            "apiVersion": note.about.get("apiVersion"), "kind": note.about.get("kind"),
            "namespace": namespace, "name": name,
            "uid": json::text(note.about, "/metadata/uid"),
            "resourceVersion": json::text(note.about, "/metadata/resourceVersion"),
        },
        "type": if note.warning { "Warning" } else { "Normal" },
        "reason": note.reason, "message": note.message,
        "source": {"component": note.component},
        "firstTimestamp": at, "lastTimestamp": at, "count": 1,
        "eventTime": null, "reportingComponent": note.component, "reportingInstance": "",
    });
    (key, event)
}
