//! `emergency` for people: what is broken first, then what runs and how it is gone back from, then the commands, a block for each system,
//! so that a block can be copied as it is.

use std::{collections::BTreeMap, io::Write};

use super::{Emergency, PipelineOut, PlaceOut, SeenOut, WayOut};
use crate::{
    cli::{
        audit::RecordOut,
        exit::CliError,
        span::short,
        table::{Layout, Table},
    },
    domain::{preflight::Grade, rollout::Phase},
};

/// Prints all of it.
pub(super) fn print(
    shown: &Emergency,
    services: &[String],
    layout: Layout,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let now = shown.now.format("%Y-%m-%d %H:%M:%S");
    writeln!(out, "{}, as far as it can be told at {now} UTC; nothing was sent", shown.service)?;
    if !shown.broken.is_empty() {
        heading("NOT READ: what is missing below may be there", out)?;
        for broken in &shown.broken {
            writeln!(out, "  {}: {}", broken.part, broken.why)?;
        }
    }
    if shown.places.is_empty() && shown.pipelines.is_empty() {
        heading("nothing is known of what runs", out)?;
        if !services.is_empty() {
            writeln!(out, "known are: {}", services.join(", "))?;
        }
    }
    for place in &shown.places {
        writeln!(out)?;
        self::place(place, out)?;
    }
    pipelines(&shown.pipelines, layout, out)?;
    records(&shown.records, layout, out)?;
    commands(shown, out)
}

/// A line of its own, below an empty one.
fn heading(text: &str, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out)?;
    Ok(writeln!(out, "{text}")?)
}

fn place(place: &PlaceOut, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{} in {}: {}", place.service, place.environment, state(place))?;
    for trouble in &place.troubles {
        writeln!(out, "  ! {trouble}")?;
    }
    for way in &place.ways {
        if way.commands.is_empty() {
            writeln!(out, "  {}: no commands, {}", way.verb.words(), way.said)?;
        } else {
            writeln!(out, "  {}: {}{}", way.verb.words(), to(way), way.said)?;
        }
        for line in standing(way, &place.seen) {
            writeln!(out, "    {line}")?;
        }
    }
    if place.ways.is_empty() {
        writeln!(out, "  how it is gone back from was not drawn up")?;
    }
    writeln!(out, "  {}; {}", seen(&place.seen), place.id)?;
    Ok(())
}

/// How it stands with a way back: `RED, the verb would be refused: image: it is gone`, `safe instead: abort: …`. That nothing speaks
/// against it is said too: silence would not be told apart from not having looked.
fn standing(way: &WayOut, seen: &SeenOut) -> Vec<String> {
    let Some(grade) = way.grade else { return Vec::new() };
    let word = |grade: Grade| match grade {
        Grade::Red => "RED",
        Grade::Amber => "AMBER",
        Grade::Unknown => "not known",
        Grade::Good => "pre-flight",
    };
    if grade == Grade::Good {
        let said = if seen.known_from == "live" {
            "pre-flight: nothing that was looked at stands in the way"
        } else {
            "pre-flight: nothing that was looked at then stood in the way; nothing was looked at now"
        };
        return vec![said.to_owned()];
    }
    let against = way.against.iter().map(|why| format!("RED: {why}"));
    let checks = way.checks.iter().map(|check| {
        let mended = check.way.as_ref().map(|way| format!(" ({way})")).unwrap_or_default();
        format!("{}: {}: {}{mended}", word(check.grade), check.about.words(), check.words)
    });
    let instead = way.instead.iter().map(|way| format!("safe instead: {way}"));
    against.chain(checks).chain(instead).collect()
}

/// `to 1.41.3 (9f8e7d6), `; nothing where it is not known.
fn to(way: &WayOut) -> String {
    way.to.as_ref().map(|to| format!("to {to}, ")).unwrap_or_default()
}

