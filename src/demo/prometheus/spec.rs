//! What a scenario says about alert rules. Only data; `rules` makes it come true.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use crate::demo::time::span;

/// An alert rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The alert's name.
    pub alert: String,
    /// The query; whatever it returns alerts.
    pub expr: String,
    /// How long it must return it before the alert fires.
    #[serde(default, rename = "for", deserialize_with = "span")]
    pub held: Duration,
    /// Labels of its own.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations, as they are: templates are not filled in.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}
