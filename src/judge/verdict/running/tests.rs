//! A verdict that goes on is the verdict from scratch, whatever comes, in whatever pieces.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::signal::{BucketCounts, Counts, LatencyCounts, PartCounts},
    judge::{
        counts::tests::minute,
        verdict::{judge, sample::version},
    },
};

/// What one look finds new: minutes with these numbers of requests, errors and slow requests in each part, and what else happened.
#[derive(Clone, Debug)]
struct Look {
    minutes: Vec<Minute>,
    happens: Happens,
}

/// One minute of both versions: canary's and stable's share of the traffic, errors and slow requests, and which of the series
/// are there.
#[derive(Clone, Debug)]
struct Minute {
    requests: (u64, u64),
    errors: (u64, u64),
    slow: (u64, u64),
    there: (bool, bool, bool),
}

#[derive(Clone, Debug)]
enum Happens {
    Nothing,
    /// The minute with this number (of those that there are) had other errors.
    Rewritten(usize, u64),
    /// The oldest so many minutes are forgotten.
    Forgotten(usize),
    /// Another share is declared, so many minutes ago.
    Declared(f64, i64),
    /// Another pod of the canary (or of stable) serves too.
    Pod(bool),
    /// The histograms have another bound.
    Bound,
}

fn minutes() -> impl Strategy<Value = Minute> {
    let errors = prop_oneof![4 => 0_u64..3, 1 => 0_u64..60];
    let slow = prop_oneof![3 => 0_u64..4, 1 => 0_u64..90];
    let there = (proptest::bool::weighted(0.95), proptest::bool::weighted(0.95), proptest::bool::weighted(0.9));
    ((0_u64..400, 1_u64..2000), (errors.clone(), errors), (slow.clone(), slow), there)
        .prop_map(|(requests, errors, slow, there)| Minute { requests, errors, slow, there })
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let happens = prop_oneof![
        8 => Just(Happens::Nothing),
        1 => (0_usize..40, 0_u64..30).prop_map(|(minute, errors)| Happens::Rewritten(minute, errors)),
        1 => (0_usize..9).prop_map(Happens::Forgotten),
        1 => (0.05_f64..0.9, 0_i64..6).prop_map(|(share, ago)| Happens::Declared(share, ago)),
        1 => any::<bool>().prop_map(Happens::Pod),
        1 => Just(Happens::Bound),
    ];
    let look =
        (proptest::collection::vec(minutes(), 0..6), happens).prop_map(|(minutes, happens)| Look { minutes, happens });
    proptest::collection::vec(look, 1..14)
}

/// A service as a source tells it, minute by minute.
struct Told {
    end: i64,
    pods: (usize, usize),
    bounds: Vec<f64>,
    declared: Vec<(Timestamp, f64)>,
    canary: VersionSignals,
    stable: VersionSignals,
}

const STRATA: [&str; 2] = ["eu", "us"];

impl Told {
    fn new() -> Self {
        let named = |label: &str| VersionSignals { label: label.to_owned(), ..VersionSignals::default() };
        let (canary, stable) = (named("2"), named("1"));
        Self { end: -8, pods: (2, 3), bounds: vec![0.1, 0.5, 1.0], declared: Vec::new(), canary, stable }
    }

    fn add(&mut self, minute: &Minute) {
        let (there, pods) = (minute.there, self.pods);
        if there.0 {
            let numbers = (minute.requests.0, minute.errors.0, minute.slow.0);
            add(&mut self.canary, self.end, pods.0, numbers, there.2.then_some(&self.bounds));
        }
        if there.1 {
            let numbers = (minute.requests.1, minute.errors.1, minute.slow.1);
            add(&mut self.stable, self.end, pods.1, numbers, there.2.then_some(&self.bounds));
        }
        self.end += 1;
    }

    /// Lets something happen; may anything that ended before have become another?
    fn happen(&mut self, happens: &Happens) -> Past {
        match happens {
            Happens::Rewritten(minute, errors) => {
                let counts = self.canary.parts.iter_mut().filter_map(|part| part.counts.get_mut(*minute));
                counts.for_each(|counts| counts.errors = *errors);
                return Past::Changed;
            }
            Happens::Forgotten(count) => {
                for version in [&mut self.canary, &mut self.stable] {
                    forget(&mut version.counts, *count);
                    version.parts.iter_mut().for_each(|part| forget(&mut part.counts, *count));
                    version.latency_counts.iter_mut().for_each(|one| forget(&mut one.intervals, *count));
                }
                return Past::Changed;
            }
            Happens::Declared(share, ago) => {
                self.declared.push((minute(self.end - ago), *share));
                self.declared.sort_by_key(|(from, _)| *from);
            }
            Happens::Pod(true) => self.pods.0 += 1,
            Happens::Pod(false) => self.pods.1 += 1,
            Happens::Bound => {
                // Both sources keep what is common, as a store does.
                self.bounds.pop();
                for one in self.canary.latency_counts.iter_mut().chain(&mut self.stable.latency_counts) {
                    one.bounds.truncate(self.bounds.len());
                    one.intervals.iter_mut().for_each(|interval| interval.within.truncate(self.bounds.len()));
                }
            }
            Happens::Nothing => {}
        }
        Past::Same
    }

