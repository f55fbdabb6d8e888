//! The board: the answer on top, then the releases, what waits for a human, and what is steady. What there is no room for folds
//! to a count.

pub(super) mod flight;
mod steady;

use std::ops::Range;

use crate::{
    app::intent::Intent,
    domain::rollout::Rollout,
    view::{
        Part, action, chrome, headline, inbox,
        scene::Scene,
        span::{Line, Role},
        table::{self, List, heading},
    },
};

/// Rows that the list of what waits keeps when other lists are long, and those that the selected one has at least.
const LEAST_WAITING: usize = 3;
const LEAST_SELECTED: usize = 2;
/// With fewer lines than these only the section of the selected row is listed.
const LEAST_ROOM: usize = 6;
/// With fewer lines for them, lists stand without blanks between.
const DENSE: usize = 12;

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    let (reasons, actions) = match scene.rows {
        22.. => (3, 2),
        18..22 => (2, 2),
        _ => (1, 1),
    };
    let mut parts = headline::block(scene, reasons);
    let mut acts = action::recent(scene, actions);
    if scene.rows < 18 {
        // All of what it says stands on the release.
        acts.truncate(2);
    }
    parts.extend(acts);
    parts.push(Part::Rule);
    let room = (scene.rows.saturating_sub(chrome(scene.rows))).saturating_sub(parts.len());
    parts.extend(lists(scene, room));
    parts
}

/// The sections of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Releases,
    Waiting,
    Steady,
}

/// How many rows of each section are shown; `None` where it folds to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    releases: usize,
    waiting: Option<usize>,
    steady: Option<usize>,
    /// A blank before each section but the first.
    gap: usize,
    /// Is there a last line of counts?
    counts: bool,
}

fn lists(scene: &Scene<'_>, room: usize) -> Vec<Part> {
    let holds = holds(scene);
    if room < LEAST_ROOM {
        return only_selected(scene, room, holds);
    }
    let has = [scene.flights.len(), scene.waiting.len(), scene.resting.len()];
    let share = share(has, selected(scene), room, !holds.is_empty());
    let mut parts = releases(scene, share.releases);
    let gap = || (0..share.gap).map(|_| Part::blank());
    if let Some(rows) = share.waiting.filter(|_| !scene.waiting.is_empty()) {
        parts.extend(gap());
        parts.extend(inbox::list(scene, rows));
    }
    if let Some(rows) = share.steady.filter(|_| !scene.resting.is_empty()) {
        parts.extend(gap());
        parts.push(steady::list(scene, rows));
    }
    if share.counts {
        parts.extend(gap());
        parts.push(Part::Line(counts(scene, &share, holds)));
    }
    parts
}

/// The section of the selected row and the counts of the others: there is no room for a second list.
fn only_selected(scene: &Scene<'_>, room: usize, holds: Line) -> Vec<Part> {
    let section = selected(scene);
    let has = [scene.flights.len(), scene.waiting.len(), scene.resting.len()];
    let share = match section {
        // A list takes its heading, and the counts below it a line.
        Section::Releases => share(has, section, room, !holds.is_empty()),
        _ => Share { releases: 0, waiting: None, steady: None, gap: 0, counts: room > LEAST_SELECTED },
    };
    let rows = room.saturating_sub(2).max(1);
    let (mut parts, share) = match section {
        Section::Releases => (releases(scene, share.releases), share),
        Section::Waiting => (inbox::list(scene, rows), Share { waiting: Some(rows), ..share }),
        Section::Steady => (vec![steady::list(scene, rows)], Share { steady: Some(rows), ..share }),
    };
    if share.counts {
        parts.push(Part::Line(counts(scene, &share, holds)));
    }
    parts
}

fn selected(scene: &Scene<'_>) -> Section {
    if scene.selected_item().is_some() {
        Section::Waiting
    } else if scene.selected_of(&scene.resting).is_some() {
        Section::Steady
    } else {
        Section::Releases
    }
}

