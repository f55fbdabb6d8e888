//! The verdict on made-up minutes: each word, its sentence, and what changes it.

use super::*;
use crate::{
    domain::signal::{BucketCounts, Counts, Latency, LatencyCounts, PartCounts, Point, Uncounted},
    judge::{
        counts::tests::minute,
        gaps::{Arm, Gap, Signal},
        latency::Between,
    },
};

/// Requests and errors, minute by minute.
type Minutes = Vec<(u64, u64)>;

/// A version that had, minute by minute from minute 0, these requests and errors; its latency was measured too.
pub(in crate::judge) fn version(minutes: &[(u64, u64)]) -> VersionSignals {
    let counts: Vec<_> = (0..)
        .zip(minutes)
        .map(|(i, &(requests, errors))| Counts { from: minute(i), to: minute(i + 1), requests, errors })
        .collect();
    let points = |value: fn(&Counts) -> f64| counts.iter().map(|c| Point { at: c.to, value: value(c) }).collect();
    VersionSignals {
        request_rate: points(|counts| counts.requests as f64 / 60.0),
        latency: Latency { p99: points(|_| 0.1), highest_bound: Some(10.0), ..Latency::default() },
        counts,
        ..VersionSignals::default()
    }
}

fn judged(canary: &[(u64, u64)], stable: &[(u64, u64)]) -> Judgement {
    let now = minute(canary.len().max(stable.len()).try_into().unwrap());
    judge(&Case::new(Some(&version(canary)), Some(&version(stable)), minute(0), now))
}

fn concat(parts: &[(usize, (u64, u64))]) -> Vec<(u64, u64)> {
    parts.iter().flat_map(|&(times, counts)| vec![counts; times]).collect()
}

/// Good for three minutes, then 3.1 % against 0.2 %.
pub(in crate::judge) fn bad_canary() -> (Minutes, Minutes) {
    (concat(&[(3, (1000, 2)), (18, (1000, 31))]), vec![(3000, 6); 21])
}

#[test]
fn a_bad_canary_is_no_go_with_its_arithmetic_and_since_when() {
    let (canary, stable) = bad_canary();
    let judgement = judged(&canary, &stable);
    assert_eq!(judgement.verdict, Verdict::NoGo);
    assert_eq!(judgement.reason, "errors 3.1 % against 0.2 % on stable, n 18,000, ratio 15 (11–22)");
    assert_eq!((judgement.onset, judgement.covers_from), (Some(minute(3)), Some(minute(3))));
    assert_eq!(judgement.decided_at, Some(minute(4)), "the first bad minute is enough");
    assert_eq!((judgement.canary.errors, judgement.stable.errors), (558, 108));
    assert_eq!((judgement.missing.as_slice(), judgement.eta), (&[][..], None));
    assert!(judgement.harm.p < 1e-9 && judgement.safe.p > 0.05, "{judgement:?}");
}

#[test]
fn a_canary_like_stable_is_go_once_half_as_many_errors_more_are_ruled_out() {
    let minutes = |n| judged(&vec![(1000, 2); n], &vec![(3000, 6); n]);
    let early = minutes(5);
    assert_eq!(early.verdict, Verdict::Wait);
    let due = early.eta.unwrap();
    let late = minutes(60);
    assert_eq!(late.verdict, Verdict::Go);
    assert!(late.decided_at.unwrap() <= due, "decided {:?}, promised {due}", late.decided_at);
    assert!(late.reason.starts_with("errors 0.2 % against 0.2 % on stable, n 60,000, ratio 1 ("), "{}", late.reason);
    assert!(late.reason.ends_with("1.5 times stable's errors is ruled out"), "{}", late.reason);
    assert_eq!((late.eta, late.onset), (None, None));
}

#[test]
fn too_little_traffic_without_latency_waits_and_says_how_long_and_what_is_missing() {
    let (canary, stable) = (vec![(30, 0); 6], vec![(570, 1); 6]);
    let blind = VersionSignals { latency: Latency::default(), ..version(&canary) };
    let judgement = judge(&Case::new(Some(&blind), Some(&version(&stable)), minute(0), minute(6)));
    assert_eq!(judgement.verdict, Verdict::Wait);
    let needed = judgement.requests.needed.unwrap();
    assert_eq!(judgement.requests.seen, 180);
    let text =
        format!("180 requests of about {needed} needed, 0 % against 0.18 % on stable, NO DATA latency p99 (canary)");
    assert_eq!(judgement.reason.replace(',', ""), text.replace(',', ""));
    assert_eq!(judgement.missing, [Missing { signal: Signal::LatencyP99, arm: Arm::Canary, gap: Gap::NoSeries }]);
    assert_eq!(judgement.missing[0].to_string(), "latency p99 (canary) has no series");
    assert!(judgement.eta.unwrap() > minute(6));
}

