//! Buildkite as a connection of the configuration, with what its block steps ask for: none of its answers tells that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    object::{Object, Objects, no_slug},
    span, tree,
};

const OBJECTS: Objects = Objects {
    key: "pipeline",
    several: false,
    form: "ORGANIZATION/PIPELINE",
    parts: 2..=2,
    list: Some("pipelines"),
    patterns: true,
    odd: no_slug,
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
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", &self.url))
    }

    fn lists(&self) -> &[Object] {
        &self.pipelines
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, named: &[&str]) {
        for (place, block) in self.blocks.iter().enumerate() {
            let mut notes = notes.under(&["blocks", &place.to_string()]);
            let written = &block.pipeline;
            if !OBJECTS.may_list(written) {
                notes.add(&["pipeline"], format!("'{written}' is not of the form {}", OBJECTS.form));
            } else if !self.looks_at(written, named) {
                notes.add(
                    &["pipeline"],
                    format!("'{written}' is not looked at by itself: put it into `pipelines`, too"),
                );
            }
            let before = self.blocks.iter().take(place);
            if before.clone().any(|other| other.pipeline == *written && other.step == block.step) {
                notes.add(&["step"], format!("what '{}' of {written} asks for is said above: keep one", block.step));
            }
            for (at, field) in block.fields.iter().enumerate() {
                let mut notes = notes.under(&["fields", &at.to_string()]);
                if block.fields.iter().take(at).any(|other| other.key == field.key) {
                    notes.add(&["key"], format!("'{}' is the key of a field above: each has its own", field.key));
                }
                if let Some((path, why)) = field.wrong() {
                    notes.add(path, why);
                }
            }
        }
    }
}

impl Buildkite {
    /// Does what is said of this pipeline, or of all of an organisation, reach any that is looked at?
    fn looks_at(&self, written: &str, named: &[&str]) -> bool {
        let listed = self.pipelines.iter().map(|object| object.name.as_str());
        let mut all = listed.chain(named.iter().copied());
        let owner = written.strip_suffix("/*");
        all.any(|name| owner.map_or(name == written, |owner| name.split_once('/').is_some_and(|(of, _)| of == owner)))
    }
}

impl Field {
    /// Why it is no field, as a sentence, and where.
    fn wrong(&self) -> Option<(&'static [&'static str], String)> {
        let said = match (&self.text, &self.select, self.options.is_empty()) {
            (Some(_), None, true) if self.multiple => "of `text` there are not several: `multiple` is for a `select`",
            (Some(_), None, true) | (None, Some(_), false) => return self.no_default(),
            (Some(_), None, false) => "`options` are for a `select`: a `text` has none",
            (None, Some(_), true) => "a `select` needs `options`, each with a `label` and a `value`",
            (Some(_), Some(_), _) | (None, None, _) => {
                "a field has a `text` or a `select`, which is its label: one of them"
            }
        };
        Some((&[], said.to_owned()))
    }

    /// Why its default can be no answer, or two of its options are one.
    fn no_default(&self) -> Option<(&'static [&'static str], String)> {
        let values: Vec<&str> = self.options.iter().map(|choice| choice.value.as_str()).collect();
        let twice = values.iter().enumerate().find(|(at, value)| values.iter().take(*at).any(|other| other == *value));
        if let Some((_, value)) = twice {
            return Some((&["options"], format!("'{value}' is the value of two options")));
        }
        let several = matches!(&self.default, Some(Chosen::Several(_)));
        if several && !self.multiple {
            return Some((&["default"], "several answers are for a `select` with `multiple = true`".to_owned()));
        }
        let defaults: &[String] = match &self.default {
            None => return None,
            Some(Chosen::One(one)) => std::slice::from_ref(one),
            Some(Chosen::Several(all)) => all,
        };
        let odd = defaults.iter().find(|one| self.select.is_some() && !values.contains(&one.as_str()))?;
        Some((&["default"], format!("'{odd}' is none of the options: {}", values.join(", "))))
    }
}
