//! How much traffic a service gets at a moment, and how a version behaves under it. Pure; the noise comes later.

use std::{collections::BTreeMap, f64::consts::TAU};

use chrono::Timelike;

use crate::{
    demo::traffic::spec::{Behaviour, TrafficSpec},
    domain::time::{Timestamp, age},
};

/// Bounds in seconds as OpenTelemetry's semantic conventions advise for `http.server.request.duration`.
pub const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874;

/// The traffic of one service, and since when each version has had the share that a row of its behaviour asks for.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) spec: TrafficSpec,
    start: Timestamp,
    since: BTreeMap<(String, usize), Timestamp>,
}

impl Shape {
    pub(super) fn new(spec: TrafficSpec, start: Timestamp) -> Self {
        Self { spec, start, since: BTreeMap::new() }
    }

    /// Requests a second over all versions.
    pub(super) fn rate(&self, now: Timestamp) -> f64 {
        let shape = |at: Timestamp| {
            let hour = f64::from(at.num_seconds_from_midnight()) / 3600.0;
            1.0 + self.spec.daily * (TAU * (hour - 14.0) / 24.0).cos()
        };
        self.spec.rps * shape(now) / shape(self.start)
    }

    /// How a version behaves that has this share now. A share that falls below a row's ends that row.
    pub(super) fn behaviour(&mut self, now: Timestamp, version: &str, share: f64) -> Option<&Behaviour> {
        let mut holds = None;
        for (index, row) in self.spec.behaviour.iter().enumerate() {
            let key = (version.to_owned(), index);
            if row.version.as_deref().is_some_and(|only| only != version) {
                continue;
            }
            // Shares are ratios of pods: 3 of 12 must count as a quarter.
            if share + 1e-9 < row.share {
                self.since.remove(&key);
                continue;
            }
            let since = *self.since.entry(key).or_insert(now);
            if age(now, since) >= row.after {
                holds = Some(row);
            }
        }
        holds
    }
}

/// The share of a log-normal response time that ends in each bucket; the last is the one without a bound.
pub(super) fn buckets(behaviour: &Behaviour) -> [f64; BOUNDS.len() + 1] {
    let (median, p99) = (behaviour.median.as_secs_f64().max(1e-6), behaviour.p99.as_secs_f64());
    let sigma = ((p99 / median).ln() / Z99).max(1e-3);
    let usual = |bound: f64| normal_cdf((bound / median).ln() / sigma);
    let below = |bound: f64| match &behaviour.tail {
        None => usual(bound),
        Some(tail) => {
            let earlier = bound - tail.longer.as_secs_f64();
            let late = if earlier > 0.0 { usual(earlier) } else { 0.0 };
            (1.0 - tail.share) * usual(bound) + tail.share * late
        }
    };
    let mut shares = [0.0; BOUNDS.len() + 1];
    let ends = BOUNDS.iter().map(|bound| below(*bound)).chain([1.0]);
    let begins = [0.0].into_iter().chain(BOUNDS.iter().map(|bound| below(*bound)));
    for (share, (begin, end)) in shares.iter_mut().zip(begins.zip(ends)) {
        *share = (end - begin).max(0.0);
    }
    shares
}

/// Abramowitz and Stegun 7.1.26: off by less than 1.5e-7.
fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = series.iter().fold(0.0, |sum, factor| sum * t + factor) * t * (-x * x).exp() / 2.0;
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeDelta, TimeZone};

    use super::*;
    use crate::demo::traffic::spec::Tail;

    fn row(version: Option<&str>, share: f64, after: u64, error_ratio: f64) -> Behaviour {
        Behaviour {
            version: version.map(str::to_owned),
            share,
            after: Duration::from_secs(after),
            error_ratio,
            median: Duration::from_millis(80),
            p99: Duration::from_millis(270),
            absent: Vec::new(),
            regions: Vec::new(),
            first_pod_error_ratio: None,
            bursts: None,
            tail: None,
            reaches: 1.0,
            lines: Vec::new(),
        }
    }

    fn traffic() -> Shape {
        let spec = TrafficSpec {
            cell: "eu".into(),
            namespace: "shop".into(),
            service: "payments".into(),
            rps: 96.0,
            daily: 0.5,
            lines: Vec::new(),
            behaviour: vec![row(None, 0.0, 0, 0.002), row(Some("2"), 0.2, 120, 0.031)],
        };
        Shape::new(spec, at(0))
    }

    fn at(second: i64) -> Timestamp {
        chrono::Utc.with_ymd_and_hms(2026, 3, 10, 2, 0, 0).unwrap() + TimeDelta::seconds(second)
    }

    #[test]
    fn a_version_turns_bad_only_after_it_has_had_its_share_for_a_while_and_is_good_again_below_it() {
        let mut traffic = traffic();
        let mut errors =
            |second, version, share| traffic.behaviour(at(second), version, share).map(|row| row.error_ratio);
        assert_eq!(errors(0, "2", 0.1), Some(0.002));
        assert_eq!(errors(600, "2", 0.25), Some(0.002));
        assert_eq!(errors(719, "2", 0.25), Some(0.002));
        assert_eq!(errors(720, "2", 0.25), Some(0.031));
        assert_eq!(errors(720, "1", 0.75), Some(0.002));
        assert_eq!(errors(735, "2", 0.1), Some(0.002));
        assert_eq!(errors(750, "2", 0.25), Some(0.002));
    }

    #[test]
    fn the_rate_is_the_stated_one_at_the_start_and_swings_with_the_day() {
        let traffic = traffic();
        assert!((traffic.rate(at(0)) - 96.0).abs() < 1e-9);
        assert!((traffic.rate(at(12 * 3600)) - 288.0).abs() < 1e-6);
    }

    #[test]
    fn half_of_the_responses_are_faster_than_the_median_and_one_in_a_hundred_slower_than_the_99th_percentile() {
        let mut behaviour = row(None, 0.0, 0, 0.0);
        (behaviour.median, behaviour.p99) = (Duration::from_millis(100), Duration::from_millis(500));
        let shares = buckets(&behaviour);
        let below = |count| shares.iter().take(count).sum::<f64>();
        assert!((below(6) - 0.5).abs() < 1e-6 && (below(8) - 0.99).abs() < 1e-6, "{shares:?}");
        assert!((below(15) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_tail_takes_its_share_of_the_responses_and_moves_it_by_as_much_as_it_says() {
        let mut behaviour = row(None, 0.0, 0, 0.0);
        (behaviour.median, behaviour.p99) = (Duration::from_millis(100), Duration::from_millis(200));
        let usual = buckets(&behaviour);
        behaviour.tail = Some(Tail { share: 0.01, longer: Duration::from_secs(1) });
        let slow = buckets(&behaviour);
        let beyond = |shares: &[f64; BOUNDS.len() + 1]| shares.iter().skip(10).sum::<f64>();
        assert!((beyond(&slow) - beyond(&usual) - 0.01).abs() < 1e-5, "{slow:?}");
        assert!((slow.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((slow[5] - 0.99 * usual[5]).abs() < 1e-12);
    }
}
