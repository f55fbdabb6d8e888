//! The terminal's guard: raw mode and the alternate screen are taken once and given back once, however the process ends.
//!
//! Nothing here prints with a macro: when the terminal is gone, printing panics, and a panic while panicking aborts.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};

use crate::{
    domain::text::printable,
    term::escape::{AskBackground, Copy, GiveBackScreen, TakeScreen},
};

/// Is the terminal taken? One for the process, because a panic hook knows nothing else. A second give-back would move the
/// cursor over the message that the first one made room for.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Whoever can hand the terminal to the shell for a while.
pub trait Screen {
    /// Gives the terminal back, stops the process (and its pipeline), and takes the terminal again when it goes on.
    fn suspend(&mut self) -> io::Result<()>;

    /// Takes the terminal again after somebody else stopped the process and let it go on.
    fn retake(&mut self) -> io::Result<()>;

    /// Is it still ours? Not after a panic gave it back.
    fn is_taken(&self) -> bool;

    /// Hands a text to the terminal's clipboard. Whether there is one, and whether it may be written, only the terminal knows.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Is there a shell that can bring the process back?
    fn has_shell(&self) -> bool;
}

/// The taken terminal. Dropping it gives it back.
#[derive(Debug)]
pub struct Session(());

impl Session {
    /// Takes the terminal.
    pub fn take() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "stdout is no terminal: use `holdshort status` or `holdshort snapshot` there",
            ));
        }
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                before(info);
            }));
        });
        take()?;
        Ok(Self(()))
    }

    /// Asks the terminal for its background, and does not wait for the answer.
    pub fn ask_background(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{AskBackground}").and_then(|()| out.flush())
    }

    /// The terminal is gone: nothing more is written to it.
    pub fn forget(self) {
        TAKEN.store(false, Ordering::SeqCst);
        // Raw mode belongs to a terminal that is gone; where it is not, this mends it and blocks on nothing.
        let _ = disable_raw_mode();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        give_back();
    }
}

impl Screen for Session {
    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // To the whole group: whoever waits for us in a pipeline, or started us (`cargo run`), must stop too.
        kill_current_process_group(Signal::STOP)?;
        take()
    }

    fn retake(&mut self) -> io::Result<()> {
        // The shell set the terminal as it likes it; only a full round sets it back.
        give_back();
        take()
    }

    fn is_taken(&self) -> bool {
        TAKEN.load(Ordering::SeqCst)
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{}", Copy(text.to_owned())).and_then(|()| out.flush())
    }

    fn has_shell(&self) -> bool {
        // The first process group of a session is its leader's: nobody above it could bring us back.
        getsid(None).is_ok_and(|session| session != getpgrp())
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout().lock();
    let taken = write!(out, "{TakeScreen}").and_then(|()| out.flush());
    drop(out);
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Gives the terminal back if it is taken. For panic hooks and for whoever leaves without dropping the session.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout().lock();
        // Where the terminal is gone there is nobody to tell.
        let _ = write!(out, "{GiveBackScreen}").and_then(|()| out.flush());
        let _ = disable_raw_mode();
    }
}

/// A sentence on stderr that never panics: the place to say why the process ends.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}
