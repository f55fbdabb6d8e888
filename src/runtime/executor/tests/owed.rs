//! What is owed: ended with the act, however that ends, once; and what could not be ended stays, until somebody does it.

use super::{Given, accepted, sending};
use crate::{
    domain::verb::Verb,
    journal::{
        JournalError,
        ledger::Begun,
        sample::{at, call, entry, intent, payments},
    },
    port::{
        plan::fact,
        record::{Entry, NewRecord, Record, RecordId, Stage},
        step::{Due, Obligation, Step},
        takeover::Takeover,
    },
    runtime::{
        executor::{Host, conclude},
        fake::{Fault, GOES_BACK},
    },
};

const HELD: &str = "; still held: auto-sync of shop is off (dana)";

/// An abort that holds something, and what ends it.
fn holding(due: Due) -> NewRecord {
    let mut plan = intent(Verb::Abort);
    plan.plan.draft.obligations.push(Obligation {
        after: 0,
        due,
        owner: Some("dana".into()),
        words: "auto-sync of shop is off".to_owned(),
        step: Step::new(&payments(), call("resume")),
    });
    plan
}

fn released() -> Stage {
    Stage::Released { obligation: 0, said: "resume".to_owned() }
}

async fn flown(given: &Given, plan: &NewRecord) -> Record {
    let id = given.begin(plan);
    given.run(id).await.unwrap();
    given.ledger.get(id).unwrap().unwrap()
}

fn stages(record: &Record) -> Vec<Stage> {
    record.entries.iter().map(|entry| entry.stage.clone()).collect()
}

