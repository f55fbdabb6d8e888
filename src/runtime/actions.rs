//! Actions under way: intents are written off the loop, executors are hosted, and the journal is followed for what other
//! processes do.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    task::{JoinSet, spawn_blocking},
};

use crate::{
    app::{action::Lost, guard::Confirmed, msg::Msg},
    domain::time::after as later,
    journal::{
        Changes, JournalError, Seq,
        attendance::{Attendance, Task},
        ledger::{Begun, Ledger},
    },
    port::{
        clock::SharedClock,
        facet::Connection,
        kept::{KeptSignals, Outlived},
        plan::Ask,
        record::{Entry, Record, RecordId, Stage},
        secrets::Secrets,
    },
    runtime::{
        detach::Ended,
        executor::{self, Host, News},
        note::{Key, Note},
    },
};

/// How often the journal is looked at for what other processes do, while any of them does something: the end of a verb is on screen
/// within half a second.
const EVERY: Duration = Duration::from_millis(250);
/// The same while nothing is known to be under way.
const RESTING: Duration = Duration::from_secs(1);
/// The same where every executor is a task of this process, and tells for itself.
const SELDOM: Duration = Duration::from_millis(1_500);

/// Starts a process of its own that carries a record out, with what was typed for it, and tells how that ended. The file is what
/// says that somebody attends the record: it must stay open in that process.
pub type Detach = Arc<dyn Fn(&Record, &Secrets, File) -> io::Result<Ended> + Send + Sync>;

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
    /// Something of this session is in the journal that another process carries out: it is looked at now.
    pub(super) stirred: Arc<Notify>,
}

impl Actions {
    /// Writes an intent and sees that it is carried out. `ticket` tells the answer from others.
    pub(super) async fn begin(self, confirmed: Box<Confirmed>, ticket: u64) {
        let (ledger, new, secrets) =
            (Arc::clone(&self.ledger), confirmed.record().clone(), confirmed.secrets().clone());
        let (record, attendance) = match spawn_blocking(move || ledger.begin(&new)).await {
            Ok(Begun::Kept(record, attendance)) => (*record, Some(attendance)),
            Ok(Begun::Aside(record, why)) => {
                self.tell(Msg::JournalBroken(Some(why)));
                (*record, None)
            }
            Ok(Begun::Refused(error)) => return self.refused(ticket, error),
            Err(error) => {
                return self.tell_begun(ticket, Err(format!("the journal's thread ended: {error}; nothing was sent")));
            }
        };
        self.tell(Msg::Recorded(Box::new(record.clone())));
        self.tell_begun(ticket, Ok(record.id));
        self.stirred.notify_one();
        self.host(record, secrets, attendance).await;
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

    /// Draws up again what is taken over, where the journal vouches for what it says of it. Answered with a note.
    pub(super) async fn vouch(self, ask: Ask) {
        let vouched = self.vouched(&ask).await;
        let _ = self.notes.send(Note::Vouched(Box::new(ask), vouched));
    }

    /// Does the journal vouch for what is taken over? What takes nothing over rests on no record.
    pub(super) async fn vouched(&self, ask: &Ask) -> Result<(), String> {
        let Some(record) = ask.takes_over.as_ref().map(|takeover| takeover.record) else { return Ok(()) };
        let ledger = Arc::clone(&self.ledger);
        match spawn_blocking(move || ledger.vouch(record)).await {
            Ok(vouched) => vouched.map_err(|error| error.to_string()),
            Err(error) => Err(format!("the journal's thread ended: {error}")),
        }
    }

    fn refused(&self, ticket: u64, error: JournalError) {
        let said = if let JournalError::InFlight(other) = error {
            let said = JournalError::InFlight(other.clone()).to_string();
            self.tell(Msg::Recorded(other));
            said
        } else if let JournalError::NotTaken { .. } = error {
            error.to_string()
        } else {
            self.tell(Msg::JournalBroken(Some(error.to_string())));
            format!("the journal cannot be written: {error}; nothing was sent")
        };
        self.tell(Msg::Said(said.clone()));
        self.tell_begun(ticket, Err(said));
    }

    /// Hosts the executor of a record.
    async fn host(&self, record: Record, secrets: Secrets, attendance: Option<Attendance>) {
        // What is only in this process' spool can only be carried out by this process.
        if let (Executors::Detached(detach), Some(file)) =
            (&self.executors, attendance.as_ref().and_then(Attendance::file))
        {
            let (detach, handed, id) = (Arc::clone(detach), (record.clone(), secrets.clone()), record.id);
            let started = spawn_blocking(move || detach(&handed.0, &handed.1, file)).await;
            let error = match started.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(ended) => {
                    // From here on the sign is the other process' alone.
                    drop(attendance);
                    // Nobody who leaves waits for it.
                    tokio::spawn(self.clone().await_end(record, secrets, ended));
                    return;
                }
                Err(error) => error,
            };
            self.tell(Msg::Said(format!("no process of its own for record {id}: {error}; stay until it is done")));
        }
        self.execute(record.id, Some((&record, &secrets))).await;
        drop(attendance);
    }

