//! The executor: takes a plan that somebody confirmed, reads the target again, compares, acts, watches, writes how it ended.
//!
//! One function, two hosts: a task of the process that owns the built-in world, or a detached child process for real
//! systems. It knows no screen and no vendor. The rules that keep an action from being lost or done twice are all here:
//! an entry is on disk before each call; a call whose answer is missing is never sent again blindly; the journal lets one
//! executor write each entry.
//!
//! Whatever a plan holds, only calls that the provider can draft for its verb and target are sent (`port::shape`).
//!
//! What it does comes from whoever confirmed it, in memory or through a pipe. The journal is evidence: it tells how far the
//! record has come, never what to send. An act whose executor died goes on only as another one that somebody confirmed, with
//! calls that were drafted anew (`port::takeover`); else [`conclude`] looks how it ended.
//!
//! Here is how an act goes from its begin to its end; `each` goes through its targets where it has several, `steps` through the
//! steps on one, `send` sends one call, `watch` watches what comes of it, `owed` ends what is owed, `read` reads and `words` says.

mod each;
mod owed;
mod read;
mod send;
mod steps;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use tokio::task::spawn_blocking;

use crate::{
    domain::{
        object::ObjectId,
        observed::FaultKind,
        time::{Timestamp, after},
        verb::Direction,
    },
    journal::{
        JournalError,
        ledger::{Kept, Ledger},
    },
    port::{
        clock::Clock,
        facet::{Actor, Connection},
        fill::Given,
        plan::Plan,
        record::{ActionNews, Entry, NewRecord, Record, RecordId, Stage},
        secrets::Secrets,
        several, shape, takeover,
    },
};

/// How long a call may take when the transport has no limit of its own.
const SEND_LIMIT: Duration = Duration::from_secs(30);

/// What an executor tells while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A stage was reached.
    Action(ActionNews),
    /// The journal failed and the action goes on: to be said loudly.
    JournalBroken(String),
}

/// What an executor works with.
pub struct Host<'a> {
    /// Where the record is and where the outcome goes.
    pub ledger: &'a Arc<Ledger>,
    /// The connections, which reach the targets.
    pub connections: &'a [Connection],
    /// The world's time.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub news: &'a (dyn Fn(News) + Send + Sync),
}

impl fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Carries out what was confirmed under this number, or carries on with it. Returns its last entry; `None` when another
/// executor carries on with it, or somebody went back meanwhile.
///
/// A record whose last call has no answer is resumed by reading: the call is sent again only when the object still has the
/// very revision that guarded it, so that at most one of the two can take effect; else its effect is waited for, and the
/// outcome is *unknown* when it does not show.
pub async fn run(
    id: RecordId,
    confirmed: &NewRecord,
    secrets: &Secrets,
    host: &Host<'_>,
) -> Result<Option<Entry>, JournalError> {
    let ledger = Arc::clone(host.ledger);
    let read = move || {
        ledger.carries_out(id);
        ledger.get(id)
    };
    let kept = spawn_blocking(read).await.map_err(|_| JournalError::Missing(id))?;
    let goes_back = confirmed.plan.direction() == Direction::Back;
    let entries = match kept {
        Ok(Some(record)) if record.holds(confirmed) => record.entries,
        Ok(Some(_)) if goes_back => {
            let why =
                format!("record {id} holds another intent than the one that was confirmed: `holdshort audit verify`");
            (host.news)(News::JournalBroken(why));
            Vec::new()
        }
        // Whoever changed it may change what comes next: nothing is sent, and nothing is written into it.
        Ok(Some(_)) => return Err(JournalError::Altered(id)),
        Ok(None) if !goes_back => return Err(JournalError::Missing(id)),
        Err(error) if !goes_back => return Err(error),
        Ok(None) | Err(_) => Vec::new(),
    };
    // The intent was written before anybody was asked to carry it out, whatever the journal says now.
    let begun = || vec![Entry { at: confirmed.at, stage: Stage::Recorded }];
    let entries = if entries.is_empty() { begun() } else { entries };
    let record = Record { id, intent: confirmed.clone(), entries };
    end(Flight { may_send: true, secrets: secrets.clone(), ..Flight::of(record, host) }).await
}

