//! A job's log as it grows. GitLab gives all of it each time: what was read is passed over. Sections begin and end with marks
//! (docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections), and runners may put a time before each line.

use std::time::Duration;

use crate::{
    domain::{
        log::{Line, Mark, shown},
        time::Timestamp,
    },
    port::lookup::LogPiece,
    provider::http::lines::LastLines,
};

const BEGINS: &str = "section_start:";
const ENDS: &str = "section_end:";
/// What a runner says before a command that it runs.
const PROMPT: &str = "$ ";
/// How soon more is looked for after something came, and after nothing did: each time all of it comes.
pub(super) const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];

/// A log, as far as it was read.
#[derive(Debug)]
pub(super) struct Log {
    lines: LastLines,
    /// How deep sections are open.
    depth: usize,
    /// A section begins, and its heading is yet to come.
    heads: bool,
    /// When the last one began, where it says so.
    began: Option<Timestamp>,
    /// A section ended just now: what erases its mark may stand in a line of its own.
    ended: bool,
    /// Bytes of it that were read.
    read: usize,
    /// Bytes of this answer that have come.
    come: usize,
}

impl Log {
    /// Keeps so many lines of what is read at first.
    pub(super) fn new(most: usize) -> Self {
        Self { lines: LastLines::new(most), depth: 0, heads: false, began: None, ended: false, read: 0, come: 0 }
    }

    /// Was anything of it read?
    pub(super) fn has_begun(&self) -> bool {
        self.read > 0
    }

    /// Another answer begins.
    pub(super) fn begin(&mut self) {
        self.come = 0;
    }

    /// Takes a part of an answer; true where it brought anything.
    pub(super) fn take(&mut self, part: &[u8]) -> bool {
        let known = self.read.saturating_sub(self.come);
        self.come += part.len();
        let new = part.get(known..).unwrap_or_default();
        self.lines.take(new);
        self.read = self.read.max(self.come);
        !new.is_empty()
    }

    /// What came since this was asked last; with what has no end yet, where nothing more comes.
    pub(super) fn piece(&mut self, goes_on: bool, over: bool) -> LogPiece {
        let raw = if over { self.lines.all() } else { self.lines.whole() };
        let lines = raw.iter().filter_map(|raw| self.line(raw)).collect();
        LogPiece { lines, goes_on, cut: !goes_on && self.lines.is_cut(), over }
    }

    /// One line; `None` for one that is nothing to people: a mark, and what erases it.
    fn line(&mut self, raw: &str) -> Option<Line> {
        let (at, text) = timed(raw);
        let text = shown(text);
        if let Some(mark) = text.strip_prefix(BEGINS) {
            self.depth += 1;
            (self.heads, self.began) = (true, moment(mark).or(at));
            return None;
        }
        let erases = std::mem::take(&mut self.ended) && text.is_empty();
        if text.starts_with(ENDS) {
            (self.depth, self.ended) = (self.depth.saturating_sub(1), true);
        }
        if erases || self.ended {
            return None;
        }
        if std::mem::take(&mut self.heads) {
            return Some(Line { at: at.or(self.began), mark: Mark::Group, grouped: self.depth > 1, text });
        }
        let mark = match &text {
            text if text.starts_with(PROMPT) => Mark::Command,
            text if text.starts_with("ERROR: ") => Mark::Error,
            text if text.starts_with("WARNING: ") => Mark::Warning,
            _ => Mark::Plain,
        };
        Some(Line { at, mark, grouped: self.depth > 0, text })
    }
}

/// `1560896352:build[collapsed=true]`: when a section began.
fn moment(mark: &str) -> Option<Timestamp> {
    Timestamp::from_timestamp(mark.split(':').next()?.parse().ok()?, 0)
}

