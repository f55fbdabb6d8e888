//! Which part of a cluster is looked at, and what its objects are called on screen.

use std::collections::BTreeMap;

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
    /// Services whose objects are called otherwise, by `namespace/name`. All others are called as their object.
    pub services: BTreeMap<String, ServiceName>,
    /// The flags that lead kubectl to this cluster: `--context prod-eu`.
    pub kubectl: String,
    /// Is the cluster's certificate not looked at, because the kubeconfig says so?
    pub unverified: bool,
}

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
            services: BTreeMap::new(),
            kubectl: String::new(),
            unverified: false,
        }
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
