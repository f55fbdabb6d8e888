//! Reading a repository: its runs through the memory, what they wait for, what is live.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    domain::{
        gate::Gate,
        ids::{Person, SourceName},
        object::Family,
        observed::FaultKind,
        pipeline::Run,
        time::Timestamp,
        version::Version,
    },
    port::{error::ProviderError, inventory::Scope},
    provider::github::{
        Repository,
        address::Address,
        api,
        client::Client,
        gate::{self, Waiting},
        memory::Memory,
        normalize,
        request::{self, Wanted},
    },
};

/// Runs that are asked for one by one; each is a request.
const MOST_ABSENT: usize = 200;

/// One repository and what was seen of it.
#[derive(Debug)]
pub(super) struct Watched {
    repo: Repository,
    memory: Mutex<Memory>,
    /// What is live, by GitHub's name of the environment, as of the last list of gates.
    live: Mutex<BTreeMap<String, Version>>,
}

impl Watched {
    pub(super) fn new(repo: Repository) -> Self {
        Self { repo, memory: Mutex::default(), live: Mutex::default() }
    }

    /// The scope that it is.
    pub(super) fn scope(&self) -> Scope {
        Scope::of(&Family::run(), self.about())
    }

    /// Is this the repository of that address?
    pub(super) fn is_at(&self, at: &Address) -> bool {
        (&self.repo.owner, &self.repo.repo) == (&at.owner, &at.repo)
    }

    fn about(&self) -> String {
        format!("{}/{}", self.repo.owner, self.repo.repo)
    }

    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a list of runs into the memory, asks directly for those that matter and are absent, and gives all that is known.
    async fn poll(
        &self,
        client: &Client,
        list: Wanted,
        matter: fn(&api::Run) -> bool,
        now: Timestamp,
    ) -> Result<Vec<api::Run>, ProviderError> {
        let about = self.about();
        let runs: api::Runs = client.read(list, &about, now).await?;
        let listed: BTreeSet<_> = runs.workflow_runs.iter().filter_map(|run| run.id).collect();
        let absent = {
            let mut memory = self.memory();
            runs.workflow_runs.into_iter().for_each(|run| memory.take(run));
            memory.absent(&listed, matter)
        };
        if absent.len() > MOST_ABSENT {
            let text = format!("GitHub, {about}: {} runs are no longer listed and not known to be over", absent.len());
            return Err(ProviderError::new(FaultKind::Unreadable, text));
        }
        for id in absent {
            match client.read(request::run(&self.repo.owner, &self.repo.repo, id), &about, now).await {
                Ok(run) => self.memory().take(run),
                Err(error) if error.kind == FaultKind::Missing => self.memory().forget(id),
                Err(error) => return Err(error),
            }
        }
        Ok(self.memory().newest_first())
    }

    /// Its newest runs.
    pub(super) async fn runs(
        &self,
        client: &Client,
        source: &SourceName,
        now: Timestamp,
    ) -> Result<Vec<Run>, ProviderError> {
        let list = request::newest_runs(&self.repo.owner, &self.repo.repo);
        let runs = self.poll(client, list, |run| !normalize::over(run), now).await?;
        Ok(runs.iter().filter_map(|run| normalize::run(source, &self.repo, run, now)).collect())
    }

    /// Its gates, as `me` sees them.
    pub(super) async fn gates(
        &self,
        client: &Client,
        source: &SourceName,
        me: Option<&Person>,
        now: Timestamp,
    ) -> Result<Vec<Gate>, ProviderError> {
        let Repository { owner, repo, .. } = &self.repo;
        let runs = self.poll(client, request::waiting_runs(owner, repo), waits, now).await?;
        let mut waiting = Vec::new();
        for run in runs.iter().filter(|run| waits(run)) {
            let Some(id) = run.id else { continue };
            let pending = pending(client, (owner, repo), id, now).await?;
            waiting.push(Waiting { run: run.clone(), pending });
        }
        if waiting.iter().any(|one| one.pending.iter().any(gate::human)) {
            // Without an answer the card says that it is not known; the gates stand all the same.
            let answer = client.read(request::live(owner, repo), &self.about(), now).await;
            *self.live() = gate::live(answer.unwrap_or_default(), &runs);
        }
        Ok(gate::gates(source, &self.repo, me, &waiting))
    }

    /// What is live at an address of this repository, as far as that is known.
    pub(super) fn live_at(&self, at: &Address) -> Option<Version> {
        let here = at.owner == self.repo.owner && at.repo == self.repo.repo;
        at.environment.as_deref().filter(|_| here).and_then(|environment| self.live().get(environment).cloned())
    }
}

/// Does GitHub say that it waits? A run with the conclusion `action_required` waits, too, but for no environment.
fn waits(run: &api::Run) -> bool {
    run.status.as_deref() == Some("waiting")
}

/// What a run waits for; nothing if it was deleted since it was listed.
pub(super) async fn pending(
    client: &Client,
    (owner, repo): (&str, &str),
    run: u64,
    now: Timestamp,
) -> Result<Vec<api::Pending>, ProviderError> {
    let about = format!("{owner}/{repo} run {run}");
    match client.read(request::pending(owner, repo, run), &about, now).await {
        Ok(api::AllPending(pending)) => Ok(pending),
        Err(error) if error.kind == FaultKind::Missing => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
