//! What is told of others, and what is not.

use super::*;
use crate::{
    app::sample::{acted, now, payments, see, seeing},
    domain::{
        ids::Person,
        rollout::{Pause, PauseReason, Phase, Strategy},
        version::Version,
    },
    port::record::RecordId,
};

fn seconds(span: i64) -> Timestamp {
    now() + chrono::TimeDelta::seconds(span)
}

fn hand(did: Did, client: &str, at: i64) -> Hand {
    Hand { did, by: By::Client(client.to_owned()), at: Some(seconds(at)), whole: false }
}

/// Waits until a human lets it go on.
fn waiting() -> Rollout {
    let pause = Pause { reason: PauseReason::Step, since: Some(now()), until: None };
    let mut rollout = Rollout { step: Some(7), pause: Some(pause), ..payments() };
    rollout.steps.truncate(8);
    rollout
}

/// The model that saw one state, and ten seconds later another.
fn after(before: Rollout, now: Rollout) -> Model {
    let mut model = seeing(vec![before]);
    see(&mut model, seconds(10), vec![now]);
    model.now = seconds(20);
    model
}

fn told(model: &Model) -> Vec<String> {
    just_now(model).into_iter().map(|(rollout, act)| format!("{} {}", rollout.service, act.said(model.now))).collect()
}

#[test]
fn a_release_that_is_paused_under_our_eyes_is_told_with_the_client_that_its_system_names() {
    let paused = Rollout { held: true, hands: vec![hand(Did::Paused, "kubectl-patch", 8)], ..payments() };
    let model = after(payments(), paused.clone());
    assert_eq!(told(&model), ["payments paused with kubectl-patch at 02:07:38"]);
    assert_eq!(on(&model, &paused).len(), 1, "what was seen and what is noted are one act");
}

#[test]
fn what_was_taken_away_leaves_no_name_and_is_told_of_nobody_with_the_time_at_which_it_was_seen() {
    let paused = Rollout { held: true, hands: vec![hand(Did::Paused, "kubectl-rollout", -60)], ..payments() };
    let expected = ["payments resumed at 02:07:40, its system does not note by whom"];
    assert_eq!(told(&after(paused, payments())), expected);
    let gone = Rollout { step: Some(8), pause: None, phase: Phase::Progressing, ..waiting() };
    let model = after(waiting(), gone);
    let expected = ["payments let go on past its pause at 02:07:40, its system does not note by whom"];
    assert_eq!(told(&model), expected);
}

#[test]
fn a_pause_that_ends_by_itself_an_abort_of_the_engine_and_another_number_of_pods_are_nobodys_act() {
    let table = [
        Rollout { step: Some(6), pause: None, phase: Phase::Progressing, ..payments() },
        Rollout { phase: Phase::Aborted, aborted_in_spec: true, pause: None, ..payments() },
        Rollout { replicas: 20, ..payments() },
        Rollout { phase: Phase::Unknown, pause: None, ..payments() },
    ];
    for after_it in table {
        assert_eq!(told(&after(payments(), after_it.clone())), [""; 0], "{after_it:?}");
    }
    let model = after(waiting(), Rollout { phase: Phase::Aborted, pause: None, ..waiting() });
    assert_eq!(told(&model), [""; 0]);
}

#[test]
fn another_version_that_comes_over_one_on_its_way_is_told_and_one_that_begins_is_not() {
    let mut other = payments();
    (other.canary, other.identity.canary_hash) = (Some(Version::tagged("1.43.0")), "d00d".to_owned());
    other.hands = vec![hand(Did::Put, "kubectl-set", 8)];
    let model = after(payments(), other.clone());
    assert_eq!(told(&model), ["payments its version written with kubectl-set at 02:07:38"]);
    let mut steady = payments();
    (steady.canary, steady.phase, steady.pause) = (steady.stable.clone(), Phase::Healthy, None);
    steady.identity.canary_hash.clone_from(&steady.identity.stable_hash);
    let model = after(steady, other.clone());
    assert_eq!(told(&model), [""; 0]);
    assert_eq!(on(&model, &other).len(), 1, "who began it is told with the release");
}

