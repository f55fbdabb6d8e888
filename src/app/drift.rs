//! How the settings of two environments of a service differ: whom to ask of them, and what their answers come to, name by name. Pure.
//!
//! What cannot be read is not known; it never counts as equal. Here must not live: values, which nobody tells us.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        model::Model,
        store::{SourceInfo, inside::Given},
    },
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        item::{Item, Noun},
        object::ObjectId,
        observed::FaultKind,
        offer::Risk,
        place::Place,
        rollout::Rollout,
        setting::{Content, Setting},
        time::Timestamp,
        version::Version,
    },
    port::lookup::{Question, Topic},
};

/// For so long an answer counts as new.
const FRESH: TimeDelta = TimeDelta::minutes(2);
/// Names that a sentence names.
const NAMED: usize = 3;
/// What environments before the last one are usually called, in the order in which a release comes by; a name begins so.
const USUAL: [(&str, u8); 14] = [
    ("local", 0),
    ("preview", 0),
    ("review", 0),
    ("dev", 1),
    ("ci", 2),
    ("int", 2),
    ("test", 3),
    ("qa", 3),
    ("uat", 4),
    ("accept", 4),
    ("stag", 5),
    ("stage", 5),
    ("pre", 6),
    ("sandbox", 1),
];
/// Of what is not in the table.
const LAST: u8 = 7;

/// Two environments of a service: where something goes, and the one that it is held against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Which service.
    pub service: ServiceName,
    /// Where it goes.
    pub here: EnvironmentName,
    /// With which that is compared.
    pub there: EnvironmentName,
}

/// Who is given a setting. Those of different layers are not compared with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The jobs of pipelines that deploy.
    Pipeline,
    /// What runs.
    Workload,
}

impl Layer {
    /// `pipelines`, `workloads`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pipeline => "pipelines",
            Self::Workload => "workloads",
        }
    }
}

/// How a setting is in one environment against the other; what matters most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is set where the release comes from, and not where it goes.
    MissingHere,
    /// Both have it, with other values.
    Differs,
    /// It is set where the release goes only.
    MissingThere,
    /// Both have it, and whether it is the same nobody tells.
    Hidden,
}

/// A setting as one source has it in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Who told it.
    pub source: &'a SourceName,
    /// Where it is.
    pub environment: &'a EnvironmentName,
    /// What it is.
    pub setting: &'a Setting,
}

/// A setting that is not known to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Who is given it.
    pub layer: Layer,
    /// What it is called.
    pub name: &'a str,
    /// How it differs.
    pub kind: Kind,
    /// Something could not be read where it seems to be missing.
    pub unsure: bool,
    /// It is meant to differ.
    pub expected: bool,
    /// What sets it where the release goes.
    pub here: Vec<Found<'a>>,
    /// What sets it in the other one.
    pub there: Vec<Found<'a>>,
}

/// How the settings of two environments differ, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift<'a> {
    /// Of which.
    pub pair: Pair,
    /// What differs or cannot be compared, by kind, layer and name; what is meant to differ last.
    pub rows: Vec<Row<'a>>,
    /// How many are the same in both.
    pub same: usize,
    /// What cannot be said, a sentence each.
    pub unknown: Vec<String>,
    /// Somebody has not answered yet.
    pub reading: bool,
    /// When the oldest of the answers came.
    pub at: Option<Timestamp>,
    /// Does what runs in the one go to the other?
    pub same_version: bool,
}

/// What is compared where somebody is about to let this through; nothing where no environment comes before the one that it goes to.
pub fn pair(model: &Model, id: &ObjectId) -> Option<Pair> {
    let item = model.store.item(id)?;
    let here = match item {
        Item::Gate(gate) => &gate.environment,
        Item::Rollout(rollout) => &rollout.environment,
        Item::Run(run) => {
            let release = model.lineage.release(&model.store, &run.id)?;
            &release.gates.iter().find_map(|id| model.store.gate(id))?.environment
        }
    };
    pair_of(model, item.service(), here, None)
}

/// The same of a service and an environment, against the one that is named, or else the one before it.
pub fn pair_of(
    model: &Model,
    service: &ServiceName,
    here: &EnvironmentName,
    there: Option<&EnvironmentName>,
) -> Option<Pair> {
    let comparing = &model.session.comparing;
    let said = there.or_else(|| comparing.services.get(service)?.from.as_ref());
    let there = said.cloned().or_else(|| before(model, service, here))?;
    let apart = !here.as_str().is_empty() && !here.meets(&there);
    apart.then(|| Pair { service: service.clone(), here: here.clone(), there })
}

