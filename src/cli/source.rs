//! Connections as `status` and `inbox` list them: how fresh each is, and what went wrong with it.

use serde::Serialize;

use crate::{
    app::{model::Model, store::SourceState},
    cli::{span::short, table::Table},
    domain::observed::Freshness,
};

/// What is read less often than this, in seconds, says how often.
const SELDOM: u64 = 60;

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceOut {
    /// Its name.
    pub name: String,
    /// The worst of what it offers: `live`, `stale`, `failing` or `never`.
    pub freshness: Freshness,
    /// Seconds since it was last confirmed; `null` when never.
    pub age_seconds: Option<u64>,
    /// Seconds within which it is to be heard of again, as things are now: what is idle is read less often.
    pub every_seconds: u64,
    /// What went wrong last; `null` when nothing did.
    pub error: Option<String>,
    /// What of it could not be read though the rest was, a sentence each.
    pub unread: Vec<String>,
}

/// Every connection, by name.
pub fn all(model: &Model) -> Vec<SourceOut> {
    let each = model.store.sources(model.now).into_iter().map(|source| SourceOut {
        name: source.source.to_string(),
        freshness: source.freshness,
        age_seconds: source.age.map(|age| age.as_secs()),
        every_seconds: source.every.as_secs(),
        error: source.fault.map(|fault| fault.text),
        unread: source.unread,
    });
    each.collect()
}

/// Every connection as a table.
pub(super) fn table(model: &Model) -> Table {
    let mut table = Table::new(&["SOURCE", "STATE", "AGE", "ERROR"]);
    for source in all(model) {
        let age = source.age_seconds.map_or_else(|| "-".to_owned(), short);
        let seldom = (source.every_seconds > SELDOM).then(|| format!(" (read every {})", short(source.every_seconds)));
        let age = age + &seldom.unwrap_or_default();
        let state = match (source.freshness, source.unread.is_empty()) {
            (Freshness::Live, false) => "incomplete".to_owned(),
            (freshness, _) => freshness.to_string(),
        };
        let error = source.error.into_iter().chain(source.unread).collect::<Vec<_>>().join("; ");
        table.row([source.name, state, age, error]);
    }
    table
}

/// `forge never answered: connection refused`.
pub fn sentence(state: &SourceState) -> String {
    if state.freshness == Freshness::Live && !state.unread.is_empty() {
        return format!("{} was not read whole: {}", state.source, state.unread.join("; "));
    }
    let fault = state.fault.as_ref().map(|fault| format!(": {}", fault.text)).unwrap_or_default();
    match state.age {
        None => format!("{} has not answered{fault}", state.source),
        Some(age) => {
            format!("{} is {}, last good answer {} ago{fault}", state.source, state.freshness, short(age.as_secs()))
        }
    }
}
