//! Sources in virtual time: how often they are asked, and what is told of their answers.

use std::sync::Mutex;

use futures::{FutureExt, StreamExt, stream::BoxStream};

use super::*;
use crate::{
    domain::{
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::Fault,
        time::Timestamp,
        verb::Verb,
    },
    journal::sample::at,
    port::{
        facet::{Actor, Answer, Window},
        lookup::{self, Answers, Lookup, Told},
        plan::{Ask, Blocked, Draft, Reading, Sent},
        shape::{Checked, Shape},
    },
    runtime::clock::VirtualClock,
};

/// How the pretended system answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Refusing,
    Hung,
    /// It fails once.
    Mended,
    /// It asks to be left alone for ten minutes.
    Busy,
}

/// Counts what it is asked.
struct Counter {
    mood: Mood,
    clock: SharedClock,
    asked: Mutex<Vec<Timestamp>>,
}

impl Counter {
    fn new(clock: &SharedClock, mood: Mood) -> Arc<Self> {
        Arc::new(Self { mood, clock: clock.clone(), asked: Mutex::default() })
    }

    async fn answer<T>(&self, well: T) -> Result<T, ProviderError> {
        self.asked.lock().unwrap().push(self.clock.now());
        match self.mood {
            Mood::Well => Ok(well),
            Mood::Mended if self.asked().len() > 1 => Ok(well),
            Mood::Mended => Err(ProviderError::new(FaultKind::TimedOut, "no answer")),
            Mood::Refusing => Err(ProviderError::new(FaultKind::Unreachable, "connection refused")),
            Mood::Hung => std::future::pending().await,
            Mood::Busy => {
                let error = ProviderError::new(FaultKind::RateLimited, "slow down");
                Err(ProviderError { retry_after: Some(Duration::from_mins(10)), ..error })
            }
        }
    }

    /// The seconds at which it was asked.
    fn asked(&self) -> Vec<i64> {
        self.asked.lock().unwrap().iter().map(|then| (*then - at(0)).num_seconds()).collect()
    }
}

impl Actor for Counter {
    fn read<'a>(&'a self, _: &'a ObjectId) -> Answer<'a, Reading> {
        unreachable!("nobody acts here")
    }

    fn shapes(&self, _: &ObjectId, _: Verb) -> Vec<Shape> {
        Vec::new()
    }

    fn send<'a>(&'a self, _: Checked<'a>) -> Answer<'a, Sent> {
        unreachable!("nobody acts here")
    }
}

/// The only scope.
fn ledger() -> Scope {
    Scope::of(&Family::gate(), "acme/ledger")
}

impl Inventory for Counter {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        std::future::ready(Ok(vec![ledger()])).boxed()
    }

    fn list(&self, _: Vec<Scope>) -> BoxStream<'_, Heard> {
        async { Heard::of(ledger(), self.answer(Vec::new()).await) }.into_stream().boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        std::future::ready(Ok(())).boxed()
    }

    fn draft(&self, _: &Item, _: &Ask) -> Result<Draft, Blocked> {
        Err(Blocked("nobody acts here".to_owned()))
    }
}

impl Lookup for Counter {
    fn topics(&self) -> Vec<Topic> {
        vec![Topic::Signals]
    }

    fn ask(&self, question: Question) -> Answers<'_> {
        let nothing = || Told::Signals(Vec::new());
        let Question::Signals { services, .. } = &question else { return lookup::foreign("it", &question) };
        if services.is_empty() {
            let well = self.mood == Mood::Mended;
            let proof = if well { Ok(nothing()) } else { Err(ProviderError::new(FaultKind::TimedOut, "")) };
            return lookup::once(std::future::ready(proof));
        }
        lookup::once(self.answer(nothing()))
    }
}

struct Given {
    clock: SharedClock,
    counter: Arc<Counter>,
    sources: Sources,
    told: mpsc::Receiver<Note>,
    tasks: JoinSet<()>,
    wanted: Wants,
}

