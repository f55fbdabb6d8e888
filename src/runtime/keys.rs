//! From the terminal's key events to chords. The only place where the two meet.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::keymap::chord::{Chord, Key};

/// The chord of a key event; `None` for releases and for keys that the keymap has no word for.
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
        _ => return None,
    };
    let with = |modifier| event.modifiers.contains(modifier);
    Some(Chord { key, ctrl: with(KeyModifiers::CONTROL), alt: with(KeyModifiers::ALT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_chords_that_people_write() {
        let table = [
            (KeyCode::Char('R'), KeyModifiers::SHIFT, Some("R")),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some("Ctrl-c")),
            (KeyCode::Char('x'), KeyModifiers::CONTROL | KeyModifiers::ALT, Some("Ctrl-Alt-x")),
            (KeyCode::PageDown, KeyModifiers::NONE, Some("PageDown")),
            (KeyCode::F(1), KeyModifiers::NONE, None),
        ];
        for (code, modifiers, written) in table {
            let expected = written.map(|text| text.parse().unwrap());
            assert_eq!(chord(&KeyEvent::new(code, modifiers)), expected, "{code:?}");
        }
        let release = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(chord(&release), None);
    }
}
