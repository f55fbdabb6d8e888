//! Escape sequences, one small type each. Whatever text goes into one is cleaned first.

use std::fmt;

use crate::domain::text;

/// Takes the screen: the alternate one, no cursor, pasted text marked as such, the title kept for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeScreen;

impl fmt::Display for TakeScreen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\x1b[?1049h\x1b[22;2t\x1b[?2004h\x1b[?25l")
    }
}

/// Gives the screen back, whatever was being written when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GiveBackScreen;

impl fmt::Display for GiveBackScreen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EndFrame}\x1b[0m\x1b[?2004l\x1b[23;2t\x1b[?25h\x1b[?1049l")
    }
}

/// Begins a synchronized update (DEC mode 2026): a terminal that knows it shows the frame at once, others ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginFrame;

impl fmt::Display for BeginFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\x1b[?2026h")
    }
}

/// Ends a synchronized update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndFrame;

impl fmt::Display for EndFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\x1b[?2026l")
    }
}

/// The window's title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(pub String);

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\x1b]2;{}\x1b\\", text::clean(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let (taken, given) = (TakeScreen.to_string(), GiveBackScreen.to_string());
        for mode in ["1049", "2004"] {
            assert!(taken.contains(&format!("?{mode}h")) && given.contains(&format!("?{mode}l")), "{mode}");
        }
        assert!(taken.contains("?25l") && given.contains("?25h"));
        assert!(given.starts_with("\x1b[?2026l"), "a frame that was cut off is ended first");
    }

    #[test]
    fn a_title_cannot_break_out_of_its_sequence() {
        assert_eq!(Title("a\x1b\\\x1b[2Jb\u{7}".to_owned()).to_string(), "\x1b]2;ab\x1b\\");
    }
}
