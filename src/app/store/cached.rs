//! What is known from cache only: objects that an earlier process saw, until this one has read the scope that they are of.
//!
//! They lie apart from what was observed, so that nothing takes the one for the other: guards, verdicts, the headline and discovery ask
//! the store for objects and do not find these; a list that shows them asks for them by name.

use std::collections::BTreeMap;

use super::Store;
use crate::{
    domain::{
        ids::SourceName,
        item::{Item, Noun},
        object::{Family, ObjectId},
        time::Timestamp,
    },
    port::{
        cached::{CachedScope, Way},
        inventory::{Extent, Part, Scope},
    },
};

/// Objects that are written to a cache at most, those that matter most first.
const MOST: usize = 2_000;

/// One object as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    scope: Scope,
    /// When it was last confirmed.
    pub at: Timestamp,
    /// As it was.
    pub item: Item,
    /// How it would be gone back from by hand, as it was drawn up then.
    pub ways: Vec<Way>,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cache(BTreeMap<ObjectId, Cached>);

impl Cache {
    /// Forgets what was read now: all of a family where a part is all there is, else what it tells of.
    pub(super) fn heard(&mut self, source: &SourceName, scope: &Scope, part: &Part) {
        let of_it =
            |id: &ObjectId, cached: &Cached| id.source == *source && cached.scope == *scope && id.family == part.family;
        if part.extent == Extent::Whole {
            self.0.retain(|id, cached| !of_it(id, cached));
        }
        for id in part.gone.iter().chain(part.items.iter().map(Item::id)) {
            self.0.remove(id);
        }
    }

    /// Forgets what is of a scope that an inventory has no longer.
    pub(super) fn discovered(&mut self, source: &SourceName, inventory: &Family, has: impl Fn(&str) -> bool) {
        self.0.retain(|id, cached| {
            id.source != *source || cached.scope.inventory != *inventory || has(&cached.scope.name)
        });
    }
}

impl Store {
    /// Takes what an earlier process saw. What is of no connection of this session, of a scope that was read or is gone, or from the
    /// future, is not taken.
    pub fn take_cached(&mut self, cached: Vec<CachedScope>, now: Timestamp) {
        for CachedScope { source, scope, at, items, ways } in cached {
            let Some(known) = self.inventories.get(&(source.clone(), scope.inventory.clone())) else { continue };
            let seen = known.scopes.get(&scope.name);
            let unread = seen.map_or(!known.discovered, |seen| seen.value.is_none());
            if !unread || at > now {
                continue;
            }
            let is_of_it = |item: &Item| {
                let (id, noun) = (item.id(), item.noun());
                let told = known.tells.iter().any(|(family, of)| *family == id.family && *of == noun);
                id.source == source && told && !self.items.contains_key(id)
            };
            let mut of: BTreeMap<ObjectId, Vec<Way>> = BTreeMap::new();
            for way in ways {
                of.entry(way.target.clone()).or_default().push(way);
            }
            for item in items.into_iter().filter(is_of_it) {
                let id = item.id().clone();
                let ways = of.remove(&id).unwrap_or_default();
                self.cache.0.insert(id, Cached { scope: scope.clone(), at, item, ways });
            }
        }
    }

    /// Was this scope read in this process, so that what was seen of it before says nothing any more?
    pub fn has_read(&self, source: &SourceName, scope: &Scope) -> bool {
        let known = self.inventories.get(&(source.clone(), scope.inventory.clone()));
        known.and_then(|known| known.scopes.get(&scope.name)).is_some_and(|seen| seen.value.is_some())
    }

    /// What is known from cache only, by id.
    pub fn cached(&self) -> impl Iterator<Item = &Cached> {
        self.cache.0.values()
    }

    /// One object that is known from cache only.
    pub fn cached_item(&self, id: &ObjectId) -> Option<&Cached> {
        self.cache.0.get(id)
    }

    /// That an object is known from cache only, a sentence; nothing where it is not.
    pub fn from_cache(&self, id: &ObjectId) -> Option<String> {
        let at = self.cached_item(id)?.at.format("%Y-%m-%d %H:%M:%S");
        Some(format!("it is known from cache only, as it was at {at} UTC: {} has not been read since", id.source))
    }

    /// What a later process may show at once: everything that was observed, and what is still known from cache only, each with when it was
    /// confirmed. The most that matters where it is much: rollouts, then gates, then the newest runs. Of what was observed nobody has
    /// drawn up yet how it is gone back from.
    pub fn to_cache(&self) -> Vec<CachedScope> {
        let observed = self.items.iter().filter_map(|(id, (scope, item))| Some((scope, self.observed_at(id)?, item)));
        let cached = self.cached().map(|cached| (&cached.scope, cached.at, &cached.item));
        let mut all: Vec<(&Scope, Timestamp, &Item)> = observed.chain(cached).collect();
        all.sort_by_key(|(_, _, item)| {
            let place = match item.noun() {
                Noun::Rollout => 0,
                Noun::Gate => 1,
                Noun::Run => 2,
            };
            (place, item.run().map(|run| std::cmp::Reverse(run.updated)))
        });
        let mut scopes: BTreeMap<(&SourceName, &Scope, Timestamp), Vec<Item>> = BTreeMap::new();
        for (scope, at, item) in all.into_iter().take(MOST) {
            scopes.entry((&item.id().source, scope, at)).or_default().push(item.clone());
        }
        let one = |((source, scope, at), items): ((&SourceName, &Scope, Timestamp), Vec<Item>)| CachedScope {
            source: source.clone(),
            scope: scope.clone(),
            at,
            items,
            ways: Vec::new(),
        };
        let mut scopes: Vec<CachedScope> = scopes.into_iter().map(one).collect();
        for scope in &mut scopes {
            let kept = scope.items.iter().filter_map(|item| self.cached_item(item.id()));
            scope.ways = kept.flat_map(|cached| cached.ways.clone()).collect();
        }
        scopes
    }
}
