//! What may go wrong in the file, and how that is said: what it is, and the way out.

use std::{io, path::Path};

use rusqlite::ErrorCode;

use super::{
    BUSY,
    schema::{Strange, Unusable},
};
use crate::journal::JournalError;

/// What may go wrong inside a transaction.
pub(super) enum Trouble {
    /// A record that nobody has signed.
    Forged,
    Sqlite(rusqlite::Error),
    Json(serde_json::Error),
    Journal(JournalError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

pub(super) fn no_folder(path: &Path, error: &io::Error) -> JournalError {
    let why = format!("its directory cannot be used: {error}");
    let way = "mend the directory, or name another place with state.path";
    JournalError::Broken { path: path.to_owned(), why, way }
}

pub(super) fn unfit(path: &Path, unusable: Unusable) -> JournalError {
    match unusable {
        Unusable::Strange(Strange(why, way)) => JournalError::Broken { path: path.to_owned(), why, way },
        Unusable::Trouble(trouble) => troubled(path, trouble),
    }
}

pub(super) fn troubled(path: &Path, trouble: Trouble) -> JournalError {
    match trouble {
        Trouble::Sqlite(error) => explained(path, &error),
        Trouble::Json(error) => JournalError::Broken {
            path: path.to_owned(),
            why: format!("a line cannot be read: {error}"),
            way: "`holdshort audit verify` names the record; state.path names another place",
        },
        Trouble::Forged => JournalError::Broken {
            path: path.to_owned(),
            why: "holds a record that nobody has signed, or that was changed".to_owned(),
            way: "`holdshort audit verify` says where; state.path names another place",
        },
        Trouble::Journal(error) => error,
    }
}

/// What SQLite said, as a sentence with a way out.
pub(super) fn explained(path: &Path, error: &rusqlite::Error) -> JournalError {
    let plain = || error.to_string();
    let (why, way) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("another process has held it for {} s", BUSY.as_secs()),
            "see which one with `fuser` and try again, or name another place with state.path",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            let way = "make the file and its directory writable (SQLite puts a file beside it), or name another place with state.path";
            ("cannot be written".to_owned(), way)
        }
        Some(ErrorCode::CannotOpen) => (
            "cannot be opened".to_owned(),
            "check the rights of the file and its directory, or name another place with state.path",
        ),
        Some(ErrorCode::DiskFull) => (
            "the disk is full".to_owned(),
            "free some space, or name another place with state.path; abort and roll back work meanwhile",
        ),
        Some(ErrorCode::NotADatabase) => (
            "is not a journal (not an SQLite database)".to_owned(),
            "move it aside, or name another file with state.path",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            format!("is damaged: {}", plain()),
            "keep a copy, then bring it back from a backup or name another file with state.path",
        ),
        Some(ErrorCode::SystemIoFailure) => {
            (format!("the disk fails: {}", plain()), "check the disk, or name another place with state.path")
        }
        _ => (plain(), "`holdshort audit verify` may say more; state.path names another place"),
    };
    JournalError::Broken { path: path.to_owned(), why, way }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn whatever_is_wrong_with_the_file_the_error_names_it_and_the_setting_that_names_another() {
        let path = Path::new("/var/lib/holdshort/journal.db");
        let codes = [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_FULL,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_MISUSE,
        ];
        let by_sqlite = codes.map(|code| Trouble::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)));
        let json = serde_json::from_str::<u8>("{").unwrap_err();
        for trouble in by_sqlite.into_iter().chain([Trouble::Json(json), Trouble::Forged]) {
            let said = troubled(path, trouble).to_string();
            assert!(said.starts_with("/var/lib/holdshort/journal.db: ") && said.contains("state.path"), "{said}");
        }
        let empty = rusqlite::Connection::open_in_memory().unwrap();
        let strange = [("application_id", 7), ("user_version", 0)].map(|(pragma, number)| {
            let ours = super::super::schema::APPLICATION;
            empty.pragma_update(None, "application_id", ours).unwrap();
            empty.pragma_update(None, pragma, number).unwrap();
            super::super::schema::recognise(&empty).err().unwrap()
        });
        for unusable in strange {
            let said = unfit(path, unusable).to_string();
            assert!(said.contains("state.path"), "{said}");
        }
        let said = no_folder(path, &io::Error::from(io::ErrorKind::NotADirectory)).to_string();
        assert!(said.contains("state.path"), "{said}");
    }
}
