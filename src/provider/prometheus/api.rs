//! The answers: Prometheus' envelope, its vectors and matrices, and everything else that may come instead (plain text,
//! pages of proxies). What the numbers mean is not known here.
//!
//! Unknown fields are skipped, an item that cannot be read is left out. Warnings mean
//! that data is missing (a lost store, a truncated result): such an answer is refused as a whole, because nothing tells
//! which part is whole. So are annotations of `PromQL` where native histograms are asked for: elements are left out. Of plain
//! counters they say nothing. Infos are hints for authors of queries and no trouble.

use std::{collections::BTreeMap, time::Duration};

use chrono::DateTime;
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::error::ProviderError,
    provider::{
        http::items::{Items, LONGEST, grouped},
        prometheus::native::{Between, Native},
    },
};

/// Series of one kind that are kept.
pub(super) const MOST_SERIES: usize = 100_000;
/// Samples of one kind that are kept.
pub(super) const MOST_SAMPLES: usize = 4_000_000;
/// Labels of one answer that are kept.
const MOST_LABELS: usize = 2_000_000;
/// Warnings that are read.
const MOST_WARNINGS: usize = 100;

/// One series of an answer. Values that are not a number are left out: they say that there is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) points: Vec<(Timestamp, f64)>,
    /// Native histograms, where the series has these.
    pub(super) histograms: Vec<(Timestamp, Native)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    error: Option<String>,
    #[serde(borrow, default)]
    warnings: Items<'a, MOST_WARNINGS>,
    /// `VictoriaMetrics`: a storage node did not answer.
    #[serde(default)]
    is_partial: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// A series with one value or with many, each of them a number or a native histogram.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    histogram: Option<(f64, Histogram)>,
    #[serde(default)]
    histograms: Vec<(f64, Histogram)>,
}

/// A native histogram as the HTTP API prints it: numbers as text; each bucket with the rule of which of its bounds are
/// inclusive, its bounds and its count. Without an observation there are no buckets.
#[derive(Deserialize)]
struct Histogram {
    count: String,
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

/// What was asked for, as far as it makes a difference to what warnings mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Counters that are plain numbers.
    Counters,
    /// Native histograms, perhaps.
    Histograms,
}

/// Did somebody on the way drop the body of a POST, so that no query arrived?
pub(super) fn lost_its_query(status: StatusCode, body: &[u8]) -> bool {
    let said = |text: &str| String::from_utf8_lossy(body).contains(text);
    matches!(status.as_u16(), 400 | 422) && (said("no expression found in input") || (said("missing") && said("query")))
}

/// The series of an answer, or why there are none.
pub(super) fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    asked: Asked,
) -> Result<Vec<Samples>, ProviderError> {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return Err(not_ours(status, headers, body));
    };
    if envelope.status != "success" || !status.is_success() {
        return Err(refused(status, headers, envelope.error.as_deref().unwrap_or("without a reason")));
    }
    if let Some(why) = incomplete(&envelope, asked) {
        return Err(ProviderError::new(FaultKind::Unreadable, format!("incomplete: {why}")));
    }
    let Some(Data { result_type, result }) = envelope.data else {
        return Err(ProviderError::new(FaultKind::Unreadable, "the answer has no data"));
    };
    let items = Some(result).filter(|_| matches!(result_type.as_str(), "vector" | "matrix")).and_then(Items::of);
    let items: Items<'_, MOST_SERIES> = items.ok_or_else(|| {
        let text = format!("the query gives a {result_type}; it must give one series for each service and version");
        ProviderError::new(FaultKind::Unreadable, text)
    })?;
    if !items.is_whole() {
        return Err(too_many(&format!("{} series", grouped(items.count))));
    }
    all_of(&items)
}

/// The series, one by one: of text that is short, much may have to be kept.
fn all_of(items: &Items<'_, MOST_SERIES>) -> Result<Vec<Samples>, ProviderError> {
    let (mut all, mut labels, mut counted) = (Vec::new(), 0, 0);
    for item in &items.kept {
        if item.get().len() > LONGEST {
            return Err(too_many(&format!("a series of more than {} MiB", LONGEST >> 20)));
        }
        let Some(series) = serde_json::from_str(item.get()).ok().map(samples) else { continue };
        labels += series.labels.len();
        counted += series.points.len() + series.histograms.len();
        if labels > MOST_LABELS {
            return Err(too_many(&format!("more than {} labels", grouped(MOST_LABELS))));
        }
        if counted > MOST_SAMPLES {
            return Err(too_many(&format!("more than {} samples", grouped(MOST_SAMPLES))));
        }
        all.push(series);
    }
    Ok(all)
}

