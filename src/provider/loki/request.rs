//! Builds the requests: pure, from a question to LogQL and a path. Nothing is sent or read here.
//!
//! A query is a selector of streams, then a filter of lines, then of labels: what is cheapest stands first. No parser runs over the
//! lines (`| json`): it would cost many times as much, and what it gives is in the line anyway.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use url::form_urlencoded::Serializer;

use crate::{
    domain::{line::Level, observed::FaultKind, time::Timestamp},
    port::{error::ProviderError, lookup::Lines, wire::Class},
    provider::loki::normalize::VERSIONS,
};

/// How far back it is looked for labels, in seconds.
const LABELS: i64 = 6 * 3600;

/// The streams of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector<'a> {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) matchers: &'a [String],
}

/// A span of nanoseconds since 1970: what was written from `from` on and before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// The lines of a question, in LogQL. The label of versions is the one that is set; else any of the usual ones may name them.
pub(super) fn logql(selector: &Selector<'_>, asked: &Lines, version_label: Option<&str>) -> String {
    let Selector { label, value, matchers } = selector;
    let mut query = format!("{{{label}={}", quoted(value));
    for matcher in *matchers {
        query.push(',');
        query.push_str(matcher);
    }
    query.push('}');
    if !asked.text.is_empty() {
        query.extend([" |~ ", &quoted(&format!("(?i){}", literal(&asked.text)))]);
    }
    if let Some(level) = asked.level.filter(|level| *level > Level::Trace) {
        query.extend([" | detected_level!~", &quoted(&below(level))]);
    }
    if !asked.versions.is_empty() {
        query.extend([" | ", &of_versions(&asked.versions, version_label)]);
    }
    query
}

/// What says that it is less than this level. A line that does not say how bad it is stays.
fn below(level: Level) -> String {
    let names = |level: &Level| match level {
        Level::Warn => vec!["warn", "warning"],
        Level::Trace => vec!["trace"],
        Level::Debug => vec!["debug"],
        Level::Info => vec!["info"],
        Level::Error => vec!["error"],
        Level::Fatal => vec!["fatal", "critical"],
    };
    Level::ALL.iter().filter(|one| **one < level).flat_map(names).collect::<Vec<_>>().join("|")
}

fn of_versions(versions: &BTreeSet<String>, label: Option<&str>) -> String {
    let all = quoted(&versions.iter().map(|version| literal(version)).collect::<Vec<_>>().join("|"));
    let labels = label.map_or_else(|| VERSIONS.to_vec(), |label| vec![label]);
    labels.iter().map(|label| format!("{label}=~{all}")).collect::<Vec<_>>().join(" or ")
}

/// A text as a regular expression that finds nothing but it.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A string as LogQL has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The newest lines of a piece of time.
pub(super) fn newest(query: &str, piece: Piece, limit: usize) -> Result<Request<Bytes>, ProviderError> {
    let (from, to, limit) = (piece.from.to_string(), piece.to.to_string(), limit.to_string());
    let pairs = [("query", query), ("start", &from), ("end", &to), ("limit", &limit), ("direction", "backward")];
    let mut request = get("query_range", &pairs)?;
    // Labels stay with their stream, and what a line has of its own with the line: else each line is a stream of its own.
    let flags = HeaderValue::from_static("categorize-labels");
    request.headers_mut().insert("x-loki-response-encoding-flags", flags);
    Ok(request)
}

/// How many lines there are in a piece of time.
pub(super) fn count(query: &str, piece: Piece) -> Result<Request<Bytes>, ProviderError> {
    // A range ends with its moment, which belongs to it.
    let (nanoseconds, end) = ((piece.to - piece.from).max(1), (piece.to - 1).to_string());
    get("query", &[("query", &format!("sum(count_over_time({query}[{nanoseconds}ns]))")), ("time", &end)])
}

/// The labels that streams have.
pub(super) fn labels(now: Timestamp) -> Result<Request<Bytes>, ProviderError> {
    let end = now.timestamp();
    get("labels", &[("start", &(end - LABELS).to_string()), ("end", &end.to_string())])
}

fn get(what: &str, pairs: &[(&str, &str)]) -> Result<Request<Bytes>, ProviderError> {
    let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let uri = format!("/loki/api/v1/{what}?{form}");
    let unfit = |_| ProviderError::new(FaultKind::Rejected, "the query does not fit into a URL: ask for less");
    let mut request = Request::get(uri).body(Bytes::new()).map_err(unfit)?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(Class::Read);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::port::facet::Window;

    fn asked() -> Lines {
        let at = Timestamp::UNIX_EPOCH;
        let window = Window { from: at, to: at, step: Duration::from_secs(30) };
        let (service, versions, text) = ("checkout".into(), BTreeSet::new(), String::new());
        Lines { service, versions, window, level: None, text, most: 100, follow: false }
    }

    fn query(asked: &Lines, version_label: Option<&str>) -> String {
        let matchers = ["cluster=\"eu\"".to_owned()];
        let selector = Selector { label: "app".to_owned(), value: "check\"out".to_owned(), matchers: &matchers };
        logql(&selector, asked, version_label)
    }

    #[test]
    fn the_cheapest_filter_stands_first_and_nothing_that_was_typed_is_a_pattern() {
        assert_eq!(query(&asked(), None), r#"{app="check\"out",cluster="eu"}"#);
        let versions = BTreeSet::from(["1.42.0".to_owned(), "1.41.3".to_owned()]);
        let all = Lines { versions, level: Some(Level::Warn), text: "a.b\"(c".to_owned(), ..asked() };
        let expected = r#"{app="check\"out",cluster="eu"} |~ "(?i)a\\.b\"\\(c" | detected_level!~"trace|debug|info" | v=~"1\\.41\\.3|1\\.42\\.0""#;
        assert_eq!(query(&all, Some("v")), expected);
        assert!(query(&all, None).contains(r#"version=~"1\\.41\\.3|1\\.42\\.0" or service_version=~"#));
    }

    #[test]
    fn a_level_leaves_out_only_what_says_that_it_is_less() {
        let of = |level| query(&Lines { level, ..asked() }, None);
        assert!(!of(Some(Level::Trace)).contains("level"));
        assert!(of(Some(Level::Error)).ends_with(r#"| detected_level!~"trace|debug|info|warn|warning""#));
    }

    #[test]
    fn requests_are_reads_of_the_api() {
        let piece = Piece { from: 1_795_240_466_568_455_168, to: 1_795_242_371_568_455_168 };
        let request = newest("{a=\"b\"}", piece, 20).unwrap();
        assert_eq!(
            request.uri(),
            "/loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D&start=1795240466568455168&end=1795242371568455168&limit=20&direction=backward"
        );
        assert_eq!(request.extensions().get(), Some(&Class::Read));
        let counted = count("{a=\"b\"}", Piece { from: 100, to: 400 }).unwrap();
        assert_eq!(
            counted.uri(),
            "/loki/api/v1/query?query=sum%28count_over_time%28%7Ba%3D%22b%22%7D%5B300ns%5D%29%29&time=399"
        );
        assert_eq!(newest(&"x".repeat(70_000), piece, 1).unwrap_err().kind, FaultKind::Rejected);
    }
}
