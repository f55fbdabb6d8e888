//! What stands below or beside the charts of a release: its pods, its neighbours, what its engine says, what happened. One text, in
//! sections, which the keys for pages move where there is no room for all of it.

use std::ops::Range;

use crate::{
    app::board,
    domain::rollout::{Role as Side, Rollout},
    view::{
        Part, cells, freshness, number, past_us,
        release::{logs, pods, preflight},
        row::flight,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Cells of the names of sections.
const NAME: usize = 12;
/// Neighbours that are named; the others are counted.
const NEIGHBOURS: usize = 12;

/// Every section that has something to say, each under its name, in so many columns.
pub(super) fn sections(scene: &Scene<'_>, rollout: &Rollout, columns: usize) -> Vec<Line> {
    let narrow = columns < 100;
    let sections = [
        ("LOGS", logs::lines(scene, rollout, columns.saturating_sub(NAME))),
        ("PODS", pods::pods(scene, rollout, narrow)),
        ("WAY BACK", preflight::lines(scene, rollout, columns.saturating_sub(NAME))),
        ("NEIGHBOURS", neighbours(scene, rollout, columns.saturating_sub(NAME + 1))),
        ("ENGINE", pods::engine(rollout)),
        ("PAST US", past_us::all(scene, rollout)),
        ("EVENTS", pods::events(rollout)),
    ];
    let old = freshness::is_old(scene.state(&rollout.id).as_ref());
    let mut lines = Vec::new();
    for (name, said) in sections {
        for (index, line) in said.into_iter().enumerate() {
            let label = if index == 0 { name } else { "" };
            let line = if old { line.stale() } else { line };
            lines.push(Line::of(Role::Title, format!(" {label}")).pad(NAME).join(line).cut(columns));
        }
    }
    lines
}

/// As many of the lines as there is room for, from this one on, and which they are where not all are shown.
pub(super) fn window(lines: Vec<Line>, first: usize, room: usize) -> (Vec<Part>, Option<(Range<usize>, usize)>) {
    let of = lines.len();
    if of <= room {
        return (lines.into_iter().map(Part::Line).collect(), None);
    }
    let space = room.saturating_sub(1);
    let from = first.min(of.saturating_sub(space));
    let shown = from..from + space;
    let mut parts: Vec<Part> = lines.get(shown.clone()).unwrap_or_default().iter().cloned().map(Part::Line).collect();
    let (above, below) = (from, of - shown.end);
    let words = match (above, below) {
        (0, below) => format!(" … {below} more below"),
        (above, 0) => format!(" … {above} above"),
        (above, below) => format!(" … {above} above, {below} more below"),
    };
    if room > 0 {
        parts.push(Part::Line(Line::of(Role::Dim, format!("{words}: PageDown and PageUp move"))));
    }
    (parts, (space > 0).then_some((shown, of)))
}

/// What else is in flight, each with its state and its errors now: what hits all of them is no doing of this one.
fn neighbours(scene: &Scene<'_>, rollout: &Rollout, room: usize) -> Vec<Line> {
    let others: Vec<&Rollout> =
        board::in_flight(scene.model).into_iter().filter(|other| other.id != rollout.id).collect();
    if others.is_empty() {
        return Vec::new();
    }
    // What is measured of them is of the newest interval.
    let window = format!("last {}", number::age(scene.model.session.signal_step));
    let mut line = Line::of(Role::Dim, window).gap(3);
    let mut left_out = 0;
    for (index, other) in others.into_iter().enumerate() {
        let errors = flight::latest(scene, other, Side::Canary, |signals| &signals.error_ratio);
        let one = flight::glyph(scene, other)
            .and(Role::Text, format!(" {}", cells::called(scene.model, &other.service, &other.environment)));
        let one = match errors {
            Some(share) => one.and(Role::Dim, format!(" {}", number::percent(share))),
            None => one.and(Role::Unknown, " no data"),
        };
        if index >= NEIGHBOURS || line.width() + one.width() + 12 > room {
            left_out += 1;
        } else {
            line = line.join(one).gap(3);
        }
    }
    if left_out > 0 {
        line = line.and(Role::Dim, format!("+{left_out} more"));
    }
    vec![line]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(first: usize, room: usize) -> (Vec<String>, Option<(Range<usize>, usize)>) {
        let lines = (0..6).map(|index| Line::of(Role::Text, index.to_string())).collect();
        let (parts, window) = window(lines, first, room);
        let plain = |part: Part| if let Part::Line(line) = part { line.plain() } else { String::new() };
        (parts.into_iter().map(plain).collect(), window)
    }

    #[test]
    fn what_does_not_fit_is_said_above_and_below_and_the_end_stays_in_reach() {
        assert_eq!(shown(0, 6).1, None);
        let (lines, window) = shown(0, 4);
        assert_eq!((lines[3].as_str(), window), (" … 3 more below: PageDown and PageUp move", Some((0..3, 6))));
        let (lines, window) = shown(2, 4);
        assert_eq!((lines[0].as_str(), window), ("2", Some((2..5, 6))));
        assert!(lines[3].starts_with(" … 2 above, 1 more below"), "{lines:?}");
        let (lines, window) = shown(99, 4);
        assert_eq!((lines[2].as_str(), window), ("5", Some((3..6, 6))));
        assert_eq!(shown(0, 0), (Vec::new(), None));
    }
}
