//! Does a canary write a pattern more often than stable does, for each request that it serves?
//!
//! Of the `m` lines of a pattern in an interval, `x` are the canary's. Where both write alike, whose a line is follows from whose
//! requests there were: `x` is binomial with the canary's share of the requests, whatever the rate itself is. The evidence against
//! that is an e-process of exactly these conditional binomials (see [`crate::judge::eprocess`]), which may be read after every
//! interval: it exceeds 1/a with chance at most a, ever.
//!
//! **The family.** Patterns are tested as they are found, and there may be any number of them. The n-th pattern is tested at
//! `w(n)·α`, with `w = 1/600` for each of the first 300 and half of `1/(k(k+1))` for the k-th after them; the weights sum to 1. By
//! Ville's inequality and a union the chance of *any* false finding, ever, however often one looks, is at most α = 1 %.
//!
//! What is assumed: requests write their lines independently of one another, and both versions serve alike requests. What breaks it:
//! one fault that writes many lines at once, and a canary that gets other requests. So a finding is a doubt with its numbers; it never
//! is a verdict.

use serde::{Deserialize, Serialize};

use crate::{
    domain::time::Timestamp,
    judge::{
        counts::{Arms, Tally},
        eprocess::{EProcess, Form},
        family::bar,
        pattern::miner::MOST,
        ratio::{Likelihood, Ratio},
    },
};

/// Chance of any false finding among all patterns of a release, ever.
pub const ALPHA: f64 = 0.01;
/// Lines of the canary below which nothing is found, whatever their evidence.
const LEAST: u64 = 3;

/// What the counts of a pattern say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Only the canary writes it, and that is no chance.
    New,
    /// The canary writes it more often, and that is no chance.
    More,
    /// Nothing is proven: it may be chance.
    Nothing,
}

/// A pattern of which something is proven, as evidence has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// What the canary is called.
    pub version: String,
    /// The words that its lines share.
    pub pattern: String,
    /// Only the canary writes it ([`Finding::New`]); else it writes it more often.
    pub only: bool,
    /// Its lines, as `errors`, and the requests of the intervals since it was first seen.
    pub counted: Arms,
    /// Its lines for each 1,000 requests of all intervals that were read, of the canary and of stable.
    pub per_thousand: Option<(f64, f64)>,
    /// The canary's rate over stable's.
    pub ratio: Ratio,
    /// Its first line that was seen.
    pub first: Timestamp,
}

/// The counts of one pattern, interval by interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    evidence: EProcess,
    likelihood: Likelihood,
    /// Its lines and the requests, of intervals of which both are known.
    counted: Arms,
}

impl Default for Rate {
    fn default() -> Self {
        Self { evidence: EProcess::harm(1.0), likelihood: Likelihood::default(), counted: Arms::default() }
    }
}

impl Rate {
    /// Takes one interval: the lines of a pattern that each arm wrote, as its `errors`, and its requests. One in which an arm served
    /// nothing says nothing.
    pub fn fold(&mut self, arms: &Arms) {
        if arms.canary.requests == 0 || arms.stable.requests == 0 {
            return;
        }
        self.evidence.fold(arms, Form::Rare);
        self.likelihood.fold(arms);
        self.counted = self.counted + *arms;
    }

    /// Its lines, and the requests of the intervals in which they were counted.
    pub fn counted(&self) -> Arms {
        self.counted
    }

    /// Lines for each 1,000 requests of an arm; `None` without requests.
    pub fn per_thousand(tally: Tally) -> Option<f64> {
        tally.error_share().map(|share| 1000.0 * share)
    }

    /// The canary's rate over stable's, with bounds that hold however often one looks.
    pub fn ratio(&self) -> Ratio {
        self.likelihood.ratio(1.0)
    }

    /// What is proven of the pattern with this number, within [`ALPHA`] for all of them.
    pub fn finding(&self, number: u32) -> Finding {
        let lines = self.counted.canary.errors;
        if lines < LEAST || self.evidence.log_e() < bar(weight(number), ALPHA) {
            Finding::Nothing
        } else if self.counted.stable.errors == 0 {
            Finding::New
        } else {
            Finding::More
        }
    }
}

/// The part of α that the pattern with this number, from 0, may spend. Sums to 1 over all numbers.
fn weight(number: u32) -> f64 {
    let (number, first) = (f64::from(number), MOST as f64);
    if number < first {
        return 0.5 / first;
    }
    let later = number - first + 1.0;
    0.5 / (later * (later + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(canary: (u64, u64), stable: (u64, u64)) -> Arms {
        let tally = |(requests, errors)| Tally { requests, errors };
        Arms { canary: tally(canary), stable: tally(stable) }
    }

    fn rate(intervals: &[Arms]) -> Rate {
        let mut rate = Rate::default();
        for arms in intervals {
            rate.fold(arms);
        }
        rate
    }

    #[test]
    fn the_weights_of_all_patterns_sum_to_one() {
        let sum: f64 = (0..2_000_000).map(weight).sum();
        assert!(sum <= 1.0 && sum > 0.999_999, "{sum}");
    }

    #[test]
    fn a_pattern_that_only_the_canary_writes_is_new_once_that_is_no_chance() {
        let interval = arms((720, 2), (2160, 0));
        let found: Vec<_> = (1..=8).map(|n| rate(&vec![interval; n]).finding(7)).collect();
        let nothing = found.iter().take_while(|finding| **finding == Finding::Nothing).count();
        // A line has the chance 1/4: ten of them, and evidence that spreads over six ratios.
        assert!((5..8).contains(&nothing) && found[nothing..].iter().all(|it| *it == Finding::New), "{found:?}");
        assert_eq!(rate(&vec![interval; nothing + 1]).finding(100_000), Finding::Nothing, "a late one needs more");
    }

    #[test]
    fn one_that_both_write_at_one_rate_is_nothing_and_one_that_rises_is_more() {
        let alike = rate(&vec![arms((720, 3), (2160, 9)); 200]);
        assert_eq!(alike.finding(0), Finding::Nothing);
        let ratio = alike.ratio();
        assert!(ratio.low.unwrap() < 1.0 && ratio.high.unwrap() > 1.0, "{ratio:?}");
        let more = rate(&vec![arms((720, 9), (2160, 4)); 20]);
        assert_eq!(more.finding(0), Finding::More);
        let ratio = more.ratio();
        assert!((ratio.estimate.unwrap() - 6.75).abs() < 0.01 && ratio.low.unwrap() > 3.0, "{ratio:?}");
    }

    #[test]
    fn what_stable_writes_more_often_and_an_interval_without_one_arm_are_no_finding() {
        assert_eq!(rate(&vec![arms((720, 0), (2160, 40)); 50]).finding(0), Finding::Nothing);
        let unserved = rate(&[arms((720, 500), (0, 0)), arms((0, 500), (720, 0))]);
        assert_eq!((unserved.finding(0), unserved.counted()), (Finding::Nothing, Arms::default()));
    }

    #[test]
    fn lines_for_each_thousand_requests_may_be_more_than_there_are_requests() {
        assert_eq!(Rate::per_thousand(Tally { requests: 500, errors: 1_500 }), Some(3_000.0));
        assert_eq!(Rate::per_thousand(Tally::default()), None);
    }
}
