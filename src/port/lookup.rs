//! What is asked while somebody cares: questions, their answers, and the facet that gives them.
//!
//! An inventory tells what there is; a lookup answers. Questions and answers are plain data over the domain's nouns, so that one
//! message, one task and one recording carry them all, whatever they are about.

use std::future::ready;

use futures::{FutureExt, StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::ServiceName,
        log::Line,
        object::ObjectId,
        observed::FaultKind,
        pipeline::{LogRef, Node},
        signal::ServiceSignals,
    },
    port::{error::ProviderError, facet::Window},
};

/// What questions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What happens inside a run.
    Jobs,
    /// What a job writes.
    Log,
    /// What is measured of services.
    Signals,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The tree of a run: its stages, jobs and steps.
    Jobs {
        /// Which run.
        run: ObjectId,
    },
    /// A log.
    Log {
        /// Of which run.
        run: ObjectId,
        /// Which of its logs.
        log: LogRef,
        /// So many lines at most in one answer: the last ones.
        most: usize,
    },
    /// The signals of these services, split by version, for each interval of the window. A service or version that the source
    /// does not know is left out of the answer. Without services, the cheapest request that proves the source alive.
    Signals {
        /// Of these services.
        services: Vec<ServiceName>,
        /// For this window.
        window: Window,
    },
}

impl Question {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Jobs { .. } => Topic::Jobs,
            Self::Log { .. } => Topic::Log,
            Self::Signals { .. } => Topic::Signals,
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The stages, jobs and steps of a run, in order.
    Jobs(Vec<Node>),
    /// Lines of a log.
    Log(LogPiece),
    /// One entry for each service that the source knows.
    Signals(Vec<ServiceSignals>),
}

/// Lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPiece {
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// Do they go on where the answer before ended? Else they are the last that there are.
    #[serde(default)]
    pub goes_on: bool,
    /// Are there more before the first of them?
    #[serde(default)]
    pub cut: bool,
    /// Nothing comes after the last of them: whatever writes it has ended.
    #[serde(default)]
    pub over: bool,
}

/// Answers as they come. An error is the last of them.
pub type Answers<'a> = BoxStream<'a, Result<Told, ProviderError>>;

/// A system that answers questions.
pub trait Lookup: Send + Sync {
    /// What it can be asked about.
    fn topics(&self) -> Vec<Topic>;

    /// Answers a question: one item an answer, and one answer only where the system tells no news by itself. An object that is not
    /// there is an error that says so. Dropping the answers ends whatever was asked for them.
    fn ask(&self, question: Question) -> Answers<'_>;
}

/// The only answer to a question.
pub fn once<'a>(answer: impl Future<Output = Result<Told, ProviderError>> + Send + 'a) -> Answers<'a> {
    answer.into_stream().boxed()
}

/// The answer to a question that is about something else than [`Lookup::topics`].
pub fn foreign(system: &str, question: &Question) -> Answers<'static> {
    let topic = match question.topic() {
        Topic::Jobs => "the jobs of runs",
        Topic::Log => "the logs of jobs",
        Topic::Signals => "signals of services",
    };
    let error = ProviderError::new(FaultKind::Missing, format!("{system} tells nothing of {topic}"));
    once(ready(Err(error)))
}
