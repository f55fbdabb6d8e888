//! `init`: what this machine tells, held against what the systems themselves say; then asked about, written, and read back.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use futures::future::{Either, join_all, select};

use crate::{
    cli::{
        args::Globals,
        exit::{CliError, Exit},
        init::{self, InitArgs},
        verb::Prompt,
    },
    config::{
        draft::{Draft, Drafted},
        layer,
    },
    journal::place,
    port::{
        clock::SharedClock,
        error::ProviderError,
        examine::{Fit, Survey},
        facet::Connection,
    },
    run::{
        ground,
        registry::{self, Below, Here},
        world,
    },
    runtime::clock::SystemClock,
};

/// How long a system may take to tell what it has, in times of what one answer may.
const PATIENCE: u32 = 4;
/// How long one answer may take: this is done once, and a way that was never gone before may take a log-in.
const ONE_ANSWER: &str = "20s";

/// Writes a configuration of what is found.
pub(super) async fn write(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    args: &InitArgs,
    prompt: Option<Prompt<'_>>,
    (out, err): (&mut dyn std::io::Write, &mut dyn std::io::Write),
) -> Result<Exit, CliError> {
    let path = path(globals)?;
    init::must_be_new(&path, args)?;
    let folder = std::env::current_dir().unwrap_or_default();
    let mut draft = registry::found(Here { environment: environment.clone(), folder, environments: Vec::new() });
    survey(&mut draft, environment).await?;
    init::tell(&draft, err)?;
    init::ask(&mut draft, args, prompt)?;
    let exit = init::write(&draft, &path, place::begin, out)?;
    // What we wrote must hold; where it does not, that is ours to say, and the file stays to be mended.
    ground::checked(globals, environment)?;
    Ok(exit)
}

/// Where it goes: the one file that was named, else the user's own.
fn path(globals: &Globals) -> Result<PathBuf, CliError> {
    match globals.config.as_slice() {
        [] => layer::Places::usual().user.ok_or_else(|| {
            CliError::usage("there is no home to write a configuration into: name one with --config FILE")
        }),
        [one] => Ok(one.clone()),
        _ => Err(CliError::usage("--config is said several times: name one file to write")),
    }
}

/// Asks each system which settings fit it. One that cannot be reached stays as a comment, with why.
async fn survey(draft: &mut Draft, environment: &BTreeMap<String, String>) -> Result<(), CliError> {
    let mut patient = draft.clone();
    patient.connections.iter_mut().for_each(|one| one.set("timeout", ONE_ANSWER.into(), String::new()));
    let loaded = ground::drafted(&patient.text(), environment)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let clock = match &loaded.config.world {
        None => clock,
        Some(it) => world::clock(it).await?,
    };
    let below = Below::Network(environment.clone());
    let unmade = |why: ProviderError| CliError::failed(why.text);
    let connections = registry::connect(&loaded.config, &below, &clock).map_err(unmade)?;
    let each = connections.iter().map(|one| async { (one.name.to_string(), told(one, &clock).await) });
    for (name, told) in join_all(each).await {
        let Some(drafted) = draft.connections.iter_mut().find(|one| one.name == name) else { continue };
        match told {
            Ok(survey) => take(drafted, survey),
            Err(why) => drafted.off = Some(why),
        }
    }
    Ok(())
}

async fn told(one: &Connection, clock: &SharedClock) -> Result<Survey, String> {
    let Some(examiner) = &one.examiner else { return Ok(Survey::default()) };
    match select(examiner.survey(), clock.sleep(one.patience().saturating_mul(PATIENCE))).await {
        Either::Left((told, _)) => told.map_err(|error| error.text),
        Either::Right(_) => Err("it did not answer in time".to_owned()),
    }
}

fn take(drafted: &mut Drafted, survey: Survey) {
    for (key, fit, why) in survey.settings {
        let value = match fit {
            Fit::One(text) => text.into(),
            Fit::Several(all) => all.into(),
        };
        drafted.set(&key, value, why);
    }
    drafted.notes.extend(survey.found.into_iter().map(|found| format!("Found: {found}.")));
    drafted.notes.extend(survey.missing.into_iter().map(|missing| format!("Not found: {missing}.")));
}
