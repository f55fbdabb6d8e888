//! What the top line says while a version is being left: by hand, `payments` 1.41.3 → 1.42.0 at 25 %.

use super::*;
use crate::{
    app::sample::{go, now, payments, seeing},
    domain::rollout::{Pods, Role, Share, Strategy, Weight},
};

fn answer(rollout: Rollout, verdict: Verdict) -> Headline {
    headline(&judged(rollout, verdict))
}

/// A model in which everything answers and everything that is judged has this verdict.
fn judged(rollout: Rollout, verdict: Verdict) -> Model {
    let mut model = seeing(vec![rollout]);
    let now = model.now;
    let window = crate::port::facet::Window { from: now, to: now, step: Duration::from_secs(30) };
    model.store.take_signals(&"prometheus".into(), now, window, Ok(Vec::new()));
    go(&mut model);
    for judgement in model.judgements.values_mut() {
        (judgement.verdict, judgement.at) = (verdict, Some(now));
    }
    model
}

fn aborted(share: Share, pods: u32) -> Rollout {
    let mut rollout = payments();
    (rollout.phase, rollout.aborted_in_spec, rollout.pause) = (Phase::Aborted, true, None);
    rollout.weight.actual = share;
    rollout.arms[0].pods = Some(Pods { desired: 0, current: pods, ready: pods, available: pods });
    rollout
}

/// The spec asks for 1.41.3 again, which has been there before; so many pods of 1.42.0 are left.
fn taken_back(pods: u32, share: Share) -> Rollout {
    let mut rollout = payments();
    (rollout.phase, rollout.pause, rollout.canary) = (Phase::Progressing, None, rollout.stable.clone());
    rollout.identity.canary_hash.clone_from(&rollout.identity.stable_hash);
    rollout.weight = Weight { declared: 100, actual: share, max: 100 };
    rollout.arms[0].role = Role::Old;
    rollout.arms[0].pods = Some(Pods { desired: 0, current: pods, ready: pods, available: pods });
    (rollout.arms[1].revision, rollout.arms[1].earlier_revisions) = (Some(4), vec![2]);
    rollout
}

#[test]
fn an_aborted_release_that_did_harm_is_named_until_nobody_is_sent_to_it() {
    let table = [
        (Share::Told(25), 3, Cause::Release, true),
        (Share::Told(1), 3, Cause::Release, true),
        (Share::Unknown, 3, Cause::Release, true),
        (Share::ByPods(0), 3, Cause::Release, true),
        (Share::Told(0), 3, Cause::None, true),
        (Share::ByPods(0), 0, Cause::None, false),
    ];
    for (share, pods, cause, back) in table {
        let answer = answer(aborted(share, pods), Verdict::NoGo);
        assert_eq!((answer.cause, answer.back.is_some()), (cause, back), "{share:?}, {pods} pods");
    }
}

#[test]
fn an_aborted_release_without_a_verdict_that_still_gets_traffic_is_never_called_good() {
    for verdict in [Verdict::Go, Verdict::Wait, Verdict::NoData] {
        assert_eq!(answer(aborted(Share::Told(25), 3), verdict).cause, Cause::Unknown, "{verdict}");
    }
}

#[test]
fn what_was_aborted_and_is_gone_is_answered_although_nothing_is_measured_of_it() {
    assert_eq!(answer(aborted(Share::ByPods(0), 0), Verdict::NoData).cause, Cause::None);
}

