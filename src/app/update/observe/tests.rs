//! However signals come, the verdicts in the model are those that all signals in the store give from scratch.

use proptest::prelude::*;

use super::*;
use crate::{
    app::{
        msg::Msg,
        sample::{now, payments, see, seeing},
        update::update,
    },
    domain::signal::{BucketCounts, Counts, LatencyCounts, PartCounts, VersionSignals},
};

const STEP: Duration = Duration::from_secs(30);
const PODS: [(&str, &str); 3] = [("eu", "a"), ("eu", "b"), ("us", "c")];

/// An answer: the intervals that it covers, as numbers from where the last one ended, what it tells of the versions in each,
/// and which of the pods it knows.
#[derive(Clone, Debug)]
struct Told {
    back: i64,
    intervals: Vec<(u64, u64, u64)>,
    pods: usize,
    knows: (bool, bool),
}

fn answers() -> impl Strategy<Value = Vec<Told>> {
    let back = prop_oneof![5 => Just(0_i64), 1 => 1_i64..6];
    let errors = prop_oneof![4 => 0_u64..3, 1 => 0_u64..40];
    let intervals = proptest::collection::vec((1_u64..300, errors, 0_u64..9), 1..5);
    let pods = prop_oneof![5 => Just(3_usize), 1 => 1_usize..3];
    let knows = (proptest::bool::weighted(0.95), proptest::bool::weighted(0.95));
    let told =
        (back, intervals, pods, knows).prop_map(|(back, intervals, pods, knows)| Told { back, intervals, pods, knows });
    proptest::collection::vec(told, 1..12)
}

fn at(number: i64) -> Timestamp {
    now() + chrono::TimeDelta::seconds(30 * number)
}

/// What a version did from the interval with this number on.
fn version(label: &str, from: i64, told: &Told) -> VersionSignals {
    let counts = |share: u64| -> Vec<Counts> {
        let one = |(number, &(requests, errors, _)): (i64, &(u64, u64, u64))| Counts {
            from: at(number),
            to: at(number + 1),
            requests: requests * share,
            errors: errors.min(requests) * share,
        };
        (from..).zip(&told.intervals).map(one).collect()
    };
    let timed = |(number, &(requests, _, slow)): (i64, &(u64, u64, u64))| BucketCounts {
        from: at(number),
        to: at(number + 1),
        requests,
        within: vec![requests.saturating_sub(slow), requests.saturating_sub(slow / 3)],
    };
    let part = |&(stratum, pod): &(&str, &str)| PartCounts {
        stratum: stratum.to_owned(),
        pod: format!("{label}-{pod}"),
        counts: counts(1),
    };
    let intervals = (from..).zip(&told.intervals).map(timed).collect();
    VersionSignals {
        label: label.to_owned(),
        counts: counts(told.pods as u64),
        parts: PODS.iter().take(told.pods).map(part).collect(),
        latency_counts: vec![LatencyCounts { stratum: "eu".to_owned(), bounds: vec![0.1, 1.0], intervals }],
        ..VersionSignals::default()
    }
}

fn from_scratch(model: &Model) -> BTreeMap<RolloutId, Judgement> {
    let mut fresh = model.clone();
    fresh.folded.clear();
    judge_all(&mut fresh);
    fresh.judgements
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn verdicts_that_go_on_are_verdicts_from_scratch(answers in answers()) {
        let mut model = seeing(vec![payments()]);
        let mut end = -20;
        for told in answers {
            let from = end - told.back;
            let to = from + i64::try_from(told.intervals.len()).unwrap();
            end = end.max(to);
            let versions = [("1.42.0", told.knows.0), ("1.41.3", told.knows.1)].into_iter();
            let versions = versions.filter(|(_, knows)| *knows).map(|(label, _)| version(label, from, &told)).collect();
            let window = Window { from: at(from), to: at(to), step: STEP };
            let signals = Ok(vec![ServiceSignals { service: "payments".into(), step: STEP, versions }]);
            model.now = model.now.max(at(to));
            update(&mut model, Msg::Signals { source: "prometheus".into(), at: at(to), window, signals });
            prop_assert_eq!(&model.judgements, &from_scratch(&model));
        }
        see(&mut model, at(end + 1), vec![payments()]);
        prop_assert_eq!(&model.judgements, &from_scratch(&model));
        prop_assert_eq!(model.judgements.len(), 1);
    }
}
