//! From Prometheus' wire to ours, answer by answer.

use chrono::TimeZone;

use super::*;
use crate::{
    domain::signal::{BucketCounts, LatencyCounts},
    provider::prometheus::{api, presets},
};

const STEP: Duration = Duration::from_mins(1);

fn at(second: i64) -> Timestamp {
    chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
}

fn answer(body: &str) -> http::Response<bytes::Bytes> {
    http::Response::new(bytes::Bytes::copy_from_slice(body.as_bytes()))
}

fn made(labels: &[(&str, &str)], points: &[(i64, f64)]) -> Samples {
    Samples {
        labels: labels.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
        points: points.iter().map(|&(second, value)| (at(second), value)).collect(),
        ..Samples::default()
    }
}

fn point(second: i64, value: f64) -> Point {
    Point { at: at(second), value }
}

#[test]
fn a_fleet_of_bare_numbers_becomes_signals_by_service_and_version() {
    let settings = Settings::new(presets::named("istio").unwrap());
    let label = |version| [("destination_workload", "payments"), ("destination_version", version)];
    let bucket = |le, count| made(&[&label("1.42.0")[..], &[("le", le)]].concat(), &[(60, count)]);
    let answers = Answers {
        request_rate: vec![made(&label("1.42.0"), &[(60, 2.0), (120, 0.0)]), made(&label("1.41.3"), &[(60, 6.0)])],
        error_ratio: vec![made(&label("1.42.0"), &[(60, 0.25)]), made(&label("1.41.3"), &[(60, 0.0)])],
        buckets: vec![bucket("100", 1.0), bucket("250", 2.0), bucket("+Inf", 2.0)],
        ..Answers::default()
    };
    let services = [("payments".into(), "payments".to_owned()), ("ghost".into(), "ghost".to_owned())];
    let counts = |second, requests, errors| Counts { from: at(second - 60), to: at(second), requests, errors };
    let expected = ServiceSignals {
        environment: "".into(),
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
    assert_eq!(signals(&settings, None, &services, STEP, answers), [expected]);
}

#[test]
fn requests_whose_errors_nobody_counted_give_no_counts() {
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let label = [("service_name", "a"), ("service_version", "1")];
    let answers = Answers {
        request_rate: vec![made(&label, &[(60, 1.0), (120, 1.0)])],
        error_ratio: vec![made(&label, &[(120, 0.5)])],
        ..Answers::default()
    };
    let signals = signals(&settings, None, &[("a".into(), "a".to_owned())], STEP, answers);
    let counts = Counts { from: at(60), to: at(120), requests: 60, errors: 30 };
    assert_eq!(signals[0].versions[0].counts, [counts]);
}

#[test]
fn errors_never_exceed_requests_and_nonsense_is_no_count() {
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let label = [("service_name", "a"), ("service_version", "1")];
    let answers = Answers {
        request_rate: vec![made(&label, &[(60, 0.1), (120, -1.0), (180, f64::INFINITY), (240, 1e300)])],
        error_ratio: vec![made(&label, &[(60, 1.5), (120, 0.0), (180, 0.0), (240, 0.0)])],
        ..Answers::default()
    };
    let signals = signals(&settings, None, &[("a".into(), "a".to_owned())], STEP, answers);
    let counts = Counts { from: at(0), to: at(60), requests: 6, errors: 6 };
    assert_eq!(signals[0].versions[0].counts, [counts]);
}

#[test]
fn a_series_without_a_version_label_is_the_version_without_a_name() {
    let settings = Settings::new(presets::named("nginx-ingress").unwrap());
    let answers = Answers {
        request_rate: vec![made(&[("exported_service", "a")], &[(60, 1.0)]), made(&[("x", "y")], &[(60, 1.0)])],
        ..Answers::default()
    };
    let signals = signals(&settings, None, &[("a".into(), "a".to_owned())], STEP, answers);
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].of(&[""]).unwrap().request_rate, [point(60, 1.0)]);
}

#[test]
fn counters_give_exact_counts_by_pod_and_stratum_and_the_rates_no_longer_do() {
    let preset = presets::named("istio").unwrap();
    let settings = Settings { strata: vec!["region".to_owned(), "tenant".to_owned()], ..Settings::new(preset) };
    let of = |more: &[(&str, &str)], values: &[f64]| {
        let own = [("destination_workload", "a"), ("destination_version", "1"), ("instance", "10.0.0.7:15020")];
        let points: Vec<_> = (0..).map(|minute| 60 * minute).zip(values.iter().copied()).collect();
        made(&[&own[..], more].concat(), &points)
    };
    let (eu, nowhere) = ([("pod", "a-1"), ("region", "eu"), ("tenant", "acme")], [("region", "")]);
    let bucket = |le, values: &[f64]| of(&[&eu[..], &[("le", le)]].concat(), values);
    let answers = Answers {
        request_rate: vec![of(&[], &[9.9, 9.9, 9.9])],
        error_ratio: vec![of(&[], &[0.9, 0.9, 0.9])],
        requests_total: vec![of(&eu, &[100.0, 140.0, 150.0]), of(&nowhere, &[7.0, 8.0])],
        errors_total: vec![of(&eu, &[1.0, 4.0, 4.0])],
        buckets_total: vec![bucket("250", &[90.0, 125.0, 135.0]), bucket("+Inf", &[100.0, 140.0, 150.0])],
        ..Answers::default()
    };
    let services = [("a".into(), "a".to_owned())];
    let version = signals(&settings, None, &services, STEP, answers).remove(0).versions.remove(0);
    let counts = |second, requests, errors| Counts { from: at(second - 60), to: at(second), requests, errors };
    let part = |stratum: &str, pod: &str, counts: &[Counts]| PartCounts {
        stratum: stratum.into(),
        pod: pod.into(),
        counts: counts.to_vec(),
    };
    assert_eq!(version.counts, [counts(60, 41, 3), counts(120, 10, 0)]);
    let expected = [
        part("", "10.0.0.7:15020", &[counts(60, 1, 0)]),
        part("eu/acme", "a-1", &[counts(60, 40, 3), counts(120, 10, 0)]),
    ];
    assert_eq!(version.parts, expected);
    let timed = |to, requests, within| BucketCounts { from: at(to - 60), to: at(to), requests, within: vec![within] };
    let expected = LatencyCounts {
        stratum: "eu/acme".into(),
        bounds: vec![0.25],
        intervals: vec![timed(60, 40, 35), timed(120, 10, 10)],
    };
    assert_eq!(version.latency_counts, [expected]);
}

