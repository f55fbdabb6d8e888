//! What was counted longer than an hour ago, in few bytes.
//!
//! Nothing is lost: unpacked, for the moment of a judgement, it is what it was, bit for bit, so that no verdict depends on what was
//! packed. It is packed in pieces, in order of time: history is read backwards, and what comes from further back is laid before the
//! rest, which stays packed.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    domain::{
        packed::{Packed, Row},
        signal::{BucketCounts, Counts, LatencyCounts, PartCounts, ServiceSignals, VersionSignals},
        time::Timestamp,
    },
    port::facet::Window,
};

/// So much is always at hand.
pub(super) const AT_HAND: Duration = Duration::from_hours(1);
/// So much more before it is packed: packing each interval by itself would pay off for nobody.
const SLACK: Duration = Duration::from_mins(15);

/// What is packed of a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Older {
    /// Everything that ended by then is packed.
    pub(super) until: Option<Timestamp>,
    /// The oldest end of what is packed.
    since: Option<Timestamp>,
    /// In order of time; what becomes old goes into the last one.
    pieces: VecDeque<Piece>,
}

/// By version.
type Piece = BTreeMap<String, Version>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Version {
    /// Requests and errors.
    counts: Packed,
    /// The same by stratum and pod.
    parts: BTreeMap<(String, String), Packed>,
    /// Bounds, and requests and those within each bound, by stratum.
    times: BTreeMap<String, (Vec<f64>, Packed)>,
}

impl Older {
    pub(super) fn is_empty(&self) -> bool {
        self.until.is_none()
    }

    /// How many bytes it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let times = |one: &Version| one.times.values().map(|(_, packed)| packed.bytes()).sum::<usize>();
        let parts = |one: &Version| one.parts.values().map(Packed::bytes).sum::<usize>();
        let versions = self.pieces.iter().flat_map(Piece::values);
        versions.map(|one| one.counts.bytes() + parts(one) + times(one)).sum()
    }

    /// Does anything of it end by then?
    pub(super) fn reaches(&self, end: Timestamp) -> bool {
        self.since.is_some_and(|since| since <= end)
    }

    /// Are the bounds of response times those that are packed?
    pub(super) fn fits(&self, new: &ServiceSignals) -> bool {
        let packed = |label: &str, stratum: &str| {
            self.pieces.iter().find_map(|piece| piece.get(label)?.times.get(stratum)).map(|(bounds, _)| bounds)
        };
        new.versions.iter().all(|version| {
            let mut all = version.latency_counts.iter();
            all.all(|one| packed(&version.label, &one.stratum).is_none_or(|bounds| *bounds == one.bounds))
        })
    }

    /// Packs what is old of these signals, whose newest interval ended at `newest`; limits are held to what is `reach` old. Pods and
    /// strata keep their entries, and totals their last interval: which there are, and when they ended, is asked for every time.
    pub(super) fn pack(&mut self, signals: &mut ServiceSignals, newest: Timestamp, reach: Duration) {
        let until = newest - AT_HAND.max(reach);
        let oldest = signals.versions.iter().filter_map(oldest).min();
        if oldest.is_none_or(|oldest| oldest > until - SLACK) {
            return;
        }
        (self.since, self.until) = (earlier(self.since, oldest), Some(until));
        if self.pieces.is_empty() {
            self.pieces.push_back(Piece::new());
        }
        if let Some(piece) = self.pieces.back_mut() {
            pack(piece, &mut signals.versions, until, |_| true);
        }
    }

    /// Lays what was read of a time before all that is known before it, packed; `known` are the signals at hand, whose newest interval
    /// ended at `newest`. What is left in it is for them: points, and what is asked for every time. False, and nothing happens, where it
    /// is not that old.
    pub(super) fn lay_before(
        &mut self,
        new: &mut ServiceSignals,
        known: &ServiceSignals,
        (window, newest): (Window, Timestamp),
        reach: Duration,
    ) -> bool {
        let begins = known.versions.iter().filter_map(oldest).chain(self.since).min();
        let is_before = begins.is_some_and(|begins| window.to < begins) && window.to <= newest - AT_HAND.max(reach);
        let asked = |at: Timestamp| window.from < at && at <= window.to;
        let alike = self.fits(new) && are_alike(known, new);
        if !is_before || !alike || !new.versions.iter().all(|version| ends(version).all(asked)) {
            return false;
        }
        let Some(oldest) = new.versions.iter().filter_map(oldest).min() else { return false };
        let mut piece = Piece::new();
        // When a version ended stays at hand.
        let is_known = |label: &str| known.versions.iter().any(|one| one.label == label && !one.counts.is_empty());
        pack(&mut piece, &mut new.versions, window.to, |label| !is_known(label));
        (self.since, self.until) = (Some(oldest), self.until.max(Some(window.to)));
        self.pieces.push_front(piece);
        true
    }

    /// Gives entries to what has none any more, so that pods and strata of which everything is packed are still known by their names.
    pub(super) fn name(&self, signals: &mut ServiceSignals) {
        for version in &mut signals.versions {
            let packed: Vec<&Version> = self.pieces.iter().filter_map(|piece| piece.get(&version.label)).collect();
            for (stratum, pod) in packed.iter().flat_map(|one| one.parts.keys()) {
                let known = version.parts.iter().any(|part| (&part.stratum, &part.pod) == (stratum, pod));
                if !known {
                    let (stratum, pod) = (stratum.clone(), pod.clone());
                    version.parts.push(PartCounts { stratum, pod, counts: Vec::new() });
                }
            }
            version.parts.sort_by(|a, b| (&a.stratum, &a.pod).cmp(&(&b.stratum, &b.pod)));
            for (stratum, (bounds, _)) in packed.iter().flat_map(|one| &one.times) {
                if !version.latency_counts.iter().any(|one| one.stratum == *stratum) {
                    let (stratum, bounds) = (stratum.clone(), bounds.clone());
                    version.latency_counts.push(LatencyCounts { stratum, bounds, intervals: Vec::new() });
                }
            }
            version.latency_counts.sort_by(|a, b| a.stratum.cmp(&b.stratum));
        }
    }

    /// The same signals with everything that is packed.
    pub(super) fn whole(&self, signals: &ServiceSignals) -> ServiceSignals {
        let mut whole = signals.clone();
        for version in &mut whole.versions {
            let pieces: Vec<&Version> = self.pieces.iter().filter_map(|piece| piece.get(&version.label)).collect();
            let totals = pieces.iter().flat_map(|piece| piece.counts.rows());
            version.counts.splice(0..0, totals.filter_map(counts));
            for part in &mut version.parts {
                let key = (part.stratum.clone(), part.pod.clone());
                let older = pieces.iter().filter_map(|piece| piece.parts.get(&key)).flat_map(Packed::rows);
                part.counts.splice(0..0, older.filter_map(counts));
            }
            for times in &mut version.latency_counts {
                let older = pieces.iter().filter_map(|piece| piece.times.get(&times.stratum));
                times.intervals.splice(0..0, older.flat_map(|(_, older)| older.rows()).filter_map(within));
            }
        }
        whole
    }
}

