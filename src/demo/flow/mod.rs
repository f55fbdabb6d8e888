//! A pretended Flow: pipelines with runs, validations, jobs by hand and deployments to hosts, over the API of tokens and the older one,
//! whose signatures it checks.
//!
//! It is a fake, so it is checked against Flow's published models and Alibaba Cloud's own client for Python. `spec` is the scenario's
//! side, `run` and `order` how runs and deployments move, `wire` the JSON, `door` who asks and by which API, `route` the endpoints.

mod blueprint;
mod door;
mod order;
mod route;
mod run;
pub mod spec;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    run::{Ids, Pipeline},
    spec::{Action, JobKind, RunSpec, Spec},
};
use crate::{
    demo::system::{Reply, System},
    domain::time::Timestamp,
};

/// Where the numbers of jobs and of deploy orders begin.
const FIRST: Ids = Ids { job: 70_000, order: 9_000 };

/// Flow.
#[derive(Debug)]
pub struct Flow {
    spec: Spec,
    pipelines: Vec<Pipeline>,
    /// Runs that are yet to begin, by when: the pipeline's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, RunSpec)>>,
    ids: Ids,
    start: Timestamp,
    revision: u64,
}

impl Flow {
    /// As it is at `start`: runs that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, pipeline) in spec.pipelines.iter().enumerate() {
            for run in &pipeline.runs {
                coming.entry(run.started.from(start)).or_default().push((place, run.clone()));
            }
        }
        let pipeline =
            |spec: &spec::PipelineSpec| Pipeline { spec: spec.clone(), runs: Vec::new(), records: Vec::new() };
        let pipelines = spec.pipelines.iter().map(pipeline).collect();
        let mut all = Self { spec: spec.clone(), pipelines, coming, ids: FIRST, start, revision: 0 };
        while let Some(at) = all.next().filter(|at| *at <= start) {
            all.advance(at);
        }
        all
    }

    /// Makes something happen that a script asks for.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn act(&mut self, now: Timestamp, action: &Action) -> Result<(), String> {
        self.revision += 1;
        let (Action::Push { pipeline, .. }
        | Action::Pass { pipeline, .. }
        | Action::Start { pipeline, .. }
        | Action::Next { pipeline, .. }
        | Action::Again { pipeline, .. }
        | Action::Stop { pipeline, .. }) = action;
        let Self { pipelines, ids, .. } = self;
        let found = pipelines.iter_mut().find(|one| one.spec.id == *pipeline);
        let found = found.ok_or_else(|| format!("flow: there is no pipeline {pipeline}"))?;
        let id_of = |run: &run::Run, kind: JobKind| {
            run.jobs.iter().find(|job| job.spec.kind == kind && job.word() == "WAITING").map(|job| job.id)
        };
        let done = match action {
            Action::Push { branch, commit, by, .. } => {
                let id = found.next_id();
                let (branch, commit, by) = (branch.clone(), commit.clone(), by.clone());
                let message = format!("release {branch}");
                found.begin(&RunSpec { id, branch, commit, message, by, ..RunSpec::default() }, now, ids);
                true
            }
            Action::Pass { run, pass, .. } => found
                .run(*run)
                .is_some_and(|one| id_of(one, JobKind::Validate).is_some_and(|job| one.answer(now, job, *pass))),
            Action::Start { run, .. } => found
                .run(*run)
                .is_some_and(|one| id_of(one, JobKind::Manual).is_some_and(|job| one.start(now, job, ids))),
            Action::Next { run, .. } => found.run(*run).is_some_and(|one| {
                one.jobs.iter_mut().filter_map(|job| job.order.as_mut()).any(|order| order.resume(now))
            }),
            Action::Again { run, job, .. } => {
                let id =
                    found.run(*run).and_then(|one| one.jobs.iter().find(|one| one.spec.name == *job).map(|one| one.id));
                id.is_some_and(|id| found.again(*run, id, now, "lee", ids))
            }
            Action::Stop { run, .. } => found.run(*run).is_some_and(|one| one.stop(now)),
        };
        found.advance(now, ids);
        if done { Ok(()) } else { Err(format!("flow: {action:?} cannot be done now")) }
    }
}

impl System for Flow {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        let moving = self.pipelines.iter().filter_map(Pipeline::next);
        moving.chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let mut moved = false;
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                if let Some(pipeline) = self.pipelines.get_mut(place) {
                    pipeline.begin(&spec, at, &mut self.ids);
                    moved = true;
                }
            }
        }
        for pipeline in &mut self.pipelines {
            moved |= pipeline.advance(now, &mut self.ids);
        }
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
