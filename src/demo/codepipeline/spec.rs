//! What a scenario says about CodePipeline: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How executions move is in `pipeline` and `execution`.

use std::time::Duration;

use serde::Deserialize;

pub use crate::demo::aws::KEY;
use crate::demo::{
    past::{PastRun, PastSpec},
    time::{Offset, span},
};

/// What there is in one region of one account.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Who signs.
    pub user: String,
    /// The region.
    #[serde(default = "region")]
    pub region: String,
    /// The account.
    #[serde(default = "account")]
    pub account: String,
    /// The rights that whoever signs has not: `codepipeline:RollbackStage`.
    #[serde(default)]
    pub denied: Vec<String>,
    /// How many requests a second it takes.
    #[serde(default)]
    pub limit: Option<u32>,
    /// The pipelines.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
    /// Further ones that are made alike.
    #[serde(default)]
    pub alike: Vec<AlikeSpec>,
}

impl Spec {
    /// The ARN of a user of the account.
    pub(super) fn arn(&self, who: &str) -> String {
        format!("arn:aws:iam::{}:user/{who}", self.account)
    }
}

/// Pipelines that are made alike, each with a past of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlikeSpec {
    /// Their names.
    pub names: Vec<String>,
    /// What each does.
    pub stages: Vec<StageSpec>,
    /// What ran.
    pub past: PastSpec,
}

impl AlikeSpec {
    /// Each as a pipeline of its own.
    pub(super) fn pipelines(&self) -> impl Iterator<Item = PipelineSpec> + '_ {
        self.names.iter().map(|name| {
            let execution = |past: PastRun<'_>| ExecutionSpec {
                commit: past.commit,
                title: past.title,
                by: past.by,
                started: Offset::before(past.before),
                trouble: past.trouble.map(|(trouble, _)| trouble.job.clone()),
                answered: Some(Duration::from_mins(1)),
            };
            let executions = self.past.of(name).into_iter().map(execution).collect();
            PipelineSpec { name: name.clone(), stages: self.stages.clone(), executions, ..PipelineSpec::default() }
        })
    }
}

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineSpec {
    /// Its name.
    pub name: String,
    /// How its executions stand to one another.
    pub mode: Mode,
    /// The branch that its source follows.
    pub branch: Option<String>,
    /// One after the other; the first has the source.
    pub stages: Vec<StageSpec>,
    /// Its executions.
    pub executions: Vec<ExecutionSpec>,
    /// What starting it may say.
    pub variables: Vec<VariableSpec>,
}

/// How executions of a pipeline stand to one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// One that waits to enter a stage is replaced by a newer one.
    #[default]
    Superseded,
    /// They enter in their order.
    Queued,
    /// None waits for another.
    Parallel,
}

/// What starting a pipeline may say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    /// Its name.
    pub name: String,
    /// What it is where nobody says anything.
    #[serde(default)]
    pub default: Option<String>,
    /// What it means.
    #[serde(default)]
    pub description: Option<String>,
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSpec {
    /// Its name.
    pub name: String,
    /// One after the other.
    pub actions: Vec<ActionSpec>,
    /// For the configuration that looks at this world: the environment that it is.
    pub environment: Option<String>,
    /// Somebody holds the transition into it.
    pub held: Option<HeldSpec>,
}

/// A transition that is disabled from the begin on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldSpec {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    #[serde(default)]
    pub since: Offset,
}

/// An action.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActionSpec {
    /// Its name.
    pub name: String,
    /// `Source`, `Build`, `Test`, `Deploy`, `Approval`.
    pub kind: String,
    /// How long it takes.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails, with this, the first time.
    pub fails: Option<String>,
    /// Of a build: lines of its log.
    pub log: Vec<String>,
    /// Of an approval: how long it waits; without it a week.
    #[serde(deserialize_with = "some")]
    pub timeout: Option<Duration>,
    /// Of an approval: what it asks.
    pub asks: Option<String>,
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionSpec {
    /// The commit.
    pub commit: String,
    /// Its message.
    pub title: String,
    /// Who began it; nobody where a push did.
    pub by: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// The stage that fails in it.
    pub trouble: Option<String>,
    /// How long its approvals wait before somebody gives them; without it they wait.
    #[serde(deserialize_with = "some")]
    pub answered: Option<Duration>,
}

/// Something that a script makes happen. An execution is meant by the begin of its commit.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new execution.
    Push {
        /// The pipeline.
        pipeline: String,
        /// The commit.
        commit: String,
        /// Its message.
        title: String,
        /// Who.
        by: String,
    },
    /// Somebody answers an approval, past holdshort.
    Answer {
        /// The pipeline.
        pipeline: String,
        /// The execution's commit.
        commit: String,
        /// Goes it on?
        approve: bool,
    },
    /// Somebody disables the transition into a stage.
    Hold {
        /// The pipeline.
        pipeline: String,
        /// The stage.
        stage: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody enables it.
    Release {
        /// The pipeline.
        pipeline: String,
        /// The stage.
        stage: String,
    },
    /// Somebody stops an execution.
    Stop {
        /// The pipeline.
        pipeline: String,
        /// The execution's commit.
        commit: String,
    },
    /// Somebody tries what failed of an execution again.
    Retry {
        /// The pipeline.
        pipeline: String,
        /// The execution's commit.
        commit: String,
    },
}

fn some<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    span(input).map(Some)
}

fn region() -> String {
    "eu-west-1".to_owned()
}

fn account() -> String {
    "123456789012".to_owned()
}
