//! What there is: the facet that tells of objects, scope by scope, and drafts what a verb would do with one.
//!
//! A scope is read as one and fails as one; what fails of it keeps nobody from hearing of the others. Only what says that it is
//! whole, or names what is gone, makes anything vanish.

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        item::{Item, Noun},
        object::{Family, ObjectId},
        time::Timestamp,
        upkeep::Upkeep,
    },
    port::{
        error::ProviderError,
        facet::{Actor, Answer},
        plan::{Ask, Blocked, Draft},
    },
};

/// What of a connection is read as one: a repository, a namespace, all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The inventory of the connection that tells of it.
    pub inventory: Family,
    /// Its name in its system: `acme/ledger`; empty where it is all there is.
    pub name: String,
}

impl Scope {
    /// A part of what an inventory tells of.
    pub fn of(inventory: &Family, name: impl Into<String>) -> Self {
        Self { inventory: inventory.clone(), name: name.into() }
    }

    /// Everything that an inventory tells of.
    pub fn all(inventory: &Family) -> Self {
        Self::of(inventory, "")
    }
}

/// How much of a scope a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything of its family that the scope has: what is not in it is gone.
    Whole,
    /// What is new or changed; the rest is as it was.
    Changed,
}

/// Objects of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Of which family.
    pub family: Family,
    /// How much of it this is.
    pub extent: Extent,
    /// As they were read.
    pub items: Vec<Item>,
    /// What is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<ObjectId>,
    /// What of the scope cannot be read now, a sentence each: `100 of 130 runs that wait were read`. While there is one, nobody
    /// may say that there is nothing else. `None` says nothing about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Vec<String>>,
    /// What its items keep as their sources say, by themselves; of an item that is not here: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upkeep: Vec<Upkeep>,
}

impl Part {
    /// Everything of a family that a scope has.
    pub fn whole(family: Family, items: impl IntoIterator<Item = impl Into<Item>>) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        Self { family, extent: Extent::Whole, items, gone: Vec::new(), unread: Some(Vec::new()), upkeep: Vec::new() }
    }

    /// One object that is new or changed.
    pub fn changed(item: impl Into<Item>) -> Self {
        let item = item.into();
        let family = item.id().family.clone();
        Self { family, extent: Extent::Changed, items: vec![item], gone: Vec::new(), unread: None, upkeep: Vec::new() }
    }

    /// One object that is gone.
    pub fn gone(id: ObjectId) -> Self {
        let family = id.family.clone();
        Self { family, extent: Extent::Changed, items: Vec::new(), gone: vec![id], unread: None, upkeep: Vec::new() }
    }

    /// That this cannot be read, and that all else of the scope can: replaces what was said so before.
    pub fn unread(family: Family, unread: Vec<String>) -> Self {
        Self {
            family,
            extent: Extent::Changed,
            items: Vec::new(),
            gone: Vec::new(),
            unread: Some(unread),
            upkeep: Vec::new(),
        }
    }

    /// Does it tell of no object, but only of what cannot be read? That says nothing about the rest.
    pub fn is_only_unread(&self) -> bool {
        self.extent == Extent::Changed && self.items.is_empty() && self.gone.is_empty()
    }

    /// The same, whose items keep this by themselves.
    #[must_use]
    pub fn keeping(self, upkeep: Vec<Upkeep>) -> Self {
        Self { upkeep, ..self }
    }

    /// The same, without what these sentences tell of.
    #[must_use]
    pub fn without(self, unread: Vec<String>) -> Self {
        Self { unread: Some(unread), ..self }
    }
}

/// What was told of a scope. No part at all: nothing changed, and the system proved that it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Of which scope.
    pub scope: Scope,
    /// What it has, or why it could not be read.
    pub parts: Result<Vec<Part>, ProviderError>,
    /// When it is worth asking for again, where the system knows better than the interval that is configured. Who looks at it, or
    /// has something in flight there, is told more often.
    pub next_due: Option<Timestamp>,
}

impl Heard {
    /// What was told of this scope.
    pub fn of(scope: Scope, parts: Result<Vec<Part>, ProviderError>) -> Self {
        Self { scope, parts, next_due: None }
    }

    /// The same, where it is not worth asking for again before this.
    #[must_use]
    pub fn until(self, next_due: Timestamp) -> Self {
        Self { next_due: Some(next_due), ..self }
    }
}

/// A system that has objects.
pub trait Inventory: Actor {
    /// The families that it tells of, and what their objects are; never none. The first is its name within the connection.
    fn tells(&self) -> Vec<(Family, Noun)>;

    /// Its scopes, now. Asks the system only where the configuration does not say them.
    fn discover(&self) -> Answer<'_, Vec<Scope>>;

    /// Reads these scopes. Each is told as it comes, once; the stream ends after the last.
    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard>;

    /// Follows all its scopes, where the system can tell by itself: of each first the whole, then changes, until dropped. After
    /// an error it goes on by itself, pausing as it sees fit; it never ends. `None` where it has to be read again and again.
    fn watch(&self) -> Option<BoxStream<'_, Heard>> {
        None
    }

    /// The cheapest request that proves that the system still answers. Asked of what is watched.
    fn probe(&self) -> Answer<'_, ()>;

    /// What it would do for the ask, from the object as last observed. No I/O. What the offer's form asks for is in
    /// `ask.args`; while somebody fills it in, it is drafted with every change, so an answer that is missing is left out of what
    /// would be sent and is no reason to draft nothing: the guard confirms only what is complete. One that cannot be is.
    ///
    /// # Errors
    /// Why it cannot be done, as a sentence.
    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked>;
}

/// The name of an inventory within its connection.
pub fn name(inventory: &dyn Inventory) -> Family {
    inventory.tells().into_iter().next().map_or_else(|| Family::new(""), |(family, _)| family)
}
