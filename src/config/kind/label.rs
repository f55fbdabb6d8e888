//! What kinds of connections that have labels say with them: how a label is called, and of which environments a connection tells.
//! Which kinds those are is not known here.

use std::collections::BTreeMap;

use crate::{config::note::Notes, domain::ids::EnvironmentName};

/// The settings that say of which environments a connection tells.
pub(super) struct Places<'a> {
    /// `covers`: all that it tells of.
    pub(super) covers: &'a [String],
    /// `place_label`: what tells them apart.
    pub(super) label: Option<&'a String>,
    /// `environments`: what that label's values are called by us.
    pub(super) environments: &'a BTreeMap<String, EnvironmentName>,
}

impl Places<'_> {
    /// Notes what is wrong with them.
    pub(super) fn check(&self, notes: &mut Notes<'_, '_>) {
        notes.once(&["covers"]);
        for (index, _) in self.covers.iter().enumerate().filter(|(_, said)| !is_cover(said)) {
            let message = "'*' stands for all below a name, at the end: write e.g. prod/*";
            notes.add(&["covers", &index.to_string()], message);
        }
        match self.label {
            Some(label) if !is_label(label) => notes.add(&["place_label"], no_label(label)),
            None if !self.environments.is_empty() => {
                notes.add(&["environments"], "`environments` say what the values of `place_label` are: set that too");
            }
            _ => {}
        }
    }
}

/// The label's values of each environment that `environments` names.
pub fn by_environment(environments: &BTreeMap<String, EnvironmentName>) -> BTreeMap<EnvironmentName, Vec<String>> {
    let mut values: BTreeMap<EnvironmentName, Vec<String>> = BTreeMap::new();
    for (theirs, ours) in environments {
        values.entry(ours.clone()).or_default().push(theirs.clone());
    }
    values
}

/// A label's name, as the query languages have it (before UTF-8 names, which must be quoted).
pub(super) fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(plain)
}

/// What is said of a label that is none.
pub(super) fn no_label(text: &str) -> String {
    format!("'{text}' is not the name of a label: letters, digits and '_', no digit first")
}

/// An environment, or all below a name.
fn is_cover(said: &str) -> bool {
    let begin = said.strip_suffix("/*").unwrap_or(said);
    !begin.is_empty() && !begin.contains('*')
}
