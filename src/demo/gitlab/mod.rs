//! A pretended GitLab: projects with pipelines, jobs, deployments that wait for approvals, and logs, over REST and GraphQL.
//!
//! It is a fake, so it is checked against GitLab's published examples and against a client that is not ours (python-gitlab). `spec` is
//! the scenario's side, `pipeline` how pipelines move, `wire` the JSON, `graphql` the questions about many, `route` the endpoints.

mod blueprint;
mod graphql;
mod pipeline;
mod route;
pub mod spec;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    pipeline::{Approval, Ids, Pipeline},
    spec::{Action, PipelineSpec, ProjectSpec, Spec},
};
use crate::{
    demo::{
        system::{Reply, System},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// Where the numbers of jobs and of deployments begin.
const FIRST: Ids = Ids { job: 70_000, deployment: 4_000 };

/// A project, with its pipelines, oldest first.
#[derive(Debug)]
struct Project {
    id: u64,
    spec: ProjectSpec,
    pipelines: Vec<Pipeline>,
}

/// GitLab.
#[derive(Debug)]
pub struct Gitlab {
    spec: Spec,
    /// The minute that is counted, and the requests in it.
    minute: (i64, u64),
    projects: Vec<Project>,
    /// Pipelines that are yet to begin, by when: the project's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, PipelineSpec)>>,
    ids: Ids,
    revision: u64,
}

impl Gitlab {
    /// As it is at `start`: pipelines that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let spec = &spec.clone().served();
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, project) in spec.projects.iter().enumerate() {
            for pipeline in &project.pipelines {
                coming.entry(pipeline.started.from(start)).or_default().push((place, pipeline.clone()));
            }
        }
        let project = |(spec, id): (&ProjectSpec, u64)| Project { id, spec: spec.clone(), pipelines: Vec::new() };
        let projects = spec.projects.iter().zip(1..).map(project).collect();
        let mut all = Self { spec: spec.clone(), minute: (0, 0), projects, coming, ids: FIRST, revision: 0 };
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
        let Self { projects, ids, .. } = self;
        let (Action::Push { project, .. }
        | Action::Approve { project, .. }
        | Action::Play { project, .. }
        | Action::Retry { project, .. }
        | Action::Cancel { project, .. }) = action;
        let found = projects.iter_mut().find(|one| one.spec.path == *project);
        let found = found.ok_or_else(|| format!("gitlab: there is no project '{project}'"))?;
        match action {
            Action::Push { reference, commit, by, .. } => {
                let spec = pushed(found.next_id(), reference, commit, by);
                found.begin(&spec, now, ids);
            }
            Action::Approve { pipeline, by, approve, .. } => {
                let one = found.pipeline(*pipeline)?;
                let waits = one.latest().find(|job| job.deployed() == "blocked").map(|job| job.id);
                let id = waits.ok_or_else(|| format!("gitlab: no deployment of pipeline {pipeline} waits"))?;
                let word = if *approve { "approved" } else { "rejected" };
                one.say(now, id, Approval { by: by.clone(), word, comment: None, at: now });
            }
            Action::Play { pipeline, job, .. } => {
                let one = found.pipeline(*pipeline)?;
                let id = one.latest().find(|one| one.spec.name == *job).map(|job| job.id);
                if !id.is_some_and(|id| one.play(now, id)) {
                    return Err(format!("gitlab: job '{job}' of pipeline {pipeline} waits for no hand"));
                }
            }
            Action::Retry { pipeline, .. } => found.pipeline(*pipeline)?.retry_all(now, ids),
            Action::Cancel { pipeline, .. } => found.pipeline(*pipeline)?.cancel(now),
        }
        Ok(())
    }

    /// The projects that whoever holds the token may see.
    fn visible(&self) -> impl Iterator<Item = &Project> {
        self.projects.iter().filter(|project| project.spec.access > 0)
    }

    /// Begins the pipelines of bridges whose turn has come, in the projects that they name.
    fn begin_bridged(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        for place in 0..self.projects.len() {
            let Some((id, job, target, spec)) = self.projects.get(place).and_then(bridge) else { continue };
            let Some(other) = self.projects.iter_mut().find(|one| one.spec.path == target) else { continue };
            let made = PipelineSpec { id: other.next_id(), trouble: None, ..spec };
            other.begin(&made, now, &mut self.ids);
            let bridge = self.projects.get_mut(place).and_then(|project| project.pipeline(id).ok()?.job(job));
            if let Some(job) = bridge {
                job.began = Some(made.id);
            }
            moved = true;
        }
        moved
    }
}

/// A bridge that runs and has begun nothing yet: its pipeline, its job, whose pipeline it begins, and of which commit.
fn bridge(project: &Project) -> Option<(u64, u64, String, PipelineSpec)> {
    project.pipelines.iter().find_map(|pipeline| {
        let job = pipeline
            .latest()
            .find(|job| job.spec.trigger.is_some() && job.began.is_none() && job.word() == "running")?;
        let mut spec = pipeline.spec.clone();
        spec.upstream = Some((project.spec.path.clone(), spec.id));
        Some((pipeline.spec.id, job.id, job.spec.trigger.clone()?, spec))
    })
}

fn pushed(id: u64, reference: &str, commit: &str, by: &str) -> PipelineSpec {
    PipelineSpec {
        id,
        reference: reference.to_owned(),
        commit: commit.to_owned(),
        title: format!("Release {reference}"),
        user: by.to_owned(),
        started: Offset::default(),
        pace: 100,
        trouble: None,
        approved: Vec::new(),
        through: false,
        files: Vec::new(),
        upstream: None,
    }
}

impl Project {
    fn begin(&mut self, spec: &PipelineSpec, now: Timestamp, ids: &mut Ids) {
        self.pipelines.push(Pipeline::new(&self.spec, spec, now, ids));
    }

    fn pipeline(&mut self, id: u64) -> Result<&mut Pipeline, String> {
        let found = self.pipelines.iter_mut().find(|pipeline| pipeline.spec.id == id);
        found.ok_or_else(|| format!("gitlab: {} has no pipeline {id}", self.spec.path))
    }

    /// The id that the next pipeline gets.
    fn next_id(&self) -> u64 {
        self.pipelines.iter().map(|pipeline| pipeline.spec.id).max().unwrap_or(100) + 1
    }
}

impl System for Gitlab {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        let moving = self.projects.iter().flat_map(|project| &project.pipelines).filter_map(Pipeline::next);
        moving.chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let mut moved = false;
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                if let Some(project) = self.projects.get_mut(place) {
                    project.begin(&spec, at, &mut self.ids);
                    moved = true;
                }
            }
        }
        for pipeline in self.projects.iter_mut().flat_map(|project| &mut project.pipelines) {
            moved |= pipeline.advance(now, &mut self.ids);
        }
        moved |= self.begin_bridged(now);
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
