//! What is missing: a series that does not exist, one that ended, an arm that nobody calls. Missing is never healthy.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::{
    domain::{
        signal::{Counts, VersionSignals},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// There is no series at all.
    NoSeries,
    /// The series ended then, and nothing has come since.
    EndedAt(Timestamp),
    /// There is a series, and it says that not one request came.
    NoTraffic,
}

/// Something that a verdict needs and does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What.
    pub signal: Signal,
    /// Of which side.
    pub arm: Arm,
    /// In which way.
    pub gap: Gap,
}

impl Missing {
    /// Without this nothing can be said of errors at all.
    pub fn prevents_judging(self) -> bool {
        matches!(self.signal, Signal::Requests | Signal::Errors)
    }
}

/// `latency p99 (canary) has no series`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.gap {
            Gap::NoSeries => "has no series",
            Gap::EndedAt(_) => "has ended",
            Gap::NoTraffic => "has no traffic",
        };
        write!(f, "{} ({}) {how}", self.signal, self.arm)
    }
}

/// Everything that is missing of both arms, the canary's first. `both` is what they did in common
/// intervals, if there are any; `starves`: the canary got nothing lately, although traffic is declared for it.
pub(super) fn missing(
    canary: Option<&VersionSignals>,
    stable: Option<&VersionSignals>,
    both: Option<Arms>,
    starves: bool,
    now: Timestamp,
) -> Vec<Missing> {
    let mut all: Vec<_> = [(Arm::Canary, canary), (Arm::Stable, stable)]
        .into_iter()
        .flat_map(|(arm, signals)| of_arm(signals, now).map(move |(signal, gap)| Missing { signal, arm, gap }))
        .collect();
    if let Some(Arms { canary, stable }) = both {
        let silent =
            |arm, silent: bool| silent.then_some(Missing { signal: Signal::Requests, arm, gap: Gap::NoTraffic });
        all.extend(silent(Arm::Canary, canary.requests == 0 || starves));
        all.extend(silent(Arm::Stable, stable.requests == 0));
    }
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
    let gaps =
        [(Signal::Requests, gap(rated.max(counted))), (Signal::Errors, gap(counted)), (Signal::LatencyP99, gap(timed))];
    gaps.into_iter().filter_map(|(signal, gap)| Some((signal, gap?)))
}

/// No series is given up sooner.
pub(super) const LEAST_PATIENCE: Duration = Duration::from_mins(2);

/// How long a series may be silent before it counts as ended: three of its intervals, at least two minutes.
fn patience(signals: &VersionSignals) -> Duration {
    let three = |counts: &Counts| age(counts.to, counts.from).saturating_mul(3);
    signals.counts.last().map_or(LEAST_PATIENCE, |counts| three(counts).max(LEAST_PATIENCE))
}

/// `requests, errors (canary); latency p99 (stable)`.
pub(super) fn list(missing: &[Missing]) -> String {
    let of = |arm: Arm| {
        let mut signals: Vec<_> = missing.iter().filter(|m| m.arm == arm).map(|m| m.signal.to_string()).collect();
        signals.dedup();
        (!signals.is_empty()).then(|| format!("{} ({arm})", signals.join(", ")))
    };
    [of(Arm::Canary), of(Arm::Stable)].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
