//! The world in process: a transport without a socket, on whatever clock it is given.

use bytes::Bytes;
use futures::{StreamExt, future, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{service_fn, util::BoxCloneSyncService};

use crate::{
    demo::{
        shared::{SharedWorld, chunks},
        world::Answer,
    },
    port::{
        clock::SharedClock,
        wire::{Transport, WireBody, WireError, whole},
    },
};

/// A transport to the system that is served under `prefix`: the prefix is put before each
/// request's path, and its host does not matter. A hanging request never resolves; time-outs are the caller's.
pub fn transport(world: SharedWorld, clock: SharedClock, prefix: &str) -> Transport {
    let prefix = prefix.trim_end_matches('/').to_owned();
    BoxCloneSyncService::new(service_fn(move |request: Request<Bytes>| {
        answer(world.clone(), clock.clone(), prefix.clone(), request)
    }))
}

async fn answer(
    world: SharedWorld,
    clock: SharedClock,
    prefix: String,
    request: Request<Bytes>,
) -> Result<Response<WireBody>, WireError> {
    let request = prefixed(&prefix, request)?;
    let exchange = world.respond(clock.now(), &request);
    if !exchange.delay.is_zero() {
        clock.sleep(exchange.delay).await;
    }
    match exchange.answer {
        Answer::Never => future::pending().await,
        Answer::Whole(response) => Ok(response.map(whole)),
        Answer::Cut(response) => Ok(response.map(broken)),
        Answer::Stream { head, cursor } => {
            let frames = chunks(world, clock, cursor).map(|chunk| chunk.map(Frame::data));
            Ok(head.map(|()| StreamBody::new(frames).boxed_unsync()))
        }
    }
}

fn prefixed(prefix: &str, mut request: Request<Bytes>) -> Result<Request<Bytes>, WireError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = format!("{prefix}{path}").parse();
    *request.uri_mut() =
        uri.map_err(|error| WireError::NotConnected(format!("'{prefix}{path}' is no address: {error}")))?;
    Ok(request)
}

/// These bytes, and then a broken connection.
fn broken(bytes: Bytes) -> WireBody {
    let lost = WireError::Lost("the connection was reset in the middle of the answer".to_owned());
    StreamBody::new(stream::iter([Ok(Frame::data(bytes)), Err(lost)])).boxed_unsync()
}
