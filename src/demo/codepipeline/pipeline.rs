//! How executions of a pipeline move from stage to stage: one at a time in each, unless they run side by side; held before one whose
//! transition is disabled, where a newer one takes the place of an older, unless they queue.

use crate::{
    demo::codepipeline::{
        execution::{Doing, Execution, Place, id},
        spec::{ExecutionSpec, Mode, PipelineSpec},
    },
    domain::time::Timestamp,
};

/// A transition into a stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Transition {
    /// Who disabled it, and why.
    pub(super) held: Option<(String, String)>,
    /// When it was changed last, and by whom.
    pub(super) changed: Option<(Timestamp, Option<String>)>,
}

/// What of a stage is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Failed,
    All,
}

/// A pipeline, with its executions, oldest first.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) spec: PipelineSpec,
    pub(super) executions: Vec<Execution>,
    pub(super) transitions: Vec<Transition>,
    /// What was in each stage last.
    pub(super) latest: Vec<Option<String>>,
    /// What was started, by the token of whoever started it.
    pub(super) started: Vec<(String, String)>,
}

impl Pipeline {
    pub(super) fn new(spec: &PipelineSpec, start: Timestamp) -> Self {
        let transition = |stage: &crate::demo::codepipeline::spec::StageSpec| {
            let held = stage.held.as_ref();
            let by = held.map(|held| format!("arn:aws:iam::123456789012:user/{}", held.by));
            let changed = held.map(|held| (held.since.from(start), by.clone()));
            Transition { held: by.zip(held.map(|held| held.reason.clone())), changed }
        };
        let transitions = spec.stages.iter().map(transition).collect();
        let latest = spec.stages.iter().map(|_| None).collect();
        Self { spec: spec.clone(), executions: Vec::new(), transitions, latest, started: Vec::new() }
    }

    pub(super) fn execution(&self, id: &str) -> Option<&Execution> {
        self.executions.iter().find(|one| one.id == id)
    }

    fn execution_mut(&mut self, id: &str) -> Option<&mut Execution> {
        self.executions.iter_mut().find(|one| one.id == id)
    }

    /// The newest execution whose commit begins so.
    pub(super) fn of_commit(&self, commit: &str) -> Result<&Execution, String> {
        let found = self.executions.iter().rev().find(|one| one.spec.commit.starts_with(commit));
        found.ok_or_else(|| format!("codepipeline: {} has no execution of {commit}", self.spec.name))
    }

    pub(super) fn stage(&self, name: &str) -> Option<usize> {
        self.spec.stages.iter().position(|stage| stage.name == name)
    }

    /// Begins an execution; its id.
    pub(super) fn begin(&mut self, spec: ExecutionSpec, now: Timestamp) -> String {
        let count = self.executions.len().to_string();
        let id = id([self.spec.name.as_str(), spec.commit.as_str(), count.as_str()]);
        let mut execution = Execution::new(id.clone(), &self.spec.stages, spec, now);
        if let Some(first) = execution.stays.first_mut() {
            first.place = Place::Inbound(now);
        }
        self.executions.push(execution);
        self.advance(now);
        id
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.executions.iter().filter_map(Execution::next).min()
    }

