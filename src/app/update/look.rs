//! Reading what a release writes: its patterns, its lines, and what is looked for in them. Nothing here leads to a call.

use crate::{
    app::{
        intent::Intent,
        logs::look::{self, in_common, open_around},
        model::Model,
        pane::{Pane, contains},
    },
    domain::{
        line::{Level, LogLine},
        rollout::Rollout,
    },
};

pub(super) use crate::app::logs::look::settle;

/// The pane of the patterns, and that of the lines.
const PATTERNS: usize = 0;
const LINES: usize = 1;

/// The release whose lines are on screen, where nothing lies over them.
fn release(model: &Model) -> Option<Rollout> {
    look::release(model).filter(|_| model.nav.overlay.is_none()).cloned()
}

/// Takes an intent that means something else among lines than elsewhere; false where it does not.
pub(super) fn intent(model: &mut Model, intent: Intent) -> bool {
    let Some(release) = release(model) else { return false };
    if !model.logs.contains_key(&release.id) {
        return false;
    }
    let around = model.look.around.is_some();
    let in_lines = around || model.nav.pane == LINES;
    let page = page(model);
    match intent {
        Intent::Level | Intent::Side | Intent::Filter if around => {
            model.say("these are all lines around one: Esc goes back to what is filtered");
        }
        Intent::Level => model.look.turn_level(),
        Intent::Side => model.look.turn_side(),
        Intent::Section if !around => model.nav.pane = if in_lines { PATTERNS } else { LINES },
        Intent::Logs => model.nav.pane = LINES,
        Intent::Open if in_lines => open_line(model, &release),
        Intent::Open => own_lines(model, &release),
        Intent::Down => step(model, &release, 1),
        Intent::Up => step(model, &release, -1),
        Intent::PageDown => step(model, &release, page),
        Intent::PageUp => step(model, &release, -page),
        Intent::HalfDown => step(model, &release, page / 2),
        Intent::HalfUp => step(model, &release, -(page / 2)),
        Intent::Top => step(model, &release, isize::MIN),
        Intent::Bottom if in_lines => pane(model).end(),
        Intent::Bottom => step(model, &release, isize::MAX),
        Intent::Filter => begin_search(model),
        Intent::FindNext => find(model, &release, false),
        Intent::FindBefore => find(model, &release, true),
        Intent::Follow => follow(model, &release),
        Intent::Send if model.look.pane.typing => end_search(model, &release),
        Intent::Erase if model.look.pane.typing => drop(model.look.pane.search.pop()),
        Intent::Back => return back(model),
        _ => return false,
    }
    true
}

/// Takes a character of what is looked for; false where nothing is.
pub(super) fn typed(model: &mut Model, c: char) -> bool {
    release(model).is_some() && model.look.pane.typed(c)
}

fn pane(model: &mut Model) -> &mut Pane {
    match &mut model.look.around {
        Some(around) => &mut around.pane,
        None => &mut model.look.pane,
    }
}

/// The lines that are shown, and where among them one is.
fn with_lines<T>(model: &mut Model, release: &Rollout, act: impl FnOnce(&mut Pane, &[&LogLine]) -> T) -> Option<T> {
    // The pane is taken out: the lines are borrowed from what is left.
    let mut taken = std::mem::take(pane(model));
    let lines: Option<Vec<&LogLine>> = match &model.look.around {
        Some(around) => Some(around.logs.lines.iter().collect()),
        None => look::shown_for(model, release, &taken).map(|shown| shown.lines),
    };
    let acted = lines.map(|lines| act(&mut taken, &lines));
    *pane(model) = taken;
    acted
}

/// For how many lines there is room: as many as the newest frame showed; for all where they fit.
fn rows(model: &Model) -> usize {
    model.drawn.extent.lines().map_or(usize::MAX, |(from, to, _)| to.saturating_sub(from).max(1))
}

fn page(model: &Model) -> isize {
    // A line of what was read stays.
    let rows = model.drawn.extent.lines().map_or(1, |(from, to, _)| to.saturating_sub(from + 1).max(1));
    isize::try_from(rows).unwrap_or(isize::MAX)
}

