//! What it asks, over a transport that writes down what it is asked.

use std::sync::Mutex;

use bytes::Bytes;
use chrono::TimeZone;
use futures::StreamExt;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use tower::service_fn;

use super::*;
use crate::{
    port::wire::{Moved, WireBody, WireError, whole},
    provider::http::testing::Jumping,
};

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

type Seen = Arc<Mutex<Vec<(Method, String)>>>;

/// A connection to something that answers by method and path, and what it was asked.
fn connected(
    answer: impl Fn(&Request<Bytes>) -> Result<Response<WireBody>, WireError> + Clone + Send + Sync + 'static,
) -> (Arc<dyn Lookup>, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let transport = Transport::new(service_fn(move |request: Request<Bytes>| {
        log.lock().unwrap().push((request.method().clone(), request.uri().path().to_owned()));
        futures::future::ready(answer(&request))
    }));
    let settings = Settings::new(presets::named("istio").unwrap());
    (over("metrics".into(), transport, settings, Jumping::shared()).lookups.remove(0), seen)
}

fn reply(status: u16, body: &'static str) -> Response<WireBody> {
    Response::builder().status(status).body(whole(body)).unwrap()
}

fn one_minute() -> Window {
    let from = chrono::Utc.timestamp_opt(1_773_107_160, 0).unwrap();
    Window { from, to: from + chrono::TimeDelta::minutes(1), step: Duration::from_mins(1) }
}

fn ask(metrics: &dyn Lookup, services: &[ServiceName]) -> Result<Vec<ServiceSignals>, ProviderError> {
    let question = Question::Signals { services: services.to_vec(), window: one_minute(), environment: None };
    match futures::executor::block_on(metrics.ask(question).next()).unwrap()? {
        Told::Signals(signals) => Ok(signals),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_services_cost_six_requests_and_one_whether_the_preset_fits_and_none_costs_one_sign_of_life() {
    let (metrics, seen) = connected(|_| Ok(reply(200, EMPTY)));
    let services: Vec<_> = (0..100).map(|i| ServiceName::new(format!("service-{i}"))).collect();
    assert_eq!(ask(&*metrics, &services), Ok(vec![]));
    let with_doubt = [vec![(Method::POST, "/api/v1/query".to_owned())], six(&Method::POST)].concat();
    assert_eq!(asked(&seen), with_doubt);
    assert_eq!(ask(&*metrics, &services), Ok(vec![]));
    assert_eq!(seen.lock().unwrap().len(), 13, "that nothing fits is not asked each time");
    assert_eq!(ask(&*metrics, &[]), Ok(vec![]));
    assert_eq!(seen.lock().unwrap().len(), 14);
}

#[test]
fn where_nothing_of_the_preset_is_there_it_is_said_which_one_has_series_of_these_services() {
    const FITS: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"preset":"otel-http"},"value":[1773107220,"3"]}]}}"#;
    let (metrics, _) = connected(|request| {
        let form = url::form_urlencoded::parse(request.body()).into_owned();
        let doubts =
            form.into_iter().any(|(_, value)| value.starts_with("label_replace(count(") && value.contains("otel-http"));
        Ok(reply(200, if doubts { FITS } else { EMPTY }))
    });
    let said = "there is no series of preset 'istio' for these services, and there are of 'otel-http': set `preset`";
    for _ in 0..2 {
        let error = ask(&*metrics, &["payments".into()]).unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
    }
}

#[test]
fn the_query_for_the_preset_that_fits_is_promql_and_leaves_out_the_chosen_one() {
    let settings = Settings::new(presets::named("istio").unwrap());
    let query = misfit::query(&settings, &["payments".to_owned()]);
    promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{error}\n{query}"));
    assert!(
        query.contains("http_server_request_duration_seconds_count{job") && !query.contains("\"istio\""),
        "{query}"
    );
}

