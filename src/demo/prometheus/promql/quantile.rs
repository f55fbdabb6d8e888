//! `histogram_quantile` over classic buckets, as Prometheus 2.42 computes it.

use std::collections::BTreeMap;

use crate::demo::prometheus::{
    promql::{Row, without_gaps},
    store::{Labels, NAME},
};

/// One cumulative bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// A bound, and the count below it at each moment.
type Bound = (f64, Vec<Option<f64>>);

/// The quantile of each histogram at each moment. Series without a readable `le` are no buckets and are left out.
pub(super) fn histogram_quantile(quantiles: &[f64], rows: Vec<Row>) -> Vec<Row> {
    let mut histograms: BTreeMap<Labels, Vec<Bound>> = BTreeMap::new();
    for mut row in rows {
        row.labels.remove(NAME);
        let bound = row.labels.remove("le").and_then(|le| le.parse::<f64>().ok());
        if let Some(bound) = bound {
            histograms.entry(row.labels).or_default().push((bound, row.values));
        }
    }
    let rows = histograms.into_iter().map(|(labels, mut rows)| {
        rows.sort_by(|one, two| one.0.total_cmp(&two.0));
        let values = quantiles.iter().enumerate().map(|(moment, quantile)| {
            let counts = rows.iter().filter_map(|(bound, values)| {
                Some(Bucket { bound: *bound, count: values.get(moment).copied().flatten()? })
            });
            let buckets: Vec<Bucket> = counts.collect();
            (!buckets.is_empty()).then(|| bucket_quantile(*quantile, buckets))
        });
        Row { labels, values: values.collect() }
    });
    without_gaps(rows)
}

/// Prometheus' `bucketQuantile`: linear within a bucket; NaN where there is no bucket without a bound, or no observation.
fn bucket_quantile(quantile: f64, buckets: Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let buckets = monotonic(buckets);
    let [.., highest, last] = buckets.as_slice() else { return f64::NAN };
    if last.bound != f64::INFINITY || last.count == 0.0 {
        return f64::NAN;
    }
    let rank = quantile * last.count;
    let finite = buckets.len() - 1;
    let at = buckets.iter().take(finite).position(|bucket| bucket.count >= rank);
    let Some((index, bucket)) = at.and_then(|index| buckets.get(index).map(|bucket| (index, bucket))) else {
        return highest.bound;
    };
    let before = index.checked_sub(1).and_then(|index| buckets.get(index));
    match before {
        None if bucket.bound <= 0.0 => bucket.bound,
        None => bucket.bound * (rank / bucket.count),
        Some(before) => {
            let share = (rank - before.count) / (bucket.count - before.count);
            before.bound + (bucket.bound - before.bound) * share
        }
    }
}

/// Buckets of one bound become one, and counts that fall are raised: scrapes of several targets are not simultaneous.
fn monotonic(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut united: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match united.last_mut() {
            Some(last) if last.bound.total_cmp(&bucket.bound).is_eq() => last.count += bucket.count,
            _ => united.push(bucket),
        }
    }
    let mut most = f64::NEG_INFINITY;
    for bucket in &mut united {
        most = most.max(bucket.count);
        bucket.count = most;
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(quantile: f64, buckets: &[(f64, f64)]) -> Option<f64> {
        let buckets = buckets.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count });
        Some(bucket_quantile(quantile, buckets.collect())).filter(|value| !value.is_nan())
    }

    #[test]
    fn a_quantile_lies_within_its_bucket_as_if_values_were_spread_evenly() {
        let buckets = [(0.1, 50.0), (0.5, 90.0), (f64::INFINITY, 100.0)];
        assert_eq!(quantile(0.25, &buckets), Some(0.05));
        assert_eq!(quantile(0.75, &buckets), Some(0.1 + 0.4 * 0.625));
        assert_eq!(quantile(0.95, &buckets), Some(0.5));
        assert_eq!(quantile(2.0, &buckets), Some(f64::INFINITY));
        assert_eq!(quantile(-1.0, &buckets), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn without_observations_or_without_the_last_bucket_it_is_not_a_number() {
        assert_eq!(quantile(0.5, &[(0.1, 0.0), (f64::INFINITY, 0.0)]), None);
        assert_eq!(quantile(0.5, &[(0.1, 1.0), (0.5, 2.0)]), None);
        assert_eq!(quantile(f64::NAN, &[(0.1, 1.0), (f64::INFINITY, 2.0)]), None);
    }

    #[test]
    fn a_bucket_that_is_lower_than_the_one_before_it_is_raised() {
        assert_eq!(quantile(0.5, &[(0.1, 60.0), (0.5, 55.0), (f64::INFINITY, 100.0)]), Some(0.1 * (50.0 / 60.0)));
    }
}
