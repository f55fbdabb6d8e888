//! Taking over: what is left of a record, what goes on only where it is the same, and who gets it.

use std::sync::Arc;

use super::{done, sending};
use crate::{
    domain::{object::ObjectId, verb::Verb, version::Version},
    journal::{
        Chain, Journal, JournalError,
        ledger::{Begun, Ledger},
        sample::{at, entry, intent, intent_on, payments},
        signer::Signer,
        spool::Spool,
        sqlite::SqliteJournal,
        trust::Trusted,
    },
    port::{
        fill::Given,
        plan::{Draft, Expect, fact},
        record::{Entry, NewRecord, Origin, Record, RecordId, Stage},
        takeover::{Takeover, Unanswered, differs},
    },
};

fn sending_call(call: usize) -> Stage {
    Stage::Sending { call, revision: Some("7".to_owned()) }
}

fn accepted(call: usize) -> Stage {
    Stage::Accepted { call, said: "200 OK".to_owned(), given: Given::new() }
}

fn unknown() -> Stage {
    Stage::Unknown { check: "look".to_owned() }
}

fn refused(changed: bool) -> Stage {
    Stage::Refused { why: "interrupted".to_owned(), changed }
}

#[test]
fn what_is_left_of_an_act_is_what_was_not_taken_and_what_ended_otherwise_is_over() {
    let over = || Err("it has ended".to_owned());
    let watched = Err("everything of it was sent: it is watched to its end, by whoever looks".to_owned());
    let open = Some(Unanswered { at: at(0), revision: Some("7".to_owned()) });
    let table = [
        (vec![], Ok((0, None))),
        (vec![refused(false)], Ok((0, None))),
        (vec![refused(true)], over()),
        (vec![sending_call(0)], Ok((0, open.clone()))),
        (vec![sending_call(0), accepted(0)], Ok((1, None))),
        (vec![sending_call(0), accepted(0), unknown()], Ok((1, None))),
        (vec![sending_call(0), accepted(0), sending_call(1)], Ok((1, open))),
        (vec![sending_call(0), unknown()], over()),
        (vec![sending_call(0), accepted(0), sending_call(1), unknown()], over()),
        (vec![sending_call(0), accepted(0), sending_call(1), accepted(1)], watched),
        (vec![Stage::Failed { why: "403".to_owned(), fault: None }], over()),
        (vec![Stage::Done { said: String::new() }], over()),
        (
            vec![Stage::Preempted { by: RecordId(9), said: String::new(), taken_over: false }],
            Err("record 9 took its place".to_owned()),
        ),
    ];
    for (stages, expected) in table {
        let entries: Vec<Entry> = [Stage::Recorded].into_iter().chain(stages).map(|stage| entry(0, stage)).collect();
        let intent = intent_on(&payments(), Verb::Abort, &["one", "two"]);
        let left = Takeover::of(&Record { id: RecordId(3), intent, entries: entries.clone() });
        assert_eq!(left.map(|left| (left.sent, left.unanswered)), expected, "{entries:?}");
    }
}

#[test]
fn an_act_that_was_taken_over_before_is_as_far_as_the_one_before_it() {
    let mut intent = intent_on(&payments(), Verb::Abort, &["one", "two"]);
    let first = Record { id: RecordId(3), intent: intent.clone(), entries: vec![entry(0, accepted(0))] };
    intent.takes_over = Some(Box::new(Takeover::of(&first).unwrap()));
    let second = Record { id: RecordId(4), intent, entries: vec![entry(5, Stage::Recorded)] };
    let left = Takeover::of(&second).unwrap();
    assert_eq!((left.record, left.sent, left.unanswered), (RecordId(4), 1, None));
}

/// What stands against carrying on an abort of which so many calls were taken, once it is drawn up so.
fn against(sent: usize, change: impl FnOnce(&mut Draft)) -> Option<String> {
    let held = intent_on(&payments(), Verb::Abort, &["one", "two"]);
    let mut now = held.plan.draft.clone();
    change(&mut now);
    let entries = (0..sent).map(|call| entry(0, accepted(call))).collect();
    let takeover = Takeover::of(&Record { id: RecordId(3), intent: held.clone(), entries }).unwrap();
    differs(&held.plan, &takeover, &now)
}

