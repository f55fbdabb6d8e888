//! The journal in one SQLite file. Several processes may share it; each write is one `BEGIN IMMEDIATE` transaction that
//! reads the head of the chain and appends to it.

mod beside;
mod lines;
mod lock;
mod packing;
mod schema;
mod signals;
mod trouble;
mod verify;

use std::{
    collections::BTreeSet,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, config::DbConfig};

use self::{
    lines::Reading,
    trouble::{Trouble, explained, no_folder, troubled, unfit},
};
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        time::Timestamp,
    },
    journal::{
        Chain, Changes, Head, Journal, JournalError, Seq,
        anchor::Anchor,
        attendance::{Attendance, Register, Task},
        place::{self, Keepers},
        signer::Signer,
        spool::{Line, is_spooled},
        syslog::Syslog,
        trust::{self, Known, Standing, Trusted},
    },
    port::{
        kept::{KeptSignals, Outlived},
        record::{Entry, NewRecord, Record, RecordId, Stage},
    },
};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// A journal in a file, or in memory where it need not outlive the process.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    /// Which file that was when it was opened: device and number. `None` of what is in no file.
    opened: Option<(u64, u64)>,
    connection: Mutex<Connection>,
    register: Register,
    /// Signs what this process writes; an unsigned journal ends with the process, or is a test's.
    signer: Option<Arc<Signer>>,
    anchor: Option<Anchor>,
    syslog: Option<Syslog>,
    trusted: Option<Trusted>,
    /// What this process carries out.
    carried_out: Mutex<BTreeSet<RecordId>>,
}

