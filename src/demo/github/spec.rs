//! What a scenario says about GitHub: the `[github]` table and the actions of its script.
//!
//! Only data and its reading live here. How runs move is in `run`, what the wire says of them in `wire`.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::demo::past::{PastRun, PastSpec};

/// The `[github]` table of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Who holds [`Spec::token`].
    pub login: String,
    /// The token that is accepted as `login`.
    #[serde(default = "default_token")]
    pub token: String,
    /// Further tokens, and whose they are.
    #[serde(default)]
    pub tokens: BTreeMap<String, String>,
    /// Teams by slug, and their members' logins.
    #[serde(default)]
    pub teams: BTreeMap<String, Vec<String>>,
    /// Requests an hour for each token.
    #[serde(default = "default_limit")]
    pub rate_limit: u64,
    /// The runners that are registered for organisations.
    #[serde(default)]
    pub runners: Vec<RunnerSpec>,
    /// The repositories.
    #[serde(default)]
    pub repos: Vec<RepoSpec>,
    /// Further ones that are made alike.
    #[serde(default)]
    pub alike: Vec<AlikeSpec>,
}

/// A runner that is registered. One that is online and does nothing takes jobs; of others their jobs wait for ever.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerSpec {
    /// Its name.
    pub name: String,
    /// Its labels, beside `self-hosted`.
    pub labels: Vec<String>,
    /// It is away.
    #[serde(default)]
    pub offline: bool,
    /// It does something else.
    #[serde(default)]
    pub busy: bool,
}

impl Spec {
    /// The same, where the jobs are known that no runner takes.
    #[must_use]
    pub(super) fn served(mut self) -> Self {
        let jobs = self.repos.iter_mut().flat_map(|repo| &mut repo.workflows).flat_map(|workflow| &mut workflow.jobs);
        for job in jobs {
            job.unserved = !job.runs_on.is_empty() && !self.runners.iter().any(|runner| runner.takes(&job.runs_on));
        }
        self
    }
}

impl RunnerSpec {
    /// Does it take a job that asks for these labels?
    pub(super) fn takes(&self, wants: &[String]) -> bool {
        let has = |label: &String| label == "self-hosted" || self.labels.contains(label);
        !self.offline && !self.busy && wants.iter().all(has)
    }
}

/// Repositories that are made alike, each with a past of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlikeSpec {
    /// The organisation.
    pub owner: String,
    /// Their names.
    pub names: Vec<String>,
    /// What each has.
    pub workflows: Vec<WorkflowSpec>,
    /// The environments of each.
    #[serde(default)]
    pub environments: Vec<EnvironmentSpec>,
    /// What was run, by the workflow's file.
    #[serde(default)]
    pub past: BTreeMap<String, PastSpec>,
}

impl AlikeSpec {
    /// How long after a run somebody tries again what failed.
    const AGAIN: Duration = Duration::from_mins(11);

    /// Each as a repository of its own.
    pub(super) fn repos(&self) -> impl Iterator<Item = RepoSpec> + '_ {
        self.names.iter().map(|name| {
            let runs = self.past.iter().flat_map(|(file, past)| {
                past.of(&format!("{name}/{file}")).into_iter().map(|run| Self::run(name, file, run))
            });
            RepoSpec {
                owner: self.owner.clone(),
                name: name.clone(),
                access: Access::Write,
                archived: false,
                workflows: self.workflows.clone(),
                environments: self.environments.clone(),
                commits: Vec::new(),
                runs: runs.collect(),
                given: GivenSpec::default(),
                hides_settings: false,
            }
        })
    }

    fn run(name: &str, file: &str, past: PastRun<'_>) -> RunSpec {
        let trouble = past.trouble.map(|(trouble, flaky)| TroubleSpec {
            job: trouble.job.clone(),
            log: trouble.log.clone(),
            again: flaky.then_some(Self::AGAIN),
        });
        RunSpec {
            number: past.number,
            id: None,
            workflow: Some(file.to_owned()),
            title: past.title.replace(&format!("{name}/{file}"), name),
            branch: Some(past.branch),
            commit: past.commit,
            actor: past.by,
            fork: false,
            started: Offset { before: true, by: past.before },
            pace: past.pace,
            trouble,
        }
    }
}

/// What a repository or an environment gives jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GivenSpec {
    /// Its variables.
    pub variables: Vec<SettingSpec>,
    /// Its secrets.
    pub secrets: Vec<SettingSpec>,
}

