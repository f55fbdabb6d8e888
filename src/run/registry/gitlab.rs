//! From the settings of GitLab to its provider.

mod found;

use std::{sync::Arc, time::Duration};

use crate::{
    config::{kind::gitlab::Gitlab, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::{
        gitlab::{self, Project},
        http::Allowance,
    },
    run::registry::{Wired, Wiring, gauged},
};

pub(super) use self::found::found;

/// What we allow ourselves. gitlab.com lets a user ask 2,000 times a minute and has said that it will be 100 on its free plan; where
/// one's own GitLab has a limit, that is 120 as it comes. Sources: `docs.gitlab.com/security/rate_limits/` and
/// `docs.gitlab.com/user/gitlab_com/`.
const ALLOWANCE: Allowance = Allowance { requests: 90, window: Duration::from_mins(1) };

impl Wired for Gitlab {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let project = |object: Object| Project {
            environments: object
                .environments
                .iter()
                .map(|(theirs, ours)| (theirs.clone(), wiring.environment(ours)))
                .collect(),
            path: object.name,
            service: object.service,
            version: object.version,
        };
        let projects = wiring.config.looked_at(wiring.name, &self.projects).into_iter().map(project).collect();
        let (name, address, interval) = (wiring.source(), self.url.clone(), self.interval);
        let settings = gitlab::Settings { name, address, projects, interval };
        Ok(gauged(gitlab::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }
}
