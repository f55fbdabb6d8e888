//! Every run of every pipeline as rows, and what its history says beside it: how the last ones ended, how long one takes, and whether
//! it fails for no reason of its own. Pure, from what is in the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    app::model::Model,
    domain::{
        ids::ServiceName,
        pipeline::{Run, RunStatus},
        time::{Timestamp, age},
    },
};

/// So many that ended are shown as a trend.
pub const TREND: usize = 10;
/// From fewer that passed nobody can tell how long one takes.
const FEWEST: usize = 2;

/// Which runs are wanted; what is not said lets all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In this state.
    pub status: Option<RunStatus>,
    /// Of this service.
    pub service: Option<ServiceName>,
    /// Of this branch or tag.
    pub branch: Option<String>,
    /// With this in what is shown of them, without regard to case.
    pub text: String,
}

impl Wanted {
    /// Is this one wanted?
    pub fn takes(&self, run: &Run) -> bool {
        self.status.is_none_or(|status| status == run.status)
            && self.service.as_ref().is_none_or(|service| *service == run.service)
            && self.branch.as_ref().is_none_or(|branch| run.branch.as_ref() == Some(branch))
            && self.finds(run)
    }

    fn finds(&self, run: &Run) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let actor = run.actor.as_ref().map(ToString::to_string).unwrap_or_default();
        let (branch, status) = (run.branch.as_deref().unwrap_or_default(), run.status_words());
        let said = format!(
            "{} {} {} #{} {} {branch} {} {actor} {status}",
            run.service, run.pipeline, run.id.source, run.number, run.title, run.version
        );
        said.to_lowercase().contains(&self.text.to_lowercase())
    }
}

/// How the runs of a pipeline ended, as far as they are known; what was stopped or left out says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Of those that failed: another run of the same commit passed, so that it was no fault of that.
    pub flaky: usize,
}

impl Rates {
    /// Which share of all passed; `None` where none has ended.
    pub fn success(&self) -> Option<f64> {
        share(self.passed, self.passed + self.failed)
    }

    /// Which share passed of those that are not flaky.
    pub fn success_without_flaky(&self) -> Option<f64> {
        share(self.passed, self.passed + self.failed - self.flaky)
    }

    /// Which share of all failed for no reason of its own.
    pub fn flaky_share(&self) -> Option<f64> {
        share(self.flaky, self.passed + self.failed)
    }
}

/// A part of a whole that is not nothing.
fn share(part: usize, of: usize) -> Option<f64> {
    let number = |count: usize| u32::try_from(count).ok().map(f64::from);
    number(of).filter(|of| *of > 0.0).and_then(|of| Some(number(part)? / of))
}

/// A pipeline and how its runs ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline<'a> {
    /// The newest of its runs, by which it is known: its service, its source, its name.
    pub newest: &'a Run,
    /// How they ended.
    pub rates: Rates,
}

/// Every pipeline that a wanted run is of, in the order of their services and names.
pub fn pipelines<'a>(model: &'a Model, wanted: &Wanted) -> Vec<Pipeline<'a>> {
    let history = History::of(model.store.runs());
    let told = |past: &Past<'a>| Some(Pipeline { newest: past.runs.last()?, rates: past.rates });
    let wanted = |past: &&Past<'a>| past.runs.iter().any(|run| wanted.takes(run));
    let mut all: Vec<Pipeline<'a>> = history.lines.values().filter(wanted).filter_map(told).collect();
    all.sort_by_key(|one| (&one.newest.service, &one.newest.pipeline, &one.newest.id));
    all
}

/// One run and its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The run.
    pub run: &'a Run,
    /// How those of its pipeline and branch ended that ended last, oldest first; itself among them once it has.
    pub trend: Vec<RunStatus>,
    /// How long one takes: the median of those of its pipeline that passed. `None` where too few did.
    pub usual: Option<Duration>,
    /// Did it fail and another one of the same commit pass after it, or the other way round?
    pub flaky: bool,
    /// How those of its pipeline ended.
    pub rates: Rates,
    /// Has no later one of its pipeline and branch ended? What failed before one that did is over.
    pub newest: bool,
}

impl Row<'_> {
    /// While it runs: how long it still takes if it takes as long as usual; nothing once it took longer.
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        let runs = self.run.status == RunStatus::Running;
        self.usual.filter(|_| runs)?.checked_sub(age(now, self.run.started))
    }
}

/// How many of the newest of each pipeline and branch are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Pipelines.
    pub pipelines: usize,
    /// Runs that run.
    pub running: usize,
    /// The newest of a branch failed.
    pub failed: usize,
    /// Runs that wait for somebody.
    pub waiting: usize,
}

/// Every run that is wanted: those that failed and wait first, then those that run, then the others, the newest first.
pub fn rows<'a>(model: &'a Model, wanted: &Wanted) -> Vec<Row<'a>> {
    let history = History::of(model.store.runs());
    let runs = model.store.runs().filter(|run| wanted.takes(run)).collect();
    history.sorted(runs).into_iter().map(|run| history.row(run)).collect()
}

/// What a run's history says.
pub fn row<'a>(model: &'a Model, run: &'a Run) -> Row<'a> {
    let of = model.store.runs().filter(|other| other.line() == run.line());
    History::of(of).row(run)
}