#[test]
fn evidence_of_safety_is_no_go_ahead_while_latency_is_missing() {
    let counts = (vec![(1000, 2); 60], vec![(3000, 6); 60]);
    let blind = VersionSignals { latency: Latency::default(), ..version(&counts.0) };
    let judgement = judge(&Case::new(Some(&blind), Some(&version(&counts.1)), minute(0), minute(60)));
    assert_eq!((judgement.verdict, judgement.decided_at), (Verdict::Wait, None));
    let text = "60,000 requests, 0.2 % against 0.2 % on stable, errors alone would be GO, NO DATA latency p99 (canary)";
    assert_eq!(judgement.reason, text);
}

#[test]
fn without_requests_or_errors_of_an_arm_there_is_no_data_and_each_is_named() {
    let whole = version(&[(1000, 2); 5]);
    let uncounted = VersionSignals { counts: Vec::new(), ..whole.clone() };
    let now = minute(5);
    let table = [
        (judge(&Case::new(None, Some(&whole), minute(0), now)), "NO DATA requests, errors, latency p99 (canary)"),
        (judge(&Case::new(Some(&whole), None, minute(0), now)), "NO DATA requests, errors, latency p99 (stable)"),
        (judge(&Case::new(Some(&uncounted), Some(&whole), minute(0), now)), "NO DATA errors (canary)"),
        (
            judge(&Case::new(None, None, minute(0), now)),
            "NO DATA requests, errors, latency p99 (canary); requests, errors, latency p99 (stable)",
        ),
    ];
    for (judgement, reason) in table {
        assert_eq!((judgement.verdict, judgement.reason.as_str()), (Verdict::NoData, reason));
        assert_eq!((judgement.eta, judgement.decided_at), (None, None));
    }
}

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
fn a_canary_that_nobody_calls_has_no_data() {
    let mut idle = version(&[(0, 0); 5]);
    idle.latency.p99.clear();
    let judgement = judge(&Case::new(Some(&idle), Some(&version(&[(3000, 6); 5])), minute(0), minute(5)));
    assert_eq!((judgement.verdict, judgement.reason.as_str()), (Verdict::NoData, "NO DATA requests (canary)"));
    assert_eq!(judgement.missing[0].to_string(), "requests (canary) has no traffic");
}

#[test]
fn nothing_is_decided_before_a_whole_interval_or_without_errors() {
    let before = judge(&Case::new(Some(&version(&[(9, 0)])), Some(&version(&[(90, 0)])), minute(1), minute(1)));
    assert_eq!(before.reason, "0 requests, no whole interval of both arms yet");
    let clean = judged(&[(1000, 0); 30], &[(3000, 0); 30]);
    assert_eq!((clean.verdict, clean.eta), (Verdict::Wait, None));
    let text = "30,000 requests, 0 % against 0 % on stable, no error on either side to compare by";
    assert_eq!(clean.reason, text);
}

