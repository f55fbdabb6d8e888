//! What a scenario says about CircleCI: its table of `[[systems]]`, and the actions of its script.
//!
//! Only data and its reading live here. How workflows move is in `pipeline`.

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
    /// Has it `/api/v3`? A Server may not.
    #[serde(default = "yes")]
    pub v3: bool,
    /// Requests a minute.
    #[serde(default = "many")]
    pub rate_limit: u64,
    /// Its contexts: the names of the variables of each.
    #[serde(default)]
    pub contexts: BTreeMap<String, Vec<String>>,
    /// Contexts that the token's owner may not see into.
    #[serde(default)]
    pub restricted: Vec<String>,
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
    /// Their slugs.
    pub slugs: Vec<String>,
    /// What each has.
    pub jobs: Vec<JobSpec>,
    /// What ran.
    pub past: PastSpec,
}

impl AlikeSpec {
    /// So long after a workflow that failed it runs again from what failed.
    const AGAIN: Duration = Duration::from_mins(9);

    /// Each as a project of its own.
    pub(super) fn projects(&self) -> impl Iterator<Item = ProjectSpec> + '_ {
        self.slugs.iter().map(|slug| {
            let name = slug.rsplit('/').next().unwrap_or(slug);
            let one = |past: crate::demo::past::PastRun<'_>| PipelineSpec {
                number: past.number,
                branch: Some(past.branch),
                tag: None,
                commit: past.commit,
                subject: past.title,
                user: past.by,
                started: Offset::before(past.before),
                pace: past.pace,
                again: past
                    .trouble
                    .filter(|(_, flaky)| *flaky)
                    .map(|_| Offset::before(past.before.saturating_sub(Self::AGAIN))),
                trouble: past.trouble.map(|(trouble, _)| TroubleSpec {
                    job: trouble.job.clone(),
                    log: trouble.log.clone(),
                    tests: trouble.tests.clone(),
                }),
                through: true,
            };
            ProjectSpec {
                pipelines: self.past.of(name).into_iter().map(one).collect(),
                ..ProjectSpec::new(slug, self.jobs.clone())
            }
        })
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// Its slug: `gh/acme/site`.
    pub slug: String,
    /// What its workflow is called.
    #[serde(default = "workflow")]
    pub workflow: String,
    /// One after the other.
    pub jobs: Vec<JobSpec>,
    /// Its pipelines.
    #[serde(default)]
    pub pipelines: Vec<PipelineSpec>,
    /// Is it one that the token may not see?
    #[serde(default)]
    pub hidden: bool,
    /// Does a push cancel what older pipelines of its branch do?
    #[serde(default)]
    pub auto_cancel: bool,
    /// How long the pipeline of its own takes that puts a version back; it has none without.
    #[serde(default, deserialize_with = "maybe_span")]
    pub rollback: Option<Duration>,
    /// Of which workflow that configuration says that it deploys: for the configuration that looks at this world.
    #[serde(default)]
    pub deploys: Option<String>,
    /// The names of its environment variables.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Where what is given a context goes, by the context's name: for the configuration that looks at this world.
    #[serde(default)]
    pub contexts: BTreeMap<String, String>,
}

impl ProjectSpec {
    fn new(slug: &str, jobs: Vec<JobSpec>) -> Self {
        Self {
            slug: slug.to_owned(),
            workflow: workflow(),
            jobs,
            pipelines: Vec::new(),
            hidden: false,
            auto_cancel: false,
            rollback: None,
            deploys: None,
            variables: Vec::new(),
            contexts: BTreeMap::new(),
        }
    }
}

/// A job: one that runs, or one that holds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSpec {
    /// Its name.
    pub name: String,
    /// It holds until somebody approves it.
    pub hold: bool,
    /// Where what is behind a hold goes: for the configuration that looks at this world.
    pub environment: Option<String>,
    /// How long it runs.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// It fails.
    pub fails: bool,
    /// It uses a context that does not let in whoever holds the token.
    pub restricted: bool,
    /// It tells that it deployed this component to this environment.
    pub marks: Option<MarkSpec>,
    /// Lines of its log.
    pub log: Vec<String>,
    /// The tests of its report, with their class: `shop.Basket.pays`.
    pub tests: Vec<String>,
}

/// A deploy marker.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkSpec {
    /// What was deployed.
    pub component: String,
    /// Where.
    pub environment: String,
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// Its number.
    pub number: u64,
    /// The branch, where it is of one.
    #[serde(default)]
    pub branch: Option<String>,
    /// The tag, where it is of one.
    #[serde(default)]
    pub tag: Option<String>,
    /// The commit.
    pub commit: String,
    /// What that is about.
    pub subject: String,
    /// Who began it.
    pub user: String,
    /// When, against the begin of the scenario.
    pub started: Offset,
    /// How long its jobs take, in percent of what they usually do.
    #[serde(default = "usual")]
    pub pace: u32,
    /// What fails in it, at the first time.
    #[serde(default)]
    pub trouble: Option<TroubleSpec>,
    /// When somebody runs it again from what failed.
    #[serde(default)]
    pub again: Option<Offset>,
    /// Its holds are approved as they come.
    #[serde(default)]
    pub through: bool,
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
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new pipeline.
    Push {
        /// The project.
        project: String,
        /// The branch.
        branch: String,
        /// The commit.
        commit: String,
        /// Who.
        by: String,
    },
    /// Somebody approves what a pipeline holds at, past holdshort.
    Approve {
        /// The project.
        project: String,
        /// The pipeline's number.
        pipeline: u64,
        /// Who.
        by: String,
    },
    /// Somebody cancels what a pipeline does.
    Cancel {
        /// The project.
        project: String,
        /// The pipeline's number.
        pipeline: u64,
    },
    /// A marker says that another version is live, whoever put it there.
    Mark {
        /// The project.
        project: String,
        /// The component.
        component: String,
        /// The environment.
        environment: String,
        /// The version.
        version: String,
    },
}

fn maybe_span<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    span(input).map(Some)
}

fn demo() -> String {
    "demo".to_owned()
}

fn workflow() -> String {
    "build-test-deploy".to_owned()
}

fn yes() -> bool {
    true
}

fn usual() -> u32 {
    100
}

fn many() -> u64 {
    600
}
