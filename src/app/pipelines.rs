//! The runs of pipelines in the order in which lists show them, and which of them the board shows.

use std::collections::BTreeSet;

use crate::{
    app::{
        history::{History, Wanted},
        inbox::Item,
        model::Model,
        rows,
        rows::Stop,
    },
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
    let wanted = Wanted { text: model.nav.filter.clone(), ..Wanted::default() };
    History::of(model.store.runs()).sorted(model.store.runs().filter(|run| wanted.takes(run)).collect())
}

/// What the board shows of pipelines: what failed last, gates, what cannot be told, what runs.
pub fn stops(model: &Model, gates: Vec<Item>) -> Vec<Stop<'_>> {
    let history = History::of(model.store.runs());
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
            RunStatus::Failed => lately && history.urgency(run) == 0,
            RunStatus::Unknown => lately,
            RunStatus::Running | RunStatus::Queued | RunStatus::Waiting => true,
            RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Skipped => false,
        };
        wanted && !spoken_of.contains(&run.id) && matches(model, run)
    };
    let runs: Vec<&Run> = history.sorted(model.store.runs().filter(shown).collect());
    let (failed, others): (Vec<&Run>, Vec<&Run>) = runs.into_iter().partition(|run| run.status == RunStatus::Failed);
    let failed = failed.into_iter().map(Stop::Run);
    failed
        .chain(gates.into_iter().map(|item| Stop::Gate(Box::new(item))))
        .chain(others.into_iter().map(Stop::Run))
        .collect()
}

fn matches(model: &Model, run: &Run) -> bool {
    rows::matches(model, || {
        let branch = run.branch.as_deref().unwrap_or_default();
        format!("{} {} {} {branch} {} {}", run.service, run.pipeline, run.number, run.title, run.version)
    })
}
