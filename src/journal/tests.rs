//! The journal over real files: durability of order, exclusion, the chain, broken disks. Over 500 lines: the same few helpers hold all of it.

mod forms;
mod planted;
mod signals;
mod takeover;

use std::{path::Path, sync::Arc};

use super::{
    Chain, Changes, Journal, JournalError,
    attendance::Task,
    chain,
    ledger::{Begun, Kept, Ledger},
    place::Keepers,
    sample::{at, entry, intent, intent_on},
    signer::Signer,
    spool::{Line, Spool, is_spooled, spooled_id},
    sqlite::SqliteJournal,
};
use crate::{
    domain::{object::ObjectId, verb::Verb},
    port::{
        fill::Given,
        record::{Entry, Record, RecordId, Stage},
    },
};

fn done() -> Stage {
    Stage::Done { said: "weight 0".to_owned() }
}

fn sending() -> Stage {
    Stage::Sending { call: 0, revision: Some("7".to_owned()) }
}

fn other() -> ObjectId {
    ObjectId::new(&"eu".into(), "argo_rollouts", "shop/ledger")
}

#[test]
fn a_record_reads_back_as_it_was_written_in_another_process_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    let (begun, _attends) = journal.begin(&intent(Verb::Abort)).unwrap();
    journal.append(begun.id, 1, &entry(1, sending())).unwrap();
    journal.append(begun.id, 2, &entry(2, done())).unwrap();
    let expected = Record {
        id: RecordId(1),
        intent: intent(Verb::Abort),
        entries: vec![entry(0, Stage::Recorded), entry(1, sending()), entry(2, done())],
    };
    let elsewhere = SqliteJournal::open(&path).unwrap();
    assert_eq!(elsewhere.get(begun.id).unwrap(), Some(expected.clone()));
    assert_eq!(elsewhere.newest(9).unwrap(), [expected]);
    assert_eq!(elsewhere.get(RecordId(7)).unwrap(), None);
}

#[test]
fn a_second_intent_on_the_same_target_is_refused_until_the_first_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let (dana, lee) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let (first, _attends) = dana.begin(&intent(Verb::Promote)).unwrap();
    for verb in [Verb::Promote, Verb::Pause, Verb::Restart] {
        let refused = lee.begin(&intent(verb)).unwrap_err();
        assert_eq!(refused.to_string(), "already under way: promote (dana, 01:46:00); this one was not sent");
    }
    assert_eq!(lee.begin(&intent_on(&other(), Verb::Abort, &["abort"])).unwrap().0.id, RecordId(2));
    assert_eq!(lee.in_flight().unwrap().len(), 2);
    dana.append(first.id, 1, &entry(1, done())).unwrap();
    assert_eq!(lee.begin(&intent(Verb::Pause)).unwrap().0.id, RecordId(3));
}

/// An act that was ended by record `by`, which goes back with `verb`.
fn ended_by(by: u64, verb: &str) -> Entry {
    entry(0, Stage::Preempted { by: RecordId(by), said: format!("{verb} (dana)"), taken_over: false })
}

#[test]
fn going_back_ends_whatever_else_is_under_way_and_both_records_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let (dana, lee) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let (first, _attends) = dana.begin(&intent(Verb::PromoteFull)).unwrap();
    dana.append(first.id, 1, &entry(0, sending())).unwrap();
    let (second, _attends_too) = lee.begin(&intent(Verb::Rollback)).unwrap();
    assert_eq!((second.intent.preempts, second.intent.follows), (vec![first.id], Some(first.id)));
    let entries = dana.get(first.id).unwrap().unwrap().entries;
    assert_eq!(entries, [entry(0, Stage::Recorded), entry(0, sending()), ended_by(2, "roll back")]);
    let late = dana.append(
        first.id,
        2,
        &entry(1, Stage::Accepted { call: 0, said: "200 OK".to_owned(), given: Given::new() }),
    );
    assert!(matches!(late, Err(JournalError::Taken(RecordId(1)))), "{late:?}");
    let (third, _attends_three) = dana.begin(&intent(Verb::Abort)).unwrap();
    assert_eq!((third.intent.preempts, third.intent.follows), (vec![second.id], Some(second.id)));
    assert!(matches!(lee.verify().unwrap(), Chain::Whole { lines: 9, .. }));
}

