//! GitHub's wire structs, as far as they are read. Every field may be absent, null or new; an item of a list that cannot be
//! read is left out, the others stay.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};

use crate::{
    domain::time::Timestamp,
    provider::http::items::{Items, grouped},
};

/// Items of one list. A page has a hundred at most, because that many are asked for.
pub(super) const MOST: usize = 1_000;

/// Reads a list item by item. One that is too long is no answer: a part of it would be taken for the whole.
fn items<'de, D: Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Vec<T>, D::Error> {
    let all = Option::<Items<'de, MOST>>::deserialize(input)?.unwrap_or_default();
    if !all.is_whole() {
        let (count, most) = (grouped(all.count), grouped(MOST));
        return Err(D::Error::custom(format_args!("it lists {count} things where {most} are the most")));
    }
    Ok(all.kept.into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
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

/// `GET …/actions/runs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runs {
    #[serde(deserialize_with = "items")]
    pub(super) workflow_runs: Vec<Run>,
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
}

/// `GET …/runs/{id}/jobs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Jobs {
    #[serde(deserialize_with = "items")]
    pub(super) jobs: Vec<Job>,
}

/// A job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) completed_at: Option<Timestamp>,
    #[serde(deserialize_with = "items")]
    pub(super) steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
}

/// `GET …/runs/{id}/pending_deployments`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct AllPending(#[serde(deserialize_with = "items")] pub(super) Vec<Pending>);

/// One environment that a run waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Pending {
    pub(super) environment: Environment,
    pub(super) current_user_can_approve: Option<bool>,
    #[serde(deserialize_with = "items")]
    pub(super) reviewers: Vec<Reviewer>,
}

/// An environment, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Environment {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
}

/// Who may answer: a person has a login, a team a slug.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Reviewer {
    pub(super) reviewer: Answerer,
}

/// A person or a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Answerer {
    pub(super) login: Option<String>,
    pub(super) slug: Option<String>,
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

/// An environment and the newest deployment there that ended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LiveEnvironment {
    pub(super) name: Option<String>,
    pub(super) latest_completed_deployment: Option<Deployment>,
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
        assert_eq!(runs.workflow_runs, [Run { id: Some(5), ..Run::default() }]);
    }

    #[test]
    fn a_list_that_is_null_is_empty() {
        let runs: Runs = serde_json::from_str(r#"{"workflow_runs": null}"#).unwrap();
        assert_eq!(runs.workflow_runs, []);
    }
}
