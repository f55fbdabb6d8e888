//! What a scenario says about Buildkite: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How builds move is in `build`.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::{
    past::PastSpec,
    time::{Offset, span},
};

/// What there is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Who holds the token.
    pub user: String,
    /// The token; whoever brings none may come in, too.
    #[serde(default = "demo")]
    pub token: String,
    /// What the token may do.
    #[serde(default = "all_scopes")]
    pub scopes: Vec<String>,
    /// Requests a minute.
    #[serde(default = "fifty")]
    pub rate_limit: u64,
    /// The agents that are connected.
    #[serde(default)]
    pub agents: Vec<AgentSpec>,
    /// The pipelines, of one organisation or several.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
    /// Further ones that are made alike.
    #[serde(default)]
    pub alike: Vec<AlikeSpec>,
}

/// An agent that is connected. One that does nothing takes jobs; what none takes waits for ever.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// Its name.
    pub name: String,
    /// What it is tagged: `queue=deploy`.
    pub tags: Vec<String>,
    /// It does something else.
    #[serde(default)]
    pub busy: bool,
    /// Somebody has paused it.
    #[serde(default)]
    pub paused: bool,
}

impl Spec {
    /// The same, where the jobs are known that no agent takes.
    #[must_use]
    pub(super) fn served(mut self) -> Self {
        let takes = |agent: &AgentSpec, wants: &[String]| {
            !agent.busy && !agent.paused && wants.iter().all(|want| agent.tags.contains(want))
        };
        for step in self.pipelines.iter_mut().flat_map(|pipeline| &mut pipeline.steps) {
            step.unserved = !step.agents.is_empty() && !self.agents.iter().any(|agent| takes(agent, &step.agents));
        }
        self
    }
}

/// Pipelines that are made alike, each with a past of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlikeSpec {
    /// Their names: `ORGANIZATION/PIPELINE`.
    pub names: Vec<String>,
    /// What each has.
    pub steps: Vec<StepSpec>,
    /// What was built.
    pub past: PastSpec,
}

impl AlikeSpec {
    /// So long after a build that failed its commit is built again.
    const AGAIN: Duration = Duration::from_mins(11);

    /// Each as a pipeline of its own.
    pub(super) fn pipelines(&self) -> impl Iterator<Item = PipelineSpec> + '_ {
        self.names.iter().map(|name| {
            let slug = name.rsplit('/').next().unwrap_or(name);
            let mut builds: Vec<BuildSpec> = Vec::new();
            for past in self.past.of(slug) {
                let flaky = past.trouble.is_some_and(|(_, flaky)| flaky);
                let before = past.before;
                let number = builds.last().map_or(past.number, |build| build.number + 1);
                let first = BuildSpec {
                    number,
                    message: past.title,
                    branch: past.branch,
                    commit: past.commit,
                    creator: past.by,
                    started: Offset::before(before),
                    pace: past.pace,
                    trouble: past
                        .trouble
                        .map(|(trouble, _)| TroubleSpec { step: trouble.job.clone(), log: trouble.log.clone() }),
                };
                // It passes when it is built once more.
                let again = flaky.then(|| BuildSpec {
                    number: number + 1,
                    started: Offset::before(before.saturating_sub(Self::AGAIN)),
                    trouble: None,
                    ..first.clone()
                });
                builds.push(first);
                builds.extend(again);
            }
            PipelineSpec { name: name.clone(), steps: self.steps.clone(), builds }
        })
    }
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// `ORGANIZATION/PIPELINE`, as its address has it.
    pub name: String,
    /// One after the other.
    pub steps: Vec<StepSpec>,
    /// Its builds.
    #[serde(default)]
    pub builds: Vec<BuildSpec>,
}

/// A step: a command, or a block step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepSpec {
    /// What it is called, where it is a command.
    pub label: Option<String>,
    /// What it is called, where it waits for somebody.
    pub block: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Where what is behind it goes: for the configuration that looks at this world.
    pub environment: Option<String>,
    /// What it asks for, as a pipeline says it: for the same.
    pub fields: Vec<toml::Table>,
    /// How long it runs.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails.
    pub fails: bool,
    /// Where it fails, the build goes on.
    pub soft_fail: bool,
    /// Lines of its log.
    pub log: Vec<String>,
    /// What an agent must be tagged to take it: `queue=deploy`; without any it is taken at once.
    pub agents: Vec<String>,
    /// No agent takes it: see [`Spec::served`].
    #[serde(skip)]
    pub(super) unserved: bool,
}

/// A build.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// Its number.
    pub number: u64,
    /// What it is about.
    pub message: String,
    /// The branch or tag.
    pub branch: String,
    /// The commit.
    pub commit: String,
    /// Who began it.
    pub creator: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// How long its steps take, in percent of what they usually do.
    #[serde(default = "usual")]
    pub pace: u32,
    /// What fails in it.
    #[serde(default)]
    pub trouble: Option<TroubleSpec>,
}

/// A step that fails in one build.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubleSpec {
    /// Its key, or its label.
    pub step: String,
    /// The lines that its log ends with.
    #[serde(default)]
    pub log: Vec<String>,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new build.
    Push {
        /// The pipeline.
        pipeline: String,
        /// The branch or tag.
        branch: String,
        /// The commit.
        commit: String,
        /// Who.
        by: String,
    },
    /// Somebody unblocks the step that a build waits for, past holdshort.
    Unblock {
        /// The pipeline.
        pipeline: String,
        /// The build's number.
        build: u64,
        /// Who.
        by: String,
    },
    /// Somebody cancels a build.
    Cancel {
        /// The pipeline.
        pipeline: String,
        /// The build's number.
        build: u64,
    },
}

fn demo() -> String {
    "demo".to_owned()
}

fn all_scopes() -> Vec<String> {
    ["read_builds", "read_build_logs", "write_builds"].map(str::to_owned).to_vec()
}

fn usual() -> u32 {
    100
}

fn fifty() -> u64 {
    50
}
