//! A screen's lists below one another: how many rows of each there is room for, and what is said of those that have none.
//!
//! Everything is shown where it fits. Else the first list comes first and keeps some rows, quiet ones come last and fold to a count,
//! but never so that the selected row has no place. What is not shown is said: in a heading, or in the line of counts.

use std::ops::Range;

use crate::view::{
    Part, row,
    scene::Scene,
    span::{Line, Role},
    table::{self, List, Spec, Table, heading},
};

/// Rows that a list keeps when others are long, and those that the one with the selected row has at least.
const LEAST: usize = 3;
const LEAST_SELECTED: usize = 2;
/// With fewer lines than these only the list of the selected row is shown.
const LEAST_ROOM: usize = 6;
/// With fewer lines for them, lists stand without blanks between.
const DENSE: usize = 12;

/// Makes the columns of a kind of rows.
type Columns<'a, T> = fn(&Scene<'a>) -> Vec<Spec<Scene<'a>, T>>;
/// Makes the status of a row, in one cell.
type Glyph<'a, T> = fn(&Scene<'a>, T) -> Line;

/// One list of a screen.
pub(super) struct Section<'s> {
    name: &'static str,
    /// Its rows, all of them.
    rows: usize,
    /// The place of the selected row, where it is in this one.
    selected: Option<usize>,
    lay_out: Box<dyn Fn(Line, Range<usize>) -> Table + 's>,
    /// It gets what others leave.
    quiet: bool,
    /// Said where it has no rows, if it is there all the same.
    nothing: Option<String>,
    /// Said behind its count where it is folded.
    folded: Line,
}

impl<'s> Section<'s> {
    /// A list of rows; the selected one by its place among them.
    pub(super) fn new<'a: 's, T: Copy + 's>(
        scene: &'s Scene<'a>,
        name: &'static str,
        rows: Vec<T>,
        selected: Option<usize>,
        (specs, glyph): (Columns<'a, T>, Glyph<'a, T>),
    ) -> Self {
        let count = rows.len();
        let lay_out = move |title: Line, shown: Range<usize>| {
            let selected = selected.and_then(|index| index.checked_sub(shown.start));
            let rows = rows.get(shown).unwrap_or_default();
            List { title, specs: &specs(scene), selected, rows, glyph }.lay_out(scene, scene.columns)
        };
        Self {
            name,
            rows: count,
            selected,
            lay_out: Box::new(lay_out),
            quiet: false,
            nothing: None,
            folded: Line::new(),
        }
    }

    /// The same, which gets what others leave.
    pub(super) fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// The same, which is there without rows too, and says so.
    pub(super) fn or_nothing(self, words: impl Into<String>) -> Self {
        Self { nothing: Some(words.into()), ..self }
    }

    /// The same, with this behind its count where it is folded.
    pub(super) fn folding(self, words: Line) -> Self {
        Self { folded: words, ..self }
    }

    /// Lines of it at least: its heading and, where it has none, that it has no rows.
    fn is_shown(&self) -> bool {
        self.rows > 0 || self.nothing.is_some()
    }

    fn parts(&self, rows: usize, columns: usize) -> Vec<Part> {
        if self.rows == 0 {
            let words = self.nothing.clone().unwrap_or_default();
            return vec![
                Part::Line(Line::of(Role::Title, format!("   {}", self.name))),
                Part::Line(Line::of(Role::Dim, format!("   {words}")).cut(columns)),
            ];
        }
        let shown = table::window(self.rows, rows, self.selected);
        vec![Part::Table((self.lay_out)(heading(self.name, self.rows, &shown), shown))]
    }

    fn count(&self) -> Line {
        let line = Line::of(Role::Title, format!("   {}", self.name)).gap(1).and(Role::Text, self.rows.to_string());
        line.join(self.folded.clone())
    }
}

