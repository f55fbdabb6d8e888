//! The facade that every engine on Kubernetes shares. An engine says what its objects mean ([`Kind`]); listing, watching,
//! reading again and sending are the same for all.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, future::join_all, stream::BoxStream};

use super::{
    api::{Object, ReplicaSet},
    cluster::Cluster,
    follow,
    request::{EVENTS, Query, REPLICA_SETS, Resource},
    scope::Scope,
    store::{Extras, Key, Store},
    workload,
};
use crate::{
    domain::{
        ids::RolloutId,
        observed::FaultKind,
        offer::Offer,
        rollout::{Analysis, Engine, Event, Rollout},
        time::Timestamp,
        verb::Verb,
    },
    port::{
        error::ProviderError,
        facet::{Actor, Answer, Change, Rollouts},
        plan::{Ask, Blocked, Draft, Facts, Reading, Sent, Target, WireCall},
    },
};

/// An object with everything that is known around it.
#[derive(Debug)]
pub struct View<'a, O> {
    /// What is looked at.
    pub scope: &'a Scope,
    /// The object.
    pub object: &'a O,
    /// The ReplicaSets it owns.
    pub sets: Vec<&'a ReplicaSet>,
    /// Its events, newest first.
    pub events: &'a [Event],
    /// Its engine's own analyses.
    pub analyses: &'a [Analysis],
    /// Why a resource may not be patched, one entry for each of [`Kind::SUBRESOURCES`].
    pub denied: Vec<Option<String>>,
    /// Why it is not known whether a resource may be patched, one entry for each of [`Kind::SUBRESOURCES`].
    pub unsure: Vec<Option<String>>,
}

impl<O> View<'_, O> {
    /// Lays what is not known about our rights on the offers; `needs` is what a verb patches, as an index of
    /// [`Kind::SUBRESOURCES`].
    pub fn with_rights(&self, mut offers: Vec<Offer>, needs: impl Fn(Verb) -> Option<usize>) -> Vec<Offer> {
        for offer in offers.iter_mut().filter(|offer| offer.blocked.is_none()) {
            offer.unsure = needs(offer.verb).and_then(|index| self.unsure.get(index).cloned().flatten());
        }
        offers
    }
}

