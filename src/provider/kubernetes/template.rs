//! Pod templates: what runs in one, and whether two are the same to the API server. Kept whole, because rolling back puts one
//! back whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::text::clean;

/// Annotation of a template by which its pods are replaced though nothing else changes.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// How many hex digits tell a template that no controller has a name for yet.
const FINGERPRINT: usize = 10;

/// A pod template.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Value);

impl Template {
    /// Is nothing said at all? Then something else defines the pods.
    pub fn is_empty(&self) -> bool {
        self.containers().next().is_none()
    }

    /// The containers that serve, by name, each with its image; those that only prepare are not among them.
    pub fn containers(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|one| {
            let image = one.get("image")?.as_str()?;
            Some((one.get("name").and_then(Value::as_str).unwrap_or_default(), image))
        })
    }

    /// The image of a container.
    pub fn image_of(&self, container: &str) -> Option<&str> {
        self.containers().find(|(name, _)| *name == container).map(|(_, image)| image)
    }

    /// An annotation of the pods.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }

    /// A label of the pods.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    /// The same template without these labels and annotations: what a controller adds to a ReplicaSet's is not the spec's.
    #[must_use]
    pub fn without<'a>(
        &self,
        labels: impl IntoIterator<Item = &'a str>,
        annotations: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut template = self.0.clone();
        forget(&mut template, "labels", labels);
        forget(&mut template, "annotations", annotations);
        Self(template)
    }

    /// Has it this label?
    pub fn has_label(&self, key: &str) -> bool {
        self.0.pointer("/metadata/labels").is_some_and(|labels| labels.get(key).is_some())
    }

    /// Has it this annotation?
    pub fn has_annotation(&self, key: &str) -> bool {
        self.0.pointer("/metadata/annotations").is_some_and(|annotations| annotations.get(key).is_some())
    }

    /// The names of the variables that are others than in `other`, and how many there are in both together: `DB_URL, MODE
    /// (2 of 12)`. Never a value of one.
    pub fn variables_beside(&self, other: &Self) -> Option<String> {
        let (here, there) = (variables(self), variables(other));
        let all: BTreeSet<_> = here.keys().chain(there.keys()).collect();
        let different: Vec<_> = all.iter().filter(|key| here.get(**key) != there.get(**key)).collect();
        let names: BTreeSet<String> = different.iter().map(|(_, name)| clean(name)).collect();
        let names: Vec<String> = names.into_iter().collect();
        (!names.is_empty()).then(|| format!("{} ({} of {})", names.join(", "), different.len(), all.len()))
    }

    /// What it is known by while no controller has a name for it. Not the hash that one will give it: that follows from Go's memory
    /// layout.
    pub fn fingerprint(&self) -> String {
        let digest = format!("{:x}", Sha256::digest(self.0.to_string()));
        format!("template-{}", digest.chars().take(FINGERPRINT).collect::<String>())
    }

    /// Are these the same to the API server? Null, empty and left out are one thing to it, and so are a default that is
    /// written down and one that is not: two servers behind one address may write a template differently.
    pub fn is_same(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }

    /// Do the same programs run in both: images, commands, arguments, environment? What servers rewrite (quantities,
    /// defaults, labels that a controller adds) is not looked at, so that a difference is certain to be one.
    pub fn runs_the_same(&self, other: &Self) -> bool {
        programs(self) == programs(other)
    }
}

