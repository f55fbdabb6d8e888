//! The facets a connection offers. Presence of a facet is the capability; the limits of one object travel with the object.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta};
use futures::{future::BoxFuture, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        gate::Gate,
        ids::{ServiceName, SourceName},
        object::{Family, ObjectId},
        pipeline::{Job, Run},
        rollout::Rollout,
        signal::ServiceSignals,
        time::Timestamp,
        verb::Verb,
    },
    port::{
        error::ProviderError,
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{Checked, Shape},
    },
};

/// An answer that comes later.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// What every facet with verbs can do for the executor.
pub trait Actor: Send + Sync {
    /// Reads the target again, past every cache.
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading>;

    /// Every call that it can draft for a verb on a target, as it knows that target now; none for what it cannot do.
    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape>;

    /// Sends one call, exactly once, guarded by `revision` as the call says. Never retries.
    fn send<'a>(&'a self, call: Checked<'a>, revision: Option<&'a str>) -> Answer<'a, Sent>;
}

/// One thing a watch tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Everything there is now: replaces what was known.
    All(Vec<Rollout>),
    /// One object is new or changed.
    One(Box<Rollout>),
    /// One object is gone.
    Gone(ObjectId),
    /// Nothing changed, and the source proved that it is alive.
    Alive,
}

/// A system that moves rollouts.
pub trait Rollouts: Actor {
    /// The family of its rollouts.
    fn family(&self) -> Family;

    /// Everything in scope, now.
    fn list(&self) -> Answer<'_, Vec<Rollout>>;

    /// Follows everything in scope: a first [`Change::All`], then changes, until dropped. After an error it goes on by
    /// itself, pausing as it sees fit; it never ends.
    fn watch(&self) -> BoxStream<'_, Result<Change, ProviderError>>;

    /// The cheapest request that proves the source still answers; at most one object comes back.
    fn probe(&self) -> Answer<'_, ()>;

    /// What it would do for the ask, from the object as last observed. No I/O.
    fn draft(&self, rollout: &Rollout, ask: &Ask) -> Result<Draft, Blocked>;
}

/// A system that waits for humans.
pub trait Gates: Actor {
    /// Everything that waits.
    fn list(&self) -> Answer<'_, Vec<Gate>>;

    /// What it would do for the ask, from the gate as last observed. No I/O.
    fn draft(&self, gate: &Gate, ask: &Ask) -> Result<Draft, Blocked>;
}

/// A system that runs pipelines.
pub trait Pipelines: Actor {
    /// The newest runs of every repository in scope.
    fn list(&self) -> Answer<'_, Vec<Run>>;

    /// The jobs of one run.
    fn jobs<'a>(&'a self, run: &'a ObjectId) -> Answer<'a, Vec<Job>>;

    /// The log of one job, printable lines only; the last `most` of them.
    fn log<'a>(&'a self, run: &'a ObjectId, job: &'a str, most: usize) -> Answer<'a, Vec<String>>;

    /// What it would do for the ask, from the run as last observed. No I/O.
    fn draft(&self, run: &Run, ask: &Ask) -> Result<Draft, Blocked>;
}

/// A span of time cut into steps that do not overlap: `(from, from+step], … (to-step, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Begin of the first interval.
    pub from: Timestamp,
    /// End of the last interval.
    pub to: Timestamp,
    /// Length of an interval; divides the span.
    pub step: Duration,
}

impl Window {
    /// The newest `steps` whole intervals that ended at least `settle` before `now` (so that every sample of theirs has
    /// arrived). They lie on a grid that does not depend on `now`: asked again later, the same interval gives the same counts.
    /// A step of less than a millisecond is one.
    pub fn newest(now: Timestamp, settle: Duration, step: Duration, steps: u32) -> Self {
        let step = step.max(Duration::from_millis(1));
        let millis = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
        let settle = TimeDelta::from_std(settle).unwrap_or_default();
        let settled = now.checked_sub_signed(settle).unwrap_or(now);
        let to = settled.timestamp_millis().div_euclid(millis) * millis;
        let from = to.saturating_sub(millis.saturating_mul(steps.into()));
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH);
        Self { from: at(from), to: at(to), step }
    }
}

/// A system that measures.
pub trait Metrics: Send + Sync {
    /// The signals of these services, split by version, for each interval of the window. One request for each kind of
    /// metric, however many services there are. A service or version that the source does not know is left out. Without
    /// services, the cheapest request that proves the source alive.
    fn signals<'a>(&'a self, services: &'a [ServiceName], window: Window) -> Answer<'a, Vec<ServiceSignals>>;
}

/// A configured connection: what it is called and what it offers.
#[derive(Clone)]
pub struct Connection {
    /// Its name in the status bar.
    pub name: SourceName,
    /// The kind of system: `kubernetes`, `github`, `prometheus`.
    pub system: &'static str,
    /// Rollouts, one facet for each engine that lives there.
    pub rollouts: Vec<Arc<dyn Rollouts>>,
    /// Gates.
    pub gates: Option<Arc<dyn Gates>>,
    /// Pipelines.
    pub pipelines: Option<Arc<dyn Pipelines>>,
    /// Metrics.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// How often it is meant to be read.
    pub interval: Duration,
    /// What is left of its request budget at a time, 0 to 1; below 0.2 only verbs go out.
    pub budget: Option<Gauge>,
}

/// Reads a share, 0 to 1, without waiting for anything.
pub type Gauge = Arc<dyn Fn(Timestamp) -> f64 + Send + Sync>;

impl Connection {
    /// A connection that offers nothing yet.
    pub fn new(name: SourceName, system: &'static str, interval: Duration) -> Self {
        Self { name, system, rollouts: Vec::new(), gates: None, pipelines: None, metrics: None, interval, budget: None }
    }

    /// Whoever can act on the target.
    pub fn actor(&self, target: &ObjectId) -> Option<&dyn Actor> {
        let of_family = self.rollouts.iter().find(|rollouts| rollouts.family() == target.family);
        of_family
            .map(|rollouts| -> &dyn Actor { &**rollouts })
            .or_else(|| {
                self.gates.as_deref().filter(|_| target.family == Family::gate()).map(|gates| gates as &dyn Actor)
            })
            .or_else(|| {
                self.pipelines.as_deref().filter(|_| target.family == Family::run()).map(|runs| runs as &dyn Actor)
            })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("name", &self.name).field("system", &self.system).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn the_newest_window_ends_with_the_last_interval_that_is_whole_and_settled() {
        let at = |minute, second| chrono::Utc.with_ymd_and_hms(2026, 3, 10, 1, minute, second).unwrap();
        let newest = |now| Window::newest(now, Duration::from_secs(15), Duration::from_mins(1), 5);
        let window = |from, to| Window { from: at(from, 0), to: at(to, 0), step: Duration::from_mins(1) };
        assert_eq!(newest(at(46, 15)), window(41, 46));
        assert_eq!(newest(at(47, 14)), window(41, 46));
        assert_eq!(newest(at(47, 15)), window(42, 47));
    }
}
