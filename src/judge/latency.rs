//! Response times as counts: at each bucket bound, a request is slow or it is not.
//!
//! Every bound is a stream of its own, counted exactly; the evidence of harm is their average, which is an e-process again, so
//! no bound costs another one power. Tests that compare whole distributions (Kolmogorov–Smirnov and its time-uniform kin) do
//! not see a tail of one request in a hundred; a bound in the tail does.
//!
//! Assumes what `stream` assumes, at each bound. What breaks it: bounds that all lie below or above every request (nothing can
//! be told), and histograms whose bounds differ between the versions (only the common ones are compared).
//!
//! Sources: the counts are those of Prometheus' classic histograms; that a mean of e-processes is one: Vovk and Wang,
//! *E-values: calibration, combination and applications* (Annals of Statistics 49, 2021).
//!
//! Here lives also what is shown of a distribution: quantiles as the bucket they lie in, never as one interpolated number.

use serde::{Deserialize, Serialize};

use crate::judge::{
    counts::{Arms, Tally},
    eprocess::{EProcess, log_mean_exp, log_sum_exp},
    split::ln_beta,
    stream::{Stream, form},
};

/// Before stable has had so many requests, no bound is chosen.
const ENOUGH: u64 = 100;
/// Without an objective the bound that is reported is the lowest that at most this share of stable's requests exceeds.
const TAIL: f64 = 0.05;

/// How long the requests of one arm took, in one interval: `within[k]` took at most the `k`-th bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// All requests.
    pub requests: u64,
    /// Those within each bound; never falls, never exceeds `requests`.
    pub within: Vec<u64>,
}

impl Times {
    /// The requests that took longer than the bound, as errors.
    pub(super) fn slow(&self, bound: usize) -> Option<Tally> {
        let within = *self.within.get(bound)?;
        Some(Tally { requests: self.requests, errors: self.requests.saturating_sub(within) })
    }

    /// Adds up the times of an arm, for display only.
    pub(super) fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        if self.within.is_empty() {
            self.within.clone_from(&other.within);
        } else {
            for (sum, more) in self.within.iter_mut().zip(&other.within) {
                *sum = sum.saturating_add(*more);
            }
        }
    }
}

/// One bound: evidence that more of the canary's requests exceed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cut {
    /// Seconds.
    bound: f64,
    harm: EProcess,
    /// Stable's past in each stratum, which predicts the share of slow requests.
    past: Vec<Arms>,
}

/// The latency of a canary beside that of stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    tolerated: f64,
    rejected: f64,
    objective: Option<f64>,
    cuts: Vec<Cut>,
    strata: Vec<String>,
    /// The bound that is reported and must be shown safe, and its stream.
    main: Option<(usize, Stream)>,
    /// Stable's requests before a main bound was chosen.
    first: Vec<u64>,
    first_requests: u64,
}

/// Two arms whose histograms have no bound in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the histogram's bounds changed; a test must keep the bounds it began with")]
pub struct OtherBounds;

impl Latency {
    /// Nothing seen yet. `bounds` are the finite bucket bounds in seconds, ascending; `objective` is the bound of the service's
    /// objective, seconds: the lowest bucket bound that is not below it carries half of the weight.
    pub fn new(bounds: &[f64], objective: Option<f64>, tolerated: f64, rejected: f64) -> Self {
        let cut = |&bound| Cut { bound, harm: EProcess::harm(tolerated), past: Vec::new() };
        let mut latency = Self {
            tolerated,
            rejected,
            objective,
            cuts: bounds.iter().map(cut).collect(),
            strata: Vec::new(),
            main: None,
            first: vec![0; bounds.len()],
            first_requests: 0,
        };
        if let Some(objective) = objective {
            latency.choose(bounds.iter().position(|bound| *bound >= objective));
        }
        latency
    }

    fn choose(&mut self, cut: Option<usize>) {
        // Beyond the last bound nothing can be said of an objective: the last bound is the nearest.
        let index = cut.unwrap_or_else(|| self.cuts.len().saturating_sub(1));
        if index < self.cuts.len() {
            self.main = Some((index, Stream::new(self.tolerated, self.rejected)));
        }
    }