#[test]
fn an_act_goes_on_only_where_it_would_be_drawn_up_the_same() {
    assert_eq!(against(0, |_| {}), None);
    assert_eq!(against(1, |now| now.steps[0].call.body = "".into()), None, "what was taken shows its effect");
    let words = |now: &mut Draft| {
        "an hour ago".clone_into(&mut now.effect);
        now.steps[0].call.words.clear();
        now.steps[0].call.command.clear();
    };
    assert_eq!(against(0, words), None, "words are no calls");
    let said = |sent, change: fn(&mut Draft)| against(sent, change).unwrap();
    let path = "rollouts/payments/status";
    assert_eq!(
        said(0, |now| now.steps[1].call.body = " ".into()),
        format!("the record's call 2 is PATCH {path}, today its body would be another: begin a new act instead")
    );
    assert_eq!(
        said(1, |now| now.steps[1].call.path.push('2')),
        format!("the record's call 2 is PATCH {path}, today it would be PATCH {path}2: begin a new act instead")
    );
    assert_eq!(
        said(1, |now| drop(now.steps.pop())),
        format!("the record's call 2 is PATCH {path}, today it would be none: begin a new act instead")
    );
    assert_eq!(
        said(0, |now| now.steps.push(now.steps[0].clone())),
        "the record's call 3 is not there, today there would be one more: begin a new act instead"
    );
    assert_eq!(
        said(0, |now| now.to = Some(Version::tagged("1.40.0"))),
        "the record is about 1.41.3, today it would be 1.40.0: begin a new act instead"
    );
    for sent in [0, 1] {
        assert_eq!(
            said(sent, |now| drop(now.bound.insert(fact::CANARY.to_owned(), "8e".to_owned()))),
            "the object moved since: canary hash 7d → 8e: begin a new act instead"
        );
    }
}

#[test]
fn the_effect_of_what_was_taken_is_no_reason_against_the_rest() {
    let mut held = intent_on(&payments(), Verb::Rollback, &["one", "two"]);
    held.plan.draft.expect.all.push(Expect::is(fact::CANARY, "5c"));
    held.plan.draft.bound.insert(fact::GENERATION.to_owned(), "3".to_owned());
    let mut now = held.plan.draft.clone();
    now.bound.insert(fact::CANARY.to_owned(), "5c".to_owned());
    now.bound.insert(fact::GENERATION.to_owned(), "4".to_owned());
    let record = |entries| Record { id: RecordId(3), intent: held.clone(), entries };
    let takeover = |entries| Takeover::of(&record(entries)).unwrap();
    assert_eq!(differs(&held.plan, &takeover(vec![entry(0, accepted(0))]), &now), None);
    assert!(differs(&held.plan, &takeover(Vec::new()), &now).is_some());
}

#[test]
fn the_notes_say_whose_act_it_is_and_what_is_sent_and_what_is_not() {
    let mut held = intent_on(&payments(), Verb::Abort, &["one", "two", "three"]);
    held.origin =
        Some(Origin { uid: 1001, login: Some("dana".to_owned()), host: "bastion".to_owned(), from: None, sudo: None });
    let entries = vec![entry(0, accepted(0)), entry(0, sending_call(1))];
    let draft = held.plan.draft.clone();
    let takeover = Takeover::of(&Record { id: RecordId(3), intent: held, entries }).unwrap();
    let expected = [
        "takes over record 3 (dana, 01:46:00, dana (uid 1001) on bastion), whose executor is gone",
        "call 1 was taken and is not sent again: one",
        "call 2 was sent and no answer is known: it is sent again only where its effect is not there and can come no more: \
         two",
        "call 3 is sent now: three",
    ];
    assert_eq!(takeover.notes(&draft), expected);
    assert_eq!(intent(Verb::Abort).takes_over, None);
}

/// lee's intent that carries this record on, as far as it is now.
fn takes_over(journal: &SqliteJournal, id: RecordId) -> NewRecord {
    let left = journal.get(id).unwrap().unwrap();
    let takes_over = Takeover::of(&left).unwrap();
    NewRecord { who: "lee".into(), takes_over: Some(Box::new(takes_over)), ..intent(left.intent.plan.verb) }
}

#[test]
fn an_act_whose_executor_died_is_taken_over_by_one_and_both_records_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let (dana, lee) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    for (verb, number) in [(Verb::Promote, 1), (Verb::Abort, 3)] {
        let (left, attends) = dana.begin(&intent(verb)).unwrap();
        dana.append(left.id, 1, &entry(0, sending())).unwrap();
        let over = takes_over(&lee, left.id);
        let refused = lee.begin(&over).unwrap_err();
        assert!(matches!(refused, JournalError::InFlight(_)), "its executor is alive: {refused}");
        drop(attends);
        let (taken, _attends) = lee.begin(&over).unwrap();
        assert_eq!(
            (taken.id.0, taken.intent.follows, &taken.intent.preempts),
            (number + 1, Some(left.id), &vec![left.id])
        );
        let stage = Stage::Preempted { by: taken.id, said: "taken over (lee)".to_owned(), taken_over: true };
        assert_eq!(dana.get(left.id).unwrap().unwrap().end(), Some(&entry(0, stage)));
        let late = dana.append(left.id, 2, &entry(1, done()));
        assert!(matches!(late, Err(JournalError::Taken(_))), "the executor that was taken for dead writes no more");
        let second = dana.begin(&over).unwrap_err().to_string();
        let why = format!("record {} is newer on the same target", taken.id);
        assert_eq!(second, format!("record {} cannot be taken over: {why}; nothing was sent", left.id));
        lee.append(taken.id, 1, &entry(2, done())).unwrap();
    }
    assert!(matches!(lee.verify().unwrap(), Chain::Whole { .. }));
}

