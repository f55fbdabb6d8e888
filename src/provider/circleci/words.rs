//! What CircleCI says itself when it refuses, as a sentence: `{"message": "…"}` of `/api/v2`, `{"error": {"title", "detail"}}` of
//! `/api/v3`.

use std::time::Duration;

use http::HeaderMap;

use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    provider::{
        circleci::api::{Fault, Refusal},
        http::{
            client::{Answer, Said},
            error::{moment, retry_after},
        },
    },
};

/// The longest refusal that is read.
const LONGEST: usize = 64 << 10;
/// How long to leave it alone when it says that a limit is reached, but not until when.
const LEAVE_ALONE: Duration = Duration::from_mins(1);

/// What an answer says that is none; `None` where its status says all.
pub(super) fn words(answer: &Answer, now: Timestamp) -> Option<Said> {
    let said = said(answer);
    let why = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let (kind, text) = match answer.status().as_u16() {
        429 => {
            let wait = retry_after(answer.headers(), now).or_else(|| resets(answer.headers())).unwrap_or(LEAVE_ALONE);
            let text = format!("its limit of requests is reached, free again at {}{why}", moment(now, wait));
            return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(wait) });
        }
        401 if said.as_ref().is_some_and(|said| said.to_ascii_lowercase().contains("expired")) => {
            (FaultKind::Unauthenticated, format!("the token has expired{why}; put a new one into the configuration"))
        }
        401 => (
            FaultKind::Unauthenticated,
            format!("the token is not accepted{why}; put a valid personal one into the configuration"),
        ),
        403 => {
            (FaultKind::Forbidden, format!("it does not let us{why}; it takes somebody who may push to the project"))
        }
        // It does not tell a project that is not there from one that the token may not see.
        404 => (
            FaultKind::Missing,
            format!("not found, or no permission to see it{why}; check the name and whose token it is"),
        ),
        400 | 405 | 422 => (FaultKind::Rejected, format!("it refuses: {}", said?)),
        409 => (FaultKind::Conflict, format!("it refuses: {}", said?)),
        status @ 500.. => (FaultKind::Server, format!("it failed ({status}: {})", said?)),
        _ => return None,
    };
    Some((kind, text).into())
}

/// What a refusal says, in one line.
fn said(answer: &Answer) -> Option<String> {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST)?;
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let text = match refusal.error {
        Some(Fault::Text(text)) => text,
        Some(Fault::Whole { title, detail }) => {
            title.into_iter().chain(detail).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(": ")
        }
        None => String::new(),
    };
    let all = [text, refusal.message.unwrap_or_default()];
    all.iter().map(|text| clean(text)).find(|text| !text.is_empty())
}

/// In how many seconds the limit is over that the headers tell of.
fn resets(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let of = |prefix: &str| {
        number(&format!("{prefix}ratelimit-remaining")).filter(|left| *left == 0)?;
        number(&format!("{prefix}ratelimit-reset"))
    };
    // A number of this size is a moment, not a span.
    let seconds = of("").or_else(|| of("x-")).filter(|seconds| (1..86_400).contains(seconds))?;
    Some(Duration::from_secs(seconds))
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
        words(&answer.body(Bytes::from(body)).unwrap(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_it_says_is_repeated_with_the_way_out_in_either_form() {
        let table = [
            (
                401,
                r#"{"message":"Unauthorized"}"#,
                FaultKind::Unauthenticated,
                "the token is not accepted (Unauthorized); put a valid personal one into the configuration",
            ),
            (
                403,
                r#"{"message":"Permission denied."}"#,
                FaultKind::Forbidden,
                "it does not let us (Permission denied.); it takes somebody who may push to the project",
            ),
            (
                404,
                r#"{"message":"Project not found"}"#,
                FaultKind::Missing,
                "not found, or no permission to see it (Project not found); check the name and whose token it is",
            ),
            (
                400,
                r#"{"error":{"id":"a1b2","title":"Invalid page size","detail":"page limit must be <= 20"}}"#,
                FaultKind::Rejected,
                "it refuses: Invalid page size: page limit must be <= 20",
            ),
            (422, r#"{"error":"odd\u001b[2J"}"#, FaultKind::Rejected, "it refuses: odd"),
            (409, r#"{"message":"already handled"}"#, FaultKind::Conflict, "it refuses: already handled"),
            (500, r#"{"message":"oh no"}"#, FaultKind::Server, "it failed (500: oh no)"),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said_to(status, &[], body), Some((kind, text.to_owned()).into()), "{status} {body}");
        }
        assert_eq!((said_to(502, &[], "<html>"), said_to(422, &[], ""), said_to(304, &[], "")), (None, None, None));
    }

    #[test]
    fn a_limit_says_when_it_is_over_or_is_left_alone_for_a_minute() {
        let usual = [("retry-after", "30")];
        let reset = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "90")];
        let other = [("ratelimit-remaining", "7"), ("ratelimit-reset", "90")];
        for (headers, seconds) in [(&usual[..], 30), (&reset[..], 90), (&other[..], 60), (&[][..], 60)] {
            let said = said_to(429, headers, "").unwrap();
            assert_eq!((said.kind, said.pause), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
        }
    }
}
