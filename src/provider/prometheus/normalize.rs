//! From series to signals: who is measured, in which unit, and what a gap means. No JSON, no requests.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;

use crate::{
    domain::{
        ids::ServiceName,
        rollout::Role,
        signal::{Counts, Latency, PartCounts, Point, Series, ServiceSignals, Uncounted, VersionSignals},
        text,
        time::Timestamp,
    },
    provider::prometheus::{
        Settings,
        api::Samples,
        counters::{Counter, Counters, Target, whole},
        failures::Failures,
        native,
        presets::Preset,
        quantile::{Bucket, quantile},
        request::{BOUND, INSTANCE},
    },
};

/// What the queries gave: three of rates, four of counters.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) request_rate: Vec<Samples>,
    pub(super) error_ratio: Vec<Samples>,
    pub(super) buckets: Vec<Samples>,
    pub(super) requests_total: Vec<Samples>,
    pub(super) errors_total: Vec<Samples>,
    pub(super) buckets_total: Vec<Samples>,
    pub(super) histogram_total: Vec<Samples>,
}

/// What is known of one version, moment by moment.
#[derive(Default)]
struct Measured {
    rate: BTreeMap<Timestamp, f64>,
    /// How much of that cannot be told to have failed or not, and why.
    untold: BTreeMap<Timestamp, f64>,
    uncounted: Option<Uncounted>,
    ratio: BTreeMap<Timestamp, f64>,
    buckets: BTreeMap<Timestamp, Vec<Bucket>>,
    highest_bound: Option<f64>,
    counters: Counters,
}

/// By service label, then by version label.
type Table = BTreeMap<String, BTreeMap<String, Measured>>;

/// From this share of a version's requests on, those of which nobody can tell whether they failed make its errors unknown.
const UNTOLD: f64 = 0.01;

impl Measured {
    /// Is it unknown how many of the requests failed that came in the interval with this end?
    fn is_untold(&self, at: &Timestamp) -> bool {
        let untold = self.untold.get(at).copied().unwrap_or_default();
        untold > 0.0 && untold > UNTOLD * self.rate.get(at).copied().unwrap_or_default()
    }

    /// Why the errors of the newest requests are unknown.
    fn uncounted(&self) -> Option<Uncounted> {
        let (newest, _) = self.rate.iter().rfind(|(_, rate)| **rate > 0.0)?;
        self.uncounted.clone().filter(|_| self.is_untold(newest))
    }
}

/// The signals of the services, each given with the value that its label has. Services without a series are left out.
pub(super) fn signals(
    settings: &Settings,
    failures: Option<&Failures>,
    services: &[(ServiceName, String)],
    step: Duration,
    answers: Answers,
) -> Vec<ServiceSignals> {
    let table = table(settings, failures, answers);
    let known = |(service, label): &(ServiceName, String)| {
        let of = |(label, measured): (&String, &Measured)| of_version(&settings.preset, label, measured, step);
        let versions: Vec<_> = table.get(label)?.iter().filter_map(of).collect();
        (!versions.is_empty()).then(|| ServiceSignals { service: service.clone(), step, versions })
    };
    services.iter().filter_map(known).collect()
}

fn table(settings: &Settings, failures: Option<&Failures>, answers: Answers) -> Table {
    let preset = &settings.preset;
    let mut table = Table::new();
    for series in answers.request_rate {
        let Some(measured) = row(&mut table, preset, &series) else { continue };
        let untold = failures.and_then(|failures| failures.cannot_tell(&series.labels));
        for (at, rate) in series.points.iter().filter(|(_, rate)| rate.is_finite()) {
            *measured.rate.entry(*at).or_default() += rate;
            if untold.is_some() {
                *measured.untold.entry(*at).or_default() += rate;
            }
        }
        if series.points.iter().any(|(_, rate)| *rate > 0.0) {
            measured.uncounted = measured.uncounted.take().or(untold);
        }
    }
    for series in answers.error_ratio {
        if let Some(measured) = row(&mut table, preset, &series) {
            measured.ratio.extend(series.points.into_iter().filter(|(_, ratio)| ratio.is_finite()));
        }
    }
    for series in answers.buckets {
        native_buckets(&mut table, preset, &series);
        let Some(bound) = bound(preset, &series) else { continue };
        let Some(measured) = row(&mut table, preset, &series) else { continue };
        if bound.is_finite() {
            measured.highest_bound = Some(measured.highest_bound.map_or(bound, |highest| highest.max(bound)));
        }
        for (at, count) in series.points {
            measured.buckets.entry(at).or_default().push(Bucket { bound, count });
        }
    }
    let mut count = |counter: &dyn Fn(&Samples) -> Option<Counter>, answer: Vec<Samples>| {
        for series in answer {
            let Some(counter) = counter(&series) else { continue };
            let Some(measured) = row(&mut table, preset, &series) else { continue };
            let stratum = stratum(settings, &series);
            measured.counters.take(target(preset, &series), stratum, counter, &series.points);
        }
    };
    count(&|_| Some(Counter::Requests), answers.requests_total);
    count(&|_| Some(Counter::Errors), answers.errors_total);
    count(&|series| bound(preset, series).map(Counter::Bucket), answers.buckets_total);
    for series in answers.histogram_total {
        if let Some(measured) = row(&mut table, preset, &series) {
            let (target, stratum) = (target(preset, &series), stratum(settings, &series));
            measured.counters.take_native(&target, &stratum, preset.latency_unit, &series.histograms);
        }
    }
    table
}

