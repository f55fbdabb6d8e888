//! From the settings of a registry of images to its provider.

use std::sync::Arc;

use url::Url;

use crate::{
    config::{access::Access, kind::oci::Registry},
    domain::observed::FaultKind,
    port::{error::ProviderError, facet::Connection},
    provider::oci::{self, Ways},
    run::registry::{Wired, Wiring, gauged},
};

impl Wired for Registry {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let open = Access { basic_auth: None, ..self.access.clone() };
        let (plain, budget) = wiring.wire(&self.url, &open)?;
        let named = match self.access.basic_auth {
            Some(_) => Some(wiring.wire(&self.url, &self.access)?.0),
            None => None,
        };
        let token_server = self.token_server.clone().unwrap_or_else(|| own_tokens(&self.url));
        let (tokens, _) = wiring.wire(&origin(&token_server)?, &self.access)?;
        let settings = oci::Settings { hosts: self.image_hosts(), token_server, interval: self.interval };
        let ways = Ways { plain, named, tokens };
        let connection = oci::over(wiring.source(), ways, settings, Arc::clone(wiring.clock));
        Ok(gauged(connection, budget, &self.access))
    }
}

/// Where a registry gives tokens itself, as the usual ones do.
fn own_tokens(url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    format!("{origin}/token")
}

/// Its scheme, host and port: the path is that of each request.
fn origin(address: &str) -> Result<String, ProviderError> {
    let url = Url::parse(address)
        .map_err(|why| ProviderError::new(FaultKind::Unreachable, format!("`token_server` is no URL: {why}")))?;
    Ok(url.origin().ascii_serialization())
}
