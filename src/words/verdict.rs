//! What became of a verdict since it was made.

use std::time::Duration;

use crate::domain::{evidence::Verdict, ids::SourceName, time::Timestamp};

/// A verdict that is too old to say what is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outdated {
    /// As it was.
    pub verdict: Verdict,
    /// How old what it rests on is.
    pub age: Duration,
    /// What should have told more; `None` where that is not known.
    pub source: Option<SourceName>,
    /// The end of the newest interval that it rests on.
    pub since: Timestamp,
}

/// `verdict GO is 75 s old: metrics has told nothing since 02:06:30`.
pub fn outdated(Outdated { verdict, age, source, since }: &Outdated) -> String {
    let age = age.as_secs();
    let age = if age < 120 { format!("{age} s") } else { format!("{} min", age / 60) };
    let source = source.as_ref().map_or("its source", SourceName::as_str);
    let since = since.format("%H:%M:%S");
    format!("verdict {} is {age} old: {source} has told nothing since {since}", verdict.words())
}
