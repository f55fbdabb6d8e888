//! The forge of the built-in world: GitHub Actions, as far as a release cockpit looks at it.
//!
//! Runs, jobs, logs, environments that wait for review, deployments, cancel, re-run, and the two GraphQL queries that
//! `reference` texts ship, in GitHub's own wire forms: entity tags, rate-limit headers, pages, errors. It shares no code with
//! `provider::github`: it is checked against recorded replies and GitHub's published schema, not against our own client.
//!
//! `spec` is the scenario's side, `repo` and `run` the model, `wire` the JSON, `route` and `verb` the endpoints, `door` what
//! every request must pass.

mod blueprint;
mod door;
mod given;
mod graphql;
mod log;
mod repo;
mod route;
mod run;
pub mod spec;
mod verb;
mod wire;
mod workflow;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};

pub(crate) use self::blueprint::KIND;
use crate::{
    demo::{
        github::{
            door::Door,
            repo::{Ids, Repo},
            run::{Again, Answer, Run},
            spec::{Action, BadSpec, Push, Review, RunSpec, RunnerSpec, Spec},
        },
        system::{Reply, System},
    },
    domain::time::{Timestamp, after},
};

/// GitHub.
#[derive(Debug)]
pub struct Forge {
    ids: Ids,
    repos: Vec<Repo>,
    /// Those of its organisations.
    runners: Vec<RunnerSpec>,
    /// Runs that are yet to start, by when: the repository's index, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, RunSpec)>>,
    door: Door,
    /// Sent for whoever brings no token, where the world lets them in: the real one would let them see next to nothing.
    guest: Option<HeaderValue>,
    revision: u64,
}

impl Forge {
    /// The forge as it is at `start`: runs that began before have moved on to where they are then.
    pub fn new(spec: &Spec, seed: u64, start: Timestamp) -> Result<Self, BadSpec> {
        let spec = &spec.clone().served();
        let ids = Ids::new(seed);
        let made = start.checked_sub_signed(TimeDelta::days(365)).unwrap_or(start);
        let repos: Vec<_> = spec.repos.iter().map(|r| Repo::new(r, spec, made, &ids)).collect::<Result<_, _>>()?;
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (index, (repo, plan)) in repos.iter().zip(&spec.repos).enumerate() {
            for run in &plan.runs {
                repo.workflow_in(run.workflow.as_deref())?;
                let by = run.started.by;
                let at = if run.started.before {
                    TimeDelta::from_std(by).ok().and_then(|d| start.checked_sub_signed(d)).unwrap_or(start)
                } else {
                    after(start, by)
                };
                coming.entry(at).or_default().push((index, run.clone()));
            }
        }
        let door = Door::new(spec);
        let mut forge = Self { ids, repos, runners: spec.runners.clone(), coming, door, guest: None, revision: 0 };
        forge.settle(start);
        Ok(forge)
    }

    /// Lives through what was before `start`. Of many repositories few move at once: only those are looked at.
    fn settle(&mut self, start: Timestamp) {
        let mut nexts: Vec<Option<Timestamp>> = self.repos.iter().map(Repo::next).collect();
        loop {
            let next = nexts.iter().flatten().copied().chain(self.coming.keys().next().copied()).min();
            let Some(now) = next.filter(|now| *now <= start) else { return };
            let mut moved = false;
            for index in self.begin(now) {
                moved = true;
                if let Some(next) = nexts.get_mut(index) {
                    *next = Some(now);
                }
            }
            for (repo, next) in
                self.repos.iter_mut().zip(&mut nexts).filter(|(_, next)| next.is_some_and(|at| at <= now))
            {
                moved |= repo.advance(now, &mut self.ids);
                *next = repo.next();
            }
            self.revision += u64::from(moved);
        }
    }

