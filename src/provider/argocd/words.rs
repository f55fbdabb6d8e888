//! What Argo CD says itself when it refuses, as a sentence: `{"error", "code", "message"}`, with the codes of gRPC.
//!
//! It answers 403 also for what is not there, unless the project is named, as it is here: then what may not be seen and what is not there
//! are both 404. So 403 means that a right is missing, and 404 does not mean that nothing is there.

use crate::{
    domain::observed::FaultKind,
    provider::{
        argocd::api::Refusal,
        http::client::{Answer, Said},
    },
};

/// The longest refusal that is read.
const LONGEST: usize = 64 << 10;

/// What an answer says that is none, to a request that takes this right; `None` where its status says all.
pub(super) fn words(answer: &Answer, right: &str) -> Option<Said> {
    let why = refusal(answer);
    let said = why.as_deref();
    let brackets = said.map(|why| format!(" ({why})")).unwrap_or_default();
    let (kind, text) = match answer.status().as_u16() {
        401 => {
            let text = format!(
                "the token is not accepted{brackets}; put a valid one into the configuration: `argocd proj role create-token` or \
                 `argocd account generate-token` makes one"
            );
            (FaultKind::Unauthenticated, text)
        }
        403 if said.is_some_and(|why| why.contains("sync window")) => {
            let text = "a sync window is closed: it opens by its schedule, or whoever administers the project opens it";
            (FaultKind::Rejected, text.to_owned())
        }
        403 => {
            let takes = if right.is_empty() { String::new() } else { format!("; it takes the right `{right}`") };
            (FaultKind::Forbidden, format!("it does not let us{brackets}{takes}"))
        }
        404 => {
            let text = format!(
                "it has nothing there that the token may see{brackets}; check the name and the project, and the token's rights"
            );
            (FaultKind::Missing, text)
        }
        409 => (FaultKind::Conflict, format!("it moved meanwhile{brackets}")),
        400 | 412 | 415 | 422 => refused(said?),
        429 => (FaultKind::RateLimited, format!("it asks us to ask less often{brackets}")),
        status @ 500.. => (FaultKind::Server, format!("it failed ({status}: {})", said?)),
        _ => return None,
    };
    Some((kind, text).into())
}

/// A refusal by what it is about.
fn refused(why: &str) -> (FaultKind, String) {
    let has = |words: &str| why.contains(words);
    let text = match () {
        () if has("another operation is already in progress") => {
            format!("another operation runs on it: abort ends that one ({why})")
        }
        () if has("when auto-sync is enabled") || has("auto-sync currently set to") => {
            format!("auto-sync is on, and it takes no other revision then ({why})")
        }
        () if has("No operation is in progress") => format!("no operation runs on it any more ({why})"),
        () if has("does not have deployment with id") => format!("its history has moved on ({why})"),
        () => format!("it refuses: {why}"),
    };
    // None of them is a conflict that goes away when it is sent again.
    (FaultKind::Rejected, text)
}

/// What it says.
fn refusal(answer: &Answer) -> Option<String> {
    // A page of a hundred megabytes is no refusal.
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST)?;
    let Refusal { error, message } = serde_json::from_slice(body).ok()?;
    Some(if message.is_empty() { error } else { message }).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn said(status: u16, body: &'static str) -> Option<(FaultKind, String)> {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        words(&answer, "applications, sync, shop/payments").map(|said| (said.kind, said.text))
    }

    #[test]
    fn what_it_says_is_repeated_with_the_right_that_is_missing_or_the_way_out() {
        let table = [
            (
                403,
                r#"{"error":"permission denied","code":7,"message":"permission denied"}"#,
                FaultKind::Forbidden,
                "it does not let us (permission denied); it takes the right `applications, sync, shop/payments`",
            ),
            (
                403,
                r#"{"error":"cannot sync: blocked by sync window","code":7,"message":"cannot sync: blocked by sync window"}"#,
                FaultKind::Rejected,
                "a sync window is closed: it opens by its schedule, or whoever administers the project opens it",
            ),
            (
                400,
                r#"{"error":"x","code":9,"message":"error setting app operation: another operation is already in progress"}"#,
                FaultKind::Rejected,
                "another operation runs on it: abort ends that one (error setting app operation: another operation is already in progress)",
            ),
            (
                400,
                r#"{"code":9,"message":"rollback cannot be initiated when auto-sync is enabled"}"#,
                FaultKind::Rejected,
                "auto-sync is on, and it takes no other revision then (rollback cannot be initiated when auto-sync is enabled)",
            ),
            (
                400,
                r#"{"message":"Unable to terminate operation. No operation is in progress"}"#,
                FaultKind::Rejected,
                "no operation runs on it any more (Unable to terminate operation. No operation is in progress)",
            ),
            (400, r#"{"error":"bad"}"#, FaultKind::Rejected, "it refuses: bad"),
            (500, r#"{"message":"rpc error"}"#, FaultKind::Server, "it failed (500: rpc error)"),
        ];
        for (status, body, kind, text) in table {
            assert_eq!(said(status, body), Some((kind, text.to_owned())), "{status} {body}");
        }
        assert!(said(404, "{}").unwrap().1.starts_with("it has nothing there that the token may see; check the name"));
        assert_eq!((said(502, "<html>"), said(400, "<html>"), said(302, "{}")), (None, None, None));
    }
}
