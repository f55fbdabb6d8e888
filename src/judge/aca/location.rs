//! The Mann–Whitney test turned around: by how much is the experiment shifted against the control, and between what bounds.

use thiserror::Error;

use crate::judge::aca::{
    normal,
    rank::ranked,
    root::{At, brent},
};

/// By how much the experiment is shifted against the control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The Hodges–Lehmann estimate, as near as the root finder comes.
    pub estimate: f64,
    /// Lower end of the interval. With many ties it can lie above `high`, by less than the root finder's tolerance.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Every value is the same after a shift: there is no spread to measure it against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("all observations are tied: no interval can be computed")]
pub struct AllTied;

/// How many standard deviations the rank statistic of `x` shifted down by `mu` lies from its mean, less `z`. The continuity
/// correction is kept at `z` = 0 too, where R's `wilcox.test` drops it. Both samples ascending.
pub fn distance(mu: f64, z: f64, x: &[f64], y: &[f64]) -> Result<f64, AllTied> {
    let (of_x, of_y) = (x.len() as f64, y.len() as f64);
    let all = of_x + of_y;
    let ranked = ranked(x, y, mu);
    let away = ranked.sum - of_x * (of_x + 1.0) / 2.0 - of_x * of_y / 2.0;
    let correction = if away == 0.0 { 0.0 } else { 0.5 * away.signum() };
    let sigma = ((of_x * of_y / 12.0) * ((all + 1.0) - ranked.ties / (all * (all - 1.0)))).sqrt();
    if sigma == 0.0 {
        return Err(AllTied);
    }
    Ok((away - correction) / sigma - z)
}

/// The shift of `x` against `y` and its interval. Both ascending and not empty.
pub fn shift(x: &[f64], y: &[f64], confidence: f64) -> Result<Shift, AllTied> {
    let ends = |values: &[f64]| values.first().copied().zip(values.last().copied()).ok_or(AllTied);
    let ((x_min, x_max), (y_min, y_max)) = (ends(x)?, ends(y)?);
    let bracket = (x_min - y_max, x_max - y_min);
    let z = normal::quantile((1.0 - confidence) / 2.0);
    let found = |z: f64| {
        let (low, high) = (at(bracket.0, z, x, y)?, at(bracket.1, z, x, y)?);
        if low.f <= 0.0 {
            Ok(low.x)
        } else if high.f >= 0.0 {
            Ok(high.x)
        } else {
            root(low, high, z, x, y)
        }
    };
    Ok(Shift {
        low: found(-z)?,
        high: found(z)?,
        // Upstream does not look at the ends of the bracket here.
        estimate: root(at(bracket.0, 0.0, x, y)?, at(bracket.1, 0.0, x, y)?, 0.0, x, y)?,
    })
}

fn at(mu: f64, z: f64, x: &[f64], y: &[f64]) -> Result<At, AllTied> {
    Ok(At { x: mu, f: distance(mu, z, x, y)? })
}

fn root(low: At, high: At, z: f64, x: &[f64], y: &[f64]) -> Result<f64, AllTied> {
    brent(low, high, |mu| distance(mu, z, x, y))
}
