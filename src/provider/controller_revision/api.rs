//! The wire structs of `StatefulSets` and `DaemonSets`, as far as we read them, and what both say alike.
//!
//! Sources: `k8s.io/api/apps/v1`, `pkg/controller/statefulset` and `pkg/controller/daemon` of Kubernetes.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::kubernetes::{
    api::{Meta, Object, lenient},
    request::Resource,
    template::Template,
};

/// `StatefulSets`.
pub const STATEFUL_SETS: Resource =
    Resource { group: "apps", version: "v1", plural: "statefulsets", product: "Kubernetes apps/v1" };
/// `DaemonSets`.
pub const DAEMON_SETS: Resource =
    Resource { group: "apps", version: "v1", plural: "daemonsets", product: "Kubernetes apps/v1" };
/// What their versions are kept in.
pub const CONTROLLER_REVISIONS: Resource =
    Resource { group: "apps", version: "v1", plural: "controllerrevisions", product: "Kubernetes apps/v1" };

/// The label by which pods of one version are known: of a `StatefulSet` the whole name of the `ControllerRevision`, of a `DaemonSet`
/// only the hash at its end.
pub use crate::provider::kubernetes::pods::REVISION_LABEL as HASH_LABEL;

/// Annotation of ours on a `StatefulSet` that is paused: what its partition was before, which a resume puts back.
pub const BEFORE: &str = "holdshort.dev/partition-before";

/// A workload whose versions are `ControllerRevisions`.
pub trait Workload: Object {
    /// The family of its rollouts.
    const FAMILY: &'static str;
    /// As the field writes it.
    const WORDS: &'static str;
    /// Where its objects are.
    const RESOURCE: Resource;
    /// As kubectl calls one: `statefulset`.
    const KUBECTL: &'static str;
    /// Can it be held at a part of its pods?
    const HOLDS: bool;

    /// What its pods are to run.
    fn template(&self) -> &Template;
    /// Which pods are its own.
    fn selector(&self) -> &Value;
    /// What its controller counts.
    fn counts(&self) -> Counts;
    /// The generation that the controller has taken up.
    fn observed(&self) -> i64;
    /// How its pods are exchanged.
    fn exchange(&self) -> Exchange;
    /// What its pods carry as [`HASH_LABEL`] where they are of this revision.
    fn hash_of(revision: &Meta) -> String;
    /// The revision that served before, where the controller names one, as its pods carry it.
    fn current(&self) -> Option<&str> {
        None
    }
    /// The partition: so many pods, counted from the first, keep the version that served before.
    fn partition(&self) -> u32 {
        0
    }
    /// Must every pod be ready before another one is made or taken away?
    fn is_ordered(&self) -> bool {
        false
    }

    /// Has the controller taken up the last change of the spec?
    fn is_observed(&self) -> bool {
        self.meta().generation <= self.observed()
    }

    /// Has any controller ever looked at it?
    fn is_taken_up(&self) -> bool {
        self.observed() > 0 || self.counts().all > 0
    }

    /// What the partition was before we paused it, where we did.
    fn before(&self) -> Option<u32> {
        self.meta().annotations.get(BEFORE).map(|text| text.trim().parse().unwrap_or(0))
    }
}

/// What a controller counts of its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Asked for: by the spec, or one for each node that fits.
    pub wanted: u32,
    /// Those that exist.
    pub all: u32,
    /// Those of the template that the spec holds.
    pub updated: u32,
    /// Those that are ready, of whatever version.
    pub ready: u32,
    /// Those that are available, of whatever version.
    pub available: u32,
}

impl Counts {
    /// Those of another version than the spec holds.
    pub fn other(&self) -> u32 {
        self.all.saturating_sub(self.updated)
    }

    /// So many of the version that the spec holds are ready at least, whichever those are that are not.
    pub fn updated_ready(&self) -> u32 {
        self.ready.saturating_sub(self.other())
    }
}

/// How pods are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// One after the other, or a few at a time.
    Rolling,
    /// Not by itself: a pod takes the version on when somebody deletes it.
    OnDelete,
    /// A strategy that we do not know.
    Unknown,
}

/// `spec.updateStrategy`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// `RollingUpdate`, `OnDelete`; the former when absent.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// More of it.
    #[serde(default, deserialize_with = "lenient")]
    pub rolling_update: RollingUpdate,
}

impl Strategy {
    fn exchange(&self) -> Exchange {
        match self.kind.as_str() {
            "" | "RollingUpdate" => Exchange::Rolling,
            "OnDelete" => Exchange::OnDelete,
            _ => Exchange::Unknown,
        }
    }
}

/// `spec.updateStrategy.rollingUpdate`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RollingUpdate {
    /// Of a `StatefulSet`: only pods from this index on are exchanged.
    #[serde(default, deserialize_with = "lenient")]
    pub partition: u32,
}

/// A `StatefulSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct StatefulSet {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: StatefulSetSpec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: StatefulSetStatus,
}

