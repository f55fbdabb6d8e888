//! What the automations of a cluster that we follow themselves do with a change that somebody makes to what they manage: who puts it
//! back, how soon, and who is held from it. What none of them is known to manage, `gitops` warns of by its marks alone.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{api::Meta, store::Key};

/// The words of each object that manages others, by the group of the labels that name it on them.
#[derive(Debug, Default)]
pub(super) struct Keepers(Mutex<BTreeMap<&'static str, BTreeMap<Key, String>>>);

impl Keepers {
    /// These are all that name themselves by labels of this group.
    pub(super) fn tell(&self, group: &'static str, all: BTreeMap<Key, String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(group, all);
    }

    /// What is done with a change to this object, in a sentence, where whoever manages it is followed here.
    pub(super) fn of(&self, meta: &Meta) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let label = |group: &str, name: &str| meta.labels.get(&format!("{group}/{name}")).cloned();
        all.iter().find_map(|(group, all)| {
            let at = (label(group, "namespace")?, label(group, "name")?);
            all.get(&at).cloned()
        })
    }
}
