//! Verdicts on made-up minutes in words.

use super::*;
use crate::{
    domain::signal::{Latency, Uncounted, VersionSignals},
    judge::{
        gaps::{Arm, Gap, Missing, Signal},
        latency::Between,
        verdict::{Case, judge, sample::*},
    },
    words::{doubt, missing},
};

#[test]
fn a_bad_canary_is_no_go_with_its_arithmetic_and_since_when() {
    let (canary, stable) = bad_canary();
    let judgement = judged(&canary, &stable);
    assert_eq!(judgement.verdict, Verdict::NoGo);
    assert_eq!(reason(&judgement), "errors 3.1 % against 0.2 % on stable in 18 min, n 18,000, ratio 15 (11–22)");
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
    let said = reason(&late);
    assert!(said.starts_with("errors 0.2 % against 0.2 % on stable in 60 min, n 60,000, ratio 1 ("), "{said}");
    assert!(said.ends_with("1.5 times stable's errors is ruled out"), "{said}");
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
    let shares = "0 % against 0.18 % on stable in 6 min";
    let text = format!("180 requests of about {needed} needed, {shares}, NO DATA latency p99 (canary)");
    assert_eq!(
        arithmetic(&judgement).replace(',', ""),
        text.replace(", NO DATA latency p99 (canary)", "").replace(',', "")
    );
    assert_eq!(reason(&judgement).replace(',', ""), text.replace(',', ""));
    assert_eq!(judgement.missing, [Missing { signal: Signal::LatencyP99, arm: Arm::Canary, gap: Gap::NoSeries }]);
    assert_eq!(missing(&judgement.missing[0]), "latency p99 (canary) has no series");
    assert!(judgement.eta.unwrap() > minute(6));
}

#[test]
fn evidence_of_safety_is_no_go_ahead_while_latency_is_missing() {
    let counts = (vec![(1000, 2); 60], vec![(3000, 6); 60]);
    let blind = VersionSignals { latency: Latency::default(), ..version(&counts.0) };
    let judgement = judge(&Case::new(Some(&blind), Some(&version(&counts.1)), minute(0), minute(60)));
    assert_eq!((judgement.verdict, judgement.decided_at), (Verdict::Wait, None));
    let text = "60,000 requests, 0.2 % against 0.2 % on stable in 60 min, errors alone would be GO";
    assert_eq!(
        (arithmetic(&judgement).as_str(), reason(&judgement)),
        (text, format!("{text}, NO DATA latency p99 (canary)"))
    );
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
    for (judgement, said) in table {
        assert_eq!((judgement.verdict, reason(&judgement).as_str()), (Verdict::NoData, said));
        assert_eq!(format!("NO DATA {}", beside_word(&judgement)), said, "the word is not said twice");
        assert_eq!((judgement.eta, judgement.decided_at), (None, None));
    }
}

#[test]
fn a_canary_that_nobody_calls_has_no_data() {
    let mut idle = version(&[(0, 0); 5]);
    idle.latency.p99.clear();
    let judgement = judge(&Case::new(Some(&idle), Some(&version(&[(3000, 6); 5])), minute(0), minute(5)));
    assert_eq!((judgement.verdict, reason(&judgement).as_str()), (Verdict::NoData, "NO DATA requests (canary)"));
    assert_eq!(missing(&judgement.missing[0]), "requests (canary) has no traffic");
}

#[test]
fn nothing_is_decided_before_a_whole_interval_or_without_errors() {
    let before = judge(&Case::new(Some(&version(&[(9, 0)])), Some(&version(&[(90, 0)])), minute(1), minute(1)));
    assert_eq!(reason(&before), "0 requests, no whole interval of both arms yet");
    let clean = judged(&[(1000, 0); 30], &[(3000, 0); 30]);
    assert_eq!((clean.verdict, clean.eta), (Verdict::Wait, None));
    let text = "30,000 requests, 0 % against 0 % on stable in 30 min, no error on either side to compare by";
    assert_eq!(reason(&clean), text);
}

#[test]
fn a_decision_more_than_a_month_away_is_not_promised() {
    let rare = concat(&[(1, (10, 1)), (2999, (10, 0))]);
    let judgement = judged(&rare, &rare);
    assert_eq!((judgement.verdict, judgement.eta), (Verdict::Wait, None));
    let text = "30,000 requests, 0.0033 % against 0.0033 % on stable in 2 d, too few errors to say when";
    assert_eq!(reason(&judgement), text);
}

#[test]
fn a_canary_whose_stable_never_fails_has_a_ratio_with_one_bound() {
    let judgement = judged(&[(1000, 20); 5], &[(3000, 0); 5]);
    assert_eq!(judgement.verdict, Verdict::NoGo);
    let said = reason(&judgement);
    assert!(said.starts_with("errors 2 % against 0 % on stable in 5 min, n 5,000, ratio above "), "{said}");
}

