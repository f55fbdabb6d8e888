//! What lies over a screen: cards, refusals, the arithmetic, help. One shape for all; the tone says how careful to be.

mod address;
mod card;
mod drift;
mod form;
mod help;
mod menu;
mod palette;
mod refused;
mod why;

pub(in crate::view) use why::unjudged;

use std::ops::Range;

use crate::{
    app::model::Overlay,
    view::{
        is_low, measure,
        scene::Scene,
        span::{Line, Role},
    },
};

/// How a sheet looks, before a word of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Moves production forward: heavy border, its own colour, the environment in capitals.
    Forward,
    /// The same where nobody knows yet whether it does harm.
    Unsure,
    /// Goes back: light border, its own colour.
    Back,
    /// Sends something that moves no traffic, or moves it where little is at stake.
    Still,
    /// Only says something.
    Info,
}

/// Something over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// How it looks.
    pub tone: Tone,
    /// In its upper border.
    pub title: String,
    /// Between its borders; none wider than `width`.
    pub lines: Vec<Line>,
    /// Below the lines: the keys that work here.
    pub keys: Line,
    /// Cells between its borders.
    pub width: usize,
    /// Its keys stand right below its lines: there is no room for a blank.
    pub tight: bool,
    /// The rows of a screen on which everything fits that must be seen before it is sent, where this one has too few.
    pub needs: Option<usize>,
    /// Which of its lines there is room for, where there is not for all.
    pub window: Option<Range<usize>>,
    /// How many lines that is a window of.
    pub of: usize,
    /// All that must be seen is shown: what it is a window of only explains.
    pub explains: bool,
    /// It is never narrower than this, so that it does not move while somebody types.
    pub least: usize,
}

impl Sheet {
    /// Something that is only said.
    fn said(title: String, lines: Vec<Line>, keys: Line, width: usize) -> Self {
        Self {
            tone: Tone::Info,
            title,
            lines,
            keys,
            width,
            tight: false,
            needs: None,
            window: None,
            of: 0,
            explains: false,
            least: NARROWEST,
        }
    }
}

/// Cells that a sheet takes at least and at most between its borders, and leaves free beside it.
const NARROWEST: usize = 56;
const WIDEST: usize = 100;
const BESIDE: usize = 6;
/// Cells of the labels on the left.
const LABEL: usize = 10;

/// What lies over the screen now.
pub(super) fn sheet(scene: &Scene<'_>) -> Option<Sheet> {
    let width = scene.columns.saturating_sub(BESIDE).min(WIDEST);
    let room = room(scene.rows);
    let mut sheet = match scene.model.nav.overlay.as_ref()? {
        Overlay::Help => help::sheet(scene, width),
        Overlay::Why(id) => why::sheet(scene, id, width),
        Overlay::Drift(id) => drift::sheet(scene, id, width),
        Overlay::Card(card) => card::sheet(scene, card, width, room),
        Overlay::Refused(refusal) => refused::sheet(scene, refusal, width),
        Overlay::Menu(menu) => menu::sheet(scene, menu, width, room),
        Overlay::Palette(palette) => palette::sheet(scene, palette, width, room),
        Overlay::Address(address) => address::sheet(scene, address, width),
    };
    sheet.tight = is_low(scene.rows);
    if sheet.lines.len() > room {
        // Blanks go first; what does not fit then is said to be cut, never silently.
        sheet.lines.retain(|line| !line.is_empty());
        if sheet.lines.len() > room {
            let space = room.saturating_sub(1);
            let (shown, window) = self::window(&sheet.lines, scene.model.nav.scroll, space);
            (sheet.of, sheet.window) = (sheet.lines.len(), Some(window.clone()));
            sheet.lines = shown;
            sheet.lines.push(place(&window, sheet.of, "PageDown and PageUp move"));
        }
    }
    let widest = sheet.lines.iter().chain([&sheet.keys]).map(Line::width).max().unwrap_or_default();
    sheet.width = (widest + 2).max(measure::width(&sheet.title) + 8).clamp(sheet.least.min(width), width);
    sheet.lines = sheet.lines.into_iter().map(|line| line.cut(width)).collect();
    Some(sheet)
}

/// So many of the lines, from this one on where there are as many behind it.
fn window(lines: &[Line], first: usize, space: usize) -> (Vec<Line>, Range<usize>) {
    let from = first.min(lines.len().saturating_sub(space));
    let window = from..(from + space).min(lines.len());
    (lines.get(window.clone()).unwrap_or_default().to_vec(), window)
}

/// ` … lines 1 to 4 of 9: PageDown and PageUp move`.
fn place(window: &Range<usize>, of: usize, how: &str) -> Line {
    Line::of(Role::Warn, format!(" … lines {} to {} of {of}: {how}", window.start + 1, window.end))
}

/// The lines that a sheet has room for: two borders, its keys (with a blank before them) and the footer are left.
fn room(rows: usize) -> usize {
    rows.saturating_sub(if is_low(rows) { 4 } else { 5 })
}

/// The least screen that has room for so many lines.
fn rows_for(lines: usize) -> usize {
    if is_low(lines + 4) { lines + 4 } else { lines + 5 }
}

/// ` label     text`, wrapped under itself, in at most so many lines.
fn labelled(label: &str, role: Role, text: &str, width: usize, most: usize) -> Vec<Line> {
    let room = width.saturating_sub(LABEL + 2);
    let wrapped = measure::wrap_within(text, room, most);
    let line = |(index, text): (usize, String)| {
        let label = if index == 0 { label } else { "" };
        Line::of(Role::Dim, format!(" {label:<LABEL$}")).and(role, text)
    };
    wrapped.into_iter().enumerate().map(line).collect()
}
