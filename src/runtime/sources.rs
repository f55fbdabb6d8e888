//! One task for each inventory of a connection, which follows it or reads it when it is due, and one for each question that is
//! wanted. They turn answers and failures into messages. How much somebody cares for what is told to them while they run.

mod agenda;
mod ask;
mod follow;
mod mine;
mod poll;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::{AbortHandle, JoinSet},
};

use crate::{
    app::{
        msg::Msg,
        store::SourceInfo,
        wants::{Interest, Wants},
    },
    domain::{ids::SourceName, object::Family, observed::FaultKind, time::Timestamp},
    port::{
        clock::SharedClock,
        error::ProviderError,
        facet::{Connection, Gauge},
        inventory::{Extent, Heard, Inventory, Scope, name},
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
/// How the running tasks are spoken to.
#[derive(Default)]
pub(super) struct Sources {
    inventories: Vec<Attended>,
    desks: BTreeMap<(SourceName, Topic), Arc<Desk>>,
    asking: BTreeMap<(SourceName, Question), Asking>,
}

/// An inventory that is attended to.
struct Attended {
    source: SourceName,
    inventory: Family,
    interests: watch::Sender<Interests>,
    hurry: Arc<Notify>,
}

/// The scopes that are of more than idle interest.
type Interests = BTreeMap<Scope, Interest>;

/// What the task of an inventory is told while it runs.
struct Orders {
    interests: watch::Receiver<Interests>,
    hurry: Arc<Notify>,
}

/// A question that is wanted.
struct Asking {
    task: AbortHandle,
    desk: Arc<Desk>,
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
    budget: Option<Gauge>,
}

/// The connections as the model knows them.
pub fn infos(connections: &[Connection]) -> Vec<SourceInfo> {
    let info = |one: &Connection| SourceInfo {
        name: one.name.clone(),
        inventories: one.inventories.iter().map(|inventory| inventory.tells()).collect(),
        answers: one.lookups.iter().flat_map(|lookup| lookup.topics()).collect(),
        interval: one.interval,
        coverage: one.coverage.clone(),
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
                budget: one.budget.clone(),
            };
            for inventory in &one.inventories {
                let (hurry, (interests, told)) = (Arc::new(Notify::new()), watch::channel(Interests::new()));
                let orders = Orders { interests: told, hurry: Arc::clone(&hurry) };
                tasks.spawn(attend(seat.clone(), Arc::clone(inventory), orders));
                let (source, inventory) = (one.name.clone(), name(&**inventory));
                sources.inventories.push(Attended { source, inventory, interests, hurry });
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
        for one in self.inventories.iter().filter(|one| one.source == *source) {
            // Kept for whoever is reading just now: what it reads may be older than what somebody hurries for.
            one.hurry.notify_one();
        }
    }

    /// Asks what is wanted and is not being asked yet, ends what is wanted no longer, and tells how much somebody cares for what.
    pub(super) fn want(&mut self, wants: &Wants, tasks: &mut JoinSet<()>) {
        for one in &self.inventories {
            let own = |(source, scope): &(SourceName, Scope)| *source == one.source && scope.inventory == one.inventory;
            let wanted = wants.scopes.iter().filter(|(key, _)| own(key));
            let wanted: Interests = wanted.map(|((_, scope), interest)| (scope.clone(), *interest)).collect();
            one.interests.send_if_modified(|known| {
                let changed = *known != wanted;
                *known = wanted;
                changed
            });
        }
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
                Asking { task, desk: Arc::clone(desk), answered: false }
            });
        }
    }

    /// Notes that a question was answered; false where nobody wants the answer any more.
    pub(super) fn answered(&mut self, source: &SourceName, question: &Question) -> bool {
        let asking = self.asking.get_mut(&(source.clone(), question.clone()));
        asking.map(|asking| asking.answered = true).is_some()
    }

    /// Those that have not answered a question that is wanted, neither well nor badly. Who failed before and is left alone for a
    /// while has answered badly: a script that waited for the end of that pause would learn nothing that was not told.
    pub(super) fn silent(&self) -> impl Iterator<Item = &SourceName> {
        let is_silent = |asking: &Asking| !asking.answered && !asking.desk.holds();
        self.asking.iter().filter(move |(_, asking)| is_silent(asking)).map(|((source, _), _)| source)
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("asking", &self.asking.keys()).finish_non_exhaustive()
    }
}

impl Seat {
    /// The share of the request budget that is left.
    fn left(&self) -> f64 {
        self.budget.as_ref().map_or(1.0, |left| left(self.clock.now()))
    }

    /// Tells what was heard of a scope, and by when it is told again; false once nobody listens.
    async fn tell(&self, heard: Heard, due: Timestamp) -> bool {
        let at = self.clock.now();
        let Heard { scope, parts, .. } = heard;
        let key = Key::Scope(self.source.clone(), scope.clone());
        // Only what says what there is, or that it cannot be said, answers the question that somebody may wait for.
        let answers = parts.as_ref().map_or(true, |parts| parts.iter().any(|part| part.extent == Extent::Whole));
        let parts = parts.map_err(|error| error.at(at));
        let msg = Msg::Heard { source: self.source.clone(), scope, at, due, parts };
        self.notes.send(if answers { Note::Answered(msg, key) } else { Note::Msg(msg) }).await.is_ok()
    }
}

/// Finds out which scopes an inventory has, and then keeps telling of them.
async fn attend(seat: Seat, inventory: Arc<dyn Inventory>, orders: Orders) {
    let Some(scopes) = discover(&seat, &*inventory).await else { return };
    match inventory.watch() {
        Some(watch) => follow::follow(seat, &*inventory, watch, &scopes, orders).await,
        None => poll::poll(seat, &*inventory, scopes, orders).await,
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
