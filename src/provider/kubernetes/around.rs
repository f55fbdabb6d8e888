//! What belongs to an object of an engine: what is beside it, whose ReplicaSets are its own, which objects of others are a part of it.

use super::{
    api::{Object, ReplicaSet},
    facade::{Beside, Facade, Kind},
    request::Resource,
    store::{Key, Store, key},
};

impl<K: Kind> Facade<K> {
    /// What an object is made of beside ReplicaSets.
    pub(super) fn beside<'a>(&self, store: &'a Store<K::Object>, object: &K::Object) -> Vec<&'a Beside> {
        let is_its = |one: &&Beside| K::is_beside(&self.cluster.scope, object, one);
        let own = Some(object.meta().namespace.as_str()).filter(|_| !K::ELSEWHERE);
        if K::BESIDE.is_empty() { Vec::new() } else { store.beside(own).filter(is_its).collect() }
    }

    /// The objects that are a part of one.
    pub(super) fn parts(&self, store: &Store<K::Object>, object: &K::Object) -> Vec<(Resource, Key)> {
        K::claims_in(&self.cluster.scope, object, &self.beside(store, object))
    }

    /// Is there any rollout in this namespace, or on the cluster?
    pub(super) fn has_rollouts(&self, store: &Store<K::Object>, namespace: Option<&str>) -> bool {
        let here = |key: &Key| namespace.is_none_or(|namespace| key.0 == namespace);
        store.has_any(namespace) && store.objects().map(key).any(|key| here(&key) && self.is_there(store, &key))
    }

    /// Is there such a rollout?
    pub(super) fn is_there(&self, store: &Store<K::Object>, key: &Key) -> bool {
        let is_one = |object| K::is_rollout(&self.cluster.scope, object, &self.beside(store, object));
        store.object(key).is_some_and(is_one)
    }

    /// The UIDs of an object and of what it is made of: whose ReplicaSets are its own.
    pub(super) fn owners(&self, store: &Store<K::Object>, object: &K::Object) -> Vec<String> {
        let beside = self.beside(store, object).into_iter().map(|one| one.metadata.uid.clone());
        std::iter::once(object.meta().uid.clone()).chain(beside).collect()
    }

    /// The ReplicaSets of an object.
    pub(super) fn sets_of<'a>(&self, store: &'a Store<K::Object>, object: &K::Object) -> Vec<&'a ReplicaSet> {
        self.owners(store, object).iter().flat_map(|uid| store.sets_of(uid)).collect()
    }

    /// The objects that a ReplicaSet belongs to.
    pub(super) fn owners_of(&self, set: &ReplicaSet) -> Vec<Key> {
        let Some(uid) = set.metadata.controller() else { return Vec::new() };
        let store = self.store();
        let owns = |object: &&K::Object| {
            object.meta().uid == uid || self.beside(&store, object).iter().any(|one| one.metadata.uid == uid)
        };
        store.objects().filter(owns).map(key).collect()
    }

    /// The objects that this is beside of.
    pub(super) fn around(&self, one: &Beside) -> Vec<Key> {
        let store = self.store();
        let here = |object: &&K::Object| K::ELSEWHERE || object.meta().namespace == one.metadata.namespace;
        let here = store.objects().filter(here);
        here.filter(|object| K::is_beside(&self.cluster.scope, object, one)).map(key).collect()
    }
}
