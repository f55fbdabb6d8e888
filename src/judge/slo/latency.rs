//! Slow requests as bad requests: a latency objective is an objective on counts.

use crate::{
    domain::signal::{Counts, LatencyCounts},
    judge::slo::Lack,
};

/// How near a bucket bound must be to the objective's: they come from text on both sides.
const SAME: f64 = 1e-9;

/// The requests of each interval, with those that took longer than `le` seconds as its errors: `requests − within(le)`. What
/// comes out goes through everything that counts of errors go through.
///
/// Exact where `le` is a bucket bound; nothing is interpolated. An interval whose buckets are incomplete is left out.
///
/// # Errors
/// [`Lack::NoBound`] where `le` is no bucket bound; [`Lack::Nothing`] without histograms.
pub fn slow(strata: &[LatencyCounts], le: f64) -> Result<Vec<Counts>, Lack> {
    if strata.is_empty() {
        return Err(Lack::Nothing);
    }
    let mut all: Vec<Counts> = Vec::new();
    for stratum in strata {
        let place = stratum.bounds.iter().position(|bound| (bound - le).abs() <= SAME * le.max(1.0));
        let place = place.ok_or_else(|| Lack::NoBound { le, bounds: stratum.bounds.clone() })?;
        for interval in &stratum.intervals {
            let Some(within) = interval.within.get(place) else { continue };
            let errors = interval.requests.saturating_sub(*within);
            match all.iter_mut().find(|known| (known.from, known.to) == (interval.from, interval.to)) {
                Some(known) => {
                    known.requests = known.requests.saturating_add(interval.requests);
                    known.errors = known.errors.saturating_add(errors);
                }
                None => all.push(Counts { from: interval.from, to: interval.to, requests: interval.requests, errors }),
            }
        }
    }
    all.sort_by_key(|it| (it.from, it.to));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::signal::BucketCounts, judge::counts::tests::minute};

    fn stratum(name: &str, intervals: &[(i64, u64, &[u64])]) -> LatencyCounts {
        let interval = |(number, requests, within): &(i64, u64, &[u64])| BucketCounts {
            from: minute(*number),
            to: minute(number + 1),
            requests: *requests,
            within: within.to_vec(),
        };
        let intervals = intervals.iter().map(interval).collect();
        LatencyCounts { stratum: name.to_owned(), bounds: vec![0.1, 0.5, 1.0], intervals }
    }

    #[test]
    fn requests_beyond_the_bound_are_its_errors_and_strata_of_one_interval_add_up() {
        let eu = stratum("eu", &[(0, 100, &[50, 90, 99]), (1, 10, &[10, 10, 10])]);
        let us = stratum("us", &[(0, 20, &[1, 15, 20]), (2, 5, &[1])]);
        let counts =
            |number, requests, errors| Counts { from: minute(number), to: minute(number + 1), requests, errors };
        assert_eq!(slow(&[eu, us], 0.5), Ok(vec![counts(0, 120, 15), counts(1, 10, 0)]));
    }

    #[test]
    fn a_bound_that_the_histogram_does_not_have_is_named_with_those_it_has() {
        let none = Lack::NoBound { le: 0.3, bounds: vec![0.1, 0.5, 1.0] };
        assert_eq!(slow(&[stratum("", &[])], 0.3), Err(none));
        assert_eq!(slow(&[], 0.5), Err(Lack::Nothing));
    }
}