#[test]
fn what_only_declares_goes_back_from_the_version_that_is_left_to_the_one_of_the_act_and_no_longer_than_that() {
    use crate::{
        app::sample::acted,
        domain::{verb::Verb, version::Version},
        port::record::Stage,
    };
    let accepted = Stage::Accepted { call: 0, said: "200 OK".into(), given: [].into() };
    let mut record = acted((1, now()), ("dana", "errors"), Verb::Rollback, ("c0ffee", None), accepted);
    let versions = [payments().canary, payments().stable];
    [record.intent.plan.draft.from, record.intent.plan.draft.to] = versions.clone();
    // Before: what is wanted is deployed. After: what is wanted was left.
    let mut before = payments();
    (before.strategy, before.phase, before.pause) = (Strategy::Declared, Phase::Degraded, None);
    (before.weight.actual, before.stable) = (Share::Unknown, before.canary.clone());
    before.identity.stable_hash.clone_from(&before.identity.canary_hash);
    let mut after = payments();
    (after.strategy, after.phase, after.pause) = (Strategy::Declared, Phase::Aborted, None);
    (after.weight.actual, after.aborted_in_spec) = (Share::Unknown, true);
    let said = |rollout: &Rollout, ends: bool| {
        let mut model = seeing(vec![rollout.clone()]);
        let mut record = record.clone();
        if ends {
            let done = Stage::Done { said: "verified".into() };
            record.entries.push(crate::port::record::Entry { at: model.now, stage: done });
        }
        model.actions.recorded(record);
        let back = going_back::going_back(&model, rollout);
        back.map(|back| (back.from, back.to, back.serves))
    };
    let tag = |version: &Option<Version>| version.as_ref().unwrap().tag.clone();
    let both = |serves| Some((tag(&versions[0]), tag(&versions[1]), serves));
    assert_eq!((said(&before, false), said(&after, false)), (both(true), both(false)));
    assert_eq!(said(&after, true), None, "it has ended");
}

#[test]
fn pods_of_a_version_that_somebody_took_back_are_not_known_to_be_harmless() {
    let answer = answer(taken_back(4, Share::ByPods(66)), Verdict::Go);
    let back = GoingBack {
        from: "1.42.0".to_owned(),
        to: "1.41.3".to_owned(),
        share: Some(34),
        pods: Some(4),
        serves: true,
        for_cause: false,
    };
    assert_eq!((answer.cause, answer.back), (Cause::Unknown, Some(back)));
    // Where everything that is settled counts as everything, pods that serve are told by their number.
    assert_eq!(self::answer(taken_back(4, Share::ByPods(100)), Verdict::Go).cause, Cause::Unknown);
    assert_eq!(self::answer(taken_back(0, Share::ByPods(100)), Verdict::Go).back, None);
}

#[test]
fn a_roll_back_that_goes_through_the_steps_is_not_called_good_before_it_has_ended() {
    let mut rollout = payments();
    std::mem::swap(&mut rollout.stable, &mut rollout.canary);
    std::mem::swap(&mut rollout.identity.canary_hash, &mut rollout.identity.stable_hash);
    (rollout.arms[0].role, rollout.arms[1].role) = (Role::Stable, Role::Canary);
    (rollout.arms[1].revision, rollout.arms[1].earlier_revisions) = (Some(4), vec![2]);
    let answer = answer(rollout, Verdict::Go);
    let back = answer.back.unwrap();
    assert_eq!((answer.cause, back.from.as_str(), back.to.as_str()), (Cause::Unknown, "1.42.0", "1.41.3"));
    assert_eq!(back.share, Some(75));
}

#[test]
fn the_last_pods_of_a_version_that_was_replaced_for_good_are_no_way_back() {
    let mut rollout = taken_back(2, Share::Told(100));
    rollout.arms.swap(0, 1);
    let roles = rollout.arms.iter_mut().zip([(Role::Stable, 5), (Role::Old, 4)]);
    roles.for_each(|(arm, (role, revision))| {
        (arm.role, arm.revision, arm.earlier_revisions) = (role, Some(revision), Vec::new());
    });
    assert_eq!(
        answer(rollout, Verdict::Go),
        Headline { cause: Cause::None, rollout: None, onset: None, moved: Vec::new(), back: None, returned: None }
    );
}

#[test]
fn a_router_that_counts_to_a_thousand_is_told_in_percent() {
    let mut rollout = aborted(Share::Told(200), 3);
    rollout.weight.max = 1_000;
    assert_eq!(answer(rollout, Verdict::NoGo).back.unwrap().share, Some(20));
    let mut almost = aborted(Share::Told(1), 3);
    almost.weight.max = 1_000;
    assert_eq!(answer(almost, Verdict::NoGo).back.unwrap().share, Some(1), "a little is not nothing");
}
