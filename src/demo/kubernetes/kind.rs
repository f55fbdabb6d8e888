//! The kinds of object that this cluster serves, and how each is named on the wire.
//!
//! One row a kind: routes, discovery, selectors and tables all read this table, none has a list of its own.

use serde_json::Value;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Namespace,
    Pod,
    Event,
    Deployment,
    ReplicaSet,
    Rollout,
    AnalysisRun,
    ConfigMap,
    Secret,
}

/// How a kind is named and what is served of it.
#[expect(clippy::struct_excessive_bools, reason = "a row of a table of facts, not a state")]
#[derive(Debug)]
pub(crate) struct Meta {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) kind: &'static str,
    /// Empty where there is none.
    pub(crate) short: &'static str,
    pub(crate) namespaced: bool,
    /// May be patched and updated.
    pub(crate) writable: bool,
    /// Has a `/status` subresource of its own.
    pub(crate) status: bool,
    /// Is in `kubectl get all`.
    pub(crate) in_all: bool,
    /// As recorded from a real server; clients only compare it.
    pub(crate) storage_hash: &'static str,
}

const NAMESPACE: Meta = Meta {
    group: "",
    version: "v1",
    plural: "namespaces",
    singular: "namespace",
    kind: "Namespace",
    short: "ns",
    namespaced: false,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "Q3oi5N2YM8M=",
};
const CONFIG_MAP: Meta = Meta {
    group: "",
    version: "v1",
    plural: "configmaps",
    singular: "configmap",
    kind: "ConfigMap",
    short: "cm",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "qFsyl6wFWjQ=",
};
const SECRET: Meta = Meta {
    group: "",
    version: "v1",
    plural: "secrets",
    singular: "secret",
    kind: "Secret",
    short: "",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "S6u1pOWzb84=",
};
const POD: Meta = Meta {
    group: "",
    version: "v1",
    plural: "pods",
    singular: "pod",
    kind: "Pod",
    short: "po",
    namespaced: true,
    writable: false,
    status: false,
    in_all: true,
    storage_hash: "xPOwRZ+Yhw8=",
};
const EVENT: Meta = Meta {
    group: "",
    version: "v1",
    plural: "events",
    singular: "event",
    kind: "Event",
    short: "ev",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "r2yiGXH7wu8=",
};
const DEPLOYMENT: Meta = Meta {
    group: "apps",
    version: "v1",
    plural: "deployments",
    singular: "deployment",
    kind: "Deployment",
    short: "deploy",
    namespaced: true,
    writable: true,
    status: true,
    in_all: true,
    storage_hash: "8aSe+NMegvE=",
};
const REPLICA_SET: Meta = Meta {
    group: "apps",
    version: "v1",
    plural: "replicasets",
    singular: "replicaset",
    kind: "ReplicaSet",
    short: "rs",
    namespaced: true,
    writable: false,
    status: false,
    in_all: true,
    storage_hash: "P1RzHs8/mWQ=",
};
const ROLLOUT: Meta = Meta {
    group: "argoproj.io",
    version: "v1alpha1",
    plural: "rollouts",
    singular: "rollout",
    kind: "Rollout",
    short: "ro",
    namespaced: true,
    writable: true,
    status: true,
    in_all: false,
    storage_hash: "T0mdNo50nFA=",
};
const ANALYSIS_RUN: Meta = Meta {
    group: "argoproj.io",
    version: "v1alpha1",
    plural: "analysisruns",
    singular: "analysisrun",
    kind: "AnalysisRun",
    short: "ar",
    namespaced: true,
    writable: true,
    status: false,
    in_all: false,
    storage_hash: "xYalUTqk3oY=",
};

impl Kind {
    /// Every kind, in the order in which discovery lists them.
    pub(crate) const ALL: [Self; 9] = [
        Self::ConfigMap,
        Self::Event,
        Self::Namespace,
        Self::Pod,
        Self::Secret,
        Self::Deployment,
        Self::ReplicaSet,
        Self::Rollout,
        Self::AnalysisRun,
    ];

    pub(crate) fn meta(self) -> &'static Meta {
        match self {
            Self::Namespace => &NAMESPACE,
            Self::Pod => &POD,
            Self::Event => &EVENT,
            Self::Deployment => &DEPLOYMENT,
            Self::ReplicaSet => &REPLICA_SET,
            Self::Rollout => &ROLLOUT,
            Self::AnalysisRun => &ANALYSIS_RUN,
            Self::ConfigMap => &CONFIG_MAP,
            Self::Secret => &SECRET,
        }
    }

    /// The kind with this plural in this group and version.
    pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let meta = kind.meta();
            (meta.group, meta.version, meta.plural) == (group, version, plural)
        })
    }

    /// `v1`, `apps/v1`, `argoproj.io/v1alpha1`.
    pub(crate) fn api_version(self) -> String {
        let meta = self.meta();
        if meta.group.is_empty() { meta.version.to_owned() } else { format!("{}/{}", meta.group, meta.version) }
    }

    /// Defined by a custom resource definition: it is served by other code of the API server, and some answers differ.
    pub(crate) fn is_custom(self) -> bool {
        self.meta().group == "argoproj.io"
    }

    /// `deployments.apps`, `pods`: the resource as error messages name it.
    pub(crate) fn qualified(self) -> String {
        let meta = self.meta();
        if meta.group.is_empty() { meta.plural.to_owned() } else { format!("{}.{}", meta.plural, meta.group) }
    }

    /// `Deployment.apps`, `Pod`: the kind as validation messages name it.
    pub(crate) fn qualified_kind(self) -> String {
        let meta = self.meta();
        if meta.group.is_empty() { meta.kind.to_owned() } else { format!("{}.{}", meta.kind, meta.group) }
    }

    /// Puts `apiVersion` and `kind` on an object that has none.
    pub(crate) fn stamp(self, object: &mut Value) {
        if let Value::Object(map) = object {
            map.insert("apiVersion".to_owned(), self.api_version().into());
            map.insert("kind".to_owned(), self.meta().kind.into());
        }
    }
}
