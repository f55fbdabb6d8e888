//! A recording in a terminal: takes it, shows where somebody walks in the recording, gives it back. No connection, no journal, no
//! effect: whatever is pressed moves in the recording only.

use std::{io, time::Duration};

use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use ratatui::{buffer::Buffer, layout::Rect};
use tokio::time::Instant;

use crate::{
    cli::exit::{CliError, Exit},
    domain::time::{Timestamp, age},
    keymap::{
        Keymap,
        chord::{Chord, Key},
    },
    run::paint::paint,
    runtime::{
        clock::wall_sleep,
        keys,
        player::Player,
        recorder::Recording,
        watchdog::{Signal, Watchdog},
    },
    term::{
        painter::on_stdout,
        session::{Screen, Session},
    },
    theme::Theme,
};

/// The key that interrupts.
const CTRL_C: Chord = Chord { key: Key::Char('c'), ctrl: true, alt: false };
/// The time between two frames while it plays.
const FRAME: Duration = Duration::from_millis(50);

/// That a moment lies behind the end of a recording, and where that is; nothing where it does not.
pub(super) fn past_the_end(recording: &Recording, until: Option<Timestamp>) -> Option<String> {
    let ends = recording.ends();
    until.filter(|until| *until > ends)?;
    let long = humantime::format_duration(Duration::from_secs(age(ends, recording.header.at).as_secs()));
    let ends = ends.format("%Y-%m-%dT%H:%M:%SZ");
    Some(format!("the recording ends at {ends}, +{long} since its start: that is its last screen"))
}

/// Shows it until somebody leaves.
pub(super) async fn open(mut player: Player, keymap: &Keymap, theme: &Theme) -> Result<Exit, CliError> {
    let failed = |why: io::Error| CliError::failed(format!("the terminal cannot be used: {why}"));
    let (watchdog, mut signals) = Watchdog::start().map_err(failed)?;
    let mut screen = Session::take().map_err(failed)?;
    let mut painter = on_stdout().map_err(failed)?;
    let mut input = EventStream::new();
    let mut shown = Instant::now();
    let ended = loop {
        if painter.paint(|area, buffer| draw(&player, keymap, theme, area, buffer)).is_err() {
            break Exit::Interrupted;
        }
        let playing = player.is_playing();
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => match signal {
                Signal::Stop => {
                    screen.suspend().map_err(failed)?;
                    painter.refresh().map_err(failed)?;
                }
                Signal::Continue => {
                    screen.retake().map_err(failed)?;
                    painter.refresh().map_err(failed)?;
                }
                Signal::Terminate | Signal::HangUp | Signal::Interrupt | Signal::TerminalGone => break Exit::Interrupted,
            },
            event = input.next() => match event {
                Some(Ok(Event::Key(key))) => {
                    if let Some(chord) = keys::chord(&key).filter(|chord| !player.key(*chord)) {
                        break if chord == CTRL_C { Exit::Interrupted } else { Exit::Done };
                    }
                }
                Some(Ok(Event::Resize(columns, rows))) => painter.resize(columns, rows),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break Exit::Interrupted,
            },
            () = wall_sleep(FRAME), if playing => {}
        }
        if playing {
            player.pass(shown.elapsed());
        }
        shown = Instant::now();
    };
    drop(screen);
    drop(watchdog);
    Ok(ended)
}

/// The screen of then, and in the place of its footer where it is: the keys of then do nothing here. It is drawn for the terminal that
/// is here, whatever it was then.
fn draw(player: &Player, keymap: &Keymap, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut model = player.model().clone();
    model.size = (area.width, area.height);
    paint(&model, keymap, theme, area, buffer);
    let Some(last) = area.bottom().checked_sub(1) else { return };
    let line = player.line(area.width.saturating_sub(1).into());
    let width: usize = area.width.into();
    buffer.set_stringn(area.x, last, format!(" {line:width$}"), width, theme.style("title"));
}
