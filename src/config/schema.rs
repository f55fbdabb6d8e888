//! The schema: every setting, its meaning and its default. `examples/config/full.toml` shows each of them.
//!
//! Here must not live: reading files, or anything that looks at a system.

use std::{collections::BTreeMap, fmt, marker::PhantomData, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

pub use crate::config::engine::Engine;
use crate::{
    config::{
        access::Access,
        span,
        standard::{Rule, Slo},
    },
    domain::{
        ids::{EnvironmentName, Person, ServiceName},
        offer::Risk,
    },
};

/// The whole configuration, all layers merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who acts, as the record names them; without it the user's login.
    pub operator: Option<String>,
    /// Looking only: every verb is refused.
    #[serde(default)]
    pub read_only: bool,
    /// The theme's name; without it the first that comes with the program.
    pub theme: Option<String>,
    /// The systems that are looked at, by the name that the status bar shows.
    #[serde(default, skip_deserializing)]
    pub connections: BTreeMap<String, Connection>,
    /// What is released.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// Where it runs, in order.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// Keys that differ from the defaults: `intent = "chord"`; `holdshort keys` lists the intents.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    /// Where the journal is kept.
    #[serde(default)]
    pub state: State,
    /// A served built-in world, whose time is not ours.
    pub world: Option<World>,
}

/// A served built-in world. `holdshort demo serve` writes this; real systems have no use for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// An address whose answers carry the world's time in `Date`.
    pub clock: String,
    /// How many seconds pass there in one of ours.
    pub speed: f64,
}

/// Where the journal is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The journal's folder; without it `/var/lib/holdshort` where that can be written, else the user's state folder.
    pub path: Option<PathBuf>,
    /// Who may sign records: a list of SSH keys as OpenSSH's `allowed_signers` is written. With it `audit verify` fails where
    /// anybody else signed.
    pub signers: Option<PathBuf>,
    /// The group that keeps it together, by name or number; without it the folder is this user's alone. `holdshort state
    /// init` makes the folder.
    pub group: Option<String>,
}

/// A place where versions run. `prod` also covers `prod/eu-west-1`, unless that has an entry of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// What a mistake costs there: `low`, `medium` or `high`.
    pub risk: Risk,
}

/// What is released.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where its runbook is.
    pub runbook: Option<String>,
    /// Its rollouts where they are not called as it is: `CONNECTION/NAMESPACE/NAME`.
    #[serde(default)]
    pub rollouts: Vec<RolloutRef>,
    /// Its repository: `CONNECTION/OWNER/NAME`.
    pub repository: Option<RepositoryRef>,
    /// Its name in the metrics, where that is another one.
    pub metrics: Option<String>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Limits that its signals are held to, beside the tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// Reads a value from text. Within the visitor, so that an error is told at this value and not at the list it stands in.
fn from_text<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error = String>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: TryFrom<String, Error = String>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::try_from(text.to_owned()).map_err(E::custom)
        }
    }

    from.deserialize_any(Text(PhantomData))
}

/// Three parts with a slash between them.
fn three(text: &str, form: &str) -> Result<(String, String, String), String> {
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [a, b, c] if ![a, b, c].iter().any(|part| part.trim().is_empty()) => {
            Ok(((*a).to_owned(), (*b).to_owned(), (*c).to_owned()))
        }
        _ => Err(format!("'{text}' is not of the form {form}")),
    }
}

/// A rollout, as the configuration names it: `eu/shop/payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct RolloutRef {
    /// The connection.
    pub connection: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl TryFrom<String> for RolloutRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        three(&text, "CONNECTION/NAMESPACE/NAME").map(|(connection, namespace, name)| Self {
            connection,
            namespace,
            name,
        })
    }
}

impl<'de> Deserialize<'de> for RolloutRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from)
    }
}

impl From<RolloutRef> for String {
    fn from(it: RolloutRef) -> Self {
        format!("{}/{}/{}", it.connection, it.namespace, it.name)
    }
}

/// A repository, as a service names it: `github/acme/payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct RepositoryRef {
    /// The connection.
    pub connection: String,
    /// `OWNER/NAME`.
    pub name: String,
}

impl TryFrom<String> for RepositoryRef {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        three(&text, "CONNECTION/OWNER/NAME")
            .map(|(connection, owner, name)| Self { connection, name: format!("{owner}/{name}") })
    }
}

impl<'de> Deserialize<'de> for RepositoryRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from)
    }
}

impl From<RepositoryRef> for String {
    fn from(it: RepositoryRef) -> Self {
        format!("{}/{}", it.connection, it.name)
    }
}

