//! Kubernetes' wire structs, as far as we read them. Unknown fields are left out, a field of an unexpected form counts as
//! absent, and an item without a name is the only one that cannot be read.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

pub use super::hands::LastWritten;
use super::{hands::last_written, template::Template};
use crate::{domain::time::Timestamp, provider::http::items::Items};

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
    /// When it was told to go; it may still be there.
    #[serde(default, deserialize_with = "lenient")]
    pub deletion_timestamp: Option<Timestamp>,
    /// Who owns it.
    #[serde(default, deserialize_with = "readable")]
    pub owner_references: Vec<Owner>,
    /// What the server notes of its last writers.
    #[serde(default, rename = "managedFields", deserialize_with = "last_written")]
    pub last_written: LastWritten,
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

/// Any object that holds a template, as far as that.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Workload {
    /// Its metadata.
    pub metadata: Meta,
    /// What it asks for.
    #[serde(default, deserialize_with = "lenient")]
    pub spec: ReplicaSetSpec,
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
    /// What else its controller says: that pods cannot be made.
    #[serde(default, deserialize_with = "readable")]
    pub conditions: Vec<Condition>,
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
    /// When it became another one last.
    #[serde(default, deserialize_with = "lenient")]
    pub last_transition_time: Option<Timestamp>,
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
    /// To what.
    #[serde(default, deserialize_with = "lenient")]
    pub involved_object: Involved,
}

/// `involvedObject` of an event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Involved {
    /// Its UID.
    #[serde(default, deserialize_with = "lenient")]
    pub uid: String,
    /// Its kind.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
}

impl Object for Event {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// A list as it comes: text, of which each part is read on its own.
#[derive(Debug, Default, Deserialize)]
pub struct List<'a> {
    #[serde(borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    items: Option<&'a RawValue>,
}

/// Text that is there, be it `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl<'a> List<'a> {
    /// `RolloutList`.
    pub fn kind(&self) -> String {
        short(self.kind)
    }

    /// Revision, and where to go on.
    pub fn metadata(&self) -> ListMeta {
        short(self.metadata)
    }

    /// The items; `null` stands for an empty list, and nothing at all for no list.
    pub fn items<const MOST: usize>(&self) -> Option<Items<'a, MOST>> {
        let items = self.items?;
        if items.get() == "null" { Some(Items::default()) } else { Items::of(items) }
    }
}

/// A part that is read only where it is short, which it is from any API server.
fn short<T: DeserializeOwned + Default>(text: Option<&RawValue>) -> T {
    const LONGEST: usize = 64 << 10;
    let text = text.map(RawValue::get).filter(|text| text.len() <= LONGEST);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// As much of any object as tells which one it is.
#[derive(Debug, Default, Deserialize)]
pub struct Known {
    /// Which one.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: KnownMeta,
}

/// `metadata` of any object, as far as that.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownMeta {
    /// Its name; empty where it has none.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Its namespace.
    #[serde(default, deserialize_with = "lenient")]
    pub namespace: String,
    /// Its revision.
    #[serde(default, deserialize_with = "lenient")]
    pub resource_version: Option<String>,
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
pub struct Line<'a> {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK`, `ERROR`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object, or a [`Status`].
    #[serde(borrow)]
    pub object: &'a RawValue,
}

/// `Status`: how the API server says no.
#[derive(Debug, Default, Deserialize)]
pub struct Status {
    /// `Status`; absent in what is none.
    #[serde(default, deserialize_with = "lenient")]
    pub kind: String,
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
