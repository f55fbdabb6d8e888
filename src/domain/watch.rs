//! For how long a release is watched after all traffic is on it: the next peak may be hours away.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::ids::ServiceName;

/// How long where nobody says so.
const USUAL: Duration = Duration::from_hours(1);
/// And in recordings of before that could be said.
const BEFORE: Duration = Duration::from_mins(15);

/// For how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Each service that says nothing of its own.
    pub usual: Duration,
    /// Those that do.
    #[serde(default)]
    pub services: BTreeMap<ServiceName, Duration>,
}

impl Watch {
    /// As a recording was flown that says nothing of it.
    pub fn of_before() -> Self {
        Self { usual: BEFORE, services: BTreeMap::new() }
    }

    /// How long a service is watched.
    pub fn of(&self, service: &ServiceName) -> Duration {
        self.services.get(service).copied().unwrap_or(self.usual)
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self { usual: USUAL, services: BTreeMap::new() }
    }
}
