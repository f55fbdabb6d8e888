//! How a gate says what it sees: a line each for people, or `holdshort/gate/v1`, one object a line.

use std::{io::Write, time::Duration};

use serde::Serialize;

use super::seen::{Seen, Standing};
use crate::{
    cli::{
        exit::{CliError, Exit},
        json,
    },
    domain::{time::Timestamp, verb::Verb},
};

/// `holdshort/gate/v1`: one change of what a gate sees.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct GateOut {
    /// `holdshort/gate/v1`.
    pub schema: &'static str,
    /// When this was seen: the world's time.
    pub at: Timestamp,
    /// The full id of what was named; `null` while it is not known.
    pub target: Option<String>,
    /// Whose release.
    pub service: Option<String>,
    /// Where it is judged, or would go; `null` where that is not known.
    pub environment: Option<String>,
    /// The tag of the version that is waited for.
    pub version: Option<String>,
    /// Index of the running step, from 0; `null` where there are none.
    pub step: Option<usize>,
    /// How many steps there are.
    pub steps: usize,
    /// The new version's share of the traffic as it was reached, percent.
    pub weight: Option<u32>,
    /// `go`, `no_go`, `wait`, `no_data`, `unread` or `refused`.
    standing: Standing,
    /// The verb that the guard is asked about; `null` without `--for`.
    pub verb: Option<Verb>,
    /// Why it stands so.
    pub reason: String,
    /// What may make the verdict say less than it seems to, a sentence each.
    pub doubts: Vec<String>,
    /// What whoever asks for the verb takes upon them, a sentence each.
    pub risks: Vec<String>,
    /// Where the service runs in several parts of that environment: in how many of them the version is, a sentence. The verdict is on
    /// `environment` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cells: Option<String>,
    /// On the last line the exit code, else `null`.
    pub exit: Option<u8>,
}

/// When, for which verb, after which time if that is up, and with which exit code if it ends.
pub(super) type Moment = (Timestamp, Option<Verb>, Option<Duration>, Option<Exit>);

/// Prints a line, and lets nobody wait for it.
pub(super) fn print(seen: &Seen, moment: Moment, as_json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    if as_json {
        json::print_line(&wire(seen, moment), out)?;
    } else {
        text(seen, moment, out)?;
    }
    Ok(out.flush()?)
}

fn wire(seen: &Seen, (at, verb, _, exit): Moment) -> GateOut {
    let environment = seen.place.as_ref().map(|place| place.environment.to_string());
    GateOut {
        schema: "holdshort/gate/v1",
        at,
        target: seen.target.as_ref().map(ToString::to_string),
        service: seen.place.as_ref().map(|place| place.service.to_string()),
        environment: environment.filter(|name| !name.is_empty()),
        version: seen.version.as_ref().map(|version| version.tag.clone()),
        step: seen.step.map(|(step, _)| step),
        steps: seen.step.map_or(0, |(_, steps)| steps),
        weight: seen.weight,
        standing: seen.standing,
        verb,
        reason: seen.said.clone(),
        doubts: seen.doubts.clone(),
        risks: seen.risks.clone(),
        cells: seen.cells.clone(),
        exit: exit.map(Exit::code),
    }
}

fn text(seen: &Seen, (at, _, up, exit): Moment, out: &mut dyn Write) -> Result<(), CliError> {
    let version = seen.version.iter().map(|version| format!("{}: {version}", version_of(seen)));
    let what = version.chain(seen.version.is_none().then(|| version_of(seen))).filter(|what| !what.is_empty());
    let step = seen.step.map(|(step, steps)| format!("step {step}/{steps}"));
    let weight = seen.weight.map(|weight| format!("{weight} %"));
    let about: Vec<String> = what.chain(step).chain(weight).collect();
    let doubts = seen.doubts.first().map(|doubt| format!("but {doubt}"));
    let up = up.map(|up| format!("the time is up ({})", humantime::format_duration(up)));
    let exit = exit.map(|exit| format!("exit {}", exit.code()));
    let said = Some(seen.said.clone()).filter(|said| !said.is_empty());
    let cells = seen.cells.as_ref().map(|cells| format!("it is in {cells}"));
    let rest: Vec<String> =
        said.into_iter().chain(doubts).chain(seen.risks.clone()).chain(cells).chain(up).chain(exit).collect();
    let head = if about.is_empty() { String::new() } else { format!("{}  ", about.join(", ")) };
    writeln!(out, "{}  {:<8}  {head}{}", at.format("%H:%M:%S"), seen.standing.to_string(), rest.join("; "))?;
    Ok(())
}

/// `payments in prod/eu`; empty while it is not known.
fn version_of(seen: &Seen) -> String {
    seen.place.as_ref().map(ToString::to_string).unwrap_or_default()
}
