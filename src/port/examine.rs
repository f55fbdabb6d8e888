//! What a connection can tell of itself to whoever sets it up: is it reached, as whom, with which rights, what of its settings fits what
//! is there. A connection without an examiner is one of which nobody can say that.

use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, header::DATE};
use serde::Serialize;

use crate::{
    domain::{
        observed::FaultKind,
        place::Place,
        time::{Timestamp, age},
    },
    port::error::ProviderError,
};

/// A system's clock may be off by so much: answers are on their way, and `Date` has whole seconds.
const OFF: Duration = Duration::from_secs(10);
/// No machine's clock is off by so much.
const DAYS: Duration = Duration::from_hours(72);

/// How a finding stands; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// It could not be found out. That is no "good".
    Unknown,
    /// It works, and something is missing that somebody may want.
    Limited,
    /// It does not work.
    Broken,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about, in a word or three: `reached`, `as whom`, `rights`, `clock`.
    pub about: String,
    /// How it stands.
    pub grade: Grade,
    /// What was found, a sentence.
    pub said: String,
    /// What mends it; nothing where nothing is to be mended.
    pub way: Option<String>,
}

impl Finding {
    /// A finding that needs nothing.
    pub fn good(about: &str, said: impl Into<String>) -> Self {
        Self { about: about.to_owned(), grade: Grade::Good, said: said.into(), way: None }
    }

    /// A finding of another grade, and what mends it.
    pub fn of(grade: Grade, about: &str, said: impl Into<String>, way: impl Into<String>) -> Self {
        let way = Some(way.into()).filter(|way| !way.is_empty());
        Self { way, ..Self { grade, ..Self::good(about, said) } }
    }

    /// That it is not reached, or does not let us in, and where whoever mends it begins to look.
    pub fn refused(error: &ProviderError) -> Self {
        let way = if error.at_home { "" } else { way(error.kind) };
        Self::of(Grade::Broken, "reached", error.text.clone(), way)
    }

    /// That it tells nothing within this time.
    pub fn silent(limit: Duration) -> Self {
        let limit = humantime::format_duration(Duration::from_secs(limit.as_secs()));
        Self::of(
            Grade::Broken,
            "reached",
            format!("its answers were not there within {limit}"),
            way(FaultKind::TimedOut),
        )
    }

    /// Whether the clock of whoever answered goes as ours does: verdicts rest on moments that both mean.
    pub fn clock(headers: &HeaderMap, now: Timestamp) -> Self {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        let Some(theirs) = date.map(|date| date.to_utc()) else {
            return Self::of(Grade::Unknown, "clock", "its answers carry no Date, so its clock is not known", "");
        };
        let off = age(now, theirs).max(age(theirs, now));
        if off <= OFF {
            return Self::good("clock", "goes as ours does");
        }
        let way = if off > DAYS {
            "set both by NTP; a built-in world that is served has a time of its own, which the configuration that it prints knows"
        } else {
            "set both by NTP"
        };
        let which = if theirs > now { "ahead of" } else { "behind" };
        let off = humantime::format_duration(Duration::from_secs(off.as_secs()));
        let said = format!("its clock is {off} {which} ours: what is measured may be taken for old, or not looked for");
        Self::of(Grade::Broken, "clock", said, way)
    }
}

/// What usually mends a failure of this kind.
fn way(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Unreachable => {
            "look at its address and at what lies between: `curl -v ADDRESS` from this machine; proxy = \"http://…\" names a proxy, \
             proxy = \"none\" goes without the one of the environment"
        }
        FaultKind::TimedOut => {
            "timeout = \"30s\" in its connection where it is only slow; else look at what lies between: a firewall that drops, a proxy"
        }
        FaultKind::Unauthenticated => "a credential that counts: its connection says where it is read from",
        FaultKind::Forbidden => "have whoever administers it give you that right",
        FaultKind::Missing => "look at its address: a part of its path may be missing, or one too many",
        FaultKind::Conflict | FaultKind::Rejected => {
            "look at its address and its version: it does not take what is asked"
        }
        FaultKind::RateLimited => "wait, or give it a credential of its own",
        FaultKind::Server => "its own log says why; nothing here mends it",
        FaultKind::Unreadable => {
            "its address and how we sign in: something else than the system answered; headers = { … } carry what a proxy asks for"
        }
    }
}

/// What is known of what runs, for whoever has to find something about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// Every service, and where it runs.
    pub places: Vec<Place>,
}

/// What of the settings of a connection fits what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Settings as a configuration has them, by key, each with why, a sentence.
    pub settings: Vec<(String, Fit, String)>,
    /// What else was found, a sentence each: also what looks like another system that nobody has configured.
    pub found: Vec<String>,
    /// What was looked for and is not there, a sentence each.
    pub missing: Vec<String>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// A text.
    One(String),
    /// A list of texts.
    Several(Vec<String>),
}

/// Whoever can say that of a connection. It reads only; its requests pass the same layers as all others.
pub trait Examine: Send + Sync {
    /// Looks at everything that may keep it from working. What cannot be found out is a finding, too; never none.
    fn examine<'a>(&'a self, at: &'a LookedAt) -> BoxFuture<'a, Vec<Finding>>;

    /// Which settings fit what is there.
    fn survey(&self) -> BoxFuture<'_, Result<Survey, ProviderError>> {
        Box::pin(async { Ok(Survey::default()) })
    }

    /// The least rights that it needs, as its system takes them: to look only, or to act too. `None` where the system has no such text.
    fn grants(&self, acting: bool) -> Option<String> {
        let _ = acting;
        None
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_clock_is_good_within_ten_seconds_and_says_by_how_much_it_is_off() {
        let now: Timestamp = "2026-03-10T02:07:30Z".parse().unwrap();
        let of = |date: &'static str| {
            let headers: HeaderMap = [(DATE, HeaderValue::from_static(date))].into_iter().collect();
            let finding = Finding::clock(&headers, now);
            (finding.grade, finding.said)
        };
        assert_eq!(of("Tue, 10 Mar 2026 02:07:25 GMT").0, Grade::Good);
        let (grade, said) = of("Tue, 10 Mar 2026 02:10:30 GMT");
        assert_eq!((grade, said.starts_with("its clock is 3m ahead of ours")), (Grade::Broken, true), "{said}");
        assert!(of("Tue, 10 Mar 2026 02:05:30 GMT").1.starts_with("its clock is 2m behind ours"));
        assert_eq!(of("soon").0, Grade::Unknown);
        assert_eq!(Finding::clock(&HeaderMap::new(), now).grade, Grade::Unknown);
    }
}
