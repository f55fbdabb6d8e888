//! Names: one newtype each, so that a service can never be passed where an environment is meant.
//!
//! Every constructor cleans its text ([`crate::domain::text::clean`]), because most names come from outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::text;

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
    /// A configured connection to one system: `cluster-eu`, `forge`. It names itself in the status bar.
    SourceName
);
name!(
    /// A person as the system in question knows them: a login.
    Person
);

impl EnvironmentName {
    /// Is one the other, or a part of it? `prod/eu-west-1` and `prod` meet, and so does `prod` with itself; nothing meets no
    /// environment.
    pub fn meets(&self, other: &Self) -> bool {
        let below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
        let (one, other) = (self.as_str(), other.as_str());
        !one.is_empty() && !other.is_empty() && (one == other || below(one, other) || below(other, one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_meets_itself_and_its_parts_and_none_meets_nothing() {
        let meets = |one: &str, other: &str| EnvironmentName::new(one).meets(&EnvironmentName::new(other));
        assert!(meets("prod", "prod") && meets("prod", "prod/eu") && meets("prod/eu", "prod"));
        assert!(!meets("prod/eu", "prod/us") && !meets("prod", "production") && !meets("", "") && !meets("", "prod"));
    }

    #[test]
    fn a_name_from_outside_cannot_carry_an_escape_sequence() {
        assert_eq!(ServiceName::new("pay\u{1b}[2Jments").as_str(), "payments");
    }
}
