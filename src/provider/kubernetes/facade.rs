//! The facade that every engine on Kubernetes shares. An engine says what its objects mean ([`Kind`]); listing, watching,
//! reading again and sending are the same for all.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use futures::{
    FutureExt, StreamExt,
    future::{join_all, ready},
    stream::BoxStream,
};

pub use super::kind::{Extras, Kind, Places, View};
use super::{
    api::{self, Object, ReplicaSet},
    cluster::Cluster,
    follow::{self, Change},
    kind, kubectl,
    pods::{self, Pod, Trouble},
    request::{EVENTS, PODS, Query, REPLICA_SETS},
    sought::{Found, split},
    store::{Key, Store},
    template::Template,
    workload,
};
use crate::{
    domain::{
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        rollout::{Rollout, Unknown},
        verb::Verb,
    },
    port::{
        error::ProviderError,
        facet::{Actor, Answer},
        inventory::{self, Heard, Inventory, Part},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{self, Checked, Shape},
    },
};

/// An engine on a cluster.
pub struct Facade<K: Kind> {
    pub(super) cluster: Arc<Cluster>,
    pub(super) store: Mutex<Store<K::Object>>,
    /// The namespace that is looked at instead of all, for all may not be listed.
    narrowed: OnceLock<String>,
}

impl<K: Kind> Facade<K> {
    /// The engine on this cluster; nothing is asked yet.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        if K::CLAIMS {
            cluster.claims.expect();
        }
        cluster.sought.expect(K::WORDS);
        Self { cluster, store: Mutex::new(Store::new()), narrowed: OnceLock::new() }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store<K::Object>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queries for objects, one for each space of the scope.
    pub(super) fn object_queries(&self) -> Vec<Query> {
        let query = |space| Query::all(K::RESOURCE, space).labelled(self.cluster.scope.label_selector.clone());
        self.spaces().into_iter().map(query).collect()
    }

    /// One entry for each request that covers what is looked at.
    fn spaces(&self) -> Vec<Option<String>> {
        let narrowed = self.narrowed.get().map(|namespace| vec![Some(namespace.clone())]);
        narrowed.unwrap_or_else(|| self.cluster.scope.spaces())
    }

    /// Looks at the context's own namespace from now on, as kubectl does, where all together may not be listed. False where
    /// there is none, or that was done already.
    pub(super) fn narrow(&self, why: &str) -> bool {
        let scope = &self.cluster.scope;
        let Some(own) = scope.found.get().namespace.filter(|_| scope.namespaces.is_empty()) else { return false };
        let why = why.split_once(": ask ").map_or(why, |(why, _)| why);
        let way = format!("name where you may with namespaces = [\"{own}\"] in [connections.{}]", scope.cluster);
        let said = format!("only namespace {own}, which the context names, is looked at: {why}; {way}");
        // Said once, whichever engine found it out.
        self.cluster.narrowed.get_or_init(|| said);
        // What was asked of the whole cluster is not asked any more.
        self.store().forget_refusals();
        self.narrowed.set(own).is_ok()
    }

    /// That not all is looked at that should be, where it is so.
    pub(super) fn narrowed(&self) -> Option<String> {
        self.narrowed.get().and_then(|_| self.cluster.narrowed.get().cloned())
    }

    /// The queries for all ReplicaSets of the engine, one for each space.
    pub(super) fn set_queries(&self) -> Vec<Query> {
        let query = |space| Query::all(REPLICA_SETS, space).labelled(Some(K::HASH_LABEL.to_owned()));
        self.spaces().into_iter().map(query).collect()
    }

    pub(super) fn id(&self, key: &Key) -> ObjectId {
        ObjectId::new(&self.cluster.scope.source, K::FAMILY, format!("{}/{}", key.0, key.1))
    }

    /// One object in the domain's words, from what is in the store.
    pub(super) fn rollout(&self, store: &Store<K::Object>, key: &Key) -> Option<Rollout> {
        let mut rollout = self.view(store, key).map(|view| K::rollout(&view))?;
        if let Some(why) = store.unseen(&key.0) {
            let (what, way) = (format!("it cannot be read now: {why}"), String::new());
            rollout.unknown.push(Unknown { what, way });
        }
        Some(rollout)
    }

    /// Everything in the store, in the domain's words.
    pub(super) fn rollouts(&self, store: &Store<K::Object>) -> Vec<Rollout> {
        store.keys().iter().filter_map(|key| self.rollout(store, key)).collect()
    }

    fn view<'a>(&'a self, store: &'a Store<K::Object>, key: &Key) -> Option<View<'a, K::Object>> {
        let object = store.object(key)?;
        if self.cluster.claims.is_claimed(K::RESOURCE, key) {
            return None;
        }
        let extras = store.extras(key);
        let of_object = K::SUBRESOURCES.iter().map(|sub| self.cluster.denied(K::RESOURCE, sub, &key.0, &key.1));
        let elsewhere = K::defined_by(object).map(|(resource, at)| self.cluster.denied(resource, "", &at.0, &at.1));
        let unsure = |sub: &&str| self.cluster.unsure(K::RESOURCE, sub, &key.0, &key.1);
        Some(View {
            scope: &self.cluster.scope,
            object,
            sets: store.sets_of(object),
            unread: store.unread(&key.0),
            extras: extras.unwrap_or(&kind::NOTHING),
            denied: of_object.chain(elsewhere).collect(),
            unsure: K::SUBRESOURCES.iter().map(unsure).collect(),
        })
    }

    /// Says which objects this engine's are defined by.
    pub(super) fn claim(&self) {
        if K::CLAIMS {
            let claimed = self.store().objects().filter_map(K::defined_by).collect();
            self.cluster.claims.tell(claimed);
        }
    }

    /// Says what of that which the configuration names is there; `read` is a space of which all was just read.
    pub(super) fn tell_found(&self, read: Option<&Option<String>>) {
        let scope = &self.cluster.scope;
        let found = {
            let store = self.store();
            let is_there = |key: &Key| store.object(key).is_some();
            Found {
                filled: scope.spaces().into_iter().filter(|space| store.has_any(space.as_deref())).collect(),
                named: scope.services.keys().filter_map(|path| split(path)).filter(is_there).collect(),
            }
        };
        self.cluster.sought.tell(K::WORDS, read.cloned(), found);
    }

    /// What the configuration names and is not there, a sentence each.
    pub(super) fn absent(&self) -> Vec<String> {
        self.cluster.sought.absent(&self.cluster.scope)
    }

    /// Asks what is only asked of objects in flight. What cannot be read is left out: it explains, it does not decide.
    pub(super) async fn ask_extras(&self, object: &K::Object) -> Extras {
        let meta = object.meta();
        let about = Query::all(EVENTS, Some(meta.namespace.clone())).fields(format!("involvedObject.uid={}", meta.uid));
        let (events, analyses, troubles, workload, ()) = futures::join!(
            self.cluster.list(&about),
            K::analyses(&self.cluster, object),
            self.ask_pods(object),
            self.ask_workload(object),
            self.ask_rights(object),
        );
        let mut unread: Vec<String> = Vec::new();
        let mut told = |refused: Option<ProviderError>| {
            // What broke is asked for again soon; what we may not read stays unread.
            let refused = refused.filter(|error| error.kind == FaultKind::Forbidden).map(|error| error.text);
            unread.extend(refused);
        };
        told(events.as_ref().err().cloned());
        told(analyses.as_ref().err().cloned());
        told(troubles.as_ref().err().cloned());
        let troubles = troubles.unwrap_or_default();
        let mut events: Vec<api::Event> = events.unwrap_or_default();
        if !troubles.is_empty() {
            events.extend(self.ask_warnings(object, &troubles).await);
        }
        let (events, analyses) = (workload::events(&events), analyses.unwrap_or_default());
        Extras { events, analyses, troubles, workload, unread }
    }

    async fn ask_rights(&self, object: &K::Object) {
        let meta = object.meta();
        self.cluster.learn_rights(K::RESOURCE, K::SUBRESOURCES, &meta.namespace, &meta.name).await;
        if let Some((resource, (namespace, name))) = K::defined_by(object) {
            self.cluster.learn_rights(resource, &[""], &namespace, &name).await;
        }
    }

    /// What is wrong with its pods; asked only where some are missing.
    async fn ask_pods(&self, object: &K::Object) -> Result<Vec<Trouble>, ProviderError> {
        let owned: Vec<String> = {
            let store = self.store();
            let sets = store.sets_of(object);
            let lacks =
                |set: &&ReplicaSet| set.status.ready_replicas < set.spec.replicas.unwrap_or(1).max(set.status.replicas);
            if !sets.iter().any(lacks) {
                return Ok(Vec::new());
            }
            sets.iter().map(|set| set.metadata.uid.clone()).collect()
        };
        let query = Query::all(PODS, Some(object.meta().namespace.clone())).labelled(K::selector(object));
        let pods: Vec<Pod> = self.cluster.list(&query).await?;
        Ok(pods.iter().filter_map(pods::trouble).filter(|trouble| owned.contains(&trouble.set)).collect())
    }

    /// The warnings about its ReplicaSets and its troubled pods.
    async fn ask_warnings(&self, object: &K::Object, troubles: &[Trouble]) -> Vec<api::Event> {
        let query = Query::all(EVENTS, Some(object.meta().namespace.clone())).fields("type=Warning".to_owned());
        let mut events: Vec<api::Event> = self.cluster.list(&query).await.unwrap_or_default();
        let sets: Vec<String> = self.store().sets_of(object).iter().map(|set| set.metadata.uid.clone()).collect();
        let ours = |uid: &String| sets.contains(uid) || troubles.iter().any(|trouble| trouble.uid == *uid);
        events.retain(|event| ours(&event.involved_object.uid));
        events
    }

    pub(super) async fn ask_workload(&self, object: &K::Object) -> Option<Template> {
        let (resource, (namespace, name)) = K::defined_by(object)?;
        let workload: api::Workload = self.cluster.get(resource, &namespace, &name).await.ok()?;
        Some(workload.spec.template)
    }

    async fn everything(&self) -> Result<Vec<Rollout>, ProviderError> {
        for (objects, sets) in self.object_queries().into_iter().zip(self.set_queries()) {
            let (found, owned) = futures::join!(self.cluster.list(&objects), self.cluster.list(&sets));
            let mut store = self.store();
            let found = found.inspect_err(|_| self.cluster.sought.lost(K::WORDS, &objects.namespace))?;
            store.replace(objects.namespace.as_deref(), found);
            match owned {
                Ok(owned) => store.replace_sets(sets.namespace.as_deref(), owned),
                Err(error) if error.kind == FaultKind::Forbidden => {
                    store.could_not_read_sets(sets.namespace.as_deref(), &error.text);
                }
                Err(error) => return Err(error),
            }
            drop(store);
            self.tell_found(Some(&objects.namespace));
        }
        self.claim();
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

    async fn reread(&self, target: &ObjectId) -> Result<Reading, ProviderError> {
        let key = self.key(target)?;
        let object: K::Object = self.cluster.get(K::RESOURCE, &key.0, &key.1).await?;
        let owned = Query::all(REPLICA_SETS, Some(key.0.clone())).labelled(K::selector(&object));
        let sets: Result<Vec<ReplicaSet>, ProviderError> = self.cluster.list(&owned).await;
        let workload = self.ask_workload(&object).await;
        let mut store = self.store();
        store.put(object.clone());
        match sets {
            Ok(mut sets) => {
                sets.retain(|set| set.metadata.controller() == Some(object.meta().uid.as_str()));
                store.replace_sets_of(&object, sets);
            }
            Err(error) if error.kind == FaultKind::Forbidden => store.could_not_read_sets(Some(&key.0), &error.text),
            Err(error) => return Err(error),
        }
        store.put_workload(&key, workload);
        let facts = self.view(&store, &key).map(|view| K::facts(&view)).unwrap_or_default();
        Ok(Reading { facts, revision: Some(object.meta().resource_version.clone()) })
    }

    /// What a verb can send for an object: to itself, and to the one that defines its pods as that is known now. Nothing for
    /// one that is out of scope, or whose name is more than one part of a path.
    fn shapes_of(&self, store: &Store<K::Object>, key: &Key, verb: Verb) -> Vec<Shape> {
        let scope = &self.cluster.scope;
        let in_scope = scope.namespaces.is_empty() || scope.namespaces.contains(&key.0);
        let elsewhere = store.object(key).and_then(K::defined_by);
        let named = |(namespace, name): &Key| shape::is_part(namespace) && shape::is_part(name);
        if !in_scope || !named(key) {
            return Vec::new();
        }
        let defined_by = elsewhere.filter(|(_, at)| named(at) && at.0 == key.0);
        K::shapes(verb, &Places { object: (K::RESOURCE, key.clone()), defined_by })
    }

    fn key(&self, target: &ObjectId) -> Result<Key, ProviderError> {
        Some(target)
            .filter(|target| target.family.as_str() == K::FAMILY)
            .and_then(|target| split(&target.path))
            .ok_or_else(|| {
                let text = format!("'{target}' is no {} of {}", K::WORDS, self.cluster.scope.cluster);
                ProviderError::new(FaultKind::Rejected, text)
            })
    }
}

