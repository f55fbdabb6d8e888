//! The ratio of the two error rates, and between what bounds it lies.
//!
//! What the data say of every ratio is kept as one curve, interval by interval: the log likelihood of the ratio given how many
//! errors there were, which needs no error rate (see `eprocess`). The curve is kept at points that lie evenly in the logarithm
//! and is read between them, so that state and cost stay the same however long a release takes.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::judge::{counts::Arms, eprocess::log_mean_exp};

/// How far from a ratio the evidence against it is looked for, up and down.
const AWAY: [f64; 7] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0];
/// The bounds hold, all of them together at all times, with chance 95 %.
const ALPHA: f64 = 0.05;
/// Distance of two points of the curve, in the logarithm of the ratio.
const STEP: f64 = 0.25;
/// So many points lie on either side of the ratio 1: ratios from a millionth to a million and what their bounds are held against.
const POINTS: i32 = 66;
/// The logarithm of the largest bound that is looked for.
const FURTHEST: f64 = 14.0;

/// The points: the logarithm of a ratio, and the ratio less 1.
static RATIOS: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let point = |number| f64::from(number) * STEP;
    (-POINTS..=POINTS).map(|number| (point(number), point(number).exp_m1())).collect()
});

/// The canary's error rate over that of stable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The most likely value; `None` where stable has no errors, or nobody has.
    pub estimate: Option<f64>,
    /// Lower end of the confidence sequence; `None` without errors.
    pub low: Option<f64>,
    /// Upper end; `None` where nothing bounds it.
    pub high: Option<f64>,
}

/// What the intervals so far say of every ratio.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Log likelihood at each point; empty before the first error.
    curve: Vec<f64>,
    /// Errors of the canary and of stable, in intervals that both arms have.
    canary: u64,
    stable: u64,
}

impl Likelihood {
    /// Takes one interval. Without an error, or without one of the arms, it says nothing.
    pub fn fold(&mut self, arms: &Arms) {
        let Some(share) = arms.share().filter(|share| *share > 0.0 && *share < 1.0 && arms.events() > 0) else {
            return;
        };
        if self.curve.is_empty() {
            self.curve = vec![0.0; RATIOS.len()];
        }
        let (errors, events) = (arms.canary.errors as f64, arms.events() as f64);
        for ((log, excess), sum) in RATIOS.iter().zip(&mut self.curve) {
            *sum += errors * log - events * (share * excess).ln_1p();
        }
        self.canary = self.canary.saturating_add(arms.canary.errors);
        self.stable = self.stable.saturating_add(arms.stable.errors);
    }

    /// The conditional maximum of likelihood, stratified by interval, and a 95 % confidence sequence, which inverts two
    /// one-sided e-processes: it holds however often one looks. Where errors come in bursts each counts `1/dispersion`.
    ///
    /// Formula: L(ψ) = Σ x·ln ψ − m·ln(1 + ρ(ψ − 1)); a ratio ψ₀ is outside when the mean of exp(L(aψ₀) − L(ψ₀)) over some
    /// a > 1 (or 1/a) reaches 2/α. Assumes what `eprocess` assumes. What breaks it: as in [`crate::judge::stream::Stream::harm`];
    /// ratios below 10⁻⁶ or above 10⁶ are not told apart. Source: Howard, Ramdas, `McAuliffe` and Sekhon, *Time-uniform,
    /// nonparametric, nonasymptotic confidence sequences* (Annals of Statistics 49, 2021).
    pub fn ratio(&self, dispersion: f64) -> Ratio {
        if self.curve.is_empty() {
            return Ratio::default();
        }
        let against = |log: f64, direction: f64| {
            let here = self.at(log);
            let there = AWAY.iter().map(|away| (self.at(log + direction * away.ln()) - here) / dispersion.max(1.0));
            log_mean_exp(there) >= (2.0 / ALPHA).ln()
        };
        // Evidence that it is higher falls, and evidence that it is lower rises, with the ratio it is held against.
        let low = border(|log| !against(log, 1.0)).filter(|_| self.canary > 0);
        let high = border(|log| against(log, -1.0)).filter(|_| self.stable > 0);
        Ratio { estimate: self.estimate(), low: Some(low.unwrap_or(0.0)), high }
    }

    fn estimate(&self) -> Option<f64> {
        match (self.canary, self.stable) {
            (0, _) => Some(0.0),
            (_, 0) => None,
            // The curve has one top: beyond it, it falls.
            _ => border(|log| self.at(log + 1e-4) < self.at(log - 1e-4)),
        }
    }

    /// The curve at the logarithm of a ratio: between its points by interpolation, and beyond the ends the line that it nears
    /// there.
    fn at(&self, log: f64) -> f64 {
        let last = self.curve.len().saturating_sub(1) as f64;
        let wanted = log / STEP + f64::from(POINTS);
        let place = wanted.clamp(0.0, last);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the curve")]
        let first = (place.floor() as usize).saturating_sub(2).min(self.curve.len().saturating_sub(AROUND));
        let Some(points) = self.curve.get(first..).and_then(<[f64]>::first_chunk::<AROUND>) else { return 0.0 };
        let [lowest, low, .., high, highest] = *points;
        let slope = if wanted > place { highest - high } else { low - lowest };
        between(points, place - first as f64) + (wanted - place) * slope
    }
}

/// So many points around it give the curve's value at a place.
const AROUND: usize = 6;