/// A variable or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    /// Its name.
    pub name: String,
    /// What it is; a secret is shown to nobody.
    #[serde(default)]
    pub value: String,
    /// When it was last changed, against the begin of the scenario.
    #[serde(default)]
    pub changed: crate::demo::time::Offset,
}

/// What the token's owner may do with a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everything.
    #[default]
    Write,
    /// Reads work, writes get 403.
    Read,
    /// It is not even there: 404.
    None,
}

/// One repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepoSpec {
    /// The organisation.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// What our token may do.
    #[serde(default)]
    pub access: Access,
    /// Is it put away? Then nothing runs there any more.
    #[serde(default)]
    pub archived: bool,
    /// Its workflows; a run that names none belongs to the first.
    pub workflows: Vec<WorkflowSpec>,
    /// Its environments.
    #[serde(default)]
    pub environments: Vec<EnvironmentSpec>,
    /// Its commits before those that runs are of, oldest first.
    #[serde(default)]
    pub commits: Vec<CommitSpec>,
    /// Its runs.
    #[serde(default)]
    pub runs: Vec<RunSpec>,
    /// What it gives jobs, whatever environment they deploy to.
    #[serde(default)]
    pub given: GivenSpec,
    /// Our token may not see what jobs are given.
    #[serde(default)]
    pub hides_settings: bool,
}

/// A commit that no run is of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSpec {
    /// Its 40 hex digits.
    pub commit: String,
    /// The first line of its message.
    pub title: String,
    /// Who made it.
    pub actor: String,
}

/// One workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSpec {
    /// Its name: `deploy`.
    pub name: String,
    /// Its file under `.github/workflows`.
    pub file: String,
    /// Its jobs; each needs the one before it.
    pub jobs: Vec<JobSpec>,
    /// What it asks whoever starts it by hand.
    #[serde(default)]
    pub inputs: Vec<InputSpec>,
}

/// An input of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// `string`, `boolean`, `choice`, `number` or `environment`.
    #[serde(default = "string")]
    pub r#type: String,
    /// A few words on what it means.
    #[serde(default)]
    pub description: Option<String>,
    /// Does it not start without?
    #[serde(default)]
    pub required: bool,
    /// What it is where nobody says anything.
    #[serde(default)]
    pub default: Option<String>,
    /// What there is to choose from.
    #[serde(default)]
    pub options: Vec<String>,
}

fn string() -> String {
    "string".to_owned()
}

/// One job of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Its name.
    pub name: String,
    /// How long it runs: `1m 30s`.
    #[serde(deserialize_with = "span")]
    pub takes: Duration,
    /// The environment it deploys to.
    pub environment: Option<String>,
    /// On how many of the run's first attempts it fails.
    #[serde(default)]
    pub fails: u32,
    /// Names of its own steps, between set-up and clean-up.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Lines of its own that its log has.
    #[serde(default)]
    pub log: Vec<String>,
    /// The labels that a runner must have to take it; without any it runs on GitHub's own machines.
    #[serde(default)]
    pub runs_on: Vec<String>,
    /// No runner takes it: see [`Spec::served`].
    #[serde(skip)]
    pub(super) unserved: bool,
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Its name.
    pub name: String,
    /// Logins, and `team:SLUG`.
    #[serde(default)]
    pub reviewers: Vec<String>,
    /// Whoever started the run may not approve it.
    #[serde(default)]
    pub prevent_self_review: bool,
    /// Minutes that every deployment waits.
    #[serde(default)]
    pub wait_timer: u32,
    /// What it gives jobs that deploy there.
    #[serde(default)]
    pub given: GivenSpec,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Its number in its workflow.
    pub number: u64,
    /// Its id, where a scenario wants to know it.
    pub id: Option<u64>,
    /// The workflow's file; the repository's first workflow if absent.
    pub workflow: Option<String>,
    /// What it is about.
    pub title: String,
    /// The branch or tag; absent for the runs that GitHub answers with `null`.
    pub branch: Option<String>,
    /// The commit.
    pub commit: String,
    /// Who started it.
    pub actor: String,
    /// A pull request of somebody new: nothing of it runs before somebody has let it in.
    #[serde(default)]
    pub fork: bool,
    /// When it started, against the begin of the scenario: `-14h`, `2m`.
    #[serde(deserialize_with = "offset")]
    pub started: Offset,
    /// How long its jobs take, in percent of what they usually do.
    #[serde(default = "usual")]
    pub pace: u32,
    /// What fails in it.
    #[serde(default)]
    pub trouble: Option<TroubleSpec>,
}