/// Counts all of them.
pub fn count(model: &Model) -> Count {
    let history = History::of(model.store.runs());
    let mut count = Count { pipelines: history.lines.len(), ..Count::default() };
    for run in model.store.runs() {
        match history.urgency(run) {
            0 => count.failed += 1,
            1 => count.waiting += 1,
            3 => count.running += 1,
            _ => {}
        }
    }
    count
}

/// A pipeline, told apart from every other.
type Line<'a> = (&'a str, &'a str, &'a str);

/// The runs of each pipeline, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History<'a> {
    lines: BTreeMap<Line<'a>, Past<'a>>,
}

#[derive(Clone, Debug)]
struct Past<'a> {
    runs: Vec<&'a Run>,
    usual: Option<Duration>,
    rates: Rates,
}

impl<'a> History<'a> {
    /// Of these runs.
    pub fn of(runs: impl Iterator<Item = &'a Run>) -> Self {
        let mut all: BTreeMap<Line<'a>, Vec<&'a Run>> = BTreeMap::new();
        for run in runs {
            all.entry(run.line()).or_default().push(run);
        }
        let past = |(line, mut runs): (Line<'a>, Vec<&'a Run>)| {
            runs.sort_by_key(|run| (run.number, run.started));
            let usual =
                median(runs.iter().filter(|run| run.status == RunStatus::Succeeded).filter_map(|run| run.took()));
            let rates = rates(&runs);
            (line, Past { runs, usual, rates })
        };
        Self { lines: all.into_iter().map(past).collect() }
    }

    /// Has no later one of its pipeline and branch ended?
    fn is_newest(&self, run: &Run) -> bool {
        let later = |other: &&Run| other.number > run.number && other.branch == run.branch && other.status.ended();
        !self.lines.get(&run.line()).is_some_and(|past| past.runs.iter().any(later))
    }

    /// How much it needs somebody; lower is more urgent. A failure that a later one of its branch has left behind is over.
    pub fn urgency(&self, run: &Run) -> u8 {
        match run.status {
            RunStatus::Failed if self.is_newest(run) => 0,
            RunStatus::Waiting => 1,
            RunStatus::Unknown if self.is_newest(run) => 2,
            RunStatus::Running => 3,
            RunStatus::Queued => 4,
            _ => 5,
        }
    }

    /// The most urgent first, then the newest.
    pub fn sorted<'b>(&self, runs: Vec<&'b Run>) -> Vec<&'b Run> {
        let mut all: Vec<(u8, &Run)> = runs.into_iter().map(|run| (self.urgency(run), run)).collect();
        all.sort_by(|(a, one), (b, other)| (a, other.started, &one.id).cmp(&(b, one.started, &other.id)));
        all.into_iter().map(|(_, run)| run).collect()
    }

    /// A run, and what is said of it by the others.
    pub fn row(&self, run: &'a Run) -> Row<'a> {
        let Some(past) = self.lines.get(&run.line()) else {
            return Row { run, trend: Vec::new(), usual: None, flaky: false, rates: Rates::default(), newest: true };
        };
        let branch: Vec<&Run> = past.runs.iter().copied().filter(|other| other.branch == run.branch).collect();
        let ended = |other: &&&Run| other.status.ended() && other.number <= run.number;
        let mut trend: Vec<RunStatus> =
            branch.iter().rev().filter(ended).take(TREND).map(|other| other.status).collect();
        trend.reverse();
        let newest = self.is_newest(run);
        Row { run, trend, usual: past.usual, flaky: is_flaky(&past.runs, run), rates: past.rates, newest }
    }
}

/// Did another run of the same commit end the other way?
fn is_flaky(runs: &[&Run], run: &Run) -> bool {
    runs.iter().any(|other| is_twin(other, run))
}

/// Are they of the same commit, and did one fail where the other one passed?
fn is_twin(other: &Run, run: &Run) -> bool {
    let wanted = match run.status {
        RunStatus::Failed => RunStatus::Succeeded,
        RunStatus::Succeeded => RunStatus::Failed,
        _ => return false,
    };
    other.status == wanted && run.version.commit.is_some() && other.version.commit == run.version.commit
}

/// The newest run of the same pipeline and commit that ended the other way: it passed where this one failed, or failed where it passed.
pub fn twin<'m>(model: &'m Model, run: &Run) -> Option<&'m Run> {
    let of_pipeline = model.store.runs().filter(|other| other.line() == run.line());
    of_pipeline.filter(|other| is_twin(other, run)).max_by_key(|other| (other.number, other.started))
}

fn rates(runs: &[&Run]) -> Rates {
    // By commit, whether one of it passed: each run is looked at once.
    let passed = |run: &&&Run| run.status == RunStatus::Succeeded;
    let mended: BTreeSet<&String> = runs.iter().filter(passed).filter_map(|run| run.version.commit.as_ref()).collect();
    let failed: Vec<&&Run> = runs.iter().filter(|run| run.status == RunStatus::Failed).collect();
    let is_mended = |run: &&&&Run| run.version.commit.as_ref().is_some_and(|commit| mended.contains(commit));
    Rates {
        passed: runs.iter().filter(passed).count(),
        failed: failed.len(),
        flaky: failed.iter().filter(is_mended).count(),
    }
}

fn median(all: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut all: Vec<Duration> = all.collect();
    if all.len() < FEWEST {
        return None;
    }
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
mod tests;
