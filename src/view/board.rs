//! The board: the answer on top, then what is in flight, what waits for a human, and one line for all that is quiet.

pub(super) mod flight;

use std::ops::Range;

use crate::{
    app::board,
    view::{
        Part, action, chrome, headline, inbox,
        scene::Scene,
        span::{Line, Role},
        table::{self, List, heading},
    },
};

/// Lines of reasons in the headline, and of actions below it.
const REASONS: usize = 3;
const ACTIONS: usize = 2;
/// Rows that the list of what waits keeps when both lists are long.
const LEAST_WAITING: usize = 3;

/// Everything between the rules.
pub(super) fn body(scene: &Scene<'_>) -> Vec<Part> {
    let mut parts = headline::block(scene, REASONS);
    parts.extend(action::recent(scene, ACTIONS));
    parts.push(Part::Rule);
    let room = (scene.rows.saturating_sub(chrome(scene.rows))).saturating_sub(parts.len());
    // The quiet line, a heading for each list, and a blank between what differs.
    let (flights, waiting) = share(scene.flights.len().max(1), scene.waiting.len(), room.saturating_sub(4));
    parts.extend(in_flight(scene, flights));
    if !scene.waiting.is_empty() {
        parts.push(Part::blank());
        parts.extend(inbox::list(scene, waiting));
    }
    if room > flights + waiting + 4 {
        parts.push(Part::blank());
    }
    parts.push(Part::Line(quiet(scene)));
    parts
}

/// How many rows of each list are shown in so many lines.
fn share(flights: usize, waiting: usize, room: usize) -> (usize, usize) {
    if flights + waiting <= room {
        return (flights, waiting);
    }
    let for_waiting = waiting.min((room / 3).max(LEAST_WAITING).max(room.saturating_sub(flights)));
    let for_flights = flights.min(room.saturating_sub(for_waiting));
    (for_flights, for_waiting.min(room.saturating_sub(for_flights)))
}

fn in_flight(scene: &Scene<'_>, room: usize) -> Vec<Part> {
    if scene.flights.is_empty() {
        let why = nothing(scene);
        return vec![
            Part::Line(Line::of(Role::Title, "   IN FLIGHT")),
            Part::Line(Line::of(Role::Dim, format!("   {why}")).cut(scene.columns)),
        ];
    }
    let selected = scene.selected_flight();
    let shown: Range<usize> = table::window(scene.flights.len(), room, selected);
    let list = List {
        title: heading("IN FLIGHT", scene.flights.len(), &shown),
        specs: &flight::specs(scene.columns),
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

fn quiet(scene: &Scene<'_>) -> Line {
    let steady = board::steady(scene.model);
    let held = scene.flights.iter().filter(|rollout| rollout.held).count();
    let aborted = scene.flights.iter().filter(|rollout| rollout.aborted_in_spec).count();
    let mut line = Line::of(Role::Title, "   QUIET").gap(2);
    line = line.and(
        Role::Dim,
        match steady {
            0 => "no service is steady".to_owned(),
            1 => "1 service steady".to_owned(),
            many => format!("{many} services steady"),
        },
    );
    if held + aborted > 0 {
        line = line.gap(3).and(Role::Title, "HOLDS").gap(2);
        let words = [(held, "paused by a person"), (aborted, "aborted and still in the spec")];
        let words: Vec<String> =
            words.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
        line = line.and(Role::Warn, words.join(", "));
    }
    line.cut(scene.columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_keeps_a_third_of_a_full_board() {
        assert_eq!(share(4, 3, 20), (4, 3));
        assert_eq!(share(500, 2, 20), (18, 2));
        assert_eq!(share(500, 500, 21), (14, 7));
        assert_eq!(share(2, 500, 21), (2, 19));
        assert_eq!(share(500, 500, 0), (0, 0));
    }
}
