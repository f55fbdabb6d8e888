//! Get and list: forms, selectors, pages, and lists as they were at a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::control::Plane;
use super::super::json;
use super::super::kind::Kind;
use super::super::store::Key;
use super::Target;
use super::route::Call;
use super::selector::Selector;
use super::status::Failure;
use super::table;
use crate::domain::time::Timestamp;

/// In which form objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    /// Rows for a human: what `kubectl get` asks for.
    Table(Include),
    /// Metadata only.
    Partial,
}

/// What of an object goes along with its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    Nothing,
    Metadata,
    Object,
}

impl Form {
    /// The first of the accepted forms that is served. `include` is the parameter `includeObject`.
    pub(super) fn of(accept: &str, include: &str) -> Result<Self, Failure> {
        let forms = accept.split(',').map(|form| form.trim().replace(' ', "")).filter(|form| !form.is_empty());
        let mut asked = false;
        for form in forms {
            asked = true;
            let mut parts = form.split(';');
            let json = matches!(parts.next(), Some("application/json" | "application/*" | "*/*"));
            match parts.find_map(|part| part.strip_prefix("as=")) {
                _ if !json => {}
                None => return Ok(Self::Object),
                Some("Table") => {
                    return Ok(Self::Table(match include {
                        "None" => Include::Nothing,
                        "Object" => Include::Object,
                        _ => Include::Metadata,
                    }));
                }
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Partial),
                Some(_) => {}
            }
        }
        if asked { Err(Failure::not_acceptable()) } else { Ok(Self::Object) }
    }

    /// One object in this form.
    pub(super) fn of_object(self, kind: Kind, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::Object => object.clone(),
            Self::Table(include) => table::of(kind, [object], include, &version_of(object), now),
            Self::Partial => table::partial(object),
        }
    }
}

pub(super) fn version_of(object: &Value) -> String {
    json::text(object, "/metadata/resourceVersion").to_owned()
}

pub(super) fn get(plane: &Plane, now: Timestamp, target: &Target<'_>, form: Form) -> Result<Value, Failure> {
    let key = target.key();
    let object = plane.store.get(&key).ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
    Ok(form.of_object(key.kind, object, now))
}

/// A version of the store, as a parameter gives it; none if it is not given.
pub(super) fn version(text: &str) -> Result<Option<u64>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Failure::bad_version(text))
}

pub(super) fn list(
    plane: &Plane,
    now: Timestamp,
    call: &Call<'_>,
    target: &Target<'_>,
    form: Form,
) -> Result<Value, Failure> {
    let kind = target.kind;
    let selector = Selector::read(kind, call.parameter("labelSelector"), call.parameter("fieldSelector"))?;
    let current = plane.store.version();
    let wanted = version(call.parameter("resourceVersion"))?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted > current) {
        return Err(Failure::version_too_large(wanted, current));
    }
    let page = match call.parameter("continue") {
        "" => None,
        token => Some(Page::read(token)?),
    };
    let exact = wanted.filter(|_| call.parameter("resourceVersionMatch") == "Exact");
    let at = page.as_ref().map_or(exact, |page| page.version).unwrap_or(current);
    let then = plane.store.list_at(kind, target.namespace, at).map_err(|_| match &page {
        Some(page) => Failure::continue_expired(Page { version: None, after: page.after.clone() }.token()),
        None => Failure::version_expired(at, current),
    })?;
    let limit = call.parameter("limit").parse::<usize>().ok().filter(|limit| *limit > 0);
    let slice = cut(then, page.as_ref(), limit, &selector);
    let mut metadata = json!({"resourceVersion": at.to_string()});
    let map = json::object(&mut metadata);
    if let Some(last) = slice.last_of_page {
        map.insert("continue".to_owned(), Page { version: Some(at), after: last }.token().into());
        // How many are left is only told where nothing was selected, as in a real server.
        if selector == Selector::default() {
            map.insert("remainingItemCount".to_owned(), slice.remaining.into());
        }
    } else if kind.is_custom() && form == Form::Object {
        map.insert("continue".to_owned(), "".into());
    }
    Ok(collection(kind, form, &slice.objects, &metadata, now))
}

