//! Deployments, in the states in which a real controller was recorded.

use holdshort::provider::deployment::facet;
use serde_json::{Value, json};

use crate::{
    Engine, State,
    bag::{items, recorded, state},
};

pub(crate) const ENGINE: Engine = Engine {
    name: "Deployment",
    about: "It has no steps and nothing that stays aborted: promote, skip, promote full and retry are no verbs of it. Abort and roll \
            back replace the template and end a person's pause in one call. States as a real controller left them.",
    states: || Box::pin(states()),
};

const OF_WEB: &[(&str, &str, &str)] = &[
    ("on its way", "deployment-get-progressing", "replicasets-of-web-at-329"),
    (
        "stuck past its progress deadline",
        "deployment-get-progress-deadline-exceeded",
        "replicasets-list-three-revisions",
    ),
    ("paused by a person half way", "deployment-get-paused", "replicasets-list-three-revisions"),
    ("just rolled back", "rollback-4-after", "rollback-5-replicasets-after"),
];

async fn states() -> Vec<State> {
    let mut all = Vec::new();
    for (name, deployment, sets) in OF_WEB {
        all.push(state(name, facet, "web", with(deployment, sets, |_| {})).await);
    }
    let untaken =
        |web: &mut Value| web["metadata"]["generation"] = json!(web["metadata"]["generation"].as_i64().unwrap() + 1);
    let objects = with("rollback-4-after", "rollback-5-replicasets-after", untaken);
    all.push(state("its spec changed and not taken up yet", facet, "web", objects).await);
    all
}

fn with(deployment: &str, sets: &str, change: impl Fn(&mut Value)) -> Vec<Value> {
    let mut web = recorded(deployment);
    change(&mut web);
    items(sets).into_iter().chain([web]).collect()
}
