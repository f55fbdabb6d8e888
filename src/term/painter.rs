//! Paints buffers: only what changed since the last frame reaches the terminal, and nothing when nothing changed.
//!
//! Instead of `ratatui::Terminal`, which hides the cursor anew each frame, asks the terminal where the cursor is, and prints
//! to a dead stderr when it is dropped.

use std::io::{self, Stdout};

use ratatui::{
    backend::Backend,
    buffer::{Buffer, Cell},
    layout::{Rect, Size},
};

use unicode_width::UnicodeWidthStr;

use crate::term::{
    compact::{Compact, is_blank},
    frame::FrameWriter,
};

/// Nobody has more; a terminal that says so is lying and would cost gigabytes.
const MOST: Size = Size { width: 1_000, height: 500 };

/// A painter on the real terminal.
pub type StdoutPainter = Painter<Compact<FrameWriter<Stdout>>>;

/// Paints on stdout, which must be taken ([`crate::term::session::Session::take`]).
pub fn on_stdout() -> io::Result<StdoutPainter> {
    Painter::new(Compact::new(FrameWriter::new(io::stdout())))
}

/// A backend that can make a link of cells that are drawn as one: those with a colour for their underline.
pub trait Links: Backend {
    /// Where the cells that follow lead; `None` where they lead nowhere.
    fn link(&mut self, address: Option<&str>);
}

/// A backend and what it shows.
#[derive(Debug)]
pub struct Painter<B> {
    backend: B,
    shown: Buffer,
    next: Buffer,
    from_scratch: bool,
}

impl<B: Backend> Painter<B> {
    /// Paints on a backend, in the size it has now.
    pub fn new(backend: B) -> Result<Self, B::Error> {
        let area = area(backend.size()?);
        Ok(Self { backend, shown: Buffer::empty(area), next: Buffer::empty(area), from_scratch: true })
    }

    /// Where cells lead that are drawn as a link.
    pub fn link(&mut self, address: Option<&str>)
    where
        B: Links,
    {
        self.backend.link(address);
    }

    /// What can be painted on.
    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The terminal has another size now: the next frame is painted from scratch.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.next.resize(area(Size { width: columns, height: rows }));
        self.repaint();
    }

    /// The terminal shows something else now: reads its size and paints the next frame from scratch.
    pub fn refresh(&mut self) -> Result<(), B::Error> {
        let size = self.backend.size()?;
        self.resize(size.width, size.height);
        Ok(())
    }

    fn repaint(&mut self) {
        self.shown = Buffer::empty(self.next.area);
        self.from_scratch = true;
    }

    /// Paints a frame into an empty buffer and shows what changed.
    pub fn paint(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> Result<(), B::Error> {
        self.next.reset();
        draw(self.next.area, &mut self.next);
        if self.from_scratch {
            self.backend.clear()?;
            self.from_scratch = false;
        }
        let changes = bridged(&self.next, self.shown.diff(&self.next));
        if !changes.is_empty() {
            self.backend.draw(changes.into_iter())?;
            self.backend.flush()?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        Ok(())
    }
}

/// To go on beyond so many cells costs as much as to draw that many blanks.
const BRIDGE: u16 = 4;

/// The changes, and between them the blanks that cost less than the way around them.
fn bridged<'a>(next: &'a Buffer, changes: Vec<(u16, u16, &'a Cell)>) -> Vec<(u16, u16, &'a Cell)> {
    let mut all: Vec<(u16, u16, &Cell)> = Vec::with_capacity(changes.len());
    for (x, y, cell) in changes {
        if let Some((last, row, _)) = all.last().copied()
            && row == y
            && x > last + 1
            && x - last - 1 <= BRIDGE
        {
            let between = || (last + 1..x).map(|x| next.cell((x, y)).map(|cell| (x, y, cell)));
            // A wide character has no blank behind it: its second cell is a place that may not be drawn on.
            let is_bridge = |cell: Option<(u16, u16, &Cell)>| cell.is_some_and(|(_, _, cell)| is_blank(cell));
            let narrow = next.cell((last, y)).is_some_and(|cell| cell.symbol().width() == 1);
            if narrow && between().all(is_bridge) {
                all.extend(between().flatten());
            }
        }
        all.push((x, y, cell));
    }
    all
}

fn area(size: Size) -> Rect {
    Rect::new(0, 0, size.width.min(MOST.width), size.height.min(MOST.height))
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        io::{self, Write},
        rc::Rc,
    };

    use ratatui::{backend::TestBackend, style::Style};

    use super::*;

    impl Links for TestBackend {
        fn link(&mut self, _: Option<&str>) {}
    }

    fn say(text: &str) -> impl FnOnce(Rect, &mut Buffer) {
        move |area, buffer| {
            buffer.set_stringn(area.x, area.y, text, area.width.into(), Style::default());
        }
    }

    #[test]
    fn each_frame_shows_what_was_drawn_and_nothing_of_the_one_before() {
        let mut painter = Painter::new(TestBackend::new(6, 1)).unwrap();
        for text in ["hello!", "hi", "ok then"] {
            painter.paint(say(text)).unwrap();
        }
        painter.backend().assert_buffer_lines(["ok the"]);
        painter.resize(0, 0);
        painter.paint(say("x")).unwrap();
        painter.resize(u16::MAX, u16::MAX);
        assert_eq!(painter.area(), Rect::new(0, 0, 1_000, 500));
    }

    /// Counts bytes.
    #[derive(Clone, Default)]
    struct Counted(Rc<Cell<usize>>);

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.set(self.0.get() + bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_in_which_nothing_changed_costs_no_byte_and_a_small_change_few() {
        let written = Counted::default();
        let empty = Buffer::empty(Rect::new(0, 0, 20, 2));
        let backend = Compact::new(FrameWriter::new(written.clone()));
        let mut painter = Painter { backend, shown: empty.clone(), next: empty, from_scratch: true };
        painter.paint(say("age 11 s")).unwrap();
        let before = written.0.get();
        painter.paint(say("age 11 s")).unwrap();
        assert_eq!(written.0.get(), before);
        painter.paint(say("age 12 s")).unwrap();
        let cost = written.0.get() - before;
        // A place and a digit.
        assert_eq!(cost, "\x1b[1;6H2".len());
    }
}
