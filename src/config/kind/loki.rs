//! A Loki as a connection of the configuration.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{
        access::Access,
        check::Known,
        kind::{
            Connection, Kind, Settings,
            label::{Places, is_label, no_label},
        },
        note::Notes,
        span, tree,
    },
    domain::ids::EnvironmentName,
};

pub(super) static KIND: Kind = Kind {
    name: "loki",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Loki),
    open: &["covers", "interval", "matchers", "place_label", "pod_label", "service_label", "version_label"],
    addresses: &["url"],
    tables: &[],
    objects: None,
};

/// A Loki.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loki {
    /// Its base, without `/loki/api/v1`.
    pub url: String,
    /// How it is reached, and who we are to it; a tenant is named by the header `X-Scope-OrgID`.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The label of its streams that names the service; found out where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_label: Option<String>,
    /// The label or structured metadata that names the version; one of the usual names where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_label: Option<String>,
    /// The same for the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_label: Option<String>,
    /// Further matchers for every query: `cluster="eu"`.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// The environments that its lines are of: `prod/eu-west-1`, or `prod/*` for all below `prod`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<String>,
    /// The label of its streams that tells environments apart: `cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place_label: Option<String>,
    /// What that label's values are called by us: `us = "prod/us-east-1"`. One that is not listed is the environment's name, or its
    /// last part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, EnvironmentName>,
    /// How often it is read what was written since, while somebody looks.
    #[serde(default = "two_seconds", with = "span")]
    pub interval: Duration,
}

fn two_seconds() -> Duration {
    Duration::from_secs(2)
}

impl Settings for Loki {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn environments(&self) -> Vec<&str> {
        self.covers.iter().map(String::as_str).chain(self.environments.values().map(EnvironmentName::as_str)).collect()
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        let labels = [
            ("service_label", &self.service_label),
            ("version_label", &self.version_label),
            ("pod_label", &self.pod_label),
        ];
        for (key, label) in labels {
            if let Some(label) = label.as_ref().filter(|label| !is_label(label)) {
                notes.add(&[key], no_label(label));
            }
        }
        Places { covers: &self.covers, label: self.place_label.as_ref(), environments: &self.environments }
            .check(notes);
        for (index, matcher) in self.matchers.iter().enumerate() {
            if !matcher.contains('=') && !matcher.contains('~') {
                let message = format!("'{matcher}' is not a matcher: write e.g. cluster=\"eu\"");
                notes.add(&["matchers", &index.to_string()], message);
            }
        }
    }
}
