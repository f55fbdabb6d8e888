//! The owner of the model: feeds it messages, does its effects, and lets scripts and tests wait until all is quiet.
//!
//! Feeding never waits for anything: keys are answered with every provider dead.

mod cached;
mod draft;
mod script;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    app::{
        effect::Effect,
        guard::{Confirmed, Refusal},
        model::{Model, Session},
        msg::Msg,
        store::KEPT,
        update::update,
        wants::wants,
    },
    domain::{
        ids::SourceName,
        object::ObjectId,
        observed::Freshness,
        time::{Timestamp, after},
        verb::Direction,
    },
    journal::ledger::Ledger,
    keymap::{Keymap, chord::Chord},
    port::{
        clock::SharedClock,
        facet::Connection,
        lookup::{Lookup, Topic},
        plan::Blocked,
        record::RecordId,
    },
    runtime::{
        actions::{Actions, Executors},
        note::{Key, Note},
        recorder::Recorder,
        sources::{self, Sources},
    },
};

/// Messages of sources that may wait for the loop; a source that is faster waits itself.
const WAITING: usize = 256;
/// How long a script waits for sources that do not answer: longer than any of them may take.
const SETTLE: Duration = Duration::from_secs(20);
/// So long, from the begin, a script waits for credentials that a program is to give, where all other sources have answered.
const SPARED: Duration = Duration::from_secs(5);
/// How often it is looked whether only they are waited for.
const LOOK: Duration = Duration::from_millis(250);
/// How long it waits for a source that nothing was heard of, though nobody waits for an answer.
const UNHEARD: Duration = Duration::from_secs(2);
/// An answer that comes when its source's time is over is still taken in.
const MARGIN: Duration = Duration::from_secs(4);
/// A change of a budget that is told: one percent.
const VISIBLE: f64 = 0.01;
/// So often whoever has something to say in this very moment gets a turn, and so often that may begin anew.
const TURNS: usize = 64;
const ROUNDS: usize = 8;
/// The span in which nothing happens when a virtual world is idle.
const MOMENT: Duration = Duration::from_millis(1);

/// What a cockpit is made of.
#[derive(Debug)]
pub struct Parts {
    /// Who looks, at what.
    pub session: Session,
    /// The connections that the session names.
    pub connections: Vec<Connection>,
    /// The journal.
    pub ledger: Arc<Ledger>,
    /// The world's time.
    pub clock: SharedClock,
    /// The keys.
    pub keymap: Keymap,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Where executors run.
    pub executors: Executors,
    /// Takes down every message, where somebody wants that.
    pub recorder: Option<Recorder>,
}

/// What the model wants of whoever owns the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Hand this text to the terminal's clipboard.
    Copy(String),
    /// Give the terminal back to the shell until `fg`.
    Suspend,
    /// Leave.
    Quit,
    /// Leave, interrupted.
    Interrupt,
}

/// Why a confirmed card led to no record.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// The guard refused; nothing was written.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The journal refused; nothing was sent.
    #[error("{0}")]
    NotRecorded(String),
}

/// The model with everything that keeps it true. Dropping it ends its tasks, executors of this process too: see
/// [`Cockpit::finish`].
pub struct Cockpit {
    model: Model,
    keymap: Keymap,
    connections: Arc<[Connection]>,
    clock: SharedClock,
    actions: Actions,
    sources: Option<Sources>,
    recorder: Option<Recorder>,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    news: mpsc::UnboundedReceiver<Note>,
    /// Sources and the journal's follower: end with the cockpit.
    tasks: JoinSet<()>,
    /// Intents being written and executors of this process.
    acting: JoinSet<()>,
    awaited: BTreeSet<Key>,
    /// Intents that are being written, by ticket: a second one must not be written beside it, unless it goes back.
    beginning: BTreeMap<u64, (Vec<ObjectId>, Direction)>,
    /// The number of the next ticket.
    ticket: u64,
    begun: Option<(u64, Result<RecordId, String>)>,
    wish: Option<Wish>,
    next_tick: Option<BoxFuture<'static, ()>>,
    /// Where what is seen is kept for the next process.
    kept: Option<cached::Kept>,
}

