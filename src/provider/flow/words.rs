//! What Flow says itself when it refuses, as a sentence. Bodies are `{"errorCode", "errorMessage" | "errorDescription" | "message",
//! "requestId"}`; the older API refuses with a success that says `"success": false`, and its gateway with `{"Code", "Message"}`.

use std::time::Duration;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    provider::{
        flow::api::Wrapped,
        http::{
            client::{Answer, Said},
            error::{moment, retry_after},
        },
    },
};

/// The longest refusal that is read.
const LONGEST: usize = 64 << 10;
/// How long to leave it alone when it says that a limit is reached: it never says until when.
const LEAVE_ALONE: Duration = Duration::from_mins(1);

/// What an answer says that is none, to a request that takes this right; `None` where its status says all.
pub(super) fn words(answer: &Answer, right: &str, older: bool, now: Timestamp) -> Option<Said> {
    let refusal = refusal(answer);
    let why = said(&refusal);
    let status = answer.status().as_u16();
    let by_code = kind_of(&refusal.code());
    if status == 429 || by_code == Some(FaultKind::RateLimited) {
        let wait = retry_after(answer.headers(), now).unwrap_or(LEAVE_ALONE);
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let text = format!("its limit of requests is reached, looked at again at {}{why}", moment(now, wait));
        return Some(Said { kind: FaultKind::RateLimited, text, pause: Some(wait) });
    }
    let by_status = match status {
        401 => Some(FaultKind::Unauthenticated),
        403 => Some(FaultKind::Forbidden),
        404 => Some(FaultKind::Missing),
        409 => Some(FaultKind::Conflict),
        400 | 405 | 406 | 422 => Some(by_code.unwrap_or(FaultKind::Rejected)),
        500.. => Some(FaultKind::Server),
        _ => None,
    };
    let kind = by_status?;
    if why.is_none() && matches!(kind, FaultKind::Rejected | FaultKind::Conflict | FaultKind::Server) {
        return None;
    }
    Some((kind, sentence(kind, why.as_deref(), right, older, status)).into())
}

/// Why a success is none: the older API says so in its body, and a write by the newer one may answer `false`.
pub(super) fn no_success(answer: &Answer, right: &str, older: bool) -> Option<(FaultKind, String)> {
    if !answer.status().is_success() {
        return None;
    }
    if !older {
        let text = "it did not do it, and does not say why";
        return (answer.body().as_ref() == b"false").then(|| (FaultKind::Rejected, text.to_owned()));
    }
    let refusal = refusal(answer);
    if refusal.success() != Some(false) {
        return None;
    }
    let kind = kind_of(&refusal.code()).unwrap_or(FaultKind::Rejected);
    let why = said(&refusal).unwrap_or_else(|| "it does not say why".to_owned());
    Some((kind, sentence(kind, Some(&why), right, older, answer.status().as_u16())))
}

fn sentence(kind: FaultKind, why: Option<&str>, right: &str, older: bool, status: u16) -> String {
    let credential = if older { "access key" } else { "token" };
    let brackets = why.map(|why| format!(" ({why})")).unwrap_or_default();
    let plain = why.unwrap_or("it does not say why");
    let takes = if right.is_empty() || older { String::new() } else { format!("; it takes a token with {right}") };
    match kind {
        FaultKind::Unauthenticated => {
            let lower = plain.to_ascii_lowercase();
            if lower.contains("expire") && lower.contains("sign") || lower.contains("timestamp") {
                return format!("the signature counts no more{brackets}: this machine's clock may be off");
            }
            let what = if lower.contains("expire") { "has expired" } else { "is not accepted" };
            format!("the {credential} {what}{brackets}; put a valid one into the configuration")
        }
        FaultKind::Forbidden => {
            format!("it does not let us{brackets}{takes}; whoever it is needs a role in the pipeline that may")
        }
        FaultKind::Missing => {
            format!("it has nothing there that the {credential} may see{brackets}; check the name and the organisation")
        }
        FaultKind::Server => format!("it failed ({status}: {plain})"),
        _ => format!("it refuses: {plain}"),
    }
}

fn refusal(answer: &Answer) -> Wrapped {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST);
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
}