/// Ends a record that cannot even be begun: no connection could be made, or the process that was to carry it out ended before. A
/// record of which more is written than that it was begun is left alone.
pub async fn give_up(
    id: RecordId,
    confirmed: &NewRecord,
    why: &str,
    host: &Host<'_>,
) -> Result<Option<Entry>, JournalError> {
    let entry = Entry { at: host.clock.now(), stage: Stage::Recorded };
    let mut flight = Flight::of(Record { id, intent: confirmed.clone(), entries: vec![entry] }, host);
    let stage = Stage::Failed { why: format!("{why}; nothing was sent"), fault: None };
    let noted = flight.note(stage).await;
    Ok(noted.ok().and_then(|_| flight.record.end().cloned()))
}

/// Brings a record to its end whose executor died: only by looking. Nothing is sent that nobody asked for just now, so what
/// the journal says of it may be believed. Returns as [`run`] does.
pub async fn conclude(id: RecordId, host: &Host<'_>) -> Result<Option<Entry>, JournalError> {
    let ledger = Arc::clone(host.ledger);
    let record = spawn_blocking(move || ledger.get(id)).await.map_err(|_| JournalError::Missing(id))??;
    end(Flight::of(record.ok_or(JournalError::Missing(id))?, host)).await
}

async fn end(mut flight: Flight<'_>) -> Result<Option<Entry>, JournalError> {
    if let Some(end) = flight.record.end() {
        return Ok(Some(end.clone()));
    }
    let plan = flight.record.intent.plan.clone();
    let flown = if plan.then.is_empty() {
        if flight.may_send {
            flight.against = flight.unanswered_calls_of_preempted(&plan).await;
        }
        flight.fly(&plan).await
    } else {
        flight.fly_each(&plan).await
    };
    let stage = match flown {
        Ok(stage) | Err(Stop::End(stage)) => stage,
        Err(Stop::Taken | Stop::Sent) => return Ok(None),
    };
    let Ok(stage) = flight.end_what_is_owed(&plan, stage).await else { return Ok(None) };
    match flight.note(stage).await {
        Ok(_) => Ok(flight.record.end().cloned()),
        Err(_) => Ok(None),
    }
}

/// Why a flight goes no further.
enum Stop {
    /// Another executor carries on.
    Taken,
    /// This is how it ended.
    End(Stage),
    /// What goes out now is sent, and others are not kept waiting for what comes of it.
    Sent,
}

/// One record under way, or the part of it that is about one of several targets.
struct Flight<'a> {
    host: &'a Host<'a>,
    record: Record,
    /// How many calls of the record go to targets before this one.
    before: usize,
    /// Which of several targets this is, where none of them waits for another.
    apart: Option<usize>,
    /// How often it may wait for what a call brings about before the others' turn comes; `None` where it goes to its end.
    patience: Option<usize>,
    /// What was written into the record, of every target.
    written: Vec<Entry>,
    secrets: Secrets,
    may_send: bool,
    /// Until when calls of records that this one ended may still land: they were on their way, and nothing guards them.
    against: Vec<Timestamp>,
    /// Calls that certainly had no effect when they were sent last.
    without_effect: BTreeSet<usize>,
}

impl<'a> Flight<'a> {
    /// A record that is only looked at.
    fn of(record: Record, host: &'a Host<'a>) -> Self {
        let (secrets, against, without_effect) = Default::default();
        let (before, written, apart, patience) = (0, record.entries.clone(), None, None);
        Self { host, record, before, apart, patience, written, secrets, may_send: false, against, without_effect }
    }

