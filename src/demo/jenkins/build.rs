//! How a build moves by itself: its stages one after the other, each waiting for somebody, running, or over; and what waits in the
//! queue to become one. It knows times and people, and nothing of HTTP or JSON.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    demo::{
        jenkins::spec::{BuildSpec, InputSpec, JobSpec, StageSpec},
        past::paced,
    },
    domain::time::{Timestamp, after},
};

/// How long a build takes to end once it was stopped.
const STOPPING: Duration = Duration::from_secs(3);
/// How long everything waits in the queue.
pub(super) const QUIET: Duration = Duration::from_secs(5);

/// Where a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What is before it has not ended.
    Later,
    /// It waits for somebody.
    Waiting { since: Timestamp },
    /// It runs: since when it began, what of that was waiting, and until when.
    Running { since: Timestamp, waited: Duration, until: Timestamp },
    /// It has ended.
    Ended { since: Timestamp, waited: Duration, at: Timestamp, status: &'static str },
    /// It never began.
    Never,
}

/// A stage of a build.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) spec: StageSpec,
    pub(super) state: State,
}

/// Why a build began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody began it.
    User,
    /// It runs another one again.
    Replay(u64),
    /// The same, from one of its stages on.
    Restart(u64, String),
}

/// One build.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) spec: BuildSpec,
    pub(super) began: Timestamp,
    pub(super) why: Why,
    pub(super) queue: u64,
    pub(super) stages: Vec<Stage>,
    /// What was answered to its inputs.
    pub(super) answers: BTreeMap<String, String>,
    stopped: Option<Timestamp>,
}

/// A job and its builds, oldest first.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) spec: JobSpec,
    pub(super) builds: Vec<Build>,
}

/// What waits to become a build.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) job: usize,
    pub(super) since: Timestamp,
    pub(super) due: Timestamp,
    pub(super) spec: BuildSpec,
    pub(super) why: Why,
    /// The number of the build that became of it.
    pub(super) made: Option<u64>,
}

impl Build {
    /// As it begins; from a stage on those before it are as if they had been skipped.
    pub(super) fn new(job: &JobSpec, spec: BuildSpec, why: Why, queue: u64, now: Timestamp) -> Self {
        let pace = if spec.pace == 0 { 100 } else { spec.pace };
        let fails = |stage: &StageSpec| stage.fails || spec.trouble.as_ref() == Some(&stage.name);
        let of = |stage: &StageSpec| Stage {
            spec: StageSpec {
                takes: paced(stage.takes, pace),
                fails: fails(stage),
                unstable: stage.unstable || stage.tests.iter().any(|test| spec.failed.contains(test)),
                ..stage.clone()
            },
            state: State::Later,
        };
        let mut stages: Vec<Stage> = job.stages.iter().map(of).collect();
        if let Why::Restart(_, from) = &why {
            stages.iter_mut().take_while(|stage| stage.spec.name != *from).for_each(|stage| stage.state = State::Never);
        }
        let (answers, stopped) = Default::default();
        let mut build = Self { spec, began: now, why, queue, stages, answers, stopped };
        build.advance(now);
        build
    }

    pub(super) fn is_over(&self) -> bool {
        self.stages.iter().all(|stage| matches!(stage.state, State::Ended { .. } | State::Never))
    }

    /// When it ended.
    pub(super) fn ended(&self) -> Option<Timestamp> {
        let ends = self.stages.iter().filter_map(|stage| match stage.state {
            State::Ended { at, .. } => Some(at),
            _ => None,
        });
        self.is_over().then(|| ends.max().unwrap_or(self.began))
    }

