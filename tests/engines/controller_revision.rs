//! `StatefulSets` and `DaemonSets`, as Kubernetes' documentation writes them.

#[path = "../controller_revision/stage.rs"]
mod documented;

use serde_json::{Value, json};

use self::documented::{Held, facet, fluentd, seen, web};
use crate::{Engine, State, inventory::Listing as _};

pub(crate) const STATEFUL_SET: Engine = Engine {
    name: "StatefulSet",
    about: "Its versions are ControllerRevisions. A partition is a hold: one of its spec is passed by promote or next batch, a pause moves it \
            to what is updated and keeps what it was. In order, a pod that is not ready keeps every way back from going on, and the card \
            names it.",
    states: || Box::pin(stateful_sets()),
};

pub(crate) const DAEMON_SET: Engine = Engine {
    name: "DaemonSet",
    about: "Its versions are ControllerRevisions. Nothing holds it: pause, resume and promote are no verbs of it.",
    states: || Box::pin(daemon_sets()),
};

async fn stateful_sets() -> Vec<State> {
    let with = |held: Held, change: fn(&mut Value)| {
        let mut held = held;
        held.stateful.iter_mut().for_each(change);
        held
    };
    let paused = |web: &mut Value| web["metadata"]["annotations"] = json!({"holdshort.dev/partition-before": "0"});
    let by_hand = |web: &mut Value| web["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    vec![
        state("on its way, its newest pod not ready", &web(5, 2, 4, 0)).await,
        state("held at two of five pods by its spec", &web(5, 2, 5, 3)).await,
        state("paused by a person at two of five pods", &with(web(5, 2, 5, 3), paused)).await,
        state("exchanged by hand (OnDelete)", &with(web(5, 2, 5, 0), by_hand)).await,
        state("at rest", &web(5, 5, 5, 0)).await,
    ]
}

async fn daemon_sets() -> Vec<State> {
    vec![state("on its way, node by node", &fluentd(3, 1, 3)).await, state("at rest", &fluentd(3, 3, 3)).await]
}

async fn state(name: &'static str, held: &Held) -> State {
    let item = seen(held).await.into();
    // Drafts are drawn up from what it has seen itself.
    let inventory = facet(held);
    assert_eq!(inventory.rollouts().await.unwrap().len(), 1, "{name}");
    State { name, inventory, item }
}
