//! A recording that is walked through: step by step, at a speed, to a moment, and back. Pure: how much time passed, and which key was
//! pressed, is said from outside; nothing here draws, and a replay never acts.
//!
//! Going back rebuilds the model from one that was kept on the way, so that every moment looks the same from both sides.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{
    app::{model::Model, msg::Msg},
    domain::time::Timestamp,
    keymap::chord::{Chord, Key},
    runtime::recorder::Recording,
};

/// So many messages lie between two models that are kept.
const BETWEEN: usize = 256;
/// How fast and how slow it goes at most.
const SPEEDS: (f64, f64) = (1.0 / 16.0, 1024.0);
/// A key for a longer way goes so far.
const LEAP: TimeDelta = TimeDelta::minutes(1);

/// Where somebody is in a recording.
#[derive(Debug)]
pub struct Player {
    recording: Recording,
    model: Model,
    /// So many messages were taken.
    taken: usize,
    /// Models on the way, each with how many messages were taken then.
    kept: Vec<(usize, Model)>,
    /// The time of what is shown; between two messages it is later than the last one.
    at: Timestamp,
    playing: bool,
    speed: f64,
}

impl Player {
    /// At the begin of a recording, or at a moment of it; it stands still.
    pub fn new(recording: Recording, from: Option<Timestamp>, speed: f64) -> Self {
        let model = recording.begin();
        let at = recording.header.at;
        let kept = vec![(0, model.clone())];
        let mut player = Self { recording, model, taken: 0, kept, at, playing: false, speed: held(speed) };
        match from {
            Some(from) => player.seek(from),
            // Before the first message there is nothing to see.
            None => drop(player.step()),
        }
        player
    }

    /// What was on screen then.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Does time go on?
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Lets so much of our time pass.
    pub fn pass(&mut self, span: Duration) {
        if self.playing {
            let span = span.mul_f64(self.speed);
            self.seek(
                TimeDelta::from_std(span).ok().and_then(|span| self.at.checked_add_signed(span)).unwrap_or(self.at),
            );
            self.playing = !self.is_over();
        }
    }

    /// Takes a key; false where it asks to leave.
    pub fn key(&mut self, chord: Chord) -> bool {
        match chord.key {
            Key::Char('c' | 'd') if chord.ctrl => return false,
            Key::Char('q') | Key::Esc => return false,
            Key::Char(' ') => {
                if self.is_over() && !self.playing {
                    self.seek(self.recording.header.at);
                }
                self.playing = !self.playing && !self.is_over();
            }
            Key::Right | Key::Char('l' | 'n') => drop(self.halted().step()),
            Key::Left | Key::Char('h' | 'p') => self.halted().back(),
            Key::PageDown => self.leap(LEAP),
            Key::PageUp => self.leap(-LEAP),
            Key::Home | Key::Char('g') => self.halt_at(self.recording.header.at),
            Key::End | Key::Char('G') => self.halt_at(self.end()),
            Key::Up | Key::Char('+' | 'k') => self.speed = held(self.speed * 2.0),
            Key::Down | Key::Char('-' | 'j') => self.speed = held(self.speed / 2.0),
            _ => {}
        }
        true
    }

    /// `replay 02:07:31   412 of 1900   1x   paused   q leave`: the moment, the messages taken, the speed, and as many keys as fit
    /// whole.
    pub fn line(&self, width: usize) -> String {
        let state = if self.playing {
            "playing"
        } else if self.is_over() {
            "at the end"
        } else {
            "paused"
        };
        let speed = if self.speed < 1.0 { format!("1/{}", (1.0 / self.speed).round()) } else { self.speed.to_string() };
        let (at, taken, all) = (self.at.format("%H:%M:%S"), self.taken, self.recording.messages.len());
        let mut line = format!("replay {at}   {taken} of {all}   {speed}x   {state}");
        for key in ["q leave", "Space play", "Left/Right step", "Up/Down speed", "PgUp/PgDn 1 min", "Home/End"] {
            if line.len() + 3 + key.len() <= width {
                line = format!("{line}   {key}");
            }
        }
        line
    }

    fn halted(&mut self) -> &mut Self {
        self.playing = false;
        self
    }

    fn halt_at(&mut self, to: Timestamp) {
        self.halted().seek(to);
    }

    fn end(&self) -> Timestamp {
        self.recording.messages.last().map_or(self.recording.header.at, |(at, _)| (*at).max(self.recording.header.at))
    }

    fn is_over(&self) -> bool {
        self.taken >= self.recording.messages.len()
    }

    fn leap(&mut self, by: TimeDelta) {
        let to = self.at.checked_add_signed(by).unwrap_or(self.at);
        self.seek(to.clamp(self.recording.header.at, self.end()));
    }

    /// Takes the next message, and those behind it that only tell of what was drawn. False at the end.
    fn step(&mut self) -> bool {
        let before = self.taken;
        self.take();
        while self.recording.messages.get(self.taken).is_some_and(|(_, msg)| is_silent(msg)) {
            self.take();
        }
        self.taken > before
    }

    fn take(&mut self) {
        let Some((at, msg)) = self.recording.messages.get(self.taken) else { return };
        self.at = self.at.max(*at);
        self.recording.take(&mut self.model, msg);
        self.taken += 1;
        if self.taken.is_multiple_of(BETWEEN) && self.kept.last().is_some_and(|(taken, _)| *taken < self.taken) {
            self.kept.push((self.taken, self.model.clone()));
        }
    }

