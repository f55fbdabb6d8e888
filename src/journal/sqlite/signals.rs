//! Signals beside the chain: data that verdicts rest on, no record.

use rusqlite::{Connection, Transaction, params};

use super::Trouble;
use crate::{
    domain::time::Timestamp,
    port::kept::{KeptSignals, Outlived},
};

/// Keeps signals, and forgets what is outlived.
pub(super) fn keep(tx: &Transaction<'_>, kept: &[KeptSignals], outlived: &Outlived) -> Result<(), Trouble> {
    tx.execute("DELETE FROM signals WHERE until <= ?1", [outlived.before.timestamp_millis()])?;
    for service in &outlived.services {
        tx.execute("DELETE FROM signals WHERE service = ?1", [service.as_str()])?;
    }
    kept.iter().try_for_each(|one| keep_one(tx, one))
}

/// A window that is read again replaces what it gave before.
fn keep_one(tx: &Transaction<'_>, one: &KeptSignals) -> Result<(), Trouble> {
    let (since, until) = (one.window.from.timestamp_millis(), one.window.to.timestamp_millis());
    let (source, service) = (one.source.as_str(), one.signals.service.as_str());
    let sql = "INSERT OR REPLACE INTO signals (source, service, since, until, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute(params![source, service, since, until, serde_json::to_string(one)?])?;
    Ok(())
}

/// What was kept and ends after this, in the order in which it was read.
pub(super) fn kept(connection: &Connection, after: Timestamp) -> Result<Vec<KeptSignals>, Trouble> {
    let mut query = connection.prepare_cached("SELECT body FROM signals WHERE until > ?1 ORDER BY id")?;
    let bodies = query.query_map([after.timestamp_millis()], |row| row.get::<_, String>(0))?;
    bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
}
