//! Recorded objects to the domain.

use holdshort::domain::{
    hand::{By, Did, Hand},
    object::ObjectId,
    offer::{Offer, Risk},
    rollout::{Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Strategy, Weight, Written},
    verb::Verb,
    version::Version,
};
use serde_json::{Value, json};

use crate::recorded::{BACK, MOVING, PAUSED, STUCK, State, at, recorded, seen};

fn state(state: State) -> Rollout {
    seen(recorded(state.0), &recorded(state.1))
}

fn arm(hash: &str, revision: u64, role: Role, tag: &str, pods: [u32; 3], created: &str) -> Arm {
    let [desired, current, ready] = pods;
    Arm {
        role,
        version: Some(Version::tagged(tag)),
        hash: hash.into(),
        name: format!("web-{hash}"),
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        pods: Some(Pods { desired, current, ready, available: ready }),
        created: Some(at(created)),
        scale_down_at: None,
    }
}

#[test]
fn a_rolling_update_that_is_stuck_is_read_whole() {
    let expected = Rollout {
        id: ObjectId::new(&"eu".into(), "deployment", "shop/web"),
        service: "web".into(),
        environment: "prod/eu-west-1".into(),
        system: "Deployment".to_owned(),
        strategy: Strategy::Rolling,
        stable: Some(Version::tagged("1.5.0")),
        canary: Some(Version::tagged("1.6.0-crash")),
        phase: Phase::Degraded,
        message: Some("ProgressDeadlineExceeded: ReplicaSet \"web-56576f8d66\" has timed out progressing.".into()),
        steps: vec![],
        step: None,
        weight: Weight { declared: 100, actual: Share::ByPods(0), max: 100 },
        pause: None,
        held: false,
        aborted_in_spec: false,
        arms: vec![
            arm("56576f8d66", 3, Role::Canary, "1.6.0-crash", [1, 1, 0], "2026-11-21T06:10:34Z"),
            arm("64cdd77f66", 2, Role::Stable, "1.5.0", [3, 3, 3], "2026-11-21T06:10:24Z"),
            arm("9ddcd666c", 1, Role::Old, "1.4.0", [0, 0, 0], "2026-11-21T06:10:15Z"),
        ],
        replicas: 3,
        started: Some(at("2026-11-21T06:10:34Z")),
        step_times: std::collections::BTreeMap::new(),
        settled: None,
        analyses: vec![],
        events: vec![],
        troubles: vec![],
        unknown: vec![],
        lag: None,
        written: Some(Written { at: at("2026-11-21T06:10:34Z"), by: "fixture-capture".into() }),
        hands: vec![Hand {
            did: Did::Put,
            by: By::Client("fixture-capture".into()),
            at: Some(at("2026-11-21T06:10:34Z")),
            whole: true,
        }],
        identity: Identity {
            uid: "b10361dd-1647-4c86-8174-039f30c45c46".into(),
            generation: 3,
            revision: "397".into(),
            canary_hash: "56576f8d66".into(),
            stable_hash: "64cdd77f66".into(),
        },
        offers: vec![
            Offer::open(Verb::Pause, Risk::Low),
            Offer::blocked(Verb::Resume, Risk::High, "no person has paused it"),
            Offer::open(Verb::Abort, Risk::Medium),
            Offer::open(Verb::Rollback, Risk::Medium),
            Offer::blocked(
                Verb::Restart,
                Risk::Medium,
                "pods are being exchanged: restart when that is over, or abort",
            ),
        ],
    };
    assert_eq!(state(STUCK), expected);
}

#[test]
fn each_recorded_state_has_kubectls_word_and_the_way_back_out_of_it() {
    type Told<'a> = (Phase, Option<&'a str>, bool, Option<&'a str>);
    let table: [(State, Told<'_>); 4] = [
        (MOVING, (Phase::Progressing, Some("1 of 3 new replicas have been updated"), true, Some("1.4.0"))),
        (
            STUCK,
            (
                Phase::Degraded,
                Some("ProgressDeadlineExceeded: ReplicaSet \"web-56576f8d66\" has timed out progressing."),
                true,
                Some("1.5.0"),
            ),
        ),
        (
            PAUSED,
            (
                Phase::Degraded,
                Some("ProgressDeadlineExceeded: ReplicaSet \"web-56576f8d66\" has timed out progressing."),
                true,
                Some("1.5.0"),
            ),
        ),
        // After the roll back the newest earlier version is the bad one: it was taken back, so it is no way back.
        (BACK, (Phase::Healthy, None, false, Some("1.4.0"))),
    ];
    for (name, expected) in table {
        let rollout = state(name);
        let back = rollout.way_back().map(Arm::tag);
        let told = (rollout.phase, rollout.message.as_deref(), rollout.in_flight(), back.as_deref());
        assert_eq!(told, expected, "{name:?}");
    }
}

#[test]
fn pods_that_a_quota_refuses_are_said_in_the_servers_words() {
    let rollout = seen(recorded("deployment-get-replicafailure-quota"), &json!({}));
    let why = "FailedCreate: pods \"web-64f9774bcc-6sgfs\" is forbidden: exceeded quota: q, requested: pods=1, used: \
               pods=1, limited: pods=1";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Degraded, Some(why)));
}

