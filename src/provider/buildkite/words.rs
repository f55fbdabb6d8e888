//! What Buildkite says itself when it refuses, as a sentence: its bodies are `{"message": "…"}`.

use std::time::Duration;

use http::HeaderMap;

use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    provider::{
        buildkite::api::Refusal,
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
/// The headers of its two limits, of the organisation and of who asks: how much is left, and in how many seconds it is over.
const LIMITS: [(&str, &str); 2] =
    [("ratelimit-remaining", "ratelimit-reset"), ("ratelimit-user-remaining", "ratelimit-user-reset")];

/// What an answer says that is none, to a request that takes this scope; `None` where its status says all.
pub(super) fn words(answer: &Answer, scope: Option<&str>, now: Timestamp) -> Option<Said> {
    let refusal = refusal(answer);
    let said = refusal.message.as_deref().map(clean).filter(|said| !said.is_empty());
    let why = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let (kind, text) = match answer.status().as_u16() {
        429 => {
            let reset = resets(answer.headers(), &refusal).map(Duration::from_secs);
            // Whoever stands before it may ask for a pause in the usual words.
            let wait = reset.or_else(|| retry_after(answer.headers(), now)).unwrap_or(LEAVE_ALONE);
            let text = format!("its limit of requests is reached, free again at {}{why}", moment(now, wait));
            return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(wait) });
        }
        401 => (
            FaultKind::Unauthenticated,
            format!("the token is not accepted{why}; put a valid one into the configuration"),
        ),
        403 => {
            let takes = scope.map(|scope| format!("; it takes the scope {scope}")).unwrap_or_default();
            (FaultKind::Forbidden, format!("it does not let us{why}{takes}"))
        }
        404 => (FaultKind::Missing, format!("it has nothing there that the token may see{why}; check the name")),
        400 | 422 => (FaultKind::Rejected, format!("it refuses: {}", said?)),
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

/// In how many seconds the limit is over that was reached; the later one where nothing says which.
fn resets(headers: &HeaderMap, refusal: &Refusal) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let reached = LIMITS.iter().filter(|(left, _)| number(left).is_none_or(|left| left == 0));
    refusal.reset.or_else(|| reached.filter_map(|(_, reset)| number(reset)).max())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn said(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Option<Said> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        words(&answer.body(Bytes::from(body)).unwrap(), Some("read_builds"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_it_says_is_repeated_with_the_way_out() {
        let table = [
            (
                401,
                r#"{"message":"Authentication required"}"#,
                FaultKind::Unauthenticated,
                "the token is not accepted (Authentication required); put a valid one into the configuration",
            ),
            (
                403,
                r#"{"message":"Forbidden"}"#,
                FaultKind::Forbidden,
                "it does not let us (Forbidden); it takes the scope read_builds",
            ),
            (
                404,
                r#"{"message":"No build found"}"#,
                FaultKind::Missing,
                "it has nothing there that the token may see (No build found); check the name",
            ),
            (404, "<html>", FaultKind::Missing, "it has nothing there that the token may see; check the name"),
            (
                422,
                r#"{"message":"Jobs from canceled builds cannot be unblocked\u001b[2J"}"#,
                FaultKind::Rejected,
                "it refuses: Jobs from canceled builds cannot be unblocked",
            ),
            (500, r#"{"message":"oh no"}"#, FaultKind::Server, "it failed (500: oh no)"),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said(status, &[], body), Some((kind, text.to_owned()).into()), "{status}");
        }
        assert_eq!((said(502, &[], "<html>"), said(422, &[], ""), said(304, &[], "")), (None, None, None));
    }

    #[test]
    fn a_limit_says_when_it_is_over_by_the_body_or_by_the_headers_of_the_limit_that_was_reached() {
        let both = [
            ("ratelimit-remaining", "80"),
            ("ratelimit-reset", "9"),
            ("ratelimit-user-remaining", "0"),
            ("ratelimit-user-reset", "42"),
        ];
        let body = r#"{"message":"You have exceeded your API rate limit.","reset":7}"#;
        let usual = [("retry-after", "90")];
        let table = [(&both[..], "", 42), (&both[..], body, 7), (&usual[..], "<html>", 90), (&[][..], "<html>", 60)];
        for (headers, body, seconds) in table {
            let said = said(429, headers, body).unwrap();
            assert_eq!((said.kind, said.pause), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
            let begin =
                format!("its limit of requests is reached, free again at 00:0{}:{:02} UTC", seconds / 60, seconds % 60);
            assert!(said.text.starts_with(&begin), "{}", said.text);
        }
    }
}
