//! Raw counters to counts: what the targets of one version counted between two moments, by pod and stratum. No JSON, no
//! requests.
//!
//! Differences are taken target by target (`instance`, and the pod where it has a name), because only a single process
//! counts upwards until it restarts:
//! * A counter that fell was reset: what it shows now was counted since. What the process counted between the interval's
//!   begin and its end is lost with it. All counters of a target are reset together.
//! * The first sample of a target starts nothing: nobody knows since when it counts. An interval of which only one end was
//!   sampled is left out for that target.
//! * A stratum, or errors, that a sampled target does not have yet are zero there: libraries make a series at its first
//!   event.
//! * Where series carry neither `instance` nor a pod, their sum over everybody is differenced. An interval in which such a
//!   sum falls is left out: a pod that went away looks like a reset, and would count all that the others ever did.
//! * A native histogram is its count at each rung of a fixed ladder of bounds. Where its schema changed, only the rungs of
//!   the coarser one are compared.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::{
    domain::{
        signal::{BucketCounts, Counts, LatencyCounts, PartCounts},
        time::Timestamp,
    },
    provider::prometheus::{native::Native, presets::LatencyUnit},
};

/// Whole numbers at moments.
type Readings = BTreeMap<Timestamp, u64>;

/// Who counts: the target and the pod, either of them empty where it has no name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) instance: String,
    pub(super) pod: String,
}

/// Which counter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counter {
    Requests,
    Errors,
    /// Up to this bound, in seconds.
    Bucket(f64),
}

/// The cumulative counters of one target in one stratum.
#[derive(Debug, Default)]
struct Cumulative {
    requests: Readings,
    errors: Readings,
    /// By bound, in no order.
    buckets: Vec<(f64, Readings)>,
}

/// The counters of one version.
#[derive(Debug, Default)]
pub(super) struct Counters(BTreeMap<Target, BTreeMap<String, Cumulative>>);

/// Requests, and how many of them each bound holds, of one interval.
type Timed = (u64, Vec<(f64, u64)>);

impl Counters {
    /// Takes a series of samples; those of one counter of one target and stratum add up.
    pub(super) fn take(&mut self, target: Target, stratum: String, counter: Counter, points: &[(Timestamp, f64)]) {
        let cumulative = self.0.entry(target).or_default().entry(stratum).or_default();
        let readings = match counter {
            Counter::Requests => &mut cumulative.requests,
            Counter::Errors => &mut cumulative.errors,
            Counter::Bucket(bound) => cumulative.bucket(bound),
        };
        for (at, value) in points {
            if let Some(value) = whole(*value) {
                let reading = readings.entry(*at).or_default();
                *reading = reading.saturating_add(value);
            }
        }
    }

    /// Takes a series of native histograms, as buckets at the rungs that its schema has. What is of another kind is no sample.
    pub(super) fn take_native(
        &mut self,
        target: &Target,
        stratum: &str,
        unit: LatencyUnit,
        histograms: &[(Timestamp, Native)],
    ) {
        for (at, native) in histograms {
            for (bound, count) in native.at_the_rungs(unit).into_iter().flatten() {
                self.take(target.clone(), stratum.to_owned(), Counter::Bucket(bound), &[(*at, count)]);
            }
        }
    }

    /// Was a request counted here at any moment?
    pub(super) fn any(&self) -> bool {
        self.0.values().flat_map(BTreeMap::values).any(|cumulative| !cumulative.requests.is_empty())
    }

    /// Requests and errors by stratum and pod, in their order.
    pub(super) fn parts(&self, step: TimeDelta) -> Vec<PartCounts> {
        let mut parts: BTreeMap<(&str, &str), BTreeMap<Timestamp, Counts>> = BTreeMap::new();
        for (target, strata) in &self.0 {
            for interval in intervals(target, strata, step) {
                for (stratum, cumulative) in strata {
                    let Some((requests, errors)) = interval.counted(cumulative) else { continue };
                    let empty = Counts { from: interval.from, to: interval.to, requests: 0, errors: 0 };
                    let of_part = parts.entry((stratum, &target.pod)).or_default();
                    let counts = of_part.entry(interval.to).or_insert(empty);
                    counts.requests = counts.requests.saturating_add(requests);
                    counts.errors = counts.errors.saturating_add(errors).min(counts.requests);
                }
            }
        }
        let part = |((stratum, pod), counts): ((&str, &str), BTreeMap<Timestamp, Counts>)| PartCounts {
            stratum: stratum.to_owned(),
            pod: pod.to_owned(),
            counts: counts.into_values().collect(),
        };
        parts.into_iter().map(part).collect()
    }

