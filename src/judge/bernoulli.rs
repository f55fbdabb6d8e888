//! The e-variable of Turner, Ly and Grünwald for two streams of yes and no: for shares so large that counting errors as rare
//! loses power.
//!
//! Source: Turner, Ly and Grünwald, *Generic e-variables for exact sequential k-sample tests* (JSPI 2024, arXiv 2106.02693);
//! the null hypotheses with a slope are those of Turner and Grünwald, *Exact anytime-valid confidence intervals for
//! contingency tables and beyond* (arXiv 2203.09785).

use crate::judge::counts::Arms;

/// Which ratios of the canary's error share θc to stable's θs the null hypothesis holds: `θc ≤ slope·θs`, or `≥`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Null {
    /// The canary is at most so many times as bad.
    AtMost(f64),
    /// The canary is at least so many times as bad.
    AtLeast(f64),
}

/// Natural logarithm of the e-variable of one interval for an alternative (θc, θs), both strictly between 0 and 1 and chosen
/// before the interval was seen; 0 where the alternative belongs to the null hypothesis.
///
/// It is the likelihood of the alternative over that of the null's point nearest to it (in Kullback–Leibler divergence, each
/// arm weighted by its requests). With u = (θ′ − θ₀)(θ − θ₀)/(θ₀(1 − θ₀)) for each arm its mean under any θ′ of the null is
/// `(1 + u_c)^n_c · (1 + u_s)^n_s ≤ exp(n_c·u_c + n_s·u_s)`, and that exponent is at most 0 because θ₀ is nearest and the null is
/// convex. So the mean is at most 1 for independent requests, whatever the shares are.
pub(super) fn log_e(arms: &Arms, (canary, stable): (f64, f64), null: Null) -> f64 {
    let inside = match null {
        Null::AtMost(slope) => canary <= slope * stable,
        Null::AtLeast(slope) => canary >= slope * stable,
    };
    let (Null::AtMost(slope) | Null::AtLeast(slope)) = null;
    if inside {
        return 0.0;
    }
    let (n_canary, n_stable) = (arms.canary.requests as f64, arms.stable.requests as f64);
    let Some(at) = nearest((n_canary, canary), (n_stable, stable), slope) else { return 0.0 };
    let part = |requests: f64, errors: f64, alternative: f64, nearest: f64| {
        errors * (alternative / nearest).ln() + (requests - errors) * ((1.0 - alternative) / (1.0 - nearest)).ln()
    };
    part(n_canary, arms.canary.errors as f64, canary, slope * at)
        + part(n_stable, arms.stable.errors as f64, stable, at)
}

/// Stable's share at the point of the border `θc = slope·θs` that is nearest to (θc, θs): the smaller root of the quadratic
/// that the derivative of `n_c·KL(θc, slope·t) + n_s·KL(θs, t)` becomes. `None` where there is no point inside the square.
fn nearest((n_canary, canary): (f64, f64), (n_stable, stable): (f64, f64), slope: f64) -> Option<f64> {
    let yes = n_canary * canary + n_stable * stable;
    let (a, b, c) = (
        slope * (n_canary + n_stable),
        yes * (1.0 + slope) + n_canary * (1.0 - canary) * slope + n_stable * (1.0 - stable),
        yes,
    );
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    // The form that does not cancel: c / ((b + root) / 2).
    let at = 2.0 * c / (b + root);
    (at > 0.0 && at < 1.0 && slope * at < 1.0).then_some(at)
}

/// The share whose odds are `ratio` times those of `share`.
pub(super) fn by_odds(share: f64, ratio: f64) -> f64 {
    let odds = ratio * share / (1.0 - share);
    odds / (1.0 + odds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::Tally;

    fn binomial(n: u64, k: u64, p: f64) -> f64 {
        let choose = (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        choose * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
    }

    /// The mean of the e-variable by enumeration: every outcome, by its chance under (θc, θs).
    fn mean((n_canary, n_stable): (u64, u64), truth: (f64, f64), alternative: (f64, f64), null: Null) -> f64 {
        let mut mean = 0.0;
        for x in 0..=n_canary {
            for y in 0..=n_stable {
                let tally = |requests, errors| Tally { requests, errors };
                let arms = Arms { canary: tally(n_canary, x), stable: tally(n_stable, y) };
                let chance = binomial(n_canary, x, truth.0) * binomial(n_stable, y, truth.1);
                mean += chance * log_e(&arms, alternative, null).exp();
            }
        }
        mean
    }

    #[test]
    fn its_mean_is_at_most_one_everywhere_in_the_null_hypothesis() {
        let shares = [0.02, 0.1, 0.3, 0.5, 0.7, 0.9];
        for requests in [(1, 1), (2, 9), (7, 7), (12, 3)] {
            for stable in shares {
                for ratio in [0.3, 0.8, 1.25, 2.0, 5.0] {
                    let alternative = (by_odds(stable, ratio), stable);
                    for true_stable in shares {
                        for slope in [1.0, 1.1, 1.5] {
                            let border = (slope * true_stable).min(1.0);
                            for part in [0.2, 0.7, 1.0] {
                                let harm =
                                    mean(requests, (border * part, true_stable), alternative, Null::AtMost(slope));
                                assert!(
                                    harm <= 1.0 + 1e-9,
                                    "harm {harm}: {requests:?} {alternative:?} {true_stable} {slope}"
                                );
                                if slope * true_stable > 1.0 {
                                    continue;
                                }
                                let above = border + (1.0 - border) * (1.0 - part);
                                let safe = mean(requests, (above, true_stable), alternative, Null::AtLeast(slope));
                                assert!(
                                    safe <= 1.0 + 1e-9,
                                    "safe {safe}: {requests:?} {alternative:?} {true_stable} {slope}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn with_a_slope_of_one_the_nearest_point_is_the_common_share() {
        let at = nearest((30.0, 0.6), (70.0, 0.2), 1.0).unwrap();
        assert!((at - 0.32).abs() < 1e-12, "{at}");
    }

    #[test]
    fn it_grows_when_the_alternative_is_true() {
        let alternative = (by_odds(0.3, 3.0), 0.3);
        assert!(mean((12, 12), alternative, alternative, Null::AtMost(1.1)) > 2.0);
        let equal = (0.3, 0.3);
        assert!(mean((12, 12), equal, equal, Null::AtLeast(1.5)) > 1.1);
    }

    #[test]
    fn an_alternative_within_the_null_hypothesis_says_nothing() {
        let tally = |requests, errors| Tally { requests, errors };
        let arms = Arms { canary: tally(10, 9), stable: tally(10, 1) };
        assert_eq!(log_e(&arms, (0.2, 0.4), Null::AtMost(1.1)).to_bits(), 0.0_f64.to_bits());
    }
}
