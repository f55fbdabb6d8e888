//! Logs: what a build writes as a whole, as it grows, and what a stage did, step by step.
//!
//! Sources: `logText/progressiveText` of the core, whose header `X-Text-Size` says where to go on and `X-More-Data` whether more may
//! come; `wfapi/log` of pipeline-rest-api, which has the last 10 KB of one step as a piece of a web page.

use http::HeaderMap;

use crate::{
    domain::log::{Line, Mark, shown},
    port::lookup::LogPiece,
    provider::{
        http::lines::LastLines,
        jenkins::{
            api::{Stage, StepLog},
            normalize::untagged,
        },
    },
};

/// What pipelines write before what a step does.
const PIPELINE: &str = "[Pipeline] ";
/// What a shell says before a command that it runs.
const PROMPT: &str = "+ ";

/// The log of a whole build, as far as it was read.
#[derive(Debug)]
pub(super) struct Console {
    lines: LastLines,
    /// The byte from which on it is to be read; nothing was yet where it is `None`.
    next: Option<u64>,
    over: bool,
}

impl Console {
    /// Keeps so many lines of what is read at first.
    pub(super) fn new(most: usize) -> Self {
        Self { lines: LastLines::new(most), next: None, over: false }
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.next
    }

    /// Takes an answer; true where it brought anything.
    pub(super) fn take(&mut self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let came = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let end = header("x-text-size").and_then(|size| size.parse::<u64>().ok());
        let end = end.unwrap_or_else(|| self.next.unwrap_or(0).saturating_add(came));
        if self.next.is_some_and(|next| end < next) {
            // It was begun anew, and sent from its begin.
            self.lines.all();
        }
        self.lines.take(body);
        if self.next.is_none() && end > came {
            // Only the end was sent: it begins with half a line.
            self.lines.drop_first();
        }
        self.next = Some(end);
        self.over = !header("x-more-data").is_some_and(|more| more.eq_ignore_ascii_case("true"));
        came > 0
    }

    /// What came since this was asked last; with what has no end yet, where nothing more comes.
    pub(super) fn piece(&mut self, goes_on: bool) -> LogPiece {
        let raw = if self.over { self.lines.all() } else { self.lines.whole() };
        let lines = raw.iter().map(|raw| line(raw)).collect();
        LogPiece { lines, goes_on, cut: !goes_on && self.lines.is_cut(), over: self.over }
    }
}

fn line(raw: &str) -> Line {
    let text = shown(raw);
    let mark = if text.starts_with(PIPELINE) {
        Mark::Debug
    } else if text.starts_with(PROMPT) {
        Mark::Command
    } else if text.starts_with("ERROR: ") {
        Mark::Error
    } else {
        Mark::Plain
    };
    Line { at: None, mark, grouped: false, text }
}

/// The last lines of what the steps of a stage wrote, each below its name.
pub(super) fn stage(steps: &[(&Stage, StepLog)], most: usize, over: bool) -> LogPiece {
    let mut lines = Vec::new();
    let mut cut = false;
    for (step, log) in steps {
        let name = shown(step.name.as_deref().unwrap_or("step"));
        lines.push(Line { at: step.start_time_millis, mark: Mark::Group, grouped: false, text: name });
        let text = text_of(log.text.as_deref().unwrap_or_default());
        cut |= log.has_more == Some(true);
        lines.extend(text.lines().map(|raw| Line { grouped: true, ..line(raw) }));
    }
    last(lines, most, cut, over)
}

/// The last lines of a text that came whole.
pub(super) fn whole(text: &str, most: usize, over: bool) -> LogPiece {
    last(text.lines().map(line).collect(), most, false, over)
}

fn last(mut lines: Vec<Line>, most: usize, cut: bool, over: bool) -> LogPiece {
    let left_out = lines.len().saturating_sub(most);
    lines.drain(..left_out);
    LogPiece { lines, goes_on: false, cut: cut || left_out > 0, over }
}

/// The text of a piece of a web page: without its tags, and with the characters that it names.
fn text_of(markup: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#039;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(untagged(markup, ""), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(size: u64, more: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-text-size", size.into());
        if more {
            headers.insert("x-more-data", "true".parse().unwrap());
        }
        headers
    }

    fn words(piece: &LogPiece) -> Vec<&str> {
        piece.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_log_goes_on_where_it_ended_and_what_has_no_end_yet_waits_for_it() {
        let mut log = Console::new(10);
        assert!(log.take(&headers(12, true), b"[Pipeline] sh"[..12].as_ref()));
        assert_eq!((words(&log.piece(false)), log.next()), (vec![], Some(12)));
        assert!(log.take(&headers(20, true), b"h\n+ make"));
        assert_eq!(words(&log.piece(true)), ["[Pipeline] sh"]);
        assert!(!log.take(&headers(20, false), b""));
        let piece = log.piece(true);
        assert_eq!((words(&piece), piece.lines[0].mark, piece.over), (vec!["+ make"], Mark::Command, true));
    }

    #[test]
    fn of_a_long_log_the_end_is_kept_without_half_a_line() {
        let mut log = Console::new(10);
        log.take(&headers(1_000, false), b"alf a line\nERROR: no\nFinished: FAILURE\n");
        let piece = log.piece(false);
        assert_eq!((words(&piece), piece.cut, piece.over), (vec!["ERROR: no", "Finished: FAILURE"], true, true));
        assert_eq!(piece.lines[0].mark, Mark::Error);
    }

    #[test]
    fn what_steps_wrote_stands_below_their_names_as_text() {
        let step = |name: &str| Stage { name: Some(name.to_owned()), ..Stage::default() };
        let log = |text: &str| StepLog { text: Some(text.to_owned()), ..StepLog::default() };
        let (one, other) = (step("Git"), step("Shell Script"));
        let steps =
            [(&one, log("<span class=\"x\">a &lt; b &amp;&amp; c</span>\n")), (&other, log("1 < 2\n\u{1b}[31mred\n"))];
        let piece = stage(&steps, 100, true);
        let shown: Vec<_> = piece.lines.iter().map(|line| (line.mark, line.text.as_str())).collect();
        let plain = Mark::Plain;
        assert_eq!(
            shown,
            [
                (Mark::Group, "Git"),
                (plain, "a < b && c"),
                (Mark::Group, "Shell Script"),
                (plain, "1 < 2"),
                (plain, "red")
            ]
        );
        let few = stage(&steps, 2, true);
        assert_eq!((words(&few), few.cut), (vec!["1 < 2", "red"], true));
    }
}
