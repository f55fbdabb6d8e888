//! How a run moves by itself: jobs one after the other, each queued, perhaps waiting for its environment, running, done.
//!
//! Here is the small model of GitHub Actions. It knows times and people, and nothing of HTTP or JSON.

use std::time::Duration;

use crate::demo::{past::paced, rest::fnv};
use crate::{
    demo::github::{
        repo::{Deployment, Deployments, Environment, Ids, Repo},
        spec::{JobSpec, Push, RunSpec},
    },
    domain::time::{Timestamp, after},
};

/// So many seconds a job waits that no runner takes.
const FOR_EVER: u64 = 400 * 24 * 3600;
/// A job that nobody reviewed fails after this long.
const UNREVIEWED: Duration = Duration::from_hours(30 * 24);
/// A run can be started again for this long.
const RERUNNABLE: Duration = Duration::from_hours(30 * 24);
/// How long a run takes to notice that it was cancelled.
const CANCELLING: Duration = Duration::from_secs(4);

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The job before it has not ended: GitHub does not list it yet.
    Blocked,
    /// Its environment is protected.
    Waiting { since: Timestamp, approved: bool },
    /// Waits for a machine, and gets one at `until`.
    Queued { since: Timestamp, until: Timestamp },
    /// Runs.
    Running { since: Timestamp, until: Timestamp },
    /// Ended.
    Done { since: Timestamp, at: Timestamp, conclusion: &'static str },
}

/// One job of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) plan: JobSpec,
    /// When it was first listed.
    pub(super) created: Timestamp,
    pub(super) stage: Stage,
    pub(super) deployment: Option<u64>,
    /// The attempt that it ran in.
    pub(super) attempt: u32,
}

/// One attempt of a run.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) started: Timestamp,
    pub(super) by: String,
    pub(super) updated: Timestamp,
    pub(super) jobs: Vec<Job>,
    /// It begins only once somebody lets it.
    unapproved: bool,
}

/// An answer that somebody gave for environments of a run.
#[derive(Clone, Debug)]
pub(super) struct Reviewed {
    pub(super) approved: bool,
    pub(super) comment: String,
    pub(super) by: String,
    /// Ids of the environments.
    pub(super) environments: Vec<u64>,
}

/// One run of a workflow.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) number: u64,
    /// Id of its workflow.
    pub(super) workflow: u64,
    pub(super) title: String,
    pub(super) branch: Option<String>,
    pub(super) commit: String,
    pub(super) actor: String,
    /// Of a pull request of somebody new.
    pub(super) fork: bool,
    pub(super) created: Timestamp,
    pub(super) current: Attempt,
    /// Oldest first.
    pub(super) past: Vec<Attempt>,
    pub(super) reviews: Vec<Reviewed>,
    cancelled_at: Option<Timestamp>,
    /// When somebody starts again what failed.
    again_at: Option<Timestamp>,
}

/// Which jobs run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    All,
    Failed,
    Job(u64),
}

/// An answer for environments that wait.
pub(super) struct Answer<'a> {
    pub(super) environments: &'a [u64],
    pub(super) approve: bool,
    pub(super) by: &'a str,
    pub(super) comment: &'a str,
}

/// How the jobs before one ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Good,
    Bad,
    Unfinished,
}

/// What a job needs to know of its run to make a deployment.
struct Of<'a> {
    run: u64,
    sha: &'a str,
    reference: &'a str,
    creator: &'a str,
}

impl Job {
    fn new(plan: &JobSpec, at: Timestamp, attempt: u32, ids: &mut Ids) -> Self {
        Self { id: ids.fresh(), plan: plan.clone(), created: at, stage: Stage::Blocked, deployment: None, attempt }
    }

