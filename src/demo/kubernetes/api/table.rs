//! Tables, as `kubectl get` shows them: the columns of each kind, and ages in kubectl's short words.

use serde_json::{Map, Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::read::Include;
use crate::domain::time::Timestamp;

/// A column: name, type, wide only, and what it means.
type Column = (&'static str, &'static str, bool, &'static str);

const NAME: Column = (
    "Name",
    "string",
    false,
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to \
     request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and \
     configuration definition. Cannot be updated. More info: \
     https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
);
const AGE: Column = ("Age", "string", false, "Time since the object was created.");

fn columns(kind: Kind) -> Vec<Column> {
    match kind {
        Kind::Rollout => vec![
            NAME,
            ("Desired", "integer", false, "Number of desired pods"),
            ("Current", "integer", false, "Total number of non-terminated pods targeted by this rollout"),
            (
                "Up-to-date",
                "integer",
                false,
                "Total number of non-terminated pods targeted by this rollout that have the desired template spec",
            ),
            (
                "Available",
                "integer",
                false,
                "Total number of available pods (ready for at least minReadySeconds) targeted by this rollout",
            ),
            ("Age", "date", false, "Time since resource was created"),
        ],
        Kind::AnalysisRun => vec![
            NAME,
            ("Status", "string", false, "AnalysisRun status"),
            ("Age", "date", false, "Time since resource was created"),
        ],
        Kind::Deployment => vec![
            NAME,
            ("Ready", "string", false, "Number of the pod with ready state"),
            ("Up-to-date", "string", false, "Number of pods that have the desired template spec."),
            ("Available", "string", false, "Number of available pods."),
            AGE,
            ("Containers", "string", true, "Names of each container in the template."),
            ("Images", "string", true, "Images referenced by each container in the template."),
            ("Selector", "string", true, "Label selector for pods."),
        ],
        Kind::ReplicaSet => vec![
            NAME,
            ("Desired", "integer", false, "Number of desired pods."),
            ("Current", "integer", false, "Most recently observed number of pods."),
            ("Ready", "integer", false, "Number of ready pods."),
            AGE,
            ("Containers", "string", true, "Names of each container in the template."),
            ("Images", "string", true, "Images referenced by each container in the template."),
            ("Selector", "string", true, "Label selector for pods."),
        ],
        Kind::Pod => vec![
            NAME,
            ("Ready", "string", false, "The aggregate readiness state of this pod for accepting traffic."),
            ("Status", "string", false, "The aggregate status of the containers in this pod."),
            ("Restarts", "string", false, "The number of times the containers in this pod have been restarted."),
            AGE,
            ("IP", "string", true, "Address of the pod."),
            ("Node", "string", true, "Name of the node the pod runs on."),
        ],
        Kind::Event => vec![
            ("Last Seen", "string", false, "When this was last said."),
            ("Type", "string", false, "Normal or Warning."),
            ("Reason", "string", false, "Why, in one word."),
            ("Object", "string", false, "The object this event is about."),
            ("Source", "string", true, "The component reporting this event."),
            ("Message", "string", false, "What happened."),
            ("First Seen", "string", true, "When this was first said."),
            ("Count", "string", true, "How many times it was said."),
            ("Name", "string", true, NAME.3),
        ],
        Kind::ConfigMap => vec![NAME, ("Data", "string", false, "Number of data entries."), AGE],
        Kind::Secret => vec![
            NAME,
            ("Type", "string", false, "Used to facilitate programmatic handling of secret data."),
            ("Data", "string", false, "Number of data entries."),
            AGE,
        ],
        Kind::Namespace => vec![NAME, ("Status", "string", false, "The status of the namespace"), AGE],
    }
}

/// Objects as rows of a table.
pub(super) fn of<'o>(
    kind: Kind,
    objects: impl IntoIterator<Item = &'o Value>,
    include: Include,
    version: &str,
    now: Timestamp,
) -> Value {
    let definitions: Vec<Value> = columns(kind)
        .into_iter()
        .map(|(name, form, wide, description)| {
            json!({
                "name": name, "type": form, "format": if name == "Name" { "name" } else { "" },
                "description": description, "priority": i32::from(wide),
            })
        })
        .collect();
    let row = |object: &Value| {
        let whole = match include {
            Include::Nothing => Value::Null,
            Include::Metadata => partial(object),
            Include::Object => object.clone(),
        };
        json!({"cells": cells(kind, object, now), "object": whole})
    };
    let rows: Vec<Value> = objects.into_iter().map(row).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions, "rows": rows,
    })
}

