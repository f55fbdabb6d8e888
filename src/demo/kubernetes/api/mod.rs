//! The API server: answers requests over the store. It never moves an object by itself.

mod access;
mod discovery;
pub(super) mod log;
mod patch;
mod protobuf;
mod proxy;
mod read;
mod route;
mod selector;
mod status;
mod strategic;
mod table;
mod watch;
mod write;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use self::access::{Access, Ask};
use self::read::Form;
use self::route::{Call, Review, Route};
use self::status::Failure;
use self::watch::Watch;
use super::control::Plane;
use super::kind::Kind;
use super::spec::{ClusterSpec, Crd, Right, TesterSpec};
use crate::demo::system::{Cursor, Due, Reply};
use crate::domain::time::Timestamp;

/// What `/version` says; the clients only look at major and minor.
const VERSION: [(&str, &str); 13] = [
    ("major", "1"),
    ("minor", "36"),
    ("emulationMajor", "1"),
    ("emulationMinor", "36"),
    ("minCompatibilityMajor", "1"),
    ("minCompatibilityMinor", "35"),
    ("gitVersion", "v1.36.2"),
    ("gitCommit", "98b35193b2ac7a23a673325f5e9b830ecd5ba406"),
    ("gitTreeState", "clean"),
    ("buildDate", "2026-11-21T00:00:00Z"),
    ("goVersion", "go1.26.6"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
];

/// The answer to a token that nobody gave out.
pub(super) fn unauthorized() -> Response<Bytes> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
        "reason": "Unauthorized", "code": 401,
    });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The API server of one cluster.
#[derive(Debug)]
pub(super) struct Api {
    cell: String,
    access: Access,
    /// Sets of custom kinds that are installed.
    crds: Vec<Crd>,
    /// Services behind which a load tester answers.
    testers: Vec<TesterSpec>,
    watches: BTreeMap<u64, Watch>,
    opened: u64,
    answered: u64,
    /// What pods wrote.
    pub(super) logs: log::Logs,
}

impl Api {
    pub(super) fn new(cell: &str, spec: &ClusterSpec) -> Self {
        Self {
            cell: cell.to_owned(),
            access: Access::new(spec),
            crds: spec.crds.clone(),
            testers: spec.testers.clone(),
            watches: BTreeMap::new(),
            opened: 0,
            answered: 0,
            logs: log::Logs::default(),
        }
    }

    pub(super) fn set_rights(&mut self, rights: Vec<Right>) {
        self.access.set_rights(rights);
    }

    pub(super) fn respond(&mut self, plane: &mut Plane, now: Timestamp, request: &Request<Bytes>) -> Reply {
        self.answered += 1;
        let trace = plane.seed.uid(&["audit", &self.cell, &self.answered.to_string()]);
        let call = Call::read(request);
        let answer = self.answer(plane, now, &call);
        match answer {
            Ok(Answer::Whole(mut response)) => {
                status::finish(&mut response, now, &trace);
                Reply::Whole(response)
            }
            Ok(Answer::Watch(watch)) => {
                self.opened += 1;
                self.watches.insert(self.opened, *watch);
                let mut head = Response::new(Bytes::new());
                status::finish(&mut head, now, &trace);
                head.headers_mut().remove(http::header::CONTENT_LENGTH);
                Reply::Stream { head: head.map(drop), cursor: Cursor(self.opened) }
            }
            Err(failure) => {
                let mut response = failure.response();
                status::finish(&mut response, now, &trace);
                Reply::Whole(response)
            }
        }
    }

    pub(super) fn due(&mut self, plane: &Plane, cursor: Cursor, now: Timestamp) -> Due {
        let Some(watch) = self.watches.get_mut(&cursor.0) else { return Due { ended: true, ..Due::default() } };
        let due = watch.due(&plane.store, now);
        if due.ended {
            self.watches.remove(&cursor.0);
        }
        due
    }

    pub(super) fn hang_up(&mut self, cursor: Cursor) {
        self.watches.remove(&cursor.0);
    }

