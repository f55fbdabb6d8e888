//! From what happened on the wire to a [`ProviderError`]: the part that is the same for every system.

use std::{error::Error, time::Duration};

use chrono::DateTime;
use http::{HeaderMap, StatusCode, header};

use super::home::TO_SIGN_IN;
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, after, until},
    },
    port::{
        error::ProviderError,
        wire::{Class, Moved, WireError, whole_seconds},
    },
};

/// No (whole) answer came from `system`. A write that went out may have been done.
pub fn from_wire(system: &str, error: &WireError, class: Class, now: Timestamp) -> ProviderError {
    let (kind, text) = match error {
        WireError::NotConnected(why) | WireError::Barred(why) => {
            (FaultKind::Unreachable, format!("cannot connect to {system}: {why}"))
        }
        WireError::Unready(why) => (why.kind, format!("{system} cannot be asked: {}", why.text)),
        WireError::Lost(why) => (FaultKind::Unreachable, format!("the connection to {system} broke: {why}")),
        WireError::TimedOut(limit) => (FaultKind::TimedOut, format!("{system} did not answer within {limit}")),
        WireError::NoBudget(wait) => {
            let text = format!("our request budget for {system} is used up; free again at {}", moment(now, *wait));
            (FaultKind::RateLimited, text)
        }
        WireError::AskedToWait(wait) => (FaultKind::RateLimited, slow_down(system, *wait, now)),
        WireError::Moved(moved) => (FaultKind::Unreadable, format!("{system} {}", elsewhere(moved, class))),
        WireError::ProxySilent { limit, proxy } => {
            let (span, setting) = (limit.span(), limit.setting());
            (FaultKind::TimedOut, format!("{system} did not answer within {span} through the proxy {proxy}{setting}"))
        }
        WireError::Page(page) => (FaultKind::Unreadable, format!("{system} answers with {page}; {}", unproven(class))),
    };
    let mut error_out = ProviderError::new(kind, text);
    error_out.at_home = matches!(error, WireError::Unready(why) if why.at_home);
    match error {
        WireError::NoBudget(wait) | WireError::AskedToWait(wait) => error_out.retry_after = Some(*wait),
        _ => error_out.maybe_done = maybe_done(error, class),
    }
    error_out
}

/// Could a request of this class that ended so have been done? A redirect says that it was not, but for the one that says
/// where to see the outcome.
pub fn maybe_done(error: &WireError, class: Class) -> bool {
    class == Class::Write
        && match error {
            WireError::Lost(_) | WireError::TimedOut(_) | WireError::ProxySilent { .. } | WireError::Page(_) => true,
            WireError::Moved(moved) => moved.status == Some(Moved::SEE_OTHER),
            WireError::NotConnected(_)
            | WireError::Barred(_)
            | WireError::Unready(_)
            | WireError::AskedToWait(_)
            | WireError::NoBudget(_) => false,
        }
}

/// What an answer means that points elsewhere; the system's name stands in front of it.
pub fn elsewhere(moved: &Moved, class: Class) -> String {
    let there = if class == Class::Write { "nothing was sent there" } else { "nothing was asked there" };
    let way_out = if moved.to.ends_with(TO_SIGN_IN) {
        "it does not know who we are: check how we sign in, or put an address that asks for a token into the configuration"
    } else {
        "if it has moved, put the whole address into the configuration"
    };
    format!("{moved}, and {there}; {way_out}")
}

/// That a system asks to be left alone, and until when: a sentence is read later than it is made.
pub fn slow_down(system: &str, wait: Duration, now: Timestamp) -> String {
    format!("{system} asks to slow down; again at {}", moment(now, wait))
}

/// When a pause is over, in whole seconds: `02:09:41 UTC`, with the day where that is another one.
pub fn moment(now: Timestamp, wait: Duration) -> String {
    let then = after(now, Duration::from_secs(whole_seconds(wait)));
    let form = if then.date_naive() == now.date_naive() { "%H:%M:%S UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    then.format(form).to_string()
}

/// The kind of failure that a status means, whatever the system.
pub fn kind_of(status: StatusCode) -> FaultKind {
    match status.as_u16() {
        401 => FaultKind::Unauthenticated,
        403 => FaultKind::Forbidden,
        404 | 410 => FaultKind::Missing,
        409 => FaultKind::Conflict,
        429 => FaultKind::RateLimited,
        500.. => FaultKind::Server,
        400.. => FaultKind::Rejected,
        _ => FaultKind::Unreadable,
    }
}

/// `system` answered with an error and these words. A write that met an error of the server's own, or of a proxy before
/// it, may have been done.
pub fn from_status(text: &str, status: StatusCode, headers: &HeaderMap, class: Class, now: Timestamp) -> ProviderError {
    let mut error = ProviderError::new(kind_of(status), text);
    error.retry_after = retry_after(headers, now);
    error.maybe_done = class == Class::Write && status.is_server_error();
    error
}

/// `Retry-After`, as seconds or as a date.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| DateTime::parse_from_rfc2822(text).ok().map(|at| until(now, at.to_utc())))
}

