//! Flagger, as the built-in world's model of its controller leaves a Canary in each state.

use std::sync::Arc;

use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    domain::{ids::SourceName, offer::Risk},
    port::clock::SharedClock,
    provider::{
        flagger::facet,
        http::{Layers, layered},
        kubernetes::{Cluster, Scope},
    },
    runtime::clock::VirtualClock,
};

use crate::{Engine, State, inventory::Listing as _};

pub(crate) const ENGINE: Engine = Engine {
    name: "Flagger",
    about: "It has no verbs of its own: gates of its load tester are opened for the time of an act, `skipAnalysis` is set for one \
            version, and where no rollback gate is asked the count of failed checks is raised. Everything takes effect at the \
            controller's next look. States as the built-in world's model of the controller leaves them.",
    states: || Box::pin(states()),
};

const SCENARIO: &str = include_str!("../../examples/scenarios/flagger.toml");

/// What it is like, which canary, how many seconds after the start, and what else happens.
const STATES: &[(&str, &str, u64, &str)] = &[
    ("at rest", "ads", 60, ""),
    ("at rest, its gate left open", "mail", 90, ""),
    ("a new version asked for and not taken up", "podinfo", 241, ""),
    ("its start waits to be confirmed", "search", 900, ""),
    ("measured, its share growing", "podinfo", 360, ""),
    (
        "suspended by a person on its way",
        "podinfo",
        400,
        "act = { suspend = { namespace = \"shop\", name = \"podinfo\", suspend = true } }",
    ),
    ("its promotion waits to be confirmed", "podinfo", 900, ""),
    (
        "being promoted",
        "podinfo",
        900,
        "act = { set_gate = { namespace = \"shop\", name = \"podinfo\", open = true } }",
    ),
    ("taken back by its checks", "ads", 900, ""),
];

async fn states() -> Vec<State> {
    let mut all = Vec::new();
    for (name, canary, seconds, act) in STATES {
        let further = if act.is_empty() {
            String::new()
        } else {
            format!("[[systems.script]]\nat = \"{}s\"\n{act}\n\n", seconds - 35)
        };
        let text = SCENARIO.replacen(
            "[[systems]]\nkind = \"prometheus\"",
            &format!("{further}[[systems]]\nkind = \"prometheus\""),
            1,
        );
        let scenario = Scenario::parse("flagger", &text).unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
        let world = SharedWorld::new(World::new(&scenario).unwrap());
        let source = SourceName::new("eu");
        let wire =
            layered(transport(world, clock.clone(), "/kubernetes/eu"), Layers::new(source.clone()), clock.clone());
        let scope = Scope::new(source, "prod/eu".into(), Risk::High, vec!["shop".into()]);
        let inventory = facet(Cluster::new(wire, scope, clock.clone()));
        clock.sleep(std::time::Duration::from_secs(*seconds)).await;
        let rollouts = inventory.rollouts().await.unwrap();
        let path = format!("shop/{canary}");
        let rollout = rollouts.into_iter().find(|rollout| rollout.id.path == path).unwrap();
        all.push(State { name, item: rollout.into(), inventory });
    }
    all
}