/// Packs what ended by then; of the totals of a version whose last interval is `kept` all but that.
fn pack(piece: &mut Piece, versions: &mut [VersionSignals], until: Timestamp, kept: impl Fn(&str) -> bool) {
    let of = |one: &Counts| ((one.from, one.to), vec![one.requests, one.errors]);
    for version in versions {
        let packed = piece.entry(version.label.clone()).or_default();
        let last = if kept(&version.label) { version.counts.pop() } else { None };
        take(&mut version.counts, until, |one| one.to, of, &mut packed.counts);
        version.counts.extend(last);
        for part in &mut version.parts {
            let into = packed.parts.entry((part.stratum.clone(), part.pod.clone())).or_default();
            take(&mut part.counts, until, |one| one.to, of, into);
        }
        for times in &mut version.latency_counts {
            let row = |one: &BucketCounts| ((one.from, one.to), [&[one.requests][..], one.within.as_slice()].concat());
            let bounds = || (times.bounds.clone(), Packed::default());
            let (_, into) = packed.times.entry(times.stratum.clone()).or_insert_with(bounds);
            take(&mut times.intervals, until, |one| one.to, row, into);
        }
    }
}

/// Have the response times of both the same bounds?
fn are_alike(known: &ServiceSignals, new: &ServiceSignals) -> bool {
    let bounds = |label: &str, stratum: &str| {
        let version = known.versions.iter().find(|version| version.label == label)?;
        version.latency_counts.iter().find(|one| one.stratum == stratum).map(|one| &one.bounds)
    };
    let all = new.versions.iter().flat_map(|version| version.latency_counts.iter().map(|one| (&version.label, one)));
    all.into_iter().all(|(label, one)| bounds(label, &one.stratum).is_none_or(|bounds| *bounds == one.bounds))
}

/// The earlier of the two that are there.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The ends of all intervals of a version.
fn ends(version: &VersionSignals) -> impl Iterator<Item = Timestamp> {
    let counts = version.counts.iter().chain(version.parts.iter().flat_map(|part| &part.counts)).map(|one| one.to);
    counts.chain(version.latency_counts.iter().flat_map(|one| &one.intervals).map(|one| one.to))
}

