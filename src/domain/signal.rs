//! Signals: what was measured, always split by version. Absent stays absent: a gap is never a zero.

use std::{collections::BTreeSet, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    naming::{self, Label},
    place::Place,
    rollout::{Arm, Role},
    time::{Timestamp, after},
};

/// One measured value. There is no point where nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The end of the window it was measured over.
    pub at: Timestamp,
    /// The value, in the unit of its series.
    pub value: f64,
}

/// Points in order of time, at most one a step.
pub type Series = Vec<Point>;

/// Requests and errors of one interval, from raw counters; intervals do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Begin of the interval.
    pub from: Timestamp,
    /// End of the interval.
    pub to: Timestamp,
    /// Requests that ended in it.
    pub requests: u64,
    /// Those of them that failed on the server's side; never more than `requests`.
    pub errors: u64,
}

/// The counts of one pod in one stratum: the finest split that the source gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCounts {
    /// Region, tenant, endpoint: the values of the labels that the configuration names; empty where it names none.
    pub stratum: String,
    /// The pod; empty where the source does not tell pods apart.
    pub pod: String,
    /// Requests and errors, interval by interval; an interval of which only one end is known is not there.
    pub counts: Vec<Counts>,
}

/// How long the requests of one interval took, as counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketCounts {
    /// Begin of the interval.
    pub from: Timestamp,
    /// End of the interval.
    pub to: Timestamp,
    /// Requests that ended in it.
    pub requests: u64,
    /// How many of them took at most each of the bounds of [`LatencyCounts::bounds`]; never falls from one to the next.
    pub within: Vec<u64>,
}

/// How long the requests of one stratum took, as counts: exact, where quantiles are guesses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyCounts {
    /// As in [`PartCounts::stratum`].
    pub stratum: String,
    /// The finite bucket bounds, seconds, ascending.
    pub bounds: Vec<f64>,
    /// Interval by interval.
    pub intervals: Vec<BucketCounts>,
}

/// The quantiles that every panel shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median, seconds.
    pub p50: Series,
    /// 95th percentile, seconds.
    pub p95: Series,
    /// 99th percentile, seconds.
    pub p99: Series,
    /// The highest finite bucket bound, seconds: a quantile that equals it is "at least" that.
    pub highest_bound: Option<f64>,
}

/// Everything measured of one version of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionSignals {
    /// The value of the version label: a tag or a pod template hash, as the metrics source has it.
    pub label: String,
    /// The side of a rollout that it is, where the source tells sides and not versions.
    #[serde(default)]
    pub role: Option<Role>,
    /// Failed share of the requests, 0 to 1.
    pub error_ratio: Series,
    /// Requests a second.
    pub request_rate: Series,
    /// Response times.
    pub latency: Latency,
    /// Requests and errors, interval by interval.
    pub counts: Vec<Counts>,
    /// The same by pod and stratum, where the source tells them apart; empty elsewhere.
    pub parts: Vec<PartCounts>,
    /// Response times as counts, one entry for each stratum, where the source has histograms.
    pub latency_counts: Vec<LatencyCounts>,
    /// Why the errors of its newest requests cannot be counted, where that is so. There are no counts of such intervals.
    #[serde(default)]
    pub uncounted: Option<Uncounted>,
    /// Why its response times could not be read, where only these could not: they are unknown, not absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untimed: Option<String>,
}

impl VersionSignals {
    /// The counts of the intervals that had ended by then, and nothing else.
    #[must_use]
    pub fn before(&self, end: Timestamp) -> Self {
        let mut before = Self { label: self.label.clone(), counts: self.counts.clone(), ..Self::default() };
        (before.parts, before.latency_counts) = (self.parts.clone(), self.latency_counts.clone());
        before.retain(|at| at <= end);
        before
    }

    /// The same as if all of it had been measured so much later, as far as it would be by then: what was before, laid beside what is now.
    #[must_use]
    pub fn later(&self, by: Duration, end: Timestamp) -> Self {
        let mut later = self.clone();
        let Latency { p50, p95, p99, .. } = &mut later.latency;
        for series in [&mut later.error_ratio, &mut later.request_rate, p50, p95, p99] {
            for point in series.iter_mut() {
                point.at = after(point.at, by);
            }
        }
        let moved = |counts: &mut Counts| (counts.from, counts.to) = (after(counts.from, by), after(counts.to, by));
        later.counts.iter_mut().for_each(moved);
        later.parts.iter_mut().flat_map(|part| &mut part.counts).for_each(moved);
        for interval in later.latency_counts.iter_mut().flat_map(|one| &mut one.intervals) {
            (interval.from, interval.to) = (after(interval.from, by), after(interval.to, by));
        }
        later.retain(|at| at <= end);
        later
    }

