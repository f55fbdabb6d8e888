//! The endpoints, and what every request passes: the content type of what changes something, the token, its rights. Refusals are upstream's,
//! word for word.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::ACCEPT, header::CONTENT_TYPE};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    demo::{
        argocd::{
            ArgoCd,
            app::App,
            spec::AutoSpec,
            stream::{Listener, projected},
            wire,
        },
        rest::{Good, parts, query, set},
        system::{Cursor, Reply, has_another_token},
    },
    domain::time::Timestamp,
};

/// What of a list can be asked for by `fields`: this and nothing else, without the history.
const LISTED: [&str; 20] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.annotations",
    "metadata.labels",
    "metadata.creationTimestamp",
    "spec",
    "spec.destination",
    "spec.project",
    "spec.source",
    "spec.sources",
    "spec.syncPolicy",
    "status.summary",
    "status.sync.status",
    "status.sync.revision",
    "status.health",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "status.operationState.phase",
    "status.resources",
    "operation.sync",
];

/// A refusal: the status, gRPC's code, and what it says.
struct Refused(StatusCode, i32, String);

type Outcome = Result<Good, Refused>;

fn failed_precondition(why: &str) -> Refused {
    Refused(StatusCode::BAD_REQUEST, 9, why.to_owned())
}

fn invalid(why: &str) -> Refused {
    Refused(StatusCode::BAD_REQUEST, 3, why.to_owned())
}

fn denied() -> Refused {
    Refused(StatusCode::FORBIDDEN, 7, "permission denied".to_owned())
}

fn sent(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}

/// Every value of a parameter.
fn all_of(request: &Request<Bytes>, names: &[&str]) -> Vec<String> {
    let query = request.uri().query().unwrap_or_default();
    let meant = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| names.contains(&key.as_ref()));
    meant.map(|(_, value)| value.into_owned()).collect()
}