#[test]
fn a_decision_more_than_a_month_away_is_not_promised() {
    let rare = concat(&[(1, (10, 1)), (2999, (10, 0))]);
    let judgement = judged(&rare, &rare);
    assert_eq!((judgement.verdict, judgement.eta), (Verdict::Wait, None));
    let text = "30,000 requests, 0.0033 % against 0.0033 % on stable, too few errors to say when";
    assert_eq!(judgement.reason, text);
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
fn a_canary_whose_stable_never_fails_has_a_ratio_with_one_bound() {
    let judgement = judged(&[(1000, 20); 5], &[(3000, 0); 5]);
    assert_eq!(judgement.verdict, Verdict::NoGo);
    assert!(
        judgement.reason.starts_with("errors 2 % against 0 % on stable, n 5,000, ratio above "),
        "{}",
        judgement.reason
    );
}

#[test]
fn a_judgement_reads_back_what_it_wrote() {
    let (canary, stable) = bad_canary();
    for judgement in [judged(&canary, &stable), judged(&[(30, 0); 6], &[(570, 1); 6]), judged(&[], &[])] {
        let text = serde_json::to_string(&judgement).unwrap();
        assert_eq!(serde_json::from_str::<Judgement>(&text).unwrap(), judgement);
    }
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

/// Stratum, pod, and its requests and errors.
type PodOf<'a> = (&'a str, &'a str, &'a [(u64, u64)]);

/// A version whose pods have, minute by minute, these requests and errors in these strata.
fn pods(parts: &[PodOf<'_>]) -> VersionSignals {
    let longest = parts.iter().map(|(_, _, minutes)| minutes.len()).max().unwrap_or_default();
    let sum = |i: usize| {
        let each = parts.iter().filter_map(|(_, _, minutes)| minutes.get(i));
        each.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    };
    let whole: Minutes = (0..longest).map(sum).collect();
    let part = |(stratum, pod, minutes): &PodOf<'_>| PartCounts {
        stratum: (*stratum).to_owned(),
        pod: (*pod).to_owned(),
        counts: version(minutes).counts,
    };
    VersionSignals { parts: parts.iter().map(part).collect(), ..version(&whole) }
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
    let doubts: Vec<_> = judgement.doubts.iter().map(ToString::to_string).collect();
    assert!(
        doubts[0].starts_with("mix shift: US 10 % → 90 %; totals say ratio 0.61, stratum by stratum"),
        "{doubts:?}"
    );
    assert_eq!(judgement.strata.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["EU", "US"]);
}

#[test]
fn the_strongest_doubt_is_the_pod_that_has_the_errors() {
    let canary = pods(&[("", "c-1", &[(330, 1); 20]), ("", "c-2", &[(330, 9); 20]), ("", "c-3", &[(330, 1); 20])]);
    let stable = pods(&[("", "s-1", &[(1500, 3); 20]), ("", "s-2", &[(1500, 3); 20])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(20)));
    assert_eq!(judgement.verdict, Verdict::NoGo);
    let said = judgement.doubts[0].to_string();
    assert_eq!(said, "180 of 220 errors on one pod of 3, c-2; without it the ratio is 1.5");
}

#[test]
fn a_share_of_the_traffic_that_was_not_declared_is_doubted_and_the_minute_of_a_change_is_not() {
    let (canary, stable) = (version(&[(60, 0); 20]), version(&[(2940, 6); 20]));
    let declared = [(minute(0), 0.1)];
    let case = Case { declared: &declared, ..Case::new(Some(&canary), Some(&stable), minute(0), minute(20)) };
    assert_eq!(judge(&case).doubts[0].to_string(), "traffic share 0.02, declared 0.10");
    let stepped = [(minute(0), 0.02), (minute(20) - chrono::TimeDelta::seconds(30), 0.5)];
    assert_eq!(judge(&Case { declared: &stepped, ..case }).doubts, []);
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

/// A version with these requests a minute, of which so many took at most 0.1 s, 0.5 s and 2 s.
fn timed(requests: u64, within: [u64; 3]) -> VersionSignals {
    let whole = version(&[(requests, 2); 20]);
    let interval =
        |counts: &Counts| BucketCounts { from: counts.from, to: counts.to, requests, within: within.to_vec() };
    let intervals = whole.counts.iter().map(interval).collect();
    let latency_counts = vec![LatencyCounts { stratum: String::new(), bounds: vec![0.1, 0.5, 2.0], intervals }];
    VersionSignals { latency_counts, ..whole }
}

#[test]
fn a_canary_with_a_slow_tail_is_no_go_although_its_errors_are_alike() {
    let (canary, stable) = (timed(1000, [900, 960, 970]), timed(3000, [2700, 2976, 2998]));
    let mut even = stable.clone();
    even.counts.iter_mut().for_each(|counts| counts.errors = 6);
    let judgement = judge(&Case::new(Some(&canary), Some(&even), minute(0), minute(20)));
    assert_eq!(judgement.verdict, Verdict::NoGo);
    let timing = judgement.timing.unwrap();
    assert_eq!((timing.bound, timing.canary.errors, timing.stable.errors), (2.0, 600, 40));
    assert_eq!(timing.p99.0, Some(Between { above: Some(2.0), at_most: None }));
    assert!(timing.slower.unwrap() > 0.5);
    assert!(
        judgement.reason.starts_with("slower: 3 % of requests over 2 s against 0.067 % on stable, n 20,000, ratio "),
        "{}",
        judgement.reason
    );
    assert_eq!(judgement.onset, Some(minute(0)));
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
fn a_pod_that_served_in_an_earlier_attempt_only_is_none_of_the_canarys_pods() {
    let mut canary = pods(&[("", "c-0", &[(330, 0); 30]), ("", "c-1", &[(330, 1); 30]), ("", "c-2", &[(330, 20); 30])]);
    canary.parts[0].counts.retain(|counts| counts.to <= minute(10));
    let stable = pods(&[("", "s-1", &[(1500, 3); 30])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(10), minute(30)));
    let said = judgement.doubts[0].to_string();
    assert_eq!(said, "400 of 420 errors on one pod of 2, c-2; without it the ratio is 1.5");
}

#[test]
fn requests_of_which_nobody_can_tell_whether_they_failed_are_no_data_and_say_why() {
    let whole = version(&[(1000, 2); 20]);
    let lacks = Uncounted::Lacks { lacks: ["status".to_owned()].into(), carries: vec!["code".to_owned()] };
    let canary = VersionSignals { uncounted: Some(lacks), ..whole.clone() };
    let judgement = judge(&Case::new(Some(&canary), Some(&whole), minute(0), minute(20)));
    let said = "errors (canary) cannot be counted: the canary's requests carry no status; they carry code";
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::NoData, format!("NO DATA {said}")));
    assert_eq!(judgement.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), [said]);
}

#[test]
fn response_times_that_could_not_be_read_are_not_told_as_none() {
    let whole = version(&[(1000, 2); 60]);
    let why = "latency buckets: incomplete: store eu did not answer";
    let canary = VersionSignals { latency: Latency::default(), untimed: Some(why.to_owned()), ..whole.clone() };
    let judgement = judge(&Case::new(Some(&canary), Some(&whole), minute(0), minute(60)));
    assert_eq!(judgement.verdict, Verdict::Wait);
    let said = format!("NO DATA response times cannot be read: {why}");
    assert!(judgement.reason.ends_with(&said), "{}", judgement.reason);
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
