//! What the two versions of a release write: which question is open, the patterns and their counts, and what is proven of them.
//!
//! Lines are counted where they are read (`runtime`); here their counts meet the requests of the same intervals. `standing` says how
//! the patterns stand, `look` which lines somebody wants to see of all these. Here must not live: where lines come from, words for a
//! screen.

pub mod look;
mod standing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use self::standing::{Standing, proven, sides, standing};
use self::standing::{labels, places};

use crate::{
    app::{model::Model, store::SourceInfo},
    domain::{
        ids::{EnvironmentName, SourceName},
        line::{LogLine, Pattern, Span},
        naming::Label,
        object::ObjectId,
        observed::Fault,
        rollout::{Role, Rollout},
        signal::VersionSignals,
        time::Timestamp,
    },
    judge::{
        counts::{Arms, Tally},
        pattern::Rate,
    },
    port::lookup::{Lines, Mined, Topic},
};

/// Lines that are kept, the newest.
pub const KEPT: usize = 1_000;
/// Intervals whose counts wait for the requests of the same time. What waits longer is counted, but not tested.
const WAITING: usize = 240;

/// The lines of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Logs {
    /// Through which connection.
    pub source: SourceName,
    /// What is asked.
    pub asked: Lines,
    /// The version on its way in when that was asked, by its hash.
    pub canary: String,
    /// When it was last answered.
    pub at: Option<Timestamp>,
    /// Why it was not, the last time.
    pub fault: Option<Fault>,
    /// The newest lines, in order of time.
    pub lines: VecDeque<LogLine>,
    /// How many lines were read.
    pub read: u64,
    /// How many were left out, at least.
    pub dropped: u64,
    /// What was read to its end, in order.
    whole: Vec<Span>,
    patterns: BTreeMap<u32, Known>,
    /// The requests of the intervals that were tested, and the end of each that was.
    requests: Arms,
    tested: BTreeSet<Timestamp>,
}

/// A pattern, and its counts so far.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    /// Its counts are those that are not tested yet.
    pattern: Pattern,
    /// All of its lines, by version as the source calls it.
    total: BTreeMap<String, u64>,
    rate: Rate,
}

impl Logs {
    /// Nothing is answered yet.
    pub fn new(source: SourceName, asked: Lines, canary: String) -> Self {
        Self {
            source,
            asked,
            canary,
            at: None,
            fault: None,
            lines: VecDeque::new(),
            read: 0,
            dropped: 0,
            whole: Vec::new(),
            patterns: BTreeMap::new(),
            requests: Arms::default(),
            tested: BTreeSet::new(),
        }
    }

    /// Takes what is new. The first answer to a question that is asked again tells everything again.
    pub fn take(&mut self, at: Timestamp, mined: Mined) {
        if mined.begins {
            *self = Self::new(self.source.clone(), self.asked.clone(), self.canary.clone());
        }
        (self.at, self.fault) = (Some(at), None);
        self.read += mined.read;
        self.dropped += mined.dropped;
        for gone in mined.forgotten {
            self.patterns.remove(&gone);
        }
        for pattern in mined.patterns {
            if let Some(known) = self.patterns.get_mut(&pattern.number) {
                known.add(pattern);
            } else {
                self.patterns.insert(pattern.number, Known::new(pattern));
            }
        }
        self.keep(mined.lines);
        for span in mined.whole {
            self.read_to_its_end(span);
        }
    }

    /// Keeps the newest lines. Those of an earlier time may come later: a window is read from its end.
    fn keep(&mut self, lines: Vec<LogLine>) {
        let older = self.lines.back().zip(lines.first()).is_some_and(|(last, first)| first.at < last.at);
        self.lines.extend(lines);
        if older {
            self.lines.make_contiguous().sort_by_key(|line| line.at);
        }
        let over = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..over);
    }

    fn read_to_its_end(&mut self, span: Span) {
        let mut joined = span;
        self.whole.retain(|other| match joined.joined(other) {
            Some(both) => {
                joined = both;
                false
            }
            None => true,
        });
        self.whole.push(joined);
        self.whole.sort();
    }

    /// Was all of the window read to its end, or as much of it as was asked for?
    pub fn is_read(&self) -> bool {
        self.since().is_some_and(|since| since <= self.asked.window.from) || self.read >= self.asked.most as u64
    }

    /// Since when everything was read; `None` while nothing was.
    pub fn since(&self) -> Option<Timestamp> {
        Some(self.whole.last()?.from)
    }

    /// Until when everything was read; `None` while nothing was.
    pub fn until(&self) -> Option<Timestamp> {
        Some(self.whole.last()?.to)
    }

    /// Tests the intervals that were read to their end and whose requests are counted.
    fn test(&mut self, arms: &[Label<'_>], sides: [Option<usize>; 2], signals: [&VersionSignals; 2]) {
        let step = self.asked.window.step;
        let [canary, stable] = signals.map(|side| &side.counts);
        for counts in canary {
            let (from, to) = (counts.from, counts.to);
            let span = Span { from, to };
            let is_step = (to - from).to_std().is_ok_and(|length| length == step);
            if !is_step || self.tested.contains(&to) || !self.whole.iter().any(|whole| whole.holds(&span)) {
                continue;
            }
            let Some(other) = stable.iter().find(|other| other.to == to && other.from == from) else { continue };
            let tally = |requests, errors| Tally { requests, errors };
            let of = |known: &Known, side: Option<usize>| {
                let label = side.and_then(|at| arms.get(at))?;
                known.pattern.counts.get(label.text)?.get(&to).copied()
            };
            for known in self.patterns.values_mut() {
                let lines = sides.map(|side| of(known, side).unwrap_or_default());
                let [canary, stable] = lines;
                known
                    .rate
                    .fold(&Arms { canary: tally(counts.requests, canary), stable: tally(other.requests, stable) });
                for by_end in known.pattern.counts.values_mut() {
                    by_end.remove(&to);
                }
            }
            self.requests =
                self.requests + Arms { canary: tally(counts.requests, 0), stable: tally(other.requests, 0) };
            self.tested.insert(to);
        }
        while self.tested.len() > 4 * WAITING {
            self.tested.pop_first();
        }
    }

    /// The versions, as the source calls them.
    fn versions(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.patterns.values().flat_map(|known| known.total.keys()).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|version| !version.is_empty());
        all
    }
}

