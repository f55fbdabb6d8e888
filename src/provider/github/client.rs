//! octocrab between our requests and our transport: it queues them and puts the token on.
//!
//! It is built from nothing (`new_empty`), so it has no retry layer at all: by default it repeats a POST that got a 502 three
//! times. Layers of ours (conditional GET, retry of reads, budget, time-outs) sit below it, in the transport.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tower::{ServiceExt, service_fn};

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::{
        error::ProviderError,
        wire::{Class, Transport, WireBody, WireError},
    },
    provider::{
        github::{
            fault::{self, Asked},
            request::{PAGE, Wanted},
            roots::Roots,
        },
        http::{items::LONGEST, page},
    },
};

/// Pages of one list that are read: GitHub itself tells of no more than a thousand entries of a filtered one.
const MOST_PAGES: usize = 10;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The way to GitHub.
#[derive(Debug)]
pub(super) struct Client {
    octocrab: Octocrab,
    transport: Transport,
    roots: Roots,
}

/// Can the token stand in a header?
pub(super) fn fits_in_a_header(token: &SecretString) -> bool {
    let text = token.expose_secret();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Client {
    /// Must be called inside a Tokio runtime.
    pub(super) fn new(transport: Transport, token: Option<SecretString>, roots: Roots) -> Self {
        let below = transport.clone();
        let service = service_fn(move |request: Request<octocrab::OctoBody>| {
            let below = below.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(|e| WireError::NotConnected(e.to_string()))?.to_bytes();
                let (parts, body) = below.oneshot(Request::from_parts(parts, body)).await?.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok::<_, WireError>(Response::from_parts(parts, Full::new(body)))
            }
        });
        let auth = token.map_or(AuthState::None, |token| AuthState::AccessToken { token });
        let octocrab = match OctocrabBuilder::new_empty().with_service(service).with_auth(auth).build() {
            Ok(octocrab) => octocrab,
            Err(never) => match never {},
        };
        Self { octocrab, transport, roots }
    }

    /// Sends a request once and reads the answer, whatever its status.
    pub(super) async fn send(&self, wanted: Wanted, about: &str) -> Result<Answer, ProviderError> {
        let class = wanted.class;
        let request = self.roots.place(wanted).request()?;
        let response = self.octocrab.execute(request).await.map_err(|e| unanswered(&e, about, class))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| unanswered(&e, about, class))?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Reads JSON; anything but success is an error.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        wanted: Wanted,
        about: &str,
        now: Timestamp,
    ) -> Result<T, ProviderError> {
        Ok(self.read_with_links(wanted, about, now).await?.0)
    }

    /// Reads a list to its end, or as many pages of it as are read at most. `size` tells how many entries a page has, and how
    /// many the whole list, where GitHub says that. Whether it was read to its end comes with the pages.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        (about, now): (&str, Timestamp),
        size: fn(&T) -> (usize, Option<usize>),
    ) -> Result<(Vec<T>, bool), ProviderError> {
        let (mut pages, mut seen) = (Vec::new(), 0);
        for number in 1..=MOST_PAGES {
            let (page, next) = self.read_with_links::<T>(wanted.page(number), about, now).await?;
            let (entries, total) = size(&page);
            seen += entries;
            pages.push(page);
            // Of the link only that there is one counts: its address may lie behind a proxy that we do not know.
            let goes_on = next || entries >= PAGE && total.is_some_and(|total| total > seen);
            if !goes_on || entries == 0 {
                return Ok((pages, true));
            }
        }
        Ok((pages, false))
    }

    /// Reads JSON, and whether there is a next page of it.
    async fn read_with_links<T: DeserializeOwned>(
        &self,
        wanted: Wanted,
        about: &str,
        now: Timestamp,
    ) -> Result<(T, bool), ProviderError> {
        let class = wanted.class;
        let answer = self.send(wanted, about).await?;
        if !answer.status.is_success() {
            return Err(fault::answered(&answer, Asked { about, class, now }));
        }
        if answer.body.len() > LONGEST {
            let text = format!("GitHub, {about}: the answer is longer than {} MiB", LONGEST >> 20);
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        let read = serde_json::from_slice(&answer.body).map_err(|e| {
            let why = if page::is_page(&answer.headers, &answer.body) {
                "it answers with a web page: a login page or a proxy in between?".to_owned()
            } else {
                format!("cannot read the answer: {e}")
            };
            ProviderError::new(FaultKind::Unreadable, format!("GitHub, {about}: {why}"))
        })?;
        Ok((read, has_next(&answer.headers)))
    }

    /// Reads from another address, past octocrab: without the token.
    pub(super) async fn elsewhere(&self, uri: http::Uri, about: &str) -> Result<Response<WireBody>, ProviderError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Class::Read);
        self.transport.clone().oneshot(request).await.map_err(|e| fault::unanswered(&e, about, Class::Read))
    }
}

/// Does a `Link` header name a next page?
fn has_next(headers: &HeaderMap) -> bool {
    let links = headers.get_all(http::header::LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split(',')).any(|link| link.split(';').any(|part| part.trim() == "rel=\"next\""))
}

/// octocrab's error, which holds the transport's.
fn unanswered(error: &octocrab::Error, about: &str, class: Class) -> ProviderError {
    if let octocrab::Error::Service { source, .. } = error
        && let Some(wire) = source.downcast_ref::<WireError>()
    {
        return fault::unanswered(wire, about, class);
    }
    // Whatever else octocrab may say, it is not known to have happened before sending.
    let mut unanswered = ProviderError::new(FaultKind::Unreachable, format!("GitHub, {about}: {error}"));
    unanswered.maybe_done = class == Class::Write;
    unanswered
}
