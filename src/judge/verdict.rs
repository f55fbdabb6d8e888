//! The verdict on a canary, with its arithmetic. NO-GO needs evidence of harm, GO evidence of safety and nothing missing;
//! everything else is WAIT or NO DATA.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{evidence::Verdict, signal::VersionSignals, time::Timestamp},
    judge::{
        counts::{Pair, Tally, pairs, totals},
        eprocess::{ALPHA_HARM, ALPHA_SAFE, EProcess, REJECTED},
        forecast::{self, Progress, events_needed},
        gaps::{self, Missing},
        onset::onset,
        ratio::{Ratio, ratio},
        words::{Grouped, Short},
    },
};

/// Fewer errors than this, of both arms, never make a GO, however they are distributed.
const LEAST_EVENTS_FOR_GO: u64 = 10;
/// The ratio whose detection [`Judgement::events`] counts towards: twice the errors.
const A_DOUBLING: f64 = 2.0;

/// Evidence against one hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Natural logarithm of the e-value now.
    pub log_e: f64,
    /// Anytime-valid p-value, 0 to 1.
    pub p: f64,
}

/// What is thought of a canary, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The word.
    pub verdict: Verdict,
    /// The arithmetic in a sentence, without times: `3.1 % against 0.2 % on stable, n 29,800, ratio 15 (13–18)`.
    pub reason: String,
    /// What the numbers below cover begins here: the onset of a NO-GO, else the first interval of both arms. The verdict
    /// itself always rests on all intervals.
    pub covers_from: Option<Timestamp>,
    /// The canary's requests and errors.
    pub canary: Tally,
    /// Stable's, in the same intervals.
    pub stable: Tally,
    /// The ratio of the two error rates.
    pub ratio: Ratio,
    /// Evidence that the canary does harm.
    pub harm: Evidence,
    /// Evidence that it is safe.
    pub safe: Evidence,
    /// The end of the interval in which GO or NO-GO was first reached.
    pub decided_at: Option<Timestamp>,
    /// Errors of both arms, and how many would show twice the errors.
    pub events: Progress,
    /// Requests of the canary, and about how many a decision takes if it goes on as so far.
    pub requests: Progress,
    /// When that decision is due at the present traffic; only while it waits.
    pub eta: Option<Timestamp>,
    /// Since when the canary is worse, where it is.
    pub onset: Option<Timestamp>,
    /// What is missing, by name.
    pub missing: Vec<Missing>,
}

/// The two tests, and when each first reached its bar. A NO-GO stays; a GO stays unless harm shows later.
struct Tests {
    harm: EProcess,
    safety: EProcess,
    harm_at: Option<Timestamp>,
    safe_at: Option<Timestamp>,
}

impl Tests {
    fn run(pairs: &[Pair]) -> Self {
        let mut tests = Self { harm: EProcess::harm(), safety: EProcess::safety(), harm_at: None, safe_at: None };
        let mut events = 0;
        for pair in pairs {
            tests.harm.fold(pair);
            tests.safety.fold(pair);
            events = pair.events().saturating_add(events);
            if tests.harm_at.is_none() && tests.harm.log_e() >= -ALPHA_HARM.ln() {
                tests.harm_at = Some(pair.to);
            }
            if tests.safe_at.is_none() && tests.safety.log_e() >= -ALPHA_SAFE.ln() && events >= LEAST_EVENTS_FOR_GO {
                tests.safe_at = Some(pair.to);
            }
        }
        tests
    }

    fn verdict(&self, missing: &[Missing]) -> Verdict {
        if self.harm_at.is_some() {
            Verdict::NoGo
        } else if missing.iter().any(|missing| missing.prevents_judging()) {
            Verdict::NoData
        } else if self.safe_at.is_some() && missing.is_empty() {
            Verdict::Go
        } else {
            Verdict::Wait
        }
    }
}

