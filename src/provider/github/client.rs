//! The way to GitHub: octocrab puts the token on and queues; what comes back is read by the vendor client that all systems have.
//!
//! octocrab is built from nothing (`new_empty`), so it has no retry layer at all: by default it repeats a POST that got a 502
//! three times. Layers of ours (conditional GET, retry of reads, budget, time-outs) sit below it, in the transport.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tower::{ServiceExt, service_fn};

use crate::{
    port::{
        clock::SharedClock,
        error::ProviderError,
        wire::{Class, Transport, WireBody, WireError},
    },
    provider::{
        github::{
            fault,
            request::{PAGE, Wanted},
            roots::Roots,
        },
        http::{body, client, client::Answer, items::LONGEST, link::has_next},
    },
};

/// Pages of one list that are read: GitHub itself tells of no more than a thousand entries of a filtered one.
const MOST_PAGES: usize = 10;

/// What sentences begin with.
const CALLED: &str = "GitHub";

/// The way to GitHub.
#[derive(Debug)]
pub(super) struct Client {
    api: client::Client,
    /// Past octocrab: without the token.
    bare: client::Client,
    roots: Roots,
}

/// A list as far as it was read.
#[derive(Debug)]
pub(super) struct Pages<T> {
    pub(super) pages: Vec<T>,
    pub(super) cut: Option<Cut>,
}

/// Where a list was left before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    read: usize,
    of: Option<usize>,
    why: Option<String>,
}

impl Cut {
    /// `100 of 130 jobs were read: it failed (502)`.
    pub(super) fn said(&self, what: &str) -> String {
        let of = self.of.map_or_else(|| "more".to_owned(), |of| of.to_string());
        let why = self.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        format!("{} of {of} {what} were read{why}", self.read)
    }
}

/// Can the token stand in a header?
pub(super) fn fits_in_a_header(token: &SecretString) -> bool {
    let text = token.expose_secret();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Client {
    /// Must be called inside a Tokio runtime.
    pub(super) fn new(transport: Transport, token: Option<SecretString>, roots: Roots, clock: &SharedClock) -> Self {
        let over = |transport| {
            let client = client::Client::new(CALLED, transport, clock.clone(), fault::words);
            client.with_moves(fault::moves).up_to(LONGEST)
        };
        Self { api: over(carried(transport.clone(), token)), bare: over(transport), roots }
    }

    /// Sends a request once and takes the whole answer, whatever its status.
    pub(super) async fn send(&self, wanted: Wanted, about: &str) -> Result<Answer, ProviderError> {
        self.api.about(about).send(self.roots.place(wanted).request()?).await
    }

    /// Sends a request once; anything but a success is a failure in words.
    pub(super) async fn done(&self, wanted: Wanted, about: &str) -> Result<Answer, ProviderError> {
        self.api.about(about).done(self.roots.place(wanted).request()?).await
    }

    /// The JSON of an answer that was taken whole.
    pub(super) fn json<T: DeserializeOwned>(&self, answer: &Answer, about: &str) -> Result<T, ProviderError> {
        self.api.about(about).json(answer)
    }

    /// Why an answer to a read is none.
    pub(super) fn fault(&self, answer: &Answer, about: &str) -> ProviderError {
        self.api.about(about).fault(answer, Class::Read)
    }

    /// Reads JSON; anything but success is an error.
    pub(super) async fn read<T: DeserializeOwned>(&self, wanted: Wanted, about: &str) -> Result<T, ProviderError> {
        Ok(self.read_with_links(wanted, about).await?.0)
    }

    /// Reads a list to its end, or as far as that goes: what was read stays when a later page fails. `size` tells how many entries
    /// a page has, and how many the whole list, where GitHub says that.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        wanted: &Wanted,
        about: &str,
        size: fn(&T) -> (usize, Option<usize>),
    ) -> Result<Pages<T>, ProviderError> {
        let (mut pages, mut read, mut of) = (Vec::new(), 0, None);
        for number in 1..=MOST_PAGES {
            let (page, next) = match self.read_with_links::<T>(wanted.page(number), about).await {
                Ok(answer) => answer,
                Err(error) if pages.is_empty() => return Err(error),
                Err(error) => {
                    let why = error.text.strip_prefix(&format!("{CALLED}, {about}: ")).unwrap_or(&error.text);
                    return Ok(Pages { pages, cut: Some(Cut { read, of, why: Some(why.to_owned()) }) });
                }
            };
            let (entries, total) = size(&page);
            (read, of) = (read + entries, total.max(of));
            pages.push(page);
            let more = of.is_some_and(|of| of > read);
            // Of the link only that there is one counts: its address may lie behind a proxy that we do not know, as may be the
            // link itself.
            if entries > 0 && (next || entries >= PAGE && (more || of.is_none())) {
                continue;
            }
            let why = || "no further page is named".to_owned();
            return Ok(Pages { pages, cut: more.then(|| Cut { read, of, why: Some(why()) }) });
        }
        Ok(Pages { pages, cut: Some(Cut { read, of, why: None }) })
    }

    /// Reads JSON, and whether there is a next page of it.
    async fn read_with_links<T: DeserializeOwned>(
        &self,
        wanted: Wanted,
        about: &str,
    ) -> Result<(T, bool), ProviderError> {
        let client = self.api.about(about);
        let answer = client.done(self.roots.place(wanted).request()?).await?;
        Ok((client.json(&answer)?, has_next(answer.headers())))
    }

    /// Opens another address, without the token; its body is left to whoever reads it.
    pub(super) async fn elsewhere(&self, uri: http::Uri, about: &str) -> Result<Response<WireBody>, ProviderError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Class::Read);
        self.bare.about(about).open(request).await
    }

    /// A body that broke off.
    pub(super) fn broken(&self, error: &WireError, about: &str) -> ProviderError {
        self.bare.about(about).broken(error, Class::Read)
    }
}

/// The same way, with octocrab on it.
fn carried(below: Transport, token: Option<SecretString>) -> Transport {
    let service = service_fn(move |request: Request<octocrab::OctoBody>| {
        let below = below.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|e| WireError::NotConnected(e.to_string()))?.to_bytes();
            let (parts, body) = below.oneshot(Request::from_parts(parts, body)).await?.into_parts();
            // octocrab hands on only what may be shared between threads, which a body on its way may not be.
            Ok::<_, WireError>(Response::from_parts(parts, Full::new(body::collect(body).await?)))
        }
    });
    let auth = token.map_or(AuthState::None, |token| AuthState::AccessToken { token });
    let octocrab = match OctocrabBuilder::new_empty().with_service(service).with_auth(auth).build() {
        Ok(octocrab) => octocrab,
        Err(never) => match never {},
    };
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let octocrab: Octocrab = octocrab.clone();
        async move {
            let response = octocrab.execute(request).await.map_err(|error| wire_error(&error))?;
            Ok(response.map(|body| body.map_err(|error| wire_error(&error)).boxed_unsync()))
        }
    }))
}

/// octocrab's error, which holds the transport's. Whatever else it may say, it is not known to have happened before sending.
fn wire_error(error: &octocrab::Error) -> WireError {
    match error {
        octocrab::Error::Service { source, .. } => source.downcast_ref::<WireError>().cloned(),
        _ => None,
    }
    .unwrap_or_else(|| WireError::Lost(error.to_string()))
}