/// `2026-03-10T10:12:00.000000Z 00O text`: when a line came, by which stream, and whether it goes on the one before.
fn timed(raw: &str) -> (Option<Timestamp>, &str) {
    let parts = || {
        let (time, rest) = raw.split_once(' ')?;
        let at = time.ends_with('Z').then(|| chrono::DateTime::parse_from_rfc3339(time).ok()).flatten()?;
        let (stream, text) = rest.split_at_checked(3)?;
        let is_stream = stream.ends_with(['O', 'E']) && stream.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        let text = text.strip_prefix('+').or_else(|| text.strip_prefix(' ')).unwrap_or(text);
        is_stream.then(|| (Some(at.to_utc()), text))
    };
    parts().unwrap_or((None, raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn line(at: Option<Timestamp>, mark: Mark, grouped: bool, text: &str) -> Line {
        Line { at, mark, grouped, text: text.to_owned() }
    }

    #[test]
    fn sections_are_headings_with_a_time_and_marks_are_nothing_to_people() {
        let text = "\u{1b}[0KRunning with gitlab-runner 18.5\r\n\
                    section_start:1773137520:build[collapsed=true]\r\u{1b}[0KBuild it\r\n\
                    \u{1b}[32;1m$ make\u{1b}[0;m\nmade\n\
                    section_end:1773137560:build\r\u{1b}[0K\
                    \u{1b}[31;1mERROR: Job failed: exit code 1\u{1b}[0;m\n";
        let mut log = Log::new(99);
        assert!(log.take(text.as_bytes()));
        let expected = [
            line(None, Mark::Plain, false, "Running with gitlab-runner 18.5"),
            line(Some(at("2026-03-10T10:12:00Z")), Mark::Group, false, "Build it"),
            line(None, Mark::Command, true, "$ make"),
            line(None, Mark::Plain, true, "made"),
            line(None, Mark::Error, false, "ERROR: Job failed: exit code 1"),
        ];
        assert_eq!(log.piece(false, true).lines, expected);
    }

    #[test]
    fn a_runner_that_tells_times_tells_them_of_each_line() {
        let text = "2026-03-10T10:12:00.000000Z 00O section_start:1773137520:build\r\u{1b}[0KBuild\n\
                    2026-03-10T10:12:01.500000Z 01E no such file\n\
                    2026-03-10T10:12:02.000000Z 00O+and on\n\
                    2026 is no time\n";
        let mut log = Log::new(99);
        log.take(text.as_bytes());
        let expected = [
            line(Some(at("2026-03-10T10:12:00Z")), Mark::Group, false, "Build"),
            line(Some(at("2026-03-10T10:12:01.5Z")), Mark::Plain, true, "no such file"),
            line(Some(at("2026-03-10T10:12:02Z")), Mark::Plain, true, "and on"),
            line(None, Mark::Plain, true, "2026 is no time"),
        ];
        assert_eq!(log.piece(false, true).lines, expected);
    }

    #[test]
    fn what_was_read_is_passed_over_however_the_answer_is_cut() {
        let words = |piece: LogPiece| piece.lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
        for size in 1..8 {
            let mut log = Log::new(99);
            let answer = |log: &mut Log, text: &str| {
                log.begin();
                text.as_bytes().chunks(size).fold(false, |came, part| log.take(part) | came)
            };
            assert!(answer(&mut log, "one\ntw"));
            assert_eq!(words(log.piece(false, false)), ["one"]);
            assert!(!answer(&mut log, "one\ntw"));
            assert!(answer(&mut log, "one\ntwo\nthree"));
            assert_eq!(words(log.piece(true, false)), ["two"]);
            assert!(!answer(&mut log, "one"), "erased meanwhile: nothing is told twice");
            assert_eq!(words(log.piece(true, true)), ["three"]);
        }
    }

    #[test]
    fn of_a_long_log_the_last_lines_are_told() {
        let mut log = Log::new(2);
        log.take(b"one\ntwo\nthree\n");
        let piece = log.piece(false, true);
        assert_eq!((piece.lines.len(), piece.cut), (2, true));
    }
}
