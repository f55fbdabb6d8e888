//! Builds the requests: pure, from a preset and a window to forms. Nothing is sent or read here.
//!
//! Six queries for each data source, however many services. Three give what panels show: request rate, error ratio, bucket
//! rates. Three give what is counted: the raw counters of requests, errors and buckets, by target and stratum, at the ends
//! of the intervals. PromQL's own `increase` would extrapolate, add pods up and give broken numbers; `counters` differences
//! the raw ones. A preset of native histograms is asked for these in place of the buckets. A preset without counters is asked the first three only; requests and errors of an interval are then
//! taken from the rates (`rate(x[w]) * step`).
//!
//! The range is one scrape longer than the step, less a millisecond. It then holds the sample at (or right before) the
//! interval's begin and the one at its end, and no other interval's: differences of successive intervals neither overlap
//! nor leave out what happened between two scrapes, on 2.x (closed ranges) and 3.x (left-open ranges) alike. With a range
//! equal to the step, 3.x would see three of four differences and extrapolate the fourth.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderValue, Method, Request, Uri, header::CONTENT_TYPE};
use url::form_urlencoded::Serializer;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::{error::ProviderError, facet::Window, wire::Class},
    provider::prometheus::{
        Settings,
        presets::{self, Preset},
    },
};

/// Prometheus refuses more points of one series in one answer.
const MOST_POINTS: usize = 11_000;

/// Moments of counters in one answer. Every pod, stratum and bucket is a series of its own: what would be a few rates is
/// thousands of them.
const MOST_COUNTED: usize = 480;

/// What Prometheus calls the target that it scraped a series from.
pub(super) const INSTANCE: &str = "instance";

/// The bound of a bucket.
pub(super) const BOUND: &str = "le";

/// What a query measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub(super) enum Kind {
    /// Requests a second.
    #[strum(to_string = "request rate")]
    RequestRate,
    /// Failed share of them.
    #[strum(to_string = "error ratio")]
    ErrorRatio,
    /// Requests a second in each bucket.
    #[strum(to_string = "latency buckets")]
    LatencyBuckets,
    /// The raw counter of requests.
    #[strum(to_string = "request counters")]
    Requests,
    /// The raw counter of failed requests.
    #[strum(to_string = "error counters")]
    Errors,
    /// The raw counters of the buckets.
    #[strum(to_string = "bucket counters")]
    Buckets,
    /// The raw native histograms.
    #[strum(to_string = "native histograms")]
    Histograms,
}

impl Kind {
    /// The preset's template. There is none for a counter that it does not have; errors without requests count nothing.
    pub(super) fn template(self, preset: &Preset) -> Option<&str> {
        let counts = preset.requests_total.as_deref().zip(preset.errors_total.as_deref());
        match self {
            Self::RequestRate => Some(&preset.rate),
            Self::ErrorRatio => Some(&preset.error_ratio),
            Self::LatencyBuckets => Some(&preset.buckets),
            Self::Requests => counts.map(|(requests, _)| requests),
            Self::Errors => counts.map(|(_, errors)| errors),
            // Never both: what a source has twice would be counted twice.
            Self::Buckets => counts.and(preset.buckets_total.as_deref()).filter(|_| preset.histogram_total.is_none()),
            Self::Histograms => counts.and(preset.histogram_total.as_deref()),
        }
    }

    fn is_counter(self) -> bool {
        matches!(self, Self::Requests | Self::Errors | Self::Buckets | Self::Histograms)
    }
}

/// The moments at which a query is evaluated: `first`, then every `step`, up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moments {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) step: Duration,
}

