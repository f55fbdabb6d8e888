//! GitHub Actions: runs, jobs, logs, environments that wait for review.
//!
//! octocrab authenticates and carries the requests (`client`); the wire structs are our own (`api`), because octocrab's refuse
//! runs without a name or branch and drop the attempt and the actor. `request` builds, `normalize`, `tree` and `gate` translate,
//! `draft` says what a verb would do (`again`: to a run), `roster` knows the repositories and `organisation` those of an owner, `poll` reads one, `moved`
//! tells which must be read, `kept` what is known meanwhile, `memory` keeps what the run list may forget, `fault` says what only GitHub says of a refusal,
//! `workflow` what a workflow asks whoever starts it by hand, `runners` what there is for jobs that wait for one, `settings` what jobs are given that deploy somewhere.
//!
//! Requests name a path only (`/repos/…`): `roots` puts the interface's path before it, and the transport below the address
//! (`https://api.github.com`, an Enterprise server's `https://HOST`). The token is put here, by octocrab, and only on such requests: a job log lies on another host and
//! is fetched past octocrab, so no token can reach it.

mod address;
mod again;
mod api;
mod client;
mod draft;
mod examine;
mod facade;
mod fault;
mod gate;
mod kept;
mod log;
mod memory;
mod moved;
mod normalize;
mod organisation;
mod poll;
mod request;
mod roots;
mod roster;
mod runners;
mod settings;
mod tree;
mod workflow;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use secrecy::SecretString;

pub use self::roots::Roots;
use crate::{
    domain::{
        ids::{ServiceName, SourceName},
        pattern::VersionPattern,
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::github::{client::Client, facade::GitHub},
};

/// The names of facts that GitHub has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The id of the run.
    pub const RUN: &str = "run";
    /// The id of the environment that waits for a reviewer; absent once it does not.
    pub const PENDING: &str = "environment waiting for review";
    /// The id of the workflow that it is a run of.
    pub const WORKFLOW: &str = "workflow";
    /// That the run begins only once somebody lets it; absent once somebody has.
    pub const UNAPPROVED: &str = "run waiting to be let in";
}

/// One repository that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The organisation or person.
    pub owner: String,
    /// Its name; `*` for all that the owner has.
    pub repo: String,
    /// Whose releases run here; `*` for each as its repository is called.
    pub service: ServiceName,
    /// GitHub's environment names, and what they are called here. One that is missing keeps GitHub's name and counts as of
    /// the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from what a run is called; without it, it goes by its tag or branch.
    pub version: Option<VersionPattern>,
}

/// A connection to GitHub.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Where its interfaces are.
    pub roots: Roots,
    /// The token of the person who acts: approvals need a person's, not an app installation's.
    pub token: Option<SecretString>,
    /// What is looked at.
    pub repos: Vec<Repository>,
    /// How often.
    pub interval: Duration,
}

/// Why a connection cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// A repository that cannot exist.
    #[error("'{0}' is not a repository: expected OWNER/NAME")]
    Repository(String),
    /// The token has characters that no header can carry.
    #[error("the GitHub token of '{0}' has characters that no token has: was a line break copied with it?")]
    Token(SourceName),
    /// octocrab queues requests in a Tokio task.
    #[error("a GitHub connection can be made inside the Tokio runtime only")]
    NoRuntime,
}

/// A connection over a transport that puts the base before each path. Must be called inside a Tokio runtime: octocrab starts
/// the task of its request queue there.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Result<Connection, BadSettings> {
    let Settings { name, roots, token, repos, interval } = settings;
    for Repository { owner, repo, .. } in &repos {
        let wrong = |part: &str| part.is_empty() || part.contains(['/', ' ']);
        if wrong(owner) || wrong(repo) {
            return Err(BadSettings::Repository(format!("{owner}/{repo}")));
        }
    }
    if !token.as_ref().is_none_or(client::fits_in_a_header) {
        return Err(BadSettings::Token(name));
    }
    tokio::runtime::Handle::try_current().map_err(|_| BadSettings::NoRuntime)?;
    let mut connection = Connection::new(name.clone(), "github", interval);
    let facade = Arc::new(GitHub::new(name, Client::new(transport, token, roots, &clock), repos, interval, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    Ok(connection)
}
