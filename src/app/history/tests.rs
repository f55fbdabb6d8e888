//! What is said of runs by those that were before them.

use super::*;
use crate::{
    app::sample::{hears, now, seeing, source},
    domain::{
        item::Noun,
        object::{Family, ObjectId},
        version::Version,
    },
    port::inventory::Part,
};

fn at(minutes: i64) -> Timestamp {
    now() + chrono::TimeDelta::minutes(minutes)
}

/// A run of `deploy` that began then and took so many minutes.
fn run(number: u64, status: RunStatus, began: i64, took: i64) -> Run {
    Run {
        id: ObjectId::new(&"forge".into(), "run", format!("acme/ledger/{}", 1000 + number)),
        service: "ledger".into(),
        pipeline: "deploy".into(),
        number,
        attempt: 1,
        title: format!("change {number}"),
        branch: Some("main".into()),
        version: Version::tagged("main").at_commit(format!("{number:040x}")),
        status,
        raw: None,
        queued: None,
        started: at(began),
        updated: at(began + took),
        actor: Some("lee".into()),
        url: None,
        offers: Vec::new(),
    }
}

fn model(runs: Vec<Run>) -> Model {
    let mut session = seeing(Vec::new()).session;
    session.sources.push(source("forge", &[("run", Noun::Run)], 30));
    let mut model = Model::new(session, now(), (120, 36));
    hears(&mut model, ("forge", "run"), now(), Ok(vec![Part::whole(Family::run(), runs)]));
    model
}

fn numbers(rows: &[Row<'_>]) -> Vec<u64> {
    rows.iter().map(|row| row.run.number).collect()
}

#[test]
fn what_failed_and_was_not_mended_and_what_waits_comes_first_then_what_runs_then_the_newest() {
    use RunStatus::{Failed, Queued, Running, Succeeded, Waiting};
    let other = |run: Run| Run { branch: Some("fix".into()), ..run };
    let model = model(vec![
        run(1, Failed, -90, 5),
        run(2, Succeeded, -80, 5),
        other(run(3, Failed, -70, 5)),
        run(4, Waiting, -60, 5),
        run(5, Running, -3, 3),
        run(6, Queued, -1, 0),
    ]);
    let rows = rows(&model, &Wanted::default());
    assert_eq!(numbers(&rows), [3, 4, 5, 6, 2, 1]);
    assert_eq!(count(&model), Count { pipelines: 1, running: 1, failed: 1, waiting: 1 });
}

#[test]
fn what_failed_stays_first_until_a_later_one_of_its_branch_has_ended() {
    let first = |later| {
        let model = model(vec![run(1, RunStatus::Failed, -90, 5), run(2, later, -3, 3)]);
        rows(&model, &Wanted::default())[0].run.number
    };
    assert_eq!(first(RunStatus::Running), 1, "it may fail, too");
    assert_eq!(first(RunStatus::Succeeded), 2);
}

#[test]
fn runs_are_found_by_state_service_branch_and_words() {
    let model = model(vec![run(1, RunStatus::Failed, -90, 5), run(2, RunStatus::Succeeded, -80, 5)]);
    let found = |wanted: Wanted| numbers(&rows(&model, &wanted));
    assert_eq!(found(Wanted { status: Some(RunStatus::Failed), ..Wanted::default() }), [1]);
    assert_eq!(found(Wanted { service: Some("ledger".into()), ..Wanted::default() }), [2, 1]);
    assert_eq!(found(Wanted { service: Some("web".into()), ..Wanted::default() }), [0; 0]);
    assert_eq!(found(Wanted { branch: Some("fix".into()), ..Wanted::default() }), [0; 0]);
    for (text, expected) in [("CHANGE 2", vec![2]), ("lee", vec![2, 1]), ("#1", vec![1]), ("nobody", vec![])] {
        assert_eq!(found(Wanted { text: text.into(), ..Wanted::default() }), expected, "{text}");
    }
}

#[test]
fn time_left_is_the_median_of_what_passed_and_unknown_before_two_have() {
    let running = || run(9, RunStatus::Running, -2, 2);
    let one = model(vec![run(1, RunStatus::Succeeded, -90, 4), running()]);
    assert_eq!(row(&one, one.store.runs().last().unwrap()).usual, None);
    let passed = [
        run(1, RunStatus::Succeeded, -90, 4),
        run(2, RunStatus::Succeeded, -70, 20),
        run(3, RunStatus::Succeeded, -40, 6),
    ];
    // One that failed early says nothing of how long it takes.
    let failed = run(4, RunStatus::Failed, -30, 1);
    let several = model(passed.into_iter().chain([failed, running()]).collect());
    let it = several.store.run(&running().id).unwrap();
    let row = row(&several, it);
    assert_eq!(row.usual, Some(Duration::from_mins(6)));
    assert_eq!(row.left(now()), Some(Duration::from_mins(4)));
    assert_eq!(row.left(at(5)), None, "it takes longer than usual: nobody knows for how long");
    let passed = RunStatus::Succeeded;
    assert_eq!(row.trend, [passed, passed, passed, RunStatus::Failed]);
}

#[test]
fn what_failed_and_passed_with_one_commit_is_flaky() {
    let commit =
        |run: Run, digit: char| Run { version: Version::tagged("main").at_commit(digit.to_string().repeat(40)), ..run };
    let model = model(vec![
        commit(run(1, RunStatus::Failed, -90, 5), 'a'),
        commit(run(2, RunStatus::Succeeded, -80, 5), 'a'),
        commit(run(3, RunStatus::Failed, -70, 5), 'b'),
        Run { version: Version::tagged("main"), ..run(4, RunStatus::Failed, -60, 5) },
        Run { version: Version::tagged("main"), ..run(5, RunStatus::Succeeded, -50, 5) },
    ]);
    let flaky: Vec<u64> =
        rows(&model, &Wanted::default()).iter().filter(|row| row.flaky).map(|row| row.run.number).collect();
    assert_eq!(flaky, [2, 1], "of those without a commit nobody can tell");
}

#[test]
fn a_pipeline_tells_how_many_failed_for_no_reason_of_their_own_and_how_well_it_does_without_those() {
    use RunStatus::{Cancelled, Failed, Succeeded};
    let of = |run: Run, commit: &str| Run { version: Version::tagged("main").at_commit(commit), ..run };
    let other = |run: Run| Run { pipeline: "nightly".into(), ..run };
    let model = model(vec![
        of(run(1, Failed, -90, 5), "aaaaaaa"),
        of(run(2, Succeeded, -80, 5), "aaaaaaa"),
        of(run(3, Failed, -70, 5), "bbbbbbb"),
        of(run(4, Cancelled, -60, 5), "bbbbbbb"),
        of(run(5, Succeeded, -50, 5), "ccccccc"),
        of(other(run(6, Cancelled, -40, 5)), "ccccccc"),
    ]);
    let told = pipelines(&model, &Wanted::default());
    let shown: Vec<_> = told.iter().map(|one| (one.newest.pipeline.as_str(), one.newest.number, one.rates)).collect();
    let rates = Rates { passed: 2, failed: 2, flaky: 1 };
    assert_eq!(shown, [("deploy", 5, rates), ("nightly", 6, Rates::default())]);
    assert_eq!((rates.success(), rates.flaky_share()), (Some(0.5), Some(0.25)));
    assert_eq!(rates.success_without_flaky(), Some(2.0 / 3.0));
    assert_eq!(Rates::default().success(), None, "none is neither good nor bad");
    let nightly = Wanted { text: "nightly".into(), ..Wanted::default() };
    assert_eq!(pipelines(&model, &nightly).len(), 1);
}
