//! Native histograms (Prometheus 2.40 and later) as counts at fixed bounds. No JSON, no series.
//!
//! Their buckets grow by one factor, 2^(2^-schema): schema 3 has eight bounds an octave, schema 0 one, and every second bound
//! of a schema is a bound of the next coarser one. (Prometheus documentation, "Native Histograms"; HTTP API, "Native
//! histograms".) An answer lists only the buckets in which something is, so which bounds it names depends on the data. What is
//! compared must have its bounds before the data: here they are the rungs of a ladder, two an octave (schema 1) from about a
//! millisecond to about a minute. A count at a rung is exact; of a coarser histogram only those rungs are known that its
//! schema has.

use std::ops::RangeInclusive;

use crate::provider::prometheus::{presets::LatencyUnit, quantile::Bucket};

/// The schema of the ladder's rungs.
const LADDER: i32 = 1;
/// The schemas that Prometheus has. Others (custom bounds, -53) are not of this kind.
const SCHEMAS: RangeInclusive<i32> = -4..=8;

/// One histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Native {
    /// All observations, or observations a second.
    pub(super) count: f64,
    /// Those between two bounds, in the unit of the source: in no order, and only where there are any.
    pub(super) buckets: Vec<Between>,
}

/// What one bucket holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) count: f64,
}

/// The octaves of the ladder, as powers of two of the source's unit: 2^-10 s or 2^0 ms to 2^6 s or 2^16 ms.
fn octaves(unit: LatencyUnit) -> RangeInclusive<i32> {
    match unit {
        LatencyUnit::Seconds => -10..=6,
        LatencyUnit::Milliseconds => 0..=16,
    }
}

/// The highest rung, in seconds: beyond it a time is only "more than that".
pub(super) fn highest_bound(unit: LatencyUnit) -> f64 {
    f64::from(*octaves(unit).end()).exp2() / unit.per_second()
}

impl Native {
    /// The schema, by how its buckets grow; the finest where nothing tells (no bucket above zero). `None` where its buckets do
    /// not grow by one of Prometheus' factors.
    fn schema(&self) -> Option<i32> {
        let mut coarsest = *SCHEMAS.end();
        for bucket in self.buckets.iter().filter(|bucket| bucket.low > 0.0) {
            let exact = -(bucket.high / bucket.low).log2().log2();
            let schema = SCHEMAS.rev().find(|schema| (exact - f64::from(*schema)).abs() < 1e-3)?;
            coarsest = coarsest.min(schema);
        }
        Some(coarsest)
    }

    /// How many observations each rung holds, as `(bound in seconds, count)`, ascending, and all of them at infinity. `None` for
    /// a histogram of another kind.
    pub(super) fn at_the_rungs(&self, unit: LatencyUnit) -> Option<Vec<(f64, f64)>> {
        let schema = self.schema()?.min(LADDER);
        let (first, last) = octaves(unit).into_inner();
        let an_octave = 2_i32.pow(LADDER.unsigned_abs());
        // Of a coarser schema every second rung is left, of the next every fourth.
        let every = 2_i32.pow(LADDER.abs_diff(schema));
        let rungs = (first * an_octave..=last * an_octave).filter(|rung| rung % every == 0);
        let at = |rung: i32| {
            let bound = (f64::from(rung) / f64::from(an_octave)).exp2();
            // A bound is computed here and printed there: the last digit may differ, the next bound is far.
            let within = self.buckets.iter().filter(|bucket| bucket.high <= bound * (1.0 + 1e-9));
            (bound / unit.per_second(), within.map(|bucket| bucket.count).sum())
        };
        Some(rungs.map(at).chain([(f64::INFINITY, self.count)]).collect())
    }

