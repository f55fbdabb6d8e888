//! A window of signals into those that are kept: what the window covers is replaced, the rest stays, the oldest goes.

use chrono::TimeDelta;

use crate::{
    app::store::KEPT,
    domain::{
        ids::ServiceName,
        signal::{BucketCounts, Counts, Latency, LatencyCounts, PartCounts, Series, ServiceSignals, VersionSignals},
        time::Timestamp,
    },
    port::facet::Window,
};

/// Takes the new signals of a service. Says whether anything that had ended by the newest end known became another one, came
/// or went: what was folded of it no longer holds then.
pub(super) fn service(old: &mut ServiceSignals, new: ServiceSignals, window: Window) -> bool {
    let into = Into { window, forgotten: forgotten(&old.service, window.to), newest: newest(old) };
    let mut changed = false;
    for known in &mut old.versions {
        // A version that the answer leaves out has no data in the window: what was known there is gone.
        if !new.versions.iter().any(|n| n.label == known.label) {
            changed |= into.version(known, VersionSignals::default());
        }
    }
    for mut new in new.versions {
        if let Some(known) = old.versions.iter_mut().find(|known| known.label == new.label) {
            changed |= into.version(known, new);
        } else {
            ordered(&mut new);
            changed |= into.newest.is_some_and(|newest| oldest(&new).is_some_and(|oldest| oldest <= newest));
            old.versions.push(new);
        }
    }
    old.versions.sort_by(|a, b| a.label.cmp(&b.label));
    changed
}

/// Forgets the points of panels that ended by then, but for the last one: when a series ended is not forgotten. What is judged rests
/// on counts.
pub(super) fn forget_points(signals: &mut ServiceSignals, end: Timestamp) {
    for points in signals.versions.iter_mut().flat_map(all_series) {
        let gone = points.partition_point(|point| point.at <= end).min(points.len().saturating_sub(1));
        points.drain(..gone);
    }
}

/// Puts everything of a version in order of time.
pub(super) fn ordered(signals: &mut VersionSignals) {
    for points in all_series(signals) {
        points.sort_by_key(|point| point.at);
    }
    signals.counts.sort_by_key(|counts| counts.to);
    signals.parts.iter_mut().for_each(|part| part.counts.sort_by_key(|counts| counts.to));
    signals.latency_counts.iter_mut().for_each(|one| one.intervals.sort_by_key(|interval| interval.to));
}

fn all_series(signals: &mut VersionSignals) -> [&mut Series; 5] {
    let Latency { p50, p95, p99, .. } = &mut signals.latency;
    [&mut signals.error_ratio, &mut signals.request_rate, p50, p95, p99]
}

/// The newest end of an interval of any version.
pub(super) fn newest(signals: &ServiceSignals) -> Option<Timestamp> {
    signals.versions.iter().filter_map(|version| ends(version, <[_]>::last, <[_]>::last).max()).max()
}

/// The oldest end of an interval of a version.
fn oldest(version: &VersionSignals) -> Option<Timestamp> {
    ends(version, <[_]>::first, <[_]>::first).min()
}

/// The first or the last end of each list of intervals.
fn ends(
    version: &VersionSignals,
    counts: fn(&[Counts]) -> Option<&Counts>,
    times: fn(&[BucketCounts]) -> Option<&BucketCounts>,
) -> impl Iterator<Item = Timestamp> {
    let parts = version.parts.iter().filter_map(move |part| counts(&part.counts));
    let counted = counts(&version.counts).into_iter().chain(parts).map(|counts| counts.to);
    counted.chain(version.latency_counts.iter().filter_map(move |one| times(&one.intervals)).map(|one| one.to))
}

/// What ended by then is forgotten. Not interval by interval: what is folded of a service starts over when its oldest go, so
/// they go an hour at a time, and of each service at another minute of it.
pub(super) fn forgotten(service: &ServiceName, to: Timestamp) -> Timestamp {
    const AT_A_TIME: i64 = 3600;
    let place = service.as_str().bytes().fold(0_i64, |place, byte| (place * 31 + i64::from(byte)) % AT_A_TIME);
    let kept = to - KEPT;
    kept - TimeDelta::seconds((kept.timestamp() + place).rem_euclid(AT_A_TIME))
}

