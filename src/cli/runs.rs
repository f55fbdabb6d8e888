//! `runs`: every run of every pipeline that is looked at, as a table for people and as `holdshort/runs/v1` for scripts. Where a source
//! that would tell of more does not answer, it says so.

mod looked;

use std::io::Write;

use serde::Serialize;

pub use self::looked::{Failure, JobOut, TestRateOut, failures};
use self::looked::{jobs_of, line, tests_of};

use crate::{
    app::{
        history::{self, Pipeline, Rates, Row, Wanted},
        model::Model,
    },
    cli::{
        args::RunsArgs,
        exit::{CliError, Exit},
        json, named,
        source::{self, SourceOut},
        span::short,
        table::{Layout, Table},
    },
    domain::{
        item::Noun,
        offer::Offer,
        pipeline::{Run, RunStatus},
        time::{Timestamp, age},
    },
};

/// `holdshort/runs/v1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runs {
    /// `holdshort/runs/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Was everything read that would tell of runs? False while a source or a part of one does not answer.
    pub complete: bool,
    /// Those that are wanted: what failed and waits first, then what runs, then the newest.
    pub runs: Vec<RunOut>,
    /// Every pipeline that one of them is of, by service and name: how all of its runs ended that are known.
    pub pipelines: Vec<PipelineOut>,
    /// Every connection, by name.
    pub sources: Vec<SourceOut>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunOut {
    /// Its full id: a TARGET for `run`, `rerun` and `cancel`.
    pub id: String,
    /// Whose pipeline it is.
    pub service: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its number, as people say it.
    pub number: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What it is about.
    pub title: String,
    /// The branch or tag.
    pub branch: Option<String>,
    /// The tag of what it builds or deploys.
    pub version: String,
    /// Its commit, where the system tells.
    pub commit: Option<String>,
    /// Where it is.
    pub status: RunStatus,
    /// The system's own word for that.
    pub word: Option<String>,
    /// When this attempt began.
    pub started: Timestamp,
    /// When it last moved; once it has ended, when it did.
    pub updated: Timestamp,
    /// How long it took; `null` while it has not ended.
    pub took_seconds: Option<u64>,
    /// How long it waited to begin; `null` where the system does not tell.
    pub waited_seconds: Option<u64>,
    /// How long one of its pipeline takes: the median of those that passed; `null` where too few did.
    pub usual_seconds: Option<u64>,
    /// While it runs, how long it still takes if it takes as long as usual; else, and once it took longer, `null`.
    pub left_seconds: Option<u64>,
    /// How the last ten of its pipeline and branch ended, oldest first.
    pub trend: Vec<RunStatus>,
    /// Did one of this commit fail and another one pass?
    pub flaky: bool,
    /// Has no later one of its pipeline and branch ended?
    pub newest: bool,
    /// Who started it.
    pub actor: Option<String>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// What can be done with it; `blocked` is `null` or why it will not run.
    pub offers: Vec<Offer>,
}

/// How the runs of a pipeline ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PipelineOut {
    /// Whose it is.
    pub service: String,
    /// The connection that tells of it.
    pub source: String,
    /// Its name.
    pub pipeline: String,
    /// Runs that passed, and that failed; those that were stopped or left out are neither.
    pub passed: usize,
    /// See `passed`.
    pub failed: usize,
    /// Of those that failed: another run of the same commit passed.
    pub flaky: usize,
    /// The share of those that passed, 0 to 1; `null` where none has ended.
    pub success_rate: Option<f64>,
    /// The same without those that are flaky.
    pub success_rate_without_flaky: Option<f64>,
    /// The share of those that are flaky.
    pub flaky_rate: Option<f64>,
    /// Which of its jobs failed, in how many of the failed runs that were looked into; `null` where none was (`--jobs`).
    pub jobs: Option<Vec<JobOut>>,
    /// Failed runs that were looked into for that; of the others it is not known which job it was.
    pub jobs_of: usize,
    /// Which of its tests failed in those runs, the flakiest first, 20 at most; `null` where nobody told of any (`--jobs`).
    pub tests: Option<Vec<TestRateOut>>,
}

