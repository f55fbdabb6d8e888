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

use bytes::Bytes;
use futures::{FutureExt, future::try_join3};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower::ServiceExt;

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        observed::FaultKind,
        signal::{ServiceSignals, Uncounted},
    },
    port::{
        error::ProviderError,
        facet::{Answer, Connection, Metrics, Window},
        wire::{Class, Transport, WireError},
    },
    provider::{
        http::{error::elsewhere, items::grouped},
        prometheus::{
            api::{Asked, MOST_SAMPLES, MOST_SERIES, Samples},
            failures::Failures,
            normalize::Answers,
            presets::Preset,
            request::{Kind, Moments},
        },
    },
};

/// No answer is read further than this: a query without limits must not eat the machine's memory.
const MOST_BYTES: usize = 64 << 20;

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
pub fn over(name: SourceName, transport: Transport, settings: Settings) -> Connection {
    let interval = settings.interval;
    let failures = Failures::of(&settings.preset);
    let asked = asked(&settings.preset);
    let prometheus = Prometheus { transport, settings, failures, asked, refuses_post: AtomicBool::new(false) };
    Connection { metrics: Some(Arc::new(prometheus)), ..Connection::new(name, "prometheus", interval) }
}

/// What a preset's queries ask for.
fn asked(preset: &Preset) -> Asked {
    let counters = [&preset.requests_total, &preset.errors_total, &preset.buckets_total].into_iter().flatten();
    let mut all = counters.chain([&preset.rate, &preset.error_ratio, &preset.buckets]);
    let native = preset.histogram_total.is_some() || all.any(|query| query.contains("histogram_"));
    if native { Asked::Histograms } else { Asked::Counters }
}

struct Prometheus {
    transport: Transport,
    settings: Settings,
    /// What the error query asks for, where that shows.
    failures: Option<Failures>,
    asked: Asked,
    /// A read-only proxy said no to POST once: it is not asked again.
    refuses_post: AtomicBool,
}

impl Metrics for Prometheus {
    fn signals<'a>(&'a self, services: &'a [ServiceName], window: Window) -> Answer<'a, Vec<ServiceSignals>> {
        async move {
            let Some(newest) = request::moments(Kind::RequestRate, window).pop() else { return Ok(Vec::new()) };
            if services.is_empty() {
                self.query(PROOF, Moments { first: newest.last, ..newest }).await?;
                return Ok(Vec::new());
            }
            let label = |service: &ServiceName| {
                self.settings.labels.get(service).cloned().unwrap_or_else(|| service.as_str().to_owned())
            };
            let named: Vec<_> = services.iter().map(|service| (service.clone(), label(service))).collect();
            let labels: Vec<_> = named.iter().map(|(_, label)| label.clone()).collect();
            let ask = |kind| self.ask(kind, &labels, window);
            let ((request_rate, error_ratio, buckets), (requests_total, errors_total, buckets_total), histogram_total) =
                try_join3(
                    try_join3(ask(Kind::RequestRate), ask(Kind::ErrorRatio), ask(Kind::LatencyBuckets)),
                    try_join3(ask(Kind::Requests), ask(Kind::Errors), ask(Kind::Buckets)),
                    ask(Kind::Histograms),
                )
                .await?;
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
            self.name_labels(&mut signals, &named, window).await;
            Ok(signals)
        }
        .boxed()
    }
}

impl Prometheus {
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
        for piece in request::moments(kind, window) {
            let samples = self.query(&promql, piece).await;
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
        let Ok(samples) = self.query(&promql, newest).await else { return };
        normalize::name_labels(&self.settings, failures, named, signals, &samples);
    }

