//! GitLab's wire structs, as far as they are read, of REST and GraphQL alike: both have the same things under names that differ in
//! their writing only. Every field may be absent, null or new; an item of a list that cannot be read is left out and counted.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    domain::time::Timestamp,
    provider::http::listed::{Listed, or_nothing, time},
};

/// Reads an id: a number, a number in words, or `gid://gitlab/Ci::Pipeline/47`.
fn id<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.rsplit('/').next().and_then(|last| last.parse().ok()),
        _ => None,
    })
}

/// Reads a word of an enumeration: `MANUAL` and `manual` are one.
fn word<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.map(|word| word.to_ascii_lowercase()))
}

/// Reads a name that stands by itself or in an object.
fn named<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(name) => Some(name),
        Value::Object(object) => object.get("name").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    })
}

/// Reads seconds, of which parts are left out.
fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    let span = Option::<f64>::deserialize(input)?.and_then(|span| Duration::try_from_secs_f64(span).ok());
    Ok(span.map(|span| span.as_secs()))
}

/// An environment, as far as its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EnvironmentOf {
    pub(super) name: Option<String>,
}

/// A CI/CD variable. What it is may be nobody's to see.
#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) key: String,
    /// Nothing where it is hidden.
    #[serde(default)]
    pub(super) value: Option<SecretString>,
    #[serde(default)]
    pub(super) hidden: bool,
    /// `*`, `prod`, `review/*`.
    #[serde(default)]
    pub(super) environment_scope: Option<String>,
}

/// An answer of GraphQL.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Answered<T> {
    #[serde(default)]
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) errors: Vec<Wrong>,
}

/// One error of GraphQL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wrong {
    pub(super) message: Option<String>,
}

/// What a look at many projects gives.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Projects {
    pub(super) projects: Option<Connection<Project>>,
}

/// What a question about one project gives.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OneProject {
    pub(super) project: Option<Project>,
}

/// What a question about many things gives, each under a name that we gave it.
pub(super) type Several = BTreeMap<String, Option<Project>>;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "T: for<'a> Deserialize<'a>")]
pub(super) struct Connection<T> {
    pub(super) nodes: Listed<T>,
    pub(super) page_info: PageInfo,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        Self { nodes: Listed::default(), page_info: PageInfo::default() }
    }
}

/// Where a page of a list ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    pub(super) end_cursor: Option<String>,
}

/// A project, as GraphQL has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Project {
    pub(super) full_path: Option<String>,
    pub(super) web_url: Option<String>,
    pub(super) max_access_level: Option<AccessLevel>,
    /// Its newest pipelines.
    pub(super) newest: Option<Connection<Pipeline>>,
    /// Those that wait for somebody, with what waits in them.
    pub(super) waiting: Option<Connection<Pipeline>>,
    /// Those that run, with what waits in them beside that.
    pub(super) running: Option<Connection<Pipeline>>,
    pub(super) environments: Option<Connection<Environment>>,
    pub(super) deployment: Option<May>,
}

/// A role: 30 is Developer, 40 Maintainer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AccessLevel {
    pub(super) integer_value: Option<u32>,
}

/// An environment, and what was deployed there last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Environment {
    pub(super) name: Option<String>,
    pub(super) live: Option<Last>,
    pub(super) blocked: Option<Last>,
}

/// The last deployment of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Last {
    #[serde(deserialize_with = "id")]
    pub(super) id: Option<u64>,
    pub(super) sha: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
}

/// What may be done with a deployment, by whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct May {
    pub(super) user_permissions: Option<Permissions>,
}

/// The same, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Permissions {
    pub(super) approve_deployment: Option<bool>,
}

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Pipeline {
    #[serde(deserialize_with = "id")]
    pub(super) id: Option<u64>,
    #[serde(deserialize_with = "word")]
    pub(super) status: Option<String>,
    pub(super) sha: Option<String>,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    /// Of its page, below the address of GitLab; REST has the whole address.
    pub(super) path: Option<String>,
    pub(super) web_url: Option<String>,
    pub(super) name: Option<String>,
    #[serde(alias = "createdAt", deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(alias = "startedAt", deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(alias = "finishedAt", deserialize_with = "time")]
    pub(super) finished_at: Option<Timestamp>,
    #[serde(alias = "updatedAt", deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
    pub(super) user: Option<User>,
    pub(super) commit: Option<Commit>,
    /// What waits in it, where that was asked for.
    pub(super) jobs: Option<Connection<Job>>,
}

/// Somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) username: Option<String>,
}

/// A commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) author_name: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
}

/// A job, or one that begins another pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    #[serde(deserialize_with = "id")]
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "named")]
    pub(super) stage: Option<String>,
    #[serde(deserialize_with = "word")]
    pub(super) status: Option<String>,
    #[serde(alias = "allowFailure")]
    pub(super) allow_failure: Option<bool>,
    /// May whoever asks play it?
    #[serde(rename = "canPlayJob")]
    pub(super) can_play: Option<bool>,
    pub(super) failure_reason: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) finished_at: Option<Timestamp>,
    /// How long it waited for a runner, in whole seconds.
    #[serde(deserialize_with = "seconds")]
    pub(super) queued_duration: Option<u64>,
    pub(super) runner: Option<Runner>,
    /// What a runner must have to take it.
    #[serde(deserialize_with = "or_nothing")]
    pub(super) tag_list: Vec<String>,
    pub(super) pipeline: Option<Box<Pipeline>>,
    pub(super) commit: Option<Commit>,
    /// What a job began that is a bridge.
    pub(super) downstream_pipeline: Option<Box<Pipeline>>,
}

