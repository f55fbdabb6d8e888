//! Buildkite as a connection of the configuration, with what its block steps ask for: none of its answers tells that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    object::{Object, Objects},
    span, tree,
};

const OBJECTS: Objects = Objects {
    key: "pipeline",
    several: false,
    form: "ORGANIZATION/PIPELINE",
    parts: 2..=2,
    list: Some("pipelines"),
    patterns: true,
};

pub(super) static KIND: Kind = Kind {
    name: "buildkite",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Buildkite),
    open: &["hint", "label", "multiple", "pipeline", "required", "select", "step"],
    addresses: &["url"],
    tables: &["blocks", "fields", "options", "pipelines"],
    objects: Some(OBJECTS),
};

/// Buildkite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buildkite {
    /// The REST API's base.
    #[serde(default = "buildkite_api")]
    pub url: String,
    /// How it is reached; nothing is told without a token.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The pipelines that are looked at, beside those that services name. Their environments are told by block steps: by the
    /// key of one, or its label.
    #[serde(default)]
    pub pipelines: Vec<Object>,
    /// What block steps ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// How often the newest builds are read. Those that are not over are read as often as somebody looks.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

/// What a block step asks for, as its pipeline says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Of which pipeline: `ORGANIZATION/PIPELINE`, or `ORGANIZATION/*`.
    pub pipeline: String,
    /// Its key, or its label.
    pub step: String,
    /// What it asks for; nothing where it only waits.
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// One field: it has a `text` or a `select`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The label of a field for words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The label of a field to choose in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<String>,
    /// The key under which the build keeps it.
    pub key: String,
    /// A few words on what it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the step is not unblocked without it.
    #[serde(default = "yes")]
    pub required: bool,
    /// What it is where nobody says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Chosen>,
    /// What there is to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Whether several may be chosen.
    #[serde(default)]
    pub multiple: bool,
}

/// One value, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Chosen {
    /// `default = "beta"`
    One(String),
    /// `default = ["eu", "us"]`
    Several(Vec<String>),
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// As people read it.
    pub label: String,
    /// What the build keeps.
    pub value: String,
}

fn buildkite_api() -> String {
    "https://api.buildkite.com".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

fn yes() -> bool {
    true
}

impl Settings for Buildkite {
    fn access(&self) -> &Access {
        &self.access
    }

    fn access_mut(&mut self) -> &mut Access {
        &mut self.access
    }

    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>) {
        for (place, block) in self.blocks.iter().enumerate() {
            let place = place.to_string();
            if !OBJECTS.may_list(&block.pipeline) {
                let written = &block.pipeline;
                notes.add(&["blocks", &place, "pipeline"], format!("'{written}' is not of the form {}", OBJECTS.form));
            }
            for (at, field) in block.fields.iter().enumerate() {
                if let Some(why) = field.wrong() {
                    notes.add(&["blocks", &place, "fields", &at.to_string()], why);
                }
            }
        }
    }
}

impl Field {
    /// Why it is no field, as a sentence.
    fn wrong(&self) -> Option<&'static str> {
        match (&self.text, &self.select, self.options.is_empty()) {
            (Some(_), None, true) if self.multiple => {
                Some("of `text` there are not several: `multiple` is for a `select`")
            }
            (Some(_), None, true) | (None, Some(_), false) => None,
            (Some(_), None, false) => Some("`options` are for a `select`: a `text` has none"),
            (None, Some(_), true) => Some("a `select` needs `options`, each with a `label` and a `value`"),
            (Some(_), Some(_), _) | (None, None, _) => {
                Some("a field has a `text` or a `select`, which is its label: one of them")
            }
        }
    }
}
