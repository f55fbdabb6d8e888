//! `logs`: what the versions of a service write, line by line, or the patterns of both versions of a release held against each
//! other. As text for people and as `holdshort/logs/v1` for scripts. What was left out is said.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use futures::StreamExt;
use serde::Serialize;

use crate::{
    app::{
        logs::{self, Logs, Standing},
        model::Model,
    },
    cli::{
        args::LogsArgs,
        exit::{CliError, Exit},
        json, named,
        table::{Layout, Table},
    },
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        line::{Level, LogLine},
        place::Named,
        rollout::{Arm, Role, Rollout},
        text::clean,
        time::Timestamp,
    },
    judge::pattern::Finding,
    port::{
        facet::Window,
        lookup::{Lines, Lookup, Question, Told, Written},
    },
};

/// Lines that are printed of the time before now, where nobody says how many.
pub const MOST: usize = 1_000;
/// Lines that patterns are made of.
const MINED: usize = 200_000;

/// `holdshort/logs/v1`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogsOut {
    /// `holdshort/logs/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Whose lines.
    pub service: ServiceName,
    /// Through which connection.
    pub source: SourceName,
    /// Since when everything was read; `null` where nothing was read to its end.
    pub since: Option<Timestamp>,
    /// How many lines were left out, at least.
    pub dropped: u64,
    /// The lines, oldest first; with `--patterns` none.
    pub lines: Vec<LineOut>,
    /// The patterns, what is proven first; without `--patterns` none.
    pub patterns: Vec<PatternOut>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineOut {
    /// When it was written.
    pub at: Timestamp,
    /// The version that wrote it, as the source calls it; `null` where it does not say.
    pub version: Option<String>,
    /// `canary`, `stable`; `null` where it is neither.
    pub side: Option<Role>,
    /// The pod.
    pub pod: Option<String>,
    /// How bad it says it is.
    pub level: Option<Level>,
    /// The line.
    pub text: String,
    /// What the source keeps beside it.
    pub fields: BTreeMap<String, String>,
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatternOut {
    /// The words that its lines share; `<*>` where they differ.
    pub pattern: String,
    /// The worst that one of them says it is.
    pub level: Option<Level>,
    /// One of them.
    pub example: String,
    /// The first, and the last.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// Lines of the canary.
    pub canary: u64,
    /// Lines of stable.
    pub stable: u64,
    /// Lines of other versions, or of none that is told.
    pub other: u64,
    /// Lines for each 1,000 requests of the canary; `null` where requests are not known.
    pub canary_per_thousand: Option<f64>,
    /// The same of stable.
    pub stable_per_thousand: Option<f64>,
    /// The canary's rate over stable's; `null` where stable has none.
    pub ratio: Option<f64>,
    /// Its lower bound (95 %, however often one looks).
    pub ratio_low: Option<f64>,
    /// Its upper bound.
    pub ratio_high: Option<f64>,
    /// `new`: only the canary writes it, and that is no chance; `more`: it writes it more often; `nothing`: not proven.
    pub finding: Finding,
}

/// Whose lines are asked for, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this service.
    pub service: ServiceName,
    /// Where it runs, as far as that was said.
    pub environment: Option<EnvironmentName>,
    /// Through this connection.
    pub source: SourceName,
}

/// What `SERVICE`, `SERVICE@ENVIRONMENT` or the id of a rollout stands for, and who keeps its lines.
pub fn wanted(model: &Model, target: &str) -> Result<Wanted, CliError> {
    let found = releases(model, target);
    if let Some(error) = named::unknown(model, target).filter(|_| found.is_empty() && Named(target).says_where()) {
        return Err(error);
    }
    let info = logs::keeper(model, found.first().copied()).ok_or_else(|| {
        let way = "add one to the configuration (`holdshort config schema` shows how)";
        CliError::usage(format!("no connection keeps what '{target}' writes: {way}"))
    })?;
    let (service, environment) = match found.as_slice() {
        [one] => (one.service.clone(), Some(one.environment.clone())),
        [first, ..] => (first.service.clone(), None),
        // Its lines may be kept although nothing that we see runs it.
        [] => (ServiceName::new(target.split('@').next().unwrap_or(target)), None),
    };
    Ok(Wanted { service, environment, source: info.name.clone() })
}

fn releases<'m>(model: &'m Model, target: &str) -> Vec<&'m Rollout> {
    let is = |rollout: &&Rollout| {
        Named(target).is_at(&rollout.service, &rollout.environment) || rollout.id.to_string() == target
    };
    model.store.rollouts().filter(is).collect()
}

/// The release whose patterns are asked for: the only one of that name.
pub fn release<'m>(model: &'m Model, target: &str) -> Result<&'m Rollout, CliError> {
    match releases(model, target).as_slice() {
        [one] => Ok(one),
        [] => Err(named::unknown(model, target).unwrap_or_else(|| {
            CliError::usage(format!("no release is called '{target}': patterns are those of two versions"))
        })),
        several => {
            let head = format!("'{target}' is more than one release; name one:");
            let each = several.iter().map(|one| format!("  {}@{}", one.service, one.environment));
            Err(CliError::lines(Exit::Usage, std::iter::once(head).chain(each)))
        }
    }
}

