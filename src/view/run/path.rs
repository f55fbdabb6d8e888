//! The road of a release in one line: its commit, the runs of its pipelines, its image, the gates it waits at, where it is, and what is
//! there in its place.

use crate::{
    app::{
        lineage::{Older, Release, Spot, Standing, between, stations},
        model::Model,
    },
    domain::{changes::Changes, files::PathPattern, ids::Person, pipeline::Run, rollout::Rollout, version::Version},
    view::{
        row::run::sign,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Digits of a digest, and of a commit, that are shown.
const DIGEST: usize = 4;
const SHORT: usize = 7;
/// Parts of the code that are named.
const AREAS: usize = 5;
/// Settings that are named.
const SETTINGS: usize = 3;

/// The line for a run. Where it belongs to no release that is known, only what the run itself says.
pub(super) fn line(scene: &Scene<'_>, run: &Run) -> Line {
    let model = scene.model;
    match model.lineage.release(&model.store, &run.id) {
        Some(release) => {
            let older = model.lineage.overtaken(&model.store, &run.id);
            of(scene, release, older)
        }
        None => Line::of(Role::Dim, format!(" commit {}", commit(&run.version))),
    }
}

/// What would be new where it goes: `12 commits by lee, kim since 4.1.9   api 8, db 1   ▲ 1 migration`. Empty where nothing is known of that.
pub(super) fn new_there(scene: &Scene<'_>, run: &Run) -> Line {
    let model = scene.model;
    let Some((base, head)) = between(&model.lineage, &model.store, &run.id) else { return Line::new() };
    let since: String = base.chars().take(SHORT).collect();
    let changes = match model.store.inside.changes(&base, &head) {
        None => return Line::of(Role::Dim, format!(" what is new since live {since} is being read")),
        Some(Err(fault)) => {
            return Line::of(Role::Unknown, format!(" what is new since live {since} is not known: {}", fault.text));
        }
        Some(Ok(changes)) => changes,
    };
    let commits = if changes.count == 1 { "1 commit".to_owned() } else { format!("{} commits", changes.count) };
    let people: Vec<&str> = changes.people().into_iter().map(Person::as_str).collect();
    let by = if people.is_empty() { String::new() } else { format!(" by {}", people.join(", ")) };
    let mut line = Line::of(Role::Text, format!(" {commits}")).and(Role::Dim, format!("{by} since live {since}"));
    let areas: Vec<String> =
        changes.areas().into_iter().take(AREAS).map(|(area, files)| format!("{area} {files}")).collect();
    if !areas.is_empty() {
        line = line.gap(2).and(Role::Dim, areas.join(", "));
        line.push(Role::Dim, if changes.all_files { "" } else { ", and more files" });
    }
    let kinds = model.session.files.of(&run.service);
    match changes.those(&kinds.migrations).as_slice() {
        [] => {}
        [one] => line = line.gap(2).and(Role::Warn, format!("▲ a migration: {one}")),
        several => line = line.gap(2).and(Role::Warn, format!("▲ {} migrations", several.len())),
    }
    if let Some(said) = configuration(changes, &kinds.configuration) {
        line = line.gap(2).and(Role::Warn, format!("▲ {said}"));
    }
    if changes.behind > 0 {
        line = line.gap(2).and(Role::Warn, format!("▲ takes back {} of live's commits", changes.behind));
    }
    line
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

/// The line for a rollout; nothing where no run or gate is known that has to do with it.
pub(in crate::view) fn of_rollout(scene: &Scene<'_>, rollout: &Rollout) -> Option<Line> {
    let model = scene.model;
    let release = model.lineage.release(&model.store, &rollout.id)?;
    let told = !release.runs.is_empty() || !release.gates.is_empty();
    told.then(|| of(scene, release, None).cut(scene.columns))
}

fn commit(version: &Version) -> String {
    version.short_commit().unwrap_or_else(|| "not known".to_owned())
}

fn of(scene: &Scene<'_>, release: &Release, older: Option<Older>) -> Line {
    let model = scene.model;
    let mut parts = vec![Line::of(Role::Dim, "commit ").and(Role::Text, commit(&release.version))];
    parts.extend(stations(&model.store, release).into_iter().map(|run| {
        let (role, glyph) = sign(run.status);
        Line::of(Role::Text, format!("{} #{} ", run.pipeline, run.number)).and(role, glyph)
    }));
    if let Some(digest) = &release.version.digest {
        let short: String = digest.trim_start_matches("sha256:").chars().take(DIGEST).collect();
        parts.push(Line::of(Role::Dim, format!("image {short}…")));
    }
    let gates = release.gates.iter().filter_map(|id| model.store.gate(id));
    parts.extend(gates.map(|gate| {
        let place = if gate.environment.as_str().is_empty() { "it" } else { gate.environment.as_str() };
        Line::of(Role::Accent, format!("{place} waits"))
    }));
    parts.extend(release.spots.iter().map(|spot| at(scene, spot)));
    parts.extend(instead(model, release));
    let mut line = Line::of(Role::Text, " ");
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            line.push(Role::Dim, " ─ ");
        }
        line = line.join(part);
    }
    let late = release.gates.iter().find_map(|id| model.lineage.older_than_live(&model.store, id)).or(older);
    if let Some(older) = late {
        line = line.gap(2).and(Role::Warn, format!("▲ {}", older.words()));
    }
    line
}

fn at(scene: &Scene<'_>, spot: &Spot) -> Line {
    let place = scene.places.short(spot.environment.as_str(), spot.environment.as_str().len());
    match spot.standing {
        Standing::Serves => Line::of(Role::Text, format!("{place} ")).and(Role::Good, "✔"),
        Standing::Yields => Line::of(Role::Text, format!("{place} serves")),
        Standing::Arrives => {
            let rollout = scene.model.store.rollout(&spot.rollout);
            let weight = rollout.and_then(|rollout| rollout.weight.reached());
            let weight = weight.map_or_else(|| "?".to_owned(), |weight| format!("{weight} %"));
            Line::of(Role::Canary, format!("{place} {weight}"))
        }
        Standing::TakenBack => Line::of(Role::Bad, format!("{place} taken back")),
    }
}

/// What is at the places that this release is not at: `eu-west-1 runs 4.1.9`; with a major step, which.
fn instead(model: &Model, release: &Release) -> Vec<Line> {
    let others = model.lineage.of(&release.service).iter().filter(|other| *other != release);
    let here = |spot: &Spot| release.spots.iter().any(|own| own.environment == spot.environment);
    let mut all = Vec::new();
    for other in others {
        let serves = other.spots.iter().filter(|spot| spot.standing != Standing::TakenBack && !here(spot));
        for spot in serves {
            let mut line = Line::of(Role::Dim, format!("{} runs {}", spot.environment, other.version.short_tag()));
            if let Some((from, to)) = release.version.major_step(&other.version) {
                line.push(Role::Warn, format!(" (major {from} → {to})"));
            }
            all.push(line);
        }
    }
    all
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
