//! Fixed limits: is a signal of the canary where it must be?
//!
//! Here lives whether a rule is held, broken, or cannot be told. Here must not live: what follows for the verdict (that is
//! `judge::family`'s). A limit knows nothing of chance: one unlucky window breaks it, which is why several windows in a row
//! can be asked for, and why it stands beside the tests and not in their place.
//!
//! Sources: Flagger holds a metric's value against `thresholdRange.min` and `.max` at every interval; Argo holds it against
//! conditions and counts violations. Unlike either, no data is neither a pass (Kayenta) nor a failure (Flagger).

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{
        signal::{Point, Series, VersionSignals},
        standard::{Measure, Rule},
        time::Timestamp,
    },
    judge::slo::{
        Lack,
        window::{ending, newest},
    },
};

/// Where a rule stands. There is no default: green must be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// The newest value is within the limits, or too few windows in a row are not.
    Held {
        /// The newest value, in the signal's unit.
        value: f64,
        /// How many windows in a row violate it, the newest among them.
        violations: u32,
    },
    /// As many windows in a row as count, or more, violate it.
    Broken {
        /// The newest value, in the signal's unit.
        value: f64,
    },
    /// The newest window cannot be told.
    NoData(Lack),
}

/// A rule, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The rule.
    pub rule: Rule,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a rule stands now.
///
/// The time up to now is cut into windows of the rule's length that do not overlap, newest first. The value of one: the failed
/// share of its requests, its requests a second (both from counts, over all of the window), or the newest point of a series in
/// it (quantiles of parts do not add up to one of the whole). Broken when the newest [`Rule::consecutive`] values are all
/// below `min` or above `max`; a value at a limit is within it. A window that cannot be told ends the row.
///
/// `signals` are those of the canary, `None` where its version is not known to the source; `series` those of one's own by
/// name. Source of the rule's form: Flagger `pkg/controller/scheduler_metrics.go`; see the module.
pub fn stand(
    rule: &Rule,
    signals: Option<&VersionSignals>,
    series: &BTreeMap<String, Series>,
    now: Timestamp,
) -> Standing {
    let mut violations = 0;
    let mut first = None;
    for index in 0..rule.consecutive {
        match value(rule, signals, series, now, index) {
            Err(lack) if index == 0 => return Standing::NoData(lack),
            Err(_) => break,
            Ok(value) => {
                first.get_or_insert(value);
                if within(rule, value) {
                    break;
                }
                violations += 1;
            }
        }
    }
    match first {
        None => Standing::NoData(Lack::Nothing),
        Some(value) if violations >= rule.consecutive => Standing::Broken { value },
        Some(value) => Standing::Held { value, violations },
    }
}

fn within(rule: &Rule, value: f64) -> bool {
    rule.min.is_none_or(|min| value >= min) && rule.max.is_none_or(|max| value <= max)
}

/// The value of the window with this number, the newest being 0.
fn value(
    rule: &Rule,
    signals: Option<&VersionSignals>,
    series: &BTreeMap<String, Series>,
    now: Timestamp,
    index: u32,
) -> Result<f64, Lack> {
    let window = rule.window;
    let back = window.saturating_mul(index);
    let known = || -> Result<_, Lack> {
        let counts = signals.map(|signals| signals.counts.as_slice()).ok_or(Lack::Nothing)?;
        ending(counts, earlier(newest(counts, window, now)?, back), window)
    };
    let latency = |of: fn(&VersionSignals) -> &Series| -> Result<f64, Lack> {
        let signals = signals.ok_or(Lack::Nothing)?;
        let value = last_in(of(signals), earlier(now, back), window)?;
        match signals.latency.highest_bound {
            Some(bound) if value >= bound && rule.max.is_some_and(|max| max >= bound) => Err(Lack::Beyond { bound }),
            _ => Ok(value),
        }
    };
    match &rule.signal {
        Measure::ErrorRatio => known()?.tally.error_share().ok_or(Lack::NoTraffic { window }),
        Measure::RequestRate => known().map(|known| known.tally.requests as f64 / known.covered.as_secs_f64()),
        Measure::LatencyP50 => latency(|signals| &signals.latency.p50),
        Measure::LatencyP95 => latency(|signals| &signals.latency.p95),
        Measure::LatencyP99 => latency(|signals| &signals.latency.p99),
        Measure::Series(name) => last_in(series.get(name).ok_or(Lack::Nothing)?, earlier(now, back), window),
    }
}

fn earlier(then: Timestamp, span: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(span).ok().and_then(|d| then.checked_sub_signed(d)).unwrap_or(Timestamp::MIN_UTC)
}

/// The newest point in the window that ends at `end`.
fn last_in(points: &[Point], end: Timestamp, window: Duration) -> Result<f64, Lack> {
    let begin = earlier(end, window);
    let before = points.iter().filter(|point| point.at <= end).max_by_key(|point| point.at).ok_or(Lack::Nothing)?;
    if before.at <= begin {
        return Err(Lack::Stale { age: crate::domain::time::age(end, before.at) });
    }
    if before.value.is_finite() { Ok(before.value) } else { Err(Lack::NoNumber(before.value)) }
}

#[cfg(test)]
pub(in crate::judge) mod tests {
    use super::*;
    use crate::{
        domain::{
            signal::Latency,
            standard::{IfBroken, Importance},
        },
        judge::{counts::tests::minute, slo::window::tests::minutes},
    };

