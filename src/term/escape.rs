//! Escape sequences, one small type each. Whatever text goes into one is cleaned first.

use std::fmt;

use crossterm::{Command, clipboard::CopyToClipboard};

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

/// Asks for the colour of the background (OSC 11); [`crate::term::background`] hears the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskBackground;

impl fmt::Display for AskBackground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\x1b]11;?\x1b\\")
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

/// What follows is a link to this address (OSC 8), until [`EndLink`]. A terminal without links shows the text alone. Only
/// printable ASCII goes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginLink(pub String);

impl fmt::Display for BeginLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address: String = self.0.chars().filter(char::is_ascii_graphic).collect();
        // One name for all pieces of it, so that a terminal shows them as one link where it is broken over lines.
        write!(f, "\x1b]8;id=holdshort;{address}\x1b\\")
    }
}

/// Ends a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndLink;

impl fmt::Display for EndLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\x1b]8;;\x1b\\")
    }
}

/// Hands a text to the clipboard (OSC 52). A terminal that does not know it, or may not, does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy(pub String);

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CopyToClipboard::to_clipboard_from(text::clean(&self.0)).write_ansi(f)
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
    fn an_address_cannot_break_out_of_its_link_nor_a_text_out_of_the_clipboard() {
        let link = BeginLink("https://a/\x1b\\\x07b c".to_owned()).to_string();
        assert_eq!((link.as_str(), link.matches('\x1b').count()), ("\x1b]8;id=holdshort;https://a/\\bc\x1b\\", 2));
        assert_eq!(Copy("https://a/\x1b[2J".to_owned()).to_string(), "\x1b]52;c;aHR0cHM6Ly9hLw==\x1b\\");
    }

    #[test]
    fn a_title_cannot_break_out_of_its_sequence() {
        assert_eq!(Title("a\x1b\\\x1b[2Jb\u{7}".to_owned()).to_string(), "\x1b]2;ab\x1b\\");
    }
}
