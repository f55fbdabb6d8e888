//! What is known of a project's pipelines between two looks, and of which of them it is time to ask for the workflows again. A pipeline
//! that is in no list any more is kept while something of it has not ended. Pure: no requests here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    domain::{
        pipeline::RunStatus,
        time::{Timestamp, age},
    },
    provider::{
        circleci::{
            api,
            normalize::{Pipeline, status},
        },
        http::listed::Listed,
    },
};

/// Pipelines that are over and that are kept.
const MOST_OVER: usize = 20;
/// A look that comes this much early is in time.
const EARLY: Duration = Duration::from_secs(2);
/// Where only workflows tell that something was run again, the newest pipelines are asked for it so often.
const AGAIN: Duration = Duration::from_mins(5);
const NEWEST: usize = 3;
/// After so long a pipeline without workflows gets none any more, where nothing says whether it has ended.
const NO_WORKFLOW: Duration = Duration::from_mins(10);

/// A pipeline, and its workflows as they were read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) pipeline: Pipeline,
    /// Oldest first.
    pub(super) workflows: Vec<api::Workflow>,
    /// The jobs of those that have not ended, by their workflow.
    pub(super) jobs: BTreeMap<String, Listed<api::Job>>,
    /// When they were read, and what the pipeline's mark was then.
    read: Option<(Timestamp, String)>,
    /// Something was sent to it.
    stirred: bool,
    /// It was looked for in the project's own list, which tells who began it.
    asked: bool,
    /// Something that is live was deployed by it.
    pub(super) kept: bool,
}

impl Known {
    /// Has all of it ended, as far as is known?
    pub(super) fn is_over(&self) -> bool {
        let Some((at, _)) = &self.read else { return false };
        if self.workflows.is_empty() {
            // One that was just made has none yet; one whose configuration is wrong never gets any.
            let old = self.pipeline.created.is_some_and(|created| age(*at, created) >= NO_WORKFLOW);
            return self.pipeline.over.unwrap_or(old);
        }
        // One that has not ended may get another workflow, as one that sets up its own configuration does.
        self.pipeline.over != Some(false) && self.workflows.iter().all(|one| status(one).ended())
    }

    /// Were its workflows read at all?
    pub(super) fn is_read(&self) -> bool {
        self.read.is_some()
    }

    /// Does it move no more by itself, because somebody is waited for?
    fn rests(&self) -> bool {
        let moves = |one: &&api::Workflow| !status(one).ended() && status(one) != RunStatus::Waiting;
        !self.workflows.iter().any(|one| moves(&one))
    }

    /// `watched` are those that are asked whether somebody ran them again, because nothing else tells.
    fn is_due(&self, watched: bool, now: Timestamp, interval: Duration) -> bool {
        let Some((at, mark)) = &self.read else { return true };
        let old = age(now, *at) + EARLY;
        if self.stirred || *mark != self.pipeline.mark {
            return true;
        }
        if self.is_over() {
            return watched && old >= AGAIN;
        }
        !self.rests() || old >= interval
    }
}

/// The pipelines of one project.
#[derive(Debug, Default)]
pub(super) struct Memory {
    all: BTreeMap<String, Known>,
    /// When a list of all was read last, where that is asked for by project.
    pub(super) listed: Option<Timestamp>,
}

impl Memory {
    /// Takes what was just read of a pipeline; true where that is news.
    pub(super) fn take(&mut self, pipeline: Pipeline) -> bool {
        let known = self.all.entry(pipeline.id.clone()).or_default();
        let is_news = known.pipeline.id.is_empty() || known.pipeline.mark != pipeline.mark;
        let before = std::mem::replace(&mut known.pipeline, pipeline);
        // Either interface tells something that the other one does not.
        let now = &mut known.pipeline;
        now.number = now.number.or(before.number);
        now.actor = now.actor.take().or(before.actor);
        now.over = now.over.or(before.over);
        is_news
    }

