//! What CodePipeline, CodeBuild and CloudWatch Logs answer, as far as it is used. Every field may be missing: what is not there is not known.
//!
//! Source: botocore's models of codepipeline 2015-07-09, codebuild 2016-10-06 and logs 2014-03-28.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::domain::time::Timestamp;

/// A moment, in seconds since 1970 with a fraction as AWS sends it, or in words as some that are like AWS do.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(f64),
    Words(Timestamp),
}

fn moment<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<Moment>::deserialize(input)?.and_then(|moment| match moment {
        Moment::Words(at) => Some(at),
        #[expect(clippy::cast_possible_truncation, reason = "a moment that no calendar has is none")]
        Moment::Seconds(seconds) => Timestamp::from_timestamp_millis((seconds * 1000.0).round() as i64),
    }))
}

/// A list that may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// One page of the pipelines of a region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pipelines {
    #[serde(deserialize_with = "list")]
    pub(super) pipelines: Vec<Named>,
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

/// How a pipeline is made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) pipeline: Definition,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Definition {
    pub(super) version: Option<i64>,
    pub(super) execution_mode: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(super) stages: Vec<Stage>,
    #[serde(deserialize_with = "list")]
    pub(super) variables: Vec<Variable>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Stage {
    pub(super) name: String,
    #[serde(deserialize_with = "list")]
    pub(super) actions: Vec<Action>,
}

#[expect(clippy::struct_field_names, reason = "as CodePipeline names them")]
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) action_type_id: Kind,
    pub(super) configuration: Option<BTreeMap<String, String>>,
    /// Of an approval: how long it waits.
    pub(super) timeout_in_minutes: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Kind {
    pub(super) category: Option<String>,
    pub(super) provider: Option<String>,
}

/// What starting it may say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) default_value: Option<String>,
    pub(super) description: Option<String>,
}

/// Where a pipeline is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct State {
    pub(super) pipeline_version: Option<i64>,
    #[serde(deserialize_with = "list")]
    pub(super) stage_states: Vec<StageState>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StageState {
    pub(super) stage_name: String,
    /// What waits to enter. The older of the two fields has the one that waits longest.
    inbound_execution: Option<InStage>,
    #[serde(deserialize_with = "list")]
    inbound_executions: Vec<InStage>,
    pub(super) inbound_transition_state: Option<Transition>,
    #[serde(deserialize_with = "list")]
    pub(super) action_states: Vec<ActionState>,
    pub(super) latest_execution: Option<InStage>,
    pub(super) retry_stage_metadata: Option<Retries>,
}

impl StageState {
    /// The executions that wait to enter.
    pub(super) fn inbound(&self) -> impl Iterator<Item = &InStage> {
        let older = self.inbound_execution.iter().filter(|one| !self.inbound_executions.contains(one));
        older.chain(&self.inbound_executions)
    }

    /// May executions enter? What is not said is not disabled.
    pub(super) fn is_open(&self) -> bool {
        self.inbound_transition_state.as_ref().and_then(|transition| transition.enabled) != Some(false)
    }

    /// Is this execution the one that was in it last?
    pub(super) fn has(&self, execution: &str) -> bool {
        self.latest().is_some_and(|latest| latest == execution)
    }

    pub(super) fn latest(&self) -> Option<&str> {
        self.latest_execution.as_ref().and_then(|latest| latest.pipeline_execution_id.as_deref())
    }

