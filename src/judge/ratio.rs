//! The ratio of the two error rates, and between what bounds it lies.

use serde::{Deserialize, Serialize};

use crate::judge::{
    counts::{Pair, Tally},
    eprocess::{log_likelihood, log_mean_exp},
};

/// How far from a ratio the evidence against it is looked for, up and down.
const AWAY: [f64; 7] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0];
/// The bounds hold, all of them together at all times, with chance 95 %.
const ALPHA: f64 = 0.05;
/// Logarithms of the smallest and largest ratio that are looked at: a millionth and a million.
const RANGE: (f64, f64) = (-14.0, 14.0);

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

/// The ratio in these intervals: the conditional maximum of likelihood, stratified by interval, and a 95 % confidence
/// sequence, which inverts two one-sided e-processes: it holds however often one looks.
pub fn ratio(pairs: &[Pair]) -> Ratio {
    let informative: Vec<_> = pairs
        .iter()
        .filter(|pair| pair.events() > 0)
        .filter_map(|pair| pair.share().map(|share| (pair, share)))
        .filter(|(_, share)| *share > 0.0 && *share < 1.0)
        .collect();
    let (canary, stable) =
        informative.iter().fold(Default::default(), |(x, y): (Tally, Tally), (p, _)| (x + p.canary, y + p.stable));
    let errors = (canary.errors, stable.errors);
    if errors == (0, 0) {
        return Ratio::default();
    }
    let likelihood =
        |ratio: f64| -> f64 { informative.iter().map(|(p, share)| log_likelihood(p, *share, ratio)).sum() };
    let against = |ratio: f64, up: bool| {
        let here = likelihood(ratio);
        let there = AWAY.map(|away| likelihood(if up { ratio * away } else { ratio / away }) - here);
        log_mean_exp(&there) >= (2.0 / ALPHA).ln()
    };
    // Evidence that it is higher falls, and evidence that it is lower rises, with the ratio it is held against.
    let low = if errors.0 == 0 { Some(0.0) } else { Some(border(|ratio| !against(ratio, true))) };
    let high = if errors.1 == 0 { None } else { Some(border(|ratio| against(ratio, false))) };
    Ratio { estimate: estimate(&informative, errors), low, high }
}

fn estimate(pairs: &[(&Pair, f64)], (canary, stable): (u64, u64)) -> Option<f64> {
    let expected = |ratio: f64| -> f64 {
        pairs.iter().map(|(p, share)| p.events() as f64 * share * ratio / (share * (ratio - 1.0) + 1.0)).sum()
    };
    match (canary, stable) {
        (0, _) => Some(0.0),
        (_, 0) => None,
        (canary, _) => Some(border(|ratio| expected(ratio) >= canary as f64)),
    }
}

/// The smallest ratio for which the condition holds; it must not hold below and must hold above.
fn border(holds: impl Fn(f64) -> bool) -> f64 {
    const HALVINGS: usize = 30; // 28 / 2^30: eight digits
    let (mut below, mut above) = RANGE;
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(below, above);
        if holds(middle.exp()) {
            above = middle;
        } else {
            below = middle;
        }
    }
    above.exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::pair;

    #[test]
    fn the_ratio_of_one_interval_is_the_ratio_of_its_rates() {
        let Ratio { estimate, low, high } = ratio(&[pair(0, (29_800, 924, 89_400, 180))]);
        let (estimate, low, high) = (estimate.unwrap(), low.unwrap(), high.unwrap());
        assert!((estimate - 15.4).abs() < 1e-5, "{estimate}");
        // Wider than the textbook interval for a single look (13.1 to 18.1), not by much.
        assert!((11.0..13.1).contains(&low) && (18.1..22.0).contains(&high), "{low} to {high}");
    }

    #[test]
    fn without_errors_there_is_no_ratio_and_without_those_of_one_arm_it_has_one_bound() {
        assert_eq!(ratio(&[pair(0, (100, 0, 900, 0))]), Ratio::default());
        assert_eq!(ratio(&[]), Ratio::default());
        let clean = ratio(&[pair(0, (1000, 0, 9000, 90))]);
        assert_eq!((clean.estimate, clean.low), (Some(0.0), Some(0.0)));
        assert!(clean.high.unwrap() < 1.0, "{clean:?}");
        let alone = ratio(&[pair(0, (1000, 30, 9000, 0))]);
        assert_eq!((alone.estimate, alone.high), (None, None));
        assert!(alone.low.unwrap() > 1.0, "{alone:?}");
    }

    #[test]
    fn weights_that_change_while_the_error_rate_drifts_do_not_make_a_ratio() {
        let pairs = [pair(0, (50, 1, 950, 19)), pair(1, (500, 50, 500, 50)), pair(2, (900, 90, 100, 10))];
        let Ratio { estimate, low, high } = ratio(&pairs);
        assert!((estimate.unwrap() - 1.0).abs() < 1e-5);
        assert!(low.unwrap() < 1.0 && high.unwrap() > 1.0);
    }
}
