//! The registry: each kind of connection in the configuration becomes a provider over the layers. The next provider of a
//! kind is one arm more.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use url::Url;

use crate::{
    config::{
        access,
        schema::{self, Config},
    },
    demo::{shared::SharedWorld, transport::transport},
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        observed::FaultKind,
        service::Environment,
    },
    port::{clock::SharedClock, error::ProviderError, facet::Connection, wire::Transport},
    program,
    provider::{
        argo_rollouts, deployment, github,
        http::{Budget, Budgets, Layers, Made, Maker, layered, layered_when_made, reqwest_leaf},
        kubernetes::{self, Cluster, Scope, connect::Access, kubectl, scope::Found},
        prometheus::{
            self,
            presets::{self, LatencyUnit, Preset},
        },
    },
    run::reach,
};

/// How often a cluster must prove that it is alive at least: two missed proofs are said within ten seconds (F2).
const CLUSTER_INTERVAL: Duration = Duration::from_secs(5);

/// Where requests go in the end.
#[derive(Clone, Debug)]
pub(super) enum Below {
    /// To the network.
    Network(BTreeMap<String, String>),
    /// To a world in this process: hosts do not matter, paths do.
    World(SharedWorld),
}

/// Every connection of a configuration. What leads to a system is made when it is first asked: where that cannot be made, the
/// connection says so to each request, and the others go on. An error is only what `config check` refuses too.
pub(super) fn connect(config: &Config, below: &Below, clock: &SharedClock) -> Result<Vec<Connection>, ProviderError> {
    let (mut wired, credentials) = (Vec::new(), Budgets::default());
    for (name, settings) in &config.connections {
        let built = match settings {
            schema::Connection::Kubernetes(settings) => cluster(config, name, settings, (below, &credentials), clock),
            schema::Connection::Prometheus(settings) => metrics(config, name, settings, (below, &credentials), clock),
            schema::Connection::Github(settings) => forge(config, name, settings, (below, &credentials), clock),
        };
        let named =
            |error: ProviderError| ProviderError { text: format!("connection '{name}': {}", error.text), ..error };
        wired.push(built.map_err(named)?);
    }
    Ok(wired)
}

/// The budgets, by address and by what of the settings says who we are there.
type Credentials = Budgets<(String, access::Access)>;

/// What requests to `url` go through: the way there, and the layers around it.
fn wire(
    url: &str,
    access: &access::Access,
    (below, credentials): (&Below, &Credentials),
    layers: Layers,
    clock: &SharedClock,
) -> Result<(Transport, Budget), ProviderError> {
    // What cannot be read as an address may hold a password: it is not quoted.
    let address = Url::parse(url)
        .map_err(|why| ProviderError::new(FaultKind::Unreachable, format!("its address is no URL: {why}")))?;
    // What a system allows, it allows whoever has the credential, by whichever connection. By the whole address, for one host may
    // have several systems.
    let who = (address.to_string(), access.credential());
    let layers = Layers { budget: credentials.of(who, &layers.budget), ..layers };
    Ok(match below {
        Below::World(world) => around(layers, transport(world.clone(), clock.clone(), address.path()), clock),
        Below::Network(environment) => {
            let runs = access.runs_a_command();
            let (access, environment) = (Arc::new(access.clone()), Arc::new(environment.clone()));
            let maker = Maker::new(move || {
                let (address, access) = (address.clone(), Arc::clone(&access));
                let environment = Arc::clone(&environment);
                // A token's command takes its time, and a disk may.
                let made = tokio::task::spawn_blocking(move || {
                    let base = reach::base(address, &access, &environment)?;
                    Ok(Made::lasting(reqwest_leaf(&base)?, base.proxy))
                });
                async move { made.await.unwrap_or_else(|_| Err(interrupted())) }
            });
            when_made(layers, if runs { maker.sparing() } else { maker }, clock)
        }
    })
}

fn interrupted() -> ProviderError {
    ProviderError::new(FaultKind::Unreachable, "what leads there was not made to its end")
}

/// A sentence for each cluster whose certificate nobody looks at, because its kubeconfig says so. Connects to nothing.
pub(super) fn unproven(config: &Config, environment: &BTreeMap<String, String>) -> Vec<String> {
    let usual = kubernetes::connect::usual_files(environment);
    let clusters = config.connections.iter().filter_map(|(name, settings)| match settings {
        schema::Connection::Kubernetes(settings) if settings.server.is_none() => {
            let of = (settings.kubeconfig.as_deref(), settings.context.as_deref());
            kubernetes::connect::unverified(of.0, &usual, of.1).then(|| kubernetes::facade::unproven(name))
        }
        _ => None,
    });
    clusters.collect()
}

