//! Taking the terminal and giving it back exactly once, however the program ends.

use std::{
    io::{self, Write},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};

/// Is the terminal ours? A second restore would move the cursor back over a panic's message, so it must be asked first.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Session(());

impl Session {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, no cursor.
    ///
    /// # Errors
    /// When standard output is not a terminal, or it cannot be put into raw mode.
    pub fn take() -> io::Result<Self> {
        hook_panics();
        take()?;
        Ok(Self(()))
    }

    /// Gives the terminal to the shell, stops this process until `fg`, and takes it again.
    ///
    /// # Errors
    /// When the terminal cannot be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        let us = rustix::process::getpid();
        rustix::process::kill_process(us, rustix::process::Signal::TSTP)?;
        take()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Gives the terminal back if it is ours. Errors are of no use to anybody here: the terminal is gone.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), Show, DisableBracketedPaste, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// A panic gives the terminal back before it says anything, once for the whole process.
fn hook_panics() {
    static HOOKED: AtomicBool = AtomicBool::new(false);
    if HOOKED.swap(true, Ordering::SeqCst) {
        return;
    }
    panic::set_hook(Box::new(|info| {
        give_back();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let said = info.payload_as_str().unwrap_or("no words");
        // Never eprintln!: it panics itself once the terminal is gone.
        let _ = writeln!(
            io::stderr(),
            "holdshort broke at {place}: {said}\nActions go on without the screen: `holdshort audit list` shows how they end."
        );
    }));
}
