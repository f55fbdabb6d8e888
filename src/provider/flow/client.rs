//! The way to Flow: one request at a time, each with what its sentences begin with and the right that it takes; answers of the older
//! API out of what it puts around them, which also says where a success is none.

use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{
    domain::observed::FaultKind,
    port::error::ProviderError,
    provider::{
        flow::{
            api::Wrapped,
            request::{Door, PAGE, Page, Wanted},
            words::{no_success, words},
        },
        http::{
            client::{self, Answer},
            listed::Listed,
        },
    },
};

/// Pages of one list that are read.
const MOST_PAGES: usize = 10;

/// The way to Flow.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) http: client::Client,
    pub(super) door: Door,
}

/// A list as far as it was read, and why not to its end.
#[derive(Debug)]
pub(super) struct Pages<T> {
    pub(super) all: Listed<T>,
    pub(super) cut: Option<String>,
}

impl Client {
    /// The way for one request about one thing.
    fn about(&self, wanted: &Wanted, what: &str) -> client::Client {
        let (right, older) = (wanted.right, self.door.is_older());
        self.http.about(what).saying(move |answer, now| words(answer, right, older, now))
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        self.about(wanted, what).send(wanted.request(&self.door)?).await
    }

    /// Sends a request once; anything but a success is a failure in words, also where it comes as one.
    pub(super) async fn done(&self, wanted: &Wanted, what: &str) -> Result<Answer, ProviderError> {
        let answer = self.about(wanted, what).done(wanted.request(&self.door)?).await?;
        match no_success(&answer, wanted.right, self.door.is_older()) {
            Some(said) => Err(Self::refused(said, what)),
            None => Ok(answer),
        }
    }

    /// Why an answer to this is none, where it is none.
    pub(super) fn said_no(&self, answer: &Answer, wanted: &Wanted, what: &str) -> Option<ProviderError> {
        if !answer.status().is_success() {
            return Some(self.about(wanted, what).fault(answer, wanted.class));
        }
        no_success(answer, wanted.right, self.door.is_older()).map(|said| Self::refused(said, what))
    }

    fn refused((kind, text): (FaultKind, String), what: &str) -> ProviderError {
        ProviderError::new(kind, format!("{}, {what}: {text}", super::CALLED))
    }

    /// The JSON of an answer that was taken whole, out of what the older API puts around it.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        answer: &Answer,
        wanted: &Wanted,
        what: &str,
    ) -> Result<T, ProviderError> {
        let http = self.about(wanted, what);
        if !self.door.is_older() || wanted.under.is_empty() {
            return http.json(answer);
        }
        let wrapped: Wrapped = http.json(answer)?;
        let body = wrapped.under(wanted.under).to_string().into();
        http.json(&answer.clone().map(|_| body))
    }

    /// Reads JSON.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: &Wanted, what: &str) -> Result<T, ProviderError> {
        self.json(&self.done(wanted, what).await?, wanted, what)
    }

    /// Reads a page of a list, and which is the next one.
    pub(super) async fn page<T>(
        &self,
        wanted: &Wanted,
        page: &Page,
        what: &str,
    ) -> Result<(Listed<T>, Option<Page>), ProviderError>
    where
        T: for<'a> serde::Deserialize<'a>,
    {
        let answer = self.done(wanted, what).await?;
        let entries: Listed<T> = self.json(&answer, wanted, what)?;
        let next = self.next(&answer, page, entries.len());
        Ok((entries, next))
    }

    /// Reads a list to its end, or as far as that goes: what was read stays when a later page fails.
    pub(super) async fn pages<T>(&self, list: impl Fn(&Page) -> Wanted, what: &str) -> Result<Pages<T>, ProviderError>
    where
        T: for<'a> serde::Deserialize<'a>,
    {
        let (mut all, mut page) = (Listed::<T>::default(), Page::default());
        for number in 1..=MOST_PAGES {
            match self.page(&list(&page), &page, what).await {
                Ok((entries, next)) => {
                    all.take(entries);
                    match next {
                        Some(next) => page = next,
                        None => return Ok(Pages { all, cut: None }),
                    }
                }
                Err(error) if number > 1 && is_partial(&error) => return Ok(Pages { all, cut: Some(error.text) }),
                Err(error) => return Err(error),
            }
        }
        let many = all.len();
        Ok(Pages { all, cut: Some(format!("{}, {what}: only the first {many} were read", super::CALLED)) })
    }

    /// The page behind this one, where there is one: by what its headers say, and where they say nothing by whether it is full.
    fn next(&self, answer: &Answer, page: &Page, many: usize) -> Option<Page> {
        if self.door.is_older() {
            let wrapped: Wrapped = serde_json::from_slice(answer.body()).ok()?;
            return wrapped.next_token().map(|token| Page::Token(token.to_owned()));
        }
        let Page::Number(number) = page else { return None };
        let said = |name: &str| header(answer.headers(), name);
        let more = match (said("x-next-page"), said("x-total-pages")) {
            (Some(next), _) => next > *number,
            (None, Some(total)) => *number < total,
            (None, None) => many >= PAGE,
        };
        (more && many > 0).then(|| Page::Number(number + 1))
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<usize> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Does this speak of one part only? That we may ask nothing now, or by this credential never, holds for everything.
pub(super) fn is_partial(error: &ProviderError) -> bool {
    !matches!(error.kind, FaultKind::RateLimited | FaultKind::Unauthenticated)
}
