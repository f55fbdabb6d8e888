//! The cockpit over a pretended cluster, in virtual time: keys in, effects on the cluster and the journal out.

mod under_way;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Cockpit, NotSent, Parts, Wish};
use crate::{
    app::{
        action::Lost,
        card::Card,
        guard::offers,
        model::{Model, Overlay, Session},
    },
    domain::{ids::SourceName, observed::Freshness, signal::ServiceSignals, verb::Verb},
    journal::{
        Journal, JournalError,
        attendance::Task,
        ledger::Ledger,
        sample::{at, intent, payments},
        spool::{Spool, is_spooled},
        sqlite::SqliteJournal,
    },
    keymap::Keymap,
    port::{
        clock::SharedClock,
        facet::{Connection, Window},
        lookup::Lookup,
        plan::{Ask, fact},
        record::{Record, RecordId, Stage},
    },
    runtime::{
        actions::Executors,
        clock::VirtualClock,
        fake::{Cluster, GOES_BACK, Memory, Meter},
        sources::infos,
    },
};

struct Given {
    clock: SharedClock,
    cluster: Arc<Cluster>,
    meter: Option<Arc<dyn Lookup>>,
    journal: Arc<SqliteJournal>,
    dir: tempfile::TempDir,
}

impl Given {
    fn new(schedule: &[(u64, &'static str, &'static str)]) -> Self {
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
        let cluster = Cluster::new(&clock, 1, schedule);
        let dir = tempfile::tempdir().unwrap();
        Self { clock, cluster, meter: None, journal: Arc::new(SqliteJournal::in_memory().unwrap()), dir }
    }

    fn ledger(&self) -> Arc<Ledger> {
        let journal: Arc<dyn Journal> = self.journal.clone();
        self.ledger_of(move || Ok(Arc::clone(&journal)))
    }

    fn ledger_of(
        &self,
        open: impl Fn() -> Result<Arc<dyn Journal>, JournalError> + Send + Sync + 'static,
    ) -> Arc<Ledger> {
        Arc::new(Ledger::open(open, Spool::new(vec![self.dir.path().join("spool.jsonl")])).0)
    }

    fn cockpit(&self) -> Cockpit {
        self.cockpit_with(self.ledger())
    }

    fn cockpit_with(&self, ledger: Arc<Ledger>) -> Cockpit {
        let mut connections = vec![self.cluster.connection()];
        if let Some(meter) = &self.meter {
            let mut metrics = Connection::new("prom".into(), "prometheus", Duration::from_secs(30));
            metrics.lookups.push(meter.clone());
            connections.push(metrics);
        }
        self.cockpit_of(ledger, connections)
    }

    fn cockpit_over(&self, connections: Vec<Connection>) -> Cockpit {
        self.cockpit_of(self.ledger(), connections)
    }

    fn cockpit_of(&self, ledger: Arc<Ledger>, connections: Vec<Connection>) -> Cockpit {
        let session = Session {
            who: "dana".into(),
            profile: "test".to_owned(),
            read_only: false,
            sources: infos(&connections),
            signal_step: Duration::from_secs(30),
            most_targets: 5,
            files: crate::domain::files::Files::default(),
            comparing: crate::domain::setting::Comparing::default(),
            watch: crate::domain::watch::Watch::default(),
            waves: crate::domain::wave::Waves::default(),
        };
        Cockpit::new(Parts {
            session,
            connections,
            ledger,
            clock: self.clock.clone(),
            keymap: Keymap::with(&BTreeMap::new()).unwrap(),
            size: (80, 24),
            executors: Executors::Here,
            recorder: None,
        })
    }

    fn records(&self) -> Vec<Record> {
        self.journal.newest(9).unwrap()
    }
}

/// How the newest action on the rollout stands on the screen.
fn latest(cockpit: &Cockpit) -> Option<Stage> {
    let action = cockpit.model().actions.newest_on(&payments())?;
    action.latest().map(|entry| entry.stage.clone())
}

fn refusal(cockpit: &Cockpit) -> String {
    match &cockpit.model().nav.overlay {
        Some(Overlay::Refused(refusal)) => refusal.to_string(),
        other => panic!("no refusal: {other:?}"),
    }
}

/// What is known of the signals of the only rollout.
fn signals_of(model: &Model) -> Option<(&SourceName, &ServiceSignals)> {
    model.store.signals(model.store.rollouts().next()?)
}

