//! Services and environments: what is released, and where it runs.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    offer::Risk,
};

/// A place where versions run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// `prod/eu-west-1`.
    pub name: EnvironmentName,
    /// What a mistake costs there.
    pub risk: Risk,
}

/// What is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name on every screen.
    pub name: ServiceName,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where its runbook is.
    pub runbook: Option<String>,
}
