//! CircleCI's wire structs, as far as they are read. Every field may be absent, null or new; an item of a list that cannot be read is
//! left out and counted, the others stay.
//!
//! Sources: `/api/v2` as CircleCI's own clients read it (circleci.com/docs/api/v2), `/api/v3` as its command line does
//! (`github.com/CircleCI-Public/circleci-cli`, `internal/apiclient`); v3 has its data below `data`, each thing with `attributes` and
//! `references`.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    domain::time::Timestamp,
    provider::http::listed::{Listed, or_nothing, time},
};

/// A page of `/api/v2`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct Page<T> {
    pub(super) items: Listed<T>,
    #[serde(default)]
    pub(super) next_page_token: Option<String>,
}

/// A list of `/api/v3`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct List<T> {
    pub(super) data: Listed<T>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) page: Cursor,
}

/// Where a list of `/api/v3` goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    pub(super) next: Option<String>,
}

/// One thing of `/api/v3`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct One<T> {
    pub(super) data: T,
}

/// Something that is known by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// An environment variable of a project, or of a context. What it is, CircleCI masks; the mask is not read: it has four letters of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Variable {
    #[serde(alias = "variable")]
    pub(super) name: String,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) updated_at: Option<Timestamp>,
}

/// `GET /api/v2/me`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Me {
    pub(super) login: Option<String>,
    pub(super) name: Option<String>,
}

/// `GET /api/v2/project/SLUG`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Project {
    pub(super) id: Option<String>,
    pub(super) organization_id: Option<String>,
}

/// A pipeline of `/api/v2`. It has no outcome: that is its workflows' business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Pipeline {
    pub(super) id: Option<String>,
    pub(super) number: Option<u64>,
    pub(super) state: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) errors: Vec<Wrong>,
    pub(super) trigger: Option<Trigger>,
    pub(super) trigger_parameters: Option<TriggerParameters>,
    pub(super) vcs: Option<Vcs>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Wrong {
    pub(super) message: Option<String>,
}

/// Who began a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Trigger {
    pub(super) actor: Option<Actor>,
}

/// Somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Actor {
    pub(super) login: Option<String>,
}

/// What a pipeline of a definition has in the place of `vcs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct TriggerParameters {
    pub(super) git: Option<Git>,
}

/// The same in other words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Git {
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) checkout_sha: Option<String>,
    pub(super) commit_message: Option<String>,
}

/// What a pipeline is of; in `/api/v3` below its event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Vcs {
    pub(super) branch: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) commit: Option<Commit>,
}

/// Its commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Commit {
    pub(super) subject: Option<String>,
}

/// A run of `/api/v3`: there a pipeline is called so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) attributes: RunAttributes,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) references: RunReferences,
}

/// Where it is. A run never has an `outcome`, for it may be run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RunAttributes {
    pub(super) phase: Option<String>,
    pub(super) current_outcome: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) errors: Vec<Wrong>,
}

/// What it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RunReferences {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) event: Event,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) project: Named,
}

/// What began it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) attributes: EventAttributes,
}

/// The same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct EventAttributes {
    pub(super) vcs: Option<Vcs>,
}

/// A workflow of `/api/v2`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Workflow {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) pipeline_id: Option<String>,
    pub(super) pipeline_number: Option<u64>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) stopped_at: Option<Timestamp>,
}

/// A job of a workflow of `/api/v2`: one that runs (`build`), or one that holds (`approval`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    /// The ids of the jobs before it.
    #[serde(deserialize_with = "or_nothing")]
    pub(super) dependencies: Vec<String>,
    pub(super) approval_request_id: Option<String>,
    /// Its number in its project; a hold has none.
    #[serde(rename = "job_number")]
    pub(super) number: Option<u64>,
    #[serde(deserialize_with = "time")]
    pub(super) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(super) stopped_at: Option<Timestamp>,
}

impl Job {
    /// Does it run nothing, and wait for somebody?
    pub(super) fn is_hold(&self) -> bool {
        self.kind.as_deref() == Some("approval")
    }

    /// Its own word for where it is.
    pub(super) fn word(&self) -> &str {
        self.status.as_deref().unwrap_or_default()
    }
}

/// A job of `/api/v3`, with its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) attributes: DetailAttributes,
}

/// The same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct DetailAttributes {
    pub(super) phase: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub(super) parallel_executions: Vec<Execution>,
}

/// What one machine did of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Execution {
    #[serde(deserialize_with = "or_nothing")]
    pub(super) steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) name: Option<String>,
    pub(super) num: Option<u64>,
    pub(super) phase: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) exit_code: Option<i64>,
}

/// A version of a component in an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Deployed {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) is_live: Option<bool>,
    pub(super) pipeline_id: Option<String>,
    pub(super) workflow_id: Option<String>,
    #[serde(deserialize_with = "time")]
    pub(super) last_deployed_at: Option<Timestamp>,
}

/// Why something was refused: `{"message": …}` of v2, `{"error": {…}}` of v3.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) message: Option<String>,
    pub(super) error: Option<Fault>,
}

/// What `/api/v3` says of a refusal; a text where something older answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Fault {
    /// A text alone.
    Text(String),
    /// Its parts.
    Whole {
        #[serde(default)]
        title: Option<String>,
        #[serde(default)]
        detail: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_workflow_or_job_that_cannot_be_read_does_not_sink_the_others_and_is_counted() {
        let text = r#"{"items": [{"id": 7}, 1, {"id": "w", "created_at": "yesterday", "new": {}}]}"#;
        let page: Page<Workflow> = serde_json::from_str(text).unwrap();
        let read = Workflow { id: Some("w".into()), ..Workflow::default() };
        assert_eq!(page, Page { items: Listed { read: vec![read], unread: 2 }, next_page_token: None });
    }

    #[test]
    fn what_is_null_is_nothing_of_it_and_hides_nothing_beside_it() {
        let run: Run =
            serde_json::from_str(r#"{"id": "r", "attributes": null, "references": {"event": null}}"#).unwrap();
        assert_eq!(run, Run { id: Some("r".into()), ..Run::default() });
        let job: Job = serde_json::from_str(r#"{"id": "j", "dependencies": null, "started_at": null}"#).unwrap();
        assert_eq!(job, Job { id: Some("j".into()), ..Job::default() });
    }
}
