//! The conditional Poisson e-process: evidence about the ratio of two error rates that may be read after every interval.
//!
//! Of the `m` errors of an interval, `x` are the canary's. With the canary's share of the requests ρ and a rate ratio ψ, `x`
//! is binomial with chance `ρψ / (1 + ρ(ψ − 1))`, whatever the error rate itself was. The likelihood ratio of ψ against the
//! null hypothesis ψ₀, multiplied over intervals and averaged over some ψ, has mean at most 1 as long as the null holds: by
//! Ville's inequality it exceeds 1/α with chance at most α, ever. For Bernoulli requests the bound holds too, for any error
//! rate in any interval and the whole one-sided null. Only dependence within an interval (bursts, retries) weakens it.

use serde::{Deserialize, Serialize};

use crate::judge::counts::Pair;

/// What a canary may be worse than stable without harm: 1.1 times the errors.
pub const TOLERATED: f64 = 1.1;
/// What must be excluded before a canary counts as safe: 1.5 times the errors.
pub const REJECTED: f64 = 1.5;
/// Chance of a false NO-GO.
pub const ALPHA_HARM: f64 = 0.01;
/// Chance of a false GO.
pub const ALPHA_SAFE: f64 = 0.05;

/// The ratios that harm is looked for at.
const HARMFUL: [f64; 6] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0];
/// The ratios that safety is looked for at.
const HARMLESS: [f64; 4] = [0.5, 0.8, 1.0, 1.1];

/// Evidence against a null hypothesis, folded interval by interval. What is here can be stored, and goes on where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EProcess {
    /// The ratio at the border of the null hypothesis.
    null: f64,
    /// Each alternative with its log likelihood ratio so far.
    alternatives: Vec<(f64, f64)>,
    /// The largest log e-value so far.
    largest: f64,
}

impl EProcess {
    /// Evidence of harm: against "at most [`TOLERATED`] times the errors".
    pub fn harm() -> Self {
        Self::new(TOLERATED, &HARMFUL)
    }

    /// Evidence of safety: against "at least [`REJECTED`] times the errors".
    pub fn safety() -> Self {
        Self::new(REJECTED, &HARMLESS)
    }

    fn new(null: f64, alternatives: &[f64]) -> Self {
        Self { null, alternatives: alternatives.iter().map(|&ratio| (ratio, 0.0)).collect(), largest: 0.0 }
    }

    /// Takes one interval.
    pub fn fold(&mut self, pair: &Pair) {
        let Some(share) = pair.share() else { return };
        for (ratio, sum) in &mut self.alternatives {
            *sum += log_likelihood(pair, share, *ratio) - log_likelihood(pair, share, self.null);
        }
        self.largest = self.largest.max(self.log_e());
    }

    /// Natural logarithm of the evidence now.
    pub fn log_e(&self) -> f64 {
        let sums: Vec<_> = self.alternatives.iter().map(|&(_, sum)| sum).collect();
        log_mean_exp(&sums)
    }

    /// Natural logarithm of the most evidence there ever was.
    pub fn largest_log_e(&self) -> f64 {
        self.largest
    }

    /// The anytime-valid p-value: the chance, at most, of so much evidence at any time if the null hypothesis holds.
    pub fn p(&self) -> f64 {
        (-self.largest).exp().min(1.0)
    }

    /// How many more errors (of both arms) will lift the evidence to 1/α if the ratio is `ratio` and the canary's share
    /// stays: the first alternative to get there. `None` where the evidence does not grow at that ratio.
    pub fn events_to_go(&self, ratio: f64, share: f64, alpha: f64) -> Option<f64> {
        let bar = (self.alternatives.len() as f64 / alpha).ln();
        let needed = |&(alternative, sum): &(f64, f64)| {
            let growth = growth(ratio, share, alternative, self.null);
            (growth > 1e-9).then(|| ((bar - sum) / growth).max(0.0))
        };
        self.alternatives.iter().filter_map(needed).min_by(f64::total_cmp)
    }
}

/// Log likelihood of the ratio, given the interval's errors, up to what does not depend on the ratio.
pub(super) fn log_likelihood(pair: &Pair, share: f64, ratio: f64) -> f64 {
    pair.canary.errors as f64 * ratio.ln() - pair.events() as f64 * (share * (ratio - 1.0)).ln_1p()
}

/// Expected log growth for each error of either arm, of the evidence for `alternative` against `null`, at a true `ratio`.
pub(super) fn growth(ratio: f64, share: f64, alternative: f64, null: f64) -> f64 {
    let canary = share * ratio / (share * (ratio - 1.0) + 1.0);
    canary * (alternative / null).ln() - (share * (alternative - 1.0)).ln_1p() + (share * (null - 1.0)).ln_1p()
}

