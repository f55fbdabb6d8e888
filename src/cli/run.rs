//! `run`: one run with its jobs and steps as a tree and the tests that failed, or the log of one of its jobs. As text for people and as `holdshort/run/v1` for
//! scripts. What cannot be read is said, and the exit code says so.

pub(super) mod tested;

use std::io::Write;

use futures::StreamExt;
use serde::Serialize;

pub use self::tested::{TestOut, TestsOut};

use crate::{
    app::{history, model::Model},
    cli::{
        args::RunArgs,
        exit::{CliError, Exit},
        json,
        runs::{RunOut, took},
        span::short,
        table::{Layout, Table},
    },
    domain::{
        gate::Behind,
        log::Line,
        object::{Family, ObjectId},
        pipeline::{Flag, LogRef, Node, NodeKind, RunStatus, rows},
        runners::Runners,
        time::Timestamp,
    },
    port::{
        error::ProviderError,
        lookup::{LogPiece, Lookup, Question, Told},
    },
};

/// Lines of a log that are printed at most: the last ones.
const MOST: usize = 20_000;
/// How many candidates an error lists.
const LISTED: usize = 20;

/// `holdshort/run/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OneRun {
    /// `holdshort/run/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Was everything read that was asked for?
    pub complete: bool,
    /// The run as `runs` lists it; `null` where it is too old to be listed.
    pub run: Option<RunOut>,
    /// Its stages, jobs and steps, in order.
    pub nodes: Vec<NodeOut>,
    /// Its tests, where it failed or another run of its commit did; `null` where it has none, or nobody tells of them.
    pub tests: Option<TestsOut>,
    /// The log that was asked for; `null` where none was.
    pub log: Option<LogOut>,
    /// Why something could not be read; `null` where everything was.
    pub error: Option<String>,
}

/// A stage, job, step or child of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeOut {
    /// `stage`, `job`, `step` or `child`.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub status: RunStatus,
    /// The system's own word for that.
    pub word: Option<String>,
    /// What changes what that means: `soft_failed`, `timed_out`, `stopping`.
    pub flags: Vec<Flag>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How long it ran, as far as it has.
    pub took_seconds: Option<u64>,
    /// How long it waited for a machine, as far as it has; `null` where the system does not tell.
    pub waited_seconds: Option<u64>,
    /// Which attempt this is, from 1, where the system counts them.
    pub attempt: Option<u32>,
    /// The machine that took it.
    pub runner: Option<String>,
    /// What there is for it while it waits for one; `null` where it does not wait, or the system does not tell.
    pub runners: Option<RunnersOut>,
    /// The system's id of it, where it has one: `rerun --set jobs=one --set job=ID`.
    pub id: Option<String>,
    /// Has it a log?
    pub log: bool,
    /// The id of the run that it began.
    pub run: Option<String>,
    /// What is below it.
    pub nodes: Vec<NodeOut>,
}

/// The runners that fit a job that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunnersOut {
    /// What the job asks for.
    pub wants: Vec<String>,
    /// How many take jobs.
    pub online: u32,
    /// How many of them have nothing to do; `null` where that is not told.
    pub free: Option<u32>,
    /// How many are away or paused.
    pub offline: u32,
    /// What could not be counted.
    pub unread: Vec<String>,
    /// The same in words.
    pub said: String,
}

