//! Moving about: rows, screens, overlays, the filter. Nothing here leads to a call.

use crate::app::{
    board,
    effect::Effect,
    intent::Intent,
    model::{Model, Overlay, RowKey, Screen},
    update::act,
};

/// Takes an intent that is not a verb.
pub(super) fn intent(model: &mut Model, intent: Intent) -> Vec<Effect> {
    match intent {
        Intent::Down => step(model, |at, last| (at + 1).min(last)),
        Intent::Up => step(model, |at, _| at.saturating_sub(1)),
        Intent::Top => step(model, |_, _| 0),
        Intent::Bottom => step(model, |_, last| last),
        Intent::Open => open(model),
        Intent::Inbox => show(model, Screen::Inbox),
        Intent::Why => why(model),
        Intent::Help => model.nav.overlay = Some(Overlay::Help),
        Intent::Filter => filter(model),
        Intent::Back => back(model),
        Intent::TakeOver => return act::take_over(model),
        Intent::Send => return act::send(model),
        Intent::Erase => act::erase(model),
        Intent::Quit | Intent::Interrupt => return vec![Effect::Quit],
        Intent::Suspend => return vec![Effect::Suspend],
        // Verbs are taken by `act::press`.
        Intent::Do(_) => {}
    }
    Vec::new()
}

fn step(model: &mut Model, to: impl Fn(usize, usize) -> usize) {
    // What lies under a card is not seen: it does not move.
    if model.nav.overlay.is_some() {
        return;
    }
    let rows = board::rows(model);
    let at = board::selected(model).and_then(|key| rows.iter().position(|row| *row == key));
    // From a row that is gone any step leads to the first.
    let next = at.map_or(0, |at| to(at, rows.len().saturating_sub(1)));
    model.nav.selected = rows.get(next).cloned();
    model.notice = None;
}

fn open(model: &mut Model) {
    match board::selected(model) {
        Some(RowKey::Rollout(id)) => show(model, Screen::Release(id)),
        Some(RowKey::Waits(id)) if model.store.rollout(&id).is_some() => show(model, Screen::Release(id)),
        // A gate has no screen of its own: its row and its card say all there is.
        Some(RowKey::Waits(_)) => model.say("press y to approve or x to reject; the card shows what would be sent"),
        None => model.say(board::unselected(model)),
    }
}

/// What follows is text, wherever the key is pressed: a release has no rows, so the list under it is filtered.
fn filter(model: &mut Model) {
    model.nav.overlay = None;
    while matches!(model.nav.screen(), Screen::Release(_)) && model.nav.back() {}
    model.nav.filtering = true;
    board::choose(model);
}

fn show(model: &mut Model, screen: Screen) {
    model.nav.overlay = None;
    model.nav.open(screen);
    board::choose(model);
}

fn why(model: &mut Model) {
    match board::target(model) {
        Some(id) if model.store.rollout(&id).is_some() => model.nav.overlay = Some(Overlay::Why(id)),
        _ => model.say("there is no verdict on this row"),
    }
}

/// Leaves the innermost thing: overlay, filter being typed, filter, screen.
fn back(model: &mut Model) {
    model.notice = None;
    if model.nav.overlay.take().is_some() {
        return;
    }
    if model.nav.filtering || !model.nav.filter.is_empty() {
        model.nav.filtering = false;
        model.nav.filter.clear();
    } else {
        model.nav.back();
    }
    board::choose(model);
}
