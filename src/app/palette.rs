//! The palette: every key, screen and object, found by a few letters. It does what the key does, and nothing beside it: a verb
//! acts on the selected row, and passes the same guard.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::{
    app::{
        intent::{INTENTS, Intent, Scope},
        model::Model,
    },
    domain::object::ObjectId,
};

/// Entries that are found at most: nobody reads more, who can type a letter.
const MOST: usize = 100;

/// What is typed, and what of what it finds is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What was typed.
    pub typed: String,
    /// The chosen entry; the best one where nobody chose or it is found no more.
    pub chosen: Option<Choice>,
}

/// What an entry leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What a key does.
    Intent(Intent),
    /// An object, on the screen that shows it.
    Object(ObjectId),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it leads to.
    pub choice: Choice,
    /// What it is called, and what it is found by.
    pub words: String,
}

impl Palette {
    /// The place of the chosen entry among these.
    pub fn at(&self, entries: &[Entry]) -> usize {
        self.chosen.as_ref().and_then(|chosen| entries.iter().position(|it| it.choice == *chosen)).unwrap_or_default()
    }

    /// Takes a character.
    pub fn typed(&mut self, c: char) {
        self.typed.push(c);
        self.chosen = None;
    }

    /// Takes the last character back.
    pub fn erase(&mut self) {
        self.typed.pop();
        self.chosen = None;
    }
}

/// What is found by what was typed, the best first; everything, keys first, where nothing was typed.
pub fn entries(model: &Model, typed: &str) -> Vec<Entry> {
    let all = intents().chain(objects(model));
    if typed.trim().is_empty() {
        return all.take(MOST).collect();
    }
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let (mut matcher, mut scratch) = (Matcher::new(Config::DEFAULT), Vec::new());
    let mut found: Vec<(u32, Entry)> = all
        .filter_map(|entry| Some((pattern.score(Utf32Str::new(&entry.words, &mut scratch), &mut matcher)?, entry)))
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().take(MOST).map(|(_, entry)| entry).collect()
}

/// Every key that works on a screen, but for the one that led here.
fn intents() -> impl Iterator<Item = Entry> {
    let works = INTENTS.iter().filter(|row| row.scope != Scope::Typing && row.intent != Intent::Palette);
    works.map(|row| Entry { choice: Choice::Intent(row.intent), words: row.title.to_owned() })
}

fn objects(model: &Model) -> impl Iterator<Item = Entry> {
    let entry = |id: &ObjectId, words: String| Entry { choice: Choice::Object(id.clone()), words };
    let rollouts = model.store.rollouts().map(move |rollout| {
        let version = rollout.canary.as_ref().map(ToString::to_string).unwrap_or_default();
        entry(&rollout.id, format!("{} {} {} {version}", rollout.service, rollout.environment, rollout.system))
    });
    let gates = model.store.gates().map(move |gate| {
        entry(&gate.id, format!("{} {} {} {}", gate.service, gate.environment, gate.system, gate.title))
    });
    let runs = model
        .store
        .runs()
        .map(move |run| entry(&run.id, format!("{} {} #{} {}", run.service, run.pipeline, run.number, run.title)));
    rollouts.chain(gates).chain(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::{payments, seeing};
    use crate::domain::verb::Verb;

    fn best(typed: &str) -> Choice {
        let model = seeing(vec![payments()]);
        entries(&model, typed).into_iter().next().unwrap_or_else(|| panic!("nothing is found by '{typed}'")).choice
    }

    #[test]
    fn keys_screens_and_objects_are_found_by_a_few_letters_in_any_case() {
        assert_eq!(best("rollb"), Choice::Intent(Intent::Do(Verb::Rollback)));
        assert_eq!(best("PIPE"), Choice::Intent(Intent::Pipelines));
        assert_eq!(best("payme"), Choice::Object(payments().id));
        assert_eq!(best("pay eu"), Choice::Object(payments().id));
        assert_eq!(entries(&seeing(vec![payments()]), "qqqq"), []);
    }

    #[test]
    fn every_key_that_works_on_a_screen_is_found_by_its_name() {
        let model = seeing(vec![payments()]);
        for row in INTENTS.iter().filter(|row| row.scope != Scope::Typing && row.intent != Intent::Palette) {
            let found = entries(&model, row.title);
            assert!(found.iter().any(|entry| entry.choice == Choice::Intent(row.intent)), "{}", row.id);
        }
    }
}
