//! What can be done with a row: every verb that it offers, and what stands against each. Verbs with a key stand here too.

use crate::{
    app::{guard, model::Model},
    domain::{gate::Behind, object::ObjectId, offer::Offer, verb::Verb},
};

/// The menu of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Of which.
    pub target: ObjectId,
    /// The chosen verb; the first one where nobody chose or it is offered no more.
    pub verb: Option<Verb>,
}

impl Menu {
    /// With nothing chosen.
    pub fn of(target: ObjectId) -> Self {
        Self { target, verb: None }
    }

    /// The place of the chosen verb among these.
    pub fn at(&self, offers: &[Offer]) -> usize {
        self.verb.and_then(|verb| offers.iter().position(|offer| offer.verb == verb)).unwrap_or_default()
    }
}

/// Every verb of an object and of the run behind it, blocked by its system or by policy, each with its reason.
pub fn offers(model: &Model, target: &ObjectId) -> Vec<Offer> {
    let mut all = guard::offers(model, target);
    if let Some(Behind::Run(run)) = model.store.gate(target).map(|gate| &gate.behind) {
        let behind = guard::offers(model, run).into_iter();
        // Asked of the gate, these mean the run behind it.
        let meant = |offer: &Offer| matches!(offer.verb, Verb::Rerun | Verb::Cancel);
        all.extend(behind.filter(meant));
    }
    all
}
