//! Lines of a log: when each came, what it is, and its words as they may be shown.
//!
//! Logs are the most foreign text there is. Here is what becomes of it: nothing that a terminal obeys, and nothing that hides what
//! follows it. Where logs come from, and how a system marks their lines, its provider knows.

use serde::{Deserialize, Serialize};

use crate::domain::{
    line::Level,
    text::{is_unprintable, printable},
    time::Timestamp,
};

/// What a line is, where the system says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Something that a program wrote.
    #[default]
    Plain,
    /// The heading of the lines that follow.
    Group,
    /// A command that is run.
    Command,
    /// Something went wrong.
    Error,
    /// Something may be wrong.
    Warning,
    /// Something that people should read.
    Notice,
    /// Something for whoever looks for a mistake.
    Debug,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it came, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it is.
    #[serde(default)]
    pub mark: Mark,
    /// Does it stand below a heading?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grouped: bool,
    /// Its words: printable.
    pub text: String,
}

impl Line {
    /// A line of which only the words are known, as they came.
    pub fn plain(raw: &str) -> Self {
        Self { text: shown(raw), ..Self::default() }
    }

    /// Should somebody who looks for what went wrong read it? Where the system marks no error, the words decide: a guess that
    /// leads to lines and never to a verdict.
    pub fn is_trouble(&self) -> bool {
        match self.mark {
            Mark::Error => true,
            Mark::Plain | Mark::Warning | Mark::Notice => reads_like_trouble(&self.text),
            Mark::Group | Mark::Command | Mark::Debug => false,
        }
    }
}

impl Line {
    /// How bad it is, by what the system marks and else by its words; `None` where nothing says so.
    pub fn level(&self) -> Option<Level> {
        match self.mark {
            _ if self.is_trouble() => Some(Level::Error),
            Mark::Warning => Some(Level::Warn),
            _ => None,
        }
    }
}

/// Words that stand in lines about what went wrong.
const TROUBLE: [&str; 14] = [
    "error",
    "errors",
    "failed",
    "fails",
    "failure",
    "failures",
    "fatal",
    "panic",
    "panicked",
    "exception",
    "traceback",
    "segfault",
    "oomkilled",
    "critical",
];
/// What before such a word says that nothing did.
const NONE: [&str; 4] = ["0", "no", "zero", "without"];

fn reads_like_trouble(text: &str) -> bool {
    let mut before = "";
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
        let is = |all: &[&str], word: &str| all.iter().any(|one| word.eq_ignore_ascii_case(one));
        if is(&TROUBLE, word) && !is(&NONE, before) {
            return true;
        }
        before = word;
    }
    false
}

/// The text of a line as it may be shown. Escape sequences that end are left out whole; one that does not end is seen as a control,
/// so that it hides nothing behind it, and so is every other control: a NUL, a bell. What takes no cell or turns others around is
/// left out.
pub fn shown(text: &str) -> String {
    if !text.contains('\u{1b}') {
        return tidied(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once('\u{1b}') {
        kept.push_str(before);
        rest = if let Some(length) = sequence(escaped) {
            escaped.get(length..).unwrap_or_default()
        } else {
            kept.push(char::REPLACEMENT_CHARACTER);
            escaped
        };
    }
    kept.push_str(rest);
    tidied(&kept)
}

fn tidied(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    if !text.contains(|c: char| c.is_control() || is_unprintable(c)) {
        return text.to_owned();
    }
    printable(text).replace(['\t', '\n'], " ")
}

/// How long the escape sequence is that begins here, behind the escape; `None` where it never ends (ECMA-48, section 5.4 and 5.6).
fn sequence(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, first) = chars.next()?;
    match first {
        // CSI: parameters, then one final byte.
        '[' => {
            let (end, last) = chars.find(|(_, c)| !('\u{20}'..='\u{3f}').contains(c))?;
            ('\u{40}'..='\u{7e}').contains(&last).then(|| end + last.len_utf8())
        }
        // OSC, DCS, APC, PM, SOS: text, up to a string terminator; xterm takes a bell for one.
        ']' | 'P' | '_' | '^' | 'X' => {
            let (end, last) = chars.find(|(_, c)| matches!(c, '\u{7}' | '\u{1b}'))?;
            match last {
                '\u{7}' => Some(end + 1),
                _ => text.get(end + 1..)?.starts_with('\\').then_some(end + 2),
            }
        }
        // Intermediates, then one final byte.
        ' '..='/' => {
            let (end, last) = chars.find(|(_, c)| !(' '..='/').contains(c))?;
            ('0'..='~').contains(&last).then(|| end + 1)
        }
        '0'..='~' => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_and_nothing_is_hidden() {
        let table = [
            ("plain text ✔ 支付", "plain text ✔ 支付"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;196;1mred\u{1b}[m and \u{1b}[2Kmore", "red and more"),
            ("link \u{1b}]8;;https://x.test\u{1b}\\here\u{1b}]8;;\u{7} end", "link here end"),
            ("\u{1b}]0;never ended ERROR", "�]0;never ended ERROR"),
            ("\u{1b}]0;a\u{1b}[31mb", "�]0;ab"),
            ("\u{1b}[31", "�[31"),
            ("\u{1b}", "�"),
            ("\u{1b}(Bcharset \u{1b}7saved", "charset saved"),
            ("nul \0 bell \u{7} c1 \u{9b}2J", "nul � bell � c1 �2J"),
            ("tab\there\r\n", "tab here"),
            ("bidi \u{202e}txt\u{200b}", "bidi txt"),
            ("\u{1b}ünknown", "�ünknown"),
        ];
        for (raw, wanted) in table {
            assert_eq!(shown(raw), wanted, "{raw:?}");
        }
    }

    #[test]
    fn lines_about_what_went_wrong_are_found_by_mark_or_by_word() {
        let plain = |text: &str| Line::plain(text).is_trouble();
        for text in [
            "error: cannot find it",
            "thread 'main' panicked at src/x.rs",
            "1 of 214 tests failed: it refuses",
            "java.lang.IllegalStateException: x Exception",
            "FATAL password",
            "✖ settles_twice FAILED",
        ] {
            assert!(plain(text), "{text}");
        }
        for text in
            ["test result: ok. 5 passed; 0 failed", "no errors", "errors_total=0", "terror", "Compiling error_code"]
        {
            assert!(!plain(text), "{text}");
        }
        let marked =
            |mark| Line { mark, text: "Process completed with exit code 1.".into(), ..Line::default() }.is_trouble();
        assert!(marked(Mark::Error) && !marked(Mark::Plain));
        let heading = Line { mark: Mark::Group, text: "Failed tests".into(), ..Line::default() };
        assert!(!heading.is_trouble());
    }

    proptest::proptest! {
        #[test]
        fn no_line_holds_a_control_whatever_it_was(text in ".*", raw in proptest::collection::vec(0_u8..=255, 0..200)) {
            for input in [text, String::from_utf8_lossy(&raw).into_owned()] {
                let kept = shown(&input);
                proptest::prop_assert!(!kept.chars().any(|c| c.is_control() || is_unprintable(c)), "{kept:?}");
                proptest::prop_assert_eq!(shown(&kept), kept);
            }
        }
    }
}
