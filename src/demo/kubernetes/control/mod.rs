//! The control plane: what is stored, and the small models of controllers that move it, each woken by changes and by the clock.
//!
//! Controllers see only the store, as real ones see only the API; they never see a request.

mod agenda;
mod analysis;
mod condition;
mod controller_revision;
mod daemon_set;
mod deployment;
mod event;
mod flagger;
mod flux;
mod pod;
mod replica_set;
mod rollout;
mod stateful_set;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::json;
use super::kind::Kind;
use super::seed::Seed;
use super::spec::AnalysisSpec;
use super::store::{Key, Store};
use crate::domain::time::Timestamp;
use agenda::{Agenda, Task};

pub(crate) use event::Note;
pub(crate) use flagger::{is_primary, routed};
pub(crate) use pod::is_ready;
pub(crate) use rollout::spec_is_readable;
pub(crate) use template::complete as complete_template;

/// Events live this long, as the API server keeps them.
const EVENT_LIFE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// The store and those who move it.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) store: Store,
    pub(crate) seed: Seed,
    agenda: Agenda,
    analysis: Vec<AnalysisSpec>,
    /// Image tags whose containers crash as soon as they start.
    crashing: BTreeSet<String>,
    /// What git and charts hold, which Flux's controllers look at.
    pub(crate) outside: flux::Outside,
    /// The gates of load testers that are open, as testers name them: `podinfo.test`, `rollback.podinfo.test`.
    gates: BTreeSet<String>,
    /// How often one of them was opened or closed.
    turned: u64,
    /// From which share of the traffic on the checks of a canary's version fail, by its tag.
    pub(crate) failing: BTreeMap<(Key, String), i64>,
}

impl Plane {
    /// An empty cluster.
    pub(crate) fn new(seed: Seed, analysis: Vec<AnalysisSpec>, crashing: impl IntoIterator<Item = String>) -> Self {
        Self {
            store: Store::new(1000),
            seed,
            agenda: Agenda::default(),
            analysis,
            crashing: crashing.into_iter().collect(),
            outside: flux::Outside::default(),
            gates: BTreeSet::new(),
            turned: 0,
            failing: BTreeMap::new(),
        }
    }