/// One system. `kind` says which, and with it which settings there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there are as many as systems, a handful")]
pub enum Connection {
    /// A Kubernetes cluster: Argo Rollouts and plain Deployments.
    Kubernetes(Kubernetes),
    /// GitHub Actions: runs and environment gates.
    Github(Github),
    /// A Prometheus, or whatever speaks its query API.
    Prometheus(Prometheus),
}

impl Connection {
    /// The kinds, as they are written.
    pub const KINDS: [&'static str; 3] = ["kubernetes", "github", "prometheus"];

    /// Its kind, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kubernetes(_) => "kubernetes",
            Self::Github(_) => "github",
            Self::Prometheus(_) => "prometheus",
        }
    }

    /// How it is reached, whatever the kind.
    pub fn access(&self) -> &Access {
        match self {
            Self::Kubernetes(it) => &it.access,
            Self::Github(it) => &it.access,
            Self::Prometheus(it) => &it.access,
        }
    }

    /// The same connection, reached so.
    #[must_use]
    pub(super) fn reached(mut self, access: Access) -> Self {
        match &mut self {
            Self::Kubernetes(it) => it.access = access,
            Self::Github(it) => it.access = access,
            Self::Prometheus(it) => it.access = access,
        }
        self
    }
}

/// A Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// Where what runs here stands: `prod/eu-west-1`.
    pub environment: EnvironmentName,
    /// What a mistake costs here; without it what the environment says.
    pub risk: Option<Risk>,
    /// The kubeconfig; without it `$KUBECONFIG`, `~/.kube/config` or the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; without it the current one.
    pub context: Option<String>,
    /// An API server's URL, instead of a kubeconfig.
    pub server: Option<String>,
    /// How `server` is reached; of a kubeconfig's cluster only the time-out.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The namespaces that are looked at; all of them without it, which needs cluster-wide rights.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Only objects with these labels: `team=shop,tier!=batch`.
    pub selector: Option<String>,
    /// The engines that are looked for: `argo_rollouts`, `deployment`.
    #[serde(default = "both_engines")]
    pub engines: Vec<Engine>,
    /// How often it must prove that it answers, beside what its watches tell; more than 5 s counts as 5 s.
    #[serde(default = "five_seconds", with = "span")]
    pub interval: Duration,
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn both_engines() -> Vec<Engine> {
    vec![Engine::ArgoRollouts, Engine::Deployment]
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

/// GitHub, or a GitHub Enterprise server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github {
    /// The REST API's base.
    #[serde(default = "github_api")]
    pub base_url: String,
    /// How it is reached; without a token only what everybody may see, at a small request budget.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The repositories that are looked at, beside those that services name.
    #[serde(default)]
    pub repos: Vec<Repository>,
    /// How often it is asked what moved. Runs and gates are read as often where something does, else in turn: newest runs within
    /// six minutes, what waits within thirty.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn github_api() -> String {
    "https://api.github.com".to_owned()
}

/// One repository of a forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// `OWNER/NAME`.
    pub name: String,
    /// What its pipelines release; without it the repository's name.
    pub service: Option<ServiceName>,
    /// Our names of its environments: `production = "prod/eu-west-1"`. One that is not listed keeps its own name.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentName>,
}

/// A Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// Its base, without `/api/v1`.
    pub url: String,
    /// How it is reached, and who we are to it.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// Whose series the services write: `istio`, `linkerd`, `otel-http` …
    pub preset: Option<String>,
    /// Queries of your own, instead of a preset.
    pub queries: Option<Queries>,
    /// Further matchers for every query: `namespace="shop"`.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// Labels whose values are judged apart, because their mix may differ between the versions: `region`, `tenant`.
    #[serde(default)]
    pub strata: Vec<String>,
    /// Length of the intervals that are judged: at least two scrapes.
    #[serde(default = "thirty_seconds", with = "span")]
    pub step: Duration,
    /// How often it is read.
    #[serde(default = "fifteen_seconds", with = "span")]
    pub interval: Duration,
}

fn fifteen_seconds() -> Duration {
    Duration::from_secs(15)
}

/// The unit in which a source counts response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LatencyUnit {
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
}

