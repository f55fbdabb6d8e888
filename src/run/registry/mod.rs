//! The registry: each kind of connection in the configuration becomes a provider over the layers. The next kind is a file of its
//! own below, its `mod` and a line of the table.
//!
//! Here lives what is the same for every kind. Here must not live: what only one kind needs.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use secrecy::SecretString;
use url::Url;

use crate::{
    config::{self, Config, access::Access, draft::Draft, note::Wrong},
    demo::{shared::SharedWorld, transport::transport},
    domain::{
        ids::{EnvironmentName, SourceName},
        observed::FaultKind,
        service::Environment,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Connection, Making},
        wire::Transport,
    },
    provider::http::{Allowance, Budget, Budgets, Layers, Made, Maker, layered, layered_when_made, reqwest_leaf},
    run::reach,
};

mod argocd;
mod aws;
mod buildkite;
mod circleci;
mod codepipeline;
mod flow;
mod found;
mod github;
mod gitlab;
mod jenkins;
mod kubernetes;
mod lambda;
mod loki;
mod oci;
mod prometheus;
mod remotes;

pub(super) use self::{found::Here, prometheus::presets};

/// Where requests go in the end.
#[derive(Clone, Debug)]
pub(super) enum Below {
    /// To the network.
    Network(BTreeMap<String, String>),
    /// To a world in this process: hosts do not matter, paths do.
    World(SharedWorld),
}

/// What a kind's settings are wired by.
fn wired(settings: &config::Connection) -> &dyn Wired {
    match settings {
        config::Connection::Kubernetes(it) => it,
        config::Connection::Github(it) => it,
        config::Connection::Prometheus(it) => it,
        config::Connection::Buildkite(it) => it,
        config::Connection::Loki(it) => it,
        config::Connection::Jenkins(it) => it,
        config::Connection::Gitlab(it) => it,
        config::Connection::Circleci(it) => it,
        config::Connection::Flow(it) => it,
        config::Connection::Codepipeline(it) => it,
        config::Connection::Lambda(it) => it,
        config::Connection::Argocd(it) => it,
        config::Connection::Registry(it) => it,
    }
}

/// What this machine tells of systems before anything is configured. Where things run first: what measures them must be told of which.
pub(super) fn found(here: Here) -> Draft {
    found::found(
        here,
        &[
            kubernetes::found,
            prometheus::found,
            github::found,
            jenkins::found,
            gitlab::found,
            circleci::found,
            flow::found,
            codepipeline::found,
            argocd::found,
        ],
    )
}

/// From the settings of a kind to its provider.
trait Wired {
    /// The connection. What leads to the system is made when it is first asked; an error is only what `config check` refuses too.
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError>;

    /// What the system is known to allow whoever asks; `None` where it tells that itself, or allows as much as one may want.
    fn allowance(&self) -> Option<Allowance> {
        None
    }

    /// What is wrong with the settings as other files of this machine are. Connects to nothing and runs nothing.
    fn wrong(&self, _environment: &BTreeMap<String, String>) -> Vec<Wrong> {
        Vec::new()
    }

    /// Why it could not be made as things are now: what it is asked with is not there, or is no such thing. Connects to nothing
    /// and runs nothing.
    fn unmade(&self, access: &Access, environment: &BTreeMap<String, String>) -> Option<String> {
        reach::unreadable(access, environment)
    }

    /// What is not in the settings and says which system is meant: files that are read where none is named.
    fn elsewhere(&self, _environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        Vec::new()
    }

    /// A sentence where nobody looks at the system's certificate. Connects to nothing.
    fn unproven(&self, _name: &str, _environment: &BTreeMap<String, String>) -> Option<String> {
        None
    }
}

/// The budgets, by address and by what of the settings says who we are there.
type Credentials = Budgets<(String, Access)>;

/// What one connection is made of, beside its settings.
struct Wiring<'a> {
    /// The whole configuration.
    config: &'a Config,
    /// The connection's name.
    name: &'a str,
    /// Where its requests go.
    below: &'a Below,
    credentials: &'a Credentials,
    /// What the system is known to allow.
    allowance: Option<Allowance>,
    clock: &'a SharedClock,
    /// Whether what leads there is being made.
    making: Making,
}

/// Every connection of a configuration. What leads to a system is made when it is first asked: where that cannot be made, the
/// connection says so to each request, and the others go on. An error is only what `config check` refuses too.
pub(super) fn connect(config: &Config, below: &Below, clock: &SharedClock) -> Result<Vec<Connection>, ProviderError> {
    let credentials = Credentials::default();
    let each = config.connections.iter().map(|(name, settings)| {
        let (credentials, allowance, making) = (&credentials, wired(settings).allowance(), Making::default());
        let wiring = Wiring { config, name, below, credentials, allowance, clock, making: making.clone() };
        let named =
            |error: ProviderError| ProviderError { text: format!("connection '{name}': {}", error.text), ..error };
        wired(settings).connect(&wiring).map(|made| Connection { making, ..made }).map_err(named)
    });
    each.collect()
}

/// What other files of this machine say against a connection's settings. Connects to nothing and runs nothing.
pub(super) fn wrong(settings: &config::Connection, environment: &BTreeMap<String, String>) -> Vec<Wrong> {
    wired(settings).wrong(environment)
}