#[tokio::test(start_paused = true)]
async fn a_settled_cockpit_has_heard_of_every_source_once() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    assert_eq!(cockpit.model().store.rollouts().collect::<Vec<_>>(), [&given.cluster.rollout()]);
    assert_eq!(cockpit.model().journal_broken, None);
    assert_eq!(given.clock.now(), at(0));
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_credentials_are_waited_for_does_not_hold_what_others_have_answered() {
    let given = Given::new(&GOES_BACK);
    let waits = Cluster::new(&given.clock, 1, &GOES_BACK);
    waits.hang();
    let us = Connection { name: "us".into(), ..waits.connection() };
    let making = us.making.clone();
    let settled = async |own: bool| {
        let others = if own { vec![given.cluster.connection()] } else { Vec::new() };
        let mut cockpit = given.cockpit_over(others.into_iter().chain([us.clone()]).collect());
        let begun = given.clock.now();
        cockpit.settle().await;
        let states = cockpit.model().store.sources(given.clock.now());
        let states = states.into_iter().map(|state| state.freshness).collect::<Vec<_>>();
        ((given.clock.now() - begun).num_seconds(), states)
    };
    assert_eq!(settled(true).await, (20, vec![Freshness::Live, Freshness::Never]), "it may just be slow");
    let (later, clock) = (making.clone(), given.clock.clone());
    let begins = tokio::spawn(async move {
        clock.sleep(Duration::from_secs(1)).await;
        let _begun = later.begin();
        std::future::pending::<()>().await;
    });
    let (seconds, states) = settled(true).await;
    assert_eq!(
        (seconds < 20, states),
        (true, vec![Freshness::Live, Freshness::Never]),
        "they are asked for after the rest"
    );
    begins.abort();
    let _begun = making.begin();
    assert_eq!(settled(true).await, (5, vec![Freshness::Live, Freshness::Never]));
    assert_eq!(settled(false).await, (20, vec![Freshness::Never]), "there is nothing else to say");
}

#[tokio::test(start_paused = true)]
async fn settling_includes_the_signals_of_what_is_in_flight_asked_for_once() {
    let meter = Arc::new(Meter::default());
    let given = Given { meter: Some(meter.clone()), ..Given::new(&GOES_BACK) };
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    let (services, window) = meter.asked().remove(0);
    assert_eq!((meter.asked().len(), services), (1, vec!["payments".into()]));
    let (source, signals) = signals_of(cockpit.model()).unwrap();
    assert_eq!((source.as_str(), signals.versions[0].counts[0].to), ("prom", window.to));
    cockpit.pass(Duration::from_mins(1)).await;
    let later: Vec<Window> = meter.asked().into_iter().skip(1).map(|(_, window)| window).collect();
    let each = Duration::from_secs(30);
    let next = Window { from: window.to, to: window.to + each, step: each };
    assert_eq!(later, [next, Window { from: next.to, to: next.to + each, step: each }]);
}

#[tokio::test(start_paused = true)]
async fn counts_that_were_judged_survive_a_restart_even_when_the_source_lost_its_history() {
    let mut given = Given { meter: Some(Arc::new(Memory(at(0)))), ..Given::new(&GOES_BACK) };
    let mut first = given.cockpit();
    first.settle().await;
    first.pass(Duration::from_secs(330)).await;
    first.idle().await;
    let seen = signals_of(first.model()).unwrap().1.clone();
    assert!(seen.versions[0].counts.len() >= 10, "{seen:?}");
    drop(first);
    given.meter = Some(Arc::new(Memory(given.clock.now())));
    let mut second = given.cockpit();
    second.settle().await;
    let (source, signals) = signals_of(second.model()).unwrap();
    assert_eq!((source.as_str(), signals), ("prom", &seen));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_finds_every_count_kept_still_learns_that_the_source_would_answer() {
    let given = Given { meter: Some(Arc::new(Memory(at(0)))), ..Given::new(&GOES_BACK) };
    let mut first = given.cockpit();
    first.settle().await;
    first.idle().await;
    drop(first);
    let mut second = given.cockpit();
    second.settle().await;
    let sources = second.model().store.sources(given.clock.now());
    let states: Vec<_> = sources.iter().map(|state| (state.source.as_str(), state.freshness)).collect();
    assert_eq!(states, [("eu", Freshness::Live), ("prom", Freshness::Live)]);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_keep_counts_is_named_once_and_everything_goes_on() {
    let given = Given { meter: Some(Arc::new(Memory(at(0)))), ..Given::new(&GOES_BACK) };
    let broken = || {
        let (path, why, way) = ("journal.db".into(), "the disk is full".to_owned(), "free some space");
        Err(JournalError::Broken { path, why, way })
    };
    let mut cockpit = given.cockpit_with(given.ledger_of(broken));
    cockpit.settle().await;
    cockpit.pass(Duration::from_mins(1)).await;
    let said = cockpit.model().notice.clone().unwrap();
    assert_eq!(
        said.text,
        "counts are not kept, a restart reads them anew: journal.db: the disk is full; free some space"
    );
    cockpit.pass(Duration::from_mins(2)).await;
    assert_eq!(cockpit.model().notice, Some(said));
    assert!(signals_of(cockpit.model()).is_some());
}

#[tokio::test(start_paused = true)]
async fn four_keys_abort_with_one_call_and_one_record_that_ends_verified() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1 Enter").await.unwrap();
    assert!(matches!(latest(&cockpit), Some(Stage::Accepted { .. })), "{:?}", latest(&cockpit));
    cockpit.pass(Duration::from_secs(6)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Done { .. })), "{:?}", latest(&cockpit));
    assert_eq!(given.cluster.sent(), ["abort"]);
    let records = given.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].intent.reason.as_deref(), Some("errors"));
    assert_eq!(records[0].entries, cockpit.model().actions.iter().next().unwrap().entries);
}

