//! Which rows the lists have and in which order: exceptions first, steady services last.

use crate::{
    app::{
        inbox::{self, Item},
        model::{Model, RowKey, Screen},
        watch,
    },
    domain::{
        evidence::Verdict,
        object::ObjectId,
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

/// How many rollouts have nothing on their way.
pub fn steady(model: &Model) -> usize {
    model.store.rollouts().filter(|rollout| !rollout.in_flight()).count()
}

/// What waits for a human and matches the filter.
pub fn waiting(model: &Model) -> Vec<Item> {
    let mut items = inbox::items(model);
    items.retain(|item| is_shown(model, item));
    items
}

/// Does something that waits match the filter?
pub fn is_shown(model: &Model, item: &Item) -> bool {
    matches_filter(model, || {
        let version = item.version.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {} {} {version}", item.service, item.environment, item.system, item.title)
    })
}

/// The rows of the visible screen, in order.
pub fn rows(model: &Model) -> Vec<RowKey> {
    let waits = || waiting(model).into_iter().map(|item| RowKey::Waits(item.target));
    let key = |rollout: &Rollout| RowKey::Rollout(rollout.id.clone());
    match model.nav.screen() {
        Screen::Board => {
            let releases = releases(model).into_iter().map(key);
            releases.chain(waits()).chain(resting(model).into_iter().map(key)).collect()
        }
        Screen::Inbox => waits().collect(),
        Screen::Release(id) => vec![RowKey::Rollout(id.clone())],
    }
}

/// The selected row: the one somebody chose, or the first where nobody chose one. A row that went away under whoever chose it
/// leaves none: the next key must not act on another object than the one they looked at.
pub fn selected(model: &Model) -> Option<RowKey> {
    let rows = rows(model);
    match &model.nav.selected {
        Some(key) if rows.contains(key) => Some(key.clone()),
        // The same object may stand in another list now.
        Some(key) => rows.into_iter().find(|row| row.target() == key.target()),
        None => rows.into_iter().next(),
    }
}

/// Forgets a choice that another screen or filter has no row for.
pub fn choose(model: &mut Model) {
    if selected(model).is_none() {
        model.nav.selected = None;
    }
}

/// Why no row is selected.
pub fn unselected(model: &Model) -> &'static str {
    if model.nav.selected.is_some() && !rows(model).is_empty() {
        "the row you were on is gone: j or k chooses another"
    } else {
        "nothing is selected"
    }
}

/// What a verb pressed now acts on.
pub fn target(model: &Model) -> Option<ObjectId> {
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
        _ if rollout.in_flight() => 7,
        _ => 8,
    }
}

fn matches(model: &Model, rollout: &Rollout) -> bool {
    matches_filter(model, || {
        let version = rollout.canary.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {version}", rollout.service, rollout.environment)
    })
}

fn matches_filter(model: &Model, text: impl FnOnce() -> String) -> bool {
    model.nav.filter.is_empty() || text().to_lowercase().contains(&model.nav.filter.to_lowercase())
}