/// A sentence for each system whose certificate nobody looks at, because the settings say so. Connects to nothing.
pub(super) fn unproven(config: &Config, environment: &BTreeMap<String, String>) -> Vec<String> {
    let each = config.connections.iter();
    each.filter_map(|(name, settings)| wired(settings).unproven(name, environment)).collect()
}

/// What is not in the configuration and says which systems are meant.
pub(super) fn elsewhere(config: &Config, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    config.connections.values().flat_map(|settings| wired(settings).elsewhere(environment)).collect()
}

/// A sentence for each connection that could not be made as things are now. Connects to nothing and runs nothing.
pub(super) fn unmade(config: &Config, environment: &BTreeMap<String, String>) -> Vec<String> {
    let each = config.connections.iter().filter_map(|(name, settings)| {
        let why = wired(settings).unmade(settings.access(), environment);
        why.map(|why| format!("{name} cannot be asked as things are now: {why}"))
    });
    each.collect()
}

impl Wiring<'_> {
    fn source(&self) -> SourceName {
        SourceName::new(self.name)
    }

    /// The layers of its requests.
    fn layers(&self, access: &Access) -> Layers {
        let layers = reach::layers(self.name, access);
        Layers { budget: self.allowance.map_or(layers.budget, Budget::new), ..layers }
    }

    /// An environment with what a mistake costs there.
    fn environment(&self, name: &EnvironmentName) -> Environment {
        Environment { name: name.clone(), risk: self.config.risk_of(name) }
    }

    /// What requests to `url` go through: the way there, and the layers around it.
    fn wire(&self, url: &str, access: &Access) -> Result<(Transport, Budget), ProviderError> {
        self.wire_around(url, access, None)
    }

    /// The same, where each request is signed with the name and the password of the settings, which are not sent.
    fn wire_signed(&self, url: &str, access: &Access, sign: Sign) -> Result<(Transport, Budget), ProviderError> {
        self.wire_around(url, access, Some((sign, self.clock.clone())))
    }

    fn wire_around(
        &self,
        url: &str,
        access: &Access,
        around: Option<(Sign, SharedClock)>,
    ) -> Result<(Transport, Budget), ProviderError> {
        // What cannot be read as an address may hold a password: it is not quoted.
        let address = Url::parse(url)
            .map_err(|why| ProviderError::new(FaultKind::Unreachable, format!("its address is no URL: {why}")))?;
        // What a system allows, it allows whoever has the credential, by whichever connection. By the whole address, for one host
        // may have several systems.
        let who = (address.to_string(), access.credential());
        let layers = self.layers(access);
        let layers = Layers { budget: self.credentials.of(who, &layers.budget), ..layers };
        Ok(match self.below {
            Below::World(world) => {
                let budget = layers.budget.clone();
                let leaf = transport(world.clone(), self.clock.clone(), address.path());
                (layered(leaf, layers, self.clock.clone()), budget)
            }
            Below::Network(environment) => self.when_made(layers, by_settings(address, access, environment, around)),
        })
    }

    /// The same for a way that is made when it is first asked.
    fn when_made(&self, layers: Layers, maker: Maker) -> (Transport, Budget) {
        let budget = layers.budget.clone();
        (layered_when_made(maker.noted(self.making.clone()), layers, self.clock.clone()), budget)
    }
}

/// How a kind signs: around the way there, with a name and a password, for this address.
type Sign = fn(Transport, (SecretString, SecretString), &Url, SharedClock) -> Transport;

/// The way that the settings name; where requests are signed, with what signs them around it.
fn by_settings(
    address: Url,
    access: &Access,
    environment: &BTreeMap<String, String>,
    around: Option<(Sign, SharedClock)>,
) -> Maker {
    let (runs, files) = (access.runs_a_command(), access.files());
    let (access, environment) = (Arc::new(access.clone()), Arc::new(environment.clone()));
    let maker = Maker::new(move || {
        let (address, access) = (address.clone(), Arc::clone(&access));
        let (environment, around) = (Arc::clone(&environment), around.clone());
        // A token's command takes its time, and a disk may.
        let made = tokio::task::spawn_blocking(move || {
            let Some((sign, clock)) = around else {
                let base = reach::base(address, &access, &environment)?;
                return Ok(Made::lasting(reqwest_leaf(&base)?, base.proxy));
            };
            let (base, key) = reach::signing(address.clone(), &access, &environment)?;
            let leaf = reqwest_leaf(&base)?;
            let leaf = key.map_or_else(|| leaf.clone(), |key| sign(leaf.clone(), key, &address, clock));
            Ok(Made::lasting(leaf, base.proxy))
        });
        async move { made.await.unwrap_or_else(|_| Err(interrupted())) }
    });
    let maker = maker.watching(move || files.clone());
    if runs { maker.sparing() } else { maker }
}

fn interrupted() -> ProviderError {
    ProviderError::new(FaultKind::Unreachable, "what leads there was not made to its end")
}

/// The connection, telling what is left to ask of it, and how long it may take.
fn gauged(connection: Connection, budget: Budget, access: &Access) -> Connection {
    let timeout = access.timeout.unwrap_or(connection.timeout);
    Connection { budget: Some(Arc::new(move |now| budget.state(now).remaining)), timeout, ..connection }
}