    /// Waits for the end of a process that carries a record out. Where it could not even begin, its reason is how the record ends:
    /// nobody else knows it, and until it is written nobody else concludes.
    async fn await_end(self, record: Record, secrets: Secrets, ended: Ended) {
        let (ledger, id) = (Arc::clone(&self.ledger), record.id);
        let first = spawn_blocking(move || ledger.attend(id, Task::Conclude)).await;
        // Its entries tell how it went, once there are any; whoever waited for us may be gone.
        let Ok(Err(why)) = ended.await else { return };
        let why = format!("its executor could not carry it out: {}", secrets.masked(&why));
        let news = |news| {
            if let News::JournalBroken(why) = news {
                self.tell(Msg::JournalBroken(Some(why)));
            }
        };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &news };
        if let Err(error) = executor::give_up(id, &record.intent, &why, &host).await {
            self.tell(Msg::Said(format!("record {id}: {why}; and that could not be written: {error}")));
        }
        drop(first);
    }

    /// Looks how a record ended whose executor died. The error is a record that somebody else looks after: whoever that is may
    /// leave before it is told.
    async fn conclude(&self, id: RecordId) -> Result<(), RecordId> {
        let ledger = self.ledger.clone();
        let attendance = match spawn_blocking(move || ledger.attend(id, Task::Conclude)).await {
            Ok(Ok(attendance)) => Some(attendance.ok_or(id)?),
            // The journal was taken away, with the place of such signs: nobody else looks after it either, and it must end.
            Ok(Err(why)) if why.kind() == io::ErrorKind::NotFound => None,
            _ => return Err(id),
        };
        self.execute(id, None).await;
        drop(attendance);
        Ok(())
    }

    /// An executor that carries out what was confirmed, or only looks how it ended.
    async fn execute(&self, id: RecordId, confirmed: Option<(&Record, &Secrets)>) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        let news = |news| match news {
            News::Action(news) => self.tell(Msg::Action(news)),
            News::JournalBroken(why) => self.tell(Msg::JournalBroken(Some(why))),
        };
        let host = Host { ledger: &self.ledger, connections: &self.connections, clock: &*self.clock, news: &news };
        let ended = match confirmed {
            Some((record, secrets)) => executor::run(id, &record.intent, secrets, &host).await,
            None => executor::conclude(id, &host).await,
        };
        if let Err(error) = ended {
            self.tell(Msg::Said(format!("record {id} cannot be carried out: {error}")));
        }
        self.own.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Follows the journal: what other processes do, whether it can be written, and records whose executor died. Ends are told
    /// by their place in the journal, not by looking now and then who is under way: what begins and ends between two looks is
    /// told too.
    pub(super) async fn follow(self) {
        let mut tasks = JoinSet::new();
        let mut followed = Followed::default();
        let mut first = true;
        loop {
            let state = self.look(&mut followed, &mut tasks).await;
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
            let moves = !followed.open.is_empty() || self.broken.load(Ordering::Relaxed);
            match (&self.executors, moves) {
                (Executors::Here, _) => self.clock.sleep(SELDOM).await,
                (Executors::Detached(_), true) => self.clock.sleep(EVERY).await,
                (Executors::Detached(_), false) => tokio::select! {
                    () = self.clock.sleep(RESTING) => {}
                    () = self.stirred.notified() => {}
                },
            }
        }
    }

    async fn look(&self, followed: &mut Followed, tasks: &mut Conclusions) -> Result<(), JournalError> {
        let (ledger, broken) = (Arc::clone(&self.ledger), self.broken.load(Ordering::Relaxed));
        let (after, open) = (followed.after, followed.open.clone());
        let read = move || -> Result<Look, JournalError> {
            if broken {
                ledger.check()?;
            }
            let changes = match after {
                Some(after) => ledger.changes(after)?,
                // The place first: what is written while the rest is read is told once more, not lost.
                None => Changes { head: ledger.head()?, records: beginning(&ledger)?, unreadable: Vec::new() },
            };
            let begun = changes.records.iter().filter(|record| record.end().is_none()).map(|record| record.id);
            let open: BTreeSet<RecordId> = open.into_iter().chain(begun).collect();
            // Whoever carries it out attends it before anybody can see it, and until its end is written. Asked in this order,
            // it may have ended meanwhile.
            let is_open =
                |id: &RecordId| ledger.get(*id).is_ok_and(|it| it.is_some_and(|record| record.end().is_none()));
            let lost = open.into_iter().filter(|id| !ledger.is_attended(*id)).filter(is_open).collect();
            Ok(Look { changes, lost })
        };
        let mut look = spawn_blocking(read).await.unwrap_or_else(|_| Ok(Look::default()))?;
        if after.is_none() {
            let recent = |end: &Entry| later(end.at, RECENT) >= self.clock.now();
            let left = |record: &Record| !record.owed().is_empty() || !record.not_begun().is_empty();
            let counts = |record: &Record| record.end().is_none_or(recent) || left(record);
            let (now, past) = look.changes.records.into_iter().partition(counts);
            look.changes.records = now;
            self.tell(Msg::Past(past));
        }
        self.tell_changes(look.changes, followed);
        self.tell_lost(&look.lost, followed, tasks);
        Ok(())
    }

    fn tell_changes(&self, changes: Changes, followed: &mut Followed) {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        followed.after = followed.after.max(Some(changes.head));
        for id in changes.unreadable {
            followed.open.remove(&id);
            self.tell(Msg::Lost(id, Lost::Unreadable));
        }
        for record in changes.records {
            if record.end().is_some() {
                followed.open.remove(&record.id);
            } else {
                followed.open.insert(record.id);
            }
            // An executor of this process tells for itself; that somebody went back meanwhile only the journal tells.
            let by_another = matches!(record.end().map(|end| &end.stage), Some(Stage::Preempted { .. }));
            if by_another || !own.contains(&record.id) {
                self.tell(Msg::Recorded(Box::new(record)));
            }
        }
    }

    /// Records that nobody carries out any more, each told once. A session knows them from its first look on: what nobody
    /// carries out must not stand in the way of a command that begins just now.
    fn tell_lost(&self, lost: &BTreeSet<RecordId>, followed: &mut Followed, tasks: &mut Conclusions) {
        while let Some(done) = tasks.try_join_next() {
            if let Ok(Err(by_another)) = done {
                followed.concluded.remove(&by_another);
            }
        }
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        followed.missed.retain(|id| lost.contains(id) && followed.open.contains(id));
        followed.concluded.retain(|id| lost.contains(id));
        for id in lost.iter().copied().filter(|id| followed.open.contains(id) && !own.contains(id)) {
            if followed.missed.insert(id) {
                self.tell(Msg::Lost(id, Lost::Died(self.clock.now())));
            }
            if !self.read_only && followed.concluded.insert(id) {
                let actions = self.clone();
                tasks.spawn(async move { actions.conclude(id).await });
            }
        }
    }

    fn tell(&self, msg: Msg) {
        // Nobody listens any more when the cockpit is gone; the journal has it all.
        let _ = self.notes.send(Note::Msg(msg));
    }

    fn tell_begun(&self, ticket: u64, begun: Result<RecordId, String>) {
        let _ = self.notes.send(Note::Begun(ticket, begun));
    }
}