impl RunnersOut {
    fn of(runners: &Runners) -> Self {
        let Runners { wants, online, free, offline, unread } = runners.clone();
        Self { wants, online, free, offline, unread, said: runners.words() }
    }
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogOut {
    /// The job whose log it is.
    pub job: String,
    /// Its last lines.
    pub lines: Vec<Line>,
    /// Are there more before the first of them?
    pub cut: bool,
    /// Has the job ended, so that nothing is added?
    pub over: bool,
}

impl NodeOut {
    fn of(node: &Node, now: Timestamp) -> Self {
        Self {
            kind: node.kind,
            name: node.name.clone(),
            status: node.status.state,
            word: node.status.raw.clone(),
            flags: node.status.flags.iter().copied().collect(),
            started: node.started,
            ended: node.ended,
            took_seconds: node.took(now).map(|took| took.as_secs()),
            waited_seconds: node.waited(now).map(|waited| waited.as_secs()),
            attempt: node.attempt,
            runner: node.runner.clone(),
            runners: node.runners.as_ref().map(RunnersOut::of),
            id: node.log.as_ref().map(|log| log.as_str().to_owned()),
            log: node.log.is_some(),
            run: node.run.as_ref().map(ToString::to_string),
            nodes: node.nodes.iter().map(|node| Self::of(node, now)).collect(),
        }
    }
}

/// The run that a name stands for: a full id, of the run or of a gate that it waits at, or `SERVICE#NUMBER`.
pub fn resolve(model: &Model, name: &str) -> Result<ObjectId, CliError> {
    if name.contains('#') {
        let found: Vec<&ObjectId> = model.store.runs().filter(|run| run.is_called(name)).map(|run| &run.id).collect();
        return match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(unknown(model, name)),
            several => Err(CliError::lines(
                Exit::Usage,
                std::iter::once(format!("'{name}' is more than one run; name one:"))
                    .chain(several.iter().map(|id| format!("  {id}"))),
            )),
        };
    }
    let Ok(id) = name.parse::<ObjectId>() else { return Err(unknown(model, name)) };
    match model.store.gate(&id).map(|gate| &gate.behind) {
        Some(Behind::Run(run)) => Ok(run.clone()),
        // One that is too old to be listed is asked for all the same.
        _ if id.family == Family::run() => Ok(id),
        _ => Err(unknown(model, name)),
    }
}

fn unknown(model: &Model, name: &str) -> CliError {
    let rows = history::rows(model, &history::Wanted::default());
    let listed =
        rows.iter().take(LISTED).map(|row| format!("  {}#{}  {}", row.run.service, row.run.number, row.run.id));
    let head = format!("there is no run '{name}'; write its id or SERVICE#NUMBER:");
    CliError::lines(Exit::Usage, std::iter::once(head).chain(listed))
}

/// The jobs of a run, each with its name: `JOB`, or `STAGE / JOB`.
pub(super) fn jobs(nodes: &[Node]) -> Vec<(String, &Node)> {
    let mut jobs: Vec<(String, &Node)> = Vec::new();
    for node in nodes {
        match node.kind {
            NodeKind::Job => jobs.push((node.name.clone(), node)),
            _ => jobs.extend(node.nodes.iter().map(|job| (format!("{} / {}", node.name, job.name), job))),
        }
    }
    jobs.into_iter().filter(|(_, node)| node.kind == NodeKind::Job).collect()
}

/// The log that a name stands for: of the job of that name, or `STAGE / JOB`.
fn job<'a>(nodes: &'a [Node], name: &str) -> Result<(String, &'a LogRef), CliError> {
    let jobs = jobs(nodes);
    let called = |(path, node): &&(String, &Node)| path == name || node.name == name;
    let found: Vec<&(String, &Node)> = jobs.iter().filter(called).collect();
    match found.as_slice() {
        [(path, node)] => match &node.log {
            Some(log) => Ok((path.clone(), log)),
            None => Err(CliError::failed(format!("job '{path}' has no log: it is {}", node.status.words()))),
        },
        found => {
            let what = if found.is_empty() { "there is no job" } else { "there is more than one job" };
            let head = format!("{what} '{name}'; the jobs are:");
            let all = jobs.iter().map(|(path, node)| format!("  {path}  {}", node.status.words()));
            Err(CliError::lines(Exit::Usage, std::iter::once(head).chain(all)))
        }
    }
}

/// What was read of a run.
#[derive(Clone, Debug, Default)]
pub struct Read<'a> {
    /// Its tree.
    pub nodes: &'a [Node],
    /// Its tests, where they were asked for.
    pub tests: Option<TestsOut>,
    /// Its log, where one was asked for.
    pub log: Option<LogOut>,
    /// Why something could not be read.
    pub error: Option<String>,
}

