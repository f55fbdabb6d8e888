//! What a scenario says about Flow: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How runs move is in `run`.

use std::time::Duration;

use serde::Deserialize;

use crate::demo::time::{Offset, span};

/// What there is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Whose token and access key it is.
    pub user: String,
    /// The token; whoever brings none may come in, too.
    #[serde(default = "demo")]
    pub token: String,
    /// The secret of the access key `LTAIdemo`.
    #[serde(default = "demo")]
    pub secret: String,
    /// The organisation's id.
    #[serde(default = "organization")]
    pub organization: String,
    /// Is it a region of one's own, whose paths leave the organisation out?
    #[serde(default)]
    pub region: bool,
    /// May the credential change anything?
    #[serde(default = "yes")]
    pub acts: bool,
    /// Does the configuration that looks at this world go by the older API, of access keys?
    #[serde(default)]
    pub access_key: bool,
    /// Groups of variables; without any, the credential may not read them.
    #[serde(default)]
    pub groups: Vec<GroupSpec>,
    /// The pipelines.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
}

/// Variables that pipelines share.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The ids of pipelines that are given them.
    pub pipelines: Vec<u64>,
    /// The variables.
    pub variables: Vec<VariableSpec>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: String,
    /// It is shown to nobody.
    #[serde(default)]
    pub encrypted: bool,
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The repository that it is built of.
    #[serde(default = "repository")]
    pub repo: String,
    /// For the configuration that looks at this world: whose releases it builds.
    #[serde(default)]
    pub service: Option<String>,
    /// Its jobs; those of one stage run beside each other.
    pub jobs: Vec<JobSpec>,
    /// Its runs.
    #[serde(default)]
    pub runs: Vec<RunSpec>,
    /// Variables of its own.
    #[serde(default)]
    pub variables: Vec<VariableSpec>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// It builds, or tests.
    #[default]
    Build,
    /// It waits for somebody to pass it.
    Validate,
    /// It waits for somebody to start it.
    Manual,
    /// It deploys to hosts, batch by batch.
    Hosts,
    /// It deploys in another way.
    Deploy,
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Its name.
    pub name: String,
    /// Its stage; without it one of its own, called as the job is.
    pub stage: Option<String>,
    /// What it does.
    pub kind: JobKind,
    /// How long it takes; of a deployment to hosts, one batch.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails.
    pub fails: bool,
    /// Lines of its log.
    pub log: Vec<String>,
    /// Who may pass it; anybody where there is none.
    pub validators: Vec<String>,
    /// The machines that it deploys to.
    pub machines: Vec<MachineSpec>,
    /// What it deploys, and by which script.
    pub artifact: Option<String>,
    /// See `artifact`.
    pub script: Option<String>,
    /// For the configuration that looks at this world: where it goes, or what is behind it.
    pub environment: Option<String>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSpec {
    /// Its serial number.
    pub sn: String,
    /// Its address.
    pub ip: String,
    /// In which batch it is deployed to, from 1.
    pub batch: u64,
    /// Deploying to it fails the first time.
    #[serde(default)]
    pub fails: bool,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSpec {
    /// Its id.
    pub id: u64,
    /// The branch or tag.
    pub branch: String,
    /// The commit.
    pub commit: String,
    /// What the commit says.
    pub message: String,
    /// Who began it.
    pub by: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// What it waits for is passed and started at once, and batches go without a pause.
    pub through: bool,
    /// The job that fails in it, or the machine that is deployed to in vain at first.
    pub trouble: Option<String>,
    /// Its deployment to hosts is stopped after the first batch.
    pub stopped: bool,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new run.
    Push {
        /// The pipeline's id.
        pipeline: u64,
        /// The branch or tag.
        branch: String,
        /// The commit.
        commit: String,
        /// Who.
        by: String,
    },
    /// Somebody passes or refuses what a run waits for, past holdshort.
    Pass {
        /// The pipeline's id.
        pipeline: u64,
        /// The run's id.
        run: u64,
        /// Does it go on?
        pass: bool,
    },
    /// Somebody starts the job that a run waits to have started.
    Start {
        /// The pipeline's id.
        pipeline: u64,
        /// The run's id.
        run: u64,
    },
    /// Somebody lets the next batch go.
    Next {
        /// The pipeline's id.
        pipeline: u64,
        /// The run's id.
        run: u64,
    },
    /// Somebody runs a job again that has ended.
    Again {
        /// The pipeline's id.
        pipeline: u64,
        /// The run's id.
        run: u64,
        /// The job's name.
        job: String,
    },
    /// Somebody stops a run.
    Stop {
        /// The pipeline's id.
        pipeline: u64,
        /// The run's id.
        run: u64,
    },
}

fn demo() -> String {
    "demo".to_owned()
}

fn organization() -> String {
    "5ebbc0228123212b59".to_owned()
}

fn repository() -> String {
    "https://codeup.aliyun.com/acme/shop.git".to_owned()
}

fn yes() -> bool {
    true
}
