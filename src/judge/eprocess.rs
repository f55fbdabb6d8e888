//! E-processes: evidence about the ratio of two error rates that may be read after every interval.
//!
//! Of the `m` errors of an interval, `x` are the canary's. With the canary's share of the requests ρ and a rate ratio ψ, `x`
//! is binomial with chance `ρψ / (1 + ρ(ψ − 1))`, whatever the error rate itself was. The likelihood ratio of ψ against the
//! null hypothesis ψ₀, multiplied over intervals and averaged over some ψ, has mean at most 1 as long as the null holds: by
//! Ville's inequality it exceeds 1/α with chance at most α, ever. For Bernoulli requests the bound holds too, for any error
//! rate in any interval and the whole one-sided null. Only dependence within an interval (bursts, retries) weakens it.

use serde::{Deserialize, Serialize};

use crate::judge::{
    bernoulli::{self, Null},
    counts::Arms,
};

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

/// What the evidence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Claim {
    /// Against "at most the null ratio".
    Harm,
    /// Against "at least the null ratio".
    Safety,
}

/// How an interval is counted. Either is an e-variable; the choice must not depend on the interval itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Errors are rare: given their number, whose are they? Needs no guess of the error rate.
    Rare,
    /// Every request counts, with or without error. Holds stable's share, strictly between 0 and 1, as past intervals
    /// predict it.
    Frequent(f64),
}

/// Evidence against a null hypothesis, folded interval by interval. What is here can be stored, and goes on where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EProcess {
    claim: Claim,
    /// The ratio at the border of the null hypothesis.
    null: f64,
    /// Each alternative with its log likelihood ratio so far.
    alternatives: Vec<(f64, f64)>,
}

impl EProcess {
    /// Evidence of harm: against "at most `tolerated` times the errors". Looks for harm at 1.25, 1.5, 2, 3, 5 and 10 times
    /// the errors, as far as that is more than what is tolerated.
    pub fn harm(tolerated: f64) -> Self {
        let mut ratios: Vec<f64> = HARMFUL.into_iter().filter(|ratio| *ratio > tolerated).collect();
        if ratios.is_empty() {
            ratios = [1.25, 1.5, 2.0].map(|more| more * tolerated).into();
        }
        Self::new(Claim::Harm, tolerated, ratios)
    }

    /// Evidence of safety: against "at least `rejected` times the errors". Looks for safety at 0.5, 0.8, 1 and 1.1 times
    /// the errors, as far as that is less than what is rejected.
    pub fn safety(rejected: f64) -> Self {
        let mut ratios: Vec<f64> = HARMLESS.into_iter().filter(|ratio| *ratio < rejected).collect();
        if ratios.is_empty() {
            ratios = [0.5, 0.8].map(|less| less * rejected).into();
        }
        Self::new(Claim::Safety, rejected, ratios)
    }

    fn new(claim: Claim, null: f64, ratios: Vec<f64>) -> Self {
        let alternatives = ratios.into_iter().map(|ratio| (ratio, 0.0)).collect();
        Self { claim, null, alternatives }
    }

    /// Takes one interval. An interval without one of the arms says nothing.
    pub fn fold(&mut self, arms: &Arms, form: Form) {
        let Some(share) = arms.share().filter(|_| arms.canary.requests > 0 && arms.stable.requests > 0) else { return };
        match form {
            // Without an error nothing changes.
            Form::Rare if arms.events() == 0 => {}
            Form::Rare => {
                let base = log_likelihood(arms, share, self.null);
                for (ratio, sum) in &mut self.alternatives {
                    *sum += log_likelihood(arms, share, *ratio) - base;
                }
            }
            Form::Frequent(stable) => {
                let null = match self.claim {
                    Claim::Harm => Null::AtMost(self.null),
                    Claim::Safety => Null::AtLeast(self.null),
                };
                for (ratio, sum) in &mut self.alternatives {
                    *sum += bernoulli::log_e(arms, (bernoulli::by_odds(stable, *ratio), stable), null);
                }
            }
        }
    }

    /// Natural logarithm of the evidence now.
    pub fn log_e(&self) -> f64 {
        self.tempered(1.0)
    }

    /// Natural logarithm of the evidence now, where errors come in bursts of which each counts only `1/dispersion`
    /// (at least 1). For independent errors this is at most the larger of 1 and [`EProcess::log_e`], so no false alarm is added;
    /// that it is enough for bursts is measured, not proven.
    pub fn tempered(&self, dispersion: f64) -> f64 {
        let by = dispersion.max(1.0);
        log_mean_exp(self.alternatives.iter().map(|&(_, sum)| sum / by))
    }

