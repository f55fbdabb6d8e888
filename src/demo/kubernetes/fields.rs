//! `metadata.managedFields`: who last wrote which field, as far as a reader who looks for other people's hands needs it.
//!
//! Only changed fields are entered, by object key; the items of lists are not told apart.

use serde_json::{Map, Value, json};

use super::json;
use crate::domain::time::Timestamp;

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Author<'a> {
    pub(crate) manager: &'a str,
    /// `status` when written through that subresource.
    pub(crate) subresource: Option<&'a str>,
}

/// What a tree of changes looks like: `f:` names down to the changed fields.
type Tree = Map<String, Value>;

/// Enters the difference between two states of an object under its author, and takes it from everybody else.
pub(crate) fn enter(before: &Value, after: &mut Value, author: Author<'_>, now: Timestamp) {
    let changed = difference(before, after, true);
    if changed.is_empty() {
        return;
    }
    let api_version = after.get("apiVersion").cloned().unwrap_or_default();
    let known = after.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut entries = known.cloned().unwrap_or_default();
    let is_own = |entry: &Value| {
        json::text(entry, "/manager") == author.manager
            && entry.get("subresource").and_then(Value::as_str) == author.subresource
    };
    let mut own = Tree::new();
    entries.retain_mut(|entry| {
        let Some(Value::Object(fields)) = entry.get_mut("fieldsV1") else { return true };
        if author_takes(fields, &changed) {
            return false;
        }
        if is_own(entry) {
            own = entry.get("fieldsV1").and_then(Value::as_object).cloned().unwrap_or_default();
            return false;
        }
        true
    });
    merge(&mut own, &changed);
    let mut entry = json!({
        "manager": author.manager, "operation": "Update", "apiVersion": api_version, "time": json::stamp(now),
        "fieldsType": "FieldsV1", "fieldsV1": own,
    });
    if let Some(subresource) = author.subresource {
        json::object(&mut entry).insert("subresource".to_owned(), subresource.into());
    }
    entries.push(entry);
    json::child(after, "metadata").insert("managedFields".to_owned(), Value::Array(entries));
}

/// The fields that differ. At the top, what the server keeps itself is left out.
fn difference(before: &Value, after: &Value, top: bool) -> Tree {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Tree::new() };
    let mut tree = Tree::new();
    for (name, value) in after {
        let was = before.get(name).unwrap_or(&Value::Null);
        if was == value || (top && matches!(name.as_str(), "apiVersion" | "kind")) {
            continue;
        }
        if matches!(
            name.as_str(),
            "resourceVersion" | "generation" | "managedFields" | "uid" | "creationTimestamp" | "name" | "namespace"
        ) {
            continue;
        }
        let below = if value.is_object() {
            let was = if was.is_object() { was.clone() } else { json!({}) };
            difference(&was, value, false)
        } else {
            Tree::new()
        };
        if below.is_empty() && name == "metadata" {
            continue;
        }
        tree.insert(format!("f:{name}"), Value::Object(below));
    }
    tree
}

fn merge(into: &mut Tree, from: &Tree) {
    for (name, below) in from {
        let slot = into.entry(name.clone()).or_insert_with(|| json!({}));
        if let (Value::Object(slot), Value::Object(below)) = (slot, below) {
            merge(slot, below);
        }
    }
}

/// Takes the leaves of `changed` out of another's fields; whether nothing is left.
fn author_takes(fields: &mut Tree, changed: &Tree) -> bool {
    for (name, below) in changed {
        let Some(Value::Object(theirs)) = fields.get_mut(name) else { continue };
        let below = below.as_object().filter(|below| !below.is_empty());
        let emptied = match below {
            Some(below) if !theirs.is_empty() => author_takes(theirs, below),
            Some(_) => false,
            None => true,
        };
        if emptied {
            fields.remove(name);
        }
    }
    fields.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Author<'_> = Author { manager: "me", subresource: None };
    const YOU: Author<'_> = Author { manager: "you", subresource: Some("status") };

    #[test]
    fn the_last_writer_of_a_field_is_named_and_the_one_before_is_not() {
        let one = json!({"apiVersion": "v1", "metadata": {"name": "a"}, "spec": {"paused": false, "replicas": 1}});
        let mut two = json!({"apiVersion": "v1", "metadata": {"name": "a"}, "spec": {"paused": true, "replicas": 2}});
        enter(&one, &mut two, ME, Timestamp::UNIX_EPOCH);
        let mut three = two.clone();
        three["spec"]["paused"] = false.into();
        enter(&two, &mut three, YOU, Timestamp::UNIX_EPOCH);
        let entry = |manager: &str, fields: Value| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "v1", "time": "1970-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            })
        };
        let mut yours = entry("you", json!({"f:spec": {"f:paused": {}}}));
        yours["subresource"] = "status".into();
        assert_eq!(
            three["metadata"]["managedFields"],
            json!([entry("me", json!({"f:spec": {"f:replicas": {}}})), yours])
        );
    }

    #[test]
    fn nothing_changed_is_nothing_entered() {
        let one = json!({"metadata": {"resourceVersion": "1"}});
        let mut two = json!({"metadata": {"resourceVersion": "2"}});
        enter(&one, &mut two, ME, Timestamp::UNIX_EPOCH);
        assert_eq!(two, json!({"metadata": {"resourceVersion": "2"}}));
    }
}
