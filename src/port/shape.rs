//! What a provider can send at all, and the check that every call passes before it is sent.
//!
//! A plan comes from a draft, through a card, a journal and a pipe. Whatever happened to it on the way: only calls that have
//! one of the shapes that the provider declares for this verb on this target go out. Nothing else can make a [`Checked`],
//! and nothing but a [`Checked`] can be sent.

use serde_json::Value;

use crate::{
    domain::{object::ObjectId, verb::Verb},
    port::{facet::Actor, plan::WireCall},
};

/// One call that a provider can draft for a verb on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `PATCH`.
    pub method: &'static str,
    /// Path and query, whole, below the connection's base.
    pub path: String,
    /// The body's content type; empty where there is no body.
    pub content_type: &'static str,
    /// The places in the body that it may write, as JSON pointers; none where there is no body.
    pub writes: &'static [&'static str],
}

/// A call that has a shape which its provider declares.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a>(&'a WireCall);

/// A call that no provider could have drafted. It is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} is no call that {verb} of {target} can send: {why}", verb = .verb.words())]
pub struct Forged {
    /// Method and path.
    pub call: String,
    /// The verb that it stands under.
    pub verb: Verb,
    /// The target that it stands under.
    pub target: String,
    /// What is wrong, as half a sentence.
    pub why: String,
}

impl<'a> Checked<'a> {
    /// The call, if whoever acts on the target can draft it for this verb.
    ///
    /// # Errors
    /// When it has none of the declared shapes.
    pub fn of(call: &'a WireCall, verb: Verb, target: &ObjectId, actor: &dyn Actor) -> Result<Self, Forged> {
        check(call, verb, target, &actor.shapes(target, verb)).map(|()| Self(call))
    }

    /// The call.
    pub fn call(&self) -> &'a WireCall {
        self.0
    }
}

/// Checks every call against the shapes.
///
/// # Errors
/// The first that has none of them.
pub fn check_all(calls: &[WireCall], verb: Verb, target: &ObjectId, shapes: &[Shape]) -> Result<(), Forged> {
    calls.iter().try_for_each(|call| check(call, verb, target, shapes))
}

fn check(call: &WireCall, verb: Verb, target: &ObjectId, shapes: &[Shape]) -> Result<(), Forged> {
    let forged = |why: &str| Forged {
        call: format!("{} {}", call.method, call.path),
        verb,
        target: target.to_string(),
        why: why.to_owned(),
    };
    if shapes.is_empty() {
        return Err(forged("it can send nothing there"));
    }
    // The path is compared whole, with one that was made of the target: no dots, no second host, no other query.
    let here = shapes.iter().filter(|shape| shape.path == call.path).collect::<Vec<_>>();
    if here.is_empty() {
        return Err(forged("it is another place than the target's"));
    }
    let written = here.iter().filter(|shape| shape.method == call.method && shape.content_type == call.content_type);
    let mut written = written.peekable();
    if written.peek().is_none() {
        return Err(forged("it is not written that way"));
    }
    let Some(body) = call.body.sent() else { return Err(forged("it was read from a record, which is evidence")) };
    if written.any(|shape| writes_only(body, shape.writes)) {
        Ok(())
    } else {
        Err(forged("its body writes what this verb does not"))
    }
}

/// Does a body write these places only?
fn writes_only(body: &str, places: &[&str]) -> bool {
    if places.is_empty() {
        return body.is_empty();
    }
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Array(operations)) => {
            !operations.is_empty() && operations.iter().all(|operation| is_of(operation, places))
        }
        Ok(merged @ Value::Object(_)) => merges_only(&merged, "", places),
        _ => false,
    }
}

/// An operation of a JSON patch: it changes one of the places, or makes sure of something at or below one.
fn is_of(operation: &Value, places: &[&str]) -> bool {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let Some(path) = text("path") else { return false };
    let below = |place: &&str| path.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match text("op") {
        Some("replace" | "remove") => places.contains(&path),
        Some("test") => places.iter().any(below),
        _ => false,
    }
}

/// A merge patch, from the place `at` on.
fn merges_only(value: &Value, at: &str, places: &[&str]) -> bool {
    if places.contains(&at) {
        return true;
    }
    let Value::Object(fields) = value else { return false };
    let above = |place: &&str| place.strip_prefix(at).is_some_and(|rest| rest.starts_with('/'));
    !fields.is_empty()
        && places.iter().any(above)
        && fields.iter().all(|(name, value)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            merges_only(value, &format!("{at}/{name}"), places)
        })
}

