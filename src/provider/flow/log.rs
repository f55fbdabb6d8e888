//! A log as it grows: of a step by where it was read to, which Flow can go on from; of a job or a machine all of it each time, where what
//! was read is passed over.

use std::time::Duration;

use crate::{
    domain::log::{Line, Mark},
    port::lookup::LogPiece,
    provider::{flow::api, http::lines::LastLines},
};

/// How soon more is looked for after something came, and after nothing did.
pub(super) const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];
/// Answers that are taken for the begin of a step's log: of a longer one the rest comes with the next piece.
pub(super) const AT_FIRST: usize = 64;

/// A log, as far as it was read.
#[derive(Debug)]
pub(super) struct Log {
    lines: LastLines,
    /// Bytes of it that were read, where all of it comes each time.
    read: usize,
    /// Where it goes on, where it can be read from there.
    offset: u64,
}

impl Log {
    /// Keeps so many lines of what is read at first.
    pub(super) fn new(most: usize) -> Self {
        Self { lines: LastLines::new(most), read: 0, offset: 0 }
    }

    /// From where on it is to be read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes an answer that has all of it; true where it brought anything.
    pub(super) fn take_all(&mut self, answer: &api::Log) -> bool {
        let text = answer.content.as_deref().unwrap_or_default().as_bytes();
        let new = text.get(self.read..).unwrap_or_default();
        self.lines.take(new);
        self.read = self.read.max(text.len());
        !new.is_empty()
    }

    /// Takes an answer that goes on where the one before ended; true where there is more to be asked for at once.
    pub(super) fn take_on(&mut self, answer: &api::Log) -> bool {
        let text = answer.content.as_deref().unwrap_or_default().as_bytes();
        self.lines.take(text);
        let end = answer.last.filter(|last| *last > self.offset);
        self.offset = end.unwrap_or(self.offset + text.len() as u64);
        answer.more == Some(true) && !text.is_empty()
    }

    /// What came since this was asked last; with what has no end yet, where nothing more comes.
    pub(super) fn piece(&mut self, goes_on: bool, over: bool) -> LogPiece {
        let raw = if over { self.lines.all() } else { self.lines.whole() };
        LogPiece {
            lines: raw.iter().map(|raw| line(raw)).collect(),
            goes_on,
            cut: !goes_on && self.lines.is_cut(),
            over,
        }
    }
}

/// One line, with what it says it is: Flow's runner writes that in brackets.
fn line(raw: &str) -> Line {
    let plain = Line::plain(raw);
    let mark = match () {
        () if plain.text.contains("[ERROR]") => Mark::Error,
        () if plain.text.contains("[WARN") => Mark::Warning,
        () => Mark::Plain,
    };
    Line { mark, ..plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, last: Option<u64>, more: bool) -> api::Log {
        api::Log { content: Some(text.to_owned()), last, more: Some(more) }
    }

    fn words(piece: &LogPiece) -> Vec<&str> {
        piece.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn what_was_read_is_passed_over_and_half_a_line_waits_for_its_end() {
        let mut log = Log::new(9);
        assert!(log.take_all(&answer("构建\nhal", None, true)));
        assert_eq!(words(&log.piece(false, false)), ["构建"]);
        assert!(log.take_all(&answer("构建\nhalf\nlast", None, false)) && !log.take_all(&answer("构建", None, false)));
        assert_eq!(words(&log.piece(true, true)), ["half", "last"]);
    }

    #[test]
    fn a_step_goes_on_where_flow_says_that_it_ended() {
        let mut log = Log::new(9);
        assert!(log.take_on(&answer("one\n", Some(4), true)));
        assert_eq!(log.offset(), 4);
        assert!(!log.take_on(&answer("[10:12:01] [ERROR] two\n", Some(27), false)));
        let piece = log.piece(false, true);
        assert_eq!(
            (words(&piece), piece.lines[1].mark, log.offset()),
            (vec!["one", "[10:12:01] [ERROR] two"], Mark::Error, 27)
        );
    }
}
