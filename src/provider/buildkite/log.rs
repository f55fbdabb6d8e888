//! A job's log as it grows. Buildkite keeps it as its agent sent it: with escape sequences, with marks that say when each line came,
//! and with headings that a line of its own begins (buildkite.com/docs/pipelines/configure/managing-log-output).

use std::{ops::Range, time::Duration};

use http::{HeaderMap, StatusCode, header};

use crate::{
    domain::{
        log::{Line, Mark, shown},
        time::Timestamp,
    },
    port::lookup::LogPiece,
    provider::http::lines::LastLines,
};

/// How a mark begins: `ESC _ bk;t=1700000000000 BEL`.
const MARK: &str = "\u{1b}_bk;";
/// What a line begins with that is the heading of those behind it: open, closed, and muted.
const HEADINGS: [&str; 3] = ["--- ", "+++ ", "~~~ "];
/// A line that only says that the group before it is to be opened.
const OPENS: &str = "^^^ +++";
/// What the agent says before a command that it runs.
const PROMPT: &str = "$ ";

/// How soon more is looked for after something came, and after nothing did.
pub(super) const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];

/// A log, as far as it was read.
#[derive(Debug)]
pub(super) struct Log {
    lines: LastLines,
    grouped: bool,
    /// Bytes of it that were read, from its begin; nothing was yet where it is `None`.
    read: Option<usize>,
}

impl Log {
    /// Keeps so many lines of what is read at first.
    pub(super) fn new(most: usize) -> Self {
        Self { lines: LastLines::new(most), grouped: false, read: None }
    }

    /// From where on it is to be read; `None` where the end of it is wanted.
    pub(super) fn place(&self) -> Option<usize> {
        self.read
    }

    /// Takes an answer; true where it brought anything. Buildkite says 416 where there is nothing from there on.
    pub(super) fn take(&mut self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            self.read.get_or_insert(0);
            return false;
        }
        let sent = sent(headers).unwrap_or(0..body.len());
        let known = self.read.unwrap_or(sent.start);
        let new = body.get(known.saturating_sub(sent.start)..).unwrap_or_default();
        self.lines.take(new);
        if self.read.is_none() && sent.start > 0 {
            // Only the end was sent: it begins with half a line.
            self.lines.drop_first();
        }
        self.read = Some(known.max(sent.end));
        !new.is_empty()
    }

    /// What came since this was asked last; with what has no end yet, where nothing more comes.
    pub(super) fn piece(&mut self, goes_on: bool, over: bool) -> LogPiece {
        let raw = if over { self.lines.all() } else { self.lines.whole() };
        let lines = raw.iter().filter_map(|raw| line(raw, &mut self.grouped)).collect();
        LogPiece { lines, goes_on, cut: !goes_on && self.lines.is_cut(), over }
    }
}

/// Which bytes were sent: `bytes 900-999/1000`.
fn sent(headers: &HeaderMap) -> Option<Range<usize>> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim().strip_prefix("bytes ")?;
    let (from, to) = range.split_once('/')?.0.split_once('-')?;
    Some(from.parse().ok()?..to.parse::<usize>().ok()?.checked_add(1)?)
}

/// One line; `None` for one that is nothing to people.
fn line(raw: &str, grouped: &mut bool) -> Option<Line> {
    let (at, text) = unmarked(raw);
    let text = shown(&text);
    if text.starts_with(OPENS) {
        return None;
    }
    if let Some(heading) = HEADINGS.iter().find_map(|sign| text.strip_prefix(sign)) {
        *grouped = true;
        return Some(Line { at, mark: Mark::Group, grouped: false, text: heading.to_owned() });
    }
    let mark = if text.starts_with(PROMPT) { Mark::Command } else { Mark::Plain };
    Some(Line { at, mark, grouped: *grouped, text })
}

/// The text without the marks, and when it came. A terminal's parser takes a mark for a sequence that ends elsewhere.
fn unmarked(raw: &str) -> (Option<Timestamp>, String) {
    let mut parts = raw.split(MARK);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    let mut at = None;
    for part in parts {
        // One that never ends ends with its line.
        let (mark, rest) = part.split_once('\u{7}').unwrap_or((part, ""));
        let millis = mark.strip_prefix("t=").and_then(|time| time.parse().ok());
        at = at.or(millis.and_then(Timestamp::from_timestamp_millis));
        kept.push_str(rest);
    }
    (at, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(log: &mut Log, range: Option<&'static str>, text: &str) -> bool {
        let range = range.map(|range| (header::CONTENT_RANGE, range.parse().unwrap()));
        log.take(StatusCode::OK, &range.into_iter().collect(), text.as_bytes())
    }

    fn words(piece: &LogPiece) -> Vec<&str> {
        piece.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn marks_say_when_a_line_came_headings_what_stands_below_and_colours_nothing() {
        let text = "\u{1b}_bk;t=1700000000000\u{7}~~~ Running\r\n\u{1b}_bk;t=1700000000001\u{7}$ make\r\n\
                    \u{1b}_bk;t=1700000000002\u{7}\u{1b}[31mred\u{1b}[0m\r\n^^^ +++\r\nlast";
        let mut log = Log::new(9);
        taken(&mut log, None, text);
        let line = |millis: Option<i64>, mark, grouped, text: &str| Line {
            at: millis.map(|millis| Timestamp::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()),
            mark,
            grouped,
            text: text.to_owned(),
        };
        let mut expected = vec![
            line(Some(0), Mark::Group, false, "Running"),
            line(Some(1), Mark::Command, true, "$ make"),
            line(Some(2), Mark::Plain, true, "red"),
        ];
        assert_eq!(log.piece(false, false).lines, expected, "what has no end yet is waited for");
        expected = vec![line(None, Mark::Plain, true, "last")];
        assert_eq!(log.piece(true, true).lines, expected);
    }

    #[test]
    fn a_mark_that_never_ends_hides_no_other_line() {
        let mut log = Log::new(9);
        taken(&mut log, None, "\u{1b}_bk;t=17 and on\nnext\n");
        assert_eq!(words(&log.piece(false, true)), ["", "next"]);
    }

    #[test]
    fn half_a_line_at_the_begin_is_left_out_and_a_whole_log_stays_whole() {
        let lines = |range, text| {
            let mut log = Log::new(9);
            taken(&mut log, range, text);
            let piece = log.piece(false, true);
            (words(&piece).join("|"), piece.cut)
        };
        assert_eq!(lines(Some("bytes 900-999/1000"), "lf\nwhole"), ("whole".into(), true));
        assert_eq!(lines(Some("bytes 0-7/8"), "one\ntwo\n"), ("one|two".into(), false));
        assert_eq!(lines(Some("bytes 9-17/18"), "half a line"), (String::new(), true));
        assert_eq!(lines(None, ""), (String::new(), false));
    }

    #[test]
    fn what_comes_later_goes_on_where_it_was_whether_or_not_the_range_is_kept_to() {
        let mut log = Log::new(9);
        assert_eq!(log.place(), None);
        assert!(taken(&mut log, None, "one\ntw"));
        assert_eq!((words(&log.piece(false, false)), log.place()), (vec!["one"], Some(6)));
        assert!(taken(&mut log, Some("bytes 6-12/13"), "o\nthree"));
        assert_eq!(words(&log.piece(true, false)), ["two"]);
        assert!(!log.take(StatusCode::RANGE_NOT_SATISFIABLE, &HeaderMap::new(), b""));
        assert!(taken(&mut log, None, "one\ntwo\nthree\nfour\n"));
        assert_eq!((words(&log.piece(true, false)), log.place()), (vec!["three", "four"], Some(19)));
    }
}
