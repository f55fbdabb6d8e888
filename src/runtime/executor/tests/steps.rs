//! Acts of several steps: what is left out, what is waited for, what one answer gives to the next call, and what nobody may
//! see of it.

use std::time::Duration;

use super::{Given, done, replay_until, sending};
use crate::{
    domain::verb::Verb,
    journal::sample::{entry, intent, intent_on, payments},
    port::{
        fill::{Answered, Fill, Give, Slot, Supply},
        plan::{Condition, Expect, Expectation, fact},
        record::{Entry, NewRecord, RecordId, Stage},
        secrets::Secrets,
        step::Watch,
    },
    runtime::fake::{Fault, GOES_BACK},
};

/// A step's own expectation.
fn within(seconds: u64, all: Vec<Expect>) -> Expectation {
    Expectation { all, within: Duration::from_secs(seconds), ..Expectation::default() }
}

/// The first answer gives a build's number, and the second call goes there.
fn rebuilt() -> NewRecord {
    let mut plan = intent_on(&payments(), Verb::Rollback, &["one", "two"]);
    let [one, two] = &mut plan.plan.draft.steps[..] else { panic!() };
    one.call.gives = vec![Give { name: "build".to_owned(), from: Answered::Json("/number".to_owned()) }];
    two.call.path = "builds/{build}/unblock".to_owned();
    let from = Supply::Given { step: 0, name: "build".to_owned() };
    two.call.fills.push(Fill { from, into: Slot::Path("build".to_owned()) });
    plan
}

/// The second call waits for two approvals.
fn counted() -> NewRecord {
    let mut plan = intent_on(&payments(), Verb::Rollback, &["one", "two"]);
    let [one, two] = &mut plan.plan.draft.steps[..] else { panic!() };
    one.expect = Some(within(30, vec![Expect::is(fact::ABORTED, true)]));
    two.when = vec![Expect { fact: "approvals".to_owned(), condition: Condition::AtLeast(2) }];
    plan
}

