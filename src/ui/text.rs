//! A buffer as text: plain, or with colours as escape sequences (ECMA-48, SGR).

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use crate::view::measure;

/// One line for each row, without blanks at their ends; the last line ends as well.
pub fn plain(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let line: String = row.iter().map(|(_, cell)| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// As [`plain`], with every change of look as an escape sequence; each line begins and ends without one.
pub fn ansi(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let blank = |cell: &Cell| cell.symbol() == " " && cell.bg == Color::Reset && cell.modifier.is_empty();
        let end = row.iter().rposition(|(_, cell)| !blank(cell)).map_or(0, |last| last + 1);
        let mut look = None;
        for (_, cell) in row.iter().take(end) {
            let now = (cell.fg, cell.bg, cell.modifier);
            if look != Some(now) {
                text.push_str(&sgr(cell));
                look = Some(now);
            }
            text.push_str(cell.symbol());
        }
        text.push_str(if look.is_some() { "\u{1b}[0m\n" } else { "\n" });
    }
    text
}

/// Cells row by row with their column; the cells that a wide character covers are left out.
pub(super) fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<(u16, &Cell)>> {
    let area = buffer.area;
    (area.top()..area.bottom()).map(move |y| {
        let mut row = Vec::with_capacity(usize::from(area.width));
        let mut x = area.left();
        while x < area.right() {
            let Some(cell) = buffer.cell((x, y)) else { break };
            row.push((x - area.left(), cell));
            x = x.saturating_add(u16::try_from(measure::width(cell.symbol())).unwrap_or(1).max(1));
        }
        row
    })
}

fn sgr(cell: &Cell) -> String {
    let mut sequence = "\u{1b}[0".to_owned();
    let attributes = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ];
    for (attribute, code) in attributes {
        if cell.modifier.contains(attribute) {
            // Writing to a string cannot fail.
            let _ = write!(sequence, ";{code}");
        }
    }
    color(&mut sequence, cell.fg, 30);
    color(&mut sequence, cell.bg, 40);
    sequence.push('m');
    sequence
}

/// A colour as parameters; `base` is 30 for text and 40 for the background.
fn color(sequence: &mut String, color: Color, base: u8) {
    let written = match color {
        Color::Reset => return,
        Color::Rgb(r, g, b) => write!(sequence, ";{};2;{r};{g};{b}", base + 8),
        Color::Indexed(index) => write!(sequence, ";{};5;{index}", base + 8),
        named => {
            let index = sixteen(named);
            let code = if index < 8 { base + index } else { base + 52 + index };
            write!(sequence, ";{code}")
        }
    };
    // Writing to a string cannot fail.
    let _ = written;
}

/// The number of one of the sixteen colours.
pub(super) fn sixteen(color: Color) -> u8 {
    match color {
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn a_buffer_reads_as_it_looks() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "ok ", Style::new());
        buffer.set_string(3, 0, "支付!", Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD));
        buffer.set_string(0, 1, "x", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(9)));
        assert_eq!(plain(&buffer), "ok 支付!\nx\n");
        let ansi = ansi(&buffer);
        assert_eq!(ansi, "\u{1b}[0mok \u{1b}[0;1;91m支付!\u{1b}[0m\n\u{1b}[0;38;2;1;2;3;48;5;9mx\u{1b}[0m\n");
    }
}