    fn case(&self) -> Case<'_> {
        let known = Case::new(Some(&self.canary), Some(&self.stable), minute(0), minute(self.end));
        Case { declared: &self.declared, ..known }
    }
}

fn forget<T>(all: &mut Vec<T>, count: usize) {
    all.drain(..count.min(all.len()));
}

fn add(
    version: &mut VersionSignals,
    number: i64,
    pods: usize,
    (requests, errors, slow): (u64, u64, u64),
    bounds: Option<&Vec<f64>>,
) {
    let counts = |requests, errors| Counts { from: minute(number), to: minute(number + 1), requests, errors };
    let parts = STRATA.iter().enumerate().flat_map(|(i, stratum)| (0..pods).map(move |pod| (i, *stratum, pod)));
    let mut sum = counts(0, 0);
    for (index, stratum, pod) in parts {
        // The strata differ, and the first pod fails more.
        let one = counts(requests * (index as u64 + 1), errors * u64::from(pod == 0) * 3 + errors / 2);
        (sum.requests, sum.errors) = (sum.requests + one.requests, sum.errors + one.errors.min(one.requests));
        let pod = format!("pod-{pod}");
        match version.parts.iter_mut().find(|part| part.stratum == stratum && part.pod == pod) {
            Some(part) => part.counts.push(one),
            None => version.parts.push(PartCounts { stratum: stratum.to_owned(), pod, counts: vec![one] }),
        }
    }
    version.counts.push(sum);
    for stratum in bounds.map(|_| STRATA).into_iter().flatten() {
        let bounds = bounds.into_iter().flatten().copied().collect::<Vec<f64>>();
        let within = (0..bounds.len() as u64).map(|place| requests.saturating_sub(slow / (place + 1))).collect();
        let interval = BucketCounts { from: minute(number), to: minute(number + 1), requests, within };
        if let Some(one) = version.latency_counts.iter_mut().find(|one| one.stratum == stratum) {
            one.intervals.push(interval);
        } else {
            let intervals = vec![interval];
            version.latency_counts.push(LatencyCounts { stratum: stratum.to_owned(), bounds, intervals });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn folding_on_is_judging_from_scratch(looks in looks()) {
        let (mut told, mut running) = (Told::new(), Running::default());
        for look in looks {
            look.minutes.iter().for_each(|minute| told.add(minute));
            let past = told.happen(&look.happens);
            let case = told.case();
            prop_assert_eq!(running.judge(&case, past), judge(&case), "after {:?}", look.happens);
        }
    }
}

#[test]
fn a_past_that_changed_unsaid_is_not_looked_at_again() {
    // This is what makes a look cheap, and why the caller must say it.
    let now = minute(20);
    let stable = version(&[(3000, 6); 20]);
    let (good, bad) = (version(&[(1000, 2); 20]), version(&[(1000, 90); 20]));
    let mut running = Running::default();
    let first = running.judge(&Case::new(Some(&good), Some(&stable), minute(0), now), Past::Same);
    let case = Case::new(Some(&bad), Some(&stable), minute(0), now);
    assert_eq!(running.judge(&case, Past::Same), first);
    assert_eq!(running.judge(&case, Past::Changed), judge(&case));
}

#[test]
fn another_begin_or_another_version_starts_over_without_being_told() {
    let (stable, mut canary) = (version(&[(3000, 6); 20]), version(&[(1000, 31); 20]));
    let mut running = Running::default();
    running.judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(20)), Past::Same);
    let later = Case::new(Some(&canary), Some(&stable), minute(10), minute(20));
    assert_eq!(running.judge(&later, Past::Same), judge(&later));
    canary = VersionSignals { label: "3".to_owned(), ..version(&[(1000, 2); 20]) };
    let other = Case::new(Some(&canary), Some(&stable), minute(10), minute(20));
    assert_eq!(running.judge(&other, Past::Same), judge(&other));
}