#[test]
fn where_a_label_tells_environments_apart_each_is_asked_about_for_itself() {
    let queries: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&queries);
    let transport = Transport::new(service_fn(move |request: Request<Bytes>| {
        let form = url::form_urlencoded::parse(request.body()).into_owned();
        log.lock().unwrap().extend(form.filter(|(key, _)| key == "query").map(|(_, query)| query));
        futures::future::ready(Ok::<_, WireError>(reply(200, EMPTY)))
    }));
    let settings = Settings {
        place_label: Some("region".to_owned()),
        places: BTreeMap::from([("prod/us-east-1".into(), vec!["us".to_owned(), "us-pay".to_owned()])]),
        ..Settings::new(presets::named("istio").unwrap())
    };
    let connection = over("metrics".into(), transport, settings, Jumping::shared());
    assert_eq!(connection.coverage, Coverage { environments: Vec::new(), apart: true });
    let asked = |environment: &str| {
        queries.lock().unwrap().clear();
        let (services, window) = (vec!["payments".into()], one_minute());
        let question = Question::Signals { services, window, environment: Some(environment.into()) };
        futures::executor::block_on(connection.lookups[0].ask(question).next()).unwrap().unwrap();
        queries.lock().unwrap().clone()
    };
    for (environment, matcher) in
        [("prod/eu-west-1", "region=~\"prod/eu-west-1|eu-west-1\""), ("prod/us-east-1", "region=~\"us|us-pay\"")]
    {
        let queries = asked(environment);
        assert_eq!(queries.len(), 7, "six kinds, and whether the preset fits: {queries:?}");
        assert!(queries.iter().all(|query| query.contains(matcher)), "{queries:?}");
    }
}

/// What it was asked, in the order of the paths: which of the queries is first makes no difference.
fn asked(seen: &Seen) -> Vec<(Method, String)> {
    let mut all = seen.lock().unwrap().clone();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all
}

/// Three rates at one moment, three counters at both ends of the interval.
fn six(method: &Method) -> Vec<(Method, String)> {
    let paths = [["/api/v1/query"; 3], ["/api/v1/query_range"; 3]].concat();
    paths.into_iter().map(|path| (method.clone(), path.to_owned())).collect()
}

#[test]
fn a_proxy_that_refuses_post_is_asked_with_get_from_then_on() {
    for refusal in [403, 405] {
        let (metrics, seen) = connected(move |request| {
            Ok(if request.method() == Method::POST { reply(refusal, "no") } else { reply(200, EMPTY) })
        });
        let services = ["payments".into()];
        assert_eq!(ask(&*metrics, &services), Ok(vec![]));
        seen.lock().unwrap().clear();
        assert_eq!(ask(&*metrics, &services), Ok(vec![]));
        assert_eq!(asked(&seen), six(&Method::GET));
    }
}

