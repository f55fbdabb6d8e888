//! Response times in a verdict: histograms of both arms, paired by interval and stratum, on the bounds that both have.

use std::collections::BTreeMap;

use crate::{
    domain::{
        packed::{Mark, Packed, Row},
        signal::{LatencyCounts, VersionSignals},
        time::Timestamp,
    },
    judge::{
        counts::{Pair, Tally, newer},
        eprocess::{REJECTED, TOLERATED},
        joint,
        latency::{self, Between, Latency, Times},
        onset::Onset,
        ratio::{Likelihood, Ratio},
        verdict::{Case, Evidence, running::covers},
    },
};

/// Quantiles are said with this chance of being wrong, ever.
const ALPHA: f64 = 0.05;

/// The response times of both versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The bound that is reported, seconds: where harm shows most, else the objective's or one in stable's tail.
    pub bound: f64,
    /// The canary's requests, and those that took longer than the bound.
    pub canary: Tally,
    /// Stable's, in the same intervals.
    pub stable: Tally,
    /// The ratio of the two shares of slow requests.
    pub ratio: Ratio,
    /// Evidence that the canary is slower.
    pub harm: Evidence,
    /// Evidence that it is not.
    pub safe: Evidence,
    /// Between which bounds the 99th percentiles lie, seconds: the canary's and stable's.
    pub p99: (Option<Between>, Option<Between>),
    /// The chance that a request of the canary takes longer than one of stable; 0.5 when alike.
    pub slower: Option<f64>,
}

/// Both arms' times of one interval, on common bounds.
type Both = (Times, Times);

/// Both arms' times by begin, end and stratum.
type Paired = BTreeMap<(Timestamp, Timestamp, String), Both>;

/// The test of response times as it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Timed {
    bounds: Vec<f64>,
    /// What is still to be folded.
    intervals: Paired,
    latency: Option<Latency>,
    largest: (f64, f64),
    /// What was folded, in order of time: a row of the canary's times and stable's for each interval and stratum.
    folded: Packed,
    slow: Slow,
    shown: Shown,
}

/// Since when the canary is slower, at one bound.
#[derive(Clone, Debug, Default, PartialEq)]
struct Slow {
    bound: usize,
    taken: Mark,
    onset: Onset,
}

/// What is shown of one bound, from one moment on.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    bound: usize,
    since: Option<Timestamp>,
    taken: Mark,
    likelihood: Likelihood,
    canary: Tally,
    stable: Tally,
    times: Both,
    /// All of it as it was said with so many taken.
    said: Option<Timing>,
}

/// The response times of both arms that ended after `seen`, on common bounds.
pub(super) fn paired(
    bounds: &[f64],
    canary: &VersionSignals,
    stable: &VersionSignals,
    seen: Option<Timestamp>,
) -> Paired {
    let mut stable = by_interval(&stable.latency_counts, bounds, seen);
    let pair = |(key, canary)| Some((stable.remove(&key)?, key, canary));
    let paired = by_interval(&canary.latency_counts, bounds, seen).into_iter().filter_map(pair);
    paired.map(|(stable, key, canary)| (key, (canary, stable))).collect()
}

impl Timed {
    /// Takes new times, which are folded with the counts of their interval. False where the test would have had to begin
    /// earlier: with times from the first interval on.
    pub(super) fn goes_on(&mut self, bounds: &[f64], objective: Option<f64>, new: Paired, begins: bool) -> bool {
        if self.latency.is_none() && !bounds.is_empty() && !new.is_empty() {
            if !begins {
                return false;
            }
            self.bounds = bounds.to_vec();
            self.latency = Some(Latency::new(bounds, objective, TOLERATED, REJECTED));
        }
        self.intervals = new;
        true
    }

    /// Takes the times of the interval in which these counts are from.
    pub(super) fn fold(&mut self, stratum: &str, pair: &Pair) {
        let Some(latency) = &mut self.latency else { return };
        let Some(both) = self.intervals.remove(&(pair.from, pair.to, stratum.to_owned())) else { return };
        if latency.fold(stratum, &both.0, &both.1).is_ok() {
            let arm = |times: &Times| [times.requests].into_iter().chain(times.within.clone()).collect::<Vec<_>>();
            self.folded.push((pair.from, pair.to), [arm(&both.0), arm(&both.1)].concat().into_iter());
        }
    }

    /// Takes the evidence of the test as it is after an interval.
    pub(super) fn saw(&mut self, evidence: Option<joint::Evidence>) {
        if let Some((harm, safe)) = evidence {
            self.largest = (self.largest.0.max(harm), self.largest.1.max(safe));
        }
    }

    /// The test; `None` where not both arms have histograms.
    pub(super) fn latency(&self) -> Option<&Latency> {
        self.latency.as_ref()
    }

