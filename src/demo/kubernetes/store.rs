//! The objects, their versions, and the bounded memory of changes that watches and old lists are served from.
//!
//! It knows nothing of HTTP, rights or controllers: it stores what it is given and counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::json;
use super::kind::Kind;

/// How many changes are remembered; older ones are gone, as after etcd's compaction.
const WINDOW: usize = 4096;

/// What names an object. The order is that of lists: namespace, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    /// Empty for what is in no namespace.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) version: u64,
    pub(crate) key: Key,
    /// None when the object was made.
    pub(crate) before: Option<Arc<Value>>,
    /// None when the object was removed.
    pub(crate) after: Option<Arc<Value>>,
}

/// The change that was asked for is no longer remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expired;

/// All objects of a cluster.
#[derive(Debug)]
pub(crate) struct Store {
    version: u64,
    objects: BTreeMap<Key, Arc<Value>>,
    changes: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
    window: usize,
}

impl Store {
    /// An empty store that counts from `version`.
    pub(crate) fn new(version: u64) -> Self {
        Self { version, objects: BTreeMap::new(), changes: VecDeque::new(), forgotten: version, window: WINDOW }
    }

    /// The newest version: every change has a higher one.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// The objects of a kind, in all namespaces or one, in the order of lists.
    pub(crate) fn list(&self, kind: Kind, namespace: Option<&str>) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let from = Key::new(kind, namespace.unwrap_or_default(), "");
        self.objects
            .range(from..)
            .take_while(move |(key, _)| key.kind == kind)
            .take_while(move |(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
    }

    /// The objects of a kind in one namespace whose name starts so.
    pub(crate) fn starting(&self, kind: Kind, namespace: &str, start: &str) -> Vec<(Key, Arc<Value>)> {
        self.objects
            .range(Key::new(kind, namespace, start)..)
            .take_while(|(key, _)| key.kind == kind && key.namespace == namespace && key.name.starts_with(start))
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect()
    }

    /// Stores an object under the next version. The same content again is no change.
    pub(crate) fn put(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        let before = self.objects.get(key).cloned();
        if let Some(before) = &before {
            json::child(&mut object, "metadata")
                .insert("resourceVersion".to_owned(), json::text(before, "/metadata/resourceVersion").into());
            if **before == object {
                return Arc::clone(before);
            }
        }
        self.version += 1;
        json::child(&mut object, "metadata").insert("resourceVersion".to_owned(), self.version.to_string().into());
        let after = Arc::new(object);
        self.objects.insert(key.clone(), Arc::clone(&after));
        self.remember(Change { version: self.version, key: key.clone(), before, after: Some(Arc::clone(&after)) });
        after
    }

    /// Removes an object; nothing happens where there is none.
    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(before) = self.objects.remove(key) {
            self.version += 1;
            self.remember(Change { version: self.version, key: key.clone(), before: Some(before), after: None });
        }
    }

    fn remember(&mut self, change: Change) {
        self.changes.push_back(change);
        while self.changes.len() > self.window {
            if let Some(old) = self.changes.pop_front() {
                self.forgotten = old.version;
            }
        }
    }

    /// The changes after a version, oldest first.
    pub(crate) fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Expired> {
        if version < self.forgotten {
            return Err(Expired);
        }
        let from = self.changes.partition_point(|change| change.version <= version);
        Ok(self.changes.range(from..))
    }

    /// The objects of a kind as they were at a version.
    pub(crate) fn list_at(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        version: u64,
    ) -> Result<BTreeMap<Key, Arc<Value>>, Expired> {
        if version < self.forgotten {
            return Err(Expired);
        }
        let mut then: BTreeMap<Key, Arc<Value>> =
            self.list(kind, namespace).map(|(key, object)| (key.clone(), Arc::clone(object))).collect();
        let undone = self.changes.iter().rev().take_while(|change| change.version > version);
        for change in undone.filter(|c| c.key.kind == kind && namespace.is_none_or(|n| c.key.namespace == n)) {
            match &change.before {
                Some(before) => then.insert(change.key.clone(), Arc::clone(before)),
                None => then.remove(&change.key),
            };
        }
        Ok(then)
    }

    /// Forgets every change so far, as a compaction does: watches from older versions must list again.
    pub(crate) fn compact(&mut self) {
        self.changes.clear();
        self.forgotten = self.version;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Kind::Pod, "shop", name)
    }

    fn pod(value: i64) -> Value {
        json!({"metadata": {"name": "a"}, "spec": {"value": value}})
    }

    #[test]
    fn the_same_content_again_is_no_change() {
        let mut store = Store::new(10);
        store.put(&key("a"), pod(1));
        store.put(&key("a"), pod(1));
        assert_eq!(store.version(), 11);
        store.put(&key("a"), pod(2));
        assert_eq!(store.version(), 12);
    }

    #[test]
    fn a_list_can_be_had_as_it_was() {
        let mut store = Store::new(0);
        store.put(&key("a"), pod(1));
        store.put(&key("b"), pod(1));
        store.put(&key("a"), pod(2));
        store.remove(&key("b"));
        let then = store.list_at(Kind::Pod, Some("shop"), 2).unwrap();
        let values: Vec<i64> = then.values().map(|pod| json::number(pod, "/spec/value").unwrap()).collect();
        assert_eq!(values, [1, 1]);
        assert_eq!(store.list_at(Kind::Pod, None, store.version()).unwrap().len(), 1);
    }

    #[test]
    fn what_fell_out_of_the_window_is_expired() {
        let mut store = Store::new(0);
        store.window = 2;
        for value in 0..5 {
            store.put(&key("a"), pod(value));
        }
        assert_eq!(store.since(3).unwrap().count(), 2);
        assert_eq!(store.since(2).err(), Some(Expired));
        store.compact();
        assert_eq!(store.since(4).err(), Some(Expired));
        assert_eq!(store.since(5).unwrap().count(), 0);
    }

    #[test]
    fn lists_are_by_namespace_and_name() {
        let mut store = Store::new(0);
        for (namespace, name) in [("shop", "b"), ("ads", "z"), ("shop", "a")] {
            store.put(&Key::new(Kind::Pod, namespace, name), json!({}));
        }
        store.put(&Key::new(Kind::Event, "shop", "c"), json!({}));
        let names =
            |namespace| -> Vec<String> { store.list(Kind::Pod, namespace).map(|(key, _)| key.name.clone()).collect() };
        assert_eq!(names(None), ["z", "a", "b"]);
        assert_eq!(names(Some("shop")), ["a", "b"]);
    }
}
