//! Moving about: rows, screens, overlays, the filter. Nothing here leads to a call.

use crate::{
    app::{
        address, drift,
        effect::Effect,
        inbox,
        intent::Intent,
        menu::{self, Menu},
        model::{Model, Overlay, RowKey, Screen},
        palette::{self, Choice, Palette},
        rows,
        update::act,
    },
    domain::{
        gate::{Eligibility, nobody_can},
        object::ObjectId,
    },
};

/// Rows of a page at least, and lines of a screen that are no rows of its list: heads, rules, headings, the footer.
const PAGE: usize = 5;
const CHROME: usize = 8;

/// Takes an intent that is not a verb.
pub(super) fn intent(model: &mut Model, intent: Intent) -> Vec<Effect> {
    let (page, half) = (page(model), page(model).div_ceil(2));
    match intent {
        Intent::Down => step(model, |at, last| (at + 1).min(last)),
        Intent::Up => step(model, |at, _| at.saturating_sub(1)),
        Intent::PageDown if has_more(model) => scroll(model, |page| page, true),
        Intent::PageUp if has_more(model) => scroll(model, |page| page, false),
        Intent::HalfDown if has_more(model) => scroll(model, |page| page.div_ceil(2), true),
        Intent::HalfUp if has_more(model) => scroll(model, |page| page.div_ceil(2), false),
        Intent::PageDown => step(model, |at, last| (at + page).min(last)),
        Intent::PageUp => step(model, |at, _| at.saturating_sub(page)),
        Intent::HalfDown => step(model, |at, last| (at + half).min(last)),
        Intent::HalfUp => step(model, |at, _| at.saturating_sub(half)),
        Intent::Top => step(model, |_, _| 0),
        Intent::Bottom => step(model, |_, last| last),
        Intent::Open if matches!(model.nav.overlay, Some(Overlay::Menu(_))) => return act::choose(model),
        Intent::Open => open(model),
        Intent::Menu => show_menu(model),
        Intent::Mark => act::mark(model),
        Intent::Section => next_section(model),
        Intent::Board => show(model, Screen::Board),
        Intent::Pipelines => show(model, Screen::Pipelines),
        Intent::Inbox => show(model, Screen::Inbox),
        Intent::Signals => show(model, Screen::Signals),
        Intent::Logs => logs(model),
        Intent::Browser => return browser(model),
        Intent::Palette => {
            model.notice = None;
            model.nav.overlay = Some(Overlay::Palette(Palette::default()));
        }
        Intent::Why => why(model),
        Intent::Drift => settings(model),
        Intent::Help if model.nav.overlay == Some(Overlay::Help) => model.nav.overlay = None,
        Intent::Help => model.nav.overlay = Some(Overlay::Help),
        Intent::Filter => filter(model),
        Intent::Back => back(model),
        Intent::TakeOver => return act::take_over(model),
        Intent::Send if matches!(model.nav.overlay, Some(Overlay::Palette(_))) => return choose(model),
        Intent::Send => return act::send(model),
        Intent::Erase | Intent::EraseWord => return act::erase(model),
        Intent::NextField if matches!(model.nav.overlay, Some(Overlay::Palette(_))) => {
            step(model, |at, last| (at + 1).min(last));
        }
        Intent::PreviousField if matches!(model.nav.overlay, Some(Overlay::Palette(_))) => {
            step(model, |at, _| at.saturating_sub(1));
        }
        // Where there is nothing to fill in, the arrows move what there is to read.
        Intent::NextField if model.card().is_some_and(|card| card.form.is_empty()) => scroll(model, |_| 1, true),
        Intent::PreviousField if model.card().is_some_and(|card| card.form.is_empty()) => scroll(model, |_| 1, false),
        Intent::NextField => return act::change(model, |card| card.step(true)),
        Intent::PreviousField => return act::change(model, |card| card.step(false)),
        Intent::NextOption => return act::change(model, |card| card.turn(true)),
        Intent::PreviousOption => return act::change(model, |card| card.turn(false)),
        Intent::Quit => return vec![Effect::Quit],
        Intent::Interrupt => return vec![Effect::Interrupt],
        Intent::Suspend => return vec![Effect::Suspend],
        Intent::FindNext | Intent::FindBefore | Intent::Follow => {
            model.say("there is no log here: Enter on a run shows its jobs' logs, l what a release writes");
        }
        Intent::Level | Intent::Side => model.say("there are no lines here: l shows what a release writes"),
        // Verbs are taken by `act::press`.
        Intent::Do(_) => {}
    }
    Vec::new()
}

