//! A transport that answers from a script and keeps what it was sent; a clock that moves only by sleeping.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::TimeZone;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::service_fn;

use crate::{
    domain::time::{Timestamp, after},
    port::{
        clock::Clock,
        wire::{Class, Transport, WireBody, WireError, whole},
    },
};

/// What was asked, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Request<Bytes>>>>);

impl Seen {
    pub(crate) fn all(&self) -> Vec<Request<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }
}

pub(crate) type Reply = Result<Response<WireBody>, WireError>;

/// Answers each request by a function of it.
pub(crate) fn answering(answer: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) -> (Transport, Seen) {
    let (seen, answer) = (Seen::default(), Arc::new(answer));
    let kept = seen.clone();
    let service = service_fn(move |request: Request<Bytes>| {
        let reply = answer(&request);
        kept.0.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        async move { reply }
    });
    (Transport::new(service), seen)
}

/// Answers from a list, in order; after its end every connection is refused.
pub(crate) fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Transport, Seen) {
    let replies: Mutex<VecDeque<Reply>> = Mutex::new(replies.into_iter().collect());
    answering(move |_| {
        let next = replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| Err(WireError::NotConnected("the script is over".into())))
    })
}

/// Never answers.
pub(crate) fn hung() -> Transport {
    Transport::new(service_fn(|_| std::future::pending::<Reply>()))
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &'static str) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(whole(body)).map_err(|error| WireError::Lost(error.to_string()))
}

pub(crate) fn get(class: Class) -> Request<Bytes> {
    Request::get("/x").extension(class).body(Bytes::new()).expect("a valid request")
}

/// Sleeping moves it; nothing else does.
#[derive(Debug)]
pub(crate) struct Jumping(Arc<Mutex<Timestamp>>);

impl Jumping {
    pub(crate) fn shared() -> Arc<Self> {
        let start = chrono::Utc.timestamp_opt(1_795_242_069, 0).single().expect("a valid time");
        Arc::new(Self(Arc::new(Mutex::new(start))))
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let now = self.0.clone();
        // Time passes when the sleep is polled, not when it is made: a time-out that is dropped costs nothing.
        Box::pin(async move {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = after(*now, span);
        })
    }
}
