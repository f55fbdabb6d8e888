//! One task for each inventory of a connection, which watches with a heartbeat or polls with back-off, and one for each question
//! that is wanted. They turn answers and failures into messages and decide nothing.

mod ask;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::join, stream::BoxStream};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinSet},
};

use crate::{
    app::{msg::Msg, store::SourceInfo, wants::Wants},
    domain::{ids::SourceName, observed::FaultKind},
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::Connection,
        inventory::{Extent, Heard, Inventory, Part, Scope, name},
        lookup::{Question, Topic},
    },
    runtime::{
        clock::within,
        note::{Key, Note},
        sources::ask::Desk,
    },
};

/// How long the proof of a watch may take: with a source's usual interval less than the ten seconds after which a hung API must be
/// said (F2).
const BEAT_LIMIT: Duration = Duration::from_secs(4);
/// The longest pause after errors.
const LONGEST: Duration = Duration::from_mins(5);
/// The longest pause after errors where there was no answer at all.
const SILENT: Duration = Duration::from_mins(1);
/// A watch that ended, against its contract, is begun again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// How the running tasks are spoken to.
#[derive(Default)]
pub(super) struct Sources {
    hurry: BTreeMap<SourceName, Vec<Arc<Notify>>>,
    desks: BTreeMap<(SourceName, Topic), Arc<Desk>>,
    asking: BTreeMap<(SourceName, Question), Asking>,
}

/// A question that is wanted.
struct Asking {
    task: AbortHandle,
    answered: bool,
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
        answers: one.lookups.iter().flat_map(|lookup| lookup.topics()).collect(),
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
            for lookup in &one.lookups {
                let desk = |topic| ((one.name.clone(), topic), Desk::new(&seat, lookup));
                sources.desks.extend(lookup.topics().into_iter().map(desk));
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

    /// Asks what is wanted and is not being asked yet, and ends what is wanted no longer.
    pub(super) fn want(&mut self, wants: &Wants, tasks: &mut JoinSet<()>) {
        self.asking.retain(|key, asking| {
            let wanted = wants.questions.contains(key);
            if !wanted {
                asking.task.abort();
            }
            wanted
        });
        for (source, question) in &wants.questions {
            let key = (source.clone(), question.clone());
            let Some(desk) = self.desks.get(&(source.clone(), question.topic())) else { continue };
            self.asking.entry(key).or_insert_with(|| {
                // Those that ended are of no use any more.
                while tasks.try_join_next().is_some() {}
                let task = tasks.spawn(ask::attend(Arc::clone(desk), question.clone()));
                Asking { task, answered: false }
            });
        }
    }

    /// Notes that a question was answered; false where nobody wants the answer any more.
    pub(super) fn answered(&mut self, source: &SourceName, question: &Question) -> bool {
        let asking = self.asking.get_mut(&(source.clone(), question.clone()));
        asking.map(|asking| asking.answered = true).is_some()
    }

    /// Is every question that is wanted answered once, well or badly?
    pub(super) fn are_quiet(&self) -> bool {
        self.asking.values().all(|asking| asking.answered)
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("asking", &self.asking.keys()).finish_non_exhaustive()
    }
}

impl Seat {
    /// Tells what was heard of a scope; false once nobody listens.
    async fn tell(&self, heard: Heard) -> bool {
        let at = self.clock.now();
        let Heard { scope, parts } = heard;
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
async fn follow<'a>(seat: Seat, inventory: &'a dyn Inventory, first: BoxStream<'a, Heard>, scopes: &[Scope]) {
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
                        if !seat.tell(Heard::of(scope.clone(), Err(error.clone()))).await {
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
            if !seat.tell(Heard::of(scope, Err(no_answer(&seat.source, seat.patience)))).await {
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

fn no_answer(source: &SourceName, limit: Duration) -> ProviderError {
    ProviderError::new(
        FaultKind::TimedOut,
        format!("{source} took the request and did not answer within {} s", limit.as_secs()),
    )
}
