//! Charts below one another on one time axis: braille where there is Unicode, `*` and `.` in ASCII. The canary is a
//! joined line, stable a dotted one, so that they are told apart without colour.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    theme::{Glyphs, Theme},
    ui::paint::{line, put, right, word},
    view::{
        measure,
        panel::{Panel, Panels, Trace},
        span::{Line, Role},
    },
};

pub(super) fn draw(panels: &Panels, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut rest = area.intersection(buffer.area);
    if rest.is_empty() {
        return;
    }
    head(panels, theme, Rect { height: 1, ..rest }, buffer);
    rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
    for panel in &panels.panels {
        let height = cells(panel.height).min(rest.height);
        one(panel, panels, theme, Rect { height, ..rest }, buffer);
        rest = Rect { y: rest.y + height, height: rest.height - height, ..rest };
    }
    if !rest.is_empty() {
        axis(panels, theme, Rect { height: 1, ..rest }, buffer);
    }
}

/// What is marked, each at its place where there is room, and which stretch of time the values beside the charts are of.
fn head(panels: &Panels, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let plot = plot(panels, area);
    let mut free = plot.x;
    for mark in &panels.marks {
        let (x, width) = (column(mark.at, plot), cells(measure::width(&mark.label)) + 1);
        if x < free || x + width > plot.right() {
            continue;
        }
        put("╎", theme.style("marker"), x, plot.y, buffer);
        word(&mark.label, Role::Text, theme, Rect { x: x + 1, width, ..plot }.intersection(area), buffer);
        free = x + width + 1;
    }
    line(&panels.windows, theme, beside(panels, area), buffer);
}

/// The place of the words right of the charts.
fn beside(panels: &Panels, area: Rect) -> Rect {
    let x = plot(panels, area).right().saturating_add(2).min(area.right());
    Rect { x, width: cells(panels.words), ..area }.intersection(area)
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The place of the chart itself: between its axis and its words.
fn plot(panels: &Panels, area: Rect) -> Rect {
    let (left, right) = (cells(panels.labels + 1), cells(panels.words + 2));
    Rect { x: area.x.saturating_add(left).min(area.right()), width: area.width.saturating_sub(left + right), ..area }
}

fn one(panel: &Panel, panels: &Panels, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let row = |index: u16| Rect { y: area.y + index, height: 1, ..area };
    let labels = |place: Rect| Rect { width: place.width.min(cells(panels.labels)), ..place };
    let last = area.height - 1;
    word(&format!(" {}", panel.title), Role::Title, theme, row(0), buffer);
    let (top, half) = &panel.scale;
    let middle = (area.height >= HALVED).then_some(last.div_ceil(2));
    right(&Line::of(Role::Dim, format!("{top} ")), theme, labels(row(0)), buffer);
    if let Some(middle) = middle {
        right(&Line::of(Role::Dim, format!("{half} ")), theme, labels(row(middle)), buffer);
    }
    right(&Line::of(Role::Dim, "0 "), theme, labels(row(last)), buffer);
    for index in 0..area.height {
        let symbol = match index {
            _ if index == last => "┼",
            _ if index == 0 || Some(index) == middle => "┤",
            _ => "│",
        };
        put(symbol, theme.style("rule"), area.x.saturating_add(cells(panels.labels)), area.y + index, buffer);
    }
    let plot = plot(panels, area);
    for mark in &panels.marks {
        let x = column(mark.at, plot);
        (plot.top()..plot.bottom()).for_each(|y| put("╎", theme.style("marker"), x, y, buffer));
    }
    traces(panel, theme, plot, buffer);
    let words = beside(panels, area);
    for (index, words_line) in (0..area.height).zip(&panel.words) {
        line(words_line, theme, Rect { y: area.y + index, height: 1, ..words }.intersection(area), buffer);
    }
}

/// A chart of so many rows says what lies half way up.
const HALVED: u16 = 4;

/// The cell in which a place on the axis lies.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=1 times a width")]
fn column(at: f64, plot: Rect) -> u16 {
    plot.x + (at.clamp(0.0, 1.0) * f64::from(plot.width.saturating_sub(1))).round() as u16
}

fn traces(panel: &Panel, theme: &Theme, plot: Rect, buffer: &mut Buffer) {
    if plot.is_empty() {
        return;
    }
    if panel.canary.pieces.is_empty() && panel.stable.pieces.is_empty() {
        let middle = Rect { y: plot.y + plot.height / 2, height: 1, x: plot.x + 1, width: plot.width - 1 };
        word("no data", Role::Unknown, theme, middle, buffer);
        return;
    }
    let fine = if theme.glyphs == Glyphs::Unicode { Dots::BRAILLE } else { Dots::ASCII };
    for (trace, role, joined) in [(&panel.stable, Role::Stable, false), (&panel.canary, Role::Canary, true)] {
        let grid = Grid::of(trace, plot, fine, joined);
        let style = theme.style(role.name());
        for (index, dots) in grid.cells.iter().enumerate().filter(|(_, dots)| **dots != 0) {
            let (x, y) = (index % usize::from(plot.width), index / usize::from(plot.width));
            let symbol = fine.symbol(*dots, joined);
            put(symbol.encode_utf8(&mut [0; 4]), style, plot.x + cells(x), plot.y + cells(y), buffer);
        }
    }
}

/// How finely a cell is divided.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Dots {
    across: u16,
    down: u16,
}

impl Dots {
    const BRAILLE: Self = Self { across: 2, down: 4 };
    const ASCII: Self = Self { across: 1, down: 1 };

