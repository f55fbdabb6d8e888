//! What the engine's own analysis measured, and the rules it was judged by.
//!
//! Here lives what the engine said, in its own words and cleaned. Here must not live: whether that is right (that is
//! `judge::analysis`'s).

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// One metric of an analysis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Who was asked, as the engine names it: `web`, `job`.
    pub provider: String,
    /// How that provider's answers stand in a measurement's text.
    #[serde(default)]
    pub form: Form,
    /// What was asked, with every argument filled in, where the engine tells.
    pub query: Option<String>,
    /// The condition of a successful measurement, with its arguments filled in; `None` where there is none.
    pub success: Option<String>,
    /// The condition of a failed one.
    pub failure: Option<String>,
    /// The time between two measurements, as written; `None` where it is measured once.
    pub interval: Option<String>,
    /// When it is over; `None` where a limit cannot be read.
    pub limits: Option<Limits>,
    /// It is measured and decides nothing.
    pub dry_run: bool,
    /// The engine's phase word; empty where it has not begun.
    pub phase: String,
    /// Its message.
    pub message: Option<String>,
    /// How often what happened, from the begin on.
    pub tallies: Tallies,
    /// What was measured, oldest first. The engine keeps the last ten.
    pub measurements: Vec<Measurement>,
}

/// How a measured value is written down, which decides what its conditions saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A number, or numbers in brackets.
    Numbers,
    /// The same; without any, its conditions saw nothing, whatever the text says.
    Points,
    /// JSON.
    Json,
    /// JSON where it is some, else plain text.
    JsonOrText,
    /// The text does not tell.
    #[default]
    Unknown,
}

/// The limits of a metric, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// So many measurements end it; `None` where none do.
    pub count: Option<i64>,
    /// More failed ones fail it; below 0 no number does.
    pub failure: i64,
    /// More inconclusive ones make it inconclusive.
    pub inconclusive: i64,
    /// More errors in a row make it an error.
    pub consecutive_error: i64,
    /// So many successes in a row end it well; 0 where none do.
    pub consecutive_success: i64,
}

impl Default for Limits {
    /// The engine's: one measurement, nothing may fail, four errors in a row.
    fn default() -> Self {
        Self { count: Some(1), failure: 0, inconclusive: 0, consecutive_error: 4, consecutive_success: 0 }
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// Measurements, without errors.
    pub count: i64,
    /// Successful ones.
    pub successful: i64,
    /// Failed ones.
    pub failed: i64,
    /// Inconclusive ones.
    pub inconclusive: i64,
    /// Errors.
    pub error: i64,
    /// Errors in a row, the last one among them.
    pub consecutive_error: i64,
    /// Successes in a row, the last one among them.
    pub consecutive_success: i64,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// The engine's phase word.
    pub phase: String,
    /// What was measured, as the engine wrote it: `[0.995]`; `None` where there is nothing.
    pub value: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// What the engine says to it.
    pub message: Option<String>,
}