    /// Moves everything that is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        loop {
            let mut moved = false;
            for execution in &mut self.executions {
                let (changed, left) = execution.advance(now);
                moved |= changed;
                let Some(place) = left else { continue };
                let last = execution.back_to.is_some() || place + 1 == execution.stays.len();
                match execution.stays.get_mut(place + 1).filter(|_| !last) {
                    Some(behind) => behind.place = Place::Inbound(now),
                    None => execution.status = "Succeeded",
                }
            }
            for place in (0..self.spec.stages.len()).rev() {
                moved |= self.enter(place, now);
            }
            if !moved {
                return any;
            }
            any = true;
        }
    }

    /// Lets in what may enter a stage.
    fn enter(&mut self, place: usize, now: Timestamp) -> bool {
        if self.transitions.get(place).is_some_and(|transition| transition.held.is_some()) {
            return self.supersede(place, now);
        }
        let mode = self.spec.mode;
        let at = |execution: &Execution, wanted: fn(Place) -> bool| {
            execution.stays.get(place).is_some_and(|stay| wanted(stay.place))
        };
        let taken = self.executions.iter().any(|one| one.is_live() && at(one, |place| place == Place::In));
        if taken && mode != Mode::Parallel {
            return self.supersede(place, now);
        }
        let waiting: Vec<usize> = (0..self.executions.len())
            .filter(|index| {
                self.executions
                    .get(*index)
                    .is_some_and(|one| one.is_live() && at(one, |place| matches!(place, Place::Inbound(_))))
            })
            .collect();
        let first = match mode {
            Mode::Superseded => waiting.last(),
            Mode::Queued | Mode::Parallel => waiting.first(),
        };
        let Some(execution) = first.and_then(|index| self.executions.get_mut(*index)) else { return false };
        if let Some(stay) = execution.stays.get_mut(place) {
            stay.place = Place::In;
        }
        execution.moved = now;
        if let Some(latest) = self.latest.get_mut(place) {
            *latest = Some(execution.id.clone());
        }
        self.supersede(place, now);
        true
    }

    /// Where a newer one waits to enter, older ones do no more.
    fn supersede(&mut self, place: usize, now: Timestamp) -> bool {
        if self.spec.mode != Mode::Superseded {
            return false;
        }
        let mut newer = false;
        let mut moved = false;
        for execution in self.executions.iter_mut().rev().filter(|one| one.is_live()) {
            let waits = execution.stays.get(place).is_some_and(|stay| matches!(stay.place, Place::Inbound(_)));
            let there = waits || execution.stays.get(place).is_some_and(|stay| stay.place == Place::In);
            if waits && newer {
                execution.give_up(now, "Superseded");
                moved = true;
            }
            newer |= there;
        }
        moved
    }

    /// Answers the approval that has this token; false where none has.
    pub(super) fn answer(&mut self, now: Timestamp, token: &str, approve: bool, summary: Option<&str>) -> bool {
        let acts = self.executions.iter_mut().flat_map(|one| &mut one.stays).flat_map(|stay| &mut stay.acts);
        let mut found = false;
        for act in acts {
            if let Doing::Waiting { since, token: own, .. } = &act.doing
                && own == token
            {
                let status = if approve { "Succeeded" } else { "Failed" };
                let said = summary.map(str::to_owned);
                act.doing = Doing::Over { since: *since, at: now, status, said };
                found = true;
            }
        }
        if found {
            self.advance(now);
        }
        found
    }

    /// Disables or enables the transition into a stage.
    pub(super) fn hold(&mut self, stage: &str, held: Option<(String, String)>, now: Timestamp) -> Result<(), String> {
        let place = self.stage(stage).ok_or_else(|| format!("there is no stage {stage}"))?;
        if let Some(transition) = self.transitions.get_mut(place) {
            let by = held.as_ref().map(|(by, _)| by.clone());
            *transition = Transition { held, changed: Some((now, by)) };
        }
        self.advance(now);
        Ok(())
    }

    /// Stops an execution: at once, or when what runs in it has ended.
    pub(super) fn stop(
        &mut self,
        now: Timestamp,
        id: &str,
        abandon: bool,
        reason: Option<String>,
    ) -> Result<(), String> {
        let found = self.execution_mut(id).ok_or("there is no such execution")?;
        if !found.is_live() {
            return Err("PipelineExecutionNotStoppableException".to_owned());
        }
        if found.status == "Stopping" && !abandon {
            return Err("DuplicatedStopRequestException".to_owned());
        }
        found.stop_reason = reason;
        let runs = found.stays.iter().flat_map(|stay| &stay.acts).any(|act| matches!(act.doing, Doing::Running { .. }));
        if abandon || !runs {
            found.give_up(now, "Stopped");
        } else {
            found.status = "Stopping";
        }
        self.advance(now);
        Ok(())
    }

    /// Tries the stage again in which an execution failed.
    pub(super) fn retry(&mut self, now: Timestamp, id: &str, what: Retry) -> Result<(), String> {
        let found = self.execution_mut(id).ok_or("there is no such execution")?;
        let stay = found.stays.iter_mut().find(|stay| matches!(stay.place, Place::Ended("Failed" | "Stopped")));
        let stay = stay.ok_or("StageNotRetryableException")?;
        let good = |doing: &Doing| matches!(doing, Doing::Over { status: "Succeeded", .. });
        for act in &mut stay.acts {
            if act.doing != Doing::Later && (what == Retry::All || !good(&act.doing)) {
                act.anew();
            }
        }
        (stay.place, stay.retries) = (Place::In, stay.retries + 1);
        (found.status, found.moved) = ("InProgress", now);
        self.advance(now);
        Ok(())
    }

    /// Puts an execution back in a stage: another execution, of that stage alone. Its id.
    pub(super) fn roll_back(&mut self, now: Timestamp, place: usize, target: &str) -> Option<String> {
        let spec = ExecutionSpec { trouble: None, answered: None, ..self.execution(target)?.spec.clone() };
        let count = self.executions.len().to_string();
        let id = id([self.spec.name.as_str(), "back", count.as_str()]);
        let mut execution = Execution::new(id.clone(), &self.spec.stages, spec, now);
        execution.back_to = Some(target.to_owned());
        for act in execution.stays.iter_mut().flat_map(|stay| &mut stay.acts) {
            act.spec.fails = None;
        }
        execution.stays.get_mut(place)?.place = Place::In;
        *self.latest.get_mut(place)? = Some(id.clone());
        self.executions.push(execution);
        self.advance(now);
        Some(id)
    }
}
