//! What the types cannot say: names that must exist, addresses, keys. Every problem, at the value that has it. What only one kind of
//! connection knows, it checks itself (`kind`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::de::ValueDeserializer;

use crate::{
    config::{
        kind::{self, Connection},
        note::{self, Notes, Wrong},
        object::Objects,
        schema::Config,
        standard::{self, Rule},
        tree::{self, Node, Problem},
    },
    domain::ids::EnvironmentName,
    ownership,
};

/// Names that other rooms know; the configuration only compares.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The metrics presets that come with the program.
    pub presets: &'a [String],
    /// The themes that come with the program.
    pub themes: &'a [String],
    /// What is wrong with keys (`intent → chord`).
    pub keys: &'a dyn Fn(&BTreeMap<String, String>) -> Vec<BadKey>,
    /// What other files of this machine say against a connection; `None` where only this configuration is looked at.
    pub look: Option<Look<'a>>,
}

/// Holds a connection against what this machine has. Connects to nothing and runs nothing.
pub type Look<'a> = &'a dyn Fn(&Connection) -> Vec<Wrong>;

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("presets", &self.presets).field("themes", &self.themes).finish_non_exhaustive()
    }
}

/// A key that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey {
    /// The intent's name, as it stands under `keys`.
    pub id: String,
    /// Why not.
    pub why: String,
}

/// Checks what was read against itself and against what is known.
pub(super) fn check(config: &Config, tree: &Node<'_>, known: &Known<'_>, problems: &mut Vec<Problem>) {
    let mut notes = Notes::new(tree, problems);
    for (name, connection) in &config.connections {
        let mut notes = notes.under(&["connections", name]);
        let named: Vec<&str> = config.named(name).map(|(_, path)| path).collect();
        connection.check(&mut notes, known, &named);
        notes.all(known.look.map(|look| look(connection)).unwrap_or_default());
        if let Some(objects) = kind::named(connection.kind()).and_then(|kind| kind.objects.as_ref()) {
            listed(&mut notes, objects);
        }
    }
    references(&mut notes, config);
    state(&mut notes, config, known);
    standards(&mut notes, config);
    waves(&mut notes);
    if let Some(theme) = &config.theme {
        notes.one_of(&["theme"], "theme", theme, known.themes);
    }
    if let Some(world) = &config.world {
        notes.address(&["world", "clock"], &world.clock);
        if !world.speed.is_finite() || world.speed <= 0.0 {
            notes.add(&["world", "speed"], "the speed of time is a number above 0");
        }
    }
    for bad in (known.keys)(&config.keys) {
        notes.add(&["keys", &bad.id], bad.why);
    }
}

/// What a connection lists is called as its kind has it.
fn listed(notes: &mut Notes<'_, '_>, objects: &Objects) {
    let Some(list) = objects.list else { return };
    let mut seen = BTreeSet::new();
    for (index, node) in notes.items(&[list]) {
        let Some(name) = tree::find(node, &["name"]).and_then(|node| node.get_ref().as_str()) else { continue };
        let wrong = if objects.may_list(name) { objects.fault(name) } else { Some(no_form(name, objects)) };
        // Where two say something of one, one of them would be passed over.
        let wrong = wrong.or_else(|| (!seen.insert(name.to_lowercase())).then(|| note::twice(name)));
        if let Some(wrong) = wrong {
            notes.add(&[list, &index, "name"], wrong);
        }
    }
}

fn no_form(name: &str, objects: &Objects) -> String {
    format!("'{name}' is not of the form {}", objects.form)
}

/// Where the journal is kept, as far as that can be told without looking at folders.
fn state(notes: &mut Notes<'_, '_>, config: &Config, known: &Known<'_>) {
    let state = &config.state;
    if let Some(path) = state.path.as_ref().filter(|path| !path.is_absolute()) {
        notes.add(&["state", "path"], format!("'{}' is no whole path: it begins with /", path.display()));
    }
    let group = state.group.as_ref().filter(|_| known.look.is_some());
    if let Some(group) = group.filter(|group| ownership::group_named(group).is_none()) {
        notes.add(&["state", "group"], format!("there is no group '{group}' on this machine"));
    }
}

