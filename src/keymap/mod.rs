//! Chords, scopes, defaults and overrides: which key is which intent, where. Knows no terminal and no screen.

pub mod chord;

use std::collections::BTreeMap;

use crate::{
    app::{
        intent::{INTENTS, Intent, Scope},
        model::Model,
        msg::Msg,
    },
    keymap::chord::{Chord, Key},
};

/// Which chord is which intent, scope by scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: BTreeMap<(Scope, Chord), Intent>,
    /// The chord that is shown for an intent.
    shown: BTreeMap<Intent, Chord>,
}

/// Why an override cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBinding {
    /// No such intent.
    #[error("there is no key '{0}': `holdshort keys` lists them")]
    NoIntent(String),
    /// No such chord.
    #[error("'{chord}' for '{intent}' is not a key: write e.g. x, X, Ctrl-x, Enter, Esc, Down")]
    NoChord {
        /// For which intent.
        intent: String,
        /// What was written.
        chord: String,
    },
    /// Two intents on one chord.
    #[error("'{chord}' is both '{first}' and '{second}'")]
    Twice {
        /// The chord.
        chord: String,
        /// One intent.
        first: Intent,
        /// The other.
        second: Intent,
    },
}

impl Keymap {
    /// The defaults, with these overrides (`intent id → chord`). An override takes all default chords of its intent away.
    pub fn with(overrides: &BTreeMap<String, String>) -> Result<Self, BadBinding> {
        let mut chosen: BTreeMap<Intent, Chord> = BTreeMap::new();
        for (id, text) in overrides {
            let intent: Intent = id.parse().map_err(|_| BadBinding::NoIntent(id.clone()))?;
            let bad = || BadBinding::NoChord { intent: id.clone(), chord: text.clone() };
            chosen.insert(intent, text.parse().map_err(|_| bad())?);
        }
        let mut keymap = Self { bindings: BTreeMap::new(), shown: BTreeMap::new() };
        for row in INTENTS {
            let defaults = row.chords.iter().filter_map(|text| text.parse().ok());
            let chords: Vec<Chord> = chosen.get(&row.intent).map_or_else(|| defaults.collect(), |chord| vec![*chord]);
            for chord in chords {
                keymap.bind(row.scope, chord, row.intent)?;
            }
        }
        Ok(keymap)
    }

    fn bind(&mut self, scope: Scope, chord: Chord, intent: Intent) -> Result<(), BadBinding> {
        let others = [Scope::Anywhere, Scope::Screen, Scope::Typing];
        let clashes =
            others.into_iter().filter(|other| *other == scope || *other == Scope::Anywhere || scope == Scope::Anywhere);
        for other in clashes {
            if let Some(first) = self.bindings.get(&(other, chord)) {
                return Err(BadBinding::Twice { chord: chord.to_string(), first: *first, second: intent });
            }
        }
        self.bindings.insert((scope, chord), intent);
        self.shown.entry(intent).or_insert(chord);
        Ok(())
    }

    /// What a key means now. One that means nothing here is answered too: nobody shall wonder whether it was heard.
    pub fn message(&self, model: &Model, chord: Chord) -> Msg {
        let scope = if model.is_typing() { Scope::Typing } else { Scope::Screen };
        let bound = self.bindings.get(&(scope, chord)).or_else(|| self.bindings.get(&(Scope::Anywhere, chord)));
        if let Some(intent) = bound {
            return Msg::Intent(*intent);
        }
        match chord {
            Chord { key: Key::Char(c), ctrl: false, alt: false } if scope == Scope::Typing => Msg::Typed(c),
            _ if scope == Scope::Typing => Msg::Said(format!("{chord} does nothing here")),
            _ => match self.shown(Intent::Help) {
                Some(help) => Msg::Said(format!("{chord} does nothing here: {help} shows the keys that do")),
                None => Msg::Said(format!("{chord} does nothing here")),
            },
        }
    }

    /// The chord that is shown for an intent.
    pub fn shown(&self, intent: Intent) -> Option<Chord> {
        self.shown.get(&intent).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(id, chord)| ((*id).to_owned(), (*chord).to_owned())).collect()
    }

    #[test]
    fn the_defaults_do_not_clash_and_show_a_chord_for_every_intent_that_has_one() {
        let keymap = Keymap::with(&BTreeMap::new()).unwrap();
        for row in INTENTS {
            let shown = keymap.shown(row.intent).map(|chord| chord.to_string());
            assert_eq!(shown.as_deref(), row.chords.first().copied(), "{}", row.id);
        }
        let keymap = Keymap::with(&overrides(&[("sync", "S")])).unwrap();
        assert_eq!(keymap.shown("sync".parse().unwrap()).unwrap().to_string(), "S");
    }

    #[test]
    fn a_key_that_means_nothing_is_answered() {
        let keymap = Keymap::with(&BTreeMap::new()).unwrap();
        let mut model = crate::app::sample::seeing(vec![crate::app::sample::payments()]);
        let said = |model: &Model, key: &str| match keymap.message(model, key.parse().unwrap()) {
            Msg::Said(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(said(&model, "z"), "z does nothing here: ? shows the keys that do");
        model.nav.filtering = true;
        assert_eq!(keymap.message(&model, "z".parse().unwrap()), Msg::Typed('z'));
        assert_eq!(said(&model, "Ctrl-x"), "Ctrl-x does nothing here");
    }

    #[test]
    fn where_somebody_types_a_word_and_the_line_are_taken_back_as_in_a_shell_and_elsewhere_half_a_page_moves() {
        let keymap = Keymap::with(&BTreeMap::new()).unwrap();
        let mut model = crate::app::sample::seeing(vec![crate::app::sample::payments()]);
        let means = |model: &Model, key: &str| keymap.message(model, key.parse().unwrap());
        assert_eq!(means(&model, "Ctrl-u"), Msg::Intent(Intent::HalfUp));
        model.nav.filtering = true;
        // The line goes with the key that moves elsewhere: `app::update` knows who types.
        let keys = ["Ctrl-w", "Ctrl-u"].map(|key| means(&model, key));
        assert_eq!(keys, [Msg::Intent(Intent::EraseWord), Msg::Intent(Intent::HalfUp)]);
    }

    #[test]
    fn an_override_replaces_the_default_and_a_clash_names_both() {
        let keymap = Keymap::with(&overrides(&[("rollback", "Ctrl-r")])).unwrap();
        assert_eq!(keymap.shown("rollback".parse().unwrap()).unwrap().to_string(), "Ctrl-r");
        assert_eq!(keymap.bindings.get(&(Scope::Screen, "r".parse().unwrap())), None);
        let clash = Keymap::with(&overrides(&[("rollback", "a")])).unwrap_err();
        assert_eq!(clash.to_string(), "'a' is both 'rollback' and 'abort'");
    }

    #[test]
    fn an_override_that_cannot_be_read_names_itself() {
        let unknown = Keymap::with(&overrides(&[("explode", "x")])).unwrap_err();
        assert_eq!(unknown.to_string(), "there is no key 'explode': `holdshort keys` lists them");
        assert!(Keymap::with(&overrides(&[("abort", "Hyper-x")])).is_err());
    }
}