/// May this text stand in a path as one part of it, as it is?
pub fn is_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !text.is_empty() && text != "." && text != ".." && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::object::ObjectId, port::plan::RevisionGuard};

    const STATUS: &str = "/apis/x/namespaces/shop/rollouts/web/status?fieldManager=us";

    fn shapes() -> Vec<Shape> {
        let shape =
            |content_type, path: &str, writes| Shape { method: "PATCH", path: path.into(), content_type, writes };
        vec![
            shape("merge", STATUS, &["/status/abort", "/metadata/annotations/a~1b"]),
            shape("json", "/apis/x/namespaces/shop/rollouts/web", &["/spec/template", "/spec/paused"]),
            Shape { method: "POST", path: "/runs/5/cancel".into(), content_type: "", writes: &[] },
        ]
    }

    fn said(method: &str, path: &str, content_type: &str, body: &str) -> Result<(), String> {
        let call = WireCall {
            words: "abort".into(),
            method: method.into(),
            path: path.into(),
            content_type: content_type.into(),
            body: body.into(),
            guard: RevisionGuard::None,
            command: String::new(),
        };
        let target = ObjectId::new(&"eu".into(), "run", "web");
        check_all(&[call], Verb::Abort, &target, &shapes()).map_err(|forged| forged.why)
    }

    #[test]
    fn a_call_passes_that_has_a_declared_shape() {
        let object = "/apis/x/namespaces/shop/rollouts/web";
        let table = [
            ("PATCH", STATUS, "merge", r#"{"status":{"abort":true}}"#),
            ("PATCH", STATUS, "merge", r#"{"metadata":{"annotations":{"a/b":"x"}}}"#),
            (
                "PATCH",
                object,
                "json",
                r#"[{"op":"test","path":"/spec/template/spec","value":1},{"op":"replace","path":"/spec/template","value":{}}]"#,
            ),
            ("PATCH", object, "json", r#"[{"op":"remove","path":"/spec/paused"}]"#),
            ("POST", "/runs/5/cancel", "", ""),
        ];
        for (method, path, content_type, body) in table {
            assert_eq!(said(method, path, content_type, body), Ok(()), "{method} {path} {body}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_is_wrong() {
        let (place, way, body) = (
            "it is another place than the target's",
            "it is not written that way",
            "its body writes what this verb does not",
        );
        let abort = r#"{"status":{"abort":true}}"#;
        let object = "/apis/x/namespaces/shop/rollouts/web";
        let table = [
            ("DELETE", "/api/v1/namespaces/shop/secrets/prod-db", "", "", place),
            (
                "PATCH",
                "https://evil.test/apis/x/namespaces/shop/rollouts/web/status?fieldManager=us",
                "merge",
                abort,
                place,
            ),
            ("PATCH", "//evil.test/status", "merge", abort, place),
            ("PATCH", "/apis/x/namespaces/shop/rollouts/../rollouts/web/status?fieldManager=us", "merge", abort, place),
            ("PATCH", "/apis/x/namespaces/shop/rollouts/web/status?fieldManager=us&force=true", "merge", abort, place),
            ("DELETE", STATUS, "merge", abort, way),
            ("PATCH", STATUS, "json", abort, way),
            ("POST", "/runs/5/cancel", "merge", "{}", way),
            ("PATCH", STATUS, "merge", r#"{"status":{"abort":true,"promoteFull":true}}"#, body),
            ("PATCH", STATUS, "merge", r#"{"metadata":{"annotations":{"c":"x"}}}"#, body),
            ("PATCH", STATUS, "merge", r#"{"metadata":{"annotations":null}}"#, body),
            ("PATCH", STATUS, "merge", "{}", body),
            ("PATCH", STATUS, "merge", "no JSON", body),
            ("PATCH", object, "json", "[]", body),
            ("PATCH", object, "json", r#"[{"op":"add","path":"/spec/template","value":1}]"#, body),
            ("PATCH", object, "json", r#"[{"op":"replace","path":"/spec/templates","value":1}]"#, body),
            ("PATCH", object, "json", r#"[{"op":"copy","from":"/a","path":"/spec/paused"}]"#, body),
        ];
        for (method, path, content_type, text, why) in table {
            assert_eq!(said(method, path, content_type, text), Err(why.to_owned()), "{method} {path} {text}");
        }
    }

    #[test]
    fn a_part_of_a_path_is_plain_text() {
        for good in ["web", "pod-template.x_1"] {
            assert!(is_part(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "%2e%2e", "a?b", "a#b", "a b", "ü", "a\\b", "a:b"] {
            assert!(!is_part(bad), "{bad}");
        }
    }
}
