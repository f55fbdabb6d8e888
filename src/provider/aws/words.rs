//! What AWS says itself when it refuses, as a sentence: `{"__type": "…#AccessDeniedException", "message": "…"}`, all of it with the
//! status 400. The leaf gives the status that every other system has for who we are, what we may, and how often.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    provider::http::{
        client::{Answer, Said},
        error::moment,
    },
};

/// The longest refusal that is read.
const LONGEST: usize = 64 << 10;
/// Its limits are by the second and of all who ask: a colleague's console, too.
const LEAVE_ALONE: Duration = Duration::from_secs(5);

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: Option<String>,
    #[serde(default, alias = "Message")]
    message: Option<String>,
}

fn refusal(answer: &Answer) -> Refusal {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST);
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
}

/// The name of a refusal, without where it is defined: `AccessDeniedException`; of the query protocol what stands in `<Code>`.
/// `None` where the answer is none of AWS's.
pub fn code(answer: &Answer) -> Option<String> {
    let header = || Some(answer.headers().get("x-amzn-errortype")?.to_str().ok()?.to_owned());
    let xml =
        || super::sts::tagged(&String::from_utf8_lossy(answer.body().get(..LONGEST).unwrap_or(answer.body())), "Code");
    let whole = refusal(answer).kind.or_else(header).or_else(xml)?;
    let name = whole.rsplit('#').next()?.split(':').next()?;
    Some(clean(name)).filter(|name| !name.is_empty())
}

/// What it says beside the name.
fn said(answer: &Answer) -> Option<String> {
    let xml = || {
        super::sts::tagged(&String::from_utf8_lossy(answer.body().get(..LONGEST).unwrap_or(answer.body())), "Message")
    };
    refusal(answer).message.or_else(xml).map(|said| clean(&said)).filter(|said| !said.is_empty())
}

/// The status that says of a refusal with this name what it says elsewhere; its own where none does.
pub(super) fn status(name: &str, own: StatusCode) -> StatusCode {
    let begins = |all: &[&str]| all.iter().any(|one| name.starts_with(one));
    if begins(&["Throttl", "TooManyRequests", "RequestLimitExceeded", "RequestThrottled", "LimitExceeded"]) {
        StatusCode::TOO_MANY_REQUESTS
    } else if begins(&["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "OptInRequired"]) {
        StatusCode::FORBIDDEN
    } else if begins(&[
        "ExpiredToken",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "InvalidSignature",
        "IncompleteSignature",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
    ]) {
        StatusCode::UNAUTHORIZED
    } else if name.contains("NotFound") {
        StatusCode::NOT_FOUND
    } else {
        own
    }
}

/// What an answer says that is none, to a request that takes this right (`sts:AssumeRole`); `None` where its status says
/// all. What only one service says, that one adds before.
pub fn words(answer: &Answer, right: &str, now: Timestamp) -> Option<Said> {
    let (name, said) = (code(answer), said(answer));
    let why = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let (kind, text) = match (answer.status().as_u16(), name.as_deref()) {
        (429, _) => {
            let text = format!("it asks to slow down; again at {}{why}", moment(now, LEAVE_ALONE));
            return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(LEAVE_ALONE) });
        }
        (401, name) => (FaultKind::Unauthenticated, unauthenticated(name.unwrap_or_default(), &why)),
        (403, _) => (FaultKind::Forbidden, format!("it does not let us{why}; it takes {right}")),
        (404, Some(_)) => (FaultKind::Missing, format!("it has nothing there{why}; check the name and the region")),
        // Not a conflict of revisions, which would be worth another try at once.
        (409, Some(_)) => (FaultKind::Rejected, format!("something else is under way there{why}")),
        (400..=499, Some(name)) if name.contains("Conflict") => {
            (FaultKind::Rejected, format!("something else is under way there{why}"))
        }
        (400..=499, Some(name)) => {
            (FaultKind::Rejected, format!("it refuses: {}", said.unwrap_or_else(|| name.to_owned())))
        }
        (status @ 500.., Some(name)) => {
            (FaultKind::Server, format!("it failed ({status}: {})", said.as_deref().unwrap_or(name)))
        }
        _ => return None,
    };
    Some((kind, text).into())
}

