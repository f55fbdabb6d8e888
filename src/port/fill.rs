//! What of a call is known only when it is sent: values that go into it, and values that its answer gives to later calls.
//!
//! A revision that guards a call is one of the values. Where it goes is said by the call, so no dialect of a vendor is here:
//! a JSON patch takes a value as an operation because its media type says that it is one.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::port::{
    plan::{Facts, WireCall},
    secrets::Secrets,
};

/// `Content-Type` of a JSON patch (RFC 6902).
const JSON_PATCH: &str = "application/json-patch+json";
/// `Content-Type` of a form.
pub(in crate::port) const FORM: &str = "application/x-www-form-urlencoded";

/// The longest value that an answer may give: it is a name or a number, and stands in the record.
const LONGEST_GIVEN: usize = 256;

/// A value that goes into a call right before it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Where it comes from.
    pub from: Supply,
    /// Where it goes.
    pub into: Slot,
}

impl Fill {
    /// The object's revision, at this place of the body: an object that moved answers with a conflict.
    pub fn revision(pointer: &str) -> Self {
        Self { from: Supply::Revision, into: Slot::Json(pointer.to_owned()) }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// The revision of the step's target, as it was read last or as the call before returned it.
    Revision,
    /// A fact of the step's target, as it was read last.
    Fact(String),
    /// What the answer to an earlier step gave under this name.
    Given {
        /// Which step, from 0.
        step: usize,
        /// Under which name.
        name: String,
    },
    /// What a person typed and nobody may see, by its name.
    Secret(String),
    /// What was said when it was asked for: this.
    Said(String),
}

impl Supply {
    /// What a person typed and nobody may see: its name.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(name) => Some(name),
            _ => None,
        }
    }

    /// As it stands where the value itself is not known yet.
    fn words(&self) -> String {
        match self {
            Self::Said(text) => text.clone(),
            Self::Revision => "<its revision, read when this is sent>".to_owned(),
            Self::Fact(name) => format!("<its {name}, read when this is sent>"),
            Self::Given { step, name } => format!("<the {name} that call {} answers>", step + 1),
            Self::Secret(name) => format!("<{name}, as it was typed>"),
        }
    }
}

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// A place in the JSON body, as a pointer; made where it is not there. Of a JSON patch, the place that a leading
    /// `replace` writes: not a `test`, for one that fails is often told from a bad patch by nothing. Of a form, a place in the JSON
    /// that one of its fields holds: the first part of the pointer names the field.
    Json(String),
    /// A field of a form's body.
    Form(String),
    /// A header.
    Header(String),
    /// A placeholder of the path: `id` for `{id}`. Plain text only.
    Path(String),
}

/// A value that the answer to a call gives to later ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Give {
    /// Under which name.
    pub name: String,
    /// Where in the answer it is.
    pub from: Answered,
}

/// A place in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// A text or a number in the JSON body, by its pointer.
    Json(String),
    /// The last part of the address in the `Location` header, which names what was made.
    Location,
}

/// What one answer gave, by name.
pub type Given = BTreeMap<String, String>;

/// What fills may be taken from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Supplies<'a> {
    /// The target's revision.
    pub revision: Option<&'a str>,
    /// The target's facts.
    pub facts: Option<&'a Facts>,
    /// What answers gave, by step.
    pub given: Option<&'a BTreeMap<usize, Given>>,
    /// What was typed.
    pub secrets: Option<&'a Secrets>,
}

impl<'a> Supplies<'a> {
    /// Nothing but a revision.
    pub fn revision(revision: Option<&'a str>) -> Self {
        Self { revision, ..Self::default() }
    }

    /// A value, or why there is none as half a sentence.
    fn value<'b>(&self, supply: &'b Supply) -> Result<&'b str, String>
    where
        'a: 'b,
    {
        match supply {
            Supply::Said(text) => Ok(text),
            Supply::Revision => {
                let known = self.revision.filter(|revision| !revision.is_empty());
                known.ok_or_else(|| "the object's revision is not known".to_owned())
            }
            Supply::Fact(name) => {
                let known = self.facts.and_then(|facts| facts.get(name));
                known.map(String::as_str).ok_or_else(|| format!("{name} is not known"))
            }
            Supply::Given { step, name } => {
                let given = self.given.and_then(|given| given.get(step)).and_then(|given| given.get(name));
                given.map(String::as_str).ok_or_else(|| format!("call {} gave no {name}", step + 1))
            }
            Supply::Secret(name) => {
                let typed = self.secrets.and_then(|secrets| secrets.get(name));
                typed.ok_or_else(|| format!("{name} is kept nowhere and was not typed for it: begin a new act"))
            }
        }
    }
}

