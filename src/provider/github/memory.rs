//! What was seen of a repository's runs, because GitHub's run list lies with 200: newest runs missing, days-old pages.
//!
//! A run is taken only if it is not older than what is known of it; a run that is absent from a list is kept until a direct
//! read says what became of it. Pure: no requests here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    domain::{pipeline::RunStatus, time::Timestamp},
    provider::github::{
        api::Run,
        normalize::{over, status_of, unapproved},
        request::NEWEST,
    },
};

/// The runs of one repository, by id.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<u64, Run>);

impl Memory {
    /// Takes what was just read of a run, unless something newer is known.
    pub(super) fn take(&mut self, run: Run) {
        let Some(id) = run.id else { return };
        if self.0.get(&id).is_none_or(|known| age(&run) >= age(known)) {
            self.0.insert(id, run);
        }
    }

    /// A direct read said that it is not there any more.
    pub(super) fn forget(&mut self, id: u64) {
        self.0.remove(&id);
    }

    /// Runs that `matter` and were not in a list: only a direct read tells what became of them.
    pub(super) fn absent(&self, listed: &BTreeSet<u64>, matter: fn(&Run) -> bool) -> Vec<u64> {
        let absent = self.0.iter().filter(|(id, run)| !listed.contains(id) && matter(run));
        absent.map(|(id, _)| *id).collect()
    }

    /// Does a run move by itself now, or may begin to?
    pub(super) fn moves(&self) -> bool {
        self.0.values().any(|run| !over(run) && status_of(run) != RunStatus::Waiting)
    }

    /// The runs that wait, for whatever.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|(_, run)| status_of(run) == RunStatus::Waiting).map(|(id, _)| *id)
    }

    /// Everything known, newest first. Of the runs that ended only the newest are kept.
    pub(super) fn newest_first(&mut self) -> Vec<Run> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_key(|run| Reverse((run.created_at, run.id)));
        let mut ended = 0;
        all.retain(|run| {
            let ends = over(run) && !unapproved(run);
            ended += usize::from(ends);
            !ends || ended <= NEWEST
        });
        self.0.retain(|id, _| all.iter().any(|run| run.id == Some(*id)));
        all
    }
}

/// What orders two readings of one run.
fn age(run: &Run) -> (u32, Option<Timestamp>) {
    (run.run_attempt.unwrap_or(1), run.updated_at)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn run(id: u64, attempt: u32, second: i64, status: &str) -> Run {
        Run {
            id: Some(id),
            run_attempt: Some(attempt),
            updated_at: chrono::Utc.timestamp_opt(second, 0).single(),
            status: Some(status.to_owned()),
            ..Run::default()
        }
    }

    #[test]
    fn an_older_reading_of_a_run_is_not_taken() {
        let mut memory = Memory::default();
        memory.take(run(1, 2, 50, "in_progress"));
        memory.take(run(1, 2, 40, "queued"));
        memory.take(run(1, 1, 90, "completed"));
        assert_eq!(memory.newest_first(), [run(1, 2, 50, "in_progress")]);
        memory.take(run(1, 2, 50, "waiting"));
        assert_eq!(memory.newest_first(), [run(1, 2, 50, "waiting")]);
    }

    #[test]
    fn a_run_that_a_list_leaves_out_stays_and_is_asked_for_directly() {
        let mut memory = Memory::default();
        memory.take(run(1, 1, 10, "waiting"));
        memory.take(run(2, 1, 10, "in_progress"));
        memory.take(run(3, 1, 10, "waiting"));
        assert_eq!(memory.absent(&BTreeSet::from([3]), |run| !over(run)), [1, 2]);
        assert_eq!(memory.absent(&BTreeSet::from([3]), |run| run.status.as_deref() == Some("waiting")), [1]);
        memory.forget(1);
        assert_eq!(memory.newest_first().iter().map(|r| r.id).collect::<Vec<_>>(), [Some(3), Some(2)]);
    }

    #[test]
    fn ended_runs_do_not_pile_up() {
        let mut memory = Memory::default();
        memory.take(run(0, 1, 0, "waiting"));
        for id in 1..100 {
            memory.take(Run { conclusion: Some("success".into()), ..run(id, 1, 0, "completed") });
        }
        let kept = memory.newest_first();
        assert_eq!((kept.len(), kept[0].id, kept[NEWEST].id), (NEWEST + 1, Some(99), Some(0)));
    }
}
