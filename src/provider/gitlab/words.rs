//! What GitLab says itself when it refuses, as a sentence. Its bodies are `{"message": …}` with a text, a list or a map of lists,
//! `{"error": "…", "error_description": "…"}`, plain text for a limit, and `{"errors": [{"message": "…"}]}` from GraphQL.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::{
    domain::{
        observed::FaultKind,
        text::clean,
        time::{Timestamp, until},
    },
    provider::{
        gitlab::api::Refusal,
        http::{
            client::{Answer, Said},
            error::{moment, retry_after},
        },
    },
};

/// The longest refusal that is read.
const LONGEST: usize = 64 << 10;
/// How long to leave it alone when it says that a limit is reached, but not until when. Its limits are by the minute.
const LEAVE_ALONE: Duration = Duration::from_mins(1);

/// What an answer says that is none, to a request that takes this scope; `None` where its status says all.
pub(super) fn words(answer: &Answer, scope: &str, now: Timestamp) -> Option<Said> {
    let refusal = refusal(answer);
    let said = said(&refusal);
    let why = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let is = |error: &str| refusal.error.as_deref() == Some(error);
    let (kind, text) = match answer.status().as_u16() {
        429 => {
            let wait =
                retry_after(answer.headers(), now).or_else(|| resets(answer.headers(), now)).unwrap_or(LEAVE_ALONE);
            let text = format!("its limit of requests is reached, free again at {}{why}", moment(now, wait));
            return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(wait) });
        }
        401 if said.as_ref().is_some_and(|said| said.to_ascii_lowercase().contains("expired")) => {
            (FaultKind::Unauthenticated, format!("the token has expired{why}; put a new one into the configuration"))
        }
        401 => (
            FaultKind::Unauthenticated,
            format!("the token is not accepted{why}; put a valid one into the configuration"),
        ),
        403 if is("insufficient_scope") => {
            (FaultKind::Forbidden, format!("the token may not{why}; it takes one with the scope {scope}"))
        }
        403 => {
            (FaultKind::Forbidden, format!("it does not let us{why}; it takes the scope {scope} and the role for it"))
        }
        404 => (FaultKind::Missing, format!("it has nothing there that the token may see{why}; check the name")),
        400 | 405 | 406 | 422 => (FaultKind::Rejected, format!("it refuses: {}", said?)),
        409 => (FaultKind::Conflict, format!("it refuses: {}", said?)),
        status @ 500.. => (FaultKind::Server, format!("it failed ({status}: {})", said?)),
        _ => return None,
    };
    Some((kind, text).into())
}

fn refusal(answer: &Answer) -> Refusal {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST);
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
}

/// All that it says, in one line.
fn said(refusal: &Refusal) -> Option<String> {
    let graph = refusal.errors.iter().filter_map(|wrong| wrong.message.clone());
    let all: Vec<String> = plain(&refusal.message)
        .into_iter()
        .chain(refusal.error_description.clone().or_else(|| refusal.error.clone()))
        .chain(graph)
        .collect();
    Some(clean(&all.join("; "))).filter(|said| !said.is_empty())
}

/// A text, the texts of a list, or those of a map with what they are about.
fn plain(message: &Value) -> Vec<String> {
    match message {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(plain).collect(),
        Value::Object(all) => all.iter().map(|(about, what)| format!("{about} {}", plain(what).join(", "))).collect(),
        _ => Vec::new(),
    }
}

/// How long until the limit is over that the headers tell of, where nothing of it is left.
fn resets(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    number("ratelimit-remaining").filter(|left| *left == 0)?;
    Some(until(now, Timestamp::from_timestamp(number("ratelimit-reset")?, 0)?)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn said_to(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Option<Said> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        words(&answer.body(Bytes::from(body)).unwrap(), "api", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_it_says_is_repeated_with_the_way_out() {
        let table = [
            (
                401,
                r#"{"message":"401 Unauthorized"}"#,
                FaultKind::Unauthenticated,
                "the token is not accepted (401 Unauthorized); put a valid one into the configuration",
            ),
            (
                401,
                r#"{"error":"invalid_token","error_description":"Token is expired."}"#,
                FaultKind::Unauthenticated,
                "the token has expired (Token is expired.); put a new one into the configuration",
            ),
            (
                401,
                r#"{"errors":[{"message":"Invalid token"}]}"#,
                FaultKind::Unauthenticated,
                "the token is not accepted (Invalid token); put a valid one into the configuration",
            ),
            (
                403,
                r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges.","scope":"api"}"#,
                FaultKind::Forbidden,
                "the token may not (The request requires higher privileges.); it takes one with the scope api",
            ),
            (
                403,
                r#"{"message":"403 Forbidden"}"#,
                FaultKind::Forbidden,
                "it does not let us (403 Forbidden); it takes the scope api and the role for it",
            ),
            (
                404,
                r#"{"message":"404 Project Not Found"}"#,
                FaultKind::Missing,
                "it has nothing there that the token may see (404 Project Not Found); check the name",
            ),
            (
                400,
                r#"{"message":{"base":["Reference not found"],"ref":["is bad","is odd\u001b[2J"]}}"#,
                FaultKind::Rejected,
                "it refuses: base Reference not found; ref is bad, is odd",
            ),
            (422, r#"{"message":["one","two"]}"#, FaultKind::Rejected, "it refuses: one; two"),
            (409, r#"{"message":"409 Conflict"}"#, FaultKind::Conflict, "it refuses: 409 Conflict"),
            (
                500,
                r#"{"message":"500 Internal Server Error"}"#,
                FaultKind::Server,
                "it failed (500: 500 Internal Server Error)",
            ),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said_to(status, &[], body), Some((kind, text.to_owned()).into()), "{status} {body}");
        }
        assert_eq!((said_to(502, &[], "<html>"), said_to(422, &[], ""), said_to(304, &[], "")), (None, None, None));
    }

    #[test]
    fn a_limit_says_when_it_is_over_by_its_headers_or_is_left_alone_for_a_minute() {
        let usual = [("retry-after", "30"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "90")];
        let reset = [("ratelimit-remaining", "0"), ("ratelimit-reset", "90")];
        let other = [("ratelimit-remaining", "7"), ("ratelimit-reset", "90")];
        for (headers, seconds) in [(&usual[..], 30), (&reset[..], 90), (&other[..], 60), (&[][..], 60)] {
            let said = said_to(429, headers, "Retry later\n").unwrap();
            assert_eq!((said.kind, said.pause), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
            let begin =
                format!("its limit of requests is reached, free again at 00:0{}:{:02} UTC", seconds / 60, seconds % 60);
            assert!(said.text.starts_with(&begin), "{}", said.text);
        }
    }
}
