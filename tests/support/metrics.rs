//! A Prometheus provider over plain HTTP to a server that a test started: no layers, so that what it sees is the server's.

use std::sync::Arc;

use bytes::Bytes;
use holdshort::{
    port::{
        lookup::Lookup,
        wire::{Transport, WireError, whole},
    },
    provider::prometheus::{self, Settings},
};
use http::{Request, Response};
use tower::service_fn;

/// Connects to the server at this base address.
pub(crate) fn connect(url: &str, settings: Settings) -> Arc<dyn Lookup> {
    // A second test of this process has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = url.to_owned();
    let transport = Transport::new(service_fn(move |request: Request<Bytes>| {
        let url = format!("{base}{}", request.uri());
        let (head, body) = request.into_parts();
        let request = client.request(head.method, url).headers(head.headers).body(body);
        async move {
            let reply = request.send().await.map_err(|error| WireError::NotConnected(error.to_string()))?;
            let status = reply.status();
            let body = reply.bytes().await.map_err(|error| WireError::Lost(error.to_string()))?;
            Ok(Response::builder().status(status).body(whole(body)).unwrap())
        }
    }));
    prometheus::over("metrics".into(), transport, settings, Arc::new(holdshort::runtime::clock::SystemClock))
        .lookups
        .remove(0)
}
