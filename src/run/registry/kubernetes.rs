//! From the settings of a cluster to its providers: one for each engine that moves rollouts there.

mod found;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use strum::IntoEnumIterator;

use crate::{
    config::{
        self,
        kind::kubernetes::{Contexts, Engine, Kubernetes, Pair},
        note::Wrong,
    },
    domain::observed::FaultKind,
    port::{error::ProviderError, facet::Connection},
    program,
    provider::{
        argo_rollouts,
        controller_revision::{
            self,
            api::{DaemonSet, StatefulSet, Workload},
        },
        deployment, deployment_pair, flagger, flux,
        http::{Made, Maker},
        kubernetes::{
            Cluster, Scope,
            connect::{self, Access},
            examine, facade, kubectl, logs, preflight,
            scope::{Found, Pairing},
            settings,
        },
    },
    run::{
        reach,
        registry::{Below, Wired, Wiring, gauged},
    },
};

pub(super) use self::found::found;

/// How often a cluster must prove that it is alive at least: two missed proofs are said within ten seconds (F2).
const INTERVAL: Duration = Duration::from_secs(5);

impl Wired for Kubernetes {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let found = Found::default();
        let (transport, budget) = match (&self.server, wiring.below) {
            (Some(server), _) => wiring.wire(server, &self.access)?,
            (None, Below::World(_)) => {
                return Err(ProviderError::new(FaultKind::Unreachable, "the built-in world has no kubeconfig"));
            }
            (None, Below::Network(environment)) => {
                wiring.when_made(wiring.layers(&self.access), by_kubeconfig(self, environment, &found))
            }
        };
        let cluster = Cluster::new(transport, scope(self, wiring, found), wiring.clock.clone());
        let mut connection = Connection::new(wiring.source(), "kubernetes", self.interval.min(INTERVAL));
        let mut workloads: Vec<Arc<dyn logs::Workloads>> = Vec::new();
        let mut configured: Vec<Arc<dyn settings::Configured>> = Vec::new();
        let mut flown: Vec<Arc<dyn preflight::Flown>> = Vec::new();
        let mut examined = Vec::new();
        for engine in self.sought() {
            match engine {
                Engine::ArgoRollouts => {
                    examined.push(argo_rollouts::ENGINE);
                    let engine = argo_rollouts::engine(Arc::clone(&cluster));
                    workloads.push(engine.clone());
                    configured.push(engine.clone());
                    flown.push(engine.clone());
                    connection.inventories.push(engine);
                }
                Engine::Flagger => {
                    examined.push(flagger::ENGINE);
                    let engine = flagger::engine(Arc::clone(&cluster));
                    workloads.push(engine.clone());
                    configured.push(engine.clone());
                    connection.inventories.push(engine);
                }
                Engine::Deployment => {
                    examined.push(deployment::ENGINE);
                    let engine = deployment::engine(Arc::clone(&cluster));
                    workloads.push(engine.clone());
                    configured.push(engine.clone());
                    flown.push(engine.clone());
                    connection.inventories.push(engine);
                }
                Engine::StatefulSet => {
                    examined.push(controller_revision::STATEFUL_SET);
                    let engine = controller_revision::engine::<StatefulSet>(Arc::clone(&cluster));
                    workloads.push(engine.clone());
                    configured.push(engine.clone());
                    connection.inventories.push(engine);
                }
                Engine::DeploymentPair => {
                    examined.push(deployment_pair::ENGINE);
                    connection.inventories.push(deployment_pair::engine(Arc::clone(&cluster)));
                }
                Engine::DaemonSet => {
                    examined.push(controller_revision::DAEMON_SET);
                    let engine = controller_revision::engine::<DaemonSet>(Arc::clone(&cluster));
                    workloads.push(engine.clone());
                    configured.push(engine.clone());
                    connection.inventories.push(engine);
                }
                Engine::Flux => {
                    examined.push(flux::ENGINE);
                    let (facets, releases) = flux::facets(&cluster);
                    configured.push(releases);
                    connection.inventories.extend(facets);
                }
            }
        }
        connection.examiner = Some(examine::examiner(&cluster, examined));
        connection.lookups.push(logs::lookup(&cluster, workloads, connection.interval));
        connection.lookups.push(settings::lookup(&cluster, configured));
        connection.lookups.push(preflight::lookup(&cluster, flown));
        Ok(gauged(connection, budget, &self.access))
    }

    fn wrong(&self, environment: &BTreeMap<String, String>) -> Vec<Wrong> {
        if self.server.is_some() {
            return Vec::new();
        }
        let found = connect::contexts(self.kubeconfig.as_deref(), &connect::usual_files(environment));
        self.held_against(found.map(|(names, current)| Contexts { names, current }))
    }

    fn unmade(&self, access: &config::access::Access, environment: &BTreeMap<String, String>) -> Option<String> {
        if self.server.is_some() {
            return reach::unreadable(access, environment);
        }
        connect::unusable(&by_file(self, environment))
    }

    fn elsewhere(&self, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        let named = self.server.is_some() || self.kubeconfig.is_some();
        if named { Vec::new() } else { connect::usual_files(environment) }
    }

    fn unproven(&self, name: &str, environment: &BTreeMap<String, String>) -> Option<String> {
        let (file, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        let by_kubeconfig = self.server.is_none();
        let unverified = by_kubeconfig && connect::unverified(file, &connect::usual_files(environment), context);
        unverified.then(|| facade::unproven(name))
    }
}

