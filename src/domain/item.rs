//! What a system tells of: one enum over the nouns, so that whatever carries, keeps or drafts for them need not know which.

use serde::{Deserialize, Serialize};
use strum::Display;

use crate::domain::{gate::Gate, ids::ServiceName, object::ObjectId, offer::Offer, pipeline::Run, rollout::Rollout};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Noun {
    /// A version on its way in.
    Rollout,
    /// A place where a system waits for a human.
    Gate,
    /// One execution of a pipeline.
    Run,
}

/// One object, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A version on its way in, or one that has arrived.
    Rollout(Box<Rollout>),
    /// A place where a system waits for a human.
    Gate(Box<Gate>),
    /// One execution of a pipeline.
    Run(Box<Run>),
}

impl Item {
    /// Its id.
    pub fn id(&self) -> &ObjectId {
        match self {
            Self::Rollout(rollout) => &rollout.id,
            Self::Gate(gate) => &gate.id,
            Self::Run(run) => &run.id,
        }
    }

    /// What it is.
    pub fn noun(&self) -> Noun {
        match self {
            Self::Rollout(_) => Noun::Rollout,
            Self::Gate(_) => Noun::Gate,
            Self::Run(_) => Noun::Run,
        }
    }

    /// The service that it is of.
    pub fn service(&self) -> &ServiceName {
        match self {
            Self::Rollout(rollout) => &rollout.service,
            Self::Gate(gate) => &gate.service,
            Self::Run(run) => &run.service,
        }
    }

    /// What can be done with it, from its system's point of view.
    pub fn offers(&self) -> &[Offer] {
        match self {
            Self::Rollout(rollout) => &rollout.offers,
            Self::Gate(gate) => &gate.offers,
            Self::Run(run) => &run.offers,
        }
    }

    /// It, if it is a rollout.
    pub fn rollout(&self) -> Option<&Rollout> {
        if let Self::Rollout(rollout) = self { Some(rollout) } else { None }
    }

    /// It, if it is a gate.
    pub fn gate(&self) -> Option<&Gate> {
        if let Self::Gate(gate) = self { Some(gate) } else { None }
    }

    /// It, if it is a run.
    pub fn run(&self) -> Option<&Run> {
        if let Self::Run(run) = self { Some(run) } else { None }
    }
}

impl From<Rollout> for Item {
    fn from(rollout: Rollout) -> Self {
        Self::Rollout(Box::new(rollout))
    }
}

impl From<Gate> for Item {
    fn from(gate: Gate) -> Self {
        Self::Gate(Box::new(gate))
    }
}

impl From<Run> for Item {
    fn from(run: Run) -> Self {
        Self::Run(Box::new(run))
    }
}
