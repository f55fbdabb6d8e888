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
        (!versions.is_empty()).then(|| ServiceSignals {
            service: service.clone(),
            environment: "".into(),
            step,
            versions,
        })
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
        untimed: None,
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
mod tests;
