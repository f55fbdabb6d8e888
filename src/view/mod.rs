//! The model in words: strings, the roles they play, columns. What is shown is decided here; how it looks and which cell
//! it lands in is not.
//!
//! Here must not live: colours, rectangles, a clock. Ages and countdowns are worked out here from the model's own time.

mod action;
mod board;
mod cells;
mod changes;
mod drift;
mod footer;
mod freshness;
mod headline;
mod inbox;
mod logs;
pub mod measure;
mod number;
pub mod pane;
pub mod panel;
mod past_us;
mod pipelines;
mod places;
mod release;
mod row;
mod run;
#[cfg(test)]
pub(crate) mod sample;
mod scene;
mod section;
pub mod sheet;
mod signals;
pub mod span;
mod status;
pub mod table;
mod title;
mod trend;
mod way_back;

use std::ops::Range;

pub use self::headline::headline_text;
use self::{panel::Panels, scene::Scene, sheet::Sheet, span::Line, table::Table};
pub use crate::app::drawn::{Extent, LEAST};
use crate::{
    app::model::{Model, Screen},
    keymap::Keymap,
};

/// A screen of fewer rows gives its lower rule, and the blanks of what lies over it, to what is said.
const LOW: usize = 16;

/// Has a screen of so many rows no lower rule?
pub fn is_low(rows: usize) -> bool {
    rows < LOW
}

/// Lines that every screen has besides its body: title, rules, status bar, footer.
fn chrome(rows: usize) -> usize {
    if is_low(rows) { 4 } else { 5 }
}

/// Two lines in one: the left one gives way to the right one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// From the left edge.
    pub left: Line,
    /// Up to the right edge.
    pub right: Line,
}

/// One part of the body; parts stand below one another.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// One line.
    Line(Line),
    /// One line, from both edges.
    Bar(Bar),
    /// A line across.
    Rule,
    /// A list.
    Table(Table),
    /// Charts on one time axis.
    Panels(Panels),
    /// Parts beside other parts.
    Beside(Beside),
}

/// Two stacks of parts beside one another, a line between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// On the left.
    pub left: Vec<Part>,
    /// On the right.
    pub right: Vec<Part>,
    /// Cells of the left one; the line takes one more, and a blank behind it.
    pub columns: usize,
    /// Lines that both take.
    pub rows: usize,
}

impl Part {
    /// An empty line.
    fn blank() -> Self {
        Self::Line(Line::new())
    }
}

/// What lies between the rules of a screen.
#[derive(Clone, Debug, Default, PartialEq)]
struct Body {
    parts: Vec<Part>,
    /// Of the text that the keys for pages move, the lines that are shown, and of how many; nothing where all of it is.
    window: Option<(Range<usize>, usize)>,
}

impl From<Vec<Part>> for Body {
    fn from(parts: Vec<Part>) -> Self {
        Self { parts, window: None }
    }
}

/// One frame, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The first line.
    pub title: Bar,
    /// What lies between the rules.
    pub body: Vec<Part>,
    /// The last line but one.
    pub status: Line,
    /// The last line.
    pub footer: Line,
    /// What lies over all that.
    pub sheet: Option<Sheet>,
    /// The columns and rows that it was made for.
    pub size: (u16, u16),
    /// How much there is room for of what must be seen before something is sent.
    pub extent: Extent,
}

/// Makes the frame for the model as it is, in the size that it knows of.
pub fn view(model: &Model, keymap: &Keymap) -> View {
    let scene = Scene::new(model, keymap);
    let (title, body): (Bar, Body) = match model.nav.screen() {
        Screen::Board => (title::bar(&scene, ""), board::body(&scene).into()),
        Screen::Pipelines => (title::bar(&scene, "pipelines"), pipelines::body(&scene).into()),
        Screen::Inbox => (title::bar(&scene, "inbox"), inbox::body(&scene).into()),
        Screen::Signals => (title::bar(&scene, "signals"), signals::body(&scene).into()),
        Screen::Run(id) => match model.store.run(id) {
            Some(run) => (run::title(&scene, run), run::body(&scene, run).into()),
            None => (title::bar(&scene, "run"), release::gone(id).into()),
        },
        Screen::Logs { rollout: id } => match model.store.rollout(id) {
            Some(rollout) => (logs::title(&scene, rollout), logs::body(&scene, rollout)),
            None => (title::bar(&scene, "logs"), release::gone(id).into()),
        },
        Screen::Release(id) => match model.store.rollout(id) {
            Some(rollout) => (release::title(&scene, rollout), release::body(&scene, rollout)),
            None => (title::bar(&scene, "release"), release::gone(id).into()),
        },
    };
    let sheet = sheet::sheet(&scene);
    let needs = sheet.as_ref().and_then(|sheet| u16::try_from(sheet.needs?).ok());
    let part = match &sheet {
        Some(sheet) => sheet.window.clone().map(|window| (window, sheet.of)),
        None => body.window,
    };
    let extent = match (needs, part) {
        (Some(rows), _) => Extent::Cut { columns: model.size.0, rows },
        (None, Some((window, of))) if sheet.as_ref().is_some_and(|sheet| sheet.explains) => {
            Extent::Rest { from: window.start, to: window.end, of }
        }
        (None, Some((window, of))) => Extent::Part { from: window.start, to: window.end, of },
        (None, None) => Extent::Whole,
    };
    let (status, footer) = (status::line(&scene), footer::line(&scene));
    View { title, body: body.parts, status, footer, sheet, size: model.size, extent }
}
