//! What was observed, by source. An error is a value here; it never clears the last good one.

pub mod cached;
pub mod inside;
mod keepers;
mod known;
mod measured;
mod merge;
mod older;
pub mod preflights;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::measured::Places;
use self::{cached::Cache, inside::Inside, keepers::Keepers, known::Known, measured::Measured, preflights::Preflights};
use crate::{
    domain::{
        gate::Gate,
        ids::{ServiceName, SourceName},
        item::{Item, Noun},
        object::{Family, ObjectId},
        observed::{Fault, Freshness, Observed},
        pipeline::Run,
        place::{Coverage, Place},
        rollout::Rollout,
        signal::ServiceSignals,
        time::Timestamp,
        upkeep::Upkeep,
    },
    judge::gaps::Unread,
    port::{
        facet::Window,
        inventory::{Extent, Part, Scope},
        lookup::Topic,
    },
};

/// How long signals are kept at least; they go up to an hour later.
pub const KEPT: Duration = Duration::from_hours(24);

/// What a source has, as the status bar and `status --json` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// Which connection.
    pub source: SourceName,
    /// The worst of its facets.
    pub freshness: Freshness,
    /// The age of the oldest of its facets.
    pub age: Option<Duration>,
    /// What went wrong last.
    pub fault: Option<Fault>,
    /// What of it could not be read though the rest was, a sentence each.
    pub unread: Vec<String>,
    /// Within what time it is to be heard of again, as things are now: what is idle is read less often.
    pub every: Duration,
    /// What is left of its request budget, in percent.
    pub budget_percent: Option<u8>,
}

impl SourceState {
    /// Was everything read that it has, and is that still so?
    pub fn is_whole(&self) -> bool {
        self.freshness == Freshness::Live && self.unread.is_empty()
    }
}

/// A connection that the cockpit was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its name.
    pub name: SourceName,
    /// Its inventories: the families that each tells of, and what their objects are.
    pub inventories: Vec<Vec<(Family, Noun)>>,
    /// What it can be asked about.
    pub answers: Vec<Topic>,
    /// How often it is meant to be read.
    pub interval: Duration,
    /// Of which environments it tells when it is asked about something.
    #[serde(default)]
    pub coverage: Coverage,
}

impl SourceInfo {
    /// Can it be asked for signals?
    pub fn measures(&self) -> bool {
        self.answers.contains(&Topic::Signals)
    }
}

/// Everything observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    inventories: BTreeMap<(SourceName, Family), Known>,
    /// Each object, and the scope that it was told of.
    items: BTreeMap<ObjectId, (Scope, Item)>,
    /// What some of them keep by themselves.
    upkeep: BTreeMap<ObjectId, Upkeep>,
    /// The insides of runs.
    pub inside: Inside,
    /// What stands in the way of versions, and what is kept of images.
    pub preflights: Preflights,
    measured: Measured,
    keepers: Keepers,
    budgets: BTreeMap<SourceName, f64>,
    /// What is known from cache only.
    cache: Cache,
}

impl Store {
    /// Nothing observed yet, of these sources.
    pub fn of(sources: &[SourceInfo]) -> Self {
        let mut store = Self::default();
        for info in sources {
            for tells in &info.inventories {
                let Some((name, _)) = tells.first() else { continue };
                let known = Known { tells: tells.clone(), interval: info.interval, ..Known::default() };
                store.inventories.insert((info.name.clone(), name.clone()), known);
            }
            if info.measures() {
                store.measured.add(info);
            }
            store.keepers.add(info);
        }
        store
    }

    /// Takes which scopes an inventory has. What was told of one that it has no longer is gone.
    pub fn take_scopes(&mut self, source: &SourceName, inventory: &Family, scopes: Result<Vec<Scope>, Fault>) {
        let Some(known) = self.inventories.get_mut(&(source.clone(), inventory.clone())) else { return };
        let scopes = match scopes {
            Ok(scopes) => scopes,
            Err(fault) => {
                known.fault = Some(fault);
                return;
            }
        };
        (known.discovered, known.fault) = (true, None);
        let still = |name: &String| scopes.iter().any(|scope| scope.name == *name);
        known.scopes.retain(|name, _| still(name));
        known.unread.retain(|(name, _), _| still(name));
        for scope in scopes {
            known.scopes.entry(scope.name).or_insert_with(|| Observed::never(source.clone(), known.interval));
        }
        let Known { scopes, .. } = known;
        self.cache.discovered(source, inventory, |name| scopes.contains_key(name));
        self.items.retain(|id, (scope, _)| {
            id.source != *source || scope.inventory != *inventory || scopes.contains_key(&scope.name)
        });
        self.note_places();
    }

