//! Pairs of simultaneous intervals: the only data that the tests see.
//!
//! Intervals are never added up before a test: while weights change, totals can say the opposite of every interval
//! (Simpson's paradox).

use std::{collections::BTreeMap, ops::Add};

use serde::{Deserialize, Serialize};

use crate::domain::{
    signal::{Counts, VersionSignals},
    time::Timestamp,
};

/// Requests of one arm and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
}

impl Tally {
    /// Failed share, 0 to 1; `None` without requests.
    pub fn error_share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// The border at which a source is not believed: more errors than requests are as many.
impl From<&Counts> for Tally {
    fn from(counts: &Counts) -> Self {
        Self { requests: counts.requests, errors: counts.errors.min(counts.requests) }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            errors: self.errors.saturating_add(other.errors),
        }
    }
}

/// What both arms did in one interval, in one stratum: the only data that a test sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arms {
    /// The version on its way in.
    pub canary: Tally,
    /// The version that served before.
    pub stable: Tally,
}

impl Arms {
    /// Errors of both arms.
    pub fn events(&self) -> u64 {
        self.canary.errors.saturating_add(self.stable.errors)
    }

    /// Requests of both arms.
    pub fn requests(&self) -> u64 {
        self.canary.requests.saturating_add(self.stable.requests)
    }

    /// The canary's share of the requests, 0 to 1; `None` without requests.
    pub fn share(&self) -> Option<f64> {
        (self.requests() > 0).then(|| self.canary.requests as f64 / self.requests() as f64)
    }
}

impl Add for Arms {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { canary: self.canary + other.canary, stable: self.stable + other.stable }
    }
}

/// What both arms did in the same interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Begin of the interval.
    pub from: Timestamp,
    /// End of the interval.
    pub to: Timestamp,
    /// The version on its way in.
    pub canary: Tally,
    /// The version that served before.
    pub stable: Tally,
}

impl Pair {
    /// The counts without their time.
    pub fn arms(&self) -> Arms {
        Arms { canary: self.canary, stable: self.stable }
    }

    /// Errors of both arms.
    pub fn events(&self) -> u64 {
        self.arms().events()
    }

    /// The canary's share of the requests, 0 to 1; `None` without requests.
    pub fn share(&self) -> Option<f64> {
        self.arms().share()
    }
}

/// One stratum's name with what both arms did in it in one interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratified {
    /// The stratum; empty where the source does not split.
    pub stratum: String,
    /// The counts.
    pub pair: Pair,
}

/// Pairs intervals of the same stratum, begin and end, in order of time, from those that begin at `since` or later. An interval
/// that only one arm has is left out: nothing is known of the other. Pods are added up; where a version has no parts its
/// totals stand for it. Of `seen` as [`newer`].
pub(super) fn pairs(
    canary: &VersionSignals,
    stable: &VersionSignals,
    since: Timestamp,
    seen: Option<Timestamp>,
) -> Vec<Stratified> {
    let split = are_split(canary, stable);
    let (canary, stable) = (by_interval(canary, split, seen, |_| true), by_interval(stable, split, seen, |_| true));
    let paired = canary.into_iter().filter(|((from, ..), _)| *from >= since).filter_map(|(key, canary)| {
        let stable = *stable.get(&key)?;
        let (from, to, stratum) = key;
        Some(Stratified { stratum, pair: Pair { from, to, canary, stable } })
    });
    paired.collect()
}

/// Are both versions told pod by pod?
pub(super) fn are_split(canary: &VersionSignals, stable: &VersionSignals) -> bool {
    !canary.parts.is_empty() && !stable.parts.is_empty()
}

/// What ended after `seen`: all of it without one; with one, of what is in order of time.
pub(super) fn newer<T>(all: &[T], seen: Option<Timestamp>, to: impl Fn(&T) -> Timestamp) -> &[T] {
    let first = seen.map_or(0, |seen| all.partition_point(|one| to(one) <= seen));
    all.get(first..).unwrap_or_default()
}

/// Counts by begin, end and stratum.
pub(super) type Intervals = BTreeMap<(Timestamp, Timestamp, String), Tally>;