/// A sentence for each connection that could not be made as things are now: what it is asked with is not there, or is no such
/// thing. Connects to nothing and runs nothing.
pub(super) fn unmade(config: &Config, environment: &BTreeMap<String, String>) -> Vec<String> {
    let each = config.connections.iter().filter_map(|(name, settings)| {
        let why = match settings {
            schema::Connection::Kubernetes(settings) if settings.server.is_none() => {
                kubernetes::connect::unusable(&kubeconfig(settings, environment))
            }
            // A command is not run for a look.
            settings if settings.access().runs_a_command() => None,
            settings => reach::unreadable(settings.access(), environment),
        };
        why.map(|why| format!("{name} cannot be asked as things are now: {why}"))
    });
    each.collect()
}

/// The connection, telling what is left to ask of it, and how long it may take.
fn gauged(connection: Connection, budget: Budget, access: &access::Access) -> Connection {
    let timeout = access.timeout.unwrap_or(connection.timeout);
    Connection { budget: Some(Arc::new(move |now| budget.state(now).remaining)), timeout, ..connection }
}

fn around(layers: Layers, leaf: Transport, clock: &SharedClock) -> (Transport, Budget) {
    let budget = layers.budget.clone();
    (layered(leaf, layers, clock.clone()), budget)
}

fn when_made(layers: Layers, maker: Maker, clock: &SharedClock) -> (Transport, Budget) {
    let budget = layers.budget.clone();
    (layered_when_made(maker, layers, clock.clone()), budget)
}

fn cluster(
    config: &Config,
    name: &str,
    settings: &schema::Kubernetes,
    below: (&Below, &Credentials),
    clock: &SharedClock,
) -> Result<Connection, ProviderError> {
    let (found, layers) = (Found::default(), reach::layers(name, &settings.access));
    let (transport, budget) = match (&settings.server, below.0) {
        (Some(server), _) => wire(server, &settings.access, below, layers, clock)?,
        (None, Below::World(_)) => {
            return Err(ProviderError::new(FaultKind::Unreachable, "the built-in world has no kubeconfig"));
        }
        (None, Below::Network(environment)) => when_made(layers, by_kubeconfig(settings, environment, &found), clock),
    };
    let risk = settings.risk.unwrap_or_else(|| config.risk_of(&settings.environment));
    let source = SourceName::new(name);
    let mut scope = Scope::new(source.clone(), settings.environment.clone(), risk, settings.namespaces.clone());
    scope.label_selector.clone_from(&settings.selector);
    scope.found = found;
    scope.kubectl = match (&settings.server, below.0) {
        (Some(server), _) => kubectl::by_server(server),
        (None, Below::Network(_)) => kubectl::by_context(settings.kubeconfig.as_deref(), settings.context.as_deref()),
        (None, Below::World(_)) => String::new(),
    };
    for (service, about) in &config.services {
        let here = about.rollouts.iter().filter(|rollout| rollout.connection == name);
        scope.services.extend(here.map(|r| (format!("{}/{}", r.namespace, r.name), ServiceName::new(service))));
    }
    let cluster = Cluster::new(transport, scope, clock.clone());
    let mut connection = Connection::new(source, "kubernetes", settings.interval.min(CLUSTER_INTERVAL));
    for engine in &settings.engines {
        connection.inventories.push(match engine {
            schema::Engine::ArgoRollouts => argo_rollouts::facet(Arc::clone(&cluster)),
            schema::Engine::Deployment => deployment::facet(Arc::clone(&cluster)),
        });
    }
    Ok(gauged(connection, budget, &settings.access))
}

/// The way that a kubeconfig names, read each time anew: who repairs it need not start us again.
fn by_kubeconfig(settings: &schema::Kubernetes, environment: &BTreeMap<String, String>, found: &Found) -> Maker {
    let access = Arc::new(kubeconfig(settings, environment));
    let found = found.clone();
    let maker = Maker::new(move || {
        let (access, found) = (Arc::clone(&access), found.clone());
        async move {
            let way = kubernetes::connect::way(&access).await?;
            found.keep(way.what);
            Ok(Made { leaf: way.leaf, proxy: way.proxy, life: way.life })
        }
    });
    // It may name a credential plugin, which has its own time limit; a watch waits for that.
    maker.sparing().patient(program::LIMIT + Duration::from_secs(1))
}