impl SqliteJournal {
    /// Opens or makes the file, for this user alone; its directory is made too.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_for(path, &Keepers::Own)
    }

    /// Opens or makes the file of these keepers.
    pub fn open_for(path: &Path, keepers: &Keepers) -> Result<Self, JournalError> {
        let broken = |why: String, way| JournalError::Broken { path: path.to_owned(), why, way };
        if path.is_dir() {
            return Err(broken("is a directory".to_owned(), "name a file with state.path"));
        }
        if let Some(parent) = path.parent() {
            place::folder_for(parent, keepers).map_err(|error| no_folder(path, &error))?;
        }
        beside::examine(path, keepers)?;
        // Made by us, so that its mode is ours: SQLite gives the files beside it the same. A file that cannot be made is
        // SQLite's to explain.
        let _ = place::open_for(path, keepers);
        Self::prepare(path, Connection::open(path), Register::beside(path, keepers))
    }

    /// Opens a file that is there only to read it: one on a disk that is full, or that this user may not write. Whom it
    /// belongs to is asked all the same.
    pub fn open_to_read(path: &Path, keepers: &Keepers) -> Result<Self, JournalError> {
        if let Some(parent) = path.parent() {
            place::examine_folder(parent, keepers).map_err(|error| no_folder(path, &error))?;
        }
        beside::examine(path, keepers)?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let explain = |error| explained(path, &error);
        let connection = connection.map_err(explain)?;
        run_nothing(&connection).map_err(explain)?;
        schema::recognise(&connection).map_err(|unusable| unfit(path, unusable))?;
        let (connection, register) = (Mutex::new(connection), Register::beside(path, keepers));
        Ok(Self {
            path: path.to_owned(),
            opened: file_at(path),
            connection,
            register,
            signer: None,
            anchor: None,
            syslog: None,
            trusted: None,
            carried_out: Mutex::default(),
        })
    }

    /// The same journal, in which this process signs what it writes, and keeps in a folder of the user's own how far it had
    /// come.
    #[must_use]
    pub fn signed(self, signer: Arc<Signer>, own: &Path) -> Self {
        let anchor = Some(Anchor::of(own, &self.path));
        let trusted = Some(Trusted::of(own));
        Self { signer: Some(signer), anchor, trusted, ..self }
    }

    /// The keys that the user trusts; none where they cannot be read: then more of them are contested, not fewer.
    fn known(&self) -> Known {
        let trusted = self.trusted.as_ref().and_then(|list| list.read().ok()).unwrap_or_default();
        Known { trusted, ..Known::default() }
    }

    /// The same journal, of which the machine's own log is told how far it has come.
    #[must_use]
    pub fn told(self) -> Self {
        Self { syslog: Some(Syslog::here()), ..self }
    }

    /// A journal that ends with the process: for the built-in world and for tests.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::prepare(Path::new("journal in memory"), Connection::open_in_memory(), Register::here())
    }

    fn prepare(
        path: &Path,
        connection: rusqlite::Result<Connection>,
        register: Register,
    ) -> Result<Self, JournalError> {
        let explain = |error| explained(path, &error);
        let mut connection = connection.map_err(explain)?;
        connection.busy_timeout(BUSY).map_err(explain)?;
        // EXTRA is FULL and also syncs the directory: without that, a power cut can bring a committed rollback file back.
        connection.pragma_update(None, "synchronous", "EXTRA").map_err(explain)?;
        run_nothing(&connection).map_err(explain)?;
        schema::prepare(&mut connection).map_err(|unusable| unfit(path, unusable))?;
        Ok(Self {
            path: path.to_owned(),
            opened: file_at(path),
            connection: Mutex::new(connection),
            register,
            signer: None,
            anchor: None,
            syslog: None,
            trusted: None,
            carried_out: Mutex::default(),
        })
    }

    /// Is the file that was opened still the one that everybody finds? What goes into one that was taken away is lost with the process.
    fn is_there(&self) -> Result<(), JournalError> {
        if self.opened.is_none() || self.opened == file_at(&self.path) {
            return Ok(());
        }
        Err(JournalError::Broken {
            path: self.path.clone(),
            why: "was taken away or replaced while it was open".to_owned(),
            way: "a new one is made at the next look; bring the old one back from a backup, or name another place with state.path",
        })
    }

    /// Does somebody carry this record out? Where that cannot be told, it counts as if one did.
    fn is_carried_out(&self, id: i64) -> bool {
        self.is_own(record_id(id)) || self.register.is_attended(record_id(id)).unwrap_or(true)
    }

    /// Does this process carry it out?
    fn is_own(&self, record: RecordId) -> bool {
        self.carried_out.lock().unwrap_or_else(PoisonError::into_inner).contains(&record)
    }

    /// Whose signals are read back from here.
    fn own(&self) -> Option<signals::Own<'_>> {
        self.signer.as_ref().map(|signer| signals::Own { signer, journal: &self.path })
    }

    /// How its lines are believed: a journal that somebody signs is one in which everybody does.
    fn reading<'a>(&self, attended: &'a dyn Fn(i64) -> bool) -> Reading<'a> {
        Reading { signed: self.signer.is_some(), attended }
    }

    fn readable(&self, connection: &Connection, ids: Vec<i64>) -> Result<(Vec<Record>, Vec<i64>), Trouble> {
        lines::readable(connection, ids, &self.reading(&|id| self.is_carried_out(id)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Trouble>) -> Result<T, JournalError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|trouble| troubled(&self.path, trouble))
    }

    /// Signs what is behind this line.
    fn sign(&self, tx: &Transaction<'_>, before: i64) -> Result<(), Trouble> {
        self.signer.as_ref().map_or(Ok(()), |signer| lines::sign(tx, before, signer))
    }

    /// May how far the journal has come now take the place of what this user's own state remembers? A journal that was cut
    /// off or written anew must not make it forget.
    fn goes_on(&self, tx: &Transaction<'_>) -> Result<bool, Trouble> {
        let Some(anchor) = &self.anchor else { return Ok(false) };
        let goes_on = anchor.read().map_or(Ok(true), |kept| lines::has(tx, &kept))?;
        if !goes_on {
            tracing::warn!("the journal is not the one that you wrote last; `holdshort audit verify` says more");
        }
        Ok(goes_on)
    }

    /// Keeps outside of the journal how far it has come. It is written, and that is what counts: only a later look for a
    /// missing end has less to go by where this fails.
    fn remember(&self, head: &Head, goes_on: bool) {
        if goes_on
            && let Some(anchor) = &self.anchor
            && let Err(error) = anchor.keep(head)
        {
            tracing::warn!(%error, "how far the journal has come cannot be kept in your own state");
        }
        if let (Some(syslog), Some(signer)) = (&self.syslog, &self.signer)
            && let Err(error) = syslog.tell(&self.path, head, &signer.name())
        {
            tracing::debug!(%error, "the machine's log does not listen");
        }
    }

    /// One write: all of it is on disk when this returns, or none of it.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T, JournalError> {
        self.with(|connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let before = lines::head(&tx)?;
            let done = work(&tx)?;
            // Signals and checks lie beside the chain: there is nothing to sign, and it has come no further.
            let comes_further = lines::head(&tx)? > before;
            let head = if comes_further && (self.anchor.is_some() || self.syslog.is_some()) {
                self.sign(&tx, before)?;
                lines::last(&tx)?.map(|head| Ok::<_, Trouble>((head, self.goes_on(&tx)?))).transpose()?
            } else {
                None
            };
            tx.commit()?;
            if let Some((head, goes_on)) = head {
                self.remember(&head, goes_on);
            }
            Ok(done)
        })
    }
}