/// Where new entries go.
struct Into {
    window: Window,
    forgotten: Timestamp,
    newest: Option<Timestamp>,
}

impl Into {
    fn version(&self, old: &mut VersionSignals, mut new: VersionSignals) -> bool {
        old.latency.highest_bound = new.latency.highest_bound.or(old.latency.highest_bound);
        // It is about the newest requests.
        if self.newest.is_none_or(|newest| newest <= self.window.to) {
            (old.uncounted, old.untimed) = (new.uncounted.take(), new.untimed.clone());
        }
        // What could not be read replaces nothing that is known.
        let timed = new.untimed.is_none();
        let told = if timed { 5 } else { 2 };
        for (old, new) in all_series(old).into_iter().zip(all_series(&mut new)).take(told) {
            self.entries(old, std::mem::take(new), |point| point.at);
        }
        let counts = self.entries(&mut old.counts, new.counts, |counts| counts.to);
        let parts = self.parts(&mut old.parts, new.parts);
        (timed && self.latency(&mut old.latency_counts, new.latency_counts)) | counts | parts
    }

    /// Entries of the window replace those known in it, the rest stays, the oldest goes; in order of time, as what is known is.
    fn entries<T: PartialEq>(&self, old: &mut Vec<T>, mut new: Vec<T>, to: fn(&T) -> Timestamp) -> bool {
        new.sort_by_key(to);
        let until = |all: &[T], end: Timestamp| all.partition_point(|one| to(one) <= end);
        let replaced = until(old, self.window.from)..until(old, self.window.to);
        let past = new.get(..self.newest.map_or(0, |newest| until(&new, newest))).unwrap_or_default();
        let mut changed = old.get(replaced.clone()).is_some_and(|replaced| replaced != past);
        let asked = |one: &T| self.window.from < to(one) && to(one) <= self.window.to;
        let more = !new.first().is_none_or(asked) || !new.last().is_none_or(asked);
        old.splice(replaced, new);
        if more {
            // The answer told more than it was asked for.
            old.sort_by_key(to);
            changed = true;
        }
        let gone = until(old, self.forgotten);
        old.drain(..gone);
        changed || gone > 0
    }

    /// A pod of which nothing is left goes: pods come and go for as long as a cockpit runs.
    fn parts(&self, old: &mut Vec<PartCounts>, mut new: Vec<PartCounts>) -> bool {
        let mut changed = false;
        for known in old.iter_mut() {
            let same = |part: &PartCounts| (&part.stratum, &part.pod) == (&known.stratum, &known.pod);
            let own = new.iter().position(same).map(|place| new.swap_remove(place).counts).unwrap_or_default();
            changed |= self.entries(&mut known.counts, own, |counts| counts.to);
        }
        for mut part in new {
            let counts = std::mem::take(&mut part.counts);
            changed |= self.entries(&mut part.counts, counts, |counts| counts.to);
            old.push(part);
        }
        old.retain(|part| !part.counts.is_empty());
        old.sort_by(|a, b| (&a.stratum, &a.pod).cmp(&(&b.stratum, &b.pod)));
        changed
    }

    fn latency(&self, old: &mut Vec<LatencyCounts>, mut new: Vec<LatencyCounts>) -> bool {
        let mut changed = false;
        for known in old.iter_mut() {
            let own = new.iter().position(|one| one.stratum == known.stratum).map(|place| new.swap_remove(place));
            let intervals = own.map(|mut own| {
                // A release may bring other buckets: what both have can still be compared.
                let common = common(&known.bounds, &own.bounds);
                narrow(known, &common);
                narrow(&mut own, &common);
                own.intervals
            });
            changed |= self.entries(&mut known.intervals, intervals.unwrap_or_default(), |interval| interval.to);
        }
        for mut one in new {
            let intervals = std::mem::take(&mut one.intervals);
            changed |= self.entries(&mut one.intervals, intervals, |interval| interval.to);
            old.push(one);
        }
        old.retain(|known| !known.intervals.is_empty());
        old.sort_by(|a, b| a.stratum.cmp(&b.stratum));
        changed
    }
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