/// Rows of a page on this screen, about: less than what is shown, so that something of it stays.
fn page(model: &Model) -> usize {
    usize::from(model.size.1).saturating_sub(CHROME).max(PAGE)
}

/// Is there text to be moved, over the screen or on it? A list moves by its selection.
fn has_more(model: &Model) -> bool {
    let lists = matches!(model.nav.overlay, Some(Overlay::Menu(_) | Overlay::Palette(_)));
    !lists && (model.nav.overlay.is_some() || model.drawn.extent.lines().is_some())
}

/// Moves what lies over the screen, or the text of the screen itself, as far as the newest frame says that there is more of it.
fn scroll(model: &mut Model, lines: impl Fn(usize) -> usize, down: bool) {
    let Some((from, to, of)) = model.drawn.extent.lines() else { return };
    // A line of what was read stays, so that nothing is missed.
    let by = lines(to.saturating_sub(from + 1).max(1));
    let last = of.saturating_sub(to.saturating_sub(from));
    place(model, if down { (from + by).min(last) } else { from.saturating_sub(by) });
}

/// The line that stands first now.
fn place(model: &mut Model, first: usize) {
    if model.nav.overlay.is_some() {
        model.nav.scroll = first;
    } else {
        model.nav.below = first;
    }
}

fn step(model: &mut Model, go: impl Fn(usize, usize) -> usize) {
    match &model.nav.overlay {
        Some(Overlay::Menu(menu)) => {
            let offers = menu::offers(model, &menu.target);
            let next = go(menu.at(&offers), offers.len().saturating_sub(1));
            let (target, verb) = (menu.target.clone(), offers.get(next).map(|offer| offer.verb));
            model.nav.overlay = Some(Overlay::Menu(Menu { target, verb }));
            return;
        }
        Some(Overlay::Palette(palette)) => {
            let entries = palette::entries(model, &palette.typed);
            let next = go(palette.at(&entries), entries.len().saturating_sub(1));
            let (typed, chosen) = (palette.typed.clone(), entries.into_iter().nth(next).map(|entry| entry.choice));
            model.nav.overlay = Some(Overlay::Palette(Palette { typed, chosen }));
            return;
        }
        // What lies under a card is not seen: it does not move.
        Some(_) => {}
        None => {
            let rows = rows::rows(model);
            if rows.len() > 1 || model.drawn.extent.lines().is_none() {
                let at = rows::selected(model).and_then(|key| rows.iter().position(|row| *row == key));
                // From a row that is gone any step leads to the first.
                let next = at.map_or(0, |at| go(at, rows.len().saturating_sub(1)));
                model.nav.selected = rows.get(next).cloned();
                model.notice = None;
                return;
            }
        }
    }
    // What lies over the screen moves, and so does the text of one without a list, where there is more of it.
    if let Some((from, to, of)) = model.drawn.extent.lines() {
        place(model, go(from, of.saturating_sub(to.saturating_sub(from))));
    }
}

/// Goes to the next section or pane; over the screen, to the next entry or to the rest.
fn next_section(model: &mut Model) {
    if model.nav.overlay.is_some() {
        if has_more(model) {
            scroll(model, |page| page, true);
        } else {
            step(model, |at, last| if at < last { at + 1 } else { 0 });
        }
        return;
    }
    match rows::of_next_section(model) {
        Some(next) if rows::selected(model) == Some(next.clone()) => model.say("there is no other section here"),
        Some(next) => {
            model.nav.selected = Some(next);
            model.notice = None;
        }
        None if model.drawn.extent.lines().is_some() => scroll(model, |page| page, true),
        None => model.say("there is no other section here"),
    }
}

fn open(model: &mut Model) {
    match rows::selected(model) {
        Some(key) => open_object(model, key.target()),
        None => model.say(rows::unselected(model)),
    }
}

/// Shows an object on the screen that is about it.
fn open_object(model: &mut Model, id: ObjectId) {
    if model.store.rollout(&id).is_some() {
        show(model, Screen::Release(id));
    } else if model.store.run(&id).is_some() {
        show(model, Screen::Run(id));
    } else if let Some(said) = model.store.from_cache(&id) {
        model.say(said);
    } else {
        // A gate has no screen of its own: its row and its card say all there is.
        let item = inbox::items(model).into_iter().find(|item| item.target == id);
        let why = item.and_then(|item| match item.eligible {
            Eligibility::Cannot { why, .. } => Some(format!("you cannot open this gate: {why}")),
            Eligibility::Nobody { why } => Some(nobody_can(&why)),
            Eligibility::Can | Eligibility::Unknown { .. } => item.refused.map(|why| format!("refused now: {why}")),
        });
        let hint = || "press y to approve or x to reject; the card shows what would be sent".to_owned();
        model.say(why.unwrap_or_else(hint));
    }
}