    async fn query(&self, promql: &str, moments: Moments) -> Result<Vec<Samples>, ProviderError> {
        if !self.refuses_post.load(Ordering::Relaxed) {
            let (status, headers, body) = self.send(request::post(promql, moments)).await?;
            let refused = matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN);
            if !refused && !api::lost_its_query(status, &body) {
                return api::read(status, &headers, &body, self.asked);
            }
        }
        let (status, headers, body) = self.send(request::get(promql, moments)?).await?;
        self.refuses_post.store(status.is_success(), Ordering::Relaxed);
        api::read(status, &headers, &body, self.asked)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<(StatusCode, HeaderMap, Bytes), ProviderError> {
        let response = self.transport.clone().oneshot(request).await.map_err(|error| not_sent(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| not_read(&*error))?;
        Ok((head.status, head.headers, body.to_bytes()))
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

fn not_sent(error: &WireError) -> ProviderError {
    let (kind, retry_after) = match error {
        WireError::NotConnected(_) | WireError::Barred(_) | WireError::Lost(_) => (FaultKind::Unreachable, None),
        WireError::TimedOut(_) | WireError::ProxySilent { .. } => (FaultKind::TimedOut, None),
        WireError::Moved(moved) => {
            return ProviderError::new(FaultKind::Unreadable, format!("it {}", elsewhere(moved, Class::Read)));
        }
        WireError::AskedToWait(wait) | WireError::NoBudget(wait) => (FaultKind::RateLimited, Some(*wait)),
    };
    // A slow query is no outage: it can be waited for longer.
    let longer = if kind == FaultKind::TimedOut { "; its `timeout` can be set longer" } else { "" };
    ProviderError { retry_after, ..ProviderError::new(kind, format!("{error}{longer}")) }
}

fn not_read(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ProviderError {
    match error.downcast_ref::<WireError>() {
        Some(error) => not_sent(error),
        None if error.is::<LengthLimitError>() => {
            let text = format!("the answer is larger than {} MiB; watch fewer services", MOST_BYTES >> 20);
            ProviderError::new(FaultKind::Unreadable, text)
        }
        None => ProviderError::new(FaultKind::Unreadable, error.to_string()),
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chrono::TimeZone;
    use http::{Method, Response};
    use tower::service_fn;

    use super::*;
    use crate::port::wire::{Moved, WireBody, whole};

    const EMPTY: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

    type Seen = Arc<Mutex<Vec<(Method, String)>>>;

    /// A connection to something that answers by method and path, and what it was asked.
    fn connected(
        answer: impl Fn(&Request<Bytes>) -> Result<Response<WireBody>, WireError> + Clone + Send + Sync + 'static,
    ) -> (Arc<dyn Metrics>, Seen) {
        let seen = Seen::default();
        let log = seen.clone();
        let transport = Transport::new(service_fn(move |request: Request<Bytes>| {
            log.lock().unwrap().push((request.method().clone(), request.uri().path().to_owned()));
            futures::future::ready(answer(&request))
        }));
        let settings = Settings::new(presets::named("istio").unwrap());
        (over("metrics".into(), transport, settings).metrics.unwrap(), seen)
    }

    fn reply(status: u16, body: &'static str) -> Response<WireBody> {
        Response::builder().status(status).body(whole(body)).unwrap()
    }

    fn one_minute() -> Window {
        let from = chrono::Utc.timestamp_opt(1_773_107_160, 0).unwrap();
        Window { from, to: from + chrono::TimeDelta::minutes(1), step: Duration::from_mins(1) }
    }

    fn ask(metrics: &dyn Metrics, services: &[ServiceName]) -> Result<Vec<ServiceSignals>, ProviderError> {
        futures::executor::block_on(metrics.signals(services, one_minute()))
    }

    #[test]
    fn a_hundred_services_cost_six_requests_and_none_costs_one_sign_of_life() {
        let (metrics, seen) = connected(|_| Ok(reply(200, EMPTY)));
        let services: Vec<_> = (0..100).map(|i| ServiceName::new(format!("service-{i}"))).collect();
        assert_eq!(ask(&*metrics, &services), Ok(vec![]));
        assert_eq!(*seen.lock().unwrap(), six(&Method::POST));
        assert_eq!(ask(&*metrics, &[]), Ok(vec![]));
        assert_eq!(seen.lock().unwrap().len(), 7);
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
            assert_eq!(*seen.lock().unwrap(), six(&Method::GET));
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
            assert_eq!(*seen.lock().unwrap(), six(&Method::GET));
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
        let table = [
            (WireError::NotConnected("refused".into()), FaultKind::Unreachable),
            (WireError::TimedOut(Duration::from_secs(4)), FaultKind::TimedOut),
            (WireError::NoBudget(Duration::from_secs(9)), FaultKind::RateLimited),
        ];
        for (wire, kind) in table {
            let (metrics, _) = connected({
                let wire = wire.clone();
                move |_| Err(wire.clone())
            });
            let error = ask(&*metrics, &["payments".into()]).unwrap_err();
            let longer = if kind == FaultKind::TimedOut { "; its `timeout` can be set longer" } else { "" };
            assert_eq!((error.kind, error.text), (kind, format!("request rate: {wire}{longer}")));
        }
    }

    #[test]
    fn where_it_points_is_named_and_never_taken_for_an_answer() {
        let (metrics, seen) =
            connected(|_| Err(WireError::Moved(Moved { status: Some(302), to: "/prom/graph of its own".into() })));
        let error = ask(&*metrics, &["payments".into()]).unwrap_err();
        let text = "request rate: it sends us to /prom/graph of its own (302), and nothing was asked there; if it has \
                    moved, put its new address into the configuration";
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
        let text = "request rate: connection lost: reset".to_owned();
        assert_eq!((error.kind, error.text), (FaultKind::Unreachable, text));
    }
}
