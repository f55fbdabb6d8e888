//! The way to Argo CD: one request at a time, each with what its sentences begin with and the right that it takes.

use http::Response;
use serde::de::DeserializeOwned;

use crate::{
    port::{error::ProviderError, wire::WireBody},
    provider::{
        argocd::{request::Wanted, words::words},
        http::client::{self, Answer},
    },
};

/// The way to Argo CD.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) client::Client);

impl Client {
    /// The way for one request about one thing.
    fn about(&self, wanted: &Wanted, what: &str) -> client::Client {
        let right = wanted.right.clone();
        self.0.about(what).saying(move |answer, _| words(answer, &right))
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).done(wanted.request()?).await
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).send(wanted.request()?).await
    }

    /// Opens a stream.
    pub(super) async fn open(&self, wanted: &Wanted, what: &str) -> Result<Response<WireBody>, ProviderError> {
        self.about(wanted, what).open(wanted.request()?).await
    }

    /// The JSON of an answer that was taken whole.
    pub(super) fn json<T: DeserializeOwned>(&self, answer: &Answer, what: &str) -> Result<T, ProviderError> {
        self.0.about(what).json(answer)
    }

    /// Why an answer to this is none.
    pub(super) fn fault(&self, answer: &Answer, wanted: &Wanted, what: &str) -> ProviderError {
        self.about(wanted, what).fault(answer, wanted.class)
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.about(wanted, what).read(wanted.request()?).await
    }
}
