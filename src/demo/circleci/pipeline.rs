//! How a workflow moves by itself: its jobs one after the other, each running, holding for somebody, or over. It knows times and people, and
//! nothing of HTTP or JSON.

use std::time::Duration;

use crate::{
    demo::{
        circleci::spec::{JobSpec, PipelineSpec},
        past::paced,
        rest::uuid,
    },
    domain::time::{Timestamp, after},
};

/// How long a workflow takes to end once it was cancelled, and a hold to pass once it was approved: CircleCI says yes first.
const LAG: Duration = Duration::from_secs(3);

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// What is before it has not ended.
    Blocked,
    /// It holds until somebody approves it.
    OnHold {
        since: Timestamp,
    },
    /// It was approved, and that does not show yet.
    Approving {
        since: Timestamp,
        at: Timestamp,
    },
    Running {
        since: Timestamp,
        until: Timestamp,
    },
    Ended {
        since: Timestamp,
        at: Timestamp,
        status: &'static str,
    },
    /// It never began: what is before it failed, or it was cancelled.
    Never(&'static str),
}

/// One job of a workflow.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) spec: JobSpec,
    pub(super) stage: Stage,
}

/// One workflow of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Workflow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) jobs: Vec<Job>,
    canceled: Option<Timestamp>,
    /// Its holds pass as they come.
    through: bool,
    /// Whoever goes past a hold is let into restricted contexts.
    trusted: bool,
    /// Which version it puts back, where it does.
    pub(super) puts_back: Option<String>,
}

/// A pipeline and its workflows, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) id: String,
    pub(super) spec: PipelineSpec,
    pub(super) created: Timestamp,
    pub(super) workflows: Vec<Workflow>,
    /// When it runs again from what failed.
    pub(super) again: Option<Timestamp>,
}

impl Job {
    fn next(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Running { until, .. } => Some(until),
            Stage::Approving { at, .. } => Some(at),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended { .. } | Stage::Never(_))
    }

    fn succeeded(&self) -> bool {
        matches!(self.stage, Stage::Ended { status: "success", .. })
    }
}

impl Workflow {
    /// One with these jobs, begun now.
    pub(super) fn begin(id: String, name: &str, jobs: Vec<Job>, through: bool, now: Timestamp) -> Self {
        let (canceled, puts_back) = (None, None);
        let mut made =
            Self { id, name: name.to_owned(), created: now, jobs, canceled, through, trusted: through, puts_back };
        made.advance(now);
        made
    }

    pub(super) fn ended(&self) -> bool {
        self.jobs.iter().all(Job::is_over)
    }

    /// When its last job ended, if it is over.
    pub(super) fn stopped(&self) -> Option<Timestamp> {
        let ends =
            self.jobs.iter().filter_map(|job| if let Stage::Ended { at, .. } = job.stage { Some(at) } else { None });
        self.ended().then(|| ends.max().or(self.canceled).unwrap_or(self.created))
    }

    /// CircleCI's word for where it is.
    pub(super) fn status(&self) -> &'static str {
        let any = |wanted: &dyn Fn(&Stage) -> bool| self.jobs.iter().any(|job| wanted(&job.stage));
        let ended_as =
            |word: &'static str| any(&|stage| matches!(stage, Stage::Ended { status, .. } if *status == word));
        let is_canceled =
            self.canceled.is_some() || ended_as("canceled") || any(&|stage| *stage == Stage::Never("canceled"));
        if any(&|stage| matches!(stage, Stage::Running { .. })) {
            "running"
        } else if any(&|stage| matches!(stage, Stage::OnHold { .. } | Stage::Approving { .. })) {
            "on_hold"
        } else if !self.ended() {
            "running"
        } else if is_canceled {
            "canceled"
        } else if ended_as("unauthorized") {
            "unauthorized"
        } else if ended_as("failed") {
            "failed"
        } else {
            "success"
        }
    }

    fn next(&self) -> Option<Timestamp> {
        let canceled = self.canceled.filter(|_| !self.ended());
        self.jobs.iter().filter_map(Job::next).chain(canceled).min()
    }

    /// Moves what is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        if self.canceled.is_some_and(|at| at <= now) {
            for job in &mut self.jobs {
                job.stage = match job.stage {
                    Stage::Running { since, .. } => Stage::Ended { since, at: now, status: "canceled" },
                    Stage::OnHold { .. } | Stage::Approving { .. } => Stage::Never("canceled"),
                    Stage::Blocked => Stage::Never("not_run"),
                    _ => continue,
                };
                moved = true;
            }
        }
        // `None` while something before it has not ended.
        let mut before = Some(true);
        for job in &mut self.jobs {
            let ended = match job.stage {
                Stage::Running { since, until } if until <= now => {
                    let status = if job.spec.fails { "failed" } else { "success" };
                    Some(Stage::Ended { since, at: until, status })
                }
                Stage::Approving { since, at } if at <= now => Some(Stage::Ended { since, at, status: "success" }),
                Stage::Blocked if before == Some(true) && job.spec.hold && self.through => {
                    Some(Stage::Ended { since: now, at: now, status: "success" })
                }
                Stage::Blocked if before == Some(true) && job.spec.hold => Some(Stage::OnHold { since: now }),
                Stage::Blocked if before == Some(true) && job.spec.restricted && !self.trusted => {
                    Some(Stage::Ended { since: now, at: now, status: "unauthorized" })
                }
                Stage::Blocked if before == Some(true) => {
                    Some(Stage::Running { since: now, until: after(now, job.spec.takes) })
                }
                Stage::Blocked if before == Some(false) => Some(Stage::Never("not_run")),
                _ => None,
            };
            if let Some(stage) = ended {
                (job.stage, moved) = (stage, true);
            }
            before = match before {
                Some(true) if !job.is_over() => None,
                Some(true) => Some(job.succeeded()),
                other => other,
            };
        }
        moved
    }

    /// Approves a hold; false where it does not hold.
    pub(super) fn approve(&mut self, now: Timestamp, id: Option<&str>, trusted: bool) -> bool {
        let waits = |job: &&mut Job| matches!(job.stage, Stage::OnHold { .. }) && id.is_none_or(|id| job.id == id);
        let Some(job) = self.jobs.iter_mut().find(waits) else { return false };
        if let Stage::OnHold { since } = job.stage {
            job.stage = Stage::Approving { since, at: after(now, LAG) };
        }
        self.trusted |= trusted;
        true
    }

    /// Cancels one job; false where it has ended.
    pub(super) fn cancel_job(&mut self, now: Timestamp, id: &str) -> bool {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id && !job.is_over()) else { return false };
        job.stage = match job.stage {
            Stage::Running { since, .. } | Stage::OnHold { since } => {
                Stage::Ended { since, at: now, status: "canceled" }
            }
            _ => Stage::Never("canceled"),
        };
        self.advance(now);
        true
    }

    /// Asks it to stop; false where it is over.
    pub(super) fn cancel(&mut self, now: Timestamp) -> bool {
        let goes = !self.ended() && self.canceled.is_none();
        if goes {
            self.canceled = Some(after(now, LAG));
        }
        goes
    }
}