/// `spec` of a `StatefulSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatefulSetSpec {
    /// Pods asked for; one when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: Option<u32>,
    /// Which pods are its own.
    #[serde(default, deserialize_with = "lenient")]
    pub selector: Value,
    /// What runs.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
    /// How pods are exchanged.
    #[serde(default, deserialize_with = "lenient")]
    pub update_strategy: Strategy,
    /// For so many seconds a pod must be ready to be available; at once when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub min_ready_seconds: u32,
    /// `OrderedReady`, `Parallel`; the former when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub pod_management_policy: String,
}

/// `status` of a `StatefulSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatefulSetStatus {
    /// The generation that the controller has taken up.
    #[serde(default, deserialize_with = "lenient")]
    pub observed_generation: i64,
    /// Pods that exist.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: u32,
    /// Pods that are ready.
    #[serde(default, deserialize_with = "lenient")]
    pub ready_replicas: u32,
    /// Pods that are available; a server before Kubernetes 1.22 does not tell.
    #[serde(default, deserialize_with = "lenient")]
    pub available_replicas: Option<u32>,
    /// Pods of the version that the spec holds.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_replicas: u32,
    /// The version that served before, until every pod is of the one that the spec holds.
    #[serde(default, deserialize_with = "lenient")]
    pub current_revision: String,
}

impl StatefulSet {
    /// What is available where the status does not say so. Kubernetes 1.22 to 1.24 leave out a zero, and only there a pod may have to
    /// be ready for a while; before, whatever is ready is available.
    fn available_by_readiness(&self) -> u32 {
        if self.spec.min_ready_seconds == 0 { self.status.ready_replicas } else { 0 }
    }
}

impl Object for StatefulSet {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

impl Workload for StatefulSet {
    const FAMILY: &'static str = "stateful_set";
    const WORDS: &'static str = "StatefulSet";
    const RESOURCE: Resource = STATEFUL_SETS;
    const KUBECTL: &'static str = "statefulset";
    const HOLDS: bool = true;

    fn template(&self) -> &Template {
        &self.spec.template
    }

    fn selector(&self) -> &Value {
        &self.spec.selector
    }

    fn counts(&self) -> Counts {
        let status = &self.status;
        Counts {
            wanted: self.spec.replicas.unwrap_or(1),
            all: status.replicas,
            updated: status.updated_replicas,
            ready: status.ready_replicas,
            available: status.available_replicas.unwrap_or(self.available_by_readiness()),
        }
    }

    fn observed(&self) -> i64 {
        self.status.observed_generation
    }

    fn exchange(&self) -> Exchange {
        self.spec.update_strategy.exchange()
    }

    fn hash_of(revision: &Meta) -> String {
        revision.name.clone()
    }

    fn current(&self) -> Option<&str> {
        Some(self.status.current_revision.as_str()).filter(|name| !name.is_empty())
    }

    fn partition(&self) -> u32 {
        if self.exchange() == Exchange::OnDelete { 0 } else { self.spec.update_strategy.rolling_update.partition }
    }

    fn is_ordered(&self) -> bool {
        self.spec.pod_management_policy != "Parallel"
    }
}

/// A `DaemonSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct DaemonSet {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: DaemonSetSpec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: DaemonSetStatus,
}

/// `spec` of a `DaemonSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonSetSpec {
    /// Which pods are its own.
    #[serde(default, deserialize_with = "lenient")]
    pub selector: Value,
    /// What runs.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
    /// How pods are exchanged.
    #[serde(default, deserialize_with = "lenient")]
    pub update_strategy: Strategy,
}

/// `status` of a `DaemonSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonSetStatus {
    /// The generation that the controller has taken up.
    #[serde(default, deserialize_with = "lenient")]
    pub observed_generation: i64,
    /// Nodes that fit and have a pod of it.
    #[serde(default, deserialize_with = "lenient")]
    pub current_number_scheduled: u32,
    /// Nodes that fit.
    #[serde(default, deserialize_with = "lenient")]
    pub desired_number_scheduled: u32,
    /// Of those, the ones whose pod is ready.
    #[serde(default, deserialize_with = "lenient")]
    pub number_ready: u32,
    /// Of those, the ones whose pod is available.
    #[serde(default, deserialize_with = "lenient")]
    pub number_available: u32,
    /// Of those, the ones whose pod is of the version that the spec holds.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_number_scheduled: u32,
}

impl Object for DaemonSet {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

impl Workload for DaemonSet {
    const FAMILY: &'static str = "daemon_set";
    const WORDS: &'static str = "DaemonSet";
    const RESOURCE: Resource = DAEMON_SETS;
    const KUBECTL: &'static str = "daemonset";
    const HOLDS: bool = false;

    fn template(&self) -> &Template {
        &self.spec.template
    }

    fn selector(&self) -> &Value {
        &self.spec.selector
    }

    fn counts(&self) -> Counts {
        let status = &self.status;
        Counts {
            wanted: status.desired_number_scheduled,
            all: status.current_number_scheduled,
            updated: status.updated_number_scheduled,
            ready: status.number_ready,
            available: status.number_available,
        }
    }

    fn observed(&self) -> i64 {
        self.status.observed_generation
    }

    fn exchange(&self) -> Exchange {
        self.spec.update_strategy.exchange()
    }

    fn hash_of(revision: &Meta) -> String {
        revision.labels.get(HASH_LABEL).cloned().unwrap_or_default()
    }
}