/// `1.41.3 (9f8e7d6) serves, 1.42.0 (a1b2c3d) is on its way: paused, step 3/8, 25 %`.
fn state(place: &PlaceOut) -> String {
    let name = |version: &Option<String>| version.clone().unwrap_or_else(|| "an unknown version".to_owned());
    if !place.in_flight {
        return format!("{} runs, nothing is on its way", name(&place.runs));
    }
    let step = place.step.as_ref().map(|step| format!(", step {step}")).unwrap_or_default();
    let weight = place.weight.map_or_else(|| ", share unknown".to_owned(), |weight| format!(", {weight} %"));
    let at = format!("{}{step}{weight}", place.phase);
    match place.phase {
        _ if place.runs == place.spec => format!("{} runs: {at}", name(&place.runs)),
        Phase::Aborted => {
            format!(
                "{} serves, {} was aborted and still stands in the spec: {at}",
                name(&place.runs),
                name(&place.spec)
            )
        }
        _ => format!("{} serves, {} is on its way: {at}", name(&place.runs), name(&place.spec)),
    }
}

/// `seen just now`, `FROM CACHE, as it was at 2026-03-10 02:07:12 UTC, 12 min ago`.
fn seen(seen: &SeenOut) -> String {
    let ago = short(seen.age_seconds);
    if seen.known_from == "live" {
        return format!("read {ago} ago");
    }
    let profile = seen.profile.as_ref().map(|profile| match profile.as_str() {
        "" => ", by another configuration".to_owned(),
        profile => format!(", by configuration '{profile}'"),
    });
    let program = seen.program.as_ref().map(|program| format!(", kept by holdshort {program}"));
    let at = seen.at.format("%Y-%m-%d %H:%M:%S");
    format!(
        "FROM CACHE, as it was at {at} UTC, {ago} ago{}{}",
        profile.unwrap_or_default(),
        program.unwrap_or_default()
    )
}

fn pipelines(all: &[PipelineOut], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    if all.is_empty() {
        return Ok(());
    }
    heading("IN PIPELINES", out)?;
    let mut table = Table::new(&["WHAT", "ENVIRONMENT", "VERSION", "STATUS", "KNOWN", "ID"]);
    for one in all {
        table.row([
            one.title.clone(),
            one.environment.clone().unwrap_or_else(|| "-".to_owned()),
            one.version.clone().unwrap_or_else(|| "?".to_owned()),
            one.status.clone(),
            seen(&one.seen),
            one.id.clone(),
        ]);
    }
    Ok(table.print_as(layout, out)?)
}

fn records(all: &[RecordOut], layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    if all.is_empty() {
        return Ok(());
    }
    heading("LAST RECORDS", out)?;
    let mut table = Table::new(&["ID", "AT", "WHO", "VERB", "ENVIRONMENT", "VERSION", "OUTCOME", "REASON"]);
    for record in all {
        let of_plan = std::iter::once(&record.plan).chain(&record.plan.then);
        let mut places: Vec<&str> = of_plan.map(|plan| plan.environment.as_str()).collect();
        places.dedup();
        table.row([
            record.id.to_string(),
            record.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            record.who.clone(),
            record.verb.words().to_owned(),
            places.join(", "),
            record.plan.version.clone().unwrap_or_default(),
            record.ended(),
            record.reason.clone().unwrap_or_default(),
        ]);
    }
    Ok(table.print_as(layout, out)?)
}

/// A block for each connection, in which each way back is a comment and its lines.
fn commands(shown: &Emergency, out: &mut dyn Write) -> Result<(), CliError> {
    let mut blocks: BTreeMap<&str, Vec<(String, &SeenOut, &WayOut)>> = BTreeMap::new();
    let places = shown.places.iter().map(|one| (&one.id, one.environment.clone(), &one.seen, &one.ways));
    let pipelines = shown.pipelines.iter().map(|one| (&one.id, one.title.clone(), &one.seen, &one.ways));
    for (id, what, seen, ways) in places.chain(pipelines) {
        let system = id.split_once('/').map_or(id.as_str(), |(system, _)| system);
        for way in ways.iter().filter(|way| !way.commands.is_empty()) {
            blocks.entry(system).or_default().push((what.clone(), seen, way));
        }
    }
    if blocks.is_empty() {
        heading("no commands are known that go back", out)?;
        return Ok(());
    }
    heading("COMMANDS: the lines below each # are one way back; take one of them, and none that is RED", out)?;
    for (system, ways) in blocks {
        heading(&format!("# ---- {system}"), out)?;
        for (what, seen, way) in ways {
            let (verb, said) = (way.verb.words(), &way.said);
            writeln!(out, "# {verb} {} in {what}: {}{said}; {}", shown.service, to(way), self::seen(seen))?;
            for line in standing(way, seen) {
                writeln!(out, "# {line}")?;
            }
            for line in &way.commands {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}