/// A call with its values in it, as it goes out.
#[derive(Clone)]
pub struct Outgoing<'a> {
    /// The call as it was drawn up.
    pub call: &'a WireCall,
    /// Path and query.
    pub path: String,
    /// Headers beside those that every call of the provider has.
    pub headers: Vec<(String, String)>,
    /// The body. What it holds is nobody's business but the system's.
    pub body: String,
}

impl<'a> Outgoing<'a> {
    /// The call with these values in it.
    ///
    /// # Errors
    /// Why it cannot be sent, as half a sentence.
    pub fn of(call: &'a WireCall, supplies: &Supplies<'_>) -> Result<Self, String> {
        let body = call.body.sent().ok_or("what a record says is evidence, not an order")?.to_owned();
        let mut filled = Self { call, path: call.path.clone(), headers: call.headers.clone(), body };
        for fill in &call.fills {
            filled.take(&fill.into, supplies.value(&fill.from)?)?;
        }
        Ok(filled)
    }

    fn take(&mut self, slot: &Slot, value: &str) -> Result<(), String> {
        match slot {
            Slot::Json(pointer) => self.body = in_json(&self.body, self.call, pointer, value)?,
            Slot::Form(name) => {
                let and = if self.body.is_empty() { "" } else { "&" };
                self.body = format!("{}{and}{}={}", self.body, form(name), form(value));
            }
            Slot::Header(name) => {
                if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                    return Err(format!("what goes into its header {name} holds characters that no header can carry"));
                }
                self.headers.push((name.clone(), value.to_owned()));
            }
            Slot::Path(name) => {
                if !is_part(value) {
                    return Err(format!("{name} is no part of a path"));
                }
                self.path = self.path.replace(&format!("{{{name}}}"), value);
            }
        }
        Ok(())
    }

    /// What its answer gives. What is not there is missing, and whoever needs it will see.
    pub fn given(&self, location: Option<&str>, body: &[u8]) -> Given {
        let read: Option<Value> = if self.call.gives.is_empty() { None } else { serde_json::from_slice(body).ok() };
        let value = |give: &Give| match &give.from {
            Answered::Json(pointer) => match read.as_ref()?.pointer(pointer)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
            Answered::Location => {
                let path = location?.split(['?', '#']).next()?;
                path.trim_end_matches('/').rsplit('/').next().map(str::to_owned)
            }
        };
        let fits = |value: &String| !value.is_empty() && value.len() <= LONGEST_GIVEN;
        let found = |give: &Give| Some((give.name.clone(), value(give).filter(fits)?));
        self.call.gives.iter().filter_map(found).collect()
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("call", &self.call).finish_non_exhaustive()
    }
}

/// The field of a form that a pointer begins with, and the rest of it.
pub(in crate::port) fn field_of(pointer: &str) -> Option<(&str, &str)> {
    let inner = pointer.strip_prefix('/')?;
    inner.find('/').and_then(|end| inner.split_at_checked(end))
}

/// A form with a value at a place of the JSON that one of its fields holds.
fn in_field(body: &str, pointer: &str, value: &str) -> Result<String, String> {
    let (name, pointer) =
        field_of(pointer).ok_or_else(|| format!("{pointer} names no field of a form and a place in it"))?;
    let mut found = false;
    let fields = form_urlencoded::parse(body.as_bytes()).map(|(field, text)| {
        let text = if field == name {
            found = true;
            let mut read: Value = serde_json::from_str(&text).map_err(|_| format!("its field {name} is not JSON"))?;
            *place(&mut read, pointer).ok_or_else(|| format!("its field {name} has no place {pointer}"))? =
                value.into();
            read.to_string()
        } else {
            text.into_owned()
        };
        Ok(format!("{}={}", form(&field), form(&text)))
    });
    let fields = fields.collect::<Result<Vec<String>, String>>()?;
    if found { Ok(fields.join("&")) } else { Err(format!("its body has no field {name}")) }
}