/// An error with all its causes, outermost first, each said once.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// What it all began with: `Connection refused (os error 111)`.
pub fn first_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// What a web page in place of an answer says of what was asked.
fn unproven(class: Class) -> &'static str {
    match class {
        Class::Write => "whether it was done is not known: look at it there before you send it again",
        Class::Read | Class::Stream => "a proxy or a login page stands before it: check its address and how we sign in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_write_that_went_out_may_have_been_done() {
        let moved = |status| WireError::Moved(Moved { status: Some(status), to: "https://other.test".into() });
        let silent = WireError::ProxySilent { limit: Duration::from_secs(4).into(), proxy: "http://proxy:3128".into() };
        let went_out = [
            WireError::Lost("reset".into()),
            WireError::TimedOut(Duration::from_secs(4).into()),
            silent,
            moved(303),
            WireError::Page("a web page".into()),
        ];
        let stayed = [
            WireError::NotConnected("refused".into()),
            WireError::NoBudget(Duration::from_secs(4)),
            WireError::Barred("no".into()),
            moved(302),
            moved(308),
        ];
        for error in &went_out {
            assert!(from_wire("eu", error, Class::Write, Timestamp::UNIX_EPOCH).maybe_done, "{error}");
            assert!(!from_wire("eu", error, Class::Read, Timestamp::UNIX_EPOCH).maybe_done, "{error}");
        }
        for error in &stayed {
            assert!(!from_wire("eu", error, Class::Write, Timestamp::UNIX_EPOCH).maybe_done, "{error}");
        }
        let of = |status, class| {
            let status = StatusCode::from_u16(status).unwrap();
            from_status("x", status, &HeaderMap::new(), class, Timestamp::UNIX_EPOCH).maybe_done
        };
        assert!(of(504, Class::Write) && of(500, Class::Write));
        assert!(!of(504, Class::Read) && !of(409, Class::Write) && !of(429, Class::Write));
    }

    #[test]
    fn where_a_system_points_is_named_with_what_was_not_done_and_the_way_out() {
        let moved = WireError::Moved(Moved { status: Some(308), to: "https://other.test".into() });
        let text = |class| from_wire("eu", &moved, class, Timestamp::UNIX_EPOCH).text;
        let way_out = "if it has moved, put the whole address into the configuration";
        let sent = format!("eu sends us to https://other.test (308), and nothing was sent there; {way_out}");
        let asked = format!("eu sends us to https://other.test (308), and nothing was asked there; {way_out}");
        assert_eq!((text(Class::Write), text(Class::Read)), (sent, asked));
        let login = WireError::Moved(Moved { status: Some(302), to: "/login of its own to sign in".into() });
        let text = "eu sends us to /login of its own to sign in (302), and nothing was asked there; it does not know who we \
                    are: check how we sign in, or put an address that asks for a token into the configuration";
        assert_eq!(from_wire("eu", &login, Class::Read, Timestamp::UNIX_EPOCH).text, text);
    }

    #[test]
    fn a_pause_is_read_as_seconds_and_as_a_date() {
        let now = Timestamp::from_timestamp(1_795_242_060, 0).unwrap();
        let of = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]), now)
        };
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("Sat, 21 Nov 2026 06:21:10 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(of("Fri, 21 Nov 2025 06:21:10 GMT"), Some(Duration::ZERO));
        assert_eq!(of("soon"), None);
    }

    #[test]
    fn a_pause_is_told_by_its_end_which_stays_true_however_late_it_is_read() {
        let now = Timestamp::from_timestamp(86_390, 0).unwrap();
        let said = |seconds| slow_down("eu", Duration::from_millis(seconds), now);
        assert_eq!(said(4_200), "eu asks to slow down; again at 23:59:55 UTC");
        assert_eq!(said(20_000), "eu asks to slow down; again at 1970-01-02 00:00:10 UTC");
    }
}
