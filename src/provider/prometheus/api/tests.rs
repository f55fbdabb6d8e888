//! From bytes to series, and everything that may come instead.

use chrono::TimeZone;

use super::*;
use crate::{
    port::wire::Class,
    provider::{http::client::fault, prometheus::presets},
};
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};

/// An answer as the facade reads it.
fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], asked: Asked) -> Result<Vec<Samples>, ProviderError> {
    let mut answer = Answer::new(bytes::Bytes::copy_from_slice(body));
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers.clone());
    if status.is_success() {
        return series(&answer, asked);
    }
    Err(fault("it", &answer, Class::Read, Timestamp::UNIX_EPOCH, &refusal))
}

#[test]
fn what_a_query_asks_for_shows_from_its_text() {
    let istio = presets::named("istio").unwrap();
    let native = Preset {
        buckets: "sum by (a, v) (rate(x{job!=\"\"$SEL}[$W]))".to_owned(),
        histogram_total: Some("x{job!=\"\"$SEL}".to_owned()),
        requests_total: Some("histogram_count(x{job!=\"\"$SEL})".to_owned()),
        ..istio.clone()
    };
    let of = |preset: &Preset| {
        [Kind::RequestRate, Kind::LatencyBuckets, Kind::Requests, Kind::Buckets, Kind::Histograms]
            .map(|kind| Asked::of(kind, preset) == Asked::Histograms)
    };
    assert_eq!(of(&istio), [false; 5]);
    assert_eq!(of(&native), [false, true, true, false, true]);
}

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
        (reply!("prometheus-3.5/warn_mixed_floats_histograms.json"), "incomplete: PromQL warning: encountered a mix"),
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
            "it answers with a web page ('Sign in'): is there a proxy or a login page before it? Check its address \
             and how we sign in",
        ),
        (502, &none, "\n<html><body>Bad gateway", FaultKind::Server, "it failed (502: a web page)"),
        (500, &none, "", FaultKind::Server, "it failed (500)"),
    ];
    for (status, headers, body, kind, text) in table {
        let error =
            read(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes(), Asked::Histograms).unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (kind, text));
    }
    let slow_down = read(StatusCode::TOO_MANY_REQUESTS, &header(RETRY_AFTER, "7"), b"", Asked::Counters).unwrap_err();
    assert_eq!((slow_down.kind, slow_down.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(7))));
    assert_eq!(slow_down.text, "it asks to slow down; again at 00:00:07 UTC (429)");
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
fn numbers_may_be_plain_and_nothing_may_be_null() {
    let body = r#"{"status":"success","warnings":null,"infos":null,"isPartial":null,"data":{"resultType":"matrix","result":[
        {"metric":{"v":"1"},"values":[[1,2],[2,0.5],[3,"0.25"],[4,"NaN"]]}]}}"#;
    let at = |second| chrono::Utc.timestamp_opt(second, 0).unwrap();
    let points = vec![(at(1), 2.0), (at(2), 0.5), (at(3), 0.25)];
    assert_eq!(recorded(200, body).unwrap(), [Samples { labels: labels(&[("v", "1")]), points, histograms: vec![] }]);
}

#[test]
fn series_of_which_none_can_be_read_are_not_no_series() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,{}]}, 7]}}"#;
    assert_eq!(recorded(200, body).unwrap_err().text, "none of the 2 series of the answer can be read");
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
