//! Actions under way: intents are written off the loop, executors are hosted, and the journal is followed for what other
//! processes do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
};

use crate::{
    app::{guard::Confirmed, msg::Msg},
    domain::time::after,
    journal::{
        JournalError,
        ledger::{Begun, Ledger},
        spool::is_spooled,
    },
    port::{
        clock::SharedClock,
        facet::Connection,
        kept::{KeptSignals, Outlived},
        plan::Target,
        record::{Record, RecordId},
    },
    runtime::{
        executor::{self, Host, News},
        note::{Key, Note},
    },
};

/// How often the journal is looked at for what others do: their news must be here within two seconds.
const EVERY: Duration = Duration::from_millis(1_500);
/// A record whose executor wrote nothing for this long after its time was up has none any more.
const ABANDONED: Duration = Duration::from_mins(1);

/// Starts a process of its own for a record.
pub type Detach = Arc<dyn Fn(RecordId) -> io::Result<()> + Send + Sync>;

/// Where executors run.
#[derive(Clone)]
pub enum Executors {
    /// As tasks of this process: for the built-in world, which lives here too.
    Here,
    /// As processes of their own, which outlive the terminal.
    Detached(Detach),
}

impl fmt::Debug for Executors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here => "Here",
            Self::Detached(_) => "Detached",
        })
    }
}

/// Everything that acting needs. Cloned into tasks.
#[derive(Clone)]
pub(super) struct Actions {
    pub(super) ledger: Arc<Ledger>,
    pub(super) connections: Arc<[Connection]>,
    pub(super) clock: SharedClock,
    pub(super) executors: Executors,
    /// Looking only: even abandoned records are left to others.
    pub(super) read_only: bool,
    /// Unbounded: an action has few news, and none of them may wait for a slow screen.
    pub(super) notes: mpsc::UnboundedSender<Note>,
    /// Records whose executor is a task of this process.
    pub(super) own: Arc<Mutex<BTreeSet<RecordId>>>,
    /// The journal could not be written when it was last tried.
    pub(super) broken: Arc<AtomicBool>,
    /// It was said that signals cannot be kept.
    pub(super) forgetful: Arc<AtomicBool>,
}

impl Actions {
    /// Writes an intent and sees that it is carried out.
    pub(super) async fn begin(self, confirmed: Box<Confirmed>) {
        let (ledger, new) = (Arc::clone(&self.ledger), confirmed.record().clone());
        let target = new.plan.target.clone();
        let record = match spawn_blocking(move || ledger.begin(&new)).await {
            Ok(Begun::Kept(record)) => *record,
            Ok(Begun::Aside(record, why)) => {
                self.tell(Msg::JournalBroken(Some(why)));
                *record
            }
            Ok(Begun::Refused(error)) => return self.refused(target, error),
            Err(error) => {
                return self.tell_begun(target, Err(format!("the journal's thread ended: {error}; nothing was sent")));
            }
        };
        let id = record.id;
        self.tell(Msg::Recorded(Box::new(record)));
        self.tell_begun(target, Ok(id));
        self.host(id).await;
    }

