//! Acts whose record cannot be written: the way back is flown from the spool, and nothing else goes.

use std::sync::Arc;

use super::{Given, News, done};
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        time::Timestamp,
        verb::Verb,
    },
    journal::{
        Chain, Changes, Head, Journal, JournalError, Seq,
        attendance::{Attendance, Task},
        ledger::Ledger,
        sample::{entry, intent},
        spool::{Line, Spool},
        sqlite::SqliteJournal,
    },
    port::{
        kept::{KeptSignals, Outlived},
        record::{Entry, NewRecord, Record, RecordId, Stage},
    },
    runtime::fake::GOES_BACK,
};

#[tokio::test(start_paused = true)]
async fn without_a_journal_the_way_back_is_flown_from_the_spool_and_said_loudly() {
    let dir = tempfile::tempdir().unwrap();
    let broken = || {
        let (path, why, way) = ("journal.db".into(), "the disk is full".to_owned(), "free some space");
        Err(JournalError::Broken { path, why, way })
    };
    let (ledger, _) = Ledger::open(broken, Spool::new(vec![dir.path().join("spool.jsonl")]));
    let given = Given { ledger: Arc::new(ledger), ..Given::new(&GOES_BACK) };
    assert_eq!(given.fly(&intent(Verb::Abort)).await.last(), Some(&entry(5, done())));
    assert_eq!(given.cluster.sent(), ["abort"]);
    assert!(given.news.lock().unwrap().iter().any(|news| matches!(news, News::JournalBroken(_))));
}

/// A journal whose disk is full from the second write on.
#[derive(Debug)]
struct Full(SqliteJournal);

impl Journal for Full {
    fn begin(&self, new: &NewRecord) -> Result<(Record, Attendance), JournalError> {
        self.0.begin(new)
    }

    fn append(&self, _: RecordId, _: usize, _: &Entry) -> Result<(), JournalError> {
        let (path, why, way) = ("journal.db".into(), "the disk is full".to_owned(), "free some space");
        Err(JournalError::Broken { path, why, way })
    }

    fn get(&self, record: RecordId) -> Result<Option<Record>, JournalError> {
        self.0.get(record)
    }

    fn newest(&self, most: usize) -> Result<Vec<Record>, JournalError> {
        self.0.newest(most)
    }

    fn in_flight(&self) -> Result<Vec<Record>, JournalError> {
        self.0.in_flight()
    }

    fn holding(&self) -> Result<Vec<Record>, JournalError> {
        self.0.holding()
    }

    fn head(&self) -> Result<Seq, JournalError> {
        self.0.head()
    }

    fn changes(&self, after: Seq) -> Result<Changes, JournalError> {
        self.0.changes(after)
    }

    fn attend(&self, record: RecordId, task: Task) -> std::io::Result<Option<Attendance>> {
        self.0.attend(record, task)
    }

    fn carries_out(&self, record: RecordId) {
        self.0.carries_out(record);
    }

    fn is_attended(&self, record: RecordId) -> std::io::Result<bool> {
        self.0.is_attended(record)
    }

    fn check(&self) -> Result<(), JournalError> {
        self.0.check()
    }

    fn adopt(&self, lines: &[Line]) -> Result<(), JournalError> {
        self.0.adopt(lines)
    }

    fn keep_signals(&self, kept: &[KeptSignals], outlived: &Outlived) -> Result<(), JournalError> {
        self.0.keep_signals(kept, outlived)
    }

    fn kept_services(&self, after: Timestamp) -> Result<Vec<(SourceName, ServiceName)>, JournalError> {
        self.0.kept_services(after)
    }

    fn kept_signals(&self, of: &(SourceName, ServiceName), after: Timestamp) -> Result<Vec<KeptSignals>, JournalError> {
        self.0.kept_signals(of, after)
    }

    fn vouch(&self, record: RecordId) -> Result<(), JournalError> {
        self.0.vouch(record)
    }

    fn verify(&self) -> Result<Chain, JournalError> {
        self.0.verify()
    }

    fn holds(&self, head: &Head) -> Result<bool, JournalError> {
        self.0.holds(head)
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_before_the_call_stops_a_forward_verb_and_not_the_way_back() {
    for (verb, sent) in [(Verb::Promote, Vec::new()), (Verb::Abort, vec!["abort".to_owned()])] {
        let dir = tempfile::tempdir().unwrap();
        let journal: Arc<dyn Journal> = Arc::new(Full(SqliteJournal::in_memory().unwrap()));
        let (ledger, _) = Ledger::open(move || Ok(journal.clone()), Spool::new(vec![dir.path().join("spool.jsonl")]));
        let given = Given { ledger: Arc::new(ledger), ..Given::new(&GOES_BACK) };
        let id = given.begin(&intent(verb));
        let end = given.run(id).await.unwrap().stage;
        assert_eq!(
            (given.cluster.sent(), matches!(end, Stage::Done { .. })),
            (sent.clone(), !sent.is_empty()),
            "{end:?}"
        );
        let spooled = std::fs::read_to_string(dir.path().join("spool.jsonl")).unwrap();
        assert!(spooled.lines().count() >= 2, "{spooled}");
    }
}
