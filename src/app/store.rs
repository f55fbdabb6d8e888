//! What was observed, by source. An error is a value here; it never clears the last good one.

mod merge;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        gate::Gate,
        ids::{ServiceName, SourceName},
        object::{Family, ObjectId},
        observed::{Fault, Freshness, Observed},
        pipeline::{Job, Run},
        rollout::Rollout,
        signal::ServiceSignals,
        time::Timestamp,
    },
    port::facet::{Change, Window},
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
    /// What is left of its request budget, in percent.
    pub budget_percent: Option<u8>,
}

/// A connection that the cockpit was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its name.
    pub name: SourceName,
    /// The families of rollouts it offers.
    pub engines: Vec<Family>,
    /// Does it offer gates?
    pub gates: bool,
    /// Does it offer pipelines?
    pub pipelines: bool,
    /// Does it offer metrics?
    pub metrics: bool,
    /// How often it is meant to be read.
    pub interval: Duration,
}

/// Everything observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    rollouts: BTreeMap<(SourceName, Family), Observed<BTreeMap<ObjectId, Rollout>>>,
    gates: BTreeMap<SourceName, Observed<Vec<Gate>>>,
    runs: BTreeMap<SourceName, Observed<Vec<Run>>>,
    jobs: BTreeMap<ObjectId, Vec<Job>>,
    signals: BTreeMap<SourceName, Observed<BTreeMap<ServiceName, ServiceSignals>>>,
    /// How often what was folded of a service's signals ceased to hold.
    rewrites: BTreeMap<(SourceName, ServiceName), u64>,
    budgets: BTreeMap<SourceName, f64>,
}

impl Store {
    /// Nothing observed yet, of these sources.
    pub fn of(sources: &[SourceInfo]) -> Self {
        let mut store = Self::default();
        for info in sources {
            for engine in &info.engines {
                let never = Observed::never(info.name.clone(), info.interval);
                store.rollouts.insert((info.name.clone(), engine.clone()), never);
            }
            if info.gates {
                store.gates.insert(info.name.clone(), Observed::never(info.name.clone(), info.interval));
            }
            if info.pipelines {
                store.runs.insert(info.name.clone(), Observed::never(info.name.clone(), info.interval));
            }
            if info.metrics {
                store.signals.insert(info.name.clone(), Observed::never(info.name.clone(), info.interval));
            }
        }
        store
    }

    /// Takes what a list or watch of rollouts told. A source that the cockpit was not started with is not taken.
    pub fn take_rollouts(
        &mut self,
        source: &SourceName,
        family: &Family,
        at: Timestamp,
        change: Result<Change, Fault>,
    ) {
        let Some(seen) = self.rollouts.get_mut(&(source.clone(), family.clone())) else { return };
        match change {
            Err(fault) => seen.failed(fault),
            Ok(Change::All(all)) => seen.saw(at, all.into_iter().map(|one| (one.id.clone(), one)).collect()),
            Ok(Change::One(one)) => {
                seen.value.get_or_insert_default().insert(one.id.clone(), *one);
                seen.confirmed(at);
            }
            Ok(Change::Gone(id)) => {
                seen.value.get_or_insert_default().remove(&id);
                seen.confirmed(at);
            }
            // Alive before the first list proves nothing about what there is.
            Ok(Change::Alive) if seen.value.is_some() => seen.confirmed(at),
            Ok(Change::Alive) => {}
        }
    }

    /// Takes a list of gates.
    pub fn take_gates(&mut self, source: &SourceName, at: Timestamp, gates: Result<Vec<Gate>, Fault>) {
        take(self.gates.get_mut(source), at, gates);
    }

    /// Takes a list of runs.
    pub fn take_runs(&mut self, source: &SourceName, at: Timestamp, runs: Result<Vec<Run>, Fault>) {
        take(self.runs.get_mut(source), at, runs);
    }

    /// Takes the jobs of a run; a failed read keeps the ones known.
    pub fn take_jobs(&mut self, run: ObjectId, jobs: Result<Vec<Job>, Fault>) {
        if let Ok(jobs) = jobs {
            self.jobs.insert(run, jobs);
        }
    }

