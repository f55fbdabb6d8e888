//! A cluster as a scenario describes it, and the kubeconfig that leads to the clusters of a served world.

use std::{fmt::Write, sync::Arc};

use serde::Deserialize;
use toml::{
    Table, Value,
    de::{Error, ValueDeserializer},
};

use super::{Action, Cluster, ClusterSpec, ServiceSpec, setup::bound_kind};
use crate::{
    demo::{
        blueprint::{Blueprint, Connection, Event, Ground, Kind, Mount, Node, former, timed},
        system::{Acting, Scripted, System},
    },
    domain::{
        ids::{EnvironmentName, SourceName},
        offer::Risk,
        time::Timestamp,
    },
};

/// Clusters: `kind = "kubernetes"`. A scenario had them as `[[cells]]` before.
pub(crate) const KIND: Kind = Kind {
    name: "kubernetes",
    read,
    former: |root| Ok(former(root, "cells")),
    files: |base, mounts| vec![("kubeconfig", kubeconfig(base, mounts.iter().map(Mount::name)))],
};

fn read(node: Node<'_>) -> Result<Arc<dyn Blueprint>, Error> {
    Ok(Arc::new(Cell::deserialize(ValueDeserializer::from(node))?))
}

/// One cluster, and what happens in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    /// Its name in paths: `eu` is served at `/kubernetes/eu`.
    name: String,
    /// The environment that it is.
    environment: EnvironmentName,
    /// What a mistake costs there.
    risk: Risk,
    /// What the connection to it is called.
    connection: SourceName,
    /// What is in it.
    cluster: ClusterSpec,
    /// What happens in it.
    #[serde(default)]
    script: Vec<Event<Action>>,
}

impl Blueprint for Cell {
    fn mount(&self) -> Mount {
        Mount::new(format!("/kubernetes/{}", self.name))
    }

    fn cell(&self) -> Option<(&str, &EnvironmentName)> {
        Some((&self.name, &self.environment))
    }

    fn check(&self, ground: &Ground<'_>) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(format!("a cell is named '{}': use letters, digits and '-'", self.name));
        }
        if let Some(event) = self.script.iter().find(|event| event.at.from(ground.start) < ground.begins) {
            let minutes = event.at.delta().num_minutes();
            return Err(format!("cell '{}': an event at {minutes} min lies before the history begins", self.name));
        }
        if let Some(bound) = self.cluster.bounds.iter().find(|bound| bound_kind(bound).is_none()) {
            let kinds = "ResourceQuota, HorizontalPodAutoscaler or PodDisruptionBudget with a namespace and a name";
            return Err(format!("cell '{}': a bound is no {kinds}: {bound}", self.name));
        }
        Ok(())
    }

    fn build(&self, ground: &Ground<'_>) -> Result<Box<dyn System>, String> {
        let cluster = Cluster::new(&self.name, &self.cluster, ground.seed, ground.begins);
        let cluster = if self.cluster.token.is_none() { cluster.guarded() } else { cluster };
        Ok(Box::new(Scripted::new(cluster, timed(&self.script, ground.start))))
    }

    fn connection(&self, address: &str, _: &Ground<'_>) -> Connection {
        let rollouts = self.cluster.rollouts.iter().map(|rollout| &rollout.namespace);
        let deployments = self.cluster.deployments.iter().map(|deployment| &deployment.namespace);
        let stateful = self.cluster.stateful_sets.iter().map(|set| &set.namespace);
        let daemons = self.cluster.daemon_sets.iter().map(|set| &set.namespace);
        let canaries = self.cluster.canaries.iter().map(|canary| &canary.namespace);
        let all = rollouts.chain(deployments).chain(stateful).chain(daemons).chain(canaries).chain(flux(&self.cluster));
        let mut namespaces: Vec<String> = all.cloned().collect();
        namespaces.sort();
        namespaces.dedup();
        let mut settings = Table::new();
        settings.insert("kind".to_owned(), KIND.name.into());
        settings.insert("environment".to_owned(), self.environment.as_str().into());
        settings.insert("risk".to_owned(), self.risk.to_string().into());
        settings.insert("server".to_owned(), address.into());
        settings.insert("namespaces".to_owned(), namespaces.into());
        let pairs: Vec<Value> = self.cluster.services.iter().filter_map(pair).collect();
        if !pairs.is_empty() {
            settings.insert("pairs".to_owned(), pairs.into());
        }
        Connection {
            name: self.connection.clone(),
            settings,
            environments: vec![(self.environment.clone(), Some(self.risk))],
        }
    }
}

/// How a configuration declares two Deployments that are one release.
fn pair(service: &ServiceSpec) -> Option<Value> {
    let deployments = service.pair.clone()?;
    let mut pair = Table::new();
    pair.insert("service".to_owned(), format!("{}/{}", service.namespace, service.name).into());
    pair.insert("deployments".to_owned(), deployments.to_vec().into());
    pair.extend(service.switch.clone().map(|label| ("switch".to_owned(), label.into())));
    Some(pair.into())
}

impl Acting for Cluster {
    type Action = Action;

    fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        Self::act(self, now, action).map_err(|error| error.to_string())
    }
}

/// The namespaces of Flux's objects.
fn flux(spec: &ClusterSpec) -> impl Iterator<Item = &String> {
    let applied = spec.kustomizations.iter().map(|it| &it.namespace);
    let installed = spec.helm_releases.iter().map(|it| &it.namespace);
    spec.git.iter().map(|it| &it.namespace).chain(applied).chain(installed)
}

/// A kubeconfig for the cells of a served world: one context each, named like the cell, the first one current. `base` is
/// where the world is served, without a slash at the end: `http://127.0.0.1:8001`.
pub fn kubeconfig<'a>(base: &str, cells: impl IntoIterator<Item = &'a str>) -> String {
    let (mut clusters, mut contexts, mut current) = (String::new(), String::new(), None);
    for cell in cells {
        // Writing to a String cannot fail.
        let _ = write!(clusters, "- name: {cell}\n  cluster:\n    server: {base}/kubernetes/{cell}\n");
        let _ = write!(contexts, "- name: {cell}\n  context:\n    cluster: {cell}\n    user: demo\n");
        current.get_or_insert(cell);
    }
    let current = current.unwrap_or_default();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {current}\nclusters:\n{clusters}contexts:\n{contexts}users:\n\
         - name: demo\n  user: {{}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_has_a_context_for_each_cell_and_the_first_is_current() {
        assert_eq!(
            kubeconfig("http://127.0.0.1:8001", ["eu", "us"]),
            "apiVersion: v1\nkind: Config\ncurrent-context: eu\nclusters:\n\
             - name: eu\n  cluster:\n    server: http://127.0.0.1:8001/kubernetes/eu\n\
             - name: us\n  cluster:\n    server: http://127.0.0.1:8001/kubernetes/us\n\
             contexts:\n- name: eu\n  context:\n    cluster: eu\n    user: demo\n\
             - name: us\n  context:\n    cluster: us\n    user: demo\n\
             users:\n- name: demo\n  user: {}\n"
        );
    }
}
