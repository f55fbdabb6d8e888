//! Watches: what changed since a version, as events; bookmarks; the end at the time that was asked for; 410 where the past is
//! forgotten.

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::control::Plane;
use super::super::json;
use super::super::kind::Kind;
use super::super::store::{Change, Store};
use super::Target;
use super::read::{self, Form};
use super::route::Call;
use super::selector::Selector;
use super::status::Failure;
use crate::demo::system::Due;
use crate::domain::time::Timestamp;

/// Time between two bookmarks.
const BOOKMARK: TimeDelta = TimeDelta::seconds(60);

/// One open watch.
#[derive(Debug)]
pub(super) struct Watch {
    kind: Kind,
    namespace: Option<String>,
    selector: Selector,
    form: Form,
    /// The last version that was told.
    seen: u64,
    bookmark: Option<Timestamp>,
    ends: Timestamp,
    /// What is to be told first.
    first: Vec<Bytes>,
    /// Nothing follows what is told first.
    broken: bool,
    /// A table names its columns once.
    has_columns: bool,
}

impl Watch {
    pub(super) fn open(
        plane: &Plane,
        now: Timestamp,
        call: &Call<'_>,
        target: &Target<'_>,
        form: Form,
    ) -> Result<Self, Failure> {
        let selector = Selector::read(target.kind, call.parameter("labelSelector"), call.parameter("fieldSelector"))?;
        let version = read::version(call.parameter("resourceVersion"))?;
        let bookmarks = call.flag("allowWatchBookmarks");
        let seconds = call.parameter("timeoutSeconds").parse().ok().filter(|seconds| *seconds > 0);
        // Without a wish the server ends a watch after 30 to 60 minutes.
        let life = seconds.map_or_else(
            || plane.seed.span(&["watch", &plane.store.version().to_string()], 1_800_000, 3_600_000),
            |seconds: i64| TimeDelta::seconds(seconds.min(86_400)),
        );
        let mut watch = Self {
            kind: target.kind,
            namespace: target.namespace.map(str::to_owned),
            selector,
            form,
            seen: plane.store.version(),
            bookmark: bookmarks.then_some(now + BOOKMARK),
            ends: now + life,
            first: Vec::new(),
            broken: false,
            has_columns: false,
        };
        let initial = call.flag("sendInitialEvents");
        match version {
            Some(version) if version > 0 && !initial => watch.seen = version.min(watch.seen),
            _ => watch.begin_with_all(&plane.store, now, initial && bookmarks),
        }
        Ok(watch)
    }

    /// Tells everything that is there now as added; a bookmark says where that ends, if it was asked for.
    fn begin_with_all(&mut self, store: &Store, now: Timestamp, say_end: bool) {
        let objects = store.list(self.kind, self.namespace.as_deref());
        let objects: Vec<_> = objects.map(|(_, o)| o.clone()).filter(|o| self.selector.matches(o)).collect();
        for object in objects {
            let line = self.line("ADDED", &object, now);
            self.first.push(line);
        }
        if say_end {
            let mut object = self.bookmark_object(store.version());
            json::annotate(&mut object, "k8s.io/initial-events-end", "true");
            self.first.push(event("BOOKMARK", &object));
        }
    }

    /// What is to be told now, and when to ask again.
    pub(super) fn due(&mut self, store: &Store, now: Timestamp) -> Due {
        let mut due = Due { chunks: std::mem::take(&mut self.first), ..Due::default() };
        if let Ok(changes) = store.since(self.seen) {
            let changes: Vec<Change> = changes.filter(|change| self.is_about(change)).cloned().collect();
            due.chunks.extend(changes.iter().filter_map(|change| self.tell(change, now)));
            self.seen = store.version();
        } else {
            let failure = Failure::version_expired(self.seen, store.version());
            due.chunks.push(event("ERROR", &failure.body()));
            self.broken = true;
        }
        if let Some(at) = self.bookmark.filter(|at| *at <= now && !self.broken) {
            due.chunks.push(event("BOOKMARK", &self.bookmark_object(self.seen)));
            let late = (now - at).num_seconds() / BOOKMARK.num_seconds() + 1;
            self.bookmark = Some(at + BOOKMARK * i32::try_from(late).unwrap_or(1));
        }
        due.ended = self.broken || now >= self.ends;
        if !due.ended {
            due.wake = Some(self.bookmark.map_or(self.ends, |at| at.min(self.ends)));
        }
        due
    }

    fn is_about(&self, change: &Change) -> bool {
        let namespace = self.namespace.as_deref();
        change.key.kind == self.kind && namespace.is_none_or(|namespace| change.key.namespace == namespace)
    }

    /// A change as the selector sees it: what comes into view is added, what goes out of it is deleted.
    fn tell(&mut self, change: &Change, now: Timestamp) -> Option<Bytes> {
        let visible = |object: &Option<std::sync::Arc<Value>>| object.clone().filter(|o| self.selector.matches(o));
        match (visible(&change.before), visible(&change.after)) {
            (None, None) => None,
            (None, Some(after)) => Some(self.line("ADDED", &after, now)),
            (Some(_), Some(after)) => Some(self.line("MODIFIED", &after, now)),
            (Some(before), None) => {
                let mut last = change.after.as_deref().unwrap_or(&before).clone();
                let version = change.version.to_string();
                json::child(&mut last, "metadata").insert("resourceVersion".to_owned(), version.into());
                Some(self.line("DELETED", &last, now))
            }
        }
    }

    fn line(&mut self, what: &str, object: &Value, now: Timestamp) -> Bytes {
        let mut told = self.form.of_object(self.kind, object, now);
        if matches!(self.form, Form::Table(_)) {
            if self.has_columns {
                json::object(&mut told).insert("columnDefinitions".to_owned(), Value::Null);
            }
            self.has_columns = true;
        }
        event(what, &told)
    }

    fn bookmark_object(&self, version: u64) -> Value {
        let mut object = json!({"metadata": {"resourceVersion": version.to_string()}});
        match self.form {
            Form::Object => self.kind.stamp(&mut object),
            Form::Table(_) => {
                object = json!({
                    "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version.to_string()},
                    "columnDefinitions": null, "rows": [],
                });
            }
            Form::Partial => {
                json::object(&mut object).insert("kind".to_owned(), "PartialObjectMetadata".into());
                json::object(&mut object).insert("apiVersion".to_owned(), "meta.k8s.io/v1".into());
            }
        }
        object
    }
}

/// One line of the stream.
fn event(what: &str, object: &Value) -> Bytes {
    let mut line = json!({"type": what, "object": object}).to_string();
    line.push('\n');
    Bytes::from(line)
}
