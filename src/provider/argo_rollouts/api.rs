//! Argo Rollouts' wire structs, as far as we read them. Steps stay JSON: a kind of step that we do not know is shown by its
//! name and is no error.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    domain::time::Timestamp,
    provider::kubernetes::{
        api::{Condition, Meta, Object, lenient, readable},
        template::Template,
        workload::Marks,
    },
};

/// The label by which ReplicaSets, pods and AnalysisRuns of one template are known.
pub const HASH_LABEL: &str = "rollouts-pod-template-hash";

/// How the controller marks its ReplicaSets.
pub const MARKS: Marks = Marks {
    hash: HASH_LABEL,
    revision: "rollout.argoproj.io/revision",
    history: "rollout.argoproj.io/revision-history",
    scale_down: Some("scale-down-deadline"),
};

/// A Rollout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Rollout {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: Spec,
    /// Where it is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Status,
}

impl Object for Rollout {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Pods asked for; one when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: Option<u32>,
    /// A person holds it.
    #[serde(default, deserialize_with = "lenient")]
    pub paused: bool,
    /// Pods older than this are to be replaced.
    #[serde(default, deserialize_with = "lenient")]
    pub restart_at: Option<Timestamp>,
    /// Which pods are its own.
    #[serde(default, deserialize_with = "lenient")]
    pub selector: Value,
    /// What runs.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
    /// What runs is defined by another object.
    #[serde(default, deserialize_with = "lenient")]
    pub workload_ref: Option<WorkloadRef>,
    /// Only in the controller's own copies.
    #[serde(default, deserialize_with = "lenient")]
    pub template_resolved_from_ref: bool,
    /// After how many seconds without progress it counts as stuck; 600 when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub progress_deadline_seconds: Option<u64>,
    /// How versions are exchanged.
    #[serde(default, deserialize_with = "lenient")]
    pub strategy: Strategy,
    /// Which versions are put back without their steps.
    #[serde(default, deserialize_with = "lenient")]
    pub rollback_window: Option<RollbackWindow>,
}

/// `spec.rollbackWindow`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RollbackWindow {
    /// Those of which fewer than this many others lie between them and the stable one.
    #[serde(default, deserialize_with = "lenient")]
    pub revisions: usize,
}

/// `spec.workloadRef`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct WorkloadRef {
    /// `Deployment`.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
}

/// `spec.strategy`: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Canary.
    #[serde(default, deserialize_with = "lenient")]
    pub canary: Option<Canary>,
    /// Blue-green.
    #[serde(default, deserialize_with = "lenient")]
    pub blue_green: Option<BlueGreen>,
}

/// `spec.strategy.canary`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// Its steps.
    #[serde(default, deserialize_with = "lenient")]
    pub steps: Vec<Value>,
    /// Pods that may be missing, a number or a percentage; a quarter when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub max_unavailable: Option<Value>,
    /// Pods that may be more, a number or a percentage; a quarter when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub max_surge: Option<Value>,
    /// Who splits the traffic; without it, pods do by their number.
    #[serde(default, deserialize_with = "lenient")]
    pub traffic_routing: Option<TrafficRouting>,
}

/// `spec.strategy.canary.trafficRouting`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRouting {
    /// What "everything" is; 100 when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub max_traffic_weight: Option<u32>,
}

/// `spec.strategy.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreen {
    /// Goes on by itself as soon as the preview is up; so too when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub auto_promotion_enabled: Option<bool>,
    /// Goes on by itself after this many seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub auto_promotion_seconds: Option<u64>,
    /// Measured after the switch.
    #[serde(default, deserialize_with = "lenient")]
    pub post_promotion_analysis: Option<Value>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The controller's verdict; absent before 1.0.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// What it says to that.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// Taken back.
    #[serde(default, deserialize_with = "lenient")]
    pub abort: bool,
    /// Everything that is left is to be skipped.
    #[serde(default, deserialize_with = "lenient")]
    pub promote_full: bool,
    /// The controller paused it itself.
    #[serde(default, deserialize_with = "lenient")]
    pub controller_pause: bool,
    /// Why it is paused.
    #[serde(default, deserialize_with = "readable")]
    pub pause_conditions: Vec<PauseCondition>,
    /// The last `restartAt` that was carried out.
    #[serde(default, deserialize_with = "lenient")]
    pub restarted_at: Option<Timestamp>,
    /// Hash of the template that the spec asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub current_pod_hash: String,
    /// Hash of the last fully promoted template.
    #[serde(default, rename = "stableRS", deserialize_with = "lenient")]
    pub stable_rs: String,
    /// The running step, from 0.
    #[serde(default, deserialize_with = "lenient")]
    pub current_step_index: Option<usize>,
    /// The generation that was taken up; a string, and a hash in versions before 0.10.
    #[serde(default, deserialize_with = "text_or_number")]
    pub observed_generation: String,
    /// The same of the object that `workloadRef` names.
    #[serde(default, deserialize_with = "text_or_number")]
    pub workload_observed_generation: String,
    /// Pods that exist.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: u32,
    /// Pods of the template that the spec asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_replicas: u32,
    /// Pods that are available.
    #[serde(default, deserialize_with = "lenient")]
    pub available_replicas: u32,
    /// What else the controller says.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
    /// Of a canary.
    #[serde(default, deserialize_with = "lenient")]
    pub canary: CanaryStatus,
    /// Of a blue-green rollout.
    #[serde(default, deserialize_with = "lenient")]
    pub blue_green: BlueGreenStatus,
    /// When it began; controllers after 1.9.
    #[serde(default, deserialize_with = "lenient")]
    pub duration: Duration,
}

