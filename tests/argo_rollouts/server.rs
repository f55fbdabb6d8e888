//! A hand-made API server: answers by method and path, keeps what it was asked; and a clock that only sleeping moves.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::DateTime;
use futures::{StreamExt, future::BoxFuture, stream};
use holdshort::{
    domain::{offer::Risk, time::Timestamp},
    port::{
        clock::Clock,
        wire::{Transport, WireBody, WireError, whole},
    },
    provider::kubernetes::{Cluster, Scope},
};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::Value;

/// A recorded reply.
pub(crate) fn recorded(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubernetes").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn recorded_json(name: &str) -> Value {
    serde_json::from_str(&recorded(&format!("{name}.json"))).unwrap()
}

/// A list of these objects, all of one kind.
pub(crate) fn list(kind: &str, revision: &str, items: &[Value]) -> String {
    serde_json::json!({"kind": format!("{kind}List"), "metadata": {"resourceVersion": revision}, "items": items})
        .to_string()
}

pub(crate) fn at(time: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

/// What the server says to one request.
#[derive(Clone)]
pub(crate) enum Say {
    /// This, whole.
    Whole(u16, String),
    /// These lines, and then the end.
    Lines(Vec<String>),
    /// These lines, and then silence.
    LinesThenSilence(Vec<String>),
    /// Nothing: the connection breaks.
    Breaks,
}

#[derive(Default)]
struct State {
    /// By method and path, what is said in turn; the last is said for ever.
    says: BTreeMap<(String, String), VecDeque<Say>>,
    asked: Vec<Request<Bytes>>,
}

#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

impl Server {
    /// Says this to the next such request; after the last of several, again. A watch is the method `WATCH`.
    pub(crate) fn says(self, method: &str, path: &str, say: Say) -> Self {
        let key = (method.to_owned(), path.to_owned());
        self.0.lock().unwrap().says.entry(key).or_default().push_back(say);
        self
    }

    /// Says only this to such a request, whatever was to be said before.
    pub(crate) fn instead(self, method: &str, path: &str, say: Say) -> Self {
        self.0.lock().unwrap().says.insert((method.to_owned(), path.to_owned()), VecDeque::from([say]));
        self
    }

    pub(crate) fn transport(&self) -> Transport {
        let state = self.0.clone();
        Transport::new(tower::service_fn(move |request: Request<Bytes>| {
            let reply = answer(&mut state.lock().unwrap(), request);
            async move { reply }
        }))
    }

    /// `GET /path?query` of everything asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|request| format!("{} {}", request.method(), request.uri())).collect()
    }

    pub(crate) fn asked(&self) -> Vec<Request<Bytes>> {
        self.0.lock().unwrap().asked.clone()
    }
}

fn answer(state: &mut State, request: Request<Bytes>) -> Result<Response<WireBody>, WireError> {
    let watched = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let method = if watched { "WATCH" } else { request.method().as_str() };
    let key = (method.to_owned(), request.uri().path().to_owned());
    state.asked.push(request);
    let says = state.says.get_mut(&key);
    let say = says.and_then(|says| if says.len() > 1 { says.pop_front() } else { says.front().cloned() });
    let respond = |status: u16, body| Ok(Response::builder().status(status).body(body).unwrap());
    match say {
        Some(Say::Whole(status, body)) => {
            let length = body.len();
            let response = Response::builder().status(status).header("content-length", length).body(whole(body));
            Ok(response.unwrap())
        }
        Some(Say::Lines(lines)) => respond(200, StreamBody::new(frames(lines)).boxed_unsync()),
        Some(Say::LinesThenSilence(lines)) => {
            respond(200, StreamBody::new(frames(lines).chain(stream::pending())).boxed_unsync())
        }
        Some(Say::Breaks) => Err(WireError::Lost("reset by peer".into())),
        None if watched => respond(200, StreamBody::new(stream::pending()).boxed_unsync()),
        None => respond(404, whole("404 page not found\n")),
    }
}

fn frames(lines: Vec<String>) -> impl futures::Stream<Item = Result<Frame<Bytes>, WireError>> + Send + 'static {
    stream::iter(lines.into_iter().map(|line| Ok(Frame::data(Bytes::from(line + "\n")))))
}

/// Sleeping moves it; nothing else does. Whoever would sleep for long sleeps for ever: what comes again and again would come
/// at once, and without end.
#[derive(Debug)]
pub(crate) struct Jumping(Arc<Mutex<Timestamp>>);

impl Jumping {
    pub(crate) fn from(time: &str) -> Arc<Self> {
        Arc::new(Self(Arc::new(Mutex::new(at(time)))))
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let now = self.0.clone();
        if span >= Duration::from_secs(20) {
            return Box::pin(std::future::pending());
        }
        Box::pin(async move {
            let mut now = now.lock().unwrap();
            *now += chrono::TimeDelta::from_std(span).unwrap();
        })
    }
}

/// The namespace `shop` of the cluster `eu`.
pub(crate) fn scope() -> Scope {
    Scope::new("eu".into(), "prod/eu-west-1".into(), Risk::High, vec!["shop".into()])
}

pub(crate) fn cluster(transport: Transport) -> Arc<Cluster> {
    Cluster::new(transport, scope(), Jumping::from("2026-11-21T06:22:00Z"))
}

pub(crate) const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
pub(crate) const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
pub(crate) const PODS: &str = "/api/v1/namespaces/shop/pods";
pub(crate) const RUNS: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/analysisruns";
pub(crate) const EVENTS: &str = "/api/v1/namespaces/shop/events";
pub(crate) const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
