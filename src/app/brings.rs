//! What would be new where something goes: commits, people, parts of the code, migrations and settings. Said once, for a run's road, the
//! inbox, cards and commands.

use crate::{
    app::{
        lineage::{Between, between},
        model::Model,
    },
    domain::{changes::Changes, files::PathPattern, ids::Person, object::ObjectId, version::Version},
};

/// Digits of a commit that are shown.
const SHORT: usize = 7;
/// Parts of the code that are named.
const AREAS: usize = 5;
/// Settings that are named.
const SETTINGS: usize = 3;

/// How what is said of it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is being read.
    Reading,
    /// It is not known.
    Unknown,
    /// It is known.
    Told,
}

/// What is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brings {
    /// `12 commits by lee, kim since live 4.1.9 (4f1e9a2): api 8, db 1`, or why that is not known.
    pub what: String,
    /// How that is meant.
    pub tone: Tone,
    /// What must be seen before it goes: `a migration: db/migrate/0042_drop.sql`.
    pub warnings: Vec<String>,
}

/// What would be new where the run, the gate, the rollout goes; nothing where no system can be asked.
pub fn of(model: &Model, id: &ObjectId) -> Option<Brings> {
    let between = between(model, id)?;
    let since = live(model, id, &between.base);
    let plain = |tone, what: String| Brings { what, tone, warnings: Vec::new() };
    Some(match between.answer(&model.store) {
        None => plain(Tone::Reading, format!("what is new since live {since} is being read")),
        Some(Err(fault)) => {
            plain(Tone::Unknown, format!("what is new since live {since} is not known: {}", fault.text))
        }
        Some(Ok(changes)) => {
            Brings { what: what(changes, &since), tone: Tone::Told, warnings: warnings(model, &between, changes) }
        }
    })
}

/// `4.1.9 (d00dfee)`, or the commit alone where nobody says which version it is.
fn live(model: &Model, id: &ObjectId, base: &str) -> String {
    let releases = model.store.item(id).map(|item| model.lineage.of(item.service())).unwrap_or_default();
    let is_it = |version: &&Version| version.commit.as_deref() == Some(base);
    match releases.iter().map(|release| &release.version).find(is_it) {
        Some(version) => version.to_string(),
        None => base.chars().take(SHORT).collect(),
    }
}

fn what(changes: &Changes, since: &str) -> String {
    let commits = if changes.count == 1 { "1 commit".to_owned() } else { format!("{} commits", changes.count) };
    let people: Vec<&str> = changes.people().into_iter().map(Person::as_str).collect();
    let by = if people.is_empty() { String::new() } else { format!(" by {}", people.join(", ")) };
    let areas: Vec<String> =
        changes.areas().into_iter().take(AREAS).map(|(area, files)| format!("{area} {files}")).collect();
    let more = if changes.all_files { "" } else { ", and more files" };
    let areas = if areas.is_empty() { String::new() } else { format!(": {}{more}", areas.join(", ")) };
    format!("{commits}{by} since live {since}{areas}")
}

fn warnings(model: &Model, between: &Between, changes: &Changes) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(run) = model.store.run(&between.run) {
        let kinds = model.session.files.of(&run.service);
        match changes.those(&kinds.migrations).as_slice() {
            [] => {}
            [one] => all.push(format!("a migration: {one}")),
            several => all.push(format!("{} migrations", several.len())),
        }
        all.extend(configuration(changes, &kinds.configuration));
    }
    if changes.behind > 0 {
        all.push(format!("takes back {} of live's commits", changes.behind));
    }
    all
}

/// What differs of the configuration, by the names of its settings; by file where it is not told which those are.
fn configuration(changes: &Changes, patterns: &[PathPattern]) -> Option<String> {
    let files = changes.those(patterns);
    let told = |file: &&str| changes.keys.get(*file).filter(|keys| !keys.is_empty());
    let keys: Vec<&str> = files.iter().filter_map(told).flatten().map(String::as_str).collect();
    let untold: Vec<&str> = files.iter().copied().filter(|file| told(file).is_none()).collect();
    let named = |all: &[&str]| {
        let more = if all.len() > SETTINGS { format!(" and {} more", all.len() - SETTINGS) } else { String::new() };
        format!("{}{more}", all.iter().take(SETTINGS).copied().collect::<Vec<_>>().join(", "))
    };
    let settings = match keys.len() {
        0 => None,
        1 => Some(format!("a setting: {}", named(&keys))),
        count => Some(format!("{count} settings: {}", named(&keys))),
    };
    let files = (!untold.is_empty()).then(|| format!("configuration: {}", named(&untold)));
    let said: Vec<String> = settings.into_iter().chain(files).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::files::Kinds;

    #[test]
    fn settings_are_named_and_a_file_of_which_none_is_told_is_named_itself() {
        let said = |files: &[(&str, &[&str])]| {
            let keys = files.iter().filter(|(_, keys)| !keys.is_empty());
            let changes = Changes {
                files: files.iter().map(|(file, _)| (*file).to_owned()).collect(),
                keys: keys
                    .map(|(file, all)| ((*file).to_owned(), all.iter().map(|it| (*it).to_owned()).collect()))
                    .collect(),
                ..Changes::default()
            };
            configuration(&changes, &Kinds::default().configuration)
        };
        assert_eq!(said(&[("src/a.toml", &["a"])]), None, "it is no configuration by its place");
        assert_eq!(said(&[("config/prod.toml", &["limits.rps"])]).as_deref(), Some("a setting: limits.rps"));
        let all = said(&[("config/prod.toml", &["a", "b", "c", "d"]), ("config/key.pem", &[])]);
        assert_eq!(all.as_deref(), Some("4 settings: a, b, c and 1 more; configuration: config/key.pem"));
    }
}