fn step(model: &mut Model, release: &Rollout, by: isize) {
    model.notice = None;
    if model.look.around.is_some() || model.nav.pane == LINES {
        let rows = rows(model);
        with_lines(model, release, |pane, lines| {
            if by == isize::MIN {
                pane.begin();
            } else {
                pane.step((lines.len(), rows.min(lines.len().max(1))), by);
            }
        });
        return;
    }
    let Some(shown) = look::shown(model, release) else { return };
    let patterns = look::patterns(model, release, &shown);
    let at = model.look.at(&patterns).saturating_add_signed(by).min(patterns.len().saturating_sub(1));
    let number = patterns.get(at).map(|one| one.pattern.number);
    model.look.choose(number);
}

fn begin_search(model: &mut Model) {
    model.nav.pane = LINES;
    model.look.pane.begin_search();
}

/// What was typed is asked for, and what is here already is gone to.
fn end_search(model: &mut Model, release: &Rollout) {
    model.look.pane.typing = false;
    model.look.pane.renew();
    if !model.look.pane.search.is_empty() {
        let rows = rows(model);
        with_lines(model, release, |pane, lines| {
            pane.find((lines.len(), rows.min(lines.len())), |_| true, true);
        });
    }
}

/// Goes to the next line that holds what is looked for; where nothing is, to the next that says it is an error.
fn find(model: &mut Model, release: &Rollout, back: bool) {
    if model.look.around.is_none() {
        model.nav.pane = LINES;
    }
    let (rows, search) = (rows(model), model.look.pane.search.clone());
    let found = with_lines(model, release, |pane, lines| {
        let wanted = |place: usize| {
            lines.get(place).is_some_and(|line| match search.as_str() {
                "" => line.level >= Some(Level::Error),
                search => contains(&line.text, search) || line.fields.values().any(|value| contains(value, search)),
            })
        };
        (pane.find((lines.len(), rows.min(lines.len())), wanted, back), lines.len())
    });
    match (found, search.as_str()) {
        (Some((true, _)), _) => {}
        (None | Some((_, 0)), _) => model.say("there are no lines here"),
        (Some(_), "") => model.say("no line here says that it is an error"),
        (Some(_), search) => model.say(format!("no line here contains '{search}'")),
    }
}

fn follow(model: &mut Model, release: &Rollout) {
    if model.look.around.is_some() {
        model.say("these lines stand: Esc goes back to those that go on");
        return;
    }
    model.nav.pane = LINES;
    let rows = rows(model);
    with_lines(model, release, |pane, lines| pane.follow(lines.len(), rows.min(lines.len())));
}

/// Shows the lines around the marked one.
fn open_line(model: &mut Model, release: &Rollout) {
    let marked = with_lines(model, release, |pane, lines| pane.found().and_then(|at| lines.get(at).copied()).cloned());
    match marked.flatten() {
        Some(line) => open_around(model, release, line),
        None => model.say("no line is marked: j or k marks one"),
    }
}

/// Shows the lines of the chosen pattern.
fn own_lines(model: &mut Model, release: &Rollout) {
    let Some(shown) = look::shown(model, release) else { return };
    let patterns = look::patterns(model, release, &shown);
    let text = patterns.get(model.look.at(&patterns)).map(in_common);
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            model.nav.pane = LINES;
            model.look.pane.renew();
            model.look.pane.search = text;
        }
        None => model.say("its lines have no words in common to be found by"),
    }
}

/// Leaves what was opened last: what is typed, the lines around one, what is looked for, the lines; false where that is the screen.
fn back(model: &mut Model) -> bool {
    let typing = model.look.pane.typing;
    if model.look.around.take().is_some() {
    } else if typing || !model.look.pane.search.is_empty() {
        model.look.pane = Pane::default();
    } else if model.nav.pane == LINES {
        model.nav.pane = PATTERNS;
    } else {
        return false;
    }
    model.notice = None;
    true
}
