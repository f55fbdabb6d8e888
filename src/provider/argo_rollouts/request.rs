//! The patches behind the verbs, built without I/O. "S" patches the status subresource, "M" the object itself: a status
//! patched on the object is ignored with a 200, and so is a spec patched on the status.

use serde_json::{Value, json};

use super::{
    ROLLOUTS, WORKLOADS,
    api::{EphemeralMetadata, HASH_LABEL},
};
use crate::{
    domain::verb::Verb,
    port::{plan::WireCall, shape::Shape},
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::Places,
        kubectl::{self, CopyTemplate},
        patch::{self, Form},
        request::Resource,
        template::Template,
    },
};

/// Annotation of a ReplicaSet with what the controller put into its template.
const EPHEMERAL: &str = "rollout.argoproj.io/ephemeral-metadata";

/// Everything that a verb can send.
pub fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let status = |writes| patch::shape(&at.object, "status", Form::Merge, writes);
    let object = |form, writes| patch::shape(&at.object, "", form, writes);
    let unpause = || object(Form::Merge, &["/spec/paused"]);
    match verb {
        Verb::Promote | Verb::Skip => {
            vec![status(&["/status/pauseConditions", "/status/controllerPause", "/status/currentStepIndex"])]
        }
        Verb::PromoteFull => vec![status(&["/status/promoteFull"])],
        Verb::Retry => vec![status(&["/status/abort"])],
        Verb::Abort => vec![status(&["/status/abort"]), unpause()],
        Verb::Pause | Verb::Resume => vec![unpause()],
        Verb::Restart => vec![object(Form::Merge, &["/spec/restartAt"])],
        Verb::Rollback => match &at.defined_by {
            Some(workload) => vec![patch::shape(workload, "", Form::Json, &["/spec/template"]), unpause()],
            None => vec![object(Form::Json, &["/spec/template", "/spec/paused"])],
        },
        _ => Vec::new(),
    }
}

/// Continues past the pause in force. Where the step's own analysis was inconclusive, clearing the pause alone would run
/// the same step again, so the step is left too, as upstream does.
pub fn promote(meta: &Meta, past_inconclusive_step: Option<usize>) -> WireCall {
    match past_inconclusive_step {
        None => status(meta, "end the pause", &json!({"pauseConditions": null})),
        Some(next) => {
            let body = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": next});
            status(meta, "end the pause and leave the inconclusive analysis", &body)
        }
    }
}

/// Leaves the running step out. A pause in force is ended with it, and `controllerPause` too: an index that moves while the
/// controller still thinks of its pause as ended by a person would skip a following pause as well.
pub fn skip(meta: &Meta, next: usize, paused: bool) -> WireCall {
    let body = if paused {
        json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": next})
    } else {
        json!({"currentStepIndex": next})
    };
    status(meta, "leave out the running step", &body)
}

/// Leaves out everything that is left.
pub fn promote_full(meta: &Meta) -> WireCall {
    status(meta, "promote fully", &json!({"promoteFull": true}))
}

/// Takes the version back.
pub fn abort(meta: &Meta) -> WireCall {
    status(meta, "abort", &json!({"abort": true}))
}

/// Tries the aborted version again.
pub fn retry(meta: &Meta) -> WireCall {
    status(meta, "retry the aborted version", &json!({"abort": false}))
}

/// Sets or clears a person's pause.
pub fn hold(meta: &Meta, paused: bool) -> WireCall {
    let words = if paused { "pause the rollout" } else { "resume the rollout" };
    merge(meta, "", words, &json!({"spec": {"paused": paused}}))
}

/// Replaces all pods that are older than `at` (RFC 3339).
pub fn restart(meta: &Meta, at: &str) -> WireCall {
    merge(meta, "", "restart the pods", &json!({"spec": {"restartAt": at}}))
}