#[test]
fn what_a_source_declares_is_tried_again_and_changes_without_anybody_and_whoever_applied_it_is_told_by_name() {
    let declared = |rollout: Rollout| Rollout { strategy: Strategy::Declared, ..rollout };
    let taken_back = declared(Rollout { phase: Phase::Aborted, ..payments() });
    assert_eq!(told(&after(taken_back, declared(payments()))), [""; 0]);
    let gone = declared(Rollout { pause: None, phase: Phase::Progressing, ..waiting() });
    assert_eq!(told(&after(declared(waiting()), gone.clone())), [""; 0]);
    let by = By::Person(Person::new("lee"));
    let synced = Rollout { hands: vec![Hand { by, ..hand(Did::Put, "", 8) }], ..gone };
    assert_eq!(told(&after(declared(waiting()), synced)), ["payments its version written by lee at 02:07:38"]);
}

#[test]
fn what_a_record_of_ours_sent_or_bears_our_name_is_not_told_of_others() {
    let sent = Stage::Accepted { call: 0, said: String::new(), given: crate::port::fill::Given::new() };
    let gone = Rollout { step: Some(8), pause: None, phase: Phase::Progressing, ..waiting() };
    let mut model = after(waiting(), gone);
    model.actions.recorded(acted((1, seconds(6)), ("dana", "fine"), Verb::Promote, ("c0ffee", None), sent.clone()));
    assert_eq!(told(&model), [""; 0]);
    let ours = Hand { by: By::Us, ..hand(Did::Paused, "", 8) };
    let paused = Rollout { held: true, hands: vec![ours], ..payments() };
    let model = after(payments(), paused.clone());
    assert_eq!((told(&model).len(), on(&model, &paused).len()), (0, 0));
    // Another verb of ours at that time explains nothing.
    let mut model = after(Rollout { held: true, ..payments() }, payments());
    model.actions.recorded(acted((1, seconds(6)), ("dana", "fine"), Verb::Retry, ("c0ffee", None), sent));
    assert_eq!(told(&model).len(), 1);
}

#[test]
fn our_record_may_come_a_moment_after_what_it_did_was_seen() {
    let mut model = after(Rollout { held: true, ..payments() }, payments());
    model.now = seconds(11);
    assert_eq!(told(&model).len(), 0);
    model.now = seconds(13);
    assert_eq!(told(&model).len(), 1);
    model.now = seconds(10) + TOLD_FOR;
    assert_eq!((told(&model).len(), on(&model, &payments()).len()), (0, 1), "it stays with the release");
}

#[test]
fn who_undoes_a_roll_back_at_once_is_not_taken_for_us() {
    let done = Stage::Done { said: String::new() };
    let mut record = acted((1, seconds(7)), ("dana", "errors"), Verb::Rollback, ("c0ffee", Some("ba5e")), done);
    record.id = RecordId(1);
    record.entries.insert(0, Entry { at: seconds(7), stage: Stage::Sending { call: 0, revision: None } });
    let rollout = Rollout { hands: vec![hand(Did::Put, "an-application-controller", 8)], ..payments() };
    let mut model = seeing(vec![rollout.clone()]);
    model.actions.recorded(record);
    model.now = seconds(20);
    assert_eq!(on(&model, &rollout).len(), 1);
}

#[test]
fn of_one_look_what_is_in_force_or_of_this_day_is_told_and_a_manifest_says_nothing_of_what_it_left_alone() {
    let whole = |did| Hand { whole: true, ..hand(did, "helm", -30) };
    let person = Hand { by: By::Person(Person::new("lee")), ..hand(Did::Put, "", -90) };
    let old = 60 * 60 * 25;
    let rollout = Rollout {
        held: true,
        hands: vec![
            hand(Did::Paused, "kubectl-edit", -old),
            hand(Did::Restarted, "kubectl-rollout", -old),
            hand(Did::Scaled, "kubectl", -30),
            whole(Did::Resumed),
            person,
        ],
        ..payments()
    };
    let model = seeing(vec![rollout.clone()]);
    let said: Vec<String> = on(&model, &rollout).iter().map(|act| act.said(now())).collect();
    let expected = [
        "scaled with kubectl at 02:07:00",
        "its version written by lee at 02:06:00",
        "paused with kubectl-edit at 2026-03-09 01:07:30",
    ];
    assert_eq!((said, told(&model).len()), (expected.map(str::to_owned).to_vec(), 0));
}
