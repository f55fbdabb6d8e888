//! Made-up releases for the judge: seeded, request by request, with everything that can be wrong with real ones. The judge sees
//! each of them as it would see a real one, interval by interval.

use holdshort::judge::{
    counts::{Arms, Tally},
    latency::{Latency, Times},
    stream::Stream,
};

/// `SplitMix64`: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Uniform, from 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// How many of `n` requests fail, each for itself with this chance: jumps from failure to failure.
    pub(crate) fn binomial(&mut self, n: u64, chance: f64) -> u64 {
        if chance <= 0.0 {
            return 0;
        }
        let (mut at, mut failed) = (0.0, 0);
        let step = (-chance.min(1.0 - 1e-12)).ln_1p();
        loop {
            at += ((1.0 - self.unit()).ln() / step).floor() + 1.0;
            if at > n as f64 {
                return failed;
            }
            failed += 1;
        }
    }

    /// Gamma of mean 1 with this squared coefficient of variation (Marsaglia and Tsang 2000).
    pub(crate) fn clump(&mut self, variation: f64) -> f64 {
        let shape = 1.0 / variation;
        if shape < 1.0 {
            let boosted = self.clump(1.0 / (shape + 1.0)) * (shape + 1.0);
            return boosted * self.unit().powf(1.0 / shape) / shape;
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && (1.0 - self.unit()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v / shape;
            }
        }
    }
}

/// One kind of release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Release {
    /// Requests of both arms in an interval.
    pub(crate) requests: u64,
    /// The canary's share of them, 0 to 1.
    pub(crate) share: f64,
    /// Stable's error rate.
    pub(crate) rate: f64,
    /// How many times as often the canary fails.
    pub(crate) ratio: f64,
    /// Each arm's error rate is multiplied, interval by interval, by a gamma of this squared coefficient of variation.
    pub(crate) variation: f64,
    /// Intervals in which both arms ran the same version, before the release.
    pub(crate) learnt: usize,
    /// Does the weight rise (5, 10, 25, 50 %) while the error rate of both arms drifts to the fivefold?
    pub(crate) stepped: bool,
    /// Intervals.
    pub(crate) intervals: usize,
}

impl Release {
    /// 120 intervals of 3,000 requests, a tenth of them the canary's, 0.2 % errors on both sides.
    pub(crate) fn usual() -> Self {
        Self {
            requests: 3000,
            share: 0.1,
            rate: 0.002,
            ratio: 1.0,
            variation: 0.0,
            learnt: 0,
            stepped: false,
            intervals: 120,
        }
    }

    fn interval(&self, random: &mut Random, ratio: f64, index: usize) -> Arms {
        let progress = index as f64 / self.intervals as f64;
        let weights = [0.05, 0.1, 0.25, 0.5];
        let step = weights.get(index * weights.len() / self.intervals).filter(|_| self.stepped);
        let share = step.copied().unwrap_or(self.share);
        let rate = if self.stepped { self.rate * (1.0 + 4.0 * progress) } else { self.rate };
        let canary = random.binomial(self.requests, share);
        let mut arm = |requests: u64, rate: f64| {
            let clump = if self.variation > 0.0 { random.clump(self.variation) } else { 1.0 };
            Tally { requests, errors: random.binomial(requests, (rate * clump).min(1.0)) }
        };
        Arms { canary: arm(canary, rate * ratio), stable: arm(self.requests - canary, rate) }
    }
}

/// How the judge is set for a simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    /// The ratio up to which there is no harm.
    pub(crate) tolerate: f64,
    /// The ratio from which on it is not safe.
    pub(crate) reject: f64,
}

/// What became of many releases of a kind, each looked at after every interval; the first decision stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flown {
    /// Share that failed, 0 to 1.
    pub(crate) fail: f64,
    /// The interval of the middle fail, from 1.
    pub(crate) fail_at: Option<usize>,
    /// Share that passed, 0 to 1.
    pub(crate) pass: f64,
    /// The interval of the middle pass, from 1.
    pub(crate) pass_at: Option<usize>,
    /// Share in which the true ratio was ever outside its bounds; only where that was looked at.
    pub(crate) missed: f64,
}

/// Flies so many releases. `bounds`: also looks whether the true ratio is ever outside the confidence sequence.
pub(crate) fn fly(release: &Release, bar: Bar, releases: u64, bounds: bool) -> Flown {
    let (mut fails, mut passes, mut missed) = (Vec::new(), Vec::new(), 0_u64);
    for seed in 0..releases {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut stream = Stream::new(bar.tolerate, bar.reject);
        for _ in 0..release.learnt {
            stream.learn("", &release.interval(&mut random, 1.0, 0));
        }
        let (mut decided, mut outside) = (false, false);
        for index in 0..release.intervals {
            stream.fold("", &release.interval(&mut random, release.ratio, index));
            if bounds {
                let within = stream.ratio();
                outside |= within.low.is_some_and(|low| low > release.ratio);
                outside |= within.high.is_some_and(|high| high < release.ratio);
            }
            if decided {
                continue;
            }
            if stream.harm() >= 100_f64.ln() {
                fails.push(index + 1);
                decided = true;
            } else if stream.safety() >= 20_f64.ln() && stream.totals().events() >= 10 {
                passes.push(index + 1);
                decided = true;
            }
            if decided && !bounds {
                break;
            }
        }
        missed += u64::from(outside);
    }
    fails.sort_unstable();
    passes.sort_unstable();
    let share = |n: u64| n as f64 / releases as f64;
    Flown {
        fail: share(fails.len() as u64),
        fail_at: fails.get(fails.len() / 2).copied(),
        pass: share(passes.len() as u64),
        pass_at: passes.get(passes.len() / 2).copied(),
        missed: share(missed),
    }
}

/// Bounds of Prometheus' client libraries, seconds.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// One kind of release by its response times: log-normal around 100 ms, 300 and 2,700 requests an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slowness {
    /// How many times as long the canary takes.
    pub(crate) factor: f64,
    /// Share of its requests that take a second longer.
    pub(crate) tail: f64,
}

impl Slowness {
    fn interval(self, random: &mut Random, requests: u64, slow: bool) -> Times {
        const SPREAD: f64 = 0.5;
        let factor = if slow { self.factor } else { 1.0 };
        let tail = if slow { random.binomial(requests, self.tail) } else { 0 };
        let mut within = vec![0; BOUNDS.len()];
        for number in 0..requests {
            let body = 0.1 * factor * (SPREAD * random.normal()).exp();
            let took = if number < tail { body + 1.0 } else { body };
            for (count, bound) in within.iter_mut().zip(BOUNDS) {
                *count += u64::from(took <= bound);
            }
        }
        Times { requests, within }
    }
}

/// Flies so many releases of 60 intervals: the share found to be slower, and the interval of the middle one, from 1.
pub(crate) fn fly_slow(slowness: Slowness, releases: u64) -> (f64, Option<usize>) {
    let mut found = Vec::new();
    for seed in 0..releases {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        let mut latency = Latency::new(&BOUNDS, None, 1.0, 1.5);
        let at = (1..=60).find(|_| {
            let canary = slowness.interval(&mut random, 300, true);
            let stable = slowness.interval(&mut random, 2700, false);
            latency.fold("", &canary, &stable).is_ok() && latency.harm() >= 100_f64.ln()
        });
        found.extend(at);
    }
    found.sort_unstable();
    (found.len() as f64 / releases as f64, found.get(found.len() / 2).copied())
}
