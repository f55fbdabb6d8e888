//! What a canary has cost of the error budget, and what another hour of it will.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    domain::{
        signal::Counts,
        time::{Timestamp, age},
    },
    judge::{
        counts::{Pair, totals},
        ratio::Ratio,
        slo::{Lack, Objective, window::COVERED},
    },
};

/// The present traffic is that of the last so many minutes.
const PRESENT: Duration = Duration::from_mins(5);

/// A value between its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounded {
    /// Nothing below this is credible; `None` where nothing bounds it.
    pub low: Option<f64>,
    /// The estimate.
    pub value: f64,
    /// Nothing above this is credible.
    pub high: f64,
}

impl Bounded {
    fn times(self, factor: f64) -> Self {
        Self { low: self.low.map(|low| low * factor), value: self.value * factor, high: self.high * factor }
    }
}

/// Where the number of requests of a period comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Most of the period was measured.
    Measured,
    /// The mean of this much time was taken for all of it.
    Projected(Duration),
}

/// The requests of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// How many.
    pub requests: f64,
    /// Since when it is known.
    pub basis: Basis,
}

/// The requests of the period that ends with the newest interval: `requests × period / time known`.
///
/// Assumes that what is not known was like what is. What breaks it: a few minutes at night stand for a month; the basis says
/// how much time it was.
///
/// # Errors
/// [`Lack::Nothing`], or [`Lack::NoTraffic`] without any request.
pub fn traffic(objective: &Objective, counts: &[Counts]) -> Result<Traffic, Lack> {
    let newest = counts.iter().map(|it| it.to).max().ok_or(Lack::Nothing)?;
    let within = |it: &&Counts| age(newest, it.from) <= objective.period();
    let (mut known, mut requests) = (Duration::ZERO, 0_u64);
    for it in counts.iter().filter(within) {
        known = known.saturating_add(age(it.to, it.from));
        requests = requests.saturating_add(it.requests);
    }
    if requests == 0 || known.is_zero() {
        return Err(Lack::NoTraffic { window: known });
    }
    let (period, seconds) = (objective.period().as_secs_f64(), known.as_secs_f64());
    let basis = if seconds >= COVERED * period { Basis::Measured } else { Basis::Projected(known) };
    Ok(Traffic { requests: requests as f64 * period / seconds, basis })
}

/// What a canary costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Errors of the canary beyond those that its requests would have had on stable. Below 0 it spared some.
    pub excess: Bounded,
    /// Share of the period's budget that those are, 0 to 1 and beyond.
    pub used: Bounded,
    /// Share of the period's budget that each further hour takes at the present traffic, or what is missing for it.
    pub hourly: Result<Bounded, Lack>,
    /// Intervals that are left out, for one of the versions had no requests in them.
    pub left_out: usize,
    /// Where the period's requests come from.
    pub basis: Basis,
}

/// The part of the error budget that this canary has cost, and what an hour of it costs now.
///
/// Formula, over the intervals i in which both had requests: excess = Σ (xᵢ − nᵢ·yᵢ/Nᵢ), with the canary's requests n and
/// errors x, stable's N and y. Each interval is held against stable in the *same* interval, so a shared outage and changing
/// weights cost the canary nothing. Used = excess / ((1 − target) × requests of the period). Hourly = used × the canary's
/// requests an hour (of the last 5 minutes) / its requests so far.
///
/// Bounds: a rate ratio ψ means Σ mᵢρᵢ(ψ−1)/(1+ρᵢ(ψ−1)) excess errors among the m errors of both, with the canary's share of
/// the requests ρ; this grows with ψ and is taken at the bounds of `ratio` (a confidence sequence holds however often one
/// looks), and never above the errors that the canary had. Without an error of either there is no lower bound.
///
/// Assumes that requests count alike and that the canary's excess for each of its requests stays as it was on average over
/// `pairs`: hand over those since the onset, where there is one. What breaks it: stable that suffers from the canary (shared
/// database): the cost is then too low. Units: errors, and shares of the budget.
///
/// Source: SRE workbook, chapters 5 and 16; the conditional mean given m: see `judge::eprocess`.
///
/// # Errors
/// [`Lack::NoComparison`] where no interval has requests of both.
pub fn cost(
    objective: &Objective,
    pairs: &[Pair],
    ratio: &Ratio,
    period: &Traffic,
    now: Timestamp,
) -> Result<Cost, Lack> {
    let both: Vec<Pair> =
        pairs.iter().filter(|pair| pair.canary.requests > 0 && pair.stable.requests > 0).copied().collect();
    let (canary, _) = totals(&both);
    if both.is_empty() {
        return Err(Lack::NoComparison);
    }
    let value: f64 = both.iter().map(excess).sum();
    let errors = canary.errors as f64;
    let low = ratio.low.map(|low| at_ratio(&both, low).min(value));
    let high = ratio.high.map_or(errors, |high| at_ratio(&both, high).min(errors)).max(value);
    let excess = Bounded { low, value, high };
    let used = excess.times(1.0 / (objective.budget() * period.requests));
    let hourly = present(&both, now).map(|hour| used.times(hour / canary.requests as f64));
    Ok(Cost { excess, used, hourly, left_out: pairs.len() - both.len(), basis: period.basis })
}

