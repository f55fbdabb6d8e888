//! The facets: gates, pipelines, and what the executor asks. Glue between the client and the pure parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use http::{StatusCode, header};

use crate::{
    domain::{
        gate::Gate,
        ids::{Person, RunId, SourceName},
        observed::FaultKind,
        pipeline::{Job, Run, RunStatus},
        version::Version,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Actor, Answer, Gates, Pipelines},
        plan::{Ask, Blocked, Draft, Reading, Sent, Target, WireCall},
        wire::Class,
    },
    provider::github::{
        Repository,
        address::Address,
        api,
        client::Client,
        draft, fact as own,
        fault::{self, Asked},
        gate::{self, Waiting},
        log,
        memory::Memory,
        normalize,
        request::{self, Wanted},
    },
};

/// Repositories that are read at the same time: GitHub asks for few.
const AT_ONCE: usize = 4;

/// One repository and what was seen of it.
#[derive(Debug)]
struct Watched {
    repo: Repository,
    memory: Mutex<Memory>,
    /// What is live, by GitHub's name of the environment, as of the last list of gates.
    live: Mutex<BTreeMap<String, Version>>,
}

impl Watched {
    fn about(&self) -> String {
        format!("{}/{}", self.repo.owner, self.repo.repo)
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
        let watched =
            repos.into_iter().map(|repo| Watched { repo, memory: Mutex::default(), live: Mutex::default() }).collect();
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

    /// Reads a list of runs into the memory, asks directly for those that matter and are absent, and gives all that is known.
    async fn poll(
        &self,
        watched: &Watched,
        list: Wanted,
        matter: fn(RunStatus) -> bool,
    ) -> Result<Vec<api::Run>, ProviderError> {
        let about = watched.about();
        let runs: api::Runs = self.client.read(list, &about, self.clock.now()).await?;
        let listed: BTreeSet<_> = runs.workflow_runs.iter().filter_map(|run| run.id).collect();
        let absent = {
            let mut memory = watched.memory();
            runs.workflow_runs.into_iter().for_each(|run| memory.take(run));
            memory.absent(&listed, matter)
        };
        for id in absent {
            match self
                .client
                .read(request::run(&watched.repo.owner, &watched.repo.repo, id), &about, self.clock.now())
                .await
            {
                Ok(run) => watched.memory().take(run),
                Err(error) if error.kind == FaultKind::Missing => watched.memory().forget(id),
                Err(error) => return Err(error),
            }
        }
        Ok(watched.memory().newest_first())
    }

    async fn runs_of(&self, watched: &Watched) -> Result<Vec<Run>, ProviderError> {
        let Repository { owner, repo, .. } = &watched.repo;
        let runs = self.poll(watched, request::newest_runs(owner, repo), |status| !status.ended()).await?;
        let now = self.clock.now();
        Ok(runs.iter().filter_map(|run| normalize::run(&self.source, &watched.repo, run, now)).collect())
    }

    async fn gates_of(&self, watched: &Watched, me: Option<&Person>) -> Result<Vec<Gate>, ProviderError> {
        let Repository { owner, repo, .. } = &watched.repo;
        let waits = |status| status == RunStatus::Waiting;
        let mut waiting = Vec::new();
        let runs = self.poll(watched, request::waiting_runs(owner, repo), waits).await?;
        for run in &runs {
            let Some(id) = run.id.filter(|_| waits(normalize::status_of(run))) else { continue };
            let pending = self.pending(owner, repo, id).await?;
            waiting.push(Waiting { run: run.clone(), pending });
        }
        if waiting.iter().any(|one| one.pending.iter().any(gate::human)) {
            // Without an answer the card says that it is not known; the gates stand all the same.
            let answer = self.client.read(request::live(owner, repo), &watched.about(), self.clock.now()).await;
            *watched.live() = gate::live(answer.unwrap_or_default(), &runs);
        }
        Ok(gate::gates(&self.source, &watched.repo, me, &waiting))
    }

    async fn pending(&self, owner: &str, repo: &str, run: u64) -> Result<Vec<api::Pending>, ProviderError> {
        let about = format!("{owner}/{repo} run {run}");
        match self.client.read(request::pending(owner, repo, run), &about, self.clock.now()).await {
            Ok(api::AllPending(pending)) => Ok(pending),
            // It was deleted since it was listed.
            Err(error) if error.kind == FaultKind::Missing => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn tail(&self, run: &RunId, job: &str, most: usize) -> Result<Vec<String>, ProviderError> {
        let Address { owner, repo, run, .. } = Address::of_run(run)?;
        let about = format!("{owner}/{repo} run {run}, log of job {job}");
        let id =
            job.parse().map_err(|_| ProviderError::new(FaultKind::Missing, format!("'{job}' is no job of GitHub")))?;
        let wanted = request::log(&owner, &repo, id);
        let path = wanted.path.clone();
        let mut answer = self.client.send(wanted, &about).await?;
        if answer.status.is_success() {
            // The transport followed the redirect by itself.
            let mut tail = log::Tail::new(most);
            tail.take(&answer.body);
            return Ok(tail.lines());
        }
        let location = answer.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
        let to = location.filter(|_| answer.status.is_redirection()).and_then(|to| log::redirected(&path, to));
        if let Some(to) = to {
            let (head, body) = self.client.elsewhere(to, &about).await?.into_parts();
            if head.status.is_success() {
                return log::tail(body, most).await.map_err(|e| fault::unanswered(&e, &about));
            }
            answer.status = head.status;
        }
        if answer.status == StatusCode::NOT_FOUND {
            let text = format!("GitHub, {about}: no log; there is one once the job has ended, and until it expires");
            return Err(ProviderError::new(FaultKind::Missing, text));
        }
        Err(fault::answered(&answer, Asked { about: &about, class: Class::Read, now: self.clock.now() }))
    }
}

impl Actor for GitHub {
    fn read<'a>(&'a self, target: &'a Target) -> Answer<'a, Reading> {
        async move {
            let Address { owner, repo, run, environment } = Address::of(target)?;
            let about = format!("{owner}/{repo} run {run}");
            let wire: api::Run = self.client.read(request::run(&owner, &repo, run), &about, self.clock.now()).await?;
            let mut facts = gate::facts(&wire);
            if let Some(environment) = environment {
                let pending = self.pending(&owner, &repo, run).await?;
                facts.extend(
                    gate::pending_id(&pending, &environment).map(|id| (own::PENDING.to_owned(), id.to_string())),
                );
            }
            Ok(Reading { facts, revision: None })
        }
        .boxed()
    }

    fn send<'a>(&'a self, call: &'a WireCall, _: Option<&'a str>) -> Answer<'a, Sent> {
        async move {
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
        let all: Vec<_> = self.watched.iter().map(|watched| self.runs_of(watched)).collect();
        stream::iter(all).buffered(AT_ONCE).try_concat().boxed()
    }

    fn jobs<'a>(&'a self, run: &'a RunId) -> Answer<'a, Vec<Job>> {
        async move {
            let Address { owner, repo, run, .. } = Address::of_run(run)?;
            let about = format!("{owner}/{repo} run {run}");
            let jobs: api::Jobs = self.client.read(request::jobs(&owner, &repo, run), &about, self.clock.now()).await?;
            Ok(jobs.jobs.iter().filter_map(normalize::job).collect())
        }
        .boxed()
    }

    fn log<'a>(&'a self, run: &'a RunId, job: &'a str, most: usize) -> Answer<'a, Vec<String>> {
        self.tail(run, job, most).boxed()
    }

    fn draft(&self, run: &Run, ask: &Ask) -> Result<Draft, Blocked> {
        draft::run(run, ask)
    }
}

impl Gates for GitHub {
    fn list(&self) -> Answer<'_, Vec<Gate>> {
        async move {
            let me = self.ask_who().await?;
            let all: Vec<_> = self.watched.iter().map(|watched| self.gates_of(watched, me.as_ref())).collect();
            stream::iter(all).buffered(AT_ONCE).try_concat().await
        }
        .boxed()
    }

    fn draft(&self, gate: &Gate, ask: &Ask) -> Result<Draft, Blocked> {
        let live = Address::parse(&gate.id.path).and_then(|at| {
            let watched = self.watched.iter().find(|w| w.repo.owner == at.owner && w.repo.repo == at.repo)?;
            watched.live().get(at.environment.as_deref()?).cloned()
        });
        draft::gate(gate, ask, self.me().as_ref(), live)
    }
}
