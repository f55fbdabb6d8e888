//! Acts on several targets: what of such a record is about which of them. The part of one target reads as an act on it alone
//! would, so that whoever follows one target need not know of the others.
//!
//! Here must not live: what is sent, or when the next one's turn comes (`runtime::executor`).

use std::ops::Range;

use crate::port::{
    plan::Plan,
    record::{Entry, NewRecord, Record, Stage},
};

/// The calls of one target among all calls of the plan.
pub fn calls_on(plan: &Plan, index: usize) -> Range<usize> {
    let counts = || plan.each().map(|one| one.draft.steps.len());
    let from = counts().take(index).sum();
    from..from + counts().nth(index).unwrap_or_default()
}

/// The stage with its call counted from the first of the whole plan, of which `before` are those of targets before its own.
#[must_use]
pub fn lifted(stage: Stage, before: usize) -> Stage {
    match stage {
        Stage::Sending { call, revision } => Stage::Sending { call: call + before, revision },
        Stage::Accepted { call, said, given } => Stage::Accepted { call: call + before, said, given },
        Stage::Skipped { call, why } => Stage::Skipped { call: call + before, why },
        other => other,
    }
}

/// The stage with its call counted from the first on its own target; `None` where the call is another target's.
fn lowered(stage: &Stage, here: &Range<usize>) -> Option<Stage> {
    let own = |call: usize| here.contains(&call).then(|| call - here.start);
    Some(match stage.clone() {
        Stage::Sending { call, revision } => Stage::Sending { call: own(call)?, revision },
        Stage::Accepted { call, said, given } => Stage::Accepted { call: own(call)?, said, given },
        Stage::Skipped { call, why } => Stage::Skipped { call: own(call)?, why },
        other => other,
    })
}

/// What happened on one target. How all of it ended is how it ended there too, where it was that one's turn.
pub fn entries_on(plan: &Plan, index: usize, entries: &[Entry]) -> Vec<Entry> {
    let here = calls_on(plan, index);
    let (mut turn, mut begun, mut own) = (0, false, Vec::new());
    for entry in entries {
        let stage = match &entry.stage {
            Stage::Recorded => Some(Stage::Recorded),
            Stage::Verified { target, said } => {
                turn = target + 1;
                (*target == index).then(|| Stage::Done { said: said.clone() })
            }
            stage @ (Stage::Sending { call, .. } | Stage::Accepted { call, .. } | Stage::Skipped { call, .. }) => {
                turn = (0..plan.count()).find(|index| calls_on(plan, *index).contains(call)).unwrap_or(turn);
                begun |= turn == index;
                lowered(stage, &here)
            }
            // What was not begun when it ended is as it was; why it was not is said of it.
            stage if stage.is_end() => {
                let said_of_it = begun || matches!(stage, Stage::Refused { .. } | Stage::Failed { .. });
                (turn == index && said_of_it).then(|| stage.clone())
            }
            stage => (turn == index).then(|| stage.clone()),
        };
        own.extend(stage.map(|stage| Entry { at: entry.at, stage }));
    }
    own
}

/// What of a record is about one of its targets, as a record of its own.
pub fn record_on(record: &Record, index: usize) -> Option<Record> {
    let intent = &record.intent;
    let plan = intent.plan.on(index)?;
    let further = index.checked_sub(1).and_then(|index| intent.then.get(index));
    let args = further.map_or_else(|| intent.args.clone(), |further| further.args.clone());
    let takes_over = intent.takes_over.as_ref().map(|takeover| Box::new(takeover.on(index)));
    let entries = entries_on(&intent.plan, index, &record.entries);
    Some(Record {
        id: record.id,
        intent: NewRecord { plan, args, then: Vec::new(), takes_over, ..intent.clone() },
        entries,
    })
}

/// How far it is on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything expected was observed there, and what that was.
    Done(String),
    /// It was done there by the act that this one carries on.
    DoneBefore,
    /// Something was sent there, or tried; this is the newest of it.
    Begun(Stage),
    /// Nothing was sent there.
    NotBegun,
}

/// How far a record is on each of its targets, in order.
pub fn standings(record: &Record) -> Vec<Standing> {
    let plan = &record.intent.plan;
    if plan.then.is_empty() {
        return Vec::new();
    }
    let one = |index: usize| {
        let entries = entries_on(plan, index, &record.entries);
        match entries.last().map(|entry| entry.stage.clone()) {
            Some(Stage::Done { said }) => Standing::Done(said),
            Some(Stage::Recorded) | None => {
                let before = record.intent.takes_over.as_ref().map(|takeover| takeover.on(index));
                match before {
                    Some(before) if before.verified => Standing::DoneBefore,
                    Some(before) if before.has_begun() => Standing::Begun(Stage::Recorded),
                    _ => Standing::NotBegun,
                }
            }
            Some(stage) => Standing::Begun(stage),
        }
    };
    (0..plan.count()).map(one).collect()
}

/// Whose turn it is, or was when it ended, from 0; the number of targets once all of them are done.
pub fn turn(record: &Record) -> usize {
    let done = |standing: &Standing| matches!(standing, Standing::Done(_) | Standing::DoneBefore);
    standings(record).iter().take_while(|standing| done(standing)).count()
}