    pub(super) fn conclusion(&self) -> Option<&'static str> {
        match self.stage {
            Stage::Done { conclusion, .. } => Some(conclusion),
            _ => None,
        }
    }

    fn environment<'a>(&self, all: &'a [Environment]) -> Option<&'a Environment> {
        let name = self.plan.environment.as_ref()?;
        all.iter().find(|environment| environment.name == *name)
    }

    /// The environment it waits for.
    pub(super) fn waits_for<'a>(&self, all: &'a [Environment]) -> Option<&'a Environment> {
        matches!(self.stage, Stage::Waiting { .. }).then(|| self.environment(all)).flatten()
    }

    fn next(&self, all: &[Environment]) -> Option<Timestamp> {
        match self.stage {
            Stage::Waiting { since, approved } => Some(self.opens(since, approved, all).1),
            Stage::Queued { until, .. } | Stage::Running { until, .. } => Some(until),
            Stage::Blocked | Stage::Done { .. } => None,
        }
    }

    /// Does a waiting job go on by itself (else it fails), and when?
    fn opens(&self, since: Timestamp, approved: bool, all: &[Environment]) -> (bool, Timestamp) {
        match self.environment(all) {
            Some(environment) if approved || environment.reviewers.is_empty() => {
                (true, after(since, Duration::from_secs(60 * u64::from(environment.wait_timer))))
            }
            Some(_) => (false, after(since, UNREVIEWED)),
            None => (true, since),
        }
    }

    fn queue(&mut self, now: Timestamp, deployments: &mut Deployments, ids: &mut Ids) {
        // Three to eight seconds until a machine is free.
        let delay = if self.plan.unserved { FOR_EVER } else { 3 + fnv(self.id, [self.plan.name.as_str()]) % 6 };
        self.stage = Stage::Queued { since: now, until: after(now, Duration::from_secs(delay)) };
        self.say("queued", now, deployments, ids);
    }

    fn say(&self, state: &'static str, now: Timestamp, deployments: &mut Deployments, ids: &mut Ids) {
        if let Some(id) = self.deployment {
            deployments.say(id, state, now, ids);
        }
    }

    fn end(&mut self, conclusion: &'static str, now: Timestamp, deployments: &mut Deployments, ids: &mut Ids) {
        let since = match self.stage {
            Stage::Running { since, .. } => since,
            _ => now,
        };
        self.stage = Stage::Done { since, at: now, conclusion };
        self.say(if conclusion == "success" { "success" } else { "failure" }, now, deployments, ids);
    }

    /// Its turn has come: makes the deployment and queues it, or lets it wait.
    fn enter(&mut self, now: Timestamp, of: &Of<'_>, all: &[Environment], site: (&mut Deployments, &mut Ids)) {
        let (deployments, ids) = site;
        self.created = now;
        let Some(environment) = self.environment(all) else {
            return self.queue(now, deployments, ids);
        };
        let id = ids.fresh();
        self.deployment = Some(id);
        deployments.0.push(Deployment {
            id,
            run: of.run,
            job: self.id,
            environment: environment.name.clone(),
            sha: of.sha.to_owned(),
            reference: of.reference.to_owned(),
            creator: of.creator.to_owned(),
            created: now,
            statuses: Vec::new(),
        });
        if environment.protected() {
            self.stage = Stage::Waiting { since: now, approved: false };
            self.say("waiting", now, deployments, ids);
        } else {
            self.queue(now, deployments, ids);
        }
    }

    /// Moves it if it is due; true when it moved.
    fn advance(
        &mut self,
        now: Timestamp,
        before: Before,
        of: &Of<'_>,
        all: &[Environment],
        site: (&mut Deployments, &mut Ids),
    ) -> bool {
        let (deployments, ids) = site;
        match self.stage {
            Stage::Blocked if before == Before::Good => self.enter(now, of, all, (deployments, ids)),
            Stage::Blocked if before == Before::Bad => self.end("skipped", now, deployments, ids),
            Stage::Waiting { since, approved } => match self.opens(since, approved, all) {
                (_, at) if at > now => return false,
                (true, _) => self.queue(now, deployments, ids),
                (false, _) => self.end("failure", now, deployments, ids),
            },
            Stage::Queued { until, .. } if until <= now => {
                self.stage = Stage::Running { since: now, until: after(now, self.plan.takes) };
                self.say("in_progress", now, deployments, ids);
            }
            Stage::Running { until, .. } if until <= now => {
                let fails = self.plan.fails >= self.attempt;
                self.end(if fails { "failure" } else { "success" }, now, deployments, ids);
            }
            _ => return false,
        }
        true
    }
}

impl Attempt {
    fn new(number: u32, started: Timestamp, by: &str, jobs: Vec<Job>) -> Self {
        Self { number, started, by: by.to_owned(), updated: started, jobs, unapproved: false }
    }