fn last(entries: &[Entry]) -> &Stage {
    &entries.last().unwrap().stage
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_first_is_compared_with_what_was_drawn_up_though_a_call_before_it_is_left_out() {
    let given = Given::of_calls(2, &GOES_BACK);
    let mut plan = intent_on(&payments(), Verb::Rollback, &["one", "two"]);
    plan.plan.draft.bound.insert(fact::UID.to_owned(), "another object".to_owned());
    let [one, two] = &mut plan.plan.draft.steps[..] else { panic!() };
    one.when = vec![Expect::is("auto-sync", "on")];
    one.expect = Some(within(30, vec![Expect::is(fact::ABORTED, true)]));
    two.expect = Some(within(30, vec![Expect::is(fact::ABORTED, true)]));
    let entries = given.fly(&plan).await;
    assert!(matches!(last(&entries), Stage::Refused { changed: true, .. }), "{entries:?}");
    assert_eq!(given.cluster.sent(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_uses_what_the_answer_before_it_gave() {
    let given = Given::of_calls(2, &GOES_BACK);
    given.cluster.gives("one", "build", "17");
    let entries = given.fly(&rebuilt()).await;
    assert_eq!(last(&entries), &done());
    assert_eq!(given.cluster.paths(), ["rollouts/payments/status", "builds/17/unblock"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lacks_what_it_promises_is_of_unknown_outcome_and_nothing_more_is_sent() {
    let given = Given::of_calls(2, &GOES_BACK);
    let entries = given.fly(&rebuilt()).await;
    let Stage::Unknown { check } = last(&entries) else { panic!("{entries:?}") };
    assert!(check.starts_with("the answer to call 1 does not tell build; look at "), "{check}");
    assert_eq!(given.cluster.sent(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_unknown_where_the_answer_was_lost() {
    let given = Given::of_calls(2, &GOES_BACK);
    given.cluster.gives("one", "build", "17");
    given.cluster.fail_with(&[Fault::LostAnswer]);
    let entries = given.fly(&rebuilt()).await;
    let Stage::Unknown { check } = last(&entries) else { panic!("{entries:?}") };
    assert!(check.starts_with("call 1 has no answer, which would tell what it made; look at "), "{check}");
    assert_eq!(given.cluster.sent(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_made_is_what_is_watched() {
    let given = Given::of_calls(2, &GOES_BACK);
    given.cluster.gives("one", "build", "17");
    let mut plan = rebuilt();
    let mut made = payments();
    made.path = "shop/{build}".to_owned();
    plan.plan.draft.steps[1].watch = Watch::Made(made);
    assert_eq!(last(&given.fly(&plan).await), &done());
    assert_eq!(given.cluster.seen().last().unwrap().path, "shop/17");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_conditions_do_not_hold_is_left_out_and_said() {
    let given = Given::of_calls(1, &GOES_BACK);
    given.cluster.set("approvals", "1");
    let entries = given.fly(&counted()).await;
    let why = "1 of 2 approvals".to_owned();
    assert!(entries.contains(&entry(0, Stage::Skipped { call: 1, why })), "{entries:?}");
    let said = "aborted, verified; left out: two, 1 of 2 approvals".to_owned();
    assert_eq!(last(&entries), &Stage::Done { said });
    assert_eq!(given.cluster.sent(), ["one"]);

    let given = Given::of_calls(1, &GOES_BACK);
    given.cluster.set("approvals", "2");
    assert_eq!(last(&given.fly(&counted()).await), &done());
    assert_eq!(given.cluster.sent(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn an_act_of_which_everything_is_left_out_sends_nothing_and_is_refused() {
    let given = Given::of_calls(1, &GOES_BACK);
    let mut plan = intent(Verb::Abort);
    plan.plan.draft.steps[0].when = vec![Expect::is("approved", "yes")];
    let why = "left out: abort, approved is unknown, and not approved yes; nothing was sent".to_owned();
    assert_eq!(last(&given.fly(&plan).await), &Stage::Refused { why, changed: true });
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_next_call_goes_once_what_the_one_before_must_bring_about_is_seen() {
    let slow = [(3, fact::ABORTED, "true"), (5, fact::WEIGHT, "0")];
    let given = Given::of_calls(1, &slow);
    given.cluster.set("approvals", "2");
    let entries = given.fly(&counted()).await;
    let second = entries.iter().find(|entry| matches!(entry.stage, Stage::Sending { call: 1, .. })).unwrap();
    assert_eq!(second, &entry(3, sending(1, 103)));
    assert_eq!(last(&entries), &done());

    let given = Given::of_calls(1, &[(3, fact::WEIGHT, "0")]);
    given.cluster.set("approvals", "2");
    let entries = given.fly(&counted()).await;
    let Stage::Unknown { check } = last(&entries) else { panic!("{entries:?}") };
    assert!(check.starts_with("not observed within 30 s: aborted (it is false); look at "), "{check}");
    assert_eq!(given.cluster.sent(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_moved_between_two_steps_stops_what_is_bound_to_it() {
    let given = Given::of_calls(1, &GOES_BACK);
    given.cluster.set("approvals", "2");
    let mut plan = counted();
    plan.plan.draft.steps[1].bound = [("run".to_owned(), "812".to_owned())].into();
    let why = "moved: run 812 → gone; done before it: one".to_owned();
    assert_eq!(last(&given.fly(&plan).await), &Stage::Failed { why, fault: None });
}

/// After each entry, before the next: whoever carries on ends with the same calls, the second to where the first one told.
#[tokio::test(start_paused = true)]
async fn an_act_of_steps_whose_executor_dies_anywhere_is_resumed_with_every_call_at_most_once() {
    let mut plan = rebuilt();
    plan.plan.draft.steps[0].expect = Some(within(30, vec![Expect::is(fact::ABORTED, true)]));
    let begun = || {
        let given = Given::of_calls(1, &GOES_BACK);
        given.cluster.gives("one", "build", "17");
        given
    };
    let whole = begun().fly(&plan).await;
    for died_after in 1..=whole.len() {
        let given = begun();
        let id = given.begin(&plan);
        replay_until(&given, id, &plan, &whole[..died_after], true).await;
        given.clock.sleep(Duration::from_secs(9)).await;
        let end = given.run(id).await.unwrap();
        assert_eq!(given.cluster.sent(), ["one", "two"], "died after {died_after}");
        assert_eq!(given.cluster.paths()[1], "builds/17/unblock", "died after {died_after}");
        assert_eq!(end.stage, done(), "died after {died_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_goes_into_the_call_and_nowhere_else_whatever_the_system_says() {
    let mut plan = intent(Verb::Abort);
    let from = Supply::Secret("password".to_owned());
    plan.plan.draft.steps[0].call.fills.push(Fill { from, into: Slot::Json("/password".to_owned()) });
    for fault in [Fault::Works, Fault::Repeats] {
        let mut given = Given::new(&GOES_BACK);
        given.secrets = Secrets::default().with("password", "hunter2");
        given.cluster.fail_with(&[fault]);
        let entries = given.fly(&plan).await;
        let sent = given.cluster.bodies().iter().all(|body| body.contains(r#""password":"hunter2""#));
        assert_eq!((sent, given.cluster.bodies().len()), (true, usize::from(fault == Fault::Works)));
        let kept = format!("{entries:?} {:?} {:?}", given.news.lock().unwrap(), given.ledger.get(RecordId(1)).unwrap());
        assert!(!kept.contains("hunter2") && kept.contains("password"), "{kept}");
    }
    let given = Given::new(&GOES_BACK);
    let why =
        "'abort' is not sent: password is kept nowhere and was not typed for it: begin a new act; nothing was changed";
    assert_eq!(last(&given.fly(&plan).await), &Stage::Failed { why: why.to_owned(), fault: None });
}
