//! What was read of one pipeline, and when it is worth asking for more than where it is.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::time::{Timestamp, age},
    provider::codepipeline::api::{ActionExecution, Definition, Execution, State},
};

/// What does not move is asked about again after this.
const LONG: Duration = Duration::from_mins(30);

/// The executions that succeeded in a stage, newest first; or why they cannot be read.
pub(super) type Earlier = Result<Vec<Execution>, String>;

/// What was read of one pipeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) definition: Option<Definition>,
    /// The version that was asked for, whether or not it may be read.
    pub(super) asked_version: Option<i64>,
    pub(super) state: State,
    /// Newest first.
    pub(super) executions: Vec<Execution>,
    /// By stage, with what was in the stage when they were asked for.
    pub(super) earlier: BTreeMap<String, (Option<String>, Earlier)>,
    /// Of executions that run side by side, which its state does not tell: what their actions do.
    pub(super) actions: BTreeMap<String, Vec<ActionExecution>>,
    listed: Option<Timestamp>,
    stirred: bool,
}

impl Memory {
    /// Something was done there: all of it is read.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    /// Are its executions to be read anew, where it is here now? What runs changes without its state saying so.
    pub(super) fn wants_executions(&self, state: &State, now: Timestamp) -> bool {
        let lasting = self.listed.is_some_and(|at| age(now, at) < LONG);
        !lasting || self.stirred || self.is_moving() || self.state != *state
    }

    /// Takes its executions as they were read now.
    pub(super) fn take(&mut self, executions: Vec<Execution>, now: Timestamp) {
        self.executions = executions;
        self.executions.sort_by_key(|one| std::cmp::Reverse(one.start_time));
        (self.listed, self.stirred) = (Some(now), false);
        let live: Vec<String> = self.live().map(|one| one.id().to_owned()).collect();
        self.actions.retain(|execution, _| live.contains(execution));
    }

    /// The executions that have not ended.
    pub(super) fn live(&self) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(|one| one.is_live())
    }

    pub(super) fn is_moving(&self) -> bool {
        self.live().next().is_some()
    }

    pub(super) fn execution(&self, id: &str) -> Option<&Execution> {
        self.executions.iter().find(|one| one.id() == id)
    }

    /// What is in a stage, as far as it matters for what has succeeded there.
    pub(super) fn in_stage(&self, stage: &str) -> Option<String> {
        let found = self.state.stage_states.iter().find(|one| one.stage_name == stage)?;
        Some(format!("{} {}", found.latest()?, found.status()))
    }

    /// Do its executions run side by side? Then its state tells of the newest only.
    pub(super) fn is_parallel(&self) -> bool {
        let mode = self.definition.as_ref().and_then(|definition| definition.execution_mode.as_deref());
        let of_one = || self.executions.first().and_then(|one| one.execution_mode.as_deref());
        mode.or_else(of_one) == Some("PARALLEL")
    }
}
