//! Where an Application is: of what was asked of it, its health and whether git and what runs are alike, in this order. Words of Argo CD's
//! that we do not know are unknown, and never healthy.

use strum::Display;

use crate::{
    domain::{
        rollout::{Pause, PauseReason, Phase, Unknown},
        text::clean,
        time::Timestamp,
    },
    provider::argocd::{
        api::{Application, Condition, OperationState},
        version::Side,
    },
};

/// What the controller writes while a sync window keeps an operation from doing anything.
const BLOCKED: &str = "blocked by sync window";

/// Where the last operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Operation {
    /// There was none.
    None,
    /// It was asked for, and the controller has not begun it.
    Asked,
    Running,
    Terminating,
    Succeeded,
    Failed,
    /// A word that we do not know.
    Unknown,
}

impl Operation {
    /// Where the last one of an Application is.
    pub(super) fn of(app: &Application) -> Self {
        let Some(state) = &app.status.operation_state else {
            return if app.operation.is_some() { Self::Asked } else { Self::None };
        };
        match state.phase.as_str() {
            "Running" => Self::Running,
            "Terminating" => Self::Terminating,
            // Whoever asks takes the state of the one before away; a controller that is behind may not have.
            _ if app.operation.is_some() => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" | "Error" => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Is it under way?
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Running | Self::Terminating)
    }
}

/// Does a sync window keep its operation from doing anything?
pub(super) fn is_blocked(app: &Application) -> bool {
    Operation::of(app).is_open() && state(app).is_some_and(|state| state.message.contains(BLOCKED))
}

fn state(app: &Application) -> Option<&OperationState> {
    app.status.operation_state.as_ref()
}

/// Was what git wants deployed once, and something older put in its place?
pub(super) fn is_taken_back(app: &Application) -> bool {
    let wanted = Side::wanted(app).key;
    let mut newest = app.status.history.iter().rev().map(|entry| Side::of(entry).key);
    let deployed = newest.next();
    deployed.is_some_and(|deployed| deployed != wanted) && newest.any(|key| key == wanted)
}

/// Is what git wants something else than what was deployed last?
pub(super) fn is_new(app: &Application) -> bool {
    let wanted = Side::wanted(app);
    let deployed = app.status.history.last().map(Side::of);
    wanted.is_known() && deployed.map_or(app.status.sync.status != "Synced", |deployed| deployed.key != wanted.key)
}

/// The phase, and the pause that is in force.
pub(super) fn phase(app: &Application) -> (Phase, Option<Pause>) {
    let waits = || (Phase::Paused, Some(Pause { reason: PauseReason::Other, since: None, until: None }));
    let operation = Operation::of(app);
    if app.metadata.deletion_timestamp.is_some() {
        return (Phase::Progressing, None);
    }
    if is_blocked(app) {
        return (Phase::Paused, None);
    }
    if operation.is_open() {
        return (Phase::Progressing, None);
    }
    let (sync, health) = (app.status.sync.status.as_str(), app.status.health.status.as_str());
    let (new, ever) = (is_new(app), !app.status.history.is_empty());
    match health {
        "Degraded" => return (Phase::Degraded, None),
        // What was there is gone; before anything was deployed it is yet to come.
        "Missing" if ever => return (Phase::Degraded, None),
        _ => {}
    }
    if operation == Operation::Failed && (new || sync != "Synced") && !is_taken_back(app) {
        return (Phase::Degraded, None);
    }
    if operation == Operation::Unknown || !matches!(sync, "Synced" | "OutOfSync") {
        return (Phase::Unknown, None);
    }
    if new && is_taken_back(app) && app.automated().is_none() {
        return (Phase::Aborted, None);
    }
    match health {
        _ if new && app.automated().is_some() => (Phase::Progressing, None),
        _ if new => waits(),
        "Progressing" => (Phase::Progressing, None),
        // What it manages waits, and says itself for whom.
        "Suspended" => (Phase::Paused, None),
        "Healthy" => (Phase::Healthy, None),
        _ => (Phase::Unknown, None),
    }
}

/// Its own words: where it stands, what the last operation says, and what would undo somebody's hand.
pub(super) fn message(app: &Application) -> String {
    let word = |text: &str| if text.is_empty() { "unknown".to_owned() } else { clean(text) };
    let (sync, health) = (word(&app.status.sync.status), word(&app.status.health.status));
    let mut all = Vec::new();
    match Operation::of(app) {
        Operation::None | Operation::Succeeded => {}
        Operation::Asked => all.push("operation asked for".to_owned()),
        _ => {
            let (phase, said) = state(app).map(|state| (word(&state.phase), clean(&state.message))).unwrap_or_default();
            all.push(if said.is_empty() { phase } else { format!("{phase}: {said}") });
        }
    }
    if app.metadata.deletion_timestamp.is_some() {
        all.push("being deleted".to_owned());
    }
    all.extend([sync, health]);
    let said = clean(&app.status.health.message);
    all.extend(Some(said).filter(|said| !said.is_empty()));
    all.push(automation(app).to_owned());
    all.join(", ")
}

