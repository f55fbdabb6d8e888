//! The projects that are looked at: those that the configuration names, and those that a group was found to have.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::time::Timestamp,
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::gitlab::{Project, client::Client, group::Group, project::Watched},
};

/// All of them.
#[derive(Debug)]
pub(super) struct Roster {
    named: Vec<Arc<Watched>>,
    groups: Vec<Group>,
    found: Mutex<Vec<Arc<Watched>>>,
}

impl Roster {
    pub(super) fn new(projects: Vec<Project>) -> Self {
        let groups: Vec<Group> = projects.iter().filter_map(Group::of).collect();
        let is_one = |project: &Project| Group::of(project).is_none();
        let named = projects.into_iter().filter(is_one).map(|one| Arc::new(Watched::new(one))).collect();
        Self { named, groups, found: Mutex::default() }
    }

    fn found(&self) -> MutexGuard<'_, Vec<Arc<Watched>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each project, as far as they are known.
    pub(super) fn all(&self) -> Vec<Arc<Watched>> {
        self.named.iter().chain(self.found().iter()).cloned().collect()
    }

    /// The project of this path, if it is looked at.
    pub(super) fn get(&self, path: &str) -> Option<Arc<Watched>> {
        self.all().into_iter().find(|one| one.path() == path)
    }

    /// Is a project of this path looked at? Also before anybody has listed what its group has.
    pub(super) fn has(&self, path: &str) -> bool {
        self.named.iter().any(|one| one.path() == path) || self.groups.iter().any(|group| group.holds(path))
    }

    /// Asks the groups for what they have, where that is not known or old.
    pub(super) async fn ask(&self, client: &Client, now: Timestamp) {
        let waits = |one: &&Arc<Watched>| one.waits();
        for group in &self.groups {
            // Where something waits, it is looked at to its end.
            let keep: BTreeSet<String> = self.found().iter().filter(waits).map(|one| one.path().to_owned()).collect();
            group.ask(client, &keep, now).await;
        }
        let mut all: Vec<Arc<Watched>> = Vec::new();
        for project in self.groups.iter().flat_map(Group::projects) {
            let is_it = |one: &&Arc<Watched>| one.path() == project.path;
            if self.named.iter().chain(&all).any(|one| is_it(&one)) {
                continue;
            }
            let known = self.found().iter().find(is_it).cloned();
            all.push(known.unwrap_or_else(|| Arc::new(Watched::new(project))));
        }
        *self.found() = all;
    }

    /// The scopes: one for each project, and one for each list of them.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        self.all().iter().map(|one| one.scope()).chain(self.groups.iter().map(Group::scope)).collect()
    }

    /// What those of these scopes tell that are lists of projects.
    pub(super) fn lists(&self, scopes: &[Scope]) -> Vec<(Scope, Result<Vec<Part>, ProviderError>)> {
        let asked = self.groups.iter().filter(|one| scopes.contains(&one.scope()));
        asked.map(|one| (one.scope(), one.told())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_project_of_a_group_is_looked_at_before_anybody_has_listed_the_group() {
        let project =
            |path: &str| Project { path: path.into(), service: None, environments: BTreeMap::new(), version: None };
        let roster = Roster::new(vec![project("acme/*"), project("books/shelf")]);
        let looked_at = ["acme/site", "acme/shop/site", "books/shelf", "acme", "acme2/site", "books/till"];
        assert_eq!(looked_at.map(|path| roster.has(path)), [true, true, true, false, false, false]);
    }
}