/// The environments of a service, as far as they are known; those that are a part of another one are told as that.
pub fn environments(model: &Model, service: &ServiceName) -> BTreeSet<EnvironmentName> {
    let store = &model.store;
    let rollouts = store.rollouts().filter(|one| one.service == *service).map(|one| &one.environment);
    let gates = store.gates().filter(|one| one.service == *service).map(|one| &one.environment);
    let configured = model.session.comparing.environments.iter().map(|one| &one.name);
    let all: BTreeSet<&EnvironmentName> =
        rollouts.chain(gates).chain(configured).filter(|one| !one.as_str().is_empty()).collect();
    let part =
        |one: &EnvironmentName| all.iter().any(|other| other.meets(one) && other.as_str().len() < one.as_str().len());
    all.iter().filter(|one| !part(one)).map(|one| (*one).clone()).collect()
}

/// The environment that a release comes by last before this one.
fn before(model: &Model, service: &ServiceName, here: &EnvironmentName) -> Option<EnvironmentName> {
    let rank = |name: &EnvironmentName| (risk(model, name), usual(name));
    let own = rank(here);
    environments(model, service).into_iter().filter(|other| rank(other) < own).max_by_key(rank)
}

fn risk(model: &Model, name: &EnvironmentName) -> Risk {
    let known = model.session.comparing.environments.iter().filter(|known| known.name.meets(name));
    // Its own entry before that of what it is a part of.
    let nearest = known.filter(|known| known.name.as_str().len() <= name.as_str().len());
    nearest.max_by_key(|known| known.name.as_str().len()).map_or(Risk::High, |known| known.risk)
}

fn usual(name: &EnvironmentName) -> u8 {
    let name = name.as_str().to_ascii_lowercase();
    USUAL.iter().find(|(begin, _)| name.starts_with(begin)).map_or(LAST, |(_, rank)| *rank)
}

/// What is to be asked about a pair and has no new answer.
pub fn unread(model: &Model, pair: &Pair) -> Vec<(SourceName, Question)> {
    let is_new = |source: &SourceName, place: &Place| {
        model.store.inside.settings(source, place).is_some_and(|(given, _)| model.now - given.at < FRESH)
    };
    questions(model, pair).into_iter().filter(|(source, place)| !is_new(source, place)).map(asked).collect()
}

/// Everything that is asked about a pair.
pub fn questions(model: &Model, pair: &Pair) -> BTreeSet<(SourceName, Place)> {
    let of = |environment: &EnvironmentName| {
        let each = model.session.sources.iter().filter(|info| info.answers.contains(&Topic::Settings));
        let each = each.flat_map(|info| places(model, info, &pair.service, environment));
        each.collect::<Vec<_>>()
    };
    of(&pair.here).into_iter().chain(of(&pair.there)).collect()
}

/// The question about a place.
pub fn asked((source, place): (SourceName, Place)) -> (SourceName, Question) {
    (source, Question::Settings { service: place.service, environment: place.environment })
}

/// Who is given what a source tells of.
fn layer(info: &SourceInfo) -> Layer {
    let runs = info.inventories.iter().flatten().any(|(_, noun)| *noun == Noun::Rollout);
    if runs { Layer::Workload } else { Layer::Pipeline }
}

/// The places that a source is asked about for an environment: where it runs the service there, or the environment itself where it has
/// pipelines of the service.
fn places(
    model: &Model,
    info: &SourceInfo,
    service: &ServiceName,
    environment: &EnvironmentName,
) -> Vec<(SourceName, Place)> {
    let store = &model.store;
    let own = |id: &ObjectId| id.source == info.name;
    match layer(info) {
        Layer::Workload => {
            let is_one = |one: &&Rollout| own(&one.id) && one.service == *service && one.environment.meets(environment);
            let all: BTreeSet<Place> = store.rollouts().filter(is_one).map(Rollout::place).collect();
            all.into_iter().map(|place| (info.name.clone(), place)).collect()
        }
        Layer::Pipeline => {
            let has = store.runs().any(|run| own(&run.id) && run.service == *service)
                || store.gates().any(|gate| own(&gate.id) && gate.service == *service);
            has.then(|| (info.name.clone(), Place::of(service, environment))).into_iter().collect()
        }
    }
}

