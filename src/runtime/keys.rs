//! From the terminal's key events to chords, and whether a hand pressed them. The only place where the two meet.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::time::Instant;

use crate::{
    app::drawn::Press,
    keymap::chord::{Chord, Key},
};

/// No hand presses two keys within less.
const HAND: Duration = Duration::from_millis(20);
/// So long after a key the input is looked at again: surely later than [`HAND`] after it, whatever a timer rounds.
pub(super) const LOOK: Duration = Duration::from_millis(25);
/// The same key again within this may be one that is held down: the longest usual delay before a key repeats.
const HELD: Duration = Duration::from_millis(700);

/// Tells keys of a hand from pasted ones and from one that is held down.
///
/// A terminal that does not mark pastes hands them over as keys, all at once. When a key is taken says little about when it was
/// pressed: it may have waited while a frame went over a slow line. That nothing waited at a moment after the key before was
/// taken is what is known, so keys count as pressed apart only as far as that moment lies behind.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    /// The newest key (none for a paste that was marked), and when it was taken.
    newest: Option<(Option<Chord>, Instant)>,
    /// When the input was last seen empty since then.
    empty: Option<Instant>,
}

impl Rhythm {
    /// The input was looked at and nothing waited.
    pub(super) fn nothing_waits(&mut self, now: Instant) {
        self.empty = Some(now);
    }

    /// A paste was taken: what follows at once belongs to it.
    pub(super) fn pasted(&mut self, now: Instant) {
        (self.newest, self.empty) = (Some((None, now)), None);
    }

    /// A key was taken: how did it come in?
    pub(super) fn key(&mut self, chord: Chord, kind: KeyEventKind, now: Instant) -> Press {
        let before = self.newest.replace((Some(chord), now));
        let empty = self.empty.take();
        let Some((last, taken)) = before else { return Press::Hand };
        let apart = empty.map_or(Duration::ZERO, |empty| empty.saturating_duration_since(taken));
        if apart < HAND {
            Press::Burst
        } else if kind == KeyEventKind::Repeat || (last == Some(chord) && now.saturating_duration_since(taken) < HELD) {
            Press::Held
        } else {
            Press::Hand
        }
    }
}

/// The chord of a key event; `None` for releases and for keys that the keymap has no word for: those that only hold others.
pub fn chord(event: &KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Insert => Key::Insert,
        KeyCode::Delete => Key::Delete,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::F(number) => Key::Function(number),
        _ => return None,
    };
    let with = |modifier| event.modifiers.contains(modifier);
    Some(Chord { key, ctrl: with(KeyModifiers::CONTROL), alt: with(KeyModifiers::ALT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(c: char) -> Chord {
        Chord::plain(Key::Char(c))
    }

    /// Takes keys, each so many milliseconds after the one before, the input seen empty so many after the one before.
    fn came(keys: &[(char, u64, Option<u64>)]) -> Vec<Press> {
        let (mut rhythm, mut now) = (Rhythm::default(), Instant::now());
        let each = keys.iter().map(|&(c, after, empty)| {
            if let Some(empty) = empty {
                rhythm.nothing_waits(now + Duration::from_millis(empty));
            }
            now += Duration::from_millis(after);
            rhythm.key(press(c), KeyEventKind::Press, now)
        });
        each.collect()
    }

    #[test]
    fn keys_that_may_have_come_together_are_a_burst_however_late_they_are_taken() {
        assert_eq!(came(&[('r', 0, None), ('1', 0, None)]), [Press::Hand, Press::Burst]);
        // A frame on a slow line lay between; nobody saw the input empty.
        assert_eq!(came(&[('r', 0, None), ('1', 900, None)]), [Press::Hand, Press::Burst]);
        assert_eq!(came(&[('r', 0, None), ('1', 900, Some(10))]), [Press::Hand, Press::Burst]);
        assert_eq!(came(&[('r', 0, None), ('1', 40, Some(20))]), [Press::Hand, Press::Hand]);
        let paste = came(&[('a', 0, None), ('1', 1, Some(0)), ('b', 1, Some(1)), ('2', 300, Some(299))]);
        assert_eq!(paste, [Press::Hand, Press::Burst, Press::Burst, Press::Hand]);
    }

    #[test]
    fn the_same_key_again_within_the_delay_of_a_keyboard_is_held_down() {
        let held = came(&[('h', 0, None), ('h', 660, Some(650)), ('h', 33, Some(32)), ('h', 800, Some(700))]);
        assert_eq!(held, [Press::Hand, Press::Held, Press::Held, Press::Hand]);
        let (mut rhythm, now) = (Rhythm::default(), Instant::now());
        rhythm.key(press('h'), KeyEventKind::Press, now);
        rhythm.nothing_waits(now + HELD);
        assert_eq!(rhythm.key(press('h'), KeyEventKind::Repeat, now + HELD), Press::Held, "the terminal says so");
    }

    #[test]
    fn what_follows_a_marked_paste_at_once_belongs_to_it() {
        let (mut rhythm, now) = (Rhythm::default(), Instant::now());
        rhythm.pasted(now);
        assert_eq!(rhythm.key(press('1'), KeyEventKind::Press, now + HAND), Press::Burst);
    }

    #[test]
    fn keys_are_the_chords_that_people_write() {
        let table = [
            (KeyCode::Char('R'), KeyModifiers::SHIFT, Some("R")),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some("Ctrl-c")),
            (KeyCode::Char('x'), KeyModifiers::CONTROL | KeyModifiers::ALT, Some("Ctrl-Alt-x")),
            (KeyCode::PageDown, KeyModifiers::NONE, Some("PageDown")),
            (KeyCode::F(1), KeyModifiers::NONE, Some("F1")),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some("BackTab")),
            (KeyCode::CapsLock, KeyModifiers::NONE, None),
        ];
        for (code, modifiers, written) in table {
            let expected = written.map(|text| text.parse().unwrap());
            assert_eq!(chord(&KeyEvent::new(code, modifiers)), expected, "{code:?}");
        }
        let release = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(chord(&release), None);
    }
}
