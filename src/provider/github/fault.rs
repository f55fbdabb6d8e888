//! Why GitHub did not give what was asked for, as a sentence.

use std::time::Duration;

use chrono::{TimeDelta, Timelike};
use http::{HeaderMap, StatusCode, header};

use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, until},
    },
    port::{
        error::ProviderError,
        wire::{Class, Moved, WireError},
    },
    provider::{
        github::{api::Refusal, client::Answer},
        http::error::{elsewhere, maybe_done},
    },
};

/// How long to leave GitHub alone when it says that it is asked too much, but not for how long.
const LEAVE_ALONE: Duration = Duration::from_mins(1);

/// The longest refusal that is read.
const LONGEST_REFUSAL: usize = 1 << 20;

/// What was asked, when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Of what: `acme/ledger`.
    pub(super) about: &'a str,
    pub(super) class: Class,
    pub(super) now: Timestamp,
}

/// No answer came to a request of this class.
pub(super) fn unanswered(error: &WireError, about: &str, class: Class) -> ProviderError {
    let words = match error {
        // So GitHub answers for a repository that was renamed or given to somebody else.
        WireError::Moved(moved @ Moved { status: Some(301 | 307 | 308), to }) if to.starts_with('/') => {
            let there = if class == Class::Write { "nothing was sent there" } else { "nothing was asked there" };
            format!("it was renamed or moved: GitHub {moved}, and {there}; put its new name into the configuration")
        }
        WireError::Moved(moved) => format!("it {}", elsewhere(moved, class)),
        other => other.to_string(),
    };
    let kind = match error {
        WireError::NotConnected(_) | WireError::Barred(_) | WireError::Lost(_) => FaultKind::Unreachable,
        WireError::TimedOut(_) | WireError::ProxySilent { .. } => FaultKind::TimedOut,
        WireError::AskedToWait(_) | WireError::NoBudget(_) => FaultKind::RateLimited,
        WireError::Moved(_) | WireError::Page(_) => FaultKind::Unreadable,
        WireError::Unready(why) => why.kind,
    };
    let mut unanswered = ProviderError::new(kind, format!("GitHub, {about}: {words}"));
    unanswered.maybe_done = maybe_done(error, class);
    if let WireError::AskedToWait(span) | WireError::NoBudget(span) = error {
        unanswered.retry_after = Some(*span);
    }
    unanswered
}

/// An answer came, and it is not what was asked for.
pub(super) fn answered(answer: &Answer, asked: Asked<'_>) -> ProviderError {
    let said = said(answer);
    let about = asked.about;
    let error = |kind, text: String| ProviderError::new(kind, format!("GitHub, {about}: {text}"));
    match answer.status {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if let Some(span) = limited(answer, &said, asked.now) => {
            let at = asked.now.checked_add_signed(TimeDelta::from_std(span).unwrap_or_default()).unwrap_or(asked.now);
            let (h, m, s) = (at.hour(), at.minute(), at.second());
            let what = if said.contains("secondary rate limit") {
                "asked too much at once (GitHub's secondary limit)"
            } else {
                "request limit reached"
            };
            let mut error =
                error(FaultKind::RateLimited, format!("{what}, free again at {h:02}:{m:02}:{s:02} UTC ({said})"));
            error.retry_after = Some(span);
            error
        }
        StatusCode::UNAUTHORIZED => error(
            FaultKind::Unauthenticated,
            format!("the token is not accepted ({said}); put a valid one into the configuration"),
        ),
        StatusCode::FORBIDDEN => error(FaultKind::Forbidden, forbidden(&answer.headers, &said)),
        StatusCode::NOT_FOUND => {
            error(FaultKind::Missing, "not found or no permission; check the name and what the token may do".to_owned())
        }
        StatusCode::GONE => error(FaultKind::Missing, format!("gone: GitHub no longer keeps it ({said})")),
        StatusCode::CONFLICT => error(FaultKind::Conflict, said),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => error(FaultKind::Rejected, said),
        status if status.is_redirection() => error(
            FaultKind::Unreadable,
            "it has moved or was renamed; put its new name into the configuration".to_owned(),
        ),
        status if status.is_server_error() => {
            let error = error(FaultKind::Server, format!("it answered {status} ({said})"));
            // A gateway's error says nothing about whether the write behind it happened.
            if asked.class == Class::Write { error.maybe_done() } else { error }
        }
        status => error(FaultKind::Server, format!("it answered {status} ({said})")),
    }
}

/// What the body says, or the status where it says nothing.
fn said(answer: &Answer) -> String {
    // A page of a hundred megabytes is no refusal.
    let body = answer.body.get(..LONGEST_REFUSAL).map_or(&*answer.body, |_| &[]);
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let mut said = refusal.message.unwrap_or_else(|| answer.status.to_string());
    for problem in refusal.errors {
        let words = [problem.field, problem.code, problem.message];
        let words: Vec<_> = words.into_iter().flatten().collect();
        said = format!("{said}: {}", words.join(" "));
    }
    said
}

/// Is it the rate limit, and for how long? In GitHub's own order: `retry-after`, the limit's reset, a minute.
fn limited(answer: &Answer, said: &str, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(seconds) = number(header::RETRY_AFTER.as_str()).and_then(|n| u64::try_from(n).ok()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset").and_then(|second| Timestamp::from_timestamp(second, 0));
        return Some(reset.map_or(LEAVE_ALONE, |reset| until(now, reset)));
    }
    let secondary = answer.status == StatusCode::TOO_MANY_REQUESTS || said.contains("secondary rate limit");
    secondary.then_some(LEAVE_ALONE)
}

/// Why it may not be done, with the way out that GitHub names in its headers.
fn forbidden(headers: &HeaderMap, said: &str) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match header("x-github-sso").map(|sso| sso.split_once("url=")) {
        Some(Some((_, url))) => return format!("the token needs single sign-on: open {url}"),
        Some(None) => return "the token needs single sign-on: authorize it for the organisation".to_owned(),
        None => {}
    }
    match header("x-accepted-github-permissions") {
        Some(rights) if !rights.is_empty() => format!("{said} The token would need: {rights}"),
        _ => said.to_owned(),
    }
}
