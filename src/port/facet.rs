//! The facets a connection offers. Presence of a facet is the capability; the limits of one object travel with the object.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::SourceName, object::ObjectId, place::Coverage, time::Timestamp, verb::Verb},
    port::{
        error::ProviderError,
        examine::Examine,
        inventory::Inventory,
        lookup::{Lookup, Topic},
        plan::{Reading, Sent},
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

    /// Sends one call, exactly once. Never retries.
    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent>;
}

/// A span of time cut into steps that do not overlap: `(from, from+step], … (to-step, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// How long one answer may take where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(4);
/// How often an act's target is read where nothing else is said.
const PACE: Duration = Duration::from_secs(1);
/// For so long together a read keeps pauses that the system asks for.
const PAUSES: Duration = Duration::from_secs(12);

/// Whether what leads to a system is being made: a program of the user's gives its credentials, and may take its time.
#[derive(Clone, Debug, Default)]
pub struct Making(Arc<AtomicUsize>);

/// As long as it is there, it is being made.
#[derive(Debug)]
pub struct Begun(Making);

impl Making {
    /// It begins now, and lasts until the answer is dropped.
    pub fn begin(&self) -> Begun {
        self.0.fetch_add(1, Ordering::Relaxed);
        Begun(self.clone())
    }

    /// Is it being made?
    pub fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A configured connection: what it is called and what it offers.
#[derive(Clone)]
pub struct Connection {
    /// Its name in the status bar.
    pub name: SourceName,
    /// The kind of system, as the configuration names it.
    pub system: &'static str,
    /// What tells of its objects: one for each engine that lives there, one for all that a forge has.
    pub inventories: Vec<Arc<dyn Inventory>>,
    /// What answers questions while somebody cares.
    pub lookups: Vec<Arc<dyn Lookup>>,
    /// Whoever says whether it is set up well.
    pub examiner: Option<Arc<dyn Examine>>,
    /// How often it is meant to be read.
    pub interval: Duration,
    /// How long one answer may take.
    pub timeout: Duration,
    /// How often the target of an act is read while its outcome is awaited: as often as the system can bear.
    pub pace: Duration,
    /// Of which environments its lookups tell.
    pub coverage: Coverage,
    /// Whether its credentials are waited for.
    pub making: Making,
    /// What is left of its request budget at a time, 0 to 1; below 0.2 only verbs go out.
    pub budget: Option<Gauge>,
}

/// Reads a share, 0 to 1, without waiting for anything.
pub type Gauge = Arc<dyn Fn(Timestamp) -> f64 + Send + Sync>;

impl Connection {
    /// A connection that offers nothing yet.
    pub fn new(name: SourceName, system: &'static str, interval: Duration) -> Self {
        let (inventories, lookups, examiner) = (Vec::new(), Vec::new(), None);
        let making = Making::default();
        let (coverage, timeout) = (Coverage::default(), TIMEOUT);
        let (pace, budget) = (PACE, None);
        Self { name, system, inventories, lookups, examiner, interval, timeout, pace, coverage, making, budget }
    }

    /// How long a list or a query may take: two answers one after the other, or one and the pauses that are asked for.
    pub fn patience(&self) -> Duration {
        self.timeout.saturating_add(PAUSES.max(self.timeout))
    }

    /// Whoever can act on the target.
    pub fn actor(&self, target: &ObjectId) -> Option<&dyn Actor> {
        self.inventory(target).map(|inventory| inventory as &dyn Actor)
    }

    /// Whatever answers questions about this.
    pub fn lookup(&self, topic: Topic) -> Option<&Arc<dyn Lookup>> {
        self.lookups.iter().find(|lookup| lookup.topics().contains(&topic))
    }

    /// Whatever tells of the target.
    pub fn inventory(&self, target: &ObjectId) -> Option<&dyn Inventory> {
        let tells =
            |inventory: &&Arc<dyn Inventory>| inventory.tells().iter().any(|(family, _)| *family == target.family);
        self.inventories.iter().find(tells).map(|inventory| &**inventory)
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