/// `ln(mean(exp(x)))` without overflow.
pub(super) fn log_mean_exp(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + (sum / logs.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::pair;

    fn binomial(n: u64, k: u64, p: f64) -> f64 {
        let choose = (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        choose * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
    }

    /// The mean of the e-value of one interval with these requests, error rate and ratio: every outcome, by its chance.
    fn mean_e(start: &EProcess, canary: u64, stable: u64, rate: f64, ratio: f64) -> f64 {
        let mut mean = 0.0;
        for x in 0..=canary {
            for y in 0..=stable {
                let mut process = start.clone();
                process.fold(&pair(0, (canary, x, stable, y)));
                mean += binomial(canary, x, rate * ratio) * binomial(stable, y, rate) * process.log_e().exp();
            }
        }
        mean
    }

    #[test]
    fn evidence_has_a_mean_of_at_most_one_while_its_null_hypothesis_holds() {
        for (canary, stable) in [(1, 1), (1, 9), (3, 12), (10, 10), (15, 5)] {
            for rate in [1e-4, 0.01, 0.1, 0.3, 0.5] {
                for ratio in [0.2, 1.0, TOLERATED] {
                    let mean = mean_e(&EProcess::harm(), canary, stable, rate, ratio);
                    assert!(mean <= 1.0 + 1e-9, "harm: {mean} at {canary}:{stable}, rate {rate}, ratio {ratio}");
                }
                for ratio in [REJECTED, 2.0] {
                    let mean = mean_e(&EProcess::safety(), canary, stable, rate, ratio);
                    assert!(mean <= 1.0 + 1e-9, "safety: {mean} at {canary}:{stable}, rate {rate}, ratio {ratio}");
                }
            }
        }
    }

    #[test]
    fn evidence_grows_when_the_null_hypothesis_is_wrong() {
        assert!(mean_e(&EProcess::harm(), 10, 10, 0.1, 3.0) > 1.2);
        assert!(mean_e(&EProcess::safety(), 10, 10, 0.3, 0.5) > 1.2);
    }

    #[test]
    fn an_interval_without_one_of_the_arms_or_without_errors_says_nothing() {
        for counts in [(0, 0, 0, 0), (0, 0, 90, 9), (10, 5, 0, 0), (10, 0, 90, 0)] {
            let mut process = EProcess::harm();
            process.fold(&pair(0, counts));
            assert!(process.log_e().abs() < 1e-12, "{counts:?}");
        }
    }

    fn fold(mut process: EProcess, pairs: &[Pair]) -> EProcess {
        for pair in pairs {
            process.fold(pair);
        }
        process
    }

    #[test]
    fn a_stored_process_goes_on_bit_for_bit_where_it_was() {
        let pairs: Vec<_> = (0..40_u8).map(|i| pair(i.into(), (300, u64::from(i) % 4, 2700, 6))).collect();
        let whole = fold(EProcess::harm(), &pairs);
        for restart in 0..pairs.len() {
            let (before, after) = pairs.split_at(restart);
            let stored = serde_json::to_string(&fold(EProcess::harm(), before)).unwrap();
            assert_eq!(fold(serde_json::from_str(&stored).unwrap(), after), whole, "restart after {restart}");
        }
    }

    #[test]
    fn the_order_of_intervals_does_not_change_the_evidence_but_adding_them_up_does() {
        let pairs = [pair(0, (50, 1, 950, 2)), pair(1, (500, 60, 500, 58)), pair(2, (100, 3, 900, 20))];
        let log_e = |pairs: &[Pair]| fold(EProcess::harm(), pairs).log_e();
        let forward = log_e(&pairs);
        let mut reversed = pairs;
        reversed.reverse();
        assert!((forward - log_e(&reversed)).abs() < 1e-9);
        let added = log_e(&[pair(0, (650, 64, 2350, 80))]);
        assert!(added > forward + 5.0, "{added} after adding up, {forward} interval by interval");
    }

    #[test]
    fn what_is_still_needed_shrinks_by_the_evidence_there_is() {
        let none = EProcess::harm();
        let all = none.events_to_go(2.0, 0.1, ALPHA_HARM).unwrap();
        let mut some = none.clone();
        some.fold(&pair(0, (300, 10, 2700, 20)));
        let left = some.events_to_go(2.0, 0.1, ALPHA_HARM).unwrap();
        assert!(left < all - 30.0, "{left} of {all}");
        assert_eq!(none.events_to_go(1.0, 0.1, ALPHA_HARM), None);
    }
}