/// As the field writes it.
fn words(engine: Engine) -> &'static str {
    match engine {
        Engine::ArgoRollouts => argo_rollouts::WORDS,
        Engine::Flagger => flagger::WORDS,
        Engine::Deployment => deployment::WORDS,
        Engine::StatefulSet => StatefulSet::WORDS,
        Engine::DaemonSet => DaemonSet::WORDS,
        Engine::Flux => flux::WORDS,
        Engine::DeploymentPair => deployment_pair::WORDS,
    }
}

/// What is looked at there, and how what is found belongs to services.
fn scope(settings: &Kubernetes, wiring: &Wiring<'_>, found: Found) -> Scope {
    let risk = settings.risk.unwrap_or_else(|| wiring.config.risk_of(&settings.environment));
    let mut scope = Scope::new(wiring.source(), settings.environment.clone(), risk, settings.namespaces.clone());
    scope.label_selector.clone_from(&settings.selector);
    scope.found = found;
    let sought = settings.sought();
    scope.takes_what_is_there = settings.engines.is_none();
    // What is looked for only where it is declared is missed nowhere.
    let left_out = |engine: &Engine| *engine != Engine::DeploymentPair && !sought.contains(engine);
    scope.unsought = Engine::iter().filter(left_out).map(words).collect();
    let pairing = |pair: &Pair| Pairing { deployments: pair.deployments.clone(), switch: pair.switch.clone() };
    scope.pairs = settings.pairs.iter().map(|pair| (pair.service.clone(), pairing(pair))).collect();
    scope.kubectl = match (&settings.server, wiring.below) {
        (Some(server), _) => kubectl::by_server(server),
        (None, Below::Network(_)) => kubectl::by_context(settings.kubeconfig.as_deref(), settings.context.as_deref()),
        (None, Below::World(_)) => String::new(),
    };
    let named = wiring.config.named(wiring.name);
    scope.services.extend(named.map(|(service, path)| (path.to_owned(), service)));
    scope
}

/// The way that a kubeconfig names, read each time anew: who repairs it need not start us again.
fn by_kubeconfig(settings: &Kubernetes, environment: &BTreeMap<String, String>, found: &Found) -> Maker {
    let access = Arc::new(by_file(settings, environment));
    let (found, files) = (found.clone(), Arc::clone(&access));
    let maker = Maker::new(move || {
        let (access, found) = (Arc::clone(&access), found.clone());
        async move {
            let way = connect::way(&access).await?;
            found.keep(way.what);
            Ok(Made { leaf: way.leaf, proxy: way.proxy, life: way.life })
        }
    });
    // It may name a credential plugin, which has its own time limit; a watch waits for that.
    let maker = maker.watching(move || connect::files(&files));
    maker.sparing().patient(program::LIMIT + Duration::from_secs(1))
}

fn by_file(settings: &Kubernetes, environment: &BTreeMap<String, String>) -> Access {
    Access {
        kubeconfig: settings.kubeconfig.clone(),
        usual: connect::usual_files(environment),
        context: settings.context.clone(),
        proxies: reach::proxies(environment),
        path: environment.get("PATH").cloned(),
    }
}
