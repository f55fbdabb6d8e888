//! The journal as the executor needs it: forward verbs need it on disk, the way back never waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    domain::verb::Direction,
    journal::{
        Changes, Journal, JournalError, Seq,
        attendance::{Attendance, Task},
        spool::{Line, Spool, is_spooled, spooled_id},
    },
    port::record::{Entry, NewRecord, Origin, Record, RecordId, Stage},
};

/// Opens the journal, again and again until it works.
type Opener = Box<dyn Fn() -> Result<Arc<dyn Journal>, JournalError> + Send + Sync>;

/// The journal, or the spool in its place. Every function blocks.
pub struct Ledger {
    opener: Opener,
    journal: Mutex<Option<Arc<dyn Journal>>>,
    spool: Spool,
    /// Where this process writes from.
    origin: Option<Origin>,
    /// Records begun in the spool by this process: nothing else can read them back.
    aside: Mutex<BTreeMap<RecordId, Record>>,
    /// Records of the journal of which an entry is in the spool: what follows must go there too, or the order is lost.
    strayed: Mutex<BTreeSet<RecordId>>,
}

/// What became of an intent.
#[derive(Debug)]
pub enum Begun {
    /// It is in the journal, and attended by whoever holds the second value.
    Kept(Box<Record>, Attendance),
    /// The journal failed, and it goes back: it is kept aside, and this must be said loudly.
    Aside(Box<Record>, String),
    /// It is nowhere, so nothing may be sent.
    Refused(JournalError),
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the journal.
    Journal,
    /// The journal failed; where it is instead, as a sentence.
    Aside(String),
    /// Somebody else carries on with this record.
    Taken,
}

impl Ledger {
    /// A journal that is opened by `opener`, now or later, and a spool for the time it fails. What the spool kept before is
    /// taken into the journal at once; the error is why that, or opening, failed: the ledger works all the same.
    pub fn open(
        opener: impl Fn() -> Result<Arc<dyn Journal>, JournalError> + Send + Sync + 'static,
        spool: Spool,
    ) -> (Self, Result<(), JournalError>) {
        let ledger = Self {
            opener: Box::new(opener),
            journal: Mutex::default(),
            spool,
            origin: None,
            aside: Mutex::default(),
            strayed: Mutex::default(),
        };
        let state = ledger.check();
        (ledger, state)
    }

