//! The way to GitLab: one request at a time, each with what its sentences begin with and the scope that it takes; lists page by page,
//! and the questions of GraphQL, whose refusals come as successes.

use http::Response;
use serde::de::DeserializeOwned;

use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        wire::{Class, WireBody, WireError},
    },
    provider::{
        gitlab::{
            api::Answered,
            request::{PAGE, Wanted},
            words::words,
        },
        http::{
            client::{self, Answer},
            link::has_next,
            listed::Listed,
        },
    },
};

/// Pages of one list that are read.
const MOST_PAGES: usize = 10;
/// What GitLab says of a question that asks for too much (docs.gitlab.com/api/graphql/#limits).
const TOO_MUCH: &str = "exceeds max complexity";

/// The way to GitLab.
#[derive(Clone, Debug)]
pub(super) struct Client(pub(super) client::Client);

/// A list as far as it was read, and why not to its end.
pub(super) struct Pages<T> {
    pub(super) all: Listed<T>,
    pub(super) cut: Option<String>,
}

/// What a question got.
pub(super) enum Told<T> {
    Answer(T),
    /// It asks for more than GitLab answers at once.
    TooMuch(ProviderError),
}

impl Client {
    /// The way for one request about one thing.
    fn about(&self, wanted: &Wanted, what: &str) -> client::Client {
        let scope = wanted.scope;
        self.0.about(what).saying(move |answer, now| words(answer, scope, now))
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).done(wanted.request()?).await
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).send(wanted.request()?).await
    }

    /// Opens an answer; its body is left to whoever reads it.
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

    /// A body that broke off.
    pub(super) fn broken(&self, error: &WireError, what: &str) -> ProviderError {
        self.0.about(what).broken(error, Class::Read)
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.about(wanted, what).read(wanted.request()?).await
    }

    /// Reads a list to its end, or as far as that goes: what was read stays when a later page fails.
    pub(super) async fn pages<T>(&self, wanted: &Wanted, what: &str) -> Result<Pages<T>, ProviderError>
    where
        T: for<'a> serde::Deserialize<'a>,
    {
        let mut all = Listed::<T>::default();
        for number in 1..=MOST_PAGES {
            let page = wanted.page(number);
            let answer = match self.done(&page, what).await {
                Ok(answer) => answer,
                Err(error) if number > 1 && is_partial(&error) => return Ok(Pages { all, cut: Some(error.text) }),
                Err(error) => return Err(error),
            };
            let entries: Listed<T> = self.about(&page, what).json(&answer)?;
            let many = entries.len();
            all.take(entries);
            // A full page without a link: whoever stands between may have taken it out.
            if many == 0 || !has_next(answer.headers()) && many < PAGE {
                return Ok(Pages { all, cut: None });
            }
        }
        Ok(Pages { all, cut: Some(format!("GitLab, {what}: only the first {} were read", MOST_PAGES * PAGE)) })
    }

    /// Asks a question of GraphQL. It refuses with a success: what it says instead of data is why.
    pub(super) async fn ask<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<Told<T>, ProviderError> {
        let answered: Answered<T> = self.read(wanted, what).await?;
        let why: Vec<String> = answered.errors.into_iter().filter_map(|wrong| wrong.message).collect();
        let why = why.join("; ");
        match answered.data {
            Some(data) if why.is_empty() => Ok(Told::Answer(data)),
            _ => {
                let said = if why.is_empty() {
                    "it answers without data".to_owned()
                } else {
                    format!("it refuses the question: {why}")
                };
                let error = ProviderError::new(FaultKind::Rejected, format!("GitLab, {what}: {said}"));
                if why.contains(TOO_MUCH) { Ok(Told::TooMuch(error)) } else { Err(error) }
            }
        }
    }
}

/// Does this speak of one part only? That we may ask nothing now, or by this token never, holds for everything.
pub(super) fn is_partial(error: &ProviderError) -> bool {
    !matches!(error.kind, FaultKind::RateLimited | FaultKind::Unauthenticated)
}
