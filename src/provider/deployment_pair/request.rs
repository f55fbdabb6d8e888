//! The patches behind the verbs, built without I/O. Those of a Deployment are guarded by what it must still hold: the revision that is
//! read before a call is the Service's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    SERVICES,
    api::{Service, selects},
    pair::Side,
};
use crate::{
    domain::{
        text::{counted, shell_word},
        verb::Verb,
    },
    port::{plan::WireCall, shape::Shape},
    provider::{
        deployment::{DEPLOYMENTS, api::MARKS},
        kubernetes::{
            api::ReplicaSet,
            facade::Places,
            patch::{self, Form},
            template::Template,
        },
    },
};

/// Everything that a verb can send: to the Service, and to either Deployment.
pub(super) fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let scaled = || at.parts.iter().map(|part| patch::shape(part, "", Form::Json, &["/spec/replicas"]));
    let written = || at.parts.iter().map(|part| patch::shape(part, "", Form::Json, &["/spec/template"]));
    let switched = || patch::shape(&at.object, "", Form::Json, &["/spec/selector"]);
    match verb {
        Verb::Abort | Verb::Set => scaled().collect(),
        Verb::PromoteFull | Verb::Rollback => scaled().chain(written()).chain([switched()]).collect(),
        _ => Vec::new(),
    }
}

/// Asks for so many pods of a side.
pub(super) fn scale(side: &Side<'_>, to: u32) -> WireCall {
    let now = side.deployment.replicas();
    let test = json!({"op": "test", "path": "/spec/replicas", "value": now});
    let body = json!([test, {"op": "replace", "path": "/spec/replicas", "value": to}]);
    let mut call = of_deployment(side, format!("scale {} from {now} to {}", side.name(), counted(to, "pod")), &body);
    let (namespace, name) = names(side);
    call.command = format!("kubectl -n {namespace} scale {name} --current-replicas={now} --replicas={to}");
    call
}

/// Takes pods of a side away, however many are asked for by now.
pub(super) fn take_away(side: &Side<'_>) -> WireCall {
    let body = json!([{"op": "replace", "path": "/spec/replicas", "value": 0}]);
    let mut call = of_deployment(side, format!("scale {} to 0 pods", side.name()), &body);
    let (namespace, name) = names(side);
    call.command = format!("kubectl -n {namespace} scale {name} --replicas=0");
    call
}

/// Gives the stable side what the canary runs, under its own labels.
pub(super) fn give(stable: &Side<'_>, canary: &Side<'_>) -> WireCall {
    let words = format!("give {} the template of {}", stable.name(), canary.name());
    write(stable, &relabelled(canary.template(), &selects(&stable.deployment)), words)
}

/// Puts an earlier template of a side back.
pub(super) fn put_back(side: &Side<'_>, set: &ReplicaSet) -> WireCall {
    let template = set.spec.template.without([MARKS.hash], []);
    let mut call = write(side, &template, format!("put the template of {} back", set.metadata.name));
    if let Some(number) = MARKS.revision_of(set) {
        let (namespace, name) = names(side);
        call.command = format!("kubectl -n {namespace} rollout undo {name} --to-revision={number}");
    }
    call
}

/// Sends the Service's traffic to the pods that carry this label's value.
pub(super) fn switch(service: &Service, label: &str, to: &str) -> WireCall {
    let before = &service.spec.selector;
    let after: BTreeMap<&str, &str> =
        before.iter().map(|(key, value)| (key.as_str(), if key == label { to } else { value.as_str() })).collect();
    let body = json!([
        {"op": "test", "path": "/spec/selector", "value": before},
        {"op": "replace", "path": "/spec/selector", "value": after},
    ]);
    patch::call(SERVICES, &service.metadata, "", format!("make the Service select {label}={to}"), Form::Json, &body)
}

fn write(side: &Side<'_>, template: &Template, words: String) -> WireCall {
    let images = side.template().containers().enumerate();
    let test = |(index, (_, image)): (usize, (&str, &str))| json!({"op": "test", "path": format!("/spec/template/spec/containers/{index}/image"), "value": image});
    let replace = json!({"op": "replace", "path": "/spec/template", "value": template.0});
    let operations = images.map(test).chain([replace]).collect();
    let env = template.variables_beside(side.template());
    let words = match env {
        Some(env) => format!("{words}; env that changes: {env}"),
        None => words,
    };
    of_deployment(side, words, &Value::Array(operations))
}

fn of_deployment(side: &Side<'_>, words: String, body: &Value) -> WireCall {
    let call = patch::call(DEPLOYMENTS, &side.deployment.metadata, "", words, Form::Json, body);
    WireCall { fills: Vec::new(), ..call }
}

fn names(side: &Side<'_>) -> (String, String) {
    let meta = &side.deployment.metadata;
    (shell_word(&meta.namespace), shell_word(&format!("deployment/{}", meta.name)))
}

/// A template with these labels in place of its own of the same names.
fn relabelled(template: &Template, labels: &BTreeMap<String, String>) -> Template {
    let mut template = template.clone();
    if let Some(own) = template.0.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        own.extend(labels.iter().map(|(key, value)| (key.clone(), value.clone().into())));
    }
    template
}
