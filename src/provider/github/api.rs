//! GitHub's wire structs, as far as they are read. Every field may be absent, null or new; an item of a list that cannot be
//! read is left out, the others stay.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};

use crate::{
    domain::time::Timestamp,
    provider::http::items::{Items, overfull},
};

/// Items of one list. A page has a hundred at most, because that many are asked for.
pub(super) const MOST: usize = 1_000;

/// Reads a list item by item. One that is too long is no answer: a part of it would be taken for the whole.
fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Vec<T>, D::Error> {
    let all = Option::<Items<'de, MOST>>::deserialize(input)?.unwrap_or_default();
    if !all.is_whole() {
        return Err(D::Error::custom(overfull(all.count, MOST)));
    }
    Ok(all.kept.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}

/// A file of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Contents {
    pub(super) content: Option<String>,
    /// `base64`; `none` where the file is too long to come with it.
    pub(super) encoding: Option<String>,
}

/// A list of which every entry counts: how many could not be read is told, never passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted<T> {
    pub(super) read: Vec<T>,
    pub(super) unread: usize,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self { read: Vec::new(), unread: 0 }
    }
}

impl<T> Counted<T> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.read.len() + self.unread
    }
}

/// Reads a list as [`items`] does, and counts what it leaves out.
fn counted<'de, D: Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Counted<T>, D::Error> {
    let all: Vec<Option<T>> = items::<D, Tolerant<T>>(input)?.into_iter().map(|one| one.0).collect();
    let unread = all.iter().filter(|one| one.is_none()).count();
    Ok(Counted { read: all.into_iter().flatten().collect(), unread })
}

/// An item, where it can be read.
struct Tolerant<T>(Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Tolerant<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let raw = Box::<serde_json::value::RawValue>::deserialize(input)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// Reads a time; one that is no time counts as absent.
fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    Ok(text.and_then(|text| Timestamp::parse_from_rfc3339(&text)))
}

/// RFC 3339 with any offset, as UTC.
trait Rfc3339: Sized {
    fn parse_from_rfc3339(text: &str) -> Option<Self>;
}

impl Rfc3339 for Timestamp {
    fn parse_from_rfc3339(text: &str) -> Option<Self> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
    }
}

/// `GET …/environments`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Environments {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "counted")]
    pub(super) environments: Counted<EnvironmentOf>,
}

/// An environment of a repository, as far as its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EnvironmentOf {
    pub(super) name: Option<String>,
}

/// `GET …/variables`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Variables {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "counted")]
    pub(super) variables: Counted<Variable>,
}

/// A variable. What it is may be nobody's to see.
#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<SecretString>,
    #[serde(default, deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
}

/// `GET …/secrets`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Secrets {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "counted")]
    pub(super) secrets: Counted<SecretName>,
}

/// A secret, of which there is no more.
#[derive(Debug, Deserialize)]
pub(super) struct SecretName {
    pub(super) name: String,
    #[serde(default, deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
}

/// `GET …/actions/runs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runs {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "counted")]
    pub(super) workflow_runs: Counted<Run>,
}

/// A run.
#[expect(clippy::struct_field_names, reason = "GitHub's own names")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) display_title: Option<String>,
    pub(super) head_branch: Option<String>,
    pub(super) head_sha: Option<String>,
    pub(super) path: Option<String>,
    pub(super) run_number: Option<u64>,
    pub(super) run_attempt: Option<u32>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) workflow_id: Option<u64>,
    pub(super) event: Option<String>,
    pub(super) html_url: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) run_started_at: Option<Timestamp>,
    pub(super) actor: Option<Account>,
    pub(super) triggering_actor: Option<Account>,
    pub(super) head_commit: Option<Commit>,
}

/// A person, or whatever else has a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub(super) login: Option<String>,
}

/// A commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    pub(super) message: Option<String>,
    pub(super) author: Option<Signature>,
}

/// Who wrote a commit, and when, as git has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Signature {
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) date: Option<Timestamp>,
}

/// `GET /orgs/{org}/repos`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Repositories(#[serde(deserialize_with = "counted")] pub(super) Counted<Repo>);

/// A repository, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Repo {
    pub(super) name: Option<String>,
    pub(super) archived: Option<bool>,
}

/// `GET …/runs/{id}/jobs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Jobs {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "items")]
    pub(super) jobs: Vec<Job>,
}

/// `GET …/compare/{base}...{head}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Compared {
    pub(super) total_commits: Option<usize>,
    pub(super) behind_by: Option<usize>,
    #[serde(deserialize_with = "items")]
    pub(super) commits: Vec<Listed>,
    #[serde(deserialize_with = "items")]
    pub(super) files: Vec<File>,
}

/// A commit in a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    pub(super) sha: Option<String>,
    pub(super) commit: Option<Commit>,
    pub(super) author: Option<Account>,
}

/// A file that differs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) filename: Option<String>,
    /// A unified diff; absent where it is long, or the file no text.
    pub(super) patch: Option<String>,
}

