//! The repositories that are looked at: those that the configuration names, and those that an organisation was found to have.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::{ids::Person, time::Timestamp, version::Version},
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::github::{
        Repository,
        address::Address,
        client::Client,
        organisation::{EVERY, Organisation},
        poll::Watched,
    },
};

/// All of them.
#[derive(Debug)]
pub(super) struct Roster {
    named: Vec<Arc<Watched>>,
    organisations: Vec<Organisation>,
    found: Mutex<Vec<Arc<Watched>>>,
}

impl Roster {
    pub(super) fn new(repos: Vec<Repository>) -> Self {
        let (every, named): (Vec<_>, Vec<_>) = repos.into_iter().partition(|one| one.repo == EVERY);
        let named = named.into_iter().map(|one| Arc::new(Watched::new(one))).collect();
        Self { named, organisations: every.into_iter().map(Organisation::new).collect(), found: Mutex::default() }
    }

    fn found(&self) -> MutexGuard<'_, Vec<Arc<Watched>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each repository, as far as they are known.
    pub(super) fn all(&self) -> Vec<Arc<Watched>> {
        self.named.iter().chain(self.found().iter()).cloned().collect()
    }

    /// Must GitHub be asked which they are?
    pub(super) fn has_organisations(&self) -> bool {
        !self.organisations.is_empty()
    }

    /// Asks the organisations for what they have, where that is not known or old.
    pub(super) async fn ask(&self, client: &Client, me: Option<&Person>, now: Timestamp) {
        for organisation in &self.organisations {
            // Where something waits, it is looked at to its end.
            let waits = |one: &&Arc<Watched>| !one.known_gates().is_empty();
            let keep: BTreeSet<String> = self.found().iter().filter(waits).map(|one| one.name().1.to_owned()).collect();
            organisation.ask(client, me, &keep, now).await;
        }
        let mut all: Vec<Arc<Watched>> = Vec::new();
        for repository in self.organisations.iter().flat_map(Organisation::repositories) {
            let is_it = |one: &&Arc<Watched>| one.is(&repository.owner, &repository.repo);
            if self.named.iter().chain(&all).any(|one| is_it(&one)) {
                continue;
            }
            let known = self.found().iter().find(is_it).cloned();
            all.push(known.unwrap_or_else(|| Arc::new(Watched::new(repository))));
        }
        *self.found() = all;
    }

    /// The scopes: one for each repository, and one for each list of them.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let lists = self.organisations.iter().map(Organisation::scope);
        self.all().iter().map(|one| one.scope()).chain(lists).collect()
    }

    /// What those of these scopes tell that are lists of repositories.
    pub(super) fn lists(&self, scopes: &[Scope]) -> Vec<(Scope, Result<Vec<Part>, ProviderError>)> {
        let asked = self.organisations.iter().filter(|one| scopes.contains(&one.scope()));
        asked.map(|one| (one.scope(), one.told())).collect()
    }

    /// Is this one of them?
    pub(super) fn has(&self, at: &Address) -> bool {
        self.all().iter().any(|one| one.is_at(at))
    }

    /// What is live at an address, as far as that is known.
    pub(super) fn live_at(&self, at: &Address) -> Option<Version> {
        self.all().iter().find_map(|one| one.live_at(at))
    }
}
