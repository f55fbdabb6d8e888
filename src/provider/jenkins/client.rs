//! The way to Jenkins: one request at a time, each with what its sentences begin with and the right that it takes; and what proves
//! that a write is ours.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::de::DeserializeOwned;

use crate::{
    domain::observed::FaultKind,
    port::error::ProviderError,
    provider::{
        http::client::{self, Answer},
        jenkins::{
            api,
            request::{self, Wanted},
            words::{refusal, words},
        },
    },
};

/// The way to Jenkins.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) client::Client);

impl Client {
    /// The way for one request about one thing.
    fn about(&self, wanted: &Wanted, what: &str) -> client::Client {
        let right = wanted.right;
        self.0.about(what).saying(move |answer, now| words(answer, right, now))
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).send(wanted.request()?).await
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).done(wanted.request()?).await
    }

    /// Why an answer to this is none.
    pub(super) fn fault(&self, answer: &Answer, wanted: &Wanted, what: &str) -> ProviderError {
        self.about(wanted, what).fault(answer, wanted.class)
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.about(wanted, what).read(wanted.request()?).await
    }

    /// Reads JSON that a plugin gives; `None` where there is no such plugin.
    pub(super) async fn read_of_plugin<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        what: &str,
    ) -> Result<Option<T>, ProviderError> {
        match self.read(wanted, what).await {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind == FaultKind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a write, with what proves that it is ours. To be sent on is to be done; a refusal that calls itself a success is one.
    pub(super) async fn write(&self, wanted: Wanted, what: &str) -> Result<Answer, ProviderError> {
        let wanted = Wanted { crumb: self.crumb(what).await?, ..wanted };
        let answer = self.send(&wanted, what).await?;
        if !(answer.status().is_success() || answer.status().is_redirection()) {
            return Err(self.fault(&answer, &wanted, what));
        }
        match refusal(&answer) {
            None => Ok(answer),
            Some((kind, text)) => Err(ProviderError::new(kind, format!("Jenkins, {what}: {text}"))),
        }
    }

    /// The crumb, and the session that it belongs to. Whoever comes with an API token needs none, and gets one all the same; where
    /// Jenkins wants none, there is none. Nothing of it is kept: it ends with the session.
    async fn crumb(&self, what: &str) -> Result<HeaderMap, ProviderError> {
        let wanted = request::crumb();
        let answer = self.send(&wanted, what).await?;
        if answer.status() == http::StatusCode::NOT_FOUND {
            return Ok(HeaderMap::new());
        }
        if !answer.status().is_success() {
            return Err(self.fault(&answer, &wanted, what));
        }
        let crumb: api::Crumb = self.about(&wanted, what).json(&answer)?;
        let named = crumb.crumb_request_field.and_then(|name| HeaderName::try_from(name).ok());
        let value = crumb.crumb.and_then(|crumb| HeaderValue::try_from(crumb).ok());
        let mut headers: HeaderMap = named.zip(value).into_iter().collect();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::trim));
        let cookies = cookies.filter(|cookie| cookie.contains('=')).collect::<Vec<_>>().join("; ");
        if let Some(cookies) = HeaderValue::try_from(cookies).ok().filter(|cookies| !cookies.is_empty()) {
            headers.insert(header::COOKIE, cookies);
        }
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        Ok(headers)
    }
}
