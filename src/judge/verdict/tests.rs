//! The verdict on made-up minutes: each word, and what changes it.

use super::{sample::*, *};
use crate::{
    domain::signal::{BucketCounts, Counts, LatencyCounts},
    judge::gaps::{Arm, Gap, Signal},
};

#[test]
fn a_series_that_vanished_takes_a_go_back() {
    let (canary, stable) = (version(&[(1000, 2); 60]), version(&[(3000, 6); 70]));
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(70)));
    assert_eq!(judgement.verdict, Verdict::NoData);
    let ended = |signal| Missing { signal, arm: Arm::Canary, gap: Gap::EndedAt(minute(60)) };
    assert_eq!(judgement.missing, [Signal::Requests, Signal::Errors, Signal::LatencyP99].map(ended));
    let soon = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(62)));
    assert_eq!(soon.verdict, Verdict::Go, "a late scrape is not the end");
}

#[test]
fn harm_overrules_an_earlier_go_and_stays_after_the_errors_stop() {
    let good = (1000, 2);
    let canary = concat(&[(60, good), (10, (1000, 31))]);
    assert_eq!(judged(&canary[..60], &[(3000, 6); 60]).verdict, Verdict::Go);
    let harmed = judged(&canary, &[(3000, 6); 70]);
    assert_eq!((harmed.verdict, harmed.onset), (Verdict::NoGo, Some(minute(60))));
    let (bad, stable) = bad_canary();
    let recovered = judged(&[bad, vec![good; 300]].concat(), &[stable, vec![(3000, 6); 300]].concat());
    assert_eq!((recovered.verdict, recovered.decided_at), (Verdict::NoGo, Some(minute(4))));
}

#[test]
fn an_outage_of_both_is_not_the_release() {
    let outage = concat(&[(10, (1000, 2)), (20, (1000, 500))]);
    let stable = concat(&[(10, (3000, 6)), (20, (3000, 1500))]);
    let judgement = judged(&outage, &stable);
    assert_eq!((judgement.verdict, judgement.onset), (Verdict::Go, None));
}

#[test]
fn absurd_counts_are_judged_without_a_crash() {
    let absurd = [(u64::MAX, u64::MAX), (u64::MAX, 0), (0, u64::MAX)];
    let judgement = judged(&absurd, &[(u64::MAX, u64::MAX), (1, 1), (u64::MAX, 7)]);
    assert!(judgement.harm.log_e.is_finite() && judgement.safe.log_e.is_finite(), "{judgement:?}");
}

#[test]
fn intervals_before_the_canary_had_traffic_do_not_count() {
    let (canary, stable) = (version(&[(1000, 500), (1000, 2)]), version(&[(3000, 6); 2]));
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(1), minute(2)));
    assert_eq!((judgement.covers_from, judgement.canary.errors), (Some(minute(1)), 2));
}

#[test]
fn where_both_regions_are_worse_it_is_no_go_though_the_totals_look_better() {
    let canary = pods(&[("EU", "c", &[(100, 6); 30]), ("US", "c", &[(900, 5); 30])]);
    let stable = pods(&[("EU", "s", &[(900, 18); 30]), ("US", "s", &[(100, 0); 30])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(30)));
    let (all_canary, all_stable) = (judgement.canary.error_share().unwrap(), judgement.stable.error_share().unwrap());
    assert!(all_canary < all_stable, "the totals say the canary is better");
    assert_eq!(judgement.verdict, Verdict::NoGo);
    assert!(judgement.ratio.low.unwrap() > 1.0, "{judgement:?}");
    assert!(matches!(&judgement.doubts[0], Doubt::Mix(shift) if shift.stratum == "US"), "{:?}", judgement.doubts);
    assert_eq!(judgement.strata.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["EU", "US"]);
}

#[test]
fn bursts_that_hit_stables_own_pods_temper_the_evidence() {
    let bursty = |phase: usize| -> Minutes { (0..40).map(|i| (1000, if i % 5 == phase { 60 } else { 2 })).collect() };
    let (a, b, c) = (bursty(0), bursty(2), bursty(3));
    let stable = pods(&[("", "s-1", &a), ("", "s-2", &b)]);
    let canary = pods(&[("", "c", &c)]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(4), minute(40)));
    assert_ne!(judgement.verdict, Verdict::NoGo, "{judgement:?}");
    assert!(
        judgement.doubts.iter().any(|doubt| matches!(doubt, Doubt::Bursts(by) if *by > 5.0)),
        "{:?}",
        judgement.doubts
    );
}

#[test]
fn a_go_needs_errors_and_response_times_to_be_safe() {
    let (canary, stable) = (timed(1000, [900, 960, 1000]), timed(1000, [900, 960, 1000]));
    let long = |signals: VersionSignals, minutes: usize| {
        let mut all = version(&vec![(1000, 2); minutes]);
        let interval = |counts: &Counts| BucketCounts {
            from: counts.from,
            to: counts.to,
            requests: 1000,
            within: vec![900, 960, 1000],
        };
        let intervals = all.counts.iter().map(interval).collect();
        all.latency_counts = vec![LatencyCounts { intervals, ..signals.latency_counts[0].clone() }];
        all
    };
    let (canary, stable) = (long(canary, 90), long(stable, 90));
    let go = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(90)));
    assert_eq!((go.verdict, go.timing.as_ref().map(|timing| timing.bound)), (Verdict::Go, Some(0.5)));
    assert!(go.safe.log_e <= go.timing.unwrap().safe.log_e);
}

#[test]
fn histograms_are_compared_on_the_bounds_that_both_versions_have() {
    let (canary, mut stable) = (timed(1000, [900, 960, 970]), timed(3000, [2700, 2976, 2998]));
    stable.latency_counts[0].bounds[1] = 0.75;
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(20)));
    assert_eq!(judgement.timing.map(|timing| timing.bound), Some(2.0));
    stable.latency_counts[0].bounds = vec![1.0, 3.0, 9.0];
    let apart = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(20)));
    assert_eq!(apart.timing, None);
}

#[test]
fn a_verdict_is_as_old_as_the_newest_interval_that_it_rests_on() {
    let (canary, stable) = (version(&[(1000, 2); 60]), version(&[(3000, 6); 60]));
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(60)));
    let interval = std::time::Duration::from_mins(1);
    let holds =
        |judgement: &Judgement, seconds| judgement.holds(minute(60) + chrono::TimeDelta::seconds(seconds), interval);
    assert_eq!((judgement.verdict, judgement.at), (Verdict::Go, Some(minute(60))));
    assert_eq!([125, 126].map(|seconds| holds(&judgement, seconds)), [Verdict::Go, Verdict::NoData]);
    let harmful = judged(&[(1000, 200); 60], &[(3000, 6); 60]);
    assert_eq!(holds(&harmful, 9000), Verdict::NoGo, "harm that was shown stays shown");
}
