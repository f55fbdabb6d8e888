//! Signals beside the chain: data that verdicts rest on, no record. In a signed journal each is signed by whoever read it, and
//! read back by them only: what somebody else says was measured is no measurement of ours. A day of twenty canaries is a hundred
//! megabytes of JSON, most of it the same names and moments again; so rows that follow each other are joined, and packed
//! (`super::packing`).

use std::{io::Read, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use flate2::read::ZlibDecoder;
use rusqlite::{Connection, Row, Transaction, params};

use sha2::{Digest, Sha256};

use super::{
    Trouble,
    packing::{LARGEST, join, pack, unpack},
};
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        place::Place,
        time::Timestamp,
    },
    journal::signer::{self, Signer},
    port::kept::{KeptSignals, Outlived},
};

/// Keeps signals, and forgets what is outlived.
pub(super) fn keep(
    tx: &Transaction<'_>,
    kept: &[KeptSignals],
    outlived: &Outlived,
    own: Option<&Own<'_>>,
) -> Result<(), Trouble> {
    tx.execute("DELETE FROM signals WHERE until <= ?1", [outlived.before.timestamp_millis()])?;
    for service in &outlived.services {
        let sql = "DELETE FROM signals WHERE service = ?1 OR substr(service, 1, length(?1) + 1) = ?1 || char(31)";
        tx.execute(sql, [service.as_str()])?;
    }
    for one in kept {
        keep_one(tx, one, own)?;
        join_rows(tx, one, own)?;
    }
    Ok(())
}

/// What a row is of. Where no environments are told apart, it is called as it always was.
fn name(place: &Place) -> String {
    match (place.service.as_str(), place.environment.as_str()) {
        (service, "") => service.to_owned(),
        (service, environment) => format!("{service}{BETWEEN}{environment}"),
    }
}

/// Stands in no name: foreign text is cleaned of it.
const BETWEEN: char = '\u{1f}';

/// A window that is read again replaces what it gave before.
fn keep_one(tx: &Transaction<'_>, one: &KeptSignals, own: Option<&Own<'_>>) -> Result<(), Trouble> {
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let (source, name) = (one.source.as_str(), name(&one.signals.place()));
    let sql = "INSERT OR REPLACE INTO signals (source, service, since, until, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute(params![source, name, since, until, body(one, own)?])?;
    Ok(())
}

/// So many rows that follow each other become one: each by itself names everything again, and is signed.
const JOINED: i64 = 20;

/// Joins the rows of a place that are short, once there are enough of them. Rows that somebody else kept stay as they are.
fn join_rows(tx: &Transaction<'_>, one: &KeptSignals, own: Option<&Own<'_>>) -> Result<(), Trouble> {
    let (source, name) = (one.source.as_str(), name(&one.signals.place()));
    let long = i64::try_from(one.window.step.as_millis()).unwrap_or(i64::MAX).saturating_mul(JOINED);
    let short = "FROM signals WHERE source = ?1 AND service = ?2 AND until - since < ?3";
    let count: i64 = tx
        .prepare_cached(&format!("SELECT count(*) {short}"))?
        .query_row(params![source, name, long], |row| row.get(0))?;
    // What cannot be joined is looked at seldom, however much of it there is.
    if count == 0 || count % JOINED != 0 {
        return Ok(());
    }
    let mut rows: Vec<(i64, String)> = Vec::new();
    let mut query = tx.prepare_cached(&format!("SELECT id, body {short} ORDER BY id"))?;
    for row in query.query_map(params![source, name, long], |row| Ok((row.get(0)?, row.get(1)?)))? {
        rows.push(row?);
    }
    let mut group: Option<(i64, KeptSignals, Vec<i64>)> = None;
    for (id, body) in rows {
        let Some(next) = read(&body, own)? else { continue };
        let joined = group.as_ref().and_then(|(_, known, _)| join(known, &next).or_else(|| join(&next, known)));
        match (&mut group, joined) {
            (Some((_, known, gone)), Some(joined)) => {
                *known = joined;
                gone.push(id);
            }
            (group, _) => {
                replace(tx, group.replace((id, next, Vec::new())), own)?;
            }
        }
    }
    replace(tx, group, own)
}

