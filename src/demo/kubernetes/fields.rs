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

/// Enters the difference between two states of an object under its author, and takes it from everybody else. What was removed is nobody's:
/// who removed it is noted nowhere, as with a real server, where the time of an entry changes only with a field that it takes.
pub(crate) fn enter(before: &Value, after: &mut Value, author: Author<'_>, now: Timestamp) {
    let (changed, removed) = (difference(before, after, true), removed(before, after));
    if changed.is_empty() && removed.is_empty() {
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
        let mine = is_own(entry);
        let Some(Value::Object(fields)) = entry.get_mut("fieldsV1") else { return true };
        if author_takes(fields, &removed) || (!mine && author_takes(fields, &changed)) {
            return false;
        }
        if mine && !changed.is_empty() {
            own = std::mem::take(fields);
            return false;
        }
        true
    });
    merge(&mut own, &changed);
    if !own.is_empty() {
        let mut entry = json!({
            "manager": author.manager, "operation": "Update", "apiVersion": api_version, "time": json::stamp(now),
            "fieldsType": "FieldsV1", "fieldsV1": own,
        });
        if let Some(subresource) = author.subresource {
            json::object(&mut entry).insert("subresource".to_owned(), subresource.into());
        }
        entries.push(entry);
    }
    json::child(after, "metadata").insert("managedFields".to_owned(), Value::Array(entries));
}

/// The fields that are no longer there.
fn removed(before: &Value, after: &Value) -> Tree {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return Tree::new() };
    let mut tree = Tree::new();
    for (name, was) in before.iter().filter(|(name, _)| *name != "managedFields") {
        match after.get(name) {
            None => drop(tree.insert(format!("f:{name}"), json!({}))),
            Some(is) => {
                let below = removed(was, is);
                if !below.is_empty() {
                    tree.insert(format!("f:{name}"), Value::Object(below));
                }
            }
        }
    }
    tree
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
        // What only lost fields was not written.
        if below.is_empty() && (name == "metadata" || (value.is_object() && was.is_object())) {
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
    fn what_is_removed_is_nobodys_and_no_time_tells_of_it() {
        let one = json!({"metadata": {"name": "a"}, "spec": {}});
        let mut two = json!({"metadata": {"name": "a"}, "spec": {"paused": true, "replicas": 2}});
        enter(&one, &mut two, ME, Timestamp::UNIX_EPOCH);
        let mut three = two.clone();
        three["spec"].as_object_mut().unwrap().remove("paused");
        let later = Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(5);
        enter(&two, &mut three, YOU, later);
        let told = |object: &Value| {
            let all = object["metadata"]["managedFields"].as_array().unwrap().clone();
            all.iter().map(|one| json!([one["manager"], one["time"], one["fieldsV1"]])).collect::<Vec<_>>()
        };
        assert_eq!(told(&three), [json!(["me", "1970-01-01T00:00:00Z", {"f:spec": {"f:replicas": {}}}])]);
        let mut four = three.clone();
        four["spec"].as_object_mut().unwrap().remove("replicas");
        enter(&three, &mut four, ME, later);
        assert_eq!(told(&four), [json!(null); 0]);
    }

    #[test]
    fn nothing_changed_is_nothing_entered() {
        let one = json!({"metadata": {"resourceVersion": "1"}});
        let mut two = json!({"metadata": {"resourceVersion": "2"}});
        enter(&one, &mut two, ME, Timestamp::UNIX_EPOCH);
        assert_eq!(two, json!({"metadata": {"resourceVersion": "2"}}));
    }
}