    /// At most 1 % errors in five minutes.
    pub(in crate::judge) fn rule(importance: Importance) -> Rule {
        Rule {
            signal: Measure::ErrorRatio,
            min: None,
            max: Some(0.01),
            window: Duration::from_mins(5),
            importance,
            consecutive: 1,
            if_broken: IfBroken::Wait,
        }
    }

    fn required() -> Rule {
        rule(Importance::Required)
    }

    /// Five minutes each with these errors among 1,000 requests a minute.
    fn windows(errors: &[u64]) -> VersionSignals {
        let each = errors.iter().zip(0..);
        let counts = each.flat_map(|(errors, index)| minutes(index * 5, 5, 1000, *errors)).collect();
        VersionSignals { counts, ..VersionSignals::default() }
    }

    fn at(rule: &Rule, signals: &VersionSignals, now: i64) -> Standing {
        stand(rule, Some(signals), &BTreeMap::new(), minute(now))
    }

    #[test]
    fn a_rule_is_broken_by_the_newest_window_alone_where_one_violation_counts() {
        let good = at(&required(), &windows(&[50, 10]), 10);
        assert_eq!(good, Standing::Held { value: 0.01, violations: 0 });
        let bad = at(&required(), &windows(&[0, 31]), 10);
        assert_eq!(bad, Standing::Broken { value: 0.031 });
    }

    #[test]
    fn several_windows_in_a_row_must_violate_it_where_that_is_asked_for() {
        let three = Rule { consecutive: 3, ..required() };
        let two = at(&three, &windows(&[0, 20, 30]), 15);
        assert_eq!(two, Standing::Held { value: 0.03, violations: 2 });
        assert_eq!(at(&three, &windows(&[20, 0, 30]), 15), Standing::Held { value: 0.03, violations: 1 });
        let broken = at(&three, &windows(&[20, 20, 30]), 15);
        assert_eq!(broken, Standing::Broken { value: 0.03 });
        // A gap is no violation, and nothing behind it is known to be in a row with what is before it.
        let mut gap = windows(&[20, 20, 30]);
        gap.counts.retain(|it| it.to <= minute(5) || it.from >= minute(10));
        assert_eq!(at(&three, &gap, 15), Standing::Held { value: 0.03, violations: 1 });
    }

    #[test]
    fn missing_data_is_neither_held_nor_broken() {
        let old = |minutes| Standing::NoData(Lack::Stale { age: Duration::from_mins(minutes) });
        let unknown = stand(&required(), None, &BTreeMap::new(), minute(0));
        assert_eq!(unknown, Standing::NoData(Lack::Nothing));
        assert_eq!(at(&required(), &windows(&[0]), 20), old(15));
        let silent = VersionSignals { counts: minutes(0, 5, 0, 0), ..VersionSignals::default() };
        let window = Duration::from_mins(5);
        assert_eq!(at(&required(), &silent, 5), Standing::NoData(Lack::NoTraffic { window }));
        let p99 = Rule { signal: Measure::LatencyP99, max: Some(0.5), ..required() };
        assert_eq!(at(&p99, &silent, 5), Standing::NoData(Lack::Nothing));
        let nan = VersionSignals {
            latency: Latency { p99: vec![Point { at: minute(5), value: f64::NAN }], ..Latency::default() },
            ..VersionSignals::default()
        };
        let now = at(&p99, &nan, 5);
        assert!(matches!(now, Standing::NoData(Lack::NoNumber(value)) if value.is_nan()), "{now:?}");
        assert_eq!(at(&p99, &nan, 11), old(6));
    }

    #[test]
    fn too_little_traffic_is_a_value_and_no_gap() {
        let busy = Rule { signal: Measure::RequestRate, min: Some(1.0), max: None, ..required() };
        let signals = |requests| VersionSignals { counts: minutes(0, 5, requests, 0), ..VersionSignals::default() };
        assert_eq!(at(&busy, &signals(600), 5), Standing::Held { value: 10.0, violations: 0 });
        let silent = at(&busy, &signals(0), 5);
        assert_eq!(silent, Standing::Broken { value: 0.0 });
    }

    #[test]
    fn a_quantile_at_the_end_of_the_histogram_is_above_lower_limits_and_unknown_for_higher_ones() {
        let latency = Latency {
            p99: vec![Point { at: minute(4), value: 10.0 }],
            highest_bound: Some(10.0),
            ..Latency::default()
        };
        let signals = VersionSignals { latency, ..VersionSignals::default() };
        let p99 = |max| Rule { signal: Measure::LatencyP99, max: Some(max), ..required() };
        assert_eq!(at(&p99(0.5), &signals, 5), Standing::Broken { value: 10.0 });
        assert_eq!(at(&p99(20.0), &signals, 5), Standing::NoData(Lack::Beyond { bound: 10.0 }));
    }

    #[test]
    fn a_series_of_one_s_own_is_found_by_its_name() {
        let depth = Rule { signal: Measure::Series("queue".to_owned()), min: Some(0.0), max: Some(5.0), ..required() };
        let points = vec![Point { at: minute(1), value: 9.0 }, Point { at: minute(4), value: 3.0 }];
        let series = BTreeMap::from([("queue".to_owned(), points)]);
        let held = stand(&depth, None, &series, minute(5));
        assert_eq!(held, Standing::Held { value: 3.0, violations: 0 });
        assert_eq!(stand(&depth, None, &BTreeMap::new(), minute(5)), Standing::NoData(Lack::Nothing));
    }
}
