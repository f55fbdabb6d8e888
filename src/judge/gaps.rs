//! What is missing: a series that does not exist, one that ended, an arm that nobody calls. Missing is never healthy.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::{
    domain::{
        signal::{Counts, Uncounted, VersionSignals},
        time::{Timestamp, age},
    },
    judge::counts::Arms,
};

/// One side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Arm {
    /// The version on its way in.
    Canary,
    /// The version that served before.
    Stable,
}

/// A kind of measurement that a verdict needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// How many requests.
    #[strum(to_string = "requests")]
    Requests,
    /// How many of them failed.
    #[strum(to_string = "errors")]
    Errors,
    /// How long the slowest took.
    #[strum(to_string = "latency p99")]
    LatencyP99,
}

/// In which way it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// There is no series at all.
    NoSeries,
    /// The series ended then, and nothing has come since.
    EndedAt(Timestamp),
    /// There is a series, and it says that not one request came.
    NoTraffic,
    /// There are requests, and nobody can tell which of them failed.
    Uncounted(Uncounted),
    /// The service has series of these versions, and none of them is called as this one is.
    NotCalled {
        /// The service.
        service: String,
        /// How the version is called.
        called: String,
        /// What the source calls those that it has.
        there: Vec<String>,
    },
    /// What measures was never read, so that nothing is known of what there is.
    Unread(Unread),
}

/// Why nothing is known of what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// No connection measures anything.
    NothingMeasures,
    /// A source has not answered.
    Silent {
        /// Which.
        source: String,
        /// What it said instead, where it said anything.
        fault: Option<String>,
    },
    /// Only response times could not be read; why.
    Times(String),
    /// No source covers the environment.
    Uncovered {
        /// Which.
        environment: String,
    },
    /// Sources have series of the service, and do not say of which environment.
    Unplaced {
        /// Which sources.
        sources: Vec<String>,
        /// The service.
        service: String,
        /// Where it runs.
        environments: Vec<String>,
    },
    /// What ended before this moment has not been read yet: the newest is read first.
    Earlier(Timestamp),
}

/// Something that a verdict needs and does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub signal: Signal,
    /// Of which side.
    pub arm: Arm,
    /// In which way.
    pub gap: Gap,
}

impl Missing {
    /// Without this nothing can be said of errors at all. What is only not read yet may still turn a verdict, and so keeps it
    /// from being good; what is known already speaks.
    pub fn prevents_judging(&self) -> bool {
        let earlier = matches!(self.gap, Gap::Unread(Unread::Earlier(_)));
        matches!(self.signal, Signal::Requests | Signal::Errors) && !earlier
    }
}

/// What the caller knows of why nothing is measured, where it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmeasured {
    /// Nobody was asked, or nobody answered: nothing else that is missing means anything.
    pub unread: Option<Unread>,
    /// Why there is nothing of the canary.
    pub canary: Option<Gap>,
    /// Why there is nothing of stable.
    pub stable: Option<Gap>,
    /// What ended before this moment has not been read yet.
    pub earlier: Option<Timestamp>,
}

/// Everything that is missing of both arms, the canary's first. `both` is what they did in common
/// intervals, if there are any; `starves`: the canary got nothing lately, although traffic is declared for it.
pub(super) fn missing(
    canary: Option<&VersionSignals>,
    stable: Option<&VersionSignals>,
    unmeasured: Option<&Unmeasured>,
    both: Option<Arms>,
    starves: bool,
    now: Timestamp,
) -> Vec<Missing> {
    let whole = |arm, gap| Missing { signal: Signal::Requests, arm, gap };
    if let Some(why) = unmeasured.and_then(|it| it.unread.clone()) {
        return vec![whole(Arm::Canary, Gap::Unread(why))];
    }
    let known = |arm| match arm {
        Arm::Canary => unmeasured.and_then(|it| it.canary.clone()),
        Arm::Stable => unmeasured.and_then(|it| it.stable.clone()),
    };
    let of = |(arm, signals): (Arm, Option<&VersionSignals>)| -> Vec<Missing> {
        match known(arm).filter(|_| signals.is_none()) {
            Some(gap) => vec![whole(arm, gap)],
            None => of_arm(signals, now).map(|(signal, gap)| Missing { signal, arm, gap }).collect(),
        }
    };
    let mut all: Vec<_> = [(Arm::Canary, canary), (Arm::Stable, stable)].into_iter().flat_map(of).collect();
    // What speaks of both arms is said once.
    let same =
        |one: &Missing| matches!(one.gap, Gap::NotCalled { .. }) && known(Arm::Canary).as_ref() == Some(&one.gap);
    all.retain(|one| one.arm == Arm::Canary || !same(one));
    if let Some(Arms { canary, stable }) = both {
        let silent =
            |arm, silent: bool| silent.then_some(Missing { signal: Signal::Requests, arm, gap: Gap::NoTraffic });
        all.extend(silent(Arm::Canary, canary.requests == 0 || starves));
        all.extend(silent(Arm::Stable, stable.requests == 0));
    }
    let earlier = unmeasured.and_then(|it| it.earlier).map(|at| whole(Arm::Canary, Gap::Unread(Unread::Earlier(at))));
    all.extend(earlier);
    all.sort_by_key(|missing| (missing.arm, missing.signal));
    all
}

fn of_arm(signals: Option<&VersionSignals>, now: Timestamp) -> impl Iterator<Item = (Signal, Gap)> {
    let nothing = VersionSignals::default();
    let signals = signals.unwrap_or(&nothing);
    let patience = patience(signals);
    let gap = |last: Option<Timestamp>| match last {
        None => Some(Gap::NoSeries),
        Some(at) if age(now, at) > patience => Some(Gap::EndedAt(at)),
        Some(_) => None,
    };
    let counted = signals.counts.iter().map(|counts| counts.to).max();
    let rated = signals.request_rate.last().map(|point| point.at);
    // Without a request there is no quantile; that there are buckets is seen by their bounds.
    let idle = signals.latency.highest_bound.is_some()
        && !signals.request_rate.is_empty()
        && signals.request_rate.iter().all(|point| point.value <= 0.0);
    let timed = if idle { counted } else { signals.latency.p99.last().map(|point| point.at) };
    let uncounted = signals.uncounted.clone().filter(|_| gap(rated.max(counted)).is_none()).map(Gap::Uncounted);
    let errors = uncounted.or_else(|| gap(counted));
    // What could not be read is not known to have no series.
    let unread = |gap| match &signals.untimed {
        Some(why) => Gap::Unread(Unread::Times(why.clone())),
        None => gap,
    };
    let latency = gap(timed).map(unread);
    let gaps = [(Signal::Requests, gap(rated.max(counted))), (Signal::Errors, errors), (Signal::LatencyP99, latency)];
    gaps.into_iter().filter_map(|(signal, gap)| Some((signal, gap?)))
}

/// No series is given up sooner.
pub(super) const LEAST_PATIENCE: Duration = Duration::from_mins(2);

/// How long a series may be silent before it counts as ended: three of its intervals, at least two minutes.
fn patience(signals: &VersionSignals) -> Duration {
    let three = |counts: &Counts| age(counts.to, counts.from).saturating_mul(3);
    signals.counts.last().map_or(LEAST_PATIENCE, |counts| three(counts).max(LEAST_PATIENCE))
}
