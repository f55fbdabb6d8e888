//! AWS CodePipeline: executions of pipelines, their stages and actions, the logs of their builds, approvals that wait, and transitions
//! between stages that somebody holds.
//!
//! `request` builds, `api` reads the wire, `client` goes there, `normalize`, `tree` and `gate` translate, `draft` says what a verb would do
//! (`again`: to an execution; `hold`: to a transition), `poll` reads a pipeline, `memory` keeps what was read of it, `follow` takes a
//! log as it grows, and `words` are CodePipeline's own for a refusal. A pipeline is read by itself: one answer tells where it is, and what
//! does not move is asked about seldom, for all who look at an account share two requests a second.
//!
//! CodePipeline knows no versions and no environments: which stage is which environment, and how a version is read, is configured.

mod address;
mod again;
mod api;
mod client;
mod draft;
mod examine;
mod facade;
mod follow;
mod gate;
mod hold;
mod memory;
mod normalize;
mod poll;
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
        aws::Targets,
        codepipeline::{client::Client, facade::CodePipeline},
        http::client::Client as Http,
    },
};

/// What sentences call it.
const CALLED: &str = "CodePipeline";
/// The services that are asked, for `provider::aws::signed`.
pub const TARGETS: Targets =
    &[("codepipeline", "CodePipeline_20150709"), ("codebuild", "CodeBuild_20161006"), ("logs", "Logs_20140328")];
/// How often the target of an act is read: two requests a second are for everybody.
const PACE: Duration = Duration::from_secs(2);

/// The names of facts that CodePipeline has besides those in [`crate::port::plan::fact`].
pub mod fact {
    /// The execution: of an approval the one that is in its stage now.
    pub const EXECUTION: &str = "execution";
    /// Has it ended?
    pub const ENDED: &str = "execution has ended";
    /// Where an approval is: `waiting`, `approved`, `rejected`, `expired`, `superseded`.
    pub const APPROVAL: &str = "approval is";
    /// What proves that the approval which is answered is the one that waits. Read right before, and kept nowhere.
    pub const TOKEN: &str = "approval token";

    /// Whether executions may enter a stage: `enabled`, `disabled`.
    pub fn into(stage: &str) -> String {
        format!("transition into {stage}")
    }

    /// The execution that was in a stage last.
    pub fn at(stage: &str) -> String {
        format!("newest in {stage}")
    }

    /// How often somebody has tried a stage again.
    pub fn retries(stage: &str) -> String {
        format!("retries of {stage}")
    }
}

/// Pipelines that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name; `None` for all that the account has in the region.
    pub name: Option<String>,
    /// Whose releases it builds; without it the service is called as the pipeline is.
    pub service: Option<ServiceName>,
    /// Which environment a stage is, by its name or that of an action in it. One that is missing goes by its own name, and counts as of
    /// the highest risk.
    pub environments: BTreeMap<String, Environment>,
    /// How a version is read from what an execution is called; without it, it goes by its branch, or its revision.
    pub version: Option<VersionPattern>,
}

/// A connection to CodePipeline in one region of one account.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: SourceName,
    /// The region.
    pub region: String,
    /// Where it is, if not where AWS has it: for the commands that do the same by hand.
    pub address: Option<String>,
    /// What is looked at.
    pub pipelines: Vec<Pipeline>,
    /// How often.
    pub interval: Duration,
}

/// A connection over a transport that signs, and knows where services are (`provider::aws::signed`).
pub fn over(transport: Transport, settings: Settings, clock: SharedClock) -> Connection {
    let mut connection = Connection::new(settings.name.clone(), "codepipeline", settings.interval);
    connection.pace = PACE;
    let client = Client(Http::new(CALLED, transport, Arc::clone(&clock), |_, _| None));
    let facade = Arc::new(CodePipeline::new(client, settings, clock));
    connection.lookups.push(facade.clone());
    connection.examiner = Some(facade.clone());
    connection.inventories.push(facade);
    connection
}
