//! What is told of everything in an engine's scope, one thing at a time, and the same as an inventory tells it.

use super::facade::Kind;
use crate::{
    domain::{
        object::{Family, ObjectId},
        rollout::Rollout,
    },
    port::{
        error::ProviderError,
        inventory::{Heard, Part, Scope},
    },
};

/// One thing that is told of everything in scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything there is now: replaces what was known.
    All(Vec<Rollout>),
    /// One object is new or changed.
    One(Box<Rollout>),
    /// One object is gone.
    Gone(ObjectId),
    /// Nothing changed, and the source proved that it is alive.
    Alive,
    /// These parts cannot be read now, a sentence each that names the part; what is told of the others stands. Replaces what was
    /// said so before: none is none.
    Unread(Vec<String>),
}

/// A change, as an inventory tells it.
pub(super) fn told<K: Kind>(change: Result<Change, ProviderError>) -> Heard {
    let family = Family::new(K::FAMILY);
    let scope = Scope::all(&family);
    let parts = change.map(|change| match change {
        // What cannot be read of it is told by itself, before.
        Change::All(rollouts) => vec![Part { unread: None, ..Part::whole(family, rollouts) }],
        Change::One(rollout) => vec![Part::changed(*rollout)],
        Change::Gone(id) => vec![Part::gone(id)],
        Change::Alive => Vec::new(),
        Change::Unread(parts) => vec![Part::unread(family, parts)],
    });
    Heard::of(scope, parts)
}
