//! Registries of images (OCI distribution, Docker's registry): is an image still kept, what does its name stand for now, and how many
//! others are kept beside it. Reads only; no layer is ever fetched.
//!
//! `name` reads what templates call an image, `request` builds, `api` reads the wire, `client` goes there: openly, with a name and a
//! password, or with a token that the registry sends us to fetch. A name and a password go to the registry and to its one server of
//! tokens, which the configuration names where that is another place, and nowhere else.
//!
//! Sources: the OCI distribution specification 1.1 (`pulling manifests`, `listing tags`, `error codes`), and Docker's "Token
//! authentication specification".

mod api;
mod challenge;
mod client;
mod examine;
mod name;
mod request;

use std::{fmt, sync::Arc, time::Duration};

use http::StatusCode;

use crate::{
    domain::{ids::SourceName, observed::FaultKind, preflight::Kept},
    port::{
        clock::SharedClock,
        error::ProviderError,
        examine::Examine,
        facet::Connection,
        lookup::{Answers, Lookup, Question, Told, Topic, foreign, once},
        wire::{Class, Transport},
    },
    provider::oci::{client::Client, name::Name},
};

/// What sentences call it.
const CALLED: &str = "the registry";

/// How a registry is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How images of it begin: `registry.test:5000`, `docker.io`. Those of others are not looked for here.
    pub hosts: Vec<String>,
    /// Where it may send us for a token: the whole address, without a query.
    pub token_server: String,
    /// How often it proves that it is alive.
    pub interval: Duration,
}

/// The ways to a registry and to its server of tokens.
#[derive(Clone, Debug)]
pub struct Ways {
    /// To the registry, without our name and password: what is asked with a token that was fetched has that in their place.
    pub plain: Transport,
    /// To the registry with them, where there are any.
    pub named: Option<Transport>,
    /// To the server of tokens, with them where there are any.
    pub tokens: Transport,
}

/// A connection that tells what is kept of images, over ways that know the addresses: requests carry `/v2/…`.
pub fn over(name: SourceName, ways: Ways, settings: Settings, clock: SharedClock) -> Connection {
    let interval = settings.interval;
    let client = Client::new(ways, settings.token_server.clone(), clock);
    let registry = Arc::new(Registry { client, settings });
    let examiner: Option<Arc<dyn Examine>> = Some(registry.clone());
    Connection { lookups: vec![registry], examiner, ..Connection::new(name, "registry", interval) }
}

struct Registry {
    client: Client,
    settings: Settings,
}

impl Lookup for Registry {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Image]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        match question {
            Question::Image { name } if name.is_empty() => {
                once(async { self.alive().await.map(|()| Told::Image(Kept::Elsewhere)) })
            }
            Question::Image { name } => once(async move { self.image(&name).await.map(Told::Image) }),
            other => foreign(CALLED, &other),
        }
    }
}

impl Registry {
    /// The cheapest request.
    async fn alive(&self) -> Result<(), ProviderError> {
        let answer = self.client.ask("", request::base).await?;
        if answer.status().is_success() { Ok(()) } else { Err(self.client.fault(&answer)) }
    }

    async fn image(&self, image: &str) -> Result<Kept, ProviderError> {
        let Some(name) = Name::read(image) else {
            let text = format!("'{image}' is no name of an image");
            return Err(ProviderError::new(FaultKind::Rejected, text));
        };
        if !self.settings.hosts.iter().any(|host| name::host(host) == name.host) {
            return Ok(Kept::Elsewhere);
        }
        let answer = self.client.ask(&name.repository, || request::manifest(&name, true)).await?;
        match answer.status() {
            status if status.is_success() => {
                let digest = answer.headers().get("docker-content-digest").and_then(|digest| digest.to_str().ok());
                let digest = digest.filter(|digest| name::is_digest(digest)).map(str::to_owned);
                let tags = self.tags(&name).await.map_err(|error| error.text);
                Ok(Kept::There { digest, tags })
            }
            StatusCode::NOT_FOUND => self.gone(&name).await,
            _ => Err(self.client.fault(&answer)),
        }
    }

    /// That it is gone, in the registry's own words: a 404 alone may be anybody's, and an answer to HEAD has none.
    async fn gone(&self, name: &Name) -> Result<Kept, ProviderError> {
        let answer = self.client.ask(&name.repository, || request::manifest(name, false)).await?;
        let repository = &name.repository;
        let codes = api::codes(answer.body());
        let says = |code: &str| codes.iter().any(|known| known == code);
        let text = match answer.status() {
            StatusCode::NOT_FOUND if says("MANIFEST_UNKNOWN") => return Ok(Kept::Gone),
            StatusCode::NOT_FOUND if says("NAME_UNKNOWN") => {
                format!("{CALLED} has no repository {repository}, or does not show it to us")
            }
            StatusCode::NOT_FOUND => {
                format!("a 404 for {repository} that is no answer of a registry: check its address")
            }
            status if status.is_success() => {
                format!("{CALLED} says once that {repository} has no {}, and once that it has", name.reference)
            }
            _ => return Err(self.client.fault(&answer)),
        };
        Err(ProviderError::new(FaultKind::Missing, text))
    }

    /// How many tags of its repository are kept; a page of them at most.
    async fn tags(&self, name: &Name) -> Result<usize, ProviderError> {
        let answer = self.client.ask(&name.repository, || request::tags(name)).await?;
        if !answer.status().is_success() {
            return Err(self.client.fault(&answer));
        }
        let told: api::Tags = self.client.json(&answer)?;
        Ok(told.tags.len())
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What a request of ours does to the far side.
const READS: Class = Class::Read;

#[cfg(test)]
mod tests;
