//! Columns by width: they shrink and then drop out, least important first, rather than clip. Rows are built for the
//! visible slice only.

use std::ops::Range;

use crate::view::span::{Line, Role};

/// How a cell stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Cells that it takes.
    pub width: usize,
    /// How its cells stand.
    pub align: Align,
}

/// One row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its status, in one cell.
    pub glyph: Line,
    /// One for each column, none wider than its column.
    pub cells: Vec<Line>,
    /// Is it the selected one?
    pub selected: bool,
}

/// A list of rows under its heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What is listed, and how much of it is shown: stands over the first column.
    pub title: Line,
    /// From left to right.
    pub columns: Vec<Column>,
    /// The visible ones.
    pub rows: Vec<Row>,
}

/// What a column is meant to be.
pub(super) struct Spec<C, T> {
    pub(super) title: &'static str,
    /// It is never narrower than this.
    pub(super) least: usize,
    /// It is never wider than this unless it is the last one.
    pub(super) ideal: usize,
    /// The highest drops out first; 0 never does.
    pub(super) drops: u8,
    pub(super) align: Align,
    /// Makes a cell of at most so many cells' width.
    pub(super) cell: fn(&C, T, usize) -> Line,
}

/// Left of the first column: selection mark, glyph, a blank.
pub const MARGIN: usize = 3;
/// Between columns.
pub const GAP: usize = 2;
/// Between columns on narrow screens.
pub const NARROW_GAP: usize = 1;
/// Screens narrower than this are narrow.
const NARROW: usize = 100;

/// The gap between columns on a screen so wide.
pub fn gap(columns: usize) -> usize {
    if columns < NARROW { NARROW_GAP } else { GAP }
}

/// A list before it is laid out.
pub(super) struct List<'a, C, T> {
    pub(super) title: Line,
    pub(super) specs: &'a [Spec<C, T>],
    /// The visible rows.
    pub(super) rows: &'a [T],
    /// Which of the visible ones is selected.
    pub(super) selected: Option<usize>,
    /// Makes the status of a row, in one cell.
    pub(super) glyph: fn(&C, T) -> Line,
}

impl<C, T: Copy> List<'_, C, T> {
    /// Lays it out for a screen so wide.
    pub(super) fn lay_out(self, scene: &C, columns: usize) -> Table {
        let cell = |spec: &Spec<C, T>, item: &T, width: usize| (spec.cell)(scene, *item, width);
        // A column is no wider than what stands in it, so that the last one gets all that others do not need.
        let first = self.specs.first().map(|spec| spec.title);
        let wanted = |spec: &Spec<C, T>| {
            let widest = self.rows.iter().map(|item| cell(spec, item, spec.ideal).width()).max().unwrap_or_default();
            // The name of the list stands over the first column, where that takes little more than its cells.
            let title = if Some(spec.title) == first { self.title.width() } else { spec.title.len() };
            let heading = if title <= widest + 2 || !spec.title.is_empty() { title } else { 0 };
            widest.max(heading).clamp(spec.least, spec.ideal)
        };
        let chosen = choose(self.specs, columns, wanted);
        let row = |(index, item): (usize, &T)| Row {
            glyph: (self.glyph)(scene, *item).cut(1),
            cells: chosen.iter().map(|(spec, width)| cell(spec, item, *width).cut(*width)).collect(),
            selected: self.selected == Some(index),
        };
        let column =
            |(spec, width): &(&Spec<C, T>, usize)| Column { title: spec.title, width: *width, align: spec.align };
        Table {
            title: self.title,
            rows: self.rows.iter().enumerate().map(row).collect(),
            columns: chosen.iter().map(column).collect(),
        }
    }
}

/// Which columns there is room for, and how wide each is.
fn choose<C, T>(
    specs: &[Spec<C, T>],
    columns: usize,
    wanted: impl Fn(&Spec<C, T>) -> usize,
) -> Vec<(&Spec<C, T>, usize)> {
    let gap = gap(columns);
    let mut kept: Vec<&Spec<C, T>> = specs.iter().collect();
    let needed = |kept: &[&Spec<C, T>]| MARGIN + kept.iter().map(|spec| spec.least + gap).sum::<usize>() - gap;
    while needed(&kept) > columns {
        let Some(drops) = kept.iter().map(|spec| spec.drops).max().filter(|drops| *drops > 0) else { break };
        kept.retain(|spec| spec.drops != drops);
    }
    let mut spare = columns.saturating_sub(needed(&kept));
    let last = kept.len().saturating_sub(1);
    // Every column but the last grows to what it wants, from left to right; the last takes the rest.
    kept.into_iter()
        .enumerate()
        .map(|(index, spec)| {
            let more = if index == last { spare } else { spare.min(wanted(spec).saturating_sub(spec.least)) };
            spare -= more;
            (spec, spec.least + more)
        })
        .collect()
}

/// The slice of `total` rows that is visible in `room`, around the selected one.
pub(super) fn window(total: usize, room: usize, selected: Option<usize>) -> Range<usize> {
    let shown = total.min(room);
    let first = selected.unwrap_or_default().saturating_sub(shown / 2).min(total - shown);
    first..first + shown
}

/// The heading of a list: its name, and which of how many are shown when not all are.
pub(super) fn heading(name: &'static str, total: usize, shown: &Range<usize>) -> Line {
    let line = Line::of(Role::Title, name);
    if shown.len() == total {
        return line;
    }
    line.and(Role::Dim, format!("  {}–{} of {total}", shown.start + 1, shown.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(title: &'static str, least: usize, ideal: usize, drops: u8) -> Spec<(), u8> {
        Spec { title, least, ideal, drops, align: Align::Left, cell: |(), _, _| Line::new() }
    }

    fn widths(specs: &[Spec<(), u8>], columns: usize) -> Vec<(&'static str, usize)> {
        choose(specs, columns, |spec| spec.ideal).into_iter().map(|(spec, width)| (spec.title, width)).collect()
    }

    #[test]
    fn columns_shrink_then_drop_out_and_the_last_takes_the_rest() {
        let specs = [spec("name", 8, 20, 0), spec("age", 6, 6, 2), spec("step", 8, 10, 1), spec("note", 10, 10, 0)];
        assert_eq!(widths(&specs, 110), [("name", 20), ("age", 6), ("step", 10), ("note", 65)]);
        assert_eq!(widths(&specs, 38), [("name", 8), ("age", 6), ("step", 8), ("note", 10)]);
        assert_eq!(widths(&specs, 37), [("name", 14), ("step", 8), ("note", 10)]);
        assert_eq!(widths(&specs, 25), [("name", 11), ("note", 10)]);
        assert_eq!(widths(&specs, 3), [("name", 8), ("note", 10)]);
    }

    #[test]
    fn the_selected_row_is_always_in_the_window() {
        assert_eq!(window(500, 20, None), 0..20);
        assert_eq!(window(500, 20, Some(499)), 480..500);
        assert_eq!(window(3, 20, Some(2)), 0..3);
        assert_eq!(window(0, 0, None), 0..0);
        for selected in 0..50 {
            for room in 1..60 {
                assert!(window(50, room, Some(selected)).contains(&selected), "{selected} {room}");
            }
        }
    }
}