/// Why an answer is not the whole answer, where it is not.
fn incomplete(envelope: &Envelope<'_>, asked: Asked) -> Option<String> {
    let warnings = &envelope.warnings;
    let texts = warnings.kept.iter().map(|text| serde_json::from_str(text.get()).unwrap_or_default());
    let tells = |text: &String| asked != Asked::Counters || !text.starts_with("PromQL warning:");
    let texts: Vec<String> = texts.filter(tells).collect();
    if !texts.is_empty() {
        return Some(texts.join("; "));
    }
    if !warnings.is_whole() {
        return Some(format!("it has {} warnings", grouped(warnings.count)));
    }
    envelope.is_partial.then(|| "a storage node did not answer".to_owned())
}

/// More than is kept of one kind of series.
pub(super) fn too_many(what: &str) -> ProviderError {
    let text = format!("the answer has {what}, more than are kept; watch fewer services, or fewer `strata`");
    ProviderError::new(FaultKind::Unreadable, text)
}

fn samples(item: Item) -> Samples {
    let point = |(seconds, value): (f64, String)| {
        let value = value.parse::<f64>().ok().filter(|value| !value.is_nan())?;
        Some((moment(seconds)?, value))
    };
    let histogram = |(seconds, histogram): (f64, Histogram)| Some((moment(seconds)?, native(&histogram)?));
    Samples {
        labels: item.metric,
        points: item.value.into_iter().chain(item.values).filter_map(point).collect(),
        histograms: item.histogram.into_iter().chain(item.histograms).filter_map(histogram).collect(),
    }
}

/// A histogram of which every number can be read.
fn native(histogram: &Histogram) -> Option<Native> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| !value.is_nan());
    let between = |(_, low, high, count): &(u8, String, String, String)| {
        Some(Between { low: number(low)?, high: number(high)?, count: number(count)? })
    };
    let buckets = histogram.buckets.iter().map(between).collect::<Option<_>>()?;
    Some(Native { count: number(&histogram.count)?, buckets })
}

/// Prometheus counts in milliseconds and prints seconds.
fn moment(seconds: f64) -> Option<Timestamp> {
    const HALF_A_MILLISECOND: f64 = 0.0005;
    let since_epoch = Duration::try_from_secs_f64(seconds + HALF_A_MILLISECOND).ok()?;
    DateTime::from_timestamp_millis(since_epoch.as_millis().try_into().ok()?)
}

/// An error in Prometheus' own form. `VictoriaMetrics` answers 422 where Prometheus answers 400.
fn refused(status: StatusCode, headers: &HeaderMap, why: &str) -> ProviderError {
    let kind = match status.as_u16() {
        400 | 406 | 422 => FaultKind::Rejected,
        404 => FaultKind::Missing,
        503 if why.contains("timed out") => FaultKind::TimedOut,
        _ => return by_status(status, headers, why),
    };
    ProviderError::new(kind, format!("Prometheus refused the query: {why}"))
}

