//! A Rollout as its controller reads it: specification, status and steps, with Argo's names on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::condition::Condition;

/// The parts of `spec` that move something. What is not read here is kept as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Spec {
    pub(super) replicas: Option<i64>,
    pub(super) paused: bool,
    pub(super) restart_at: Option<String>,
    pub(super) progress_deadline_seconds: Option<i64>,
    pub(super) progress_deadline_abort: bool,
    pub(super) revision_history_limit: Option<usize>,
    pub(super) selector: Value,
    pub(super) strategy: Strategy,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Strategy {
    pub(super) canary: Option<Canary>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Canary {
    pub(super) steps: Vec<Step>,
    pub(super) max_surge: Option<Value>,
    pub(super) max_unavailable: Option<Value>,
    pub(super) traffic_routing: Option<Map<String, Value>>,
    #[serde(rename = "canaryService")]
    pub(super) service: Option<String>,
    pub(super) stable_service: Option<String>,
    pub(super) scale_down_delay_seconds: Option<i64>,
    pub(super) abort_scale_down_delay_seconds: Option<i64>,
    pub(super) analysis: Option<Analysis>,
}

/// One step. Exactly one of its fields is set; a kind of step that is not known here has none and is passed at once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Step {
    pub(super) set_weight: Option<i64>,
    pub(super) pause: Option<Pause>,
    pub(super) analysis: Option<Analysis>,
    pub(super) set_canary_scale: Option<CanaryScale>,
    pub(super) experiment: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pause {
    /// Seconds as a number, or a span as text: `30m`.
    pub(super) duration: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CanaryScale {
    pub(super) weight: Option<i64>,
    pub(super) replicas: Option<i64>,
    pub(super) match_traffic_weight: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Analysis {
    pub(super) templates: Vec<TemplateRef>,
    pub(super) starting_step: Option<i64>,
    pub(super) args: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TemplateRef {
    pub(super) template_name: String,
}

impl Spec {
    pub(super) fn replicas(&self) -> i64 {
        self.replicas.unwrap_or(1).max(0)
    }

    /// Seconds without progress after which it says so.
    pub(super) fn deadline(&self) -> i64 {
        self.progress_deadline_seconds.unwrap_or(600)
    }
}

impl Canary {
    pub(super) fn is_routed(&self) -> bool {
        self.traffic_routing.is_some()
    }

    /// What all of the traffic is called; not always 100.
    pub(super) fn max_weight(&self) -> i64 {
        let given = self.traffic_routing.as_ref().and_then(|routing| routing.get("maxTrafficWeight")?.as_i64());
        given.filter(|weight| *weight > 0).unwrap_or(100)
    }

    /// How long an aborted canary is kept when traffic is routed; none means for good.
    pub(super) fn abort_delay(&self) -> Option<i64> {
        Some(self.abort_scale_down_delay_seconds.unwrap_or(30)).filter(|seconds| *seconds != 0)
    }

    pub(super) fn step(&self, index: i64) -> Option<&Step> {
        self.steps.get(usize::try_from(index).ok()?)
    }

    pub(super) fn step_count(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }
}

impl Pause {
    /// Seconds, if the pause ends by itself. A span that cannot be read waits for a human.
    pub(super) fn seconds(&self) -> Option<i64> {
        match self.duration.as_ref()? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok().or_else(|| {
                let span = humantime::parse_duration(text).ok()?;
                i64::try_from(span.as_secs()).ok()
            }),
            _ => None,
        }
    }
}

impl Step {
    /// The step in the words of Argo's events (`CanaryStepString`).
    pub(super) fn words(&self) -> String {
        if let Some(weight) = self.set_weight {
            return format!("setWeight: {weight}");
        }
        if let Some(pause) = &self.pause {
            return match &pause.duration {
                Some(Value::String(text)) => format!("pause: {text}"),
                Some(other) => format!("pause: {other}"),
                None => "pause".to_owned(),
            };
        }
        if self.experiment.is_some() {
            return "experiment".to_owned();
        }
        if self.analysis.is_some() {
            return "analysis".to_owned();
        }
        match &self.set_canary_scale {
            Some(CanaryScale { weight: Some(weight), .. }) => format!("setCanaryScale{{weight: {weight}}}"),
            Some(CanaryScale { match_traffic_weight: true, .. }) => {
                "setCanaryScale{matchTrafficWeight: true}".to_owned()
            }
            Some(CanaryScale { replicas: Some(replicas), .. }) => format!("setCanaryScale{{replicas: {replicas}}}"),
            _ => "invalid".to_owned(),
        }
    }
}

/// `status`. Empty fields are left out, as Go's `omitempty` does, but for the two structs that are always there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status {
    #[serde(rename = "HPAReplicas", skip_serializing_if = "is_zero")]
    pub(super) hpa_replicas: i64,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) abort: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aborted_at: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) available_replicas: i64,
    pub(super) blue_green: Map<String, Value>,
    pub(super) canary: CanaryStatus,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) conditions: Vec<Condition>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) controller_pause: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) current_pod_hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) current_step_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_step_index: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<Duration>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) observed_generation: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pause_conditions: Vec<PauseCondition>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) phase: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) promote_full: bool,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) ready_replicas: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) replicas: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restarted_at: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) selector: String,
    #[serde(rename = "stableRS", skip_serializing_if = "String::is_empty")]
    pub(crate) stable_rs: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) updated_replicas: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CanaryStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_background_analysis_run_status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current_step_analysis_run_status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<Weights>,
}

