//! Argo Rollouts, in the states in which a real controller was recorded.

use holdshort::provider::argo_rollouts::facet;
use serde_json::Value;

use crate::{
    Engine, State,
    bag::{items, recorded, state},
};

pub(crate) const ENGINE: Engine = Engine {
    name: "Argo Rollouts",
    about: "Each verb does one thing, unlike the plugin's `promote`, which resumes, continues or skips depending on the state. \
            States as a real controller left them.",
    states: || Box::pin(states()),
};

/// What it is like, the recorded Rollout, and its ReplicaSets at about that time.
const OF_CHECKOUT: &[(&str, &str, &str)] = &[
    ("at rest, its first version", "rollout-canary-01-healthy-v1", "replicasets-of-checkout-at-344"),
    ("on its way between two pauses", "rollout-canary-03-progressing", "replicasets-of-checkout-at-344"),
    ("in a timed pause", "rollout-canary-04-timed-pause", "replicasets-of-checkout-at-344"),
    ("in a pause that waits for a human", "rollout-canary-05-paused-indefinite", "replicasets-of-checkout-at-344"),
    (
        "paused by a person, on top of a step's pause",
        "rollout-canary-22-user-paused-on-top",
        "replicasets-of-checkout-at-708",
    ),
    ("in an analysis step", "rollout-canary-08-analysis-running", "replicasets-of-checkout-at-344"),
    ("after its last step, promoted", "rollout-canary-09-healthy-v1.1", "replicasets-of-rollout-checkout"),
    ("aborted by its analysis", "rollout-canary-12-aborted-by-analysis", "replicasets-of-checkout-at-469"),
    ("aborted by a person", "rollout-canary-16-aborted-manually", "replicasets-of-checkout-at-497"),
    ("retried after an abort", "rollout-canary-14-retrying", "replicasets-of-checkout-at-469"),
    ("being promoted in full", "rollout-canary-18-after-promote-full", "replicasets-of-checkout-at-497"),
    ("just rolled back", "rollout-canary-20-healthy-after-rollback", "replicasets-of-checkout-at-571"),
    ("being restarted", "rollout-canary-28-restart", "replicasets-of-checkout-at-708"),
    ("past its progress deadline", "rollout-canary-30-progress-deadline", "replicasets-of-checkout-at-708"),
];

/// What else was recorded in one namespace at one moment.
const OF_SHOP: &[(&str, &str)] = &[
    ("behind a router, in a pause", "gateway"),
    ("blue-green, its preview up", "ledger"),
    ("with an invalid spec", "invalid"),
    ("without steps, at rest, nothing to go back to", "nosteps"),
    ("aborted at a plugin's step", "plug"),
    ("its pods defined by a Deployment", "recs"),
];

async fn states() -> Vec<State> {
    let mut all = Vec::new();
    for (name, rollout, sets) in OF_CHECKOUT {
        let rollout = recorded(rollout);
        let sets = items(sets).into_iter().filter(|set| was_there(set, &rollout));
        let objects = sets.chain([rollout.clone()]).collect();
        all.push(state(name, facet, "checkout", objects).await);
    }
    let inconclusive = vec![recorded("rollout-canary-inconclusive-background-analysis")];
    all.push(state("its analysis inconclusive, its ReplicaSets unseen", facet, "search", inconclusive).await);
    for (name, rollout) in OF_SHOP {
        let kinds = ["shop-rollouts", "shop-replicasets", "shop-deployments", "shop-analysisruns"];
        all.push(state(name, facet, rollout, kinds.into_iter().flat_map(items).collect()).await);
    }
    all
}

/// Was the set made before the Rollout last said something of itself? Lists of sets were recorded less often than Rollouts.
fn was_there(set: &Value, rollout: &Value) -> bool {
    let said = rollout["status"]["conditions"].as_array().into_iter().flatten();
    let newest = said.filter_map(|condition| condition["lastUpdateTime"].as_str()).max();
    set["metadata"]["creationTimestamp"].as_str() <= newest
}