/// Why it does not know us, with the way out.
fn unauthenticated(name: &str, why: &str) -> String {
    if name.starts_with("ExpiredToken") || name == "RequestExpired" {
        return format!(
            "the session has ended{why}: sign in again (`aws sso login`), or renew what lends the credentials"
        );
    }
    if name == "RequestTimeTooSkewed" || why.contains("Signature expired") || why.contains("Signature not yet current")
    {
        return format!("this machine's clock and AWS's are more than five minutes apart{why}: set it by NTP");
    }
    format!("it does not accept our credentials{why}: check the access key, its secret and the region")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    fn said(status: u16, body: &'static str) -> Option<(FaultKind, String)> {
        let said = words(&answer(status, body), "codepipeline:GetPipeline", Timestamp::UNIX_EPOCH)?;
        Some((said.kind, said.text))
    }

    #[test]
    fn a_name_is_the_same_with_its_namespace_in_a_header_and_in_xml() {
        let json = r#"{"__type":"com.amazonaws.codepipeline#PipelineNotFoundException","message":"no"}"#;
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>over</Message></Error></ErrorResponse>";
        let header = Response::builder().status(400).header("x-amzn-ErrorType", "ThrottlingException:http://x/");
        let header = header.body(Bytes::new()).unwrap();
        let all = [code(&answer(400, json)), code(&answer(403, xml)), code(&header), code(&answer(400, "<html>"))];
        assert_eq!(
            all.map(Option::unwrap_or_default),
            ["PipelineNotFoundException", "ExpiredToken", "ThrottlingException", ""]
        );
    }

    #[test]
    fn each_refusal_has_the_status_that_it_has_elsewhere() {
        let own = StatusCode::BAD_REQUEST;
        let table = [
            ("ThrottlingException", 429),
            ("TooManyRequestsException", 429),
            ("AccessDeniedException", 403),
            ("ExpiredTokenException", 401),
            ("UnrecognizedClientException", 401),
            ("PipelineNotFoundException", 404),
            ("ValidationException", 400),
            ("InvalidApprovalTokenException", 400),
        ];
        for (name, wanted) in table {
            assert_eq!(status(name, own).as_u16(), wanted, "{name}");
        }
    }

    #[test]
    fn what_it_says_is_repeated_with_the_way_out() {
        let table = [
            (
                401,
                r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
                FaultKind::Unauthenticated,
                "the session has ended (The security token included in the request is expired): sign in again (`aws sso login`), or renew \
                 what lends the credentials",
            ),
            (
                401,
                r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20150830T123600Z is now earlier than"}"#,
                FaultKind::Unauthenticated,
                "this machine's clock and AWS's are more than five minutes apart (Signature expired: 20150830T123600Z is now earlier than): \
                 set it by NTP",
            ),
            (
                403,
                r#"{"__type":"AccessDeniedException","message":"User: arn:aws:iam::1:user/dana is not authorized"}"#,
                FaultKind::Forbidden,
                "it does not let us (User: arn:aws:iam::1:user/dana is not authorized); it takes codepipeline:GetPipeline",
            ),
            (429, "", FaultKind::RateLimited, "it asks to slow down; again at 00:00:05 UTC"),
            (
                400,
                "{\"__type\":\"ValidationException\",\"message\":\"1 validation error\\u001b[2J\"}",
                FaultKind::Rejected,
                "it refuses: 1 validation error",
            ),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said(status, body), Some((kind, text.to_owned())), "{status}");
        }
        assert_eq!((said(502, "<html>"), said(400, "")), (None, None));
    }
}
