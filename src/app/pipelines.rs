//! The runs of pipelines in the order in which lists show them, and which of them the board shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::{inbox::Item, model::Model, rows, rows::Stop},
    domain::{
        gate::Behind,
        object::ObjectId,
        pipeline::{Run, RunStatus},
        time::age,
    },
};

/// A run that failed is shown on the board for so many hours.
const FAILED_HOURS: u64 = 24;

/// Every run that matches the filter: failed and waiting ones first, then what runs, then the rest, each the newest first.
pub fn runs(model: &Model) -> Vec<&Run> {
    let newest = newest(model);
    let mut all: Vec<&Run> = model.store.runs().filter(|run| matches(model, run)).collect();
    all.sort_by(|a, b| {
        let rank = |run: &Run| urgency(run, newest.contains(&run.id));
        (rank(a), b.started, &a.id).cmp(&(rank(b), a.started, &b.id))
    });
    all
}

/// What the board shows of pipelines: what failed last, gates, what cannot be told, what runs.
pub fn stops(model: &Model, gates: Vec<Item>) -> Vec<Stop<'_>> {
    let newest = newest(model);
    // A run that waits at a gate is spoken of by the gate.
    let spoken_of: BTreeSet<&ObjectId> = model
        .store
        .gates()
        .filter_map(|gate| match &gate.behind {
            Behind::Run(run) => Some(run),
            Behind::Rollout(_) => None,
        })
        .collect();
    let shown = |run: &&Run| {
        let lately = age(model.now, run.updated).as_secs() < FAILED_HOURS * 3_600;
        let wanted = match run.status {
            RunStatus::Failed => newest.contains(&run.id) && lately,
            RunStatus::Unknown => lately,
            RunStatus::Running | RunStatus::Queued | RunStatus::Waiting => true,
            RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Skipped => false,
        };
        wanted && !spoken_of.contains(&run.id) && matches(model, run)
    };
    let mut runs: Vec<&Run> = model.store.runs().filter(shown).collect();
    runs.sort_by(|a, b| (urgency(a, true), b.started, &a.id).cmp(&(urgency(b, true), a.started, &b.id)));
    let (failed, others): (Vec<&Run>, Vec<&Run>) = runs.into_iter().partition(|run| run.status == RunStatus::Failed);
    let failed = failed.into_iter().map(Stop::Run);
    failed
        .chain(gates.into_iter().map(|item| Stop::Gate(Box::new(item))))
        .chain(others.into_iter().map(Stop::Run))
        .collect()
}

/// The newest run of each pipeline on each branch: what failed before it is over.
fn newest(model: &Model) -> BTreeSet<ObjectId> {
    let mut newest: BTreeMap<(&str, &str, Option<&str>), &Run> = BTreeMap::new();
    for run in model.store.runs() {
        let of = (run.service.as_str(), run.pipeline.as_str(), run.branch.as_deref());
        let known = newest.entry(of).or_insert(run);
        if (known.started, known.number) < (run.started, run.number) {
            *known = run;
        }
    }
    newest.into_values().map(|run| run.id.clone()).collect()
}

/// Lower is more urgent. A failure that a newer run of the same pipeline and branch has left behind is no longer one.
fn urgency(run: &Run, is_newest: bool) -> u8 {
    match run.status {
        RunStatus::Failed if is_newest => 0,
        RunStatus::Waiting => 1,
        RunStatus::Unknown => 2,
        RunStatus::Running => 3,
        RunStatus::Queued => 4,
        RunStatus::Failed | RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Skipped => 5,
    }
}

fn matches(model: &Model, run: &Run) -> bool {
    rows::matches(model, || {
        let branch = run.branch.as_deref().unwrap_or_default();
        format!("{} {} {} {branch} {} {}", run.service, run.pipeline, run.number, run.title, run.version)
    })
}
