//! Which tests of a run failed, and whether the same ones passed on the same commit: what is asked for that, and what the answers say.
//!
//! Only what failed is asked for, and what passed where another run of its commit failed: a run is looked into because of what went
//! wrong. Pure, from what is in the store.

use std::collections::BTreeSet;

use crate::{
    app::{history, model::Model},
    domain::{
        ids::SourceName,
        object::ObjectId,
        observed::Fault,
        pipeline::{Run, RunStatus},
        report::{Outcome, TestName, TestReport},
    },
    port::lookup::{Question, Topic},
};

/// A run that failed, and the newest of its pipeline and commit that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'m> {
    /// That failed.
    pub failed: &'m Run,
    /// That passed; `None` where none is known.
    pub passed: Option<&'m Run>,
}

impl Pair<'_> {
    /// What is asked of the one that failed.
    pub fn question(&self) -> Question {
        Question::Tests { run: self.failed.id.clone(), named: BTreeSet::new() }
    }

    /// What is then asked of the one that passed: how these ended there. Nothing where there is nothing to ask.
    pub fn then(&self, report: &TestReport) -> Option<Question> {
        let named: BTreeSet<TestName> = report.failures().map(|test| test.test.clone()).collect();
        let run = self.passed.filter(|_| !named.is_empty())?.id.clone();
        Some(Question::Tests { run, named })
    }
}

/// The tests that a run, or the one of its commit that failed where it passed, says of.
pub fn pair<'m>(model: &'m Model, run: &ObjectId) -> Option<Pair<'m>> {
    let run = model.store.run(run)?;
    let twin = history::twin(model, run);
    match run.status {
        RunStatus::Failed => Some(Pair { failed: run, passed: twin }),
        RunStatus::Succeeded => Some(Pair { failed: twin?, passed: Some(run) }),
        _ => None,
    }
}

/// What the answers say.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings<'m> {
    /// Of which runs.
    pub pair: Pair<'m>,
    /// The tests of the one that failed.
    pub report: &'m TestReport,
    /// Those of them that failed and passed on the same commit; `None` where that is not known, or none passed.
    pub flaky: Option<BTreeSet<&'m TestName>>,
    /// Why it is not known.
    pub fault: Option<&'m Fault>,
}

/// The tests of the first report that failed, and passed as the second one has it.
pub fn flaky<'a>(failed: &'a TestReport, passed: &TestReport) -> BTreeSet<&'a TestName> {
    let names = failed.failures().map(|test| &test.test);
    names.filter(|test| passed.outcome(test) == Some(Outcome::Passed)).collect()
}

/// What is known of a run's tests; `Err` with why nothing is.
pub fn findings<'m>(model: &'m Model, run: &ObjectId) -> Option<Result<Findings<'m>, &'m Fault>> {
    let (inside, pair) = (&model.store.inside, pair(model, run)?);
    let first = inside.tested(&pair.failed.id)?;
    let Some(report) = &first.report else { return first.fault.as_ref().map(Err) };
    let second = pair.passed.and_then(|run| inside.tested(&run.id));
    let flaky = pair.passed.and_then(|run| told(model, run, &pair.then(report)?)).map(|passed| flaky(report, passed));
    let fault = first.fault.as_ref().or(second.and_then(|tested| tested.fault.as_ref()));
    Some(Ok(Findings { pair, report, flaky, fault }))
}

/// The answer to this question about a run as it is now, where there is one.
fn told<'m>(model: &'m Model, run: &Run, question: &Question) -> Option<&'m TestReport> {
    let Question::Tests { named, .. } = question else { return None };
    let tested = model.store.inside.tested(&run.id)?;
    let is_it = tested.fault.is_none() && tested.at >= Some(run.updated) && tested.named.is_superset(named);
    tested.report.as_ref().filter(|_| is_it)
}