/// What a Rollout says of an AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunStatus {
    pub(super) name: String,
    pub(super) status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Weights {
    pub(super) canary: Weight,
    pub(super) stable: Weight,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Weight {
    #[serde(rename = "weight")]
    pub(super) part: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) service_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) pod_template_hash: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PauseCondition {
    pub(super) reason: String,
    pub(super) start_time: String,
}

/// How long the update took and how it ended: new on Argo's master, and in the recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Duration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completion_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manual_pause_started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rollout_started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total_manual_pause_duration_seconds: Option<i64>,
}

impl Status {
    /// Not in the middle of an update.
    pub(super) fn is_promoted(&self) -> bool {
        !self.stable_rs.is_empty() && self.stable_rs == self.current_pod_hash
    }

    pub(super) fn pause(&self, reason: &str) -> Option<&PauseCondition> {
        self.pause_conditions.iter().find(|condition| condition.reason == reason)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(step: &Value) -> String {
        serde_json::from_value::<Step>(step.clone()).unwrap().words()
    }

    #[test]
    fn steps_are_told_as_argo_tells_them() {
        assert_eq!(words(&json!({"setWeight": 20})), "setWeight: 20");
        assert_eq!(words(&json!({"pause": {}})), "pause");
        assert_eq!(words(&json!({"pause": {"duration": 30}})), "pause: 30");
        assert_eq!(words(&json!({"pause": {"duration": "4s"}})), "pause: 4s");
        assert_eq!(words(&json!({"analysis": {"templates": []}})), "analysis");
        assert_eq!(words(&json!({"setCanaryScale": {"replicas": 2}})), "setCanaryScale{replicas: 2}");
        assert_eq!(words(&json!({"somethingNew": {}})), "invalid");
    }

    #[test]
    fn a_pause_is_in_seconds_or_in_words_or_without_an_end() {
        let seconds = |pause: Value| serde_json::from_value::<Pause>(pause).unwrap().seconds();
        assert_eq!(seconds(json!({"duration": 30})), Some(30));
        assert_eq!(seconds(json!({"duration": "30m"})), Some(1800));
        assert_eq!(seconds(json!({"duration": "1h30m"})), Some(5400));
        assert_eq!(seconds(json!({"duration": "90"})), Some(90));
        assert_eq!(seconds(json!({})), None);
    }
}
