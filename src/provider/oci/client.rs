//! Asks a registry as it wants to be asked: openly, with our name and password, or with a token that it sends us to fetch.
//!
//! Where it sends us is held against the configuration: what fetches a token carries our name and password.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::{
    CALLED, READS, Ways, api,
    challenge::{self, Challenge},
    request,
};
use crate::{
    domain::{
        observed::FaultKind,
        text::clean,
        time::{Timestamp, after},
    },
    port::{clock::SharedClock, error::ProviderError},
    provider::http::client::{Answer, Client as Http, Said},
};

/// How long a token is good for where nobody says it, and how much of that is left unused.
const GOOD: u64 = 60;
const SPARE: u64 = 10;
/// Tokens that are kept: one for each repository.
const MOST: usize = 200;

/// See the module.
pub(super) struct Client {
    plain: Http,
    named: Option<Http>,
    tokens: Http,
    /// Where it may send us for a token.
    token_server: String,
    clock: SharedClock,
    known: Mutex<Known>,
}

/// What was learnt of the registry.
#[derive(Default)]
struct Known {
    /// It wants our name and password.
    by_name: bool,
    /// By repository, each until it is over.
    tokens: BTreeMap<String, (SecretString, Timestamp)>,
}

impl Client {
    pub(super) fn new(ways: Ways, token_server: String, clock: SharedClock) -> Self {
        let http = |transport| Http::new(CALLED, transport, clock.clone(), words);
        Self {
            plain: http(ways.plain),
            named: ways.named.map(http),
            tokens: Http::new("its server of tokens", ways.tokens, clock.clone(), |_, _| None),
            token_server,
            clock,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to what is asked about a repository, whatever its status but a first 401.
    pub(super) async fn ask(
        &self,
        repository: &str,
        request: impl Fn() -> Result<Request<Bytes>, ProviderError>,
    ) -> Result<Answer, ProviderError> {
        let answer = match (self.token(repository), &self.named) {
            (Some(token), _) => self.plain.send(request::with(request()?, token.expose_secret())?).await?,
            (None, Some(named)) if self.known().by_name => return named.send(request()?).await,
            (None, _) => self.plain.send(request()?).await?,
        };
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.known().tokens.remove(repository);
        match (challenge::read(answer.headers()), &self.named) {
            (Some(Challenge::Bearer { realm, service }), _) => {
                let token = self.fetch(&realm, service.as_deref(), repository).await?;
                self.plain.send(request::with(request()?, token.expose_secret())?).await
            }
            (Some(Challenge::Basic), Some(named)) => {
                self.known().by_name = true;
                named.send(request()?).await
            }
            (Some(Challenge::Basic), None) => {
                let text = format!("{CALLED} wants a name and a password: write basic_auth (401)");
                Err(ProviderError::new(FaultKind::Unauthenticated, text))
            }
            (None, _) => Ok(answer),
        }
    }

    /// A token that is still good.
    fn token(&self, repository: &str) -> Option<SecretString> {
        let now = self.clock.now();
        let known = self.known();
        known.tokens.get(repository).filter(|(_, over)| *over > now).map(|(token, _)| token.clone())
    }

    async fn fetch(&self, realm: &str, service: Option<&str>, repository: &str) -> Result<SecretString, ProviderError> {
        let refused = |text: String| ProviderError::new(FaultKind::Unauthenticated, text);
        if realm.trim_end_matches('/') != self.token_server.trim_end_matches('/') {
            let shown = clean(realm.split(['?', '#']).next().unwrap_or_default());
            let text =
                format!("{CALLED} sends us to {shown} for a token: write token_server = \"{shown}\" if that is right");
            return Err(refused(text));
        }
        let path = url::Url::parse(realm).map_err(|_| refused(format!("{CALLED} names no address for a token")))?;
        let asked = request::token(path.path(), service, repository)?;
        let told: api::Token = self.tokens.read(asked).await?;
        let token = told.token.or(told.access_token).filter(|token| !token.expose_secret().is_empty());
        let token = token.ok_or_else(|| refused("its server of tokens gave none".to_owned()))?;
        let good = Duration::from_secs(told.expires_in.unwrap_or(GOOD).saturating_sub(SPARE));
        let mut known = self.known();
        if known.tokens.len() >= MOST {
            known.tokens.clear();
        }
        known.tokens.insert(repository.to_owned(), (token.clone(), after(self.clock.now(), good)));
        Ok(token)
    }

    /// Why an answer is none.
    pub(super) fn fault(&self, answer: &Answer) -> ProviderError {
        self.plain.fault(answer, READS)
    }

    /// The JSON of a success.
    pub(super) fn json<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ProviderError> {
        self.plain.json(answer)
    }
}

/// A registry's own words for a refusal: its codes. What it writes behind them may be anything.
fn words(answer: &Answer, _: Timestamp) -> Option<Said> {
    let codes = api::codes(answer.body());
    let says = |code: &str| codes.iter().any(|known| known == code);
    let code = answer.status().as_u16();
    let said = |kind, text: &str| Some(Said::from((kind, format!("{CALLED} {text} ({code})"))));
    match code {
        401 | 403 if says("DENIED") || says("UNAUTHORIZED") => said(FaultKind::Forbidden, "does not let us read it"),
        429 => None,
        _ if says("UNSUPPORTED") => said(FaultKind::Rejected, "cannot do that"),
        _ => None,
    }
}