    /// Since when the canary is slower at the bound where that shows most.
    pub(super) fn onset(&mut self) -> Option<Timestamp> {
        let bound = self.place(self.latency.as_ref()?.worst()?)?;
        if self.slow.bound != bound {
            self.slow = Slow { bound, ..Slow::default() };
        }
        for one in self.folded.since(self.slow.taken).filter_map(|row| both(&row)) {
            self.slow.onset.fold(&slow(&one, bound)?);
        }
        self.slow.taken = self.folded.end();
        self.slow.onset.since()
    }

    /// What is said of response times; from `since` on, where given.
    pub(super) fn timing(&mut self, since: Option<Timestamp>) -> Option<Timing> {
        let latency = self.latency.as_ref()?;
        let harm = Evidence::of(latency.harm(), self.largest.0);
        let worst = if harm.log_e > 0.0 { latency.worst() } else { None };
        let bound = worst.or_else(|| Some(latency.main()?.0))?;
        let place = self.place(bound)?;
        if let Some(said) = self.shown.take(&self.folded, place, since) {
            return Some(said);
        }
        let (canary, stable) = &self.shown.times;
        let p99 = |times| latency::quantile(0.99, &self.bounds, times, ALPHA);
        let timing = Timing {
            bound,
            canary: self.shown.canary,
            stable: self.shown.stable,
            ratio: self.shown.likelihood.ratio(latency.main().map_or(1.0, |(_, stream)| stream.dispersion())),
            harm,
            safe: Evidence::of(latency.safety(), self.largest.1),
            p99: (p99(canary), p99(stable)),
            slower: latency::slower(canary, stable),
        };
        Some(self.shown.said.insert(timing).clone())
    }

    /// The place of a bound among all.
    fn place(&self, bound: f64) -> Option<usize> {
        self.bounds.iter().position(|known| known.to_bits() == bound.to_bits())
    }
}

impl Shown {
    /// Takes what was folded since the last time, all of it where the bound or the begin is another. Says what was said then,
    /// where nothing is new.
    fn take(&mut self, folded: &Packed, bound: usize, since: Option<Timestamp>) -> Option<Timing> {
        if (self.bound, self.since) != (bound, since) {
            *self = Self { bound, since, ..Self::default() };
        }
        if self.taken == folded.end() && self.said.is_some() {
            return self.said.clone();
        }
        for one in folded.since(self.taken).filter_map(|row| both(&row)).filter(|(pair, _)| covers(since, pair)) {
            if let Some(slow) = slow(&one, bound) {
                self.likelihood.fold(&slow.arms());
                (self.canary, self.stable) = (self.canary + slow.canary, self.stable + slow.stable);
            }
            self.times.0.add(&one.1.0);
            self.times.1.add(&one.1.1);
        }
        self.taken = folded.end();
        None
    }
}

/// The times of both arms in a row, with the interval that they are of.
fn both(row: &Row) -> Option<(Pair, Both)> {
    let (canary, stable) = row.numbers.split_at_checked(row.numbers.len() / 2)?;
    let arm = |numbers: &[u64]| {
        let (requests, within) = numbers.split_first()?;
        Some(Times { requests: *requests, within: within.to_vec() })
    };
    let (from, to) = row.span;
    let pair = Pair { from, to, canary: Tally::default(), stable: Tally::default() };
    Some((pair, (arm(canary)?, arm(stable)?)))
}

/// Requests of an interval that took longer than the bound at this place, as errors.
fn slow((pair, (canary, stable)): &(Pair, Both), bound: usize) -> Option<Pair> {
    Some(Pair { canary: canary.slow(bound)?, stable: stable.slow(bound)?, ..*pair })
}

/// The bound of the service's latency objective, seconds.
pub(super) fn objective(case: &Case<'_>) -> Option<f64> {
    Some(case.standard?.slo.as_ref()?.latency.as_ref()?.le)
}

/// The bounds that every histogram of both arms has, ascending.
pub(super) fn common_bounds(canary: &[LatencyCounts], stable: &[LatencyCounts]) -> Vec<f64> {
    let (Some(first), false) = (canary.first(), stable.is_empty()) else { return Vec::new() };
    let everywhere = |bound: &f64| {
        canary.iter().chain(stable).all(|one| one.bounds.iter().any(|other| other.to_bits() == bound.to_bits()))
    };
    first.bounds.iter().copied().filter(everywhere).collect()
}

fn by_interval(
    histograms: &[LatencyCounts],
    bounds: &[f64],
    seen: Option<Timestamp>,
) -> BTreeMap<(Timestamp, Timestamp, String), Times> {
    let mut all = BTreeMap::new();
    for one in histograms {
        let places: Vec<usize> = (0..one.bounds.len())
            .filter(|place| one.bounds.get(*place).is_some_and(|own| bounds.contains(own)))
            .collect();
        for interval in newer(&one.intervals, seen, |interval| interval.to) {
            let within: Vec<u64> = places.iter().filter_map(|place| interval.within.get(*place).copied()).collect();
            // A histogram that lacks a bound in one interval is not counted there: its other bounds would be misread.
            if within.len() == bounds.len() {
                let times = Times { requests: interval.requests, within };
                all.insert((interval.from, interval.to, one.stratum.clone()), times);
            }
        }
    }
    all
}