    /// Takes signals: points of the window replace those known in it, others stay, the oldest go.
    pub fn take_signals(
        &mut self,
        source: &SourceName,
        at: Timestamp,
        window: Window,
        signals: Result<Vec<ServiceSignals>, Fault>,
    ) {
        let Some(seen) = self.signals.get_mut(source) else { return };
        match signals {
            Err(fault) => seen.failed(fault),
            Ok(signals) => {
                let known = seen.value.get_or_insert_default();
                for new in signals {
                    take_service(known, new, window, (source, &mut self.rewrites));
                }
                seen.confirmed(at);
            }
        }
    }

    /// Takes signals that an earlier process kept. That proves nothing about the source: it is as fresh as it was. False
    /// where the cockpit was not started with it.
    pub fn restore_signals(&mut self, source: &SourceName, window: Window, signals: ServiceSignals) -> bool {
        let Some(seen) = self.signals.get_mut(source) else { return false };
        take_service(seen.value.get_or_insert_default(), signals, window, (source, &mut self.rewrites));
        true
    }

    /// Has every source of rollouts told at least once what there is?
    pub fn knows_all_rollouts(&self) -> bool {
        self.rollouts.values().all(|seen| seen.observed_at.is_some())
    }

    /// Has any source told at least once what is in flight or what waits?
    pub fn knows_anything(&self) -> bool {
        self.rollouts.values().any(|seen| seen.observed_at.is_some())
            || self.gates.values().any(|seen| seen.observed_at.is_some())
    }

    /// Takes what is left of a request budget.
    pub fn take_budget(&mut self, source: SourceName, left: f64) {
        self.budgets.insert(source, left.clamp(0.0, 1.0));
    }

    /// What is left of a source's request budget, 0 to 1, where it was told.
    pub fn budget(&self, source: &SourceName) -> Option<f64> {
        self.budgets.get(source).copied()
    }

    /// Every rollout, by id.
    pub fn rollouts(&self) -> impl Iterator<Item = &Rollout> {
        self.rollouts.values().filter_map(|seen| seen.value.as_ref()).flat_map(BTreeMap::values)
    }

    /// Has every source of rollouts answered once, well or badly?
    pub fn has_looked_for_rollouts(&self) -> bool {
        self.rollouts.values().all(|seen| seen.observed_at.is_some() || seen.last_error.is_some())
    }

    /// One rollout.
    pub fn rollout(&self, id: &ObjectId) -> Option<&Rollout> {
        self.rollouts.get(&(id.source.clone(), id.family.clone()))?.value.as_ref()?.get(id)
    }

    /// How a rollout was observed: its freshness is its source's.
    pub fn seen_rollout(&self, id: &ObjectId) -> Option<&Observed<BTreeMap<ObjectId, Rollout>>> {
        self.rollouts.get(&(id.source.clone(), id.family.clone()))
    }

