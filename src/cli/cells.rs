//! The cells of services for `status`, and in how many of them an act has put what it was about.

use serde::Serialize;

use crate::{
    app::{cells, model::Model},
    domain::{
        cell::{Arrives, Cell, Cells, Standing},
        ids::ServiceName,
        place::Named,
        time::Timestamp,
        verb::Direction,
        version::Version,
    },
    port::plan::Plan,
    words::cells as words,
};

/// A service that runs in several parts of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellsOut {
    /// Which.
    pub service: String,
    /// The tag of the version that this is about: what is on its way in, else the newest that serves; `null` where nobody can say.
    pub version: Option<String>,
    /// In how many cells everything runs it; `null` where nobody can say which version that would be. What could not be read never counts.
    pub done: Option<usize>,
    /// How many cells there are.
    pub of: usize,
    /// The same in a sentence.
    pub said: String,
    /// Each of them, by wave, then by name.
    pub cells: Vec<CellOut>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellOut {
    /// Where.
    pub environment: String,
    /// Its wave, from 1; `null` where the configuration declares none.
    pub wave: Option<usize>,
    /// How the version stands there: `has`, `arrives`, `yields`, `taken_back`, `other` or `unknown`.
    pub standing: &'static str,
    /// The tag of the version that serves there; `null` where it is not known.
    pub serves: Option<String>,
    /// Since when that has all traffic; `null` while another one is on its way in, and where it is not known.
    pub since: Option<Timestamp>,
    /// The tag of the version on its way in.
    pub arrives: Option<String>,
    /// Its share of the traffic as it was reached, percent.
    pub weight: Option<u32>,
    /// The full ids of what moves it.
    pub rollouts: Vec<String>,
    /// Why it is unknown, a sentence; else `null`.
    pub reason: Option<String>,
}

fn standing(cell: &Cell, release: Option<&Version>) -> (&'static str, Option<String>) {
    match release.map(|version| cell.standing(version)) {
        Some(Standing::Has { .. }) => ("has", None),
        Some(Standing::Arrives { .. }) => ("arrives", None),
        Some(Standing::Yields { .. }) => ("yields", None),
        Some(Standing::TakenBack { .. }) => ("taken_back", None),
        Some(Standing::Other { .. }) => ("other", None),
        Some(Standing::Unknown(why)) => ("unknown", Some(why)),
        None => ("unknown", Some("which version is the newest cannot be told".to_owned())),
    }
}

fn cell_out(cell: &Cell, release: Option<&Version>) -> CellOut {
    let (standing, reason) = standing(cell, release);
    let tag = |version: &Version| version.tag.clone();
    let arrives = cell.arrives();
    CellOut {
        environment: cell.environment.to_string(),
        wave: cell.wave.map(|wave| wave + 1),
        standing,
        serves: cell.serves().map(tag),
        since: cell.since(),
        arrives: arrives.and_then(|arrives| arrives.version.as_ref()).map(tag),
        weight: arrives.and_then(|Arrives { percent, .. }| *percent),
        rollouts: cell.shares.iter().map(|share| share.rollout.to_string()).collect(),
        reason,
    }
}

fn out(cells: &Cells, now: Timestamp) -> CellsOut {
    let release = cells.release();
    CellsOut {
        service: cells.service.to_string(),
        version: release.map(|version| version.tag.clone()),
        done: release.map(|version| cells.count(version).has),
        of: cells.all.len(),
        said: words::whole(cells, Some(now)),
        cells: cells.all.iter().map(|cell| cell_out(cell, release)).collect(),
    }
}

/// Those of what was named, or of everything.
pub fn all(model: &Model, name: Option<&str>) -> Vec<CellsOut> {
    let meant = |cells: &&Cells| name.is_none_or(|name| Named(name).is_of(&cells.service));
    cells::all(model).iter().filter(meant).map(|cells| out(cells, model.now)).collect()
}

/// In how many cells what a plan put there is now, a sentence for each service that has several: done on one of them is not done.
pub fn ended(model: &Model, plan: &Plan) -> Vec<String> {
    let mut of: Vec<&ServiceName> = Vec::new();
    let mut said = Vec::new();
    for one in plan.each().filter(|one| one.direction() != Direction::Still) {
        let Some(to) = one.draft.to.as_ref().filter(|_| !of.contains(&&one.service)) else { continue };
        if let Some(cells) = cells::of(model, &one.service, &one.environment) {
            of.push(&one.service);
            said.push(format!("{} {} is in {}", one.service, to.tag, words::cells(&cells, to, Some(model.now))));
        }
    }
    said
}