/// What one environment has in a layer.
#[derive(Default)]
struct Side<'a> {
    /// By name.
    found: BTreeMap<&'a str, Vec<Found<'a>>>,
    /// Somebody answered.
    told: bool,
    /// Somebody is yet to answer.
    reading: bool,
    /// What could not be read.
    gaps: Vec<String>,
    at: Option<Timestamp>,
}

impl<'a> Side<'a> {
    fn of(model: &'a Model, pair: &Pair, environment: &EnvironmentName, of: Layer) -> Self {
        let mut side = Self::default();
        let sources = model.session.sources.iter().filter(|info| info.answers.contains(&Topic::Settings));
        for info in sources.filter(|info| layer(info) == of) {
            for (source, place) in places(model, info, &pair.service, environment) {
                let Some((given, place)) = model.store.inside.settings(&source, &place) else {
                    side.reading = true;
                    continue;
                };
                side.take(&info.name, &place.environment, given, environment);
            }
        }
        side
    }

    fn take(
        &mut self,
        source: &'a SourceName,
        place: &'a EnvironmentName,
        given: &'a Given,
        environment: &EnvironmentName,
    ) {
        self.at = self.at.into_iter().chain([given.at]).min();
        match &given.fault {
            // There is nothing of it there, which the other sources of the layer may have.
            Some(fault) if fault.kind == FaultKind::Missing => return,
            Some(fault) => self.gaps.push(format!("settings of {environment} cannot be read: {}", fault.text)),
            None => {}
        }
        let Some(settings) = &given.settings else { return };
        self.told = true;
        self.gaps.extend(settings.unread.iter().cloned());
        for setting in &settings.all {
            let found = Found { source, environment: place, setting };
            self.found.entry(&setting.name).or_default().push(found);
        }
    }
}

/// How the settings of a pair differ, as far as was told.
pub fn drift<'a>(model: &'a Model, pair: &Pair) -> Drift<'a> {
    let mut drift = Drift {
        pair: pair.clone(),
        rows: Vec::new(),
        same: 0,
        unknown: Vec::new(),
        reading: false,
        at: None,
        same_version: false,
    };
    for layer in [Layer::Pipeline, Layer::Workload] {
        let (here, there) = (Side::of(model, pair, &pair.here, layer), Side::of(model, pair, &pair.there, layer));
        drift.reading |= here.reading || there.reading;
        drift.at = [drift.at, here.at, there.at].into_iter().flatten().min();
        drift.unknown.extend(here.gaps.iter().chain(&there.gaps).cloned());
        match (here.told, there.told) {
            (true, true) => compare(model, &mut drift, layer, &here, &there),
            (true, false) if !there.reading && there.gaps.is_empty() => {
                drift.unknown.push(nobody(layer, &pair.service, &pair.there));
            }
            (false, true) if !here.reading && here.gaps.is_empty() => {
                drift.unknown.push(nobody(layer, &pair.service, &pair.here));
            }
            _ => {}
        }
    }
    drift.rows.sort_by_key(|row| (row.expected, row.kind, row.layer, row.name));
    let mut seen = BTreeSet::new();
    drift.unknown.retain(|said| seen.insert(said.clone()));
    drift
}

/// That no source tells of a layer in an environment, though one does in the other.
fn nobody(layer: Layer, service: &ServiceName, environment: &EnvironmentName) -> String {
    format!("what {} of {service} are given in {environment} is not known: no connection tells of it", layer.words())
}

/// The same of something that goes somewhere; nothing where nothing is compared or nobody can be asked.
pub fn of<'a>(model: &'a Model, id: &ObjectId) -> Option<Drift<'a>> {
    let pair = pair(model, id)?;
    if questions(model, &pair).is_empty() {
        return None;
    }
    let version = match model.store.item(id)? {
        Item::Gate(gate) => gate.version.as_ref(),
        Item::Rollout(rollout) => rollout.canary.as_ref(),
        Item::Run(run) => Some(&run.version),
    };
    let serves = |version: &Version| {
        let there = |one: &&Rollout| one.service == pair.service && one.environment.meets(&pair.there);
        let mut there = model.store.rollouts().filter(there);
        there.any(|one| one.stable.as_ref().is_some_and(|stable| stable.is_same(version)))
    };
    Some(Drift { same_version: version.is_some_and(serves), ..drift(model, &pair) })
}

