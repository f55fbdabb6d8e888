//! What was last observed of a cluster, in wire form: plans are drawn up from it without asking again.

use std::collections::BTreeMap;

use super::{
    api::{Object, ReplicaSet},
    facade::{Beside, Extras, Told},
    request::Resource,
    template::Template,
};

/// Namespace and name.
pub(super) type Key = (String, String);

/// Objects of one kind, and the ReplicaSets they own.
#[derive(Debug)]
pub(super) struct Store<O> {
    objects: BTreeMap<Key, O>,
    /// By the UID of the owner, and then by name.
    sets: BTreeMap<String, BTreeMap<String, ReplicaSet>>,
    /// Why the ReplicaSets of a namespace, or of the cluster, may not be read. What is not read is not absent.
    unread: BTreeMap<Option<String>, String>,
    /// What is looked at beside the objects.
    beside: BTreeMap<(Resource, Key), Beside>,
    /// Why such a kind may not be read there.
    unread_beside: BTreeMap<(Resource, Option<String>), String>,
    /// Why the objects of a namespace cannot be read now, though others can: what is known of them is as it was.
    unseen: BTreeMap<String, String>,
    extras: BTreeMap<Key, Extras>,
    /// What an object looked like when its extras were last asked for.
    moments: BTreeMap<Key, String>,
}

pub(super) fn key<O: Object>(object: &O) -> Key {
    (object.meta().namespace.clone(), object.meta().name.clone())
}

