//! One cluster behind a transport: reads, lists, guarded writes. Every error comes back as a sentence.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use tokio::sync::Notify;

use super::{
    api::{Known, KnownMeta, List, ListMeta},
    claims::Claims,
    error::{self, Asked},
    keepers::Keepers,
    patch,
    request::{self, Query, Resource},
    rights::Rights,
    room::{Full, MOST_OBJECTS, MOST_PAGES, Room, no_room, too_long, weight},
    scope::Scope,
    seal,
    served::Served,
    sought::Sought,
};
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        fill::Outgoing,
        plan::Sent,
        wire::{Class, Transport, WireBody},
    },
    provider::http::{
        class_of,
        client::{Answer, Client},
        items::{Items, LONGEST},
        page,
    },
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
    /// What automations do with changes to what they manage.
    pub(super) keepers: Keepers,
    /// In which versions kinds are served.
    pub(super) served: Served,
    pub(super) sought: Sought,
    /// Woken whenever a probe was answered: whoever waits after a failure need not wait any longer.
    pub(super) proven: Notify,
    /// Woken when a probe was answered after doubts: what was open then may be dead without a word.
    pub(super) renewed: Notify,
    trust: Mutex<Trust>,
    /// That only one namespace is looked at though all should be, a sentence.
    pub(super) narrowed: OnceLock<String>,
    client: Client,
}

/// What is thought of watches that say nothing.
#[derive(Debug, Default)]
struct Trust {
    doubted: bool,
    /// When a probe last came back.
    probed: Option<Timestamp>,
}

/// Probes come every few seconds, and some need four to fail: so long without any, we did not run.
const ASLEEP: Duration = Duration::from_secs(30);

/// A list, and the revision it shows.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub items: Vec<T>,
    /// What they take.
    pub room: Room,
    pub revision: String,
}

impl Cluster {
    /// A cluster behind a transport that takes requests with a path only, layers included
    /// ([`crate::provider::http::layered`]).
    pub fn new(transport: Transport, scope: Scope, clock: SharedClock) -> Arc<Self> {
        // What this system says depends on what it was asked: those words are put in with each request.
        let client = Client::new(scope.cluster.clone(), transport, clock.clone(), |_, _| None);
        let served = Served::default();
        for (resource, older) in request::OLDER {
            served.expect(resource, older);
        }
        Arc::new(Self {
            scope,
            clock,
            rights: Rights::default(),
            claims: Claims::default(),
            keepers: Keepers::default(),
            served,
            sought: Sought::default(),
            proven: Notify::new(),
            renewed: Notify::new(),
            trust: Mutex::default(),
            narrowed: OnceLock::new(),
            client,
        })
    }

    /// Every object that the query finds, page by page.
    ///
    /// # Errors
    /// When the list cannot be read, or one of its items: what is missing would be taken for gone.
    pub async fn list<T: DeserializeOwned>(&self, query: &Query) -> Result<Vec<T>, ProviderError> {
        Ok(self.listed(query).await?.items)
    }