    /// Every gate that a system told us of.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.values().filter_map(|seen| seen.value.as_ref()).flatten()
    }

    /// Every run that a system told us of.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter_map(|seen| seen.value.as_ref()).flatten()
    }

    /// One gate.
    pub fn gate(&self, id: &ObjectId) -> Option<&Gate> {
        self.gates().find(|gate| gate.id == *id)
    }

    /// One run.
    pub fn run(&self, id: &ObjectId) -> Option<&Run> {
        self.runs().find(|run| run.id == *id)
    }

    /// The jobs of a run, where they were read.
    pub fn jobs(&self, run: &ObjectId) -> Option<&[Job]> {
        self.jobs.get(run).map(Vec::as_slice)
    }

    /// Why nothing is known of a service's signals but what an earlier process kept, as a sentence: nothing measures, or what
    /// does has not answered in this process. `None` once it has.
    pub fn unread_signals(&self, service: &ServiceName) -> Option<String> {
        if self.signals.is_empty() {
            let add = "add a [connections.NAME] block with kind = \"prometheus\" to the configuration";
            return Some(format!("no metrics are connected, so nothing can be judged: {add}"));
        }
        let of_service = self.signals(service).map(|(source, _)| source);
        let mut asked = self.signals.iter().filter(|(source, _)| of_service.is_none_or(|of| of == *source));
        let (source, seen) = asked.find(|(_, seen)| seen.observed_at.is_none())?;
        Some(match &seen.last_error {
            Some(fault) => format!("{source} has not answered: {fault}"),
            None => format!("{source} has not answered yet"),
        })
    }

    /// The signals of a service, and the source they came through.
    pub fn signals(&self, service: &ServiceName) -> Option<(&SourceName, &ServiceSignals)> {
        self.signals.iter().find_map(|(source, seen)| Some((source, seen.value.as_ref()?.get(service)?)))
    }

    /// A number that changes with the signals of a service that had ended before: where it is the same, what was new was only
    /// added behind what was known.
    pub fn rewrites(&self, source: &SourceName, service: &ServiceName) -> u64 {
        self.rewrites.get(&(source.clone(), service.clone())).copied().unwrap_or_default()
    }

    /// The sources of signals, with how each was observed.
    pub fn signal_sources(
        &self,
    ) -> impl Iterator<Item = (&SourceName, &Observed<BTreeMap<ServiceName, ServiceSignals>>)> {
        self.signals.iter()
    }

    /// Freshness, age and fault of the observation that a target comes from.
    pub fn target_state(&self, target: &ObjectId, now: Timestamp) -> Option<SourceState> {
        let gates = || self.gates.get(&target.source).filter(|_| target.family == Family::gate());
        let runs = || self.runs.get(&target.source).filter(|_| target.family == Family::run());
        let rollout = self.seen_rollout(target).map(|seen| state(seen, now));
        rollout.or_else(|| gates().map(|seen| state(seen, now))).or_else(|| runs().map(|seen| state(seen, now)))
    }

    /// Every source, with the worst of its facets, in the order of their names.
    pub fn sources(&self, now: Timestamp) -> Vec<SourceState> {
        let runs = self.runs.values().map(|seen| state(seen, now));
        let signals = self.signals.values().map(|seen| state(seen, now));
        self.worst(self.inventories(now).into_iter().chain(runs).chain(signals))
    }

    /// As [`Self::sources`], of those that tell what is in flight and what waits: while one of them is not live, something may
    /// be there that is not known.
    pub fn inventories(&self, now: Timestamp) -> Vec<SourceState> {
        let rollouts = self.rollouts.values().map(|seen| state(seen, now));
        self.worst(rollouts.chain(self.gates.values().map(|seen| state(seen, now))))
    }

    fn worst(&self, states: impl Iterator<Item = SourceState>) -> Vec<SourceState> {
        let mut all: BTreeMap<SourceName, SourceState> = BTreeMap::new();
        for mut one in states {
            one.budget_percent = self.budgets.get(&one.source).map(|left| percent(*left));
            match all.get_mut(&one.source) {
                Some(worst) if worse(&one, worst) => *worst = one,
                Some(_) => {}
                None => {
                    all.insert(one.source.clone(), one);
                }
            }
        }
        all.into_values().collect()
    }
}

fn take_service(
    known: &mut BTreeMap<ServiceName, ServiceSignals>,
    mut new: ServiceSignals,
    window: Window,
    (source, rewrites): (&SourceName, &mut BTreeMap<(SourceName, ServiceName), u64>),
) {
    let service = new.service.clone();
    let changed = match known.get_mut(&service) {
        Some(old) if old.step == new.step => merge::service(old, new, window),
        _ => {
            new.versions.iter_mut().for_each(merge::ordered);
            known.insert(service.clone(), new).is_some()
        }
    };
    if changed {
        *rewrites.entry((source.clone(), service)).or_default() += 1;
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
        budget_percent: None,
    }
}

fn take<T>(seen: Option<&mut Observed<T>>, at: Timestamp, value: Result<T, Fault>) {
    match (seen, value) {
        (Some(seen), Ok(value)) => seen.saw(at, value),
        (Some(seen), Err(fault)) => seen.failed(fault),
        (None, _) => {}
    }
}
