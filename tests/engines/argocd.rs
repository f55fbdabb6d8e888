//! Applications of Argo CD, in the states of the built-in scenario: nothing of a real one was recorded.

use std::{sync::Arc, time::Duration};

use holdshort::{
    demo::{scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    port::clock::SharedClock,
    provider::{
        argocd::{Settings, over},
        http::{Layers, layered},
    },
    runtime::clock::VirtualClock,
};

use crate::{Engine, State, inventory::Listing};

pub(crate) const ENGINE: Engine = Engine {
    name: "Argo CD Application",
    about: "It has no pods and no steps of its own: what it manages has. Roll back is a sync of an entry of its history, and takes auto-sync \
            off first where that is on. States of the built-in world.",
    states: || Box::pin(states()),
};

const SCENARIO: &str = include_str!("../../examples/scenarios/argocd.toml");

const NAMED: &[(&str, &str)] = &[
    ("degraded, brought by auto-sync", "payments-prod"),
    ("git has something new, and auto-sync is off", "search-prod"),
    ("being synced by somebody", "ledger-prod"),
    ("at rest, made by an ApplicationSet, auto-sync on", "till-eu"),
    ("at rest, auto-sync off", "shelf-prod"),
];

async fn states() -> Vec<State> {
    let scenario = Scenario::parse("argocd", SCENARIO).unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let leaf = transport(SharedWorld::new(World::new(&scenario).unwrap()), clock.clone(), "/argocd");
    let settings = Settings {
        name: "cd".into(),
        address: "https://argocd.example.com".to_owned(),
        applications: Vec::new(),
        interval: Duration::from_secs(30),
    };
    let inventory =
        over(layered(leaf, Layers::new("cd".into()), clock.clone()), settings, clock.clone()).inventories.remove(0);
    clock.sleep(Duration::from_secs(30)).await;
    let all = inventory.rollouts().await.unwrap();
    let state = |(name, called): &(&'static str, &str)| {
        let found = all.iter().find(|one| one.id.path.ends_with(called)).unwrap();
        State { name, inventory: Arc::clone(&inventory), item: found.clone().into() }
    };
    NAMED.iter().map(state).collect()
}
