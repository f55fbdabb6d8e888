//! Patches, and guarding them: the revision that was just read goes into the body, so that an object that moved answers
//! 409.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use serde_json::{Value, json};

use super::{api::Meta, request::Resource, seal, store::Key};
use crate::{
    domain::{observed::FaultKind, text::shell_word},
    port::{
        error::ProviderError,
        plan::{RevisionGuard, WireCall},
        shape::Shape,
        wire::Class,
    },
};

/// `Content-Type` of a merge patch (RFC 7386).
pub const MERGE: &str = "application/merge-patch+json";
/// `Content-Type` of a JSON patch (RFC 6902).
pub const JSON: &str = "application/json-patch+json";

/// How the API server names us in `managedFields`.
const MANAGER: &str = "fieldManager=holdshort";

/// How a patch is written. Both are understood for every kind of object; a strategic merge patch is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What is to be merged into the object.
    Merge,
    /// A list of operations.
    Json,
}

/// A guarded patch of an object, or of its subresource where that is not empty, and the `kubectl patch` that does the same. A
/// patch that hides something is no argument of a command: whoever asks for one says how the same is done.
pub fn call(resource: Resource, meta: &Meta, subresource: &str, words: String, form: Form, body: &Value) -> WireCall {
    let Meta { namespace, name, .. } = meta;
    let option = if subresource.is_empty() { String::new() } else { format!("--subresource={subresource} ") };
    let (kind, content_type, guard) = match form {
        Form::Merge => ("merge", MERGE, RevisionGuard::MergePatch),
        Form::Json => ("json", JSON, RevisionGuard::JsonPatch),
    };
    let body = seal::body(body);
    let command = || {
        format!(
            "kubectl -n {} patch {} {} {option}--type={kind} -p {}",
            shell_word(namespace),
            resource.full_name(),
            shell_word(name),
            shell_word(body.shown())
        )
    };
    WireCall {
        words,
        method: "PATCH".to_owned(),
        path: path(resource, namespace, name, subresource),
        content_type: content_type.to_owned(),
        guard,
        command: if body.hides() { String::new() } else { command() },
        body,
    }
}

fn path(resource: Resource, namespace: &str, name: &str, subresource: &str) -> String {
    let below = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{}/{name}{below}?{MANAGER}", resource.path(Some(namespace)))
}

/// The shape of every [`call`] in this form that writes these places.
pub fn shape(
    (resource, (namespace, name)): &(Resource, Key),
    subresource: &str,
    form: Form,
    writes: &'static [&'static str],
) -> Shape {
    let content_type = match form {
        Form::Merge => MERGE,
        Form::Json => JSON,
    };
    Shape { method: "PATCH", path: path(*resource, namespace, name, subresource), content_type, writes }
}

/// The request that a call stands for, guarded by a revision.
///
/// # Errors
/// When the call wants a guard and there is no revision, or it is not written as its guard needs it. Nothing is sent.
pub fn request(call: &WireCall, revision: Option<&str>) -> Result<Request<Bytes>, ProviderError> {
    let body = guarded(call, revision)?;
    let malformed = |error: http::Error| ProviderError::new(FaultKind::Rejected, format!("'{}': {error}", call.words));
    let mut request = Request::builder()
        .method(call.method.as_str())
        .uri(call.path.as_str())
        .header(header::CONTENT_TYPE, call.content_type.as_str())
        .body(Bytes::from(body))
        .map_err(malformed)?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(Class::Write);
    Ok(request)
}

fn guarded(call: &WireCall, revision: Option<&str>) -> Result<String, ProviderError> {
    let refuse = |why: &str| ProviderError::new(FaultKind::Rejected, format!("'{}' is not sent: {why}", call.words));
    let sent = || call.body.sent().ok_or_else(|| refuse("what a record says is evidence, not an order"));
    let body = || serde_json::from_str::<Value>(sent()?).map_err(|_| refuse("its body is not JSON"));
    let needed = || revision.filter(|r| !r.is_empty()).ok_or_else(|| refuse("the object's revision is not known"));
    match call.guard {
        RevisionGuard::None => Ok(sent()?.to_owned()),
        RevisionGuard::MergePatch => {
            let (mut body, revision) = (body()?, needed()?);
            let Value::Object(fields) = &mut body else { return Err(refuse("a merge patch is an object")) };
            let Value::Object(metadata) = fields.entry("metadata").or_insert_with(|| json!({})) else {
                return Err(refuse("its metadata is not an object"));
            };
            metadata.insert("resourceVersion".to_owned(), revision.into());
            Ok(body.to_string())
        }
        RevisionGuard::JsonPatch => {
            let (mut body, revision) = (body()?, needed()?);
            let Value::Array(operations) = &mut body else { return Err(refuse("a JSON patch is a list")) };
            // Replaced, not tested: a test that fails is a bare 422, a replaced one that is stale is a 409.
            let guard = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": revision});
            operations.insert(0, guard);
            Ok(body.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(guard: RevisionGuard, body: &str) -> WireCall {
        WireCall {
            words: "abort".into(),
            method: "PATCH".into(),
            path: "/apis/x".into(),
            content_type: MERGE.into(),
            body: body.into(),
            guard,
            command: String::new(),
        }
    }

    #[test]
    fn the_revision_goes_where_the_guard_says() {
        let table = [
            (RevisionGuard::None, r#"{"a":1}"#, r#"{"a":1}"#),
            (RevisionGuard::MergePatch, r#"{"a":1}"#, r#"{"a":1,"metadata":{"resourceVersion":"7"}}"#),
            (
                RevisionGuard::JsonPatch,
                r#"[{"op":"remove","path":"/a"}]"#,
                r#"[{"op":"replace","path":"/metadata/resourceVersion","value":"7"},{"op":"remove","path":"/a"}]"#,
            ),
        ];
        for (guard, body, expected) in table {
            let request = request(&call(guard, body), Some("7")).unwrap();
            assert_eq!(request.body(), expected);
            assert_eq!(request.extensions().get(), Some(&Class::Write));
        }
    }

    #[test]
    fn a_call_that_wants_a_guard_and_has_none_is_not_sent() {
        let error = request(&call(RevisionGuard::MergePatch, "{}"), None).unwrap_err();
        assert_eq!(error.text, "'abort' is not sent: the object's revision is not known");
        assert!(!error.maybe_done);
        assert!(request(&call(RevisionGuard::JsonPatch, "{}"), Some("7")).is_err());
        assert!(request(&call(RevisionGuard::MergePatch, "{"), Some("7")).is_err());
        let mut recorded = call(RevisionGuard::None, "{}");
        recorded.body = serde_json::from_str("\"{}\"").unwrap();
        let error = request(&recorded, None).unwrap_err();
        assert_eq!(error.text, "'abort' is not sent: what a record says is evidence, not an order");
    }
}
