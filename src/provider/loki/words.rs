//! What Loki says itself when it refuses: plain text, without a code.

use crate::{
    domain::{observed::FaultKind, text::clean, time::Timestamp},
    port::error::ProviderError,
    provider::http::{
        client::{Answer, Said},
        page,
    },
};

/// Characters of a refusal that are repeated.
const LONGEST: usize = 200;
/// How the limit of lines in one answer is refused: `… (999999 > 5000)`.
const TOO_MANY: &str = "max entries limit per query exceeded";

/// What an answer says that is none; `None` where its status says all.
pub(super) fn words(answer: &Answer, _: Timestamp) -> Option<Said> {
    let said = said(answer)?;
    let (kind, text) = match answer.status().as_u16() {
        400 | 401 if said.contains("no org id") => (
            FaultKind::Unauthenticated,
            "it keeps logs of several tenants and wants to know whose: add headers = { \"X-Scope-OrgID\" = \"…\" } to its connection"
                .to_owned(),
        ),
        400 | 422 if said.contains("exceeds the limit") || said.contains(TOO_MANY) => {
            (FaultKind::Rejected, format!("one of its limits is reached: {said}"))
        }
        400 | 422 => (FaultKind::Rejected, format!("it refuses: {said}")),
        429 => (FaultKind::RateLimited, format!("it asks us to ask less often: {said}")),
        499 | 504 => (FaultKind::TimedOut, format!("it took too long: {said}")),
        500 if said.contains("deadline exceeded") || said.contains("canceled") => {
            (FaultKind::TimedOut, format!("it took too long: {said}"))
        }
        status @ 500.. => (FaultKind::Server, format!("it failed ({status}: {said})")),
        _ => return None,
    };
    Some((kind, text).into())
}

/// The most lines that it gives at once, where it says so.
pub(super) fn most_lines(error: &ProviderError) -> Option<usize> {
    let (_, limit) = error.text.split_once(TOO_MANY)?.1.rsplit_once('>')?;
    limit.trim().trim_end_matches(')').parse().ok()
}

/// No label looks as if it named services.
pub(super) fn no_service_label(labels: &[String]) -> ProviderError {
    let there = labels.iter().take(12).map(|label| clean(label)).collect::<Vec<_>>().join(", ");
    let text = if there.is_empty() {
        "it has no logs of the last hours at all".to_owned()
    } else {
        format!("none of its labels looks as if it named services: set `service_label` to one of {there}")
    };
    ProviderError::new(FaultKind::Missing, text)
}

fn said(answer: &Answer) -> Option<String> {
    if page::words(answer, answer.body()).is_some() {
        return None;
    }
    let text = String::from_utf8_lossy(answer.body().get(..8 * LONGEST).unwrap_or(answer.body())).into_owned();
    let said = clean(&text.chars().take(LONGEST).collect::<String>());
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn fault(status: u16, body: &'static str) -> Option<(FaultKind, String)> {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        words(&answer, Timestamp::UNIX_EPOCH).map(|said| (said.kind, said.text))
    }

    #[test]
    fn a_refusal_is_repeated_with_what_it_means() {
        for (status, body, kind, text) in [
            (
                401,
                "no org id\n",
                FaultKind::Unauthenticated,
                "it keeps logs of several tenants and wants to know whose: add headers = { \"X-Scope-OrgID\" = \"…\" } to its connection",
            ),
            (
                400,
                "parse error at line 1, col 5: syntax error\u{1b}[2J",
                FaultKind::Rejected,
                "it refuses: parse error at line 1, col 5: syntax error",
            ),
            (
                400,
                "the query time range exceeds the limit (query length: 9600h0m5s, limit: 30d1h)",
                FaultKind::Rejected,
                "one of its limits is reached: the query time range exceeds the limit (query length: 9600h0m5s, limit: 30d1h)",
            ),
            (
                429,
                "too many outstanding requests",
                FaultKind::RateLimited,
                "it asks us to ask less often: too many outstanding requests",
            ),
            (504, "context deadline exceeded", FaultKind::TimedOut, "it took too long: context deadline exceeded"),
            (500, "oh no", FaultKind::Server, "it failed (500: oh no)"),
        ] {
            assert_eq!(fault(status, body), Some((kind, text.to_owned())));
        }
        assert_eq!(
            (fault(404, "404 page not found\n"), fault(502, ""), fault(502, "<html><title>x</title>")),
            (None, None, None)
        );
    }

    #[test]
    fn the_most_lines_of_an_answer_are_read_from_what_refuses_more() {
        let error = |text: &str| ProviderError::new(FaultKind::Rejected, text);
        let refused = "max entries limit per query exceeded, limit > max_entries_limit_per_query (999999 > 5000)";
        assert_eq!((most_lines(&error(refused)), most_lines(&error("it failed"))), (Some(5000), None));
    }

    #[test]
    fn labels_that_are_there_are_listed_where_none_names_services() {
        let error = no_service_label(&["cluster".to_owned(), "pod".to_owned()]);
        assert!(error.text.ends_with("set `service_label` to one of cluster, pod"), "{error}");
    }
}
