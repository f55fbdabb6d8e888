//! The calls behind the verbs, built without I/O: patches of the Canary, of its target and of its primary, and what is asked of a
//! load tester. Of another object than the Canary the revision that guards a patch is a fact, read with the Canary's own.

use serde_json::{Value, json};

use super::{
    CANARIES, DEPLOYMENTS,
    api::{Canary, HASH_LABEL, MARKS, RESTARTED_AT},
    ask,
    gate::{self, Gate, Tester},
    sides::plain,
};
use crate::{
    domain::{text::shell_word, verb::Verb},
    port::{
        body::Body,
        fill::{Fill, Slot, Supply},
        plan::WireCall,
        shape::{Shape, is_part},
    },
    provider::kubernetes::{
        api::{Meta, ReplicaSet},
        facade::Places,
        kubectl::{self, CopyTemplate},
        patch::{self, Form, REVISION},
        template::Template,
    },
};

/// Revision of the Deployment that is released.
pub(super) const TARGET_REVISION: &str = "revision of the target";
/// Revision of the one that serves.
pub(super) const PRIMARY_REVISION: &str = "revision of the primary";

const JSON: &str = "application/json";
const RESTART: &[&str] = &["/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"];

/// Everything that a verb can send to the Canary and to its target.
pub fn shapes(verb: Verb, at: &Places) -> Vec<Shape> {
    let object = |writes| patch::shape(&at.object, "", Form::Merge, writes);
    let back =
        || vec![patch::shape(&at.object, "status", Form::Merge, &["/status/failedChecks"]), object(&["/spec/suspend"])];
    let target = |form, writes| at.defined_by.as_ref().map(|target| patch::shape(target, "", form, writes));
    match verb {
        Verb::PromoteFull => vec![object(&["/spec/skipAnalysis"])],
        Verb::Pause | Verb::Resume => vec![object(&["/spec/suspend"])],
        Verb::Abort => back(),
        Verb::Rollback => target(Form::Json, &["/spec/template"]).into_iter().chain(back()).collect(),
        Verb::Retry => target(Form::Merge, RESTART).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What a verb can send elsewhere, as this Canary says: to the load tester that its webhooks ask, and to its primary.
pub fn shapes_elsewhere(verb: Verb, canary: &Canary) -> Vec<Shape> {
    let gate = |gate: Gate, calls: &[&str]| -> Vec<Shape> {
        let tester = gate::of(canary, gate);
        let shape = |tester: &Tester, call: &&str| shape_of_gate(canary, tester, gate, call);
        tester.iter().flat_map(|tester| calls.iter().map(|call| shape(tester, call)).collect::<Vec<_>>()).collect()
    };
    match verb {
        Verb::Promote => gate(Gate::Confirm, &["open", "close"]),
        Verb::Reject => gate(Gate::Confirm, &["close"]),
        Verb::Abort | Verb::Rollback => gate(Gate::Rollback, &["open", "close"]),
        Verb::Restart if canary.has_deployment() && is_part(&canary.primary()) => {
            let primary = (DEPLOYMENTS, (canary.metadata.namespace.clone(), canary.primary()));
            vec![patch::shape(&primary, "", Form::Merge, RESTART)]
        }
        _ => Vec::new(),
    }
}

fn shape_of_gate(canary: &Canary, tester: &Tester, gate: Gate, call: &str) -> Shape {
    let Meta { name, namespace, .. } = &canary.metadata;
    Shape {
        method: "POST",
        path: tester.path(gate, call),
        content_type: JSON,
        writes: &["/name", "/namespace"],
        holds: vec![("/name", name.clone()), ("/namespace", namespace.clone())],
        ..Shape::default()
    }
}

/// Opens or closes a gate of this canary. Nothing guards it: what it is bound to is read right before.
pub(super) fn turn(canary: &Canary, tester: &Tester, gate: Gate, open: bool) -> WireCall {
    let call = if open { "open" } else { "close" };
    let (path, body) = (tester.path(gate, call), ask::about(canary).to_string());
    WireCall {
        words: format!("{call} the {}", gate.words()),
        method: "POST".to_owned(),
        content_type: JSON.to_owned(),
        command: format!("kubectl create --raw {} -f - <<<{}", shell_word(&path), shell_word(&body)),
        body: Body::open(body),
        path,
        ..WireCall::default()
    }
}

/// Has new versions promoted unmeasured, or measured again.
pub(super) fn skip_analysis(meta: &Meta, skip: bool) -> WireCall {
    let words = if skip { "leave the analysis out" } else { "have new versions measured again" };
    merge(meta, "", words, &json!({"spec": {"skipAnalysis": skip}}))
}

/// Sets or clears a person's suspension.
pub(super) fn suspend(meta: &Meta, suspend: bool) -> WireCall {
    merge(
        meta,
        "",
        if suspend { "suspend the canary" } else { "resume the canary" },
        &json!({"spec": {"suspend": suspend}}),
    )
}

/// Raises the count of failed checks to where Flagger takes a version back.
pub(super) fn fail(meta: &Meta, threshold: i64) -> WireCall {
    let words = format!("raise the failed checks to {threshold}");
    merge(meta, "status", &words, &json!({"status": {"failedChecks": threshold}}))
}

/// As a call is that goes after another one: a controller that writes in between must not be able to block it.
pub(super) fn unguarded(call: WireCall) -> WireCall {
    WireCall { fills: Vec::new(), ..call }
}

/// Puts a template back into the target: one of the target's own, for the primary's has other labels and other config maps.
pub(super) fn put_back(target: &Meta, now: &Template, to: &ReplicaSet, alone: bool) -> WireCall {
    let back = plain(&to.spec.template);
    let env = back.variables_beside(now);
    let mut words = format!("put the template of {} back into the Deployment {}", to.metadata.name, target.name);
    words.extend(env.map(|env| format!("; env that changes: {env}")));
    let operations = json!([{"op": "replace", "path": "/spec/template", "value": back.0}]);
    let call = patch::call(DEPLOYMENTS, target, "", words, Form::Json, &operations);
    let (namespace, name) = (&target.namespace, &target.name);
    let command = if let Some(revision) = MARKS.revision_of(to).filter(|revision| *revision > 0 && alone) {
        let workload = shell_word(&format!("deployment/{name}"));
        format!("kubectl -n {} rollout undo {workload} --to-revision={revision}", shell_word(namespace))
    } else {
        let label = [HASH_LABEL].into_iter().filter(|key| to.spec.template.has_label(key));
        let (before, after) = (Vec::new(), kubectl::without(label, []));
        let set = &to.metadata.name;
        CopyTemplate { namespace, set, resource: DEPLOYMENTS, name, before, after }.command()
    };
    WireCall { command, ..guarded_by(TARGET_REVISION, call) }
}

/// Replaces all pods of a Deployment, by an annotation of its template; `at` is RFC 3339. Of the target, which has none, it is a new
/// revision that Flagger lets in.
pub(super) fn restart(of: &Meta, words: &str, guard: &str, at: &str) -> WireCall {
    let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
    let call = patch::call(DEPLOYMENTS, of, "", words.to_owned(), Form::Merge, &body);
    let (namespace, name) = (shell_word(&of.namespace), shell_word(&format!("deployment/{}", of.name)));
    let command = format!("kubectl -n {namespace} rollout restart {name}");
    WireCall { command, ..guarded_by(guard, call) }
}

/// Guarded by the revision of another object than the Canary, which is a fact of it.
fn guarded_by(fact: &str, call: WireCall) -> WireCall {
    let fills = vec![Fill { from: Supply::Fact(fact.to_owned()), into: Slot::Json(REVISION.to_owned()) }];
    WireCall { fills, ..call }
}

fn merge(meta: &Meta, subresource: &str, words: &str, body: &Value) -> WireCall {
    patch::call(CANARIES, meta, subresource, words.to_owned(), Form::Merge, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary() -> Canary {
        serde_json::from_value(json!({
            "metadata": {"name": "podinfo", "namespace": "test"},
            "spec": {
                "targetRef": {"kind": "Deployment", "name": "podinfo"},
                "analysis": {"webhooks": [
                    {"type": "confirm-promotion", "name": "gate", "url": "http://flagger-loadtester.test/gate/check"},
                ]},
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_gate_is_opened_through_the_api_server_for_this_canary_and_by_a_command_that_does_the_same() {
        let canary = canary();
        let tester = gate::of(&canary, Gate::Confirm).unwrap();
        let path = "/api/v1/namespaces/test/services/flagger-loadtester:80/proxy/gate/open";
        let body = r#"{"name":"podinfo","namespace":"test"}"#;
        let expected = WireCall {
            words: "open the gate".into(),
            method: "POST".into(),
            path: path.into(),
            content_type: "application/json".into(),
            body: body.into(),
            command: format!("kubectl create --raw {path} -f - <<<'{body}'"),
            ..WireCall::default()
        };
        assert_eq!(turn(&canary, &tester, Gate::Confirm, true), expected);
    }

    #[test]
    fn pausing_and_leaving_out_are_guarded_patches_of_the_canary_alone() {
        let meta = Meta { namespace: "test".into(), name: "podinfo".into(), ..Meta::default() };
        let path = "/apis/flagger.app/v1beta1/namespaces/test/canaries/podinfo?fieldManager=holdshort";
        let table = [
            (suspend(&meta, true), path, r#"{"spec":{"suspend":true}}"#),
            (skip_analysis(&meta, false), path, r#"{"spec":{"skipAnalysis":false}}"#),
            (
                fail(&meta, 5),
                "/apis/flagger.app/v1beta1/namespaces/test/canaries/podinfo/status?fieldManager=holdshort",
                r#"{"status":{"failedChecks":5}}"#,
            ),
        ];
        for (call, path, body) in table {
            assert_eq!((call.path.as_str(), call.body.sent(), call.is_guarded()), (path, Some(body), true));
        }
        let command = "kubectl -n test patch canaries.flagger.app podinfo --subresource=status --type=merge \
                       -p '{\"status\":{\"failedChecks\":5}}'";
        assert_eq!(fail(&meta, 5).command, command);
    }

    #[test]
    fn a_template_goes_back_as_the_target_had_it_guarded_by_the_revision_of_the_target() {
        let target = Meta { namespace: "test".into(), name: "podinfo".into(), ..Meta::default() };
        let template = |hash: Option<&str>| {
            let labels = hash.map_or(json!({"app": "podinfo"}), |hash| json!({"app": "podinfo", HASH_LABEL: hash}));
            Template(
                json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "podinfo:6.0"}]}}),
            )
        };
        let mut set = ReplicaSet::default();
        set.metadata.name = "podinfo-abc".into();
        set.metadata.annotations.insert(MARKS.revision.into(), "4".into());
        set.spec.template = template(Some("abc"));
        let call = put_back(&target, &template(None), &set, true);
        let operations = json!([{"op": "replace", "path": "/spec/template", "value": template(None).0}]);
        assert_eq!(serde_json::from_str::<Value>(call.body.sent().unwrap()).unwrap(), operations);
        assert_eq!(call.command, "kubectl -n test rollout undo deployment/podinfo --to-revision=4");
        let guard = Fill { from: Supply::Fact(TARGET_REVISION.into()), into: Slot::Json(REVISION.into()) };
        assert_eq!(call.fills, [guard]);
        assert!(put_back(&target, &template(None), &set, false).command.contains(" --patch-file=/dev/stdin"));
    }
}
