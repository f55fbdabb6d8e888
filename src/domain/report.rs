//! What the tests of a run say, as its system has it of their reports: how many ended how, and by name those that failed and those
//! that were asked for. A run may have none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::text::clean;

/// Tests that failed and are told by name, at most.
pub const NAMED: usize = 50;
/// Letters of a name, and of what a test says for itself.
const LETTERS: usize = 300;

/// A test, as its report names it. The same test of another run is named alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TestName {
    /// Where it belongs to: a job, or what its report calls a suite.
    pub suite: String,
    /// The class or file, as far as its report has one.
    pub class: String,
    /// Its own name.
    pub name: String,
}

impl TestName {
    /// A name, cleaned.
    pub fn new(suite: &str, class: &str, name: &str) -> Self {
        let of = |name: &str| clean(&name.chars().take(LETTERS).collect::<String>());
        Self { suite: of(suite), class: of(class), name: of(name) }
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Passed,
    /// It was left out.
    Skipped,
    /// The system says something that we do not know.
    Unknown,
    /// Badly.
    Failed,
}

/// One test of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Which.
    pub test: TestName,
    /// How it ended.
    pub outcome: Outcome,
    /// What it says for itself, its first line; empty where it says nothing.
    pub said: String,
}

impl Test {
    /// A test; of what it says for itself the first line that says something.
    pub fn new(test: TestName, outcome: Outcome, said: &str) -> Self {
        let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let cut: String = line.chars().take(LETTERS).collect();
        Self { test, outcome, said: clean(&cut) }
    }
}

/// The tests of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were left out.
    pub skipped: u64,
    /// How many ended in a way that we do not know.
    pub unknown: u64,
    /// Those that failed, [`NAMED`] at most, and however they ended those that were asked for.
    pub tests: Vec<Test>,
    /// What of the reports could not be read; nothing where all was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

impl TestReport {
    /// Takes one more test, of a report that was asked for these.
    pub fn take(&mut self, test: Test, asked: &BTreeSet<TestName>) {
        let count = match test.outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Unknown => &mut self.unknown,
        };
        *count += 1;
        let is_shown = test.outcome == Outcome::Failed && self.failures().count() < NAMED;
        // A report may name many alike: more of one than anybody names is nothing new.
        let is_asked = asked.contains(&test.test) && self.tests.len() < 4 * NAMED;
        if is_shown || is_asked {
            self.tests.push(test);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.passed + self.failed + self.skipped + self.unknown
    }

    /// Those that failed, as far as they are told by name.
    pub fn failures(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| test.outcome == Outcome::Failed)
    }

    /// How a test ended, as far as it is told; of several that are named alike, the worst.
    pub fn outcome(&self, test: &TestName) -> Option<Outcome> {
        self.tests.iter().filter(|known| known.test == *test).map(|known| known.outcome).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> TestName {
        TestName::new("unit", "shop.Basket", name)
    }

    fn report(tests: &[(&str, Outcome)], asked: &[&str]) -> TestReport {
        let mut report = TestReport::default();
        let asked = asked.iter().map(|one| name(one)).collect();
        for (test, outcome) in tests {
            report.take(Test::new(name(test), *outcome, ""), &asked);
        }
        report
    }

    #[test]
    fn all_are_counted_and_told_by_name_are_those_that_failed_and_those_that_were_asked_for() {
        use Outcome::{Failed, Passed, Skipped, Unknown};
        let all = [("adds", Passed), ("pays", Failed), ("waits", Skipped), ("drops", Unknown), ("keeps", Passed)];
        let report = report(&all, &["keeps", "is gone"]);
        assert_eq!((report.passed, report.failed, report.skipped, report.unknown, report.count()), (2, 1, 1, 1, 5));
        let told: Vec<_> = report.tests.iter().map(|test| (test.test.name.as_str(), test.outcome)).collect();
        assert_eq!(told, [("pays", Failed), ("keeps", Passed)]);
        assert_eq!(report.outcome(&name("is gone")), None);
    }

    #[test]
    fn of_several_that_are_named_alike_the_worst_counts() {
        let report = report(&[("pays", Outcome::Passed), ("pays", Outcome::Failed)], &["pays"]);
        assert_eq!(report.outcome(&name("pays")), Some(Outcome::Failed));
    }

    #[test]
    fn however_many_failed_few_are_told_by_name_and_all_are_counted() {
        let names: Vec<String> = (0..10_000).map(|number| format!("test {number}")).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), Outcome::Failed)).collect();
        let report = report(&all, &[]);
        assert_eq!((report.failed, report.tests.len(), report.failures().count()), (10_000, NAMED, NAMED));
    }

    #[test]
    fn what_a_test_says_for_itself_is_one_printable_line() {
        let said = format!("\n  expected 3\u{1b}[2J, got 4{}\nat line 7", "x".repeat(999));
        let test = Test::new(TestName::new("a\u{202e}b", "", "pays\n"), Outcome::Failed, &said);
        assert!(test.said.starts_with("expected 3") && test.said.chars().count() <= LETTERS, "{}", test.said);
        assert!(!test.said.contains('\u{1b}') && !test.test.suite.contains('\u{202e}'), "{test:?}");
    }
}
