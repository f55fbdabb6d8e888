//! The engines that a cluster may have, as the configuration writes them.

use serde::{Deserialize, Serialize};

/// An engine that moves rollouts on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Argo Rollouts, `argoproj.io/v1alpha1`.
    ArgoRollouts,
    /// A plain Kubernetes Deployment.
    Deployment,
}