fn compare<'a>(model: &Model, drift: &mut Drift<'a>, layer: Layer, here: &Side<'a>, there: &Side<'a>) {
    let service = drift.pair.service.clone();
    let names: BTreeSet<&'a str> = here.found.keys().chain(there.found.keys()).copied().collect();
    for name in names {
        let of = |side: &Side<'a>| side.found.get(name).cloned().unwrap_or_default();
        let (ours, theirs) = (of(here), of(there));
        let (kind, unsure) = match (ours.is_empty(), theirs.is_empty()) {
            (true, _) => (Kind::MissingHere, !here.gaps.is_empty()),
            (_, true) => (Kind::MissingThere, !there.gaps.is_empty()),
            _ => match alike(&ours, &theirs) {
                None => (Kind::Hidden, false),
                Some(false) => (Kind::Differs, false),
                Some(true) => {
                    drift.same += 1;
                    continue;
                }
            },
        };
        let expected = model.session.comparing.expects(&service, name);
        drift.rows.push(Row { layer, name, kind, unsure, expected, here: ours, there: theirs });
    }
}

/// Do two environments give a name the same values? Not known where one of them is hidden, unless both have the very same settings.
fn alike(here: &[Found<'_>], there: &[Found<'_>]) -> Option<bool> {
    let values = |found: &[Found<'_>]| found.iter().map(|one| one.setting.content).collect::<BTreeSet<Content>>();
    let (here, there) = (values(here), values(there));
    let unnamed = here.contains(&Content::Hidden) || there.contains(&Content::Hidden);
    if here == there && !unnamed {
        return Some(true);
    }
    let hidden = here.union(&there).any(|content| content.is_hidden());
    (!hidden).then_some(false)
}

impl Row<'_> {
    /// `FEATURE_X`, or `FEATURE_X (not set in prod)`.
    pub fn words(&self, pair: &Pair) -> String {
        let seems = if self.unsure { "perhaps not set" } else { "not set" };
        match self.kind {
            Kind::Differs => self.name.to_owned(),
            Kind::MissingHere => format!("{} ({seems} in {})", self.name, pair.here),
            Kind::MissingThere => format!("{} ({seems} in {})", self.name, pair.there),
            Kind::Hidden => format!("{} (cannot be compared)", self.name),
        }
    }
}

impl Drift<'_> {
    /// What is known to differ and is not meant to.
    pub fn differing(&self) -> impl Iterator<Item = &Row<'_>> {
        self.rows.iter().filter(|row| !row.expected && row.kind != Kind::Hidden)
    }

    /// How many cannot be compared.
    pub fn hidden(&self) -> usize {
        self.rows.iter().filter(|row| !row.expected && row.kind == Kind::Hidden).count()
    }

    /// Was anything compared with anything?
    pub fn is_compared(&self) -> bool {
        self.same > 0 || !self.rows.is_empty()
    }

    /// Is there nothing to be said: no system that answered has a setting of it?
    pub fn is_empty(&self) -> bool {
        !self.reading && self.unknown.is_empty() && self.rows.is_empty() && self.same == 0
    }

    /// `same artifact, 3 settings differ from staging: FEATURE_X, LIMIT (not set in prod), MODE`; what is not known is said behind that.
    pub fn words(&self) -> String {
        let (here, there) = (&self.pair.here, &self.pair.there);
        let differing: Vec<String> = self.differing().map(|row| row.words(&self.pair)).collect();
        let compared = self.is_compared();
        let said = match differing.len() {
            0 if self.reading && !compared => format!("settings of {here} and {there} are being read"),
            0 if !compared => format!("whether settings differ from {there} is not known"),
            0 => format!("no setting is known to differ from {there}, {} are the same", self.same),
            1 => format!("1 setting differs from {there}: {}", named(&differing)),
            count => format!("{count} settings differ from {there}: {}", named(&differing)),
        };
        let artifact = if self.same_version && !differing.is_empty() { "same artifact, " } else { "" };
        let hidden = match self.hidden() {
            0 => String::new(),
            1 => "; 1 cannot be compared".to_owned(),
            count => format!("; {count} cannot be compared"),
        };
        let unknown = match self.unknown.split_first() {
            None => String::new(),
            Some((first, [])) => format!("; {first}"),
            Some((first, more)) => format!("; {first}; and {} more cannot be said", more.len()),
        };
        let reading = if self.reading && compared { "; more is being read" } else { "" };
        format!("{artifact}{said}{hidden}{unknown}{reading}")
    }
}

fn named(all: &[String]) -> String {
    let more = all.len().saturating_sub(NAMED);
    let first = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests;
