//! Reading and writing places inside JSON objects by pointer, without a panic on any shape.

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use crate::domain::time::Timestamp;

/// The text at a pointer; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a pointer; none where there is none.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// The annotation of an object; none where it has none.
pub(crate) fn annotation<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.get("metadata")?.get("annotations")?.get(name)?.as_str()
}

/// The label of an object; none where it has none.
pub(crate) fn label<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.get("metadata")?.get("labels")?.get(name)?.as_str()
}

/// The object under a key of an object, made if it is not there (or is no object).
pub(crate) fn child<'v>(value: &'v mut Value, key: &str) -> &'v mut Map<String, Value> {
    let slot = object(value).entry(key).or_insert_with(|| Value::Object(Map::new()));
    object(slot)
}

/// The value as an object, made into one if it is not.
pub(crate) fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

/// Sets an annotation.
pub(crate) fn annotate(target: &mut Value, name: &str, value: &str) {
    let metadata = child(target, "metadata");
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    object(annotations).insert(name.to_owned(), value.into());
}

/// Removes an annotation.
pub(crate) fn unannotate(target: &mut Value, name: &str) {
    if let Some(Value::Object(annotations)) = target.pointer_mut("/metadata/annotations") {
        annotations.remove(name);
    }
}

/// The generation of an object grows when its specification changes (`ObjectMeta.generation`).
pub(crate) fn count_change(before: &Value, after: &mut Value) {
    if after.get("spec") != before.get("spec") {
        let generation = number(before, "/metadata/generation").unwrap_or_default() + 1;
        child(after, "metadata").insert("generation".to_owned(), generation.into());
    }
}

/// A moment as Kubernetes writes it: UTC, whole seconds.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment as Kubernetes wrote it.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// `app=web,tier=front` of a `matchLabels` selector, as the controllers write it into `status.selector`.
pub(crate) fn match_labels(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(",")
}
