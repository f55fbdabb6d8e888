//! One task for each inventory and each metrics facet of a connection: watches with a heartbeat, polls with back-off. They turn
//! answers and failures into messages and decide nothing.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{
    StreamExt,
    future::{join, select},
    stream::BoxStream,
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    app::{msg::Msg, store::SourceInfo},
    domain::{
        ids::{ServiceName, SourceName},
        object::ObjectId,
        observed::{Fault, FaultKind},
        time::Timestamp,
    },
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Connection, Metrics, Pipelines, Window},
        inventory::{Extent, Inventory, Part, Scope, Told, name},
    },
    runtime::{
        clock::within,
        note::{Key, Note},
    },
};

/// How often a source that failed is tried, and how long the proof of a watch may take: with a source's usual interval less than
/// the ten seconds after which a hung API must be said (F2).
const BEAT: Duration = Duration::from_secs(5);
const BEAT_LIMIT: Duration = Duration::from_secs(4);
/// How long the jobs of one run may take.
const JOBS_LIMIT: Duration = Duration::from_secs(8);
/// The longest pause after errors.
const LONGEST: Duration = Duration::from_mins(5);
/// The longest pause after errors where there was no answer at all.
const SILENT: Duration = Duration::from_mins(1);
/// A watch that ended, against its contract, is begun again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Requests for signals that wait behind the one under way.
const WAITING: usize = 4;

/// What a request for signals asks.
type Question = (Vec<ServiceName>, Window);

/// How the running tasks are spoken to.
#[derive(Debug, Default)]
pub(super) struct Sources {
    hurry: BTreeMap<SourceName, Vec<Arc<Notify>>>,
    signals: BTreeMap<SourceName, mpsc::Sender<Question>>,
}

/// What every task of a source has.
#[derive(Clone)]
struct Seat {
    source: SourceName,
    interval: Duration,
    patience: Duration,
    /// How long a proof of life may take.
    beat: Duration,
    clock: SharedClock,
    notes: mpsc::Sender<Note>,
}

/// The connections as the model knows them.
pub fn infos(connections: &[Connection]) -> Vec<SourceInfo> {
    let info = |one: &Connection| SourceInfo {
        name: one.name.clone(),
        inventories: one.inventories.iter().map(|inventory| inventory.tells()).collect(),
        metrics: one.metrics.is_some(),
        interval: one.interval,
    };
    connections.iter().map(info).collect()
}