/// A record that ends what another one holds.
fn releasing(given: &Given, held: &Record) -> Result<RecordId, JournalError> {
    let left = Takeover::of(held).unwrap();
    // As it is drafted anew: what the journal holds is never sent.
    let drafted = given.confirmed.lock().unwrap()[&held.id].clone();
    let over = NewRecord { who: "lee".into(), takes_over: Some(Box::new(left)), ..drafted };
    match given.ledger.begin(&over) {
        Begun::Kept(record, _) => {
            given.confirmed.lock().unwrap().insert(record.id, over);
            Ok(record.id)
        }
        Begun::Refused(error) => Err(error),
        Begun::Aside(_, why) => panic!("{why}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_at_the_end_is_ended_whether_the_act_ends_well_or_not() {
    let failing = [(3, fact::PHASE, "degraded")];
    for (schedule, ended, end) in
        [(&GOES_BACK[..], "done", 5), (&failing[..], "failed", 3), (&GOES_BACK[..0], "unknown", 60)]
    {
        let given = Given::new(schedule);
        let record = flown(&given, &holding(Due::AtEnd)).await;
        assert_eq!(given.cluster.sent(), ["abort", "resume"], "{ended}");
        let stages = stages(&record);
        assert_eq!(stages[stages.len() - 3..stages.len() - 1], [accepted(1), released()], "{ended}");
        let last = record.end().unwrap();
        let name = match last.stage {
            Stage::Done { .. } => "done",
            Stage::Failed { .. } => "failed",
            Stage::Unknown { .. } => "unknown",
            _ => "",
        };
        assert_eq!((name, last.at, record.owed()), (ended, at(end), Vec::<usize>::new()), "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owed_for_a_call_that_had_no_effect() {
    let given = Given::new(&GOES_BACK);
    given.cluster.fail_with(&[Fault::Forbidden]);
    let record = flown(&given, &holding(Due::AtEnd)).await;
    assert_eq!((given.cluster.sent(), record.owed()), (Vec::<String>::new(), Vec::<usize>::new()));
    let why = "dana may not patch; nothing was changed".to_owned();
    assert!(matches!(&record.end().unwrap().stage, Stage::Failed { why: said, .. } if *said == why));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_ended_stays_owed_and_the_end_says_so() {
    for fault in [Fault::Forbidden, Fault::LostCall] {
        let given = Given::new(&GOES_BACK);
        given.cluster.fail_with(&[Fault::Works, fault]);
        let record = flown(&given, &holding(Due::AtEnd)).await;
        let said = format!("aborted, weight 0, verified{HELD}");
        assert_eq!(record.end(), Some(&entry(5, Stage::Done { said })), "{fault:?}");
        assert_eq!((given.cluster.sent(), record.owed()), (vec!["abort".to_owned()], vec![0]), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_until_somebody_releases_it_is_released_by_a_record_of_its_own_and_once() {
    let given = Given::new(&GOES_BACK);
    let held = flown(&given, &holding(Due::OnRelease)).await;
    assert_eq!((given.cluster.sent(), held.owed()), (vec!["abort".to_owned()], vec![0]));
    assert_eq!(given.ledger.journal().unwrap().holding().unwrap(), std::slice::from_ref(&held));
    // Another act on the same target is not in its way, and a second one that would end it comes too late.
    let other = given.begin(&intent(Verb::Abort));
    given.run(other).await.unwrap();
    let id = releasing(&given, &held).unwrap();
    assert!(matches!(releasing(&given, &held), Err(JournalError::NotTaken { .. })));
    let end = given.run(id).await.unwrap();
    assert_eq!(end.stage, Stage::Done { said: "resume, released".to_owned() });
    assert_eq!(given.cluster.sent(), ["abort", "abort", "resume"]);
    let [held, over] = [held.id, id].map(|id| given.ledger.get(id).unwrap().unwrap());
    let handed = Stage::HandedOver { by: id, said: "taken over (lee)".to_owned() };
    assert_eq!(held.entries.last().map(|entry| &entry.stage), Some(&handed));
    assert!(matches!(held.end().unwrap().stage, Stage::Done { .. }), "it ended as it did");
    assert_eq!((held.owed(), over.owed()), (Vec::<usize>::new(), Vec::<usize>::new()));
    assert_eq!(given.ledger.journal().unwrap().holding().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_released_beside_an_act_that_is_under_way() {
    let given = Given::new(&GOES_BACK);
    let held = flown(&given, &holding(Due::OnRelease)).await;
    given.begin(&intent(Verb::Promote));
    assert!(matches!(releasing(&given, &held), Err(JournalError::InFlight(_))));
}

/// After each entry, before the next: whatever was sent is owed, and looking ends nothing of it.
#[tokio::test(start_paused = true)]
async fn what_an_executor_owed_when_it_died_stays_owed_until_somebody_ends_it() {
    let plan = holding(Due::AtEnd);
    let whole = flown(&Given::new(&GOES_BACK), &plan).await.entries;
    for died_after in 1..whole.len() {
        let given = Given::new(&GOES_BACK);
        let id = given.begin(&plan);
        super::replay_until(&given, id, &plan, &whole[..died_after], true).await;
        let connections = [given.cluster.connection()];
        let host = Host { ledger: &given.ledger, connections: &connections, clock: &*given.clock, news: &|_| {} };
        let before = given.cluster.sent();
        conclude(id, &host).await.unwrap().unwrap();
        assert_eq!(given.cluster.sent(), before, "looking sends nothing");
        let held = given.ledger.get(id).unwrap().unwrap();
        let begun = whole[..died_after].iter().any(|entry| matches!(entry.stage, Stage::Sending { .. }));
        let ended = whole[..died_after].iter().any(|entry| entry.stage == accepted(1));
        let owed = if begun && !ended { vec![0] } else { Vec::new() };
        assert_eq!(held.owed(), owed, "died after {died_after}");
        assert_eq!(held.end().unwrap().stage.said().ends_with(HELD), !owed.is_empty(), "{:?}", held.end());
        if !owed.is_empty() {
            let id = releasing(&given, &held).unwrap();
            given.run(id).await.unwrap();
            assert_eq!(given.ledger.get(id).unwrap().unwrap().owed(), Vec::<usize>::new());
            assert_eq!(given.cluster.sent().last().map(String::as_str), Some("resume"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_carries_an_act_on_owes_what_it_owed() {
    let mut plan = holding(Due::AtEnd);
    plan.plan.draft.steps.push(Step::new(&payments(), call("one")));
    let given = Given::of_calls(2, &GOES_BACK);
    let id = given.begin(&plan);
    let entries = [entry(0, Stage::Recorded), entry(0, sending(0, 100)), entry(0, accepted(0))];
    super::replay_until(&given, id, &plan, &entries, true).await;
    let left = given.ledger.get(id).unwrap().unwrap();
    let id = releasing(&given, &left).unwrap();
    given.run(id).await.unwrap();
    assert_eq!(given.cluster.sent(), ["abort", "one", "resume"]);
    let [left, over] = [left.id, id].map(|id| given.ledger.get(id).unwrap().unwrap());
    assert_eq!((left.owed(), over.owed()), (Vec::<usize>::new(), Vec::<usize>::new()));
    assert!(matches!(over.end(), Some(Entry { stage: Stage::Done { .. }, .. })), "{:?}", over.end());
}

#[tokio::test(start_paused = true)]
async fn an_act_that_somebody_ended_by_going_back_still_owes() {
    let given = Given::new(&GOES_BACK);
    let mut forward = holding(Due::AtEnd);
    forward.plan.verb = Verb::Promote;
    let id = given.begin(&forward);
    given.ledger.append(id, 1, &entry(0, sending(0, 100)));
    given.begin(&intent(Verb::Abort));
    let held = given.ledger.get(id).unwrap().unwrap();
    assert!(matches!(held.end().unwrap().stage, Stage::Preempted { taken_over: false, .. }));
    assert_eq!(held.owed(), [0]);
}
