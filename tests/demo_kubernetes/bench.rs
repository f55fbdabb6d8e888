//! A cluster on a bench: requests in, answers out, time turned by hand.

use bytes::Bytes;
use chrono::TimeDelta;
use holdshort::demo::kubernetes::{Action, Cluster, ClusterSpec};
use holdshort::demo::system::{Cursor, Reply, System};
use holdshort::domain::time::Timestamp;
use http::{HeaderMap, Request};
use serde_json::Value;

/// When every bench starts.
pub(crate) const START: &str = "2026-11-21T06:00:00Z";

pub(crate) struct Bench {
    pub(crate) cluster: Cluster,
    pub(crate) now: Timestamp,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }
}

impl Bench {
    pub(crate) fn new(spec: &str) -> Self {
        let spec: ClusterSpec = toml::from_str(spec).unwrap();
        let now: Timestamp = START.parse().unwrap();
        Self { cluster: Cluster::new("eu", &spec, 7, now), now }
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        match self.cluster.respond(self.now, &request) {
            Reply::Whole(response) => Answer {
                code: response.status().as_u16(),
                headers: response.headers().clone(),
                text: String::from_utf8(response.body().to_vec()).unwrap(),
            },
            Reply::Stream { .. } => panic!("{path} is a stream"),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        let answer = self.ask("GET", path, &[], "");
        assert_eq!(answer.code, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub(crate) fn patch(&mut self, path: &str, form: &str, body: &Value) -> Answer {
        let form = format!("application/{form}-patch+json");
        self.ask("PATCH", path, &[("content-type", &form), ("user-agent", "bench/1")], &body.to_string())
    }

    pub(crate) fn watch(&mut self, path: &str) -> Cursor {
        let request = Request::builder().uri(path).body(Bytes::new()).unwrap();
        match self.cluster.respond(self.now, &request) {
            Reply::Stream { cursor, .. } => cursor,
            Reply::Whole(response) => panic!("{path} is no stream: {response:?}"),
        }
    }

    /// What a watch tells now: type and object of each event.
    pub(crate) fn due(&mut self, cursor: Cursor) -> (Vec<(String, Value)>, bool) {
        let due = self.cluster.due(cursor, self.now);
        let events = due.chunks.iter().map(|line| {
            assert!(line.ends_with(b"\n"));
            let mut event: Value = serde_json::from_slice(line).unwrap();
            (event["type"].as_str().unwrap().to_owned(), event["object"].take())
        });
        (events.collect(), due.ended)
    }

    pub(crate) fn act(&mut self, action: &str) {
        let action: Action = toml::from_str(action).unwrap();
        self.cluster.act(self.now, &action).unwrap();
    }

    /// Lets time go by, stopping at everything that happens.
    pub(crate) fn run(&mut self, seconds: i64) {
        let end = self.now + TimeDelta::seconds(seconds);
        while let Some(at) = self.cluster.next().filter(|at| *at <= end) {
            self.cluster.advance(at);
            self.now = self.now.max(at);
        }
        self.now = end;
    }

    /// Lets time go by until `is_so` gives something; fails after `seconds`.
    pub(crate) fn until<T>(&mut self, seconds: i64, mut is_so: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        let end = self.now + TimeDelta::seconds(seconds);
        loop {
            if let Some(found) = is_so(self) {
                return Some(found);
            }
            let at = self.cluster.next().filter(|at| *at <= end)?;
            self.cluster.advance(at);
            self.now = self.now.max(at);
        }
    }
}

/// A recorded file.
pub(crate) fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/kubernetes/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
