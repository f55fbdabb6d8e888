//! From series to signals: who is measured, in which unit, and what a gap means. No JSON, no requests.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;

use crate::{
    domain::{
        ids::ServiceName,
        signal::{Counts, Latency, Point, Series, ServiceSignals, VersionSignals},
        text,
        time::Timestamp,
    },
    provider::prometheus::{
        api::Samples,
        presets::Preset,
        quantile::{Bucket, quantile},
    },
};

/// What the three queries gave.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) request_rate: Vec<Samples>,
    pub(super) error_ratio: Vec<Samples>,
    pub(super) buckets: Vec<Samples>,
}

/// What is known of one version, moment by moment.
#[derive(Default)]
struct Measured {
    rate: BTreeMap<Timestamp, f64>,
    ratio: BTreeMap<Timestamp, f64>,
    buckets: BTreeMap<Timestamp, Vec<Bucket>>,
    highest_bound: Option<f64>,
}

/// By service label, then by version label.
type Table = BTreeMap<String, BTreeMap<String, Measured>>;

/// The signals of the services, each given with the value that its label has. Services without a series are left out.
pub(super) fn signals(
    preset: &Preset,
    services: &[(ServiceName, String)],
    step: Duration,
    answers: Answers,
) -> Vec<ServiceSignals> {
    let table = table(preset, answers);
    let known = |(service, label): &(ServiceName, String)| {
        let versions = table.get(label)?.iter().map(|(version, measured)| of_version(version, measured, step));
        Some(ServiceSignals { service: service.clone(), step, versions: versions.collect() })
    };
    services.iter().filter_map(known).collect()
}

fn table(preset: &Preset, answers: Answers) -> Table {
    let mut table = Table::new();
    for series in answers.request_rate {
        if let Some(measured) = row(&mut table, preset, &series) {
            measured.rate.extend(series.points.into_iter().filter(|(_, rate)| rate.is_finite()));
        }
    }
    for series in answers.error_ratio {
        if let Some(measured) = row(&mut table, preset, &series) {
            measured.ratio.extend(series.points.into_iter().filter(|(_, ratio)| ratio.is_finite()));
        }
    }
    for series in answers.buckets {
        let Some(bound) = series.labels.get("le").and_then(|le| le.parse::<f64>().ok()) else { continue };
        let Some(measured) = row(&mut table, preset, &series) else { continue };
        let bound = bound / preset.latency_unit.per_second();
        if bound.is_finite() {
            measured.highest_bound = Some(measured.highest_bound.map_or(bound, |highest| highest.max(bound)));
        }
        for (at, count) in series.points {
            measured.buckets.entry(at).or_default().push(Bucket { bound, count });
        }
    }
    table
}

/// Where a series belongs. Prometheus drops empty labels: without a version label it is the version "" (the stable one of
/// ingress-nginx); without a service label it is nobody's.
fn row<'a>(table: &'a mut Table, preset: &Preset, series: &Samples) -> Option<&'a mut Measured> {
    let service = series.labels.get(&preset.service_label)?;
    let version = series.labels.get(&preset.version_label).map(|v| text::clean(v)).unwrap_or_default();
    Some(table.entry(service.clone()).or_default().entry(version).or_default())
}

fn of_version(label: &str, measured: &Measured, step: Duration) -> VersionSignals {
    let latency = |q: f64| -> Series {
        let at = |(at, buckets): (&Timestamp, &Vec<Bucket>)| Some(Point { at: *at, value: quantile(q, buckets)? });
        measured.buckets.iter().filter_map(at).collect()
    };
    VersionSignals {
        label: label.to_owned(),
        error_ratio: series(&measured.ratio),
        request_rate: series(&measured.rate),
        latency: Latency {
            p50: latency(0.5),
            p95: latency(0.95),
            p99: latency(0.99),
            highest_bound: measured.highest_bound,
        },
        counts: counts(measured, step),
        parts: Vec::new(),
        latency_counts: Vec::new(),
    }
}

fn series(points: &BTreeMap<Timestamp, f64>) -> Series {
    points.iter().map(|(&at, &value)| Point { at, value }).collect()
}

/// Requests and errors of each interval. An interval with requests of which nobody knows how many failed has no counts; one
/// without requests has no errors.
fn counts(measured: &Measured, step: Duration) -> Vec<Counts> {
    let Ok(length) = TimeDelta::from_std(step) else { return Vec::new() };
    let interval = |(&to, &rate): (&Timestamp, &f64)| {
        let requests = rate * step.as_secs_f64();
        let errors = match measured.ratio.get(&to) {
            Some(ratio) => whole(ratio * requests)?,
            None if rate > 0.0 => return None,
            None => 0,
        };
        let requests = whole(requests)?;
        let from = to.checked_sub_signed(length)?;
        Some(Counts { from, to, requests, errors: errors.min(requests) })
    };
    measured.rate.iter().filter_map(interval).collect()
}

