//! Which objects are defined by others of another kind: a Deployment that an Argo Rollout takes its pods from is no rollout of
//! its own. Whoever defines others says so; whoever may be defined waits for that word and hears of every change.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::{request::Resource, store::Key};

/// The objects that are claimed; `None` until it was said for the first time.
type Claimed = Option<BTreeSet<(Resource, Key)>>;

/// What is claimed on one cluster.
#[derive(Debug)]
pub(super) struct Claims(watch::Sender<Claimed>);

impl Default for Claims {
    fn default() -> Self {
        Self(watch::Sender::new(Some(BTreeSet::new())))
    }
}

impl Claims {
    /// Somebody will say what is claimed.
    pub(super) fn expect(&self) {
        self.0.send_replace(None);
    }

    /// These are claimed, and no others.
    pub(super) fn tell(&self, claimed: BTreeSet<(Resource, Key)>) {
        self.0.send_if_modified(|known| {
            let changed = known.as_ref() != Some(&claimed);
            if changed {
                *known = Some(claimed);
            }
            changed
        });
    }

    /// Nothing can be said of what is claimed: nobody is to wait for it.
    pub(super) fn give_up(&self) {
        self.0.send_if_modified(|known| {
            let silent = known.is_none();
            known.get_or_insert_default();
            silent
        });
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(super) fn is_claimed(&self, resource: Resource, key: &Key) -> bool {
        self.0.borrow().as_ref().is_some_and(|claimed| claimed.contains(&(resource, key.clone())))
    }

    /// The claimed objects of a kind.
    pub(super) fn of(&self, resource: Resource) -> BTreeSet<Key> {
        let known = self.0.borrow();
        known.iter().flatten().filter(|(kind, _)| *kind == resource).map(|(_, key)| key.clone()).collect()
    }

    /// Wakes on every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<Claimed> {
        self.0.subscribe()
    }
}