/// The lists in so many lines, and below them a line of what is folded, with what is to be said at its end.
pub(super) fn stack(scene: &Scene<'_>, sections: Vec<Section<'_>>, room: usize, last: Line) -> Vec<Part> {
    let sections: Vec<Section<'_>> = sections.into_iter().filter(Section::is_shown).collect();
    let has: Vec<Has> = sections.iter().map(|one| Has { rows: one.rows, quiet: one.quiet }).collect();
    let selected = sections.iter().position(|one| one.selected.is_some()).unwrap_or_default();
    let share = if room < LEAST_ROOM && selected > 0 {
        only(has.len(), selected, room)
    } else {
        share(&has, selected, room, !last.is_empty())
    };
    let mut parts = Vec::new();
    for (one, rows) in sections.iter().zip(&share.rows) {
        let Some(rows) = rows else { continue };
        if !parts.is_empty() && share.gap > 0 {
            parts.push(Part::blank());
        }
        parts.extend(one.parts(*rows, scene.columns));
    }
    if share.counts {
        let folded = sections.iter().zip(&share.rows).filter(|(_, rows)| rows.is_none());
        let counts = folded.map(|(one, _)| one.count()).fold(Line::new(), Line::join).join(last);
        if !counts.is_empty() {
            parts.extend((share.gap > 0).then(Part::blank));
            parts.push(Part::Line(counts.cut(scene.columns)));
        }
    }
    parts
}

/// What the screen knows from cache only, as a list.
pub(super) fn cached<'s>(scene: &'s Scene<'_>) -> Section<'s> {
    let rows = scene.lists.cached.clone();
    Section::new(
        scene,
        "NOT READ YET: AS IT WAS, FROM CACHE",
        rows,
        scene.selected_cached(),
        (row::cached::specs, row::cached::glyph),
    )
}

/// What sharing has to know of a list.
#[derive(Clone, Copy, Debug)]
struct Has {
    rows: usize,
    quiet: bool,
}

/// How many rows of each list are shown; `None` where it folds to a count.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Share {
    rows: Vec<Option<usize>>,
    /// A blank before each list but the first.
    gap: usize,
    /// Is there a last line of counts?
    counts: bool,
}

/// The list of the selected row and the counts of the others: there is no room for a second one.
fn only(count: usize, selected: usize, room: usize) -> Share {
    let rows = room.saturating_sub(2).max(1);
    let rows = (0..count).map(|index| (index == selected).then_some(rows)).collect();
    Share { rows, gap: 0, counts: room > LEAST_SELECTED }
}