fn fields(request: &Request<Bytes>) -> Vec<String> {
    let named = query(request, "fields").unwrap_or_default();
    named.split(',').filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

impl ArgoCd {
    /// The whole way of a request.
    pub(super) fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        let path = parts(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if path == ["api", "v1", "stream", "applications"] && !has_another_token(request) {
            return self.listen(now, request);
        }
        let refuse = |Refused(status, code, message): Refused| {
            sent(status, &json!({"error": message, "code": code, "message": message}))
        };
        Reply::Whole(match self.route(now, request, &path) {
            Ok(good) => sent(good.status, &good.body.unwrap_or_default()),
            Err(refused) => refuse(refused),
        })
    }

    fn listen(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        let events = request.headers().get(ACCEPT).is_some_and(|accept| accept == "text/event-stream");
        let from = query(request, "resourceVersion").and_then(|version| version.parse::<u64>().ok());
        let all = || self.apps.iter().map(|app| wire::application(app, app.version)).collect();
        self.opened += 1;
        let listener = Listener {
            projects: all_of(request, &["projects", "project"]),
            fields: fields(request),
            events,
            seen: from.unwrap_or(self.version),
            first: if from.is_none() { all() } else { Vec::new() },
            alive: crate::domain::time::after(now, std::time::Duration::from_secs(15)),
            last: BTreeMap::new(),
        };
        self.listeners.insert(self.opened, listener);
        let mut head = Response::new(());
        set(head.headers_mut(), "content-type", if events { "text/event-stream" } else { "application/json" });
        Reply::Stream { head, cursor: Cursor(self.opened) }
    }

    fn may(&self, action: &str, object: &str) -> bool {
        let (project, _) = object.split_once('/').unwrap_or((object, ""));
        let is = |denied: &String| {
            let Some((of, to)) = denied.split_once(", ") else { return false };
            // Whoever lacks one Application does not have all.
            let part = object == format!("{project}/*") && to.starts_with(&format!("{project}/"));
            of == action && (to == object || to == format!("{project}/*") || part)
        };
        !self.denied.iter().any(is)
    }

    fn route(&mut self, now: Timestamp, request: &Request<Bytes>, path: &[&str]) -> Outcome {
        if path == ["api", "version"] {
            return Ok(Good::json(json!({"Version": self.spec.version})));
        }
        let kind = request.headers().get(CONTENT_TYPE);
        if request.method() != Method::GET && kind.is_none_or(|kind| kind != "application/json") {
            return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, 3, "Invalid content type".to_owned()));
        }
        if has_another_token(request) {
            let why = "invalid session: token signature is invalid: signature is invalid";
            return Err(Refused(StatusCode::UNAUTHORIZED, 16, why.to_owned()));
        }
        let ["api", "v1", rest @ ..] = path else {
            return Err(Refused(StatusCode::NOT_FOUND, 5, "Not Found".to_owned()));
        };
        let get = request.method() == Method::GET;
        match rest {
            ["session", "userinfo"] if get => {
                Ok(Good::json(json!({"loggedIn": true, "username": self.spec.user, "iss": "argocd"})))
            }
            ["account", "can-i", "applications", action, object @ ..] if get => self.can_i(action, &object.join("/")),
            ["applications"] if get => Ok(Good::json(self.list(request))),
            ["applications", name, rest @ ..] => self.one(now, request, name, rest),
            _ => Err(Refused(StatusCode::NOT_FOUND, 5, "Not Found".to_owned())),
        }
    }

    fn can_i(&self, action: &str, object: &str) -> Outcome {
        let known = ["get", "create", "update", "delete", "sync", "override", "action"];
        if !known.contains(&action) {
            return Err(invalid(&format!("[{}] does not contain {action}", known.join(" "))));
        }
        let value = if self.may(action, object) { "yes" } else { "no" };
        Ok(Good::json(json!({ "value": value })))
    }

    fn list(&self, request: &Request<Bytes>) -> Value {
        let projects = all_of(request, &["projects", "project"]);
        let here = self.apps.iter().filter(|app| projects.is_empty() || projects.contains(&app.spec.project));
        let seen = here.filter(|app| self.may("get", &name_of(app)));
        let mut items: Vec<Value> = seen.map(|app| wire::application(app, app.version)).collect();
        let asked = fields(request);
        if !asked.is_empty() {
            let known: Vec<String> = LISTED
                .iter()
                .filter(|field| asked.contains(&format!("items.{field}")))
                .map(|it| (*it).to_owned())
                .collect();
            items = items.iter().map(|item| projected(item, "", &known)).collect();
        }
        let items = if items.is_empty() { Value::Null } else { items.into() };
        json!({"metadata": {"resourceVersion": self.version.to_string()}, "items": items})
    }

    /// The Application that a request is about, by the rules of what it may be told.
    fn find(&self, request: &Request<Bytes>, name: &str, action: &str, body: &Value) -> Result<usize, Refused> {
        let said = |key: &str| query(request, key).or_else(|| body.get(key)?.as_str().map(str::to_owned));
        let (project, namespace) = (said("project"), said("appNamespace").unwrap_or_else(|| "argocd".to_owned()));
        let missing = || {
            let why = format!("applications.argoproj.io \"{name}\" not found");
            Refused(StatusCode::NOT_FOUND, 5, why)
        };
        let found = self.apps.iter().position(|app| app.spec.name == name && app.spec.namespace == namespace);
        let Some(project) = project.filter(|project| !project.is_empty()) else {
            let seen = found.filter(|place| self.apps.get(*place).is_some_and(|app| self.may(action, &name_of(app))));
            return seen.ok_or_else(denied);
        };
        let object =
            if namespace == "argocd" { format!("{project}/{name}") } else { format!("{project}/{namespace}/{name}") };
        if !self.may(action, &object) {
            return Err(denied());
        }
        let is_there = |place: &usize| self.apps.get(*place).is_some_and(|app| app.spec.project == project);
        found.filter(is_there).ok_or_else(missing)
    }

    fn one(&mut self, now: Timestamp, request: &Request<Bytes>, name: &str, rest: &[&str]) -> Outcome {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (method, user) = (request.method().clone(), self.spec.user.clone());
        match (method, rest) {
            (Method::GET, []) => self.shown(self.find(request, name, "get", &body)?),
            (Method::GET, ["syncwindows"]) => {
                let place = self.find(request, name, "get", &body)?;
                let project = self.apps.get(place).map(|app| app.spec.project.clone()).unwrap_or_default();
                let open = self.closed(&project, true, now).is_none();
                let of = |window: &crate::demo::argocd::spec::WindowSpec| json!({"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "manualSync": window.manual});
                let all: Vec<Value> =
                    self.spec.windows.iter().filter(|window| window.project == project).map(of).collect();
                let active = if open { Vec::new() } else { all.clone() };
                Ok(Good::json(json!({"activeWindows": active, "assignedWindows": all, "canSync": open})))
            }
            (Method::POST, ["sync"]) => {
                let place = self.find(request, name, "get", &body)?;
                self.sync(now, place, &user, &body)
            }
            (Method::POST, ["rollback"]) => {
                let place = self.find(request, name, "sync", &body)?;
                self.rollback(now, place, &user, &body)
            }
            (Method::DELETE, ["operation"]) => {
                let place = self.find(request, name, "sync", &body)?;
                let app = self.apps.get_mut(place).ok_or_else(denied)?;
                app.terminate(now).map_err(invalid)?;
                self.changed(place);
                Ok(Good::json(json!({})))
            }
            (Method::PATCH, []) => {
                let place = self.find(request, name, "update", &body)?;
                self.patch(now, place, &body)
            }
            _ => Err(Refused(StatusCode::NOT_FOUND, 5, "Not Found".to_owned())),
        }
    }

    fn shown(&self, place: usize) -> Outcome {
        let app = self.apps.get(place).ok_or_else(denied)?;
        Ok(Good::json(wire::application(app, app.version)))
    }

    fn sync(&mut self, now: Timestamp, place: usize, user: &str, body: &Value) -> Outcome {
        let app = self.apps.get(place).ok_or_else(denied)?;
        if self.closed(&app.spec.project, true, now).is_some() {
            return Err(Refused(StatusCode::FORBIDDEN, 7, "cannot sync: blocked by sync window".to_owned()));
        }
        let object = name_of(app);
        if !self.may("sync", &object) {
            let why =
                format!("permission denied: applications, sync, {object}, sub: {user}, iat: 2026-01-01T00:00:00Z");
            return Err(Refused(StatusCode::FORBIDDEN, 7, why));
        }
        let to = body.get("revision").and_then(Value::as_str).filter(|revision| !revision.is_empty());
        let target = app.spec.target.clone();
        if let Some(to) = to.filter(|to| app.is_automated() && *to != target) {
            return Err(failed_precondition(&format!("Cannot sync to {to}: auto-sync currently set to {target}")));
        }
        let infos = body.get("infos").cloned().unwrap_or_default();
        let app = self.apps.get_mut(place).ok_or_else(denied)?;
        app.sync(to, user, &infos, now).map_err(failed_precondition)?;
        self.changed(place);
        self.shown(place)
    }

    fn rollback(&mut self, now: Timestamp, place: usize, user: &str, body: &Value) -> Outcome {
        let app = self.apps.get_mut(place).ok_or_else(denied)?;
        if app.is_automated() {
            return Err(failed_precondition("rollback cannot be initiated when auto-sync is enabled"));
        }
        let id = body.get("id").and_then(Value::as_u64);
        let known = id.filter(|id| app.history.iter().any(|entry| entry.id == *id));
        let Some(id) = known else {
            let (namespace, name) = (&app.spec.namespace, &app.spec.name);
            let id = id.unwrap_or_default();
            return Err(invalid(&format!("application {namespace}/{name} does not have deployment with id {id}")));
        };
        app.rollback(id, user, now).map_err(failed_precondition)?;
        self.changed(place);
        self.shown(place)
    }

    /// A merge patch of what is said of auto-sync; nothing else is patched here.
    fn patch(&mut self, now: Timestamp, place: usize, body: &Value) -> Outcome {
        let kind = body.get("patchType").and_then(Value::as_str).unwrap_or_default();
        if kind != "merge" {
            return Err(invalid(&format!("Patch type '{kind}' is not supported")));
        }
        let patch = body.get("patch").and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
        let wanted = patch.as_ref().and_then(|patch| patch.pointer("/spec/syncPolicy/automated"));
        let wanted = wanted.ok_or_else(|| invalid("error calculating merge patch: nothing that this world knows"))?;
        // A custom resource of before 3.1 has no such field: it is pruned, and nobody says so.
        let knows = !self.spec.version.starts_with("v2") && !self.spec.version.starts_with("v3.0");
        let app = self.apps.get_mut(place).ok_or_else(denied)?;
        let merged = merged(app.auto, wanted, knows);
        app.change_auto(merged, now);
        self.changed(place);
        self.shown(place)
    }
}

/// As a policy names it.
fn name_of(app: &App) -> String {
    let spec = &app.spec;
    if spec.namespace == "argocd" {
        format!("{}/{}", spec.project, spec.name)
    } else {
        format!("{}/{}/{}", spec.project, spec.namespace, spec.name)
    }
}

fn merged(before: Option<AutoSpec>, patch: &Value, knows_enabled: bool) -> Option<AutoSpec> {
    let Value::Object(fields) = patch else { return None };
    let mut auto = before.unwrap_or_default();
    for (name, value) in fields {
        match name.as_str() {
            "prune" => auto.prune = value.as_bool(),
            "selfHeal" => auto.self_heal = value.as_bool(),
            "allowEmpty" => auto.allow_empty = value.as_bool(),
            "enabled" if knows_enabled => auto.enabled = value.as_bool(),
            _ => {}
        }
    }
    Some(auto)
}
