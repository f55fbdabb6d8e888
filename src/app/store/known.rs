//! An inventory of a connection and its scopes: what of it was told, what failed, and what that makes of it as one.

use std::{collections::BTreeMap, time::Duration};

use super::{SourceState, state, worse};
use crate::domain::{
    ids::SourceName,
    item::Noun,
    object::Family,
    observed::{Fault, Freshness, Observed},
    time::Timestamp,
};

/// An inventory and its scopes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub(super) tells: Vec<(Family, Noun)>,
    pub(super) interval: Duration,
    /// Has it said which scopes there are?
    pub(super) discovered: bool,
    /// Why it could not, the last time.
    pub(super) fault: Option<Fault>,
    pub(super) scopes: BTreeMap<String, Observed<()>>,
    /// What of them cannot be read though the rest is, by scope and family.
    pub(super) unread: BTreeMap<(String, Family), Vec<String>>,
}

impl Known {
    pub(super) fn tells_of(&self, nouns: &[Noun]) -> bool {
        self.tells.iter().any(|(_, noun)| nouns.contains(noun))
    }

    /// Is this so of all its scopes, and are they known?
    pub(super) fn all(&self, so: impl Fn(&Observed<()>) -> bool) -> bool {
        self.discovered && self.scopes.values().all(so)
    }

    /// Its state as one: where something of it is read, that decides, and what fails of it is named beside.
    pub(super) fn state(&self, source: &SourceName, now: Timestamp) -> SourceState {
        let of = |freshness, fault| SourceState {
            source: source.clone(),
            freshness,
            age: None,
            fault,
            unread: Vec::new(),
            every: self.interval,
            budget_percent: None,
        };
        let scopes = || self.scopes.iter().map(|(name, seen)| (name, seen, state(seen, now)));
        let fails = |state: &SourceState| state.freshness == Freshness::Failing;
        let all_fail = scopes().all(|(_, _, state)| fails(&state));
        let counting = scopes().map(|(_, _, state)| state).filter(|state| all_fail || !fails(state));
        let worst = counting.reduce(|worst, one| if worse(&one, &worst) { one } else { worst });
        let Some(worst) = worst.filter(|_| self.discovered || self.fault.is_none()) else {
            let nothing = if self.discovered { Freshness::Live } else { Freshness::Never };
            let state = of(self.fault.as_ref().map_or(nothing, |_| Freshness::Failing), self.fault.clone());
            return SourceState { unread: self.unread(), ..state };
        };
        SourceState { unread: self.unread(), ..worst }
    }

    /// What it could not read while something of it was read.
    pub(super) fn unread(&self) -> Vec<String> {
        if self.discovered && self.scopes.is_empty() {
            return vec!["it looks at nothing, for the configuration names nothing there".to_owned()];
        }
        let whole = self.scopes.values().any(|seen| seen.last_error.is_none());
        let failing = self.scopes.iter().filter(|_| whole).filter_map(|(name, seen)| {
            let fault = seen.last_error.as_ref()?;
            // Most say themselves what could not be read.
            let said = fault.text.contains(name.as_str());
            Some(if said { fault.to_string() } else { format!("{name}: {fault}") })
        });
        failing.chain(self.unread.values().flatten().cloned()).collect()
    }
}
