//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.

use super::{
    WORKLOADS,
    api::{MARKS, Rollout as Wire},
    asked, phase,
};
use crate::{
    domain::{
        offer::Offer,
        rollout::Rollout,
        text::clean,
        verb::{Direction, Verb},
    },
    provider::kubernetes::{facade::View, verbs::risk},
};

/// What the verbs patch.
pub(super) const SUBRESOURCES: &[&str] = &["", "status"];

/// The verbs of this engine, in the order of the keys.
const VERBS: &[Verb] = &[
    Verb::Promote,
    Verb::Skip,
    Verb::PromoteFull,
    Verb::Pause,
    Verb::Resume,
    Verb::Abort,
    Verb::Rollback,
    Verb::Retry,
    Verb::Restart,
];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers(rollout: &Rollout, view: &View<'_, Wire>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view);
        Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)) }
    };
    view.with_rights(VERBS.iter().map(offer).collect(), patches)
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal(verb: Verb, rollout: &Rollout, view: &View<'_, Wire>) -> Option<String> {
    let wire = view.object;
    if !wire.is_taken_up() {
        return Some("no controller has taken it up, so nothing that is asked of it would happen".to_owned());
    }
    let by_state = match verb {
        Verb::Promote => promote(wire),
        Verb::Skip => skip(wire),
        Verb::PromoteFull => promote_full(wire),
        Verb::Pause => pause(wire),
        Verb::Resume => resume(wire),
        Verb::Abort => abort(wire, view),
        Verb::Rollback => rollback(rollout, view),
        Verb::Retry => (!wire.is_aborted()).then(|| "it was not aborted".to_owned()),
        Verb::Restart => restart(wire),
        _ => Some(format!("Argo Rollouts cannot {}", verb.words())),
    };
    // The controller decides on what it has taken up; what comes next may be another version.
    let behind = !phase::is_observed(wire) || asked::is_behind(view);
    let unseen = (verb.direction() == Direction::Forward && behind)
        .then(|| "the controller has not taken up the last change of the spec yet".to_owned());
    // A version that the controller does not know of yet is on its way all the same.
    let first = if asked::is_another(view) { unseen.or(by_state) } else { by_state.or(unseen) };
    first.or_else(|| denied(verb, view))
}

fn denied(verb: Verb, view: &View<'_, Wire>) -> Option<String> {
    if verb == Verb::Rollback && view.object.spec.workload_ref.is_some() {
        // What defines the pods is patched, and that is the last entry.
        return view.denied.get(SUBRESOURCES.len()).cloned().flatten();
    }
    let patched = view.denied.get(patches(verb)?).cloned().flatten();
    // The controller carries no abort out while a person's pause stands, and that one is in the object itself.
    let ends_pause = verb == Verb::Abort && view.object.spec.paused;
    patched.or_else(|| view.denied.first().filter(|_| ends_pause).cloned().flatten())
}

/// What a verb patches, as an index of [`SUBRESOURCES`].
fn patches(verb: Verb) -> Option<usize> {
    let subresource = match verb {
        Verb::Promote | Verb::Skip | Verb::PromoteFull | Verb::Abort | Verb::Retry => "status",
        _ => "",
    };
    SUBRESOURCES.iter().position(|known| *known == subresource)
}

/// What stands in the way of every verb that moves a version on.
fn not_movable(wire: &Wire) -> Option<String> {
    if !wire.is_moving() {
        Some("nothing is on its way".to_owned())
    } else if wire.is_aborted() {
        Some("it was aborted: retry starts it again from its first step".to_owned())
    } else if wire.spec.paused {
        Some("paused by a person: resume first".to_owned())
    } else {
        None
    }
}

fn promote(wire: &Wire) -> Option<String> {
    let not_paused = || {
        if wire.is_unpausing() {
            Some("its pause was ended just now; the controller has not moved on yet".to_owned())
        } else if wire.status.pause_conditions.is_empty() {
            Some(
                "it is not in a pause, so there is nothing to continue past; skip leaves out the running step"
                    .to_owned(),
            )
        } else {
            None
        }
    };
    not_movable(wire).or_else(not_paused)
}

