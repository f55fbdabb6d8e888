//! A buffer as a picture. Every cell has its fixed place; lines, blocks, dots and signs are drawn as shapes, so that no
//! viewer's fonts can shift or miss them. The same buffer gives the same bytes.

mod shape;

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use crate::{
    theme::{Theme, depth::rgb_of_256},
    ui::text::{rows, sixteen},
    view::measure,
};

/// A cell, in user units.
const WIDTH: f64 = 9.0;
const HEIGHT: f64 = 20.0;
/// From the top of a cell to the line that letters stand on.
const BASELINE: f64 = 15.0;
/// Around the screen.
const MARGIN: f64 = 12.0;

/// How a cell is drawn, after reversing.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    text: (u8, u8, u8),
    back: Option<(u8, u8, u8)>,
    attributes: Modifier,
}

/// The picture, in the colours of the theme's own canvas.
pub fn svg(buffer: &Buffer, theme: &Theme) -> String {
    let (columns, lines) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns * WIDTH + 2.0 * MARGIN, lines * HEIGHT + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"15\" xml:space=\"preserve\">\n",
        hex(rgb(theme.canvas.1, theme.canvas.1)),
    );
    for (line, cells) in (0_u16..).zip(rows(buffer)) {
        let top = MARGIN + f64::from(line) * HEIGHT;
        let looks: Vec<(u16, &Cell, Look)> = cells.into_iter().map(|(x, cell)| (x, cell, look(cell, theme))).collect();
        backgrounds(&mut out, &looks, top);
        letters(&mut out, &looks, top);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Neighbouring cells of one background as one rectangle.
fn backgrounds(out: &mut String, cells: &[(u16, &Cell, Look)], top: f64) {
    for run in cells.chunk_by(|a, b| a.2.back == b.2.back) {
        if let (Some((first, _, look)), Some((last, cell, _))) = (run.first(), run.last())
            && let Some(back) = look.back
        {
            let x = MARGIN + f64::from(*first) * WIDTH;
            let width = (f64::from(last - first) + cells_of(cell)) * WIDTH;
            write(
                out,
                format_args!(
                    "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>\n",
                    hex(back)
                ),
            );
        }
    }
}

/// Neighbouring letters of one look as one text; every sign that has a shape as that shape.
fn letters(out: &mut String, cells: &[(u16, &Cell, Look)], top: f64) {
    let plain = |cell: &Cell| cell.symbol().is_ascii();
    for run in cells.chunk_by(|a, b| a.2 == b.2 && plain(a.1) && plain(b.1)) {
        let Some((first, cell, look)) = run.first() else { continue };
        let x = MARGIN + f64::from(*first) * WIDTH;
        let text: String = run.iter().map(|(_, cell, _)| cell.symbol()).collect();
        if look.attributes.contains(Modifier::UNDERLINED) && !text.trim().is_empty() {
            let (end, y) = (x + text.chars().count() as f64 * WIDTH, top + BASELINE + 2.5);
            write(out, format_args!("<path d=\"M{x} {y}H{end}\" stroke=\"{}\"/>\n", hex(look.text)));
        }
        if let Some(shape) = shape::shape(cell.symbol(), x, top) {
            let color = hex(look.text);
            let opacity = if look.attributes.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
            write(out, format_args!("<g stroke=\"{color}\" fill=\"{color}\"{opacity}>{shape}</g>\n"));
        } else if !text.trim().is_empty() {
            words(out, &text, *look, x, top + BASELINE, cells_of(cell) * run.len() as f64);
        }
    }
}

fn words(out: &mut String, text: &str, look: Look, x: f64, y: f64, cells: f64) {
    // Blanks at the ends have no ink: leaving them out keeps the file small and the length exact.
    let start = text.len() - text.trim_start().len();
    let trimmed = text.trim();
    let x = x + start as f64 * WIDTH;
    let cells = cells - (text.len() - trimmed.len()) as f64;
    let mut attributes = format!("fill=\"{}\"", hex(look.text));
    for (set, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::DIM, " opacity=\"0.6\""),
    ] {
        attributes.push_str(if look.attributes.contains(set) { attribute } else { "" });
    }
    let length = cells * WIDTH;
    let text = escape(trimmed);
    write(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" {attributes}>{text}</text>\n"
        ),
    );
}

fn write(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(what);
}

fn cells_of(cell: &Cell) -> f64 {
    measure::width(cell.symbol()).max(1) as f64
}

fn look(cell: &Cell, theme: &Theme) -> Look {
    let text = rgb(cell.fg, theme.canvas.0);
    let back = (cell.bg != Color::Reset).then(|| rgb(cell.bg, theme.canvas.1));
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let canvas = rgb(theme.canvas.1, theme.canvas.1);
    Look {
        text: if reversed { back.unwrap_or(canvas) } else { text },
        back: if reversed { Some(text) } else { back },
        attributes: cell.modifier - Modifier::REVERSED,
    }
}

fn rgb(color: Color, canvas: Color) -> (u8, u8, u8) {
    match (color, canvas) {
        (Color::Rgb(r, g, b), _) | (Color::Reset, Color::Rgb(r, g, b)) => (r, g, b),
        (Color::Indexed(index), _) => rgb_of_256(index),
        (named, _) => rgb_of_256(sixteen(named)),
    }
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;
    use crate::theme::{Depth, Glyphs};

    #[test]
    fn letters_keep_their_cells_signs_are_shapes_and_markup_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
        buffer.set_string(0, 0, " a<b ✖", Style::new().fg(Color::Rgb(255, 0, 0)));
        let theme = Theme::named("dark", Depth::True, Glyphs::Unicode).unwrap();
        let svg = svg(&buffer, &theme);
        assert!(svg.contains("<text x=\"21\" y=\"27\" textLength=\"27\" lengthAdjust=\"spacingAndGlyphs\" fill=\"#ff0000\">a&lt;b</text>"), "{svg}");
        assert!(!svg.contains('✖') && svg.contains("<g stroke=\"#ff0000\""), "{svg}");
    }
}
