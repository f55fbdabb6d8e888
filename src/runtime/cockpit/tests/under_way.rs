//! Acts that are under way already: going back past them, and what is left of those whose executor died.

use super::*;

#[tokio::test(start_paused = true)]
async fn going_back_is_open_while_something_else_is_under_way_and_the_card_and_both_lines_say_what_it_does() {
    for verb in [Verb::Promote, Verb::Pause, Verb::Restart, Verb::Rollback] {
        let given = Given::new(&GOES_BACK);
        let mut cockpit = given.cockpit();
        cockpit.settle().await;
        let (other, _attends) = given.journal.begin(&intent(verb)).unwrap();
        cockpit.pass(Duration::from_secs(2)).await;
        cockpit.press("p").await.unwrap();
        assert!(refusal(&cockpit).contains("already under way"), "{verb}: {}", refusal(&cockpit));
        cockpit.press("Esc a").await.unwrap();
        let Some(Overlay::Card(card)) = &cockpit.model().nav.overlay else {
            panic!("{:?}", cockpit.model().nav.overlay)
        };
        let words = verb.words();
        let said = format!(
            "ends {words} (dana, 01:46:00), which is under way: nothing more of it is sent, it has sent nothing yet"
        );
        assert_eq!(card.plan.draft.notes.first(), Some(&said));
        cockpit.press("1 Enter").await.unwrap();
        cockpit.pass(Duration::from_secs(9)).await;
        let told: Vec<_> = cockpit.model().actions.iter().map(|one| one.latest().unwrap().stage.clone()).collect();
        let ended = Stage::Preempted { by: RecordId(2), said: "abort (dana)".to_owned(), taken_over: false };
        assert_eq!(told[0], ended, "record {}", other.id);
        assert!(matches!(told[1], Stage::Done { .. }), "{told:?}");
        assert_eq!(given.cluster.sent(), ["abort"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_way_back_whose_executor_died_is_said_so_and_open_again() {
    let given = Given::new(&[]);
    let (first, attends) = given.journal.begin(&intent(Verb::Abort)).unwrap();
    let sending = Stage::Sending { call: 0, revision: Some("7".to_owned()) };
    given.journal.append(first.id, 1, &crate::journal::sample::entry(0, sending)).unwrap();
    let mut cockpit = given.cockpit();
    cockpit.pass(Duration::from_secs(2)).await;
    cockpit.press("a").await.unwrap();
    assert!(refusal(&cockpit).contains("already under way: abort (dana, 01:46:00)"), "{}", refusal(&cockpit));
    drop(attends);
    cockpit.pass(Duration::from_secs(6)).await;
    let lost = cockpit.model().actions.iter().next().unwrap().lost;
    assert!(matches!(lost, Some(Lost::Died(_))), "{lost:?}");
    cockpit.press("Esc a 1 Enter").await.unwrap();
    let ended = Stage::Preempted { by: RecordId(2), said: "abort (dana)".to_owned(), taken_over: false };
    assert_eq!(given.journal.get(first.id).unwrap().unwrap().end().unwrap().stage, ended);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_nobody_carries_on_with_is_brought_to_its_end_by_looking() {
    let given = Given::new(&GOES_BACK);
    let (sent, _) = given.journal.begin(&intent(Verb::Abort)).unwrap();
    let sending = Stage::Sending { call: 0, revision: Some("7".to_owned()) };
    given.journal.append(sent.id, 1, &crate::journal::sample::entry(0, sending)).unwrap();
    let mut cockpit = given.cockpit();
    cockpit.pass(Duration::from_secs(150)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Unknown { .. })), "{:?}", latest(&cockpit));
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
    given.journal.begin(&intent(Verb::Abort)).unwrap();
    cockpit.pass(Duration::from_secs(150)).await;
    let why = "interrupted before anything was sent".to_owned();
    assert_eq!(latest(&cockpit), Some(Stage::Refused { why, changed: false }));
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_end_another_session_looked_for_and_left_is_ended_by_those_that_stay() {
    let given = Given::new(&GOES_BACK);
    let (sent, _) = given.journal.begin(&intent(Verb::Abort)).unwrap();
    let sending = Stage::Sending { call: 0, revision: Some("7".to_owned()) };
    given.journal.append(sent.id, 1, &crate::journal::sample::entry(0, sending)).unwrap();
    let another = given.journal.attend(sent.id, Task::Conclude).unwrap().unwrap();
    let mut cockpit = given.cockpit();
    cockpit.pass(Duration::from_secs(3)).await;
    drop(another);
    cockpit.pass(Duration::from_secs(150)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Unknown { .. })), "{:?}", latest(&cockpit));
}

#[tokio::test(start_paused = true)]
async fn an_act_whose_executor_died_is_taken_over_by_a_key_and_a_card_that_says_whose_it_is() {
    let given = Given::new(&GOES_BACK);
    drop(given.journal.begin(&intent(Verb::Abort)).unwrap());
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.pass(Duration::from_secs(2)).await;
    cockpit.press("t").await.unwrap();
    let Some(Overlay::Card(card)) = &cockpit.model().nav.overlay else { panic!("{:?}", cockpit.model().nav.overlay) };
    let notes = ["takes over record 1 (dana, 01:46:00), whose executor is gone", "call 1 is sent now: abort"];
    assert_eq!(card.plan.draft.notes[..2], notes);
    assert_eq!(card.missing().as_deref(), Some("choose a reason, 1 to 5"), "it is confirmed as every abort");
    cockpit.press("1 Enter").await.unwrap();
    cockpit.pass(Duration::from_secs(9)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Done { .. })), "{:?}", latest(&cockpit));
    assert_eq!(given.cluster.sent(), ["abort"]);
    let records = given.records();
    let over = records.iter().find(|record| record.id == RecordId(2)).unwrap();
    assert_eq!(over.intent.takes_over.as_ref().map(|takeover| takeover.record), Some(RecordId(1)));
    cockpit.press("t").await.unwrap();
    assert_eq!(cockpit.model().nav.overlay, None, "it has ended");
}

