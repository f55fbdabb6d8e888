//! What a service is held to: its objective, and fixed limits for its signals.
//!
//! Here lives the plain demand and what makes it a possible one. Here must not live: whether it is met (that is `judge`'s).
//!
//! Sources: limits are those of Flagger (`metrics[].thresholdRange`) and of Argo's `AnalysisTemplate` (`failureCondition`), in one
//! form.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use thiserror::Error;

use crate::domain::objective::Slo;

/// The window of a rule that names none.
pub const USUAL_WINDOW: Duration = Duration::from_mins(5);
/// The longest window: a rule is about now.
pub const LONGEST_WINDOW: Duration = Duration::from_hours(24);

/// Everything a service is held to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    /// What it promises, where it promises something.
    pub slo: Option<Slo>,
    /// Limits, in the order they were written.
    pub rules: Vec<Rule>,
}

/// How much a metric weighs in the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Importance {
    /// Broken, it is NO-GO.
    Critical,
    /// It must be fine for a GO; broken, it is as [`IfBroken`] says.
    Required,
    /// Never decides; named as a doubt.
    Advisory,
}

/// What a broken required rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum IfBroken {
    /// No GO: the verdict is WAIT at best.
    #[default]
    Wait,
    /// NO-GO.
    NoGo,
}

/// What a limit is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Measure {
    /// Failed share of the requests, 0 to 1.
    ErrorRatio,
    /// Requests a second.
    RequestRate,
    /// Median response time, seconds.
    LatencyP50,
    /// 95th percentile of the response time, seconds.
    LatencyP95,
    /// 99th percentile of the response time, seconds.
    LatencyP99,
    /// A series by its name, in its own unit.
    Series(String),
}

/// Before the name of a series of one's own: `custom:queue_depth`.
const CUSTOM: &str = "custom:";

impl Measure {
    /// Those that every metrics source has, as they are written.
    pub const NAMES: [&'static str; 5] = ["error_ratio", "request_rate", "latency_p50", "latency_p95", "latency_p99"];

    /// In a sentence.
    pub fn words(&self) -> &str {
        match self {
            Self::ErrorRatio => "error ratio",
            Self::RequestRate => "request rate",
            Self::LatencyP50 => "p50",
            Self::LatencyP95 => "p95",
            Self::LatencyP99 => "p99",
            Self::Series(name) => name,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErrorRatio => f.write_str("error_ratio"),
            Self::RequestRate => f.write_str("request_rate"),
            Self::LatencyP50 => f.write_str("latency_p50"),
            Self::LatencyP95 => f.write_str("latency_p95"),
            Self::LatencyP99 => f.write_str("latency_p99"),
            Self::Series(name) => write!(f, "{CUSTOM}{name}"),
        }
    }
}

impl FromStr for Measure {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        Ok(match text {
            "error_ratio" => Self::ErrorRatio,
            "request_rate" => Self::RequestRate,
            "latency_p50" => Self::LatencyP50,
            "latency_p95" => Self::LatencyP95,
            "latency_p99" => Self::LatencyP99,
            other => match other.strip_prefix(CUSTOM) {
                Some(name) if !name.trim().is_empty() => Self::Series(name.to_owned()),
                _ => return Err(BadRule::Signal(other.to_owned())),
            },
        })
    }
}

impl TryFrom<String> for Measure {
    type Error = BadRule;

    fn try_from(text: String) -> Result<Self, BadRule> {
        text.parse()
    }
}

impl From<Measure> for String {
    fn from(it: Measure) -> Self {
        it.to_string()
    }
}

/// Why a rule is none.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BadRule {
    /// Nobody measures this.
    #[error("there is no signal '{0}'; there are: {names}", names = Measure::NAMES.join(", "))]
    Signal(String),
    /// Nothing is asked for.
    #[error("a rule needs `min` or `max`")]
    NoLimit,
    /// A limit that no value of the signal can lie at.
    #[error("`{field}` is {value}: {why}")]
    Limit {
        /// `min` or `max`.
        field: &'static str,
        /// As written.
        value: f64,
        /// What it must be.
        why: &'static str,
    },
    /// Nothing fits.
    #[error("`min` {min} is above `max` {max}: nothing lies between them")]
    Crossed {
        /// The lower limit.
        min: f64,
        /// The upper limit.
        max: f64,
    },
    /// The window is empty or too long.
    #[error("`window` is {} s: it must be from 1 s to 1 d", .0.as_secs())]
    Window(Duration),
    /// No violation at all would count.
    #[error("`consecutive` is 0: at least one violation must count")]
    Consecutive,
}

