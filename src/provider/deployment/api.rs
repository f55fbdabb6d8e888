//! A Deployment's wire structs, as far as we read them.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::kubernetes::{
    api::{Condition, Meta, Object, lenient, readable},
    template::Template,
    workload::Marks,
};

/// The label by which ReplicaSets and pods of one template are known.
pub const HASH_LABEL: &str = "pod-template-hash";
/// Annotation of a ReplicaSet with the revision numbers it had before: it was taken up again.
pub const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// Annotation with what a person said a revision is for. The controller copies it from the Deployment to the ReplicaSet in
/// use.
pub const CAUSE: &str = "kubernetes.io/change-cause";

/// How the controller marks its ReplicaSets.
pub const MARKS: Marks = Marks {
    hash: HASH_LABEL,
    revision: "deployment.kubernetes.io/revision",
    history: "deployment.kubernetes.io/revision-history",
    scale_down: None,
};

/// A Deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Deployment {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: Spec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Status,
}

impl Object for Deployment {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Pods asked for; one when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: Option<u32>,
    /// A person holds it.
    #[serde(default, deserialize_with = "lenient")]
    pub paused: bool,
    /// Which pods are its own.
    #[serde(default, deserialize_with = "lenient")]
    pub selector: Value,
    /// What runs.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
    /// After how many seconds without progress it counts as stuck; 600 when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub progress_deadline_seconds: Option<u64>,
    /// How pods are exchanged.
    #[serde(default, deserialize_with = "lenient")]
    pub strategy: Strategy,
}

/// `spec.strategy`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// `RollingUpdate`, which is meant when absent, or `Recreate`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// How much at once.
    #[serde(default, deserialize_with = "lenient")]
    pub rolling_update: RollingUpdate,
}

/// `spec.strategy.rollingUpdate`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdate {
    /// Pods that may be more, a number or a percentage; a quarter when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub max_surge: Option<Value>,
    /// Pods that may be missing, the same.
    #[serde(default, deserialize_with = "lenient")]
    pub max_unavailable: Option<Value>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The generation that the controller has taken up.
    #[serde(default, deserialize_with = "lenient")]
    pub observed_generation: i64,
    /// Pods that exist.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: u32,
    /// Pods of the template that the spec holds.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_replicas: u32,
    /// Pods that are available.
    #[serde(default, deserialize_with = "lenient")]
    pub available_replicas: u32,
    /// What else the controller says.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
}

impl Deployment {
    /// Pods that the spec asks for.
    pub fn replicas(&self) -> u32 {
        self.spec.replicas.unwrap_or(1)
    }

    /// Has the controller taken up the last change of the spec?
    pub fn is_observed(&self) -> bool {
        self.metadata.generation <= self.status.observed_generation
    }

    /// Has any controller ever looked at it?
    pub fn is_taken_up(&self) -> bool {
        self.status.observed_generation > 0 || !self.status.conditions.is_empty() || self.status.replicas > 0
    }

    /// What the controller says of one thing.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == kind)
    }
}
