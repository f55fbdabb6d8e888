//! The sources that keep lines or images and tell of nothing by themselves. That they answer is all that is known of them here: what they
//! answer is with whoever asked.

use std::{collections::BTreeMap, time::Duration};

use super::SourceInfo;
use crate::{
    domain::{
        ids::SourceName,
        observed::{Fault, Observed},
        time::{Timestamp, age},
    },
    port::lookup::Topic,
};

/// How often one proves that it is alive while nobody asks it anything.
const PROOF: Duration = Duration::from_secs(30);

/// Does it keep lines, or images?
fn keeps(info: &SourceInfo) -> bool {
    info.answers.contains(&Topic::Lines) || info.answers.contains(&Topic::Image)
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Keepers {
    seen: BTreeMap<SourceName, Observed<()>>,
}

impl Keepers {
    /// Takes a source, where it is one.
    pub(super) fn add(&mut self, info: &SourceInfo) {
        if info.inventories.is_empty() && keeps(info) && !info.measures() {
            let interval = info.interval.max(PROOF);
            self.seen.insert(info.name.clone(), Observed::never(info.name.clone(), interval));
        }
    }

    /// Takes that one answered, or why not.
    pub(super) fn take(&mut self, source: &SourceName, at: Timestamp, told: Result<(), Fault>) {
        let Some(seen) = self.seen.get_mut(source) else { return };
        match told {
            Ok(()) => seen.saw(at, ()),
            Err(fault) => seen.failed(fault),
        }
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = &Observed<()>> {
        self.seen.values()
    }

    /// Those that have not proven for a while that they are alive.
    pub(super) fn silent(&self, now: Timestamp) -> impl Iterator<Item = &SourceName> {
        let is_due = move |seen: &Observed<()>| seen.observed_at.is_none_or(|at| age(now, at) >= seen.interval);
        self.seen.iter().filter(move |(_, seen)| is_due(seen)).map(|(name, _)| name)
    }
}
