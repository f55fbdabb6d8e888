//! Signals in few bytes, and the windows of a place joined into one. Nothing is rounded: what comes out is what went in, to the last
//! bit, so that no verdict depends on what was packed.
//!
//! What is named once (versions, pods, bounds) stands in front, as JSON; numbers follow column by column, where neighbours are alike.
//! Whole numbers are packed as the store packs them (`domain::packed`), and points byte by byte of their values: the first bytes of
//! neighbours are mostly the same. All of it is compressed at once.

use std::{
    io::{self, Read, Write},
    mem::take,
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use crate::{
    domain::{
        packed::{Packed, Rows},
        signal::{BucketCounts, Counts, Latency, LatencyCounts, PartCounts, Point, Series, VersionSignals},
        time::Timestamp,
    },
    port::kept::KeptSignals,
};

/// More than any answer that is kept: what says that it is larger is none of ours.
pub(super) const LARGEST: u64 = 64 << 20;

/// The signals in few bytes.
pub(super) fn pack(one: &KeptSignals) -> io::Result<Vec<u8>> {
    let mut named = one.clone();
    let mut columns = Vec::new();
    for version in &mut named.signals.versions {
        for series in series(version) {
            write_series(&mut columns, &take(series));
        }
        write_counts(&mut columns, &take(&mut version.counts));
        version.parts.iter_mut().for_each(|part| write_counts(&mut columns, &take(&mut part.counts)));
        version.latency_counts.iter_mut().for_each(|one| write_intervals(&mut columns, &take(&mut one.intervals)));
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let mut all = Vec::new();
    write(&mut all, &serde_json::to_vec(&named)?);
    encoder.write_all(&all)?;
    encoder.write_all(&columns)?;
    encoder.finish()
}

/// What was packed; `None` where it is nothing of ours.
pub(super) fn unpack(bytes: &[u8]) -> Option<KeptSignals> {
    let mut all = Vec::new();
    ZlibDecoder::new(bytes).take(LARGEST).read_to_end(&mut all).ok()?;
    let mut left = all.as_slice();
    let mut one: KeptSignals = serde_json::from_slice(read(&mut left)?).ok()?;
    for version in &mut one.signals.versions {
        for series in series(version) {
            *series = read_series(&mut left)?;
        }
        version.counts = read_counts(&mut left)?;
        for part in &mut version.parts {
            part.counts = read_counts(&mut left)?;
        }
        for one in &mut version.latency_counts {
            one.intervals = read_intervals(&mut left)?;
        }
    }
    left.is_empty().then_some(one)
}

fn series(version: &mut VersionSignals) -> [&mut Series; 5] {
    let Latency { p50, p95, p99, .. } = &mut version.latency;
    [&mut version.error_ratio, &mut version.request_rate, p50, p95, p99]
}

/// Writes so many bytes, and before them how many.
fn write(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(bytes);
}

fn read<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *from = rest;
    Some(bytes)
}

fn write_series(to: &mut Vec<u8>, points: &[Point]) {
    let mut times = Packed::default();
    for point in points {
        times.push((point.at, point.at), [].into_iter());
    }
    write(to, times.as_bytes());
    let values: Vec<[u8; 8]> = points.iter().map(|point| point.value.to_be_bytes()).collect();
    to.extend((0..8).flat_map(|place| values.iter().filter_map(move |value| value.get(place))));
}

fn read_series(from: &mut &[u8]) -> Option<Series> {
    let times: Vec<Timestamp> = Rows::of(read(from)?).map(|row| row.span.1).collect();
    let (columns, rest) = from.split_at_checked(times.len().checked_mul(8)?)?;
    *from = rest;
    let value = |row: usize| {
        let mut bytes = [0; 8];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = *columns.get(place * times.len() + row)?;
        }
        Some(f64::from_be_bytes(bytes))
    };
    times.iter().enumerate().map(|(row, at)| Some(Point { at: *at, value: value(row)? })).collect()
}

