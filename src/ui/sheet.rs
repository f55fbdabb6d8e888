//! Sheets over the screen. The border says how careful to be before a word is read, in colour and in shape: heavy for
//! forward, round for back, plain for the rest.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    theme::Theme,
    ui::paint::{line, put, repeat},
    view::{
        sheet::{Sheet, Tone},
        span::Line,
    },
};

/// Corners (from the upper left, clockwise), then across, then down.
type Border = [&'static str; 6];

const HEAVY: Border = ["┏", "┓", "┛", "┗", "━", "┃"];
const ROUND: Border = ["╭", "╮", "╯", "╰", "─", "│"];
const PLAIN: Border = ["┌", "┐", "┘", "└", "─", "│"];

pub(super) fn draw(sheet: &Sheet, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    let width = u16::try_from(sheet.width + 2).unwrap_or(u16::MAX).min(area.width);
    // Between the lines and the keys stands a blank where there is room for it.
    let blank = u16::from(!sheet.tight);
    let height = u16::try_from(sheet.lines.len() + 3).unwrap_or(u16::MAX).saturating_add(blank).min(area.height);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    if place.width < 8 || place.height < 4 {
        return;
    }
    clear(place, buffer);
    let (border, role) = match sheet.tone {
        Tone::Forward => (HEAVY, "danger.forward"),
        Tone::Unsure => (HEAVY, "status.warn"),
        Tone::Back => (ROUND, "danger.back"),
        Tone::Still => (PLAIN, "danger.still"),
        Tone::Info => (PLAIN, "accent"),
    };
    frame(border, theme.style(role), place, buffer);
    let inside = Rect { x: place.x + 3, width: place.width - 6, ..place };
    let title = Rect { height: 1, ..inside };
    buffer.set_stringn(title.x, title.y, format!(" {} ", sheet.title), usize::from(title.width), theme.style(role));
    let within = |y: u16| Rect { x: place.x + 1, y, width: place.width - 2, height: 1 };
    for (y, words) in (place.y + 1..place.bottom().saturating_sub(2 + blank)).zip(&sheet.lines) {
        line(words, theme, within(y), buffer);
    }
    // Not in the border: on the colours of danger a key could not be read.
    line(&Line::default().gap(1).join(sheet.keys.clone()), theme, within(place.bottom() - 2), buffer);
}

fn clear(area: Rect, buffer: &mut Buffer) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
}

fn frame(border: Border, style: Style, area: Rect, buffer: &mut Buffer) {
    let [upper_left, upper_right, lower_right, lower_left, across, down] = border;
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    repeat(across, style, Rect { height: 1, ..area }, buffer);
    repeat(across, style, Rect { y: bottom, height: 1, ..area }, buffer);
    for y in area.top()..area.bottom() {
        put(down, style, area.x, y, buffer);
        put(down, style, right, y, buffer);
    }
    put(upper_left, style, area.x, area.y, buffer);
    put(upper_right, style, right, area.y, buffer);
    put(lower_right, style, right, bottom, buffer);
    put(lower_left, style, area.x, bottom, buffer);
}
