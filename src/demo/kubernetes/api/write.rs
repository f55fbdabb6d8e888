//! Patch and update: preconditions, the border between an object and its status, generation, managed fields, dry run.

use serde_json::Value;

use super::super::control::{Plane, complete_template, spec_is_readable};
use super::super::fields::{self, Author};
use super::super::json;
use super::super::kind::Kind;
use super::Target;
use super::route::Call;
use super::status::Failure;
use super::{patch as patching, strategic};
use crate::domain::time::Timestamp;

/// Answers a patch with the object as it is afterwards.
pub(super) fn patch(plane: &mut Plane, now: Timestamp, call: &Call<'_>, target: &Target<'_>) -> Result<Value, Failure> {
    let key = target.key();
    let content_type = call.header("content-type").split(';').next().unwrap_or_default().trim();
    let apply = Patch::of(content_type, key.kind)?;
    check_dry_run(call, "PatchOptions")?;
    let current = plane.store.get(&key).cloned().ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
    let mut wanted = (*current).clone();
    match apply {
        Patch::Merge => patching::merge(&mut wanted, &body(call)?),
        Patch::Strategic => strategic::merge(&mut wanted, &body(call)?),
        Patch::Json => {
            let operations: Vec<patching::Operation> =
                serde_json::from_slice(call.body).map_err(|error| Failure::bad_body(&error))?;
            patching::apply(&mut wanted, &operations).map_err(|_| Failure::patch_failed())?;
        }
    }
    store(plane, now, call, target, &current, wanted)
}

/// Answers an update with the object as it is afterwards.
pub(super) fn update(
    plane: &mut Plane,
    now: Timestamp,
    call: &Call<'_>,
    target: &Target<'_>,
) -> Result<Value, Failure> {
    let key = target.key();
    check_dry_run(call, "UpdateOptions")?;
    let current = plane.store.get(&key).cloned().ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
    let mut wanted = body(call)?;
    let name = json::text(&wanted, "/metadata/name");
    if name != key.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
        return Err(Failure::bad_request(message));
    }
    if json::text(&wanted, "/metadata/uid").is_empty() {
        let uid = json::text(&current, "/metadata/uid");
        json::child(&mut wanted, "metadata").insert("uid".to_owned(), uid.into());
    }
    store(plane, now, call, target, &current, wanted)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patch {
    Merge,
    Json,
    Strategic,
}

impl Patch {
    fn of(content_type: &str, kind: Kind) -> Result<Self, Failure> {
        match content_type {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/json-patch+json" => Ok(Self::Json),
            "application/strategic-merge-patch+json" if !kind.is_custom() => Ok(Self::Strategic),
            _ => Err(Failure::unsupported_patch(kind, content_type)),
        }
    }
}

fn body(call: &Call<'_>) -> Result<Value, Failure> {
    serde_json::from_slice(call.body).map_err(|error| Failure::bad_body(&error))
}

fn check_dry_run(call: &Call<'_>, options: &str) -> Result<(), Failure> {
    match call.parameter("dryRun") {
        "" | "All" => Ok(()),
        other => {
            let message = format!("Unsupported value: [\"{other}\"]: supported values: \"All\"");
            Err(Failure::invalid_option(options, "dryRun", message))
        }
    }
}

fn store(
    plane: &mut Plane,
    now: Timestamp,
    call: &Call<'_>,
    target: &Target<'_>,
    current: &Value,
    mut wanted: Value,
) -> Result<Value, Failure> {
    let key = target.key();
    let version = json::text(&wanted, "/metadata/resourceVersion");
    if !version.is_empty() && version != json::text(current, "/metadata/resourceVersion") {
        return Err(Failure::conflict(key.kind, &key.name));
    }
    check_identity(key.kind, &key.name, current, &wanted)?;
    keep(current, &mut wanted, target.subresource.is_some());
    complete(key.kind, &mut wanted);
    validate(key.kind, &key.name, current, &wanted)?;
    count_generation(key.kind, current, &mut wanted);
    let author = Author { manager: call.manager(), subresource: target.subresource };
    fields::enter(current, &mut wanted, author, now);
    if call.parameter("dryRun") == "All" {
        return Ok(wanted);
    }
    plane.put(now, &key, wanted);
    Ok(plane.store.get(&key).map(|object| (**object).clone()).unwrap_or_default())
}

