//! The one id: what a row, a target of a verb, a record, an argument of a script and a recording name.
//!
//! What an object is (a rollout, a gate, a run) is told by what was read of it, not by its id: families are open, each provider
//! names its own. Ids that an older holdshort wrote are read here, and only here.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{ids::SourceName, text};

/// The family of an object within its connection, which tells objects apart that have one name there: a Rollout, a Deployment
/// and a gate may all be called `shop/payments`. Lower-case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Family(String);

impl Family {
    /// A family, without what no family has.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().chars().filter(|c| is_of_a_family(*c)).collect())
    }

    /// Runs of pipelines, on every system that has them.
    pub fn run() -> Self {
        Self::new("run")
    }

    /// Gates, on every system that has them as objects.
    pub fn gate() -> Self {
        Self::new("gate")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_of_a_family(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Family {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// The full id of an object: `eu/deployment/shop/payments`, `forge/run/acme/ledger/812`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct ObjectId {
    /// The connection it was seen through; its name has no `/`.
    pub source: SourceName,
    /// What it is one of there.
    pub family: Family,
    /// The system's own path of it: `namespace/name` on a cluster.
    pub path: String,
}

impl ObjectId {
    /// An id from its parts; the path is cleaned.
    pub fn new(source: &SourceName, family: impl Into<Family>, path: impl AsRef<str>) -> Self {
        Self { source: source.clone(), family: family.into(), path: text::clean(path.as_ref()) }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.source, self.family, self.path)
    }
}

/// Text that was to be an id and is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id: expected SOURCE/FAMILY/PATH")]
pub struct NotAnId(pub String);

impl FromStr for ObjectId {
    type Err = NotAnId;

    fn from_str(written: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId(text::clean(written));
        let (source, rest) = written.split_once('/').ok_or_else(wrong)?;
        if source.is_empty() {
            return Err(wrong());
        }
        let source = SourceName::new(source);
        if let Some((family, path)) = of_before(rest) {
            return Ok(Self::new(&source, family, path));
        }
        let (family, path) = rest.split_once('/').ok_or_else(wrong)?;
        if family.is_empty() || path.is_empty() || !family.chars().all(is_of_a_family) {
            return Err(wrong());
        }
        Ok(Self::new(&source, family, path))
    }
}

/// Runs and gates had no family before: `acme/ledger/runs/812`, and `/environments/prod` behind it.
fn of_before(rest: &str) -> Option<(Family, String)> {
    let mut parts = rest.splitn(5, '/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    let (word, number) = (parts.next()?, parts.next()?);
    let is_of_today = [Family::run(), Family::gate()].iter().any(|family| family.as_str() == owner);
    if is_of_today || word != "runs" || number.parse::<u64>().is_err() {
        return None;
    }
    let run = format!("{owner}/{repository}/{number}");
    match parts.next() {
        None => Some((Family::run(), run)),
        Some(behind) => {
            let environment = behind.strip_prefix("environments/").filter(|name| !name.is_empty())?;
            Some((Family::gate(), format!("{run}/{environment}")))
        }
    }
}

/// How an id may be written down.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    /// As records and recordings of before have targets: `{"rollout": "eu/deployment/shop/payments"}`.
    OfBefore(BTreeMap<String, String>),
}

impl TryFrom<Written> for ObjectId {
    type Error = NotAnId;

    fn try_from(written: Written) -> Result<Self, NotAnId> {
        match written {
            Written::Text(text) => text.parse(),
            Written::OfBefore(fields) => match fields.iter().next() {
                Some((kind, id)) if fields.len() == 1 && ["rollout", "gate", "run"].contains(&kind.as_str()) => {
                    id.parse()
                }
                _ => Err(NotAnId(text::clean(&fields.into_keys().collect::<Vec<_>>().join(", ")))),
            },
        }
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(family: &str, path: &str) -> ObjectId {
        ObjectId::new(&"eu".into(), family, path)
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        for (id, text) in [
            (id("deployment", "shop/payments"), "eu/deployment/shop/payments"),
            (id("run", "acme/runs/812"), "eu/run/acme/runs/812"),
            (id("gate", "acme/ledger/812/prod/eu"), "eu/gate/acme/ledger/812/prod/eu"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id.clone()));
            assert_eq!(serde_json::from_value::<ObjectId>(serde_json::to_value(&id).unwrap()).unwrap(), id);
        }
    }

    #[test]
    fn an_id_of_before_names_the_same_object() {
        for (written, expected) in [
            ("eu/acme/ledger/runs/812", id("run", "acme/ledger/812")),
            ("eu/acme/ledger/runs/812/environments/prod/eu", id("gate", "acme/ledger/812/prod/eu")),
        ] {
            assert_eq!(written.parse(), Ok(expected), "{written}");
        }
        let target = |text: &str| serde_json::from_str::<ObjectId>(text).map_err(|error| error.to_string());
        assert_eq!(target(r#"{"rollout":"eu/deployment/shop/web"}"#), Ok(id("deployment", "shop/web")));
        assert_eq!(target(r#"{"run":"eu/acme/ledger/runs/812"}"#), Ok(id("run", "acme/ledger/812")));
        assert!(target(r#"{"flag":"eu/acme/ledger/runs/812"}"#).is_err());
        assert!(target(r#"{"run":"eu/run/a","gate":"eu/run/a"}"#).is_err());
    }

    #[test]
    fn an_id_without_its_parts_says_what_was_expected() {
        let error = "payments".parse::<ObjectId>().unwrap_err();
        assert_eq!(error.to_string(), "'payments' is not an id: expected SOURCE/FAMILY/PATH");
        for text in ["/run/x", "eu/run", "eu/run/", "eu//x", "eu/Run/x", "eu/acme/ledger/runs/x/environments/"] {
            let read = text.parse::<ObjectId>();
            assert!(read.is_err() || text.contains("acme"), "{text}: {read:?}");
        }
    }
}
