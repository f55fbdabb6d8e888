//! One task for each facet of each connection: watches with a heartbeat, polls with back-off, signal readers. They turn
//! answers and failures into messages and decide nothing.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    app::{msg::Msg, store::SourceInfo},
    domain::{
        gate::Gate,
        ids::{ServiceName, SourceName},
        object::ObjectId,
        observed::{Fault, FaultKind},
        pipeline::Run,
        time::Timestamp,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Answer, Change, Connection, Gates, Metrics, Pipelines, Rollouts, Window},
    },
    runtime::{
        clock::within,
        note::{Key, Note},
    },
};

/// How often a watch is proven to be alive, and how long the proof may take: together less than the ten seconds after
/// which a hung API must be said (F2).
const BEAT: Duration = Duration::from_secs(5);
const BEAT_LIMIT: Duration = Duration::from_secs(4);
/// How long a list or a query may take.
const READ_LIMIT: Duration = Duration::from_secs(8);
/// The longest pause after errors.
const LONGEST: Duration = Duration::from_mins(5);
/// A watch that ended, against its contract, is begun again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Requests for signals that wait behind the one under way.
const WAITING: usize = 4;

/// What a request for signals asks.
type Question = (Vec<ServiceName>, Window);

/// How the running tasks are spoken to.
#[derive(Debug, Default)]
pub(super) struct Sources {
    hurry: BTreeMap<SourceName, Arc<Notify>>,
    signals: BTreeMap<SourceName, mpsc::Sender<Question>>,
}

/// What every task of a source has.
#[derive(Clone)]
struct Seat {
    source: SourceName,
    interval: Duration,
    clock: SharedClock,
    notes: mpsc::Sender<Note>,
}

/// The connections as the model knows them.
pub fn infos(connections: &[Connection]) -> Vec<SourceInfo> {
    let info = |one: &Connection| SourceInfo {
        name: one.name.clone(),
        engines: one.rollouts.iter().map(|facet| facet.family()).collect(),
        gates: one.gates.is_some(),
        pipelines: one.pipelines.is_some(),
        metrics: one.metrics.is_some(),
        interval: one.interval,
    };
    connections.iter().map(info).collect()
}

/// The facets that answer by themselves, once each, before the screen is settled.
pub(super) fn awaited(connections: &[Connection]) -> Vec<Key> {
    let mut keys = Vec::new();
    for one in connections {
        keys.extend(one.rollouts.iter().map(|facet| Key::Rollouts(one.name.clone(), facet.family())));
        keys.extend(one.gates.iter().map(|_| Key::Gates(one.name.clone())));
        keys.extend(one.pipelines.iter().map(|_| Key::Runs(one.name.clone())));
    }
    keys
}

impl Sources {
    /// Starts the tasks of every connection.
    pub(super) fn start(
        connections: &[Connection],
        clock: &SharedClock,
        notes: &mpsc::Sender<Note>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let mut sources = Self::default();
        for one in connections {
            let seat = Seat {
                source: one.name.clone(),
                interval: one.interval,
                clock: Arc::clone(clock),
                notes: notes.clone(),
            };
            let hurry = Arc::new(Notify::new());
            sources.hurry.insert(one.name.clone(), Arc::clone(&hurry));
            for facet in &one.rollouts {
                tasks.spawn(follow(seat.clone(), Arc::clone(facet)));
            }
            if let Some(gates) = &one.gates {
                tasks.spawn(poll(seat.clone(), Arc::clone(gates), list_gates, gates_note, Arc::clone(&hurry)));
            }
            if let Some(pipelines) = &one.pipelines {
                tasks.spawn(poll(seat.clone(), Arc::clone(pipelines), list_runs, runs_note, Arc::clone(&hurry)));
            }
            if let Some(metrics) = &one.metrics {
                let (ask, asked) = mpsc::channel(WAITING);
                sources.signals.insert(one.name.clone(), ask);
                tasks.spawn(measure(seat, Arc::clone(metrics), asked));
            }
        }
        sources
    }

    /// Wakes the polls of a source.
    pub(super) fn hurry(&self, source: &SourceName) {
        if let Some(hurry) = self.hurry.get(source) {
            hurry.notify_waiters();
        }
    }

    /// Asks every source of metrics; returns how many will answer, and the answer of those that are too far behind.
    pub(super) fn ask_signals(&self, services: &[ServiceName], window: Window, at: Timestamp) -> (usize, Vec<Msg>) {
        let (mut asked, mut late) = (0, Vec::new());
        for (source, ask) in &self.signals {
            if ask.try_send((services.to_vec(), window)).is_ok() {
                asked += 1;
                continue;
            }
            let fault = Fault::new(at, FaultKind::TimedOut, format!("{source} has not answered earlier questions yet"));
            late.push(Msg::Signals { source: source.clone(), at, window, signals: Err(fault) });
        }
        (asked, late)
    }
}

