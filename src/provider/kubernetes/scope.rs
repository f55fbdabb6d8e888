//! Which part of a cluster is looked at, and what its objects are called on screen.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::text::shell_word;
use crate::domain::{
    ids::{EnvironmentName, ServiceName, SourceName},
    offer::Risk,
};

/// A part of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The connection's name.
    pub source: SourceName,
    /// The cluster's name in sentences.
    pub cluster: String,
    /// What runs there is this environment.
    pub environment: EnvironmentName,
    /// What a mistake costs there.
    pub risk: Risk,
    /// These namespaces; empty means all of them.
    pub namespaces: Vec<String>,
    /// Only objects with these labels, in Kubernetes' own form: `team=payments,tier in (api,web)`.
    pub label_selector: Option<String>,
    /// Nobody named the engines that are looked for: where a cluster does not have one, there is nothing of it.
    pub takes_what_is_there: bool,
    /// Engines that it is not looked for, as the field writes them: what they move is there all the same.
    pub unsought: Vec<&'static str>,
    /// Services whose objects are called otherwise, by `namespace/name`. All others are called as their object.
    pub services: BTreeMap<String, ServiceName>,
    /// Two Deployments that are one release behind a Service, by its `namespace/name`.
    pub pairs: BTreeMap<String, Pairing>,
    /// The flags that lead kubectl to this cluster: `--context prod-eu`, as far as the configuration says; see
    /// [`Scope::kubectl`].
    pub kubectl: String,
    /// What the kubeconfig says, once it was read.
    pub found: Found,
}

/// Two Deployments that are one release, as somebody declares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Their names; without a switch the stable one first.
    pub deployments: [String; 2],
    /// The label of the Service's selector that moves between them; without it the Service selects both.
    pub switch: Option<String>,
}

/// What a kubeconfig says of a context, beside the way to its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct What {
    /// Its name.
    pub context: Option<String>,
    /// The namespace that is meant where none is named.
    pub namespace: Option<String>,
    /// Is the cluster's certificate not looked at?
    pub unverified: bool,
}

/// A place for that: the kubeconfig is read when the cluster is first asked, and again later.
#[derive(Clone, Debug, Default)]
pub struct Found(Arc<Mutex<What>>);

impl Found {
    /// Keeps it.
    pub fn keep(&self, what: What) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// What was found; nothing before it was read.
    pub fn get(&self) -> What {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Found {}

impl Scope {
    /// Everything in these namespaces.
    pub fn new(source: SourceName, environment: EnvironmentName, risk: Risk, namespaces: Vec<String>) -> Self {
        let cluster = source.to_string();
        Self {
            source,
            cluster,
            environment,
            risk,
            namespaces,
            label_selector: None,
            takes_what_is_there: false,
            unsought: Vec::new(),
            services: BTreeMap::new(),
            pairs: BTreeMap::new(),
            kubectl: String::new(),
            found: Found::default(),
        }
    }

    /// The flags that lead kubectl to this cluster. Where the configuration names no context, the one that is current now is
    /// named: it may be another one when somebody runs the command.
    pub fn kubectl(&self) -> String {
        let current = self.found.get().context.filter(|_| !self.kubectl.contains("--context "));
        let current = current.filter(|context| !context.is_empty() && !self.kubectl.contains("--server "));
        let context = current.map(|context| format!("--context {}", shell_word(&context)));
        let flags = Some(self.kubectl.clone()).filter(|flags| !flags.is_empty());
        flags.into_iter().chain(context).collect::<Vec<_>>().join(" ")
    }

    /// The service that an object belongs to.
    pub fn service(&self, namespace: &str, name: &str) -> ServiceName {
        self.services.get(&format!("{namespace}/{name}")).cloned().unwrap_or_else(|| ServiceName::new(name))
    }

    /// One entry for each request that covers the scope: a namespace, or `None` for the whole cluster.
    pub fn spaces(&self) -> Vec<Option<String>> {
        if self.namespaces.is_empty() { vec![None] } else { self.namespaces.iter().cloned().map(Some).collect() }
    }
}