impl Pipeline {
    /// One of these jobs, with its first workflow.
    pub(super) fn begin(slug: &str, name: &str, jobs: &[JobSpec], spec: &PipelineSpec, now: Timestamp) -> Self {
        let id = uuid(&["pipeline", slug, &spec.number.to_string()]);
        let mut made = Self { id, spec: spec.clone(), created: now, workflows: Vec::new(), again: None };
        let jobs = jobs.iter().map(|job| in_pipeline(job, spec)).collect();
        made.add(name, jobs, &[], spec.through, now);
        made
    }

    /// Another workflow; of the jobs of `kept` each stays as it is.
    fn add(&mut self, name: &str, jobs: Vec<JobSpec>, kept: &[Job], through: bool, now: Timestamp) -> String {
        let place = self.workflows.len().to_string();
        let id = uuid(&["workflow", &self.id, &place]);
        let of = |(at, spec): (usize, JobSpec)| {
            let stage = kept.get(at).map_or(Stage::Blocked, |job| job.stage.clone());
            Job { id: uuid(&["job", &id, &at.to_string()]), spec, stage }
        };
        let jobs = jobs.into_iter().enumerate().map(of).collect();
        self.workflows.push(Workflow::begin(id.clone(), name, jobs, through, now));
        id
    }

    /// Runs a workflow again, all of it or from what failed: as another one, whose id it gives. What failed for once passes then.
    pub(super) fn rerun(&mut self, workflow: &str, from_failed: bool, now: Timestamp) -> Option<String> {
        let old = self.workflows.iter().find(|one| one.id == workflow && one.ended())?.clone();
        let trouble = self.spec.trouble.as_ref().map(|trouble| trouble.job.clone());
        let mended = |job: &Job| {
            let once = trouble.as_ref() == Some(&job.spec.name);
            JobSpec { fails: job.spec.fails && !once, ..job.spec.clone() }
        };
        let kept: Vec<Job> =
            if from_failed { old.jobs.iter().take_while(|job| job.succeeded()).cloned().collect() } else { Vec::new() };
        let jobs = old.jobs.iter().map(mended).collect();
        Some(self.add(&old.name, jobs, &kept, self.spec.through, now))
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.workflows.iter().filter_map(Workflow::next).chain(self.again).min()
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        let mut moved = self.workflows.iter_mut().fold(false, |moved, one| one.advance(now) | moved);
        if self.again.is_some_and(|at| at <= now) {
            self.again = None;
            let last = self.workflows.last().filter(|one| one.status() == "failed").map(|one| one.id.clone());
            moved |= last.is_some_and(|id| self.rerun(&id, true, now).is_some());
        }
        moved
    }
}

/// A job as it goes in one pipeline: how long it takes there, and whether it fails.
fn in_pipeline(job: &JobSpec, spec: &PipelineSpec) -> JobSpec {
    let mut job = JobSpec { takes: paced(job.takes, spec.pace), ..job.clone() };
    if let Some(trouble) = spec.trouble.as_ref().filter(|trouble| trouble.job == job.name) {
        job.fails = true;
        job.log.extend(trouble.log.iter().cloned());
    }
    job
}
