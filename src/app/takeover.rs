//! Taking over an act whose executor died: which can be, what is asked then, and what stands against it.

use crate::domain::object::ObjectId;
use crate::{
    app::{
        action::{Action, Lost},
        model::Model,
    },
    port::{
        plan::{Ask, Draft},
        record::Record,
        takeover::{Takeover, differs},
    },
};

/// How many calls were taken of an act that can be taken over, and whether the next one was sent without an answer.
///
/// # Errors
/// Why it cannot, as half a sentence.
pub fn left(action: &Action) -> Result<(usize, bool), String> {
    if action.is_running() {
        match action.lost {
            Some(Lost::Died(_)) => {}
            Some(Lost::Unreadable) => return Err("its record cannot be read".to_owned()),
            None => return Err("its executor is alive".to_owned()),
        }
    }
    let calls = action.plan.draft.calls.len();
    Takeover::progress(calls, action.takes_over.as_deref(), &action.entries)
        .map(|(sent, unanswered)| (sent, unanswered.is_some()))
}

/// Is this act the newest on its target, and can it be taken over?
pub fn is_offered(model: &Model, action: &Action) -> bool {
    let newest = model.actions.newest_on(&action.plan.target);
    let is_newest = newest.is_some_and(|newest| newest.record == action.record);
    !model.session.read_only && is_newest && left(action).is_ok()
}

/// What taking over the newest act on a target asks.
///
/// # Errors
/// Why there is none to be taken over, as a sentence.
pub fn ask(model: &Model, target: &ObjectId) -> Result<Ask, String> {
    let nothing = || format!("there is nothing to take over on {target}");
    let of = |record: &Record| asked(record, None);
    match model.actions.newest_on(target) {
        Some(action) => {
            let not = |why| format!("{} ({}) cannot be taken over: {why}", action.plan.verb.words(), action.who);
            left(action).map_err(not)?;
            of(&action.as_record()).map_err(not)
        }
        None => of(model.actions.past_on(target).last().ok_or_else(nothing)?),
    }
}

/// What taking over this record asks.
///
/// # Errors
/// Why it cannot be taken over, as half a sentence.
pub fn asked(record: &Record, reason: Option<String>) -> Result<Ask, String> {
    let takes_over = Some(Box::new(Takeover::of(record)?));
    let (verb, target) = (record.intent.plan.verb, record.intent.plan.target.clone());
    Ok(Ask { verb, target, args: record.intent.args.clone(), reason, takes_over })
}

/// How what would be done today is not what the record holds that is taken over; `None` where it is.
pub(super) fn against(model: &Model, takeover: &Takeover, now: &Draft) -> Option<String> {
    let Some(held) = model.actions.record(takeover.record) else {
        return Some(format!("record {} is not among those that this session knows", takeover.record));
    };
    match Takeover::of(&held) {
        Ok(far) if far.is_as_far_as(takeover) => differs(&held.intent, takeover, now),
        Ok(_) => Some("it has come further meanwhile".to_owned()),
        Err(why) => Some(why),
    }
}
