//! Views onto cells: view and theme in, a buffer out, and a buffer as text or picture.
//!
//! Here must not live: what is shown (that is `view`'s) or which colour a role has (that is the theme's).

mod chart;
mod paint;
pub mod runs;
mod sheet;
pub mod svg;
mod table;
pub mod text;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    theme::Theme,
    ui::paint::{bar, line, rule},
    view::{
        Beside, Extent, LEAST, Part, View, is_low,
        span::{Line, Role},
    },
};

/// Draws one frame, and says how much of it there was room for. Never panics, whatever the area; on one that is too small it
/// says so and draws nothing else.
pub fn draw(view: &View, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Extent {
    let area = area.intersection(buffer.area);
    let extent = if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(theme, area, buffer);
        Extent::TooSmall
    } else {
        screen(view, theme, area, buffer);
        // A frame that was made for another size may stand anywhere on this one.
        if (area.width, area.height) == view.size { view.extent } else { Extent::Nothing }
    };
    paint::spell(theme, area, buffer);
    extent
}

/// The size that is needed, and what keys do meanwhile; the first of it where there is one line only.
fn too_small(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let needed = Line::of(Role::Text, format!("too small: {}x{} needed", LEAST.0, LEAST.1));
    let keys = Line::of(Role::Dim, "nothing is sent; q leaves");
    let lines = if area.height > 1 { vec![needed, keys] } else { vec![needed] };
    let first = area.y + area.height.saturating_sub(2) / 2;
    for (y, words) in (first..area.bottom()).zip(&lines) {
        line(words, theme, Rect { y, height: 1, ..area }, buffer);
    }
}

fn screen(view: &View, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let row = |y: u16| Rect { y, height: 1, ..area };
    let bottom = area.bottom();
    bar(&view.title, theme, row(area.y), buffer);
    rule(theme, row(area.y + 1), buffer);
    let below = if is_low(usize::from(area.height)) { 2 } else { 3 };
    let body = Rect { y: area.y + 2, height: area.height.saturating_sub(2 + below), ..area };
    parts(&view.body, theme, body, buffer);
    if below == 3 {
        rule(theme, row(bottom - 3), buffer);
    }
    line(&view.status, theme, row(bottom - 2), buffer);
    line(&view.footer, theme, row(bottom - 1), buffer);
    if let Some(sheet) = &view.sheet {
        // What lies below gives way, but for the footer, which speaks of the sheet.
        let below = Rect { height: area.height - 1, ..area };
        buffer.set_style(below, theme.style("stale"));
        sheet::draw(sheet, theme, below, buffer);
    }
}

/// Parts below one another; what does not fit any more is not drawn.
fn parts(parts: &[Part], theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut rest = area;
    for part in parts {
        let height = match part {
            Part::Line(_) | Part::Bar(_) | Part::Rule => 1,
            Part::Table(table) => table.rows.len() + 1,
            Part::Panels(panels) => panels.height(),
            Part::Beside(both) => both.rows,
        };
        let height = u16::try_from(height).unwrap_or(u16::MAX).min(rest.height);
        let place = Rect { height, ..rest };
        match part {
            Part::Line(words) => line(words, theme, place, buffer),
            Part::Bar(words) => bar(words, theme, place, buffer),
            Part::Rule => rule(theme, place, buffer),
            Part::Table(rows) => table::draw(rows, theme, place, buffer),
            Part::Panels(panels) => chart::draw(panels, theme, place, buffer),
            Part::Beside(both) => beside(both, theme, place, buffer),
        }
        rest = Rect { y: rest.y + height, height: rest.height - height, ..rest };
    }
}

/// Two stacks of parts, a line between them.
fn beside(both: &Beside, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let left = u16::try_from(both.columns).unwrap_or(u16::MAX).min(area.width);
    parts(&both.left, theme, Rect { width: left, ..area }, buffer);
    let line = area.x.saturating_add(left);
    for y in area.top()..area.bottom() {
        paint::put("│", theme.style("rule"), line, y, buffer);
    }
    let right = Rect { x: line.saturating_add(2), width: area.width.saturating_sub(left + 2), ..area };
    parts(&both.right, theme, right, buffer);
}

#[cfg(test)]
mod tests;
