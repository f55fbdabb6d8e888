//! Lines of spans onto cells. Everything here stays within the area it is given.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

use crate::{
    theme::{Glyphs, Theme},
    view::{
        Bar,
        span::{Line, Role},
    },
};

/// Between the two sides of a bar.
const BETWEEN: usize = 2;

/// A line from the left edge; what is too long is cut.
pub(super) fn line(words: &Line, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let mut x = area.x;
    for span in &words.spans {
        let left = usize::from(area.right().saturating_sub(x));
        if left == 0 {
            return;
        }
        let style = theme.style(span.role.name());
        // By the colour of its underline the terminal's backend knows a link from what only looks like one.
        let style = if span.role == Role::Link { style.underline_color(Color::Blue) } else { style };
        (x, _) = buffer.set_stringn(x, area.y, &span.text, left, style);
    }
}

/// A line up to the right edge.
pub(super) fn right(words: &Line, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let width = u16::try_from(words.width()).unwrap_or(u16::MAX).min(area.width);
    line(words, theme, Rect { x: area.right() - width, width, ..area }, buffer);
}

/// Two lines in one: the left one gives way.
pub(super) fn bar(words: &Bar, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let taken = if words.right.is_empty() { 0 } else { words.right.width() + BETWEEN };
    let room = usize::from(area.width).saturating_sub(taken);
    line(&words.left.clone().cut(room), theme, area, buffer);
    right(&words.right, theme, area, buffer);
}

/// A line across.
pub(super) fn rule(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    repeat("─", theme.style("rule"), area, buffer);
}

/// The same symbol in every cell of the area's first line.
pub(super) fn repeat(symbol: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    for x in area.left()..area.right() {
        put(symbol, style, x, area.y, buffer);
    }
}

/// One symbol into one cell; nothing where there is no such cell.
pub(super) fn put(symbol: &str, style: Style, x: u16, y: u16, buffer: &mut Buffer) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(style);
    }
}

/// A word in one role.
pub(super) fn word(text: &str, role: Role, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    line(&Line::of(role, text.to_owned()), theme, area, buffer);
}

/// Spells every cell with the glyphs that the terminal has.
pub(super) fn spell(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if theme.glyphs == Glyphs::Unicode {
        return;
    }
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let Some(symbol) = buffer.cell((x, y)).map(|cell| cell.symbol().to_owned()) else { break };
            // A wide character leaves its second cell empty: both get a stand-in, so that nothing moves.
            let width = u16::try_from(crate::view::measure::width(&symbol)).unwrap_or(1).max(1);
            if !symbol.is_ascii() {
                let shown = symbol.chars().next().map_or('?', |c| theme.glyphs.show(c));
                for cell in x..x.saturating_add(width) {
                    if let Some(cell) = buffer.cell_mut((cell, y)) {
                        cell.set_char(shown);
                    }
                }
            }
            x = x.saturating_add(width);
        }
    }
}
