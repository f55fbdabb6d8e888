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
pub fn outdated(old: &Outdated) -> String {
    format!("verdict {} is {}", old.verdict.words(), age(old))
}

/// Of harm that was shown and stays shown: `evidence 12 min old: metrics has told nothing since 02:06:30`.
pub fn how_old(old: &Outdated) -> String {
    format!("evidence {}", age(old))
}

/// `75 s old: metrics has told nothing since 02:06:30`.
fn age(Outdated { age, source, since, .. }: &Outdated) -> String {
    let seconds = age.as_secs();
    let old = match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200.. => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    };
    let source = source.as_ref().map_or("its source", SourceName::as_str);
    let since = since.format(if seconds < 43_200 { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" });
    format!("{old} old: {source} has told nothing since {since}")
}