/// Who is asked about a run, and where to it is written.
pub struct Look<'a> {
    /// What is known of everything.
    pub model: &'a Model,
    /// Who answers what is asked of the run.
    pub lookup: &'a dyn Lookup,
    /// How its tree is laid out.
    pub layout: Layout,
    /// Where it goes.
    pub out: &'a mut dyn Write,
    /// Where it is said what is not the whole.
    pub err: &'a mut dyn Write,
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look").finish_non_exhaustive()
    }
}

/// Prints a run, or one of its logs.
pub async fn print(look: Look<'_>, run: ObjectId, args: &RunArgs) -> Result<Exit, CliError> {
    let Look { model, lookup, layout, out, err } = look;
    let told = first(lookup, Question::Jobs { run: run.clone() }).await;
    let (nodes, error) = match told {
        Ok(Told::Jobs(nodes)) => (nodes, None),
        Ok(_) => (Vec::new(), Some(format!("{} answered something else", run.source))),
        Err(error) => (Vec::new(), Some(error.text)),
    };
    if let (Some(name), None) = (&args.log, &error) {
        let (job, log) = job(&nodes, name)?;
        let question = Question::Log { run: run.clone(), log: log.clone(), most: MOST };
        if args.json {
            let told = first(lookup, question).await;
            let (log, error) = match told {
                Ok(Told::Log(LogPiece { lines, cut, over, .. })) => (Some(LogOut { job, lines, cut, over }), None),
                Ok(_) => (None, Some(format!("{} answered something else", run.source))),
                Err(error) => (None, Some(error.text)),
            };
            return as_json(model, &run, Read { nodes: &nodes, tests: None, log, error }, out);
        }
        return lines(lookup, question, args.follow, (out, err)).await;
    }
    let (tests, error) = match error {
        Some(error) => (None, Some(error)),
        None => match tested::read(model, lookup, &run).await {
            Ok(tests) => (tests, None),
            Err(unread) => (None, Some(unread.text)),
        },
    };
    if args.json {
        return as_json(model, &run, Read { nodes: &nodes, tests, log: None, error }, out);
    }
    if nodes.is_empty() && error.is_some() {
        head(model, &run, out)?;
    } else {
        let printed = text(model, &run, &nodes, layout, out)
            .and_then(|()| tests.map_or(Ok(()), |tests| tests.print(layout, out)));
        Exit::Done.whoever_reads(printed)?;
    }
    error.map_or(Ok(Exit::Done), |error| Err(CliError::new(Exit::Unreachable, error)))
}

/// The first answer to a question.
pub(super) async fn first(lookup: &dyn Lookup, question: Question) -> Result<Told, ProviderError> {
    let none = || ProviderError::new(crate::domain::observed::FaultKind::Unreadable, "it ended without an answer");
    lookup.ask(question).next().await.unwrap_or_else(|| Err(none()))
}

fn as_json(model: &Model, run: &ObjectId, read: Read<'_>, out: &mut dyn Write) -> Result<Exit, CliError> {
    let exit = if read.error.is_none() { Exit::Done } else { Exit::Unreachable };
    exit.whoever_reads(json::print(&one_run(model, run, read), out))
}

/// A run as it is printed for scripts.
pub fn one_run(model: &Model, run: &ObjectId, read: Read<'_>) -> OneRun {
    let Read { nodes, tests, log, error } = read;
    let known = model.store.run(run).map(|run| RunOut::of(&history::row(model, run), model.now));
    OneRun {
        schema: "holdshort/run/v1",
        now: model.now,
        complete: error.is_none(),
        run: known,
        nodes: nodes.iter().map(|node| NodeOut::of(node, model.now)).collect(),
        tests,
        log,
        error,
    }
}