    /// How many more errors (of both arms) will lift the evidence to 1/α if the ratio is `ratio`, the canary's share
    /// stays, and each error counts `1/dispersion`: the first alternative to get there. `None` where the evidence does not
    /// grow at that ratio.
    pub fn events_to_go(&self, ratio: f64, share: f64, alpha: f64, dispersion: f64) -> Option<f64> {
        let bar = (self.alternatives.len() as f64 / alpha).ln() * dispersion.max(1.0);
        let needed = |&(alternative, sum): &(f64, f64)| {
            let growth = growth(ratio, share, alternative, self.null);
            (growth > 1e-9).then(|| ((bar - sum) / growth).max(0.0))
        };
        self.alternatives.iter().filter_map(needed).min_by(f64::total_cmp)
    }
}

/// Log likelihood of the ratio, given the interval's errors, up to what does not depend on the ratio.
pub(super) fn log_likelihood(arms: &Arms, share: f64, ratio: f64) -> f64 {
    arms.canary.errors as f64 * ratio.ln() - arms.events() as f64 * (share * (ratio - 1.0)).ln_1p()
}

/// Expected log growth for each error of either arm, of the evidence for `alternative` against `null`, at a true `ratio`.
pub(super) fn growth(ratio: f64, share: f64, alternative: f64, null: f64) -> f64 {
    let canary = share * ratio / (share * (ratio - 1.0) + 1.0);
    canary * (alternative / null).ln() - (share * (alternative - 1.0)).ln_1p() + (share * (null - 1.0)).ln_1p()
}

/// `ln(mean(exp(x)))` without overflow.
pub(super) fn log_mean_exp(logs: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = logs.len() as f64;
    log_sum_exp(logs, count)
}

