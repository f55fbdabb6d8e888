//! A pretended AWS CodePipeline, with as much of CodeBuild, CloudWatch Logs and STS as its executions lead to: pipelines, stages with their
//! transitions, approvals with tokens, retries, roll backs, logs, over AWS's JSON 1.1 protocol, signed.
//!
//! It is a fake, so it is checked against AWS's published examples and model, and against a client that is not ours (botocore), whose
//! signatures it verifies by itself. `spec` is the scenario's side, `pipeline` how executions move from stage to stage, `execution` how one
//! moves within a stage, `wire` the JSON, `route` the operations.

mod blueprint;
mod execution;
mod pipeline;
mod route;
pub mod spec;
mod wire;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

pub(crate) use self::blueprint::KIND;
use self::{
    pipeline::{Pipeline, Retry},
    spec::{Action, ExecutionSpec, Spec},
};
use crate::{
    demo::{
        system::{Reply, System},
        time::Offset,
    },
    domain::time::Timestamp,
};

/// AWS, one region of one account.
#[derive(Debug)]
pub struct CodePipeline {
    spec: Spec,
    pipelines: Vec<Pipeline>,
    /// Executions that are yet to begin, by when: the pipeline's place, and what the scenario says.
    coming: BTreeMap<Timestamp, Vec<(usize, ExecutionSpec)>>,
    /// The second that is counted, and the requests in it.
    second: (i64, u32),
    revision: u64,
}

impl CodePipeline {
    /// As it is at `start`: executions that began before have moved on to where they are then.
    pub fn new(spec: &Spec, start: Timestamp) -> Self {
        let mut coming = BTreeMap::<_, Vec<_>>::new();
        for (place, pipeline) in spec.pipelines.iter().enumerate() {
            for execution in &pipeline.executions {
                coming.entry(execution.started.from(start)).or_default().push((place, execution.clone()));
            }
        }
        let pipelines = spec.pipelines.iter().map(|spec| Pipeline::new(spec, start)).collect();
        let mut all = Self { spec: spec.clone(), pipelines, coming, second: (0, 0), revision: 0 };
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
        | Action::Answer { pipeline, .. }
        | Action::Hold { pipeline, .. }
        | Action::Release { pipeline, .. }
        | Action::Stop { pipeline, .. }
        | Action::Retry { pipeline, .. }) = action;
        let arn = |who: &str| self.spec.arn(who);
        let found = self.pipelines.iter_mut().find(|one| one.spec.name == *pipeline);
        let found = found.ok_or_else(|| format!("codepipeline: there is no pipeline '{pipeline}'"))?;
        match action {
            Action::Push { commit, title, by, .. } => {
                let (commit, by) = (commit.clone(), by.clone());
                found.begin(ExecutionSpec { commit, title: title.clone(), by, ..ExecutionSpec::default() }, now);
            }
            Action::Answer { commit, approve, .. } => {
                let token = found
                    .of_commit(commit)?
                    .token()
                    .ok_or_else(|| format!("codepipeline: {commit} waits for no approval"))?;
                found.answer(now, &token, *approve, None);
            }
            Action::Hold { stage, by, reason, .. } => found.hold(stage, Some((arn(by), reason.clone())), now)?,
            Action::Release { stage, .. } => found.hold(stage, None, now)?,
            Action::Stop { commit, .. } => {
                let id = found.of_commit(commit)?.id.clone();
                found.stop(now, &id, true, None)?;
            }
            Action::Retry { commit, .. } => {
                let id = found.of_commit(commit)?.id.clone();
                found.retry(now, &id, Retry::Failed)?;
            }
        }
        Ok(())
    }
}

impl System for CodePipeline {
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
                    pipeline.begin(ExecutionSpec { started: Offset::default(), ..spec }, at);
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
