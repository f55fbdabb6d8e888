//! A pretended CircleCI: projects with pipelines, workflows, jobs, holds, logs and deploy markers, over `/api/v2` and, where the scenario says
//! so, `/api/v3`.
//!
//! It is a fake, so it is checked against what CircleCI's own programs read and pretend, not against our own client. `spec` is the
//! scenario's side, `pipeline` how workflows move, `wire` the JSON, `route` the endpoints, `deploy` those of deploy markers.

mod blueprint;
mod deploy;
mod pipeline;
mod route;
pub mod spec;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    deploy::Mark,
    pipeline::{Pipeline, Stage},
    spec::{Action, PipelineSpec, ProjectSpec, Spec},
};
use crate::{
    demo::{
        rest::uuid,
        system::{Reply, System},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// CircleCI.
#[derive(Debug)]
pub struct Circleci {
    spec: Spec,
    /// The minute that is counted, and the requests in it.
    minute: (i64, u64),
    projects: Vec<Project>,
    /// Pipelines that are yet to begin, by when: the project's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, PipelineSpec)>>,
    start: Timestamp,
    revision: u64,
}

/// A project.
#[derive(Debug)]
struct Project {
    id: String,
    spec: ProjectSpec,
    /// Oldest first.
    pipelines: Vec<Pipeline>,
    /// What was deployed, oldest first.
    marks: Vec<Mark>,
}

/// The id of an organisation.
fn org_of(slug: &str) -> String {
    let org = slug.rsplit_once('/').map_or(slug, |(org, _)| org);
    uuid(&["org", org])
}

impl Project {
    fn new(spec: &ProjectSpec) -> Self {
        let id = uuid(&["project", &spec.slug]);
        Self { id, spec: spec.clone(), pipelines: Vec::new(), marks: Vec::new() }
    }

    fn begin(&mut self, spec: &PipelineSpec, now: Timestamp, start: Timestamp) {
        let mut made = Pipeline::begin(&self.spec.slug, &self.spec.workflow, &self.spec.jobs, spec, now);
        made.again = spec.again.map(|at| at.from(start));
        self.pipelines.push(made);
        self.mark();
    }

    fn next_number(&self) -> u64 {
        self.pipelines.iter().map(|one| one.spec.number).max().unwrap_or_default() + 1
    }

    fn advance(&mut self, now: Timestamp) -> bool {
        let moved = self.pipelines.iter_mut().fold(false, |moved, one| one.advance(now) | moved);
        if moved {
            self.mark();
        }
        moved
    }

    /// Writes down what jobs that ended well say they deployed.
    fn mark(&mut self) {
        for pipeline in &self.pipelines {
            for workflow in &pipeline.workflows {
                for job in &workflow.jobs {
                    let Some(mark) = &job.spec.marks else { continue };
                    let Stage::Ended { at, status: "success", .. } = job.stage else { continue };
                    if self.marks.iter().any(|known| known.job == job.id) {
                        continue;
                    }
                    let name = workflow.puts_back.clone().unwrap_or_else(|| deploy::version(&pipeline.spec));
                    self.marks.push(Mark {
                        component: mark.component.clone(),
                        environment: mark.environment.clone(),
                        name,
                        at,
                        pipeline: pipeline.id.clone(),
                        workflow: workflow.id.clone(),
                        job: job.id.clone(),
                    });
                }
            }
        }
        self.marks.sort_by_key(|mark| mark.at);
    }

    fn pipeline(&mut self, number: u64) -> Result<&mut Pipeline, String> {
        let found = self.pipelines.iter_mut().find(|one| one.spec.number == number);
        found.ok_or_else(|| format!("circleci: {} has no pipeline {number}", self.spec.slug))
    }

    /// What a push to a branch does to the older pipelines of it.
    fn cancel_older(&mut self, branch: &str, now: Timestamp) {
        for pipeline in self.pipelines.iter_mut().filter(|one| one.spec.branch.as_deref() == Some(branch)) {
            for workflow in &mut pipeline.workflows {
                workflow.cancel(now);
            }
        }
    }
}

impl Circleci {
    /// As it is at `start`: pipelines that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, project) in spec.projects.iter().enumerate() {
            for pipeline in &project.pipelines {
                coming.entry(pipeline.started.from(start)).or_default().push((place, pipeline.clone()));
            }
        }
        let projects = spec.projects.iter().map(Project::new).collect();
        let (minute, revision) = ((0, 0), 0);
        let mut all = Self { spec: spec.clone(), minute, projects, coming, start, revision };
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
        let start = self.start;
        match action {
            Action::Push { project, branch, commit, by } => {
                let project = self.of(project)?;
                if project.spec.auto_cancel {
                    project.cancel_older(branch, now);
                }
                let spec = pushed(project.next_number(), Some(branch), None, commit, by);
                project.begin(&spec, now, start);
            }
            Action::Approve { project, pipeline, by: _ } => {
                let found = self.of(project)?.pipeline(*pipeline)?;
                if !found.workflows.iter_mut().any(|one| one.approve(now, None, true)) {
                    return Err(format!("circleci: pipeline {pipeline} of {project} holds nowhere"));
                }
            }
            Action::Cancel { project, pipeline } => {
                let found = self.of(project)?.pipeline(*pipeline)?;
                if !found.workflows.iter_mut().any(|one| one.cancel(now)) {
                    return Err(format!("circleci: pipeline {pipeline} of {project} has ended"));
                }
            }
            Action::Mark { project, component, environment, version } => {
                let project = self.of(project)?;
                let id = |what: &str| uuid(&[what, &project.id, version]);
                let (pipeline, workflow, job) = (id("pipeline"), id("workflow"), id("job"));
                let (component, environment, name) = (component.clone(), environment.clone(), version.clone());
                project.marks.push(Mark { component, environment, name, at: now, pipeline, workflow, job });
            }
        }
        Ok(())
    }

    fn of(&mut self, slug: &str) -> Result<&mut Project, String> {
        let found = self.projects.iter_mut().find(|project| project.spec.slug == slug);
        found.ok_or_else(|| format!("circleci: there is no project '{slug}'"))
    }
}

/// A pipeline that somebody begins now.
fn pushed(number: u64, branch: Option<&str>, tag: Option<&str>, commit: &str, by: &str) -> PipelineSpec {
    PipelineSpec {
        number,
        branch: branch.map(str::to_owned),
        tag: tag.map(str::to_owned),
        commit: commit.to_owned(),
        subject: commit.get(..7).unwrap_or(commit).to_owned(),
        user: by.to_owned(),
        started: Offset::default(),
        pace: 100,
        trouble: None,
        again: None,
        through: false,
    }
}

impl System for Circleci {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        let moving = self.projects.iter().flat_map(|project| &project.pipelines).filter_map(Pipeline::next);
        moving.chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let (mut moved, start) = (false, self.start);
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                if let Some(project) = self.projects.get_mut(place) {
                    project.begin(&spec, at, start);
                    moved = true;
                }
            }
        }
        for project in &mut self.projects {
            moved |= project.advance(now);
        }
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
