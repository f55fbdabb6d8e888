//! A verdict that goes on: what was folded of a canary is kept, so that the next look takes the new intervals only.
//!
//! Here lives what is kept and when it no longer holds. What is made of it is in the verdict, and is the same, to the last bit,
//! whether it was folded in one go or interval by interval.

use crate::{
    domain::{signal::VersionSignals, time::Timestamp},
    judge::{
        counts::{Arms, Pair, Stratified, Tally, are_split, pairs},
        onset::Onset,
        ratio::{Likelihood, Ratio},
        verdict::{
            Case, Judgement,
            alike::{self, Alike},
            conclude,
            doubts::Doubted,
            testing::Tests,
            timing,
        },
    },
};

/// What is known of the intervals that an earlier look took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// All that had ended by the newest end of that look is as it was, nothing came to it and nothing went.
    Same,
    /// It may be another.
    Changed,
}

/// What was folded of one canary so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    basis: Basis,
    /// The newest end of an interval that was there at the last look.
    seen: Option<Timestamp>,
    pub(super) folded: Folded,
}

/// What the order and the meaning of what is folded hang on: where it changes, everything is folded anew.
#[derive(Clone, Debug, Default, PartialEq)]
struct Basis {
    since: Option<Timestamp>,
    labels: (Option<String>, Option<String>),
    /// Both versions are told pod by pod; stable is.
    split: (bool, bool),
    /// Stable's pods, of which the even and the odd are alike arms.
    pods: Vec<String>,
    /// The bounds of response times, and that of the service's objective, seconds.
    bounds: Vec<f64>,
    objective: Option<f64>,
}

impl Basis {
    fn of(case: &Case<'_>) -> Self {
        let label = |signals: Option<&VersionSignals>| signals.map(|signals| signals.label.clone());
        let nothing = VersionSignals::default();
        let (canary, stable) = (case.canary.unwrap_or(&nothing), case.stable.unwrap_or(&nothing));
        Self {
            since: Some(case.since),
            labels: (label(case.canary), label(case.stable)),
            split: (are_split(canary, stable), !stable.parts.is_empty()),
            pods: alike::pods(stable).into_iter().map(str::to_owned).collect(),
            bounds: timing::common_bounds(&canary.latency_counts, &stable.latency_counts),
            objective: timing::objective(case),
        }
    }
}

/// Everything that is folded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Folded {
    /// The pairs, in order of time.
    pub(super) all: Vec<Stratified>,
    /// What both arms did in all of them.
    pub(super) both: Option<Arms>,
    pub(super) tests: Tests,
    pub(super) onset: Onset,
    pub(super) doubted: Doubted,
    pub(super) covered: Covered,
    alike: Alike,
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            both: None,
            tests: Tests::new(),
            onset: Onset::default(),
            doubted: Doubted::default(),
            covered: Covered::default(),
            alike: Alike::default(),
        }
    }
}

impl Running {
    /// Judges as [`crate::judge::verdict::judge`] does, and equal to it, in time that goes with what is new: the exact counts,
    /// pod by pod and bound by bound, are folded once. (Limits, budgets and what is missing still walk over the totals of the
    /// intervals, which is nothing beside it.)
    ///
    /// The counts of a version and of each of its parts must be in order of time, and their intervals must not overlap.
    /// `past` is the caller's word on what was folded before. What else changes the verdict is seen here: other versions, another
    /// begin, other pods, other bounds make it start over.
    pub fn judge(&mut self, case: &Case<'_>, past: Past) -> Judgement {
        let basis = Basis::of(case);
        if past == Past::Changed || basis != self.basis || !self.folded.take(case, &basis, self.seen) {
            let mut folded = Folded::default();
            folded.take(case, &basis, None);
            *self = Self { basis, seen: None, folded };
        }
        self.seen = self.seen.max(newest(case));
        conclude(case, &mut self.folded)
    }
}

/// The newest end of an interval of either arm.
fn newest(case: &Case<'_>) -> Option<Timestamp> {
    let of = |signals: &VersionSignals| {
        let counts = signals.counts.last().map(|counts| counts.to);
        let parts = signals.parts.iter().filter_map(|part| part.counts.last()).map(|counts| counts.to).max();
        let latency = &signals.latency_counts;
        counts.max(parts).max(latency.iter().filter_map(|one| one.intervals.last()).map(|one| one.to).max())
    };
    case.canary.map(of).max(case.stable.map(of)).flatten()
}

impl Folded {
    /// Takes what ended after `seen`; without it, everything. False where that cannot go on from what was folded: nothing
    /// folded holds then.
    fn take(&mut self, case: &Case<'_>, basis: &Basis, seen: Option<Timestamp>) -> bool {
        let nothing = VersionSignals::default();
        let (canary, stable) = (case.canary.unwrap_or(&nothing), case.stable.unwrap_or(&nothing));
        let times = timing::paired(&basis.bounds, canary, stable, seen);
        if !self.tests.timed.goes_on(&basis.bounds, basis.objective, times, seen.is_none()) {
            return false;
        }
        self.alike.take(stable, case.since, seen);
        for Stratified { stratum, pair } in pairs(canary, stable, case.since, seen) {
            if seen.is_some_and(|seen| pair.from < seen) {
                return false;
            }
            while let Some(one) = self.alike.next_until(pair.to) {
                self.tests.learn(&one);
            }
            self.tests.fold(&stratum, &pair);
            self.onset.fold(&pair);
            self.both = Some(self.both.map_or(pair.arms(), |both| both + pair.arms()));
            self.all.push(Stratified { stratum, pair });
        }
        if seen.is_none() {
            self.all.shrink_to_fit();
            self.alike.shrink();
        }
        self.doubted.take(case, &self.all, seen);
        true
    }
}

/// What the numbers of a judgement cover: everything, or what follows an onset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Covered {
    since: Option<Timestamp>,
    /// So many of all pairs were looked at.
    taken: usize,
    likelihood: Likelihood,
    /// The ratio, and the dispersion it was computed with.
    ratio: Option<(f64, Ratio)>,
    /// The begin of the first interval.
    pub(super) from: Option<Timestamp>,
    pub(super) canary: Tally,
    pub(super) stable: Tally,
}

impl Covered {
    /// Takes the pairs that it has not seen; all of them where it covers another time than before.
    pub(super) fn take(&mut self, all: &[Stratified], since: Option<Timestamp>) {
        if self.since != since {
            *self = Self { since, ..Self::default() };
        }
        let new = all.get(self.taken..).unwrap_or_default();
        for pair in new.iter().map(|one| &one.pair).filter(|pair| covers(since, pair)) {
            self.from = self.from.or(Some(pair.from));
            (self.canary, self.stable) = (self.canary + pair.canary, self.stable + pair.stable);
            self.likelihood.fold(&pair.arms());
        }
        if !new.is_empty() {
            self.ratio = None;
        }
        self.taken = all.len();
    }

    /// The ratio of the two error rates, where errors come in bursts by this much.
    pub(super) fn ratio(&mut self, dispersion: f64) -> Ratio {
        match self.ratio {
            Some((with, ratio)) if with.to_bits() == dispersion.to_bits() => ratio,
            _ => self.ratio.insert((dispersion, self.likelihood.ratio(dispersion))).1,
        }
    }
}

/// Does a pair belong to what begins there?
pub(super) fn covers(since: Option<Timestamp>, pair: &Pair) -> bool {
    since.is_none_or(|since| pair.from >= since)
}

#[cfg(test)]
mod tests;
