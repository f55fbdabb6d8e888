//! A small model of Argo's analysis: metrics are measured at their interval, judged by their conditions and limits, and the run
//! ends with the worst of them (`analysis/analysis.go`). The values come from the scenario, by version.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::super::spec::AnalysisSpec;
use super::super::store::Key;
use super::event::Note;
use super::{Plane, owner_of, tag_of};
use crate::domain::time::Timestamp;

/// So many measurements are kept; older ones are dropped.
const KEPT: usize = 10;
/// After an error a metric is tried again so soon, whatever its interval.
const RETRY: i64 = 10;
/// More errors than this one after another end a metric.
const ERROR_LIMIT: i64 = 4;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    dry_run_summary: Map<String, Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metric_results: Vec<MetricResult>,
    phase: String,
    run_summary: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MetricResult {
    #[serde(skip_serializing_if = "is_zero")]
    consecutive_error: i64,
    #[serde(skip_serializing_if = "is_zero")]
    consecutive_success: i64,
    #[serde(skip_serializing_if = "is_zero")]
    count: i64,
    #[serde(skip_serializing_if = "is_zero")]
    error: i64,
    #[serde(skip_serializing_if = "is_zero")]
    failed: i64,
    #[serde(skip_serializing_if = "is_zero")]
    inconclusive: i64,
    measurements: Vec<Measurement>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    metadata: Map<String, Value>,
    name: String,
    phase: String,
    #[serde(skip_serializing_if = "is_zero")]
    successful: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Measurement {
    finished_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    phase: String,
    started_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

pub(super) fn is_over(phase: &str) -> bool {
    matches!(phase, "Successful" | "Failed" | "Error" | "Inconclusive")
}

impl Plane {
    pub(super) fn has_template(&self, name: &str) -> bool {
        self.analysis.iter().any(|spec| spec.template == name)
    }

    /// The metrics of templates, as an AnalysisRun carries them.
    pub(super) fn metrics(&self, templates: &[&str]) -> Vec<Value> {
        self.analysis.iter().filter(|spec| templates.contains(&spec.template.as_str())).map(metric).collect()
    }
}

fn metric(spec: &AnalysisSpec) -> Value {
    let mut metric = json!({
        "name": spec.metric(), "count": spec.count, "failureLimit": spec.failure_limit,
        "interval": format!("{}s", spec.interval.as_secs()),
        "provider": {"prometheus": {"address": "http://prometheus.monitoring:9090", "query": spec.query}},
    });
    if spec.inconclusive_limit > 0 {
        json::object(&mut metric).insert("inconclusiveLimit".to_owned(), spec.inconclusive_limit.into());
    }
    for (name, condition) in [("successCondition", spec.success()), ("failureCondition", spec.failure())] {
        if let Some(condition) = condition {
            json::object(&mut metric).insert(name.to_owned(), condition.into());
        }
    }
    metric
}

/// Has a new run measured for the first time, shortly.
pub(super) fn begin(plane: &mut Plane, now: Timestamp, key: &Key) {
    plane.wake(now, key);
}

/// Takes the measurements that are due, and judges.
pub(super) fn measure(plane: &mut Plane, now: Timestamp, key: &Key) {
    let Some(run) = plane.store.get(key).cloned() else { return };
    let mut status: Status = run.get("status").and_then(|s| Status::deserialize(s).ok()).unwrap_or_default();
    if is_over(&status.phase) {
        return;
    }
    let terminating = run.pointer("/spec/terminate") == Some(&Value::Bool(true));
    let tag = tag_under_test(plane, key, &run);
    let metrics = run.pointer("/spec/metrics").and_then(Value::as_array);
    let specs = metrics.into_iter().flatten().filter_map(|known| plane.analysis.iter().find(|s| metric(s) == *known));
    let mut results: Vec<(AnalysisSpec, MetricResult)> =
        specs.map(|spec| (spec.clone(), status.result_of(spec))).collect();
    status.started_at.get_or_insert_with(|| json::stamp(now));
    let mut over = Vec::new();
    for (spec, result) in results.iter_mut().filter(|(_, result)| !is_over(&result.phase)) {
        if !terminating && result.due(spec).is_none_or(|due| due <= now) {
            result.take(spec, &tag, now);
        }
        (result.phase, result.message) = result.assess(spec, terminating);
        if is_over(&result.phase) {
            over.push((spec.metric().to_owned(), result.phase.clone()));
        }
    }
    status.metric_results = results.iter().map(|(_, result)| result.clone()).collect();
    status.conclude(terminating, now);
    write(plane, now, key, &run, &status);
    tell(plane, now, key, &over, &status.phase);
    if !is_over(&status.phase) {
        let dues = results.iter().filter(|(_, result)| !is_over(&result.phase));
        if let Some(due) = dues.filter_map(|(spec, result)| result.due(spec)).filter(|due| *due > now).min() {
            plane.wake_at(due, key);
        }
    }
}

/// The image tag of the version that the run is about.
fn tag_under_test(plane: &Plane, key: &Key, run: &Value) -> String {
    let hash = json::label(run, "rollouts-pod-template-hash").unwrap_or_default();
    let rollout = owner_of(key, run).map(|owner| owner.name).unwrap_or_default();
    let set = plane.store.get(&Key::new(Kind::ReplicaSet, &key.namespace, &format!("{rollout}-{hash}")));
    set.and_then(|set| set.pointer("/spec/template")).map(tag_of).unwrap_or_default().to_owned()
}

fn write(plane: &mut Plane, now: Timestamp, key: &Key, run: &Value, status: &Status) {
    let Ok(status) = serde_json::to_value(status) else { return };
    let mut run = run.clone();
    if run.get("status") != Some(&status) {
        // Without a status subresource every write counts.
        let generation = json::number(&run, "/metadata/generation").unwrap_or_default() + 1;
        json::child(&mut run, "metadata").insert("generation".to_owned(), generation.into());
    }
    json::object(&mut run).insert("status".to_owned(), status);
    plane.put(now, key, run);
}

fn tell(plane: &mut Plane, now: Timestamp, key: &Key, over: &[(String, String)], phase: &str) {
    let Some(run) = plane.store.get(key).cloned() else { return };
    let metrics = over.iter().map(|(metric, phase)| {
        (format!("Metric{phase}"), format!("Metric '{metric}' Completed. Result: {phase}"), phase.as_str())
    });
    let whole =
        is_over(phase).then(|| (format!("AnalysisRun{phase}"), format!("Analysis Completed. Result: {phase}"), phase));
    for (reason, message, phase) in metrics.chain(whole) {
        let warning = matches!(phase, "Failed" | "Error");
        let (reason, message) = (reason.as_str(), message.as_str());
        plane.record(now, &Note { about: &run, component: "rollouts-controller", warning, reason, message });
    }
}

impl Status {
    /// What is known of a metric so far.
    fn result_of(&self, spec: &AnalysisSpec) -> MetricResult {
        let known = self.metric_results.iter().find(|result| result.name == spec.metric()).cloned();
        known.unwrap_or_else(|| {
            let mut result = MetricResult { name: spec.metric().to_owned(), ..MetricResult::default() };
            result.metadata.insert("ResolvedPrometheusQuery".to_owned(), spec.query.clone().into());
            result
        })
    }

    /// The worst of the metrics is the run's; it ends with the first bad one, or when all have ended.
    fn conclude(&mut self, terminating: bool, now: Timestamp) {
        const ORDER: [&str; 6] = ["Successful", "Running", "Pending", "Inconclusive", "Error", "Failed"];
        let rank = |phase: &str| ORDER.iter().position(|known| *known == phase).unwrap_or_default();
        let worst = self.metric_results.iter().max_by_key(|result| rank(&result.phase));
        let Some(worst) = worst else {
            "Successful".clone_into(&mut self.phase);
            return;
        };
        self.phase.clone_from(&worst.phase);
        self.message.clone_from(&worst.message);
        let count = |phase: &str| self.metric_results.iter().filter(|result| result.phase == phase).count();
        let phases =
            [("successful", "Successful"), ("failed", "Failed"), ("inconclusive", "Inconclusive"), ("error", "Error")];
        let mut summary = Map::new();
        summary.insert("count".to_owned(), self.metric_results.len().into());
        for (name, phase) in phases {
            if count(phase) > 0 {
                summary.insert(name.to_owned(), count(phase).into());
            }
        }
        self.run_summary = summary;
        if terminating && self.phase == "Successful" {
            "Run Terminated".clone_into(&mut self.message);
        }
        if is_over(&self.phase) {
            self.completed_at = Some(json::stamp(now));
        }
    }
}

impl MetricResult {
    /// When it is measured next; none if it never was.
    fn due(&self, spec: &AnalysisSpec) -> Option<Timestamp> {
        let last = self.measurements.last()?;
        let seconds = i64::try_from(spec.interval.as_secs()).unwrap_or(i64::MAX);
        let seconds = if last.phase == "Error" { RETRY } else { seconds };
        Some(json::moment(&last.started_at)? + TimeDelta::seconds(seconds))
    }

    fn take(&mut self, spec: &AnalysisSpec, tag: &str, now: Timestamp) {
        let taken = usize::try_from(self.count + self.error).unwrap_or_default();
        let value = spec.value(tag, taken);
        let phase = value.map_or("Error", |value| spec.judge(value));
        let at = json::stamp(now);
        let text = value.map(|value| format!("[{value}]")).unwrap_or_default();
        let message = if value.is_none() { "reflect: slice index out of range".to_owned() } else { String::new() };
        self.measurements.push(Measurement {
            finished_at: at.clone(),
            message,
            phase: phase.to_owned(),
            started_at: at,
            value: text,
        });
        let surplus = self.measurements.len().saturating_sub(KEPT);
        self.measurements.drain(..surplus);
        if phase == "Error" {
            self.error += 1;
            self.consecutive_error += 1;
            return;
        }
        self.count += 1;
        self.consecutive_error = 0;
        self.consecutive_success = if phase == "Successful" { self.consecutive_success + 1 } else { 0 };
        match phase {
            "Successful" => self.successful += 1,
            "Failed" => self.failed += 1,
            _ => self.inconclusive += 1,
        }
    }

    /// Phase and message by counts and limits.
    fn assess(&self, spec: &AnalysisSpec, terminating: bool) -> (String, String) {
        let exceeded = |phase: &str, what: &str, count: i64, name: &str, limit: i64| {
            let message =
                format!("Metric \"{}\" assessed {phase} due to {what} ({count}) > {name} ({limit})", self.name);
            (phase.to_owned(), message)
        };
        if self.failed > spec.failure_limit {
            return exceeded("Failed", "failed", self.failed, "failureLimit", spec.failure_limit);
        }
        if self.inconclusive > spec.inconclusive_limit {
            let limit = spec.inconclusive_limit;
            return exceeded("Inconclusive", "inconclusive", self.inconclusive, "inconclusiveLimit", limit);
        }
        if self.consecutive_error > ERROR_LIMIT {
            let count = self.consecutive_error;
            let (phase, message) = exceeded("Error", "consecutiveErrors", count, "consecutiveErrorLimit", ERROR_LIMIT);
            let last = self.measurements.last().map(|m| m.message.as_str()).unwrap_or_default();
            return (phase, format!("{message}: \"Error Message: {last}\""));
        }
        let done = self.count >= spec.count || terminating;
        (if done { "Successful" } else { "Running" }.to_owned(), String::new())
    }
}