    /// Response times by stratum, over all pods, at the bounds that all of its pods have.
    pub(super) fn latency(&self, step: TimeDelta) -> Vec<LatencyCounts> {
        let mut timed: BTreeMap<&str, BTreeMap<Timestamp, Vec<Timed>>> = BTreeMap::new();
        for (target, strata) in &self.0 {
            for interval in intervals(target, strata, step) {
                for (stratum, one) in interval.timed(strata) {
                    timed.entry(stratum).or_default().entry(interval.to).or_default().push(one);
                }
            }
        }
        timed.into_iter().filter_map(|(stratum, intervals)| sum(stratum, intervals, step)).collect()
    }
}

impl Cumulative {
    fn bucket(&mut self, bound: f64) -> &mut Readings {
        let same = |(known, _): &(f64, Readings)| known.to_bits() == bound.to_bits();
        let index = self.buckets.iter().position(same).unwrap_or_else(|| {
            self.buckets.push((bound, Readings::new()));
            self.buckets.len() - 1
        });
        // The index is that of an entry; the other arm cannot be reached.
        match self.buckets.get_mut(index) {
            Some((_, readings)) => readings,
            None => &mut self.requests,
        }
    }

    fn all_responses(&self) -> Option<&Readings> {
        self.buckets.iter().find(|(bound, _)| *bound == f64::INFINITY).map(|(_, readings)| readings)
    }
}

/// One interval of one target, with both ends sampled.
struct Interval {
    from: Timestamp,
    to: Timestamp,
    /// The target's counters began anew in it.
    reset: bool,
}

impl Interval {
    /// Requests and errors in it; `None` where the target had no such stratum.
    fn counted(&self, cumulative: &Cumulative) -> Option<(u64, u64)> {
        let there = |at| cumulative.requests.contains_key(at);
        (there(&self.from) || there(&self.to))
            .then(|| (self.grown(&cumulative.requests, self.reset), self.grown(&cumulative.errors, self.reset)))
    }

    /// Response times in it, by stratum. A target of which no bucket was sampled at one of the ends has none.
    fn timed<'a>(&self, strata: &'a BTreeMap<String, Cumulative>) -> Vec<(&'a str, Timed)> {
        let sampled = |at: &Timestamp| {
            strata.values().filter_map(Cumulative::all_responses).any(|readings| readings.contains_key(at))
        };
        if !sampled(&self.from) || !sampled(&self.to) {
            return Vec::new();
        }
        // Where only a bucket is not there any more, a native histogram became coarser: it did not fall.
        let gone = |cumulative: &Cumulative, readings: &Readings| {
            let responses = cumulative.all_responses().is_some_and(|all| all.contains_key(&self.to));
            responses && !readings.contains_key(&self.to)
        };
        let fell = |cumulative: &Cumulative| {
            let mut left = cumulative.buckets.iter().filter(|(_, readings)| !gone(cumulative, readings));
            left.any(|(_, readings)| self.fell(readings))
        };
        let reset = self.reset || strata.values().any(fell);
        let of_stratum = |(stratum, cumulative): (&'a String, &'a Cumulative)| {
            let all = cumulative.all_responses()?;
            let requests =
                (all.contains_key(&self.from) || all.contains_key(&self.to)).then(|| self.grown(all, reset))?;
            let finite = cumulative.buckets.iter().filter(|(bound, _)| bound.is_finite());
            // And where it became finer, nobody knows what the new bound held before.
            let begins = reset || !all.contains_key(&self.from);
            let both = |readings: &Readings| begins || readings.contains_key(&self.from);
            let finite = finite.filter(|(_, readings)| readings.contains_key(&self.to) && both(readings));
            let within = finite.map(|(bound, readings)| (*bound, self.grown(readings, reset))).collect();
            Some((stratum.as_str(), (requests, within)))
        };
        strata.iter().filter_map(of_stratum).collect()
    }

    fn fell(&self, readings: &Readings) -> bool {
        value(readings, &self.to) < value(readings, &self.from)
    }

    fn grown(&self, readings: &Readings, reset: bool) -> u64 {
        let before = if reset { 0 } else { value(readings, &self.from) };
        value(readings, &self.to).saturating_sub(before)
    }
}

