//! Apsara DevOps Flow (云效 Flow): runs of pipelines, validations that wait for somebody, jobs that are started by hand, and deployments to
//! hosts batch by batch.
//!
//! `request` builds what is asked and `call` what is sent, in either of Flow's two APIs (`Door`), `api` reads the wire (`loose`: JSON in texts), `client` goes there, `words` are Flow's own for a
//! refusal, `sign` signs what the older API takes. `normalize`, `tree` and `gate` translate. `draft` says what a verb would do to a gate,
//! `again` to a run, `back` how an earlier version comes back: by the job that deployed it. `pipeline` reads one pipeline and remembers it (`memory`),
//! `roster` knows which there are, `log` takes a log as it grows, `settings` tells what jobs are given that deploy somewhere.
//!
//! Lists of pipelines do not say where each is: they are asked for those that run or wait, and for those that began of late, and only
//! those are looked at. Nothing of Flow that is public was recorded; what could not be verified is said where it is used.

mod address;
mod again;
mod api;
mod back;
mod call;
mod client;
mod draft;
mod examine;
mod facade;
mod gate;
mod log;
mod loose;
mod memory;
mod normalize;
mod pipeline;
mod request;
mod roster;
mod settings;
mod sign;
mod tree;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use self::{request::Door, sign::signed};
use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName, SourceName},
        offer::Risk,
        pattern::VersionPattern,
        service::Environment,
    },
    port::{clock::SharedClock, facet::Connection, wire::Transport},
    provider::{
        flow::{client::Client, facade::Flow},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "Flow";

/// The names of facts that Flow has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The id of the run.
    pub const RUN: &str = "run";
    /// `true` once a run has ended without success.
    pub const STOPPED: &str = "run has stopped";
    /// The id of the job.
    pub const JOB: &str = "job";
    /// Where that is, in our word: `running`, `succeeded`.
    pub const JOB_IS: &str = "job is";
    /// When it began, in milliseconds: one that runs again begins anew.
    pub const JOB_BEGAN: &str = "job began";
    /// `true` once it runs, or has run to its end.
    pub const BEGUN: &str = "job has begun";
    /// Where a validation is: `waits`, `passed`, `refused`.
    pub const VALIDATION: &str = "validation is";
    /// The id of the deploy order.
    pub const ORDER: &str = "deploy order";
    /// Where that is: `paused`, `running`, `cancelled`, `succeeded`.
    pub const ORDER_IS: &str = "deploy order is";
    /// `true` while it waits between two batches.
    pub const PAUSED: &str = "waits between batches";
    /// The batch that it is at, from 1.
    pub const BATCH: &str = "batch";
    /// Machines that are done, of all of them.
    pub const MACHINES: &str = "machines done";
    /// The run whose deployment is live.
    pub const LIVE: &str = "live is run";
    /// The record of that deployment.
    pub const RECORD: &str = "live record";

    /// Where one machine of a deploy order is.
    pub fn machine(sn: &str) -> String {
        format!("machine {sn} is")
    }
}

/// Pipelines that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name or its id; `None` for all that the organisation has.
    pub name: Option<String>,
    /// Whose releases it builds; without it the service is called as the pipeline is.
    pub service: Option<ServiceName>,
    /// Our environments, by the names of jobs or stages: those that deploy, and those behind which something is deployed. One that is
    /// missing goes where its job says, and counts as of the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from the branch of a run, or what its commit says; without it, it goes by its tag or branch.
    pub version: Option<VersionPattern>,
}

/// A connection to Flow.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// Its address, for the commands that do the same by hand.
    pub address: String,
    /// By which API, and in which organisation.
    pub door: Door,
    /// What is looked at.
    pub pipelines: Vec<Pipeline>,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that puts the address before each path, and the token or the signature on.
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "flow", settings.interval);
    let client =
        Client { http: Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None), door: settings.door.clone() };
    let facade = Arc::new(Flow::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}

impl Pipeline {
    /// The service of a pipeline of this name.
    fn service(&self, called: &str) -> ServiceName {
        self.service.clone().unwrap_or_else(|| ServiceName::new(called))
    }

    /// Where a job goes: by its own name, or by its stage's.
    fn environment(&self, job: &str, stage: &str) -> Environment {
        let named = self.environments.get(job).or_else(|| self.environments.get(stage)).cloned();
        named.unwrap_or_else(|| Environment { name: EnvironmentName::new(job), risk: Risk::High })
    }

    /// A run may deploy wherever one of its jobs does, so a mistake costs what the riskiest of them costs.
    fn risk(&self) -> Risk {
        self.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }
}
