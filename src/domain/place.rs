//! Where a service runs: what almost everything is about, and what joins what different systems tell of one release.

use std::{collections::BTreeMap, fmt};

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

/// What somebody wrote to name places: `SERVICE` stands for every place that it runs in, `SERVICE@ENVIRONMENT` for those in that
/// environment. `prod` is also where `prod/eu-west-1` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a>(pub &'a str);

impl Named<'_> {
    /// Is this the service that is named, wherever?
    pub fn is_of(self, service: &ServiceName) -> bool {
        let name = service.as_str();
        self.0 == name || self.0.strip_prefix(name).is_some_and(|rest| rest.starts_with('@'))
    }

    /// Is this one of the places?
    pub fn is_at(self, service: &ServiceName, environment: &EnvironmentName) -> bool {
        let Some(rest) = self.0.strip_prefix(service.as_str()) else { return false };
        let Some(wanted) = rest.strip_prefix('@') else { return rest.is_empty() };
        environment.as_str().strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Does it say where?
    pub fn says_where(self) -> bool {
        self.0.contains('@')
    }
}

/// Of which environments a source tells, as the configuration says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Of these only: `prod/eu-west-1`, or `prod/*` for all below `prod`. Empty where it does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// It tells them apart when it is asked about one of them.
    #[serde(default)]
    pub apart: bool,
}

impl Coverage {
    /// Does the configuration say which environments there are?
    pub fn is_said(&self) -> bool {
        self.apart || !self.environments.is_empty()
    }

    /// May it tell of this environment, as far as is said?
    pub fn covers(&self, environment: &EnvironmentName) -> bool {
        let name = environment.as_str();
        let fits = |said: &String| match said.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => said == name,
        };
        self.environments.is_empty() || self.environments.iter().any(fits)
    }
}

/// What a label that tells environments apart may say of one of them: what is given for it, else its name, or what that ends with
/// (`eu-west-1` of `prod/eu-west-1`).
pub fn label_values<'a>(
    given: &'a BTreeMap<EnvironmentName, Vec<String>>,
    environment: &'a EnvironmentName,
) -> Vec<&'a str> {
    let name = environment.as_str();
    match given.get(environment) {
        Some(values) => values.iter().map(String::as_str).collect(),
        None => std::iter::once(name).chain(name.split_once('/').map(|(_, end)| end)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_covers_what_is_said_and_everything_where_nothing_is() {
        let of =
            |said: &[&str]| Coverage { environments: said.iter().map(|it| (*it).to_owned()).collect(), apart: false };
        let covers = |said: &[&str], name: &str| of(said).covers(&name.into());
        assert!(covers(&["prod/eu-west-1"], "prod/eu-west-1") && !covers(&["prod/eu-west-1"], "prod/eu-west-10"));
        assert!(covers(&["prod/*"], "prod/us-east-1") && !covers(&["prod/*"], "staging/us-east-1"));
        assert!(covers(&[], "anywhere") && !of(&[]).is_said() && of(&["prod/*"]).is_said());
    }

    #[test]
    fn a_place_is_named_by_its_service_alone_or_with_its_environment_or_the_stage_of_that() {
        let (service, prod) = ("payments".into(), "prod/eu-west-1".into());
        for name in ["payments", "payments@prod", "payments@prod/eu-west-1"] {
            assert!(Named(name).is_at(&service, &prod) && Named(name).is_of(&service), "{name}");
        }
        for name in ["payments@pro", "payments@prod/eu", "payments@", "payment", "payments2", "prod"] {
            assert!(!Named(name).is_at(&service, &prod), "{name}");
        }
        assert!(Named("payments@staging").is_of(&service) && !Named("payments2").is_of(&service));
    }

    #[test]
    fn a_place_is_said_with_its_environment_where_there_is_one() {
        let said = |environment: &str| Place::of(&"payments".into(), &environment.into()).to_string();
        assert_eq!(
            (said("prod/eu-west-1"), said("")),
            ("payments in prod/eu-west-1".to_owned(), "payments".to_owned())
        );
    }
}
