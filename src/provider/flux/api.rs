//! Flux's wire structs, as far as we read them: Kustomization, HelmRelease, `ImageUpdateAutomation`, and what their sources have in common.
//!
//! A field of an unexpected form counts as absent. Sources: `api/` of kustomize-controller 1.9, helm-controller 1.6,
//! image-automation-controller 1.2 and source-controller 1.9; the older versions of each have the same fields as far as these.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    domain::time::Timestamp,
    provider::kubernetes::{
        api::{Meta, Object, lenient, readable},
        kind::Beside,
    },
};

/// The annotation that asks for a reconciliation, with a token of any form.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// With the same token: a Helm install or upgrade is made though nothing changed.
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// With the same token: the counts of failures begin anew, so that what is given up is tried again.
pub const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// An entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// `HealthCheckFailed`.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
    /// In words.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// The generation that it is about; controllers of before 2023 left it out.
    #[serde(default, deserialize_with = "lenient")]
    pub observed_generation: Option<i64>,
    /// Since when it has this status.
    #[serde(default, deserialize_with = "lenient")]
    pub last_transition_time: Option<Timestamp>,
}

/// What names another object: a source, a dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Reference {
    /// `GitRepository`.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Its namespace; that of the object that names it where it is left out.
    #[serde(default, deserialize_with = "lenient")]
    pub namespace: String,
}

/// An entry of `status.inventory.entries`: `shop_checkout_apps_Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Entry {
    /// Namespace, name, group and kind, by `_`.
    pub id: String,
}

/// `status.inventory`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Inventory {
    /// What is managed.
    #[serde(default, deserialize_with = "readable")]
    pub entries: Vec<Entry>,
}

/// What every object of Flux says of how far its controller is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The generation that last came to an end, ready or stalled.
    #[serde(default, deserialize_with = "lenient")]
    pub observed_generation: i64,
    /// What the controller says.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
    /// The token of the request that was handled last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_handled_reconcile_at: String,
}

impl Progress {
    /// What is said of one thing.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// A thing that is so.
    pub fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|condition| condition.status == "True")
    }
}

/// An object: its metadata, what it asks for and where it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: DeserializeOwned + Default, T: DeserializeOwned + Default"))]
pub struct Wire<S, T> {
    /// `kustomize.toolkit.fluxcd.io/v1`.
    #[serde(default, deserialize_with = "lenient")]
    pub api_version: String,
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: S,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: T,
}

impl<S, T> Object for Wire<S, T>
where
    S: DeserializeOwned + Default + Clone + Send + Sync + 'static,
    T: DeserializeOwned + Default + Clone + Send + Sync + 'static,
{
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

impl<S: DeserializeOwned + Default, T: DeserializeOwned + Default> Wire<S, T> {
    /// An object beside ours; what cannot be read of it is absent.
    pub fn of(beside: &Beside) -> Self {
        let part = |name: &str| beside.body.get(name);
        let text = part("apiVersion").and_then(serde_json::Value::as_str).unwrap_or_default();
        Self {
            api_version: text.to_owned(),
            metadata: beside.metadata.clone(),
            spec: part("spec").and_then(|spec| S::deserialize(spec).ok()).unwrap_or_default(),
            status: part("status").and_then(|status| T::deserialize(status).ok()).unwrap_or_default(),
        }
    }
}

/// A Kustomization: what a path of a source declares is applied.
pub type Kustomization = Wire<KustomizationSpec, KustomizationStatus>;
/// A HelmRelease: a chart with values is installed.
pub type HelmRelease = Wire<HelmReleaseSpec, HelmReleaseStatus>;
/// What writes new image tags into a repository of git.
pub type ImageUpdateAutomation = Wire<AutomationSpec, AutomationStatus>;
/// A source, as far as all kinds of them are alike.
pub type Source = Wire<SourceSpec, SourceStatus>;

/// `spec` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KustomizationSpec {
    /// Nothing is applied.
    #[serde(default, deserialize_with = "lenient")]
    pub suspend: bool,
    /// How often it is applied though nothing is new.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// How long it may take; the interval without 30 s where it is left out.
    #[serde(default, deserialize_with = "lenient")]
    pub timeout: String,
    /// Where what is applied comes from.
    #[serde(default, deserialize_with = "lenient")]
    pub source_ref: Reference,
    /// Where in it.
    #[serde(default, deserialize_with = "lenient")]
    pub path: String,
}

/// `status` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KustomizationStatus {
    /// How far its controller is.
    #[serde(flatten)]
    pub progress: Progress,
    /// The last revision that was applied and found healthy.
    #[serde(default, deserialize_with = "lenient")]
    pub last_applied_revision: String,
    /// The last revision that was tried.
    #[serde(default, deserialize_with = "lenient")]
    pub last_attempted_revision: String,
    /// What is managed.
    #[serde(default, deserialize_with = "lenient")]
    pub inventory: Inventory,
    /// The last five reconciliations that differ, newest first; since kustomize-controller 1.7.
    #[serde(default, deserialize_with = "readable")]
    pub history: Vec<Reconciliation>,
}

/// An entry of `status.history` of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// When it was first so.
    #[serde(default, deserialize_with = "lenient")]
    pub first_reconciled: Option<Timestamp>,
    /// How it ended: `ReconciliationSucceeded`.
    #[serde(default, deserialize_with = "lenient")]
    pub last_reconciled_status: String,
    /// `revision` among others.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: BTreeMap<String, String>,
}