impl PipelineOut {
    fn of(one: &Pipeline<'_>, failures: &[Failure]) -> Self {
        let (run, Rates { passed, failed, flaky }) = (one.newest, one.rates);
        let own: Vec<&Failure> = failures.iter().filter(|failure| failure.line == line(run)).collect();
        Self {
            service: run.service.to_string(),
            source: run.id.source.to_string(),
            pipeline: run.pipeline.clone(),
            passed,
            failed,
            flaky,
            success_rate: one.rates.success(),
            success_rate_without_flaky: one.rates.success_without_flaky(),
            flaky_rate: one.rates.flaky_share(),
            jobs: jobs_of(&own),
            jobs_of: own.len(),
            tests: tests_of(&own),
        }
    }
}

impl RunOut {
    pub(super) fn of(row: &Row<'_>, now: Timestamp) -> Self {
        let run: &Run = row.run;
        Self {
            id: run.id.to_string(),
            service: run.service.to_string(),
            pipeline: run.pipeline.clone(),
            number: run.number,
            attempt: run.attempt,
            title: run.title.clone(),
            branch: run.branch.clone(),
            version: run.version.tag.clone(),
            commit: run.version.commit.clone(),
            status: run.status,
            word: run.raw.clone(),
            started: run.started,
            updated: run.updated,
            took_seconds: run.took().map(|took| took.as_secs()),
            waited_seconds: run.waited().map(|waited| waited.as_secs()),
            usual_seconds: row.usual.map(|usual| usual.as_secs()),
            left_seconds: row.left(now).map(|left| left.as_secs()),
            trend: row.trend.clone(),
            flaky: row.flaky,
            newest: row.newest,
            actor: run.actor.as_ref().map(ToString::to_string),
            url: run.url.clone(),
            offers: run.offers.clone(),
        }
    }
}

/// The sources that may know of more runs and do not answer, and the parts of others that could not be read, each in a sentence.
pub(super) fn gaps(model: &Model) -> Vec<String> {
    let all = model.store.inventories_of(&[Noun::Run], model.now);
    if all.is_empty() {
        return vec!["no connection tells of runs".to_owned()];
    }
    all.into_iter().filter(|state| !state.is_whole()).map(|state| source::sentence(&state)).collect()
}

/// What is asked for.
fn wanted(args: &RunsArgs) -> Wanted {
    let service = args.service.as_deref().map(Into::into);
    Wanted { status: args.status, service, branch: args.branch.clone(), text: String::new() }
}

/// The runs that are asked for, and of their pipelines what is known of the failed ones that were looked into.
pub fn runs(model: &Model, args: &RunsArgs, failures: &[Failure]) -> Runs {
    let rows = history::rows(model, &wanted(args));
    let pipelines = history::pipelines(model, &wanted(args));
    Runs {
        schema: "holdshort/runs/v1",
        now: model.now,
        complete: gaps(model).is_empty(),
        runs: rows.iter().map(|row| RunOut::of(row, model.now)).collect(),
        pipelines: pipelines.iter().map(|one| PipelineOut::of(one, failures)).collect(),
        sources: source::all(model),
    }
}

/// Prints them, as far as they are known; the exit code says whether that is all of them. `failures` are those that were looked
/// into, and of which that failed.
pub fn print(
    model: &Model,
    args: &RunsArgs,
    (failures, unread): (&[Failure], &[String]),
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    print_as(model, args, (failures, unread), Layout::Columns, out)
}

/// The same, laid out as it is wanted.
pub fn print_as(
    model: &Model,
    args: &RunsArgs,
    (failures, unread): (&[Failure], &[String]),
    layout: Layout,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let gaps = [gaps(model), unread.to_vec()].concat();
    if let Some(error) =
        args.service.as_deref().and_then(|name| named::unknown(model, name)).filter(|_| gaps.is_empty())
    {
        return Err(error);
    }
    let exit = if gaps.is_empty() { Exit::Done } else { Exit::Unreachable };
    let told = runs(model, args, failures);
    exit.whoever_reads(if args.json {
        json::print(&Runs { complete: gaps.is_empty(), ..told }, out)
    } else {
        text(model, args, (&gaps, &told.pipelines), layout, out)
    })
}

