//! What a plan may be bound to, or expect, of an Application as it was read just now.

use chrono::SecondsFormat;

use crate::{
    domain::time::Timestamp,
    port::plan::{Facts, fact},
    provider::argocd::{
        api::Application,
        fact as own,
        phase::{Operation, is_blocked, phase},
        version::Side,
    },
};

/// When an operation began, as a fact.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// When the last operation began, where that is told.
pub(super) fn began(app: &Application) -> Option<String> {
    app.status.operation_state.as_ref().and_then(|state| state.started_at).map(moment)
}

/// The facts; `open` is whether its sync windows let it be synced by hand, where that could be read.
pub(super) fn facts(app: &Application, open: Option<bool>) -> Facts {
    let operation = Operation::of(app);
    let (wanted, deployed) = (Side::wanted(app), deployed(app));
    let (phase, _) = phase(app);
    let word = |text: &str| if text.is_empty() { "Unknown".to_owned() } else { text.to_owned() };
    let mut facts = Facts::new();
    let mut put = |name: &str, value: String| drop(facts.insert(name.to_owned(), value));
    put(fact::UID, app.metadata.uid.clone());
    put(fact::CANARY, wanted.key.clone());
    put(fact::STABLE, deployed.key.clone());
    put(fact::PHASE, phase.to_string());
    put(own::AUTO_SYNC, if app.automated().is_some() { "on" } else { "off" }.to_owned());
    put(own::OPERATION, operation.to_string());
    put(own::BLOCKED, is_blocked(app).to_string());
    put(own::CLOSED, if open == Some(false) { "yes" } else { "no" }.to_owned());
    put(own::SYNC, word(&app.status.sync.status));
    put(own::HEALTH, word(&app.status.health.status));
    let ended = app.status.operation_state.as_ref().and_then(|state| state.finished_at);
    let settled = app.status.reconciled_at.zip(ended).is_none_or(|(looked, ended)| looked >= ended);
    put(own::SETTLED, (settled && !operation.is_open()).to_string());
    if let Some(began) = began(app) {
        if operation == Operation::Failed {
            put(own::FAILED, began.clone());
        }
        put(own::BEGAN, began);
    }
    for entry in &app.status.history {
        // Oldest first: the newest of a version stays.
        put(&own::entry(&Side::of(entry).key), entry.id.to_string());
    }
    facts
}

/// What is deployed: the newest entry of its history; of one that has none, what git wants, where that is what runs.
pub(super) fn deployed(app: &Application) -> Side<'_> {
    let last = app.status.history.last().map(Side::of);
    last.or_else(|| (app.status.sync.status == "Synced").then(|| Side::wanted(app))).unwrap_or_default()
}
