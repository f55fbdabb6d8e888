//! How one execution moves within a stage: its actions one after the other, each running, waiting for somebody, or over; and what was tried
//! before. It knows times, and nothing of HTTP or JSON, nor of other executions.

use std::time::Duration;

use crate::{
    demo::{
        codepipeline::spec::{ActionSpec, ExecutionSpec, StageSpec},
        rest::fnv,
    },
    domain::time::{Timestamp, after},
};

/// How long an approval waits where nobody says.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// Where an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Later,
    Running { since: Timestamp, until: Timestamp },
    Waiting { since: Timestamp, until: Timestamp, token: String },
    Over { since: Timestamp, at: Timestamp, status: &'static str, said: Option<String> },
}

/// An action of an execution.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) spec: ActionSpec,
    pub(super) doing: Doing,
    /// Attempts before this one, oldest first.
    pub(super) before: Vec<Doing>,
}

/// What holds an execution's place in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// What is before it has not ended, or it never comes there.
    Later,
    /// It waits to enter.
    Inbound(Timestamp),
    /// It is in it.
    In,
    /// It has left, or stays in it as it ended.
    Ended(&'static str),
}

/// A stage of an execution.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) acts: Vec<Act>,
    pub(super) retries: u64,
    /// It fails in this execution.
    trouble: bool,
}

/// One execution.
#[derive(Clone, Debug)]
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) spec: ExecutionSpec,
    pub(super) began: Timestamp,
    pub(super) moved: Timestamp,
    /// CodePipeline's word for where it is.
    pub(super) status: &'static str,
    pub(super) stays: Vec<Stay>,
    /// The execution that it puts back.
    pub(super) back_to: Option<String>,
    pub(super) stop_reason: Option<String>,
    pub(super) variables: Vec<(String, String)>,
}

/// An id that follows from these: five groups of hex digits.
pub(super) fn id<'a>(parts: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let (one, two) = (fnv(1, parts.clone()), fnv(2, parts));
    let text = format!("{one:016x}{two:016x}");
    let group = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)].join("-")
}

impl Execution {
    pub(super) fn new(id: String, stages: &[StageSpec], spec: ExecutionSpec, now: Timestamp) -> Self {
        let act = |spec: &ActionSpec| Act { spec: spec.clone(), doing: Doing::Later, before: Vec::new() };
        let stay = |stage: &StageSpec| Stay {
            name: stage.name.clone(),
            place: Place::Later,
            acts: stage.actions.iter().map(act).collect(),
            retries: 0,
            trouble: spec.trouble.as_ref() == Some(&stage.name),
        };
        let stays = stages.iter().map(stay).collect();
        let (back_to, stop_reason, variables) = Default::default();
        Self { id, spec, began: now, moved: now, status: "InProgress", stays, back_to, stop_reason, variables }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.status, "InProgress" | "Stopping")
    }

    /// The token of the approval that it waits for.
    pub(super) fn token(&self) -> Option<String> {
        self.stays.iter().flat_map(|stay| &stay.acts).find_map(|act| match &act.doing {
            Doing::Waiting { token, .. } => Some(token.clone()),
            _ => None,
        })
    }

    /// When it next moves by itself.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let acts = self.stays.iter().filter(|stay| stay.place == Place::In).flat_map(|stay| &stay.acts);
        acts.filter_map(|act| match act.doing {
            Doing::Running { until, .. } | Doing::Waiting { until, .. } => Some(until),
            _ => None,
        })
        .min()
    }

    /// Moves what is due in the stage that it is in; the place of the stage that it left well, if it did.
    pub(super) fn advance(&mut self, now: Timestamp) -> (bool, Option<usize>) {
        let (id, answered, stopping) = (self.id.clone(), self.spec.answered, self.status == "Stopping");
        let Some((place, stay)) = self.stays.iter_mut().enumerate().find(|(_, stay)| stay.place == Place::In) else {
            return (false, None);
        };
        let mut moved = stay.advance(now, &id, answered, stopping);
        let mut left = None;
        let over = |act: &Act| matches!(act.doing, Doing::Over { .. });
        let failed = |act: &Act| matches!(act.doing, Doing::Over { status: "Failed", .. });
        if stay.acts.iter().any(failed) {
            stay.place = Place::Ended("Failed");
            (self.status, moved) = (if stopping { "Stopped" } else { "Failed" }, true);
        } else if stay.acts.iter().all(over) {
            stay.place = Place::Ended("Succeeded");
            (left, moved) = (Some(place), true);
            if stopping {
                self.status = "Stopped";
            }
        } else if stopping && !stay.acts.iter().any(|act| matches!(act.doing, Doing::Running { .. })) {
            stay.place = Place::Ended("Stopped");
            (self.status, moved) = ("Stopped", true);
        }
        if moved {
            self.moved = now;
        }
        (moved, left.filter(|_| self.status == "InProgress"))
    }

    /// Gives up everything in it.
    pub(super) fn give_up(&mut self, now: Timestamp, status: &'static str) {
        for stay in &mut self.stays {
            let was = stay.place;
            stay.acts.iter_mut().for_each(|act| act.give_up(now));
            stay.place = match was {
                Place::In => Place::Ended(status),
                Place::Inbound(_) => Place::Later,
                other => other,
            };
        }
        (self.status, self.moved) = (status, now);
    }
}

