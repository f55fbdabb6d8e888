//! Signals beside the chain: data that verdicts rest on, no record. In a signed journal each is signed by whoever read it, and
//! read back by them only: what somebody else says was measured is no measurement of ours. They are kept compressed: a day of twenty
//! canaries is a hundred megabytes of JSON, most of it the same names and moments again.

use std::{
    io::{Read, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use rusqlite::{Connection, Row, Transaction, params};

use sha2::{Digest, Sha256};

use super::Trouble;
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
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
        tx.execute("DELETE FROM signals WHERE service = ?1", [service.as_str()])?;
    }
    kept.iter().try_for_each(|one| keep_one(tx, one, own))
}

/// A window that is read again replaces what it gave before.
fn keep_one(tx: &Transaction<'_>, one: &KeptSignals, own: Option<&Own<'_>>) -> Result<(), Trouble> {
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let (source, service) = (one.source.as_str(), one.signals.service.as_str());
    let sql = "INSERT OR REPLACE INTO signals (source, service, since, until, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let text = folded(serde_json::to_string(one)?);
    let body = match own {
        Some(own) => format!("{} {text}", own.signer.sign(&own.meant(&text))),
        None => text,
    };
    tx.prepare_cached(sql)?.execute(params![source, service, since, until, body])?;
    Ok(())
}

/// So a compressed text begins; JSON begins with a brace.
const FOLDED: &str = "z:";
/// More than any answer that is kept: what says that it is larger is no text of ours.
const LARGEST: u64 = 64 << 20;

/// The text compressed, in the letters of base64: the column holds text.
fn folded(text: String) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    // Writing into memory does not fail; if it did, nothing would be lost.
    written.map_or(text, |bytes| format!("{FOLDED}{}", STANDARD_NO_PAD.encode(bytes)))
}

/// What was folded, or was never; `None` where that cannot be read.
fn unfolded(text: &str) -> Option<String> {
    let Some(letters) = text.strip_prefix(FOLDED) else { return Some(text.to_owned()) };
    let bytes = STANDARD_NO_PAD.decode(letters).ok()?;
    let mut text = String::new();
    ZlibDecoder::new(bytes.as_slice()).take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
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
    let named = query.query_map([after.timestamp_millis()], named)?;
    named.map(|named| Ok(named.map(|(source, service)| (source.as_str().into(), service.as_str().into()))?)).collect()
}

/// What was kept of a source's service and ends after this, in the order in which it was read.
pub(super) fn kept(
    connection: &Connection,
    (source, service): &(SourceName, ServiceName),
    after: Timestamp,
    own: Option<&Own<'_>>,
) -> Result<Vec<KeptSignals>, Trouble> {
    let sql = "SELECT body FROM signals WHERE source = ?1 AND service = ?2 AND until > ?3 ORDER BY id";
    let mut query = connection.prepare_cached(sql)?;
    let of = params![source.as_str(), service.as_str(), after.timestamp_millis()];
    let bodies = query.query_map(of, |row| row.get::<_, String>(0))?;
    let mut kept = Vec::new();
    for body in bodies {
        let body = body?;
        // What somebody else wrote there, or an older holdshort in a way that is not read any more, is none of it.
        let text = own.map_or(Some(body.as_str()), |own| own.text(&body)).and_then(unfolded);
        kept.extend(text.map(|text| serde_json::from_str(&text)).transpose()?);
    }
    Ok(kept)
}