#[test]
fn a_service_with_native_histograms_has_quantiles_and_response_times_as_counts() {
    let read = |body: &str| api::series(&answer(body), api::Asked::Counters).unwrap();
    let recorded = || read(include_str!("../../../../tests/fixtures/prometheus/instant_matrix_native_histogram.json"));
    let count = |series: Samples| {
        let points = series.histograms.iter().map(|(at, native)| (*at, native.count)).collect();
        Samples { points, ..series }
    };
    let answers = Answers {
        buckets: recorded(),
        requests_total: recorded().into_iter().map(count).collect(),
        histogram_total: recorded(),
        ..Answers::default()
    };
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let services = [("checkout".into(), "checkout".to_owned())];
    let mut signals = signals(&settings, None, &services, Duration::from_secs(15), answers);
    let version = signals.remove(0).versions.remove(0);
    // 3, 7, 5 and 1 of 16 requests an interval lie between 0.068, 0.074, 0.081, 0.088 and 0.096 s.
    let p50 = 0.0743 + (0.0811 - 0.0743) * 5.0 / 7.0;
    assert!(version.latency.p50.iter().all(|point| (point.value - p50).abs() < 1e-4), "{:?}", version.latency.p50);
    assert_eq!((version.latency.p50.len(), version.latency.highest_bound), (5, Some(64.0)));
    let latency = &version.latency_counts[0];
    let within = |bound: f64| latency.bounds.iter().position(|known| (known - bound).abs() < 1e-9).unwrap();
    let (below, above) = (within(2.0_f64.powf(-3.5)), within(0.125));
    let counted: Vec<_> =
        latency.intervals.iter().map(|one| (one.requests, one.within[below], one.within[above])).collect();
    assert_eq!(counted, [(16, 15, 16); 4], "0.0884 is a bound of the ladder");
    assert_eq!(version.counts.iter().map(|counts| counts.requests).collect::<Vec<_>>(), [16; 4]);
}

#[test]
fn a_version_of_which_only_a_first_sample_is_known_has_no_data() {
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let label = [("service_name", "a"), ("service_version", "1"), ("instance", "i")];
    let answers = Answers { requests_total: vec![made(&label, &[(60, 5.0)])], ..Answers::default() };
    assert_eq!(signals(&settings, None, &[("a".into(), "a".to_owned())], STEP, answers), []);
}

#[test]
fn a_recorded_fleet_reads_as_two_services_with_two_versions_each() {
    let read = |body: &str| api::series(&answer(body), api::Asked::Counters).unwrap();
    let answers = Answers {
        request_rate: read(include_str!("../../../../tests/fixtures/prometheus/range_matrix_rate_stats.json")),
        ..Answers::default()
    };
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let services = [("cart".into(), "cart".to_owned()), ("checkout".into(), "checkout".to_owned())];
    let signals = signals(&settings, None, &services, Duration::from_secs(30), answers);
    let seen: Vec<_> = signals
        .iter()
        .flat_map(|s| s.versions.iter().map(|v| (s.service.as_str(), v.label.as_str(), v.request_rate.len())))
        .collect();
    let expected = [("cart", "1.4.2", 21), ("cart", "1.5.0", 21), ("checkout", "1.4.2", 21), ("checkout", "1.5.0", 21)];
    assert_eq!(seen, expected);
    assert!(signals.iter().all(|s| s.versions.iter().all(|v| v.counts.is_empty())), "nobody counted the errors");
}

#[test]
fn a_series_that_went_stale_simply_ends() {
    let body = include_str!("../../../../tests/fixtures/prometheus/range_matrix_after_end_stale.json");
    let answers =
        Answers { request_rate: api::series(&answer(body), api::Asked::Counters).unwrap(), ..Answers::default() };
    let settings = Settings::new(presets::named("otel-http").unwrap());
    let signals = signals(&settings, None, &[("cart".into(), "cart".to_owned())], Duration::from_secs(30), answers);
    let last = signals[0].versions[0].request_rate.last().unwrap().at;
    assert!(last < chrono::Utc.timestamp_opt(1_795_240_914, 0).unwrap(), "{last} is not the window's end");
}