/// Puts a template back into the spec; a person's pause, which would hold the way back up, is ended in the same call.
pub fn rollback(meta: &Meta, now: &Template, to: &ReplicaSet, held: bool) -> WireCall {
    let template = restorable(to);
    let unpause = held.then(|| json!({"op": "replace", "path": "/spec/paused", "value": false}));
    let words = words(&format!("put the template of {} back", to.metadata.name), now, &template);
    let operations = [replace(&template)].into_iter().chain(unpause.clone()).collect();
    let call = patch::call(ROLLOUTS, meta, "", words, Form::Json, &Value::Array(operations));
    by_hand(call, ROLLOUTS, meta, to, Vec::new(), unpause)
}

/// Puts a template back into the Deployment that defines the pods. The Rollout was read before, so its revision guards
/// nothing here: the images that the Deployment must still have do.
pub fn rollback_workload(namespace: &str, name: &str, now: Option<&Template>, to: &ReplicaSet) -> WireCall {
    let images = now.into_iter().flat_map(Template::containers).enumerate();
    let test = |(index, (_, image)): (usize, (&str, &str))| json!({"op": "test", "path": format!("/spec/template/spec/containers/{index}/image"), "value": image});
    let tests: Vec<Value> = images.map(test).collect();
    let template = restorable(to);
    let meta = Meta { namespace: namespace.to_owned(), name: name.to_owned(), ..Meta::default() };
    let words = format!("put the template of {} back into the Deployment {name}", to.metadata.name);
    let words = now.map_or_else(|| words.clone(), |now| self::words(&words, now, &template));
    let operations = tests.iter().cloned().chain([replace(&template)]).collect();
    let call = patch::call(WORKLOADS, &meta, "", words, Form::Json, &Value::Array(operations));
    WireCall { fills: Vec::new(), ..by_hand(call, WORKLOADS, &meta, to, tests, None) }
}

fn replace(template: &Template) -> Value {
    json!({"op": "replace", "path": "/spec/template", "value": template.0})
}

/// What is done, and which variables it changes: their values are not shown.
fn words(what: &str, now: &Template, to: &Template) -> String {
    to.variables_beside(now).map_or_else(|| what.to_owned(), |env| format!("{what}; env that changes: {env}"))
}

/// How the same is done without our knowing of the template: `kubectl` reads it where it stands.
fn by_hand(
    call: WireCall,
    resource: Resource,
    meta: &Meta,
    to: &ReplicaSet,
    before: Vec<Value>,
    after: impl IntoIterator<Item = Value>,
) -> WireCall {
    let template = &to.spec.template;
    let (labels, annotations) = added(to);
    let labels = labels.iter().map(String::as_str).filter(|key| template.has_label(key));
    let annotations = annotations.iter().map(String::as_str).filter(|key| template.has_annotation(key));
    let after = kubectl::without(labels, annotations).into_iter().chain(after).collect();
    let Meta { namespace, name, .. } = meta;
    let copy = CopyTemplate { namespace, set: &to.metadata.name, resource, name, before, after };
    WireCall { command: copy.command(), ..call }
}

/// As [`hold`], after another call: the revision of another object is not this one's, and a controller that writes in
/// between must not be able to block it.
pub fn hold_after(meta: &Meta, paused: bool) -> WireCall {
    WireCall { fills: Vec::new(), ..hold(meta, paused) }
}

/// A ReplicaSet's template without what the controller added to it: only then is its hash the ReplicaSet's again, and the
/// way back a fast one.
fn restorable(set: &ReplicaSet) -> Template {
    let (labels, annotations) = added(set);
    set.spec.template.without(labels.iter().map(String::as_str), annotations.iter().map(String::as_str))
}

/// The labels and annotations that the controller added.
fn added(set: &ReplicaSet) -> (Vec<String>, Vec<String>) {
    let added = set.metadata.annotations.get(EPHEMERAL);
    let added: EphemeralMetadata = added.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let labels = added.labels.into_keys().chain([HASH_LABEL.to_owned()]);
    (labels.collect(), added.annotations.into_keys().collect())
}

fn status(meta: &Meta, words: &str, body: &Value) -> WireCall {
    merge(meta, "status", words, &json!({"status": body}))
}

