//! What can be read off a rollout.

use super::*;

fn arm(tag: &str, revision: u64, earlier: &[u64], role: Role) -> Arm {
    Arm {
        role,
        version: Some(Version::tagged(tag)),
        hash: tag.to_owned(),
        name: format!("payments-{tag}"),
        revision: Some(revision),
        earlier_revisions: earlier.to_vec(),
        pods: Some(Pods::default()),
        created: None,
        scale_down_at: None,
    }
}

fn settled_on(tag: &str, arms: Vec<Arm>) -> Rollout {
    let version = Version::tagged(tag);
    Rollout {
        id: ObjectId::new(&"eu".into(), "argo_rollouts", "shop/payments"),
        service: "payments".into(),
        environment: "prod".into(),
        system: "Argo Rollouts".to_owned(),
        strategy: Strategy::Canary,
        stable: Some(version.clone()),
        canary: Some(version),
        phase: Phase::Healthy,
        message: None,
        steps: Vec::new(),
        step: None,
        weight: Weight { declared: 100, actual: Share::Told(100), max: 100 },
        pause: None,
        held: false,
        aborted_in_spec: false,
        arms,
        replicas: 1,
        started: None,
        step_times: BTreeMap::new(),
        settled: None,
        analyses: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
        unknown: Vec::new(),
        lag: None,
        written: None,
        hands: Vec::new(),
        identity: Identity {
            uid: "u".to_owned(),
            generation: 1,
            revision: "1".to_owned(),
            canary_hash: tag.to_owned(),
            stable_hash: tag.to_owned(),
        },
        offers: Vec::new(),
    }
}

#[test]
fn a_share_is_told_in_percent_whatever_its_router_counts_to() {
    let of = |share, max| Weight { declared: 0, actual: Share::Told(share), max }.reached();
    let table = [(0, 100, 0), (20, 100, 20), (200, 1_000, 20), (1_000, 1_000, 100), (1, 1_000, 1), (999, 1_000, 99)];
    for (share, max, percent) in table {
        assert_eq!(of(share, max), Some(percent), "{share} of {max}");
    }
    assert_eq!((of(1, 1), of(5, 0)), (Some(100), Some(100)));
}

#[test]
fn only_what_is_seen_to_be_alone_is_a_first_version() {
    let mut first = settled_on("1", vec![arm("1", 1, &[], Role::Canary)]);
    first.stable = None;
    first.identity.stable_hash.clear();
    assert!(first.is_first());
    let unread = Unknown { what: "the pods could not be read".to_owned(), way: String::new() };
    assert!(!Rollout { unknown: vec![unread], ..first.clone() }.is_first());
    assert!(!Rollout { canary: None, ..first.clone() }.is_first());
    first.arms.push(Arm { pods: None, ..arm("0", 0, &[], Role::Old) });
    assert!(!first.is_first());
}

fn back(rollout: &Rollout) -> Option<&str> {
    rollout.way_back().map(|arm| arm.hash.as_str())
}

#[test]
fn after_full_promotion_the_way_back_is_the_newest_earlier_version() {
    let arms = vec![arm("3", 3, &[], Role::Stable), arm("2", 2, &[], Role::Old), arm("1", 1, &[], Role::Old)];
    assert_eq!(back(&settled_on("3", arms)), Some("2"));
}

#[test]
fn a_version_that_was_there_first_is_a_way_back_though_a_roll_back_to_it_was_aborted() {
    let arms = vec![arm("2", 4, &[2], Role::Stable), arm("1", 3, &[1], Role::Old)];
    assert_eq!(back(&settled_on("2", arms)), Some("1"));
}

#[test]
fn right_after_a_roll_back_the_way_back_is_not_the_version_that_was_taken_back() {
    let arms = vec![arm("2", 4, &[2], Role::Stable), arm("3", 3, &[], Role::Old), arm("1", 1, &[], Role::Old)];
    assert_eq!(back(&settled_on("2", arms)), Some("1"));
    let twice_bad = vec![arm("2", 5, &[1, 3], Role::Stable), arm("3", 4, &[2], Role::Old)];
    assert_eq!(back(&settled_on("2", twice_bad)), None);
    let only_the_bad_one = vec![arm("2", 4, &[2], Role::Stable), arm("3", 3, &[], Role::Old)];
    assert_eq!(back(&settled_on("2", only_the_bad_one)), None);
}

