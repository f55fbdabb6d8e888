//! From the settings of Lambda to its provider.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    config::{kind::lambda::Lambda, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::{
        http::Allowance,
        lambda::{self, Chosen},
    },
    run::registry::{Wired, Wiring, aws, gauged},
};

/// In the place of a name: all that there are.
const ALL: &str = "*";
/// What we allow ourselves. Lambda takes fifteen requests a second to all that manages it, of everybody in an account and region.
const ALLOWANCE: Allowance = Allowance { requests: 240, window: Duration::from_mins(1) };

impl Wired for Lambda {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = aws::wire(self.account(), lambda::TARGETS, wiring)?;
        let functions = wiring.config.looked_at(wiring.name, &self.functions);
        let settings = lambda::Settings {
            name: wiring.source(),
            region: self.region.clone(),
            address: self.url.clone(),
            functions: functions.into_iter().map(|one| chosen(wiring, one)).collect(),
            interval: self.interval,
        };
        Ok(gauged(lambda::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }

    fn elsewhere(&self, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        aws::elsewhere(self.account(), environment)
    }
}

fn chosen(wiring: &Wiring<'_>, object: Object) -> Chosen {
    let environments = object.environments.iter().map(|(alias, ours)| (alias.clone(), wiring.environment(ours)));
    let (function, alias) = object.name.split_once('/').map_or((&*object.name, ALL), |both| both);
    let named = |text: &str| Some(text.to_owned()).filter(|text| text != ALL);
    Chosen {
        environments: environments.collect(),
        function: named(function),
        alias: named(alias),
        service: object.service,
        version: object.version,
    }
}