impl<K: Kind> Actor for Facade<K> {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        self.reread(target).boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        self.key(target).map_or_else(|_| Vec::new(), |key| self.shapes_of(&self.store(), &key, verb))
    }

    fn send<'a>(&'a self, call: Checked<'a>) -> Answer<'a, Sent> {
        async move { self.cluster.send(K::RESOURCE, call.outgoing()).await }.boxed()
    }
}

impl<K: Kind> Inventory for Facade<K> {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::new(K::FAMILY), Noun::Rollout)]
    }

    fn discover(&self) -> Answer<'_, Vec<inventory::Scope>> {
        ready(Ok(vec![inventory::Scope::all(&Family::new(K::FAMILY))])).boxed()
    }

    fn list(&self, _: Vec<inventory::Scope>) -> BoxStream<'_, Heard> {
        let everything = async move {
            let mut heard = follow::told::<K>(self.everything().await.map(Change::All));
            if let Ok(parts) = &mut heard.parts {
                parts.push(Part::unread(Family::new(K::FAMILY), self.absent()));
            }
            heard
        };
        everything.into_stream().boxed()
    }

    fn watch(&self) -> Option<BoxStream<'_, Heard>> {
        Some(follow::changes(self).map(follow::told::<K>).boxed())
    }

    fn probe(&self) -> Answer<'_, ()> {
        async move {
            // One that may be read: that another may not is no sign of illness.
            let queries = self.object_queries();
            let seen = |query: &&Query| query.namespace.as_ref().is_none_or(|own| self.store().unseen(own).is_none());
            match queries.iter().find(seen).or(queries.first()) {
                Some(query) => self.cluster.probe(query).await,
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        let Some(rollout) = item.rollout() else {
            return Err(Blocked(format!("{} is no {}", item.id(), K::WORDS)));
        };
        let store = self.store();
        let key = split(&rollout.id.path);
        let view = key.and_then(|key| self.view(&store, &key));
        let view = view.filter(|view| view.object.meta().uid == rollout.identity.uid);
        let gone = || Blocked(format!("{} is gone, or was made anew since it was drawn", rollout.id.path));
        let now = self.cluster.clock.now();
        // An act that is carried on is drawn up as it was; a moment that is yet to come was not.
        let then = ask.takes_over.as_ref().and_then(|takeover| takeover.moment).filter(|then| *then <= now);
        let mut draft = K::draft(rollout, &view.ok_or_else(gone)?, ask, then.unwrap_or(now))?;
        let shapes = |target: &ObjectId| {
            self.key(target).map_or_else(|_| Vec::new(), |key| self.shapes_of(&store, &key, ask.verb))
        };
        shape::check_all(&draft, ask.verb, shapes).map_err(|forged| Blocked(forged.to_string()))?;
        for step in &mut draft.steps {
            step.call.command = kubectl::leading(&step.call.command, &self.cluster.scope.kubectl());
        }
        if self.cluster.scope.found.get().unverified {
            draft.notes.push(unproven(&self.cluster.scope.cluster));
        }
        Ok(draft)
    }
}

/// What is said before anything is sent to a cluster that need not prove who it is.
pub fn unproven(cluster: &str) -> String {
    format!("nobody checks that this is {cluster}: its kubeconfig says insecure-skip-tls-verify")
}

impl<K: Kind> fmt::Debug for Facade<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade").field("engine", &K::FAMILY).field("scope", &self.cluster.scope).finish_non_exhaustive()
    }
}
