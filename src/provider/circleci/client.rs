//! The way to CircleCI: one request at a time, each with what its sentences begin with, and lists to their end.

use serde::de::DeserializeOwned;

use crate::{
    port::error::ProviderError,
    provider::{
        circleci::{api::Page, request::Wanted, words::words},
        http::{
            client::{self, Answer},
            listed::Listed,
        },
    },
};

/// Pages of one list that are read.
const MOST_PAGES: usize = 10;

/// The way to CircleCI.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) client::Client);

/// A list, as far as it was read, and why the rest was not.
#[derive(Debug)]
pub(super) struct Pages<T> {
    pub(super) all: Listed<T>,
    pub(super) cut: Option<String>,
}

impl Client {
    /// The way for one request about one thing.
    fn about(&self, what: &str) -> client::Client {
        self.0.about(what).saying(words)
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(what).done(wanted.request()?).await
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(what).send(wanted.request()?).await
    }

    /// The JSON of an answer that was taken whole.
    pub(super) fn json<T: DeserializeOwned>(&self, answer: &Answer, what: &str) -> Result<T, ProviderError> {
        self.about(what).json(answer)
    }

    /// Why an answer to this is none.
    pub(super) fn fault(&self, answer: &Answer, wanted: &Wanted, what: &str) -> ProviderError {
        self.about(what).fault(answer, wanted.class)
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.about(what).read(wanted.request()?).await
    }

    /// Reads a list of `/api/v2`, page after page.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        what: &str,
    ) -> Result<Pages<T>, ProviderError> {
        let (mut all, mut token): (Listed<T>, Option<String>) = (Listed::default(), None);
        for _ in 0..MOST_PAGES {
            let page: Page<T> = self.read(&wanted.page(token.as_deref()), what).await?;
            all.take(page.items);
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(Pages { all, cut: None });
            }
        }
        let cut = Some(format!("{}, {what}: only {} of its entries were read", super::CALLED, all.len()));
        Ok(Pages { all, cut })
    }
}