    /// When something next happens by itself.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    /// Does everything that is due up to `now`, in order of time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some((at, task)) = self.agenda.take(now) {
            match task {
                Task::Sync(key) => match key.kind {
                    Kind::Rollout => rollout::reconcile(self, at, &key),
                    Kind::Deployment => deployment::reconcile(self, at, &key),
                    Kind::ReplicaSet => replica_set::reconcile(self, at, &key),
                    Kind::AnalysisRun => analysis::measure(self, at, &key),
                    Kind::StatefulSet => stateful_set::reconcile(self, at, &key),
                    Kind::DaemonSet => daemon_set::reconcile(self, at, &key),
                    Kind::Canary => flagger::reconcile(self, at, &key),
                    kind if flux::KINDS.contains(&kind) => flux::reconcile(self, at, &key),
                    _ => {}
                },
                Task::Start(key) => pod::start(self, at, &key),
                Task::Remove(key) => self.remove(at, &key),
            }
        }
    }

    /// Writes an object and wakes whom it concerns. What is already so is not written again.
    pub(crate) fn put(&mut self, now: Timestamp, key: &Key, object: Value) {
        let before = self.store.version();
        self.store.put(key, object);
        if self.store.version() != before {
            self.notice(now, key);
        }
    }

    /// Removes an object and wakes whom it concerns.
    pub(crate) fn remove(&mut self, now: Timestamp, key: &Key) {
        let owner = self.store.get(key).and_then(|object| owner_of(key, object));
        self.store.remove(key);
        if let Some(owner) = owner {
            self.wake(now, &owner);
        }
    }

    fn notice(&mut self, now: Timestamp, key: &Key) {
        let owner = self.store.get(key).and_then(|object| owner_of(key, object));
        match key.kind {
            Kind::Rollout | Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
                self.wake(now, key);
            }
            Kind::AnalysisRun if self.terminating(key) => self.wake(now, key),
            kind if flux::KINDS.contains(&kind) => self.wake(now, key),
            Kind::Canary => flagger::wake(self, now, key),
            _ => {}
        }
        for (at, whom) in flux::concerned(self, now, key) {
            if at > now { self.wake_at(at, &whom) } else { self.wake(now, &whom) }
        }
        if key.kind == Kind::Deployment {
            for canary in flagger::of_workload(self, key) {
                flagger::wake(self, now, &canary);
            }
        }
        if let Some(owner) = owner {
            self.wake(now, &owner);
        }
    }

    fn terminating(&self, key: &Key) -> bool {
        let run = self.store.get(key);
        run.is_some_and(|run| run.pointer("/spec/terminate") == Some(&Value::Bool(true)))
    }

    /// Has a controller look at an object soon: informers and queues take their time.
    fn wake(&mut self, now: Timestamp, key: &Key) {
        if key.kind == Kind::Canary {
            // Whatever becomes of what it owns: it is looked at by the clock.
            return;
        }
        let (from, to) = match key.kind {
            Kind::ReplicaSet | Kind::AnalysisRun => (20, 120),
            _ => (80, 400),
        };
        let version = self.store.version().to_string();
        let delay = self.seed.span(&["sync", &key.namespace, &key.name, &version], from, to);
        self.agenda.add(now + delay, Task::Sync(key.clone()));
    }

    /// Has a controller look at an object at a moment: the end of a pause, a deadline.
    fn wake_at(&mut self, at: Timestamp, key: &Key) {
        self.agenda.add(at, Task::Sync(key.clone()));
    }

    /// Has its controller look at an object though nothing of it has changed.
    pub(crate) fn look(&mut self, now: Timestamp, key: &Key) {
        self.wake(now, key);
    }

    /// Records an event, or counts it again if it was recorded before.
    pub(crate) fn record(&mut self, now: Timestamp, note: &Note<'_>) {
        event::record(self, now, note);
    }

    /// The pods with this image tag crash from now on, or no longer do.
    pub(crate) fn set_crashing(&mut self, tag: &str, crashing: bool) {
        if crashing {
            self.crashing.insert(tag.to_owned());
        } else {
            self.crashing.remove(tag);
        }
    }

    /// Is a gate of a load tester open?
    pub(crate) fn is_open(&self, gate: &str) -> bool {
        self.gates.contains(gate)
    }

    /// Opens or closes a gate of a load tester.
    pub(crate) fn turn(&mut self, gate: String, open: bool) {
        let turned = if open { self.gates.insert(gate) } else { self.gates.remove(&gate) };
        self.turned += u64::from(turned);
    }

    /// Counts what was changed, in the store and in the memory of load testers.
    pub(crate) fn changes(&self) -> u64 {
        self.store.version() + self.turned
    }

    /// Takes readiness from ready pods of a workload, or gives it back; `tag` limits it to one version. How many were changed.
    pub(crate) fn set_ready(&mut self, now: Timestamp, of: &PodsOf<'_>, ready: bool) -> usize {
        pod::set_ready(self, now, of, ready)
    }

    /// Somebody deletes a pod; whoever owns it sees to it. Whether there is one.
    pub(crate) fn delete_pod(&mut self, now: Timestamp, namespace: &str, name: &str) -> bool {
        let key = Key::new(Kind::Pod, namespace, name);
        let there = self.store.get(&key).is_some();
        pod::delete(self, now, &key);
        there
    }

    /// A namespace, if it is not there yet.
    pub(crate) fn ensure_namespace(&mut self, now: Timestamp, name: &str) {
        let key = Key::new(Kind::Namespace, "", name);
        if self.store.get(&key).is_some() {
            return;
        }
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {
                "name": name, "uid": self.seed.uid(&["namespace", name]), "creationTimestamp": json::stamp(now),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        self.put(now, &key, namespace);
    }
}

/// Some pods of a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PodsOf<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) workload: &'a str,
    /// Only those with this image tag.
    pub(crate) tag: Option<&'a str>,
    /// At most so many.
    pub(crate) count: Option<usize>,
}

/// The controller that owns an object, if it is of a kind that is served here.
fn owner_of(key: &Key, object: &Value) -> Option<Key> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.meta().kind == json::text(owner, "/kind"))?;
    Some(Key::new(kind, &key.namespace, json::text(owner, "/name")))
}

/// Is the object owned by the one with this uid?
fn is_owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|owners| owners.iter().any(|owner| json::text(owner, "/uid") == uid))
}

/// The reference that makes `object` the controller of another.
fn owner_reference(object: &Value) -> Value {
    json!([{
        "apiVersion": json::text(object, "/apiVersion"), "kind": json::text(object, "/kind"),
        "name": json::text(object, "/metadata/name"), "uid": json::text(object, "/metadata/uid"),
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// A number or a percentage of `whole`, as `maxSurge` is given; a percentage is rounded up or down.
fn share_of(value: Option<&Value>, whole: i64, up: bool) -> i64 {
    match value {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default().max(0),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            (whole * percent.max(0) + if up { 99 } else { 0 }) / 100
        }
        _ => 0,
    }
}

/// How many pods more, and how many fewer, than wanted an update may run: never both zero, or it could not move.
fn fenceposts(surge: Option<&Value>, unavailable: Option<&Value>, replicas: i64) -> (i64, i64) {
    let surge = share_of(surge, replicas, true);
    let unavailable = share_of(unavailable, replicas, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// The tag of the first container's image; empty where there is none.
pub(crate) fn tag_of(template: &Value) -> &str {
    let image = json::text(template, "/spec/containers/0/image");
    image.rsplit_once(':').map_or("", |(_, tag)| tag)
}