/// What it does by itself.
pub(super) fn automation(app: &Application) -> &'static str {
    match app.automated() {
        None => "auto-sync off",
        Some(block) if block.self_heal == Some(true) => "auto-sync on, self-heal on",
        Some(_) => "auto-sync on",
    }
}

/// What cannot be told, each with what can be done about it.
pub(super) fn unknown(app: &Application) -> Vec<Unknown> {
    let name = &app.metadata.name;
    let way = format!("`argocd app get {name}` shows what it says; mend that");
    let is_error = |condition: &&Condition| condition.kind.ends_with("Error");
    let errors: Vec<String> = app
        .status
        .conditions
        .iter()
        .filter(is_error)
        .map(|condition| format!("{}: {}", clean(&condition.kind), clean(&condition.message)))
        .collect();
    let mut all = Vec::new();
    let sync = app.status.sync.status.as_str();
    if !matches!(sync, "Synced" | "OutOfSync") {
        let why = if errors.is_empty() { String::new() } else { format!(": {}", errors.join("; ")) };
        let what = match sync {
            "" | "Unknown" => format!("whether git and what runs are alike is not known{why}"),
            other => format!("Argo CD says '{}' of git and what runs, which is not known here{why}", clean(other)),
        };
        all.push(Unknown { what, way: way.clone() });
    }
    let health = app.status.health.status.as_str();
    if !matches!(health, "Healthy" | "Progressing" | "Degraded" | "Suspended" | "Missing") {
        let what = match health {
            "" | "Unknown" => "its health is not known to Argo CD".to_owned(),
            other => format!("Argo CD says '{}' of its health, which is not known here", clean(other)),
        };
        all.push(Unknown { what, way: way.clone() });
    }
    if Operation::of(app) == Operation::Unknown {
        let word = state(app).map(|state| clean(&state.phase)).unwrap_or_default();
        all.push(Unknown { what: format!("Argo CD says '{word}' of its operation, which is not known here"), way });
    }
    if app.status.history.is_empty() && sync != "Synced" && health != "Missing" {
        let way = "spec.revisionHistoryLimit says how much is kept; a sync by hand begins a history".to_owned();
        all.push(Unknown { what: "what is deployed is not known: it has no history".to_owned(), way });
    }
    all
}

/// What is wrong, in words, the worst first.
pub(super) fn troubles(app: &Application) -> Vec<String> {
    let failed = app.status.operation_state.as_ref().filter(|_| Operation::of(app) == Operation::Failed);
    let resources = failed.and_then(|state| state.sync_result.as_ref()).map(|result| result.resources.as_slice());
    let failed = resources
        .unwrap_or_default()
        .iter()
        .filter(|one| one.status == "SyncFailed" || matches!(one.hook_phase.as_str(), "Failed" | "Error"));
    let mut all: Vec<String> = failed
        .take(3)
        .map(|one| format!("{} {}: {}", clean(&one.kind), clean(&one.name), clean(&one.message)))
        .collect();
    let conditions = app.status.conditions.iter().filter(|condition| condition.kind != "ComparisonError");
    all.extend(conditions.map(|one| format!("{}: {}", clean(&one.kind), clean(&one.message))));
    let differ = app.status.resources.iter().filter(|one| one.status == "OutOfSync");
    let (prune, differ): (Vec<_>, Vec<_>) = differ.partition(|one| one.requires_pruning);
    if app.status.sync.status == "OutOfSync" && !is_new(app) && !differ.is_empty() {
        let named = differ.iter().take(3).map(|one| format!("{} {}", clean(&one.kind), clean(&one.name)));
        let named: Vec<String> = named.collect();
        all.push(format!("differs from git in {} of its resources: {}", differ.len(), named.join(", ")));
    }
    if !prune.is_empty() {
        all.push(format!("{} of its resources are not in git any more and still there", prune.len()));
    }
    all
}

