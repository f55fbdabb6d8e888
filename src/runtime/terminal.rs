//! The terminal loop: signals, keys, messages, time; then a frame, when something changed and the pace allows it.

#[cfg(test)]
mod tests;

use std::{io, time::Duration};

use crossterm::event::Event;
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use ratatui::{backend::Backend, buffer::Buffer, layout::Rect};
use tokio::sync::mpsc;

use crate::{
    app::{model::Model, msg::Msg},
    domain::text,
    runtime::{
        clock::wall_sleep,
        cockpit::{Cockpit, Wish},
        keys,
        watchdog::Signal,
    },
    term::{painter::Painter, session::Screen},
};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// As much of a paste as any prompt here has use for.
const PASTE: usize = 200;

/// Why the loop was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody pressed the key for it.
    Quit,
    /// A signal asked for it.
    Signal(Signal),
    /// The terminal is gone, and why we think so: nothing may be written to it any more.
    TerminalGone(String),
    /// Something panicked; the terminal was given back already.
    Panicked,
}

/// What the loop works with.
#[derive(Debug)]
pub struct Terminal<'a, B, S, I> {
    /// Where frames go.
    pub painter: &'a mut Painter<B>,
    /// The taken terminal.
    pub screen: &'a mut S,
    /// Key and resize events: `crossterm::event::EventStream`.
    pub input: I,
    /// What the watchdog tells.
    pub signals: &'a mut mpsc::UnboundedReceiver<Signal>,
    /// The shortest time between two frames that no key asked for; no shorter than a frame.
    pub pace: Duration,
}

/// Runs until somebody leaves. `draw` paints the model into an empty buffer.
pub async fn run_terminal<B, S, I>(
    cockpit: &mut Cockpit,
    mut terminal: Terminal<'_, B, S, I>,
    mut draw: impl FnMut(&Model, Rect, &mut Buffer),
) -> Ended
where
    B: Backend,
    S: Screen,
    I: Stream<Item = io::Result<Event>> + Unpin,
{
    let area = terminal.painter.area();
    cockpit.feed(Msg::Resized(area.width, area.height));
    cockpit.start();
    let (mut dirty, mut keyed) = (true, false);
    let (mut frame, mut pace): (Option<BoxFuture<'static, ()>>, Option<BoxFuture<'static, ()>>) = (None, None);
    loop {
        if !terminal.screen.is_taken() {
            return Ended::Panicked;
        }
        if dirty && frame.is_none() && (keyed || pace.is_none()) {
            let model = cockpit.model();
            if let Err(error) = terminal.painter.paint(|area, buffer| draw(model, area, buffer)) {
                return Ended::TerminalGone(error.to_string());
            }
            (dirty, keyed) = (false, false);
            frame = Some(wall_sleep(FRAME).boxed());
            pace = Some(wall_sleep(terminal.pace).boxed());
        }
        let happened = tokio::select! {
            biased;
            Some(signal) = terminal.signals.recv() => terminal.signal(cockpit, signal),
            event = terminal.input.next() => {
                // A key is answered with the next frame, however slow the pace of what the world does.
                keyed = true;
                terminal.event(cockpit, event)
            }
            () = over(&mut frame), if frame.is_some() => {
                frame = None;
                continue;
            }
            () = over(&mut pace), if pace.is_some() => {
                pace = None;
                continue;
            }
            () = cockpit.turn() => Ok(()),
        };
        dirty = true;
        let wished = match (happened, cockpit.take_wish()) {
            (Err(ended), _) => Err(ended),
            (Ok(()), Some(Wish::Quit)) => Err(Ended::Quit),
            (Ok(()), Some(Wish::Suspend)) => terminal.suspend(cockpit),
            (Ok(()), None) => Ok(()),
        };
        if let Err(ended) = wished {
            return ended;
        }
    }
}

async fn over(pause: &mut Option<BoxFuture<'static, ()>>) {
    if let Some(pause) = pause {
        pause.await;
    }
}

impl<B, S, I> Terminal<'_, B, S, I>
where
    B: Backend,
    S: Screen,
{
    fn event(&mut self, cockpit: &mut Cockpit, event: Option<io::Result<Event>>) -> Result<(), Ended> {
        // A stream that ends or fails does so for ever: going on would spin at full speed (crossterm#793, #1067).
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Err(Ended::TerminalGone(error.to_string())),
            None => return Err(Ended::TerminalGone("its input ended".to_owned())),
        };
        match event {
            Event::Key(key) => {
                if let Some(chord) = keys::chord(&key) {
                    cockpit.key(chord);
                }
            }
            Event::Paste(pasted) if cockpit.model().is_typing() => {
                for c in text::clean(&pasted).chars().take(PASTE) {
                    cockpit.feed(Msg::Typed(c));
                }
            }
            Event::Resize(columns, rows) => {
                self.painter.resize(columns, rows);
                self.resized(cockpit);
            }
            // A paste where nothing takes text must not press keys.
            Event::Paste(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => {}
        }
        Ok(())
    }

    fn signal(&mut self, cockpit: &mut Cockpit, signal: Signal) -> Result<(), Ended> {
        match signal {
            Signal::Terminate | Signal::HangUp | Signal::Interrupt => Err(Ended::Signal(signal)),
            Signal::TerminalGone => Err(Ended::TerminalGone("it does not answer as a terminal any more".to_owned())),
            Signal::Stop => self.stop(cockpit),
            Signal::Continue => {
                self.screen.retake().map_err(gone)?;
                self.refresh(cockpit)
            }
        }
    }

    fn suspend(&mut self, cockpit: &mut Cockpit) -> Result<(), Ended> {
        if self.screen.has_shell() {
            return self.stop(cockpit);
        }
        cockpit.feed(Msg::Said("there is no shell to go back to: holdshort was started without one".to_owned()));
        Ok(())
    }

    fn stop(&mut self, cockpit: &mut Cockpit) -> Result<(), Ended> {
        self.screen.suspend().map_err(gone)?;
        self.refresh(cockpit)
    }

    fn refresh(&mut self, cockpit: &mut Cockpit) -> Result<(), Ended> {
        self.painter.refresh().map_err(|error| Ended::TerminalGone(error.to_string()))?;
        self.resized(cockpit);
        Ok(())
    }

    fn resized(&self, cockpit: &mut Cockpit) {
        let area = self.painter.area();
        cockpit.feed(Msg::Resized(area.width, area.height));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn gone(error: io::Error) -> Ended {
    Ended::TerminalGone(error.to_string())
}
