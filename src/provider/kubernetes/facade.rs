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

pub use super::kind::{Beside, Extras, Kind, Places, Told, View};
use super::{
    api::{self, Meta, Object, ReplicaSet},
    change::{self, Change},
    cluster::Cluster,
    follow, gitops, kind, kubectl,
    loose::Loose,
    pods::{self, Counted, Pod, Trouble},
    proxy,
    request::{EVENTS, PODS, Query, REPLICA_SETS},
    sought::{Found, split},
    store::{Key, Store, key},
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
            cluster.claims.expect(K::WORDS);
        }
        cluster.sought.expect(K::WORDS);
        for (resource, older) in K::OLDER {
            cluster.served.expect(*resource, older);
        }
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

    /// The queries for all ReplicaSets of the engine, one for each space; none where its versions are no such sets.
    pub(super) fn set_queries(&self) -> Vec<Query> {
        let query = |space| Query::all(REPLICA_SETS, space).labelled(Some(K::HASH_LABEL.to_owned()));
        if K::SETS { self.spaces().into_iter().map(query).collect() } else { Vec::new() }
    }

    /// The queries for what is looked at beside the objects, one for each kind and space.
    pub(super) fn beside_queries(&self) -> Vec<Query> {
        let of_space = |space: Option<String>| K::BESIDE.iter().map(move |kind| Query::all(*kind, space.clone()));
        self.spaces().into_iter().flat_map(of_space).collect()
    }

    /// Is there none of it on the cluster, and need there be none?
    fn has_none(&self) -> bool {
        self.is_optional() && !self.store().has_any(None)
    }

    /// Is a cluster without such objects one that has none of them? Where the configuration names the engine it is a fault.
    pub(super) fn is_optional(&self) -> bool {
        (self.cluster.scope.takes_what_is_there || K::OPTIONAL) && !K::RESOURCE.is_built_in()
    }

    /// Is this that it may not be listed, and need not be?
    pub(super) fn is_left_out(&self, error: &ProviderError) -> bool {
        let named = !self.cluster.scope.takes_what_is_there;
        K::WHERE_ALLOWED && !named && error.kind == FaultKind::Forbidden && !self.store().has_any(None)
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
        if self.cluster.claims.has_claimed(K::WORDS, K::RESOURCE, key) {
            return None;
        }
        let extras = store.extras(key);
        let of_object = K::SUBRESOURCES.iter().map(|sub| self.cluster.denied(K::RESOURCE, sub, &key.0, &key.1));
        let beside = self.beside(store, object);
        if !K::is_rollout(&self.cluster.scope, object, &beside) {
            return None;
        }
        let parts = K::claims_in(&self.cluster.scope, object, &beside);
        let elsewhere = parts.into_iter().map(|(resource, at)| self.cluster.denied(resource, "", &at.0, &at.1));
        let unsure = |sub: &&str| self.cluster.unsure(K::RESOURCE, sub, &key.0, &key.1);
        Some(View {
            scope: &self.cluster.scope,
            object,
            sets: self.sets_of(store, object),
            unread: store.unread(&key.0).filter(|_| K::SETS),
            beside,
            unread_beside: store.unread_beside(&key.0),
            extras: extras.unwrap_or(&kind::NOTHING),
            denied: of_object.chain(elsewhere).collect(),
            unsure: K::SUBRESOURCES.iter().map(unsure).collect(),
        })
    }

    /// Says which objects of others are a part of this engine's, and what it does with changes to what it manages.
    pub(super) fn claim(&self) {
        if let Some(group) = K::KEEPS {
            let kept = {
                let store = self.store();
                store.objects().map(|object| (key(object), K::keeps(&self.cluster.scope, object))).collect()
            };
            self.cluster.keepers.tell(group, kept);
        }
        if K::CLAIMS {
            let claimed = {
                let store = self.store();
                store.objects().flat_map(|object| self.parts(&store, object)).collect()
            };
            self.cluster.claims.tell(K::WORDS, claimed);
        }
    }

    /// Says what of that which the configuration names is there; `read` is a space of which all was just read.
    pub(super) fn tell_found(&self, read: Option<&Option<String>>) {
        let scope = &self.cluster.scope;
        let found = {
            let store = self.store();
            let is_there = |key: &Key| self.is_there(&store, key);
            Found {
                filled: scope
                    .spaces()
                    .into_iter()
                    .filter(|space| self.has_rollouts(&store, space.as_deref()))
                    .collect(),
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
        let (events, analyses, troubles, workload, told, ()) = futures::join!(
            self.cluster.list(&about),
            K::analyses(&self.cluster, object),
            self.ask_pods(object),
            self.ask_workload(object),
            K::ask(&self.cluster, object),
            self.ask_rights(object),
        );
        let mut unread: Vec<String> = Vec::new();
        let mut refuse = |refused: Option<ProviderError>| {
            // What broke is asked for again soon; what we may not read stays unread.
            let refused = refused.filter(|error| error.kind == FaultKind::Forbidden).map(|error| error.text);
            unread.extend(refused);
        };
        refuse(events.as_ref().err().cloned());
        refuse(analyses.as_ref().err().cloned());
        refuse(troubles.as_ref().err().cloned());
        let (troubles, counted) = troubles.unwrap_or_default();
        let mut events: Vec<api::Event> = events.unwrap_or_default();
        if !troubles.is_empty() {
            events.extend(self.ask_warnings(object, &troubles).await);
        }
        let (events, analyses) = (workload::events(&events), analyses.unwrap_or_default());
        Extras { events, analyses, troubles, counted, workload, told, unread }
    }

    /// Asks what is asked of an object that is not in flight.
    pub(super) async fn ask_at_rest(&self, object: &K::Object) -> Extras {
        Extras { told: K::ask(&self.cluster, object).await, ..Extras::default() }
    }

    pub(super) async fn ask_rights(&self, object: &K::Object) {
        let meta = object.meta();
        self.cluster.learn_rights(K::RESOURCE, K::SUBRESOURCES, &meta.namespace, &meta.name).await;
        let parts = self.parts(&self.store(), object);
        for (resource, (namespace, name)) in parts {
            self.cluster.learn_rights(resource, &[""], &namespace, &name).await;
        }
    }

    /// What is wrong with its pods, asked only where some are missing; and how many of each version there are, where there are no
    /// sets that would say so.
    async fn ask_pods(&self, object: &K::Object) -> Result<(Vec<Trouble>, Vec<Counted>), ProviderError> {
        let owned: Vec<String> = {
            let store = self.store();
            let sets = self.sets_of(&store, object);
            let lacks =
                |set: &&ReplicaSet| set.status.ready_replicas < set.spec.replicas.unwrap_or(1).max(set.status.replicas);
            if K::SETS && !sets.iter().any(lacks) {
                return Ok(<(Vec<Trouble>, Vec<Counted>)>::default());
            }
            sets.iter().map(|set| set.metadata.uid.clone()).collect()
        };
        if !K::SETS && !K::PODS {
            return Ok(<(Vec<Trouble>, Vec<Counted>)>::default());
        }
        let labels = K::pods(object, &self.beside(&self.store(), object));
        let query = Query::all(PODS, Some(object.meta().namespace.clone())).labelled(labels);
        let pods: Vec<Pod> = self.cluster.list(&query).await?;
        let (own, now) = (&object.meta().uid, self.cluster.clock.now());
        let is_its = |trouble: &Trouble| if K::SETS { owned.contains(&trouble.set) } else { trouble.set == *own };
        let troubles = pods.iter().filter_map(|pod| pods::trouble(pod, now)).filter(is_its).collect();
        Ok((troubles, if K::SETS { Vec::new() } else { pods::counted(&pods, own) }))
    }

    /// The warnings about its ReplicaSets and its troubled pods.
    async fn ask_warnings(&self, object: &K::Object, troubles: &[Trouble]) -> Vec<api::Event> {
        let query = Query::all(EVENTS, Some(object.meta().namespace.clone())).fields("type=Warning".to_owned());
        let mut events: Vec<api::Event> = self.cluster.list(&query).await.unwrap_or_default();
        let sets: Vec<String> = {
            let store = self.store();
            self.sets_of(&store, object).iter().map(|set| set.metadata.uid.clone()).collect()
        };
        let ours = |uid: &String| sets.contains(uid) || troubles.iter().any(|trouble| trouble.uid == *uid);
        events.retain(|event| ours(&event.involved_object.uid));
        events
    }

    pub(super) async fn ask_workload(&self, object: &K::Object) -> Option<Template> {
        let (resource, (namespace, name)) = K::defined_by(object)?;
        let workload: api::Workload = self.cluster.get(resource, &namespace, &name).await.ok()?;
        Some(workload.spec.template)
    }

    /// Reads the ReplicaSets of a space. That they may not be read is no failure of the cluster: each rollout says what is not
    /// known of it.
    async fn list_sets(&self, sets: Query) -> Result<(), ProviderError> {
        let owned = self.cluster.list(&sets).await;
        let mut store = self.store();
        match owned {
            Ok(owned) => store.replace_sets(sets.namespace.as_deref(), owned),
            Err(error) if error.kind == FaultKind::Forbidden => {
                store.could_not_read_sets(sets.namespace.as_deref(), &error.text);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The same of what is looked at beside the objects. There is none of what the cluster does not know.
    async fn list_beside(&self, query: Query) -> Result<(), ProviderError> {
        let found = self.cluster.list::<Loose>(&query).await;
        let (mut store, space) = (self.store(), query.namespace.as_deref());
        let of_kind = |one: Loose| one.of(query.resource);
        match found {
            Ok(found) => store.replace_beside(query.resource, space, found.into_iter().map(of_kind).collect()),
            Err(error) if error.kind == FaultKind::Missing => store.replace_beside(query.resource, space, Vec::new()),
            Err(error) if error.kind == FaultKind::Forbidden => {
                store.could_not_read_beside(query.resource, space, &error.text);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads what one object is made of again, where it is known how to ask for it.
    async fn reread_beside(&self, object: &K::Object) -> Result<(), ProviderError> {
        let queries = K::BESIDE.iter().flat_map(|resource| K::again(object, *resource));
        let read = queries.map(|query| async move { (self.cluster.list::<Loose>(&query).await, query) });
        for (found, query) in join_all(read).await {
            let mut store = self.store();
            match found {
                Ok(found) if query.labels.is_none() && query.fields.is_none() => {
                    let all = found.into_iter().map(|one| one.of(query.resource)).collect();
                    store.replace_beside(query.resource, query.namespace.as_deref(), all);
                }
                Ok(found) => found.into_iter().for_each(|one| store.put_beside(one.of(query.resource))),
                Err(error) if error.kind == FaultKind::Missing => {}
                Err(error) if error.kind == FaultKind::Forbidden => {
                    store.could_not_read_beside(query.resource, query.namespace.as_deref(), &error.text);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the ReplicaSets of one object again.
    async fn reread_sets(&self, object: &K::Object) -> Result<(), ProviderError> {
        if !K::SETS {
            return Ok(());
        }
        let namespace = object.meta().namespace.clone();
        let query = Query::all(REPLICA_SETS, Some(namespace.clone())).labelled(K::selector(object));
        let sets: Result<Vec<ReplicaSet>, ProviderError> = self.cluster.list(&query).await;
        let mut store = self.store();
        match sets {
            Ok(mut sets) => {
                let owners = self.owners(&store, object);
                let is_its =
                    |set: &ReplicaSet| set.metadata.controller().is_some_and(|uid| owners.iter().any(|own| own == uid));
                sets.retain(is_its);
                store.replace_sets_of(&owners, sets);
            }
            Err(error) if error.kind == FaultKind::Forbidden => {
                store.could_not_read_sets(Some(&namespace), &error.text);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn everything(&self) -> Result<Vec<Rollout>, ProviderError> {
        for objects in self.object_queries() {
            let space = objects.namespace.clone();
            let sets = self.set_queries().into_iter().filter(|sets| sets.namespace == space);
            let beside = self.beside_queries().into_iter().filter(|beside| beside.namespace == space);
            let (found, owned, others) = futures::join!(
                self.cluster.list::<K::Object>(&objects),
                join_all(sets.map(|sets| self.list_sets(sets))),
                join_all(beside.map(|beside| self.list_beside(beside))),
            );
            // Nothing of it is there where the cluster does not know the kind.
            let found = match found {
                Err(error) if (error.kind == FaultKind::Missing && self.has_none()) || self.is_left_out(&error) => {
                    self.cluster.sought.is_absent(K::WORDS, true);
                    Ok(Vec::new())
                }
                found => found.inspect_err(|_| self.cluster.sought.lost(K::WORDS, &space)),
            }?;
            self.store().replace(space.as_deref(), found);
            owned.into_iter().chain(others).collect::<Result<(), _>>()?;
            self.tell_found(Some(&space));
        }
        self.claim();
        let asked_about: Vec<_> = {
            let store = self.store();
            let moves = |key: &Key| self.rollout(&store, key).map(|rollout| rollout.in_flight());
            let with_it = |key: Key| Some((moves(&key)?, store.object(&key)?.clone(), key));
            let all = store.keys().into_iter().filter_map(with_it);
            all.filter(|(moves, object, _)| *moves || K::asks_at_rest(object)).collect()
        };
        let asked = asked_about.iter().map(|(moves, object, key)| async move {
            (key, if *moves { self.ask_extras(object).await } else { self.ask_at_rest(object).await })
        });
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
        self.reread_beside(&object).await?;
        self.reread_sets(&object).await?;
        let (workload, told) = futures::join!(self.ask_workload(&object), K::ask(&self.cluster, &object));
        let mut store = self.store();
        store.put(object.clone());
        store.put_workload(&key, workload);
        store.put_told(&key, told);
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
        let served = |resource| self.cluster.served.as_known(resource);
        let beside = store.object(key).map(|object| self.beside(store, object)).unwrap_or_default();
        let beside = beside.into_iter().map(|one| {
            let Meta { namespace, name, .. } = &one.metadata;
            (served(one.resource), (namespace.clone(), name.clone()))
        });
        let beside = beside.filter(|(_, at)| named(at)).collect();
        let parts = store.object(key).map(|object| self.parts(store, object)).unwrap_or_default();
        let parts = parts.into_iter().filter(|(_, at)| named(at) && at.0 == key.0).collect();
        let elsewhere = store.object(key).map(|object| K::shapes_elsewhere(verb, object)).unwrap_or_default();
        let mut shapes =
            K::shapes(verb, &Places { object: (served(K::RESOURCE), key.clone()), defined_by, beside, parts });
        shapes.extend(elsewhere);
        shapes
    }

    pub(super) fn key(&self, target: &ObjectId) -> Result<Key, ProviderError> {
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
        async move {
            // What a service answers says nothing of the engine.
            let resource = (!proxy::is_proxied(&call.outgoing().path)).then_some(K::RESOURCE);
            self.cluster.send(resource, call.outgoing()).await
        }
        .boxed()
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
            let mut heard = change::told::<K>(self.everything().await.map(Change::All));
            if let Ok(parts) = &mut heard.parts {
                parts.push(Part::unread(Family::new(K::FAMILY), self.absent()));
            }
            heard
        };
        everything.into_stream().boxed()
    }

    fn watch(&self) -> Option<BoxStream<'_, Heard>> {
        Some(follow::changes(self).map(change::told::<K>).boxed())
    }

    fn probe(&self) -> Answer<'_, ()> {
        async move {
            // One that may be read: that another may not is no sign of illness.
            let queries = self.object_queries();
            let seen = |query: &&Query| query.namespace.as_ref().is_none_or(|own| self.store().unseen(own).is_none());
            match queries.iter().find(seen).or(queries.first()) {
                Some(query) => match self.cluster.probe(query).await {
                    // It answers, and there is nothing of this kind.
                    Err(error) if (error.kind == FaultKind::Missing && self.has_none()) || self.is_left_out(&error) => {
                        Ok(())
                    }
                    answered => answered,
                },
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
        let marks = view.as_ref().and_then(|view| gitops::warning(view.object.meta()));
        let keeper = view.as_ref().and_then(|view| self.cluster.keepers.of(view.object.meta()));
        let gone = || Blocked(format!("{} is gone, or was made anew since it was drawn", rollout.id.path));
        let now = self.cluster.clock.now();
        // An act that is carried on is drawn up as it was; a moment that is yet to come was not.
        let then = ask.takes_over.as_ref().and_then(|takeover| takeover.moment).filter(|then| *then <= now);
        let mut draft = K::draft(rollout, &view.ok_or_else(gone)?, ask, then.unwrap_or(now))?;
        let shapes = |target: &ObjectId| {
            self.key(target).map_or_else(|_| Vec::new(), |key| self.shapes_of(&store, &key, ask.verb))
        };
        shape::check_all(&draft, ask.verb, shapes).map_err(|forged| Blocked(forged.to_string()))?;
        let owed = draft.obligations.iter_mut().map(|owed| &mut owed.step);
        for step in draft.steps.iter_mut().chain(owed) {
            step.call.command = kubectl::leading(&step.call.command, &self.cluster.scope.kubectl());
        }
        // What is known of whoever manages it says more than its marks.
        if let Some(keeper) = keeper {
            for note in draft.notes.iter_mut().filter(|note| Some(&**note) == marks.as_ref()) {
                note.clone_from(&keeper);
            }
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