/// The query for one kind, for services by their label values; `None` where the preset has no such counter.
pub(super) fn promql(kind: Kind, settings: &Settings, services: &[String], step: Duration) -> Option<String> {
    let query = filled(kind.template(&settings.preset)?, settings, services, step, "");
    if !kind.is_counter() {
        return Some(query);
    }
    let preset = &settings.preset;
    let mut labels = vec![preset.service_label.as_str(), &preset.version_label, INSTANCE];
    let bound = (kind == Kind::Buckets).then_some(BOUND);
    for label in preset.pod_label.as_deref().into_iter().chain(settings.strata.iter().map(String::as_str)).chain(bound)
    {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    Some(format!("sum by ({}) ({query})", labels.join(", ")))
}

/// A template for services by their label values; `more` matchers begin with a comma.
pub(super) fn filled(template: &str, settings: &Settings, services: &[String], step: Duration, more: &str) -> String {
    let range = step.saturating_add(settings.scrape).saturating_sub(Duration::from_millis(1)).max(step);
    let selector = settings.preset.selector(services, &settings.matchers) + more;
    presets::fill(template, &format!("{}ms", range.as_millis()), &selector)
}

/// The moments at which a kind is asked for: the ends of the window's intervals, and for counters also the begin of the
/// first, so that every interval has two ends.
pub(super) fn moments(kind: Kind, window: Window) -> Vec<Moments> {
    let mut moments = ends(window);
    let most = if kind.is_counter() { MOST_COUNTED } else { MOST_POINTS };
    if kind.is_counter() && !moments.is_empty() {
        moments.insert(0, window.from);
    }
    let piece = |moments: &[Timestamp]| {
        let (first, last) = (*moments.first()?, *moments.last()?);
        Some(Moments { first, last, step: window.step })
    };
    moments.chunks(most).filter_map(piece).collect()
}

/// The ends of the window's intervals. An interval that the window cuts off at its end is left out: half an interval is not
/// a small one.
fn ends(window: Window) -> Vec<Timestamp> {
    let step = match TimeDelta::from_std(window.step) {
        Ok(step) if step >= TimeDelta::milliseconds(1) => step,
        _ => return Vec::new(),
    };
    let mut ends = Vec::new();
    let mut end = window.from;
    while let Some(next) = end.checked_add_signed(step).filter(|next| *next <= window.to) {
        ends.push(next);
        end = next;
    }
    ends
}

/// The path and the form of a query. One moment is an instant query with an explicit time, which hides no clock skew.
fn form(promql: &str, moments: Moments) -> (&'static str, String) {
    let mut form = Serializer::new(String::new());
    form.append_pair("query", promql);
    if moments.first == moments.last {
        return ("/api/v1/query", form.append_pair("time", &seconds(moments.first)).finish());
    }
    form.append_pair("start", &seconds(moments.first)).append_pair("end", &seconds(moments.last));
    ("/api/v1/query_range", form.append_pair("step", &moments.step.as_secs_f64().to_string()).finish())
}

/// The usual request: a form in the body passes proxies that cut long URLs.
pub(super) fn post(promql: &str, moments: Moments) -> Request<Bytes> {
    let (path, form) = form(promql, moments);
    let mut request = Request::new(Bytes::from(form));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(path);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.extensions_mut().insert(Class::Read);
    request
}

/// The same for read-only proxies, which refuse POST.
pub(super) fn get(promql: &str, moments: Moments) -> Result<Request<Bytes>, ProviderError> {
    let (path, form) = form(promql, moments);
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::builder().path_and_query(format!("{path}?{form}")).build().map_err(|error| {
        let way_out = "let the proxy pass POST /api/v1/query, or watch fewer services";
        ProviderError::new(FaultKind::Rejected, format!("the query does not fit into a URL ({error}): {way_out}"))
    })?;
    request.extensions_mut().insert(Class::Read);
    Ok(request)
}

/// Unix time, with milliseconds where there are any.
fn seconds(at: Timestamp) -> String {
    match at.timestamp_subsec_millis() {
        0 => at.timestamp().to_string(),
        millis => format!("{}.{millis:03}", at.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::Utc.timestamp_opt(1_773_107_160 + second, 0).unwrap()
    }

    fn window(from: i64, to: i64, step: u64) -> Window {
        Window { from: at(from), to: at(to), step: Duration::from_secs(step) }
    }

    fn settings() -> Settings {
        Settings::new(presets::named("otel-http").unwrap())
    }

    fn pairs(form: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
    }

    #[test]
    fn one_query_covers_all_services_and_ranges_from_scrape_to_scrape() {
        let services = ["checkout".to_owned(), "cart".to_owned()];
        assert_eq!(
            promql(Kind::RequestRate, &settings(), &services, Duration::from_mins(1)).unwrap(),
            "sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{job!=\"\",\
             service_name=~\"checkout|cart\"}[74999ms]))"
        );
        let unknown_scrape = Settings { scrape: Duration::ZERO, ..settings() };
        assert!(
            promql(Kind::LatencyBuckets, &unknown_scrape, &services, Duration::from_mins(1))
                .unwrap()
                .contains("}[60000ms]")
        );
    }

    #[test]
    fn counters_are_asked_for_by_target_and_stratum_and_labels_are_named_once() {
        let strata = vec!["region".to_owned(), "pod".to_owned()];
        let settings = Settings { strata, matchers: vec!["cluster=\"eu\"".to_owned()], ..settings() };
        let query = |kind| promql(kind, &settings, &["cart".to_owned()], Duration::from_mins(1)).unwrap();
        assert_eq!(
            query(Kind::Errors),
            "sum by (service_name, service_version, instance, pod, region) (http_server_request_duration_seconds_count{\
             http_response_status_code=~\"5..\",service_name=~\"cart\",cluster=\"eu\"})"
        );
        assert_eq!(
            query(Kind::Buckets),
            "sum by (service_name, service_version, instance, pod, region, le) (http_server_request_duration_seconds_bucket{\
             job!=\"\",service_name=~\"cart\",cluster=\"eu\"})"
        );
    }

    #[test]
    fn a_preset_that_lacks_a_counter_is_not_asked_for_counts() {
        let asked = |preset: Preset| -> Vec<bool> {
            let settings = Settings::new(preset);
            let kinds = [Kind::RequestRate, Kind::Requests, Kind::Errors, Kind::Buckets];
            kinds.map(|kind| promql(kind, &settings, &["a".to_owned()], Duration::from_mins(1)).is_some()).into()
        };
        let preset = presets::named("istio").unwrap();
        assert_eq!(asked(preset.clone()), [true; 4]);
        assert_eq!(asked(Preset { buckets_total: None, ..preset.clone() }), [true, true, true, false]);
        assert_eq!(asked(Preset { errors_total: None, ..preset.clone() }), [true, false, false, false]);
        let native = Preset { histogram_total: Some("x{job!=\"\"$SEL}".to_owned()), ..preset };
        assert_eq!(asked(native.clone()), [true, true, true, false], "histograms stand in for buckets");
        let query = promql(Kind::Histograms, &Settings::new(native), &["a".to_owned()], Duration::from_mins(1));
        let expected = "sum by (destination_workload, destination_version, instance, pod) \
                        (x{job!=\"\",destination_workload=~\"a\"})";
        assert_eq!(query.as_deref(), Some(expected));
    }

    #[test]
    fn counters_are_also_read_at_the_begin_of_the_first_interval_and_in_smaller_pieces() {
        let bounds = |window| -> Vec<_> {
            moments(Kind::Requests, window).iter().map(|piece| (piece.first, piece.last)).collect()
        };
        assert_eq!(bounds(window(0, 60, 60)), [(at(0), at(60))]);
        assert_eq!(bounds(window(0, 599, 1)), [(at(0), at(479)), (at(480), at(599))]);
        assert_eq!(bounds(window(0, 59, 60)), []);
    }

    #[test]
    fn a_window_of_one_step_is_an_instant_query_and_a_longer_one_a_range() {
        let one = post("up", moments(Kind::RequestRate, window(0, 60, 60))[0]);
        assert_eq!((one.method(), one.uri().path()), (&Method::POST, "/api/v1/query"));
        assert_eq!(one.body(), "query=up&time=1773107220");
        assert_eq!(one.extensions().get(), Some(&Class::Read));

        let many = post("up", moments(Kind::RequestRate, window(0, 180, 60))[0]);
        assert_eq!(many.uri().path(), "/api/v1/query_range");
        assert_eq!(many.body(), "query=up&start=1773107220&end=1773107340&step=60");
    }

    #[test]
    fn where_post_is_refused_the_same_form_goes_into_the_url() {
        let moments = moments(Kind::RequestRate, window(0, 60, 60))[0];
        let request = get("sum by (le) (x{a=~\"b|c\"})", moments).unwrap();
        assert_eq!((request.method(), request.body().len()), (&Method::GET, 0));
        let expected = [("query", "sum by (le) (x{a=~\"b|c\"})"), ("time", "1773107220")];
        let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(pairs(request.uri().query().unwrap()), expected);
        let error = get(&"x".repeat(70_000), moments).unwrap_err();
        assert!(error.text.starts_with("the query does not fit into a URL"), "{error}");
    }

    #[test]
    fn an_interval_that_is_not_whole_is_left_out() {
        assert_eq!(moments(Kind::RequestRate, window(0, 179, 60)), moments(Kind::RequestRate, window(0, 120, 60)));
        assert_eq!(moments(Kind::RequestRate, window(0, 59, 60)), []);
        assert_eq!(moments(Kind::RequestRate, window(60, 0, 60)), []);
        assert_eq!(moments(Kind::RequestRate, window(0, 60, 0)), []);
    }

    #[test]
    fn no_piece_of_a_long_window_has_more_points_than_prometheus_gives() {
        let pieces = moments(Kind::RequestRate, window(0, 25_000, 1));
        let bounds: Vec<_> = pieces.iter().map(|piece| (piece.first, piece.last)).collect();
        assert_eq!(bounds, [(at(1), at(11_000)), (at(11_001), at(22_000)), (at(22_001), at(25_000))]);
    }

    #[test]
    fn milliseconds_survive() {
        let window =
            Window { from: at(0), to: at(0) + TimeDelta::milliseconds(3_000), step: Duration::from_millis(1_500) };
        let request = post("up", moments(Kind::RequestRate, window)[0]);
        assert_eq!(request.body(), "query=up&start=1773107161.500&end=1773107163&step=1.5");
    }
}
