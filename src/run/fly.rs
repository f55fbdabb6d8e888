//! The cockpit in a terminal: takes it, flies, gives it back, and says what goes on without it.

use std::{
    io::{self, IsTerminal, Write},
    mem::ManuallyDrop,
    time::Duration,
};

use crossterm::event::EventStream;
use ratatui::{Terminal, backend::CrosstermBackend};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::exit::{CliError, Exit},
    run::paint::paint,
    runtime::{
        cockpit::Cockpit,
        terminal::{End, Painted, fly},
    },
    term::{output::Frames, session::Session, watchdog::Watchdog},
    theme::Theme,
};

/// At most 30 frames a second for what the world does.
const PACE: Duration = Duration::from_millis(33);
/// On a slow line: one frame in five seconds, and one for each key.
const SLOW_PACE: Duration = Duration::from_secs(5);

/// Flies until somebody quits, and waits for actions of this process: leaving must not interrupt them.
pub(super) async fn open(mut cockpit: Cockpit, theme: &Theme, slow: bool) -> Result<Exit, CliError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CliError::usage(
            "the cockpit needs a terminal; `holdshort status` and `holdshort snapshot` do not",
        ));
    }
    let failed = |why: io::Error| CliError::failed(format!("the terminal cannot be used: {why}"));
    let keymap = cockpit.keymap().clone();
    let stop = stop_signals().map_err(failed)?;
    let mut session = Session::take().map_err(failed)?;
    let watchdog = Watchdog::start().map_err(failed)?;
    let frames = Frames::new();
    let terminal = Terminal::new(CrosstermBackend::new(frames.clone())).map_err(failed)?;
    // Its Drop prints when the terminal is gone, and a print to a dead terminal aborts the process.
    let mut screen = ManuallyDrop::new(Painted {
        terminal,
        paint: |model: &_, area, buffer: &mut _| paint(model, &keymap, theme, area, buffer),
        send: || frames.send(io::stdout()),
        suspend: || session.suspend(),
    });
    let pace = if slow { SLOW_PACE } else { PACE };
    let end = fly(&mut cockpit, &mut *screen, EventStream::new(), stop, pace).await;
    drop(ManuallyDrop::into_inner(screen).suspend);
    drop(session);
    drop(watchdog);
    if cockpit.acting_here() > 0 {
        if end == End::Quit {
            let _ = writeln!(io::stderr(), "holdshort: waiting for actions that are under way");
        }
        cockpit.finish().await;
    }
    Ok(if end == End::Quit { Exit::Done } else { Exit::Interrupted })
}

/// Resolves when a signal asks for the end.
fn stop_signals() -> io::Result<impl Future<Output = ()>> {
    let (mut term, mut hang_up, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = hang_up.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
