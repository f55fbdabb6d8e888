//! The journal in one SQLite file. Several processes may share it; each write is one `BEGIN IMMEDIATE` transaction that
//! reads the head of the chain and appends to it.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{
    domain::time::Timestamp,
    journal::{Chain, Journal, JournalError, chain, spool::Line, spool::is_spooled},
    port::{
        kept::{KeptSignals, Outlived},
        record::{Entry, NewRecord, Record, RecordId, Stage},
    },
};

/// `hold`, in the file's header: tells our files from other databases.
const APPLICATION: i64 = 0x686f_6c64;
/// The form of the tables. Version 1 is the first.
const SCHEMA: i64 = 1;
/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
    CREATE TABLE lines (
        seq INTEGER PRIMARY KEY,
        record INTEGER NOT NULL,
        n INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        hash TEXT NOT NULL,
        UNIQUE (record, n)
    ) STRICT;
    CREATE INDEX ends ON lines (record) WHERE kind = 'end';
    CREATE TABLE spooled (spool INTEGER PRIMARY KEY, record INTEGER NOT NULL) STRICT;
    CREATE TABLE checked (one INTEGER PRIMARY KEY CHECK (one = 1), times INTEGER NOT NULL) STRICT;
    INSERT INTO checked VALUES (1, 0);
";

/// Beside the chain, and made where it is missing: an older holdshort does not look at it.
const SIGNALS: &str = "
    CREATE TABLE IF NOT EXISTS signals (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        service TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (source, service, since, until)
    ) STRICT;
";

/// A journal in a file, or in memory where it need not outlive the process.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteJournal {
    /// Opens or makes the file; its directory is made too.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let broken = |why: String, way| JournalError::Broken { path: path.to_owned(), why, way };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| {
                let why = format!("its directory cannot be made: {error}");
                broken(why, "make the directory, or name another place with state.url")
            })?;
        }
        if path.is_dir() {
            return Err(broken("is a directory".to_owned(), "name a file with state.url"));
        }
        Self::prepare(path, Connection::open(path))
    }

    /// A journal that ends with the process: for the built-in world and for tests.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::prepare(Path::new("journal in memory"), Connection::open_in_memory())
    }

    fn prepare(path: &Path, connection: rusqlite::Result<Connection>) -> Result<Self, JournalError> {
        let explain = |error| explained(path, &error);
        let mut connection = connection.map_err(explain)?;
        connection.busy_timeout(BUSY).map_err(explain)?;
        // EXTRA is FULL and also syncs the directory: without that, a power cut can bring a committed rollback file back.
        connection.pragma_update(None, "synchronous", "EXTRA").map_err(explain)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
        let number = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(explain);
        let tables = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        let strange = |why: &str, way| Err(JournalError::Broken { path: path.to_owned(), why: why.to_owned(), way });
        match (number("application_id")?, number("user_version")?) {
            (APPLICATION, SCHEMA) => {}
            (APPLICATION, _) => {
                return strange("was written by a newer holdshort", "update holdshort, or name another file");
            }
            (0, 0) if tables.map_err(explain)? == 0 => {
                tx.execute_batch(TABLES).map_err(explain)?;
                tx.pragma_update(None, "application_id", APPLICATION).map_err(explain)?;
                tx.pragma_update(None, "user_version", SCHEMA).map_err(explain)?;
            }
            _ => return strange("is a database of another program", "name another file with state.url"),
        }
        tx.execute_batch(SIGNALS).map_err(explain)?;
        tx.commit().map_err(explain)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Trouble>) -> Result<T, JournalError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|trouble| match trouble {
            Trouble::Sqlite(error) => explained(&self.path, &error),
            Trouble::Json(error) => JournalError::Broken {
                path: self.path.clone(),
                why: format!("a line cannot be read: {error}"),
                way: "`holdshort audit verify` names the record",
            },
            Trouble::Journal(error) => error,
        })
    }

    /// One write: all of it is on disk when this returns, or none of it.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T, JournalError> {
        self.with(|connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&tx)?;
            tx.commit()?;
            Ok(done)
        })
    }
}

impl Journal for SqliteJournal {
    fn begin(&self, new: &NewRecord) -> Result<Record, JournalError> {
        self.write(|tx| {
            for id in open_ids(tx)? {
                let busy = record(tx, id)?.filter(|known| known.intent.plan.target == new.plan.target);
                if let Some(busy) = busy {
                    return Err(Trouble::Journal(JournalError::InFlight(Box::new(busy))));
                }
            }
            let id = begin(tx, new)?;
            let first = Entry { at: new.at, stage: Stage::Recorded };
            append(tx, id, 0, &first)?;
            Ok(Record { id: record_id(id), intent: new.clone(), entries: vec![first] })
        })
    }