#[tokio::test(start_paused = true)]
async fn a_world_that_moves_under_an_open_card_voids_it_and_nothing_is_sent() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1").await.unwrap();
    given.cluster.set(fact::CANARY, "8e");
    cockpit.idle().await;
    cockpit.press("Enter").await.unwrap();
    assert!(refusal(&cockpit).contains("moved 1.42.0-7d → 1.42.0-8e, approval void"), "{}", refusal(&cockpit));
    assert_eq!((given.cluster.sent(), given.records()), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_world_that_moves_between_key_and_call_is_refused_by_the_executor() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1").await.unwrap();
    // The key is taken before the watch's message of the change.
    cockpit.key("Enter".parse().unwrap());
    given.cluster.set(fact::CANARY, "8e");
    cockpit.idle().await;
    let why = "moved: canary hash 7d → 8e; nothing was sent".to_owned();
    assert_eq!(latest(&cockpit), Some(Stage::Refused { why, changed: true }));
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_api_that_hangs_is_said_within_ten_seconds_and_only_forward_verbs_refuse() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    given.cluster.hang();
    cockpit.pass(Duration::from_secs(10)).await;
    let source = cockpit.model().store.sources(given.clock.now()).remove(0);
    assert_eq!(source.freshness, Freshness::Failing);
    assert_eq!(source.fault.unwrap().text, "eu took the request and did not answer within 4 s");
    cockpit.press("p").await.unwrap();
    assert!(refusal(&cockpit).contains("eu is failing"), "{}", refusal(&cockpit));
    let verbs = offers(cockpit.model(), &given.cluster.rollout().id);
    let open: Vec<Verb> = verbs.iter().filter(|offer| offer.blocked.is_none()).map(|offer| offer.verb).collect();
    assert_eq!(open, [Verb::Abort]);
    cockpit.press("Esc a").await.unwrap();
    assert!(matches!(cockpit.model().nav.overlay, Some(Overlay::Card(_))));
}