#[test]
fn the_strongest_doubt_is_the_pod_that_has_the_errors() {
    let canary = pods(&[("", "c-1", &[(330, 1); 20]), ("", "c-2", &[(330, 9); 20]), ("", "c-3", &[(330, 1); 20])]);
    let stable = pods(&[("", "s-1", &[(1500, 3); 20]), ("", "s-2", &[(1500, 3); 20])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(20)));
    assert_eq!(judgement.verdict, Verdict::NoGo);
    let said = doubt(&judgement.doubts[0]);
    assert_eq!(said, "180 of 220 errors on one pod of 3, c-2; without it the ratio is 1.5");
}

#[test]
fn a_share_of_the_traffic_that_was_not_declared_is_doubted_and_the_minute_of_a_change_is_not() {
    let (canary, stable) = (version(&[(60, 0); 20]), version(&[(2940, 6); 20]));
    let declared = [(minute(0), 0.1)];
    let case = Case { declared: &declared, ..Case::new(Some(&canary), Some(&stable), minute(0), minute(20)) };
    assert_eq!(doubt(&judge(&case).doubts[0]), "traffic share 0.02, declared 0.10");
    let stepped = [(minute(0), 0.02), (minute(20) - chrono::TimeDelta::seconds(30), 0.5)];
    assert_eq!(judge(&Case { declared: &stepped, ..case }).doubts, []);
}

#[test]
fn a_canary_with_a_slow_tail_is_no_go_although_its_errors_are_alike() {
    let (canary, stable) = (timed(1000, [900, 960, 970]), timed(3000, [2700, 2976, 2998]));
    let mut even = stable.clone();
    even.counts.iter_mut().for_each(|counts| counts.errors = 6);
    let judgement = judge(&Case::new(Some(&canary), Some(&even), minute(0), minute(20)));
    assert_eq!(judgement.verdict, Verdict::NoGo);
    let timing = judgement.timing.as_ref().unwrap();
    assert_eq!((timing.bound, timing.canary.errors, timing.stable.errors), (2.0, 600, 40));
    assert_eq!(timing.p99.0, Some(Between { above: Some(2.0), at_most: None }));
    assert!(timing.slower.unwrap() > 0.5);
    let said = reason(&judgement);
    let begins = "slower: 3 % of requests over 2 s against 0.067 % on stable in 20 min, n 20,000, ratio ";
    assert!(said.starts_with(begins), "{said}");
    assert_eq!(judgement.onset, Some(minute(0)));
}

#[test]
fn a_pod_that_served_in_an_earlier_attempt_only_is_none_of_the_canarys_pods() {
    let mut canary = pods(&[("", "c-0", &[(330, 0); 30]), ("", "c-1", &[(330, 1); 30]), ("", "c-2", &[(330, 20); 30])]);
    canary.parts[0].counts.retain(|counts| counts.to <= minute(10));
    let stable = pods(&[("", "s-1", &[(1500, 3); 30])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(10), minute(30)));
    let said = doubt(&judgement.doubts[0]);
    assert_eq!(said, "400 of 420 errors on one pod of 2, c-2; without it the ratio is 1.5");
}

#[test]
fn requests_of_which_nobody_can_tell_whether_they_failed_are_no_data_and_say_why() {
    let whole = version(&[(1000, 2); 20]);
    let lacks = Uncounted::Lacks { lacks: ["status".to_owned()].into(), carries: vec!["code".to_owned()] };
    let canary = VersionSignals { uncounted: Some(lacks), ..whole.clone() };
    let judgement = judge(&Case::new(Some(&canary), Some(&whole), minute(0), minute(20)));
    let said = "errors (canary) cannot be counted: the canary's requests carry no status; they carry code";
    assert_eq!((judgement.verdict, reason(&judgement)), (Verdict::NoData, format!("NO DATA {said}")));
    assert_eq!(judgement.missing.iter().map(missing).collect::<Vec<_>>(), [said]);
}

#[test]
fn response_times_that_could_not_be_read_are_not_told_as_none() {
    let whole = version(&[(1000, 2); 60]);
    let why = "latency buckets: incomplete: store eu did not answer";
    let canary = VersionSignals { latency: Latency::default(), untimed: Some(why.to_owned()), ..whole.clone() };
    let judgement = judge(&Case::new(Some(&canary), Some(&whole), minute(0), minute(60)));
    assert_eq!(judgement.verdict, Verdict::Wait);
    let said = format!("NO DATA response times cannot be read: {why}");
    assert!(reason(&judgement).ends_with(&said), "{}", reason(&judgement));
}

#[test]
fn where_the_mix_of_callers_differs_the_strata_are_said_and_not_the_totals() {
    let canary = pods(&[("EU", "c", &[(100, 6); 30]), ("US", "c", &[(900, 5); 30])]);
    let stable = pods(&[("EU", "s", &[(900, 18); 30]), ("US", "s", &[(100, 0); 30])]);
    let judgement = judge(&Case::new(Some(&canary), Some(&stable), minute(0), minute(30)));
    let said = reason(&judgement);
    let begins = "errors in EU 6 % against 2 % on stable, in US 0.56 % against 0 %, in 30 min, n ";
    assert!(said.starts_with(begins), "{said}");
    let said = doubt(&judgement.doubts[0]);
    assert!(said.starts_with("mix shift: US 10 % → 90 %; totals say ratio 0.61, stratum by stratum"), "{said}");
}
