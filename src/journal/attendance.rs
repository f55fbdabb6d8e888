//! Who carries a record out, as a lock that the operating system takes back from a process that dies: an executor that was
//! killed is known at once, without a clock, a heartbeat or a process number that may mean another one by now.
//!
//! The lock lies on a file beside the journal, one for each record under way. It is handed to a detached executor as a file
//! that it holds open, so that there is no moment in which nobody holds it.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    journal::place::{self, Keepers},
    port::record::RecordId,
};

/// The records of one journal that are attended.
#[derive(Debug)]
pub(super) enum Register {
    /// Files in this folder: for several processes, of its keepers.
    Folder(PathBuf, Keepers),
    /// For a journal that lives in this process only.
    Here(Arc<Mutex<BTreeSet<(RecordId, Task)>>>),
}

/// The sign that somebody carries a record out. It ends with this value, or with the process.
#[derive(Debug)]
pub struct Attendance(Sign);

#[derive(Debug)]
enum Sign {
    File(File),
    Here(Arc<Mutex<BTreeSet<(RecordId, Task)>>>, (RecordId, Task)),
}

impl Attendance {
    /// The locked file, to be handed to the process that carries the record out; `None` where this process must do it.
    pub fn file(&self) -> Option<File> {
        match &self.0 {
            Sign::File(file) => file.try_clone().ok(),
            Sign::Here(..) => None,
        }
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        if let Sign::Here(all, task) = &self.0 {
            all.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
        }
    }
}

/// What somebody attends a record for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// It carries the record out.
    CarryOut,
    /// Its executor died: it looks how the record ended, and stands in nobody's way.
    Conclude,
}

impl Register {
    /// The register of a journal in this file.
    pub(super) fn beside(journal: &Path, keepers: &Keepers) -> Self {
        Self::Folder(Self::folder_beside(journal), keepers.clone())
    }

    /// The folder of a journal's register.
    pub(super) fn folder_beside(journal: &Path) -> PathBuf {
        let mut name = journal.file_name().unwrap_or_default().to_owned();
        name.push(".executors");
        journal.with_file_name(name)
    }

    /// The register of a journal in memory.
    pub(super) fn here() -> Self {
        Self::Here(Arc::default())
    }

    /// Attends a record; `None` where somebody else does, for the same.
    pub(super) fn attend(&self, record: RecordId, task: Task) -> io::Result<Option<Attendance>> {
        match self {
            Self::Folder(folder, keepers) => {
                place::folder_beside(folder, keepers)?;
                let file = place::open_for(&path(folder, record, task), keepers)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(Attendance(Sign::File(file)))),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(error),
                }
            }
            Self::Here(all) => {
                let taken = all.lock().unwrap_or_else(PoisonError::into_inner).insert((record, task));
                Ok(taken.then(|| Attendance(Sign::Here(Arc::clone(all), (record, task)))))
            }
        }
    }

    /// Does somebody carry this record out right now?
    pub(super) fn is_attended(&self, record: RecordId) -> io::Result<bool> {
        match self {
            Self::Folder(folder, _) => {
                let file = match place::open_there(&path(folder, record, Task::CarryOut)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                    Err(error) => return Err(error),
                };
                // Shared, so that several who look at once do not take one another for the executor.
                match file.try_lock_shared() {
                    Ok(()) => Ok(false),
                    Err(TryLockError::WouldBlock) => Ok(true),
                    Err(TryLockError::Error(error)) => Err(error),
                }
            }
            Self::Here(all) => {
                Ok(all.lock().unwrap_or_else(PoisonError::into_inner).contains(&(record, Task::CarryOut)))
            }
        }
    }

    /// Forgets a record that has ended.
    pub(super) fn forget(&self, record: RecordId) {
        if let Self::Folder(folder, _) = self {
            // A file that stays says nothing: nobody asks who attends a record that has ended.
            let _ = [Task::CarryOut, Task::Conclude].map(|task| fs::remove_file(path(folder, record, task)));
        }
    }
}

fn path(folder: &Path, record: RecordId, task: Task) -> PathBuf {
    folder.join(match task {
        Task::CarryOut => record.to_string(),
        Task::Conclude => format!("{record}.end"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_attended_by_one_until_that_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        for register in [Register::beside(&dir.path().join("journal.sqlite"), &Keepers::Own), Register::here()] {
            let (one, other) = (RecordId(1), RecordId(2));
            let _looks = register.attend(one, Task::Conclude).unwrap().unwrap();
            assert!(!register.is_attended(one).unwrap(), "{register:?}");
            let attendance = register.attend(one, Task::CarryOut).unwrap().unwrap();
            assert!(register.attend(one, Task::CarryOut).unwrap().is_none());
            assert_eq!([one, other].map(|id| register.is_attended(id).unwrap()), [true, false]);
            assert!(register.is_attended(one).unwrap(), "looking does not take it away");
            drop(attendance);
            assert!(!register.is_attended(one).unwrap());
            assert!(register.attend(one, Task::CarryOut).unwrap().is_some());
        }
    }

    #[test]
    fn a_process_that_is_handed_the_file_attends_until_it_dies() {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::beside(&dir.path().join("journal.sqlite"), &Keepers::Own);
        let attendance = register.attend(RecordId(1), Task::CarryOut).unwrap().unwrap();
        let file = attendance.file().unwrap();
        drop(attendance);
        let mut sleeper = std::process::Command::new("sleep").arg("600").stdout(file).spawn().unwrap();
        assert!(register.is_attended(RecordId(1)).unwrap());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(!register.is_attended(RecordId(1)).unwrap());
    }
}