    /// What the project's own list tells of a pipeline beside what is known of it.
    pub(super) fn tell(&mut self, pipeline: &Pipeline) {
        if let Some(known) = self.all.get_mut(&pipeline.id) {
            known.pipeline.number = known.pipeline.number.or(pipeline.number);
            known.pipeline.actor.clone_from(&pipeline.actor);
        }
    }

    /// Is there one that was not looked for in the project's own list?
    pub(super) fn asks(&self) -> bool {
        self.all.values().any(|known| !known.asked && known.pipeline.actor.is_none())
    }

    /// All were.
    pub(super) fn were_asked(&mut self) {
        self.all.values_mut().for_each(|known| known.asked = true);
    }

    /// Takes the workflows of a pipeline. `listed`: it is among those that were told of in this look.
    pub(super) fn read(&mut self, id: &str, mut workflows: Vec<api::Workflow>, listed: bool, now: Timestamp) {
        let Some(known) = self.all.get_mut(id) else { return };
        if !listed && workflows.iter().all(|one| status(one).ended()) {
            // What was said of it before is old.
            known.pipeline.over = known.pipeline.over.filter(|over| *over);
        }
        workflows.sort_by_key(|one| one.created_at);
        known.pipeline.number = known.pipeline.number.or(workflows.iter().find_map(|one| one.pipeline_number));
        known.read = Some((now, known.pipeline.mark.clone()));
        known.stirred = false;
        let live: BTreeSet<&str> =
            workflows.iter().filter(|one| !status(one).ended()).filter_map(|one| one.id.as_deref()).collect();
        known.jobs.retain(|id, _| live.contains(id.as_str()));
        known.workflows = workflows;
    }

    /// Takes the jobs of a workflow.
    pub(super) fn read_jobs(&mut self, pipeline: &str, workflow: &str, jobs: Listed<api::Job>) {
        if let Some(known) = self.all.get_mut(pipeline) {
            known.jobs.insert(workflow.to_owned(), jobs);
        }
    }

    /// A direct read said that it is not there any more.
    pub(super) fn forget(&mut self, id: &str) {
        self.all.remove(id);
    }

    /// Something was sent to a workflow, or to the project: what may have moved is read at the next look.
    pub(super) fn stir(&mut self, workflow: Option<&str>) {
        let has = |known: &Known| known.workflows.iter().any(|one| one.id.as_deref() == workflow);
        self.all.values_mut().filter(|known| has(known) || !known.is_over()).for_each(|known| known.stirred = true);
        self.listed = None;
    }

    /// The pipelines that deployed what is live, as far as they are known; the ids of the others.
    pub(super) fn keep(&mut self, live: &BTreeSet<String>) -> Vec<String> {
        for (id, known) in &mut self.all {
            known.kept = live.contains(id);
        }
        live.iter().filter(|id| !self.all.contains_key(*id)).cloned().collect()
    }

    /// Is nothing known of it?
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Does something of it move or wait?
    pub(super) fn waits(&self) -> bool {
        self.all.values().any(|known| known.is_read() && !known.is_over())
    }

    /// Is this another one than was known?
    pub(super) fn is_news(&self, pipeline: &Pipeline) -> bool {
        self.all.get(&pipeline.id).is_none_or(|known| known.pipeline.mark != pipeline.mark)
    }

    /// The pipelines of which it is time to ask for the workflows: what has not ended first, then the newest. `alone`: nothing else tells
    /// whether one was run again.
    pub(super) fn due(&self, now: Timestamp, interval: Duration, alone: bool) -> Vec<String> {
        let mut all: Vec<&Known> = self.all.values().collect();
        all.sort_by_key(|known| Reverse(known.pipeline.created));
        let due = all.iter().enumerate().filter(|(place, known)| known.is_due(alone && *place < NEWEST, now, interval));
        let mut due: Vec<&Known> = due.map(|(_, known)| *known).collect();
        due.sort_by_key(|known| known.pipeline.over == Some(true));
        due.into_iter().map(|known| known.pipeline.id.clone()).collect()
    }

