//! How a run moves by itself: its stages one after the other, each job waiting for somebody, running, or over; and deployments to hosts,
//! batch by batch. It knows times and people, and nothing of HTTP or JSON.

use crate::{
    demo::flow::{
        order::Order,
        spec::{JobKind, JobSpec, PipelineSpec, RunSpec},
    },
    domain::time::{Timestamp, after},
};

/// Where a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What is before it has not ended.
    Init,
    /// It waits for somebody.
    Waiting { since: Timestamp },
    /// It runs; of a deployment to hosts the end is not known.
    Running { since: Timestamp, until: Option<Timestamp> },
    /// It has ended.
    Ended { since: Timestamp, at: Timestamp, word: &'static str },
}

/// A job of a run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    /// By which it is told from others of its pipeline.
    pub(super) sign: String,
    pub(super) spec: JobSpec,
    pub(super) state: State,
    pub(super) order: Option<Order>,
    fails: bool,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) spec: RunSpec,
    pub(super) began: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) jobs: Vec<Job>,
}

/// One time that a job deployed.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) sign: String,
    pub(super) run: u64,
    pub(super) job: u64,
    pub(super) by: String,
    /// How it ended; nothing while it goes.
    pub(super) word: Option<&'static str>,
}

/// What ids come next: of a job, and of a deploy order.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) job: u64,
    pub(super) order: u64,
}

/// A pipeline, its runs and what they deployed, oldest first.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) spec: PipelineSpec,
    pub(super) runs: Vec<Run>,
    pub(super) records: Vec<Record>,
}

impl Job {
    /// Flow's word for where it is.
    pub(super) fn word(&self) -> &'static str {
        match self.state {
            State::Init => "INIT",
            State::Waiting { .. } => "WAITING",
            State::Running { .. } => "RUNNING",
            State::Ended { word, .. } => word,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    pub(super) fn deploys(&self) -> bool {
        matches!(self.spec.kind, JobKind::Hosts | JobKind::Deploy)
    }

    fn stage(&self) -> &str {
        self.spec.stage.as_deref().unwrap_or(&self.spec.name)
    }

    fn end(&mut self, at: Timestamp, word: &'static str) {
        let since = match self.state {
            State::Waiting { since } | State::Running { since, .. } | State::Ended { since, .. } => since,
            State::Init => at,
        };
        self.state = State::Ended { since, at, word };
    }

    /// It stops, with what it deploys.
    fn stop(&mut self, now: Timestamp) {
        if let Some(order) = &mut self.order {
            order.stop(now);
        }
        self.end(now, "CANCELED");
    }
}

impl Pipeline {
    /// Begins a run.
    pub(super) fn begin(&mut self, spec: &RunSpec, now: Timestamp, ids: &mut Ids) {
        let jobs = self.spec.jobs.iter().zip(1..).map(|(job, place)| {
            ids.job += 1;
            let fails = job.fails || spec.trouble.as_ref() == Some(&job.name);
            let sign = format!("10_{place}");
            Job { id: ids.job, sign, spec: job.clone(), state: State::Init, order: None, fails }
        });
        let run = Run { spec: spec.clone(), began: now, updated: now, jobs: jobs.collect() };
        self.runs.push(run);
        self.runs.sort_by_key(|run| run.spec.id);
        self.advance(now, ids);
    }

    /// The id that the next run gets.
    pub(super) fn next_id(&self) -> u64 {
        self.runs.iter().map(|run| run.spec.id).max().unwrap_or_default() + 1
    }

    pub(super) fn run(&mut self, id: u64) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.spec.id == id)
    }

    /// A job that has ended runs once more; true where it can.
    pub(super) fn again(&mut self, run: u64, job: u64, now: Timestamp, by: &str, ids: &mut Ids) -> bool {
        let Some(found) = self.runs.iter_mut().find(|one| one.spec.id == run) else { return false };
        let Some(one) = found.jobs.iter_mut().find(|one| one.id == job && one.is_over()) else { return false };
        one.fails = false;
        begin_job(one, now, (false, None), ids);
        found.updated = now;
        let deploys = one.deploys().then(|| (one.sign.clone(), one.id));
        if let Some((sign, job)) = deploys {
            self.note(run, (sign, job), by.to_owned());
        }
        true
    }

    fn note(&mut self, run: u64, (sign, job): (String, u64), by: String) {
        let number = self.records.len() as u64 + 1;
        self.records.push(Record { number, sign, run, job, by, word: None });
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let jobs = self.runs.iter().flat_map(|run| &run.jobs);
        let due = jobs.filter_map(|job| match (&job.state, &job.order) {
            (State::Running { until: Some(until), .. }, _) => Some(*until),
            (State::Running { .. }, Some(order)) => order.next(),
            _ => None,
        });
        due.min()
    }

    /// Moves what is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp, ids: &mut Ids) -> bool {
        let (mut moved, mut begun) = (false, Vec::new());
        for run in &mut self.runs {
            let before = run.jobs.iter().map(|job| job.state.clone()).collect::<Vec<_>>();
            run.advance(now, ids, &mut begun);
            let after = run.jobs.iter().map(|job| job.state.clone()).collect::<Vec<_>>();
            let orders = run.jobs.iter_mut().filter_map(|job| job.order.as_mut()).any(Order::has_moved);
            moved |= before != after || orders;
        }
        for (run, job, by) in begun {
            self.note(run, job, by);
        }
        // What ended is written down as it ended.
        for record in self.records.iter_mut().filter(|record| record.word.is_none()) {
            let run = self.runs.iter().find(|run| run.spec.id == record.run);
            let job = run.and_then(|run| run.jobs.iter().find(|job| job.id == record.job));
            record.word = job.filter(|job| job.is_over()).map(Job::word);
        }
        moved
    }
}