/// Shares so many lines among the sections: everything where it fits; else releases first, then what waits, then what is steady,
/// but never so that the selected row has no place.
fn share([releases, waiting, steady]: [usize; 3], selected: Section, room: usize, holds: bool) -> Share {
    let gap = usize::from(room >= DENSE);
    let lines = |rows: usize| if rows > 0 { gap + 1 + rows } else { 0 };
    let all = 1 + releases.max(1) + lines(waiting) + lines(steady) + if holds { gap + 1 } else { 0 };
    if all <= room {
        return Share { releases, waiting: Some(waiting), steady: Some(steady), gap, counts: holds };
    }
    // The last line says how much is not shown.
    let left = room.saturating_sub(gap + 1);
    let keep = |section, rows: usize, least: usize| {
        let least = if selected == section { least.max(LEAST_SELECTED) } else { least };
        rows.min(least)
    };
    let third = keep(Section::Waiting, waiting, (room / 3).max(LEAST_WAITING));
    let least_steady = keep(Section::Steady, steady, 0);
    let least_releases = 1 + releases.clamp(1, LEAST_WAITING);
    // What waits is listed only where releases keep some lines, unless somebody is in it.
    let fits = least_releases + lines(third) + lines(least_steady) <= left;
    let least_waiting = match (fits, selected) {
        (true, _) => third,
        (false, Section::Waiting) => waiting.min(LEAST_SELECTED),
        (false, _) => 0,
    };
    let shown = releases.max(1).min(left.saturating_sub(1 + lines(least_waiting) + lines(least_steady))).max(1);
    let rest = left.saturating_sub(1 + shown + lines(least_steady));
    let rows =
        |least: usize, rows: usize, rest: usize| (least > 0).then(|| rows.min(rest.saturating_sub(gap + 1)).max(1));
    let waiting = rows(least_waiting, waiting, rest);
    let rest = left.saturating_sub(1 + shown + waiting.map_or(0, lines));
    let some = usize::from(steady > 0 && rest >= gap + 2);
    let steady = rows(least_steady.max(some), steady, rest);
    Share { releases: shown, waiting, steady, gap: usize::from(gap > 0), counts: true }
}

fn releases(scene: &Scene<'_>, room: usize) -> Vec<Part> {
    if scene.flights.is_empty() {
        let why = nothing(scene);
        return vec![
            Part::Line(Line::of(Role::Title, "   RELEASES")),
            Part::Line(Line::of(Role::Dim, format!("   {why}")).cut(scene.columns)),
        ];
    }
    let selected = scene.selected_of(&scene.flights);
    let shown: Range<usize> = table::window(scene.flights.len(), room, selected);
    let list = List {
        title: heading("RELEASES", scene.flights.len(), &shown),
        specs: &flight::specs(scene),
        selected: selected.and_then(|index| index.checked_sub(shown.start)),
        rows: scene.flights.get(shown).unwrap_or_default(),
        glyph: flight::glyph,
    };
    vec![Part::Table(list.lay_out(scene, scene.columns))]
}

/// Why the list is empty: nothing is there, nothing matches, or nothing has answered.
fn nothing(scene: &Scene<'_>) -> String {
    let filter = &scene.model.nav.filter;
    let silent: Vec<&str> =
        scene.sources.iter().filter(|state| state.age.is_none()).map(|state| state.source.as_str()).collect();
    if !filter.is_empty() {
        format!("no row contains '{filter}'")
    } else if !silent.is_empty() {
        format!("nothing seen yet: waiting for {}", silent.join(", "))
    } else {
        "nothing is on its way".to_owned()
    }
}

/// How much of each section is not listed, and what is held.
fn counts(scene: &Scene<'_>, share: &Share, holds: Line) -> Line {
    let mut pieces = Vec::new();
    if share.releases == 0 && !scene.flights.is_empty() {
        let count = scene.flights.len().to_string();
        pieces.push(Line::of(Role::Title, "   RELEASES").gap(1).and(Role::Text, count));
    }
    if share.waiting.is_none() && !scene.waiting.is_empty() {
        let count = Line::of(Role::Title, "   WAITS").gap(1).and(Role::Accent, scene.waiting.len().to_string());
        pieces.push(count.gap(2).join(scene.hint(Intent::Inbox, "inbox")));
    }
    if share.steady.is_none() && !scene.resting.is_empty() {
        let old = scene.resting.iter().filter(|rollout| !is_sound(scene, rollout)).count();
        let count = Line::of(Role::Title, "   STEADY").gap(1).and(Role::Text, scene.resting.len().to_string());
        pieces.push(if old > 0 { count.and(Role::Warn, format!(", {old} not all there")) } else { count });
    }
    pieces.push(holds);
    pieces.into_iter().fold(Line::new(), Line::join).cut(scene.columns)
}

/// Is a steady rollout seen now, with all its pods?
fn is_sound(scene: &Scene<'_>, rollout: &Rollout) -> bool {
    steady::glyph(scene, rollout).plain() == steady::SOUND
}

