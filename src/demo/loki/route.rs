//! The HTTP API: which path gives what. Refusals are plain text, as the real one has them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    logql::{self, Asked, Query},
    store::{Entry, Labels, Store, between},
};
use crate::{
    demo::rest::{plain, query, set},
    domain::time::Timestamp,
};

/// Lines of an answer where nobody says how many, and the most that may be asked for.
const LIMIT: usize = 100;
const MOST: usize = 5_000;
/// Nanoseconds of the longest range: 30 days and an hour.
const LONGEST: i64 = 721 * 3600 * 1_000_000_000;
/// Nanoseconds that are looked back where nobody says since when.
const BACK: i64 = 3600 * 1_000_000_000;

/// Why it refuses.
type Refusal = (StatusCode, String);

/// Answers one request.
pub(super) fn respond(store: &Store, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path().trim_end_matches('/');
    let now = now.timestamp_nanos_opt().unwrap_or(i64::MAX);
    let data = match path {
        "/ready" => return plain(StatusCode::OK, "ready\n"),
        _ if request.method() != Method::GET => {
            Err((StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n".to_owned()))
        }
        "/loki/api/v1/query_range" => range(store, now, request),
        "/loki/api/v1/query" => instant(store, now, request),
        "/loki/api/v1/labels" => Ok(json!(labels(store))),
        // Nobody can be followed here: whoever asks is told so as by a proxy that lets no WebSocket through.
        "/loki/api/v1/tail" => return plain(StatusCode::BAD_REQUEST, "Bad Request\n"),
        _ => match path.strip_prefix("/loki/api/v1/label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(label) => Ok(json!(values(store, label))),
            None => Err((StatusCode::NOT_FOUND, "404 page not found\n".to_owned())),
        },
    };
    match data {
        Ok(data) => {
            let body = json!({"status": "success", "data": data}).to_string();
            let mut response = Response::new(Bytes::from(body));
            set(response.headers_mut(), "content-type", "application/json; charset=UTF-8");
            response
        }
        Err((status, text)) => plain(status, &text),
    }
}

fn refused(text: impl Into<String>) -> Refusal {
    (StatusCode::BAD_REQUEST, text.into())
}

/// A moment in nanoseconds: nanoseconds, seconds, or RFC 3339.
fn time(request: &Request<Bytes>, name: &str, default: i64) -> Result<i64, Refusal> {
    let Some(text) = query(request, name).filter(|text| !text.is_empty()) else { return Ok(default) };
    if let Ok(number) = text.parse::<i64>() {
        // As the real one tells them apart.
        return Ok(if text.len() <= 10 { number.saturating_mul(1_000_000_000) } else { number });
    }
    let parsed = text.parse::<Timestamp>().ok().and_then(|at| at.timestamp_nanos_opt());
    let wrong = || format!("could not parse '{name}' parameter: strconv.ParseInt: parsing \"{text}\": invalid syntax");
    parsed.ok_or_else(|| refused(wrong()))
}

/// The lines that a query wants, in a span: each with its stream.
fn wanted<'s>(store: &'s Store, query: &'s Query, from: i64, to: i64) -> impl Iterator<Item = (&'s Labels, &'s Entry)> {
    let streams = store.streams().filter(|(labels, _)| query.selects(labels));
    streams.flat_map(move |(labels, entries)| {
        let entries = between(entries, from, to);
        entries.filter(|entry| query.wants(labels, &entry.line, &entry.metadata)).map(move |entry| (labels, entry))
    })
}

fn range(store: &Store, now: i64, request: &Request<Bytes>) -> Result<Value, Refusal> {
    let (from, to) = (time(request, "start", now - BACK)?, time(request, "end", now)?);
    if to <= from {
        return Err(refused("end timestamp must not be before or equal to start time"));
    }
    let limit = query(request, "limit").and_then(|text| text.parse().ok()).filter(|limit| *limit > 0).unwrap_or(LIMIT);
    let asked = logql::parse(&query(request, "query").unwrap_or_default()).map_err(refused)?;
    let Asked::Lines(wants) = asked else { return Err(refused("not played here: a range of counts")) };
    if limit > MOST {
        let text =
            format!("max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MOST})");
        return Err(refused(text));
    }
    if to - from > LONGEST {
        let length = (to - from) / 1_000_000_000;
        let (hours, minutes, seconds) = (length / 3600, length / 60 % 60, length % 60);
        let text = format!(
            "the query time range exceeds the limit (query length: {hours}h{minutes}m{seconds}s, limit: 30d1h)"
        );
        return Err(refused(text));
    }
    let forward = query(request, "direction").is_some_and(|direction| direction == "forward");
    let mut found: Vec<_> = wanted(store, &wants, from, to).collect();
    found.sort_by_key(|(_, entry)| entry.at);
    if !forward {
        found.reverse();
    }
    found.truncate(limit);
    let apart = request.headers().get("x-loki-response-encoding-flags");
    Ok(streams(&found, apart.is_some_and(|flags| flags.as_bytes() == b"categorize-labels")))
}

/// Lines by their stream; where nobody asks to keep them apart, what a line has of its own is a label of its stream.
fn streams(found: &[(&Labels, &Entry)], apart: bool) -> Value {
    let mut by_stream: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    for (labels, entry) in found {
        let mut labels = (*labels).clone();
        let (at, line) = (entry.at.to_string(), &entry.line);
        let value = if apart {
            json!([at, line, {"structuredMetadata": entry.metadata}])
        } else {
            labels.extend(entry.metadata.clone());
            json!([at, line])
        };
        by_stream.entry(labels).or_default().push(value);
    }
    let result: Vec<Value> =
        by_stream.into_iter().map(|(stream, values)| json!({"stream": stream, "values": values})).collect();
    let mut data = json!({"resultType": "streams", "result": result});
    if apart && let Some(data) = data.as_object_mut() {
        data.insert("encodingFlags".to_owned(), json!(["categorize-labels"]));
    }
    data
}

fn instant(store: &Store, now: i64, request: &Request<Bytes>) -> Result<Value, Refusal> {
    let at = time(request, "time", now)?;
    match logql::parse(&query(request, "query").unwrap_or_default()).map_err(refused)? {
        Asked::Lines(_) => Err(refused(
            "log queries are not supported as an instant query type, please change your query to a range query type",
        )),
        Asked::Count(wants, span) => {
            let count = wanted(store, &wants, at - span + 1, at + 1).count();
            let sample = || json!({"metric": {}, "value": [at as f64 / 1e9, count.to_string()]});
            let result: Vec<Value> = (count > 0).then(sample).into_iter().collect();
            Ok(json!({"resultType": "vector", "result": result}))
        }
    }
}

fn labels(store: &Store) -> BTreeSet<&String> {
    store.streams().flat_map(|(labels, _)| labels.keys()).collect()
}

fn values<'s>(store: &'s Store, label: &str) -> BTreeSet<&'s String> {
    store.streams().filter_map(|(labels, _)| labels.get(label)).collect()
}