#[test]
fn the_same_way_back_is_refused_while_somebody_carries_it_out_and_begun_anew_once_that_one_is_dead() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let (dana, lee) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let (first, attends) = dana.begin(&intent(Verb::Rollback)).unwrap();
    let refused = lee.begin(&intent(Verb::Rollback)).unwrap_err();
    assert_eq!(refused.to_string(), "already under way: roll back (dana, 01:46:00); this one was not sent");
    drop(attends);
    let _looking = dana.attend(first.id, Task::Conclude).unwrap().unwrap();
    let (second, _attends) = lee.begin(&intent(Verb::Rollback)).unwrap();
    assert_eq!(second.intent.preempts, [first.id]);
}

#[test]
fn a_record_that_cannot_be_read_locks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    let (_, _attends) = journal.begin(&intent(Verb::Promote)).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE lines SET body = '{' WHERE seq = 2", []).unwrap();
    assert_eq!(journal.begin(&intent(Verb::Promote)).unwrap().0.intent.preempts, []);
}

#[test]
fn what_begins_and_ends_between_two_looks_is_told_whole_and_what_cannot_be_read_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let (dana, lee) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let before = lee.head().unwrap();
    let (record, _attends) = dana.begin(&intent(Verb::Pause)).unwrap();
    dana.append(record.id, 1, &entry(1, done())).unwrap();
    let (unread, _) = dana.begin(&intent(Verb::Pause)).unwrap();
    let sql = "UPDATE lines SET body = '{' WHERE record = 2";
    rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let changes = lee.changes(before).unwrap();
    let whole = Record { entries: vec![entry(0, Stage::Recorded), entry(1, done())], ..record };
    assert_eq!(changes, Changes { head: changes.head, records: vec![whole], unreadable: vec![unread.id] });
    let none = Changes { head: changes.head, records: Vec::new(), unreadable: Vec::new() };
    assert_eq!(lee.changes(changes.head).unwrap(), none);
}

#[test]
fn two_executors_never_write_the_same_entry() {
    let journal = SqliteJournal::in_memory().unwrap();
    let (record, _attends) = journal.begin(&intent(Verb::Abort)).unwrap();
    journal.append(record.id, 1, &entry(1, sending())).unwrap();
    let late = journal.append(record.id, 1, &entry(1, sending())).unwrap_err();
    assert!(matches!(late, JournalError::Taken(RecordId(1))), "{late:?}");
    let unknown = journal.append(RecordId(9), 1, &entry(1, sending())).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no record 9 in the journal: `holdshort audit list` shows what there is");
}

#[test]
fn a_file_that_holds_something_that_would_run_in_our_name_is_refused() {
    for (kind, sql) in [
        ("trigger", "CREATE TRIGGER t AFTER INSERT ON lines BEGIN UPDATE lines SET body = 'x'; END"),
        ("view", "CREATE VIEW v AS SELECT * FROM lines"),
        ("table", "CREATE TABLE other (x)"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        drop(SqliteJournal::open(&path).unwrap());
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let error = SqliteJournal::open(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("holds a {kind} '")) && error.contains("tampered"), "{error}");
    }
}

#[test]
fn a_journal_that_cannot_be_written_can_still_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    three_records(&path);
    let reader = SqliteJournal::open_to_read(&path, &Keepers::Own).unwrap();
    assert_eq!(reader.newest(9).unwrap(), SqliteJournal::open(&path).unwrap().newest(9).unwrap());
    assert!(matches!(reader.verify().unwrap(), Chain::Whole { lines: 9, .. }));
    let error = reader.begin(&intent(Verb::Abort)).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
    let missing = SqliteJournal::open_to_read(&dir.path().join("none.db"), &Keepers::Own).unwrap_err().to_string();
    assert!(missing.contains("cannot be opened"), "{missing}");
}

/// Three records of two entries each.
fn three_records(path: &Path) {
    let journal = SqliteJournal::open(path).unwrap();
    for _ in 0..3 {
        let (record, _attends) = journal.begin(&intent(Verb::Abort)).unwrap();
        journal.append(record.id, 1, &entry(1, done())).unwrap();
    }
}