/// PromQL templates of your own: `$W` is the range of `rate()`, `$SEL` further matchers that begin with a comma.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// The label that names the service.
    pub service_label: String,
    /// The label that names the version.
    pub version_label: String,
    /// The unit of the bucket bounds: `s` or `ms`.
    pub latency_unit: LatencyUnit,
    /// Requests a second, by service and version.
    pub rate: String,
    /// Failed share of the requests, 0 to 1, by service and version.
    pub error_ratio: String,
    /// Requests a second in each cumulative bucket, by service, version and `le`; or the rate of a native histogram, by
    /// service and version.
    pub buckets: String,
    /// The cumulative counter of requests, without `rate()` and `sum`; goes with `errors_total`. Counts are exact then.
    pub requests_total: Option<String>,
    /// The same of the failed requests only.
    pub errors_total: Option<String>,
    /// The cumulative counters of the buckets: response times are counted then.
    pub buckets_total: Option<String>,
    /// A plain selector of the native histogram of response times, in place of `buckets_total`.
    pub histogram_total: Option<String>,
    /// The label that names the pod that served.
    pub pod_label: Option<String>,
    /// The matcher that keeps a query to the watched services, with `$SERVICES` for the alternatives.
    pub service_matcher: Option<String>,
}

impl Config {
    /// Who acts: as configured, else the login of the environment that is handed in.
    pub fn who(&self, env: &BTreeMap<String, String>) -> Person {
        let login = || ["USER", "LOGNAME"].into_iter().filter_map(|name| env.get(name)).find(|name| !name.is_empty());
        Person::new(self.operator.as_ref().or_else(login).map_or("unknown", String::as_str))
    }

    /// What a mistake costs in an environment: its own entry, else that of the nearest part before a `/`. One that nobody
    /// described is as dangerous as production.
    pub fn risk_of(&self, environment: &EnvironmentName) -> Risk {
        let mut name = environment.as_str();
        loop {
            if let Some(known) = self.environments.get(name) {
                return known.risk;
            }
            match name.rsplit_once('/') {
                Some((before, _)) => name = before,
                None => return Risk::High,
            }
        }
    }

    /// The service that a rollout belongs to: the one that names it, else the one that is called as it is.
    pub fn service_of(&self, connection: &str, namespace: &str, name: &str) -> ServiceName {
        let names_it = |service: &Service| {
            let is_it = |r: &RolloutRef| (&*r.connection, &*r.namespace, &*r.name) == (connection, namespace, name);
            service.rollouts.iter().any(is_it)
        };
        let named = self.services.iter().find(|(_, service)| names_it(service));
        ServiceName::new(named.map_or(name, |(service, _)| service))
    }

    /// The repositories of a connection: its own list, and those that services name.
    pub fn repositories(&self, connection: &str) -> Vec<Repository> {
        let mut all = match self.connections.get(connection) {
            Some(Connection::Github(github)) => github.repos.clone(),
            _ => return Vec::new(),
        };
        for (service, about) in &self.services {
            let Some(named) = about.repository.as_ref().filter(|named| named.connection == connection) else {
                continue;
            };
            let service = Some(ServiceName::new(service));
            match all.iter_mut().find(|known| known.name == named.name) {
                Some(known) => known.service = service,
                None => all.push(Repository { name: named.name.clone(), service, environments: BTreeMap::new() }),
            }
        }
        all
    }

    /// The name of a service in the metrics.
    pub fn metrics_name(&self, service: &ServiceName) -> String {
        let configured = self.services.get(service.as_str()).and_then(|about| about.metrics.clone());
        configured.unwrap_or_else(|| service.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_without_an_entry_takes_its_stage_s_risk_or_the_highest() {
        let mut config = Config::default();
        config.environments.insert("staging".into(), Environment { risk: Risk::Low });
        config.environments.insert("prod/canary".into(), Environment { risk: Risk::Medium });
        let risk = |name: &str| config.risk_of(&name.into());
        assert_eq!(risk("staging/eu"), Risk::Low);
        assert_eq!(risk("prod/canary"), Risk::Medium);
        assert_eq!(risk("prod/eu"), Risk::High);
    }

    #[test]
    fn who_acts_is_configured_or_the_login() {
        let env = BTreeMap::from([("USER".to_owned(), String::new()), ("LOGNAME".to_owned(), "lee".to_owned())]);
        assert_eq!(Config::default().who(&env), "lee".into());
        assert_eq!(Config::default().who(&BTreeMap::new()), "unknown".into());
        let config = Config { operator: Some("dana".into()), ..Config::default() };
        assert_eq!(config.who(&env), "dana".into());
    }

    #[test]
    fn a_rollout_belongs_to_the_service_that_names_it_else_to_its_namesake() {
        let mut config = Config::default();
        let rollouts = vec![RolloutRef::try_from("eu/shop/payments-v2".to_owned()).unwrap()];
        config.services.insert("payments".into(), Service { rollouts, ..Service::default() });
        assert_eq!(config.service_of("eu", "shop", "payments-v2"), "payments".into());
        assert_eq!(config.service_of("us", "shop", "payments-v2"), "payments-v2".into());
    }
}