/// What services name is called as its connection's kind has it, and that connection is there. Each is read from the tree: one
/// beside it that has an error of its own is still there, at its place.
fn references(notes: &mut Notes<'_, '_>, config: &Config) {
    let connections = connections(notes);
    let mut whose: BTreeMap<String, &str> = BTreeMap::new();
    for service in config.services.keys() {
        let mut notes = notes.under(&["services", service]);
        for key in kind::objects().map(|(_, objects)| objects.key).collect::<BTreeSet<_>>() {
            let one =
                notes.written(&[key]).and_then(|node| node.get_ref().as_str()).map(|text| (vec![key.to_owned()], text));
            let several = notes.items(&[key]).into_iter();
            let several =
                several.filter_map(|(index, node)| Some((vec![key.to_owned(), index], node.get_ref().as_str()?)));
            for (at, text) in one.into_iter().chain(several) {
                let at: Vec<&str> = at.iter().map(String::as_str).collect();
                reference(&mut notes, &at, text, &connections);
                // What it is named for would be one of both: which, nobody would know.
                match whose.insert(text.to_owned(), service) {
                    Some(other) if other == service => notes.add(&at, note::twice(text)),
                    Some(other) => notes.add(&at, format!("'{text}' is of the service '{other}' already")),
                    None => {}
                }
            }
        }
    }
}

/// Every connection with its kind, as they are written: one that has an error of its own is still there.
fn connections(notes: &Notes<'_, '_>) -> BTreeMap<String, String> {
    let all = notes.written(&["connections"]).and_then(|node| node.get_ref().as_table());
    let kind = |node: &Node<'_>| tree::find(node, &["kind"])?.get_ref().as_str().map(str::to_owned);
    all.into_iter().flatten().filter_map(|(name, node)| Some((name.get_ref().to_string(), kind(node)?))).collect()
}

/// One object that a service names under a key, as it is written.
fn reference(notes: &mut Notes<'_, '_>, at: &[&str], text: &str, connections: &BTreeMap<String, String>) {
    let key = at.first().copied().unwrap_or_default();
    let kinds: Vec<_> = kind::objects().filter(|(_, objects)| objects.key == key).collect();
    let (connection, path) = text.split_once('/').unwrap_or((text, ""));
    let its_own = |kind: &kind::Kind| connections.get(connection).is_some_and(|it| it == kind.name);
    let found: Vec<_> = kinds.iter().filter(|(kind, _)| its_own(kind)).copied().collect();
    let asked = if found.is_empty() { &kinds } else { &found };
    if connection.trim().is_empty() || !asked.iter().any(|(_, objects)| objects.is(path)) {
        let forms: Vec<_> = asked.iter().map(|(_, objects)| format!("CONNECTION/{}", objects.form)).collect();
        notes.add(at, format!("'{text}' is not of the form {}", forms.join(" or ")));
        return;
    }
    if let Some(odd) = asked.iter().filter(|(_, objects)| objects.is(path)).find_map(|(_, objects)| objects.fault(path))
    {
        notes.add(at, odd);
        return;
    }
    let names: Vec<&str> = kinds.iter().map(|(kind, _)| kind.name).collect();
    let known: Vec<String> =
        connections.iter().filter(|(_, kind)| names.contains(&kind.as_str())).map(|(name, _)| name.clone()).collect();
    notes.one_of(at, &format!("{} connection", names.join(" or ")), connection, &known);
}

/// Orders of waves: two waves at least, none of them empty, and each environment in one of them.
fn waves(notes: &mut Notes<'_, '_>) {
    for (index, _) in notes.items(&["policy", "waves"]) {
        let mut notes = notes.under(&["policy", "waves", &index]);
        let waves = notes.items(&["order"]);
        if waves.len() < 2 && notes.written(&["order"]).is_some_and(|node| node.get_ref().as_array().is_some()) {
            notes.add(&["order"], "an order has two waves at least: write e.g. [[\"prod/eu-north-1\"], [\"prod\"]]");
        }
        let mut seen = BTreeSet::new();
        for (wave, node) in waves {
            let Some(names) = node.get_ref().as_array() else { continue };
            if names.is_empty() {
                notes.add(&["order", &wave], "a wave without environments: name one, or take it out");
            }
            for (place, name) in names.iter().enumerate() {
                let Some(name) = name.get_ref().as_str() else { continue };
                let place = place.to_string();
                let at = ["order", wave.as_str(), place.as_str()];
                if EnvironmentName::new(name).as_str().trim().is_empty() {
                    notes.add(&at, "an environment has a name");
                } else if !seen.insert(name.to_owned()) {
                    notes.add(&at, note::twice(name));
                }
            }
        }
    }
}

/// Objectives and rules. Each rule is read from the tree: one with an error of its own is still there, at its place.
fn standards(notes: &mut Notes<'_, '_>, config: &Config) {
    for (name, service) in &config.services {
        let mut notes = notes.under(&["services", name]);
        if let Some(slo) = &service.slo
            && let Err(standard::Wrong { path, why }) = slo.read()
        {
            notes.add(&[&["slo"][..], &path].concat(), why);
        }
        for (index, node) in notes.items(&["rules"]) {
            let rule = Rule::deserialize(ValueDeserializer::from(node.clone()));
            if let Ok(Err(standard::Wrong { path, why })) = rule.map(|rule| rule.read()) {
                notes.add(&[&["rules", index.as_str()][..], &path].concat(), why);
            }
        }
    }
}