    /// The bit of one dot in the braille block (Unicode 16, chapter 21.1); with one dot a cell, any bit.
    fn bit(self, x: u16, y: u16) -> u8 {
        if self == Self::ASCII {
            return 1;
        }
        match (x, y) {
            (0, 0) => 0x01,
            (0, 1) => 0x02,
            (0, 2) => 0x04,
            (1, 0) => 0x08,
            (1, 1) => 0x10,
            (1, 2) => 0x20,
            (0, _) => 0x40,
            _ => 0x80,
        }
    }

    fn symbol(self, dots: u8, joined: bool) -> char {
        match self {
            Self::BRAILLE => char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' '),
            _ if joined => '*',
            _ => '.',
        }
    }
}

/// A trace as dots, cell by cell.
struct Grid {
    cells: Vec<u8>,
}

impl Grid {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=1 times a number of dots")]
    fn of(trace: &Trace, plot: Rect, fine: Dots, joined: bool) -> Self {
        let (width, height) = (plot.width * fine.across, plot.height * fine.down);
        let mut grid = Self { cells: vec![0; usize::from(plot.width) * usize::from(plot.height)] };
        let dot = |(x, y): (f64, f64)| {
            let across = (x * f64::from(width.saturating_sub(1))).round() as u16;
            let down = ((1.0 - y) * f64::from(height.saturating_sub(1))).round() as u16;
            (across, down)
        };
        let mut set = |x: u16, y: u16| {
            let cell = usize::from(y / fine.down) * usize::from(plot.width) + usize::from(x / fine.across);
            if let Some(cell) = grid.cells.get_mut(cell) {
                *cell |= fine.bit(x % fine.across, y % fine.down);
            }
        };
        for piece in &trace.pieces {
            let dots: Vec<(u16, u16)> = piece.iter().map(|place| dot(*place)).collect();
            dots.first().iter().for_each(|(x, y)| set(*x, *y));
            for (from, to) in dots.iter().zip(dots.iter().skip(1)) {
                walk(*from, *to, &mut |x, y| {
                    // Dotted: every second dot, and never a rising edge filled in.
                    if joined || (x % 2 == 0 && (x != from.0 || y == from.1)) {
                        set(x, y);
                    }
                });
            }
        }
        grid
    }
}

/// Every dot on the way, ends included.
fn walk(from: (u16, u16), to: (u16, u16), visit: &mut impl FnMut(u16, u16)) {
    let (dx, dy) = (i32::from(to.0) - i32::from(from.0), i32::from(to.1) - i32::from(from.1));
    let steps = dx.abs().max(dy.abs()).max(1);
    for step in 0..=steps {
        let at = |begin: u16, delta: i32| {
            let moved = i32::from(begin) + (delta * step * 2 + delta.signum() * steps) / (steps * 2);
            u16::try_from(moved).unwrap_or(0)
        };
        visit(at(from.0, dx), at(from.1, dy));
    }
}

/// The ends of the axis, and when what is marked was, where there is room.
fn axis(panels: &Panels, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let plot = plot(panels, area);
    let (from, to) = &panels.ends;
    word(from, Role::Dim, theme, plot, buffer);
    let end = cells(measure::width(to)).min(plot.width);
    word(to, Role::Dim, theme, Rect { x: plot.right() - end, width: end, ..plot }, buffer);
    let mut free = plot.x + cells(measure::width(from) + 1);
    let until = plot.right().saturating_sub(end + 1);
    for mark in &panels.marks {
        let width = cells(measure::width(&mark.time));
        let x = column(mark.at, plot).saturating_sub(width / 2);
        if x >= free && x + width <= until {
            word(&mark.time, Role::Dim, theme, Rect { x, width, ..plot }, buffer);
            free = x + width + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(glyphs: Glyphs) -> Vec<String> {
        let panel = Panel {
            title: "errors",
            scale: ("5 %".into(), "2.5 %".into()),
            height: 3,
            canary: Trace { pieces: vec![vec![(0.0, 0.0), (0.5, 0.0), (1.0, 1.0)]] },
            stable: Trace { pieces: vec![vec![(0.0, 0.0), (1.0, 0.0)]] },
            words: vec![Line::of(Role::Text, "words")],
        };
        let marks = vec![crate::view::panel::Mark { at: 0.5, label: "25 %".into(), time: "01:47".into() }];
        let windows = Line::of(Role::Dim, "now");
        let ends = ("01:37".into(), "02:07".into());
        let panels = Panels { panels: vec![panel], windows, ends, marks, labels: 12, words: 5 };
        let theme = Theme::named("dark", crate::theme::Depth::None, glyphs).unwrap();
        let area = Rect::new(0, 0, 50, 5);
        let mut buffer = Buffer::empty(area);
        draw(&panels, &theme, area, &mut buffer);
        crate::ui::text::plain(&buffer).lines().map(str::to_owned).collect()
    }

    #[test]
    fn both_versions_stand_on_one_axis_with_the_steps_marked() {
        assert_eq!(
            drawn(Glyphs::Ascii),
            [
                "                            ╎25 %            now",
                " errors 5 % ┤               ╎          ****  words",
                "            │               ╎   *******",
                "          0 ┼******************* . . . . .",
                "             01:37        01:47       02:07",
            ]
        );
    }

    #[test]
    fn in_unicode_dots_are_eight_to_a_cell() {
        let lines = drawn(Glyphs::Unicode);
        assert!(lines[1].contains('⠉') || lines[1].contains('⣀') || lines[1].contains('⠒'), "{lines:?}");
        assert!(lines[3].contains("⣀⣀⣀"), "{lines:?}");
    }
}
