//! Pairs of simultaneous intervals: the only data that the tests see.
//!
//! Intervals are never added up before a test: while weights change, totals can say the opposite of every interval
//! (Simpson's paradox).

use std::{collections::BTreeMap, ops::Add};

use serde::{Deserialize, Serialize};

use crate::domain::{signal::Counts, time::Timestamp};

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

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            errors: self.errors.saturating_add(other.errors),
        }
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
    /// Errors of both arms.
    pub fn events(&self) -> u64 {
        self.canary.errors.saturating_add(self.stable.errors)
    }

    /// The canary's share of the requests, 0 to 1; `None` without requests.
    pub fn share(&self) -> Option<f64> {
        let all = self.canary.requests.saturating_add(self.stable.requests);
        (all > 0).then(|| self.canary.requests as f64 / all as f64)
    }
}

/// Pairs intervals of the same begin and end, in order of time, from those that begin at `since` or later. An interval that
/// only one arm has is left out: nothing is known of the other.
pub fn pairs(canary: &[Counts], stable: &[Counts], since: Timestamp) -> Vec<Pair> {
    let tally = |counts: &Counts| Tally { requests: counts.requests, errors: counts.errors.min(counts.requests) };
    let stable: BTreeMap<_, _> = stable.iter().map(|counts| ((counts.from, counts.to), tally(counts))).collect();
    let paired: BTreeMap<_, _> = canary
        .iter()
        .filter(|counts| counts.from >= since)
        .filter_map(|counts| {
            let (from, to) = (counts.from, counts.to);
            let stable = *stable.get(&(from, to))?;
            Some(((from, to), Pair { from, to, canary: tally(counts), stable }))
        })
        .collect();
    paired.into_values().collect()
}

/// Everything that both arms did, for display only.
pub fn totals(pairs: &[Pair]) -> (Tally, Tally) {
    let add = |(canary, stable): (Tally, Tally), pair: &Pair| (canary + pair.canary, stable + pair.stable);
    pairs.iter().fold((Tally::default(), Tally::default()), add)
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;

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

    #[test]
    fn only_intervals_that_both_arms_have_since_the_begin_are_paired() {
        let canary = [counts(0, 1, 1), counts(1, 10, 1), counts(3, 30, 3), counts(2, 20, 2)];
        let stable = [counts(0, 100, 0), counts(2, 200, 4), counts(3, 300, 6), counts(4, 400, 8)];
        let expected = [pair(2, (20, 2, 200, 4)), pair(3, (30, 3, 300, 6))];
        assert_eq!(pairs(&canary, &stable, minute(1)), expected);
        let tally = |requests, errors| Tally { requests, errors };
        assert_eq!(totals(&expected), (tally(50, 5), tally(500, 10)));
    }

    #[test]
    fn the_same_interval_told_twice_counts_once() {
        let twice = [counts(1, 10, 1), counts(1, 10, 1)];
        assert_eq!(pairs(&twice, &twice, minute(0)), [pair(1, (10, 1, 10, 1))]);
    }
}
