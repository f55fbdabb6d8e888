//! Who is under way on what: one act at a time on a target, except that going back ends whatever else is under way there. An
//! act on several targets is under way on all of them, from its begin to its end.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Trouble,
    lines::{self, Reading},
    number, record_id,
};
use crate::{
    domain::{object::ObjectId, verb::Direction},
    journal::JournalError,
    port::{
        plan::Plan,
        record::{Entry, NewRecord, Record, Stage},
        takeover::Takeover,
    },
};

/// Notes a record as the newest on each of its targets, and as under way there where it is.
pub(super) fn note(tx: &Transaction<'_>, plan: &Plan, id: i64, open: bool) -> Result<(), Trouble> {
    for target in plan.targets().map(ToString::to_string) {
        let sql =
            "INSERT INTO newest (target, record) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET record = max(record, ?2)";
        tx.prepare_cached(sql)?.execute(params![target, id])?;
        if open {
            let sql = "INSERT OR IGNORE INTO locks (target, record) VALUES (?1, ?2)";
            tx.prepare_cached(sql)?.execute(params![target, id])?;
        }
    }
    Ok(())
}

/// A record has ended, or cannot be read: it locks nothing.
pub(super) fn release(tx: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    tx.prepare_cached("DELETE FROM locks WHERE record = ?1")?.execute([id])?;
    Ok(())
}

/// The newest record on a target.
pub(super) fn newest(tx: &Transaction<'_>, target: &ObjectId) -> Result<Option<i64>, Trouble> {
    let mut query = tx.prepare_cached("SELECT record FROM newest WHERE target = ?1")?;
    Ok(query.query_row([target.to_string()], |row| row.get(0)).optional()?)
}

/// Makes way for an intent on each of its targets, as the record `id`, and says which records it ended. One that cannot be
/// read stands in nobody's way.
pub(super) fn make_way(tx: &Transaction<'_>, id: i64, new: &NewRecord, how: &Reading<'_>) -> Result<Vec<i64>, Trouble> {
    let mut ended = Vec::new();
    for target in new.plan.targets() {
        let mut query = tx.prepare_cached("SELECT record FROM locks WHERE target = ?1 ORDER BY record")?;
        let held: Vec<i64> = query.query_map([target.to_string()], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // Each act ends the one before it or is refused by it: of several only the newest can be carried out.
        let newest = held.last().copied();
        for other in held {
            let busy = match lines::record(tx, other, how) {
                Ok(Some(busy)) if busy.end().is_none() && busy.intent.plan.acts_on(target) => busy,
                Ok(_) | Err(Trouble::Json(_) | Trouble::Forged) => {
                    release(tx, other)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if !goes_before(new, &busy, Some(other) == newest && (how.attended)(other)) {
                return Err(Trouble::Journal(JournalError::InFlight(Box::new(busy))));
            }
            preempt(tx, id, new, other)?;
            ended.push(other);
        }
    }
    Ok(ended)
}

/// Makes way for an intent that carries on what a dead executor left: that record ends with it, where it has not. Says
/// whether it did. One of several that take it over at once gets it.
pub(super) fn take_over(
    tx: &Transaction<'_>,
    id: i64,
    new: &NewRecord,
    takeover: &Takeover,
    how: &Reading<'_>,
) -> Result<Option<i64>, Trouble> {
    let left = takeover.record;
    let not = |why: String| Err(Trouble::Journal(JournalError::NotTaken { record: left, why }));
    let other = number(left);
    let Some(busy) = lines::record(tx, other, how)? else { return Err(Trouble::Journal(JournalError::Missing(left))) };
    if busy.end().is_none() && (how.attended)(other) {
        return Err(Trouble::Journal(JournalError::InFlight(Box::new(busy))));
    }
    for target in new.plan.targets() {
        if let Some(newest) = newest(tx, target)?.map(record_id).filter(|newest| *newest != left && !takeover.releases)
        {
            return not(format!("record {newest} is newer on the same target"));
        }
    }
    let all: Vec<&ObjectId> = busy.intent.plan.targets().collect();
    let meant: Vec<&ObjectId> = match takeover.places.as_slice() {
        [] => all,
        places => places.iter().filter_map(|place| all.get(*place).copied()).collect(),
    };
    if busy.intent.plan.verb != new.plan.verb || !meant.into_iter().eq(new.plan.targets()) {
        return not("it is about something else".to_owned());
    }
    // Of what was not begun some may be left out: that is there for the next one.
    let some = |now: &Takeover| {
        let open = takeover.places.iter().all(|place| now.places.contains(place));
        Takeover::of_places(&busy, &takeover.places).filter(|_| open)
    };
    match Takeover::of(&busy) {
        Err(why) => return not(why),
        Ok(now) if now.is_as_far_as(takeover) || some(&now).is_some_and(|now| now.is_as_far_as(takeover)) => {}
        Ok(_) => return not("it has come further meanwhile".to_owned()),
    }
    let said = format!("taken over ({})", new.who);
    if busy.end().is_some() {
        if !takeover.owed.is_empty() {
            // One of several that would end what it holds gets it.
            lines::append(tx, other, &Entry { at: new.at, stage: Stage::HandedOver { by: record_id(id), said } })?;
        }
        return Ok(None);
    }
    let stage = Stage::Preempted { by: record_id(id), said, taken_over: true };
    lines::append(tx, other, &Entry { at: new.at, stage })?;
    release(tx, other)?;
    Ok(Some(other))
}

/// May this intent end that record? Going back may, unless it is the very same act and somebody carries that out.
fn goes_before(new: &NewRecord, busy: &Record, attended: bool) -> bool {
    // What only ends a hold goes nowhere.
    let releases = new.takes_over.as_ref().is_some_and(|takeover| takeover.releases);
    new.plan.verb.direction() == Direction::Back && !releases && !(attended && new.is_part_of(&busy.intent))
}

fn preempt(tx: &Transaction<'_>, by: i64, new: &NewRecord, id: i64) -> Result<(), Trouble> {
    let said = format!("{} ({})", new.plan.verb.words(), new.who);
    let end = Entry { at: new.at, stage: Stage::Preempted { by: record_id(by), said, taken_over: false } };
    lines::append(tx, id, &end)?;
    release(tx, id)
}
