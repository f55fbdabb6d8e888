//! Patches, and guarding them: the revision that was just read goes into the body, so that an object that moved answers
//! 409.

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use serde_json::Value;

use super::{api::Meta, request::Resource, seal, store::Key};
use crate::{
    domain::{observed::FaultKind, text::shell_word},
    port::{
        error::ProviderError,
        fill::{Fill, Outgoing},
        plan::WireCall,
        shape::Shape,
        wire::Class,
    },
};

/// `Content-Type` of a merge patch (RFC 7386).
pub const MERGE: &str = "application/merge-patch+json";
/// `Content-Type` of a JSON patch (RFC 6902).
pub const JSON: &str = "application/json-patch+json";

/// Where the revision goes that guards a patch.
pub const REVISION: &str = "/metadata/resourceVersion";

/// How the API server names us in `managedFields`.
pub const MANAGER: &str = "holdshort";

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
    let (kind, content_type) = match form {
        Form::Merge => ("merge", MERGE),
        Form::Json => ("json", JSON),
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
        fills: vec![Fill::revision(REVISION)],
        command: if body.hides() { String::new() } else { command() },
        body,
        ..WireCall::default()
    }
}

fn path(resource: Resource, namespace: &str, name: &str, subresource: &str) -> String {
    let below = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{}/{name}{below}?fieldManager={MANAGER}", resource.path(Some(namespace)))
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
    let path = path(*resource, namespace, name, subresource);
    Shape { method: "PATCH", path, content_type, writes, fills: &[REVISION], ..Shape::default() }
}

/// The request that a call stands for, as it goes out.
///
/// # Errors
/// When it cannot be written as one. Nothing is sent.
pub fn request(outgoing: &Outgoing<'_>) -> Result<Request<Bytes>, ProviderError> {
    let call = outgoing.call;
    let malformed = |error: http::Error| ProviderError::new(FaultKind::Rejected, format!("'{}': {error}", call.words));
    let headers = outgoing.headers.iter();
    let mut request = headers.fold(Request::builder(), |request, (name, value)| request.header(name, value));
    request = request.method(call.method.as_str()).uri(outgoing.path.as_str());
    request = request.header(header::CONTENT_TYPE, call.content_type.as_str());
    let mut request = request.body(Bytes::from(outgoing.body.clone())).map_err(malformed)?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request.extensions_mut().insert(Class::Write);
    Ok(request)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{port::fill::Supplies, provider::kubernetes::request::REPLICA_SETS};

    #[test]
    fn the_revision_goes_into_a_patch_of_either_form() {
        let guarded = r#"{"a":1,"metadata":{"resourceVersion":"7"}}"#;
        let operations =
            r#"[{"op":"replace","path":"/metadata/resourceVersion","value":"7"},{"op":"remove","path":"/a"}]"#;
        for (form, body, expected) in
            [(Form::Merge, json!({"a": 1}), guarded), (Form::Json, json!([{"op": "remove", "path": "/a"}]), operations)]
        {
            let call = call(REPLICA_SETS, &Meta::default(), "", "abort".to_owned(), form, &body);
            let outgoing = Outgoing::of(&call, &Supplies::revision(Some("7"))).unwrap();
            let request = request(&outgoing).unwrap();
            assert_eq!(request.body(), expected);
            assert_eq!(request.extensions().get(), Some(&Class::Write));
            assert!(Outgoing::of(&call, &Supplies::default()).is_err(), "it is not sent without one");
        }
    }
}