fn merge(meta: &Meta, subresource: &str, words: &str, body: &Value) -> WireCall {
    patch::call(ROLLOUTS, meta, subresource, words.to_owned(), Form::Merge, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::fill::Fill,
        provider::kubernetes::{
            patch::{JSON, MERGE},
            template::Template,
        },
    };

    fn meta() -> Meta {
        Meta { namespace: "shop".into(), name: "checkout".into(), ..Meta::default() }
    }

    #[test]
    fn abort_is_one_merge_patch_of_the_status_and_a_command_that_does_the_same() {
        let expected = WireCall {
            words: "abort".into(),
            method: "PATCH".into(),
            path: "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout/status?fieldManager=holdshort".into(),
            content_type: "application/merge-patch+json".into(),
            body: r#"{"status":{"abort":true}}"#.into(),
            fills: vec![Fill::revision("/metadata/resourceVersion")],
            command: "kubectl -n shop patch rollouts.argoproj.io checkout --subresource=status --type=merge -p \
                      '{\"status\":{\"abort\":true}}'"
                .into(),
            ..WireCall::default()
        };
        assert_eq!(abort(&meta()), expected);
    }

    #[test]
    fn each_verb_has_its_own_body_and_its_own_place() {
        let skip_paused = r#"{"status":{"controllerPause":false,"currentStepIndex":4,"pauseConditions":null}}"#;
        let table = [
            (promote(&meta(), None), true, r#"{"status":{"pauseConditions":null}}"#),
            (promote(&meta(), Some(4)), true, skip_paused),
            (skip(&meta(), 4, false), true, r#"{"status":{"currentStepIndex":4}}"#),
            (skip(&meta(), 4, true), true, skip_paused),
            (promote_full(&meta()), true, r#"{"status":{"promoteFull":true}}"#),
            (retry(&meta()), true, r#"{"status":{"abort":false}}"#),
            (hold(&meta(), true), false, r#"{"spec":{"paused":true}}"#),
            (hold(&meta(), false), false, r#"{"spec":{"paused":false}}"#),
            (restart(&meta(), "2026-11-21T06:21:55Z"), false, r#"{"spec":{"restartAt":"2026-11-21T06:21:55Z"}}"#),
        ];
        for (call, on_status, body) in table {
            let same = serde_json::from_str::<Value>(call.body.shown()).unwrap()
                == serde_json::from_str::<Value>(body).unwrap();
            assert!(same, "{}", call.body);
            assert_eq!(call.path.contains("/status?"), on_status, "{}", call.words);
            assert_eq!((call.content_type.as_str(), call.is_guarded()), (MERGE, true));
        }
    }

    #[test]
    fn a_template_goes_back_without_what_the_controller_added_to_it() {
        let added = json!({"labels": {"role": "stable"}, "annotations": {"note": "x"}}).to_string();
        let template = json!({
            "metadata": {"labels": {"app": "c", "role": "stable", HASH_LABEL: "abc"}, "annotations": {"note": "x"}},
            "spec": {"containers": [{"image": "c:1"}]},
        });
        let mut set = ReplicaSet::default();
        set.metadata.name = "checkout-abc".into();
        set.metadata.annotations.insert(EPHEMERAL.into(), added);
        set.spec.template = Template(template);
        let value = json!({"metadata": {"labels": {"app": "c"}}, "spec": {"containers": [{"image": "c:1"}]}});
        let replace = json!({"op": "replace", "path": "/spec/template", "value": value});
        let unpause = json!({"op": "replace", "path": "/spec/paused", "value": false});
        let now = Template(json!({"spec": {"containers": [{"image": "c:2", "env": [{"name": "A", "value": "x"}]}]}}));
        let patch = |call: &WireCall| serde_json::from_str::<Value>(call.body.sent().unwrap()).unwrap();
        let call = rollback(&meta(), &now, &set, false);
        assert_eq!(patch(&call), json!([replace]));
        assert_eq!(call.words, "put the template of checkout-abc back; env that changes: A (1 of 1)");
        assert_eq!((call.content_type.as_str(), call.is_guarded()), (JSON, true));
        let held = rollback(&meta(), &now, &set, true);
        assert_eq!(patch(&held), json!([replace, unpause]));
    }
}
