//! AnalysisRuns: their wire structs, as far as we read them, and what of them goes to the domain.
//!
//! A limit may be a number or text, and a condition may hold arguments: both are filled in here, as the controller does, so that
//! nothing outside knows of them. An argument whose value stands in a Secret stays as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    domain::{
        analysis::{Form, Limits, Measurement, Metric, Tallies},
        rollout::Analysis,
        text::clean,
        time::Timestamp,
    },
    provider::kubernetes::api::{Meta, lenient, readable},
};

/// An AnalysisRun.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct AnalysisRun {
    /// Its metadata.
    pub metadata: Meta,
    /// What is measured.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: Spec,
    /// How it goes.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Status,
}

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What is measured.
    #[serde(default, deserialize_with = "readable")]
    pub metrics: Vec<MetricSpec>,
    /// What conditions, limits and queries may name.
    #[serde(default, deserialize_with = "readable")]
    pub args: Vec<Argument>,
    /// It is to end.
    #[serde(default, deserialize_with = "lenient")]
    pub terminate: bool,
}

/// An entry of `spec.args`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value; none where that stands in a Secret or a field.
    #[serde(default, deserialize_with = "lenient")]
    pub value: Option<String>,
}

/// An entry of `spec.metrics`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSpec {
    /// Its name.
    pub name: String,
    /// The time between two measurements.
    #[serde(default, deserialize_with = "lenient")]
    pub interval: String,
    /// A number, or text that is one.
    #[serde(default)]
    pub count: Value,
    /// As `count`.
    #[serde(default)]
    pub failure_limit: Value,
    /// As `count`.
    #[serde(default)]
    pub inconclusive_limit: Value,
    /// As `count`.
    #[serde(default)]
    pub consecutive_error_limit: Value,
    /// As `count`.
    #[serde(default)]
    pub consecutive_success_limit: Value,
    /// When a measurement is good.
    #[serde(default, deserialize_with = "lenient")]
    pub success_condition: String,
    /// When it is bad.
    #[serde(default, deserialize_with = "lenient")]
    pub failure_condition: String,
    /// Whom it asks: one entry.
    #[serde(default, deserialize_with = "lenient")]
    pub provider: BTreeMap<String, Value>,
}

/// `status`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error`, `Inconclusive`.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// Why.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// What was measured.
    #[serde(default, deserialize_with = "readable")]
    pub metric_results: Vec<MetricResult>,
}

/// An entry of `status.metricResults`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricResult {
    /// The metric's name.
    pub name: String,
    /// Its phase.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// Why.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// It decides nothing.
    #[serde(default, deserialize_with = "lenient")]
    pub dry_run: bool,
    /// Measurements, without errors.
    #[serde(default, deserialize_with = "lenient")]
    pub count: i64,
    /// Successful ones.
    #[serde(default, deserialize_with = "lenient")]
    pub successful: i64,
    /// Failed ones.
    #[serde(default, deserialize_with = "lenient")]
    pub failed: i64,
    /// Inconclusive ones.
    #[serde(default, deserialize_with = "lenient")]
    pub inconclusive: i64,
    /// Errors.
    #[serde(default, deserialize_with = "lenient")]
    pub error: i64,
    /// Errors in a row.
    #[serde(default, deserialize_with = "lenient")]
    pub consecutive_error: i64,
    /// Successes in a row.
    #[serde(default, deserialize_with = "lenient")]
    pub consecutive_success: i64,
    /// The last ten, unless the run says otherwise.
    #[serde(default, deserialize_with = "readable")]
    pub measurements: Vec<WireMeasurement>,
    /// Among others the query with its arguments filled in: `Resolved…Query`.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: BTreeMap<String, String>,
}

/// An entry of `measurements`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireMeasurement {
    /// Its phase.
    #[serde(default, deserialize_with = "lenient")]
    pub phase: String,
    /// What was measured.
    #[serde(default, deserialize_with = "lenient")]
    pub value: String,
    /// Why.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// When it began.
    #[serde(default, deserialize_with = "lenient")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub finished_at: Option<Timestamp>,
}

