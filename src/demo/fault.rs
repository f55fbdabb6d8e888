//! What goes wrong between the world and who looks at it: delays, silence, refusals, broken connections, a wrong clock.
//!
//! Pure: rules in, what to do with a request or a stream out. Systems know nothing of it.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, Deserializer};

use crate::{
    demo::time::{Offset, span},
    domain::time::Timestamp,
};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// For paths that begin so: where a system is served.
    pub on: String,
    /// And that contain this.
    #[serde(default)]
    pub path: String,
    /// And that say this in their body: of a system whose paths are all alike.
    #[serde(default)]
    pub said: String,
    /// From when on.
    #[serde(default)]
    pub from: Offset,
    /// Until when; for good if absent.
    pub until: Option<Offset>,
    /// For so many requests only.
    pub times: Option<u32>,
    /// What goes wrong.
    pub what: Kind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is taken and never answered; open streams say nothing.
    Hang,
    /// The answer comes late; the request takes effect at once.
    #[serde(deserialize_with = "span")]
    Delay(Duration),
    /// 429, with how long to stay away.
    #[serde(deserialize_with = "span")]
    TooManyRequests(Duration),
    /// This status, and nothing happens.
    ServerError(u16),
    /// The request takes effect, and the connection breaks after so many bytes of the answer's body.
    CutBody(usize),
    /// Streams that are open at its begin break.
    DropWatch,
    /// The `Date` header is off by so much.
    ClockSkew(Skew),
}

/// A signed span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(TimeDelta);

impl<'de> Deserialize<'de> for Skew {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Offset::deserialize(input).map(|offset| Self(offset.delta()))
    }
}

/// What becomes of one request.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    /// How late the answer is.
    pub(crate) delay: Duration,
    /// No answer, ever.
    pub(crate) hang: bool,
    /// This answer instead of the system's.
    pub(crate) refusal: Option<Response<Bytes>>,
    /// Only so many bytes of the body arrive.
    pub(crate) cut: Option<usize>,
}

/// A fault with its window in the world's time.
#[derive(Clone, Debug)]
struct Fault {
    spec: FaultSpec,
    from: Timestamp,
    until: Timestamp,
    left: u32,
}

impl Fault {
    fn concerns(&self, path: &str) -> bool {
        path.starts_with(&self.spec.on) && path.contains(&self.spec.path)
    }

    fn is_about(&self, body: &[u8]) -> bool {
        let said = self.spec.said.as_bytes();
        said.is_empty() || body.windows(said.len()).any(|part| part == said)
    }

    fn holds(&self, now: Timestamp, path: &str) -> bool {
        self.from <= now && now < self.until && self.left > 0 && self.concerns(path)
    }
}

/// All faults of a world.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(specs: &[FaultSpec], start: Timestamp) -> Self {
        let fault = |spec: &FaultSpec| Fault {
            spec: spec.clone(),
            from: spec.from.from(start),
            until: spec.until.map_or(Timestamp::MAX_UTC, |until| until.from(start)),
            left: spec.times.unwrap_or(u32::MAX),
        };
        Self(specs.iter().map(fault).collect())
    }

    /// What becomes of a request; counts it.
    pub(crate) fn fate(&mut self, now: Timestamp, path: &str, body: &[u8]) -> Fate {
        let mut fate = Fate::default();
        for fault in self.0.iter_mut().filter(|fault| fault.holds(now, path) && fault.is_about(body)) {
            match fault.spec.what {
                Kind::Hang => fate.hang = true,
                Kind::Delay(span) => fate.delay += span,
                Kind::TooManyRequests(span) => fate.refusal = Some(too_many(span)),
                Kind::ServerError(status) => fate.refusal = Some(broken(status)),
                Kind::CutBody(kept) => fate.cut = Some(kept),
                Kind::DropWatch | Kind::ClockSkew(_) => continue,
            }
            fault.left = fault.left.saturating_sub(1);
        }
        fate
    }

    /// How far the clock of whoever answers is off.
    pub(crate) fn skew(&self, now: Timestamp, path: &str) -> TimeDelta {
        let holding = self.0.iter().filter(|fault| fault.holds(now, path));
        holding.fold(TimeDelta::zero(), |sum, fault| match fault.spec.what {
            Kind::ClockSkew(Skew(delta)) => sum + delta,
            _ => sum,
        })
    }

    /// Does a stream say nothing now?
    pub(crate) fn is_silent(&self, now: Timestamp, path: &str) -> bool {
        self.0.iter().any(|fault| fault.spec.what == Kind::Hang && fault.holds(now, path))
    }

    /// Has a stream that was opened then broken by now?
    pub(crate) fn has_dropped(&self, opened: Timestamp, now: Timestamp, path: &str) -> bool {
        let drops = |fault: &&Fault| fault.spec.what == Kind::DropWatch && fault.concerns(path);
        self.0.iter().filter(drops).any(|fault| opened < fault.from && fault.from <= now)
    }

    /// When the next window opens or closes: streams must look again then.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().flat_map(|fault| [fault.from, fault.until]).filter(|at| *at > now).min()
    }
}

