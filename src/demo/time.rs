//! Spans and offsets as scenarios write them.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::domain::time::Timestamp;

/// A signed span against the scenario's start: `-20m`, `21m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(TimeDelta);

impl Offset {
    /// The moment that it means.
    pub fn from(self, start: Timestamp) -> Timestamp {
        start.checked_add_signed(self.0).unwrap_or(start)
    }

    /// So long before the start.
    pub(crate) fn before(span: Duration) -> Self {
        Self(-TimeDelta::from_std(span).unwrap_or_default())
    }

    /// The offset itself.
    pub fn delta(self) -> TimeDelta {
        self.0
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(&text)),
        };
        let wrong = |why: String| D::Error::custom(format!("'{text}' is not an offset like -20m or 21m30s: {why}"));
        let span = humantime::parse_duration(rest).map_err(|error| wrong(error.to_string()))?;
        let delta = TimeDelta::from_std(span).map_err(|error| wrong(error.to_string()))?;
        Ok(Self(delta * sign))
    }
}

/// A span: `90s`, `2h`.
pub(crate) fn span<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    humantime::parse_duration(&text).map_err(|e| D::Error::custom(format!("'{text}' is not a span like 1m 30s: {e}")))
}