/// Judges a canary by its errors beside those of stable, from `since` (when it first got traffic) to `now`.
///
/// `None` is a version that the source does not know. A series that is not there, or has ended, is named in `missing`:
/// without requests or errors of an arm the verdict is NO DATA, without latency it is at best WAIT.
pub fn judge(
    canary: Option<&VersionSignals>,
    stable: Option<&VersionSignals>,
    since: Timestamp,
    now: Timestamp,
) -> Judgement {
    let counts = |signals: Option<&VersionSignals>| signals.map(|s| s.counts.clone()).unwrap_or_default();
    let all = pairs(&counts(canary), &counts(stable), since);
    let missing = gaps::missing(canary, stable, &all, now);
    let tests = Tests::run(&all);
    let verdict = tests.verdict(&missing);
    let onset = onset(&all);
    // Minutes before the trouble began would make it look smaller than it is.
    let covered: Vec<_> = match (verdict, onset) {
        (Verdict::NoGo, Some(onset)) => all.iter().filter(|pair| pair.from >= onset).copied().collect(),
        _ => all.clone(),
    };
    let (canary, stable) = totals(&covered);
    let forecast = match verdict {
        Verdict::Wait if tests.safe_at.is_none() => forecast::forecast(&all, &tests.harm, &tests.safety),
        _ => None,
    };
    let (all_canary, all_stable) = totals(&all);
    let share = all_canary.requests as f64 / (all_canary + all_stable).requests.max(1) as f64;
    let evidence = |process: &EProcess| Evidence { log_e: process.log_e(), p: process.p() };
    let mut judgement = Judgement {
        verdict,
        reason: String::new(),
        covers_from: covered.first().map(|pair| pair.from),
        canary,
        stable,
        ratio: ratio(&covered),
        harm: evidence(&tests.harm),
        safe: evidence(&tests.safety),
        decided_at: match verdict {
            Verdict::NoGo => tests.harm_at,
            Verdict::Go => tests.safe_at,
            Verdict::Wait | Verdict::NoData => None,
        },
        events: Progress {
            seen: (all_canary + all_stable).errors,
            needed: events_needed(A_DOUBLING, share, ALPHA_HARM),
        },
        requests: Progress { seen: all_canary.requests, needed: forecast.map(|forecast| forecast.requests) },
        eta: forecast.map(|forecast| forecast.at.max(now)),
        onset,
        missing,
    };
    judgement.reason = reason(&judgement, tests.safe_at.is_some());
    judgement
}

