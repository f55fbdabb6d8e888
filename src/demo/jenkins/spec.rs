//! What a scenario says about Jenkins: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How builds move is in `build`.

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
    /// The id of who signs in.
    pub user: String,
    /// The groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Their API token; whoever brings none may come in, too, as whoever has a session.
    #[serde(default = "demo")]
    pub token: String,
    /// Does a write without an API token need a crumb?
    #[serde(default = "yes")]
    pub crumbs: bool,
    /// The plugins that are there.
    #[serde(default = "all_plugins")]
    pub plugins: Vec<Plugin>,
    /// The jobs, in whatever folders.
    #[serde(default)]
    pub jobs: Vec<JobSpec>,
    /// Further ones that are made alike.
    #[serde(default)]
    pub alike: Vec<AlikeSpec>,
}

/// A plugin that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plugin {
    /// pipeline-rest-api: stages, and their logs.
    Wfapi,
    /// pipeline-graph-view: the same in another way.
    GraphView,
    /// Inputs that are exported with who may answer them.
    ExportedInputs,
}

/// Jobs that are made alike, each with a past of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlikeSpec {
    /// Their full names.
    pub names: Vec<String>,
    /// What each does.
    pub stages: Vec<StageSpec>,
    /// What was built.
    pub past: PastSpec,
}

impl AlikeSpec {
    /// Each as a job of its own.
    pub(super) fn jobs(&self) -> impl Iterator<Item = JobSpec> + '_ {
        self.names.iter().map(|name| {
            let last = name.rsplit('/').next().unwrap_or(name);
            let build = |past: crate::demo::past::PastRun<'_>| BuildSpec {
                number: past.number,
                name: None,
                about: Some(past.title),
                branch: Some(past.branch),
                commit: Some(past.commit),
                by: past.by,
                started: Offset::before(past.before),
                pace: past.pace,
                trouble: past.trouble.map(|(trouble, _)| trouble.job.clone()),
                failed: past.trouble.map(|(trouble, _)| trouble.tests.clone()).unwrap_or_default(),
                answered: None,
                given: BTreeMap::new(),
            };
            let builds = self.past.of(last).into_iter().map(build).collect();
            JobSpec { name: name.clone(), stages: self.stages.clone(), builds, ..JobSpec::default() }
        })
    }
}

/// A job.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Its full name; a branch is written as Jenkins has it, `feature%2Flogin`.
    pub name: String,
    /// Is it a branch of a multibranch project, which is what it lies in?
    pub is_branch: bool,
    /// What it asks for where somebody builds it.
    pub parameters: Vec<ParameterSpec>,
    /// One after the other.
    pub stages: Vec<StageSpec>,
    /// Its builds.
    pub builds: Vec<BuildSpec>,
    /// For the configuration that looks at this world: the job that rolls back, and its parameter for the version.
    pub rollback: Option<RollbackSpec>,
    /// It is not looked at.
    pub aside: bool,
}

/// The job that rolls back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackSpec {
    /// Its full name.
    pub job: String,
    /// Its parameter for the version.
    pub version_parameter: String,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterSpec {
    /// Its name.
    pub name: String,
    /// What it takes, as Jenkins calls it without its end: `String`, `Boolean`, `Choice`, `Password`.
    pub kind: String,
    /// A few words on it.
    #[serde(default)]
    pub description: String,
    /// What it is where nobody says anything.
    #[serde(default)]
    pub default: String,
    /// What there is to choose from.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSpec {
    /// Its name.
    pub name: String,
    /// What it waits for before it does anything.
    pub input: Option<InputSpec>,
    /// How long it runs.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails.
    pub fails: bool,
    /// It ends as unstable.
    pub unstable: bool,
    /// Lines of its log.
    pub log: Vec<String>,
    /// The tests of its report, with their class: `shop.Basket.pays`.
    pub tests: Vec<String>,
}

/// What a stage waits for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Its id; Jenkins begins it with a capital letter.
    pub id: String,
    /// What it asks.
    pub message: String,
    /// Users or groups that may answer, with commas between; without it whoever may build.
    #[serde(default)]
    pub submitter: Option<String>,
    /// Where what is behind it goes: for the configuration that looks at this world.
    #[serde(default)]
    pub environment: Option<String>,
    /// What it asks for.
    #[serde(default)]
    pub parameters: Vec<ParameterSpec>,
}

/// A build.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuildSpec {
    /// Its number.
    pub number: u64,
    /// A name of its own.
    pub name: Option<String>,
    /// A few words on it.
    pub about: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The id of who began it.
    pub by: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// How long its stages take, in percent of what they usually do; 0 counts as 100.
    pub pace: u32,
    /// The stage that fails in it.
    pub trouble: Option<String>,
    /// The tests that fail in it, which makes their stage unstable.
    pub failed: Vec<String>,
    /// How long its inputs wait before somebody answers them; without it they wait.
    #[serde(deserialize_with = "waits")]
    pub answered: Option<Duration>,
    /// Its parameters.
    pub given: BTreeMap<String, String>,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new build.
    Push {
        /// The job's full name.
        job: String,
        /// The commit.
        commit: String,
        /// Who.
        by: String,
    },
    /// Somebody answers what a build waits for, past holdshort.
    Answer {
        /// The job's full name.
        job: String,
        /// The build's number.
        build: u64,
        /// Goes it on?
        proceed: bool,
    },
    /// Somebody stops a build.
    Stop {
        /// The job's full name.
        job: String,
        /// The build's number.
        build: u64,
    },
    /// Somebody runs a build again.
    Rerun {
        /// The job's full name.
        job: String,
        /// The build's number.
        build: u64,
    },
}

fn waits<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    span(input).map(Some)
}

fn demo() -> String {
    "demo".to_owned()
}

fn yes() -> bool {
    true
}

fn all_plugins() -> Vec<Plugin> {
    vec![Plugin::Wfapi, Plugin::GraphView, Plugin::ExportedInputs]
}