/// The metadata of an object and nothing else.
pub(super) fn partial(object: &Value) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

fn cells(kind: Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(json::text(object, "/metadata/name"));
    let since =
        |pointer: &str| json::moment(json::text(object, pointer)).map_or("<unknown>".to_owned(), |at| age(now, at));
    let born = json!(since("/metadata/creationTimestamp"));
    let given = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
    let count = |pointer: &str| json!(json::number(object, pointer).unwrap_or_default());
    match kind {
        Kind::Rollout => vec![
            name,
            given("/spec/replicas"),
            given("/status/replicas"),
            given("/status/updatedReplicas"),
            given("/status/availableReplicas"),
            born,
        ],
        Kind::ConfigMap => vec![name, entries(object), born],
        Kind::Secret => vec![name, given("/type"), entries(object), born],
        Kind::AnalysisRun | Kind::Namespace => vec![name, given("/status/phase"), born],
        Kind::Deployment => {
            let ready = format!("{}/{}", count("/status/readyReplicas"), count("/spec/replicas"));
            let mut cells =
                vec![name, ready.into(), count("/status/updatedReplicas"), count("/status/availableReplicas"), born];
            cells.extend(template_cells(object));
            cells
        }
        Kind::ReplicaSet => {
            let mut cells =
                vec![name, count("/spec/replicas"), count("/status/replicas"), count("/status/readyReplicas"), born];
            cells.extend(template_cells(object));
            cells
        }
        Kind::Pod => {
            let (ready, status, restarts) = pod(object);
            let or_none = |pointer| match json::text(object, pointer) {
                "" => json!("<none>"),
                text => json!(text),
            };
            vec![name, ready, status, restarts, born, or_none("/status/podIP"), or_none("/spec/nodeName")]
        }
        Kind::Event => {
            let object_kind = json::text(object, "/involvedObject/kind").to_lowercase();
            vec![
                since("/lastTimestamp").into(),
                given("/type"),
                given("/reason"),
                format!("{object_kind}/{}", json::text(object, "/involvedObject/name")).into(),
                given("/source/component"),
                given("/message"),
                since("/firstTimestamp").into(),
                given("/count"),
                name,
            ]
        }
    }
}

/// How many things it holds.
fn entries(object: &Value) -> Value {
    object.get("data").and_then(Value::as_object).map_or(0, Map::len).to_string().into()
}

fn template_cells(object: &Value) -> [Value; 3] {
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let all = |field: &str| -> Vec<&str> { containers.into_iter().flatten().map(|c| json::text(c, field)).collect() };
    let selector = object.pointer("/spec/selector").map(json::match_labels).unwrap_or_default();
    [all("/name").join(",").into(), all("/image").join(",").into(), selector.into()]
}

/// Readiness, status and restarts of a pod, as kubectl's printer sums them up.
fn pod(object: &Value) -> (Value, Value, Value) {
    let statuses = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let statuses: Vec<&Value> = statuses.into_iter().flatten().collect();
    let containers = object.pointer("/spec/containers").and_then(Value::as_array).map_or(0, Vec::len);
    let ready = statuses.iter().filter(|status| status.get("ready") == Some(&Value::Bool(true))).count();
    let restarts: i64 = statuses.iter().filter_map(|status| json::number(status, "/restartCount")).sum();
    let waiting = statuses.iter().map(|status| json::text(status, "/state/waiting/reason")).find(|r| !r.is_empty());
    let leaving = object.pointer("/metadata/deletionTimestamp").is_some();
    let status = if leaving { "Terminating" } else { waiting.unwrap_or(json::text(object, "/status/phase")) };
    (format!("{ready}/{containers}").into(), status.into(), restarts.to_string().into())
}

/// A span in kubectl's short words (`duration.HumanDuration`).
fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = (now - then).num_seconds();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let with = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{rest}{small}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => with(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => with(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => with(days, "d", hours % 24, "h"),
        _ if years < 2 => format!("{days}d"),
        _ if years < 8 => with(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ages_are_kubectls() {
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (141, "2m21s"),
            (281, "4m41s"),
            (540, "9m"),
            (601, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (12_600, "3h30m"),
            (28_800, "8h"),
            (3 * 86_400, "3d"),
            (3 * 86_400 + 7200, "3d2h"),
            (40 * 86_400, "40d"),
        ] {
            let start = Timestamp::UNIX_EPOCH;
            assert_eq!(age(start + TimeDelta::seconds(seconds), start), expected, "{seconds} s");
        }
    }
}
