//! The executor against a pretended cluster, in virtual time.

mod disk;
mod each;
mod owed;
mod steps;
mod taken_over;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Host, News, conclude, run};
use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, until},
        verb::Verb,
    },
    journal::{
        Journal, JournalError,
        ledger::{Begun, Ledger},
        sample::{at, entry, intent, intent_on, payments},
        spool::Spool,
        sqlite::SqliteJournal,
    },
    port::{
        clock::SharedClock,
        facet::Connection,
        fill::{Given as Answered, Supplies},
        plan::{Expect, fact},
        record::{Entry, NewRecord, RecordId, Stage},
        secrets::Secrets,
        shape::Checked,
    },
    runtime::{
        clock::VirtualClock,
        fake::{Cluster, Fault, GOES_BACK},
    },
};

fn ledger(spool: &std::path::Path) -> Arc<Ledger> {
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::in_memory().unwrap());
    Arc::new(Ledger::open(move || Ok(journal.clone()), Spool::new(vec![spool.join("spool.jsonl")])).0)
}

struct Given {
    clock: SharedClock,
    cluster: Arc<Cluster>,
    ledger: Arc<Ledger>,
    news: Mutex<Vec<News>>,
    /// What was confirmed: the journal holds it as evidence, without anything to send.
    confirmed: Mutex<BTreeMap<RecordId, NewRecord>>,
    secrets: Secrets,
    pace: Duration,
    _dir: tempfile::TempDir,
}

impl Given {
    fn new(schedule: &[(u64, &'static str, &'static str)]) -> Self {
        Self::of_calls(1, schedule)
    }

