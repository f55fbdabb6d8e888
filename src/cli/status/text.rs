//! `status` for people: a table of what is on its way or watched, what is held, what waits, and how its sources are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use super::{RolloutOut, Status};
use crate::{
    app::{
        board,
        holds::{self, How},
        model::Model,
        watch,
    },
    cli::{
        cells::CellsOut,
        exit::CliError,
        inbox as waiting, past_us, source, span,
        table::{Layout, Table},
    },
    domain::{
        evidence::Verdict,
        item::Noun,
        place::Place,
        rollout::{PauseReason, Phase, Rollout},
        time::{age, until},
    },
};

/// What holds it where it is, and what lets it go on: `inconclusive, 8 min left`. Empty where nothing does.
fn stands(model: &Model, rollout: &Rollout) -> String {
    if rollout.held {
        return "paused by a person".to_owned();
    }
    if let Some(lag) = rollout.lag {
        let since = lag.since.map(|since| format!(" for {}", span::short(age(model.now, since).as_secs())));
        return format!("controller behind the spec{}", since.unwrap_or_default());
    }
    if let Some(until) = watch::until(model, rollout) {
        return format!("until {}", until.format("%H:%M"));
    }
    let Some(pause) = rollout.pause else { return String::new() };
    let why = match pause.reason {
        PauseReason::Inconclusive => "inconclusive",
        PauseReason::Step | PauseReason::Person | PauseReason::Other => "pause",
    };
    match pause.until {
        Some(end) if end <= model.now => format!("{why}, its time is up"),
        Some(end) => format!("{why}, {} left", span::short(until(model.now, end).as_secs())),
        None => format!("{why}, waits for a human"),
    }
}

/// What stands in the last column: what does not run or is not known comes before any verdict.
fn said(row: &RolloutOut) -> String {
    let degraded = row.message.iter().filter(|_| row.phase == Phase::Degraded || row.phase == Phase::Unknown);
    // The verdict stands in a column of its own.
    let returned = row.returned.iter().map(|returned| &returned.said);
    let mut all = returned
        .chain(row.troubles.iter().take(1))
        .chain(degraded)
        .chain(row.unknown.iter().take(1))
        .chain(row.watching.iter().filter_map(|watching| watching.reason.as_ref()))
        .chain(&row.beside);
    all.next().cloned().unwrap_or_default()
}

/// Has a source not answered yet?
fn unanswered(status: &Status) -> bool {
    status.sources.iter().any(|source| source.age_seconds.is_none())
}

/// What is held, and what is not as it should be where nothing is on its way, a line each: a gate that was left open, auto-sync that is off.
fn beside(model: &Model, status: &Status, flying: &BTreeMap<String, &Rollout>) -> Vec<String> {
    let shown: BTreeSet<&str> = status.rollouts.iter().map(|row| row.id.as_str()).collect();
    let held = holds::all(model).into_iter().filter(|hold| shown.contains(hold.target.to_string().as_str()));
    let held = held.filter_map(|hold| {
        let (How::ByAct(record, words) | How::NotBegun(record, words)) = &hold.how else { return None };
        let ending = if matches!(hold.how, How::NotBegun(..)) { "begins it" } else { "ends it" };
        let owner = hold.owner.as_ref().map(|owner| format!(", by {owner}")).unwrap_or_default();
        let since = hold.since.map(|since| format!(", {} ago", span::short(age(model.now, since).as_secs())));
        let ends = if hold.under_way {
            "its act is under way".to_owned()
        } else {
            format!("`holdshort takeover {record}` {ending}")
        };
        let place = Place::of(&hold.service, &hold.environment);
        Some(format!("HELD {place}: {words}{owner}{}; {ends}", since.unwrap_or_default()))
    });
    let steady = status.rollouts.iter().filter(|row| !flying.contains_key(&row.id));
    let steady = steady.flat_map(|row| {
        row.troubles.iter().map(|trouble| format!("{} in {}: {trouble}", row.service, row.environment))
    });
    held.chain(steady).collect()
}

/// Prints all of it.
pub(super) fn print(model: &Model, status: &Status, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}", status.headline.text)?;
    writeln!(out)?;
    let mut table =
        Table::new(&["SERVICE", "ENVIRONMENT", "VERSION", "PHASE", "STEP", "NOW", "WEIGHT", "VERDICT", "REASON"]);
    let followed = model.store.rollouts().filter(|rollout| watch::is_followed(model, rollout));
    let flying: BTreeMap<String, &Rollout> = followed.map(|rollout| (rollout.id.to_string(), rollout)).collect();
    for row in &status.rollouts {
        let Some(rollout) = flying.get(&row.id) else { continue };
        let none = if rollout.is_first() { "none" } else { "?" };
        let version = |tag: &Option<String>, none: &str| tag.clone().unwrap_or_else(|| none.to_owned());
        table.row([
            row.service.clone(),
            row.environment.clone(),
            if row.watching.is_some() {
                version(&row.canary, "?")
            } else {
                format!("{} -> {}", version(&row.stable, none), version(&row.canary, "?"))
            },
            if row.watching.is_some() { "WATCHING".to_owned() } else { row.phase.to_string() },
            row.step.map_or_else(String::new, |step| format!("{step}/{}", row.steps)),
            stands(model, rollout),
            row.weight.map_or_else(|| "?".to_owned(), |weight| format!("{weight} %")),
            row.verdict.map_or("-", Verdict::words).to_owned(),
            said(row),
        ]);
    }
    if table.is_empty() {
        if model.store.inventories(model.now).is_empty() || !model.store.knows_anything() && unanswered(status) {
            writeln!(out, "what is in flight is not known: no source that would tell has answered")?;
        } else if !model.store.tells_of(Noun::Rollout) {
            writeln!(out, "what is in flight is not known: no connection tells of rollouts")?;
        } else {
            let moves = |row: &&RolloutOut| {
                let rollout = model.store.rollouts().find(|rollout| rollout.id.to_string() == row.id);
                rollout.is_some_and(|rollout| board::moves(model, rollout))
            };
            let (moving, steady) = (status.rollouts.iter().filter(moves).count(), board::counts(model).1);
            let known = if status.complete { "nothing in flight" } else { "nothing is known to be in flight" };
            let goes = if moving > 0 { format!("; {moving} going back still") } else { String::new() };
            writeln!(out, "{known}{goes}; {steady} steady")?;
        }
    } else {
        table.print_as(layout, out)?;
    }
    past_us::lines(model, |rollout| status.rollouts.iter().any(|row| row.id == rollout.id.to_string()), out)?;
    let differing: Vec<&CellsOut> = status.cells.iter().filter(|cells| cells.done != Some(cells.of)).collect();
    if !differing.is_empty() {
        writeln!(out)?;
    }
    for cells in differing {
        writeln!(out, "{}: {}", cells.service, cells.said)?;
    }
    if !status.gates.is_empty() {
        writeln!(out)?;
        waiting::table(model, |item| status.gates.iter().any(|gate| gate.id == item.target.to_string()))
            .print_as(layout, out)?;
    }
    let beside = beside(model, status, &flying);
    if !beside.is_empty() {
        writeln!(out)?;
        beside.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    writeln!(out)?;
    let gaps = waiting::gaps(model);
    if !gaps.is_empty() {
        writeln!(out, "incomplete, more may be in flight or wait: {}", gaps.join("; "))?;
        writeln!(out)?;
    }
    Ok(source::table(model).print_as(layout, out)?)
}