    /// `SUCCESS`, `FAILURE`, …; nothing while it goes.
    pub(super) fn result(&self) -> Option<&'static str> {
        let any = |wanted: &str| {
            self.stages.iter().any(|stage| matches!(stage.state, State::Ended { status, .. } if status == wanted))
        };
        let words = [("ABORTED", "ABORTED"), ("FAILED", "FAILURE"), ("UNSTABLE", "UNSTABLE")];
        let found = words.into_iter().find(|(status, _)| any(status)).map(|(_, result)| result);
        self.is_over().then(|| found.unwrap_or("SUCCESS"))
    }

    /// What it waits for now.
    pub(super) fn input(&self) -> Option<&InputSpec> {
        let waits = |stage: &&Stage| matches!(stage.state, State::Waiting { .. });
        self.stages.iter().find(waits)?.spec.input.as_ref()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let due = self.stages.iter().filter_map(|stage| match stage.state {
            State::Running { until, .. } => Some(until),
            _ => None,
        });
        due.chain(self.stopped.filter(|_| !self.is_over())).min()
    }

    /// Moves what is due; true when anything moved.
    pub(super) fn advance(&mut self, now: Timestamp) -> bool {
        let mut moved = false;
        if self.stopped.is_some_and(|at| at <= now) && !self.is_over() {
            self.give_up(now, "ABORTED");
            return true;
        }
        // When the one before ended; `None` while it has not.
        let mut before = Some(self.began);
        let mut stops = false;
        for stage in &mut self.stages {
            if stops && stage.state == State::Later {
                (stage.state, moved) = (State::Never, true);
            }
            if let State::Running { since, waited, until } = stage.state
                && until <= now
            {
                let status = if stage.spec.fails {
                    "FAILED"
                } else if stage.spec.unstable {
                    "UNSTABLE"
                } else {
                    "SUCCESS"
                };
                (stage.state, moved) = (State::Ended { since, waited, at: until, status }, true);
            }
            if let (State::Later, Some(at)) = (&stage.state, before) {
                stage.state = match stage.spec.input {
                    Some(_) => match self.spec.answered {
                        None => State::Waiting { since: at },
                        Some(waited) => {
                            let until = after(at, waited + stage.spec.takes);
                            State::Running { since: at, waited, until }
                        }
                    },
                    None => State::Running { since: at, waited: Duration::ZERO, until: after(at, stage.spec.takes) },
                };
                moved = true;
            }
            (before, stops) = match stage.state {
                State::Ended { at, status, .. } => (Some(at), stops || status == "FAILED"),
                State::Never => (before, stops),
                _ => (None, stops),
            };
        }
        moved
    }

    fn give_up(&mut self, now: Timestamp, status: &'static str) {
        for stage in &mut self.stages {
            stage.state = match stage.state {
                State::Running { since, waited, .. } => State::Ended { since, waited, at: now, status },
                State::Waiting { since } => {
                    let waited = (now - since).to_std().unwrap_or_default();
                    State::Ended { since, waited, at: now, status }
                }
                State::Later => State::Never,
                _ => continue,
            };
        }
    }

    /// Answers what it waits for; false where that is not this.
    pub(super) fn answer(&mut self, now: Timestamp, id: &str, proceed: bool) -> bool {
        if self.input().is_none_or(|input| capitalized(&input.id) != id) {
            return false;
        }
        if !proceed {
            self.give_up(now, "ABORTED");
            return true;
        }
        for stage in &mut self.stages {
            if let State::Waiting { since } = stage.state {
                let waited = (now - since).to_std().unwrap_or_default();
                stage.state = State::Running { since, waited, until: after(now, stage.spec.takes) };
            }
        }
        self.advance(now);
        true
    }

    /// Stops it, as hard as is asked; false where it is over.
    pub(super) fn stop(&mut self, now: Timestamp, how: &str) -> bool {
        if self.is_over() {
            return false;
        }
        if how == "stop" {
            self.stopped.get_or_insert(after(now, STOPPING));
        } else {
            self.give_up(now, "ABORTED");
        }
        true
    }
}

impl Job {
    /// The number that the next build gets.
    pub(super) fn next_number(&self) -> u64 {
        self.builds.iter().map(|build| build.spec.number).max().unwrap_or_default() + 1
    }

    pub(super) fn build(&mut self, number: u64) -> Option<&mut Build> {
        self.builds.iter_mut().find(|build| build.spec.number == number)
    }
}

/// An id as Jenkins has it: what begins small begins big.
pub(super) fn capitalized(id: &str) -> String {
    let mut chars = id.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
