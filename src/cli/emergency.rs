//! `emergency`: what is known of a service when holdshort itself, or what it looks at, is broken; and the plain commands that go back.
//! Judges nothing and sends nothing. What it is told of was gathered elsewhere.

mod text;

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        audit::RecordOut,
        exit::{CliError, Exit},
        json,
        table::Layout,
    },
    domain::{
        item::Item,
        place::Named,
        preflight::{Check, Grade},
        rollout::{Phase, Rollout},
        time::{Timestamp, age},
        verb::Verb,
        version::Version,
    },
    port::{
        cached::{Standing, Way},
        plan::Plan,
        record::Record,
    },
};

/// Below `emergency --help`.
pub(super) const EXAMPLE: &str = "\
Examples:
  holdshort emergency payments
  holdshort emergency payments@prod/eu-west-1 --json

It works with the configuration unreadable, every system dead, the journal broken or locked, and no network: from what the cockpit
or a command (`status`, `gate`, a verb) saw last (that is kept for 7 days, in ~/.cache/holdshort; here it is shown however old it is), and
from what still answers within 5 seconds, asked with the configuration as it was before where it is unreadable now, or with what `holdshort init`
would find on this machine where there never was one. Nothing is sent. What could not be read stands first, and what is known to stand in the way of a
command right above it: one that is RED leads where the verb would not go. Look at what a command names before you send it.

It ends with 0 where it could be told what runs, with 8 where that could not, with 2 where all was read and nothing is called so.";

/// `emergency`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct EmergencyArgs {
    /// SERVICE, or SERVICE@ENVIRONMENT
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// As JSON (`holdshort/emergency/v1`)
    #[arg(long)]
    pub json: bool,
}

/// Whence something is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// It was read just now.
    Live,
    /// From the file of what was seen last.
    Cache {
        /// What the configuration is called that saw it, where that is another one than the one in force, or none is.
        profile: Option<String>,
        /// The version of holdshort that wrote it, where that is another one.
        program: Option<String>,
    },
}

/// An object, when it was confirmed last, whence that is known, and how it is gone back from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// As it was.
    pub item: Item,
    /// When.
    pub at: Timestamp,
    /// Whence.
    pub whence: Whence,
    /// How it is gone back from by hand, as it was drawn up then.
    pub ways: Vec<Way>,
}

/// A part that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// `configuration`, `connection`, `journal`, `cache`, `clock`.
    pub part: &'static str,
    /// Why, a sentence.
    pub why: String,
}

/// Everything that could be gathered of what is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The time.
    pub now: Timestamp,
    /// What is known, in any order.
    pub known: Vec<Known>,
    /// The last records about it, the newest first.
    pub records: Vec<Record>,
    /// What could not be read.
    pub broken: Vec<Broken>,
    /// The services of which anything is known, for whoever named another one.
    pub services: Vec<String>,
}

/// `holdshort/emergency/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emergency {
    /// `holdshort/emergency/v1`.
    pub schema: &'static str,
    /// When this was so.
    pub now: Timestamp,
    /// What was named.
    pub service: String,
    /// What could not be read; what is missing below may be there.
    pub broken: Vec<Broken>,
    /// Where it runs, what is on its way there, and the ways back.
    pub places: Vec<PlaceOut>,
    /// Gates that wait, and runs that are not over or can be gone back from.
    pub pipelines: Vec<PipelineOut>,
    /// The last records about it, the newest first.
    pub records: Vec<RecordOut>,
}

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceOut {
    /// Its full id.
    pub id: String,
    /// Whose it is.
    pub service: String,
    /// Where.
    pub environment: String,
    /// The version that serves, `TAG (COMMIT)`; `null` where that is not known, or nothing did.
    pub runs: Option<String>,
    /// The version that the spec asks for; equal to `runs` when nothing is on its way.
    pub spec: Option<String>,
    /// Is something on its way, held, or in trouble?
    pub in_flight: bool,
    /// Its phase, as in `status`.
    pub phase: Phase,
    /// How many steps are done, of how many; `null` where there are none.
    pub step: Option<String>,
    /// The new version's share of the traffic, percent; `null` where that is not known.
    pub weight: Option<u32>,
    /// What is wrong with its pods, or could not be read of it.
    pub troubles: Vec<String>,
    /// Whence that is known, and how old it is.
    #[serde(flatten)]
    pub seen: SeenOut,
    /// How it is gone back from by hand.
    pub ways: Vec<WayOut>,
}

