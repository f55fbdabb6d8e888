//! What an earlier process saw last, to be shown at once while nothing has been read yet. It is old news, whatever its age: nothing may
//! act, judge or decide on it.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{ids::SourceName, item::Item, time::Timestamp},
    port::inventory::Scope,
};

/// Objects of one scope, as they were when they were last confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedScope {
    /// Through which connection.
    pub source: SourceName,
    /// Of which of its scopes.
    pub scope: Scope,
    /// When what it has was last confirmed.
    pub at: Timestamp,
    /// What it had.
    pub items: Vec<Item>,
}
