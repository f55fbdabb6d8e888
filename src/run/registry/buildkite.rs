//! From the settings of Buildkite to its provider.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    config::{
        kind::buildkite::{self as settings, Buildkite},
        object::Object,
    },
    port::{error::ProviderError, facet::Connection},
    provider::{
        buildkite::{self, Choice, Input, Pipeline},
        http::Allowance,
    },
    run::registry::{Wired, Wiring, gauged},
};

/// In the place of a pipeline's name: all that an organisation has.
const ALL: &str = "*";
/// What we allow ourselves: Buildkite allows a user 50 requests a minute where nobody has changed that.
const ALLOWANCE: Allowance = Allowance { requests: 45, window: Duration::from_mins(1) };

impl Wired for Buildkite {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let all = wiring.config.looked_at(wiring.name, &self.pipelines);
        let settings = buildkite::Settings {
            name: wiring.source(),
            address: self.url.clone(),
            pipelines: all.into_iter().filter_map(|object| self.pipeline(wiring, object)).collect(),
            interval: self.interval,
        };
        let connection = buildkite::over(transport, settings, Arc::clone(wiring.clock));
        Ok(gauged(connection, budget, &self.access))
    }

    /// Buildkite tells of the organisation's limit in the usual headers, and of that of who asks in its own.
    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }
}

impl Buildkite {
    fn pipeline(&self, wiring: &Wiring<'_>, object: Object) -> Option<Pipeline> {
        let (organization, name) = object.name.split_once('/')?;
        let environments = object.environments.iter().map(|(step, ours)| (step.clone(), wiring.environment(ours)));
        let whole = format!("{organization}/{ALL}");
        let mut inputs = BTreeMap::new();
        // What is said of one pipeline stands before what is said of all.
        for of in [&whole, &object.name] {
            let blocks = self.blocks.iter().filter(|block| block.pipeline == *of);
            inputs.extend(blocks.map(|block| (block.step.clone(), block.fields.iter().map(input).collect())));
        }
        let own = self.blocks.iter().filter(|block| block.pipeline == object.name && name != ALL);
        let own_steps = own.map(|block| block.step.clone()).collect();
        Some(Pipeline {
            own_steps,
            organization: organization.to_owned(),
            name: (name != ALL).then(|| name.to_owned()),
            environments: environments.collect(),
            inputs,
            service: object.service,
            version: object.version,
        })
    }
}

fn input(field: &settings::Field) -> Input {
    let default = match &field.default {
        None => Vec::new(),
        Some(settings::Chosen::One(one)) => vec![one.clone()],
        Some(settings::Chosen::Several(all)) => all.clone(),
    };
    let option = |choice: &settings::Choice| Choice { label: choice.label.clone(), value: choice.value.clone() };
    Input {
        key: field.key.clone(),
        label: field.text.as_ref().or(field.select.as_ref()).unwrap_or(&field.key).clone(),
        hint: field.hint.clone(),
        required: field.required,
        default,
        options: field.options.iter().map(option).collect(),
        multiple: field.multiple,
    }
}
