//! Merge patch (RFC 7386) and JSON patch (RFC 6902), on plain values.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Applies a merge patch: null removes, objects are merged, all else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// One operation of a JSON patch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Operation {
    Add { path: String, value: Value },
    Remove { path: String },
    Replace { path: String, value: Value },
    Move { from: String, path: String },
    Copy { from: String, path: String },
    Test { path: String, value: Value },
}

/// How many bytes all copies of one patch may hold together: a few of the whole object would be more than a machine has. The
/// library that the API server uses has such a limit too (`AccumulatedCopySizeLimit`).
const COPIED: usize = 3 << 20;

/// A JSON patch that cannot be applied: a path that leads nowhere, a failed test, or too much that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CannotApply;

/// Applies the operations in order; at the first that fails, nothing is to be kept.
pub(super) fn apply(target: &mut Value, operations: &[Operation]) -> Result<(), CannotApply> {
    let mut copied = 0;
    for operation in operations {
        match operation {
            Operation::Add { path, value } => add(target, path, value.clone())?,
            Operation::Remove { path } => drop(remove(target, path)?),
            Operation::Replace { path, value } => {
                *target.pointer_mut(path).ok_or(CannotApply)? = value.clone();
            }
            Operation::Move { from, path } => {
                let value = remove(target, from)?;
                add(target, path, value)?;
            }
            Operation::Copy { from, path } => {
                let value = target.pointer(from).ok_or(CannotApply)?;
                copied += value.to_string().len();
                if copied > COPIED {
                    return Err(CannotApply);
                }
                add(target, path, value.clone())?;
            }
            // A missing value equals null, as in the library that the API server uses.
            Operation::Test { path, value } => {
                if target.pointer(path).unwrap_or(&Value::Null) != value {
                    return Err(CannotApply);
                }
            }
        }
    }
    Ok(())
}

/// The parent of a pointer, and the last part of it.
fn parent<'t>(target: &'t mut Value, path: &str) -> Result<(&'t mut Value, String), CannotApply> {
    let (parent, name) = path.rsplit_once('/').ok_or(CannotApply)?;
    let name = name.replace("~1", "/").replace("~0", "~");
    Ok((target.pointer_mut(parent).ok_or(CannotApply)?, name))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), CannotApply> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, name) = parent(target, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(name, value);
        }
        Value::Array(items) => {
            let at = if name == "-" { items.len() } else { name.parse().map_err(|_| CannotApply)? };
            if at > items.len() {
                return Err(CannotApply);
            }
            items.insert(at, value);
        }
        _ => return Err(CannotApply),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, CannotApply> {
    let (parent, name) = parent(target, path)?;
    match parent {
        Value::Object(map) => map.remove(&name).ok_or(CannotApply),
        Value::Array(items) => {
            let at: usize = name.parse().map_err(|_| CannotApply)?;
            if at < items.len() { Ok(items.remove(at)) } else { Err(CannotApply) }
        }
        _ => Err(CannotApply),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_patches_are_those_of_the_rfc() {
        for (mut target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }

    fn patched(target: Value, operations: Value) -> Result<Value, CannotApply> {
        let mut target = target;
        let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
        apply(&mut target, &operations).map(|()| target)
    }

    #[test]
    fn json_patches_do_what_each_operation_says() {
        let start = json!({"a": {"b~/": 1}, "l": [1, 2]});
        let operations = json!([
            {"op": "test", "path": "/a/b~0~1", "value": 1},
            {"op": "add", "path": "/l/1", "value": 9},
            {"op": "add", "path": "/l/-", "value": 3},
            {"op": "remove", "path": "/l/0"},
            {"op": "replace", "path": "/a/b~0~1", "value": 2},
            {"op": "copy", "from": "/l/0", "path": "/c"},
            {"op": "move", "from": "/a", "path": "/m"},
        ]);
        assert_eq!(patched(start, operations), Ok(json!({"l": [9, 2, 3], "c": 9, "m": {"b~/": 2}})));
    }

    #[test]
    fn a_json_patch_that_leads_nowhere_cannot_be_applied() {
        for operation in [
            json!({"op": "remove", "path": "/none"}),
            json!({"op": "replace", "path": "/none", "value": 1}),
            json!({"op": "add", "path": "/none/below", "value": 1}),
            json!({"op": "add", "path": "/l/7", "value": 1}),
            json!({"op": "add", "path": "/l/x", "value": 1}),
            json!({"op": "test", "path": "/l/0", "value": 7}),
            json!({"op": "copy", "from": "/none", "path": "/c"}),
        ] {
            assert_eq!(patched(json!({"l": [1]}), json!([operation])), Err(CannotApply), "{operation}");
        }
    }

    #[test]
    fn copies_of_the_whole_into_itself_end_where_they_become_too_much() {
        let operations: Vec<Value> =
            (0..40).map(|at| json!({"op": "copy", "from": "", "path": format!("/x{at}")})).collect();
        let one = json!({"a": "x".repeat(1000)});
        assert_eq!(patched(one.clone(), operations.into()), Err(CannotApply));
        let some = json!([{"op": "copy", "from": "", "path": "/x"}]);
        assert_eq!(patched(one.clone(), some), Ok(json!({"a": one["a"].clone(), "x": one})));
    }
}
