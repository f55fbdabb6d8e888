//! `runs`: every run of every pipeline that is looked at, as a table for people and as `holdshort/runs/v1` for scripts. Where a source
//! that would tell of more does not answer, it says so.

use std::io::Write;

use serde::Serialize;

use crate::{
    app::{
        history::{self, Row, Wanted},
        model::Model,
    },
    cli::{
        args::RunsArgs,
        exit::{CliError, Exit},
        json,
        source::{self, SourceOut},
        span::short,
        table::Table,
    },
    domain::{
        item::Noun,
        offer::Offer,
        pipeline::{Run, RunStatus},
        time::{Timestamp, age},
    },
};

/// `holdshort/runs/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// `holdshort/runs/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Was everything read that would tell of runs? False while a source or a part of one does not answer.
    pub complete: bool,
    /// Those that are wanted: what failed and waits first, then what runs, then the newest.
    pub runs: Vec<RunOut>,
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

/// The runs that are asked for.
pub fn runs(model: &Model, args: &RunsArgs) -> Runs {
    let rows = history::rows(model, &wanted(args));
    Runs {
        schema: "holdshort/runs/v1",
        now: model.now,
        complete: gaps(model).is_empty(),
        runs: rows.iter().map(|row| RunOut::of(row, model.now)).collect(),
        sources: source::all(model),
    }
}

/// Prints them, as far as they are known; the exit code says whether that is all of them.
pub fn print(model: &Model, args: &RunsArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let gaps = gaps(model);
    let exit = if gaps.is_empty() { Exit::Done } else { Exit::Unreachable };
    exit.whoever_reads(if args.json { json::print(&runs(model, args), out) } else { text(model, args, &gaps, out) })
}

fn text(model: &Model, args: &RunsArgs, gaps: &[String], out: &mut dyn Write) -> Result<(), CliError> {
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
    if !table.is_empty() {
        table.print(out)?;
    } else if gaps.is_empty() {
        writeln!(out, "there is no such run")?;
    } else {
        writeln!(out, "no such run is known")?;
    }
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
    use crate::cli::sample;

    fn printed(model: &Model, args: &RunsArgs) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = print(model, args, &mut out).unwrap();
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
        assert_eq!(runs(&sample::model(), &failed).runs.len(), 1);
        let nobody = RunsArgs { service: Some("nobody".into()), ..RunsArgs::default() };
        assert_eq!(printed(&sample::model(), &nobody).1, "there is no such run\n");
    }

    #[test]
    fn while_a_source_is_silent_nobody_is_told_that_there_is_none() {
        let (exit, text) = printed(&sample::silent(), &RunsArgs::default());
        let said = "no such run is known\n\nincomplete, there may be more: github has not answered\n";
        assert_eq!((exit, text.as_str()), (Exit::Unreachable, said));
        assert!(!runs(&sample::silent(), &RunsArgs::default()).complete);
    }
}
