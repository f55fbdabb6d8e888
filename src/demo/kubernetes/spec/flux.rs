//! What a scenario says of Flux in a cluster: repositories with what was pushed to them, what is applied from them, charts that are
//! installed. What git and charts hold is outside of the cluster; it stands here and is no object.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{optional_span, span};

/// A `GitRepository`, and what is in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitSpec {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Branch.
    #[serde(default = "main")]
    pub branch: String,
    /// How often it is fetched.
    #[serde(default = "minute", deserialize_with = "span")]
    pub interval: Duration,
    /// What was pushed to it, oldest first; more comes by `push`.
    pub commits: Vec<Commit>,
}

/// A commit, and what it declares.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its hash, 40 hex digits.
    pub sha: String,
    /// How long before the start it was pushed. Left out: a day for each from the end.
    #[serde(default, deserialize_with = "optional_span")]
    pub ago: Option<Duration>,
    /// The image tag that it declares of a Deployment, by name.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What the health check says of it, where it fails.
    #[serde(default)]
    pub fails: Option<String>,
}

/// A Kustomization.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KustomizationSpec {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The `GitRepository` that it applies, in its own namespace.
    pub source: String,
    /// The path in it.
    pub path: String,
    /// How often it is applied though nothing is new.
    #[serde(default = "ten_minutes", deserialize_with = "span")]
    pub interval: Duration,
    /// The Deployments that it applies: `NAMESPACE/NAME`.
    #[serde(default)]
    pub manages: Vec<String>,
    /// How long it takes until what it applied is healthy, or given up.
    #[serde(default = "ten_seconds", deserialize_with = "span")]
    pub takes: Duration,
    /// Somebody suspended it.
    #[serde(default)]
    pub suspended: Option<Suspended>,
}

/// That something is suspended.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspended {
    /// The field manager that wrote it.
    pub by: String,
    /// How long before the start.
    #[serde(deserialize_with = "span")]
    pub ago: Duration,
}

/// A HelmRelease.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelmReleaseSpec {
    /// Namespace.
    pub namespace: String,
    /// Name; also that of the release and of the chart.
    pub name: String,
    /// The `HelmRepository` that the chart comes from, in the same namespace.
    pub repository: String,
    /// How often it is looked at though nothing is new.
    #[serde(default = "ten_minutes", deserialize_with = "span")]
    pub interval: Duration,
    /// How long an upgrade takes.
    #[serde(default = "ten_seconds", deserialize_with = "span")]
    pub takes: Duration,
    /// The charts that there are, oldest first: one with `ago` was installed then.
    pub charts: Vec<Chart>,
    /// The values that it gives the chart.
    #[serde(default)]
    pub values: serde_json::Value,
    /// Somebody suspended it.
    #[serde(default)]
    pub suspended: Option<Suspended>,
}

/// A version of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Its version.
    pub version: String,
    /// The version of what is in it.
    pub app: String,
    /// How long before the start it was installed; left out, it was not.
    #[serde(default, deserialize_with = "optional_span")]
    pub ago: Option<Duration>,
    /// Why Helm gives its upgrade up, where it does.
    #[serde(default)]
    pub fails: Option<String>,
}

/// An `ImageUpdateAutomation`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationSpec {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The `GitRepository` that it writes to, in its own namespace.
    pub source: String,
    /// How often it looks.
    #[serde(default = "ten_minutes", deserialize_with = "span")]
    pub interval: Duration,
}

fn main() -> String {
    "main".to_owned()
}

fn minute() -> Duration {
    Duration::from_mins(1)
}

fn ten_minutes() -> Duration {
    Duration::from_mins(10)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}
