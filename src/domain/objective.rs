//! What a service promises: so large a share of its requests shall be good, over so long a time.
//!
//! Here lives the promise and what bounds it has. Here must not live: how far it is kept (that is `judge::slo`'s).
//!
//! Source: *The Site Reliability Workbook* (Google, 2018), chapter 2.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The shortest period: below it the 5-minute window of the workbook becomes shorter than a scrape.
pub const SHORTEST_PERIOD: Duration = Duration::from_hours(24);
/// The longest period.
pub const LONGEST_PERIOD: Duration = Duration::from_hours(24 * 366);

/// Why an objective is none. Names the field.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum NoObjective {
    /// The share of good requests is not within its bounds.
    #[error(
        "`objective` is {0}: it must lie above 0 and below 1, as 0.999 for 99.9 %; at 1 there is no budget to spend"
    )]
    Target(f64),
    /// The period is too short or too long.
    #[error("`period` is {} s: it must be from 1 d to 366 d", .0.as_secs())]
    Period(Duration),
    /// The bound of a latency objective is no time.
    #[error("`le` is {0}: it must be a number of seconds above 0, and one of the histogram's bucket bounds")]
    Bound(f64),
}

/// So large a share of the requests of a period shall be good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Objective {
    target: f64,
    period: Duration,
}

/// An objective as it is stored; held to its bounds when it is read.
#[derive(Serialize, Deserialize)]
struct Written {
    target: f64,
    period: Duration,
}

impl TryFrom<Written> for Objective {
    type Error = NoObjective;

    fn try_from(written: Written) -> Result<Self, NoObjective> {
        Self::new(written.target, written.period)
    }
}

impl From<Objective> for Written {
    fn from(it: Objective) -> Self {
        Self { target: it.target, period: it.period }
    }
}

impl Objective {
    /// `target`: the share of good requests, above 0 and below 1. `period`: the time it is held to, 1 to 366 days.
    ///
    /// # Errors
    /// The field that is out of its bounds, with them. NaN is out of them.
    pub fn new(target: f64, period: Duration) -> Result<Self, NoObjective> {
        if !(target > 0.0 && target < 1.0) {
            return Err(NoObjective::Target(target));
        }
        if !(SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&period) {
            return Err(NoObjective::Period(period));
        }
        Ok(Self { target, period })
    }

    /// The share of good requests, above 0 and below 1.
    pub fn target(&self) -> f64 {
        self.target
    }

    /// The time it is held to.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The share of requests that may fail: `1 − target`. 0.999 leaves 0.001.
    pub fn budget(&self) -> f64 {
        1.0 - self.target
    }
}

/// What a service promises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Requests that do not fail.
    pub requests: Objective,
    /// Requests that are fast enough, where something is promised of that.
    pub latency: Option<LatencyObjective>,
}

/// So large a share of the requests shall take at most so long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyObjective {
    /// Seconds: a request that takes longer is bad. One of the bucket bounds, else nobody knows which were.
    pub le: f64,
    /// The share and the period.
    pub objective: Objective,
}

impl LatencyObjective {
    /// See the fields.
    ///
    /// # Errors
    /// The field that is out of its bounds.
    pub fn new(le: f64, objective: Objective) -> Result<Self, NoObjective> {
        if le.is_finite() && le > 0.0 { Ok(Self { le, objective }) } else { Err(NoObjective::Bound(le)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS_30: Duration = Duration::from_hours(720);

    #[test]
    fn an_objective_without_budget_or_period_is_refused_by_the_name_of_its_field() {
        let why = |target, period| Objective::new(target, period).unwrap_err().to_string();
        assert_eq!(
            why(1.0, DAYS_30),
            "`objective` is 1: it must lie above 0 and below 1, as 0.999 for 99.9 %; at 1 there is no budget to spend"
        );
        assert_eq!(why(0.999, Duration::from_mins(5)), "`period` is 300 s: it must be from 1 d to 366 d");
        for target in [0.0, -1.0, 99.9, f64::INFINITY, f64::NAN] {
            assert!(matches!(Objective::new(target, DAYS_30), Err(NoObjective::Target(_))), "{target}");
        }
        let objective = Objective::new(0.99, DAYS_30).unwrap();
        for le in [0.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(LatencyObjective::new(le, objective), Err(NoObjective::Bound(_))), "{le}");
        }
    }

    #[test]
    fn a_stored_objective_is_held_to_its_bounds_when_it_is_read() {
        let objective = Objective::new(0.999, DAYS_30).unwrap();
        let stored = serde_json::to_string(&objective).unwrap();
        assert_eq!(serde_json::from_str::<Objective>(&stored).unwrap(), objective);
        let why = serde_json::from_str::<Objective>(&stored.replace("0.999", "1.5")).unwrap_err().to_string();
        assert!(why.starts_with("`objective` is 1.5: it must lie above 0 and below 1"), "{why}");
    }
}
