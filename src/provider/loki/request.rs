//! Builds the requests: pure, from a question to LogQL and a path. Nothing is sent or read here.
//!
//! A query is a selector of streams, then a filter of lines, then of labels: what is cheapest stands first. No parser runs over the
//! lines (`| json`): it would cost many times as much, and what it gives is in the line anyway.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use url::form_urlencoded::Serializer;

use crate::{
    domain::{ids::EnvironmentName, line::Level, observed::FaultKind, place::label_values, time::Timestamp},
    port::{error::ProviderError, lookup::Lines, wire::Class},
    provider::loki::{
        Settings,
        normalize::{PODS, VERSIONS},
    },
};

/// How far back it is looked for labels, in seconds.
const LABELS: i64 = 6 * 3600;

/// The streams of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) label: String,
    pub(super) value: String,
}

/// A span of nanoseconds since 1970: what was written from `from` on and before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// The lines of a question, in LogQL. The label of versions, and that of pods, is the one that is set; else any of the usual ones may
/// name them.
pub(super) fn logql(selector: &Selector, asked: &Lines, settings: &Settings) -> String {
    let Selector { label, value } = selector;
    let mut query = format!("{{{label}={}", quoted(value));
    let place = asked.environment.as_ref().and_then(|environment| within(settings, environment));
    for matcher in settings.matchers.iter().chain(&place) {
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
        query.extend([" | ", &one_of(&asked.versions, settings.version_label.as_deref(), &VERSIONS)]);
    }
    if let Some(pod) = &asked.pod {
        query.extend([" | ", &one_of([pod], settings.pod_label.as_deref(), &PODS)]);
    }
    query
}

/// The matcher of one environment's streams, where a label tells them apart.
fn within(settings: &Settings, environment: &EnvironmentName) -> Option<String> {
    let label = settings.place_label.as_ref()?;
    Some(format!("{label}=~{}", any_of(label_values(&settings.places, environment))))
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

/// Lines of which this label, or else one of the usual ones, has one of these values.
fn one_of<'a>(values: impl IntoIterator<Item = &'a String>, label: Option<&str>, usual: &[&str]) -> String {
    let all = any_of(values.into_iter().map(String::as_str));
    let labels = label.map_or_else(|| usual.to_vec(), |label| vec![label]);
    labels.iter().map(|label| format!("{label}=~{all}")).collect::<Vec<_>>().join(" or ")
}

/// A quoted pattern that finds these values and nothing else; a label's value is compared whole.
fn any_of<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    quoted(&values.into_iter().map(literal).collect::<Vec<_>>().join("|"))
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
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::port::facet::Window;

    fn asked() -> Lines {
        let at = Timestamp::UNIX_EPOCH;
        let window = Window { from: at, to: at, step: Duration::from_secs(30) };
        Lines::newest("checkout".into(), window, 100)
    }

    fn settings() -> Settings {
        Settings { matchers: vec!["cluster=\"eu\"".to_owned()], ..Settings::new(Duration::from_secs(2)) }
    }

    fn query_of(asked: &Lines, settings: &Settings) -> String {
        let selector = Selector { label: "app".to_owned(), value: "check\"out".to_owned() };
        logql(&selector, asked, settings)
    }

    fn query(asked: &Lines, version_label: Option<&str>) -> String {
        query_of(asked, &Settings { version_label: version_label.map(str::to_owned), ..settings() })
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
    fn lines_of_one_pod_are_those_whose_label_names_it_whole() {
        let of = |pod_label: Option<&str>| {
            let asked = Lines { pod: Some("pay-x.2".to_owned()), ..asked() };
            query_of(&asked, &Settings { pod_label: pod_label.map(str::to_owned), ..settings() })
        };
        assert_eq!(of(Some("p")), r#"{app="check\"out",cluster="eu"} | p=~"pay-x\\.2""#);
        assert!(of(None).ends_with(r#" or service_instance_id=~"pay-x\\.2""#), "{}", of(None));
    }

    #[test]
    fn lines_of_one_environment_are_asked_by_its_label_where_one_tells_them_apart() {
        let asked = Lines { environment: Some("prod/eu-west-1".into()), ..asked() };
        assert_eq!(query_of(&asked, &settings()), r#"{app="check\"out",cluster="eu"}"#, "no label tells them apart");
        let apart = Settings { place_label: Some("region".to_owned()), ..settings() };
        let own_name = r#"{app="check\"out",cluster="eu",region=~"prod/eu-west-1|eu-west-1"}"#;
        assert_eq!(query_of(&asked, &apart), own_name);
        let places = [("prod/eu-west-1".into(), vec!["euw1".to_owned(), "eu.w".to_owned()])].into();
        let given = query_of(&asked, &Settings { places, ..apart });
        assert_eq!(given, r#"{app="check\"out",cluster="eu",region=~"euw1|eu\\.w"}"#);
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
