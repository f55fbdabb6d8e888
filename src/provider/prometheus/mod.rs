//! Prometheus, and what speaks its query API (Thanos, Mimir, `VictoriaMetrics`): signals by service and version.
//!
//! The facade only: it sends what `request` builds and hands `api`'s answers to `normalize`.

mod api;
mod counters;
mod failures;
mod native;
mod normalize;
pub mod presets;
mod quantile;
mod request;
mod widen;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{join, try_join, try_join4};
use http::StatusCode;

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        observed::FaultKind,
        signal::{ServiceSignals, Uncounted},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Connection, Window},
        lookup::{self, Lookup, Question, Told, Topic},
        wire::{Class, Transport},
    },
    provider::{
        http::{
            client::{self, Client},
            items::grouped,
        },
        prometheus::{
            api::{Asked, MOST_SAMPLES, MOST_SERIES, Samples},
            failures::Failures,
            normalize::Answers,
            presets::Preset,
            request::{Kind, Moments},
        },
    },
};

/// How one Prometheus is queried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which series to read.
    pub preset: Preset,
    /// Further matchers, each as PromQL has it: `namespace="shop"`.
    pub matchers: Vec<String>,
    /// Labels whose values are counted apart: `region`, `tenant`.
    pub strata: Vec<String>,
    /// Services whose label has another value than their name.
    pub labels: BTreeMap<ServiceName, String>,
    /// The distance between two scrapes. Too long is harmless (counts get smoother), too short loses what happened between
    /// two scrapes.
    pub scrape: Duration,
    /// How often the signals are meant to be read.
    pub interval: Duration,
}

impl Settings {
    /// A preset with everything else as it usually is: scraped and read every 15 seconds.
    pub fn new(preset: Preset) -> Self {
        let usual = Duration::from_secs(15);
        let (matchers, strata, labels) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { preset, matchers, strata, labels, scrape: usual, interval: usual }
    }
}

/// Answered by every server without touching a series.
const PROOF: &str = "vector(1)";

/// A connection that measures, over a transport that knows the address: requests carry the path only (`/api/v1/query`).
pub fn over(name: SourceName, transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let interval = settings.interval;
    let failures = Failures::of(&settings.preset);
    let client = Client::new("it", transport, clock, api::refusal);
    let prometheus = Prometheus { client, settings, failures, refuses_post: AtomicBool::new(false) };
    Connection { lookups: vec![Arc::new(prometheus)], ..Connection::new(name, "prometheus", interval) }
}

struct Prometheus {
    client: Client,
    settings: Settings,
    /// What the error query asks for, where that shows.
    failures: Option<Failures>,
    /// A read-only proxy said no to POST once: it is not asked again.
    refuses_post: AtomicBool,
}

impl Lookup for Prometheus {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Signals]
    }

    fn ask(&self, question: Question) -> lookup::Answers<'_> {
        match question {
            Question::Signals { services, window } => {
                lookup::once(async move { self.signals(&services, window).await.map(Told::Signals) })
            }
            other => lookup::foreign("Prometheus", &other),
        }
    }
}

impl Prometheus {
    /// The signals of these services: one request for each kind of metric, however many services there are.
    async fn signals(&self, services: &[ServiceName], window: Window) -> Result<Vec<ServiceSignals>, ProviderError> {
        let Some(newest) = request::moments(Kind::RequestRate, window).pop() else { return Ok(Vec::new()) };
        if services.is_empty() {
            self.query(PROOF, Moments { first: newest.last, ..newest }, Asked::Counters).await?;
            return Ok(Vec::new());
        }
        let label = |service: &ServiceName| {
            self.settings.labels.get(service).cloned().unwrap_or_else(|| service.as_str().to_owned())
        };
        let named: Vec<_> = services.iter().map(|service| (service.clone(), label(service))).collect();
        let labels: Vec<_> = named.iter().map(|(_, label)| label.clone()).collect();
        let ask = |kind| self.ask(kind, &labels, window);
        let counted = try_join4(ask(Kind::RequestRate), ask(Kind::ErrorRatio), ask(Kind::Requests), ask(Kind::Errors));
        let timed = try_join(ask(Kind::LatencyBuckets), try_join(ask(Kind::Buckets), ask(Kind::Histograms)));
        let (counted, timed) = join(counted, timed).await;
        let (request_rate, error_ratio, requests_total, errors_total) = counted?;
        let (timed, untimed) = only_untimed(timed)?;
        let (buckets, (buckets_total, histogram_total)) = timed;
        let answers = Answers {
            request_rate,
            error_ratio,
            buckets,
            requests_total,
            errors_total,
            buckets_total,
            histogram_total,
        };
        let mut signals = normalize::signals(&self.settings, self.failures.as_ref(), &named, window.step, answers);
        for version in signals.iter_mut().flat_map(|one| &mut one.versions) {
            version.untimed.clone_from(&untimed);
        }
        self.name_labels(&mut signals, &named, window).await;
        Ok(signals)
    }

