//! Kubernetes as the world speaks it: API machinery, and small models of the controllers that move the objects.
//!
//! `api` answers requests over the store and never moves anything by itself; `control` moves what is stored and never sees a
//! request. `Cluster` puts both behind [`System`] and lets a scenario act.

mod act;
mod api;
mod blueprint;
mod control;
mod fields;
mod json;
mod kind;
mod seed;
mod serving;
mod setup;
mod spec;
mod store;

use bytes::Bytes;
use http::Request;

use self::api::Api;
use self::control::Plane;
use self::seed::Seed;
use super::system::{Cursor, Due, Reply, System, has_another_token};
use super::traffic::{Served, Serving};
use crate::domain::time::Timestamp;

pub use act::{ActError, Action};
pub(crate) use blueprint::KIND;
pub use blueprint::kubeconfig;
pub use spec::{
    AnalysisSpec, AutomationSpec, CanarySpec, Chart, ClusterSpec, Commit, Crd, DaemonSetSpec, DeploymentSpec, GitSpec,
    HeldSpec, HelmReleaseSpec, KustomizationSpec, Release, Right, RolloutSpec, Router, ServiceSpec, StatefulSetSpec,
    Suspended, TesterSpec,
};

/// One cluster of the world.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    plane: Plane,
    api: Api,
    /// Whoever brings a token brings the world's.
    guarded: bool,
}

impl Cluster {
    /// A cluster as its specification says, with everything in it settled, at the moment `start`. Equal arguments give clusters
    /// that are equal to the last name.
    pub fn new(name: &str, spec: &ClusterSpec, seed: u64, start: Timestamp) -> Self {
        let seed = Seed::new(seed, name);
        let mut plane = Plane::new(seed, spec.analysis.clone(), spec.crashing.iter().cloned());
        setup::populate(&mut plane, spec, start);
        plane.store.compact();
        Self { name: name.to_owned(), plane, api: Api::new(name, spec), guarded: false }
    }

    /// The same for a cluster of the world that has no token of its own: another one than the world's is refused.
    pub(crate) fn guarded(self) -> Self {
        Self { guarded: true, ..self }
    }

    /// Lets a scenario do something at `now`.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), ActError> {
        self.plane.advance(now);
        if let Action::SetRights { rights } = action {
            self.api.set_rights(rights.clone());
            return Ok(());
        }
        act::act(&mut self.plane, now, action)
    }
}

impl System for Cluster {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        if self.guarded && has_another_token(request) {
            return Reply::Whole(api::unauthorized());
        }
        self.plane.advance(now);
        self.api.respond(&mut self.plane, now, request)
    }

    fn due(&mut self, cursor: Cursor, now: Timestamp) -> Due {
        self.plane.advance(now);
        self.api.due(&self.plane, cursor, now)
    }

    fn hang_up(&mut self, cursor: Cursor) {
        self.api.hang_up(cursor);
    }

    fn next(&self) -> Option<Timestamp> {
        self.plane.next()
    }

    fn advance(&mut self, now: Timestamp) {
        self.plane.advance(now);
    }

    fn revision(&self) -> u64 {
        self.plane.changes()
    }

    fn serving(&self) -> Vec<Serving> {
        serving::serving(&self.name, &self.plane)
    }

    /// Keeps what its own pods wrote.
    fn told(&mut self, _: Timestamp, served: &[Served<'_>]) {
        for pod in served.iter().filter(|pod| pod.service.cell == self.name) {
            self.api.logs.take(pod);
        }
        self.api.logs.forget(&self.plane);
    }
}