    /// Its own buckets as cumulative ones, bounds in seconds, for quantiles.
    pub(super) fn cumulative(&self, unit: LatencyUnit) -> Vec<Bucket> {
        let mut own = self.buckets.clone();
        own.sort_by(|a, b| a.high.total_cmp(&b.high));
        let (mut all, mut count) = (Vec::new(), 0.0);
        for bucket in own {
            // Between two listed buckets may be empty ones: a quantile must not spread over them.
            if bucket.low > 0.0 {
                all.push((bucket.low, count));
            }
            count += bucket.count;
            all.push((bucket.high, count));
        }
        all.dedup_by(|next, one| next.0.to_bits() == one.0.to_bits());
        let finite = all.into_iter().map(|(bound, count)| Bucket { bound: bound / unit.per_second(), count });
        finite.chain([Bucket { bound: f64::INFINITY, count: self.count }]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A histogram of this schema, with these counts in its buckets by their index: bucket `i` ends at 2^(i·2^-schema).
    fn native(schema: i32, buckets: &[(i32, f64)]) -> Native {
        let bound = |index: i32| (f64::from(index) * f64::from(-schema).exp2()).exp2();
        let between = |&(index, count): &(i32, f64)| Between { low: bound(index - 1), high: bound(index), count };
        let count = buckets.iter().map(|(_, count)| count).sum();
        Native { count, buckets: buckets.iter().map(between).collect() }
    }

    fn known(native: &Native) -> Vec<(f64, f64)> {
        native.at_the_rungs(LatencyUnit::Seconds).unwrap()
    }

    #[test]
    fn the_rungs_do_not_depend_on_the_data_and_hold_what_is_at_most_their_bound() {
        // Schema 3: an eighth of an octave each; -8 ends at half a second.
        let rungs = known(&native(3, &[(-9, 4.0), (-8, 3.0), (-7, 2.0), (0, 1.0)]));
        let empty = known(&Native::default());
        let bounds = |rungs: &[(f64, f64)]| rungs.iter().map(|(bound, _)| *bound).collect::<Vec<_>>();
        assert_eq!(bounds(&rungs), bounds(&empty));
        assert_eq!((rungs.len(), rungs[0].0, rungs[32].0), (34, 1.0 / 1024.0, highest_bound(LatencyUnit::Seconds)));
        let at = |bound: f64| rungs.iter().find(|(known, _)| known.to_bits() == bound.to_bits()).unwrap().1;
        let held = [0.25, 0.5, 0.5_f64.sqrt(), 1.0, f64::INFINITY].map(at);
        assert_eq!(held.to_vec(), vec![0.0, 7.0, 9.0, 10.0, 10.0]);
    }

    #[test]
    fn a_coarser_histogram_has_every_second_rung_for_each_step_of_schema_and_they_are_the_same_ones() {
        let fine = known(&native(1, &[(-2, 5.0)]));
        for (schema, count) in [(1, 34), (0, 18), (-1, 10), (-2, 5)] {
            let coarse = known(&native(schema, &[(0, 5.0)]));
            assert_eq!(coarse.len(), count, "schema {schema}");
            assert!(coarse.iter().all(|(bound, _)| fine.iter().any(|(other, _)| other.to_bits() == bound.to_bits())));
        }
    }

    #[test]
    fn milliseconds_are_told_in_seconds_and_zero_is_within_every_rung() {
        let zero = Between { low: -1e-9, high: 1e-9, count: 2.0 };
        let one = Native { count: 3.0, buckets: vec![zero, Between { low: 128.0, high: 256.0, count: 1.0 }] };
        let rungs = one.at_the_rungs(LatencyUnit::Milliseconds).unwrap();
        assert_eq!((rungs[0], rungs[8]), ((0.001, 2.0), (0.256, 3.0)));
    }

    #[test]
    fn bounds_that_grow_by_no_factor_of_prometheus_are_of_another_kind() {
        let custom = Native { count: 1.0, buckets: vec![Between { low: 0.1, high: 0.25, count: 1.0 }] };
        assert_eq!(custom.at_the_rungs(LatencyUnit::Seconds), None);
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_that_holds_it_and_not_in_the_gap_before_it() {
        let gap = native(0, &[(-6, 90.0), (1, 10.0)]);
        let p95 = crate::provider::prometheus::quantile::quantile(0.95, &gap.cumulative(LatencyUnit::Seconds));
        assert_eq!(p95, Some(1.5));
    }
}