#[tokio::test(start_paused = true)]
async fn a_second_press_while_it_runs_is_refused_and_says_who() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1 Enter a").await.unwrap();
    assert!(refusal(&cockpit).contains("already under way: abort (dana, 01:46:00)"), "{}", refusal(&cockpit));
    assert_eq!(given.cluster.sent(), ["abort"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_sessions_that_press_at_once_one_sends_and_both_show_the_same() {
    let given = Given::new(&GOES_BACK);
    let (mut dana, mut lee) = (given.cockpit(), given.cockpit());
    for cockpit in [&mut dana, &mut lee] {
        cockpit.settle().await;
        cockpit.press("a 1").await.unwrap();
    }
    dana.key("Enter".parse().unwrap());
    lee.key("Enter".parse().unwrap());
    dana.idle().await;
    lee.idle().await;
    assert_eq!((given.cluster.sent().len(), given.records().len()), (1, 1));
    dana.pass(Duration::from_secs(9)).await;
    lee.idle().await;
    let told = |cockpit: &Cockpit| cockpit.model().actions.iter().cloned().collect::<Vec<_>>();
    assert_eq!(told(&dana), told(&lee));
    let notices = [&dana, &lee].map(|cockpit| cockpit.model().notice.clone().map(|notice| notice.text));
    let said = "already under way: abort (dana, 01:46:00); this one was not sent".to_owned();
    assert_eq!(notices.into_iter().flatten().collect::<Vec<_>>(), [said]);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_does_is_on_this_screen_within_two_seconds() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    let (other, _attends) = given.journal.begin(&intent(Verb::Rollback)).unwrap();
    cockpit.pass(Duration::from_secs(2)).await;
    assert_eq!(latest(&cockpit), Some(Stage::Recorded));
    let done = crate::journal::sample::entry(1, Stage::Done { said: "weight 0".to_owned() });
    given.journal.append(other.id, 1, &done).unwrap();
    cockpit.pass(Duration::from_secs(2)).await;
    assert_eq!(latest(&cockpit), Some(done.stage));
}

#[tokio::test(start_paused = true)]
async fn what_begins_and_ends_between_two_looks_is_on_this_screen() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    let (other, _attends) = given.journal.begin(&intent(Verb::Pause)).unwrap();
    let done = crate::journal::sample::entry(0, Stage::Done { said: "paused".to_owned() });
    given.journal.append(other.id, 1, &done).unwrap();
    cockpit.pass(Duration::from_secs(2)).await;
    assert_eq!(latest(&cockpit), Some(done.stage));
    cockpit.press("a").await.unwrap();
    assert!(matches!(cockpit.model().nav.overlay, Some(Overlay::Card(_))), "{:?}", cockpit.model().nav.overlay);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_move_is_said_on_screen() {
    let given = Given::new(&[(0, fact::ABORTED, "true")]);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1 Enter").await.unwrap();
    cockpit.pass(Duration::from_secs(22)).await;
    assert_eq!(latest(&cockpit), Some(Stage::NotMoving { seconds: 20 }));
}

#[tokio::test(start_paused = true)]
async fn with_the_journal_broken_forward_is_refused_and_the_way_back_goes_on_and_is_taken_in_later() {
    let given = Given::new(&GOES_BACK);
    let path = given.dir.path().join("state");
    std::fs::write(&path, "a file where the directory should be").unwrap();
    let file = path.join("journal.db");
    let ledger = given.ledger_of(move || Ok(Arc::new(SqliteJournal::open(&file)?)));
    let mut cockpit = given.cockpit_with(Arc::clone(&ledger));
    cockpit.settle().await;
    cockpit.press("p").await.unwrap();
    assert!(refusal(&cockpit).contains("its directory cannot be used"), "{}", refusal(&cockpit));
    cockpit.press("Esc a 1 Enter").await.unwrap();
    cockpit.pass(Duration::from_secs(6)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Done { .. })), "{:?}", latest(&cockpit));
    assert!(is_spooled(cockpit.model().actions.iter().next().unwrap().record));
    std::fs::remove_file(&path).unwrap();
    cockpit.pass(Duration::from_secs(3)).await;
    assert_eq!(cockpit.model().journal_broken, None);
    let ids: Vec<RecordId> = ledger.journal().unwrap().newest(9).unwrap().iter().map(|record| record.id).collect();
    assert_eq!(ids, [RecordId(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_script_plans_sends_and_waits_for_the_end() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    let ask = |verb| Ask { reason: Some("INC-7".to_owned()), ..Ask::new(verb, payments()) };
    let plan = cockpit.plan(ask(Verb::Abort)).unwrap();
    let mut card = Card::new(ask(Verb::Abort), plan);
    card.reason = Some(3);
    let record = cockpit.send(&card).await.unwrap();
    assert!(matches!(cockpit.send(&card).await, Err(NotSent::Refused(_))));
    assert_eq!(cockpit.ended(record, Some(Duration::from_secs(1))).await, None);
    let end = cockpit.ended(record, None).await.unwrap();
    assert_eq!((end.at, matches!(end.stage, Stage::Done { .. })), (at(5), true));
    assert_eq!(given.records()[0].intent.reason.as_deref(), Some("INC-7"));
}

#[tokio::test(start_paused = true)]
async fn leaving_and_suspending_are_wishes_for_whoever_owns_the_terminal() {
    let given = Given::new(&GOES_BACK);
    let mut cockpit = given.cockpit();
    cockpit.press("Ctrl-z").await.unwrap();
    assert_eq!((cockpit.take_wish(), cockpit.take_wish()), (Some(Wish::Suspend), None));
    cockpit.press("q").await.unwrap();
    assert_eq!(cockpit.take_wish(), Some(Wish::Quit));
    cockpit.press("Ctrl-c").await.unwrap();
    assert_eq!(cockpit.take_wish(), Some(Wish::Interrupt));
    assert!(cockpit.press("nonsense").await.is_err());
}
