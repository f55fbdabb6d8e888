//! Signals beside the chain: data that verdicts rest on, no record. In a signed journal each is signed by whoever read it, and
//! read back by them only: what somebody else says was measured is no measurement of ours.

use rusqlite::{Connection, Transaction, params};

use sha2::{Digest, Sha256};

use super::Trouble;
use crate::{
    domain::time::Timestamp,
    journal::signer::{self, Signer},
    port::kept::{KeptSignals, Outlived},
};

/// Keeps signals, and forgets what is outlived.
pub(super) fn keep(
    tx: &Transaction<'_>,
    kept: &[KeptSignals],
    outlived: &Outlived,
    signer: Option<&Signer>,
) -> Result<(), Trouble> {
    tx.execute("DELETE FROM signals WHERE until <= ?1", [outlived.before.timestamp_millis()])?;
    for service in &outlived.services {
        tx.execute("DELETE FROM signals WHERE service = ?1", [service.as_str()])?;
    }
    kept.iter().try_for_each(|one| keep_one(tx, one, signer))
}

/// A window that is read again replaces what it gave before.
fn keep_one(tx: &Transaction<'_>, one: &KeptSignals, signer: Option<&Signer>) -> Result<(), Trouble> {
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let (source, service) = (one.source.as_str(), one.signals.service.as_str());
    let sql = "INSERT OR REPLACE INTO signals (source, service, since, until, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let text = serde_json::to_string(one)?;
    let body = match signer {
        Some(signer) => format!("{} {text}", signer.sign(&meant(&text))),
        None => text,
    };
    tx.prepare_cached(sql)?.execute(params![source, service, since, until, body])?;
    Ok(())
}

/// What is signed: a signature of something else is none of signals.
fn meant(text: &str) -> String {
    format!("holdshort/signals/v1 {:x}", Sha256::digest(text))
}

/// The text of a body that this user kept; `None` where somebody else did.
fn own<'a>(body: &'a str, signer: Option<&Signer>) -> Option<&'a str> {
    let Some(signer) = signer else { return Some(body) };
    let (signature, text) = body.split_once(' ')?;
    signer::has_signed(&signer.name(), &meant(text), signature).then_some(text)
}

/// What was kept and ends after this, in the order in which it was read.
pub(super) fn kept(
    connection: &Connection,
    after: Timestamp,
    signer: Option<&Signer>,
) -> Result<Vec<KeptSignals>, Trouble> {
    let mut query = connection.prepare_cached("SELECT body FROM signals WHERE until > ?1 ORDER BY id")?;
    let bodies = query.query_map([after.timestamp_millis()], |row| row.get::<_, String>(0))?;
    let mut kept = Vec::new();
    for body in bodies {
        if let Some(text) = own(&body?, signer) {
            kept.push(serde_json::from_str(text)?);
        }
    }
    Ok(kept)
}
