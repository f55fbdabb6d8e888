//! The real leaf: one reqwest client for a system. It has no retry, time-out or cache of its own: the layers have.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use tower::service_fn;

use super::{Base, based, error::causes};
use crate::{
    domain::observed::FaultKind,
    port::{
        error::ProviderError,
        wire::{Transport, WireError},
    },
};

/// How we name ourselves to every system.
pub(crate) const USER_AGENT: &str = concat!("holdshort/", env!("CARGO_PKG_VERSION"));

/// A transport to the system at `base`, with the machine's root certificates and the environment's proxy; a system on
/// this machine is never asked through a proxy.
///
/// # Errors
/// When the client cannot be built, or the token cannot stand in a header.
pub fn reqwest_leaf(base: &Base) -> Result<Transport, ProviderError> {
    // An error means that a provider is installed already, which is all we need.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().user_agent(USER_AGENT).retry(reqwest::retry::never());
    if !base.follows {
        builder = builder.redirect(reqwest::redirect::Policy::none());
    }
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|error| {
        let text = format!("no client for {}: {}", base.url, causes(&error));
        ProviderError::new(FaultKind::Unreachable, text)
    })?;
    based(over(client), base)
}

fn over(client: reqwest::Client) -> Transport {
    Transport::new(service_fn(move |request: Request<Bytes>| {
        let client = client.clone();
        async move {
            let request = reqwest::Request::try_from(request).map_err(wire)?;
            let response = http::Response::from(client.execute(request).await.map_err(wire)?);
            Ok(response.map(|body| body.map_err(wire).boxed_unsync()))
        }
    }))
}

fn wire(error: reqwest::Error) -> WireError {
    // The address may hold a query, which may hold what is nobody's business.
    let error = error.without_url();
    let text = causes(&error);
    if error.is_connect() || error.is_builder() { WireError::NotConnected(text) } else { WireError::Lost(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::wire::Class,
        provider::http::{send, testing::get},
    };

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_not_connected_and_nothing_was_sent() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", taken.local_addr().unwrap());
        drop(taken);
        let leaf = reqwest_leaf(&Base::new(url.parse().unwrap())).unwrap();
        let error = send(&leaf, get(Class::Write)).await.unwrap_err();
        assert!(matches!(error, WireError::NotConnected(_)), "{error:?}");
    }

    #[tokio::test]
    async fn where_a_system_sends_us_is_an_answer_for_those_that_ask_with_a_body() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let answered = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = server.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let moved = "HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(moved.as_bytes()).unwrap();
        });
        let leaf = reqwest_leaf(&Base::new(url.parse().unwrap()).unmoved()).unwrap();
        let response = send(&leaf, get(Class::Read)).await.unwrap();
        let to = response.headers()["location"].to_str().unwrap();
        assert_eq!((response.status().as_u16(), to), (301, "/elsewhere"));
        answered.join().unwrap();
    }
}
