//! Recorded objects to the domain.

use std::time::Duration;

use holdshort::{
    domain::{
        hand::{By, Did, Hand},
        object::ObjectId,
        offer::{Offer, Risk},
        rollout::{
            Analysis, Arm, Identity, Pause, PauseReason, Phase, Pods, Role, Rollout, Share, Step, StepKind, Strategy,
            Weight, Written,
        },
        verb::Verb,
        version::Version,
    },
    provider::{
        argo_rollouts::{api, normalize},
        kubernetes::facade::View,
    },
};

use crate::server::{at, recorded, recorded_json, scope};

/// A recorded Rollout with the ReplicaSets of a recorded list.
pub(crate) fn seen(rollout: &str, sets: Option<&str>) -> Rollout {
    let object: api::Rollout = serde_json::from_value(recorded_json(rollout)).unwrap();
    let sets: Vec<_> = sets.map(items).unwrap_or_default();
    let scope = scope();
    let sets = sets.iter().collect();
    let view = View { sets, denied: vec![None, None], ..View::of(&scope, &object) };
    normalize::rollout(&view)
}

fn items<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_value(recorded_json(name)["items"].take()).unwrap()
}

fn step(label: &str, kind: StepKind) -> Step {
    Step { label: label.into(), kind }
}

fn blocked(verb: Verb, risk: Risk, why: &str) -> Offer {
    Offer::blocked(verb, risk, why)
}

#[test]
fn a_canary_at_an_indefinite_pause_is_read_whole() {
    let pause = |seconds| StepKind::Pause(Some(Duration::from_secs(seconds)));
    let arm = |hash: &str, revision, role, tag: &str, created: &str| Arm {
        role,
        version: Some(Version::tagged(tag)),
        hash: hash.into(),
        name: format!("checkout-{hash}"),
        revision: Some(revision),
        earlier_revisions: Vec::new(),
        pods: Some(Pods { desired: 2, current: 2, ready: 2, available: 2 }),
        created: Some(at(created)),
        scale_down_at: None,
    };
    let expected = Rollout {
        id: ObjectId::new(&"eu".into(), "argo_rollouts", "shop/checkout"),
        service: "checkout".into(),
        environment: "prod/eu-west-1".into(),
        system: "Argo Rollouts".to_owned(),
        strategy: Strategy::Canary,
        stable: Some(Version::tagged("1.0.0")),
        canary: Some(Version::tagged("1.1.0")),
        phase: Phase::Paused,
        message: Some("CanaryPauseStep".into()),
        steps: vec![
            step("setWeight: 25", StepKind::SetWeight(25)),
            step("pause: 4s", pause(4)),
            step("setWeight: 50", StepKind::SetWeight(50)),
            step("pause", StepKind::Pause(None)),
            step("analysis", StepKind::Analysis),
            step("setWeight: 75", StepKind::SetWeight(75)),
            step("pause: 3s", pause(3)),
        ],
        step: Some(3),
        weight: Weight { declared: 50, actual: Share::ByPods(50), max: 100 },
        pause: Some(Pause { reason: PauseReason::Step, since: Some(at("2026-11-21T06:21:09Z")), until: None }),
        held: false,
        aborted_in_spec: false,
        arms: vec![
            arm("5d5c777b9d", 2, Role::Canary, "1.1.0", "2026-11-21T06:21:02Z"),
            arm("b558f4fc7", 1, Role::Stable, "1.0.0", "2026-11-21T06:20:59Z"),
        ],
        replicas: 4,
        started: Some(at("2026-11-21T06:21:02Z")),
        step_times: [(0, at("2026-11-21T06:21:02Z")), (3, at("2026-11-21T06:21:09Z"))].into(),
        settled: None,
        analyses: vec![],
        events: vec![],
        troubles: vec![],
        unknown: vec![],
        lag: None,
        written: Some(Written { at: at("2026-11-21T06:21:02Z"), by: "fixture-capture".into() }),
        hands: vec![Hand {
            did: Did::Put,
            by: By::Client("fixture-capture".into()),
            at: Some(at("2026-11-21T06:21:02Z")),
            whole: true,
        }],
        identity: Identity {
            uid: "11791e41-22a9-4067-8077-3e84ac593e6c".into(),
            generation: 3,
            revision: "344".into(),
            canary_hash: "5d5c777b9d".into(),
            stable_hash: "b558f4fc7".into(),
        },
        offers: vec![
            Offer::open(Verb::Promote, Risk::High),
            Offer::open(Verb::Skip, Risk::High),
            Offer::open(Verb::PromoteFull, Risk::High),
            Offer::open(Verb::Pause, Risk::Low),
            blocked(Verb::Resume, Risk::High, "no person has paused it; promote continues past the pause it is in"),
            Offer::open(Verb::Abort, Risk::Medium),
            Offer::open(Verb::Rollback, Risk::Medium),
            blocked(Verb::Retry, Risk::High, "it was not aborted"),
            Offer::open(Verb::Restart, Risk::Medium),
        ],
    };
    assert_eq!(seen("rollout-canary-05-paused-indefinite", Some("replicasets-of-checkout-at-344")), expected);
}

