//! A pretended Buildkite: organisations with pipelines, builds, jobs, block steps and logs, over its REST API.
//!
//! It is a fake, so it is checked against Buildkite's published examples, not against our own client. `spec` is the scenario's
//! side, `build` how builds move, `wire` the JSON, `route` the endpoints.

mod blueprint;
mod build;
mod route;
pub mod spec;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    build::{Build, Pipeline},
    spec::{Action, AgentSpec, BuildSpec, Spec},
};
use crate::{
    demo::{
        system::{Reply, System},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// Buildkite.
#[derive(Debug)]
pub struct Buildkite {
    user: String,
    /// As `Authorization` has it.
    token: String,
    scopes: Vec<String>,
    limit: u64,
    /// The minute that is counted, and the requests in it.
    minute: (i64, u64),
    agents: Vec<AgentSpec>,
    pipelines: Vec<Pipeline>,
    /// Builds that are yet to begin, by when: the pipeline's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, BuildSpec)>>,
    revision: u64,
}

impl Buildkite {
    /// As it is at `start`: builds that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let spec = &spec.clone().served();
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, pipeline) in spec.pipelines.iter().enumerate() {
            for build in &pipeline.builds {
                coming.entry(build.started.from(start)).or_default().push((place, build.clone()));
            }
        }
        let pipelines = spec.pipelines.iter().map(Pipeline::new).collect();
        let (user, scopes) = (spec.user.clone(), spec.scopes.clone());
        let (token, limit, minute, revision) = (format!("Bearer {}", spec.token), spec.rate_limit, (0, 0), 0);
        let mut all =
            Self { user, token, scopes, limit, minute, agents: spec.agents.clone(), pipelines, coming, revision };
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
        match action {
            Action::Push { pipeline, branch, commit, by } => {
                let pipeline = self.pipeline(pipeline)?;
                let (branch, commit, creator) = (branch.clone(), commit.clone(), by.clone());
                let (number, message, started) = (pipeline.next_number(), commit.clone(), Offset::default());
                let spec = BuildSpec { number, message, branch, commit, creator, started, pace: 100, trouble: None };
                pipeline.begin(&spec, now, None);
            }
            Action::Unblock { pipeline, build, by } => {
                let one = self.build(pipeline, *build)?;
                let waits = one.jobs.iter().find(|job| job.stage == build::Stage::Blocked).map(|job| job.id.clone());
                if !waits.is_some_and(|id| one.unblock(now, &id, by)) {
                    return Err(format!("buildkite: build {build} of {pipeline} waits for nobody"));
                }
            }
            Action::Cancel { pipeline, build } => {
                if !self.build(pipeline, *build)?.cancel(now) {
                    return Err(format!("buildkite: build {build} of {pipeline} has ended"));
                }
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, name: &str) -> Result<&mut Pipeline, String> {
        let found = self.pipelines.iter_mut().find(|pipeline| pipeline.is(name));
        found.ok_or_else(|| format!("buildkite: there is no pipeline '{name}'"))
    }

    fn build(&mut self, pipeline: &str, number: u64) -> Result<&mut Build, String> {
        let found = self.pipeline(pipeline)?.builds.iter_mut().find(|build| build.number == number);
        found.ok_or_else(|| format!("buildkite: {pipeline} has no build {number}"))
    }
}

impl System for Buildkite {
    fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        Reply::Whole(self.answer(now, request))
    }

    fn next(&self) -> Option<Timestamp> {
        self.pipelines.iter().filter_map(Pipeline::next).chain(self.coming.keys().next().copied()).min()
    }

    fn advance(&mut self, now: Timestamp) {
        let mut moved = false;
        while let Some(due) = self.coming.first_entry().filter(|due| *due.key() <= now) {
            let at = *due.key();
            for (place, spec) in due.remove() {
                if let Some(pipeline) = self.pipelines.get_mut(place) {
                    pipeline.begin(&spec, at, None);
                    moved = true;
                }
            }
        }
        for pipeline in &mut self.pipelines {
            moved |= pipeline.advance(now);
        }
        self.revision += u64::from(moved);
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