/// What is to be known of the run on screen and nobody has told yet.
pub(in crate::app) fn question(model: &Model, run: &ObjectId) -> Option<(SourceName, Question)> {
    let mut sources = model.session.sources.iter();
    sources.find(|info| info.name == run.source && info.answers.contains(&Topic::Tests))?;
    let pair = pair(model, run)?;
    let first = pair.question();
    let question = match told(model, pair.failed, &first) {
        None => first,
        Some(report) => {
            pair.then(report).filter(|then| pair.passed.is_some_and(|run| told(model, run, then).is_none()))?
        }
    };
    Some((run.source.clone(), question))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            model::Screen,
            msg::Msg,
            sample::{self, hears, now, seeing, source},
            update::update,
            wants::wants,
        },
        domain::{item::Noun, object::Family, observed::FaultKind, report::Test},
        port::{inventory::Part, lookup::Told},
    };

    fn run(number: u64, status: RunStatus, commit: &str) -> Run {
        let id = ObjectId::new(&"forge".into(), Family::run(), format!("acme/ledger/{number}"));
        let version = crate::domain::version::Version::tagged("main").at_commit(commit);
        Run { id, number, version, status, ..sample::run() }
    }

    /// These runs, and one of them on screen.
    fn looking(runs: &[Run], at: u64) -> Model {
        let mut session = seeing(Vec::new()).session;
        let mut forge = source("forge", &[("run", Noun::Run)], 30);
        forge.answers = vec![Topic::Tests];
        session.sources.push(forge);
        let mut model = Model::new(session, now(), (120, 36));
        hears(&mut model, ("forge", "run"), now(), Ok(vec![Part::whole(Family::run(), runs.to_vec())]));
        model.nav.open(Screen::Run(run(at, RunStatus::Failed, "").id));
        model
    }

    fn asked(model: &Model) -> Option<(u64, usize)> {
        let tests = |(_, question): (SourceName, Question)| match question {
            Question::Tests { run, named } => Some((run.path.rsplit('/').next()?.parse().ok()?, named.len())),
            _ => None,
        };
        wants(model).questions.into_iter().find_map(tests)
    }

    fn name(name: &str) -> TestName {
        TestName::new("unit", "shop.Basket", name)
    }

    /// The open question about tests is answered: these are told by name.
    fn tells(model: &mut Model, tests: &[(&str, Outcome)]) {
        let all = wants(model).questions;
        let is_it = |(_, question): &(SourceName, Question)| question.topic() == Topic::Tests;
        let (source, question) = all.into_iter().find(is_it).unwrap();
        let mut report = TestReport::default();
        let asked = tests.iter().map(|(test, _)| name(test)).collect();
        for (test, outcome) in tests {
            report.take(Test::new(name(test), *outcome, ""), &asked);
        }
        update(model, Msg::Told { source, at: now(), question, told: Ok(Told::Tests(report)) });
    }

    #[test]
    fn a_run_that_failed_is_asked_for_its_tests_once_and_one_that_passed_only_beside_one_that_failed() {
        use RunStatus::{Failed, Running, Succeeded};
        let mut model = looking(&[run(7, Failed, "a1"), run(8, Succeeded, "b2")], 7);
        assert_eq!(asked(&model), Some((7, 0)));
        tells(&mut model, &[("pays", Outcome::Failed)]);
        assert_eq!(asked(&model), None);
        let findings = findings(&model, &run(7, Failed, "").id).unwrap().unwrap();
        assert_eq!((findings.report.failed, findings.flaky), (1, None), "no other run of its commit says anything");
        for other in [run(7, Running, "a1"), run(7, Succeeded, "a1")] {
            assert_eq!(asked(&looking(&[other, run(8, Failed, "b2")], 7)), None);
        }
    }

    #[test]
    fn what_failed_and_passed_on_the_same_commit_is_told_test_by_test_from_either_run() {
        use RunStatus::{Failed, Succeeded};
        let runs = [run(7, Failed, "a1"), run(8, Succeeded, "a1")];
        for at in [7, 8] {
            let mut model = looking(&runs, at);
            let here = run(at, Failed, "").id;
            assert_eq!(asked(&model), Some((7, 0)));
            tells(&mut model, &[("pays", Outcome::Failed), ("ships", Outcome::Failed), ("waits", Outcome::Failed)]);
            assert_eq!(asked(&model), Some((8, 3)));
            assert_eq!(findings(&model, &here).unwrap().unwrap().flaky, None, "nothing is told of the other yet");
            tells(&mut model, &[("pays", Outcome::Passed), ("ships", Outcome::Skipped)]);
            assert_eq!(asked(&model), None);
            let found = findings(&model, &here).unwrap().unwrap();
            assert_eq!((found.report.failed, found.flaky), (3, Some(BTreeSet::from([&name("pays")]))));
        }
    }

    #[test]
    fn why_nothing_is_known_is_told_and_clears_nothing_that_was() {
        let mut model = looking(&[run(7, RunStatus::Failed, "a1")], 7);
        let id = run(7, RunStatus::Failed, "").id;
        assert_eq!(findings(&model, &id), None);
        let question = Question::Tests { run: id.clone(), named: BTreeSet::new() };
        let fault = Fault::new(now(), FaultKind::Forbidden, "403");
        let fails = |model: &mut Model| {
            let (source, told) = ("forge".into(), Err(fault.clone()));
            update(model, Msg::Told { source, at: now(), question: question.clone(), told });
        };
        fails(&mut model);
        assert_eq!((findings(&model, &id), asked(&model)), (Some(Err(&fault)), Some((7, 0))));
        tells(&mut model, &[("pays", Outcome::Failed)]);
        fails(&mut model);
        let found = findings(&model, &id).unwrap().unwrap();
        assert_eq!((found.report.failed, found.fault), (1, Some(&fault)));
    }
}
