//! The tests of a pipeline (docs.gitlab.com/api/pipelines, "Get a test report for a pipeline"): a suite for each job that reports any.
//! Only the jobs that were not tried again count.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        report::{Outcome, Test, TestName, TestReport},
        text::clean,
    },
    provider::http::items::Listed,
};

/// Suites of a pipeline, and tests of a suite.
const SUITES: usize = 1_000;
const CASES: usize = 50_000;

/// `GET …/pipelines/:id/test_report`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    test_suites: Listed<Suite, SUITES>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Suite {
    /// The job.
    name: Option<String>,
    test_cases: Listed<Case, CASES>,
    /// Why there are none: its report is not in the form of `JUnit`.
    #[serde(rename = "suite_error")]
    error: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Case {
    status: Option<String>,
    name: Option<String>,
    classname: Option<String>,
    /// A text, or what the report made of an element.
    system_output: Value,
}

impl Case {
    fn outcome(&self) -> Outcome {
        match self.status.as_deref().unwrap_or_default() {
            "success" => Outcome::Passed,
            "failed" | "error" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            _ => Outcome::Unknown,
        }
    }

    fn said(&self) -> &str {
        let inner = |key: &str| self.system_output.get(key)?.as_str();
        self.system_output.as_str().or_else(|| inner("message")).or_else(|| inner("__content__")).unwrap_or_default()
    }
}

/// How they ended; by name those that failed, and these.
pub(super) fn report(wire: &Report, asked: &BTreeSet<TestName>) -> TestReport {
    let mut all = TestReport::default();
    for suite in &wire.test_suites.read {
        let job = suite.name.as_deref().unwrap_or_default();
        for case in &suite.test_cases.read {
            let (class, name) =
                (case.classname.as_deref().unwrap_or_default(), case.name.as_deref().unwrap_or_default());
            all.take(Test::new(TestName::new(job, class, name), case.outcome(), case.said()), asked);
        }
        if let Some(error) = &suite.error {
            all.unread.push(clean(&format!("the report of {job} is not readable: {error}")));
        }
        if suite.test_cases.unread > 0 {
            all.unread.push(clean(&format!("{} tests of {job} cannot be read", suite.test_cases.unread)));
        }
    }
    if wire.test_suites.unread > 0 {
        all.unread.push(format!("{} reports cannot be read", wire.test_suites.unread));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_with_a_report_has_its_tests_and_what_cannot_be_read_is_said() {
        let wire = r#"{"total_time": 5, "total_count": 4, "test_suites": [
            {"name": "unit", "total_count": 4, "test_cases": [
                {"status": "success", "name": "adds", "classname": "shop.Basket", "execution_time": 5, "system_output": null},
                {"status": "failed", "name": "pays", "classname": "shop.Basket", "system_output": "\n  expected 3\nat 7"},
                {"status": "error", "name": "ships", "classname": null, "system_output": {"message": "boom"}},
                {"status": "skipped", "name": "waits"}, {"status": "half_done", "name": "drops"}, 7]},
            {"name": "lint", "test_cases": [], "suite_error": "JUnit XML parsing failed: 1:1"}, null]}"#;
        let wire: Report = serde_json::from_str(wire).unwrap();
        let asked = BTreeSet::from([TestName::new("unit", "shop.Basket", "adds")]);
        let told = report(&wire, &asked);
        assert_eq!((told.passed, told.failed, told.skipped, told.unknown), (1, 2, 1, 1));
        let test =
            |class: &str, name: &str, outcome, said: &str| Test::new(TestName::new("unit", class, name), outcome, said);
        assert_eq!(
            told.tests,
            [
                test("shop.Basket", "adds", Outcome::Passed, ""),
                test("shop.Basket", "pays", Outcome::Failed, "expected 3"),
                test("", "ships", Outcome::Failed, "boom"),
            ]
        );
        assert_eq!(
            told.unread,
            [
                "1 tests of unit cannot be read",
                "the report of lint is not readable: JUnit XML parsing failed: 1:1",
                "1 reports cannot be read"
            ]
        );
        assert_eq!(report(&serde_json::from_str("{}").unwrap(), &asked), TestReport::default());
    }
}