    /// GitHub's `status` and `conclusion`, from the jobs'.
    pub(super) fn status(&self) -> (&'static str, Option<&'static str>) {
        if self.unapproved {
            return ("completed", Some("action_required"));
        }
        let any = |wanted: fn(&Stage) -> bool| self.jobs.iter().any(|job| wanted(&job.stage));
        let ended = |wanted: &str| self.jobs.iter().any(|job| job.conclusion() == Some(wanted));
        if self.jobs.iter().all(|job| job.conclusion().is_some()) {
            let conclusion = ["failure", "cancelled"].into_iter().find(|wanted| ended(wanted));
            ("completed", Some(conclusion.unwrap_or("success")))
        } else if any(|stage| matches!(stage, Stage::Running { .. })) {
            ("in_progress", None)
        } else if any(|stage| matches!(stage, Stage::Waiting { .. })) {
            ("waiting", None)
        } else if any(|stage| matches!(stage, Stage::Done { .. })) {
            ("in_progress", None)
        } else {
            ("queued", None)
        }
    }
}

/// A job as it goes in one run: how long it takes there, and whether it fails.
fn in_run(plan: &JobSpec, run: &RunSpec) -> JobSpec {
    let mut plan = JobSpec { takes: paced(plan.takes, run.pace), ..plan.clone() };
    if let Some(trouble) = run.trouble.as_ref().filter(|trouble| trouble.job == plan.name) {
        plan.fails = if trouble.again.is_some() { 1 } else { u32::MAX };
        plan.log.extend(trouble.log.iter().cloned());
    }
    plan
}

impl Run {
    /// A run as a scenario has it, not yet moved.
    pub(super) fn planned(spec: &RunSpec, repo: &Repo, at: Timestamp, ids: &mut Ids) -> Option<Self> {
        let workflow = repo.workflow_in(spec.workflow.as_deref()).ok()?;
        let trouble = spec.trouble.as_ref();
        let jobs = workflow.plan.jobs.iter().map(|plan| Job::new(&in_run(plan, spec), at, 1, ids)).collect();
        Some(Self {
            id: spec.id.unwrap_or_else(|| ids.fresh()),
            number: spec.number,
            workflow: workflow.id,
            title: spec.title.clone(),
            branch: spec.branch.clone(),
            commit: spec.commit.clone(),
            actor: spec.actor.clone(),
            fork: spec.fork,
            created: at,
            current: Attempt { unapproved: spec.fork, ..Attempt::new(1, at, &spec.actor, jobs) },
            past: Vec::new(),
            reviews: Vec::new(),
            cancelled_at: None,
            again_at: trouble.and_then(|trouble| trouble.again).map(|later| after(at, later)),
        })
    }

    /// The run that a push starts; what it does not say is as in the newest run.
    pub(super) fn pushed(push: &Push, repo: &Repo, now: Timestamp, ids: &mut Ids) -> Option<Self> {
        let workflow = repo.workflow_in(push.workflow.as_deref()).ok()?.id;
        let newest = repo.runs.iter().filter(|run| run.workflow == workflow).max_by_key(|run| run.number);
        let spec = RunSpec {
            number: newest.map_or(0, |run| run.number) + 1,
            id: None,
            workflow: push.workflow.clone(),
            title: push.title.clone().unwrap_or_else(|| push.commit.clone()),
            branch: push.branch.clone().or_else(|| newest.and_then(|run| run.branch.clone())),
            commit: push.commit.clone(),
            actor: push.by.clone().or_else(|| newest.map(|run| run.actor.clone())).unwrap_or_else(|| "ghost".into()),
            fork: false,
            started: super::spec::Offset { before: false, by: Duration::ZERO },
            pace: 100,
            trouble: None,
        };
        Self::planned(&spec, repo, now, ids)
    }

    pub(super) fn ended(&self) -> bool {
        self.current.status().0 == "completed"
    }

    /// When it next moves by itself.
    pub(super) fn next(&self, all: &[Environment]) -> Option<Timestamp> {
        if self.current.unapproved {
            return None;
        }
        let jobs = self.current.jobs.iter().filter_map(|job| job.next(all));
        jobs.chain(self.cancelled_at).chain(self.again_at).min()
    }

