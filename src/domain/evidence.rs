//! The words of a judgement. How it is reached is in `judge`; that green is never the default is here.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

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
