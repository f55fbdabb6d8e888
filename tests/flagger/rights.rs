//! What is missing: the custom kind, a right, a gate that can be reached.

use holdshort::domain::{observed::FaultKind, verb::Verb};
use serde_json::json;

use crate::{bag::podinfo, inventory::Listing, scene::refused};

fn waiting() -> crate::bag::Bag {
    podinfo("6.2.0", "6.1.0", &json!({"phase": "WaitingPromotion", "iterations": -1}))
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_flagger_says_what_is_missing() {
    let mut bag = waiting();
    bag.unknown = vec!["canaries"];
    let error = bag.inventory().rollouts().await.unwrap_err();
    let said = "Flagger is not installed on eu (no canaries.flagger.app): install it, or take it out of `engines`";
    assert_eq!((error.kind, error.text.as_str()), (FaultKind::Missing, said));
}

#[tokio::test(start_paused = true)]
async fn deployments_that_may_not_be_read_are_unknown_and_nothing_goes_back_blindly() {
    let mut bag = waiting();
    bag.forbidden = vec!["deployments"];
    let rollout = bag.rollout().await;
    let what = "its Deployments could not be read, so its pods and versions are not known: dana may not list deployments.apps in \
                shop on eu: ask who administers it for that right";
    assert_eq!(rollout.unknown.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), [what]);
    assert!(rollout.arms.is_empty());
    let why = "its target Deployment podinfo is not seen, so there is nothing to write to";
    assert_eq!(refused(&rollout, Verb::Rollback).as_deref(), Some(why));
    assert_eq!(refused(&rollout, Verb::Abort), None, "the way back by its status needs no Deployment");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_may_not_be_asked_is_not_taken_for_closed() {
    let mut bag = waiting();
    bag.forbidden = vec!["services/proxy"];
    let why = "its gate cannot be reached: dana may not create services/proxy in shop on eu: ask who administers it for that right";
    assert_eq!(refused(&bag.rollout().await, Verb::Promote).as_deref(), Some(why));
    bag.forbidden.clear();
    assert_eq!(refused(&bag.rollout().await, Verb::Promote), None);
    bag.open = true;
    let open = "its gate is open already: that it passes takes effect within 60 s";
    assert_eq!(refused(&bag.rollout().await, Verb::Promote).as_deref(), Some(open));
}

#[tokio::test(start_paused = true)]
async fn gates_of_others_are_said_and_not_driven() {
    let asks = |url: &'static str| {
        let hook = json!([{"name": "cab", "type": "confirm-promotion", "url": url}]);
        waiting().with(move |canary| canary["spec"]["analysis"]["webhooks"] = hook)
    };
    let table = [
        (
            "https://user:secret@change.example.com/ok?token=hunter2",
            "its webhook 'cab' asks change.example.com, who decides there: confirm it there",
        ),
        (
            "http://flagger-loadtester.shop/gate/halt",
            "its webhook 'cab' asks /gate/halt, which lets nothing through: change its address in the Canary",
        ),
    ];
    for (url, why) in table {
        assert_eq!(refused(&asks(url).rollout().await, Verb::Promote).as_deref(), Some(why));
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_no_deployment_is_said_and_its_canary_can_be_held_all_the_same() {
    let bag = waiting().with(|canary| canary["spec"]["targetRef"]["kind"] = json!("DaemonSet"));
    let rollout = bag.rollout().await;
    let what =
        "its pods and versions are not known: its target 'podinfo' is a DaemonSet, and only Deployments are read";
    assert_eq!(rollout.unknown.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), [what]);
    let why = "its target 'podinfo' is a DaemonSet: of those, only deployments can be written here";
    assert_eq!(refused(&rollout, Verb::Rollback).as_deref(), Some(why));
    assert_eq!(refused(&rollout, Verb::Pause), None);
}
