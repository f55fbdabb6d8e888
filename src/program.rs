//! Runs a program of the user's that gives a credential (a token's command, a cluster's credential plugin) as one must be run
//! beside a screen: it gets no input and no terminal, what it says is caught, and it has a time limit.
//!
//! Here must not live: what is run, or what its words mean. A shell is never started.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io::{self, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{domain::text::clean, ownership};

/// How long a credential may take. Those that ask an identity provider over a slow line need a few seconds; whoever is asked to
/// do something first (a browser, a code) is asked in vain, and a request waits meanwhile.
pub const LIMIT: Duration = Duration::from_secs(15);
/// Bytes of an answer: a token, or a certificate with its key.
const LONGEST_ANSWER: usize = 1 << 20;
/// Bytes of what it complains about that are kept, the last ones.
const LONGEST_WORDS: usize = 4 << 10;
/// Characters of that in a sentence.
const LONGEST_SAID: usize = 300;
/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long is waited for what a program wrote before it ended; something that it left behind may hold its output open.
const GRACE: Duration = Duration::from_millis(300);
/// From this length on a word may be a secret by its looks, and from that one because the program was told it.
const LOOKS_SECRET: usize = 24;
const TOLD: usize = 6;
/// Stands for a word that is not shown.
const HIDDEN: &str = "•";

/// What a program did.
pub struct Ran {
    /// How it ended; `None` where it was ended, for its time was over.
    pub status: Option<ExitStatus>,
    /// What it answered: may be a secret.
    pub answer: Vec<u8>,
    /// The end of what it complained about: may hold a secret too, see [`Ran::words`].
    said: Vec<u8>,
}

/// Not derived: what it holds may be a secret.
impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ran").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Ran {
    /// What it complained about, in one line that can be shown: without what it was `told`, and without words that look like a
    /// secret. `None` where nothing is left.
    pub fn words<'a>(&self, told: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let told: Vec<&str> = told.into_iter().collect();
        let text = clean(&String::from_utf8_lossy(&self.said));
        let hide = |word: &str| {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let repeated = bare.len() >= TOLD && told.iter().any(|told| told.contains(bare));
            repeated || looks_secret(bare)
        };
        let words: Vec<&str> = text.split_whitespace().map(|word| if hide(word) { HIDDEN } else { word }).collect();
        let says = words.iter().any(|word| *word != HIDDEN && word.chars().any(char::is_alphanumeric));
        let line = words.join(" ").trim_end_matches('.').to_owned();
        let cut = line.char_indices().nth_back(LONGEST_SAID).map(|(at, _)| at);
        let shown = cut.and_then(|at| line.get(at..)).map_or_else(|| line.clone(), |end| format!("… {end}"));
        says.then_some(shown)
    }
}

/// Letters and digits together, and long: a token. Paths and addresses are not, up to what is asked there.
fn looks_secret(word: &str) -> bool {
    let address =
        word.starts_with("http") || word.contains("/.") || word.starts_with("home/") || word.starts_with("usr/");
    let part = if address { word.split_once('?').map_or("", |(_, asked)| asked) } else { word };
    part.len() >= LOOKS_SECRET
        && part.contains(|c: char| c.is_ascii_digit())
        && part.contains(|c: char| c.is_ascii_alphabetic())
}

/// Runs it to its end, at most for `limit`; then it is ended, with everything that it started.
///
/// # Errors
/// When it cannot be started.
pub fn run<S: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    environment: impl IntoIterator<Item = (S, S)>,
    limit: Duration,
) -> io::Result<Ran> {
    let mut command = apart(program);
    command.args(arguments).envs(environment);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (heard, told) = channel();
    listen(child.stdout.take(), LONGEST_ANSWER, true, heard.clone());
    listen(child.stderr.take(), LONGEST_WORDS, false, heard);
    let mut ran = Ran { status: None, answer: Vec::new(), said: Vec::new() };
    let running = Running::of(&child);
    ran.status = watch(&mut child, limit)?;
    if ran.status.is_none() {
        end(&mut child);
    }
    drop(running);
    collect(&told, &mut ran);
    Ok(ran)
}

/// The leaders of what runs now, and whether nothing more may: this process ends.
#[derive(Debug, Default)]
struct All {
    running: BTreeSet<i32>,
    over: bool,
}

static ALL: Mutex<All> = Mutex::new(All { running: BTreeSet::new(), over: false });

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that runs, as long as this is there.
struct Running(Option<i32>);

impl Running {
    fn of(child: &Child) -> Self {
        let leader = i32::try_from(child.id()).ok();
        let mut all = all();
        all.running.extend(leader);
        // It was started while this process was about to end.
        if all.over {
            leader.into_iter().for_each(kill);
        }
        Self(leader)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            all().running.remove(&leader);
        }
    }
}

/// Ends whatever still runs, with everything that it started. For the end of this process: nobody waits for an answer any more,
/// and a program that asks somebody something would wait for ever.
pub fn end_all() {
    let mut all = all();
    all.over = true;
    all.running.iter().copied().for_each(kill);
}

