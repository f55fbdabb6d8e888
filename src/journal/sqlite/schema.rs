//! The tables of a journal file: made, recognised, and moved on from an older form. Lines of the chain are never touched.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Trouble, lines, lock};
use crate::domain::object::ObjectId;

/// `hold`, in the file's header: tells our files from other databases.
pub(super) const APPLICATION: i64 = 0x686f_6c64;
/// The form of the tables. Form 1 had no locks and no signatures; form 2 named runs and gates as they were named before.
const FORM: i64 = 3;

const TABLES: &str = "
    CREATE TABLE lines (
        seq INTEGER PRIMARY KEY,
        record INTEGER NOT NULL,
        n INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        hash TEXT NOT NULL,
        signer TEXT,
        signature TEXT,
        UNIQUE (record, n)
    ) STRICT;
    CREATE INDEX ends ON lines (record) WHERE kind = 'end';
    CREATE TABLE spooled (spool INTEGER PRIMARY KEY, record INTEGER NOT NULL) STRICT;
    CREATE TABLE checked (one INTEGER PRIMARY KEY CHECK (one = 1), times INTEGER NOT NULL) STRICT;
    INSERT INTO checked VALUES (1, 0);
";

/// Beside the chain: what it says of who is under way on what, so that nobody has to read every record to know.
const LOCKS: &str = "
    CREATE TABLE locks (
        target TEXT NOT NULL,
        record INTEGER NOT NULL,
        PRIMARY KEY (target, record)
    ) STRICT;
    CREATE TABLE newest (target TEXT PRIMARY KEY, record INTEGER NOT NULL) STRICT;
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

/// Everything that a file of ours may hold. A trigger or view of somebody else's would run in our name.
const OURS: &[&str] = &["lines", "ends", "spooled", "checked", "locks", "newest", "signals", "sqlite_sequence"];

/// A file that is no journal of ours, in half a sentence, and what helps.
pub(super) struct Strange(pub String, pub &'static str);

/// Why a file cannot be used.
pub(super) enum Unusable {
    Strange(Strange),
    Trouble(Trouble),
}

impl<E: Into<Trouble>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// Makes the tables of a new file, or moves those of an older one on.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), Unusable> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let strange = |why: &str, way| Err(Unusable::Strange(Strange(why.to_owned(), way)));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, FORM) => {}
        (APPLICATION, 1) => from_form_1(&tx)?,
        (APPLICATION, 2) => from_form_2(&tx)?,
        (APPLICATION, _) => {
            return strange(
                "was written by a newer holdshort",
                "update holdshort, or name another file with state.path",
            );
        }
        (0, 0) if objects(&tx)?.is_empty() => {
            tx.execute_batch(TABLES)?;
            tx.execute_batch(LOCKS)?;
            tx.pragma_update(None, "application_id", APPLICATION)?;
            tx.pragma_update(None, "user_version", FORM)?;
        }
        _ => return strange("is a database of another program", "name another file with state.path"),
    }
    tx.execute_batch(SIGNALS)?;
    only_ours(&tx)?;
    Ok(tx.commit()?)
}

/// Refuses what would run, or be read in place of our tables.
fn only_ours(connection: &Connection) -> Result<(), Unusable> {
    for (kind, name) in objects(connection)? {
        let table_of_ours = matches!(kind.as_str(), "table" | "index");
        let of_sqlite = kind == "index" && name.starts_with("sqlite_autoindex_");
        if !(table_of_ours && OURS.contains(&name.as_str()) || of_sqlite) {
            let why = format!("holds a {kind} '{}' that holdshort did not make", crate::domain::text::clean(&name));
            let way = "somebody may have tampered with it: keep a copy, and name another file with state.path";
            return Err(Unusable::Strange(Strange(why, way)));
        }
    }
    Ok(())
}

/// Is this a file of ours, in the form that is read here?
pub(super) fn recognise(connection: &Connection) -> Result<(), Unusable> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, FORM) => only_ours(connection),
        (APPLICATION, _) => Err(Unusable::Strange(Strange(
            "is of another form, and cannot be moved on without writing it".to_owned(),
            "open it once where it can be written, or name another file with state.path",
        ))),
        _ => Err(Unusable::Strange(Strange(
            "is a database of another program".to_owned(),
            "name another file with state.path",
        ))),
    }
}

/// What is in the file: kind and name.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    // A virtual table is code that is asked for rows.
    let sql = "SELECT iif(sql LIKE 'create virtual%', 'virtual table', type), name FROM sqlite_schema";
    let mut query = connection.prepare(sql)?;
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Fills the locks from what the chain says. A record that cannot be read locks nothing.
fn from_form_1(tx: &Transaction<'_>) -> Result<(), Trouble> {
    tx.execute_batch(LOCKS)?;
    tx.execute_batch("ALTER TABLE lines ADD COLUMN signer TEXT; ALTER TABLE lines ADD COLUMN signature TEXT;")?;
    let open = lines::open_ids(tx)?;
    for id in lines::all_ids(tx)? {
        // Nobody signed in form 1.
        match lines::record(tx, id, &lines::Reading { signed: false, attended: &|_| false }) {
            Ok(Some(record)) => lock::note(tx, &record.intent.plan, id, open.contains(&id))?,
            Ok(None) | Err(Trouble::Json(_) | Trouble::Forged) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(tx.pragma_update(None, "user_version", FORM)?)
}

/// Calls every object that is under way by the name that it has now: an act that an older holdshort began is still under way.
fn from_form_2(tx: &Transaction<'_>) -> Result<(), Trouble> {
    for table in ["locks", "newest"] {
        let mut query = tx.prepare(&format!("SELECT DISTINCT target FROM {table}"))?;
        let known: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for of_before in known {
            let Ok(target) = of_before.parse::<ObjectId>() else { continue };
            let sql = format!("UPDATE OR REPLACE {table} SET target = ?1 WHERE target = ?2");
            tx.execute(&sql, [target.to_string(), of_before])?;
        }
    }
    Ok(tx.pragma_update(None, "user_version", FORM)?)
}
