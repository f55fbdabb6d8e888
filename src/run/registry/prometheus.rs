//! From the settings of a Prometheus to its provider.

mod found;

use std::sync::Arc;

use crate::{
    config::kind::{
        label::by_environment,
        prometheus::{self as settings, Prometheus, Queries},
    },
    domain::{ids::ServiceName, observed::FaultKind},
    port::{error::ProviderError, facet::Connection},
    provider::prometheus::{
        self,
        presets::{self, LatencyUnit, Preset},
    },
    run::registry::{Wired, Wiring, gauged},
};

pub(super) use self::found::found;

/// The presets that come with the program.
pub(in crate::run) fn presets() -> Vec<String> {
    presets::built_in().into_keys().collect()
}

impl Wired for Prometheus {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let preset = match (&self.preset, &self.queries) {
            (_, Some(queries)) => preset_of(queries),
            (Some(preset), None) => {
                presets::named(preset).map_err(|why| ProviderError::new(FaultKind::Unreadable, why.to_string()))?
            }
            // `config check` has said so already; this is for a configuration that nobody checked.
            (None, None) => {
                return Err(ProviderError::new(FaultKind::Unreadable, "neither a preset nor queries are set"));
            }
        };
        let named = wiring.config.services.keys().map(ServiceName::new);
        let labels = named.map(|service| {
            let label = wiring.config.metrics_name(&service);
            (service, label)
        });
        let settings = prometheus::Settings {
            matchers: self.matchers.clone(),
            strata: self.strata.clone(),
            labels: labels.collect(),
            place_label: self.place_label.clone(),
            places: by_environment(&self.environments),
            covers: self.covers.clone(),
            interval: self.interval,
            scrape: self.step / 2,
            ..prometheus::Settings::new(preset)
        };
        let connection = prometheus::over(wiring.source(), transport, settings, Arc::clone(wiring.clock));
        Ok(gauged(connection, budget, &self.access))
    }
}

fn preset_of(queries: &Queries) -> Preset {
    Preset {
        service_label: queries.service_label.clone(),
        version_label: queries.version_label.clone(),
        latency_unit: match queries.latency_unit {
            settings::LatencyUnit::Milliseconds => LatencyUnit::Milliseconds,
            settings::LatencyUnit::Seconds => LatencyUnit::Seconds,
        },
        rate: queries.rate.clone(),
        error_ratio: queries.error_ratio.clone(),
        buckets: queries.buckets.clone(),
        requests_total: queries.requests_total.clone(),
        errors_total: queries.errors_total.clone(),
        buckets_total: queries.buckets_total.clone(),
        histogram_total: queries.histogram_total.clone(),
        pod_label: queries.pod_label.clone(),
        service_matcher: queries.service_matcher.clone(),
        notes: String::new(),
    }
}
