//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.
//!
//! Promote, skip, promote full and retry are no verbs of a Deployment: it has no steps, and nothing that stays aborted.

use super::api::{Deployment, MARKS};
use crate::{
    domain::{
        offer::Offer,
        rollout::Rollout,
        verb::{Direction, Verb},
    },
    provider::kubernetes::{facade::View, verbs::risk},
};

/// What the verbs patch.
pub(super) const SUBRESOURCES: &[&str] = &[""];

/// The verbs of this engine, in the order of the keys.
const VERBS: &[Verb] = &[Verb::Pause, Verb::Resume, Verb::Abort, Verb::Rollback, Verb::Restart];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers(rollout: &Rollout, view: &View<'_, Deployment>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view);
        Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)) }
    };
    view.with_rights(VERBS.iter().map(offer).collect(), |_| Some(0))
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal(verb: Verb, rollout: &Rollout, view: &View<'_, Deployment>) -> Option<String> {
    let wire = view.object;
    if !wire.is_taken_up() {
        return Some("no controller has taken it up, so nothing that is asked of it would happen".to_owned());
    }
    let by_state = match verb {
        Verb::Pause => wire.spec.paused.then(|| "a person has paused it already".to_owned()),
        Verb::Resume => (!wire.spec.paused).then(|| "no person has paused it".to_owned()),
        Verb::Abort => abort(rollout),
        Verb::Rollback => rollback(rollout, view),
        Verb::Restart => restart(rollout, wire),
        Verb::Promote | Verb::Skip | Verb::PromoteFull | Verb::Retry => {
            Some(format!("a Deployment has no steps, so there is nothing to {}", verb.words()))
        }
        _ => Some(format!("a Deployment cannot {}", verb.words())),
    };
    // The controller decides on what it has taken up; what comes next may be another version.
    let unseen = (verb.direction() == Direction::Forward && !wire.is_observed())
        .then(|| "the controller has not taken up the last change of the spec yet".to_owned());
    by_state.or(unseen).or_else(|| denied(view))
}

/// All verbs patch the object itself.
pub(super) fn denied(view: &View<'_, Deployment>) -> Option<String> {
    view.denied.first().cloned().flatten()
}

fn is_moving(rollout: &Rollout) -> bool {
    rollout.identity.canary_hash != rollout.identity.stable_hash
}

fn abort(rollout: &Rollout) -> Option<String> {
    if !is_moving(rollout) {
        Some("nothing is on its way, so there is nothing to abort; roll back puts an earlier version back".to_owned())
    } else if rollout.identity.stable_hash.is_empty() {
        Some("this is its first version: there is no stable one to go back to".to_owned())
    } else {
        None
    }
}

fn rollback(rollout: &Rollout, view: &View<'_, Deployment>) -> Option<String> {
    let there = rollout.way_back().is_some_and(|arm| MARKS.find(&view.sets, &arm.hash).is_some());
    (!there).then(|| rollout.no_way_back())
}

fn restart(rollout: &Rollout, wire: &Deployment) -> Option<String> {
    if wire.spec.paused {
        Some("it is paused, and a restart would wait with it: resume first".to_owned())
    } else if is_moving(rollout) {
        Some("pods are being exchanged: restart when that is over, or abort".to_owned())
    } else {
        None
    }
}
