//! Signals, and the terminal that goes away: a thread outside the event loop tells the loop, and ends the process when the
//! loop does not leave. A loop that hangs in a dead or stopped terminal cannot do that itself.

use std::{
    io::{self, IsTerminal},
    sync::mpsc as ready,
    thread::JoinHandle,
    time::Duration,
};

use futures::FutureExt;
use rustix::process::Signal as Number;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
};

use crate::{runtime::clock::wall_sleep, term::session::give_back};

/// How often the terminal is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(2);
/// How long giving the terminal back may take when the loop does not leave.
const GIVE_BACK: Duration = Duration::from_millis(200);

/// What the world outside the screen wants of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: leave.
    Terminate,
    /// SIGHUP: leave; the terminal is likely gone.
    HangUp,
    /// SIGINT: leave.
    Interrupt,
    /// SIGTSTP: give the terminal back and stop.
    Stop,
    /// SIGCONT: the process goes on; the terminal shows something else now.
    Continue,
    /// There is no terminal any more.
    TerminalGone,
}

impl Signal {
    /// The exit code when it ended the process: 128 and the number, as shells have it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::HangUp | Self::TerminalGone | Self::Stop | Self::Continue => 129,
        }
    }

    fn leaves(self) -> bool {
        !matches!(self, Self::Stop | Self::Continue)
    }
}

/// The thread. Keep it until the process has nothing left to do: dropping it is the sign that leaving worked.
#[derive(Debug)]
pub struct Watchdog {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts it; what it learns comes out of the channel.
    pub fn start() -> io::Result<(Self, mpsc::UnboundedReceiver<Signal>)> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::unbounded_channel();
        let (is_ready, ready) = ready::channel();
        let body = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(is_ready.send(Err(error))),
            };
            runtime.block_on(async {
                match Ears::open() {
                    Ok(ears) => {
                        drop(is_ready.send(Ok(())));
                        watch(ears, tell, stopped).await;
                    }
                    Err(error) => drop(is_ready.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(body)?;
        ready.recv().map_err(io::Error::other)??;
        Ok((Self { stop: Some(stop), thread: Some(thread) }, told))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ended already where it panicked; there is nothing to do about it here.
            let _ = thread.join();
        }
    }
}

/// The signals that are listened for.
struct Ears(Vec<(Signal, tokio::signal::unix::Signal)>);

impl Ears {
    fn open() -> io::Result<Self> {
        let stop = SignalKind::from_raw(Number::TSTP.as_raw());
        let cont = SignalKind::from_raw(Number::CONT.as_raw());
        let all = [
            (Signal::Terminate, SignalKind::terminate()),
            (Signal::HangUp, SignalKind::hangup()),
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::Stop, stop),
            (Signal::Continue, cont),
        ];
        let opened: io::Result<Vec<_>> = all.into_iter().map(|(name, kind)| Ok((name, signal(kind)?))).collect();
        Ok(Self(opened?))
    }

    async fn hear(&mut self) -> Signal {
        let each = self.0.iter_mut().map(|(name, ear)| ear.recv().map(|_| *name).boxed());
        futures::future::select_all(each).await.0
    }
}

async fn watch(mut ears: Ears, tell: mpsc::UnboundedSender<Signal>, mut stopped: oneshot::Receiver<()>) {
    let had_terminal = io::stdout().is_terminal();
    let wanted = loop {
        let heard = tokio::select! {
            biased;
            _ = &mut stopped => return,
            heard = ears.hear() => heard,
            () = wall_sleep(LOOK), if had_terminal => {
                if io::stdout().is_terminal() {
                    continue;
                }
                Signal::TerminalGone
            }
        };
        // When nobody listens the process is ending already.
        let _ = tell.send(heard);
        if heard.leaves() {
            break heard;
        }
    };
    tokio::select! {
        _ = stopped => {}
        () = wall_sleep(LEAVE) => end(wanted).await,
    }
}

/// Ends the process without a word: who would read it may be gone, and writing could block for ever.
#[expect(clippy::exit, reason = "the loop does not leave, so nobody else can")]
async fn end(wanted: Signal) {
    if matches!(wanted, Signal::Terminate | Signal::Interrupt) && std::thread::Builder::new().spawn(give_back).is_ok() {
        // It has the moment, no more: the loop may hang in a write with stdout locked.
        wall_sleep(GIVE_BACK).await;
    }
    let _ = crossterm::terminal::disable_raw_mode();
    std::process::exit(wanted.exit_code().into());
}
