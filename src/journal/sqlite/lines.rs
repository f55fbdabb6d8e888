//! Lines of the chain: written at its head, read back as records, and recomputed.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Trouble, number_of, record_id};
use crate::{
    journal::{Head, body, chain, signer::Signer},
    port::record::{Entry, NewRecord, Record},
};

/// The number that the next record gets.
pub(super) fn next_id(tx: &Transaction<'_>) -> Result<i64, Trouble> {
    Ok(tx.query_row("SELECT coalesce(max(record), 0) + 1 FROM lines", [], |row| row.get(0))?)
}

/// Writes an intent.
pub(super) fn begin(tx: &Transaction<'_>, id: i64, new: &NewRecord) -> Result<(), Trouble> {
    link(tx, id, 0, "begin", &body::intent(new)?)
}

/// Writes an entry behind the first `after`.
pub(super) fn append(tx: &Transaction<'_>, id: i64, after: usize, entry: &Entry) -> Result<(), Trouble> {
    let kind = if entry.stage.is_end() { "end" } else { "entry" };
    link(tx, id, number_of(after) + 1, kind, &body::entry(entry)?)
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

/// The number of the newest line; 0 where there is none.
pub(super) fn head(connection: &Connection) -> Result<i64, Trouble> {
    let mut query = connection.prepare_cached("SELECT coalesce(max(seq), 0) FROM lines")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

/// Signs every line behind this one that is not signed yet.
pub(super) fn sign(tx: &Transaction<'_>, after: i64, signer: &Signer) -> Result<(), Trouble> {
    let mut query = tx.prepare_cached("SELECT seq, hash FROM lines WHERE seq > ?1 AND signer IS NULL")?;
    let new: Vec<(i64, String)> =
        query.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut update = tx.prepare_cached("UPDATE lines SET signer = ?2, signature = ?3 WHERE seq = ?1")?;
    for (seq, hash) in new {
        update.execute(params![seq, signer.name(), signer.sign(&hash)])?;
    }
    Ok(())
}

/// Whose keys signed the lines of a record; `None` among them where a line is not signed.
pub(super) fn signers(connection: &Connection, record: i64) -> Result<BTreeSet<Option<String>>, Trouble> {
    let mut query = connection.prepare_cached("SELECT DISTINCT signer FROM lines WHERE record = ?1")?;
    let signers = query.query_map([record], |row| row.get(0))?;
    Ok(signers.collect::<rusqlite::Result<_>>()?)
}

/// How many lines there are, and the hash of the last one.
pub(super) fn last(connection: &Connection) -> Result<Option<Head>, Trouble> {
    let mut query = connection.prepare_cached("SELECT seq, hash FROM lines ORDER BY seq DESC LIMIT 1")?;
    let head = query.query_row([], |row| {
        let lines = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
        Ok(Head { lines, hash: row.get(1)? })
    });
    Ok(head.optional()?)
}

/// Is this line still there as it was?
pub(super) fn has(connection: &Connection, head: &Head) -> Result<bool, Trouble> {
    let mut query = connection.prepare_cached("SELECT hash FROM lines WHERE seq = ?1")?;
    let at = i64::try_from(head.lines).unwrap_or(i64::MAX);
    let hash: Option<String> = query.query_row([at], |row| row.get(0)).optional()?;
    Ok(hash.as_ref() == Some(&head.hash))
}

/// How many entries a record has; `None` when there is no such record.
pub(super) fn entries(tx: &Transaction<'_>, id: i64) -> Result<Option<i64>, Trouble> {
    Ok(tx.query_row("SELECT max(n) FROM lines WHERE record = ?1", [id], |row| row.get(0))?)
}

/// Has a record ended?
pub(super) fn has_ended(tx: &Transaction<'_>, id: i64) -> Result<bool, Trouble> {
    let sql = "SELECT EXISTS (SELECT 1 FROM lines WHERE record = ?1 AND kind = 'end')";
    Ok(tx.query_row(sql, [id], |row| row.get(0))?)
}

/// Every record, oldest first.
pub(super) fn all_ids(connection: &Connection) -> Result<Vec<i64>, Trouble> {
    ids(connection, "SELECT record FROM lines WHERE n = 0 ORDER BY record", [])
}

/// The records that have not ended, oldest first.
pub(super) fn open_ids(connection: &Connection) -> Result<Vec<i64>, Trouble> {
    let sql = "SELECT record FROM lines WHERE n = 0
         AND NOT EXISTS (SELECT 1 FROM lines AS e WHERE e.record = lines.record AND e.kind = 'end') ORDER BY record";
    ids(connection, sql, [])
}

/// The newest records, newest first.
pub(super) fn newest_ids(connection: &Connection, most: usize) -> Result<Vec<i64>, Trouble> {
    ids(connection, "SELECT record FROM lines WHERE n = 0 ORDER BY record DESC LIMIT ?1", [number_of(most)])
}

/// The records of which a line is newer than this one.
pub(super) fn changed_ids(connection: &Connection, after: i64) -> Result<Vec<i64>, Trouble> {
    ids(connection, "SELECT DISTINCT record FROM lines WHERE seq > ?1 ORDER BY record", [after])
}

fn ids(connection: &Connection, sql: &str, with: impl rusqlite::Params) -> Result<Vec<i64>, Trouble> {
    let mut query = connection.prepare_cached(sql)?;
    Ok(query.query_map(with, |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// One record.
pub(super) fn record(connection: &Connection, id: i64) -> Result<Option<Record>, Trouble> {
    let mut query = connection.prepare_cached("SELECT body FROM lines WHERE record = ?1 ORDER BY n")?;
    let mut bodies = query.query_map([id], |row| row.get::<_, String>(0))?;
    let Some(intent) = bodies.next() else { return Ok(None) };
    let intent = body::read_intent(&intent?)?;
    let entries = bodies.map(|text| Ok(body::read_entry(&text?)?)).collect::<Result<_, Trouble>>()?;
    Ok(Some(Record { id: record_id(id), intent, entries }))
}

/// The records that can be read, and the numbers of those that cannot: one of them never hides the others.
pub(super) fn readable(connection: &Connection, ids: Vec<i64>) -> Result<(Vec<Record>, Vec<i64>), Trouble> {
    let (mut records, mut unreadable) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match record(connection, id) {
            Ok(record) => records.extend(record),
            Err(Trouble::Json(error)) => {
                tracing::warn!(record = id, %error, "a record cannot be read; `holdshort audit verify` says more");
                unreadable.push(id);
            }
            Err(other) => return Err(other),
        }
    }
    Ok((records, unreadable))
}
