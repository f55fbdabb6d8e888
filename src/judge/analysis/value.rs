//! What a condition sees: values as the engine's metric providers hand them over, read back from the text that a status keeps.

use std::collections::BTreeMap;

use crate::domain::analysis::Form;

/// A value of the expression language.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// As a number, where it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(it) => Some(*it as f64),
            Self::Float(it) => Some(*it),
            _ => None,
        }
    }

    /// Is there a NaN anywhere in it?
    pub(super) fn has_nan(&self) -> bool {
        match self {
            Self::Float(it) => it.is_nan(),
            Self::List(items) => items.iter().any(Self::has_nan),
            Self::Map(fields) => fields.values().any(Self::has_nan),
            _ => false,
        }
    }

    /// In a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// The value that the conditions of a metric saw, from the text that its measurement keeps in this form; `None` where that text
/// does not tell.
pub(super) fn seen(form: Form, text: &str) -> Option<Value> {
    let text = text.trim();
    match form {
        Form::Numbers => numbers(text),
        Form::Points => points(text),
        Form::Json => json(text),
        Form::JsonOrText => Some(json(text).unwrap_or_else(|| Value::Text(text.to_owned()))),
        Form::Unknown => None,
    }
}

/// A number, or numbers in brackets; Go's words for those that are none.
fn numbers(text: &str) -> Option<Value> {
    let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return number(text).map(Value::Float);
    };
    if inner.trim().is_empty() {
        return Some(Value::List(Vec::new()));
    }
    inner.split(',').map(|item| number(item.trim()).map(Value::Float)).collect::<Option<_>>().map(Value::List)
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        digits if digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            digits.parse().ok()
        }
        _ => None,
    }
}

/// Without a point nil was handed over, and what the server sent was kept instead.
fn points(text: &str) -> Option<Value> {
    match numbers(text) {
        Some(Value::List(items)) if items.is_empty() => Some(Value::Nil),
        Some(value) => Some(value),
        None => json(text).map(|_| Value::Nil),
    }
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(from_json)
}

/// Go reads every JSON number as a float.
fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(it) => Value::Bool(it),
        serde_json::Value::Number(it) => it.as_f64().map_or(Value::Nil, Value::Float),
        serde_json::Value::String(it) => Value::Text(it),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => {
            Value::Map(fields.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_measurement_is_read_in_the_form_it_was_written_in() {
        let floats = |items: &[f64]| Some(Value::List(items.iter().copied().map(Value::Float).collect()));
        assert_eq!(seen(Form::Numbers, "[0.5,1e-05]"), floats(&[0.5, 0.000_01]));
        assert_eq!(seen(Form::Numbers, "[]"), floats(&[]));
        assert_eq!(seen(Form::Numbers, "0.995"), Some(Value::Float(0.995)));
        assert_eq!(seen(Form::Numbers, "+Inf"), Some(Value::Float(f64::INFINITY)));
        assert!(seen(Form::Numbers, "[NaN]").unwrap().has_nan());
        assert_eq!(seen(Form::JsonOrText, "I am OK"), Some(Value::Text("I am OK".to_owned())));
        assert_eq!(seen(Form::JsonOrText, "\"ok\""), Some(Value::Text("ok".to_owned())));
        assert_eq!(seen(Form::JsonOrText, "231.5"), Some(Value::Float(231.5)));
        let map = BTreeMap::from([("ok".to_owned(), Value::Bool(true))]);
        assert_eq!(seen(Form::JsonOrText, r#"{"ok":true}"#), Some(Value::Map(map)));
        assert_eq!(seen(Form::Points, "[]"), Some(Value::Nil));
        assert_eq!(seen(Form::Points, r#"[{"pointlist":[]}]"#), Some(Value::Nil));
        assert_eq!(seen(Form::Points, "0.02"), Some(Value::Float(0.02)));
        let unread = [(Form::Numbers, "nonsense"), (Form::Numbers, "[1,x]"), (Form::Json, "x"), (Form::Unknown, "90")];
        for (form, text) in unread {
            assert_eq!(seen(form, text), None, "{form:?} {text}");
        }
    }
}
