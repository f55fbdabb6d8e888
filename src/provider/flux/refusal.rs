//! Which verbs can be used now; for every other one, why not, as a sentence with the way out.
//!
//! Promote, skip and retry are no verbs of Flux: what is declared is applied as a whole. Abort and roll back are none either, and say
//! where the way back is.

use super::{
    declared::{Declared, held_by},
    phase, source,
};
use crate::{
    domain::{offer::Offer, rollout::Rollout, verb::Verb},
    provider::kubernetes::{facade::View, verbs::risk},
};

/// What the verbs patch.
pub(super) const SUBRESOURCES: &[&str] = &[""];

/// The verbs of this engine, in the order of the keys.
const VERBS: &[Verb] = &[Verb::Pause, Verb::Resume, Verb::Abort, Verb::Rollback, Verb::Reconcile];

/// Every verb, each open or with the reason why not. The rollout's own offers are not looked at.
pub(super) fn offers<O: Declared>(rollout: &Rollout, view: &View<'_, O>) -> Vec<Offer> {
    let offer = |verb: &Verb| {
        let blocked = refusal(*verb, rollout, view);
        let form = if *verb == Verb::Reconcile { O::form() } else { Vec::new() };
        Offer { blocked, ..Offer::open(*verb, risk(*verb, view.scope.risk)).asking(form) }
    };
    view.with_rights(VERBS.iter().map(offer).collect(), |_| Some(0))
}

/// Why a verb cannot be used now; `None` when it can.
pub(super) fn refusal<O: Declared>(verb: Verb, rollout: &Rollout, view: &View<'_, O>) -> Option<String> {
    let object = view.object;
    let suspended = object.is_suspended();
    let by_state = match verb {
        Verb::Abort | Verb::Rollback => return Some(no_way_back(rollout, view)),
        _ if object.meta().deletion_timestamp.is_some() => Some("it is being deleted".to_owned()),
        Verb::Pause => suspended.then(|| format!("it is suspended already{}", held_by(object))),
        Verb::Resume => (!suspended).then(|| "it is not suspended".to_owned()),
        Verb::Reconcile if suspended => {
            Some("it is suspended, so nothing would be done: resume applies what its source holds".to_owned())
        }
        Verb::Reconcile => (!phase::is_taken_up(object.progress()))
            .then(|| "no controller has taken it up, so nothing that is asked of it would happen".to_owned()),
        _ => Some(format!("a {} of Flux cannot {}", O::NOUN, verb.words())),
    };
    by_state.or_else(|| denied(view))
}

/// All verbs patch the object itself.
pub(super) fn denied<O>(view: &View<'_, O>) -> Option<String> {
    view.denied.first().cloned().flatten()
}

/// That Flux goes back only where its source does, and what can be done until then.
fn no_way_back<O: Declared>(rollout: &Rollout, view: &View<'_, O>) -> String {
    let id = &rollout.id;
    let first = if view.object.is_suspended() { String::new() } else { format!("`holdshort pause {id}`, then ") };
    let writers = source::writers(view);
    let writers = match writers.as_slice() {
        [] => String::new(),
        all => format!(
            "; ImageUpdateAutomation {} writes a reverted tag again: suspend it before",
            all.join(", ImageUpdateAutomation ")
        ),
    };
    if view.object.is_taken_back() {
        return format!(
            "Flux took it back already, and what it put back serves: revert the commit in git, so that it is not tried again\
             {writers}"
        );
    }
    format!(
        "Flux goes back only where its source does: revert the commit in git, and reconcile{writers}; in an emergency {first}{}, \
         mend git, and `holdshort resume {id}`",
        view.object.by_hand()
    )
}
