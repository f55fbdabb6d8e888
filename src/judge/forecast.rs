//! How much more it takes: errors, requests and time until a decision, at the present traffic.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    domain::time::{Timestamp, after},
    judge::{
        counts::{Pair, totals},
        eprocess::{ALPHA_HARM, ALPHA_SAFE, EProcess, growth},
    },
};

/// So many of the newest intervals are "the present traffic".
const PRESENT: usize = 10;
/// What is further away is not a forecast.
const FURTHEST: f64 = 30.0 * 86_400.0;

/// How far something has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many there are.
    pub seen: u64,
    /// About how many there will be when it is decided; `None` where nothing can be said.
    pub needed: Option<u64>,
}

/// Errors of both arms that show, in expectation, a ratio of `ratio` at level `alpha`, where the canary has this share of
/// the requests. `None` where none would.
pub fn events_needed(ratio: f64, share: f64, alpha: f64) -> Option<u64> {
    let growth = growth(ratio, share, ratio, 1.0);
    (growth > 1e-9).then(|| whole((1.0 / alpha).ln() / growth))
}

/// When a decision is due, and with how many of the canary's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    pub(super) requests: u64,
    pub(super) at: Timestamp,
}

/// When the evidence will be enough for one verdict or the other, if the canary goes on as it did so far. `None` while there
/// are no errors at all, without traffic, and where the ratio lies between what is tolerated and what is rejected.
pub(super) fn forecast(pairs: &[Pair], harm: &EProcess, safety: &EProcess) -> Option<Forecast> {
    let recent = pairs.get(pairs.len().saturating_sub(PRESENT)..)?;
    let (first, last) = (recent.first()?, recent.last()?);
    let span = (last.to - first.from).to_std().ok()?.as_secs_f64();
    let (canary, stable) = totals(recent);
    let requests = (canary + stable).requests as f64;
    if canary.requests == 0 || stable.requests == 0 || span <= 0.0 {
        return None;
    }
    let share = canary.requests as f64 / requests;
    let (all_canary, all_stable) = totals(pairs);
    let all = all_canary + all_stable;
    let events_a_second = all.error_share()? * requests / span;
    let ratio = cautious_ratio(pairs);
    let events = [harm.events_to_go(ratio, share, ALPHA_HARM), safety.events_to_go(ratio, share, ALPHA_SAFE)];
    let seconds = events.into_iter().flatten().min_by(f64::total_cmp)? / events_a_second;
    if !seconds.is_finite() || seconds > FURTHEST {
        return None;
    }
    let requests = all_canary.requests.saturating_add(whole(seconds * canary.requests as f64 / span));
    Some(Forecast { requests, at: after(last.to, Duration::try_from_secs_f64(seconds).ok()?) })
}

/// The ratio so far, drawn towards 1 by two errors' worth: a few errors say little.
fn cautious_ratio(pairs: &[Pair]) -> f64 {
    const WORTH: f64 = 2.0;
    let expected: f64 = pairs.iter().filter_map(|pair| Some(pair.share()? * pair.events() as f64)).sum();
    let (canary, stable) = totals(pairs);
    let events = (canary + stable).errors as f64;
    let share = if events > 0.0 { expected / events } else { 0.5 };
    let got = (canary.errors as f64 + WORTH * share) / (events + WORTH);
    got * (1.0 - share) / ((1.0 - got) * share)
}

/// Up to the next whole number.
fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    let whole = value.ceil() as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::counts::tests::{minute, pair};

    #[test]
    fn the_errors_needed_are_those_of_the_published_table() {
        let table = [
            (0.01, [16_133, 4_327, 1_220, 368, 121, 37]),
            (0.05, [3_407, 926, 267, 84, 30, 11]),
            (0.10, [1_827, 504, 150, 50, 19, 8]),
            (0.20, [1_061, 302, 95, 34, 15, 7]),
            (0.50, [744, 229, 81, 35, 19, 12]),
        ];
        for (share, row) in table {
            for (ratio, events) in [1.25, 1.5, 2.0, 3.0, 5.0, 10.0].into_iter().zip(row) {
                let needed = events_needed(ratio, share, 0.01).unwrap();
                assert!(needed.abs_diff(events) <= 1, "share {share}, ratio {ratio}: {needed} instead of {events}");
            }
        }
        assert_eq!(events_needed(2.0, 0.1, 0.01), Some(150));
        assert_eq!(events_needed(1.0, 0.1, 0.01), None);
        assert_eq!(events_needed(2.0, 0.0, 0.01), None);
    }

    fn folded(pairs: &[Pair]) -> (EProcess, EProcess) {
        let (mut harm, mut safety) = (EProcess::harm(), EProcess::safety());
        for pair in pairs {
            harm.fold(pair);
            safety.fold(pair);
        }
        (harm, safety)
    }

    #[test]
    fn a_decision_comes_about_when_it_was_said_to_if_nothing_changes() {
        for errors in [(1, 9), (4, 9)] {
            let pairs: Vec<_> = (0..2000).map(|i| pair(i, (300, errors.0, 2700, errors.1))).collect();
            let (harm, safety) = folded(&pairs[..6]);
            let said = forecast(&pairs[..6], &harm, &safety).unwrap();
            let decided = (1..2000)
                .find(|&n| {
                    let (harm, safety) = folded(&pairs[..n]);
                    harm.log_e() >= (1.0 / ALPHA_HARM).ln() || safety.log_e() >= (1.0 / ALPHA_SAFE).ln()
                })
                .unwrap();
            let said = usize::try_from((said.at - minute(0)).num_minutes()).unwrap();
            assert!(decided <= said && said <= decided * 2, "said {said}, decided {decided}");
        }
    }

    #[test]
    fn requests_and_time_of_a_forecast_agree() {
        let pairs: Vec<_> = (0..6).map(|i| pair(i, (30, 0, 570, u64::from(i % 2 == 0)))).collect();
        let (harm, safety) = folded(&pairs);
        let Forecast { requests, at } = forecast(&pairs, &harm, &safety).unwrap();
        let expected = 30.0 * (at - minute(0)).as_seconds_f64() / 60.0;
        assert!((requests as f64 - expected).abs() <= 1.0, "{requests} at {at}");
    }

    #[test]
    fn without_errors_or_traffic_nothing_is_said() {
        for counts in [(300, 0, 2700, 0), (0, 0, 2700, 9), (0, 0, 0, 0)] {
            let pairs = [pair(0, counts)];
            let (harm, safety) = folded(&pairs);
            assert_eq!(forecast(&pairs, &harm, &safety), None, "{counts:?}");
        }
        assert_eq!(forecast(&[], &EProcess::harm(), &EProcess::safety()), None);
    }
}