/// A body with a value at a place.
fn in_json(body: &str, call: &WireCall, pointer: &str, value: &str) -> Result<String, String> {
    if call.content_type == FORM {
        return in_field(body, pointer, value);
    }
    let read = if body.is_empty() { Ok(json!({})) } else { serde_json::from_str(body) };
    let mut read: Value = read.map_err(|_| "its body is not JSON")?;
    if call.content_type == JSON_PATCH {
        let Value::Array(operations) = &mut read else { return Err("a JSON patch is a list".to_owned()) };
        operations.insert(0, json!({"op": "replace", "path": pointer, "value": value}));
    } else {
        *place(&mut read, pointer).ok_or_else(|| format!("its body has no place {pointer}"))? = value.into();
    }
    Ok(read.to_string())
}

/// A place below a value, made where it is not there.
fn place<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    let mut parts = pointer.strip_prefix('/')?.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.try_fold(value, |at, part| match at {
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        Value::Object(fields) => Some(fields.entry(part).or_insert(Value::Null)),
        empty @ Value::Null => {
            *empty = Value::Object(Map::new());
            Some(empty.as_object_mut()?.entry(part).or_insert(Value::Null))
        }
        _ => None,
    })
}

/// A text as a form writes it.
fn form(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::with_capacity(text.len()), |mut written, byte| {
        if plain(&byte) {
            written.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(written, "%{byte:02X}");
        }
        written
    })
}

/// May this text stand in a path as one part of it, as it is?
pub fn is_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    !text.is_empty() && text != "." && text != ".." && text.chars().all(plain)
}

/// A text with what was given in place of its placeholders: `{build}`. `None` where one of them was not given.
pub fn in_place<'a>(text: &'a str, value: impl Fn(&str) -> Option<&'a str>) -> Option<Cow<'a, str>> {
    let Some((before, rest)) = text.split_once('{') else { return Some(Cow::Borrowed(text)) };
    let (name, after) = rest.split_once('}')?;
    let filled = value(name).filter(|value| is_part(value))?;
    Some(Cow::Owned(format!("{before}{filled}{}", in_place(after, value)?)))
}

