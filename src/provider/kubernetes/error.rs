//! The API server's errors as sentences: who, what, where, and the way out. It does not always answer with a `Status`:
//! a missing CRD, an aggregated API that is down and one form of 429 are plain text.

use http::{HeaderMap, StatusCode};

use super::{api::Status, request::Resource};
use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::{error::ProviderError, wire::Class},
    provider::http::{
        client::{Answer, Said},
        error::{from_status, kind_of, moment, retry_after, slow_down},
        page,
    },
};

/// What is said of a web page instead of an answer.
pub(super) const PAGE: &str = "it answers with a web page: a login page or a proxy in between?";

/// The longest refusal that is read.
const LONGEST_STATUS: usize = 1 << 20;
/// Bytes of a refusal in plain text that are read.
const LONGEST_WORDS: usize = 1 << 10;

/// How the server says no, where a body is that.
pub(super) fn told(body: &[u8]) -> Option<Status> {
    serde_json::from_slice(Some(body).filter(|body| body.len() <= LONGEST_STATUS)?).ok()
}

/// What was asked, for the sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// The kind of object.
    pub resource: Option<Resource>,
    /// Read or write.
    pub class: Class,
}

/// What is said of an answer that is not a success.
pub(super) fn words(asked: Asked<'_>, answer: &Answer, now: Timestamp) -> Said {
    let (status, body) = (answer.status(), answer.body());
    let (told, is_page) = (told(body), page::is_page(answer.headers(), body));
    let structured = told.is_some() || is_page;
    let message = match told {
        Some(status) => status.message,
        None if is_page => PAGE.to_owned(),
        None => String::from_utf8_lossy(body.get(..LONGEST_WORDS).unwrap_or(body)).trim().to_owned(),
    };
    let pause = retry_after(answer.headers(), now);
    let text = match pause {
        Some(wait) if status == StatusCode::TOO_MANY_REQUESTS => slow_down(asked.cluster, wait, now),
        Some(wait) if status == StatusCode::SERVICE_UNAVAILABLE => {
            let failed = sentence(asked, status, &message, structured);
            format!("{failed}; it asks to be left alone, again at {}", moment(now, wait))
        }
        _ => sentence(asked, status, &message, structured),
    };
    Said { kind: kind_of(status), text, pause }
}

/// From an `ERROR` line of a watch.
pub(super) fn of_status(asked: Asked<'_>, status: &Status, now: Timestamp) -> ProviderError {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    from_status(&sentence(asked, code, &status.message, true), code, &HeaderMap::new(), asked.class, now)
}

/// A 200 whose body is not what was asked for: a refusal, a web page, or something that cannot be read.
pub(super) fn of_body(asked: Asked<'_>, answer: &Answer, why: impl std::fmt::Display, now: Timestamp) -> ProviderError {
    match told(answer.body()) {
        Some(status) if status.kind == "Status" => of_status(asked, &status, now),
        _ if page::is_page(answer.headers(), answer.body()) => unreadable(asked, PAGE),
        _ => unreadable(asked, why),
    }
}

/// A 200 whose body is not what it should be.
pub(super) fn unreadable(asked: Asked<'_>, why: impl std::fmt::Display) -> ProviderError {
    let kind = asked.resource.map_or_else(|| "object".to_owned(), |resource| resource.full_name());
    let error = ProviderError::new(FaultKind::Unreadable, format!("{} sent no readable {kind}: {why}", asked.cluster));
    // The server said yes; only its answer cannot be read.
    if asked.class == Class::Write { error.maybe_done() } else { error }
}

fn sentence(asked: Asked<'_>, status: StatusCode, message: &str, structured: bool) -> String {
    let cluster = asked.cluster;
    let message = message.trim_end_matches('.');
    let message = if message.is_empty() { status.canonical_reason().unwrap_or("it says nothing") } else { message };
    match (status.as_u16(), asked.resource) {
        (401, _) => {
            format!("{cluster} does not know who we are: the token or certificate is wrong or has expired; renew it")
        }
        (403, _) => forbidden(cluster, message),
        (404, Some(resource)) if !structured => not_installed(cluster, resource),
        (404, _) => format!("not there on {cluster}: {message}"),
        (409, _) => format!("it moved on {cluster} since it was read: {message}"),
        (429, _) => format!("{cluster} asks to slow down: {message}"),
        (500.., _) => format!("{cluster} failed with {}: {message}", status.as_u16()),
        _ => format!("{cluster} refuses ({}): {message}", status.as_u16()),
    }
}

fn not_installed(cluster: &str, resource: Resource) -> String {
    let missing = format!("{} is not installed on {cluster} (no {})", resource.product, resource.full_name());
    // What every cluster has is not left out.
    if resource.is_built_in() { missing } else { format!("{missing}: install it, or take it out of `engines`") }
}

/// That the cluster does not have the kind that was asked for, as discovery says.
pub(super) fn missing(asked: Asked<'_>) -> ProviderError {
    let text = asked.resource.map_or_else(String::new, |resource| not_installed(asked.cluster, resource));
    ProviderError::new(FaultKind::Missing, text)
}

