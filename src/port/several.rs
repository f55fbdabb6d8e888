//! Acts on several targets: what of such a record is about which of them, and which of them wait for which. The part of one target
//! reads as an act on it alone would, so that whoever follows one target need not know of the others.
//!
//! Here must not live: what is sent, or when the next one's turn comes (`runtime::executor`).

use std::ops::Range;

use crate::{
    domain::{ids::ServiceName, verb::Direction},
    port::{
        plan::Plan,
        record::{Entry, NewRecord, Record, Stage},
    },
};

/// The calls of one target among all calls of the plan.
pub fn calls_on(plan: &Plan, index: usize) -> Range<usize> {
    let counts = || plan.each().map(|one| one.draft.steps.len());
    let from = counts().take(index).sum();
    from..from + counts().nth(index).unwrap_or_default()
}

/// Targets that go together, in order: none of them waits for another, and the next ones' turn comes once all of these are done. What goes
/// forward goes one by one, for the next one rests on the one before it. Cells of one service that go back rest on nothing: whatever keeps
/// one of them where it is, the others leave. Of several services the order is what somebody confirmed.
pub fn together(plan: &Plan) -> Vec<Range<usize>> {
    let back = plan.direction() == Direction::Back;
    let services: Vec<&ServiceName> = plan.each().map(|one| &one.service).collect();
    let mut begin = 0;
    let parts = services.chunk_by(|one, other| back && one == other).map(|part| {
        let range = begin..begin + part.len();
        begin = range.end;
        range
    });
    parts.collect()
}

/// Are there targets that wait for none of one another?
pub fn is_apart(plan: &Plan) -> bool {
    together(plan).iter().any(|part| part.len() > 1)
}

/// Does a target go without waiting for another, nor another for it?
fn goes_apart(plan: &Plan, index: usize) -> bool {
    together(plan).iter().any(|part| part.len() > 1 && part.contains(&index))
}

/// How several targets follow one another, half a sentence.
pub fn order(plan: &Plan) -> &'static str {
    match together(plan).as_slice() {
        [part] if part.len() > 1 => "each at once, and none waits for another",
        parts if parts.iter().any(|part| part.len() > 1) => {
            "in this order: the cells of a service at once, and the next service once all of them are verified"
        }
        _ => "in this order, each once the one before it is verified",
    }
}

/// The stage as it is written of the whole act: its call counted from the first of the plan, of which `before` are those of targets
/// before its own; without a call, with its target where that goes apart.
#[must_use]
pub fn lifted(stage: Stage, before: usize, apart: Option<usize>) -> Stage {
    match stage {
        Stage::Sending { call, revision } => Stage::Sending { call: call + before, revision },
        Stage::Accepted { call, said, given } => Stage::Accepted { call: call + before, said, given },
        Stage::Skipped { call, why } => Stage::Skipped { call: call + before, why },
        other => match apart {
            Some(target) => Stage::Apart { target, stage: Box::new(other) },
            None => other,
        },
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
            Stage::Apart { target, stage } => (*target == index).then(|| stage.as_ref().clone()),
            // Each has its own end, or the one that all of it was given while it was under way.
            stage if stage.is_end() && goes_apart(plan, index) => {
                let has_ended = own.iter().any(|entry: &Entry| entry.stage.is_end());
                (begun && !has_ended).then(|| stage.clone())
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

/// Whose turn it is, or was when it ended, from 0; the number of targets once nothing more is done to any of them.
pub fn turn(record: &Record) -> usize {
    let over = |standing: &Standing| match standing {
        Standing::Done(_) | Standing::DoneBefore => true,
        Standing::Begun(stage) => stage.is_end(),
        Standing::NotBegun => false,
    };
    standings(record).iter().take_while(|standing| over(standing)).count()
}