/// When the version that is on its way began to move.
pub(super) fn started(app: &Application) -> Option<Timestamp> {
    let state = app.status.operation_state.as_ref();
    let moved = state.and_then(|state| state.started_at).filter(|_| Operation::of(app) != Operation::Succeeded);
    moved.or_else(|| app.status.history.last().and_then(|entry| entry.deployed_at))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "it is written down where it is handed over")]
    fn app(status: Value, automated: Option<Value>) -> Application {
        let mut spec = json!({"source": {"repoURL": "x"}});
        if let Some(automated) = automated {
            spec["syncPolicy"] = json!({ "automated": automated });
        }
        serde_json::from_value(json!({"metadata": {"name": "payments"}, "spec": spec, "status": status})).unwrap()
    }

    /// An Application whose history has these revisions, and of which git wants this one.
    fn status(history: &[&str], wanted: &str, sync: &str, health: &str) -> Value {
        let entry =
            |(id, revision): (usize, &&str)| json!({"id": id, "revision": revision, "source": {"repoURL": "x"}});
        let history: Vec<Value> = history.iter().enumerate().map(entry).collect();
        json!({"history": history, "sync": {"status": sync, "revision": wanted}, "health": {"status": health}})
    }

    fn with(mut status: Value, operation: &str, message: &str) -> Value {
        status["operationState"] = json!({"phase": operation, "message": message, "startedAt": "2026-03-10T02:00:00Z"});
        status
    }

    #[test]
    fn every_native_state_has_its_phase_and_no_unknown_word_is_healthy() {
        let rest = |sync, health| status(&["a"], "a", sync, health);
        let new = || status(&["a"], "b", "OutOfSync", "Healthy");
        let back = || status(&["a", "b", "a"], "b", "OutOfSync", "Healthy");
        let table = [
            (rest("Synced", "Healthy"), Phase::Healthy),
            (rest("OutOfSync", "Healthy"), Phase::Healthy),
            (rest("Synced", "Progressing"), Phase::Progressing),
            (rest("Synced", "Degraded"), Phase::Degraded),
            (rest("Synced", "Suspended"), Phase::Paused),
            (rest("Synced", "Missing"), Phase::Degraded),
            (rest("Synced", "Unknown"), Phase::Unknown),
            (rest("Synced", "Sparkling"), Phase::Unknown),
            (rest("Synced", ""), Phase::Unknown),
            (rest("Unknown", "Healthy"), Phase::Unknown),
            (rest("Sideways", "Healthy"), Phase::Unknown),
            (status(&[], "a", "OutOfSync", "Missing"), Phase::Paused),
            (new(), Phase::Paused),
            (back(), Phase::Aborted),
            (with(new(), "Running", "waiting"), Phase::Progressing),
            (with(new(), "Terminating", ""), Phase::Progressing),
            (with(new(), "Running", "Sync operation blocked by sync window"), Phase::Paused),
            (with(new(), "Failed", "one or more objects failed"), Phase::Degraded),
            (with(new(), "Error", "x"), Phase::Degraded),
            (with(rest("Synced", "Healthy"), "Failed", "of before"), Phase::Healthy),
            (with(rest("Synced", "Healthy"), "Pondering", ""), Phase::Unknown),
            (with(back(), "Succeeded", ""), Phase::Aborted),
        ];
        for (status, wanted) in table {
            assert_eq!(phase(&app(status.clone(), None)).0, wanted, "{status}");
        }
        assert_eq!(phase(&app(new(), Some(json!({})))).0, Phase::Progressing, "it syncs by itself");
        assert_eq!(phase(&app(new(), Some(json!({"enabled": false})))).0, Phase::Paused);
    }

    #[test]
    fn what_is_asked_for_is_under_way_before_the_controller_has_begun() {
        let mut one = app(status(&["a"], "a", "Synced", "Healthy"), None);
        one.operation = Some(crate::provider::argocd::api::Operation::default());
        assert_eq!((Operation::of(&one), phase(&one).0), (Operation::Asked, Phase::Progressing));
        one.status.operation_state = Some(OperationState { phase: "Failed".into(), ..OperationState::default() });
        assert_eq!(Operation::of(&one), Operation::Running);
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let mut status = status(&["a"], "a", "Unknown", "Healthy");
        status["conditions"] =
            json!([{"type": "ComparisonError", "message": "failed to load target state: no such path"}]);
        let unknown = unknown(&app(status, None));
        let [only] = unknown.as_slice() else { panic!("{unknown:?}") };
        assert_eq!(
            only.what,
            "whether git and what runs are alike is not known: ComparisonError: failed to load target state: no such path"
        );
    }

    #[test]
    fn its_message_is_its_own_words_and_says_what_it_does_by_itself() {
        let plain = app(with(status(&["a"], "b", "OutOfSync", "Healthy"), "Failed", "PreSync hook failed"), None);
        assert_eq!(message(&plain), "Failed: PreSync hook failed, OutOfSync, Healthy, auto-sync off");
        let heals = app(status(&["a"], "a", "Synced", "Healthy"), Some(json!({"selfHeal": true})));
        assert_eq!(message(&heals), "Synced, Healthy, auto-sync on, self-heal on");
    }
}