/// `ln(sum(exp(x)) / by)` without overflow; negative infinity of nothing.
pub(super) fn log_sum_exp(logs: impl Iterator<Item = f64> + Clone, by: f64) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = logs.map(|log| (log - largest).exp()).sum();
    largest + (sum / by).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::{Pair, tests::pair};

    fn binomial(n: u64, k: u64, p: f64) -> f64 {
        let choose = (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        choose * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
    }

    /// The mean of the e-value of one interval with these requests, error rate and ratio: every outcome, by its chance.
    fn mean_e(start: &EProcess, (canary, stable): (u64, u64), rate: f64, ratio: f64, form: Form) -> f64 {
        let mut mean = 0.0;
        for x in 0..=canary {
            for y in 0..=stable {
                let mut process = start.clone();
                process.fold(&pair(0, (canary, x, stable, y)).arms(), form);
                mean += binomial(canary, x, rate * ratio) * binomial(stable, y, rate) * process.log_e().exp();
            }
        }
        mean
    }

    #[test]
    fn evidence_has_a_mean_of_at_most_one_while_its_null_hypothesis_holds() {
        let forms = [Form::Rare, Form::Frequent(0.02), Form::Frequent(0.2), Form::Frequent(0.6)];
        for requests in [(1, 1), (1, 9), (3, 12), (10, 10), (15, 5)] {
            for rate in [1e-4, 0.01, 0.1, 0.3, 0.5] {
                for form in forms {
                    for ratio in [0.2, 1.0, TOLERATED] {
                        let mean = mean_e(&EProcess::harm(TOLERATED), requests, rate, ratio, form);
                        assert!(
                            mean <= 1.0 + 1e-9,
                            "harm: {mean} at {requests:?}, rate {rate}, ratio {ratio}, {form:?}"
                        );
                    }
                    for ratio in [REJECTED, 2.0] {
                        let mean = mean_e(&EProcess::safety(REJECTED), requests, rate, ratio, form);
                        assert!(
                            mean <= 1.0 + 1e-9,
                            "safety: {mean} at {requests:?}, rate {rate}, ratio {ratio}, {form:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn evidence_grows_when_the_null_hypothesis_is_wrong() {
        for form in [Form::Rare, Form::Frequent(0.1)] {
            assert!(mean_e(&EProcess::harm(TOLERATED), (10, 10), 0.1, 3.0, form) > 1.2, "{form:?}");
        }
        for form in [Form::Rare, Form::Frequent(0.3)] {
            assert!(mean_e(&EProcess::safety(REJECTED), (10, 10), 0.3, 0.5, form) > 1.2, "{form:?}");
        }
    }

    #[test]
    fn where_every_other_request_fails_counting_each_request_shows_more_than_counting_errors() {
        let worse = pair(0, (300, 180, 2700, 1350)).arms();
        let log_e = |form| {
            let mut process = EProcess::harm(TOLERATED);
            process.fold(&worse, form);
            process.log_e()
        };
        assert!(log_e(Form::Frequent(0.5)) > log_e(Form::Rare) + 0.5);
    }

    #[test]
    fn whatever_is_tolerated_or_rejected_there_are_alternatives_beyond_it() {
        for border in [0.3, 1.0, 1.1, 1.3, 4.0, 10.0, 50.0] {
            assert!(EProcess::harm(border).alternatives.iter().all(|(ratio, _)| *ratio > border));
            assert!(EProcess::safety(border).alternatives.iter().all(|(ratio, _)| *ratio < border));
            assert!(
                !EProcess::harm(border).alternatives.is_empty() && !EProcess::safety(border).alternatives.is_empty()
            );
        }
    }

    #[test]
    fn tempered_evidence_never_exceeds_the_larger_of_itself_and_none() {
        let mut process = EProcess::harm(TOLERATED);
        for (number, errors) in [(0, 9), (1, 0), (2, 4)] {
            process.fold(&pair(number, (300, errors, 2700, 20)).arms(), Form::Rare);
            for dispersion in [0.5, 1.0, 2.0, 30.0] {
                assert!(process.tempered(dispersion) <= process.log_e().max(0.0) + 1e-12);
            }
        }
    }

    #[test]
    fn an_interval_without_one_of_the_arms_or_without_errors_says_nothing() {
        for counts in [(0, 0, 0, 0), (0, 0, 90, 9), (10, 5, 0, 0), (10, 0, 90, 0)] {
            let mut process = EProcess::harm(TOLERATED);
            process.fold(&pair(0, counts).arms(), Form::Rare);
            assert!(process.log_e().abs() < 1e-12, "{counts:?}");
        }
    }

    fn fold(mut process: EProcess, pairs: &[Pair]) -> EProcess {
        for pair in pairs {
            process.fold(&pair.arms(), Form::Rare);
        }
        process
    }

    #[test]
    fn a_stored_process_goes_on_bit_for_bit_where_it_was() {
        let pairs: Vec<_> = (0..40_u8).map(|i| pair(i.into(), (300, u64::from(i) % 4, 2700, 6))).collect();
        let whole = fold(EProcess::harm(TOLERATED), &pairs);
        for restart in 0..pairs.len() {
            let (before, after) = pairs.split_at(restart);
            let stored = serde_json::to_string(&fold(EProcess::harm(TOLERATED), before)).unwrap();
            assert_eq!(fold(serde_json::from_str(&stored).unwrap(), after), whole, "restart after {restart}");
        }
    }

    #[test]
    fn the_order_of_intervals_does_not_change_the_evidence_but_adding_them_up_does() {
        let pairs = [pair(0, (50, 1, 950, 2)), pair(1, (500, 60, 500, 58)), pair(2, (100, 3, 900, 20))];
        let log_e = |pairs: &[Pair]| fold(EProcess::harm(TOLERATED), pairs).log_e();
        let forward = log_e(&pairs);
        let mut reversed = pairs;
        reversed.reverse();
        assert!((forward - log_e(&reversed)).abs() < 1e-9);
        let added = log_e(&[pair(0, (650, 64, 2350, 80))]);
        assert!(added > forward + 5.0, "{added} after adding up, {forward} interval by interval");
    }

    #[test]
    fn what_is_still_needed_shrinks_by_the_evidence_there_is() {
        let none = EProcess::harm(TOLERATED);
        let all = none.events_to_go(2.0, 0.1, ALPHA_HARM, 1.0).unwrap();
        let mut some = none.clone();
        some.fold(&pair(0, (300, 10, 2700, 20)).arms(), Form::Rare);
        let left = some.events_to_go(2.0, 0.1, ALPHA_HARM, 1.0).unwrap();
        assert!(left < all - 30.0, "{left} of {all}");
        assert_eq!(none.events_to_go(1.0, 0.1, ALPHA_HARM, 1.0), None);
    }
}