fn put_back(rollout: &Rollout) -> Option<(String, String)> {
    rollout.put_back().map(|back| (back.to.tag(), back.left.tag()))
}

#[test]
fn an_older_version_that_runs_again_was_put_back_and_the_newest_that_came_between_is_what_was_left() {
    let pair = |to: &str, left: &str| Some((to.to_owned(), left.to_owned()));
    let table = [
        // As it was released, one after the other.
        (vec![("3", 3, &[] as &[u64]), ("2", 2, &[]), ("1", 1, &[])], "3", None),
        (vec![("2", 4, &[2]), ("3", 3, &[]), ("1", 1, &[])], "2", pair("2", "3")),
        // Released once more after that: nobody put it back.
        (vec![("2", 4, &[2]), ("1", 3, &[1])], "2", None),
        // The engine has not numbered it anew yet.
        (vec![("3", 3, &[]), ("2", 2, &[])], "2", pair("2", "3")),
        // Written anew, and older by its number.
        (vec![("1.41.3", 4, &[]), ("1.42.0", 3, &[])], "1.41.3", pair("1.41.3", "1.42.0")),
        (vec![("1.42.1", 4, &[]), ("1.42.0", 3, &[])], "1.42.1", None),
        (vec![("blue", 4, &[]), ("green", 3, &[])], "blue", None),
    ];
    for (arms, holds, expected) in table {
        let role = |tag: &str| if tag == holds { Role::Stable } else { Role::Old };
        let arms = arms.iter().map(|(tag, revision, earlier)| arm(tag, *revision, earlier, role(tag))).collect();
        assert_eq!(put_back(&settled_on(holds, arms)), expected, "{holds}");
    }
}

#[test]
fn a_hotfix_on_its_way_with_a_lower_number_is_a_release_and_what_goes_through_the_steps_again_is_none() {
    let mut hotfix =
        settled_on("1.41.4", vec![arm("1.41.4", 4, &[], Role::Canary), arm("1.42.0", 3, &[], Role::Stable)]);
    hotfix.identity.stable_hash = "1.42.0".to_owned();
    assert_eq!(put_back(&hotfix), None);
    let mut again =
        settled_on("1.41.3", vec![arm("1.41.3", 4, &[2], Role::Canary), arm("1.42.0", 3, &[], Role::Stable)]);
    again.identity.stable_hash = "1.42.0".to_owned();
    assert_eq!(put_back(&again), Some(("1.41.3".to_owned(), "1.42.0".to_owned())));
}

#[test]
fn a_restart_that_was_taken_back_left_no_version() {
    let mut restarted = arm("2", 3, &[], Role::Old);
    restarted.hash = "restarted".to_owned();
    let arms = vec![arm("2", 4, &[2], Role::Stable), restarted];
    assert_eq!(put_back(&settled_on("2", arms)), None);
}

#[test]
fn what_only_brings_about_what_a_source_says_has_no_way_back_of_its_own() {
    let mut rollout = settled_on("1.42.0", vec![arm("1.42.0", 2, &[], Role::Stable), arm("1.41.3", 1, &[], Role::Old)]);
    rollout.offers = vec![Offer::blocked(Verb::Rollback, crate::domain::offer::Risk::Medium, "revert it in git")];
    assert_eq!(rollout.way_back().map(Arm::tag).as_deref(), Some("1.41.3"), "a refusal of now is no refusal for ever");
    rollout.strategy = Strategy::Declared;
    assert_eq!((rollout.way_back(), rollout.no_way_back().as_str()), (None, "revert it in git"));
    rollout.offers = vec![Offer::open(Verb::Rollback, crate::domain::offer::Risk::Medium)];
    assert_eq!(rollout.way_back().map(Arm::tag).as_deref(), Some("1.41.3"));
}
