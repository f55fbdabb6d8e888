//! Which two commits lie between what is live and what would be: what a forge is asked to compare. What it answers is kept elsewhere.

use crate::{
    app::{
        lineage::{Lineage, Release, Spot, Standing},
        model::Model,
        store::Store,
    },
    domain::{
        changes::Changes,
        gate::{Behind, Gate},
        ids::ServiceName,
        item::Item,
        object::ObjectId,
        observed::Fault,
        version::Version,
    },
    port::lookup::{Question, Topic},
};

/// What would be new somewhere: what one commit has that another one has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// A run of the repository that both are of.
    pub run: ObjectId,
    /// What is live.
    pub base: String,
    /// What would be.
    pub head: String,
}

impl Between {
    /// The question for it.
    pub fn question(self) -> Question {
        Question::Changes { run: self.run, base: self.base, head: self.head }
    }

    /// What was answered to it; `None` before there is an answer.
    pub fn answer<'a>(&self, store: &'a Store) -> Option<&'a Result<Changes, Fault>> {
        store.inside.changes(&self.base, &self.head)
    }
}

/// For a run and a gate: what is live in the first place that their release is not at and would go to. For a rollout: what is stable.
/// Nothing where a commit is not known, where they are the same, or where no system can be asked.
pub fn between(model: &Model, id: &ObjectId) -> Option<Between> {
    let (lineage, store) = (&model.lineage, &model.store);
    let release = lineage.release(store, id)?;
    let head = release.version.commit.clone()?;
    let base = match store.item(id)? {
        Item::Rollout(rollout) => known(lineage, release, rollout.stable.as_ref()?)?,
        Item::Gate(gate) => live(lineage, release, &[gate])?,
        Item::Run(_) => {
            let gates: Vec<&Gate> = release.gates.iter().filter_map(|id| store.gate(id)).collect();
            live(lineage, release, &gates)?
        }
    };
    let run = match store.item(id)? {
        Item::Run(run) => run.id.clone(),
        Item::Gate(gate) => match &gate.behind {
            Behind::Run(run) => run.clone(),
            Behind::Rollout(_) => built(model, release)?.clone(),
        },
        Item::Rollout(_) => built(model, release)?.clone(),
    };
    (base != head && compares(model, &run)).then_some(Between { run, base, head })
}

/// The same of two versions of a service: what the second one has that the first has not. Nothing where a commit is not known, where they
/// are the same, or where no system can be asked.
pub fn between_versions(model: &Model, service: &ServiceName, from: &Version, to: &Version) -> Option<Between> {
    let release = |version: &Version| model.lineage.of(service).iter().find(|one| one.version.is_same(version));
    let commit = |version: &Version| version.commit.clone().or_else(|| release(version)?.version.commit.clone());
    let (base, head) = (commit(from)?, commit(to)?);
    let run = [to, from].into_iter().find_map(|version| built(model, release(version)?))?.clone();
    (base != head).then_some(Between { run, base, head })
}

/// The newest run of a release of which its system can be asked.
fn built<'a>(model: &Model, release: &'a Release) -> Option<&'a ObjectId> {
    release.runs.iter().rev().find(|run| compares(model, run))
}

fn compares(model: &Model, run: &ObjectId) -> bool {
    model.session.sources.iter().any(|info| info.name == run.source && info.answers.contains(&Topic::Changes))
}

/// The commit of a version, from whatever else is known of it.
fn known(lineage: &Lineage, release: &Release, version: &Version) -> Option<String> {
    let same = || lineage.of(&release.service).iter().find(|other| other.version.is_same(version));
    version.commit.clone().or_else(|| same()?.version.commit.clone())
}

fn live(lineage: &Lineage, release: &Release, gates: &[&Gate]) -> Option<String> {
    let told = gates.iter().find_map(|gate| known(lineage, release, gate.live.as_ref()?));
    let serves = |spot: &Spot| matches!(spot.standing, Standing::Serves | Standing::Yields);
    let goes = |spot: &Spot| gates.is_empty() || gates.iter().any(|gate| gate.environment.meets(&spot.environment));
    let others = lineage.of(&release.service).iter().filter(|other| *other != release);
    let mut seen = others.filter(|other| other.spots.iter().any(|spot| serves(spot) && goes(spot)));
    told.or_else(|| seen.find_map(|other| other.version.commit.clone()))
}
