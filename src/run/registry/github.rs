//! From the settings of GitHub to its provider.

mod found;

use crate::{
    config::{kind::github::Github, object::Object},
    domain::{ids::ServiceName, observed::FaultKind},
    port::{error::ProviderError, facet::Connection},
    provider::github,
    run::registry::{Wired, Wiring, gauged},
};

pub(super) use self::found::found;

impl Wired for Github {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        // The token is put below octocrab, on requests that name a path only: a log lies on another host, and no token may reach it.
        let (shared, roots) = github::Roots::of(&self.base_url);
        let (transport, budget) = wiring.wire(shared, &self.access)?;
        let all = wiring.config.looked_at(wiring.name, &self.repos);
        let repos = all.into_iter().filter_map(|object| repository(wiring, object)).collect();
        let settings = github::Settings { name: wiring.source(), roots, token: None, repos, interval: self.interval };
        let connection = github::over(transport, settings, wiring.clock.clone())
            .map_err(|why| ProviderError::new(FaultKind::Unreadable, why.to_string()))?;
        Ok(gauged(connection, budget, &self.access))
    }
}

fn repository(wiring: &Wiring<'_>, object: Object) -> Option<github::Repository> {
    let (owner, repo) = object.name.split_once('/')?;
    let environments = object.environments.iter().map(|(theirs, ours)| (theirs.clone(), wiring.environment(ours)));
    Some(github::Repository {
        owner: owner.to_owned(),
        repo: repo.to_owned(),
        environments: environments.collect(),
        service: object.service.unwrap_or_else(|| ServiceName::new(repo)),
        version: object.version,
    })
}
