//! What is known of a pipeline's runs between two looks. Lists say less than was read: what is in a run stays known while nothing says
//! that it moved. Pure: no requests here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::time::Timestamp,
    provider::flow::{
        again::Deploying,
        api,
        back::Deployed,
        normalize::{job_state, over, state},
    },
};

/// Runs that are kept once they are over.
const KEPT: usize = 30;
/// A deployment that is over: its run, its job, how it ended, and when it began.
type Mark = (u64, u64, String, Option<Timestamp>);

/// What is known of the runs of one pipeline.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By their ids: those that are not over with all that is in them, and of the others what is known.
    pub(super) runs: BTreeMap<u64, api::Run>,
    /// What runs deploy to hosts now.
    pub(super) orders: BTreeMap<u64, Vec<(u64, Deploying)>>,
    /// What was deployed, of each job the newest first.
    pub(super) records: Option<Vec<Deployed>>,
    /// Why that could not be read.
    pub(super) unread: Option<String>,
    /// When lists and records were read, and the deployments that were over then.
    pub(super) listed: Option<Timestamp>,
    pub(super) recorded: Option<Timestamp>,
    pub(super) deployed: BTreeSet<Mark>,
    /// Something was sent there.
    pub(super) stirred: bool,
}

impl Memory {
    pub(super) fn live(&self) -> Vec<u64> {
        self.runs.iter().filter(|(_, run)| !over(run)).map(|(id, _)| *id).rev().collect()
    }

    /// Takes a run with all that is in it.
    pub(super) fn take(&mut self, run: api::Run) {
        if let Some(id) = run.pipeline_run_id {
            // One in which there is nothing has been read, too.
            let stages = Some(run.stages.unwrap_or_default());
            self.runs.insert(id, api::Run { stages, ..run });
        }
    }

    /// Takes what a list says of a run. What is in one stays known where it is over and stays as it was.
    pub(super) fn list(&mut self, listed: api::Run) {
        let Some(id) = listed.pipeline_run_id else { return };
        let same = |known: &api::Run| state(known.status.as_deref()) == state(listed.status.as_deref());
        match self.runs.get(&id) {
            Some(known) if known.stages.is_some() && (same(known) || !over(&listed)) => {
                if !over(&listed) && over(known) {
                    self.runs.insert(id, listed);
                }
            }
            _ => drop(self.runs.insert(id, listed)),
        }
    }

    /// The deployments that are over, as the runs tell them: once that changes, there is another record.
    pub(super) fn marks(&self) -> BTreeSet<Mark> {
        let of = |run: &api::Run| {
            let number = run.pipeline_run_id.unwrap_or_default();
            let ended = run
                .jobs()
                .filter(|(_, job)| job_state(job).ended())
                .map(move |(_, job)| (number, job.id.unwrap_or_default(), job_state(job).to_string(), job.start_time));
            ended.collect::<Vec<_>>()
        };
        self.runs.values().flat_map(of).collect()
    }

    /// Of what is over only the newest are kept, and those that one can go back to.
    pub(super) fn prune(&mut self) {
        let needed: BTreeSet<u64> = self.records.iter().flatten().map(|record| record.run).collect();
        let ended: Vec<u64> = self.runs.iter().filter(|(_, run)| over(run)).map(|(id, _)| *id).rev().collect();
        for id in ended.into_iter().skip(KEPT).filter(|id| !needed.contains(id)) {
            self.runs.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: u64, status: &str) -> api::Run {
        api::Run { pipeline_run_id: Some(id), status: Some(status.to_owned()), ..api::Run::default() }
    }

    #[test]
    fn what_was_read_of_a_run_stays_until_a_list_says_that_it_moved() {
        let mut memory = Memory::default();
        memory.take(listed(7, "RUNNING"));
        memory.list(listed(7, "WAITING"));
        assert!(memory.runs[&7].stages.is_some(), "it is not over: it is read by itself");
        memory.list(listed(7, "FAIL"));
        assert_eq!((memory.runs[&7].stages.is_some(), memory.live()), (false, vec![]));
        memory.take(listed(7, "FAIL"));
        memory.list(listed(7, "FAIL"));
        assert!(memory.runs[&7].stages.is_some());
        memory.list(listed(7, "RUNNING"));
        assert_eq!(memory.live(), [7], "its deploy job runs again");
    }

    #[test]
    fn runs_that_are_over_do_not_pile_up() {
        let mut memory = Memory::default();
        (1..100).for_each(|id| memory.take(listed(id, "SUCCESS")));
        memory.take(listed(0, "RUNNING"));
        memory.prune();
        assert_eq!((memory.runs.len(), memory.live()), (KEPT + 1, vec![0]));
    }
}