impl Known {
    fn new(pattern: Pattern) -> Self {
        let mut known = Self { pattern, total: BTreeMap::new(), rate: Rate::default() };
        let counts = known.pattern.counts.clone();
        known.sum(&counts);
        known
    }

    fn add(&mut self, news: Pattern) {
        self.sum(&news.counts);
        let own = &mut self.pattern;
        own.level = own.level.max(news.level);
        (own.first, own.last) = (own.first.min(news.first), own.last.max(news.last));
        (own.text, own.example) = (news.text, news.example);
        for (version, by_end) in news.counts {
            let known = own.counts.entry(version).or_default();
            for (end, count) in by_end {
                *known.entry(end).or_default() += count;
            }
            while known.len() > WAITING {
                known.pop_first();
            }
        }
    }

    fn sum(&mut self, counts: &BTreeMap<String, BTreeMap<Timestamp, u64>>) {
        for (version, by_end) in counts {
            *self.total.entry(version.clone()).or_default() += by_end.values().sum::<u64>();
        }
    }
}

/// Whoever is asked for lines: what keeps those of its environment; else the system that a release runs on, which has those of what
/// still runs.
pub fn keeper<'m>(model: &'m Model, release: Option<&Rollout>) -> Option<&'m SourceInfo> {
    let all = || model.session.sources.iter().filter(|info| info.answers.contains(&Topic::Lines));
    let covers = |info: &&SourceInfo| release.is_none_or(|release| info.coverage.covers(&release.environment));
    let keeps = all().filter(covers).find(|info| info.inventories.is_empty());
    let runs = || all().find(|info| release.is_some_and(|release| release.id.source == info.name));
    keeps.or_else(runs)
}

/// As an environment is named to a source: only where it tells them apart.
pub fn named_to(info: &SourceInfo, environment: &EnvironmentName) -> Option<EnvironmentName> {
    info.coverage.apart.then(|| environment.clone())
}

/// The environments of which a source gives the lines of a service as one, where there are several: whose they are cannot be told then,
/// and nothing follows from how many there are.
pub fn mixed(model: &Model, rollout: &Rollout, source: &SourceName) -> Vec<EnvironmentName> {
    let Some(info) = model.session.sources.iter().find(|info| info.name == *source) else { return Vec::new() };
    // A system that releases run on has the lines of its own pods only.
    let tells = |other: &&Rollout| {
        info.coverage.covers(&other.environment) && (info.inventories.is_empty() || other.id.source == info.name)
    };
    let of_service = model.store.rollouts().filter(|other| other.service == rollout.service);
    let all: BTreeSet<_> = of_service.filter(tells).map(|other| other.environment.clone()).collect();
    if info.coverage.apart || all.len() < 2 { Vec::new() } else { all.into_iter().collect() }
}

/// Asks for these lines of a release, whatever was asked before.
pub fn ask(model: &mut Model, id: &ObjectId, asked: Lines) -> bool {
    let Some(rollout) = model.store.rollout(id) else { return false };
    let Some(source) = keeper(model, Some(rollout)).map(|info| info.name.clone()) else { return false };
    let canary = rollout.identity.canary_hash.clone();
    model.logs.insert(id.clone(), Logs::new(source, asked, canary));
    true
}

/// Holds the counts of lines against the requests that are known by now.
pub(super) fn test(model: &mut Model) {
    let ids: Vec<ObjectId> = model.logs.keys().cloned().collect();
    for id in ids {
        let Some(mut logs) = model.logs.remove(&id) else { continue };
        if let Some(rollout) = model.store.rollout(&id) {
            hold_against_requests(model, rollout, &mut logs);
        }
        model.logs.insert(id, logs);
    }
    look::test(model);
}

/// The same of the lines of one release.
fn hold_against_requests(model: &Model, rollout: &Rollout, logs: &mut Logs) {
    let versions: Vec<String> = logs.versions().into_iter().map(str::to_owned).collect();
    let labels = labels(&versions);
    let places = places(model, rollout, &labels);
    let measured = (model.curve(rollout, Role::Canary), model.curve(rollout, Role::Stable));
    if let ((Some(canary), Some(stable)), false) = (measured, places == [None, None])
        && mixed(model, rollout, &logs.source).is_empty()
    {
        logs.test(&labels, places, [canary, stable]);
    }
}

#[cfg(test)]
mod tests;