    /// Everything known, newest first. Of those that are over only the newest are kept, and what deployed what is live.
    pub(super) fn newest_first(&mut self) -> Vec<Known> {
        let mut all: Vec<Known> = self.all.values().cloned().collect();
        all.sort_by_key(|known| Reverse((known.pipeline.created, known.pipeline.number)));
        let mut ended = 0;
        all.retain(|known| {
            let over = known.is_over() || !known.is_read() && known.pipeline.over == Some(true);
            ended += usize::from(over);
            !over || known.kept || ended <= MOST_OVER
        });
        let kept: BTreeSet<&String> = all.iter().map(|known| &known.pipeline.id).collect();
        self.all.retain(|id, _| kept.contains(id));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    fn pipeline(id: &str, second: i64, mark: &str) -> Pipeline {
        let over = Some(mark.starts_with("ended"));
        Pipeline { id: id.to_owned(), created: Some(at(second)), mark: mark.to_owned(), over, ..Pipeline::default() }
    }

    fn workflow(id: &str, status: &str) -> api::Workflow {
        api::Workflow { id: Some(id.to_owned()), status: Some(status.to_owned()), ..api::Workflow::default() }
    }

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn what_runs_is_read_at_each_look_what_holds_once_in_an_interval_and_what_ended_when_it_moved() {
        let mut memory = Memory::default();
        for (id, mark) in [("runs", "started "), ("holds", "started "), ("ended", "ended succeeded")] {
            assert!(memory.take(pipeline(id, 1, mark)));
        }
        assert_eq!(memory.due(at(0), INTERVAL, false).len(), 3);
        for (id, status) in [("runs", "running"), ("holds", "on_hold"), ("ended", "success")] {
            memory.read(id, vec![workflow(id, status)], true, at(0));
        }
        assert_eq!(memory.due(at(5), INTERVAL, false), ["runs"]);
        assert_eq!(memory.due(at(28), INTERVAL, false), ["holds", "runs"]);
        assert!(!memory.take(pipeline("ended", 1, "ended succeeded")));
        assert!(memory.take(pipeline("ended", 1, "started ")), "somebody runs it again");
        assert_eq!(memory.due(at(5), INTERVAL, false), ["ended", "runs"]);
        memory.stir(Some("holds"));
        assert_eq!(memory.due(at(5), INTERVAL, false), ["ended", "holds", "runs"]);
    }

    #[test]
    fn a_pipeline_that_goes_on_gets_its_next_workflow_and_one_that_no_list_has_any_more_has_ended() {
        let mut memory = Memory::default();
        memory.take(pipeline("sets-up", 1, "started "));
        memory.read("sets-up", vec![workflow("setup", "success")], true, at(0));
        assert!(memory.waits());
        assert_eq!(memory.due(at(30), INTERVAL, false), ["sets-up"]);
        memory.read("sets-up", vec![workflow("setup", "success")], false, at(30));
        assert!(!memory.waits());
    }

    #[test]
    fn where_nothing_else_tells_of_it_the_newest_are_asked_whether_somebody_ran_them_again() {
        let mut memory = Memory::default();
        for second in 0..5 {
            let id = second.to_string();
            memory.take(Pipeline { over: None, ..pipeline(&id, second, "created") });
            memory.read(&id, vec![workflow(&id, "success")], true, at(0));
        }
        assert_eq!(memory.due(at(60), INTERVAL, true), [""; 0]);
        assert_eq!(memory.due(at(300), INTERVAL, true), ["4", "3", "2"]);
    }

    #[test]
    fn what_is_over_does_not_pile_up_and_what_deployed_what_is_live_stays() {
        let mut memory = Memory::default();
        for second in 0..40 {
            let id = format!("p{second:02}");
            memory.take(pipeline(&id, second, "ended succeeded"));
            memory.read(&id, vec![workflow(&id, "success")], true, at(0));
        }
        let live = BTreeSet::from(["p03".to_owned(), "gone".to_owned()]);
        assert_eq!(memory.keep(&live), ["gone"]);
        let kept = memory.newest_first();
        assert_eq!((kept.len(), kept.last().map(|known| known.pipeline.id.as_str())), (MOST_OVER + 1, Some("p03")));
    }
}
