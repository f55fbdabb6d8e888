//! Objects as they are documented to the domain.

use std::collections::BTreeMap;

use holdshort::domain::{
    object::ObjectId,
    offer::{Offer, Risk},
    rollout::{Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Strategy, Weight},
    verb::Verb,
    version::Version,
};
use serde_json::json;

use crate::stage::{NEW, OLD, UID, at, fluentd, seen, web};

fn arm(hash: &str, revision: u64, role: Role, tag: &str, pods: [u32; 3], created: &str) -> Arm {
    let [desired, current, ready] = pods;
    Arm {
        role,
        version: Some(Version::tagged(tag)),
        hash: hash.into(),
        name: hash.into(),
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        pods: Some(Pods { desired, current, ready, available: ready }),
        created: Some(at(created)),
        scale_down_at: None,
    }
}

#[tokio::test]
async fn a_stateful_set_that_a_partition_holds_is_read_whole() {
    let blocked = |verb, why: &str| {
        let risk = if verb == Verb::Resume { Risk::High } else { Risk::Medium };
        Offer::blocked(verb, risk, why)
    };
    let expected = Rollout {
        id: ObjectId::new(&"eu".into(), "stateful_set", "shop/web"),
        service: "web".into(),
        environment: "prod/eu-west-1".into(),
        system: "StatefulSet".to_owned(),
        strategy: Strategy::Rolling,
        stable: Some(Version::tagged("0.21")),
        canary: Some(Version::tagged("0.24")),
        phase: Phase::Paused,
        message: Some("stays at 2 of 5 pods, by partition 3".into()),
        steps: vec![],
        step: None,
        weight: Weight { declared: 40, actual: Share::ByPods(40), max: 100 },
        pause: Some(Pause { reason: PauseReason::Other, since: None, until: None }),
        held: false,
        aborted_in_spec: false,
        arms: vec![
            arm(NEW, 3, Role::Canary, "0.24", [2, 2, 2], "2026-11-21T06:08:00Z"),
            arm(OLD, 2, Role::Stable, "0.21", [3, 3, 3], "2026-11-10T06:00:00Z"),
            arm("web-5d8c79f58b", 1, Role::Old, "0.18", [0, 0, 0], "2026-11-01T06:00:00Z"),
        ],
        replicas: 5,
        started: Some(at("2026-11-21T06:08:00Z")),
        step_times: BTreeMap::new(),
        settled: None,
        analyses: vec![],
        events: vec![],
        troubles: vec![],
        unknown: vec![],
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: UID.into(),
            generation: 2,
            revision: "812".into(),
            canary_hash: NEW.into(),
            stable_hash: OLD.into(),
        },
        offers: vec![
            Offer::open(Verb::Promote, Risk::High),
            Offer::open(Verb::Next, Risk::High),
            Offer::blocked(Verb::Pause, Risk::Low, "it stays at 2 of 5 pods, by partition 3 already"),
            blocked(
                Verb::Resume,
                "no pause of a person's: it stays at 2 of 5 pods, by partition 3, as its spec has it; promote lets the others go on, \
                 next batch one more",
            ),
            Offer::open(Verb::Abort, Risk::Medium),
            Offer::open(Verb::Rollback, Risk::Medium),
            blocked(Verb::Restart, "pods are being exchanged: restart when that is over, or abort"),
        ],
    };
    assert_eq!(seen(&web(5, 2, 5, 3)).await, expected);
}

#[tokio::test]
async fn pods_of_each_version_are_counted_and_a_broken_one_says_why() {
    let rollout = seen(&web(5, 2, 4, 0)).await;
    let pods = |at: usize| rollout.arms[at].pods.map(|pods| (pods.desired, pods.current, pods.ready));
    assert_eq!([pods(0), pods(1), pods(2)], [Some((5, 2, 1)), Some((0, 3, 3)), Some((0, 0, 0))]);
    let why = "1 of 2 pods of 0.24: NotReady: it runs, and its readiness probe does not pass: containers with unready status: [nginx]";
    assert_eq!(rollout.troubles, [why]);
    assert_eq!(rollout.weight.actual, Share::ByPods(25));
}

