//! The root finder, with the tolerance that Kayenta's answers depend on. It must not be made more exact: on data with many
//! ties the exact shift is 0 where this lands beside it, and a metric that Kayenta calls High would pass.

/// Half of this, absolute, is how near the root must be: the same for seconds and for milliseconds.
const TOLERANCE: f64 = 1e-4;
const MOST_STEPS: u32 = 1001;
/// Of a value that counts as zero: one step of the number line from it.
const ALMOST_ZERO: f64 = f64::from_bits(1);

/// A point and the function's value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The point.
    pub x: f64,
    /// The value.
    pub f: f64,
}

impl At {
    fn is_root(self) -> bool {
        self.f.abs() <= ALMOST_ZERO
    }
}

/// Brent's root finder (Brent, *Algorithms for Minimization without Derivatives*, 1973, ch. 4), in the form of R's `zeroin`.
///
/// The bracket is not checked: without a change of sign it wanders as upstream's does and ends after 1,001 steps. An error of
/// the function ends it.
pub fn brent<E>(low: At, high: At, mut f: impl FnMut(f64) -> Result<f64, E>) -> Result<f64, E> {
    if low.is_root() {
        return Ok(low.x);
    }
    if high.is_root() {
        return Ok(high.x);
    }
    // `best` is the nearest so far, `before` the one before it, and the root lies between `best` and `other`.
    let (mut before, mut best, mut other) = (low, high, low);
    for _ in 0..MOST_STEPS {
        let last_step = best.x - before.x;
        if other.f.abs() < best.f.abs() {
            (before, best, other) = (best, other, best);
        }
        let near = 2.0 * f64::EPSILON * best.x.abs() + TOLERANCE / 2.0;
        let half = (other.x - best.x) / 2.0;
        if half.abs() <= near || best.is_root() {
            return Ok(best.x);
        }
        let worth_it = last_step.abs() >= near && before.f.abs() > best.f.abs();
        let guess = if worth_it { interpolated(before, best, other, last_step, near) } else { None };
        let mut step = guess.unwrap_or(half);
        if step.abs() < near {
            step = if step > 0.0 { near } else { -near };
        }
        before = best;
        best.x += step;
        best.f = f(best.x)?;
        if (best.f > 0.0 && other.f > 0.0) || (best.f < 0.0 && other.f < 0.0) {
            other = before;
        }
    }
    Ok(best.x)
}

/// A secant step from two points or an inverse parabola through three; `None` where halving is safer.
fn interpolated(before: At, best: At, other: At, last_step: f64, near: f64) -> Option<f64> {
    let across = other.x - best.x;
    #[expect(clippy::float_cmp, reason = "the very same point, not one near it")]
    let two_points = before.x == other.x;
    let (mut p, mut q) = if two_points {
        let t = best.f / before.f;
        (across * t, 1.0 - t)
    } else {
        let (q, t1, t2) = (before.f / other.f, best.f / other.f, best.f / before.f);
        let p = t2 * (across * q * (q - t1) - (best.x - before.x) * (t1 - 1.0));
        (p, (q - 1.0) * (t1 - 1.0) * (t2 - 1.0))
    };
    if p > 0.0 {
        q = -q;
    } else {
        p = -p;
    }
    let falls_inside = p < 0.75 * across * q - (near * q).abs() / 2.0;
    let shrinks = p < (last_step * q / 2.0).abs();
    (falls_inside && shrinks).then_some(p / q)
}
