//! Acts whose executor died, carried on by another one: every call once, whatever the record of the first one tells.

use super::{Given, accepted, done, replay_until, sending, unguard};
use crate::{
    domain::verb::Verb,
    journal::sample::{entry, intent_on, payments},
    port::{
        plan::fact,
        record::{Entry, NewRecord, Stage},
        takeover::Takeover,
    },
    runtime::fake::GOES_BACK,
};

/// dana's record as it was when its executor died, and lee's that carries it on.
async fn taken_over(
    given: &Given,
    plan: &NewRecord,
    entries: &[Entry],
    (answered, busy): (bool, bool),
) -> Option<Entry> {
    let id = given.begin(plan);
    replay_until(given, id, plan, entries, answered).await;
    if busy {
        given.cluster.set("status written at", "02:08");
    }
    let left = given.ledger.get(id).unwrap().unwrap();
    let takes_over = Takeover::of(&left).ok()?;
    let over = NewRecord { who: "lee".into(), takes_over: Some(Box::new(takes_over)), ..plan.clone() };
    let id = given.begin(&over);
    given.run(id).await
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_dies_anywhere_is_taken_over_with_every_call_exactly_once() {
    for guarded in [true, false] {
        let mut plan = intent_on(&payments(), Verb::Rollback, &["undo", "resume"]);
        unguard(&mut plan, |_| !guarded);
        let whole = Given::of_calls(2, &GOES_BACK).fly(&plan).await;
        for died_after in 1..=whole.len() {
            for (answered, busy) in [(false, false), (true, false), (false, true)] {
                let what = format!("guarded {guarded}: died after {died_after}, answered {answered}, busy {busy}");
                let given = Given::of_calls(2, &GOES_BACK);
                let end = taken_over(&given, &plan, &whole[..died_after], (answered, busy)).await;
                let both = ["undo", "resume"];
                let Some(end) = end else {
                    assert!(died_after > 4, "{what}: everything was sent");
                    continue;
                };
                // A last call that landed is seen by what it does, or sent once more where that is not seen yet.
                assert_eq!(given.cluster.sent()[..2], both, "{what}");
                assert_eq!(end.stage, done(), "{what}");
                assert!(given.cluster.sent().len() == 2 || answered, "{what}: {:?}", given.cluster.sent());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_over_is_compared_once_more_before_its_first_call() {
    let plan = intent_on(&payments(), Verb::Rollback, &["undo", "resume"]);
    for (entries, nothing_was) in [(0, true), (2, false)] {
        let given = Given::of_calls(2, &GOES_BACK);
        let whole = [entry(0, Stage::Recorded), entry(0, sending(0, 100)), entry(0, accepted(0))];
        given.cluster.set(fact::CANARY, "8e");
        let id = given.begin(&plan);
        for (index, entry) in whole.iter().enumerate().take(entries + 1).skip(1) {
            given.ledger.append(id, index, entry);
        }
        let left = Takeover::of(&given.ledger.get(id).unwrap().unwrap()).unwrap();
        let over = NewRecord { who: "lee".into(), takes_over: Some(Box::new(left)), ..plan.clone() };
        let id = given.begin(&over);
        let end = given.run(id).await.unwrap().stage;
        let refused =
            Stage::Refused { why: "moved: canary hash 7d → 8e; nothing was sent".to_owned(), changed: true };
        let failed =
            Stage::Failed { why: "moved: canary hash 7d → 8e; done before it: undo".to_owned(), fault: None };
        assert_eq!(end, if nothing_was { refused } else { failed });
        assert_eq!(given.cluster.sent(), Vec::<String>::new());
    }
}