    /// Takes one interval of one stratum; both arms with the bounds that it began with.
    pub fn fold(&mut self, stratum: &str, canary: &Times, stable: &Times) -> Result<(), OtherBounds> {
        if canary.within.len() != self.cuts.len() || stable.within.len() != self.cuts.len() {
            return Err(OtherBounds);
        }
        let place = self.strata.iter().position(|known| known == stratum).unwrap_or_else(|| {
            self.strata.push(stratum.to_owned());
            self.strata.len() - 1
        });
        for (index, cut) in self.cuts.iter_mut().enumerate() {
            let (Some(canary), Some(stable)) = (canary.slow(index), stable.slow(index)) else { continue };
            let arms = Arms { canary, stable };
            if cut.past.len() <= place {
                cut.past.resize(place + 1, Arms::default());
            }
            if let Some(past) = cut.past.get_mut(place) {
                cut.harm.fold(&arms, form(past));
                *past = *past + arms;
            }
            if let Some((_, stream)) = self.main.as_mut().filter(|(main, _)| *main == index) {
                stream.fold(stratum, &arms);
            }
        }
        self.look_for_main(stable);
        Ok(())
    }

    /// Chooses the main bound by what stable did so far: the next interval is the first that it is tested on.
    fn look_for_main(&mut self, stable: &Times) {
        if self.main.is_some() {
            return;
        }
        self.first_requests = self.first_requests.saturating_add(stable.requests);
        for (sum, within) in self.first.iter_mut().zip(&stable.within) {
            *sum = sum.saturating_add(*within);
        }
        if self.first_requests >= ENOUGH {
            let slow = |within: u64| 1.0 - within as f64 / self.first_requests as f64;
            self.choose(self.first.iter().position(|within| slow(*within) <= TAIL));
        }
    }

    /// Natural logarithm of the evidence that the canary is slower: the average over all bounds, where half of the weight is
    /// the objective's, if there is one. Bursts at the main bound temper all of them.
    pub fn harm(&self) -> f64 {
        if self.cuts.is_empty() {
            return 0.0;
        }
        let dispersion = self.main.as_ref().map_or(1.0, |(_, stream)| stream.dispersion());
        let each: Vec<f64> = self.cuts.iter().map(|cut| cut.harm.tempered(dispersion)).collect();
        match (&self.main, self.objective) {
            (Some((index, _)), Some(_)) if each.len() > 1 => {
                let objective = each.get(*index).copied().unwrap_or_default();
                let others = each.iter().enumerate().filter(|(other, _)| other != index).map(|(_, log_e)| *log_e);
                let others = log_sum_exp(others, (each.len() - 1) as f64);
                log_mean_exp([objective, others].into_iter())
            }
            _ => log_mean_exp(each.into_iter()),
        }
    }

    /// Natural logarithm of the evidence that the canary is not slower at the main bound; 0 until there is one.
    pub fn safety(&self) -> f64 {
        self.main.as_ref().map_or(0.0, |(_, stream)| stream.safety())
    }

    /// The main bound in seconds, and the stream of what exceeds it.
    pub fn main(&self) -> Option<(f64, &Stream)> {
        let (index, stream) = self.main.as_ref()?;
        Some((self.cuts.get(*index)?.bound, stream))
    }

    /// The bound at which the evidence of harm is largest, seconds: where the defect lies.
    pub fn worst(&self) -> Option<f64> {
        self.cuts.iter().max_by(|a, b| a.harm.log_e().total_cmp(&b.harm.log_e())).map(|cut| cut.bound)
    }
}

/// Between which bounds a quantile lies, in seconds: above the first, at most the second. `None` is "no bound is known": below
/// the lowest bucket, or beyond the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Between {
    /// It is above this.
    pub above: Option<f64>,
    /// It is at most this.
    pub at_most: Option<f64>,
}