/// A job begins.
fn begin_job(job: &mut Job, now: Timestamp, how: (bool, Option<&str>), ids: &mut Ids) {
    if job.spec.kind == JobKind::Hosts {
        ids.order += 1;
        job.order = Some(Order::new(ids.order, &job.spec, now, how));
        job.state = State::Running { since: now, until: None };
    } else {
        job.state = State::Running { since: now, until: Some(after(now, job.spec.takes)) };
    }
}

impl Run {
    /// Flow's word for where it is: that of its jobs together.
    pub(super) fn word(&self) -> &'static str {
        let any = |word: &str| self.jobs.iter().any(|job| job.word() == word);
        match () {
            () if any("RUNNING") => "RUNNING",
            () if any("CANCELED") => "CANCELED",
            () if any("FAIL") => "FAIL",
            () if any("WAITING") => "WAITING",
            () if any("INIT") => "RUNNING",
            () => "SUCCESS",
        }
    }

    pub(super) fn job(&mut self, id: u64) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// The job that deploys by this order.
    pub(super) fn of_order(&mut self, order: u64) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.order.as_ref().is_some_and(|own| own.id == order))
    }

    fn advance(&mut self, now: Timestamp, ids: &mut Ids, begun: &mut Vec<(u64, (String, u64), String)>) {
        // When what is before ended; none while it has not.
        let mut before = Some(self.began);
        let mut stage: Option<(String, Option<Timestamp>)> = None;
        for job in &mut self.jobs {
            let name = job.stage().to_owned();
            match &stage {
                Some((known, _)) if *known == name => {}
                _ => {
                    before = stage.map_or(before, |(_, end)| end);
                    stage = Some((name, before));
                }
            }
            if let (State::Init, Some(at)) = (&job.state, before.filter(|at| *at <= now)) {
                match job.spec.kind {
                    JobKind::Validate if self.spec.through => {
                        job.state = State::Ended { since: at, at, word: "SUCCESS" }
                    }
                    JobKind::Validate => job.state = State::Waiting { since: at },
                    JobKind::Manual if !self.spec.through => job.state = State::Waiting { since: at },
                    _ => begin_job(job, at, (self.spec.through, self.spec.trouble.as_deref()), ids),
                }
                self.updated = at;
                if job.deploys() && !job.is_over() {
                    begun.push((self.spec.id, (job.sign.clone(), job.id), self.spec.by.clone()));
                }
            }
            if let Some(order) = &mut job.order
                && matches!(job.state, State::Running { .. })
            {
                if order.advance(now, self.spec.stopped)
                    && let Some((at, word)) = order.ended()
                {
                    job.end(at, word);
                    self.updated = at;
                }
            } else if let State::Running { since, until: Some(until) } = job.state
                && until <= now
            {
                let word = if job.fails { "FAIL" } else { "SUCCESS" };
                job.state = State::Ended { since, at: until, word };
                self.updated = until;
            }
            let end = match job.state {
                State::Ended { at, word: "SUCCESS" | "SKIP", .. } => Some(at),
                _ => None,
            };
            if let Some((_, ends)) = &mut stage {
                // Of jobs beside each other the last one counts.
                *ends = ends.zip(end).map(|(one, other)| one.max(other));
            }
        }
    }

    /// Passes or refuses a validation; false where it does not wait.
    pub(super) fn answer(&mut self, now: Timestamp, job: u64, pass: bool) -> bool {
        let Some(one) = self.job(job).filter(|job| job.spec.kind == JobKind::Validate) else { return false };
        if !matches!(one.state, State::Waiting { .. }) {
            return false;
        }
        one.end(now, if pass { "SUCCESS" } else { "FAIL" });
        self.updated = now;
        true
    }

    /// Starts a job that waits for that.
    pub(super) fn start(&mut self, now: Timestamp, job: u64, ids: &mut Ids) -> bool {
        let Some(one) = self.job(job).filter(|job| job.spec.kind == JobKind::Manual) else { return false };
        if !matches!(one.state, State::Waiting { .. }) {
            return false;
        }
        begin_job(one, now, (false, None), ids);
        self.updated = now;
        true
    }

    /// Stops one job; false where it does not run.
    pub(super) fn stop_job(&mut self, now: Timestamp, job: u64) -> bool {
        let Some(one) = self.job(job).filter(|job| matches!(job.state, State::Running { .. })) else { return false };
        one.stop(now);
        self.updated = now;
        true
    }

    /// Leaves a job out that failed, runs or waits.
    pub(super) fn skip(&mut self, now: Timestamp, job: u64) -> bool {
        let Some(one) = self.job(job) else { return false };
        if matches!(one.word(), "SUCCESS" | "SKIP" | "INIT") {
            return false;
        }
        one.end(now, "SKIP");
        self.updated = now;
        true
    }

    /// Stops whatever runs or waits; false where it has ended.
    pub(super) fn stop(&mut self, now: Timestamp) -> bool {
        let open = |job: &&mut Job| matches!(job.state, State::Running { .. } | State::Waiting { .. });
        let mut any = false;
        for job in self.jobs.iter_mut().filter(open) {
            job.stop(now);
            any = true;
        }
        self.updated = if any { now } else { self.updated };
        any
    }
}
