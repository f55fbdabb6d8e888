//! The journeys and failure modes of the product, flown over the built-in world in virtual time: keys in, screens and calls out.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod bad_canary;
mod bad_input;
mod buildkite;
mod drift;
mod failures;
mod fleet;
mod forges;
mod inbox;
mod judged;
mod run;
mod runners;
mod seen;
mod steady;
#[cfg(test)]
mod waves;
mod way_back;

use std::time::Duration;

use holdshort::{
    app::{
        drawn::{Drawn, Extent},
        msg::Msg,
    },
    demo::world::Call,
    port::wire::Class,
    run::{Demo, demo_cockpit},
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use ratatui::{buffer::Buffer, layout::Rect};

/// A terminal: its size, and what it can show.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) size: (u16, u16),
    depth: Depth,
    glyphs: Glyphs,
}

impl Look {
    /// What it shows where a wide terminal has an arrow.
    pub(crate) fn arrow(self, text: &str) -> String {
        if matches!(self.glyphs, Glyphs::Ascii) { text.replace('→', ">") } else { text.to_owned() }
    }
}

/// 120x36 with everything.
pub(crate) const WIDE: Look = Look { size: (120, 36), depth: Depth::True, glyphs: Glyphs::Unicode };
/// The design size, in ASCII without colour.
pub(crate) const SMALL: Look = Look { size: (80, 24), depth: Depth::None, glyphs: Glyphs::Ascii };

/// The least terminal.
pub(crate) const LEAST: Look = Look { size: (60, 12), depth: Depth::True, glyphs: Glyphs::Unicode };

/// A scenario where it opens, settled.
pub(crate) async fn open(scenario: &str, look: Look) -> Demo {
    demo_cockpit(scenario, look.size).await.unwrap()
}

/// The screen as text.
pub(crate) fn screen(demo: &Demo, look: Look) -> String {
    drawn(demo, look.size, look).0
}

/// A frame as text, and how much of the screen there was room for.
fn drawn(demo: &Demo, size: (u16, u16), look: Look) -> (String, Extent) {
    let theme = Theme::named("dark", look.depth, look.glyphs).unwrap();
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    let cockpit = &demo.cockpit;
    let extent = ui::draw(&view::view(cockpit.model(), cockpit.keymap()), &theme, area, &mut buffer);
    (ui::text::plain(&buffer), extent)
}

/// Draws a frame and tells the model of it, as a terminal does.
pub(crate) fn frame(demo: &mut Demo) {
    let (_, extent) = drawn(demo, demo.cockpit.model().size, WIDE);
    let drawn = Drawn::of(demo.cockpit.model(), extent);
    demo.cockpit.feed(Msg::Drawn(drawn));
}

/// Asserts that the screen says all of these, whatever line breaks lie between their words.
pub(crate) fn says(demo: &Demo, look: Look, all: &[&str]) {
    let shown = screen(demo, look);
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in all {
        assert!(words.contains(text), "'{text}' is not on screen:\n{shown}");
    }
}

/// Every mutation that reached the world, in order.
pub(crate) fn mutations(demo: &Demo) -> Vec<Call> {
    demo.world.look(|world| world.calls().filter(|call| call.class == Class::Write).cloned().collect())
}

/// Presses keys by hand, each after a frame, and lets everything that follows at once happen.
pub(crate) async fn press(demo: &mut Demo, keys: &str) {
    for key in keys.split_whitespace() {
        frame(demo);
        demo.cockpit.key(key.parse().unwrap());
        demo.cockpit.idle().await;
    }
    frame(demo);
}

/// Lets the world's time pass.
pub(crate) async fn pass(demo: &mut Demo, seconds: u64) {
    demo.cockpit.pass(Duration::from_secs(seconds)).await;
}
