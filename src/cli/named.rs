//! What is said of a name that stands for nothing that is known, and of one that says too little: the candidates, and the way
//! out. Which one thing a name stands for is for `target`.

use std::collections::BTreeSet;

use crate::{
    app::model::Model,
    cli::{
        exit::{CliError, Exit},
        source,
    },
    domain::{
        ids::{EnvironmentName, ServiceName},
        place::Named,
        version::{LEAST_PREFIX, Version},
    },
};

/// Why nothing is known by the name of a service, a place of one or an id; `None` where something is, or where nobody tells of
/// anything.
pub(super) fn unknown(model: &Model, name: &str) -> Option<CliError> {
    let is = |(service, environment): (&ServiceName, &EnvironmentName)| Named(name).is_at(service, environment);
    let items = || model.store.rollouts().map(|it| &it.id).chain(model.store.gates().map(|it| &it.id));
    let known = places(model).into_iter().any(is)
        || model.store.runs().any(|run| run.service.as_str() == name || run.id.to_string() == name)
        || items().any(|id| id.to_string() == name);
    let told = model.store.inventories(model.now);
    if known || told.is_empty() {
        return None;
    }
    let silent: Vec<String> = told.iter().filter(|state| !state.is_whole()).map(source::sentence).collect();
    if silent.is_empty() {
        return Some(nothing_of(model, name));
    }
    Some(CliError::new(Exit::Unreachable, format!("cannot look for '{name}' everywhere: {}", silent.join("; "))))
}

fn places(model: &Model) -> BTreeSet<(&ServiceName, &EnvironmentName)> {
    let rollouts = model.store.rollouts().map(|it| (&it.service, &it.environment));
    rollouts.chain(model.store.gates().map(|it| (&it.service, &it.environment))).collect()
}

/// That nothing goes by this name, and what there is: the places of the service, where that is known, else the services.
pub(super) fn nothing_of(model: &Model, name: &str) -> CliError {
    let places = places(model);
    let here = places.iter().filter(|(service, _)| Named(name).says_where() && Named(name).is_of(service));
    let here: Vec<String> = here.map(|(service, environment)| format!("{service}@{environment}")).collect();
    let (what, known) = if here.is_empty() {
        let runs = model.store.runs().map(|run| &run.service);
        let services: BTreeSet<&ServiceName> = places.into_iter().map(|(service, _)| service).chain(runs).collect();
        ("service ", services.into_iter().map(ToString::to_string).collect())
    } else {
        ("", here)
    };
    let there =
        if known.is_empty() { "nothing is known".to_owned() } else { format!("there are: {}", known.join(", ")) };
    CliError::usage(format!("there is no {what}'{name}'; {there}"))
}

/// That a name is the begin of a version's commit and too short to stand for it.
pub(super) fn too_short(version: Option<&Version>, name: &str) -> Option<CliError> {
    let version = version.filter(|version| version.is_too_short(name))?;
    let said =
        format!("'{name}' is too short to stand for {version}: at least {LEAST_PREFIX} characters of its commit");
    Some(CliError::usage(said))
}