/// A gate or a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PipelineOut {
    /// Its full id.
    pub id: String,
    /// `gate` or `run`.
    pub noun: String,
    /// Where it would go; `null` for a run.
    pub environment: Option<String>,
    /// What it is: `deploy #812`.
    pub title: String,
    /// Its version, `TAG (COMMIT)`, where it is known.
    pub version: Option<String>,
    /// `waiting` for a gate, else the run's status.
    pub status: String,
    /// Whence that is known, and how old it is.
    #[serde(flatten)]
    pub seen: SeenOut,
    /// How it is gone back from by hand.
    pub ways: Vec<WayOut>,
}

/// Whence something is known, and how old it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenOut {
    /// `live` or `cache`.
    pub known_from: &'static str,
    /// When it was confirmed last.
    pub at: Timestamp,
    /// How long ago, seconds.
    pub age_seconds: u64,
    /// What the configuration is called that saw it, where that is not the one in force.
    pub profile: Option<String>,
    /// The version of holdshort that kept it, where that is another one.
    pub program: Option<String>,
}

/// A way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WayOut {
    /// The verb whose calls these are.
    pub verb: Verb,
    /// The version that is left, and the one that takes its place, where they are known.
    pub from: Option<String>,
    /// See `from`.
    pub to: Option<String>,
    /// The effect in a sentence; why there are no commands, where there are none.
    pub said: String,
    /// The plain commands, lines for a shell.
    pub commands: Vec<String>,
    /// How it stands with it, all in all: `good`, `unknown`, `amber`, `red`; `null` where there is no such way.
    pub grade: Option<Grade>,
    /// What was looked at and is not good, or could not be looked at; the worst first.
    pub checks: Vec<Check>,
    /// What else speaks against it, a sentence each.
    pub against: Vec<String>,
    /// What is safe instead, where something forbids it.
    pub instead: Vec<String>,
}

/// Is this what was named?
pub fn is_named(name: &str, item: &Item) -> bool {
    let id = || item.id().to_string() == name;
    match item {
        Item::Rollout(rollout) => Named(name).is_at(&rollout.service, &rollout.environment) || id(),
        Item::Gate(gate) => Named(name).is_at(&gate.service, &gate.environment) || id(),
        // It is in no environment.
        Item::Run(run) => Named(name).is_of(&run.service) || id(),
    }
}

/// Is a record about what was named?
pub fn is_about(name: &str, record: &Record) -> bool {
    let here = |plan: &Plan| match plan.environment.as_str() {
        "" => Named(name).is_of(&plan.service),
        _ => Named(name).is_at(&plan.service, &plan.environment),
    };
    record.intent.plan.each().any(|plan| here(plan) || plan.target.to_string() == name)
}

/// All of it, for scripts. What is in flight first, then by place.
pub fn emergency(name: &str, gathered: &Gathered) -> Emergency {
    let mut known: Vec<&Known> = gathered.known.iter().collect();
    known.sort_by_key(|one| (!one.item.rollout().is_some_and(Rollout::in_flight), one.item.id(), one.at));
    let places = known.iter().filter_map(|one| Some(place(gathered.now, one, one.item.rollout()?)));
    let pipelines = known.iter().filter_map(|one| pipeline(gathered.now, one));
    Emergency {
        schema: "holdshort/emergency/v1",
        now: gathered.now,
        service: name.to_owned(),
        broken: gathered.broken.clone(),
        places: places.collect(),
        pipelines: pipelines.collect(),
        records: gathered.records.iter().map(|record| RecordOut::of(record, &gathered.records)).collect(),
    }
}

