//! Response times in a verdict: histograms of both arms, paired by interval and stratum, on the bounds that both have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        signal::{LatencyCounts, VersionSignals},
        time::Timestamp,
    },
    judge::{
        counts::{Arms, Pair, Tally, totals},
        eprocess::{REJECTED, TOLERATED},
        latency::{self, Between, Latency, Times},
        onset::onset,
        ratio::{Likelihood, Ratio},
        verdict::{Case, Evidence},
    },
};

/// Quantiles are said with this chance of being wrong, ever.
const ALPHA: f64 = 0.05;

/// The response times of both versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// The test of response times as it goes.
pub(super) struct Timed {
    bounds: Vec<f64>,
    intervals: BTreeMap<(Timestamp, Timestamp, String), Both>,
    latency: Option<Latency>,
    largest: (f64, f64),
    /// What was folded, in order of time.
    folded: Vec<(Pair, Both)>,
}

impl Timed {
    pub(super) fn new(case: &Case<'_>) -> Self {
        let (canary, stable) = (histograms(case.canary), histograms(case.stable));
        let bounds = common_bounds(canary, stable);
        let stable = by_interval(stable, &bounds);
        let pair = |(key, canary)| Some((stable.get(&key)?.clone(), key, canary));
        let intervals: BTreeMap<_, _> = by_interval(canary, &bounds)
            .into_iter()
            .filter_map(pair)
            .map(|(stable, key, canary)| (key, (canary, stable)))
            .collect();
        let latency = (!bounds.is_empty() && !intervals.is_empty())
            .then(|| Latency::new(&bounds, objective(case), TOLERATED, REJECTED));
        Self { bounds, intervals, latency, largest: (0.0, 0.0), folded: Vec::new() }
    }

    /// Takes the times of the interval in which these counts are from.
    pub(super) fn fold(&mut self, stratum: &str, pair: &Pair) {
        let Some(latency) = &mut self.latency else { return };
        let Some(both) = self.intervals.remove(&(pair.from, pair.to, stratum.to_owned())) else { return };
        if latency.fold(stratum, &both.0, &both.1).is_ok() {
            self.largest = (self.largest.0.max(latency.harm()), self.largest.1.max(latency.safety()));
            self.folded.push((*pair, both));
        }
    }

    /// The test; `None` where not both arms have histograms.
    pub(super) fn latency(&self) -> Option<&Latency> {
        self.latency.as_ref()
    }

    /// Do response times show more harm than errors do?
    pub(super) fn is_the_worse(&self, errors: f64) -> bool {
        self.latency.as_ref().is_some_and(|latency| latency.harm() > errors)
    }

    /// Since when the canary is slower at the bound where that shows most.
    pub(super) fn onset(&self) -> Option<Timestamp> {
        onset(self.slow(self.latency.as_ref()?.worst()?).iter())
    }

    /// What is said of response times; from `since` on, where given.
    pub(super) fn timing(&self, since: Option<Timestamp>) -> Option<Timing> {
        let latency = self.latency.as_ref()?;
        let evidence = |log_e: f64, largest: f64| Evidence { log_e, p: (-largest).exp().min(1.0) };
        let harm = evidence(latency.harm(), self.largest.0);
        let shown = if harm.log_e > 0.0 { latency.worst() } else { None };
        let bound = shown.or_else(|| Some(latency.main()?.0))?;
        let since = |pair: &Pair| since.is_none_or(|since| pair.from >= since);
        let slow: Vec<Pair> = self.slow(bound).into_iter().filter(|pair| since(pair)).collect();
        let mut likelihood = Likelihood::default();
        for pair in &slow {
            likelihood.fold(&pair.arms());
        }
        let (canary, stable) = totals(&slow);
        let covered = self.folded.iter().filter(|(pair, _)| since(pair));
        let canary_times = latency::sum(covered.clone().map(|(_, (canary, _))| canary));
        let stable_times = latency::sum(covered.map(|(_, (_, stable))| stable));
        let p99 = |times| latency::quantile(0.99, &self.bounds, times, ALPHA);
        Some(Timing {
            bound,
            canary,
            stable,
            ratio: likelihood.ratio(latency.main().map_or(1.0, |(_, stream)| stream.dispersion())),
            harm,
            safe: evidence(latency.safety(), self.largest.1),
            p99: (p99(&canary_times), p99(&stable_times)),
            slower: latency::slower(&canary_times, &stable_times),
        })
    }

    /// Requests that took longer than a bound, as errors.
    fn slow(&self, bound: f64) -> Vec<Pair> {
        let Some(index) = self.bounds.iter().position(|known| known.to_bits() == bound.to_bits()) else {
            return Vec::new();
        };
        let pair = |(pair, (canary, stable)): &(Pair, Both)| {
            let arms = Arms { canary: canary.slow(index)?, stable: stable.slow(index)? };
            Some(Pair { canary: arms.canary, stable: arms.stable, ..*pair })
        };
        self.folded.iter().filter_map(pair).collect()
    }
}

/// The bound of the service's latency objective, seconds.
fn objective(case: &Case<'_>) -> Option<f64> {
    Some(case.standard?.slo.as_ref()?.latency.as_ref()?.le)
}

fn histograms(signals: Option<&VersionSignals>) -> &[LatencyCounts] {
    signals.map(|signals| signals.latency_counts.as_slice()).unwrap_or_default()
}

/// The bounds that every histogram of both arms has, ascending.
fn common_bounds(canary: &[LatencyCounts], stable: &[LatencyCounts]) -> Vec<f64> {
    let (Some(first), false) = (canary.first(), stable.is_empty()) else { return Vec::new() };
    let everywhere = |bound: &f64| {
        canary.iter().chain(stable).all(|one| one.bounds.iter().any(|other| other.to_bits() == bound.to_bits()))
    };
    first.bounds.iter().copied().filter(everywhere).collect()
}

fn by_interval(histograms: &[LatencyCounts], bounds: &[f64]) -> BTreeMap<(Timestamp, Timestamp, String), Times> {
    let mut all = BTreeMap::new();
    for one in histograms {
        let places: Vec<usize> = (0..one.bounds.len())
            .filter(|place| one.bounds.get(*place).is_some_and(|own| bounds.contains(own)))
            .collect();
        for interval in &one.intervals {
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
