//! The patches behind the verbs, built without I/O.

use serde_json::{Value, json};

use super::{
    api::{BEFORE, Workload},
    revision::Revision,
};
use crate::{
    domain::{text::shell_word, verb::Verb},
    port::{plan::WireCall, shape::Shape},
    provider::kubernetes::{
        api::Meta,
        facade::Places,
        patch::{self, Form},
        template::RESTARTED_AT,
    },
};

/// Where the partition stands.
const PARTITION: &str = "/spec/updateStrategy/rollingUpdate/partition";
/// Where our mark stands that it was moved by a pause.
const MARK: &str = "/metadata/annotations/holdshort.dev~1partition-before";

/// Everything that a verb can send.
pub(super) fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let shape = |form, writes| vec![patch::shape(&at.object, "", form, writes)];
    match verb {
        Verb::Pause | Verb::Resume => shape(Form::Merge, &[PARTITION, MARK]),
        Verb::Promote | Verb::Next => shape(Form::Merge, &[PARTITION]),
        Verb::Restart => {
            shape(Form::Merge, &["/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"])
        }
        Verb::Abort | Verb::Rollback => shape(Form::Json, &["/spec/template", PARTITION, MARK]),
        _ => Vec::new(),
    }
}

/// Lets only pods from this index on be exchanged. What the partition was before is kept beside it, for a resume.
pub(super) fn pause<W: Workload>(meta: &Meta, at: u32, before: u32) -> WireCall {
    let body = json!({"metadata": {"annotations": {BEFORE: before.to_string()}}, "spec": partition(at)});
    merge::<W>(meta, &format!("set the partition to {at}, so that no further pod is exchanged"), &body)
}

/// Puts the partition back to what it was before a pause of ours.
pub(super) fn resume<W: Workload>(meta: &Meta, to: u32) -> WireCall {
    let body = json!({"metadata": {"annotations": {BEFORE: null}}, "spec": partition(to)});
    merge::<W>(meta, &format!("set the partition back to {to}"), &body)
}

/// Lets pods from this index on be exchanged.
pub(super) fn go_on<W: Workload>(meta: &Meta, to: u32) -> WireCall {
    merge::<W>(meta, &format!("set the partition to {to}"), &json!({"spec": partition(to)}))
}

/// Replaces all pods, by an annotation of their template; `at` is RFC 3339.
pub(super) fn restart<W: Workload>(meta: &Meta, at: &str) -> WireCall {
    let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
    by_kubectl::<W>(merge::<W>(meta, "restart the pods", &body), meta, "restart", "")
}

/// Puts a version's template back into the spec. `partition` is what the partition becomes in the same call, where it would keep
/// pods from going back.
pub(super) fn rollback<W: Workload>(object: &W, to: &Revision<'_>, partition: Option<u32>) -> WireCall {
    let meta = object.meta();
    let env = to.template.variables_beside(object.template());
    let template = json!({"op": "replace", "path": "/spec/template", "value": to.template.0});
    let moved = partition.map(|partition| json!({"op": "replace", "path": PARTITION, "value": partition}));
    let mark = object.before().map(|_| json!({"op": "remove", "path": MARK}));
    let rest: Vec<Value> = moved.into_iter().chain(mark).collect();
    let mut words = format!("put the template of {} back", to.meta.name);
    words.extend(partition.map(|partition| format!(" and set the partition to {partition}")));
    words.extend(env.map(|env| format!("; env that changes: {env}")));
    let operations = [template].into_iter().chain(rest.iter().cloned()).collect();
    let call = patch::call(W::RESOURCE, meta, "", words, Form::Json, &Value::Array(operations));
    let Some(number) = to.number else { return call };
    let mut call = by_kubectl::<W>(call, meta, "undo", &format!(" --to-revision={number}"));
    if !rest.is_empty() {
        // kubectl's own command leaves the partition alone.
        let after = patch::call(W::RESOURCE, meta, "", String::new(), Form::Json, &Value::Array(rest)).command;
        call.command = format!("{} && {after}", call.command);
    }
    call
}

fn partition(at: u32) -> Value {
    json!({"updateStrategy": {"rollingUpdate": {"partition": at}}})
}

fn merge<W: Workload>(meta: &Meta, words: &str, body: &Value) -> WireCall {
    patch::call(W::RESOURCE, meta, "", words.to_owned(), Form::Merge, body)
}

/// kubectl has commands of its own for these, which people know.
fn by_kubectl<W: Workload>(mut call: WireCall, meta: &Meta, verb: &str, options: &str) -> WireCall {
    let (namespace, name) = (shell_word(&meta.namespace), shell_word(&format!("{}/{}", W::KUBECTL, meta.name)));
    call.command = format!("kubectl -n {namespace} rollout {verb} {name}{options}");
    call
}