    /// Whoever reaches an object.
    fn actor(&self, target: &ObjectId) -> Option<&'a dyn Actor> {
        let connection = self.host.connections.iter().find(|one| one.name == target.source);
        connection.and_then(|one| one.actor(target))
    }

    /// Calls that were on their way when this record went before theirs. One that is guarded by a revision is refused by the
    /// system once ours has taken effect; another may reverse it, up to the end of its time.
    async fn unanswered_calls_of_preempted(&self, plan: &Plan) -> Vec<Timestamp> {
        let (ledger, mut ended) = (Arc::clone(self.host.ledger), self.record.intent.preempts.clone());
        // What it carries on itself reverses nothing.
        ended.retain(|id| self.record.intent.takes_over.as_ref().is_none_or(|takeover| takeover.record != *id));
        let read = move || -> Vec<Record> { ended.iter().filter_map(|id| ledger.get(*id).ok().flatten()).collect() };
        let records = spawn_blocking(read).await.unwrap_or_default();
        let here = |on: &ObjectId| *on == plan.target || plan.draft.steps.iter().any(|step| step.target == *on);
        let calls = records.iter().filter_map(unguarded_call).filter(|(on, _)| here(on));
        calls.map(|(_, at)| after(at, SEND_LIMIT)).collect()
    }

    async fn fly(&mut self, plan: &Plan) -> Result<Stage, Stop> {
        if !self.may_send && !self.has_sent() {
            let why = "interrupted before anything was sent".to_owned();
            return Ok(Stage::Refused { why, changed: false });
        }
        let mut reached = plan.draft.all_steps().map(|step| &step.target).chain([&plan.target]);
        if let Some(missing) = reached.find(|target| self.actor(target).is_none()) {
            return Ok(self.give_up(plan, &format!("there is no connection '{}' here", missing.source), None));
        }
        if self.may_send && self.releases() {
            return self.release(plan).await;
        }
        let reading = self.read(plan, &plan.target).await?;
        if !self.may_send {
            return self.watch_the_whole(plan, &reading.facts).await;
        }
        // What can be drafted for an object is known once it was read.
        let targets = plan.draft.all_steps().map(|step| &step.target);
        let others: BTreeSet<&ObjectId> = targets.filter(|target| **target != plan.target).collect();
        for other in others {
            self.read(plan, other).await?;
        }
        // The whole plan, before any of it: what nobody can have drafted makes all of it suspect.
        let shapes =
            |target: &ObjectId| self.actor(target).map_or_else(Vec::new, |actor| actor.shapes(target, plan.verb));
        if let Err(forged) = shape::check_all(&plan.draft, plan.verb, shapes) {
            return Ok(self.give_up(plan, &forged.to_string(), None));
        }
        self.go(plan, reading).await
    }

    /// Was anything sent, as far as the record tells, or the one that it carries on?
    fn has_sent(&self) -> bool {
        self.record.intent.takes_over.as_ref().is_some_and(|takeover| takeover.has_begun())
            || self.record.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }))
    }

    /// Says whether it may wait for what a call brings about.
    fn waits(&mut self) -> Result<(), Stop> {
        match &mut self.patience {
            None => Ok(()),
            Some(0) => Err(Stop::Sent),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// What answers gave so far, by call.
    fn given(&self) -> BTreeMap<usize, Given> {
        takeover::given(self.record.intent.takes_over.as_deref(), &self.record.entries)
    }

    /// How it ends when nothing more can be learned or done.
    fn give_up(&self, plan: &Plan, why: &str, fault: Option<FaultKind>) -> Stage {
        if self.has_sent() {
            Stage::Unknown { check: words::check(plan, why) }
        } else {
            Stage::Failed { why: format!("{why}; nothing was sent"), fault }
        }
    }

    /// Writes an entry and tells it, without any secret: a system may repeat what it was sent. A journal that fails stops
    /// nothing here.
    async fn note(&mut self, stage: Stage) -> Result<Kept, Stop> {
        let stage = stage.saying(|said| self.secrets.masked(said));
        let own = Entry { at: self.host.clock.now(), stage };
        let entry = Entry { at: own.at, stage: several::lifted(own.stage.clone(), self.before, self.apart) };
        let (ledger, id, after, line) =
            (Arc::clone(self.host.ledger), self.record.id, self.written.len(), entry.clone());
        let kept = spawn_blocking(move || ledger.append(id, after, &line)).await;
        let kept = kept.unwrap_or_else(|error| Kept::Aside(format!("the journal's thread ended: {error}")));
        match &kept {
            Kept::Taken => return Err(Stop::Taken),
            Kept::Aside(why) => (self.host.news)(News::JournalBroken(why.clone())),
            Kept::Journal => {}
        }
        self.record.entries.push(own);
        self.written.push(entry.clone());
        (self.host.news)(News::Action(ActionNews { record: id, entry }));
        Ok(kept)
    }
}

/// To what and when the last call of a record was sent, if it has no answer yet and no revision guards it.
fn unguarded_call(record: &Record) -> Option<(ObjectId, Timestamp)> {
    let last = record.entries.iter().rfind(|entry| !entry.stage.is_end())?;
    let Stage::Sending { call, revision } = &last.stage else { return None };
    let step = record.intent.plan.all_steps().nth(*call)?;
    let guarded = step.call.is_guarded() && revision.is_some();
    (!guarded).then(|| (step.target.clone(), last.at))
}
