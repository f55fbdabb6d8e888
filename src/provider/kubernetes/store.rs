//! What was last observed of a cluster, in wire form: plans are drawn up from it without asking again.

use std::collections::BTreeMap;

use super::api::{Object, ReplicaSet};
use crate::domain::rollout::{Analysis, Event};

/// Namespace and name.
pub(super) type Key = (String, String);

/// What is asked for of an object only while it is in flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extras {
    pub events: Vec<Event>,
    pub analyses: Vec<Analysis>,
}

/// Objects of one kind, and the ReplicaSets they own.
#[derive(Debug)]
pub(super) struct Store<O> {
    objects: BTreeMap<Key, O>,
    /// By the UID of the owner, and then by name.
    sets: BTreeMap<String, BTreeMap<String, ReplicaSet>>,
    extras: BTreeMap<Key, Extras>,
    /// What an object looked like when its extras were last asked for.
    moments: BTreeMap<Key, String>,
}

pub(super) fn key<O: Object>(object: &O) -> Key {
    (object.meta().namespace.clone(), object.meta().name.clone())
}

impl<O: Object> Store<O> {
    pub(super) fn new() -> Self {
        Self { objects: BTreeMap::new(), sets: BTreeMap::new(), extras: BTreeMap::new(), moments: BTreeMap::new() }
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.objects.keys().cloned().collect()
    }

    pub(super) fn object(&self, key: &Key) -> Option<&O> {
        self.objects.get(key)
    }

    pub(super) fn extras(&self, key: &Key) -> Option<&Extras> {
        self.extras.get(key)
    }

    /// The ReplicaSets that an object owns.
    pub(super) fn sets_of(&self, object: &O) -> Vec<&ReplicaSet> {
        self.sets.get(&object.meta().uid).map(|sets| sets.values().collect()).unwrap_or_default()
    }

    /// The object that owns a set.
    pub(super) fn owner_of(&self, set: &ReplicaSet) -> Option<Key> {
        let uid = set.metadata.controller()?;
        self.objects.iter().find(|(_, object)| object.meta().uid == uid).map(|(key, _)| key.clone())
    }

    pub(super) fn put(&mut self, object: O) {
        self.objects.insert(key(&object), object);
    }

    pub(super) fn remove(&mut self, object: &O) {
        let key = key(object);
        self.objects.remove(&key);
        self.extras.remove(&key);
        self.moments.remove(&key);
        self.sets.remove(&object.meta().uid);
    }

    /// These are all objects of a namespace, or of the cluster.
    pub(super) fn replace(&mut self, namespace: Option<&str>, objects: Vec<O>) {
        let stays = |key: &Key| namespace.is_some_and(|namespace| key.0 != namespace);
        self.objects.retain(|key, _| stays(key));
        for object in objects {
            self.put(object);
        }
        self.extras.retain(|key, _| self.objects.contains_key(key));
        self.moments.retain(|key, _| self.objects.contains_key(key));
    }

    pub(super) fn put_set(&mut self, set: ReplicaSet) {
        if let Some(owner) = set.metadata.controller().map(str::to_owned) {
            self.sets.entry(owner).or_default().insert(set.metadata.name.clone(), set);
        }
    }

    pub(super) fn remove_set(&mut self, set: &ReplicaSet) {
        if let Some(owner) = set.metadata.controller()
            && let Some(sets) = self.sets.get_mut(owner)
        {
            sets.remove(&set.metadata.name);
        }
    }

    /// These are all ReplicaSets of a namespace, or of the cluster.
    pub(super) fn replace_sets(&mut self, namespace: Option<&str>, sets: Vec<ReplicaSet>) {
        for owned in self.sets.values_mut() {
            owned.retain(|_, set| namespace.is_some_and(|namespace| set.metadata.namespace != namespace));
        }
        self.sets.retain(|_, owned| !owned.is_empty());
        for set in sets {
            self.put_set(set);
        }
    }

    /// These are all ReplicaSets that one object owns.
    pub(super) fn replace_sets_of(&mut self, object: &O, sets: Vec<ReplicaSet>) {
        self.sets.remove(&object.meta().uid);
        for set in sets {
            self.put_set(set);
        }
    }

    pub(super) fn put_extras(&mut self, key: Key, extras: Extras) {
        if self.objects.contains_key(&key) {
            self.extras.insert(key, extras);
        }
    }

    /// Is this another moment than the one whose extras were last asked for? If so it counts as asked for.
    pub(super) fn is_new_moment(&mut self, key: &Key, moment: &str) -> bool {
        self.moments.insert(key.clone(), moment.to_owned()).is_none_or(|last| last != moment)
    }
}
