//! Strategic merge patch as far as Deployments need it: lists of things with a name are merged by that name.

use serde_json::Value;

/// By which field the items of a list are told apart; none where a list is replaced as a whole.
fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "ephemeralContainers" | "env" | "volumes" | "imagePullSecrets" => {
            Some("name")
        }
        "ports" => Some("containerPort"),
        "volumeMounts" => Some("mountPath"),
        "conditions" => Some("type"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// Applies a patch.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *target =
                patch.iter().filter(|(name, _)| !name.starts_with('$')).map(|(n, v)| (n.clone(), v.clone())).collect();
            return;
        }
        Some("delete") => {
            target.clear();
            return;
        }
        _ => {}
    }
    if let Some(Value::Array(kept)) = patch.get("$retainKeys") {
        target.retain(|name, _| kept.iter().any(|kept| kept == name));
    }
    for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        match (value, merge_key(name)) {
            (Value::Null, _) => {
                target.remove(name);
            }
            (Value::Array(items), Some(key)) => {
                let slot = target.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                merge_list(slot, items, key);
            }
            (Value::Object(_), _) => {
                let slot = target.entry(name.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(serde_json::Map::new());
                }
                merge(slot, value);
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

fn merge_list(target: &mut Value, patch: &[Value], key: &str) {
    if patch.iter().any(|item| directive(item) == Some("replace")) {
        *target = patch.iter().filter(|item| directive(item).is_none()).cloned().collect();
        return;
    }
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(items) = target else { return };
    for wanted in patch {
        let at = items.iter().position(|item| item.get(key).is_some() && item.get(key) == wanted.get(key));
        match (at.and_then(|at| items.get_mut(at)), directive(wanted)) {
            (Some(_), Some("delete")) => items.retain(|item| item.get(key) != wanted.get(key)),
            (None, Some("delete")) => {}
            (Some(item), _) => merge(item, wanted),
            (None, _) => items.push(wanted.clone()),
        }
    }
}

fn directive(item: &Value) -> Option<&str> {
    item.get("$patch").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_are_merged_by_name_as_kubectl_set_image_expects() {
        let mut target = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "app", "image": "web:1", "env": [{"name": "A", "value": "1"}]}, {"name": "proxy", "image": "p:1"},
        ]}}}});
        let patch = json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "app"}, {"name": "proxy"}],
            "containers": [{"name": "app", "image": "web:2"}],
        }}}});
        merge(&mut target, &patch);
        assert_eq!(
            target,
            json!({"spec": {"template": {"spec": {"containers": [
                {"name": "app", "image": "web:2", "env": [{"name": "A", "value": "1"}]}, {"name": "proxy", "image": "p:1"},
            ]}}}})
        );
    }

    #[test]
    fn directives_delete_and_replace() {
        let mut target = json!({"containers": [{"name": "a"}, {"name": "b"}], "strategy": {"type": "X", "y": 1}});
        let patch =
            json!({"containers": [{"name": "a", "$patch": "delete"}], "strategy": {"$patch": "replace", "type": "Z"}});
        merge(&mut target, &patch);
        assert_eq!(target, json!({"containers": [{"name": "b"}], "strategy": {"type": "Z"}}));
    }

    #[test]
    fn null_removes_and_plain_lists_are_replaced() {
        let mut target = json!({"paused": true, "args": [1, 2]});
        merge(&mut target, &json!({"paused": null, "args": [3]}));
        assert_eq!(target, json!({"args": [3]}));
    }
}
