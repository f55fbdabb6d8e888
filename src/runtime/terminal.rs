//! The terminal's loop: signals, keys, messages, frames. It never awaits I/O of a provider, so a key is answered whatever
//! hangs; it draws only what changed.

use std::{future::Future, io, pin::pin, time::Duration};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::{Stream, StreamExt};
use ratatui::{Terminal, backend::Backend, buffer::Buffer, layout::Rect};

use crate::{
    app::{model::Model, msg::Msg},
    keymap::chord::{Chord, Key},
    runtime::cockpit::{Cockpit, Wish},
};

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Somebody quit.
    Quit,
    /// A signal asked for it (TERM, INT, HUP).
    Signal,
    /// The terminal is gone: nothing may be printed any more.
    Gone,
}

/// A terminal that is drawn on: whole frames, and what happens around them.
pub trait Screen {
    /// Draws the model if anything changed.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn draw(&mut self, model: &Model) -> io::Result<()>;

    /// Gives the terminal to the shell until `fg`, and draws everything anew after that.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn suspend(&mut self) -> io::Result<()>;
}

/// Flies until somebody quits, a signal comes or the terminal is gone. At most one frame in `pace` for what the world does;
/// a key is drawn at once.
pub async fn fly(
    cockpit: &mut Cockpit,
    screen: &mut impl Screen,
    input: impl Stream<Item = io::Result<Event>>,
    signal: impl Future<Output = ()>,
    pace: Duration,
) -> End {
    cockpit.start();
    let (mut input, mut signal) = (pin!(input), pin!(signal));
    let mut paced = pin!(frame_pause(Duration::ZERO));
    let (mut dirty, mut may_draw) = (true, true);
    loop {
        if dirty && may_draw {
            if screen.draw(cockpit.model()).is_err() {
                return End::Gone;
            }
            (dirty, may_draw) = (false, false);
            paced.set(frame_pause(pace));
        }
        tokio::select! {
            biased;
            () = &mut signal => return End::Signal,
            event = input.next() => match event {
                // A stream that ends or fails is a terminal that is gone; asking it again would spin.
                None | Some(Err(_)) => return End::Gone,
                Some(Ok(event)) => {
                    (dirty, may_draw) = (true, true);
                    take(cockpit, &event);
                }
            },
            () = cockpit.turn() => dirty = true,
            () = &mut paced, if !may_draw => may_draw = true,
        }
        match cockpit.take_wish() {
            None => {}
            Some(Wish::Quit) => return End::Quit,
            Some(Wish::Suspend) if screen.suspend().is_err() => return End::Gone,
            Some(Wish::Suspend) => (dirty, may_draw) = (true, true),
        }
    }
}

/// Frames are paced for the eye and the line, in real time, however fast the world's time goes.
#[expect(clippy::disallowed_methods, reason = "the pace of frames is not the world's time")]
fn frame_pause(pace: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(pace)
}

/// Takes a terminal event in.
fn take(cockpit: &mut Cockpit, event: &Event) {
    match event {
        Event::Key(key) => chord(key).into_iter().for_each(|chord| cockpit.key(chord)),
        Event::Resize(columns, rows) => cockpit.feed(Msg::Resized(*columns, *rows)),
        // Pasted text is never keys: a pasted "r1\n" must not roll anything back.
        _ => {}
    }
}

/// The chord of a key event; `None` for keys that we have no name for, and for releases.
pub fn chord(event: &KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    };
    let with = |modifier| event.modifiers.contains(modifier);
    Some(Chord { key, ctrl: with(KeyModifiers::CONTROL), alt: with(KeyModifiers::ALT) })
}

/// A ratatui terminal as a [`Screen`], drawn by `paint`, sent by `send`, suspended by `suspend`.
pub struct Painted<B: Backend, P, S, U> {
    /// The terminal. Not dropped when it is gone: its `Drop` prints.
    pub terminal: Terminal<B>,
    /// Model to cells.
    pub paint: P,
    /// Sends the frame that the backend collected.
    pub send: S,
    /// Gives the terminal away and takes it again.
    pub suspend: U,
}

impl<B: Backend, P, S, U> std::fmt::Debug for Painted<B, P, S, U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Painted").finish_non_exhaustive()
    }
}

impl<B, P, S, U> Screen for Painted<B, P, S, U>
where
    B: Backend,
    P: FnMut(&Model, Rect, &mut Buffer),
    S: FnMut() -> io::Result<()>,
    U: FnMut() -> io::Result<()>,
{
    fn draw(&mut self, model: &Model) -> io::Result<()> {
        let paint = &mut self.paint;
        let drawn = self.terminal.draw(|frame| paint(model, frame.area(), frame.buffer_mut()));
        drawn.map_err(|why| io::Error::other(why.to_string()))?;
        (self.send)()
    }

    fn suspend(&mut self) -> io::Result<()> {
        (self.suspend)()?;
        // Not `clear()`: it asks the terminal where the cursor is and waits for the answer (ratatui#2640).
        let size = self.terminal.size().map_err(|why| io::Error::other(why.to_string()))?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height)).map_err(|why| io::Error::other(why.to_string()))
    }
}
