//! What GitHub says itself of why it does not give what was asked for, as sentences. What is the same for every system is said
//! by [`crate::provider::http::client`].

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, until},
    },
    port::wire::{Class, Moved},
    provider::{
        github::api::Refusal,
        http::{
            client::{Answer, Said},
            error::{kind_of, moment},
            page,
        },
    },
};

/// How long to leave GitHub alone when it says that it is asked too much, but not for how long.
const LEAVE_ALONE: Duration = Duration::from_mins(1);

/// The longest refusal that is read.
const LONGEST_REFUSAL: usize = 1 << 20;

/// What an answer means that points elsewhere: GitHub answers so for a repository that was renamed or given to somebody else.
pub(super) fn moves(moved: &Moved, class: Class) -> Option<String> {
    if !matches!(moved.status, Some(301 | 307 | 308)) || !moved.to.starts_with('/') {
        return None;
    }
    let there = if class == Class::Write { "nothing was sent there" } else { "nothing was asked there" };
    Some(format!("it was renamed or moved: GitHub {moved}, and {there}; put its new name into the configuration"))
}

/// What GitHub says of an answer that is no success; nothing where somebody else spoke in its place.
pub(super) fn words(answer: &Answer, now: Timestamp) -> Option<Said> {
    if page::is_page(answer.headers(), answer.body()) {
        return None;
    }
    let (status, message) = (answer.status(), message(answer));
    let said = message.clone().unwrap_or_else(|| status.to_string());
    if let Some(pause) = limited(answer, &said, now) {
        let what = if said.contains("secondary rate limit") {
            "asked too much at once (GitHub's secondary limit)"
        } else {
            "request limit reached"
        };
        let text = format!("{what}, free again at {} ({said})", moment(now, pause));
        return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(pause) });
    }
    let text = match status {
        StatusCode::UNAUTHORIZED => {
            format!("the token is not accepted ({said}); put a valid one into the configuration")
        }
        StatusCode::FORBIDDEN => forbidden(answer.headers(), &said),
        StatusCode::NOT_FOUND => "not found or no permission; check the name and what the token may do".to_owned(),
        StatusCode::GONE => format!("gone: GitHub no longer keeps it ({said})"),
        StatusCode::CONFLICT | StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => said,
        status if status.is_redirection() => {
            "it has moved or was renamed; put its new name into the configuration".to_owned()
        }
        status => message.map(|said| format!("it answered {status} ({said})"))?,
    };
    Some((kind_of(status), text).into())
}

/// What the body says.
fn message(answer: &Answer) -> Option<String> {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST_REFUSAL)?;
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let mut said = refusal.message?;
    for problem in refusal.errors {
        let words = [problem.field, problem.code, problem.message];
        let words: Vec<_> = words.into_iter().flatten().collect();
        said = format!("{said}: {}", words.join(" "));
    }
    Some(said)
}

/// Is it the rate limit, and for how long? In GitHub's own order: `retry-after`, the limit's reset, a minute.
fn limited(answer: &Answer, said: &str, now: Timestamp) -> Option<Duration> {
    if !matches!(answer.status(), StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let number = |name: &str| answer.headers().get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(seconds) = number(header::RETRY_AFTER.as_str()).and_then(|n| u64::try_from(n).ok()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset").and_then(|second| Timestamp::from_timestamp(second, 0));
        return Some(reset.map_or(LEAVE_ALONE, |reset| until(now, reset)));
    }
    let secondary = answer.status() == StatusCode::TOO_MANY_REQUESTS || said.contains("secondary rate limit");
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