    /// Notes where services run: by that it is told of what signals are.
    fn note_places(&mut self) {
        let rollouts = self.items.values().filter_map(|(_, item)| item.rollout());
        self.measured.note_places(rollouts.map(|rollout| (&rollout.service, &rollout.environment)));
    }

    /// Takes what was told of a scope, when, and by when it is told again. One of a source that the cockpit was not started with is
    /// not taken.
    pub fn take(
        &mut self,
        source: &SourceName,
        scope: &Scope,
        (at, due): (Timestamp, Timestamp),
        parts: Result<Vec<Part>, Fault>,
    ) {
        let Some(known) = self.inventories.get_mut(&(source.clone(), scope.inventory.clone())) else { return };
        let tells = known.tells_of(&[Noun::Rollout]);
        let Some(seen) = known.scopes.get_mut(&scope.name) else { return };
        let parts = match parts {
            Ok(parts) => parts,
            Err(fault) => return seen.failed(fault),
        };
        for part in parts {
            self.cache.heard(source, scope, &part);
            if let Some(unread) = part.unread {
                known.unread.insert((scope.name.clone(), part.family.clone()), unread);
            }
            if part.extent == Extent::Whole {
                seen.value = Some(());
                self.items.retain(|id, (of, _)| id.source != *source || id.family != part.family || of != scope);
            }
            for id in part.gone {
                self.items.remove(&id);
            }
            for item in part.items {
                self.upkeep.remove(item.id());
                self.items.insert(item.id().clone(), (scope.clone(), item));
            }
            self.upkeep.extend(part.upkeep.into_iter().map(|upkeep| (upkeep.by.clone(), upkeep)));
        }
        // A sign of life, or a change, before the first whole proves nothing about what there is.
        if seen.value.is_some() {
            seen.confirmed_until(at, due);
        }
        if tells {
            self.note_places();
        }
    }

    /// The services of which something may change by what these parts tell of a scope: of what is known there now.
    pub fn services_of(&self, source: &SourceName, scope: &Scope, parts: &[Part]) -> BTreeSet<ServiceName> {
        let changes = |id: &ObjectId, of: &Scope| {
            id.source == *source
                && of == scope
                && parts.iter().any(|part| {
                    part.family == id.family
                        && (part.extent == Extent::Whole
                            || part.gone.contains(id)
                            || part.items.iter().any(|item| item.id() == id))
                })
        };
        let those = self.items.iter().filter(|(id, (of, _))| changes(id, of));
        those.map(|(_, (_, item))| item.service().clone()).collect()
    }

    /// The services that a source tells of.
    pub fn services(&self, source: &SourceName) -> impl Iterator<Item = ServiceName> {
        let own = self.items.iter().filter(move |(id, _)| id.source == *source);
        own.map(|(_, (_, item))| item.service().clone())
    }

    /// What keeps this as its source says, by itself.
    pub fn upkeep_of(&self, rollout: &Rollout) -> impl Iterator<Item = &Upkeep> {
        let there = |upkeep: &&Upkeep| self.items.contains_key(&upkeep.by);
        self.upkeep.values().filter(there).filter(|upkeep| upkeep.has(&rollout.id, &rollout.environment))
    }

    /// The scope that an object was told of.
    pub fn scope(&self, id: &ObjectId) -> Option<&Scope> {
        self.items.get(id).map(|(scope, _)| scope)
    }

    /// Takes signals: points of the window replace those known in it, others stay, the oldest go.
    pub fn take_signals(
        &mut self,
        source: &SourceName,
        at: Timestamp,
        window: Window,
        signals: Result<Vec<ServiceSignals>, Fault>,
    ) {
        self.measured.take(source, at, window, signals);
    }

    /// Takes signals that an earlier process kept. That proves nothing about the source: it is as fresh as it was. False
    /// where the cockpit was not started with it.
    pub fn restore_signals(&mut self, source: &SourceName, window: Window, signals: ServiceSignals) -> bool {
        self.measured.restore(source, window, signals)
    }

    /// Has every source of rollouts told at least once what there is?
    pub fn knows_all_rollouts(&self) -> bool {
        self.telling(&[Noun::Rollout])
            .all(|known| known.all(|seen| seen.observed_at.is_some()) && known.unread().is_empty())
    }

