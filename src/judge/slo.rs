//! Service level objectives: how fast the error budget burns, and what a canary costs of it.
//!
//! Here live what may be missing for an answer and (below) burn rates, alerts and the cost of a canary; what an objective is
//! stands in `domain::objective`. Here must not live: reading a source, and what follows from an answer.
//!
//! Source: *The Site Reliability Workbook* (Google, 2018), chapters 2 and 5; the cost of a canary: chapter 16 ("canary cost ≈
//! share × defect rate × duration"), here measured against the simultaneous stable version instead of a guess.

use std::time::Duration;

use thiserror::Error;

use self::words::Span;
pub use crate::domain::objective::{LatencyObjective, NoObjective, Objective, Slo};

pub mod burn;
pub mod cost;
pub mod latency;
pub mod window;
pub(in crate::judge) mod words;

/// What is missing for an answer. An answer is never made up from less.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Lack {
    /// Nothing was measured.
    #[error("nothing was measured")]
    Nothing,
    /// Nobody asked for anything.
    #[error("no requests in {}", Span(*.window))]
    NoTraffic {
        /// In this time.
        window: Duration,
    },
    /// Too little of the time is known.
    #[error("only {} of {} are known", Span(*.covered), Span(*.window))]
    Partial {
        /// The time asked for.
        window: Duration,
        /// How much of it is known.
        covered: Duration,
    },
    /// What is known ends too long ago.
    #[error("the newest interval ended {} ago", Span(*.age))]
    Stale {
        /// How long ago.
        age: Duration,
    },
    /// What was measured is no number.
    #[error("the newest value is {0}, which is no number")]
    NoNumber(f64),
    /// The histogram ends below the limit.
    #[error("it is at least {bound} s, where the histogram ends: whether it is above the limit cannot be told")]
    Beyond {
        /// Its highest finite bucket bound, seconds.
        bound: f64,
    },
    /// No interval in which both versions had requests.
    #[error("no interval in which the canary and stable both had requests")]
    NoComparison,
    /// The histogram cannot tell which requests were slow.
    #[error("the histogram has no bucket bound at {le} s; it has {}", words::Bounds(bounds))]
    NoBound {
        /// The bound asked for, seconds.
        le: f64,
        /// Those that there are, seconds.
        bounds: Vec<f64>,
    },
}
