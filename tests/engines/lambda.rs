//! Aliases of Lambda, in the states of the built-in scenario: nothing of a real one was recorded.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdshort::{
    demo::{aws::KEY, scenario::Scenario, shared::SharedWorld, transport::transport, world::World},
    port::clock::SharedClock,
    provider::{
        aws::{Credentials, Leaves, signed},
        http::{Layers, layered},
        lambda::{Chosen, Settings, TARGETS, over},
    },
    runtime::clock::VirtualClock,
};

use crate::{Engine, State, inventory::Listing};

pub(crate) const ENGINE: Engine = Engine {
    name: "Lambda alias",
    about: "Its share stands until somebody writes it, so pause and promote have no meaning there; what CodeDeploy moves is stopped or taken back by \
            CodeDeploy. Where that owns an alias at rest, roll back is a deployment. States of the built-in world.",
    states: || Box::pin(states()),
};

const SCENARIO: &str = include_str!("../../examples/scenarios/lambda.toml");
const ADDRESS: &str = "https://lambda.eu-west-1.amazonaws.com/lambda";

const NAMED: &[(&str, &str)] = &[
    ("shifted by CodeDeploy, 10 % reached", "payments/live"),
    ("two versions by hand, owned by nobody", "search/live"),
    ("at rest, its last deployment taken back by an alarm", "cart/live"),
    ("at rest, owned by CodeDeploy", "mail/live"),
    ("at `$LATEST`", "thumbs/live"),
];

async fn states() -> Vec<State> {
    let scenario = Scenario::parse("lambda", SCENARIO).unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(scenario.start));
    let leaf = transport(SharedWorld::new(World::new(&scenario).unwrap()), clock.clone(), "/lambda");
    let who = Credentials::lasting(KEY.0, KEY.1, "a test");
    let signed = signed(Leaves::one(ADDRESS, leaf), TARGETS, who, "eu-west-1", clock.clone());
    let all = Chosen { function: None, alias: None, service: None, environments: BTreeMap::new(), version: None };
    let settings = Settings {
        name: "lambda".into(),
        region: "eu-west-1".to_owned(),
        address: None,
        functions: vec![all],
        interval: Duration::from_secs(30),
    };
    let layers = layered(signed, Layers::new("lambda".into()), clock.clone());
    let inventory = over(layers, settings, clock.clone()).inventories.remove(0);
    clock.sleep(Duration::from_mins(7)).await;
    let all = inventory.rollouts().await.unwrap();
    let state = |(name, called): &(&'static str, &str)| {
        let found = all.iter().find(|one| one.id.path == *called).unwrap();
        State { name, inventory: Arc::clone(&inventory), item: found.clone().into() }
    };
    NAMED.iter().map(state).collect()
}
