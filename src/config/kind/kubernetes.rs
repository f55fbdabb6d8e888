//! A Kubernetes cluster as a connection of the configuration, with the engines that move rollouts there.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoEnumIterator};

use crate::{
    config::{
        access::Access,
        check::Known,
        kind::{Connection, Kind, Settings},
        note::{Notes, Wrong, none_of, wrong},
        object::Objects,
        span, tree,
    },
    domain::{ids::EnvironmentName, offer::Risk},
};

mod selector;

pub(super) static KIND: Kind = Kind {
    name: "kubernetes",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Kubernetes),
    open: &["context", "engines", "environment", "interval", "kubeconfig", "namespaces", "risk", "selector"],
    addresses: &["server"],
    tables: &["pairs"],
    objects: Some(Objects {
        key: "rollouts",
        several: true,
        form: "NAMESPACE/NAME",
        parts: 2..=2,
        list: None,
        patterns: false,
        odd: no_object,
    }),
};

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
    /// The engines that are looked for: `argo_rollouts`, `flagger`, `deployment`, `stateful_set`, `daemon_set`, `flux`,
    /// `deployment_pair`. Without it all of them but the last, as far as the cluster has them.
    pub engines: Option<Vec<Engine>>,
    /// Two Deployments behind one Service that are one release: a canary by label, or blue and green.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
    /// How often it must prove that it answers, beside what its watches tell; more than 5 s counts as 5 s. Where nothing is in flight
    /// and nobody looks, every 30 s.
    #[serde(default = "five_seconds", with = "span")]
    pub interval: Duration,
}

/// An engine that moves rollouts on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Argo Rollouts, `argoproj.io/v1alpha1`.
    ArgoRollouts,
    /// Flagger, `flagger.app/v1beta1`.
    Flagger,
    /// A plain Kubernetes Deployment.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
    /// A `DaemonSet`.
    DaemonSet,
    /// Flux: Kustomizations, HelmReleases and image automations.
    Flux,
    /// Two Deployments behind one Service; looked for where `pairs` declares some, or it is named.
    DeploymentPair,
}

/// Two Deployments behind one Service that are one release.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The Service: `NAMESPACE/NAME`.
    pub service: String,
    /// The two Deployments of its namespace; of a canary the stable one first.
    pub deployments: [String; 2],
    /// The label of the Service's selector that is switched between them; without it the Service selects both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

impl Kubernetes {
    /// The engines that are looked for.
    pub fn sought(&self) -> Vec<Engine> {
        let pairs = !self.pairs.is_empty();
        let usual = || Engine::iter().filter(|engine| *engine != Engine::DeploymentPair).collect();
        let mut sought: Vec<Engine> = self.engines.clone().unwrap_or_else(usual);
        if pairs && !sought.contains(&Engine::DeploymentPair) {
            sought.push(Engine::DeploymentPair);
        }
        sought
    }
}

impl Settings for Kubernetes {
    fn address(&self) -> Option<(&'static str, &str)> {
        self.server.as_deref().map(|server| ("server", server))
    }

    fn environments(&self) -> Vec<&str> {
        vec![self.environment.as_str()]
    }

    fn overlaps(&self, other: &Connection) -> bool {
        let Connection::Kubernetes(other) = other else { return false };
        let address = |it: &Self| it.server.as_ref().map(|server| server.trim_end_matches('/').to_ascii_lowercase());
        let way = |it: &Self| (address(it), it.kubeconfig.clone(), it.context.clone());
        let any = |own: &[String], others: &[String]| {
            own.is_empty() || others.is_empty() || own.iter().any(|one| others.contains(one))
        };
        // Other labels may keep apart what is in one namespace.
        way(self) == way(other)
            && any(&self.namespaces, &other.namespaces)
            && self.sought().iter().any(|engine| other.sought().contains(engine))
            && (self.selector.is_none() || other.selector.is_none() || self.selector == other.selector)
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        notes.once(&["namespaces"]);
        notes.once(&["engines"]);
        for (index, name) in self.namespaces.iter().enumerate().filter(|(_, name)| !selector::is_namespace(name)) {
            notes.add(&["namespaces", &index.to_string()], no_namespace(name));
        }
        if self.engines.as_ref().is_some_and(Vec::is_empty) {
            notes.add(&["engines"], "no engine is looked for: leave `engines` out for all of them");
        }
        for (index, pair) in self.pairs.iter().enumerate() {
            let index = index.to_string();
            if let Some(why) = no_service(&pair.service) {
                notes.add(&["pairs", &index, "service"], why);
            }
            let [one, other] = &pair.deployments;
            if one == other {
                notes.add(&["pairs", &index, "deployments"], "a pair is two Deployments, and this is one");
            }
        }
        if let Some(why) = self.selector.as_deref().and_then(selector::fault) {
            notes.add(&["selector"], why);
        }
        match &self.server {
            None => notes.all(beside_a_kubeconfig(&self.access)),
            Some(_) if self.kubeconfig.is_some() || self.context.is_some() => {
                notes.add(&["server"], "`server` stands instead of `kubeconfig` and `context`: keep one");
            }
            Some(_) => {}
        }
    }
}

fn no_namespace(name: &str) -> String {
    format!("'{name}' is the name of no namespace: small letters, digits and '-', at most 63")
}

/// Why no Service can be called so.
fn no_service(path: &str) -> Option<String> {
    if path.split('/').count() == 2 {
        no_object(path)
    } else {
        Some(format!("'{path}' names no Service: write NAMESPACE/NAME"))
    }
}

/// Why no object of a cluster can be called so.
fn no_object(path: &str) -> Option<String> {
    let (namespace, name) = path.split_once('/')?;
    if !selector::is_namespace(namespace) {
        return Some(no_namespace(namespace));
    }
    (!selector::is_name(name)).then(|| format!("'{name}' is the name of no object: small letters, digits, '-' and '.'"))
}

/// What is there although a kubeconfig says it.
fn beside_a_kubeconfig(access: &Access) -> Vec<Wrong> {
    let of_kubeconfig = |key: &str| match key {
        "token" => "`token` belongs to `server`; a kubeconfig has its own users".to_owned(),
        key => format!("`{key}` belongs to `server`; a kubeconfig says it itself"),
    };
    let more = access.written().into_iter().filter(|key| *key != "timeout");
    more.map(|key| wrong(&[key], of_kubeconfig(key))).collect()
}

/// The contexts of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// Their names.
    pub names: Vec<String>,
    /// The one that is taken where none is named.
    pub current: Option<String>,
}

impl Kubernetes {
    /// What is wrong with it where its kubeconfig has these contexts, or cannot be read. With neither a file nor a context named
    /// we may run in a pod, which has no kubeconfig.
    pub fn held_against(&self, found: Result<Contexts, String>) -> Vec<Wrong> {
        let said = match (found, &self.context) {
            (Ok(found), Some(context)) => none_of("context", context, &found.names).map(|why| wrong(&["context"], why)),
            (Ok(Contexts { names, current }), None) => match current {
                Some(current) if names.contains(&current) => None,
                Some(current) => Some(wrong(
                    &[],
                    format!("the kubeconfig's current context '{current}' is not in it: set `context`"),
                )),
                None => Some(wrong(&[], "the kubeconfig has no current context: set `context`")),
            },
            (Err(why), _) if self.kubeconfig.is_some() => Some(wrong(&["kubeconfig"], why)),
            (Err(why), Some(_)) => {
                Some(wrong(&["context"], format!("the kubeconfig that would have it cannot be read: {why}")))
            }
            (Err(_), None) => None,
        };
        said.into_iter().collect()
    }
}