/// Does what the palette has chosen.
fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Palette(palette)) = &model.nav.overlay else { return Vec::new() };
    let entries = palette::entries(model, &palette.typed);
    let Some(choice) = entries.get(palette.at(&entries)).map(|entry| entry.choice.clone()) else {
        model.say("nothing is called so");
        return Vec::new();
    };
    model.nav.overlay = None;
    match choice {
        Choice::Intent(chosen) => match chosen.verb() {
            Some(verb) => act::press(model, verb),
            None => intent(model, chosen),
        },
        Choice::Object(id) => {
            if model.store.gate(&id).is_some() {
                model.nav.filter.clear();
                show(model, Screen::Inbox);
                model.nav.selected = Some(RowKey::Waits(id));
            } else {
                open_object(model, id);
            }
            Vec::new()
        }
    }
}

/// What the versions of the selected release wrote.
fn logs(model: &mut Model) {
    match rows::target(model) {
        Some(rollout) if model.store.rollout(&rollout).is_some() => show(model, Screen::Logs { rollout }),
        Some(run) if model.store.run(&run).is_some() => show(model, Screen::Run(run)),
        Some(_) => model.say("this row has no logs: a release and a run have"),
        None => model.say(rows::unselected(model)),
    }
}

/// Shows where a browser shows the selected object, and hands the address to the clipboard.
fn browser(model: &mut Model) -> Vec<Effect> {
    let Some(key) = rows::selected(model) else {
        model.say(rows::unselected(model));
        return Vec::new();
    };
    match address::of(model, &key) {
        Ok(address) => {
            let copy = Effect::Copy(address.url.clone());
            model.nav.overlay = Some(Overlay::Address(address));
            vec![copy]
        }
        Err(why) => {
            model.say(why);
            Vec::new()
        }
    }
}

/// What follows is text, wherever the key is pressed: where there are no rows, the list under it is filtered.
fn filter(model: &mut Model) {
    model.nav.overlay = None;
    while model.nav.screen().object().is_some() && model.nav.back() {}
    model.nav.filtering = true;
    rows::choose(model);
}

fn show(model: &mut Model, screen: Screen) {
    model.nav.overlay = None;
    let here = if model.nav.screen().object().is_none() { rows::selected(model) } else { model.nav.selected.clone() };
    model.nav.open_from(screen, here);
    rows::choose(model);
}

/// Opens the menu of the selected row; once more closes it.
fn show_menu(model: &mut Model) {
    if matches!(model.nav.overlay, Some(Overlay::Menu(_))) {
        model.nav.overlay = None;
        return;
    }
    match rows::target(model) {
        Some(target) => {
            // As with a verb's key: whoever looks at what can be done with a row has chosen it.
            model.nav.selected = rows::selected(model);
            model.notice = None;
            model.nav.overlay = Some(Overlay::Menu(Menu::of(target)));
        }
        None => model.say(rows::unselected(model)),
    }
}

fn why(model: &mut Model) {
    match rows::target(model) {
        Some(id) if model.store.rollout(&id).is_some() => model.nav.overlay = Some(Overlay::Why(id)),
        _ => model.say("there is no verdict on this row"),
    }
}

/// Which settings differ where the selected row goes.
fn settings(model: &mut Model) {
    match rows::target(model) {
        Some(id) if drift::pair(model, &id).is_some() => model.nav.overlay = Some(Overlay::Drift(id)),
        Some(_) => {
            model.say("there is no environment to compare its settings with: drift.from of its service names one");
        }
        None => model.say(rows::unselected(model)),
    }
}

/// Leaves the innermost thing: overlay, filter being typed, filter, marks, screen.
fn back(model: &mut Model) {
    model.notice = None;
    if model.nav.overlay.take().is_some() {
        return;
    }
    if model.nav.filtering || !model.nav.filter.is_empty() {
        model.nav.filtering = false;
        model.nav.filter.clear();
    } else if rows::is_list(model) && !model.nav.marked.is_empty() {
        let marked = std::mem::take(&mut model.nav.marked).len();
        model.say(match marked {
            1 => "its mark is taken back: a verb acts on the row you are on".to_owned(),
            many => format!("{many} marks are taken back: a verb acts on the row you are on"),
        });
    } else {
        model.nav.back();
    }
    rows::choose(model);
}

#[cfg(test)]
mod tests;
