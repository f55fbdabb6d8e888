//! The world over HTTP on a loopback socket, for the systems' own clients, `curl` and other processes of our own.

use std::io;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
};
use bytes::Bytes;
use futures::{StreamExt, future, stream};
use http::{Response, StatusCode, header::CONTENT_LENGTH};
use tokio::net::TcpListener;

use crate::{
    demo::{
        shared::{SharedWorld, chunks},
        visitor::stranger,
        world::Answer,
    },
    port::{clock::SharedClock, wire::WireError},
};

/// The largest request body.
const MOST: usize = 4 << 20;

/// Serves the world until the future is dropped. Paths begin with the system's prefix; the `Date` header is world time.
pub async fn serve(listener: TcpListener, world: SharedWorld, clock: SharedClock) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state((world, clock));
    axum::serve(listener, router).await
}

async fn answer(State((world, clock)): State<(SharedWorld, SharedClock)>, request: Request) -> Response<Body> {
    if let Some(why) = stranger(request.uri(), request.headers()) {
        return refusal(StatusCode::FORBIDDEN, why);
    }
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 4 MiB, or broke off\n");
    };
    let exchange = world.respond(clock.now(), &http::Request::from_parts(head, body));
    if !exchange.delay.is_zero() {
        clock.sleep(exchange.delay).await;
    }
    match exchange.answer {
        Answer::Never => future::pending().await,
        Answer::Whole(response) => response.map(Body::from),
        Answer::Cut(response) => response.map(broken),
        Answer::Stream { head, cursor } => head.map(|()| Body::from_stream(chunks(world, clock, cursor))),
    }
}

/// These bytes, and then a broken connection: after an error in the body the server closes without the last chunk.
fn broken(bytes: Bytes) -> Body {
    let lost = stream::once(async {
        // The server sends what it has while the body is pending. With the error at hand it would not even send the head.
        tokio::task::yield_now().await;
        Err(WireError::Lost("cut on purpose".to_owned()))
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(lost))
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, text.len().into());
    response
}