/// Moves what ended by then.
fn take<T>(
    all: &mut Vec<T>,
    until: Timestamp,
    to: fn(&T) -> Timestamp,
    row: impl Fn(&T) -> ((Timestamp, Timestamp), Vec<u64>),
    into: &mut Packed,
) {
    let old = all.partition_point(|one| to(one) <= until);
    for one in all.drain(..old) {
        let (span, numbers) = row(&one);
        into.push(span, numbers.into_iter());
    }
    all.shrink_to_fit();
    into.shrink();
}

/// The oldest end of what can be packed of a version.
fn oldest(version: &VersionSignals) -> Option<Timestamp> {
    let totals = version.counts.first().filter(|_| version.counts.len() > 1).map(|one| one.to);
    let parts = version.parts.iter().filter_map(|part| part.counts.first()).map(|one| one.to).chain(totals);
    let times = version.latency_counts.iter().filter_map(|one: &LatencyCounts| one.intervals.first());
    parts.chain(times.map(|one| one.to)).min()
}

fn counts(row: Row) -> Option<Counts> {
    let [requests, errors] = row.numbers.try_into().ok()?;
    Some(Counts { from: row.span.0, to: row.span.1, requests, errors })
}

fn within(mut row: Row) -> Option<BucketCounts> {
    if row.numbers.is_empty() {
        return None;
    }
    let requests = row.numbers.remove(0);
    Some(BucketCounts { from: row.span.0, to: row.span.1, requests, within: row.numbers })
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;

    fn at(minute: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn count(minute: i64) -> Counts {
        let minutes = minute.unsigned_abs();
        Counts { from: at(minute - 1), to: at(minute), requests: 1000 + minutes * 7 % 13, errors: minutes % 3 }
    }

    /// Four hours of two pods, of which one was gone after an hour, and of response times.
    fn signals() -> ServiceSignals {
        let part = |pod: &str, until| PartCounts {
            stratum: "eu".into(),
            pod: pod.into(),
            counts: (1..=until).map(count).collect(),
        };
        let bucket = |minute: i64| {
            let Counts { from, to, requests, .. } = count(minute);
            BucketCounts { from, to, requests, within: vec![requests / 2, requests - 1] }
        };
        let times =
            LatencyCounts { stratum: "eu".into(), bounds: vec![0.1, 1.0], intervals: (1..=240).map(bucket).collect() };
        let version = VersionSignals {
            label: "1".into(),
            counts: (1..=240).map(count).collect(),
            parts: vec![part("gone", 60), part("here", 240)],
            latency_counts: vec![times],
            ..VersionSignals::default()
        };
        let step = Duration::from_mins(1);
        ServiceSignals { service: "a".into(), environment: "".into(), step, versions: vec![version] }
    }

    #[test]
    fn what_is_packed_comes_back_as_it_was_and_an_hour_stays_at_hand() {
        let whole = signals();
        let (mut kept, mut older) = (whole.clone(), Older::default());
        older.pack(&mut kept, at(240), Duration::ZERO);
        older.name(&mut kept);
        let version = &kept.versions[0];
        assert_eq!(version.parts.iter().map(|part| part.counts.len()).collect::<Vec<_>>(), [0, 60]);
        assert_eq!((version.latency_counts[0].intervals.len(), older.until), (60, Some(at(180))));
        assert_eq!(older.whole(&kept), whole);
        assert_eq!(version.counts.len(), 60);
        let rows = 60 + 180 + 180 + 180;
        assert!(older.bytes() <= rows * 8 + 16, "{} bytes for {rows} intervals", older.bytes());
        // And with what came after it.
        let newer = count(241);
        let mut later = whole;
        for signals in [&mut kept, &mut later] {
            signals.versions[0].parts[1].counts.push(newer);
            signals.versions[0].counts.push(newer);
        }
        assert_eq!(older.whole(&kept), later);
    }

    #[test]
    fn when_a_version_ended_is_not_packed_away_and_limits_have_what_they_are_held_to() {
        let whole = signals();
        let (mut kept, mut older) = (whole.clone(), Older::default());
        older.pack(&mut kept, at(1000), Duration::ZERO);
        assert_eq!(kept.versions[0].counts, [count(240)]);
        assert_eq!(older.whole(&kept), whole);
        let (mut kept, mut older) = (whole, Older::default());
        older.pack(&mut kept, at(240), Duration::from_mins(200));
        assert_eq!(kept.versions[0].counts.len(), 200);
    }

    #[test]
    fn nothing_is_packed_that_is_not_an_hour_old() {
        let (mut kept, mut older) = (signals(), Older::default());
        let young = kept.clone().after(at(170));
        kept = young.clone();
        older.pack(&mut kept, at(240), Duration::ZERO);
        assert_eq!((kept, older.is_empty()), (young, true));
    }
}
