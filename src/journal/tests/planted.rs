//! What others can write into the file: lines, locks and signals that were never signed by whose they seem to be. Nobody who
//! acts goes by them.

use std::{path::Path, sync::Arc};

use super::{done, sending, signals::kept};
use crate::{
    domain::verb::Verb,
    journal::{
        Journal, JournalError,
        attendance::Task,
        sample::{at, entry, intent},
        signer::Signer,
        sqlite::SqliteJournal,
    },
    port::{
        kept::Outlived,
        record::{RecordId, Stage},
    },
};

/// A journal as this user writes it.
fn of(dir: &Path, user: &str) -> SqliteJournal {
    let own = dir.join(user);
    let signer = Arc::new(Signer::of(&own.join("key")).unwrap());
    SqliteJournal::open(&dir.join("state/journal.db")).unwrap().signed(signer, &own)
}

/// What somebody writes who can write the file and has no key.
fn plant(dir: &Path, sql: &str) {
    rusqlite::Connection::open(dir.join("state/journal.db")).unwrap().execute_batch(sql).unwrap();
}

const END: &str = "INSERT INTO lines SELECT max(seq) + 1, 1, 2, 'end',
    '{\"v\":2,\"at\":\"2026-03-10T01:46:09Z\",\"stage\":{\"done\":{\"said\":\"verified\"}}}', 'abab', 'cdcd', 'efef' FROM lines";

#[test]
fn an_end_that_somebody_planted_ends_nothing_and_what_is_true_follows_it() {
    let dir = tempfile::tempdir().unwrap();
    let dana = of(dir.path(), "dana");
    let (first, _attends) = dana.begin(&intent(Verb::Abort)).unwrap();
    plant(dir.path(), END);
    plant(dir.path(), &END.replace("1, 2, 'end'", "1, 9223372036854775807, 'entry'"));
    for journal in [&dana, &of(dir.path(), "lee")] {
        assert_eq!(journal.get(first.id).unwrap().unwrap().end(), None);
    }
    dana.append(first.id, 1, &entry(1, sending())).unwrap();
    dana.append(first.id, 2, &entry(2, done())).unwrap();
    let stages: Vec<Stage> =
        dana.get(first.id).unwrap().unwrap().entries.into_iter().map(|entry| entry.stage).collect();
    assert_eq!(stages, [Stage::Recorded, sending(), done()]);
}

#[test]
fn what_another_user_writes_into_an_act_under_way_counts_only_where_they_went_back() {
    let dir = tempfile::tempdir().unwrap();
    let (dana, lee) = (of(dir.path(), "dana"), of(dir.path(), "lee"));
    let (first, attends) = dana.begin(&intent(Verb::Abort)).unwrap();
    lee.append(first.id, 1, &entry(1, done())).unwrap();
    assert_eq!(dana.get(first.id).unwrap().unwrap().end(), None);
    dana.append(first.id, 1, &entry(1, sending())).unwrap();
    // Lee's end took the lock away too; what follows is about the record.
    plant(dir.path(), "INSERT INTO locks SELECT target, 1 FROM newest");
    let (second, _attends) = lee.begin(&intent(Verb::Rollback)).unwrap();
    let end = dana.get(first.id).unwrap().unwrap().end().unwrap().stage.clone();
    assert!(matches!(end, Stage::Preempted { by, .. } if by == second.id), "{end:?}");
    drop(attends);
    // Whoever looks how it ended writes what they saw once nobody carries it out any more.
    let (third, attends) = dana.begin(&intent(Verb::Abort)).unwrap();
    drop(attends);
    let _looks = lee.attend(third.id, Task::Conclude).unwrap().unwrap();
    lee.append(third.id, 1, &entry(3, done())).unwrap();
    assert_eq!(dana.get(third.id).unwrap().unwrap().end().unwrap().stage, done());
}

#[test]
fn records_and_locks_that_somebody_planted_stand_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let dana = of(dir.path(), "dana");
    for verb in [Verb::Abort, Verb::Rollback] {
        let (record, _) = dana.begin(&intent(verb)).unwrap();
        dana.append(record.id, 1, &entry(1, done())).unwrap();
    }
    let copy = |from: u64, to: u64| {
        format!(
            "INSERT INTO lines SELECT (SELECT max(seq) + 1 FROM lines), {to}, 0, kind, body, 'aa', signer, signature
                 FROM lines WHERE record = {from} AND n = 0;
             INSERT INTO locks SELECT DISTINCT target, {to} FROM newest;"
        )
    };
    plant(dir.path(), &format!("{}{}", copy(1, 101), copy(2, 102)));
    let _held: Vec<_> = [101, 102].map(|id| dana.attend(RecordId(id), Task::CarryOut).unwrap().unwrap()).into();
    for verb in [Verb::Abort, Verb::Rollback] {
        let (record, _attends) = dana.begin(&intent(verb)).unwrap();
        assert!(record.id.0 > 102);
    }
}

#[test]
fn a_record_whose_begin_was_changed_cannot_be_gone_by() {
    let dir = tempfile::tempdir().unwrap();
    let dana = of(dir.path(), "dana");
    let (first, _) = dana.begin(&intent(Verb::Abort)).unwrap();
    plant(dir.path(), "UPDATE lines SET body = replace(body, 'dana', 'lena') WHERE n = 0");
    assert!(matches!(dana.get(first.id), Err(JournalError::Broken { .. })));
    assert_eq!(dana.changes(crate::journal::Seq::default()).unwrap().unreadable, [first.id]);
    dana.begin(&intent(Verb::Rollback)).unwrap();
}

#[test]
fn signals_are_read_back_by_whoever_kept_them_and_by_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (dana, lee) = (of(dir.path(), "dana"), of(dir.path(), "lee"));
    let none = Outlived { before: at(0), services: Vec::new() };
    dana.keep_signals(&[kept("payments", 30)], &none).unwrap();
    lee.keep_signals(&[kept("ledger", 30)], &none).unwrap();
    let told = |journal: &SqliteJournal| -> Vec<_> {
        let of = journal.kept_services(at(0)).unwrap();
        of.iter().flat_map(|of| journal.kept_signals(of, at(0)).unwrap()).collect()
    };
    assert_eq!((told(&dana), told(&lee)), (vec![kept("payments", 30)], vec![kept("ledger", 30)]));
    // What she kept in another journal, about another system, is none of this one's either.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::create_dir(elsewhere.path().join("dana")).unwrap();
    std::fs::copy(dir.path().join("dana/key"), elsewhere.path().join("dana/key")).unwrap();
    of(elsewhere.path(), "dana").keep_signals(&[kept("web", 30)], &none).unwrap();
    let other = elsewhere.path().join("state/journal.db");
    let columns = "source, service, since, until, body";
    let copy = format!("INSERT INTO main.signals ({columns}) SELECT {columns} FROM other.signals");
    plant(dir.path(), &format!("ATTACH '{}' AS other; {copy};", other.display()));
    assert_eq!(told(&dana), [kept("payments", 30)]);
    plant(dir.path(), "UPDATE signals SET body = substr(body, 1, length(body) - 9) || 'AAAAAAAAA'");
    assert_eq!(told(&dana), []);
}
