//! The spool: a plain file of JSON lines that takes records while the journal cannot be written, so that the way back is
//! never blocked by a full disk. It is emptied into the journal when that works again, by whoever wrote it and only what
//! they signed.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    journal::{
        body, place,
        signer::{self, Signer},
    },
    port::record::{Entry, NewRecord, Record, RecordId},
};

/// Numbers from here on are milliseconds since 1970 and mean a record that the journal has not seen yet.
const SPOOLED_FROM: u64 = 1_000_000_000_000;

/// Is this the number of a record that was begun in a spool?
pub fn is_spooled(record: RecordId) -> bool {
    record.0 >= SPOOLED_FROM
}

/// The number that a record begun in a spool gets: the moment it was confirmed, and later than `after`.
pub fn spooled_id(new: &NewRecord, after: RecordId) -> RecordId {
    let millis = u64::try_from(new.at.timestamp_millis()).unwrap_or_default();
    RecordId(millis.max(SPOOLED_FROM).max(after.0.saturating_add(1)))
}

/// One line of a spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// An intent.
    Begin {
        /// Its number, see [`is_spooled`].
        record: RecordId,
        /// What was intended.
        intent: Box<NewRecord>,
    },
    /// What followed.
    Entry {
        /// Of which record, begun in the spool or in the journal.
        record: RecordId,
        /// How many entries came before it.
        after: usize,
        /// What was reached.
        entry: Entry,
    },
}

/// Whose word a line is.
#[derive(Clone, Debug)]
enum Signing {
    /// Nobody signs: the journal that it becomes ends with the process, or is a test's.
    Nobody,
    /// This user, and what they did not sign is not taken; without a key nothing is.
    User(Option<Arc<Signer>>),
}

/// A line with its signature.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// The line as JSON: what is signed are its bytes.
    line: String,
    signer: String,
    signature: String,
}

/// What is signed of a line. The word before it keeps it from being taken for the hash of a journal's line.
fn signed_of(line: &str) -> String {
    format!("spool {:x}", Sha256::digest(line.as_bytes()))
}

impl Signing {
    fn seal(&self, line: &Line) -> io::Result<Vec<u8>> {
        let Self::User(Some(key)) = self else { return Ok(serde_json::to_vec(line)?) };
        let line = serde_json::to_string(line)?;
        let signature = key.sign(&signed_of(&line));
        Ok(serde_json::to_vec(&Sealed { line, signer: key.name(), signature })?)
    }

    /// The line, if it is this user's.
    fn open(&self, raw: &[u8]) -> Option<Line> {
        let key = match self {
            Self::Nobody => return read(serde_json::from_slice(raw).ok()?),
            Self::User(key) => key.as_ref()?,
        };
        let sealed: Sealed = serde_json::from_slice(raw).ok()?;
        let own = sealed.signer == key.name()
            && signer::has_signed(&sealed.signer, &signed_of(&sealed.line), &sealed.signature);
        own.then(|| read(serde_json::from_str(&sealed.line).ok()?))?
    }
}

/// A line of this form or of one before.
fn read(mut line: Value) -> Option<Line> {
    if let Some(intent) = line.pointer_mut("/begin/intent") {
        body::raise(intent);
    }
    serde_json::from_value(line).ok()
}

/// The files that may take lines, best first. They are private: what is in them becomes records in our name.
#[derive(Clone, Debug)]
pub struct Spool {
    places: Vec<PathBuf>,
    signing: Signing,
    /// It was said that something is left in it.
    said: Arc<OnceLock<()>>,
}

impl Spool {
    /// A spool in the first of these files that can be written.
    pub fn new(places: Vec<PathBuf>) -> Self {
        Self { places, signing: Signing::Nobody, said: Arc::default() }
    }

    /// The same spool, in which this user signs each line. Without a key lines are kept all the same, and never taken.
    #[must_use]
    pub fn signed(self, key: Option<Arc<Signer>>) -> Self {
        Self { signing: Signing::User(key), ..self }
    }

    /// Writes a line, on disk before it returns, and says where.
    pub fn write(&self, line: &Line) -> io::Result<&Path> {
        let mut json = self.signing.seal(line)?;
        json.push(b'\n');
        let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no place for a spool");
        for place in &self.places {
            match append(place, &json) {
                Ok(()) => return Ok(place),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Hands over everything that was kept, then forgets it. When `take` fails everything stays; lines that cannot be read,
    /// or that this user did not sign, always stay, and so does a whole file that cannot be opened.
    pub fn empty_into<E: From<io::Error>>(&self, mut take: impl FnMut(&[Line]) -> Result<(), E>) -> Result<usize, E> {
        let mut taken = 0;
        for path in &self.places {
            let opened = place::examine(path).and_then(|()| place::open_there(path));
            let mut file = match opened {
                Ok(file) if is_ours(&file)? => file,
                // Whoever wrote it adopts it: a line that somebody else put there would become a record in our name.
                Ok(_) => continue,
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        tracing::warn!(place = %path.display(), %error, "a spool cannot be read; it is left alone");
                    }
                    continue;
                }
            };
            file.lock()?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let (lines, unreadable) = self.parse(&text);
            if !unreadable.is_empty() && self.said.set(()).is_ok() {
                tracing::warn!(place = %path.display(), "lines of a spool cannot be read, or you did not sign them; they stay there");
            }
            if lines.is_empty() {
                continue;
            }
            take(&lines)?;
            taken += lines.len();
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&unreadable)?;
            file.sync_all()?;
        }
        Ok(taken)
    }

    /// What is kept aside and this user signed, oldest first, to be shown; it stays where it is.
    pub fn lines(&self) -> Vec<Line> {
        let read = |path: &PathBuf| {
            place::examine(path).ok()?;
            let mut file = place::open_to_read(path).ok().filter(|file| is_ours(file).unwrap_or(false))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text).ok()?;
            Some(self.parse(&text).0)
        };
        self.places.iter().filter_map(read).flatten().collect()
    }

    fn parse(&self, text: &[u8]) -> (Vec<Line>, Vec<u8>) {
        let (mut lines, mut unreadable) = (Vec::new(), Vec::new());
        for raw in text.split_inclusive(|byte| *byte == b'\n') {
            match self.signing.open(raw) {
                Some(line) => lines.push(line),
                None => unreadable.extend_from_slice(raw),
            }
        }
        (lines, unreadable)
    }
}

/// Puts lines to the records that they follow, and adds those that they begin.
pub fn laid_onto(mut records: Vec<Record>, lines: Vec<Line>) -> Vec<Record> {
    for line in lines {
        match line {
            Line::Begin { record, intent } if records.iter().all(|known| known.id != record) => {
                records.push(Record { id: record, intent: *intent, entries: Vec::new() });
            }
            Line::Begin { .. } => {}
            Line::Entry { record, after, entry } => {
                let known = records.iter_mut().find(|known| known.id == record && known.entries.len() == after);
                if let Some(known) = known {
                    known.entries.push(entry);
                }
            }
        }
    }
    records
}

fn append(path: &Path, json: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        place::folder(parent)?;
    }
    place::examine(path)?;
    let mut file = place::open(path)?;
    // The lock keeps a line from falling between reading and emptying by another process; closing releases it.
    file.lock()?;
    file.seek(io::SeekFrom::End(0))?;
    file.write_all(json)?;
    file.sync_all()
}

fn is_ours(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.uid() == rustix::process::geteuid().as_raw())
}
