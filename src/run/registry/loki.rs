//! From the settings of a Loki to its provider.

use std::sync::Arc;

use crate::{
    config::kind::{label::by_environment, loki::Loki},
    domain::ids::ServiceName,
    port::{error::ProviderError, facet::Connection},
    provider::loki,
    run::registry::{Wired, Wiring, gauged},
};

impl Wired for Loki {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let (transport, budget) = wiring.wire(&self.url, &self.access)?;
        let named = wiring.config.services.keys().map(ServiceName::new);
        let settings = loki::Settings {
            service_label: self.service_label.clone(),
            version_label: self.version_label.clone(),
            pod_label: self.pod_label.clone(),
            matchers: self.matchers.clone(),
            labels: named.map(|service| (service.clone(), wiring.config.metrics_name(&service))).collect(),
            place_label: self.place_label.clone(),
            places: by_environment(&self.environments),
            covers: self.covers.clone(),
            interval: self.interval,
        };
        let connection = loki::over(wiring.source(), transport, settings, Arc::clone(wiring.clock));
        Ok(gauged(connection, budget, &self.access))
    }
}
