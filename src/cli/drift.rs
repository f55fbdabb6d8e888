//! `drift`: which settings differ between two environments of a service, as a table for people and as `holdshort/drift/v1` for scripts.
//! Names and places, never values. What could not be read is said, and the exit code says so.

use std::io::Write;

use serde::Serialize;

use crate::{
    app::{
        drift::{self, Drift, Found, Kind, Layer, Pair, Row},
        model::Model,
    },
    cli::{
        args::DriftArgs,
        exit::{CliError, Exit},
        json, named,
        span::short,
        table::{Layout, Table},
    },
    domain::{
        ids::{EnvironmentName, Person, ServiceName, SourceName},
        time::{Timestamp, age},
    },
};

/// `holdshort/drift/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftOut {
    /// `holdshort/drift/v1`.
    pub schema: &'static str,
    /// When this was so: the world's time.
    pub now: Timestamp,
    /// Of which service.
    pub service: ServiceName,
    /// The environment that is looked at.
    pub environment: EnvironmentName,
    /// The one that it is compared with.
    pub from: EnvironmentName,
    /// Was everything read that was asked for?
    pub complete: bool,
    /// All of it in a sentence.
    pub text: String,
    /// How many settings are the same in both.
    pub same: usize,
    /// Those that are not known to be the same; what is meant to differ last.
    pub settings: Vec<SettingOut>,
    /// What cannot be said, a sentence each.
    pub unknown: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingOut {
    /// Its name.
    pub name: String,
    /// Who is given it: `pipeline` or `workload`.
    pub layer: Layer,
    /// `differs`, `missing_here` (not set in `environment`), `missing_there` (not set in `from`), `hidden` (cannot be compared).
    pub finding: Kind,
    /// Something could not be read where it seems to be missing.
    pub unsure: bool,
    /// It is meant to differ.
    pub expected: bool,
    /// What sets it in `environment`.
    pub here: Vec<PlaceOut>,
    /// What sets it in `from`.
    pub there: Vec<PlaceOut>,
}

/// Where a setting is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceOut {
    /// Through which connection.
    pub source: SourceName,
    /// In which environment, or part of it.
    pub environment: EnvironmentName,
    /// Where there, in the system's words.
    pub place: String,
    /// When it was last changed, or something that it stands in; `null` where the system does not tell.
    pub changed: Option<Timestamp>,
    /// By whom; `null` where the system does not tell.
    pub by: Option<Person>,
}

/// What is compared: the service that is named, in the environment that is named, or else in the last that it comes to.
pub fn pair(model: &Model, args: &DriftArgs) -> Result<Pair, CliError> {
    if let Some(error) = named::unknown(model, &args.target) {
        return Err(error);
    }
    let (service, here) = match args.target.split_once('@') {
        Some((service, here)) => (ServiceName::new(service), Some(EnvironmentName::new(here))),
        None => (ServiceName::new(&args.target), None),
    };
    let from = args.from.as_ref().map(EnvironmentName::new);
    if let Some(from) =
        from.as_ref().filter(|from| !drift::environments(model, &service).iter().any(|one| one.meets(from)))
    {
        let known: Vec<String> = drift::environments(model, &service).iter().map(ToString::to_string).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(CliError::usage(format!("{service} has no environment '{from}'; it has {known}")));
    }
    let of = |here: &EnvironmentName| drift::pair_of(model, &service, here, from.as_ref());
    if let Some(here) = here {
        let way = "name one with --from";
        return of(&here).ok_or_else(|| CliError::usage(format!("no environment comes before {here}: {way}")));
    }
    let mut pairs: Vec<Pair> = drift::environments(model, &service).iter().filter_map(of).collect();
    // What is only on the way of another one is not the end of it.
    let ends: Vec<Pair> =
        pairs.iter().filter(|one| !pairs.iter().any(|other| other.there == one.here)).cloned().collect();
    if !ends.is_empty() {
        pairs = ends;
    }
    match pairs.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(CliError::usage(format!(
            "{service} has no two environments that are known: write {service}@ENVIRONMENT and --from ENVIRONMENT"
        ))),
        several => {
            let head = format!("'{service}' comes to more than one environment; name one:");
            let each = several.iter().map(|one| format!("  {}@{}", one.service, one.here));
            Err(CliError::lines(Exit::Usage, std::iter::once(head).chain(each)))
        }
    }
}

