//! A window of signals into those that are kept: what the window covers is replaced, the rest stays, the oldest goes.

use crate::{
    app::store::KEPT,
    domain::{
        signal::{BucketCounts, Counts, LatencyCounts, PartCounts, Series, ServiceSignals, VersionSignals},
        time::Timestamp,
    },
    port::facet::Window,
};

/// Takes the new signals of a service.
pub(super) fn service(old: &mut ServiceSignals, new: ServiceSignals, window: Window) {
    for known in &mut old.versions {
        // A version that the answer leaves out has no data in the window: what was known there is gone.
        if !new.versions.iter().any(|n| n.label == known.label) {
            version(known, VersionSignals::default(), window);
        }
    }
    for new in new.versions {
        match old.versions.iter_mut().find(|known| known.label == new.label) {
            Some(known) => version(known, new, window),
            None => old.versions.push(new),
        }
    }
    old.versions.sort_by(|a, b| a.label.cmp(&b.label));
}

fn version(old: &mut VersionSignals, new: VersionSignals, window: Window) {
    series(&mut old.error_ratio, new.error_ratio, window);
    series(&mut old.request_rate, new.request_rate, window);
    series(&mut old.latency.p50, new.latency.p50, window);
    series(&mut old.latency.p95, new.latency.p95, window);
    series(&mut old.latency.p99, new.latency.p99, window);
    old.latency.highest_bound = new.latency.highest_bound.or(old.latency.highest_bound);
    counts(&mut old.counts, new.counts, window);
    parts(&mut old.parts, new.parts, window);
    latency(&mut old.latency_counts, new.latency_counts, window);
}

/// Does what ended then stay?
fn stays(end: Timestamp, window: Window) -> bool {
    (end <= window.from || end > window.to) && end > window.to - KEPT
}

fn series(old: &mut Series, new: Series, window: Window) {
    old.retain(|point| stays(point.at, window));
    old.extend(new);
    old.sort_by_key(|point| point.at);
}

fn counts(old: &mut Vec<Counts>, new: Vec<Counts>, window: Window) {
    old.retain(|counts| stays(counts.to, window));
    old.extend(new);
    old.sort_by_key(|counts| counts.to);
}

/// A pod of which nothing is left goes: pods come and go for as long as a cockpit runs.
fn parts(old: &mut Vec<PartCounts>, new: Vec<PartCounts>, window: Window) {
    for part in old.iter_mut() {
        part.counts.retain(|counts| stays(counts.to, window));
    }
    for part in new {
        match old.iter_mut().find(|known| (&known.stratum, &known.pod) == (&part.stratum, &part.pod)) {
            Some(known) => counts(&mut known.counts, part.counts, window),
            None => old.push(part),
        }
    }
    old.retain(|part| !part.counts.is_empty());
    old.sort_by(|a, b| (&a.stratum, &a.pod).cmp(&(&b.stratum, &b.pod)));
}

fn latency(old: &mut Vec<LatencyCounts>, new: Vec<LatencyCounts>, window: Window) {
    for known in old.iter_mut() {
        known.intervals.retain(|interval| stays(interval.to, window));
    }
    old.retain(|known| !known.intervals.is_empty());
    for mut new in new {
        match old.iter_mut().find(|known| known.stratum == new.stratum) {
            Some(known) => {
                // A release may bring other buckets: what both have can still be compared.
                let common = common(&known.bounds, &new.bounds);
                narrow(known, &common);
                narrow(&mut new, &common);
                known.intervals.extend(new.intervals);
                known.intervals.sort_by_key(|interval| interval.to);
            }
            None => old.push(new),
        }
    }
    old.sort_by(|a, b| a.stratum.cmp(&b.stratum));
}

/// The bounds that both have. The same text of the same source gives the same bits.
fn common(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().copied().filter(|bound| b.iter().any(|other| other.to_bits() == bound.to_bits())).collect()
}

