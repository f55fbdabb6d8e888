//! Prometheus, and what speaks its query API (Thanos, Mimir, `VictoriaMetrics`): signals by service and version.
//!
//! The facade only: it sends what `request` builds and hands `api`'s answers to `normalize`.

mod api;
mod counters;
mod examine;
mod failures;
mod misfit;
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
        ids::{EnvironmentName, ServiceName, SourceName},
        observed::FaultKind,
        place::{Coverage, label_values},
        signal::{ServiceSignals, Uncounted},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        examine::Examine,
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
            misfit::Misfit,
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
    /// The label that tells environments apart, where one does.
    pub place_label: Option<String>,
    /// Environments whose label has another value than their name, or several: each of its clusters has one.
    pub places: BTreeMap<EnvironmentName, Vec<String>>,
    /// The environments that the configuration says it covers.
    pub covers: Vec<String>,
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
        Self {
            preset,
            matchers: Vec::new(),
            strata: Vec::new(),
            labels: BTreeMap::new(),
            place_label: None,
            places: BTreeMap::new(),
            covers: Vec::new(),
            scrape: usual,
            interval: usual,
        }
    }

    /// The same for the series of one environment.
    fn within(&self, environment: &EnvironmentName) -> Self {
        let Some(label) = &self.place_label else { return self.clone() };
        let values = label_values(&self.places, environment);
        let matcher = format!("{label}=~\"{}\"", presets::any_of(&values));
        Self { matchers: [self.matchers.clone(), vec![matcher]].concat(), ..self.clone() }
    }
}

/// Answered by every server without touching a series.
const PROOF: &str = "vector(1)";

/// A connection that measures, over a transport that knows the address: requests carry the path only (`/api/v1/query`).
pub fn over(name: SourceName, transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let interval = settings.interval;
    let coverage = Coverage { environments: settings.covers.clone(), apart: settings.place_label.is_some() };
    let failures = Failures::of(&settings.preset);
    let client = Client::new("it", transport, clock.clone(), api::refusal);
    let (refuses_post, misfit) = (AtomicBool::new(false), Misfit::default());
    let prometheus = Arc::new(Prometheus { client, settings, failures, refuses_post, misfit, clock });
    let examiner: Option<Arc<dyn Examine>> = Some(prometheus.clone());
    Connection { lookups: vec![prometheus], examiner, coverage, ..Connection::new(name, "prometheus", interval) }
}

struct Prometheus {
    client: Client,
    settings: Settings,
    /// What the error query asks for, where that shows.
    failures: Option<Failures>,
    /// A read-only proxy said no to POST once: it is not asked again.
    refuses_post: AtomicBool,
    /// Whether the preset is the right one.
    misfit: Misfit,
    clock: SharedClock,
}

impl Lookup for Prometheus {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Signals]
    }

    fn ask(&self, question: Question) -> lookup::Answers<'_> {
        match question {
            Question::Signals { services, window, environment } => lookup::once(async move {
                let within = environment.as_ref().map(|environment| self.settings.within(environment));
                let mut signals = self.signals(within.as_ref().unwrap_or(&self.settings), &services, window).await?;
                if let Some(environment) = environment {
                    for one in &mut signals {
                        one.environment.clone_from(&environment);
                    }
                }
                Ok(Told::Signals(signals))
            }),
            other => lookup::foreign("Prometheus", &other),
        }
    }
}

impl Prometheus {
    /// The signals of these services: one request for each kind of metric, however many services there are.
    async fn signals(
        &self,
        settings: &Settings,
        services: &[ServiceName],
        window: Window,
    ) -> Result<Vec<ServiceSignals>, ProviderError> {
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
        let ask = |kind| self.ask(settings, kind, &labels, window);
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
        let mut signals = normalize::signals(settings, self.failures.as_ref(), &named, window.step, answers);
        for version in signals.iter_mut().flat_map(|one| &mut one.versions) {
            version.untimed.clone_from(&untimed);
        }
        if signals.is_empty() {
            self.doubt_the_preset(settings, &labels, window).await?;
        } else {
            self.misfit.fits();
        }
        self.name_labels(settings, &mut signals, &named, window).await;
        Ok(signals)
    }

    /// Of none of these services is there a series, and never was: another preset that has some is the one that was meant. It is only
    /// a help: without an answer nothing is suspected.
    ///
    /// # Errors
    /// That another one fits: what is read by this one would say for ever that nothing is measured.
    async fn doubt_the_preset(
        &self,
        settings: &Settings,
        labels: &[String],
        window: Window,
    ) -> Result<(), ProviderError> {
        let (now, query) = (self.clock.now(), misfit::query(settings, labels));
        if self.misfit.is_due(&query, now) {
            let Some(newest) = request::moments(Kind::RequestRate, window).pop() else { return Ok(()) };
            let answer = self.query(&query, Moments { first: newest.last, ..newest }, Asked::Counters).await;
            self.misfit.told(&query, now, &answer.unwrap_or_default());
        }
        match self.misfit.sentence(&query, &settings.preset) {
            Some(said) => Err(ProviderError::new(FaultKind::Missing, said)),
            None => Ok(()),
        }
    }

    /// The series of one kind, piece after piece; none where the preset has no such counter.
    async fn ask(
        &self,
        settings: &Settings,
        kind: Kind,
        labels: &[String],
        window: Window,
    ) -> Result<Vec<Samples>, ProviderError> {
        let mut all = Vec::new();
        let promql = match &self.failures {
            Some(failures) if kind == Kind::RequestRate => {
                Some(request::filled(&failures.rate, settings, labels, window.step, ""))
            }
            _ => request::promql(kind, settings, labels, window.step),
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
    async fn name_labels(
        &self,
        settings: &Settings,
        signals: &mut [ServiceSignals],
        named: &[(ServiceName, String)],
        window: Window,
    ) {
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
        let promql = request::filled(&failures.look, settings, &labels, window.step, &more);
        let Ok(samples) = self.query(&promql, newest, Asked::Counters).await else { return };
        normalize::name_labels(settings, failures, named, signals, &samples);
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
mod tests;
