//! One stream of yes and no in two arms (errors, or requests that were too slow), folded interval by interval: evidence of harm
//! and of safety, the ratio, bursts. Its state is small, can be stored, and goes on bit for bit where it was.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::judge::{
    counts::Arms,
    dispersion::{Blocks, Dispersion},
    eprocess::{EProcess, Form},
    ratio::{Likelihood, Ratio},
};

/// From this share of the past on, every request counts and not just the errors.
const FREQUENT: f64 = 0.05;
/// So many past errors of stable predict its share well enough.
const PREDICTS: u64 = 10;
/// So many of the newest intervals are "the present traffic".
pub(super) const PRESENT: usize = 10;

/// What is remembered of one stratum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Stratum {
    all: Arms,
    blocks: Blocks,
}

/// The place of a stratum; its name is copied only the first time.
fn seat<'a, T: Default>(strata: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let index = strata.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        strata.push((name.to_owned(), T::default()));
        strata.len() - 1
    });
    // The index is of an entry that was found or just added.
    #[expect(clippy::indexing_slicing, reason = "found or added right above")]
    &mut strata[index].1
}

/// The stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    harm: EProcess,
    safety: EProcess,
    likelihood: Likelihood,
    dispersion: Dispersion,
    strata: Vec<(String, Stratum)>,
    learnt: Vec<(String, Blocks)>,
    all: Arms,
    /// Errors of both arms that would be the canary's if both were alike.
    expected: f64,
    present: VecDeque<Arms>,
}

impl Stream {
    /// Nothing seen yet. `tolerated` and `rejected` are the ratios of error rates at which harm begins and safety ends; both
    /// above 0.
    pub fn new(tolerated: f64, rejected: f64) -> Self {
        Self {
            harm: EProcess::harm(tolerated),
            safety: EProcess::safety(rejected),
            likelihood: Likelihood::default(),
            dispersion: Dispersion::default(),
            strata: Vec::new(),
            learnt: Vec::new(),
            all: Arms::default(),
            expected: 0.0,
            present: VecDeque::new(),
        }
    }

    /// Takes one interval of one stratum. An interval in which one of the arms has no request says nothing.
    pub fn fold(&mut self, stratum: &str, arms: &Arms) {
        let Some(share) = arms.share().filter(|_| arms.canary.requests > 0 && arms.stable.requests > 0) else { return };
        let past = seat(&mut self.strata, stratum);
        let form = form(&past.all);
        self.dispersion.fold(&mut past.blocks, arms, false);
        past.all = past.all + *arms;
        self.harm.fold(arms, form);
        self.safety.fold(arms, form);
        self.likelihood.fold(arms);
        self.all = self.all + *arms;
        self.expected += share * arms.events() as f64;
        if self.present.len() >= PRESENT {
            self.present.pop_front();
        }
        self.present.push_back(*arms);
    }

    /// Takes an interval in which both arms ran the same version: it tells how bursty errors are, and nothing else. Intervals of
    /// one `way` of making such arms (a stratum, say) are compared with one another.
    pub fn learn(&mut self, way: &str, alike: &Arms) {
        self.dispersion.fold(seat(&mut self.learnt, way), alike, true);
    }

    /// Everything seen, for display only: it is never tested.
    pub fn totals(&self) -> Arms {
        self.all
    }

    /// Everything seen in each stratum, for display only.
    pub fn strata(&self) -> impl Iterator<Item = (&str, Arms)> + Clone {
        self.strata.iter().map(|(name, stratum)| (name.as_str(), stratum.all))
    }

    /// By how much errors are more uneven than independent ones; 1 while that is not evident.
    pub fn dispersion(&self) -> f64 {
        self.dispersion.factor()
    }

    /// The same, where it is so evident that it should be said.
    pub fn bursts(&self) -> Option<f64> {
        self.dispersion.bursts()
    }

    /// Natural logarithm of the evidence of harm: `ln mean_ψ exp(Σ ln e(ψ) / φ)` over the ratios ψ that are looked for, with
    /// e(ψ) as in `eprocess` and φ = [`Stream::dispersion`]. At 1/α harm is shown; the chance that it ever gets there while the
    /// canary is at most as bad as tolerated is at most α.
    ///
    /// Assumes that requests fail each for itself within an interval, and that both arms serve at the same time. What breaks
    /// it: bursts (tempered by φ, which is measured and not proven), retries that count twice, a canary whose callers differ
    /// from stable's (give strata), a baseline older than the canary's process (warm-up). Sources: see `judge` and `bernoulli`.
    pub fn harm(&self) -> f64 {
        self.harm.tempered(self.dispersion())
    }

    /// Natural logarithm of the evidence of safety, against "at least as bad as rejected": formula, assumptions and sources as
    /// in [`Stream::harm`]. Without errors on either side it never grows: nothing failing proves nothing about a ratio.
    pub fn safety(&self) -> f64 {
        self.safety.tempered(self.dispersion())
    }

    /// The canary's error rate over stable's, interval by interval, and its 95 % confidence sequence; see
    /// [`Likelihood::ratio`].
    pub fn ratio(&self) -> Ratio {
        self.likelihood.ratio(self.dispersion())
    }

    /// The canary's share of all requests, 0 to 1; `None` before the first.
    pub fn share(&self) -> Option<f64> {
        self.all.share()
    }