fn skip(wire: &Wire) -> Option<String> {
    let no_step = || match wire.step_index() {
        None => Some("its strategy has no steps".to_owned()),
        Some(index) if index >= wire.steps().len() => Some("all its steps are done".to_owned()),
        Some(_) if wire.is_unpausing() => {
            Some("its pause was ended just now; the controller has not moved on yet".to_owned())
        }
        Some(_) => None,
    };
    not_movable(wire).or_else(no_step)
}

fn promote_full(wire: &Wire) -> Option<String> {
    if wire.is_aborted() {
        // The controller would clear the abort and ship the very version that failed.
        return Some(
            "it was aborted, and a full promotion would ship the aborted version: retry it from its first step"
                .to_owned(),
        );
    }
    let again = || wire.status.promote_full.then(|| "a full promotion is under way already".to_owned());
    not_movable(wire).or_else(again)
}

fn pause(wire: &Wire) -> Option<String> {
    if wire.spec.paused {
        Some("a person has paused it already".to_owned())
    } else if wire.is_aborted() {
        // The controller carries no abort out while a person's pause stands.
        Some("it was aborted, and goes nowhere but back: a pause would only hold that up".to_owned())
    } else {
        None
    }
}

fn resume(wire: &Wire) -> Option<String> {
    if wire.spec.paused {
        None
    } else if wire.status.pause_conditions.is_empty() {
        Some("no person has paused it".to_owned())
    } else {
        Some("no person has paused it; promote continues past the pause it is in".to_owned())
    }
}

fn abort(wire: &Wire, view: &View<'_, Wire>) -> Option<String> {
    if !wire.is_moving() && asked::is_another(view) {
        Some("the controller has not begun with it, so there is nothing to abort yet; roll back takes it out of the spec".to_owned())
    } else if !wire.is_moving() {
        Some("nothing is on its way, so there is nothing to abort; roll back puts an earlier version back".to_owned())
    } else if wire.status.abort {
        Some("it was aborted already".to_owned())
    } else if wire.status.stable_rs.is_empty() {
        Some("this is its first version: there is no stable one to go back to".to_owned())
    } else {
        None
    }
}

/// Why an act that was begun cannot be carried on: its first call was taken, and the person's pause has still to be ended.
pub(super) fn refusal_to_the_rest(verb: Verb, view: &View<'_, Wire>) -> Option<String> {
    let wire = view.object;
    let by_state = match verb {
        Verb::Abort if !wire.status.abort => Some("it is not aborted any more".to_owned()),
        Verb::Abort | Verb::Rollback if !wire.spec.paused => Some("nothing of it is left to send".to_owned()),
        Verb::Abort => None,
        Verb::Rollback => defined_elsewhere(wire),
        _ => Some("it is one call, and that was sent".to_owned()),
    };
    by_state.or_else(|| view.denied.first().cloned().flatten())
}

/// Why no version at all can be put back; one that is named may be there where the default one is not.
pub(super) fn refusal_to_named(view: &View<'_, Wire>) -> Option<String> {
    defined_elsewhere(view.object).or_else(|| denied(Verb::Rollback, view))
}

fn rollback(rollout: &Rollout, view: &View<'_, Wire>) -> Option<String> {
    let no_target = || match rollout.way_back() {
        Some(arm) if MARKS.find(&view.sets, &arm.hash).is_some() => None,
        Some(arm) if view.unread.is_some() => {
            Some(format!("the ReplicaSets could not be read, so the template of {} is not known", arm.called()))
        }
        Some(arm) if arm.name.is_empty() => Some(format!(
            "the ReplicaSet of the stable version ({}) is not seen, so there is no template to put back; abort takes the \
             traffic off the new one",
            arm.hash
        )),
        _ => Some(rollout.no_way_back()),
    };
    defined_elsewhere(view.object).or_else(no_target)
}

fn defined_elsewhere(wire: &Wire) -> Option<String> {
    let reference = wire.spec.workload_ref.as_ref()?;
    let (kind, name) = (clean(&reference.kind), clean(&reference.name));
    (kind != "Deployment").then(|| {
        format!(
            "its pods are defined by the {kind} '{name}' (workloadRef): of those, only {} can be rolled back here",
            WORKLOADS.plural
        )
    })
}

fn restart(wire: &Wire) -> Option<String> {
    let under_way = wire.spec.restart_at.is_some() && wire.spec.restart_at != wire.status.restarted_at;
    under_way.then(|| "a restart is under way already".to_owned())
}
