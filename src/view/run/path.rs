//! The road of a release in one line: its commit, the runs of its pipelines, its image, the gates it waits at, where it is, and what is
//! there in its place.

use crate::{
    app::{
        lineage::{Older, Release, Spot, Standing, stations},
        model::Model,
    },
    domain::{pipeline::Run, rollout::Rollout, version::Version},
    view::{
        row::run::sign,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Digits of a digest that are shown.
const DIGEST: usize = 4;

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