    /// To before the newest message that tells anything.
    fn back(&mut self) {
        let before = self.recording.messages.get(..self.taken).unwrap_or_default();
        let told = before.iter().rposition(|(_, msg)| !is_silent(msg)).unwrap_or_default();
        self.rewind(told);
    }

    /// To a moment: everything that was taken by then.
    fn seek(&mut self, to: Timestamp) {
        let by_then = self.recording.messages.iter().take_while(|(at, _)| *at <= to).count();
        if by_then < self.taken {
            self.rewind(by_then);
        }
        while self.taken < by_then {
            self.take();
        }
        self.at = to.min(self.end());
    }

    /// To where so many messages were taken.
    fn rewind(&mut self, taken: usize) {
        let near = self.kept.iter().rev().find(|(kept, _)| *kept <= taken);
        if let Some((kept, model)) = near {
            (self.taken, self.model, self.at) = (*kept, model.clone(), self.recording.header.at);
        }
        while self.taken < taken {
            self.take();
        }
        let newest = self.taken.checked_sub(1).and_then(|newest| self.recording.messages.get(newest));
        self.at = newest.map_or(self.recording.header.at, |(at, _)| *at);
    }
}

fn held(speed: f64) -> f64 {
    if speed.is_finite() { speed.clamp(SPEEDS.0, SPEEDS.1) } else { 1.0 }
}

/// Messages after which the same is on screen.
fn is_silent(msg: &Msg) -> bool {
    matches!(msg, Msg::Drawn(_) | Msg::Press(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{intent::Intent, model::Screen},
        journal::sample::at,
        runtime::recorder::tests::recorded,
    };

    /// A tick a second, for a while, and the inbox opened in the middle.
    fn player(seconds: i64) -> Player {
        let mut messages: Vec<(Timestamp, Msg)> =
            (1..=seconds).map(|second| (at(second), Msg::Tick(at(second)))).collect();
        let half = usize::try_from(seconds / 2).unwrap();
        messages.insert(half, (at(seconds / 2), Msg::Intent(Intent::Inbox)));
        Player::new(recorded(&messages), None, 1.0)
    }

    fn press(player: &mut Player, keys: &[Key]) {
        for key in keys {
            assert!(player.key(Chord { key: *key, ctrl: false, alt: false }));
        }
    }

    #[test]
    fn every_moment_looks_the_same_from_both_sides() {
        let mut player = player(600);
        let mut seen = vec![(player.taken, player.at, player.model.clone())];
        while player.step() {
            seen.push((player.taken, player.at, player.model.clone()));
        }
        assert_eq!(seen.len(), 601);
        for (taken, at, model) in seen.iter().rev().skip(1) {
            press(&mut player, &[Key::Left]);
            assert_eq!((&player.taken, &player.at, &player.model), (taken, at, model));
        }
    }

    #[test]
    fn it_plays_at_a_speed_stops_at_the_end_and_begins_again() {
        let mut player = player(60);
        player.pass(Duration::from_secs(5));
        assert_eq!((player.at, player.model.now), (at(1), at(1)), "it stands still until somebody lets it go");
        press(&mut player, &[Key::Char(' '), Key::Up]);
        player.pass(Duration::from_secs(5));
        assert_eq!((player.at, player.model.now), (at(11), at(11)));
        assert_eq!(player.line(52), "replay 01:46:11   11 of 61   2x   playing   q leave");
        player.pass(Duration::from_secs(500));
        assert_eq!((player.at, player.taken, player.is_playing()), (at(60), 61, false));
        press(&mut player, &[Key::Char(' ')]);
        assert_eq!((player.taken, player.is_playing()), (0, true));
    }

    #[test]
    fn it_begins_at_the_moment_and_plays_at_the_speed_that_were_asked_for_within_its_bounds() {
        let messages: Vec<(Timestamp, Msg)> = (1..=60).map(|second| (at(second), Msg::Tick(at(second)))).collect();
        let mut fast = Player::new(recorded(&messages), Some(at(20)), 4.0);
        assert_eq!((fast.at, fast.model.now, fast.taken, fast.is_playing()), (at(20), at(20), 20, false));
        press(&mut fast, &[Key::Char(' ')]);
        fast.pass(Duration::from_secs(5));
        assert_eq!((fast.at, fast.model.now), (at(40), at(40)));
        assert_eq!(fast.line(52), "replay 01:46:40   40 of 60   4x   playing   q leave");
        for (asked, held) in [(9_999.0, "1024x"), (f64::NAN, "1x")] {
            let player = Player::new(recorded(&messages), None, asked);
            assert!(player.line(52).contains(&format!("   {held}   ")), "{}", player.line(52));
        }
    }

    #[test]
    fn a_minute_the_begin_and_the_end_are_a_key_away_and_nothing_lies_beyond_them() {
        let mut player = player(150);
        let where_it_is = |player: &Player| (player.at, player.model.nav.screen() == &Screen::Inbox);
        press(&mut player, &[Key::PageDown]);
        assert_eq!(where_it_is(&player), (at(61), false));
        press(&mut player, &[Key::PageDown, Key::PageDown, Key::PageDown]);
        assert_eq!(where_it_is(&player), (at(150), true));
        press(&mut player, &[Key::PageUp, Key::PageUp, Key::PageUp, Key::Left]);
        assert_eq!((where_it_is(&player), player.taken), ((at(0), false), 0));
        press(&mut player, &[Key::End, Key::Right]);
        assert_eq!(where_it_is(&player), (at(150), true));
        press(&mut player, &[Key::Home]);
        assert_eq!(player.taken, 0);
        assert!(!player.key(Chord { key: Key::Char('q'), ctrl: false, alt: false }));
    }
}
