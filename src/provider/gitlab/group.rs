//! `acme/*`: all projects of a group and of the groups below it, or of a person, as GitLab lists them. Which they are is asked for now
//! and then; what was listed last stays known when that fails.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        item::Item,
        object::Family,
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::gitlab::{
        Project, api,
        client::{Client, Pages},
        request,
    },
};

/// What stands for every project in `acme/*`.
const EVERY: &str = "/*";
/// Projects of one group that are looked at: two questions a look.
const MOST: usize = 100;
/// How long a list counts before it is asked for again, and how long after a failure.
const KEPT: Duration = Duration::from_mins(10);
const AGAIN: Duration = Duration::from_mins(1);

/// All that a group has.
#[derive(Debug)]
pub(super) struct Group {
    /// As its projects are to be looked at.
    like: Project,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    paths: Vec<String>,
    asked: Option<Timestamp>,
    /// Why the newest attempt failed.
    fault: Option<ProviderError>,
    /// What of the list is not looked at, a sentence.
    gap: Option<String>,
}

impl Group {
    /// The group that `GROUP/*` names; `None` for a project.
    pub(super) fn of(project: &Project) -> Option<Self> {
        let path = project.path.strip_suffix(EVERY)?.to_owned();
        Some(Self { like: Project { path, ..project.clone() }, known: Mutex::default() })
    }

    /// Would a project of this path be in it, or in a group below it?
    pub(super) fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&self.like.path).is_some_and(|rest| rest.starts_with('/'))
    }

    fn about(&self) -> String {
        format!("{}{EVERY}", self.like.path)
    }

    /// The scope that the list itself is: `acme/*`.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.about())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its projects, as they were listed last.
    pub(super) fn projects(&self) -> Vec<Project> {
        self.known().paths.iter().map(|path| Project { path: path.clone(), ..self.like.clone() }).collect()
    }

    /// What the list itself tells: nothing but why it is not whole.
    pub(super) fn told(&self) -> Result<Vec<Part>, ProviderError> {
        let known = self.known();
        let gaps: Vec<String> = match &known.fault {
            Some(fault) if known.paths.is_empty() => return Err(fault.clone()),
            Some(fault) => vec![format!("{} (its projects are those that it had)", fault.text)],
            None => known.gap.iter().cloned().collect(),
        };
        let whole = |family| Part::whole(family, Vec::<Item>::new());
        Ok(vec![whole(Family::gate()), whole(Family::run()).without(gaps)])
    }

    /// Asks for the list where it is not known or old. `keep` are projects that are looked at however long nothing moved there.
    pub(super) async fn ask(&self, client: &Client, keep: &BTreeSet<String>, now: Timestamp) {
        let span = if self.known().fault.is_some() { AGAIN } else { KEPT };
        if self.known().asked.is_some_and(|at| age(now, at) < span) {
            return;
        }
        let listed = self.list(client).await;
        let mut known = self.known();
        known.asked = Some(now);
        match listed {
            Err(fault) => known.fault = Some(fault),
            Ok(Pages { all, cut }) => {
                let lost = (all.unread > 0).then(|| format!("{} of its projects cannot be read", all.unread));
                let paths: Vec<String> = all.read.into_iter().filter_map(|one| one.path_with_namespace).collect();
                let more = (paths.len() > MOST).then(|| {
                    format!("only the {MOST} of its projects are looked at in which something happened last; name others one by one")
                });
                // A name that is misspelt, or a token that may see nothing, looks like a group without anything.
                let nothing = paths
                    .is_empty()
                    .then(|| "it lists no project; check the name, and what the token may see".to_owned());
                let said = lost.or(more).or(nothing).map(|said| format!("GitLab, {}: {said}", self.about()));
                let taken = paths.into_iter().enumerate().filter(|(place, path)| *place < MOST || keep.contains(path));
                known.paths = taken.map(|(_, path)| path).collect();
                (known.fault, known.gap) = (None, cut.or(said));
            }
        }
    }

    async fn list(&self, client: &Client) -> Result<Pages<api::Listing>, ProviderError> {
        let about = self.about();
        match client.pages(&request::projects_of_a_group(&self.like.path), &about).await {
            // It may be a person.
            Err(error) if error.kind == FaultKind::Missing && !self.like.path.contains('/') => {
                client.pages(&request::projects_of_a_person(&self.like.path), &about).await
            }
            other => other,
        }
    }
}