/// A run in the domain's words: its metrics in the order of its specification.
pub fn analysis(run: &AnalysisRun) -> Analysis {
    let metric = |spec: &MetricSpec| {
        let result = run.status.metric_results.iter().find(|result| result.name == spec.name);
        metric(spec, result, &run.spec.args)
    };
    Analysis {
        name: clean(&run.metadata.name),
        phase: clean(&run.status.phase),
        message: said(&run.status.message),
        terminated: run.spec.terminate,
        metrics: run.spec.metrics.iter().map(metric).collect(),
    }
}

fn said(text: &str) -> Option<String> {
    Some(clean(text)).filter(|text| !text.is_empty())
}

fn metric(spec: &MetricSpec, result: Option<&MetricResult>, args: &[Argument]) -> Metric {
    let none = MetricResult::default();
    let result = result.unwrap_or(&none);
    let query = result.metadata.iter().find(|(name, _)| name.starts_with("Resolved")).map(|(_, query)| query);
    Metric {
        name: clean(&spec.name),
        provider: spec.provider.keys().next().map(|kind| clean(kind)).unwrap_or_default(),
        form: spec.provider.keys().next().map_or(Form::Unknown, |kind| form(kind)),
        query: query.and_then(|query| said(query)),
        success: said(&filled(&spec.success_condition, args)),
        failure: said(&filled(&spec.failure_condition, args)),
        interval: said(&filled(&spec.interval, args)),
        limits: limits(spec, args),
        dry_run: result.dry_run,
        phase: clean(&result.phase),
        message: said(&result.message),
        tallies: Tallies {
            count: result.count,
            successful: result.successful,
            failed: result.failed,
            inconclusive: result.inconclusive,
            error: result.error,
            consecutive_error: result.consecutive_error,
            consecutive_success: result.consecutive_success,
        },
        measurements: result.measurements.iter().map(measurement).collect(),
    }
}

/// How a provider's answers are written down. Sources: `metricproviders/{prometheus,web,datadog,graphite,newrelic}` of
/// argo-rollouts 1.9.
fn form(provider: &str) -> Form {
    match provider {
        "prometheus" | "graphite" => Form::Numbers,
        "datadog" => Form::Points,
        "web" => Form::JsonOrText,
        "newRelic" => Form::Json,
        _ => Form::Unknown,
    }
}

fn measurement(wire: &WireMeasurement) -> Measurement {
    Measurement {
        phase: clean(&wire.phase),
        value: said(&wire.value),
        started: wire.started_at,
        finished: wire.finished_at,
        message: said(&wire.message),
    }
}

/// Limits with the controller's defaults; a count of 0 is none, and without an interval it is 1 (`EffectiveCount`).
fn limits(spec: &MetricSpec, args: &[Argument]) -> Option<Limits> {
    let default = Limits::default();
    let count = number(&spec.count, args)?.filter(|count| *count != 0);
    Some(Limits {
        count: count.or_else(|| spec.interval.is_empty().then_some(1)),
        failure: number(&spec.failure_limit, args)?.unwrap_or(default.failure),
        inconclusive: number(&spec.inconclusive_limit, args)?.unwrap_or(default.inconclusive),
        consecutive_error: number(&spec.consecutive_error_limit, args)?.unwrap_or(default.consecutive_error),
        consecutive_success: number(&spec.consecutive_success_limit, args)?.unwrap_or(default.consecutive_success),
    })
}

/// A number as it is or as text; the inner `None` where there is none, the outer where it cannot be read.
#[expect(clippy::option_option, reason = "absent and unreadable are two things")]
fn number(value: &Value, args: &[Argument]) -> Option<Option<i64>> {
    match value {
        Value::Null => Some(None),
        Value::Number(number) => number.as_i64().map(Some),
        Value::String(text) => filled(text, args).trim().parse().ok().map(Some),
        _ => None,
    }
}