/// The bucket in which the `q`-quantile (strictly between 0 and 1) lies, widened by what chance allows: a bound lies below the
/// quantile when the share of requests within it is shown to be below `q`, and above it when that share is shown to be above.
/// Each is shown by the e-process of a uniform prior on the share against `q`,
/// ln E = ln B(1 + k, 1 + n − k) − k·ln q − (n − k)·ln(1 − q), at 2/α: it holds however often one looks, with chance 1 − `alpha` for
/// each bound. `None` without requests.
///
/// In a tail this is far narrower than a band around the whole distribution (Howard and Ramdas, *Sequential estimation of
/// quantiles*, Bernoulli 2022), whose height does not shrink there. Assumes that requests are as slow each for itself; bursts of
/// slow requests make it too narrow. Source: Lindon and Malek, *Anytime-valid inference for multinomial count data* (2022).
pub fn quantile(q: f64, bounds: &[f64], times: &Times, alpha: f64) -> Option<Between> {
    if times.requests == 0 {
        return None;
    }
    let n = times.requests as f64;
    let shown = |within: u64| {
        let k = within as f64;
        ln_beta(1.0 + k, 1.0 + n - k) - k * q.ln() - (n - k) * (-q).ln_1p() >= (2.0 / alpha).ln()
    };
    let mut cuts = bounds.iter().copied().zip(times.within.iter().copied());
    let below = cuts.clone().rfind(|(_, within)| (*within as f64) < q * n && shown(*within));
    let above = cuts.find(|(_, within)| *within as f64 > q * n && shown(*within));
    Some(Between { above: below.map(|(bound, _)| bound), at_most: above.map(|(bound, _)| bound) })
}