/// The nearest whole number; `None` where there is none of a sensible size.
fn whole(value: f64) -> Option<u64> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let rounded = value.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within the range")]
    let whole = (0.0..=LARGEST_EXACT).contains(&rounded).then_some(rounded as u64);
    whole
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::provider::prometheus::{api, presets};

    const STEP: Duration = Duration::from_mins(1);

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    fn made(labels: &[(&str, &str)], points: &[(i64, f64)]) -> Samples {
        Samples {
            labels: labels.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
            points: points.iter().map(|&(second, value)| (at(second), value)).collect(),
        }
    }

    fn point(second: i64, value: f64) -> Point {
        Point { at: at(second), value }
    }

    #[test]
    fn a_fleet_of_bare_numbers_becomes_signals_by_service_and_version() {
        let preset = presets::named("istio").unwrap();
        let label = |version| [("destination_workload", "payments"), ("destination_version", version)];
        let bucket = |le, count| made(&[&label("1.42.0")[..], &[("le", le)]].concat(), &[(60, count)]);
        let answers = Answers {
            request_rate: vec![made(&label("1.42.0"), &[(60, 2.0), (120, 0.0)]), made(&label("1.41.3"), &[(60, 6.0)])],
            error_ratio: vec![made(&label("1.42.0"), &[(60, 0.25)]), made(&label("1.41.3"), &[(60, 0.0)])],
            buckets: vec![bucket("100", 1.0), bucket("250", 2.0), bucket("+Inf", 2.0)],
        };
        let services = [("payments".into(), "payments".to_owned()), ("ghost".into(), "ghost".to_owned())];
        let counts = |second, requests, errors| Counts { from: at(second - 60), to: at(second), requests, errors };
        let expected = ServiceSignals {
            service: "payments".into(),
            step: STEP,
            versions: vec![
                VersionSignals {
                    label: "1.41.3".into(),
                    error_ratio: vec![point(60, 0.0)],
                    request_rate: vec![point(60, 6.0)],
                    latency: Latency::default(),
                    counts: vec![counts(60, 360, 0)],
                    ..VersionSignals::default()
                },
                VersionSignals {
                    label: "1.42.0".into(),
                    error_ratio: vec![point(60, 0.25)],
                    request_rate: vec![point(60, 2.0), point(120, 0.0)],
                    latency: Latency {
                        p50: vec![point(60, 0.1)],
                        p95: vec![point(60, 0.235)],
                        p99: vec![point(60, 0.247)],
                        highest_bound: Some(0.25),
                    },
                    counts: vec![counts(60, 120, 30), counts(120, 0, 0)],
                    ..VersionSignals::default()
                },
            ],
        };
        assert_eq!(signals(&preset, &services, STEP, answers), [expected]);
    }

    #[test]
    fn requests_whose_errors_nobody_counted_give_no_counts() {
        let preset = presets::named("otel-http").unwrap();
        let label = [("service_name", "a"), ("service_version", "1")];
        let answers = Answers {
            request_rate: vec![made(&label, &[(60, 1.0), (120, 1.0)])],
            error_ratio: vec![made(&label, &[(120, 0.5)])],
            ..Answers::default()
        };
        let signals = signals(&preset, &[("a".into(), "a".to_owned())], STEP, answers);
        let counts = Counts { from: at(60), to: at(120), requests: 60, errors: 30 };
        assert_eq!(signals[0].versions[0].counts, [counts]);
    }

    #[test]
    fn errors_never_exceed_requests_and_nonsense_is_no_count() {
        let preset = presets::named("otel-http").unwrap();
        let label = [("service_name", "a"), ("service_version", "1")];
        let answers = Answers {
            request_rate: vec![made(&label, &[(60, 0.1), (120, -1.0), (180, f64::INFINITY), (240, 1e300)])],
            error_ratio: vec![made(&label, &[(60, 1.5), (120, 0.0), (180, 0.0), (240, 0.0)])],
            ..Answers::default()
        };
        let signals = signals(&preset, &[("a".into(), "a".to_owned())], STEP, answers);
        let counts = Counts { from: at(0), to: at(60), requests: 6, errors: 6 };
        assert_eq!(signals[0].versions[0].counts, [counts]);
    }

    #[test]
    fn a_series_without_a_version_label_is_the_version_without_a_name() {
        let preset = presets::named("nginx-ingress").unwrap();
        let answers = Answers {
            request_rate: vec![made(&[("exported_service", "a")], &[(60, 1.0)]), made(&[("x", "y")], &[(60, 1.0)])],
            ..Answers::default()
        };
        let signals = signals(&preset, &[("a".into(), "a".to_owned())], STEP, answers);
        assert_eq!(signals.len(), 1);
        assert_eq!(signals[0].of(&[""]).unwrap().request_rate, [point(60, 1.0)]);
    }

    #[test]
    fn a_recorded_fleet_reads_as_two_services_with_two_versions_each() {
        let read = |body: &str| api::read(StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap();
        let answers = Answers {
            request_rate: read(include_str!("../../../tests/fixtures/prometheus/range_matrix_rate_stats.json")),
            ..Answers::default()
        };
        let preset = presets::named("otel-http").unwrap();
        let services = [("cart".into(), "cart".to_owned()), ("checkout".into(), "checkout".to_owned())];
        let signals = signals(&preset, &services, Duration::from_secs(30), answers);
        let seen: Vec<_> = signals
            .iter()
            .flat_map(|s| s.versions.iter().map(|v| (s.service.as_str(), v.label.as_str(), v.request_rate.len())))
            .collect();
        let expected =
            [("cart", "1.4.2", 21), ("cart", "1.5.0", 21), ("checkout", "1.4.2", 21), ("checkout", "1.5.0", 21)];
        assert_eq!(seen, expected);
        assert!(signals.iter().all(|s| s.versions.iter().all(|v| v.counts.is_empty())), "nobody counted the errors");
    }

    #[test]
    fn a_series_that_went_stale_simply_ends() {
        let body = include_str!("../../../tests/fixtures/prometheus/range_matrix_after_end_stale.json");
        let answers = Answers {
            request_rate: api::read(StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap(),
            ..Answers::default()
        };
        let preset = presets::named("otel-http").unwrap();
        let signals = signals(&preset, &[("cart".into(), "cart".to_owned())], Duration::from_secs(30), answers);
        let last = signals[0].versions[0].request_rate.last().unwrap().at;
        assert!(last < chrono::Utc.timestamp_opt(1_795_240_914, 0).unwrap(), "{last} is not the window's end");
    }
}