    /// The same ledger, whose records say that they were written from here.
    #[must_use]
    pub fn written_from(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// The journal, opened if it is not.
    pub fn journal(&self) -> Result<Arc<dyn Journal>, JournalError> {
        let mut slot = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = &*slot {
            return Ok(Arc::clone(journal));
        }
        let journal = (self.opener)()?;
        *slot = Some(Arc::clone(&journal));
        Ok(journal)
    }

    /// Can the journal be written now? When it can, whatever was kept aside goes into it.
    pub fn check(&self) -> Result<(), JournalError> {
        let journal = self.journal()?;
        let checked = journal.check().and_then(|()| {
            if self.unfinished_aside(|_| true).is_some() {
                // Its end would come too late: the journal would show it as running.
                return Ok(());
            }
            let taken = self.spool.empty_into(|lines| journal.adopt(lines))?;
            if taken > 0 {
                tracing::warn!(lines = taken, "the journal took what was kept aside");
            }
            Ok(())
        });
        if checked.is_err() {
            // The file may have been replaced: open it anew next time.
            self.journal.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        checked
    }

    /// Writes an intent.
    pub fn begin(&self, new: &NewRecord) -> Begun {
        let new = &NewRecord { origin: self.origin.clone(), ..new.clone() };
        let goes_back = new.plan.direction() == Direction::Back;
        let here = |known: &Record| new.plan.targets().any(|target| known.intent.plan.acts_on(target));
        if let Some(takeover) = &new.takes_over
            && let Err(error) = self.vouch(takeover.record)
        {
            // Without the journal nobody else can be kept from carrying it on too: going back anew works.
            return Begun::Refused(error);
        }
        let mut ended = Vec::new();
        while let Some(busy) = self.unfinished_aside(|known| here(known) && !ended.contains(&known.id)) {
            // What is only in this process' spool is carried out by this process.
            if !goes_back || new.is_part_of(&busy.intent) {
                return Begun::Refused(JournalError::InFlight(Box::new(busy)));
            }
            ended.push(busy.id);
        }
        let begun = match self.journal().and_then(|journal| journal.begin(new)) {
            Ok((record, attendance)) => Begun::Kept(Box::new(record), attendance),
            Err(error @ (JournalError::InFlight(_) | JournalError::NotTaken { .. })) => Begun::Refused(error),
            Err(error) if !goes_back || new.takes_over.is_some() => Begun::Refused(error),
            Err(error) => self.begin_aside(new, &ended, &error.to_string()),
        };
        if let Begun::Kept(record, _) | Begun::Aside(record, _) = &begun {
            let said = format!("{} ({})", new.plan.verb.words(), new.who);
            for id in ended {
                let after = self.entries_aside(id);
                let stage = Stage::Preempted { by: record.id, said: said.clone(), taken_over: false };
                self.append(id, after, &Entry { at: new.at, stage });
            }
        }
        begun
    }

    /// Writes an intent that goes back into the spool.
    fn begin_aside(&self, new: &NewRecord, ended: &[RecordId], why: &str) -> Begun {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let last = aside.last_key_value().map_or(RecordId(0), |(id, _)| *id);
        let id = spooled_id(new, last);
        let first = Entry { at: new.at, stage: Stage::Recorded };
        let intent = NewRecord { preempts: ended.to_vec(), ..new.clone() };
        let record = Record { id, intent, entries: vec![first.clone()] };
        aside.insert(id, record.clone());
        drop(aside);
        self.keep_aside(&Line::Begin { record: id, intent: Box::new(record.intent.clone()) }, why);
        let said = self.keep_aside(&Line::Entry { record: id, after: 0, entry: first }, why);
        Begun::Aside(Box::new(record), said)
    }

    /// Writes an entry that follows the first `after` of its record.
    pub fn append(&self, record: RecordId, after: usize, entry: &Entry) -> Kept {
        let why = if is_spooled(record) {
            let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = aside.get_mut(&record) {
                if known.end().is_some() {
                    return Kept::Taken;
                }
                known.entries.push(entry.clone());
            }
            "its intent is in the spool".to_owned()
        } else if self.strayed.lock().unwrap_or_else(PoisonError::into_inner).contains(&record) {
            "the entry before it is in the spool".to_owned()
        } else {
            match self.journal().and_then(|journal| journal.append(record, after, entry)) {
                Ok(()) => return Kept::Journal,
                Err(JournalError::Taken(_)) => return Kept::Taken,
                Err(error) => {
                    self.strayed.lock().unwrap_or_else(PoisonError::into_inner).insert(record);
                    error.to_string()
                }
            }
        };
        Kept::Aside(self.keep_aside(&Line::Entry { record, after, entry: entry.clone() }, &why))
    }

    /// One record, from the journal or from this process' own spool.
    pub fn get(&self, record: RecordId) -> Result<Option<Record>, JournalError> {
        if is_spooled(record) {
            return Ok(self.aside.lock().unwrap_or_else(PoisonError::into_inner).get(&record).cloned());
        }
        self.journal()?.get(record)
    }

    /// May what a record says be gone by?
    pub fn vouch(&self, record: RecordId) -> Result<(), JournalError> {
        self.journal()?.vouch(record)
    }

    /// The place of the journal's newest line.
    pub fn head(&self) -> Result<Seq, JournalError> {
        self.journal()?.head()
    }

    /// What was written to the journal after this place.
    pub fn changes(&self, after: Seq) -> Result<Changes, JournalError> {
        self.journal()?.changes(after)
    }

    /// Becomes the one that carries a record out, or looks how it ended; `None` where somebody else is.
    pub fn attend(&self, record: RecordId, task: Task) -> io::Result<Option<Attendance>> {
        self.journal().map_err(io::Error::other)?.attend(record, task)
    }

    /// This process carries the record out.
    pub fn carries_out(&self, record: RecordId) {
        if let Ok(journal) = self.journal() {
            journal.carries_out(record);
        }
    }

    /// Does a living process carry this record out? Where that cannot be told, it counts as if one did.
    pub fn is_attended(&self, record: RecordId) -> bool {
        is_spooled(record) || self.journal().map_or(true, |journal| journal.is_attended(record).unwrap_or(true))
    }

    fn entries_aside(&self, id: RecordId) -> usize {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.get(&id).map_or(0, |known| known.entries.len())
    }

    fn unfinished_aside(&self, which: impl Fn(&Record) -> bool) -> Option<Record> {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.values().find(|known| known.end().is_none() && which(known)).cloned()
    }

    /// Writes a line to the spool and says loudly what happened.
    fn keep_aside(&self, line: &Line, why: &str) -> String {
        let said = match self.spool.write(line) {
            Ok(place) => format!("{why}; kept aside in {}", shown(place)),
            Err(error) => format!("{why}; and it could not be kept aside either: {error}"),
        };
        tracing::error!(line = ?line, "{said}");
        said
    }
}

fn shown(place: &Path) -> String {
    crate::domain::text::clean(&place.display().to_string())
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Broken {
            path: "the spool".into(),
            why: error.to_string(),
            way: "make the file readable and writable, or move it aside",
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("spool", &self.spool).finish_non_exhaustive()
    }
}
