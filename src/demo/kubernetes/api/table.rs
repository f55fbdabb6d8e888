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

const DATE: Column = ("Age", "date", false, "Time since resource was created");
const READY: Column = ("Ready", "string", false, "Status of the Ready condition.");
const STATUS: Column = ("Status", "string", false, "Message of the Ready condition.");

#[expect(clippy::too_many_lines, reason = "a table: a row a kind")]
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
        Kind::Canary => vec![
            NAME,
            ("Status", "string", false, "The phase"),
            ("Weight", "string", false, "The share of the traffic, as the status has it"),
            ("Suspended", "boolean", true, "A person holds it"),
            ("FailedChecks", "string", true, "Checks that failed"),
            ("Interval", "string", true, "Between two looks"),
            ("LastTransitionTime", "string", false, "When its status was written last"),
        ],
        Kind::HttpRoute => vec![
            NAME,
            ("Hostnames", "string", false, "For which hosts"),
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
        Kind::StatefulSet => vec![
            NAME,
            ("Ready", "string", false, "Number of the pod with ready state"),
            AGE,
            ("Containers", "string", true, "Names of each container in the template."),
            ("Images", "string", true, "Images referenced by each container in the template."),
        ],
        Kind::DaemonSet => vec![
            NAME,
            ("Desired", "integer", false, "Number of nodes that should run the pod."),
            ("Current", "integer", false, "Number of nodes that run it."),
            ("Ready", "integer", false, "Number of nodes whose pod is ready."),
            ("Up-to-date", "integer", false, "Number of nodes whose pod is of the desired template."),
            ("Available", "integer", false, "Number of nodes whose pod is available."),
            ("Node Selector", "string", false, "Which nodes run it."),
            AGE,
            ("Containers", "string", true, "Names of each container in the template."),
            ("Images", "string", true, "Images referenced by each container in the template."),
            ("Selector", "string", true, "Label selector for pods."),
        ],
        Kind::ControllerRevision => vec![
            NAME,
            ("Controller", "string", false, "Controller of the object"),
            ("Revision", "integer", false, "Revision is the revision of the state."),
            AGE,
        ],
        Kind::Service => vec![
            NAME,
            ("Type", "string", false, "How it is reached."),
            ("Cluster-IP", "string", false, "Its address in the cluster."),
            ("External-IP", "string", false, "Its address from outside."),
            ("Port(s)", "string", false, "The ports that it serves."),
            AGE,
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
        Kind::GitRepository | Kind::HelmRepository => {
            vec![NAME, ("URL", "string", false, "Where it is."), DATE, READY, STATUS]
        }
        Kind::Kustomization | Kind::HelmRelease => vec![NAME, DATE, READY, STATUS],
        Kind::ImageUpdateAutomation => {
            vec![NAME, ("Last run", "string", false, "When it looked last."), DATE, READY, STATUS]
        }
        Kind::ResourceQuota => vec![NAME, AGE],
        Kind::Autoscaler => vec![
            NAME,
            ("Reference", "string", false, "What it scales."),
            ("MinPods", "string", false, "The lower limit for the number of pods."),
            ("MaxPods", "string", false, "The upper limit for the number of pods."),
            ("Replicas", "string", false, "How many pods it wants."),
            AGE,
        ],
        Kind::DisruptionBudget => vec![
            NAME,
            ("Min Available", "string", false, "How many pods must be there."),
            ("Max Unavailable", "string", false, "How many pods may be missing."),
            ("Allowed Disruptions", "integer", false, "How many pods may be evicted now."),
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

#[expect(clippy::too_many_lines, reason = "a table: a row a kind")]
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
        Kind::Canary => vec![
            name,
            given("/status/phase"),
            given("/status/canaryWeight"),
            given("/spec/suspend"),
            given("/status/failedChecks"),
            given("/spec/analysis/interval"),
            given("/status/lastTransitionTime"),
        ],
        Kind::HttpRoute => vec![name, given("/spec/hostnames"), born],
        Kind::ConfigMap => vec![name, entries(object), born],
        Kind::Secret => vec![name, given("/type"), entries(object), born],
        Kind::GitRepository | Kind::HelmRepository => {
            let [ready, said] = readiness(object);
            vec![name, given("/spec/url"), born, ready, said]
        }
        Kind::Kustomization | Kind::HelmRelease => {
            let [ready, said] = readiness(object);
            vec![name, born, ready, said]
        }
        Kind::ImageUpdateAutomation => {
            let [ready, said] = readiness(object);
            vec![name, given("/status/lastAutomationRunTime"), born, ready, said]
        }
        Kind::ResourceQuota => vec![name, born],
        Kind::Autoscaler => {
            let reference = ["kind", "name"].map(|key| json::text(object, &format!("/spec/scaleTargetRef/{key}")));
            let counts = ["/spec/minReplicas", "/spec/maxReplicas", "/status/desiredReplicas"]
                .map(|at| Value::from(count(at).to_string()));
            std::iter::once(name).chain([reference.join("/").into()]).chain(counts).chain([born]).collect()
        }
        Kind::DisruptionBudget => {
            let bound = |at: &str| {
                object
                    .pointer(at)
                    .map_or_else(|| "N/A".to_owned(), |it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
            };
            let allowed = count("/status/disruptionsAllowed");
            vec![name, bound("/spec/minAvailable").into(), bound("/spec/maxUnavailable").into(), allowed, born]
        }
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
        Kind::StatefulSet => {
            let ready = format!("{}/{}", count("/status/readyReplicas"), count("/spec/replicas"));
            let [containers, images, _] = template_cells(object);
            vec![name, ready.into(), born, containers, images]
        }
        Kind::DaemonSet => {
            let counts = [
                "desiredNumberScheduled",
                "currentNumberScheduled",
                "numberReady",
                "updatedNumberScheduled",
                "numberAvailable",
            ];
            let counts = counts.map(|field| count(&format!("/status/{field}")));
            let mut cells: Vec<Value> = [name].into_iter().chain(counts).collect();
            cells.extend(["<none>".into(), born]);
            cells.extend(template_cells(object));
            cells
        }
        Kind::ControllerRevision => {
            let owner = json::text(object, "/metadata/ownerReferences/0/name");
            let kind = json::text(object, "/metadata/ownerReferences/0/kind").to_lowercase();
            vec![name, format!("{kind}.apps/{owner}").into(), count("/revision"), born]
        }
        Kind::Service => {
            let ports = object.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
            let ports: Vec<String> =
                ports.map(|port| format!("{}/TCP", json::number(port, "/port").unwrap_or_default())).collect();
            let selector = object.pointer("/spec/selector").and_then(Value::as_object).into_iter().flatten();
            let selector: Vec<String> =
                selector.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
            let (form, address) = (given("/spec/type"), given("/spec/clusterIP"));
            vec![name, form, address, "<none>".into(), ports.join(",").into(), born, selector.join(",").into()]
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

/// What it says of whether it is ready.
fn readiness(object: &Value) -> [Value; 2] {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let ready = all.and_then(|all| all.iter().find(|one| json::text(one, "/type") == "Ready"));
    ["/status", "/message"].map(|at| ready.and_then(|ready| ready.pointer(at)).cloned().unwrap_or_default())
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
