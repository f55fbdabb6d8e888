//! Whether the files that a way was made of are still what they were: a token that somebody renews, a certificate that somebody replaces.
//!
//! Looking at them asks the disk, which may hang; so nobody waits for a look. One request has it begun, and a later one takes what came
//! of it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::FutureExt;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::domain::time::{Timestamp, age};

/// How often files are looked at while somebody asks.
pub(super) const LOOKED: Duration = Duration::from_secs(5);

/// What tells one content of a file from another: written anew or put in its place, one of these is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Where a link leads counts, not the link. `None` where nothing can be said of it.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some(Stamp {
        device: found.dev(),
        inode: found.ino(),
        length: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

/// Files as they were.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Vec<(PathBuf, Option<Stamp>)>);

impl Files {
    /// As they are now. Blocks.
    pub(super) fn of(paths: Vec<PathBuf>) -> Self {
        Self(paths.into_iter().map(|path| (stamp(&path), path)).map(|(stamp, path)| (path, stamp)).collect())
    }

    fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| stamp(path) != *before)
    }
}

/// Looks at files now and then.
#[derive(Debug)]
pub(super) struct Looks {
    files: Files,
    last: Timestamp,
    looking: Option<JoinHandle<bool>>,
}

impl Looks {
    /// At these, from now on.
    pub(super) fn at(files: Files, now: Timestamp) -> Self {
        Self { files, last: now, looking: None }
    }

    /// Has the last look found them changed? Begins another one where it is time.
    pub(super) fn found_changed(&mut self, now: Timestamp) -> bool {
        if let Some(done) = self.looking.as_mut().and_then(FutureExt::now_or_never) {
            self.looking = None;
            // A look that broke off found nothing.
            return done.unwrap_or(false);
        }
        if self.looking.is_none() && !self.files.0.is_empty() && age(now, self.last) >= LOOKED {
            self.last = now;
            let files = self.files.clone();
            self.looking = Some(spawn_blocking(move || files.have_changed()));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_replaced_removed_or_led_elsewhere_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("token"), dir.path().join("link"));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let seen = || Files::of(vec![link.clone(), dir.path().join("none")]);
        let before = seen();
        assert!(!before.have_changed());
        fs::write(&file, "other").unwrap();
        assert!(before.have_changed());
        let before = seen();
        fs::write(dir.path().join("new"), "other").unwrap();
        fs::rename(dir.path().join("new"), &file).unwrap();
        assert!(before.have_changed());
        let before = seen();
        fs::remove_file(&file).unwrap();
        assert!(before.have_changed());
        let before = seen();
        fs::write(dir.path().join("none"), "").unwrap();
        assert!(before.have_changed(), "it is there now");
    }
}
