//! What Jenkins says itself when it refuses, as a sentence. Its refusals are web pages; what they mean stands in the header `X-Error`,
//! in the page's title, or nowhere.

use http::{HeaderMap, header};

use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    provider::{
        http::client::{Answer, Said, code_and_words},
        jenkins::api::Refusal,
    },
};

/// The longest answer in which a refusal is looked for.
const LONGEST: usize = 64 << 10;
/// Characters of `X-Error` that are repeated.
const LONGEST_SAID: usize = 300;
/// What a write is told that brings no crumb, or an old one.
const NO_CRUMB: &str = "No valid crumb";
/// What the page says that lies between us and a Jenkins that has just begun.
const GETTING_READY: &str = "getting ready";

/// What an answer says that is none, to a request that takes this right; `None` where its status says all.
pub(super) fn words(answer: &Answer, right: &str, _: Timestamp) -> Option<Said> {
    let said = said(answer.headers());
    let why = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    let (kind, text) = match answer.status().as_u16() {
        401 => (
            FaultKind::Unauthenticated,
            format!("it does not accept who we are{why}: check the user name and the API token of `basic_auth`"),
        ),
        403 if holds(answer, NO_CRUMB) => (
            FaultKind::Forbidden,
            "it wants a crumb, and took ours for none: use an API token instead of a password".to_owned(),
        ),
        403 => (FaultKind::Forbidden, format!("it does not let us{why}; it takes {right}")),
        404 => (
            FaultKind::Missing,
            format!("it has nothing there{why}, or does not show it to us: check the name, and who we are to it"),
        ),
        400 | 422 => (FaultKind::Rejected, format!("it refuses: {}", said?)),
        405 => (FaultKind::Rejected, format!("it cannot be asked for that{why}")),
        409 => (FaultKind::Conflict, format!("it cannot be built now{why}: it is disabled, or being deleted")),
        503 if holds(answer, GETTING_READY) => {
            (FaultKind::Server, "it is starting, and answers nothing yet".to_owned())
        }
        status @ 500.. => (FaultKind::Server, format!("it failed ({status}: {})", said?)),
        _ => return None,
    };
    Some((kind, text).into())
}

/// What it says in a header of its own.
fn said(headers: &HeaderMap) -> Option<String> {
    let said = clean(headers.get("x-error")?.to_str().ok()?);
    let said: String = said.chars().take(LONGEST_SAID).collect();
    (!said.is_empty()).then_some(said)
}

/// A page of a hundred megabytes is no refusal.
fn holds(answer: &Answer, words: &str) -> bool {
    let text = String::from_utf8_lossy(answer.body().get(..LONGEST).unwrap_or(answer.body()));
    text.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
}

/// Why a success, or an answer that says where to look next, is none; `None` where it is one.
pub(super) fn refusal(answer: &Answer) -> Option<(FaultKind, String)> {
    if answer.status().is_redirection() {
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        let path = to.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let signs_in = ["login", "securityrealm", "oauth", "saml", "sso"].iter().any(|word| path.contains(word));
        return signs_in.then(|| {
            let text = "it sends us to sign in: check the user name and the API token of `basic_auth`".to_owned();
            (FaultKind::Unauthenticated, text)
        });
    }
    if !answer.status().is_success() {
        return Some((FaultKind::Unreadable, format!("it gave no answer ({})", code_and_words(answer))));
    }
    let body = Some(answer.body()).filter(|body| body.len() <= LONGEST)?;
    let why = serde_json::from_slice::<Refusal>(body).ok()?.why()?;
    let why = if why.is_empty() { "without saying why".to_owned() } else { clean(&why) };
    Some((FaultKind::Rejected, format!("it refuses: {why}")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Answer {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(Bytes::from(body)).unwrap()
    }

    fn said(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Option<(FaultKind, String)> {
        words(&answer(status, headers, body), "Job/Build", Timestamp::UNIX_EPOCH).map(|said| (said.kind, said.text))
    }

    #[test]
    fn what_it_says_is_repeated_with_the_way_out() {
        let who = "it does not accept who we are: check the user name and the API token of `basic_auth`";
        let nothing = "it has nothing there, or does not show it to us: check the name, and who we are to it";
        let crumb = "<html><title>Error 403 No valid crumb was included in the request</title>";
        let given = [("X-Error", "This input has been already given\u{7f}")];
        let table = [
            (401, &[][..], "<html>", FaultKind::Unauthenticated, who),
            (403, &[], "<html>", FaultKind::Forbidden, "it does not let us; it takes Job/Build"),
            (
                403,
                &[],
                crumb,
                FaultKind::Forbidden,
                "it wants a crumb, and took ours for none: use an API token instead of a password",
            ),
            (404, &[], "<html>", FaultKind::Missing, nothing),
            (409, &[], "<html>", FaultKind::Conflict, "it cannot be built now: it is disabled, or being deleted"),
            (
                503,
                &[],
                "<html>Please wait while Jenkins is getting ready to work",
                FaultKind::Server,
                "it is starting, and answers nothing yet",
            ),
        ];
        for (status, headers, body, kind, text) in table {
            assert_eq!(said(status, headers, body), Some((kind, text.to_owned())), "{status}");
        }
        let text = "it refuses: This input has been already given".to_owned();
        assert_eq!(said(400, &given[..0], "<html>"), None);
        assert_eq!(
            said(400, &[("X-Error", "This input has been already given")], ""),
            Some((FaultKind::Rejected, text))
        );
        assert_eq!((said(502, &[], "<html>"), said(302, &[], "")), (None, None));
    }

    #[test]
    fn being_sent_on_is_done_but_where_it_leads_to_a_login_page() {
        let to = |to: &'static str| refusal(&answer(302, &[("location", to)], "")).map(|(kind, _)| kind);
        assert_eq!((to("../.."), to("http://ci.test/job/shop/")), (None, None));
        assert_eq!(to("/login?from=%2Fjob%2Fshop"), Some(FaultKind::Unauthenticated));
        assert_eq!(to("https://ci.test/securityRealm/commenceLogin"), Some(FaultKind::Unauthenticated));
        let no = r#"{"status":"ok","data":{"success":"false","message":"not allowed to restart"}}"#;
        let why = Some((FaultKind::Rejected, "it refuses: not allowed to restart".to_owned()));
        assert_eq!((refusal(&answer(200, &[], no)), refusal(&answer(201, &[], ""))), (why, None));
    }
}
