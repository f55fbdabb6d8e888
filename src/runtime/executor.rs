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

#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::{fmt, sync::Arc, time::Duration};

use tokio::task::spawn_blocking;

use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, after, until},
        verb::Direction,
    },
    journal::{
        JournalError,
        ledger::{Kept, Ledger},
    },
    port::{
        clock::Clock,
        error::ProviderError,
        facet::{Actor, Connection},
        plan::{Facts, Plan, Reading, RevisionGuard, WireCall},
        record::{ActionNews, Entry, NewRecord, Record, RecordId, Stage},
        shape::Checked,
    },
    runtime::clock::within,
};

/// How long one reading of the target may take, where no more is allowed to its connection.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// So much longer than one answer may take a reading may.
const READ_MARGIN: Duration = Duration::from_secs(1);
/// How often the target is read before the first call, and how long after a failure.
const READS: u32 = 3;
const READ_PAUSE: Duration = Duration::from_secs(1);
/// How long a call may take when the transport has no limit of its own.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// How often a call is sent when the object's revision moves on under it and the facts still hold.
const SENDS: u32 = 3;

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
    /// The connections, one of which reaches the target.
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
pub async fn run(id: RecordId, confirmed: &NewRecord, host: &Host<'_>) -> Result<Option<Entry>, JournalError> {
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
    end(Record { id, intent: confirmed.clone(), entries }, host, true).await
}

/// Ends a record that cannot even be begun: no connection could be made.
pub async fn give_up(
    id: RecordId,
    confirmed: &NewRecord,
    why: &str,
    host: &Host<'_>,
) -> Result<Option<Entry>, JournalError> {
    let entry = Entry { at: host.clock.now(), stage: Stage::Recorded };
    let record = Record { id, intent: confirmed.clone(), entries: vec![entry] };
    let mut flight = Flight { host, record, may_send: false, against: Vec::new() };
    let stage = Stage::Failed { why: format!("{why}; nothing was sent"), fault: None };
    let noted = flight.note(stage).await;
    Ok(noted.ok().and_then(|_| flight.record.end().cloned()))
}

/// Brings a record to its end whose executor died: only by looking. Nothing is sent that nobody asked for just now, so what
/// the journal says of it may be believed. Returns as [`run`] does.
pub async fn conclude(id: RecordId, host: &Host<'_>) -> Result<Option<Entry>, JournalError> {
    let ledger = Arc::clone(host.ledger);
    let record = spawn_blocking(move || ledger.get(id)).await.map_err(|_| JournalError::Missing(id))??;
    end(record.ok_or(JournalError::Missing(id))?, host, false).await
}

async fn end(record: Record, host: &Host<'_>, may_send: bool) -> Result<Option<Entry>, JournalError> {
    if let Some(end) = record.end() {
        return Ok(Some(end.clone()));
    }
    let plan = record.intent.plan.clone();
    let actor = host.connections.iter().find(|one| one.name == plan.target.source);
    let actor = actor.and_then(|one| one.actor(&plan.target));
    let mut flight = Flight { host, record, may_send, against: Vec::new() };
    if may_send {
        flight.against = flight.unanswered_calls_of_preempted().await;
    }
    let stage = match actor {
        None => flight.give_up(&plan, &format!("there is no connection '{}' here", plan.target.source), None),
        Some(actor) => match flight.fly(&plan, actor).await {
            Ok(stage) | Err(Stop::End(stage)) => stage,
            Err(Stop::Taken) => return Ok(None),
        },
    };
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
}

/// What became of a call.
enum Call {
    /// The system took it; its revision now.
    Taken(Option<String>),
    /// It may or may not have taken effect: only looking can tell.
    Unanswered,
}

/// One record under way.
struct Flight<'a> {
    host: &'a Host<'a>,
    record: Record,
    may_send: bool,
    /// Until when calls of records that this one ended may still land: they were on their way, and nothing guards them.
    against: Vec<Timestamp>,
}