/// Which file is found at a path: its device and its number.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

impl Journal for SqliteJournal {
    fn begin(&self, new: &NewRecord) -> Result<(Record, Attendance), JournalError> {
        let attended = |id| self.is_carried_out(id);
        let how = self.reading(&attended);
        let (record, attendance) = self.write(|tx| {
            let id = lines::next_id(tx)?;
            let mut new = new.clone();
            new.follows = lock::newest(tx, &new.plan.target)?.map(record_id);
            let taken = match &new.takes_over {
                Some(takeover) => lock::take_over(tx, id, &new, takeover, &how)?,
                None => None,
            };
            let ended = lock::make_way(tx, id, &new, &how)?;
            new.preempts = taken.into_iter().chain(ended).map(record_id).collect();
            lines::begin(tx, id, &new)?;
            lock::note(tx, &new.plan, id, true)?;
            let first = Entry { at: new.at, stage: Stage::Recorded };
            lines::append(tx, id, &first)?;
            // Before anybody can see the record.
            let attendance = self.register.attend(record_id(id), Task::CarryOut).and_then(|attendance| {
                attendance
                    .ok_or_else(|| io::Error::other(format!("somebody attends record {id}, which is not there yet")))
            });
            let attendance = attendance.map_err(|error| {
                let (path, way) = (self.path.clone(), "name a place with state.path where files can be locked");
                Trouble::Journal(JournalError::Broken { path, why: format!("no lock can be taken: {error}"), way })
            })?;
            Ok((Record { id: record_id(id), intent: new, entries: vec![first] }, attendance))
        })?;
        record.intent.preempts.iter().for_each(|ended| self.register.forget(*ended));
        Ok((record, attendance))
    }

    fn append(&self, record: RecordId, after: usize, entry: &Entry) -> Result<(), JournalError> {
        let attended = |id| self.is_carried_out(id);
        let how = self.reading(&attended);
        self.write(|tx| {
            let id = number(record);
            match lines::record(tx, id, &how)? {
                None => Err(Trouble::Journal(JournalError::Missing(record))),
                Some(there) if there.entries.len() != after || there.end().is_some() => {
                    Err(Trouble::Journal(JournalError::Taken(record)))
                }
                Some(_) => {
                    lines::append(tx, id, entry)?;
                    if entry.stage.is_end() { lock::release(tx, id) } else { Ok(()) }
                }
            }
        })?;
        // The sign of whoever still carries it out is theirs to take away.
        if entry.stage.is_end() && (self.is_own(record) || !self.is_carried_out(number(record))) {
            self.register.forget(record);
        }
        Ok(())
    }

    fn get(&self, id: RecordId) -> Result<Option<Record>, JournalError> {
        let attended = |id| self.is_carried_out(id);
        self.with(|connection| lines::record(connection, number(id), &self.reading(&attended)))
    }

    fn newest(&self, most: usize) -> Result<Vec<Record>, JournalError> {
        self.with(|connection| self.readable(connection, lines::newest_ids(connection, most)?).map(|all| all.0))
    }

    fn in_flight(&self) -> Result<Vec<Record>, JournalError> {
        self.with(|connection| self.readable(connection, lines::open_ids(connection)?).map(|all| all.0))
    }

    fn holding(&self) -> Result<Vec<Record>, JournalError> {
        let mut all = self.with(|connection| self.readable(connection, lines::owing_ids(connection)?))?.0;
        all.retain(|record| !record.owed().is_empty());
        Ok(all)
    }

    fn head(&self) -> Result<Seq, JournalError> {
        self.with(|connection| lines::head(connection).map(Seq))
    }

    fn changes(&self, after: Seq) -> Result<Changes, JournalError> {
        self.with(|connection| {
            // Both in one look: a line that is written between them would be skipped for ever.
            let tx = connection.transaction()?;
            let head = Seq(lines::head(&tx)?);
            if head <= after {
                return Ok(Changes { head, records: Vec::new(), unreadable: Vec::new() });
            }
            let (records, unreadable) = self.readable(&tx, lines::changed_ids(&tx, after.0)?)?;
            Ok(Changes { head, records, unreadable: unreadable.into_iter().map(record_id).collect() })
        })
    }

