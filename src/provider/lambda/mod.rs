//! AWS Lambda: aliases, the versions that they point at, and the share of one that is on its way in; moved by CodeDeploy, or by whoever
//! writes the alias.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `words` are the refusals of Lambda and CodeDeploy. `function` reads a
//! function and its aliases, `deploy` what CodeDeploy has of them; `memory` keeps both. `normalize` and `steps` translate, `offers` and
//! `draft` say what a verb would do, `preflight` whether a version can take the traffic.
//!
//! An alias keeps no history: what it pointed at before is known only where CodeDeploy moved it, or from our own record. A function's
//! versions are numbered, and a description is all that people say of them: a commit or a release number is known where it stands there.

mod address;
mod api;
mod client;
mod deploy;
mod draft;
mod examine;
mod facade;
mod function;
mod memory;
mod normalize;
mod offers;
mod preflight;
mod request;
mod steps;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        pattern::VersionPattern,
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::{
        aws::Targets,
        http::client::Client as Http,
        lambda::{client::Client, facade::Lambda},
    },
};

/// What sentences call it.
const CALLED: &str = "Lambda";
/// What moves an alias where somebody has it moved.
const DEPLOYER: &str = "CodeDeploy";
/// The family of its aliases.
pub const FAMILY: &str = "alias";
/// The services that are asked, for `provider::aws::signed`.
pub const TARGETS: Targets = &[("lambda", ""), ("codedeploy", "CodeDeploy_20141006")];
/// How often the target of an act is read.
const PACE: Duration = Duration::from_secs(2);

/// The names of facts that Lambda has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The deployment of CodeDeploy that moves the alias now, or `none`.
    pub const DEPLOYMENT: &str = "deployment that moves it";
    /// The last deployment of its group that failed or was stopped; not there where the last one did not.
    pub const FAILED: &str = "deployment that ended badly";
}

/// Aliases that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Their function; `None` for every one of the region.
    pub function: Option<String>,
    /// Its name; `None` for all of the function.
    pub alias: Option<String>,
    /// Whose releases it deploys; without it the service is called as the function is.
    pub service: Option<ServiceName>,
    /// Our environments, by the alias or `FUNCTION/ALIAS`. One that is missing goes by the alias, and counts as of the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from its description; without it a description that is a release number as a whole is one.
    pub version: Option<VersionPattern>,
}

/// A connection to Lambda in one region of one account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// The region.
    pub region: String,
    /// Where it is, if not where AWS has it: for the commands that do the same by hand.
    pub address: Option<String>,
    /// What is looked at.
    pub functions: Vec<Chosen>,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that signs, and knows where services are (`provider::aws::signed`).
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "lambda", settings.interval);
    connection.pace = PACE;
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(Lambda::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}
