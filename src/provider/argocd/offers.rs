//! Which verbs an Application has now, and what stands against each, as a sentence.

use crate::{
    domain::{
        form::{Field, Kind},
        offer::{Offer, Risk},
        rollout::{Rollout, Unknown},
        text::clean,
        verb::Verb,
    },
    provider::argocd::{
        facts::deployed,
        normalize::{View, who},
        phase::{Operation, is_new, is_taken_back},
        version::Side,
    },
};

/// Whether what git does not have any more is deleted.
pub(super) const PRUNE: &str = "prune";

/// Every verb that it knows, open or with what stands against it.
pub(super) fn offers(view: View<'_>, rollout: &Rollout) -> Vec<Offer> {
    let risk = view.environment.risk;
    let back = risk.min(Risk::Medium);
    [
        offer(view, Verb::Sync, risk, sync(view)),
        offer(view, Verb::Rollback, back, rollback(view, rollout)),
        offer(view, Verb::Abort, back, abort(view)),
    ]
    .into()
}

fn offer(view: View<'_>, verb: Verb, risk: Risk, blocked: Option<String>) -> Offer {
    let (denied, unsure) = view.rights.against(actions(view, verb), view.at);
    let form = if verb == Verb::Abort { Vec::new() } else { vec![prune(verb)] };
    Offer { blocked: denied.or(blocked), unsure, ..Offer::open(verb, risk).asking(form) }
}

fn prune(verb: Verb) -> Field {
    let what =
        if verb == Verb::Sync { "what is not in git any more" } else { "what the version to go back to does not have" };
    Field::new(PRUNE, "prune", Kind::Flag).default("false").hint(format!("deletes {what}"))
}

/// The actions that a verb takes.
fn actions(view: View<'_>, verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Rollback if view.app.automated().is_some() => &["sync", "rollback", "update"],
        Verb::Rollback => &["sync", "rollback"],
        _ => &["sync"],
    }
}

/// What stands against a verb whichever version it is about: the rights, and whoever would undo it at once.
pub(super) fn denied(view: View<'_>, verb: Verb) -> Option<String> {
    let (denied, _) = view.rights.against(actions(view, verb), view.at);
    denied.or_else(|| gone(view)).or_else(|| if verb == Verb::Rollback { fixed(view) } else { None })
}

fn gone(view: View<'_>) -> Option<String> {
    view.app.metadata.deletion_timestamp.map(|_| "it is being deleted".to_owned())
}

/// Where auto-sync has to be off and whoever made the Application would switch it on again at once.
fn fixed(view: View<'_>) -> Option<String> {
    let app = view.app;
    app.automated()?;
    if let Some(set) = app.set() {
        return Some(format!(
            "auto-sync is on, and the ApplicationSet {} that made it switches it on again at once: switch it off there (syncPolicy of its \
             template), or revert in git, which lasts",
            clean(set)
        ));
    }
    let parent = app.parent().filter(|_| view.parent_heals == Some(true))?;
    Some(format!(
        "auto-sync is on, and the Application {} that made it heals itself and switches it on again at once: switch it off in git, or \
         revert there, which lasts",
        clean(parent)
    ))
}

/// That an operation is under way, and whose.
fn busy(view: View<'_>) -> Option<String> {
    let state = view.app.status.operation_state.as_ref();
    let since = state.and_then(|state| state.started_at).map(|at| format!(" since {}", at.format("%H:%M:%S")));
    let by = state.map(|state| who(&state.operation.initiated_by));
    match Operation::of(view.app) {
        Operation::Asked => Some("an operation was asked for and has not begun: look again in a moment".to_owned()),
        Operation::Running => Some(format!(
            "an operation runs on it ({}{}): abort ends it",
            by.unwrap_or_else(|| "somebody's".to_owned()),
            since.unwrap_or_default()
        )),
        Operation::Terminating => Some("its operation is being terminated: look again once that is over".to_owned()),
        _ => None,
    }
}

fn sync(view: View<'_>) -> Option<String> {
    let alike = || {
        (view.app.status.sync.status == "Synced").then(|| {
            format!(
                "git and what runs are alike (Synced at {}): there is nothing to sync",
                Side::wanted(view.app).short()
            )
        })
    };
    gone(view).or_else(|| busy(view)).or_else(alike)
}

fn abort(view: View<'_>) -> Option<String> {
    match Operation::of(view.app) {
        Operation::Running => gone(view),
        Operation::Asked | Operation::Terminating => busy(view),
        _ => Some(
            "no operation runs on it, so there is nothing to abort: roll back puts an earlier version back".to_owned(),
        ),
    }
}

/// What stands against going back without a named version.
fn rollback(view: View<'_>, rollout: &Rollout) -> Option<String> {
    gone(view).or_else(|| fixed(view)).or_else(|| waits(view)).or_else(|| nowhere(view, rollout))
}

/// An operation that must be over before anything else can be asked for, and cannot be ended now.
pub(super) fn waits(view: View<'_>) -> Option<String> {
    matches!(Operation::of(view.app), Operation::Asked | Operation::Terminating).then(|| busy(view)).flatten()
}

/// That no version is the one to go back to by itself.
fn nowhere(view: View<'_>, rollout: &Rollout) -> Option<String> {
    let app = view.app;
    if let Some(Unknown { what, .. }) = rollout.unknown.iter().find(|_| !deployed(app).is_known()) {
        return Some(what.clone());
    }
    if is_half_way(view) {
        return app.status.history.is_empty().then(|| rollout.no_way_back());
    }
    let there = || rollout.stable.as_ref().map_or_else(|| "what is deployed".to_owned(), ToString::to_string);
    let further = || format!("`holdshort rollback {} --to VERSION` goes further back", rollout.id);
    if is_new(app) && is_taken_back(app) {
        return Some(format!("{} was put back already: there is nothing to go back from; {}", there(), further()));
    }
    if is_new(app) {
        let wanted = Side::wanted(app).short();
        return Some(format!("git wants {wanted}, and that was not deployed: {} still runs; {}", there(), further()));
    }
    rollout.way_back().is_none().then(|| rollout.no_way_back())
}

/// Does something run, or did it fail half way, that brings another version than the one that was deployed last? Then going back is to
/// that.
pub(super) fn is_half_way(view: View<'_>) -> bool {
    let app = view.app;
    let failed = Operation::of(app) == Operation::Failed && is_new(app) && !is_taken_back(app);
    failed || (Operation::of(app).is_open() && is_new(app))
}
