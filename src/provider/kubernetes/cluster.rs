//! One cluster behind a transport: reads, lists, guarded writes. Every error comes back as a sentence.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Notify;

use super::{
    api::{List, Meta},
    claims::Claims,
    error::{self, Asked},
    patch,
    request::{self, Query, Resource},
    rights::Rights,
    scope::Scope,
};
use crate::{
    port::{
        clock::SharedClock,
        error::ProviderError,
        plan::{Sent, WireCall},
        wire::{Transport, WireBody},
    },
    provider::http::{body, class_of, error::from_wire, send},
};

/// A cluster, and the part of it that is looked at.
#[derive(Debug)]
pub struct Cluster {
    /// What is looked at.
    pub scope: Scope,
    /// The clock that everything here waits on.
    pub clock: SharedClock,
    pub(super) rights: Rights,
    pub(super) claims: Claims,
    /// Woken whenever a probe was answered: whoever waits after a failure need not wait any longer.
    pub(super) proven: Notify,
    transport: Transport,
}

/// A list, and the revision it shows.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub items: Vec<T>,
    pub revision: String,
}

impl Cluster {
    /// A cluster behind a transport that takes requests with a path only, layers included
    /// ([`crate::provider::http::layered`]).
    pub fn new(transport: Transport, scope: Scope, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            scope,
            clock,
            rights: Rights::default(),
            claims: Claims::default(),
            proven: Notify::new(),
            transport,
        })
    }

    /// Every object that the query finds, page by page.
    ///
    /// # Errors
    /// When the list cannot be read. An item that cannot be read is left out.
    pub async fn list<T: DeserializeOwned>(&self, query: &Query) -> Result<Vec<T>, ProviderError> {
        Ok(self.listed(query).await?.items)
    }

    pub(super) async fn listed<T: DeserializeOwned>(&self, query: &Query) -> Result<Listed<T>, ProviderError> {
        let (mut items, mut next) = (Vec::new(), None);
        loop {
            let request = request::list(query, request::PAGE, next.as_deref())?;
            let page: List = self.ask(request, Some(query.resource)).await?;
            items.extend(page.items.into_iter().filter_map(|item| read_item(query, item)));
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Listed { items, revision: page.metadata.resource_version });
            }
        }
    }

    /// The cheapest list: at most one object.
    ///
    /// # Errors
    /// When the cluster does not answer it.
    pub async fn probe(&self, query: &Query) -> Result<(), ProviderError> {
        let request = request::list(query, 1, None)?;
        self.ask::<List>(request, Some(query.resource)).await?;
        self.proven.notify_waiters();
        Ok(())
    }

    /// One object, as it is now.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn get<T: DeserializeOwned>(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
    ) -> Result<T, ProviderError> {
        self.ask(request::get(resource, namespace, name)?, Some(resource)).await
    }

    /// Sends a mutation, guarded, exactly once.
    ///
    /// # Errors
    /// When it was refused, or when its outcome is not known (`maybe_done`).
    pub async fn send(
        &self,
        resource: Resource,
        call: &WireCall,
        revision: Option<&str>,
    ) -> Result<Sent, ProviderError> {
        let request = patch::request(call, revision)?;
        let (status, body) = self.answer(request, Some(resource)).await?;
        // A success whose body cannot be read is a success; a second call then has no revision, and says so.
        let meta = serde_json::from_slice::<Value>(&body).ok().and_then(|mut object| {
            let meta = object.get_mut("metadata").map(Value::take)?;
            serde_json::from_value::<Meta>(meta).ok()
        });
        let revision = meta.map(|meta| meta.resource_version).filter(|revision| !revision.is_empty());
        Ok(Sent { revision, said: status.to_string() })
    }

    /// Sends a request and reads the JSON of its answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<T, ProviderError> {
        let asked = self.asked(&request, resource);
        let (_, body) = self.answer(request, resource).await?;
        serde_json::from_slice(&body).map_err(|error| error::unreadable(asked, error))
    }

    async fn answer(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<(StatusCode, Bytes), ProviderError> {
        let asked = self.asked(&request, resource);
        let response = self.open(request, resource).await?;
        let status = response.status();
        let body = body::collect(response.into_body()).await;
        let body = body.map_err(|error| from_wire(asked.cluster, &error, asked.class))?;
        Ok((status, body))
    }

    /// Sends a request; what is not a success becomes an error here.
    pub(super) async fn open(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<Response<WireBody>, ProviderError> {
        let asked = self.asked(&request, resource);
        let broken = |error| from_wire(asked.cluster, &error, asked.class);
        let response = send(&self.transport, request).await.map_err(broken)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        // The status says what happened even where the words that explain it are lost.
        let body = body::collect(body).await.unwrap_or_default();
        Err(error::of_answer(asked, head.status, &head.headers, &body, self.clock.now()))
    }

    pub(super) fn asked<B>(&self, request: &Request<B>, resource: Option<Resource>) -> Asked<'_> {
        Asked { cluster: &self.scope.cluster, resource, class: class_of(request) }
    }
}

/// One item of a list; one that cannot be read is left out, and the trace says so.
pub(super) fn read_item<T: DeserializeOwned>(query: &Query, item: Value) -> Option<T> {
    let name = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
    match serde_json::from_value(item) {
        Ok(item) => Some(item),
        Err(error) => {
            tracing::warn!(kind = query.resource.full_name(), name, %error, "an item cannot be read and is left out");
            None
        }
    }
}