/// Ends a group of processes.
fn kill(leader: i32) {
    if let Some(leader) = Pid::from_raw(leader) {
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

/// The program in a session of its own: it can neither read from our terminal nor write to it. Where there is no `setsid`, in
/// a group of its own, which can only write.
fn apart(program: &Path) -> Command {
    if let Some(setsid) = ownership::program("setsid", "/usr/bin:/bin") {
        let mut command = Command::new(setsid);
        command.arg(program);
        command
    } else {
        let mut command = Command::new(program);
        command.process_group(0);
        command
    }
}

/// Waits for its end; `None` where that did not come in time.
#[expect(clippy::disallowed_methods, reason = "a process takes real time, whatever the world's clock says")]
fn watch(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    // Nobody sends: it is a pause.
    let (_never, pause) = channel::<()>();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            return Ok(None);
        }
        let _ = pause.recv_timeout(LOOK);
    }
}

/// Ends it and what it started; both ways of [`apart`] make it the leader of its group.
fn end(child: &mut Child) {
    i32::try_from(child.id()).into_iter().for_each(kill);
    let _ = child.kill();
    let _ = child.wait();
}

/// One thing that was read: of the answer or of the complaints, and whether that was its end.
type Heard = (bool, Vec<u8>);

/// Reads to the end on a thread of its own, so that whoever writes is never held up; tells what is kept.
fn listen(from: Option<impl Read + Send + 'static>, most: usize, answers: bool, heard: Sender<Heard>) {
    let Some(mut from) = from else { return };
    let reader = move || {
        let (mut kept, mut chunk) = (Vec::new(), [0_u8; 4096]);
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            kept.extend_from_slice(chunk.get(..read).unwrap_or_default());
            if kept.len() > most && !answers {
                kept.drain(..kept.len() - most);
            } else if kept.len() > most {
                // No credential is that long, and half of one is none.
                kept.clear();
                break;
            }
        }
        let _ = heard.send((answers, kept));
    };
    // Without a thread nothing is heard, which is a program that said nothing.
    drop(thread::Builder::new().name("plugin".to_owned()).spawn(reader));
}

fn collect(told: &Receiver<Heard>, ran: &mut Ran) {
    for _ in 0..2 {
        match told.recv_timeout(GRACE) {
            Ok((true, answer)) => ran.answer = answer,
            Ok((false, said)) => ran.said = said,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str, limit: Duration) -> Ran {
        run(Path::new("/bin/sh"), ["-c", text], [], limit).unwrap()
    }

    #[test]
    fn a_program_has_no_input_and_no_terminal_and_what_it_says_is_caught() {
        let ran =
            script("read -r x || echo no input; (: >/dev/t''ty) 2>/dev/null || echo no terminal >&2; exit 3", LIMIT);
        let said = ran.words([]);
        assert_eq!((ran.status.unwrap().code(), ran.answer.as_slice()), (Some(3), &b"no input\n"[..]));
        assert_eq!(said.as_deref(), Some("no terminal"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_everything_that_it_started() {
        let ran = script("echo waiting for the identity provider >&2; sleep 600", Duration::from_millis(200));
        assert!(ran.status.is_none());
        assert_eq!(ran.words([]).as_deref(), Some("waiting for the identity provider"));
    }

    #[test]
    fn what_a_program_leaves_behind_does_not_hold_us_up() {
        // It goes on for longer than we listen, and is gone soon after: nobody else ends it.
        let ran = script("sleep 5 & echo t; exit 0", LIMIT);
        assert!(ran.status.unwrap().success());
        let group = script("exec true", LIMIT);
        assert!(group.status.unwrap().success());
    }

    #[test]
    fn of_its_words_only_what_is_no_secret_is_shown() {
        let said = |text: &str, told: &[&str]| {
            let ran = Ran { status: None, answer: Vec::new(), said: text.as_bytes().to_vec() };
            ran.words(told.iter().copied())
        };
        let why = "ERROR: Reauthentication failed. cannot prompt during non-interactive execution";
        assert_eq!(said(&format!("\u{1b}[31m{why}.\u{1b}[0m\n"), &["get-token"]).as_deref(), Some(why));
        assert_eq!(said("bad key hunter2\n", &["--key=hunter2"]).as_deref(), Some("bad key •"));
        assert_eq!(said("hunter2", &["--key=hunter2"]), None);
        assert_eq!(said("got eyJhbGciOiJSUzI1NiIsImtpZCI6Ij", &[]).as_deref(), Some("got •"));
        let see = "see https://login.test/device and /home/dana/.config/gcloud/credentials2.db";
        assert_eq!(said(see, &[]).as_deref(), Some(see));
        assert_eq!(said("", &[]), None);
        let long = said(&"word ".repeat(900), &[]).unwrap();
        assert!(long.starts_with("… ") && long.len() < 310, "{long}");
    }
}
