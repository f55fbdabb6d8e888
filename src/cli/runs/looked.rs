//! What failed in the runs of a pipeline: which jobs, and where their system tells of tests which of those; and how often another run of
//! the same commit passed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::wanted;
use crate::{
    app::{
        history::{self, Row},
        model::Model,
    },
    cli::{
        args::RunsArgs,
        run::{first, jobs, tested},
    },
    domain::{
        ids::SourceName,
        pipeline::{Run, RunStatus},
        report::TestName,
    },
    port::lookup::{Lookup, Question, Told},
};

/// Failed runs that are looked into: a request each, and where their system tells of tests one or two more.
const MOST: usize = 20;
/// Tests of a pipeline that are told: those that failed most.
const TESTS: usize = 20;

/// How a job of a pipeline failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobOut {
    /// `JOB`, or `STAGE / JOB`.
    pub name: String,
    /// In how many runs it failed.
    pub failed: usize,
    /// In how many of them another run of the same commit passed.
    pub flaky: usize,
}

/// How a test of a pipeline failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestRateOut {
    /// The job or suite that it belongs to.
    pub suite: String,
    /// Its class or file.
    pub class: String,
    /// Its name.
    pub name: String,
    /// In how many runs it failed.
    pub failed: usize,
    /// In how many of them it passed in another run of the same commit.
    pub flaky: usize,
}

/// A failed run that was looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(super) line: (String, String, String),
    pub(super) flaky: bool,
    pub(super) jobs: Vec<String>,
    /// Its tests that failed, and whether each passed on its commit; nothing where nobody tells of any.
    pub(super) tests: Option<Vec<(TestName, bool)>>,
}

/// The pipeline that a run is of.
pub(super) fn line(run: &Run) -> (String, String, String) {
    let (source, place, pipeline) = run.line();
    (source.to_owned(), place.to_owned(), pipeline.to_owned())
}

/// How often each of these, and how often for no reason of its own; the flakiest first.
fn counted<T: Ord>(all: impl Iterator<Item = (T, bool)>) -> Vec<(T, usize, usize)> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for (one, flaky) in all {
        let (failed, known) = counts.entry(one).or_default();
        (*failed, *known) = (*failed + 1, *known + usize::from(flaky));
    }
    let mut counts: Vec<(T, usize, usize)> =
        counts.into_iter().map(|(one, (failed, flaky))| (one, failed, flaky)).collect();
    counts.sort_by_key(|(_, failed, flaky)| std::cmp::Reverse((*flaky, *failed)));
    counts
}

/// The jobs that failed in these runs; `None` where none was looked into.
pub(super) fn jobs_of(all: &[&Failure]) -> Option<Vec<JobOut>> {
    let each = all.iter().flat_map(|failure| failure.jobs.iter().map(|job| (job.as_str(), failure.flaky)));
    let jobs = counted(each).into_iter();
    let jobs = jobs.map(|(name, failed, flaky)| JobOut { name: name.to_owned(), failed, flaky }).collect();
    (!all.is_empty()).then_some(jobs)
}

/// The same of tests; `None` where nobody told of any.
pub(super) fn tests_of(all: &[&Failure]) -> Option<Vec<TestRateOut>> {
    let told: Vec<&Vec<(TestName, bool)>> = all.iter().filter_map(|failure| failure.tests.as_ref()).collect();
    let each = told.iter().flat_map(|tests| tests.iter().map(|(test, flaky)| (test, *flaky)));
    let tests = counted(each).into_iter().take(TESTS).map(|(test, failed, flaky)| {
        let TestName { suite, class, name } = test.clone();
        TestRateOut { suite, class, name, failed, flaky }
    });
    (!told.is_empty()).then(|| tests.collect())
}

/// Asks which jobs and tests of the newest failed runs among the wanted ones it was, and says of which it could not be read.
pub async fn failures<'a>(
    model: &Model,
    lookup: impl Fn(&SourceName) -> Option<&'a dyn Lookup>,
    args: &RunsArgs,
) -> (Vec<Failure>, Vec<String>) {
    let mut failed: Vec<Row<'_>> = history::rows(model, &wanted(args));
    failed.retain(|row| row.run.status == RunStatus::Failed);
    failed.sort_by_key(|row| std::cmp::Reverse(row.run.started));
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for row in failed.into_iter().take(MOST) {
        let Some(lookup) = lookup(&row.run.id.source) else { continue };
        match failure(model, lookup, &row).await {
            Ok((failure, gap)) => {
                all.push(failure);
                unread.extend(gap.map(|why| format!("{}: {why}", row.run.id)));
            }
            Err(why) => unread.push(format!("{}: {why}", row.run.id)),
        }
    }
    (all, unread)
}

/// What is known of one, and why not all of it is.
async fn failure(model: &Model, lookup: &dyn Lookup, row: &Row<'_>) -> Result<(Failure, Option<String>), String> {
    let run = row.run;
    let nodes = match first(lookup, Question::Jobs { run: run.id.clone() }).await {
        Ok(Told::Jobs(nodes)) => nodes,
        Ok(_) => return Err("it answered something else than jobs".to_owned()),
        Err(error) => return Err(error.text),
    };
    let bad = jobs(&nodes).into_iter().filter(|(_, node)| node.status.state == RunStatus::Failed);
    let bad = bad.map(|(name, _)| name).collect();
    let (tests, gap) = match tested::read(model, lookup, &run.id).await {
        Ok(tests) => (tests, None),
        Err(error) => (None, Some(error.text)),
    };
    let tests = tests.map(|tests| {
        let named = |test: &tested::TestOut| TestName::new(&test.suite, &test.class, &test.name);
        tests.failures.iter().map(|test| (named(test), test.passed_on_this_commit == Some(true))).collect()
    });
    Ok((Failure { line: line(run), flaky: row.flaky, jobs: bad, tests }, gap))
}