/// A job that fails in one run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubleSpec {
    /// Its name.
    pub job: String,
    /// The lines that its log ends with.
    #[serde(default)]
    pub log: Vec<String>,
    /// So long after the run began somebody starts again what failed, and it passes; without it, it stays failed.
    #[serde(default, deserialize_with = "optional_span")]
    pub again: Option<Duration>,
}

/// A signed span against the begin of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Before the begin.
    pub before: bool,
    /// How far.
    pub by: Duration,
}

/// Something that a script makes happen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Somebody pushes: a new run of the workflow.
    Push(Push),
    /// Somebody answers for an environment, past holdshort.
    Review(Review),
    /// Somebody starts a run again.
    Rerun {
        /// `owner/name`.
        repo: String,
        /// The run's number.
        run: u64,
        /// Who.
        by: String,
    },
    /// Somebody cancels a run.
    Cancel {
        /// `owner/name`.
        repo: String,
        /// The run's number.
        run: u64,
    },
}

/// A new run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// `owner/name`.
    pub repo: String,
    /// The commit.
    pub commit: String,
    /// What it is about; the commit if absent.
    pub title: Option<String>,
    /// The branch or tag; that of the newest run if absent.
    pub branch: Option<String>,
    /// Who; the newest run's actor if absent.
    pub by: Option<String>,
    /// The workflow's file; the repository's first if absent.
    pub workflow: Option<String>,
    /// Runs of the workflow that have not ended are cancelled, as `concurrency: cancel-in-progress` does.
    #[serde(default)]
    pub supersedes: bool,
}

/// An answer for an environment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// `owner/name`.
    pub repo: String,
    /// The run's number.
    pub run: u64,
    /// The environment.
    pub environment: String,
    /// Who answers.
    pub by: String,
    /// Yes or no.
    pub approve: bool,
    /// In what words.
    #[serde(default)]
    pub comment: String,
}

/// What is wrong with a `[github]` table or an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSpec {
    /// A repository without any workflow.
    #[error("github: {0} has no workflow: add [[github.repos.workflows]]")]
    NoWorkflow(String),
    /// A workflow that is named and not there.
    #[error("github: {0} has no workflow in the file '{1}'")]
    UnknownWorkflow(String, String),
    /// An environment that is named and not there.
    #[error("github: {0} has no environment '{1}': add it under [[github.repos.environments]]")]
    UnknownEnvironment(String, String),
    /// A team that is named and not there.
    #[error("github: environment '{0}' is reviewed by team '{1}', which [github.teams] does not have")]
    UnknownTeam(String, String),
    /// A repository that an action names and that is not there.
    #[error("github: there is no repository '{0}'")]
    UnknownRepo(String),
    /// A run that an action names and that is not there.
    #[error("github: {0} has no run number {1}")]
    UnknownRun(String, u64),
    /// An action that cannot happen now.
    #[error("github: {0}")]
    Refused(String),
}

fn default_token() -> String {
    "gho_demo".to_owned()
}

fn default_limit() -> u64 {
    5_000
}

fn usual() -> u32 {
    100
}

fn optional_span<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    span(input).map(Some)
}

fn span<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    humantime::parse_duration(&text).map_err(|e| D::Error::custom(format!("'{text}' is not a span like 1m 30s: {e}")))
}

fn offset<'de, D: Deserializer<'de>>(input: D) -> Result<Offset, D::Error> {
    let text = String::deserialize(input)?;
    let (before, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let by = humantime::parse_duration(rest)
        .map_err(|e| D::Error::custom(format!("'{text}' is not an offset like -14h or 2m: {e}")))?;
    Ok(Offset { before, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_may_lie_before_or_after_the_begin() {
        #[derive(Deserialize)]
        struct Row {
            #[serde(deserialize_with = "offset")]
            at: Offset,
        }
        let read = |text: &str| toml::from_str::<Row>(&format!("at = '{text}'")).map(|row| row.at);
        assert_eq!(read("-14h").unwrap(), Offset { before: true, by: Duration::from_hours(14) });
        assert_eq!(read("90s").unwrap(), Offset { before: false, by: Duration::from_secs(90) });
        assert!(read("soon").unwrap_err().to_string().contains("not an offset like -14h or 2m"));
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = toml::from_str::<Spec>("login = 'dana'\nrepositories = []").unwrap_err().to_string();
        assert!(error.contains("repositories"), "{error}");
    }
}
