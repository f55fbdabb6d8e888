//! Answers as they go out: JSON bodies, refusals as `Status` objects, and the headers of a real server.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::super::json;
use super::super::kind::Kind;
use super::access::Ask;
use crate::domain::time::Timestamp;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    code: u16,
    reason: Option<&'static str>,
    message: String,
    details: Option<Value>,
    /// Seconds after which to try again.
    retry_after: Option<u32>,
    /// Goes into `metadata.continue`.
    resume: Option<String>,
    /// Sent as text, not as a `Status`.
    plain: bool,
    no_sniff: bool,
}

impl Failure {
    fn new(code: u16, reason: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            retry_after: None,
            resume: None,
            plain: false,
            no_sniff: false,
        }
    }

    fn about(mut self, kind: &str, group: &str, name: &str) -> Self {
        let mut details = Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), value.into());
            }
        }
        self.details = Some(Value::Object(details));
        self
    }

    pub(super) fn not_found(kind: Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Self::new(404, Some("NotFound"), message).about(kind.meta().plural, kind.meta().group, name)
    }

    /// A service that is not there.
    pub(super) fn no_service(name: &str) -> Self {
        Self::new(404, Some("NotFound"), format!("services \"{name}\" not found")).about("services", "", name)
    }

    /// A path that leads nowhere at all: no `Status`, plain text.
    pub(super) fn no_page() -> Self {
        Self { plain: true, no_sniff: true, ..Self::new(404, None, "404 page not found\n") }
    }

    /// A served group without such a resource.
    pub(super) fn no_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self { details: Some(json!({})), ..Self::new(404, Some("NotFound"), message) }
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: Some(json!({})), ..Self::new(405, Some("MethodNotAllowed"), message) }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, Some("Unauthorized"), "Unauthorized")
    }

    pub(super) fn forbidden(user: &str, kind: Kind, ask: &Ask<'_>) -> Self {
        Self::forbidden_as(user, &kind.qualified(), ask)
    }

    /// The same of a kind that is served as a proxy only.
    pub(super) fn forbidden_as(user: &str, qualified: &str, ask: &Ask<'_>) -> Self {
        let object = if ask.name.is_empty() { String::new() } else { format!(" \"{}\"", ask.name) };
        let place = if ask.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", ask.namespace)
        };
        let message = format!(
            "{qualified}{object} is forbidden: User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            ask.verb,
            ask.full_resource(),
            ask.group
        );
        let failure = Self::new(403, Some("Forbidden"), message).about(ask.resource, ask.group, ask.name);
        Self { no_sniff: true, ..failure }
    }

    pub(super) fn conflict(kind: Kind, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the \
             latest version and try again",
            kind.qualified()
        );
        Self::new(409, Some("Conflict"), message).about(kind.meta().plural, kind.meta().group, name)
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Some("BadRequest"), message)
    }

    /// A body that is not JSON, in the words that a Go program would use for the commonest case.
    pub(super) fn bad_body(error: &serde_json::Error) -> Self {
        let why = if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() };
        Self::bad_request(format!("error decoding patch: {why}"))
    }

    pub(super) fn bad_version(version: &str) -> Self {
        let message = format!(
            "resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax"
        );
        Self::new(500, None, message)
    }

    /// A version that this server has not reached yet.
    pub(super) fn version_too_large(version: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {version}, current: {current}");
        let causes = [json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"})];
        let details = json!({"causes": causes, "retryAfterSeconds": 1});
        Self { details: Some(details), retry_after: Some(1), ..Self::new(504, Some("Timeout"), message) }
    }

    /// A list that cannot be continued as it was; `resume` goes on with what is there now.
    pub(super) fn continue_expired(resume: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list \
                       without the continue parameter, or use the continue token in this response to retrieve the remainder of \
                       the results. Continuing with the provided token results in an inconsistent list - objects that were \
                       created, modified, or deleted between the time the first chunk was returned and now may show up in the \
                       list.";
        Self { resume: Some(resume), ..Self::new(410, Some("Expired"), message) }
    }

    /// Changes since a version that is not remembered.
    pub(super) fn version_expired(version: u64, current: u64) -> Self {
        Self::new(410, Some("Expired"), format!("too old resource version: {version} ({current})"))
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";
        Self { details: Some(json!({})), ..Self::new(406, Some("NotAcceptable"), message) }
    }

    /// A patch in a form that is not taken.
    pub(super) fn unsupported_patch(kind: Kind, content_type: &str) -> Self {
        if kind.is_custom() && content_type.ends_with("strategic-merge-patch+json") {
            let message = "the body of the request was in an unknown format - accepted media types include: \
                           application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Self::new(415, Some("UnsupportedMediaType"), message);
        }
        let failure = Self::new(415, Some("UnsupportedMediaType"), "415: Unsupported Media Type");
        Self { details: Some(json!({})), ..failure }
    }

    /// A JSON patch whose `test` failed, or which leads nowhere.
    pub(super) fn patch_failed() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self { details: Some(json!({})), ..Self::new(422, Some("Invalid"), message) }
    }

    /// An object that may not be so: the fields with what is wrong.
    pub(super) fn invalid(kind: Kind, name: &str, causes: &[(&str, String)]) -> Self {
        let meta = kind.meta();
        Self::invalid_fields(&kind.qualified_kind(), (meta.kind, meta.group, name), "FieldValueInvalid", causes)
    }

    /// An option of the request that may not be so.
    pub(super) fn invalid_option(options: &str, field: &str, message: String) -> Self {
        let about = (options, "meta.k8s.io", "");
        let qualified = format!("{options}.meta.k8s.io");
        Self::invalid_fields(&qualified, about, "FieldValueNotSupported", &[(field, message)])
    }

    fn invalid_fields(
        qualified: &str,
        (kind, group, name): (&str, &str, &str),
        reason: &str,
        causes: &[(&str, String)],
    ) -> Self {
        let mut said: Vec<String> = causes.iter().map(|(field, message)| format!("{field}: {message}")).collect();
        said.dedup();
        let said = match said.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{qualified} \"{name}\" is invalid: {said}");
        let mut failure = Self::new(422, Some("Invalid"), message).about(kind, group, name);
        let causes: Vec<Value> = causes
            .iter()
            .map(|(field, message)| json!({"reason": reason, "message": message, "field": field}))
            .collect();
        if let Some(details) = &mut failure.details {
            json::object(details).insert("causes".to_owned(), causes.into());
        }
        failure
    }

    /// The `Status` object.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
            "code": self.code,
        });
        let map = json::object(&mut body);
        if let Some(reason) = self.reason {
            map.insert("reason".to_owned(), reason.into());
        }
        if let Some(details) = &self.details {
            map.insert("details".to_owned(), details.clone());
        }
        if let Some(resume) = &self.resume {
            map.insert("metadata".to_owned(), json!({"continue": resume}));
        }
        body
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = if self.plain { plain(self.code, &self.message) } else { ok(&self.body()) };
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if self.no_sniff {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A JSON body with status 200.
pub(super) fn ok(value: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A plain text.
pub(super) fn plain(code: u16, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(text.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Puts on what every answer has: date, length, audit id, the marks of priority and fairness.
pub(super) fn finish(response: &mut Response<Bytes>, now: Timestamp, trace: &str) {
    let length = response.body().len();
    let headers = response.headers_mut();
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let texts = [
        (DATE, date.as_str()),
        (HeaderName::from_static("audit-id"), trace),
        (HeaderName::from_static("x-kubernetes-pf-flowschema-uid"), "e15ba25a-38c2-4cc9-838e-87a8e15a0abc"),
        (HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid"), "35486054-4f36-45f6-a202-1754379ace2d"),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length.into());
}
