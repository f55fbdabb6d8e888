//! CircleCI, on circleci.com or a Server of one's own: workflows of projects, their jobs and logs, jobs that hold until somebody approves,
//! and what its deploy markers say is live.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `words` are CircleCI's own for a refusal. `normalize`, `tree` and `gate`
//! translate. `draft` says what a verb would do: to a hold, and with a workflow (`again`); `back` how an earlier version comes back,
//! `live` which there are. `project` reads one project and remembers it (`memory`), `search` asks about many at once, `follow` reads a
//! log as it grows and `log` takes it. `settings` tells what jobs are given that deploy somewhere.
//!
//! A run here is a workflow of a pipeline: that is what CircleCI cancels and runs again. `/api/v3` tells of the runs of many projects in one
//! answer, and of logs; a Server may not have it. All else is asked of `/api/v2`, also what is run again: there `from_failed` is the
//! name of what `/api/v3` calls otherwise and would silently leave aside.

mod address;
mod again;
mod api;
mod back;
mod client;
mod draft;
mod examine;
mod facade;
mod follow;
mod gate;
mod live;
mod log;
mod memory;
mod normalize;
mod project;
mod report;
mod request;
mod search;
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
        circleci::{client::Client, facade::Circleci},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "CircleCI";

/// The names of facts that CircleCI has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The id of the workflow.
    pub const WORKFLOW: &str = "workflow";
    /// The id of its pipeline.
    pub const PIPELINE: &str = "pipeline";
    /// The id of the job that holds.
    pub const HOLD: &str = "hold";
    /// Where that is: `on_hold`, `success` once it is approved, `canceled`.
    pub const HOLD_IS: &str = "hold is";
    /// The id that an approval of it names.
    pub const REQUEST: &str = "approval request";
    /// What the jobs behind it do: `waits`, `goes on`, `unauthorized`.
    pub const BEHIND: &str = "what is behind it";
    /// What is live of a component in an environment, as its deploy markers name it.
    pub const LIVE: &str = "live version";
}

/// A project that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its slug: `gh/acme/site`, `bb/acme/site`, `circleci/ORG/PROJECT`.
    pub slug: String,
    /// Whose releases it builds; without it the service is called as the project is.
    pub service: Option<ServiceName>,
    /// Our environments, by the name of the job that holds before them, by CircleCI's own name of the environment, or by the name of a
    /// context that jobs for there are given. What is missing keeps its name, and counts as of the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from what a pipeline is called; without it, it goes by its tag or branch.
    pub version: Option<VersionPattern>,
    /// The id of the pipeline definition by which a new pipeline begins.
    pub definition: Option<String>,
    /// The workflow that deploys, for a project without deploy markers.
    pub deploys: Option<String>,
}

/// A connection to CircleCI.
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
    let mut connection = Connection::new(settings.name.clone(), "circleci", settings.interval);
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(Circleci::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}

impl Project {
    fn service(&self) -> ServiceName {
        self.service.clone().unwrap_or_else(|| ServiceName::new(self.name()))
    }

    /// The last part of its slug, as people call it; of a slug of ids the service.
    fn name(&self) -> &str {
        let own = self.slug.rsplit('/').next().unwrap_or(&self.slug);
        match &self.service {
            Some(service) if self.slug.starts_with("circleci/") => service.as_str(),
            _ => own,
        }
    }

    /// Ours of a job that holds, or of one of CircleCI's environments.
    fn environment(&self, theirs: &str) -> Environment {
        let named = self.environments.get(theirs).cloned();
        named.unwrap_or_else(|| Environment { name: EnvironmentName::new(theirs), risk: Risk::High })
    }

    /// A workflow may deploy to each of its environments, so a mistake costs what the riskiest of them costs.
    fn risk(&self) -> Risk {
        self.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }
}