    /// Has any source told at least once what is in flight or what waits?
    pub fn knows_anything(&self) -> bool {
        let mut known = self.telling(&[Noun::Rollout, Noun::Gate]);
        known.any(|known| known.scopes.values().any(|seen| seen.observed_at.is_some()))
    }

    /// What the objects of a family are.
    pub fn noun(&self, source: &SourceName, family: &Family) -> Option<Noun> {
        let of_source = self.inventories.iter().filter(|((of, _), _)| of == source);
        let mut tells = of_source.flat_map(|(_, known)| &known.tells);
        tells.find(|(of, _)| of == family).map(|(_, noun)| *noun)
    }

    /// Does any connection tell of these?
    pub fn tells_of(&self, noun: Noun) -> bool {
        self.inventories.values().any(|known| known.tells_of(&[noun]))
    }

    /// The inventories that tell of any of these.
    fn telling(&self, nouns: &'static [Noun]) -> impl Iterator<Item = &Known> {
        self.inventories.values().filter(|known| known.tells_of(nouns))
    }

    /// Takes what is left of a request budget.
    pub fn take_budget(&mut self, source: SourceName, left: f64) {
        self.budgets.insert(source, left.clamp(0.0, 1.0));
    }

    /// What is left of a source's request budget, 0 to 1, where it was told.
    pub fn budget(&self, source: &SourceName) -> Option<f64> {
        self.budgets.get(source).copied()
    }

    /// One object.
    pub fn item(&self, id: &ObjectId) -> Option<&Item> {
        self.items.get(id).map(|(_, item)| item)
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().map(|(_, item)| item)
    }

    /// Every rollout, by id.
    pub fn rollouts(&self) -> impl Iterator<Item = &Rollout> {
        self.items().filter_map(Item::rollout)
    }

    /// Has every source of rollouts answered once, well or badly?
    pub fn has_looked_for_rollouts(&self) -> bool {
        let answered = |seen: &Observed<()>| seen.observed_at.is_some() || seen.last_error.is_some();
        self.telling(&[Noun::Rollout]).all(|known| known.fault.is_some() || known.all(answered))
    }

    /// One rollout.
    pub fn rollout(&self, id: &ObjectId) -> Option<&Rollout> {
        self.item(id)?.rollout()
    }

