//! Burn rates and the alerts made of them: is the error budget going faster than it may?

use std::time::Duration;

use crate::{
    domain::{signal::Counts, time::Timestamp},
    judge::{
        counts::Tally,
        slo::{Lack, Objective, window::recent},
    },
};

/// The period of the workbook's table.
const TABLE_PERIOD: Duration = Duration::from_hours(30 * 24);
/// The workbook's table 5-8: whom it wakes, long window in seconds at 30 days, burn rate from which it fires. The short window
/// is a twelfth of the long one.
const TABLE: [(Severity, u64, f64); 3] =
    [(Severity::Page, 3_600, 14.4), (Severity::Page, 21_600, 6.0), (Severity::Ticket, 259_200, 1.0)];

/// Whom an alert is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody, now.
    Page,
    /// Somebody, in working hours.
    Ticket,
}

/// One row of the table: an alert fires when the burn rates of both windows are high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// Whom it is for.
    pub severity: Severity,
    /// The window that tells that it matters.
    pub long: Duration,
    /// The window that tells that it still goes on: a twelfth of the long one.
    pub short: Duration,
    /// The burn rate from which it fires.
    pub at_least: f64,
}

/// What a watch says. Nothing is quiet by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Both windows burn at least as fast.
    Fires,
    /// One of them is known to burn less.
    Quiet,
    /// Cannot be told.
    Unknown,
}

/// A watch with what it sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What is watched.
    pub watch: Watch,
    /// Burn rate of the long window, or what is missing for it.
    pub long: Result<f64, Lack>,
    /// Burn rate of the short window, or what is missing for it.
    pub short: Result<f64, Lack>,
    /// What follows.
    pub state: State,
}

/// The workbook's three watches, scaled to the objective's period: the burn rates stay and the windows stretch with it, so that
/// each still means the same share of the budget (2 %, 5 %, 10 %).
///
/// Source: SRE workbook, chapter 5, table 5-8 (99.9 % over 30 days). What breaks it: very low traffic, where one failed
/// request is a high burn rate.
pub fn watches(objective: &Objective) -> [Watch; 3] {
    let stretch = objective.period().as_secs_f64() / TABLE_PERIOD.as_secs_f64();
    TABLE.map(|(severity, seconds, at_least)| {
        let long = Duration::from_secs(seconds).mul_f64(stretch);
        Watch { severity, long, short: long / 12, at_least }
    })
}

/// `(errors / requests) / (1 − target)`: 1 spends exactly the budget in a period. No unit.
///
/// Assumes that each request counts alike. Source: SRE workbook, chapter 5, "Alert on burn rate".
///
/// # Errors
/// [`Lack::NoTraffic`] without requests: that is not a burn rate of 0.
pub fn burn_rate(objective: &Objective, tally: Tally, window: Duration) -> Result<f64, Lack> {
    tally.error_share().map(|share| share / objective.budget()).ok_or(Lack::NoTraffic { window })
}

/// The burn rate of the last `window`.
///
/// # Errors
/// What is missing for it, see [`recent`] and [`burn_rate`].
pub fn burning(objective: &Objective, counts: &[Counts], window: Duration, now: Timestamp) -> Result<f64, Lack> {
    burn_rate(objective, recent(counts, window, now)?, window)
}

/// The three alerts of an objective on the requests of the whole service.
///
/// An alert fires when both of its windows burn at least at its rate; it is quiet when one is known to burn less; else it is
/// unknown. Source: SRE workbook, chapter 5, "Multiwindow, multi-burn-rate alerts".
pub fn alerts(objective: &Objective, counts: &[Counts], now: Timestamp) -> [Alert; 3] {
    watches(objective).map(|watch| {
        let long = burning(objective, counts, watch.long, now);
        let short = burning(objective, counts, watch.short, now);
        let high = |burn: &Result<f64, Lack>| burn.as_ref().ok().map(|burn| *burn >= watch.at_least);
        let state = match (high(&long), high(&short)) {
            (Some(true), Some(true)) => State::Fires,
            (Some(false), _) | (_, Some(false)) => State::Quiet,
            _ => State::Unknown,
        };
        Alert { watch, long, short, state }
    })
}

