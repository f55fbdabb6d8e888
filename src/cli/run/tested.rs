//! The tests of a run, as `run` prints them: those that failed by name, and whether each passed on the same commit.

use std::io::Write;

use serde::Serialize;

use super::first;
use crate::{
    app::{model::Model, tested},
    cli::{
        exit::CliError,
        table::{Layout, Table},
    },
    domain::{
        object::ObjectId,
        observed::FaultKind,
        report::{Outcome, TestReport},
    },
    port::{
        error::ProviderError,
        lookup::{Lookup, Question, Told, Topic},
    },
};

/// How the tests of a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestsOut {
    /// The id of the run that they are of: itself, or where it passed the one of its commit that failed.
    pub run: String,
    /// The id of the newest run of the same commit that passed; `null` where none is known.
    pub passed_run: Option<String>,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were left out.
    pub skipped: u64,
    /// How many ended in a way that we do not know.
    pub unknown: u64,
    /// Those that failed, the first 50.
    pub failures: Vec<TestOut>,
    /// What of the reports could not be read.
    pub unread: Vec<String>,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestOut {
    /// The job or suite that it belongs to.
    pub suite: String,
    /// Its class or file, as far as its report has one.
    pub class: String,
    /// Its name.
    pub name: String,
    /// What it says for itself, its first line.
    pub said: String,
    /// Did it pass in the run that passed? `null` where that is not known.
    pub passed_on_this_commit: Option<bool>,
}

/// Asks for the tests of a run that failed, or beside which another one of its commit did; nothing where nobody tells of any.
pub(in crate::cli) async fn read(
    model: &Model,
    lookup: &dyn Lookup,
    run: &ObjectId,
) -> Result<Option<TestsOut>, ProviderError> {
    let Some(pair) = tested::pair(model, run).filter(|_| lookup.topics().contains(&Topic::Tests)) else {
        return Ok(None);
    };
    let report = report(lookup, pair.question()).await?;
    if report.count() == 0 && report.unread.is_empty() {
        return Ok(None);
    }
    let passed = match pair.then(&report) {
        Some(question) => Some(self::report(lookup, question).await?),
        None => None,
    };
    let passed_run = pair.passed.map(|run| run.id.to_string());
    Ok(Some(TestsOut::of(pair.failed.id.to_string(), passed_run, &report, passed.as_ref())))
}

async fn report(lookup: &dyn Lookup, question: Question) -> Result<TestReport, ProviderError> {
    match first(lookup, question).await? {
        Told::Tests(report) => Ok(report),
        _ => Err(ProviderError::new(FaultKind::Unreadable, "it answered something else than tests")),
    }
}

impl TestsOut {
    fn of(run: String, passed_run: Option<String>, report: &TestReport, passed: Option<&TestReport>) -> Self {
        let failures = report.failures().map(|test| {
            let there = passed.and_then(|passed| passed.outcome(&test.test));
            TestOut {
                suite: test.test.suite.clone(),
                class: test.test.class.clone(),
                name: test.test.name.clone(),
                said: test.said.clone(),
                passed_on_this_commit: there.map(|outcome| outcome == Outcome::Passed),
            }
        });
        Self {
            run,
            passed_run,
            passed: report.passed,
            failed: report.failed,
            skipped: report.skipped,
            unknown: report.unknown,
            failures: failures.collect(),
            unread: report.unread.clone(),
        }
    }

    /// Prints them below the jobs.
    pub(super) fn print(&self, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
        let all = self.passed + self.failed + self.skipped + self.unknown;
        writeln!(out)?;
        let flaky = self.failures.iter().filter(|test| test.passed_on_this_commit == Some(true)).count();
        let flaky = if flaky > 0 { format!("; {flaky} of them passed on this commit") } else { String::new() };
        writeln!(out, "{} of {all} tests failed in {}{flaky}", self.failed, self.run)?;
        if self.unknown > 0 {
            writeln!(out, "{} ended in a way that is not known", self.unknown)?;
        }
        for unread in &self.unread {
            writeln!(out, "{unread}")?;
        }
        let mut table = Table::new(&["TEST", "CLASS", "SUITE", "PASSED ON THIS COMMIT", "SAID"]);
        for test in &self.failures {
            let passed = match test.passed_on_this_commit {
                Some(true) => "yes",
                Some(false) => "no",
                None => "-",
            };
            let all = [test.name.as_str(), &test.class, &test.suite, passed, &test.said];
            table.row(all.map(str::to_owned));
        }
        if !table.is_empty() {
            table.print_as(layout, out)?;
        }
        let told = u64::try_from(self.failures.len()).unwrap_or(u64::MAX);
        if self.failed > told {
            writeln!(out, "and {} more", self.failed - told)?;
        }
        Ok(())
    }
}
