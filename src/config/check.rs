//! What the types cannot say: names that must exist, addresses, keys. Every problem, at the value that has it. What only one kind of
//! connection knows, it checks itself (`kind`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::de::ValueDeserializer;

use crate::config::{
    kind::{self, Connection},
    note::{Notes, Wrong},
    object::Objects,
    schema::Config,
    standard::{self, Rule},
    tree::{self, Node, Problem},
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
        connection.check(&mut notes, known);
        notes.all(known.look.map(|look| look(connection)).unwrap_or_default());
        if let Some(objects) = kind::named(connection.kind()).and_then(|kind| kind.objects.as_ref()) {
            listed(&mut notes, objects);
        }
    }
    references(&mut notes, config);
    standards(&mut notes, config);
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
    for (index, node) in notes.items(&[list]) {
        let Some(name) = tree::find(node, &["name"]).and_then(|node| node.get_ref().as_str()) else { continue };
        if !objects.may_list(name) {
            notes.add(&[list, &index, "name"], format!("'{name}' is not of the form {}", objects.form));
        }
    }
}

/// What services name is called as its connection's kind has it, and that connection is there. Each is read from the tree: one
/// beside it that has an error of its own is still there, at its place.
fn references(notes: &mut Notes<'_, '_>, config: &Config) {
    let connections = connections(notes);
    for service in config.services.keys() {
        let mut notes = notes.under(&["services", service]);
        for key in kind::objects().map(|(_, objects)| objects.key).collect::<BTreeSet<_>>() {
            if let Some(text) = notes.written(&[key]).and_then(|node| node.get_ref().as_str()) {
                reference(&mut notes, &[key], text, &connections);
            }
            for (index, node) in notes.items(&[key]) {
                if let Some(text) = node.get_ref().as_str() {
                    reference(&mut notes, &[key, &index], text, &connections);
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
    let names: Vec<&str> = kinds.iter().map(|(kind, _)| kind.name).collect();
    let known: Vec<String> =
        connections.iter().filter(|(_, kind)| names.contains(&kind.as_str())).map(|(name, _)| name.clone()).collect();
    notes.one_of(at, &format!("{} connection", names.join(" or ")), connection, &known);
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