impl BadRule {
    /// The field that is to be mended; `None` for the rule as a whole.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Signal(_) => Some("signal"),
            Self::NoLimit => None,
            Self::Limit { field, .. } => Some(field),
            Self::Crossed { .. } => Some("min"),
            Self::Window(_) => Some("window"),
            Self::Consecutive => Some("consecutive"),
        }
    }
}

/// A fixed limit on a signal of the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What it is on.
    pub signal: Measure,
    /// The value must not be below this.
    pub min: Option<f64>,
    /// The value must not be above this.
    pub max: Option<f64>,
    /// The time that one value is about.
    pub window: Duration,
    /// How much it weighs.
    pub importance: Importance,
    /// How many windows in a row must violate it until it is broken.
    pub consecutive: u32,
    /// What follows for a required rule.
    pub if_broken: IfBroken,
}

impl Rule {
    /// The rule itself, if it can be kept and broken.
    ///
    /// # Errors
    /// The first field that stands in the way.
    pub fn checked(self) -> Result<Self, BadRule> {
        for (field, limit) in [("min", self.min), ("max", self.max)] {
            if let Some((value, why)) = limit.and_then(|value| self.impossible(value).map(|why| (value, why))) {
                return Err(BadRule::Limit { field, value, why });
            }
        }
        match (self.min, self.max) {
            (None, None) => return Err(BadRule::NoLimit),
            (Some(min), Some(max)) if min > max => return Err(BadRule::Crossed { min, max }),
            _ => {}
        }
        if self.window < Duration::from_secs(1) || self.window > LONGEST_WINDOW {
            return Err(BadRule::Window(self.window));
        }
        if self.consecutive == 0 { Err(BadRule::Consecutive) } else { Ok(self) }
    }

    fn impossible(&self, limit: f64) -> Option<&'static str> {
        match self.signal {
            _ if !limit.is_finite() => Some("a limit is a number"),
            Measure::ErrorRatio if !(0.0..=1.0).contains(&limit) => {
                Some("an error ratio is a share from 0 to 1; 5 % is 0.05")
            }
            Measure::Series(_) | Measure::ErrorRatio => None,
            _ if limit < 0.0 => Some("rates and response times are not below 0"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule {
            signal: Measure::ErrorRatio,
            min: None,
            max: Some(0.01),
            window: USUAL_WINDOW,
            importance: Importance::Required,
            consecutive: 1,
            if_broken: IfBroken::Wait,
        }
    }

    #[test]
    fn a_rule_that_cannot_be_kept_or_broken_is_refused_by_its_field() {
        let p99 = Measure::LatencyP99;
        let table = [
            (Rule { max: None, ..rule() }, None, "a rule needs `min` or `max`"),
            (
                Rule { max: Some(5.0), ..rule() },
                Some("max"),
                "`max` is 5: an error ratio is a share from 0 to 1; 5 % is 0.05",
            ),
            (Rule { min: Some(f64::NAN), ..rule() }, Some("min"), "`min` is NaN: a limit is a number"),
            (
                Rule { signal: p99, max: Some(-1.0), ..rule() },
                Some("max"),
                "`max` is -1: rates and response times are not below 0",
            ),
            (
                Rule { min: Some(0.5), ..rule() },
                Some("min"),
                "`min` 0.5 is above `max` 0.01: nothing lies between them",
            ),
            (Rule { window: Duration::ZERO, ..rule() }, Some("window"), "`window` is 0 s: it must be from 1 s to 1 d"),
            (
                Rule { consecutive: 0, ..rule() },
                Some("consecutive"),
                "`consecutive` is 0: at least one violation must count",
            ),
        ];
        for (bad, field, message) in table {
            let why = bad.checked().unwrap_err();
            assert_eq!((why.field(), why.to_string().as_str()), (field, message));
        }
        assert_eq!(rule().checked(), Ok(rule()));
    }

    #[test]
    fn a_signal_is_read_as_it_is_written_and_an_unknown_one_names_those_there_are() {
        for name in Measure::NAMES.into_iter().chain(["custom:queue_depth"]) {
            assert_eq!(name.parse::<Measure>().unwrap().to_string(), name);
        }
        let why = "eror_ratio".parse::<Measure>().unwrap_err().to_string();
        let there_are = "error_ratio, request_rate, latency_p50, latency_p95, latency_p99";
        assert_eq!(why, format!("there is no signal 'eror_ratio'; there are: {there_are}"));
        assert_eq!("custom: ".parse::<Measure>(), Err(BadRule::Signal("custom: ".to_owned())));
    }
}
