//! What each verb does in each state of each engine, and `docs/engines.md`, which says it: made of recorded and built states, with the
//! very calls that would be sent, or the sentence that refuses. `UPDATE=1 cargo test --test engines` writes the page anew.
//!
//! A file an engine, which names its states; what is asked of all of them stands here.

#[cfg(test)]
mod argo_rollouts;
#[cfg(test)]
mod argocd;
#[cfg(test)]
mod bag;
#[cfg(test)]
mod controller_revision;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod flagger;
#[cfg(test)]
mod flux;
#[cfg(test)]
#[path = "../support/inventory.rs"]
mod inventory;
#[cfg(test)]
mod lambda;
#[cfg(test)]
mod page;

use std::{future::Future, pin::Pin, sync::Arc};

use holdshort::{
    domain::{
        item::Item,
        offer::Offer,
        verb::{Direction, Verb},
    },
    port::{
        inventory::Inventory,
        plan::{Ask, Draft},
    },
};

/// An object in some state, with the engine that tells of it.
pub(crate) struct State {
    /// What it is like, in a few words.
    pub(crate) name: &'static str,
    pub(crate) inventory: Arc<dyn Inventory>,
    pub(crate) item: Item,
}

/// The states of an engine, made when they are asked for.
type States = fn() -> Pin<Box<dyn Future<Output = Vec<State>>>>;

/// One engine of the page.
pub(crate) struct Engine {
    /// As the field writes it.
    pub(crate) name: &'static str,
    /// What is to be known beside the table; sentences, in Markdown.
    pub(crate) about: &'static str,
    pub(crate) states: States,
}

/// All of them, in the order of the page.
pub(crate) const ENGINES: &[Engine] = &[
    argo_rollouts::ENGINE,
    deployment::ENGINE,
    controller_revision::STATEFUL_SET,
    controller_revision::DAEMON_SET,
    flagger::ENGINE,
    argocd::ENGINE,
    flux::ENGINE,
    lambda::ENGINE,
];

/// What a verb would do to it, as it is there.
pub(crate) fn drafted(state: &State, verb: Verb) -> Result<Draft, String> {
    let ask = Ask::new(verb, state.item.id().clone());
    state.inventory.draft(&state.item, &ask).map_err(|blocked| blocked.0)
}

async fn of_all(check: impl Fn(&str, &State, &Offer)) {
    for engine in ENGINES {
        for state in (engine.states)().await {
            assert!(!state.item.offers().is_empty(), "{}, {}: no verbs at all", engine.name, state.name);
            for offer in state.item.offers() {
                check(engine.name, &state, offer);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_can_be_drawn_up_and_what_is_refused_cannot_for_the_same_reason() {
    of_all(|engine, state, offer| {
        let at = format!("{engine}, {}: {}", state.name, offer.verb.words());
        match (&offer.blocked, drafted(state, offer.verb)) {
            (None, Ok(draft)) => {
                assert!(!draft.steps.is_empty() && !draft.effect.is_empty(), "{at} does nothing");
                assert!(
                    !draft.expect.all.is_empty() || draft.steps.iter().any(|step| step.expect.is_some()),
                    "{at} is never done"
                );
            }
            (Some(why), Err(refused)) => assert_eq!(*why, refused, "{at}"),
            (None, Err(refused)) => panic!("{at} is offered and refused: {refused}"),
            (Some(why), Ok(_)) => panic!("{at} is refused ({why}) and drawn up all the same"),
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_forward_is_bound_to_more_than_what_goes_back() {
    of_all(|engine, state, offer| {
        let Ok(draft) = drafted(state, offer.verb) else { return };
        let at = format!("{engine}, {}: {}", state.name, offer.verb.words());
        assert!(!draft.bound.is_empty(), "{at} is bound to nothing");
        let guarded = draft.steps.iter().all(|step| step.call.is_guarded() || !step.bound.is_empty());
        if offer.verb.direction() == Direction::Forward {
            assert!(guarded || draft.bound.len() > 2, "{at} goes forward on whatever is there");
        }
    })
    .await;
}