/// `2 of 30 flaky, 87 % passed, 93 % without those`, of each pipeline that has such, and the jobs that it was.
fn flaky(pipelines: &[PipelineOut], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let percent = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| format!("{:.0} %", share * 100.0));
    let mut table =
        Table::new(&["SERVICE", "PIPELINE", "FLAKY", "PASSED", "WITHOUT FLAKY", "JOBS THAT FAILED (FLAKY)"]);
    for one in pipelines.iter().filter(|one| one.flaky > 0 || one.jobs.is_some()) {
        let jobs = one.jobs.iter().flatten().map(|job| format!("{} {} ({})", job.name, job.failed, job.flaky));
        table.row([
            one.service.clone(),
            one.pipeline.clone(),
            format!("{} of {}", one.flaky, one.passed + one.failed),
            percent(one.success_rate),
            percent(one.success_rate_without_flaky),
            jobs.collect::<Vec<_>>().join(", "),
        ]);
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.print_as(layout, out)?;
    }
    let mut table = Table::new(&["SERVICE", "TEST THAT FAILED", "CLASS", "SUITE", "RUNS (FLAKY)"]);
    for one in pipelines {
        for test in one.tests.iter().flatten() {
            let runs = format!("{} ({})", test.failed, test.flaky);
            table.row([one.service.clone(), test.name.clone(), test.class.clone(), test.suite.clone(), runs]);
        }
    }
    if !table.is_empty() {
        writeln!(out)?;
        table.print_as(layout, out)?;
    }
    Ok(())
}

fn text(
    model: &Model,
    args: &RunsArgs,
    (gaps, pipelines): (&[String], &[PipelineOut]),
    layout: Layout,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let rows = history::rows(model, &wanted(args));
    let mut table =
        Table::new(&["STATUS", "SERVICE", "PIPELINE", "RUN", "WHAT", "BY", "STARTED", "TOOK", "LAST", "ID"]);
    for row in &rows {
        let run = row.run;
        table.row([
            status(row),
            run.service.to_string(),
            run.pipeline.clone(),
            if run.attempt > 1 { format!("#{} ({})", run.number, run.attempt) } else { format!("#{}", run.number) },
            format!("{} {}", run.version, run.title).trim_end().to_owned(),
            run.actor.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            format!("{} ago", short(age(model.now, run.started).as_secs())),
            took(row, model.now),
            trend(&row.trend),
            run.id.to_string(),
        ]);
    }
    if !model.store.tells_of(Noun::Run) {
        let way = "docs/configuration.md has every CI system";
        writeln!(out, "cannot tell which runs there are: no connection tells of runs; {way}")?;
        return Ok(());
    }
    if !table.is_empty() {
        table.print_as(layout, out)?;
    } else if gaps.is_empty() {
        writeln!(out, "there is no such run")?;
    } else {
        writeln!(out, "no such run is known")?;
    }
    flaky(pipelines, layout, out)?;
    if !gaps.is_empty() {
        writeln!(out)?;
        writeln!(out, "incomplete, there may be more: {}", gaps.join("; "))?;
    }
    Ok(())
}

fn status(row: &Row<'_>) -> String {
    let words = row.run.status_words();
    if row.flaky { format!("{words}, flaky") } else { words }
}

/// How long it took, or still takes.
pub(super) fn took(row: &Row<'_>, now: Timestamp) -> String {
    match (row.run.took(), row.left(now)) {
        (Some(took), _) => short(took.as_secs()),
        (None, Some(left)) => format!("~{} left", short(left.as_secs())),
        (None, None) => "-".to_owned(),
    }
}

