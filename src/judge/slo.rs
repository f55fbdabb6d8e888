//! Service level objectives: how fast the error budget burns, and what a canary costs of it.
//!
//! Here live what may be missing for an answer and (below) burn rates, alerts and the cost of a canary; what an objective is
//! stands in `domain::objective`. Here must not live: reading a source, and what follows from an answer.
//!
//! Source: *The Site Reliability Workbook* (Google, 2018), chapters 2 and 5; the cost of a canary: chapter 16 ("canary cost ≈
//! share × defect rate × duration"), here measured against the simultaneous stable version instead of a guess.

use std::time::Duration;

use self::{burn::Alert, cost::Cost};
pub use crate::domain::objective::{LatencyObjective, NoObjective, Objective, Slo};

pub mod burn;
pub mod cost;
pub mod latency;
pub mod window;

/// What is missing for an answer. An answer is never made up from less.
#[derive(Clone, Debug, PartialEq)]
pub enum Lack {
    /// Nothing was measured.
    Nothing,
    /// Nobody asked for anything.
    NoTraffic {
        /// In this time.
        window: Duration,
    },
    /// Too little of the time is known.
    Partial {
        /// The time asked for.
        window: Duration,
        /// How much of it is known.
        covered: Duration,
    },
    /// What is known ends too long ago.
    Stale {
        /// How long ago.
        age: Duration,
    },
    /// What was measured is no number.
    NoNumber(f64),
    /// The histogram ends below the limit.
    Beyond {
        /// Its highest finite bucket bound, seconds.
        bound: f64,
    },
    /// No interval in which both versions had requests.
    NoComparison,
    /// The histogram cannot tell which requests were slow.
    NoBound {
        /// The bound asked for, seconds.
        le: f64,
        /// Those that there are, seconds.
        bounds: Vec<f64>,
    },
}

/// What a canary costs of what its service promised, and which alerts fire.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What is promised of its requests.
    pub objective: Objective,
    /// What the canary costs of it, or what is missing to tell.
    pub cost: Result<Cost, Lack>,
    /// The alerts on the budget's burning that fire.
    pub fires: Vec<Alert>,
}
