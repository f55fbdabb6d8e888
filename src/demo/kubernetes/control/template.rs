//! Pod templates: the defaults that the API server fills in, and what tells two of them apart.

use serde_json::{Value, json};

use super::super::json;
use super::super::seed::template_hash;

/// The label that Argo puts on ReplicaSets and pods.
pub(super) const ROLLOUT_HASH: &str = "rollouts-pod-template-hash";
/// The label that Deployments put on theirs.
pub(super) const DEPLOYMENT_HASH: &str = "pod-template-hash";

/// Fills in what the API server would: a template read back from a ReplicaSet equals the one it was made of.
pub(crate) fn complete(template: &Value) -> Value {
    let mut template = template.clone();
    let spec = json::child(&mut template, "spec");
    for (name, default) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        spec.entry(name).or_insert(default);
    }
    if let Some(Value::Array(containers)) = spec.get_mut("containers") {
        for container in containers {
            let latest = json::text(container, "/image").ends_with(":latest");
            let container = json::object(container);
            for (name, default) in [
                ("resources", json!({})),
                ("terminationMessagePath", json!("/dev/termination-log")),
                ("terminationMessagePolicy", json!("File")),
                ("imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" })),
            ] {
                container.entry(name).or_insert(default);
            }
        }
    }
    if let Some(Value::Object(metadata)) = template.get_mut("metadata") {
        metadata.retain(|_, value| !value.is_null());
    }
    template
}

/// The hash of a template as its owner computes it: with the defaults, without the label that holds the hash itself.
pub(super) fn hash(template: &Value, label: &str) -> String {
    let mut template = complete(template);
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove(label);
    }
    template_hash(&template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_read_back_from_its_replica_set_has_the_same_hash() {
        let given = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "registry.test/web:1"}]},
        });
        let mut read_back = complete(&given);
        read_back["metadata"]["labels"][ROLLOUT_HASH] = "abc".into();
        assert_eq!(hash(&read_back, ROLLOUT_HASH), hash(&given, ROLLOUT_HASH));
        let mut other = given.clone();
        other["spec"]["containers"][0]["image"] = "registry.test/web:2".into();
        assert_ne!(hash(&other, ROLLOUT_HASH), hash(&given, ROLLOUT_HASH));
    }
}