/// Keeps these bounds only.
fn narrow(counts: &mut LatencyCounts, bounds: &[f64]) {
    let kept: Vec<bool> = counts.bounds.iter().map(|bound| !common(&[*bound], bounds).is_empty()).collect();
    if kept.iter().all(|kept| *kept) {
        return;
    }
    let only = |interval: &mut BucketCounts| {
        let mut keep = kept.iter().copied().chain(std::iter::repeat(false));
        interval.within.retain(|_| keep.next().unwrap_or_default());
    };
    counts.intervals.iter_mut().for_each(only);
    counts.bounds = bounds.to_vec();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeDelta, TimeZone};

    use super::*;

    const STEP: TimeDelta = TimeDelta::minutes(1);

    fn at(minute: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160, 0).unwrap() + STEP * i32::try_from(minute).unwrap()
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to), step: Duration::from_mins(1) }
    }

    fn count(minute: i64, requests: u64) -> Counts {
        Counts { from: at(minute - 1), to: at(minute), requests, errors: 0 }
    }

    fn part(stratum: &str, pod: &str, list: &[(i64, u64)]) -> PartCounts {
        let counts = list.iter().map(|&(minute, requests)| count(minute, requests)).collect();
        PartCounts { stratum: stratum.into(), pod: pod.into(), counts }
    }

    fn timed(bounds: &[f64], list: &[(i64, &[u64])]) -> LatencyCounts {
        let one = |&(minute, within): &(i64, &[u64])| BucketCounts {
            from: at(minute - 1),
            to: at(minute),
            requests: 100,
            within: within.to_vec(),
        };
        LatencyCounts { stratum: "eu".into(), bounds: bounds.to_vec(), intervals: list.iter().map(one).collect() }
    }

    fn signals(parts: Vec<PartCounts>, latency_counts: Vec<LatencyCounts>) -> ServiceSignals {
        let version = VersionSignals { label: "1".into(), parts, latency_counts, ..VersionSignals::default() };
        ServiceSignals { service: "a".into(), step: Duration::from_mins(1), versions: vec![version] }
    }

    #[test]
    fn a_window_replaces_what_it_covers_part_by_part_and_leaves_the_rest() {
        let old = vec![part("eu", "x", &[(1, 10), (2, 20)]), part("us", "y", &[(1, 5), (2, 6)])];
        let new = vec![part("us", "y", &[(2, 7), (3, 8)]), part("eu", "new", &[(3, 1)])];
        let mut known = signals(old, Vec::new());
        service(&mut known, signals(new, Vec::new()), window(1, 3));
        let expected =
            [part("eu", "new", &[(3, 1)]), part("eu", "x", &[(1, 10)]), part("us", "y", &[(1, 5), (2, 7), (3, 8)])];
        assert_eq!(known.versions[0].parts, expected);
    }

    #[test]
    fn a_pod_is_forgotten_when_its_last_interval_is_older_than_what_is_kept() {
        let day = i64::try_from(KEPT.as_secs() / 60).unwrap();
        let mut known = signals(vec![part("", "gone", &[(1, 10), (2, 20)])], vec![timed(&[0.1], &[(1, &[9])])]);
        service(&mut known, signals(vec![part("", "x", &[(day + 1, 1)])], Vec::new()), window(day, day + 1));
        assert_eq!(known.versions[0].parts, [part("", "gone", &[(2, 20)]), part("", "x", &[(day + 1, 1)])]);
        assert_eq!(known.versions[0].latency_counts, []);
        service(&mut known, signals(vec![part("", "x", &[(day + 2, 1)])], Vec::new()), window(day + 1, day + 2));
        assert_eq!(known.versions[0].parts, [part("", "x", &[(day + 1, 1), (day + 2, 1)])]);
    }

    #[test]
    fn response_times_of_other_buckets_are_kept_at_the_bounds_that_both_have() {
        let old = timed(&[0.1, 0.25, 1.0], &[(1, &[10, 50, 90]), (2, &[11, 51, 91])]);
        let new = timed(&[0.1, 0.5, 1.0], &[(2, &[20, 60, 95]), (3, &[21, 61, 96])]);
        let mut known = signals(Vec::new(), vec![old]);
        service(&mut known, signals(Vec::new(), vec![new]), window(1, 3));
        let expected = timed(&[0.1, 1.0], &[(1, &[10, 90]), (2, &[20, 95]), (3, &[21, 96])]);
        assert_eq!(known.versions[0].latency_counts, [expected]);
    }

    #[test]
    fn a_version_without_data_in_the_window_has_no_counts_there_either() {
        let mut known = signals(vec![part("", "x", &[(1, 10), (2, 20)])], vec![timed(&[0.1], &[(1, &[9]), (2, &[8])])]);
        let nothing = ServiceSignals { versions: Vec::new(), ..signals(Vec::new(), Vec::new()) };
        service(&mut known, nothing, window(1, 2));
        assert_eq!(known.versions[0].parts, [part("", "x", &[(1, 10)])]);
        assert_eq!(known.versions[0].latency_counts, [timed(&[0.1], &[(1, &[9])])]);
    }
}
