//! Which places are cells of one another, and that what was not read is one of which nothing is known.

use std::time::Duration;

use super::*;
use crate::{
    app::{
        msg::Msg,
        sample::{blind, hears, in_cell, now, payments, seeing, settled},
        update::update,
    },
    domain::{
        cell::Standing,
        observed::{Fault, FaultKind},
        wave::Waves,
    },
    port::{cached::CachedScope, inventory::Scope},
    words,
};

const LONG_AGO: Duration = Duration::from_hours(48);

/// All of 1.42.0 in eu-north-1, 25 % in eu-west-1, nothing of it in us-east-1.
fn three() -> Vec<Rollout> {
    vec![
        in_cell("prod/eu-north-1", settled(payments(), true, now() - Duration::from_hours(2))),
        in_cell("prod/eu-west-1", payments()),
        in_cell("prod/us-east-1", settled(payments(), false, now() - LONG_AGO)),
    ]
}

fn order(waves: &[&[&str]]) -> Waves {
    let waves = waves.iter().map(|wave| wave.iter().map(|name| EnvironmentName::new(*name)).collect()).collect();
    Waves(vec![Order { waves, ..Order::default() }])
}

fn said(model: &Model) -> Vec<String> {
    all(model).iter().map(|cells| words::cells::whole(cells, Some(model.now))).collect()
}

#[test]
fn places_of_one_stage_are_cells_of_one_another_and_say_how_far_the_release_is() {
    let model = seeing(three());
    assert_eq!(said(&model), ["1.42.0 is in 1 of 3 cells: us-east-1 old (1.41.3 since 2 d), eu-west-1 at 25 %"]);
    let alone = seeing(vec![in_cell("prod/eu-west-1", payments()), in_cell("staging", payments())]);
    assert_eq!(said(&alone), [""; 0], "another stage is no cell");
}

#[test]
fn what_an_order_names_together_are_cells_too_and_stand_in_its_order() {
    let mut model = seeing(vec![in_cell("prod/eu-west-1", payments()), in_cell("staging", payments())]);
    model.session.waves = order(&[&["staging"], &["prod"]]);
    let cells = of(&model, &"payments".into(), &"prod/eu-west-1".into()).unwrap();
    let names: Vec<(&str, Option<usize>)> = cells.all.iter().map(|one| (one.environment.as_str(), one.wave)).collect();
    assert_eq!(names, [("staging", Some(0)), ("prod/eu-west-1", Some(1))]);
}

#[test]
fn what_only_brings_about_what_a_source_says_is_no_second_thing_in_a_cell() {
    let mut all = three();
    let mut declared = all[2].clone();
    declared.id.path = "declared/payments".to_owned();
    declared.strategy = crate::domain::rollout::Strategy::Declared;
    all.push(declared);
    let model = seeing(all);
    let cells = of(&model, &"payments".into(), &"prod/us-east-1".into()).unwrap();
    assert_eq!(cells.all.iter().map(|cell| cell.shares.len()).collect::<Vec<_>>(), [1, 1, 1]);
}

#[test]
fn once_its_source_fails_a_cell_is_unknown_and_never_counts_as_done() {
    let mut model = seeing(three());
    let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
    hears(&mut model, ("kubernetes-eu", "argo_rollouts"), now(), Err(fault));
    let why = "unknown (kubernetes-eu was not read since 02:07:30)";
    let expected = format!("1.42.0 is in 0 of 3 cells: eu-north-1 {why}, eu-west-1 {why}, us-east-1 {why}");
    assert_eq!(said(&model), [expected]);
}

#[test]
fn what_is_known_from_cache_only_is_a_cell_of_which_nothing_is_known() {
    let mut model = blind();
    let scope = CachedScope {
        source: "kubernetes-eu".into(),
        scope: Scope::all(&"argo_rollouts".into()),
        at: now() - Duration::from_mins(1),
        items: three().into_iter().map(Item::from).collect(),
        ways: Vec::new(),
    };
    update(&mut model, Msg::Cached(vec![scope]));
    let cells = of(&model, &"payments".into(), &"prod/eu-north-1".into()).unwrap();
    let version = payments().canary.unwrap();
    assert_eq!(cells.count(&version).has, 0);
    assert!(cells.all.iter().all(|cell| matches!(cell.standing(&version), Standing::Unknown(_))), "{cells:?}");
}

#[test]
fn a_wave_of_which_nothing_was_seen_is_unknown_until_everything_was_read_and_not_there_then() {
    let mut model = seeing(three().split_off(1));
    model.session.waves = order(&[&["prod/eu-north-1"], &["prod/eu-west-1", "prod/us-east-1"]]);
    let count = |model: &Model| of(model, &"payments".into(), &"prod/eu-west-1".into()).unwrap().all.len();
    assert_eq!(count(&model), 2);
    let fault = Fault::new(now(), FaultKind::TimedOut, "no answer within 4 s");
    hears(&mut model, ("kubernetes-eu", "argo_rollouts"), now(), Err(fault));
    assert_eq!(count(&model), 3);
}

#[test]
fn a_cell_that_was_rolled_back_took_the_version_back_and_the_others_are_not_told_to_bring_it_there() {
    let mut back = settled(payments(), false, now());
    // 1.41.3 is there again, under a newer number.
    let arm = back.arms.iter_mut().find(|arm| arm.hash == back.identity.stable_hash).unwrap();
    (arm.revision, arm.earlier_revisions) = (Some(9), vec![2]);
    let all = vec![in_cell("prod/eu-north-1", back.clone()), in_cell("prod/eu-west-1", payments())];
    let mut model = seeing(all.clone());
    let done = crate::port::record::Stage::Done { said: "verified".into() };
    let mut record = crate::app::sample::acted(
        (1, now()),
        ("dana", "errors"),
        crate::domain::verb::Verb::Rollback,
        ("c0ffee", Some("ba5e")),
        done,
    );
    record.intent.plan.target = all[0].id.clone();
    record.intent.plan.draft.from = payments().canary;
    model.actions.recorded(record);
    assert_eq!(said(&model), ["1.42.0 is in 0 of 2 cells: eu-north-1 took it back (1.41.3 serves), eu-west-1 at 25 %"]);
}