#[test]
fn an_unchanged_chain_is_whole_and_ends_in_the_same_head_for_everyone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    three_records(&path);
    let heads: Vec<Chain> = (0..2).map(|_| SqliteJournal::open(&path).unwrap().verify().unwrap()).collect();
    assert_eq!(heads[0], heads[1]);
    assert!(matches!(&heads[0], Chain::Whole { lines: 9, head, .. } if head.len() == 64), "{heads:?}");
}

/// A journal that this user signs, with their own state beside it.
fn signed(dir: &Path, user: &str) -> SqliteJournal {
    let own = dir.join(user);
    let signer = Arc::new(Signer::of(&own.join("key")).unwrap());
    SqliteJournal::open(&dir.join("state/journal.db")).unwrap().signed(signer, &own)
}

/// A change by somebody who can write the file and knows how hashes are made.
fn forge(dir: &Path, sql: &str) {
    let file = rusqlite::Connection::open(dir.join("state/journal.db")).unwrap();
    file.execute_batch(sql).unwrap();
    let mut query = file.prepare("SELECT seq, record, n, kind, body FROM lines ORDER BY seq").unwrap();
    let lines: Vec<(i64, i64, i64, String, String)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut before = chain::GENESIS.to_owned();
    for (seq, record, n, kind, body) in &lines {
        let (kind, body) = (kind.as_bytes(), body.as_bytes());
        before = chain::hash(&before, &chain::Link { seq: *seq, record: *record, n: *n, kind, body });
        file.execute("UPDATE lines SET hash = ?2 WHERE seq = ?1", rusqlite::params![seq, before]).unwrap();
    }
}

#[test]
fn a_chain_that_is_changed_and_hashed_anew_is_not_signed_by_its_writer_and_a_cut_end_is_missed() {
    let changes = [
        ("SELECT 1", None),
        ("UPDATE lines SET body = replace(body, 'dana', 'lena') WHERE seq = 4", Some((2, "not signed by the key"))),
        ("UPDATE lines SET signer = NULL, signature = NULL WHERE seq = 5", Some((2, "nobody has signed it"))),
        ("DELETE FROM lines WHERE seq > 4", Some((0, "2 lines that you saw at its end are missing"))),
    ];
    for (sql, expected) in changes {
        let dir = tempfile::tempdir().unwrap();
        let (dana, lee) = (signed(dir.path(), "dana"), signed(dir.path(), "lee"));
        for journal in [&dana, &lee] {
            let (record, _attends) = journal.begin(&intent(Verb::Abort)).unwrap();
            journal.append(record.id, 1, &entry(1, done())).unwrap();
        }
        forge(dir.path(), sql);
        match (lee.verify().unwrap(), expected) {
            (Chain::Whole { lines: 6, signers, .. }, None) => {
                let told: Vec<(u64, bool)> = signers.iter().map(|one| (one.lines, one.own)).collect();
                assert!(told == [(3, true), (3, false)] || told == [(3, false), (3, true)], "{signers:?}");
            }
            (Chain::Broken { record, why, .. }, Some((id, said))) => {
                assert!(record == RecordId(id) && why.contains(said), "{sql}: {record} {why}");
            }
            (found, _) => panic!("{sql}: {found:?}"),
        }
    }
}

#[test]
fn a_journal_that_was_made_anew_is_missed_however_far_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let begin = |verb| drop(signed(dir.path(), "dana").begin(&intent(verb)).unwrap());
    begin(Verb::Pause);
    std::fs::remove_file(dir.path().join("state/journal.db")).unwrap();
    for verb in [Verb::Abort, Verb::Rollback, Verb::Abort] {
        begin(verb);
        let Chain::Broken { why, .. } = signed(dir.path(), "dana").verify().unwrap() else { panic!("{verb}") };
        assert!(why.contains("another line than you saw there") && why.contains("remove "), "{why}");
    }
}

