//! Numbers that look random and follow from the seed and what they are for: the same whatever order they are drawn in.

/// Above this mean a Poisson variable is drawn as a rounded normal one; below, exactly.
const LARGE: f64 = 40.0;

/// Draws for one purpose at one moment.
#[derive(Clone, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The draws for `what` at `moment`.
    pub(super) fn new(seed: u64, what: &[&str], moment: i64) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for part in what {
            eat(part.as_bytes());
            eat(&[0]);
        }
        eat(&moment.to_le_bytes());
        Self(hash)
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    /// Evenly in (0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// How many events happen where `mean` are expected.
    pub(super) fn poisson(&mut self, mean: f64) -> f64 {
        if mean.is_nan() || mean <= 0.0 {
            return 0.0;
        }
        if mean > LARGE {
            let normal = (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0);
        }
        // Knuth's product of uniforms.
        let (limit, mut product, mut events) = ((-mean).exp(), self.uniform(), 0.0);
        while product > limit {
            product *= self.uniform();
            events += 1.0;
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_and_moment_draw_the_same_and_others_draw_others() {
        let draw = |seed, what: &str, at| Noise::new(seed, &[what], at).next();
        assert_eq!(draw(1, "a", 5), draw(1, "a", 5));
        assert_ne!(draw(1, "a", 5), draw(2, "a", 5));
        assert_ne!(draw(1, "a", 5), draw(1, "b", 5));
        assert_ne!(draw(1, "a", 5), draw(1, "a", 6));
    }

    #[test]
    fn counts_have_the_mean_and_the_spread_of_a_poisson_variable() {
        for mean in [0.05, 3.0, 120.0] {
            let draws: Vec<f64> = (0..20_000).map(|at| Noise::new(7, &["p"], at).poisson(mean)).collect();
            let n = draws.len() as f64;
            let average = draws.iter().sum::<f64>() / n;
            let variance = draws.iter().map(|d| (d - average).powi(2)).sum::<f64>() / n;
            assert!((average - mean).abs() < 5.0 * (mean / n).sqrt(), "mean {average} of {mean}");
            assert!((variance / mean - 1.0).abs() < 0.15, "variance {variance} of {mean}");
        }
        assert!(Noise::new(7, &["p"], 0).poisson(0.0).total_cmp(&0.0).is_eq());
    }
}