    /// Keeps the points and intervals whose ends are wanted.
    fn retain(&mut self, wanted: impl Fn(Timestamp) -> bool) {
        let Latency { p50, p95, p99, .. } = &mut self.latency;
        for series in [&mut self.error_ratio, &mut self.request_rate, p50, p95, p99] {
            series.retain(|point| wanted(point.at));
        }
        self.counts.retain(|counts| wanted(counts.to));
        self.parts.iter_mut().for_each(|part| part.counts.retain(|counts| wanted(counts.to)));
        self.latency_counts.iter_mut().for_each(|one| one.intervals.retain(|interval| wanted(interval.to)));
    }
}

/// Why it cannot be told of a version's requests which of them failed: missing errors are not zero errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uncounted {
    /// Their series do not carry the labels that failures are looked for by.
    Lacks {
        /// The labels that are asked for and not there.
        lacks: BTreeSet<String>,
        /// Labels that are there.
        carries: Vec<String>,
    },
    /// They are gRPC calls, whose HTTP status says nothing.
    Grpc {
        /// The labels that are asked for.
        asked: Vec<String>,
        /// The label that their outcome stands in.
        status: String,
    },
}

/// As the end of a sentence about requests: `carry no http_response_status_code; they carry http_status_code, pod`.
impl fmt::Display for Uncounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks { lacks, carries } => {
                write!(f, "carry no {}", lacks.iter().map(String::as_str).collect::<Vec<_>>().join(", "))?;
                if carries.is_empty() { Ok(()) } else { write!(f, "; they carry {}", carries.join(", ")) }
            }
            Self::Grpc { asked, status } => {
                write!(
                    f,
                    "are gRPC: it stands in {status} which of them failed, and the query asks for {}",
                    asked.join(", ")
                )
            }
        }
    }
}

impl VersionSignals {
    /// The end of the newest interval in which anything of it was measured.
    pub fn newest(&self) -> Option<Timestamp> {
        let points = [&self.error_ratio, &self.request_rate].into_iter().filter_map(|series| series.last());
        let counts = std::iter::once(&self.counts).chain(self.parts.iter().map(|part| &part.counts));
        let counts = counts.filter_map(|counts| counts.last()).map(|counts| counts.to);
        points.map(|point| point.at).chain(counts).max()
    }
}

/// Everything measured of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceSignals {
    /// Whose signals.
    pub service: ServiceName,
    /// Where it runs; empty where the source does not tell environments apart.
    #[serde(default = "nowhere", skip_serializing_if = "is_nowhere")]
    pub environment: EnvironmentName,
    /// The distance between points, and the length of each interval.
    pub step: Duration,
    /// One entry for each version that the source knows; a version that is not here has no data.
    pub versions: Vec<VersionSignals>,
}

fn nowhere() -> EnvironmentName {
    EnvironmentName::new("")
}

fn is_nowhere(environment: &EnvironmentName) -> bool {
    environment.as_str().is_empty()
}

impl ServiceSignals {
    /// What they are about.
    pub fn place(&self) -> Place {
        Place::of(&self.service, &self.environment)
    }

    /// The signals of one version, by any of the names it may have in the source (tag, hash).
    pub fn of(&self, names: &[&str]) -> Option<&VersionSignals> {
        self.versions.iter().find(|version| names.contains(&version.label.as_str()))
    }

    /// Without what had ended by then.
    #[must_use]
    pub fn after(mut self, end: Timestamp) -> Self {
        self.versions.iter_mut().for_each(|version| version.retain(|at| at > end));
        self
    }

    /// The signals of an arm, which is one of the rollout's `all`, however the source spells its version.
    pub fn of_arm(&self, all: &[&Arm], arm: &Arm) -> Option<&VersionSignals> {
        let labels: Vec<_> =
            self.versions.iter().map(|version| Label { text: &version.label, role: version.role }).collect();
        self.versions.get(naming::label_of(&labels, all, arm)?)
    }
}
