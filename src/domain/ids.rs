//! Names and ids: one newtype each, so that a service can never be passed where an environment is meant.
//!
//! Every constructor cleans its text ([`crate::domain::text::clean`]), because most names come from outside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{rollout::Engine, text};

/// Declares a cleaned, ordered, printable newtype over `String`.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text, without whatever could move a cursor.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text::clean(text.as_ref()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

name!(
    /// What is released, as the team calls it: `payments`.
    ServiceName
);
name!(
    /// Where it runs: `prod/eu-west-1`. The part before the first `/` is the stage.
    EnvironmentName
);
name!(
    /// A configured connection to one system: `kubernetes-eu`, `github`. It names itself in the status bar.
    SourceName
);
name!(
    /// A person as the system in question knows them: a login.
    Person
);

/// The full id of a rollout: `kubernetes-eu/argo_rollouts/shop/payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RolloutId {
    /// The connection it was seen through.
    pub source: SourceName,
    /// Which engine moves it.
    pub engine: Engine,
    /// The engine's own path: `namespace/name` on Kubernetes.
    pub path: String,
}

impl RolloutId {
    /// An id from its parts; the path is cleaned.
    pub fn new(source: &SourceName, engine: Engine, path: impl AsRef<str>) -> Self {
        Self { source: source.clone(), engine, path: text::clean(path.as_ref()) }
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.source, self.engine, self.path)
    }
}

/// Text that was to be an id and is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id: expected {1}")]
pub struct NotAnId(pub String, pub &'static str);

impl FromStr for RolloutId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId(text::clean(text), "SOURCE/ENGINE/PATH");
        let mut parts = text.splitn(3, '/');
        let (Some(source), Some(engine), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let engine = engine.parse().map_err(|_| wrong())?;
        Ok(Self::new(&SourceName::new(source), engine, path))
    }
}

impl TryFrom<String> for RolloutId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<RolloutId> for String {
    fn from(id: RolloutId) -> Self {
        id.to_string()
    }
}

/// Declares an id of the form `SOURCE/PATH`.
macro_rules! sourced_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            /// The connection it was seen through.
            pub source: SourceName,
            /// The system's own path of the object.
            pub path: String,
        }

        impl $name {
            /// An id from its parts; the path is cleaned.
            pub fn new(source: &SourceName, path: impl AsRef<str>) -> Self {
                Self { source: source.clone(), path: text::clean(path.as_ref()) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.source, self.path)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                match text.split_once('/') {
                    Some((source, path)) if !source.is_empty() && !path.is_empty() => {
                        Ok(Self::new(&SourceName::new(source), path))
                    }
                    _ => Err(NotAnId(text::clean(text), "SOURCE/PATH")),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

sourced_id!(
    /// The full id of a gate: `github/acme/ledger/runs/812/environments/prod`.
    GateId
);
sourced_id!(
    /// The full id of a run: `github/acme/ledger/runs/812`.
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_id_reads_back_what_it_prints() {
        let id = RolloutId::new(&"eu".into(), Engine::ArgoRollouts, "shop/payments");
        assert_eq!(id.to_string(), "eu/argo_rollouts/shop/payments");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_without_its_parts_says_what_was_expected() {
        let error = "payments".parse::<RolloutId>().unwrap_err();
        assert_eq!(error.to_string(), "'payments' is not an id: expected SOURCE/ENGINE/PATH");
        assert!("eu/no_such_engine/x".parse::<RolloutId>().is_err());
        assert!("/x".parse::<RunId>().is_err());
    }

    #[test]
    fn a_name_from_outside_cannot_carry_an_escape_sequence() {
        assert_eq!(ServiceName::new("pay\u{1b}[2Jments").as_str(), "payments");
    }
}