/// `User "viewer" cannot patch resource "rollouts/status" in API group "argoproj.io" in the namespace "shop"`, or the words
/// of an admission policy.
fn forbidden(cluster: &str, message: &str) -> String {
    let why = message.split_once("is forbidden: ").map_or(message, |(_, why)| why);
    let quoted = |after: &str| why.split_once(after).and_then(|(_, rest)| rest.split('"').next());
    let verb = why.split_once(" cannot ").and_then(|(_, rest)| rest.split(' ').next());
    let group = quoted("API group \"").filter(|group| !group.is_empty()).map(|group| format!(".{group}"));
    match (quoted("User \""), verb, quoted("resource \"")) {
        (Some(user), Some(verb), Some(resource)) => {
            // As RBAC takes it: `rollouts/status` of a group.
            let (plural, sub) = resource.split_at(resource.find('/').unwrap_or(resource.len()));
            let resource = format!("{plural}{}{sub}", group.unwrap_or_default());
            let place = quoted("in the namespace \"").map_or_else(|| "anywhere".to_owned(), |ns| format!("in {ns}"));
            let said =
                format!("{user} may not {verb} {resource} {place} on {cluster}: ask who administers it for that right");
            if place == "anywhere" {
                format!("{said}, or name where you may with namespaces = [\"…\"] in [connections.{cluster}]")
            } else {
                said
            }
        }
        _ => format!("{cluster} refuses: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_server_that_asks_for_a_pause_is_said_to_ask_and_for_how_long() {
        let asked = Asked { cluster: "eu", resource: Some(ROLLOUTS), class: Class::Read };
        let said = |status: u16| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("120"))]);
            let status = StatusCode::from_u16(status).unwrap();
            let mut answer = Answer::default();
            (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
            let said = words(asked, &answer, Timestamp::UNIX_EPOCH);
            (said.text, said.pause.map(|wait| wait.as_secs()))
        };
        assert_eq!(said(429), ("eu asks to slow down; again at 00:02:00 UTC".into(), Some(120)));
        let failed = "eu failed with 503: Service Unavailable; it asks to be left alone, again at 00:02:00 UTC";
        assert_eq!(said(503), (failed.into(), Some(120)));
    }

    const ROLLOUTS: Resource =
        Resource { group: "argoproj.io", version: "v1alpha1", plural: "rollouts", product: "Argo Rollouts" };

    /// A recorded answer, by name; the status is the number that the name begins with.
    fn said(name: &str, class: Class) -> (FaultKind, String) {
        let path = format!("{}/tests/fixtures/kubernetes/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let status = name.split('-').next().and_then(|number| number.parse().ok()).expect("a status in front");
        let asked = Asked { cluster: "eu", resource: Some(ROLLOUTS), class };
        let body = std::fs::read(&path).expect(&path);
        let mut answer = Answer::new(body.into());
        *answer.status_mut() = status;
        let said = words(asked, &answer, Timestamp::UNIX_EPOCH);
        (said.kind, said.text)
    }

    #[test]
    fn recorded_refusals_become_sentences_that_name_who_what_and_where() {
        let table = [
            (
                "401-bad-token",
                FaultKind::Unauthenticated,
                "eu does not know who we are: the token or certificate is wrong or has expired; renew it",
            ),
            (
                "403-viewer-promote",
                FaultKind::Forbidden,
                "viewer may not patch rollouts.argoproj.io/status in shop on eu: ask who administers it for that right",
            ),
            (
                "403-viewer-cluster-list",
                FaultKind::Forbidden,
                "viewer may not list deployments.apps anywhere on eu: ask who administers it for that right, or name where \
                 you may with namespaces = [\"…\"] in [connections.eu]",
            ),
            (
                "403-admission-policy-freeze-rollout",
                FaultKind::Forbidden,
                "eu refuses: ValidatingAdmissionPolicy 'change-freeze' with binding 'change-freeze' denied request: \
                 change freeze is on until Monday 08:00 UTC (CHG-1042)",
            ),
            (
                "404-crd-missing-list",
                FaultKind::Missing,
                "Argo Rollouts is not installed on eu (no rollouts.argoproj.io): install it, or take it out of `engines`",
            ),
            ("404-rollout-not-found", FaultKind::Missing, "not there on eu: rollouts.argoproj.io \"none\" not found"),
            (
                "409-rollout-status-conflict",
                FaultKind::Conflict,
                "it moved on eu since it was read: Operation cannot be fulfilled on rollouts.argoproj.io \
                 \"nocontroller\": the object has been modified; please apply your changes to the latest version and \
                 try again",
            ),
            (
                "422-rollout-status-json-patch-test-failed",
                FaultKind::Rejected,
                "eu refuses (422): the server rejected our request due to an error in our request",
            ),
            (
                "429-max-in-flight",
                FaultKind::RateLimited,
                "eu asks to slow down: Too many requests, please try again later",
            ),
            ("503-aggregated-api-down", FaultKind::Server, "eu failed with 503: service unavailable"),
        ];
        for (name, kind, text) in table {
            assert_eq!(said(name, Class::Write), (kind, text.to_owned()), "{name}");
        }
    }
}
