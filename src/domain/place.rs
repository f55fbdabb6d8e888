//! Where a service runs: what almost everything is about, and what joins what different systems tell of one release.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{EnvironmentName, ServiceName};

/// A service in an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// What runs.
    pub service: ServiceName,
    /// Where; empty where a system tells of none.
    pub environment: EnvironmentName,
}

impl Place {
    /// This service there.
    pub fn of(service: &ServiceName, environment: &EnvironmentName) -> Self {
        Self { service: service.clone(), environment: environment.clone() }
    }
}

/// `payments in prod/eu-west-1`; without an environment the service alone.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.environment.as_str() {
            "" => write!(f, "{}", self.service),
            environment => write!(f, "{} in {environment}", self.service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_said_with_its_environment_where_there_is_one() {
        let said = |environment: &str| Place::of(&"payments".into(), &environment.into()).to_string();
        assert_eq!(
            (said("prod/eu-west-1"), said("")),
            ("payments in prod/eu-west-1".to_owned(), "payments".to_owned())
        );
    }
}
