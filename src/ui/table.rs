//! Lists: a heading, rows in columns, and the selected row marked by a sign as well as by the look of its name. Not of all its
//! cells: over a slow line a step to the next row would cost two whole rows.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    theme::Theme,
    ui::paint::{line, put, right},
    view::{
        span::{Line, Role},
        table::{Align, Column, MARGIN, Row, Table, gap},
    },
};

pub(super) fn draw(table: &Table, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    heading(table, theme, Rect { height: rest.height.min(1), ..rest }, buffer);
    for row in &table.rows {
        rest = Rect { y: rest.y.saturating_add(1), height: rest.height.saturating_sub(1), ..rest };
        if rest.is_empty() {
            return;
        }
        one(row, &table.columns, theme, Rect { height: 1, ..rest }, buffer);
    }
}

fn heading(table: &Table, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    // The name of the list stands over the first columns: their headings give way to it.
    let taken = area.x + cells(MARGIN + table.title.width() + 1);
    for (column, place) in places(&table.columns, area) {
        let title = Line::of(Role::Dim, column.title);
        let begins =
            if column.align == Align::Right { place.right().saturating_sub(cells(title.width())) } else { place.x };
        if begins >= taken {
            align(&title, column.align, theme, place, buffer);
        }
    }
    let margin = cells(MARGIN);
    let title = Rect { x: area.x + margin, width: area.width.saturating_sub(margin), ..area };
    line(&table.title, theme, title, buffer);
}

fn one(row: &Row, columns: &[Column], theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if row.selected {
        put("›", theme.style(Role::Accent.name()), area.x, area.y, buffer);
    }
    line(&row.glyph, theme, Rect { x: area.x + 1, width: area.width.min(1), ..area }, buffer);
    for ((column, place), cell) in places(columns, area).zip(&row.cells) {
        align(cell, column.align, theme, place, buffer);
    }
    if row.selected {
        let name = columns.first().map_or(0, |column| column.width);
        let place = Rect { width: area.width.min(cells(MARGIN + name + 1)), ..area };
        buffer.set_style(place.intersection(buffer.area), theme.style("selection"));
    }
}

fn align(words: &Line, align: Align, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match align {
        Align::Left => line(words, theme, area, buffer),
        Align::Right => right(words, theme, area, buffer),
    }
}

/// Each column with its place; columns beyond the edge have an empty one.
fn places(columns: &[Column], area: Rect) -> impl Iterator<Item = (&Column, Rect)> {
    let gap = gap(usize::from(area.width));
    let mut begins = MARGIN;
    columns.iter().map(move |column| {
        let x = area.x.saturating_add(cells(begins)).min(area.right());
        let width = cells(column.width).min(area.right() - x);
        begins += column.width + gap;
        (column, Rect { x, width, ..area })
    })
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