#[test]
fn a_changed_or_missing_line_names_its_record() {
    let changes = [
        ("UPDATE lines SET body = replace(body, 'dana', 'lena') WHERE seq = 4", 2, 4, "it is not as it was written"),
        ("UPDATE lines SET kind = 'entry' WHERE seq = 6", 2, 6, "it is not as it was written"),
        ("UPDATE lines SET hash = 'x' WHERE seq = 9", 3, 9, "it is not as it was written"),
        ("UPDATE lines SET body = CAST(x'ff00' AS TEXT) WHERE seq = 1", 1, 1, "it is not as it was written"),
        ("DELETE FROM lines WHERE seq = 5", 2, 6, "lines before it are missing"),
    ];
    for (change, record, line, why) in changes {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        three_records(&path);
        rusqlite::Connection::open(&path).unwrap().execute(change, []).unwrap();
        let expected = Chain::Broken { record: RecordId(record), line, why: why.to_owned() };
        assert_eq!(SqliteJournal::open(&path).unwrap().verify().unwrap(), expected, "{change}");
    }
}

#[test]
fn one_unreadable_record_never_hides_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    three_records(&path);
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE lines SET body = '{' WHERE seq = 4", []).unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    let ids: Vec<RecordId> = journal.newest(9).unwrap().iter().map(|record| record.id).collect();
    assert_eq!(ids, [RecordId(3), RecordId(1)]);
}

#[test]
fn a_file_that_is_no_journal_is_left_alone_and_the_error_names_it_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(&text, "these are notes, and long enough to be taken for a header of a database file").unwrap();
    let foreign = dir.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let newer = dir.path().join("newer.db");
    drop(SqliteJournal::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let under_a_file = text.join("journal.db");
    let table = [
        (text.as_path(), "is not a journal (not an SQLite database); move it aside"),
        (&foreign, "is a database of another program; name another file"),
        (&newer, "was written by a newer holdshort; update holdshort"),
        (dir.path(), "is a directory; name a file"),
        (&under_a_file, "its directory cannot be used"),
    ];
    for (path, said) in table {
        let error = SqliteJournal::open(path).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()) && error.contains(said), "{error}");
        assert!(error.contains("state.path"), "{error}");
    }
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are notes"));
}

/// A ledger whose journal cannot be opened while the file `broken` is there.
fn ledger(dir: &Path) -> Ledger {
    let (path, broken) = (dir.join("journal.db"), dir.join("broken"));
    let open = move || -> Result<Arc<dyn Journal>, JournalError> {
        if broken.exists() {
            let (why, way) = ("the disk is full".to_owned(), "free some space");
            return Err(JournalError::Broken { path: path.clone(), why, way });
        }
        Ok(Arc::new(SqliteJournal::open(&path)?))
    };
    Ledger::open(open, Spool::new(vec![dir.join("no\0place"), dir.join("spool.jsonl")])).0
}

#[test]
fn without_a_journal_the_way_back_goes_on_aside_and_forward_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broken"), "").unwrap();
    let broken = ledger(dir.path());
    assert!(matches!(broken.begin(&intent(Verb::Promote)), Begun::Refused(JournalError::Broken { .. })));
    let Begun::Aside(record, said) = broken.begin(&intent(Verb::Abort)) else { panic!("refused") };
    assert!(is_spooled(record.id) && said.contains("the disk is full") && said.contains("spool.jsonl"), "{said}");
    assert!(matches!(broken.begin(&intent(Verb::Abort)), Begun::Refused(JournalError::InFlight(_))));
    for (after, stage) in [(1, sending()), (2, done())] {
        assert!(matches!(broken.append(record.id, after, &entry(1, stage)), Kept::Aside(_)));
    }
    std::fs::remove_file(dir.path().join("broken")).unwrap();
    broken.check().unwrap();
    let entries = vec![entry(0, Stage::Recorded), entry(1, sending()), entry(1, done())];
    let taken = Record { id: RecordId(1), intent: intent(Verb::Abort), entries };
    assert_eq!(broken.journal().unwrap().newest(9).unwrap(), [taken]);
    assert_eq!(std::fs::read(dir.path().join("spool.jsonl")).unwrap(), b"");
}

#[test]
fn once_an_entry_is_aside_those_after_it_follow_until_all_are_taken_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let Begun::Kept(record, _attends) = ledger.begin(&intent(Verb::Promote)) else { panic!("not kept") };
    std::fs::write(dir.path().join("broken"), "").unwrap();
    std::fs::remove_file(dir.path().join("journal.db")).unwrap();
    // The file is gone: the open journal notices at the next write.
    assert!(matches!(ledger.append(record.id, 1, &entry(1, sending())), Kept::Aside(_)));
    assert!(matches!(ledger.append(record.id, 2, &entry(2, done())), Kept::Aside(_)));
    let kept = std::fs::read_to_string(dir.path().join("spool.jsonl")).unwrap();
    let lines: Vec<Line> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |after, entry| Line::Entry { record: record.id, after, entry };
    assert_eq!(lines, [line(1, entry(1, sending())), line(2, entry(2, done()))]);
}

