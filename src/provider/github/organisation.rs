//! `acme/*`: all repositories of an organisation or a person, as GitHub lists them. Which they are is asked for now and then; what
//! was listed last stays known when that fails.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        ids::{Person, ServiceName},
        object::Family,
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::{
        error::ProviderError,
        inventory::{Part, Scope},
    },
    provider::github::{
        Repository,
        api::{self, Counted},
        client::{Client, Pages},
        request,
    },
};

/// What stands for every name in `acme/*`.
pub(super) const EVERY: &str = "*";

/// Repositories of one organisation that are looked at: the first look takes three requests for each.
const MOST: usize = 100;

/// How long a list counts before it is asked for again.
const KEPT: Duration = Duration::from_mins(10);
/// How long after a failure.
const AGAIN: Duration = Duration::from_mins(1);

/// All that an owner has.
#[derive(Debug)]
pub(super) struct Organisation {
    /// As its repositories are to be looked at; its name is [`EVERY`].
    like: Repository,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: Vec<String>,
    asked: Option<Timestamp>,
    /// Why the newest attempt failed.
    fault: Option<ProviderError>,
    /// What of the list is not looked at, a sentence.
    gap: Option<String>,
}

impl Organisation {
    pub(super) fn new(like: Repository) -> Self {
        Self { like, known: Mutex::default() }
    }

    /// The scope that the list itself is: `acme/*`.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.about())
    }

    fn about(&self) -> String {
        format!("{}/{EVERY}", self.like.owner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its repositories, as they were listed last.
    pub(super) fn repositories(&self) -> Vec<Repository> {
        let of = |name: &String| {
            let service =
                ServiceName::new(if self.like.service.as_str() == EVERY { name } else { self.like.service.as_str() });
            Repository { repo: name.clone(), service, ..self.like.clone() }
        };
        self.known().names.iter().map(of).collect()
    }

    /// What the list itself tells: nothing but why it is not whole.
    pub(super) fn told(&self) -> Result<Vec<Part>, ProviderError> {
        let known = self.known();
        let gaps: Vec<String> = match &known.fault {
            Some(fault) if known.names.is_empty() => return Err(fault.clone()),
            Some(fault) => vec![format!("{} (its repositories are those that it had)", fault.text)],
            None => known.gap.iter().cloned().collect(),
        };
        let whole = |family| Part::whole(family, Vec::<crate::domain::item::Item>::new());
        Ok(vec![whole(Family::gate()), whole(Family::run()).without(gaps)])
    }

    /// Asks for the list where it is not known or old. `keep` are names that are looked at however long nothing moved there.
    pub(super) async fn ask(&self, client: &Client, me: Option<&Person>, keep: &BTreeSet<String>, now: Timestamp) {
        let (asked, failed) = {
            let known = self.known();
            (known.asked, known.fault.is_some())
        };
        let span = if failed { AGAIN } else { KEPT };
        if asked.is_some_and(|at| age(now, at) < span) {
            return;
        }
        let listed = self.list(client, me).await;
        let mut known = self.known();
        known.asked = Some(now);
        match listed {
            Err(fault) => known.fault = Some(fault),
            Ok((names, cut)) => {
                let more = names.len() > MOST;
                let taken = names.iter().enumerate().filter(|(place, name)| *place < MOST || keep.contains(*name));
                known.names = taken.map(|(_, name)| name.clone()).collect();
                let bound = || {
                    format!(
                        "GitHub, {}: only the {MOST} that were pushed to last of its repositories are looked at; name others \
                         one by one in `repos`",
                        self.about()
                    )
                };
                // A name that is misspelt, or a token that may see nothing, looks like an owner without anything.
                let nothing = || {
                    format!(
                        "GitHub, {}: it lists no repository; check the name, and what the token may see",
                        self.about()
                    )
                };
                let gap = cut.or_else(|| more.then(bound)).or_else(|| names.is_empty().then(nothing));
                (known.fault, known.gap) = (None, gap);
            }
        }
    }

    /// The names of all that are not archived, those first that were pushed to last; and what of the list could not be read.
    async fn list(&self, client: &Client, me: Option<&Person>) -> Result<(Vec<String>, Option<String>), ProviderError> {
        let (owner, about) = (&self.like.owner, self.about());
        let size = |page: &api::Repositories| (page.0.len(), None);
        let first = client.pages(&request::repositories(owner), &about, size).await;
        let Pages { pages, cut } = match first {
            // It may be a person.
            Err(error) if error.kind == FaultKind::Missing => {
                let mine = me.is_some_and(|me| me.as_str().eq_ignore_ascii_case(owner));
                let list = if mine { request::my_repositories() } else { request::repositories_of_a_person(owner) };
                client.pages(&list, &about, size).await?
            }
            other => other?,
        };
        let mut gap = cut.map(|cut| format!("GitHub, {about}: {}", cut.said("repositories")));
        let mut names = Vec::new();
        for Counted { read, unread } in pages.into_iter().map(|page| page.0) {
            let active = read.into_iter().filter(|one| one.archived != Some(true)).filter_map(|one| one.name);
            names.extend(active.filter(|name| !name.is_empty() && !name.contains(['/', ' '])));
            if unread > 0 {
                gap.get_or_insert_with(|| format!("GitHub, {about}: {unread} of its repositories cannot be read"));
            }
        }
        Ok((names, gap))
    }
}