/// The path of a call as people read it before it is sent: what goes into it then is said in words.
pub fn shown_path(call: &WireCall) -> String {
    call.fills.iter().fold(call.path.clone(), |path, fill| match &fill.into {
        Slot::Path(name) => path.replace(&format!("{{{name}}}"), &fill.from.words()),
        Slot::Json(_) | Slot::Form(_) | Slot::Header(_) => path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fills_a_path_when_it_is_sent_is_said_in_words_before() {
        let fill = |from: Supply| {
            let call = call("", "", vec![Fill { from, into: Slot::Path("run".to_owned()) }]);
            shown_path(&call)
        };
        let table = [
            (Supply::Said("17".to_owned()), "/runs/17/cancel"),
            (Supply::Fact("workflow".to_owned()), "/runs/<its workflow, read when this is sent>/cancel"),
            (Supply::Given { step: 0, name: "build".to_owned() }, "/runs/<the build that call 1 answers>/cancel"),
            (Supply::Secret("pin".to_owned()), "/runs/<pin, as it was typed>/cancel"),
            (Supply::Revision, "/runs/<its revision, read when this is sent>/cancel"),
        ];
        for (from, expected) in table {
            assert_eq!(fill(from), expected);
        }
        assert_eq!(shown_path(&call("", "", vec![Fill::revision("/a")])), "/runs/{run}/cancel");
    }

    fn call(content_type: &str, body: &str, fills: Vec<Fill>) -> WireCall {
        WireCall {
            words: "abort".into(),
            method: "PATCH".into(),
            path: "/runs/{run}/cancel".into(),
            content_type: content_type.into(),
            body: body.into(),
            fills,
            ..WireCall::default()
        }
    }

    fn body(content_type: &str, body: &str, fills: Vec<Fill>) -> Result<String, String> {
        let secrets = Secrets::default().with("password", "a&b c");
        let supplies = Supplies { secrets: Some(&secrets), ..Supplies::revision(Some("7")) };
        Outgoing::of(&call(content_type, body, fills), &supplies).map(|filled| filled.body)
    }

    fn secret(into: Slot) -> Fill {
        Fill { from: Supply::Secret("password".into()), into }
    }

    #[test]
    fn a_value_goes_where_the_call_says() {
        let guard = || vec![Fill::revision("/metadata/resourceVersion")];
        let patch = r#"[{"op":"remove","path":"/a"}]"#;
        let guarded =
            r#"[{"op":"replace","path":"/metadata/resourceVersion","value":"7"},{"op":"remove","path":"/a"}]"#;
        let table = [
            (body("", r#"{"a":1}"#, Vec::new()), r#"{"a":1}"#),
            (body("merge", r#"{"a":1}"#, guard()), r#"{"a":1,"metadata":{"resourceVersion":"7"}}"#),
            (body(JSON_PATCH, patch, guard()), guarded),
            (body("json", "", vec![secret(Slot::Json("/parameter/0~1a".into()))]), r#"{"parameter":{"0/a":"a&b c"}}"#),
            (body("form", "x=1", vec![secret(Slot::Form("pass word".into()))]), "x=1&pass%20word=a%26b%20c"),
            (
                body(FORM, "a=1&json=%5B%7B%22v%22%3A%22%22%7D%5D", vec![secret(Slot::Json("/json/0/v".into()))]),
                "a=1&json=%5B%7B%22v%22%3A%22a%26b%20c%22%7D%5D",
            ),
        ];
        for (filled, expected) in table {
            assert_eq!(filled.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_call_is_not_sent_without_a_value_that_it_wants_or_with_one_that_does_not_fit() {
        let guard = || vec![Fill::revision("/a")];
        let none = Supplies::default();
        let why = |call: WireCall| Outgoing::of(&call, &none).unwrap_err();
        assert_eq!(why(call("merge", "{}", guard())), "the object's revision is not known");
        let given = Fill { from: Supply::Given { step: 0, name: "run".into() }, into: Slot::Path("run".into()) };
        assert_eq!(why(call("", "", vec![given.clone()])), "call 1 gave no run");
        let fact = Fill { from: Supply::Fact("version".into()), into: Slot::Json("/v".into()) };
        assert_eq!(why(call("", "", vec![fact])), "version is not known");
        let typed = "password is kept nowhere and was not typed for it: begin a new act";
        assert_eq!(why(call("", "", vec![secret(Slot::Form("p".into()))])), typed);
        for (content_type, text, wrong) in [
            (JSON_PATCH, "{}", "a JSON patch is a list"),
            ("", "{", "its body is not JSON"),
            ("", "[]", "its body has no place /a"),
        ] {
            assert_eq!(body(content_type, text, guard()), Err(wrong.to_owned()));
        }
        for (text, pointer, wrong) in [
            ("json=x", "/json/a", "its field json is not JSON"),
            ("json=[]", "/json/3", "its field json has no place /3"),
            ("x=1", "/json/a", "its body has no field json"),
            ("x=1", "/json", "/json names no field of a form and a place in it"),
        ] {
            assert_eq!(body(FORM, text, vec![secret(Slot::Json(pointer.into()))]), Err(wrong.to_owned()));
        }
        let mut recorded = call("", "{}", Vec::new());
        recorded.body = serde_json::from_str("\"{}\"").unwrap();
        assert_eq!(why(recorded), "what a record says is evidence, not an order");
        let answers = BTreeMap::from([(0, Given::from([("run".to_owned(), "../5".to_owned())]))]);
        let supplies = Supplies { given: Some(&answers), ..none };
        let aside = Outgoing::of(&call("", "", vec![given]), &supplies).map(|filled| filled.path);
        assert_eq!(aside, Err("run is no part of a path".to_owned()));
    }

    #[test]
    fn an_answer_gives_what_it_promises_and_nothing_else() {
        let promise = |name: &str, from| Give { name: name.into(), from };
        let json = |pointer: &str| Answered::Json(pointer.into());
        let mut asked = call("", "", Vec::new());
        asked.gives = vec![
            promise("number", json("/build/number")),
            promise("id", json("/id")),
            promise("list", json("/list")),
            promise("queued", Answered::Location),
        ];
        let outgoing = Outgoing::of(&asked, &Supplies::default()).unwrap();
        let body = br#"{"build":{"number":17},"id":"a-b","list":[]}"#;
        let given = outgoing.given(Some("https://ci.test/queue/item/32/?x=1"), body);
        let expected = [("number", "17"), ("id", "a-b"), ("queued", "32")];
        assert_eq!(given, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(outgoing.given(None, b"<html>"), Given::new());
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(LONGEST_GIVEN + 1));
        assert_eq!(outgoing.given(None, long.as_bytes()), Given::new());
    }

    #[test]
    fn what_was_given_stands_in_place_of_its_name() {
        let value = |name: &str| (name == "build").then_some("17");
        assert_eq!(in_place("acme/web/{build}", value).as_deref(), Some("acme/web/17"));
        assert_eq!(in_place("acme/{other}", value), None);
        assert_eq!(in_place("acme", value).as_deref(), Some("acme"));
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