/// What one engine adds.
pub trait Kind: Send + Sync + 'static {
    /// Its object.
    type Object: Object;
    /// Which engine.
    const ENGINE: Engine;
    /// Where its objects are.
    const RESOURCE: Resource;
    /// The label that all its ReplicaSets carry.
    const HASH_LABEL: &'static str;
    /// What its verbs patch: `""` for the object itself, `"status"`.
    const SUBRESOURCES: &'static [&'static str];

    /// The label selector of an object's ReplicaSets.
    fn selector(object: &Self::Object) -> Option<String>;

    /// The analyses of the version on its way, where the engine has such things.
    fn analyses<'a>(cluster: &'a Cluster, object: &'a Self::Object) -> Answer<'a, Vec<Analysis>>;

    /// The object in the domain's words, offers included.
    fn rollout(view: &View<'_, Self::Object>) -> Rollout;

    /// What plans are bound to and expect.
    fn facts(view: &View<'_, Self::Object>) -> Facts;

    /// What it would do. `rollout` is what was on screen; the view may be newer.
    fn draft(rollout: &Rollout, view: &View<'_, Self::Object>, ask: &Ask, now: Timestamp) -> Result<Draft, Blocked>;
}

/// An engine on a cluster.
pub struct Facade<K: Kind> {
    pub(super) cluster: Arc<Cluster>,
    pub(super) store: Mutex<Store<K::Object>>,
}

impl<K: Kind> Facade<K> {
    /// The engine on this cluster; nothing is asked yet.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster, store: Mutex::new(Store::new()) }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store<K::Object>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queries for objects, one for each space of the scope.
    pub(super) fn object_queries(&self) -> Vec<Query> {
        let scope = &self.cluster.scope;
        let query = |space| Query::all(K::RESOURCE, space).labelled(scope.label_selector.clone());
        scope.spaces().into_iter().map(query).collect()
    }

    /// The queries for all ReplicaSets of the engine, one for each space.
    pub(super) fn set_queries(&self) -> Vec<Query> {
        let query = |space| Query::all(REPLICA_SETS, space).labelled(Some(K::HASH_LABEL.to_owned()));
        self.cluster.scope.spaces().into_iter().map(query).collect()
    }

    pub(super) fn id(&self, key: &Key) -> RolloutId {
        RolloutId::new(&self.cluster.scope.source, K::ENGINE, format!("{}/{}", key.0, key.1))
    }

    /// One object in the domain's words, from what is in the store.
    pub(super) fn rollout(&self, store: &Store<K::Object>, key: &Key) -> Option<Rollout> {
        self.view(store, key).map(|view| K::rollout(&view))
    }

    /// Everything in the store, in the domain's words.
    pub(super) fn rollouts(&self, store: &Store<K::Object>) -> Vec<Rollout> {
        store.keys().iter().filter_map(|key| self.rollout(store, key)).collect()
    }

    fn view<'a>(&'a self, store: &'a Store<K::Object>, key: &Key) -> Option<View<'a, K::Object>> {
        let object = store.object(key)?;
        let extras = store.extras(key);
        let denied = |sub: &&str| self.cluster.denied(K::RESOURCE, sub, &key.0, &key.1);
        let unsure = |sub: &&str| self.cluster.unsure(K::RESOURCE, sub, &key.0, &key.1);
        Some(View {
            scope: &self.cluster.scope,
            object,
            sets: store.sets_of(object),
            events: extras.map_or(&[], |extras| &extras.events),
            analyses: extras.map_or(&[], |extras| &extras.analyses),
            denied: K::SUBRESOURCES.iter().map(denied).collect(),
            unsure: K::SUBRESOURCES.iter().map(unsure).collect(),
        })
    }

    /// Asks what is only asked of objects in flight. What cannot be read is left out: it explains, it does not decide.
    pub(super) async fn ask_extras(&self, object: &K::Object) -> Extras {
        let meta = object.meta();
        let about = Query::all(EVENTS, Some(meta.namespace.clone())).fields(format!("involvedObject.uid={}", meta.uid));
        let rights = self.cluster.learn_rights(K::RESOURCE, K::SUBRESOURCES, &meta.namespace, &meta.name);
        let (events, analyses, ()) =
            futures::join!(self.cluster.list(&about), K::analyses(&self.cluster, object), rights);
        Extras { events: workload::events(&events.unwrap_or_default()), analyses: analyses.unwrap_or_default() }
    }

    async fn everything(&self) -> Result<Vec<Rollout>, ProviderError> {
        for (objects, sets) in self.object_queries().into_iter().zip(self.set_queries()) {
            let (found, owned) = futures::join!(self.cluster.list(&objects), self.cluster.list(&sets));
            let (found, owned) = (found?, owned?);
            let mut store = self.store();
            store.replace(objects.namespace.as_deref(), found);
            store.replace_sets(sets.namespace.as_deref(), owned);
        }
        let in_flight: Vec<_> = {
            let store = self.store();
            let moving = |key: &Key| self.rollout(&store, key).is_some_and(|rollout| rollout.in_flight());
            let keys = store.keys().into_iter().filter(moving);
            keys.filter_map(|key| store.object(&key).cloned().map(|object| (key, object))).collect()
        };
        let asked = in_flight.iter().map(|(key, object)| async move { (key, self.ask_extras(object).await) });
        let extras = join_all(asked).await;
        let mut store = self.store();
        for (key, extras) in extras {
            store.put_extras(key.clone(), extras);
        }
        Ok(self.rollouts(&store))
    }

    async fn reread(&self, target: &Target) -> Result<Reading, ProviderError> {
        let key = self.key(target)?;
        let object: K::Object = self.cluster.get(K::RESOURCE, &key.0, &key.1).await?;
        let owned = Query::all(REPLICA_SETS, Some(key.0.clone())).labelled(K::selector(&object));
        let mut sets: Vec<ReplicaSet> = self.cluster.list(&owned).await?;
        sets.retain(|set| set.metadata.controller() == Some(object.meta().uid.as_str()));
        let mut store = self.store();
        store.put(object.clone());
        store.replace_sets_of(&object, sets);
        let facts = self.view(&store, &key).map(|view| K::facts(&view)).unwrap_or_default();
        Ok(Reading { facts, revision: Some(object.meta().resource_version.clone()) })
    }

    fn key(&self, target: &Target) -> Result<Key, ProviderError> {
        match target {
            Target::Rollout(id) if id.engine == K::ENGINE => split(&id.path),
            Target::Rollout(_) | Target::Gate(_) | Target::Run(_) => None,
        }
        .ok_or_else(|| {
            let text = format!("'{target}' is no {} of {}", K::ENGINE.words(), self.cluster.scope.cluster);
            ProviderError::new(FaultKind::Rejected, text)
        })
    }
}

fn split(path: &str) -> Option<Key> {
    path.split_once('/').map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
}

impl<K: Kind> Actor for Facade<K> {
    fn read<'a>(&'a self, target: &'a Target) -> Answer<'a, Reading> {
        self.reread(target).boxed()
    }

    fn send<'a>(&'a self, call: &'a WireCall, revision: Option<&'a str>) -> Answer<'a, Sent> {
        self.cluster.send(K::RESOURCE, call, revision).boxed()
    }
}

impl<K: Kind> Rollouts for Facade<K> {
    fn engine(&self) -> Engine {
        K::ENGINE
    }

    fn list(&self) -> Answer<'_, Vec<Rollout>> {
        self.everything().boxed()
    }

    fn watch(&self) -> BoxStream<'_, Result<Change, ProviderError>> {
        follow::changes(self)
    }

    fn probe(&self) -> Answer<'_, ()> {
        async move {
            match self.object_queries().first() {
                Some(query) => self.cluster.probe(query).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn draft(&self, rollout: &Rollout, ask: &Ask) -> Result<Draft, Blocked> {
        let store = self.store();
        let key = split(&rollout.id.path);
        let view = key.and_then(|key| self.view(&store, &key));
        let view = view.filter(|view| view.object.meta().uid == rollout.identity.uid);
        let gone = || Blocked(format!("{} is gone, or was made anew since it was drawn", rollout.id.path));
        K::draft(rollout, &view.ok_or_else(gone)?, ask, self.cluster.clock.now())
    }
}

impl<K: Kind> fmt::Debug for Facade<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade").field("engine", &K::ENGINE).field("scope", &self.cluster.scope).finish_non_exhaustive()
    }
}