    fn of_calls(calls: usize, schedule: &[(u64, &'static str, &'static str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: SharedClock = Arc::new(VirtualClock::starting_at(at(0)));
        let cluster = Cluster::new(&clock, calls, schedule);
        let (news, confirmed, secrets) = Default::default();
        let pace = Duration::from_secs(1);
        Self { clock, cluster, ledger: ledger(dir.path()), news, confirmed, secrets, pace, _dir: dir }
    }

    fn begin(&self, intent: &NewRecord) -> RecordId {
        match self.ledger.begin(intent) {
            Begun::Kept(record, _) | Begun::Aside(record, _) => {
                self.confirmed.lock().unwrap().insert(record.id, record.intent);
                record.id
            }
            Begun::Refused(error) => panic!("{error}"),
        }
    }

    async fn run(&self, id: RecordId) -> Option<Entry> {
        let confirmed = self.confirmed.lock().unwrap()[&id].clone();
        self.run_confirmed(id, &confirmed).await
    }

    async fn run_confirmed(&self, id: RecordId, confirmed: &NewRecord) -> Option<Entry> {
        let connections = [Connection { pace: self.pace, ..self.cluster.connection() }];
        let news = |news| self.news.lock().unwrap().push(news);
        let host = Host { ledger: &self.ledger, connections: &connections, clock: &*self.clock, news: &news };
        run(id, confirmed, &self.secrets, &host).await.unwrap()
    }

    async fn fly(&self, intent: &NewRecord) -> Vec<Entry> {
        let id = self.begin(intent);
        self.run(id).await.unwrap();
        self.ledger.get(id).unwrap().unwrap().entries
    }
}

fn sending(call: usize, revision: u64) -> Stage {
    Stage::Sending { call, revision: Some(revision.to_string()) }
}

fn accepted(call: usize) -> Stage {
    Stage::Accepted { call, said: "200 OK".to_owned(), given: Answered::new() }
}

fn moving(to: &str) -> Stage {
    Stage::Moving { said: format!("25 % → {to} %") }
}

fn done() -> Stage {
    Stage::Done { said: "aborted, weight 0, verified".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_recorded_sent_once_followed_and_verified() {
    let given = Given::new(&GOES_BACK);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let expected = [
        entry(0, Stage::Recorded),
        entry(0, sending(0, 100)),
        entry(0, accepted(0)),
        entry(2, moving("10")),
        entry(5, moving("0")),
        entry(5, done()),
    ];
    assert_eq!(entries, expected);
    assert_eq!(given.cluster.sent(), ["abort"]);
    let told: Vec<Entry> = given.news.lock().unwrap().iter().filter_map(told).collect();
    assert_eq!(told, expected[1..]);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_looked_for_no_oftener_than_the_system_can_bear() {
    let given = Given { pace: Duration::from_secs(4), ..Given::new(&GOES_BACK) };
    let entries = given.fly(&intent(Verb::Abort)).await;
    let told: Vec<(Timestamp, Stage)> = entries.into_iter().skip(3).map(|entry| (entry.at, entry.stage)).collect();
    assert_eq!(told, [(at(4), moving("10")), (at(8), moving("0")), (at(8), done())]);
}

#[tokio::test(start_paused = true)]
async fn what_stops_on_its_way_for_a_human_ends_as_under_way_and_never_as_done() {
    const WAITS: &str = "waits for a human at";
    let given = Given::new(&[(0, fact::ABORTED, "true"), (3, WAITS, "step 2/7")]);
    let mut back = intent(Verb::Abort);
    back.plan.draft.expect.rests = vec![Expect::is(fact::ABORTED, true), Expect::is(WAITS, "step 2/7")];
    let entries = given.fly(&back).await;
    let said = "not done yet: waits for a human at step 2/7; promote goes on, promote full leaves out the rest";
    assert_eq!(entries.last(), Some(&entry(3, Stage::Rests { said: said.to_owned() })));
}

fn told(news: &News) -> Option<Entry> {
    match news {
        News::Action(news) => Some(news.entry.clone()),
        News::JournalBroken(_) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_moved_since_the_card_is_refused_and_nothing_is_sent() {
    let given = Given::new(&GOES_BACK);
    given.cluster.set(fact::CANARY, "8e");
    let entries = given.fly(&intent(Verb::Promote)).await;
    let why = "moved: canary hash 7d → 8e; nothing was sent".to_owned();
    assert_eq!(entries, [entry(0, Stage::Recorded), entry(0, Stage::Refused { why, changed: true })]);
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_version_forestalls_is_not_done_although_what_it_expects_holds_of_that_version() {
    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::Replaced]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let why = "moved: canary hash 7d → 8e; nothing was sent".to_owned();
    assert_eq!(entries.last(), Some(&entry(0, Stage::Refused { why, changed: true })));
    assert_eq!(given.cluster.sent(), &[] as &[String]);
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_has_landed_already_is_watched_to_its_end_and_not_refused_as_moved() {
    let given = Given::new(&[]);
    let mut back = intent(Verb::Rollback);
    back.plan.draft.expect.all = vec![Expect::is(fact::CANARY, "5c"), Expect::is(fact::WEIGHT, "0")];
    let id = given.begin(&back);
    given.cluster.set(fact::CANARY, "5c");
    given.cluster.set(fact::WEIGHT, "0");
    let end = given.run(id).await.unwrap();
    assert!(matches!(end.stage, Stage::Done { .. }), "{end:?}");
    assert_eq!(given.cluster.sent(), &[] as &[String]);
}

#[tokio::test(start_paused = true)]
async fn what_holds_of_another_version_does_not_verify_a_call_whose_answer_was_lost() {
    let given = Given::new(&[(0, fact::CANARY, "8e"), (0, fact::ABORTED, "true"), (0, fact::WEIGHT, "0")]);
    given.cluster.fail_with(&[Fault::LostAnswer]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let Some(Stage::Unknown { check }) = entries.last().map(|entry| &entry.stage) else { panic!("{entries:?}") };
    assert!(check.starts_with("it was sent, and moved: canary hash 7d → 8e; look at "), "{check}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_sent_again_with_a_fresh_revision_at_most_three_times() {
    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::Conflict, Fault::Conflict]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let calls: Vec<Stage> = entries.into_iter().map(|entry| entry.stage).skip(1).take(4).collect();
    assert_eq!(calls, [sending(0, 100), sending(0, 101), sending(0, 102), accepted(0)]);
    assert_eq!(given.cluster.sent(), ["abort"]);

    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::Conflict; 3]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let why =
        "the object changed 3 times while the call was sent; it did not take effect; nothing was changed".to_owned();
    assert_eq!(entries.last(), Some(&entry(0, Stage::Failed { why, fault: Some(FaultKind::Conflict) })));
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_forbidden_fails_with_the_systems_sentence() {
    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::Forbidden]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let why = "dana may not patch; nothing was changed".to_owned();
    assert_eq!(entries.last(), Some(&entry(0, Stage::Failed { why, fault: Some(FaultKind::Forbidden) })));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_for_and_never_sent_again() {
    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::LostAnswer]);
    assert_eq!(given.fly(&intent(Verb::Abort)).await.last(), Some(&entry(5, done())));
    assert_eq!(given.cluster.sent(), ["abort"]);

    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::LostCall]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let check = "not observed within 60 s: aborted (it is false), weight 0 (it is 25); look at \
        eu/argo_rollouts/shop/payments before anything is sent again; it was to do: kubectl argo rollouts abort payments";
    assert_eq!(entries.last(), Some(&entry(60, Stage::Unknown { check: check.to_owned() })));
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_move_is_said_at_doubling_distances() {
    let given = Given::new(&[(0, fact::ABORTED, "true"), (25, fact::WEIGHT, "10")]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let spoken: Vec<Entry> = entries.into_iter().skip(3).collect();
    let still = |second, seconds| entry(second, Stage::NotMoving { seconds });
    assert_eq!(spoken[..3], [still(20, 20), entry(25, moving("10")), still(45, 20)]);
    assert!(matches!(&spoken[3..], [Entry { stage: Stage::Unknown { .. }, at: end }] if *end == at(60)), "{spoken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_after_the_call_ends_as_failed() {
    let given = Given::new(&[(3, fact::PHASE, "degraded")]);
    let entries = given.fly(&intent(Verb::Abort)).await;
    let why = "it was sent, and then: phase degraded".to_owned();
    assert_eq!(entries.last(), Some(&entry(3, Stage::Failed { why, fault: None })));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_read_is_not_touched() {
    let given = Given::new(&GOES_BACK);
    given.cluster.hang();
    let entries = given.fly(&intent(Verb::Abort)).await;
    let why = "eu/argo_rollouts/shop/payments cannot be read: no answer within 5 s; nothing was sent".to_owned();
    assert_eq!(entries.last(), Some(&entry(17, Stage::Failed { why, fault: Some(FaultKind::TimedOut) })));
}

#[tokio::test(start_paused = true)]
async fn a_second_call_uses_the_revision_that_the_first_returned() {
    let given = Given::of_calls(2, &GOES_BACK);
    let entries = given.fly(&intent_on(&payments(), Verb::Rollback, &["undo", "resume"])).await;
    let calls: Vec<Stage> = entries.into_iter().map(|entry| entry.stage).skip(1).take(4).collect();
    assert_eq!(calls, [sending(0, 100), accepted(0), sending(1, 101), accepted(1)]);
    assert_eq!(given.cluster.sent(), ["undo", "resume"]);
}

/// Every place at which a process can die: after each entry, before the next. Whoever carries on ends with the same calls.
#[tokio::test(start_paused = true)]
async fn an_executor_that_dies_anywhere_is_resumed_with_every_call_exactly_once() {
    let plan = intent_on(&payments(), Verb::Rollback, &["undo", "resume"]);
    let whole = Given::of_calls(2, &GOES_BACK).fly(&plan).await;
    for died_after in 1..=whole.len() {
        for answered in [false, true] {
            let given = Given::of_calls(2, &GOES_BACK);
            let id = given.begin(&plan);
            replay_until(&given, id, &plan, &whole[..died_after], answered).await;
            given.clock.sleep(Duration::from_secs(9)).await;
            let end = given.run(id).await.unwrap();
            assert_eq!(given.cluster.sent(), ["undo", "resume"], "died after {died_after}, answered {answered}");
            assert_eq!(end.stage, done(), "died after {died_after}, answered {answered}");
        }
    }
}

/// The same, with a controller that writes status all the time: what cannot be told is said, and nothing is sent twice.
#[tokio::test(start_paused = true)]
async fn an_executor_that_dies_beside_a_busy_controller_never_sends_twice() {
    let plan = intent(Verb::Abort);
    let whole = Given::new(&GOES_BACK).fly(&plan).await;
    for died_after in 1..=whole.len() {
        for answered in [false, true] {
            let given = Given::new(&GOES_BACK);
            let id = given.begin(&plan);
            replay_until(&given, id, &plan, &whole[..died_after], answered).await;
            given.cluster.set("status written at", "02:08");
            let end = given.run(id).await.unwrap();
            let lost = died_after == 2 && !answered;
            let expected = if lost { Vec::new() } else { vec!["abort".to_owned()] };
            assert_eq!(given.cluster.sent(), expected, "died after {died_after}, answered {answered}");
            assert_eq!(matches!(end.stage, Stage::Unknown { .. }), lost, "{end:?}");
        }
    }
}

/// Brings journal and cluster to where they were when the process died. `answered`: a call in the last entry had arrived.
async fn replay_until(given: &Given, id: RecordId, plan: &NewRecord, entries: &[Entry], answered: bool) {
    use crate::port::facet::Actor;
    for (index, entry) in entries.iter().enumerate().skip(1) {
        given.ledger.append(id, index, entry);
        let lasts = index + 1 == entries.len();
        if let Stage::Sending { call, revision } = &entry.stage
            && (!lasts || (answered && *call + 1 == plan.plan.draft.steps.len()))
        {
            let plan = &plan.plan;
            if *call >= plan.draft.steps.len() {
                // What ends a hold is guarded by what the object had become by then.
                given.clock.sleep(until(given.clock.now(), entry.at)).await;
            }
            let answers = crate::port::takeover::given(None, &entries[..index]);
            let supplies = Supplies { given: Some(&answers), ..Supplies::revision(revision.as_deref()) };
            let sent =
                Checked::of(plan.draft.all_steps().nth(*call).unwrap(), plan.verb, &*given.cluster, &supplies).unwrap();
            given.cluster.send(sent).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_executors_on_one_record_one_yields() {
    let given = Given::new(&GOES_BACK);
    let id = given.begin(&intent(Verb::Abort));
    let (one, other) = futures::join!(given.run(id), given.run(id));
    assert_eq!(given.cluster.sent(), ["abort"]);
    assert_eq!([one, other].into_iter().flatten().map(|end| end.stage).collect::<Vec<_>>(), [done()]);
}

#[tokio::test(start_paused = true)]
async fn concluding_looks_and_sends_nothing_even_where_it_would_be_safe() {
    for (entries, unknown) in [(Vec::new(), false), (vec![entry(0, sending(0, 100))], true)] {
        let given = Given::new(&GOES_BACK);
        let id = given.begin(&intent(Verb::Abort));
        for (index, entry) in entries.iter().enumerate() {
            given.ledger.append(id, index + 1, entry);
        }
        let connections = [given.cluster.connection()];
        let host = Host { ledger: &given.ledger, connections: &connections, clock: &*given.clock, news: &|_| {} };
        let end = conclude(id, &host).await.unwrap().unwrap().stage;
        let why = "interrupted before anything was sent".to_owned();
        assert_eq!(matches!(end, Stage::Unknown { .. }), unknown, "{end:?}");
        assert_eq!(end == Stage::Refused { why, changed: false }, !unknown);
        assert_eq!(given.cluster.sent(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_journal_holds_is_never_carried_out() {
    for verb in [Verb::Promote, Verb::Abort] {
        let given = Given::new(&GOES_BACK);
        let confirmed = intent(verb);
        let mut altered = confirmed.clone();
        altered.plan.draft.steps[0].call.words = "delete everything".to_owned();
        altered.plan.draft.steps[0].call.path = "/api/v1/namespaces/shop/secrets/prod-db".to_owned();
        let id = given.begin(&altered);
        let connections = [given.cluster.connection()];
        let news = |news| given.news.lock().unwrap().push(news);
        let host = Host { ledger: &given.ledger, connections: &connections, clock: &*given.clock, news: &news };
        let ended = run(id, &confirmed, &Secrets::default(), &host).await;
        let said = given.news.lock().unwrap().iter().any(|news| matches!(news, News::JournalBroken(_)));
        if verb == Verb::Abort {
            assert_eq!((given.cluster.sent(), said), (vec!["abort".to_owned()], true));
        } else {
            assert_eq!(given.cluster.sent(), Vec::<String>::new());
            assert!(matches!(ended, Err(JournalError::Altered(_))), "{ended:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_a_call_that_its_provider_cannot_draft_is_not_carried_out_at_all() {
    for forged in 0..2 {
        let given = Given::of_calls(2, &GOES_BACK);
        let mut plan = intent_on(&payments(), Verb::Abort, &["one", "two"]);
        "DELETE".clone_into(&mut plan.plan.draft.steps[forged].call.method);
        "/api/v1/namespaces/shop/secrets/prod-db".clone_into(&mut plan.plan.draft.steps[forged].call.path);
        let entries = given.fly(&plan).await;
        let why = "DELETE /api/v1/namespaces/shop/secrets/prod-db is no call that abort of eu/argo_rollouts/shop/payments \
                   can send: it is another place than the target's; nothing was sent";
        let failed = Stage::Failed { why: why.to_owned(), fault: None };
        assert_eq!(entries, [entry(0, Stage::Recorded), entry(0, failed)]);
        assert_eq!(given.cluster.sent(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_be_sent_to_an_object_is_asked_once_that_was_read() {
    let given = Given::new(&GOES_BACK);
    given.cluster.begins();
    assert_eq!(given.fly(&intent(Verb::Abort)).await.last(), Some(&entry(5, done())));
}

/// Takes the guard off these calls.
fn unguard(intent: &mut NewRecord, which: impl Fn(usize) -> bool) {
    let steps = intent.plan.draft.steps.iter_mut().enumerate();
    steps.filter(|(index, _)| which(*index)).for_each(|(_, step)| step.call.fills.clear());
}

/// A promote whose call is on its way, and the roll back that goes before it.
fn gone_before(given: &Given, guarded: bool) -> (RecordId, NewRecord) {
    let mut forward = intent(Verb::Promote);
    unguard(&mut forward, |_| !guarded);
    let first = given.begin(&forward);
    let revision = guarded.then(|| "99".to_owned());
    given.ledger.append(first, 1, &entry(0, Stage::Sending { call: 0, revision }));
    let back = intent(Verb::Abort);
    let id = given.begin(&back);
    let begun = given.confirmed.lock().unwrap()[&id].clone();
    (id, begun)
}

#[tokio::test(start_paused = true)]
async fn an_unguarded_call_that_lands_after_the_way_back_is_seen_and_taken_back_once_more() {
    let given = Given::new(&GOES_BACK);
    let (id, back) = gone_before(&given, false);
    let lands = async {
        given.clock.sleep(Duration::from_secs(12)).await;
        given.cluster.reverse();
    };
    let (end, ()) = futures::join!(given.run_confirmed(id, &back), lands);
    assert_eq!(given.cluster.sent(), ["abort", "abort"]);
    let end = end.unwrap();
    assert_eq!((end.stage, end.at), (done(), at(30)), "no sooner than the call can land no more");
}

#[tokio::test(start_paused = true)]
async fn a_guarded_call_that_was_on_its_way_is_not_waited_for() {
    let given = Given::new(&GOES_BACK);
    let (id, back) = gone_before(&given, true);
    let end = given.run_confirmed(id, &back).await.unwrap();
    assert_eq!((end, given.cluster.sent()), (entry(5, done()), vec!["abort".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_executor_whose_act_was_ended_sends_nothing_more_and_writes_nothing_more() {
    let given = Given::of_calls(2, &GOES_BACK);
    let mut forward = intent_on(&payments(), Verb::Promote, &["one", "two"]);
    unguard(&mut forward, |call| call == 1);
    let id = given.begin(&forward);
    given.ledger.append(id, 1, &entry(0, sending(0, 100)));
    given.ledger.append(id, 2, &entry(0, accepted(0)));
    given.begin(&intent(Verb::Abort));
    let end = given.run_confirmed(id, &forward).await.unwrap().stage;
    assert!(matches!(end, Stage::Preempted { by: RecordId(2), .. }), "{end:?}");
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}