impl Flight<'_> {
    /// Calls that were on their way when this record went before theirs. One that is guarded by a revision is refused by the
    /// system once ours has taken effect; another may reverse it, up to the end of its time.
    async fn unanswered_calls_of_preempted(&self) -> Vec<Timestamp> {
        let (ledger, mut ended) = (Arc::clone(self.host.ledger), self.record.intent.preempts.clone());
        // What it carries on itself reverses nothing.
        ended.retain(|id| self.record.intent.takes_over.as_ref().is_none_or(|takeover| takeover.record != *id));
        let read = move || -> Vec<Record> { ended.iter().filter_map(|id| ledger.get(*id).ok().flatten()).collect() };
        let records = spawn_blocking(read).await.unwrap_or_default();
        records.iter().filter_map(unguarded_call).map(|at| after(at, SEND_LIMIT)).collect()
    }

    async fn fly(&mut self, plan: &Plan, actor: &dyn Actor) -> Result<Stage, Stop> {
        if !self.may_send && !self.has_sent() {
            let why = "interrupted before anything was sent".to_owned();
            return Ok(Stage::Refused { why, changed: false });
        }
        let mut reading = self.read(plan, actor).await?;
        let before = reading.facts.clone();
        if !self.may_send {
            return self.watch(plan, actor, &before).await;
        }
        // The whole plan, before any of it: what nobody can have drafted makes all of it suspect.
        for call in &plan.draft.calls {
            if let Err(forged) = Checked::of(call, plan.verb, &plan.target, actor) {
                return Ok(self.give_up(plan, &forged.to_string(), None));
            }
        }
        let (mut next, unanswered) = self.progress();
        if let Some((call, revision)) = unanswered {
            let untouched = revision.is_some() && revision == reading.revision;
            if !untouched && self.carries_on(call) {
                return self.send_once_it_cannot_land(plan, actor, call).await;
            }
            if !untouched {
                return self.watch(plan, actor, &before).await;
            }
            match self.send_again(plan, actor, call, revision).await? {
                Call::Taken(revision) => reading.revision = revision,
                Call::Unanswered => return self.watch(plan, actor, &before).await,
            }
            next = call + 1;
        }
        self.send_from(plan, actor, next, reading, &before).await
    }

    /// Sends the calls from this one on, and watches.
    async fn send_from(
        &mut self,
        plan: &Plan,
        actor: &dyn Actor,
        next: usize,
        mut reading: Reading,
        before: &Facts,
    ) -> Result<Stage, Stop> {
        for (index, call) in plan.draft.calls.iter().enumerate().skip(next) {
            if index > 0 && reading.revision.is_none() {
                reading = self.read(plan, actor).await?;
            }
            match self.send(plan, actor, index, call, reading).await? {
                Call::Taken(revision) => reading = Reading { facts: Facts::new(), revision },
                Call::Unanswered => return self.watch(plan, actor, before).await,
            }
        }
        self.watch(plan, actor, before).await
    }

    /// Is this the call that the act which is carried on had sent without an answer?
    fn carries_on(&self, call: usize) -> bool {
        let begun = self.record.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }));
        let left = self.record.intent.takes_over.as_ref().filter(|takeover| takeover.unanswered.is_some());
        !begun && left.is_some_and(|takeover| takeover.sent == call)
    }

    /// Sends a call again that a dead executor had sent without an answer. It was drafted anew, so its effect was not seen; a
    /// guarded one can land no more once the object has moved, another one not after its time. Then it is looked for once
    /// more: only where the facts still hold, and what is expected does not, it is sent.
    async fn send_once_it_cannot_land(&mut self, plan: &Plan, actor: &dyn Actor, index: usize) -> Result<Stage, Stop> {
        let left = self.record.intent.takes_over.as_ref().and_then(|takeover| takeover.unanswered.clone());
        let guarded = plan.draft.calls.get(index).is_some_and(|call| call.guard != RevisionGuard::None);
        if let Some(left) = left.filter(|left| !guarded || left.revision.is_none()) {
            let clock = self.host.clock;
            clock.sleep(until(clock.now(), after(left.at, SEND_LIMIT))).await;
        }
        let reading = self.read(plan, actor).await?;
        let before = reading.facts.clone();
        if plan.draft.expect.all.iter().all(|expect| expect.holds(&before)) {
            return self.watch(plan, actor, &before).await;
        }
        self.send_from(plan, actor, index, reading, &before).await
    }

    /// The next call to send, and the call (with the revision that guarded it) that was sent without an answer.
    fn progress(&self) -> (usize, Option<(usize, Option<String>)>) {
        let last = self.record.entries.iter().rev().find_map(|entry| match &entry.stage {
            Stage::Accepted { call, .. } => Some((call + 1, None)),
            Stage::Sending { call, revision } => Some((*call, Some((*call, revision.clone())))),
            _ => None,
        });
        let taken_over = || {
            let takeover = self.record.intent.takes_over.as_ref()?;
            let unanswered = takeover.unanswered.as_ref().map(|call| (takeover.sent, call.revision.clone()));
            Some((takeover.sent, unanswered))
        };
        last.or_else(taken_over).unwrap_or_default()
    }

    /// Was anything sent, as far as the record tells, or the one that it carries on?
    fn has_sent(&self) -> bool {
        self.record.intent.takes_over.as_ref().is_some_and(|takeover| takeover.has_begun())
            || self.record.entries.iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }))
    }

    /// Sends a call of the plan as long as the facts hold: an object that moved answers 409, and is then read and compared
    /// again. A controller that writes status all the time must not block the way back.
    async fn send(
        &mut self,
        plan: &Plan,
        actor: &dyn Actor,
        index: usize,
        call: &WireCall,
        mut reading: Reading,
    ) -> Result<Call, Stop> {
        // What was drawn up is compared before the first call of ours, whichever that is.
        let first = self.record.intent.takes_over.as_ref().map_or(0, |takeover| takeover.sent);
        for sent in 0..SENDS {
            if sent > 0 {
                reading = self.read(plan, actor).await?;
                let holds = plan.draft.expect.all.iter().all(|expect| expect.holds(&reading.facts));
                if holds && words::replaced(plan, &reading.facts).is_none() {
                    // Somebody else did it meanwhile; there is nothing left to send.
                    return Ok(Call::Unanswered);
                }
            }
            if index == 0 && words::is_going_back_already(plan, &reading.facts) {
                // The same, from a record that this one ended or from somebody else, has landed since this was drawn: it is
                // watched to its end, not refused.
                return Ok(Call::Unanswered);
            }
            if sent > 0 || index == first {
                compare(plan, index, &reading.facts)?;
            }
            match self.attempt(plan, actor, index, call, reading.revision.clone()).await? {
                Ok(taken) => return Ok(taken),
                Err(error) if error.kind == FaultKind::Conflict => {}
                Err(error) => return Err(Stop::End(failed(plan, index, &error.text, Some(error.kind)))),
            }
        }
        let why = format!("the object changed {SENDS} times while the call was sent; it did not take effect");
        Err(Stop::End(failed(plan, index, &why, Some(FaultKind::Conflict))))
    }

    /// Sends a call again of which it is proven that it had no effect yet. The one before may still arrive, but only one of
    /// the two can: both are guarded by the same revision. So a conflict means that the other one won.
    async fn send_again(
        &mut self,
        plan: &Plan,
        actor: &dyn Actor,
        index: usize,
        revision: Option<String>,
    ) -> Result<Call, Stop> {
        let Some(call) = plan.draft.calls.get(index) else { return Ok(Call::Unanswered) };
        match self.attempt(plan, actor, index, call, revision).await? {
            Ok(taken) => Ok(taken),
            Err(error) if error.kind == FaultKind::Conflict => Ok(Call::Unanswered),
            Err(error) => Err(Stop::End(failed(plan, index, &error.text, Some(error.kind)))),
        }
    }

    /// Sends every call again whose effect was reversed by one of an act that this one ended. Those can land once each, so this
    /// is done no more often than there were such calls.
    async fn send_once_more(&mut self, plan: &Plan, actor: &dyn Actor, reading: &Reading) -> Result<(), Stop> {
        if self.against.pop().is_none() {
            return Ok(());
        }
        let mut revision = reading.revision.clone();
        for (index, call) in plan.draft.calls.iter().enumerate() {
            match self.attempt(plan, actor, index, call, revision.clone()).await? {
                Ok(Call::Taken(next)) => revision = next,
                // What it could not tell is watched for like anything else.
                Ok(Call::Unanswered) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// One attempt: the entry, then the request. The inner error is of a call that certainly had no effect.
    async fn attempt(
        &mut self,
        plan: &Plan,
        actor: &dyn Actor,
        index: usize,
        call: &WireCall,
        revision: Option<String>,
    ) -> Result<Result<Call, ProviderError>, Stop> {
        let checked = Checked::of(call, plan.verb, &plan.target, actor);
        let checked = checked.map_err(|forged| Stop::End(failed(plan, index, &forged.to_string(), None)))?;
        let kept = self.note(Stage::Sending { call: index, revision: revision.clone() }).await?;
        if let Kept::Aside(why) = kept
            && plan.verb.direction() == Direction::Forward
        {
            let why = format!("the journal cannot be written: {why}");
            return Err(Stop::End(failed(plan, index, &why, None)));
        }
        match within(self.host.clock, SEND_LIMIT, actor.send(checked, revision.as_deref())).await {
            Some(Ok(sent)) => {
                self.note(Stage::Accepted { call: index, said: sent.said }).await?;
                Ok(Ok(Call::Taken(sent.revision)))
            }
            Some(Err(error)) if !error.maybe_done => Ok(Err(error)),
            Some(Err(_)) | None => Ok(Ok(Call::Unanswered)),
        }
    }

    /// How long one reading of the target may take.
    fn read_limit(&self, plan: &Plan) -> Duration {
        let connection = self.host.connections.iter().find(|one| one.name == plan.target.source);
        connection.map_or(READ_LIMIT, |one| READ_LIMIT.max(one.timeout.saturating_add(READ_MARGIN)))
    }

    /// Reads the target, patiently: nothing is lost by it.
    async fn read(&self, plan: &Plan, actor: &dyn Actor) -> Result<Reading, Stop> {
        let (mut why, mut fault) = (String::new(), FaultKind::TimedOut);
        for tried in 0..READS {
            if tried > 0 {
                self.host.clock.sleep(READ_PAUSE).await;
            }
            match within(self.host.clock, self.read_limit(plan), actor.read(&plan.target)).await {
                Some(Ok(reading)) => return Ok(reading),
                Some(Err(error)) => {
                    if error.kind == FaultKind::Missing && !self.has_sent() {
                        let why = format!("{} is no longer there: {}; nothing was sent", plan.target, error.text);
                        return Err(Stop::End(Stage::Refused { why, changed: true }));
                    }
                    let hopeless = [FaultKind::Missing, FaultKind::Forbidden, FaultKind::Unauthenticated];
                    (why, fault) = (error.text, error.kind);
                    if hopeless.contains(&error.kind) {
                        break;
                    }
                }
                None => {
                    let limit = self.read_limit(plan).as_secs();
                    (why, fault) = (format!("no answer within {limit} s"), FaultKind::TimedOut);
                }
            }
        }
        Err(Stop::End(self.give_up(plan, &format!("{} cannot be read: {why}", plan.target), Some(fault))))
    }

    /// How it ends when nothing more can be learned or done.
    fn give_up(&self, plan: &Plan, why: &str, fault: Option<FaultKind>) -> Stage {
        if self.has_sent() {
            Stage::Unknown { check: words::check(plan, why) }
        } else {
            Stage::Failed { why: format!("{why}; nothing was sent"), fault }
        }
    }

    /// Writes an entry and tells it. A journal that fails stops nothing here.
    async fn note(&mut self, stage: Stage) -> Result<Kept, Stop> {
        let entry = Entry { at: self.host.clock.now(), stage };
        let (ledger, id, after, line) =
            (Arc::clone(self.host.ledger), self.record.id, self.record.entries.len(), entry.clone());
        let kept = spawn_blocking(move || ledger.append(id, after, &line)).await;
        let kept = kept.unwrap_or_else(|error| Kept::Aside(format!("the journal's thread ended: {error}")));
        match &kept {
            Kept::Taken => return Err(Stop::Taken),
            Kept::Aside(why) => (self.host.news)(News::JournalBroken(why.clone())),
            Kept::Journal => {}
        }
        self.record.entries.push(entry.clone());
        (self.host.news)(News::Action(ActionNews { record: id, entry }));
        Ok(kept)
    }
}

/// When the last call of a record was sent, if it has no answer yet and no revision guards it.
fn unguarded_call(record: &Record) -> Option<Timestamp> {
    let last = record.entries.iter().rfind(|entry| !entry.stage.is_end())?;
    let Stage::Sending { call, revision } = &last.stage else { return None };
    let guard = record.intent.plan.draft.calls.get(*call).map(|call| call.guard);
    let guarded = revision.is_some() && guard.is_some_and(|guard| guard != RevisionGuard::None);
    (!guarded).then_some(last.at)
}

/// How it ends when a call certainly had no effect: the calls before it had.
fn failed(plan: &Plan, index: usize, why: &str, fault: Option<FaultKind>) -> Stage {
    let done = plan.draft.calls.iter().take(index).map(|call| call.words.as_str()).collect::<Vec<_>>();
    let before =
        if done.is_empty() { "nothing was changed".to_owned() } else { format!("done before it: {}", done.join(", ")) };
    Stage::Failed { why: format!("{why}; {before}"), fault }
}

/// Refuses when the world is not as it was on screen.
fn compare(plan: &Plan, index: usize, facts: &Facts) -> Result<(), Stop> {
    let moved = if index == 0 { words::moved(plan, facts) } else { words::became_another(plan, facts) };
    match moved {
        None => Ok(()),
        Some(moved) if index == 0 => {
            Err(Stop::End(Stage::Refused { why: format!("{moved}; nothing was sent"), changed: true }))
        }
        Some(moved) => Err(Stop::End(failed(plan, index, &moved, None))),
    }
}