    /// Begins the runs that are due, and gives the places of their repositories.
    fn begin(&mut self, now: Timestamp) -> Vec<usize> {
        let mut begun = Vec::new();
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (index, spec) in due.remove() {
                let Some(repo) = self.repos.get_mut(index) else { continue };
                if let Some(run) = Run::planned(&spec, repo, at, &mut self.ids) {
                    repo.runs.push(run);
                    begun.push(index);
                }
            }
        }
        begun
    }

    /// The same for a world whose visitors need no token: whoever brings none is taken for the operator.
    pub(crate) fn letting_in(mut self, token: &str) -> Self {
        self.guest = HeaderValue::try_from(format!("Bearer {token}")).ok();
        self
    }

    /// Makes something happen that a script asks for.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), BadSpec> {
        self.revision += 1;
        match action {
            Action::Push(push) => self.push(now, push),
            Action::Review(review) => self.review(now, review),
            Action::Rerun { repo, run, by } => {
                let (repo, index) = self.numbered(repo, *run)?;
                let (Some(repo), ids) = (self.repos.get_mut(repo), &mut self.ids) else { return Ok(()) };
                let Some(run) = repo.runs.get_mut(index) else { return Ok(()) };
                run.again(now, Again::All, by, ids).map_err(|why| BadSpec::Refused(why.to_owned()))?;
                repo.advance(now, ids);
                Ok(())
            }
            Action::Cancel { repo, run } => {
                let (at, index) = self.numbered(repo, *run)?;
                let run = self.repos.get_mut(at).and_then(|repo| repo.runs.get_mut(index));
                if run.is_some_and(|run| run.cancel(now)) {
                    Ok(())
                } else {
                    Err(BadSpec::Refused(format!("a run of {repo} that has ended cannot be cancelled")))
                }
            }
        }
    }

    fn push(&mut self, now: Timestamp, push: &Push) -> Result<(), BadSpec> {
        let index = self.named(&push.repo)?;
        let (Some(repo), ids) = (self.repos.get_mut(index), &mut self.ids) else { return Ok(()) };
        let workflow = repo.workflow_in(push.workflow.as_deref())?.id;
        let Some(run) = Run::pushed(push, repo, now, ids) else { return Ok(()) };
        if push.supersedes {
            for older in repo.runs.iter_mut().filter(|run| run.workflow == workflow) {
                older.cancel(now);
            }
        }
        repo.runs.push(run);
        repo.advance(now, ids);
        Ok(())
    }

    fn review(&mut self, now: Timestamp, review: &Review) -> Result<(), BadSpec> {
        let (at, index) = self.numbered(&review.repo, review.run)?;
        let (Some(repo), ids) = (self.repos.get_mut(at), &mut self.ids) else { return Ok(()) };
        let Repo { runs, environments, deployments, .. } = repo;
        let environment = environments.iter().find(|environment| environment.name == review.environment);
        let environment =
            environment.ok_or_else(|| BadSpec::UnknownEnvironment(review.repo.clone(), review.environment.clone()))?.id;
        let answer =
            Answer { environments: &[environment], approve: review.approve, by: &review.by, comment: &review.comment };
        let run = runs.get_mut(index);
        match run.and_then(|run| run.answer(now, &answer, environments, (deployments, ids))) {
            Some(_) => Ok(()),
            None => Err(BadSpec::Refused(format!(
                "run {} of {} does not wait for {}",
                review.run, review.repo, review.environment
            ))),
        }
    }

    /// The index of a repository by its full name.
    fn named(&self, full: &str) -> Result<usize, BadSpec> {
        let found = self.repos.iter().position(|repo| repo.full_name() == full);
        found.ok_or_else(|| BadSpec::UnknownRepo(full.to_owned()))
    }

    /// The indexes of a repository and of its run with this number.
    fn numbered(&self, full: &str, number: u64) -> Result<(usize, usize), BadSpec> {
        let at = self.named(full)?;
        let run = self.repos.get(at).and_then(|repo| repo.runs.iter().rposition(|run| run.number == number));
        run.map(|run| (at, run)).ok_or_else(|| BadSpec::UnknownRun(full.to_owned(), number))
    }
}

impl System for Forge {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        // Where the logs are nobody is known by name: a token beside the signature is refused.
        let has_its_own = request.headers().contains_key(AUTHORIZATION) || log::is_one(request);
        let guest = self.guest.clone().filter(|_| !has_its_own);
        let Some(token) = guest else { return Reply::Whole(self.answer(now, request)) };
        let mut request = request.clone();
        request.headers_mut().insert(AUTHORIZATION, token);
        Reply::Whole(self.answer(now, &request))
    }

    fn next(&self) -> Option<Timestamp> {
        let moves = self.repos.iter().filter_map(Repo::next);
        moves.chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let mut moved = !self.begin(now).is_empty();
        for repo in &mut self.repos {
            moved |= repo.advance(now, &mut self.ids);
        }
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Forge {
    /// The whole way of a request: the door, the endpoint, the headers.
    fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        if let Some(log) = self.log_file(now, request) {
            return log;
        }
        let caller = match self.door.open(now, request) {
            Ok(caller) => caller,
            Err(refused) => return *refused,
        };
        let outcome = self.route(now, &caller, request);
        self.door.close(now, &caller, request, outcome)
    }
}
