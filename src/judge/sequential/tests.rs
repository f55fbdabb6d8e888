//! Cases for the sequential judge: each word, each doubt, and what is refused.

use super::*;
use crate::judge::{gaps, split::Uneven};

fn arm(requests: u64, errors: u64) -> Arm {
    Arm { requests, errors: Some(errors), buckets: None }
}

fn interval(counts: (u64, u64, u64, u64)) -> Interval {
    Interval { canary: Some(arm(counts.0, counts.1)), baseline: Some(arm(counts.2, counts.3)), ..Interval::default() }
}

fn folded(settings: Settings, intervals: impl IntoIterator<Item = Interval>) -> Sequential {
    let mut case = Sequential::new(settings).unwrap();
    for interval in intervals {
        case.fold(&interval).unwrap();
    }
    case
}

fn answer(intervals: impl IntoIterator<Item = Interval>) -> Answer {
    folded(Settings::default(), intervals).answer()
}

#[test]
fn harm_is_a_fail_at_the_interval_that_first_showed_it_and_stays_when_errors_stop() {
    let bad = || std::iter::repeat_n(interval((300, 2, 2700, 6)), 30);
    let at = answer(bad()).decided_at.unwrap();
    assert_eq!(answer(bad().take(at)).verdict, Verdict::Fail);
    assert_eq!(answer(bad().take(at - 1)).verdict, Verdict::Undecided);
    let recovered = answer(bad().chain(std::iter::repeat_n(interval((300, 0, 2700, 6)), 500)));
    assert_eq!((recovered.verdict, recovered.decided_at), (Verdict::Fail, Some(at)));
    assert!(recovered.harm.log_e < 4.6 && recovered.harm.p <= 0.01, "p keeps the most there ever was: {recovered:?}");
}

#[test]
fn safety_is_a_pass_and_no_later_harm_changes_the_first_decision() {
    let good = || std::iter::repeat_n(interval((750, 2, 2250, 6)), 100);
    let passed = answer(good());
    assert_eq!(passed.verdict, Verdict::Pass);
    let later = answer(good().chain(std::iter::repeat_n(interval((750, 200, 2250, 6)), 20)));
    assert_eq!((later.verdict, later.decided_at), (Verdict::Pass, passed.decided_at));
    assert!(later.harm.log_e > 100.0);
}

#[test]
fn between_the_two_it_is_undecided_with_what_is_needed_and_how_long_that_takes() {
    let waits = answer(std::iter::repeat_n(interval((300, 1, 2700, 6)), 5));
    assert_eq!((waits.verdict, waits.decided_at, waits.needed), (Verdict::Undecided, None, Some(150)));
    assert_eq!((waits.canary_events, waits.baseline_events), (5, 30));
    assert!(waits.eta_intervals.is_some_and(|eta| eta > 5), "{waits:?}");
}

#[test]
fn without_anything_to_compare_there_is_no_data_and_missing_is_not_zero() {
    let lost = || Interval { canary: None, ..interval((0, 0, 2700, 6)) };
    let uncounted = Interval { canary: Some(Arm { requests: 300, ..Arm::default() }), ..interval((0, 0, 2700, 6)) };
    for intervals in [vec![], vec![lost(); 4], vec![uncounted; 4], vec![interval((0, 0, 2700, 6)); 4]] {
        let answer = answer(intervals.clone());
        assert_eq!(
            (answer.verdict, answer.decided_at, answer.eta_intervals),
            (Verdict::NoData, None, None),
            "{intervals:?}"
        );
        assert_eq!(answer.ratio, Ratio::default());
    }
    let partial = |missing, of| Doubt::Partial { arm: gaps::Arm::Canary, missing, of };
    assert_eq!(answer(vec![lost(); 4]).doubts, [partial(4, 4)]);
    let gap = answer([interval((300, 1, 2700, 6)), lost(), interval((300, 1, 2700, 6))]);
    assert_eq!(gap.doubts[0], partial(1, 3));
}

#[test]
fn a_traffic_share_that_was_not_declared_is_doubted() {
    let settings = Settings { weight: Some(0.1), ..Settings::default() };
    let doubted = folded(settings, std::iter::repeat_n(interval((60, 0, 2940, 6)), 10)).answer();
    let Doubt::Split(Uneven { got, declared }) = doubted.doubts[0] else { panic!("{:?}", doubted.doubts) };
    assert!((got - 0.02).abs() < 1e-9 && (declared - 0.1).abs() < 1e-9, "{got} {declared}");
    let own = Interval { declared: Some(0.02), ..interval((60, 0, 2940, 6)) };
    assert_eq!(folded(settings, std::iter::repeat_n(own, 10)).answer().doubts.len(), 0);
}

fn timed(within: &[(f64, u64)], requests: u64) -> Arm {
    Arm { requests, errors: None, buckets: Some(within.to_vec()) }
}

fn slow_tail() -> Interval {
    Interval {
        canary: Some(timed(&[(0.1, 250), (0.25, 280), (f64::INFINITY, 300)], 300)),
        baseline: Some(timed(&[(0.1, 2250), (0.25, 2673), (f64::INFINITY, 2700)], 2700)),
        ..Interval::default()
    }
}

#[test]
fn response_times_alone_are_a_case() {
    let settings = Settings { slo_le: Some(0.25), ..Settings::default() };
    let slow = folded(settings, std::iter::repeat_n(slow_tail(), 20)).answer();
    assert_eq!(slow.verdict, Verdict::Fail);
    assert_eq!((slow.canary_events, slow.baseline_events), (400, 540));
    assert!((slow.ratio.estimate.unwrap() - 6.67).abs() < 0.01, "{:?}", slow.ratio);
}