/// The share of a period's budget that a window has used: `burn × window / period`. More than 1 is more than the budget.
///
/// Assumes that the window had its even part of the period's requests. Source: SRE workbook, chapter 5.
pub fn used(objective: &Objective, burn: f64, window: Duration) -> f64 {
    burn * window.as_secs_f64() / objective.period().as_secs_f64()
}

/// The share of the budget that is left: `1 − (errors / requests) / (1 − target)` over the period that ends now. Below 0 it
/// is overspent.
///
/// # Errors
/// What is missing: most of the period must be known, an hour of it says nothing of what is left.
pub fn left(objective: &Objective, counts: &[Counts], now: Timestamp) -> Result<f64, Lack> {
    burning(objective, counts, objective.period(), now).map(|burn| 1.0 - burn)
}

/// When the budget is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhaustion {
    /// It is.
    Gone,
    /// After this time, at this burn rate.
    In(Duration),
    /// Not within a hundred periods at this burn rate.
    Never,
}

/// When the budget is gone if it burns on at this rate: `left × period / burn`.
///
/// `left`: share of the budget, see [`left`]. Assumes even traffic, and forgets that old errors leave a rolling period: it is
/// the earlier of the two. Source: SRE workbook, chapter 5, table 5-4 turned round.
pub fn exhaustion(objective: &Objective, left: f64, burn: f64) -> Exhaustion {
    const FOREVER: f64 = 100.0;
    if left <= 0.0 {
        return Exhaustion::Gone;
    }
    let periods = left / burn;
    // Also where nothing burns (infinity) and where nothing is known (NaN).
    if burn > 0.0 && periods < FOREVER {
        Exhaustion::In(objective.period().mul_f64(periods))
    } else {
        Exhaustion::Never
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::{counts::tests::minute, slo::window::tests::minutes};

    fn objective(target: f64, days: u64) -> Objective {
        Objective::new(target, Duration::from_hours(24 * days)).unwrap()
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_workbook_s_table_for_30_days_and_half_of_it_for_15() {
        let row = |w: &Watch| (w.severity, w.long.as_secs(), w.short.as_secs(), w.at_least);
        assert_eq!(
            watches(&objective(0.999, 30)).each_ref().map(row),
            [
                (Severity::Page, 3_600, 300, 14.4),
                (Severity::Page, 21_600, 1_800, 6.0),
                (Severity::Ticket, 259_200, 21_600, 1.0),
            ]
        );
        assert_eq!(
            watches(&objective(0.999, 15)).each_ref().map(row),
            [
                (Severity::Page, 1_800, 150, 14.4),
                (Severity::Page, 10_800, 900, 6.0),
                (Severity::Ticket, 129_600, 10_800, 1.0),
            ]
        );
        for days in [7, 28, 30, 90] {
            let objective = objective(0.999, days);
            let shares = watches(&objective).map(|watch| used(&objective, watch.at_least, watch.long));
            for (share, expected) in shares.into_iter().zip([0.02, 0.05, 0.10]) {
                assert!(near(share, expected), "{share} of the budget over {days} d");
            }
        }
    }

    #[test]
    fn a_burn_rate_is_the_error_share_over_the_budget_and_none_without_requests() {
        let (slo, hour) = (objective(0.999, 30), Duration::from_hours(1));
        let burn = |requests, errors| burn_rate(&slo, Tally { requests, errors }, hour);
        assert!(near(burn(10_000, 144).unwrap(), 14.4));
        assert!(near(burn(10_000, 0).unwrap(), 0.0));
        assert!(near(burn(10, 10).unwrap(), 1000.0));
        assert_eq!(burn(0, 0), Err(Lack::NoTraffic { window: Duration::from_hours(1) }));
    }

    #[test]
    fn an_alert_fires_when_both_windows_burn_and_is_unknown_where_one_cannot_be_told() {
        let slo = objective(0.999, 30);
        // An hour at 2 %: 20 times the budget. Six hours are not known.
        let hour = minutes(0, 60, 1000, 20);
        let [page, slow, ticket] = alerts(&slo, &hour, minute(60));
        assert_eq!((page.state, slow.state, ticket.state), (State::Fires, State::Unknown, State::Unknown));
        let (hour, six) = (Duration::from_hours(1), Duration::from_hours(6));
        assert_eq!(slow.long, Err(Lack::Partial { window: six, covered: hour }));
        // It is over: the short window is clean.
        let over = [minutes(0, 55, 1000, 20), minutes(55, 5, 1000, 0)].concat();
        let [page, ..] = alerts(&slo, &over, minute(60));
        assert_eq!(page.state, State::Quiet);
        // Nobody asks any more: that is not quiet.
        let silent = [minutes(0, 55, 1000, 20), minutes(55, 5, 0, 0)].concat();
        let [page, ..] = alerts(&slo, &silent, minute(60));
        let none = Lack::NoTraffic { window: Duration::from_mins(5) };
        assert_eq!((page.state, page.short), (State::Unknown, Err(none)));
    }

    #[test]
    fn a_budget_lasts_as_long_as_what_is_left_burns() {
        let slo = objective(0.999, 30);
        let days = |n: u64| Exhaustion::In(Duration::from_hours(24 * n));
        assert_eq!(exhaustion(&slo, 1.0, 1.0), days(30));
        assert_eq!(exhaustion(&slo, 0.5, 3.0), days(5));
        assert_eq!(exhaustion(&slo, 0.0, 3.0), Exhaustion::Gone);
        assert_eq!(exhaustion(&slo, -0.2, 0.0), Exhaustion::Gone);
        assert_eq!(exhaustion(&slo, 0.5, 0.0), Exhaustion::Never);
        assert_eq!(exhaustion(&slo, 0.5, f64::NAN), Exhaustion::Never);
    }

    #[test]
    fn what_is_left_needs_most_of_the_period() {
        let slo = objective(0.99, 1);
        let day = minutes(0, 1440, 100, 0).into_iter().enumerate();
        let day: Vec<_> = day.map(|(i, it)| Counts { errors: u64::from(i % 4 == 0), ..it }).collect();
        assert!(near(left(&slo, &day, minute(1440)).unwrap(), 0.75));
        let hour = minutes(0, 60, 100, 0);
        let partial = Lack::Partial { window: Duration::from_hours(24), covered: Duration::from_hours(1) };
        assert_eq!(left(&slo, &hour, minute(60)), Err(partial));
    }

    proptest! {
        #[test]
        fn a_window_at_the_burn_rate_of_one_uses_its_share_of_the_period(
            target in 0.5_f64..0.99999, days in 1_u64..366, hours in 1_u64..100, requests in 1_u64..1_000_000,
        ) {
            let slo = objective(target, days);
            let tally = Tally { requests, errors: requests };
            let burn = burn_rate(&slo, tally, Duration::from_hours(hours)).unwrap();
            prop_assert!((burn * slo.budget() - 1.0).abs() < 1e-9);
            let share = used(&slo, 1.0, Duration::from_hours(hours));
            prop_assert!((share - hours as f64 / (24 * days) as f64).abs() < 1e-12);
            match exhaustion(&slo, 1.0, burn) {
                Exhaustion::In(time) => prop_assert!((time.as_secs_f64() * burn - slo.period().as_secs_f64()).abs() < 1.0),
                other => prop_assert_eq!(other, Exhaustion::Never),
            }
        }

        #[test]
        fn no_alert_is_quiet_or_fires_on_nothing(days in 1_u64..366, known in 0_i64..3) {
            let slo = objective(0.999, days);
            let silent = minutes(0, known, 0, 0);
            for alert in alerts(&slo, &silent, minute(known)) {
                prop_assert_eq!(alert.state, State::Unknown);
            }
        }
    }
}