/// The records that a session is told of at its start: what they say of earlier versions counts for the way back.
const REMEMBERED: usize = 200;
/// An act that ended this long ago is still news to a session that starts.
const RECENT: Duration = Duration::from_mins(5);

/// How far a session has followed the journal.
#[derive(Default)]
struct Followed {
    /// The place up to which everything was told.
    after: Option<Seq>,
    /// The records that have not ended.
    open: BTreeSet<RecordId>,
    /// Those that were seen without an executor.
    missed: BTreeSet<RecordId>,
    /// Those of them that this session looks after, or has.
    concluded: BTreeSet<RecordId>,
}

/// Tasks that look how records ended whose executors died.
type Conclusions = JoinSet<Result<(), RecordId>>;

/// What one look at the journal showed.
#[derive(Default)]
struct Look {
    changes: Changes,
    lost: BTreeSet<RecordId>,
}

/// The newest records, and those under way or of which something is held, however old: oldest first.
fn beginning(ledger: &Ledger) -> Result<Vec<Record>, JournalError> {
    let journal = ledger.journal()?;
    let all = journal.in_flight()?.into_iter().chain(journal.holding()?).chain(journal.newest(REMEMBERED)?);
    let all: BTreeMap<RecordId, Record> = all.map(|record| (record.id, record)).collect();
    Ok(all.into_values().collect())
}
