//! Who did what, as a real API server noted it when a client wrote to Rollouts that a real controller moved.

use holdshort::domain::hand::{Did, between};

use crate::{golden::seen, server::at};

/// What the managed fields of a recorded Rollout tell, but for who put its version.
fn told(rollout: &str) -> Vec<String> {
    let hands = seen(rollout, None).hands.into_iter().filter(|hand| hand.did != Did::Put && hand.stands_alone());
    hands.map(|hand| hand.said(at("2026-11-21T06:22:00Z"))).collect()
}

#[test]
fn a_real_servers_fields_name_whoever_paused_aborted_retried_and_promoted_in_full() {
    let table: [(&str, &[&str]); 7] = [
        ("rollout-canary-05-paused-indefinite", &[]),
        ("rollout-canary-13-retry", &["let go on after its abort with fixture-capture at 06:21:34"]),
        ("rollout-canary-15-manual-abort", &["aborted with fixture-capture at 06:21:37"]),
        ("rollout-canary-16-aborted-manually", &["aborted with fixture-capture at 06:21:37"]),
        ("rollout-canary-21-user-pause", &["paused with fixture-capture, which wrote last at 06:21:48"]),
        ("rollout-canary-23-unpause-spec", &[]),
        ("rollout-canary-26-promote-full", &["promoted in full with fixture-capture at 06:21:51"]),
    ];
    for (rollout, expected) in table {
        assert_eq!(told(rollout), expected, "{rollout}");
    }
}

#[test]
fn between_two_recorded_looks_a_promotion_is_seen_that_a_real_server_notes_nowhere() {
    let said = |before: &str, now: &str| {
        let hands = between(&seen(before, None), &seen(now, None));
        hands.into_iter().map(|hand| hand.said(at("2026-11-21T06:22:00Z"))).collect::<Vec<_>>()
    };
    let promoted = "let go on past its pause, its system does not note by whom";
    assert_eq!(said("rollout-canary-05-paused-indefinite", "rollout-canary-07-promote"), [promoted]);
    assert_eq!(said("rollout-canary-05-paused-indefinite", "rollout-canary-08-analysis-running"), [promoted]);
    assert_eq!(said("rollout-canary-04-timed-pause", "rollout-canary-05-paused-indefinite"), [""; 0]);
    let resumed = "resumed with fixture-capture, which wrote last at 06:21:49";
    assert_eq!(said("rollout-canary-21-user-pause", "rollout-canary-23-unpause-spec"), [resumed]);
}
