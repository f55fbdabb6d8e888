//! Three cells of one service that go back: everything is sent before anything is waited for, whatever becomes of one of them; and what was
//! not begun anywhere is there to be taken over.

use super::*;

const CELLS: [&str; 3] = ["payments"; 3];

fn back() -> NewRecord {
    on_each(Verb::Rollback, CELLS)
}

fn apart(target: usize, stage: Stage) -> Stage {
    Stage::Apart { target, stage: Box::new(stage) }
}

/// What of a record is told of a cell, or of all of it, with the seconds since it began.
fn told(record: &Record) -> Vec<(i64, Stage)> {
    let calls = |stage: &Stage| !matches!(stage, Stage::Recorded | Stage::Accepted { .. });
    let moving = |stage: &Stage| matches!(stage, Stage::Apart { stage, .. } if !stage.is_end());
    let entries = record.entries.iter().filter(|entry| calls(&entry.stage) && !moving(&entry.stage));
    entries.map(|entry| ((entry.at - at(0)).num_seconds(), entry.stage.clone())).collect()
}

fn sending(call: usize) -> Stage {
    Stage::Sending { call, revision: Some("100".to_owned()) }
}

#[tokio::test(start_paused = true)]
async fn every_cell_is_sent_back_at_once_and_each_is_verified_by_itself() {
    let three = Three::new();
    let record = three.fly(&back()).await;
    let said = "3 of 3, each verified: payments in prod/eu, payments in prod/us, payments in prod/ap".to_owned();
    let sent = [(0, sending(0)), (0, sending(1)), (0, sending(2))];
    let ends = [(5, verified(0)), (5, verified(1)), (5, verified(2)), (5, Stage::Done { said })];
    assert_eq!(told(&record), [&sent[..], &ends[..]].concat());
    assert!(several::standings(&record).iter().all(|standing| matches!(standing, Standing::Done(_))));
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_waits_for_a_human_fails_or_does_not_come_on_holds_no_other_one() {
    let rests = [(0, fact::ABORTED, "true"), (2, fact::PHASE, "paused")];
    let fails = [(0, fact::ABORTED, "true"), (3, fact::PHASE, "degraded")];
    let waits = "not done yet: phase paused; promote goes on, promote full leaves out the rest";
    for (schedule, ends, how) in [
        (&rests[..], waits, "rests"),
        (&fails[..], "it was sent, and then: phase degraded", "failed"),
        (&GOES_BACK[..1], "not observed within 60 s: weight 0 (it is 25); look at ", "unknown"),
    ] {
        let mut plan = back();
        plan.plan.draft.expect.rests = vec![crate::port::plan::Expect::is(fact::PHASE, "paused")];
        let three = Three::following_in(0, schedule);
        let record = three.fly(&plan).await;
        assert_eq!(three.sent(), [1, 1, 1], "{how}");
        let end = end(&record);
        let says = format!("2 of 3 done; payments in prod/eu: {ends}");
        assert!(end.said().starts_with(&says), "{how}: {}", end.said());
        let name = match end {
            Stage::Rests { .. } => "rests",
            Stage::Failed { .. } => "failed",
            Stage::Unknown { .. } => "unknown",
            _ => "another",
        };
        assert_eq!(name, how);
        let standings = several::standings(&record);
        assert!(matches!(&standings[0], Standing::Begun(own) if own.is_end()), "{how}: {standings:?}");
        assert!(standings[1..].iter().all(|standing| matches!(standing, Standing::Done(_))), "{how}: {standings:?}");
        assert!(Takeover::of(&record).is_err(), "{how}: it was begun everywhere");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_cannot_be_begun_is_said_to_be_and_why_and_is_left_to_be_taken_over() {
    let three = Three::new();
    three.clusters[0].set(fact::CANARY, "8e");
    three.clusters[1].fail_with(&[Fault::Forbidden]);
    let record = three.fly(&back()).await;
    assert_eq!(three.sent(), [0, 0, 1]);
    let said = "1 of 3 done; payments in prod/eu: not begun, moved: canary hash 7d → 8e; nothing was sent; \
                payments in prod/us: dana may not patch; nothing was changed";
    assert_eq!(end(&record), &Stage::Failed { why: said.to_owned(), fault: Some(FaultKind::Forbidden) });
    let why = "moved: canary hash 7d → 8e; nothing was sent".to_owned();
    let refused = Stage::Refused { why, changed: true };
    assert!(record.entries.iter().any(|entry| entry.stage == apart(0, refused.clone())), "{:?}", record.entries);
    assert_eq!(several::standings(&record)[0], Standing::Begun(refused));
    let left = Takeover::of(&record).unwrap();
    assert_eq!((left.places, left.each.len(), record.not_begun()), (vec![0, 1], 2, vec![0, 1]));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_begun_anywhere_it_is_refused_as_an_act_on_one_is() {
    let three = Three::new();
    three.clusters.iter().for_each(|cluster| cluster.set(fact::CANARY, "8e"));
    let record = three.fly(&back()).await;
    assert!(matches!(end(&record), Stage::Refused { changed: true, .. }), "{:?}", end(&record));
    assert_eq!((three.sent(), record.not_begun()), ([0; 3], vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_is_taken_over_by_itself_and_nothing_else_is_sent_again() {
    let three = Three::new();
    three.clusters[1].fail_with(&[Fault::Forbidden]);
    let first = three.fly(&back()).await;
    assert_eq!((three.sent(), first.not_begun()), ([1, 0, 1], vec![1]));
    // Somebody has mended the right since.
    let record = three.fly(&taking(&first, &[1])).await;
    assert_eq!((end(&record), three.sent()), (&done(), [1, 1, 1]));
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_back_on_one_cell_before_the_others_were_begun_leaves_those_to_be_taken_over() {
    let three = Three::new();
    let (ledger, alone) = (Arc::clone(&three.ledger), intent_on(&target("ap"), Verb::Abort, &["abort"]));
    let deed = move || {
        let Begun::Kept(..) = ledger.begin(&alone) else { panic!() };
    };
    let accepted = Stage::Accepted { call: 0, said: "200 OK".to_owned(), given: [].into() };
    *three.then.lock().unwrap() = Some((accepted, Box::new(deed)));
    let first = three.fly(&back()).await;
    assert_eq!(three.sent(), [1, 0, 0]);
    assert_eq!((first.not_begun(), Takeover::of(&first).unwrap().places), (vec![1, 2], vec![1, 2]));
    // On the third somebody has done something else since.
    let refused = three.begin(&taking(&first, &[1, 2])).unwrap_err();
    assert!(refused.to_string().contains("record 2 is newer on the same target"), "{refused}");
    let over = taking(&first, &[1]);
    let record = three.fly(&over).await;
    assert_eq!((end(&record), three.sent()), (&done(), [1, 1, 0]));
}

/// lee begins what was not begun of a record in these places.
fn taking(first: &Record, places: &[usize]) -> NewRecord {
    let takes_over = Some(Box::new(Takeover::of_places(first, places).unwrap()));
    // As it is drafted anew: what the journal holds is never sent.
    let drafted = back().plan;
    let mut plans = places.iter().map(|place| drafted.on(*place).unwrap());
    let mut plan = plans.next().unwrap();
    plan.then = plans.collect();
    let then = plan.then.iter().map(|one| Further { target: one.target.clone(), args: first.intent.args.clone() });
    NewRecord { who: "lee".into(), takes_over, then: then.collect(), plan, ..first.intent.clone() }
}

/// Wherever the executor dies, somebody who looks tells each cell's own end, and what was not begun goes on with the next one.
#[tokio::test(start_paused = true)]
async fn an_executor_that_dies_leaves_what_was_sent_to_be_watched_and_the_rest_to_be_taken_over() {
    let plan = back();
    let whole = Three::new().fly(&plan).await.entries;
    let first = whole.iter().position(|entry| matches!(entry.stage, Stage::Accepted { call: 0, .. })).unwrap();
    let three = Three::new();
    let id = three.begin(&plan).unwrap();
    replay_until(&three, id, &plan, &whole[..=first], true).await;
    let ended = three.host(async |host| conclude(id, host).await.unwrap()).await.unwrap();
    let check = "interrupted, 1 of 3 done, and nothing is under way; not begun: payments in prod/us, payments in prod/ap; \
                 taking it over goes on there";
    assert_eq!((ended.stage, three.sent()), (Stage::Unknown { check: check.to_owned() }, [1, 0, 0]));
    let left = three.ledger.get(id).unwrap().unwrap();
    assert_eq!(left.not_begun(), [1, 2]);
    let record = three.fly(&taking(&left, &[1, 2])).await;
    let said = "2 of 2, each verified: payments in prod/us, payments in prod/ap".to_owned();
    assert_eq!((end(&record), three.sent()), (&Stage::Done { said }, [1, 1, 1]));
}
