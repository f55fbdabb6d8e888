//! Quantiles of classic histograms, as Prometheus computes them.
//!
//! One query for the buckets then gives every quantile: three queries fewer, each of which would read the same series.
//! The rules are those of `bucketQuantile` and `ensureMonotonic` in Prometheus' `promql/quantile.go`.

/// One cumulative bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    /// Its inclusive upper bound; `+Inf` for the last one.
    pub(super) bound: f64,
    /// Observations, or observations a second, up to the bound.
    pub(super) count: f64,
}

/// The quantile `q` (0 to 1), interpolated linearly within its bucket; the highest finite bound where it lies beyond that.
/// `None` where Prometheus answers NaN: no `+Inf` bucket, fewer than two buckets, or no observation.
pub(super) fn quantile(q: f64, buckets: &[Bucket]) -> Option<f64> {
    let buckets = orderly(buckets);
    let (last, finite) = buckets.split_last()?;
    if last.bound != f64::INFINITY || last.count.is_nan() || last.count <= 0.0 {
        return None;
    }
    let highest = finite.last()?;
    let rank = q * last.count;
    let Some(index) = finite.iter().position(|bucket| bucket.count >= rank) else {
        return Some(highest.bound);
    };
    let bucket = finite.get(index)?;
    let below = index.checked_sub(1).and_then(|i| finite.get(i));
    let (start, before) = match below {
        Some(below) => (below.bound, below.count),
        None if bucket.bound <= 0.0 => return Some(bucket.bound),
        None => (0.0, 0.0),
    };
    let value = start + (bucket.bound - start) * ((rank - before) / (bucket.count - before));
    (!value.is_nan()).then_some(value)
}

/// In order of their bounds, equal bounds added up, and counts that never fall: scrapes of many pods are not simultaneous,
/// so a sum over them can fall from one bucket to the next.
fn orderly(buckets: &[Bucket]) -> Vec<Bucket> {
    let mut sorted = buckets.to_vec();
    sorted.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    let mut out: Vec<Bucket> = Vec::with_capacity(sorted.len());
    for bucket in sorted {
        match out.last_mut() {
            #[expect(clippy::float_cmp, reason = "the same label text gives the same bits")]
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => out.push(bucket),
        }
    }
    let mut highest = f64::NEG_INFINITY;
    for bucket in &mut out {
        highest = highest.max(bucket.count);
        bucket.count = highest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(list: &[(f64, f64)]) -> Vec<Bucket> {
        list.iter().map(|&(bound, count)| Bucket { bound, count }).collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_agree_with_those_of_prometheus() {
        // From Prometheus' own promql/testdata/histograms.test.
        let positive = buckets(&[(0.1, 5.0), (0.2, 7.0), (1.0, 11.0), (INF, 12.0)]);
        let negative = buckets(&[(-0.2, 1.0), (-0.1, 2.0), (0.3, 2.0), (INF, 3.0)]);
        let table = [
            (0.0, &positive, Some(0.0)),
            (0.2, &positive, Some(0.048)),
            (0.5, &positive, Some(0.15)),
            (0.8, &positive, Some(0.72)),
            (1.0, &positive, Some(1.0)),
            (0.0, &negative, Some(-0.2)),
            (0.2, &negative, Some(-0.2)),
            (0.5, &negative, Some(-0.15)),
            (0.8, &negative, Some(0.3)),
        ];
        for (q, buckets, expected) in table {
            let got = quantile(q, buckets);
            let close = match (got, expected) {
                (Some(got), Some(expected)) => (got - expected).abs() < 1e-12,
                (got, expected) => got == expected,
            };
            assert!(close, "q {q}: {got:?} instead of {expected:?}");
        }
    }

    #[test]
    fn a_quantile_beyond_the_last_finite_bound_is_that_bound() {
        assert_eq!(quantile(0.99, &buckets(&[(0.1, 5.0), (1.0, 9.0), (INF, 10.0)])), Some(1.0));
    }

    #[test]
    fn there_is_no_quantile_without_an_infinite_bucket_a_finite_one_and_an_observation() {
        for none in [
            &[][..],
            &[(INF, 4.0)],
            &[(0.1, 5.0), (1.0, 9.0)],
            &[(0.1, 0.0), (INF, 0.0)],
            &[(0.1, f64::NAN), (INF, f64::NAN)],
        ] {
            assert_eq!(quantile(0.5, &buckets(none)), None, "{none:?}");
        }
    }

    #[test]
    fn counts_that_fall_are_lifted_and_equal_bounds_are_added() {
        // The recorded reply `info_histogram_quantile_monotonicity` of 3.5: 0.9 of (0.1: 5, 1: 3, +Inf: 9) is 1.
        assert_eq!(quantile(0.9, &buckets(&[(1.0, 3.0), (INF, 9.0), (0.1, 5.0)])), Some(1.0));
        let split = buckets(&[(0.1, 1.0), (0.1, 1.0), (INF, 2.0), (INF, 2.0)]);
        assert_eq!(quantile(0.5, &split), quantile(0.5, &buckets(&[(0.1, 2.0), (INF, 4.0)])));
    }
}
