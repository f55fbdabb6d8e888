//! The tests of a build, as the plugin junit has them: by suite, of the build itself or of the builds that it gathers. A build in which
//! nobody published a report has none.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    domain::{
        report::{Outcome, Test, TestName, TestReport},
        text::clean,
    },
    provider::http::{items::Listed, listed::or_nothing},
};

/// Suites of a build, and tests of a suite.
const SUITES: usize = 5_000;
const CASES: usize = 50_000;

/// `GET …/testReport/api/json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    #[serde(deserialize_with = "or_nothing")]
    suites: Listed<Suite, SUITES>,
    /// Of a build of several parts, each with its own.
    #[serde(rename = "childReports", deserialize_with = "or_nothing")]
    parts: Listed<Part, SUITES>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    #[serde(deserialize_with = "or_nothing")]
    result: Suites,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Suites {
    #[serde(deserialize_with = "or_nothing")]
    suites: Listed<Suite, SUITES>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Suite {
    name: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    cases: Listed<Case, CASES>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Case {
    class_name: Option<String>,
    name: Option<String>,
    status: Option<String>,
    error_details: Option<String>,
}

impl Case {
    fn outcome(&self) -> Outcome {
        match self.status.as_deref().unwrap_or_default() {
            "PASSED" | "FIXED" => Outcome::Passed,
            "FAILED" | "REGRESSION" => Outcome::Failed,
            "SKIPPED" => Outcome::Skipped,
            _ => Outcome::Unknown,
        }
    }
}

/// How they ended; by name those that failed, and these.
pub(super) fn report(wire: &Report, asked: &BTreeSet<TestName>) -> TestReport {
    let mut all = TestReport::default();
    let mut unread = wire.suites.unread + wire.parts.unread;
    let parts = wire.parts.read.iter().map(|part| &part.result.suites);
    for suites in [&wire.suites].into_iter().chain(parts) {
        for suite in &suites.read {
            let name = suite.name.as_deref().unwrap_or_default();
            for case in &suite.cases.read {
                let class = case.class_name.as_deref().unwrap_or_default();
                let test = TestName::new(name, class, case.name.as_deref().unwrap_or_default());
                all.take(Test::new(test, case.outcome(), case.error_details.as_deref().unwrap_or_default()), asked);
            }
            if suite.cases.unread > 0 {
                all.unread.push(clean(&format!("{} tests of {name} cannot be read", suite.cases.unread)));
            }
        }
    }
    for part in &wire.parts.read {
        unread += part.result.suites.unread;
    }
    if unread > 0 {
        all.unread.push(format!("{unread} reports cannot be read"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_for_a_test_has_one_meaning_and_parts_of_a_build_count_as_one() {
        let wire = r#"{"_class": "hudson.tasks.junit.TestResult", "suites": [{"name": "shop", "cases": [
                {"className": "shop.Basket", "name": "adds", "status": "PASSED", "errorDetails": null},
                {"className": "shop.Basket", "name": "pays", "status": "REGRESSION", "errorDetails": "\nexpected 3\nat 7"},
                {"className": null, "name": "ships", "status": "FAILED"}, {"name": "keeps", "status": "FIXED"},
                {"name": "waits", "status": "SKIPPED"}, {"name": "drops", "status": "HALF_DONE"}, 7]}],
            "childReports": [{"child": {"number": 7}, "result": {"suites": [{"name": "eu", "cases": [
                {"name": "lands", "status": "FAILED"}]}]}}, {"result": null}]}"#;
        let wire: Report = serde_json::from_str(wire).unwrap();
        let told = report(&wire, &BTreeSet::from([TestName::new("shop", "", "keeps")]));
        assert_eq!((told.passed, told.failed, told.skipped, told.unknown), (2, 3, 1, 1));
        let names: Vec<_> = told.tests.iter().map(|test| (test.test.name.as_str(), test.said.as_str())).collect();
        assert_eq!(names, [("pays", "expected 3"), ("ships", ""), ("keeps", ""), ("lands", "")]);
        assert_eq!(told.unread, ["1 tests of shop cannot be read"]);
    }
}
