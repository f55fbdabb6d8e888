//! What is to be done when. A task stands in it once: the earliest of its times counts, since every task looks at all there is.

use std::collections::{BTreeMap, BTreeSet};

use super::super::store::Key;
use crate::domain::time::Timestamp;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// A controller compares what is with what should be.
    Sync(Key),
    /// A pod's containers have started.
    Start(Key),
    /// An object is gone for good: a pod after its grace period, an event after its life.
    Remove(Key),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    queue: BTreeSet<(Timestamp, Task)>,
    times: BTreeMap<Task, Timestamp>,
}

impl Agenda {
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Adds a task; a task that already stands at an earlier time stays there.
    pub(super) fn add(&mut self, at: Timestamp, task: Task) {
        if let Some(known) = self.times.get(&task) {
            if *known <= at {
                return;
            }
            self.queue.remove(&(*known, task.clone()));
        }
        self.times.insert(task.clone(), at);
        self.queue.insert((at, task));
    }

    /// Moves a task to a later time than it stands at.
    pub(super) fn postpone(&mut self, at: Timestamp, task: Task) {
        if let Some(known) = self.times.remove(&task) {
            self.queue.remove(&(known, task.clone()));
        }
        self.add(at, task);
    }

    /// Takes the first task that is due.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(Timestamp, Task)> {
        if self.next()? > now {
            return None;
        }
        let (at, task) = self.queue.pop_first()?;
        self.times.remove(&task);
        Some((at, task))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::super::kind::Kind;
    use super::*;

    fn task(name: &str) -> Task {
        Task::Sync(Key::new(Kind::Rollout, "shop", name))
    }

    #[test]
    fn tasks_come_in_order_of_time_and_each_once() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let mut agenda = Agenda::default();
        agenda.add(at(3), task("a"));
        agenda.add(at(2), task("b"));
        agenda.add(at(1), task("a"));
        agenda.add(at(9), task("b"));
        assert_eq!(agenda.next(), Some(at(1)));
        assert_eq!(agenda.take(at(0)), None);
        assert_eq!(agenda.take(at(5)), Some((at(1), task("a"))));
        assert_eq!(agenda.take(at(5)), Some((at(2), task("b"))));
        assert_eq!(agenda.next(), None);
    }

    #[test]
    fn a_postponed_task_stands_at_its_later_time_only() {
        let start = Timestamp::UNIX_EPOCH;
        let mut agenda = Agenda::default();
        agenda.add(start, task("a"));
        agenda.postpone(start + TimeDelta::seconds(5), task("a"));
        assert_eq!(agenda.take(start), None);
        assert_eq!(agenda.next(), Some(start + TimeDelta::seconds(5)));
    }
}
