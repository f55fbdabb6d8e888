//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.
//!
//! Skip, promote full and retry are no verbs of these workloads: they have no steps, and nothing that stays aborted.

use super::{
    api::{Exchange, Workload},
    phase,
    sides::Sides,
};
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

/// The verbs of a workload that can be held at a part of its pods, in the order of the keys.
const HOLDING: &[Verb] =
    &[Verb::Promote, Verb::Next, Verb::Pause, Verb::Resume, Verb::Abort, Verb::Rollback, Verb::Restart];
/// The verbs of one that cannot.
const OTHERS: &[Verb] = &[Verb::Abort, Verb::Rollback, Verb::Restart];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers<W: Workload>(rollout: &Rollout, view: &View<'_, W>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view);
        Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)) }
    };
    let verbs = if W::HOLDS { HOLDING } else { OTHERS };
    view.with_rights(verbs.iter().map(offer).collect(), |_| Some(0))
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal<W: Workload>(verb: Verb, rollout: &Rollout, view: &View<'_, W>) -> Option<String> {
    let object = view.object;
    if !object.is_taken_up() {
        return Some("no controller has taken it up, so nothing that is asked of it would happen".to_owned());
    }
    let by_state = match verb {
        Verb::Pause | Verb::Resume | Verb::Promote | Verb::Next if !W::HOLDS => Some(no_hold::<W>(verb)),
        Verb::Pause => pause(rollout, object),
        Verb::Resume => resume(rollout, object),
        Verb::Promote => promote(rollout, object),
        Verb::Next => next(rollout, object),
        Verb::Abort => abort(rollout),
        Verb::Rollback => rollback(rollout, view),
        Verb::Restart => restart(rollout, object),
        Verb::Skip | Verb::PromoteFull | Verb::Retry => {
            Some(format!("a {} has no steps, so there is nothing to {}", W::WORDS, verb.words()))
        }
        _ => Some(format!("a {} cannot {}", W::WORDS, verb.words())),
    };
    // The controller decides on what it has taken up; what comes next may be another version.
    let unseen = (verb.direction() == Direction::Forward && !object.is_observed())
        .then(|| "the controller has not taken up the last change of the spec yet".to_owned());
    by_state.or(unseen).or_else(|| denied(view))
}

/// All verbs patch the object itself.
pub(super) fn denied<W: Workload>(view: &View<'_, W>) -> Option<String> {
    view.denied.first().cloned().flatten()
}

fn no_hold<W: Workload>(verb: Verb) -> String {
    let verb = verb.words();
    format!("a {} has nothing that holds it, so it cannot {verb}: abort puts back what served before", W::WORDS)
}

fn is_moving(rollout: &Rollout) -> bool {
    rollout.identity.canary_hash != rollout.identity.stable_hash
}

/// Why nothing of it moves by itself, so that nothing can be held, let go on or replaced; `None` where it does.
fn by_hand(object: &impl Workload) -> Option<String> {
    let said = match object.exchange() {
        Exchange::Rolling => return None,
        Exchange::OnDelete => {
            "its update strategy is OnDelete, so no pod is exchanged by itself: delete the pods that are to be"
        }
        Exchange::Unknown => "its update strategy is none that is known here, so nobody can say what would happen",
    };
    Some(said.to_owned())
}

fn pause(rollout: &Rollout, object: &impl Workload) -> Option<String> {
    let already = || rollout.held.then(|| "a person has paused it already".to_owned());
    let stays = || phase::held(object, is_moving(rollout)).map(|said| format!("it {said} already"));
    already().or_else(|| by_hand(object)).or_else(stays)
}

fn resume(rollout: &Rollout, object: &impl Workload) -> Option<String> {
    if object.before().is_some() {
        return None;
    }
    let stays = phase::held(object, is_moving(rollout)).map(|said| {
        format!(
            "no pause of a person's: it {said}, as its spec has it; promote lets the others go on, next batch one more"
        )
    });
    stays.or_else(|| Some("no person has paused it".to_owned()))
}

fn promote(rollout: &Rollout, object: &impl Workload) -> Option<String> {
    if object.before().is_some() {
        return Some("a person has paused it: resume lets it go on".to_owned());
    }
    by_hand(object).or_else(|| {
        let none = "no partition holds it, so there is nothing to promote past".to_owned();
        phase::held(object, is_moving(rollout)).is_none().then_some(none)
    })
}

fn next(rollout: &Rollout, object: &impl Workload) -> Option<String> {
    by_hand(object).or_else(|| {
        let none = "no partition holds it, so there is no next pod to let go on".to_owned();
        let held = is_moving(rollout) && phase::held(object, true).is_some();
        (!held).then_some(none)
    })
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

fn rollback<W: Workload>(rollout: &Rollout, view: &View<'_, W>) -> Option<String> {
    let sides = Sides::of(view);
    let there = rollout.way_back().is_some_and(|arm| sides.find(&arm.hash).is_some());
    (!there).then(|| rollout.no_way_back())
}

fn restart(rollout: &Rollout, object: &impl Workload) -> Option<String> {
    if let Some(why) = by_hand(object) {
        return Some(why);
    }
    if rollout.held {
        Some("it is paused, and a restart would wait with it: resume first".to_owned())
    } else if is_moving(rollout) {
        Some("pods are being exchanged: restart when that is over, or abort".to_owned())
    } else if object.partition() > 0 {
        let kept = object.partition().min(rollout.replicas);
        Some(format!(
            "its partition keeps the first {kept} pods from being replaced: delete those, one after the other"
        ))
    } else {
        None
    }
}
