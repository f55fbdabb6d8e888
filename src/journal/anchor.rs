//! What a user's own state remembers of a shared journal: how far it had come and with which hash, when this user last wrote.
//! A journal that is shorter now, or has another line there, was cut off or written anew.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::journal::{Head, place};

/// Where the head of one journal is kept.
#[derive(Debug)]
pub(super) struct Anchor {
    file: PathBuf,
}

impl Anchor {
    /// The anchor of a journal in a folder of the user's own.
    pub(super) fn of(folder: &Path, journal: &Path) -> Self {
        let whole = fs::canonicalize(journal).unwrap_or_else(|_| journal.to_owned());
        let digest = format!("{:x}", Sha256::digest(whole.as_os_str().as_encoded_bytes()));
        Self { file: folder.join(format!("head-{}", digest.get(..16).unwrap_or_default())) }
    }

    /// What was kept; `None` where nothing was, or it cannot be read.
    pub(super) fn read(&self) -> Option<Head> {
        place::examine(&self.file).ok()?;
        let text = fs::read_to_string(&self.file).ok()?;
        let (lines, hash) = text.trim().split_once(' ')?;
        Some(Head { lines: lines.parse().ok()?, hash: hash.to_owned() })
    }

    /// Where it is kept: whoever moved a journal away on purpose removes this file too.
    pub(super) fn place(&self) -> &Path {
        &self.file
    }

    /// Keeps a head in place of an earlier one. One that is behind what is kept changes nothing: another process of this
    /// user was quicker. The caller has seen that the earlier one is still in the journal: else that would be forgotten.
    pub(super) fn keep(&self, head: &Head) -> io::Result<()> {
        if self.read().is_some_and(|kept| kept.lines >= head.lines) {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            place::folder(folder)?;
        }
        place::examine(&self.file)?;
        let mut file = place::open(&self.file)?;
        file.lock()?;
        file.set_len(0)?;
        writeln!(file, "{} {}", head.lines, head.hash)
    }
}