/// Prints the lines of a log as they come: the last ones, and where it is followed what is added, until it is over.
async fn lines(
    lookup: &dyn Lookup,
    question: Question,
    follow: bool,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> Result<Exit, CliError> {
    let mut answers = lookup.ask(question);
    while let Some(answer) = answers.next().await {
        let piece = match answer {
            Ok(Told::Log(piece)) => piece,
            Ok(_) => return Err(CliError::failed("it answered something else than a log")),
            Err(error) => return Err(CliError::new(Exit::Unreachable, error.text)),
        };
        if piece.cut {
            writeln!(err, "holdshort: the log is longer: these are its last {} lines", piece.lines.len())?;
        }
        if let Err(closed) =
            piece.lines.iter().try_for_each(|line| writeln!(out, "{}", said(line))).and_then(|()| out.flush())
        {
            return Exit::Done.whoever_reads(Err(closed.into()));
        }
        if piece.over {
            return Ok(Exit::Done);
        }
        if !follow {
            writeln!(err, "holdshort: the job has not ended: --follow goes on")?;
            return Ok(Exit::Done);
        }
    }
    Ok(Exit::Done)
}

/// A line as it is printed: when it came, and its words; below a heading it stands further in.
fn said(line: &Line) -> String {
    let at = line.at.map(|at| at.format("%H:%M:%S ").to_string()).unwrap_or_default();
    let mark = match line.mark {
        crate::domain::log::Mark::Group => "== ",
        crate::domain::log::Mark::Error => "error: ",
        crate::domain::log::Mark::Warning => "warning: ",
        _ if line.grouped => "  ",
        _ => "",
    };
    format!("{at}{mark}{}", line.text)
}

/// What is known of the run by its list.
fn head(model: &Model, run: &ObjectId, out: &mut dyn Write) -> Result<(), CliError> {
    let Some(known) = model.store.run(run) else {
        writeln!(out, "{run}")?;
        return Ok(());
    };
    let row = history::row(model, known);
    let by = known.actor.as_ref().map(|actor| format!(" by {actor}")).unwrap_or_default();
    let attempt = if known.attempt > 1 { format!(", attempt {}", known.attempt) } else { String::new() };
    let flaky = if row.flaky { ", flaky" } else { "" };
    let title = Some(known.title.as_str()).filter(|title| !title.is_empty());
    writeln!(
        out,
        "{} {} #{}  {}{attempt}{flaky}  {}{by}  {}",
        known.service,
        known.pipeline,
        known.number,
        known.status_words(),
        known.version,
        took(&row, model.now)
    )?;
    title.map_or(Ok(()), |title| writeln!(out, "{title}"))?;
    Ok(writeln!(out, "{run}")?)
}

fn text(model: &Model, run: &ObjectId, nodes: &[Node], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    head(model, run, out)?;
    writeln!(out)?;
    let mut table = Table::new(&["STATUS", "JOB", "TOOK", "WAITED", "RUNNER"]);
    let mut above: Vec<&str> = Vec::new();
    for (depth, node) in rows(nodes) {
        above.truncate(depth);
        above.push(&node.name);
        // How far in it stands is not heard: what it is a part of is.
        let name = match layout {
            Layout::Columns => format!("{}{}", "  ".repeat(depth), node.name),
            Layout::Lines => above.join(" / "),
        };
        let span =
            |span: Option<std::time::Duration>| span.map_or_else(|| "-".to_owned(), |span| short(span.as_secs()));
        let attempt = node.attempt.filter(|attempt| *attempt > 1).map(|attempt| format!(" (attempt {attempt})"));
        let leads = node.run.as_ref().map(|run| format!("  {run}")).unwrap_or_default();
        table.row([
            node.status.words(),
            format!("{name}{}{leads}", attempt.unwrap_or_default()),
            span(node.took(model.now)),
            span(node.waited(model.now)),
            node.runner.clone().unwrap_or_default(),
        ]);
    }
    if table.is_empty() {
        writeln!(out, "it has no jobs")?;
        return Ok(());
    }
    table.print_as(layout, out)?;
    for (_, node) in rows(nodes) {
        if let Some(runners) = &node.runners {
            writeln!(out, "{} waits: {}", node.name, runners.words())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
