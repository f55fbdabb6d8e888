//! How a build moves by itself: its steps one after the other, each running, waiting for somebody, or over. It knows times and
//! people, and nothing of HTTP or JSON.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    demo::{
        buildkite::spec::{BuildSpec, PipelineSpec, StepSpec},
        past::paced,
    },
    domain::time::{Timestamp, after},
};

pub(super) use crate::demo::rest::uuid;

/// How long a build takes to end once it was cancelled.
const CANCELING: Duration = Duration::from_secs(3);

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// What is before it has not ended.
    Later,
    /// No agent takes it.
    Scheduled(Timestamp),
    Running {
        since: Timestamp,
        until: Timestamp,
    },
    /// A block step that somebody may unblock.
    Blocked,
    Unblocked {
        at: Timestamp,
        by: String,
    },
    Ended {
        since: Timestamp,
        at: Timestamp,
        state: &'static str,
    },
    /// It never began: the build failed or was cancelled before.
    Never(&'static str),
}

/// One job of a build.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) step: StepSpec,
    pub(super) stage: Stage,
    /// The job that tries it again.
    pub(super) retried_in: Option<String>,
}

/// One build.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) number: u64,
    pub(super) message: String,
    pub(super) branch: String,
    pub(super) commit: String,
    pub(super) creator: String,
    pub(super) created: Timestamp,
    pub(super) jobs: Vec<Job>,
    pub(super) rebuilt_from: Option<u64>,
    /// What was typed for its block steps.
    pub(super) kept: BTreeMap<String, String>,
    canceled: Option<Timestamp>,
}

/// A pipeline and its builds, oldest first.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) organization: String,
    pub(super) slug: String,
    pub(super) builds: Vec<Build>,
    steps: Vec<StepSpec>,
}

impl Job {
    pub(super) fn is_block(&self) -> bool {
        self.step.block.is_some()
    }

    fn next(&self) -> Option<Timestamp> {
        if let Stage::Running { until, .. } = self.stage { Some(until) } else { None }
    }

    /// Did it end badly, so that what is behind it never begins?
    fn stops(&self) -> bool {
        self.retried_in.is_none() && matches!(self.stage, Stage::Ended { state: "failed", .. }) && !self.step.soft_fail
    }
}

impl Build {
    pub(super) fn ended(&self) -> bool {
        self.jobs.iter().all(|job| matches!(job.stage, Stage::Ended { .. } | Stage::Unblocked { .. } | Stage::Never(_)))
    }

    /// Its state, and whether it is blocked: one that is keeps the state that it had.
    pub(super) fn state(&self) -> (&'static str, bool) {
        let any = |wanted: fn(&Stage) -> bool| self.jobs.iter().any(|job| wanted(&job.stage));
        if self.canceled.is_some() {
            return (if self.ended() { "canceled" } else { "canceling" }, false);
        }
        if self.jobs.iter().any(Job::stops) {
            return ("failed", false);
        }
        if any(|stage| *stage == Stage::Blocked) {
            return ("passed", true);
        }
        if self.ended() {
            return ("passed", false);
        }
        (if any(|stage| matches!(stage, Stage::Running { .. })) { "running" } else { "scheduled" }, false)
    }

    /// When its last job ended, if it is over.
    pub(super) fn finished(&self) -> Option<Timestamp> {
        let ends = self.jobs.iter().filter_map(|job| match job.stage {
            Stage::Ended { at, .. } | Stage::Unblocked { at, .. } => Some(at),
            _ => None,
        });
        self.ended().then(|| ends.max().or(self.canceled).unwrap_or(self.created))
    }

    fn next(&self) -> Option<Timestamp> {
        let canceled = self.canceled.filter(|_| !self.ended());
        self.jobs.iter().filter_map(Job::next).chain(canceled).min()
    }

    /// Moves what is due; true when anything moved.
    fn advance(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        if self.canceled.is_some_and(|at| at <= now) {
            for job in &mut self.jobs {
                let stage = match job.stage {
                    Stage::Running { since, .. } => Stage::Ended { since, at: now, state: "canceled" },
                    Stage::Later | Stage::Scheduled(_) | Stage::Blocked => Stage::Never("canceled"),
                    _ => continue,
                };
                (job.stage, moved) = (stage, true);
            }
        }
        // `None` while something before it has not ended.
        let mut before = Some(true);
        for job in self.jobs.iter_mut().filter(|job| job.retried_in.is_none()) {
            if let Stage::Running { since, until } = job.stage
                && until <= now
            {
                let state = if job.step.fails { "failed" } else { "passed" };
                (job.stage, moved) = (Stage::Ended { since, at: until, state }, true);
            }
            match (&job.stage, before) {
                (Stage::Later, Some(true)) if job.is_block() => (job.stage, moved) = (Stage::Blocked, true),
                (Stage::Later, Some(true)) if job.step.unserved => (job.stage, moved) = (Stage::Scheduled(now), true),
                (Stage::Later, Some(true)) => {
                    (job.stage, moved) = (Stage::Running { since: now, until: after(now, job.step.takes) }, true);
                }
                (Stage::Later, Some(false)) => {
                    let state = if job.is_block() { "blocked_failed" } else { "waiting_failed" };
                    (job.stage, moved) = (Stage::Never(state), true);
                }
                _ => {}
            }
            before = match &job.stage {
                Stage::Ended { .. } | Stage::Unblocked { .. } if before == Some(true) => Some(!job.stops()),
                Stage::Later | Stage::Scheduled(_) | Stage::Running { .. } | Stage::Blocked => None,
                _ => before,
            };
        }
        moved
    }