/// `spec` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmReleaseSpec {
    /// Nothing is installed or upgraded.
    #[serde(default, deserialize_with = "lenient")]
    pub suspend: bool,
    /// How often it is looked at though nothing is new.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// How long one action of Helm may take; five minutes where it is left out.
    #[serde(default, deserialize_with = "lenient")]
    pub timeout: String,
    /// What is done about what was changed by hand.
    #[serde(default, deserialize_with = "lenient")]
    pub drift_detection: DriftDetection,
    /// The name of the release, where it is another one than the object's.
    #[serde(default, deserialize_with = "lenient")]
    pub release_name: String,
    /// Where the release is, where that is another namespace.
    #[serde(default, deserialize_with = "lenient")]
    pub target_namespace: String,
    /// The chart, as a template of a HelmChart.
    #[serde(default, deserialize_with = "lenient")]
    pub chart: ChartTemplate,
    /// The chart, as an object that holds it.
    #[serde(default, deserialize_with = "lenient")]
    pub chart_ref: Option<Reference>,
}

/// `spec.driftDetection` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct DriftDetection {
    /// `enabled` corrects it, `warn` says it; nothing is done where it is left out.
    #[serde(default, deserialize_with = "lenient")]
    pub mode: String,
}

/// `spec.chart` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChartTemplate {
    /// What it says.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: ChartSpec,
}

/// `spec.chart.spec` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartSpec {
    /// The chart's name.
    #[serde(default, deserialize_with = "lenient")]
    pub chart: String,
    /// The version, or a range of them.
    #[serde(default, deserialize_with = "lenient")]
    pub version: String,
    /// Where it comes from.
    #[serde(default, deserialize_with = "lenient")]
    pub source_ref: Reference,
}

/// `status` of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmReleaseStatus {
    /// How far its controller is.
    #[serde(flatten)]
    pub progress: Progress,
    /// The releases of Helm up to the last good one, newest first.
    #[serde(default, deserialize_with = "readable")]
    pub history: Vec<Snapshot>,
    /// The version of the chart that was tried last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_attempted_revision: String,
    /// A checksum of the values that were tried last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_attempted_config_digest: String,
    /// The HelmChart that was made of the template: `NAMESPACE/NAME`.
    #[serde(default, deserialize_with = "lenient")]
    pub helm_chart: String,
    /// What is managed; since helm-controller 1.5.
    #[serde(default, deserialize_with = "lenient")]
    pub inventory: Inventory,
}

/// An entry of `status.history` of a HelmRelease: a release of Helm.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Helm's own number of it, from 1.
    pub version: u64,
    /// `deployed`, `superseded`, `failed`, `uninstalled`, `pending-upgrade`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// The chart's name.
    #[serde(default, deserialize_with = "lenient")]
    pub chart_name: String,
    /// The chart's version.
    #[serde(default, deserialize_with = "lenient")]
    pub chart_version: String,
    /// The version of what is in it.
    #[serde(default, deserialize_with = "lenient")]
    pub app_version: String,
    /// A checksum of its values.
    #[serde(default, deserialize_with = "lenient")]
    pub config_digest: String,
    /// The release's name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub namespace: String,
    /// When this one was made.
    #[serde(default, deserialize_with = "lenient")]
    pub last_deployed: Option<Timestamp>,
}

/// `spec` of an `ImageUpdateAutomation`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutomationSpec {
    /// Nothing is written.
    #[serde(default, deserialize_with = "lenient")]
    pub suspend: bool,
    /// How often it looks.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// The repository that it writes to.
    #[serde(default, deserialize_with = "lenient")]
    pub source_ref: Reference,
}

/// `status` of an `ImageUpdateAutomation`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutomationStatus {
    /// How far its controller is.
    #[serde(flatten)]
    pub progress: Progress,
    /// The last commit that it made.
    #[serde(default, deserialize_with = "lenient")]
    pub last_push_commit: String,
    /// When.
    #[serde(default, deserialize_with = "lenient")]
    pub last_push_time: Option<Timestamp>,
}

/// `spec` of a source.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SourceSpec {
    /// Nothing is fetched.
    #[serde(default, deserialize_with = "lenient")]
    pub suspend: bool,
    /// How often it is fetched.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// `oci` of a HelmRepository that is an address only: no controller looks at it.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub form: String,
}

/// `status` of a source.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SourceStatus {
    /// How far its controller is.
    #[serde(flatten)]
    pub progress: Progress,
    /// What was fetched last.
    #[serde(default, deserialize_with = "lenient")]
    pub artifact: Artifact,
}

/// `status.artifact` of a source.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Artifact {
    /// `main@sha1:…`; empty where nothing was fetched.
    #[serde(default, deserialize_with = "lenient")]
    pub revision: String,
}

/// What an entry of an inventory is: `Deployment shop/checkout`; `None` where it is written otherwise.
pub fn managed(id: &str) -> Option<String> {
    let mut from_end = id.rsplitn(3, '_');
    let (kind, _group, object) = (from_end.next()?, from_end.next()?, from_end.next()?);
    let (namespace, name) = object.split_once('_')?;
    // Names of roles hold colons, which stand here as two of what parts the fields.
    let name = name.replace("__", ":");
    Some(if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_an_inventory_names_what_is_managed() {
        let table = [
            ("default_podinfo__Service", Some("Service default/podinfo")),
            ("default_podinfo_apps_Deployment", Some("Deployment default/podinfo")),
            ("_shop__Namespace", Some("Namespace shop")),
            ("_system__node_rbac.authorization.k8s.io_ClusterRole", Some("ClusterRole system:node")),
            ("nonsense", None),
        ];
        for (id, expected) in table {
            assert_eq!(managed(id).as_deref(), expected, "{id}");
        }
    }
}