/// `The parameter is invalid. [InvalidParam.ParamNotPresent]`: Flow's words may be Chinese, and the code is what one can search for.
fn said(refusal: &Wrapped) -> Option<String> {
    let text = refusal.message();
    let code = Some(refusal.code()).filter(|code| !code.is_empty());
    match (text, code) {
        (Some(text), Some(code)) => Some(format!("{text} [{code}]")),
        (text, code) => text.or(code),
    }
}

/// What kind of refusal a code is.
fn kind_of(code: &str) -> Option<FaultKind> {
    let code = code.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    Some(match () {
        () if code.is_empty() => return None,
        () if has(&["throttl", "flowcontrol", "toomany"]) => FaultKind::RateLimited,
        () if has(&["accesskey", "signature", "timestamp", "securitytoken", "unauthorized"]) => {
            FaultKind::Unauthenticated
        }
        () if has(&["forbidden", "nopermission", "accessdenied"]) => FaultKind::Forbidden,
        () if has(&["notfound", "notexist"]) => FaultKind::Missing,
        () if has(&["conflict"]) => FaultKind::Conflict,
        () if has(&["invalid", "missing", "illegal"]) => FaultKind::Rejected,
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Response::builder().status(status).body(Bytes::from(body)).unwrap()
    }

    fn said_to(status: u16, body: &'static str) -> Option<(FaultKind, String)> {
        words(&answer(status, body), "runs", false, Timestamp::UNIX_EPOCH).map(|said| (said.kind, said.text))
    }

    #[test]
    fn what_it_says_is_repeated_with_its_code_and_the_way_out() {
        let table = [
            (
                401,
                r#"{"errorCode":"InvalidToken","errorMessage":"无效的令牌"}"#,
                FaultKind::Unauthenticated,
                "the token is not accepted (无效的令牌 [InvalidToken]); put a valid one into the configuration",
            ),
            (
                401,
                r#"{"errorMessage":"token expired"}"#,
                FaultKind::Unauthenticated,
                "the token has expired (token expired); put a valid one into the configuration",
            ),
            (
                403,
                r#"{"errorCode":"Forbidden.Pipeline","errorDescription":"no right"}"#,
                FaultKind::Forbidden,
                "it does not let us (no right [Forbidden.Pipeline]); it takes a token with runs; whoever it is needs a role in the pipeline that may",
            ),
            (
                404,
                "<html>",
                FaultKind::Missing,
                "it has nothing there that the token may see; check the name and the organisation",
            ),
            (
                400,
                r#"{"errorCode":"InvalidParam.ParamNotPresent","errorMessage":"The parameter is invalid.","requestId":"x"}"#,
                FaultKind::Rejected,
                "it refuses: The parameter is invalid. [InvalidParam.ParamNotPresent]",
            ),
            (500, r#"{"message":"oh no\u001b[2J"}"#, FaultKind::Server, "it failed (500: oh no)"),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said_to(status, body), Some((kind, text.to_owned())), "{status}");
        }
        assert_eq!((said_to(502, "<html>"), said_to(304, "")), (None, None));
        let limited = words(&answer(429, ""), "", false, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((limited.kind, limited.pause), (FaultKind::RateLimited, Some(LEAVE_ALONE)));
    }

    #[test]
    fn a_success_that_says_it_is_none_is_a_refusal() {
        let older = |body| no_success(&answer(200, body), "", true);
        let forbidden = older(r#"{"success":false,"errorCode":"Forbidden","errorMessage":"没有权限"}"#);
        let text = "it does not let us (没有权限 [Forbidden]); whoever it is needs a role in the pipeline that may";
        assert_eq!(forbidden, Some((FaultKind::Forbidden, text.to_owned())));
        let clock = older(
            r#"{"success":false,"errorCode":"InvalidTimeStamp.Expired","errorMessage":"Specified time stamp is expired"}"#,
        );
        assert!(clock.unwrap().1.ends_with("this machine's clock may be off"));
        assert_eq!(older(r#"{"success":true,"errorCode":"","errorMessage":""}"#), None);
        let newer = |body| no_success(&answer(200, body), "", false).map(|(kind, _)| kind);
        assert_eq!((newer("false"), newer("true"), newer("17")), (Some(FaultKind::Rejected), None, None));
    }
}
