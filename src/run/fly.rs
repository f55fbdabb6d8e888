//! The cockpit in a terminal: takes it, flies, gives it back, and says what goes on without it.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crossterm::event::EventStream;

use crate::{
    cli::exit::{CliError, Exit},
    run::paint::paint,
    runtime::{
        cockpit::Cockpit,
        terminal::{Ended, Terminal, run_terminal},
        watchdog::Watchdog,
    },
    term::{painter::on_stdout, session::Session},
    theme::Theme,
};

/// At most 30 frames a second for what the world does.
const PACE: Duration = Duration::from_millis(33);
/// On a slow line: one frame in five seconds.
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
    let (watchdog, mut signals) = Watchdog::start().map_err(failed)?;
    let mut screen = Session::take().map_err(failed)?;
    let mut painter = on_stdout().map_err(failed)?;
    let terminal = Terminal {
        painter: &mut painter,
        screen: &mut screen,
        input: EventStream::new(),
        signals: &mut signals,
        pace: if slow { SLOW_PACE } else { PACE },
    };
    let draw = |model: &_, area, buffer: &mut _| paint(model, &keymap, theme, area, buffer);
    let ended = run_terminal(&mut cockpit, terminal, draw).await;
    match &ended {
        // Nothing may be written to a terminal that is gone.
        Ended::TerminalGone(_) => screen.forget(),
        _ => drop(screen),
    }
    if cockpit.acting_here() > 0 {
        if ended == Ended::Quit {
            let _ = writeln!(io::stderr(), "holdshort: waiting for actions that are under way");
        }
        cockpit.finish().await;
    }
    drop(watchdog);
    Ok(match ended {
        Ended::Quit => Exit::Done,
        Ended::Panicked => Exit::Failed,
        Ended::Signal(_) | Ended::TerminalGone(_) => Exit::Interrupted,
    })
}