    fn answer(&self, plane: &mut Plane, now: Timestamp, call: &Call<'_>) -> Result<Answer, Failure> {
        let user = self.access.user(call)?;
        let route = route::find(call.path());
        let whole = |value: Value| Ok(Answer::Whole(status::ok(&value)));
        match route {
            Route::Version => whole(VERSION.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()),
            Route::Ready => Ok(Answer::Whole(status::plain(200, "ok"))),
            Route::Review(review) if call.method == Method::POST => self.review(now, call, review, user),
            Route::Discovery(discovery) if call.method == Method::GET => {
                let found = discovery::answer(discovery, call.header("accept"), &self.crds);
                found.map(Answer::Whole).ok_or_else(Failure::no_page)
            }
            Route::Proxy { namespace, service, path } => {
                self.proxied(plane, call, user, &proxy::Asked { namespace, service, path }).map(Answer::Whole)
            }
            Route::Object { kind, .. } if !kind.is_served(&self.crds) => Err(Failure::no_page()),
            Route::Object { kind, namespace, name, subresource } => {
                let target = Target { kind, namespace, name, subresource };
                self.object(plane, now, call, &target, user)
            }
            Route::NoResource => Err(Failure::no_resource()),
            Route::Review(_) | Route::Discovery(_) => Err(Failure::method_not_allowed()),
            Route::Unknown => Err(Failure::no_page()),
        }
    }

    fn object(
        &self,
        plane: &mut Plane,
        now: Timestamp,
        call: &Call<'_>,
        target: &Target<'_>,
        user: &str,
    ) -> Result<Answer, Failure> {
        let verb = target.verb(call)?;
        let meta = target.kind.meta();
        let ask = Ask {
            verb,
            group: meta.group,
            resource: meta.plural,
            subresource: target.subresource.unwrap_or_default(),
            namespace: target.namespace.unwrap_or_default(),
            name: target.name.unwrap_or_default(),
        };
        if !self.access.allows(user, &ask) {
            return Err(Failure::forbidden(user, target.kind, &ask));
        }
        if target.is_log() {
            return self.logs.answer(plane, call, target).map(Answer::Whole);
        }
        let form = Form::of(call.header("accept"), call.parameter("includeObject"))?;
        match verb {
            "get" => read::get(plane, now, target, form).map(|value| Answer::Whole(status::ok(&value))),
            "list" => read::list(plane, now, call, target, form).map(|value| Answer::Whole(status::ok(&value))),
            "watch" => Watch::open(plane, now, call, target, form).map(|watch| Answer::Watch(Box::new(watch))),
            "patch" => write::patch(plane, now, call, target).map(|value| Answer::Whole(status::ok(&value))),
            _ => write::update(plane, now, call, target).map(|value| Answer::Whole(status::ok(&value))),
        }
    }

    fn review(&self, now: Timestamp, call: &Call<'_>, review: Review, user: &str) -> Result<Answer, Failure> {
        let asked = match protobuf::review(call.body) {
            Some(asked) => asked,
            None => serde_json::from_slice(call.body).map_err(|error| Failure::bad_body(&error))?,
        };
        let value = match review {
            Review::Access => self.access.review_access(user, &asked),
            Review::Rules => self.access.review_rules(user, &asked)?,
            Review::Subject => Access::review_subject(user, now),
        };
        let mut response = status::ok(&value);
        *response.status_mut() = http::StatusCode::CREATED;
        Ok(Answer::Whole(response))
    }
}

/// An answer before it goes out.
enum Answer {
    Whole(Response<Bytes>),
    Watch(Box<Watch>),
}

/// The object, or the collection, that a call is about.
#[derive(Clone, Copy, Debug)]
struct Target<'a> {
    kind: Kind,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    subresource: Option<&'a str>,
}

impl Target<'_> {
    /// The verb of the call, in the words of access rules; refused where the kind or subresource has no such verb.
    fn verb(&self, call: &Call<'_>) -> Result<&'static str, Failure> {
        let meta = self.kind.meta();
        let known = |sub: &str| sub == "status" && meta.status || self.is_log() && call.method == Method::GET;
        if self.subresource.is_some_and(|subresource| !known(subresource)) {
            return Err(Failure::no_resource());
        }
        match (&call.method, self.name) {
            (&Method::GET, Some(_)) => Ok("get"),
            (&Method::GET, None) if call.flag("watch") => Ok("watch"),
            (&Method::GET, None) => Ok("list"),
            (&Method::PATCH, Some(_)) if meta.writable => Ok("patch"),
            (&Method::PUT, Some(_)) if meta.writable => Ok("update"),
            _ => Err(Failure::method_not_allowed()),
        }
    }

    /// Is it the log of a pod?
    fn is_log(&self) -> bool {
        self.kind == Kind::Pod && self.name.is_some() && self.subresource == Some("log")
    }

    fn key(&self) -> super::store::Key {
        super::store::Key::new(self.kind, self.namespace.unwrap_or_default(), self.name.unwrap_or_default())
    }
}
