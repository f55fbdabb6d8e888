//! Runs of CI pipelines: stages, jobs, steps, normalized over all CI systems.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::domain::{
    ids::{Person, ServiceName},
    object::ObjectId,
    offer::Offer,
    time::Timestamp,
    version::Version,
};

/// Where a run, job or step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a machine.
    Queued,
    /// Runs.
    Running,
    /// Waits for a human or a timer.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was stopped.
    Cancelled,
    /// Was not needed.
    Skipped,
    /// The system says something that we do not know.
    Unknown,
}

impl RunStatus {
    /// Nothing more will happen to it by itself.
    pub fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

/// One step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStep {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub status: RunStatus,
}

/// One job of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The system's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub status: RunStatus,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its steps, in order.
    pub steps: Vec<JobStep>,
}

/// One execution of a CI pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its full id.
    pub id: ObjectId,
    /// Whose pipeline it is.
    pub service: ServiceName,
    /// The pipeline's name: `deploy`.
    pub pipeline: String,
    /// Its number, as people say it: 812.
    pub number: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What it is about, in the system's words.
    pub title: String,
    /// The branch or tag it ran for, where there is one.
    pub branch: Option<String>,
    /// What it builds or deploys.
    pub version: Version,
    /// Where it is.
    pub status: RunStatus,
    /// When this attempt began.
    pub started: Timestamp,
    /// When it last moved.
    pub updated: Timestamp,
    /// Who started it.
    pub actor: Option<Person>,
    /// Where a browser shows it.
    pub url: Option<String>,
    /// Its jobs, where they were read.
    pub jobs: Vec<Job>,
    /// What can be done with it.
    pub offers: Vec<Offer>,
}
