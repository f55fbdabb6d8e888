//! A pretended Argo CD: Applications with their history, syncs and roll backs that take their time, auto-sync that follows git after a while,
//! sync windows, rights, and the stream that tells of all of it, over its REST API.
//!
//! It is a fake, so it is checked against upstream's types and what its server answers, not against our own client. `spec` is the
//! scenario's side, `app` how an Application moves, `wire` the JSON, `stream` who listens, `route` the endpoints.

mod app;
mod blueprint;
mod route;
pub mod spec;
mod stream;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

pub(crate) use self::blueprint::KIND;
use self::{
    app::{App, Revision},
    spec::{Action, Spec},
    stream::Listener,
};
use crate::{
    demo::system::{Cursor, Due, Reply, System},
    domain::time::Timestamp,
};

/// So many changes are remembered for those who listen.
const REMEMBERED: usize = 10_000;

/// A change of an Application, as a stream tells it.
#[derive(Clone, Debug)]
struct Change {
    version: u64,
    /// `ADDED`, `MODIFIED`, `DELETED`.
    kind: &'static str,
    application: Value,
}

/// Argo CD.
#[derive(Debug)]
pub struct ArgoCd {
    spec: Spec,
    /// The rights that the token lacks: `sync, shop/*`.
    denied: Vec<String>,
    start: Timestamp,
    apps: Vec<App>,
    changes: Vec<Change>,
    /// The newest version of anything.
    version: u64,
    listeners: BTreeMap<u64, Listener>,
    opened: u64,
}

impl ArgoCd {
    /// As it is at `start`.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let mut all = Self {
            spec: spec.clone(),
            denied: spec.denied.clone(),
            start,
            apps: Vec::new(),
            changes: Vec::new(),
            version: 1_000,
            listeners: BTreeMap::new(),
            opened: 0,
        };
        all.apps = spec.applications.iter().map(|one| App::new(one, start)).collect();
        for place in 0..all.apps.len() {
            all.version += 1;
            if let Some(app) = all.apps.get_mut(place) {
                app.version = all.version;
            }
        }
        all
    }

    fn place(&self, name: &str) -> Result<usize, String> {
        let found = self.apps.iter().position(|app| app.spec.name == name);
        found.ok_or_else(|| format!("argocd: there is no Application '{name}'"))
    }

    /// Makes something happen that a script asks for.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        match action {
            Action::Push { application, revision, tag } => {
                let place = self.place(application)?;
                if let Some(app) = self.apps.get_mut(place) {
                    app.push(Revision { revision: revision.clone(), tag: tag.clone() }, now);
                }
            }
            Action::Sync { application, by } => {
                let place = self.place(application)?;
                let app = self.apps.get_mut(place).ok_or("argocd: it is gone")?;
                app.sync(None, by, &Value::Null, now).map_err(|why| format!("argocd: {why}"))?;
                self.changed(place);
            }
            Action::Terminate { application } => {
                let place = self.place(application)?;
                let app = self.apps.get_mut(place).ok_or("argocd: it is gone")?;
                app.terminate(now).map_err(|why| format!("argocd: {why}"))?;
                self.changed(place);
            }
            Action::SetAutoSync { application, on } => {
                let place = self.place(application)?;
                if let Some(app) = self.apps.get_mut(place) {
                    app.set_auto(*on, now);
                }
                self.changed(place);
            }
            Action::Delete { application } => {
                let place = self.place(application)?;
                let app = self.apps.remove(place);
                self.version += 1;
                let application = wire::application(&app, self.version);
                self.tell(Change { version: self.version, kind: "DELETED", application });
            }
            Action::Deny { right } => self.denied.push(right.clone()),
        }
        Ok(())
    }

    /// An Application is another one than before.
    fn changed(&mut self, place: usize) {
        self.version += 1;
        let version = self.version;
        let Some(app) = self.apps.get_mut(place) else { return };
        app.version = version;
        let application = wire::application(app, version);
        self.tell(Change { version, kind: "MODIFIED", application });
    }

    fn tell(&mut self, change: Change) {
        self.changes.push(change);
        let much = self.changes.len().saturating_sub(REMEMBERED);
        self.changes.drain(..much);
    }

    /// Until when a sync by hand (or by itself) is forbidden in a project.
    fn closed(&self, project: &str, by_hand: bool, now: Timestamp) -> Option<Timestamp> {
        let windows = self.spec.windows.iter().filter(|window| window.project == project);
        let closed = windows.filter(|window| !(by_hand && window.manual));
        let spans = closed.map(|window| (window.from.from(self.start), window.until.from(self.start)));
        spans.filter(|(from, until)| *from <= now && now < *until).map(|(_, until)| until).max()
    }
}

impl System for ArgoCd {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        self.answer(now, request)
    }

    fn due(&mut self, cursor: Cursor, now: Timestamp) -> Due {
        let Some(listener) = self.listeners.get_mut(&cursor.0) else { return Due { ended: true, ..Due::default() } };
        listener.due(&self.changes, self.version, now)
    }

    fn hang_up(&mut self, cursor: Cursor) {
        self.listeners.remove(&cursor.0);
    }

    fn next(&self) -> Option<Timestamp> {
        self.apps.iter().filter_map(App::next).min()
    }

    fn advance(&mut self, now: Timestamp) {
        for place in 0..self.apps.len() {
            let closed = self.apps.get(place).and_then(|app| {
                self.closed(&app.spec.project, app.operation.as_ref().is_none_or(|operation| !operation.automated), now)
            });
            if self.apps.get_mut(place).is_some_and(|app| app.advance(now, closed)) {
                self.changed(place);
            }
        }
    }

    fn revision(&self) -> u64 {
        self.version
    }
}