fn place(now: Timestamp, known: &Known, rollout: &Rollout) -> PlaceOut {
    let called = |version: &Option<Version>| version.as_ref().map(ToString::to_string);
    let unknown = rollout.unknown.iter().map(|unknown| unknown.what.clone());
    PlaceOut {
        id: rollout.id.to_string(),
        service: rollout.service.to_string(),
        environment: rollout.environment.to_string(),
        runs: called(&rollout.stable),
        spec: called(&rollout.canary),
        in_flight: rollout.in_flight(),
        phase: rollout.phase,
        step: rollout.step_words(),
        weight: rollout.weight.reached().filter(|_| rollout.in_flight()),
        troubles: rollout.troubles.iter().cloned().chain(unknown).collect(),
        seen: seen(now, known),
        ways: ways(known),
    }
}

fn pipeline(now: Timestamp, known: &Known) -> Option<PipelineOut> {
    let (environment, title, version, status) = match &known.item {
        Item::Rollout(_) => return None,
        Item::Gate(gate) => {
            (Some(gate.environment.to_string()), gate.title.clone(), gate.version.as_ref(), "waiting".to_owned())
        }
        Item::Run(run) => {
            (None, format!("{} #{}", run.pipeline, run.number), Some(&run.version), run.status.to_string())
        }
    };
    Some(PipelineOut {
        id: known.item.id().to_string(),
        noun: known.item.noun().to_string(),
        environment: environment.filter(|it| !it.is_empty()),
        title,
        version: version.map(ToString::to_string),
        status,
        seen: seen(now, known),
        ways: ways(known),
    })
}

fn seen(now: Timestamp, known: &Known) -> SeenOut {
    let (known_from, profile, program) = match &known.whence {
        Whence::Live => ("live", None, None),
        Whence::Cache { profile, program } => ("cache", profile.clone(), program.clone()),
    };
    SeenOut { known_from, at: known.at, age_seconds: age(now, known.at).as_secs(), profile, program }
}

/// The ways back, those first against which the least speaks.
fn ways(known: &Known) -> Vec<WayOut> {
    let mut all: Vec<WayOut> = known.ways.iter().map(way).collect();
    all.sort_by_key(|way| way.grade == Some(Grade::Red));
    all
}

fn way(way: &Way) -> WayOut {
    let grade = (!way.commands.is_empty()).then(|| way.standing.grade());
    let Way { verb, from, to, said, commands, standing: Standing { checks, against, instead }, .. } = way.clone();
    WayOut { verb, from, to, said, commands, grade, checks, against, instead }
}

/// Prints what could be gathered, and says by the code whether that is anything.
pub fn print(args: &EmergencyArgs, gathered: &Gathered, layout: Layout, out: &mut dyn Write) -> Result<Exit, CliError> {
    let shown = emergency(&args.service, gathered);
    let nothing = shown.places.is_empty() && shown.pipelines.is_empty() && shown.records.is_empty();
    if nothing && shown.broken.is_empty() {
        let there = gathered.services.join(", ");
        let there = if there.is_empty() { "nothing is known".to_owned() } else { format!("there are: {there}") };
        return Err(CliError::usage(format!("there is no service '{}'; {there}", args.service)));
    }
    // That something was done once tells nobody what runs.
    let unknown = shown.places.is_empty() && shown.pipelines.is_empty();
    let exit = if unknown { Exit::Unreachable } else { Exit::Done };
    exit.whoever_reads(if args.json {
        json::print(&shown, out)
    } else {
        text::print(&shown, &gathered.services, layout, out)
    })
}

#[cfg(test)]
mod tests;
