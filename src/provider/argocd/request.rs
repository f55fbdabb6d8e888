//! What is asked of Argo CD: pure builders, one for each endpoint.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    domain::observed::FaultKind,
    port::{error::ProviderError, fill::Outgoing, wire::Class},
    provider::{
        argocd::address::Address,
        http::{USER_AGENT, client::part},
    },
};

/// `Content-Type` of everything that changes something: without exactly this it is refused (415), whether it has a body or not.
pub(super) const JSON: &str = "application/json";
/// What streams are sent as when they are asked for so: with a sign of life every 15 s.
const EVENTS: &str = "text/event-stream";

/// What of an Application a stream tells. Of a stream any field can be named; of a list only some, without the history.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.generation",
    "metadata.resourceVersion",
    "metadata.deletionTimestamp",
    "metadata.ownerReferences",
    "metadata.annotations",
    "metadata.labels",
    "spec",
    "status.sync",
    "status.health",
    "status.operationState",
    "status.history",
    "status.summary",
    "status.conditions",
    "status.resources",
    "status.controllerNamespace",
    "operation",
];

/// A request, before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) class: Class,
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) body: String,
    /// The right that it takes, as a policy writes it: `applications, get, shop/payments`.
    pub(super) right: String,
}

impl Wanted {
    fn get(path: String, right: String) -> Self {
        Self { class: Class::Read, method: Method::GET, path, body: String::new(), right }
    }

    /// A call of a plan.
    pub(super) fn call(outgoing: &Outgoing<'_>) -> Result<Self, ProviderError> {
        let method = outgoing.call.method.parse().map_err(|_| unfit(&outgoing.call.method))?;
        let (path, body) = (outgoing.path.clone(), outgoing.body.clone());
        let action = match &method {
            &Method::PATCH => "update",
            _ if path.ends_with("/rollback") => "rollback (sync, before 3.6)",
            _ => "sync",
        };
        let (project, name) = (project_of(&path, &body), name_of(&path));
        let right = right(action, &format!("{project}/{name}"));
        Ok(Self { class: Class::Write, method, path, body, right })
    }

    /// The request with its headers and its class.
    pub(super) fn request(&self) -> Result<Request<Bytes>, ProviderError> {
        let uri = self.path.parse().map_err(|_| unfit(&self.path))?;
        let mut request = Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.class);
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        let accepted = if self.class == Class::Stream { EVENTS } else { JSON };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accepted));
        if self.method != Method::GET {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        Ok(request)
    }
}

fn unfit(what: &str) -> ProviderError {
    ProviderError::new(FaultKind::Rejected, format!("'{what}' cannot be sent to Argo CD"))
}

/// The project that a call names, in its query or its body.
fn project_of(path: &str, body: &str) -> String {
    let query = path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "project");
    let read = || serde_json::from_str::<Value>(body).ok()?.get("project")?.as_str().map(str::to_owned);
    named.map(|(_, project)| project.into_owned()).or_else(read).unwrap_or_else(|| "*".to_owned())
}

/// The Application that a call is about.
fn name_of(path: &str) -> &str {
    let behind = path.strip_prefix("/api/v1/applications/").unwrap_or_default();
    behind.split(['/', '?']).next().unwrap_or_default()
}

/// A right as a policy writes it.
pub(super) fn right(action: &str, object: &str) -> String {
    format!("applications, {action}, {object}")
}

/// The path of an Application.
pub(super) fn path(at: &Address) -> String {
    format!("/api/v1/applications/{}", part(&at.name))
}

/// Whose it is, for a query. Without the project whatever may not be seen and whatever is not there are one answer, 403; without the
/// namespace another Application may have the name.
pub(super) fn whose(at: &Address) -> String {
    let namespace = at.namespace.as_ref().map(|namespace| format!("appNamespace={}&", part(namespace)));
    format!("?{}project={}", namespace.unwrap_or_default(), part(&at.project))
}

fn of_project(project: Option<&str>) -> String {
    project.map(|project| format!("projects={}", part(project))).unwrap_or_default()
}