    /// The series of one kind, piece after piece; none where the preset has no such counter.
    async fn ask(&self, kind: Kind, labels: &[String], window: Window) -> Result<Vec<Samples>, ProviderError> {
        let mut all = Vec::new();
        let promql = match &self.failures {
            Some(failures) if kind == Kind::RequestRate => {
                Some(request::filled(&failures.rate, &self.settings, labels, window.step, ""))
            }
            _ => request::promql(kind, &self.settings, labels, window.step),
        };
        let Some(promql) = promql else { return Ok(all) };
        let asked = Asked::of(kind, &self.settings.preset);
        for piece in request::moments(kind, window) {
            let samples = self.query(&promql, piece, asked).await;
            let named = |e: ProviderError| ProviderError { text: format!("{kind}: {}", e.text), ..e };
            all.extend(samples.map_err(named)?);
            room(&all).map_err(named)?;
        }
        Ok(all)
    }

    /// Where the series of a version lack the labels that its errors are looked for by, it is told which they carry: one
    /// request for all of them, and none where every version can be counted. It is only a help: without an answer they have no
    /// names.
    async fn name_labels(&self, signals: &mut [ServiceSignals], named: &[(ServiceName, String)], window: Window) {
        let Some(failures) = &self.failures else { return };
        let lacking = |uncounted: &Option<Uncounted>| match uncounted {
            Some(Uncounted::Lacks { lacks, .. }) => Some(lacks.clone()),
            _ => None,
        };
        let mut all = signals.iter().flat_map(|one| &one.versions).filter_map(|version| lacking(&version.uncounted));
        let Some(lacks): Option<BTreeSet<String>> = all.next() else { return };
        let Some(newest) = request::moments(Kind::RequestRate, window).pop() else { return };
        let newest = Moments { first: newest.last, ..newest };
        let labels: Vec<_> = named.iter().map(|(_, label)| label.clone()).collect();
        let more = Failures::lacking(&lacks);
        let promql = request::filled(&failures.look, &self.settings, &labels, window.step, &more);
        let Ok(samples) = self.query(&promql, newest, Asked::Counters).await else { return };
        normalize::name_labels(&self.settings, failures, named, signals, &samples);
    }

    async fn query(&self, promql: &str, moments: Moments, asked: Asked) -> Result<Vec<Samples>, ProviderError> {
        if !self.refuses_post.load(Ordering::Relaxed) {
            let answer = self.client.send(request::post(promql, moments)).await?;
            let refused = matches!(answer.status(), StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN);
            if !refused && !api::lost_its_query(&answer) {
                return self.series(&answer, asked);
            }
        }
        let answer = self.client.send(request::get(promql, moments)?).await?;
        self.refuses_post.store(answer.status().is_success(), Ordering::Relaxed);
        self.series(&answer, asked)
    }

    fn series(&self, answer: &client::Answer, asked: Asked) -> Result<Vec<Samples>, ProviderError> {
        if answer.status().is_success() {
            api::series(answer, asked)
        } else {
            Err(self.client.fault(answer, Class::Read))
        }
    }
}

/// Where only what tells response times was refused or is not whole, everything else still counts: what came, and why that
/// did not. What says nothing of the query itself (no answer, no right to one) is nobody's alone.
fn only_untimed<T: Default>(timed: Result<T, ProviderError>) -> Result<(T, Option<String>), ProviderError> {
    match timed {
        Ok(timed) => Ok((timed, None)),
        Err(error) if matches!(error.kind, FaultKind::Rejected | FaultKind::Unreadable) => {
            Ok((T::default(), Some(error.text)))
        }
        Err(error) => Err(error),
    }
}

/// Pieces of one kind are kept together until all are here.
fn room(all: &[Samples]) -> Result<(), ProviderError> {
    let samples: usize = all.iter().map(|series| series.points.len() + series.histograms.len()).sum();
    if all.len() > MOST_SERIES {
        return Err(api::too_many(&format!("{} series", grouped(all.len()))));
    }
    if samples > MOST_SAMPLES {
        return Err(api::too_many(&format!("{} samples", grouped(samples))));
    }
    Ok(())
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
        let question = Question::Signals { services: services.to_vec(), window: one_minute() };
        match futures::executor::block_on(metrics.ask(question).next()).unwrap()? {
            Told::Signals(signals) => Ok(signals),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_hundred_services_cost_six_requests_and_none_costs_one_sign_of_life() {
        let (metrics, seen) = connected(|_| Ok(reply(200, EMPTY)));
        let services: Vec<_> = (0..100).map(|i| ServiceName::new(format!("service-{i}"))).collect();
        assert_eq!(ask(&*metrics, &services), Ok(vec![]));
        assert_eq!(asked(&seen), six(&Method::POST));
        assert_eq!(ask(&*metrics, &[]), Ok(vec![]));
        assert_eq!(seen.lock().unwrap().len(), 7);
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
            let (metrics, _) = connected(move |request| {
                if is_rate(request) { reply(200, RATE.to_owned()) } else { reply(latency.0, latency.1.clone()) }
            });
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
}
