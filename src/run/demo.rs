//! A cockpit over the built-in world without a command line: what pictures, benches and journeys fly.

use std::{collections::BTreeMap, sync::Arc};

use tempfile::TempDir;

use crate::{
    cli::{
        args::{ColorChoice, Globals},
        exit::CliError,
    },
    demo::shared::SharedWorld,
    journal::ledger::Ledger,
    run::ground::{Ground, Pace},
    runtime::cockpit::Cockpit,
};

/// A cockpit in a world of its own, on a virtual clock, with its journal in a folder that ends with it.
#[derive(Debug)]
pub struct Demo {
    /// The cockpit.
    pub cockpit: Cockpit,
    /// The world that it looks at.
    pub world: SharedWorld,
    /// Its journal.
    pub ledger: Arc<Ledger>,
    _folder: Option<Arc<TempDir>>,
}

/// No flags at all.
const BARE: Globals = Globals {
    config: Vec::new(),
    given: std::collections::BTreeMap::new(),
    profile: None,
    read_only: false,
    color: ColorChoice::Never,
    ascii: false,
    theme: None,
    slow: false,
    linear: false,
    no_cache: false,
    verbose: 0,
    demo: None,
    record_logs: false,
    seed: None,
    at: None,
};

/// See [`crate::run::demo_cockpit`], which also waits until every source has answered.
pub(super) fn board(scenario: &str, size: (u16, u16)) -> Result<Demo, CliError> {
    let ground = Ground::demo(scenario, &BARE, Pace::Virtual)?;
    let world = ground.world().ok_or_else(|| CliError::failed("a demo without a world"))?;
    let pilot = ground.cockpit(&BARE, &BTreeMap::new(), size, None)?;
    Ok(Demo { cockpit: pilot.cockpit, world, ledger: pilot.ledger, _folder: pilot.folder })
}
