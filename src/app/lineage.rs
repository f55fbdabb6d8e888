//! The road of a release: which runs built it, which gates it waits at, where it serves or arrives. An index over what is in the store,
//! made anew for a service when something was told of it; it keeps ids, and says nothing that the store does not.
//!
//! Versions are joined as `Version::is_same` has it; a gate also by the run that waits behind it.

mod between;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    app::store::Store,
    domain::{
        gate::{Behind, Gate},
        ids::{EnvironmentName, ServiceName},
        item::Item,
        object::ObjectId,
        pipeline::{Run, RunStatus},
        rollout::{Phase, Rollout},
        version::Version,
    },
};

pub use self::between::{Between, between, between_versions};

/// What a version does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It serves, and nothing else is on its way in.
    Serves,
    /// It serves, and another one is on its way in.
    Yields,
    /// It is on its way in.
    Arrives,
    /// It was taken back, and may still be there.
    TakenBack,
}

/// A place that a version is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Where.
    pub environment: EnvironmentName,
    /// What brought it there.
    pub rollout: ObjectId,
    /// What it does there.
    pub standing: Standing,
}

impl Older {
    /// `older than 4.3.0, which is live in prod (run #813 built it later)`.
    pub fn words(&self) -> String {
        let by = match self.by {
            Evidence::Run(number) => format!("run #{number} built it later"),
            Evidence::Number => "by its number".to_owned(),
        };
        format!("older than {}, which is live in {} ({by})", self.live, self.environment)
    }
}

/// One version of a service, and its road.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Of which service.
    pub service: ServiceName,
    /// All that is known of what it is called.
    pub version: Version,
    /// The runs that built or deployed it, oldest first.
    pub runs: Vec<ObjectId>,
    /// The gates that it waits at.
    pub gates: Vec<ObjectId>,
    /// Where it is.
    pub spots: Vec<Spot>,
}

impl Release {
    /// Is it anywhere, or on its way?
    pub fn is_current(&self, store: &Store) -> bool {
        let moves = |id: &ObjectId| store.run(id).is_some_and(|run| !run.status.ended());
        !self.spots.is_empty() || !self.gates.is_empty() || self.runs.iter().any(moves)
    }
}

/// Why something counts as older than what is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The same pipeline built what is live later: the number of that run.
    Run(u64),
    /// Its release number is lower.
    Number,
}

/// Something older than what is live where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Older {
    /// Where.
    pub environment: EnvironmentName,
    /// What is live there.
    pub live: Version,
    /// How that is known.
    pub by: Evidence,
}

/// The releases of every service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lineage {
    services: BTreeMap<ServiceName, Vec<Release>>,
}