    pub(super) async fn listed<T: DeserializeOwned>(&self, query: &Query) -> Result<Listed<T>, ProviderError> {
        let query = &self.served_query(query).await?;
        let (mut items, mut room, mut next) = (Vec::new(), Room::default(), None);
        for _ in 0..MOST_PAGES {
            let request = request::list(query, request::PAGE, next.as_deref())?;
            let asked = self.asked(&request, Some(query.resource));
            let answer = self.answer(request, Some(query.resource)).await?;
            let (page, found) = self.page(asked, query, &answer)?;
            if !found.is_whole() {
                return Err(no_room(&self.scope.cluster, query, Full::Objects));
            }
            for item in found.kept {
                items.push(self.item(query, item, &mut room)?);
            }
            next = page.next.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Listed { items, room, revision: page.resource_version });
            }
        }
        Err(no_room(&self.scope.cluster, query, Full::Pages))
    }

    /// The cheapest list: at most one object.
    ///
    /// # Errors
    /// When the cluster does not answer it.
    pub async fn probe(&self, query: &Query) -> Result<(), ProviderError> {
        let query = &self.served_query(query).await?;
        let request = request::list(query, 1, None)?;
        let asked = self.asked(&request, Some(query.resource));
        let answer = self.answer(request, Some(query.resource)).await;
        self.weigh(answer.as_ref().err());
        self.page(asked, query, &answer?)?;
        self.proven.notify_waiters();
        Ok(())
    }

    /// After a probe that was not answered, or long after the one before (we were stopped, or the machine slept), a good one says
    /// that the cluster is there, but not that the watches of before still hear it.
    fn weigh(&self, error: Option<&ProviderError>) {
        let now = self.clock.now();
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = error.is_some_and(|it| matches!(it.kind, FaultKind::Unreachable | FaultKind::TimedOut));
        let slept = trust.probed.replace(now).is_some_and(|before| age(now, before) > ASLEEP);
        trust.doubted |= lost || slept;
        if !lost && std::mem::take(&mut trust.doubted) {
            self.renewed.notify_waiters();
        }
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
        let resource = self.serving(resource).await?;
        let request = request::get(resource, namespace, name)?;
        let asked = self.asked(&request, Some(resource));
        let answer = self.answer(request, Some(resource)).await?;
        if answer.body().len() > LONGEST {
            return Err(too_long(&self.scope.cluster, &resource.full_name(), LONGEST));
        }
        let read = || {
            let object: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
            let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
            if text("/metadata/name") != name || !(text("/kind").is_empty() || resource.is_kind(text("/kind"))) {
                return Err(format!("its answer is not {name}"));
            }
            serde_json::from_value(object).map_err(|error| error.to_string())
        };
        read().map_err(|why: String| error::of_body(asked, &answer, why, self.clock.now()))
    }

    /// One page of a list, its items as text. Anything else that comes with a 200 is no list of nothing.
    fn page<'a>(
        &self,
        asked: Asked<'_>,
        query: &Query,
        answer: &'a Answer,
    ) -> Result<(ListMeta, Items<'a, MOST_OBJECTS>), ProviderError> {
        let page = serde_json::from_slice::<List<'a>>(answer.body()).map_err(|error| error.to_string());
        let page = page.and_then(|page| match page.items() {
            Some(items) if query.resource.is_list(&page.kind()) => {
                let nameless = |item: &&&RawValue| item.get().len() <= LONGEST && known(item).name.is_empty();
                // One that is too long has a fault of its own.
                match items.kept.iter().find(nameless) {
                    Some(_) => Err("an item of its list has no name".to_owned()),
                    None => Ok((page.metadata(), items)),
                }
            }
            _ => Err("its answer is no list of them".to_owned()),
        });
        page.map_err(|why| error::of_body(asked, answer, why, self.clock.now()))
    }

    /// One item of a list or a watch, where there is room for it.
    pub(super) fn item<T: DeserializeOwned>(
        &self,
        query: &Query,
        item: &RawValue,
        room: &mut Room,
    ) -> Result<T, ProviderError> {
        let asked = Asked { cluster: &self.scope.cluster, resource: Some(query.resource), class: Class::Read };
        if item.get().len() > LONGEST {
            return Err(no_room(&self.scope.cluster, query, Full::Object));
        }
        let which = known(item);
        if which.name.is_empty() {
            return Err(error::unreadable(asked, "an item has no name"));
        }
        let taken = room.take(&which.namespace, &which.name, weight(item.get()));
        taken.map_err(|full| no_room(&self.scope.cluster, query, full))?;
        serde_json::from_str(item.get()).map_err(|error| error::unreadable(asked, format!("an item: {error}")))
    }

    /// Sends a mutation, guarded, exactly once.
    ///
    /// # Errors
    /// When it was refused, or when its outcome is not known (`maybe_done`).
    pub async fn send(&self, resource: Option<Resource>, outgoing: &Outgoing<'_>) -> Result<Sent, ProviderError> {
        let sent = self.send_patch(resource, outgoing).await;
        let told = |text: &str| seal::without_hidden(text, &outgoing.call.body);
        sent.map_err(|error| ProviderError { text: told(&error.text), ..error })
    }

    async fn send_patch(&self, resource: Option<Resource>, outgoing: &Outgoing<'_>) -> Result<Sent, ProviderError> {
        let request = patch::request(outgoing)?;
        let asked = self.asked(&request, resource);
        let answer = self.answer(request, resource).await?;
        let refusal = error::told(answer.body()).is_some_and(|told| told.kind == "Status" && told.code >= 400);
        if refusal || page::is_page(answer.headers(), answer.body()) {
            return Err(error::of_body(asked, &answer, "", self.clock.now()));
        }
        // A success whose body cannot be read is a success; a second call then has no revision, and says so.
        let object =
            serde_json::from_slice::<&RawValue>(answer.body()).ok().filter(|object| object.get().len() <= LONGEST);
        let meta = object.map(known).filter(|meta| !meta.name.is_empty());
        let revision = meta.and_then(|meta| meta.resource_version).filter(|revision| !revision.is_empty());
        Ok(Sent { revision, said: answer.status().to_string(), given: outgoing.given(None, answer.body()) })
    }

    /// Sends a request and reads the JSON of its answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<T, ProviderError> {
        let asked = self.asked(&request, resource);
        let answer = self.answer(request, resource).await?;
        if answer.body().len() > LONGEST {
            return Err(too_long(&self.scope.cluster, "its answers", LONGEST));
        }
        let read = serde_json::from_slice(answer.body());
        read.map_err(|error| error::of_body(asked, &answer, error, self.clock.now()))
    }

    pub(super) async fn answer(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<Answer, ProviderError> {
        self.about(&request, resource).done(request).await
    }

    /// Sends a request; what is not a success becomes an error here.
    pub(super) async fn open(
        &self,
        request: Request<Bytes>,
        resource: Option<Resource>,
    ) -> Result<Response<WireBody>, ProviderError> {
        self.about(&request, resource).open(request).await
    }

    /// The client, with the words for what is asked.
    pub(super) fn about(&self, request: &Request<Bytes>, resource: Option<Resource>) -> Client {
        let (cluster, class) = (self.scope.cluster.clone(), class_of(request));
        self.client
            .saying(move |answer, now| Some(error::words(Asked { cluster: &cluster, resource, class }, answer, now)))
    }

    pub(super) fn asked<B>(&self, request: &Request<B>, resource: Option<Resource>) -> Asked<'_> {
        Asked { cluster: &self.scope.cluster, resource, class: class_of(request) }
    }
}

/// Which object this is.
pub(super) fn known(item: &RawValue) -> KnownMeta {
    serde_json::from_str::<Known>(item.get()).unwrap_or_default().metadata
}
