//! Jenkins: builds of jobs in folders and of the branches of multibranch projects, their stages and logs, and inputs that wait for
//! somebody.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `normalize`, `tree` and `gate` translate, `form` is what a build or an
//! input asks for, `draft` says what a verb would do (`again`: that begins another build), `poll` reads a folder, `memory` keeps what
//! its lists may leave out, `log` takes a log as it grows, and `words` are Jenkins' own for a refusal. A folder is read as one: one
//! answer tells of all jobs in it, their newest builds and what these wait for.
//!
//! Jenkins knows no versions and no environments: which input leads where, how a version is read and which job rolls back is
//! configured.

mod address;
mod again;
mod api;
mod client;
mod draft;
mod examine;
mod facade;
mod follow;
mod form;
mod gate;
mod log;
mod memory;
mod normalize;
mod poll;
mod report;
mod request;
mod tree;
mod watched;
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
        http::client::Client as Http,
        jenkins::{client::Client, facade::Jenkins},
    },
};

/// What sentences call it.
const CALLED: &str = "Jenkins";

/// The names of facts that Jenkins has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The number of the build.
    pub const BUILD: &str = "build";
    /// When it began, in milliseconds: a job can be made anew under an old name, and counts from 1 then.
    pub const BEGAN: &str = "build began";
    /// Has it ended?
    pub const ENDED: &str = "build has ended";
    /// The newest build that runs it again; [`NEVER`] where none does.
    pub const AGAIN: &str = "built again as";
    /// What that is where none does.
    pub const NEVER: &str = "nothing";
    /// Where an input is: `waiting`, `answered`, `ended with its build`.
    pub const INPUT: &str = "input is";
    /// Where a queue item is: `waiting`, `cancelled`, `left`.
    pub const QUEUE: &str = "queue item is";
}

/// Jobs that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The full name of a job or a multibranch project; of a folder, where all that lies in it is looked at. Empty is the top.
    pub name: String,
    /// Is all that lies in it looked at?
    pub all: bool,
    /// Whose releases it builds; without it the service is called as the job is.
    pub service: Option<ServiceName>,
    /// Where what is behind an input goes, by its id or message. One that is missing goes where its message says, and counts as of the
    /// highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from what a build is called; without it, it goes by its branch or its own name.
    pub version: Option<VersionPattern>,
    /// The job that puts an earlier version back.
    pub rollback: Option<Rollback>,
}

/// The team's own job that rolls back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Its full name.
    pub job: String,
    /// Its parameter that takes the version.
    pub version_parameter: String,
}

/// A connection to Jenkins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Its address, for the commands that do the same by hand.
    pub address: String,
    /// What is looked at.
    pub jobs: Vec<Job>,
    /// Do we administer it? Inputs that name others let us through then, and nothing that Jenkins tells says so.
    pub administrator: bool,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that puts the address before each path, and says who we are.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "jenkins", settings.interval);
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(Jenkins::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}