/// Who runs a job, or could.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Runner {
    pub(super) description: Option<String>,
    /// `online`, `offline`, `stale`, `never_contacted`.
    pub(super) status: Option<String>,
    pub(super) paused: Option<bool>,
    /// What was said of before `paused`: the opposite.
    pub(super) active: Option<bool>,
}

/// A deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Deployment {
    #[serde(deserialize_with = "id")]
    pub(super) id: Option<u64>,
    #[serde(deserialize_with = "id")]
    pub(super) iid: Option<u64>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) sha: Option<String>,
    #[serde(deserialize_with = "word")]
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
    /// Who began it.
    pub(super) user: Option<User>,
    #[serde(deserialize_with = "named")]
    pub(super) environment: Option<String>,
    /// The job that deploys.
    pub(super) deployable: Option<Job>,
    pub(super) pending_approval_count: Option<u32>,
    pub(super) approvals: Option<Listed<Approval>>,
    pub(super) approval_summary: Option<Summary>,
}

/// What somebody said to a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Approval {
    pub(super) user: Option<User>,
    #[serde(deserialize_with = "word")]
    pub(super) status: Option<String>,
}

/// Whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Summary {
    pub(super) rules: Listed<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    pub(super) access_level_description: Option<String>,
    pub(super) required_approvals: Option<u32>,
    pub(super) deployment_approvals: Listed<Approval>,
}

/// `GET /projects/:id`, as far as it decides what may be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Rules {
    /// May who began a pipeline approve its deployments? Premium and above.
    pub(super) allow_pipeline_trigger_approve_deployment: Option<bool>,
    /// May the job of an older deployment be tried again?
    pub(super) ci_forward_deployment_rollback_allowed: Option<bool>,
}

/// A time in which nothing is to be deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct FreezePeriod {
    pub(super) freeze_start: Option<String>,
    pub(super) freeze_end: Option<String>,
    pub(super) cron_timezone: Option<String>,
}

/// A project of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Listing {
    pub(super) path_with_namespace: Option<String>,
}

/// `GET /personal_access_tokens/self`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    pub(super) scopes: Option<Vec<String>>,
    /// A day: `2026-03-31`.
    pub(super) expires_at: Option<String>,
}

/// What lies between two commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Compared {
    pub(super) commits: Vec<Commit>,
    pub(super) diffs: Vec<Diff>,
    /// It took too long, and is not whole.
    pub(super) compare_timeout: bool,
}

/// What differs in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Diff {
    pub(super) new_path: Option<String>,
    pub(super) diff: Option<String>,
}

/// Why something was refused: `{"message": …}` with a text, a list or a map, `{"error": …, "error_description": …}`, or as GraphQL
/// says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) message: Value,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    pub(super) errors: Vec<Wrong>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_writings_of_a_pipeline_are_one() {
        let rest = r#"{"id": 47, "status": "manual", "ref": "v1", "sha": "a", "created_at": "2026-03-10T10:00:00.000Z",
            "user": {"username": "kim"}, "web_url": "https://x/47"}"#;
        let graph = r#"{"id": "gid://gitlab/Ci::Pipeline/47", "status": "MANUAL", "ref": "v1", "sha": "a",
            "createdAt": "2026-03-10T10:00:00Z", "user": {"username": "kim"}, "path": "/x/47"}"#;
        let [rest, graph] = [rest, graph].map(|text| serde_json::from_str::<Pipeline>(text).unwrap());
        assert_eq!(rest, Pipeline { web_url: rest.web_url.clone(), path: None, ..graph });
        assert_eq!((rest.id, rest.status.as_deref()), (Some(47), Some("manual")));
    }

    #[test]
    fn one_thing_that_cannot_be_read_does_not_sink_the_others_and_is_counted() {
        let text = r#"{"projects": {"nodes": [null, {"fullPath": "acme/web", "new": 1, "environments": null,
            "waiting": {"pageInfo": {"hasNextPage": true, "endCursor": "c"}, "nodes": [{"id": {}}, {"sha": 7}]}}]}}"#;
        let projects = serde_json::from_str::<Projects>(text).unwrap().projects.unwrap();
        assert_eq!((projects.nodes.read.len(), projects.nodes.unread), (1, 1));
        let waiting = projects.nodes.read[0].waiting.clone().unwrap();
        assert_eq!((waiting.nodes.len(), waiting.nodes.unread, waiting.page_info.has_next_page), (2, 1, true));
        assert_eq!(waiting.nodes.read[0].id, None);
    }

    #[test]
    fn a_stage_is_named_by_itself_or_in_an_object() {
        let stage = |text: &str| serde_json::from_str::<Job>(text).unwrap().stage;
        assert_eq!(stage(r#"{"stage": "deploy"}"#).as_deref(), Some("deploy"));
        assert_eq!(stage(r#"{"stage": {"name": "deploy"}}"#).as_deref(), Some("deploy"));
        assert_eq!(stage(r#"{"stage": null}"#), None);
    }
}
