//! Kubernetes' wire structs, as far as we read them. Unknown fields are left out, a field of an unexpected form counts as
//! absent, and an item without a name is the only one that cannot be read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::domain::time::Timestamp;

/// Reads a field, or takes it for absent when it is null or of another form.
///
/// # Errors
/// Only when the JSON itself is broken.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(T::deserialize(Value::deserialize(from)?).unwrap_or_default())
}

/// Reads a list, without the items that cannot be read.
///
/// # Errors
/// Only when the JSON itself is broken.
pub fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let items: Vec<Value> = lenient(from)?;
    Ok(items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect())
}

/// An object that has metadata.
pub trait Object: DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its metadata.
    fn meta(&self) -> &Meta;
}

/// `metadata` of any object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Its name: the one field that must be there.
    pub name: String,
    /// Its namespace.
    #[serde(default, deserialize_with = "lenient")]
    pub namespace: String,
    /// Its UID.
    #[serde(default, deserialize_with = "lenient")]
    pub uid: String,
    /// Its revision, opaque.
    #[serde(default, deserialize_with = "lenient")]
    pub resource_version: String,
    /// The generation of its spec.
    #[serde(default, deserialize_with = "lenient")]
    pub generation: i64,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient")]
    pub creation_timestamp: Option<Timestamp>,
    /// Its labels.
    #[serde(default, deserialize_with = "lenient")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default, deserialize_with = "lenient")]
    pub annotations: BTreeMap<String, String>,
    /// Who owns it.
    #[serde(default, deserialize_with = "readable")]
    pub owner_references: Vec<Owner>,
}

impl Meta {
    /// The UID of the owner that controls it.
    pub fn controller(&self) -> Option<&str> {
        self.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }

    /// `namespace/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// An entry of `metadata.ownerReferences`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Owner {
    /// The owner's UID.
    pub uid: String,
    /// Does it control the object?
    #[serde(default, deserialize_with = "lenient")]
    pub controller: bool,
}

/// A pod template: kept whole, because rolling back puts it back whole.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Value);

impl Template {
    /// The image of the first container: the service itself; sidecars come after it.
    pub fn image(&self) -> Option<&str> {
        self.0.pointer("/spec/containers/0/image").and_then(Value::as_str)
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

/// A `ReplicaSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ReplicaSet {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: ReplicaSetSpec,
    /// What there is.
    #[serde(default, deserialize_with = "lenient")]
    pub status: ReplicaSetStatus,
}

impl Object for ReplicaSet {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// `spec` of a `ReplicaSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ReplicaSetSpec {
    /// Pods asked for; one when absent.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: Option<u32>,
    /// What runs in them.
    #[serde(default, deserialize_with = "lenient")]
    pub template: Template,
}

/// `status` of a `ReplicaSet`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetStatus {
    /// Pods that exist.
    #[serde(default, deserialize_with = "lenient")]
    pub replicas: u32,
    /// Pods that are ready.
    #[serde(default, deserialize_with = "lenient")]
    pub ready_replicas: u32,
    /// Pods that are available.
    #[serde(default, deserialize_with = "lenient")]
    pub available_replicas: u32,
}

/// An entry of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Progressing`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// `ProgressDeadlineExceeded`.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
    /// In words.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// When it was last written.
    #[serde(default, deserialize_with = "lenient")]
    pub last_update_time: Option<Timestamp>,
}

/// An `Event` of `v1`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its metadata.
    pub metadata: Meta,
    /// Its reason word.
    #[serde(default, deserialize_with = "lenient")]
    pub reason: String,
    /// Its message.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// `Normal` or `Warning`.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    /// How often; absent in events of the newer form.
    #[serde(default, deserialize_with = "lenient")]
    pub count: Option<u32>,
    /// When it happened last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_timestamp: Option<Timestamp>,
    /// When it happened, in the newer form.
    #[serde(default, deserialize_with = "lenient")]
    pub event_time: Option<Timestamp>,
}

impl Object for Event {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// A list as it comes; its items are read one by one.
#[derive(Debug, Default, Deserialize)]
pub struct List {
    /// Revision, and where to go on.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: ListMeta,
    /// The items; `null` stands for none.
    #[serde(default, deserialize_with = "lenient")]
    pub items: Vec<Value>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The revision that the list shows.
    #[serde(default, deserialize_with = "lenient")]
    pub resource_version: String,
    /// Token for the next page.
    #[serde(default, rename = "continue", deserialize_with = "lenient")]
    pub next: Option<String>,
}

/// One line of a watch.
#[derive(Debug, Deserialize)]
pub struct Line {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK`, `ERROR`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object, or a [`Status`].
    pub object: Value,
}

/// `Status`: how the API server says no.
#[derive(Debug, Default, Deserialize)]
pub struct Status {
    /// What it says.
    #[serde(default, deserialize_with = "lenient")]
    pub message: String,
    /// The HTTP status it stands for.
    #[serde(default, deserialize_with = "lenient")]
    pub code: u16,
}

/// A label selector as a query takes it: `app=checkout,tier in (api,web)`; `None` when there is none, or none that can
/// be read.
pub fn selector(wire: &Value) -> Option<String> {
    let wire = LabelSelector::deserialize(wire).ok()?;
    let text = Selector::try_from(wire).ok()?.to_string();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_of_another_form_is_absent_and_the_rest_is_read() {
        let set: ReplicaSet = serde_json::from_value(json!({
            "metadata": {"name": "a", "labels": null, "ownerReferences": [{"uid": 7}, {"uid": "u", "controller": true}],
                "creationTimestamp": "yesterday", "generation": "x"},
            "spec": {"replicas": -1, "template": null},
            "status": {"readyReplicas": 2, "replicas": "many"},
        }))
        .unwrap();
        let owner = Owner { uid: "u".into(), controller: true };
        let expected = ReplicaSet {
            metadata: Meta { name: "a".into(), owner_references: vec![owner], ..Meta::default() },
            spec: ReplicaSetSpec::default(),
            status: ReplicaSetStatus { ready_replicas: 2, ..ReplicaSetStatus::default() },
        };
        assert_eq!(set, expected);
    }

    #[test]
    fn a_selector_is_written_as_a_query_takes_it() {
        let wire = json!({"matchLabels": {"app": "checkout"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["api", "web"]}]});
        assert_eq!(selector(&wire).as_deref(), Some("app=checkout,tier in (api,web)"));
        assert_eq!(selector(&json!({})), None);
        assert_eq!(selector(&json!({"matchLabels": 3})), None);
    }
}
