//! Which objects are defined by others of another kind: a Deployment that an Argo Rollout takes its pods from is no rollout of
//! its own. Whoever defines others says so; whoever may be defined waits for that word and hears of every change.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::{request::Resource, store::Key};

/// What each engine claims, by its name in sentences; `None` until it said so for the first time.
type Claimed = BTreeMap<&'static str, Option<BTreeSet<(Resource, Key)>>>;

/// What is claimed on one cluster.
#[derive(Debug)]
pub(super) struct Claims(watch::Sender<Claimed>);

impl Default for Claims {
    fn default() -> Self {
        Self(watch::Sender::new(Claimed::new()))
    }
}

impl Claims {
    /// This engine will say what it claims.
    pub(super) fn expect(&self, engine: &'static str) {
        self.0.send_modify(|all| {
            all.insert(engine, None);
        });
    }

    /// This engine claims these, and no others.
    pub(super) fn tell(&self, engine: &'static str, claimed: BTreeSet<(Resource, Key)>) {
        self.0.send_if_modified(|all| {
            let known = all.entry(engine).or_default();
            let changed = known.as_ref() != Some(&claimed);
            if changed {
                *known = Some(claimed);
            }
            changed
        });
    }

    /// Nothing can be said of what this engine claims: nobody is to wait for it.
    pub(super) fn give_up(&self, engine: &'static str) {
        self.0.send_if_modified(|all| {
            let known = all.entry(engine).or_default();
            let silent = known.is_none();
            known.get_or_insert_default();
            silent
        });
    }

    /// Has every engine but this one said what it claims?
    pub(super) fn are_known_to(&self, engine: &str) -> bool {
        self.0.borrow().iter().all(|(whose, claimed)| *whose == engine || claimed.is_some())
    }

    /// Does another engine than this one claim it?
    pub(super) fn has_claimed(&self, engine: &str, resource: Resource, key: &Key) -> bool {
        let all = self.0.borrow();
        let mut others = all.iter().filter(|(whose, _)| **whose != engine).filter_map(|(_, claimed)| claimed.as_ref());
        others.any(|claimed| claimed.contains(&(resource, key.clone())))
    }

    /// The objects of a kind that other engines than this one claim.
    pub(super) fn of_others(&self, engine: &str, resource: Resource) -> BTreeSet<Key> {
        let all = self.0.borrow();
        let others =
            all.iter().filter(|(whose, _)| **whose != engine).flat_map(|(_, claimed)| claimed.iter().flatten());
        others.filter(|(kind, _)| *kind == resource).map(|(_, key)| key.clone()).collect()
    }

    /// Wakes on every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<Claimed> {
        self.0.subscribe()
    }
}
