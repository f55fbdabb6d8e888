//! What is known of a repository between two looks: one that rests is not read at every turn. Pure.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::time::Timestamp;

/// What one repository has of one kind, as it was read last.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<Held<T>>);

#[derive(Debug)]
struct Held<T> {
    items: Vec<T>,
    gaps: Vec<String>,
    seen: Option<Timestamp>,
    failed: bool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(Held { items: Vec::new(), gaps: Vec::new(), seen: None, failed: false }))
    }
}

impl<T: Clone> Kept<T> {
    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was read, and what of it could not be.
    pub(super) fn saw(&self, items: Vec<T>, gaps: Vec<String>, at: Timestamp) {
        *self.held() = Held { items, gaps, seen: Some(at), failed: false };
    }

    /// The newest attempt to read it failed.
    pub(super) fn failed(&self) {
        self.held().failed = true;
    }

    /// What of it could not be read when it was read last.
    pub(super) fn gaps(&self) -> Vec<String> {
        self.held().gaps.clone()
    }

    /// Was it read whole at the newest attempt?
    pub(super) fn is_whole(&self) -> bool {
        let held = self.held();
        held.seen.is_some() && !held.failed && held.gaps.is_empty()
    }

    /// Is nothing of it known?
    pub(super) fn is_empty(&self) -> bool {
        self.held().items.is_empty()
    }

    /// When it was read last.
    pub(super) fn seen(&self) -> Option<Timestamp> {
        self.held().seen
    }

    /// Those of its items that are meant.
    pub(super) fn of(&self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.held().items.iter().filter(|item| wanted(item)).cloned().collect()
    }
}
