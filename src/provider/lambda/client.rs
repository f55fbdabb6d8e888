//! The way to AWS: one request at a time, each with what its sentences begin with and the right that it takes.

use serde::de::DeserializeOwned;

use crate::{
    port::error::ProviderError,
    provider::{
        http::client::{self, Answer},
        lambda::{request::Wanted, words::words},
    },
};

/// The way to Lambda and CodeDeploy.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) client::Client);

impl Client {
    /// The way for one request about one thing.
    fn about(&self, wanted: &Wanted, what: &str) -> client::Client {
        let right = wanted.right();
        self.0.about(what).saying(move |answer, now| words(answer, &right, now))
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).done(wanted.request()?).await
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.about(wanted, what).read(wanted.request()?).await
    }
}
