//! Processes that outlive the terminal: the executor's host for real systems, and what one of them says that ends before its
//! time.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{
    domain::text::{one_line, without_userinfo},
    port::{
        record::{NewRecord, RecordId},
        secrets::Secrets,
        step::Step,
    },
};

/// As much as an order may take: a plan holds whole pod templates.
const MOST: u64 = 64 << 20;

/// How much of what a process said last is read: it may be told to say everything.
const LAST_SAID: u64 = 8 << 10;
/// How much of that goes into a record, in characters.
const KEPT: usize = 600;
/// What a sentence of this program begins with, where it ends for a reason.
const OURS: &str = "holdshort: ";

/// How a process ended, once it has. The error is why it did otherwise than well, as a sentence: foreign text of one line, with no
/// secret that this file knows of taken out.
pub type Ended = oneshot::Receiver<Result<(), String>>;

/// What an executor of its own is told, through a pipe that nobody else can write: the confirmed plan. What the journal
/// holds is evidence of it and is never carried out.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The number of the record.
    pub record: RecordId,
    /// What somebody confirmed.
    pub confirmed: NewRecord,
    /// Configurations that were handed over to whoever confirmed it, and which nobody can read twice.
    #[serde(default)]
    pub given: BTreeMap<PathBuf, String>,
    /// The bodies of its calls, in order: written down they show only what may be seen.
    bodies: Vec<Option<String>>,
    /// What was typed for it and nobody may see, by name.
    secrets: BTreeMap<String, String>,
}

impl Order {
    /// The order to carry this out, with what was typed for it and the configurations that were handed over.
    pub fn new(record: RecordId, confirmed: NewRecord, secrets: &Secrets, given: BTreeMap<PathBuf, String>) -> Self {
        let sent = |step: &Step| step.call.body.sent().map(str::to_owned);
        let bodies = confirmed.plan.all_steps().map(sent).collect();
        Self { record, confirmed, given, bodies, secrets: secrets.told() }
    }

    /// What was typed for it and nobody may see.
    pub fn secrets(&self) -> Secrets {
        self.secrets.clone().into_iter().collect()
    }

    /// Reads the order that this process was started with.
    pub fn read(from: impl Read) -> io::Result<Self> {
        let mut order: Self = serde_json::from_reader(from.take(MOST))?;
        let plan = &mut order.confirmed.plan;
        if plan.all_steps().count() != order.bodies.len() {
            return Err(io::Error::other("an order has a body for each call"));
        }
        // In the order of `Plan::all_steps`: first what is sent to each target, then what ends what is owed there.
        let (mut steps, mut owed) = (Vec::new(), Vec::new());
        for one in [&mut plan.draft].into_iter().chain(plan.then.iter_mut().map(|one| &mut one.draft)) {
            steps.extend(one.steps.iter_mut());
            owed.extend(one.obligations.iter_mut().map(|owed| &mut owed.step));
        }
        let steps = steps.into_iter().chain(owed);
        for (step, sent) in steps.zip(std::mem::take(&mut order.bodies)) {
            step.call.body = step.call.body.clone().told(sent);
        }
        Ok(order)
    }
}

/// Not derived: what the bodies and the secrets hold is nobody's business but the pipe's.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("record", &self.record)
            .field("confirmed", &self.confirmed)
            .finish_non_exhaustive()
    }
}

/// Starts a process that keeps nothing of this terminal, and tells it what to do. Its first act must be [`leave_session`].
/// The `attendance` stays open in it as long as it lives. What it says goes to a file that has no name: it outlives us, and a pipe
/// that nobody reads would stop it. The answer comes when it has ended, as long as we live.
pub fn spawn_detached(
    exe: &Path,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    order: &Order,
    attendance: File,
) -> io::Result<Ended> {
    // Where there is no place for what it says, it says it to nobody, and is carried out all the same.
    let said = tempfile::tempfile().ok();
    let told = said.as_ref().and_then(|said| said.try_clone().ok()).map_or_else(Stdio::null, Stdio::from);
    let mut child = Command::new(exe)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(attendance)
        .stderr(told)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be started: {error}", exe.display())))?;
    let told = serde_json::to_vec(order).map_err(io::Error::from).and_then(|order| {
        let mut pipe = child.stdin.take().ok_or_else(|| io::Error::other("the executor takes no order"))?;
        pipe.write_all(&order)
    });
    let (tell, ended) = oneshot::channel();
    // Somebody must wait for it, or it stays as a zombie for as long as we live.
    let reap = move || drop(tell.send(outcome(child, said)));
    std::thread::Builder::new().name("reaper".to_owned()).spawn(reap)?;
    told.map(|()| ended)
}

