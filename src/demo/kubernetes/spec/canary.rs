//! What a scenario says of what Flagger releases, and of the load testers that hold its gates.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Release, app, three};

/// A Deployment that Flagger releases, and its Canary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanarySpec {
    /// Namespace.
    pub namespace: String,
    /// Name of the Canary and of its target.
    pub name: String,
    /// Wanted pods.
    #[serde(default = "three")]
    pub replicas: i64,
    /// Image without tag.
    pub image: String,
    /// Name of the container.
    #[serde(default = "app")]
    pub container: String,
    /// What splits the traffic: `gatewayapi:v1`, or `kubernetes`, which splits nothing.
    #[serde(default = "gateway")]
    pub provider: String,
    /// `spec.analysis` in Flagger's own form: `{ interval = "1m", threshold = 5, maxWeight = 50, stepWeight = 10 }`.
    pub analysis: Value,
    /// `progressDeadlineSeconds` of its Deployments; 600 if left out.
    #[serde(default)]
    pub progress_deadline_seconds: Option<i64>,
    /// Versions whose checks fail, by image tag: from this share of the traffic on.
    #[serde(default)]
    pub failing: BTreeMap<String, i64>,
    /// Versions that were released, oldest first. The last one serves when the cluster starts.
    pub history: Vec<Release>,
}

fn gateway() -> String {
    "gatewayapi:v1".to_owned()
}

/// A service behind which a load tester answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TesterSpec {
    /// Namespace.
    pub namespace: String,
    /// Name of the service.
    pub name: String,
    /// Its port; 80 if left out.
    #[serde(default = "http")]
    pub port: u16,
}

fn http() -> u16 {
    80
}
