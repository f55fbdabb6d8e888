//! Two ways to check the forge's JSON against what is not ours: the shape of a recorded reply, and GitHub's schema.

use serde_json::Value;

/// Where `ours` has other keys or types than `theirs`. Null fits every type. Items of a list that name a `type` are compared
/// with the first of that type.
pub(crate) fn differences(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", ours, theirs, &mut found);
    found.sort();
    found.dedup();
    found
}

fn compare(at: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            found.extend(theirs.keys().filter(|key| !ours.contains_key(*key)).map(|key| format!("{at}.{key} lacks")));
            for (key, value) in ours {
                match theirs.get(key) {
                    Some(their) => compare(&format!("{at}.{key}"), value, their, found),
                    None => found.push(format!("{at}.{key} is extra")),
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for item in ours {
                let alike =
                    theirs.iter().find(|their| item.get("type").is_none() || their.get("type") == item.get("type"));
                if let Some(their) = alike {
                    compare(&format!("{at}[]"), item, their, found);
                }
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (ours, theirs) if std::mem::discriminant(ours) == std::mem::discriminant(theirs) => {}
        (ours, theirs) => found.push(format!("{at} is {ours}, recorded is {theirs}")),
    }
}

/// Where a value breaks the schema of an endpoint's answer.
pub(crate) fn breaches(openapi: &Value, path: &str, method: &str, status: &str, value: &Value) -> Vec<String> {
    let schema = &openapi["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "the schema has no {method} {path} {status}");
    let mut found = Vec::new();
    validate(openapi, schema, "", value, &mut found);
    found
}

fn validate(openapi: &Value, schema: &Value, at: &str, value: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = openapi.pointer(name.trim_start_matches('#')).unwrap();
        return validate(openapi, target, at, value, found);
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        validate(openapi, part, at, value, found);
    }
    for choices in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()) {
        let fits = |choice: &Value| {
            let mut wrong = Vec::new();
            validate(openapi, choice, at, value, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(fits) {
            found.push(format!("{at} fits none of its choices: {value}"));
        }
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        found.push(format!("{at} should be {}: {value}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{at} is none of {}: {value}", schema["enum"]));
    }
    if let Some(object) = value.as_object() {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        found.extend(required.filter(|key| !object.contains_key(*key)).map(|key| format!("{at}.{key} is required")));
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = object.get(key) {
                validate(openapi, property, &format!("{at}.{key}"), value, found);
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        validate(openapi, &schema["items"], &format!("{at}[{index}]"), item, found);
    }
}

#[test]
fn a_missing_an_extra_and_a_mistyped_key_are_found() {
    let theirs = serde_json::json!({ "a": 1, "b": [{ "c": "x" }], "d": null });
    let ours = serde_json::json!({ "a": "1", "b": [{ "c": null }, {}], "e": 1 });
    assert_eq!(differences(&ours, &theirs), [".a is \"1\", recorded is 1", ".b[].c lacks", ".d lacks", ".e is extra"]);
}

#[test]
fn a_recorded_reply_keeps_the_schema_and_a_broken_one_does_not() {
    let openapi = super::scene::fixture("openapi-subset");
    let path = "/repos/{owner}/{repo}/actions/runs/{run_id}";
    let mut run = super::scene::fixture("rec_run_attempt");
    assert_eq!(breaches(&openapi, path, "get", "200", &run), [""; 0]);
    run["id"] = "1".into();
    run.as_object_mut().unwrap().remove("head_sha");
    assert_eq!(
        breaches(&openapi, path, "get", "200", &run),
        [".head_sha is required", ".id should be \"integer\": \"1\""]
    );
}