    fn attend(&self, record: RecordId, task: Task) -> io::Result<Option<Attendance>> {
        self.register.attend(record, task)
    }

    fn carries_out(&self, record: RecordId) {
        self.carried_out.lock().unwrap_or_else(PoisonError::into_inner).insert(record);
    }

    fn is_attended(&self, record: RecordId) -> io::Result<bool> {
        self.register.is_attended(record)
    }

    fn check(&self) -> Result<(), JournalError> {
        self.is_there()?;
        self.write(|tx| Ok(tx.execute("UPDATE checked SET times = times + 1", []).map(|_| ())?))
    }

    fn adopt(&self, lines: &[Line]) -> Result<(), JournalError> {
        self.write(|tx| lines.iter().try_for_each(|line| adopt(tx, line)))
    }

    fn keep_signals(&self, kept: &[KeptSignals], outlived: &Outlived) -> Result<(), JournalError> {
        self.write(|tx| signals::keep(tx, kept, outlived, self.own().as_ref()))
    }

    fn kept_services(&self, after: Timestamp) -> Result<Vec<(SourceName, ServiceName)>, JournalError> {
        self.with(|connection| signals::services(connection, after))
    }

    fn kept_signals(&self, of: &(SourceName, ServiceName), after: Timestamp) -> Result<Vec<KeptSignals>, JournalError> {
        self.with(|connection| signals::kept(connection, of, after, self.own().as_ref()))
    }

    fn vouch(&self, record: RecordId) -> Result<(), JournalError> {
        let refused = |why: String| Err(JournalError::NotTaken { record, why });
        let signed = match self.verify()? {
            Chain::Whole { signers, .. } => signers,
            Chain::Broken { why, .. } => {
                return refused(format!("the journal was changed: {why}; `holdshort audit verify` says where"));
            }
        };
        if self.signer.is_none() {
            return Ok(());
        }
        let by = self.with(|connection| lines::signers(connection, number(record)))?;
        if by.is_empty() || by.contains(&None) {
            return refused("nobody has signed it: begin a new act instead".to_owned());
        }
        let standings = trust::standings(&signed, &self.known());
        let of_it = signed.iter().zip(standings).filter(|(one, _)| by.contains(&Some(one.key.clone())));
        for (_, standing) in of_it {
            if let Standing::Contested(claim) = standing {
                let more = "`holdshort audit verify` says more";
                return refused(format!("its key takes the name of {claim}, whose key is another: {more}"));
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<Chain, JournalError> {
        let own = self.signer.as_ref().map(|signer| signer.name());
        let kept = self.anchor.as_ref().and_then(|anchor| Some((anchor.read()?, anchor.place())));
        self.with(|connection| verify::verify(connection, own.as_deref(), kept.as_ref().map(|(head, at)| (head, *at))))
    }

    fn holds(&self, head: &Head) -> Result<bool, JournalError> {
        self.with(|connection| lines::has(connection, head))
    }
}

/// Nothing that is written in the file may run as code of ours.
fn run_nothing(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

fn adopt(tx: &Transaction<'_>, line: &Line) -> Result<(), Trouble> {
    let known = |spool: RecordId| {
        let sql = "SELECT record FROM spooled WHERE spool = ?1";
        tx.query_row(sql, [number(spool)], |row| row.get::<_, i64>(0)).optional()
    };
    match line {
        Line::Begin { record, intent } => {
            if known(*record)?.is_none() {
                let id = lines::next_id(tx)?;
                lines::begin(tx, id, intent)?;
                lock::note(tx, &intent.plan, id, true)?;
                tx.execute("INSERT INTO spooled (spool, record) VALUES (?1, ?2)", [number(*record), id])?;
            }
        }
        Line::Entry { record, after, entry } => {
            let id = if is_spooled(*record) { known(*record)? } else { Some(number(*record)) };
            // An entry whose record is unknown, or that is there already, has nothing to follow.
            if let Some(id) = id
                && let Some(there) = lines::entries(tx, id)?
                && there <= number_of(*after)
                && !lines::has_ended(tx, id)?
            {
                lines::append(tx, id, entry)?;
                if entry.stage.is_end() {
                    lock::release(tx, id)?;
                }
            }
        }
    }
    Ok(())
}

fn number(id: RecordId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn number_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn record_id(id: i64) -> RecordId {
    RecordId(u64::try_from(id).unwrap_or_default())
}
