//! Who listens to Applications: what is told to each, in the form and with the fields that it asked for. `argoproj/pkg`, `grpc/http`: a frame
//! that is as the last one of the same name is left out, and every 15 s a comment says that it is alive.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    demo::{argocd::Change, system::Due},
    domain::time::{Timestamp, after},
};

/// Between two signs of life.
const ALIVE: Duration = Duration::from_secs(15);

/// Somebody who listens.
#[derive(Debug)]
pub(super) struct Listener {
    /// Of these projects; of all where there is none.
    pub(super) projects: Vec<String>,
    pub(super) fields: Vec<String>,
    /// As server-sent events, or line by line.
    pub(super) events: bool,
    /// Up to this version everything was told.
    pub(super) seen: u64,
    /// Told first.
    pub(super) first: Vec<Value>,
    pub(super) alive: Timestamp,
    /// The last frame of each name.
    pub(super) last: BTreeMap<String, String>,
}

impl Listener {
    pub(super) fn due(&mut self, changes: &[Change], version: u64, now: Timestamp) -> Due {
        let mut chunks = Vec::new();
        for application in std::mem::take(&mut self.first) {
            chunks.extend(self.frame("ADDED", &application));
        }
        let seen = self.seen;
        for change in changes.iter().filter(|change| change.version > seen) {
            chunks.extend(self.frame(change.kind, &change.application));
        }
        self.seen = version;
        if self.events && self.alive <= now {
            chunks.push(Bytes::from_static(b":\n"));
            self.alive = after(now, ALIVE);
        }
        Due { chunks, ended: false, wake: Some(self.alive).filter(|_| self.events) }
    }

    fn frame(&mut self, kind: &str, application: &Value) -> Option<Bytes> {
        let text = |pointer: &str| application.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let project = text("/spec/project");
        if !self.projects.is_empty() && !self.projects.iter().any(|one| one == project) {
            return None;
        }
        let name = text("/metadata/name").to_owned();
        let frame = json!({"result": {"type": kind, "application": application}});
        let frame = if self.fields.is_empty() { frame } else { projected(&frame, "", &self.fields) };
        let frame = frame.to_string();
        if self.last.get(&name) == Some(&frame) {
            return None;
        }
        self.last.insert(name, frame.clone());
        Some(Bytes::from(if self.events { format!("data: {frame} \n\n") } else { format!("{frame}\n") }))
    }
}

/// What of a value these fields name, each with all that is below it.
pub(super) fn projected(value: &Value, at: &str, fields: &[String]) -> Value {
    match value {
        Value::Object(all) => {
            let kept = all.iter().filter_map(|(name, value)| {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                if fields.contains(&path) {
                    return Some((name.clone(), value.clone()));
                }
                let leads = fields.iter().any(|field| field.starts_with(&format!("{path}.")));
                leads.then(|| (name.clone(), projected(value, &path, fields)))
            });
            Value::Object(kept.collect::<Map<String, Value>>())
        }
        Value::Array(all) => Value::Array(all.iter().map(|one| projected(one, at, fields)).collect()),
        other => other.clone(),
    }
}