fn share(has: &[Has], selected: usize, room: usize, last: bool) -> Share {
    let gap = usize::from(room >= DENSE);
    let lines = |rows: usize| if rows > 0 { gap + 1 + rows } else { 0 };
    let Some((first, others)) = has.split_first() else {
        return Share { rows: Vec::new(), gap, counts: true };
    };
    let all = 1 + first.rows.max(1) + others.iter().map(|one| lines(one.rows.max(1))).sum::<usize>();
    if all + if last { gap + 1 } else { 0 } <= room {
        return Share { rows: has.iter().map(|one| Some(one.rows)).collect(), gap, counts: last };
    }
    // The last line says how much is not shown.
    let left = room.saturating_sub(gap + 1);
    let mut taken: Vec<usize> = vec![0; has.len()];
    let at_least = |index: usize, rows: usize| if index == selected { rows.min(LEAST_SELECTED) } else { 0 };
    for (index, one) in has.iter().enumerate().skip(1) {
        // One is listed only where the first keeps some lines, unless somebody is in it.
        let kept = 1 + first.rows.clamp(1, LEAST);
        let third = if one.quiet { 0 } else { one.rows.min((room / 3).max(LEAST)) };
        let third = third.max(at_least(index, one.rows));
        let before: usize = taken.iter().map(|rows| lines(*rows)).sum();
        let behind: usize = has.iter().enumerate().skip(index + 1).map(|(at, it)| lines(at_least(at, it.rows))).sum();
        let fits = kept + before + lines(third) + behind <= left;
        if let Some(rows) = taken.get_mut(index) {
            *rows = if fits { third } else { at_least(index, one.rows) };
        }
    }
    // What is left goes to the first, then to the next.
    let mut rows: Vec<Option<usize>> = Vec::new();
    for (index, one) in has.iter().enumerate() {
        let before: usize = rows
            .iter()
            .enumerate()
            .map(|(at, rows)| if at == 0 { 1 + rows.unwrap_or(1) } else { lines(rows.unwrap_or(0)) })
            .sum();
        let behind: usize = taken.iter().skip(index + 1).map(|rows| lines(*rows)).sum();
        let rest = left.saturating_sub(before + behind);
        let mine = taken.get(index).copied().unwrap_or_default();
        rows.push(match index {
            0 => Some(one.rows.max(1).min(rest.saturating_sub(1)).max(1)),
            _ if mine > 0 || rest >= gap + 2 => Some(one.rows.min(rest.saturating_sub(gap + 1)).max(1)),
            _ => None,
        });
    }
    Share { rows, gap, counts: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(has: [usize; 3], selected: usize, room: usize) -> [Option<usize>; 3] {
        let has = [(has[0], false), (has[1], false), (has[2], true)].map(|(rows, quiet)| Has { rows, quiet });
        // What has no rows is not there.
        let there: Vec<Has> =
            has.iter().copied().enumerate().filter(|(at, it)| *at == 0 || it.rows > 0).map(|(_, it)| it).collect();
        let gone = has[1..selected.max(1)].iter().filter(|it| it.rows == 0).count();
        let share = if room < LEAST_ROOM && selected > 0 {
            only(there.len(), selected - gone, room)
        } else {
            share(&there, selected - gone, room, false)
        };
        let mut shown = share.rows.into_iter();
        let mut of = |at: usize| if at == 0 || has[at].rows > 0 { shown.next().unwrap() } else { None };
        [of(0), of(1), of(2)]
    }

    #[test]
    fn everything_is_listed_where_it_fits_and_else_the_less_urgent_folds_first() {
        let table = [
            ([4, 3, 2], 0, 20, [Some(4), Some(3), Some(2)]),
            ([4, 3, 80], 0, 20, [Some(4), Some(3), Some(6)]),
            ([500, 2, 80], 0, 20, [Some(13), Some(2), None]),
            ([500, 500, 0], 0, 21, [Some(9), Some(7), None]),
            ([2, 500, 9], 0, 21, [Some(2), Some(14), None]),
            ([4, 3, 8], 0, 6, [Some(4), None, None]),
            ([4, 3, 8], 1, 7, [Some(2), Some(2), None]),
            ([4, 3, 8], 2, 7, [Some(2), None, Some(2)]),
            ([0, 0, 8], 1, 5, [None, None, Some(3)]),
        ];
        for (has, selected, room, expected) in table {
            let selected = if has == [0, 0, 8] { 2 } else { selected };
            assert_eq!(rows(has, selected, room), expected, "{has:?} {selected} in {room}");
        }
    }

    #[test]
    fn no_share_takes_more_lines_than_there_are_and_the_selected_list_always_has_some() {
        for room in 6..40 {
            for has in [[4, 3, 2], [500, 500, 500], [1, 40, 3], [1, 1, 300]] {
                for selected in 0..3 {
                    let has: Vec<Has> =
                        has.iter().enumerate().map(|(at, rows)| Has { rows: *rows, quiet: at == 2 }).collect();
                    let share = share(&has, selected, room, true);
                    let shown = share.rows.iter().flatten();
                    let lines: usize = shown.clone().map(|rows| rows + 1 + share.gap).sum::<usize>() + 1;
                    assert!(lines <= room, "{has:?} {selected} in {room}: {share:?}");
                    assert!(
                        share.rows[selected].is_some_and(|rows| rows > 0),
                        "{has:?} {selected} in {room}: {share:?}"
                    );
                }
            }
        }
    }
}
