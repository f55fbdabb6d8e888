//! A pseudo-terminal with the program in it, and the screen it drew as text. Waits for what is on screen, never for a time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::{
    ffi::OsStr,
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// How long a screen may take before the test gives up. Not a measurement: a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(3);

/// A hand takes at least so long from what it sees to the next key. What a test presses, not what it waits for.
const HAND: Duration = Duration::from_millis(100);

/// How many of these bytes lie before a frame that has begun and not ended.
fn whole(bytes: &[u8]) -> usize {
    let last = |wanted: &[u8]| bytes.windows(wanted.len()).rposition(|window| window == wanted);
    match (last(b"\x1b[?2026h"), last(b"\x1b[?2026l")) {
        (Some(begins), ended) if ended.is_none_or(|ended| ended < begins) => begins,
        _ => bytes.len(),
    }
}

/// What gives the screen of before back.
const LEAVES: &[u8] = b"\x1b[?1049l";

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// What the program showed when it left its screen.
    left: String,
    ended: bool,
    hung_up: bool,
}

impl Seen {
    fn show(&mut self, bytes: &[u8]) {
        let leaves = bytes.windows(LEAVES.len()).position(|window| window == LEAVES);
        let (drawn, after) = bytes.split_at(leaves.unwrap_or(0));
        self.parser.process(drawn);
        if leaves.is_some() {
            self.left = self.parser.screen().contents();
        }
        self.parser.process(after);
    }
}

/// What a screen must satisfy.
type Holds = Box<dyn Fn(&str) -> bool>;

/// The program, its terminal, and what it drew.
pub(crate) struct Pty {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    /// The key that was pressed last, and what it led to.
    last: Option<(String, String, Holds)>,
}

impl Pty {
    /// Starts `holdshort` with these arguments in a terminal of this size.
    pub(crate) fn start(args: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_in(args, &[], columns, rows)
    }

    /// The same with these variables in its environment.
    pub(crate) fn start_in(args: &[&str], environment: &[(&str, &str)], columns: u16, rows: u16) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_holdshort"), args, environment, columns, rows)
    }

    /// The same with another program.
    pub(crate) fn start_program(
        program: impl AsRef<OsStr>,
        args: &[&str],
        environment: &[(&str, &str)],
        columns: u16,
        rows: u16,
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        for name in crate::program::settings() {
            command.env_remove(name);
        }
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0);
        let seen = Seen { parser, raw: Vec::new(), left: String::new(), ended: false, hung_up: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut unshown = Vec::new();
            loop {
                let read = reader.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                let bytes = buffer.get(..read).unwrap();
                unshown.extend_from_slice(bytes);
                // As a terminal that knows synchronized updates: a frame is shown when it is whole.
                let whole = if read == 0 { unshown.len() } else { whole(&unshown) };
                let shown: Vec<u8> = unshown.drain(..whole).collect();
                seen.show(&shown);
                seen.raw.extend_from_slice(bytes);
                seen.ended = read == 0;
                shared.1.notify_all();
                if read == 0 || seen.hung_up {
                    return;
                }
            }
        });
        Self { master: Some(pair.master), writer, child, seen, last: None }
    }

    /// Waits until the screen satisfies a condition, and gives its text.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let (lock, woken) = &*self.seen;
        let give_up = |seen: &mut Seen| !seen.ended && !holds(&seen.parser.screen().contents());
        let (seen, _) = woken.wait_timeout_while(lock.lock().unwrap(), PATIENCE, give_up).unwrap();
        let text = seen.parser.screen().contents();
        if !holds(&text) {
            let raw = String::from_utf8_lossy(&seen.raw);
            panic!("waited for {what}, ended: {}, and saw:\n{text}\n--- raw ---\n{raw:?}", seen.ended);
        }
        text
    }

    /// Sends keys as they come from a keyboard.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Presses one key as a hand does, and waits for what it leads to. A test that waits for the screen may be faster than a hand:
    /// where the cockpit says so, nothing was done, and the key is pressed again once that has left the screen; so is the one
    /// before it, where it was taken back as the first of a paste.
    pub(crate) fn press(&mut self, key: &str, what: &str, holds: impl Fn(&str) -> bool + 'static) -> String {
        let before = self.last.take();
        let this = (key.to_owned(), what.to_owned(), Box::new(holds) as Holds);
        let screen = loop {
            if let Some(screen) = self.pressed(&this) {
                break screen;
            }
            if let Some(before) = before.as_ref().filter(|(_, _, led)| !led(&self.screen())) {
                // Not fast now: the word about it has left, which takes longer than any hand.
                self.pressed(before);
            }
        };
        self.last = Some(this);
        screen
    }

    /// Presses a key and waits for what it leads to; `None` where it came faster than a hand, once the word about it has left.
    fn pressed(&mut self, (key, what, holds): &(String, String, Holds)) -> Option<String> {
        const TOO_FAST: &str = "faster than a hand";
        let (lock, woken) = &*self.seen;
        drop(woken.wait_timeout_while(lock.lock().unwrap(), HAND, |_| true).unwrap());
        self.keys(key);
        let screen = self.until(what, |screen| holds(screen) || screen.contains(TOO_FAST));
        if holds(&screen) {
            return Some(screen);
        }
        self.until("the word about it to leave", |screen| !screen.contains(TOO_FAST));
        None
    }

    /// What is on screen.
    fn screen(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
        let mut seen = self.seen.0.lock().unwrap();
        seen.parser.screen_mut().set_size(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Closes the terminal under the program, as a dropped SSH session does.
    ///
    /// The reader holds the terminal open as well: it lets go with the next thing that the program draws.
    pub(crate) fn hang_up(&mut self) {
        self.seen.0.lock().unwrap().hung_up = true;
        self.master = None;
        self.writer = Box::new(std::io::sink());
    }

    /// Waits for the end of the program, and until everything that it wrote has been read.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let (lock, woken) = &*self.seen;
        let unread = |seen: &mut Seen| !seen.ended && !seen.hung_up;
        drop(woken.wait_timeout_while(lock.lock().unwrap(), PATIENCE, unread).unwrap());
        status
    }

    /// Every byte it wrote.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// What stood on the screen that it drew on when it left that.
    pub(crate) fn left(&self) -> String {
        self.seen.0.lock().unwrap().left.clone()
    }

    /// Is the alternate screen still shown, or the cursor still hidden?
    pub(crate) fn is_left_dirty(&self) -> bool {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        screen.alternate_screen() || screen.hide_cursor() || screen.bracketed_paste()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}