#[test]
fn a_recorded_roll_back_is_known_by_its_history_and_by_who_wrote_it() {
    let rollout = seen("rollout-canary-20-healthy-after-rollback", Some("replicasets-of-checkout-at-571"));
    let back = rollout.put_back().map(|back| (back.to.tag(), back.left.tag()));
    let written = rollout.written.as_ref().map(|written| written.by.as_str());
    assert_eq!((back, written), (Some(("1.1.0".to_owned(), "1.2.0".to_owned())), Some("fixture-capture")));
}

/// Phase, step of steps, declared and actual weight, stable, canary.
type Short = (Phase, Option<usize>, usize, (u32, Option<u32>), String, String);

fn short(rollout: &Rollout) -> Short {
    let name = |version: &Option<Version>| version.as_ref().map_or_else(String::new, ToString::to_string);
    let Rollout { phase, step, steps, weight, stable, canary, .. } = rollout;
    (*phase, *step, steps.len(), (weight.declared, weight.actual.known()), name(stable), name(canary))
}

#[test]
fn a_rollout_past_its_deadline_reads_as_the_plugin_prints_it() {
    let rollout = seen("rollout-canary-30-progress-deadline", Some("replicasets-of-checkout-at-708"));
    let printed = recorded("argo-plugin-get-checkout.txt");
    let line = |name: &str| {
        let line = printed.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    let (phase, step, steps, weight, stable, canary) = short(&rollout);
    assert_eq!(phase, Phase::Degraded);
    assert!(line("Status").ends_with("Degraded"));
    assert_eq!(rollout.message.as_deref(), Some(line("Message").as_str()));
    assert_eq!(format!("{}/{steps}", step.unwrap()), line("Step"));
    assert_eq!((weight.0.to_string(), weight.1.unwrap().to_string()), (line("SetWeight"), line("ActualWeight")));
    assert_eq!(line("Images"), format!("registry.test/checkout:{stable} (stable)"));
    assert!(printed.contains(&format!("registry.test/checkout:{canary} (canary)")));
    let pods = |arm: &Arm| arm.pods.unwrap();
    let current: u32 = rollout.arms.iter().map(|arm| pods(arm).current).sum();
    let ready: u32 = rollout.arms.iter().map(|arm| pods(arm).ready).sum();
    let updated = pods(rollout.side(Role::Canary).unwrap()).current;
    let counts = [rollout.replicas, current, updated, ready].map(|count| count.to_string());
    assert_eq!(counts, [line("Desired"), line("Current"), line("Updated"), line("Ready")]);
}

#[test]
fn recorded_states_have_the_phase_step_and_weight_that_they_had() {
    let text = str::to_owned;
    let table = [
        (
            "rollout-canary-01-healthy-v1",
            None,
            (Phase::Healthy, Some(7), 7, (100, Some(100)), text("1.0.0"), text("1.0.0")),
        ),
        (
            "rollout-canary-12-aborted-by-analysis",
            Some("replicasets-of-checkout-at-469"),
            (Phase::Aborted, Some(0), 7, (0, Some(50)), text("1.1.0"), text("1.2.0")),
        ),
        (
            "rollout-nginx-paused-40",
            None,
            // Nobody listed its ReplicaSets: what ran before is not known, rather than guessed.
            (Phase::Paused, Some(3), 4, (40, Some(40)), text(""), text("2")),
        ),
        ("rollout-nginx-healthy", None, (Phase::Healthy, Some(4), 4, (100, Some(100)), text("2"), text("2"))),
        (
            "rollout-bluegreen-03-paused-before-promotion",
            None,
            (Phase::Paused, None, 0, (0, Some(0)), text(""), text("3.1.0")),
        ),
        ("rollout-workloadref-missing-deployment", None, (Phase::Degraded, None, 2, (0, Some(0)), text(""), text(""))),
        // The controller has not seen the restart yet: it is not healthy again before it has.
        (
            "rollout-canary-28-restart",
            None,
            (Phase::Progressing, Some(7), 7, (100, Some(100)), text("1.3.0"), text("1.3.0")),
        ),
    ];
    for (name, sets, expected) in table {
        assert_eq!(short(&seen(name, sets)), expected, "{name}");
    }
}

#[test]
fn a_timed_pause_says_when_it_ends_and_a_doubt_does_not() {
    let timed = seen("rollout-canary-04-timed-pause", None).pause;
    let since = Some(at("2026-11-21T06:21:04Z"));
    assert_eq!(timed, Some(Pause { reason: PauseReason::Step, since, until: Some(at("2026-11-21T06:21:08Z")) }));
    let doubt = seen("rollout-canary-inconclusive-background-analysis", None);
    let since = Some(at("2026-11-21T06:25:03Z"));
    assert_eq!(doubt.pause, Some(Pause { reason: PauseReason::Inconclusive, since, until: None }));
    let message = r#"Metric "latency" assessed Inconclusive due to inconclusive (2) > inconclusiveLimit (1)"#;
    let run = Analysis {
        name: "search-65db8796fb-2".into(),
        phase: "Inconclusive".into(),
        message: Some(message.into()),
        ..Analysis::default()
    };
    assert_eq!(doubt.analyses, [run]);
}

#[test]
fn a_persons_pause_is_told_apart_from_the_steps() {
    let rollout = seen("rollout-canary-22-user-paused-on-top", None);
    assert!(rollout.held);
    assert_eq!(rollout.pause.map(|pause| pause.reason), Some(PauseReason::Step));
    let why = |verb| rollout.offers.iter().find(|offer| offer.verb == verb).unwrap().blocked.clone();
    assert_eq!(why(Verb::Promote).as_deref(), Some("paused by a person: resume first"));
    assert_eq!(why(Verb::Pause).as_deref(), Some("a person has paused it already"));
    assert_eq!((why(Verb::Resume), why(Verb::Abort)), (None, None));
}

#[test]
fn an_aborted_rollout_is_not_promoted_and_says_that_the_spec_still_holds_the_version() {
    let rollout = seen("rollout-canary-12-aborted-by-analysis", Some("replicasets-of-checkout-at-469"));
    assert!(rollout.aborted_in_spec);
    let why = |verb| rollout.offers.iter().find(|offer| offer.verb == verb).unwrap().blocked.clone();
    assert_eq!(
        why(Verb::PromoteFull).as_deref(),
        Some("it was aborted, and a full promotion would ship the aborted version: retry it from its first step")
    );
    let first = "it was aborted: retry starts it again from its first step";
    assert_eq!((why(Verb::Promote).as_deref(), why(Verb::Skip).as_deref()), (Some(first), Some(first)));
    assert_eq!((why(Verb::Retry), why(Verb::Rollback)), (None, None));
}

#[test]
fn what_the_controller_says_of_an_invalid_spec_is_kept() {
    let rollout = seen("rollout-invalidspec-condition", None);
    assert_eq!(rollout.phase, Phase::Degraded);
    assert!(
        rollout.message.unwrap().starts_with("InvalidSpec: The Rollout \"broken\" is invalid: spec.strategy.steps[0]")
    );
    assert_eq!(rollout.steps, [step("setWeight: 150", StepKind::SetWeight(150))]);
}

#[test]
fn a_step_of_a_kind_that_we_do_not_know_is_shown_by_its_name() {
    let rollout = seen("rollout-experiment-running", None);
    assert_eq!(rollout.current_step(), Some(&step("experiment", StepKind::Other)));
}

#[test]
fn nothing_that_a_provider_sends_reaches_the_screen_uncleaned() {
    let mut wire = recorded_json("rollout-canary-05-paused-indefinite");
    wire["status"]["message"] = "stuck\u{1b}[2J\u{7}".into();
    wire["spec"]["template"]["spec"]["containers"][0]["image"] = "r/x:1\u{1b}[31m".into();
    let object: api::Rollout = serde_json::from_value(wire).unwrap();
    let scope = scope();
    let view = View::of(&scope, &object);
    let rollout = normalize::rollout(&view);
    assert_eq!(rollout.message.as_deref(), Some("stuck"));
    assert_eq!(rollout.canary, Some(Version::tagged("1")));
}

#[test]
fn when_a_version_had_all_of_it_is_told_once_it_has() {
    let healthy = seen("rollout-canary-09-healthy-v1.1", Some("replicasets-of-rollout-checkout"));
    assert_eq!(healthy.settled, Some(at("2026-11-21T06:21:22Z")));
    assert_eq!(seen("rollout-canary-04-timed-pause", Some("replicasets-of-rollout-checkout")).settled, None);
}
