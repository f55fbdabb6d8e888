//! How a pipeline moves by itself: its stages one after the other, each job running, waiting for somebody, or over; and the deployments
//! that its jobs make. It knows times and people, and nothing of HTTP or JSON.

use std::time::Duration;

use crate::{
    demo::{
        gitlab::spec::{EnvironmentSpec, JobSpec, PipelineSpec, ProjectSpec, RuleSpec, Taken},
        past::paced,
    },
    domain::time::{Timestamp, after},
};

/// How long a job takes to end once it was cancelled.
const CANCELING: Duration = Duration::from_secs(3);

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What is before it has not ended.
    Created,
    /// It waits for somebody.
    Manual,
    Running {
        since: Timestamp,
        until: Timestamp,
        canceling: bool,
    },
    /// No runner takes it.
    Pending,
    Ended {
        since: Timestamp,
        at: Timestamp,
        word: &'static str,
    },
    /// It never began.
    Never(&'static str),
}

/// What somebody said to a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub(super) by: String,
    pub(super) word: &'static str,
    pub(super) comment: Option<String>,
    pub(super) at: Timestamp,
}

/// The deployment that a job makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) iid: u64,
    pub(super) approvals: Vec<Approval>,
    pub(super) updated: Timestamp,
}

/// One job of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) spec: JobSpec,
    pub(super) state: State,
    /// Another one tries it again.
    pub(super) retried: bool,
    /// Who must approve it.
    pub(super) rules: Vec<RuleSpec>,
    pub(super) deployment: Option<Deployment>,
    /// The pipeline that it began.
    pub(super) began: Option<u64>,
}

/// One pipeline.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) spec: PipelineSpec,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) jobs: Vec<Job>,
}

/// What ids come next: of a job, and of a deployment.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) job: u64,
    pub(super) deployment: u64,
}

impl Ids {
    /// The id of the next job. Jobs and deployments are numbered for all of GitLab.
    fn next_job(&mut self) -> u64 {
        self.job += 1;
        self.job
    }

    fn next_deployment(&mut self) -> u64 {
        self.deployment += 1;
        self.deployment
    }
}

impl Job {
    /// GitLab's word for where it is.
    pub(super) fn word(&self) -> &'static str {
        match &self.state {
            State::Created => "created",
            State::Pending => "pending",
            State::Manual => "manual",
            State::Running { canceling: true, .. } => "canceling",
            State::Running { .. } => "running",
            State::Ended { word, .. } | State::Never(word) => word,
        }
    }

    /// How many approvals of a rule count.
    pub(super) fn given<'a>(&'a self, rule: &'a RuleSpec) -> impl Iterator<Item = &'a Approval> {
        let all = self.deployment.iter().flat_map(|deployment| &deployment.approvals);
        all.filter(|approval| approval.word == "approved" && rule.members.contains(&approval.by))
    }

    /// How many approvals are missing.
    pub(super) fn missing(&self) -> usize {
        self.rules.iter().map(|rule| rule.needed.saturating_sub(self.given(rule).count())).sum()
    }

    /// GitLab's word for where its deployment is.
    pub(super) fn deployed(&self) -> &'static str {
        match self.word() {
            "manual" if self.missing() > 0 => "blocked",
            "created" | "manual" => "created",
            "running" | "canceling" => "running",
            other => other,
        }
    }

    /// Does it keep the next stage from beginning?
    fn holds(&self) -> bool {
        match self.state {
            State::Created | State::Pending | State::Running { .. } => true,
            State::Manual => !self.spec.allow_failure,
            State::Ended { .. } | State::Never(_) => false,
        }
    }

    /// Did it end badly, so that what is behind it never begins?
    pub(super) fn stops(&self) -> bool {
        !self.retried && !self.spec.allow_failure && matches!(self.word(), "failed" | "canceled")
    }

    fn begin(&mut self, now: Timestamp) {
        self.state = if self.spec.taken == Taken::Never {
            State::Pending
        } else {
            State::Running { since: now, until: after(now, self.spec.takes), canceling: false }
        };
        self.touch(now);
    }

    /// It waits for somebody from now on; these approve it at once.
    fn wait(&mut self, now: Timestamp, approved: &[String]) {
        self.state = State::Manual;
        self.touch(now);
        if let Some(deployment) = &mut self.deployment {
            let yes = |by: &String| Approval { by: by.clone(), word: "approved", comment: None, at: now };
            deployment.approvals.extend(approved.iter().map(yes));
        }
    }

    fn touch(&mut self, now: Timestamp) {
        if let Some(deployment) = &mut self.deployment {
            deployment.updated = now;
        }
    }
}