    /// Lets a block step pass; false where it does not wait.
    pub(super) fn unblock(&mut self, now: Timestamp, id: &str, by: &str) -> bool {
        let job = self.jobs.iter_mut().find(|job| job.id == id && job.stage == Stage::Blocked);
        let found = job.map(|job| job.stage = Stage::Unblocked { at: now, by: by.to_owned() }).is_some();
        if found {
            self.advance(now);
        }
        found
    }

    /// Tries a job again that ended badly, as another one; its id, or nothing where it did not.
    pub(super) fn retry(&mut self, now: Timestamp, id: &str) -> Option<String> {
        let bad = |stage: &Stage| matches!(stage, Stage::Ended { state: "failed" | "canceled", .. });
        let place = self.jobs.iter().position(|job| job.id == id && job.retried_in.is_none() && bad(&job.stage))?;
        if self.canceled.is_some() {
            return None;
        }
        let old = self.jobs.get_mut(place)?;
        let (id, step) = (uuid(&[id, "again"]), old.step.clone());
        old.retried_in = Some(id.clone());
        let stage = Stage::Running { since: now, until: after(now, step.takes) };
        self.jobs.insert(place + 1, Job { id: id.clone(), step, stage, retried_in: None });
        // What never began because of it has its turn again.
        for job in self.jobs.iter_mut().skip(place + 2).filter(|job| matches!(job.stage, Stage::Never(_))) {
            job.stage = Stage::Later;
        }
        Some(id)
    }

    /// Asks it to stop; false where it is over.
    pub(super) fn cancel(&mut self, now: Timestamp) -> bool {
        let goes = !self.ended() && self.canceled.is_none();
        if goes {
            self.canceled = Some(after(now, CANCELING));
        }
        goes
    }
}

/// A step as it goes in one build: how long it takes there, and whether it fails.
fn in_build(step: &StepSpec, build: &BuildSpec) -> StepSpec {
    let mut step = StepSpec { takes: paced(step.takes, build.pace), ..step.clone() };
    let named = [&step.key, &step.label];
    if let Some(trouble) = build.trouble.as_ref().filter(|trouble| named.contains(&&Some(trouble.step.clone()))) {
        step.fails = true;
        step.log.extend(trouble.log.iter().cloned());
    }
    step
}

impl Pipeline {
    pub(super) fn new(spec: &PipelineSpec) -> Self {
        let (organization, slug) = spec.name.split_once('/').unwrap_or(("", &spec.name));
        let (organization, slug) = (organization.to_owned(), slug.to_owned());
        Self { organization, slug, builds: Vec::new(), steps: spec.steps.clone() }
    }

    /// Is it called so, in full?
    pub(super) fn is(&self, name: &str) -> bool {
        name.split_once('/') == Some((&self.organization, &self.slug))
    }

    /// Begins a build.
    pub(super) fn begin(&mut self, spec: &BuildSpec, now: Timestamp, rebuilt_from: Option<u64>) {
        let number = spec.number.to_string();
        let of = |(place, step): (usize, &StepSpec)| Job {
            id: uuid(&[&self.organization, &self.slug, &number, &place.to_string()]),
            step: in_build(step, spec),
            stage: Stage::Later,
            retried_in: None,
        };
        let mut build = Build {
            number: spec.number,
            message: spec.message.clone(),
            branch: spec.branch.clone(),
            commit: spec.commit.clone(),
            creator: spec.creator.clone(),
            created: now,
            jobs: self.steps.iter().enumerate().map(of).collect(),
            rebuilt_from,
            kept: BTreeMap::new(),
            canceled: None,
        };
        build.advance(now);
        self.builds.push(build);
    }

    /// The number that the next build gets.
    pub(super) fn next_number(&self) -> u64 {
        self.builds.iter().map(|build| build.number).max().unwrap_or_default() + 1
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.builds.iter().filter_map(Build::next).min()
    }

    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        self.builds.iter_mut().fold(false, |moved, build| build.advance(now) | moved)
    }
}