    /// Keeps signals beyond this process. Nothing waits for it; a journal that cannot take them is named once.
    pub(super) async fn keep_signals(self, kept: Vec<KeptSignals>, outlived: Outlived) {
        let ledger = Arc::clone(&self.ledger);
        let done = spawn_blocking(move || ledger.journal()?.keep_signals(&kept, &outlived)).await;
        let why = match done {
            Ok(Ok(())) => return self.forgetful.store(false, Ordering::Relaxed),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        if !self.forgetful.swap(true, Ordering::Relaxed) {
            self.tell(Msg::Said(format!("counts are not kept, a restart reads them anew: {why}")));
        }
    }

    fn refused(&self, target: Target, error: JournalError) {
        let said = if let JournalError::InFlight(other) = error {
            let said = JournalError::InFlight(other.clone()).to_string();
            self.tell(Msg::Recorded(other));
            said
        } else {
            self.tell(Msg::JournalBroken(Some(error.to_string())));
            format!("the journal cannot be written: {error}; nothing was sent")
        };
        self.tell(Msg::Said(said.clone()));
        self.tell_begun(target, Err(said));
    }

    /// Hosts the executor of a record.
    async fn host(&self, id: RecordId) {
        // What is only in this process' spool can only be carried out by this process.
        if let Executors::Detached(detach) = &self.executors
            && !is_spooled(id)
        {
            let detach = Arc::clone(detach);
            match spawn_blocking(move || detach(id)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => self
                    .tell(Msg::Said(format!("no process of its own for record {id}: {error}; stay until it is done"))),
                Err(error) => self
                    .tell(Msg::Said(format!("no process of its own for record {id}: {error}; stay until it is done"))),
            }
        }
        self.carry_out(id).await;
    }

    /// Runs an executor in this task.
    pub(super) async fn carry_out(&self, id: RecordId) {
        self.execute(id, true).await;
    }

    /// An executor that carries the record out, or only looks how it ended.
    async fn execute(&self, id: RecordId, may_send: bool) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        let news = |news| match news {
            News::Action(news) => self.tell(Msg::Action(news)),
            News::JournalBroken(why) => self.tell(Msg::JournalBroken(Some(why))),
        };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &news };
        let ended = if may_send { executor::run(id, &host).await } else { executor::conclude(id, &host).await };
        if let Err(error) = ended {
            self.tell(Msg::Said(format!("record {id} cannot be carried out: {error}")));
        }
        self.own.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Follows the journal: what other processes do, whether it can be written, and records that nobody carries on with.
    pub(super) async fn follow(self) {
        let mut tasks = JoinSet::new();
        let mut told: BTreeMap<RecordId, usize> = BTreeMap::new();
        let mut first = true;
        loop {
            let state = self.look(&mut told, &mut tasks).await;
            let was_broken = self.broken.load(Ordering::Relaxed);
            let msg = match state {
                Ok(()) if was_broken || first => Some(Msg::JournalBroken(None)),
                Ok(()) => None,
                Err(error) => Some(Msg::JournalBroken(Some(error.to_string()))),
            };
            if let Some(msg) = msg {
                let note = if first { Note::Answered(msg, Key::Journal) } else { Note::Msg(msg) };
                if self.notes.send(note).is_err() {
                    return;
                }
            }
            first = false;
            self.clock.sleep(EVERY).await;
        }
    }

    async fn look(&self, told: &mut BTreeMap<RecordId, usize>, tasks: &mut JoinSet<()>) -> Result<(), JournalError> {
        let (ledger, broken) = (Arc::clone(&self.ledger), self.broken.load(Ordering::Relaxed));
        let known: Vec<RecordId> = told.keys().copied().collect();
        let read = move || -> Result<Vec<Record>, JournalError> {
            if broken {
                ledger.check()?;
            }
            let journal = ledger.journal()?;
            let mut records = journal.in_flight()?;
            for id in known {
                if !records.iter().any(|record| record.id == id) {
                    records.extend(journal.get(id)?);
                }
            }
            Ok(records)
        };
        let records = spawn_blocking(read).await.unwrap_or_else(|_| Ok(Vec::new()))?;
        for record in records {
            if self.own.lock().unwrap_or_else(PoisonError::into_inner).contains(&record.id) {
                continue;
            }
            let (id, entries, ended) = (record.id, record.entries.len(), record.end().is_some());
            if self.is_abandoned(&record) {
                let actions = self.clone();
                tasks.spawn(async move { actions.execute(id, false).await });
            }
            if told.insert(id, entries) != Some(entries) {
                self.tell(Msg::Recorded(Box::new(record)));
            }
            if ended {
                told.remove(&id);
            }
        }
        Ok(())
    }

    fn is_abandoned(&self, record: &Record) -> bool {
        let last = record.entries.last().map_or(record.intent.at, |entry| entry.at);
        let quiet = record.intent.plan.draft.expect.within + ABANDONED;
        !self.read_only && record.end().is_none() && after(last, quiet) < self.clock.now()
    }

    fn tell(&self, msg: Msg) {
        // Nobody listens any more when the cockpit is gone; the journal has it all.
        let _ = self.notes.send(Note::Msg(msg));
    }

    fn tell_begun(&self, target: Target, begun: Result<RecordId, String>) {
        let _ = self.notes.send(Note::Begun(target, begun));
    }
}
