//! The facets: gates, pipelines, and what the executor asks. Glue between the client and the pure parts.

use std::sync::{Mutex, PoisonError};

use futures::{
    FutureExt, StreamExt,
    future::ready,
    stream::{self, BoxStream},
};

use crate::{
    domain::{
        ids::{Person, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::FaultKind,
        pipeline::Job,
        verb::Verb,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer, Pipelines},
        inventory::{Inventory, Part, Scope, Told},
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

impl GitHub {
    /// Everything that a repository has.
    async fn look(&self, watched: &Watched) -> Result<Vec<Part>, ProviderError> {
        let me = self.ask_who().await?;
        let now = self.clock.now();
        let runs = watched.runs(&self.client, &self.source, now).await?;
        let gates = watched.gates(&self.client, &self.source, me.as_ref(), now).await?;
        Ok(vec![Part::whole(Family::run(), runs), Part::whole(Family::gate(), gates)])
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

impl Inventory for GitHub {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::run(), Noun::Run), (Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        ready(Ok(self.watched.iter().map(Watched::scope).collect())).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Told> {
        let wanted = self.watched.iter().filter(move |watched| scopes.contains(&watched.scope()));
        let told =
            move |watched| async move { Told { scope: Watched::scope(watched), parts: self.look(watched).await } };
        stream::iter(wanted).map(told).buffered(AT_ONCE).boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        // It is read again and again anyway.
        ready(Ok(())).boxed()
    }

    fn draft(&self, item: &Item, ask: &Ask) -> Result<Draft, Blocked> {
        match item {
            Item::Run(run) => self.checked(draft::run(run, ask)?, ask),
            Item::Gate(gate) => {
                let at = Address::parse(&gate.id);
                let live = at.and_then(|at| self.watched.iter().find_map(|watched| watched.live_at(&at)));
                self.checked(draft::gate(gate, ask, self.me().as_ref(), live)?, ask)
            }
            Item::Rollout(rollout) => Err(Blocked(format!("{} is nothing on GitHub", rollout.id))),
        }
    }
}

impl Pipelines for GitHub {
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
}
