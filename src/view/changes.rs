//! What would be new where something goes: commits, people, parts of the code, migrations and settings. Said once, for a run's road, the
//! inbox and cards.

use crate::{
    app::lineage::{Between, between},
    domain::{changes::Changes, files::PathPattern, ids::Person, object::ObjectId, version::Version},
    view::{
        scene::Scene,
        span::{Line, Role},
    },
};

/// Digits of a commit that are shown.
const SHORT: usize = 7;
/// Parts of the code that are named.
const AREAS: usize = 5;
/// Settings that are named.
const SETTINGS: usize = 3;

/// What is said of it.
pub(super) struct New {
    /// `12 commits by lee, kim since live 4.1.9 (4f1e9a2): api 8, db 1`, or why that is not known.
    pub(super) what: String,
    /// How that is meant.
    pub(super) role: Role,
    /// What must be seen before it goes: `a migration: db/migrate/0042_drop.sql`.
    pub(super) warnings: Vec<String>,
}

/// What would be new where the run, the gate, the rollout goes; nothing where no system can be asked.
pub(super) fn new(scene: &Scene<'_>, id: &ObjectId) -> Option<New> {
    let model = scene.model;
    let between = between(model, id)?;
    let since = live(scene, id, &between.base);
    let plain = |role, what: String| New { what, role, warnings: Vec::new() };
    Some(match between.answer(&model.store) {
        None => plain(Role::Dim, format!("what is new since live {since} is being read")),
        Some(Err(fault)) => {
            plain(Role::Unknown, format!("what is new since live {since} is not known: {}", fault.text))
        }
        Some(Ok(changes)) => {
            New { what: what(changes, &since), role: Role::Text, warnings: warnings(scene, &between, changes) }
        }
    })
}

/// The same in one line.
pub(super) fn line(scene: &Scene<'_>, id: &ObjectId) -> Line {
    let Some(new) = new(scene, id) else { return Line::new() };
    let line = Line::of(new.role, format!(" {}", new.what));
    new.warnings.iter().fold(line, |line, warning| line.gap(2).and(Role::Warn, format!("▲ {warning}")))
}

/// `4.1.9 (d00dfee)`, or the commit alone where nobody says which version it is.
fn live(scene: &Scene<'_>, id: &ObjectId, base: &str) -> String {
    let model = scene.model;
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

fn warnings(scene: &Scene<'_>, between: &Between, changes: &Changes) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(run) = scene.model.store.run(&between.run) {
        let kinds = scene.model.session.files.of(&run.service);
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
