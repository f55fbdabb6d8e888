//! The kinds of object that this cluster serves, and how each is named on the wire.
//!
//! One row a kind: routes, discovery, selectors and tables all read this table, none has a list of its own.

use serde_json::Value;

use super::spec::Crd;

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
    Service,
    StatefulSet,
    DaemonSet,
    ControllerRevision,
    GitRepository,
    HelmRepository,
    Kustomization,
    HelmRelease,
    ImageUpdateAutomation,
    ResourceQuota,
    Autoscaler,
    DisruptionBudget,
    Canary,
    HttpRoute,
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
const RESOURCE_QUOTA: Meta = Meta {
    group: "",
    version: "v1",
    plural: "resourcequotas",
    singular: "resourcequota",
    kind: "ResourceQuota",
    short: "quota",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "8uhSgffRX6w=",
};
const AUTOSCALER: Meta = Meta {
    group: "autoscaling",
    version: "v2",
    plural: "horizontalpodautoscalers",
    singular: "horizontalpodautoscaler",
    kind: "HorizontalPodAutoscaler",
    short: "hpa",
    namespaced: true,
    writable: false,
    status: false,
    in_all: true,
    storage_hash: "qwQve8ut294=",
};
const DISRUPTION_BUDGET: Meta = Meta {
    group: "policy",
    version: "v1",
    plural: "poddisruptionbudgets",
    singular: "poddisruptionbudget",
    kind: "PodDisruptionBudget",
    short: "pdb",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "EVWiDmWqyJw=",
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
const SERVICE: Meta = Meta {
    group: "",
    version: "v1",
    plural: "services",
    singular: "service",
    kind: "Service",
    short: "svc",
    namespaced: true,
    writable: true,
    status: true,
    in_all: true,
    storage_hash: "0/CO1lhkEBI=",
};
const CONTROLLER_REVISION: Meta = Meta {
    group: "apps",
    version: "v1",
    plural: "controllerrevisions",
    singular: "controllerrevision",
    kind: "ControllerRevision",
    short: "",
    namespaced: true,
    writable: false,
    status: false,
    in_all: false,
    storage_hash: "85nkx63pcBU=",
};
const DAEMON_SET: Meta = Meta {
    group: "apps",
    version: "v1",
    plural: "daemonsets",
    singular: "daemonset",
    kind: "DaemonSet",
    short: "ds",
    namespaced: true,
    writable: true,
    status: true,
    in_all: true,
    storage_hash: "dd7pWHUlMKQ=",
};
const STATEFUL_SET: Meta = Meta {
    group: "apps",
    version: "v1",
    plural: "statefulsets",
    singular: "statefulset",
    kind: "StatefulSet",
    short: "sts",
    namespaced: true,
    writable: true,
    status: true,
    in_all: true,
    storage_hash: "H+vl74LkKdo=",
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

/// A kind of Flux's: all are alike but for their names.
const fn flux(
    (group, version): (&'static str, &'static str),
    (plural, singular, kind): (&'static str, &'static str, &'static str),
    (short, storage_hash): (&'static str, &'static str),
) -> Meta {
    Meta {
        group,
        version,
        plural,
        singular,
        kind,
        short,
        namespaced: true,
        writable: true,
        status: true,
        in_all: false,
        storage_hash,
    }
}

const SOURCES: (&str, &str) = ("source.toolkit.fluxcd.io", "v1");
const GIT_REPOSITORY: Meta =
    flux(SOURCES, ("gitrepositories", "gitrepository", "GitRepository"), ("gitrepo", "L2fFVSkPMbE="));
const HELM_REPOSITORY: Meta =
    flux(SOURCES, ("helmrepositories", "helmrepository", "HelmRepository"), ("helmrepo", "rp1pBYWFtCE="));
const KUSTOMIZATION: Meta = flux(
    ("kustomize.toolkit.fluxcd.io", "v1"),
    ("kustomizations", "kustomization", "Kustomization"),
    ("ks", "wfMmhl3fGJE="),
);
const HELM_RELEASE: Meta =
    flux(("helm.toolkit.fluxcd.io", "v2"), ("helmreleases", "helmrelease", "HelmRelease"), ("hr", "hDRyoSgrDbk="));
const IMAGE_UPDATE_AUTOMATION: Meta = flux(
    ("image.toolkit.fluxcd.io", "v1"),
    ("imageupdateautomations", "imageupdateautomation", "ImageUpdateAutomation"),
    ("iua", "q0Xyz1dTUsY="),
);

const CANARY: Meta = Meta {
    group: "flagger.app",
    version: "v1beta1",
    plural: "canaries",
    singular: "canary",
    kind: "Canary",
    short: "",
    namespaced: true,
    writable: true,
    status: true,
    in_all: true,
    storage_hash: "lPzAbSn2cFo=",
};
const HTTP_ROUTE: Meta = Meta {
    group: "gateway.networking.k8s.io",
    version: "v1",
    plural: "httproutes",
    singular: "httproute",
    kind: "HTTPRoute",
    short: "",
    namespaced: true,
    writable: true,
    status: true,
    in_all: false,
    storage_hash: "bKQXbGtbSgE=",
};

impl Kind {
    /// Every kind, in the order in which discovery lists them.
    pub(crate) const ALL: [Self; 23] = [
        Self::ConfigMap,
        Self::Event,
        Self::Namespace,
        Self::Pod,
        Self::ResourceQuota,
        Self::Secret,
        Self::Service,
        Self::ControllerRevision,
        Self::DaemonSet,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::Autoscaler,
        Self::DisruptionBudget,
        Self::Rollout,
        Self::AnalysisRun,
        Self::GitRepository,
        Self::HelmRepository,
        Self::Kustomization,
        Self::HelmRelease,
        Self::ImageUpdateAutomation,
        Self::Canary,
        Self::HttpRoute,
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
            Self::Service => &SERVICE,
            Self::StatefulSet => &STATEFUL_SET,
            Self::DaemonSet => &DAEMON_SET,
            Self::ControllerRevision => &CONTROLLER_REVISION,
            Self::GitRepository => &GIT_REPOSITORY,
            Self::HelmRepository => &HELM_REPOSITORY,
            Self::Kustomization => &KUSTOMIZATION,
            Self::HelmRelease => &HELM_RELEASE,
            Self::ImageUpdateAutomation => &IMAGE_UPDATE_AUTOMATION,
            Self::ResourceQuota => &RESOURCE_QUOTA,
            Self::Autoscaler => &AUTOSCALER,
            Self::DisruptionBudget => &DISRUPTION_BUDGET,
            Self::Canary => &CANARY,
            Self::HttpRoute => &HTTP_ROUTE,
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

    /// The set of custom kinds that it belongs to; the server's own kinds are of none.
    pub(crate) fn crd(self) -> Option<Crd> {
        Crd::ALL.into_iter().find(|set| set.groups().contains(&self.meta().group))
    }

    /// Defined by a custom resource definition: it is served by other code of the API server, and some answers differ.
    pub(crate) fn is_custom(self) -> bool {
        self.crd().is_some()
    }

    /// Is it there on a cluster with these sets of custom kinds?
    pub(crate) fn is_served(self, installed: &[Crd]) -> bool {
        self.crd().is_none_or(|set| installed.contains(&set))
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