/// An entry of `status.pauseConditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseCondition {
    /// `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun`, `InconclusiveExperiment`.
    pub reason: String,
    /// Since when.
    #[serde(default, deserialize_with = "lenient")]
    pub start_time: Option<Timestamp>,
}

/// `status.canary`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// What the traffic router was told.
    #[serde(default, deserialize_with = "lenient")]
    pub weights: Option<Weights>,
    /// The analysis of the running step.
    #[serde(default, deserialize_with = "lenient")]
    pub current_step_analysis_run_status: Option<RunStatus>,
    /// The analysis beside the steps.
    #[serde(default, deserialize_with = "lenient")]
    pub current_background_analysis_run_status: Option<RunStatus>,
}

/// `status.canary.weights`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Weights {
    /// The canary's; a router that was told nothing of it has told nothing.
    #[serde(default, deserialize_with = "lenient")]
    pub canary: WeightOf,
    /// The stable version's.
    #[serde(default, deserialize_with = "lenient")]
    pub stable: WeightOf,
    /// Those of experiments.
    #[serde(default, deserialize_with = "lenient")]
    pub additional: Vec<Value>,
}

impl Weights {
    /// The canary's weight: its own, or what is left where only the stable version's is told.
    pub fn of_canary(&self, max: u32) -> Option<u32> {
        let rest =
            || self.stable.weight.filter(|_| self.additional.is_empty()).map(|weight| max.saturating_sub(weight));
        self.canary.weight.or_else(rest)
    }
}

/// One destination's weight.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct WeightOf {
    /// In units of the strategy's maximum.
    #[serde(default, deserialize_with = "lenient")]
    pub weight: Option<u32>,
}

/// `status.blueGreen`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreenStatus {
    /// Hash that the active service selects.
    #[serde(default, deserialize_with = "lenient")]
    pub active_selector: String,
    /// The analysis before the switch.
    #[serde(default, deserialize_with = "lenient")]
    pub pre_promotion_analysis_run_status: Option<RunStatus>,
    /// The analysis after the switch.
    #[serde(default, deserialize_with = "lenient")]
    pub post_promotion_analysis_run_status: Option<RunStatus>,
}

/// A short form of an AnalysisRun in a status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RunStatus {
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Its phase: `Running`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// Its message.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
}

/// `status.duration`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duration {
    /// When this version began to move.
    #[serde(default, deserialize_with = "lenient")]
    pub rollout_started_at: Option<Timestamp>,
}

/// `rollout.argoproj.io/ephemeral-metadata` of a ReplicaSet: what the controller put into its template beside the spec's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct EphemeralMetadata {
    /// Labels.
    #[serde(default, deserialize_with = "lenient")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, deserialize_with = "lenient")]
    pub annotations: BTreeMap<String, String>,
}

impl Rollout {
    /// A version is on its way, as the controller has it.
    pub fn is_moving(&self) -> bool {
        self.status.current_pod_hash != self.status.stable_rs
    }

    /// Has any controller ever looked at it?
    pub fn is_taken_up(&self) -> bool {
        let Status { observed_generation, current_pod_hash, stable_rs, conditions, .. } = &self.status;
        !observed_generation.is_empty()
            || !current_pod_hash.is_empty()
            || !stable_rs.is_empty()
            || !conditions.is_empty()
    }

    /// Pods that the spec asks for.
    pub fn replicas(&self) -> u32 {
        self.spec.replicas.unwrap_or(1)
    }

    /// The spec still holds a version that was taken back.
    pub fn is_aborted(&self) -> bool {
        self.status.abort && self.is_moving()
    }

    /// A person ended the pause, and the controller has not moved on yet.
    pub fn is_unpausing(&self) -> bool {
        self.status.controller_pause && self.status.pause_conditions.is_empty()
    }

    /// The steps; none for blue-green.
    pub fn steps(&self) -> &[Value] {
        self.spec.strategy.canary.as_ref().map_or(&[], |canary| &canary.steps)
    }

    /// The running step, where there are steps; the number of steps after the last. One that is not told while a version is
    /// on its way is the first, as the controller takes it.
    pub fn step_index(&self) -> Option<usize> {
        let first = || self.is_moving().then_some(0);
        let index = self.status.current_step_index.or_else(first)?;
        (!self.steps().is_empty()).then(|| index.min(self.steps().len()))
    }

    /// Does something other than the number of pods split the traffic?
    pub fn traffic_routing(&self) -> Option<&TrafficRouting> {
        self.spec.strategy.canary.as_ref().and_then(|canary| canary.traffic_routing.as_ref())
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}