/// One thing that names a version.
enum Sighting<'a> {
    Run(&'a Run),
    Gate(&'a Gate),
    Spot(&'a Rollout, Standing),
}

impl Lineage {
    /// Makes these services' releases anew.
    pub fn rebuild(&mut self, store: &Store, services: &BTreeSet<ServiceName>) {
        for service in services {
            let releases = releases(store, service);
            if releases.is_empty() {
                self.services.remove(service);
            } else {
                self.services.insert(service.clone(), releases);
            }
        }
    }

    /// The releases of a service, the newest first as far as that can be told.
    pub fn of(&self, service: &ServiceName) -> &[Release] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }

    /// Every release, by service.
    pub fn all(&self) -> impl Iterator<Item = &Release> {
        self.services.values().flatten()
    }

    /// The release that an object belongs to.
    pub fn release(&self, store: &Store, id: &ObjectId) -> Option<&Release> {
        let item = store.item(id)?;
        let has = |release: &&Release| match item {
            Item::Run(_) => release.runs.contains(id),
            Item::Gate(_) => release.gates.contains(id),
            Item::Rollout(rollout) => {
                let version = rollout.canary.as_ref().or(rollout.stable.as_ref());
                version.is_some_and(|version| version.is_same(&release.version))
                    && release.spots.iter().any(|spot| spot.rollout == *id)
            }
        };
        self.of(item.service()).iter().find(has)
    }

    /// Is what this gate lets through older than what is live where it goes? (F20)
    pub fn older_than_live(&self, store: &Store, id: &ObjectId) -> Option<Older> {
        let gate = store.gate(id)?;
        let release = self.release(store, id)?;
        let there = |spot: &Spot| gate.environment.meets(&spot.environment);
        self.older(store, release, there).or_else(|| {
            // No rollout tells what is there, but the system that asks may.
            let live = gate.live.as_ref()?;
            let known = self.of(&release.service).iter().find(|other| other.version.is_same(live));
            let by = match known {
                Some(other) if other == release => None,
                Some(other) => is_older(store, release, other),
                None => by_number(&release.version, live),
            };
            Some(Older { environment: gate.environment.clone(), live: live.clone(), by: by? })
        })
    }

    /// Is what this run built older than what is live anywhere? Only of one that may still deploy it.
    pub fn overtaken(&self, store: &Store, id: &ObjectId) -> Option<Older> {
        let run = store.run(id)?;
        if run.status.ended() {
            return None;
        }
        let release = self.release(store, id)?;
        self.older(store, release, |_| true)
    }

    /// Is what this gate lets through of another major version than what is live where it goes? That, and both numbers.
    pub fn major_step(&self, store: &Store, gate: &Gate) -> Option<(Version, (u64, u64))> {
        let release = self.release(store, &gate.id)?;
        self.of(&release.service).iter().filter(|other| *other != release).find_map(|live| {
            let serves = |spot: &Spot| matches!(spot.standing, Standing::Serves | Standing::Yields);
            live.spots.iter().find(|spot| serves(spot) && gate.environment.meets(&spot.environment))?;
            Some((live.version.clone(), release.version.major_step(&live.version)?))
        })
    }

    /// What flies that a gate has to do with: what moves where it leads, and what it lets through, wherever that moves already (F10).
    pub fn flying<'a>(store: &'a Store, gate: &Gate) -> impl Iterator<Item = &'a Rollout> {
        let same = |rollout: &Rollout| {
            let pair = rollout.canary.as_ref().zip(gate.version.as_ref());
            pair.is_some_and(|(canary, version)| canary.is_same(version))
        };
        let of = store.rollouts().filter(|rollout| rollout.service == gate.service && rollout.in_flight());
        of.filter(move |rollout| gate.environment.meets(&rollout.environment) || same(rollout))
    }

    fn older(&self, store: &Store, release: &Release, there: impl Fn(&Spot) -> bool) -> Option<Older> {
        let serves = |spot: &&Spot| matches!(spot.standing, Standing::Serves | Standing::Yields) && there(spot);
        self.of(&release.service).iter().filter(|other| *other != release).find_map(|live| {
            let spot = live.spots.iter().find(serves)?;
            let by = is_older(store, release, live)?;
            Some(Older { environment: spot.environment.clone(), live: live.version.clone(), by })
        })
    }
}

fn is_older(store: &Store, one: &Release, live: &Release) -> Option<Evidence> {
    let runs = |release: &Release| -> Vec<&Run> { release.runs.iter().filter_map(|id| store.run(id)).collect() };
    let (own, theirs) = (runs(one), runs(live));
    // Numbers count within one pipeline only.
    let later = own.iter().filter_map(|run| {
        let same = theirs.iter().filter(|other| other.line() == run.line()).map(|other| other.number).max()?;
        Some(same.cmp(&own.iter().filter(|other| other.line() == run.line()).map(|other| other.number).max()?))
            .map(|order| (order, same))
    });
    let known: Vec<(Ordering, u64)> = later.collect();
    let newer_by_number = one.version.numbers().zip(live.version.numbers()).is_some_and(|(own, theirs)| own > theirs);
    if let Some((order, number)) = known.first() {
        // What was put back was run later, too: a higher number is newer all the same.
        return (*order == Ordering::Greater && !newer_by_number).then_some(Evidence::Run(*number));
    }
    by_number(&one.version, &live.version)
}

