//! The wire forms: as much of them as is needed, and tolerant of the rest.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// Labels of a stream, or what is kept beside a line.
pub(super) type Pairs = BTreeMap<String, String>;

/// `labels`.
#[derive(Debug, Deserialize)]
pub(super) struct Labels {
    /// None of them where there is no stream.
    #[serde(default)]
    pub(super) data: Vec<String>,
}

/// `query_range` of lines.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    pub(super) data: Streams,
}

/// Streams, each with some of its lines.
#[derive(Debug, Deserialize)]
pub(super) struct Streams {
    #[serde(default)]
    pub(super) result: Vec<Stream>,
}

/// One stream.
#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    #[serde(default)]
    pub(super) stream: Pairs,
    #[serde(default)]
    pub(super) values: Vec<Entry>,
}

/// `["1795242365518455296", "the line", {"structuredMetadata": {…}}]`: the last only where labels are kept apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Nanoseconds since 1970.
    pub(super) at: i64,
    pub(super) line: String,
    pub(super) metadata: Pairs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Beside {
    structured_metadata: Pairs,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Parts)
    }
}

/// What somebody wrote: a byte that is no text is seen as one, and costs nobody the rest of the answer.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Written).map(Self)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time and a line")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entry, A::Error> {
        use serde::de::Error;
        let at: String = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let at = at.parse().map_err(|_| A::Error::custom("a time is no number of nanoseconds"))?;
        let Text(line) = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        let beside: Option<Beside> = seq.next_element()?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Entry { at, line, metadata: beside.unwrap_or_default().structured_metadata })
    }
}

/// `query` of a count: one number, or none where nothing was written.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    data: Vector,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    result: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    value: (f64, String),
}

impl Counted {
    /// How many.
    pub(super) fn lines(&self) -> u64 {
        self.data.result.iter().filter_map(|sample| sample.value.1.parse::<u64>().ok()).sum()
    }
}