#[test]
fn a_pause_is_a_persons_and_stays_beside_what_is_wrong() {
    let rollout = state(PAUSED);
    let pause = Pause { reason: PauseReason::Person, since: None, until: None };
    assert_eq!((rollout.held, rollout.pause), (true, Some(pause)));
    let blocked = |verb| rollout.offers.iter().find(|offer| offer.verb == verb).unwrap().blocked.clone();
    assert_eq!(blocked(Verb::Pause).as_deref(), Some("a person has paused it already"));
    let resume_first = "it is paused, and a restart would wait with it: resume first";
    assert_eq!(blocked(Verb::Restart).as_deref(), Some(resume_first));
    assert_eq!([Verb::Resume, Verb::Abort, Verb::Rollback].map(blocked), [None, None, None]);
}

#[test]
fn the_share_of_a_version_is_its_share_of_the_ready_pods() {
    let mut sets = recorded(MOVING.1);
    let mut ready = |name: &str, pods: u32| {
        let all = sets["items"].as_array_mut().unwrap();
        let set = all.iter_mut().find(|set| set["metadata"]["name"] == name).unwrap();
        set["status"] = json!({"replicas": pods, "readyReplicas": pods, "availableReplicas": pods});
    };
    ready("web-64cdd77f66", 1);
    ready("web-9ddcd666c", 3);
    assert_eq!(seen(recorded(MOVING.0), &sets).weight, Weight { declared: 100, actual: Share::ByPods(25), max: 100 });
    assert_eq!(state(BACK).weight.actual, Share::ByPods(100));
}

#[test]
fn pods_that_the_status_counts_and_no_replica_set_has_are_degraded() {
    let mut sets = recorded(BACK.1);
    for set in sets["items"].as_array_mut().unwrap() {
        set["status"] = json!({"replicas": set["spec"]["replicas"], "readyReplicas": 0, "availableReplicas": 0});
    }
    let rollout = seen(recorded(BACK.0), &sets);
    let told = "0 of 4 pods are available by its ReplicaSets; its own status says 4";
    assert_eq!((rollout.phase, rollout.message.as_deref()), (Phase::Degraded, Some(told)));
    assert_eq!(state(BACK).phase, Phase::Healthy);
}

#[test]
fn after_two_bad_releases_stable_is_what_serves_and_not_the_newest_number() {
    let mut deployment = recorded(STUCK.0);
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/web:1.7.0".into();
    let rollout = seen(deployment, &recorded(STUCK.1));
    assert_eq!(rollout.stable, Some(Version::tagged("1.5.0")));
    assert_eq!(rollout.canary, Some(Version::tagged("1.7.0")));
    assert_eq!(rollout.way_back().and_then(|arm| arm.revision), Some(2));
}

#[test]
fn a_template_without_a_replica_set_has_an_identity_of_its_own() {
    let with = |image: &str| {
        let mut deployment = recorded(STUCK.0);
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        seen(deployment, &recorded(STUCK.1)).identity.canary_hash
    };
    let (one, other) = (with("registry.test/web:1.7.0"), with("registry.test/web:1.7.1"));
    assert!(one.starts_with("template-") && other.starts_with("template-"), "{one} {other}");
    assert_ne!(one, other);
    assert_eq!(one, with("registry.test/web:1.7.0"));
}

#[test]
fn a_recorded_roll_back_is_known_by_its_history_and_by_who_wrote_it() {
    let back = |rollout: &Rollout| rollout.put_back().map(|back| (back.to.tag(), back.left.tag()));
    let expected = Some(("1.5.0".to_owned(), "1.6.0-crash".to_owned()));
    let rollout = state(BACK);
    assert_eq!(
        (back(&rollout), rollout.written.as_ref().map(|it| it.by.as_str())),
        (expected, Some("fixture-capture"))
    );
    assert_eq!(back(&state(STUCK)), None);
}

#[test]
fn a_restart_is_no_way_back() {
    let mut sets = recorded(BACK.1);
    let mut deployment = recorded(BACK.0);
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-21T06:15:25Z"});
    deployment["spec"]["template"]["metadata"]["annotations"] = annotations.clone();
    let all = sets["items"].as_array_mut().unwrap();
    let mut restarted: Value = all.iter().find(|set| set["metadata"]["name"] == "web-64cdd77f66").unwrap().clone();
    restarted["metadata"]["name"] = "web-new".into();
    restarted["metadata"]["labels"]["pod-template-hash"] = "new".into();
    restarted["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "5"});
    restarted["spec"]["template"]["metadata"]["annotations"] = annotations;
    all.push(restarted);
    let rollout = seen(deployment, &sets);
    assert_eq!((rollout.identity.canary_hash.as_str(), rollout.in_flight()), ("new", false));
    assert_eq!(rollout.way_back().map(Arm::tag).as_deref(), Some("1.4.0"));
}

#[test]
fn a_version_that_was_taken_up_again_did_not_start_when_its_set_was_made() {
    assert_eq!(state(BACK).started, None);
    assert_eq!(state(MOVING).started, Some(at("2026-11-21T06:10:24Z")));
}

#[test]
fn when_an_update_was_through_is_told_once_it_is() {
    let ready = state(("deployment-get-ready", "replicasets-list-three-revisions"));
    assert_eq!(ready.settled, Some(at("2026-11-21T06:10:17Z")));
    assert_eq!(state(MOVING).settled, None);
}