/// An answer that is not Prometheus' JSON.
fn not_ours(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ProviderError {
    if status.is_success() {
        let content = headers.get(CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or("no content type");
        let text =
            format!("the answer is not Prometheus' JSON ({content}): is there a proxy or a login page before it?");
        return ProviderError::new(FaultKind::Unreadable, text);
    }
    by_status(status, headers, &first_line(body))
}

fn by_status(status: StatusCode, headers: &HeaderMap, said: &str) -> ProviderError {
    let (kind, sentence) = match status.as_u16() {
        401 => (FaultKind::Unauthenticated, "it does not accept our credentials; check the token or password"),
        403 => (FaultKind::Forbidden, "it does not let us query; ask for read access"),
        404 => (FaultKind::Missing, "no Prometheus API at this address; check its path (the route prefix)"),
        405 => (FaultKind::Rejected, "it accepts neither POST nor GET for queries; is this a Prometheus?"),
        408 | 504 => (FaultKind::TimedOut, "the query took too long"),
        429 => (FaultKind::RateLimited, "it asks us to query less often"),
        _ => (FaultKind::Server, "it failed"),
    };
    let code = status.as_u16();
    let text = if said.is_empty() { format!("{sentence} ({code})") } else { format!("{sentence} ({code}: {said})") };
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    ProviderError { retry_after: seconds.map(Duration::from_secs), ..ProviderError::new(kind, text) }
}

/// What a page or a text says first: a sentence, not a page.
fn first_line(body: &[u8]) -> String {
    const MOST: usize = 80;
    let text = String::from_utf8_lossy(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.starts_with('<') { "an HTML page".to_owned() } else { line.chars().take(MOST).collect() }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn header(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))])
    }

    fn recorded(status: u16, body: &str) -> Result<Vec<Samples>, ProviderError> {
        read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), Asked::Histograms)
    }

    macro_rules! reply {
        ($path:literal) => {
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $path))
        };
    }

    fn labels(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn a_vector_gives_one_point_a_series() {
        let series = recorded(200, reply!("prometheus/instant_vector_rate.json")).unwrap();
        let at = chrono::Utc.timestamp_opt(1_795_240_614, 0).unwrap();
        let checkout = labels(&[("service_name", "checkout"), ("service_version", "1.5.0")]);
        assert_eq!(series.len(), 4);
        assert_eq!(series[3], Samples { labels: checkout, points: vec![(at, 0.4)], histograms: vec![] });
    }

    #[test]
    fn a_matrix_gives_the_points_that_there_are_and_no_others() {
        let series = recorded(200, reply!("prometheus/range_matrix_gap_nan.json")).unwrap();
        let lengths: Vec<_> = series.iter().map(|s| s.points.len()).collect();
        assert_eq!(lengths, [16, 16, 5, 5], "the canary began half way");
        assert!(recorded(200, reply!("prometheus/instant_vector_empty.json")).unwrap().is_empty());
    }

    #[test]
    fn infinities_are_values_and_not_a_number_is_nothing() {
        let series = recorded(200, reply!("prometheus/instant_special_floats.json")).unwrap();
        let at = chrono::DateTime::from_timestamp_millis(1_795_240_759_787).unwrap();
        let points: Vec<_> = series.into_iter().map(|s| s.points).collect();
        assert_eq!(points, [vec![(at, f64::INFINITY)], vec![], vec![(at, f64::NEG_INFINITY)]]);
    }

    #[test]
    fn native_histograms_are_read_with_their_buckets_at_one_moment_and_at_many() {
        let of = |counts: [f64; 4]| {
            let texts = [
                "0.0681567332915786",
                "0.07432544468767006",
                "0.0810524721656881",
                "0.08838834764831843",
                "0.0963881765879963",
            ];
            let bounds = texts.map(|text| text.parse::<f64>().unwrap());
            let between = bounds.windows(2).zip(counts);
            let buckets = between.map(|(ends, count)| Between { low: ends[0], high: ends[1], count }).collect();
            Native { count: counts.iter().sum(), buckets }
        };
        let one = recorded(200, reply!("prometheus/instant_native_histogram.json")).unwrap().remove(0);
        let at = chrono::DateTime::from_timestamp_millis(1_795_240_759_832).unwrap();
        assert_eq!((one.points, one.histograms), (vec![], vec![(at, of([15.0, 35.0, 25.0, 5.0]))]));
        let many = recorded(200, reply!("prometheus/instant_matrix_native_histogram.json")).unwrap().remove(0);
        let at = |second| chrono::Utc.timestamp_opt(1_795_240_651 + second, 0).unwrap();
        let grown = |n: u32| (at(i64::from(n - 1) * 15), of([3.0, 7.0, 5.0, 1.0].map(|count| count * f64::from(n))));
        assert_eq!(many.histograms, (1..=5).map(grown).collect::<Vec<_>>());
        let newer = recorded(200, reply!("prometheus-3.5/instant_native_histogram.json")).unwrap();
        assert!(newer.iter().all(|series| series.points.is_empty() && !series.histograms.is_empty()), "{newer:?}");
        assert_eq!(recorded(200, reply!("prometheus-3.5/native_classic_mixed_or.json")).unwrap().len(), 2);
    }

    #[test]
    fn statistics_and_infos_are_no_trouble() {
        assert_eq!(recorded(200, reply!("prometheus/instant_stats.json")).unwrap().len(), 4);
        assert_eq!(recorded(200, reply!("prometheus-3.5/info_rate_on_gauge_like_name.json")).unwrap().len(), 2);
    }

    #[test]
    fn an_answer_with_warnings_is_incomplete_and_is_not_used() {
        for (reply, text) in [
            (reply!("prometheus/warnings_remote_read_down.json"), "incomplete: remote_read: error sending request"),
            (reply!("prometheus-3.5/warn_limit_truncated.json"), "incomplete: results truncated due to limit"),
            (reply!("prometheus-3.5/warn_bad_bucket_label.json"), "incomplete: PromQL warning: bucket label"),
            (
                reply!("prometheus-3.5/warn_mixed_floats_histograms.json"),
                "incomplete: PromQL warning: encountered a mix",
            ),
            (
                r#"{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}"#,
                "incomplete: a storage node did not answer",
            ),
        ] {
            let error = recorded(200, reply).unwrap_err();
            assert_eq!(error.kind, FaultKind::Unreadable);
            assert!(error.text.starts_with(text), "{error}");
        }
    }

    #[test]
    fn an_annotation_of_histograms_says_nothing_of_plain_counters_and_a_lost_store_does() {
        let plain = |body: &str| read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), Asked::Counters);
        assert!(plain(reply!("prometheus-3.5/warn_mixed_floats_histograms.json")).is_ok());
        assert!(plain(reply!("prometheus/warnings_remote_read_down.json")).is_err());
    }

    #[test]
    fn an_error_of_prometheus_keeps_its_words() {
        for (status, reply, kind, text) in [
            (400, reply!("prometheus/err_bad_data_parse.json"), FaultKind::Rejected, "1:9: parse error: unclosed left"),
            (400, reply!("prometheus-3.5/err_bad_data_parse.json"), FaultKind::Rejected, "1:9: parse error: unclosed"),
            (400, reply!("prometheus/err_bad_data_11000_points.json"), FaultKind::Rejected, "11,000 points"),
            (422, reply!("prometheus/err_execution_many_to_many.json"), FaultKind::Rejected, "many-to-many"),
            (503, reply!("prometheus/err_timeout.json"), FaultKind::TimedOut, "query timed out"),
            (503, reply!("prometheus-3.5/err_timeout.json"), FaultKind::TimedOut, "query timed out"),
        ] {
            let error = recorded(status, reply).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.text.starts_with("Prometheus refused the query: ") && error.text.contains(text), "{error}");
        }
    }

    #[test]
    fn text_and_pages_from_whoever_stands_before_it_become_a_sentence() {
        let none = HeaderMap::new();
        let table = [
            (
                401,
                &none,
                reply!("prometheus/err_401_basic_auth_plain_text.json"),
                FaultKind::Unauthenticated,
                "it does not accept our credentials; check the token or password (401: Unauthorized)",
            ),
            (
                404,
                &none,
                reply!("prometheus/err_404_wrong_prefix.json"),
                FaultKind::Missing,
                "no Prometheus API at this address; check its path (the route prefix) (404: 404 page not found)",
            ),
            (
                405,
                &none,
                reply!("prometheus/err_405_put.json"),
                FaultKind::Rejected,
                "it accepts neither POST nor GET for queries; is this a Prometheus? (405: Method Not Allowed)",
            ),
            (
                200,
                &header(CONTENT_TYPE, "text/html"),
                "<!doctype html><title>Sign in</title>",
                FaultKind::Unreadable,
                "the answer is not Prometheus' JSON (text/html): is there a proxy or a login page before it?",
            ),
            (502, &none, "\n<html><body>Bad gateway", FaultKind::Server, "it failed (502: an HTML page)"),
            (500, &none, "", FaultKind::Server, "it failed (500)"),
        ];
        for (status, headers, body, kind, text) in table {
            let error =
                read(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes(), Asked::Histograms).unwrap_err();
            assert_eq!((error.kind, error.text.as_str()), (kind, text));
        }
        let slow_down =
            read(StatusCode::TOO_MANY_REQUESTS, &header(RETRY_AFTER, "7"), b"", Asked::Counters).unwrap_err();
        assert_eq!((slow_down.kind, slow_down.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(7))));
    }

    #[test]
    fn more_series_than_are_kept_are_no_answer() {
        let many = "{},".repeat(MOST_SERIES);
        let body = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{many}{{}}]}}}}");
        let error = read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), Asked::Counters).unwrap_err();
        let text = "the answer has 100,001 series, more than are kept; watch fewer services, or fewer `strata`";
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Unreadable, text));
    }

    #[test]
    fn warnings_beyond_those_that_are_read_mean_that_something_is_missing() {
        let many = vec!["\"PromQL warning: x\""; MOST_WARNINGS + 1].join(",");
        let body = format!(
            "{{\"status\":\"success\",\"warnings\":[{many}],\"data\":{{\"resultType\":\"vector\",\"result\":[]}}}}"
        );
        let error = read(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), Asked::Counters).unwrap_err();
        assert_eq!(error.text, "incomplete: it has 101 warnings");
    }

    #[test]
    fn numbers_and_texts_are_not_series() {
        for (reply, what) in
            [(reply!("prometheus/instant_scalar.json"), "scalar"), (reply!("prometheus/instant_string.json"), "string")]
        {
            let error = recorded(200, reply).unwrap_err();
            assert!(error.text.starts_with(&format!("the query gives a {what};")), "{error}");
        }
    }

    #[test]
    fn an_item_that_cannot_be_read_does_not_take_the_others_with_it() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[
            7, {"metric":{"v":"1"},"value":["x","y"]}, {"metric":{"v":"2"},"value":[1e300,"1"]},
            {"metric":{"v":"3"},"value":[1,"1"],"new":true}]}}"#;
        let series = recorded(200, body).unwrap();
        let seen: Vec<_> = series.iter().map(|s| (s.labels["v"].as_str(), s.points.len())).collect();
        assert_eq!(seen, [("2", 0), ("3", 1)]);
    }
}
