//! Is the traffic split as declared? A canary that gets another share than its weight says is not the canary that was asked
//! for, and one that gets nothing proves nothing.

use serde::{Deserialize, Serialize};

use crate::judge::counts::Arms;

/// A split is doubted once it is proven at this level, whenever one looks.
const ALPHA: f64 = 0.01;
/// Deviations smaller than this part of the declared share are how load balancers are.
const TOLERATED: f64 = 0.2;

/// What the canary got under one declared share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Segment {
    declared: f64,
    canary: u64,
    all: u64,
}

/// The traffic beside its declared share, weight step by weight step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Split(Vec<Segment>);

/// A split that is not as declared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uneven {
    /// The share that the canary got, 0 to 1.
    pub got: f64,
    /// The share that was declared, 0 to 1.
    pub declared: f64,
}

impl Split {
    /// Takes one interval in which this share (strictly between 0 and 1) was declared for the canary.
    pub fn fold(&mut self, declared: f64, arms: &Arms) {
        if !(declared > 0.0 && declared < 1.0) {
            return;
        }
        let new = Segment { declared, canary: 0, all: 0 };
        if self.0.last().is_none_or(|last| last.declared.to_bits() != declared.to_bits()) {
            self.0.push(new);
        }
        if let Some(last) = self.0.last_mut() {
            last.canary = last.canary.saturating_add(arms.canary.requests);
            last.all = last.all.saturating_add(arms.requests());
        }
    }

    /// The split under the newest declared share, if it is proven to be another and far enough off.
    ///
    /// The proof is the e-process of a uniform prior on the share against the declared one: with c of n requests,
    /// ln E = ln B(1 + c, 1 + n − c) − c·ln w − (n − c)·ln(1 − w) (Lindon and Malek, *Anytime-valid inference for multinomial
    /// count data*, `NeurIPS` 2022). Requests that stick to a version by session are not independent; that is why the
    /// deviation must also be large.
    pub fn uneven(&self) -> Option<Uneven> {
        let Segment { declared, canary, all } = *self.0.last()?;
        if all == 0 {
            return None;
        }
        let (c, n) = (canary as f64, all as f64);
        let got = c / n;
        let log_e = ln_beta(1.0 + c, 1.0 + n - c) - c * declared.ln() - (n - c) * (-declared).ln_1p();
        let far = (got / declared - 1.0).abs() > TOLERATED;
        (far && log_e >= -ALPHA.ln()).then_some(Uneven { got, declared })
    }
}

/// Natural logarithm of the beta function.
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Stirling's series after lifting the argument above 10 by Γ(x + 1) = x·Γ(x): off by less than 1e-11.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut lifted) = (x, 0.0);
    while x < 10.0 {
        lifted += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - lifted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::pair;

    fn split(intervals: &[(f64, u64, u64)]) -> Split {
        let mut split = Split::default();
        for (declared, canary, stable) in intervals {
            split.fold(*declared, &pair(0, (*canary, 0, *stable, 0)).arms());
        }
        split
    }

    #[test]
    fn the_logarithm_of_the_gamma_function_is_that_of_the_factorial() {
        for (n, factorial) in [(1, 1.0), (2, 1.0), (5, 24.0), (11, 3_628_800.0_f64)] {
            assert!((ln_gamma(f64::from(n)) - factorial.ln()).abs() < 1e-10, "{n}");
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-10);
    }

    #[test]
    fn a_canary_with_a_fifth_of_its_share_is_doubted_and_one_that_is_a_little_off_is_not() {
        assert_eq!(split(&[(0.1, 600, 29_400)]).uneven(), Some(Uneven { got: 0.02, declared: 0.1 }));
        assert_eq!(split(&[(0.1, 110_000, 890_000)]).uneven(), None);
        assert_eq!(split(&[(0.1, 1, 19)]).uneven(), None, "too little to tell");
        assert_eq!(split(&[(0.2, 0, 900)]).uneven(), Some(Uneven { got: 0.0, declared: 0.2 }));
    }

    #[test]
    fn each_weight_step_is_held_against_its_own_share() {
        assert_eq!(split(&[(0.1, 1000, 9000), (0.5, 5000, 5000)]).uneven(), None);
        assert_eq!(split(&[(0.5, 1000, 9000), (0.1, 1000, 9000)]).uneven(), None);
        assert_eq!(split(&[(0.0, 1000, 9000), (1.0, 1000, 9000), (f64::NAN, 9, 9)]).uneven(), None);
    }

    #[test]
    fn as_declared_its_evidence_has_a_mean_of_one() {
        let (n, declared) = (40_u64, 0.2_f64);
        let mean: f64 = (0..=n)
            .map(|c| {
                let choose = (0..c).fold(1.0, |all, i| all * (n - i) as f64 / (i + 1) as f64);
                let (c, n) = (c as f64, n as f64);
                // Binomial chance times E: the declared share cancels.
                choose * ln_beta(1.0 + c, 1.0 + n - c).exp()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-9, "{mean} whatever the share, so also at {declared}");
    }
}