fn value(readings: &Readings, at: &Timestamp) -> u64 {
    readings.get(at).copied().unwrap_or_default()
}

/// The intervals of which a target was sampled at both ends, whatever its stratum.
fn intervals(target: &Target, strata: &BTreeMap<String, Cumulative>, step: TimeDelta) -> Vec<Interval> {
    let sampled: BTreeSet<Timestamp> = strata.values().flat_map(|one| one.requests.keys().copied()).collect();
    let nameless = target.instance.is_empty() && target.pod.is_empty();
    let interval = |to: &Timestamp| {
        let from = to.checked_sub_signed(step).filter(|from| sampled.contains(from))?;
        let mut interval = Interval { from, to: *to, reset: false };
        interval.reset = strata.values().any(|one| interval.fell(&one.requests) || interval.fell(&one.errors));
        (!interval.reset || !nameless).then_some(interval)
    };
    sampled.iter().filter_map(interval).collect()
}

/// One stratum's response times over all targets; `None` where they have no finite bound in common.
fn sum(stratum: &str, intervals: BTreeMap<Timestamp, Vec<Timed>>, step: TimeDelta) -> Option<LatencyCounts> {
    let mut targets = intervals.values().flatten().map(|(_, within)| within);
    let has = |within: &[(f64, u64)], bound: f64| within.iter().any(|(known, _)| known.to_bits() == bound.to_bits());
    let mut bounds: Vec<f64> = targets.next()?.iter().map(|(bound, _)| *bound).collect();
    for within in targets {
        bounds.retain(|bound| has(within, *bound));
    }
    bounds.sort_by(f64::total_cmp);
    let interval = |(to, targets): (Timestamp, Vec<Timed>)| {
        let requests = targets.iter().fold(0_u64, |sum, (requests, _)| sum.saturating_add(*requests));
        // Pods are not scraped in one moment, and a scrape is not always atomic: no bound may hold less than a lower one.
        let mut highest = 0;
        let within = bounds.iter().map(|bound| {
            let of = |(_, within): &Timed| within.iter().find(|(known, _)| known.to_bits() == bound.to_bits()).copied();
            let held = targets.iter().filter_map(of).fold(0_u64, |sum, (_, count)| sum.saturating_add(count));
            highest = held.max(highest).min(requests);
            highest
        });
        let within = within.collect();
        Some(BucketCounts { from: to.checked_sub_signed(step)?, to, requests, within })
    };
    let intervals = intervals.into_iter().filter_map(interval).collect();
    (!bounds.is_empty()).then(|| LatencyCounts { stratum: stratum.to_owned(), bounds, intervals })
}