impl Given {
    fn new(mood: Mood, offer: impl FnOnce(&mut Connection, Arc<Counter>)) -> Self {
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
        let counter = Counter::new(&clock, mood);
        let mut connection = Connection::new("forge".into(), "github", Duration::from_secs(10));
        offer(&mut connection, counter.clone());
        Self::over(clock, counter, connection)
    }

    fn over(clock: SharedClock, counter: Arc<Counter>, connection: Connection) -> Self {
        let (notes, told) = mpsc::channel(WAITING_NOTES);
        let mut tasks = JoinSet::new();
        let sources = Sources::start(&[connection], &clock, &notes, &mut tasks);
        Self { clock, counter, sources, told, tasks, wanted: Wants::default() }
    }

    fn gates(mood: Mood) -> Self {
        Self::new(mood, |connection, counter| connection.inventories.push(counter))
    }

    fn metrics(mood: Mood) -> Self {
        Self::new(mood, |connection, counter| connection.lookups.push(counter))
    }

    /// From now on this is wanted, too.
    fn asks(&mut self, second: i64) -> Question {
        let question =
            Question::Signals { services: vec!["payments".into()], window: window(second), environment: None };
        self.wanted.questions.insert(("forge".into(), question.clone()));
        self.sources.want(&self.wanted, &mut self.tasks);
        question
    }

    /// From now on this is not wanted any more.
    fn drops(&mut self, question: Question) {
        self.wanted.questions.remove(&("forge".into(), question));
        self.sources.want(&self.wanted, &mut self.tasks);
    }

