//! `keys`: the table of intents as text, JSON and the README's table; and what is wrong with overridden keys.

use std::{collections::BTreeMap, fmt::Write as _, io::Write};

use serde::Serialize;

use crate::{
    app::intent::{Danger, INTENTS, Intent, Row, Scope},
    cli::{
        exit::CliError,
        json,
        table::{Layout, Table},
    },
    config::BadKey,
    domain::verb::Verb,
    keymap::{BadBinding, Keymap, chord::Chord},
};

/// `holdshort/keys/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// `holdshort/keys/v1`.
    pub schema: &'static str,
    /// Every intent, in the order in which help shows them.
    pub keys: Vec<KeyRow>,
}

/// One intent and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyRow {
    /// Its name in the configuration.
    pub id: &'static str,
    /// Two or three words.
    pub title: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Its keys; the first is the one shown. None where a menu leads to it.
    pub chords: Vec<String>,
    /// Where it can be used: `anywhere`, `screen` or `typing`.
    pub scope: Scope,
    /// `acts` when it leads to a call, else `none`.
    pub danger: Danger,
    /// The verb it asks for, which is also a command of that name; `null` where it is none.
    pub verb: Option<Verb>,
}

/// The keys in force: an overridden intent has its one chord, the others their defaults.
pub fn keys(keymap: &Keymap) -> Keys {
    let row = |row: &Row| {
        let shown = keymap.shown(row.intent).map(|chord| chord.to_string());
        let default = row.chords.iter().map(|chord| (*chord).to_owned()).collect::<Vec<_>>();
        let chords = match shown {
            Some(shown) if !default.contains(&shown) => vec![shown],
            _ => default,
        };
        KeyRow {
            id: row.id,
            title: row.title,
            doc: row.doc,
            chords,
            scope: row.scope,
            danger: row.danger,
            verb: row.intent.verb(),
        }
    };
    Keys { schema: "holdshort/keys/v1", keys: INTENTS.iter().map(row).collect() }
}

/// Prints the keys in force.
pub fn print(keymap: &Keymap, as_json: bool, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let keys = keys(keymap);
    if as_json {
        return json::print(&keys, out);
    }
    let mut table = Table::new(&["KEY", "INTENT", "WHAT IT DOES"]);
    for row in &keys.keys {
        let chords = if row.chords.is_empty() { "-".to_owned() } else { row.chords.join(" ") };
        table.row([chords, row.id.to_owned(), row.doc.to_owned()]);
    }
    Ok(table.print_as(layout, out)?)
}

/// What is wrong with overridden keys, each at its own entry.
pub fn check(overrides: &BTreeMap<String, String>) -> Vec<BadKey> {
    let mut bad = Vec::new();
    let mut readable = BTreeMap::new();
    for (id, chord) in overrides {
        let intent: Result<Intent, _> = id.parse();
        let read: Result<Chord, _> = chord.parse();
        let why = match (intent, read) {
            (Ok(_), Ok(_)) => {
                readable.insert(id.clone(), chord.clone());
                continue;
            }
            (Err(_), _) => BadBinding::NoIntent(id.clone()),
            (Ok(_), Err(_)) => BadBinding::NoChord { intent: id.clone(), chord: chord.clone() },
        };
        bad.push(BadKey { id: id.clone(), why: why.to_string() });
    }
    // The keymap tells one clash at a time: what clashes is noted, taken away, and the rest is tried again.
    while let Err(clash) = Keymap::with(&readable) {
        let overridden = match &clash {
            BadBinding::Twice { first, second, .. } => {
                [*second, *first].map(|intent| intent.to_string()).into_iter().find(|id| readable.contains_key(id))
            }
            _ => None,
        };
        let Some(id) = overridden else { break };
        readable.remove(&id);
        bad.push(BadKey { id, why: clash.to_string() });
    }
    bad
}

/// The README's table of keys: those for screens; keys of cards and prompts are told where those are.
pub fn markdown_table() -> String {
    let mut table = String::from("| key | does | |\n|---|---|---|\n");
    for row in INTENTS.iter().filter(|row| row.scope != Scope::Typing && row.is_keyed()) {
        let chords: Vec<String> = row.chords.iter().map(|chord| format!("`{chord}`")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} | **{}** | {} |", chords.join(" "), row.title, row.doc);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(id, chord)| ((*id).to_owned(), (*chord).to_owned())).collect()
    }

    #[test]
    fn every_bad_key_is_told_at_its_own_entry() {
        let bad = check(&pairs(&[("explode", "x"), ("rollback", "a"), ("abort", "Hyper-x"), ("why", "y")]));
        let said: Vec<(&str, &str)> = bad.iter().map(|bad| (bad.id.as_str(), bad.why.as_str())).collect();
        assert_eq!(
            said,
            [
                ("abort", "'Hyper-x' for 'abort' is not a key: write e.g. x, X, Ctrl-x, Enter, Esc, Down"),
                ("explode", "there is no key 'explode': `holdshort keys` lists them"),
                ("rollback", "'a' is both 'rollback' and 'abort'"),
                ("why", "'y' is both 'approve' and 'why'"),
            ]
        );
    }

    #[test]
    fn an_overridden_key_stands_alone_and_the_others_keep_their_defaults() {
        let keymap = Keymap::with(&pairs(&[("down", "z")])).unwrap();
        let keys = keys(&keymap).keys;
        let chords = |id: &str| keys.iter().find(|row| row.id == id).unwrap().chords.clone();
        assert_eq!(chords("down"), ["z"]);
        assert_eq!(chords("up"), ["k", "Up"]);
    }

    #[test]
    fn the_table_has_a_line_for_every_key_of_a_screen() {
        let rows = INTENTS.iter().filter(|row| row.scope != Scope::Typing && row.is_keyed()).count();
        assert_eq!(markdown_table().lines().count(), rows + 2);
        assert!(markdown_table().contains("| `a` | **abort** | Send all traffic back to stable, now;"));
    }
}
