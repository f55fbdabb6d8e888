//! Spans of time as people write them: `15s`, `2m30s`, `1h`. For `#[serde(with = "…")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Reads a span, or says how one is written. Zero is refused: nothing can be read every no seconds.
pub fn parse(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if !span.is_zero() => Ok(span),
        _ => Err(format!("'{text}' is not a span of time: write e.g. 15s, 2m30s or 1h")),
    }
}

/// Reads a span from a value.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// Writes a span as [`parse`] reads it.
pub fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&humantime::format_duration(*span))
}

/// The same where it may be left out. For `#[serde(default, with = "…")]`.
pub mod some {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// Reads a span from a value that is there.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        super::deserialize(from).map(Some)
    }

    /// Writes a span that is there.
    pub fn serialize<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::serialize(span, to),
            None => to.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_people_write_it_and_zero_is_none() {
        assert_eq!(parse("2m30s"), Ok(Duration::from_secs(150)));
        for text in ["", "0s", "15", "fifteen", "-3s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
