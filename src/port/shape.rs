//! What a provider can send at all, and the check that every call passes before it is sent.
//!
//! A plan comes from a draft, through a card, a journal and a pipe. Whatever happened to it on the way: only calls that have
//! one of the shapes that the provider declares for this verb on this target go out. Nothing else can make a [`Checked`],
//! and nothing but a [`Checked`] can be sent.

use serde_json::Value;

pub use crate::port::fill::is_part;
use crate::{
    domain::{object::ObjectId, verb::Verb},
    port::{
        facet::Actor,
        fill::{FORM, Outgoing, Slot, Supplies, field_of},
        plan::{Draft, WireCall},
        step::Step,
    },
};

/// One call that a provider can draft for a verb on a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `PATCH`.
    pub method: &'static str,
    /// Path and query, whole, below the connection's base. `{name}` stands for one plain part that fills the call.
    pub path: String,
    /// The body's content type; empty where there is no body.
    pub content_type: &'static str,
    /// The places in the body that it may write, as JSON pointers (`/field` for the field of a form); none where there is no
    /// body.
    pub writes: &'static [&'static str],
    /// The places beside those that what fills it may write: where a revision goes.
    pub fills: &'static [&'static str],
    /// The headers that it may have beside those of every call.
    pub headers: &'static [&'static str],
    /// What must stand at these places of a JSON body, exactly: of a system whose paths say nothing of what is meant.
    pub holds: Vec<(&'static str, String)>,
}

/// A call that has a shape which its provider declares, with everything in it that fills it.
#[derive(Clone, Debug)]
pub struct Checked<'a>(Outgoing<'a>);

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

/// Why a call is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// No provider could have drafted it.
    #[error(transparent)]
    Forged(#[from] Forged),
    /// A value that it wants is missing, or does not fit.
    #[error("'{words}' is not sent: {why}")]
    Unfilled {
        /// The call, in words.
        words: String,
        /// Why, as half a sentence.
        why: String,
    },
}

impl<'a> Checked<'a> {
    /// The step's call with what fills it, if whoever acts on its target can draft it for this verb.
    ///
    /// # Errors
    /// When it has none of the declared shapes, before or after it is filled, or something that fills it is missing.
    pub fn of(step: &'a Step, verb: Verb, actor: &dyn Actor, supplies: &Supplies<'_>) -> Result<Self, NotSent> {
        let shapes = actor.shapes(&step.target, verb);
        check(step, verb, &shapes)?;
        let filled = Outgoing::of(&step.call, supplies);
        let filled = filled.map_err(|why| NotSent::Unfilled { words: step.call.words.clone(), why })?;
        if !shapes.iter().any(|shape| shape.takes(&filled)) {
            return Err(forged(step, verb, "what fills it makes another call of it").into());
        }
        Ok(Self(filled))
    }

    /// The call, as it goes out.
    pub fn outgoing(&self) -> &Outgoing<'a> {
        &self.0
    }
}

/// Checks every call of a draft, and those that end what it owes, against the shapes that `shapes` knows of a target.
///
/// # Errors
/// The first that has none of them.
pub fn check_all(draft: &Draft, verb: Verb, shapes: impl Fn(&ObjectId) -> Vec<Shape>) -> Result<(), Forged> {
    draft.all_steps().try_for_each(|step| check(step, verb, &shapes(&step.target)))
}

/// Checks the call of a step as it was drawn up.
///
/// # Errors
/// When it has none of the shapes.
pub fn check(step: &Step, verb: Verb, shapes: &[Shape]) -> Result<(), Forged> {
    let (call, forged) = (&step.call, |why: &str| forged(step, verb, why));
    if shapes.is_empty() {
        return Err(forged("it can send nothing there"));
    }
    // The path is compared whole, with one that was made of the target: no dots, no second host, no other query.
    let here = shapes.iter().filter(|shape| shape.path == call.path).collect::<Vec<_>>();
    if here.is_empty() {
        return Err(forged("it is another place than the target's"));
    }
    let written: Vec<_> = here.into_iter().filter(|shape| shape.is_written_as(call)).collect();
    if written.is_empty() {
        return Err(forged("it is not written that way"));
    }
    let Some(body) = call.body.sent() else { return Err(forged("it was read from a record, which is evidence")) };
    let written: Vec<_> = written.into_iter().filter(|shape| shape.writes_all_of(call, body)).collect();
    if written.is_empty() {
        return Err(forged("its body writes what this verb does not"));
    }
    if !written.into_iter().any(|shape| shape.is_of_its_own(body)) {
        return Err(forged("its body means something else than the target"));
    }
    Ok(())
}

