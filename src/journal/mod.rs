//! The record of every action: on disk before the first call, chained by hashes, kept aside when the disk fails. Beside it,
//! and outside the chain, the signals that verdicts rest on, for as long as something is in flight.
//!
//! Here live the [`Journal`] trait, its SQLite form, the hash chain, the spool and the [`ledger::Ledger`] that joins them.
//! Here must not live: tasks or timers (everything blocks; the runtime calls it off its loop), screens, or providers.

mod anchor;
pub mod attendance;
mod body;
mod chain;
pub mod ledger;
pub mod place;
#[cfg(test)]
pub(crate) mod sample;
pub mod signer;
pub mod spool;
pub mod sqlite;
pub mod syslog;
pub mod team;
#[cfg(test)]
mod tests;
pub mod trust;

use std::{fmt, io, path::PathBuf};

#[cfg(doc)]
use crate::port::record::Stage;
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        text,
        time::Timestamp,
    },
    journal::{
        attendance::{Attendance, Task},
        spool::Line,
        trust::Claim,
    },
    port::{
        kept::{KeptSignals, Outlived},
        record::{Entry, NewRecord, Record, RecordId},
    },
};

/// A place in the journal: the number of a line, from 1; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(i64);

/// How far a journal had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many lines there were.
    pub lines: u64,
    /// The hash of the last one, in hex.
    pub hash: String,
}

/// What was written since somebody last looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The place of the newest line: what to ask after next time.
    pub head: Seq,
    /// The records that have a line since then, whole, oldest first.
    pub records: Vec<Record>,
    /// Those that cannot be read. They lock nothing; [`Journal::verify`] says more.
    pub unreadable: Vec<RecordId>,
}

/// Where records are kept. Every function blocks until the answer is on disk, so none may be called on the event loop.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Writes an intent and its first entry, [`Stage::Recorded`]; durable before it returns. The caller attends it from then
    /// on, without a moment between.
    ///
    /// Refuses with [`JournalError::InFlight`] while another action on the same target has not ended, in one transaction,
    /// so that two sessions that press at once cannot both go on (F3). Going back is refused only by the very same act that
    /// somebody carries out; anything else that is under way ends with it as [`Stage::Preempted`], in the same transaction.
    ///
    /// An intent that carries another act on ends that one's record as taken over. Refuses with [`JournalError::NotTaken`]
    /// where that record is not as it was when this was confirmed, or is not the newest on its target.
    fn begin(&self, new: &NewRecord) -> Result<(Record, Attendance), JournalError>;

    /// Writes the entry that follows the first `after` entries of a record; durable before it returns. Refuses with
    /// [`JournalError::Taken`] when somebody else wrote that one already, so that two executors never act on one record.
    fn append(&self, record: RecordId, after: usize, entry: &Entry) -> Result<(), JournalError>;

    /// One record.
    fn get(&self, record: RecordId) -> Result<Option<Record>, JournalError>;

    /// The newest records, newest first. One that cannot be read is left out; [`Journal::verify`] names it.
    fn newest(&self, most: usize) -> Result<Vec<Record>, JournalError>;

    /// The records that have not ended, oldest first.
    fn in_flight(&self) -> Result<Vec<Record>, JournalError>;

    /// The ended records and those under way of which something is held that no other record is there to end, oldest first.
    fn holding(&self) -> Result<Vec<Record>, JournalError>;

    /// The place of the newest line.
    fn head(&self) -> Result<Seq, JournalError>;

    /// What was written after this place, by whichever process: no line is skipped, however fast others follow.
    fn changes(&self, after: Seq) -> Result<Changes, JournalError>;

    /// Becomes the one that carries a record out, or looks how it ended; `None` where somebody else is. It ends with the
    /// returned value, or with the process.
    fn attend(&self, record: RecordId, task: Task) -> io::Result<Option<Attendance>>;

    /// This process carries the record out, whatever becomes of the sign that it does: what others write into it meanwhile is
    /// none of its lines.
    fn carries_out(&self, record: RecordId);

    /// Does a living process carry this record out?
    fn is_attended(&self, record: RecordId) -> io::Result<bool>;

    /// Can it be written now? Really writes, so that a full disk is found.
    fn check(&self) -> Result<(), JournalError>;

    /// Takes what was kept aside while it could not be written. Doing it twice changes nothing.
    fn adopt(&self, lines: &[Line]) -> Result<(), JournalError>;

    /// Keeps signals that were read, and forgets what is outlived. They are data, no record: outside the chain.
    fn keep_signals(&self, kept: &[KeptSignals], outlived: &Outlived) -> Result<(), JournalError>;

    /// Of which services signals were kept that end after this, and from which source. All of them at once would be much.
    fn kept_services(&self, after: Timestamp) -> Result<Vec<(SourceName, ServiceName)>, JournalError>;

    /// The signals of a source's service that were kept and end after this, in the order in which they were read.
    fn kept_signals(&self, of: &(SourceName, ServiceName), after: Timestamp) -> Result<Vec<KeptSignals>, JournalError>;

    /// May what a record says be gone by? Every byte of the journal must be as it was written, and the record signed where
    /// this journal is. Refuses with [`JournalError::NotTaken`].
    fn vouch(&self, record: RecordId) -> Result<(), JournalError>;

    /// Recomputes the chain over everything that was ever written.
    fn verify(&self) -> Result<Chain, JournalError>;

    /// Is it still so far, with this line there? For what was told of it elsewhere.
    fn holds(&self, head: &Head) -> Result<bool, JournalError>;
}

/// What [`Journal::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Nothing was changed.
    Whole {
        /// How many lines there are.
        lines: u64,
        /// The hash of the last line, in hex. Kept elsewhere, the pair shows later whether lines were cut off.
        head: String,
        /// Who signed how many of them, by key. Lines of before form 2 carry none.
        signers: Vec<Signed>,
    },
    /// Something was changed.
    Broken {
        /// The first record that is not as it was written.
        record: RecordId,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it, as a sentence.
        why: String,
    },
}

/// What one key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key, in hex.
    pub key: String,
    /// Whom its records say they were written by. One key with several is no user's own any more.
    pub claims: Vec<Claim>,
    /// How many lines.
    pub lines: u64,
    /// Is it the key of whoever asks?
    pub own: bool,
}

/// Why the journal did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another action on the same target has not ended.
    #[error(
        "already under way: {verb} ({who}, {at}); this one was not sent",
        verb = .0.intent.plan.verb.words(), who = .0.intent.who, at = .0.intent.at.format("%H:%M:%S")
    )]
    InFlight(Box<Record>),
    /// Another executor wrote the next entry of this record.
    #[error("somebody else carries on with record {0}")]
    Taken(RecordId),
    /// What the journal holds is not what was confirmed.
    #[error(
        "record {0} holds another intent than the one that was confirmed: nothing was sent; `holdshort audit verify` says more"
    )]
    Altered(RecordId),
    /// A record cannot be carried on.
    #[error("record {record} cannot be taken over: {why}; nothing was sent")]
    NotTaken {
        /// Which.
        record: RecordId,
        /// Why not, as half a sentence.
        why: String,
    },
    /// There is no such record.
    #[error("there is no record {0} in the journal: `holdshort audit list` shows what there is")]
    Missing(RecordId),
    /// It cannot be read or written.
    #[error("{}: {why}; {way}", text::clean(&path.display().to_string()))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, as half a sentence.
        why: String,
        /// What helps.
        way: &'static str,
    },
}