    pub(super) fn status(&self) -> &str {
        self.latest_execution.as_ref().and_then(|latest| latest.status.as_deref()).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InStage {
    pub(super) pipeline_execution_id: Option<String>,
    pub(super) status: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Transition {
    pub(super) enabled: Option<bool>,
    pub(super) last_changed_by: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(super) last_changed_at: Option<Timestamp>,
    pub(super) disabled_reason: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Retries {
    pub(super) auto_stage_retry_attempt: Option<u64>,
    pub(super) manual_stage_retry_attempt: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ActionState {
    pub(super) action_name: String,
    pub(super) latest_execution: Option<ActionLatest>,
}

/// What an action did last, or does.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ActionLatest {
    pub(super) status: Option<String>,
    pub(super) summary: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(super) last_status_change: Option<Timestamp>,
    /// What an answer to an approval must bring.
    pub(super) token: Option<String>,
    pub(super) error_details: Option<Problem>,
}

/// Without the token: it lets whoever has it answer.
impl std::fmt::Debug for ActionLatest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActionLatest").field("status", &self.status).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) message: Option<String>,
}

/// One page of executions, newest first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Executions {
    #[serde(deserialize_with = "list")]
    pub(super) pipeline_execution_summaries: Vec<Execution>,
    pub(super) next_token: Option<String>,
}

/// One execution, as a list has it.
#[expect(clippy::struct_field_names, reason = "as CodePipeline names them")]
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Execution {
    pub(super) pipeline_execution_id: Option<String>,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(super) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub(super) last_update_time: Option<Timestamp>,
    #[serde(deserialize_with = "list")]
    pub(super) source_revisions: Vec<Revision>,
    pub(super) trigger: Option<Trigger>,
    pub(super) execution_mode: Option<String>,
    pub(super) execution_type: Option<String>,
}

impl Execution {
    pub(super) fn id(&self) -> &str {
        self.pipeline_execution_id.as_deref().unwrap_or_default()
    }

    pub(super) fn is_rollback(&self) -> bool {
        self.execution_type.as_deref() == Some("ROLLBACK")
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.status.as_deref(), Some("InProgress" | "Stopping"))
    }
}

#[expect(clippy::struct_field_names, reason = "as CodePipeline names them")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Revision {
    pub(super) revision_id: Option<String>,
    pub(super) revision_summary: Option<String>,
    pub(super) revision_url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Trigger {
    pub(super) trigger_type: Option<String>,
    pub(super) trigger_detail: Option<String>,
}

/// One execution by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Single {
    pub(super) pipeline_execution: SingleExecution,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SingleExecution {
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(super) artifact_revisions: Vec<Revision>,
    pub(super) execution_mode: Option<String>,
}

/// One page of what the actions of executions did, newest first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Actions {
    #[serde(deserialize_with = "list")]
    pub(super) action_execution_details: Vec<ActionExecution>,
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ActionExecution {
    pub(super) pipeline_execution_id: Option<String>,
    pub(super) stage_name: String,
    pub(super) action_name: String,
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub(super) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub(super) last_update_time: Option<Timestamp>,
    pub(super) input: Input,
    pub(super) output: Output,
}

impl ActionExecution {
    pub(super) fn external(&self) -> Option<&str> {
        self.output.execution_result.external_execution_id.as_deref()
    }

    pub(super) fn is_approval(&self) -> bool {
        self.input.action_type_id.category.as_deref() == Some("Approval")
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Input {
    pub(super) action_type_id: Kind,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Output {
    pub(super) execution_result: Outcome,
}

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Outcome {
    /// What whatever carried it out calls it; of an approval in a pipeline whose executions run side by side, its token.
    pub(super) external_execution_id: Option<String>,
    pub(super) external_execution_summary: Option<String>,
    pub(super) error_details: Option<Problem>,
    #[serde(rename = "logStreamARN")]
    pub(super) log_stream_arn: Option<String>,
}

/// It may hold a token.
impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome").field("log_stream_arn", &self.log_stream_arn).finish_non_exhaustive()
    }
}

/// Builds of CodeBuild.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Builds {
    #[serde(deserialize_with = "list")]
    pub(super) builds: Vec<Build>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Build {
    pub(super) logs: Option<Logs>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Logs {
    pub(super) group_name: Option<String>,
    pub(super) stream_name: Option<String>,
}

/// Lines of a log.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Events {
    #[serde(deserialize_with = "list")]
    pub(super) events: Vec<Event>,
    pub(super) next_forward_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    /// In milliseconds.
    pub(super) timestamp: Option<i64>,
    pub(super) message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_seconds_and_in_words_and_nothing_is_none() {
        let of =
            |text: &str| serde_json::from_str::<Execution>(&format!(r#"{{"startTime":{text}}}"#)).unwrap().start_time;
        let wanted: Timestamp = "2015-10-29T16:48:32.204Z".parse().unwrap();
        assert_eq!(
            [of("1446137312.204"), of(r#""2015-10-29T16:48:32.204Z""#), of("null")],
            [Some(wanted), Some(wanted), None]
        );
    }

    #[test]
    fn a_token_is_in_nothing_that_is_written_down() {
        let state =
            r#"{"stageStates":[{"actionStates":[{"latestExecution":{"token":"hush","status":"InProgress"}}]}]}"#;
        let state: State = serde_json::from_str(state).unwrap();
        assert!(!format!("{state:?}").contains("hush"), "{state:?}");
    }
}
