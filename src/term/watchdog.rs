//! A thread outside the event loop that ends a process whose terminal is gone and whose loop did not notice: such a process
//! has been seen to spin at full speed and to ignore SIGTERM (crossterm#793).

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use rustix::termios::tcgetattr;

/// How often the terminal is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often it may be found gone before the process is ended: the loop has that long to end by itself.
const PATIENCE: u32 = 3;
/// What a shell says of a program that was hung up: 128 + SIGHUP.
const HUNG_UP: i32 = 129;

/// Watches until it is dropped: the closed channel tells the thread.
#[derive(Debug)]
pub struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    /// Starts to watch standard input.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> io::Result<Self> {
        let (alive, dropped) = channel();
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || watch(&dropped))?;
        Ok(Self { _alive: alive })
    }
}

fn watch(dropped: &Receiver<()>) {
    let mut gone = 0;
    while dropped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        gone = if tcgetattr(io::stdin()).is_ok() { 0 } else { gone + 1 };
        if gone > PATIENCE {
            end();
        }
    }
}

#[expect(clippy::exit, reason = "the loop had its time, and nobody is left to tell")]
fn end() -> ! {
    std::process::exit(HUNG_UP)
}