    fn append(&self, record: RecordId, after: usize, entry: &Entry) -> Result<(), JournalError> {
        self.write(|tx| {
            let id = number(record);
            match entries(tx, id)? {
                None => Err(Trouble::Journal(JournalError::Missing(record))),
                Some(there) if there != number_of(after) => Err(Trouble::Journal(JournalError::Taken(record))),
                Some(_) => append(tx, id, after, entry),
            }
        })
    }

    fn get(&self, id: RecordId) -> Result<Option<Record>, JournalError> {
        self.with(|connection| record(connection, number(id)))
    }

    fn newest(&self, most: usize) -> Result<Vec<Record>, JournalError> {
        self.with(|connection| {
            let mut query =
                connection.prepare_cached("SELECT record FROM lines WHERE n = 0 ORDER BY record DESC LIMIT ?1")?;
            let ids: Vec<i64> = query.query_map([number_of(most)], |row| row.get(0))?.collect::<Result<_, _>>()?;
            readable(connection, ids)
        })
    }

    fn in_flight(&self) -> Result<Vec<Record>, JournalError> {
        self.with(|connection| {
            let ids = open_ids(connection)?;
            readable(connection, ids)
        })
    }

    fn check(&self) -> Result<(), JournalError> {
        self.write(|tx| Ok(tx.execute("UPDATE checked SET times = times + 1", []).map(|_| ())?))
    }

    fn adopt(&self, lines: &[Line]) -> Result<(), JournalError> {
        self.write(|tx| lines.iter().try_for_each(|line| adopt(tx, line)))
    }

    fn keep_signals(&self, kept: &[KeptSignals], outlived: &Outlived) -> Result<(), JournalError> {
        self.write(|tx| {
            tx.execute("DELETE FROM signals WHERE until <= ?1", [outlived.before.timestamp_millis()])?;
            for service in &outlived.services {
                tx.execute("DELETE FROM signals WHERE service = ?1", [service.as_str()])?;
            }
            kept.iter().try_for_each(|one| keep(tx, one))
        })
    }

    fn kept_signals(&self, after: Timestamp) -> Result<Vec<KeptSignals>, JournalError> {
        self.with(|connection| {
            let mut query = connection.prepare_cached("SELECT body FROM signals WHERE until > ?1 ORDER BY id")?;
            let bodies = query.query_map([after.timestamp_millis()], |row| row.get::<_, String>(0))?;
            bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
        })
    }

    fn verify(&self) -> Result<Chain, JournalError> {
        self.with(|connection| verify(connection))
    }
}

