//! Builds the requests: pure, from a preset and a window to forms. Nothing is sent or read here.
//!
//! Three queries for each data source, however many services: request rate, error ratio, bucket rates. Requests and errors
//! of an interval are taken from the first two (`rate(x[w]) * step`), because `increase` is `rate` times its range:
//! a fourth and a fifth query would only repeat them.
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
}

impl Kind {
    fn template(self, preset: &Preset) -> &str {
        match self {
            Self::RequestRate => &preset.rate,
            Self::ErrorRatio => &preset.error_ratio,
            Self::LatencyBuckets => &preset.buckets,
        }
    }
}

/// The moments at which a query is evaluated: `first`, then every `step`, up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moments {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) step: Duration,
}

/// The query for one kind, for services by their label values.
pub(super) fn promql(kind: Kind, settings: &Settings, services: &[String], step: Duration) -> String {
    let range = step.saturating_add(settings.scrape).saturating_sub(Duration::from_millis(1)).max(step);
    let selector = settings.preset.selector(services, &settings.matchers);
    presets::fill(kind.template(&settings.preset), &format!("{}ms", range.as_millis()), &selector)
}

/// The ends of the window's intervals, in as many pieces as one answer may hold. An interval that the window cuts off at
/// its end is left out: half an interval is not a small one.
pub(super) fn moments(window: Window) -> Vec<Moments> {
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
    let piece = |ends: &[Timestamp]| {
        let (first, last) = (*ends.first()?, *ends.last()?);
        Some(Moments { first, last, step: window.step })
    };
    ends.chunks(MOST_POINTS).filter_map(piece).collect()
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
            promql(Kind::RequestRate, &settings(), &services, Duration::from_mins(1)),
            "sum by (service_name, service_version) (rate(http_server_request_duration_seconds_count{job!=\"\",\
             service_name=~\"checkout|cart\"}[74999ms]))"
        );
        let unknown_scrape = Settings { scrape: Duration::ZERO, ..settings() };
        assert!(
            promql(Kind::LatencyBuckets, &unknown_scrape, &services, Duration::from_mins(1)).contains("}[60000ms]")
        );
    }

    #[test]
    fn a_window_of_one_step_is_an_instant_query_and_a_longer_one_a_range() {
        let one = post("up", moments(window(0, 60, 60))[0]);
        assert_eq!((one.method(), one.uri().path()), (&Method::POST, "/api/v1/query"));
        assert_eq!(one.body(), "query=up&time=1773107220");
        assert_eq!(one.extensions().get(), Some(&Class::Read));

        let many = post("up", moments(window(0, 180, 60))[0]);
        assert_eq!(many.uri().path(), "/api/v1/query_range");
        assert_eq!(many.body(), "query=up&start=1773107220&end=1773107340&step=60");
    }

    #[test]
    fn where_post_is_refused_the_same_form_goes_into_the_url() {
        let moments = moments(window(0, 60, 60))[0];
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
        assert_eq!(moments(window(0, 179, 60)), moments(window(0, 120, 60)));
        assert_eq!(moments(window(0, 59, 60)), []);
        assert_eq!(moments(window(60, 0, 60)), []);
        assert_eq!(moments(window(0, 60, 0)), []);
    }

    #[test]
    fn no_piece_of_a_long_window_has_more_points_than_prometheus_gives() {
        let pieces = moments(window(0, 25_000, 1));
        let bounds: Vec<_> = pieces.iter().map(|piece| (piece.first, piece.last)).collect();
        assert_eq!(bounds, [(at(1), at(11_000)), (at(11_001), at(22_000)), (at(22_001), at(25_000))]);
    }

    #[test]
    fn milliseconds_survive() {
        let window =
            Window { from: at(0), to: at(0) + TimeDelta::milliseconds(3_000), step: Duration::from_millis(1_500) };
        let request = post("up", moments(window)[0]);
        assert_eq!(request.body(), "query=up&start=1773107161.500&end=1773107163&step=1.5");
    }
}