fn too_many(span: Duration) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"Too Many Requests\n"));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(span.as_secs()));
    response
}

fn broken(status: u16) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Bytes::from(status.canonical_reason().unwrap_or("Error").to_owned() + "\n"));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    fn faults(toml: &str) -> Faults {
        #[derive(Deserialize)]
        struct Rows {
            faults: Vec<FaultSpec>,
        }
        Faults::new(&toml::from_str::<Rows>(toml).unwrap().faults, at(0))
    }

    #[test]
    fn a_fault_holds_in_its_window_on_its_paths_and_as_often_as_it_says() {
        let mut faults = faults(
            "[[faults]]\non = '/kubernetes'\npath = 'rollouts'\nfrom = '10s'\nuntil = '20s'\ntimes = 2\nwhat = 'hang'",
        );
        let mut hangs = |second, path| faults.fate(at(second), path, b"").hang;
        let path = "/kubernetes/eu/apis/argoproj.io/v1alpha1/rollouts";
        assert!(!hangs(9, path) && !hangs(12, "/kubernetes/eu/version") && !hangs(12, "/prometheus/rollouts"));
        assert!(hangs(10, path) && hangs(19, path));
        assert!(!hangs(19, path), "only twice");
        assert!(!hangs(20, path));
    }

    #[test]
    fn every_kind_is_written_in_one_line_of_a_scenario() {
        let table = [
            ("'hang'", Kind::Hang),
            ("{ delay = '3s' }", Kind::Delay(Duration::from_secs(3))),
            ("{ too_many_requests = '30s' }", Kind::TooManyRequests(Duration::from_secs(30))),
            ("{ server_error = 503 }", Kind::ServerError(503)),
            ("{ cut_body = 40 }", Kind::CutBody(40)),
            ("'drop_watch'", Kind::DropWatch),
            ("{ clock_skew = '-90s' }", Kind::ClockSkew(Skew(TimeDelta::seconds(-90)))),
        ];
        for (text, kind) in table {
            let spec: FaultSpec = toml::from_str(&format!("on = '/x'\nwhat = {text}")).unwrap();
            assert_eq!(spec.what, kind);
        }
    }

    #[test]
    fn refusals_say_how_long_to_stay_away() {
        let mut faults = faults("[[faults]]\non = '/github'\nwhat = { too_many_requests = '30s' }");
        let refusal = faults.fate(at(0), "/github/repos", b"").refusal.unwrap();
        assert_eq!((refusal.status().as_u16(), refusal.headers()[RETRY_AFTER].to_str().unwrap()), (429, "30"));
    }

    #[test]
    fn a_dropped_watch_breaks_once_and_the_next_one_lives() {
        let faults = faults("[[faults]]\non = '/kubernetes'\nfrom = '10s'\nwhat = 'drop_watch'");
        let path = "/kubernetes/eu/apis?watch=1";
        assert!(!faults.has_dropped(at(0), at(9), path));
        assert!(faults.has_dropped(at(0), at(10), path));
        assert!(!faults.has_dropped(at(10), at(99), path));
        assert_eq!(faults.next(at(0)), Some(at(10)));
    }

    #[test]
    fn a_fault_may_concern_only_what_says_something_in_its_body() {
        let spec = FaultSpec {
            on: "/aws".into(),
            path: String::new(),
            said: r#""till""#.into(),
            from: Offset::default(),
            until: None,
            times: None,
            what: Kind::ServerError(403),
        };
        let mut faults = Faults::new(&[spec], Timestamp::UNIX_EPOCH);
        let mut refuses = |body: &[u8]| faults.fate(Timestamp::UNIX_EPOCH, "/aws/", body).refusal.is_some();
        assert_eq!(
            [refuses(br#"{"name":"till"}"#), refuses(br#"{"name":"tills"}"#), refuses(b"")],
            [true, false, false]
        );
    }
}
