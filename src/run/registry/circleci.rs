//! From the settings of CircleCI to its provider.

mod found;

use std::{sync::Arc, time::Duration};

use crate::{
    config::{kind::circleci::Circleci, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::{
        circleci::{self, Project},
        http::Allowance,
    },
    run::registry::{Wired, Wiring, gauged},
};

pub(super) use self::found::found;

/// What we allow ourselves: CircleCI publishes no number, and says only in its answers what is left.
const ALLOWANCE: Allowance = Allowance { requests: 240, window: Duration::from_mins(1) };

impl Wired for Circleci {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let project = |object: Object| Project {
            environments: object
                .environments
                .iter()
                .map(|(theirs, ours)| (theirs.clone(), wiring.environment(ours)))
                .collect(),
            definition: self.definitions.get(&object.name).cloned(),
            deploys: self.deploys.get(&object.name).cloned(),
            slug: object.name,
            service: object.service,
            version: object.version,
        };
        let projects = wiring.config.looked_at(wiring.name, &self.projects).into_iter().map(project).collect();
        let (name, address, interval) = (wiring.source(), self.url.clone(), self.interval);
        let settings = circleci::Settings { name, address, projects, interval };
        Ok(gauged(circleci::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }
}