    use chrono::TimeZone;

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
        ServiceSignals {
            service: "a".into(),
            environment: "".into(),
            step: Duration::from_mins(1),
            versions: vec![version],
        }
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
        let (mut went, mut kept) = (None, known.versions[0].parts.clone());
        for minute in day + 1..=day + 62 {
            let new = signals(vec![part("", "x", &[(minute, 1)])], Vec::new());
            let changed = service(&mut known, new, window(minute - 1, minute));
            match kept.iter_mut().find(|part| part.pod == "x") {
                Some(part) => part.counts.push(count(minute, 1)),
                None => kept.push(part("", "x", &[(minute, 1)])),
            }
            if changed && went.is_none() {
                (went, kept) = (Some(minute), vec![kept.pop().unwrap()]);
                assert_eq!(known.versions[0].latency_counts, []);
            }
            assert_eq!((changed, &known.versions[0].parts), (went == Some(minute), &kept), "{minute}");
        }
        assert!(went.is_some(), "within the hour");
    }

    #[test]
    fn only_what_comes_behind_all_that_is_known_leaves_the_past_as_it_was() {
        let told = |counts: &[(i64, u64)]| signals(vec![part("", "x", counts)], vec![timed(&[0.1], &[(2, &[9])])]);
        let known = || signals(vec![part("", "x", &[(1, 10), (2, 20)])], vec![timed(&[0.1], &[(2, &[9])])]);
        let changes = |new: ServiceSignals, window| {
            let mut all = known();
            (service(&mut all, new, window), all.versions[0].parts[0].counts.clone())
        };
        let after = |counts: &[(i64, u64)]| counts.iter().map(|&(minute, n)| count(minute, n)).collect::<Vec<_>>();
        let grown = after(&[(1, 10), (2, 20), (3, 30)]);
        assert_eq!(changes(told(&[(2, 20), (3, 30)]), window(1, 3)), (false, grown.clone()), "told again");
        let only_new = signals(vec![part("", "x", &[(3, 30)])], Vec::new());
        assert_eq!(changes(only_new, window(2, 3)), (false, grown));
        assert_eq!(changes(told(&[(2, 21)]), window(1, 2)), (true, after(&[(1, 10), (2, 21)])), "another number");
        assert_eq!(changes(told(&[]), window(1, 2)), (true, after(&[(1, 10)])), "gone");
        let other = signals(vec![part("", "x", &[(1, 10), (2, 20)]), part("", "y", &[(2, 1)])], Vec::new());
        assert!(changes(other, window(0, 2)).0, "a pod that was not there");
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

    #[test]
    fn response_times_that_could_not_be_read_replace_none_that_are_known() {
        let mut known = signals(vec![part("", "x", &[(1, 10)])], vec![timed(&[0.1], &[(1, &[9])])]);
        let mut new = signals(vec![part("", "x", &[(1, 10), (2, 20)])], Vec::new());
        new.versions[0].untimed = Some("a store did not answer".to_owned());
        service(&mut known, new, window(0, 2));
        let version = &known.versions[0];
        assert_eq!(version.parts, [part("", "x", &[(1, 10), (2, 20)])]);
        assert_eq!(version.latency_counts, [timed(&[0.1], &[(1, &[9])])]);
        assert_eq!(version.untimed.as_deref(), Some("a store did not answer"));
        let again = signals(vec![part("", "x", &[(3, 1)])], vec![timed(&[0.1], &[(3, &[7])])]);
        service(&mut known, again, window(2, 3));
        assert_eq!(known.versions[0].untimed, None);
    }
}