/// What is asked.
pub fn question(model: &Model, wanted: &Wanted, args: &LogsArgs) -> Lines {
    let window = Window { from: model.now - args.since, to: model.now, step: model.session.signal_step };
    let named = model.session.sources.iter().find(|info| info.name == wanted.source);
    let named = named.zip(wanted.environment.as_ref());
    Lines {
        versions: args.version.iter().cloned().collect::<BTreeSet<_>>(),
        level: args.level,
        text: args.text.clone().unwrap_or_default(),
        environment: named.and_then(|(info, environment)| logs::named_to(info, environment)),
        follow: args.follow,
        ..Lines::newest(wanted.service.clone(), window, if args.patterns { MINED } else { args.most })
    }
}

/// Prints lines: the newest of the window in order, and with `--follow` those after them, until nobody reads them.
pub async fn print(
    model: &Model,
    wanted: &Wanted,
    lookup: &dyn Lookup,
    args: &LogsArgs,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> Result<Exit, CliError> {
    let asked = question(model, wanted, args);
    // Its lines may be kept although nothing that is seen runs it; where there are none either, nobody knows it.
    let unknown = named::unknown(model, wanted.service.as_str());
    if let Some(error) = unknown.clone().filter(|_| args.follow) {
        return Err(error);
    }
    let mut answers = lookup.ask(Question::Lines(asked.clone()));
    // A window is read from its end; what it holds is printed once it was read.
    let (mut window, mut whole): (Vec<LogLine>, Option<Timestamp>) = (Vec::new(), None);
    let (mut dropped, mut printed) = (0, false);
    while let Some(answer) = answers.next().await {
        let written = match answer {
            Ok(Told::Lines(written)) => written,
            Ok(_) => continue,
            Err(error) => return Err(CliError::new(Exit::Unreachable, format!("{}: {}", wanted.source, error.text))),
        };
        dropped += written.dropped;
        let Written { lines, whole: span, .. } = written;
        if printed {
            for line in &lines {
                text(model, wanted, line, out)?;
            }
            if written.dropped > 0 {
                writeln!(err, "holdshort: {} lines were left out: there were too many", written.dropped)?;
            }
            continue;
        }
        window.extend(lines);
        whole = whole.into_iter().chain(span.map(|span| span.from)).min();
        let complete = whole.is_some_and(|since| since <= asked.window.from) || window.len() + 1 >= asked.most;
        if args.follow && complete {
            window.sort_by_key(|line| line.at);
            window.iter().try_for_each(|line| text(model, wanted, line, out))?;
            (printed, window) = (true, Vec::new());
        }
    }
    if let Some(error) = unknown.filter(|_| window.is_empty()) {
        return Err(error);
    }
    window.sort_by_key(|line| line.at);
    if args.json {
        let lines = window.into_iter().map(|line| line_out(model, wanted, line)).collect();
        json::print(&head(model, wanted, whole, dropped, lines, Vec::new()), out)?;
    } else if !printed {
        for line in &window {
            text(model, wanted, line, out)?;
        }
        if window.is_empty() {
            let since = asked.window.from.format("%H:%M:%S");
            let there = others(model, wanted, args);
            writeln!(err, "holdshort: {} has no such line of {} since {since}{there}", wanted.source, wanted.service)?;
        }
        if dropped > 0 {
            writeln!(err, "holdshort: {dropped} lines were left out: there were too many")?;
        }
        if let Some(since) = whole.filter(|since| *since > asked.window.from) {
            let since = since.format("%H:%M:%S");
            writeln!(err, "holdshort: only the newest {} lines, since {since}; --most says how many", window.len())?;
        }
    }
    Ok(if dropped > 0 { Exit::Unreachable } else { Exit::Done })
}

/// Which versions there are, where the one that is asked for is none of them: nothing may have been written by it, or it was misspelt.
fn others(model: &Model, wanted: &Wanted, args: &LogsArgs) -> String {
    let Some(named) = &args.version else { return String::new() };
    let here = |rollout: &&Rollout| {
        rollout.service == wanted.service && wanted.environment.as_ref().is_none_or(|it| *it == rollout.environment)
    };
    let arms: Vec<&Arm> = model.store.rollouts().filter(here).flat_map(|rollout| &rollout.arms).collect();
    if arms.is_empty() || arms.iter().any(|arm| arm.tag() == *named || arm.hash == *named) {
        return String::new();
    }
    let tags: BTreeSet<String> = arms.iter().map(|arm| arm.tag()).collect();
    format!(
        "; no version that is there is called '{}', there are {}",
        clean(named),
        tags.into_iter().collect::<Vec<_>>().join(", ")
    )
}

/// `02:07:39.221 canary 1.42.0 payments-7cc75-x2 ERROR card vault timeout after 3002 ms`.
fn text(model: &Model, wanted: &Wanted, line: &LogLine, out: &mut dyn Write) -> Result<(), CliError> {
    let side = side(model, wanted, line).map_or_else(String::new, |side| format!(" {side}"));
    let version = if line.version.is_empty() { "?" } else { &line.version };
    let pod = if line.pod.is_empty() { String::new() } else { format!(" {}", line.pod) };
    let at = line.at.format("%H:%M:%S%.3f");
    Ok(writeln!(out, "{at}{side} {version}{pod} {}", line.text)?)
}

fn side(model: &Model, wanted: &Wanted, line: &LogLine) -> Option<Role> {
    let here = |rollout: &&Rollout| {
        rollout.service == wanted.service
            && wanted.environment.as_ref().is_none_or(|place| rollout.environment == *place)
    };
    let mut all = model.store.rollouts().filter(here);
    let only = all.next().filter(|_| all.next().is_none())?;
    logs::sides(model, only, [line.version.as_str()]).into_values().next().flatten()
}

fn line_out(model: &Model, wanted: &Wanted, line: LogLine) -> LineOut {
    let said = |text: String| (!text.is_empty()).then_some(text);
    let side = side(model, wanted, &line);
    let LogLine { at, version, pod, level, text, fields } = line;
    LineOut { at, version: said(version), side, pod: said(pod), level, text, fields }
}

fn head(
    model: &Model,
    wanted: &Wanted,
    since: Option<Timestamp>,
    dropped: u64,
    lines: Vec<LineOut>,
    patterns: Vec<PatternOut>,
) -> LogsOut {
    let (service, source) = (wanted.service.clone(), wanted.source.clone());
    LogsOut { schema: "holdshort/logs/v1", now: model.now, service, source, since, dropped, lines, patterns }
}

/// Prints the patterns of a release, as far as they were read.
pub fn patterns(
    model: &Model,
    rollout: &Rollout,
    as_json: bool,
    layout: Layout,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let Some(logs) = model.logs.get(&rollout.id) else {
        return Err(CliError::usage("no connection keeps what services write"));
    };
    if let Some(fault) = &logs.fault {
        return Err(CliError::new(Exit::Unreachable, format!("{}: {fault}", logs.source)));
    }
    let standing = logs::standing(model, rollout, logs);
    let (service, source) = (rollout.service.clone(), logs.source.clone());
    let wanted = Wanted { service, environment: Some(rollout.environment.clone()), source };
    if as_json {
        let patterns = standing.iter().map(pattern_out).collect();
        json::print(&head(model, &wanted, logs.since(), logs.dropped, Vec::new(), patterns), out)?;
    } else {
        table(logs, &standing, layout, out)?;
    }
    Ok(if logs.dropped > 0 || logs.at.is_none() { Exit::Unreachable } else { Exit::Done })
}

fn table(logs: &Logs, standing: &[Standing<'_>], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let since = logs.since().map_or_else(|| "?".to_owned(), |since| since.format("%H:%M:%S").to_string());
    if standing.is_empty() {
        writeln!(out, "{} has no line since {since}", logs.source)?;
        return Ok(());
    }
    let mut table = Table::new(&["FINDING", "CANARY", "STABLE", "PER 1,000 REQUESTS", "LEVEL", "PATTERN"]);
    for one in standing {
        let finding = match one.finding {
            Finding::New => "new",
            Finding::More => "more",
            Finding::Nothing => "",
        };
        let (canary, stable, _) = one.lines;
        let rates = one.per_thousand.map(|(canary, stable)| format!("{canary:.2} : {stable:.2}"));
        let level = one.pattern.level.map_or_else(String::new, |level| level.to_string());
        table.row([
            finding.to_owned(),
            canary.to_string(),
            stable.to_string(),
            rates.unwrap_or_else(|| "not known".to_owned()),
            level,
            one.pattern.text.clone(),
        ]);
    }
    table.print_as(layout, out)?;
    writeln!(out, "{} lines of {} since {since}, {} left out", logs.read, logs.source, logs.dropped)?;
    Ok(())
}

fn pattern_out(one: &Standing<'_>) -> PatternOut {
    let (canary, stable, other) = one.lines;
    let (pattern, ratio) = (one.pattern, one.ratio());
    PatternOut {
        pattern: pattern.text.clone(),
        level: pattern.level,
        example: pattern.example.clone(),
        first: pattern.first,
        last: pattern.last,
        canary,
        stable,
        other,
        canary_per_thousand: one.per_thousand.map(|(canary, _)| canary),
        stable_per_thousand: one.per_thousand.map(|(_, stable)| stable),
        ratio: ratio.estimate,
        ratio_low: ratio.low,
        ratio_high: ratio.high,
        finding: one.finding,
    }
}