/// The chance that a request of the canary takes longer than one of stable, plus half of that of a tie (same bucket): 0.5 when
/// alike. The common language effect size of `McGraw` and Wong (1992), on buckets. `None` without requests on either side.
pub fn slower(canary: &Times, stable: &Times) -> Option<f64> {
    if canary.requests == 0 || stable.requests == 0 {
        return None;
    }
    let shares = |times: &Times| -> Vec<f64> {
        let ends = times.within.iter().copied().chain([times.requests]);
        let begins = [0].into_iter().chain(times.within.iter().copied());
        begins.zip(ends).map(|(begin, end)| end.saturating_sub(begin) as f64 / times.requests as f64).collect()
    };
    let mut below = 0.0;
    let mut chance = 0.0;
    for (canary, stable) in shares(canary).into_iter().zip(shares(stable)) {
        chance += canary * (below + stable / 2.0);
        below += stable;
    }
    Some(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 4] = [0.1, 0.25, 0.5, 1.0];

    fn times(requests: u64, within: [u64; 4]) -> Times {
        Times { requests, within: within.into() }
    }

    fn folded(objective: Option<f64>, canary: &Times, stable: &Times, intervals: usize) -> Latency {
        let mut latency = Latency::new(&BOUNDS, objective, 1.1, 1.5);
        for _ in 0..intervals {
            latency.fold("", canary, stable).unwrap();
        }
        latency
    }

    fn bar(alpha: f64) -> f64 {
        -f64::ln(alpha)
    }

    #[test]
    fn one_slow_request_in_a_hundred_shows_at_the_bound_in_the_tail() {
        let stable = times(2700, [1350, 2400, 2670, 2697]);
        let slow_tail = folded(None, &times(300, [150, 266, 294, 296]), &stable, 30);
        assert!(slow_tail.harm() > bar(0.01), "{}", slow_tail.harm());
        assert_eq!(slow_tail.worst(), Some(1.0));
        let alike = folded(None, &times(300, [150, 267, 297, 300]), &stable, 30);
        assert!(alike.harm() < bar(0.01) && alike.safety() > bar(0.05), "{} {}", alike.harm(), alike.safety());
        let faster = folded(None, &times(300, [200, 290, 299, 300]), &stable, 30);
        assert!(faster.harm() < 0.0, "a faster canary is never harm");
    }

    #[test]
    fn the_objectives_bound_carries_half_of_the_weight() {
        let stable = times(2700, [1350, 2400, 2670, 2697]);
        let canary = times(300, [150, 240, 297, 300]);
        let (with, without) = (folded(Some(0.25), &canary, &stable, 12), folded(None, &canary, &stable, 12));
        assert!((with.harm() - without.harm() - 2.0_f64.ln()).abs() < 0.1, "{} {}", with.harm(), without.harm());
        assert_eq!(with.main().map(|(bound, _)| bound), Some(0.25));
        assert_eq!(folded(Some(0.3), &canary, &stable, 1).main().map(|(bound, _)| bound), Some(0.5));
        assert_eq!(folded(Some(9.0), &canary, &stable, 1).main().map(|(bound, _)| bound), Some(1.0));
    }

    #[test]
    fn without_an_objective_the_main_bound_is_in_stables_tail_and_tested_from_the_next_interval_on() {
        let stable = times(2700, [1350, 2400, 2670, 2697]);
        let once = folded(None, &times(300, [150, 267, 297, 300]), &stable, 1);
        let (bound, stream) = once.main().unwrap();
        assert_eq!((bound, stream.totals()), (0.5, Arms::default()));
        assert_eq!(once.safety().to_bits(), 0.0_f64.to_bits());
        let few = folded(None, &times(3, [1, 2, 3, 3]), &times(9, [4, 8, 9, 9]), 3);
        assert_eq!(few.main().map(|(bound, _)| bound), None, "too few requests to choose by");
    }

    #[test]
    fn bounds_that_change_are_refused_and_leave_the_test_as_it_was() {
        let mut latency = folded(None, &times(300, [1, 2, 3, 300]), &times(300, [1, 2, 3, 300]), 2);
        let before = latency.clone();
        let other = Times { requests: 3, within: vec![1, 2] };
        assert_eq!(latency.fold("", &other, &other), Err(OtherBounds));
        assert_eq!(latency, before);
    }

    #[test]
    fn a_stored_test_goes_on_bit_for_bit_where_it_was() {
        let (canary, stable) = (times(300, [120, 250, 290, 297]), times(2700, [1350, 2400, 2670, 2697]));
        let whole = folded(Some(0.5), &canary, &stable, 9);
        let stored = serde_json::to_string(&folded(Some(0.5), &canary, &stable, 4)).unwrap();
        let mut again: Latency = serde_json::from_str(&stored).unwrap();
        for _ in 4..9 {
            again.fold("", &canary, &stable).unwrap();
        }
        assert_eq!(again, whole);
    }

    #[test]
    fn a_quantile_is_the_bucket_it_lies_in_widened_by_what_chance_allows() {
        let many = times(1_000_000, [500_000, 900_000, 980_000, 999_000]);
        let between = |above, at_most| Some(Between { above, at_most });
        assert_eq!(quantile(0.99, &BOUNDS, &many, 0.05), between(Some(0.5), Some(1.0)));
        let tail = times(10_000, [5000, 9000, 9850, 9960]);
        assert_eq!(quantile(0.99, &BOUNDS, &tail, 0.05), between(Some(0.5), Some(1.0)));
        let few = times(100, [50, 90, 98, 100]);
        assert_eq!(quantile(0.99, &BOUNDS, &few, 0.05), between(Some(0.25), None));
        assert_eq!(quantile(0.5, &BOUNDS, &times(0, [0; 4]), 0.05), None);
    }

    #[test]
    fn slower_is_the_chance_that_one_request_outlasts_another() {
        let (one, other) = (times(10, [10, 10, 10, 10]), times(10, [0, 10, 10, 10]));
        assert_eq!(slower(&other, &one), Some(1.0));
        assert_eq!(slower(&one, &other), Some(0.0));
        assert_eq!(slower(&one, &one), Some(0.5));
        assert_eq!(slower(&one, &times(0, [0; 4])), None);
        let half = times(10, [5, 10, 10, 10]);
        // Half of its requests tie with those of `one`, half are slower.
        assert_eq!(slower(&half, &one), Some(0.75));
    }
}