/// A job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) run_attempt: Option<u32>,
    pub(super) runner_name: Option<String>,
    /// What a runner must have to take it.
    #[serde(deserialize_with = "items")]
    pub(super) labels: Vec<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) completed_at: Option<Timestamp>,
    #[serde(deserialize_with = "items")]
    pub(super) steps: Vec<Step>,
}

/// Runners of a repository or an organisation, a page of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runners {
    pub(super) total_count: Option<usize>,
    #[serde(deserialize_with = "counted")]
    pub(super) runners: Counted<Runner>,
}

/// A runner that somebody has registered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runner {
    /// `online`, `offline`.
    pub(super) status: Option<String>,
    pub(super) busy: Option<bool>,
    #[serde(deserialize_with = "items")]
    pub(super) labels: Vec<Label>,
}

/// A label of one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Label {
    pub(super) name: Option<String>,
}

/// A step of a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) completed_at: Option<Timestamp>,
}

/// `GET …/runs/{id}/pending_deployments`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct AllPending(#[serde(deserialize_with = "counted")] pub(super) Counted<Pending>);

/// One environment that a run waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Pending {
    pub(super) environment: Option<Environment>,
    pub(super) current_user_can_approve: Option<bool>,
    /// Minutes.
    pub(super) wait_timer: Option<i64>,
    #[serde(deserialize_with = "time")]
    pub(super) wait_timer_started_at: Option<Timestamp>,
    #[serde(deserialize_with = "counted")]
    pub(super) reviewers: Counted<Option<Reviewer>>,
}

impl Pending {
    /// The id of the environment.
    pub(super) fn id(&self) -> Option<u64> {
        self.environment.as_ref()?.id
    }

    /// The name of the environment.
    pub(super) fn name(&self) -> Option<&str> {
        self.environment.as_ref()?.name.as_deref()
    }
}

/// `GET …/environments/{name}/deployment_protection_rules`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rules {
    #[serde(deserialize_with = "items")]
    pub(super) custom_deployment_protection_rules: Vec<Rule>,
}

/// A rule that an app answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    pub(super) enabled: Option<bool>,
    pub(super) app: Option<App>,
}

/// An app.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct App {
    pub(super) slug: Option<String>,
}

/// An environment, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Environment {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
}

/// Who may answer: a person has a login, a team a slug. One that is gone, or that the token may not see, is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Reviewer {
    pub(super) reviewer: Option<Answerer>,
}

/// A person or a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Answerer {
    pub(super) login: Option<String>,
    pub(super) slug: Option<String>,
}

/// The answer to the question what moved: each repository under its place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Moved {
    pub(super) data: Option<BTreeMap<String, serde_json::Value>>,
}

/// The answer to the query for what is live.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Live {
    pub(super) data: Option<LiveData>,
}

/// Its data; absent or null where the query failed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiveData {
    pub(super) repository: Option<LiveRepository>,
}

/// A repository's environments.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiveRepository {
    pub(super) environments: LiveEnvironments,
}

/// A list of environments.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiveEnvironments {
    #[serde(deserialize_with = "items")]
    pub(super) nodes: Vec<LiveEnvironment>,
}

/// An environment, the newest deployment there that ended, and what protects it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LiveEnvironment {
    pub(super) name: Option<String>,
    pub(super) latest_completed_deployment: Option<Deployment>,
    pub(super) protection_rules: Option<Protection>,
}

/// What protects an environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Protection {
    #[serde(deserialize_with = "items")]
    pub(super) nodes: Vec<ProtectionRule>,
}

/// One rule of that; most say nothing of who started a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ProtectionRule {
    pub(super) prevent_self_review: Option<bool>,
}

/// A deployment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) commit_oid: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<Named>,
    pub(super) state: Option<String>,
}

/// Something with a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

/// Why something was refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "items")]
    pub(super) errors: Vec<Problem>,
}

/// One thing that was wrong with a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) field: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_no_answer() {
        let text = format!("{{\"workflow_runs\": [{}{{}}]}}", "{},".repeat(MOST));
        let error = serde_json::from_str::<Runs>(&text).unwrap_err().to_string();
        assert!(error.starts_with("it lists 1,001 things where 1,000 are the most"), "{error}");
    }

    #[test]
    fn one_run_that_cannot_be_read_does_not_sink_the_list() {
        let text = r#"{"workflow_runs": [{"id": "not a number"}, 7, {"id": 5, "updated_at": "yesterday", "new": {}}]}"#;
        let runs: Runs = serde_json::from_str(text).unwrap();
        assert_eq!(runs.workflow_runs, Counted { read: vec![Run { id: Some(5), ..Run::default() }], unread: 2 });
    }

    #[test]
    fn a_list_that_is_null_is_empty() {
        let runs: Runs = serde_json::from_str(r#"{"workflow_runs": null}"#).unwrap();
        assert_eq!(runs.workflow_runs, Counted::default());
    }
}
