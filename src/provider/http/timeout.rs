//! Time-outs, all through the clock. Reads and writes have one for everything, body included; streams have one until the
//! head and one for silence, never a total.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tower::service_fn;

use super::{body, class_of, send};
use crate::{
    domain::ids::SourceName,
    port::{
        clock::SharedClock,
        wire::{Class, Limit, Transport, WireBody, WireError, whole},
    },
};

/// How long each class of request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A read, whole.
    pub read: Duration,
    /// A write, whole.
    pub write: Duration,
    /// A stream, until its head.
    pub head: Duration,
    /// A stream, between two chunks. A cluster's watch sends a bookmark about once a minute.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { read: seconds(4), write: seconds(10), head: seconds(4), idle: seconds(90) }
    }
}

impl Timeouts {
    /// Those of a connection whose answers may take so long; what is longer anyhow stays.
    #[must_use]
    pub fn of(timeout: Duration) -> Self {
        let usual = Self::default();
        Self { read: timeout, head: timeout, write: usual.write.max(timeout), idle: usual.idle.max(timeout) }
    }
}

/// Ends what takes too long. Names the setting that says how long that is, and the proxy where there is one: it may be what
/// is silent.
pub(super) fn timed(
    inner: Transport,
    times: Timeouts,
    source: SourceName,
    proxy: Option<String>,
    clock: SharedClock,
) -> Transport {
    let set = move |after| Limit { after, of: Some(source.to_string()) };
    let write = if times.write == Timeouts::default().write { times.write.into() } else { set(times.write) };
    let (read, head) = (set(times.read), set(times.head));
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, clock, proxy) = (inner.clone(), clock.clone(), proxy.clone());
        let limit = match class_of(&request) {
            Class::Read => read.clone(),
            Class::Write => write.clone(),
            Class::Stream => head.clone(),
        };
        async move {
            let answer = match class_of(&request) {
                Class::Read | Class::Write => within(limit, &clock, everything(&inner, request)).await,
                Class::Stream => {
                    let head = within(limit, &clock, send(&inner, request)).await;
                    head.map(|response| response.map(|body| Watched::new(body, times.idle, clock).boxed_unsync()))
                }
            };
            answer.map_err(|error| match (error, proxy) {
                (WireError::TimedOut(limit), Some(proxy)) => WireError::ProxySilent { limit, proxy },
                (error, _) => error,
            })
        }
    }))
}

async fn everything(inner: &Transport, request: Request<Bytes>) -> Result<Response<WireBody>, WireError> {
    let (head, body) = send(inner, request).await?.into_parts();
    Ok(Response::from_parts(head, whole(body::collect(body).await?)))
}

async fn within<T>(
    limit: Limit,
    clock: &SharedClock,
    work: impl Future<Output = Result<T, WireError>> + Send,
) -> Result<T, WireError> {
    // The work is polled first: what is ready at the limit still counts.
    match select(Box::pin(work), clock.sleep(limit.after)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(WireError::TimedOut(limit)),
    }
}

/// A body that fails when it is silent for too long.
struct Watched {
    body: WireBody,
    idle: Duration,
    clock: SharedClock,
    silence: BoxFuture<'static, ()>,
}

impl Watched {
    fn new(body: WireBody, idle: Duration, clock: SharedClock) -> Self {
        let silence = clock.sleep(idle);
        Self { body, idle, clock, silence }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = WireError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WireError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = self.clock.sleep(self.idle);
            return Poll::Ready(frame);
        }
        match self.silence.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(WireError::TimedOut(self.idle.into())))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("idle", &self.idle).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use http_body_util::StreamBody;

    use super::*;
    use crate::provider::http::testing::{Jumping, get, hung, scripted};

    fn then_silence(chunks: &'static [&'static str]) -> Response<WireBody> {
        let chunks = stream::iter(chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))));
        Response::new(StreamBody::new(chunks.chain(stream::pending())).boxed_unsync())
    }

    #[tokio::test]
    async fn a_system_that_accepts_and_never_answers_is_left_after_the_time_of_its_class() {
        let times = Timeouts::default();
        let set = |after| Limit { after, of: Some("eu".to_owned()) };
        let table =
            [(Class::Read, set(times.read)), (Class::Write, times.write.into()), (Class::Stream, set(times.head))];
        for (class, limit) in table {
            let answer = send(&timed(hung(), times, "eu".into(), None, Jumping::shared()), get(class)).await;
            assert_eq!(answer.err(), Some(WireError::TimedOut(limit)), "{class}");
        }
    }

    #[tokio::test]
    async fn the_proxy_that_may_be_what_is_silent_is_named() {
        let (times, proxy) = (Timeouts::default(), "http://proxy:3128".to_owned());
        let layer = timed(hung(), times, "eu".into(), Some(proxy.clone()), Jumping::shared());
        let answer = send(&layer, get(Class::Write)).await;
        assert_eq!(answer.err(), Some(WireError::ProxySilent { limit: times.write.into(), proxy }));
    }

    #[tokio::test]
    async fn a_time_that_is_set_is_waited_for_and_named_by_its_setting() {
        let times = Timeouts::of(Duration::from_secs(30));
        for class in [Class::Read, Class::Write, Class::Stream] {
            let answer = send(&timed(hung(), times, "metrics".into(), None, Jumping::shared()), get(class)).await;
            let text = "no answer within 30 s (`timeout` of connections.metrics)";
            assert_eq!(answer.unwrap_err().to_string(), text, "{class}");
        }
        assert_eq!(
            Timeouts::of(Duration::from_secs(2)),
            Timeouts { read: Duration::from_secs(2), head: Duration::from_secs(2), ..Timeouts::default() }
        );
    }

    #[tokio::test]
    async fn a_read_whose_body_never_ends_is_left_too() {
        let (leaf, _) = scripted([Ok(then_silence(&["half"]))]);
        let times = Timeouts::default();
        let answer = send(&timed(leaf, times, "eu".into(), None, Jumping::shared()), get(Class::Read)).await;
        let limit = Limit { after: times.read, of: Some("eu".to_owned()) };
        assert_eq!(answer.err(), Some(WireError::TimedOut(limit)));
    }

    #[tokio::test]
    async fn a_stream_may_go_on_and_only_its_silence_ends_it() {
        let (leaf, _) = scripted([Ok(then_silence(&["a\n", "b\n"]))]);
        let times = Timeouts::default();
        let response =
            send(&timed(leaf, times, "eu".into(), None, Jumping::shared()), get(Class::Stream)).await.unwrap();
        let mut lines = body::Lines::new(response.into_body());
        assert_eq!(lines.next().await, Ok(Some(Bytes::from("a"))));
        assert_eq!(lines.next().await, Ok(Some(Bytes::from("b"))));
        assert_eq!(lines.next().await, Err(WireError::TimedOut(times.idle.into())));
    }
}
