//! What happened in the last so-many minutes, if enough of them is known.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{
        signal::Counts,
        time::{Timestamp, age},
    },
    judge::{
        counts::{Pair, Tally},
        slo::Lack,
    },
};

/// So much of a window must be known before anything is said of it: four fifths.
pub const COVERED: f64 = 0.8;
/// What is known may end so much of a window ago, or two intervals ago where that is longer: the newest is still open.
const LAG: f64 = 0.2;

/// Requests and errors of both arms together, interval by interval; strata that share an interval are one.
pub fn whole(pairs: &[Pair]) -> Vec<Counts> {
    let mut intervals: BTreeMap<(Timestamp, Timestamp), Tally> = BTreeMap::new();
    for pair in pairs {
        let sum = intervals.entry((pair.from, pair.to)).or_default();
        *sum = *sum + pair.canary + pair.stable;
    }
    let counts = |((from, to), tally): (_, Tally)| Counts { from, to, requests: tally.requests, errors: tally.errors };
    intervals.into_iter().map(counts).collect()
}

/// What is known of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Requests and errors of the intervals that lie wholly in it.
    pub tally: Tally,
    /// The length of those intervals together.
    pub covered: Duration,
}

/// Where a window of this length ends that is about now: with the newest complete interval, so that a look between two
/// intervals sees the same as one at their border.
///
/// # Errors
/// Nothing at all, or a newest interval that ended longer ago than a fifth of the window and than two intervals.
pub fn newest(counts: &[Counts], window: Duration, now: Timestamp) -> Result<Timestamp, Lack> {
    let newest = counts.iter().filter(|it| it.to <= now).max_by_key(|it| it.to).ok_or(Lack::Nothing)?;
    let lag = age(now, newest.to);
    let fresh = lag <= window.mul_f64(LAG).max(age(newest.to, newest.from).saturating_mul(2));
    if fresh { Ok(newest.to) } else { Err(Lack::Stale { age: lag }) }
}

/// Requests and errors of the last `window`, up to the [`newest`] interval.
///
/// Units: counts. Assumes that intervals do not overlap. `counts` need no order.
///
/// # Errors
/// As [`newest`], and as [`ending`].
pub fn recent(counts: &[Counts], window: Duration, now: Timestamp) -> Result<Tally, Lack> {
    ending(counts, newest(counts, window, now)?, window).map(|known| known.tally)
}

/// What is known of the `window` that ends at `end`.
///
/// # Errors
/// [`Lack::Partial`] where that is less than [`COVERED`] of it.
pub fn ending(counts: &[Counts], end: Timestamp, window: Duration) -> Result<Known, Lack> {
    let within = |it: &&Counts| it.to <= end && age(end, it.from) <= window;
    let mut covered = Duration::ZERO;
    let mut tally = Tally::default();
    for it in counts.iter().filter(within) {
        covered = covered.saturating_add(age(it.to, it.from));
        tally = tally + Tally { requests: it.requests, errors: it.errors };
    }
    if covered < window.mul_f64(COVERED) {
        Err(Lack::Partial { window, covered })
    } else {
        Ok(Known { tally, covered })
    }
}

#[cfg(test)]
pub(in crate::judge) mod tests {
    use super::*;
    use crate::judge::counts::tests::{minute, pair};

    const MIN: Duration = Duration::from_mins(1);

    /// One interval a minute, from this minute on, with these requests and errors.
    pub(in crate::judge) fn minutes(from: i64, count: i64, requests: u64, errors: u64) -> Vec<Counts> {
        let counts = |number| Counts { from: minute(number), to: minute(number + 1), requests, errors };
        (from..from + count).map(counts).collect()
    }

    #[test]
    fn a_window_holds_the_intervals_that_lie_wholly_in_it_and_ends_with_the_newest() {
        let counts = minutes(0, 10, 100, 1);
        let five = Ok(Tally { requests: 500, errors: 5 });
        assert_eq!(recent(&counts, 5 * MIN, minute(10)), five);
        assert_eq!(recent(&counts, 5 * MIN, minute(11)), five, "the eleventh minute is still open");
        assert_eq!(recent(&counts, 5 * MIN, minute(8)), five, "what is ahead of now does not count");
    }

    #[test]
    fn a_window_of_which_too_little_or_only_the_past_is_known_says_what_is_missing() {
        let four = minutes(0, 4, 100, 1);
        assert_eq!(recent(&four, 5 * MIN, minute(4)), Ok(Tally { requests: 400, errors: 4 }));
        let partial = Lack::Partial { window: 6 * MIN, covered: 4 * MIN };
        assert_eq!(recent(&four, 6 * MIN, minute(4)), Err(partial));
        assert_eq!(recent(&four, 4 * MIN, minute(7)), Err(Lack::Stale { age: 3 * MIN }));
        assert_eq!(recent(&[], MIN, minute(0)), Err(Lack::Nothing));
        assert_eq!(recent(&four, MIN / 2, minute(4)), Err(Lack::Partial { window: MIN / 2, covered: Duration::ZERO }));
    }

    #[test]
    fn the_whole_is_both_arms_interval_by_interval() {
        let pairs = [pair(0, (10, 1, 90, 2)), pair(1, (20, 0, 80, 3))];
        let counts = |number, errors| Counts { from: minute(number), to: minute(number + 1), requests: 100, errors };
        assert_eq!(whole(&pairs), [counts(0, 3), counts(1, 3)]);
    }
}
