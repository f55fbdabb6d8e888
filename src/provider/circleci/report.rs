//! The tests of a workflow (`GET /api/v2/project/SLUG/NUMBER/tests`): CircleCI has them job by job, and only of those that failed they
//! are asked for.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    domain::{
        pipeline::RunStatus,
        report::{Outcome, Test, TestName, TestReport},
        text::clean,
    },
    port::error::ProviderError,
    provider::circleci::{
        CALLED, api,
        client::{Client, Pages},
        request,
        tree::state,
    },
};

/// Jobs of a workflow that are asked for their tests.
const JOBS: usize = 5;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Case {
    name: Option<String>,
    classname: Option<String>,
    result: Option<String>,
    message: Option<String>,
}

impl Case {
    fn outcome(&self) -> Outcome {
        match self.result.as_deref().unwrap_or_default() {
            "success" => Outcome::Passed,
            "failure" | "error" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            _ => Outcome::Unknown,
        }
    }
}

/// How the tests of these jobs ended: of those that failed, and of those that a test is named of; by name those that failed, and these.
pub(super) async fn report(
    client: &Client,
    (slug, said): (&str, &str),
    jobs: &[api::Job],
    asked: &BTreeSet<TestName>,
) -> Result<TestReport, ProviderError> {
    let mut all = TestReport::default();
    let name = |job: &api::Job| clean(job.name.as_deref().unwrap_or_default());
    let is_named = |job: &&api::Job| asked.iter().any(|test| test.suite == name(job));
    let is_bad = |job: &&api::Job| asked.is_empty() && state(job) == RunStatus::Failed;
    let wanted: Vec<&api::Job> = jobs.iter().filter(|job| is_named(job) || is_bad(job)).collect();
    for job in wanted.iter().take(JOBS) {
        // One that never began has no number, and no tests.
        let Some(number) = job.number else { continue };
        let about = format!("{said}, tests of {}", name(job));
        let Pages { all: cases, cut } = client.pages::<Case>(&request::tests(slug, number), &about).await?;
        for case in &cases.read {
            let class = case.classname.as_deref().unwrap_or_default();
            let test = TestName::new(&name(job), class, case.name.as_deref().unwrap_or_default());
            all.take(Test::new(test, case.outcome(), case.message.as_deref().unwrap_or_default()), asked);
        }
        if cases.unread > 0 {
            all.unread.push(format!("{} tests of {} cannot be read", cases.unread, name(job)));
        }
        all.unread.extend(cut);
    }
    if wanted.len() > JOBS {
        all.unread.push(format!("{CALLED}: {} more of its jobs were not asked for their tests", wanted.len() - JOBS));
    }
    Ok(all)
}
