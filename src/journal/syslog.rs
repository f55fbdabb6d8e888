//! How far the journal has come, told to the machine's own log: what was told there cannot be taken back by whoever can write
//! the journal. `audit verify --heads` holds the journal against it.
//!
//! One line a write, best effort: a log that does not listen is no reason to wait. Format and facility (authpriv) are those of
//! syslog(3), as journald and every syslog daemon read them from `/dev/log`.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

use crate::{domain::text::clean, journal::Head};

/// Where the machine's log listens.
const LOG: &str = "/dev/log";
/// authpriv.info.
const PRIORITY: u8 = 10 * 8 + 6;

/// The machine's log.
#[derive(Debug)]
pub(super) struct Syslog {
    at: PathBuf,
}

impl Syslog {
    /// The one of this machine.
    pub(super) fn here() -> Self {
        Self::at(Path::new(LOG))
    }

    /// One that listens at another place.
    pub(super) fn at(path: &Path) -> Self {
        Self { at: path.to_owned() }
    }

    /// Tells how far a journal has come, and who wrote last.
    pub(super) fn tell(&self, journal: &Path, head: &Head, key: &str) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let line = format!("<{PRIORITY}>holdshort[{}]: {}", std::process::id(), words(journal, head, key));
        socket.send_to(line.as_bytes(), &self.at).map(|_| ())
    }
}

/// `journal=/var/lib/holdshort/journal.sqlite lines=12 head=… key=…`.
fn words(journal: &Path, head: &Head, key: &str) -> String {
    format!("journal={} lines={} head={} key={key}", path(journal), head.lines, head.hash)
}

/// A path as one word.
fn path(path: &Path) -> String {
    clean(&path.display().to_string()).replace(' ', "\\x20")
}

/// How far a journal had come, as lines of a log tell it; lines about something else are passed over.
pub fn heads(log: &str, journal: &Path) -> Vec<Head> {
    let named = path(journal);
    let head = |line: &str| {
        let field = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let ours = field("journal")? == named;
        let (lines, hash) = (field("lines")?.parse().ok()?, field("head")?.to_owned());
        ours.then_some(Head { lines, hash })
    };
    log.lines().filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_back_and_a_log_that_does_not_listen_is_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("log");
        let (journal, head) = (Path::new("/var/lib/our team/journal.sqlite"), Head { lines: 12, hash: "ab".into() });
        assert!(Syslog::at(&at).tell(journal, &head, "key").is_err());
        let log = UnixDatagram::bind(&at).unwrap();
        Syslog::at(&at).tell(journal, &head, "key").unwrap();
        let mut told = [0; 512];
        let length = log.recv(&mut told).unwrap();
        let told = String::from_utf8_lossy(told.get(..length).unwrap()).into_owned();
        let pid = std::process::id();
        let said = r"journal=/var/lib/our\x20team/journal.sqlite lines=12 head=ab key=key";
        assert_eq!(told, format!("<86>holdshort[{pid}]: {said}"));
        let other = "Nov 28 02:00:00 bastion holdshort[7]: journal=/elsewhere lines=1 head=cd key=key\nnoise";
        assert_eq!(heads(&format!("{other}\n{told}\n"), journal), [head]);
    }
}
