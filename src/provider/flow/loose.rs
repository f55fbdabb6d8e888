//! Values as Flow writes them in several ways: numbers as texts, moments in milliseconds, JSON in a text, a field at one place or another.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::time::Timestamp;

/// How deep JSON in a text is looked into.
const DEEPEST: usize = 6;

/// A number, also where it is written as a text.
pub(super) fn number<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A moment in milliseconds since 1970. One that is none counts as absent.
pub(super) fn millis<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let millis = number(input)?.filter(|millis| *millis > 0);
    Ok(millis.and_then(|millis| Timestamp::from_timestamp_millis(i64::try_from(millis).ok()?)))
}

/// Whatever stands there; JSON in a text is read.
pub(super) fn loose<'de, D: Deserializer<'de>>(input: D) -> Result<Value, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    })
}

/// The first of these names that holds a text.
pub(super) fn text_at(value: &Value, names: &[&str]) -> Option<String> {
    let texts = names.iter().filter_map(|name| value.get(*name)?.as_str());
    texts.map(|text| text.trim().to_owned()).find(|text| !text.is_empty())
}

/// What stands under one of these names, however deep, also in JSON in a text.
pub(super) fn find(value: &Value, names: &[&str], depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    match value {
        Value::Object(fields) => {
            let here = names.iter().find_map(|name| fields.get(*name)).filter(|found| !found.is_null());
            here.cloned().or_else(|| fields.values().find_map(|below| find(below, names, depth + 1)))
        }
        Value::Array(items) => items.iter().find_map(|below| find(below, names, depth + 1)),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            find(&serde_json::from_str(text).ok()?, names, depth + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_looked_for_is_found_in_json_in_a_text_and_not_without_end() {
        let value = json!({"a": "{\"b\": [{\"wanted\": 7}]}", "wanted": null});
        assert_eq!(find(&value, &["wanted"], 0), Some(json!(7)));
        let deep = (0..20).fold(json!({"wanted": 1}), |below, _| json!({ "a": below }));
        assert_eq!((find(&deep, &["wanted"], 0), find(&json!("{"), &["wanted"], 0)), (None, None));
    }
}
