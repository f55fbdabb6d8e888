//! Which rows the lists have and in which order: exceptions first, steady services not at all.

use crate::{
    app::{
        inbox::{self, Item},
        model::{Model, RowKey, Screen},
    },
    domain::{
        evidence::Verdict,
        rollout::{Phase, Rollout},
    },
    port::plan::Target,
};

/// Rollouts in flight, those that need a human most first.
pub fn in_flight(model: &Model) -> Vec<&Rollout> {
    let mut rows: Vec<&Rollout> = model
        .store
        .rollouts()
        .filter(|rollout| rollout.in_flight() && matches_filter(model, || haystack(rollout)))
        .collect();
    rows.sort_by_cached_key(|rollout| {
        let rollout: &Rollout = rollout;
        (urgency(model, rollout), &rollout.service, &rollout.id)
    });
    rows
}

/// How many rollouts have nothing on their way.
pub fn steady(model: &Model) -> usize {
    model.store.rollouts().filter(|rollout| !rollout.in_flight()).count()
}

/// What waits for a human and matches the filter.
pub fn waiting(model: &Model) -> Vec<Item> {
    let mut items = inbox::items(model);
    items.retain(|item| {
        matches_filter(model, || {
            let version = item.version.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {} {} {version}", item.service, item.environment, item.system, item.title)
        })
    });
    items
}

/// The rows of the visible screen, in order.
pub fn rows(model: &Model) -> Vec<RowKey> {
    let waits = || waiting(model).into_iter().map(|item| RowKey::Waits(item.target));
    match model.nav.screen() {
        Screen::Board => in_flight(model).into_iter().map(|r| RowKey::InFlight(r.id.clone())).chain(waits()).collect(),
        Screen::Inbox => waits().collect(),
        Screen::Release(id) => vec![RowKey::InFlight(id.clone())],
    }
}

/// The selected row: the one somebody chose while it is there, else the first.
pub fn selected(model: &Model) -> Option<RowKey> {
    let rows = rows(model);
    match &model.nav.selected {
        Some(key) if rows.contains(key) => Some(key.clone()),
        _ => rows.into_iter().next(),
    }
}

/// What a verb pressed now acts on.
pub fn target(model: &Model) -> Option<Target> {
    selected(model).map(|key| key.target())
}

/// Lower is more urgent.
fn urgency(model: &Model, rollout: &Rollout) -> u8 {
    let verdict = model.verdict(&rollout.id);
    match (verdict, rollout.phase) {
        (Some(Verdict::NoGo), phase) if phase != Phase::Aborted => 0,
        (_, Phase::Degraded) => 1,
        (_, Phase::Aborted) => 2,
        (Some(Verdict::NoData), _) => 3,
        (_, Phase::Unknown) => 4,
        _ if inbox::waits(rollout) => 5,
        (Some(Verdict::Wait), _) => 6,
        _ => 7,
    }
}

fn haystack(rollout: &Rollout) -> String {
    let version = rollout.canary.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} {} {version}", rollout.service, rollout.environment)
}

fn matches_filter(model: &Model, text: impl FnOnce() -> String) -> bool {
    model.nav.filter.is_empty() || text().to_lowercase().contains(&model.nav.filter.to_lowercase())
}