impl Cockpit {
    /// A cockpit that has not looked at anything yet.
    pub fn new(parts: Parts) -> Self {
        let (news_in, news) = mpsc::unbounded_channel();
        let connections: Arc<[Connection]> = parts.connections.into();
        let actions = Actions {
            ledger: parts.ledger,
            connections: Arc::clone(&connections),
            clock: Arc::clone(&parts.clock),
            executors: parts.executors,
            read_only: parts.session.read_only,
            notes: news_in,
            own: Arc::new(Mutex::default()),
            // The first look finds out.
            broken: Arc::new(AtomicBool::new(true)),
            forgetful: Arc::default(),
            stirred: Arc::default(),
        };
        Self {
            model: Model::new(parts.session, parts.clock.now(), parts.size),
            keymap: parts.keymap,
            awaited: sources::awaited(&connections).into_iter().chain([Key::Journal]).collect(),
            connections,
            clock: parts.clock,
            actions,
            sources: None,
            recorder: parts.recorder,
            notes: mpsc::channel(WAITING),
            news,
            tasks: JoinSet::new(),
            acting: JoinSet::new(),
            beginning: BTreeMap::new(),
            ticket: 0,
            begun: None,
            wish: None,
            next_tick: None,
            kept: None,
        }
    }

    /// Starts watching, polling and following the journal. Must be called inside a runtime; twice is once.
    pub fn start(&mut self) {
        if self.sources.is_none() {
            self.recall();
            let started = Sources::start(&self.connections, &self.clock, &self.notes.0, &mut self.tasks);
            self.sources = Some(started);
            self.look_after();
            self.tasks.spawn(self.actions.clone().follow());
        }
    }

    /// Takes what an earlier process kept of the signals. Before anything is read, so nothing waits for it yet.
    fn recall(&mut self) {
        let after = self.clock.now() - KEPT;
        let journal = self.actions.ledger.journal();
        let recalled = journal.and_then(|journal| {
            for of in journal.kept_services(after)? {
                let kept = journal.kept_signals(&of, after)?;
                if !kept.is_empty() {
                    self.feed(Msg::Kept(kept));
                }
            }
            Ok(())
        });
        // A journal that is broken is told by whoever follows it; what was kept is a help, no condition.
        if let Err(error) = recalled {
            tracing::warn!(%error, "the signals of earlier sessions cannot be read");
        }
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model, to be put where a picture of it is wanted from. Nothing that was observed may be changed this way.
    pub fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The keys.
    pub fn keymap(&self) -> &Keymap {
        &self.keymap
    }

    /// What the model wished since this was last asked.
    pub fn take_wish(&mut self) -> Option<Wish> {
        self.wish.take()
    }

    /// Takes one message and everything that follows from it without waiting.
    pub fn feed(&mut self, msg: Msg) {
        let mut queue = VecDeque::from([msg]);
        while let Some(msg) = queue.pop_front() {
            if let Msg::JournalBroken(why) = &msg {
                self.actions.broken.store(why.is_some(), Ordering::Relaxed);
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.take(self.clock.now(), &msg);
            }
            for effect in update(&mut self.model, msg) {
                self.perform(effect, &mut queue);
            }
        }
        self.look_after();
    }

    /// Has the sources look after what the model wants to know now.
    fn look_after(&mut self) {
        if let Some(sources) = &mut self.sources {
            sources.want(&wants(&self.model), &mut self.tasks);
        }
    }

    /// Takes a key.
    pub fn key(&mut self, chord: Chord) {
        self.feed(self.keymap.message(&self.model, chord));
    }

    /// Lets the model know what time it is, and what is left of each request budget where that changed visibly.
    pub fn tick(&mut self) {
        let now = self.clock.now();
        self.feed(Msg::Tick(now));
        self.keep_seen();
        for one in self.connections.clone().iter() {
            let Some(left) = one.budget.as_ref().map(|budget| budget(now)) else { continue };
            let known = self.model.store.budget(&one.name);
            if known.is_none_or(|known| (known - left).abs() >= VISIBLE) {
                self.feed(Msg::Budget { source: one.name.clone(), left });
            }
        }
    }

    /// Waits for the next thing that happens outside, or for the next whole second, and takes it in.
    pub async fn turn(&mut self) {
        let next = self.clock.sleep(until_next_second(self.clock.now()));
        let owes = self.owes_verdicts();
        let tick = self.next_tick.get_or_insert(next);
        tokio::select! {
            biased;
            Some(note) = self.news.recv() => self.take(note),
            () = tick => {
                self.next_tick = None;
                self.tick();
            }
            Some(note) = self.notes.1.recv() => self.take(note),
            () = std::future::ready(()), if owes => self.feed(Msg::Judge),
        }
    }

    /// Is there a verdict that takes long? It comes behind everything else.
    fn owes_verdicts(&self) -> bool {
        !self.model.unjudged.is_empty()
    }

    /// Starts, and waits until every source has answered once, well or badly, and the signals of what is in flight were read.
    /// Where only credentials are waited for that a program gives, the others are not held up for long.
    pub async fn settle(&mut self) {
        self.start();
        self.tick();
        // A source may be given more time than is usual: what is asked of it first is waited for.
        let patient = self.connections.iter().map(|one| one.patience() + MARGIN).max().unwrap_or_default();
        let mut limit = self.clock.sleep(patient.max(SETTLE));
        let mut spared = self.clock.sleep(SPARED);
        let (mut asked, mut unheard, mut rounds) = (None, None, 0);
        loop {
            let late = self.is_held_by_credentials();
            // With everyone who has answered there may be more to ask about.
            if asked != Some(self.awaited.len()) && (late || self.awaited.is_empty()) {
                self.tick();
                asked = Some(self.awaited.len());
            }
            let silent = self.sources.as_ref().and_then(|sources| sources.silent().next());
            if asked.is_some() && self.awaited.is_empty() && silent.is_none() && !self.owes_verdicts() {
                // What an answer leads to at once belongs to it, whichever of the sources answered last.
                rounds += 1;
                if rounds <= ROUNDS && self.hear_out().await {
                    continue;
                }
                let until = *unheard.get_or_insert_with(|| after(self.clock.now(), UNHEARD));
                if !self.has_unheard() || self.clock.now() >= until {
                    return;
                }
                self.tick();
            }
            tokio::select! {
                biased;
                () = &mut limit => return,
                Some(note) = self.news.recv() => self.take(note),
                Some(note) = self.notes.1.recv() => self.take(note),
                () = std::future::ready(()), if self.owes_verdicts() => self.feed(Msg::Judge),
                () = &mut spared, if late => return,
                // That a program is run for credentials is told by nobody: it is looked for.
                () = self.clock.sleep(LOOK) => {}
            }
        }
    }

    /// Takes in what is said in this very moment; true where something was.
    async fn hear_out(&mut self) -> bool {
        let mut heard = false;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            while let Ok(note) = self.news.try_recv().or_else(|_| self.notes.1.try_recv()) {
                self.take(note);
                heard = true;
            }
        }
        heard
    }