#[test]
fn errors_and_response_times_together_fail_by_either_and_pass_only_by_both() {
    let both = |tail: Interval, errors: (u64, u64)| {
        let with = |arm: Option<Arm>, errors| arm.map(|arm| Arm { errors: Some(errors), ..arm });
        Interval { canary: with(tail.canary, errors.0), baseline: with(tail.baseline, errors.1), ..Interval::default() }
    };
    let settings = Settings { slo_le: Some(0.25), ..Settings::default() };
    let slow = folded(settings, std::iter::repeat_n(both(slow_tail(), (1, 9)), 20)).answer();
    assert_eq!(slow.verdict, Verdict::Fail);
    let alike = Interval { canary: Some(timed(&[(0.1, 250), (0.25, 297), (f64::INFINITY, 300)], 300)), ..slow_tail() };
    let fine = folded(settings, std::iter::repeat_n(both(alike, (1, 9)), 300)).answer();
    assert_eq!(fine.verdict, Verdict::Pass);
    assert!(fine.safe.p <= 0.05);
}

#[test]
fn a_stored_case_goes_on_bit_for_bit_where_it_was() {
    let intervals: Vec<_> =
        (0..20).map(|i| if i % 4 == 3 { slow_tail() } else { interval((300, i % 3, 2700, 9)) }).collect();
    let whole = folded(Settings::default(), intervals.clone());
    for restart in 0..intervals.len() {
        let stored = serde_json::to_string(&folded(Settings::default(), intervals[..restart].to_vec())).unwrap();
        let mut again: Sequential = serde_json::from_str(&stored).unwrap();
        intervals[restart..].iter().for_each(|interval| again.fold(interval).unwrap());
        assert_eq!(again, whole, "restart after {restart}");
        assert_eq!(again.answer(), whole.answer());
    }
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let buckets = |buckets: &[(f64, u64)]| Interval { canary: Some(timed(buckets, 300)), ..Interval::default() };
    let table = [
        (interval((9, 12, 90, 1)), "intervals[1].canary.errors: 12 errors of 9 requests"),
        (interval((9, 1, 90, 91)), "intervals[1].baseline.errors: 91 errors of 90 requests"),
        (buckets(&[(0.1, 9), (0.1, 9)]), "intervals[1].canary.buckets: the bound 0.1 stands behind 0.1; bounds ascend"),
        (
            buckets(&[(0.1, 9), (0.2, 8)]),
            "intervals[1].canary.buckets: 8 within 0.2 s after 9 within 0.1 s; counts are cumulative",
        ),
        (buckets(&[(0.1, 301)]), "intervals[1].canary.buckets: 301 within 0.1 s of 300 requests"),
        (
            buckets(&[(0.1, 9), (f64::INFINITY, 299)]),
            "intervals[1].canary.buckets: +Inf holds 299 of 300 requests; it must hold all",
        ),
        (buckets(&[(f64::NAN, 9)]), "intervals[1].canary.buckets: NaN is not a bound in seconds"),
        (buckets(&[]), "intervals[1].canary.buckets: there is no finite bound"),
        (
            Interval { declared: Some(1.5), ..interval((9, 1, 90, 1)) },
            "intervals[1].declared: 1.5 is not a share between 0 and 1",
        ),
    ];
    for (wrong, why) in table {
        let mut case = folded(Settings::default(), [interval((300, 1, 2700, 6))]);
        let before = case.clone();
        assert_eq!(case.fold(&wrong).unwrap_err().to_string(), why);
        assert_eq!(case, before);
    }
    let mut case = folded(Settings::default(), [slow_tail()]);
    let other = Interval { canary: Some(timed(&[(0.3, 9)], 300)), ..slow_tail() };
    let why = "intervals[1].canary.buckets: the bounds differ from those of the arm or interval before it";
    assert_eq!(case.fold(&other).unwrap_err().to_string(), why);
}

#[test]
fn absurd_settings_are_refused_by_name() {
    let table = [
        (
            Settings { alpha_harm: 0.0, ..Settings::default() },
            "alpha_harm: 0 is not a chance between 0 and 1, both excluded",
        ),
        (
            Settings { alpha_safe: 1.0, ..Settings::default() },
            "alpha_safe: 1 is not a chance between 0 and 1, both excluded",
        ),
        (Settings { tolerate: f64::NAN, ..Settings::default() }, "tolerate: NaN is not a ratio above 0"),
        (Settings { reject: -1.0, ..Settings::default() }, "reject: -1 is not a ratio above 0"),
        (Settings { slo_le: Some(0.0), ..Settings::default() }, "slo_le: 0 is not a time in seconds above 0"),
        (Settings { weight: Some(2.0), ..Settings::default() }, "weight: 2 is not a share between 0 and 1"),
    ];
    for (settings, why) in table {
        assert_eq!(Sequential::new(settings).unwrap_err().to_string(), why);
    }
}

#[test]
fn absurd_counts_are_judged_without_a_crash() {
    let most = u64::MAX;
    let answer =
        answer([(most, most, most, most), (most, 0, 1, 1), (0, 0, most, 7), (most, 1, most, most)].map(interval));
    assert!(answer.harm.log_e.is_finite() && answer.safe.log_e.is_finite(), "{answer:?}");
}