/// The polynomial through points that lie at 0, 1, 2 … (Lagrange's, in barycentric form).
fn between(points: &[f64; AROUND], at: f64) -> f64 {
    const WEIGHTS: [f64; AROUND] = [-1.0, 5.0, -10.0, 10.0, -5.0, 1.0];
    let (mut above, mut below) = (0.0, 0.0);
    for ((index, weight), point) in WEIGHTS.iter().enumerate().zip(points) {
        let distance = at - index as f64;
        if distance == 0.0 {
            return *point;
        }
        above += weight / distance * point;
        below += weight / distance;
    }
    above / below
}

/// The smallest ratio for whose logarithm the condition holds; it must not hold below and must hold above. `None` where it
/// holds everywhere or nowhere that is looked at.
fn border(holds: impl Fn(f64) -> bool) -> Option<f64> {
    const HALVINGS: usize = 30; // 28 / 2^30: seven digits
    let (mut below, mut above) = (-FURTHEST, FURTHEST);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(below, above);
        if holds(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    (below > -FURTHEST && above < FURTHEST).then(|| f64::midpoint(below, above).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{counts::tests::pair, eprocess::log_likelihood};

    fn ratio(intervals: &[(u64, u64, u64, u64)]) -> Ratio {
        let mut likelihood = Likelihood::default();
        for (number, counts) in (0..).zip(intervals) {
            likelihood.fold(&pair(number, *counts).arms());
        }
        likelihood.ratio(1.0)
    }

    #[test]
    fn the_ratio_of_one_interval_is_the_ratio_of_its_rates() {
        let Ratio { estimate, low, high } = ratio(&[(29_800, 924, 89_400, 180)]);
        let (estimate, low, high) = (estimate.unwrap(), low.unwrap(), high.unwrap());
        assert!((estimate - 15.4).abs() < 0.01, "{estimate}");
        // Wider than the textbook interval for a single look (13.1 to 18.1), not by much.
        assert!((11.0..13.1).contains(&low) && (18.1..22.0).contains(&high), "{low} to {high}");
    }

    #[test]
    fn without_errors_there_is_no_ratio_and_without_those_of_one_arm_it_has_one_bound() {
        assert_eq!(ratio(&[(100, 0, 900, 0)]), Ratio::default());
        assert_eq!(ratio(&[]), Ratio::default());
        let clean = ratio(&[(1000, 0, 9000, 90)]);
        assert_eq!((clean.estimate, clean.low), (Some(0.0), Some(0.0)));
        assert!(clean.high.unwrap() < 1.0, "{clean:?}");
        let alone = ratio(&[(1000, 30, 9000, 0)]);
        assert_eq!((alone.estimate, alone.high), (None, None));
        assert!(alone.low.unwrap() > 1.0, "{alone:?}");
    }

    #[test]
    fn ratios_far_from_one_are_as_exact_as_others() {
        for (counts, exact) in [
            ((100_000, 50_000, 100_000, 5), 10_000.0),
            ((1_000_000, 5, 1_000_000, 20_000), 0.000_25),
            ((1000, 3, 1000, 2), 1.5),
            ((1000, 2, 9000, 18), 1.0),
        ] {
            let Ratio { estimate, low, high } = ratio(&[counts]);
            let estimate = estimate.unwrap();
            assert!((estimate / exact - 1.0).abs() < 1e-4, "{estimate} for {exact}");
            assert!(low.unwrap() < exact && high.is_none_or(|high| exact < high));
        }
    }

    #[test]
    fn weights_that_change_while_the_error_rate_drifts_do_not_make_a_ratio() {
        let Ratio { estimate, low, high } = ratio(&[(50, 1, 950, 19), (500, 50, 500, 50), (900, 90, 100, 10)]);
        assert!((estimate.unwrap() - 1.0).abs() < 1e-4);
        assert!(low.unwrap() < 1.0 && high.unwrap() > 1.0);
    }

    #[test]
    fn one_error_bounds_the_ratio_on_one_side_at_most() {
        let Ratio { low, high, .. } = ratio(&[(300, 1, 2700, 6)]);
        assert_eq!(low, Some(0.0), "one error may be chance at any ratio");
        assert!(high.unwrap() > 10.0);
        assert_eq!(ratio(&[(300, 3, 2700, 1)]).high, None);
    }

    #[test]
    fn bursts_widen_the_bounds_and_leave_the_estimate() {
        let mut likelihood = Likelihood::default();
        likelihood.fold(&pair(0, (1000, 40, 9000, 180)).arms());
        let (plain, tempered) = (likelihood.ratio(1.0), likelihood.ratio(4.0));
        assert_eq!(plain.estimate, tempered.estimate);
        assert!(tempered.low < plain.low && plain.high < tempered.high, "{plain:?} {tempered:?}");
    }

    #[test]
    fn between_its_points_the_curve_is_what_the_formula_says() {
        let arms = pair(0, (3000, 61, 27_000, 260)).arms();
        let mut likelihood = Likelihood::default();
        likelihood.fold(&arms);
        for ratio in [0.02, 0.4, 0.97, 1.0, 2.3, 17.0, 800.0_f64] {
            let exact = log_likelihood(&arms, 0.1, ratio);
            assert!((likelihood.at(ratio.ln()) - exact).abs() < 1e-3, "{ratio}");
        }
    }
}