/// Waits for the end of a process, and for its reason.
fn outcome(mut child: Child, said: Option<File>) -> Result<(), String> {
    let status = child.wait().map_err(|error| format!("it could not be waited for: {error}"))?;
    if status.success() { Ok(()) } else { Err(reason(status, said)) }
}

/// Why a process ended, from what it said last: our own sentence, with the lines that belong to it, else the last line.
fn reason(status: ExitStatus, said: Option<File>) -> String {
    let text = said.and_then(|said| last_said(said).ok()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let sentence = match lines.iter().rposition(|line| line.starts_with(OURS)) {
        Some(begin) => lines.iter().skip(begin).copied().collect::<Vec<_>>().join(" "),
        None => lines.last().copied().unwrap_or_default().to_owned(),
    };
    let sentence = without_userinfo(&one_line(sentence.strip_prefix(OURS).unwrap_or(&sentence)));
    if sentence.is_empty() {
        return format!("it ended with {status} and said nothing");
    }
    let mut short: String = sentence.chars().take(KEPT).collect();
    if short.len() < sentence.len() {
        short.push('…');
    }
    short
}

fn last_said(mut said: File) -> io::Result<String> {
    let length = said.metadata()?.len();
    said.seek(SeekFrom::Start(length.saturating_sub(LAST_SAID)))?;
    let mut bytes = Vec::new();
    said.take(LAST_SAID).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes this process the leader of a session of its own: a hang-up of the old terminal does not reach it any more.
pub fn leave_session() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::body::Body;

    fn order() -> Order {
        let mut confirmed = crate::journal::sample::intent(crate::domain::verb::Verb::Abort);
        confirmed.plan.draft.steps[0].call.body = Body::sealed("password=hunter2".into(), "password=•".into());
        let given = [("/dev/fd/63".into(), "x = 1".to_owned())].into();
        Order::new(RecordId(7), confirmed, &Secrets::default().with("pin", "swordfish"), given)
    }

    #[test]
    fn an_order_reads_back_as_it_was_written() {
        let text = serde_json::to_vec(&order()).unwrap();
        let read = Order::read(text.as_slice()).unwrap();
        assert_eq!(read.confirmed.plan.draft.steps[0].call.body.sent(), Some("password=hunter2"));
        assert_eq!(read.secrets().get("pin"), Some("swordfish"));
        assert_eq!((read.record, read.confirmed, read.given), (order().record, order().confirmed, order().given));
        let said = format!("{:?}", order());
        assert!(!said.contains("hunter2") && !said.contains("swordfish"), "{said}");
        assert!(Order::read(&b"{}"[..]).is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let file = tempfile::tempfile().unwrap();
        let error = spawn_detached(Path::new("/no/such/holdshort"), ["executor", "7"], &order(), file).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/holdshort cannot be started: "), "{error}");
    }

    /// Why a shell that runs this ended, where it did otherwise than well.
    fn why(script: &str) -> Result<(), String> {
        let file = tempfile::tempfile().unwrap();
        let script = format!("cat > /dev/null; {script}");
        spawn_detached(Path::new("/bin/sh"), ["-c", &script], &order(), file).unwrap().blocking_recv().unwrap()
    }

    #[test]
    fn a_process_that_ends_before_its_time_says_why() {
        let said = |text: &str| Err(text.to_owned());
        let table = [
            ("true", Ok(())),
            ("exit 3", said("it ended with exit status: 3 and said nothing")),
            ("kill -9 $$", said("it ended with signal: 9 (SIGKILL) and said nothing")),
            ("echo DEBUG x >&2; echo 'holdshort: no such file' >&2; exit 2", said("no such file")),
            ("printf 'holdshort: error: bad\n --> a.toml:1:1\n' >&2; exit 2", said("error: bad --> a.toml:1:1")),
            ("echo 'thread main panicked' >&2; exit 101", said("thread main panicked")),
            (r"printf 'holdshort: \033[31mred\a at http://u:p@host\n' >&2; exit 1", said("�[31mred� at http://…@host")),
        ];
        for (script, expected) in table {
            assert_eq!(why(script), expected, "{script}");
        }
        let long = why("i=0; while [ $i -lt 3000 ]; do echo 'holdshort: much to say' >&2; i=$((i+1)); done; exit 1");
        assert_eq!(long, said("much to say"));
    }
}