#[test]
fn an_act_that_was_ended_by_looking_before_anything_of_it_was_sent_can_be_taken_over_still() {
    let journal = SqliteJournal::in_memory().unwrap();
    let (left, attends) = journal.begin(&intent(Verb::Promote)).unwrap();
    drop(attends);
    let over = takes_over(&journal, left.id);
    let why = "interrupted before anything was sent".to_owned();
    journal.append(left.id, 1, &entry(1, Stage::Refused { why, changed: false })).unwrap();
    let (taken, attends) = journal.begin(&over).unwrap();
    assert_eq!((taken.intent.preempts, taken.intent.follows), (Vec::new(), Some(left.id)));
    drop(attends);
    // And that one too.
    let (again, _attends) = journal.begin(&takes_over(&journal, taken.id)).unwrap();
    assert_eq!(again.intent.preempts, [taken.id]);
}

#[test]
fn an_act_that_went_on_since_it_was_looked_at_is_not_taken_over() {
    let journal = SqliteJournal::in_memory().unwrap();
    let (left, attends) = journal.begin(&intent(Verb::Promote)).unwrap();
    let over = takes_over(&journal, left.id);
    journal.append(left.id, 1, &entry(0, sending())).unwrap();
    drop(attends);
    let said = "record 1 cannot be taken over: it has come further meanwhile; nothing was sent";
    assert_eq!(journal.begin(&over).unwrap_err().to_string(), said);
    let another = NewRecord { plan: intent(Verb::Pause).plan, ..over };
    let said = "record 1 cannot be taken over: it is about something else; nothing was sent";
    assert_eq!(journal.begin(&another).unwrap_err().to_string(), said);
    assert_eq!(journal.begin(&intent(Verb::Abort)).unwrap().0.intent.preempts, [left.id], "going back anew stays open");
}

#[test]
fn the_journal_vouches_for_no_record_that_was_changed_or_that_nobody_has_signed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, own) = (dir.path().join("journal.db"), dir.path().join("own"));
    let signer = Arc::new(Signer::of(&own.join("key")).unwrap());
    let file = path.clone();
    let open = move || SqliteJournal::open(&file).unwrap().signed(Arc::clone(&signer), &own);
    let (first, _attends) = open().begin(&intent(Verb::Promote)).unwrap();
    open().vouch(first.id).unwrap();
    let forge = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let said = || open().vouch(first.id).unwrap_err().to_string();
    forge("UPDATE lines SET body = replace(body, 'shop/payments', 'shop/secrets')");
    assert!(said().starts_with("record 1 cannot be taken over: the journal was changed: "), "{}", said());
    forge("UPDATE lines SET body = replace(body, 'shop/secrets', 'shop/payments')");
    open().vouch(first.id).unwrap();
    forge("UPDATE lines SET signer = NULL, signature = NULL");
    let why = "nobody has signed it: begin a new act instead";
    assert_eq!(said(), format!("record 1 cannot be taken over: {why}; nothing was sent"));
    let ledger = Ledger::open(move || Ok(Arc::new(open())), Spool::new(Vec::new())).0;
    let over = takes_over(&SqliteJournal::open(&path).unwrap(), first.id);
    let Begun::Refused(JournalError::NotTaken { .. }) = ledger.begin(&over) else { panic!("it was begun") };
}

#[test]
fn the_journal_vouches_for_no_record_under_whose_name_two_keys_sign() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let of = |user: &str| {
        let own = dir.path().join(user);
        let signer = Arc::new(Signer::of(&own.join("key")).unwrap());
        SqliteJournal::open(&path).unwrap().signed(signer, &own)
    };
    let begin = |user: &str, service: &str| {
        let origin = Origin { uid: 1000, login: Some("dana".into()), host: "bastion".into(), from: None, sudo: None };
        let target = ObjectId::new(&"eu".into(), "argo_rollouts", format!("shop/{service}"));
        let new = NewRecord { origin: Some(origin), ..intent_on(&target, Verb::Abort, &["one"]) };
        of(user).begin(&new).unwrap().0.id
    };
    let first = begin("dana", "payments");
    of("lee").vouch(first).unwrap();
    let forged = begin("mallory", "ledger");
    let why = "its key takes the name of dana (uid 1000) on bastion, whose key is another: `holdshort audit verify` says \
               more";
    for id in [first, forged] {
        let said = of("lee").vouch(id).unwrap_err().to_string();
        assert_eq!(said, format!("record {id} cannot be taken over: {why}; nothing was sent"));
    }
    let key = Signer::of(&dir.path().join("dana/key")).unwrap().name();
    Trusted::of(&dir.path().join("lee")).add(&key, "Dana").unwrap();
    of("lee").vouch(first).unwrap();
    of("lee").vouch(forged).unwrap_err();
}
