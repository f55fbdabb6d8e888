//! A value with its age and source: old data looks old, and an error never blanks the last good value.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::{
    ids::SourceName,
    text,
    time::{Timestamp, age},
};

/// How much an observation can be trusted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Freshness {
    /// Seen within two of its intervals, and the last attempt worked.
    Live,
    /// Older than two of its intervals: nobody said it is wrong, nobody confirmed it either.
    Stale,
    /// The last attempt to read it failed; the value shown is the last good one.
    Failing,
    /// Never read yet.
    Never,
}

/// What kind of failure a source had; the words are in [`Fault::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// No connection, or it broke.
    Unreachable,
    /// It accepted the request and did not answer in time.
    TimedOut,
    /// 401: who are you.
    Unauthenticated,
    /// 403: you may not.
    Forbidden,
    /// 404, or the kind of object does not exist there.
    Missing,
    /// 409: the object moved since it was read.
    Conflict,
    /// 422 and its like: it understood and will not do it.
    Rejected,
    /// The budget of requests is used up.
    RateLimited,
    /// It answered with an error of its own.
    Server,
    /// It answered something that we cannot read.
    Unreadable,
}

/// One failed attempt to read a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// When the attempt failed.
    pub at: Timestamp,
    /// What kind of failure it was.
    pub kind: FaultKind,
    /// A sentence that names the thing and, where there is one, the way out.
    pub text: String,
}

impl Fault {
    /// A fault; the text is cleaned.
    pub fn new(at: Timestamp, kind: FaultKind, text: impl AsRef<str>) -> Self {
        Self { at, kind, text: text::clean(text.as_ref()) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is to be confirmed at once is allowed this much all the same.
const SHORTEST: Duration = Duration::from_secs(1);

/// The last good value of a source, when it was seen, and what went wrong since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed<T> {
    /// The last good value.
    pub value: Option<T>,
    /// When that value was last confirmed (by a read, or by a watch that proved to be alive).
    pub observed_at: Option<Timestamp>,
    /// Which connection it came through.
    pub source: SourceName,
    /// The newest failed attempt, until a later one works.
    pub last_error: Option<Fault>,
    /// Within what time it is to be confirmed again.
    pub interval: Duration,
}

impl<T> Observed<T> {
    /// Nothing seen yet.
    pub fn never(source: SourceName, interval: Duration) -> Self {
        Self { value: None, observed_at: None, source, last_error: None, interval }
    }

    /// Takes a good value.
    pub fn saw(&mut self, at: Timestamp, value: T) {
        self.value = Some(value);
        self.confirmed(at);
    }

    /// The value held is still the right one: a watch proved to be alive.
    pub fn confirmed(&mut self, at: Timestamp) {
        self.observed_at = Some(at);
        self.last_error = None;
    }

    /// As [`Self::confirmed`], and it will be looked at again by then.
    pub fn confirmed_until(&mut self, at: Timestamp, due: Timestamp) {
        self.interval = age(due, at).max(SHORTEST);
        self.confirmed(at);
    }

    /// An attempt failed; the last good value stays and is no longer live.
    pub fn failed(&mut self, fault: Fault) {
        self.last_error = Some(fault);
    }

    /// How much it can be trusted at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        match (self.observed_at, &self.last_error) {
            (None, None) => Freshness::Never,
            (_, Some(_)) => Freshness::Failing,
            (Some(at), None) if age(now, at) > self.interval * 2 => Freshness::Stale,
            (Some(_), None) => Freshness::Live,
        }
    }

    /// How long ago it was confirmed; `None` when never.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.observed_at.map(|at| age(now, at))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    #[test]
    fn an_error_keeps_the_last_good_value_and_never_leaves_it_looking_fresh() {
        let mut seen = Observed::never("eu".into(), Duration::from_secs(5));
        assert_eq!(seen.freshness(at(0)), Freshness::Never);
        seen.saw(at(0), 7);
        assert_eq!(seen.freshness(at(10)), Freshness::Live);
        assert_eq!(seen.freshness(at(11)), Freshness::Stale);
        seen.failed(Fault::new(at(12), FaultKind::TimedOut, "no answer for 4 s"));
        assert_eq!((seen.freshness(at(12)), seen.value), (Freshness::Failing, Some(7)));
        seen.confirmed(at(13));
        assert_eq!((seen.freshness(at(13)), seen.value), (Freshness::Live, Some(7)));
    }

    #[test]
    fn a_source_that_failed_before_its_first_value_is_failing_not_never() {
        let mut seen = Observed::<u8>::never("eu".into(), Duration::from_secs(5));
        seen.failed(Fault::new(at(0), FaultKind::Unreachable, "connection refused"));
        assert_eq!((seen.freshness(at(1)), seen.age(at(1))), (Freshness::Failing, None));
    }
}