fn collection(kind: Kind, form: Form, objects: &[Arc<Value>], metadata: &Value, now: Timestamp) -> Value {
    match form {
        Form::Table(include) => {
            let mut table = table::of(kind, objects.iter().map(Arc::as_ref), include, "", now);
            json::object(&mut table).insert("metadata".to_owned(), metadata.clone());
            table
        }
        Form::Partial => json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "items": objects.iter().map(|object| table::partial(object)).collect::<Vec<_>>(),
        }),
        Form::Object => json!({
            "kind": format!("{}List", kind.meta().kind), "apiVersion": kind.api_version(), "metadata": metadata,
            "items": objects.iter().map(|object| item(kind, object)).collect::<Vec<_>>(),
        }),
    }
}

/// The server's own kinds leave out in lists what the list says already.
fn item(kind: Kind, object: &Value) -> Value {
    let mut item = object.clone();
    if !kind.is_custom() {
        let map = json::object(&mut item);
        map.remove("apiVersion");
        map.remove("kind");
    }
    item
}

/// One page of a list.
struct Slice {
    objects: Vec<Arc<Value>>,
    /// Where the next page goes on; none on the last.
    last_of_page: Option<(String, String)>,
    remaining: usize,
}

fn cut(then: BTreeMap<Key, Arc<Value>>, page: Option<&Page>, limit: Option<usize>, selector: &Selector) -> Slice {
    let after = page.map(|page| &page.after);
    let mut selected = then
        .into_iter()
        .filter(|(key, _)| after.is_none_or(|(namespace, name)| (&key.namespace, &key.name) > (namespace, name)))
        .filter(|(_, object)| selector.matches(object));
    let Some(limit) = limit else {
        return Slice { objects: selected.map(|(_, object)| object).collect(), last_of_page: None, remaining: 0 };
    };
    let taken: Vec<(Key, Arc<Value>)> = selected.by_ref().take(limit).collect();
    let remaining = selected.count();
    let last = taken.last().map(|(key, _)| (key.namespace.clone(), key.name.clone()));
    Slice {
        objects: taken.into_iter().map(|(_, object)| object).collect(),
        last_of_page: last.filter(|_| remaining > 0),
        remaining,
    }
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Page {
    /// None: with what is there now.
    version: Option<u64>,
    /// Namespace and name of the last object of the page before.
    after: (String, String),
}

impl Page {
    fn token(&self) -> String {
        let version = self.version.map_or("now".to_owned(), |version| version.to_string());
        format!("{version}_{}_{}", self.after.0, self.after.1)
    }

    fn read(token: &str) -> Result<Self, Failure> {
        let bad = || {
            Failure::bad_request("invalid continue token: continue key is not valid: it is none that this server gave")
        };
        let mut parts = token.splitn(3, '_');
        let (Some(version), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        let version = if version == "now" { None } else { Some(version.parse().map_err(|_| bad())?) };
        Ok(Self { version, after: (namespace.to_owned(), name.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_served_form_is_taken() {
        for (accept, form) in [
            ("", Ok(Form::Object)),
            ("application/json", Ok(Form::Object)),
            ("*/*", Ok(Form::Object)),
            ("application/vnd.kubernetes.protobuf,application/json", Ok(Form::Object)),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Ok(Form::Table(Include::Metadata))),
            ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", Ok(Form::Partial)),
            ("text/html", Err(Failure::not_acceptable())),
        ] {
            assert_eq!(Form::of(accept, ""), form, "{accept}");
        }
    }

    #[test]
    fn a_token_that_was_not_given_is_refused() {
        let page = Page { version: Some(12), after: ("shop".to_owned(), "web-1".to_owned()) };
        assert_eq!(Page::read(&page.token()), Ok(page));
        for token in ["garbage", "12", "x_a_b"] {
            assert!(Page::read(token).is_err(), "{token}");
        }
    }
}
