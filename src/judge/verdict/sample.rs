//! Made-up minutes of two versions, for tests.

use super::*;
use crate::domain::signal::{BucketCounts, Counts, Latency, LatencyCounts, PartCounts, Point};

/// The begin of the minute with this number.
pub(crate) fn minute(number: i64) -> Timestamp {
    crate::judge::counts::tests::minute(number)
}

/// Requests and errors, minute by minute.
pub(crate) type Minutes = Vec<(u64, u64)>;

/// A version that had, minute by minute from minute 0, these requests and errors; its latency was measured too.
pub(crate) fn version(minutes: &[(u64, u64)]) -> VersionSignals {
    let counts: Vec<_> = (0..)
        .zip(minutes)
        .map(|(i, &(requests, errors))| Counts { from: minute(i), to: minute(i + 1), requests, errors })
        .collect();
    let points = |value: fn(&Counts) -> f64| counts.iter().map(|c| Point { at: c.to, value: value(c) }).collect();
    VersionSignals {
        request_rate: points(|counts| counts.requests as f64 / 60.0),
        latency: Latency { p99: points(|_| 0.1), highest_bound: Some(10.0), ..Latency::default() },
        counts,
        ..VersionSignals::default()
    }
}

pub(crate) fn judged(canary: &[(u64, u64)], stable: &[(u64, u64)]) -> Judgement {
    let now = minute(canary.len().max(stable.len()).try_into().unwrap());
    judge(&Case::new(Some(&version(canary)), Some(&version(stable)), minute(0), now))
}

pub(crate) fn concat(parts: &[(usize, (u64, u64))]) -> Vec<(u64, u64)> {
    parts.iter().flat_map(|&(times, counts)| vec![counts; times]).collect()
}

/// Good for three minutes, then 3.1 % against 0.2 %.
pub(crate) fn bad_canary() -> (Minutes, Minutes) {
    (concat(&[(3, (1000, 2)), (18, (1000, 31))]), vec![(3000, 6); 21])
}

/// Stratum, pod, and its requests and errors.
pub(crate) type PodOf<'a> = (&'a str, &'a str, &'a [(u64, u64)]);

/// A version whose pods have, minute by minute, these requests and errors in these strata.
pub(crate) fn pods(parts: &[PodOf<'_>]) -> VersionSignals {
    let longest = parts.iter().map(|(_, _, minutes)| minutes.len()).max().unwrap_or_default();
    let sum = |i: usize| {
        let each = parts.iter().filter_map(|(_, _, minutes)| minutes.get(i));
        each.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    };
    let whole: Minutes = (0..longest).map(sum).collect();
    let part = |(stratum, pod, minutes): &PodOf<'_>| PartCounts {
        stratum: (*stratum).to_owned(),
        pod: (*pod).to_owned(),
        counts: version(minutes).counts,
    };
    VersionSignals { parts: parts.iter().map(part).collect(), ..version(&whole) }
}

/// A version with these requests a minute, of which so many took at most 0.1 s, 0.5 s and 2 s.
pub(crate) fn timed(requests: u64, within: [u64; 3]) -> VersionSignals {
    let whole = version(&[(requests, 2); 20]);
    let interval =
        |counts: &Counts| BucketCounts { from: counts.from, to: counts.to, requests, within: within.to_vec() };
    let intervals = whole.counts.iter().map(interval).collect();
    let latency_counts = vec![LatencyCounts { stratum: String::new(), bounds: vec![0.1, 0.5, 2.0], intervals }];
    VersionSignals { latency_counts, ..whole }
}