/// The rate of a native histogram as buckets: quantiles are of these.
fn native_buckets(table: &mut Table, preset: &Preset, series: &Samples) {
    if series.histograms.is_empty() {
        return;
    }
    let Some(measured) = row(table, preset, series) else { return };
    measured.highest_bound = Some(native::highest_bound(preset.latency_unit));
    for (at, histogram) in &series.histograms {
        measured.buckets.entry(*at).or_default().extend(histogram.cumulative(preset.latency_unit));
    }
}

/// The bound of a bucket's series, in seconds.
fn bound(preset: &Preset, series: &Samples) -> Option<f64> {
    let bound = series.labels.get(BOUND)?.parse::<f64>().ok()?;
    (!bound.is_nan()).then(|| bound / preset.latency_unit.per_second())
}

/// Who counted a series. Where a preset says that pods count, the target stands in for a pod without a name.
fn target(preset: &Preset, series: &Samples) -> Target {
    let label = |name: &str| series.labels.get(name).map(|value| text::clean(value)).filter(|value| !value.is_empty());
    let instance = label(INSTANCE).unwrap_or_default();
    let pod = preset.pod_label.as_ref().map(|pod| label(pod).unwrap_or_else(|| instance.clone()));
    Target { pod: pod.unwrap_or_default(), instance }
}

/// The values of the configured labels, in their order, with a slash between them. What lacks them all has no stratum.
fn stratum(settings: &Settings, series: &Samples) -> String {
    let value = |label: &String| series.labels.get(label).map(|value| text::clean(value)).unwrap_or_default();
    let values: Vec<String> = settings.strata.iter().map(value).collect();
    if values.iter().all(String::is_empty) { String::new() } else { values.join("/") }
}

/// Where a series belongs. Prometheus drops empty labels: without a version label it is the version "" (the stable one of
/// ingress-nginx); without a service label it is nobody's.
fn row<'a>(table: &'a mut Table, preset: &Preset, series: &Samples) -> Option<&'a mut Measured> {
    let service = series.labels.get(&preset.service_label)?;
    Some(table.entry(service.clone()).or_default().entry(version(preset, series)).or_default())
}

/// The label by which ingress-nginx tells the backend of a canary from the others: it is empty on those.
const CANARY: &str = "canary";

/// The side that a version label names, where it names sides.
fn role(preset: &Preset, version: &str) -> Option<Role> {
    let side = if version.is_empty() { Role::Stable } else { Role::Canary };
    (preset.version_label == CANARY).then_some(side)
}

fn version(preset: &Preset, series: &Samples) -> String {
    series.labels.get(&preset.version_label).map(|version| text::clean(version)).unwrap_or_default()
}

/// The signals of a version; `None` where nothing at all is known of it but that it counts.
fn of_version(preset: &Preset, label: &str, measured: &Measured, step: Duration) -> Option<VersionSignals> {
    let length = TimeDelta::from_std(step).unwrap_or(TimeDelta::MAX);
    let mut parts = measured.counters.parts(length);
    for part in &mut parts {
        part.counts.retain(|counts| !measured.is_untold(&counts.to));
    }
    parts.retain(|part| !part.counts.is_empty());
    if measured.rate.is_empty() && measured.ratio.is_empty() && measured.buckets.is_empty() && parts.is_empty() {
        return None;
    }
    let latency = |q: f64| -> Series {
        let at = |(at, buckets): (&Timestamp, &Vec<Bucket>)| Some(Point { at: *at, value: quantile(q, buckets)? });
        measured.buckets.iter().filter_map(at).collect()
    };
    Some(VersionSignals {
        label: label.to_owned(),
        role: role(preset, label),
        error_ratio: measured.ratio.iter().filter(|(at, _)| !measured.is_untold(at)).map(point).collect(),
        request_rate: measured.rate.iter().map(point).collect(),
        latency: Latency {
            p50: latency(0.5),
            p95: latency(0.95),
            p99: latency(0.99),
            highest_bound: measured.highest_bound,
        },
        // Never both in one version: what is extrapolated must not stand beside what is exact.
        counts: if measured.counters.any() { sums(&parts) } else { counts(measured, step) },
        latency_counts: measured.counters.latency(length),
        uncounted: measured.uncounted(),
        parts,
    })
}

