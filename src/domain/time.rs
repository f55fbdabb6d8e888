//! The time of an observation. Nothing here reads a clock: "now" is always an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A moment in UTC. Screens turn it into an age or a local time, nobody else does.
pub type Timestamp = DateTime<Utc>;

/// How long ago `then` was; zero where clocks disagree and it lies ahead.
pub fn age(now: Timestamp, then: Timestamp) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

/// How long until `then`; zero when it has passed.
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    age(then, now)
}

/// `now` plus a span; a span beyond the calendar gives the end of it.
pub fn after(now: Timestamp, span: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(span).ok().and_then(|d| now.checked_add_signed(d)).unwrap_or(Timestamp::MAX_UTC)
}