fn all_of(project: Option<&str>) -> String {
    right("get", &format!("{}/*", project.unwrap_or("*")))
}

/// Every Application of a project, or all there are.
pub(super) fn list(project: Option<&str>) -> Wanted {
    let query = of_project(project);
    let mark = if query.is_empty() { "" } else { "?" };
    Wanted::get(format!("/api/v1/applications{mark}{query}"), all_of(project))
}

/// What happens to them from this revision on.
pub(super) fn stream(project: Option<&str>, revision: &str) -> Wanted {
    let fields: Vec<String> = FIELDS.iter().map(|field| format!("result.application.{field}")).collect();
    let query = [of_project(project), format!("resourceVersion={}", part(revision))];
    let query: Vec<String> = query.into_iter().filter(|part| !part.is_empty()).collect();
    let path = format!("/api/v1/stream/applications?{}&fields=result.type,error,{}", query.join("&"), fields.join(","));
    Wanted { class: Class::Stream, ..Wanted::get(path, all_of(project)) }
}

/// One Application.
pub(super) fn application(at: &Address) -> Wanted {
    Wanted::get(format!("{}{}", path(at), whose(at)), right("get", &at.path()))
}

/// Whether its sync windows let it be synced now.
pub(super) fn windows(at: &Address) -> Wanted {
    Wanted::get(format!("{}/syncwindows{}", path(at), whose(at)), right("get", &at.path()))
}

/// Whether the token may do this.
pub(super) fn can_i(action: &str, object: &str) -> Wanted {
    let object: Vec<String> = object.split('/').map(|it| if it == "*" { it.to_owned() } else { part(it) }).collect();
    Wanted::get(format!("/api/v1/account/can-i/applications/{action}/{}", object.join("/")), String::new())
}

/// Who the token is.
pub(super) fn user() -> Wanted {
    Wanted::get("/api/v1/session/userinfo".to_owned(), String::new())
}

/// Its version, which it tells everybody.
pub(super) fn version() -> Wanted {
    Wanted::get("/api/version".to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Address {
        Address { project: "shop".into(), namespace: None, name: "payments".into() }
    }

    #[test]
    fn every_read_is_a_get_of_one_path_that_names_the_project() {
        let away = Address { namespace: Some("team-a".into()), ..at() };
        let table = [
            (list(None), "/api/v1/applications"),
            (list(Some("shop")), "/api/v1/applications?projects=shop"),
            (application(&at()), "/api/v1/applications/payments?project=shop"),
            (application(&away), "/api/v1/applications/payments?appNamespace=team-a&project=shop"),
            (windows(&at()), "/api/v1/applications/payments/syncwindows?project=shop"),
            (can_i("sync", "shop/*"), "/api/v1/account/can-i/applications/sync/shop/*"),
            (user(), "/api/v1/session/userinfo"),
            (version(), "/api/version"),
        ];
        for (wanted, path) in table {
            assert_eq!((wanted.class, &wanted.method, wanted.path.as_str()), (Class::Read, &Method::GET, path));
            let request = wanted.request().unwrap();
            assert_eq!((request.uri().to_string().as_str(), request.headers().get("content-type")), (path, None));
            assert!(!path.contains("refresh"), "that has the repository compared");
        }
    }

    #[test]
    fn a_stream_is_asked_for_as_events_with_what_is_read_of_it_and_no_more() {
        let wanted = stream(Some("shop"), "812");
        assert_eq!(wanted.class, Class::Stream);
        let request = wanted.request().unwrap();
        assert_eq!(request.headers()["accept"], "text/event-stream");
        let query = request.uri().query().unwrap();
        assert!(query.starts_with("projects=shop&resourceVersion=812&fields=result.type,error,result.application."));
        for wanted in ["status.history", "metadata.uid", "status.conditions"] {
            assert!(query.contains(wanted), "{query}");
        }
        assert!(!query.contains("managedFields"));
    }
}
