//! The patches behind the verbs, built without I/O.

use serde_json::{Value, json};

use super::{
    DEPLOYMENTS,
    api::{CAUSE, Deployment, HASH_LABEL, MARKS},
    sides::plain,
};
use crate::{
    domain::{text::shell_word, verb::Verb},
    port::{plan::WireCall, shape::Shape},
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::Places,
        kubectl::{self, CopyTemplate},
        patch::{self, Form},
        template::RESTARTED_AT,
    },
};

/// What a way back can write.
const BACK: &[&str] = &["/spec/template", "/spec/paused", "/metadata/annotations/kubernetes.io~1change-cause"];

/// Everything that a verb can send.
pub fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let shape = |form, writes| vec![patch::shape(&at.object, "", form, writes)];
    match verb {
        Verb::Pause | Verb::Resume => shape(Form::Merge, &["/spec/paused"]),
        Verb::Restart => {
            shape(Form::Merge, &["/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"])
        }
        Verb::Abort | Verb::Rollback => shape(Form::Json, BACK),
        _ => Vec::new(),
    }
}

/// Sets or clears a person's pause.
pub fn hold(meta: &Meta, paused: bool) -> WireCall {
    // Cleared as kubectl clears it: the field goes away.
    let (verb, value) = if paused { ("pause", json!(true)) } else { ("resume", Value::Null) };
    by_kubectl(merge(meta, &format!("{verb} the rollout"), &json!({"spec": {"paused": value}})), meta, verb, "")
}

/// Replaces all pods, by an annotation of their template; `at` is RFC 3339.
pub fn restart(meta: &Meta, at: &str) -> WireCall {
    let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
    by_kubectl(merge(meta, "restart the pods", &body), meta, "restart", "")
}

/// Puts a ReplicaSet's template back into the spec. A person's pause is ended in the same call: a call of its own before
/// it would let the bad version go on, and kubectl refuses to undo while it is in force.
///
/// Unlike kubectl's, it leaves the Deployment's annotations alone, but for the change cause: that one would otherwise be
/// copied to the version that is put back.
pub fn rollback(deployment: &Deployment, to: &ReplicaSet, all: &[&ReplicaSet]) -> WireCall {
    let (meta, held) = (&deployment.metadata, deployment.spec.paused);
    let back = plain(&to.spec.template);
    let env = back.variables_beside(&deployment.spec.template);
    let template = json!({"op": "replace", "path": "/spec/template", "value": back.0});
    let unpause = held.then(|| json!({"op": "replace", "path": "/spec/paused", "value": false}));
    let operations = [template].into_iter().chain(unpause.clone()).chain(cause(meta, &to.metadata)).collect();
    let mut words = format!("put the template of {} back", to.metadata.name);
    words.extend(env.map(|env| format!("; env that changes: {env}")));
    let call = patch::call(DEPLOYMENTS, meta, "", words, Form::Json, &Value::Array(operations));
    // A command that cannot name the version would put another one back: `--to-revision=0` is "the one before", and of two with
    // one number kubectl takes either.
    let number = MARKS.revision_of(to);
    let bears = |set: &&&ReplicaSet| MARKS.revision_of(set) == number && set.metadata.name != to.metadata.name;
    match number {
        Some(revision @ 1..) if !held && !all.iter().any(|set| bears(&set)) => {
            by_kubectl(call, meta, "undo", &format!(" --to-revision={revision}"))
        }
        _ => by_hand(call, meta, to, unpause),
    }
}

/// The template goes from one `kubectl` to another. The change cause of the version that is left does not stay: what it says
/// instead may be a secret too, and the ReplicaSet still has its own.
fn by_hand(call: WireCall, meta: &Meta, to: &ReplicaSet, unpause: Option<Value>) -> WireCall {
    let Meta { namespace, name, .. } = meta;
    let differs = cause(meta, &to.metadata).map(|_| json!({"op": "remove", "path": cause_path()}));
    let label = [HASH_LABEL].into_iter().filter(|key| to.spec.template.has_label(key));
    let after = kubectl::without(label, []).into_iter().chain(unpause).chain(differs).collect();
    let set = &to.metadata.name;
    let copy = CopyTemplate { namespace, set, resource: DEPLOYMENTS, name, before: Vec::new(), after };
    WireCall { command: copy.command(), ..call }
}

fn cause_path() -> String {
    format!("/metadata/annotations/{}", CAUSE.replace('/', "~1"))
}

/// Makes the Deployment's change cause the one of the version that it goes back to.
fn cause(from: &Meta, to: &Meta) -> Option<Value> {
    let path = cause_path();
    match (from.annotations.get(CAUSE), to.annotations.get(CAUSE)) {
        (Some(old), Some(new)) if old != new => Some(json!({"op": "replace", "path": path, "value": new})),
        (Some(_), None) => Some(json!({"op": "remove", "path": path})),
        _ => None,
    }
}

fn merge(meta: &Meta, words: &str, body: &Value) -> WireCall {
    patch::call(DEPLOYMENTS, meta, "", words.to_owned(), Form::Merge, body)
}

