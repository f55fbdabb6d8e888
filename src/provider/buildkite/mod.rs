//! Buildkite: builds of pipelines, their jobs and logs, and block steps that wait for somebody.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `normalize`, `tree` and `gate` translate, `form` is what a step asks for,
//! `draft` says what a verb would do (`again`: to a build), `poll` reads an organisation, `memory` keeps what its lists may leave out, `log` takes a log
//! as it grows, and `words` are Buildkite's own for a refusal. An organisation is read as one: two lists tell of all its
//! pipelines.
//!
//! What a block step asks for is in no answer of Buildkite's, in REST or GraphQL: it is configured where it matters.

mod address;
mod again;
mod api;
mod client;
mod draft;
mod examine;
mod facade;
mod form;
mod gate;
mod log;
mod memory;
mod normalize;
mod poll;
mod request;
mod runners;
mod tree;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

pub use self::form::{Choice, Input};
use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        offer::{Offer, Risk},
        pattern::VersionPattern,
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::{
        buildkite::{client::Client, facade::Buildkite, normalize::plain},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "Buildkite";

/// The names of facts that Buildkite has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The number of the build.
    pub const BUILD: &str = "build";
    /// Its id: a pipeline can be made anew under an old name, and counts from 1 then.
    pub const BUILD_ID: &str = "build id";
    /// The id of the block step's job.
    pub const STEP: &str = "block step";
    /// Where that is: `blocked`, `unblocked`.
    pub const STEP_STATE: &str = "block step is";
}

/// Pipelines that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// The organisation, as its address has it.
    pub organization: String,
    /// The pipeline, as its address has it; `None` for all that the organisation has.
    pub name: Option<String>,
    /// Whose releases it builds; without it the service is called as the pipeline is.
    pub service: Option<ServiceName>,
    /// Where the steps behind a block step go, by its key or label. One that is missing goes where its label says, and counts as
    /// of the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// What its block steps ask for, by their key or label, where somebody has said so.
    pub inputs: BTreeMap<String, Vec<Input>>,
    /// Of those the steps that were said to be of this pipeline, and not of all that an organisation has.
    pub own_steps: BTreeSet<String>,
    /// How a version is read from what a build is called; without it, it goes by its tag or branch.
    pub version: Option<VersionPattern>,
}

/// A connection to Buildkite.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Its address, for the commands that do the same by hand.
    pub address: String,
    /// What is looked at.
    pub pipelines: Vec<Pipeline>,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that puts the address before each path, and the token on.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "buildkite", settings.interval);
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(Buildkite::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}

/// One pipeline, and what is known of how to look at it.
#[derive(Clone, Copy, Debug)]
struct Watched<'a> {
    organization: &'a str,
    pipeline: &'a str,
    settings: &'a Pipeline,
    /// The scope that the token lacks for acting.
    lacks: Option<&'static str>,
}

impl<'a> Watched<'a> {
    fn service(&self) -> ServiceName {
        self.settings.service.clone().unwrap_or_else(|| ServiceName::new(self.pipeline))
    }

    /// Where the steps behind a block step go.
    fn environment(&self, job: &api::Job) -> Environment {
        let named = configured(&self.settings.environments, job).cloned();
        let risk = Risk::High;
        named.unwrap_or_else(|| Environment { name: EnvironmentName::new(normalize::called(job)), risk })
    }

    /// What a block step asks for, where somebody has said so.
    fn inputs(&self, job: &api::Job) -> Option<&'a [Input]> {
        configured(&self.settings.inputs, job).map(Vec::as_slice)
    }

    /// The steps that the configuration says are of this pipeline, and none of these builds has: misspelt, or gone.
    fn nowhere(&self, builds: &[api::Build]) -> Vec<&'a str> {
        let ours = builds.iter().filter(|build| build.slug() == Some(self.pipeline));
        let there: BTreeSet<String> = ours.flat_map(api::Build::jobs).flat_map(names).collect();
        self.settings.own_steps.iter().filter(|step| !there.contains(*step)).map(String::as_str).collect()
    }

    /// A build may deploy wherever a step of its pipeline lets it, so a mistake costs what the riskiest of them costs.
    fn risk(&self) -> Risk {
        self.settings.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }

    /// Why the token may change nothing here, where that is known.
    fn may_not(&self) -> Option<String> {
        self.lacks.map(|scope| format!("your token lacks the scope {scope}"))
    }

    /// The offer, as far as the token goes.
    fn allowed(&self, offer: Offer) -> Offer {
        match self.may_not() {
            Some(why) if offer.blocked.is_none() => Offer { blocked: Some(why), unsure: None, ..offer },
            _ => offer,
        }
    }
}

/// What stands under a block step's key, or what it is called.
fn configured<'a, T>(all: &'a BTreeMap<String, T>, job: &api::Job) -> Option<&'a T> {
    names(job).iter().find_map(|name| all.get(name))
}

/// What a block step may be called in the configuration.
fn names(job: &api::Job) -> Vec<String> {
    let label = job.label.as_deref().or(job.name.as_deref());
    job.step_key.iter().cloned().chain(label.map(str::to_owned)).chain(label.map(plain)).collect()
}
