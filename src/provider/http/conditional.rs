//! Conditional GET: an answer with an `ETag` is kept, asked for again with `If-None-Match`, and a 304 gives the kept one.
//! Nothing is ever answered without asking.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, response};
use indexmap::IndexMap;
use tower::service_fn;

use super::{body, class_of, send};
use crate::port::wire::{Class, Transport, WireBody, WireError, whole};

/// How many answers are kept.
const MOST_ENTRIES: usize = 256;
/// How many bytes of bodies are kept.
const MOST_BYTES: usize = 8 << 20;

/// The URL and the form that was asked for: the same URL has other bodies for other `Accept` headers.
type Key = (String, Option<HeaderValue>);

#[derive(Debug)]
struct Kept {
    etag: HeaderValue,
    head: response::Parts,
    body: Bytes,
}

/// The kept answers, oldest first.
#[derive(Debug, Default)]
struct Cache {
    entries: IndexMap<Key, Kept>,
    bytes: usize,
}

impl Cache {
    fn keep(&mut self, key: Key, kept: Kept) {
        self.forget(&key);
        self.bytes += kept.body.len();
        self.entries.insert(key, kept);
        while self.bytes > MOST_BYTES || self.entries.len() > MOST_ENTRIES {
            let Some((_, oldest)) = self.entries.shift_remove_index(0) else { break };
            self.bytes -= oldest.body.len();
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(old) = self.entries.shift_remove(key) {
            self.bytes -= old.body.len();
        }
    }
}

/// Keeps answers to reads that carry an `ETag`.
pub(super) fn conditional(inner: Transport) -> Transport {
    let cache = Arc::new(Mutex::new(Cache::default()));
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let (inner, cache) = (inner.clone(), cache.clone());
        async move {
            let own = request.headers().contains_key(header::IF_NONE_MATCH);
            if request.method() != Method::GET || class_of(&request) != Class::Read || own {
                return send(&inner, request).await;
            }
            ask(&inner, &cache, request).await
        }
    }))
}

async fn ask(
    inner: &Transport,
    cache: &Mutex<Cache>,
    mut request: Request<Bytes>,
) -> Result<Response<WireBody>, WireError> {
    let key = (request.uri().to_string(), request.headers().get(header::ACCEPT).cloned());
    let etag = lock(cache).entries.get(&key).map(|kept| kept.etag.clone());
    if let Some(etag) = etag {
        request.headers_mut().insert(header::IF_NONE_MATCH, etag);
    }
    let response = send(inner, request).await?;
    if response.status() == StatusCode::NOT_MODIFIED {
        return match lock(cache).entries.get(&key) {
            Some(kept) => Ok(Response::from_parts(kept.head.clone(), whole(kept.body.clone()))),
            None => Err(WireError::Lost("the answer is 304, and what it refers to is no longer kept".into())),
        };
    }
    let (head, body) = response.into_parts();
    let Some(etag) = head.headers.get(header::ETAG).filter(|_| head.status == StatusCode::OK).cloned() else {
        return Ok(Response::from_parts(head, body));
    };
    let body = body::collect(body).await?;
    lock(cache).keep(key, Kept { etag, head: head.clone(), body: body.clone() });
    Ok(Response::from_parts(head, whole(body)))
}

fn lock(cache: &Mutex<Cache>) -> std::sync::MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::testing::{get, reply, scripted};

    async fn text(response: Response<WireBody>) -> (u16, Bytes) {
        (response.status().as_u16(), body::collect(response.into_body()).await.unwrap())
    }

    #[tokio::test]
    async fn an_unchanged_answer_is_asked_for_and_then_taken_from_what_is_kept() {
        let (leaf, seen) = scripted([
            reply(200, &[("etag", "\"1\"")], "one"),
            reply(304, &[], ""),
            reply(200, &[("etag", "\"2\"")], "two"),
        ]);
        let layer = conditional(leaf);
        for expected in ["one", "one", "two"] {
            assert_eq!(text(send(&layer, get(Class::Read)).await.unwrap()).await, (200, Bytes::from(expected)));
        }
        let asked: Vec<_> = seen.all().iter().map(|r| r.headers().get("if-none-match").cloned()).collect();
        let one = Some(HeaderValue::from_static("\"1\""));
        assert_eq!(asked, [None, one.clone(), one]);
    }

    #[tokio::test]
    async fn an_answer_without_an_etag_is_not_kept() {
        let (leaf, seen) = scripted([reply(200, &[], "one"), reply(200, &[], "two")]);
        let layer = conditional(leaf);
        for expected in ["one", "two"] {
            assert_eq!(text(send(&layer, get(Class::Read)).await.unwrap()).await, (200, Bytes::from(expected)));
        }
        assert!(seen.all().iter().all(|request| !request.headers().contains_key("if-none-match")));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let mut cache = Cache::default();
        let head = || Response::new(()).into_parts().0;
        for n in 0..=MOST_ENTRIES {
            let body = Bytes::from_static(b"0123456789");
            cache.keep((n.to_string(), None), Kept { etag: HeaderValue::from_static("x"), head: head(), body });
        }
        assert_eq!((cache.entries.len(), cache.bytes), (MOST_ENTRIES, 10 * MOST_ENTRIES));
        assert!(!cache.entries.contains_key(&("0".to_owned(), None)));
        let body = Bytes::from(vec![0; MOST_BYTES]);
        cache.keep(("big".into(), None), Kept { etag: HeaderValue::from_static("x"), head: head(), body });
        assert_eq!((cache.entries.len(), cache.bytes), (1, MOST_BYTES));
    }
}
