//! What Argo CD answers, as far as it is read: tolerant, since every version adds something.
//!
//! Source: `pkg/apis/application/v1alpha1/types.go`, `server/application/application.proto`.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::time::Timestamp,
    provider::http::listed::{Listed, or_nothing, time},
};

/// A list of Applications. One of nothing says `null`; an answer without the word is none.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) metadata: ListMeta,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) items: Listed<Application>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
}

/// A frame of the stream.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub(super) result: Option<Event>,
    pub(super) error: Option<StreamError>,
}

/// What became of an Application.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED`.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    pub(super) application: Application,
}

/// Why a stream ends. Its codes have two names, by the version of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct StreamError {
    pub(super) message: String,
    #[serde(alias = "grpc_code")]
    pub(super) code: i64,
    pub(super) http_code: Option<u16>,
}

/// An Application.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) metadata: Meta,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) spec: Spec,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) status: Status,
    /// What is asked of the controller and not done yet.
    pub(super) operation: Option<Operation>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) resource_version: String,
    #[serde(deserialize_with = "time")]
    pub(super) deletion_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) owner_references: Vec<Owner>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) annotations: std::collections::BTreeMap<String, String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) labels: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) project: String,
    pub(super) source: Option<Value>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) sources: Vec<Value>,
    pub(super) source_hydrator: Option<Value>,
    pub(super) sync_policy: Option<SyncPolicy>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) destination: Destination,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Destination {
    pub(super) server: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct SyncPolicy {
    pub(super) automated: Option<Automated>,
}

/// How it syncs by itself. There and not said to be off, it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Automated {
    pub(super) prune: Option<bool>,
    pub(super) self_heal: Option<bool>,
    pub(super) allow_empty: Option<bool>,
    /// Since 3.1; an older one forgets it.
    pub(super) enabled: Option<bool>,
}

impl Automated {
    pub(super) fn is_on(self) -> bool {
        self.enabled != Some(false)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) sync: Sync,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) health: Health,
    pub(super) operation_state: Option<OperationState>,
    /// Oldest first.
    #[serde(deserialize_with = "or_nothing")]
    pub(super) history: Vec<Deployed>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) summary: Summary,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) resources: Vec<Resource>,
    pub(super) controller_namespace: Option<String>,
    /// When it was compared with git last.
    #[serde(deserialize_with = "time")]
    pub(super) reconciled_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sync {
    pub(super) status: String,
    pub(super) revision: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) revisions: Vec<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) compared_to: Compared,
}

/// What was compared with what runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Compared {
    pub(super) source: Option<Value>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) sources: Vec<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    pub(super) status: String,
    pub(super) message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OperationState {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) operation: Operation,
    pub(super) phase: String,
    pub(super) message: String,
    pub(super) sync_result: Option<SyncResult>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) finished_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Operation {
    pub(super) sync: Option<SyncOperation>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) initiated_by: Initiator,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct SyncOperation {
    pub(super) revision: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) revisions: Vec<String>,
}

/// Who began it: a person's name, or the controller by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Initiator {
    pub(super) username: String,
    pub(super) automated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct SyncResult {
    pub(super) revision: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) revisions: Vec<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) resources: Vec<Synced>,
}

/// What became of one resource in a sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Synced {
    pub(super) kind: String,
    pub(super) name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub(super) status: String,
    pub(super) hook_phase: String,
    pub(super) message: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) images: Vec<String>,
}

/// An entry of the history.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "as they stand on the wire")]
pub(super) struct Deployed {
    pub(super) id: u64,
    pub(super) revision: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) revisions: Vec<String>,
    #[serde(deserialize_with = "time")]
    pub(super) deployed_at: Option<Timestamp>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) initiated_by: Initiator,
    pub(super) source: Option<Value>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) sources: Vec<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) images: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

/// Something that it keeps as git says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) requires_pruning: bool,
}

impl Application {
    /// Its project; one that names none is in this one.
    pub(super) fn project(&self) -> &str {
        if self.spec.project.is_empty() { "default" } else { &self.spec.project }
    }

    /// How it syncs by itself, where it does.
    pub(super) fn automated(&self) -> Option<Automated> {
        self.block().filter(|block| block.is_on())
    }

    /// What is said of that, whether it is on or off.
    pub(super) fn block(&self) -> Option<Automated> {
        self.spec.sync_policy.as_ref().and_then(|policy| policy.automated)
    }

    /// The `ApplicationSet` that made it.
    pub(super) fn set(&self) -> Option<&str> {
        let owner = self.metadata.owner_references.iter().find(|owner| owner.kind == "ApplicationSet")?;
        Some(&owner.name)
    }

    /// The Application that it is a resource of: an app of apps. By the annotation that tracks it, or the label.
    pub(super) fn parent(&self) -> Option<&str> {
        let annotation = self.metadata.annotations.get("argocd.argoproj.io/tracking-id");
        let by_annotation = annotation.and_then(|id| id.split(':').next());
        let by_label = || self.metadata.labels.get("app.kubernetes.io/instance").map(String::as_str);
        by_annotation.or_else(by_label).filter(|parent| !parent.is_empty() && *parent != self.metadata.name)
    }

    /// The branch, tag or range that it follows; `HEAD` where it says none.
    pub(super) fn follows(&self) -> String {
        let of = |source: &Value| {
            let target = source.get("targetRevision").and_then(Value::as_str).filter(|target| !target.is_empty());
            target.unwrap_or("HEAD").to_owned()
        };
        let sources: Vec<String> = if self.spec.sources.is_empty() {
            self.spec.source.iter().map(of).collect()
        } else {
            self.spec.sources.iter().map(of).collect()
        };
        if sources.is_empty() { "HEAD".to_owned() } else { sources.join(", ") }
    }
}

/// Whether something may be synced by hand now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Windows {
    pub(super) can_sync: Option<bool>,
}

/// `{"value": "yes"}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct CanI {
    pub(super) value: String,
}

/// Who the token is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct User {
    pub(super) logged_in: bool,
    pub(super) username: String,
}

/// `v3.1.4+a1b2c3d`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Server {
    pub(super) version: String,
}

/// What it says when it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) error: String,
    pub(super) message: String,
}