    /// How many more intervals like the present ones it takes until harm reaches `1/alpha_harm` or safety
    /// `1/alpha_safe`, if the canary goes on as it did so far. `None` while there are no errors at all, without traffic, and
    /// where the ratio lies between what is tolerated and what is rejected.
    pub fn intervals_to_go(&self, alpha_harm: f64, alpha_safe: f64) -> Option<f64> {
        let present = self.present.iter().fold(Arms::default(), |all, one| all + *one);
        let share = present.share().filter(|share| *share > 0.0 && *share < 1.0)?;
        let requests = present.requests() as f64 / self.present.len() as f64;
        let errors = self.all.events() as f64 / self.all.requests() as f64 * requests;
        let (ratio, dispersion) = (self.cautious_ratio(), self.dispersion());
        let harm = self.harm.events_to_go(ratio, share, alpha_harm, dispersion);
        let safe = self.safety.events_to_go(ratio, share, alpha_safe, dispersion);
        let events = [harm, safe].into_iter().flatten().min_by(f64::total_cmp)?;
        Some(events / errors).filter(|intervals| intervals.is_finite())
    }

    /// The canary's requests in one of the present intervals, on average.
    pub fn present_requests(&self) -> f64 {
        let requests: u64 = self.present.iter().map(|arms| arms.canary.requests).fold(0, u64::saturating_add);
        requests as f64 / self.present.len().max(1) as f64
    }

    /// The ratio so far, drawn towards 1 by two errors' worth: a few errors say little.
    fn cautious_ratio(&self) -> f64 {
        const WORTH: f64 = 2.0;
        let events = self.all.events() as f64;
        let share = if events > 0.0 { self.expected / events } else { 0.5 };
        let got = (self.all.canary.errors as f64 + WORTH * share) / (events + WORTH);
        got * (1.0 - share) / ((1.0 - got) * share)
    }
}

/// How the next interval of a stratum is counted, from what is past.
pub(super) fn form(past: &Arms) -> Form {
    let (errors, requests) = (past.stable.errors, past.stable.requests);
    let share = (errors as f64 + 0.5) / (requests as f64 + 1.0);
    if errors >= PREDICTS && share > FREQUENT && share < 1.0 { Form::Frequent(share) } else { Form::Rare }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{
        counts::tests::pair,
        eprocess::{ALPHA_HARM, ALPHA_SAFE, REJECTED, TOLERATED},
    };

    type Counts = (u64, u64, u64, u64);

    fn folded(intervals: &[(&str, Counts)]) -> Stream {
        let mut stream = Stream::new(TOLERATED, REJECTED);
        for (stratum, counts) in intervals {
            stream.fold(stratum, &pair(0, *counts).arms());
        }
        stream
    }

    #[test]
    fn the_form_of_an_interval_depends_on_the_past_of_its_stratum_only() {
        let past = |requests, errors| pair(0, (9, 9, requests, errors)).arms();
        assert_eq!(form(&past(1000, 40)), Form::Rare);
        assert_eq!(form(&past(1000, 60)), Form::Frequent(60.5 / 1001.0));
        assert_eq!(form(&past(90, 9)), Form::Rare, "nine errors predict nothing");
        let apart = folded(&[("eu", (100, 40, 900, 360)), ("us", (100, 40, 900, 360))]);
        let together = folded(&[("", (100, 40, 900, 360)), ("", (100, 40, 900, 360))]);
        assert!((apart.harm() - together.harm()).abs() > 1e-6);
    }

    #[test]
    fn a_decision_comes_about_when_it_was_said_to_if_nothing_changes() {
        for errors in [(1, 9), (4, 9)] {
            let interval = ("", (300, errors.0, 2700, errors.1));
            let said = 6.0 + folded(&[interval; 6]).intervals_to_go(ALPHA_HARM, ALPHA_SAFE).unwrap();
            let is_over = |stream: &Stream| stream.harm() >= -ALPHA_HARM.ln() || stream.safety() >= -ALPHA_SAFE.ln();
            let decided = (1..2000).find(|&n| is_over(&folded(&vec![interval; n]))).unwrap() as f64;
            assert!(decided <= said + 1.0 && said <= decided * 2.0, "said {said}, decided {decided}");
        }
    }

    #[test]
    fn without_errors_or_traffic_nothing_is_said_of_when() {
        for counts in [(300, 0, 2700, 0), (0, 0, 2700, 9), (0, 0, 0, 0)] {
            assert_eq!(folded(&[("", counts)]).intervals_to_go(ALPHA_HARM, ALPHA_SAFE), None, "{counts:?}");
        }
        assert_eq!(folded(&[]).intervals_to_go(ALPHA_HARM, ALPHA_SAFE), None);
    }

    #[test]
    fn a_stored_stream_goes_on_bit_for_bit_where_it_was() {
        let intervals: Vec<_> = (0..40_u64)
            .map(|i| (if i % 3 == 0 { "eu" } else { "us" }, (300, i * 7 % 5, 2700, 6 + i * 400 % 900)))
            .collect();
        let whole = folded(&intervals);
        for restart in 0..intervals.len() {
            let stored = serde_json::to_string(&folded(&intervals[..restart])).unwrap();
            let mut again: Stream = serde_json::from_str(&stored).unwrap();
            for (stratum, counts) in &intervals[restart..] {
                again.fold(stratum, &pair(0, *counts).arms());
            }
            assert_eq!(again, whole, "restart after {restart}");
        }
    }

    #[test]
    fn adding_weight_steps_up_accuses_a_canary_that_interval_by_interval_is_alike() {
        // Traffic moves to the canary while the error rate of both drifts up: Simpson's trap.
        let steps = [(50, 1, 950, 19), (100, 4, 900, 36), (250, 20, 750, 60), (500, 80, 500, 80)];
        let apart = folded(&steps.map(|counts| ("", counts)));
        assert!(apart.harm() < 0.0, "{}", apart.harm());
        let sum = steps.iter().fold((0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
        assert!(folded(&[("", sum)]).harm() > 4.6);
    }
}
