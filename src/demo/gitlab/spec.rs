//! What a scenario says about GitLab: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How pipelines move is in `pipeline`.

use std::{collections::BTreeMap, time::Duration};

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
    #[serde(default = "api")]
    pub scopes: Vec<String>,
    /// The day on which the token ends.
    #[serde(default = "new_year")]
    pub expires: String,
    /// Requests a minute.
    #[serde(default = "two_thousand")]
    pub rate_limit: u64,
    /// How much one question of GraphQL may ask.
    #[serde(default = "complexity")]
    pub complexity: u64,
    /// The CI/CD variables of groups, by their paths; others are refused.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<VariableSpec>>,
    /// The runners that projects may use.
    #[serde(default)]
    pub runners: Vec<RunnerSpec>,
    /// The projects.
    #[serde(default)]
    pub projects: Vec<ProjectSpec>,
    /// Further ones that are made alike.
    #[serde(default)]
    pub alike: Vec<AlikeSpec>,
}

/// Projects that are made alike, each with a past of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlikeSpec {
    /// Their full paths.
    pub paths: Vec<String>,
    /// What each has.
    pub jobs: Vec<JobSpec>,
    /// What ran.
    pub past: PastSpec,
}

impl AlikeSpec {
    /// Each as a project of its own. A test that is flaky passes when its job is tried again.
    pub(super) fn projects(&self) -> impl Iterator<Item = ProjectSpec> + '_ {
        self.paths.iter().map(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let one = |past: crate::demo::past::PastRun<'_>| PipelineSpec {
                id: past.number,
                reference: past.branch,
                commit: past.commit,
                title: past.title,
                user: past.by,
                started: Offset::before(past.before),
                pace: past.pace,
                trouble: past.trouble.map(|(trouble, flaky)| TroubleSpec {
                    job: trouble.job.clone(),
                    log: trouble.log.clone(),
                    tests: trouble.tests.clone(),
                    retried: flaky,
                }),
                approved: Vec::new(),
                through: true,
                files: Vec::new(),
                upstream: None,
            };
            let pipelines = self.past.of(name).into_iter().map(one).collect();
            ProjectSpec { jobs: self.jobs.clone(), pipelines, ..ProjectSpec::new(path) }
        })
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// Its full path: `GROUP/…/PROJECT`.
    pub path: String,
    /// The role of whoever holds the token: 20 is Reporter, 30 Developer, 40 Maintainer; 0 for none at all.
    #[serde(default = "maintainer")]
    pub access: u32,
    /// Those of a stage side by side, one stage after the other.
    pub jobs: Vec<JobSpec>,
    /// Environments of which there is more to say than their name.
    #[serde(default)]
    pub environments: Vec<EnvironmentSpec>,
    /// Times in which nothing is to be deployed.
    #[serde(default)]
    pub freezes: Vec<FreezeSpec>,
    /// May who began a pipeline approve its deployments?
    #[serde(default)]
    pub own_approval: bool,
    /// May the job of an older deployment be tried again?
    #[serde(default = "yes")]
    pub rollback: bool,
    /// Its pipelines.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
    /// Its CI/CD variables.
    #[serde(default)]
    pub variables: Vec<VariableSpec>,
}

/// A runner. One that is online and has what a job asks for takes it; jobs that none takes wait for ever.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerSpec {
    /// What it is called.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// It is away.
    #[serde(default)]
    pub offline: bool,
    /// Somebody has paused it.
    #[serde(default)]
    pub paused: bool,
    /// It has as many jobs as it can run, which GitLab does not tell.
    #[serde(default)]
    pub busy: bool,
}

/// Whether a runner takes a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Taken {
    #[default]
    AtOnce,
    /// None that takes jobs has its tags.
    Never,
}

impl RunnerSpec {
    /// Has it all of these tags?
    pub(super) fn has(&self, tags: &[String]) -> bool {
        tags.iter().all(|tag| self.tags.contains(tag))
    }
}

impl Spec {
    /// The same, where the jobs are known that no runner takes.
    #[must_use]
    pub(super) fn served(mut self) -> Self {
        let takes = |runner: &RunnerSpec, tags: &[String]| {
            !runner.offline && !runner.paused && !runner.busy && runner.has(tags)
        };
        for job in self.projects.iter_mut().flat_map(|project| &mut project.jobs) {
            let is_taken = job.tags.is_empty() || self.runners.iter().any(|runner| takes(runner, &job.tags));
            job.taken = if is_taken { Taken::AtOnce } else { Taken::Never };
        }
        self
    }
}