    /// Every gate that a system told us of, by id.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.items().filter_map(Item::gate)
    }

    /// Every run that a system told us of, by id.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.items().filter_map(Item::run)
    }

    /// One gate.
    pub fn gate(&self, id: &ObjectId) -> Option<&Gate> {
        self.item(id)?.gate()
    }

    /// One run.
    pub fn run(&self, id: &ObjectId) -> Option<&Run> {
        self.item(id)?.run()
    }

    /// Why nothing is known of the signals of a rollout's place but what an earlier process kept: nothing measures, nothing that
    /// does covers it, it cannot be told what is of this place, or what does has not answered in this process. `None` once it has.
    pub fn unread_signals(&self, rollout: &Rollout) -> Option<Unread> {
        self.measured.unread(&rollout.service, &rollout.environment)
    }

    /// The signals of a rollout's place, and the source they came through.
    pub fn signals(&self, rollout: &Rollout) -> Option<(&SourceName, &ServiceSignals)> {
        self.measured.signals(&rollout.service, &rollout.environment)
    }

    /// A number that changes with the signals of a place that had ended before: where it is the same, what was new was only
    /// added behind what was known.
    pub fn rewrites(&self, source: &SourceName, signals: &ServiceSignals) -> u64 {
        self.measured.rewrites(source, signals)
    }

    /// Everything of a place that ended by then is packed and not at hand; `None` where everything is at hand.
    pub fn packed_until(&self, source: &SourceName, signals: &ServiceSignals) -> Option<Timestamp> {
        self.measured.packed_until(source, signals)
    }

    /// The signals of a place with everything that is packed.
    pub fn whole(&self, source: &SourceName, signals: &ServiceSignals) -> ServiceSignals {
        self.measured.whole(source, signals)
    }

    /// Takes for how long back limits are held to points of series.
    pub fn limits_reach(&mut self, back: Duration) {
        self.measured.limits_reach(back);
    }

    /// The sources of signals, with how each was observed.
    pub fn signal_sources(&self) -> impl Iterator<Item = (&SourceName, &Observed<Places>)> {
        self.measured.seen()
    }

    /// Takes that a source of lines or images answered, or why not.
    pub fn take_lines(&mut self, source: &SourceName, at: Timestamp, told: Result<(), Fault>) {
        self.keepers.take(source, at, told);
    }

    /// The sources of lines or images that tell of nothing by themselves, and have not proven for a while that they are alive.
    pub fn silent_keepers(&self, now: Timestamp) -> impl Iterator<Item = &SourceName> {
        self.keepers.silent(now)
    }

    /// Each source of signals that covers a place, with the place as it is asked about it.
    pub fn asked_of(&self, place: &Place) -> impl Iterator<Item = (&SourceName, Place)> {
        self.measured.asked_of(place)
    }

    /// Freshness, age and fault of the observation that a target comes from; of all that could tell of it where it is not
    /// known.
    pub fn target_state(&self, target: &ObjectId, now: Timestamp) -> Option<SourceState> {
        if let Some((scope, _)) = self.items.get(target) {
            let known = self.inventories.get(&(target.source.clone(), scope.inventory.clone()))?;
            return known.scopes.get(&scope.name).map(|seen| state(seen, now));
        }
        let tells = |known: &&Known| known.tells.iter().any(|(family, _)| *family == target.family);
        let mut of_source = self.inventories.iter().filter(|((source, _), _)| *source == target.source);
        of_source.find(|(_, known)| tells(known)).map(|((source, _), known)| known.state(source, now))
    }

    /// When what is known of a target was last confirmed.
    pub fn observed_at(&self, target: &ObjectId) -> Option<Timestamp> {
        let (scope, _) = self.items.get(target)?;
        let known = self.inventories.get(&(target.source.clone(), scope.inventory.clone()))?;
        known.scopes.get(&scope.name)?.observed_at
    }

    /// What could not be read of those parts that could tell of a noun, a sentence each.
    pub fn unread(&self, noun: Noun) -> impl Iterator<Item = String> {
        self.inventories.values().filter(move |known| known.tells_of(&[noun])).flat_map(Known::unread)
    }

    /// Every source, with the worst of its facets, in the order of their names.
    pub fn sources(&self, now: Timestamp) -> Vec<SourceState> {
        let signals = self.measured.seen().map(|(_, seen)| state(seen, now));
        let all = self.inventories.iter().map(|((source, _), known)| known.state(source, now));
        let keepers = self.keepers.seen().map(|seen| state(seen, now));
        self.worst(all.chain(signals).chain(keepers))
    }

    /// As [`Self::sources`], of those that tell what is in flight and what waits: while one of them is not live and whole,
    /// something may be there that is not known.
    pub fn inventories(&self, now: Timestamp) -> Vec<SourceState> {
        self.inventories_of(&[Noun::Rollout, Noun::Gate], now)
    }

    /// The same, of those that tell of any of these.
    pub fn inventories_of(&self, nouns: &[Noun], now: Timestamp) -> Vec<SourceState> {
        let telling = self.inventories.iter().filter(|(_, known)| known.tells_of(nouns));
        self.worst(telling.map(|((source, _), known)| known.state(source, now)))
    }

    fn worst(&self, states: impl Iterator<Item = SourceState>) -> Vec<SourceState> {
        let mut all: BTreeMap<SourceName, SourceState> = BTreeMap::new();
        for mut one in states {
            one.budget_percent = self.budgets.get(&one.source).map(|left| percent(*left));
            match all.get_mut(&one.source) {
                Some(worst) => {
                    // Two inventories may lack the same.
                    let own = worst.unread.split_off(0);
                    let more = one.unread.split_off(0).into_iter().filter(|said| !own.contains(said)).collect();
                    let unread = [own, more].concat();
                    if worse(&one, worst) {
                        *worst = one;
                    }
                    worst.unread = unread;
                }
                None => {
                    all.insert(one.source.clone(), one);
                }
            }
        }
        all.into_values().collect()
    }
}

/// The share as a whole percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before")]
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}

fn worse(one: &SourceState, other: &SourceState) -> bool {
    // Failing is worse than never: something is known to be wrong.
    let rank = |state: &SourceState| match state.freshness {
        Freshness::Live => 0,
        Freshness::Never => 1,
        Freshness::Stale => 2,
        Freshness::Failing => 3,
    };
    (rank(one), one.age) > (rank(other), other.age)
}

fn state<T>(seen: &Observed<T>, now: Timestamp) -> SourceState {
    SourceState {
        source: seen.source.clone(),
        freshness: seen.freshness(now),
        age: seen.age(now),
        fault: seen.last_error.clone(),
        unread: Vec::new(),
        every: seen.interval,
        budget_percent: None,
    }
}
