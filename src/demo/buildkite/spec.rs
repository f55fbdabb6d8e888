//! What a scenario says about Buildkite: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How builds move is in `build`.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::time::{Offset, span};

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
    /// The pipelines, of one organisation or several.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
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

fn fifty() -> u64 {
    50
}
