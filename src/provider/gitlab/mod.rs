//! GitLab CI/CD, on gitlab.com or one's own: pipelines of projects, their jobs and logs, deployments that wait for approvals, and jobs
//! that wait to be started by hand.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `words` are GitLab's own for a refusal. `normalize`, `tree` and `gate`
//! translate, `freeze` says when nothing is to be deployed. `draft` says what a verb would do: `approve` and `reject` a deployment,
//! `again` what runs once more or ends, `back` how an earlier version comes back. `project` reads one project and remembers it
//! (`memory`), `roster` knows which there are (`group`: all of a group's), `log` takes a log as it grows, `runners` what there is for jobs that wait, `settings` tells what jobs are given
//! that deploy somewhere.
//!
//! One question of GraphQL tells of fifty projects; what is asked by REST is asked only where something waits.

mod address;
mod again;
mod api;
mod back;
mod client;
mod draft;
mod examine;
mod facade;
mod freeze;
mod gate;
mod group;
mod log;
mod memory;
mod normalize;
mod project;
mod report;
mod request;
mod roster;
mod runners;
mod settings;
mod tree;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        offer::Risk,
        pattern::VersionPattern,
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::{
        gitlab::{client::Client, facade::Gitlab},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "GitLab";

/// The names of facts that GitLab has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The id of the pipeline.
    pub const PIPELINE: &str = "pipeline";
    /// The id of the deployment.
    pub const DEPLOYMENT: &str = "deployment";
    /// Where that is: `blocked`, `created`, `running`.
    pub const DEPLOYMENT_IS: &str = "deployment is";
    /// How many have approved it, as far as they count.
    pub const APPROVALS: &str = "approvals";
    /// What whoever asks has said to it: `approved`, `rejected`, or `not given`.
    pub const MINE: &str = "your approval is";
    /// The id of the job.
    pub const JOB: &str = "job";
    /// Where that is: `manual`, `running`.
    pub const JOB_IS: &str = "job is";
    /// `true` once it has begun, or waits for no human any more.
    pub const BEGUN: &str = "job has begun";
}

/// Projects that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its full path; `GROUP/*` for all of a group, and of the groups below it.
    pub path: String,
    /// Whose releases it builds; without it the service is called as the project is.
    pub service: Option<ServiceName>,
    /// Our environments, by GitLab's names of them. A job that waits to be started by hand, and of which GitLab names no environment,
    /// is looked for by its own name. What is missing keeps its name, and counts as of the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from what a pipeline is called; without it, it goes by its tag or branch.
    pub version: Option<VersionPattern>,
}

/// A connection to GitLab.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Its address, for the commands that do the same by hand.
    pub address: String,
    /// What is looked at.
    pub projects: Vec<Project>,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that puts the address before each path, and the token on.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "gitlab", settings.interval);
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(Gitlab::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}

impl Project {
    fn service(&self) -> ServiceName {
        self.service.clone().unwrap_or_else(|| ServiceName::new(self.name()))
    }

    /// The last part of its path, as people call it.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Ours of one of GitLab's environments.
    fn environment(&self, theirs: &str) -> Environment {
        let named = self.environments.get(theirs).cloned();
        named.unwrap_or_else(|| Environment { name: EnvironmentName::new(theirs), risk: Risk::High })
    }

    /// A pipeline may deploy to each of its environments, so a mistake costs what the riskiest of them costs.
    fn risk(&self) -> Risk {
        self.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }
}
