//! The body of a call: what goes out, and what may be seen of it. Whatever writes a plan down (journal, spool, recording,
//! screen, JSON) gets the second one only, by type.
//!
//! Here must not live: what is secret in which body. Whoever builds one says so.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A body. Two are equal where what may be seen of them is: values that may not be are in it by their hash.
#[derive(Clone)]
pub struct Body {
    shown: String,
    /// Not there in one that was read from a file: what is evidence is never sent.
    sent: Option<SecretString>,
}

impl Body {
    /// A body that anybody may see.
    pub fn open(text: impl Into<String>) -> Self {
        let shown = text.into();
        Self { sent: Some(shown.as_str().into()), shown }
    }

    /// A body of which only this may be seen.
    pub fn sealed(sent: String, shown: String) -> Self {
        Self { shown, sent: Some(sent.into()) }
    }

    /// The same body, told again by whoever holds it, as an executor of its own is told it.
    #[must_use]
    pub fn told(self, sent: Option<String>) -> Self {
        Self { sent: sent.map(SecretString::from), ..self }
    }

    /// What may be seen of it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What is sent; `None` for one that was read from a record or a recording.
    pub fn sent(&self) -> Option<&str> {
        self.sent.as_ref().map(ExposeSecret::expose_secret)
    }

    /// Is there anything in it that may not be seen?
    pub fn hides(&self) -> bool {
        self.sent().is_none_or(|sent| sent != self.shown)
    }
}

/// No body.
impl Default for Body {
    fn default() -> Self {
        Self::open("")
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::open(text)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::open(text)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for Body {}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, f)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { shown: String::deserialize(from)?, sent: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_what_may_be_seen_and_what_was_read_is_never_sent() {
        let body = Body::sealed("password=hunter2".into(), "password=•".into());
        assert_eq!((body.sent(), body.shown(), body.hides()), (Some("password=hunter2"), "password=•", true));
        let written = serde_json::to_string(&body).unwrap();
        assert_eq!(written, "\"password=•\"");
        assert_eq!(format!("{body} {body:?}"), "password=• \"password=•\"");
        let read: Body = serde_json::from_str(&written).unwrap();
        assert_eq!(read.sent(), None);
        assert_eq!(read, body);
        assert_eq!(read.told(Some("password=hunter2".into())).sent(), Some("password=hunter2"));
        assert!(!Body::open("{}").hides());
    }
}