#[test]
fn a_proxy_that_drops_what_is_posted_is_asked_with_get_from_then_on() {
    for (status, body) in [
        (
            400,
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:1: parse error: no expression found in input"}"#,
        ),
        (422, r#"{"status":"error","errorType":"422","error":"missing `query` arg"}"#),
    ] {
        let (metrics, seen) = connected(move |request| {
            Ok(if request.method() == Method::POST { reply(status, body) } else { reply(200, EMPTY) })
        });
        assert_eq!(ask(&*metrics, &["payments".into()]), Ok(vec![]));
        seen.lock().unwrap().clear();
        assert_eq!(ask(&*metrics, &["payments".into()]), Ok(vec![]));
        assert_eq!(asked(&seen), six(&Method::GET));
    }
}

#[test]
fn who_may_not_read_at_all_is_told_so_and_post_is_tried_again_next_time() {
    let (metrics, seen) = connected(|_| Ok(reply(403, "")));
    let error = ask(&*metrics, &["payments".into()]).unwrap_err();
    assert_eq!(error.kind, FaultKind::Forbidden);
    assert_eq!(error.text, "request rate: it does not let us query; ask for read access (403)");
    seen.lock().unwrap().clear();
    ask(&*metrics, &["payments".into()]).unwrap_err();
    assert_eq!(seen.lock().unwrap()[0].0, Method::POST);
}

#[test]
fn no_connection_no_answer_and_no_budget_are_told_apart() {
    let limit = crate::port::wire::Limit { after: Duration::from_secs(30), of: Some("metrics".to_owned()) };
    let table = [
        (WireError::NotConnected("refused".into()), FaultKind::Unreachable, "cannot connect to it: refused"),
        (
            WireError::TimedOut(limit),
            FaultKind::TimedOut,
            "it did not answer within 30 s (`timeout` of connections.metrics)",
        ),
        (
            WireError::AskedToWait(Duration::from_mins(2)),
            FaultKind::RateLimited,
            "it asks to slow down; again at 06:23:09 UTC",
        ),
    ];
    for (wire, kind, text) in table {
        let (metrics, _) = connected({
            let wire = wire.clone();
            move |_| Err(wire.clone())
        });
        let error = ask(&*metrics, &["payments".into()]).unwrap_err();
        assert_eq!((error.kind, error.text), (kind, format!("request rate: {text}")));
    }
}

#[test]
fn what_is_wrong_with_response_times_alone_takes_nothing_else_with_it() {
    const RATE: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"destination_workload":"payments","destination_version":"2"},"value":[1773107220,"5"]}]}}"#;
    const WARNED: &str = r#"{"status":"success","warnings":["PromQL warning: encountered a mix"],
        "data":{"resultType":"vector","result":[]}}"#;
    let reply = |status: u16, body| Ok(Response::builder().status(status).body(whole(body)).unwrap());
    let body = |request: &Request<Bytes>| String::from_utf8_lossy(request.body()).into_owned();
    let is_rate = move |request: &Request<Bytes>| body(request).contains("istio_requests_total");
    for (latency, why) in [
        (
            (200, WARNED.replace("PromQL warning", "store eu")),
            "latency buckets: incomplete: store eu: encountered a mix",
        ),
        (
            (422, r#"{"status":"error","error":"many-to-many"}"#.to_owned()),
            "latency buckets: Prometheus refused the query: many-to-many",
        ),
    ] {
        let (metrics, _) =
            connected(
                move |request| {
                    if is_rate(request) { reply(200, RATE.to_owned()) } else { reply(latency.0, latency.1.clone()) }
                },
            );
        let signals = ask(&*metrics, &["payments".into()]).unwrap();
        let version = &signals[0].versions[0];
        assert_eq!((version.request_rate.len(), version.untimed.as_deref()), (1, Some(why)));
    }
    // What nobody can measure requests without is told of the whole source.
    let (metrics, _) = connected(move |request| {
        let warned = WARNED.replace("PromQL warning", "store eu");
        if is_rate(request) { reply(200, warned) } else { reply(200, EMPTY.to_owned()) }
    });
    let error = ask(&*metrics, &["payments".into()]).unwrap_err();
    assert_eq!(error.text, "request rate: incomplete: store eu: encountered a mix");
    // An annotation of histograms says nothing of what is no histogram.
    let (metrics, _) = connected(move |_| reply(200, WARNED.to_owned()));
    assert_eq!(ask(&*metrics, &["payments".into()]), Ok(vec![]));
}

#[test]
fn where_it_points_is_named_and_never_taken_for_an_answer() {
    let (metrics, seen) =
        connected(|_| Err(WireError::Moved(Moved { status: Some(302), to: "/prom/graph of its own".into() })));
    let error = ask(&*metrics, &["payments".into()]).unwrap_err();
    let text = "request rate: it sends us to /prom/graph of its own (302), and nothing was asked there; if it has \
                moved, put the whole address into the configuration";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Unreadable, text));
    assert!(seen.lock().unwrap().iter().all(|(method, _)| method == Method::POST), "GET is no way round it");
}

#[test]
fn a_body_that_breaks_off_is_a_lost_connection_not_an_empty_answer() {
    let (metrics, _) = connected(|_| {
        let chunks = [Ok(http_body::Frame::data(Bytes::from("{"))), Err(WireError::Lost("reset".into()))];
        let body = http_body_util::StreamBody::new(futures::stream::iter(chunks));
        Ok(Response::new(body.boxed_unsync()))
    });
    let error = ask(&*metrics, &["payments".into()]).unwrap_err();
    let text = "request rate: the connection to it broke: reset".to_owned();
    assert_eq!((error.kind, error.text), (FaultKind::Unreachable, text));
}
