//! What a version writes: log lines, how bad each says it is, and the patterns that many of them share. Where lines come from and
//! how patterns are found do not live here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::domain::{text::clean, time::Timestamp};

/// Characters of a line that are kept: a line may hold a whole file.
pub const LONGEST: usize = 16 << 10;
/// Bytes of a line in which its level is looked for.
const HEAD: usize = 160;

/// How bad a line says it is; the worst last. A line that does not say has none: that is not "fine".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What may go wrong.
    Warn,
    /// What went wrong.
    Error,
    /// What ended the program, or should have.
    Fatal,
}

impl Level {
    /// All of them, the least first.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The least that is shown after this one, as a key goes through them: everything, what may go wrong, what went wrong.
    pub fn next_least(least: Option<Self>) -> Option<Self> {
        match least {
            None => Some(Self::Warn),
            Some(Self::Warn) => Some(Self::Error),
            Some(_) => None,
        }
    }

    /// The level that a word names, as loggers write it: `WARNING`, `err`, `critical`.
    pub fn named(word: &str) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
        Some(match () {
            () if is(&["trace", "trc"]) => Self::Trace,
            () if is(&["debug", "dbg"]) => Self::Debug,
            () if is(&["info", "inf", "information", "notice"]) => Self::Info,
            () if is(&["warn", "warning", "wrn"]) => Self::Warn,
            () if is(&["error", "err", "eror"]) => Self::Error,
            () if is(&["fatal", "critical", "crit", "panic", "alert", "emerg", "emergency"]) => Self::Fatal,
            () => return None,
        })
    }

    /// The level that a line names near its begin: `level=warn`, `"level":"error"`, `ERROR …`, `[warn] …`. A word in small letters
    /// counts only where it is said to be the level, for `no error` is none.
    pub fn of(text: &str) -> Option<Self> {
        let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or(text);
        let mut keyed = false;
        for word in head.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
            if let Some(level) = Self::named(word)
                && (keyed || word.chars().all(|c| c.is_ascii_uppercase()) || head.contains(&format!("[{word}]")))
            {
                return Some(level);
            }
            keyed = ["level", "lvl", "severity", "loglevel"].iter().any(|key| word.eq_ignore_ascii_case(key));
        }
        None
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written, as its source tells; to the nanosecond where that does.
    pub at: Timestamp,
    /// What its source calls the version that wrote it; empty where it does not say.
    pub version: String,
    /// The pod; empty where the source does not say.
    pub pod: String,
    /// How bad it says it is.
    pub level: Option<Level>,
    /// The line: printable text.
    pub text: String,
    /// What its source keeps beside it: `trace_id`, `order`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl LogLine {
    /// A line of foreign text. One that is too long ends with how long it was.
    pub fn new(at: Timestamp, text: &str) -> Self {
        let text = printable(text);
        let (version, pod, fields) = (String::new(), String::new(), BTreeMap::new());
        Self { at, version, pod, level: Level::of(&text), text, fields }
    }

    /// Does it say this, in any letters? An empty text is said by every line.
    pub fn says(&self, text: &str) -> bool {
        let wanted = text.to_lowercase();
        let within = |said: &str| said.to_lowercase().contains(&wanted);
        wanted.is_empty() || within(&self.text) || self.fields.values().any(|value| within(value))
    }

    /// Is it at least so bad? One that does not say may be.
    pub fn is_at_least(&self, level: Option<Level>) -> bool {
        level.is_none_or(|least| self.level.is_none_or(|own| own >= least))
    }
}

/// Printable text of a line, cut where it is too long.
fn printable(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    match text.char_indices().nth(LONGEST) {
        None => clean(text),
        Some((end, _)) => format!("{} … ({} bytes)", clean(text.get(..end).unwrap_or_default()), text.len()),
    }
}

/// A span of time: what began after `from` and not after `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its begin, which does not belong to it.
    pub from: Timestamp,
    /// Its end, which does.
    pub to: Timestamp,
}

impl Span {
    /// Is all of the other one in it?
    pub fn holds(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Both as one, where nothing lies between them.
    pub fn joined(&self, other: &Self) -> Option<Self> {
        let touch = self.from <= other.to && other.from <= self.to;
        touch.then(|| Self { from: self.from.min(other.from), to: self.to.max(other.to) })
    }
}

/// What many lines have in common, and how many of which version there were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// The how-manieth pattern it is that was found; never another one's.
    pub number: u32,
    /// The words that its lines share; `<*>` where they differ.
    pub text: String,
    /// The worst that one of them said it is.
    pub level: Option<Level>,
    /// One of its lines.
    pub example: String,
    /// Its first line that was seen.
    pub first: Timestamp,
    /// Its last.
    pub last: Timestamp,
    /// How many, by version as the source calls it, and by the end of the interval in which they were written.
    pub counts: BTreeMap<String, BTreeMap<Timestamp, u64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_where_a_line_says_it_and_not_where_it_only_speaks_of_one() {
        for (text, level) in [
            ("level=warn ts=1 msg=x", Some(Level::Warn)),
            (r#"{"level": "error", "msg": "declined"}"#, Some(Level::Error)),
            (r#"{"ts":1,"severity":"CRITICAL"}"#, Some(Level::Fatal)),
            ("2026-03-10 ERROR card vault timeout", Some(Level::Error)),
            ("[info] started", Some(Level::Info)),
            ("no error was found", None),
            ("INFORMAL", None),
            ("", None),
        ] {
            assert_eq!(Level::of(text), level, "{text}");
        }
    }

    #[test]
    fn a_line_is_printable_text_whatever_was_written() {
        let line = |text: &str| LogLine::new(Timestamp::UNIX_EPOCH, text).text;
        assert_eq!(line("a\u{1b}[31mred\u{1b}[0m\0\u{202e}b\r\n"), "aredb");
        assert_eq!(line(&String::from_utf8_lossy(b"bad \xff byte")), "bad \u{fffd} byte");
        let long = "x".repeat(1 << 20);
        let kept = line(&long);
        assert_eq!(kept, format!("{} … (1048576 bytes)", "x".repeat(LONGEST)));
    }

    #[test]
    fn a_line_is_found_by_what_it_says_in_any_letters_and_by_its_fields() {
        let mut line = LogLine::new(Timestamp::UNIX_EPOCH, "Card VAULT timeout");
        line.fields.insert("trace".to_owned(), "4f2A".to_owned());
        for (text, found) in [("vault", true), ("", true), ("4f2a", true), ("order", false)] {
            assert_eq!(line.says(text), found, "{text}");
        }
    }

    #[test]
    fn a_line_that_does_not_say_how_bad_it_is_is_never_left_out() {
        let line = |text| LogLine::new(Timestamp::UNIX_EPOCH, text);
        let at_least = |text, level| line(text).is_at_least(level);
        assert!(at_least("plain", Some(Level::Error)) && at_least("ERROR x", Some(Level::Error)));
        assert!(!at_least("INFO x", Some(Level::Warn)) && at_least("INFO x", None));
    }

    #[test]
    fn spans_that_touch_are_one_and_others_are_not() {
        let at = |second| Timestamp::from_timestamp(second, 0).unwrap();
        let span = |from, to| Span { from: at(from), to: at(to) };
        assert_eq!(span(0, 10).joined(&span(10, 20)), Some(span(0, 20)));
        assert_eq!(span(0, 10).joined(&span(11, 20)), None);
        assert!(span(0, 10).holds(&span(0, 10)) && !span(0, 10).holds(&span(5, 11)));
    }
}