fn reason(judgement: &Judgement, safe: bool) -> String {
    let mut parts = Vec::new();
    match judgement.verdict {
        Verdict::NoGo | Verdict::Go => {
            parts.extend(shares(judgement));
            parts.push(format!("n {}", Grouped(judgement.canary.requests)));
            parts.extend(ratio_words(judgement.ratio));
            if judgement.verdict == Verdict::Go {
                parts.push(format!("{REJECTED} times stable's errors is ruled out"));
            }
        }
        Verdict::Wait => {
            parts.push(match judgement.requests {
                Progress { seen, needed: Some(needed) } => format!("{} of {} requests", Grouped(seen), Grouped(needed)),
                Progress { seen, needed: None } => format!("{} requests", Grouped(seen)),
            });
            parts.extend(shares(judgement));
            parts.push(match (judgement.covers_from, judgement.requests.needed, judgement.events.seen) {
                _ if safe => "errors alone would be GO".to_owned(),
                (None, ..) => "no whole interval of both arms yet".to_owned(),
                (_, Some(_), _) => String::new(),
                (_, None, 0) => "no error on either side to compare by".to_owned(),
                (_, None, _) => "too few errors to say when".to_owned(),
            });
        }
        Verdict::NoData => {}
    }
    if !judgement.missing.is_empty() {
        parts.push(format!("NO DATA {}", gaps::list(&judgement.missing)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// `3.1 % against 0.2 % on stable`.
fn shares(judgement: &Judgement) -> Option<String> {
    let percent = |tally: Tally| tally.error_share().map(|share| Short(share * 100.0));
    Some(format!("{} % against {} % on stable", percent(judgement.canary)?, percent(judgement.stable)?))
}

/// `ratio 15 (13–18)`.
fn ratio_words(ratio: Ratio) -> Option<String> {
    match (ratio.estimate, ratio.low, ratio.high) {
        (Some(estimate), Some(low), Some(high)) => {
            Some(format!("ratio {} ({}–{})", Short(estimate), Short(low), Short(high)))
        }
        (_, Some(low), None) => Some(format!("ratio above {}", Short(low))),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        domain::signal::{Counts, Latency, Point},
        judge::{
            counts::tests::minute,
            gaps::{Arm, Gap, Signal},
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
        judge(Some(&version(canary)), Some(&version(stable)), minute(0), now)
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
        assert_eq!(judgement.reason, "3.1 % against 0.2 % on stable, n 18,000, ratio 16 (11–22)");
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
        assert!(late.reason.starts_with("0.2 % against 0.2 % on stable, n 60,000, ratio 1 ("), "{}", late.reason);
        assert!(late.reason.ends_with("1.5 times stable's errors is ruled out"), "{}", late.reason);
        assert_eq!((late.eta, late.onset), (None, None));
    }

    #[test]
    fn too_little_traffic_without_latency_waits_and_says_how_long_and_what_is_missing() {
        let (canary, stable) = (vec![(30, 0); 6], vec![(570, 1); 6]);
        let blind = VersionSignals { latency: Latency::default(), ..version(&canary) };
        let judgement = judge(Some(&blind), Some(&version(&stable)), minute(0), minute(6));
        assert_eq!(judgement.verdict, Verdict::Wait);
        let needed = judgement.requests.needed.unwrap();
        assert_eq!(judgement.requests.seen, 180);
        let text = format!("180 of {needed} requests, 0 % against 0.18 % on stable, NO DATA latency p99 (canary)");
        assert_eq!(judgement.reason.replace(',', ""), text.replace(',', ""));
        assert_eq!(judgement.missing, [Missing { signal: Signal::LatencyP99, arm: Arm::Canary, gap: Gap::NoSeries }]);
        assert_eq!(judgement.missing[0].to_string(), "latency p99 (canary) has no series");
        assert!(judgement.eta.unwrap() > minute(6));
    }

    #[test]
    fn evidence_of_safety_is_no_go_ahead_while_latency_is_missing() {
        let counts = (vec![(1000, 2); 60], vec![(3000, 6); 60]);
        let blind = VersionSignals { latency: Latency::default(), ..version(&counts.0) };
        let judgement = judge(Some(&blind), Some(&version(&counts.1)), minute(0), minute(60));
        assert_eq!((judgement.verdict, judgement.decided_at), (Verdict::Wait, None));
        let text =
            "60,000 requests, 0.2 % against 0.2 % on stable, errors alone would be GO, NO DATA latency p99 (canary)";
        assert_eq!(judgement.reason, text);
    }

    #[test]
    fn without_requests_or_errors_of_an_arm_there_is_no_data_and_each_is_named() {
        let whole = version(&[(1000, 2); 5]);
        let uncounted = VersionSignals { counts: Vec::new(), ..whole.clone() };
        let now = minute(5);
        let table = [
            (judge(None, Some(&whole), minute(0), now), "NO DATA requests, errors, latency p99 (canary)"),
            (judge(Some(&whole), None, minute(0), now), "NO DATA requests, errors, latency p99 (stable)"),
            (judge(Some(&uncounted), Some(&whole), minute(0), now), "NO DATA errors (canary)"),
            (
                judge(None, None, minute(0), now),
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
        let judgement = judge(Some(&canary), Some(&stable), minute(0), minute(70));
        assert_eq!(judgement.verdict, Verdict::NoData);
        let ended = |signal| Missing { signal, arm: Arm::Canary, gap: Gap::EndedAt(minute(60)) };
        assert_eq!(judgement.missing, [Signal::Requests, Signal::Errors, Signal::LatencyP99].map(ended));
        let soon = judge(Some(&canary), Some(&stable), minute(0), minute(62));
        assert_eq!(soon.verdict, Verdict::Go, "a late scrape is not the end");
    }

    #[test]
    fn a_canary_that_nobody_calls_has_no_data() {
        let mut idle = version(&[(0, 0); 5]);
        idle.latency.p99.clear();
        let judgement = judge(Some(&idle), Some(&version(&[(3000, 6); 5])), minute(0), minute(5));
        assert_eq!((judgement.verdict, judgement.reason.as_str()), (Verdict::NoData, "NO DATA requests (canary)"));
        assert_eq!(judgement.missing[0].to_string(), "requests (canary) has no traffic");
    }

    #[test]
    fn nothing_is_decided_before_a_whole_interval_or_without_errors() {
        let before = judge(Some(&version(&[(9, 0)])), Some(&version(&[(90, 0)])), minute(1), minute(1));
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
            judgement.reason.starts_with("2 % against 0 % on stable, n 5,000, ratio above "),
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
        let judgement = judge(Some(&canary), Some(&stable), minute(1), minute(2));
        assert_eq!((judgement.covers_from, judgement.canary.errors), (Some(minute(1)), 2));
    }
}
