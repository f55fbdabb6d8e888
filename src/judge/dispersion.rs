//! Bursts: do errors come more unevenly than independent ones would?
//!
//! The estimate compares neighbouring blocks of intervals: given the errors of both blocks and of both arms, independent
//! errors fall into the four cells as balls drawn from an urn, so Pearson's χ² of the table has mean 1. Outages of both arms,
//! a drifting error rate and a canary that is worse throughout leave it alone; only an arm that is uneven for itself raises it.
//!
//! That dividing log evidence by this factor is enough is measured (`docs/judge-figures.md`), not proven. That it never adds a false
//! alarm is proven: e^(1/φ) with φ ≥ 1 is at most the larger of e and 1. Source of the dispersion: `McCullagh` and Nelder,
//! *Generalized Linear Models* (1989), 4.5; of χ² given all margins: the hypergeometric mean.

use serde::{Deserialize, Serialize};

use crate::judge::counts::Arms;

/// A block ends with the interval in which it has so many errors: below that, χ² says little.
const BLOCK: u64 = 10;
/// Blocks between which the traffic share moved by more than this are not compared: a weight step lies between.
const SAME_SHARE: f64 = 1.25;
/// How many standard deviations above 1 count as bursts where intervals of two alike arms were learnt from, and where not.
/// Chosen by simulation (`benches/judge.rs`): the first keeps false alarms low, the second leaves the evidence of independent
/// errors as the formula has it in 99 of 100 releases.
const EVIDENT: (f64, f64) = (0.7, 2.0);
/// The same at which bursts are said, and of how many tables at least.
const SAID: f64 = 3.0;
const LEAST_TABLES: u32 = 4;

/// What is known of one stratum: the block that grows, and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    grows: Arms,
    before: Option<Arms>,
}

/// The tables so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    tables: u32,
    sum: f64,
    /// The largest of those that compare two versions, and how many these are.
    largest: f64,
    compared: u32,
}

impl Dispersion {
    /// Takes one interval of the stratum whose blocks these are. `alike`: both arms ran the same version.
    pub fn fold(&mut self, blocks: &mut Blocks, arms: &Arms, alike: bool) {
        if !same_share(&blocks.grows, arms) {
            *blocks = Blocks::default();
        }
        blocks.grows = blocks.grows + *arms;
        if blocks.grows.events() < BLOCK {
            return;
        }
        let block = std::mem::take(&mut blocks.grows);
        if let Some(before) = blocks.before.replace(block).filter(|before| same_share(before, &block))
            && let Some(chi_squared) = chi_squared(&before, &block)
        {
            self.tables = self.tables.saturating_add(1);
            self.sum += chi_squared;
            if !alike {
                self.compared = self.compared.saturating_add(1);
                self.largest = self.largest.max(chi_squared);
            }
        }
    }

    /// By how much the variance exceeds that of independent errors; 1 while that is not evident. Of the tables that compare
    /// two versions the most uneven is left out: it is the moment at which a canary turned bad.
    pub fn factor(&self) -> f64 {
        let evident = if self.tables > self.compared { EVIDENT.0 } else { EVIDENT.1 };
        self.mean().map_or(1.0, |(mean, deviation, _)| if mean > 1.0 + evident * deviation { mean } else { 1.0 })
    }

    /// The same, where it is so far above what independent errors give that it should be said. Evidence is divided by it long
    /// before: that costs little. To say it of every fifth release would make people pass over it.
    pub fn bursts(&self) -> Option<f64> {
        let (mean, deviation, tables) = self.mean()?;
        (tables >= LEAST_TABLES && mean > 1.0 + SAID * deviation).then_some(mean)
    }

    /// The mean over the tables, by how much it deviates by chance, and their number.
    fn mean(&self) -> Option<(f64, f64, u32)> {
        let tables = self.tables - self.compared.min(1);
        let count = f64::from(tables);
        // χ² of one degree of freedom has variance 2; neighbouring tables share a block.
        (tables > 0).then(|| ((self.sum - self.largest) / count, (3.0 / count).sqrt(), tables))
    }
}

fn same_share(one: &Arms, other: &Arms) -> bool {
    match (one.share(), other.share()) {
        (Some(one), Some(other)) => {
            let odds = |share: f64| share / (1.0 - share);
            let ratio = odds(one) / odds(other);
            ratio.is_finite() && ratio < SAME_SHARE && ratio > 1.0 / SAME_SHARE
        }
        _ => true,
    }
}