fn by_number(one: &Version, live: &Version) -> Option<Evidence> {
    (one.numbers()? < live.numbers()?).then_some(Evidence::Number)
}

fn releases(store: &Store, service: &ServiceName) -> Vec<Release> {
    let mut all: Vec<(&Version, Sighting<'_>)> = Vec::new();
    for rollout in store.rollouts().filter(|rollout| rollout.service == *service) {
        let flies = rollout.in_flight();
        if let Some(stable) = &rollout.stable {
            let standing = if flies { Standing::Yields } else { Standing::Serves };
            all.push((stable, Sighting::Spot(rollout, standing)));
        }
        if let Some(canary) = rollout.canary.as_ref().filter(|_| flies) {
            let standing = if rollout.phase == Phase::Aborted { Standing::TakenBack } else { Standing::Arrives };
            all.push((canary, Sighting::Spot(rollout, standing)));
        }
    }
    let runs = store.runs().filter(|run| run.service == *service);
    all.extend(runs.map(|run| (&run.version, Sighting::Run(run))));
    let gates: Vec<&Gate> = store.gates().filter(|gate| gate.service == *service).collect();
    let alone = gates.iter().filter(|gate| behind(store, gate).is_none());
    all.extend(alone.filter_map(|gate| Some((gate.version.as_ref()?, Sighting::Gate(gate)))));
    // Those that tell most first: what tells less joins what it is.
    all.sort_by_key(|(version, _)| (version.commit.is_none(), version.digest.is_none()));
    let mut found: Vec<Release> = Vec::new();
    for (version, sighting) in all {
        let place = found.iter().position(|release| release.version.is_same(version));
        let place = place.unwrap_or_else(|| {
            found.push(Release {
                service: service.clone(),
                version: version.clone(),
                runs: Vec::new(),
                gates: Vec::new(),
                spots: Vec::new(),
            });
            found.len() - 1
        });
        let Some(release) = found.get_mut(place) else { continue };
        release.version = release.version.clone().joined(version);
        match sighting {
            Sighting::Run(run) => release.runs.push(run.id.clone()),
            Sighting::Gate(gate) => release.gates.push(gate.id.clone()),
            Sighting::Spot(rollout, standing) => release.spots.push(Spot {
                environment: rollout.environment.clone(),
                rollout: rollout.id.clone(),
                standing,
            }),
        }
    }
    for gate in gates {
        let Some(run) = behind(store, gate) else { continue };
        if let Some(release) = found.iter_mut().find(|release| release.runs.contains(&run.id)) {
            release.gates.push(gate.id.clone());
            if let Some(version) = &gate.version {
                release.version = release.version.clone().joined(version);
            }
        }
    }
    for release in &mut found {
        release.runs.sort_by_cached_key(|id| store.run(id).map(|run| (run.started, run.number)));
        release.spots.sort_by(|a, b| (&a.environment, a.standing).cmp(&(&b.environment, b.standing)));
    }
    // A run names a commit, and what it built is newer than what was built before it.
    let began = |release: &Release| release.runs.last().and_then(|id| store.run(id)).map(|run| run.started);
    found.sort_by_cached_key(|release| {
        std::cmp::Reverse((began(release), release.version.numbers(), release.version.clone()))
    });
    found
}

/// The run that waits behind a gate, where it is known.
fn behind<'a>(store: &'a Store, gate: &Gate) -> Option<&'a Run> {
    match &gate.behind {
        Behind::Run(run) => store.run(run),
        Behind::Rollout(_) => None,
    }
}

/// The runs of a release that stand in its path: the newest of each pipeline.
pub fn stations<'a>(store: &'a Store, release: &Release) -> Vec<&'a Run> {
    let mut newest: Vec<&Run> = Vec::new();
    for run in release.runs.iter().filter_map(|id| store.run(id)) {
        match newest.iter_mut().find(|known| known.line() == run.line()) {
            Some(known) => *known = run,
            None => newest.push(run),
        }
    }
    newest.retain(|run| run.status != RunStatus::Skipped);
    newest
}

#[cfg(test)]
mod tests;
