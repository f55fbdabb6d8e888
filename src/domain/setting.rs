//! What a service is given where it runs, by name: where each setting stands, and whether two of them are alike. Never what they are.
//!
//! Here lives what is known of settings, and what somebody expects of them. Here must not live: a value, or anything made of one that
//! means something outside of this process.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::{
    files::fits,
    ids::{EnvironmentName, Person, ServiceName},
    service::Environment,
    text::clean,
    time::Timestamp,
};

/// Two values of one name have the same mark where they are the same, in this process. It is a number in the order in which values
/// were met: nothing of a value can be learnt from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(pub u64);

/// What is known of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// It can be compared.
    Marked(Mark),
    /// It is set, and its system gives it to nobody, or we do not ask for it.
    Hidden,
    /// The same; but it is known which one it is: those of one mark are set once, and so they are the same.
    HiddenOne(Mark),
}

impl Content {
    /// Is it shown to nobody?
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::Hidden | Self::HiddenOne(_))
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What whoever uses it calls it: `DATABASE_URL`.
    pub name: String,
    /// Where it is set, in its system's words: `variable of the environment`, `ConfigMap pay-env`.
    pub place: String,
    /// What is known of its value.
    pub content: Content,
    /// When it was last changed, or something that it stands in, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
    /// By whom, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

impl Setting {
    /// Of this name, set there. Both are made printable.
    pub fn new(name: &str, place: &str, content: Content) -> Self {
        Self { name: clean(name), place: clean(place), content, changed: None, by: None }
    }

    /// The same, last changed then.
    #[must_use]
    pub fn changed(self, at: Option<Timestamp>) -> Self {
        Self { changed: at, ..self }
    }
}

/// The settings of a service in an environment, as far as one system has them and tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// All that were read. One name may stand there several times.
    pub all: Vec<Setting>,
    /// What could not be read, a sentence each: what is not among them may be set all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// A pattern of names: `*` stands for any letters, `*_HOST`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(String);

/// Why a text is no pattern of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern of names is not empty: write e.g. *_HOST")]
pub struct NoNamePattern;

impl TryFrom<String> for NamePattern {
    type Error = NoNamePattern;

    fn try_from(text: String) -> Result<Self, NoNamePattern> {
        if text.trim().is_empty() { Err(NoNamePattern) } else { Ok(Self(text.trim().to_owned())) }
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NamePattern {
    /// Is it this name?
    pub fn takes(&self, name: &str) -> bool {
        let (pattern, name): (Vec<char>, Vec<char>) = (self.0.chars().collect(), name.chars().collect());
        fits(&pattern, &name, |c| *c == '*', |c, other| c == other)
    }
}

/// How much it matters that settings differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is said beside what is checked.
    #[default]
    Note,
    /// It is a risk of what goes forward.
    Risk,
}

/// With what the settings of a service are compared, and what may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The environment that others are held against; without it the next one of lower risk.
    pub from: Option<EnvironmentName>,
    /// These are meant to differ.
    pub expected: Vec<NamePattern>,
}

/// How settings are compared, as the configuration says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparing {
    /// The environments that there are.
    pub environments: Vec<Environment>,
    /// What services say themselves.
    pub services: BTreeMap<ServiceName, Compared>,
    /// How much a difference matters.
    pub weight: Weight,
}

impl Comparing {
    /// Is it meant that this setting of a service differs?
    pub fn expects(&self, service: &ServiceName, name: &str) -> bool {
        self.services.get(service).is_some_and(|of| of.expected.iter().any(|pattern| pattern.takes(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_names_takes_whole_names_and_a_star_any_letters_of_one() {
        let takes = |pattern: &str, name: &str| NamePattern::try_from(pattern.to_owned()).unwrap().takes(name);
        assert!(takes("DATABASE_URL", "DATABASE_URL") && !takes("DATABASE_URL", "DATABASE_URL_2"));
        assert!(takes("*_HOST", "DB_HOST") && !takes("*_HOST", "DB_HOST_2") && !takes("*_HOST", "db_host"));
        assert!(takes("A*Z", "AZ") && takes("A*Z", "A.b/cZ") && takes("*", ""));
        assert!(NamePattern::try_from("  ".to_owned()).is_err());
    }

    #[test]
    fn names_and_places_from_outside_are_printable() {
        let setting = Setting::new("A\u{1b}[2JB\u{202e}", "Config\u{200b}Map\rx", Content::Hidden);
        assert_eq!((setting.name.as_str(), setting.place.as_str()), ("AB", "ConfigMap x"));
    }
}