    async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

const WAITING_NOTES: usize = 64;

fn window(second: i64) -> Window {
    Window { from: at(second), to: at(second + 30), step: Duration::from_secs(30) }
}

#[tokio::test(start_paused = true)]
async fn a_source_is_read_at_its_interval_and_at_once_when_somebody_hurries() {
    let given = Given::gates(Mood::Well);
    given.pass(25).await;
    given.sources.hurry(&"forge".into());
    given.sources.hurry(&"another".into());
    given.pass(11).await;
    assert_eq!(given.counter.asked(), [0, 10, 20, 25, 35]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_to_be_left_alone_is_not_hurried() {
    let given = Given::gates(Mood::Busy);
    given.pass(30).await;
    given.sources.hurry(&"forge".into());
    given.pass(580).await;
    assert_eq!(given.counter.asked(), [0, 600]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_said_and_asked_again() {
    let mut given = Given::gates(Mood::Hung);
    given.pass(30).await;
    assert_eq!(given.counter.asked(), [0, 26]);
    let fault = Fault::new(at(16), FaultKind::TimedOut, "forge took the request and did not answer within 16 s");
    let source: SourceName = "forge".into();
    let scopes = Ok(vec![ledger()]);
    let discovered = Msg::Discovered { source: source.clone(), inventory: Family::gate(), scopes };
    let heard = Msg::Heard { source: source.clone(), scope: ledger(), at: at(16), due: at(26), parts: Err(fault) };
    let told = [(discovered, Key::Scopes(source.clone(), Family::gate())), (heard, Key::Scope(source, ledger()))];
    for (msg, key) in told {
        assert_eq!(given.told.try_recv(), Ok(Note::Answered(msg, key)));
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_asked_one_at_a_time_and_ever_more_slowly_where_nobody_answers() {
    let mut given = Given::metrics(Mood::Hung);
    let questions: Vec<Question> = (0..3).map(|n| given.asks(30 * n)).collect();
    given.pass(72).await;
    // Sixteen seconds for each answer, and a pause that grows with each failure.
    assert_eq!(given.counter.asked(), [0, 26, 62]);
    let Ok(Note::Answered(Msg::Told { question, told, .. }, key)) = given.told.try_recv() else { panic!("no answer") };
    assert_eq!((&question, told.unwrap_err().kind), (&questions[0], FaultKind::TimedOut));
    assert_eq!(key, Key::Question("forge".into(), question));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_any_more_is_asked_no_longer_and_its_answer_is_nobodys() {
    let mut given = Given::metrics(Mood::Hung);
    let (first, second) = (given.asks(0), given.asks(30));
    given.pass(1).await;
    given.drops(first.clone());
    given.pass(1).await;
    assert_eq!(given.counter.asked(), [0, 1], "the one behind it has its turn");
    assert!(!given.sources.answered(&"forge".into(), &first) && given.sources.silent().count() == 1);
    assert!(given.sources.answered(&"forge".into(), &second) && given.sources.silent().count() == 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_end_of_a_pause_after_a_failure_is_waited_for_by_no_script() {
    let mut given = Given::metrics(Mood::Hung);
    let (first, _) = (given.asks(0), given.asks(30));
    given.pass(15).await;
    assert_eq!(given.sources.silent().count(), 2, "nobody has answered");
    given.pass(2).await;
    assert!(given.sources.answered(&"forge".into(), &first));
    assert_eq!(given.sources.silent().count(), 0, "the second one is left alone for ten seconds");
    given.pass(10).await;
    assert_eq!((given.counter.asked().len(), given.sources.silent().count()), (2, 1), "it is asked");
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_on_is_asked_again_and_told_when_it_has_changed() {
    let mut given = Given::metrics(Mood::Well);
    given.asks(0);
    given.pass(25).await;
    assert_eq!(given.counter.asked(), [0, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_a_cheap_question_again_is_asked_the_real_one_at_once() {
    let mut given = Given::metrics(Mood::Mended);
    let first = given.asks(0);
    given.pass(1).await;
    given.drops(first);
    given.asks(1);
    given.pass(9).await;
    assert_eq!(given.counter.asked(), [0, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_refuses_is_not_hammered_however_often_it_is_wanted_anew() {
    let mut given = Given::metrics(Mood::Refusing);
    for second in 0..60 {
        let question = given.asks(second);
        given.pass(1).await;
        given.drops(question);
    }
    assert_eq!(given.counter.asked(), [0, 10, 30]);
}

#[test]
fn a_failing_source_is_read_ever_more_slowly_and_never_sooner_than_it_asks() {
    let seconds = |failures, asked: Option<u64>| {
        pause(Duration::from_secs(10), failures, asked.map(Duration::from_secs)).as_secs()
    };
    assert_eq!([0, 1, 2, 3, 9].map(|failures| seconds(failures, None)), [10, 10, 20, 40, 300]);
    assert_eq!([seconds(1, Some(90)), seconds(9, Some(3600)), seconds(4, Some(1))], [90, 3600, 80]);
    assert_eq!(pause(Duration::from_mins(10), 9, None), Duration::from_mins(10));
}

/// Tells what it was asked for, and takes its time or fails where it is told to.
struct Shelf {
    clock: SharedClock,
    scopes: Mutex<Vec<&'static str>>,
    /// Never answers about this.
    hangs: Option<&'static str>,
    asked: Mutex<Vec<(i64, Vec<String>)>>,
}

impl Shelf {
    fn new(clock: &SharedClock, scopes: &[&'static str], hangs: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self { clock: clock.clone(), scopes: Mutex::new(scopes.to_vec()), hangs, asked: Mutex::default() })
    }

    /// What was asked for in one go, and at which second.
    fn asked(&self) -> Vec<(i64, String)> {
        self.asked.lock().unwrap().iter().map(|(second, scopes)| (*second, scopes.join(" "))).collect()
    }
}

impl Actor for Shelf {
    fn read<'a>(&'a self, _: &'a ObjectId) -> Answer<'a, Reading> {
        unreachable!("nobody acts here")
    }

    fn shapes(&self, _: &ObjectId, _: Verb) -> Vec<Shape> {
        Vec::new()
    }

    fn send<'a>(&'a self, _: Checked<'a>) -> Answer<'a, Sent> {
        unreachable!("nobody acts here")
    }
}

impl Inventory for Shelf {
    fn tells(&self) -> Vec<(Family, Noun)> {
        vec![(Family::gate(), Noun::Gate)]
    }

    fn discover(&self) -> Answer<'_, Vec<Scope>> {
        let scopes = self.scopes.lock().unwrap().iter().map(|name| Scope::of(&Family::gate(), *name)).collect();
        std::future::ready(Ok(scopes)).boxed()
    }

    fn list(&self, scopes: Vec<Scope>) -> BoxStream<'_, Heard> {
        let second = (self.clock.now() - at(0)).num_seconds();
        let names = scopes.iter().map(|scope| scope.name.clone()).collect();
        self.asked.lock().unwrap().push((second, names));
        let hangs = self.hangs;
        let told = scopes.into_iter().map(move |scope| async move {
            if hangs == Some(scope.name.as_str()) {
                std::future::pending::<()>().await;
            }
            Heard::of(scope, Ok(Vec::new()))
        });
        futures::stream::iter(told).buffer_unordered(9).boxed()
    }

    fn probe(&self) -> Answer<'_, ()> {
        std::future::ready(Ok(())).boxed()
    }

    fn draft(&self, _: &Item, _: &Ask) -> Result<Draft, Blocked> {
        Err(Blocked("nobody acts here".to_owned()))
    }
}

/// A shelf that is read every so many seconds, and what is told of it.
fn shelved(seconds: u64, scopes: &[&'static str], hangs: Option<&'static str>) -> (Given, Arc<Shelf>) {
    let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
    let shelf = Shelf::new(&clock, scopes, hangs);
    let mut connection = Connection::new("forge".into(), "github", Duration::from_secs(seconds));
    connection.inventories.push(shelf.clone());
    let counter = Counter::new(&clock, Mood::Well);
    (Given::over(clock, counter, connection), shelf)
}

fn told(asked: &[(i64, &str)]) -> Vec<(i64, String)> {
    asked.iter().map(|(second, names)| (*second, (*names).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_due_together_is_asked_for_in_one_go_and_what_somebody_looks_at_more_often() {
    let (mut given, shelf) = shelved(20, &["a", "b", "c"], None);
    given.pass(1).await;
    let wanted = ("forge".into(), Scope::of(&Family::gate(), "b"));
    given.wanted.scopes.insert(wanted.clone(), Interest::Active);
    given.sources.want(&given.wanted, &mut given.tasks);
    given.pass(20).await;
    given.wanted.scopes.remove(&wanted);
    given.sources.want(&given.wanted, &mut given.tasks);
    given.pass(30).await;
    assert_eq!(shelf.asked(), told(&[(0, "a b c"), (10, "b"), (20, "a b c"), (30, "a b c"), (50, "a b c")]));
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_hangs_keeps_no_other_waiting_and_is_asked_ever_more_slowly_by_itself() {
    let (given, shelf) = shelved(20, &["a", "b"], Some("b"));
    given.pass(65).await;
    assert_eq!(shelf.asked(), told(&[(0, "a b"), (20, "a"), (36, "b"), (40, "a"), (60, "a")]));
}

#[tokio::test(start_paused = true)]
async fn scopes_that_are_new_are_found_and_read_and_those_that_are_gone_no_longer() {
    let (mut given, shelf) = shelved(25, &["a", "b"], None);
    given.pass(59).await;
    *shelf.scopes.lock().unwrap() = vec!["b", "c"];
    given.pass(22).await;
    assert_eq!(shelf.asked()[3..], told(&[(60, "c"), (75, "b c")]));
    let scopes = Ok(vec![Scope::of(&Family::gate(), "b"), Scope::of(&Family::gate(), "c")]);
    let discovered = Msg::Discovered { source: "forge".into(), inventory: Family::gate(), scopes };
    let said = std::iter::from_fn(|| given.told.try_recv().ok()).any(|note| note == Note::Msg(discovered.clone()));
    assert!(said);
}