/// The inventories, which answer by themselves: each says its scopes, and then tells of each of them, before the screen is
/// settled.
pub(super) fn awaited(connections: &[Connection]) -> Vec<Key> {
    let of = |one: &Connection| -> Vec<Key> {
        one.inventories.iter().map(|inventory| Key::Scopes(one.name.clone(), name(&**inventory))).collect()
    };
    connections.iter().flat_map(of).collect()
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
                patience: one.patience(),
                beat: BEAT_LIMIT.max(one.timeout),
                clock: Arc::clone(clock),
                notes: notes.clone(),
            };
            for inventory in &one.inventories {
                let hurry = Arc::new(Notify::new());
                sources.hurry.entry(one.name.clone()).or_default().push(Arc::clone(&hurry));
                tasks.spawn(attend(seat.clone(), Arc::clone(inventory), hurry));
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
        for hurry in self.hurry.get(source).into_iter().flatten() {
            // Kept for whoever is reading just now: what it reads may be older than what somebody hurries for.
            hurry.notify_one();
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

impl Seat {
    /// Tells what was heard of a scope; false once nobody listens.
    async fn tell(&self, told: Told) -> bool {
        let at = self.clock.now();
        let Told { scope, parts } = told;
        let key = Key::Scope(self.source.clone(), scope.clone());
        // Only what says what there is, or that it cannot be said, answers the question that somebody may wait for.
        let answers = parts.as_ref().map_or(true, |parts| parts.iter().any(|part| part.extent == Extent::Whole));
        let msg = Msg::Heard { source: self.source.clone(), scope, at, parts: parts.map_err(|error| error.at(at)) };
        self.notes.send(if answers { Note::Answered(msg, key) } else { Note::Msg(msg) }).await.is_ok()
    }
}

/// Finds out which scopes an inventory has, and then keeps telling of them.
async fn attend(seat: Seat, inventory: Arc<dyn Inventory>, hurry: Arc<Notify>) {
    let Some(scopes) = discover(&seat, &*inventory).await else { return };
    match inventory.watch() {
        Some(watch) => follow(seat, &*inventory, watch, &scopes).await,
        None => poll(seat, &*inventory, &scopes, &hurry).await,
    }
}

/// The scopes of an inventory, as soon as it can say them; `None` once nobody listens.
async fn discover(seat: &Seat, inventory: &dyn Inventory) -> Option<Vec<Scope>> {
    let mut failures = 0;
    loop {
        let answer = within(&*seat.clock, seat.patience, inventory.discover()).await;
        let answer = answer.unwrap_or_else(|| Err(no_answer(&seat.source, seat.patience)));
        let at = seat.clock.now();
        let (source, inventory) = (seat.source.clone(), name(inventory));
        let key = Key::Scopes(source.clone(), inventory.clone());
        let scopes = answer.clone().map_err(|error| error.at(at));
        seat.notes.send(Note::Answered(Msg::Discovered { source, inventory, scopes }, key)).await.ok()?;
        match answer {
            Ok(scopes) => return Some(scopes),
            Err(error) => {
                failures += 1;
                seat.clock.sleep(pause(seat.interval, failures, error.retry_after)).await;
            }
        }
    }
}

/// Follows what tells by itself, and proves between changes that the source still answers.
async fn follow<'a>(seat: Seat, inventory: &'a dyn Inventory, first: BoxStream<'a, Told>, scopes: &[Scope]) {
    // A heartbeat must not wash away what the watch itself complained about, and does not speak before it.
    let spoke = Notify::new();
    let failing: Mutex<BTreeSet<Scope>> = Mutex::default();
    let failing = || failing.lock().unwrap_or_else(PoisonError::into_inner);
    let watching = async {
        let mut watch = Some(first);
        while let Some(mut following) = watch {
            while let Some(told) = following.next().await {
                match &told.parts {
                    Ok(parts) if !parts.is_empty() && parts.iter().all(Part::is_only_unread) => {}
                    Ok(_) => {
                        failing().remove(&told.scope);
                        spoke.notify_one();
                    }
                    Err(_) => {
                        failing().insert(told.scope.clone());
                        spoke.notify_one();
                    }
                }
                if !seat.tell(told).await {
                    return;
                }
            }
            seat.clock.sleep(AGAIN).await;
            watch = inventory.watch();
        }
    };
    let beating = async {
        spoke.notified().await;
        loop {
            seat.clock.sleep(seat.interval).await;
            let beat = within(&*seat.clock, seat.beat, inventory.probe()).await;
            let beat = beat.unwrap_or_else(|| Err(no_answer(&seat.source, seat.beat)));
            for scope in scopes {
                let told = match &beat {
                    Ok(()) if failing().contains(scope) => continue,
                    Ok(()) => Note::Msg(alive(&seat, scope)),
                    Err(error) => {
                        if !seat.tell(Told { scope: scope.clone(), parts: Err(error.clone()) }).await {
                            return;
                        }
                        continue;
                    }
                };
                if seat.notes.send(told).await.is_err() {
                    return;
                }
            }
        }
    };
    join(watching, beating).await;
}

/// That a scope is as it was. It answers no question: whether there is anything is told by the watch.
fn alive(seat: &Seat, scope: &Scope) -> Msg {
    Msg::Heard { source: seat.source.clone(), scope: scope.clone(), at: seat.clock.now(), parts: Ok(Vec::new()) }
}

/// Reads every scope at the source's interval, more slowly while all fail, sooner when somebody hurries. Each is told as it
/// comes: one that hangs keeps no other waiting.
async fn poll(seat: Seat, inventory: &dyn Inventory, scopes: &[Scope], hurry: &Notify) {
    let mut failures = 0;
    loop {
        let mut read = inventory.list(scopes.to_vec());
        let mut left: BTreeSet<Scope> = scopes.iter().cloned().collect();
        let (mut worked, mut silent, mut asked_to_wait) = (scopes.is_empty(), true, None);
        while let Some(Some(told)) = within(&*seat.clock, seat.patience, read.next()).await {
            left.remove(&told.scope);
            match &told.parts {
                Ok(_) => worked = true,
                Err(error) => {
                    asked_to_wait = asked_to_wait.max(error.retry_after);
                    silent &= matches!(error.kind, FaultKind::Unreachable | FaultKind::TimedOut);
                }
            }
            if !seat.tell(told).await {
                return;
            }
        }
        for scope in left {
            if !seat.tell(Told { scope, parts: Err(no_answer(&seat.source, seat.patience)) }).await {
                return;
            }
        }
        failures = if worked { 0 } else { failures + 1 };
        // Where nobody answers, asking costs nobody anything, and whoever comes back is to be seen soon.
        let longest = if silent { SILENT.max(seat.interval) } else { LONGEST.max(seat.interval) };
        let pause = pause(seat.interval, failures, None).min(longest).max(asked_to_wait.unwrap_or_default());
        let pause = seat.clock.sleep(pause);
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
        let answer = within(&*seat.clock, seat.patience, metrics.signals(&services, window)).await;
        let answer = answer.unwrap_or_else(|| Err(no_answer(&seat.source, seat.patience)));
        failures = if answer.is_ok() { 0 } else { failures + 1 };
        let asked_to_wait = answer.as_ref().err().and_then(|error| error.retry_after);
        let at = seat.clock.now();
        let signals = answer.map_err(|error| error.at(at));
        let msg = Msg::Signals { source: seat.source.clone(), at, window, signals };
        if seat.notes.send(Note::Answered(msg, Key::Signals)).await.is_err() {
            return;
        }
        if failures > 0 {
            recover(&seat, &*metrics, window, pause(seat.interval, failures, asked_to_wait), asked_to_wait.is_none())
                .await;
        }
    }
}

/// Waits after a failure. The cheapest question, asked every few seconds, ends that sooner; not where the source asked to be left
/// alone. What it answers is told by the next real question.
async fn recover(seat: &Seat, metrics: &dyn Metrics, window: Window, pause: Duration, may_ask: bool) {
    let mended = async {
        loop {
            seat.clock.sleep(BEAT).await;
            if may_ask && let Some(Ok(_)) = within(&*seat.clock, BEAT_LIMIT, metrics.signals(&[], window)).await {
                return;
            }
        }
    };
    select(seat.clock.sleep(pause), pin!(mended)).await;
}

/// Reads the jobs of a run, once.
pub(super) async fn read_jobs(run: ObjectId, facet: Arc<dyn Pipelines>, clock: SharedClock, notes: mpsc::Sender<Note>) {
    let answer = within(&*clock, JOBS_LIMIT, facet.jobs(&run)).await;
    let answer = answer.unwrap_or_else(|| Err(no_answer(&run.source, JOBS_LIMIT)));
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