    /// Moves what is due; true when anything moved.
    pub(super) fn advance(
        &mut self,
        now: Timestamp,
        all: &[Environment],
        deployments: &mut Deployments,
        ids: &mut Ids,
    ) -> bool {
        // Most runs of a past are over, and nothing of them moves any more.
        if self.current.unapproved || self.again_at.is_none() && self.ended() {
            return false;
        }
        let mut moved = false;
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            let by = self.actor.clone();
            // One that has not failed by then needs nobody.
            moved |= self.again(now, Again::Failed, &by, ids).is_ok();
        }
        if self.cancelled_at.is_some_and(|at| at <= now) {
            self.cancelled_at = None;
            for job in self.current.jobs.iter_mut().filter(|job| job.conclusion().is_none()) {
                let begun = job.stage != Stage::Blocked;
                job.end(if begun { "cancelled" } else { "skipped" }, now, deployments, ids);
                moved = true;
            }
        }
        let of = Of {
            run: self.id,
            sha: &self.commit,
            reference: self.branch.as_deref().unwrap_or(&self.commit),
            creator: &self.current.by,
        };
        let mut before = Before::Good;
        for job in &mut self.current.jobs {
            moved |= job.advance(now, before, &of, all, (&mut *deployments, &mut *ids));
            before = match (before, job.conclusion()) {
                (Before::Good, Some("success")) => Before::Good,
                (Before::Unfinished, _) | (_, None) => Before::Unfinished,
                _ => Before::Bad,
            };
        }
        if moved {
            self.current.updated = now;
        }
        moved
    }

    /// Asks it to stop; false when it has ended.
    pub(super) fn cancel(&mut self, now: Timestamp) -> bool {
        if self.ended() {
            return false;
        }
        self.cancelled_at.get_or_insert(after(now, CANCELLING));
        true
    }

    /// Takes an answer for environments; the ids of the deployments it was for. `None` when one of them does not wait.
    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        answer: &Answer<'_>,
        all: &[Environment],
        site: (&mut Deployments, &mut Ids),
    ) -> Option<Vec<u64>> {
        let (deployments, ids) = site;
        let open = |job: &Job| match job.stage {
            Stage::Waiting { approved: false, .. } => job.waits_for(all).filter(|e| !e.reviewers.is_empty()),
            _ => None,
        };
        let waits = |id: &u64| self.current.jobs.iter().any(|job| open(job).is_some_and(|e| e.id == *id));
        if answer.environments.is_empty() || !answer.environments.iter().all(waits) {
            return None;
        }
        let mut touched = Vec::new();
        for job in &mut self.current.jobs {
            if !open(job).is_some_and(|e| answer.environments.contains(&e.id)) {
                continue;
            }
            touched.extend(job.deployment);
            match &mut job.stage {
                Stage::Waiting { approved, .. } if answer.approve => *approved = true,
                _ => job.end("failure", now, deployments, ids),
            }
        }
        self.reviews.push(Reviewed {
            approved: answer.approve,
            comment: answer.comment.to_owned(),
            by: answer.by.to_owned(),
            environments: answer.environments.to_vec(),
        });
        self.current.updated = now;
        self.advance(now, all, deployments, ids);
        Some(touched)
    }

    /// Lets it begin; false when it does not wait for that.
    pub(super) fn let_in(&mut self, now: Timestamp) -> bool {
        if self.current.unapproved {
            self.current.updated = now;
        }
        std::mem::take(&mut self.current.unapproved)
    }

    /// Starts it again, or says why not.
    pub(super) fn again(&mut self, now: Timestamp, which: Again, by: &str, ids: &mut Ids) -> Result<(), &'static str> {
        if self.current.unapproved {
            return Err("This workflow run cannot be retried");
        }
        if !self.ended() {
            return Err("This workflow is already running");
        }
        if after(self.created, RERUNNABLE) < now {
            return Err("Unable to retry this workflow run because it was created over a month ago");
        }
        let jobs = &self.current.jobs;
        let from = match which {
            Again::All => Some(0),
            Again::Failed => jobs.iter().position(|job| job.conclusion() != Some("success")),
            Again::Job(id) => jobs.iter().position(|job| job.id == id),
        };
        let from = from.ok_or("This workflow run cannot be retried")?;
        let number = self.current.number + 1;
        let jobs = jobs
            .iter()
            .enumerate()
            .map(|(at, job)| if at < from { job.clone() } else { Job::new(&job.plan, now, number, ids) });
        let next = Attempt::new(number, now, by, jobs.collect());
        self.past.push(std::mem::replace(&mut self.current, next));
        Ok(())
    }

    /// All attempts, oldest first.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.past.iter().chain([&self.current])
    }
}