/// Follows rollouts, and proves between changes that the source still answers.
async fn follow(seat: Seat, facet: Arc<dyn Rollouts>) {
    // A heartbeat must not wash away what the watch itself complained about.
    let healthy = AtomicBool::new(true);
    let family = facet.family();
    let tell = async |change: Result<Change, ProviderError>| {
        let at = seat.clock.now();
        let change = change.map_err(|error| error.at(at));
        let msg = Msg::Rollouts { source: seat.source.clone(), family: family.clone(), at, change };
        seat.notes.send(Note::Answered(msg, Key::Rollouts(seat.source.clone(), family.clone()))).await
    };
    let watching = async {
        loop {
            let mut changes = facet.watch();
            while let Some(change) = changes.next().await {
                healthy.store(change.is_ok(), Ordering::Relaxed);
                if tell(change).await.is_err() {
                    return;
                }
            }
            seat.clock.sleep(AGAIN).await;
        }
    };
    let beating = async {
        loop {
            seat.clock.sleep(BEAT).await;
            let beat = within(&*seat.clock, BEAT_LIMIT, facet.probe()).await;
            let beat = beat.unwrap_or_else(|| Err(no_answer(&seat.source, BEAT_LIMIT)));
            let told = match beat {
                Ok(()) if healthy.load(Ordering::Relaxed) => {
                    let (source, at) = (seat.source.clone(), seat.clock.now());
                    seat.notes
                        .send(Note::Msg(Msg::Rollouts {
                            source,
                            family: family.clone(),
                            at,
                            change: Ok(Change::Alive),
                        }))
                        .await
                }
                Ok(()) => Ok(()),
                Err(error) => tell(Err(error)).await,
            };
            if told.is_err() {
                return;
            }
        }
    };
    join(watching, beating).await;
}

/// Lists at the source's interval, more slowly while it fails, sooner when somebody hurries.
async fn poll<F: ?Sized + Send + Sync, T>(
    seat: Seat,
    facet: Arc<F>,
    list: for<'a> fn(&'a F) -> Answer<'a, Vec<T>>,
    note: fn(SourceName, Timestamp, Result<Vec<T>, Fault>) -> Note,
    hurry: Arc<Notify>,
) {
    let mut failures = 0;
    loop {
        let answer = within(&*seat.clock, READ_LIMIT, list(&facet)).await;
        let answer = answer.unwrap_or_else(|| Err(no_answer(&seat.source, READ_LIMIT)));
        failures = if answer.is_ok() { 0 } else { failures + 1 };
        let asked_to_wait = answer.as_ref().err().and_then(|error| error.retry_after);
        let at = seat.clock.now();
        let answer = answer.map_err(|error| error.at(at));
        if seat.notes.send(note(seat.source.clone(), at, answer)).await.is_err() {
            return;
        }
        let pause = seat.clock.sleep(pause(seat.interval, failures, asked_to_wait));
        tokio::select! {
            () = pause => {}
            () = hurry.notified(), if asked_to_wait.is_none() => {}
        }
    }
}

/// How long to wait before the next read: the interval, doubled for each failure in a row after the first.
fn pause(interval: Duration, failures: u32, asked_to_wait: Option<Duration>) -> Duration {
    let slower = interval.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    slower.min(LONGEST.max(interval)).max(asked_to_wait.unwrap_or_default())
}

/// Reads signals, one request after the other, more slowly while the source fails.
async fn measure(seat: Seat, metrics: Arc<dyn Metrics>, mut asked: mpsc::Receiver<Question>) {
    let mut failures = 0;
    while let Some((services, window)) = asked.recv().await {
        let answer = within(&*seat.clock, READ_LIMIT, metrics.signals(&services, window)).await;
        let answer = answer.unwrap_or_else(|| Err(no_answer(&seat.source, READ_LIMIT)));
        failures = if answer.is_ok() { 0 } else { failures + 1 };
        let asked_to_wait = answer.as_ref().err().and_then(|error| error.retry_after);
        let at = seat.clock.now();
        let signals = answer.map_err(|error| error.at(at));
        let msg = Msg::Signals { source: seat.source.clone(), at, window, signals };
        if seat.notes.send(Note::Answered(msg, Key::Signals)).await.is_err() {
            return;
        }
        if failures > 0 {
            seat.clock.sleep(pause(seat.interval, failures, asked_to_wait)).await;
        }
    }
}

/// Reads the jobs of a run, once.
pub(super) async fn read_jobs(run: ObjectId, facet: Arc<dyn Pipelines>, clock: SharedClock, notes: mpsc::Sender<Note>) {
    let answer = within(&*clock, READ_LIMIT, facet.jobs(&run)).await;
    let answer = answer.unwrap_or_else(|| Err(no_answer(&run.source, READ_LIMIT)));
    let at = clock.now();
    let jobs = answer.map_err(|error| error.at(at));
    // Nobody listens any more when the cockpit is gone.
    let _ = notes.send(Note::Msg(Msg::Jobs { run, at, jobs })).await;
}

fn no_answer(source: &SourceName, limit: Duration) -> ProviderError {
    ProviderError::new(
        FaultKind::TimedOut,
        format!("{source} took the request and did not answer within {} s", limit.as_secs()),
    )
}

fn list_gates<'a>(facet: &'a (dyn Gates + 'static)) -> Answer<'a, Vec<Gate>> {
    facet.list()
}

fn gates_note(source: SourceName, at: Timestamp, gates: Result<Vec<Gate>, Fault>) -> Note {
    Note::Answered(Msg::Gates { source: source.clone(), at, gates }, Key::Gates(source))
}

fn list_runs<'a>(facet: &'a (dyn Pipelines + 'static)) -> Answer<'a, Vec<Run>> {
    facet.list()
}

fn runs_note(source: SourceName, at: Timestamp, runs: Result<Vec<Run>, Fault>) -> Note {
    Note::Answered(Msg::Runs { source: source.clone(), at, runs }, Key::Runs(source))
}
