//! A chord: one key with its modifiers, and how it is written.

use std::{fmt, str::FromStr};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A printable character, as it arrives: `R` is shift and r.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
    /// Tab.
    Tab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// Delete.
    Delete,
    /// Tab with shift.
    BackTab,
    /// A function key, by its number.
    Function(u8),
}

/// The named keys, as they are written.
const NAMED: [(&str, Key); 16] = [
    ("Space", Key::Char(' ')),
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Backspace", Key::Backspace),
    ("Tab", Key::Tab),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Insert", Key::Insert),
    ("Delete", Key::Delete),
    ("BackTab", Key::BackTab),
];

/// How many function keys a terminal can tell.
const FUNCTIONS: u8 = 24;

/// `F5` of its number.
fn function(text: &str) -> Option<Key> {
    let number = text.strip_prefix('F').filter(|number| !number.starts_with('0'))?.parse().ok()?;
    (1..=FUNCTIONS).contains(&number).then_some(Key::Function(number))
}

/// One key with its modifiers. Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// With control.
    pub ctrl: bool,
    /// With alt.
    pub alt: bool,
}

impl Chord {
    /// The key alone.
    pub fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false }
    }
}

/// Text that is not a chord.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a key")]
pub struct NotAChord(String);

impl FromStr for Chord {
    type Err = NotAChord;

    fn from_str(text: &str) -> Result<Self, NotAChord> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("Ctrl-").filter(|after| !after.is_empty()) {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("Alt-").filter(|after| !after.is_empty()) {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Key::Char(c),
            _ => {
                let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, key)| *key);
                named.or_else(|| function(rest)).ok_or_else(|| NotAChord(text.to_owned()))?
            }
        };
        Ok(Self { key, ctrl, alt })
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ctrl = if self.ctrl { "Ctrl-" } else { "" };
        let alt = if self.alt { "Alt-" } else { "" };
        let named = NAMED.iter().find(|(_, key)| *key == self.key).map(|(name, _)| (*name).to_owned());
        let key = match (named, self.key) {
            (Some(name), _) => name,
            (None, Key::Char(c)) => c.to_string(),
            (None, Key::Function(number)) => format!("F{number}"),
            (None, _) => String::new(),
        };
        f.pad(&format!("{ctrl}{alt}{key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_reads_back_what_it_prints() {
        for text in [
            "j",
            "R",
            "Ctrl-c",
            "Ctrl-Alt-x",
            "Enter",
            "Space",
            "PageDown",
            "F5",
            "Ctrl-F12",
            "BackTab",
            "-",
            "Ctrl--",
            "/",
            "?",
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), text);
        }
        for text in ["", "ab", "Hyper-x", "Ctrl-", "\u{7}", "F0", "F05", "F99"] {
            assert!(text.parse::<Chord>().is_err(), "{text:?}");
        }
    }
}