/// Pearson's χ² of "block by arm", scaled to mean 1 given all four sums; `None` where one of them is 0.
fn chi_squared(one: &Arms, other: &Arms) -> Option<f64> {
    let cells = [one.canary.errors, one.stable.errors, other.canary.errors, other.stable.errors].map(|n| n as f64);
    let [a, b, c, d] = cells;
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    (margins > 0.0).then(|| (a + b + c + d - 1.0) * (a * d - b * c).powi(2) / margins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::pair;

    fn folded(intervals: impl IntoIterator<Item = (u64, u64, u64, u64)>, alike: bool) -> Dispersion {
        let (mut dispersion, mut blocks) = (Dispersion::default(), Blocks::default());
        for counts in intervals {
            dispersion.fold(&mut blocks, &pair(0, counts).arms(), alike);
        }
        dispersion
    }

    fn factor(intervals: impl IntoIterator<Item = (u64, u64, u64, u64)>) -> f64 {
        folded(intervals, false).factor()
    }

    #[test]
    fn given_its_margins_a_table_has_a_mean_of_one() {
        // 7 errors of the canary and 13 of stable, 12 of them in the first block: hypergeometric.
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        let mean: f64 = (0..=7_u64)
            .map(|a| {
                let arms = |x, y| pair(0, (900, x, 1700, y)).arms();
                let chance = choose(7, a) * choose(13, 12 - a) / choose(20, 12);
                chance * chi_squared(&arms(a, 12 - a), &arms(7 - a, a + 1)).unwrap()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn outages_of_both_a_drift_and_a_canary_that_is_worse_throughout_are_no_bursts() {
        let both = (0..40).map(|i| (1000, 2 + 90 * u64::from(i % 7 == 0), 9000, 18 + 810 * u64::from(i % 7 == 0)));
        let drift = (1..40).map(|i| (1000, i, 9000, 9 * i));
        let worse = (0..40).map(|_| (1000, 20, 9000, 18));
        let same = |value: f64| (value - 1.0).abs() < 1e-12;
        assert!(same(factor(both)) && same(factor(drift)) && same(factor(worse)));
    }

    #[test]
    fn an_arm_that_fails_in_bursts_shows_and_one_turn_for_the_worse_does_not() {
        let bursts = (0..20).map(|i| (1000, 30 * u64::from(i % 4 == 0), 9000, 40));
        assert!(factor(bursts) > 4.0);
        let turned = (0..20).map(|i| (1000, if i < 9 { 4 } else { 60 }, 9000, 40));
        assert!((factor(turned) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_weight_step_starts_over() {
        let steps = (0..20).map(|i| if i % 2 == 0 { (500, 10, 9500, 20) } else { (5000, 100, 5000, 10) });
        assert_eq!(folded(steps, false), Dispersion::default());
    }

    #[test]
    fn what_was_learnt_from_alike_arms_is_used_from_the_first_interval_on() {
        let learnt = folded((0..20).map(|i| (1000, 30 * u64::from(i % 4 == 0), 9000, 40)), true);
        assert!(learnt.factor() > 4.0 && learnt.compared == 0);
    }

    /// A number of errors among so many, by a small generator of its own: independent of everything.
    fn drawn(state: &mut u64, requests: u64, rate: f64) -> u64 {
        let mut errors = 0;
        for _ in 0..requests {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            errors += u64::from(((*state >> 11) as f64) < rate * (1_u64 << 53) as f64);
        }
        errors
    }

    #[test]
    fn independent_errors_are_hardly_ever_called_bursts_however_often_one_looks_and_whatever_the_weight_does() {
        let mut said = 0;
        for seed in 1..=200_u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let (mut dispersion, mut alike, mut blocks) = (Dispersion::default(), Blocks::default(), Blocks::default());
            let mut ever = false;
            for interval in 0..120 {
                let share = [10, 25, 50, 75][interval / 30];
                let mut arm = |percent: u64| {
                    let requests = percent * 12;
                    (requests, drawn(&mut state, requests, 0.01))
                };
                let (canary, stable, half) = (arm(share), arm(100 - share), arm(50 - share / 2));
                let other = arm(50 - share / 2);
                dispersion.fold(&mut alike, &pair(0, (half.0, half.1, other.0, other.1)).arms(), true);
                dispersion.fold(&mut blocks, &pair(0, (canary.0, canary.1, stable.0, stable.1)).arms(), false);
                ever |= dispersion.bursts().is_some();
            }
            said += u32::from(ever);
        }
        assert!(said <= 6, "{said} of 200 releases");
    }
}
