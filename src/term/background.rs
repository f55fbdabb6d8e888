//! Which background the terminal has: the question, and its answer taken out of what comes in as keys.
//!
//! Nobody waits for it. crossterm knows no answer of this kind and hands it over as keys (`Alt-]`, `1`, `1`, `;`, `r` …), however
//! late a slow line brings it; here those are told from what a person presses, and none of them reaches the cockpit.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The beginnings that an answer has (xterm's `OSC 11`): with and without transparency.
const BEGINS: [&str; 2] = ["11;rgb:", "11;rgba:"];
/// The longest of them: four colours of four digits.
const LONGEST: usize = "11;rgba:ffff/ffff/ffff/ffff".len();

/// What one event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing of an answer: somebody's.
    Passed,
    /// A piece of the answer.
    Taken,
    /// Its end: is the background light? `None` where it cannot be read.
    Told(Option<bool>),
}

/// Takes the answer out of the events of a terminal that was asked.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What came of it so far.
    text: Option<String>,
    /// The last event was the escape key, or an answer that was cut behind its first byte.
    escaped: bool,
    /// It has come.
    told: bool,
}

impl Answer {
    /// Takes in one event.
    pub fn hear(&mut self, event: &Event) -> Heard {
        let Event::Key(key) = event else { return Heard::Passed };
        if self.told || key.kind == KeyEventKind::Release {
            return Heard::Passed;
        }
        let escaped = std::mem::replace(&mut self.escaped, key.code == KeyCode::Esc);
        let alt = |c| is(key, c, KeyModifiers::ALT) || (escaped && is(key, c, KeyModifiers::NONE));
        let Some(text) = &mut self.text else {
            if alt(']') {
                self.text = Some(String::new());
                return Heard::Taken;
            }
            return Heard::Passed;
        };
        match key.code {
            KeyCode::Esc => return Heard::Taken,
            _ if alt('\\') || is(key, 'g', KeyModifiers::CONTROL) => {
                self.told = true;
                return Heard::Told(is_light(text));
            }
            KeyCode::Char(c) if !key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::CONTROL) => {
                text.push(c);
                let begins = BEGINS.iter().any(|begin| begin.starts_with(text.as_str()) || text.starts_with(begin));
                if begins && text.len() <= LONGEST {
                    return Heard::Taken;
                }
            }
            _ => {}
        }
        self.text = None;
        Heard::Passed
    }
}

fn is(key: &KeyEvent, c: char, modifiers: KeyModifiers) -> bool {
    key.code == KeyCode::Char(c) && key.modifiers == modifiers
}

/// Is the colour of an answer (`11;rgb:ffff/ffff/ffff`, one to four hexadecimal digits each) nearer to white than to black?
fn is_light(answer: &str) -> Option<bool> {
    let (_, colours) = answer.split_once(':')?;
    let shares: Option<Vec<f64>> = colours.split('/').map(share).collect();
    let [red, green, blue, ..] = shares?[..] else { return None };
    // How bright each colour is to the eye (ITU-R BT.601).
    Some(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)
}

/// `80` of two digits as a share of `ff`.
fn share(digits: &str) -> Option<f64> {
    if !(1..=4).contains(&digits.len()) {
        return None;
    }
    let all = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
    Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    /// Text as crossterm hands it over: an escape makes the next key one with Alt, unless a read ends there.
    fn events(text: &str) -> Vec<Event> {
        let mut alt = KeyModifiers::NONE;
        let mut events = Vec::new();
        for c in text.chars() {
            match c {
                '\x1b' => alt = KeyModifiers::ALT,
                '\x07' => events.push(key(KeyCode::Char('g'), KeyModifiers::CONTROL)),
                '⎋' => events.push(key(KeyCode::Esc, KeyModifiers::NONE)),
                c => events.push(key(KeyCode::Char(c), std::mem::replace(&mut alt, KeyModifiers::NONE))),
            }
        }
        events
    }

    /// What is told of a text, and the characters of it that reach the cockpit.
    fn heard(text: &str) -> (Vec<Option<bool>>, String) {
        let (mut answer, mut told, mut passed) = (Answer::default(), Vec::new(), String::new());
        for event in events(text) {
            match (answer.hear(&event), event) {
                (Heard::Told(light), _) => told.push(light),
                (Heard::Passed, Event::Key(KeyEvent { code: KeyCode::Char(c), .. })) => passed.push(c),
                _ => {}
            }
        }
        (told, passed)
    }

    #[test]
    fn an_answer_says_light_or_dark_and_no_key_of_it_reaches_anybody() {
        for (text, light) in [
            ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", Some(true)),
            ("\x1b]11;rgb:fd/f6/e3\x07", Some(true)),
            ("\x1b]11;rgb:0000/0000/0000\x07", Some(false)),
            ("\x1b]11;rgb:1d1f/2021/2120\x1b\\", Some(false)),
            ("\x1b]11;rgba:ffff/ffff/ffff/ffff\x1b\\", Some(true)),
            ("⎋]11;rgb:ffff/ffff/ffff⎋\\", Some(true)),
            ("\x1b]11;rgb:ffff/ffff\x07", None),
            ("\x1b]11;rgb:ffff/ffff/xyzz\x07", None),
        ] {
            assert_eq!(heard(&format!("j{text}k")), (vec![light], "jk".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_a_persons_and_an_answer_is_taken_once() {
        assert_eq!(heard("\x1b]rjk"), (vec![], "rjk".to_owned()));
        assert_eq!(heard("j]1"), (vec![], "j]1".to_owned()));
        let twice = "\x1b]11;rgb:0/0/0\x07".repeat(2);
        assert_eq!(heard(&twice), (vec![Some(false)], "]11;rgb:0/0/0g".to_owned()));
    }
}