impl Act {
    pub(super) fn give_up(&mut self, now: Timestamp) {
        if let Doing::Running { since, .. } | Doing::Waiting { since, .. } = self.doing {
            self.doing = Doing::Over { since, at: now, status: "Abandoned", said: None };
        }
    }

    pub(super) fn is_approval(&self) -> bool {
        self.spec.kind == "Approval"
    }
}

impl Stay {
    fn advance(&mut self, now: Timestamp, id: &str, answered: Option<Duration>, stopping: bool) -> bool {
        let (mut moved, mut free) = (false, Some(now));
        let (trouble, last) = (self.trouble, self.acts.len().saturating_sub(1));
        let name = self.name.clone();
        for (place, act) in self.acts.iter_mut().enumerate() {
            let over = |since, at, status, said: Option<&str>| Doing::Over {
                since,
                at,
                status,
                said: said.map(str::to_owned),
            };
            let first = act.before.is_empty();
            match act.doing.clone() {
                Doing::Running { since, until } if until <= now => {
                    let fails = act
                        .spec
                        .fails
                        .clone()
                        .or_else(|| (trouble && place == last).then(|| "it did not come up".to_owned()));
                    act.doing = match fails.filter(|_| first) {
                        Some(why) => over(since, until, "Failed", Some(&why)),
                        None => over(since, until, "Succeeded", None),
                    };
                    moved = true;
                }
                Doing::Waiting { since, until, .. } if until <= now => {
                    act.doing = match answered {
                        Some(_) => {
                            over(since, until, "Succeeded", Some("Approved by arn:aws:iam::123456789012:user/lee"))
                        }
                        None => over(since, until, "Failed", Some("Approval expired")),
                    };
                    moved = true;
                }
                Doing::Later if !stopping => {
                    if let Some(at) = free {
                        act.doing = act.begun(at, (id, &name), answered);
                        moved = true;
                    }
                }
                _ => {}
            }
            free = match &act.doing {
                Doing::Over { at, status: "Succeeded", .. } => free.and(Some(*at)),
                _ => None,
            };
        }
        moved
    }
}

impl Act {
    /// As it begins.
    fn begun(&self, at: Timestamp, (execution, stage): (&str, &str), answered: Option<Duration>) -> Doing {
        if !self.is_approval() {
            return Doing::Running { since: at, until: after(at, self.spec.takes) };
        }
        let attempt = self.before.len().to_string();
        let token = id([execution, stage, self.spec.name.as_str(), attempt.as_str()]);
        let until = after(at, answered.or(self.spec.timeout).unwrap_or(WEEK));
        Doing::Waiting { since: at, until, token }
    }

    /// Once more.
    pub(super) fn anew(&mut self) {
        self.before.push(std::mem::replace(&mut self.doing, Doing::Later));
    }
}
