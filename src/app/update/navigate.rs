//! Moving about: rows, screens, overlays, the filter. Nothing here leads to a call.

use crate::app::{
    board,
    drawn::Extent,
    effect::Effect,
    intent::Intent,
    menu::{self, Menu},
    model::{Model, Overlay, RowKey, Screen},
    update::act,
};

/// Rows that a page is.
const PAGE: usize = 10;

/// Takes an intent that is not a verb.
pub(super) fn intent(model: &mut Model, intent: Intent) -> Vec<Effect> {
    match intent {
        Intent::Down => step(model, |at, last| (at + 1).min(last)),
        Intent::Up => step(model, |at, _| at.saturating_sub(1)),
        Intent::PageDown if model.nav.overlay.is_some() => scroll(model, |page| page, true),
        Intent::PageUp if model.nav.overlay.is_some() => scroll(model, |page| page, false),
        Intent::PageDown => step(model, |at, last| (at + PAGE).min(last)),
        Intent::PageUp => step(model, |at, _| at.saturating_sub(PAGE)),
        Intent::Top => step(model, |_, _| 0),
        Intent::Bottom => step(model, |_, last| last),
        Intent::Open if matches!(model.nav.overlay, Some(Overlay::Menu(_))) => return act::choose(model),
        Intent::Open => open(model),
        Intent::Menu => show_menu(model),
        Intent::Inbox => show(model, Screen::Inbox),
        Intent::Why => why(model),
        Intent::Help => model.nav.overlay = Some(Overlay::Help),
        Intent::Filter => filter(model),
        Intent::Back => back(model),
        Intent::TakeOver => return act::take_over(model),
        Intent::Send => return act::send(model),
        Intent::Erase => return act::erase(model),
        // Where there is nothing to fill in, the arrows move what there is to read.
        Intent::NextField if model.card().is_some_and(|card| card.form.is_empty()) => scroll(model, |_| 1, true),
        Intent::PreviousField if model.card().is_some_and(|card| card.form.is_empty()) => scroll(model, |_| 1, false),
        Intent::NextField => return act::change(model, |card| card.step(true)),
        Intent::PreviousField => return act::change(model, |card| card.step(false)),
        Intent::NextOption => return act::change(model, |card| card.turn(true)),
        Intent::PreviousOption => return act::change(model, |card| card.turn(false)),
        Intent::Quit | Intent::Interrupt => return vec![Effect::Quit],
        Intent::Suspend => return vec![Effect::Suspend],
        // Verbs are taken by `act::press`.
        Intent::Do(_) => {}
    }
    Vec::new()
}

/// Moves what lies over the screen, as far as the newest frame says that there is more of it.
fn scroll(model: &mut Model, lines: impl Fn(usize) -> usize, down: bool) {
    let Extent::Part { from, to, of } = model.drawn.extent else { return };
    // A line of what was read stays, so that nothing is missed.
    let by = lines(to.saturating_sub(from + 1).max(1));
    let last = of.saturating_sub(to.saturating_sub(from));
    model.nav.scroll = if down { (from + by).min(last) } else { from.saturating_sub(by) };
}

fn step(model: &mut Model, go: impl Fn(usize, usize) -> usize) {
    if let Some(Overlay::Menu(menu)) = &model.nav.overlay {
        let offers = menu::offers(model, &menu.target);
        let next = go(menu.at(&offers), offers.len().saturating_sub(1));
        let (target, verb) = (menu.target.clone(), offers.get(next).map(|offer| offer.verb));
        model.nav.overlay = Some(Overlay::Menu(Menu { target, verb }));
        return;
    }
    // What lies under a card is not seen: it does not move. What lies over the screen does, where there is more of it.
    if model.nav.overlay.is_some() {
        if let Extent::Part { from, to, of } = model.drawn.extent {
            model.nav.scroll = go(from, of.saturating_sub(to.saturating_sub(from)));
        }
        return;
    }
    let rows = board::rows(model);
    let at = board::selected(model).and_then(|key| rows.iter().position(|row| *row == key));
    // From a row that is gone any step leads to the first.
    let next = at.map_or(0, |at| go(at, rows.len().saturating_sub(1)));
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

/// Opens the menu of the selected row; once more closes it.
fn show_menu(model: &mut Model) {
    if matches!(model.nav.overlay, Some(Overlay::Menu(_))) {
        model.nav.overlay = None;
        return;
    }
    match board::target(model) {
        Some(target) => {
            // As with a verb's key: whoever looks at what can be done with a row has chosen it.
            model.nav.selected = board::selected(model);
            model.notice = None;
            model.nav.overlay = Some(Overlay::Menu(Menu::of(target)));
        }
        None => model.say(board::unselected(model)),
    }
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
