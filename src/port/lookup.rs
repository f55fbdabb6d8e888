//! What is asked while somebody cares: questions, their answers, and the facet that gives them.
//!
//! An inventory tells what there is; a lookup answers. Questions and answers are plain data over the domain's nouns, so that one
//! message, one task and one recording carry them all, whatever they are about.

use std::{collections::BTreeSet, future::ready, time::Duration};

use futures::{FutureExt, StreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        changes::Changes,
        ids::{EnvironmentName, ServiceName},
        line::{Level, LogLine, Pattern, Span},
        log::Line,
        object::ObjectId,
        observed::FaultKind,
        pipeline::{LogRef, Node},
        preflight::{Heading, Kept, Preflight},
        report::{TestName, TestReport},
        setting::Settings,
        signal::ServiceSignals,
        time::Timestamp,
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
    /// How the tests of a run ended.
    Tests,
    /// What is measured of services.
    Signals,
    /// What a service writes.
    Lines,
    /// What lies between two commits.
    Changes,
    /// What a service is given in an environment.
    Settings,
    /// Whether a version of a rollout can take the traffic.
    Preflight,
    /// Whether an image is still kept.
    Image,
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
    /// How the tests of a run ended: those that failed by name, and these however they ended. A run without any has none.
    Tests {
        /// Of which run.
        run: ObjectId,
        /// These, too.
        named: BTreeSet<TestName>,
    },
    /// What a commit has that another one of the same repository has not.
    Changes {
        /// The repository is that of this run.
        run: ObjectId,
        /// The other one: what is live.
        base: String,
        /// The commit.
        head: String,
    },
    /// The signals of these services, split by version, for each interval of the window. A service or version that the source
    /// does not know is left out of the answer. Without services, the cheapest request that proves the source alive.
    Signals {
        /// Of these services.
        services: Vec<ServiceName>,
        /// For this window.
        window: Window,
        /// Only of this environment: asked of a source that tells them apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<EnvironmentName>,
    },
    /// What a service wrote, and where wanted goes on to write.
    Lines(Lines),
    /// The names of what a service is given in an environment, and which of it is alike elsewhere.
    Settings {
        /// Which.
        service: ServiceName,
        /// Where: `prod` is asked of a system that knows it so, or only knows `prod/eu-west-1`, and the other way round.
        environment: EnvironmentName,
    },
    /// What stands in the way of a version, and how long it takes until it serves.
    Preflight {
        /// Of which rollout.
        rollout: ObjectId,
        /// The hash of the version.
        hash: String,
        /// Which way somebody would go to it.
        heading: Heading,
    },
    /// Whether an image is still kept, and what its name stands for. Without a name, the cheapest request that proves the source alive.
    Image {
        /// As templates name it: `registry.test:5000/shop/pay:1.41.3`.
        name: String,
    },
}

/// Which lines of a service are asked for. A version that the source does not know has none. Without a service, the cheapest request
/// that proves the source alive; whoever tells of objects proves that otherwise, and is not asked so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lines {
    /// Of this service.
    pub service: ServiceName,
    /// Of these versions, by any of the names that each may have in the source; of all where there is none.
    pub versions: BTreeSet<String>,
    /// Written in this window. Its step is the length of the intervals in which they are counted.
    pub window: Window,
    /// At least so bad, as far as they say how bad they are.
    pub level: Option<Level>,
    /// With this in them, in any letters.
    pub text: String,
    /// Of this pod only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Only of this environment: asked of a source that tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// So many at most of the window, the newest.
    pub most: usize,
    /// And those after it, as they are written?
    pub follow: bool,
}

impl Lines {
    /// Is the source alive? The same question at all times.
    pub fn alive(step: Duration) -> Self {
        let window = Window { from: Timestamp::UNIX_EPOCH, to: Timestamp::UNIX_EPOCH, step };
        Self::newest("".into(), window, 0)
    }

    /// Is nothing else asked?
    pub fn is_alive(&self) -> bool {
        self.service.as_str().is_empty()
    }

    /// The newest lines of a service in a window, of all its versions and however bad they say they are; none after it.
    pub fn newest(service: ServiceName, window: Window, most: usize) -> Self {
        let (versions, text) = (BTreeSet::new(), String::new());
        Self { service, versions, window, level: None, text, pod: None, environment: None, most, follow: false }
    }
}

impl Question {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Jobs { .. } => Topic::Jobs,
            Self::Log { .. } => Topic::Log,
            Self::Tests { .. } => Topic::Tests,
            Self::Signals { .. } => Topic::Signals,
            Self::Lines(_) => Topic::Lines,
            Self::Changes { .. } => Topic::Changes,
            Self::Settings { .. } => Topic::Settings,
            Self::Preflight { .. } => Topic::Preflight,
            Self::Image { .. } => Topic::Image,
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
    /// How the tests of a run ended.
    Tests(TestReport),
    /// What lies between two commits.
    Changes(Changes),
    /// What a service is given, as far as the source has it.
    Settings(Settings),
    /// What stands in the way of a version.
    Preflight(Preflight),
    /// What a registry has of an image.
    Image(Kept),
    /// One entry for each service that the source knows.
    Signals(Vec<ServiceSignals>),
    /// Lines as their source has them. They go to whoever counts them, and no further.
    Lines(Written),
    /// What became of such lines: their patterns, their numbers and the newest of them.
    Mined(Mined),
}

/// Lines of a service, as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// In order of time.
    pub lines: Vec<LogLine>,
    /// What was read to its end with this answer: whatever was written then, and asked for, is here or was told before, but for
    /// what was dropped.
    pub whole: Option<Span>,
    /// So many lines of it were left out, by the source or because there were too many.
    pub dropped: u64,
}

/// What is new since the answer before, in one that is as small as a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// It is the first: what was told before is told again.
    pub begins: bool,
    /// The newest lines, in order of time.
    pub lines: Vec<LogLine>,
    /// The patterns of which there were lines, with the counts of these lines only.
    pub patterns: Vec<Pattern>,
    /// Patterns that are counted no more.
    pub forgotten: Vec<u32>,
    /// How many lines were read.
    pub read: u64,
    /// How many were left out, at least.
    pub dropped: u64,
    /// What was read to its end. Nothing that was dropped was written then.
    pub whole: Vec<Span>,
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
        Topic::Tests => "the tests of runs",
        Topic::Signals => "signals of services",
        Topic::Lines => "the lines that services write",
        Topic::Changes => "what lies between commits",
        Topic::Settings => "the settings of services",
        Topic::Preflight => "what stands in the way of a version",
        Topic::Image => "images",
    };
    let error = ProviderError::new(FaultKind::Missing, format!("{system} tells nothing of {topic}"));
    once(ready(Err(error)))
}