/// What a person or an abort left behind; nothing where there is none. A filter hides none of it.
fn holds(scene: &Scene<'_>) -> Line {
    let all = || scene.model.store.rollouts().filter(|rollout| rollout.in_flight());
    let held = all().filter(|rollout| rollout.held).count();
    let aborted = all().filter(|rollout| rollout.aborted_in_spec).count();
    let released = scene.model.actions.iter().filter(|action| !action.is_running() && action.owed().next().is_some());
    let words = [
        (held, "paused by a person"),
        (aborted, "aborted and still in the spec"),
        (released.count(), "to be released"),
    ];
    let words: Vec<String> = words.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    if words.is_empty() {
        return Line::new();
    }
    Line::of(Role::Title, "   HOLDS").gap(2).and(Role::Warn, words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(has: [usize; 3], selected: Section, room: usize) -> (usize, Option<usize>, Option<usize>) {
        let share = share(has, selected, room, false);
        (share.releases, share.waiting, share.steady)
    }

    #[test]
    fn everything_is_listed_where_it_fits_and_else_the_less_urgent_folds_first() {
        use Section::{Releases, Steady, Waiting};
        let table = [
            ([4, 3, 2], Releases, 20, (4, Some(3), Some(2))),
            ([4, 3, 80], Releases, 20, (4, Some(3), Some(6))),
            ([500, 2, 80], Releases, 20, (13, Some(2), None)),
            ([500, 500, 0], Releases, 21, (9, Some(7), None)),
            ([2, 500, 9], Releases, 21, (2, Some(14), None)),
            ([4, 3, 8], Releases, 6, (4, None, None)),
            ([4, 3, 8], Waiting, 7, (2, Some(2), None)),
            ([4, 3, 8], Steady, 7, (2, None, Some(2))),
            ([0, 0, 8], Steady, 5, (1, None, Some(1))),
        ];
        for (has, selected, room, expected) in table {
            assert_eq!(rows(has, selected, room), expected, "{has:?} {selected:?} in {room}");
        }
    }

    #[test]
    fn the_selected_row_is_drawn_on_the_least_screen_below_an_act_that_says_much() {
        use crate::{port::record::Stage, view::sample};
        let keymap = sample::keymap();
        for stages in [Vec::new(), vec![Stage::Unknown { check: "read Rollout shop/payments again: ".repeat(3) }]] {
            let mut model = sample::board(60, 12);
            if !stages.is_empty() {
                model.actions.recorded(sample::record(stages));
            }
            for key in crate::app::board::rows(&model) {
                model.nav.selected = Some(key.clone());
                let scene = Scene::new(&model, &keymap);
                let parts = body(&scene);
                let lines = |part: &Part| if let Part::Table(table) = part { 1 + table.rows.len() } else { 1 };
                assert!(parts.iter().map(lines).sum::<usize>() <= 12 - chrome(12), "{key:?}: {parts:?}");
                let tables =
                    parts.iter().filter_map(|part| if let Part::Table(table) = part { Some(table) } else { None });
                let drawn = tables.flat_map(|table| &table.rows).filter(|row| row.selected).count();
                assert_eq!(drawn, 1, "{key:?}");
            }
        }
    }

    #[test]
    fn sections_never_take_more_lines_than_there_are_and_the_selected_one_has_a_row() {
        for room in 4..40 {
            for has in [[0, 0, 9], [1, 0, 0], [4, 3, 8], [500, 500, 500], [2, 9, 0], [0, 4, 4], [9, 1, 300]] {
                for (index, selected) in [Section::Releases, Section::Waiting, Section::Steady].into_iter().enumerate()
                {
                    if has[index] == 0 {
                        continue;
                    }
                    let share = share(has, selected, room, true);
                    let lines = |rows: Option<usize>| rows.filter(|n| *n > 0).map_or(0, |rows| share.gap + 1 + rows);
                    let counts = if share.counts { share.gap + 1 } else { 0 };
                    let all = 1 + share.releases.max(1) + lines(share.waiting) + lines(share.steady) + counts;
                    assert!(room < 6 || all <= room, "{has:?} {selected:?} takes {all} of {room}: {share:?}");
                    let shown = [Some(share.releases), share.waiting, share.steady][index];
                    assert!(shown > Some(0), "{has:?} {selected:?} in {room}: {share:?}");
                }
            }
        }
    }
}