/// One sign for each, oldest first: passed, failed, stopped, skipped.
pub(super) fn trend(trend: &[RunStatus]) -> String {
    let sign = |status: &RunStatus| match status {
        RunStatus::Succeeded => '+',
        RunStatus::Failed => 'x',
        RunStatus::Cancelled => '/',
        _ => '.',
    };
    trend.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::sample::hears,
        cli::sample,
        domain::{
            object::{Family, ObjectId},
            report::TestName,
            version::Version,
        },
        port::inventory::Part,
    };

    fn printed(model: &Model, args: &RunsArgs) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = print(model, args, (&[], &[]), &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_failed_and_waits_stands_first_with_its_id() {
        let (exit, text) = printed(&sample::model(), &RunsArgs::default());
        assert_eq!(exit, Exit::Done);
        let expected = "\
STATUS   SERVICE  PIPELINE  RUN   WHAT          BY    STARTED    TOOK   LAST  ID
failed   ledger   deploy    #811  main release  dana  6 min ago  1 min  x     github/run/acme/ledger/811
waiting  ledger   deploy    #812  main release  dana  6 min ago  -      x     github/run/acme/ledger/812
";
        assert_eq!(text, expected);
        let failed = RunsArgs { status: Some(RunStatus::Failed), ..RunsArgs::default() };
        assert_eq!(runs(&sample::model(), &failed, &[]).runs.len(), 1);
        // A service that is known has no such run; one that is not may be a slip of the pen.
        let elsewhere = RunsArgs { service: Some("payments".into()), ..RunsArgs::default() };
        assert_eq!(printed(&sample::model(), &elsewhere), (Exit::Done, "there is no such run\n".to_owned()));
        let nobody = RunsArgs { service: Some("nobody".into()), ..RunsArgs::default() };
        let error = print(&sample::model(), &nobody, (&[], &[]), &mut Vec::new()).unwrap_err();
        let said = "there is no service 'nobody'; there are: ledger, payments";
        assert_eq!((error.exit, error.text()), (Exit::Usage, said));
    }

    #[test]
    fn while_a_source_is_silent_nobody_is_told_that_there_is_none() {
        let (exit, text) = printed(&sample::silent(), &RunsArgs::default());
        let said = "no such run is known\n\nincomplete, there may be more: github has not answered\n";
        assert_eq!((exit, text.as_str()), (Exit::Unreachable, said));
        assert!(!runs(&sample::silent(), &RunsArgs::default(), &[]).complete);
    }

    #[test]
    fn where_no_connection_tells_of_runs_it_says_so_and_what_would() {
        let (exit, text) = printed(&sample::no_inventory(), &RunsArgs::default());
        assert_eq!(exit, Exit::Unreachable);
        let expected = "\
cannot tell which runs there are: no connection tells of runs; docs/configuration.md has every CI system
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_pipeline_tells_which_jobs_failed_and_which_of_them_for_no_reason_of_their_own() {
        let mut model = sample::model();
        let failed = model.store.runs().find(|run| run.number == 811).unwrap().clone();
        let passed =
            Run { number: 810, id: ObjectId::new(&"github".into(), "run", "acme/ledger/810"), ..failed.clone() };
        let passed = Run { status: RunStatus::Succeeded, ..passed };
        let at = |run: Run| Run { version: Version::tagged("main").at_commit("c0ffee1"), ..run };
        let now = model.now;
        let parts = vec![Part::whole(Family::run(), [at(failed.clone()), at(passed)])];
        hears(&mut model, ("github", "run"), now, Ok(parts));
        let named = |name: &str| TestName::new("unit", "", name);
        let tests = Some(vec![(named("pays"), true), (named("ships"), false)]);
        let looked =
            Failure { line: line(&failed), flaky: true, jobs: vec!["test / unit".into(), "lint".into()], tests };
        let tests = Some(vec![(named("ships"), false)]);
        let other = Failure { flaky: false, jobs: vec!["lint".into()], tests, ..looked.clone() };
        let told = runs(&model, &RunsArgs::default(), &[looked, other]).pipelines;
        let job = |name: &str, failed, flaky| JobOut { name: name.to_owned(), failed, flaky };
        let rate = |name: &str, failed, flaky| {
            let (suite, class) = ("unit".to_owned(), String::new());
            TestRateOut { suite, class, name: name.to_owned(), failed, flaky }
        };
        let expected = PipelineOut {
            service: "ledger".into(),
            source: "github".into(),
            pipeline: "deploy".into(),
            passed: 1,
            failed: 1,
            flaky: 1,
            success_rate: Some(0.5),
            success_rate_without_flaky: Some(1.0),
            flaky_rate: Some(0.5),
            jobs: Some(vec![job("lint", 2, 1), job("test / unit", 1, 1)]),
            jobs_of: 2,
            tests: Some(vec![rate("pays", 1, 1), rate("ships", 2, 0)]),
        };
        assert_eq!(told, [expected]);
        let mut out = Vec::new();
        let exit = print(&model, &RunsArgs::default(), (&[], &["a: 503".to_owned()]), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(exit, Exit::Unreachable, "which job it was could not be read");
        assert!(text.contains("ledger   deploy    1 of 2  50 %    100 %"), "{text}");
        assert!(text.ends_with("incomplete, there may be more: a: 503\n"), "{text}");
    }
}
