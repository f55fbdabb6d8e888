//! The terminal loop: signals, keys, messages, time; then a frame, when something changed and the pace allows it.

#[cfg(test)]
mod tests;

use std::{io, time::Duration};

use crossterm::event::{Event, KeyEvent};
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    app::{
        drawn::{Drawn, Extent},
        model::{Model, Overlay},
        msg::Msg,
    },
    domain::text,
    runtime::{
        clock::wall_sleep,
        cockpit::{Cockpit, Wish},
        keys::{self, Rhythm},
        watchdog::Signal,
    },
    term::{
        painter::{Links, Painter},
        session::Screen,
    },
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
    /// Somebody interrupted it.
    Interrupted,
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

/// Runs until somebody leaves. `draw` paints the model into an empty buffer and says how much of it there was room for.
pub async fn run_terminal<B, S, I>(
    cockpit: &mut Cockpit,
    mut terminal: Terminal<'_, B, S, I>,
    mut draw: impl FnMut(&Model, Rect, &mut Buffer) -> Extent,
) -> Ended
where
    B: Links,
    S: Screen,
    I: Stream<Item = io::Result<Event>> + Unpin,
{
    let area = terminal.painter.area();
    cockpit.feed(Msg::Resized(area.width, area.height));
    cockpit.start();
    let (mut dirty, mut keyed, mut answered) = (true, false, false);
    let (mut frame, mut pace, mut hush): (Pause, Pause, Pause) = (None, None, None);
    let mut rhythm = Rhythm::default();
    loop {
        if !terminal.screen.is_taken() {
            return Ended::Panicked;
        }
        // A card that is not on screen as it is waits for no slow pace: nothing can be sent from it before.
        let urgent = keyed || cockpit.model().is_card_unseen();
        // Nor does a key wait because of a frame that no key had asked for; the world waits longer after it instead.
        let early = keyed && !answered && frame.is_some();
        if dirty && (early || frame.is_none() && (urgent || pace.is_none())) {
            if let Err(ended) = terminal.paint(cockpit, &mut draw) {
                return ended;
            }
            (dirty, keyed, answered) = (false, false, keyed);
            frame = Some(wall_sleep(FRAME).boxed());
            pace = Some(wall_sleep(if early { terminal.pace + FRAME } else { terminal.pace }).boxed());
        }
        let happened = tokio::select! {
            biased;
            Some(signal) = terminal.signals.recv() => terminal.signal(cockpit, signal),
            event = heard(&mut terminal.input, &mut rhythm) => {
                // A key is answered with the next frame, however slow the pace of what the world does.
                keyed = true;
                hush = Some(wall_sleep(keys::LOOK).boxed());
                terminal.event(cockpit, event, &mut rhythm)
            }
            // Looks again whether another key waits: one that does not by now was pressed by itself.
            () = over(&mut hush), if hush.is_some() => {
                hush = None;
                continue;
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
            (Ok(()), Some(Wish::Interrupt)) => Err(Ended::Interrupted),
            (Ok(()), Some(Wish::Suspend)) => terminal.suspend(cockpit),
            (Ok(()), Some(Wish::Copy(text))) => terminal.screen.copy(&text).map_err(gone),
            (Ok(()), None) => Ok(()),
        };
        if let Err(ended) = wished {
            return ended;
        }
    }
}

/// A wait that is under way.
type Pause = Option<BoxFuture<'static, ()>>;

/// The next event; every look at an input in which nothing waits is noted.
async fn heard<I>(input: &mut I, rhythm: &mut Rhythm) -> Option<io::Result<Event>>
where
    I: Stream<Item = io::Result<Event>> + Unpin,
{
    std::future::poll_fn(|context| {
        let event = input.poll_next_unpin(context);
        if event.is_pending() {
            rhythm.nothing_waits(Instant::now());
        }
        event
    })
    .await
}

async fn over(pause: &mut Pause) {
    if let Some(pause) = pause {
        pause.await;
    }
}

impl<B, S, I> Terminal<'_, B, S, I>
where
    B: Links,
    S: Screen,
{
    /// Paints a frame, and tells the model what of it is on screen now.
    fn paint(
        &mut self,
        cockpit: &mut Cockpit,
        draw: &mut impl FnMut(&Model, Rect, &mut Buffer) -> Extent,
    ) -> Result<(), Ended> {
        let (model, mut extent) = (cockpit.model(), Extent::Nothing);
        let address = match &model.nav.overlay {
            Some(Overlay::Address(address)) => Some(address.url.as_str()),
            _ => None,
        };
        self.painter.link(address);
        let painted = self.painter.paint(|area, buffer| extent = draw(model, area, buffer));
        painted.map_err(|error| Ended::TerminalGone(error.to_string()))?;
        let drawn = Drawn::of(model, extent);
        if model.drawn != drawn {
            cockpit.feed(Msg::Drawn(drawn));
        }
        Ok(())
    }

    fn event(
        &mut self,
        cockpit: &mut Cockpit,
        event: Option<io::Result<Event>>,
        rhythm: &mut Rhythm,
    ) -> Result<(), Ended> {
        // A stream that ends or fails does so for ever: going on would spin at full speed (crossterm#793, #1067).
        let event = match event {
            Some(Ok(event)) => event,
            Some(Err(error)) => return Err(Ended::TerminalGone(error.to_string())),
            None => return Err(Ended::TerminalGone("its input ended".to_owned())),
        };
        match event {
            Event::Key(key) => pressed(cockpit, &key, rhythm),
            Event::Paste(pasted) => paste(cockpit, &pasted, rhythm),
            Event::Resize(columns, rows) => {
                self.painter.resize(columns, rows);
                self.resized(cockpit);
            }
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) => {}
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

/// A key, after how it came in where that is another way than before.
fn pressed(cockpit: &mut Cockpit, key: &KeyEvent, rhythm: &mut Rhythm) {
    let Some(chord) = keys::chord(key) else { return };
    let press = rhythm.key(chord, key.kind, Instant::now());
    if cockpit.model().press != press {
        cockpit.feed(Msg::Press(press));
    }
    cockpit.key(chord);
}

/// A paste presses no keys. It is text where prose is taken, and never a choice or a read-back.
fn paste(cockpit: &mut Cockpit, pasted: &str, rhythm: &mut Rhythm) {
    rhythm.pasted(Instant::now());
    let model = cockpit.model();
    let takes = model.nav.filtering || model.card().is_some_and(|card| card.focus().takes_text());
    if model.is_typing() && takes {
        for c in text::clean(pasted).chars().take(PASTE) {
            cockpit.feed(Msg::Typed(c));
        }
    } else if model.card().is_some() {
        cockpit.feed(Msg::Said("a paste confirms nothing: type it; nothing was sent".to_owned()));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn gone(error: io::Error) -> Ended {
    Ended::TerminalGone(error.to_string())
}
