//! The words of a judgement. How it is reached is in `judge`; that green is never the default is here.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::{ids::SourceName, observed::Freshness, time::Timestamp};

/// What the evidence says of a version. There is no default: a verdict must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Evidence of safety.
    Go,
    /// Evidence of harm.
    NoGo,
    /// Undecided, with a time.
    Wait,
    /// Cannot be judged.
    NoData,
}

impl Verdict {
    /// How much it asks to be seen before others: the worse the higher. Unknown is worse than undecided.
    pub fn severity(self) -> u8 {
        match self {
            Self::Go => 0,
            Self::Wait => 1,
            Self::NoData => 2,
            Self::NoGo => 3,
        }
    }

    /// As it stands on screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::NoGo => "NO-GO",
            Self::Wait => "WAIT",
            Self::NoData => "NO DATA",
        }
    }
}

/// What was on screen when somebody decided: goes into the record as it stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When it was taken down.
    pub at: Timestamp,
    /// The verdict shown; `None` where nothing can be judged (a gate before any traffic).
    pub verdict: Option<Verdict>,
    /// The verdict's reason as a sentence.
    pub said: String,
    /// Each source that the decision rests on: its freshness and age.
    pub sources: Vec<SourceAge>,
}

/// How old a source was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAge {
    /// Which connection.
    pub source: SourceName,
    /// Its freshness.
    pub freshness: Freshness,
    /// Seconds since it was last confirmed; `None` when never.
    pub age_seconds: Option<u64>,
}