fn forged(step: &Step, verb: Verb, why: &str) -> Forged {
    let call = format!("{} {}", step.call.method, step.call.path);
    Forged { call, verb, target: step.target.to_string(), why: why.to_owned() }
}

impl Shape {
    /// Has the call this method and content type, and no header that it may not have?
    fn is_written_as(&self, call: &WireCall) -> bool {
        let filled = call.fills.iter().filter_map(|fill| match &fill.into {
            Slot::Header(name) => Some(name),
            _ => None,
        });
        let mut headers = call.headers.iter().map(|(name, _)| name).chain(filled);
        self.method == call.method
            && self.content_type == call.content_type
            && headers.all(|name| self.has_header(name))
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Does the call write nothing but these places, now and when it is filled?
    fn writes_all_of(&self, call: &WireCall, body: &str) -> bool {
        let places: Vec<String> =
            call.fills.iter().filter_map(|fill| written_by(&fill.into, &call.content_type)).collect();
        let known = |place: &String| self.writes.contains(&place.as_str()) || self.fills.contains(&place.as_str());
        // A body may hold nothing but what fills it.
        let filled_alone = body.is_empty() && !places.is_empty();
        places.iter().all(known) && (filled_alone || writes_only(body, self.content_type, self.writes))
    }

    /// Does a body name what it must?
    fn is_of_its_own(&self, body: &str) -> bool {
        if self.holds.is_empty() {
            return true;
        }
        let Ok(read) = serde_json::from_str::<Value>(body) else { return false };
        self.holds.iter().all(|(place, held)| read.pointer(place).and_then(Value::as_str) == Some(held))
    }

    /// Is this what may go out?
    fn takes(&self, filled: &Outgoing<'_>) -> bool {
        let places: Vec<&str> = self.writes.iter().chain(self.fills).copied().collect();
        self.is_written_as(filled.call)
            && is_path(&self.path, &filled.path)
            && filled.headers.iter().all(|(name, _)| self.has_header(name))
            && writes_only(&filled.body, self.content_type, &places)
            && self.is_of_its_own(&filled.body)
    }
}

/// The place in the body that a slot is; of a form the field.
fn written_by(slot: &Slot, content_type: &str) -> Option<String> {
    match slot {
        Slot::Json(pointer) if content_type == FORM => {
            Some(field_of(pointer).map_or_else(|| pointer.clone(), |(field, _)| format!("/{field}")))
        }
        Slot::Json(pointer) => Some(pointer.clone()),
        Slot::Form(name) => Some(format!("/{name}")),
        Slot::Header(_) | Slot::Path(_) => None,
    }
}

/// Is this the path, with one plain part in place of each placeholder?
fn is_path(shape: &str, path: &str) -> bool {
    let (mut shape, mut path) = (shape.split('/'), path.split('/'));
    loop {
        match (shape.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) => {
                let fits = match wanted.split_once('{').zip(wanted.split_once('}')) {
                    None => wanted == part,
                    Some(((before, _), (_, after))) => {
                        let filled = part.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                        filled.is_some_and(is_part)
                    }
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Does a body write these places only?
fn writes_only(body: &str, content_type: &str, places: &[&str]) -> bool {
    if places.is_empty() {
        return body.is_empty();
    }
    if content_type == FORM {
        let names = body.split('&').map(|field| field.split('=').next().unwrap_or_default());
        return names.map(|name| format!("/{name}")).all(|name| places.contains(&name.as_str()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::object::ObjectId,
        port::fill::{Fill, Supply},
    };

    const STATUS: &str = "/apis/x/namespaces/shop/rollouts/web/status?fieldManager=us";

    fn shapes() -> Vec<Shape> {
        let shape = |content_type, path: &str, writes| Shape {
            method: "PATCH",
            path: path.into(),
            content_type,
            writes,
            ..Shape::default()
        };
        vec![
            shape("merge", STATUS, &["/status/abort", "/metadata/annotations/a~1b"]),
            shape("json", "/apis/x/namespaces/shop/rollouts/web", &["/spec/template", "/spec/paused"]),
            Shape { method: "POST", path: "/runs/5/cancel".into(), ..Shape::default() },
        ]
    }

    fn said(method: &str, path: &str, content_type: &str, body: &str) -> Result<(), String> {
        let call = WireCall {
            words: "abort".into(),
            method: method.into(),
            path: path.into(),
            content_type: content_type.into(),
            body: body.into(),
            ..WireCall::default()
        };
        let step = Step::new(&ObjectId::new(&"eu".into(), "run", "web"), call);
        check(&step, Verb::Abort, &shapes()).map_err(|forged| forged.why)
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

    fn step(shape: &Shape, body: &str, fills: Vec<Fill>) -> Step {
        let (method, path) = (shape.method.into(), shape.path.clone());
        let (content_type, body) = (shape.content_type.into(), body.into());
        let call = WireCall { method, path, content_type, body, fills, ..WireCall::default() };
        Step::new(&ObjectId::new(&"eu".into(), "run", "web"), call)
    }

    #[test]
    fn what_fills_a_call_may_go_only_where_its_shape_says() {
        let merge = Shape {
            method: "PATCH",
            path: STATUS.into(),
            content_type: "merge",
            writes: &["/status/abort"],
            fills: &["/metadata/resourceVersion"],
            headers: &["If-Match"],
            ..Shape::default()
        };
        let form =
            Shape { method: "POST", path: "/b".into(), content_type: FORM, writes: &["/token"], ..Shape::default() };
        let said = |shape: &Shape, body: &str, into: Slot| {
            let fill = Fill { from: Supply::Revision, into };
            check(&step(shape, body, vec![fill]), Verb::Abort, std::slice::from_ref(shape)).map_err(|forged| forged.why)
        };
        let abort = r#"{"status":{"abort":true}}"#;
        let wrong = |why: &str| Err(why.to_owned());
        let (way, body) = ("it is not written that way", "its body writes what this verb does not");
        for (shape, text, into, expected) in [
            (&merge, abort, Slot::Json("/metadata/resourceVersion".into()), Ok(())),
            (&merge, abort, Slot::Header("if-match".into()), Ok(())),
            (&merge, abort, Slot::Json("/metadata/name".into()), wrong(body)),
            (&merge, abort, Slot::Header("X-HTTP-Method-Override".into()), wrong(way)),
            (&form, "", Slot::Form("token".into()), Ok(())),
            (&form, "", Slot::Form("cause".into()), wrong(body)),
            (&form, "cause=x", Slot::Form("token".into()), wrong(body)),
        ] {
            assert_eq!(said(shape, text, into.clone()), expected, "{into:?}");
        }
    }

    #[test]
    fn the_filled_path_is_the_shapes_with_one_plain_part_in_each_place() {
        let shape = "/jobs/{job}/play?by=us";
        for (path, fits) in [
            ("/jobs/17/play?by=us", true),
            ("/jobs/{job}/play?by=us", false),
            ("/jobs//play?by=us", false),
            ("/jobs/1/2/play?by=us", false),
            ("/jobs/17/play?by=us&x=1", false),
            ("/jobs/../play?by=us", false),
        ] {
            assert_eq!(is_path(shape, path), fits, "{path}");
        }
        assert!(is_path("/items/{id}?x", "/items/a-1?x") && !is_path("/items/{id}?x", "/items/a?y=?x"));
    }

    #[test]
    fn where_a_path_says_nothing_the_body_must_name_what_is_meant_as_drawn_up_and_as_it_goes_out() {
        let shapes = [Shape {
            method: "POST",
            path: "/svc/Act".into(),
            content_type: "json",
            writes: &["/name", "/why"],
            holds: vec![("/name", "till".into())],
            ..Shape::default()
        }];
        let why = |body: &str| {
            let (method, path, content_type) = ("POST".into(), "/svc/Act".into(), "json".into());
            let call = WireCall { method, path, content_type, body: body.into(), ..WireCall::default() };
            let step = Step::new(&ObjectId::new(&"eu".into(), "run", "till"), call);
            check(&step, Verb::Cancel, &shapes).map_err(|forged| forged.why)
        };
        assert_eq!(why(r#"{"name":"till","why":"late"}"#), Ok(()));
        let other = Err("its body means something else than the target".to_owned());
        assert_eq!((why(r#"{"name":"web"}"#), why(r#"{"why":"late"}"#)), (other.clone(), other));
    }
}