fn write_counts(to: &mut Vec<u8>, counts: &[Counts]) {
    let mut packed = Packed::default();
    for one in counts {
        packed.push((one.from, one.to), [one.errors, one.requests].into_iter());
    }
    write(to, packed.as_bytes());
}

fn read_counts(from: &mut &[u8]) -> Option<Vec<Counts>> {
    let rows = Rows::of(read(from)?);
    let counts = rows.map(|row| match row.numbers.as_slice() {
        [errors, requests] => Some(Counts { from: row.span.0, to: row.span.1, requests: *requests, errors: *errors }),
        _ => None,
    });
    counts.collect()
}

fn write_intervals(to: &mut Vec<u8>, intervals: &[BucketCounts]) {
    let mut packed = Packed::default();
    for one in intervals {
        let numbers: Vec<u64> = one.within.iter().copied().chain([one.requests]).collect();
        packed.push((one.from, one.to), numbers.into_iter());
    }
    write(to, packed.as_bytes());
}

fn read_intervals(from: &mut &[u8]) -> Option<Vec<BucketCounts>> {
    let intervals = Rows::of(read(from)?).map(|mut row| {
        let requests = row.numbers.pop()?;
        Some(BucketCounts { from: row.span.0, to: row.span.1, requests, within: row.numbers })
    });
    intervals.collect()
}

/// One window of two that follow each other, which taken at once gives what taking one after the other does; else `None`: they leave a
/// gap, overlap, are of other places, or what cannot be read in one of them stands for the other too.
pub(super) fn join(one: &KeptSignals, next: &KeptSignals) -> Option<KeptSignals> {
    let (place, other) = (one.signals.place(), next.signals.place());
    let alike = one.source == next.source && place == other && one.signals.step == next.signals.step;
    if !alike || one.window.step != next.window.step || one.window.to != next.window.from {
        return None;
    }
    let mut joined = one.clone();
    joined.window.to = next.window.to;
    for version in &mut joined.signals.versions {
        // It is about the newest requests, and there are none.
        version.uncounted = None;
        version.untimed.is_none().then_some(())?;
    }
    for new in &next.signals.versions {
        match joined.signals.versions.iter_mut().find(|known| known.label == new.label) {
            Some(known) => add(known, new)?,
            None => joined.signals.versions.push(new.clone()),
        }
    }
    next.signals.versions.iter().all(|new| new.untimed.is_none()).then_some(joined)
}

/// Lays what followed behind what was before it.
fn add(known: &mut VersionSignals, new: &VersionSignals) -> Option<()> {
    // All of them by name, so that one that is added later is thought of here.
    let VersionSignals {
        label: _,
        role,
        error_ratio,
        request_rate,
        latency: Latency { p50, p95, p99, highest_bound },
        counts,
        parts,
        latency_counts,
        uncounted,
        untimed: _,
    } = new;
    (known.role == *role).then_some(())?;
    known.latency.highest_bound = highest_bound.or(known.latency.highest_bound);
    known.uncounted.clone_from(uncounted);
    for (known, new) in series(known).into_iter().zip([error_ratio, request_rate, p50, p95, p99]) {
        behind(known, new, |point| point.at)?;
    }
    behind(&mut known.counts, counts, |counts| counts.to)?;
    for part in parts {
        let same = |known: &&mut PartCounts| (&known.stratum, &known.pod) == (&part.stratum, &part.pod);
        match known.parts.iter_mut().find(same) {
            Some(known) => behind(&mut known.counts, &part.counts, |counts| counts.to)?,
            None => known.parts.push(part.clone()),
        }
    }
    for one in latency_counts {
        match known.latency_counts.iter_mut().find(|known| known.stratum == one.stratum) {
            Some(known) if bits(known) == bits(one) => {
                behind(&mut known.intervals, &one.intervals, |interval| interval.to)?;
            }
            Some(_) => return None,
            None => known.latency_counts.push(one.clone()),
        }
    }
    Some(())
}

fn bits(counts: &LatencyCounts) -> Vec<u64> {
    counts.bounds.iter().map(|bound| bound.to_bits()).collect()
}