/// What may go wrong inside a transaction.
enum Trouble {
    Sqlite(rusqlite::Error),
    Json(serde_json::Error),
    Journal(JournalError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

fn begin(tx: &Transaction<'_>, new: &NewRecord) -> Result<i64, Trouble> {
    let id = tx.query_row("SELECT coalesce(max(record), 0) + 1 FROM lines", [], |row| row.get(0))?;
    link(tx, id, 0, "begin", &serde_json::to_string(new)?)?;
    Ok(id)
}

fn append(tx: &Transaction<'_>, id: i64, after: usize, entry: &Entry) -> Result<(), Trouble> {
    let kind = if entry.stage.is_end() { "end" } else { "entry" };
    link(tx, id, number_of(after) + 1, kind, &serde_json::to_string(entry)?)
}

/// A window that is read again replaces what it gave before.
fn keep(tx: &Transaction<'_>, one: &KeptSignals) -> Result<(), Trouble> {
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let (source, service) = (one.source.as_str(), one.signals.service.as_str());
    let sql = "INSERT OR REPLACE INTO signals (source, service, since, until, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute(params![source, service, since, until, serde_json::to_string(one)?])?;
    Ok(())
}

/// Appends a line to the chain.
fn link(tx: &Transaction<'_>, record: i64, n: i64, kind: &str, body: &str) -> Result<(), Trouble> {
    let head: Option<(i64, String)> = tx
        .query_row("SELECT seq, hash FROM lines ORDER BY seq DESC LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, before) = head.unwrap_or_else(|| (0, chain::GENESIS.to_owned()));
    let seq = last + 1;
    let hash = chain::hash(&before, &chain::Link { seq, record, n, kind: kind.as_bytes(), body: body.as_bytes() });
    let sql = "INSERT INTO lines (seq, record, n, kind, body, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.prepare_cached(sql)?.execute(params![seq, record, n, kind, body, hash])?;
    Ok(())
}

/// How many entries a record has; `None` when there is no such record.
fn entries(tx: &Transaction<'_>, id: i64) -> Result<Option<i64>, Trouble> {
    Ok(tx.query_row("SELECT max(n) FROM lines WHERE record = ?1", [id], |row| row.get(0))?)
}

fn open_ids(connection: &Connection) -> Result<Vec<i64>, Trouble> {
    let mut query = connection.prepare_cached(
        "SELECT record FROM lines WHERE n = 0
         AND NOT EXISTS (SELECT 1 FROM lines AS e WHERE e.record = lines.record AND e.kind = 'end') ORDER BY record",
    )?;
    Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn record(connection: &Connection, id: i64) -> Result<Option<Record>, Trouble> {
    let mut query = connection.prepare_cached("SELECT body FROM lines WHERE record = ?1 ORDER BY n")?;
    let mut bodies = query.query_map([id], |row| row.get::<_, String>(0))?;
    let Some(intent) = bodies.next() else { return Ok(None) };
    let intent = serde_json::from_str(&intent?)?;
    let entries = bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect::<Result<_, Trouble>>()?;
    Ok(Some(Record { id: record_id(id), intent, entries }))
}

/// The records that can be read; one that cannot never hides the others.
fn readable(connection: &Connection, ids: Vec<i64>) -> Result<Vec<Record>, Trouble> {
    let mut records = Vec::with_capacity(ids.len());
    for id in ids {
        match record(connection, id) {
            Ok(record) => records.extend(record),
            Err(Trouble::Json(error)) => {
                tracing::warn!(record = id, %error, "a record cannot be read; `holdshort audit verify` says more");
            }
            Err(other) => return Err(other),
        }
    }
    Ok(records)
}

fn adopt(tx: &Transaction<'_>, line: &Line) -> Result<(), Trouble> {
    let known = |spool: RecordId| {
        let sql = "SELECT record FROM spooled WHERE spool = ?1";
        tx.query_row(sql, [number(spool)], |row| row.get::<_, i64>(0)).optional()
    };
    match line {
        Line::Begin { record, intent } => {
            if known(*record)?.is_none() {
                let id = begin(tx, intent)?;
                tx.execute("INSERT INTO spooled (spool, record) VALUES (?1, ?2)", [number(*record), id])?;
            }
        }
        Line::Entry { record, after, entry } => {
            let id = if is_spooled(*record) { known(*record)? } else { Some(number(*record)) };
            // An entry whose record is unknown, or that is there already, has nothing to follow.
            if let Some(id) = id
                && let Some(there) = entries(tx, id)?
                && there <= number_of(*after)
            {
                append(tx, id, usize::try_from(there).unwrap_or(usize::MAX), entry)?;
            }
        }
    }
    Ok(())
}

fn verify(connection: &Connection) -> Result<Chain, Trouble> {
    let mut query = connection.prepare("SELECT seq, record, n, kind, body, hash FROM lines ORDER BY seq")?;
    let mut rows = query.query([])?;
    let (mut lines, mut before) = (0, chain::GENESIS.to_owned());
    while let Some(row) = rows.next()? {
        let (seq, record, n) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let line = u64::try_from(seq).unwrap_or_default();
        let broken = |why: &str| Chain::Broken { record: record_id(record), line, why: why.to_owned() };
        if line != lines + 1 {
            return Ok(broken("lines before it are missing"));
        }
        // The stored bytes count, even where a change made them no text any more.
        let bytes = |column| row.get_ref(column).map(|value| value.as_bytes().unwrap_or_default().to_owned());
        let (kind, body, hash) = (bytes(3)?, bytes(4)?, bytes(5)?);
        let computed = chain::hash(&before, &chain::Link { seq, record, n, kind: &kind, body: &body });
        if computed.as_bytes() != hash {
            return Ok(broken("it is not as it was written"));
        }
        (lines, before) = (line, computed);
    }
    Ok(Chain::Whole { lines, head: before })
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

/// What SQLite said, as a sentence with a way out.
fn explained(path: &Path, error: &rusqlite::Error) -> JournalError {
    let plain = || error.to_string();
    let (why, way) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (format!("another process has held it for {} s", BUSY.as_secs()), "see which one with `fuser`; try again")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let way = "make the file and its directory writable (SQLite puts a file beside it), or name another place with state.url";
            ("cannot be written".to_owned(), way)
        }
        Some(ErrorCode::CannotOpen) => {
            ("cannot be opened".to_owned(), "check the rights of the file and its directory, or set state.url")
        }
        Some(ErrorCode::DiskFull) => {
            ("the disk is full".to_owned(), "free some space; abort and roll back work meanwhile")
        }
        Some(ErrorCode::NotADatabase) => (
            "is not a journal (not an SQLite database)".to_owned(),
            "move it aside, or name another file with state.url",
        ),
        Some(ErrorCode::DatabaseCorrupt) => {
            (format!("is damaged: {}", plain()), "keep a copy, then bring it back from a backup or name another file")
        }
        Some(ErrorCode::SystemIoFailure) => {
            (format!("the disk fails: {}", plain()), "check the disk, or set state.url")
        }
        _ => (plain(), "`holdshort audit verify` may say more"),
    };
    JournalError::Broken { path: path.to_owned(), why, way }
}
