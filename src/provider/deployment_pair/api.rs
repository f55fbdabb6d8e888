//! A Service's wire struct, as far as we read it, and Deployments as they come beside one.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::provider::{
    deployment::api::Deployment,
    kubernetes::{
        api::{Meta, Object, lenient},
        facade::Beside,
    },
};

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Service {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: Spec,
}

/// `spec` of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Spec {
    /// The labels of the pods that it sends traffic to; none where somebody else says which those are.
    #[serde(default, deserialize_with = "lenient")]
    pub selector: BTreeMap<String, String>,
}

impl Object for Service {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// A Deployment that came beside a Service.
pub(super) fn deployment(beside: &Beside) -> Deployment {
    fn part<T: DeserializeOwned + Default>(body: &Value, name: &str) -> T {
        body.get(name).cloned().and_then(|part| serde_json::from_value(part).ok()).unwrap_or_default()
    }
    Deployment {
        metadata: beside.metadata.clone(),
        spec: part(&beside.body, "spec"),
        status: part(&beside.body, "status"),
    }
}

/// The labels by which a Deployment selects its pods.
pub(super) fn selects(deployment: &Deployment) -> BTreeMap<String, String> {
    let labels = deployment.spec.selector.get("matchLabels").cloned();
    labels.and_then(|labels| serde_json::from_value(labels).ok()).unwrap_or_default()
}
