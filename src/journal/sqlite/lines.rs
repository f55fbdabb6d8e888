//! Lines of the chain: written at its head, read back as records, and recomputed.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Trouble, number, number_of, record_id};
use crate::{
    domain::verb::Direction,
    journal::{
        Head, body, chain,
        signer::{self, Signer},
    },
    port::record::{Entry, NewRecord, Record, Stage},
};

/// The number that the next record gets.
pub(super) fn next_id(tx: &Transaction<'_>) -> Result<i64, Trouble> {
    Ok(tx.query_row("SELECT coalesce(max(record), 0) + 1 FROM lines", [], |row| row.get(0))?)
}

/// Writes an intent.
pub(super) fn begin(tx: &Transaction<'_>, id: i64, new: &NewRecord) -> Result<(), Trouble> {
    link(tx, id, 0, "begin", &body::intent(new)?)
}

/// Writes an entry behind all there are, those that nobody believes among them.
pub(super) fn append(tx: &Transaction<'_>, id: i64, entry: &Entry) -> Result<(), Trouble> {
    let kind = if entry.stage.is_end() { "end" } else { "entry" };
    // A line far behind all others is nobody's, and must not be the last there can be.
    let mut query = tx.prepare_cached("SELECT coalesce(max(n), 0) + 1 FROM lines WHERE record = ?1 AND n < ?2")?;
    let n = query.query_row([id, i64::from(u32::MAX)], |row| row.get(0))?;
    link(tx, id, n, kind, &body::entry(entry)?)
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

/// The records whose plan may owe something, oldest first: few are, and each says so itself.
pub(super) fn owing_ids(connection: &Connection) -> Result<Vec<i64>, Trouble> {
    let sql = r#"SELECT record FROM lines WHERE n = 0 AND instr(body, '"obligations":[') > 0 ORDER BY record"#;
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

/// How lines are believed.
pub(super) struct Reading<'a> {
    /// Only those that are signed, as they were written and where they were written.
    pub(super) signed: bool,
    /// Does somebody carry this record out right now?
    pub(super) attended: &'a dyn Fn(i64) -> bool,
}

/// A line as it is stored.
struct Row {
    seq: i64,
    n: i64,
    kind: String,
    body: String,
    hash: String,
    signed: Option<(String, String)>,
}

/// One record. Whoever can write the file can put lines into it: in a signed journal one that is not signed, or was written
/// somewhere else, is no line of it. Neither is what another user writes while whoever began it carries it out, unless they
/// went back or took it over, and a record of theirs says so.
pub(super) fn record(connection: &Connection, id: i64, how: &Reading<'_>) -> Result<Option<Record>, Trouble> {
    let rows = rows(connection, id)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let first = if how.signed { first_signed(connection)? } else { i64::MAX };
    let mut held = Vec::with_capacity(rows.len());
    for row in rows {
        if !how.signed || is_authentic(connection, id, &row, first)? {
            held.push(row);
        }
    }
    let mut held = held.into_iter();
    let begin = held.next().filter(|row| row.n == 0).ok_or(Trouble::Forged)?;
    let intent = body::read_intent(&begin.body)?;
    let by = |row: &Row| row.signed.as_ref().map(|(key, _)| key.clone());
    let mut entries = Vec::new();
    for row in held {
        let entry = body::read_entry(&row.body)?;
        let counts =
            !how.signed || by(&row) == by(&begin) || by_another(connection, (id, &intent), &row, &entry, first, how)?;
        if counts {
            entries.push(entry);
        }
    }
    Ok(Some(Record { id: record_id(id), intent, entries }))
}

fn rows(connection: &Connection, id: i64) -> Result<Vec<Row>, Trouble> {
    let sql = "SELECT seq, n, kind, body, hash, signer, signature FROM lines WHERE record = ?1 ORDER BY n";
    let mut query = connection.prepare_cached(sql)?;
    let rows = query.query_map([id], |row| {
        let signed = row.get::<_, Option<String>>(5)?.zip(row.get(6)?);
        let (seq, n, kind, body, hash) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(Row { seq, n, kind, body, hash, signed })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The first line that is signed: what lies before it was written when nobody signed.
fn first_signed(connection: &Connection) -> Result<i64, Trouble> {
    let mut query = connection.prepare_cached("SELECT coalesce(min(seq), ?1) FROM lines WHERE signer IS NOT NULL")?;
    Ok(query.query_row([i64::MAX], |row| row.get(0))?)
}

/// Did whoever it names write this line, and here?
fn is_authentic(connection: &Connection, id: i64, row: &Row, first_signed: i64) -> Result<bool, Trouble> {
    let Some((key, signature)) = &row.signed else { return Ok(row.seq < first_signed) };
    let mut query = connection.prepare_cached("SELECT hash FROM lines WHERE seq = ?1")?;
    let before: Option<String> = query.query_row([row.seq - 1], |row| row.get(0)).optional()?;
    let before = before.or_else(|| (row.seq == 1).then(|| chain::GENESIS.to_owned()));
    let Some(before) = before else { return Ok(false) };
    let (kind, body) = (row.kind.as_bytes(), row.body.as_bytes());
    let hash = chain::hash(&before, &chain::Link { seq: row.seq, record: id, n: row.n, kind, body });
    Ok(hash == row.hash && signer::has_signed(key, &hash, signature))
}

/// Does this entry count, which somebody else wrote than who began the record?
fn by_another(
    connection: &Connection,
    (id, intent): (i64, &NewRecord),
    row: &Row,
    entry: &Entry,
    first_signed: i64,
    how: &Reading<'_>,
) -> Result<bool, Trouble> {
    let Stage::Preempted { by, taken_over, .. } = &entry.stage else { return Ok(!(how.attended)(id)) };
    let Some(newer) = rows(connection, number(*by))?.into_iter().next().filter(|row| row.n == 0) else {
        return Ok(false);
    };
    let newer_intent = body::read_intent(&newer.body)?;
    let goes_before = *taken_over || newer_intent.plan.direction() == Direction::Back;
    let same_hand = newer.signed.as_ref().map(|(key, _)| key) == row.signed.as_ref().map(|(key, _)| key);
    Ok(goes_before
        && same_hand
        && newer_intent.plan.targets().any(|target| intent.plan.acts_on(target))
        && is_authentic(connection, number(*by), &newer, first_signed)?)
}

/// The records that can be read, and the numbers of those that cannot: one of them never hides the others.
pub(super) fn readable(
    connection: &Connection,
    ids: Vec<i64>,
    how: &Reading<'_>,
) -> Result<(Vec<Record>, Vec<i64>), Trouble> {
    let (mut records, mut unreadable) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match record(connection, id, how) {
            Ok(record) => records.extend(record),
            Err(Trouble::Forged) => {
                tracing::warn!(record = id, "nobody has signed a record; `holdshort audit verify` says more");
                unreadable.push(id);
            }
            Err(Trouble::Json(error)) => {
                tracing::warn!(record = id, %error, "a record cannot be read; `holdshort audit verify` says more");
                unreadable.push(id);
            }
            Err(other) => return Err(other),
        }
    }
    Ok((records, unreadable))
}
