//! Loki: what services write, by version.
//!
//! `request` builds, `api` reads the wire, `normalize` translates, `read` pages through a window and follows what comes after it, and
//! `words` are Loki's own for a refusal.
//!
//! What is followed is read again every few seconds and not over Loki's WebSocket: that goes past proxies, time-outs and the budget of
//! requests, drops lines where a reader is slow, is closed after an hour and allowed ten times for a tenant. A read says what it left
//! out.

mod api;
mod examine;
mod normalize;
mod read;
mod request;
mod words;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        place::Coverage,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        examine::Examine,
        facet::Connection,
        lookup::{Answers, Lookup, Question, Told, Topic, Written, foreign, once},
        wire::Transport,
    },
    provider::{
        http::client::Client,
        loki::{read::Reader, request::Selector},
    },
};

/// What sentences call it.
const CALLED: &str = "Loki";
/// Labels that name a service, the likeliest first: Loki finds out `service_name` itself, since 3.0.
const SERVICES: [&str; 7] =
    ["service_name", "service", "app", "app_kubernetes_io_name", "k8s_deployment_name", "container", "job"];

/// How one Loki is read. A label that is not named is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The label that names the service.
    pub service_label: Option<String>,
    /// The label, or structured metadata, that names the version.
    pub version_label: Option<String>,
    /// The one that names the pod.
    pub pod_label: Option<String>,
    /// Further matchers, each as LogQL has it: `cluster="eu"`.
    pub matchers: Vec<String>,
    /// Services whose label has another value than their name.
    pub labels: BTreeMap<ServiceName, String>,
    /// The label of streams that tells environments apart, where one does.
    pub place_label: Option<String>,
    /// Environments whose label has another value than their name, or several.
    pub places: BTreeMap<EnvironmentName, Vec<String>>,
    /// The environments that the configuration says it covers.
    pub covers: Vec<String>,
    /// How often what is followed is read.
    pub interval: Duration,
}

impl Settings {
    /// Everything is found out.
    pub fn new(interval: Duration) -> Self {
        Self {
            service_label: None,
            version_label: None,
            pod_label: None,
            matchers: Vec::new(),
            labels: BTreeMap::new(),
            place_label: None,
            places: BTreeMap::new(),
            covers: Vec::new(),
            interval,
        }
    }
}

/// A connection that tells what services write, over a transport that knows the address: requests carry `/loki/api/v1/…`.
pub fn over(name: SourceName, transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let interval = settings.interval;
    let coverage = Coverage { environments: settings.covers.clone(), apart: settings.place_label.is_some() };
    let client = Client::new("it", transport, Arc::clone(&clock), words::words);
    let loki = Loki { client, settings, clock, label: Mutex::default() };
    let loki = Arc::new(loki);
    let examiner: Option<Arc<dyn Examine>> = Some(loki.clone());
    Connection { lookups: vec![loki], examiner, coverage, ..Connection::new(name, "loki", interval) }
}

struct Loki {
    client: Client,
    settings: Settings,
    clock: SharedClock,
    /// The label that names services, once it is found out.
    label: Mutex<Option<String>>,
}

impl Lookup for Loki {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Lines]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Lines(lines) if lines.is_alive() => once(self.alive()),
            Question::Lines(lines) => Reader::new(self, lines).answers(),
            other => foreign(CALLED, &other),
        }
    }
}

impl Loki {
    /// The streams of a service.
    async fn selector(&self, service: &ServiceName) -> Result<Selector, ProviderError> {
        let value = self.settings.labels.get(service).cloned().unwrap_or_else(|| service.to_string());
        let label = match &self.settings.service_label {
            Some(label) => label.clone(),
            None => self.service_label().await?,
        };
        Ok(Selector { label, value })
    }

    /// The answer of one that is alive.
    async fn alive(&self) -> Result<Told, ProviderError> {
        let _: api::Labels = self.client.read(request::labels(self.clock.now())?).await?;
        Ok(Told::Lines(Written::default()))
    }

    /// The label that names services: the likeliest of those that there are. Asked for once.
    async fn service_label(&self) -> Result<String, ProviderError> {
        if let Some(label) = self.label.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(label);
        }
        let api::Labels { data } = self.client.read(request::labels(self.clock.now())?).await?;
        let found = SERVICES.into_iter().find(|label| data.iter().any(|there| there == label));
        let label = found.ok_or_else(|| words::no_service_label(&data))?.to_owned();
        *self.label.lock().unwrap_or_else(PoisonError::into_inner) = Some(label.clone());
        Ok(label)
    }
}

impl fmt::Debug for Loki {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loki").field("settings", &self.settings).finish_non_exhaustive()
    }
}
