//! One line for each request: what, how it ended, how long it took. Never a header, a query or a body: tokens and
//! customers' data travel there.

use bytes::Bytes;
use http::Request;
use tower::service_fn;

use super::{class_of, send};
use crate::{
    domain::{ids::SourceName, time::age},
    port::{clock::SharedClock, wire::Transport},
};

/// Tells `tracing` of every request, at debug level.
pub(super) fn traced(inner: Transport, source: SourceName, clock: SharedClock) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, source, clock) = (inner.clone(), source.clone(), clock.clone());
        async move {
            let (method, path, class) = (request.method().clone(), request.uri().path().to_owned(), class_of(&request));
            let sent = clock.now();
            let answer = send(&inner, request).await;
            let took = u64::try_from(age(clock.now(), sent).as_millis()).unwrap_or(u64::MAX);
            match &answer {
                Ok(response) => {
                    tracing::debug!(%source, %class, %method, path, status = response.status().as_u16(), took);
                }
                Err(error) => tracing::debug!(%source, %class, %method, path, %error, took),
            }
            answer
        }
    }))
}