/// The counts of all parts, interval by interval.
fn sums(parts: &[PartCounts]) -> Vec<Counts> {
    let mut sums: BTreeMap<Timestamp, Counts> = BTreeMap::new();
    for counts in parts.iter().flat_map(|part| &part.counts) {
        let sum = sums.entry(counts.to).or_insert(Counts { requests: 0, errors: 0, ..*counts });
        sum.requests = sum.requests.saturating_add(counts.requests);
        sum.errors = sum.errors.saturating_add(counts.errors);
    }
    sums.into_values().collect()
}

fn point((&at, &value): (&Timestamp, &f64)) -> Point {
    Point { at, value }
}

/// Names the labels that a version's requests carry, where they lack those that its errors are looked for by.
pub(super) fn name_labels(
    settings: &Settings,
    failures: &Failures,
    services: &[(ServiceName, String)],
    signals: &mut [ServiceSignals],
    samples: &[Samples],
) {
    for series in samples {
        let of_service =
            |(_, label): &&(ServiceName, String)| series.labels.get(&settings.preset.service_label) == Some(label);
        let Some((service, _)) = services.iter().find(of_service) else { continue };
        let version = version(&settings.preset, series);
        let known = signals.iter_mut().find(|known| known.service == *service);
        let known = known.and_then(|known| known.versions.iter_mut().find(|known| known.label == version));
        if let Some(VersionSignals { uncounted: Some(Uncounted::Lacks { carries, .. }), .. }) = known {
            *carries = failures.carried(&series.labels);
        }
    }
}

/// Requests and errors of each interval, as the rates have them. An interval with requests of which nobody knows how many failed has no counts; one
/// without requests has no errors.
fn counts(measured: &Measured, step: Duration) -> Vec<Counts> {
    let Ok(length) = TimeDelta::from_std(step) else { return Vec::new() };
    let interval = |(&to, &rate): (&Timestamp, &f64)| {
        let requests = rate * step.as_secs_f64();
        let errors = match measured.ratio.get(&to) {
            _ if measured.is_untold(&to) => return None,
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

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::{
        domain::signal::{BucketCounts, LatencyCounts},
        provider::prometheus::{api, presets},
    };

    const STEP: Duration = Duration::from_mins(1);

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
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
        let timed =
            |to, requests, within| BucketCounts { from: at(to - 60), to: at(to), requests, within: vec![within] };
        let expected = LatencyCounts {
            stratum: "eu/acme".into(),
            bounds: vec![0.25],
            intervals: vec![timed(60, 40, 35), timed(120, 10, 10)],
        };
        assert_eq!(version.latency_counts, [expected]);
    }

    #[test]
    fn a_service_with_native_histograms_has_quantiles_and_response_times_as_counts() {
        let read =
            |body: &str| api::read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), api::Asked::Counters).unwrap();
        let recorded = || read(include_str!("../../../tests/fixtures/prometheus/instant_matrix_native_histogram.json"));
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
        let read =
            |body: &str| api::read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), api::Asked::Counters).unwrap();
        let answers = Answers {
            request_rate: read(include_str!("../../../tests/fixtures/prometheus/range_matrix_rate_stats.json")),
            ..Answers::default()
        };
        let settings = Settings::new(presets::named("otel-http").unwrap());
        let services = [("cart".into(), "cart".to_owned()), ("checkout".into(), "checkout".to_owned())];
        let signals = signals(&settings, None, &services, Duration::from_secs(30), answers);
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
            request_rate: api::read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), api::Asked::Counters).unwrap(),
            ..Answers::default()
        };
        let settings = Settings::new(presets::named("otel-http").unwrap());
        let signals = signals(&settings, None, &[("cart".into(), "cart".to_owned())], Duration::from_secs(30), answers);
        let last = signals[0].versions[0].request_rate.last().unwrap().at;
        assert!(last < chrono::Utc.timestamp_opt(1_795_240_914, 0).unwrap(), "{last} is not the window's end");
    }
}
