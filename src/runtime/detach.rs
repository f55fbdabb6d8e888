//! Processes that outlive the terminal: the executor's host for real systems.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::port::{
    record::{NewRecord, RecordId},
    secrets::Secrets,
    step::Step,
};

/// As much as an order may take: a plan holds whole pod templates.
const MOST: u64 = 64 << 20;

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
/// The `attendance` stays open in it as long as it lives.
pub fn spawn_detached(
    exe: &Path,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    order: &Order,
    attendance: File,
) -> io::Result<()> {
    let mut child = Command::new(exe)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(attendance)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be started: {error}", exe.display())))?;
    let told = serde_json::to_vec(order).map_err(io::Error::from).and_then(|order| {
        let mut pipe = child.stdin.take().ok_or_else(|| io::Error::other("the executor takes no order"))?;
        pipe.write_all(&order)
    });
    // Somebody must wait for it, or it stays as a zombie for as long as we live.
    std::thread::Builder::new().name("reaper".to_owned()).spawn(move || drop(child.wait()))?;
    told
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
}
