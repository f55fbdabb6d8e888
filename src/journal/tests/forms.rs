//! Journals that an older holdshort wrote: moved on with every line as it was, and read as what they said.

use crate::{
    domain::{object::ObjectId, verb::Verb},
    journal::{
        Chain, Journal, body,
        sample::{at, intent_on},
        sqlite::SqliteJournal,
    },
    port::{
        record::{NewRecord, RecordId},
        takeover::{Takeover, differs},
    },
};

#[test]
fn a_journal_of_before_is_moved_on_with_its_chain_as_it_was_and_its_open_record_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../tests/fixtures/journal/v1.sql")).unwrap();
    let hashes = |of: &rusqlite::Connection| -> Vec<String> {
        let mut query = of.prepare("SELECT hash FROM lines ORDER BY seq").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = hashes(&old);
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(hashes(&old), before);
    assert!(matches!(journal.verify().unwrap(), Chain::Whole { lines: 9, .. }));
    let told: Vec<_> = journal.newest(9).unwrap().iter().map(|one| (one.id.0, one.intent.plan.verb)).collect();
    assert_eq!(told, [(2, Verb::Rollback), (1, Verb::Pause)]);
    let open = journal.get(RecordId(2)).unwrap().unwrap();
    assert!(!journal.is_attended(open.id).unwrap());
    // The same act again: nobody carries the old one out any more.
    let again = NewRecord::confirmed(at(0), "lee".into(), None, open.intent.plan.clone());
    let (begun, _attends) = journal.begin(&again).unwrap();
    assert_eq!((begun.intent.preempts, begun.intent.follows), (vec![open.id], Some(open.id)));
}

#[test]
fn an_act_on_a_run_that_an_older_holdshort_began_is_still_under_way_by_its_name_of_today() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let run = ObjectId::new(&"github".into(), "run", "acme/ledger/812");
    let journal = SqliteJournal::open(&path).unwrap();
    let (_, _attends) = journal.begin(&intent_on(&run, Verb::Cancel, &["abort"])).unwrap();
    let older = rusqlite::Connection::open(&path).unwrap();
    older
        .execute_batch(
            r#"
        UPDATE locks SET target = 'github/acme/ledger/runs/812';
        UPDATE newest SET target = 'github/acme/ledger/runs/812';
        UPDATE lines SET body = replace(body, '"target":"github/run/acme/ledger/812"',
            '"target":{"run":"github/acme/ledger/runs/812"}');
        PRAGMA user_version = 2;"#,
        )
        .unwrap();
    let read: i64 =
        older.query_row("SELECT count(*) FROM lines WHERE body LIKE '%{\"run\":%'", [], |row| row.get(0)).unwrap();
    assert_eq!(read, 1);
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.get(RecordId(1)).unwrap().unwrap().intent.plan.target, run);
    let again = journal.begin(&intent_on(&run, Verb::Cancel, &["abort"])).unwrap_err();
    assert_eq!(again.to_string(), "already under way: cancel (dana, 01:46:00); this one was not sent");
}

#[test]
fn an_act_that_was_a_list_of_calls_is_one_of_steps_and_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../tests/fixtures/journal/v3.sql")).unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    assert!(matches!(journal.verify().unwrap(), Chain::Whole { lines: 9, .. }));
    let open = journal.get(RecordId(2)).unwrap().unwrap();
    let plan = &open.intent.plan;
    let steps: Vec<_> =
        plan.draft.steps.iter().map(|step| (step.call.words.as_str(), step.call.is_guarded())).collect();
    assert_eq!(steps, [("abort", true), ("resume the rollout", false)]);
    assert!(plan.draft.steps.iter().all(|step| step.target == plan.target));
    let left = Takeover::of(&open).unwrap();
    assert_eq!((left.sent, left.unanswered.clone()), (1, None));
    assert_eq!(
        differs(&open.intent.plan, &left, &plan.draft.clone()),
        None,
        "what would be drawn up today is the same"
    );
}

#[test]
fn an_act_of_one_target_is_written_today_as_it_was_and_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../tests/fixtures/journal/v4.sql")).unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    assert!(matches!(journal.verify().unwrap(), Chain::Whole { lines: 11, .. }));
    let told: Vec<_> = journal.newest(9).unwrap().into_iter().map(|one| (one.id.0, one.intent.plan.verb)).collect();
    assert_eq!(told, [(2, Verb::Rollback), (1, Verb::Pause)]);
    for record in journal.newest(9).unwrap() {
        let written: String = old
            .query_row(
                "SELECT body FROM lines WHERE kind = 'begin' AND record = ?1",
                [i64::try_from(record.id.0).unwrap()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(body::intent(&record.intent).unwrap(), written, "whoever reads no further than form 4 can read it");
    }
    let open = journal.get(RecordId(2)).unwrap().unwrap();
    let plan = &open.intent.plan;
    assert_eq!((open.end(), plan.then.len(), plan.draft.steps.len()), (None, 0, 1));
    let shown = plan.draft.steps[0].call.body.shown();
    assert!(shown.contains("•••") && plan.draft.steps[0].call.is_guarded(), "{shown}");
    let watched = Takeover::of(&open).unwrap_err();
    assert_eq!(watched, "everything of it was sent: it is watched to its end, by whoever looks");
}