fn forget<'a>(template: &mut Value, map: &str, keys: impl IntoIterator<Item = &'a str>) {
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if let Some(fields) = metadata.get_mut(map).and_then(Value::as_object_mut) {
        for key in keys {
            fields.remove(key);
        }
        if fields.is_empty() {
            metadata.remove(map);
        }
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let within = |a: &Map<String, Value>, b: &Map<String, Value>| {
                a.iter().all(|(key, value)| match b.get(key) {
                    Some(there) => same(value, there),
                    None => says_nothing(key, value),
                })
            };
            within(one, other) && other.iter().all(|(key, value)| one.contains_key(key) || says_nothing(key, value))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other || (is_empty(one) && is_empty(other)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.iter().all(|(key, value)| says_nothing(key, value)),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(on) => !on,
        Value::Number(_) => false,
    }
}

/// Is a field of this value as good as left out?
fn says_nothing(key: &str, value: &Value) -> bool {
    is_empty(value)
        || match key {
            "protocol" => *value == "TCP",
            "terminationMessagePath" => *value == "/dev/termination-log",
            "terminationMessagePolicy" => *value == "File",
            "imagePullPolicy" => *value == "Always" || *value == "IfNotPresent",
            "restartPolicy" => *value == "Always",
            "dnsPolicy" => *value == "ClusterFirst",
            "schedulerName" => *value == "default-scheduler",
            "scheme" => *value == "HTTP",
            "apiVersion" => *value == "v1",
            // The older spelling of `serviceAccountName`, which stands beside it.
            "serviceAccount" => true,
            "terminationGracePeriodSeconds" => *value == json!(30),
            "defaultMode" => *value == json!(420),
            "timeoutSeconds" | "successThreshold" => *value == json!(1),
            "periodSeconds" => *value == json!(10),
            "failureThreshold" => *value == json!(3),
            "enableServiceLinks" => *value == json!(true),
            _ => false,
        }
}

/// Every variable by its container and name.
fn variables(template: &Template) -> BTreeMap<(&str, &str), &Value> {
    let of = |list: &str| template.0.pointer(list).and_then(Value::as_array).into_iter().flatten();
    let named = |value: &'_ Value| value.get("name").and_then(Value::as_str).is_some();
    let mut found = BTreeMap::new();
    for container in of("/spec/initContainers").chain(of("/spec/containers")) {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let env = container.get("env").and_then(Value::as_array).into_iter().flatten();
        for variable in env.filter(|variable| named(variable)) {
            let called = variable.get("name").and_then(Value::as_str).unwrap_or_default();
            found.insert((name, called), variable);
        }
    }
    found
}

/// Of each container, those that prepare among them: its name and what it runs with.
fn programs(template: &Template) -> Vec<Value> {
    let of = |list: &str| template.0.pointer(list).and_then(Value::as_array).into_iter().flatten();
    let field = |one: &Value, key: &str| one.get(key).filter(|value| !is_empty(value)).cloned().unwrap_or_default();
    let variables = |one: &Value| -> Vec<Value> {
        let all = one.get("env").and_then(Value::as_array).into_iter().flatten();
        all.map(|variable| json!([field(variable, "name"), field(variable, "value")])).collect()
    };
    let program = |one: &Value| {
        json!([field(one, "name"), field(one, "image"), field(one, "command"), field(one, "args"), variables(one)])
    };
    of("/spec/initContainers").chain(of("/spec/containers")).map(program).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(metadata: &Value, container: &Value) -> Template {
        Template(json!({"metadata": metadata, "spec": {"containers": [container]}}))
    }

    #[test]
    fn what_two_servers_write_differently_is_the_same_template() {
        let one = template(&json!({"labels": {"app": "web"}}), &json!({"name": "web", "image": "web:2"}));
        let same = [
            template(
                &json!({"labels": {"app": "web"}, "creationTimestamp": null}),
                &json!({"name": "web", "image": "web:2", "resources": {}, "env": []}),
            ),
            template(
                &json!({"labels": {"app": "web"}, "annotations": {}}),
                &json!({"name": "web", "image": "web:2", "imagePullPolicy": "IfNotPresent",
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "stdin": false}),
            ),
        ];
        for other in same {
            assert!(one.is_same(&other) && other.is_same(&one), "{other:?}");
        }
        let different = [
            template(&json!({"labels": {"app": "web"}}), &json!({"name": "web", "image": "web:3"})),
            template(&json!({"labels": {"app": "other"}}), &json!({"name": "web", "image": "web:2"})),
            template(&json!({"labels": {"app": "web"}}), &json!({"name": "web", "image": "web:2", "stdin": true})),
            template(
                &json!({"labels": {"app": "web"}}),
                &json!({"name": "web", "image": "web:2", "imagePullPolicy": "Never"}),
            ),
        ];
        for other in different {
            assert!(!one.is_same(&other) && !other.is_same(&one), "{other:?}");
        }
    }

    #[test]
    fn variables_that_differ_are_named_and_counted_and_none_is_told() {
        let env = |env: &Value| template(&json!({}), &json!({"name": "web", "env": env}));
        let one = env(&json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]));
        let other = env(&json!([{"name": "A", "value": "1"}, {"name": "B", "value": "hunter2"}, {"name": "D"}]));
        assert_eq!(one.variables_beside(&other).as_deref(), Some("B, C, D (3 of 4)"));
        assert_eq!(one.variables_beside(&one), None);
    }

    #[test]
    fn the_same_programs_run_whatever_a_server_adds_or_rewrites() {
        let spec = template(
            &json!({}),
            &json!({"name": "web", "image": "web:2", "resources": {"limits": {"cpu": "0.5"}},
                "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}),
        );
        let set = template(
            &json!({"labels": {"rollouts-pod-template-hash": "abc"}}),
            &json!({"name": "web", "image": "web:2", "resources": {"limits": {"cpu": "500m"}}, "args": [],
                "env": [{"name": "A", "value": "1"},
                    {"name": "B", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "x"}}}]}),
        );
        assert!(spec.runs_the_same(&set));
        let mut other = set.clone();
        other.0["spec"]["containers"][0]["env"][0]["value"] = json!("2");
        assert!(!spec.runs_the_same(&other));
    }
}
