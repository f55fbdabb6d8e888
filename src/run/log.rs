//! What the program tells of itself while it works: to a file of the user's own, and with `-v` to stderr where no screen is
//! drawn. Only our own events: what libraries tell of a connection may hold whatever went over it.
//!
//! A secret cannot get here: each is of a type that shows nothing (`secrecy`, `port::body`).

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::cli::door;

/// The file, in the user's own state folder.
const FILE: &str = "log";
/// The one before it.
const BEFORE: &str = "log.1";
/// A file that is longer becomes the one before: two of them are what the log may take.
const MOST: u64 = 4 << 20;
/// How much is told, where no flag says so: `error`, `warn`, `info`, `debug` or `trace`.
const LEVEL: &str = "HOLDSHORT_LOG";
/// Only what begins so is ours.
const OURS: &str = env!("CARGO_PKG_NAME");

/// The log of this process. One, because a subscriber is.
static LOG: OnceLock<Mutex<Log>> = OnceLock::new();

/// Begins to listen: `verbose` times `-v`. Nothing is written before it is known where.
pub(super) fn listen(verbose: u8, draws: bool, environment: &BTreeMap<String, String>) {
    let asked = match verbose {
        0 => None,
        1 => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    };
    let set = environment.get(LEVEL).and_then(|level| level.trim().parse::<LevelFilter>().ok());
    let level = asked.or(set).unwrap_or(LevelFilter::WARN);
    let ours = |level| Targets::new().with_target(OURS, level);
    let file = fmt::layer().with_writer(|| ToFile).with_filter(ours(level));
    let shown = asked.filter(|_| !draws);
    let stderr = shown.map(|level| fmt::layer().without_time().with_writer(|| ToStderr).with_filter(ours(level)));
    // A second one in this process is a test's: the first goes on.
    let _ = tracing_subscriber::registry().with(file).with(stderr).try_init();
}

/// From now on the log is in this folder.
pub(super) fn keep_in(folder: &Path) {
    let _ = LOG.set(Mutex::new(Log { path: folder.join(FILE), open: None }));
}

/// A file that takes lines, opened with the first.
struct Log {
    path: PathBuf,
    open: Option<(File, u64)>,
}

impl Log {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let (mut file, size) = match self.open.take() {
            Some((file, size)) if size < MOST => (file, size),
            _ => open(&self.path)?,
        };
        file.write_all(line)?;
        self.open = Some((file, size + line.len() as u64));
        Ok(())
    }
}

/// Opens it, for us alone, and never through a link or in a place that somebody else made.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    ours(&fs::metadata(folder)?)?;
    let (file, size) = open_there(path)?;
    if size < MOST {
        return Ok((file, size));
    }
    // Whoever else has it open writes on in the one before.
    fs::rename(path, path.with_file_name(BEFORE))?;
    open_there(path)
}

fn open_there(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    #[expect(clippy::cast_possible_wrap, reason = "a flag, not a number")]
    options.append(true).create(true).mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    let file = options.open(path)?;
    let found = file.metadata()?;
    ours(&found)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok((file, found.len()))
}

fn ours(found: &fs::Metadata) -> io::Result<()> {
    if found.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// Takes one event a write, as the subscriber hands them over.
struct ToFile;

impl Write for ToFile {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if let Some(log) = LOG.get() {
            let mut line = door::Door::new(Vec::new());
            writeln!(line, "{}", String::from_utf8_lossy(event).trim_end())?;
            // A log that cannot be written stops nothing.
            let _ = log.lock().unwrap_or_else(PoisonError::into_inner).write(&line.into_inner());
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ToStderr;

impl Write for ToStderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // A terminal that is gone is no reason to end.
        let _ = writeln!(door::err(), "holdshort: {}", String::from_utf8_lossy(event).trim());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn log(folder: &Path) -> Log {
        Log { path: folder.join("state").join(FILE), open: None }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn the_log_is_private_and_a_long_one_becomes_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        log.write(b"first\n").unwrap();
        assert_eq!((mode(log.path.parent().unwrap()), mode(&log.path)), (0o700, 0o600));
        log.write(&vec![b'x'; usize::try_from(MOST).unwrap()]).unwrap();
        log.write(b"second\n").unwrap();
        assert_eq!(fs::read_to_string(&log.path).unwrap(), "second\n");
        assert_eq!(fs::metadata(log.path.with_file_name(BEFORE)).unwrap().len(), MOST + 6);
    }

    #[test]
    fn the_log_is_never_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        fs::create_dir(log.path.parent().unwrap()).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        symlink(&elsewhere, &log.path).unwrap();
        assert!(log.write(b"line\n").is_err());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
    }
}