/// `{{args.name}}` and `{{ args.name }}` become the argument's value, where that is known.
fn filled(text: &str, args: &[Argument]) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("{{") {
        done.push_str(before);
        let Some((inner, after)) = tail.split_once("}}") else {
            done.push_str("{{");
            rest = tail;
            continue;
        };
        let name = inner.trim().strip_prefix("args.");
        let value = name.and_then(|name| args.iter().find(|arg| arg.name == name)).and_then(|arg| arg.value.as_deref());
        match value {
            Some(value) => done.push_str(value),
            None => done.extend(["{{", inner, "}}"]),
        }
        rest = after;
    }
    done.push_str(rest);
    done
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn args() -> Vec<Argument> {
        let argument =
            |name: &str, value: Option<&str>| Argument { name: name.to_owned(), value: value.map(ToOwned::to_owned) };
        vec![argument("least", Some("0.95")), argument("token", None)]
    }

    #[test]
    fn arguments_are_filled_in_where_they_are_known() {
        let table = [
            ("result[0] >= {{args.least}}", "result[0] >= 0.95"),
            ("{{ args.least }} <= result && {{args.token}} == 1", "0.95 <= result && {{args.token}} == 1"),
            ("{{args.least", "{{args.least"),
            ("{{args.none}}{{inputs.x}}", "{{args.none}}{{inputs.x}}"),
        ];
        for (text, expected) in table {
            assert_eq!(filled(text, &args()), expected);
        }
    }

    #[test]
    fn limits_are_numbers_or_text_and_have_the_controller_s_defaults() {
        let of = |metric: serde_json::Value| limits(&serde_json::from_value(metric).unwrap(), &args());
        let default = Limits::default();
        assert_eq!(of(json!({"name": "m"})), Some(default));
        assert_eq!(of(json!({"name": "m", "interval": "5s"})), Some(Limits { count: None, ..default }));
        assert_eq!(of(json!({"name": "m", "interval": "5s", "count": 0})), Some(Limits { count: None, ..default }));
        let all = json!({"name": "m", "count": "5", "failureLimit": -1, "inconclusiveLimit": 1,
            "consecutiveErrorLimit": "2", "consecutiveSuccessLimit": 3});
        let expected =
            Limits { count: Some(5), failure: -1, inconclusive: 1, consecutive_error: 2, consecutive_success: 3 };
        assert_eq!(of(all), Some(expected));
        assert_eq!(of(json!({"name": "m", "failureLimit": "{{args.token}}"})), None);
        assert_eq!(of(json!({"name": "m", "count": 1.5})), None);
    }

    #[test]
    fn whatever_a_cluster_sends_is_cleaned_and_what_is_of_another_form_is_absent() {
        let run: AnalysisRun = serde_json::from_value(json!({
            "metadata": {"name": "r"},
            "spec": {"metrics": [{"name": "m\u{1b}[31m", "provider": {"web": {}}, "successCondition": 5}, 7], "args": "x"},
            "status": {"phase": "Failed\u{7}", "metricResults": [
                {"name": "m\u{1b}[31m", "phase": "Failed", "count": "many", "measurements": [
                    {"phase": "Failed", "value": "1\u{1b}[2J", "startedAt": "yesterday"}]}]},
        }))
        .unwrap();
        let expected = Analysis {
            name: "r".to_owned(),
            phase: "Failed".to_owned(),
            metrics: vec![Metric {
                name: "m".to_owned(),
                provider: "web".to_owned(),
                form: Form::JsonOrText,
                limits: Some(Limits::default()),
                phase: "Failed".to_owned(),
                measurements: vec![Measurement {
                    phase: "Failed".to_owned(),
                    value: Some("1".to_owned()),
                    ..Measurement::default()
                }],
                ..Metric::default()
            }],
            ..Analysis::default()
        };
        assert_eq!(analysis(&run), expected);
    }
}