/// The nearest whole number; `None` where there is none of a sensible size.
pub(super) fn whole(value: f64) -> Option<u64> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let rounded = value.round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within the range")]
    let whole = (0.0..=LARGEST_EXACT).contains(&rounded).then_some(rounded as u64);
    whole
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::provider::prometheus::native::Between;

    fn at(minute: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + 60 * minute, 0).unwrap()
    }

    fn target(name: &str) -> Target {
        Target { instance: name.to_owned(), pod: name.to_owned() }
    }

    /// Cumulative values from minute 0 on; `None` where there was no sample.
    fn points(values: &[Option<u32>]) -> Vec<(Timestamp, f64)> {
        (0..).zip(values).filter_map(|(minute, value)| Some((at(minute), f64::from((*value)?)))).collect()
    }

    fn some(values: &[u32]) -> Vec<Option<u32>> {
        values.iter().copied().map(Some).collect()
    }

    fn taken(series: &[(&str, &str, Counter, Vec<Option<u32>>)]) -> Counters {
        let mut counters = Counters::default();
        for (name, stratum, counter, values) in series {
            counters.take(target(name), (*stratum).to_owned(), *counter, &points(values));
        }
        counters
    }

    fn part(stratum: &str, pod: &str, counts: &[(i64, u64, u64)]) -> PartCounts {
        let one = |&(minute, requests, errors): &(i64, u64, u64)| Counts {
            from: at(minute - 1),
            to: at(minute),
            requests,
            errors,
        };
        PartCounts { stratum: stratum.into(), pod: pod.into(), counts: counts.iter().map(one).collect() }
    }

    fn step() -> TimeDelta {
        TimeDelta::minutes(1)
    }

    #[test]
    fn counts_are_differences_by_pod_and_the_first_sample_of_a_pod_starts_nothing() {
        let counters = taken(&[
            ("a", "", Counter::Requests, some(&[1000, 1010, 1030])),
            ("a", "", Counter::Errors, vec![None, None, Some(2)]),
            ("b", "", Counter::Requests, vec![None, Some(7), Some(9)]),
        ]);
        let expected = [part("", "a", &[(1, 10, 0), (2, 20, 2)]), part("", "b", &[(2, 2, 0)])];
        assert_eq!(counters.parts(step()), expected);
    }

    #[test]
    fn a_counter_that_fell_was_reset_and_takes_the_targets_other_counters_with_it() {
        let counters = taken(&[
            ("a", "eu", Counter::Requests, some(&[500, 40, 50])),
            ("a", "eu", Counter::Errors, some(&[3, 4, 4])),
            ("a", "us", Counter::Requests, some(&[30, 35, 36])),
            ("b", "eu", Counter::Requests, some(&[100, 110, 115])),
            ("b", "eu", Counter::Errors, some(&[9, 9, 9])),
        ]);
        let expected = [
            part("eu", "a", &[(1, 40, 4), (2, 10, 0)]),
            part("eu", "b", &[(1, 10, 0), (2, 5, 0)]),
            part("us", "a", &[(1, 35, 0), (2, 1, 0)]),
        ];
        assert_eq!(counters.parts(step()), expected);
    }

    #[test]
    fn an_interval_with_one_end_is_left_out_and_a_gap_is_no_interval() {
        let counters = taken(&[("a", "", Counter::Requests, vec![Some(1), Some(2), None, Some(9), Some(12)])]);
        assert_eq!(counters.parts(step()), [part("", "a", &[(1, 1, 0), (4, 3, 0)])]);
        assert!(counters.any() && !Counters::default().any());
    }

    #[test]
    fn a_stratum_that_a_known_pod_did_not_have_yet_begins_at_zero() {
        let counters = taken(&[
            ("a", "eu", Counter::Requests, some(&[5, 6, 7])),
            ("a", "us", Counter::Requests, vec![None, None, Some(4)]),
            ("a", "us", Counter::Errors, vec![None, None, Some(1)]),
        ]);
        let expected = [part("eu", "a", &[(1, 1, 0), (2, 1, 0)]), part("us", "a", &[(2, 4, 1)])];
        assert_eq!(counters.parts(step()), expected);
    }

    #[test]
    fn a_sum_over_nameless_targets_that_falls_leaves_the_interval_out() {
        let counters = taken(&[("", "", Counter::Requests, some(&[900, 910, 805, 815]))]);
        assert_eq!(counters.parts(step()), [part("", "", &[(1, 10, 0), (3, 10, 0)])]);
    }

    #[test]
    fn response_times_are_added_up_over_pods_at_the_bounds_that_all_have() {
        let bucket = |bound| Counter::Bucket(bound);
        let mut series = Vec::new();
        for (name, first, low, high) in [("a", 100, 60, 90), ("b", 10, 5, 10)] {
            series.push((name, "", Counter::Requests, some(&[first, first + 10])));
            series.push((name, "", bucket(f64::INFINITY), some(&[first, first + 10])));
            series.push((name, "", bucket(1.0), some(&[high, high + 9])));
            series.push((name, "", bucket(0.1), some(&[low, low + 4])));
        }
        series.push(("b", "", bucket(0.5), some(&[6, 12])));
        let interval = BucketCounts { from: at(0), to: at(1), requests: 20, within: vec![8, 18] };
        let expected = LatencyCounts { stratum: String::new(), bounds: vec![0.1, 1.0], intervals: vec![interval] };
        assert_eq!(taken(&series).latency(step()), [expected]);
    }

    #[test]
    fn response_times_survive_a_reset_and_never_hold_less_at_a_higher_bound() {
        let counters = taken(&[
            ("a", "eu", Counter::Requests, some(&[100, 8])),
            ("a", "eu", Counter::Bucket(f64::INFINITY), some(&[100, 8])),
            ("a", "eu", Counter::Bucket(0.1), some(&[1, 5])),
            ("a", "eu", Counter::Bucket(0.5), some(&[1, 3])),
        ]);
        let interval = BucketCounts { from: at(0), to: at(1), requests: 8, within: vec![5, 5] };
        let expected = LatencyCounts { stratum: "eu".into(), bounds: vec![0.1, 0.5], intervals: vec![interval] };
        assert_eq!(counters.latency(step()), [expected]);
    }

    /// A native histogram of schema 0 (bounds are powers of two) or 1 (two bounds an octave) below and above 2^-2 s.
    fn native(schema: u8, below: f64, above: f64) -> Native {
        let factor = if schema == 0 { 2.0 } else { 2.0_f64.sqrt() };
        let between = |low, high, count| Between { low, high, count };
        let buckets = vec![between(0.25 / factor, 0.25, below), between(0.25, 0.25 * factor, above)];
        Native { count: below + above, buckets }
    }

    fn natively(histograms: &[Native]) -> Counters {
        let mut counters = Counters::default();
        let totals: Vec<_> = (0..).map(at).zip(histograms.iter().map(|native| native.count)).collect();
        counters.take(target("a"), "eu".to_owned(), Counter::Requests, &totals);
        let histograms: Vec<_> = (0..).map(at).zip(histograms.iter().cloned()).collect();
        counters.take_native(&target("a"), "eu", LatencyUnit::Seconds, &histograms);
        counters
    }

    /// What is counted in each interval: all requests, those within 2^-2 s and those within the highest bound.
    fn counted(counters: &Counters) -> (usize, Vec<(u64, u64, u64)>) {
        let latency = counters.latency(step()).remove(0);
        let place = latency.bounds.iter().position(|bound| bound.to_bits() == 0.25_f64.to_bits()).unwrap();
        let of = |one: &BucketCounts| (one.requests, one.within[place], *one.within.last().unwrap());
        (latency.bounds.len(), latency.intervals.iter().map(of).collect())
    }

    #[test]
    fn native_histograms_give_response_times_at_bounds_that_do_not_depend_on_the_data() {
        let counters = natively(&[native(1, 10.0, 2.0), native(1, 15.0, 2.0), native(1, 15.0, 9.0)]);
        assert_eq!(counted(&counters), (33, vec![(5, 5, 5), (7, 0, 7)]));
    }

    #[test]
    fn a_native_histogram_that_fell_was_reset() {
        let counters = natively(&[native(1, 10.0, 2.0), native(1, 3.0, 4.0)]);
        assert_eq!(counted(&counters), (33, vec![(7, 3, 7)]));
    }

    #[test]
    fn a_native_histogram_that_became_coarser_or_finer_is_compared_at_the_bounds_of_the_coarser() {
        let coarser = natively(&[native(1, 10.0, 2.0), native(0, 15.0, 2.0)]);
        assert_eq!(counted(&coarser), (17, vec![(5, 5, 5)]));
        let finer = natively(&[native(0, 10.0, 2.0), native(1, 15.0, 3.0)]);
        assert_eq!(counted(&finer), (17, vec![(6, 5, 6)]));
    }

    #[test]
    fn without_the_bucket_of_all_responses_or_a_finite_one_there_are_no_response_times() {
        let one = |bound| {
            taken(&[("a", "", Counter::Requests, some(&[1, 2])), ("a", "", Counter::Bucket(bound), some(&[1, 2]))])
        };
        assert_eq!(one(0.5).latency(step()), []);
        assert_eq!(one(f64::INFINITY).latency(step()), []);
    }

    #[test]
    fn a_value_that_is_no_count_is_no_sample() {
        let mut counters = Counters::default();
        let strange = [f64::INFINITY, -1.0, 1e300].map(|value| (at(1), value));
        counters.take(target("a"), String::new(), Counter::Requests, &[&points(&some(&[5])), &strange[..]].concat());
        assert_eq!(counters.parts(step()), []);
    }
}