#[tokio::test]
async fn what_neither_counts_nor_pods_tell_is_unknown_and_never_zero() {
    let mut held = web(5, 2, 4, 0);
    held.pods.clear();
    let rollout = seen(&held).await;
    assert_eq!((rollout.arms[0].pods, rollout.arms[1].pods), (None, None));
    assert_eq!(rollout.weight.actual, Share::Unknown);
}

#[tokio::test]
async fn a_version_that_was_taken_up_again_is_known_by_its_age() {
    let mut held = web(5, 5, 5, 0);
    held.revisions[1]["revision"] = json!(4);
    held.stateful.as_mut().unwrap()["spec"]["template"] = held.revisions[1]["data"]["spec"]["template"].clone();
    held.stateful.as_mut().unwrap()["spec"]["template"].as_object_mut().unwrap().remove("$patch");
    held.stateful.as_mut().unwrap()["status"]["currentRevision"] = OLD.into();
    for pod in &mut held.pods {
        pod["metadata"]["labels"]["controller-revision-hash"] = OLD.into();
    }
    let rollout = seen(&held).await;
    let back = rollout.put_back().map(|back| (back.to.tag(), back.left.tag()));
    assert_eq!(back, Some(("0.21".to_owned(), "0.24".to_owned())));
    assert_eq!((rollout.started, rollout.in_flight()), (None, false));
    // What was left is no way back; the one before both is.
    assert_eq!(rollout.way_back().map(Arm::tag).as_deref(), Some("0.18"));
}

#[tokio::test]
async fn a_template_that_no_revision_holds_yet_has_an_identity_of_its_own() {
    let mut held = web(5, 5, 5, 0);
    let stateful = held.stateful.as_mut().unwrap();
    stateful["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.k8s.io/nginx-slim:0.25".into();
    stateful["metadata"]["generation"] = json!(3);
    let rollout = seen(&held).await;
    assert!(rollout.identity.canary_hash.starts_with("template-"), "{:?}", rollout.identity);
    assert_eq!((rollout.canary, rollout.stable), (Some(Version::tagged("0.25")), Some(Version::tagged("0.24"))));
    assert_eq!(rollout.phase, Phase::Progressing);
    assert!(rollout.lag.is_some());
}

#[tokio::test]
async fn a_daemon_set_has_a_pod_on_each_node_and_what_served_before_by_its_pods() {
    let rollout = seen(&fluentd(3, 1, 3)).await;
    let told = (rollout.phase, rollout.message.as_deref(), rollout.weight.actual, rollout.replicas);
    assert_eq!(told, (Phase::Progressing, Some("1 of 3 new pods have been updated"), Share::ByPods(33), 3));
    assert_eq!((rollout.stable, rollout.canary), (Some(Version::tagged("v2.5.1")), Some(Version::tagged("v5.0.1"))));
    assert_eq!(seen(&fluentd(3, 3, 3)).await.phase, Phase::Healthy);
}

#[tokio::test]
async fn what_nobody_tends_and_what_says_something_new_is_unknown() {
    let mut held = web(3, 3, 3, 0);
    held.stateful.as_mut().unwrap()["status"] = json!({});
    let rollout = seen(&held).await;
    assert_eq!(rollout.phase, Phase::Unknown);
    let why = "no controller has taken it up, so nothing that is asked of it would happen";
    assert!(rollout.offers.iter().all(|offer| offer.blocked.as_deref() == Some(why)), "{:?}", rollout.offers);
    let mut held = web(3, 1, 3, 0);
    held.stateful.as_mut().unwrap()["spec"]["updateStrategy"] = json!({"type": "Surge"});
    assert_eq!(seen(&held).await.phase, Phase::Unknown);
}