#[tokio::test(start_paused = true)]
async fn an_act_is_not_taken_over_where_it_would_be_another_one_today_or_its_executor_lives() {
    let given = Given::new(&GOES_BACK);
    let (first, attends) = given.journal.begin(&intent(Verb::Abort)).unwrap();
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("t").await.unwrap();
    let said = |cockpit: &Cockpit| cockpit.model().notice.as_ref().unwrap().text.clone();
    assert_eq!(said(&cockpit), "abort (dana) cannot be taken over: its executor is alive");
    drop(attends);
    given.cluster.set(fact::CANARY, "8e");
    cockpit.pass(Duration::from_secs(2)).await;
    cockpit.press("t").await.unwrap();
    let moved = "refused, the object moved since: canary hash 7d → 8e: begin a new act instead; nothing was sent";
    assert!(refusal(&cockpit).ends_with(moved), "{}", refusal(&cockpit));
    let why = "interrupted before anything was sent".to_owned();
    let end = given.journal.get(first.id).unwrap().unwrap().end().cloned().map(|end| end.stage);
    assert_eq!(end, Some(Stage::Refused { why, changed: false }), "it is ended by looking");
    assert_eq!(given.cluster.sent(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_nobody_carries_out_any_more_does_not_refuse_the_same_to_a_session_that_begins() {
    let given = Given::new(&GOES_BACK);
    drop(given.journal.begin(&intent(Verb::Abort)).unwrap());
    let mut cockpit = given.cockpit();
    cockpit.settle().await;
    cockpit.press("a 1 Enter").await.unwrap();
    cockpit.pass(Duration::from_secs(6)).await;
    assert!(matches!(latest(&cockpit), Some(Stage::Done { .. })), "{:?}", latest(&cockpit));
    assert_eq!((given.cluster.sent().len(), given.records().len()), (1, 2));
    assert!(given.records().iter().all(|record| record.end().is_some()));
}
