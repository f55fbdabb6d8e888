//! The world over HTTP on a loopback socket, for `kubectl`, `promtool`, `curl` and other processes of our own.

use std::{fmt::Write, io};

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

/// A kubeconfig for the cells of a served world: one context each, named like the cell, the first one current. `base` is
/// where the world is served, without a slash at the end: `http://127.0.0.1:8001`.
pub fn kubeconfig<'a>(base: &str, cells: impl IntoIterator<Item = &'a str>) -> String {
    let (mut clusters, mut contexts, mut current) = (String::new(), String::new(), None);
    for cell in cells {
        // Writing to a String cannot fail.
        let _ = write!(clusters, "- name: {cell}\n  cluster:\n    server: {base}/kubernetes/{cell}\n");
        let _ = write!(contexts, "- name: {cell}\n  context:\n    cluster: {cell}\n    user: demo\n");
        current.get_or_insert(cell);
    }
    let current = current.unwrap_or_default();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {current}\nclusters:\n{clusters}contexts:\n{contexts}users:\n\
         - name: demo\n  user: {{}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_has_a_context_for_each_cell_and_the_first_is_current() {
        assert_eq!(
            kubeconfig("http://127.0.0.1:8001", ["eu", "us"]),
            "apiVersion: v1\nkind: Config\ncurrent-context: eu\nclusters:\n\
             - name: eu\n  cluster:\n    server: http://127.0.0.1:8001/kubernetes/eu\n\
             - name: us\n  cluster:\n    server: http://127.0.0.1:8001/kubernetes/us\n\
             contexts:\n- name: eu\n  context:\n    cluster: eu\n    user: demo\n\
             - name: us\n  context:\n    cluster: us\n    user: demo\n\
             users:\n- name: demo\n  user: {}\n"
        );
    }
}