    /// Is there a source of which nothing was heard, neither well nor badly? Its question may have ended with the moment that it was
    /// about, and its answer with it.
    fn has_unheard(&self) -> bool {
        let states = self.model.store.sources(self.model.now);
        states.into_iter().any(|state| state.freshness == Freshness::Never && state.fault.is_none())
    }

    /// Have all sources answered but those whose credentials are still being given, and has any?
    fn is_held_by_credentials(&self) -> bool {
        let asked = self.awaited.iter().map(Key::source);
        let silent = self.sources.iter().flat_map(Sources::silent).map(Some);
        let left: BTreeSet<Option<&SourceName>> = asked.chain(silent).collect();
        let of = |one: &Connection| left.contains(&Some(&one.name));
        let late = self.connections.iter().filter(|one| of(one));
        !left.contains(&None)
            && late.clone().next().is_some()
            && late.clone().all(|one| one.making.is_under_way())
            && !self.connections.iter().all(of)
    }

    /// Lets a span of the world's time pass, with all that happens in it.
    pub async fn pass(&mut self, span: Duration) {
        self.start();
        let mut end = self.clock.sleep(span);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                () = self.turn() => {}
            }
        }
        self.tick();
    }

    /// Takes everything in until the model is as wanted, at most for a span.
    pub async fn until(&mut self, wanted: impl Fn(&Model) -> bool, limit: Duration) {
        let mut limit = self.clock.sleep(limit);
        while !wanted(&self.model) {
            tokio::select! {
                biased;
                () = &mut limit => return,
                Some(note) = self.news.recv() => self.take(note),
                Some(note) = self.notes.1.recv() => self.take(note),
                () = std::future::ready(()), if self.owes_verdicts() => self.feed(Msg::Judge),
            }
        }
    }

    /// A span of its time.
    pub fn pause(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(span)
    }

    /// Takes everything in until nothing happens any more. On a virtual clock, whose time passes only when everything else
    /// is idle, that is exact; on another clock it is a moment.
    pub async fn idle(&mut self) {
        self.start();
        loop {
            let moment = self.clock.sleep(MOMENT);
            tokio::select! {
                biased;
                Some(note) = self.news.recv() => self.take(note),
                Some(note) = self.notes.1.recv() => self.take(note),
                () = std::future::ready(()), if self.owes_verdicts() => self.feed(Msg::Judge),
                () = moment => return,
            }
        }
    }

    /// How many executors run as tasks of this process: leaving now would interrupt them.
    pub fn acting_here(&mut self) -> usize {
        while self.acting.try_join_next().is_some() {}
        self.acting.len()
    }

    /// Waits until no executor runs in this process.
    pub async fn finish(&mut self) {
        while self.acting_here() > 0 {
            self.turn().await;
        }
        self.idle().await;
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Msg(msg) => self.feed(msg),
            Note::Answered(msg, key) => {
                if let Msg::Discovered { source, scopes: Ok(scopes), .. } = &msg {
                    let scopes = scopes.iter().map(|scope| Key::Scope(source.clone(), scope.clone()));
                    self.awaited.extend(scopes);
                }
                let last = match key {
                    Key::Question(source, question) => {
                        let sources = self.sources.as_mut();
                        if !sources.is_some_and(|sources| sources.answered(&source, &question)) {
                            return;
                        }
                        false
                    }
                    key => self.awaited.remove(&key) && self.awaited.is_empty(),
                };
                self.feed(msg);
                if last {
                    // What is in flight is known now: its signals are asked for at once, not with the next second.
                    self.tick();
                }
            }
            Note::Vouched(ask, vouched) => {
                let drafts = match vouched {
                    Ok(()) => self.drafts(&ask),
                    Err(why) => vec![Err(Blocked(why))],
                };
                self.feed(draft::drafted(*ask, drafts));
            }
            Note::Begun(ticket, result) => {
                self.beginning.remove(&ticket);
                self.begun = Some((ticket, result));
            }
        }
    }

    fn perform(&mut self, effect: Effect, queue: &mut VecDeque<Msg>) {
        match effect {
            Effect::Draft(ask) if ask.takes_over.is_some() && self.model.card().is_none() => {
                // What the record says is looked at once before the card is drawn, and again when it is confirmed.
                self.tasks.spawn(self.actions.clone().vouch(ask));
            }
            Effect::Draft(ask) => {
                let drafts = self.drafts(&ask);
                queue.push_back(draft::drafted(ask, drafts));
            }
            Effect::Execute(confirmed) => {
                self.execute(confirmed);
            }
            Effect::KeepSignals { kept, outlived } => {
                self.tasks.spawn(self.actions.clone().keep_signals(kept, outlived));
            }
            Effect::Hurry(source) => {
                if let Some(sources) = &self.sources {
                    sources.hurry(&source);
                }
            }
            Effect::Copy(text) => self.wish = Some(Wish::Copy(text)),
            Effect::Suspend => self.wish = Some(Wish::Suspend),
            Effect::Quit => self.wish = Some(Wish::Quit),
            Effect::Interrupt => self.wish = Some(Wish::Interrupt),
        }
    }

    /// Has the intent written and carried out; the ticket by which the answer is known.
    fn execute(&mut self, confirmed: Box<Confirmed>) -> u64 {
        let plan = &confirmed.record().plan;
        let (targets, direction) = (plan.targets().cloned().collect::<Vec<_>>(), plan.verb.direction());
        let ticket = self.ticket;
        self.ticket += 1;
        // Going back waits for nobody: a journal that hangs over a promote must not hold it.
        let busy = |(others, of): &(Vec<ObjectId>, Direction)| {
            let here = others.iter().find(|other| targets.contains(other));
            here.filter(|_| direction != Direction::Back || *of == direction).cloned()
        };
        if let Some(target) = self.beginning.values().find_map(busy) {
            let said = format!("already under way on {target}; this one was not sent");
            self.begun = Some((ticket, Err(said.clone())));
            self.feed(Msg::Said(said));
        } else {
            self.beginning.insert(ticket, (targets, direction));
            self.acting.spawn(self.actions.clone().begin(confirmed, ticket));
        }
        ticket
    }

    /// Whatever of a source answers questions about this, for whoever asks by themselves: what it answers is not taken in.
    pub fn lookup(&self, source: &SourceName, topic: Topic) -> Option<&Arc<dyn Lookup>> {
        self.connections.iter().find(|one| one.name == *source)?.lookup(topic)
    }
}

/// Ticks fall on whole seconds, so that all ages change at once and no more often than they are shown.
fn until_next_second(now: Timestamp) -> Duration {
    Duration::from_millis(1_000 - u64::from(now.timestamp_subsec_millis().min(999)))
}

impl std::fmt::Debug for Cockpit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cockpit").field("connections", &self.connections).finish_non_exhaustive()
    }
}