impl<O: Object> Store<O> {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            sets: BTreeMap::new(),
            unread: BTreeMap::new(),
            beside: BTreeMap::new(),
            unread_beside: BTreeMap::new(),
            unseen: BTreeMap::new(),
            extras: BTreeMap::new(),
            moments: BTreeMap::new(),
        }
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.objects.keys().cloned().collect()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &O> {
        self.objects.values()
    }

    pub(super) fn object(&self, key: &Key) -> Option<&O> {
        self.objects.get(key)
    }

    /// Is there anything in this namespace, or on the cluster?
    pub(super) fn has_any(&self, namespace: Option<&str>) -> bool {
        let Some(namespace) = namespace else { return !self.objects.is_empty() };
        let first = self.objects.range((namespace.to_owned(), String::new())..).next();
        first.is_some_and(|(key, _)| key.0 == namespace)
    }

    pub(super) fn extras(&self, key: &Key) -> Option<&Extras> {
        self.extras.get(key)
    }

    /// The ReplicaSets that one object owns, by its UID.
    pub(super) fn sets_of(&self, uid: &str) -> impl Iterator<Item = &ReplicaSet> {
        self.sets.get(uid).into_iter().flat_map(BTreeMap::values)
    }

    /// What is looked at beside the objects, of a namespace or of all.
    pub(super) fn beside(&self, namespace: Option<&str>) -> impl Iterator<Item = &Beside> {
        self.beside.values().filter(move |one| namespace.is_none_or(|own| one.metadata.namespace == own))
    }

    pub(super) fn put_beside(&mut self, one: Beside) {
        let at = (one.metadata.namespace.clone(), one.metadata.name.clone());
        self.beside.insert((one.resource, at), one);
    }

    pub(super) fn remove_beside(&mut self, one: &Beside) {
        let at = (one.metadata.namespace.clone(), one.metadata.name.clone());
        self.beside.remove(&(one.resource, at));
    }

    /// These are all of that kind in a namespace, or on the cluster.
    pub(super) fn replace_beside(&mut self, resource: Resource, namespace: Option<&str>, all: Vec<Beside>) {
        self.unread_beside.remove(&(resource, namespace.map(str::to_owned)));
        let elsewhere = |at: &Key| namespace.is_some_and(|namespace| at.0 != namespace);
        self.beside.retain(|(kind, at), _| *kind != resource || elsewhere(at));
        for one in all {
            self.put_beside(one);
        }
    }

    /// Those of that kind may not be read there.
    pub(super) fn could_not_read_beside(&mut self, resource: Resource, namespace: Option<&str>, why: &str) {
        self.unread_beside.insert((resource, namespace.map(str::to_owned)), why.to_owned());
    }

    /// Which kinds may not be read in this namespace, and why.
    pub(super) fn unread_beside(&self, namespace: &str) -> Vec<(Resource, &str)> {
        let covers = |space: &Option<String>| space.as_ref().is_none_or(|space| space == namespace);
        let refused = self.unread_beside.iter().filter(|((_, space), _)| covers(space));
        refused.map(|((resource, _), why)| (*resource, why.as_str())).collect()
    }

    /// Why the ReplicaSets of this namespace are not known, where they are not.
    pub(super) fn unread(&self, namespace: &str) -> Option<&str> {
        let of_space = self.unread.get(&Some(namespace.to_owned())).or_else(|| self.unread.get(&None));
        of_space.map(String::as_str)
    }

    /// Why the objects of this namespace cannot be read now, where they cannot.
    pub(super) fn unseen(&self, namespace: &str) -> Option<&str> {
        self.unseen.get(namespace).map(String::as_str)
    }

    /// These namespaces cannot be read now, and why; all others can.
    pub(super) fn cannot_see(&mut self, namespaces: BTreeMap<String, String>) {
        self.unseen = namespaces;
    }

    /// Other parts are asked for from now on.
    pub(super) fn forget_refusals(&mut self) {
        self.unread.clear();
        self.unread_beside.clear();
    }

    /// Why some ReplicaSets, or what else objects are made of, may not be read, a sentence each.
    pub(super) fn all_unread(&self) -> impl Iterator<Item = &String> {
        // What nothing is made of is missed by nobody.
        let missed = self.unread_beside.values().filter(|_| !self.objects.is_empty());
        self.unread.values().chain(missed)
    }

    /// What of that which explains an object could not be read, a sentence each.
    pub(super) fn all_unexplained(&self) -> impl Iterator<Item = &String> {
        self.extras.values().flat_map(|extras| &extras.unread)
    }

    /// The ReplicaSets of a namespace, or of the cluster, may not be read.
    pub(super) fn could_not_read_sets(&mut self, namespace: Option<&str>, why: &str) {
        self.unread.insert(namespace.map(str::to_owned), why.to_owned());
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
        self.unread.remove(&namespace.map(str::to_owned));
        for owned in self.sets.values_mut() {
            owned.retain(|_, set| namespace.is_some_and(|namespace| set.metadata.namespace != namespace));
        }
        self.sets.retain(|_, owned| !owned.is_empty());
        for set in sets {
            self.put_set(set);
        }
    }

    /// These are all ReplicaSets that the owners with these UIDs have.
    pub(super) fn replace_sets_of(&mut self, owners: &[String], sets: Vec<ReplicaSet>) {
        for owner in owners {
            self.sets.remove(owner);
        }
        for set in sets {
            self.put_set(set);
        }
    }

    /// Keeps what explains an object; says whether that is something new.
    pub(super) fn put_extras(&mut self, key: Key, extras: Extras) -> bool {
        if !self.objects.contains_key(&key) || self.extras.get(&key) == Some(&extras) {
            return false;
        }
        self.extras.insert(key, extras);
        true
    }

    /// The template of the object that defines its pods, as it is now; where it cannot be read, the one known stays.
    pub(super) fn put_workload(&mut self, key: &Key, template: Option<Template>) {
        if template.is_some() {
            self.extras.entry(key.clone()).or_default().workload = template;
        }
    }

    /// What was asked about an object beside, as it was answered now.
    pub(super) fn put_told(&mut self, key: &Key, told: Told) {
        if !told.is_empty() || self.extras.get(key).is_some_and(|extras| !extras.told.is_empty()) {
            self.extras.entry(key.clone()).or_default().told = told;
        }
    }

    /// Is this another moment than the one whose extras were last asked for? If so it counts as asked for.
    pub(super) fn is_new_moment(&mut self, key: &Key, moment: &str) -> bool {
        self.moments.insert(key.clone(), moment.to_owned()).is_none_or(|last| last != moment)
    }
}
