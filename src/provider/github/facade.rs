//! The facets: gates, pipelines, and what the executor asks. Glue between the client and the pure parts.

use std::sync::{Mutex, PoisonError};

use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::{
    domain::{
        gate::Gate,
        ids::{Person, SourceName},
        object::ObjectId,
        observed::FaultKind,
        pipeline::{Job, Run},
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer, Gates, Pipelines},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{self, Checked, Shape},
        wire::Class,
    },
    provider::github::{
        Repository,
        address::Address,
        api,
        client::Client,
        draft, fact as own,
        fault::{self, Asked},
        gate, log, normalize,
        poll::{Watched, pending},
        request::{self, Wanted},
    },
};

/// Repositories that are read at the same time: GitHub asks for few.
const AT_ONCE: usize = 4;

/// Whose token it is, as far as that was found out.
#[derive(Clone, Debug)]
enum Me {
    NotAsked,
    /// An app's token has no person.
    Nobody,
    Is(Person),
}

/// A connection to GitHub.
#[derive(Debug)]
pub(super) struct GitHub {
    source: SourceName,
    client: Client,
    watched: Vec<Watched>,
    clock: SharedClock,
    me: Mutex<Me>,
}

impl GitHub {
    pub(super) fn new(source: SourceName, client: Client, repos: Vec<Repository>, clock: SharedClock) -> Self {
        let watched = repos.into_iter().map(Watched::new).collect();
        Self { source, client, watched, clock, me: Mutex::new(Me::NotAsked) }
    }

    fn known(&self) -> Me {
        self.me.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn me(&self) -> Option<Person> {
        match self.known() {
            Me::Is(person) => Some(person),
            Me::NotAsked | Me::Nobody => None,
        }
    }

    /// A draft whose calls will pass when they are sent.
    fn checked(&self, draft: Draft, ask: &Ask) -> Result<Draft, Blocked> {
        let shapes = self.shapes(&ask.target, ask.verb);
        let checked = shape::check_all(&draft.calls, ask.verb, &ask.target, &shapes);
        checked.map(|()| draft).map_err(|forged| Blocked(forged.to_string()))
    }

    /// Finds out, once, whose token it is.
    async fn ask_who(&self) -> Result<Option<Person>, ProviderError> {
        if let Me::NotAsked = self.known() {
            let found = match self.client.read::<api::Account>(request::user(), "the token", self.clock.now()).await {
                Ok(account) => account.login.map_or(Me::Nobody, |login| Me::Is(Person::new(login))),
                Err(error) if error.kind == FaultKind::Forbidden => Me::Nobody,
                Err(error) => return Err(error),
            };
            *self.me.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
        Ok(self.me())
    }
}

impl Actor for GitHub {
    fn read<'a>(&'a self, target: &'a ObjectId) -> Answer<'a, Reading> {
        async move {
            let Address { owner, repo, run, environment } = Address::of(target)?;
            let about = format!("{owner}/{repo} run {run}");
            let wire: api::Run = self.client.read(request::run(&owner, &repo, run), &about, self.clock.now()).await?;
            let mut facts = gate::facts(&wire);
            if let Some(environment) = environment {
                let pending = pending(&self.client, (&owner, &repo), run, self.clock.now()).await?;
                facts.extend(
                    gate::pending_id(&pending, &environment).map(|id| (own::PENDING.to_owned(), id.to_string())),
                );
            }
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn shapes(&self, target: &ObjectId, verb: Verb) -> Vec<Shape> {
        let ours = Address::of(target).is_ok_and(|at| self.watched.iter().any(|watched| watched.is_at(&at)));
        if ours { draft::shapes(target, verb) } else { Vec::new() }
    }

    fn send<'a>(&'a self, call: Checked<'a>, _: Option<&'a str>) -> Answer<'a, Sent> {
        async move {
            let call = call.call();
            let answer = self.client.send(Wanted::call(call)?, &call.words).await?;
            if answer.status.is_success() {
                return Ok(Sent { revision: None, said: answer.status.to_string() });
            }
            Err(fault::answered(&answer, Asked { about: &call.words, class: Class::Write, now: self.clock.now() }))
        }
        .boxed()
    }
}

impl Pipelines for GitHub {
    fn list(&self) -> Answer<'_, Vec<Run>> {
        let all: Vec<_> =
            self.watched.iter().map(|watched| watched.runs(&self.client, &self.source, self.clock.now())).collect();
        stream::iter(all).buffered(AT_ONCE).try_concat().boxed()
    }

    fn jobs<'a>(&'a self, run: &'a ObjectId) -> Answer<'a, Vec<Job>> {
        async move {
            let Address { owner, repo, run, .. } = Address::of(run)?;
            let about = format!("{owner}/{repo} run {run}");
            let jobs: api::Jobs = self.client.read(request::jobs(&owner, &repo, run), &about, self.clock.now()).await?;
            Ok(jobs.jobs.iter().filter_map(normalize::job).collect())
        }
        .boxed()
    }

    fn log<'a>(&'a self, run: &'a ObjectId, job: &'a str, most: usize) -> Answer<'a, Vec<String>> {
        log::last_lines(&self.client, run, job, most, self.clock.now()).boxed()
    }

    fn draft(&self, run: &Run, ask: &Ask) -> Result<Draft, Blocked> {
        self.checked(draft::run(run, ask)?, ask)
    }
}

impl Gates for GitHub {
    fn list(&self) -> Answer<'_, Vec<Gate>> {
        async move {
            let me = self.ask_who().await?;
            let all: Vec<_> = self
                .watched
                .iter()
                .map(|watched| watched.gates(&self.client, &self.source, me.as_ref(), self.clock.now()))
                .collect();
            stream::iter(all).buffered(AT_ONCE).try_concat().await
        }
        .boxed()
    }

    fn draft(&self, gate: &Gate, ask: &Ask) -> Result<Draft, Blocked> {
        let at = Address::parse(&gate.id);
        let live = at.and_then(|at| self.watched.iter().find_map(|watched| watched.live_at(&at)));
        self.checked(draft::gate(gate, ask, self.me().as_ref(), live)?, ask)
    }
}
