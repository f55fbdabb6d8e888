//! What is known of a project's pipelines between two looks. Lists are cut at their newest entries: a pipeline that was not over and is
//! in no list any more is kept until a direct read says what became of it. Pure: no requests here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::provider::{
    gitlab::{
        api::{self, Pipeline},
        back::Deployed,
        normalize::over,
    },
    http::kept::Kept,
};

/// Pipelines that are over and that are kept.
const MOST_OVER: usize = 30;

/// One project.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pipelines: BTreeMap<u64, Pipeline>,
    /// Its page.
    pub(super) web: Option<String>,
    /// The role of whoever asks, as GitLab counts them.
    pub(super) level: Option<u32>,
    /// What was deployed last and well, by GitLab's name of the environment.
    pub(super) live: BTreeMap<String, api::Last>,
    /// The deployments that ended well, newest first, and of which ids they were the newest.
    pub(super) history: Kept<Vec<Deployed>>,
    pub(super) history_of: Vec<u64>,
    pub(super) rules: Kept<api::Rules>,
    pub(super) freezes: Kept<Vec<api::FreezePeriod>>,
}

impl Memory {
    /// Takes what was just read of a pipeline. Where what waits in it was not asked for, what was known of that is kept while it stays
    /// where it is.
    pub(super) fn take(&mut self, pipeline: Pipeline) {
        let Some(id) = pipeline.id else { return };
        let same = |known: &Pipeline| (&known.status, known.updated_at) == (&pipeline.status, pipeline.updated_at);
        let known = self.pipelines.remove(&id).filter(|known| pipeline.jobs.is_none() && same(known));
        let jobs = pipeline.jobs.clone().or(known.and_then(|known| known.jobs));
        self.pipelines.insert(id, Pipeline { jobs, ..pipeline });
    }

    /// A direct read said that it is not there any more.
    pub(super) fn forget(&mut self, id: u64) {
        self.pipelines.remove(&id);
    }

    /// Pipelines that are not over and are in no list.
    pub(super) fn absent(&self, listed: &BTreeSet<u64>) -> Vec<u64> {
        let absent = self.pipelines.iter().filter(|(id, pipeline)| !over(pipeline) && !listed.contains(id));
        absent.map(|(id, _)| *id).collect()
    }

    /// Everything known, newest first. Of those that are over only the newest are kept.
    pub(super) fn newest_first(&mut self) -> Vec<Pipeline> {
        let mut all: Vec<Pipeline> = self.pipelines.values().cloned().collect();
        all.sort_by_key(|pipeline| Reverse(pipeline.id));
        let mut ended = 0;
        all.retain(|pipeline| {
            ended += usize::from(over(pipeline));
            !over(pipeline) || ended <= MOST_OVER
        });
        let kept: BTreeSet<u64> = all.iter().filter_map(|pipeline| pipeline.id).collect();
        self.pipelines.retain(|id, _| kept.contains(id));
        all
    }

    /// The ids of what is live, in any order.
    pub(super) fn live_ids(&self) -> Vec<u64> {
        self.live.values().filter_map(|last| last.id).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(id: u64, status: &str) -> Pipeline {
        Pipeline { id: Some(id), status: Some(status.to_owned()), ..Pipeline::default() }
    }

    #[test]
    fn a_pipeline_that_no_list_has_stays_until_it_is_known_to_be_over() {
        let mut memory = Memory::default();
        for one in [pipeline(1, "running"), pipeline(2, "success"), pipeline(3, "manual")] {
            memory.take(one);
        }
        assert_eq!(memory.absent(&BTreeSet::from([3])), [1]);
        memory.take(pipeline(1, "failed"));
        assert_eq!(memory.absent(&BTreeSet::from([3])), [0_u64; 0]);
        memory.forget(3);
        let ids: Vec<_> = memory.newest_first().iter().filter_map(|one| one.id).collect();
        assert_eq!(ids, [2, 1]);
    }

    #[test]
    fn what_waits_in_it_is_kept_while_it_stays_where_it_is() {
        let mut memory = Memory::default();
        let jobs = Some(api::Connection::default());
        memory.take(Pipeline { jobs: jobs.clone(), ..pipeline(1, "manual") });
        memory.take(pipeline(1, "manual"));
        assert_eq!(memory.newest_first()[0].jobs, jobs);
        memory.take(pipeline(1, "running"));
        assert_eq!(memory.newest_first()[0].jobs, None);
    }

    #[test]
    fn what_is_over_does_not_pile_up() {
        let mut memory = Memory::default();
        memory.take(pipeline(1, "manual"));
        (2..=100).for_each(|id| memory.take(pipeline(id, "success")));
        assert_eq!((memory.newest_first().len(), memory.pipelines.len()), (MOST_OVER + 1, MOST_OVER + 1));
    }
}