fn kubeconfig(settings: &schema::Kubernetes, environment: &BTreeMap<String, String>) -> Access {
    Access {
        kubeconfig: settings.kubeconfig.clone(),
        usual: kubernetes::connect::usual_files(environment),
        context: settings.context.clone(),
        proxies: reach::proxies(environment),
        path: environment.get("PATH").cloned(),
    }
}

fn metrics(
    config: &Config,
    name: &str,
    settings: &schema::Prometheus,
    below: (&Below, &Credentials),
    clock: &SharedClock,
) -> Result<Connection, ProviderError> {
    let access = &settings.access;
    let (transport, budget) = wire(&settings.url, access, below, reach::layers(name, access), clock)?;
    let preset = match (&settings.preset, &settings.queries) {
        (_, Some(queries)) => preset_of(queries),
        (Some(preset), None) => {
            presets::named(preset).map_err(|why| ProviderError::new(FaultKind::Unreadable, why.to_string()))?
        }
        // `config check` has said so already; this is for a configuration that nobody checked.
        (None, None) => return Err(ProviderError::new(FaultKind::Unreadable, "neither a preset nor queries are set")),
    };
    let named = config.services.keys().map(ServiceName::new);
    let labels = named
        .map(|service| {
            let label = config.metrics_name(&service);
            (service, label)
        })
        .collect();
    let settings = prometheus::Settings {
        matchers: settings.matchers.clone(),
        strata: settings.strata.clone(),
        labels,
        interval: settings.interval,
        scrape: settings.step / 2,
        ..prometheus::Settings::new(preset)
    };
    Ok(gauged(prometheus::over(SourceName::new(name), transport, settings, Arc::clone(clock)), budget, access))
}

fn preset_of(queries: &schema::Queries) -> Preset {
    Preset {
        service_label: queries.service_label.clone(),
        version_label: queries.version_label.clone(),
        latency_unit: match queries.latency_unit {
            schema::LatencyUnit::Milliseconds => LatencyUnit::Milliseconds,
            schema::LatencyUnit::Seconds => LatencyUnit::Seconds,
        },
        rate: queries.rate.clone(),
        error_ratio: queries.error_ratio.clone(),
        buckets: queries.buckets.clone(),
        requests_total: queries.requests_total.clone(),
        errors_total: queries.errors_total.clone(),
        buckets_total: queries.buckets_total.clone(),
        histogram_total: queries.histogram_total.clone(),
        pod_label: queries.pod_label.clone(),
        service_matcher: queries.service_matcher.clone(),
        notes: String::new(),
    }
}

fn forge(
    config: &Config,
    name: &str,
    settings: &schema::Github,
    below: (&Below, &Credentials),
    clock: &SharedClock,
) -> Result<Connection, ProviderError> {
    // The token is put below octocrab, on requests that name a path only: a log lies on another host, and no token may reach it.
    let (shared, roots) = github::Roots::of(&settings.base_url);
    let access = &settings.access;
    let (transport, budget) = wire(shared, access, below, reach::layers(name, access), clock)?;
    let repos = config.repositories(name).into_iter().filter_map(|repository| watched(config, repository)).collect();
    let settings =
        github::Settings { name: SourceName::new(name), roots, token: None, repos, interval: settings.interval };
    let connection = github::over(transport, settings, clock.clone())
        .map_err(|why| ProviderError::new(FaultKind::Unreadable, why.to_string()))?;
    Ok(gauged(connection, budget, access))
}

fn watched(config: &Config, repository: schema::Repository) -> Option<github::Repository> {
    let (owner, repo) = repository.name.split_once('/')?;
    let environment = |name: &EnvironmentName| Environment { name: name.clone(), risk: config.risk_of(name) };
    Some(github::Repository {
        owner: owner.to_owned(),
        repo: repo.to_owned(),
        service: repository.service.unwrap_or_else(|| ServiceName::new(repo)),
        environments: repository
            .environments
            .iter()
            .map(|(theirs, ours)| (theirs.clone(), environment(ours)))
            .collect(),
    })
}