#[test]
fn adopting_twice_or_in_pieces_gives_one_record() {
    let journal = SqliteJournal::in_memory().unwrap();
    let id = spooled_id(&intent(Verb::Abort), RecordId(0));
    let line = |after, entry: Entry| Line::Entry { record: id, after, entry };
    let lines = [
        Line::Begin { record: id, intent: Box::new(intent(Verb::Abort)) },
        line(0, entry(0, Stage::Recorded)),
        line(1, entry(1, sending())),
        line(2, entry(2, done())),
    ];
    for part in [&lines[..2], &lines[..3], &lines[..], &lines[2..]] {
        journal.adopt(part).unwrap();
    }
    let entries = vec![entry(0, Stage::Recorded), entry(1, sending()), entry(2, done())];
    assert_eq!(journal.newest(9).unwrap(), [Record { id: RecordId(1), intent: intent(Verb::Abort), entries }]);
    assert!(matches!(journal.verify().unwrap(), Chain::Whole { lines: 4, .. }));
}

#[test]
fn a_spool_keeps_lines_that_it_cannot_read_and_everything_when_nobody_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool.jsonl");
    let spool = Spool::new(vec![path.clone()]);
    let line = Line::Entry { record: RecordId(1), after: 1, entry: Entry { at: at(1), stage: done() } };
    spool.write(&line).unwrap();
    let cut = b"{\"entry\":{\"rec";
    std::fs::write(&path, [std::fs::read(&path).unwrap().as_slice(), cut].concat()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = spool.empty_into(|_| Err(std::io::Error::other("no")));
    assert!(refused.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let mut taken = Vec::new();
    let count = spool.empty_into(|lines| -> std::io::Result<()> {
        taken.extend_from_slice(lines);
        Ok(())
    });
    assert_eq!((count.unwrap(), taken), (1, vec![line]));
    assert_eq!(std::fs::read(&path).unwrap(), cut);
}

#[test]
fn a_spool_gives_back_only_what_its_user_signed_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spool.jsonl");
    let key = |user: &str| Some(Arc::new(Signer::of(&dir.path().join(user).join("key")).unwrap()));
    let spool = |key| Spool::new(vec![path.clone()]).signed(key);
    let line = |after| Line::Entry { record: RecordId(1), after, entry: Entry { at: at(1), stage: done() } };
    let (own, stranger) = (spool(key("dana")), spool(key("lee")));
    own.write(&line(1)).unwrap();
    let changed = std::fs::read_to_string(&path).unwrap().replace(r#"\"after\":1"#, r#"\"after\":7"#);
    assert!(changed.contains(":7"), "{changed}");
    Spool::new(vec![path.clone()]).write(&line(2)).unwrap();
    spool(None).write(&line(3)).unwrap();
    stranger.write(&line(4)).unwrap();
    let kept = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{kept}{changed}")).unwrap();
    let take = |spool: &Spool| {
        let mut taken = Vec::new();
        let count = spool.empty_into(|lines| -> std::io::Result<()> {
            taken.extend_from_slice(lines);
            Ok(())
        });
        (count.unwrap(), taken)
    };
    assert_eq!(take(&spool(None)), (0, Vec::new()), "without a key nothing is");
    assert_eq!(take(&own), (1, vec![line(1)]));
    assert_eq!(take(&stranger), (1, vec![line(4)]));
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
}

#[test]
fn a_journal_whose_file_was_taken_away_or_replaced_takes_nothing_more_until_it_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = SqliteJournal::open(&path).unwrap();
    journal.check().unwrap();
    std::fs::rename(&path, folder.path().join("aside")).unwrap();
    let said = journal.check().unwrap_err().to_string();
    assert!(said.contains("was taken away or replaced") && said.contains("state.path"), "{said}");
    SqliteJournal::open(&path).unwrap().check().unwrap();
    assert!(journal.check().is_err(), "another file has its name");
}