fn check_identity(kind: Kind, name: &str, current: &Value, wanted: &Value) -> Result<(), Failure> {
    let uid = json::text(wanted, "/metadata/uid");
    if uid == json::text(current, "/metadata/uid") {
        return Ok(());
    }
    // The real server checks twice, and says so twice.
    let cause = ("metadata.uid", format!("Invalid value: \"{uid}\": field is immutable"));
    Err(Failure::invalid(kind, name, &[cause.clone(), cause]))
}

/// A write of the status changes nothing else, and a write of the rest does not change the status; some things nobody changes.
fn keep(current: &Value, wanted: &mut Value, status: bool) {
    let of_status = |name: &str| name == "status";
    if let (Value::Object(current), Value::Object(wanted)) = (current, &mut *wanted) {
        wanted.retain(|name, _| of_status(name) == status);
        let kept = current.iter().filter(|(name, _)| of_status(name) != status);
        wanted.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
        for name in ["apiVersion", "kind"] {
            wanted.extend(current.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    let metadata = json::child(wanted, "metadata");
    for name in ["name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "managedFields"] {
        match current.get("metadata").and_then(|metadata| metadata.get(name)) {
            Some(value) => drop(metadata.insert(name.to_owned(), value.clone())),
            None => drop(metadata.remove(name)),
        }
    }
}

/// The server's own kinds that make pods of a template and may be written.
const HAS_PODS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Fills in the defaults of the server's own kinds.
fn complete(kind: Kind, wanted: &mut Value) {
    if HAS_PODS.contains(&kind)
        && let Some(template) = wanted.pointer_mut("/spec/template")
    {
        *template = complete_template(template);
    }
}

fn validate(kind: Kind, name: &str, current: &Value, wanted: &Value) -> Result<(), Failure> {
    let mut causes: Vec<(&str, String)> = Vec::new();
    match kind {
        _ if HAS_PODS.contains(&kind) => {
            let labels = wanted.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
            let selector = wanted.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
            let mismatch = selector.is_none_or(|s| s.iter().any(|(label, value)| labels.get(label) != Some(value)));
            if mismatch {
                let message = format!("Invalid value: {labels}: `selector` does not match template `labels`");
                causes.push(("spec.template.metadata.labels", message));
            }
            if let Some(replicas) = json::number(wanted, "/spec/replicas").filter(|replicas| *replicas < 0) {
                let message = format!("Invalid value: {replicas}: must be greater than or equal to 0");
                causes.push(("spec.replicas", message));
            }
            let selector = wanted.pointer("/spec/selector").cloned().unwrap_or_default();
            if current.pointer("/spec/selector") != Some(&selector) {
                causes.push(("spec.selector", format!("Invalid value: {selector}: field is immutable")));
            }
        }
        Kind::Rollout => {
            if let Err(error) = spec_is_readable(wanted) {
                causes.push(("spec", format!("Invalid value: {error}")));
            }
        }
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(kind, name, &causes)) }
}

/// The generation grows with the specification; for Deployments also with the annotations, as their strategy has it; for kinds
/// without a status of its own with everything.
fn count_generation(kind: Kind, current: &Value, wanted: &mut Value) {
    if kind == Kind::Service {
        // Nobody counts what a Service asks for.
        return;
    }
    let differs = |pointer: &str| current.pointer(pointer) != wanted.pointer(pointer);
    let grows = differs("/spec")
        || (kind == Kind::Deployment && differs("/metadata/annotations"))
        || (!kind.meta().status && differs("/status"));
    if grows {
        let generation = json::number(current, "/metadata/generation").unwrap_or_default() + 1;
        json::child(wanted, "metadata").insert("generation".to_owned(), generation.into());
    }
}