/// A CI/CD variable.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    /// Its name.
    pub key: String,
    /// What it is.
    pub value: String,
    /// The environments that it is for.
    #[serde(default = "every")]
    pub scope: String,
    /// Nobody is shown what it is any more.
    #[serde(default)]
    pub hidden: bool,
}

fn every() -> String {
    "*".to_owned()
}

impl ProjectSpec {
    fn new(path: &str) -> Self {
        let (environments, freezes, jobs, pipelines) = Default::default();
        Self {
            path: path.to_owned(),
            access: maintainer(),
            jobs,
            environments,
            freezes,
            own_approval: false,
            rollback: true,
            pipelines,
            variables: Vec::new(),
        }
    }
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it deploys to.
    pub environment: Option<String>,
    /// It is started by hand.
    pub manual: bool,
    /// The pipeline passes without it.
    pub allow_failure: bool,
    /// How long it runs.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails.
    pub fails: bool,
    /// Lines of its log.
    pub log: Vec<String>,
    /// The tests of its report, with their class: `shop.Basket.pays`.
    pub tests: Vec<String>,
    /// It begins a pipeline of this project, and has no log: `GROUP/PROJECT`.
    pub trigger: Option<String>,
    /// The tags that a runner must have to take it; without any it is taken at once.
    pub tags: Vec<String>,
    /// Whether a runner takes it: see [`Spec::served`].
    #[serde(skip)]
    pub(super) taken: Taken,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Its name.
    pub name: String,
    /// Who must approve a deployment: every rule.
    #[serde(default)]
    pub approvals: Vec<RuleSpec>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The group whose word counts.
    pub group: String,
    /// How many of it.
    pub needed: usize,
    /// Who is in it.
    pub members: Vec<String>,
}

/// A time in which nothing is to be deployed, as cron has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeSpec {
    /// Its begin.
    pub start: String,
    /// Its end.
    pub end: String,
    /// The time zone of both.
    #[serde(default = "utc")]
    pub zone: String,
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// Its id.
    pub id: u64,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit.
    pub commit: String,
    /// The commit's title.
    pub title: String,
    /// Who began it.
    pub user: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// How long its jobs take, in percent of what they usually do.
    #[serde(default = "usual")]
    pub pace: u32,
    /// What fails in it.
    #[serde(default)]
    pub trouble: Option<TroubleSpec>,
    /// Who approves its deployments as soon as that can be.
    #[serde(default)]
    pub approved: Vec<String>,
    /// Whatever waits in it is started as soon as that can be.
    #[serde(default)]
    pub through: bool,
    /// The files that its commit changes.
    #[serde(default)]
    pub files: Vec<String>,
    /// The project and pipeline of the bridge that began it.
    #[serde(skip)]
    pub upstream: Option<(String, u64)>,
}

/// A job that fails in one pipeline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubleSpec {
    /// Its name.
    pub job: String,
    /// The lines that its log ends with.
    #[serde(default)]
    pub log: Vec<String>,
    /// Those of its tests that failed.
    #[serde(default)]
    pub tests: Vec<String>,
    /// It was tried again, and passed.
    #[serde(default)]
    pub retried: bool,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new pipeline.
    Push {
        /// The project.
        project: String,
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: String,
        /// The commit.
        commit: String,
        /// Who.
        by: String,
    },
    /// Somebody approves or rejects the deployment of a pipeline that waits, past holdshort.
    Approve {
        /// The project.
        project: String,
        /// The pipeline's id.
        pipeline: u64,
        /// Who.
        by: String,
        /// Do they?
        approve: bool,
    },
    /// Somebody starts a job of a pipeline that waits.
    Play {
        /// The project.
        project: String,
        /// The pipeline's id.
        pipeline: u64,
        /// The job's name.
        job: String,
    },
    /// Somebody tries what failed again.
    Retry {
        /// The project.
        project: String,
        /// The pipeline's id.
        pipeline: u64,
    },
    /// Somebody cancels a pipeline.
    Cancel {
        /// The project.
        project: String,
        /// The pipeline's id.
        pipeline: u64,
    },
}

fn demo() -> String {
    "demo".to_owned()
}

fn api() -> Vec<String> {
    vec!["api".to_owned()]
}

fn new_year() -> String {
    "2027-01-01".to_owned()
}

fn two_thousand() -> u64 {
    2_000
}

fn complexity() -> u64 {
    250
}

fn maintainer() -> u32 {
    40
}

fn usual() -> u32 {
    100
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}