/// Errors of the canary beyond what its requests would have had at stable's rate in the same interval.
fn excess(pair: &Pair) -> f64 {
    let expected = pair.stable.error_share().unwrap_or_default() * pair.canary.requests as f64;
    pair.canary.errors as f64 - expected
}

/// The excess that this rate ratio means, given the errors of both.
fn at_ratio(pairs: &[Pair], ratio: f64) -> f64 {
    let of = |pair: &Pair| {
        let beyond = pair.share().unwrap_or_default() * (ratio - 1.0);
        pair.events() as f64 * beyond / (1.0 + beyond)
    };
    pairs.iter().map(of).sum()
}

/// The canary's requests an hour now.
fn present(pairs: &[Pair], now: Timestamp) -> Result<f64, Lack> {
    let newest = pairs.iter().max_by_key(|pair| pair.to).ok_or(Lack::Nothing)?;
    let lag = age(now, newest.to);
    if lag > PRESENT.max(age(newest.to, newest.from) * 2) {
        return Err(Lack::Stale { age: lag });
    }
    let recent = |pair: &&Pair| *pair == newest || age(newest.to, pair.from) <= PRESENT;
    let mut requests = 0.0;
    // Strata share their intervals: time must not be counted once for each.
    let mut spans = BTreeSet::new();
    for pair in pairs.iter().filter(recent) {
        requests += pair.canary.requests as f64;
        spans.insert((pair.from, pair.to));
    }
    let time = spans.into_iter().map(|(from, to)| age(to, from)).fold(Duration::ZERO, Duration::saturating_add);
    if time.is_zero() { Err(Lack::Nothing) } else { Ok(requests * 3_600.0 / time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::{
        counts::tests::{minute, pair},
        ratio::Likelihood,
        slo::window::{tests::minutes, whole},
    };

    fn ratio(pairs: &[Pair]) -> Ratio {
        let mut likelihood = Likelihood::default();
        for pair in pairs {
            likelihood.fold(&pair.arms());
        }
        likelihood.ratio(1.0)
    }

    fn slo() -> Objective {
        Objective::new(0.999, Duration::from_hours(720)).unwrap()
    }

    fn measured(requests: f64) -> Traffic {
        Traffic { requests, basis: Basis::Measured }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9 * b.abs().max(1.0)
    }

    /// Ten minutes at a tenth of 1,000 requests a minute: 5 % of the canary's fail and 1 % of stable's.
    fn bad() -> Vec<Pair> {
        (0..10).map(|i| pair(i, (100, 5, 900, 9))).collect()
    }

    #[test]
    fn a_bad_canary_costs_its_errors_beyond_those_at_stable_s_rate() {
        let pairs = bad();
        // Budget of the period: 0.001 × 1,000,000 = 1,000 requests. Excess: 10 × (5 − 100 × 9/900) = 40.
        let ratio = Ratio { estimate: Some(5.0), low: Some(3.0), high: Some(9.0) };
        let cost = cost(&slo(), &pairs, &ratio, &measured(1e6), minute(10)).unwrap();
        assert!(near(cost.excess.value, 40.0), "{cost:?}");
        // At 3: 140 × 0.1 × 2 / 1.2; at 9: 140 × 0.1 × 8 / 1.8 = 62.2, but it had only 50 errors.
        assert!(near(cost.excess.low.unwrap(), 140.0 * 0.2 / 1.2) && near(cost.excess.high, 50.0), "{cost:?}");
        assert!(near(cost.used.value, 0.04), "{cost:?}");
        // 6,000 requests an hour, 1,000 so far: six times what was used.
        let hourly = cost.hourly.clone().unwrap();
        assert!(near(hourly.value, 0.24) && near(hourly.high, 0.3), "{cost:?}");
        assert_eq!((cost.left_out, cost.basis), (0, Basis::Measured));
    }

    #[test]
    fn strata_that_share_an_interval_do_not_make_it_longer() {
        let split: Vec<Pair> = (0..10).flat_map(|i| [pair(i, (60, 3, 540, 5)), pair(i, (40, 2, 360, 4))]).collect();
        assert_eq!(whole(&split), whole(&bad()));
        let ratio = Ratio { estimate: Some(5.0), low: Some(3.0), high: Some(9.0) };
        let hourly = |pairs: &[Pair]| {
            let period = traffic(&slo(), &whole(pairs)).unwrap();
            cost(&slo(), pairs, &ratio, &period, minute(10)).unwrap().hourly.unwrap().value
        };
        assert!((hourly(&split) / hourly(&bad()) - 1.0).abs() < 0.02, "{} {}", hourly(&split), hourly(&bad()));
    }

    #[test]
    fn at_the_most_likely_ratio_of_even_intervals_the_bounds_formula_is_the_estimate() {
        let pairs = bad();
        assert!(near(at_ratio(&pairs, 5.0), 40.0), "{}", at_ratio(&pairs, 5.0));
        assert!(near(at_ratio(&pairs, 1.0), 0.0));
    }

    #[test]
    fn a_shared_outage_and_changing_weights_cost_nothing() {
        let pairs = [pair(0, (50, 1, 950, 19)), pair(1, (500, 250, 500, 250)), pair(2, (900, 90, 100, 10))];
        let cost = cost(&slo(), &pairs, &ratio(&pairs), &measured(1e6), minute(3));
        let Cost { excess, hourly, .. } = cost.unwrap();
        assert!(excess.value.abs() < 1e-9, "{excess:?}");
        assert!(excess.low.unwrap() < 0.0 && excess.high > 0.0 && hourly.unwrap().low.unwrap() < 0.0, "{excess:?}");
    }

    #[test]
    fn what_is_missing_is_named_and_never_zero() {
        let none = cost(&slo(), &[pair(0, (100, 1, 0, 0))], &Ratio::default(), &measured(1e6), minute(1));
        assert_eq!(none, Err(Lack::NoComparison));
        let pairs = [bad(), vec![pair(10, (100, 5, 0, 0))]].concat();
        let old = cost(&slo(), &pairs, &ratio(&pairs), &measured(1e6), minute(30));
        let it = old.unwrap();
        assert_eq!((it.left_out, it.hourly), (1, Err(Lack::Stale { age: Duration::from_mins(20) })));
    }

    #[test]
    fn without_an_error_of_either_nothing_was_spent_and_nothing_bounds_what_was_spared() {
        let clean = [pair(0, (100, 0, 900, 0))];
        let cost = cost(&slo(), &clean, &ratio(&clean), &measured(1e6), minute(1)).unwrap();
        assert_eq!(cost.excess, Bounded { low: None, value: 0.0, high: 0.0 });
    }

    #[test]
    fn the_requests_of_a_period_are_measured_or_projected_and_say_which() {
        let day = Objective::new(0.999, Duration::from_hours(24)).unwrap();
        let most = minutes(0, 1440, 10, 0);
        assert_eq!(traffic(&day, &most), Ok(measured(14_400.0)));
        let hour = Basis::Projected(Duration::from_hours(1));
        assert_eq!(traffic(&day, &minutes(0, 60, 10, 0)), Ok(Traffic { requests: 14_400.0, basis: hour }));
        assert_eq!(traffic(&day, &[]), Err(Lack::Nothing));
        let silent = Err(Lack::NoTraffic { window: Duration::from_hours(1) });
        assert_eq!(traffic(&day, &minutes(0, 60, 0, 0)), silent);
        let pairs = bad();
        let period = traffic(&slo(), &whole(&pairs)).unwrap();
        assert!(near(period.requests, 43_200_000.0), "{period:?}");
        let basis = cost(&slo(), &pairs, &ratio(&pairs), &period, minute(10)).unwrap().basis;
        assert_eq!(basis, Basis::Projected(Duration::from_mins(10)));
    }

    proptest! {
        #[test]
        fn the_estimate_lies_between_its_bounds_and_never_above_the_canary_s_errors(
            raw in proptest::collection::vec((1_u64..500, 0_u64..50, 1_u64..5000, 0_u64..200), 1..30),
        ) {
            let pairs: Vec<_> = raw
                .iter()
                .enumerate()
                .map(|(i, &(n, x, m, y))| pair(i64::try_from(i).unwrap(), (n, x.min(n), m, y.min(m))))
                .collect();
            let end = minute(i64::try_from(pairs.len()).unwrap());
            let Bounded { low, value, high } =
                cost(&slo(), &pairs, &ratio(&pairs), &measured(1e7), end).unwrap().excess;
            let errors: u64 = pairs.iter().map(|pair| pair.canary.errors).sum();
            prop_assert!(low.is_none_or(|low| low <= value), "{low:?} {value}");
            prop_assert!(value <= high && high <= errors as f64 + 1e-9, "{value} {high} {errors}");
        }
    }
}
