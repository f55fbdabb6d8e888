//! What a system was asked, in order, and a clock that stands until it is moved: for tests of one CI system by itself.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeZone;
use futures::future::BoxFuture;
use holdshort::{
    domain::time::{Timestamp, after},
    port::{
        clock::Clock,
        wire::{Class, Transport, WireError, whole},
    },
};
use http::{HeaderMap, Request, Response};
use tower::service_fn;

/// 10:12, the begin of every test.
pub(crate) fn start() -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 3, 10, 10, 12, 0).single().unwrap()
}

/// A clock that stands until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct HandClock(Arc<Mutex<Timestamp>>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(start())))
    }

    pub(crate) fn pass(&self, span: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = after(*now, span);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.pass(span);
        Box::pin(std::future::ready(()))
    }
}

/// What was asked: method and path with query, class, headers and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) class: Option<Class>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What was asked, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<Seen>>>);

impl Diary {
    fn write(&self, request: &Request<Bytes>) {
        self.0.lock().unwrap().push(Seen {
            line: format!("{} {}", request.method(), request.uri()),
            class: request.extensions().get::<Class>().copied(),
            headers: request.headers().clone(),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
        });
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn writes(&self) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.class == Some(Class::Write)).collect()
    }
}

/// A transport made of a function.
pub(crate) fn transport(
    diary: &Diary,
    answer: impl Fn(&Request<Bytes>) -> Result<Response<Bytes>, WireError> + Send + Sync + 'static,
) -> Transport {
    let (diary, answer) = (diary.clone(), Arc::new(answer));
    Transport::new(service_fn(move |request: Request<Bytes>| {
        diary.write(&request);
        std::future::ready(answer(&request).map(|response| response.map(whole)))
    }))
}
