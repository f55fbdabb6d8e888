//! The rollouts in the order in which lists show them: exceptions first, steady services last.

use crate::{
    app::{headline, inbox, model::Model, quarantine, rows, watch},
    domain::{
        evidence::Verdict,
        rollout::{Phase, Rollout},
    },
};

/// Every rollout in flight, those that need a human most first. No filter hides one: the answer on top rests on all.
pub fn in_flight(model: &Model) -> Vec<&Rollout> {
    let mut rows: Vec<&Rollout> = model.store.rollouts().filter(|rollout| rollout.in_flight()).collect();
    sort(model, &mut rows);
    rows
}

/// Those in flight and those that have just arrived, as far as they match the filter; those that need a human most first.
pub fn releases(model: &Model) -> Vec<&Rollout> {
    let shown = |rollout: &&Rollout| watch::is_followed(model, rollout) && matches(model, rollout);
    let mut rows: Vec<&Rollout> = model.store.rollouts().filter(shown).collect();
    sort(model, &mut rows);
    rows
}

/// Those that are steady and match the filter, by name.
pub fn resting(model: &Model) -> Vec<&Rollout> {
    let shown = |rollout: &&Rollout| !watch::is_followed(model, rollout) && matches(model, rollout);
    let mut rows: Vec<&Rollout> = model.store.rollouts().filter(shown).collect();
    rows.sort_by(|a, b| (&a.service, &a.id).cmp(&(&b.service, &b.id)));
    rows
}

fn sort(model: &Model, rows: &mut [&Rollout]) {
    rows.sort_by_cached_key(|rollout| {
        let rollout: &Rollout = rollout;
        (urgency(model, rollout), &rollout.service, &rollout.id)
    });
}

/// Is anything on its way there, in or out? What was rolled back moves until nothing of the version that is left is there any
/// more, though its engine has one version again.
pub fn moves(model: &Model, rollout: &Rollout) -> bool {
    rollout.in_flight() || headline::is_left(model, rollout)
}

/// How many rollouts have something on their way, and how many have nothing.
pub fn counts(model: &Model) -> (usize, usize) {
    let moving = model.store.rollouts().filter(|rollout| moves(model, rollout)).count();
    (moving, model.store.rollouts().count() - moving)
}

/// Lower is more urgent.
fn urgency(model: &Model, rollout: &Rollout) -> u8 {
    let verdict = model.verdict(&rollout.id);
    match (verdict, rollout.phase) {
        _ if quarantine::returned(model, rollout).is_some() => 0,
        (Some(Verdict::NoGo), phase) if phase != Phase::Aborted => 0,
        (_, Phase::Degraded) => 1,
        (_, Phase::Aborted) => 2,
        (Some(Verdict::NoData), _) => 3,
        (_, Phase::Unknown) => 4,
        _ if inbox::waits(rollout) => 5,
        (Some(Verdict::Wait), _) => 6,
        _ if rollout.in_flight() => 7,
        _ => 8,
    }
}

fn matches(model: &Model, rollout: &Rollout) -> bool {
    rows::matches(model, || {
        let version = rollout.canary.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {version}", rollout.service, rollout.environment)
    })
}