fn behind<T: Clone>(known: &mut Vec<T>, new: &[T], at: fn(&T) -> Timestamp) -> Option<()> {
    if let (Some(last), Some(first)) = (known.last(), new.first()) {
        (at(last) < at(first)).then_some(())?;
    }
    known.extend_from_slice(new);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{domain::signal::ServiceSignals, journal::sample::at, port::facet::Window};

    fn point(second: i64, value: f64) -> Point {
        Point { at: at(second), value }
    }

    fn count(second: i64, requests: u64) -> Counts {
        Counts { from: at(second - 30), to: at(second), requests, errors: requests / 7 }
    }

    /// The signals of so many intervals after a second, in a version that has everything.
    fn kept(after: i64, intervals: i64) -> KeptSignals {
        let ends = || (1..=intervals).map(move |number| after + number * 30);
        let number = |end: i64| end.unsigned_abs() * 7919 % 613;
        let values = |by: f64| ends().map(move |end| point(end, f64::from(i32::try_from(end).unwrap()).sin() * by));
        let bucket = |end: i64| BucketCounts {
            from: at(end - 30),
            to: at(end),
            requests: number(end) + 9,
            within: vec![number(end), number(end) + 5],
        };
        let version = VersionSignals {
            label: "1.42.0".into(),
            error_ratio: values(0.01).collect(),
            request_rate: values(20.0).collect(),
            latency: Latency { p50: values(0.1).collect(), highest_bound: Some(0.3), ..Latency::default() },
            counts: ends().map(|end| count(end, number(end))).collect(),
            parts: vec![PartCounts {
                stratum: "eu".into(),
                pod: "a".into(),
                counts: ends().map(|end| count(end, number(end))).collect(),
            }],
            latency_counts: vec![LatencyCounts {
                stratum: "eu".into(),
                bounds: vec![0.1 + 0.2, f64::from_bits(0x3fd5_5555_5555_5555)],
                intervals: ends().map(bucket).collect(),
            }],
            ..VersionSignals::default()
        };
        let step = Duration::from_secs(30);
        KeptSignals {
            source: "prom".into(),
            window: Window { from: at(after), to: at(after + intervals * 30), step },
            signals: ServiceSignals {
                service: "payments".into(),
                environment: "prod/eu".into(),
                step,
                versions: vec![version],
            },
        }
    }

    #[test]
    fn what_was_packed_comes_out_to_the_last_bit_whatever_the_numbers_are() {
        let mut odd = kept(0, 3);
        odd.signals.versions[0].error_ratio =
            vec![point(30, f64::INFINITY), point(60, -0.0), point(90, f64::MIN_POSITIVE)];
        odd.signals.versions[0].counts = vec![count(30, u64::MAX)];
        odd.signals.versions.push(VersionSignals { label: "empty".into(), ..VersionSignals::default() });
        for one in [kept(0, 40), odd] {
            let packed = pack(&one).unwrap();
            assert_eq!(unpack(&packed), Some(one));
            assert_eq!(unpack(&packed[..packed.len() - 1]), None, "cut off");
        }
        assert_eq!([unpack(b""), unpack(b"no such thing")], [None, None]);
    }

    #[test]
    fn windows_that_follow_each_other_are_one_and_others_stay_as_they_are() {
        assert_eq!(join(&kept(0, 3), &kept(90, 2)), Some(kept(0, 5)));
        assert_eq!(join(&kept(0, 3), &kept(120, 2)), None, "a gap");
        assert_eq!(join(&kept(0, 3), &kept(60, 2)), None, "told again");
        let mut elsewhere = kept(90, 2);
        elsewhere.signals.environment = "prod/us".into();
        assert_eq!(join(&kept(0, 3), &elsewhere), None);
        let mut untimed = kept(90, 2);
        untimed.signals.versions[0].untimed = Some("a store did not answer".into());
        assert_eq!([join(&kept(0, 3), &untimed), join(&untimed, &kept(150, 1))], [None, None]);
        let mut buckets = kept(90, 2);
        buckets.signals.versions[0].latency_counts[0].bounds[0] = 0.5;
        assert_eq!(join(&kept(0, 3), &buckets), None);
    }
}