/// What a version did, interval by interval: the parts of the pods that are asked for, or (`split` is false) its totals. An
/// interval that is told twice by the same part counts once. Of `seen` as [`newer`].
pub(super) fn by_interval(
    signals: &VersionSignals,
    split: bool,
    seen: Option<Timestamp>,
    pod: impl Fn(&str) -> bool,
) -> Intervals {
    let mut all = Intervals::new();
    if !split {
        let counts = newer(&signals.counts, seen, |counts| counts.to).iter();
        all.extend(counts.map(|counts| ((counts.from, counts.to, String::new()), counts.into())));
        return all;
    }
    for part in signals.parts.iter().filter(|part| pod(&part.pod)) {
        let counts = newer(&part.counts, seen, |counts| counts.to).iter();
        let own: BTreeMap<_, _> = counts.map(|counts| ((counts.from, counts.to), Tally::from(counts))).collect();
        for ((from, to), tally) in own {
            let sum = all.entry((from, to, part.stratum.clone())).or_default();
            *sum = *sum + tally;
        }
    }
    all
}

/// Everything that both arms did, for display only.
pub fn totals<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> (Tally, Tally) {
    let add = |(canary, stable): (Tally, Tally), pair: &Pair| (canary + pair.canary, stable + pair.stable);
    pairs.into_iter().fold((Tally::default(), Tally::default()), add)
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;
    use crate::domain::signal::PartCounts;

    /// The begin of the minute with this number.
    pub(in crate::judge) fn minute(number: i64) -> Timestamp {
        chrono::Utc.with_ymd_and_hms(2026, 3, 10, 1, 46, 0).unwrap() + TimeDelta::minutes(number)
    }

    /// `(canary requests, canary errors, stable requests, stable errors)` of the minute with this number.
    pub(in crate::judge) fn pair(number: i64, counts: (u64, u64, u64, u64)) -> Pair {
        let tally = |requests, errors| Tally { requests, errors };
        Pair {
            from: minute(number),
            to: minute(number + 1),
            canary: tally(counts.0, counts.1),
            stable: tally(counts.2, counts.3),
        }
    }

    fn counts(number: i64, requests: u64, errors: u64) -> Counts {
        Counts { from: minute(number), to: minute(number + 1), requests, errors }
    }

    fn total(counts: &[Counts]) -> VersionSignals {
        VersionSignals { counts: counts.to_vec(), ..VersionSignals::default() }
    }

    fn part(stratum: &str, pod: &str, counts: &[Counts]) -> PartCounts {
        PartCounts { stratum: stratum.to_owned(), pod: pod.to_owned(), counts: counts.to_vec() }
    }

    fn stratified(stratum: &str, pair: Pair) -> Stratified {
        Stratified { stratum: stratum.to_owned(), pair }
    }

    #[test]
    fn only_intervals_that_both_arms_have_since_the_begin_are_paired() {
        let canary = [counts(0, 1, 1), counts(1, 10, 1), counts(3, 30, 3), counts(2, 20, 2)];
        let stable = [counts(0, 100, 0), counts(2, 200, 4), counts(3, 300, 6), counts(4, 400, 8)];
        let expected = [pair(2, (20, 2, 200, 4)), pair(3, (30, 3, 300, 6))];
        assert_eq!(pairs(&total(&canary), &total(&stable), minute(1), None), expected.map(|pair| stratified("", pair)));
        let tally = |requests, errors| Tally { requests, errors };
        assert_eq!(totals(&expected), (tally(50, 5), tally(500, 10)));
    }

    #[test]
    fn the_same_interval_told_twice_counts_once() {
        let twice = total(&[counts(1, 10, 1), counts(1, 10, 1)]);
        assert_eq!(pairs(&twice, &twice, minute(0), None), [stratified("", pair(1, (10, 1, 10, 1)))]);
    }

    #[test]
    fn pods_are_added_up_and_strata_are_not() {
        let arm = |pods: &[&str]| VersionSignals {
            counts: vec![counts(0, 999, 99)],
            parts: pods
                .iter()
                .flat_map(|pod| [part("eu", pod, &[counts(0, 10, 1)]), part("us", pod, &[counts(0, 5, 0)])])
                .collect(),
            ..VersionSignals::default()
        };
        let expected = [stratified("eu", pair(0, (10, 1, 20, 2))), stratified("us", pair(0, (5, 0, 10, 0)))];
        assert_eq!(pairs(&arm(&["a"]), &arm(&["b", "c"]), minute(0), None), expected);
        let whole = total(&[counts(0, 100, 4)]);
        assert_eq!(pairs(&arm(&["a"]), &whole, minute(0), None), [stratified("", pair(0, (999, 99, 100, 4)))]);
    }
}