impl Pipeline {
    pub(super) fn new(project: &ProjectSpec, spec: &PipelineSpec, now: Timestamp, ids: &mut Ids) -> Self {
        let (created, updated) = (now, now);
        let mut pipeline = Self { spec: spec.clone(), created, updated, jobs: Vec::new() };
        for job in &project.jobs {
            let mut own = JobSpec { takes: paced(job.takes, spec.pace), ..job.clone() };
            if let Some(trouble) = spec.trouble.as_ref().filter(|trouble| trouble.job == job.name) {
                own.fails = true;
                own.log.extend(trouble.log.iter().cloned());
            }
            let job = made(project, own, now, ids);
            pipeline.jobs.push(job);
        }
        pipeline.advance(now, ids);
        pipeline
    }

    /// The jobs that were not tried again.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| !job.retried)
    }

    /// GitLab's word for where it is: that of its jobs together.
    pub(super) fn word(&self) -> &'static str {
        let any = |wanted: &dyn Fn(&Job) -> bool| self.latest().any(wanted);
        if any(&|job| job.word() == "canceling") {
            return "canceling";
        }
        if any(&|job| job.word() == "running") {
            return "running";
        }
        if any(&|job| job.word() == "manual" && !job.spec.allow_failure) {
            return "manual";
        }
        if any(&|job| job.word() == "failed" && !job.spec.allow_failure) {
            return "failed";
        }
        if any(&|job| job.word() == "canceled") {
            return "canceled";
        }
        if any(&|job| job.word() == "created") { "created" } else { "success" }
    }

    /// When its first job began.
    pub(super) fn started(&self) -> Option<Timestamp> {
        let begins = self.jobs.iter().filter_map(|job| match job.state {
            State::Running { since, .. } | State::Ended { since, .. } => Some(since),
            _ => None,
        });
        begins.min()
    }

    /// When its last job ended, if it is over.
    pub(super) fn finished(&self) -> Option<Timestamp> {
        let ends =
            self.jobs.iter().filter_map(|job| if let State::Ended { at, .. } = job.state { Some(at) } else { None });
        matches!(self.word(), "success" | "failed" | "canceled").then(|| ends.max().unwrap_or(self.updated))
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let ends = self
            .jobs
            .iter()
            .filter_map(|job| if let State::Running { until, .. } = job.state { Some(until) } else { None });
        ends.min()
    }

    /// Moves what is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp, ids: &mut Ids) -> bool {
        let mut moved = false;
        for job in &mut self.jobs {
            if let State::Running { since, until, canceling } = job.state
                && until <= now
            {
                let word = match (canceling, job.spec.fails) {
                    (true, _) => "canceled",
                    (false, true) => "failed",
                    (false, false) => "success",
                };
                job.state = State::Ended { since, at: until, word };
                job.touch(until);
                moved = true;
            }
        }
        moved |= self.again_where_it_is_flaky(now, ids);
        moved |= self.next_stages(now);
        if moved {
            self.updated = now;
        }
        moved
    }

    /// What a scenario says is tried again and passes.
    fn again_where_it_is_flaky(&mut self, now: Timestamp, ids: &mut Ids) -> bool {
        let Some(trouble) = self.spec.trouble.clone().filter(|trouble| trouble.retried) else { return false };
        let bad = |job: &&Job| job.spec.name == trouble.job && !job.retried && job.word() == "failed";
        let Some(id) = self.jobs.iter().find(bad).map(|job| job.id) else { return false };
        self.spec.trouble = None;
        self.retry(now, id, ids).is_some()
    }

    /// Each stage begins once none before it holds it up, and what follows a failure is left out.
    fn next_stages(&mut self, now: Timestamp) -> bool {
        let (mut moved, mut held, mut stopped) = (false, false, false);
        let (approved, through) = (self.spec.approved.clone(), self.spec.through);
        let mut stages: Vec<String> = Vec::new();
        for job in &self.jobs {
            if !stages.contains(&job.spec.stage) {
                stages.push(job.spec.stage.clone());
            }
        }
        for stage in stages {
            let mut here: Vec<&mut Job> =
                self.jobs.iter_mut().filter(|job| job.spec.stage == stage && !job.retried).collect();
            for job in here.iter_mut().filter(|job| job.state == State::Created && !held) {
                moved = true;
                if stopped {
                    job.state = State::Never("skipped");
                } else if job.spec.manual || !job.rules.is_empty() {
                    job.wait(now, &approved);
                    if through && job.missing() == 0 {
                        job.begin(now);
                    }
                } else {
                    job.begin(now);
                }
            }
            stopped |= here.iter().any(|job| job.stops());
            held |= here.iter().any(|job| job.holds());
        }
        moved
    }

    pub(super) fn job(&mut self, id: u64) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// Starts a job that waits for somebody; false where it does not, or approvals are missing.
    pub(super) fn play(&mut self, now: Timestamp, id: u64) -> bool {
        let job = self.job(id).filter(|job| job.state == State::Manual && job.missing() == 0);
        let found = job.map(|job| job.begin(now)).is_some();
        if found {
            self.updated = now;
        }
        found
    }

    /// Says yes or no to a deployment that waits.
    pub(super) fn say(&mut self, now: Timestamp, id: u64, approval: Approval) {
        let Some(job) = self.job(id) else { return };
        let rejected = approval.word == "rejected";
        if let Some(deployment) = &mut job.deployment {
            deployment.approvals.retain(|known| known.by != approval.by);
            deployment.approvals.push(approval);
        }
        job.touch(now);
        if rejected {
            job.state = State::Ended { since: now, at: now, word: "failed" };
        }
        self.updated = now;
        self.next_stages(now);
    }

    /// Tries a job again that has ended, as another one; its id, or nothing where it has not.
    pub(super) fn retry(&mut self, now: Timestamp, id: u64, ids: &mut Ids) -> Option<u64> {
        let over = |job: &Job| matches!(job.state, State::Ended { .. });
        let place = self.jobs.iter().position(|job| job.id == id && !job.retried && over(job))?;
        let old = self.jobs.get_mut(place)?;
        old.retried = true;
        let mut spec = old.spec.clone();
        spec.fails &= self.spec.trouble.as_ref().is_some_and(|trouble| trouble.job == spec.name);
        let again = Job {
            id: ids.next_job(),
            state: State::Created,
            retried: false,
            deployment: old.deployment.as_ref().map(|old| deployment(ids, old.iid, now)),
            rules: old.rules.clone(),
            began: None,
            spec,
        };
        let made = again.id;
        self.jobs.insert(place + 1, again);
        if let Some(job) = self.job(made) {
            // What has run once is not asked for by hand again; what must be approved is.
            if job.rules.is_empty() { job.begin(now) } else { job.state = State::Manual }
        }
        for job in self.jobs.iter_mut().skip(place + 2).filter(|job| matches!(job.state, State::Never(_))) {
            job.state = State::Created;
        }
        self.updated = now;
        Some(made)
    }

    /// Tries again what failed or was cancelled.
    pub(super) fn retry_all(&mut self, now: Timestamp, ids: &mut Ids) {
        let bad: Vec<u64> =
            self.latest().filter(|job| matches!(job.word(), "failed" | "canceled")).map(|job| job.id).collect();
        for id in bad {
            self.retry(now, id, ids);
        }
        self.next_stages(now);
    }

    /// Asks what runs, or would, to stop. What waits for a hand stays.
    pub(super) fn cancel(&mut self, now: Timestamp) {
        for job in &mut self.jobs {
            match &mut job.state {
                State::Running { until, canceling, .. } => (*until, *canceling) = (after(now, CANCELING), true),
                state @ (State::Created | State::Pending) => *state = State::Never("canceled"),
                _ => {}
            }
        }
        self.updated = now;
    }
}

/// A job of a project, before its turn.
fn made(project: &ProjectSpec, spec: JobSpec, now: Timestamp, ids: &mut Ids) -> Job {
    let environment = |known: &&EnvironmentSpec| Some(&known.name) == spec.environment.as_ref();
    let rules = project.environments.iter().find(environment).map(|known| known.approvals.clone()).unwrap_or_default();
    let id = ids.next_job();
    let deployment = spec.environment.is_some().then(|| deployment(ids, id, now));
    Job { id, spec, state: State::Created, retried: false, rules, deployment, began: None }
}

fn deployment(ids: &mut Ids, number: u64, now: Timestamp) -> Deployment {
    let id = ids.next_deployment();
    Deployment { id, iid: number + id, approvals: Vec::new(), updated: now }
}