/// kubectl has commands of its own for Deployments, which people know.
fn by_kubectl(mut call: WireCall, meta: &Meta, verb: &str, options: &str) -> WireCall {
    let (namespace, name) = (shell_word(&meta.namespace), shell_word(&format!("deployment/{}", meta.name)));
    call.command = format!("kubectl -n {namespace} rollout {verb} {name}{options}");
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::fill::Fill,
        provider::kubernetes::{patch::JSON, template::Template},
    };

    fn meta(cause: Option<&str>) -> Meta {
        let annotations = cause.into_iter().map(|cause| (CAUSE.to_owned(), cause.to_owned())).collect();
        Meta { namespace: "shop".into(), name: "web".into(), annotations, ..Meta::default() }
    }

    fn merged(words: &str, body: &str, command: &str) -> WireCall {
        WireCall {
            words: words.into(),
            method: "PATCH".into(),
            path: "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=holdshort".into(),
            content_type: "application/merge-patch+json".into(),
            body: body.into(),
            fills: vec![Fill::revision("/metadata/resourceVersion")],
            command: command.into(),
            ..WireCall::default()
        }
    }

    #[test]
    fn pause_resume_and_restart_send_what_kubectl_sends() {
        let at = "2026-11-21T06:15:25Z";
        let annotated = r#"{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-21T06:15:25Z"}}}}}"#;
        let table = [
            (
                hold(&meta(None), true),
                merged(
                    "pause the rollout",
                    r#"{"spec":{"paused":true}}"#,
                    "kubectl -n shop rollout pause deployment/web",
                ),
            ),
            (
                hold(&meta(None), false),
                merged(
                    "resume the rollout",
                    r#"{"spec":{"paused":null}}"#,
                    "kubectl -n shop rollout resume deployment/web",
                ),
            ),
            (
                restart(&meta(None), at),
                merged("restart the pods", annotated, "kubectl -n shop rollout restart deployment/web"),
            ),
        ];
        for (call, expected) in table {
            assert_eq!(call, expected);
        }
    }

    fn set(cause: Option<&str>) -> ReplicaSet {
        let mut set = ReplicaSet { metadata: meta(cause), ..ReplicaSet::default() };
        set.metadata.name = "web-abc".into();
        set.metadata.annotations.insert(MARKS.revision.into(), "7".into());
        set.spec.template = Template(json!({"metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}}}));
        set
    }

    fn operations(call: &WireCall) -> Value {
        serde_json::from_str(call.body.sent().unwrap()).unwrap()
    }

    #[test]
    fn a_paused_deployment_goes_back_in_one_call_that_kubectl_has_no_command_for() {
        let mut deployment = Deployment { metadata: meta(None), ..Deployment::default() };
        let template =
            json!({"op": "replace", "path": "/spec/template", "value": {"metadata": {"labels": {"app": "web"}}}});
        let call = rollback(&deployment, &set(None), &[&set(None)]);
        assert_eq!(operations(&call), json!([template]));
        assert_eq!(call.command, "kubectl -n shop rollout undo deployment/web --to-revision=7");
        let mut twin = set(None);
        twin.metadata.name = "web-def".into();
        let twice = rollback(&deployment, &set(None), &[&twin, &set(None)]);
        assert!(!twice.command.contains("undo") && twice.command.contains(" patch "), "{}", twice.command);
        deployment.spec.paused = true;
        let call = rollback(&deployment, &set(None), &[]);
        assert_eq!(operations(&call), json!([template, {"op": "replace", "path": "/spec/paused", "value": false}]));
        assert_eq!((call.content_type.as_str(), call.is_guarded()), (JSON, true));
        let read = r#"kubectl -n shop get replicasets.apps web-abc -o jsonpath='[{"{"}"op":"replace","path":"/spec/template","value":{.spec.template}{"}"},"#;
        let rest = r#"{"{"}"op":"remove","path":"/spec/template/metadata/labels/pod-template-hash"{"}"},{"{"}"op":"replace","path":"/spec/paused","value":false{"}"}]'"#;
        let patch = "kubectl -n shop patch deployments.apps web --type=json --patch-file=/dev/stdin";
        assert_eq!(call.command, format!("{read}{rest} | {patch}"));
    }

    #[test]
    fn the_change_cause_goes_back_with_the_template_and_no_other_annotation_does() {
        let path = "/metadata/annotations/kubernetes.io~1change-cause";
        let table = [
            (Some("bad"), Some("good"), json!({"op": "replace", "path": path, "value": "good"})),
            (Some("bad"), None, json!({"op": "remove", "path": path})),
            (Some("same"), Some("same"), Value::Null),
            (None, Some("good"), Value::Null),
        ];
        for (from, to, expected) in table {
            let deployment = Deployment { metadata: meta(from), ..Deployment::default() };
            let told = operations(&rollback(&deployment, &set(to), &[]));
            assert_eq!(told.get(1).cloned().unwrap_or_default(), expected, "{from:?} {to:?}");
        }
    }
}