/// Writes what was joined in the place of the first of its rows.
fn replace(
    tx: &Transaction<'_>,
    group: Option<(i64, KeptSignals, Vec<i64>)>,
    own: Option<&Own<'_>>,
) -> Result<(), Trouble> {
    let Some((first, one, gone)) = group.filter(|(_, _, gone)| !gone.is_empty()) else { return Ok(()) };
    for id in gone {
        tx.prepare_cached("DELETE FROM signals WHERE id = ?1")?.execute([id])?;
    }
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let sql = "UPDATE OR REPLACE signals SET since = ?2, until = ?3, body = ?4 WHERE id = ?1";
    tx.prepare_cached(sql)?.execute(params![first, since, until, body(&one, own)?])?;
    Ok(())
}

/// So a packed body begins: the column holds text, and base64 has no such letter, so that an older holdshort finds nothing there.
const PACKED: &str = "z:!";
/// So a compressed text begins, as an older holdshort kept it; JSON, as one before that did, begins with a brace.
const FOLDED: &str = "z:";

fn body(one: &KeptSignals, own: Option<&Own<'_>>) -> Result<String, Trouble> {
    let text = match pack(one) {
        Ok(packed) => format!("{PACKED}{}", STANDARD_NO_PAD.encode(packed)),
        // Writing into memory does not fail; if it did, nothing would be lost.
        Err(_) => serde_json::to_string(one)?,
    };
    Ok(match own {
        Some(own) => format!("{} {text}", own.signer.sign(&own.meant(&text))),
        None => text,
    })
}

/// What a body says; `None` where somebody else wrote it there, or in a way that is not read.
fn read(body: &str, own: Option<&Own<'_>>) -> Result<Option<KeptSignals>, serde_json::Error> {
    let Some(text) = own.map_or(Some(body), |own| own.text(body)) else { return Ok(None) };
    if let Some(letters) = text.strip_prefix(PACKED) {
        return Ok(STANDARD_NO_PAD.decode(letters).ok().and_then(|bytes| unpack(&bytes)));
    }
    let Some(letters) = text.strip_prefix(FOLDED) else { return serde_json::from_str(text).map(Some) };
    let unfolded = || {
        let bytes = STANDARD_NO_PAD.decode(letters).ok()?;
        let mut text = String::new();
        ZlibDecoder::new(bytes.as_slice()).take(LARGEST).read_to_string(&mut text).ok()?;
        Some(text)
    };
    unfolded().map(|text| serde_json::from_str(&text)).transpose()
}

/// Whoever keeps signals, and in which journal: what they kept in another one may be about another system.
pub(super) struct Own<'a> {
    pub(super) signer: &'a Signer,
    pub(super) journal: &'a Path,
}

impl Own<'_> {
    /// What is signed: a signature of something else is none of signals.
    fn meant(&self, text: &str) -> String {
        let digest = Sha256::new().chain_update(self.journal.as_os_str().as_encoded_bytes()).chain_update("\n");
        format!("holdshort/signals/v1 {:x}", digest.chain_update(text).finalize())
    }

    /// The text of a body that this user kept here; `None` where somebody else did, or elsewhere.
    fn text<'b>(&self, body: &'b str) -> Option<&'b str> {
        let (signature, text) = body.split_once(' ')?;
        signer::has_signed(&self.signer.name(), &self.meant(text), signature).then_some(text)
    }
}

/// Of which services something was kept that ends after this, and from which source.
pub(super) fn services(connection: &Connection, after: Timestamp) -> Result<Vec<(SourceName, ServiceName)>, Trouble> {
    let sql = "SELECT DISTINCT source, service FROM signals WHERE until > ?1 ORDER BY source, service";
    let mut query = connection.prepare_cached(sql)?;
    let named = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let mut all: Vec<(SourceName, ServiceName)> = Vec::new();
    for named in query.query_map([after.timestamp_millis()], named)? {
        let (source, name) = named?;
        let service = name.split(BETWEEN).next().unwrap_or_default();
        all.push((source.as_str().into(), service.into()));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// What was kept of a source's service and ends after this, in the order in which it was read.
pub(super) fn kept(
    connection: &Connection,
    (source, service): &(SourceName, ServiceName),
    after: Timestamp,
    own: Option<&Own<'_>>,
) -> Result<Vec<KeptSignals>, Trouble> {
    let sql = "SELECT body FROM signals WHERE source = ?1 AND until > ?3 \
               AND (service = ?2 OR substr(service, 1, length(?2) + 1) = ?2 || char(31)) ORDER BY id";
    let mut query = connection.prepare_cached(sql)?;
    let of = params![source.as_str(), service.as_str(), after.timestamp_millis()];
    let mut kept = Vec::new();
    for body in query.query_map(of, |row| row.get::<_, String>(0))? {
        kept.extend(read(&body?, own)?);
    }
    Ok(kept)
}
