//! From the settings of CodePipeline to its provider: who we are to AWS, and the way to each of its services.

mod found;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    config::{kind::codepipeline::Codepipeline, object::Object},
    port::{error::ProviderError, facet::Connection},
    provider::{
        codepipeline::{self, Pipeline},
        http::Allowance,
    },
    run::registry::{Wired, Wiring, aws, gauged},
};

pub(super) use self::found::found;

/// In the place of a pipeline's name: all that a region has.
const ALL: &str = "*";
/// What we allow ourselves. AWS publishes no number; boards of many pipelines were slowed down at a few requests a second, which all who
/// ask in an account and region share, the console too.
const ALLOWANCE: Allowance = Allowance { requests: 120, window: Duration::from_mins(1) };
impl Wired for Codepipeline {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = aws::wire(self.account(), codepipeline::TARGETS, wiring)?;
        let settings = codepipeline::Settings {
            name: wiring.source(),
            region: self.region.clone(),
            address: self.url.clone(),
            pipelines: wiring
                .config
                .looked_at(wiring.name, &self.pipelines)
                .into_iter()
                .map(|one| pipeline(wiring, one))
                .collect(),
            interval: self.interval,
        };
        Ok(gauged(codepipeline::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }

    fn elsewhere(&self, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        aws::elsewhere(self.account(), environment)
    }
}

fn pipeline(wiring: &Wiring<'_>, object: Object) -> Pipeline {
    let environments = object.environments.iter().map(|(stage, ours)| (stage.clone(), wiring.environment(ours)));
    Pipeline {
        environments: environments.collect(),
        name: Some(object.name).filter(|name| name != ALL),
        service: object.service,
        version: object.version,
    }
}
