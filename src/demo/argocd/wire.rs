//! An Application as Argo CD writes one: `pkg/apis/application/v1alpha1/types.go`.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use crate::{
    demo::{
        argocd::{
            app::{App, Entry, Operation, Revision, Stage},
            spec::{ApplicationSpec, AutoSpec},
        },
        rest::uuid,
    },
    domain::time::Timestamp,
};

/// Sets a field of what stands there.
fn put(of: &mut Value, at: &str, field: &str, value: Value) {
    if let Some(Value::Object(fields)) = of.pointer_mut(at) {
        fields.insert(field.to_owned(), value);
    }
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn source(spec: &ApplicationSpec) -> Value {
    json!({
        "repoURL": "https://git.shop.example/deploy.git",
        "path": format!("apps/{}", spec.name),
        "targetRevision": spec.target,
    })
}

fn initiator(by: Option<&String>, automated: bool) -> Value {
    match by {
        Some(name) => json!({ "username": name }),
        None if automated => json!({ "automated": true }),
        None => json!({}),
    }
}

pub(super) fn automated(auto: AutoSpec) -> Value {
    let AutoSpec { prune, self_heal, allow_empty, enabled } = auto;
    let fields = [("prune", prune), ("selfHeal", self_heal), ("allowEmpty", allow_empty), ("enabled", enabled)];
    let block: Map<String, Value> =
        fields.into_iter().filter_map(|(name, set)| Some((name.into(), set?.into()))).collect();
    Value::Object(block)
}

fn image(spec: &ApplicationSpec, what: &Revision) -> String {
    format!("{}:{}", spec.image, what.tag)
}

/// What is asked, as it stands beside the spec.
fn asked(spec: &ApplicationSpec, operation: &Operation) -> Value {
    let mut sync = json!({ "revision": operation.to.revision, "source": source(spec) });
    if operation.automated {
        put(&mut sync, "", "prune", true.into());
    }
    let mut all = json!({
        "sync": sync,
        "initiatedBy": initiator(operation.by.as_ref(), operation.automated),
        "retry": {"limit": 5},
    });
    if operation.infos.is_array() {
        put(&mut all, "", "info", operation.infos.clone());
    }
    all
}

/// What became of it.
fn state(spec: &ApplicationSpec, operation: &Operation) -> Option<Value> {
    let phase = match operation.stage {
        Stage::Asked => return None,
        Stage::Running => "Running",
        Stage::Terminating => "Terminating",
        Stage::Succeeded => "Succeeded",
        Stage::Failed => "Failed",
    };
    let resources: Vec<Value> = parts(spec)
        .map(|(kind, namespace, name)| {
            json!({
                "group": group(kind), "version": "v1", "kind": kind, "namespace": namespace, "name": name, "status": "Synced",
                "message": format!("{}/{name} configured", kind.to_lowercase()), "hookPhase": "Running", "syncPhase": "Sync",
                "images": [image(spec, &operation.to)],
            })
        })
        .collect();
    let mut result = json!({ "revision": operation.to.revision, "source": source(spec) });
    if operation.stage == Stage::Succeeded {
        put(&mut result, "", "resources", resources.into());
    }
    let mut state = json!({
        "operation": asked(spec, operation),
        "phase": phase,
        "message": operation.message,
        "syncResult": result,
    });
    if let Some(began) = operation.began {
        put(&mut state, "", "startedAt", moment(began).into());
    }
    if let Some(ended) = operation.ended {
        put(&mut state, "", "finishedAt", moment(ended).into());
    }
    Some(state)
}

fn entry(spec: &ApplicationSpec, entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "revision": entry.what.revision,
        "deployedAt": moment(entry.at),
        "deployStartedAt": moment(entry.at - chrono::TimeDelta::from_std(spec.takes).unwrap_or_default()),
        "initiatedBy": initiator(entry.by.as_ref(), true),
        "source": source(spec),
    })
}

/// `Deployment/shop/payments`
fn parts(spec: &ApplicationSpec) -> impl Iterator<Item = (&str, &str, &str)> {
    spec.resources.iter().filter_map(|resource| {
        let mut parts = resource.split('/');
        Some((parts.next()?, parts.next()?, parts.next()?))
    })
}

fn group(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => "apps",
        "Rollout" | "Application" => "argoproj.io",
        _ => "",
    }
}

/// The whole of it.
pub(super) fn application(app: &App, version: u64) -> Value {
    let spec = &app.spec;
    let sync = if app.is_synced() { "Synced" } else { "OutOfSync" };
    let resources: Vec<Value> = parts(spec)
        .map(|(kind, namespace, name)| {
            json!({"group": group(kind), "version": "v1", "kind": kind, "namespace": namespace, "name": name, "status": sync})
        })
        .collect();
    let mut metadata = json!({
        "name": spec.name,
        "namespace": spec.namespace,
        "uid": uuid(&["application", &spec.namespace, &spec.name]),
        "resourceVersion": version.to_string(),
        "generation": version,
        "creationTimestamp": "2025-06-01T08:00:00Z",
        "managedFields": [{"manager": "argocd-application-controller", "operation": "Update", "apiVersion": "argoproj.io/v1alpha1"}],
    });
    if let Some(set) = &spec.set {
        put(
            &mut metadata,
            "",
            "ownerReferences",
            json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": set,
            "uid": uuid(&["set", set]), "controller": true, "blockOwnerDeletion": true}]),
        );
    }
    if let Some(parent) = &spec.part_of {
        let id = format!("{parent}:argoproj.io/Application:{}/{}", spec.namespace, spec.name);
        put(&mut metadata, "", "annotations", json!({ "argocd.argoproj.io/tracking-id": id }));
    }
    let destination = json!({"name": spec.cluster, "namespace": spec.into});
    let mut all = json!({
        "metadata": metadata,
        "spec": {"project": spec.project, "source": source(spec), "destination": destination},
        "status": {
            "sync": {"status": sync, "revision": app.seen.revision,
                "comparedTo": {"source": source(spec), "destination": destination}},
            "health": {"status": app.health},
            "history": app.history.iter().map(|one| entry(spec, one)).collect::<Vec<Value>>(),
            "resources": resources,
            "reconciledAt": moment(app.reconciled),
            "summary": {"images": app.live.iter().map(|live| image(spec, live)).collect::<Vec<String>>()},
            "sourceType": "Kustomize",
            "controllerNamespace": "argocd",
            "resourceHealthSource": "appTree",
        },
    });
    if let Some(auto) = app.auto {
        put(&mut all, "/spec", "syncPolicy", json!({ "automated": automated(auto) }));
    }
    if let Some(operation) = &app.operation {
        put(&mut all, "", "operation", asked(spec, operation));
    }
    if let Some(state) = app.operation.as_ref().or(app.last.as_ref()).and_then(|operation| state(spec, operation)) {
        put(&mut all, "/status", "operationState", state);
    }
    all
}