/// Prints how they differ.
pub fn print(
    model: &Model,
    pair: &Pair,
    args: &DriftArgs,
    layout: Layout,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let drift = drift::drift(model, pair);
    let asked = !drift::questions(model, pair).is_empty();
    let mut shown = shown(model, &drift);
    if !asked {
        let text = format!("no connection tells what {} is given in {} or {}", pair.service, pair.here, pair.there);
        shown.unknown.push(text);
        shown.complete = false;
    }
    if args.json {
        json::print(&shown, out)?;
    } else {
        text(model, &shown, layout, out)?;
    }
    let differs = drift.differing().next().is_some();
    Ok(match (shown.complete, args.exit_code && differs) {
        (_, true) => Exit::Failed,
        (false, false) => Exit::Unreachable,
        (true, false) => Exit::Done,
    })
}

fn shown(model: &Model, drift: &Drift<'_>) -> DriftOut {
    let Pair { service, here, there } = drift.pair.clone();
    DriftOut {
        schema: "holdshort/drift/v1",
        now: model.now,
        service,
        environment: here,
        from: there,
        complete: drift.unknown.is_empty() && !drift.reading,
        text: drift.words(),
        same: drift.same,
        settings: drift.rows.iter().map(setting).collect(),
        unknown: drift.unknown.clone(),
    }
}

fn setting(row: &Row<'_>) -> SettingOut {
    let places = |found: &[Found<'_>]| {
        let each = found.iter().map(|one| PlaceOut {
            source: one.source.clone(),
            environment: one.environment.clone(),
            place: one.setting.place.clone(),
            changed: one.setting.changed,
            by: one.setting.by.clone(),
        });
        each.collect()
    };
    SettingOut {
        name: row.name.to_owned(),
        layer: row.layer,
        finding: row.kind,
        unsure: row.unsure,
        expected: row.expected,
        here: places(&row.here),
        there: places(&row.there),
    }
}

fn text(model: &Model, shown: &DriftOut, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}, {} against {}: {}", shown.service, shown.environment, shown.from, shown.text)?;
    let (here, there) = (format!("IN {}", shown.environment), format!("IN {}", shown.from));
    let mut table = Table::new(&["NAME", "GIVEN TO", "HOW", &here, &there]);
    for one in &shown.settings {
        let perhaps = if one.unsure { "perhaps " } else { "" };
        let how = match one.finding {
            _ if one.expected => "may differ".to_owned(),
            Kind::Differs => "differs".to_owned(),
            Kind::MissingHere => format!("{perhaps}not set in {}", shown.environment),
            Kind::MissingThere => format!("{perhaps}not set in {}", shown.from),
            Kind::Hidden => "cannot be compared".to_owned(),
        };
        let places = |all: &[PlaceOut]| all.iter().map(|one| place(model, one)).collect::<Vec<_>>().join("; ");
        let cells = [one.name.clone(), one.layer.words().to_owned(), how, places(&one.here), places(&one.there)];
        table.row(cells);
    }
    if !table.is_empty() {
        table.print_as(layout, out)?;
    }
    for unknown in &shown.unknown {
        writeln!(out, "? {unknown}")?;
    }
    Ok(())
}

/// `ConfigMap pay-env, an-editor 2d ago`.
fn place(model: &Model, one: &PlaceOut) -> String {
    let by = one.by.as_ref().map(|by| format!(", {by}")).unwrap_or_default();
    let ago = one
        .changed
        .map(|at| format!("{} {} ago", if by.is_empty() { "," } else { "" }, short(age(model.now, at).as_secs())));
    if one.place.is_empty() { "-".to_owned() } else { format!("{}{by}{}", one.place, ago.unwrap_or_default()) }
}
